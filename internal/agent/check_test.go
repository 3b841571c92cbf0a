package agent

import (
	"context"
	"errors"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
	"codeforge/internal/verify"
)

// What a check said is read from the journal when a job runs again, whatever the check would say now; and a check that
// cannot be made says nothing of the code: the job is tried again.
func TestChecksAreJournaled(t *testing.T) {
	steps := func() *bench {
		return job(codeforge.Code, `{}`, write("a.ts", "BROKEN"), finish(), write("a.ts", "fine"), finish()).files("b.ts", "SLOPPY")
	}
	j := &journal{entries: map[llm.JournalKey][]byte{}}
	run := func(check Check) (string, error) {
		b := steps()
		out, err := New(Options{Model: llm.Journaled(b.script, j), Check: check, Journal: j}).Run(t.Context(), &b.task)
		return string(form.Marshal(out)), err
	}
	lost := &codeforge.Error{Kind: codeforge.Unavailable, Message: "no child", Retryable: true}
	unable := func(context.Context, string, verify.Tree) (verify.Report, error) { return verify.Report{}, lost }
	if out, err := run(unable); !errors.Is(err, lost) {
		t.Fatalf("%v %s", err, out)
	}
	var users []string
	want, err := run(func(ctx context.Context, user string, tree verify.Tree) (verify.Report, error) {
		users = append(users, user)
		return lint(ctx, user, tree)
	})
	if err != nil || len(users) != 3 || users[0] != steps().task.Job.UserID {
		t.Fatalf("%v, checks for %q", err, users)
	}
	if got, err := run(unable); err != nil || got != want {
		t.Errorf("%v\n%s\n%s", err, got, want)
	}
}
