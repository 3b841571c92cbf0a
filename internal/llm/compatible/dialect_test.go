package compatible

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"codeforge/internal/llm"
)

// everything has all that a request may hold.
func everything(format bool) *llm.Request {
	req := &llm.Request{Model: "thinking-stream-70b", System: "Be brief.", MaxOutput: 32_000, Temperature: new(0.2), Effort: "high", Messages: []llm.Message{
		llm.UserText("Do it."),
		{Role: llm.RoleAssistant, Parts: []llm.Part{
			{Kind: llm.PartReasoning, Opaque: json.RawMessage(`{"reasoning_content":"hm","reasoning_details":[{"type":"reasoning.text","text":"hm"}]}`), Provider: "compatible", Model: "thinking-stream-70b"},
			{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "call_1", Name: "read_file", Arguments: json.RawMessage(`{"path":"a"}`)}}}},
		{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: "call_1", Name: "read_file", Content: "a"}}, llm.Text("Go on.")}},
	}}
	schema := json.RawMessage(`{"type":"object","properties":{"path":{"type":"string","maxLength":200}},"required":["path"],"additionalProperties":false}`)
	if format {
		req.Schema = &llm.Schema{Name: "answer", JSON: schema}
	} else {
		req.Tools = []llm.Tool{{Name: "read_file", Parameters: schema}, {Name: "list", Parameters: json.RawMessage(`{"type":"object","properties":{"a":{"type":"string","minLength":1}}}`)}}
	}
	return req
}

