package compatible

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"regexp"
	"slices"
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
	Content    json.RawMessage `json:"content,omitempty"` // a string, null, or a list of texts and pictures
	Name       string          `json:"name,omitempty"`
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

// asWords stands, as JSON, where an endpoint wants words beside calls of tools.
const asWords = `"Calling tools."`

// unshown stands where an endpoint wants thoughts back and there are none.
const unshown = "(not shown)"

// speaker writes requests in one dialect.
type speaker struct {
	d               llm.Dialect
	provider, model string
	own             map[string]bool // ids of calls that the endpoint gave
}

func (s *speaker) requestBody(req *llm.Request, limit int, stream bool) *request {
	r := &request{Model: req.Model, Temperature: req.Temperature, Effort: req.Effort, Stream: stream, Messages: []message{}}
	switch s.d.Limit {
	case "", "max_tokens":
		r.MaxTokens = limit
	case "max_completion_tokens":
		r.MaxCompletion = limit
	}
	if stream {
		r.StreamOptions = &streamOptions{true}
	}
	for _, t := range req.Tools {
		r.Tools = append(r.Tools, tool{"function", function{t.Name, t.Description, t.Parameters, wire.Strict(t.Parameters)}})
	}
	system := req.System
	if f := req.Schema; f != nil {
		switch s.d.Schema {
		case "json_object":
			r.Format = &format{Type: "json_object"}
			fallthrough
		case "words":
			system = strings.TrimSpace(system + "\n\nAnswer with one JSON object that fits this JSON Schema, and nothing else:\n" + string(f.JSON))
		default:
			r.Format = &format{"json_schema", &schema{f.Name, f.JSON, wire.Strict(f.JSON)}}
		}
	}
	if system != "" && s.d.System != "user" {
		r.Messages = append(r.Messages, message{Role: cmp.Or(s.d.System, "system"), Content: asContent(system)})
		system = ""
	}
	for _, m := range req.Messages {
		r.Messages = append(r.Messages, s.turn(m)...)
	}
	if system != "" {
		r.Messages = slices.Insert(r.Messages, 0, message{Role: string(llm.RoleUser), Content: asContent(system)})
		if len(r.Messages) > 1 && r.Messages[1].Role == string(llm.RoleUser) {
			r.Messages[1].Content = prepend(system, r.Messages[1].Content)
			r.Messages = r.Messages[1:]
		}
	}
	return r
}

func asContent(s string) json.RawMessage { return wire.MustJSON(s) }

// contentPart is a piece of a message that is not all text.
type contentPart struct {
	Type  string    `json:"type"`
	Text  string    `json:"text,omitempty"`
	Image *imageURL `json:"image_url,omitempty"`
}

type imageURL struct {
	URL string `json:"url"`
}

// asParts is a text and the pictures after it.
func asParts(text string, images []*llm.Image) json.RawMessage {
	var parts []contentPart
	if text != "" {
		parts = append(parts, contentPart{Type: "text", Text: text})
	}
	for _, i := range images {
		parts = append(parts, contentPart{Type: "image_url", Image: &imageURL{wire.DataURL(i)}})
	}
	return wire.MustJSON(parts)
}

// prepend puts a text before a message's content.
func prepend(text string, content json.RawMessage) json.RawMessage {
	var parts []contentPart
	if json.Unmarshal(content, &parts) == nil && len(parts) > 0 {
		return wire.MustJSON(slices.Insert(parts, 0, contentPart{Type: "text", Text: text}))
	}
	return asContent(text + "\n\n" + fromContent(content))
}

func fromContent(content json.RawMessage) (s string) {
	_ = json.Unmarshal(content, &s)
	return s
}

// turn is a message of ours as theirs: each tool result is one of its own.
func (s *speaker) turn(m llm.Message) []message {
	var results []message
	own := message{Role: string(m.Role)}
	var words strings.Builder
	var images []*llm.Image
	for _, part := range m.Parts {
		switch part.Kind {
		case llm.PartText, llm.PartRefusal:
			words.WriteString(part.Text)
		case llm.PartImage:
			images = append(images, part.Image)
		case llm.PartReasoning:
			var k opaqueState
			if wire.Mine(part, s.provider, s.model) && json.Unmarshal(part.Opaque, &k) == nil {
				own.Reasoning, own.Details, own.Extra = k.Reasoning, k.Details, k.Extra
			}
		case llm.PartToolCall:
			s.own[part.Call.ID] = part.Provider == s.provider
			c := toolCall{ID: s.id(part.Call.ID), Type: "function", Function: calledFunction{part.Call.Name, string(wire.Arguments(part.Call))}}
			if wire.Mine(part, s.provider, s.model) {
				c.Extra = part.Opaque
			}
			own.ToolCalls = append(own.ToolCalls, c)
		case llm.PartToolResult:
			r := message{Role: "tool", ToolCallID: s.id(part.Result.ID), Content: asContent(part.Result.Content)}
			if s.d.ToolNames {
				r.Name = part.Result.Name
			}
			results = append(results, r)
		}
	}
	if len(own.ToolCalls) == 0 {
		// Endpoints want the thoughts back that led to a call; those that led to an answer some of them refuse.
		own.Reasoning = ""
	} else if s.d.Thoughts && own.Reasoning == "" {
		own.Reasoning = unshown
	}
	switch {
	case len(images) > 0:
		own.Content = asParts(words.String(), images)
	case words.Len() > 0 && (own.ToolCalls == nil || s.d.Content != "drop"):
		own.Content = asContent(words.String())
	case own.ToolCalls == nil:
		return results
	case s.d.Content == "null":
		own.Content = json.RawMessage("null")
	case s.d.Content == "empty":
		own.Content = asContent("")
	case s.d.Content == "words":
		own.Content = json.RawMessage(asWords)
	}
	if n := len(results); n > 0 && s.d.AfterTool == "joined" && own.ToolCalls == nil && len(images) == 0 {
		results[n-1].Content = asContent(fromContent(results[n-1].Content) + "\n\n" + words.String())
		return results
	}
	return append(results, own)
}

// id is the id of a call as it goes back: byte for byte where the endpoint gave it, since some read the name of the tool and the
// place of the call out of it, else in the form that all take.
func (s *speaker) id(id string) string {
	switch {
	case s.d.ToolIDs == "short" && !shortID.MatchString(id):
		sum := sha256.Sum256([]byte(id))
		return hex.EncodeToString(sum[:])[:9]
	case s.own[id]:
		return id
	}
	return wire.ID(id)
}

var shortID = regexp.MustCompile(`^[a-zA-Z0-9]{9}$`)
