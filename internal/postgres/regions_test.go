package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
	"codeforge/internal/storetest"
)

// prepare makes the roles of the tests and a database with the schema on a private server.
func prepare(t testing.TB, s *pgtest.Server) (db string) {
	t.Helper()
	s.Exec(t, "postgres", `create role anon nologin; create role authenticated nologin; create role service_role nologin;
		create role cf_app login noinherit; grant anon, authenticated, service_role to cf_app`)
	s.Exec(t, "postgres", "create database regions")
	if _, err := postgres.Migrate(t.Context(), s.URL(pgtest.Superuser, "regions"), ""); err != nil {
		t.Fatal(err)
	}
	return "regions"
}

// region is one server of ours with a replica.
type region struct {
	t     testing.TB
	store *postgres.Store
}

// await waits until a condition holds of what is known of replicas.
func (r region) await(what string, ok func(postgres.ReplicaStats) bool) {
	r.t.Helper()
	deadline := time.Now().Add(3 * time.Minute)
	for !ok(r.store.Replicas().Stats()) {
		if time.Now().After(deadline) {
			r.t.Fatalf("%s: %+v", what, r.store.Replicas().Stats())
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-r.t.Context().Done():
		}
	}
}

func (r region) reads() int64 { return r.store.Replicas().Stats().Replicas[0].Reads }

// user is one who is known to this server, and has written nothing of late: what it reads is read of the replica.
func (r region) user(id string) codeforge.User {
	r.t.Helper()
	u := codeforge.User{ID: id}
	r.await("a user who was here", func(postgres.ReplicaStats) bool {
		before := r.reads()
		if _, _, err := r.store.ListProjects(r.request(u, "", true), u, codeforge.ProjectFilter{Page: 1, Size: 1}); err != nil {
			r.t.Fatal(err)
		}
		return r.reads() > before
	})
	return u
}

func (r region) request(u codeforge.User, token string, reads bool) context.Context {
	ctx, _ := r.store.Replicas().Begin(r.t.Context(), u.ID, token, reads)
	return ctx
}

// write gives a project another title, and returns the token of the answer.
func (r region) write(u codeforge.User, project, title string) (token string) {
	r.t.Helper()
	ctx, said := r.store.Replicas().Begin(r.t.Context(), u.ID, "", false)
	if _, err := r.store.UpdateProject(ctx, u, project, codeforge.ProjectPatch{Title: &title}); err != nil {
		r.t.Fatal(err)
	}
	return said()
}

// read returns the title, and whether it was read of the replica.
func (r region) read(u codeforge.User, project, token string) (title string, replica bool) {
	r.t.Helper()
	before := r.reads()
	p, err := r.store.GetProject(r.request(u, token, true), u, project)
	if err != nil {
		r.t.Fatal(err)
	}
	return p.Title, r.reads() > before
}

