package llmtest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Adapter makes the provider to be tested. With it come the key and the base URL of the test's server.
type Adapter func(o wire.Options) llm.Provider

const key = "test-key-0123456789abcdef"

// paths has where each API is, below the server's URL; what comes before is the base URL.
var paths = map[string]struct{ base, end string }{
	"openai-chat":        {"/v1", "/chat/completions"},
	"openai-responses":   {"/v1", "/responses"},
	"anthropic-messages": {"", "/v1/messages"},
	"gemini-generate":    {"", "enerateContent"},
}

// adapterResult is what an adapter made of an exchange.
type adapterResult struct {
	resp   *llm.Response
	err    *llm.Error
	deltas []llm.Delta
}

// got is what came, whole or not.
func (o *adapterResult) got() *llm.Response {
	switch {
	case o.resp != nil:
		return o.resp
	case o.err.Partial != nil:
		return o.err.Partial
	}
	return &llm.Response{}
}

func runExchange(t *testing.T, p llm.Provider, req *llm.Request, stream bool) *adapterResult {
	t.Helper()
	o := &adapterResult{}
	var sink func(llm.Delta)
	if stream {
		sink = func(d llm.Delta) { o.deltas = append(o.deltas, d) }
	}
	resp, err := p.Generate(t.Context(), req, sink)
	o.resp = resp
	if err != nil {
		e, ok := err.(*llm.Error)
		if !ok {
			t.Fatalf("the error is a %T: %v", err, err)
		}
		o.err = e
		if resp != nil {
			t.Error("an answer as well as an error")
		}
		if strings.Contains(e.Error(), key) {
			t.Errorf("the key is in the error: %v", e)
		}
	}
	return o
}

// Run has the adapter do one exchange, delivered as how says, and checks all that is expected of it.
func Run(t *testing.T, x *Exchange, adapter Adapter, how Delivery) {
	t.Helper()
	s := Serve(t, x, how)
	at := paths[x.Expect.API]
	p := adapter(wire.Options{BaseURL: s.URL + at.base, Key: key})
	req := Neutral(x.Expect.API, p.Name(), x.Request.Path, x.Request.Body)
	o := runExchange(t, p, req, x.Expect.Stream)
	sent := s.Sent()[0]
	checkRequest(t, x, p, req, sent)
	checkAnswer(t, &x.Expect, req, o)
	checkDeltas(t, o)
	if o.resp != nil {
		checkNextTurn(t, x, p, req, o.resp, s)
	}
}

// checkRequest compares what was sent with what was recorded, both read back into our own words.
func checkRequest(t *testing.T, x *Exchange, p llm.Provider, req *llm.Request, sent Sent) {
	t.Helper()
	path, _, _ := strings.Cut(sent.Path, "?")
	if !strings.HasSuffix(path, paths[x.Expect.API].end) || strings.Contains(sent.Path, key) {
		t.Errorf("sent to %s", sent.Path)
	}
	if x.Expect.API != "gemini-generate" {
		var b struct{ Stream bool }
		_ = json.Unmarshal(sent.Body, &b)
		if b.Stream != x.Expect.Stream {
			t.Errorf("stream is %v", b.Stream)
		}
	} else if strings.Contains(path, "stream") != x.Expect.Stream {
		t.Errorf("sent to %s", sent.Path)
	}
	back := Neutral(x.Expect.API, p.Name(), sent.Path, sent.Body)
	want := *req
	if want.MaxOutput == 0 {
		back.MaxOutput = 0 // Anthropic wants one always
	}
	same(t, "model", back.Model, want.Model)
	same(t, "system", back.System, want.System)
	same(t, "limit", back.MaxOutput, want.MaxOutput)
	same(t, "temperature", back.Temperature, want.Temperature)
	same(t, "effort", back.Effort, want.Effort)
	sameJSON(t, "tools", written(back.Tools), written(want.Tools))
	sameJSON(t, "messages", written(back.Messages), written(want.Messages))
	if (back.Schema == nil) != (want.Schema == nil) {
		t.Errorf("schema is %v, want %v", back.Schema, want.Schema)
	} else if want.Schema != nil {
		sameJSON(t, "schema", back.Schema.JSON, want.Schema.JSON)
	}
}

