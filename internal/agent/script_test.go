package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/api/apitest"
	"codeforge/internal/llm"
	"codeforge/internal/verify"
)

// script is a model that answers call after call as a test says.
type script struct {
	steps    []turn
	requests []llm.Request
}

type turn func(context.Context, *llm.Request) (*llm.Response, error)

func (s *script) Name() string { return "script" }

func (s *script) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	s.requests = append(s.requests, *req)
	if len(s.steps) == 0 {
		return nil, fmt.Errorf("the script has no answer to call %d", len(s.requests))
	}
	do := s.steps[0]
	if len(s.steps) > 1 {
		s.steps = s.steps[1:]
	}
	resp, err := do(ctx, req)
	if err == nil && sink != nil {
		for piece := range slices.Chunk([]byte(resp.Text()), 50) {
			sink(llm.Delta{Kind: llm.DeltaText, Text: string(piece)})
		}
		for i, call := range resp.ToolCalls() {
			sink(llm.Delta{Kind: llm.DeltaToolCall, Index: i, Name: call.Name})
			for piece := range slices.Chunk([]byte(call.Arguments), 50) {
				sink(llm.Delta{Kind: llm.DeltaToolCall, Index: i, Text: string(piece)})
			}
		}
	}
	return resp, err
}

func respond(finish llm.FinishKind, parts ...llm.Part) turn {
	return func(context.Context, *llm.Request) (*llm.Response, error) {
		return &llm.Response{Provider: "script", Model: "m", ServedModel: "m-1", Parts: parts, Finish: finish,
			Usage: llm.Usage{Usage: codeforge.Usage{InputTokens: 100, OutputTokens: 10}}}, nil
	}
}

func say(text string) turn { return respond(llm.FinishStop, llm.Text(text)) }

