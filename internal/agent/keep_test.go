package agent

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
	"codeforge/internal/verify"
)

// meanwhile has people change the project before the model answers.
func (b *bench) meanwhile(step turn, changes ...codeforge.FileChange) turn {
	return func(ctx context.Context, req *llm.Request) (*llm.Response, error) {
		b.stored.people(changes...)
		return step(ctx, req)
	}
}

func put(path, content string) codeforge.FileChange {
	return codeforge.FileChange{Path: path, Content: content}
}

// newest is the newest state of the files.
func (b *bench) newest() map[string]string { return b.stored.at[b.stored.head] }

const verse = "one\ntwo\nthree\nfour\nfive\n"

// edit is verse with some lines in other words.
func edit(pairs ...string) string { return strings.NewReplacer(pairs...).Replace(verse) }

func TestStagesAreKept(t *testing.T) {
	b := pipeline()
	out := b.must(t)
	var made []string
	for _, s := range b.stored.made {
		made = append(made, fmt.Sprintf("%s %d on %d: %d files, requirements %v, architecture %v, %q", s.Stage, s.Round, s.Base, len(s.Changes), s.Requirements != nil, s.Architecture != nil, s.Message))
	}
	if want := []string{
		`research 0 on 0: 0 files, requirements true, architecture false, ""`,
		`wireframe 0 on 0: 0 files, requirements false, architecture true, ""`,
		`code 0 on 0: 2 files, requirements false, architecture false, "Wrote the app, open it."`,
		`code 1 on 1: 1 files, requirements false, architecture false, "Mended the deletion."`,
	}; !slices.Equal(made, want) {
		t.Errorf("kept\n%s", strings.Join(made, "\n"))
	}
	kept := b.of(codeforge.EventKept)
	if len(kept) != 4 || kept[2]["revision"] != 1.0 || at(kept[2], "files", 1) != "src/a.ts" || kept[3]["revision"] != 2.0 || kept[3]["round"] != 1.0 {
		t.Errorf("told of %v", kept)
	}
	// The result tells of the whole job, not of its last revision.
	if r := decode(t, out.Result); len(at(r, "generated_code", "files").([]any)) != 2 || at(r, "generated_code", "files", 1, "action") != "created" {
		t.Errorf("%s", out.Result)
	}
}

// TestWorkIsKeptWhateverComesAfter: a job that ends badly in review keeps its code, and says so.
func TestWorkIsKeptWhateverComesAfter(t *testing.T) {
	stop := errors.New("time is over")
	for name, last := range map[string]turn{
		"an outage": fail(&llm.Error{Kind: llm.Auth}),
		"the end of its time": func(ctx context.Context, _ *llm.Request) (*llm.Response, error) {
			return nil, &llm.Error{Kind: llm.Cancelled, Cause: stop}
		},
	} {
		b := job(codeforge.Builder, `{"skip_clarification":true}`, object(goodRequirements), object(goodArchitecture), write("a", "good"), finish(), last)
		out, err := b.run(t)
		if err == nil || !maps.Equal(b.newest(), map[string]string{"a": "good"}) || out.Requirements == nil || out.Architecture == nil {
			t.Errorf("%s: %v, %v", name, err, b.newest())
		}
		if r := decode(t, out.Result); r["kept_revision"] != 1.0 || r["partial"] != true || !strings.Contains(out.Chat[0].Content, "revision 1") {
			t.Errorf("%s: %s, %+v", name, out.Result, out.Chat)
		}
	}
}

