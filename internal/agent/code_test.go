package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/evidence"
	"codeforge/internal/llm"
)

func write(path, content string) turn {
	return use("write_file", args{"path": path, "content": content})
}

func TestCode(t *testing.T) {
	b := job(codeforge.Code, `{"user_message":"Add a page"}`,
		use("list_files", args{}, "read_file", args{"path": "index.html"}, "search", args{"pattern": "old"}),
		use("write_file", args{"path": "src/a.ts", "content": "export const a = 1\n"}, "edit_file", args{"path": "index.html", "old": "old", "new": "new"},
			"delete_file", args{"path": "gone.css"}, "write_file", args{"path": "same.txt", "content": "same"}, "check", args{}),
		use("finish", args{"summary": "Added a page.\nMore words.", "dependencies": []any{"left-pad"}, "explanations": args{"src/a.ts": "Holds a.", "same.txt": "nothing"}}),
	).files("gone.css", "x", "index.html", "<p>old</p>", "same.txt", "same")
	out := b.must(t)
	want := []codeforge.FileChange{{Path: "gone.css", Delete: true}, {Path: "index.html", Content: "<p>new</p>"}, {Path: "src/a.ts", Content: "export const a = 1\n"}}
	if !slices.Equal(out.Changes, want) || out.Message != "Added a page." {
		t.Errorf("changes %+v, message %q", out.Changes, out.Message)
	}
	r := decode(t, out.Result)
	files, _ := json.Marshal(r["files"])
	if string(files) != `[{"action":"deleted","explanation":"","file_path":"gone.css","language":"css","path":"gone.css"},`+
		`{"action":"updated","explanation":"","file_path":"index.html","language":"html","path":"index.html"},`+
		`{"action":"created","explanation":"Holds a.","file_path":"src/a.ts","language":"typescript","path":"src/a.ts"}]` {
		t.Errorf("files %s", files)
	}
	if r["summary"] != "Added a page.\nMore words." || at(r, "dependencies", 0) != "left-pad" || at(r, "usage", "calls") != 3.0 {
		t.Errorf("%s", out.Result)
	}
	read := b.prompt(1)
	for _, want := range []string{"gone.css (1 bytes)\nindex.html (10 bytes)", "<p>old</p>", "index.html:1: <p>old</p>"} {
		if !strings.Contains(read, want) {
			t.Errorf("the tools did not say %q: %s", want, read)
		}
	}
	if got := b.prompt(2); !strings.HasSuffix(got, `{"ok":true,"diagnostics":[]}`) {
		t.Errorf("check said %s", got)
	}
	var wrote []string
	for _, e := range b.events {
		if e.Type == codeforge.EventFile {
			wrote = append(wrote, string(e.Data))
		}
	}
	if !slices.Equal(wrote, []string{
		`{"path":"src/a.ts","action":"created","language":"typescript","bytes":19,"lines":1,"added":1,"removed":0}`,
		`{"path":"index.html","action":"updated","language":"html","bytes":10,"lines":1,"added":1,"removed":1}`,
		`{"path":"gone.css","action":"deleted","language":"css","bytes":0,"lines":0,"added":0,"removed":1}`}) {
		t.Errorf("file events %v", wrote)
	}
	if len(out.Chat) != 1 || !strings.Contains(out.Chat[0].Content, "- src/a.ts (created)") {
		t.Errorf("chat %+v", out.Chat)
	}
}

// The words that are kept and shown are text: no order to a terminal, no turned direction.
func TestWordsAreText(t *testing.T) {
	out := job(codeforge.Code, `{}`, use("write_file", args{"path": "a.ts", "content": "export {}\n"}),
		use("finish", args{"summary": "Built \x1b[31mit\x1b[0m \x1b]52;c;aGk=\x07for you\u202e.", "dependencies": []any{}, "explanations": args{"a.ts": "\u009b2JThe start"}})).must(t)
	doc := decode(t, out.Result)
	if got := at(doc, "summary"); got != "Built it for you." {
		t.Errorf("summary %q", got)
	}
	if got := at(doc, "files", 0, "explanation"); got != "The start" {
		t.Errorf("explanation %q", got)
	}
	if got := out.Chat[0].Content; got != codeforge.Plain(got) || !strings.HasPrefix(got, "Built it for you.") {
		t.Errorf("chat %q", got)
	}
}

