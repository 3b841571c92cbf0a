package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// Bounds of one conversation with the coder.
const (
	maxTurns   = 60
	maxIdle    = 3 // answers in a row that do nothing
	maxRepairs = 3 // verification's findings going back
	maxSummary = 2_000
	maxAnswer  = 20_000 // to a question
	maxReason  = 500
	minSummary = 10
	maxSays    = 10_000 // of what a job that failed answered in words

	maxDependencies = 30
)

func (r *run) codeJob(ctx context.Context) (codeforge.Outcome, error) {
	var doc codeDoc
	err := r.stage(ctx, codeforge.Code, 0, func(ctx context.Context) (err error) {
		doc, err = r.code(ctx, 0, nil)
		return err
	})
	if f, ok := errors.AsType[*buildFailure](err); ok {
		err = r.buildFailed(f)
	}
	if err != nil {
		return codeforge.Outcome{}, err
	}
	doc.Files = r.fileDocs()
	return r.completed(doc, r.saysOfCode(doc, nil)), nil
}

// revisionMessage is the first line of a summary, in words for people.
func (r *run) revisionMessage(summary string) string {
	line, _, _ := strings.Cut(plainWords(strings.TrimSpace(summary), r.findings), "\n")
	return form.Shorten(line, 200)
}

// fileDocs lists what the job changed.
func (r *run) fileDocs() []fileDoc {
	docs := []fileDoc{}
	for _, c := range r.tree.changes() {
		action := "created"
		if _, had := r.tree.base[c.Path]; c.Delete {
			action = "deleted"
		} else if had {
			action = "updated"
		}
		docs = append(docs, fileDoc{c.Path, c.Path, codeforge.LanguageOf(c.Path), r.coder.explained[c.Path], action, r.movedFrom(c.Path)})
	}
	return docs
}

// coder is the conversation about the working tree: from a first message to a finish, and on through the rounds of repair.
type coder struct {
	r         *run
	at        int // the round, as its work is kept
	work      work
	system    string
	first     *prompt
	messages  []llm.Message
	box       *toolbox
	explained map[string]string // what the model said of files, by path
	repairs   int               // of this round
	open      []form.Finding    // that this round must answer
	began     map[string]string // the files when it began
	reminded  bool              // of findings without an answer

	// What a round came to, when it is over.
	done   *codeDoc
	failed *buildFailure
	err    error
}

// code has the model work on the tree until it verifies. The error of code that never did is a [buildFailure]; the tree then holds
// it. With findings it is a round of repair, which goes on in the same conversation: the coder knows what it wrote and why. What it
// answers to them is written into them.
func (r *run) code(ctx context.Context, round int, findings []form.Finding) (codeDoc, error) {
	if r.coder == nil {
		r.coder = r.newCoder(ctx, findings == nil)
	}
	if r.coder.at = round; findings == nil {
		return r.coder.resume(ctx, nil)
	}
	p := new(prompt)
	p.json(form.SectionFindings, findings)
	p.json(form.SectionRound, round+1)
	p.sentence("The review found the issues in <findings>. Look into each, mend those that are right, worst first, without breaking what works, and answer each in finish.")
	if moved := slices.Sorted(maps.Keys(r.keep.unseen)); len(moved) > 0 {
		p.sentence("People changed files while you worked: %s. Read one before you change it, and keep what they did.", form.Shorten(strings.Join(moved, ", "), 1_000))
	}
	r.coder.open = findings
	return r.coder.resume(ctx, p)
}

// newCoder begins the conversation. wish: what is to be done is what the user asked for, not what comes next.
func (r *run) newCoder(ctx context.Context, wish bool) *coder {
	c := &coder{r: r, work: workAt(r.tree.files, r.in.idea(r.project)), explained: map[string]string{}}
	c.system = coderSystem(c.work, r.stack(), r.rungs)
	if c.work != workQuestion { // whose message shows none
		c.system = r.toldOfPatterns(c.system)
	}
	tools := codingTools
	if !r.rungs.Run {
		tools = slices.DeleteFunc(slices.Clone(tools), func(t tool) bool { return t.def.Name == form.ToolRun })
	}
	c.box = r.newToolbox(codeforge.Code, r.tree, tools)
	c.box.finish = c.finish
	c.first = r.codePrompt(ctx, c.work, wish)
	c.messages = []llm.Message{c.first.message(c.first.String())}
	return c
}

