package agent_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent"
	"codeforge/internal/evidence"
	"codeforge/internal/offline"
	"codeforge/internal/verify"
)

// workspace is a project on which agents work with the offline model and the real verification, job after job.
type workspace struct {
	project codeforge.Project
	files   map[string]string
	events  []codeforge.Event
	changed int // files, by the last job

	packages bool // can be had
}

func (o *workspace) keep(_ context.Context, s codeforge.StageResult) (codeforge.Kept, error) {
	for _, c := range s.Changes {
		if o.files[c.Path] = c.Content; c.Delete {
			delete(o.files, c.Path)
		}
	}
	if s.Requirements != nil {
		o.project.Requirements = s.Requirements
	}
	if s.Architecture != nil {
		o.project.Architecture = s.Architecture
	}
	o.changed += len(s.Changes)
	return codeforge.Kept{Revision: int64(o.changed)}, nil
}

func (o *workspace) run(t *testing.T, who codeforge.AgentType, input string) (codeforge.Outcome, error) {
	t.Helper()
	o.events, o.changed = nil, 0
	task := codeforge.Task{Project: o.project,
		Job:    codeforge.Job{ID: "j", ProjectID: o.project.ID, UserID: "u", Agent: who, Input: json.RawMessage(input)},
		Report: func(_ float64, events ...codeforge.Event) { o.events = append(o.events, events...) },
		Keep:   o.keep}
	for path, content := range o.files {
		task.Files = append(task.Files, codeforge.File{Path: path, Content: content})
	}
	out, err := agent.New(agent.Options{Model: offline.New(), Check: inProcess, Available: func(context.Context) evidence.Available {
		return evidence.Available{Packages: o.packages}
	}}).Run(t.Context(), &task)
	if err != nil {
		return out, err
	}
	var v map[string]any
	if err := json.Unmarshal(out.Result, &v); err != nil {
		t.Fatal(err)
	}
	if u, _ := v["usage"].(map[string]any); u["model"] != "scaffold" || u["provider"] != "scaffold" || u["calls"] == 0.0 {
		t.Errorf("%s: usage %v", who, v["usage"])
	}
	if out.Status == codeforge.JobCompleted && (v["summary"] == "" || v["summary"] == nil || len(out.Chat) != 1) {
		t.Errorf("%s: %s", who, out.Result)
	}
	return out, nil
}

func (o *workspace) must(t *testing.T, who codeforge.AgentType, input string) codeforge.Outcome {
	t.Helper()
	out, err := o.run(t, who, input)
	if err != nil {
		t.Fatalf("%s: %v", who, err)
	}
	return out
}

// inProcess checks what this test made itself.
func inProcess(ctx context.Context, _ string, t verify.Tree) (verify.Report, error) {
	return verify.Check(ctx, t), nil
}

func newWorkspace() *workspace {
	return &workspace{project: codeforge.Project{ID: "p", Title: "Dog walks", Description: "A CRM for dog walkers", Mode: codeforge.ModeBuilder}, files: map[string]string{}}
}

func TestOfflinePipeline(t *testing.T) {
	o := newWorkspace()
	out := o.must(t, codeforge.Builder, `{"user_message":"A CRM for dog walkers"}`)
	if report := verify.Check(t.Context(), verify.Tree{Files: o.files}); !report.OK || len(o.files) < 5 {
		t.Fatalf("%d files, %+v", len(o.files), report.Diagnostics)
	}
	var r struct {
		Code struct{ Files []struct{ Path string } } `json:"generated_code"`
		QA   struct{ Passed bool }                   `json:"qa_result"`
	}
	json.Unmarshal(out.Result, &r)
	if !r.QA.Passed || len(r.Code.Files) != len(o.files) || o.project.Requirements == nil || o.project.Architecture == nil {
		t.Errorf("%s", out.Result)
	}
	before := len(o.files)
	if o.must(t, codeforge.Code, `{"user_message":"Also keep track of invoices"}`); o.changed == 0 || len(o.files) < before {
		t.Errorf("a later wish changed %d files", o.changed)
	}
	if report := verify.Check(t.Context(), verify.Tree{Files: o.files}); !report.OK {
		t.Errorf("%+v", report.Diagnostics)
	}
}

// What a project's stack asks for is built where packages can be had, also later, when it was built without.
func TestOfflineWithReact(t *testing.T) {
	o := newWorkspace()
	o.project.TechStack = []string{"React"}
	o.must(t, codeforge.Builder, `{"user_message":"A CRM for dog walkers"}`)
	if o.files["dogs.html"] == "" || o.files["package.json"] != "" {
		t.Errorf("without packages: %d files", len(o.files))
	}
	o.packages = true
	o.must(t, codeforge.Code, `{"user_message":"Convert it to React"}`)
	if o.files["dogs.html"] != "" || o.files["src/pages/DogsPage.tsx"] == "" || o.files["package.json"] == "" {
		t.Errorf("converted: %d files", len(o.files))
	}
	o.must(t, codeforge.Code, `{"user_message":"Use plain TypeScript without packages"}`)
	if o.files["dogs.html"] == "" || o.files["package.json"] != "" {
		t.Errorf("converted back: %d files", len(o.files))
	}
	o = newWorkspace()
	o.packages, o.project.TechStack = true, []string{"React"}
	o.must(t, codeforge.Builder, `{"user_message":"A CRM for dog walkers"}`)
	if o.files["src/pages/DogsPage.tsx"] == "" {
		t.Errorf("with packages: %d files", len(o.files))
	}
}

func TestOfflineAgents(t *testing.T) {
	for _, input := range []string{`{}`, `{"user_message":"An app for recipes"}`, `{"message":"An app for recipes"}`} {
		o := newWorkspace()
		for _, who := range []codeforge.AgentType{codeforge.Research, codeforge.Wireframe, codeforge.Code, codeforge.QA, codeforge.Pedagogy} {
			if out := o.must(t, who, input); out.Status != codeforge.JobCompleted {
				t.Errorf("%s with %s: %s", who, input, out.Result)
			}
		}
		if len(o.files) < 5 {
			t.Errorf("%d files", len(o.files))
		}
	}
}

func TestOfflineMisbehaviour(t *testing.T) {
	o := newWorkspace()
	if out := o.must(t, codeforge.Research, `{"scaffold":"ask"}`); out.Status != codeforge.Waiting || len(out.Question) < 10 {
		t.Errorf("%+v", out)
	}
	out, err := o.run(t, codeforge.Code, `{"scaffold":"broken"}`)
	if !codeforge.IsKind(err, codeforge.AgentFailed) || o.changed > 0 || !strings.Contains(string(out.Result), `"diagnostics"`) {
		t.Errorf("%v, %s", err, out.Result)
	}
	if out := o.must(t, codeforge.Code, `{"scaffold":"broken_once"}`); o.changed == 0 {
		t.Errorf("%s", out.Result)
	}
	o = newWorkspace()
	out = o.must(t, codeforge.Builder, `{"scaffold":"qa_fail_once"}`)
	if !strings.Contains(string(out.Result), `"iterations":2`) {
		t.Errorf("%s", out.Result)
	}
	for word, retryable := range map[string]bool{"fail": true, "fail_auth": false, "refuse": false} {
		_, err := o.run(t, codeforge.Wireframe, `{"scaffold":"`+word+`"}`)
		e, ok := err.(*codeforge.Error)
		kind := codeforge.External
		if word == "refuse" {
			kind = codeforge.AgentFailed
		}
		if !ok || e.Kind != kind || e.Retryable != retryable {
			t.Errorf("%s: %v", word, err)
		}
	}
}
