package server

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"codeforge/internal/postgres"
)

// slowModel is an endpoint of a model that never answers. It tells of each call, and of each that was given up.
type slowModel struct {
	url           string
	called, ended chan struct{}
}

func newSlowModel(t *testing.T) *slowModel {
	t.Helper()
	m := &slowModel{called: make(chan struct{}, 100), ended: make(chan struct{}, 100)}
	done := make(chan struct{})
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			_, _ = w.Write([]byte(`{"object":"list","data":[{"id":"m","object":"model"}]}`))
			return
		}
		// Only when its body was read does a server notice that a client went away.
		buf := make([]byte, 4096)
		for {
			if _, err := r.Body.Read(buf); err != nil {
				break
			}
		}
		m.called <- struct{}{}
		select {
		case <-r.Context().Done():
			m.ended <- struct{}{}
		case <-done:
		}
	}))
	t.Cleanup(s.Close)
	t.Cleanup(func() { close(done) })
	m.url = s.URL + "/v1"
	return m
}

func (m *slowModel) args() []string {
	return []string{"--llm-compatible-url", m.url, "--llm-compatible-model", "m"}
}

func wait(t *testing.T, what string, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(3 * time.Minute):
		t.Fatal("in vain waited for", what)
	}
}

// events follows a job to its end and returns the names of its events, in order.
func (c caller) events(t *testing.T, job string) (kinds []string) {
	t.Helper()
	last := "0"
	done, err := c.Stream(t.Context(), c.Base+"/v1/jobs/"+job+"/stream", &last, func(kind string, data []byte) (bool, error) {
		kinds = append(kinds, kind)
		return slices.Contains([]string{"complete", "error", "cancelled"}, kind), nil
	})
	if !done {
		t.Error("the stream broke:", err, kinds)
	}
	return kinds
}

// submit starts a job of alice on a new project.
func (c caller) submit(t *testing.T, agent string) (job string) {
	t.Helper()
	var p, j struct {
		ID  string
		Job string `json:"job_id"`
	}
	c.must(t, "POST", "/v1/projects/", object{"title": "Dog walkers"}, &p)
	c.must(t, "POST", "/v1/run-agent", object{"project_id": p.ID, "agent_type": agent, "input_context": object{"user_message": "dogs", "skip_clarification": true}}, &j)
	return j.Job
}

// TestTwoServers: two servers on one database are one to their users.
func TestTwoServers(t *testing.T) {
	p := newProject(t)
	url, _ := freshDatabase(t)
	args := []string{"--supabase-url", p.url, "--database-url", url, "--stream-secret", "the same secret for all servers, please"}
	token := p.token(t, alice)
	a, b := serve(t, configured(t, args...)), serve(t, configured(t, args...))

	// A job that A runs is watched at B.
	job := a.as(token).submit(t, "research")
	if kinds := b.as(token).events(t, job); kinds[len(kinds)-1] != "complete" || !slices.Contains(kinds, "stage") {
		t.Error(kinds)
	}

	// One that waits for its model is cancelled at another server than the one that runs it: that one gives the call up, long
	// before it would have looked at its lease.
	m, n := newSlowModel(t), newSlowModel(t)
	slow := func(m *slowModel) *server {
		return serve(t, configured(t, append(append(slices.Clone(args), m.args()...), "--job-lease", "600")...))
	}
	if err := errors.Join(a.Close(), b.Close()); err != nil {
		t.Fatal(err)
	}
	runs, other := slow(m), slow(n)
	job = runs.as(token).submit(t, "research")
	select {
	case <-m.called:
	case <-n.called: // it was faster
		runs, other, m = other, runs, n
	case <-time.After(3 * time.Minute):
		t.Fatal("no model was called")
	}
	watched := make(chan []string, 1)
	go func() { watched <- runs.as(token).events(t, job) }()
	other.as(token).must(t, "POST", "/v1/jobs/"+job+"/cancel", nil, new(object))
	wait(t, "the end of the call", m.ended)
	if kinds := <-watched; kinds[len(kinds)-1] != "cancelled" {
		t.Error(kinds)
	}
}

