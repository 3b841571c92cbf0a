package agent

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

// usageTotals is what a job's model calls consumed, and who answered them.
type usageTotals struct {
	Model    string `json:"model"` // as served; several are joined with ", "
	Provider string `json:"provider"`
	codeforge.Usage
	Calls      int  `json:"calls"`
	Incomplete bool `json:"incomplete,omitempty"` // a provider did not say, or an answer broke off: the numbers are a lower bound
}

// count adds an answer to what the job used. Only what the journal keeps may be counted, and nothing of when and how: the
// result of a job that is replayed is the same, byte for byte.
func (u *usageTotals) count(provider, model string, add llm.Usage) {
	addName(&u.Model, model)
	addName(&u.Provider, provider)
	u.Usage = u.Add(add.Usage)
	u.Calls++
	u.Incomplete = u.Incomplete || add.Missing || add.Partial
}

// addLost adds what was paid for and tried again.
func (u *usageTotals) addLost(l llm.Lost) {
	u.Usage = u.Add(l.Usage.Usage)
	u.Calls += l.Calls
	u.Incomplete = u.Incomplete || l.Missing || l.Partial
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

// roomAgain is when a job asks again whose budget was held by others.
const roomAgain = 10 * time.Second

// maxPauses bounds how often one answer may be interrupted by its provider.
const maxPauses = 5

// caller is the model as one step of an agent's work meets it: a Provider that brings an answer which its provider
// paused to its end, counts what was used and tells viewers of it.
//
// All requests of one step have one number; further rounds and pauses differ in what they send.
type caller struct {
	r       *run
	stage   codeforge.AgentType
	number  int
	prompt  *prompt // the first message of every request
	shown   deltas
	calling bool         // a call is under way
	attempt *llm.Attempt // the newest of it, if somebody tells
}

func (r *run) caller(stage codeforge.AgentType, p *prompt) *caller {
	r.calls++
	return &caller{r: r, stage: stage, number: r.calls, prompt: p, shown: deltas{run: r, stage: stage}}
}

func (c *caller) Name() string { return c.r.model.Name() }

// Generate is part of [llm.Provider]. A refusal is an error, however the provider told of it.
func (c *caller) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	job := c.r.task.Job
	ask := *req
	ask.MaxOutput = cmp.Or(req.MaxOutput, c.stage.Agent().MaxOutput)
	ask.Call = llm.Call{JobID: job.ID, ProjectID: job.ProjectID, UserID: job.UserID, Agent: c.stage, Number: c.number}
	ask.Routing.Observe = c.observe
	var whole llm.Response
	for pauses := 0; ; pauses++ {
		resp, err := c.callOnce(ctx, ask, sink)
		if err != nil {
			return nil, withPartsBefore(whole.Parts, err)
		}
		parts, used := append(whole.Parts, resp.Parts...), sumUsage(whole.Usage, resp.Usage)
		cost := whole.Cost.Add(resp.Cost)
		whole = *resp
		whole.Parts, whole.Usage, whole.Cost = parts, used, cost
		// What asks for tools of ours is not paused by anything but us.
		if resp.Finish != llm.FinishPause || len(resp.ToolCalls()) > 0 {
			return &whole, nil
		}
		if len(resp.Parts) == 0 || pauses == maxPauses {
			return nil, failure(c.stage, nil, "The model paused its answer too often")
		}
		ask.Messages = append(slices.Clone(req.Messages), whole.Message())
	}
}

