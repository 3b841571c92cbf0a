package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	"codeforge/internal/llm"
	"codeforge/internal/llm/llmtest"
	"codeforge/internal/server"
	"codeforge/internal/verify"
)

const askKey = "sk-not-a-real-key-0123456789"

// told is what the command printed and how it ended.
type told struct {
	stdout, stderr string
	err            error
	askAnswer
}

// ask runs the command as its own process would.
func ask(t *testing.T, a *Ask, stdin string) *told {
	t.Helper()
	var stdout, stderr bytes.Buffer
	o := &told{err: a.run(t.Context(), strings.NewReader(stdin), &stdout, &stderr)}
	o.stdout, o.stderr = stdout.String(), stderr.String()
	if strings.Contains(o.stdout+o.stderr+fmt.Sprint(o.err), askKey) {
		t.Error("the key is shown")
	}
	if !a.JSON || o.stdout == "" {
		return o
	}
	var keys map[string]any
	d := json.NewDecoder(strings.NewReader(o.stdout))
	if err := d.Decode(&keys); err != nil || d.More() {
		t.Fatalf("not one JSON object: %s", o.stdout)
	}
	complete(t, "", reflect.TypeFor[askAnswer](), keys)
	if err := json.Unmarshal([]byte(o.stdout), &o.askAnswer); err != nil {
		t.Fatal(err)
	}
	return o
}

// complete checks that every key is there.
func complete(t *testing.T, at string, of reflect.Type, got map[string]any) {
	t.Helper()
	for f := range of.Fields() {
		name := f.Tag.Get("json")
		v, ok := got[name]
		if !ok {
			t.Errorf("%s%s is not there", at, name)
		}
		kind := f.Type
		if kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		if inner, ok := v.(map[string]any); ok && kind.Kind() == reflect.Struct {
			complete(t, at+name+".", kind, inner)
		}
	}
}

// at points the provider of an API to a server.
func at(api, url, model string) (string, server.Config) {
	switch api {
	case "openai-responses":
		return "openai:" + model, server.Config{OpenAIKey: askKey, OpenAIURL: url + "/v1"}
	case "anthropic-messages":
		return "anthropic:" + model, server.Config{AnthropicKey: askKey, AnthropicURL: url}
	case "gemini-generate":
		return "google:" + model, server.Config{GoogleKey: askKey, GoogleURL: url}
	}
	return "compatible:" + model, server.Config{CompatibleKey: askKey, CompatibleURL: url + "/v1"}
}

