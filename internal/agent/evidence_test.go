package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/evidence"
	"codeforge/internal/llm"
	"codeforge/internal/verify"
)

// ladder is a stand-in for the rungs: texts with BROKEN do not verify, those with THROWS do not run, DEAD is a warning of a run.
type ladder struct {
	runs []string // what was run, by a.ts
	err  error
	rung codeforge.Rung
}

func (l *ladder) check(ctx context.Context, user string, t verify.Tree) (verify.Report, error) {
	r, err := lint(ctx, user, t)
	r.Evidence = codeforge.Evidence{{Name: codeforge.RungParse, Status: codeforge.RungPassed}, {Name: codeforge.RungTypes, Status: codeforge.RungNotChecked, Reason: "there is no compiler"}}
	if strings.Contains(t.Files["package.json"], "react") && len(t.Lock) == 0 {
		r.Lock = []byte(lockWithReact)
	}
	return r, err
}

const lockWithReact = `{"lockfileVersion":3,"packages":{"":{"dependencies":{"react":"1"}},"node_modules/react":{"version":"1.0.0","integrity":"sha512-x"}}}`

func (l *ladder) run(_ context.Context, _ string, t verify.Tree, _ func(context.Context, string) ([]byte, error)) (evidence.Run, error) {
	text := t.Files["a.ts"]
	l.runs = append(l.runs, text)
	run := evidence.Run{Rung: codeforge.Rung{Name: codeforge.RungRun, Status: codeforge.RungPassed, Tool: "chromium", DurationMS: int64(len(l.runs))}, Screenshots: []evidence.Screenshot{{Page: "/", Width: 360, Type: "image/png", Bytes: pixels(text)}}}
	if l.rung.Status != "" {
		run.Rung, run.Screenshots = l.rung, nil
	}
	for word, severity := range map[string]string{"THROWS": verify.SeverityError, "DEAD": verify.SeverityWarning} {
		if strings.Contains(text, word) {
			run.Diagnostics = append(run.Diagnostics, verify.Diagnostic{File: "a.ts", Line: 1, Severity: severity, Message: word, Rung: codeforge.RungRun, Page: "/", Control: "button Add"})
			if severity == verify.SeverityError {
				run.Rung.Status = codeforge.RungFailed
			}
		}
	}
	return run, l.err
}

// pixels is a picture that looks different for each text.
func pixels(text string) []byte { return []byte("\x89PNG\r\n\x1a\n" + text) }

func (l *ladder) agents(b *bench, j *journal) *Agents {
	b.task.PutBlob = func(_ context.Context, data []byte) (string, error) { return codeforge.BlobHash(data), nil }
	o := Options{Model: b.script, Check: l.check, Smoke: l.run, Available: func(context.Context) evidence.Available {
		return evidence.Available{Packages: true, Types: true, Run: true}
	}}
	if j != nil {
		o.Model, o.Journal = llm.Journaled(b.script, j), j
	}
	return New(o)
}

// Work that verifies is run before it is kept: errors of the run go back to the model, warnings do not hold it up, and what was seen stands
// beside the revision.
func TestWorkIsRun(t *testing.T) {
	l := &ladder{}
	b := job(codeforge.Code, `{}`, write("a.ts", "BROKEN"), finish(), write("a.ts", "THROWS"), finish(), write("a.ts", "DEAD"), use("run", "{}"), finish())
	out, err := b.runAs(t.Context(), l.agents(b, nil))
	if err != nil || !slices.Equal(l.runs, []string{"THROWS", "DEAD"}) {
		t.Fatalf("%v, ran %q", err, l.runs)
	}
	if p := b.prompt(4); !strings.Contains(p, `"message":"THROWS","rung":"run","page":"/","control":"button Add"`) {
		t.Errorf("told %s", p)
	}
	if p := b.prompt(6); !strings.Contains(p, `"ok":true`) || !strings.Contains(p, "DEAD") {
		t.Errorf("run says %s", p)
	}
	last := b.script.requests[6].Messages
	parts := last[len(last)-1].Parts
	if n := len(parts); n != 3 || parts[1].Text != "The page /, 360 pixels wide:" || parts[2].Kind != llm.PartImage || string(parts[2].Image.Data) != string(pixels("DEAD")) {
		t.Errorf("what the page looks like is not shown: %d parts", n)
	}
	for i := range b.script.requests {
		if strings.Contains(string(form.Marshal(b.script.requests[i].Messages)), "duration") {
			t.Errorf("call %d is told how long something took", i)
		}
	}
	made := b.stored.made[0]
	if fmt.Sprint(made.Evidence) != "[{parse passed    0} {types not_checked there is no compiler   0} {run passed  chromium  2}]" ||
		!slices.Equal(made.Screenshots, []codeforge.Screenshot{{Page: "/", Width: 360, Type: "image/png", Hash: codeforge.BlobHash(pixels("DEAD"))}}) {
		t.Errorf("kept %v %v", made.Evidence, made.Screenshots)
	}
	if doc := decode(t, out.Result); at(doc, "evidence", 2, "name") != "run" || at(doc, "diagnostics", 0, "message") != "DEAD" {
		t.Errorf("%s", out.Result)
	}
	if says := out.Chat[0].Content; !strings.Contains(says, "Checked: every file parses, it ran in a browser without an error. Not checked (types): there is no compiler.") {
		t.Errorf("says %s", says)
	}
	checks := b.of(codeforge.EventCheck)
	if last := checks[len(checks)-1]; at(last, "evidence", 2, "status") != "passed" {
		t.Errorf("told viewers %v", last)
	}
}

