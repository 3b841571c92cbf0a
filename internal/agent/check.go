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
type diagnostic = codeforge.JobDiagnostic

// maxDiagnostics bounds what is shown of one report.
const maxDiagnostics = 50

// verify checks the working tree and tells viewers. The tree is ok when nothing is wrong that this job must answer
// for: errors that were there before are shown but do not count, see [baseline].
func (r *run) verify(ctx context.Context, stage codeforge.AgentType) (ok bool, found []diagnostic) {
	now := r.checkTree(ctx)
	if r.before == nil {
		was := now
		if len(r.tree.changes()) > 0 {
			was = r.check(ctx, r.treeOf(r.tree.base, r.keep.lock))
		}
		r.before = newBaseline(was)
	}
	ok, found = true, r.before.compare(now, r.tree)
	for _, d := range found {
		ok = ok && (d.Preexisting || d.Severity != verify.SeverityError)
	}
	// What must be mended comes first, so that a bound cuts off the rest.
	slices.SortStableFunc(found, func(a, b diagnostic) int { return a.Rank() - b.Rank() })
	r.reportCheck(stage, ok, found, r.looked.report.Evidence)
	return ok, found
}

// reportCheck tells viewers what was found.
func (r *run) reportCheck(stage codeforge.AgentType, ok bool, found []diagnostic, rungs codeforge.Evidence) {
	r.report(-1, event(codeforge.EventCheck, codeforge.CheckData{Stage: stage, OK: ok, Count: len(found), Diagnostics: found[:min(len(found), 5)], Evidence: rungs}))
}

// tryOut runs what the working tree is built to, which verifies, and tells viewers. What was wrong before the job does not count, as in
// [run.verify].
func (r *run) tryOut(ctx context.Context, stage codeforge.AgentType) (ok bool, found []diagnostic) {
	if !r.rungs.Run {
		return true, nil
	}
	now := r.runTree(ctx)
	if now.Rung.Name == "" { // nothing was seen: the run of the job is ending
		return true, nil
	}
	report := verify.Report{Diagnostics: now.Diagnostics}
	if r.ranBefore == nil {
		r.ranBefore = newBaseline(verify.Report{})
		if len(r.tree.base) > 0 && slices.ContainsFunc(now.Diagnostics, isError) {
			before := r.ran(ctx, r.treeOf(r.tree.base, r.keep.lock))
			r.ranBefore = newBaseline(verify.Report{Diagnostics: before.Diagnostics})
		}
	}
	ok, found = true, r.ranBefore.compare(report, r.tree)
	for _, d := range found {
		ok = ok && (d.Preexisting || d.Severity != verify.SeverityError)
	}
	slices.SortStableFunc(found, func(a, b diagnostic) int { return a.Rank() - b.Rank() })
	r.reportCheck(stage, ok, found, r.evidence())
	return ok, found
}

func isError(d verify.Diagnostic) bool { return d.Severity == verify.SeverityError }

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

// looked is what is known of the working tree in one of its states.
type looked struct {
	state  int
	report *verify.Report // nil: it was not checked
	ran    *ranDoc        // nil: it was not run
}

// look is what is known of the working tree as it is now.
func (r *run) look() *looked {
	if r.looked.state != r.tree.state {
		r.looked = looked{state: r.tree.state}
	}
	return &r.looked
}

// treeOf is files of the project as they are looked at, with a lock.
func (r *run) treeOf(files map[string]string, lock []byte) verify.Tree {
	return verify.TreeOfContents(files, lock)
}

// checkTree verifies the working tree, once in each of its states. The packages that it was resolved to are those of the next.
func (r *run) checkTree(ctx context.Context) verify.Report {
	now := r.look()
	if now.report == nil {
		now.report = new(r.check(ctx, r.treeOf(r.tree.files, r.lock)))
		if now.report.Lock != nil {
			r.lock = now.report.Lock
		}
	}
	return *now.report
}

// check verifies a tree. A check that cannot be made ends the run.
func (r *run) check(ctx context.Context, t verify.Tree) verify.Report {
	return noted(ctx, r, llm.JournalKey{JobID: r.task.Job.ID, Number: r.calls, Hash: verify.Hash(t)}, func() (verify.Report, error) {
		return r.checks(ctx, r.task.Job.UserID, t)
	})
}

// ranDoc is what came of running a tree, as it is noted: what pages looked like is in the project, by its hash.
type ranDoc struct {
	Rung        codeforge.Rung         `json:"rung"`
	Diagnostics []verify.Diagnostic    `json:"diagnostics"`
	Screenshots []codeforge.Screenshot `json:"screenshots"`
	Looks       []look                 `json:"looks,omitempty"`
}