func write(t *testing.T, name string, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAskExchanges shows exchanges with providers to the command: the fixtures of the adapters, and real ones where they
// are there (under CODEFORGE_RECORDINGS, or beside the checkout).
func TestAskExchanges(t *testing.T) {
	var all []*llmtest.Exchange
	for _, p := range []string{"openai", "anthropic", "google", "compatible"} {
		for _, x := range llmtest.Load(t, "../../internal/llm/"+p+"/testdata") {
			x.Name = p + "/" + x.Name
			all = append(all, x)
		}
	}
	if len(all) == 0 {
		t.Fatal("no fixtures")
	}
	all = append(all, llmtest.Load(t, cmp.Or(os.Getenv("CODEFORGE_RECORDINGS"), "../../../shared/recordings"))...)
	for _, x := range all {
		t.Run(x.Name, func(t *testing.T) { exchange(t, x) })
	}
}

func exchange(t *testing.T, x *llmtest.Exchange) {
	s := llmtest.Serve(t, x, llmtest.Delivery{})
	req := llmtest.Neutral(x.Expect.API, "", x.Request.Path, x.Request.Body)
	a := &Ask{Prompt: []string{"hi"}, System: req.System, MaxOutput: req.MaxOutput, Stream: x.Expect.Stream, JSON: true, NoRetry: true, NoFallback: true}
	a.Model, a.Config = at(x.Expect.API, s.URL, req.Model)
	if req.Schema != nil {
		a.Schema = write(t, "schema.json", req.Schema.JSON)
	}
	if req.Tools != nil {
		a.Tools = write(t, "tools.json", req.Tools)
	}
	o := ask(t, a, "")
	// A refusal is asked again without what it names, ten times at most; all that is one attempt.
	if n := len(s.Sent()); len(o.Attempts) != 1 || n > 11 || n != 1 && o.Error == nil {
		t.Errorf("%d requests, %d attempts", n, len(o.Attempts))
	}
	want := &x.Expect
	if got := o.Error; (got != nil) != (want.ErrorKind != "") {
		t.Fatalf("error is %+v, want %q", got, want.ErrorKind)
	}
	same := func(what string, got, want any) {
		t.Helper()
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s is %v, want %v", what, got, want)
		}
	}
	if want.Text != nil {
		same("text", deref(o.Text), *want.Text)
	}
	if want.ReasoningText != nil {
		same("reasoning", deref(o.Reasoning), *want.ReasoningText)
	}
	if want.Refusal != nil {
		same("refusal", deref(o.Refusal), *want.Refusal)
	}
	if want.ServedModel != "" {
		same("served model", deref(o.ServedModel), want.ServedModel)
	}
	if want.JSON != nil && want.ErrorKind == "" {
		same("json", loose(o.JSON), loose(want.JSON))
	}
	if want.FinishKind != nil {
		finish, _ := loose(want.FinishKind).(string)
		same("finish kind", string(deref(o.Finish)), finish)
	}
	if want.ToolCalls != nil {
		same("number of tool calls", len(o.ToolCalls), len(*want.ToolCalls))
		for i, c := range o.ToolCalls {
			w := (*want.ToolCalls)[i]
			same("tool", c.Name, w.Name)
			same("arguments", loose(c.Arguments), loose(w.Arguments))
			same("id of call", c.ID, cmp.Or(w.ID, c.ID))
		}
	}
	if u := want.Usage; u != nil {
		got := o.Usage
		same("usage", []*int64{got.Input, got.CachedRead, got.CacheWrite, got.Output, got.Reasoning},
			[]*int64{&u.InputTokens, &u.CachedReadTokens, &u.CacheWriteTokens, &u.OutputTokens, &u.ReasoningTokens})
		same("usage is missing", got.Missing, false)
		same("usage is partial", got.Partial, want.UsagePartial)
	}
	if want.UsageMissing {
		same("usage", o.Usage, askUsage{Missing: true})
	}
	e := o.Error
	if e == nil {
		same("the error", o.err, error(nil))
		return
	}
	same("exit code", exitCode(o.err), exitModel)
	same("kind", string(e.Kind), want.ErrorKind)
	if want.Retryable != nil {
		same("retryable", e.Retryable, *want.Retryable)
	}
	if want.Where != "" {
		same("where", deref(e.Where), want.Where)
	}
	if want.RetryAfterMS != nil {
		got, _ := json.Marshal(e.RetryAfterMS)
		same("wait", loose(got), loose(want.RetryAfterMS))
	}
	if x.Response.Status != http.StatusOK {
		same("status", deref(e.Status), x.Response.Status)
		same("status of the attempt", deref(o.Attempts[0].Status), x.Response.Status)
	}
}

func deref[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}

func loose(b json.RawMessage) (v any) {
	_ = json.Unmarshal(b, &v)
	return v
}

// script answers requests in turn; the last answer stays.
func script(t *testing.T, answers ...func(http.ResponseWriter)) (url string, asked func() []string) {
	t.Helper()
	var bodies []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		bodies = append(bodies, string(b)) // one request at a time
		answers[min(len(bodies), len(answers))-1](w)
	}))
	t.Cleanup(s.Close)
	return s.URL, func() []string { return bodies }
}

func says(text string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		fmt.Fprintf(w, `{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],"usage":{"prompt_tokens":7,"completion_tokens":3}}`, text)
	}
}

func fails(status int, headers ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, `{"error":{"message":"no"}}`)
	}
}