// What went wrong in a browser before the job is not the job's, a page that goes on failing fails it, and what could not be run holds
// nothing up.
func TestRunsThatFail(t *testing.T) {
	for name, c := range map[string]struct {
		l      ladder
		before string
		steps  []turn
		runs   int
		fails  string
	}{
		"before":        {before: "THROWS", steps: []turn{write("a.ts", "THROWS too"), finish()}, runs: 2},
		"to the end":    {steps: []turn{write("a.ts", "THROWS"), finish(), write("a.ts", "THROWS 1"), finish(), write("a.ts", "THROWS 2"), finish(), write("a.ts", "THROWS 3"), finish()}, runs: 4, fails: "error"},
		"not run":       {l: ladder{rung: codeforge.Rung{Name: codeforge.RungRun, Status: codeforge.RungNotChecked, Reason: "the browser was killed"}}, steps: []turn{write("a.ts", "fine"), finish()}, runs: 1},
		"no change":     {before: "THROWS", steps: []turn{finish()}},
		"browser ended": {l: ladder{err: &codeforge.Error{Kind: codeforge.Unavailable, Message: "required and not there", Retryable: true}}, steps: []turn{write("a.ts", "fine"), finish()}, runs: 1, fails: "required"},
	} {
		b := job(codeforge.Code, `{}`, c.steps...)
		if c.before != "" {
			b.files("a.ts", c.before)
		}
		out, err := b.runAs(t.Context(), c.l.agents(b, nil))
		if (err != nil) != (c.fails != "") || err != nil && !strings.Contains(err.Error(), c.fails) || len(c.l.runs) != c.runs {
			t.Errorf("%s: %v, ran %q", name, err, c.l.runs)
		}
		if name == "not run" && !strings.Contains(string(out.Result), "the browser was killed") {
			t.Errorf("%s: %s", name, out.Result)
		}
	}
}

// What was seen is noted before it is used: a job that runs again, on a machine that has no browser, is told and keeps the same.
func TestRunsAreJournaled(t *testing.T) {
	j := &journal{entries: map[llm.JournalKey][]byte{}}
	steps := func() *bench {
		return job(codeforge.Code, `{}`, write("a.ts", "THROWS"), finish(), write("a.ts", "DEAD"), finish())
	}
	first := steps()
	want, err := first.runAs(t.Context(), (&ladder{}).agents(first, j))
	if err != nil {
		t.Fatal(err)
	}
	again := steps()
	again.script.steps = []turn{fail(errors.New("asked again"))}
	got, err := again.runAs(t.Context(), New(Options{Model: llm.Journaled(again.script, j), Journal: j, Check: func(context.Context, string, verify.Tree) (verify.Report, error) {
		return verify.Report{}, errors.New("checked again")
	}}))
	if err != nil || string(form.Marshal(got)) != string(form.Marshal(want)) || fmt.Sprint(first.stored.made) != fmt.Sprint(again.stored.made) {
		t.Errorf("%v\n%s\n%s\n%v\n%v", err, form.Marshal(want), form.Marshal(got), first.stored.made, again.stored.made)
	}
}

// The lock that packages were resolved to is kept beside the revision, and written as npm writes it by a job that changed what is asked for.
func TestLocks(t *testing.T) {
	manifest := `{"dependencies":{"react":"1"}}`
	written := func(b *bench) string { return b.newest()["package-lock.json"] }
	b := job(codeforge.Code, `{}`, write("package.json", manifest), finish())
	if _, err := b.runAs(t.Context(), (&ladder{}).agents(b, nil)); err != nil || !strings.Contains(written(b), `"node_modules/react"`) || string(b.stored.made[0].Lock) != lockWithReact {
		t.Errorf("%v %q", err, b.newest())
	}
	b = job(codeforge.Code, `{}`, write("a.ts", "1"), finish()).files("package.json", manifest)
	if _, err := b.runAs(t.Context(), (&ladder{}).agents(b, nil)); err != nil || written(b) != "" || string(b.stored.made[0].Lock) != lockWithReact {
		t.Errorf("not changed: %v %q", err, b.newest())
	}
	b = job(codeforge.Code, `{}`, write("package.json", manifest), finish()).files("yarn.lock", "")
	if _, err := b.runAs(t.Context(), (&ladder{}).agents(b, nil)); err != nil || written(b) != "" {
		t.Errorf("beside yarn's: %v %q", err, b.newest())
	}
	// People who changed theirs meanwhile are no conflict.
	b = job(codeforge.Code, `{}`).files("package-lock.json", "old")
	b.script.steps = []turn{write("package.json", manifest), b.meanwhile(finish(), put("package-lock.json", "theirs"))}
	if _, err := b.runAs(t.Context(), (&ladder{}).agents(b, nil)); err != nil || !strings.Contains(written(b), `"node_modules/react"`) {
		t.Errorf("changed meanwhile: %v %q", err, b.newest())
	}
}
