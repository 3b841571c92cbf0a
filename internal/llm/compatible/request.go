package compatible

import (
	"encoding/json"
	"strings"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

type request struct {
	Model         string         `json:"model"`
	Tools         []tool         `json:"tools,omitempty"`
	Messages      []message      `json:"messages"`
	MaxTokens     int            `json:"max_tokens,omitempty"`
	MaxCompletion int            `json:"max_completion_tokens,omitempty"`
	Temperature   *float64       `json:"temperature,omitempty"`
	Effort        string         `json:"reasoning_effort,omitempty"`
	Format        *format        `json:"response_format,omitempty"`
	Stream        bool           `json:"stream,omitempty"`
	StreamOptions *streamOptions `json:"stream_options,omitempty"`
}

type streamOptions struct {
	IncludeUsage bool `json:"include_usage"`
}

type tool struct {
	Type     string   `json:"type"`
	Function function `json:"function"`
}

type function struct {
	Name        string          `json:"name"`
	Description string          `json:"description,omitempty"`
	Parameters  json.RawMessage `json:"parameters"`
	Strict      bool            `json:"strict,omitempty"`
}

type message struct {
	Role       string          `json:"role"`
	Content    *string         `json:"content,omitempty"`
	ToolCalls  []toolCall      `json:"tool_calls,omitempty"`
	ToolCallID string          `json:"tool_call_id,omitempty"`
	Reasoning  string          `json:"reasoning_content,omitempty"`
	Details    json.RawMessage `json:"reasoning_details,omitempty"`
	Extra      json.RawMessage `json:"extra_content,omitempty"`
}

type toolCall struct {
	ID       string          `json:"id"`
	Type     string          `json:"type"`
	Function calledFunction  `json:"function"`
	Extra    json.RawMessage `json:"extra_content,omitempty"`
}

type calledFunction struct {
	Name      string `json:"name"`
	Arguments string `json:"arguments"`
}

type format struct {
	Type   string  `json:"type"`
	Schema *schema `json:"json_schema,omitempty"`
}

type schema struct {
	Name   string          `json:"name"`
	Schema json.RawMessage `json:"schema"`
	Strict bool            `json:"strict,omitempty"`
}

func (p *Provider) body(req *llm.Request, stream bool) *request {
	r := &request{Model: req.Model, Temperature: req.Temperature, Effort: req.Effort, Stream: stream, Messages: []message{}}
	if p.o.MaxCompletionTokens {
		r.MaxCompletion = req.MaxOutput
	} else {
		r.MaxTokens = req.MaxOutput
	}
	if stream && !p.o.NoUsageOption {
		r.StreamOptions = &streamOptions{true}
	}
	for _, t := range req.Tools {
		r.Tools = append(r.Tools, tool{"function", function{t.Name, t.Description, t.Parameters, wire.Strict(t.Parameters)}})
	}
	system := req.System
	if s := req.Schema; s != nil && p.o.JSONObject {
		r.Format = &format{Type: "json_object"}
		system = strings.TrimSpace(system + "\n\nAnswer with one JSON object that fits this JSON Schema, and nothing else:\n" + string(s.JSON))
	} else if s != nil {
		r.Format = &format{"json_schema", &schema{s.Name, s.JSON, wire.Strict(s.JSON)}}
	}
	if system != "" {
		r.Messages = append(r.Messages, message{Role: "system", Content: &system})
	}
	own := map[string]bool{}
	for _, m := range req.Messages {
		r.Messages = append(r.Messages, p.turn(m, req.Model, own)...)
	}
	return r
}

// id is the id of a call as it goes back: byte for byte where the endpoint gave it, since some read the name of the tool and the
// place of the call out of it, else in the form that all take.
func id(s string, own map[string]bool) string {
	if own[s] {
		return s
	}
	return wire.ID(s)
}

// turn is a message of ours as theirs: each tool result is one of its own. own are the ids that the endpoint gave.
func (p *Provider) turn(m llm.Message, model string, own map[string]bool) []message {
	var results []message
	said := message{Role: string(m.Role)}
	var text strings.Builder
	for _, part := range m.Parts {
		switch part.Kind {
		case llm.PartText, llm.PartRefusal:
			text.WriteString(part.Text)
		case llm.PartReasoning:
			var k kept
			if wire.Mine(part, p.Name(), model) && json.Unmarshal(part.Opaque, &k) == nil {
				said.Reasoning, said.Details, said.Extra = k.Reasoning, k.Details, k.Extra
			}
		case llm.PartToolCall:
			own[part.Call.ID] = part.Provider == p.Name()
			c := toolCall{ID: id(part.Call.ID, own), Type: "function", Function: calledFunction{part.Call.Name, string(wire.Arguments(part.Call))}}
			if wire.Mine(part, p.Name(), model) {
				c.Extra = part.Opaque
			}
			said.ToolCalls = append(said.ToolCalls, c)
		case llm.PartToolResult:
			results = append(results, message{Role: "tool", ToolCallID: id(part.Result.ID, own), Content: new(part.Result.Content)})
		}
	}
	if len(said.ToolCalls) == 0 {
		// Endpoints want the thoughts back that led to a call; those that led to an answer some of them refuse.
		said.Reasoning = ""
	}
	if text.Len() > 0 {
		said.Content = new(text.String())
	}
	if said.Content == nil && said.ToolCalls == nil {
		return results
	}
	return append(results, said)
}
