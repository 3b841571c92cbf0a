package agent

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"codeforge"
)

var finding = args{"severity": "high", "category": "correctness", "file_path": "src/a.ts", "line_hint": 2, "description": "Deleting deletes all", "suggestion": "Compare ids"}

// pipeline is one whole run with one round of repair.
func pipeline() *bench {
	return job(codeforge.Builder, `{"user_message":"Walk dogs"}`,
		object(goodClarification), object(goodRequirements), object(goodArchitecture),
		use("write_file", args{"path": "index.html", "content": "hi"}, "write_file", args{"path": "src/a.ts", "content": "one\ntwo"}), finish(),
		object(args{"passed": false, "issues": []any{finding}, "summary": "One flaw.", "score": 60}),
		use("edit_file", args{"path": "src/a.ts", "old": "two", "new": "three"}), use("finish", args{"summary": "Mended the deletion."}),
		object(goodReport))
}

func TestPipeline(t *testing.T) {
	b := pipeline()
	out := b.must(t)
	r := decode(t, out.Result)
	if at(r, "requirements_spec", "app_name") != "Walkies" || at(r, "architecture_spec", "theme_colors", 0) != "#112233" || r["iterations"] != 2.0 ||
		at(r, "qa_result", "passed") != true || at(r, "generated_code", "files", 1, "file_path") != "src/a.ts" || at(r, "usage", "calls") != 9.0 ||
		r["summary"] != "Wrote the app, open it." {
		t.Errorf("%s", out.Result)
	}
	if !slices.Equal(out.Changes, []codeforge.FileChange{{Path: "index.html", Content: "hi"}, {Path: "src/a.ts", Content: "one\nthree"}}) {
		t.Errorf("%+v", out.Changes)
	}
	if out.Requirements == nil || out.Architecture == nil || out.ProjectStatus != codeforge.InProgress || len(out.Chat) != 1 || out.Message == "" {
		t.Errorf("%+v", out)
	}
	wantProgress(t, b, 10, 15, 20, 40, 60, 80)
	// Each stage is told what the ones before made; the findings reach the coder.
	if got := section(b.prompt(2), "requirements"); !strings.Contains(got, "Walkies") {
		t.Errorf("wireframe reads %s", got)
	}
	if got := section(b.prompt(3), "architecture"); !strings.Contains(got, "DogList") || section(b.prompt(3), "round") != "" {
		t.Errorf("code reads %s", got)
	}
	if got := section(b.prompt(6), "findings"); got != `[{"id":"F1","severity":"high","category":"correctness","file_path":"src/a.ts","line_hint":2,"description":"Deleting deletes all","suggestion":"Compare ids"}]` || section(b.prompt(6), "round") != "2" {
		t.Errorf("the coder reads %s", got)
	}
	if got := section(b.prompt(8), "round"); got != "2" {
		t.Errorf("the second review has round %s", got)
	}
	var agents []codeforge.AgentType
	for i, req := range b.script.requests {
		agents = append(agents, req.Call.Agent)
		if req.Call.Number != i+1 {
			t.Errorf("call %d has number %d", i+1, req.Call.Number)
		}
	}
	if !slices.Equal(agents, []codeforge.AgentType{"research", "research", "wireframe", "code", "code", "qa", "code", "code", "qa"}) {
		t.Errorf("agents %v", agents)
	}
	var stages []string
	for _, e := range b.events {
		if e.Type == codeforge.EventStage {
			d := decode(t, e.Data)
			stages = append(stages, d["stage"].(string)+" "+d["status"].(string))
		}
	}
	if len(stages) != 12 || stages[0] != "research started" || stages[11] != "qa completed" {
		t.Errorf("stages %v", stages)
	}
}

func TestPipelineBounds(t *testing.T) {
	bad := object(args{"passed": false, "issues": []any{finding}, "summary": "One flaw.", "score": 60})
	still := object(args{"passed": false, "issues": []any{with(finding, "id", "F1")}, "summary": "One flaw.", "score": 60})
	b := job(codeforge.Builder, `{"skip_clarification":true}`, object(goodRequirements), object(goodArchitecture), write("src/a.ts", "b"), finish(), bad, write("src/a.ts", "c"), finish(), still, finish(), bad)
	b.rounds = 2
	out := b.must(t)
	r := decode(t, out.Result)
	if r["iterations"] != 2.0 || at(r, "qa_result", "passed") != false || len(b.script.requests) != 8 || !strings.Contains(out.Chat[0].Content, "Still open:\n- src/a.ts: Deleting deletes all") {
		t.Errorf("%d calls, %s", len(b.script.requests), out.Result)
	}

	// Repairs that do not build are dropped, not the whole app.
	b = job(codeforge.Builder, `{"skip_clarification":true}`, object(goodRequirements), object(goodArchitecture), write("src/a.ts", "b"), finish(), bad, write("src/a.ts", "BROKEN"), finish())
	out = b.must(t)
	if !slices.Equal(out.Changes, []codeforge.FileChange{{Path: "src/a.ts", Content: "b"}}) || at(decode(t, out.Result), "iterations") != 1.0 {
		t.Errorf("%+v", out)
	}

	// A first version that does not build ends the job, and leaves the specifications.
	b = job(codeforge.Builder, `{"skip_clarification":true}`, object(goodRequirements), object(goodArchitecture), write("a", "BROKEN"), finish())
	out, err := b.run(t)
	if !codeforge.IsKind(err, codeforge.AgentFailed) || out.Changes != nil || out.Requirements == nil || out.Architecture == nil || at(decode(t, out.Result), "files", 0) != "a" {
		t.Errorf("%v, %s", err, out.Result)
	}
}

