package server

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// asked is a request as an endpoint sees it.
type asked struct {
	body   map[string]any
	raw    string
	tokens int // of the prompt, as the endpoint counts
}

func (q *asked) has(field string) bool { return q.body[field] != nil }

func (q *asked) limit() int {
	for _, k := range []string{"max_tokens", "max_completion_tokens"} {
		if n, ok := q.body[k].(float64); ok {
			return int(n)
		}
	}
	return 0
}

func (q *asked) format() string {
	f, _ := q.body["response_format"].(map[string]any)
	s, _ := f["type"].(string)
	return s
}

// message finds the first message for which is says so.
func (q *asked) message(is func(m, before map[string]any) bool) (at int) {
	var before map[string]any
	for i, e := range q.body["messages"].([]any) {
		m := e.(map[string]any)
		if is(m, before) {
			return i
		}
		before = m
	}
	return -1
}

func calling(m map[string]any) bool { return m["tool_calls"] != nil }

// refusal is a status and a body.
type refusal struct {
	status int
	body   string
}

func no(status int, format string, args ...any) *refusal {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// voice is how an endpoint tells its answers.
type voice struct {
	noUsage, noDone, noReason, noIDs, sameIndex, ping, thinks, thinksAside, whole, asMessage, emptyFirst, repeats, objects, soFar, gzipped, bare, created bool
	stop, called                                                                                                                                          string // words for why it ended
}

// server of a dialect.
type dialect struct {
	name, why string
	refuse    func(q *asked) *refusal
	voice     voice
}

// passing are those whose refusals tell of a moment, and so are not remembered: each call meets them once.
var passing = []string{"OpenRouter"}

// dialects are endpoints that speak OpenAI's chat API, each with what it refuses, leaves out or says twice, from its documentation
// and from what its users reported.
var dialects = []dialect{
	{"Ollama", "models without thinking refuse reasoning_effort; every call has index 0, the reason is stop beside calls", func(q *asked) *refusal {
		if q.has("reasoning_effort") {
			return no(400, `{"error":{"message":"\"m\" does not support thinking","type":"invalid_request_error","param":null,"code":null}}`)
		}
		return nil
	}, voice{sameIndex: true, called: "stop"}},
	{"vLLM", "max_tokens must fit beside the prompt; older ones refuse stream_options (ms-agent 489)", func(q *asked) *refusal {
		if q.has("stream_options") {
			return no(400, `{"object":"error","message":"[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), 'msg': 'Extra inputs are not permitted', 'input': {}}]","type":"BadRequestError","param":null,"code":400}`)
		}
		return window(q, 32768, `{"object":"error","message":"This model's maximum context length is %[1]d tokens. However, you requested %[2]d tokens (%[3]d in the messages, %[4]d in the completion).","type":"BadRequestError","code":400}`)
	}, voice{}},
	{"vLLM with Gemma", "the chat template knows no system role (sglang 892), and wants turns to alternate", func(q *asked) *refusal {
		if q.message(func(m, _ map[string]any) bool { return m["role"] == "system" }) >= 0 {
			return no(400, `{"object":"error","message":"System role not supported","type":"BadRequestError","param":null,"code":400}`)
		}
		return nil
	}, voice{}},
	{"vLLM with Mistral", "the template refuses ids of other shapes than its own, and a user's words after a tool's", func(q *asked) *refusal {
		if q.message(func(m, before map[string]any) bool {
			return m["role"] == "user" && before != nil && before["role"] == "tool"
		}) >= 0 {
			return no(400, `{"object":"error","message":"Unexpected role 'user' after role 'tool'","type":"invalid_request_error"}`)
		}
		return badIDs(q)
	}, voice{noIDs: true}},
	{"SGLang", "counts prompt and output in one sum; keeps arguments apart from the call's first piece", func(q *asked) *refusal {
		return window(q, 16384, `{"object":"error","message":"Requested token count exceeds the model's maximum context length of %[1]d tokens. You requested a total of %[2]d tokens: %[3]d tokens from the input messages and %[4]d tokens for the completion. Please reduce the number of tokens","type":"BadRequestError","code":400}`)
	}, voice{emptyFirst: true}},
	{"llama.cpp", "older ones cannot stream with tools (llm-llama-server 3); templates demand content (500)", func(q *asked) *refusal {
		if q.body["stream"] == true && q.has("tools") {
			return no(500, `{"error":{"code":500,"message":"Cannot use tools with stream","type":"server_error"}}`)
		}
		if q.message(func(m, _ map[string]any) bool { return calling(m) && m["content"] == nil }) >= 0 {
			return no(400, `{"error":{"code":400,"message":"All non-tool messages must contain 'content'","type":"invalid_request_error"}}`)
		}
		return nil
	}, voice{}},
	{"LM Studio", "response_format may be json_schema or text; keeps thinking in the text", func(q *asked) *refusal {
		if f := q.format(); f == "json_object" {
			return no(400, `{"error":"'response_format.type' must be 'json_schema' or 'text'"}`)
		}
		return nil
	}, voice{thinks: true}},
	{"LocalAI", "streams a message where others stream a delta; no usage", nil, voice{asMessage: true, noUsage: true}},
	{"TGI", "inputs + max_new_tokens is bounded, 422; arguments are objects; the reason is eos_token", func(q *asked) *refusal {
		return windowed(q, 422, 16384, "{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= %[1]d. Given: %[3]d `inputs` tokens and %[4]d `max_new_tokens`\",\"error_type\":\"validation\"}")
	}, voice{objects: true, stop: "eos_token", called: "eos_token"}},
	{"Groq", "refuses reasoning_content in the history (freellmapi 1070), a max_tokens above the model's, strict schemas by model", func(q *asked) *refusal {
		if i := q.message(func(m, _ map[string]any) bool { return m["reasoning_content"] != nil }); i >= 0 {
			return no(400, `{"error":{"message":"'messages.%d' : for 'role:assistant' the following must be satisfied[('messages.%d' : property 'reasoning_content' is unsupported)]","type":"invalid_request_error"}}`, i, i)
		}
		if q.format() == "json_schema" {
			return no(400, "{\"error\":{\"message\":\"This model does not support response format `json_schema`. See supported models\",\"type\":\"invalid_request_error\",\"param\":\"response_format\"}}")
		}
		return capped(q, 400, 8192, "{\"error\":{\"message\":\"`max_tokens` must be less than or equal to `%d`, the maximum value for `max_tokens` is less than the `context_window` for this model\",\"type\":\"invalid_request_error\",\"param\":\"max_tokens\"}}")
	}, voice{thinksAside: true}},
	{"OpenRouter", "asks for credit for all of max_tokens (402); comments while it waits; no endpoint for strict tools (404)", func(q *asked) *refusal {
		if q.limit() > 9000 {
			return no(402, `{"error":{"message":"This request requires more credits, or fewer max_tokens. You requested up to %d tokens, but can only afford 9000.","code":402}}`, q.limit())
		}
		return nil
	}, voice{ping: true}},
	{"Together", "bounds the sum, in 422; a usage-only chunk without choices", func(q *asked) *refusal {
		return windowed(q, 422, 32769, "{\"error\":{\"message\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= %[1]d. Given: %[3]d `inputs` tokens and %[4]d `max_new_tokens`\",\"type\":\"invalid_request_error\"}}")
	}, voice{stop: "eos"}},
	{"Fireworks", "refuses stream_options of old (Flowise 2866); wants a stream for long answers", func(q *asked) *refusal {
		if q.has("stream_options") {
			return no(400, `{"error":{"message":"Extra inputs are not permitted, field: 'stream_options', value: {'include_usage': True}"}}`)
		}
		if q.body["stream"] != true && q.limit() > 4096 {
			return no(400, `{"error":{"message":"Requests with max_tokens > 4096 must have stream=true"}}`)
		}
		return nil
	}, voice{}},
	{"DeepSeek", "max_tokens in [1, 8192]; json_schema is not available; thoughts have to come back", func(q *asked) *refusal {
		if q.format() == "json_schema" {
			return no(400, `{"error":{"message":"This response_format type is unavailable now","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`)
		}
		if i := q.message(func(m, _ map[string]any) bool { return calling(m) && m["reasoning_content"] == nil }); i >= 0 {
			return no(400, "{\"error\":{\"message\":\"Missing `reasoning_content` field in the assistant message at message index %d.\",\"type\":\"invalid_request_error\"}}", i)
		}
		return capped(q, 400, 8192, `{"error":{"message":"Invalid max_tokens value, the valid range of max_tokens is [1, %d]","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`)
	}, voice{}},
	{"Mistral", "refuses stream_options (anon-kode 53), ids that are not nine letters and digits, a user's words after a tool's", func(q *asked) *refusal {
		if q.has("stream_options") {
			return no(422, `{"object":"error","message":{"detail":[{"type":"extra_forbidden","loc":["body","stream_options","include_usage"],"msg":"Extra inputs are not permitted","input":true}]},"type":"invalid_request_error","param":null,"code":null}`)
		}
		return badIDs(q)
	}, voice{}},
	{"Cerebras", "refuses tools of which only some are strict (Roo-Code 10334) and keywords of schemas (claude-code-router 708)", func(q *asked) *refusal {
		if n := strings.Count(q.raw, `"strict":true`); q.has("tools") && n > 0 && n < strings.Count(q.raw, `"type":"function"`) {
			return no(422, `{"message":"Tools with mixed values for 'strict' are not allowed. Please set all tools to 'strict: true' or 'strict: false'","type":"invalid_request_error","param":"tools","code":"wrong_api_format"}`)
		}
		if q.format() == "json_schema" {
			for _, k := range []string{"minItems", "maxItems", "pattern"} {
				if strings.Contains(q.raw, `"`+k+`":`) {
					return no(400, `{"message":"Unsupported JSON schema fields: {'%s'}","type":"invalid_request_error","param":"response_format","code":"wrong_api_format"}`, k)
				}
			}
		}
		return nil
	}, voice{}},
	{"SambaNova", "takes no json_schema with strict; at most 4,096 tokens of output", func(q *asked) *refusal {
		if strings.Contains(q.raw, `"strict":true`) {
			return no(400, `{"error":{"code":null,"message":"strict mode is not supported for this model","param":"strict","type":"invalid_request_error"}}`)
		}
		return capped(q, 400, 4096, `{"error":{"message":"max_tokens must be at most %d for this model","type":"invalid_request_error"}}`)
	}, voice{noReason: true}},
	{"xAI", "refuses reasoningEffort by its own name for it; error is a string beside a code in words", func(q *asked) *refusal {
		if q.has("reasoning_effort") {
			return no(400, `{"code":"Client specified an invalid argument","error":"Argument not supported on this model: reasoningEffort"}`)
		}
		if q.has("stream_options") {
			return no(400, `{"code":"Client specified an invalid argument","error":"Argument not supported on this model: streamOptions"}`)
		}
		return nil
	}, voice{thinksAside: true}},
	{"Perplexity", "each chunk has the delta and the whole message so far; content is required; roles alternate", func(q *asked) *refusal {
		if i := q.message(func(m, _ map[string]any) bool { return m["content"] == nil }); i >= 0 {
			return no(400, `{"error":{"message":"[\"At body -> messages -> %d -> content: Field required\"]","type":"invalid_request","code":400}}`, i)
		}
		if q.message(func(m, before map[string]any) bool {
			return before != nil && m["role"] == "user" && before["role"] != "assistant" && before["role"] != "system"
		}) >= 0 {
			return no(400, `{"error":{"message":"After the (optional) system message(s), user or tool message(s) should alternate with assistant message(s).","type":"invalid_message","code":400}}`)
		}
		return nil
	}, voice{soFar: true, noDone: true}},
	{"Moonshot", "calls need reasoning_content that is not empty (pi 4178), temperature is fixed; usage stands in the choice", func(q *asked) *refusal {
		if i := q.message(func(m, _ map[string]any) bool { s, _ := m["reasoning_content"].(string); return calling(m) && s == "" }); i >= 0 {
			return no(400, `{"error":{"message":"thinking is enabled but reasoning_content is missing in assistant tool call message at index %d","type":"invalid_request_error"}}`, i)
		}
		if q.has("temperature") {
			return no(400, `{"error":{"message":"invalid temperature: only 1 is allowed for this model","type":"invalid_request_error"}}`)
		}
		return windowedTotal(q, 32768, `{"error":{"message":"Invalid request: Your request exceeded model token limit: %[1]d (requested: %[2]d)","type":"invalid_request_error"}}`)
	}, voice{}},
	{"Zhipu", "codes are numbers in strings; max_tokens in [1, 4095]; the reason may be sensitive", func(q *asked) *refusal {
		return capped(q, 400, 4095, `{"error":{"code":"1210","message":"API 调用参数有误，max_tokens 应在 [1, %d] 范围内"}}`)
	}, voice{repeats: true}},
	{"MiniMax", "errors come with status 200 in base_resp; the last chunk is the whole message", func(q *asked) *refusal {
		if q.has("stream_options") {
			return no(200, `{"id":"x","choices":null,"base_resp":{"status_code":2013,"status_msg":"invalid params, unknown field stream_options"}}`)
		}
		return nil
	}, voice{repeats: true, thinks: true}},
	{"DashScope", "some models only stream, or must be told not to think; range of max_tokens; the word json must be there", func(q *asked) *refusal {
		if q.body["stream"] != true {
			return no(400, `{"error":{"code":"invalid_parameter_error","message":"parameter.enable_thinking must be set to false for non-streaming calls","type":"invalid_request_error"}}`)
		}
		if q.format() == "json_object" && !strings.Contains(strings.ToLower(fmt.Sprint(q.body["messages"])), "json") {
			return no(400, `{"error":{"message":"'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'."}}`)
		}
		return capped(q, 400, 8192, `{"error":{"code":"invalid_parameter_error","message":"<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, %d]"}}`)
	}, voice{thinksAside: true}},
	{"Snowflake Cortex", "takes max_completion_tokens alone; no reason for the end, but usage", func(q *asked) *refusal {
		if q.has("max_tokens") {
			return no(400, `{"message":"max_tokens is deprecated in favor of max_completion_tokens","request_id":"r"}`)
		}
		return nil
	}, voice{noReason: true}},
	{"Databricks", "unknown fields are errors of its JSON reader (continue 12936); schemas are narrow; answers are gzipped", func(q *asked) *refusal {
		if q.has("stream_options") {
			return no(400, `{"error_code":"BAD_REQUEST","message":"Bad request: json: unknown field \"stream_options\"\n"}`)
		}
		if q.has("tools") && strings.Contains(q.raw, `"additionalProperties"`) {
			return no(400, `{"error_code":"BAD_REQUEST","message":"Invalid JSON schema - additionalProperties is not a supported keyword"}`)
		}
		return capped(q, 400, 25000, `{"error_code":"BAD_REQUEST","message":"max_tokens (32000) must be at most %d"}`)
	}, voice{gzipped: true}},
	{"Azure OpenAI", "takes max_completion_tokens and no temperature; the first chunk has no choices but a filter's results", func(q *asked) *refusal {
		if q.has("max_tokens") {
			return no(400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","type":"invalid_request_error","param":"max_tokens","code":"unsupported_parameter"}}`)
		}
		if q.has("temperature") {
			return no(400, `{"error":{"message":"Unsupported value: 'temperature' does not support 0.2 with this model. Only the default (1) value is supported.","param":"temperature","code":"unsupported_value"}}`)
		}
		return nil
	}, voice{created: true}},
	{"Azure AI", "extra parameters are an error unless passed through (cherry-studio 9214)", func(q *asked) *refusal {
		if q.has("stream_options") {
			return no(400, `{"detail":"Extra parameters ['stream_options'] are not allowed when extra-parameters is not set or set to be 'error'. Set extra-parameters to 'pass-through' to pass to the model."}`)
		}
		return nil
	}, voice{}},
	{"Azure API Management", "validates against its own copy of the schema (semantic-kernel 10510)", func(q *asked) *refusal {
		if q.has("stream_options") {
			return no(400, `{"error":{"requestid":"r","code":400,"message":"Validation error at #/stream_options: Extra inputs are not permitted"}}`)
		}
		return nil
	}, voice{}},
	{"Cloudflare Workers AI", "content must be a string (sure 467); input and largest output are one sum; an envelope around answers", func(q *asked) *refusal {
		if q.message(func(m, _ map[string]any) bool { _, ok := m["content"].(string); return !ok }) >= 0 {
			return no(400, `{"errors":[{"message":"AiError: Bad input: Error: oneOf at '/' not met: Type mismatch of '/messages/2/content', 'string' not in 'null'","code":5006}],"success":false,"result":{},"messages":[]}`)
		}
		return windowedTotal(q, 24000, `{"errors":[{"message":"AiError: The estimated number of input and maximum output tokens (%[2]d) exceeded this model context window limit (%[1]d).","code":5021}],"success":false}`)
	}, voice{bare: true}},
	{"GitHub Models", "4,000 tokens of output; errors as Azure's", func(q *asked) *refusal {
		return capped(q, 413, 4000, `{"error":{"code":"tokens_limit_reached","message":"max_tokens must not exceed %d","details":"max_tokens must not exceed 4000"}}`)
	}, voice{created: true}},
	{"NVIDIA NIM", "unknown fields in the words of its validator, 422 (garak 748)", func(q *asked) *refusal {
		if q.has("stream_options") {
			return no(422, `{"type":"urn:inference-service:problem-details:unprocessable-entity","title":"Unprocessable Entity","status":422,"detail":"body -> stream_options\n  Extra inputs are not permitted (type=extra_forbidden)","instance":"/v2/nvcf/pexec/functions/b0fc","requestId":"3"}`)
		}
		return nil
	}, voice{}},
	{"LiteLLM proxy", "packs the error of the server behind it into words", func(q *asked) *refusal {
		if strings.Contains(q.raw, `"strict":true`) {
			return no(400, `{"error":{"message":"litellm.BadRequestError: OpenAIException - Error code: 400 - {'detail': [{'type': 'extra_forbidden', 'loc': ['body', 'tools', 0, 'function', 'strict'], 'msg': 'Extra inputs are not permitted', 'input': True}]}. Received Model Group=m","type":null,"param":null,"code":"400"}}`)
		}
		return capped(q, 400, 8192, `{"error":{"message":"litellm.BadRequestError: AnthropicException - {\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"max_tokens: 32000 > %d, which is the maximum allowed number of output tokens for claude-3\"}}","code":"400"}}`)
	}, voice{}},
	{"Portkey", "hands on another's words with a provider's name; half the ids are missing", func(q *asked) *refusal {
		if q.has("stream_options") {
			return no(400, `{"error":{"message":"groq error: property 'stream_options' is unsupported, did you mean 'stream'?","type":"invalid_request_error"},"provider":"groq"}`)
		}
		return nil
	}, voice{noIDs: true}},
	{"Bedrock gateway", "a blank text beside calls is refused by what stands behind it", func(q *asked) *refusal {
		if q.message(func(m, _ map[string]any) bool { s, _ := m["content"].(string); return calling(m) && s == "" }) >= 0 {
			return no(400, `{"detail":"An error occurred (ValidationException) when calling the ConverseStream operation: The text field in the ContentBlock object at messages.1.content.0 is blank. Add text to the text field, and try again."}`)
		}
		return capped(q, 400, 8192, `{"detail":"An error occurred (ValidationException) when calling the ConverseStream operation: The maximum tokens you requested exceeds the model limit of %[1]d. Try again with a maximum tokens value that is lower than %[1]d."}`)
	}, voice{}},
	{"Vertex and Gemini", "a tool's result must name the tool (pydantic-ai 1879); errors stand in a list; no index, no id", func(q *asked) *refusal {
		if i := q.message(func(m, _ map[string]any) bool { return m["role"] == "tool" && m["name"] == nil }); i >= 0 {
			return no(400, `[{"error":{"code":400,"message":"* GenerateContentRequest.contents[%d].parts[0].function_response.name: Name cannot be empty.\n","status":"INVALID_ARGUMENT"}}]`, i)
		}
		return nil
	}, voice{noIDs: true}},
	{"Hugging Face router", "providers behind it differ: one has no streams of answers in a schema", func(q *asked) *refusal {
		if q.format() != "" && q.body["stream"] == true {
			return no(501, `{"error":"streaming is not implemented with response_format"}`)
		}
		return nil
	}, voice{whole: true}},
	{"a gateway of old", "says function_call, floats for numbers, and answers 201", nil, voice{called: "function_call", soFar: true}},
}

// window is a refusal of a limit that does not fit beside the prompt.
func window(q *asked, size int, format string) *refusal { return windowed(q, 400, size, format) }

func windowed(q *asked, status, size int, format string) *refusal {
	if q.tokens+q.limit() <= size {
		return nil
	}
	return no(status, format, size, q.tokens+q.limit(), q.tokens, q.limit())
}

// windowedTotal tells the window and the sum alone.
func windowedTotal(q *asked, size int, format string) *refusal {
	if q.tokens+q.limit() <= size {
		return nil
	}
	return &refusal{400, strings.NewReplacer("%[1]d", fmt.Sprint(size), "%[2]d", fmt.Sprint(q.tokens+q.limit())).Replace(format)}
}

func capped(q *asked, status, most int, format string) *refusal {
	if q.limit() <= most {
		return nil
	}
	return no(status, format, most)
}

func badIDs(q *asked) *refusal {
	i := q.message(func(m, _ map[string]any) bool {
		id, _ := m["tool_call_id"].(string)
		return m["role"] == "tool" && len(id) != 9
	})
	if i < 0 {
		return nil
	}
	return no(400, `{"object":"error","message":"Tool call id was call_x but must be a-z, A-Z, 0-9, with a length of 9.","type":"invalid_request_error","param":null,"code":null}`)
}

// scripted answers with a small piece of work in the words of a dialect: a look, a file, an edit with words beside it, the end.
type scripted struct {
	dialect
	mu      sync.Mutex
	refused int
	asked   []string
}

const page = `<!doctype html><html lang="en"><title>t</title><h1>t</h1></html>`

func (s *scripted) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/models") {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"m","object":"model"}]}`)
		return
	}
	body, _ := io.ReadAll(r.Body)
	q := &asked{raw: string(body)}
	if err := json.Unmarshal(body, &q.body); err != nil {
		http.Error(w, err.Error(), 400)
		return
	}
	q.tokens = len(fmt.Sprint(q.body["messages"]))/4 + len(fmt.Sprint(q.body["tools"]))/5
	s.mu.Lock()
	s.asked = append(s.asked, fmt.Sprintf("limit %d stream %v format %s", q.limit(), q.body["stream"], q.format()))
	s.mu.Unlock()
	if s.refuse != nil {
		if no := s.refuse(q); no != nil {
			s.mu.Lock()
			s.refused++
			s.asked[len(s.asked)-1] += ": " + no.body
			s.mu.Unlock()
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(no.status)
			fmt.Fprint(w, no.body)
			return
		}
	}
	turn := 0
	for _, m := range q.body["messages"].([]any) {
		if calling(m.(map[string]any)) {
			turn++
		}
	}
	text, calls := "", [][2]string(nil)
	switch {
	case !q.has("tools"):
		text = `{"encouragement":"Well begun.","steps":[{"step_number":1,"question":"What does the page show?","hint":"Look at its heading.","concept":"markup"}],"key_concept":"markup","further_exploration":[]}`
	case turn == 0:
		calls = [][2]string{{"read_file", `{"path":"index.html"}`}, {"search", `{"pattern":"title"}`}}
	case turn == 1:
		calls = [][2]string{{"write_file", `{"path":"about.html","content":` + quote(page) + `}`}}
	case turn == 2:
		text, calls = "Now the link.", [][2]string{{"edit_file", `{"path":"about.html","old":"<h1>t</h1>","new":"<h1>about</h1>"}`}}
	default:
		calls = [][2]string{{"finish", `{"summary":"There is a page about it now, as asked.","dependencies":[],"explanations":{}}`}}
	}
	s.say(w, q, turn, text, calls)
}

