package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
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
	maxTurns     = 60
	maxToolCalls = 300
	maxFailing   = 4         // the same call failing, with nothing written between
	maxIdle      = 3         // answers in a row that do nothing
	maxRepairs   = 3         // verification's findings going back
	maxTidyings  = 2         // the same for placeholders alone
	maxRead      = 1_500_000 // bytes that reading and searching may add to the conversation
	maxSummary   = 2_000
	minSummary   = 10
	maxSays      = 10_000 // of what a job that failed answered in words

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
	out := r.completed(doc, says.String())
	if out.Changes = r.tree.changes(); len(out.Changes) > 0 {
		out.Message = revisionMessage(doc.Summary)
	}
	return out, nil
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
	explained map[string]string // what the model said of files, by path
	calls     int
	failing   map[string]int // by name and arguments, since the last change
	read      int            // bytes that were read
	repairs   int

	// One of them is set when the conversation is over.
	done   *codeDoc
	failed *buildFailure
}

// code has the model work on the tree until it verifies. A buildFailure is code that never did; the tree then holds it.
func (r *run) code(ctx context.Context, round int, findings []issueDoc, explained map[string]string) (codeDoc, *buildFailure, error) {
	c := &coder{r: r, explained: explained, failing: map[string]int{}}
	p := r.codePrompt(ctx, round, findings)
	messages := []llm.Message{llm.UserText(p.String())}
	asked := ""
	idle := 0     // answers in a row that were empty or cut off without a whole call
	misheard := 0 // answers with calls in their text that could not be run
	for turn := range maxTurns {
		k := r.caller(codeforge.Code, p)
		resp, err := k.Generate(ctx, &llm.Request{System: system("code"), Messages: messages, Tools: toolDefs}, k.reportDelta)
		if err != nil {
			if resp = partialResponse(err); resp == nil || ctx.Err() != nil {
				return codeDoc{}, nil, r.modelError(ctx, codeforge.Code, err)
			}
		}
		resp, unfit := readSpokenCalls(resp, len(messages))
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
			m, err := c.runCalls(ctx, calls)
			if err != nil || c.done != nil || c.failed != nil {
				return c.result(err)
			}
			if resp.Finish == llm.FinishLength {
				m.Parts = append(m.Parts, llm.Text("Your answer was cut off at the output limit: "+describeCutCall(resp, "what came after these calls is lost")+". Go on in smaller steps."))
			}
			if left := maxTurns - turn - 1; left == 5 {
				m.Parts = append(m.Parts, llm.Text("5 turns are left: bring the work to an end and call finish."))
			}
			messages = append(messages, m)
		case idle == maxIdle && (resp.Finish == llm.FinishLength || text == ""):
			return codeDoc{}, nil, r.modelError(ctx, codeforge.Code, &llm.Error{Provider: resp.Provider, Model: resp.Model, Kind: kind, Cause: err})
		case resp.Finish == llm.FinishLength:
			messages = append(messages, llm.UserText("Your answer was cut off at the output limit: "+describeCutCall(resp, "it held no whole call")+". Go on in smaller steps: one file per call."))
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
			result := c.finish(ctx, form.FinishArgs{Summary: form.Shorten(text, maxSummary)})
			if c.done != nil || c.failed != nil {
				return c.result(nil)
			}
			p := new(prompt)
			p.json(form.SectionDiagnostics, json.RawMessage(result))
			p.sentence("The work cannot be finished like this. Mend it with the tools, then call finish.")
			messages = append(messages, llm.UserText(p.String()))
		}
	}
	return codeDoc{}, nil, failure(codeforge.Code, nil, "The coder did not finish within %d turns", maxTurns)
}

// readSpokenCalls is an answer whose text holds calls in place of calls: it has them as calls, and the text without them. unfit says why
// none of them can be run. at is the place of the answer in the conversation, which makes the ids of calls its own.
func readSpokenCalls(resp *llm.Response, at int) (_ *llm.Response, unfit error) {
	if len(resp.ToolCalls()) > 0 {
		out := *resp
		out.Parts = slices.Clone(resp.Parts)
		for i, p := range out.Parts {
			if p.Kind == llm.PartToolCall {
				call := *p.Call
				call.Name = toolNamed(call.Name)
				out.Parts[i].Call = &call
			}
		}
		return &out, nil
	}
	calls, rest := llm.SpokenCalls(resp.Text(), toolNames)
	if len(calls) == 0 {
		return resp, nil
	}
	out, fitting := *resp, 0
	out.Parts = slices.DeleteFunc(slices.Clone(resp.Parts), func(p llm.Part) bool { return p.Kind == llm.PartText })
	if rest != "" {
		out.Parts = append(out.Parts, llm.Text(rest))
	}
	for i, call := range calls {
		if err := toolByName[call.Name].fits(call.Arguments); err == nil {
			fitting++
		} else if unfit == nil {
			unfit = fmt.Errorf("%s: %w", call.Name, err)
		}
		out.Parts = append(out.Parts, llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: fmt.Sprintf("call_text_%d_%d", at, i), Name: call.Name, Arguments: call.Arguments}})
	}
	if fitting == 0 {
		return resp, unfit
	}
	return &out, nil
}

