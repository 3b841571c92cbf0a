package wire

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"codeforge/internal/llm"
)

// Answer is an answer on its way: decoders write into it, and whoever watches sees each piece at once.
type Answer struct {
	Served    string // the model that answers
	FinishRaw string // the provider's word for why it ended
	Finish    llm.FinishKind
	Failure   llm.ErrorKind // what a Finish of error means; "" is a server error
	Reason    string        // the provider's words on a Finish that is an error
	Cut       bool          // the provider says that a limit left nothing of use
	Pending   error         // to be returned at the end of the stream, unless something better comes
	Vectors   [][]float32   // of a model that embeds: all that there is to its answer

	provider string
	req      *llm.Request
	sink     func(llm.Delta)
	slots    []*Slot
	calls    int
	usage    llm.Usage
	known    bool // the provider gave usage
	refusal  strings.Builder
	begun    bool  // an event of the answer has come
	strange  error // of an event that means nothing, if there was one
	tokens   bool  // a piece of it has come
	whole    bool  // the provider's own end has come
}

// Slot is one part of an answer.
type Slot struct {
	ID, Name string          // of a tool call
	Opaque   json.RawMessage // what the provider wants back
	kind     llm.PartKind
	index    int // of a tool call
	text     []byte
	half     string          // of a character, at the end
	aloud    thoughtSplitter // of a text
	thought  *Slot           // what was thought aloud in it
	args     argsState
	a        *Answer
}

// Complete notes the provider's own end of the answer.
func (a *Answer) Complete() { a.whole = true }

// Strange notes an event that means nothing: it is passed over, but the error if nothing else comes.
func (a *Answer) Strange(why error) { a.strange = why }

// Known says whether the provider told what was used.
func (a *Answer) Known() bool { return a.known }

// Offers says whether the request has a tool whose name begins so.
func (a *Answer) Offers(name string) bool {
	return slices.ContainsFunc(a.req.Tools, func(t llm.Tool) bool { return strings.HasPrefix(t.Name, name) })
}

// Refuse adds to the model's words of refusal.
func (a *Answer) Refuse(s Text) { a.refusal.WriteString(joinSurrogates(string(s))) }

// Refusal sets the model's words of refusal, unless they were streamed.
func (a *Answer) Refusal(s Text) {
	if a.refusal.Len() == 0 {
		a.Refuse(s)
	}
}

// Last returns the slot that was opened last, nil if there is none.
func (a *Answer) Last() *Slot {
	if len(a.slots) == 0 {
		return nil
	}
	return a.slots[len(a.slots)-1]
}

// Open begins a part of text or reasoning.
func (a *Answer) Open(kind llm.PartKind) *Slot {
	s := &Slot{kind: kind, a: a}
	a.slots = append(a.slots, s)
	return s
}

// Call begins a tool call. Its arguments are what is written to the slot.
func (a *Answer) Call(id, name string) *Slot {
	s := a.Open(llm.PartToolCall)
	s.ID, s.Name, s.index = id, name, a.calls
	a.calls++
	a.tokens = true
	a.emit(llm.Delta{Kind: llm.DeltaToolCall, Index: s.index, Name: name})
	return s
}

// Rename gives a call its name where that comes late, or in pieces.
func (s *Slot) Rename(name string) {
	if s.Name != name {
		s.Name = name
		s.a.emit(llm.Delta{Kind: llm.DeltaToolCall, Index: s.index, Name: name})
	}
}

// Kind is what the slot holds.
func (s *Slot) Kind() llm.PartKind { return s.kind }

// Bytes is what was written so far.
func (s *Slot) Bytes() []byte { return s.text }

// Write adds a piece. A text is parted into what was thought aloud and what was said.
func (s *Slot) Write(piece Text) {
	p := s.half + string(piece)
	if p == "" {
		return
	}
	n := len(p) - halfCharacter(p)
	p, s.half = joinSurrogates(p[:n]), p[n:]
	switch s.kind {
	case llm.PartText:
		s.aloud.take(p, s.think, s.add)
	case llm.PartToolCall:
		s.arguments(p)
	default:
		s.add(p)
	}
}

// Rest adds what whole has beyond what was written: providers say again at the end what they streamed.
func (s *Slot) Rest(whole Text) {
	if rest, ok := strings.CutPrefix(joinSurrogates(string(whole)), s.written()); ok {
		s.Write(Text(rest))
	}
}

