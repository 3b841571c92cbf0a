package server

import (
	"context"
	"database/sql"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"codeforge"

	_ "modernc.org/sqlite"
)

// TestReplay runs ended jobs again from their journals, beside the server that ran them: the outcome is the same byte for
// byte. With another answer in the journal it is not, and the command says so.
func TestReplay(t *testing.T) {
	dir := t.TempDir()
	p := start(t, dir)
	var project codeforge.Project
	if err := p.Call(t.Context(), "POST", "/v1/projects", map[string]any{"title": "Replay", "description": "Plants and their watering"}, &project); err != nil {
		t.Fatal(err)
	}
	submit := func(path string, body map[string]any) string {
		t.Helper()
		var job struct {
			ID string `json:"job_id"`
		}
		body["project_id"] = project.ID
		if err := p.Call(t.Context(), "POST", path, body, &job); err != nil {
			t.Fatal(err)
		}
		return job.ID
	}
	run := func(path string, body map[string]any) string {
		t.Helper()
		id := submit(path, body)
		p.awaitEnd(t, id)
		return id
	}
	first := run("/v1/run-pipeline", map[string]any{"input_context": map[string]any{"user_message": "Plants and their watering"}})
	second := run("/v1/run-agent", map[string]any{"agent_type": "code", "input_context": map[string]any{"user_message": "Add a page for pots"}})
	broken := run("/v1/run-agent", map[string]any{"agent_type": "code", "input_context": map[string]any{"user_message": "Add shelves", "scaffold": "broken"}})

	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	replay := func(job string) (string, error) {
		out, err := exec.Command(path, "replay", job, "--data-dir", dir).CombinedOutput()
		return string(out), err
	}
	// A job under review ends by what people make of its proposal, also of one whose code did not build.
	reviewed := submit("/v1/run-agent", map[string]any{"agent_type": "code", "apply": "review", "input_context": map[string]any{"user_message": "Add a page for seeds"}})
	last := "0"
	waiting, seen := context.WithCancel(t.Context())
	p.events(waiting, reviewed, &last, func(kind string, _ int64) {
		if kind == string(codeforge.EventWaiting) {
			seen()
		}
	})
	for _, job := range []string{reviewed, broken} {
		if err := p.Call(t.Context(), "POST", "/v1/jobs/"+job+"/apply", map[string]any{"resolve": map[string]string{"*": "job"}}, &struct{}{}); err != nil {
			t.Fatal(err)
		}
	}
	for name, job := range map[string]string{"pipeline": first, "change": second, "failed job": broken, "reviewed job": reviewed} {
		if out, err := replay(job); err != nil || !strings.Contains(out, "the same, byte for byte") {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}

	p.kill()
	db, err := sql.Open("sqlite", filepath.Join(dir, "codeforge.db"))
	if err != nil {
		t.Fatal(err)
	}
	res, err := db.Exec(`UPDATE llm_journal SET entry = replace(entry, 'Search', 'Seek') WHERE job_id = ? AND entry LIKE '%Search%'`, first)
	if err != nil {
		t.Fatal(err)
	}
	if n, _ := res.RowsAffected(); n == 0 {
		t.Fatal("the journal does not hold what was to be changed")
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if out, err := replay(first); err == nil || !strings.Contains(out, "differently") {
		t.Errorf("with another answer in its journal: %v %s", err, out)
	}
}