// describeCutCall says which call an answer that was cut off did not bring to its end.
func describeCutCall(resp *llm.Response, otherwise string) string {
	for _, p := range resp.Parts {
		if p.Kind == llm.PartOpenCall && toolByName[p.Call.Name].do != nil {
			return "your call of " + p.Call.Name + " was not whole, and nothing of it was done"
		}
	}
	return otherwise
}

// runCalls runs the calls of one turn and returns their results, all of them in their order, as the user's turn. It stops
// early when the work is over. finish comes last, wherever it stands, and only when all that it speaks of was done.
func (c *coder) runCalls(ctx context.Context, calls []llm.ToolCall) (m llm.Message, err error) {
	results := make([]llm.ToolResult, len(calls))
	run := func(i int, do func(llm.ToolCall) llm.ToolResult) error {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if c.calls++; c.calls > maxToolCalls {
			return failure(codeforge.Code, nil, "The coder used all of its %d tool calls without finishing", maxToolCalls)
		}
		results[i] = do(calls[i])
		if results[i].IsError && c.repeatsFailure(calls[i]) {
			return failure(codeforge.Code, errors.New(form.Shorten(results[i].Content, 1_000)), "The coder repeated a failing call of %s %d times", form.Shorten(calls[i].Name, 40), maxFailing)
		}
		return nil
	}
	do := func(call llm.ToolCall) llm.ToolResult { return c.runCall(ctx, call) }
	var failed []string
	last := -1
	for i, call := range calls {
		if call.Name == form.ToolFinish {
			last = i
			continue
		}
		if err := run(i, do); err != nil {
			return m, err
		}
		if results[i].IsError {
			failed = append(failed, call.Name+": "+form.Shorten(results[i].Content, 200))
		}
	}
	for i, call := range calls {
		switch {
		case call.Name != form.ToolFinish:
			continue
		case i < last:
			err = run(i, func(call llm.ToolCall) llm.ToolResult { return problem(call, "only the last finish of a turn counts") })
		case len(failed) > 0:
			err = run(i, func(call llm.ToolCall) llm.ToolResult {
				return problem(call, fmt.Sprintf("not finished: %s in this turn failed. Mend or leave out what failed, then call finish again, with a summary of what was done.\n- %s",
					plural(len(failed), "call"), strings.Join(failed[:min(len(failed), 10)], "\n- ")))
			})
		default:
			err = run(i, do)
		}
		if err != nil || c.done != nil || c.failed != nil {
			return m, err
		}
	}
	m.Role = llm.RoleUser
	for i := range results {
		m.Parts = append(m.Parts, llm.Part{Kind: llm.PartToolResult, Result: &results[i]})
	}
	return m, nil
}

// problem answers a call with an error.
func problem(call llm.ToolCall, says string) llm.ToolResult {
	return llm.ToolResult{ID: call.ID, Name: call.Name, Content: says, IsError: true}
}

func (c *coder) result(err error) (codeDoc, *buildFailure, error) {
	if c.done != nil {
		return *c.done, nil, nil
	}
	return codeDoc{}, c.failed, err
}

