package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// streamed is what a call's arguments show of files when they come in pieces of n bytes.
func streamed(t *testing.T, n int, name, arguments string) (texts []string) {
	t.Helper()
	b := job(codeforge.Code, `{}`).files("src/here.ts", "x\n")
	d := deltas{run: newRun(&Agents{}, &b.task), stage: codeforge.Code}
	d.add(llm.Delta{Kind: llm.DeltaToolCall, Name: name[:len(name)/2]})
	d.add(llm.Delta{Kind: llm.DeltaToolCall, Name: name})
	for len(arguments) > 0 {
		k := min(n, len(arguments))
		d.add(llm.Delta{Kind: llm.DeltaToolCall, Text: arguments[:k]})
		arguments = arguments[k:]
	}
	d.flush()
	path := ""
	for _, e := range b.of(codeforge.EventFileDelta) {
		switch at := int(e["offset"].(float64)); {
		case at == 0:
			texts, path = append(texts, ""), e["path"].(string)
		case e["path"] != path || at != len(texts[len(texts)-1][len(path)+1:]):
			t.Fatalf("%v after %q of %s", e, texts, path)
		}
		if last := &texts[len(texts)-1]; *last == "" {
			*last = path + ":" + e["text"].(string)
		} else {
			*last += e["text"].(string)
		}
	}
	return texts
}

// The text of a file is shown while its call comes, wherever the pieces end.
func TestFileDeltas(t *testing.T) {
	long := strings.Repeat("const greeting = \"Grüße, 犬 🐕\\\\n\"\n\t// line\r\n", 200)
	for _, c := range []struct {
		name, arguments string
		want            []string
	}{
		{"write_file", string(form.Marshal(args{"path": "src/a.ts", "content": long})), []string{"src/a.ts:" + long}},
		{"write_file", `{"content":"one\ntwo","path":"src/a.ts"}`, []string{"src/a.ts:one\ntwo"}},
		{"functions.writeFile:0", ` {"path" : "./src//here.ts", "x": [1, {"y": true}], "content" : "\u00e4\ud83d\udc15\/\"\\ \ud83d!\ud83dx" } tail`, []string{"src/here.ts:ä🐕/\"\\ \ufffd!\ufffdx"}},
		{"edit_file", `{"path":"a","old":"was","new":"is"}`, []string{"a:is"}},
		{"edit_file", `{"edits":[{"old":"1","new":"one"},{"new":"two","old":"2"}],"path":"a"}`, []string{"a:one", "a:two"}},
		{"edit_file", `{"path":"a","edits":[{"old":"1","new":""},{"old":"2","new":"two"}]}`, []string{"a:two"}},
		{"write_file", `{"arguments":{"path":"a","content":"inner"}}`, []string{"a:inner"}},
		{"write_file", `{"path":"a","content":"broken off`, []string{"a:broken off"}},
		{"write_file", `{"content":"no path"}`, nil},
		{"write_file", string(form.Marshal(`{"path":"a","content":"encoded twice"}`)), nil},
		{"write_file", `[{"path":"a","content":"a list"}]`, nil},
		{"write_file", `}{"path":"a","content":"x"}`, nil},
		{"write_file", strings.Repeat(`{"a":`, 500) + `{"path":"a","content":"x"}`, nil},
		{"read_file", `{"path":"a","content":"x"}`, nil},
		{"write_file", `{"path":"a","content":"\uzzzz\q"}`, []string{"a:\ufffdq"}},
	} {
		for n := 1; n < 9; n++ {
			if got := streamed(t, n, c.name, c.arguments); fmt.Sprint(got) != fmt.Sprint(c.want) {
				t.Errorf("%s %.200s in pieces of %d shows %q", c.name, c.arguments, n, got)
				break
			}
		}
	}
}