// TestUnderReview: the work of every round is the proposal, which outlives what comes after.
func TestUnderReview(t *testing.T) {
	bad := object(args{"passed": false, "issues": []any{with(finding, "file_path", "a", "line_hint", 1)}, "summary": "One flaw.", "score": 60})
	steps := []turn{object(goodRequirements), object(goodArchitecture), write("a", "good"), finish(), bad, write("a", "better"), finish()}
	for name, last := range map[string]turn{"done": object(goodReport), "an outage": fail(&llm.Error{Kind: llm.Auth})} {
		b := job(codeforge.Builder, `{"skip_clarification":true}`, append(slices.Clone(steps), last)...)
		b.task.Job.Apply = codeforge.ApplyReview
		out, err := b.run(t)
		if len(b.newest()) != 0 {
			t.Errorf("%s: the project has %v", name, b.newest())
		}
		for _, s := range b.stored.made[2:] {
			if !s.Proposal || s.Base != 0 || len(s.Changes) != 1 {
				t.Errorf("%s: kept %+v", name, s)
			}
		}
		r := decode(t, out.Result)
		if name == "done" {
			if !strings.Contains(out.Chat[0].Content, "None of its files is in your project") || !strings.Contains(out.Chat[0].Content, "layout that it wrote are stored") {
				t.Errorf("%s", out.Chat[0].Content)
			}
			if err != nil || out.Status != codeforge.Waiting || at(r, "questions", 0, "options", 0) != "apply" || at(r, "generated_code", "files", 0, "path") != "a" {
				t.Errorf("%v: %s", err, out.Result)
			}
			continue
		}
		if err == nil || r["proposed"] != true || !strings.Contains(out.Chat[0].Content, "proposal") {
			t.Errorf("%v: %s, %+v", err, out.Result, out.Chat)
		}
	}
}

func TestPeopleWriteMeanwhile(t *testing.T) {
	b := job(codeforge.Code, `{"user_message":"Count to five"}`)
	b.files("verse.txt", verse, "gone.txt", "x", "other.txt", "y")
	b.script.steps = []turn{
		use("edit_file", args{"path": "verse.txt", "old": "one", "new": "1"}, "write_file", args{"path": "new.txt", "content": "job"}),
		b.meanwhile(finish(), put("verse.txt", edit("five", "5")), codeforge.FileChange{Path: "gone.txt", Delete: true}, put("theirs.txt", "people")),
	}
	out := b.must(t)
	want := map[string]string{"verse.txt": edit("one", "1", "five", "5"), "new.txt": "job", "other.txt": "y", "theirs.txt": "people"}
	if !maps.Equal(b.newest(), want) {
		t.Errorf("the project has %q", b.newest())
	}
	// What the job did is told, and what people did as theirs.
	if says := out.Chat[0].Content; !strings.Contains(says, "What you changed meanwhile was kept and joined with this: gone.txt, theirs.txt, verse.txt.") {
		t.Errorf("%s", says)
	}
	r := decode(t, out.Result)
	if files := r["files"].([]any); len(files) != 2 || at(files, 0, "path") != "new.txt" || at(files, 1, "path") != "verse.txt" {
		t.Errorf("%v", r["files"])
	}
	if last := b.stored.made[0]; last.Base != 1 || len(last.Changes) != 2 {
		t.Errorf("kept %+v", last)
	}
	if files := b.of(codeforge.EventFile); len(files) != 5 || files[4]["action"] != "merged" || files[2]["action"] != "deleted" {
		t.Errorf("files of the tree: %v", files)
	}
}

// TestMergeThatDoesNotBuild: what breaks only together goes back to the model; what people broke alone does not.
func TestMergeThatDoesNotBuild(t *testing.T) {
	together := func(ctx context.Context, user string, t verify.Tree) (r verify.Report, err error) {
		if r, err = lint(ctx, user, t); strings.Contains(t.Files["a"], "uses b") && t.Files["b"] == "" {
			r.OK = false
			r.Diagnostics = append(r.Diagnostics, verify.Diagnostic{File: "a", Line: 1, Column: 1, Severity: verify.SeverityError, Message: "no b"})
		}
		return r, err
	}
	b := job(codeforge.Code, `{}`).files("b", "b")
	b.script.steps = []turn{
		write("a", "uses b"),
		b.meanwhile(finish(), codeforge.FileChange{Path: "b", Delete: true}, put("c", "BROKEN by people")),
		write("a", "needs nothing"), finish(),
	}
	if _, err := b.runAs(t.Context(), New(Options{Model: b.script, Check: together})); err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"a": "needs nothing", "c": "BROKEN by people"}; !maps.Equal(b.newest(), want) {
		t.Errorf("the project has %q", b.newest())
	}
	told := b.prompt(2)
	if !strings.Contains(told, `"no b"`) || !strings.Contains(told, `"changed_by_people":["b","c"]`) || strings.Index(told, "no b") > strings.Index(told, "preexisting") {
		t.Errorf("the model was told %s", told)
	}
}