// callOnce makes one call.
func (c *caller) callOnce(ctx context.Context, ask llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	sent := ask
	sent.Routing.Shrink = func(limit int) *llm.Request { return shrinkRequest(&ask, c.prompt, limit) }
	c.calling, c.attempt = true, nil
	start := time.Now()
	resp, err := c.r.model.Generate(ctx, &sent, sink)
	took := time.Since(start)
	c.calling = false
	c.shown.flush()
	if err != nil {
		e, ok := errors.AsType[*llm.Error](err)
		if ok {
			c.r.used.addLost(e.Lost)
		}
		if ok && e.Usage != nil {
			if answered(e.Kind) {
				c.r.used.count(e.Provider, e.Model, *e.Usage)
			}
			if c.attempt == nil { // it came from the journal, or nobody tells of attempts
				c.r.report(-1, event(codeforge.EventUsage, usageData(c.stage, e.Provider, e.Model, *e.Usage)))
			}
		}
		return nil, err
	}
	e := usageData(c.stage, resp.Provider, cmp.Or(resp.ServedModel, resp.Model), resp.Usage)
	e.CostMicroUSD, e.Estimated, e.Replayed = resp.Cost.Known(), resp.Cost.Estimated, resp.Replayed
	switch {
	case resp.Replayed:
	case c.attempt != nil:
		e.OwnKey = c.attempt.Own
		e.LatencyMS, e.FirstTokenMS = c.attempt.Latency.Milliseconds(), c.attempt.FirstToken.Milliseconds()
	default:
		e.LatencyMS = took.Milliseconds()
	}
	c.r.used.count(e.Provider, e.Model, resp.Usage)
	c.r.used.addLost(resp.Lost)
	c.r.report(-1, event(codeforge.EventUsage, e))
	c.r.advance(byAnswer)
	switch resp.Finish {
	case llm.FinishRefusal, llm.FinishContentFilter:
		return nil, &llm.Error{Provider: resp.Provider, Model: resp.Model, Kind: llm.Refusal, Finish: resp.Finish}
	case llm.FinishError:
		return nil, &llm.Error{Provider: resp.Provider, Model: resp.Model, Kind: llm.ServerError, Finish: resp.Finish, Retryable: true}
	}
	return resp, nil
}

// usageData is what an answer of a model took.
func usageData(stage codeforge.AgentType, provider, model string, u llm.Usage) codeforge.UsageData {
	return codeforge.UsageData{Stage: stage, Provider: provider, Model: model, Usage: u.Usage, Missing: u.Missing, Partial: u.Partial}
}

// withPartsBefore adds to an error what an answer held before its provider paused it.
func withPartsBefore(parts []llm.Part, err error) error {
	e, ok := errors.AsType[*llm.Error](err)
	if !ok || len(parts) == 0 {
		return err
	}
	whole, partial := *e, llm.Response{Provider: e.Provider, Model: e.Model}
	if e.Partial != nil {
		partial = *e.Partial
	}
	partial.Parts = append(slices.Clone(parts), partial.Parts...)
	whole.Partial = &partial
	return &whole
}

func sumUsage(a, b llm.Usage) llm.Usage {
	return llm.Usage{Usage: a.Add(b.Usage), Missing: a.Missing || b.Missing, Partial: a.Partial || b.Partial}
}

// answered reports whether an error is an answer in disguise, which a journal keeps.
func answered(k llm.ErrorKind) bool {
	switch k {
	case llm.Refusal, llm.ContentFilter, llm.TruncatedOutput, llm.MalformedOutput:
		return true
	}
	return false
}

// observe tells of an attempt that failed or was skipped. The one that answers is told of with its answer.
func (c *caller) observe(a llm.Attempt) {
	c.attempt = &a
	if a.Err == nil && a.Skipped == "" {
		return
	}
	reason := cmp.Or(a.Kind.Words(a.Own), a.Skipped)
	if over, ok := errors.AsType[*llm.BudgetError](a.Err); ok && over.Passing() {
		reason = "The budget for model calls is held by calls that run now"
	}
	c.r.report(-1, event(codeforge.EventRetry, codeforge.CallRetryData{Stage: c.stage, Provider: a.Provider, Model: a.Model, Kind: string(a.Kind), Status: a.Status,
		WaitMS: a.Wait.Milliseconds(), Next: string(a.Next), Attempt: a.Number, Skipped: a.Skipped,
		Reason: reason, CostMicroUSD: a.Cost.MicroUSD, OwnKey: a.Own}))
}

// reportDelta passes pieces of answers on to viewers.
func (c *caller) reportDelta(d llm.Delta) {
	if d.Kind != llm.DeltaRestart {
		c.shown.add(d)
		return
	}
	c.shown.flush()
	reason := "The model's answer had the wrong form"
	if c.calling {
		reason = "The model thought aloud before its answer"
		if c.attempt != nil {
			reason = cmp.Or(c.attempt.Kind.Words(c.attempt.Own), reason)
		}
	}
	c.r.report(-1, event(codeforge.EventRestart, codeforge.RestartData{Stage: c.stage, Model: d.Text, Reason: reason}))
}

// partialResponse returns what came of an answer whose error is about its form alone: the model can be told to do better.
func partialResponse(err error) *llm.Response {
	e, ok := errors.AsType[*llm.Error](err)
	if !ok || e.Kind != llm.TruncatedOutput && e.Kind != llm.MalformedOutput {
		return nil
	}
	resp := new(llm.Response)
	if e.Partial != nil {
		*resp = *e.Partial
	}
	resp.Finish = llm.FinishStop
	if e.Kind == llm.TruncatedOutput {
		resp.Finish = llm.FinishLength
	}
	return resp
}

