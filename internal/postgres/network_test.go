package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/llm"
	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
	"codeforge/internal/storetest"
)

// proxy stands between a store and its server and counts round trips: how often a client that had heard the server's
// answer speaks again.
type proxy struct {
	trips atomic.Int64
	delay time.Duration // of each direction
	l     net.Listener
	to    string

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t testing.TB, port int, delay time.Duration) *proxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{delay: delay, l: l, to: fmt.Sprintf("127.0.0.1:%d", port)}
	var g sync.WaitGroup
	g.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			s, err := net.Dial("tcp", p.to)
			if err != nil {
				c.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, c, s)
			p.mu.Unlock()
			var heard atomic.Bool // the server spoke last
			heard.Store(true)
			g.Go(func() {
				p.pipe(s, c, func() {
					if heard.Swap(false) {
						p.trips.Add(1)
					}
				})
			})
			g.Go(func() { p.pipe(c, s, func() { heard.Store(true) }) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		p.cut()
		g.Wait()
	})
	return p
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		c.Close()
	}
	p.conns = nil
}

func (p *proxy) pipe(to, from net.Conn, spoke func()) {
	defer to.Close()
	defer from.Close()
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			spoke()
			time.Sleep(p.delay) // what is measured is a distance
			if _, err := to.Write(buf[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func (p *proxy) url(login, db string) string {
	return fmt.Sprintf("postgres://%s@%s/%s?sslmode=disable", login, p.l.Addr(), db)
}

func TestRoundTrips(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	p := newProxy(t, s.Port, 10*time.Millisecond) // 20 ms there and back
	store := open(t, postgres.Options{URL: p.url(recommended, db), MaxConns: 1})
	aside := open(t, postgres.Options{URL: s.URL(recommended, db), MaxConns: 1}) // for what does not count
	ctx, u := t.Context(), codeforge.LocalUser()
	project, err := store.CreateProject(ctx, u, codeforge.Project{Title: "Far away"})
	if err != nil {
		t.Fatal(err)
	}
	d, err := postgres.NewDispatcher(ctx, store, nil, quiet) // what it is handed goes along
	if err != nil {
		t.Fatal(err)
	}
	defer d.Stop(ctx)
	books := store.Ledger(map[llm.BudgetScope]int64{llm.BudgetUserDay: 1_000_000})
	call := llm.Call{ProjectID: project.ID, UserID: u.ID, Agent: codeforge.Code}
	_, token, err := auth.NewToken(u, "ci", auth.Scopes, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := store.CreateToken(ctx, u, token); err != nil {
		t.Fatal(err)
	}
	student, err := store.CreateProject(ctx, u, codeforge.Project{Title: "Student", Mode: codeforge.ModeStudent})
	if err != nil {
		t.Fatal(err)
	}
	s.Exec(t, db, "insert into public.learning_roadmaps (project_id, modules) values ('"+student.ID+"', '[{}]')")
	gone := codeforge.NewID()
	var last codeforge.Job
	var fence codeforge.Fence
	var hold string
	n := 0
	head := func() int64 {
		now, err := aside.GetProject(ctx, u, project.ID)
		if err != nil {
			t.Fatal(err)
		}
		return now.Revision
	}
	// waiting is a job that waits with a proposal.
	waiting := func() string {
		j, _, _, err := aside.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: project.ID, Agent: codeforge.Code, IfBusy: codeforge.BusyCancel})
		if err == nil {
			j, _, err = storetest.Claim(ctx, aside, j.ID, "w", time.Minute)
		}
		if err == nil {
			_, err = aside.FinishJob(ctx, codeforge.Fence{JobID: j.ID, Number: j.Fence}, codeforge.Outcome{Status: codeforge.Waiting,
				Proposal: &codeforge.NewProposal{Changes: []codeforge.FileChange{{Path: "proposed.ts"}}}})
		}
		if err != nil {
			t.Fatal(err)
		}
		return j.ID
	}
	for _, c := range []struct {
		name string
		do   func() error
	}{
		{"create project", func() error { _, err := store.CreateProject(ctx, u, codeforge.Project{Title: "Another"}); return err }},
		{"copy project", func() error {
			_, _, err := store.CopyProject(ctx, u, codeforge.ProjectCopy{From: project.ID, IdempotencyKey: codeforge.NewID()})
			return err
		}},
		{"get project", func() error { _, err := store.GetProject(ctx, u, project.ID); return err }},
		{"list projects", func() error {
			_, _, err := store.ListProjects(ctx, u, codeforge.ProjectFilter{Page: 1, Size: 20})
			return err
		}},
		{"update project", func() error {
			_, err := store.UpdateProject(ctx, u, project.ID, codeforge.ProjectPatch{Title: new("Near")})
			return err
		}},
		{"write file", func() error {
			n++
			_, err := store.WriteFile(ctx, u, project.ID, codeforge.FileWrite{Path: fmt.Sprintf("%d.ts", n), Content: "x"})
			return err
		}},
		{"list files", func() error { _, _, err := store.ListFiles(ctx, u, project.ID, true, -1); return err }},
		{"list files without contents", func() error { _, _, err := store.ListFiles(ctx, u, project.ID, false, -1); return err }},
		{"get file", func() error { _, err := store.GetFile(ctx, u, project.ID, "1.ts"); return err }},
		{"delete file", func() error {
			err := store.DeleteFile(ctx, u, project.ID, fmt.Sprintf("%d.ts", n), nil)
			n--
			return err
		}},
		{"list revisions", func() error { _, _, err := store.ListRevisions(ctx, u, project.ID, 1, 20); return err }},
		{"read revision", func() error { _, _, err := store.RevisionFiles(ctx, u, project.ID, 1, codeforge.Page{}); return err }},
		{"diff revision", func() error { _, _, err := store.RevisionDeltas(ctx, u, project.ID, 1, codeforge.Page{}); return err }},
		{"compare revisions", func() error {
			_, _, err := store.CompareRevisions(ctx, u, project.ID, 0, 1, codeforge.Page{})
			return err
		}},
		{"commits", func() error { _, _, err := store.GitRevisions(ctx, u, project.ID, 0, 10); return err }},
		{"contents", func() error {
			_, err := store.ReadContents(ctx, u, project.ID, []string{codeforge.BlobHash([]byte("x"))})
			return err
		}},
		{"push", func() error {
			hash, err := aside.PutBlob(ctx, u, project.ID, []byte("PACK\x00"))
			if err != nil {
				return err
			}
			_, err = store.PushRevisions(ctx, u, project.ID, codeforge.Push{Head: head(), Revisions: []codeforge.PushedRevision{{Commit: strings.Repeat("a", 40), Packs: []string{hash}}}})
			return err
		}},
		{"restore revision", func() error { _, err := store.RestoreRevision(ctx, u, project.ID, 1, nil); return err }},
		{"submit", func() (err error) {
			last, _, _, err = store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: project.ID, Agent: codeforge.QA, UserMessage: "hello", IdempotencyKey: codeforge.NewID()})
			return err
		}},
		{"claim", func() error {
			j, ok, err := storetest.Claim(ctx, store, last.ID, "w", time.Minute)
			if ok {
				fence = codeforge.Fence{JobID: j.ID, Number: j.Fence}
			}
			return err
		}},
		{"get job", func() error { _, err := store.GetJob(ctx, u, last.ID); return err }},
		{"list jobs", func() error {
			_, _, err := store.ListJobs(ctx, u, project.ID, codeforge.JobFilter{Limit: 20})
			return err
		}},
		{"list jobs of a user", func() error {
			_, _, err := store.ListUserJobs(ctx, u, codeforge.UserJobs{Agent: codeforge.QA, Limit: 20})
			return err
		}},
		{"read events", func() error { _, err := store.Events(ctx, u, last.ID, 0, 20); return err }},
		{"list messages", func() error {
			_, err := store.ListMessages(ctx, u, project.ID, codeforge.MessageFilter{Limit: 20})
			return err
		}},
		{"renew", func() error { _, err := store.RenewLeases(ctx, []codeforge.Fence{fence}, time.Minute); return err }},
		{"keep stage", func() error {
			n++
			_, err := store.KeepStage(ctx, fence, codeforge.StageResult{Stage: codeforge.Code, Round: n, Base: head(),
				Changes: []codeforge.FileChange{{Path: "kept.ts", Content: codeforge.NewID()}}, Events: []codeforge.Event{{Type: codeforge.EventFile}}})
			return err
		}},
		{"submit in place of others", func() error {
			_, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: project.ID, Agent: codeforge.Code, IfBusy: codeforge.BusyCancel})
			return err
		}},
		{"read proposal", func() error { _, _, err := store.ReadProposal(ctx, u, waiting(), codeforge.Page{}); return err }},
		{"apply proposal", func() error {
			_, err := store.ApplyProposal(ctx, u, waiting(), codeforge.Application{TreeChange: codeforge.TreeChange{Head: head(), Changes: []codeforge.FileChange{{Path: codeforge.NewID()}}}})
			return err
		}},
		{"reject proposal", func() error { _, err := store.RejectProposal(ctx, u, waiting(), nil); return err }},
		{"take back", func() error {
			_, err := store.TakeBackJob(ctx, u, waiting(), codeforge.TreeChange{Head: head(), Changes: []codeforge.FileChange{{Path: codeforge.NewID()}}})
			return err
		}},
		{"mark revision", func() error { n++; return store.MarkChecked(ctx, u, project.ID, 1, n%2 == 0, nil, nil, nil) }},
		{"put blob", func() error { _, err := store.PutBlob(ctx, u, project.ID, []byte("\xff")); return err }},
		{"read blob", func() error {
			_, err := store.ReadBlob(ctx, u, project.ID, codeforge.BlobHash([]byte("\xff")))
			return err
		}},
		{"write revision", func() error {
			_, err := store.WriteRevision(ctx, u, project.ID, codeforge.TreeChange{Head: -1, Lock: []byte("lock"), Changes: []codeforge.FileChange{{Path: "blob", Hash: codeforge.BlobHash([]byte("\xff"))}}})
			return err
		}},
		{"put screenshot", func() error { _, err := store.PutBlob(ctx, u, project.ID, []byte("\xfe")); return err }},
		{"mark with screenshot", func() error {
			return store.MarkChecked(ctx, u, project.ID, 2, true, nil, []codeforge.Screenshot{{Page: "a", Width: 1, Type: "image/png", Hash: codeforge.BlobHash([]byte("\xfe"))}}, nil)
		}},
		{"read lock", func() error { _, err := store.ReadLock(ctx, u, project.ID, 0); return err }},
		{"list screenshots", func() error { _, err := store.ListScreenshots(ctx, u, project.ID, 2); return err }},
		{"read screenshot", func() error { _, _, err := store.ReadScreenshot(ctx, u, project.ID, 2, "a", 1); return err }},
		{"sweep", func() error { return store.SweepWorking(ctx, time.Now().Add(-time.Hour)) }},
		{"read journal", func() error { _, err := store.Get(ctx, llm.JournalKey{JobID: last.ID, Hash: "h"}); return err }},
		{"write journal", func() error {
			_, err := store.Put(ctx, llm.JournalKey{JobID: last.ID, Hash: "h"}, []byte("{}"))
			return err
		}},
		{"reserve", func() (err error) {
			hold, err = books.Reserve(ctx, llm.Reservation{Call: call, Worst: 10, Prompt: 5, Lapses: time.Now().Add(time.Minute)})
			return err
		}},
		{"record", func() error {
			return books.Record(ctx, llm.Entry{ID: codeforge.NewID(), Reservation: hold, Call: call, Cost: llm.Cost{MicroUSD: 7}, At: time.Now()})
		}},
		{"usage", func() error {
			_, _, err := books.SumUsage(ctx, u, codeforge.UsageFilter{Group: codeforge.ByDay})
			return err
		}},
		{"calls of a job", func() error { _, err := books.JobCalls(ctx, u, last.ID, "", 20); return err }},
		{"answer of a call", func() error {
			_, err := books.JobAnswer(ctx, u, last.ID, 1)
			if codeforge.IsKind(err, codeforge.Missing) { // it has none
				return nil
			}
			return err
		}},
		{"usage of jobs", func() error { _, err := books.JobUsage(ctx, u, codeforge.Code, 10); return err }},
		{"budgets", func() error { _, err := books.Budgets(ctx, u, project.ID, last.ID); return err }},
		{"set budget", func() error { return books.SetBudget(ctx, u, llm.BudgetProjectDay, project.ID, new(int64(1000))) }},
		{"use token", func() error { _, err := store.UseToken(ctx, token.Hash, time.Now()); return err }},
		{"list tokens", func() error { _, err := store.ListTokens(ctx, u); return err }},
		{"revoke token", func() error { return store.RevokeToken(ctx, u, token.ID, time.Now()) }},
		{"claim jobs", func() error {
			_, err := store.ClaimJobs(ctx, "w", time.Minute, 10, codeforge.ClaimPolicy{Held: []string{last.ID}})
			return err
		}},
		{"queue places", func() error { _, err := store.QueuePlaces(ctx, []string{last.ID}, codeforge.ClaimPolicy{}); return err }},
		{"count queued", func() error { _, err := store.CountQueued(ctx); return err }},
		{"get profile", func() error { _, err := store.GetProfile(ctx, u); return err }},
		{"put profile", func() error {
			_, err := store.PutProfile(ctx, u, codeforge.ProfilePatch{Username: new("far")})
			return err
		}},
		{"join waitlist", func() error { return store.JoinWaitlist(ctx, "far@example.com") }},
		{"get roadmap", func() error { _, err := store.GetRoadmap(ctx, u, student.ID); return err }},
		{"set step", func() error { _, err := store.SetRoadmapStep(ctx, u, student.ID, 0); return err }},
		{"choose option", func() error { _, err := store.ChooseOption(ctx, u, student.ID, 0, "a"); return err }},
		{"student progress", func() error { _, err := store.GetStudentProgress(ctx, u, student.ID); return err }},
		{"add session", func() error {
			_, err := store.AddSession(ctx, u, student.ID, codeforge.DailySession{Transcript: []byte("[]")})
			return err
		}},
		{"list sessions", func() error { _, err := store.ListSessions(ctx, u, student.ID, "", 10); return err }},
		{"messages of a role", func() error {
			_, err := store.ListMessages(ctx, u, project.ID, codeforge.MessageFilter{Limit: 10, Role: "user", Settled: true})
			return err
		}},
		{"put pattern", func() error {
			return store.PutPattern(ctx, codeforge.Pattern{ProjectID: project.ID, JobID: last.ID, Model: "test:a", Vector: make([]float32, codeforge.VectorSize), CreatedAt: time.Now()})
		}},
		{"near patterns", func() error {
			_, err := store.NearPatterns(ctx, codeforge.PatternQuery{UserID: u.ID, Model: "test:a", Vector: make([]float32, codeforge.VectorSize), Limit: 3})
			return err
		}},
		{"list patterns", func() error { _, err := store.ListPatterns(ctx, u, project.ID); return err }},
		{"reviewed architectures", func() error {
			_, err := store.ReviewedArchitectures(ctx, "test:a", time.Now().Add(-time.Hour), "", 10)
			return err
		}},
		{"put key", func() error { _, err := store.PutKey(ctx, u, "openai", "abcd", []byte("sealed")); return err }},
		{"list keys", func() error { _, err := store.ListKeys(ctx, u); return err }},
		{"keys of a user", func() error { _, err := store.UserKeys(ctx, u.ID); return err }},
		{"delete key", func() error {
			if _, err := aside.PutKey(ctx, u, "google", "abcd", []byte("sealed")); err != nil {
				return err
			}
			return store.DeleteKey(ctx, u, "google")
		}},
		{"delete project", func() error {
			p, err := aside.CreateProject(ctx, u, codeforge.Project{Title: "Gone"})
			if err != nil {
				return err
			}
			_, err = store.DeleteProject(ctx, u, p.ID, nil)
			return err
		}},
		{"delete profile", func() error { return store.DeleteProfile(ctx, codeforge.User{ID: gone}) }},
		{"ping", func() error { return store.Ping(ctx) }},
	} {
		// The first time on a connection its statements are described to it.
		if err := c.do(); err != nil {
			t.Fatal(c.name, err)
		}
		before := p.trips.Load()
		began := time.Now()
		if err := c.do(); err != nil {
			t.Fatal(c.name, err)
		}
		if got := p.trips.Load() - before; got != 1 {
			t.Errorf("%s: %d round trips", c.name, got)
		}
		if took := time.Since(began); took < 20*time.Millisecond {
			t.Errorf("%s took %v: it did not go through the proxy", c.name, took)
		}
	}
}

