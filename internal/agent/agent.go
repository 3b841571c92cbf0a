// Package agent does the work of jobs: agents that research an idea, lay it out, write its code, review it and teach
// it, and the pipeline over them. An agent reads a [codeforge.Task], talks to a model, and returns a
// [codeforge.Outcome]; it knows neither how jobs are stored nor who watches.
//
// Nothing that a model answers is trusted: answers are checked against schemas, paths and sizes against the rules of
// the domain, and code is verified before it becomes a change of the project.
//
// Given the same task and the same answers of the model, every request of a job is the same, byte for byte: no clock,
// no map's order and no chance goes into a prompt. That is what lets a journal of answers replay a job.
package agent

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/evidence"
	"codeforge/internal/llm"
	"codeforge/internal/verify"
)

// Options are what agents work with.
type Options struct {
	Model        llm.Provider
	Check        Check
	Smoke        Smoke                                    // nil: nothing is run
	Available    func(context.Context) evidence.Available // nil: nothing beside checks
	Journal      llm.Journal                              // keeps the project as a job first saw it, and what checks said; nil: nothing is kept
	ReviewRounds int                                      // reviews in one pipeline; 0: 2
	// Patterns finds architectures that worked elsewhere and are near to what a job is about; nil: nobody is told of any.
	Patterns func(ctx context.Context, task *codeforge.Task, wish string) []codeforge.Pattern
}

// Check takes a tree of a user up the rungs that run nothing of it. Its error says nothing of the tree.
type Check func(ctx context.Context, user string, t verify.Tree) (verify.Report, error)

// Smoke opens what a tree is built to in a browser and uses it. blob reads what the tree knows by hash alone. Its error says nothing of the tree.
type Smoke func(ctx context.Context, user string, t verify.Tree, blob func(ctx context.Context, hash string) ([]byte, error)) (evidence.Run, error)

// Agents runs jobs of every type. It holds no state of a job and is safe for concurrent use.
type Agents struct {
	model        llm.Provider
	checks       Check
	smoke        Smoke
	available    func(context.Context) evidence.Available
	journal      llm.Journal
	reviewRounds int
	patterns     func(context.Context, *codeforge.Task, string) []codeforge.Pattern
}

// New returns the agents.
func New(o Options) *Agents {
	return &Agents{o.Model, o.Check, o.Smoke, o.Available, o.Journal, cmp.Or(max(o.ReviewRounds, 0), 2), o.Patterns}
}

// Run does one job until its end or until it has to ask the user. It returns when ctx ends, with the context's cause.
//
// Any other error is a [codeforge.Error]: of kind AgentFailed, with the agent in its details, when the model or its
// work failed, External for trouble of a provider, RateLimited for a budget of a day or month that is used up, Invalid for a task that no agent can do. With an error the Outcome is empty, but for a Result that holds
// what the job had made by then, if anything, and what the model said in place of doing it: both were paid for.
func (a *Agents) Run(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
	if task.Job.Agent == codeforge.Noop {
		return doNothing(ctx, task)
	}
	first, err := a.fixProject(ctx, task)
	if err != nil {
		return codeforge.Outcome{}, err
	}
	r := newRun(a, task)
	r.rungs, r.patterns = first.Rungs, first.Patterns
	do := runs[task.Job.Agent]
	if do == nil {
		return codeforge.Outcome{}, codeforge.InvalidField("agent_type", "no such agent")
	}
	ctx, r.abort = context.WithCancelCause(ctx)
	defer r.abort(nil)
	r.report(10)
	r.pictures = r.wishPictures(ctx)
	out, err := do(r, ctx)
	if err == nil && ctx.Err() == nil {
		return out, nil
	}
	if clash, ok := errors.AsType[*conflictError](err); ok && ctx.Err() == nil {
		return r.askPeople(clash), nil
	}
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	left := codeforge.Outcome{Result: r.partial()}
	if r.says != "" {
		left.Chat = r.chat(r.says)
	}
	r.endedBadly(&left)
	return left, err
}

// doNothing is the agent of measurements. It reports as many events as its input says, so far apart, each with the time at which it did.
func doNothing(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
	var in struct {
		Events  int     `json:"events"`
		EveryMS float64 `json:"every_ms"`
	}
	if err := json.Unmarshal(task.Job.Input, &in); err != nil {
		return codeforge.Outcome{}, codeforge.InvalidField("input_context", "events and every_ms must be numbers")
	}
	for n := range in.Events {
		select {
		case <-time.After(time.Duration(in.EveryMS * float64(time.Millisecond))):
		case <-ctx.Done():
			return codeforge.Outcome{}, context.Cause(ctx)
		}
		task.Report(0, codeforge.Event{Type: codeforge.EventStage, Data: fmt.Appendf(nil, `{"n":%d,"sent":%d}`, n, time.Now().UnixNano())})
	}
	return codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100, Result: json.RawMessage("{}")}, nil
}

