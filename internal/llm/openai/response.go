package openai

import (
	"encoding/json"
	"errors"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

type reply struct {
	Object     string          `json:"object"`
	Model      string          `json:"model"`
	Status     string          `json:"status"`
	Error      json.RawMessage `json:"error"`
	Incomplete *struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`
	Output []json.RawMessage `json:"output"`
	Usage  *usage            `json:"usage"`
}

type usage struct {
	Input        int64 `json:"input_tokens"`
	InputDetails struct {
		Cached int64 `json:"cached_tokens"`
		Write  int64 `json:"cache_write_tokens"`
	} `json:"input_tokens_details"`
	Output        int64 `json:"output_tokens"`
	OutputDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
}

type output struct {
	Type      string  `json:"type"`
	Phase     string  `json:"phase"`
	CallID    string  `json:"call_id"`
	Name      string  `json:"name"`
	Arguments string  `json:"arguments"`
	Encrypted string  `json:"encrypted_content"`
	Summary   []piece `json:"summary"`
	Content   []piece `json:"content"`
}

type piece struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Refusal string `json:"refusal"`
}

// phase is what is kept of a text: whether it was said on the way or as the answer.
type phase struct {
	Phase string `json:"phase"`
}

type event struct {
	Type     string          `json:"type"`
	Object   string          `json:"object"`
	Response *reply          `json:"response"`
	Index    int             `json:"output_index"`
	Summary  int             `json:"summary_index"`
	Item     json.RawMessage `json:"item"`
	Delta    json.RawMessage `json:"delta"` // a string in the events that count here
	Error    json.RawMessage `json:"error"`
}

type decoder struct {
	open map[int]*growing
}

// growing is an output item that is being streamed.
type growing struct {
	slot *wire.Slot
	kind string
}

// Whole implements wire.Decoder.
func (d *decoder) Whole(body []byte, a *wire.Answer) error {
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return wire.Malformed(err)
	}
	if r.Status == "" {
		if wire.Present(r.Error) {
			return wire.Failure(body)
		}
		return wire.Malformed(errors.New("no response"))
	}
	return d.finish(&r, a)
}

// finish takes the last word on an answer.
func (d *decoder) finish(r *reply, a *wire.Answer) error {
	if r.Model != "" {
		a.Served = r.Model
	}
	a.FinishRaw = r.Status
	if u := r.Usage; u != nil {
		a.Use(u.Input, u.InputDetails.Cached, u.InputDetails.Write, u.Output, u.OutputDetails.Reasoning)
	}
	for i, raw := range r.Output {
		if err := d.item(i, raw, true, a); err != nil {
			return err
		}
	}
	reason := ""
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

// item reads an output item that is beginning or done. Words that were streamed are not taken twice.
func (d *decoder) item(index int, raw json.RawMessage, done bool, a *wire.Answer) error {
	var o output
	if err := json.Unmarshal(raw, &o); err != nil {
		return wire.Malformed(err)
	}
	g := d.open[index]
	if g == nil {
		g = &growing{kind: o.Type}
		switch o.Type {
		case "message":
			g.slot = a.Open(llm.PartText)
		case "function_call":
			g.slot = a.Call(o.CallID, o.Name)
		default:
			g.slot = a.Open(llm.PartReasoning)
		}
		if d.open == nil {
			d.open = map[int]*growing{}
		}
		d.open[index] = g
	}
	if !done || g.kind != o.Type {
		return nil
	}
	fresh := len(g.slot.Bytes()) == 0
	switch o.Type {
	case "message":
		for _, c := range o.Content {
			if fresh {
				g.slot.Write(c.Text)
			}
			if c.Refusal != "" {
				a.Refusal(c.Refusal)
			}
		}
		if o.Phase != "" {
			g.slot.Opaque = wire.MustJSON(phase{o.Phase})
		}
	case "function_call":
		if fresh {
			g.slot.Write(o.Arguments)
		}
	case "reasoning":
		if fresh {
			words := o.Summary
			if len(words) == 0 {
				words = o.Content
			}
			for i, s := range words {
				if i > 0 {
					g.slot.Write("\n\n")
				}
				g.slot.Write(s.Text)
			}
		}
		if o.Encrypted != "" { // without it the API knows nothing of an item that it did not store
			g.slot.Opaque = raw
		}
	}
	return nil
}

// Event implements wire.Decoder.
func (d *decoder) Event(ev wire.Event, a *wire.Answer) (bool, error) {
	var e event
	if err := json.Unmarshal(ev.Data, &e); err != nil {
		if string(ev.Data) == "[DONE]" { // some servers add it
			return false, nil
		}
		return false, wire.Malformed(err)
	}
	switch e.Type {
	case "response.created", "response.in_progress", "response.queued":
		if e.Response != nil {
			a.Served = e.Response.Model
		}
	case "response.output_item.added", "response.output_item.done":
		return false, d.item(e.Index, e.Item, e.Type == "response.output_item.done", a)
	case "response.output_text.delta", "response.function_call_arguments.delta", "response.reasoning_summary_text.delta", "response.reasoning_text.delta":
		g := d.open[e.Index]
		if g == nil && e.Type == "response.output_text.delta" { // not announced by an item
			if err := d.item(e.Index, json.RawMessage(`{"type":"message"}`), false, a); err != nil {
				return false, err
			}
			g = d.open[e.Index]
		}
		if g != nil {
			g.slot.Write(words(e.Delta))
		}
	case "response.reasoning_summary_part.added":
		if g := d.open[e.Index]; g != nil && e.Summary > 0 {
			g.slot.Write("\n\n")
		}
	case "response.refusal.delta":
		a.Refuse(words(e.Delta))
	case "response.completed", "response.incomplete", "response.failed", "response.cancelled":
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
		case wire.Present(e.Error):
			return false, wire.Failure(ev.Data)
		}
		return false, wire.Malformed(errors.New("an event without a type"))
	}
	return false, nil
}

func words(raw json.RawMessage) string {
	var s string
	_ = json.Unmarshal(raw, &s)
	return s
}
