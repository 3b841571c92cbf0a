package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// Two models of two providers, the first with a small window, for all agents.
const models = `{"format": 1,
	"models": [
		{"name": "openai:small", "aliases": ["small-1"], "context": 40000, "max_output": 8000, "prices": [{"input": 1000000, "cached_read": 100000, "cache_write": 1000000, "output": 2000000}]},
		{"name": "anthropic:large", "aliases": ["large-1"], "context": 1000000, "max_output": 64000, "prices": [{"input": 3000000, "cached_read": 300000, "cache_write": 3000000, "output": 6000000}]}],
	"routes": [{"agent": "default", "chain": ["openai:small", "anthropic:large"]}]}`

// named is a scripted provider under the name of a real one.
type named struct {
	*script
	name string
}

func (n named) Name() string { return n.name }

func (n named) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	resp, err := n.script.Generate(ctx, req, sink)
	if err == nil {
		resp.Provider, resp.Model, resp.ServedModel = n.name, req.Model, req.Model+"-1"
	}
	if e, ok := errors.AsType[*llm.Error](err); ok && e.Partial != nil && sink != nil && e.Kind == llm.StreamInterrupted {
		sink(llm.Delta{Kind: llm.DeltaText, Text: e.Partial.Text()})
	}
	return resp, err
}

// routed gives a job a real router over two scripted providers. The job's own script is the second one's.
func (b *bench) routed(t *testing.T, ledger llm.Ledger, small ...turn) (*Agents, *script) {
	t.Helper()
	catalog, err := llm.Parse("models.json", []byte(models))
	if err != nil {
		t.Fatal(err)
	}
	first := &script{steps: small}
	providers := map[string]llm.Provider{"anthropic": named{b.script, "anthropic"}}
	if len(small) > 0 {
		providers["openai"] = named{first, "openai"}
	}
	a := New(Options{Model: llm.NewRouter(llm.Options{Catalog: catalog, Providers: providers, Ledger: ledger}), Check: lint, ReviewRounds: b.rounds})
	return a, first
}

func (b *bench) of(kind codeforge.EventType) (out []map[string]any) {
	for _, e := range b.events {
		if e.Type == kind {
			var v map[string]any
			json.Unmarshal(e.Data, &v)
			out = append(out, v)
		}
	}
	return out
}

// Viewers hear when what they were shown is void and of every attempt.
func TestAttemptsInTheTimeline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		broken := fail(&llm.Error{Provider: "openai", Kind: llm.StreamInterrupted, Status: 200, Retryable: true, Fallback: true, Where: llm.MidStream,
			Partial: &llm.Response{Parts: []llm.Part{llm.Text("void")}}})
		b := job(codeforge.Pedagogy, `{}`, object(goodLesson))
		a, small := b.routed(t, nil, broken)
		out, err := a.Run(t.Context(), &b.task)
		if err != nil || len(small.requests) != 3 {
			t.Fatalf("%v after %d calls", err, len(small.requests))
		}
		restarts, retries, used := b.of(codeforge.EventRestart), b.of(codeforge.EventRetry), b.of(codeforge.EventUsage)
		if len(restarts) != 3 || restarts[0]["model"] != "openai:small" || restarts[2]["model"] != "anthropic:large" || restarts[2]["stage"] != "pedagogy" ||
			restarts[2]["reason"] != llm.StreamInterrupted.Words(false) {
			t.Errorf("restarts %v", restarts)
		}
		if len(retries) != 3 || retries[0]["kind"] != "stream_interrupted" || retries[0]["status"] != 200.0 || retries[0]["next"] != "retry" || retries[0]["attempt"] != 1.0 ||
			retries[0]["provider"] != "openai" || retries[0]["model"] != "small" || retries[2]["next"] != "fallback" || retries[2]["wait_ms"] != 0.0 || retries[0]["cost_micro_usd"] == nil {
			t.Errorf("retries %v", retries)
		}
		if len(used) != 1 || used[0]["provider"] != "anthropic" || used[0]["model"] != "large-1" || used[0]["cost_micro_usd"] != 360.0 || used[0]["replayed"] != false ||
			used[0]["estimated"] != false || used[0]["latency_ms"] != 0.0 || used[0]["input_tokens"] != 100.0 {
			t.Errorf("usage %v", used)
		}
		// Nothing of a form is shown on its way, so what is told is that its answers broke off.
		if got := b.types(); !slices.Equal(got[:5], []codeforge.EventType{"stage", "retry", "restart", "retry", "restart"}) {
			t.Errorf("events %v", got)
		}
		if r := decode(t, out.Result); at(r, "usage", "calls") != 1.0 || at(r, "usage", "input_tokens") != 100.0 || at(r, "usage", "model") != "large-1" || at(r, "usage", "cost_micro_usd") != nil {
			t.Errorf("%s", out.Result)
		}
	})
	// A correction makes what was shown void too.
	b := job(codeforge.QA, `{}`, object(with(goodReport, "score", 200)), object(goodReport)).files("a", "x")
	b.must(t)
	if got := b.of(codeforge.EventRestart); len(got) != 1 || got[0]["reason"] != "The model's answer had the wrong form" || got[0]["model"] != "script:m" {
		t.Errorf("restarts %v", got)
	}
}