// run is one job in the making.
type run struct {
	*Agents
	task     *codeforge.Task
	abort    context.CancelCauseFunc // ends the run
	in       input
	project  codeforge.Project // with the specifications that this job made or was given
	tree     *tree
	coder    *coder // its conversation goes on through the rounds
	answers  []form.Reply
	asked    bool
	calls    int        // steps that asked the model
	pictures []llm.Part // that the wish shows
	used     usageTotals
	made     partialDoc
	keep     keeper
	moves    map[string]string // where files were when the job began, by the paths that it gave them
	wrote    bool              // a pipeline: code of its own, or repairs that are all that it did
	says     string            // by the model, in words alone, before the job failed

	progress, told float64           // where the job is, and the last that was reported
	stageEnd       float64           // what progress runs up to in the stage
	seen           map[string]string // the working tree as viewers saw it last

	findings     int                          // names that reviews have given to them
	guardEvents  map[codeforge.GuardData]bool // that were told
	instructed   map[*tree][]diagnostic
	deletionTold bool

	before, ranBefore *baseline // what was wrong before the job began; nil: not looked at yet
	looked            looked    // at the tree
	lock              []byte    // which packages it was last resolved to; nil: not known
	rungs             evidence.Available
	patterns          []codeforge.Pattern // that the job was given
}

func newRun(a *Agents, task *codeforge.Task) *run {
	r := &run{Agents: a, task: task, in: readInput(task.Job.Input), project: task.Project, tree: newTree(task.Files), moves: map[string]string{}}
	r.seen, r.lock = maps.Clone(r.tree.base), task.Lock
	r.answers, r.asked = answers(r.in, task.Job.Clarification)
	if r.asked {
		r.calls = 1 // the question was the job's first call
	}
	if d := r.in.document("requirements"); d != nil {
		r.project.Requirements = d
	}
	if d := r.in.document("architecture"); d != nil {
		r.project.Architecture = d
	}
	r.keep = newKeeper(r)
	return r
}

func (r *run) log(format string, args ...any) {
	r.report(-1, event(codeforge.EventLog, codeforge.LogData{Message: fmt.Sprintf(format, args...)}))
}

// stage tells of the beginning of a stage and, when do returns without an error, of its end.
func (r *run) stage(ctx context.Context, s codeforge.AgentType, round int, do func(context.Context) error) (err error) {
	ctx, span := codeforge.StartSpan(ctx, codeforge.WorkStage, string(s))
	span.SetInt("codeforge.stage.round", int64(round))
	defer func() { span.End(err) }()
	r.made.Stage, r.stageEnd = s, r.endOfStage(s, round)
	r.reportTree()
	r.report(-1, event(codeforge.EventStage, codeforge.StageData{Stage: s, Status: "started", Title: s.Agent().Title, Round: round}))
	if err := do(ctx); err != nil {
		return err
	}
	r.reportTree()
	r.report(-1, event(codeforge.EventStage, codeforge.StageData{Stage: s, Status: "completed", Title: s.Agent().Title, Round: round}))
	return nil
}

// completed is the outcome of a job that did its work. result is an object without a key usage.
func (r *run) completed(result any, says string) codeforge.Outcome {
	if r.keep.proposed {
		return r.awaitReview(form.Marshal(result), says)
	}
	return codeforge.Outcome{
		Status: codeforge.JobCompleted, Progress: 100, Result: r.result(result), Chat: r.chat(says),
	}
}

// chat is a line of the conversation.
func (r *run) chat(says string) []codeforge.Message {
	return []codeforge.Message{{Role: "assistant", Content: codeforge.Plain(says),
		Metadata: form.Marshal(map[string]string{"agent_type": string(r.task.Job.Agent), "job_id": r.task.Job.ID})}}
}

// result adds to an object what the job used, so that a result says who made it.
func (r *run) result(v any) json.RawMessage {
	raw := form.Marshal(v)
	sep := ","
	if len(raw) == 2 {
		sep = ""
	}
	return json.RawMessage(fmt.Sprintf(`%s%s"usage":%s}`, raw[:len(raw)-1], sep, form.Marshal(r.used)))
}

// failure is an error of an agent, in words for the client.
func failure(stage codeforge.AgentType, cause error, format string, args ...any) *codeforge.Error {
	return &codeforge.Error{Kind: codeforge.AgentFailed, Message: fmt.Sprintf(format, args...),
		Details: map[string]any{"agent": string(stage)}, Cause: cause}
}

// about is what a prompt's files are chosen by: the user's words, and the paths that the work is about.
func (r *run) about(words string, paths ...string) string {
	return strings.Join(append([]string{words, r.in.text("file_path")}, paths...), "\n")
}
