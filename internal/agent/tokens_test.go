package agent

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// recordedPipelines are three jobs with the answers that a model gave to them: a new app with two reviews, a follow-up on a
// project of 20 files, a change in one of 266.
func recordedPipelines() map[string]*bench {
	specs := func() []turn { return []turn{object(longRequirements()), object(longArchitecture())} }
	review := object(args{"passed": false, "score": 71, "summary": "Most of it works; deleting a dog leaves its walks behind.", "issues": []any{
		with(finding, "id", "", "file_path", "src/dogs.ts", "description", "Deleting a dog leaves its walks in storage, where the list of walks then shows an empty name."),
		with(finding, "id", "", "file_path", "src/walks.ts", "severity", "medium", "description", "A walk that ends before it begins is taken."),
		with(finding, "id", "", "file_path", "index.html", "severity", "low", "description", "The first heading is not the page's name.")}})
	edits := func(paths ...string) (pairs []any) {
		for _, p := range paths {
			pairs = append(pairs, "edit_file", args{"path": p, "old": "const first = 1", "new": "const first = 2"})
		}
		return pairs
	}
	done := args{"summary": "The walker keeps dogs, owners and walks, and sees what is next today. Open the page and add a dog to begin.", "dependencies": []any{},
		"explanations": args{"src/dogs.ts": "Keeps the dogs and the form for them."}}
	replies := with(done, "findings", []any{args{"id": "F1", "status": "fixed"}, args{"id": "F2", "status": "fixed"}, args{"id": "F3", "status": "declined", "reason": "The heading is the day's, as the layout asks."}})

	app := job(codeforge.Builder, `{"user_message":"`+wish+`"}`, append([]turn{object(goodClarification)}, specs()...)...)
	app.script.steps = append(app.script.steps,
		use(writes("index.html", "styles/main.css", "src/types.ts", "src/storage.ts", "src/dom.ts", "src/dogs.ts")...),
		use(append(writes("src/walks.ts", "src/owners.ts", "src/today.ts", "src/main.ts"), "check", args{})...),
		use("finish", done), review, use(edits("src/dogs.ts", "src/walks.ts")...), use("finish", replies), object(goodReport))

	small := job(codeforge.Builder, `{"user_message":"Now do the same for invoices: a list with search, a form, and a total of what is open.","skip_clarification":true}`, specs()...).library(20)
	small.script.steps = append(small.script.steps,
		use("read_file", args{"path": "src/invoices/list.ts"}, "read_file", args{"path": "src/clients/list.ts"}),
		use(append(edits("src/invoices/list.ts", "src/invoices/model.ts"), "check", args{})...),
		use("finish", done), object(goodReport))

	large := job(codeforge.Builder, `{"user_message":"Rename the task list's column Due to Deadline everywhere, and sort by it when the page opens.","skip_clarification":true}`, specs()...).library(266)
	large.script.steps = append(large.script.steps,
		use("search", args{"pattern": "deadline"}, "read_file", args{"path": "src/tasks/list.ts"}),
		use("read_file", args{"path": "src/tasks/model.ts"}, "read_file", args{"path": "src/tasks/page.ts"}),
		use(append(edits("src/tasks/list.ts", "src/tasks/model.ts", "src/tasks/page.ts"), "check", args{})...),
		use("finish", done), object(goodReport))
	return map[string]*bench{"a new app": app, "20 files": small, "266 files": large}
}

const wish = "I walk dogs for eleven families and keep everything in a paper diary. I want to see each morning which dogs I walk when, where their owners live and what each dog must not eat, " +
	"tick walks off as they are done, and at the end of the month see what each family owes me. Some pay per walk, some a flat rate. It has to work on my phone with one hand, also without a network."

func longRequirements() args {
	var features []any
	for _, name := range []string{"Dogs", "Owners", "Walks of the day", "Ticking off", "Month's accounts", "Backup"} {
		features = append(features, args{"name": name, "priority": "must-have",
			"description":  name + ": fields with their types and rules, what happens when they are saved, what is shown while there is nothing yet or something is wrong, so that it can be tested. " + strings.Repeat("Name is required, 1 to 80 characters; the rate is a sum of money of 0 or more; a date is not before today. ", 3),
			"user_stories": []any{"As a dog walker, I want " + name + " at hand, so that I need no paper.", "As a dog walker, I want to correct " + name + " later, so that mistakes do not stay."}})
	}
	return with(goodRequirements, "core_features", features, "technical_constraints", []any{"Data stays in localStorage under a key with a version", "Works offline", "WCAG 2.2 AA, keyboard, 320 px and up"})
}

func longArchitecture() args {
	var pages []any
	for _, name := range []string{"today", "dogs", "owners", "walks", "accounts"} {
		var parts []any
		for _, part := range []string{"Navigation", "List", "Form", "Summary", "EmptyState"} {
			parts = append(parts, args{"name": part, "props": []any{"items: " + name + "[]", "selected: string | null", "onSave: (value) => void"}, "children": []any{}})
		}
		pages = append(pages, args{"path": "/" + name, "name": name, "components": parts,
			"description": strings.Repeat("On a phone one column with the list first; on a desktop the form stands beside it. While empty it says what to do first; a failure is told beside the field. ", 3)})
	}
	return with(goodArchitecture, "site_map", pages, "global_state_needs", []any{"Dog {id: string, name: string, owner: string, food: string}", "Walk {id: string, dog: string, start: string, end: string, done: boolean}"})
}