func quote(v any) string { b, _ := json.Marshal(v); return string(b) }

func (s *scripted) say(w http.ResponseWriter, q *asked, turn int, text string, calls [][2]string) {
	v := s.voice
	reason := "stop"
	if v.stop != "" {
		reason = v.stop
	}
	var made []map[string]any
	for i, c := range calls {
		if reason = "tool_calls"; v.called != "" {
			reason = v.called
		}
		args := any(c[1])
		if v.objects {
			args = json.RawMessage(c[1])
		}
		m := map[string]any{"index": i, "id": fmt.Sprintf("call_%s_%d_%d", strings.ToLower(s.name[:2]), turn, i), "type": "function", "function": map[string]any{"name": c[0], "arguments": args}}
		if v.noIDs {
			delete(m, "id")
			delete(m, "index")
		}
		if v.sameIndex {
			m["index"] = 0
		}
		made = append(made, m)
	}
	said := map[string]any{"role": "assistant", "content": text}
	if text == "" {
		said["content"] = nil
	}
	if v.thinks && text != "" {
		said["content"] = "<think>\nPerhaps {\"so\": 1}?\n</think>\n\n" + text
	}
	if v.thinksAside {
		said["reasoning_content"] = "Let me think."
	}
	if made != nil {
		said["tool_calls"] = made
	}
	usage := map[string]any{"prompt_tokens": q.tokens, "completion_tokens": 50.0, "total_tokens": q.tokens + 50}
	out := io.Writer(w)
	if v.gzipped {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer z.Close()
		out = z
	}
	if q.body["stream"] != true || v.whole {
		answer := map[string]any{"id": "1", "object": "chat.completion", "model": "m", "usage": usage, "choices": []any{map[string]any{"index": 0, "message": said, "finish_reason": reason}}}
		w.Header().Set("Content-Type", "application/json")
		if v.bare {
			answer = map[string]any{"result": answer, "success": true, "errors": []any{}}
		}
		fmt.Fprint(out, quote(answer))
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(delta map[string]any, finish, used any) {
		c := map[string]any{"index": 0, "delta": delta, "finish_reason": finish}
		if v.asMessage {
			c = map[string]any{"index": 0, "message": delta, "finish_reason": finish}
		}
		e := map[string]any{"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": []any{c}}
		if used != nil {
			e["usage"] = used
		}
		fmt.Fprintf(out, "data: %s\n\n", quote(e))
		if v.ping {
			fmt.Fprint(out, ": PROCESSING\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\n")
		}
	}
	if v.created {
		fmt.Fprint(out, "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{}}]}\n\n")
	}
	if v.thinksAside {
		send(map[string]any{"role": "assistant", "reasoning_content": "Let me think."}, nil, nil)
		delete(said, "reasoning_content")
	}
	if words, _ := said["content"].(string); words != "" && !v.soFar {
		half := len(words) / 2
		send(map[string]any{"content": words[:half]}, nil, nil)
		send(map[string]any{"content": words[half:]}, nil, nil)
	} else if words != "" {
		for i := 10; i < len(words)+10; i += 10 {
			send(map[string]any{"content": words[:min(i, len(words))]}, nil, nil)
		}
	}
	for _, m := range made {
		f := m["function"].(map[string]any)
		args, isText := f["arguments"].(string)
		if !isText || v.noIDs || v.asMessage {
			send(map[string]any{"tool_calls": []any{m}}, nil, nil)
			continue
		}
		first := map[string]any{"index": m["index"], "id": m["id"], "type": "function", "function": map[string]any{"name": f["name"], "arguments": ""}}
		if v.emptyFirst {
			first["function"].(map[string]any)["arguments"] = "{}"
		}
		send(map[string]any{"tool_calls": []any{first}}, nil, nil)
		half := len(args) / 2
		pieces := []string{args[:half], args[half:]}
		if v.repeats {
			pieces = append(pieces, args)
		}
		if v.soFar {
			pieces = []string{args[:half], args}
		}
		for _, p := range pieces {
			send(map[string]any{"tool_calls": []any{map[string]any{"index": m["index"], "function": map[string]any{"arguments": p}}}}, nil, nil)
		}
	}
	if !v.noReason {
		send(map[string]any{}, reason, nil)
	}
	if !v.noUsage {
		fmt.Fprintf(out, "data: %s\n\n", quote(map[string]any{"id": "1", "object": "chat.completion.chunk", "model": "m", "choices": []any{}, "usage": usage}))
	}
	if !v.noDone {
		fmt.Fprint(out, "data: [DONE]\n\n")
	}
}

// TestDialects runs whole jobs over every endpoint of the table, on servers of this program that know nothing of them: all
// complete, and what was refused once is not asked for again: without CODEFORGE_SOAK a quarter of them is asked twice.
func TestDialects(t *testing.T) {
	for i, d := range dialects {
		rounds := 2
		if os.Getenv("CODEFORGE_SOAK") == "" && i%4 != 1 {
			rounds = 1
		}
		t.Run(d.name, func(t *testing.T) {
			t.Parallel()
			e := &scripted{dialect: d}
			srv := httptest.NewServer(e)
			t.Cleanup(srv.Close)
			c := serve(t, configured(t, "--llm-compatible-url", srv.URL+"/v1", "--llm-compatible-model", "m")).as("")
			var p, job struct {
				ID  string
				Job string `json:"job_id"`
			}
			c.must(t, "POST", "/v1/projects/", object{"title": "A page"}, &p)
			c.must(t, "POST", "/v1/projects/"+p.ID+"/files", object{"path": "index.html", "content": page}, new(object))
			for round := range rounds { // the second one knows
				if round == 1 {
					c.must(t, "POST", "/v1/projects/"+p.ID+"/files", object{"path": "about.html", "content": page}, new(object))
				}
				for _, agent := range []string{"code", "pedagogy"} {
					before := e.refusals()
					c.must(t, "POST", "/v1/run-agent", object{"project_id": p.ID, "agent_type": agent, "input_context": object{"user_message": "Add a page about it", "message": "How does it work?"}}, &job)
					kinds := c.events(t, job.Job)
					if !slices.Contains(kinds, "complete") {
						var got object
						c.must(t, "GET", "/v1/jobs/"+job.Job, nil, &got)
						t.Fatalf("%s: %v\n%s", agent, got["error"], strings.Join(e.asked, "\n"))
					}
					if refused := e.refusals() - before; round == 1 && refused > 2 && !slices.Contains(passing, d.name) {
						t.Errorf("%s: %d refusals after it was learned\n%s", agent, refused, strings.Join(e.asked, "\n"))
					}
				}
			}
			var f struct{ Content string }
			c.must(t, "GET", "/v1/projects/"+p.ID+"/files/about.html", nil, &f)
			if !strings.Contains(f.Content, "<h1>about</h1>") {
				t.Errorf("about.html is %q", f.Content)
			}
		})
	}
}

func (s *scripted) refusals() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// TestDoctorLearnsDialects: what the doctor says of an endpoint's dialect is what a server then need not learn.
func TestDoctorLearnsDialects(t *testing.T) {
	for _, name := range []string{"DeepSeek", "Databricks", "Mistral", "vLLM"} {
		i := slices.IndexFunc(dialects, func(d dialect) bool { return d.name == name })
		e := &scripted{dialect: dialects[i]}
		srv := httptest.NewServer(e)
		defer srv.Close()
		args := []string{"--llm-compatible-url", srv.URL + "/v1", "--llm-compatible-model", "m"}
		var entry string
		for _, f := range (&doctor{Config: *configured(t, args...)}).models(t.Context()) {
			if f.State == "broken" || f.State == "warning" && !strings.Contains(f.Message+f.Title, "none of its models") {
				t.Errorf("%s: %+v", name, f)
			}
			if _, line, ok := strings.Cut(f.Message, "under models: "); ok {
				entry = line
			}
		}
		if entry == "" {
			t.Fatalf("%s: no dialect", name)
		}
		file := filepath.Join(t.TempDir(), "models.json")
		if err := os.WriteFile(file, []byte(`{"format": 1, "models": [`+entry+`]}`), 0o600); err != nil {
			t.Fatal(err)
		}
		before := e.refusals()
		for _, f := range (&doctor{Config: *configured(t, append(args, "--models-file", file)...)}).models(t.Context()) {
			if strings.Contains(f.Message, "under models") {
				t.Errorf("%s has more to learn than %s: %s", name, entry, f.Message)
			}
		}
		if n := e.refusals() - before; n > 0 {
			t.Errorf("%s: %d refusals with %s", name, n, entry)
		}
	}
}

// TestEndpointsOfThePageWereTried: the page on models names no endpoint that nothing stands in for.
func TestEndpointsOfThePageWereTried(t *testing.T) {
	page, err := os.ReadFile("../../docs/models.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "| endpoint | address |")
	rows := 0
	for _, m := range regexp.MustCompile("(?m)^\\| ([^|]+) \\| `(https?://[^`]+)` \\|").FindAllStringSubmatch(rest, -1) {
		rows++
		if !slices.ContainsFunc(dialects, func(d dialect) bool { return d.name == m[1] }) {
			t.Errorf("%s was not tried: give it a row in dialects", m[1])
		}
		if err := checkAddress(m[2], "https://host/v1"); err != nil {
			t.Errorf("%s: %v", m[1], err)
		}
	}
	if rows < 15 {
		t.Errorf("%d endpoints: the page is not read", rows)
	}
}