func checkAnswer(t *testing.T, want *Expect, req *llm.Request, o *adapterResult) {
	t.Helper()
	got := o.got()
	if want.ErrorKind == "" && o.err != nil {
		t.Errorf("error: %v", o.err)
	} else if want.ErrorKind != "" && o.err == nil {
		t.Errorf("an answer, want the error %s", want.ErrorKind)
	}
	if want.Text != nil {
		same(t, "text", got.Text(), *want.Text)
	}
	if want.ReasoningText != nil {
		same(t, "reasoning", got.Reasoning(), *want.ReasoningText)
	}
	if want.ServedModel != "" {
		same(t, "served model", got.ServedModel, want.ServedModel)
	}
	if want.ToolCalls != nil {
		checkCalls(t, *want.ToolCalls, got.ToolCalls())
	}
	if c := want.PartialToolCall; c != nil {
		found := false
		for _, p := range got.Parts {
			found = found || p.Kind == llm.PartOpenCall && p.Text == c.Text && p.Call.ID == c.ID && p.Call.Name == c.Name
		}
		if !found {
			t.Errorf("the open call is not among %+v", got.Parts)
		}
	}
	if want.JSON != nil {
		sameJSON(t, "json", json.RawMessage(got.Text()), want.JSON)
	}
	if want.FinishReason != nil {
		same(t, "finish reason", got.FinishRaw, unquote(want.FinishReason))
	}
	finish, usage, refusal := got.Finish, &got.Usage, ""
	if o.err != nil {
		finish, usage, refusal = o.err.Finish, o.err.Usage, o.err.Refusal
		for _, word := range []string{want.BlockReason} {
			if !strings.Contains(o.err.Message, word) {
				t.Errorf("message %q lacks %q", o.err.Message, word)
			}
		}
	}
	if want.FinishKind != nil {
		same(t, "finish kind", string(finish), unquote(want.FinishKind))
	}
	if want.Refusal != nil {
		same(t, "refusal", refusal, *want.Refusal)
	}
	missing := usage == nil || usage.Missing
	if want.Usage != nil {
		if missing {
			t.Error("usage is missing")
		} else {
			same(t, "usage", usage.Usage, *want.Usage)
			same(t, "usage is partial", usage.Partial, want.UsagePartial)
		}
	}
	if want.UsageMissing && !missing {
		t.Errorf("usage is %+v, want none", usage)
	}
	if o.err == nil {
		return
	}
	e := o.err
	same(t, "kind", string(e.Kind), want.ErrorKind)
	for _, theirs := range []map[string]any{want.ProviderError, want.StreamError} {
		if theirs == nil || want.ErrorKind == "truncated_output" {
			continue
		}
		if m := str(theirs["message"]); !strings.Contains(e.Message, oneLine(m)) {
			t.Errorf("message %q lacks %q", e.Message, m)
		}
		codes := map[string]bool{}
		for _, k := range []string{"code", "type", "status"} {
			codes[strings.Trim(string(raw(theirs[k])), `"`)] = true
		}
		if !codes[e.Code] {
			t.Errorf("code %q is none of %v", e.Code, codes)
		}
	}
	if want.Retryable != nil {
		same(t, "retryable", e.Retryable, *want.Retryable)
	}
	if want.Fallback != nil {
		same(t, "fallback", e.Fallback, *want.Fallback)
	}
	if want.Where != "" {
		same(t, "where", e.Where, want.Where)
	}
	if string(want.RetryAfterMS) == "null" {
		same(t, "a wait", e.HasWait, false)
	} else if want.RetryAfterMS != nil {
		same(t, "a wait", e.HasWait, true)
		sameJSON(t, "wait", raw(float64(e.RetryAfter.Milliseconds())), want.RetryAfterMS)
	}
}

func checkCalls(t *testing.T, want []Call, got []llm.ToolCall) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%d tool calls, want %d", len(got), len(want))
		return
	}
	ids := map[string]bool{}
	for i, c := range got {
		if c.ID == "" || ids[c.ID] || want[i].ID != "" && c.ID != want[i].ID {
			t.Errorf("call %d has the id %q, want %q", i, c.ID, want[i].ID)
		}
		ids[c.ID] = true
		same(t, "tool", c.Name, want[i].Name)
		sameJSON(t, "arguments", c.Arguments, want[i].Arguments)
	}
}

// checkDeltas checks that who watched saw the same as who waited.
func checkDeltas(t *testing.T, o *adapterResult) {
	t.Helper()
	if o.deltas == nil {
		return
	}
	var text, thought strings.Builder
	calls := map[int]*llm.ToolCall{}
	for _, d := range o.deltas {
		switch d.Kind {
		case llm.DeltaRestart:
			text.Reset()
			thought.Reset()
			clear(calls)
		case llm.DeltaText:
			text.WriteString(d.Text)
		case llm.DeltaReasoning:
			thought.WriteString(d.Text)
		case llm.DeltaToolCall:
			if calls[d.Index] == nil {
				calls[d.Index] = &llm.ToolCall{}
			}
			calls[d.Index].Name = cmp.Or(d.Name, calls[d.Index].Name)
			calls[d.Index].Arguments = append(calls[d.Index].Arguments, d.Text...)
		}
	}
	same(t, "streamed text", text.String(), o.got().Text())
	same(t, "streamed reasoning", thought.String(), o.got().Reasoning())
	i := 0
	for _, p := range o.got().Parts {
		if p.Kind != llm.PartToolCall && p.Kind != llm.PartOpenCall {
			continue
		}
		if c := calls[i]; c == nil || c.Name != p.Call.Name {
			t.Errorf("streamed call %d is %v", i, c)
		} else if args := bytes.TrimSpace(c.Arguments); p.Kind == llm.PartToolCall && len(args) > 0 && !sameArguments(args, p.Call.Arguments) {
			t.Errorf("streamed arguments are %s, want %s", args, p.Call.Arguments)
		}
		i++
	}
}

