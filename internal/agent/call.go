package agent

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

// usage is what a job's model calls consumed, and who answered them.
type usage struct {
	Model    string `json:"model"` // as served; several are joined with ", "
	Provider string `json:"provider"`
	codeforge.Usage
	Calls      int  `json:"calls"`
	Incomplete bool `json:"incomplete,omitempty"` // a provider did not say, or an answer broke off: the numbers are a lower bound
}

type usageEvent struct {
	Stage    codeforge.AgentType `json:"stage"`
	Provider string              `json:"provider"`
	Model    string              `json:"model"`
	llm.Usage
}

func (r *run) count(stage codeforge.AgentType, provider, model string, u llm.Usage) {
	addName(&r.used.Model, model)
	addName(&r.used.Provider, provider)
	r.used.Usage = r.used.Add(u.Usage)
	r.used.Calls++
	r.used.Incomplete = r.used.Incomplete || u.Missing || u.Partial
	r.report(-1, event(codeforge.EventUsage, usageEvent{stage, provider, model, u}))
}

func addName(names *string, name string) {
	if name == "" {
		return
	}
	for n := range strings.SplitSeq(*names, ", ") {
		if n == name {
			return
		}
	}
	if *names != "" {
		*names += ", "
	}
	*names += name
}

// manner is how an agent uses the model.
type manner struct {
	temperature float64
	effort      string
	maxOutput   int // tokens, thinking included
}

var manners = map[codeforge.AgentType]manner{
	codeforge.Research:  {0.7, "medium", 24_000},
	codeforge.Wireframe: {0.5, "medium", 32_000},
	codeforge.Code:      {0.2, "high", 64_000},
	codeforge.QA:        {0.7, "high", 32_000},
	codeforge.Pedagogy:  {0.8, "low", 16_000},
}

// maxPauses bounds how often one answer may be interrupted by its provider.
const maxPauses = 8

// generate makes one model call for a stage and returns the answer with the conversation as it is then. An answer that
// its provider paused is one more call each time, and comes back whole.
func (r *run) generate(ctx context.Context, stage codeforge.AgentType, req llm.Request) (*llm.Response, []llm.Message, error) {
	m := manners[stage]
	req.Temperature = new(m.temperature)
	req.Effort = cmp.Or(req.Effort, m.effort)
	req.MaxOutput = cmp.Or(req.MaxOutput, m.maxOutput)
	var parts []llm.Part
	for range maxPauses {
		if ctx.Err() != nil {
			return nil, nil, context.Cause(ctx)
		}
		r.calls++
		req.Call = llm.Call{JobID: r.task.Job.ID, ProjectID: r.task.Job.ProjectID, UserID: r.task.Job.UserID, Agent: stage, Number: r.calls}
		req.Routing.Observe = func(a llm.Attempt) { r.retried(stage, a) }
		d := deltas{run: r, stage: stage}
		sent := req
		resp, err := r.model.Generate(ctx, &sent, d.add)
		d.flush()
		if err != nil {
			if resp = usable(err); resp == nil || ctx.Err() != nil {
				return nil, nil, r.modelError(ctx, stage, err)
			}
		}
		r.count(stage, resp.Provider, cmp.Or(resp.ServedModel, resp.Model), resp.Usage)
		// A call that broke off is neither run nor sent back.
		said := slices.DeleteFunc(slices.Clone(resp.Parts), func(p llm.Part) bool { return p.Kind == llm.PartOpenCall })
		if len(said) > 0 {
			req.Messages = append(req.Messages[:len(req.Messages):len(req.Messages)], llm.Message{Role: llm.RoleAssistant, Parts: said})
		}
		parts = append(parts, said...)
		switch resp.Finish {
		case llm.FinishPause:
			continue
		case llm.FinishRefusal, llm.FinishContentFilter:
			return nil, nil, r.modelError(ctx, stage, &llm.Error{Provider: resp.Provider, Model: resp.Model, Kind: llm.Refusal, Finish: resp.Finish})
		case llm.FinishError:
			return nil, nil, r.modelError(ctx, stage, &llm.Error{Provider: resp.Provider, Model: resp.Model, Kind: llm.ServerError, Finish: resp.Finish, Retryable: true})
		}
		whole := *resp
		whole.Parts = parts
		return &whole, req.Messages, nil
	}
	return nil, nil, failure(stage, nil, "The model paused its answer too often")
}

// retried tells of an attempt that failed and is followed by another.
func (r *run) retried(stage codeforge.AgentType, a llm.Attempt) {
	if a.Next == llm.NextDone {
		return
	}
	r.report(-1, event(codeforge.EventRetry, map[string]any{"stage": stage, "provider": a.Provider, "model": a.Model,
		"reason": cmp.Or(modelWords[a.Kind], a.Skipped), "next": a.Next, "wait": a.Wait.Seconds()}))
}

// usable returns what came of an answer whose error is about its form alone: the model can be told to do better.
func usable(err error) *llm.Response {
	e, ok := errors.AsType[*llm.Error](err)
	if !ok || e.Kind != llm.TruncatedOutput && e.Kind != llm.MalformedOutput {
		return nil
	}
	resp := llm.Response{Usage: llm.Usage{Missing: true}}
	if e.Partial != nil {
		resp = *e.Partial
	}
	resp.Finish = llm.FinishStop
	if e.Kind == llm.TruncatedOutput {
		resp.Finish = llm.FinishLength
	}
	if e.Usage != nil {
		resp.Usage = *e.Usage
	}
	resp.Provider, resp.Model = cmp.Or(resp.Provider, e.Provider), cmp.Or(resp.Model, e.Model)
	return &resp
}

