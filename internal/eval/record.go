package eval

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"codeforge"
	"codeforge/internal/llm"
)

// recorder stands between the server's own journal and its models. It knows which task a call is for, counts what the task
// takes, and keeps the answers under names that the next run asks by: task, place of its job, number of the call.
type recorder struct {
	o    *Options
	next llm.Provider // the server's models
	kept llm.Provider // the same, or none, behind the recording; nil: nothing is kept

	mu    sync.Mutex
	tasks map[string]*taskRun // by project
	names map[string]string   // of jobs, in the recording
	jobs  map[string]string   // ids of them, by name
}

// taskRun is one task while it runs.
type taskRun struct {
	task    *Task
	answers *script // instead of a model; nil: none
	jobs    int     // that were seen
	strayed bool    // it asked what the recording does not answer
	used    Used
}

// Used is what a task took of the model.
type Used struct {
	Calls        int     `json:"calls"`
	InputTokens  int64   `json:"input_tokens"`
	OutputTokens int64   `json:"output_tokens"`
	CostMicroUSD int64   `json:"cost_micro_usd"`
	Estimated    bool    `json:"cost_estimated,omitempty"`
	Replayed     int     `json:"replayed,omitempty"` // calls that the recording answered, for nothing
	Seconds      float64 `json:"seconds"`
}

func (u *Used) add(v Used) {
	u.Calls += v.Calls
	u.InputTokens += v.InputTokens
	u.OutputTokens += v.OutputTokens
	u.CostMicroUSD += v.CostMicroUSD
	u.Estimated = u.Estimated || v.Estimated
	u.Replayed += v.Replayed
	u.Seconds += v.Seconds
}

func newRecorder(o *Options, next llm.Provider) *recorder {
	r := &recorder{o: o, next: next, tasks: map[string]*taskRun{}, names: map[string]string{}, jobs: map[string]string{}}
	switch {
	case o.Replay != "":
		r.kept = llm.Journaled(nil, folder(o.Replay))
	case o.Record != "":
		r.kept = llm.Journaled(&unnamed{r}, folder(o.Record))
	}
	return r
}

func (r *recorder) Name() string { return r.next.Name() }

// begin says that the calls of a project are a task's.
func (r *recorder) begin(projectID string, run *taskRun) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tasks[projectID] = run
}

// used is what a task took so far, and whether it strayed from its recording.
func (r *recorder) used(run *taskRun) (Used, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return run.used, run.strayed
}

// Generate is part of [llm.Provider].
func (r *recorder) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	ask := *req
	if r.o.Model != "" {
		ask.Model, ask.Routing.NoFallback = r.o.Model, true
	}
	run, name := r.name(req.Call)
	if run == nil {
		return nil, fmt.Errorf("no task has the project %s", req.Call.ProjectID)
	}
	var resp *llm.Response
	var err error
	switch {
	case run.answers != nil:
		resp, err = run.answers.Generate(ctx, &ask, sink)
	case r.kept != nil:
		ask.Call.JobID = name
		resp, err = r.kept.Generate(ctx, &ask, sink)
	default:
		resp, err = r.next.Generate(ctx, &ask, sink)
	}
	if errors.Is(err, llm.ErrNotJournaled) {
		r.mu.Lock()
		run.strayed = true
		r.mu.Unlock()
		err = &llm.Error{Provider: "recording", Kind: llm.InvalidRequest, Message: err.Error(), Cause: err} // which ends the job
	}
	r.count(run, resp, err)
	return resp, err
}

// name finds the task of a call and what its job is called in the recording: by its place among the task's jobs.
func (r *recorder) name(call llm.Call) (run *taskRun, name string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if run = r.tasks[call.ProjectID]; run == nil {
		return nil, ""
	}
	if name = r.names[call.JobID]; name == "" {
		run.jobs++
		name = fmt.Sprintf("%s.%d", run.task.Name, run.jobs)
		r.names[call.JobID], r.jobs[name] = name, call.JobID
	}
	return run, name
}

