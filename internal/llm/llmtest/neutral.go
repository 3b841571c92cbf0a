package llmtest

import (
	"cmp"
	"encoding/json"
	"strings"

	"codeforge/internal/llm"
)

// Neutral reads a provider's request back into ours, as far as it can be said in ours. What must go back to provider
// unchanged is marked as its own.
func Neutral(api, provider, path string, body []byte) *llm.Request {
	n := &neutral{provider: provider}
	var v any
	if json.Unmarshal(body, &v) != nil {
		return nil
	}
	m, _ := v.(map[string]any)
	n.req.Model = str(m["model"])
	n.req.Temperature = num(cmp.Or[any](m["temperature"], get(m, "generationConfig", "temperature")))
	switch api {
	case "openai-chat":
		n.chat(m)
	case "openai-responses":
		n.responses(m)
	case "anthropic-messages":
		n.anthropic(m)
	case "gemini-generate":
		name := path[strings.LastIndex(path, "/")+1:]
		n.req.Model, _, _ = strings.Cut(name, ":")
		n.gemini(m)
	}
	for i := range n.req.Messages {
		for j := range n.req.Messages[i].Parts {
			if p := &n.req.Messages[i].Parts[j]; p.Opaque != nil {
				p.Provider, p.Model = provider, n.req.Model
			}
		}
	}
	return &n.req
}

type neutral struct {
	provider string
	req      llm.Request
	names    map[string]string // of tools, by the id of the call
}

func (n *neutral) add(role llm.Role, parts ...llm.Part) {
	if len(parts) == 0 {
		return
	}
	if k := len(n.req.Messages); k > 0 && n.req.Messages[k-1].Role == role {
		n.req.Messages[k-1].Parts = append(n.req.Messages[k-1].Parts, parts...)
		return
	}
	n.req.Messages = append(n.req.Messages, llm.Message{Role: role, Parts: parts})
}

func (n *neutral) system(s string) {
	if s != "" {
		n.req.System = strings.TrimSpace(n.req.System + "\n" + s)
	}
}

func (n *neutral) tool(name, description string, parameters any) {
	n.req.Tools = append(n.req.Tools, llm.Tool{Name: name, Description: description, Parameters: lower(parameters)})
}

func (n *neutral) call(id, name string, args json.RawMessage) llm.Part {
	if n.names == nil {
		n.names = map[string]string{}
	}
	n.names[id] = name
	return llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: name, Arguments: args}}
}

func (n *neutral) result(id, content string) llm.Part {
	return llm.Part{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: id, Name: n.names[id], Content: content}}
}

func (n *neutral) chat(m map[string]any) {
	n.req.MaxOutput = whole(cmp.Or[any](m["max_completion_tokens"], m["max_tokens"]))
	n.req.Effort = str(m["reasoning_effort"])
	for _, t := range list(m["tools"]) {
		f := get(t, "function")
		n.tool(str(get(f, "name")), str(get(f, "description")), get(f, "parameters"))
	}
	switch str(get(m, "response_format", "type")) {
	case "json_schema":
		s := get(m, "response_format", "json_schema")
		n.req.Schema = &llm.Schema{Name: str(get(s, "name")), JSON: raw(get(s, "schema"))}
	case "json_object":
		n.req.Schema = &llm.Schema{Name: "object", JSON: json.RawMessage(`{"type":"object"}`)}
	}
	for _, e := range list(m["messages"]) {
		text := texts(get(e, "content"))
		switch str(get(e, "role")) {
		case "system", "developer":
			n.system(text)
		case "user":
			n.add(llm.RoleUser, llm.Text(text))
		case "tool":
			n.add(llm.RoleUser, n.result(str(get(e, "tool_call_id")), text))
		case "assistant":
			var parts []llm.Part
			if text != "" {
				parts = append(parts, llm.Text(text))
			}
			for _, c := range list(get(e, "tool_calls")) {
				parts = append(parts, n.call(str(get(c, "id")), str(get(c, "function", "name")), json.RawMessage(str(get(c, "function", "arguments")))))
			}
			n.add(llm.RoleAssistant, parts...)
		}
	}
}

func (n *neutral) responses(m map[string]any) {
	n.req.MaxOutput = whole(m["max_output_tokens"])
	n.req.Effort = str(get(m, "reasoning", "effort"))
	n.system(str(m["instructions"]))
	for _, t := range list(m["tools"]) {
		n.tool(str(get(t, "name")), str(get(t, "description")), get(t, "parameters"))
	}
	if f := get(m, "text", "format"); str(get(f, "type")) == "json_schema" {
		n.req.Schema = &llm.Schema{Name: str(get(f, "name")), JSON: raw(get(f, "schema"))}
	}
	if s := str(m["input"]); s != "" {
		n.add(llm.RoleUser, llm.Text(s))
	}
	for _, e := range list(m["input"]) {
		text := texts(get(e, "content"))
		switch cmp.Or(str(get(e, "role")), str(get(e, "type"))) {
		case "system", "developer":
			n.system(text)
		case "user":
			n.add(llm.RoleUser, llm.Text(text))
		case "assistant":
			n.add(llm.RoleAssistant, llm.Text(text))
		case "reasoning":
			n.add(llm.RoleAssistant, llm.Part{Kind: llm.PartReasoning, Opaque: raw(e)})
		case "function_call":
			n.add(llm.RoleAssistant, n.call(str(get(e, "call_id")), str(get(e, "name")), json.RawMessage(str(get(e, "arguments")))))
		case "function_call_output":
			n.add(llm.RoleUser, n.result(str(get(e, "call_id")), str(get(e, "output"))))
		}
	}
}

