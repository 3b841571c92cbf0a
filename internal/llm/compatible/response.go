package compatible

import (
	"encoding/json"
	"errors"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// reply is a whole answer or a chunk of one.
type reply struct {
	Model   string          `json:"model"`
	Choices *[]choice       `json:"choices"`
	Usage   *usage          `json:"usage"`
	Error   json.RawMessage `json:"error"`
	Groq    *struct {
		Usage *usage          `json:"usage"`
		Error json.RawMessage `json:"error"`
	} `json:"x_groq"`
}

type choice struct {
	Index   int             `json:"index"`
	Message *said           `json:"message"`
	Delta   *said           `json:"delta"`
	Finish  string          `json:"finish_reason"`
	Usage   *usage          `json:"usage"` // Moonshot
	Error   json.RawMessage `json:"error"` // OpenRouter
}

type said struct {
	Content          json.RawMessage `json:"content"` // a string, null, or parts
	Refusal          string          `json:"refusal"`
	ReasoningContent string          `json:"reasoning_content"`
	Reasoning        json.RawMessage `json:"reasoning"` // a string
	Details          []detail        `json:"reasoning_details"`
	Extra            json.RawMessage `json:"extra_content"`
	ToolCalls        []called        `json:"tool_calls"`
}

type called struct {
	Index    *int   `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"` // a string; from some an object
	} `json:"function"`
	Extra json.RawMessage `json:"extra_content"`
}

// detail is a piece of OpenRouter's reasoning_details, which have to go back in the shape in which they came.
type detail map[string]any