// Rounds of one step have one number, the next step has the next.
func TestNumbersOfCalls(t *testing.T) {
	b := job(codeforge.Research, `{}`, say("no"), object(goodClarification), object(with(goodRequirements, "app_name", "")), say("{}"), object(goodRequirements))
	b.must(t)
	var numbers []int
	hashes := map[string]bool{}
	for _, q := range b.script.requests {
		numbers = append(numbers, q.Call.Number)
		hashes[llm.Hash(&q)] = true
	}
	if !slices.Equal(numbers, []int{1, 1, 2, 2, 2}) || len(hashes) != 5 {
		t.Errorf("numbers %v, %d hashes", numbers, len(hashes))
	}
}

type journal struct {
	mu      sync.Mutex
	entries map[llm.JournalKey][]byte
}

func (j *journal) Get(_ context.Context, k llm.JournalKey) ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.entries[k], nil
}

func (j *journal) Put(_ context.Context, k llm.JournalKey, entry []byte) ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if _, ok := j.entries[k]; !ok {
		j.entries[k] = entry
	}
	return j.entries[k], nil
}

var errKilled = errors.New("killed")

// mortal ends its job's context at a call: after the answer is in the journal, before anybody uses it.
type mortal struct {
	llm.Provider
	left int
	kill context.CancelCauseFunc
}

func (m *mortal) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	if m.left--; m.left == 0 {
		m.kill(errKilled)
		if ctx.Value(beforeKey{}) != nil {
			return nil, &llm.Error{Kind: llm.Cancelled, Cause: errKilled}
		}
		ctx = context.WithoutCancel(ctx)
	}
	return m.Provider.Generate(ctx, req, sink)
}

type beforeKey struct{}

// winding is a pipeline with every turn that a model's answers can take.
func winding() *bench {
	cut := fail(&llm.Error{Kind: llm.TruncatedOutput, Usage: &llm.Usage{Usage: codeforge.Usage{InputTokens: 5, OutputTokens: 9}},
		Partial: &llm.Response{Parts: []llm.Part{
			{Kind: llm.PartReasoning, Text: "hm", Opaque: json.RawMessage(`{"z": 1}`), Provider: "script", Model: "m"},
			{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "w", Name: "write_file", Arguments: form.Marshal(args{"path": "b.ts", "content": "b"})}},
			{Kind: llm.PartReasoning, Text: "and"},
			{Kind: llm.PartOpenCall, Call: &llm.ToolCall{ID: "o", Name: "write_file"}, Text: `{"path":"c`}}}})
	whole := string(form.Marshal(goodArchitecture))
	return job(codeforge.Builder, `{"user_message":"Walk dogs"}`,
		object(goodClarification), object(with(goodRequirements, "app_name", "")), object(goodRequirements),
		respond(llm.FinishPause, llm.Text(whole[:30])), say(whole[30:]),
		cut, use("write_file", args{"path": "index.html", "content": "hi"}, "write_file", args{"path": "src/a.ts", "content": "one\ntwo"}), finish(),
		object(args{"passed": false, "issues": []any{finding}, "summary": "One flaw.", "score": 60}),
		use("edit_file", args{"path": "src/a.ts", "old": "two", "new": "three"}), use("finish", args{"summary": "Mended the deletion."}),
		object(goodReport))
}