func (n *neutral) anthropic(m map[string]any) {
	n.req.MaxOutput = whole(m["max_tokens"])
	n.req.Effort = str(get(m, "output_config", "effort"))
	n.system(texts(m["system"]))
	for _, t := range list(m["tools"]) {
		n.tool(str(get(t, "name")), str(get(t, "description")), get(t, "input_schema"))
	}
	if f := get(m, "output_config", "format"); f != nil {
		n.req.Schema = &llm.Schema{Name: "answer", JSON: raw(get(f, "schema"))}
	}
	for _, e := range list(m["messages"]) {
		role := llm.Role(str(get(e, "role")))
		if s := str(get(e, "content")); s != "" {
			n.add(role, llm.Text(s))
		}
		for _, b := range list(get(e, "content")) {
			switch str(get(b, "type")) {
			case "text":
				n.add(role, llm.Text(str(get(b, "text"))))
			case "tool_use":
				n.add(role, n.call(str(get(b, "id")), str(get(b, "name")), raw(get(b, "input"))))
			case "tool_result":
				n.add(role, n.result(str(get(b, "tool_use_id")), texts(get(b, "content"))))
			default:
				n.add(role, llm.Part{Kind: llm.PartReasoning, Opaque: raw(b)})
			}
		}
	}
}

func (n *neutral) gemini(m map[string]any) {
	c := get(m, "generationConfig")
	n.req.MaxOutput = whole(get(c, "maxOutputTokens"))
	n.req.Effort = strings.ToLower(str(get(c, "thinkingConfig", "thinkingLevel")))
	n.system(texts(get(m, "systemInstruction", "parts")))
	for _, t := range list(m["tools"]) {
		for _, f := range list(get(t, "functionDeclarations")) {
			n.tool(str(get(f, "name")), str(get(f, "description")), cmp.Or(get(f, "parametersJsonSchema"), get(f, "parameters")))
		}
	}
	if s := get(c, "responseJsonSchema"); s != nil {
		n.req.Schema = &llm.Schema{Name: "answer", JSON: raw(s)}
	}
	for _, e := range list(m["contents"]) {
		role := llm.RoleUser
		if str(get(e, "role")) == "model" {
			role = llm.RoleAssistant
		}
		for _, p := range list(get(e, "parts")) {
			var part llm.Part
			switch {
			case get(p, "functionCall") != nil:
				part = n.call(str(get(p, "functionCall", "id")), str(get(p, "functionCall", "name")), raw(get(p, "functionCall", "args")))
			case get(p, "functionResponse") != nil:
				part = n.result(str(get(p, "functionResponse", "id")), str(get(p, "functionResponse", "response", "output")))
				part.Result.Name = str(get(p, "functionResponse", "name"))
			default:
				part = llm.Text(str(get(p, "text")))
			}
			if s := get(p, "thoughtSignature"); s != nil {
				part.Opaque = raw(s)
			}
			n.add(role, part)
		}
	}
}

func get(v any, path ...string) any {
	for _, k := range path {
		m, _ := v.(map[string]any)
		v = m[k]
	}
	return v
}

func list(v any) []any { l, _ := v.([]any); return l }

func str(v any) string { s, _ := v.(string); return s }

func whole(v any) int { f, _ := v.(float64); return int(f) }

func num(v any) *float64 {
	if f, ok := v.(float64); ok {
		return &f
	}
	return nil
}

func raw(v any) json.RawMessage {
	if v == nil {
		return nil
	}
	b, _ := json.Marshal(v)
	return b
}

// lower writes a schema's types as JSON Schema does; Gemini's older field has them in capitals.
func lower(v any) json.RawMessage {
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			for k, e := range v {
				if s, ok := e.(string); ok && k == "type" {
					v[k] = strings.ToLower(s)
				}
				walk(e)
			}
		case []any:
			for _, e := range v {
				walk(e)
			}
		}
	}
	walk(v)
	return raw(v)
}

// texts joins a content that is a string or a list of parts with text.
func texts(v any) string {
	var s strings.Builder
	s.WriteString(str(v))
	for _, e := range list(v) {
		s.WriteString(str(get(e, "text")))
	}
	return s.String()
}
