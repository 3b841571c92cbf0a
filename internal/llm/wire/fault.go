package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"codeforge/internal/llm"
)

// Fault is what went wrong, in the provider's words.
type Fault struct {
	Kind    llm.ErrorKind // "": to be found from the rest
	Status  int           // HTTP, 0 if it came in an answer that began well
	Message string
	Wait    time.Duration
	HasWait bool
	NoRetry bool // the provider says that trying again is no use
	Cause   error

	text  string   // everything that the provider says, in lower case, without what it only repeats of the request
	words []string // codes, types and reasons, most telling first, in lower case
	raw   string   // the first of them as it was written
	hint  int      // a status that the body names
	quota bool     // a quota for a day or longer is used up

	headers http.Header // of a provider behind this one
}

func (f *Fault) Error() string { return f.Message }
func (f *Fault) Unwrap() error { return f.Cause }

func (f *Fault) code() string { return f.raw }

func (f *Fault) message() string {
	if f.Message != "" {
		return f.Message
	}
	return cmp.Or(strings.ToLower(http.StatusText(f.Status)), "the provider gave no reason")
}

// Malformed is the error of a decoder that does not understand the answer.
func Malformed(cause error) error {
	return &Fault{Kind: llm.MalformedResponse, Message: "the answer is not what the provider documents: " + cause.Error(), Cause: cause}
}

// Failure is the error of a decoder that found the provider's error object, or something that holds it, in an answer.
func Failure(body []byte) error { return parseFault(0, nil, body) }

func (f *Fault) word(s string) {
	if s == "" || s == "error" {
		return
	}
	if n, err := strconv.Atoi(s); err == nil {
		if n >= 400 && n < 600 {
			f.hint = n
		}
		if f.raw == "" {
			f.raw = s
		}
		return
	}
	if _, err := strconv.Atoi(f.raw); f.raw == "" || err == nil {
		f.raw = s
	}
	f.words = append(f.words, strings.ToLower(s))
}

// parseFault reads an error in any of the shapes in which providers, and the proxies before them, send one.
func parseFault(status int, h http.Header, body []byte) *Fault {
	f := &Fault{Status: status}
	var v any
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	if d.Decode(&v) == nil {
		f.read(v, 0)
		f.text = strings.ToLower(allText(v))
	} else if text := strings.TrimSpace(string(body)); status != 0 && !strings.HasPrefix(text, "<") {
		f.Message, f.text = text, strings.ToLower(text)
	}
	if f.Message == "" && status >= 300 && status < 400 {
		f.Message = "the provider redirects elsewhere, which is not followed; correct the base URL"
	}
	f.NoRetry = h.Get("X-Should-Retry") == "false"
	f.wait(h)
	return f
}

func (f *Fault) read(v any, depth int) {
	switch v := v.(type) {
	case string:
		if f.Message == "" {
			f.Message = v
		}
	case []any:
		if len(v) > 0 && depth < 4 {
			f.read(v[0], depth+1)
		}
	case map[string]any:
		for _, k := range []string{"error", "Error", "errors", "detail", "Response", "fault", "base_resp"} {
			if e := v[k]; e != nil && depth < 4 {
				f.read(e, depth+1)
			}
		}
		for _, k := range []string{"code", "Code", "type", "error_type", "error_code", "status_code", "status", "reason"} {
			switch w := v[k].(type) {
			case string:
				f.word(w)
			case json.Number:
				f.word(w.String())
			}
		}
		for _, k := range []string{"message", "msg", "Message", "error_msg", "status_msg", "error_message", "faultstring"} {
			switch m := v[k].(type) {
			case string:
				if f.Message == "" {
					f.Message = m
				}
			case map[string]any, []any:
				if depth < 4 {
					f.read(m, depth+1)
				}
			}
		}
		details, _ := v["details"].([]any)
		for _, e := range details {
			if m, ok := e.(map[string]any); ok {
				f.detail(m)
			}
		}
		for _, k := range []string{"estimated_time", "retry_after_seconds", "retryAfter", "retry_after", "retry_after_ms"} {
			unit := time.Second
			if strings.HasSuffix(k, "_ms") {
				unit = time.Millisecond
			}
			if d, ok := parseWait(fmt.Sprint(v[k]), unit, time.Now()); ok && v[k] != nil {
				f.Wait, f.HasWait = d, true
			}
		}
		// OpenRouter hands on what the provider behind it said.
		if m, ok := v["metadata"].(map[string]any); ok {
			if headers, ok := m["headers"].(map[string]any); ok {
				f.headers = http.Header{}
				for k, v := range headers {
					f.headers.Set(k, fmt.Sprint(v))
				}
			}
			if raw, ok := m["raw"].(string); ok && f.Message != "" {
				f.Message += ": " + raw
			}
			if m["flagged_input"] != nil {
				f.word("content_filter")
			}
		}
	}
}