// What a model does wrong comes back to it in words, as an error result, and changes nothing.
func TestToolErrors(t *testing.T) {
	big := strings.Repeat("x", codeforge.MaxContent+1)
	for _, c := range []struct {
		name string
		args any
		says string
	}{
		{"run_shell", args{}, `there is no tool "run_shell"; there are list_files`},
		{"write_file", `{"path": "a`, "not valid JSON"},
		{"write_file", `["a"]`, "must be one JSON object"},
		{"write_file", args{"path": []any{"a"}, "content": "x"}, "path must be text, not a list"},
		{"write_file", args{"path": "../etc/passwd", "content": "x"}, "path must not hold . or .. segments"},
		{"write_file", args{"path": "/etc/passwd", "content": "x"}, "path must be relative"},
		{"write_file", args{"path": `C:\x`, "content": "x"}, "drive letter"},
		{"write_file", args{"path": "src", "content": "x"}, `"src" is a folder`},
		{"write_file", args{"path": "src/a.ts/b.ts", "content": "x"}, `"src/a.ts" is a file`},
		{"write_file", args{"path": "b", "content": big}, "content must have at most 100000 characters, has 100001"},
		{"read_file", args{"path": "nope"}, `there is no file "nope"`},
		{"delete_file", args{"path": "nope"}, `there is no file "nope"`},
		{"edit_file", args{"path": "nope", "old": "a", "new": "b"}, `there is no file "nope"`},
		{"edit_file", args{"path": "src/a.ts", "old": "", "new": "b"}, "old is empty"},
		{"edit_file", args{"path": "src/a.ts", "old": "one", "new": "one"}, "nothing would change"},
		{"edit_file", args{"path": "src/a.ts", "old": "const two = 3", "new": "b"}, "(0 times)"},
		{"edit_file", args{"path": "src/a.ts", "old": "const two = 3", "new": "b"}, "2: const two = 2"},
		{"edit_file", args{"path": "src/a.ts", "old": "const", "new": "let"}, "old occurs 3 times, starting at lines 1, 2, 3"},
		{"search", args{"pattern": ""}, "pattern must have 1 to 500 characters"},
		{"finish", args{"dependencies": []any{}}, "summary is missing: it must be text"},
		{"write_file", args{"path": "src/a.ts", "code": "x"}, `content is missing: it must be text; there is no argument "code": write_file takes path, content`},
		{"write_file", args{"path": "src/a.ts", "content": nil}, "content is missing"},
		{"edit_file", args{"path": "src/a.ts", "old": "const two = 2", "replacement": "x"}, "edits[0].new is missing"},
		{"write_file", `{"path": "src/a.ts", "content": "half of i`, "they end in the middle"},
		{"write_file", `{"path": "src/a.ts", "content": ["const a", "const b"]}`, "content must be text, not a list"},
	} {
		b := job(codeforge.Code, `{}`, use(c.name, c.args), finish()).files("src/a.ts", "const one = 1\nconst two = 2\nconst three = 3\n")
		out := b.must(t)
		m := b.script.requests[1].Messages
		res := m[len(m)-1].Parts[0].Result
		if !res.IsError || res.Name != c.name || res.ID != "c0" || !strings.Contains(res.Content, c.says) {
			t.Errorf("%s(%.60v): %+v, want %q", c.name, c.args, res, c.says)
		}
		if len(out.Changes) > 0 {
			t.Errorf("%s(%.60v) changed %+v", c.name, c.args, out.Changes)
		}
	}
}

