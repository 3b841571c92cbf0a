package agent

import (
	"cmp"
	"encoding/json"
	"maps"
	"math"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/aymanbagabas/go-udiff"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// What viewers are told of a run, besides its calls of models.

func event(t codeforge.EventType, data any) codeforge.Event {
	return codeforge.Event{Type: t, Data: form.Marshal(data)}
}

// report tells of progress (negative: unchanged) and of events.
func (r *run) report(progress float64, events ...codeforge.Event) {
	if progress >= 0 {
		r.progress, r.told = max(r.progress, progress), max(r.told, progress)
	}
	r.task.Report(progress, events...)
}

// Shares of what is left of a stage by which work brings its end nearer.
const (
	byAnswer = 0.15
	byFile   = 0.05
	byTool   = 0.02
	byPiece  = 0.005 // of an answer on its way
)

// progressStep is how much progress is worth an event.
const progressStep = 2

// advance moves progress on by a share of what is left to the end of the stage, which it never reaches: nobody knows how much
// work is left.
func (r *run) advance(share float64) {
	if r.stageEnd <= r.progress {
		return
	}
	r.progress += (r.stageEnd - r.progress) * share
	if p := math.Floor(r.progress); p >= r.told+progressStep {
		r.report(p)
	}
}

// stageEnds is where the stages of a pipeline end; what is reviewed and mended again shares the last part.
var stageEnds = map[codeforge.AgentType]float64{codeforge.Research: 20, codeforge.Wireframe: 40, codeforge.Code: 60, codeforge.QA: 80}

// endOfStage is what progress runs up to in a stage. A job that may have to ask waits at 50.
func (r *run) endOfStage(s codeforge.AgentType, round int) float64 {
	switch {
	case r.task.Job.Agent == codeforge.Builder && round > 0:
		return stageEnds[codeforge.QA]
	case r.task.Job.Agent == codeforge.Builder:
		return stageEnds[s]
	case s == codeforge.Research && r.mayAsk():
		return 50
	}
	return 95
}

// diffStat counts the lines that were added and removed.
func diffStat(before, after string) (added, removed int) {
	for _, e := range udiff.Lines(before, after) {
		added, removed = added+countLines(e.New), removed+countLines(before[e.Start:e.End])
	}
	return added, removed
}

// reportFile tells of a file of the working tree, whose text goes with the event.
func (r *run) reportFile(path, action string) {
	content, exists := r.tree.files[path]
	text := codeforge.TextOf(content)
	e := codeforge.FileData{Path: path, Action: action, Language: codeforge.LanguageOf(path), Bytes: len(text), Lines: countLines(text)}
	if b, ok := codeforge.BlobOf(content); ok {
		e.Bytes = int(b.Size)
	}
	e.Added, e.Removed = diffStat(codeforge.TextOf(r.seen[path]), text)
	if exists {
		e.MovedFrom = r.movedFrom(path)
	} else {
		e.MovedTo = r.movedTo(path)
	}
	ev := event(codeforge.EventFile, e)
	ev.File = &codeforge.FileChange{Path: path, Delete: true}
	if exists {
		ev.File = new(codeforge.ChangeTo(path, content))
		r.seen[path] = content
	} else {
		delete(r.seen, path)
	}
	r.report(-1, ev)
	r.advance(byFile)
}

// reportTree tells of every file that is not as viewers saw it last: after the tree was put back, or onto another revision.
func (r *run) reportTree() {
	paths := map[string]string{}
	for path, text := range r.tree.files {
		if was, had := r.seen[path]; !had {
			paths[path] = fileCreated
		} else if was != text {
			paths[path] = fileUpdated
		}
	}
	for path := range r.seen {
		if _, has := r.tree.files[path]; !has {
			paths[path] = fileDeleted
		}
	}
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		r.reportFile(path, paths[path])
	}
}

// maxTold bounds, in characters, each part of what is told of a call.
const maxTold = 300

func (r *run) reportTool(stage codeforge.AgentType, call llm.ToolCall, result llm.ToolResult) {
	ok, answer := toolAnswer(call, result)
	r.report(-1, event(codeforge.EventTool, codeforge.ToolData{Stage: stage, Name: call.Name, Argument: toolArgument(call), OK: ok, Answer: form.Shorten(codeforge.Plain(answer), maxTold)}))
	r.advance(byTool)
}

