package wire

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"codeforge/internal/llm"
)

func TestWait(t *testing.T) {
	const date = "Sun, 22 Nov 2026 12:00:00 GMT"
	for name, c := range map[string]struct {
		status int
		header map[string]string
		want   time.Duration
		ok     bool
	}{
		"none":                 {429, nil, 0, false},
		"seconds":              {429, map[string]string{"Retry-After": "12"}, 12 * time.Second, true},
		"zero":                 {429, map[string]string{"Retry-After": "0"}, 0, true},
		"fraction":             {503, map[string]string{"Retry-After": " 0.25 "}, 250 * time.Millisecond, true},
		"milliseconds first":   {429, map[string]string{"Retry-After": "12", "Retry-After-Ms": "1500.5"}, 1500500 * time.Microsecond, true},
		"date against Date":    {503, map[string]string{"Retry-After": "Sun, 22 Nov 2026 12:01:30 GMT", "Date": date}, 90 * time.Second, true},
		"RFC 850 date":         {503, map[string]string{"Retry-After": "Sunday, 22-Nov-26 12:00:05 GMT", "Date": date}, 5 * time.Second, true},
		"date gone by":         {503, map[string]string{"Retry-After": "Sun, 22 Nov 2026 11:00:00 GMT", "Date": date}, 0, true},
		"negative":             {429, map[string]string{"Retry-After": "-4"}, 0, false},
		"not a number":         {429, map[string]string{"Retry-After": "NaN"}, 0, false},
		"infinite":             {429, map[string]string{"Retry-After": "Inf"}, 0, false},
		"absurd":               {429, map[string]string{"Retry-After": "1e300"}, 0, false},
		"words":                {429, map[string]string{"Retry-After": "soon"}, 0, false},
		"bad ms, good seconds": {429, map[string]string{"Retry-After": "3", "Retry-After-Ms": "x"}, 3 * time.Second, true},
		"resets, one used up": {429, map[string]string{"Date": date,
			"Anthropic-Ratelimit-Requests-Remaining": "3", "Anthropic-Ratelimit-Requests-Reset": "2026-11-22T12:00:50Z",
			"Anthropic-Ratelimit-Input-Tokens-Remaining": "0", "Anthropic-Ratelimit-Input-Tokens-Reset": "2026-11-22T12:00:20Z"}, 20 * time.Second, true},
		"resets, two used up": {429, map[string]string{"Date": date,
			"Anthropic-Ratelimit-Requests-Remaining": "0", "Anthropic-Ratelimit-Requests-Reset": "2026-11-22T12:00:50Z",
			"Anthropic-Ratelimit-Tokens-Remaining": "0", "Anthropic-Ratelimit-Tokens-Reset": "2026-11-22T12:00:20Z"}, 50 * time.Second, true},
		"resets, none used up": {429, map[string]string{"Date": date,
			"Anthropic-Ratelimit-Requests-Remaining": "3", "Anthropic-Ratelimit-Requests-Reset": "2026-11-22T12:00:50Z"}, 0, false},
		"too few tokens left": {429, map[string]string{"X-Ratelimit-Remaining-Requests": "99", "X-Ratelimit-Reset-Requests": "8.64s",
			"X-Ratelimit-Remaining-Tokens": "120", "X-Ratelimit-Reset-Tokens": "1m2.5s"}, 62500 * time.Millisecond, true},
		"OpenAI's and Groq's": {429, map[string]string{"X-Ratelimit-Remaining-Requests": "0", "X-Ratelimit-Reset-Requests": "2m59.56s",
			"X-Ratelimit-Remaining-Tokens": "5000", "X-Ratelimit-Reset-Tokens": "250ms"}, 179560 * time.Millisecond, true},
		"nothing said of what remains": {429, map[string]string{"X-Ratelimit-Reset-Tokens": "7.66s"}, 7660 * time.Millisecond, true},
		"seconds until":                {429, map[string]string{"Ratelimit-Remaining": "0", "Ratelimit-Reset": "30"}, 30 * time.Second, true},
		"seconds since 1970":           {429, map[string]string{"Date": date, "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1795348860"}, time.Minute, true},
		"milliseconds since 1970":      {429, map[string]string{"Date": date, "X-Ratelimit-Remaining": "0", "X-Ratelimit-Reset": "1795348860000"}, time.Minute, true},
		"a date":                       {429, map[string]string{"Date": date, "X-Ratelimit-Reset": "2026-11-22T12:00:20.5Z"}, 20500 * time.Millisecond, true},
		"with the unit behind":         {429, map[string]string{"X-Ratelimit-Remaining-Tokens-Minute": "0", "X-Ratelimit-Reset-Tokens-Minute": "11.38"}, 11380 * time.Millisecond, true},
		"a wait comes before a reset":  {429, map[string]string{"Retry-After": "2", "X-Ratelimit-Reset-Tokens": "7.66s"}, 2 * time.Second, true},
		"resets of a 503":              {503, map[string]string{"X-Ratelimit-Reset": "5"}, 5 * time.Second, true},
		"resets of a 200": {200, map[string]string{"Date": date,
			"Anthropic-Ratelimit-Requests-Remaining": "0", "Anthropic-Ratelimit-Requests-Reset": "2026-11-22T12:00:50Z"}, 0, false},
	} {
		h := http.Header{}
		for k, v := range c.header {
			h.Set(k, v)
		}
		if f := parseFault(c.status, h, nil); f.Wait != c.want || f.HasWait != c.ok {
			t.Errorf("%s: %v, %v; want %v, %v", name, f.Wait, f.HasWait, c.want, c.ok)
		}
	}
	for message, want := range map[string]time.Duration{
		"Rate limit reached for m on tokens per min (TPM): Limit 6000, Used 5500, Requested 1500. Please try again in 10s. Visit https://x for more.": 10 * time.Second,
		"Please try again in 1m2.5s.":                62500 * time.Millisecond,
		"Please try again in 250ms":                  250 * time.Millisecond,
		"Please try again in 7m12s.":                 432 * time.Second,
		"Try again in 1h2m3s":                        3723 * time.Second,
		"Please retry in 34.074824224s.":             34074824224,
		"Too many requests, retry after 2 minutes":   2 * time.Minute,
		"retry-after: 30 seconds":                    30 * time.Second,
		"Please wait 5 seconds before the next one":  5 * time.Second,
		"You can try again in 1 hour and 5 minutes.": 65 * time.Minute,
		"The limit resets in 45 secs":                45 * time.Second,
		"the model will be available in 3 min":       3 * time.Minute,
		"Please try again later":                     -1,
		"Please try again in a moment":               -1,
		"It took 30 seconds and 20s more":            -1,
		"try again in 99999 days":                    -1,
	} {
		body, _ := json.Marshal(map[string]any{"error": map[string]any{"message": message}})
		if f := parseFault(429, http.Header{}, body); f.HasWait != (want >= 0) || f.HasWait && f.Wait != want {
			t.Errorf("%s: %v, %v; want %v", message, f.Wait, f.HasWait, want)
		}
	}
	for body, want := range map[string]time.Duration{
		`{"error":{"message":"slow down","retry_after":1.5}}`:                                                                   1500 * time.Millisecond,
		`{"error":"Model is loading","estimated_time":20.5}`:                                                                    20500 * time.Millisecond,
		`{"message":"slow down","retry_after_ms":700}`:                                                                          700 * time.Millisecond,
		`{"error":{"message":"slow","metadata":{"headers":{"X-RateLimit-Remaining":"0","X-RateLimit-Reset":"1795348860000"}}}}`: time.Minute,
	} {
		if f := parseFault(429, http.Header{"Date": {date}}, []byte(body)); f.Wait != want || !f.HasWait {
			t.Errorf("%s: %v, want %v", body, f.Wait, want)
		}
	}
}