func FuzzFileDeltas(f *testing.F) {
	f.Add(3, "a/b.ts", "text \"\\ \n\u2028 🐕")
	f.Fuzz(func(t *testing.T, n int, path, text string) {
		path, text = strings.ToValidUTF8(path, ""), strings.ToValidUTF8(text, "")
		raw := string(form.Marshal(args{"path": path, "content": text}))
		b := job(codeforge.Code, `{}`)
		var want args
		if json.Unmarshal([]byte(raw), &want) != nil || want["content"] != text {
			t.Skip()
		}
		path = newRun(&Agents{}, &b.task).tree.resolvePath(path)
		if got := streamed(t, max(1, n%10), "write_file", raw); len(path) > 0 && len(path) < maxWhole && text != "" && (len(got) != 1 || got[0] != path+":"+text) {
			t.Fatalf("%q of %s", got, raw)
		}
		streamed(t, max(1, n%10), "edit_file", text)
	})
}

// What was shown of an answer that is void is begun anew.
func TestRestartedFileDeltas(t *testing.T) {
	b := job(codeforge.Code, `{}`)
	d := &caller{r: newRun(&Agents{}, &b.task), stage: codeforge.Code}
	d.shown = deltas{run: d.r, stage: codeforge.Code}
	for _, text := range []string{`{"path":"a","content":"fir`, `{"path":"b","content":"second"}`} {
		d.reportDelta(llm.Delta{Kind: llm.DeltaToolCall, Name: "write_file", Text: text})
		d.reportDelta(llm.Delta{Kind: llm.DeltaRestart, Text: "openai:m"})
	}
	got := b.of(codeforge.EventFileDelta)
	if len(got) != 2 || got[0]["text"] != "fir" || got[1]["path"] != "b" || got[1]["offset"] != 0.0 || len(b.of(codeforge.EventRestart)) != 2 {
		t.Errorf("%v", got)
	}
}

// Every call of a tool is told with what it came to, in one line.
func TestToolEvents(t *testing.T) {
	b := job(codeforge.Code, `{}`,
		use("read_file", args{"path": "a.ts"}, "read_file", args{"path": "none.ts"}, "search", args{"pattern": "on\x1b[31me"}, "no_such", args{},
			"write_file", args{"path": "b.ts", "content": "BROKEN\n"}, "check", args{}),
		use("finish", args{"summary": "It is done, look.", "dependencies": []string{}}),
		use("delete_file", args{"path": "b.ts"}, "edit_file", args{"path": "a.ts", "old": "two", "new": "2\n3"}), finish()).files("a.ts", "one\ntwo\n")
	b.must(t)
	var told []string
	for _, e := range b.of(codeforge.EventTool) {
		answer := e["answer"].(string)
		if strings.Contains(answer, "\n") || e["stage"] != "code" {
			t.Errorf("%v", e)
		}
		told = append(told, fmt.Sprint(e["name"], " ", e["argument"], " ", e["ok"], ": ", answer[:min(len(answer), 10)]))
	}
	want := []string{"read_file a.ts true: 2 lines", "read_file none.ts false: there is n", "search one true: nothing fo", "no_such  false: there is n",
		"write_file b.ts true: created b.", "check  true: 1 finding,", "finish  false: 1 finding,", "delete_file b.ts true: deleted b.", "edit_file a.ts true: updated a.", "finish  true: nothing wr"}
	if strings.Join(told, "\n") != strings.Join(want, "\n") {
		t.Errorf("told\n%s\nwant\n%s", strings.Join(told, "\n"), strings.Join(want, "\n"))
	}
}

// Each file event carries the working tree on: what all of them together made is what the job made.
func TestFileEventsCarryTheTree(t *testing.T) {
	b := pipeline()
	b.rounds = 3
	out := b.must(t)
	tree := map[string]string{}
	for _, f := range b.task.Files {
		tree[f.Path] = f.Content
	}
	for _, e := range b.events {
		if (e.File != nil) != (e.Type == codeforge.EventFile) {
			t.Errorf("%+v", e)
		}
		if e.File == nil {
			continue
		}
		if e.File.Delete {
			delete(tree, e.File.Path)
		} else {
			tree[e.File.Path] = e.File.Content
		}
	}
	for _, c := range out.Changes {
		if text, has := tree[c.Path]; has == c.Delete || text != c.Content {
			t.Errorf("%s is %q to viewers", c.Path, text)
		}
	}
}

