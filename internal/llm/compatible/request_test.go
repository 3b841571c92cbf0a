package compatible

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"codeforge/internal/llm"
)

var picture = []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartImage, Image: &llm.Image{Type: "image/png", Data: []byte("png")}}}}}

// conversation is a call of a provider's and its result.
func conversation(provider, id string) []llm.Message {
	return []llm.Message{
		{Role: llm.RoleAssistant, Parts: []llm.Part{{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: "f", Arguments: json.RawMessage(`{}`)}, Provider: provider, Model: "m"}}},
		{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: id, Name: "f", Content: "1"}}}},
	}
}

func TestRequest(t *testing.T) {
	schema := &llm.Schema{Name: "n", JSON: json.RawMessage(`{"type":"object"}`)}
	reasoned := llm.Part{Kind: llm.PartReasoning, Opaque: json.RawMessage(`{"reasoning_content":"hm","reasoning_details":[{"a":1}]}`), Provider: "compatible", Model: "m"}
	called := llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "c1", Name: "f", Arguments: json.RawMessage(`{"a":1}`)}}
	for name, c := range map[string]struct {
		o          llm.Dialect
		req        llm.Request
		stream     bool
		has, lacks []string
	}{
		"as little as can be":   {llm.Dialect{}, llm.Request{Model: "m", Messages: []llm.Message{llm.UserText("hi")}}, false, []string{`{"model":"m","messages":[{"role":"user","content":"hi"}]}`}, nil},
		"a stream with usage":   {llm.Dialect{}, llm.Request{}, true, []string{`"stream":true,"stream_options":{"include_usage":true}`}, nil},
		"without the option":    {llm.Dialect{Omit: []string{"stream_options"}}, llm.Request{}, true, []string{`"stream":true`}, []string{"stream_options"}},
		"limit":                 {llm.Dialect{}, llm.Request{MaxOutput: 7}, false, []string{`"max_tokens":7`}, []string{"max_completion_tokens"}},
		"limit as OpenAI's own": {llm.Dialect{Limit: "max_completion_tokens"}, llm.Request{MaxOutput: 7}, false, []string{`"max_completion_tokens":7`}, []string{"max_tokens"}},
		"effort":                {llm.Dialect{}, llm.Request{Effort: "low"}, false, []string{`"reasoning_effort":"low"`}, nil},
		"schema":                {llm.Dialect{}, llm.Request{Schema: schema}, false, []string{`"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object"}}}`}, []string{"tool_choice"}},
		"JSON only":             {llm.Dialect{Schema: "json_object"}, llm.Request{System: "s", Schema: schema}, false, []string{`"response_format":{"type":"json_object"}`, `"content":"s\n\n`, `{\"type\":\"object\"}`}, nil},
		"thoughts that led to a call go back": {llm.Dialect{}, llm.Request{Model: "m", Messages: []llm.Message{{Role: llm.RoleAssistant, Parts: []llm.Part{reasoned, called}}}}, false,
			[]string{`"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}}]`, `"reasoning_content":"hm","reasoning_details":[{"a":1}]`}, nil},
		"thoughts that led to an answer do not": {llm.Dialect{}, llm.Request{Model: "m", Messages: []llm.Message{{Role: llm.RoleAssistant, Parts: []llm.Part{reasoned, llm.Text("x")}}}}, false, nil, []string{"reasoning_content"}},
		"nor to another model":                  {llm.Dialect{}, llm.Request{Model: "n", Messages: []llm.Message{{Role: llm.RoleAssistant, Parts: []llm.Part{reasoned, called}}}}, false, nil, []string{"reasoning"}},
		"each result is a message, before the words": {llm.Dialect{}, llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{
			{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: "c1", Content: "1"}}, {Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: "c2", Content: ""}}, llm.Text("and?")}}}}, false,
			[]string{`[{"role":"tool","content":"1","tool_call_id":"c1"},{"role":"tool","content":"","tool_call_id":"c2"},{"role":"user","content":"and?"}]`}, nil},
		"a picture, after its words": {llm.Dialect{AfterTool: "joined"}, llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{llm.Text("see"), {Kind: llm.PartImage, Image: &llm.Image{Type: "image/png", Data: []byte("png")}}}}}}, false,
			[]string{`[{"role":"user","content":[{"type":"text","text":"see"},{"type":"image_url","image_url":{"url":"data:image/png;base64,cG5n"}}]}]`}, nil},
		"and after a system's text that the user says": {llm.Dialect{System: "user"}, llm.Request{System: "s", Messages: picture}, false,
			[]string{`[{"role":"user","content":[{"type":"text","text":"s"},{"type":"image_url"`}, nil},
		"a picture that nobody sees": {llm.Dialect{Images: "none"}, llm.Request{Messages: picture}, false, []string{`"content":"(A picture was attached`}, []string{"cG5n"}},
		"its own ids go back as they came": {llm.Dialect{}, llm.Request{Messages: conversation("compatible", "functions.f:0")}, false,
			[]string{`"tool_calls":[{"id":"functions.f:0"`, `"tool_call_id":"functions.f:0"`}, nil},
		"another's in a form that all take": {llm.Dialect{}, llm.Request{Messages: conversation("elsewhere", "functions.f:0")}, false,
			[]string{`"tool_calls":[{"id":"call_`, `"tool_call_id":"call_`}, []string{"functions.f:0"}},
	} {
		b := sent(t, c.o, &c.req, c.stream)
		for _, s := range c.has {
			if !strings.Contains(string(b), s) {
				t.Errorf("%s: %s\nlacks %s", name, b, s)
			}
		}
		for _, s := range c.lacks {
			if strings.Contains(string(b), s) {
				t.Errorf("%s: %s\nhas %s", name, b, s)
			}
		}
	}
}

// sent is the body of a request in a dialect, as an endpoint gets it.
func sent(t *testing.T, d llm.Dialect, req *llm.Request, stream bool) (body []byte) {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { body, _ = io.ReadAll(r.Body) }))
	defer srv.Close()
	_, _ = New(Options{BaseURL: srv.URL, Stream: &stream, Dialect: func(string) llm.Dialect { return d }}).Generate(t.Context(), req, nil)
	return body
}