// What one vendor does not know another may take; what is wrong with the request itself is wrong everywhere.
func TestParameterOfOneVendor(t *testing.T) {
	for message, want := range map[string]bool{
		"Unsupported parameter: 'reasoning' is not supported with this model.": true,
		"Unknown name \"strict\" at 'tools[0]': Cannot find field.":            true,
		"tools.0.custom.input_schema: Extra inputs are not permitted":          true,
		"messages: at least one message is required":                           false,
		"The message at position 3 is empty":                                   false,
	} {
		body, _ := json.Marshal(map[string]any{"error": map[string]any{"message": message, "type": "invalid_request_error"}})
		c := NewClient(Options{}, Provider{Name: "p"})
		e := c.callError(t.Context(), &Answer{req: &llm.Request{}}, parseFault(400, http.Header{}, body))
		if e.Kind != llm.InvalidRequest || e.Fallback != want || e.Retryable {
			t.Errorf("%s: %+v", message, e)
		}
	}
}

// TestFaultsInChinese has what endpoints say of the same troubles in Chinese, where the status says little.
func TestFaultsInChinese(t *testing.T) {
	for _, c := range []struct {
		status int
		words  string
		want   llm.ErrorKind
	}{
		{403, "账户余额不足，请充值", llm.QuotaExhausted}, {429, "您的账户已欠费", llm.QuotaExhausted}, {400, "无效的令牌", llm.Auth}, {400, "API Key 已过期", llm.Auth},
		{400, "模型 m 不存在", llm.ModelNotFound}, {400, "系统检测到输入或生成内容可能包含不安全或敏感内容", llm.ContentFilter}, {400, "输入超出模型的上下文长度", llm.ContextLength},
		{429, "请求过于频繁，请稍后再试", llm.RateLimit}, {500, "当前分组上游负载已饱和", llm.Overloaded}, {400, "参数有误", llm.InvalidRequest}, {429, "稍后再试", llm.RateLimit},
	} {
		f := parseFault(c.status, http.Header{}, MustJSON(map[string]any{"error": map[string]string{"message": c.words}}))
		if got := f.kind(); got != c.want {
			t.Errorf("%s is %s, want %s", c.words, got, c.want)
		}
	}
}