func TestCodeNeedsFinish(t *testing.T) {
	// Words alone are asked about once; after that they count as the end.
	b := job(codeforge.Code, `{}`, write("index.html", "hi"), say("Done!"), say("The page greets you."))
	out := b.must(t)
	if decode(t, out.Result)["summary"] != "The page greets you." || len(out.Changes) != 1 || !strings.Contains(b.prompt(2), "Call finish") {
		t.Errorf("%s", out.Result)
	}
	b = job(codeforge.Code, `{}`, write("index.html", "hi"), say(""), say("ok"))
	out = b.must(t)
	if got := decode(t, out.Result)["summary"]; got != "ok Changed 1 file: index.html." {
		t.Errorf("summary %q", got)
	}
	if said := out.Chat[0].Content; strings.Count(said, "Changed 1 file") != 1 || strings.Count(said, "index.html (created)") != 1 {
		t.Errorf("the files are listed twice: %s", said)
	}
	// What does not verify is no end.
	b = job(codeforge.Code, `{}`, write("index.html", "BROKEN"), say("Done!"), say("Done!"), write("index.html", "hi"), say("Done, all of it."))
	if out := b.must(t); out.Changes[0].Content != "hi" || section(b.prompt(3), "diagnostics") == "" {
		t.Errorf("%+v", out.Changes)
	}
	// Nothing was written.
	if _, err := job(codeforge.Code, `{}`, say("I cannot.")).run(t); !codeforge.IsKind(err, codeforge.AgentFailed) {
		t.Errorf("%v", err)
	}
	b = job(codeforge.Code, `{}`, finish(), write("a", "b"), finish())
	if out := b.must(t); len(out.Changes) != 1 || !strings.Contains(b.prompt(1), "no file was written") {
		t.Errorf("%+v", out)
	}
	// A question about a project that has files needs no change.
	out = job(codeforge.Code, `{"user_message":"What is this?"}`, finish()).files("a", "b").must(t)
	if len(out.Changes) != 0 || out.Message != "" || string(form.Marshal(decode(t, out.Result)["files"])) != "[]" {
		t.Errorf("%+v", out)
	}
	b = job(codeforge.Code, `{}`, respond(llm.FinishLength, llm.Text("...")), write("a", "b"), finish())
	if b.must(t); !strings.Contains(b.prompt(1), "cut off") {
		t.Errorf("%s", b.prompt(1))
	}
}

// Nothing is finished in a turn whose other calls failed, in whatever order they stand, and the model hears of each.
func TestFinishAmongFailures(t *testing.T) {
	done := args{"summary": "The total now starts at 1.", "dependencies": []any{}}
	b := job(codeforge.Code, `{}`,
		use("finish", done, "edit_file", args{"path": "a.js", "old": "let total = 0", "new": "let total = 1"}, "write_file", args{"path": "../b.js", "content": "x"}),
		use("edit_file", args{"path": "a.js", "old": "let sum = 0", "new": "let total = 1"}, "finish", done, "finish", done)).files("a.js", "let sum = 0;\n")
	out := b.must(t)
	if len(out.Changes) != 1 || len(b.script.requests) != 2 {
		t.Errorf("%d calls: %+v", len(b.script.requests), out.Changes)
	}
	told := b.script.requests[1].Messages[2].Parts
	for i, want := range []string{"2 calls in this turn failed", "old does not occur", "path must not hold"} {
		if r := told[i].Result; !r.IsError || r.ID != fmt.Sprint("c", i) || !strings.Contains(r.Content, want) {
			t.Errorf("call %d was told %q", i, r.Content)
		}
	}
	if told := told[0].Result.Content; !strings.Contains(told, "edit_file: old does not occur") || !strings.Contains(told, "write_file: path must not hold") {
		t.Errorf("finish was told %q", told)
	}
	// What comes after finish is done before it.
	b = job(codeforge.Code, `{}`, use("finish", done, "write_file", args{"path": "a", "content": "b"}))
	if out := b.must(t); len(out.Changes) != 1 || len(b.script.requests) != 1 {
		t.Errorf("%+v", out.Changes)
	}
	// A turn that is sent again and again comes to an end, and completes nothing.
	b = job(codeforge.Code, `{}`, use("edit_file", args{"path": "a.js", "old": "x", "new": "y"}, "finish", done)).files("a.js", "z")
	if _, err := b.run(t); !codeforge.IsKind(err, codeforge.AgentFailed) || len(b.script.requests) != maxFailing {
		t.Errorf("%v after %d calls", err, len(b.script.requests))
	}
}