// A job that is killed at any call goes on where it stopped: nothing is asked twice, and it ends as it would have.
func TestKilledAtEachCall(t *testing.T) {
	run := func(ctx context.Context, b *bench, m llm.Provider) (string, error) {
		out, err := b.runAs(ctx, New(Options{Model: m, Check: lint}))
		return string(form.Marshal(out)), err
	}
	whole := winding()
	want, err := run(t.Context(), whole, llm.Journaled(whole.script, &journal{entries: map[llm.JournalKey][]byte{}}))
	if err != nil {
		t.Fatal(err)
	}
	calls := len(whole.script.requests)
	if calls != 12 || !strings.Contains(want, `"calls":12`) {
		t.Fatalf("%d calls: %s", calls, want)
	}
	for _, before := range []any{nil, true} {
		for n := 1; n <= calls; n++ {
			b, j := winding(), &journal{entries: map[llm.JournalKey][]byte{}}
			ctx, kill := context.WithCancelCause(context.WithValue(t.Context(), beforeKey{}, before))
			if _, err := run(ctx, b, &mortal{llm.Journaled(b.script, j), n, kill}); err != errKilled {
				t.Fatalf("killed at call %d: %v", n, err)
			}
			b.events = nil
			if got, err := run(t.Context(), b, llm.Journaled(b.script, j)); err != nil || got != want || len(b.script.requests) != calls {
				t.Errorf("killed at call %d: %d calls, %v\n%s\n%s", n, len(b.script.requests), err, got, want)
			}
			if before == nil && n > 1 {
				if u := b.of(codeforge.EventUsage); u[0]["replayed"] != true || u[0]["latency_ms"] != 0.0 || u[len(u)-1]["replayed"] != (n == calls) {
					t.Errorf("killed at call %d: usage %v", n, u)
				}
			}
			if got, err := run(t.Context(), b, llm.Journaled(nil, j)); err != nil || got != want {
				t.Errorf("replay: %v\n%s", err, got)
			}
		}
	}
}

// A journal replays a job whose provider took no schema, and one that ended badly.
func TestReplayOfOddJobs(t *testing.T) {
	refused := fail(&llm.Error{Kind: llm.InvalidRequest, Status: 400})
	declined := fail(&llm.Error{Kind: llm.Refusal, Refusal: "no", Usage: &llm.Usage{Usage: codeforge.Usage{InputTokens: 3}}})
	for name, steps := range map[string][]turn{
		"asked in words": {refused, object(goodRequirements), refused, object(goodArchitecture), write("a", "b"), finish(), refused, object(goodReport)},
		"refused":        {object(goodRequirements), object(goodArchitecture), write("a", "b"), declined},
		"does not build": {object(goodRequirements), object(goodArchitecture), write("a", "BROKEN"), finish()},
		"no form":        {object(goodRequirements), say("I will not")},
	} {
		b, j := job(codeforge.Builder, `{"skip_clarification":true}`, steps...), &journal{entries: map[llm.JournalKey][]byte{}}
		var results []string
		for _, m := range []llm.Provider{llm.Journaled(b.script, j), llm.Journaled(nil, j)} {
			a := New(Options{Model: m, Check: lint})
			out, err := a.Run(t.Context(), &b.task)
			e, _ := errors.AsType[*codeforge.Error](err)
			if e != nil {
				e.Cause = nil
			}
			results = append(results, fmt.Sprintf("%s %+v", form.Marshal(out), e))
		}
		if results[0] != results[1] {
			t.Errorf("%s:\n%s\n%s", name, results[0], results[1])
		}
		if name == "refused" && (!strings.Contains(results[0], `"calls":4`) || !strings.Contains(results[0], "declined")) {
			t.Errorf("%s", results[0])
		}
	}
}

