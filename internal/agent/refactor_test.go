package agent

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
)

// refactoring is a job on the word "two" of a verse.
func refactoring(apply bool, steps ...turn) *bench {
	input := args{"file_path": "a.txt", "selected_code": "two\n", "instruction": "Make it louder", "apply": apply}
	return job(codeforge.Refactor, string(form.Marshal(input)), steps...).files("a.txt", verse)
}

func louder(code string) turn {
	return object(form.Refactoring{Code: code, Explanation: "It is louder now, and means the same."})
}

func TestRefactor(t *testing.T) {
	b := refactoring(false, louder("TWO"))
	out := b.must(t)
	r := decode(t, out.Result)
	if r["original_code"] != "two\n" || r["refactored_code"] != "TWO\n" || r["applied"] != false || r["changed"] != true || r["revision"] != nil || r["start_line"] != 2.0 || r["end_line"] != 2.0 ||
		r["offset"] != 4.0 || r["verified"] != true || len(r["diagnostics"].([]any)) != 0 || !strings.Contains(r["diff"].(string), "-two\n+TWO\n") || len(b.stored.made) != 0 {
		t.Errorf("%s", out.Result)
	}
	if p := b.prompt(0); !strings.Contains(p, "<selection path=\"a.txt\">\ntwo\n") || strings.Contains(p, "selected_code") || !strings.Contains(p, "<idea>\nMake it louder\n") {
		t.Error(p)
	}

	b = refactoring(true, louder("TWO\n"))
	r = decode(t, b.must(t).Result)
	if b.newest()["a.txt"] != edit("two", "TWO") || r["applied"] != true || r["revision"] != 1.0 || r["version"] != 2.0 || len(b.stored.made) != 1 || b.stored.made[0].Stage != codeforge.Refactor {
		t.Errorf("%v %v", r, b.stored.made)
	}
	// Left as it is: nothing is stored.
	b = refactoring(true, louder("two\n"))
	if r = decode(t, b.must(t).Result); r["changed"] != false || r["applied"] != false || len(b.stored.made) != 0 {
		t.Errorf("%v", r)
	}
}

// What does not build goes back; what never does is told of, and stored by nobody.
func TestRefactorThatDoesNotBuild(t *testing.T) {
	b := refactoring(true, louder("BROKEN\n"), louder("TWO\n"))
	b.must(t)
	if !strings.Contains(b.prompt(1), "says BROKEN") || b.newest()["a.txt"] != edit("two", "TWO") {
		t.Error(b.prompt(1))
	}
	b = refactoring(true, louder("BROKEN\n"))
	_, err := b.run(t)
	e, _ := errors.AsType[*codeforge.Error](err)
	if e == nil || e.Kind != codeforge.AgentFailed || e.Details["agent"] != "refactor" || e.Details["diagnostics"] == nil || len(b.stored.made) != 0 || len(b.script.requests) != 1+maxRepairs {
		t.Errorf("%#v", err)
	}
	b = refactoring(false, louder("BROKEN\n"))
	if r := decode(t, b.must(t).Result); r["verified"] != false || at(r, "diagnostics", 0, "message") != "says BROKEN" || r["changed"] != true {
		t.Errorf("%v", r)
	}
	// What was broken before is no reason to refuse.
	b = refactoring(true, louder("TWO\n")).files("b.txt", "BROKEN")
	if r := decode(t, b.must(t).Result); r["applied"] != true || at(r, "diagnostics", 0, "preexisting") != true {
		t.Errorf("%v", r)
	}
	// Words in place of code, and secrets, are guarded against.
	b = job(codeforge.Refactor, `{"file_path":"a.ts","selected_code":"let b = 2\n","instruction":"Shorten it"}`, louder("// ... rest of the code\n")).files("a.ts", "let a = 1\nlet b = 2\nlet c = 3\n")
	if _, err = b.run(t); !codeforge.IsKind(err, codeforge.AgentFailed) {
		t.Errorf("%v", err)
	}
}