// allText joins every string of v that is the provider's own. Validators repeat the request that they refuse; what it says
// is no reason.
func allText(v any) string {
	var b strings.Builder
	var walk func(v any, depth int)
	walk = func(v any, depth int) {
		if b.Len() > 32<<10 || depth > 12 {
			return
		}
		switch v := v.(type) {
		case string:
			var inner any // some put the JSON of a server behind them into a string
			if strings.HasPrefix(v, "{") && json.Unmarshal([]byte(v), &inner) == nil {
				walk(inner, depth+1)
				return
			}
			b.WriteString(v)
			b.WriteByte('\n')
		case json.Number:
			b.WriteString(v.String())
			b.WriteByte('\n')
		case []any:
			for _, e := range v {
				walk(e, depth+1)
			}
		case map[string]any:
			for _, k := range slices.Sorted(maps.Keys(v)) {
				switch k {
				case "input", "ctx", "url", "model", "id", "request_id", "requestId", "user_id", "failed_generation", "doc_url", "instance", "retryDelay":
				default:
					b.WriteString(k)
					b.WriteString(": ")
					walk(v[k], depth+1)
				}
			}
		}
	}
	walk(v, 0)
	return b.String()
}

// IsFailure says whether a body that answers nothing is an error: some endpoints send its fields without a box around
// them, or within a box of their own, whatever the status.
func IsFailure(body []byte) bool {
	var b map[string]json.RawMessage
	if json.Unmarshal(body, &b) != nil {
		return false
	}
	var object Text
	_ = json.Unmarshal(b["object"], &object)
	var base struct {
		Code Number `json:"status_code"`
	}
	_ = json.Unmarshal(b["base_resp"], &base)
	if object == "error" || base.Code != 0 || string(b["success"]) == "false" {
		return true
	}
	for _, k := range []string{"error", "errors", "message", "msg", "detail", "error_msg", "error_message", "error_code", "fault"} {
		if fine := k == "message" || k == "msg"; Present(b[k]) && !(fine && success.Match(b["code"])) {
			return true
		}
	}
	var tencent struct {
		Error json.RawMessage
	}
	return json.Unmarshal(b["Response"], &tencent) == nil && Present(tencent.Error)
}

// success is the code of those who send one when nothing is wrong too.
var success = regexp.MustCompile(`(?i)^"?(0|200|ok|success)"?$`)

// detail reads one of Google's error details.
func (f *Fault) detail(m map[string]any) {
	kind, _ := m["@type"].(string)
	switch {
	case strings.HasSuffix(kind, "RetryInfo"):
		s, _ := m["retryDelay"].(string)
		if d, err := time.ParseDuration(s); err == nil {
			f.Wait, f.HasWait = max(d, 0), true
		}
	case strings.HasSuffix(kind, "ErrorInfo"):
		if s, ok := m["reason"].(string); ok {
			f.words = append([]string{strings.ToLower(s)}, f.words...)
		}
	case strings.HasSuffix(kind, "QuotaFailure"):
		violations, _ := m["violations"].([]any)
		for _, e := range violations {
			v, _ := e.(map[string]any)
			id, _ := v["quotaId"].(string)
			f.quota = f.quota || strings.Contains(id, "PerDay") || strings.Contains(id, "PerMonth")
		}
	}
}