func TestBudget(t *testing.T) {
	b := job(codeforge.Builder, `{"skip_clarification":true}`, object(goodRequirements), object(goodArchitecture), write("a", "b"), finish())
	memory := &llm.Memory{Limits: map[llm.BudgetScope]int64{llm.BudgetJob: 1_300_000}}
	a, _ := b.routed(t, memory)
	b.script.steps[2] = func(ctx context.Context, req *llm.Request) (*llm.Response, error) {
		resp, err := write("a", "b")(ctx, req)
		resp.Usage.OutputTokens = 200_000 // 1.2 dollars
		return resp, err
	}
	out, err := a.Run(t.Context(), &b.task)
	e, _ := errors.AsType[*codeforge.Error](err)
	if e == nil || e.Kind != codeforge.AgentFailed || e.Retryable || e.Details["reason"] != "budget_exceeded" || e.Details["scope"] != "job" ||
		e.Message != "The budget of $1.30 for this job does not allow another model call" || e.Details["limit_micro_usd"] != int64(1_300_000) {
		t.Fatalf("%#v", err)
	}
	r := decode(t, out.Result)
	if r["partial"] != true || r["stage"] != "code" || at(r, "requirements_spec", "app_name") != "Walkies" || at(r, "architecture_spec", "theme_colors", 0) != "#112233" ||
		at(r, "files", 0) != "a" || at(r, "contents", "a") != "b" || at(r, "usage", "calls") != 3.0 {
		t.Errorf("%s", out.Result)
	}
	if out.Status != "" {
		t.Errorf("%+v", out)
	}
	if got := b.of(codeforge.EventRetry); len(got) != 1 || got[0]["skipped"] != "budget" || got[0]["attempt"] != 0.0 || got[0]["kind"] != "budget_exceeded" {
		t.Errorf("%v", got)
	}
	for micro, want := range map[int64]string{0: "$0.00", 5: "$0.000005", 500_000: "$0.50", 12_340_000: "$12.34", 1_001_000: "$1.001"} {
		if got := dollars(micro); got != want {
			t.Errorf("%d is %s, want %s", micro, got, want)
		}
	}
}

// A budget that others hold is waited for, in the call and then in the queue, and the words say so.
func TestBudgetHeldByOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		memory := &llm.Memory{Limits: map[llm.BudgetScope]int64{llm.BudgetUserDay: 10_000_000}}
		if _, err := memory.Reserve(t.Context(), llm.Reservation{Call: llm.Call{UserID: "user-1"}, Worst: 10_000_000, Lapses: time.Now().Add(time.Hour)}); err != nil {
			t.Fatal(err)
		}
		b := job(codeforge.Pedagogy, `{}`, object(goodLesson))
		a, small := b.routed(t, memory, object(goodLesson))
		_, err := a.Run(t.Context(), &b.task)
		e, _ := errors.AsType[*codeforge.Error](err)
		if e == nil || !e.Retryable || !e.Waits || e.RetryAfter <= 0 || len(small.requests) != 0 ||
			e.Message != "The budget of $10.00 for this user and day is held by calls that run now: the job goes back to the queue until some of them have ended" {
			t.Errorf("%#v", err)
		}
		if got := b.of(codeforge.EventRetry); len(got) != 2 || got[0]["next"] != "retry" || got[0]["reason"] != "The budget for model calls is held by calls that run now" || got[1]["next"] != "" {
			t.Errorf("%v", got)
		}
	})
}

// An answer that was paid for and asked again counts, also in the result of the replay.
func TestUsageOfLostAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		empty := fail(&llm.Error{Provider: "openai", Kind: llm.EmptyResponse, Status: 200, Retryable: true, Fallback: true,
			Usage: &llm.Usage{Usage: codeforge.Usage{InputTokens: 70, OutputTokens: 3}}})
		b := job(codeforge.Pedagogy, `{}`, object(goodLesson))
		a, _ := b.routed(t, nil, empty)
		j := &journal{entries: map[llm.JournalKey][]byte{}}
		var results []string
		for _, next := range []llm.Provider{a.model, nil} {
			a.model = llm.Journaled(next, j)
			out, err := a.Run(t.Context(), &b.task)
			if err != nil {
				t.Fatal(err)
			}
			results = append(results, string(out.Result))
		}
		r := decode(t, json.RawMessage(results[0]))
		if at(r, "usage", "calls") != 4.0 || at(r, "usage", "input_tokens") != 310.0 || at(r, "usage", "output_tokens") != 19.0 || results[0] != results[1] {
			t.Errorf("%s\n%s", results[0], results[1])
		}
	})
}