func TestRedact(t *testing.T) {
	const key = "my-Secret.Key-0123456789"
	for in, want := range map[string]string{
		"bad key " + key + "!": "bad key [redacted]!",
		"Incorrect API key provided: my-Se***6789. See the docs.":    "Incorrect API key provided: [redacted] See the docs.",
		"invalid key my-S...6789":                                    "invalid key [redacted]",
		"key my-…89 is wrong":                                        "key [redacted] is wrong",
		"wait a moment... then try again":                            "wait a moment... then try again",
		"sk-proj-AbCdEf123456 and sk-...abcd":                        "[redacted] and [redacted]",
		"sk-ant-api03-xyz_123 gsk_0123456789ab AIzaSyA1234567890":    "[redacted] [redacted] [redacted]",
		"Authorization: Bearer abcdefghijk":                          "Authorization: Bearer [redacted]",
		"GET https://x.example/v1?key=abcdefgh&alt=sse":              "GET https://x.example/v1?key=[redacted]&alt=sse",
		"two\nlines\tand \x00 more":                                  "two lines and more",
		"task-runner and desk-lamp are words; risk-free ask-me-once": "task-runner and desk-lamp are words; risk-free ask-me-once",
	} {
		if got := redact(in, []string{key}); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
	// A key in every form in which one is sent, ours and one that only looks like it.
	for _, secret := range []string{key, "sk-proj-AbCdEf/123+456=", "odd \"key\" \\ <&> é"} {
		quoted, err := json.Marshal(secret)
		if err != nil {
			t.Fatal(err)
		}
		for form, sent := range map[string]string{
			"as it is": secret, "base64": base64.StdEncoding.EncodeToString([]byte(secret)), "base64 of addresses": base64.RawURLEncoding.EncodeToString([]byte(secret)),
			"basic": base64.StdEncoding.EncodeToString([]byte("user:" + secret)), "hex": hex.EncodeToString([]byte(secret)), "HEX": strings.ToUpper(hex.EncodeToString([]byte(secret))),
			"query": url.QueryEscape(secret), "path": url.PathEscape(secret), "JSON": string(quoted), "ASCII": strconv.QuoteToASCII(secret),
			"base64 in an address": url.QueryEscape(base64.StdEncoding.EncodeToString([]byte(secret))), "cut": base64.StdEncoding.EncodeToString([]byte(secret + secret))[:len(secret)+21],
		} {
			secrets := []string{secret}
			if strings.HasPrefix(secret, "sk-") {
				secrets = nil
			}
			if got := redact("before "+sent+" after", secrets); !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") || !strings.Contains(got, "[redacted]") || len(got) > 45 {
				t.Errorf("%s of %q: %q", form, secret, got)
			}
		}
	}
	for _, plain := range []string{"request 0123456789abcdef0123456789abcdef failed", "see https://docs.example/errors%20and%20limits", "eW91IGFyZSByZWFkaW5nIHRoaXM= is only base64", `C:\temp\models`} {
		if got := redact(plain, []string{key}); got != plain {
			t.Errorf("%q became %q", plain, got)
		}
	}
	if got := redact(strings.Repeat("ä", 5000), nil); len([]rune(got)) != maxMessage+1 {
		t.Errorf("%d runes", len([]rune(got)))
	}
}

func FuzzFault(f *testing.F) {
	for _, s := range []string{
		`{"error":{"message":"m","type":"t","code":429}}`, `{"type":"error","error":{"type":"overloaded_error"}}`, `[{"error":{"code":400,"status":"X","details":[{"@type":"a.RetryInfo","retryDelay":"3s"}]}}]`,
		`{"error":"x","code":"y"}`, `{"detail":[{"msg":"m"}]}`, `<html>`, `{"error":{"message":{"detail":[{"error":[[[[]]]]}]}}}`,
	} {
		f.Add(400, s)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		x := parseFault(status, http.Header{}, []byte(body))
		if k := x.kind(); k == "" || k == llm.Cancelled {
			t.Errorf("kind %q", k)
		}
		_ = redact(x.message(), []string{"abcdefgh"})
	})
}