// byWord has the codes, types and reasons that mean one thing whatever the status. Words that say no more than that the
// request was bad are not here: providers use them for wrong keys, empty accounts and long prompts as well.
var byWord = map[string]llm.ErrorKind{
	"invalid_api_key": llm.Auth, "incorrect_api_key": llm.Auth, "authentication_error": llm.Auth, "authenticationerror": llm.Auth,
	"api_key_invalid": llm.Auth, "api_key_expired": llm.Auth, "unauthenticated": llm.Auth, "invalid_authentication_error": llm.Auth,
	"incorrect_api_key_error": llm.Auth, "access_token_expired": llm.Auth, "credentials_missing": llm.Auth,

	"permission_error": llm.Permission, "permission_denied": llm.Permission, "failed_precondition": llm.Permission,
	"service_disabled": llm.Permission, "unsupported_country_region_territory": llm.Permission, "model_terms_required": llm.Permission,
	"insufficient_permissions": llm.Permission, "access_denied": llm.Permission, "api_key_service_blocked": llm.Permission,
	"consumer_suspended": llm.Permission, "account_deactivated": llm.Permission, "data_residency_mismatch": llm.Permission,

	"model_not_found": llm.ModelNotFound, "model_decommissioned": llm.ModelNotFound, "not_found_error": llm.ModelNotFound,
	"notfounderror": llm.ModelNotFound, "not_found": llm.ModelNotFound, "deploymentnotfound": llm.ModelNotFound,
	"model_not_available": llm.ModelNotFound, "unknown_model": llm.ModelNotFound, "model_not_exist": llm.ModelNotFound,

	"context_length_exceeded": llm.ContextLength, "exceed_context_size_error": llm.ContextLength, "context_window_exceeded": llm.ContextLength,
	"contextwindowexceedederror": llm.ContextLength, "model_context_window_exceeded": llm.ContextLength,

	"request_too_large": llm.RequestTooLarge, "payload_too_large": llm.RequestTooLarge,

	"rate_limit_exceeded": llm.RateLimit, "rate_limit_error": llm.RateLimit, "rate_limited": llm.RateLimit,
	"ratelimiterror": llm.RateLimit, "resource_exhausted": llm.RateLimit, "too_many_requests": llm.RateLimit,
	"rate_limit_reached_error": llm.RateLimit, "throttling_error": llm.RateLimit,

	"insufficient_quota": llm.QuotaExhausted, "billing_error": llm.QuotaExhausted, "billing_hard_limit_reached": llm.QuotaExhausted,
	"billing_not_active": llm.QuotaExhausted, "billing_disabled": llm.QuotaExhausted, "insufficient_balance": llm.QuotaExhausted,
	"insufficient_credits": llm.QuotaExhausted, "exceeded_current_quota_error": llm.QuotaExhausted, "quota_exceeded": llm.QuotaExhausted,
	"spend_limit_reached": llm.QuotaExhausted, "budget_exceeded": llm.QuotaExhausted, "credits_exhausted": llm.QuotaExhausted,

	"timeout_error": llm.Timeout, "timeout": llm.Timeout, "deadline_exceeded": llm.Timeout, "request_timeout": llm.Timeout,

	"server_error": llm.ServerError, "api_error": llm.ServerError, "internal_error": llm.ServerError, "internal": llm.ServerError,
	"internal_server_error": llm.ServerError, "internalservererror": llm.ServerError, "cancelled": llm.ServerError,
	"aborted": llm.ServerError, "unknown": llm.ServerError, "data_loss": llm.ServerError, "vector_store_timeout": llm.ServerError,

	"overloaded_error": llm.Overloaded, "overloaded": llm.Overloaded, "server_is_overloaded": llm.Overloaded, "slow_down": llm.Overloaded,
	"unavailable": llm.Overloaded, "unavailable_error": llm.Overloaded, "service_unavailable": llm.Overloaded,
	"service_unavailable_error": llm.Overloaded, "engine_overloaded_error": llm.Overloaded, "engine_overloaded": llm.Overloaded,
	"model_overloaded": llm.Overloaded, "capacity_exceeded": llm.Overloaded, "serviceunavailableerror": llm.Overloaded,

	"content_filter": llm.ContentFilter, "content_policy_violation": llm.ContentFilter, "content_filter_error": llm.ContentFilter,
	"responsibleaipolicyviolation": llm.ContentFilter, "invalid_prompt": llm.ContentFilter, "bio_policy": llm.ContentFilter,
	"data_inspection_failed": llm.ContentFilter, "datainspectionfailed": llm.ContentFilter, "content_filtered": llm.ContentFilter, "guardrail_intervened": llm.ContentFilter,
	"misalignment_policy_violation": llm.ContentFilter, "image_content_policy_violation": llm.ContentFilter, "moderation_blocked": llm.ContentFilter,

	"json_validate_failed": llm.MalformedOutput, "tool_use_failed": llm.MalformedOutput,
}