func TestPartialResults(t *testing.T) {
	// When time runs out, what was made is in the outcome beside the cause.
	ctx, cancel := context.WithCancelCause(t.Context())
	b := job(codeforge.Builder, `{"skip_clarification":true}`, object(goodRequirements), func(ctx context.Context, _ *llm.Request) (*llm.Response, error) {
		cancel(errKilled)
		return nil, &llm.Error{Kind: llm.Timeout, Cause: context.Cause(ctx)}
	})
	out, err := b.runAs(ctx, b.agents())
	if r := decode(t, out.Result); err != errKilled || at(r, "requirements_spec", "app_name") != "Walkies" || r["stage"] != "wireframe" || r["architecture_spec"] != nil {
		t.Errorf("%v %s", err, out.Result)
	}

	// Half a repair is not kept, the code before it is.
	bad := object(args{"passed": false, "issues": []any{finding}, "summary": "One flaw.", "score": 60})
	b = job(codeforge.Builder, `{"skip_clarification":true}`, object(goodRequirements), object(goodArchitecture), write("src/a.ts", "good"), finish(), bad,
		write("src/a.ts", "half"), fail(&llm.Error{Kind: llm.Refusal}))
	out, err = b.run(t)
	if r := decode(t, out.Result); !codeforge.IsKind(err, codeforge.AgentFailed) || len(r["files"].([]any)) != 0 || r["kept_revision"] != 1.0 || at(r, "qa_result", "score") != 60.0 {
		t.Errorf("%v %s", err, out.Result)
	}
	if want := []codeforge.FileChange{{Path: "src/a.ts", Content: "good"}}; !slices.Equal(out.Changes, want) || !strings.Contains(out.Chat[0].Content, "as revision 1") {
		t.Errorf("kept %+v, said %+v", out.Changes, out.Chat)
	}

	// It has a bound, and says what is missing.
	var calls []any
	for i := range 8 {
		calls = append(calls, "write_file", args{"path": fmt.Sprintf("f%d", i), "content": strings.Repeat("<\"\n", 30_000)})
	}
	b = job(codeforge.Code, `{}`, use(append(calls, "write_file", args{"path": "z", "content": "small"}, "delete_file", args{"path": "old"})...), fail(&llm.Error{Kind: llm.Auth})).files("old", "x")
	out, _ = b.run(t)
	r := decode(t, out.Result)
	if len(out.Result) > maxPartial+5_000 || len(r["files"].([]any)) != 10 || at(r, "contents", "z") != "small" || len(r["contents_left_out"].([]any)) != 5 {
		t.Errorf("%d bytes, left out %v", len(out.Result), r["contents_left_out"])
	}

	// Nothing made is nothing kept.
	if out, err := job(codeforge.Code, `{}`, fail(&llm.Error{Kind: llm.Auth})).files("a", "b").run(t); err == nil || out.Result != nil {
		t.Errorf("%v %s", err, out.Result)
	}
}

// paired checks that every call has its result in the next message, in order, and no result is without its call.
func paired(t *testing.T, messages []llm.Message) {
	t.Helper()
	var open []string
	for i, m := range messages {
		var calls, results []string
		for _, p := range m.Parts {
			switch p.Kind {
			case llm.PartToolCall:
				calls = append(calls, p.Call.ID)
			case llm.PartToolResult:
				results = append(results, p.Result.ID)
			case llm.PartOpenCall:
				t.Errorf("message %d sends a call back that broke off", i)
			}
		}
		if !slices.Equal(open, results) {
			t.Errorf("message %d answers %v, asked was %v", i, results, open)
		}
		open = calls
	}
	if len(open) > 0 {
		t.Errorf("%v have no results", open)
	}
}

