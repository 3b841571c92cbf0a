package compatible_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/llm/llmtest"
	"codeforge/internal/llm/wire"
)

func delta(fields string) string {
	return `{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{` + fields + `},"finish_reason":null}]}`
}

func finish(reason string) string {
	return `{"id":"c","object":"chat.completion.chunk","model":"m","choices":[{"index":0,"delta":{},"finish_reason":"` + reason + `"}]}`
}

const (
	usage = `{"id":"c","object":"chat.completion.chunk","model":"m","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7}}`
	done  = `[DONE]`
)

// call is a piece of a tool call; id and name may be "".
func call(id, name, arguments string) string {
	return delta(fmt.Sprintf(`"tool_calls":[{"index":0,"id":%s,"type":"function","function":{"name":%s,"arguments":%s}}]`, asJSON(id), asJSON(name), asJSON(arguments)))
}

// piece is one of a tool call as it comes.
func piece(call string) string { return delta(`"tool_calls":[` + call + `]`) }

func asJSON(v any) string { b, _ := json.Marshal(v); return string(b) }

// exchange is a stream of these events; one that begins with a letter or a colon is a line of its own.
func exchange(name string, events []string, expect llmtest.Expect) *llmtest.Exchange {
	var b strings.Builder
	for _, e := range events {
		if e != "" && (e[0] == ':' || strings.HasPrefix(e, "data") || strings.HasPrefix(e, "event")) {
			b.WriteString(e + "\n\n")
		} else {
			b.WriteString("data: " + e + "\n\n")
		}
	}
	x := &llmtest.Exchange{Name: name, Expect: expect}
	x.Request.Path = "/v1/chat/completions"
	x.Request.Body = json.RawMessage(`{"model":"m","messages":[{"role":"user","content":"hi"}],"tools":[{"type":"function","function":{"name":"write_file","parameters":{"type":"object"}}}],"stream":true}`)
	x.Response.Status, x.Response.Body = 200, b.String()
	x.Response.Headers = map[string]string{"content-type": "text/event-stream"}
	x.Expect.API, x.Expect.Stream = "openai-chat", true
	return x
}

func says(text string) llmtest.Expect {
	return llmtest.Expect{Text: &text, ToolCalls: &[]llmtest.Call{}}
}

func calls(id, name, arguments string) llmtest.Expect {
	return llmtest.Expect{Text: new(string), ToolCalls: &[]llmtest.Call{{ID: id, Name: name, Arguments: json.RawMessage(arguments)}}, FinishKind: json.RawMessage(`"tool_calls"`)}
}