// sameArguments reports whether what was streamed and what came of it is read alike.
func sameArguments(streamed, whole []byte) bool {
	a, err1 := llm.ReadArguments(streamed)
	b, err2 := llm.ReadArguments(whole)
	return string(a) == string(b) && (err1 == nil) == (err2 == nil)
}

// checkNextTurn goes on with the conversation: what the provider wants back must be in the request unchanged, and must
// not be there when another model goes on.
func checkNextTurn(t *testing.T, x *Exchange, p llm.Provider, req *llm.Request, resp *llm.Response, s *Server) {
	t.Helper()
	// The answer has been through the journal, as it may have been.
	resp2 := new(llm.Response)
	if err := json.Unmarshal(written(resp), resp2); err != nil {
		t.Fatal(err)
	}
	next := *req
	next.Messages = append(append([]llm.Message(nil), req.Messages...), resp2.Message())
	answer := llm.UserText("go on")
	if calls := resp2.ToolCalls(); len(calls) > 0 {
		answer.Parts = nil
		for _, c := range calls {
			answer.Parts = append(answer.Parts, llm.Part{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: c.ID, Name: c.Name, Content: "done"}})
		}
	}
	next.Messages = append(next.Messages, answer)
	keep := map[string]bool{}
	bodies := []string{x.Response.Body}
	if x.Expect.Stream {
		bodies = Events(x.Response.Body)
	}
	if x.Expect.API == "openai-responses" {
		bodies = bodies[len(bodies)-1:] // earlier events hold drafts of what the last one has
	}
	for _, b := range bodies {
		opaque(decodeBody(b), keep)
	}
	if x.Expect.MustKeep != "" && len(keep) == 0 {
		t.Error("nothing found that must be kept")
	}
	runExchange(t, p, &next, x.Expect.Stream)
	sent := s.Sent()
	last := sent[len(sent)-1].Body
	back := map[string]bool{}
	var v any
	_ = json.Unmarshal(last, &v)
	opaque(v, back)
	for k := range keep {
		if !back[k] {
			t.Errorf("not sent back: %.80s", k)
		}
	}
	same(t, "turns sent", len(Neutral(x.Expect.API, p.Name(), sent[len(sent)-1].Path, last).Messages) > len(req.Messages), true)

	next.Model += "-other"
	runExchange(t, p, &next, x.Expect.Stream)
	sent = s.Sent()
	for k := range keep {
		if bytes.Contains(sent[len(sent)-1].Body, []byte(k)) && !strings.Contains(string(x.Request.Body), k) {
			t.Errorf("sent to another model: %.80s", k)
		}
	}
}

// decodeBody is the JSON of an event or of a whole answer.
func decodeBody(text string) any {
	text = strings.TrimSpace(text)
	if !strings.HasPrefix(text, "{") {
		var data []string
		for line := range strings.Lines(text) {
			if after, ok := strings.CutPrefix(strings.TrimSpace(line), "data:"); ok {
				data = append(data, after)
			}
		}
		if data != nil {
			text = strings.Join(data, "\n")
		}
	}
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		_ = json.Unmarshal([]byte(strings.Trim(text, ",[] \r\n")), &v)
	}
	return v
}

// opaque collects the strings that only the provider understands.
func opaque(v any, into map[string]bool) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			opaque(e, into)
		}
	case map[string]any:
		for k, e := range v {
			switch s := str(e); {
			case s == "":
			case k == "signature" || k == "thoughtSignature" || k == "thought_signature" && get(v, "thought") != nil || k == "encrypted_content",
				k == "data" && v["type"] == "redacted_thinking":
				into[s] = true
			}
			opaque(e, into)
		}
	}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func unquote(b json.RawMessage) string {
	var s string
	_ = json.Unmarshal(b, &s)
	return s
}

func written(v any) json.RawMessage {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return b
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %#v, want %#v", what, got, want)
	}
}

func sameJSON(t *testing.T, what string, got, want json.RawMessage) {
	t.Helper()
	var g, w any
	if err := json.Unmarshal(got, &g); err != nil {
		t.Errorf("%s: %v in %s", what, err, got)
		return
	}
	_ = json.Unmarshal(want, &w)
	if !reflect.DeepEqual(g, w) {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
}