// resume goes on with the conversation until the next finish. more, if it is not nil, says what is to be done now.
func (c *coder) resume(ctx context.Context, more *prompt) (codeDoc, error) {
	if more != nil {
		c.messages = withText(c.messages, more.String())
	}
	c.done, c.failed, c.err, c.repairs, c.reminded, c.began = nil, nil, nil, 0, false, maps.Clone(c.r.tree.files)
	c.box.restart()
	return c.converse(ctx)
}

// withText adds words of ours to a conversation, to the results of the last turn's calls if those stand there.
func withText(messages []llm.Message, text string) []llm.Message {
	n := len(messages)
	if n == 0 || messages[n-1].Role != llm.RoleUser {
		return append(messages, llm.UserText(text))
	}
	last := messages[n-1]
	last.Parts = append(slices.Clip(last.Parts), llm.Text(text))
	return append(messages[:n-1:n-1], last)
}

// withPrompt begins a conversation, or adds words of ours to it.
func withPrompt(messages []llm.Message, p *prompt) []llm.Message {
	if len(messages) == 0 {
		return []llm.Message{p.message(p.String())}
	}
	return withText(messages, p.String())
}

func (c *coder) converse(ctx context.Context) (codeDoc, error) {
	r, box := c.r, c.box
	asked := ""
	idle := 0     // answers in a row that were empty or cut off without a whole call
	misheard := 0 // answers with calls in their text that could not be run
	for turn := range maxTurns {
		k := r.caller(codeforge.Code, c.first)
		resp, err := k.Generate(ctx, &llm.Request{System: c.system, Messages: c.messages, Tools: box.defs()}, k.reportDelta)
		if err != nil {
			if resp = partialResponse(err); resp == nil || ctx.Err() != nil {
				return codeDoc{}, r.modelError(ctx, codeforge.Code, err)
			}
		}
		resp, unfit := box.readSpokenCalls(resp, len(c.messages))
		if m := assistantMessage(resp); len(m.Parts) > 0 {
			c.messages = append(c.messages, m)
		}
		calls, text := resp.ToolCalls(), strings.TrimSpace(resp.Text())
		kind := llm.TruncatedOutput
		if resp.Finish != llm.FinishLength {
			kind = llm.EmptyResponse
		}
		idle++
		switch {
		case len(calls) > 0:
			idle = 0
			m, err := box.runCalls(ctx, calls)
			if box.over {
				c.messages = append(c.messages, m)
			}
			if err != nil || box.over {
				return c.result(err)
			}
			if resp.Finish == llm.FinishLength {
				m.Parts = append(m.Parts, llm.Text("Your answer was cut off at the output limit: "+box.describeCutCall(resp, "what came after these calls is lost")+". Go on in smaller steps."))
			}
			if left := maxTurns - turn - 1; left == 5 {
				m.Parts = append(m.Parts, llm.Text("5 turns are left: bring the work to an end and call finish."))
			}
			c.messages = append(c.messages, m)
		case idle == maxIdle && (resp.Finish == llm.FinishLength || text == ""):
			return codeDoc{}, r.modelError(ctx, codeforge.Code, &llm.Error{Provider: resp.Provider, Model: resp.Model, Kind: kind, Cause: err})
		case resp.Finish == llm.FinishLength:
			c.messages = append(c.messages, llm.UserText("Your answer was cut off at the output limit: "+box.describeCutCall(resp, "it held no whole call")+". Go on in smaller steps: one file per call."))
		case text == "":
			c.messages = append(c.messages, llm.UserText("Your answer was empty. Go on with the tools, or call finish when the work is complete."))
		case unfit != nil:
			idle = 0
			if misheard++; misheard == maxIdle {
				r.says = form.Shorten(text, maxSays)
				return codeDoc{}, failure(codeforge.Code, unfit, "The model wrote its calls of tools as text, and they could not be read")
			}
			c.messages = append(c.messages, llm.UserText("Your answer holds a call as text, which was not carried out: "+unfit.Error()+". Call the tools themselves, with arguments that fit."))
		case c.work == workQuestion && len(r.tree.changes()) == 0:
			return c.result(c.answered(ctx, text))
		case asked == "":
			asked, idle = text, 0
			c.messages = append(c.messages, llm.UserText("No tool was called, so nothing was done. Call finish when the work is complete, or go on with the tools. Nothing is saved before finish."))
		case len(r.tree.changes()) == 0:
			r.says = form.Shorten(asked, maxSays)
			if text != asked {
				r.says = form.Shorten(asked+"\n\n"+text, maxSays)
			}
			if len(r.tree.files) == 0 {
				return codeDoc{}, failure(codeforge.Code, nil, "The coder wrote no file: it answered in words alone")
			}
			return codeDoc{}, failure(codeforge.Code, nil, "The coder changed nothing: it answered in words alone")
		default: // it means to be done
			idle = 0
			result, over, err := c.finish(ctx, form.FinishArgs{Summary: form.Shorten(text, maxSummary)})
			if over {
				return c.result(err)
			}
			p := new(prompt)
			p.json(form.SectionDiagnostics, json.RawMessage(result))
			p.sentence("The work cannot be finished like this. Mend it with the tools, then call finish.")
			c.messages = append(c.messages, llm.UserText(p.String()))
		}
	}
	return codeDoc{}, failure(codeforge.Code, nil, "The coder did not finish within %d turns", maxTurns)
}

