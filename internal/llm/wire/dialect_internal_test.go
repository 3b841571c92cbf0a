package wire

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"codeforge/internal/llm"
)

// TestRefusedLimits has the words in which servers refuse 32,000 tokens of output beside a prompt of about 2,000.
func TestRefusedLimits(t *testing.T) {
	const asked = 32_000
	req := &llm.Request{Model: "maker/model-70b-32000", MaxOutput: asked, Messages: []llm.Message{llm.UserText(strings.Repeat("some words of a prompt ", 190))}}
	prompt := llm.Estimate(req, req.Model)
	if prompt < 1500 || prompt > 2500 {
		t.Fatal(prompt)
	}
	const (
		half    = asked / 2
		tooLong = -1
		other   = 0 // not about the limit
	)
	for name, c := range map[string]struct {
		status int
		words  string
		want   int
		kept   int // what is remembered as the largest output
		window int
	}{
		"vLLM":                         {400, `{"object":"error","message":"This model's maximum context length is 32768 tokens. However, you requested 34000 tokens (2000 in the messages, 32000 in the completion). Please reduce the length of the messages or completion.","type":"BadRequestError","param":null,"code":400}`, 30704, 0, 32768},
		"vLLM, as large as the window": {400, `{"message":"This model's maximum context length is 32000 tokens. However, you requested 34000 tokens (2000 in the messages, 32000 in the completion)."}`, 29936, 0, 32000},
		"vLLM, newer":                  {400, `{"error":{"message":"'max_tokens' or 'max_completion_tokens' is too large: 32000. This model's maximum context length is 32768 tokens and your request has 2000 input tokens (32000 > 32768 - 2000). None"}}`, 30704, 0, 32768},
		"vLLM, newest":                 {400, `{"error":{"message":"max_tokens=32000 cannot be greater than max_model_len=max_total_tokens=8192. Please request fewer output tokens."}}`, 0, 0, 0},
		"SGLang":                       {400, `{"object":"error","message":"Requested token count exceeds the model's maximum context length of 32768 tokens. You requested a total of 34000 tokens: 2000 tokens from the input messages and 32000 tokens for the completion."}`, 30704, 0, 32768},
		"TGI":                          {422, "{\"error\":\"Input validation error: `inputs` tokens + `max_new_tokens` must be <= 16384. Given: 2000 `inputs` tokens and 32000 `max_new_tokens`\",\"error_type\":\"validation\"}", 14320, 0, 16384},
		"TGI, alone":                   {422, "{\"error\":\"Input validation error: `max_new_tokens` must be <= 1512. Given: 32000\",\"error_type\":\"validation\"}", 1512, 1512, 0},
		"OpenRouter":                   {400, `{"error":{"message":"This endpoint's maximum context length is 32768 tokens. However, you requested about 34000 tokens (2000 of text input, 32000 in the output). Please reduce the length of either one.","code":400}}`, 30704, 0, 32768},
		"OpenRouter's purse":           {402, `{"error":{"code":402,"message":"This request requires more credits, or fewer max_tokens. You requested up to 32000 tokens, but can only afford 2500."}}`, 2500, 0, 0},
		"OpenAI":                       {400, `{"error":{"message":"max_tokens is too large: 32000. This model supports at most 16384 completion tokens, whereas you provided 32000.","type":"invalid_request_error","param":"max_tokens","code":"invalid_value"}}`, 16384, 16384, 0},
		"Anthropic":                    {400, `{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: 32000 > 8192, which is the maximum allowed number of output tokens for model-3-haiku"}}`, 8192, 8192, 0},
		"Anthropic's window":           {400, "{\"type\":\"error\",\"error\":{\"type\":\"invalid_request_error\",\"message\":\"input length and `max_tokens` exceed context limit: 2000 + 32000 > 32768, decrease input length or `max_tokens` and try again\"}}", 30704, 0, 32768},
		"Groq":                         {400, "{\"error\":{\"message\":\"`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens` is less than the `context_window` for this model\",\"type\":\"invalid_request_error\",\"param\":\"max_tokens\"}}", 8192, 8192, 0},
		"Groq's minute":                {413, `{"error":{"message":"Request too large for model in organization org_1 on tokens per minute (TPM): Limit 12000, Requested 34000, please reduce your message size and try again.","type":"tokens","code":"rate_limit_exceeded"}}`, 9936, 0, 0},
		"DeepSeek":                     {400, `{"error":{"message":"Invalid max_tokens value, the valid range of max_tokens is [1, 8192]","type":"invalid_request_error","param":null,"code":"invalid_request_error"}}`, 8192, 8192, 0},
		"DashScope":                    {400, `{"error":{"code":"invalid_parameter_error","message":"<400> InternalError.Algo.InvalidParameter: Range of max_tokens should be [1, 8192]"}}`, 8192, 8192, 0},
		"Zhipu":                        {400, `{"error":{"code":"1210","message":"API 调用参数有误，max_tokens 应在 [1, 4095] 范围内"}}`, 4095, 4095, 0},
		"Moonshot":                     {400, `{"error":{"message":"Invalid request: Your request exceeded model token limit: 32768 (requested: 34000)","type":"invalid_request_error"}}`, 30704, 0, 32768},
		"Bedrock":                      {400, `{"message":"The maximum tokens you requested exceeds the model limit of 8192. Try again with a maximum tokens value that is lower than 8192."}`, 8192, 8192, 0},
		"Cloudflare":                   {413, `{"errors":[{"message":"AiError: The estimated number of input and maximum output tokens (34000) exceeded this model context window limit (24000).","code":5021}],"success":false}`, 21936, 0, 0},
		"Mistral":                      {400, `{"object":"error","message":"Prompt contains 2000 tokens and max_tokens is 32000: too large for model with 32768 maximum context length","type":"invalid_request_error","code":"3051"}`, 30704, 0, 32768},
		"Databricks":                   {400, `{"error_code":"BAD_REQUEST","message":"max_tokens (32000) must be at most 25000"}`, 25000, 25000, 0},
		"FastAPI":                      {422, `{"detail":[{"type":"less_than_equal","loc":["body","max_tokens"],"msg":"Input should be less than or equal to 4096","input":32000,"ctx":{"le":4096}}]}`, 4096, 4096, 0},
		"vLLM, the other way round":    {400, `{"error":{"message":"You passed 2001 input tokens and requested 32000 output tokens. However, the model's context length is only 32768 tokens. Please reduce the length of the input prompt."}}`, 30703, 0, 32768},
		"a sum":                        {400, `{"error":{"message":"Token limit exceeded: 2000 prompt + 32000 completion = 34000 > 32768"}}`, 30704, 0, 32768},
		"a sum in words":               {400, `{"error":{"message":"Input length (2000) + max_tokens (32000) exceeds max_model_len (16384)"}}`, 14320, 0, 16384},
		"thousands":                    {400, `{"error":{"message":"Your max_tokens exceeds the allowed limit: 8k"}}`, 8000, 8000, 0},
		"names of variables":           {400, `{"error":{"message":"context size exceeded: n_ctx = 16384, n_prompt = 2000, n_predict = 32000","code":400}}`, 14320, 0, 16384},
		"either":                       {400, `{"error":{"message":"Please reduce the length of the messages or completion"}}`, half, half, 0},
		"with commas":                  {400, `{"error":{"message":"max_tokens must not exceed 16,384"}}`, 16384, 16384, 0},
		"no numbers":                   {400, `{"error":{"message":"max_tokens is larger than this deployment allows"}}`, half, half, 0},
		"a window alone":               {400, `{"error":{"message":"The requested tokens exceed the context window of 16384 tokens"}}`, 16384 - prompt - prompt/4 - margin, 0, 16384},

		"llama.cpp's prompt": {400, `{"error":{"code":400,"message":"the request exceeds the available context size (1024 tokens), try increasing it","type":"exceed_context_size_error","n_prompt_tokens":2011,"n_ctx":1024}}`, tooLong, 0, 0},
		"vLLM's prompt":      {400, `{"message":"This model's maximum context length is 2048 tokens. However, you requested 34000 tokens (2000 in the messages, 32000 in the completion)."}`, tooLong, 0, 0},
		"a prompt in words":  {400, `{"error":{"message":"prompt is too long"}}`, other, 0, 0},
		"an unknown name":    {400, `{"error":{"message":"Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.","param":"max_tokens"}}`, other, 0, 0},
		"a forbidden name":   {422, `{"detail":[{"type":"extra_forbidden","loc":["body","max_tokens"],"msg":"Extra inputs are not permitted","input":32000}]}`, other, 0, 0},
		"something else":     {400, `{"error":{"message":"messages must not be empty"}}`, other, 0, 0},
		"a busy minute":      {429, `{"error":{"message":"Rate limit reached on tokens per minute (TPM): Limit 40000, Used 30000, Requested 34000. Please try again in 36s."}}`, other, 0, 0},
	} {
		f := parseFault(c.status, http.Header{}, []byte(c.words))
		r, ok := f.refusal(req.Model, nil)
		var d llm.Dialect
		got, kept := 0, 0
		if ok {
			var keep bool
			if got, keep = r.lower(f, req, asked, &d); keep && got > 0 {
				kept = got
			}
		}
		if name == "vLLM, newest" { // the window is told, the prompt is not: any room in it will do
			if got <= 0 || got >= 8192 && kept == 0 || got > 8192 {
				t.Errorf("%s: %d", name, got)
			}
			continue
		}
		if got != c.want || kept != c.kept || c.want > 0 && d.Context != c.window {
			t.Errorf("%s: limit %d, remembered %d, window %d; want %d, %d, %d", name, got, kept, d.Context, c.want, c.kept, c.window)
		}
	}
}

func TestShape(t *testing.T) {
	body := map[string]any{"model": "m", "temperature": 1, "tools": []any{map[string]any{"function": map[string]any{"strict": true, "parameters": map[string]any{"type": "object", "properties": map[string]any{"maxLength": map[string]any{"type": "string", "maxLength": 3}}}}}},
		"messages": []any{map[string]any{"role": "assistant", "reasoning_content": "x"}, "odd"}}
	got, err := shapeBody(body, llm.Dialect{Omit: []string{"temperature", "tools.function.strict", "messages.reasoning_content", "schema.maxLength", "none.such"},
		Add: map[string]json.RawMessage{"parallel_tool_calls": json.RawMessage("false"), "model": json.RawMessage("null")}})
	want := `{"messages":[{"role":"assistant"},"odd"],"parallel_tool_calls":false,"tools":[{"function":{"parameters":{"properties":{"maxLength":{"type":"string"}},"type":"object"}}}]}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	if s := fmt.Sprint(hasPath(got, "tools.function.parameters"), hasPath(got, "tools.function.strict"), hasPath(got, "messages.role")); s != "true false true" {
		t.Error(s)
	}
}