// Calls that a model writes as text are carried out, and the conversation holds them as calls.
func TestCallsAsText(t *testing.T) {
	b := job(codeforge.Code, `{}`, say(`Here it is. {"name":"write_file","arguments":{"path":"a.txt","content":"hi"}}`),
		say("<tool_call>\n{\"name\": \"finish\", \"arguments\": {\"summary\": \"It greets you now.\"}}\n</tool_call>"))
	out := b.must(t)
	if len(out.Changes) != 1 || out.Changes[0].Content != "hi" || decode(t, out.Result)["summary"] != "It greets you now." {
		t.Errorf("%+v %s", out.Changes, out.Result)
	}
	m := b.script.requests[1].Messages
	paired(t, m)
	if got := m[1].Parts; len(got) != 2 || got[0].Text != "Here it is." || got[1].Call.Name != form.ToolWriteFile || m[2].Parts[0].Result.Content != "created a.txt (1 lines, 2 bytes)" {
		t.Errorf("the conversation holds %s", form.Marshal(m[1:]))
	}
	// One that fits goes, and its neighbour is told what is wrong with it.
	b = job(codeforge.Code, `{}`, say(`[{"name":"write_file","arguments":{"path":"a.txt"}},{"name":"write_file","arguments":{"path":"b.txt","content":"b"}}]`), finish())
	if out := b.must(t); len(out.Changes) != 1 || !b.script.requests[1].Messages[2].Parts[0].Result.IsError {
		t.Errorf("%+v", out.Changes)
	}
	// One that fits in no way is never taken for the summary, and ends the job in the end.
	b = job(codeforge.Code, `{}`, write("a", "b"), say(`{"name":"finish","arguments":{"text":"done"}}`))
	out, err := b.run(t)
	if !codeforge.IsKind(err, codeforge.AgentFailed) || !strings.Contains(err.Error(), "wrote its calls of tools as text") || len(b.script.requests) != 1+maxIdle ||
		!strings.Contains(b.prompt(2), "finish: the arguments do not fit: summary is missing") || len(out.Chat) != 1 {
		t.Errorf("%v after %d calls, told %s", err, len(b.script.requests), b.prompt(2))
	}
}

// A model that only talks has done nothing: the job fails, and what it said is kept.
func TestWordsAlone(t *testing.T) {
	for name, b := range map[string]*bench{
		"The coder changed nothing": job(codeforge.Code, `{}`, say("The project is fine as it is."), say("As I said.")).files("a", "b"),
		"The coder wrote no file":   job(codeforge.Code, `{}`, say("The project is fine as it is."), say("As I said.")),
	} {
		out, err := b.run(t)
		if !codeforge.IsKind(err, codeforge.AgentFailed) || !strings.Contains(err.Error(), name) || len(b.script.requests) != 2 {
			t.Errorf("%s: %v after %d calls", name, err, len(b.script.requests))
		}
		if len(out.Chat) != 1 || out.Chat[0].Role != "assistant" || out.Chat[0].Content != "The project is fine as it is.\n\nAs I said." || !strings.Contains(string(out.Chat[0].Metadata), `"job_id":"job-1"`) {
			t.Errorf("%s: the conversation has %+v", name, out.Chat)
		}
		if !strings.Contains(b.prompt(1), "No tool was called") {
			t.Errorf("%s: told %s", name, b.prompt(1))
		}
	}
	// A job that did something says only that.
	b := job(codeforge.Code, `{}`, write("a", "b"), fail(&llm.Error{Kind: llm.Auth}))
	if out, err := b.run(t); err == nil || out.Chat != nil {
		t.Errorf("%v %+v", err, out.Chat)
	}
}

