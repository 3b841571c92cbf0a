package server

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"codeforge"
	"codeforge/internal/pgtest"
)

// command runs the program on a data folder and returns what it says.
func command(t *testing.T, dir string, args ...string) (string, error) {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, append(args, "--data-dir", dir)...)
	cmd.Dir = t.TempDir()
	cmd.Env = []string{"NPM_REGISTRY=off", "SMOKE=off"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// TestBackupDrill: a busy server is backed up, and one that starts on what is restored elsewhere has everything that was answered
// before the backup began, as it was, and goes on.
func TestBackupDrill(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir, "CODEFORGE_BENCH=1")
	type written struct{ project, job string }
	var mu sync.Mutex
	var all []written
	ctx, stop := context.WithCancel(t.Context())
	enough := make(chan struct{})
	var load sync.WaitGroup
	for range 3 {
		load.Go(func() {
			for ctx.Err() == nil {
				var project codeforge.Project
				var job struct {
					ID string `json:"job_id"`
				}
				if p.Call(ctx, "POST", "/v1/projects", map[string]any{"title": "Kept"}, &project) != nil ||
					p.Call(ctx, "POST", "/v1/projects/"+project.ID+"/files", map[string]any{"path": "a.txt", "content": "of " + project.ID}, &struct{}{}) != nil ||
					p.Call(ctx, "POST", "/v1/run-agent", map[string]any{"project_id": project.ID, "agent_type": "noop"}, &job) != nil {
					continue
				}
				mu.Lock()
				if all = append(all, written{project.ID, job.ID}); len(all) == 20 {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	<-enough
	mu.Lock()
	before := len(all)
	mu.Unlock()
	out, err := command(t, dir, "backup", t.TempDir())
	if err != nil {
		t.Fatal(err, out)
	}
	name, _, _ := strings.Cut(out, "\n")
	mu.Lock()
	during := len(all) - before
	mu.Unlock()
	stop()
	load.Wait()
	p.kill()

	elsewhere := filepath.Join(t.TempDir(), "data")
	for _, args := range [][]string{{"restore", "--check", name}, {"restore", name}} {
		if out, err := command(t, elsewhere, args...); err != nil || !contains(out, "projects") {
			t.Fatal(err, out)
		}
	}
	if out, err := command(t, elsewhere, "restore", name); err == nil || !contains(out, "nothing is overwritten") {
		t.Errorf("%v %s", err, out)
	}
	again := start(t, elsewhere, "CODEFORGE_BENCH=1")
	for _, w := range all[:before] {
		var file struct{ Content string }
		again.must(t, "/v1/projects/"+w.project+"/files/a.txt", &file)
		if file.Content != "of "+w.project {
			t.Errorf("the file of %s is %q", w.project, file.Content)
		}
		again.awaitEnd(t, w.job)
	}
	if err := again.Call(t.Context(), "POST", "/v1/projects", map[string]any{"title": "New"}, &struct{}{}); err != nil {
		t.Error(err)
	}
	t.Logf("%d writes were answered before the backup, %d while it was made", before, during)
}

// Where a database has tools of its own, the way is told.
func TestBackupOfADatabaseIsItsOwn(t *testing.T) {
	cfg := configured(t, "--database-url", "postgres://u@h/d")
	_, _, err := Backup(t.Context(), cfg, t.TempDir())
	_, restored := Restore(t.Context(), cfg, "x")
	for _, err := range []error{err, restored} {
		if err == nil || !contains(fmt.Sprint(err), "docs/operations.md") {
			t.Error(err)
		}
	}
}

// TestPostgresIsRestoredAsTheDocumentSays: a dump of the operator's tools, restored into another database, holds what a server needs,
// its rights and its queue too.
func TestPostgresIsRestoredAsTheDocumentSays(t *testing.T) {
	p := newProject(t)
	url, admin := freshDatabase(t)
	emptyURL, emptyAdmin := emptyDatabase(t)
	at := func(url string) []string {
		return []string{"--supabase-url", p.url, "--database-url", url, "--stream-secret", "the same secret for all servers, please"}
	}
	first := serve(t, configured(t, at(url)...))
	job := first.as(p.token(t, alice)).submit(t, "research")
	first.as(p.token(t, alice)).events(t, job)
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	dump := filepath.Join(t.TempDir(), "codeforge.dump")
	for _, args := range [][]string{{"pg_dump", "-Fc", "--no-owner", "-d", admin, "-f", dump}, {"pg_restore", "--no-owner", "--exit-on-error", "-d", emptyAdmin, dump}} {
		if out, err := pgtest.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	second := serve(t, configured(t, at(emptyURL)...))
	c := second.as(p.token(t, alice))
	var state struct{ Status string }
	if c.must(t, "GET", "/v1/jobs/"+job, nil, &state); state.Status != "completed" {
		t.Errorf("the job is %s", state.Status)
	}
	again := c.submit(t, "research")
	if kinds := c.events(t, again); kinds[len(kinds)-1] != "complete" {
		t.Errorf("what is restored runs no jobs: %v", kinds)
	}
	if status, _, _ := second.as(p.token(t, bob)).ask(t, "GET", "/v1/jobs/"+job, nil); status != 404 {
		t.Errorf("a stranger reads it: %d", status)
	}
}
