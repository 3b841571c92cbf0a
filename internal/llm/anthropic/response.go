package anthropic

import (
	"encoding/json"
	"errors"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

type reply struct {
	Type       string            `json:"type"`
	Model      string            `json:"model"`
	Content    []json.RawMessage `json:"content"`
	StopReason string            `json:"stop_reason"`
	Details    *stopDetails      `json:"stop_details"`
	Usage      usage             `json:"usage"`
	Error      json.RawMessage   `json:"error"`
}

type stopDetails struct {
	Explanation string `json:"explanation"`
}

// usage has pointers because later events name only what changed.
type usage struct {
	Input      *int64 `json:"input_tokens"`
	CacheWrite *int64 `json:"cache_creation_input_tokens"`
	CacheRead  *int64 `json:"cache_read_input_tokens"`
	Output     *int64 `json:"output_tokens"`
	Details    *struct {
		Thinking int64 `json:"thinking_tokens"`
	} `json:"output_tokens_details"`
}

type part struct {
	Type      string          `json:"type"`
	Text      string          `json:"text"`
	Thinking  string          `json:"thinking"`
	Signature string          `json:"signature"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
}

type event struct {
	Type    string          `json:"type"`
	Message *reply          `json:"message"`
	Index   int             `json:"index"`
	Block   json.RawMessage `json:"content_block"`
	Delta   struct {
		Type       string       `json:"type"`
		Text       string       `json:"text"`
		Thinking   string       `json:"thinking"`
		Signature  string       `json:"signature"`
		JSON       string       `json:"partial_json"`
		StopReason string       `json:"stop_reason"`
		Details    *stopDetails `json:"stop_details"`
	} `json:"delta"`
	Usage usage           `json:"usage"`
	Error json.RawMessage `json:"error"`
}

type decoder struct {
	usage usage
	open  map[int]*growing
}

// growing is a content block that is being streamed.
type growing struct {
	slot  *wire.Slot
	start part
	raw   json.RawMessage // as it began
	sign  string
	input []byte // of a block that is kept as it is
}

// Whole implements wire.Decoder.
func (d *decoder) Whole(body []byte, a *wire.Answer) error {
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return wire.Malformed(err)
	}
	return d.reply(&r, body, a)
}

func (d *decoder) reply(r *reply, body []byte, a *wire.Answer) error {
	if wire.Present(r.Error) {
		return wire.Failure(body)
	}
	if r.Type != "message" {
		return wire.Malformed(errors.New("no message"))
	}
	a.Served = r.Model
	for _, raw := range r.Content {
		var p part
		if err := json.Unmarshal(raw, &p); err != nil {
			return wire.Malformed(err)
		}
		switch p.Type {
		case "text":
			a.Open(llm.PartText).Write(p.Text)
		case "tool_use":
			a.Call(p.ID, p.Name).Write(string(p.Input))
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
	var e event
	if err := json.Unmarshal(ev.Data, &e); err != nil {
		return false, wire.Malformed(err)
	}
	switch e.Type {
	case "message_start":
		if e.Message != nil {
			a.Served = e.Message.Model
			d.use(e.Message.Usage, a)
		}
	case "content_block_start":
		return false, d.start(e.Index, e.Block, a)
	case "content_block_delta":
		if g := d.open[e.Index]; g != nil {
			g.sign += e.Delta.Signature
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
			g.seal()
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
		if wire.Present(e.Error) {
			return false, wire.Failure(ev.Data)
		}
		return false, wire.Malformed(errors.New("an event without a type"))
	case "error":
		return false, wire.Failure(ev.Data)
	}
	return false, nil
}

func (d *decoder) start(index int, raw json.RawMessage, a *wire.Answer) error {
	g := &growing{raw: raw}
	if err := json.Unmarshal(raw, &g.start); err != nil {
		return wire.Malformed(err)
	}
	switch g.start.Type {
	case "text":
		g.slot = a.Open(llm.PartText)
		g.slot.Write(g.start.Text)
	case "tool_use":
		g.slot = a.Call(g.start.ID, g.start.Name)
		if len(g.start.Input) > 2 { // not {}, which only opens it
			g.slot.Write(string(g.start.Input))
		}
	case "":
		return wire.Malformed(errors.New("a content block without a type"))
	default:
		g.slot = a.Open(llm.PartReasoning)
		g.slot.Write(g.start.Thinking)
		g.sign = g.start.Signature
	}
	if d.open == nil {
		d.open = map[int]*growing{}
	}
	d.open[index] = g
	return nil
}

// seal keeps what has to go back unchanged with the next turn.
func (g *growing) seal() {
	switch {
	case g.slot.Kind() != llm.PartReasoning:
	case g.start.Type == "thinking":
		if g.sign != "" {
			g.slot.Opaque = wire.MustJSON(map[string]string{"type": "thinking", "thinking": string(g.slot.Bytes()), "signature": g.sign})
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

func (d *decoder) stop(reason string, details *stopDetails, a *wire.Answer) {
	if reason == "" {
		return
	}
	a.FinishRaw = reason
	switch reason {
	case "end_turn", "stop_sequence":
		a.Finish = llm.FinishStop
	case "max_tokens", "model_context_window_exceeded":
		a.Finish = llm.FinishLength
	case "tool_use":
		a.Finish = llm.FinishToolCalls
	case "pause_turn", "compaction":
		a.Finish = llm.FinishPause
	case "refusal":
		a.Finish = llm.FinishRefusal
		if details != nil && details.Explanation != "" {
			a.Reason = details.Explanation
			a.Refuse(details.Explanation)
		}
	default:
		a.Finish = llm.FinishOther
	}
}

func (d *decoder) use(u usage, a *wire.Answer) {
	for _, f := range []struct{ to, from **int64 }{
		{&d.usage.Input, &u.Input}, {&d.usage.CacheWrite, &u.CacheWrite}, {&d.usage.CacheRead, &u.CacheRead}, {&d.usage.Output, &u.Output},
	} {
		if *f.from != nil {
			*f.to = *f.from
		}
	}
	if u.Details != nil {
		d.usage.Details = u.Details
	}
	read, write, thought := value(d.usage.CacheRead), value(d.usage.CacheWrite), int64(0)
	if d.usage.Details != nil {
		thought = d.usage.Details.Thinking
	}
	a.Use(value(d.usage.Input)+read+write, read, write, value(d.usage.Output), thought)
}

func value(p *int64) int64 {
	if p == nil {
		return 0
	}
	return *p
}