// TestTwoServersWithoutAnnouncements: where a store tells of nothing, watchers still see what another server does.
func TestTwoServersWithoutAnnouncements(t *testing.T) {
	p := newDataProject(t)
	args := []string{"--supabase-url", p.url, "--supabase-service-key", p.rest.Secret, "--stream-secret", "the same secret for all servers, please"}
	token, m := p.token(t, alice), newSlowModel(t)
	b, c := serve(t, configured(t, args...)), serve(t, configured(t, append(slices.Clone(args), m.args()...)...))
	job := c.as(token).submit(t, "research")
	wait(t, "the call of the model", m.called)
	last, seen, cancelled := "0", make(chan struct{}), false
	var once sync.Once
	var watching sync.WaitGroup
	watching.Go(func() {
		_, err := b.as(token).Stream(t.Context(), b.URL()+"/v1/jobs/"+job+"/stream", &last, func(kind string, data []byte) (bool, error) {
			once.Do(func() { close(seen) })
			cancelled = kind == "cancelled"
			return cancelled, nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	wait(t, "the first event", seen)
	c.as(token).must(t, "POST", "/v1/jobs/"+job+"/cancel", nil, new(object))
	watching.Wait()
	if !cancelled {
		t.Error("the stream ended without the end of the job")
	}
}

// TestTakeover: the job of a server that was killed is run by another one when its lease has ended.
func TestTakeover(t *testing.T) {
	p := newProject(t)
	url, _ := freshDatabase(t)
	token := p.token(t, alice)
	m := newSlowModel(t)
	dying := start(t, t.TempDir(), "DATABASE_URL="+url, "SUPABASE_URL="+p.url, "JOB_LEASE=2", "LLM_COMPATIBLE_URL="+m.url, "LLM_COMPATIBLE_MODEL=m", "HOST=127.0.0.1")
	dying.Token = token
	job := dying.submit(t, "research")
	wait(t, "the call of the model", m.called)
	other := serve(t, configured(t, "--supabase-url", p.url, "--database-url", url, "--job-lease", "2"))
	dying.kill()
	if kinds := other.as(token).events(t, job); kinds[len(kinds)-1] != "complete" {
		t.Error(kinds)
	}
}

// TestStartMigrates: a server brings an empty database up to date when it has a login for that, and says what to do when
// it has none.
func TestStartMigrates(t *testing.T) {
	p := newProject(t)
	freshDatabase(t) // makes the roles
	url, admin := emptyDatabase(t)
	_, err := Open(t.Context(), configured(t, "--supabase-url", p.url, "--database-url", url), os.Stderr)
	if err == nil || !contains(err.Error(), "MIGRATE_DATABASE_URL", "codeforge migrate --print") {
		t.Error(err)
	}
	cfg := configured(t, "--supabase-url", p.url, "--database-url", url, "--migrate-database-url", admin)
	if err := checkMigrated(t, cfg); err == nil {
		t.Error("an empty database is up to date")
	}
	s := serve(t, cfg)
	if err := s.store.Ping(context.Background()); err != nil {
		t.Error(err)
	}
	if err := checkMigrated(t, cfg); err != nil {
		t.Error(err)
	}
	// Its next start needs the other login no more.
	serve(t, configured(t, "--supabase-url", p.url, "--database-url", url))
}

// TestProjectWithoutSchema: a server on a project where nothing was set up says what to do, and works as soon as it is done.
func TestProjectWithoutSchema(t *testing.T) {
	freshDatabase(t) // makes the roles
	url, admin := emptyDatabase(t)
	p := newDataProjectOn(t, url)
	s := serve(t, configured(t, "--supabase-url", p.url, "--supabase-service-key", p.rest.Secret))
	status, text, _ := s.as("").ask(t, "GET", "/ready", nil)
	if status != 503 || !contains(text, "codeforge migrate --print", "supabase db push") {
		t.Error(status, text)
	}
	if status, text, _ = s.as("").ask(t, "GET", "/health", nil); status != 200 || !contains(text, "degraded") {
		t.Error(status, text)
	}
	if status, text, _ = s.as(p.token(t, alice)).ask(t, "GET", "/v1/projects/", nil); status != 503 {
		t.Error(status, text)
	}
	if _, err := postgres.Migrate(t.Context(), admin, ""); err != nil {
		t.Fatal(err)
	}
	p.rest.Reload(t)
	if status, text, _ = s.as("").ask(t, "GET", "/ready", nil); status != 200 || !contains(text, `"isolation":"row-level-security"`) {
		t.Error(status, text)
	}
	makeBelongings(t, s.as(p.token(t, alice)))
}

// TestFeedsOfTwoServers: whoever watches a project, or their own jobs, at one server sees what the other does in it, and what a
// program does that is none of ours.
func TestFeedsOfTwoServers(t *testing.T) {
	p := newProject(t)
	url, admin := freshDatabase(t)
	args := []string{"--supabase-url", p.url, "--database-url", url, "--stream-secret", "the same secret for all servers, please"}
	token := p.token(t, alice)
	a, b := serve(t, configured(t, args...)), serve(t, configured(t, append(slices.Clone(args), "--role", "api")...))
	stranger, err := pgx.Connect(t.Context(), admin)
	if err != nil {
		t.Fatal(err)
	}
	defer stranger.Close(context.WithoutCancel(t.Context()))
	var project struct{ ID string }
	a.as(token).must(t, "POST", "/v1/projects/", object{"title": "Dog walkers"}, &project)
	ready, done := make(chan struct{}, 2), make(chan map[string]int, 2)
	watch := func(path string, wanted ...string) {
		seen, last := map[string]int{}, ""
		c := b.as(token)
		_, err := c.Stream(t.Context(), c.Base+path, &last, func(kind string, data []byte) (bool, error) {
			if seen[kind]++; kind == "ready" {
				ready <- struct{}{}
			}
			return !slices.ContainsFunc(wanted, func(w string) bool { return seen[w] == 0 }), nil
		})
		if err != nil {
			t.Error(path, err, seen)
		}
		done <- seen
	}
	go watch("/v1/projects/"+project.ID+"/events", "job", "project", "message", "revision", "stage", "complete")
	go watch("/v1/events", "job", "stage", "complete")
	wait(t, "the beginning", ready)
	wait(t, "the beginning", ready)
	for _, q := range []string{"update public.projects set title = 'Cat walkers' where id = $1", "insert into public.project_files (project_id, path, content) values ($1, 'a.ts', 'a')"} {
		if _, err := stranger.Exec(t.Context(), q, project.ID); err != nil {
			t.Fatal(err)
		}
	}
	a.as(token).must(t, "POST", "/v1/run-agent", object{"project_id": project.ID, "agent_type": "research", "input_context": object{"user_message": "dogs", "skip_clarification": true}}, new(object))
	for range 2 {
		select {
		case <-done:
		case <-time.After(3 * time.Minute):
			t.Fatal("something was not told")
		}
	}
}
