package agent

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/aymanbagabas/go-udiff"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
	"codeforge/internal/merge"
	"codeforge/internal/verify"
)

const (
	failedScore = 40     // the most that code which does not build can score
	maxFindings = 100    // of one review
	maxDiff     = 24_000 // bytes of a diff that a reviewer is shown; the files can be read
	maxDropped  = 20     // findings that were dropped and are told of
	qaWarmth    = 0.2
)

func (r *run) qaJob(ctx context.Context) (codeforge.Outcome, error) {
	tree := r.tree
	if code := r.in.code(r.in.text("file_path")); len(code) > 0 {
		tree = treeOf(code)
	}
	var doc qaDoc
	err := r.stage(ctx, codeforge.QA, 0, func(ctx context.Context) (err error) {
		doc, err = r.newReviewer(tree).review(ctx, 0, nil)
		return err
	})
	if err != nil {
		return codeforge.Outcome{}, err
	}
	says := fmt.Sprintf("The review passed with a score of %d of 100.", doc.Score)
	if !doc.Passed {
		says = fmt.Sprintf("The review did not pass: a score of %d of 100.", doc.Score)
	}
	return r.completed(doc, joinParagraphs(says+" "+plainWords(doc.Summary, r.findings), openPoints(doc.Issues, r.findings))), nil
}

// reviewer is the conversation about a tree's code: a review, and then, round by round, what became of its findings.
type reviewer struct {
	r    *run
	tree *tree
	talk consultation
	seen map[string]string // the files at the last review
	ids  int               // findings that have one
	told map[string]bool   // findings, by id, that went to the developer

	judgesChanges bool // to what was there before, in its last review
}

func (r *run) newReviewer(t *tree) *reviewer {
	v := &reviewer{r: r, tree: t, talk: consultation{r: r, stage: codeforge.QA}, told: map[string]bool{}}
	v.talk.box = r.newToolbox(codeforge.QA, t, readingTools)
	return v
}

// review judges the code. The model's judgement is one half of the report; the other is verification, which it cannot overrule.
// In a later round it judges what the developer made of its earlier findings, and what changed since.
func (v *reviewer) review(ctx context.Context, round int, earlier []form.Finding) (qaDoc, error) {
	if len(v.tree.files) == 0 {
		nothing := form.Issue{ID: "F1", Severity: "high", Category: "requirements", Description: "The project has no files, so there is nothing to review.", Suggestion: "Have the code written first."}
		return newQADoc(form.Review{Summary: "There is nothing to review yet."}, []form.Finding{{Issue: nothing}}), nil
	}
	ok, found := v.r.checkAll(ctx, codeforge.QA, v.tree)
	more := v.firstMessage(found)
	if v.seen != nil {
		more = v.nextMessage(round, earlier, found)
	}
	warmth := qaWarmth
	q, err := consult(ctx, &v.talk, form.ReviewForm, more, llm.Request{System: qaSystem, Temperature: &warmth})
	if err != nil {
		return qaDoc{}, err
	}
	doc := v.judge(q, ok, found, earlier)
	v.judgesChanges = v.seen != nil || len(v.tree.base) > 0
	v.seen = maps.Clone(v.tree.files)
	v.r.reportReview(round, &doc)
	return doc, nil
}

func (v *reviewer) firstMessage(found []diagnostic) *prompt {
	shown := found[:min(len(found), maxDiagnostics)]
	m := material{tree: v.tree, numbered: true, diagnostics: shown, want: map[string]int{}, closing: "Review the code."}
	room := aroundTokens
	for _, c := range v.tree.changes() {
		m.want[c.Path] = changedWeight
		room += countTokens(c.Content) + numberTokens*strings.Count(c.Content, "\n") + frameTokens
	}
	m.room = max(chosenTokens, min(room, judgedTokens))
	m.about = v.r.about(v.r.in.idea(v.r.project), filesOf(shown)...)
	if len(v.tree.base) > 0 && len(m.want) > 0 {
		m.diff = diffOf(v.tree.base, v.tree.files)
		m.closing = "Review what the work in <diff> changed, and what it touches."
	}
	return v.r.prompt(m)
}

