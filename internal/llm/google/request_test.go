package google

import (
	"encoding/json"
	"strings"
	"testing"

	"codeforge/internal/llm"
)

func TestRequest(t *testing.T) {
	call := func(id, provider, model, signature string) llm.Part {
		p := llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: "f"}, Provider: provider, Model: model}
		if signature != "" {
			p.Opaque = json.RawMessage(signature)
		}
		return p
	}
	turn := func(parts ...llm.Part) []llm.Message {
		return []llm.Message{{Role: llm.RoleAssistant, Parts: parts}}
	}
	for name, c := range map[string]struct {
		req        llm.Request
		has, lacks []string
	}{
		"as little as can be": {llm.Request{Messages: []llm.Message{llm.UserText("hi")}}, []string{`{"contents":[{"role":"user","parts":[{"text":"hi"}]}],"generationConfig":{}}`}, nil},
		"levels":              {llm.Request{Effort: "max"}, []string{`"thinkingConfig":{"thinkingLevel":"HIGH","includeThoughts":true}`}, []string{"thinkingBudget"}},
		"a picture":           {llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{llm.Text("see"), {Kind: llm.PartImage, Image: &llm.Image{Type: "image/png", Data: []byte("png")}}}}}}, []string{`"parts":[{"text":"see"},{"inlineData":{"mimeType":"image/png","data":"cG5n"}}]`}, nil},
		"least":               {llm.Request{Effort: "none"}, []string{`"thinkingConfig":{"thinkingLevel":"MINIMAL"}`}, nil},
		"schema": {llm.Request{Schema: &llm.Schema{Name: "n", JSON: json.RawMessage(`{"type":"object"}`)}, MaxOutput: 7},
			[]string{`"maxOutputTokens":7`, `"responseMimeType":"application/json","responseJsonSchema":{"type":"object"}`}, []string{"functionCallingConfig"}},
		"its own signature goes back, on the first of two calls": {llm.Request{Model: "m", Messages: turn(call("a", "google", "m", `"sig"`), call("b", "google", "m", ""))},
			[]string{`{"thoughtSignature":"sig","functionCall":{"id":"a","name":"f","args":{}}},{"functionCall":{"id":"b"`}, []string{"skip_"}},
		"another model's call is marked": {llm.Request{Model: "m", Messages: turn(call("a", "openai", "x", ""), call("b", "openai", "x", ""))},
			[]string{`{"thoughtSignature":"skip_thought_signature_validator","functionCall":{"id":"a"`, `{"functionCall":{"id":"b"`}, nil},
		"and so is another Gemini's": {llm.Request{Model: "m", Messages: turn(call("a", "google", "x", `"sig"`))}, []string{"skip_"}, []string{`"sig"`}},
		"an id made here stays here": {llm.Request{Messages: turn(call("call_cf_1_0", "google", "", ""))}, []string{`"functionCall":{"name":"f"`}, []string{"call_cf"}},
		"results": {llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{
			{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: "a", Name: "f", Content: "1"}}, {Kind: llm.PartToolResult, Result: &llm.ToolResult{Name: "g", Content: "no", IsError: true}}}}}},
			[]string{`{"functionResponse":{"id":"a","name":"f","response":{"output":"1"}}},{"functionResponse":{"name":"g","response":{"error":"no"}}}`}, nil},
	} {
		b, err := json.Marshal(requestBody(&c.req, "google", c.req.MaxOutput))
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
	for model, want := range map[string]string{"gemini-4-argon": "models/gemini-4-argon", "models/x": "models/x", "tunedModels/y": "tunedModels/y", "a/../b?c": "models/a%2F..%2Fb%3Fc"} {
		if got := resource(model); got != want {
			t.Errorf("%s: %s", model, got)
		}
	}
}