// byMessage tells apart what shares a status and a code. A row counts where the codes left the kind open, or named one
// that it refines.
var byMessage = []struct {
	kind    llm.ErrorKind
	refines []llm.ErrorKind
	words   *regexp.Regexp
}{
	{llm.ContextLength, []llm.ErrorKind{llm.InvalidRequest, llm.RequestTooLarge, llm.ServerError}, regexp.MustCompile(
		`context (length|window|size|limit)|prompt is too long|prompt too long|input is too long|too many (input |prompt )?tokens|(input )?token count.*exceeds` +
			`|(exceeds?|longer than|larger than).{0,40}(context|maximum.{0,20}tokens|token limit)|maximum (prompt|input) length|max_new_tokens|reduce the length`)},
	{llm.RequestTooLarge, []llm.ErrorKind{llm.InvalidRequest, llm.RateLimit}, regexp.MustCompile(
		`request (entity |body )?(is )?too large|payload (is )?too large|payload size exceeds|request exceeds the maximum size|string too long`)},
	{llm.QuotaExhausted, []llm.ErrorKind{llm.InvalidRequest, llm.RateLimit, llm.Permission}, regexp.MustCompile(
		`credit balance|insufficient (account )?(balance|credit|fund|quota)|(enough|any|of|more) credits|credits are depleted|exceeded your current quota` +
			`|spend(ing)? (limit|cap)|reached your (specified )?(api )?usage limit|monthly (limit|quota|spend)|payment required|account is suspended.*balance`)},
	{llm.Auth, []llm.ErrorKind{llm.InvalidRequest, llm.Permission}, regexp.MustCompile(
		`(invalid|incorrect|missing|expired|wrong) (x-)?(api|access|auth)[ -_]?(key|token)|api key (is )?(not|invalid|expired|missing)|unregistered callers` +
			`|key was reported as leaked|no auth credentials|could not validate credentials|unauthorized`)},
	{llm.ModelNotFound, []llm.ErrorKind{llm.InvalidRequest}, regexp.MustCompile(
		`models?\b.{0,80}(not found|does not exist|not exist|decommissioned|no longer available|has been (retired|deprecated|removed|shut down))` +
			`|(unknown|invalid|no such) model\b|not a valid model|no endpoints found|not supported for generatecontent`)},
	{llm.ContentFilter, []llm.ErrorKind{llm.InvalidRequest, llm.Permission}, regexp.MustCompile(
		`content (management|filter(ing)?|moderation|usage) polic|usage guidelines|(was|been|were) flagged|requires moderation|output blocked|violat\w+ (our |the )?(usage|content) polic|safety system|inappropriate content|sensitive (content|words|information)|content (is )?sensitive|guardrail`)},
	{llm.RateLimit, []llm.ErrorKind{llm.InvalidRequest, llm.ServerError, llm.MalformedResponse}, regexp.MustCompile(
		`\brate[ -]?limit|too many requests|request limit reached|requests per (second|minute)|qps limit|\b[rt]pm limit|throttl`)},
	{llm.Overloaded, []llm.ErrorKind{llm.ServerError}, regexp.MustCompile(
		`overload|at capacity|enough capacity|loading model|high demand|server is busy|no healthy upstream`)},
	{llm.Timeout, []llm.ErrorKind{llm.ServerError}, regexp.MustCompile(`\btimed? ?out|deadline (exceeded|expired)|request timeout`)},

	// The same in Chinese, where many endpoints of this API stand.
	{llm.QuotaExhausted, []llm.ErrorKind{llm.InvalidRequest, llm.RateLimit, llm.Permission}, regexp.MustCompile(`余额不足|欠费|额度(不足|已用尽|已用完)|资源包.{0,10}(用尽|耗尽)|请充值`)},
	{llm.Auth, []llm.ErrorKind{llm.InvalidRequest, llm.Permission}, regexp.MustCompile(`无效的?(令牌|密钥|api ?key)|(令牌|密钥|api ?key) ?(无效|错误|已过期|不存在)|鉴权失败|身份验证失败|认证失败`)},
	{llm.ModelNotFound, []llm.ErrorKind{llm.InvalidRequest}, regexp.MustCompile(`模型.{0,20}(不存在|已下线|未开通)|(无可用渠道|找不到模型|未找到模型)`)},
	{llm.ContentFilter, []llm.ErrorKind{llm.InvalidRequest, llm.Permission}, regexp.MustCompile(`敏感(词|内容|信息)|不安全或敏感|违规内容|内容(违规|审核)`)},
	{llm.ContextLength, []llm.ErrorKind{llm.InvalidRequest, llm.RequestTooLarge, llm.ServerError}, regexp.MustCompile(`超(过|出).{0,20}(上下文|最大输入|输入长度)|输入(内容)?过长|上下文.{0,10}(超|过长)`)},
	{llm.RateLimit, []llm.ErrorKind{llm.InvalidRequest, llm.ServerError, llm.MalformedResponse}, regexp.MustCompile(`请求过于频繁|频率(过高|限制|超限)|并发(数|量)?(过高|超)|限流`)},
	{llm.Overloaded, []llm.ErrorKind{llm.ServerError}, regexp.MustCompile(`繁忙|过载|负载(过高|已饱和)`)},
}

