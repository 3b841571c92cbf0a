package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// Bounds of one conversation with the coder.
const (
	maxTurns    = 60
	maxIdle     = 3 // answers in a row that do nothing
	maxRepairs  = 3 // verification's findings going back
	maxTidyings = 2 // the same for placeholders alone
	maxSummary  = 2_000
	minSummary  = 10
	maxSays     = 10_000 // of what a job that failed answered in words

	maxDependencies = 30
)

func (r *run) codeJob(ctx context.Context) (codeforge.Outcome, error) {
	var doc codeDoc
	var failed *buildFailure
	explained := map[string]string{}
	err := r.stage(codeforge.Code, 0, func() (err error) {
		doc, failed, err = r.code(ctx, 0, nil, explained)
		if err == nil && failed != nil {
			err = r.buildFailed(failed)
		}
		return err
	})
	if err != nil {
		return codeforge.Outcome{}, err
	}
	doc.Files = r.fileDocs(explained)
	var says strings.Builder
	says.WriteString(doc.Summary)
	if len(doc.Files) > 0 {
		says.WriteString("\n\nChanged " + plural(len(doc.Files), "file") + ":")
		for _, f := range doc.Files {
			says.WriteString("\n- " + f.Path + " (" + f.Action + ")")
		}
	}
	return r.completed(doc, says.String()), nil
}

// revisionMessage is the first line of a summary.
func revisionMessage(summary string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(summary), "\n")
	return form.Shorten(line, 200)
}

// fileDocs lists what the job changed.
func (r *run) fileDocs(explained map[string]string) []fileDoc {
	docs := []fileDoc{}
	for _, c := range r.tree.changes() {
		action := "created"
		if _, had := r.tree.base[c.Path]; c.Delete {
			action = "deleted"
		} else if had {
			action = "updated"
		}
		docs = append(docs, fileDoc{c.Path, c.Path, codeforge.LanguageOf(c.Path), explained[c.Path], action})
	}
	return docs
}

// coder is one conversation about the working tree, from a first prompt to finish.
type coder struct {
	r         *run
	round     int
	explained map[string]string // what the model said of files, by path
	repairs   int

	// One of them is set when the conversation is over.
	done   *codeDoc
	failed *buildFailure
	err    error
}

// code has the model work on the tree until it verifies. A buildFailure is code that never did; the tree then holds it.
func (r *run) code(ctx context.Context, round int, findings []issueDoc, explained map[string]string) (codeDoc, *buildFailure, error) {
	c := &coder{r: r, round: round, explained: explained}
	box := r.newToolbox(codeforge.Code, r.tree, codingTools)
	box.finish = c.finish
	p := r.codePrompt(ctx, round, findings)
	messages := []llm.Message{llm.UserText(p.String())}
	asked := ""
	idle := 0     // answers in a row that were empty or cut off without a whole call
	misheard := 0 // answers with calls in their text that could not be run
	for turn := range maxTurns {
		k := r.caller(codeforge.Code, p)
		resp, err := k.Generate(ctx, &llm.Request{System: system("code"), Messages: messages, Tools: box.defs()}, k.reportDelta)
		if err != nil {
			if resp = partialResponse(err); resp == nil || ctx.Err() != nil {
				return codeDoc{}, nil, r.modelError(ctx, codeforge.Code, err)
			}
		}
		resp, unfit := box.readSpokenCalls(resp, len(messages))
		if m := assistantMessage(resp); len(m.Parts) > 0 {
			messages = append(messages, m)
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
			if err != nil || box.over {
				return c.result(err)
			}
			if resp.Finish == llm.FinishLength {
				m.Parts = append(m.Parts, llm.Text("Your answer was cut off at the output limit: "+box.describeCutCall(resp, "what came after these calls is lost")+". Go on in smaller steps."))
			}
			if left := maxTurns - turn - 1; left == 5 {
				m.Parts = append(m.Parts, llm.Text("5 turns are left: bring the work to an end and call finish."))
			}
			messages = append(messages, m)
		case idle == maxIdle && (resp.Finish == llm.FinishLength || text == ""):
			return codeDoc{}, nil, r.modelError(ctx, codeforge.Code, &llm.Error{Provider: resp.Provider, Model: resp.Model, Kind: kind, Cause: err})
		case resp.Finish == llm.FinishLength:
			messages = append(messages, llm.UserText("Your answer was cut off at the output limit: "+box.describeCutCall(resp, "it held no whole call")+". Go on in smaller steps: one file per call."))
		case text == "":
			messages = append(messages, llm.UserText("Your answer was empty. Go on with the tools, or call finish when the work is complete."))
		case unfit != nil:
			idle = 0
			if misheard++; misheard == maxIdle {
				r.says = form.Shorten(text, maxSays)
				return codeDoc{}, nil, failure(codeforge.Code, unfit, "The model wrote its calls of tools as text, and they could not be read")
			}
			messages = append(messages, llm.UserText("Your answer holds a call as text, which was not carried out: "+unfit.Error()+". Call the tools themselves, with arguments that fit."))
		case asked == "":
			asked, idle = text, 0
			messages = append(messages, llm.UserText("No tool was called, so nothing was done. Call finish when the work is complete, or go on with the tools. Nothing is saved before finish."))
		case len(r.tree.changes()) == 0:
			r.says = form.Shorten(asked, maxSays)
			if text != asked {
				r.says = form.Shorten(asked+"\n\n"+text, maxSays)
			}
			if len(r.tree.files) == 0 {
				return codeDoc{}, nil, failure(codeforge.Code, nil, "The coder wrote no file: it answered in words alone")
			}
			return codeDoc{}, nil, failure(codeforge.Code, nil, "The coder changed nothing: it answered in words alone")
		default: // it means to be done
			idle = 0
			result, over, err := c.finish(ctx, form.FinishArgs{Summary: form.Shorten(text, maxSummary)})
			if over {
				return c.result(err)
			}
			p := new(prompt)
			p.json(form.SectionDiagnostics, json.RawMessage(result))
			p.sentence("The work cannot be finished like this. Mend it with the tools, then call finish.")
			messages = append(messages, llm.UserText(p.String()))
		}
	}
	return codeDoc{}, nil, failure(codeforge.Code, nil, "The coder did not finish within %d turns", maxTurns)
}