// parts are those of the answer.
func (do turn) parts(t *testing.T) []llm.Part {
	t.Helper()
	resp, err := do(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	return resp.Parts
}

// wantProgress wants progress to pass these milestones and to go on rising between them.
func wantProgress(t *testing.T, b *bench, milestones ...float64) {
	t.Helper()
	if !slices.IsSorted(b.progress) || slices.Max(b.progress) >= 100 {
		t.Errorf("progress %v", b.progress)
	}
	for _, p := range milestones {
		if !slices.Contains(b.progress, p) {
			t.Errorf("progress %v, without %v", b.progress, p)
		}
	}
	if len(b.progress) <= len(milestones) {
		t.Errorf("progress %v has no step between", b.progress)
	}
}

// object answers v as JSON.
func object(v any) turn { return say(string(form.Marshal(v))) }

// use calls tools: name, arguments, name, arguments...
func use(pairs ...any) turn {
	var parts []llm.Part
	for i := 0; i < len(pairs); i += 2 {
		args, ok := pairs[i+1].(string)
		if !ok {
			args = string(form.Marshal(pairs[i+1]))
		}
		parts = append(parts, llm.Part{Kind: llm.PartToolCall,
			Call: &llm.ToolCall{ID: fmt.Sprintf("c%d", i/2), Name: pairs[i].(string), Arguments: json.RawMessage(args)}})
	}
	return respond(llm.FinishToolCalls, parts...)
}

func fail(err error) turn {
	return func(context.Context, *llm.Request) (*llm.Response, error) { return nil, err }
}

type args = map[string]any

// finish ends the coder's work.
func finish() turn {
	return use("finish", args{"summary": "Wrote the app, open it.", "dependencies": []string{}})
}

// lint is a verification of lines: those that hold BROKEN are errors, SLOPPY are warnings.
func lint(_ context.Context, _ string, t verify.Tree) (verify.Report, error) {
	r := verify.Report{OK: true, Files: t.Len(), Entries: []string{}, Diagnostics: []verify.Diagnostic{}}
	for p, text := range t.Files {
		for i, line := range strings.Split(text, "\n") {
			for word, severity := range map[string]string{"BROKEN": verify.SeverityError, "SLOPPY": verify.SeverityWarning} {
				if strings.Contains(line, word) {
					r.OK = r.OK && severity != verify.SeverityError
					r.Diagnostics = append(r.Diagnostics, verify.Diagnostic{File: p, Line: i + 1, Column: 1, Severity: severity, Message: "says " + word})
				}
			}
		}
	}
	slices.SortFunc(r.Diagnostics, func(a, b verify.Diagnostic) int {
		return strings.Compare(fmt.Sprintf("%s:%06d", a.File, a.Line), fmt.Sprintf("%s:%06d", b.File, b.Line))
	})
	return r, nil
}

// bench is one job on a project, with what it reported.
type bench struct {
	task     codeforge.Task
	stored   stored
	events   []codeforge.Event
	progress []float64
	script   *script
	rounds   int
}

// stored is a project as a store has it.
type stored struct {
	head int64
	at   map[int64]map[string]string // files by revision
	kept map[string]codeforge.Kept
	made []codeforge.StageResult // that changed something

	requirements, architecture json.RawMessage
	status                     codeforge.ProjectStatus
}

// people change the project.
func (s *stored) people(changes ...codeforge.FileChange) {
	files := maps.Clone(s.at[s.head])
	for _, c := range changes {
		f := fileWith(c.Path, c.Content)
		f.Hash, f.Size = c.Hash, c.Size
		if files[c.Path] = f.TreeContent(); c.Delete {
			delete(files, c.Path)
		}
	}
	s.head++
	s.at[s.head] = files
}

func (s *stored) keep(_ context.Context, r codeforge.StageResult) (codeforge.Kept, error) {
	key := fmt.Sprint(r.Stage, r.Round)
	if kept, ok := s.kept[key]; ok {
		return codeforge.Kept{Revision: kept.Revision}, nil
	}
	kept := codeforge.Kept{Events: r.Events}
	if len(r.Changes) > 0 && !r.Proposal {
		if r.Base != s.head {
			return kept, codeforge.MovedError(s.head, r.Base)
		}
		s.people(r.Changes...)
		kept.Revision = s.head
	}
	if r.Requirements != nil {
		s.requirements = r.Requirements
	}
	if r.Architecture != nil {
		s.architecture = r.Architecture
	}
	s.status = cmp.Or(r.ProjectStatus, s.status)
	s.kept[key] = kept
	s.made = append(s.made, r)
	return kept, nil
}

// fileWith is a file as a store has it.
func fileWith(path, content string) codeforge.File {
	f := codeforge.File{Path: path, Content: content, Version: 1}
	if b, ok := codeforge.BlobOf(content); ok {
		f.Content, f.Size = "", b.Size
		f.SetBlob(b.Hash)
	}
	return f
}

func (s *stored) snapshot(_ context.Context, revision int64) (files []codeforge.File, err error) {
	for _, p := range slices.Sorted(maps.Keys(s.at[revision])) {
		files = append(files, fileWith(p, s.at[revision][p]))
	}
	return files, nil
}

// outcome is how a run left its job, and what it left in the project.
type outcome struct {
	codeforge.Outcome
	Changes                    []codeforge.FileChange
	Message                    string
	Requirements, Architecture json.RawMessage
	ProjectStatus              codeforge.ProjectStatus
}

// promised is the document of the API, which says what watchers are told.
var promised = apitest.Shared(func() ([]byte, error) { return os.ReadFile("../api/testdata/openapi.json") })

// asPromised returns events, all of which are as the document has them.
func asPromised(events []codeforge.Event) []codeforge.Event {
	for _, e := range events {
		if err := promised().Event("JobEvent", string(e.Type), e.Data); err != nil {
			panic(err)
		}
	}
	return events
}

func job(agent codeforge.AgentType, input string, steps ...turn) *bench {
	b := &bench{script: &script{steps: steps}}
	b.task = codeforge.Task{
		Job:     codeforge.Job{ID: "job-1", ProjectID: "project-1", UserID: "user-1", Agent: agent, Input: json.RawMessage(input)},
		Project: codeforge.Project{ID: "project-1", Title: "Walks", Description: "A CRM for dog walkers", Mode: codeforge.ModeBuilder},
		Report: func(progress float64, events ...codeforge.Event) {
			if progress >= 0 {
				b.progress = append(b.progress, progress)
			}
			b.events = append(b.events, asPromised(events)...)
		},
		Keep: func(ctx context.Context, r codeforge.StageResult) (codeforge.Kept, error) {
			kept, err := b.stored.keep(ctx, r)
			b.events = append(b.events, asPromised(kept.Events)...)
			return kept, err
		},
		Snapshot: func(ctx context.Context, revision int64) ([]codeforge.File, error) {
			return b.stored.snapshot(ctx, revision)
		},
	}
	b.task.LockAt = func(context.Context, int64) ([]byte, error) { return nil, nil }
	b.stored = stored{at: map[int64]map[string]string{0: {}}, kept: map[string]codeforge.Kept{}}
	return b
}

func (b *bench) files(pairs ...string) *bench {
	for i := 0; i < len(pairs); i += 2 {
		b.task.Files = append(b.task.Files, fileWith(pairs[i], pairs[i+1]))
		b.stored.at[0][pairs[i]] = pairs[i+1]
	}
	return b
}

func (b *bench) run(t *testing.T) (outcome, error) {
	t.Helper()
	return b.runAs(t.Context(), b.agents())
}

// runAs runs the job; only what came of it is told.
func (b *bench) runAs(ctx context.Context, a *Agents) (outcome, error) {
	done, err := a.Run(ctx, &b.task)
	asPromised(done.Events)
	out := outcome{Outcome: done, Changes: differences(b.stored.at[0], b.stored.at[b.stored.head]),
		Requirements: b.stored.requirements, Architecture: b.stored.architecture, ProjectStatus: b.stored.status}
	if n := len(b.stored.made); n > 0 {
		out.Message = b.stored.made[n-1].Message
	}
	return out, err
}

func (b *bench) agents() *Agents {
	return New(Options{Model: b.script, Check: lint, ReviewRounds: b.rounds})
}

func (b *bench) must(t *testing.T) outcome {
	t.Helper()
	out, err := b.run(t)
	if err != nil {
		t.Fatalf("Run: %v (after %d calls)", err, len(b.script.requests))
	}
	return out
}

// prompt is the text of the last user's message of call n, from 0.
func (b *bench) prompt(n int) string {
	m := b.script.requests[n].Messages
	var out strings.Builder
	for i, p := range m[len(m)-1].Parts {
		if i > 0 {
			out.WriteString("\n")
		}
		out.WriteString(p.Text)
		if p.Result != nil {
			out.WriteString(p.Result.Content)
		}
	}
	return out.String()
}

func (b *bench) types() (out []codeforge.EventType) {
	for _, e := range b.events {
		out = append(out, e.Type)
	}
	return out
}

func decode(t *testing.T, raw json.RawMessage) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return v
}