func TestAskRetriesAndFallsBack(t *testing.T) {
	url, _ := script(t, fails(503, "retry-after-ms", "0"), says("pong"))
	a := &Ask{Prompt: []string{"ping"}, JSON: true}
	a.Model, a.Config = at("", url, "some/model:free")
	o := ask(t, a, "")
	if o.err != nil || deref(o.Text) != "pong" || deref(o.Provider) != "compatible" || deref(o.Model) != "some/model:free" {
		t.Errorf("%v: %s", o.err, o.stdout)
	}
	if len(o.Attempts) != 2 || deref(o.Attempts[0].Status) != 503 || deref(o.Attempts[0].Kind) == "" || o.Attempts[1].Kind != nil {
		t.Errorf("attempts: %s", o.stdout)
	}
	if o.Usage.Cost != nil || deref(o.Usage.Input) != 7 {
		t.Errorf("the price of an unknown model is known: %s", o.stdout)
	}

	url, asked := script(t, fails(401))
	second, _ := script(t, says("from the second"))
	a = &Ask{Prompt: []string{"ping"}, JSON: true, Model: "openai:gpt-6.1-sol", Config: server.Config{OpenAIKey: askKey, OpenAIURL: url,
		ModelsFile: write(t, "models.json", json.RawMessage(`{"format":1,"endpoints":[{"name":"second","url":"`+second+`/v1"}],"routes":[{"agent":"default","chain":["second:m"]}]}`))}}
	o = ask(t, a, "")
	if o.err != nil || deref(o.Provider) != "second" || len(o.Attempts) != 2 || deref(o.Attempts[0].Kind) != llm.Auth {
		t.Errorf("%v: %s", o.err, o.stdout)
	}
	a.NoFallback = true
	o = ask(t, a, "")
	if exitCode(o.err) != exitModel || deref(o.Provider) != "openai" || o.Error == nil || o.Error.Kind != llm.Auth || deref(o.Error.Status) != 401 || len(asked()) != 2 {
		t.Errorf("%v: %s", o.err, o.stdout)
	}
}

func TestAskSchema(t *testing.T) {
	schema := write(t, "schema.json", json.RawMessage(`{"type":"object","properties":{"n":{"type":"integer"}},"required":["n"]}`))
	url, asked := script(t, says("```json\n{\"n\": \"one\"}\n```"), says("```json\n{\"n\": 1,}\n```"))
	a := &Ask{Prompt: []string{"count"}, Schema: schema, JSON: true}
	a.Model, a.Config = at("", url, "m")
	o := ask(t, a, "")
	if o.err != nil || string(o.JSON) != `{"n":1}` || len(o.Attempts) != 2 || deref(o.Usage.Input) != 14 {
		t.Errorf("%v: %s", o.err, o.stdout)
	}
	if !strings.Contains(asked()[1], "cannot be used") {
		t.Error("the model is not told what is wrong")
	}
	a.NoRetry = true
	if o = ask(t, a, ""); o.err != nil || o.JSON != nil && string(o.JSON) != "null" || !strings.HasPrefix(deref(o.Text), "```json") || len(asked()) != 3 {
		t.Errorf("not as it came: %v: %s", o.err, o.stdout)
	}
	a.JSON, a.NoRetry = false, false
	if o = ask(t, a, ""); o.stdout != "{\"n\":1}\n" {
		t.Errorf("shown as %q", o.stdout)
	}
}

func TestAskShowsText(t *testing.T) {
	stream := func(end string) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, `data: {"choices":[{"index":0,"delta":{"reasoning_content":"secret thought","content":"Hel"}}]}`+"\n\n"+
				`data: {"choices":[{"index":0,"delta":{"content":"lo"}}]}`+"\n\n"+end)
		}
	}
	url, _ := script(t, stream(""), stream(`data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}`+"\n\ndata: [DONE]\n\n"))
	a := &Ask{Prompt: []string{"hi"}, Stream: true, NoRetry: true}
	a.Model, a.Config = at("", url, "m")
	o := ask(t, a, "")
	if exitCode(o.err) != exitModel || o.stdout != "Hello\n" || !strings.Contains(o.stderr, "stream_interrupted") {
		t.Errorf("%v: %q, %q", o.err, o.stdout, o.stderr)
	}
	if o = ask(t, a, ""); o.err != nil || o.stdout != "Hello\n" || !strings.Contains(o.stderr, "compatible:m, finish stop") {
		t.Errorf("%v: %q, %q", o.err, o.stdout, o.stderr)
	}
}

// TestAskWithoutProvider: with nothing configured the offline model answers, and naming another one says what to set.
func TestAskWithoutProvider(t *testing.T) {
	o := ask(t, &Ask{Prompt: []string{"hi"}, JSON: true}, "")
	if o.err != nil || deref(o.Provider) != llm.Scaffold {
		t.Errorf("%v: %s", o.err, o.stdout)
	}
	o = ask(t, &Ask{Prompt: []string{"hi"}, JSON: true, Model: "google:gemini-3.8-flash"}, "")
	if exitCode(o.err) != exitModel || o.Error == nil || o.Error.Kind != llm.Auth || len(o.Attempts) != 0 || !strings.Contains(o.err.Error(), "GEMINI_API_KEY") {
		t.Errorf("%v: %s", o.err, o.stdout)
	}
}

