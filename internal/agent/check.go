package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
	"codeforge/internal/verify"
)

// diagnostic is a finding of verification as models and results see it.
type diagnostic struct {
	verify.Diagnostic
	Preexisting bool   `json:"preexisting,omitempty"` // it was there before the job
	Guard       string `json:"guard,omitempty"`       // that found it
}

// maxDiagnostics bounds what is shown of one report.
const maxDiagnostics = 50

type checkEvent struct {
	Stage       codeforge.AgentType `json:"stage"`
	OK          bool                `json:"ok"`
	Count       int                 `json:"count"`
	Diagnostics []diagnostic        `json:"diagnostics"` // the first few
}

// verify checks the working tree and tells viewers. The tree is ok when nothing is wrong that this job must answer
// for: errors that were there before are shown but do not count, see [baseline].
func (r *run) verify(ctx context.Context, stage codeforge.AgentType) (ok bool, found []diagnostic) {
	now := r.checkTree(ctx)
	if r.before == nil {
		was := now
		if len(r.tree.changes()) > 0 {
			was = r.check(ctx, r.tree.base)
		}
		r.before = newBaseline(was)
	}
	ok, found = true, r.before.compare(now, r.tree)
	for _, d := range found {
		ok = ok && (d.Preexisting || d.Severity != verify.SeverityError)
	}
	// What must be mended comes first, so that a bound cuts off the rest.
	slices.SortStableFunc(found, func(a, b diagnostic) int { return a.rank() - b.rank() })
	r.report(-1, event(codeforge.EventCheck, checkEvent{stage, ok, len(found), found[:min(len(found), 5)]}))
	return ok, found
}

// baseline is what was wrong before a job. A finding was there before while its file and message occur at most as often
// as then, wherever its line is now: to edit a file is not to answer for all that was wrong in it.
type baseline struct {
	counts map[fault]int
	cut    bool // the report was cut: it does not know all that was wrong
}

type fault struct{ file, message string }

func newBaseline(r verify.Report) *baseline {
	b := &baseline{counts: map[fault]int{}, cut: len(r.Diagnostics) > verify.MaxDiagnostics}
	for _, d := range r.Diagnostics {
		b.counts[fault{d.File, d.Message}]++
	}
	return b
}

// compare marks what was there before among the findings of a tree that came of the baseline's. A file that the job moved
// takes what was wrong in it along.
func (b *baseline) compare(now verify.Report, t *tree) []diagnostic {
	left := maps.Clone(b.counts)
	var gone []string
	for _, c := range t.changes() {
		if c.Delete {
			gone = append(gone, c.Path)
		}
	}
	take := func(file, message string) bool {
		k := fault{file, message}
		if left[k] > 0 {
			left[k]--
			return true
		}
		return false
	}
	found := make([]diagnostic, 0, len(now.Diagnostics))
	for _, d := range now.Diagnostics {
		old := take(d.File, d.Message) || b.cut && !t.touched(d.File)
		if _, had := t.base[d.File]; !old && !had {
			old = slices.ContainsFunc(gone, func(file string) bool { return take(file, d.Message) })
		}
		found = append(found, diagnostic{Diagnostic: d, Preexisting: old})
	}
	return found
}

// checkTree verifies the working tree, once in each of its states.
func (r *run) checkTree(ctx context.Context) verify.Report {
	if r.checked == nil || r.checkedAt != r.tree.state {
		r.checked, r.checkedAt = new(r.check(ctx, r.tree.files)), r.tree.state
	}
	return *r.checked
}

// check verifies a tree. What was said is kept in the journal before it is used: a job that runs again, on whatever
// machine, is told the same. A check that cannot be made ends the run.
func (r *run) check(ctx context.Context, files map[string]string) verify.Report {
	job := r.task.Job
	if r.journal == nil || job.ID == "" {
		report, err := r.checks(ctx, job.UserID, verify.Tree{Files: files})
		if err != nil {
			r.abort(err)
		}
		return report
	}
	var report verify.Report
	k := llm.JournalKey{JobID: job.ID, Number: r.calls, Hash: verify.Hash(verify.Tree{Files: files})}
	entry, err := r.journal.Get(ctx, k)
	if err == nil && entry == nil {
		if report, err = r.checks(ctx, job.UserID, verify.Tree{Files: files}); err == nil {
			entry, err = r.journal.Put(ctx, k, form.Marshal(report))
		}
	}
	if err == nil {
		report = verify.Report{}
		err = json.Unmarshal(entry, &report)
	}
	if err != nil {
		if _, ok := errors.AsType[*codeforge.Error](err); !ok {
			err = &codeforge.Error{Kind: codeforge.Unavailable, Message: "What a check said could not be kept", Retryable: true, Cause: err}
		}
		r.abort(err)
	}
	return report
}

func (d diagnostic) rank() int {
	switch {
	case d.Preexisting:
		return 2
	case d.Severity == verify.SeverityError:
		return 0
	}
	return 1
}

// verdict is what a model is told of the tree.
func verdict(ok bool, found []diagnostic) string {
	shown := found[:min(len(found), maxDiagnostics)]
	v := form.Verdict[diagnostic]{OK: ok, Diagnostics: shown, More: len(found) - len(shown)}
	if !ok && slices.ContainsFunc(shown, func(d diagnostic) bool { return d.Guard != "" && d.rank() == 0 }) {
		v.Note = howToConfirm
	}
	return string(form.Marshal(v))
}

// buildFailure is code that still does not build when all repairs are used up.
type buildFailure struct {
	diagnostics []diagnostic
	summary     string
}

func (f *buildFailure) err(stage codeforge.AgentType) error {
	n, guard := 0, ""
	for _, d := range f.diagnostics {
		if d.rank() == 0 {
			n++
			guard = cmp.Or(guard, d.Guard)
		}
	}
	if len(f.diagnostics) > 0 && f.diagnostics[0].Guard != "" { // nothing else is first, so all errors are of guards
		e := failure(stage, nil, "The work was not accepted: %s left after %s of repair, the first: %s", plural(n, "objection"), plural(maxRepairs, "round"), strings.TrimPrefix(f.diagnostics[0].File+": "+f.diagnostics[0].Message, ": "))
		e.Details["reason"], e.Details["guard"] = "guard", guard
		return e
	}
	e := failure(stage, nil, "The code did not build: %s left after %s of repair", plural(n, "error"), plural(maxRepairs, "round"))
	e.Details["reason"] = "verification"
	return e
}

// checkAll verifies a tree for a review. What the job itself changed is judged as finish judges it; a tree that it only
// looks at is judged whole.
func (r *run) checkAll(ctx context.Context, stage codeforge.AgentType, t *tree) (ok bool, found []diagnostic) {
	if t == r.tree && len(t.changes()) > 0 {
		return r.verify(ctx, stage)
	}
	var report verify.Report
	if t == r.tree {
		report = r.checkTree(ctx)
	} else {
		report = r.check(ctx, t.files)
	}
	found = []diagnostic{}
	for _, d := range report.Diagnostics {
		found = append(found, diagnostic{Diagnostic: d})
	}
	found = append(found, r.instructions(stage, t)...)
	slices.SortStableFunc(found, func(a, b diagnostic) int { return a.rank() - b.rank() })
	r.report(-1, event(codeforge.EventCheck, checkEvent{stage, report.OK, len(found), found[:min(len(found), 5)]}))
	return report.OK, found
}