// The assistant's turns go back as they came, opaque parts and all; results go in the order of the calls, in one turn.
func TestTurnsAreReturnedUnchanged(t *testing.T) {
	thought := llm.Part{Kind: llm.PartReasoning, Text: "hm", Opaque: json.RawMessage(`{"signature":  "x"}`), Provider: "script", Model: "m"}
	call := func(id, name string, a any) llm.Part {
		return llm.Part{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: name, Arguments: form.Marshal(a)}, Opaque: json.RawMessage(`"s"`), Provider: "script", Model: "m"}
	}
	parts := []llm.Part{thought, llm.Text("I write."), call("2", "write_file", args{"path": "a", "content": "b"}), call("1", "read_file", args{"path": "a"}), call("3", "nope", args{})}
	b := job(codeforge.Code, `{}`,
		respond(llm.FinishToolCalls, parts...),
		respond(llm.FinishPause, thought), respond(llm.FinishPause, llm.Text("Wait.")), respond(llm.FinishToolCalls, call("4", "list_files", args{})),
		respond(llm.FinishPause, call("5", "check", args{})),
		func(context.Context, *llm.Request) (*llm.Response, error) {
			return nil, &llm.Error{Kind: llm.TruncatedOutput, Partial: &llm.Response{Parts: []llm.Part{thought, call("6", "list_files", args{}), thought,
				{Kind: llm.PartOpenCall, Call: &llm.ToolCall{ID: "7", Name: "write_file"}, Text: `{"pa`}}}}
		},
		func(context.Context, *llm.Request) (*llm.Response, error) {
			return nil, &llm.Error{Kind: llm.TruncatedOutput, Partial: &llm.Response{Parts: []llm.Part{thought, {Kind: llm.PartOpenCall, Call: &llm.ToolCall{ID: "8", Name: "write_file"}}}}}
		},
		finish())
	b.must(t)
	q := b.script.requests
	if got := q[1].Messages[1]; string(form.Marshal(got.Parts)) != string(form.Marshal(parts)) {
		t.Errorf("sent back: %s", form.Marshal(got))
	}
	if got := q[1].Messages[2]; len(got.Parts) != 3 || !strings.HasPrefix(got.Parts[1].Result.Content, "1: b\n") || !got.Parts[2].Result.IsError {
		t.Errorf("results: %s", form.Marshal(got))
	}
	if n := len(q[3].Messages); n != 4 || string(form.Marshal(q[3].Messages[3].Parts)) != string(form.Marshal([]llm.Part{thought, llm.Text("Wait.")})) {
		t.Errorf("a paused answer goes on from %s", form.Marshal(q[3].Messages[3:]))
	}
	if got := q[4].Messages[3].Parts; len(got) != 3 || got[2].Call.ID != "4" {
		t.Errorf("in the end it was %s", form.Marshal(got))
	}
	last := q[len(q)-1].Messages
	paired(t, last)
	if got := q[6].Messages; len(got[len(got)-2].Parts) != 2 || !strings.Contains(b.prompt(6), "cut off") {
		t.Errorf("a broken turn came back as %s", form.Marshal(got[len(got)-2:]))
	}
	if got := last[len(last)-1]; got.Role != llm.RoleUser || last[len(last)-2].Role != llm.RoleUser || !strings.Contains(b.prompt(7), "smaller steps") {
		t.Errorf("nothing but a thought and a broken call came back: %s", form.Marshal(last[len(last)-2:]))
	}
	// What came before a pause is not lost when the rest is cut off.
	b = job(codeforge.Code, `{}`, respond(llm.FinishPause, llm.Text("First")), fail(&llm.Error{Kind: llm.TruncatedOutput}), write("a", "b"), finish())
	b.must(t)
	if got := b.script.requests[2].Messages; len(got) != 3 || got[1].Parts[0].Text != "First" {
		t.Errorf("%s", form.Marshal(got))
	}
	for kind, step := range map[llm.ErrorKind]turn{llm.EmptyResponse: say(" "), llm.TruncatedOutput: respond(llm.FinishLength, llm.Text("..."))} {
		b := job(codeforge.Code, `{}`, write("a", "b"), step)
		_, err := b.run(t)
		if e, _ := errors.AsType[*codeforge.Error](err); e == nil || e.Details["reason"] != string(kind) || len(b.script.requests) != 1+maxIdle {
			t.Errorf("%s: %v after %d calls", kind, err, len(b.script.requests))
		}
	}
}

// project is files that import each other, too large together for a small window.
func (b *bench) project() *bench {
	line := "\tvalue = compute(1, 2, 3) // a line of code\n"
	for i := range 40 {
		b.files(fmt.Sprintf("src/m%02d.ts", i), fmt.Sprintf("import { x } from './m%02d'\nexport function f%d() {}\n", i+1, i)+strings.Repeat(line, 60))
	}
	return b
}