// at walks into decoded JSON: keys and, as numbers, places in lists.
func at(v any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

// sections reads a prompt the way that anyone who trusts its layout does.
func sections(text string) (out [][2]string) {
	name, body := "", ""
	for line := range strings.SplitSeq(text, "\n") {
		switch {
		case name == "" && len(line) > 2 && line[0] == '<' && line[1] != '/' && strings.HasSuffix(line, ">"):
			name, _, _ = strings.Cut(line[1:len(line)-1], " ")
			body = ""
		case name != "" && line == "</"+name+">":
			out = append(out, [2]string{name, strings.TrimSuffix(body, "\n")})
			name = ""
		case name != "":
			body += line + "\n"
		}
	}
	return out
}

func section(text, name string) string {
	for _, s := range sections(text) {
		if s[0] == name {
			return s[1]
		}
	}
	return ""
}

var (
	goodClarification = args{"is_complete": true, "questions": []any{}, "message": ""}
	goodRequirements  = args{
		"app_name": "Walkies", "elevator_pitch": "Keeps dogs, owners and walks together for one walker.",
		"target_audience":       []any{args{"name": "Mia", "role": "Dog walker", "goal": "Plan the day", "pain_point": "Paper notes get lost"}},
		"core_features":         []any{args{"name": "Dogs", "description": "Keep dogs", "priority": "must-have", "user_stories": []any{"As a walker, I want dogs, so that I know them"}}},
		"recommended_stack":     []any{"TypeScript"},
		"technical_constraints": []any{"localStorage"},
	}
	goodArchitecture = args{
		"site_map":           []any{args{"path": "/dog-list", "description": "All dogs", "components": []any{args{"name": "DogList", "props": []any{"dogs: Dog[]"}, "children": []any{}}}}},
		"global_state_needs": []any{"Dog {id: string}"}, "theme_colors": []any{"#112233", "#AABBCC"},
	}
	goodReport = args{"passed": true, "issues": []any{}, "summary": "It works.", "score": 95}
	goodLesson = args{"encouragement": "You ask where data goes.", "steps": []any{
		args{"step_number": 3, "question": "What is a key?", "hint": "Look", "concept": "keys"},
		args{"step_number": 3, "question": "What is a value?", "hint": "Look", "concept": "values"}}, "key_concept": "Storage outlives a page.", "further_exploration": []any{}}
)

// with returns a copy of an answer with other values.
func with(base args, pairs ...any) args {
	out := args{}
	maps.Copy(out, base)
	for i := 0; i < len(pairs); i += 2 {
		out[pairs[i].(string)] = pairs[i+1]
	}
	return out
}
