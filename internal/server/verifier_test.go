package server

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/verify/hostile"
)

// children lists the child processes of a server, by state.
func (p *process) children(t *testing.T) map[int]string {
	t.Helper()
	out := map[int]string{}
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // it ended meanwhile
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(name)))
		if f := strings.Fields(string(b[strings.LastIndexByte(string(b), ')')+1:])); len(f) > 1 && f[1] == fmt.Sprint(p.Process.Pid) {
			out[pid] = f[0]
		}
	}
	return out
}

// TestKilledVerifiers kills children of a server at random moments under load: no job is lost or fails, no child stays a
// zombie, no file is left behind. With CODEFORGE_SOAK it is 20 kills, else 5.
func TestKilledVerifiers(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("children are found in /proc")
	}
	kills := 5
	if os.Getenv("CODEFORGE_SOAK") != "" {
		kills = 20
	}
	temp := t.TempDir()
	p := start(t, t.TempDir(), "TMPDIR="+temp)
	ctx, stop := context.WithCancel(t.Context())
	var mu sync.Mutex
	var jobs []string
	var load sync.WaitGroup
	enough := make(chan struct{})
	var once sync.Once
	for range 4 {
		load.Go(func() {
			for ctx.Err() == nil {
				var project codeforge.Project
				var job struct {
					ID string `json:"job_id"`
				}
				if err := p.Call(t.Context(), "POST", "/v1/projects", map[string]any{"title": "Kill", "description": "Track books"}, &project); err != nil {
					t.Error(err)
					return
				}
				if err := p.Call(t.Context(), "POST", "/v1/run-pipeline", map[string]any{"project_id": project.ID, "input_context": map[string]any{"user_message": "Track books"}}, &job); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				jobs = append(jobs, job.ID)
				if len(jobs) > 2 {
					once.Do(func() { close(enough) })
				}
				mu.Unlock()
				p.awaitEnd(t, job.ID)
				var check struct{ OK bool }
				if err := p.Call(t.Context(), "GET", "/v1/projects/"+project.ID+"/check", nil, &check); err != nil || !check.OK {
					t.Errorf("check: %+v %v", check, err)
				}
			}
		})
	}
	<-enough
	for done := 0; done < kills; {
		<-time.After(time.Duration(rand.IntN(100)) * time.Millisecond)
		for pid := range p.children(t) { // in the order of a map: any of them
			if syscall.Kill(pid, syscall.SIGKILL) == nil {
				done++
			}
			break
		}
	}
	stop()
	load.Wait()
	for _, id := range jobs {
		var job codeforge.Job
		p.must(t, "/v1/jobs/"+id, &job)
		if job.Status != codeforge.JobCompleted {
			t.Errorf("job %s is %s: %s %.1000s", id, job.Status, job.Error, job.Result)
		}
	}
	for pid, state := range p.children(t) {
		if state == "Z" {
			t.Errorf("child %d is a zombie", pid)
		}
	}
	if left, _ := os.ReadDir(temp); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	t.Logf("%d jobs, %d kills", len(jobs), kills)
}

// TestModelThatAnswersBombs has a model write what no parser survives: its job fails, once, with words that name the file;
// the server and everybody else's checks go on.
func TestModelThatAnswersBombs(t *testing.T) {
	bomb := hostile.Trees()["fold enum"]["a.ts"]
	arguments, _ := json.Marshal(map[string]string{"path": "src/bomb.ts", "content": bomb})
	calls := 0
	model := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Method == http.MethodGet {
			fmt.Fprint(w, `{"object":"list","data":[{"id":"small","object":"model","created":1,"owned_by":"us"}]}`)
			return
		}
		calls++
		name, args := "finish", `{"summary":"Wrote what was wanted."}`
		if calls == 1 {
			name, args = "write_file", string(arguments)
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"id": "1", "object": "chat.completion", "model": "small", "usage": map[string]int{"prompt_tokens": 1, "completion_tokens": 1},
			"choices": []any{map[string]any{"index": 0, "finish_reason": "tool_calls", "message": map[string]any{"role": "assistant", "tool_calls": []any{
				map[string]any{"id": fmt.Sprint("c", calls), "type": "function", "function": map[string]string{"name": name, "arguments": args}}}}}}})
	}))
	defer model.Close()
	p := start(t, t.TempDir(), "LLM_COMPATIBLE_URL="+model.URL+"/v1", "LLM_COMPATIBLE_MODEL=small", "VERIFIER_MEMORY_MB=256")
	var project, other codeforge.Project
	for _, to := range []*codeforge.Project{&project, &other} {
		if err := p.Call(t.Context(), "POST", "/v1/projects", map[string]any{"title": "Bombs"}, to); err != nil {
			t.Fatal(err)
		}
	}
	var job struct {
		ID string `json:"job_id"`
	}
	if err := p.Call(t.Context(), "POST", "/v1/run-agent", map[string]any{"project_id": project.ID, "agent_type": "code", "input_context": map[string]any{"user_message": "x"}}, &job); err != nil {
		t.Fatal(err)
	}
	p.awaitEnd(t, job.ID)
	var ended struct {
		Status codeforge.JobStatus
		Error  string
		Result json.RawMessage
	}
	p.must(t, "/v1/jobs/"+job.ID, &ended)
	if ended.Status != codeforge.JobFailed || !strings.Contains(ended.Error, "did not build") || !strings.Contains(string(ended.Result), "src/bomb.ts") || !strings.Contains(string(ended.Result), "memory") {
		t.Errorf("%s %q %.500s", ended.Status, ended.Error, ended.Result)
	}
	var check struct{ OK bool }
	p.must(t, "/v1/projects/"+other.ID+"/check", &check)
	var health struct {
		Status       string
		Dependencies map[string]string
	}
	p.must(t, "/health", &health)
	if !check.OK || health.Dependencies["verifier"] != "ok" {
		t.Errorf("%+v %+v", check, health)
	}
}