func TestAskBudget(t *testing.T) {
	url, asked := script(t, says("pong"))
	a := &Ask{Prompt: []string{"hi"}, JSON: true, MaxOutput: 1000}
	a.Model, a.Config = at("", url, "m")
	a.BudgetJob.Micro = new(int64(1))
	if o := ask(t, a, ""); o.err != nil || deref(o.Text) != "pong" { // what nobody priced counts nothing
		t.Errorf("%v: %s", o.err, o.stdout)
	}
	before := len(asked())
	a.Config.ModelsFile = filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(a.Config.ModelsFile, []byte(`{"format":1,"models":[{"name":"compatible:*","efforts":[],"prices":[{"input":1000000,"output":1000000}]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	o := ask(t, a, "")
	if exitCode(o.err) != exitModel || o.Error == nil || o.Error.Kind != llm.BudgetExceeded || len(asked()) != before {
		t.Errorf("%v: %s", o.err, o.stdout)
	}
}

func TestAskPrompt(t *testing.T) {
	for _, c := range []struct {
		args        []string
		stdin, want string
	}{
		{[]string{"explain", "this"}, "", "explain this"},
		{nil, "all of it\n", "all of it"},
		{[]string{"explain"}, "a\nb\n", "explain\n\na\nb"},
		{[]string{"explain", "-"}, "x", "explain\n\nx"},
	} {
		got, err := (&Ask{Prompt: c.args}).prompt(strings.NewReader(c.stdin), io.Discard)
		if err != nil || got != c.want {
			t.Errorf("%q and %q: %q, %v", c.args, c.stdin, got, err)
		}
	}
	if o := ask(t, &Ask{Prompt: []string{" "}, JSON: true}, "\n"); o.err == nil || exitCode(o.err) != 1 || o.stdout != "" {
		t.Errorf("an empty prompt is asked: %v", o.err)
	}
	devNull, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer devNull.Close()
	if _, err := (&Ask{}).prompt(devNull, io.Discard); err == nil {
		t.Error("an empty prompt is asked")
	}
	// A pipe that nobody writes to and nobody closes.
	synctest.Test(t, func(t *testing.T) {
		r, w := io.Pipe()
		defer w.Close()
		var note bytes.Buffer
		if got, err := (&Ask{Prompt: []string{"hi"}}).prompt(r, &note); got != "hi" || err != nil || note.Len() == 0 {
			t.Errorf("%q, %v", got, err)
		}
	})
}

func TestAskRefusesBadInput(t *testing.T) {
	for name, a := range map[string]*Ask{
		"no tools":   {Tools: write(t, "t.json", "x")},
		"no name":    {Tools: write(t, "t.json", []map[string]string{{"description": "d"}})},
		"no schema":  {Schema: write(t, "s.json", []int{1})},
		"bad schema": {Schema: write(t, "s.json", map[string]any{"type": 7})},
		"no route":   {Agent: "nobody"},
	} {
		a.Prompt = []string{"hi"}
		if o := ask(t, a, ""); o.err == nil || exitCode(o.err) != 1 || o.stdout != "" {
			t.Errorf("%s: %v, %q", name, o.err, o.stdout)
		}
	}
}

// asProgram is the variable by which this test binary is the program.
const asProgram = "CODEFORGE_TEST_IS_PROGRAM"

func TestMain(m *testing.M) {
	verify.RunChild() // of the program that this binary is for some tests
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// TestAskProcess: the codes with which the program ends, and that no data folder is made.
func TestAskProcess(t *testing.T) {
	url, _ := script(t, says("pong"), fails(400))
	dir := t.TempDir()
	for i, want := range []int{0, exitModel} {
		cmd := exec.Command(os.Args[0], "ask", "--model", "compatible:any:name", "--json", "--no-retry", "--no-fallback", "ping")
		cmd.Dir, cmd.Env = dir, []string{asProgram + "=1", "LLM_COMPATIBLE_URL=" + url + "/v1", "LLM_COMPATIBLE_KEY=x", "OPENAI_API_KEY="}
		out, err := cmd.Output()
		code := 0
		if e, ok := errors.AsType[*exec.ExitError](err); ok {
			code = e.ExitCode()
		}
		if code != want || !json.Valid(out) {
			t.Errorf("run %d ended with %d: %v\n%s", i, code, err, out)
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}
