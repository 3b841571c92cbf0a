package server

import (
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"

	"codeforge"
)

// TestDrainInOrder: a server that is told to stop says first that it is not ready and goes on as before, then takes no more jobs and
// hands back those that it has, then ends its streams, and then itself.
func TestDrainInOrder(t *testing.T) {
	p := start(t, t.TempDir(), "DRAIN_DELAY=2", "SHUTDOWN_TIMEOUT=8")
	job := p.stalled(t)
	var kinds []string
	streamed := make(chan error, 1)
	begun := make(chan struct{})
	go func() {
		last := "0"
		_, err := p.Stream(t.Context(), p.Base+"/v1/jobs/"+job+"/stream", &last, func(kind string, data []byte) (bool, error) {
			if kind == "stage" {
				close(begun)
			}
			kinds = append(kinds, kind)
			return kind == "dropped", nil
		})
		streamed <- err
	}()
	<-begun
	if err := p.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	p.awaitNotReady(t)
	p.must(t, "/livez", &struct{}{})
	p.must(t, "/v1/jobs/"+job, &struct{}{})
	if err := p.Call(t.Context(), "POST", "/v1/projects", map[string]any{"title": "Late"}, &struct{}{}); err != nil {
		t.Errorf("a server that drains still answers: %v", err)
	}
	p.refusedJobs(t, job)
	if err := <-streamed; err != nil {
		t.Error(err)
	}
	// It was handed back before the stream ended.
	if n := len(kinds); n < 2 || kinds[n-1] != "dropped" || kinds[n-2] != "progress" {
		t.Errorf("the stream said %v", kinds)
	}
	<-p.dead
	if code := p.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// A second signal ends the process at once.
func TestSecondSignal(t *testing.T) {
	p := start(t, t.TempDir(), "DRAIN_DELAY=600", "SHUTDOWN_TIMEOUT=600")
	for _, signal := range []os.Signal{os.Interrupt, syscall.SIGTERM} {
		if err := p.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if signal == os.Interrupt {
			p.awaitNotReady(t)
		}
	}
	<-p.dead
	if status := p.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() || status.Signal() != syscall.SIGTERM {
		t.Errorf("it ended with %v", p.ProcessState)
	}
}

// refusedJobs submits jobs, between which it watches another, until one is refused.
func (p *process) refusedJobs(t *testing.T, watched string) {
	t.Helper()
	c := caller{p.Client}
	for {
		status, text, header := c.ask(t, "POST", "/v1/run-agent", object{"project_id": c.project(t), "agent_type": "research", "input_context": object{"user_idea": "dogs"}})
		if status == http.StatusOK {
			p.must(t, "/v1/jobs/"+watched+"?wait=1s", &struct{}{})
			continue
		}
		if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" || !strings.Contains(text, "SERVICE_UNAVAILABLE") {
			t.Errorf("%d, Retry-After %q: %s", status, header.Get("Retry-After"), text)
		}
		return
	}
}

// stalled starts a job whose model does not answer.
func (p *process) stalled(t *testing.T) (job string) {
	t.Helper()
	var project codeforge.Project
	if err := p.Call(t.Context(), "POST", "/v1/projects", map[string]any{"title": "Drain", "description": "Recipes"}, &project); err != nil {
		t.Fatal(err)
	}
	var answer struct {
		ID string `json:"job_id"`
	}
	body := map[string]any{"project_id": project.ID, "agent_type": "code", "input_context": map[string]any{"user_message": "Recipes", "scaffold": "stall"}}
	if err := p.Call(t.Context(), "POST", "/v1/run-agent", body, &answer); err != nil {
		t.Fatal(err)
	}
	return answer.ID
}

// awaitNotReady asks until the server says that it is not ready.
func (p *process) awaitNotReady(t *testing.T) {
	t.Helper()
	for {
		res, err := http.Get(p.Base + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode == http.StatusServiceUnavailable {
			return
		}
	}
}