// assistantMessage is an answer as the assistant's turn of the conversation: as it came, but for what broke off. A call that did must
// not be sent back, nor a thought that leads to nothing. No parts: there is nothing to send.
func assistantMessage(resp *llm.Response) llm.Message {
	m := resp.Message()
	open := func(p llm.Part) bool { return p.Kind == llm.PartOpenCall }
	if resp.Finish != llm.FinishLength && !slices.ContainsFunc(m.Parts, open) {
		return m
	}
	m.Parts = slices.DeleteFunc(slices.Clone(m.Parts), open)
	for n := len(m.Parts); n > 0 && m.Parts[n-1].Kind == llm.PartReasoning; n-- {
		m.Parts = m.Parts[:n-1]
	}
	return m
}

// modelError is what a failed call means to the job. The end of the context has the word; an error that already speaks
// the language of the domain passes.
func (r *run) modelError(ctx context.Context, stage codeforge.AgentType, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		return e
	}
	e, ok := errors.AsType[*llm.Error](err)
	if !ok {
		return failure(stage, err, "The model could not be called")
	}
	f := failure(stage, err, "%s", cmp.Or(e.Kind.Words(e.Own), "The model could not answer"))
	f.Details["reason"] = string(e.Kind)
	f.Retryable, f.RetryAfter = e.Retryable, e.RetryAfter
	if ofProvider(e.Kind) {
		f.Kind, f.Details["service"] = codeforge.External, cmp.Or(e.Provider, "model")
	}
	if over, ok := errors.AsType[*llm.BudgetError](err); ok {
		budget := fmt.Sprintf("The budget of %s for %s", dollars(over.Limit), cmp.Or(budgetOf[over.Scope], string(over.Scope)))
		f.Message = budget + " does not allow another model call"
		f.Details["scope"], f.Details["limit_micro_usd"], f.Details["spent_micro_usd"] = string(over.Scope), over.Limit, over.Spent
		f.Retryable = false
		if over.Scope != llm.BudgetJob {
			f.Kind, f.RetryAfter = codeforge.RateLimited, untilNextPeriod(over.Scope, time.Now())
		}
		if over.Passing() {
			f.Message = budget + " is held by calls that run now: the job goes back to the queue until some of them have ended"
			f.Retryable, f.Waits, f.RetryAfter = true, true, roomAgain
		}
	}
	return f
}

// ofProvider reports whether an error is trouble of a provider, or with how it was set up: neither the agent nor the project is at fault.
func ofProvider(k llm.ErrorKind) bool {
	switch k {
	case llm.Auth, llm.Permission, llm.ModelNotFound, llm.RateLimit, llm.QuotaExhausted, llm.Timeout, llm.ServerError, llm.Overloaded,
		llm.MalformedResponse, llm.StreamInterrupted:
		return true
	}
	return false
}

// untilNextPeriod is how long a budget of a day or a month is used up: both are UTC's.
func untilNextPeriod(scope llm.BudgetScope, now time.Time) time.Duration {
	year, month, day := now.UTC().Date()
	if scope == llm.BudgetProjectMonth || scope == llm.BudgetUserMonth {
		month, day = month+1, 0
	}
	return time.Date(year, month, day+1, 0, 0, 0, 0, time.UTC).Sub(now)
}

var budgetOf = map[llm.BudgetScope]string{
	llm.BudgetJob:          "this job",
	llm.BudgetProjectDay:   "this project and day",
	llm.BudgetProjectMonth: "this project and month",
	llm.BudgetUserDay:      "this user and day",
	llm.BudgetUserMonth:    "this user and month",
}

// dollars writes micro-dollars with two to six decimals.
func dollars(micro int64) string {
	s := fmt.Sprintf("$%d.%06d", micro/1_000_000, micro%1_000_000)
	point := strings.IndexByte(s, '.')
	return s[:point+3] + strings.TrimRight(s[point+3:], "0")
}

// maxComplaint bounds, in bytes, what a model is told about one answer.
const maxComplaint = 1_900

// complaint is one error of all that is wrong; nil when nothing is.
func complaint(wrong []string) error {
	var b strings.Builder
	for i, w := range wrong {
		if line := "- " + w + "\n"; b.Len()+len(line) <= maxComplaint {
			b.WriteString(line)
			continue
		}
		fmt.Fprintf(&b, "- and %d more", len(wrong)-i)
		break
	}
	if b.Len() == 0 {
		return nil
	}
	return errors.New(strings.TrimSuffix(b.String(), "\n"))
}