// Dead connections cost a read nothing but time, and a server that is gone is an error that says so and no more.
func TestReconnect(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	p := newProxy(t, s.Port, 0)
	store := open(t, postgres.Options{URL: p.url(recommended, db), MaxConns: 16})
	ctx, u := t.Context(), codeforge.LocalUser()
	project, err := store.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		var g sync.WaitGroup
		for range 32 { // so that many connections are there to die
			g.Go(func() { store.GetProject(ctx, u, project.ID) })
		}
		g.Wait()
		p.cut()
		if _, err := store.GetProject(ctx, u, project.ID); err != nil {
			t.Fatal(err)
		}
		s.Exec(t, "postgres", "select pg_terminate_backend(pid) from pg_stat_activity where datname = '"+db+"' and pid <> pg_backend_pid()")
		if _, _, err := store.ListFiles(ctx, u, project.ID, true, -1); err != nil {
			t.Fatal(err)
		}
	}
	p.l.Close()
	p.cut()
	_, err = store.GetProject(ctx, u, project.ID)
	fault, ok := errors.AsType[*codeforge.Error](err)
	if !ok || fault.Kind != codeforge.Unavailable || !fault.Retryable || strings.Contains(fault.Message, "127.0.0.1") {
		t.Fatalf("%#v", err)
	}
	cancelled, cancel := context.WithCancel(ctx)
	cancel()
	if _, err = store.GetProject(cancelled, u, project.ID); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// A statement that takes too long ends on the server too.