// TestPipelineBeginsLater: a pipeline that is tried again from a stage on takes what comes before as the project has it.
func TestPipelineBeginsLater(t *testing.T) {
	for start, steps := range map[string][]turn{
		"research":  {object(goodRequirements), object(goodArchitecture), write("a", "b"), finish(), object(goodReport)},
		"wireframe": {object(goodArchitecture), write("a", "b"), finish(), object(goodReport)},
		"code":      {write("a", "b"), finish(), object(goodReport)},
		"qa":        {object(goodReport)},
		"dancing":   {object(goodRequirements), object(goodArchitecture), write("a", "b"), finish(), object(goodReport)},
	} {
		b := job(codeforge.Builder, `{"skip_clarification":true,"start_at":"`+start+`"}`, steps...).files("x", "y")
		b.task.Project.Requirements, b.task.Project.Architecture = []byte(`{"app_name":"stored"}`), []byte(`{"site_map":[]}`)
		out := b.must(t)
		stored := at(decode(t, out.Result), "requirements_spec", "app_name") == "stored"
		if len(b.script.requests) != len(steps) || stored != (len(steps) < 5) || out.Chat[0].Content == "" {
			t.Errorf("from %s: %d calls, %s", start, len(b.script.requests), out.Result)
		}
	}
}

func TestQA(t *testing.T) {
	report := args{"passed": true, "summary": "Good.", "score": 90, "issues": []any{
		args{"severity": "low", "category": "usability", "file_path": "../../etc", "line_hint": 0, "description": "Small text", "suggestion": ""}, with(finding, "severity", "medium"),
		with(finding, "severity", "low", "file_path", "./src/a.ts", "line_hint", 400, "description", "Slow"), with(finding, "severity", "low", "file_path", "", "description", "No help")}}
	b := job(codeforge.QA, `{"user_message":"Is it safe?"}`, object(report)).files("src/a.ts", "one\ntwo")
	out := b.must(t)
	r := decode(t, out.Result)
	if r["passed"] != true || r["score"] != 90.0 || at(r, "issues", 0, "severity") != "medium" || at(r, "issues", 0, "file_path") != "src/a.ts" || at(r, "issues", 0, "file") != "src/a.ts" ||
		at(r, "issues", 0, "line_hint") != 2.0 || at(r, "issues", 0, "line") != 2.0 || at(r, "issues", 0, "message") != "Deleting deletes all" ||
		at(r, "issues", 0, "description") != "Deleting deletes all" || at(r, "issues", 1, "file") != "src/a.ts" || at(r, "issues", 1, "line") != 0.0 || at(r, "issues", 2, "file") != "" || at(r, "issues", 3) != nil ||
		!strings.Contains(fmt.Sprint(at(r, "dropped", 0)), `there is no file "../../etc"`) {
		t.Errorf("%s", out.Result)
	}
	if out.Changes != nil || out.ProjectStatus != "" || section(b.prompt(0), "diagnostics") != "[]" {
		t.Errorf("%+v", out)
	}

	// A model cannot pass what does not build, nor what it calls critical itself.
	out = job(codeforge.QA, `{}`, object(goodReport)).files("a.ts", "x\nBROKEN").must(t)
	if r := decode(t, out.Result); r["passed"] != false || r["score"] != float64(failedScore) || at(r, "issues", 0, "severity") != "critical" || at(r, "issues", 0, "line") != 2.0 {
		t.Errorf("%s", out.Result)
	}
	out = job(codeforge.QA, `{}`, object(with(goodReport, "issues", []any{finding}))).files("src/a.ts", "x").must(t)
	if decode(t, out.Result)["passed"] != false {
		t.Errorf("%s", out.Result)
	}
	b = job(codeforge.QA, `{}`, object(with(goodReport, "passed", false)), object(goodReport)).files("a.ts", "x")
	if b.must(t); !strings.Contains(b.prompt(1), "issues is empty") {
		t.Errorf("%s", b.prompt(1))
	}

	// Code in the input is what is reviewed.
	for _, input := range []string{`{"code":"BROKEN","file_path":"x.ts"}`, `{"code":{"files":{"x.ts":"BROKEN"}}}`, `{"code":{"x.ts":"BROKEN"}}`,
		`{"code":{"files":[{"file_path":"x.ts","content":"BROKEN"}]}}`, `{"code":[{"path":"x.ts","content":"BROKEN"},{"path":"../y","content":""}]}`} {
		b := job(codeforge.QA, input, object(goodReport)).files("a.ts", "fine")
		r := decode(t, b.must(t).Result)
		if at(r, "issues", 0, "file") != "x.ts" || section(b.prompt(0), "files") != "x.ts (6 bytes)" {
			t.Errorf("%s: %v", input, r)
		}
	}

	// Nothing to review is said without asking a model.
	b = job(codeforge.QA, `{}`)
	if r := decode(t, b.must(t).Result); r["passed"] != false || len(b.script.requests) != 0 || at(r, "issues", 0, "message") == nil {
		t.Errorf("%v", r)
	}
}

func TestEveryAgentCanRun(t *testing.T) {
	for _, a := range codeforge.Agents {
		if !a.NoModel && runs[a.Type] == nil {
			t.Errorf("agent %s has no run function", a.Type)
		}
	}
}