func (c *coder) result(err error) (codeDoc, error) {
	switch {
	case c.done != nil:
		return *c.done, nil
	case c.failed != nil:
		return codeDoc{}, c.failed
	}
	return codeDoc{}, cmp.Or(c.err, err)
}

func (f *buildFailure) Error() string { return "the code did not build" }

func (r *run) codePrompt(ctx context.Context, w work, wish bool) *prompt {
	m := material{tree: r.tree, patterns: w != workQuestion, closing: "Build the app."}
	var about []string
	if len(r.tree.files) > 0 {
		if _, found := r.verify(ctx, codeforge.Code); len(found) > 0 {
			shown := found[:min(len(found), maxDiagnostics)]
			m.diagnostics = shown
			if aboutFaults.MatchString(r.in.idea(r.project)) {
				about = filesOf(shown)
			}
		}
	}
	m.errors = seenErrors(r.task.Memory.Errors)
	for _, e := range m.errors {
		about = append(about, e.File)
	}
	named := r.in.text("file_path")
	m.about, m.want = r.about(r.in.idea(r.project), about...), map[string]int{named: namedWeight}
	switch {
	case !wish:
		m.closing = ""
	case w == workQuestion:
		m.closing = "Answer the question."
	case cleanPath(named) != "":
		m.closing = "Do what is asked. The work is about the file that file_path in <context> names; change others only where it needs them."
	case w == workExisting:
		m.closing = "Do what is asked, keeping what already works."
	}
	if wish && r.in.yes(codeforge.InputPreviewErrors) {
		if len(m.errors) > 0 {
			m.closing += " What <preview_errors> shows was seen in a browser while the app ran: find the cause of each in the files and mend that, not its symptom."
		} else {
			m.closing += " No page of the preview has reported an error on this revision."
		}
	}
	return r.prompt(m)
}

// seenErrors are errors of previews as a prompt shows them: what the page said, cut, and nothing of when.
func seenErrors(list []codeforge.PreviewError) (seen []form.SeenError) {
	for _, e := range list {
		seen = append(seen, form.SeenError{Kind: string(e.Kind), Message: form.Shorten(e.Message, maxSeen), File: e.File, Line: e.Line, Column: e.Column,
			Stack: form.Shorten(e.Stack, maxSeen), Page: e.Page, Count: e.Count})
	}
	return seen
}

// maxSeen bounds a text of an error that a page reported.
const maxSeen = 600

// aboutFaults tells a wish that is about what does not work, so that the files with diagnostics matter for it.
var aboutFaults = regexp.MustCompile(`(?i)\b(?:fix|mend|repair|error|errors|bug|bugs|broken|fails?|failing|wrong|crash(?:es)?|build|compile|diagnostics?|warnings?|repariere|fehler|kaputt|erreur|arregla|corrige)\b`)

// namedWeight puts the file that the input names before those that its words do.
const namedWeight = 100

