package openai

import (
	"encoding/json"
	"strings"
	"testing"

	"codeforge/internal/llm"
)

func TestRequest(t *testing.T) {
	closed := json.RawMessage(`{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}`)
	open := json.RawMessage(`{"type":"object","properties":{"a":{"type":"string"}}}`)
	for name, c := range map[string]struct {
		req        llm.Request
		has, lacks []string
	}{
		"as little as can be": {llm.Request{Model: "m", Messages: []llm.Message{llm.UserText("hi")}},
			[]string{`{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"hi"}]}],"store":false}`}, nil},
		"effort keeps what it thought": {llm.Request{Effort: "high"}, []string{`"reasoning":{"effort":"high"}`, `"include":["reasoning.encrypted_content"]`}, nil},
		"no effort, nothing to keep":   {llm.Request{Effort: "none"}, []string{`"reasoning":{"effort":"none"}`}, []string{"include"}},
		"strict where it can be":       {llm.Request{Tools: []llm.Tool{{Name: "f", Parameters: closed}}, Schema: &llm.Schema{Name: "n", JSON: open}}, []string{`"strict":true}]`, `"strict":false}}`}, []string{"tool_choice"}},
		"limit and temperature":        {llm.Request{MaxOutput: 7, Temperature: new(0.0)}, []string{`"max_output_tokens":7`, `"temperature":0`}, nil},
		"a picture": {llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{llm.Text("see"), {Kind: llm.PartImage, Image: &llm.Image{Type: "image/png", Data: []byte("png")}}}}}},
			[]string{`{"role":"user","content":[{"type":"input_image","image_url":"data:image/png;base64,cG5n","detail":"auto"}]}`}, nil},
		"a result may be empty": {llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: "c1"}}}}}},
			[]string{`{"type":"function_call_output","call_id":"c1","output":""}`}, nil},
		"what was said on the way": {llm.Request{Model: "m", Messages: []llm.Message{{Role: llm.RoleAssistant, Parts: []llm.Part{
			{Kind: llm.PartText, Text: "one", Opaque: json.RawMessage(`{"phase":"commentary"}`), Provider: "openai", Model: "m"},
			{Kind: llm.PartText, Text: "two", Opaque: json.RawMessage(`{"phase":"commentary"}`), Provider: "openai", Model: "other"}}}}},
			[]string{`"phase":"commentary","content":[{"type":"output_text","text":"one"}]`, `"role":"assistant","content":[{"type":"output_text","text":"two"}]`}, nil},
	} {
		b, err := json.Marshal(requestBody(&c.req, "openai", c.req.MaxOutput, false))
		if err != nil {
			t.Fatal(err)
		}
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
	one, two := requestBody(&llm.Request{Model: "m", System: "s"}, "openai", 0, false), requestBody(&llm.Request{Model: "m", System: "s", Messages: []llm.Message{llm.UserText("x")}}, "openai", 0, true)
	if one.CacheKey == "" || one.CacheKey != two.CacheKey || one.CacheKey == requestBody(&llm.Request{Model: "m", System: "t"}, "openai", 0, false).CacheKey {
		t.Error("the cache key does not go by what requests begin with")
	}
}