func TestConflictGoesBackOnce(t *testing.T) {
	clash := func(answer ...turn) *bench {
		b := job(codeforge.Code, `{}`).files("verse.txt", verse)
		b.script.steps = append([]turn{
			use("edit_file", args{"path": "verse.txt", "old": "two", "new": "II"}, "edit_file", args{"path": "verse.txt", "old": "five", "new": "V"}),
			b.meanwhile(finish(), put("verse.txt", edit("two", "2", "one", "1")))}, answer...)
		return b
	}
	// It takes in what they wrote.
	b := clash(use("edit_file", args{"path": "verse.txt", "old": "2\n", "new": "2\n(II)\n"}), finish())
	b.must(t)
	if got, want := b.newest()["verse.txt"], edit("one", "1", "two", "2\n(II)", "five", "V"); got != want {
		t.Errorf("taken in: %q", got)
	}
	told := b.prompt(2)
	for _, want := range []string{`"people":"1\n2\n"`, `"job":"one\nII\n"`, `"before":"one\ntwo\n"`, `"ok":false`} {
		if !strings.Contains(told, want) {
			t.Errorf("the model was not told %s: %s", want, told)
		}
	}
	if seen := b.of(codeforge.EventConflict); len(seen) != 1 || at(seen[0], "conflicts", 0, "path") != "verse.txt" || seen[0]["revision"] != 1.0 {
		t.Errorf("conflicts told: %v", seen)
	}

	// It writes something new in their place.
	b = clash(use("edit_file", args{"path": "verse.txt", "old": "2\n", "new": "2 (II)\n"}), finish())
	if out := b.must(t); out.Status != codeforge.JobCompleted || b.newest()["verse.txt"] != edit("one", "1", "two", "2 (II)", "five", "V") {
		t.Errorf("decided: %s %q", out.Status, b.newest())
	}

	// It leaves what they wrote.
	b = clash(finish())
	b.must(t)
	if got, want := b.newest()["verse.txt"], edit("one", "1", "two", "2", "five", "V"); got != want {
		t.Errorf("left: %q", got)
	}

	// It insists: they are asked, and nothing of theirs is overwritten.
	b = clash(use("edit_file", args{"path": "verse.txt", "old": "2\n", "new": "II\n"}), finish())
	out := b.must(t)
	if got, want := b.newest()["verse.txt"], edit("two", "2", "one", "1"); got != want || len(b.stored.made) != 0 {
		t.Errorf("insisted: %q", got)
	}
	r := decode(t, out.Result)
	if out.Status != codeforge.Waiting || r["is_complete"] != false || at(r, "questions", 0, "question") != "verse.txt" || at(r, "questions", 0, "options", 0) != "yours" ||
		at(r, "questions", 0, "options", 1) != "job" || at(r, "conflicts", 0, "job") == nil || len(out.Question) == 0 || len(out.Events) != 1 {
		t.Errorf("%+v\n%s", out, out.Result)
	}

	// The conversation says what was built, and shows both sides.
	for _, want := range []string{"verse.txt (yours / job)", `you have "1 2"`, `the job has "1 II"`, `say "yours"`} {
		if !strings.Contains(out.Chat[0].Content, want) {
			t.Errorf("the conversation lacks %s: %s", want, out.Chat[0].Content)
		}
	}

	// A new change of theirs at the same place is not taken for the old one.
	b = clash()
	b.script.steps = append(b.script.steps, b.meanwhile(finish(), put("verse.txt", edit("two", "zwei", "one", "1"))))
	b.must(t)
	if got, want := b.newest()["verse.txt"], edit("one", "1", "two", "zwei", "five", "V"); got != want {
		t.Errorf("changed again: %q", got)
	}
}