// toolAnswer is a result for people: the line that it has, what a check found, or how much was read.
func toolAnswer(call llm.ToolCall, result llm.ToolResult) (ok bool, answer string) {
	var v form.Verdict[diagnostic]
	name, text := call.Name, strings.TrimSpace(result.Content)
	switch {
	case text == "":
		return !result.IsError, "done"
	case !result.IsError && strings.HasPrefix(text, `{"ok":`) && json.Unmarshal([]byte(text), &v) == nil:
		if v.OK && len(v.Diagnostics) == 0 {
			return true, "nothing wrong"
		}
		answer = plural(len(v.Diagnostics)+v.More, "finding")
		if len(v.Diagnostics) > 0 {
			answer += ", the first in " + v.Diagnostics[0].File + ": " + v.Diagnostics[0].Message
		}
		return v.OK || name != form.ToolFinish, answer
	case !result.IsError && name == form.ToolSearch && !strings.HasPrefix(text, "nothing found"):
		return true, searchAnswer(call, text)
	case !result.IsError && strings.Contains(text, "\n") && slices.ContainsFunc(readingTools, func(t tool) bool { return t.def.Name == name }):
		return true, plural(countLines(text), "line")
	}
	first, _, _ := strings.Cut(text, "\n")
	return !result.IsError, first
}

var (
	cutSearch   = regexp.MustCompile(`(?m)^\.\.\. (\d+) of (\d+) lines are shown`)
	hitOfSearch = regexp.MustCompile(`(?m)^[^:\n]+:\d+: `)
)

// searchAnswer is how much a search found, which may be more, or with context less, than the lines that it shows.
func searchAnswer(call llm.ToolCall, text string) string {
	var a form.SearchArgs
	if raw, err := llm.ReadArguments(call.Arguments); err == nil {
		_ = json.Unmarshal(raw, &a) // what cannot be read has no mode
	}
	first, _, _ := strings.Cut(text, "\n")
	switch m := cutSearch.FindStringSubmatch(text); {
	case m != nil:
		return m[2] + " lines found, " + m[1] + " shown"
	case a.Mode == form.SearchFiles:
		return plural(countLines(text), "file") + " found"
	case a.Mode == form.SearchCount:
		return strings.TrimSuffix(first, ":")
	}
	return plural(len(hitOfSearch.FindAllString(text, -1)), "line") + " found"
}

// toolArgument is what a call is about: of its arguments the first of those that say it.
func toolArgument(call llm.ToolCall) string {
	raw, err := llm.ReadArguments(call.Arguments)
	if err != nil {
		return ""
	}
	var given map[string]any
	_ = json.Unmarshal(raw, &given) // it is an object
	text := func(key string) string { s, _ := given[key].(string); return s }
	about := cmp.Or(text("pattern"), text("path"), text("from"))
	if in := text("path"); in != "" && in != about {
		about += " in " + in
	}
	if to := text("to"); to != "" && about != "" {
		about += " to " + to
	}
	return form.Shorten(strings.Join(strings.Fields(codeforge.Plain(about)), " "), maxTold)
}

func (r *run) reportSpec(stage codeforge.AgentType, kind string, document json.RawMessage) {
	r.report(-1, event(codeforge.EventSpec, codeforge.SpecData{Stage: stage, Kind: kind, Document: document}))
}

// reportReview tells of a review and, before it, of all that it found.
func (r *run) reportReview(round int, d *qaDoc) {
	var events []codeforge.Event
	for _, i := range d.Issues {
		events = append(events, event(codeforge.EventFinding, findingData(codeforge.QA, round, &i)))
	}
	r.report(-1, append(events, event(codeforge.EventReview, codeforge.ReviewData{Stage: codeforge.QA, Round: round, Passed: d.Passed, Score: d.Score, Issues: len(d.Issues), Summary: d.Summary}))...)
}

