// Package offline is the model that is built in: it answers without any network, key or cost, from templates and a
// list of words, and never pretends to be more. The same request always gets the same answer.
//
// It is stateless like any model: what it does follows from the request's schema, tools and messages alone. A schema
// gets a document (requirements, architecture, questions, review, lesson), tools get a coder that writes a small working
// web app and changes it later, and anything else gets a short text.
//
// User messages hold sections between lines <name> and </name>; see [conversation]. The JSON of the section context may
// have a key "scaffold" with words that make it misbehave for tests and demos, each for all agents or, as in "fail:code",
// for one:
//
//	ask           research asks questions until there are answers
//	fail          a server error that may pass
//	fail_auth     a refused key
//	refuse        a refusal
//	stall         one delta, then nothing until the context ends
//	slow          20 ms before each delta
//	broken        one file that does not parse, and stays so
//	broken_once   the same, repaired when diagnostics come back
//	qa_fail_once  the first review finds one thing of severity high
package offline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/llm"
)

// Name is both the provider's and its only model's.
const Name = "scaffold"

// Provider is the offline model. The zero value is ready, and safe for use by many goroutines.
type Provider struct{}

func New() Provider { return Provider{} }

func (Provider) Name() string { return Name }

// Generate answers as [llm.Provider] says. Usage is an estimate of four characters a token, since nothing is tokenized
// here and nothing is billed.
func (Provider) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	c := read(req)
	say := c.directives()
	w := &writer{ctx: ctx, sink: sink, slow: say["slow"], resp: &llm.Response{Provider: Name, Model: cmp.Or(req.Model, Name), ServedModel: Name}}
	w.resp.Usage.InputTokens = inputTokens(req)
	if err := ctx.Err(); err != nil {
		return nil, w.ended()
	}
	switch {
	case say["fail_auth"]:
		return nil, w.fail(&llm.Error{Kind: llm.Auth, Status: 401, Message: "the key was refused, as the job's context asked", Where: llm.BeforeFirstToken})
	case say["fail"]:
		return nil, w.fail(&llm.Error{Kind: llm.ServerError, Status: 500, Message: "failed, as the job's context asked", Retryable: true, HasWait: true, Where: llm.BeforeFirstToken})
	case say["refuse"]:
		text := "I will not do this: the job's context told me to refuse."
		w.resp.Parts = []llm.Part{{Kind: llm.PartRefusal, Text: text}}
		w.finish(llm.FinishRefusal)
		return nil, w.fail(&llm.Error{Kind: llm.Refusal, Message: "refused, as the job's context asked", Finish: llm.FinishRefusal, Refusal: text,
			Where: llm.MidStream, Usage: &w.resp.Usage, Partial: w.resp})
	case say["stall"]:
		if err := w.text("I begin, and then"); err != nil {
			return nil, err
		}
		<-ctx.Done()
		return nil, w.ended()
	}
	var err error
	switch {
	case req.Schema != nil:
		if calls := c.unread(); len(calls) > 0 {
			err = w.calls(c, calls)
			break
		}
		err = w.text(c.document(say))
	case len(req.Tools) > 0:
		text, calls := newCoder(c, say).nextTurn()
		if err = w.text(text); err == nil {
			err = w.calls(c, calls)
		}
	default:
		err = w.text(c.reply())
	}
	if err != nil {
		return nil, err
	}
	kind := llm.FinishStop
	if len(w.resp.ToolCalls()) > 0 {
		kind = llm.FinishToolCalls
	}
	return w.limit(req.MaxOutput, kind), nil
}

// writer streams an answer while it builds the whole of it.
type writer struct {
	ctx  context.Context
	sink func(llm.Delta)
	slow bool
	resp *llm.Response
}

// pieceSize is how many bytes one delta carries at most.
const (
	pieceSize = 240
	slowPause = 20 * time.Millisecond
)

func (w *writer) text(s string) error {
	if s == "" {
		return nil
	}
	w.resp.Parts = append(w.resp.Parts, llm.Part{Kind: llm.PartText})
	part := &w.resp.Parts[len(w.resp.Parts)-1]
	return w.stream(s, 40, func(piece string, _ bool) {
		part.Text += piece
		w.emit(llm.Delta{Kind: llm.DeltaText, Text: piece})
	})
}

func (w *writer) calls(c *conversation, calls []toolCall) error {
	for i, call := range calls {
		args := call.arguments(c.tool(call.name))
		err := w.stream(string(args), pieceSize, func(piece string, first bool) {
			d := llm.Delta{Kind: llm.DeltaToolCall, Text: piece, Index: i}
			if first {
				d.Name = call.name
			}
			w.emit(d)
		})
		if err != nil {
			return err
		}
		w.resp.Parts = append(w.resp.Parts, llm.Part{Kind: llm.PartToolCall,
			Call: &llm.ToolCall{ID: fmt.Sprintf("call_%d", len(c.turns)+i+1), Name: call.name, Arguments: args}})
	}
	return nil
}

