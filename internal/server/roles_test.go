package server

import (
	"encoding/json"
	"strings"
	"testing"

	"codeforge/internal/api"
)

// An embedded store belongs to one process, which says so to whoever wants to share it.
func TestRolesNeedASharedStore(t *testing.T) {
	for _, role := range []string{roleAPI, roleWorker} {
		err := configured(t, "--role", role).ValidateServing()
		if err == nil || !contains(err.Error(), "ROLE") || !contains(err.Error(), "DATABASE_URL") {
			t.Errorf("%s: %v", role, err)
		}
		if err := configured(t, "--role", role, "--database-url", "postgres://u@h/d").ValidateServing(); err != nil {
			t.Errorf("%s with a database: %v", role, err)
		}
	}
	if err := configured(t, "--redis-url", "redis://127.0.0.1:6379").ValidateServing(); err != nil {
		t.Error(err)
	}
}

// A worker answers those who watch it, by whatever name they know it, and nobody else; nothing of users need be set for it.
func TestWorkerAnswersItsWatchers(t *testing.T) {
	url, _ := freshDatabase(t)
	s := serve(t, configured(t, "--role", "worker", "--environment", "production", "--llm-scaffold", "--database-url", url, "--stream-secret", "the same secret for all servers, please"))
	c := s.as("")
	for _, path := range []string{"/livez", "/readyz", "/ready/", "/health", "/readyz?verbose"} {
		if status, text, h := c.ask(t, "GET", path, nil, "Host", "10.1.2.3"); status != 200 || h.Get("X-RateLimit-Limit") != "" {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
	for _, path := range []string{"/v1/projects/", "/v1/models", "/docs", "/openapi.json"} {
		if status, text, _ := c.ask(t, "GET", path, nil); status != 404 {
			t.Errorf("%s: %d %s", path, status, text)
		}
	}
}

func TestReadySaysHowEachPartIs(t *testing.T) {
	s := serve(t, configured(t))
	look := func(path string) (status int, body struct {
		Status  string
		Store   string
		Checks  []api.Check
		Details struct {
			Reason  string
			Failing []string
			Checks  []api.Check
		}
	}) {
		t.Helper()
		status, text, _ := s.as("").ask(t, "GET", path, nil)
		if err := json.Unmarshal([]byte(text), &body); err != nil {
			t.Fatal(err, text)
		}
		return status, body
	}
	names := func(all []api.Check) string {
		var out []string
		for _, c := range all {
			out = append(out, c.Name+":"+c.State)
		}
		return strings.Join(out, " ")
	}
	status, body := look("/readyz?verbose")
	if got := names(body.Checks); status != 200 || body.Status != "ready" || !contains(got, "store:ok") || !contains(got, "verifier:ok") || !contains(got, "descriptors:ok") || !contains(got, "draining:ok") || !contains(got, "disk:") {
		t.Errorf("%d %+v", status, body)
	}
	if _, body := look("/readyz"); body.Checks != nil {
		t.Errorf("nobody asked for %+v", body.Checks)
	}
	s.draining.Store(true)
	if status, body := look("/ready"); status != 503 || !contains(body.Details.Reason, "about to stop") || body.Details.Failing[0] != "draining" || body.Details.Checks != nil {
		t.Errorf("%d %+v", status, body)
	}
	if status, body := look("/ready?verbose=1"); status != 503 || !contains(names(body.Details.Checks), "draining:failing") {
		t.Errorf("%d %+v", status, body)
	}
	if status, _ := look("/livez"); status != 200 {
		t.Error(status)
	}
}

// TestRoles: what an api process takes in a worker runs, and never it itself; each sees to its own, and the api's users see the job's
// events.
func TestRoles(t *testing.T) {
	p := newProject(t)
	url, _ := freshDatabase(t)
	args := []string{"--supabase-url", p.url, "--database-url", url, "--stream-secret", "the same secret for all servers, please"}
	front := serve(t, configured(t, append(args, "--role", "api")...))
	c := front.as(p.token(t, alice))
	job := c.submit(t, "research")
	if stats := front.engine.Stats(); stats.Workers != 0 || stats.Busy != 0 {
		t.Errorf("an api process works: %+v", stats)
	}
	var state struct{ Status string }
	if c.must(t, "GET", "/v1/jobs/"+job, nil, &state); state.Status != "queued" {
		t.Errorf("without a worker the job is %s", state.Status)
	}
	back := serve(t, configured(t, append(args, "--role", "worker")...))
	if kinds := c.events(t, job); kinds[len(kinds)-1] != "complete" {
		t.Errorf("the job's events are %v", kinds)
	}
	if status, _, _ := back.as(p.token(t, alice)).ask(t, "GET", "/v1/jobs/"+job, nil); status != 404 {
		t.Errorf("a worker answers users: %d", status)
	}
}