func findingData(stage codeforge.AgentType, round int, i *issueDoc) codeforge.FindingData {
	return codeforge.FindingData{Stage: stage, Round: round, ID: i.ID, Severity: i.Severity, Category: i.Category, FilePath: i.FilePath, LineHint: i.Issue.Line, Description: i.Description,
		Suggestion: i.Suggestion, Status: i.Status, Reason: i.Reason, File: i.File, Line: i.LineNo, Message: i.Message}
}

// deltas passes the text of an answer on as it comes, in pieces of about deltaBytes or deltaEvery, whichever is first.
// It has no timer: a piece waits for the next one or for the end of the answer.
type deltas struct {
	run   *run
	stage codeforge.AgentType
	quiet bool // the text is a form: it moves progress on and is not shown
	words pieces
	calls map[int]*writtenFile // calls on their way, by index
}

const (
	deltaBytes = 400
	deltaEvery = 100 * time.Millisecond
)

// pieces gathers text until it is worth an event.
type pieces struct {
	text  strings.Builder
	since time.Time
}

// add reports whether there is enough.
func (p *pieces) add(text string) bool {
	if text == "" {
		return false
	}
	if p.text.Len() == 0 {
		p.since = time.Now()
	}
	p.text.WriteString(text)
	return p.text.Len() >= deltaBytes || time.Since(p.since) >= deltaEvery
}

func (p *pieces) take() string {
	text := p.text.String()
	p.text.Reset()
	return text
}

func (d *deltas) add(p llm.Delta) {
	switch p.Kind {
	case llm.DeltaText:
		if d.words.add(p.Text) {
			d.flushWords()
		}
	case llm.DeltaToolCall:
		if d.calls == nil {
			d.calls = map[int]*writtenFile{}
		}
		f := d.calls[p.Index]
		if f == nil {
			f = newWrittenFile(d)
			d.calls[p.Index] = f
		}
		f.name = cmp.Or(p.Name, f.name)
		f.arguments.write(p.Text)
	}
}

// flush passes on what is left of an answer that has ended.
func (d *deltas) flush() {
	d.flushWords()
	for _, i := range slices.Sorted(maps.Keys(d.calls)) {
		d.calls[i].flush()
	}
	d.calls = nil
}

func (d *deltas) flushWords() {
	text := d.words.take()
	if text == "" {
		return
	}
	d.run.advance(byPiece)
	if !d.quiet {
		d.run.report(-1, event(codeforge.EventDelta, codeforge.DeltaData{Stage: d.stage, Text: text}))
	}
}

// writtenFile is a call that writes a file, on its way. What comes before its path waits for it.
type writtenFile struct {
	d         *deltas
	name      string
	arguments argumentStream
	path      string
	texts     []*writtenText // that were begun; the last one grows
}

type writtenText struct {
	pieces
	told int // bytes
}

func newWrittenFile(d *deltas) *writtenFile {
	f := &writtenFile{d: d}
	written := func(key string) bool { return key == "content" || key == "new" }
	f.arguments.begin = func(key string) {
		if written(key) {
			f.flush()
			f.texts = append(f.texts, new(writtenText))
		}
	}
	f.arguments.add = func(key string, piece []byte) {
		if written(key) && f.texts[len(f.texts)-1].add(string(piece)) {
			f.flush()
		}
	}
	f.arguments.end = func(key string, whole []byte) {
		if key == "path" {
			f.path = string(whole)
		}
	}
	return f
}

// writes is the tool that the call is of, "" if it writes nothing.
func (f *writtenFile) writes() string {
	name := strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(f.name))
	for _, tool := range []string{form.ToolWriteFile, form.ToolEditFile} {
		if strings.Contains(name, strings.ReplaceAll(tool, "_", "")) {
			return tool
		}
	}
	return ""
}

func (f *writtenFile) flush() {
	tool := f.writes()
	if tool == "" || f.path == "" {
		return
	}
	path := f.d.run.tree.resolvePath(f.path)
	for _, t := range f.texts {
		text := t.take()
		if text == "" {
			continue
		}
		f.d.run.report(-1, event(codeforge.EventFileDelta, codeforge.FileDeltaData{Stage: f.d.stage, Path: path, Tool: tool, Offset: t.told, Text: text}))
		f.d.run.advance(byPiece)
		t.told += len(text)
	}
	f.texts = f.texts[max(0, len(f.texts)-1):]
}
