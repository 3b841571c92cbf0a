package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

func TestNoop(t *testing.T) {
	b := job(codeforge.Noop, `{}`)
	out := b.must(t)
	if string(out.Result) != "{}" || out.Status != codeforge.JobCompleted || out.Progress != 100 || len(b.script.requests)+len(b.events)+len(b.progress) > 0 {
		t.Errorf("%+v, %d calls, events %v", out, len(b.script.requests), b.types())
	}
}

func TestNoopReports(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		b := job(codeforge.Noop, `{"events":3,"every_ms":20}`)
		b.must(t)
		if took := time.Since(began); took != 60*time.Millisecond || len(b.events) != 3 {
			t.Errorf("%d events in %v", len(b.events), took)
		}
		if want := fmt.Sprintf(`{"n":2,"sent":%d}`, time.Now().UnixNano()); string(b.events[2].Data) != want {
			t.Errorf("%s, want %s", b.events[2].Data, want)
		}
	})
	if _, err := job(codeforge.Noop, `{"events":"many"}`).run(t); !codeforge.IsKind(err, codeforge.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestUnknownAgent(t *testing.T) {
	if _, err := job("poet", `{}`).run(t); !codeforge.IsKind(err, codeforge.Invalid) {
		t.Errorf("got %v", err)
	}
}

func TestResearch(t *testing.T) {
	b := job(codeforge.Research, `{"user_idea":"Walk dogs","target_audience":"walkers"}`, object(goodClarification), object(goodRequirements))
	out := b.must(t)
	r := decode(t, out.Result)
	for _, want := range []struct {
		path []any
		is   any
	}{
		{[]any{"app_name"}, "Walkies"},
		{[]any{"target_audience", 0, "role"}, "Dog walker"},
		{[]any{"target_audience", 0, "pain_point"}, "Paper notes get lost"},
		{[]any{"target_audience", 0, "name"}, "Mia"},
		{[]any{"target_audience", 0, "description"}, "Plan the day"},
		{[]any{"target_audience", 0, "pain_points", 0}, "Paper notes get lost"},
		{[]any{"core_features", 0, "user_stories", 0}, "As a walker, I want dogs, so that I know them"},
		{[]any{"recommended_stack", 0}, "TypeScript"},
		{[]any{"summary"}, "Keeps dogs, owners and walks together for one walker."},
		{[]any{"usage", "model"}, "m-1"},
		{[]any{"usage", "provider"}, "script"},
		{[]any{"usage", "input_tokens"}, 200.0},
		{[]any{"usage", "output_tokens"}, 20.0},
		{[]any{"usage", "calls"}, 2.0},
	} {
		if got := at(r, want.path...); got != want.is {
			t.Errorf("result %v = %v, want %v", want.path, got, want.is)
		}
	}
	if at(decode(t, out.Requirements), "app_name") != "Walkies" || out.ProjectStatus != codeforge.InProgress || out.Architecture != nil {
		t.Errorf("spec %s, status %s", out.Requirements, out.ProjectStatus)
	}
	wantProgress(t, b, 10, 30)
	if len(out.Chat) != 1 || out.Chat[0].Role != "assistant" || string(out.Chat[0].Metadata) != `{"agent_type":"research","job_id":"job-1"}` {
		t.Errorf("chat %+v", out.Chat)
	}
	want := []codeforge.EventType{"stage", "usage", "usage", "spec", "kept", "stage"}
	if got := b.types(); !slices.Equal(got, want) {
		t.Errorf("events %v", got)
	}
	for i, req := range b.script.requests {
		if req.Call != (llm.Call{JobID: "job-1", ProjectID: "project-1", UserID: "user-1", Agent: codeforge.Research, Number: i + 1}) {
			t.Errorf("call %d: %+v", i, req.Call)
		}
	}
	first, second := b.script.requests[0], b.script.requests[1]
	if first.Schema.Name != "clarification" || second.Schema.Name != "requirements" || first.Effort != "low" || second.Effort != "" || second.Temperature != nil || second.MaxOutput != 24_000 {
		t.Errorf("requests %+v, %+v", first, second)
	}
	p := b.prompt(1)
	if section(p, "idea") != "Walk dogs" || section(p, "context") != `{"target_audience":"walkers"}` ||
		section(p, "project") != `{"title":"Walks","description":"A CRM for dog walkers","mode":"builder","tech_stack":[]}` {
		t.Errorf("prompt %s", p)
	}
}

func TestResearchAsks(t *testing.T) {
	asking := object(args{"is_complete": false, "message": "Tell me more.", "questions": []any{args{"question": "Who?", "why": "scope", "options": []any{"a", "b"}}}})
	b := job(codeforge.Research, `{"user_message":"Walk dogs"}`, asking, object(goodRequirements))
	out := b.must(t)
	if out.Status != codeforge.Waiting || out.Progress != 50 || string(out.Question) != `[{"question":"Who?","why":"scope","options":["a","b"]}]` || out.Requirements != nil ||
		len(out.Chat) != 1 || out.Chat[0].Content != "Tell me more.\n\n1. Who?\n   a / b" {
		t.Errorf("%+v", out)
	}
	r := decode(t, out.Result)
	if r["is_complete"] != false || at(r, "questions", 0, "question") != "Who?" || r["message"] != "Tell me more." {
		t.Errorf("result %s", out.Result)
	}
	if len(out.Events) != 1 || out.Events[0].Type != codeforge.EventWaiting {
		t.Fatalf("events %+v", out.Events)
	}
	e := decode(t, out.Events[0].Data)
	if e["job_id"] != "job-1" || e["status"] != "waiting_for_input" || e["progress"] != 50.0 || at(e, "result", "message") != "Tell me more." || at(e, "questions", 0, "why") != "scope" {
		t.Errorf("event %s", out.Events[0].Data)
	}

	// With the answers it goes on, and asks no more, even if there are none.
	for _, told := range []string{`{"questions":[],"answers":[{"question":"Who?","answer":"me"}]}`, `{"questions":[],"answers":[{"Who?":"me"}]}`, `{"questions":[],"answers":[]}`} {
		b := job(codeforge.Research, `{"user_message":"Walk dogs"}`, object(goodRequirements))
		b.task.Job.Clarification = json.RawMessage(told)
		if out := b.must(t); out.Status != codeforge.JobCompleted {
			t.Errorf("%s: %+v", told, out)
		}
		if n := b.script.requests[0].Call.Number; n != 2 {
			t.Errorf("the call after the question has number %d", n)
		}
		want := `[{"question":"Who?","answer":"me"}]`
		if strings.Contains(told, `[]}`) && !strings.Contains(told, "me") {
			want = ""
		}
		if got := section(b.prompt(0), "answers"); got != want {
			t.Errorf("%s: answers %s", told, got)
		}
	}

	b = job(codeforge.Research, `{"skip_clarification":true}`, object(goodRequirements))
	b.must(t)
	if len(b.script.requests) != 1 || section(b.prompt(0), "idea") != "" {
		t.Errorf("%d calls, %s", len(b.script.requests), b.prompt(0))
	}

	b = job(codeforge.Builder, `{"user_message":"Walk dogs"}`, asking)
	if out := b.must(t); out.Status != codeforge.Waiting || out.Progress >= 20 || slices.Max(b.progress) >= 20 {
		t.Errorf("pipeline: %+v, progress %v", out, b.progress)
	}
}

func TestWireframe(t *testing.T) {
	for _, input := range []string{`{"requirements":{"app_name":"X"}}`, `{"requirements":"{\"app_name\": \"X\"}"}`} {
		b := job(codeforge.Wireframe, input, object(goodArchitecture))
		out := b.must(t)
		r := decode(t, out.Result)
		if at(r, "site_map", 0, "name") != "Dog list" || at(r, "site_map", 0, "components", 0, "type") != "DogList" ||
			at(r, "site_map", 0, "components", 0, "props", 0) != "dogs: Dog[]" || at(r, "theme_colors", 1) != "#AABBCC" || r["summary"] != "1 page: Dog list" {
			t.Errorf("%s", out.Result)
		}
		if at(decode(t, out.Architecture), "site_map", 0, "path") != "/dog-list" || out.ProjectStatus != codeforge.InProgress || out.Requirements != nil {
			t.Errorf("%+v", out)
		}
		if got := section(b.prompt(0), "requirements"); got != `{"app_name":"X"}` {
			t.Errorf("%s gives requirements %s", input, got)
		}
	}
	b := job(codeforge.Wireframe, `{"requirements":"a list of dogs"}`, object(goodArchitecture))
	b.must(t)
	if got := section(b.prompt(0), "requirements"); got != `"a list of dogs"` {
		t.Errorf("requirements %s", got)
	}
	b = job(codeforge.Wireframe, `{}`, object(goodArchitecture))
	b.task.Project.Requirements = json.RawMessage(`{"app_name":"stored"}`)
	b.must(t)
	if got := section(b.prompt(0), "requirements"); got != `{"app_name":"stored"}` {
		t.Errorf("requirements %s", got)
	}
}

func TestPedagogy(t *testing.T) {
	b := job(codeforge.Pedagogy, `{"message":"Where does data go?"}`, object(goodLesson)).files("src/store.ts", "export {}")
	out := b.must(t)
	r := decode(t, out.Result)
	if at(r, "steps", 0, "step_number") != 1.0 || at(r, "steps", 1, "step_number") != 2.0 || r["encouragement"] != "You ask where data goes." ||
		r["message"] != r["encouragement"] || r["key_concept"] != "Storage outlives a page." || r["summary"] != r["key_concept"] {
		t.Errorf("%s", out.Result)
	}
	p := b.prompt(0)
	if section(p, "question") != "Where does data go?" || section(p, "files") != "src/store.ts (9 bytes)" || section(p, "file") != "1: export {}" {
		t.Errorf("%s", p)
	}
	b = job(codeforge.Pedagogy, `{"question":"Why?","code":"let x = 1"}`, object(goodLesson))
	b.must(t)
	if p := b.prompt(0); section(p, "question") != "Why?" || section(p, "file") != "1: let x = 1" {
		t.Errorf("%s", p)
	}
}

// Each agent works with nothing but a message, under either name, and with nothing at all.
func TestSmallInputs(t *testing.T) {
	answers := map[codeforge.AgentType][]turn{
		codeforge.Research:  {object(goodClarification), object(goodRequirements)},
		codeforge.Wireframe: {object(goodArchitecture)},
		codeforge.Code:      {use("write_file", args{"path": "index.html", "content": "hi"}), finish()},
		codeforge.QA:        {object(goodReport)},
		codeforge.Pedagogy:  {object(goodLesson)},
		codeforge.Builder: {object(goodClarification), object(goodRequirements), object(goodArchitecture),
			use("write_file", args{"path": "index.html", "content": "hi"}), finish(), object(goodReport)},
	}
	for agent, steps := range answers {
		for _, input := range []string{`{}`, ``, `null`, `{"user_message":"Do it"}`, `{"message":"Do it"}`,
			`{"user_message":5,"requirements":7,"architecture":[1],"code":8,"file_path":{"a":1},"question":null,"skip_clarification":"no"}`} {
			b := job(agent, input, steps...).files("a.txt", "text")
			out, err := b.run(t)
			if err != nil || out.Status != codeforge.JobCompleted {
				t.Errorf("%s with %s: %v", agent, input, err)
				continue
			}
			want := "" // the project says it
			if strings.Contains(input, "Do it") {
				want = "Do it"
			} else if strings.Contains(input, "5") {
				want = "5"
			}
			if agent == codeforge.Pedagogy { // the question is not said twice
				want = ""
			}
			if got := section(b.prompt(0), "idea"); got != want {
				t.Errorf("%s with %s: idea %q", agent, input, got)
			}
		}
	}
}

func TestInvalidAnswers(t *testing.T) {
	bad := with(goodRequirements, "app_name", "", "elevator_pitch", "short", "recommended_stack", nil, "core_features",
		[]any{args{"name": "", "description": "d", "priority": "urgent"}}, "target_audience", "all")
	b := job(codeforge.Research, `{"skip_clarification":true}`, object(bad), say("```json\n"+string(form.Marshal(with(goodRequirements, "extra", 1)))+"\n```"))
	out := b.must(t)
	if decode(t, out.Result)["extra"] != nil {
		t.Errorf("an unknown key came through: %s", out.Result)
	}
	for _, want := range []string{
		"app_name must have 1 to 200 characters, has 0", "elevator_pitch must have 20 to 500 characters, has 5", "target_audience must be a list, not text",
		"core_features[0].name must have 1 to 200", `core_features[0].priority must be one of [must-have should-have nice-to-have], not "urgent"`,
		"recommended_stack must have 1 to 10 items, has 0",
	} {
		if !strings.Contains(b.prompt(1), want) {
			t.Errorf("the model was not told %q:\n%s", want, b.prompt(1))
		}
	}
	if m := b.script.requests[1].Messages; len(m) != 3 || m[1].Role != llm.RoleAssistant {
		t.Errorf("conversation %+v", m)
	}

	for name, steps := range map[string][]turn{
		"never valid": {say("I would rather not")},
		"no JSON":     {say(`{"app_name": `)},
		"nothing":     {respond(llm.FinishStop)},
		"cut off":     {respond(llm.FinishLength, llm.Text(string(form.Marshal(goodRequirements))[:150]))},
		"too long":    {say(`{"app_name":"` + strings.Repeat("x", codeforge.MaxSpec) + `"}`)},
		"rule":        {object(with(goodRequirements, "core_features", []any{args{"name": "n", "description": "d", "priority": "should-have"}}))},
	} {
		b := job(codeforge.Research, `{"skip_clarification":true}`, steps...)
		out, err := b.run(t)
		e, ok := errors.AsType[*codeforge.Error](err)
		if !ok || e.Kind != codeforge.AgentFailed || e.Details["agent"] != "research" || e.Details["reason"] != "malformed_output" || e.Retryable {
			t.Errorf("%s: %v", name, err)
		}
		if len(b.script.requests) != 3 || out.Status != "" || out.Requirements != nil {
			t.Errorf("%s: %d calls, %+v", name, len(b.script.requests), out)
		}
	}
}

func TestPausedAnswer(t *testing.T) {
	whole := string(form.Marshal(goodLesson))
	b := job(codeforge.Pedagogy, `{}`, respond(llm.FinishPause, llm.Text(whole[:40])), say(whole[40:]))
	if out := b.must(t); decode(t, out.Result)["key_concept"] == nil || len(b.script.requests[1].Messages) != 2 {
		t.Errorf("%s", out.Result)
	}
	b = job(codeforge.Pedagogy, `{}`, respond(llm.FinishPause, llm.Text("x")))
	if _, err := b.run(t); !codeforge.IsKind(err, codeforge.AgentFailed) || len(b.script.requests) != 1+maxPauses {
		t.Errorf("%v after %d calls", err, len(b.script.requests))
	}
}

func TestModelErrors(t *testing.T) {
	for _, kind := range llm.KindsWithWords() {
		words := kind.Words(false)
		if kind == llm.TruncatedOutput || kind == llm.MalformedOutput {
			continue // these go back to the model, below
		}
		cause := &llm.Error{Provider: "p", Model: "m", Kind: kind, Message: "secret text", Retryable: kind == llm.Overloaded,
			RetryAfter: 3 * time.Second, Usage: &llm.Usage{Usage: codeforge.Usage{InputTokens: 7}, Partial: true}}
		b := job(codeforge.QA, `{}`, fail(cause)).files("a.txt", "x")
		_, err := b.run(t)
		e, ok := errors.AsType[*codeforge.Error](err)
		want := codeforge.AgentFailed
		if ofProvider(kind) {
			want = codeforge.External
		}
		if !ok || e.Kind != want || (want == codeforge.External) != (e.Details["service"] == "p") || e.Message != words || e.Details["agent"] != "qa" || e.Details["reason"] != string(kind) ||
			e.Retryable != (kind == llm.Overloaded) || e.RetryAfter != 3*time.Second || !errors.Is(err, cause) {
			t.Errorf("%s: %#v", kind, err)
		}
		if n := len(b.events); b.events[n-1].Type != codeforge.EventUsage {
			t.Errorf("%s: what was used is not told: %v", kind, b.types())
		}
	}
	own := &codeforge.Error{Kind: codeforge.RateLimited, Message: "budget"}
	if _, err := job(codeforge.QA, `{}`, fail(&llm.Error{Kind: llm.QuotaExhausted, Cause: own})).files("a", "x").run(t); err != error(own) {
		t.Errorf("an error of the domain came out as %v", err)
	}
	for finish, kind := range map[llm.FinishKind]codeforge.Kind{llm.FinishRefusal: codeforge.AgentFailed, llm.FinishContentFilter: codeforge.AgentFailed, llm.FinishError: codeforge.External} {
		if _, err := job(codeforge.QA, `{}`, respond(finish, llm.Text("no"))).files("a", "x").run(t); !codeforge.IsKind(err, kind) {
			t.Errorf("%s: %v", finish, err)
		}
	}
	// An answer that only had the wrong form is put to the model again.
	b := job(codeforge.QA, `{}`, fail(&llm.Error{Kind: llm.TruncatedOutput, Partial: &llm.Response{Parts: []llm.Part{llm.Text(`{"pas`)}}}), object(goodReport)).files("a", "x")
	b.must(t)
	if !strings.Contains(b.prompt(1), "cut off") {
		t.Errorf("%s", b.prompt(1))
	}
	b = job(codeforge.QA, `{}`, fail(&llm.Error{Kind: llm.MalformedOutput})).files("a", "x")
	if _, err := b.run(t); !codeforge.IsKind(err, codeforge.AgentFailed) || len(b.script.requests) != 3 {
		t.Errorf("%v after %d calls", err, len(b.script.requests))
	}
}

func TestCancelled(t *testing.T) {
	stop := errors.New("the user had enough")
	for _, agent := range []codeforge.AgentType{codeforge.Research, codeforge.Code, codeforge.Builder} {
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithCancelCause(t.Context())
			b := job(agent, `{}`, func(ctx context.Context, _ *llm.Request) (*llm.Response, error) {
				<-ctx.Done()
				return nil, &llm.Error{Kind: llm.Cancelled, Cause: context.Cause(ctx)}
			})
			go func() {
				time.Sleep(time.Second)
				cancel(stop)
			}()
			out, err := b.agents().Run(ctx, &b.task)
			if err != stop || !reflect.DeepEqual(out, codeforge.Outcome{}) {
				t.Errorf("%s: %v, %+v", agent, err, out)
			}
		})
	}
	// Between tool calls, and when the model answers all the same.
	ctx, cancel := context.WithCancelCause(t.Context())
	b := job(codeforge.Code, `{}`, func(c context.Context, r *llm.Request) (*llm.Response, error) {
		cancel(stop)
		return use("write_file", args{"path": "a", "content": "b"}, "finish", args{"summary": "all is done"})(c, r)
	})
	if _, err := b.agents().Run(ctx, &b.task); err != stop || slices.Contains(b.types(), codeforge.EventFile) {
		t.Errorf("%v, events %v", err, b.types())
	}
}