func TestVerification(t *testing.T) {
	b := job(codeforge.Code, `{}`, write("a.ts", "fine\nBROKEN"), finish(), write("a.ts", "still BROKEN"), finish(), finish(), write("a.ts", "SLOPPY"), finish())
	out := b.must(t)
	if got := b.prompt(2); got != `{"ok":false,"diagnostics":[{"file":"a.ts","line":2,"column":1,"severity":"error","message":"says BROKEN"}]}` {
		t.Errorf("finish said %s", got)
	}
	if at(decode(t, out.Result), "diagnostics", 0, "message") != "says SLOPPY" {
		t.Errorf("%s", out.Result)
	}

	b = job(codeforge.Code, `{}`, write("a.ts", "BROKEN"), finish())
	out, err := b.run(t)
	e, _ := errors.AsType[*codeforge.Error](err)
	if e == nil || e.Kind != codeforge.AgentFailed || e.Details["agent"] != "code" || e.Message != "The code did not build: 1 error left after 3 rounds of repair" {
		t.Errorf("%v", err)
	}
	r := decode(t, out.Result)
	if out.Changes != nil || out.Status != "" || at(r, "files", 0) != "a.ts" || at(r, "diagnostics", 0, "line") != 1.0 || r["summary"] == "" || r["partial"] != true || at(r, "contents", "a.ts") != "BROKEN" {
		t.Errorf("%+v %s", out, out.Result)
	}
	if len(b.script.requests) != 5 { // write, finish, and three repairs
		t.Errorf("%d calls", len(b.script.requests))
	}
}