func (v *reviewer) nextMessage(round int, earlier []form.Finding, found []diagnostic) *prompt {
	p := new(prompt)
	p.json(form.SectionDiagnostics, found[:min(len(found), maxDiagnostics)])
	p.text(form.SectionDiff, diffOf(v.seen, v.tree.files))
	p.json(form.SectionFindings, earlier)
	p.json(form.SectionRound, round+1)
	p.sentence("The developer has answered. Judge the answers in <findings> and the changes in <diff>: does each mend what it was to mend, and does all that worked before them still work? What they broke is of category regression. Nothing else counts.")
	return p
}

// describeContent says in a few words what lies at a path.
func describeContent(path string, files map[string]string) string {
	content, there := files[path]
	if b, ok := codeforge.BlobOf(content); ok {
		return b.Describe(path)
	}
	if !there {
		return "none"
	}
	return fmt.Sprintf("%d bytes", len(content))
}

// diffOf is what changed from one state of files to another, as far as a reviewer is shown it.
func diffOf(was, is map[string]string) string {
	paths := map[string]bool{}
	for p, text := range is {
		if old, had := was[p]; !had || old != text {
			paths[p] = true
		}
	}
	for p := range was {
		if _, has := is[p]; !has {
			paths[p] = true
		}
	}
	var b strings.Builder
	var left []string
	for _, p := range slices.Sorted(maps.Keys(paths)) {
		old, new := "a/"+p, "b/"+p
		if _, had := was[p]; !had {
			old = "/dev/null"
		}
		if _, has := is[p]; !has {
			new = "/dev/null"
		}
		if codeforge.IsBlob(was[p]) || codeforge.IsBlob(is[p]) {
			fmt.Fprintf(&b, "Binary %s: %s -> %s\n", p, describeContent(p, was), describeContent(p, is))
			continue
		}
		u, err := merge.Unified(old, new, was[p], udiff.Lines(was[p], is[p]))
		if d := u.String(); err == nil && b.Len()+len(d) <= maxDiff {
			b.WriteString(d)
		} else {
			left = append(left, p)
		}
	}
	if len(left) > 0 {
		fmt.Fprintf(&b, "Also changed, too much to be shown: %s\n", strings.Join(left, ", "))
	}
	return b.String()
}

// changedWeight is what a file weighs in a reviewer's message because the job changed it: as much as one that is named.
const changedWeight = namedWeight

// filesOf are the files of diagnostics.
func filesOf(found []diagnostic) (paths []string) {
	for _, d := range found {
		paths = append(paths, d.File)
	}
	return paths
}

var severities = []string{"critical", "high", "medium", "low"}

// serious reports whether a finding stops a review from passing.
func serious(severity string) bool { return slices.Index(severities, severity) <= 1 }

// isRegression reports whether a finding is about what worked before the work that is judged. It may show in a file that did not change.
func isRegression(i form.Issue) bool {
	return strings.Contains(strings.ToLower(i.Category), "regression")
}

// backToCoder are the findings of a review that the developer is to answer: all while something serious is open and there will be
// another review, and else what the work broke, of any severity, if it was not told before.
func (v *reviewer) backToCoder(d *qaDoc, last bool) (back []form.Finding) {
	all := d.findings()
	if !d.Passed && !last {
		back = all
	} else if v.judgesChanges {
		back = slices.DeleteFunc(all, func(f form.Finding) bool { return !isRegression(f.Issue) || v.told[f.ID] })
	}
	for _, f := range back {
		v.told[f.ID] = true
	}
	return back
}

