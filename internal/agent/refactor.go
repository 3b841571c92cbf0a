package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
	"codeforge/internal/merge"
)

// Keys of the input of a job that refactors, beside file_path.
const (
	inputInstruction = "instruction"
	inputSelected    = "selected_code"
	inputStartLine   = "start_line"
	inputVersion     = "if_version" // that the file must have
	inputApply       = "apply"
)

// selection is the part of a file that is to be refactored, where it stands in the job's tree.
type selection struct {
	path  string
	text  string
	start int // bytes before it
}

// refactoringDoc is the result of refactoring. The whole file is not in it: it lies in the revision, or is the base's with the
// replacement in it, where reading the job finds it.
type refactoringDoc struct {
	FilePath    string `json:"file_path"`
	Original    string `json:"original_code"`
	Refactored  string `json:"refactored_code"`
	Explanation string `json:"explanation"`
	StartLine   int    `json:"start_line"` // of the selection, from 1
	EndLine     int    `json:"end_line"`
	Base        int64  `json:"base_revision"`
	Offset      int    `json:"offset"`   // of the selection in the base's file, in bytes
	Changed     bool   `json:"changed"`  // the replacement is not the selection
	Applied     bool   `json:"applied"`  // it is in the project
	Revision    *int64 `json:"revision"` // that has it; null: none
	Version     *int64 `json:"version"`  // of the file then
	Diff        string `json:"diff"`     // unified
	Verified    bool   `json:"verified"` // nothing is wrong with the project that was not before

	Diagnostics []diagnostic       `json:"diagnostics"`
	Evidence    codeforge.Evidence `json:"evidence,omitempty"`
	Summary     string             `json:"summary"`
}

func (r *run) refactorJob(ctx context.Context) (codeforge.Outcome, error) {
	var doc refactoringDoc
	err := r.stage(ctx, codeforge.Refactor, 0, func(ctx context.Context) error {
		sel, err := r.selected()
		if err == nil {
			doc, err = r.refactor(ctx, sel)
		}
		return err
	})
	if f, ok := errors.AsType[*buildFailure](err); ok {
		e, _ := errors.AsType[*codeforge.Error](r.buildFailed(f))
		e.Details["diagnostics"] = f.diagnostics[:min(len(f.diagnostics), maxToldDiagnostics)]
		err = e
	}
	if err != nil {
		return codeforge.Outcome{}, err
	}
	where := fmt.Sprintf("%s, lines %d to %d", doc.FilePath, doc.StartLine, doc.EndLine)
	switch {
	case !doc.Changed:
		return r.completed(doc, "I left "+where+" as it is. "+doc.Explanation), nil
	case doc.Applied:
		return r.completed(doc, "I refactored "+where+". "+doc.Explanation), nil
	}
	return r.completed(doc, "I have a proposal for "+where+", which is not in the project. "+doc.Explanation), nil
}

const (
	maxToldDiagnostics = 10      // in an error
	maxReplacement     = 150_000 // bytes; a longer diff is left out
)

// selected finds the selection in the project as the job has it.
func (r *run) selected() (*selection, error) {
	path, text := r.in.text("file_path"), r.in.text(inputSelected)
	i := slices.IndexFunc(r.task.Files, func(f codeforge.File) bool { return f.Path == path })
	if i < 0 {
		return nil, codeforge.NotFound("File", path)
	}
	f := &r.task.Files[i]
	if version := r.in.text(inputVersion); version != "" && version != strconv.FormatInt(f.Version, 10) {
		return nil, codeforge.Conflictf("The file has changed since: its version is %d", f.Version)
	}
	if err := codeforge.CheckRefactorable(f); err != nil {
		return nil, err
	}
	line, _ := strconv.Atoi(r.in.text(inputStartLine)) // it was checked, or is not said
	start, err := codeforge.FindSelection(f.Content, text, line)
	return &selection{path, text, start}, err
}

// refactor asks for a replacement until it stands in a project that verifies. What never does is told of where nothing is to be
// applied, and is a [buildFailure] where it is.
func (r *run) refactor(ctx context.Context, sel *selection) (refactoringDoc, error) {
	first := r.prompt(material{tree: r.tree, about: r.about(r.in.wish(), sel.path), want: map[string]int{sel.path: namedWeight}, selection: sel,
		closing: "Refactor the selection."})
	c := &consultation{r: r, stage: codeforge.Refactor, box: r.newToolbox(codeforge.Refactor, r.tree, readingTools)}
	for repairs, p := 0, first; ; repairs++ {
		a, err := consult(ctx, c, form.RefactoringForm, p, llm.Request{System: refactorSystem})
		if err != nil {
			return refactoringDoc{}, err
		}
		code := inFormOfSelection(codeforge.TextOf(r.tree.base[sel.path]), sel.text, a.Code)
		ok, found, refused := r.tryReplacement(ctx, sel, code, a.Explanation)
		switch {
		case refused == nil && ok, refused == nil && repairs == maxRepairs && !r.in.yes(inputApply) && !guarding(found):
			return r.refactored(ctx, sel, code, a.Explanation, ok, found)
		case refused != nil && repairs == maxRepairs:
			return refactoringDoc{}, failure(codeforge.Refactor, refused, "The refactored code was not accepted: %s", form.Shorten(refused.Error(), 500))
		case repairs == maxRepairs:
			return refactoringDoc{}, &buildFailure{found[:min(len(found), 2*maxDiagnostics)], codeforge.Plain(a.Explanation)}
		}
		p = new(prompt)
		if refused != nil {
			p.sentence("This cannot stand there: %s", refused)
		} else {
			p.json(form.SectionDiagnostics, found[:min(len(found), maxDiagnostics)])
		}
		p.sentence("Answer again, with the whole replacement of the selection, mended.")
	}
}