// What was wrong before is shown and does not count, wherever its line is now; what came with the job does.
func TestPreexistingDiagnostics(t *testing.T) {
	b := job(codeforge.Code, `{}`, use("check", args{}), write("new.ts", "fine"), finish()).files("old.ts", "BROKEN", "other.ts", "x")
	out := b.must(t)
	shown := `{"file":"old.ts","line":1,"column":1,"severity":"error","message":"says BROKEN","preexisting":true}`
	if section(b.prompt(0), "diagnostics") != "["+shown+"]" || b.prompt(1) != `{"ok":true,"diagnostics":[`+shown+`]}` {
		t.Errorf("%s\n%s", b.prompt(0), b.prompt(1))
	}
	if len(out.Changes) != 1 {
		t.Errorf("%+v", out.Changes)
	}
	for name, c := range map[string]struct {
		files []string
		work  turn
		fails bool
	}{
		"edited":                {[]string{"old.ts", "BROKEN"}, write("old.ts", "more\nBROKEN"), false},
		"renamed":               {[]string{"old.ts", "BROKEN"}, use("write_file", args{"path": "new.ts", "content": "BROKEN"}, "delete_file", args{"path": "old.ts"}), false},
		"copied":                {[]string{"old.ts", "BROKEN"}, write("new.ts", "BROKEN"), true},
		"once more":             {[]string{"old.ts", "BROKEN"}, write("old.ts", "BROKEN\nBROKEN"), true},
		"one for another":       {[]string{"old.ts", "BROKEN", "two.ts", "BROKEN"}, use("write_file", args{"path": "old.ts", "content": "fine"}, "write_file", args{"path": "three.ts", "content": "BROKEN"}), true},
		"renamed and once more": {[]string{"old.ts", "BROKEN"}, use("write_file", args{"path": "new.ts", "content": "BROKEN\nBROKEN"}, "delete_file", args{"path": "old.ts"}), true},
	} {
		b := job(codeforge.Code, `{}`, c.work, finish(), finish(), finish(), finish()).files(c.files...)
		_, err := b.run(t)
		if codeforge.IsKind(err, codeforge.AgentFailed) != c.fails || err == nil == c.fails {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A review that only looks at the project judges all of it.
	b = job(codeforge.QA, `{}`, object(goodReport)).files("old.ts", "BROKEN")
	if r := decode(t, b.must(t).Result); r["passed"] != false {
		t.Error("a review of a project that does not build passed it")
	}
}

func TestCodeBounds(t *testing.T) {
	failed := func(b *bench, words string, calls int) {
		t.Helper()
		out, err := b.run(t)
		if !codeforge.IsKind(err, codeforge.AgentFailed) || !strings.Contains(err.Error(), words) || out.Changes != nil || calls > 0 && len(b.script.requests) != calls {
			t.Errorf("%v after %d calls", err, len(b.script.requests))
		}
	}
	failed(job(codeforge.Code, `{}`, use("read_file", args{"path": "nope"})), "repeated a failing call of read_file 4 times", 4)
	n := 0
	next := func(pairs int) turn { // so many searches that were not made before
		return func(ctx context.Context, req *llm.Request) (*llm.Response, error) {
			var calls []any
			for range pairs {
				n++
				calls = append(calls, "search", args{"pattern": fmt.Sprint("x", n)})
			}
			return use(calls...)(ctx, req)
		}
	}
	failed(job(codeforge.Code, `{}`, next(1)), "did not finish within 60 turns", maxTurns)
	failed(job(codeforge.Code, `{}`, next(100)), "all of its 600 tool calls", 7)

	// A failing call that is repeated after a change may be right by then.
	b := job(codeforge.Code, `{}`, use("read_file", args{"path": "n"}, "write_file", args{"path": "a", "content": "b"}, "read_file", args{"path": "n"}), finish())
	b.must(t)

	// The bound on files, and what the conversation may read.
	var many []any
	for i := range maxCreated + 2 {
		many = append(many, "write_file", args{"path": fmt.Sprintf("f%03d", i), "content": "x"})
	}
	failed(job(codeforge.Code, `{}`, use(many...), finish()), "one job creates at most 200 files: f200, f201 could not be changed", 1)
	b = job(codeforge.Code, `{}`)
	many = many[:0]
	for i := range maxChanged + 1 {
		b.files(fmt.Sprintf("f%03d", i), "x\n")
		many = append(many, "edit_file", args{"path": fmt.Sprintf("f%03d", i), "edits": []any{args{"old": "x", "new": "y"}}})
	}
	b.script.steps = []turn{use(append(many, "finish", args{"summary": "All files are changed now."})...)}
	failed(b, "one job changes at most 400 files: f400 could not be changed", 1)
	many = many[:0]
	for i := range maxRead/readBytes + 1 {
		many = append(many, "read_file", args{"path": "big", "from": i + 1})
	}
	b = job(codeforge.Code, `{}`, use(many...), finish()).files("big", strings.Repeat(strings.Repeat("x", 99)+"\n", codeforge.MaxContent/100))
	if b.must(t); !strings.Contains(b.prompt(1), "too much was read") {
		t.Error("reading has no bound")
	}
	m := job(codeforge.Code, `{}`, next(1))
	m.run(t)
	if !strings.Contains(m.prompt(maxTurns-5), "5 turns are left") {
		t.Errorf("%s", m.prompt(maxTurns-5))
	}
}

// The prompt tells the limits that hold, whatever the work at hand.
func TestPromptTellsTheLimits(t *testing.T) {
	for _, w := range []work{workNew, workExisting, workQuestion} {
		text := coderSystem(w, stack{}, evidence.Available{})
		for _, want := range []string{fmt.Sprintf("%d turns and %d calls", maxTurns, maxToolCalls), "100,000 characters", fmt.Sprintf("change %d files", maxChanged),
			"possible three times", "arguments four times"} {
			if !strings.Contains(text, want) {
				t.Errorf("%s: it does not say %q", w, want)
			}
		}
	}
	if codeforge.MaxContent != 100_000 || maxRepairs != 3 || maxFailing != 4 {
		t.Error("a limit changed, the prompt did not")
	}
}

// Whoever only claims to have worked is not believed: people are told that nothing changed, once.
func TestClaimsWithoutWork(t *testing.T) {
	for summary, want := range map[string]string{"All of it is done, as was asked.": "All of it is done, as was asked.\n\nNo file was changed.", "": "No file was changed.", "It is as asked; no file was changed.": "It is as asked; no file was changed."} {
		b := job(codeforge.Code, `{}`, use("finish", args{"summary": summary, "dependencies": []any{}})).files("a.txt", "one")
		if out := b.must(t); len(out.Chat) != 1 || out.Chat[0].Content != want {
			t.Errorf("%q is told as %+v", summary, out.Chat)
		}
	}
}