// A tree that was put back is told file by file.
func TestReportTree(t *testing.T) {
	b := job(codeforge.Code, `{}`).files("a", "1\n2\n", "b", "b\n")
	r := newRun(&Agents{}, &b.task)
	good := r.tree.snapshot()
	for _, write := range []func() error{
		func() error { _, err := r.tree.write("a", "1\n3\n"); return err }, func() error { _, err := r.tree.write("c", "c"); return err }, func() error { return r.tree.delete("b") }} {
		if err := write(); err != nil {
			t.Fatal(err)
		}
	}
	r.reportTree()
	r.tree.restore(good)
	r.reportTree()
	r.reportTree()
	var told []string
	for _, e := range b.of(codeforge.EventFile) {
		told = append(told, fmt.Sprint(e["path"], " ", e["action"], " +", e["added"], " -", e["removed"]))
	}
	if got, want := strings.Join(told, ", "), "a updated +1 -1, b deleted +0 -1, c created +1 -0, a updated +1 -1, b created +1 -0, c deleted +0 -1"; got != want {
		t.Errorf("told %s, want %s", got, want)
	}
}

// Specifications and findings are events of their own; of the forms that they come in nothing is shown.
func TestSpecAndReviewEvents(t *testing.T) {
	b := pipeline()
	out := b.must(t)
	specs, reviews, findings := b.of(codeforge.EventSpec), b.of(codeforge.EventReview), b.of(codeforge.EventFinding)
	if len(specs) != 2 || specs[0]["kind"] != "requirements" || at(specs[0], "document", "app_name") != "Walkies" || specs[1]["kind"] != "architecture" || specs[1]["stage"] != "wireframe" {
		t.Errorf("specs %v", specs)
	}
	if len(reviews) != 2 || reviews[0]["passed"] != false || reviews[0]["round"] != 0.0 || reviews[1]["round"] != 1.0 || reviews[1]["passed"] != true || reviews[1]["issues"] != 0.0 {
		t.Errorf("reviews %v", reviews)
	}
	if len(findings) != 1 || findings[0]["severity"] != "high" || findings[0]["file_path"] != "src/a.ts" || findings[0]["round"] != 0.0 {
		t.Errorf("findings %v of %s", findings, out.Result)
	}
	for _, e := range b.of(codeforge.EventDelta) {
		if e["stage"] != "code" {
			t.Errorf("shown: %v", e)
		}
	}
}

// Progress rises with what is done, in jobs of one agent too.
func TestProgressFollowsWork(t *testing.T) {
	var steps []turn
	for i := range 20 {
		steps = append(steps, use("write_file", args{"path": fmt.Sprint("src/", i, ".ts"), "content": "export {}\n"}))
	}
	b := job(codeforge.Code, `{}`, append(steps, finish())...)
	b.must(t)
	wantProgress(t, b, 10)
	if len(b.progress) < 10 {
		t.Errorf("progress %v", b.progress)
	}
	waiting := job(codeforge.Research, `{}`, func(ctx context.Context, req *llm.Request) (*llm.Response, error) {
		return object(args{"is_complete": false, "message": strings.Repeat("m", 900), "questions": []any{args{"question": "Who?", "why": "x", "options": []any{"a", "b"}}}})(ctx, req)
	})
	if out := waiting.must(t); out.Progress != 50 || waiting.progress[len(waiting.progress)-1] >= 50 {
		t.Errorf("waits at %v after %v", out.Progress, waiting.progress)
	}
}