func TestStatementTimeout(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	store := open(t, postgres.Options{URL: s.URL(recommended, db), StatementTimeout: 90 * time.Millisecond})
	p, err := store.CreateProject(t.Context(), codeforge.LocalUser(), codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, s.URL(pgtest.Superuser, db))
	tx, err := c.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback(context.Background())
	if _, err := tx.Exec(t.Context(), "select from public.projects for update"); err != nil {
		t.Fatal(err)
	}
	_, err = store.WriteFile(t.Context(), codeforge.LocalUser(), p.ID, codeforge.FileWrite{Path: "a.ts"})
	if e, ok := errors.AsType[*codeforge.Error](err); !ok || e.Kind != codeforge.Unavailable || e.Message != "The data store took too long" {
		t.Fatal(err)
	}
}

// Each event of each job and each change of a project, whoever made it, reaches who listens, and after a lost connection all are
// told that they may have missed something.
func TestListen(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	p := newProxy(t, s.Port, 0)
	listener := open(t, postgres.Options{URL: p.url(recommended, db)})
	store := open(t, postgres.Options{URL: s.URL(recommended, db)})
	ctx, u := t.Context(), codeforge.LocalUser()
	project, err := store.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	heard := make(chan string, 100)
	listening, stop := context.WithCancel(ctx)
	ended := make(chan error)
	go func() {
		ended <- listener.Listen(listening, func(n codeforge.Event) { heard <- n.JobID + "/" + n.ProjectID + "/" + n.UserID })
	}()
	expect := func(want ...string) { // in any order
		t.Helper()
		for left := slices.Clone(want); len(left) > 0; {
			select {
			case got := <-heard:
				i := slices.Index(left, got)
				if i < 0 {
					t.Fatalf("heard %q, want %q", got, left)
				}
				left = slices.Delete(left, i, i+1)
			case <-time.After(3 * time.Minute):
				t.Fatalf("heard nothing, want %q", left)
			}
		}
	}
	const nothing = "//"
	expect(nothing)
	owners := "/" + project.ID + "/" + u.ID
	for range 2 {
		j, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: project.ID, Agent: codeforge.QA})
		if err != nil {
			t.Fatal(err)
		}
		expect(j.ID + owners)
		if j, _, err = storetest.Claim(ctx, store, j.ID, "w", time.Minute); err != nil {
			t.Fatal(err)
		}
		expect("/" + project.ID + "/") // the conversation says that it runs
		f := codeforge.Fence{JobID: j.ID, Number: j.Fence}
		if _, err := store.RecordEvents(ctx, f, 1, []codeforge.Event{{Type: codeforge.EventStage}}); err != nil {
			t.Fatal(err)
		}
		expect(j.ID + owners)
		if _, err := store.FinishJob(ctx, f, codeforge.Outcome{Status: codeforge.JobCompleted, Events: []codeforge.Event{{Type: codeforge.EventComplete}}}); err != nil {
			t.Fatal(err)
		}
		expect(j.ID+owners, "/"+project.ID+"/") // and that it does no more
		s.Exec(t, db, "update public.projects set title = 'Theirs' where id = '"+project.ID+"' and title <> 'Theirs'; insert into public.chat_messages (project_id, role, content) values ('"+project.ID+"', 'user', 'hello')")
		expect("/" + project.ID + "/")
		p.cut()
		expect(nothing)
	}
	stop()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	b := s.Bouncer(t, 2, recommended)
	pooled := open(t, postgres.Options{URL: b.URL(recommended, db)})
	if err := pooled.Listen(ctx, func(codeforge.Event) {}); !errors.Is(err, postgres.ErrNoListen) {
		t.Fatal(err)
	}
}