// TestRefusals: a refusal in whatever words changes what it is about, and nothing else.
func TestRefusals(t *testing.T) {
	const answer = `{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}]}`
	detail := func(field ...string) string {
		loc := `"body","` + strings.Join(field, `","`) + `"`
		return `{"detail":[{"type":"extra_forbidden","loc":[` + loc + `],"msg":"Extra inputs are not permitted","input":{"temperature":1,"content":"reasoning_effort stream_options"}}]}`
	}
	for name, c := range map[string]struct {
		status int
		words  string // of the error's message, or the whole body
		format bool
		gone   string // is not in what is sent next; "": nothing is sent next
		there  string // is in it
	}{
		"stream_options, plain":       {400, "Unknown parameter: 'stream_options'.", false, `"stream_options"`, `"temperature"`},
		"stream_options, validated":   {422, detail("stream_options"), false, `"stream_options"`, `"temperature"`},
		"stream_options, its field":   {400, `json: unknown field "include_usage"`, false, `"stream_options"`, `"max_tokens":32000`},
		"stream_options, keyed":       {400, `{"errors":{"stream_options":["Unknown field."]}}`, false, `"stream_options"`, `"temperature"`},
		"stream_options, of a stream": {400, "Stream options can only be defined when stream=True is honoured by the engine", false, `"stream_options"`, `"stream":true`},
		"effort, camel":               {400, "Model thinking-stream-70b does not support parameter reasoningEffort.", false, `"reasoning_effort"`, `"temperature"`},
		"effort, thinking":            {400, `"thinking-stream-70b" does not support thinking`, false, `"reasoning_effort"`, `"temperature"`},
		"effort, values":              {400, "Unsupported value: 'reasoning_effort' does not support 'high' with this model. Supported values are: 'minimal'.", false, `"reasoning_effort"`, `"stream_options"`},
		"effort, unrecognized":        {400, "Unrecognized request argument supplied: reasoning_effort", false, `"reasoning_effort"`, `"temperature"`},
		"temperature, only one":       {400, "invalid temperature: only 1 is allowed for this model", false, `"temperature"`, `"reasoning_effort"`},
		"temperature, deprecated":     {400, "`temperature` is deprecated for this model.", false, `"temperature"`, `"reasoning_effort"`},
		"temperature, 501":            {501, "parameter temperature is not implemented", false, `"temperature"`, `"reasoning_effort"`},
		"temperature, in a string":    {400, `{"error":{"message":"{\"error\":{\"message\":\"Unsupported parameter: temperature\"}}","code":"upstream_error"}}`, false, `"temperature"`, `"reasoning_effort"`},
		"limit, its other name":       {400, "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.", false, `"max_tokens"`, `"max_completion_tokens":32000`},
		"limit, not permitted":        {422, detail("max_tokens"), false, `"max_tokens"`, `"max_completion_tokens":32000`},
		"limit, too large":            {400, "max_tokens is too large: 32000. This model supports at most 8192 completion tokens", false, `32000`, `"max_tokens":8192`},
		"strict, mixed":               {422, "Tools with mixed values for 'strict' are not allowed.", false, `"strict"`, `"additionalProperties"`},
		"strict, not permitted":       {422, detail("tools", "0", "function", "strict"), false, `"strict"`, `"additionalProperties"`},
		"strict, of a format":         {400, "Invalid field response_format.json_schema.strict", true, `"strict"`, `"json_schema"`},
		"keyword of tools":            {400, `Invalid JSON payload received. Unknown name "additionalProperties" at 'tools[0].function_declarations[0].parameters': Cannot find field.`, false, `"additionalProperties"`, `"maxLength"`},
		"keyword of a format":         {400, "Unsupported JSON schema fields: {'maxLength'}", true, `"maxLength"`, `"json_schema"`},
		"format, unavailable":         {400, "This response_format type is unavailable now", true, `"json_schema"`, `"json_object"`},
		"format, structured":          {400, "This model does not support structured outputs", true, `"json_schema"`, `"json_object"`},
		"format, in a stream":         {501, "streaming is not supported with response_format", true, `"json_schema"`, `"stream":true`},
		"content, a field":            {422, "Failed to deserialize the JSON body into the target type: messages[2]: missing field `content` at line 1 column 500", false, "", `"content":null`},
		"content, no null":            {400, "messages.2.content: Input should be a valid string", false, "", `"content":null`},
		"thoughts, unsupported":       {400, "'messages.2' : for 'role:assistant' the following must be satisfied[('messages.2' : property 'reasoning_content' is unsupported)]", false, `"reasoning_content"`, `"reasoning_effort"`},
		"details, unknown":            {400, "messages[2]: unknown field `reasoning_details`", false, `"reasoning_details"`, `"reasoning_content"`},
		"ids":                         {400, "Tool call id was call_1 but must be a-z, A-Z, 0-9, with a length of 9.", false, `"call_1"`, `"tool_call_id"`},
		"ids too long":                {400, "Invalid 'messages[2].tool_calls[0].id': string too long. Expected a string with maximum length 5", false, `"call_1"`, `"tool_call_id"`},
		"a name of a result":          {400, "* GenerateContentRequest.contents[2].parts[0].function_response.name: Name cannot be empty.", false, "", `"role":"tool","content":"a","name":"read_file"`},
		"no system":                   {400, "System role not supported", false, `"role":"system"`, `Be brief.\n\nDo it.`},
		"no system, listed":           {400, "Only user, assistant and tool roles are supported, got system.", false, `"role":"system"`, `Be brief.\n\nDo it.`},
		"order":                       {400, "Unexpected role 'user' after role 'tool'", false, `{"role":"user","content":"Go on."}`, `a\n\nGo on.`},
		"alternation":                 {400, "Conversation roles must alternate user/assistant/user/assistant/...", false, `{"role":"user","content":"Go on."}`, `a\n\nGo on.`},
		"no stream":                   {500, "Cannot use tools with stream", false, `"stream":true`, `"temperature"`},
		"no stream, 400":              {400, "Streaming is not supported for this deployment", false, `"stream":true`, `"temperature"`},

		"content, validated":     {422, `{"detail":[{"loc":["body","messages",2,"content"],"msg":"none is not an allowed value","type":"type_error.none.not_allowed"}]}`, false, "", `"content":null`},
		"content, in Chinese":    {400, "messages[2] 的 content 不能为空", false, "", `"content":null`},
		"a name, in other words": {400, "every tool message has to carry a name", false, "", `"role":"tool","content":"a","name":"read_file"`},
		"a gateway":              {502, "upstream returned 400: unknown field `stream_options`", false, `"stream_options"`, `"temperature"`},
		"a template":             {500, "Jinja Exception: Conversation roles must alternate user/assistant/user/assistant/...", false, `{"role":"user","content":"Go on."}`, `a\n\nGo on.`},
		"limit, not accepted":    {400, "max_tokens is not accepted here", false, `"max_tokens"`, `"max_completion_tokens":32000`},
		"limit, in Chinese":      {400, "不支持参数 max_tokens", false, `"max_tokens"`, `"max_completion_tokens":32000`},
		"no words that we know":  {400, `{"error":{"code":"1210","message":"API 调用参数有误，请检查文档。"}}`, false, `"stream_options"`, `"max_tokens":32000`},
		"no words":               {400, "{}", false, `"stream_options"`, `"max_tokens":32000`},
		"hardly words":           {400, `{"error":{"message":"Bad Request","type":"invalid_request_error","code":400}}`, false, `"stream_options"`, `"max_tokens":32000`},

		"a key":                 {401, "Invalid API key; temperature of the relations: low", false, "", ""},
		"a model":               {404, "The model `thinking-stream-70b` does not exist", false, "", ""},
		"an overload":           {503, "The engine is overloaded, streaming paused", false, "", ""},
		"a rate":                {429, "Rate limit reached for requests with tools", false, "", ""},
		"a filter":              {400, "The response was filtered due to the prompt triggering content management policy", false, "", ""},
		"tools at all":          {400, `registry.example/thinking-stream-70b does not support tools`, false, "", ""},
		"a prompt":              {400, "prompt is too long: 250000 tokens > 200000 maximum", false, "", ""},
		"an empty conversation": {400, "messages must not be empty", false, "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			var bodies []string
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				if bodies = append(bodies, string(b)); len(bodies) > 1 {
					fmt.Fprint(w, answer)
					return
				}
				body := c.words
				if !strings.HasPrefix(body, "{") {
					m, _ := json.Marshal(body)
					body = `{"error":{"message":` + string(m) + `,"type":"invalid_request_error","code":null}}`
				}
				w.WriteHeader(c.status)
				fmt.Fprint(w, body)
			}))
			defer srv.Close()
			p := New(Options{BaseURL: srv.URL})
			_, err := p.Generate(t.Context(), everything(c.format), func(llm.Delta) {})
			if c.there == "" {
				if err == nil || len(bodies) != 1 {
					t.Errorf("asked %d times, %v", len(bodies), err)
				}
				return
			}
			if err != nil || len(bodies) != 2 {
				t.Fatalf("asked %d times, %v", len(bodies), err)
			}
			if c.gone != "" && strings.Contains(bodies[1], c.gone) || !strings.Contains(bodies[1], c.there) {
				t.Errorf("then sent %s", bodies[1])
			}
			// It is remembered.
			if _, err := p.Generate(t.Context(), everything(c.format), func(llm.Delta) {}); err != nil || len(bodies) != 3 || bodies[2] != bodies[1] {
				t.Errorf("asked %d times, %v", len(bodies), err)
			}
		})
	}
}

