package anthropic

import (
	"bytes"
	"encoding/json"
	"errors"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

type reply struct {
	Type       wire.Text         `json:"type"`
	ID         wire.Text         `json:"id"`
	Model      wire.Text         `json:"model"`
	Content    []json.RawMessage `json:"content"`
	StopReason wire.Text         `json:"stop_reason"`
	Details    *stopDetails      `json:"stop_details"`
	Usage      wireUsage         `json:"usage"`
	Error      json.RawMessage   `json:"error"`
}

type stopDetails struct {
	Explanation wire.Text `json:"explanation"`
}

// wireUsage has pointers because later events name only what changed.
type wireUsage struct {
	Input      *wire.Number `json:"input_tokens"`
	CacheWrite *wire.Number `json:"cache_creation_input_tokens"`
	CacheRead  *wire.Number `json:"cache_read_input_tokens"`
	Output     *wire.Number `json:"output_tokens"`
	Details    *struct {
		Thinking wire.Number `json:"thinking_tokens"`
	} `json:"output_tokens_details"`
}

type part struct {
	Type      wire.Text       `json:"type"`
	Text      wire.Text       `json:"text"`
	Thinking  wire.Text       `json:"thinking"`
	Signature wire.Text       `json:"signature"`
	ID        wire.Text       `json:"id"`
	Name      wire.Text       `json:"name"`
	Input     json.RawMessage `json:"input"`
}

type event struct {
	Type    wire.Text       `json:"type"`
	Message *reply          `json:"message"`
	Index   wire.Number     `json:"index"`
	Block   json.RawMessage `json:"content_block"`
	Delta   struct {
		Type       wire.Text    `json:"type"`
		Text       wire.Text    `json:"text"`
		Thinking   wire.Text    `json:"thinking"`
		Signature  wire.Text    `json:"signature"`
		JSON       wire.Text    `json:"partial_json"`
		StopReason wire.Text    `json:"stop_reason"`
		Details    *stopDetails `json:"stop_details"`
	} `json:"delta"`
	Usage wireUsage       `json:"usage"`
	Error json.RawMessage `json:"error"`
}

type decoder struct {
	usage  wireUsage
	id     wire.Text // of the message
	begun  bool
	blocks bool // one was begun
	open   map[wire.Number]*streamedBlock
}

// streamedBlock is a content block that is being streamed.
type streamedBlock struct {
	slot  *wire.Slot
	start part
	raw   json.RawMessage // as it began
	sign  []byte
	input []byte // of a block that is kept as it is
}

// Whole implements wire.Decoder.
func (d *decoder) Whole(body []byte, a *wire.Answer) error {
	var r reply
	if err := wire.Decode(body, &r); err != nil {
		return wire.Malformed(err)
	}
	return d.reply(&r, body, a)
}

func (d *decoder) reply(r *reply, body []byte, a *wire.Answer) error {
	if wire.Present(r.Error) || r.Type != "message" && wire.IsFailure(body) {
		return wire.Failure(body)
	}
	if r.Type != "message" {
		return wire.Malformed(errors.New("no message"))
	}
	a.Served = string(r.Model)
	for _, raw := range r.Content {
		var p part
		if err := wire.Decode(raw, &p); err != nil {
			return wire.Malformed(err)
		}
		switch p.Type {
		case "text":
			a.Open(llm.PartText).Write(p.Text)
		case "tool_use":
			a.Call(string(p.ID), string(p.Name)).Write(wire.Text(p.Input))
		case "thinking":
			s := a.Open(llm.PartReasoning)
			s.Write(p.Thinking)
			if p.Signature != "" {
				s.Opaque = raw
			}
		case "":
			return wire.Malformed(errors.New("a content block without a type"))
		default:
			a.Open(llm.PartReasoning).Opaque = raw
		}
	}
	d.stop(r.StopReason, r.Details, a)
	d.use(r.Usage, a)
	return nil
}

// Event implements wire.Decoder.
func (d *decoder) Event(ev wire.Event, a *wire.Answer) (bool, error) {
	if string(bytes.TrimSpace(ev.Data)) == "[DONE]" { // some servers end so
		if d.End(a); a.FinishRaw == "" {
			return false, wire.Interrupted()
		}
		return true, nil
	}
	var e event
	if err := wire.Decode(ev.Data, &e); err != nil {
		return false, wire.Malformed(err)
	}
	switch e.Type {
	case "message_start":
		if e.Message == nil {
			break
		}
		if d.begun && d.blocks && e.Message.ID != d.id {
			return false, wire.Malformed(errors.New("another message begins inside this one"))
		}
		if !d.begun || !d.blocks {
			d.begun, d.id, a.Served = true, e.Message.ID, string(e.Message.Model)
			d.use(e.Message.Usage, a)
		}
	case "content_block_start":
		return false, d.start(e.Index, e.Block, a)
	case "content_block_delta":
		g := d.open[e.Index]
		if g == nil && e.Delta.Text != "" { // not announced
			if err := d.start(e.Index, json.RawMessage(`{"type":"text"}`), a); err != nil {
				return false, err
			}
			g = d.open[e.Index]
		}
		if g != nil {
			g.sign = append(g.sign, e.Delta.Signature...)
			switch e.Delta.Type {
			case "text_delta":
				g.slot.Write(e.Delta.Text)
			case "thinking_delta":
				g.slot.Write(e.Delta.Thinking)
			case "input_json_delta":
				if g.slot.Kind() == llm.PartToolCall {
					g.slot.Write(e.Delta.JSON)
				} else {
					g.input = append(g.input, e.Delta.JSON...)
				}
			}
		}
	case "content_block_stop":
		if g := d.open[e.Index]; g != nil {
			g.keepSigned()
			delete(d.open, e.Index)
		}
	case "message_delta":
		d.stop(e.Delta.StopReason, e.Delta.Details, a)
		d.use(e.Usage, a)
	case "message_stop":
		if a.FinishRaw == "" {
			return false, wire.Interrupted()
		}
		a.Complete()
		return true, nil
	case "message": // asked for a stream, given a whole answer
		err := d.Whole(ev.Data, a)
		a.Complete()
		return true, err
	case "":
		if ev.Name == "error" || wire.IsFailure(ev.Data) {
			return false, wire.Failure(ev.Data)
		}
		a.Strange(errors.New("an event without a type"))
	case "error":
		return false, wire.Failure(ev.Data)
	}
	return false, nil
}

// End implements wire.Decoder.
func (d *decoder) End(a *wire.Answer) {
	if a.FinishRaw != "" {
		a.Complete()
	}
}

func (d *decoder) start(index wire.Number, raw json.RawMessage, a *wire.Answer) error {
	g := &streamedBlock{raw: raw}
	if err := wire.Decode(raw, &g.start); err != nil {
		return wire.Malformed(err)
	}
	if o := d.open[index]; o != nil && o.start.Type == g.start.Type && o.start.ID == g.start.ID && len(o.slot.Bytes()) == 0 {
		return nil // the same once more
	}
	d.blocks = true
	switch g.start.Type {
	case "text":
		g.slot = a.Open(llm.PartText)
		g.slot.Write(g.start.Text)
	case "tool_use":
		g.slot = a.Call(string(g.start.ID), string(g.start.Name))
		if len(g.start.Input) > 2 { // not {}, which only opens it
			g.slot.Write(wire.Text(g.start.Input))
		}
	case "":
		return wire.Malformed(errors.New("a content block without a type"))
	default:
		g.slot = a.Open(llm.PartReasoning)
		g.slot.Write(g.start.Thinking)
		g.sign = []byte(g.start.Signature)
	}
	if d.open == nil {
		d.open = map[wire.Number]*streamedBlock{}
	}
	d.open[index] = g
	return nil
}

// keepSigned keeps what has to go back unchanged with the next turn.
func (g *streamedBlock) keepSigned() {
	switch {
	case g.slot.Kind() != llm.PartReasoning:
	case g.start.Type == "thinking":
		if len(g.sign) > 0 {
			g.slot.Opaque = wire.MustJSON(map[string]string{"type": "thinking", "thinking": string(g.slot.Bytes()), "signature": string(g.sign)})
		}
	case len(g.input) > 0:
		var m map[string]json.RawMessage
		if json.Unmarshal(g.raw, &m) == nil && json.Valid(g.input) {
			m["input"] = g.input
			g.slot.Opaque = wire.MustJSON(m)
		}
	default:
		g.slot.Opaque = g.raw
	}
}

func (d *decoder) stop(reason wire.Text, details *stopDetails, a *wire.Answer) {
	if reason == "" {
		return
	}
	a.FinishRaw = string(reason)
	switch reason {
	case "end_turn", "stop_sequence", "stop":
		a.Finish = llm.FinishStop
	case "max_tokens", "length", "model_context_window_exceeded":
		a.Finish = llm.FinishLength
	case "tool_use", "tool_calls":
		a.Finish = llm.FinishToolCalls
	case "guardrail_intervened", "content_filtered", "content_filter", "safety":
		a.Finish = llm.FinishContentFilter
	case "pause_turn", "compaction":
		a.Finish = llm.FinishPause
	case "refusal":
		a.Finish = llm.FinishRefusal
		if details != nil && details.Explanation != "" {
			a.Reason = string(details.Explanation)
			a.Refuse(details.Explanation)
		}
	default:
		a.Finish = llm.FinishOther
	}
}

func (d *decoder) use(u wireUsage, a *wire.Answer) {
	for _, f := range []struct{ to, from **wire.Number }{
		{&d.usage.Input, &u.Input}, {&d.usage.CacheWrite, &u.CacheWrite}, {&d.usage.CacheRead, &u.CacheRead}, {&d.usage.Output, &u.Output},
	} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}
	if u.Details != nil {
		d.usage.Details = u.Details
	}
	read, write, thought := value(d.usage.CacheRead), value(d.usage.CacheWrite), wire.Number(0)
	if d.usage.Details != nil {
		thought = d.usage.Details.Thinking
	}
	a.Use(value(d.usage.Input)+read+write, read, write, value(d.usage.Output), thought)
}

func value(p *wire.Number) wire.Number {
	if p == nil {
		return 0
	}
	return *p
}