func TestDeletedAgainstChanged(t *testing.T) {
	b := job(codeforge.Code, `{}`).files("a", verse, "b", verse)
	b.script.steps = []turn{
		use("edit_file", args{"path": "a", "old": "one", "new": "1"}, "delete_file", args{"path": "b"}),
		b.meanwhile(finish(), codeforge.FileChange{Path: "a", Delete: true}, put("b", edit("two", "2"))),
		write("a", "again"), // they deleted it: said once
		write("a", "again"),
		finish(),
	}
	out := b.must(t)
	if want := map[string]string{"b": edit("two", "2")}; out.Status != codeforge.Waiting || !maps.Equal(b.newest(), want) {
		t.Errorf("%s: the project has %q", out.Status, b.newest())
	}
	if !strings.Contains(b.prompt(3), "people deleted") || at(decode(t, out.Result), "questions", 0, "question") != "a" {
		t.Errorf("%s\n%s", b.prompt(3), out.Result)
	}
}

// TestStaleFilesAreNotWrittenWhole: a file that people changed is read again before it is written whole, so that what they wrote
// is not lost to what the model remembers.
func TestStaleFilesAreNotWrittenWhole(t *testing.T) {
	bad := object(args{"passed": false, "issues": []any{with(finding, "file_path", "verse.txt")}, "summary": "One flaw.", "score": 60})
	b := job(codeforge.Builder, `{"skip_clarification":true}`).files("verse.txt", verse)
	b.script.steps = []turn{object(goodRequirements), object(goodArchitecture),
		use("edit_file", args{"path": "verse.txt", "old": "one", "new": "1"}),
		b.meanwhile(finish(), put("verse.txt", edit("five", "5"))), bad,
		write("verse.txt", edit("one", "I")), use("delete_file", args{"path": "verse.txt"}), use("read_file", args{"path": "verse.txt"}), write("verse.txt", edit("one", "I", "five", "5")), finish(),
		object(goodReport)}
	b.must(t)
	if got, want := b.newest()["verse.txt"], edit("one", "I", "five", "5"); got != want {
		t.Errorf("%q", got)
	}
	for _, n := range []int{6, 7} {
		if !strings.Contains(b.prompt(n), "people changed") {
			t.Errorf("call %d was told %s", n, b.prompt(n))
		}
	}
}

// TestBusyProject: people who write all the time do not hold a job for ever, and lose nothing.
func TestBusyProject(t *testing.T) {
	b := job(codeforge.Code, `{}`, write("a", "b"), finish())
	keep, n := b.task.Keep, 0
	b.task.Keep = func(ctx context.Context, s codeforge.StageResult) (codeforge.Kept, error) {
		n++
		b.stored.people(put("theirs", fmt.Sprint(n)))
		return keep(ctx, s)
	}
	_, err := b.run(t)
	if e, ok := errors.AsType[*codeforge.Error](err); !ok || !e.Retryable || n > maxHeads || b.newest()["theirs"] != fmt.Sprint(n) {
		t.Errorf("after %d: %v", n, err)
	}
}