func TestDeltasAreCoalesced(t *testing.T) {
	long := strings.Repeat("I build it now. ", 100)
	b := job(codeforge.Code, `{}`, respond(llm.FinishToolCalls, llm.Text(long), use("write_file", args{"path": "a", "content": "1"}).parts(t)[0]), finish())
	b.must(t)
	text, n := "", 0
	for _, d := range b.of(codeforge.EventDelta) {
		n++
		text += d["text"].(string)
		if d["stage"] != "code" {
			t.Errorf("delta %v", d)
		}
	}
	if text != long || n > 1+len(text)/deltaBytes+5 {
		t.Errorf("%d deltas of %d bytes", n, len(text))
	}
	synctest.Test(t, func(t *testing.T) {
		d := deltas{run: newRun(&Agents{}, &b.task), stage: codeforge.Code}
		b.events = nil
		for range 10 {
			d.add(llm.Delta{Kind: llm.DeltaText, Text: "x"})
			time.Sleep(60 * time.Millisecond)
		}
		d.flush()
		if len(b.events) != 4 {
			t.Errorf("%d deltas in 600 ms", len(b.events))
		}
	})
}

// The same task and the same answers give the same requests, byte for byte: a journal replays a job by them.
func TestDeterminism(t *testing.T) {
	requests := func() string {
		b := pipeline()
		b.must(t)
		var all []any
		for _, q := range b.script.requests {
			all = append(all, []any{q.Model, q.System, q.Messages, q.Tools, q.Schema, q.MaxOutput, q.Temperature, q.Effort, q.Call})
		}
		return string(form.Marshal(all))
	}
	want := requests()
	for range 20 {
		if requests() != want {
			t.Fatal("two runs made different requests")
		}
	}
}
