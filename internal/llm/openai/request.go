package openai

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

type request struct {
	Model        string     `json:"model"`
	Instructions string     `json:"instructions,omitempty"`
	Tools        []tool     `json:"tools,omitempty"`
	Input        []any      `json:"input"` // item, or json.RawMessage that goes back as it came
	MaxOutput    int        `json:"max_output_tokens,omitempty"`
	Temperature  *float64   `json:"temperature,omitempty"`
	Reasoning    *reasoning `json:"reasoning,omitempty"`
	Text         *text      `json:"text,omitempty"`
	Include      []string   `json:"include,omitempty"`
	CacheKey     string     `json:"prompt_cache_key,omitempty"`
	Store        bool       `json:"store"` // false: the conversation is ours to keep
	Stream       bool       `json:"stream,omitempty"`
}

type tool struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      bool            `json:"strict"` // left out it means true
}

type item struct {
	Type      string    `json:"type,omitempty"`
	Role      string    `json:"role,omitempty"`
	Phase     string    `json:"phase,omitempty"`
	Content   []content `json:"content,omitempty"`
	CallID    string    `json:"call_id,omitempty"`
	Name      string    `json:"name,omitempty"`
	Arguments *string   `json:"arguments,omitempty"`
	Output    *string   `json:"output,omitempty"`
}

type content struct {
	Type    string `json:"type"`
	Text    string `json:"text,omitempty"`
	Refusal string `json:"refusal,omitempty"`
	Image   string `json:"image_url,omitempty"`
	Detail  string `json:"detail,omitempty"`
}

type reasoning struct {
	Effort string `json:"effort"`
}

type text struct {
	Format format `json:"format"`
}

type format struct {
	Type   string          `json:"type"`
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict bool            `json:"strict"`
}

func requestBody(req *llm.Request, provider string, limit int, stream bool) *request {
	r := &request{Model: req.Model, Instructions: req.System, MaxOutput: limit, Temperature: req.Temperature, Stream: stream, Input: []any{}}
	for _, t := range req.Tools {
		r.Tools = append(r.Tools, tool{"function", t.Name, t.Description, t.Parameters, wire.Strict(t.Parameters)})
	}
	for _, m := range req.Messages {
		r.add(m, provider, req.Model)
	}
	if req.Effort != "" {
		r.Reasoning = &reasoning{req.Effort}
		if req.Effort != "none" { // models that do not reason refuse it
			r.Include = []string{"reasoning.encrypted_content"}
		}
	}
	if s := req.Schema; s != nil {
		r.Text = &text{format{"json_schema", s.Name, s.JSON, wire.Strict(s.JSON)}}
	}
	if req.System != "" || len(req.Tools) > 0 {
		r.CacheKey = r.prefix()
	}
	return r
}

// prefix names what requests that can share a cache begin with.
func (r *request) prefix() string {
	h := sha256.New()
	_ = json.NewEncoder(h).Encode([]any{r.Model, r.Instructions, r.Tools})
	return hex.EncodeToString(h.Sum(nil)[:16])
}

func (r *request) add(m llm.Message, provider, model string) {
	for _, p := range m.Parts {
		mine := wire.Mine(p, provider, model)
		switch p.Kind {
		case llm.PartReasoning:
			if mine {
				r.Input = append(r.Input, p.Opaque)
			}
		case llm.PartText, llm.PartRefusal:
			r.addText(m.Role, p, mine)
		case llm.PartImage:
			r.Input = append(r.Input, item{Role: string(m.Role), Content: []content{{Type: "input_image", Image: wire.DataURL(p.Image), Detail: "auto"}}})
		case llm.PartToolCall:
			r.Input = append(r.Input, item{Type: "function_call", CallID: wire.ID(p.Call.ID), Name: p.Call.Name, Arguments: new(string(wire.Arguments(p.Call)))})
		case llm.PartToolResult:
			r.Input = append(r.Input, item{Type: "function_call_output", CallID: wire.ID(p.Result.ID), Output: new(p.Result.Content)})
		}
	}
}

func (r *request) addText(role llm.Role, p llm.Part, mine bool) {
	if p.Text == "" {
		return
	}
	it := item{Role: string(role), Content: []content{{Type: "input_text", Text: p.Text}}}
	if role == llm.RoleAssistant {
		it.Type, it.Content[0].Type = "message", "output_text"
		if p.Kind == llm.PartRefusal {
			it.Content[0] = content{Type: "refusal", Refusal: p.Text}
		}
		var kept phase
		if mine && json.Unmarshal(p.Opaque, &kept) == nil {
			it.Phase = kept.Phase
		}
	}
	r.Input = append(r.Input, it)
}
