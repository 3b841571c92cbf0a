package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// consultation is a conversation with a model that answers in a form, once or several times, and reads with tools before it does.
type consultation struct {
	r        *run
	stage    codeforge.AgentType
	first    *prompt  // its first message
	box      *toolbox // nil: it has no tools
	messages []llm.Message
}

// maxReadTurns is how many turns of reading come before an answer.
const maxReadTurns = 12

// consult asks for an answer in a form. more is what is said now: the first message, or one that goes on. What is wrong with an
// answer goes back to the model, all at once.
func consult[T interface{ Problems() []string }](ctx context.Context, c *consultation, f *form.Form[T], more *prompt, req llm.Request) (v T, err error) {
	if c.first == nil {
		c.first = more
	}
	if c.box != nil {
		c.box.restart()
	}
	k := &reader{caller: c.r.caller(c.stage, c.first), box: c.box, schema: f.JSON}
	k.shown.quiet = true
	req.Schema, req.Messages = f.Schema(), withPrompt(slices.Clip(c.messages), more)
	_, resp, err := llm.Structured(ctx, k, &req, k.reportDelta, func(raw []byte) error {
		if len(raw) > codeforge.MaxSpec {
			return fmt.Errorf("it is too long: at most %d bytes are taken", codeforge.MaxSpec)
		}
		var wrong []string
		if v, wrong = f.Read(raw); len(wrong) == 0 {
			wrong = v.Problems()
		}
		return complaint(wrong)
	})
	if err != nil {
		return *new(T), c.r.modelError(ctx, c.stage, err)
	}
	c.messages, c.box = append(k.messages, resp.Message()), k.box
	return v, nil
}

// ask is a consultation of one answer, without tools.
func ask[T interface{ Problems() []string }](ctx context.Context, r *run, stage codeforge.AgentType, f *form.Form[T], p *prompt, req llm.Request) (T, error) {
	return consult(ctx, &consultation{r: r, stage: stage}, f, p, req)
}

// reader is the model as [llm.Structured] meets it: a Provider that carries out the calls of tools before an answer. It keeps the
// whole conversation, of which the other side sees what is no call.
type reader struct {
	*caller
	box      *toolbox
	schema   json.RawMessage // of the answer
	messages []llm.Message
	taken    int // messages of the other side that it has
}

func (t *reader) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	t.messages = append(t.messages, req.Messages[t.taken:]...)
	t.taken = len(req.Messages)
	asked := len(t.messages)
	for turn := range maxReadTurns + 2 {
		one := *req
		one.Messages = slices.Clip(t.messages)
		if t.box != nil {
			one.Tools = t.box.defs()
		}
		resp, err := t.caller.Generate(ctx, &one, sink)
		if err != nil || t.box == nil {
			return resp, err
		}
		if !t.isAnswer(resp.Text()) {
			resp, _ = t.box.readSpokenCalls(resp, len(t.messages))
		}
		calls := resp.ToolCalls()
		if len(calls) == 0 {
			return resp, nil
		}
		if !slices.ContainsFunc(calls, func(call llm.ToolCall) bool { return t.box.tool(call.Name) != nil }) {
			// It calls what it was not given, and would again: without tools it has nothing to do but to answer.
			t.box, t.messages = nil, t.messages[:asked]
			continue
		}
		m, err := t.box.runCalls(ctx, calls)
		if err != nil {
			return nil, err
		}
		if turn == maxReadTurns-1 {
			m.Parts = append(m.Parts, llm.Text("Enough was read: answer now, in the form that was asked for."))
		}
		t.messages = append(t.messages, assistantMessage(resp), m)
	}
	return nil, failure(t.stage, errors.New("it called tools in each turn"), "The model did not answer within %d turns", maxReadTurns)
}

// isAnswer reports whether a text is an attempt at the answer, in which names of tools mean nothing.
func (t *reader) isAnswer(text string) bool {
	var asked struct{ Properties map[string]json.RawMessage }
	var said map[string]json.RawMessage
	fixed, ok := llm.Repair([]byte(text))
	if !ok || json.Unmarshal(fixed, &said) != nil || json.Unmarshal(t.schema, &asked) != nil {
		return false
	}
	for name := range said {
		if asked.Properties[name] != nil {
			return true
		}
	}
	return false
}