// kind names the fault.
func (f *Fault) kind() llm.ErrorKind {
	if f.Kind != "" {
		return f.Kind
	}
	status := f.Status
	if status < 400 && f.hint != 0 {
		status = f.hint
	}
	var kind llm.ErrorKind
	for _, w := range f.words {
		if kind = byWord[w]; kind != "" {
			break
		}
	}
	google := slices.Contains(f.words, "resource_exhausted")
	if f.quota {
		return llm.QuotaExhausted
	}
	fromStatus := byStatus(status)
	open := false // nothing named the kind: it came in an answer that began well
	// A 413 speaks of the body, whatever the code.
	if status == http.StatusRequestEntityTooLarge || kind == "" {
		kind = fromStatus
		open = status < 400
		if status == 0 && slices.ContainsFunc(f.words, blamesRequest) {
			kind = llm.InvalidRequest
		}
	}
	text := strings.ToLower(f.Message)
	if status == http.StatusNotFound && strings.Contains(text, "invalid url") {
		return llm.InvalidRequest
	}
	for _, row := range byMessage {
		if !open && !slices.Contains(row.refines, kind) || !row.words.MatchString(text) {
			continue
		}
		switch {
		case row.kind == llm.RequestTooLarge && status == http.StatusTooManyRequests && !strings.Contains(text, "too large"):
		case row.kind == llm.QuotaExhausted && google && strings.Contains(text, "exceeded your current quota") && !strings.Contains(text, "credits"):
			// Google says so of a minute's quota too.
		default:
			return row.kind
		}
	}
	return kind
}

// blamesRequest says whether a word puts the fault on the request, and no more.
func blamesRequest(word string) bool {
	return strings.HasPrefix(word, "invalid") || strings.HasPrefix(word, "unsupported") || strings.Contains(word, "badrequest") || strings.Contains(word, "bad_request")
}

// byStatus is what a status means when nothing else is known. Without one it is the provider's trouble, not ours.
func byStatus(status int) llm.ErrorKind {
	switch status {
	case 401, 407:
		return llm.Auth
	case 402:
		return llm.QuotaExhausted
	case 403, 451:
		return llm.Permission
	case 404, 410:
		return llm.ModelNotFound
	case 408, 504, 522, 524, 598, 599:
		return llm.Timeout
	case 413:
		return llm.RequestTooLarge
	case 429:
		return llm.RateLimit
	case 498, 503, 529:
		return llm.Overloaded
	case 409, 425, 499:
		return llm.ServerError
	}
	switch status / 100 {
	case 2:
		return llm.MalformedResponse
	case 3, 4:
		return llm.InvalidRequest
	}
	return llm.ServerError
}

// temporary says whether the same request to the same provider may succeed later.
func temporary(k llm.ErrorKind) bool {
	switch k {
	case llm.RateLimit, llm.Timeout, llm.ServerError, llm.Overloaded, llm.EmptyResponse, llm.MalformedOutput, llm.MalformedResponse, llm.StreamInterrupted:
		return true
	}
	return false
}

// elsewhere says whether another provider may succeed at once. A refusal or a filter is an answer to the prompt: it is
// not carried around until somebody complies.
func elsewhere(k llm.ErrorKind) bool {
	switch k {
	case llm.InvalidRequest, llm.RequestTooLarge, llm.Refusal, llm.ContentFilter, llm.Cancelled:
		return false
	}
	return true
}

// MustJSON writes values of our own types, which cannot fail.
func MustJSON(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("wire: %v", err))
	}
	return b
}