func TestReplicas(t *testing.T) {
	t.Parallel()
	primary := pgtest.Private(t)
	db := prepare(t, primary)
	standby := primary.Standby(t, "second")
	keys := auth.NewKeyring([]byte(strings.Repeat("k", 32)))
	at := func() region {
		r := region{t, open(t, postgres.Options{URL: primary.URL(recommended, db), MaxConns: 4, Replicas: []string{standby.URL(recommended, db)}, Replica: postgres.ReplicaOptions{Every: 20 * time.Millisecond}})}
		r.store.Replicas().Remember(keys, nil)
		return r
	}
	here, there := at(), at()
	u := here.user(codeforge.NewID())
	p, err := here.store.CreateProject(here.request(u, "", false), u, codeforge.Project{Title: "state 0"})
	if err != nil {
		t.Fatal(err)
	}

	// A write is read at once, whether the replica has it or not; once it has, it answers.
	standby.PauseReplay(t)
	token := here.write(u, p.ID, "state 1")
	if title, replica := here.read(u, p.ID, ""); title != "state 1" || replica {
		t.Error("after a write:", title, replica)
	}
	// Elsewhere the token says what must be seen, and who comes from nowhere may have written anywhere.
	for name, token := range map[string]string{"with the token": token, "without one": "", "forged": forge(token), "of another": here.write(codeforge.User{ID: u.ID}, p.ID, "state 1"), "no token": "x"} {
		if title, replica := there.read(u, p.ID, token); title != "state 1" || replica {
			t.Error(name, title, replica)
		}
	}
	here.await("lag", func(s postgres.ReplicaStats) bool { return s.Replicas[0].Bytes > 0 && s.Replicas[0].Lag > 0 })
	standby.ResumeReplay(t)
	for _, r := range []region{here, there} {
		r.await("no lag", func(s postgres.ReplicaStats) bool { return s.Replicas[0].Lag == 0 && s.Replicas[0].Err == nil })
		r.await("an answer of the replica", func(postgres.ReplicaStats) bool { _, replica := r.read(u, p.ID, token); return replica })
	}
	if title, replica := here.read(u, p.ID, ""); title != "state 1" || !replica {
		t.Error("once it was replayed:", title, replica)
	}
	if title, replica := there.read(u, p.ID, token); title != "state 1" || !replica {
		t.Error("there, with the token:", title, replica)
	}
	if title, replica := there.read(codeforge.User{ID: u.ID}, p.ID, forge(token)); title != "state 1" || replica {
		t.Error("there, with a forged one:", title, replica)
	}

	// What a job stored is not missed by who was told of it.
	standby.PauseReplay(t)
	primary.Exec(t, db, fmt.Sprintf("update public.projects set title = 'state 2' where id = '%s'", p.ID))
	here.store.Replicas().Heard(u.ID)
	if title, replica := here.read(u, p.ID, ""); title != "state 2" || replica {
		t.Error("after news of a job:", title, replica)
	}
	// What changes something, and what is not a request's, is read where it is written.
	for name, ctx := range map[string]context.Context{"a write reads": here.request(u, "", false), "a job reads": t.Context(), "a cache reads": codeforge.FromPrimary(here.request(u, "", true))} {
		before := here.reads()
		if now, err := here.store.GetProject(ctx, u, p.ID); err != nil || now.Title != "state 2" || here.reads() != before {
			t.Error(name, now.Title, err)
		}
	}
	standby.ResumeReplay(t)

	// Each kind of read can be read of a replica.
	u = here.user(u.ID)
	testReadsOfReplica(t, here, u, p.ID)

	// A replica that is gone is no error, and is read of again when it is back.
	standby.Kill(t)
	for range 3 {
		if title, replica := here.read(u, p.ID, ""); title != "state 2" || replica {
			t.Error("without the replica:", title, replica)
		}
	}
	here.await("gone", func(s postgres.ReplicaStats) bool { return s.Replicas[0].Err != nil })
	standby.Restart(t)
	here.user(u.ID)
	testFailover(t, primary, standby, db, keys, u, p.ID)
}

// testFailover has a standby take over that lacks what was acknowledged last.
func testFailover(t *testing.T, primary, standby *pgtest.Server, db string, keys *auth.Keyring, u codeforge.User, project string) {
	ctx := t.Context()
	either := fmt.Sprintf("postgres://%s@127.0.0.1:%d,127.0.0.1:%d/%s?sslmode=disable", recommended, primary.Port, standby.Port, db)
	told := make(chan postgres.Failover, 2)
	s := open(t, postgres.Options{URL: either, MaxConns: 4, FailedOver: func(f postgres.Failover) { told <- f },
		Replicas: []string{primary.URL(recommended, db), standby.URL(recommended, db)}, Replica: postgres.ReplicaOptions{Every: 20 * time.Millisecond}})
	s.Replicas().Remember(keys, nil)
	if waits, ok, err := s.Durability(ctx); waits || !ok || err != nil {
		t.Error(waits, ok, err)
	}
	heard := make(chan codeforge.Event, 100)
	listening, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() { ended <- s.Listen(listening, func(e codeforge.Event) { heard <- e }) }()
	defer func() { stop(); <-ended }()
	<-heard
	submit := func() string {
		j, _, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: project, Agent: codeforge.QA})
		if err != nil {
			t.Fatal(err)
		}
		return j.ID
	}
	claim := func(id string) codeforge.Fence {
		j, ok, err := storetest.Claim(ctx, s, id, "w", time.Minute)
		if err != nil || !ok {
			t.Fatal(ok, err)
		}
		return codeforge.Fence{JobID: j.ID, Number: j.Fence}
	}
	kept := submit()
	primary.Exec(t, db, "create table public.replayed ()")
	deadline := time.Now().Add(3 * time.Minute)
	for standby.Query(t, db, "select to_regclass('public.replayed') is null") == "true" && time.Now().Before(deadline) {
	}
	standby.Kill(t)
	fence, lost := claim(kept), submit()
	old := region{t, s}.write(u, project, "state 3")
	primary.Kill(t)
	standby.Restart(t)
	if _, err := s.GetProject(ctx, u, project); !codeforge.IsKind(err, codeforge.Unavailable) {
		t.Error("nobody is the primary:", err)
	}
	standby.Promote(t)

	p, err := s.GetProject(ctx, u, project)
	if err != nil || p.Title != "state 2" {
		t.Fatal(p.Title, err)
	}
	if f := <-told; f.From != 1 || f.To != 2 || f.Err != nil || len(f.Lost) != 1 || f.Lost[0] != lost {
		t.Errorf("%+v, lost %s", f, lost)
	}
	for e := range heard { // the connection that listens is one to the server that took over
		if e.JobID == "" && e.ProjectID == "" {
			break
		}
	}
	// A claim that was lost is nobody's, and its number is not given again.
	record := func() error {
		_, err := s.RecordEvents(ctx, fence, 1, []codeforge.Event{{Type: codeforge.EventStage}})
		return err
	}
	if err := record(); !errors.Is(err, codeforge.ErrFenced) {
		t.Error("under the lost claim:", err)
	}
	if again := claim(kept); again.Number <= fence.Number {
		t.Errorf("claim %d after the lost %d", again.Number, fence.Number)
	}
	if err := record(); !errors.Is(err, codeforge.ErrFenced) {
		t.Error("under the lost claim, beside another one:", err)
	}
	if title, replica := (region{t, s}).read(u, project, old); title != "state 2" || replica {
		t.Error("with a token of before:", title, replica)
	}
	// The old primary comes back, and has not been told.
	primary.Restart(t)
	standby.Exec(t, "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where usename = 'cf_app'")
	for i := range 5 {
		title := fmt.Sprint("state ", 4+i)
		token := region{t, s}.write(u, project, title)
		if got, _ := (region{t, s}).read(u, project, token); got != title || standby.Query(t, db, "select title from public.projects") != title {
			t.Error("written elsewhere than read:", got)
		}
	}
	if title := primary.Query(t, db, "select title from public.projects"); title != "state 3" {
		t.Error("the old primary was written to:", title)
	}
}