func (w *writer) emit(d llm.Delta) {
	if w.sink != nil {
		w.sink(d)
	}
}

// stream cuts s into pieces at the borders of characters and hands them on, as long as somebody still waits for them.
func (w *writer) stream(s string, size int, emit func(piece string, first bool)) error {
	for first := true; s != ""; first = false {
		if w.slow {
			t := time.NewTimer(slowPause)
			select {
			case <-t.C:
			case <-w.ctx.Done():
				t.Stop()
			}
		}
		if w.ctx.Err() != nil {
			return w.ended()
		}
		n := min(size, len(s))
		for n < len(s) && !utf8.RuneStart(s[n]) {
			n++
		}
		emit(s[:n], first)
		s = s[n:]
	}
	return nil
}

// limit keeps to the tokens asked for: what is beyond them never came.
func (w *writer) limit(tokens int, kind llm.FinishKind) *llm.Response {
	if room := tokens * charsPerToken; tokens > 0 && outputChars(w.resp.Parts) > room {
		kind = llm.FinishLength
		var kept []llm.Part
		for _, p := range w.resp.Parts {
			switch {
			case p.Kind == llm.PartText:
				p.Text = string([]rune(p.Text)[:min(room, utf8.RuneCountInString(p.Text))])
				room -= utf8.RuneCountInString(p.Text)
			case room >= callChars(p.Call):
				room -= callChars(p.Call)
				kind = llm.FinishToolCalls // the calls before the limit are whole, so the conversation can go on
			default:
				room = 0
				continue
			}
			kept = append(kept, p)
		}
		w.resp.Parts = kept
	}
	w.finish(kind)
	return w.resp
}

func (w *writer) finish(kind llm.FinishKind) {
	w.resp.Finish, w.resp.FinishRaw = kind, string(kind)
	w.resp.Usage.OutputTokens = tokensOf(outputChars(w.resp.Parts))
}

func (w *writer) fail(e *llm.Error) *llm.Error {
	e.Provider, e.Model = Name, Name
	return e
}

// ended is the error of a context that ended, with what had come until then.
func (w *writer) ended() error {
	cause := context.Cause(w.ctx)
	e := &llm.Error{Kind: llm.Cancelled, Message: "the call was cancelled", Cause: cause, Where: llm.BeforeFirstToken}
	if errors.Is(cause, context.DeadlineExceeded) || errors.Is(w.ctx.Err(), context.DeadlineExceeded) {
		e.Kind, e.Message = llm.Timeout, "the call took too long"
	}
	if len(w.resp.Parts) > 0 {
		e.Where = llm.MidStream
		w.finish(llm.FinishError)
		w.resp.Usage.Partial = true
		e.Usage, e.Partial = &w.resp.Usage, w.resp
	}
	return w.fail(e)
}

const charsPerToken = 4

func tokensOf(chars int) int64 { return int64((chars + charsPerToken - 1) / charsPerToken) }

func inputTokens(req *llm.Request) int64 {
	n := utf8.RuneCountInString(req.System)
	for _, m := range req.Messages {
		n += outputChars(m.Parts)
	}
	for _, t := range req.Tools {
		n += len(t.Name) + len(t.Description) + len(t.Parameters)
	}
	if req.Schema != nil {
		n += len(req.Schema.JSON)
	}
	return tokensOf(n)
}

func outputChars(parts []llm.Part) int {
	n := 0
	for _, p := range parts {
		n += utf8.RuneCountInString(p.Text)
		if p.Call != nil {
			n += callChars(p.Call)
		}
		if p.Result != nil {
			n += utf8.RuneCountInString(p.Result.Content)
		}
	}
	return n
}

func callChars(c *llm.ToolCall) int { return len(c.Name) + utf8.RuneCount(c.Arguments) }

// reply answers a request that wants neither a document nor tools.
func (c *conversation) reply() string {
	s := "I am CodeForge's built-in offline model. I work from templates and a word list, so I cannot hold a conversation; " +
		"I can lay out, write, review and explain small web apps."
	if b := c.brief(); c.req.Call.Agent != codeforge.Pedagogy && (b.title != "" || b.idea != "") {
		a := design(b)
		s += fmt.Sprintf(" From what you wrote I would build %q", a.Name)
		if does := a.does(); len(does) > 0 {
			s += ", " + joinAnd(does)
		}
		if len(a.Kinds) > 0 {
			s += ", which keeps " + joinAnd(manyOf(a))
		}
		s += "."
	}
	return s
}

// encode writes a document; the types are our own and always encode.
func encode(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}
