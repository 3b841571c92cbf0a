package anthropic

import (
	"encoding/json"
	"strings"
	"testing"

	"codeforge/internal/llm"
)

func sent(t *testing.T, r *llm.Request) string {
	t.Helper()
	b, err := json.Marshal(requestBody(r, "anthropic", r.MaxOutput, false))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestRequest(t *testing.T) {
	object := json.RawMessage(`{"type":"object"}`)
	for name, c := range map[string]struct {
		req        llm.Request
		has, lacks []string
	}{
		"as little as can be": {llm.Request{Model: "m", Messages: []llm.Message{llm.UserText("hi")}},
			[]string{`{"model":"m","max_tokens":32000,"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}]}`}, nil},
		"cache points on tools, system and the last words of the user": {
			llm.Request{Model: "m", System: "s", Tools: []llm.Tool{{Name: "a", Parameters: object}, {Name: "b", Parameters: object}},
				Messages: []llm.Message{llm.UserText("one"), {Role: llm.RoleAssistant, Parts: []llm.Part{llm.Text("two")}}, llm.UserText("three")}},
			[]string{`"name":"b","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}`, `"text":"s","cache_control"`, `"text":"three","cache_control"`},
			[]string{`"text":"one","cache_control"`, `"name":"a","input_schema":{"type":"object"},"cache_control"`}},
		"a picture": {llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{llm.Text("see"), {Kind: llm.PartImage, Image: &llm.Image{Type: "image/png", Data: []byte("png")}}}}}},
			[]string{`{"type":"image","source":{"type":"base64","media_type":"image/png","data":"cG5n"},"cache_control":{"type":"ephemeral"}}`}, nil},
		"effort":      {llm.Request{Effort: "high"}, []string{`"thinking":{"type":"adaptive","display":"summarized"}`, `"output_config":{"effort":"high"}`}, nil},
		"least":       {llm.Request{Effort: "minimal"}, []string{`"effort":"low"`}, nil},
		"no effort":   {llm.Request{Effort: "none"}, []string{`"thinking":{"type":"disabled"}`}, []string{"output_config"}},
		"no defaults": {llm.Request{}, nil, []string{"temperature", "thinking", "output_config", "stream", "tool_choice"}},
		"schema": {llm.Request{Schema: &llm.Schema{Name: "n", JSON: json.RawMessage(
			`{"type":"object","properties":{"maximum":{"type":"integer","maximum":5},"list":{"type":"array","minItems":3,"items":{"type":"object","properties":{}}}}}`)}},
			[]string{`"format":{"type":"json_schema"`, `"maximum":{"type":"integer"}`, `"minItems":1`, `"items":{"additionalProperties":false`}, []string{`"maximum":5`, "tool_choice"}},
		"failed tool": {llm.Request{Messages: []llm.Message{
			{Role: llm.RoleAssistant, Parts: []llm.Part{{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "functions.f:0", Name: "f"}}}},
			{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: "functions.f:0", Name: "f", Content: "no", IsError: true}}}}}},
			[]string{`"input":{}`, `"content":"no","is_error":true`, `"tool_use_id":"call_`}, []string{"functions.f"}},
		"another's thoughts stay behind": {llm.Request{Model: "m", Messages: []llm.Message{
			{Role: llm.RoleAssistant, Parts: []llm.Part{{Kind: llm.PartReasoning, Text: "hm", Opaque: json.RawMessage(`{"x":"foreign"}`), Provider: "openai", Model: "m"}}},
			{Role: llm.RoleAssistant, Parts: []llm.Part{{Kind: llm.PartOpenCall, Text: `{"a`, Call: &llm.ToolCall{ID: "1", Name: "f"}}, llm.Text("")}},
			llm.UserText("hi")}},
			[]string{`"messages":[{"role":"user"`}, []string{"foreign", "hm"}},
	} {
		got := sent(t, &c.req)
		for _, s := range c.has {
			if !strings.Contains(got, s) {
				t.Errorf("%s: %s\nlacks %s", name, got, s)
			}
		}
		for _, s := range c.lacks {
			if strings.Contains(got, s) {
				t.Errorf("%s: %s\nhas %s", name, got, s)
			}
		}
	}
}