// TestLine runs many jobs of one project on two servers, from four pools, and looks for two at work at once.
func TestLine(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	ctx, u := t.Context(), codeforge.LocalUser()
	stores := make([]*postgres.Store, 4)
	for i := range stores {
		stores[i] = open(t, postgres.Options{URL: s.URL(recommended, db), MaxConns: 3})
	}
	p, err := stores[0].CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	const jobs = 40
	var inside, done, submitted atomic.Int64
	var g sync.WaitGroup
	for i, store := range stores {
		for range 2 {
			g.Go(func() {
				for submitted.Add(1) <= jobs {
					if _, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code}); err != nil {
						t.Error(err)
					}
				}
				for done.Load() < jobs && !t.Failed() {
					got, err := store.ClaimJobs(ctx, fmt.Sprint(i), time.Minute, 3, codeforge.ClaimPolicy{})
					if err != nil {
						t.Error(err)
						return
					}
					for _, j := range got.Jobs {
						if inside.Add(1) != 1 {
							t.Error("two at once")
						}
						if _, err := store.WriteFile(ctx, u, p.ID, codeforge.FileWrite{Path: "by-hand.ts", Content: j.ID}); err != nil {
							t.Error(err)
						}
						inside.Add(-1)
						f := codeforge.Fence{JobID: j.ID, Number: j.Fence}
						if _, err := store.KeepStage(ctx, f, codeforge.StageResult{Stage: codeforge.Code, Base: j.Base + 1, Changes: []codeforge.FileChange{{Path: "a.ts", Content: j.ID}}}); err != nil {
							t.Error(err)
						}
						if _, err := store.FinishJob(ctx, f, codeforge.Outcome{Status: codeforge.JobCompleted}); err != nil {
							t.Error(err)
						}
						done.Add(1)
					}
				}
			})
		}
	}
	g.Wait()
	list, _, err := stores[0].ListJobs(ctx, u, p.ID, codeforge.JobFilter{Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	for i, j := range list {
		if want := int64(2 * (jobs - i)); j.Revision != want {
			t.Fatalf("job %d from the end made revision %d, want %d: not in order of submission", i, j.Revision, want)
		}
	}
}

// Connection strings, as the operator may write them.
func TestURLs(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"postgres://u:secret@[::1", "port=x"} {
		if _, _, err := postgres.Open(t.Context(), postgres.Options{URL: bad}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", bad, err)
		}
	}
	if _, _, err := postgres.Open(t.Context(), postgres.Options{URL: "postgres://h/d", PoolMode: "statement"}); err == nil || !strings.Contains(err.Error(), "statement") {
		t.Error(err)
	}
	u := url.URL{Scheme: "postgres", User: url.UserPassword("postgres", "secret"), Host: "db.nosuchproject.supabase.co:5432", Path: "/postgres"}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	_, _, err := postgres.Open(ctx, postgres.Options{URL: u.String()})
	if err == nil || !strings.Contains(err.Error(), "IPv6") || strings.Contains(err.Error(), "secret") {
		t.Error(err)
	}
}