// words for the client, by what went wrong; the provider's own text stays in the cause.
var modelWords = map[llm.ErrorKind]string{
	llm.InvalidRequest:    "The model's provider refused the request",
	llm.Auth:              "The model's provider does not accept the configured key",
	llm.Permission:        "The configured key may not use the model",
	llm.ModelNotFound:     "The configured model does not exist",
	llm.ContextLength:     "The project is too large for the model to read at once",
	llm.RequestTooLarge:   "The project is too large to be sent to the model",
	llm.RateLimit:         "The model's provider asks to slow down",
	llm.QuotaExhausted:    "The quota at the model's provider is used up",
	llm.Timeout:           "The model did not answer in time",
	llm.ServerError:       "The model's provider had an internal error",
	llm.Overloaded:        "The model's provider is overloaded",
	llm.ContentFilter:     "The model's provider filtered the answer",
	llm.Refusal:           "The model declined to do this",
	llm.EmptyResponse:     "The model gave an empty answer",
	llm.TruncatedOutput:   "The model's answer was cut off",
	llm.MalformedOutput:   "The model's answer had the wrong form",
	llm.MalformedResponse: "The answer of the model's provider could not be read",
	llm.StreamInterrupted: "The connection to the model's provider broke off",
	llm.Cancelled:         "The call of the model was cancelled",
	llm.BudgetExceeded:    "The budget for model calls is used up",
}

// modelError is what a failed call means to the job. The end of the context has the word; an error that already speaks
// the language of the domain (a budget, a closed breaker) passes.
func (r *run) modelError(ctx context.Context, stage codeforge.AgentType, err error) error {
	e, isModel := errors.AsType[*llm.Error](err)
	if isModel && e.Usage != nil {
		r.count(stage, e.Provider, e.Model, *e.Usage)
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		return e
	}
	if !isModel {
		return failure(stage, err, "The model could not be called")
	}
	f := failure(stage, err, "%s", cmp.Or(modelWords[e.Kind], "The model could not answer"))
	f.Details["reason"] = string(e.Kind)
	f.Retryable, f.RetryAfter = e.Retryable, e.RetryAfter
	return f
}

// deltas passes the text of an answer on as it comes, in pieces of about deltaBytes or deltaEvery, whichever is first.
// It has no timer: a piece waits for the next one or for the end of the answer.
type deltas struct {
	run   *run
	stage codeforge.AgentType
	text  strings.Builder
	since time.Time
}

const (
	deltaBytes = 400
	deltaEvery = 100 * time.Millisecond
)

func (d *deltas) add(p llm.Delta) {
	if p.Kind == llm.DeltaRestart {
		d.text.Reset()
		d.run.restart(d.stage, p.Text)
	}
	if p.Kind != llm.DeltaText || p.Text == "" {
		return
	}
	if d.text.Len() == 0 {
		d.since = time.Now()
	}
	d.text.WriteString(p.Text)
	if d.text.Len() >= deltaBytes || time.Since(d.since) >= deltaEvery {
		d.flush()
	}
}

func (d *deltas) flush() {
	if d.text.Len() == 0 {
		return
	}
	d.run.report(-1, event(codeforge.EventDelta, map[string]string{"stage": string(d.stage), "text": d.text.String()}))
	d.text.Reset()
}

// restart tells viewers that what they were shown of the stage's present answer is void.
func (r *run) restart(stage codeforge.AgentType, why string) {
	r.report(-1, event(codeforge.EventRestart, map[string]string{"stage": string(stage), "reason": why}))
}

// maxCorrections is how often an answer that breaks its form goes back to the model.
const maxCorrections = 2

// ask has the model answer in a form. What is wrong with an answer goes back to it, all at once.
func ask[T interface{ problems() []string }](ctx context.Context, r *run, stage codeforge.AgentType, f *form[T], req llm.Request) (T, error) {
	req.Schema = f.llm()
	var zero T
	var wrong []string
	for round := range maxCorrections + 1 {
		if round > 0 {
			p := new(prompt)
			p.say("Your answer cannot be used:")
			for _, w := range wrong[:min(len(wrong), 40)] {
				p.say("- %s", w)
			}
			p.say("Give the whole answer again as one JSON object with all of this mended.")
			req.Messages = append(req.Messages, llm.UserText(p.String()))
			r.restart(stage, "the answer had the wrong form ("+plural(len(wrong), "problem")+")")
		}
		resp, messages, err := r.generate(ctx, stage, req)
		if err != nil {
			return zero, err
		}
		req.Messages = messages
		text := jsonText(resp.Text())
		switch {
		case len(text) > codeforge.MaxSpec:
			wrong = []string{"it is too long: at most 200000 bytes are taken"}
		case resp.Finish == llm.FinishLength:
			wrong = []string{"it was cut off at the output limit: be more concise"}
		case len(text) == 0:
			wrong = []string{"it holds no JSON object"}
		default:
			v, problems := f.read(text)
			if len(problems) == 0 {
				problems = v.problems()
			}
			if len(problems) == 0 {
				return v, nil
			}
			wrong = problems
		}
	}
	e := failure(stage, errors.New(clip(strings.Join(wrong, "; "), 1_000)), "The model's answer did not have the required form after %d corrections", maxCorrections)
	e.Details["reason"] = string(llm.MalformedOutput)
	return zero, e
}

// jsonText takes the object out of an answer that has a fence or words around it.
func jsonText(s string) []byte {
	b := []byte(s)
	from, to := bytes.IndexByte(b, '{'), bytes.LastIndexByte(b, '}')
	if from < 0 || to < from {
		return nil
	}
	return b[from : to+1]
}