// writes are calls that write files of a usual size.
func writes(paths ...string) (pairs []any) {
	for _, p := range paths {
		pairs = append(pairs, "write_file", args{"path": p, "content": source(p, 45)})
	}
	return pairs
}

// source is a file of so many lines that speaks of what its path does.
func source(path string, lines int) string {
	var b strings.Builder
	b.WriteString("const first = 1\n")
	words := strings.FieldsFunc(path, func(r rune) bool { return r == '/' || r == '.' })
	for i := 1; i < lines; i++ {
		w := words[i%len(words)]
		fmt.Fprintf(&b, "export function %s%d(value: string): string { return value.trim() + %q }\n", w, i, w)
	}
	return b.String()
}

// library gives a job so many files, by subject.
func (b *bench) library(n int) *bench {
	subjects := []string{"invoices", "clients", "tasks", "orders", "payments", "teams", "reports", "projects", "notes", "events", "files", "labels", "users"}
	parts := []string{"list", "model", "page", "form", "store", "api", "filter", "sort", "detail", "export", "import", "rules", "text", "types", "view", "chart", "dialog", "table", "menu", "help", "state"}
	if n < 100 {
		subjects, parts = subjects[:4], parts[:5]
	}
	for i := 0; len(b.task.Files) < n; i++ {
		p := fmt.Sprintf("src/%s/%s.ts", subjects[i%len(subjects)], parts[i/len(subjects)%len(parts)])
		if i >= len(subjects)*len(parts) {
			p = fmt.Sprintf("src/%s/more%d.ts", subjects[i%len(subjects)], i)
		}
		b.files(p, source(p, 45))
	}
	return b
}

// What the recorded pipelines took at commit ab2c610, by the same answers and the same estimate. A new app is mostly what the model
// itself writes, which is sent again in each turn; the rest is what prompts decide.
var tokensBefore = map[string]int{"a new app": 217_760, "20 files": 232_848, "266 files": 536_741}

func TestInputTokens(t *testing.T) {
	all, before := 0, 0
	for name, b := range ranPipelines(t) {
		total := 0
		for _, q := range b.script.requests {
			total += llm.Estimate(&q, "")
		}
		was := tokensBefore[name]
		t.Logf("%s: %d tokens of input in %d calls, %d %% of what it was", name, total, len(b.script.requests), 100*total/was)
		if all, before = all+total, before+was; len(b.task.Files) > 0 && 100*total > 60*was {
			t.Errorf("%s: %d tokens of input, were %d", name, total, was)
		}
	}
	t.Logf("together: %d of %d", all, before)
	if 100*all > 60*before {
		t.Errorf("%d tokens of input, were %d", all, before)
	}
}

var ran struct {
	sync.Once
	pipelines map[string]*bench
}

// ranPipelines are the recorded pipelines after they ran, once for all tests that look at their requests.
func ranPipelines(t *testing.T) map[string]*bench {
	t.Helper()
	ran.Do(func() {
		ran.pipelines = recordedPipelines()
		for _, b := range ran.pipelines {
			b.must(t)
		}
	})
	return ran.pipelines
}

// A stage is one conversation: each request begins with the whole of the one before it, whatever comes between them, so that
// providers find it in their caches. What is new beside the model's own words is little.
func TestRequestsContinue(t *testing.T) {
	written := func(m []llm.Message) int { return len(form.Marshal(m)) }
	for name, b := range ranPipelines(t) {
		last := map[codeforge.AgentType]llm.Request{}
		pairs := 0
		for i, q := range b.script.requests {
			stage := q.Call.Agent
			was, again := last[stage]
			last[stage] = q
			if !again || stage != codeforge.Code && stage != codeforge.QA {
				continue
			}
			pairs++
			n := len(was.Messages)
			if was.System != q.System || !slices.EqualFunc(was.Tools, q.Tools, func(x, y llm.Tool) bool { return string(form.Marshal(x)) == string(form.Marshal(y)) }) ||
				string(form.Marshal(was.Schema)) != string(form.Marshal(q.Schema)) || len(q.Messages) != n+2 || string(form.Marshal(q.Messages[:n])) != string(form.Marshal(was.Messages)) {
				t.Errorf("%s: call %d of %s does not go on from the one before", name, i+1, stage)
				continue
			}
			head := len(q.System) + len(form.Marshal(q.Tools)) + len(form.Marshal(q.Schema)) + written(q.Messages[:n])
			if added := written(q.Messages[n+1:]); 100*head < 85*(head+added) {
				t.Errorf("%s: call %d of %s adds %d bytes to %d", name, i+1, stage, added, head)
			}
			t.Logf("%s: call %d of %s: %d %% of its bytes are those of the call before", name, i+1, stage, 100*head/(head+written(q.Messages[n:])))
		}
		if pairs < 2 {
			t.Errorf("%s: %d pairs", name, pairs)
		}
	}
}