// TestKilledWhilePeopleWrite: a job that is killed at any call, and before or after any step of keeping, goes on to the same end.
func TestKilledWhilePeopleWrite(t *testing.T) {
	script := func() (*bench, *journal) {
		b := job(codeforge.Builder, `{"skip_clarification":true}`).files("verse.txt", verse)
		b.script.steps = []turn{object(goodRequirements), object(goodArchitecture),
			use("edit_file", args{"path": "verse.txt", "old": "two", "new": "II"}, "write_file", args{"path": "src/a.ts", "content": "one\ntwo"}),
			b.meanwhile(finish(), put("verse.txt", edit("two", "2", "five", "5"))),
			b.meanwhile(finish(), put("theirs", "1")),
			object(args{"passed": false, "issues": []any{finding}, "summary": "One flaw.", "score": 60}),
			use("edit_file", args{"path": "src/a.ts", "old": "two", "new": "three"}),
			b.meanwhile(use("finish", args{"summary": "Mended the deletion."}), put("theirs", "2")),
			object(goodReport)}
		return b, &journal{entries: map[llm.JournalKey][]byte{}}
	}
	run := func(ctx context.Context, b *bench, j llm.Journal, m llm.Provider) (string, error) {
		out, err := b.runAs(ctx, New(Options{Model: m, Check: lint, Journal: j}))
		return string(form.Marshal(out)) + string(form.Marshal(b.newest())), err
	}
	whole, j := script()
	want, err := run(t.Context(), whole, j, llm.Journaled(whole.script, j))
	if err != nil || !strings.Contains(want, `"iterations":2`) && !strings.Contains(want, "Mended") || whole.newest()["theirs"] != "2" {
		t.Fatalf("%v: %s", err, want)
	}
	if got := whole.newest()["verse.txt"]; got != edit("two", "2", "five", "5") {
		t.Fatalf("%q", got)
	}
	calls, head := len(whole.script.requests), whole.stored.head
	for point := 1; ; point++ { // of all that a run says to the world
		b, j := script()
		ctx, kill := context.WithCancelCause(t.Context())
		left := point
		step := func() bool {
			if left--; left == 0 {
				kill(errKilled)
			}
			return left <= 0
		}
		keep := b.task.Keep
		b.task.Keep = func(ctx context.Context, s codeforge.StageResult) (codeforge.Kept, error) {
			if step() {
				return codeforge.Kept{}, errKilled
			}
			kept, err := keep(ctx, s)
			if step() {
				return codeforge.Kept{}, errKilled
			}
			return kept, err
		}
		dying := &dyingJournal{j, step}
		_, err := run(ctx, b, dying, &dyingModel{llm.Journaled(b.script, j), step})
		if err == nil {
			if point < 30 {
				t.Errorf("only %d points", point)
			}
			break
		}
		b.task.Keep = keep
		if got, err := run(t.Context(), b, j, llm.Journaled(b.script, j)); err != nil || got != want || len(b.script.requests) != calls || b.stored.head != head {
			t.Fatalf("killed at point %d: %d calls, head %d, %v\n%s\n%s", point, len(b.script.requests), b.stored.head, err, got, want)
		}
		if got, err := run(t.Context(), b, j, llm.Journaled(nil, j)); err != nil || got != want {
			t.Fatalf("killed at point %d, replayed: %v\n%s", point, err, got)
		}
	}
}

// dyingJournal dies before or after a write.
type dyingJournal struct {
	llm.Journal
	step func() bool
}

func (d *dyingJournal) Put(ctx context.Context, k llm.JournalKey, entry []byte) ([]byte, error) {
	if d.step() {
		return nil, errKilled
	}
	entry, err := d.Journal.Put(ctx, k, entry)
	if d.step() {
		return nil, errKilled
	}
	return entry, err
}

// dyingModel dies before or after a call.
type dyingModel struct {
	llm.Provider
	step func() bool
}

func (d *dyingModel) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	if d.step() {
		return nil, errKilled
	}
	resp, err := d.Provider.Generate(ctx, req, sink)
	if d.step() {
		return nil, errKilled
	}
	return resp, err
}

// TestConflictInAReviewRound: a pipeline that ends with a question to people keeps what the review found, and tells it.
func TestConflictInAReviewRound(t *testing.T) {
	bad := object(args{"passed": false, "issues": []any{with(finding, "file_path", "verse.txt", "line_hint", 1)}, "summary": "One flaw.", "score": 60})
	b := job(codeforge.Builder, `{"skip_clarification":true}`).files("verse.txt", verse)
	insist := use("edit_file", args{"path": "verse.txt", "old": "2\n", "new": "II\n"})
	b.script.steps = []turn{object(goodRequirements), object(goodArchitecture), use("edit_file", args{"path": "verse.txt", "old": "one", "new": "1"}), finish(), bad,
		use("edit_file", args{"path": "verse.txt", "old": "two", "new": "II"}), b.meanwhile(finish(), put("verse.txt", edit("two", "2", "one", "1"))), insist, finish()}
	out := b.must(t)
	r := decode(t, out.Result)
	if out.Status != codeforge.Waiting || at(r, "qa_result", "score") != 60.0 || !strings.Contains(out.Chat[0].Content, "Still open:") || !strings.Contains(out.Chat[0].Content, "Wrote the app") {
		t.Errorf("%s: %s\n%s", out.Status, out.Result, out.Chat[0].Content)
	}
	if done := decode(t, withoutQuestion(out.Result)); done["qa_result"] == nil || done["questions"] != nil {
		t.Errorf("%v", done)
	}
}