// look is a screenshot as a model may be shown it. Its bytes are noted too, since those in the project go when no revision has them.
type look struct {
	Page  string `json:"page"`
	Width int    `json:"width"`
	Image []byte `json:"image"`
}

// Bounds on the screenshots that a model is shown of one run.
const (
	maxLooks     = 2
	maxLookBytes = 400_000
)

// runTree runs the working tree, once in each of its states.
func (r *run) runTree(ctx context.Context) ranDoc {
	now := r.look()
	if now.ran == nil {
		now.ran = new(r.ran(ctx, r.treeOf(r.tree.files, r.lock)))
	}
	return *now.ran
}

// ran runs a tree.
func (r *run) ran(ctx context.Context, t verify.Tree) ranDoc {
	job := r.task.Job
	return noted(ctx, r, llm.JournalKey{JobID: job.ID, Number: r.calls, Hash: "run-" + verify.Hash(t)}, func() (ranDoc, error) {
		if r.smoke == nil {
			return ranDoc{}, &codeforge.Error{Kind: codeforge.Unavailable, Message: "There is no browser here any more", Retryable: true}
		}
		got, err := r.smoke(ctx, job.UserID, t, r.task.ReadBlob)
		if err != nil {
			return ranDoc{}, err
		}
		doc := ranDoc{Rung: got.Rung, Diagnostics: got.Diagnostics}
		for _, shot := range got.Screenshots {
			hash, err := r.task.PutBlob(ctx, shot.Bytes)
			if codeforge.IsKind(err, codeforge.TooLarge) {
				continue // the project has no room for it
			}
			if err != nil {
				return ranDoc{}, err
			}
			doc.Screenshots = append(doc.Screenshots, codeforge.Screenshot{Page: shot.Page, Width: shot.Width, Type: shot.Type, Hash: hash})
			if len(doc.Looks) < maxLooks && len(shot.Bytes) <= maxLookBytes {
				doc.Looks = append(doc.Looks, look{shot.Page, shot.Width, shot.Bytes})
			}
		}
		return doc, nil
	})
}

// evidence is how far the working tree is known to get.
func (r *run) evidence() codeforge.Evidence {
	now := r.look()
	var all codeforge.Evidence
	if now.report != nil {
		all = slices.Clone(now.report.Evidence)
	}
	if now.ran != nil {
		all = append(slices.DeleteFunc(all, func(rung codeforge.Rung) bool { return rung.Name == codeforge.RungRun }), now.ran.Rung)
	}
	return all
}

// screenshots are what the pages of the working tree looked like when it was run.
func (r *run) screenshots() []codeforge.Screenshot {
	if ran := r.look().ran; ran != nil {
		return ran.Screenshots
	}
	return nil
}

// noted is something that a run learns from outside. It stands in the journal before it is used: a job that runs again, on whatever machine,
// is told the same. What cannot be learned, or not be kept, ends the run.
func noted[T any](ctx context.Context, r *run, k llm.JournalKey, learn func() (T, error)) (v T) {
	if r.journal == nil || k.JobID == "" {
		v, err := learn()
		if err != nil {
			r.abort(err)
		}
		return v
	}
	entry, err := r.journal.Get(ctx, k)
	if err == nil && entry == nil {
		if v, err = learn(); err == nil {
			entry, err = r.journal.Put(ctx, k, form.Marshal(v))
		}
	}
	if err == nil {
		v = *new(T)
		err = json.Unmarshal(entry, &v)
	}
	if err != nil {
		if _, ok := errors.AsType[*codeforge.Error](err); !ok {
			err = &codeforge.Error{Kind: codeforge.Unavailable, Message: "What the job learned could not be kept", Retryable: true, Cause: err}
		}
		r.abort(err)
	}
	return v
}

// verdict is what a model is told of the tree.
func verdict(ok bool, found []diagnostic, note string) string {
	shown := found[:min(len(found), maxDiagnostics)]
	v := form.Verdict[diagnostic]{OK: ok, Diagnostics: shown, More: len(found) - len(shown), Note: note}
	if !ok && slices.ContainsFunc(shown, func(d diagnostic) bool { return d.Guard != "" && d.Rank() == 0 }) {
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
		if d.Rank() == 0 {
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
		report = r.check(ctx, r.treeOf(t.files, r.lock))
	}
	found = []diagnostic{}
	for _, d := range report.Diagnostics {
		found = append(found, diagnostic{Diagnostic: d})
	}
	found = append(found, r.instructions(stage, t)...)
	slices.SortStableFunc(found, func(a, b diagnostic) int { return a.Rank() - b.Rank() })
	r.reportCheck(stage, report.OK, found, report.Evidence)
	return report.OK, found
}