type usage struct {
	Prompt        int64 `json:"prompt_tokens"`
	PromptDetails *struct {
		Cached int64 `json:"cached_tokens"`
		Write  int64 `json:"cache_write_tokens"`
	} `json:"prompt_tokens_details"`
	CacheHit          int64 `json:"prompt_cache_hit_tokens"` // DeepSeek
	Cached            int64 `json:"cached_tokens"`           // Moonshot
	Completion        int64 `json:"completion_tokens"`
	CompletionDetails *struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"completion_tokens_details"`
}

// kept is what goes back with the next turn, on the assistant's message.
type kept struct {
	Reasoning string          `json:"reasoning_content,omitempty"`
	Details   json.RawMessage `json:"reasoning_details,omitempty"`
	Extra     json.RawMessage `json:"extra_content,omitempty"`
}

type decoder struct {
	text, thoughts *wire.Slot
	calls          []*wire.Slot
	at             map[int]*wire.Slot // the call that an index means now
	details        []detail
	extra          json.RawMessage
	content        bool // the thoughts came as reasoning_content
}

// Whole implements wire.Decoder.
func (d *decoder) Whole(body []byte, a *wire.Answer) error {
	var r reply
	if err := json.Unmarshal(body, &r); err != nil {
		return wire.Malformed(err)
	}
	if r.Choices == nil {
		if anyError(body, &r) {
			return wire.Failure(body)
		}
		return wire.Malformed(errors.New("no choices"))
	}
	return d.take(&r, body, a)
}

// anyError says whether a body without choices is an error: some endpoints send its fields without a box around them.
func anyError(body []byte, r *reply) bool {
	var flat struct {
		Object  string `json:"object"`
		Message any    `json:"message"`
		Detail  any    `json:"detail"`
	}
	return wire.Present(r.Error) || json.Unmarshal(body, &flat) == nil && (flat.Object == "error" || flat.Message != nil || flat.Detail != nil)
}

// Event implements wire.Decoder.
func (d *decoder) Event(ev wire.Event, a *wire.Answer) (bool, error) {
	if string(ev.Data) == "[DONE]" {
		if a.FinishRaw == "" { // servers say so too when they lose the model behind them
			return false, wire.Interrupted()
		}
		d.seal()
		a.Complete()
		return true, nil
	}
	var r reply
	if err := json.Unmarshal(ev.Data, &r); err != nil {
		var flat struct {
			Error any `json:"error"`
		}
		if json.Unmarshal(ev.Data, &flat) == nil && flat.Error != nil {
			return false, wire.Failure(ev.Data)
		}
		return false, wire.Malformed(err)
	}
	if r.Choices == nil && r.Usage == nil && r.Groq == nil {
		if ev.Name == "error" || anyError(ev.Data, &r) {
			return false, d.failed(ev.Data, a)
		}
		if r.Model == "" {
			return false, wire.Malformed(errors.New("an event of unknown shape"))
		}
	}
	if err := d.take(&r, ev.Data, a); err != nil {
		return false, err
	}
	if r.Choices != nil && len(*r.Choices) > 0 && (*r.Choices)[0].Message != nil && (*r.Choices)[0].Delta == nil { // asked for a stream, given a whole answer
		d.seal()
		a.Complete()
		return true, nil
	}
	return false, nil
}

// failed is what an error object in an answer means. After an end by length it only says once more that the limit left
// too little.
func (d *decoder) failed(body []byte, a *wire.Answer) error {
	if a.Finish == llm.FinishLength {
		a.Cut = true
		return nil
	}
	return wire.Failure(body)
}

func (d *decoder) take(r *reply, body []byte, a *wire.Answer) error {
	if r.Model != "" {
		a.Served = r.Model
	}
	d.use(r.Usage, a)
	wrong := r.Error
	if r.Groq != nil {
		d.use(r.Groq.Usage, a)
		if wire.Present(r.Groq.Error) {
			wrong = r.Groq.Error
		}
	}
	if r.Choices != nil {
		for _, c := range *r.Choices {
			if c.Index != 0 {
				continue
			}
			d.use(c.Usage, a)
			for _, s := range []*said{c.Message, c.Delta} {
				if s != nil {
					if err := d.say(s, a); err != nil {
						return err
					}
				}
			}
			d.stop(c.Finish, a)
			if wire.Present(c.Error) && !wire.Present(wrong) {
				body, wrong = c.Error, c.Error
			}
			if c.Message != nil && c.Delta == nil {
				d.seal()
			}
			break
		}
	}
	if wire.Present(wrong) {
		return d.failed(body, a)
	}
	return nil
}

func (d *decoder) say(s *said, a *wire.Answer) error {
	thought := s.ReasoningContent
	if thought != "" {
		d.content = true
	} else {
		_ = json.Unmarshal(s.Reasoning, &thought)
	}
	if thought != "" {
		d.think(a).Write(thought)
	}
	for _, e := range s.Details {
		d.detail(e)
	}
	if wire.Present(s.Extra) {
		d.extra = s.Extra
	}
	if text := flatten(s.Content); text != "" {
		if d.text == nil {
			d.text = a.Open(llm.PartText)
		}
		d.text.Write(text)
	}
	a.Refuse(s.Refusal)
	for _, c := range s.ToolCalls {
		d.call(c, a)
	}
	if (len(d.details) > 0 || d.extra != nil) && d.thoughts == nil {
		d.think(a)
	}
	return nil
}

func (d *decoder) think(a *wire.Answer) *wire.Slot {
	if d.thoughts == nil {
		d.thoughts = a.Open(llm.PartReasoning)
	}
	return d.thoughts
}

// detail joins what is streamed of one detail.
func (d *decoder) detail(e detail) {
	if n := len(d.details); n > 0 {
		last := d.details[n-1]
		if last["type"] == e["type"] && last["index"] == e["index"] && e["index"] != nil {
			for k, v := range e {
				old, ok := last[k].(string)
				if add, isText := v.(string); ok && isText && (k == "text" || k == "summary" || k == "data" || k == "signature") {
					last[k] = old + add
				} else if v != nil {
					last[k] = v
				}
			}
			return
		}
	}
	d.details = append(d.details, e)
}

// call takes a piece of a tool call. Endpoints leave the index out, give every call the same one, or send no id: a call
// begins where the id changes, or where a name comes after arguments that are whole.
func (d *decoder) call(c called, a *wire.Answer) {
	var s *wire.Slot
	switch {
	case c.Index != nil:
		s = d.at[*c.Index]
	case c.ID == "" && c.Function.Name == "" && len(d.calls) > 0:
		s = d.calls[len(d.calls)-1]
	case c.ID != "":
		for _, o := range d.calls {
			if o.ID == c.ID {
				s = o
			}
		}
	}
	if s != nil && (c.ID != "" && s.ID != "" && c.ID != s.ID || c.ID == "" && c.Function.Name != "" && len(s.Bytes()) > 0 && json.Valid(s.Bytes())) {
		s = nil
	}
	if s == nil {
		s = a.Call(c.ID, c.Function.Name)
		d.calls = append(d.calls, s)
		if c.Index != nil {
			if d.at == nil {
				d.at = map[int]*wire.Slot{}
			}
			d.at[*c.Index] = s
		}
	}
	if s.ID == "" {
		s.ID = c.ID
	}
	if s.Name == "" {
		s.Name = c.Function.Name
	}
	if wire.Present(c.Extra) {
		s.Opaque = c.Extra
	}
	args := string(c.Function.Arguments)
	if len(args) > 0 && args[0] == '"' {
		_ = json.Unmarshal(c.Function.Arguments, &args)
	} else if args == "null" {
		args = ""
	}
	s.Write(args)
}

// seal keeps what has to go back unchanged with the next turn.
func (d *decoder) seal() {
	if d.thoughts == nil {
		return
	}
	k := kept{Extra: d.extra}
	if d.content {
		k.Reasoning = string(d.thoughts.Bytes())
	}
	if len(d.details) > 0 {
		k.Details = wire.MustJSON(d.details)
	}
	if k.Reasoning != "" || k.Details != nil || k.Extra != nil {
		d.thoughts.Opaque = wire.MustJSON(k)
	}
}

func (d *decoder) stop(reason string, a *wire.Answer) {
	if reason == "" {
		return
	}
	a.FinishRaw = reason
	switch reason {
	case "stop", "eos", "eos_token", "end_turn", "stop_sequence", "COMPLETE", "STOP":
		a.Finish = llm.FinishStop
	case "length", "max_tokens", "model_length", "MAX_TOKENS":
		a.Finish = llm.FinishLength
	case "tool_calls", "function_call", "tool_use":
		a.Finish = llm.FinishToolCalls
	case "content_filter", "safety", "SAFETY", "sensitive":
		a.Finish = llm.FinishContentFilter
	case "refusal":
		a.Finish = llm.FinishRefusal
	case "insufficient_system_resource":
		a.Finish, a.Failure = llm.FinishError, llm.Overloaded
	case "error", "abort", "aborted", "cancelled", "network_error":
		a.Finish = llm.FinishError
	default:
		a.Finish = llm.FinishOther
	}
}

func (d *decoder) use(u *usage, a *wire.Answer) {
	if u == nil {
		return
	}
	cached, write, thought := max(u.CacheHit, u.Cached), int64(0), int64(0)
	if u.PromptDetails != nil {
		cached, write = max(cached, u.PromptDetails.Cached), u.PromptDetails.Write
	}
	if u.CompletionDetails != nil {
		thought = u.CompletionDetails.Reasoning
	}
	a.Use(u.Prompt, cached, write, u.Completion, thought)
}

// flatten is the text of a content, which may come in parts.
func flatten(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) == nil {
		return s
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	_ = json.Unmarshal(raw, &parts)
	for _, p := range parts {
		if p.Type == "text" {
			s += p.Text
		}
	}
	return s
}
