package anthropic

import (
	"cmp"
	"encoding/json"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// maxTokens is asked for when the caller sets no limit, since the API wants one.
const maxTokens = 32000

type request struct {
	Model       string    `json:"model"`
	MaxTokens   int       `json:"max_tokens"`
	Tools       []tool    `json:"tools,omitempty"`
	System      []*block  `json:"system,omitempty"`
	Messages    []message `json:"messages"`
	Temperature *float64  `json:"temperature,omitempty"`
	Thinking    *thinking `json:"thinking,omitempty"`
	Output      *output   `json:"output_config,omitempty"`
	Stream      bool      `json:"stream,omitempty"`
}

type tool struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"input_schema"`
	Cache       *cache          `json:"cache_control,omitempty"`
}

type message struct {
	Role    string `json:"role"`
	Content []any  `json:"content"` // *block, or json.RawMessage that goes back as it came
}

type block struct {
	Type    string          `json:"type"`
	Text    string          `json:"text,omitempty"`
	Source  *source         `json:"source,omitempty"`
	ID      string          `json:"id,omitempty"`
	Name    string          `json:"name,omitempty"`
	Input   json.RawMessage `json:"input,omitempty"`
	UseID   string          `json:"tool_use_id,omitempty"`
	Content string          `json:"content,omitempty"`
	IsError bool            `json:"is_error,omitempty"`
	Cache   *cache          `json:"cache_control,omitempty"`
}

type source struct {
	Type      string `json:"type"`
	MediaType string `json:"media_type"`
	Data      []byte `json:"data"`
}

type cache struct {
	Type string `json:"type"`
}

type thinking struct {
	Type    string `json:"type"`
	Display string `json:"display,omitempty"`
}

type output struct {
	Effort string  `json:"effort,omitempty"`
	Format *format `json:"format,omitempty"`
}

type format struct {
	Type   string          `json:"type"`
	Schema json.RawMessage `json:"schema"`
}

func requestBody(req *llm.Request, provider string, limit int, stream bool) *request {
	r := &request{Model: req.Model, MaxTokens: cmp.Or(limit, maxTokens), Temperature: req.Temperature, Stream: stream}
	if req.System != "" {
		r.System = []*block{{Type: "text", Text: req.System}}
	}
	for _, t := range req.Tools {
		r.Tools = append(r.Tools, tool{Name: t.Name, Description: t.Description, Schema: t.Parameters})
	}
	for _, m := range req.Messages {
		if c := content(m, provider, req.Model); len(c) > 0 {
			r.Messages = append(r.Messages, message{string(m.Role), c})
		}
	}
	var out output
	switch req.Effort {
	case "":
	case "none":
		r.Thinking = &thinking{Type: "disabled"}
	default:
		r.Thinking = &thinking{Type: "adaptive", Display: "summarized"}
		if out.Effort = req.Effort; req.Effort == "minimal" {
			out.Effort = "low"
		}
	}
	if req.Schema != nil {
		out.Format = &format{"json_schema", narrow(req.Schema.JSON)}
	}
	if out != (output{}) {
		r.Output = &out
	}
	r.cachePoints()
	return r
}

func content(m llm.Message, provider, model string) []any {
	var c []any
	for _, p := range m.Parts {
		switch p.Kind {
		case llm.PartReasoning:
			if wire.Mine(p, provider, model) {
				c = append(c, p.Opaque)
			}
		case llm.PartText, llm.PartRefusal:
			if p.Text != "" {
				c = append(c, &block{Type: "text", Text: p.Text})
			}
		case llm.PartImage:
			c = append(c, &block{Type: "image", Source: &source{"base64", p.Image.Type, p.Image.Data}})
		case llm.PartToolCall:
			c = append(c, &block{Type: "tool_use", ID: wire.ID(p.Call.ID), Name: p.Call.Name, Input: wire.Arguments(p.Call)})
		case llm.PartToolResult:
			c = append(c, &block{Type: "tool_result", UseID: wire.ID(p.Result.ID), Content: p.Result.Content, IsError: p.Result.IsError})
		}
	}
	return c
}

// cachePoints marks what the next call is likely to begin with: the tools, the system's text, the conversation so far.
func (r *request) cachePoints() {
	point := &cache{"ephemeral"}
	if n := len(r.Tools); n > 0 {
		r.Tools[n-1].Cache = point
	}
	if n := len(r.System); n > 0 {
		r.System[n-1].Cache = point
	}
	for i := len(r.Messages) - 1; i >= 0; i-- {
		m := r.Messages[i]
		if b, ok := m.Content[len(m.Content)-1].(*block); ok && m.Role == string(llm.RoleUser) {
			b.Cache = point
			return
		}
	}
}

// narrow makes a schema one that the API takes: closed objects, and none of the bounds that it refuses. The answer is
// checked against the caller's own schema anyway.
func narrow(schema json.RawMessage) json.RawMessage {
	var v any
	if json.Unmarshal(schema, &v) != nil {
		return schema
	}
	wire.Subschemas(v, func(s map[string]any) {
		if s["type"] == "object" || s["properties"] != nil {
			s["additionalProperties"] = false
		}
		for _, k := range []string{"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
			"maxItems", "uniqueItems", "minProperties", "maxProperties", "$schema", "$id"} {
			delete(s, k)
		}
		if n, ok := s["minItems"].(float64); ok && n > 1 {
			s["minItems"] = 1
		}
	})
	return wire.MustJSON(v)
}