// guarding reports whether a guard objects.
func guarding(found []diagnostic) bool {
	return len(found) > 0 && found[0].Guard != "" && found[0].Rank() == 0
}

// tryReplacement puts a replacement into the tree in place of whatever stood there, and looks at what it came to. refused says why it
// cannot be in it.
func (r *run) tryReplacement(ctx context.Context, sel *selection, code, explanation string) (ok bool, found []diagnostic, refused error) {
	if len(r.tree.changes()) > 0 { // an earlier try
		r.setFiles(maps.Clone(r.tree.base), fileUpdated)
	}
	if len(code) > maxReplacement {
		return false, nil, fmt.Errorf("it has %d bytes, and at most %d can take the place of a selection", len(code), maxReplacement)
	}
	whole := codeforge.TextOf(r.tree.base[sel.path])
	action, err := r.tree.write(sel.path, whole[:sel.start]+code+whole[sel.start+len(sel.text):])
	if err != nil {
		if guard, ok := asGuard(err); ok {
			r.guarded(codeforge.GuardData{Stage: codeforge.Refactor, Guard: guard, Action: guardRefused, Path: sel.path, Message: err.Error()})
		}
		return false, nil, err
	}
	if action != fileUnchanged {
		r.reportFile(sel.path, action)
	}
	ok, found = r.verify(ctx, codeforge.Refactor)
	why := codeforge.Plain(explanation)
	objected, accepted := r.objections(codeforge.Refactor, form.FinishArgs{Summary: why, Confirm: []form.Confirmation{{Path: sel.path, Reason: why}}})
	found = append(objected, found...)
	if ok && accepted && r.in.yes(inputApply) && action != fileUnchanged {
		runs, more := r.tryOut(ctx, codeforge.Refactor)
		ok, found = runs, append(found, more...)
	}
	slices.SortStableFunc(found, func(x, y diagnostic) int { return x.Rank() - y.Rank() })
	return ok && accepted, found, nil
}

// refactored is the result, stored first where it is to be applied.
func (r *run) refactored(ctx context.Context, sel *selection, code, explanation string, ok bool, found []diagnostic) (refactoringDoc, error) {
	before, after := codeforge.TextOf(r.tree.base[sel.path]), r.tree.files[sel.path]
	line := 1 + strings.Count(before[:sel.start], "\n")
	doc := refactoringDoc{FilePath: sel.path, Original: sel.text, Refactored: code, Explanation: codeforge.Plain(explanation),
		StartLine: line, EndLine: line + strings.Count(strings.TrimSuffix(sel.text, "\n"), "\n"), Base: r.task.Job.Base, Offset: sel.start,
		Changed: before != after, Verified: ok, Diagnostics: append([]diagnostic{}, found[:min(len(found), 2*maxDiagnostics)]...), Evidence: r.evidence()}
	doc.Summary = form.Shorten(firstParagraph(doc.Explanation), maxSummary)
	if !doc.Changed {
		return doc, nil
	}
	diff, err := merge.Unified("a/"+sel.path, "b/"+sel.path, before, udiff.Lines(before, after))
	if err != nil {
		return doc, err
	}
	if doc.Diff = diff.String(); len(doc.Diff) > maxReplacement {
		doc.Diff = ""
	}
	if !r.in.yes(inputApply) {
		return doc, nil
	}
	says, err := r.keepCode(ctx, 0, doc.Summary)
	if clash, ok := errors.AsType[*conflictError](err); ok || says != "" {
		return doc, r.clashed(sel.path, says, clash)
	}
	if err != nil {
		return doc, err
	}
	doc.Applied, doc.Revision = true, new(r.keep.last)
	files := r.task.Files
	if r.keep.last-1 != r.task.Job.Base {
		if files, err = r.task.Snapshot(ctx, r.keep.last-1); err != nil {
			return doc, err
		}
	}
	for i := range files {
		if files[i].Path == sel.path {
			doc.Version = new(files[i].Version + 1)
		}
	}
	return doc, nil
}

// clashed is the error of a replacement that cannot be joined with what people did meanwhile: who waits for it can look again, so
// nothing is asked.
func (r *run) clashed(path, says string, clash *conflictError) error {
	e := codeforge.Conflictf("The project was changed while %s was refactored, and the two do not go together: nothing was changed. Read the file again", path)
	e.Details = map[string]any{"path": path}
	if clash != nil {
		e.Details["conflicts"] = merge.Places(clash.open)
	}
	var told mergedVerdict
	if says != "" && json.Unmarshal([]byte(says), &told) == nil {
		if len(told.Conflicts) > 0 {
			e.Details["conflicts"] = told.Conflicts
		}
		if len(told.Diagnostics) > 0 {
			e.Details["diagnostics"] = told.Diagnostics[:min(len(told.Diagnostics), maxToldDiagnostics)]
		}
	}
	r.setFiles(maps.Clone(r.keep.good), "restored") // what was tried is no work of the job's
	return e
}

// inFormOfSelection gives a replacement the line ends of the file, if they are all alike, and the end of the selection: whole lines are
// replaced by whole lines, and what ends within a line by what ends within it.
func inFormOfSelection(whole, selected, code string) string {
	if finalLineEnd(selected) == "" {
		code = strings.TrimRight(code, "\r\n")
	}
	if !strings.Contains(selected, "\n") && !strings.Contains(selected, "\r") {
		if end := evenEnd(whole); end != "" {
			return strings.ReplaceAll(unified(code), "\n", end)
		}
	}
	return inFormOf(selected, code)
}
