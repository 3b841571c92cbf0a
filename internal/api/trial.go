package api

import (
	"cmp"
	"context"
	"errors"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

const (
	modelTrialWithin = 45 * time.Second // for a model to answer: clients give up after a minute
	modelTrialMost   = 2_048            // tokens: room for those that think before they say a word
)

type modelTrialRequest struct {
	Model string `json:"model" minLength:"1" maxLength:"300" doc:"provider:model, or an alias of one." example:"openai:gpt-5.6-luna"`
}

type testModelInput struct{ Body modelTrialRequest }

// modelTrial is what trying a model came to.
type modelTrial struct {
	Model        string  `json:"model" doc:"That was called: provider:model."`
	Answered     bool    `json:"answered"`
	Served       *string `json:"served" doc:"What its provider calls the model that answered; null: none did, or it is not said."`
	OwnKey       bool    `json:"own_key" doc:"It was called with an own key of the caller."`
	FirstTokenMS *int64  `json:"first_token_ms" doc:"Until the answer began; null: not known."`
	DurationMS   int64   `json:"duration_ms"`
	Cost         *int64  `json:"cost_micro_usd" doc:"In millionths of a dollar; null: nothing is known of it."`
	Estimated    bool    `json:"cost_estimated"`
	Reason       *string `json:"reason" doc:"Why it did not answer, in a word; null: it did." example:"rate_limit"`
	Message      string  `json:"message" doc:"What came of it, in words."`
	codeforge.Usage
}

type modelTrialOutput struct{ Body modelTrial }

// testModel asks one model for a word. What a model fails with is an answer like any other.
func (s *server) testModel(ctx context.Context, in *testModelInput) (*modelTrialOutput, error) {
	if s.Models == nil || s.Generate == nil {
		return nil, errNoModels
	}
	provider, id, _, err := s.Models().Catalog.Resolve(in.Body.Model)
	if err != nil {
		return nil, codeforge.InvalidField("model", "must be provider:model, as GET /v1/models lists them")
	}
	if id == "*" {
		return nil, codeforge.InvalidField("model", "must name one model: %s stands for all of its provider", in.Body.Model)
	}
	name := provider + ":" + id
	var last llm.Attempt
	req := &llm.Request{Model: name, System: "You are a part of a test. Answer in as few words as you can.", Messages: []llm.Message{llm.UserText("Say the word ready.")},
		MaxOutput: modelTrialMost, Effort: "none", Call: llm.Call{UserID: caller(ctx).ID, Agent: "test", Number: 1},
		Routing: llm.Routing{NoRetry: true, NoFallback: true, Observe: func(a llm.Attempt) { last = a }}}
	trial, cancel := context.WithTimeout(ctx, modelTrialWithin)
	defer cancel()
	began := time.Now()
	resp, err := s.Generate(trial, req, func(llm.Delta) {})
	out := modelTrial{Model: name, Answered: err == nil, OwnKey: last.Own, DurationMS: cmp.Or(last.Latency, time.Since(began)).Milliseconds(),
		FirstTokenMS: nonZero(last.FirstToken.Milliseconds()), Cost: last.Cost.Known(), Estimated: last.Cost.Estimated, Usage: last.Usage.Usage, Message: "The model answers"}
	if err == nil {
		out.Served = nonEmpty(resp.ServedModel)
		return &modelTrialOutput{out}, nil
	}
	e, ok := errors.AsType[*llm.Error](err)
	if !ok {
		return nil, err
	}
	out.Reason = new(string(e.Kind))
	out.Message = cmp.Or(e.Kind.Words(e.Own), "The model could not answer")
	switch {
	case e.Kind == llm.Auth && e.Status == 0:
		out.Message = "The model's provider has no key here: its operator can set one, or you keep your own under /v1/keys"
	case last.Skipped == "breaker open":
		out.Message = "The model failed too often and rests for a while"
	case last.Skipped == "paused":
		out.Message = "The model's provider asked to wait, which still holds"
	}
	return &modelTrialOutput{out}, nil
}

// Finding is what was seen of one part of the server.
type Finding struct {
	Part    string `json:"part" doc:"A name that does not change." example:"browser"`
	Title   string `json:"title" doc:"What was looked at."`
	State   string `json:"state" enum:"ok,warning,broken"`
	Message string `json:"message" doc:"What to do about it, or what is good to know."`
}

type diagnosis struct {
	Findings []Finding `json:"findings"`
}

type diagnosisOutput struct{ Body diagnosis }

var errNoDiagnosis = &codeforge.Error{Kind: codeforge.Unsupported, Message: "This server tells its operator alone, who runs codeforge doctor"}

func (s *server) diagnose(ctx context.Context, _ *struct{}) (*diagnosisOutput, error) {
	if s.Diagnose == nil {
		return nil, errNoDiagnosis
	}
	all, err := s.Diagnose(ctx)
	if err != nil {
		return nil, err
	}
	return &diagnosisOutput{diagnosis{append([]Finding{}, all...)}}, nil
}