// written is what was written, unparted.
func (s *Slot) written() string {
	if s.thought != nil || s.aloud.held != "" {
		return "\x00" // nothing begins so: it cannot be told any more
	}
	return string(s.text) + s.half
}

// add takes words for good.
func (s *Slot) add(piece string) {
	if piece == "" {
		return
	}
	s.text = append(s.text, piece...)
	s.a.tokens = true
	s.show(piece)
}

func (s *Slot) show(piece string) {
	switch s.kind {
	case llm.PartText:
		s.a.emit(llm.Delta{Kind: llm.DeltaText, Text: piece})
	case llm.PartReasoning:
		s.a.emit(llm.Delta{Kind: llm.DeltaReasoning, Text: piece})
	case llm.PartToolCall:
		s.a.emit(llm.Delta{Kind: llm.DeltaToolCall, Index: s.index, Text: piece})
	}
}

// think takes words that were thought aloud: a part of their own, before the text.
func (s *Slot) think(piece string) {
	if piece == "" {
		return
	}
	if s.thought == nil {
		s.thought = &Slot{kind: llm.PartReasoning, a: s.a}
		s.a.slots = slices.Insert(s.a.slots, max(slices.Index(s.a.slots, s), 0), s.thought)
	}
	s.thought.add(piece)
}

// end takes the end of the answer: what was held back is whole now.
func (s *Slot) end() {
	if s.half != "" {
		p := joinSurrogates(s.half)
		s.half = ""
		s.Write(Text(p))
	}
	switch s.kind {
	case llm.PartToolCall:
		s.endArguments()
	case llm.PartText:
		open := s.aloud.end(s.think, s.add)
		switch end, answer, found := unopened(string(s.text)); {
		case open != "":
			s.think(" ")
			s.text = append(append(s.text, open...), s.thought.text[:len(s.thought.text)-1]...)
			s.thought.text = nil
			s.a.showAgain()
		case found && !s.aloud.seen:
			draft := s.text[:end:end]
			s.text = s.text[answer:]
			s.think(" ")
			s.thought.text = draft
			s.a.showAgain()
		}
	}
}

// showAgain shows everything anew, since what was shown was not what it seemed.
func (a *Answer) showAgain() {
	a.emit(llm.Delta{Kind: llm.DeltaRestart, Text: a.provider + ":" + a.req.Model})
	for _, s := range a.slots {
		if s.kind == llm.PartToolCall {
			a.emit(llm.Delta{Kind: llm.DeltaToolCall, Index: s.index, Name: s.Name})
		}
		s.show(string(s.text))
	}
}

func (a *Answer) emit(d llm.Delta) {
	if a.sink != nil {
		a.sink(d)
	}
}

// Use notes what the provider says was used, in llm's convention. A call with neither input nor output is what
// providers send that do not count: it says nothing.
func (a *Answer) Use(input, cachedRead, cacheWrite, output, reasoning Number) {
	if input <= 0 && output <= 0 {
		return
	}
	a.known = true
	a.usage.InputTokens, a.usage.CachedReadTokens, a.usage.CacheWriteTokens = int64(max(input, 0)), int64(max(cachedRead, 0)), int64(max(cacheWrite, 0))
	a.usage.OutputTokens, a.usage.ReasoningTokens = int64(max(output, 0)), int64(max(reasoning, 0))
}