// forge changes one character of a token.
func forge(token string) string {
	b := []byte(token)
	if b[10]++; b[10] > 'z' {
		b[10] = 'A'
	}
	return string(b)
}

// testReadsOfReplica calls what reads, as requests do: the replica answers all of it.
func testReadsOfReplica(t *testing.T, here region, u codeforge.User, project string) {
	ctx, s := here.request(u, "", true), here.store
	for name, read := range map[string]func() error{
		"project": func() error { _, err := s.GetProject(ctx, u, project); return err },
		"projects": func() error {
			_, _, err := s.ListProjects(ctx, u, codeforge.ProjectFilter{Page: 1, Size: 20})
			return err
		},
		"files": func() error { _, _, err := s.ListFiles(ctx, u, project, true, -1); return err },
		"file":  func() error { _, err := s.GetFile(ctx, u, project, "a"); return ignore(err, codeforge.Missing) },
		"revisions": func() error {
			_, _, err := s.ListRevisions(ctx, u, project, 1, 20)
			return err
		},
		"tree": func() error { _, _, err := s.RevisionFiles(ctx, u, project, 0, codeforge.Page{}); return err },
		"jobs": func() error { _, _, err := s.ListJobs(ctx, u, project, codeforge.JobFilter{Limit: 20}); return err },
		"messages": func() error {
			_, err := s.ListMessages(ctx, u, project, codeforge.MessageFilter{Limit: 20})
			return err
		},
		"lock":     func() error { _, err := s.ReadLock(ctx, u, project, 0); return err },
		"webhooks": func() error { _, err := s.ListWebhooks(ctx, u, project); return err },
		"usage": func() error {
			_, _, err := s.Ledger(nil).SumUsage(ctx, u, codeforge.UsageFilter{Group: codeforge.ByDay})
			return err
		},
		"budgets":   func() error { _, err := s.Ledger(nil).Budgets(ctx, u, project, ""); return err },
		"job usage": func() error { _, err := s.Ledger(nil).JobUsage(ctx, u, codeforge.Code, 5); return err },
		"places": func() error {
			_, err := s.QueuePlaces(ctx, []string{codeforge.NewID()}, codeforge.ClaimPolicy{})
			return err
		},
		"errors": func() error { _, err := s.PreviewErrors(ctx, u, project, 0, ""); return err },
		"tokens": func() error { _, err := s.ListTokens(ctx, u); return err },
		"counts": func() error { _, err := s.CountJobs(ctx); return err },
		"blob": func() error {
			_, err := s.ReadBlob(ctx, u, project, codeforge.BlobHash([]byte("x")))
			return ignore(err, codeforge.Missing)
		},
	} {
		before := here.store.Replicas().Stats().Replicas[0]
		if err := read(); err != nil {
			t.Error(name, err)
		}
		if now := here.store.Replicas().Stats().Replicas[0]; now.Reads == before.Reads || now.Failed != before.Failed {
			t.Errorf("%s was not read of the replica: %+v", name, here.store.Replicas().Stats())
		}
	}
}

func ignore(err error, k codeforge.Kind) error {
	if codeforge.IsKind(err, k) {
		return nil
	}
	return err
}