// TestStreams has what endpoints say twice, in pieces, in vain or not at all.
func TestStreams(t *testing.T) {
	with := func(e llmtest.Expect, change func(*llmtest.Expect)) llmtest.Expect { change(&e); return e }
	thought := func(text, reasoning string) llmtest.Expect {
		return with(says(text), func(e *llmtest.Expect) { e.ReasoningText = &reasoning })
	}
	fails := func(kind llm.ErrorKind) llmtest.Expect { return llmtest.Expect{ErrorKind: string(kind)} }
	whole := `{"path":"a.html","content":"x"}`
	inPieces := func(format string) (events []string) { // of which each has a number and a part of the arguments
		for i := range 3 {
			events = append(events, piece(fmt.Sprintf(strings.ReplaceAll(format, "#", fmt.Sprint(i)), asJSON(whole[i*10:min(i*10+10, len(whole))]))))
		}
		return append(events, piece(fmt.Sprintf(strings.ReplaceAll(format, "#", "3"), asJSON(whole[30:]))), finish("tool_calls"), done)
	}
	named := func(events []string) []string {
		events[0] = strings.Replace(events[0], `"arguments"`, `"name":"write_file","arguments"`, 1)
		return events
	}
	several := func(calls ...llmtest.Call) llmtest.Expect {
		return llmtest.Expect{Text: new(string), ToolCalls: &calls, FinishKind: json.RawMessage(`"tool_calls"`)}
	}
	wrote := func(id, content string) llmtest.Call {
		return llmtest.Call{ID: id, Name: "write_file", Arguments: json.RawMessage(`{"path":"` + content + `"}`)}
	}
	for name, c := range map[string]struct {
		events []string
		want   llmtest.Expect
	}{
		// The end.
		"no end mark":                     {[]string{delta(`"content":"Hi."`), finish("stop")}, says("Hi.")},
		"an end mark in blanks":           {[]string{delta(`"content":"Hi."`), finish("stop"), "data:   [DONE]  "}, says("Hi.")},
		"no reason, but usage and an end": {[]string{delta(`"content":"Hi."`), usage, done}, says("Hi.")},
		"no reason, whole call and usage": {[]string{call("c1", "write_file", whole), usage, done}, calls("c1", "write_file", whole)},
		"no reason, half a call":          {[]string{call("c1", "write_file", whole[:12]), usage, done}, fails(llm.StreamInterrupted)},
		"no reason, a whole call":         {[]string{call("c1", "write_file", whole), done}, calls("c1", "write_file", whole)},
		"a reason of another type":        {[]string{delta(`"content":"Hi."`), `{"model":"m","choices":[{"index":0,"delta":{},"finish_reason":{"type":"stop"}}]}`, usage, done}, says("Hi.")},
		"an end mark alone":               {[]string{delta(`"role":"assistant"`), done}, fails(llm.StreamInterrupted)},
		"an end mark after words alone":   {[]string{delta(`"content":"Hi"`), done}, fails(llm.StreamInterrupted)},
		"reasons in other words":          {[]string{call("c1", "f", `{"a":1}`), finish("tool-call"), done}, calls("c1", "f", `{"a":1}`)},
		"a reason that is empty":          {[]string{delta(`"content":"Hi."`), finish(""), usage, done}, says("Hi.")},
		"eos":                             {[]string{delta(`"content":"Hi."`), finish("eos"), done}, with(says("Hi."), func(e *llmtest.Expect) { e.FinishKind = json.RawMessage(`"stop"`) })},
		"guardrail":                       {[]string{finish("guardrail_intervened"), done}, fails(llm.ContentFilter)},
		"an error in its own box":         {[]string{delta(`"content":"H"`), `{"base_resp":{"status_code":1002,"status_msg":"rate limit"}}`}, fails(llm.RateLimit)},
		"an error event in words":         {[]string{"event: error\ndata: upstream overloaded"}, fails(llm.Overloaded)},
		"an error without a box":          {[]string{`{"code":"InternalError","message":"oops","request_id":"r"}`}, fails(llm.ServerError)},
		"nothing known at all":            {[]string{`{"what":"is this"}`, `{"and":"this"}`}, fails(llm.MalformedResponse)},
		// What carries nothing.
		"pings":                              {[]string{": hello", `{"type":"ping"}`, "", delta(`"content":"Hi"`), "event: ping\ndata: x", "{}", `{"choices":null,"model":null}`, `{"id":"c","choices":[]}`, delta(`"content":"."`), "event: keep-alive\ndata:", finish("stop"), done}, says("Hi.")},
		"lines without an empty one between": {[]string{"data: " + delta(`"content":"Hi"`) + "\ndata: " + delta(`"content":"."`) + "\ndata: " + finish("stop") + "\ndata: [DONE]"}, says("Hi.")},
		"numbers and words of other types":   {[]string{`{"id":1,"model":"m","created":1.5,"choices":[{"index":0.0,"delta":{"content":"Hi.","refusal":false,"tool_calls":null},"finish_reason":null}]}`, `{"model":"m","choices":[{"index":"0","delta":{},"finish_reason":"stop"}],"usage":{"prompt_tokens":11.0,"completion_tokens":"7"}}`, done}, with(says("Hi."), func(e *llmtest.Expect) { e.Usage = usageOf(11, 7) })},
		"usage of other shapes":              {[]string{delta(`"content":"Hi."`), finish("stop"), `{"model":"m","choices":[],"usage":"none"}`, `{"model":"m","choices":[],"usage":[]}`, `{"model":"m","choices":[],"usage":{"prompt_tokens":11,"completion_tokens":7,"prompt_tokens_details":[],"completion_tokens_details":"x"}}`, done}, with(says("Hi."), func(e *llmtest.Expect) { e.Usage = usageOf(11, 7) })},
		"a delta of another shape":           {[]string{`{"model":"m","choices":[{"index":0,"delta":[]}],"usage":false}`, `{"model":"m","choices":[{"index":0,"delta":"x"}]}`, delta(`"content":"Hi."`), finish("stop"), done}, says("Hi.")},
		"errors that say nothing":            {[]string{`{"model":"m","choices":[{"index":0,"delta":{"content":"H"},"error":{}}],"error":""}`, `{"model":"m","choices":[{"index":0,"delta":{"content":"i"}}],"error":{}}`, `{"model":"m","choices":[{"index":0,"delta":{"content":"."}}],"error":false}`, finish("stop"), done}, says("Hi.")},
		"word of a success":                  {[]string{delta(`"content":"Hi"`), `{"code":0,"message":"success","request_id":"r"}`, delta(`"content":"."`), `{"code":"200","msg":"OK"}`, finish("stop"), done}, says("Hi.")},
		"only the first of several choices":  {[]string{`{"model":"m","choices":[{"index":1,"delta":{"content":"Hi."},"finish_reason":null},{"index":2,"delta":{"content":"Ho."}}]}`, `{"model":"m","choices":[{"index":1,"delta":{},"finish_reason":"stop"}]}`, done}, says("Hi.")},
		// What comes twice.
		"message beside delta":             {[]string{`{"choices":[{"index":0,"delta":{"content":"The "},"message":{"content":"The "}}]}`, `{"choices":[{"index":0,"delta":{"content":"end."},"message":{"content":"The end."}}]}`, `{"choices":[{"index":0,"delta":{"content":""},"message":{"content":"The end."},"finish_reason":"stop"}]}`, done}, says("The end.")},
		"a whole message after the deltas": {[]string{delta(`"content":"The end"`), `{"choices":[{"index":0,"message":{"role":"assistant","content":"The end."},"finish_reason":"stop"}]}`, done}, says("The end.")},
		"messages that are deltas":         {[]string{`{"choices":[{"index":0,"message":{"content":"The "}}]}`, `{"choices":[{"index":0,"message":{"content":"end."}}]}`, finish("stop"), done}, says("The end.")},
		"each delta is all so far":         {[]string{delta(`"content":"The"`), delta(`"content":"The end"`), delta(`"content":"The end."`), finish("stop"), done}, says("The end.")},
		"deltas that repeat by chance":     {[]string{delta(`"content":"#"`), delta(`"content":"##"`), delta(`"content":" ha"`), delta(`"content":" ha"`), finish("stop"), done}, says("### ha ha")},
		"arguments again at the end":       {[]string{call("c1", "write_file", whole[:9]), call("", "", whole[9:]), call("", "", whole), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"the whole call again":             {[]string{call("c1", "write_file", whole), call("c1", "write_file", whole), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"the call again in a message":      {[]string{call("c1", "write_file", whole), `{"choices":[{"index":0,"message":{"content":"","tool_calls":[{"id":"c1","type":"function","function":{"name":"write_file","arguments":` + asJSON(`{"path": "a.html", "content": "x"}`) + `}}]},"finish_reason":"tool_calls"}]}`, done}, calls("c1", "write_file", whole)},
		"an empty object before":           {[]string{call("c1", "write_file", "{}"), call("", "", whole[:7]), call("", "", whole[7:]), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"all arguments so far each time":   {[]string{call("c1", "write_file", whole[:7]), call("", "", whole[:20]), call("", "", whole), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"arguments encoded twice":          {[]string{call("c1", "write_file", asJSON(whole)), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"a function call as of old":        {[]string{delta(`"function_call":{"name":"f","arguments":"{\"a\""}`), delta(`"function_call":{"arguments":":1}"}`), finish("function_call"), done}, calls("", "f", `{"a":1}`)},
		// What comes apart.
		"halves of a character":                {[]string{delta(`"content":"so \ud83d"`), delta(`"content":"\ude00 glad"`), finish("stop"), done}, says("so 😀 glad")},
		"a half alone":                         {[]string{delta(`"content":"so \ud83d"`), delta(`"content":" sad"`), finish("stop"), done}, says("so � sad")},
		"bytes of a character":                 {[]string{delta(`"content":"gr` + "\xc3" + `"`), delta(`"content":"` + "\xbc" + `n"`), finish("stop"), done}, says("grün")},
		"a name in pieces":                     {[]string{piece(`{"index":0,"id":"c1","function":{"name":"write"}}`), piece(`{"index":0,"function":{"name":"_file"}}`), call("", "", whole), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"a name in pieces, the id with each":   {[]string{piece(`{"index":0,"id":"c1","function":{"name":"write"}}`), piece(`{"index":0,"id":"c1","function":{"name":"_file"}}`), call("c1", "", whole), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"a name that grows":                    {[]string{piece(`{"index":0,"id":"c1","function":{"name":"write"}}`), piece(`{"index":0,"function":{"name":"write_file"}}`), call("", "", whole), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"a name after the arguments":           {[]string{call("c1", "", whole[:9]), call("", "", whole[9:]), call("", "write_file", ""), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"name and id with each piece":          {inPieces(`{"index":0,"id":"c1","function":{"name":"write_file","arguments":%s}}`), calls("c1", "write_file", whole)},
		"another id with each piece":           {named(inPieces(`{"index":0,"id":"c#","function":{"arguments":%s}}`)), calls("c0", "write_file", whole)},
		"another id with each, and the name":   {inPieces(`{"index":0,"id":"c#","function":{"name":"write_file","arguments":%s}}`), calls("c0", "write_file", whole)},
		"another index with each piece":        {named(inPieces(`{"index":#,"function":{"arguments":%s}}`)), calls("", "write_file", whole)},
		"arguments by another name":            {[]string{piece(`{"index":0,"id":"c1","function":{"name":"write_file","parameters":` + whole + `}}`), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"arguments by another name, no box":    {[]string{piece(`{"id":"c1","name":"write_file","input":` + whole + `}`), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"one id for several calls":             {[]string{call("c1", "write_file", `{"path":"a"}`), call("c1", "write_file", `{"path":"b"}`), finish("tool_calls"), done}, several(wrote("c1", "a"), wrote("", "b"))},
		"one id, an empty object first":        {[]string{call("c1", "write_file", "{}"), call("c1", "write_file", whole), finish("tool_calls"), done}, calls("c1", "write_file", whole)},
		"one index for calls without":          {[]string{call("", "list_files", ""), call("", "write_file", `{"path":"b"}`), finish("tool_calls"), done}, several(llmtest.Call{Name: "list_files", Arguments: json.RawMessage(`{}`)}, wrote("", "b"))},
		"pieces of two calls by id, one index": {[]string{call("c1", "write_file", ""), call("c2", "write_file", ""), call("c1", "", `{"path"`), call("c2", "", `{"path"`), call("c1", "", `:"a"}`), call("c2", "", `:"b"}`), finish("tool_calls"), done}, several(wrote("c1", "a"), wrote("c2", "b"))},
		// What is thought aloud.
		"a draft in tags":               {[]string{delta(`"content":"<thi"`), delta(`"content":"nk>\na {draft}\n</th"`), delta(`"content":"ink>\n\nThe end."`), finish("stop"), done}, thought("The end.", "\na {draft}\n")},
		"tags in other spellings":       {[]string{delta(`"content":"[THINK]hm[/THINK]The end."`), finish("stop"), done}, thought("The end.", "hm")},
		"tags of a template":            {[]string{delta(`"content":"<|chan"`), delta(`"content":"nel>thought\nhm<chan"`), delta(`"content":"nel|>The end."`), finish("stop"), done}, thought("The end.", "\nhm")},
		"tags that the template opened": {[]string{delta(`"content":"a draft\n</think>\n\n"`), delta(`"content":"The end."`), finish("stop"), done}, thought("The end.", "a draft\n")},
		"two drafts":                    {[]string{delta(`"content":"<think>one</think>\n<think>two</think>\nThe end."`), finish("stop"), done}, thought("The end.", "onetwo")},
		"an answer that speaks of tags": {[]string{delta(`"content":"Put <think> around it and </think> after:\n<thinking about it"`), finish("stop"), done}, thought("Put <think> around it and </think> after:\n<thinking about it", "")},
		"a tag that nothing closes":     {[]string{delta(`"content":"Use\n<think>\nas a tag"`), finish("stop"), done}, thought("Use\n<think>\nas a tag", "")},
		"thoughts in parts":             {[]string{delta(`"content":[{"type":"thinking","thinking":[{"type":"text","text":"hm"}]}]`), delta(`"content":[{"type":"text","text":"The end."}]`), finish("stop"), done}, thought("The end.", "hm")},
		"thoughts twice":                {[]string{delta(`"reasoning_content":"hm","reasoning":"hm"`), delta(`"content":"The end."`), finish("stop"), done}, thought("The end.", "hm")},
	} {
		llmtest.Deliver(t, exchange(name, c.events, c.want), adapter)
	}
}

func usageOf(in, out int64) *codeforge.Usage {
	return &codeforge.Usage{InputTokens: in, OutputTokens: out}
}

// TestBodies has answers in one piece that are dressed otherwise than documented.
func TestBodies(t *testing.T) {
	answer := `{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}],"usage":{"prompt_tokens":11.0,"completion_tokens":7}}`
	for name, c := range map[string]struct {
		status int
		body   string
		want   llmtest.Expect
	}{
		"another 2xx":           {201, answer, says("Hi.")},
		"a byte order mark":     {200, "\ufeff" + answer, says("Hi.")},
		"an envelope":           {200, `{"success":true,"errors":[],"result":` + answer + `}`, says("Hi.")},
		"one choice, no list":   {200, strings.NewReplacer(`[{"index"`, `{"index"`, `}],"usage"`, `},"usage"`).Replace(answer), says("Hi.")},
		"an unsaid stream":      {200, "data: " + delta(`"content":"Hi."`) + "\n\ndata: " + finish("stop") + "\n\n", says("Hi.")},
		"choices and a failure": {200, `{"choices":null,"base_resp":{"status_code":1008,"status_msg":"insufficient balance"}}`, llmtest.Expect{ErrorKind: "quota_exhausted"}},
		"errors of an envelope": {200, `{"success":false,"errors":[{"code":10000,"message":"Authentication error: invalid api token"}],"result":null}`, llmtest.Expect{ErrorKind: "auth"}},
		"an error's own names":  {200, `{"error_code":18,"error_msg":"Open api qps request limit reached"}`, llmtest.Expect{ErrorKind: "rate_limit"}},
		"an error's own case":   {200, `{"Response":{"Error":{"Code":"FailedOperation","Message":"The server is busy"}}}`, llmtest.Expect{ErrorKind: "overloaded"}},
		"a filter at the door":  {400, "\ufeff" + `{"error":{"code":"data_inspection_failed","message":"Input may hold inappropriate content."}}`, llmtest.Expect{ErrorKind: "content_filter", Fallback: new(true), Retryable: new(false)}},
	} {
		x := exchange(name, nil, c.want)
		x.Request.Body = json.RawMessage(`{"model":"m","messages":[{"role":"user","content":"hi"}]}`)
		x.Response.Status, x.Response.Body, x.Expect.Stream = c.status, c.body, false
		x.Response.Headers = nil
		t.Run(name, func(t *testing.T) {
			for _, piece := range []int{0, 1, 7} {
				llmtest.Run(t, x, adapter, llmtest.Delivery{Piece: piece})
			}
		})
	}
}

// TestWholeAnswerToAStream: an answer in one piece is whole without a reason for its end, asked for as a stream or not.
func TestWholeAnswerToAStream(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprint(w, `{"object":"chat.completion","model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":null}]}`)
	}))
	defer srv.Close()
	for _, sink := range []func(llm.Delta){nil, func(llm.Delta) {}} {
		resp, err := adapter(wire.Options{BaseURL: srv.URL}).Generate(t.Context(), &llm.Request{Model: "m", Messages: []llm.Message{llm.UserText("hi")}}, sink)
		if err != nil || resp.Text() != "Hi." {
			t.Errorf("%+v, %v", resp, err)
		}
	}
}

// TestManyPieces has an answer in 150,000 pieces (with CODEFORGE_SOAK; else in 10,000), of each kind that pieces are joined
// of, and one of 60,000 calls, which is refused. A cost that grows with the square of them does not end within a test's time.
func TestManyPieces(t *testing.T) {
	n := 10_000
	if os.Getenv("CODEFORGE_SOAK") != "" {
		n = 150_000
	}
	for name, c := range map[string]struct {
		piece string
		n     int
		kind  llm.ErrorKind
	}{
		"text":      {delta(`"content":"a"`), n, ""},
		"blanks":    {delta(`"content":" "`), n, ""},
		"thoughts":  {delta(`"reasoning_content":"a","content":"b"`), n, ""},
		"details":   {delta(`"reasoning_details":[{"type":"reasoning.text","index":0,"text":"a"}],"content":"b"`), n, ""},
		"arguments": {call("", "", "1"), n, ""},
		"calls":     {delta(`"tool_calls":[{"function":{"name":"f","arguments":"{}"}}]`), 60_000, llm.MalformedOutput},
		"call ids":  {delta(`"tool_calls":[{"id":"%d","function":{"name":"f","arguments":"{}"}}]`), 60_000, llm.MalformedOutput},
	} {
		t.Run(name, func(t *testing.T) {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				if name == "arguments" {
					fmt.Fprintf(w, "data: %s\n\n", call("c1", "f", `{"a":1`))
				}
				for i := range c.n {
					if _, err := io.WriteString(w, "data: "+strings.Replace(c.piece, "%d", fmt.Sprint(i), 1)+"\n\n"); err != nil {
						return
					}
				}
				if name == "arguments" {
					fmt.Fprintf(w, "data: %s\n\n", call("", "", "}"))
				}
				if name == "blanks" {
					fmt.Fprintf(w, "data: %s\n\n", delta(`"content":"a"`))
				}
				fmt.Fprintf(w, "data: %s\n\ndata: [DONE]\n\n", finish("stop"))
			}))
			defer srv.Close()
			resp, err := adapter(wire.Options{BaseURL: srv.URL}).Generate(t.Context(), &llm.Request{Model: "m", Messages: []llm.Message{llm.UserText("hi")}}, func(llm.Delta) {})
			if c.kind != "" {
				if e, ok := err.(*llm.Error); !ok || e.Kind != c.kind || !strings.Contains(e.Message, "tool calls") {
					t.Errorf("%v", err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			size := 0
			for _, p := range resp.Parts {
				size += len(p.Text) + len(p.Opaque)
				if p.Call != nil {
					size += len(p.Call.Arguments)
				}
			}
			if size < c.n {
				t.Errorf("%d bytes of %d pieces", size, c.n)
			}
		})
	}
}