func (r *recorder) count(run *taskRun, resp *llm.Response, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	u := &run.used
	u.Calls++
	var used *llm.Usage
	if e, ok := errors.AsType[*llm.Error](err); ok {
		used = e.Usage
	}
	if resp != nil {
		used = &resp.Usage
		u.CostMicroUSD += resp.Cost.MicroUSD
		u.Estimated = u.Estimated || resp.Cost.Estimated
		if resp.Replayed {
			u.Replayed++
		}
	}
	if used != nil {
		u.InputTokens += used.InputTokens
		u.OutputTokens += used.OutputTokens
	}
}

// unnamed gives a call its job's id back, which the ledger goes by.
type unnamed struct{ r *recorder }

func (u *unnamed) Name() string { return u.r.next.Name() }

func (u *unnamed) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	ask := *req
	u.r.mu.Lock()
	ask.Call.JobID = u.r.jobs[req.Call.JobID]
	u.r.mu.Unlock()
	return u.r.next.Generate(ctx, &ask, sink)
}

// folder is a journal of files, one for each answer.
type folder string

func (f folder) name(k llm.JournalKey) string {
	return filepath.Join(string(f), k.JobID, fmt.Sprintf("%03d-%.16s.json", k.Number, k.Hash))
}

// Get is part of [llm.Journal].
func (f folder) Get(_ context.Context, k llm.JournalKey) ([]byte, error) {
	b, err := os.ReadFile(f.name(k))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Put is part of [llm.Journal].
func (f folder) Put(_ context.Context, k llm.JournalKey, entry []byte) ([]byte, error) {
	name := f.name(k)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return nil, err
	}
	return entry, os.WriteFile(name, entry, 0o644)
}

// script is a model whose answers were written beforehand, agent by agent; the model behind it speaks for agents that have none.
type script struct {
	next llm.Provider
	mu   sync.Mutex
	left map[codeforge.AgentType][]scriptAnswer
}

// scriptAnswer is one answer: words, and calls of tools.
type scriptAnswer struct {
	Text  string       `json:"text,omitempty"`
	Calls []scriptCall `json:"calls,omitempty"`
}

type scriptCall struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// readScript reads DIR/TASK.json, lists of answers by agent; nil when there is none.
func readScript(dir, task string, next llm.Provider) (*script, error) {
	b, err := os.ReadFile(filepath.Join(dir, task+".json"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	s := &script{next: next}
	if err == nil {
		err = json.Unmarshal(b, &s.left)
	}
	if err != nil {
		return nil, fmt.Errorf("answers to %s: %w", task, err)
	}
	return s, nil
}

func (s *script) Name() string { return "script" }

// Generate is part of [llm.Provider].
func (s *script) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	left, written := s.left[req.Call.Agent]
	if !written {
		return s.next.Generate(ctx, req, sink)
	}
	answer := scriptAnswer{Text: "I have no more answers."}
	if len(left) > 0 {
		answer, s.left[req.Call.Agent] = left[0], left[1:]
	}
	resp := &llm.Response{Provider: "script", Model: "script", ServedModel: "script", Finish: llm.FinishStop}
	if answer.Text != "" {
		resp.Parts = append(resp.Parts, llm.Text(answer.Text))
	}
	resp.Usage.OutputTokens = int64(llm.EstimateText(answer.Text, llm.Scaffold))
	for i, c := range answer.Calls {
		resp.Finish = llm.FinishToolCalls
		resp.Parts = append(resp.Parts, llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: fmt.Sprintf("call_%d_%d", len(left), i), Name: c.Name, Arguments: c.Arguments}})
		resp.Usage.OutputTokens += int64(llm.EstimateText(string(c.Arguments), llm.Scaffold))
	}
	resp.Usage.InputTokens = int64(llm.Estimate(req, llm.Scaffold))
	return resp, nil
}