func TestShrinkToTheWindow(t *testing.T) {
	b := job(codeforge.QA, `{"user_message":"Look at src/m20.ts"}`, object(goodReport)).project()
	a, small := b.routed(t, nil, object(goodReport))
	if _, err := a.Run(t.Context(), &b.task); err != nil || len(small.requests) != 1 {
		t.Fatalf("%v after %d calls", err, len(small.requests))
	}
	q := small.requests[0]
	if n := llm.Estimate(&q, "openai:small"); n > 32_000 {
		t.Errorf("%d tokens were sent", n)
	}
	p := q.Messages[0].Parts[0].Text
	if !strings.Contains(p, `<file path="src/m20.ts" numbered>`) || strings.Index(p, `<file path="src/m21.ts" numbered>`) < strings.Index(p, `<file path="src/m20.ts" numbered>`) ||
		!strings.Contains(p, `<outline path="src/m39.ts">`) || !strings.Contains(p, "only an outline") || strings.Count(section(p, "files"), "\n") != 39 {
		t.Errorf("%s", p)
	}

	// A model that says that it is too much gets less, once; then the next one is asked.
	tooLong := fail(&llm.Error{Kind: llm.ContextLength, Status: 400})
	b = job(codeforge.QA, `{}`, object(goodReport)).project()
	a, small = b.routed(t, nil, tooLong, tooLong)
	if _, err := a.Run(t.Context(), &b.task); err != nil || len(small.requests) != 2 || len(b.script.requests) != 1 {
		t.Errorf("%v after %d and %d calls", err, len(small.requests), len(b.script.requests))
	}
	b = job(codeforge.QA, `{}`, tooLong, object(goodReport)).project()
	a, _ = b.routed(t, nil)
	if _, err := a.Run(t.Context(), &b.task); err != nil || len(b.script.requests) != 2 {
		t.Fatalf("%v after %d calls", err, len(b.script.requests))
	}
	if was, is := llm.Estimate(&b.script.requests[0], ""), llm.Estimate(&b.script.requests[1], ""); float64(is) > 0.71*float64(was) {
		t.Errorf("from %d tokens to %d", was, is)
	}
	// What has no smaller form stays as it is.
	b = job(codeforge.Research, `{"skip_clarification":true}`, tooLong)
	a, _ = b.routed(t, nil)
	_, err := a.Run(t.Context(), &b.task)
	if e, _ := errors.AsType[*codeforge.Error](err); e == nil || e.Details["reason"] != "context_length" || len(b.script.requests) != 1 {
		t.Errorf("%v", err)
	}
}

// A conversation that outgrows the window loses its oldest results first, and stays a conversation.
func TestShrinkOfAConversation(t *testing.T) {
	var steps []turn
	for i := range 20 {
		steps = append(steps, use("read_file", args{"path": fmt.Sprintf("src/m%02d.ts", i)}, "list_files", args{"depth": i}, "search", args{"pattern": fmt.Sprint("f", i%3)}))
	}
	steps = append(steps, write("new.ts", "x"), finish())
	b := job(codeforge.Code, `{}`).project()
	b.task.Files = append(b.task.Files, codeforge.File{Path: "z.md", Content: strings.Repeat("# Words and more words\n", 400)})
	a, small := b.routed(t, nil, steps...)
	if _, err := a.Run(t.Context(), &b.task); err != nil || len(small.requests) != 22 {
		t.Fatalf("%v after %d calls", err, len(small.requests))
	}
	for i, q := range small.requests {
		if n := llm.Estimate(&q, "openai:small"); n > 32_000 {
			t.Errorf("request %d has %d tokens", i, n)
		}
		paired(t, append(slices.Clone(q.Messages), llm.Message{}))
		if len(q.Messages) > 1 {
			for _, p := range q.Messages[len(q.Messages)-1].Parts {
				if p.Result != nil && strings.HasPrefix(p.Result.Content, "[left out") {
					t.Errorf("request %d lacks a result that the model has not seen", i)
				}
			}
		}
	}
	notes := func(r llm.Request) (n int, firstKept int) {
		firstKept = -1
		for i, m := range r.Messages {
			for _, p := range m.Parts {
				switch {
				case p.Result == nil:
				case strings.HasPrefix(p.Result.Content, "[left out to make room; call "+p.Result.Name+" again"):
					n++
				case p.Result.Name == "read_file" && firstKept < 0:
					firstKept = i
				}
			}
		}
		return n, firstKept
	}
	n, kept := notes(small.requests[21])
	if before, _ := notes(small.requests[5]); n == 0 || kept < 3 || before > n {
		t.Errorf("%d results are left out, the first that is kept is in message %d", n, kept)
	}

	// Results go before files do, and the same request shrinks to the same.
	p := new(prompt)
	p.files(newTree(b.task.Files), "", nil, false)
	req := llm.Request{Messages: []llm.Message{llm.UserText(p.String())}}
	for i := range 30 {
		id := fmt.Sprint(i)
		req.Messages = append(req.Messages,
			llm.Message{Role: llm.RoleAssistant, Parts: []llm.Part{{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: id, Name: "read_file", Arguments: json.RawMessage(`{}`)}}}},
			llm.Message{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: id, Name: "read_file", Content: strings.Repeat("word ", 1_000)}}}})
	}
	whole, size := llm.Hash(&req), llm.Estimate(&req, "")
	for limit := size - 1; limit > 0; limit -= 5_000 {
		got, again := shrinkRequest(&req, p, limit), shrinkRequest(&req, p, limit)
		if llm.Hash(got) != llm.Hash(again) || llm.Hash(&req) != whole {
			t.Fatal("shrinking is not the same twice, or changes what it shrinks")
		}
		is, left := llm.Estimate(got, ""), 0
		for _, m := range got.Messages {
			for _, p := range m.Parts {
				if p.Result != nil && len(p.Result.Content) > 1_000 {
					left++
				}
			}
		}
		if same := got.Messages[0].Parts[0].Text == req.Messages[0].Parts[0].Text; left == 0 || !same && left > 1+limit/keepShare/1_500 {
			t.Errorf("limit %d: %d results are left, the files are whole: %v", limit, left, same)
		}
		if is > limit && limit > 8_000 {
			t.Errorf("limit %d: %d tokens", limit, is)
		}
	}
}

