package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

type reply struct {
	Object     wire.Text       `json:"object"`
	ID         wire.Text       `json:"id"`
	Model      wire.Text       `json:"model"`
	Status     wire.Text       `json:"status"`
	Error      json.RawMessage `json:"error"`
	Incomplete *struct {
		Reason wire.Text `json:"reason"`
	} `json:"incomplete_details"`
	Output []json.RawMessage `json:"output"`
	Usage  *wireUsage        `json:"usage"`
}

type wireUsage struct {
	Input        wire.Number `json:"input_tokens"`
	InputDetails struct {
		Cached wire.Number `json:"cached_tokens"`
		Write  wire.Number `json:"cache_write_tokens"`
	} `json:"input_tokens_details"`
	Output        wire.Number `json:"output_tokens"`
	OutputDetails struct {
		Reasoning wire.Number `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
}

type output struct {
	Type      wire.Text        `json:"type"`
	ID        wire.Text        `json:"id"`
	Phase     wire.Text        `json:"phase"`
	CallID    wire.Text        `json:"call_id"`
	Name      wire.Text        `json:"name"`
	Arguments wire.Text        `json:"arguments"`
	Encrypted wire.Text        `json:"encrypted_content"`
	Summary   wire.List[piece] `json:"summary"`
	Content   wire.List[piece] `json:"content"`
}

type piece struct {
	Type    wire.Text `json:"type"`
	Text    wire.Text `json:"text"`
	Refusal wire.Text `json:"refusal"`
}

// phase is what is kept of a text: whether it was said on the way or as the answer.
type phase struct {
	Phase string `json:"phase"`
}

type event struct {
	Type      wire.Text       `json:"type"`
	Object    wire.Text       `json:"object"`
	Response  *reply          `json:"response"`
	Sequence  wire.Number     `json:"sequence_number"`
	ItemID    wire.Text       `json:"item_id"`
	Index     *wire.Number    `json:"output_index"`
	Summary   wire.Number     `json:"summary_index"`
	Item      json.RawMessage `json:"item"`
	Delta     wire.Text       `json:"delta"`
	Text      wire.Text       `json:"text"`      // of an end, the whole
	Arguments wire.Text       `json:"arguments"` // likewise
	Refusal   wire.Text       `json:"refusal"`
}

type decoder struct {
	id    wire.Text   // of the response
	seen  wire.Number // the last event's number
	items []*streamedItem
	byID  map[wire.Text]*streamedItem
	at    map[wire.Number]*streamedItem // by output index
}

// streamedItem is an output item that is being streamed.
type streamedItem struct {
	slot *wire.Slot
	kind wire.Text
}

// Whole implements wire.Decoder.
func (d *decoder) Whole(body []byte, a *wire.Answer) error {
	var r reply
	if err := wire.Decode(body, &r); err != nil {
		return wire.Malformed(err)
	}
	if r.Status == "" {
		if wire.IsFailure(body) {
			return wire.Failure(body)
		}
		return wire.Malformed(errors.New("no response"))
	}
	return d.finish(&r, a)
}

// finish takes the last word on an answer.
func (d *decoder) finish(r *reply, a *wire.Answer) error {
	if r.Model != "" {
		a.Served = string(r.Model)
	}
	a.FinishRaw = string(r.Status)
	if u := r.Usage; u != nil {
		a.Use(u.Input, u.InputDetails.Cached, u.InputDetails.Write, u.Output, u.OutputDetails.Reasoning)
	}
	nth := map[wire.Text]int{}
	for _, raw := range r.Output {
		if err := d.last(raw, nth, a); err != nil {
			return err
		}
	}
	reason := wire.Text("")
	if r.Incomplete != nil {
		reason = r.Incomplete.Reason
	}
	switch {
	case wire.Present(r.Error) || r.Status == "failed":
		a.Finish = llm.FinishError
		if a.Pending != nil {
			return a.Pending
		}
		if wire.Present(r.Error) {
			return wire.Failure(r.Error)
		}
	case r.Status == "completed":
		a.Finish = llm.FinishStop
	case reason == "max_output_tokens" || reason == "max_messages":
		a.Finish = llm.FinishLength
	case reason == "content_filter":
		a.Finish = llm.FinishContentFilter
	case r.Status == "cancelled":
		a.Finish, a.Reason = llm.FinishError, "the provider cancelled the response"
	default:
		a.Finish = llm.FinishOther
	}
	a.Complete()
	return nil
}

// last reads an item of the whole response. What was streamed has its id; where a server gives new ids, it is the nth of
// its kind that was.
func (d *decoder) last(raw json.RawMessage, nth map[wire.Text]int, a *wire.Answer) error {
	var o output
	if err := wire.Decode(raw, &o); err != nil {
		return wire.Malformed(err)
	}
	n := nth[o.Type]
	nth[o.Type]++
	g := d.byID[o.ID]
	for _, other := range d.items {
		if g != nil {
			break
		}
		if other.kind == o.Type {
			if n == 0 {
				g = other
			}
			n--
		}
	}
	if g == nil {
		g = d.begin(&o, nil, a)
	}
	return d.done(g, &o, raw, a)
}

// item reads an output item that is beginning or done.
func (d *decoder) item(e *event, done bool, a *wire.Answer) error {
	var o output
	if err := wire.Decode(e.Item, &o); err != nil {
		return wire.Malformed(err)
	}
	g := d.byID[o.ID]
	if g == nil && e.Index != nil {
		if g = d.at[*e.Index]; g != nil && g.kind != o.Type {
			g = nil
		}
	}
	if g == nil {
		g = d.begin(&o, e.Index, a)
	}
	if !done {
		return nil
	}
	return d.done(g, &o, e.Item, a)
}

// find returns the item that an event is about.
func (d *decoder) find(e *event) *streamedItem {
	if g := d.byID[e.ItemID]; g != nil {
		return g
	}
	if e.Index == nil {
		return nil
	}
	return d.at[*e.Index]
}

// begin opens an item.
func (d *decoder) begin(o *output, index *wire.Number, a *wire.Answer) *streamedItem {
	g := &streamedItem{kind: o.Type}
	switch o.Type {
	case "message":
		g.slot = a.Open(llm.PartText)
	case "function_call":
		g.slot = a.Call(string(o.CallID), string(o.Name))
	default:
		g.slot = a.Open(llm.PartReasoning)
	}
	if d.byID == nil {
		d.byID, d.at = map[wire.Text]*streamedItem{}, map[wire.Number]*streamedItem{}
	}
	d.items = append(d.items, g)
	if o.ID != "" {
		d.byID[o.ID] = g
	}
	if index != nil {
		d.at[*index] = g
	}
	return g
}

// done takes an item as a whole. Words that were streamed are not taken twice.
func (d *decoder) done(g *streamedItem, o *output, raw json.RawMessage, a *wire.Answer) error {
	var words []wire.Text
	switch o.Type {
	case "message":
		for _, c := range o.Content {
			words = append(words, c.Text)
			if c.Refusal != "" {
				a.Refusal(c.Refusal)
			}
		}
		g.slot.Rest(join(words, ""))
		if o.Phase != "" {
			g.slot.Opaque = wire.MustJSON(phase{string(o.Phase)})
		}
	case "function_call":
		if g.slot.ID == "" {
			g.slot.ID = string(o.CallID)
		}
		if g.slot.Name == "" {
			g.slot.Rename(string(o.Name))
		}
		if g.slot.Whole() {
			g.slot.Write(o.Arguments) // what is the same is taken once
		} else {
			g.slot.Rest(o.Arguments)
		}
	case "reasoning":
		pieces := o.Summary
		if len(pieces) == 0 {
			pieces = o.Content
		}
		for _, s := range pieces {
			words = append(words, s.Text)
		}
		if len(g.slot.Bytes()) == 0 {
			g.slot.Write(join(words, "\n\n"))
		}
		if o.Encrypted != "" { // without it the API knows nothing of an item that it did not store
			g.slot.Opaque = raw
		}
	}
	return nil
}

func join(words []wire.Text, between string) wire.Text {
	var b strings.Builder
	for i, w := range words {
		if i > 0 {
			b.WriteString(between)
		}
		b.WriteString(string(w))
	}
	return wire.Text(b.String())
}

// Event implements wire.Decoder.
func (d *decoder) Event(ev wire.Event, a *wire.Answer) (bool, error) {
	var e event
	if err := wire.Decode(ev.Data, &e); err != nil {
		if string(bytes.TrimSpace(ev.Data)) == "[DONE]" { // some servers add it
			return false, nil
		}
		return false, wire.Malformed(err)
	}
	if e.Sequence > 0 && e.Sequence == d.seen {
		return false, nil // the same event once more
	}
	d.seen = e.Sequence
	switch e.Type {
	case "response.created", "response.in_progress", "response.queued":
		if e.Response != nil {
			if d.id != "" && e.Response.ID != d.id && len(d.items) > 0 && e.Type == "response.created" {
				return false, wire.Malformed(errors.New("another response begins inside this one"))
			}
			d.id, a.Served = e.Response.ID, string(e.Response.Model)
		}
	case "response.output_item.added", "response.output_item.done":
		return false, d.item(&e, e.Type == "response.output_item.done", a)
	case "response.output_text.delta", "response.function_call_arguments.delta", "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		g := d.find(&e)
		if g == nil && e.Type == "response.output_text.delta" { // not announced by an item
			g = d.begin(&output{Type: "message", ID: e.ItemID}, e.Index, a)
		}
		if g != nil {
			g.slot.Write(e.Delta)
		}
	case "response.output_text.done":
		if g := d.find(&e); g != nil {
			g.slot.Rest(e.Text)
		}
	case "response.function_call_arguments.done":
		if g := d.find(&e); g != nil {
			g.slot.Rest(e.Arguments)
		}
	case "response.reasoning_summary_part.added":
		if g := d.find(&e); g != nil && e.Summary > 0 {
			g.slot.Write("\n\n")
		}
	case "response.refusal.delta":
		a.Refuse(e.Delta)
	case "response.refusal.done":
		a.Refusal(e.Refusal)
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled", "response.done":
		if e.Response == nil {
			return false, wire.Malformed(errors.New("an end without a response"))
		}
		return true, d.finish(e.Response, a)
	case "error":
		// response.failed follows and tells the usage.
		a.FinishRaw, a.Pending = "failed", wire.Failure(ev.Data)
	case "":
		switch {
		case e.Object == "response": // asked for a stream, given a whole answer
			return true, d.Whole(ev.Data, a)
		case ev.Name == "error" || wire.IsFailure(ev.Data):
			return false, wire.Failure(ev.Data)
		}
		a.Strange(errors.New("an event without a type"))
	}
	return false, nil
}

// End implements wire.Decoder: without the last event nothing is known to be whole.
func (d *decoder) End(*wire.Answer) {}