func (c *coder) result(err error) (codeDoc, *buildFailure, error) {
	if c.done != nil {
		return *c.done, nil, nil
	}
	return codeDoc{}, c.failed, cmp.Or(c.err, err)
}

func (r *run) codePrompt(ctx context.Context, round int, findings []issueDoc) *prompt {
	p := r.prompt()
	p.json(form.SectionRequirements, r.project.Requirements)
	p.json(form.SectionArchitecture, r.project.Architecture)
	var about []string
	if len(findings) > 0 {
		plain := make([]form.Issue, len(findings))
		for i, f := range findings {
			plain[i] = f.Issue
			about = append(about, f.FilePath)
		}
		p.json(form.SectionFindings, plain)
	}
	if round > 0 {
		p.json(form.SectionRound, round)
	}
	if len(r.tree.files) > 0 {
		if _, found := r.verify(ctx, codeforge.Code); len(found) > 0 {
			shown := found[:min(len(found), maxDiagnostics)]
			p.json(form.SectionDiagnostics, shown)
			about = append(about, filesOf(shown)...)
		}
	}
	named := r.in.text("file_path")
	p.files(r.tree, r.about(r.in.idea(r.project), about...), map[string]int{named: namedWeight})
	switch {
	case len(findings) > 0:
		p.sentence("The review found the issues in <findings>. Mend them, worst first, without breaking what works.")
	case cleanPath(named) != "":
		p.sentence("Do what <idea> asks. The work is about the file that file_path in <context> names; change others only where it needs them.")
	case len(r.tree.files) > 0:
		p.sentence("The project has files. Do what <idea> asks of them, keeping what already works.")
	default:
		p.sentence("Build the app.")
	}
	return p
}

// namedWeight puts the file that the input names before those that its words do.
const namedWeight = 100

// finish checks the tree and ends the conversation, or returns what must be mended first.
func (c *coder) finish(ctx context.Context, a form.FinishArgs) (says string, over bool, err error) {
	if len(c.r.tree.changes()) == 0 && len(c.r.tree.files) == 0 {
		return "", false, errors.New("no file was written: write the app's files first")
	}
	ok, found := c.r.verify(ctx, codeforge.Code)
	left := findPlaceholders(c.r.tree)
	found = append(found, left...)
	slices.SortStableFunc(found, func(x, y diagnostic) int { return x.rank() - y.rank() })
	summary := codeforge.Plain(a.Summary)
	if utf8.RuneCountInString(summary) < minSummary {
		summary = strings.TrimSpace(summary + " " + c.defaultSummary())
	}
	summary = form.Shorten(summary, maxSummary)
	if !ok && c.repairs >= maxRepairs {
		c.failed = &buildFailure{found[:min(len(found), 2*maxDiagnostics)], summary}
		return "", true, nil
	}
	if !ok || len(left) > 0 && c.repairs < maxTidyings {
		c.repairs++
		return verdict(false, found), false, nil
	}
	if says, c.err = c.r.keepCode(ctx, c.round, summary); says != "" || c.err != nil {
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
	c.done = &codeDoc{[]fileDoc{}, summary, deps, found[:min(len(found), 2*maxDiagnostics)]}
	return "", true, nil
}

func (c *coder) defaultSummary() string {
	var names []string
	for _, ch := range c.r.tree.changes() {
		names = append(names, ch.Path)
	}
	if len(names) == 0 {
		return "No file was changed."
	}
	return "Changed " + plural(len(names), "file") + ": " + form.Shorten(strings.Join(names, ", "), 1_000) + "."
}