// finish decides whether an answer that is whole is one.
func (a *Answer) finish() error {
	if a.Vectors != nil {
		a.Finish = llm.FinishStop
		return nil
	}
	text, calls, open := false, false, false
	ids := map[string]bool{}
	for _, s := range slices.Clone(a.slots) {
		s.end()
	}
	if err := a.bounded(); err != nil {
		return err
	}
	for i, s := range a.slots {
		switch s.kind {
		case llm.PartText:
			text = text || len(s.text) > 0
		case llm.PartToolCall:
			s.text = bytes.TrimSpace(s.text)
			args, err := llm.ReadArguments(s.text)
			switch last := i == len(a.slots)-1; {
			case a.Finish == llm.FinishLength && (last || err != nil):
				// Providers close the JSON of a call that the limit cut, so it may look whole.
				s.kind = llm.PartOpenCall
			case err != nil:
				s.text = MustJSON(string(s.text))
			default:
				s.text = args
			}
			open = open || s.kind == llm.PartOpenCall
			calls = calls || s.kind == llm.PartToolCall
			if s.ID == "" || ids[s.ID] {
				s.ID = madeID(len(a.req.Messages), s.index)
			}
			ids[s.ID] = true
		}
	}
	if a.Finish == "" {
		a.Finish = llm.FinishOther
	}
	switch {
	case calls && a.Finish != llm.FinishLength && a.Finish != llm.FinishPause && !isFinal(a.Finish):
		a.Finish = llm.FinishToolCalls
	case a.Finish == llm.FinishToolCalls:
		a.Finish = llm.FinishStop
	}
	if a.refusal.Len() > 0 && a.Finish != llm.FinishContentFilter {
		a.Finish = llm.FinishRefusal
	}
	verdict := func(k llm.ErrorKind, words string) error {
		if a.Reason != "" {
			words = a.Reason
		}
		return &Fault{Kind: k, Message: words}
	}
	switch {
	case a.Finish == llm.FinishRefusal:
		return verdict(llm.Refusal, "the model refused")
	case a.Finish == llm.FinishContentFilter:
		return verdict(llm.ContentFilter, "the provider's filter blocked it")
	case a.Finish == llm.FinishError:
		if a.Failure == "" {
			a.Failure = llm.ServerError
		}
		return verdict(a.Failure, "the provider gave up on the answer")
	case a.Finish == llm.FinishLength && (open || a.Cut || a.req.Schema != nil || !text && !calls):
		return verdict(llm.TruncatedOutput, "the answer was cut by its length limit")
	case !text && !calls && a.Finish != llm.FinishPause:
		return verdict(llm.EmptyResponse, "the answer is empty")
	}
	return nil
}

func isFinal(k llm.FinishKind) bool {
	return k == llm.FinishRefusal || k == llm.FinishContentFilter || k == llm.FinishError
}

// response is the answer as far as it has come.
func (a *Answer) response() *llm.Response {
	r := &llm.Response{Provider: a.provider, Model: a.req.Model, ServedModel: a.Served, Finish: a.Finish, FinishRaw: a.FinishRaw, Usage: a.usage, Vectors: a.Vectors}
	if r.ServedModel == "" {
		r.ServedModel = a.req.Model
	}
	r.Usage.Missing = !a.known
	for _, s := range a.slots {
		p := llm.Part{Kind: s.kind, Opaque: s.Opaque}
		if p.Opaque != nil || s.kind == llm.PartToolCall {
			p.Provider, p.Model = a.provider, a.req.Model
		}
		switch s.kind {
		case llm.PartToolCall:
			p.Call = &llm.ToolCall{ID: s.ID, Name: s.Name, Arguments: s.text}
		case llm.PartOpenCall:
			p.Call, p.Text = &llm.ToolCall{ID: s.ID, Name: s.Name, Arguments: json.RawMessage("{}")}, strings.ToValidUTF8(string(s.text), "�")
		default:
			p.Text = string(s.text)
			if p.Text == "" && p.Opaque == nil {
				continue
			}
		}
		r.Parts = append(r.Parts, p)
	}
	return r
}

// explain adds to e what had come of the answer.
func (a *Answer) explain(e *llm.Error) {
	if a.whole && a.Pending == nil {
		e.Where = ""
	} else {
		if e.Where == llm.MidStream {
			a.Finish = llm.FinishError
		}
		a.usage.Partial = a.known
		for _, s := range a.slots {
			if s.kind == llm.PartToolCall && (len(s.text) == 0 || s.text[0] != '{' || !json.Valid(s.text)) {
				s.kind = llm.PartOpenCall
			}
		}
	}
	e.Finish, e.Refusal = a.Finish, a.refusal.String()
	if a.known {
		e.Usage = new(a.usage)
	}
	if a.begun || a.whole || a.tokens || a.FinishRaw != "" {
		e.Partial = a.response()
	}
}

// Bounds on one answer, far above what any model means.
const (
	maxCalls = 1_000
	maxParts = 20_000
)

// bounded says what is too much of an answer.
func (a *Answer) bounded() error {
	switch {
	case a.calls > maxCalls:
		return &Fault{Kind: llm.MalformedOutput, Message: fmt.Sprintf("more than %d tool calls in one answer are not taken", maxCalls)}
	case len(a.slots) > maxParts:
		return &Fault{Kind: llm.MalformedOutput, Message: fmt.Sprintf("more than %d parts in one answer are not taken", maxParts)}
	}
	return nil
}

const madePrefix = "call_cf_"

// madeID is the id of a call that came without one: the same whenever the same conversation is gone through again.
func madeID(messages, index int) string { return fmt.Sprintf("%s%d_%d", madePrefix, messages, index) }