// repeatsFailure counts a failing call.
func (c *coder) repeatsFailure(call llm.ToolCall) bool {
	key := call.Name + string(call.Arguments)
	c.failing[key]++
	return c.failing[key] >= maxFailing
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

// tool is what the coder can call: its definition, what is wrong with arguments, and what it does with those that fit.
type tool struct {
	def  llm.Tool
	fits func(json.RawMessage) error
	do   func(context.Context, *coder, json.RawMessage) (string, error)
}

func toolOf[T any](name, description string, do func(context.Context, *coder, T) (string, error)) tool {
	f := form.Of[T](name)
	fits := func(raw json.RawMessage) error {
		_, _, err := f.Arguments(raw)
		return err
	}
	return tool{llm.Tool{Name: name, Description: description, Parameters: f.JSON}, fits, func(ctx context.Context, c *coder, raw json.RawMessage) (string, error) {
		args, note, err := f.Arguments(raw)
		if err != nil {
			return "", err
		}
		result, err := do(ctx, c, args)
		switch {
		case note == "":
		case err != nil:
			err = fmt.Errorf("%w (%s)", err, note)
		default:
			result += "\n(" + note + ")"
		}
		return result, err
	}}
}

var tools = []tool{
	toolOf(form.ToolListFiles, "List all files with their sizes.", func(_ context.Context, c *coder, _ form.NoArgs) (string, error) {
		return c.withinRoom(c.r.tree.list())
	}),
	toolOf(form.ToolReadFile, "Read the whole text of a file as it is now.", func(_ context.Context, c *coder, a form.PathArgs) (string, error) {
		a.Path = c.r.tree.resolvePath(a.Path)
		text, err := c.r.tree.read(a.Path)
		if err != nil {
			return "", err
		}
		return c.withinRoom(text)
	}),
	toolOf(form.ToolSearch, "Find lines that hold a plain text, in all files, with path and line number.", func(_ context.Context, c *coder, a form.SearchArgs) (string, error) {
		return c.withinRoom(c.r.tree.search(a.Pattern))
	}),
	toolOf(form.ToolWriteFile, "Create a file, or replace the whole text of one.", func(_ context.Context, c *coder, a form.WriteArgs) (string, error) {
		a.Path = c.r.tree.resolvePath(a.Path)
		action, err := c.r.tree.write(a.Path, a.Content)
		if err != nil {
			return "", err
		}
		return c.changed(a.Path, action), nil
	}),
	toolOf(form.ToolEditFile, "Replace one place in a file. Fails, and says why, unless old occurs exactly once.", func(_ context.Context, c *coder, a form.EditArgs) (string, error) {
		a.Path = c.r.tree.resolvePath(a.Path)
		if err := c.r.tree.edit(a.Path, a.Old, a.New); err != nil {
			return "", err
		}
		return c.changed(a.Path, "updated"), nil
	}),
	toolOf(form.ToolDeleteFile, "Remove a file.", func(_ context.Context, c *coder, a form.PathArgs) (string, error) {
		a.Path = c.r.tree.resolvePath(a.Path)
		if err := c.r.tree.delete(a.Path); err != nil {
			return "", err
		}
		return c.changed(a.Path, "deleted"), nil
	}),
	toolOf(form.ToolCheck, "Parse, resolve and bundle the project as it is now. Returns diagnostics with file, line and column.", func(ctx context.Context, c *coder, _ form.NoArgs) (string, error) {
		ok, found := c.r.verify(ctx, codeforge.Code)
		return verdict(ok, found), nil
	}),
	toolOf(form.ToolFinish, "End the work. The project is checked first: when ok is false, mend the diagnostics and call finish again.", func(ctx context.Context, c *coder, a form.FinishArgs) (string, error) {
		if len(c.r.tree.changes()) == 0 && len(c.r.tree.files) == 0 {
			return "", errors.New("no file was written: write the app's files first")
		}
		return c.finish(ctx, a), nil
	}),
}

var toolDefs, toolNames, toolByName = func() (defs []llm.Tool, names []string, byName map[string]tool) {
	byName = map[string]tool{}
	for _, t := range tools {
		defs, names = append(defs, t.def), append(names, t.def.Name)
		byName[t.def.Name] = t
	}
	return defs, names, byName
}()

// toolNamed returns the name of the tool that a model means, which may have put its name among others (functions.finish:0), signs
// of its template behind it, or written it in another style. A name of none comes back as endpoints take it in a conversation.
func toolNamed(said string) string {
	for part := range strings.FieldsFuncSeq(said, func(r rune) bool { return strings.ContainsRune(".:/<|> \t\r\n\"'`", r) }) {
		for _, name := range toolNames {
			if strings.EqualFold(strings.NewReplacer("_", "", "-", "").Replace(part), strings.ReplaceAll(name, "_", "")) {
				return name
			}
		}
	}
	clean := strings.Map(func(r rune) rune {
		if r == '-' || !notWord(r) && r < utf8.RuneSelf {
			return r
		}
		return '_'
	}, form.Shorten(said, maxToolName))
	return cmp.Or(clean, "unnamed")
}

const maxToolName = 64 // that endpoints take

// runCall runs one call. What is wrong with it is the result, in words for the model.
func (c *coder) runCall(ctx context.Context, call llm.ToolCall) llm.ToolResult {
	t, ok := toolByName[call.Name]
	if !ok {
		return problem(call, fmt.Sprintf("there is no tool %s; there are %s", form.Quote(call.Name), strings.Join(toolNames, ", ")))
	}
	text, err := t.do(ctx, c, call.Arguments)
	if err != nil {
		return problem(call, err.Error())
	}
	return llm.ToolResult{ID: call.ID, Name: call.Name, Content: text}
}

// withinRoom returns text that was read, while the conversation has room for it.
func (c *coder) withinRoom(text string) (string, error) {
	if c.read+len(text) > maxRead {
		return "", fmt.Errorf("too much was read already (%d bytes): finish with what you know", c.read)
	}
	c.read += len(text)
	return cmp.Or(text, "(the file is empty)"), nil
}

type fileEvent struct {
	Path     string `json:"path"`
	Action   string `json:"action"`
	Language string `json:"language"`
	Bytes    int    `json:"bytes"`
	Lines    int    `json:"lines"`
}

func (c *coder) changed(path, action string) string {
	clear(c.failing)
	text := c.r.tree.files[path]
	lines := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		lines++
	}
	c.r.report(-1, event(codeforge.EventFile, fileEvent{path, action, codeforge.LanguageOf(path), len(text), lines}))
	if action == "deleted" {
		return "deleted " + path
	}
	return fmt.Sprintf("%s %s (%d lines, %d bytes)", action, path, lines, len(text))
}

// finish checks the tree and ends the conversation, or returns what must be mended first.
func (c *coder) finish(ctx context.Context, a form.FinishArgs) string {
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
		return ""
	}
	if !ok || len(left) > 0 && c.repairs < maxTidyings {
		c.repairs++
		return verdict(false, found)
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
	return ""
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
