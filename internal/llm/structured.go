package llm

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxRounds is how often a model is told what is wrong with its answer.
const maxRounds = 2

// maxComplaint bounds, in bytes, what a model is told.
const maxComplaint = 2_000

// Structured asks for JSON that fits req.Schema, without tools, and that validate takes. It climbs down a ladder: the provider's own
// structured output; [Repair] of what is no JSON (but not of an answer that its length cut off inside a value); at most two rounds in which the model is told what is wrong;
// then an *[Error] of kind malformed_output with the last answer as its Partial. Where the provider refuses the request with
// a schema, the schema is asked for in words instead, once. validate's errors are shown to the model: they should say
// where and what, and hold nothing secret.
//
// The response is the last round's; its Usage and Cost, and the error's Usage, are those of all rounds. A sink gets a
// restart before each further round. With a journal each round is an entry of its own.
func Structured(ctx context.Context, p Provider, req *Request, sink func(Delta), validate func([]byte) error) (json.RawMessage, *Response, error) {
	if req.Schema == nil || len(req.Tools) > 0 {
		return nil, nil, &Error{Provider: p.Name(), Model: req.Model, Kind: InvalidRequest, Message: "a schema is required, and no tools"}
	}
	ask := *req
	var total Usage
	var cost Cost
	shown := false
	watch := sink
	if sink != nil {
		watch = func(d Delta) { shown = true; sink(d) }
	}
	for round := 0; ; {
		resp, err := p.Generate(ctx, &ask, watch)
		e, typed := errors.AsType[*Error](err)
		switch {
		case err == nil:
		case ask.Schema != nil && round == 0 && (typed && e.Kind == InvalidRequest || errors.Is(err, ErrNotJournaled)):
			// A refusal is not in the journal: a replay finds what was asked after it.
			ask = inWords(ask)
			continue
		case typed && (e.Kind == MalformedOutput || e.Kind == TruncatedOutput):
			resp = &Response{Provider: e.Provider, Model: e.Model, Finish: e.Finish}
			if e.Partial != nil {
				*resp = *e.Partial
			}
			if e.Usage != nil {
				resp.Usage = *e.Usage
			}
		default:
			if typed && round > 0 {
				sum := total
				if e.Usage != nil {
					sum = sum.add(*e.Usage)
				}
				copied := *e
				copied.Usage = &sum
				return nil, nil, &copied
			}
			return nil, nil, err
		}
		total, cost = total.add(resp.Usage), cost.Add(resp.Cost)
		out := *resp
		out.Usage, out.Cost = total, cost
		text := resp.Text()
		fixed, cut, ok := repair([]byte(text))
		var wrong error
		switch {
		case text == "":
			wrong = errors.New("the answer is empty")
		case cut && (resp.Finish == FinishLength || typed && e.Kind == TruncatedOutput):
			// Closed, it might fit and still lack half of what it was to say.
			wrong = errors.New("the answer was cut off: it must be shorter")
		case !ok:
			wrong = errors.New("the answer is not JSON")
		default:
			if wrong = validate(fixed); wrong == nil {
				return fixed, &out, nil
			}
		}
		if round++; round > maxRounds || ctx.Err() != nil {
			return nil, nil, &Error{Provider: resp.Provider, Model: resp.Model, Kind: MalformedOutput, Finish: resp.Finish,
				Message: cutText(fmt.Sprintf("no fitting JSON after %d answers: %v", round, wrong), maxComplaint), Fallback: true, Usage: &total,
				Partial: &out, Cause: err}
		}
		ask.Messages = slices.Clone(ask.Messages)
		if text != "" {
			// A call that nobody asked for would want a result.
			said := resp.Message()
			said.Parts = slices.DeleteFunc(slices.Clone(said.Parts), func(p Part) bool { return p.Kind == PartToolCall || p.Kind == PartOpenCall })
			ask.Messages = append(ask.Messages, said)
		}
		ask.Messages = append(ask.Messages, UserText("That answer cannot be used:\n"+cutText(wrong.Error(), maxComplaint)+
			"\nAnswer again with the whole corrected JSON and nothing else."))
		if shown {
			sink(Delta{Kind: DeltaRestart, Text: resp.Provider + ":" + resp.Model})
			shown = false
		}
	}
}

// inWords returns a request whose schema is asked for in its system text.
func inWords(req Request) Request {
	words := "Answer with one JSON value that fits this JSON Schema, without any other text:\n" + string(req.Schema.JSON)
	req.System = strings.TrimSpace(req.System + "\n\n" + words)
	req.Schema = nil
	return req
}

// add returns the sum of both; what is unknown in either is unknown in the sum.
func (u Usage) add(o Usage) Usage {
	return Usage{u.Usage.Add(o.Usage), u.Missing || o.Missing, u.Partial || o.Partial}
}

// cutText cuts s to at most n bytes of valid UTF-8.
func cutText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	return strings.ToValidUTF8(s[:n-4], "") + " ..."
}
