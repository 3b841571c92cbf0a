package api

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

type listCallsInput struct {
	JobPath
	CursorPage
}

// modelCall is an attempt at a call of a model, as it is sent.
type modelCall struct {
	ID         string    `json:"id" format:"uuid"`
	Call       int       `json:"call" doc:"Number of the call in its job, from 1. A call has one item for each attempt."`
	Stage      string    `json:"stage" doc:"The agent that asked; of a pipeline the one whose stage it was." example:"code"`
	Agent      string    `json:"agent" doc:"The agent of the job." example:"builder"`
	Provider   string    `json:"provider" example:"openai"`
	Model      string    `json:"model" doc:"Which was asked for."`
	Served     *string   `json:"served_model" doc:"Which answered, in the provider's words; null: none, or it does not say."`
	Attempt    int       `json:"attempt" doc:"Within the call, from 1, over all models."`
	Fallback   bool      `json:"fallback" doc:"Another model was asked than the one that the call went to first."`
	Cached     bool      `json:"cached" doc:"The provider had a part of the prompt in its cache: cached_read_tokens of the input tokens."`
	OwnKey     bool      `json:"own_key" doc:"With a key of the user's own, who paid."`
	Unknown    bool      `json:"usage_unknown" doc:"The provider did not say what it used."`
	Cost       *int64    `json:"cost_micro_usd" nullable:"true" doc:"In millionths of a dollar; null: nothing is known of it."`
	Estimated  bool      `json:"cost_estimated"`
	Error      *string   `json:"error_code" doc:"Which kind of failure it was; null: it answered." example:"rate_limit"`
	Status     *int      `json:"http_status" doc:"null: none is known."`
	Finish     *string   `json:"finish_reason" doc:"Why the answer ended; null: there was none."`
	StartedAt  time.Time `json:"started_at"`
	DurationMS int64     `json:"duration_ms"`
	FirstToken *int64    `json:"first_token_ms" doc:"After the start; null: the answer was not streamed, or nothing came."`
	codeforge.Usage
}

func callOf(m *codeforge.ModelCall, agent codeforge.AgentType) modelCall {
	out := modelCall{ID: m.ID, Call: m.Call, Stage: string(m.Agent), Agent: string(cmp.Or(agent, m.Agent)), Provider: m.Provider, Model: m.Model, Served: nonEmpty(m.Served),
		Attempt: m.Attempt, Fallback: m.Fallback, Cached: m.Usage.CachedReadTokens > 0, OwnKey: m.OwnKey, Unknown: m.Unknown,
		Cost: llm.KnownCost(m.Cost, m.Estimated), Estimated: m.Estimated, Error: nonEmpty(m.Error), Finish: nonEmpty(m.Finish),
		StartedAt: m.At, DurationMS: m.Took.Milliseconds(), Usage: m.Usage}
	if m.Status != 0 {
		out.Status = &m.Status
	}
	if m.FirstToken != 0 {
		out.FirstToken = new(m.FirstToken.Milliseconds())
	}
	return out
}

type callList struct {
	JobID string      `json:"job_id" format:"uuid" doc:"The job's own id, also when it was read through an alias."`
	Count int         `json:"count" doc:"How many are here."`
	Items []modelCall `json:"items" doc:"In the order in which they ended. Answers that a job got again, when it went on elsewhere, were not asked for again, and are not here twice."`
	NextPage
}

type listCallsOutput struct{ Body *callList }

func (s *server) listJobCalls(ctx context.Context, in *listCallsInput) (*listCallsOutput, error) {
	if s.Ledger == nil {
		return nil, errNoModels
	}
	calls, err := s.Ledger.JobCalls(ctx, caller(ctx), in.JobID, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &callList{calls.JobID, len(calls.Calls), make([]modelCall, len(calls.Calls)), nextPage(calls.Next)}
	for i := range calls.Calls {
		out.Items[i] = callOf(&calls.Calls[i], calls.Agent)
	}
	return &listCallsOutput{out}, nil
}

type getCallInput struct {
	JobPath
	Call int `path:"call" minimum:"1" doc:"Number of the call in its job, as the list has it."`
}

// callAnswer is what a model answered.
type callAnswer struct {
	JobID   string       `json:"job_id" format:"uuid" doc:"As it was asked for."`
	Call    int          `json:"call"`
	Model   string       `json:"model" doc:"Which answered, as provider:model; empty: it is not known."`
	Finish  *string      `json:"finish_reason" doc:"Why the answer ended; null: there was none."`
	Error   *string      `json:"error_code" doc:"Which kind of failure stands for an answer; null: there is one." example:"refusal"`
	Message string       `json:"refusal,omitempty" doc:"Why the model would not answer, in its own words."`
	Parts   []answerPart `json:"parts" doc:"In order."`
}

type answerPart struct {
	Kind string `json:"kind" enum:"text,reasoning,refusal,tool_call" doc:"What the model said, what it thought of that (as far as its provider shows it), or what it called."`
	Name string `json:"name,omitempty" doc:"Of a tool that was called."`
	Text string `json:"text" doc:"What was said; of a tool what it was called with. A model wrote it: show it as text."`
}

type getCallOutput struct{ Body *callAnswer }

func (s *server) getJobCall(ctx context.Context, in *getCallInput) (*getCallOutput, error) {
	if s.Ledger == nil {
		return nil, errNoModels
	}
	entry, err := s.Ledger.JobAnswer(ctx, caller(ctx), in.JobID, in.Call)
	if err != nil {
		return nil, err
	}
	resp, failed, err := llm.Answered(entry)
	if err != nil {
		return nil, fmt.Errorf("read the answer of a call: %w", err)
	}
	out := &callAnswer{JobID: in.JobID, Call: in.Call, Parts: []answerPart{}}
	if failed != nil {
		resp = failed.Partial
		out.Error, out.Message = nonEmpty(string(failed.Kind)), failed.Refusal
	}
	if resp == nil {
		return &getCallOutput{out}, nil
	}
	out.Model, out.Finish = resp.Provider+":"+resp.Model, nonEmpty(string(resp.Finish))
	for _, p := range resp.Parts {
		switch {
		case p.Call != nil:
			out.Parts = append(out.Parts, answerPart{Kind: string(llm.PartToolCall), Name: p.Call.Name, Text: string(p.Call.Arguments)})
		case p.Text != "":
			out.Parts = append(out.Parts, answerPart{Kind: string(p.Kind), Text: p.Text})
		}
	}
	return &getCallOutput{out}, nil
}
