package agent

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
	"codeforge/internal/verify"
)

// failedScore is the most that code which does not build can score.
const failedScore = 40

func (r *run) qaJob(ctx context.Context) (codeforge.Outcome, error) {
	tree := r.tree
	if code := r.in.code(r.in.text("file_path")); len(code) > 0 {
		tree = treeOf(code)
	}
	var doc qaDoc
	err := r.stage(codeforge.QA, 0, func() (err error) {
		doc, err = r.qa(ctx, tree, 0)
		return err
	})
	if err != nil {
		return codeforge.Outcome{}, err
	}
	says := fmt.Sprintf("The review passed with a score of %d.", doc.Score)
	if !doc.Passed {
		says = fmt.Sprintf("The review did not pass (score %d): %s.", doc.Score, plural(len(doc.Issues), "issue"))
	}
	return r.completed(doc, says+"\n\n"+doc.Summary), nil
}

// qa reviews the files of a tree. The model's judgement is one half of the report; the other is verification, which it
// cannot overrule.
func (r *run) qa(ctx context.Context, t *tree, round int) (qaDoc, error) {
	if len(t.files) == 0 {
		return newQADoc(form.Review{Issues: []form.Issue{{Severity: "high", Category: "requirements", FilePath: "", Line: 0, Description: "The project has no files, so there is nothing to review.", Suggestion: "Have the code written first."}}, Summary: "There is nothing to review yet."}), nil
	}
	ok, found := r.checkAll(ctx, codeforge.QA, t)
	p := r.prompt()
	p.json(form.SectionRequirements, r.project.Requirements)
	p.json(form.SectionArchitecture, r.project.Architecture)
	if round > 0 {
		p.json(form.SectionRound, round)
	}
	shown := found[:min(len(found), maxDiagnostics)]
	p.json(form.SectionDiagnostics, shown)
	wrote := map[string]int{}
	for _, c := range t.changes() {
		wrote[c.Path] = changedWeight
	}
	p.files(t, r.about(r.in.idea(r.project), filesOf(shown)...), wrote)
	p.sentence("Review the code.")
	q, err := ask(ctx, r, codeforge.QA, form.ReviewForm, p, llm.Request{System: system("qa")})
	if err != nil {
		return qaDoc{}, err
	}
	return newQADoc(mergeReview(q, ok, found)), nil
}

// changedWeight is what a file weighs in a prompt because the job changed it: less than one that is named.
const changedWeight = 30

// filesOf are the files of diagnostics.
func filesOf(found []diagnostic) (paths []string) {
	for _, d := range found {
		paths = append(paths, d.File)
	}
	return paths
}

var severities = []string{"critical", "high", "medium", "low"}

// mergeReview joins what the model found with what verification did. A report passes only when the code builds and nothing
// critical or high is open, whatever the model says of it.
func mergeReview(q form.Review, ok bool, found []diagnostic) form.Review {
	var issues []form.Issue
	known := map[string]bool{}
	for _, d := range found {
		i := form.Issue{Severity: "low", Category: "build", FilePath: d.File, Line: d.Line, Description: form.Shorten(d.Message, 2_000),
			Suggestion: "Mend what verification reports here."}
		switch {
		case d.Preexisting:
			i.Suggestion = "It was there before this work; mend it when that is the task."
		case d.Severity == verify.SeverityError:
			i.Severity = "critical"
		}
		issues = append(issues, i)
		known[fmt.Sprint(d.File, ":", d.Line, d.Message)] = true
	}
	for _, i := range q.Issues {
		i.FilePath = cleanPath(i.FilePath)
		if !known[fmt.Sprint(i.FilePath, ":", i.Line, i.Description)] {
			issues = append(issues, i)
		}
	}
	slices.SortStableFunc(issues, func(a, b form.Issue) int {
		return cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity))
	})
	q.Issues = issues[:min(len(issues), 100)]
	if len(issues) > 0 && slices.Index(severities, issues[0].Severity) <= 1 {
		q.Passed = false
	}
	if !ok {
		q.Passed = false
		q.Score = min(q.Score, failedScore)
		q.Summary = form.Shorten("The code does not build. "+q.Summary, 2_000)
	}
	return q
}