// finish checks the tree and ends the conversation, or returns what must be mended first.
func (c *coder) finish(ctx context.Context, a form.FinishArgs) (says string, over bool, err error) {
	if len(c.r.tree.changes()) == 0 && len(c.r.tree.files) == 0 {
		return "", false, errors.New("no file was written: write the app's files first")
	}
	if says := c.unanswered(a); says != "" {
		return says, false, nil
	}
	ok, found := c.r.verify(ctx, codeforge.Code)
	objected, accepted := c.r.objections(codeforge.Code, a)
	found = append(found, objected...)
	if ok && accepted && len(c.r.tree.changes()) > 0 {
		runs, more := c.r.tryOut(ctx, codeforge.Code)
		ok, found = runs, append(found, more...)
	}
	slices.SortStableFunc(found, func(x, y diagnostic) int { return x.Rank() - y.Rank() })
	summary := codeforge.Plain(a.Summary)
	if utf8.RuneCountInString(summary) < minSummary {
		summary = strings.TrimSpace(summary + " " + c.defaultSummary())
	}
	summary = form.Shorten(summary, maxSummary)
	if ok = ok && accepted; !ok && c.repairs >= maxRepairs {
		c.failed = &buildFailure{found[:min(len(found), 2*maxDiagnostics)], summary}
		return "", true, nil
	}
	if !ok {
		c.repairs++
		return verdict(false, found, ""), false, nil
	}
	c.hear(a)
	if says, c.err = c.r.keepCode(ctx, c.at, summary); says != "" || c.err != nil {
		return says, c.err != nil, nil
	}
	for _, named := range slices.Sorted(maps.Keys(a.Explanations)) {
		if p := c.r.tree.resolvePath(named); c.r.tree.touched(p) {
			c.explained[p] = form.Shorten(strings.TrimSpace(codeforge.Plain(a.Explanations[named])), 1_000)
		}
	}
	deps := []string{}
	for _, d := range a.Dependencies[:min(len(a.Dependencies), maxDependencies)] {
		deps = append(deps, form.Shorten(d, 200))
	}
	c.done = &codeDoc{Files: []fileDoc{}, Summary: summary, Answer: c.answer(a), Dependencies: deps, Diagnostics: found[:min(len(found), 2*maxDiagnostics)], Evidence: c.r.evidence()}
	return verdict(true, found, ""), true, nil
}

// answer is what a finish says to a question: what it gives as such, or the summary of work that changed nothing, if it is long.
func (c *coder) answer(a form.FinishArgs) string {
	answer := strings.TrimSpace(codeforge.Plain(a.Answer))
	if answer == "" && len(c.r.tree.changes()) == 0 && utf8.RuneCountInString(a.Summary) > maxSummary {
		answer = codeforge.Plain(a.Summary)
	}
	return form.Shorten(answer, maxAnswer)
}

// answered ends a conversation about a question with an answer in words.
func (c *coder) answered(ctx context.Context, text string) error {
	_, found := c.r.verify(ctx, codeforge.Code)
	text = codeforge.Plain(text)
	c.done = &codeDoc{Files: []fileDoc{}, Summary: form.Shorten(firstParagraph(text), maxSummary), Answer: form.Shorten(text, maxAnswer), Dependencies: []string{},
		Diagnostics: found[:min(len(found), 2*maxDiagnostics)]}
	return ctx.Err()
}

func firstParagraph(text string) string {
	first, _, _ := strings.Cut(strings.TrimSpace(text), "\n\n")
	return first
}

// unanswered is what a finish is told, once a round, that neither changed anything nor answered the findings.
func (c *coder) unanswered(a form.FinishArgs) string {
	var ids []string
	for _, f := range c.open {
		if !slices.ContainsFunc(a.Findings, func(r form.FindingReply) bool { return repliesTo(r, f) }) {
			ids = append(ids, f.ID)
		}
	}
	if len(ids) == 0 || c.reminded || !maps.Equal(c.r.tree.files, c.began) {
		return ""
	}
	c.reminded = true
	return "not finished: nothing was changed, and these findings have no answer: " + strings.Join(ids, ", ") + ". Mend what is right; say of each in findings whether it is fixed, or declined and why."
}

func repliesTo(r form.FindingReply, f form.Finding) bool {
	return strings.EqualFold(strings.TrimSpace(r.ID), f.ID)
}

// hear takes in what a finish says beside its summary.
func (c *coder) hear(a form.FinishArgs) {
	for i := range c.open {
		f := &c.open[i]
		for _, reply := range a.Findings {
			if repliesTo(reply, *f) {
				f.Status, f.Reason = reply.Status, form.Shorten(codeforge.Plain(reply.Reason), maxReason)
			}
		}
	}
	c.r.respecify(a)
}

func (c *coder) defaultSummary() string {
	var names []string
	for _, ch := range c.r.tree.changes() {
		names = append(names, ch.Path)
	}
	if len(names) == 0 {
		return noChange
	}
	return "Changed " + plural(len(names), "file") + ": " + form.Shorten(strings.Join(names, ", "), 1_000) + "."
}