// judge joins what the model found with what verification did. Findings that the code contradicts are dropped; those of an earlier
// round keep their ids. A report passes only when the code builds and nothing serious is open, whatever the model says of it.
func (v *reviewer) judge(q form.Review, ok bool, found []diagnostic, earlier []form.Finding) qaDoc {
	var findings []form.Finding
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
		findings = append(findings, form.Finding{Issue: i})
		known[fmt.Sprint(d.File, ":", d.Line, d.Message)] = true
	}
	var dropped []string
	for _, i := range q.Issues {
		f, why := v.examine(i, earlier)
		switch {
		case why != "":
			dropped = append(dropped, strings.TrimSpace(form.Shorten(i.FilePath+": "+i.Description, 300)+" ("+why+")"))
			v.r.log("Dropped a finding of the review: %s", why)
		case f.ID != "" && slices.ContainsFunc(findings, func(o form.Finding) bool { return o.ID == f.ID }):
		case !known[fmt.Sprint(f.FilePath, ":", f.Line, f.Description)]:
			findings = append(findings, f)
		}
	}
	slices.SortStableFunc(findings, func(a, b form.Finding) int {
		return cmp.Compare(slices.Index(severities, a.Severity), slices.Index(severities, b.Severity))
	})
	findings = findings[:min(len(findings), maxFindings)]
	open := false
	for i := range findings {
		if findings[i].ID == "" {
			v.ids++
			findings[i].ID = fmt.Sprintf("F%d", v.ids)
			v.r.findings = v.ids
		}
		open = open || serious(findings[i].Severity)
	}
	// What was dropped may be why the model did not let it pass.
	q.Passed = ok && !open && (q.Passed || len(dropped) > 0)
	if !ok {
		q.Score = min(q.Score, failedScore)
		q.Summary = form.Shorten("The code does not build. "+q.Summary, 2_000)
	}
	doc := newQADoc(q, findings)
	doc.Dropped = dropped[:min(len(dropped), maxDropped)]
	return doc
}

// examine holds a finding against the code and against what was found before. why says what is wrong with it.
func (v *reviewer) examine(i form.Issue, earlier []form.Finding) (f form.Finding, why string) {
	named := strings.TrimSpace(i.FilePath)
	if m := placeInFile.FindStringSubmatch(named); m != nil && !v.knows(named) && v.knows(m[1]) {
		if named = m[1]; i.Line <= 0 {
			i.Line, _ = strconv.Atoi(m[2] + m[3])
		}
	}
	if i.FilePath = v.tree.resolvePath(named); named == "" || i.FilePath == "." {
		i.FilePath = ""
	}
	text, there := v.tree.files[i.FilePath]
	_, was := v.seen[i.FilePath]
	if i.FilePath != "" && !there && !was {
		return f, "there is no file " + form.Quote(named)
	}
	text = codeforge.TextOf(text)
	if i.Line > 1+strings.Count(text, "\n") {
		i.Line = 0
	}
	if there && text != "" {
		if why = contradiction(i.Description, text); why != "" {
			return f, why
		}
	}
	if v.seen == nil {
		i.ID = ""
		return form.Finding{Issue: i}, ""
	}
	for _, old := range earlier {
		if strings.EqualFold(i.ID, old.ID) || i.FilePath == old.FilePath && sameWords(i.Description, old.Description) {
			i.ID = old.ID
			return form.Finding{Issue: i, Status: old.Status, Reason: old.Reason}, ""
		}
	}
	if before := v.seen[i.FilePath]; (i.FilePath == "" || before == text) && !isRegression(i) {
		return f, "it is about what did not change since the last review"
	}
	i.ID = ""
	return form.Finding{Issue: i}, ""
}

// placeInFile is a path with a line, a remark or other paths behind it.
var placeInFile = regexp.MustCompile(`(?i)^(.*?[^\s:#(,;])(?:(?::|#L|[\s,(:]+lines?\s+)(\d+)\D.*|(?::|#L|[\s,(:]+lines?\s+)(\d+)|\s*[(,;].*|\s+(?:and|und)\s.*)$`)

// knows reports whether a path is of a file that is there, or was at the last review.
func (v *reviewer) knows(named string) bool {
	p := v.tree.resolvePath(named)
	_, there := v.tree.files[p]
	_, was := v.seen[p]
	return there || was
}

// sameWords reports whether two descriptions say the same: most words of the shorter one stand in the other.
func sameWords(a, b string) bool {
	set := func(s string) map[string]bool {
		words := map[string]bool{}
		for _, w := range strings.FieldsFunc(strings.ToLower(s), notWord) {
			words[w] = true
		}
		return words
	}
	x, y := set(a), set(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	common := 0
	for w := range x {
		if y[w] {
			common++
		}
	}
	return len(x) > 0 && 10*common >= 7*len(x)
}