// What people change meanwhile is merged, or stands.
func TestRefactorBesidePeople(t *testing.T) {
	b := refactoring(true)
	b.script.steps = []turn{b.meanwhile(louder("TWO\n"), put("a.txt", edit("five", "cinq")))}
	r := decode(t, b.must(t).Result)
	if b.newest()["a.txt"] != edit("two", "TWO", "five", "cinq") || r["revision"] != 2.0 || r["version"] != 2.0 {
		t.Errorf("%v %q", r, b.newest())
	}
	b = refactoring(true)
	b.script.steps = []turn{b.meanwhile(louder("TWO\n"), put("a.txt", edit("two", "deux")))}
	out, err := b.run(t)
	e, _ := errors.AsType[*codeforge.Error](err)
	if e == nil || e.Kind != codeforge.Conflict || e.Details["conflicts"] == nil || b.newest()["a.txt"] != edit("two", "deux") || out.Result != nil {
		t.Errorf("%#v %q %s", err, b.newest(), out.Result)
	}
	for _, change := range []args{{"if_version": 3}, {"selected_code": "six"}, {"file_path": "none"}} {
		in := args{"file_path": "a.txt", "selected_code": "two\n", "instruction": "x", "apply": true}
		maps.Copy(in, change)
		if _, err := job(codeforge.Refactor, string(form.Marshal(in))).files("a.txt", verse).run(t); !codeforge.IsKind(err, codeforge.Conflict) && !codeforge.IsKind(err, codeforge.Invalid) && !codeforge.IsKind(err, codeforge.Missing) {
			t.Errorf("%v: %v", change, err)
		}
	}
}

// A replacement takes the line ends of its file, and the end of what it replaces.
func TestRefactoredForm(t *testing.T) {
	for _, c := range [][4]string{
		{"a\r\nb\r\n", "b\r\n", "c\nd", "c\r\nd\r\n"},
		{"a\r\nb\r\n", "b", "c\nd\n", "c\r\nd"},
		{"a\nb", "b", "c\n", "c"},
		{"a\nb\n", "b\n", "", ""},
	} {
		if got := inFormOfSelection(c[0], c[1], c[2]); got != c[3] {
			t.Errorf("%q: %q", c, got)
		}
	}
}

func TestRoadmapJob(t *testing.T) {
	plan := form.Roadmap{Modules: []form.Module{{Title: "One", Description: "d", Concepts: []string{"c"}, Exercises: []string{"e"}, EstimatedHours: 1.5}, {Title: "Two", Description: "d", Concepts: []string{"c"}, Exercises: []string{"e"}, EstimatedHours: 2}}, Prerequisites: []string{}, Objectives: []string{"o"}}
	short := plan
	short.Modules = []form.Module{plan.Modules[0]}
	short.Modules[0].EstimatedHours = 0.1
	plan.Modules = append([]form.Module{}, plan.Modules...)
	plan.Modules[0].EstimatedHours = 1.5
	b := job(codeforge.RoadmapAgent, `{"skill_level":"beginner"}`, object(short), object(plan))
	if _, err := b.run(t); !codeforge.IsKind(err, codeforge.Invalid) {
		t.Fatal(err)
	}
	b.task.Project.Mode = codeforge.ModeStudent
	if _, err := b.run(t); !codeforge.IsKind(err, codeforge.Invalid) {
		t.Fatal(err)
	}
	b.task.Project.Requirements = []byte(`{"app_name":"Walkies"}`)
	modules := []byte(`[{"title":"Old","chosen_option":"local-storage"},{"title":"Now"},{"title":"Later"}]`)
	b.task.Memory.Learned = &codeforge.Learned{Roadmap: &codeforge.Roadmap{Modules: modules, CurrentStep: 1}, Sessions: []codeforge.SessionSummary{{Concepts: []string{"loops"}, Minutes: 30}}}
	out := b.must(t)
	r := decode(t, out.Result)
	if r["total_modules"] != 2.0 || r["total_estimated_hours"] != 3.5 || at(r, "roadmap", "id") != "job-1" || at(r, "roadmap", "modules", 1, "title") != "Two" || !strings.Contains(string(out.Roadmap), `"title":"One"`) {
		t.Errorf("%s", out.Result)
	}
	if p := b.prompt(0); !strings.Contains(p, `{"modules_done":["Old"],"module_now":"Now","modules_later":["Later"],"choices":[{"module":"Old","option":"local-storage"}],"last_sessions":[{"concepts":["loops"],"minutes":30}]}`) {
		t.Error(p)
	}
	if !strings.Contains(b.prompt(1), "estimated_hours must be from 0.5") {
		t.Error(b.prompt(1))
	}
}