// TestPicturesThatNobodySees: a model that takes no pictures is told in words that there were some, and is not asked twice.
func TestPicturesThatNobodySees(t *testing.T) {
	for _, words := range []string{
		"image input is not supported - hint: if this is unexpected, you may need to provide the mmproj",
		"Invalid type for 'messages[0].content': expected a string, but got an array instead.",
		"messages.0.content: Input should be a valid string",
		"This model does not support vision",
		"unknown variant `image_url`, expected `text`",
		"* is not a multimodal model",
	} {
		asked, shown := 0, 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked++
			if b, _ := io.ReadAll(r.Body); strings.Contains(string(b), "cG5n") {
				shown++
				w.WriteHeader(400)
				fmt.Fprintf(w, `{"error":{"message":%q}}`, words)
				return
			}
			_, _ = io.WriteString(w, `{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}]}`)
		}))
		c := New(Options{BaseURL: srv.URL, Stream: new(false)})
		for range 2 {
			if out, err := c.Generate(t.Context(), &llm.Request{Model: "m", Messages: picture}, nil); err != nil || out.Text() != "Hi." {
				t.Errorf("%s: %v", words, err)
			}
		}
		if srv.Close(); asked != 3 || shown != 1 {
			t.Errorf("%s: asked %d times, %d of them with the picture", words, asked, shown)
		}
	}
}