func TestPacking(t *testing.T) {
	b := job(codeforge.Code, `{"user_message":"Mend src/z.ts","file_path":"src/y.ts"}`, finish())
	for i := range 30 {
		b.files(fmt.Sprintf("a%02d.ts", i), strings.Repeat("x", 9_000))
	}
	b.files("lib/used.ts", "export const used = 1\n", "lib/deep.ts", "let deep")
	b.files("src/y.ts", strings.Repeat("let y\n", 800), "src/z.ts", "import { used } from '../lib/used'\n"+strings.Repeat("let z\n", 800))
	b.must(t)
	p := b.prompt(0)
	for _, path := range []string{"lib/used.ts", "src/y.ts", "src/z.ts"} {
		if !strings.Contains(p, `<file path="`+path+`">`) {
			t.Errorf("%s, which the task names or what it names imports, is not shown", path)
		}
	}
	if n := strings.Count(p, "\n<file path="); n > 5 || !strings.Contains(p, fmt.Sprintf("The text of %d files is not shown", 34-n)) {
		t.Errorf("%d files, of which most have nothing to do with the task: %s", n, p[len(p)-200:])
	}
	if strings.Count(section(p, "files"), "\n") != 33 {
		t.Error("the list is not whole")
	}

	// It fits, whatever the room.
	small := new(prompt)
	small.files(newTree(b.task.Files[len(b.task.Files)-4:]), "", nil, false)
	if all := small.String(); strings.Count(all, "<file path=") != 4 || strings.Contains(all, "<outline") {
		t.Error("of a small project something is missing")
	}
	b.project()
	k := new(prompt)
	k.files(newTree(b.task.Files), "src/z.ts m07", nil, false)
	for tokens := 0; tokens < 120_000; tokens += 5_500 {
		s := k.fit(tokens)
		if n := countTokens(s); n > tokens+tokens/20+400 {
			t.Errorf("%d tokens in room for %d", n, tokens)
		}
		for _, sec := range sections(s) {
			if sec[0] != "files" && sec[0] != "file" && sec[0] != "outline" {
				t.Errorf("a section %s", sec[0])
			}
		}
	}
}

// A project at its limits is packed in bounded time.
func BenchmarkPackLargest(b *testing.B) {
	var files []codeforge.File
	text := strings.Repeat("export function handle(event: Event): void { console.log(event.type, 42) }\n", codeforge.MaxTreeBytes/codeforge.MaxFiles/76)
	for i := range codeforge.MaxFiles {
		files = append(files, codeforge.File{Path: fmt.Sprintf("src/f%04d.ts", i), Content: text})
	}
	tree := newTree(files)
	for b.Loop() {
		p := new(prompt)
		p.files(tree, "src/f0100.ts", nil, false)
		_ = p.String()
	}
}
