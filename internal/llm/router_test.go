package llm_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

// script is a provider that answers each call with the next of its steps, and the last for ever.
type script struct {
	name  string
	steps []func(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error)

	mu   sync.Mutex
	seen []*llm.Request
	at   []time.Time
}

type step = func(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error)

func (s *script) Name() string { return s.name }

func (s *script) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	s.mu.Lock()
	n := min(len(s.seen), len(s.steps)-1)
	s.seen, s.at = append(s.seen, req), append(s.at, time.Now())
	s.mu.Unlock()
	return s.steps[n](ctx, req, sink)
}

func (s *script) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.seen)
}

func provider(name string, steps ...step) *script { return &script{name: name, steps: steps} }

func says(text string) step {
	return func(_ context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
		if sink != nil {
			sink(llm.Delta{Kind: llm.DeltaText, Text: text})
		}
		return &llm.Response{Model: req.Model, ServedModel: req.Model, Finish: llm.FinishStop, Parts: []llm.Part{llm.Text(text)}, Usage: usage(1000, 0, 0, 100)}, nil
	}
}

// fails with e, which may be marked by the helpers below.
func fails(e llm.Error) step {
	return func(_ context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
		e := e
		e.Model = req.Model
		return nil, &e
	}
}

var (
	busy     = llm.Error{Kind: llm.ServerError, Status: 503, Retryable: true, Fallback: true}
	tooMany  = llm.Error{Kind: llm.RateLimit, Status: 429, Retryable: true, Fallback: true}
	badKey   = llm.Error{Kind: llm.Auth, Status: 401, Fallback: true}
	refused  = llm.Error{Kind: llm.InvalidRequest, Status: 400}
	notFound = llm.Error{Kind: llm.ModelNotFound, Status: 404, Fallback: true}
	noMoney  = llm.Error{Kind: llm.QuotaExhausted, Status: 429, Fallback: true}
	tooLong  = llm.Error{Kind: llm.ContextLength, Status: 400}
)

func waits(e llm.Error, d time.Duration) llm.Error {
	e.HasWait, e.RetryAfter = true, d
	return e
}

// breaks after some text.
func breaks(text string) step {
	return func(_ context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
		if sink != nil {
			sink(llm.Delta{Kind: llm.DeltaText, Text: text})
		}
		return nil, &llm.Error{Kind: llm.StreamInterrupted, Model: req.Model, Status: 200, Retryable: true, Fallback: true, Where: llm.MidStream}
	}
}

type fixture struct {
	*llm.Router
	memory   *llm.Memory
	attempts []llm.Attempt
	warned   []llm.Warning
}

func router(t testing.TB, providers ...*script) *fixture {
	f := &fixture{memory: &llm.Memory{}}
	m := map[string]llm.Provider{}
	for _, p := range providers {
		m[p.name] = p
	}
	var mu sync.Mutex
	f.Router = llm.NewRouter(llm.Options{Catalog: catalog(t), Providers: m, Ledger: f.memory,
		Observe: func(a llm.Attempt) { mu.Lock(); defer mu.Unlock(); f.attempts = append(f.attempts, a) },
		Warn:    func(w llm.Warning) { mu.Lock(); defer mu.Unlock(); f.warned = append(f.warned, w) }})
	return f
}

// history is the attempts as provider:model kind>next.
func (f *fixture) history() string {
	var s []string
	for _, a := range f.attempts {
		word := string(a.Kind)
		if word == "" {
			word = "ok"
		}
		if a.Skipped != "" {
			word = a.Skipped
		}
		if a.Next != "" {
			word += ">" + string(a.Next)
		}
		s = append(s, a.Provider+" "+word)
	}
	return strings.Join(s, ", ")
}

func ask(agent codeforge.AgentType) *llm.Request {
	return &llm.Request{Messages: []llm.Message{llm.UserText("hello")}, Call: llm.Call{Agent: agent, JobID: "job", ProjectID: "project", UserID: "user", Number: 1}}
}

func TestFaultMatrix(t *testing.T) {
	ok := says("fine")
	kind := func(k llm.ErrorKind, status int, retry, fallback bool) llm.Error {
		return llm.Error{Kind: k, Status: status, Retryable: retry, Fallback: fallback}
	}
	for _, c := range []struct {
		name     string
		first    []step // of openai, the primary of research; anthropic then answers
		history  string
		want     llm.ErrorKind
		min, max time.Duration
	}{
		{"answer", []step{ok}, "openai ok", "", 0, 0},
		{"400", []step{fails(refused)}, "openai invalid_request", llm.InvalidRequest, 0, 0},
		{"400 about one vendor's parameter", []step{fails(kind(llm.InvalidRequest, 400, false, true))}, "openai invalid_request>fallback, anthropic ok", "", 0, 0},
		{"401", []step{fails(badKey)}, "openai auth>fallback, anthropic ok", "", 0, 0},
		{"402", []step{fails(noMoney)}, "openai quota_exhausted>fallback, anthropic ok", "", 0, 0},
		{"403", []step{fails(kind(llm.Permission, 403, false, true))}, "openai permission>fallback, anthropic ok", "", 0, 0},
		{"404", []step{fails(notFound)}, "openai model_not_found>fallback, anthropic ok", "", 0, 0},
		{"408 once", []step{fails(kind(llm.Timeout, 408, true, true)), ok}, "openai timeout>retry, openai ok", "", 0, 2 * time.Second},
		{"413", []step{fails(kind(llm.RequestTooLarge, 413, false, false))}, "openai request_too_large", llm.RequestTooLarge, 0, 0},
		{"429 with a wait", []step{fails(waits(tooMany, 7*time.Second)), ok}, "openai rate_limit>retry, openai ok", "", 7 * time.Second, 7 * time.Second},
		{"429 with no wait at all", []step{fails(waits(tooMany, 0)), ok}, "openai rate_limit>retry, openai ok", "", 0, 0},
		{"429 without a word", []step{fails(tooMany), ok}, "openai rate_limit>retry, openai ok", "", 0, 2 * time.Second},
		{"429 too long", []step{fails(waits(tooMany, 61*time.Second))}, "openai rate_limit>fallback, anthropic ok", "", 0, 0},
		{"500 for good", []step{fails(busy)}, "openai server_error>retry, openai server_error>retry, openai server_error>fallback, anthropic ok", "", 0, 6 * time.Second},
		{"503 with a wait", []step{fails(waits(busy, time.Second)), fails(waits(busy, 2*time.Second)), ok}, "openai server_error>retry, openai server_error>retry, openai ok", "", 3 * time.Second, 3 * time.Second},
		{"529", []step{fails(kind(llm.Overloaded, 529, true, true)), ok}, "openai overloaded>retry, openai ok", "", 0, 2 * time.Second},
		{"malformed response", []step{fails(kind(llm.MalformedResponse, 200, true, true)), ok}, "openai malformed_response>retry, openai ok", "", 0, 2 * time.Second},
		{"broken stream", []step{breaks("half"), ok}, "openai stream_interrupted>retry, openai ok", "", 0, 2 * time.Second},
		{"refusal", []step{fails(kind(llm.Refusal, 200, false, false))}, "openai refusal", llm.Refusal, 0, 0},
		{"filter", []step{fails(kind(llm.ContentFilter, 200, false, false))}, "openai content_filter", llm.ContentFilter, 0, 0},
		{"length", []step{fails(kind(llm.TruncatedOutput, 200, false, false))}, "openai truncated_output", llm.TruncatedOutput, 0, 0},
		{"malformed call", []step{fails(kind(llm.MalformedOutput, 200, true, false)), ok}, "openai malformed_output>retry, openai ok", "", 0, 2 * time.Second},
		{"empty", []step{fails(kind(llm.EmptyResponse, 200, true, true)), ok}, "openai empty_response>retry, openai ok", "", 0, 2 * time.Second},
		{"no error of ours", []step{func(context.Context, *llm.Request, func(llm.Delta)) (*llm.Response, error) {
			return nil, errors.New("surprise")
		}}, "openai server_error>fallback, anthropic ok", "", 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := router(t, provider("openai", c.first...), provider("anthropic", ok))
				start := time.Now()
				resp, err := f.Generate(t.Context(), ask("research"), nil)
				took := time.Since(start)
				if f.history() != c.history {
					t.Errorf("history: %s\nwant:    %s", f.history(), c.history)
				}
				if e, _ := errors.AsType[*llm.Error](err); c.want == "" && err != nil || c.want != "" && (e == nil || e.Kind != c.want) {
					t.Errorf("error %v, want %q", err, c.want)
				}
				if err == nil && resp.Text() != "fine" {
					t.Errorf("answer %q", resp.Text())
				}
				if took < c.min || took > c.max {
					t.Errorf("took %v, want %v to %v", took, c.min, c.max)
				}
				if n := len(f.memory.Entries()); n != len(f.attempts) {
					t.Errorf("%d rows in the ledger for %d attempts", n, len(f.attempts))
				}
				for i, e := range f.memory.Entries() {
					a := f.attempts[i]
					if e.Kind != a.Kind || e.Attempt != i+1 || e.Attempt != a.Number || e.Cost != a.Cost || e.Call.JobID != "job" || e.ID == "" {
						t.Errorf("row %+v for attempt %+v", e, a)
					}
					if e.Kind == "" && (e.Cost.MicroUSD == 0 || e.Cost.Estimated) {
						t.Errorf("an answer cost %+v", e.Cost)
					}
				}
			})
		})
	}
}

func TestSwitches(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			routing llm.Routing
			model   string
			history string
		}{
			{llm.Routing{NoRetry: true}, "", "openai server_error>fallback, anthropic ok"},
			{llm.Routing{NoRetry: true, NoFallback: true}, "", "openai server_error"},
			{llm.Routing{NoFallback: true}, "openai:gpt-6-luna", "openai server_error>retry, openai server_error>retry, openai server_error"},
			{llm.Routing{NoRetry: true}, "openai:some-new:model", "openai server_error>fallback, openai server_error>fallback, anthropic ok"},
		} {
			f := router(t, provider("openai", fails(busy)), provider("anthropic", says("fine")), provider("scaffold", says("never")))
			req := ask("research")
			req.Routing, req.Model = c.routing, c.model
			var own int
			req.Routing.Observe = func(llm.Attempt) { own++ }
			f.Generate(t.Context(), req, nil)
			if f.history() != c.history || own != len(f.attempts) {
				t.Errorf("%+v %s: %s, want %s", c.routing, c.model, f.history(), c.history)
			}
		}
	})
}

func TestNamedModelWhoseProviderIsMissing(t *testing.T) {
	f := router(t, provider("anthropic", says("never")))
	req := ask("research")
	req.Model = "openai:gpt-6-luna"
	_, err := f.Generate(t.Context(), req, nil)
	if e, ok := errors.AsType[*llm.Error](err); !ok || e.Kind != llm.Auth || len(f.attempts) != 0 {
		t.Errorf("%v", err)
	}
	req.Model = "no such thing"
	_, err = f.Generate(t.Context(), req, nil)
	if e, ok := errors.AsType[*llm.Error](err); !ok || e.Kind != llm.InvalidRequest {
		t.Errorf("%v", err)
	}
}

func TestScaffoldAnswersLoudlyAndForNothing(t *testing.T) {
	f := router(t, provider("scaffold", says("built")))
	for range 3 {
		resp, err := f.Generate(t.Context(), ask("code"), nil)
		if err != nil || resp.Cost != (llm.Cost{}) {
			t.Fatal(resp, err)
		}
	}
	if len(f.warned) != 1 || f.warned[0].Kind != llm.WarnScaffold {
		t.Errorf("warned %v", f.warned)
	}
}

func TestWaitThatDoesNotFitGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := router(t, provider("openai", fails(waits(tooMany, 20*time.Second))), provider("anthropic", says("fine")))
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		start := time.Now()
		if _, err := f.Generate(ctx, ask("research"), nil); err != nil || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		// The model stays paused for others, until its time is over.
		f.attempts = nil
		f.Generate(t.Context(), ask("research"), nil)
		if f.history() != "openai paused>fallback, anthropic ok" {
			t.Error(f.history())
		}
		time.Sleep(20 * time.Second)
		f.attempts = nil
		f.Generate(t.Context(), ask("research"), nil)
		if f.history() != "openai rate_limit>retry, openai rate_limit>retry, openai rate_limit>fallback, anthropic ok" {
			t.Error(f.history())
		}
		// With no other model the pause is waited for, or told to the caller.
		lone := router(t, provider("openai", fails(waits(tooMany, time.Hour)), says("fine")))
		_, err := lone.Generate(t.Context(), ask("research"), nil)
		if e, _ := errors.AsType[*llm.Error](err); e == nil || e.RetryAfter != time.Hour || !e.Retryable {
			t.Error(err)
		}
		time.Sleep(59*time.Minute + 30*time.Second)
		start = time.Now()
		if _, err := lone.Generate(t.Context(), ask("research"), nil); err != nil || time.Since(start) != 30*time.Second {
			t.Errorf("%v after %v", err, time.Since(start))
		}
	})
}

func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sick := provider("openai", fails(busy))
		f := router(t, sick, provider("anthropic", says("fine")))
		req := ask("research")
		req.Routing.NoRetry = true
		for range 8 {
			if _, err := f.Generate(t.Context(), req, nil); err != nil {
				t.Fatal(err)
			}
		}
		if sick.calls() != 5 {
			t.Errorf("called %d times, want 5", sick.calls())
		}
		if s := f.States(); s[1].Name != "openai:gpt-6.1-sol" || s[1].Breaker != "open" {
			t.Errorf("%+v", s)
		}
		// After a minute two probes may pass; a failed one closes the door again.
		time.Sleep(61 * time.Second)
		f.Generate(t.Context(), req, nil)
		f.Generate(t.Context(), req, nil)
		if sick.calls() != 6 {
			t.Errorf("called %d times, want 6", sick.calls())
		}
		time.Sleep(61 * time.Second)
		sick.steps = []step{says("well")}
		for range 3 {
			if resp, _ := f.Generate(t.Context(), req, nil); resp.Text() != "well" {
				t.Error(resp.Text())
			}
		}
		if s := f.States(); s[1].Breaker != "closed" {
			t.Errorf("%+v", s)
		}
		// Nothing else counts: too many requests, a wrong key, a caller who left.
		for _, e := range []llm.Error{waits(tooMany, 0), badKey, refused, noMoney} {
			sick.steps = []step{fails(e)}
			for range 10 {
				f.Generate(t.Context(), req, nil)
			}
		}
		gone, cancel := context.WithCancel(t.Context())
		cancel()
		sick.steps = []step{func(ctx context.Context, req *llm.Request, _ func(llm.Delta)) (*llm.Response, error) {
			return nil, &llm.Error{Kind: llm.StreamInterrupted, Cause: ctx.Err(), Retryable: true}
		}}
		for range 10 {
			f.Generate(gone, req, nil)
		}
		if s := f.States(); s[1].Breaker != "closed" {
			t.Errorf("%+v", s)
		}
		// Alone, an open breaker is told as a wait, and as what opened it.
		lone := router(t, provider("openai", fails(busy)))
		for range 2 {
			_, err := lone.Generate(t.Context(), ask("research"), nil)
			if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Status != 503 {
				t.Error(err)
			}
		}
		_, err := lone.Generate(t.Context(), ask("research"), nil)
		if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Kind != llm.ServerError || e.Status != 503 || e.RetryAfter < 30*time.Second || !e.Retryable {
			t.Error(err)
		}
	})
}

func TestOfflineModelHasNoBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		model := provider("scaffold", fails(busy))
		f := router(t, model)
		req := ask("research")
		req.Routing.NoRetry = true
		for range 10 { // as the contexts of these jobs ask
			f.Generate(t.Context(), req, nil)
		}
		model.steps = []step{says("built")}
		if resp, err := f.Generate(t.Context(), req, nil); err != nil || resp.Text() != "built" {
			t.Error(resp, err)
		}
	})
}

func TestPanicOfAProviderCountsForTheBreaker(t *testing.T) {
	f := router(t, provider("openai", func(context.Context, *llm.Request, func(llm.Delta)) (*llm.Response, error) { panic("boom") }))
	for range 5 {
		func() {
			defer func() { recover() }()
			f.Generate(t.Context(), ask("research"), nil)
		}()
	}
	if s := f.States(); s[0].Breaker != "open" {
		t.Errorf("%+v", s)
	}
}

func TestOutageIsNotMultiplied(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// Other errors than the breaker's, so that the budget alone holds the retries down.
		sick := provider("openai", fails(llm.Error{Kind: llm.EmptyResponse, Status: 200, Retryable: true}))
		f := router(t, sick)
		for range 1000 {
			f.Generate(t.Context(), ask("research"), nil)
		}
		if n := sick.calls(); n > 1000*12/10+20 || n < 1000 {
			t.Errorf("%d attempts for 1000 calls", n)
		}
	})
}

func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := router(t, provider("openai", breaks("one "), breaks("two "), breaks("three ")), provider("anthropic", says("whole")))
		var shown []string
		resp, err := f.Generate(t.Context(), ask("research"), func(d llm.Delta) {
			if d.Kind == llm.DeltaRestart {
				shown = append(shown, "restart "+d.Text)
			} else {
				shown = append(shown, d.Text)
			}
		})
		want := []string{"one ", "restart openai:gpt-6.1-sol", "two ", "restart openai:gpt-6.1-sol", "three ", "restart anthropic:claude-sonnet-5-5", "whole"}
		if err != nil || resp.Text() != "whole" || !reflect.DeepEqual(shown, want) {
			t.Errorf("%v %q", err, shown)
		}
		// One restart for what was shown, however many tries follow.
		g := router(t, provider("openai", breaks("one "), fails(busy), says("fine")))
		restarts := 0
		g.Generate(t.Context(), ask("research"), func(d llm.Delta) {
			if d.Kind == llm.DeltaRestart {
				restarts++
			}
		})
		if restarts != 1 {
			t.Errorf("%d restarts", restarts)
		}
		// What broke was paid for in part: a guess, not nothing.
		if e := f.memory.Entries()[0]; e.Cost.MicroUSD == 0 || !e.Cost.Estimated || !e.Usage.Missing || e.FirstToken == 0 {
			t.Errorf("%+v", e)
		}
	})
}

func TestPartialUsageIsALowerBound(t *testing.T) {
	long := strings.Repeat("text ", 1000)
	f := router(t, provider("openai", func(_ context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
		sink(llm.Delta{Kind: llm.DeltaText, Text: long})
		u := usage(500, 0, 0, 1)
		u.Partial = true
		return nil, &llm.Error{Kind: llm.StreamInterrupted, Model: req.Model, Usage: &u, Where: llm.MidStream}
	}))
	f.Generate(t.Context(), ask("research"), func(llm.Delta) {})
	if e := f.memory.Entries()[0]; e.Usage.OutputTokens != 1 || !e.Usage.Partial || e.Cost.MicroUSD < 1000*10 || !e.Cost.Estimated {
		t.Errorf("%+v", e)
	}
}

func TestWrongKeyBarsItsProviderOnly(t *testing.T) {
	f := router(t, provider("google", fails(badKey)), provider("openai", says("fine")))
	f.Generate(t.Context(), ask("code"), nil)
	if f.history() != "google auth>fallback, openai ok" {
		t.Error(f.history())
	}
}

// A user's own keys come first, whatever the server has; what fails with them is no failure of the server's.
func TestOwnKeys(t *testing.T) {
	with := func(f *fixture, own ...*script) *fixture {
		f.Own = func(_ context.Context, userID string) (map[string]llm.Provider, error) {
			m := map[string]llm.Provider{}
			for _, p := range own {
				if userID == "user" {
					m[p.name] = p
				}
			}
			return m, nil
		}
		return f
	}
	accounts := func(f *fixture) string {
		var s []string
		for i, word := range strings.Split(f.history(), ", ") {
			if f.attempts[i].Own {
				word = "own " + word
			}
			s = append(s, word)
		}
		return strings.Join(s, ", ")
	}
	named := ask("code")
	named.Model = "anthropic:claude-sonnet-5"
	unowned := ask("code")
	unowned.Call.UserID = "other"
	for _, c := range []struct {
		name string
		f    *fixture
		req  *llm.Request
		want string
	}{
		{"own first", with(router(t, provider("google", says("server"))), provider("openai", says("mine"))), ask("code"), "own openai ok"},
		{"then the server's", with(router(t, provider("google", says("server"))), provider("google", fails(badKey))), ask("code"), "own google auth>fallback, google ok"},
		{"an own key bars no other", with(router(t, provider("google", fails(badKey)), provider("openai", says("server"))), provider("google", fails(badKey)), provider("openai", fails(noMoney))), ask("code"),
			"own google auth>fallback, own openai quota_exhausted>fallback, google auth>fallback, openai ok"},
		{"of another user", with(router(t, provider("google", says("server"))), provider("openai", says("mine"))), unowned, "google ok"},
		{"beside the offline model", with(router(t, provider("scaffold", says("offline"))), provider("openai", says("mine"))), ask("code"), "own openai ok"},
		{"it stands in for nobody", with(router(t, provider("scaffold", says("offline"))), provider("openai", fails(badKey))), ask("code"), "own openai auth"},
		{"a named model that the server has not", with(router(t, provider("google", says("server"))), provider("anthropic", fails(badKey))), named, "own anthropic auth>fallback, google ok"},
	} {
		c.f.Generate(t.Context(), c.req, nil)
		if got := accounts(c.f); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}

	f := with(router(t, provider("openai", says("server"))), provider("openai", fails(notFound)))
	for range 2 { // an account may lack a model that others have
		f.Generate(t.Context(), ask("research"), nil)
	}
	if got, want := accounts(f), "own openai model_not_found>fallback, openai ok, own openai model_not_found>fallback, openai ok"; got != want || len(f.warned) > 0 {
		t.Errorf("%s, want %s; warned of %v", got, want, f.warned)
	}
	for _, e := range f.memory.Entries() {
		if e.Own == (e.Kind == "") || e.Own && e.Reservation != "" {
			t.Errorf("booked as %+v", e)
		}
	}
	if s := f.States(); len(s) != 1 {
		t.Errorf("states of users' accounts are shown: %+v", s)
	}
	// That a user's key leads nowhere by the routes is nothing to warn the server's operator of.
	f = with(router(t, provider("openai", says("server"))), provider("nowhere", says("mine")))
	if f.Generate(t.Context(), ask("code"), nil); accounts(f) != "openai ok" || len(f.warned) > 0 {
		t.Errorf("%s, warned of %v", accounts(f), f.warned)
	}
	// However many users there are, what is known of the server's own accounts stays.
	f = with(router(t, provider("openai", fails(waits(tooMany, time.Hour)))))
	f.Own = func(_ context.Context, userID string) (map[string]llm.Provider, error) {
		if userID == "user" {
			return nil, nil
		}
		return map[string]llm.Provider{"openai": provider("openai", says("mine"))}, nil
	}
	f.Generate(t.Context(), ask("code"), nil)
	for i := range 1_100 {
		req := ask("code")
		req.Call.UserID = fmt.Sprint(i)
		f.Generate(t.Context(), req, nil)
	}
	if s := f.States(); len(s) != 1 || s[0].Paused == 0 {
		t.Errorf("%+v", s)
	}
	_, err := with(router(t), provider("openai", fails(badKey))).Generate(t.Context(), ask("code"), nil)
	if e, ok := errors.AsType[*llm.Error](err); !ok || !e.Own {
		t.Errorf("whose key it is does not show: %v", err)
	}
}

func TestNotFoundIsRemembered(t *testing.T) {
	f := router(t, provider("openai", fails(notFound)), provider("anthropic", says("fine")))
	for range 3 {
		f.Generate(t.Context(), ask("research"), nil)
	}
	if f.history() != "openai model_not_found>fallback, anthropic ok, anthropic ok, anthropic ok" || len(f.warned) != 1 || f.warned[0].Kind != llm.WarnGone {
		t.Error(f.history(), f.warned)
	}
}

func TestTooLongShrinksOnceThenLooksForALargerWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := load(t, `{"format": 1, "models": [
			{"name": "openai:small", "context": 8000, "max_output": 1000}, {"name": "openai:same", "context": 8000, "max_output": 1000},
			{"name": "openai:large", "context": 64000, "max_output": 1000}],
			"routes": [{"agent": "code", "chain": ["openai:small", "openai:same", "openai:large"]}]}`)
		long := provider("openai", fails(tooLong), fails(tooLong), says("fine"))
		r := llm.NewRouter(llm.Options{Catalog: c, Providers: map[string]llm.Provider{"openai": long}})
		req := ask("code")
		var limits []int
		req.Routing.Shrink = func(limit int) *llm.Request {
			limits = append(limits, limit)
			return &llm.Request{Messages: []llm.Message{llm.UserText("short")}}
		}
		resp, err := r.Generate(t.Context(), req, nil)
		if err != nil || resp.Text() != "fine" || len(limits) != 1 {
			t.Fatal(err, limits)
		}
		var models []string
		for _, q := range long.seen {
			models = append(models, q.Model+" "+q.Messages[0].Parts[0].Text)
		}
		if want := []string{"small hello", "small short", "large short"}; !reflect.DeepEqual(models, want) {
			t.Errorf("%q", models)
		}
		if long.seen[1].Call.JobID != "job" {
			t.Error("the smaller request is nobody's")
		}
		// What is known to be too long is not sent.
		long.seen, long.steps, limits = nil, []step{says("fine")}, nil
		req.Messages = []llm.Message{llm.UserText(strings.Repeat("word ", 10_000))}
		if _, err := r.Generate(t.Context(), req, nil); err != nil || len(limits) != 1 || limits[0] != 7000 || len(long.seen) != 1 || long.seen[0].Messages[0].Parts[0].Text != "short" {
			t.Error(err, limits, len(long.seen))
		}
	})
}

func TestParametersFitTheModel(t *testing.T) {
	effort := func(model, asked string) string {
		p, _, _ := llm.SplitName(model)
		s := provider(p, says("fine"))
		req := ask("nobody")
		req.Model, req.Effort, req.Temperature, req.MaxOutput = model, asked, new(0.3), 1_000_000
		req.Routing.NoFallback = true
		if _, err := router(t, s).Generate(t.Context(), req, nil); err != nil {
			t.Fatal(err)
		}
		got := s.seen[0]
		temp := "-"
		if got.Temperature != nil {
			temp = fmt.Sprint(*got.Temperature)
		}
		return fmt.Sprintf("%s %s %d", got.Effort, temp, got.MaxOutput)
	}
	for _, c := range [][3]string{
		{"openai:gpt-6.1-sol", "none", "low - 128000"},
		{"openai:gpt-6.1-sol", "max", "max - 128000"},
		{"openai:gpt-6.1-terra", "none", "none 0.3 128000"},
		{"openai:gpt-6.1-terra", "minimal", "low - 128000"},
		{"openai:gpt-6-astra", "none", "low - 128000"},
		{"anthropic:claude-sonnet-5-5", "high", "high - 128000"},
		{"anthropic:claude-haiku-5-5", "high", " - 128000"},
		{"google:gemini-4-argon", "max", "high - 65000"},
		{"compatible:anything", "minimal", "minimal 0.3 1000000"},
	} {
		if got := effort(c[0], c[1]); got != c[2] {
			t.Errorf("%s with effort %s: %q, want %q", c[0], c[1], got, c[2])
		}
	}
	s := provider("openai", says("fine"))
	router(t, s).Generate(t.Context(), ask("research"), nil)
	if got := s.seen[0]; got.Effort != "medium" || got.MaxOutput != 32768 || got.Temperature != nil {
		t.Errorf("%+v", got)
	}
	// The output asked for leaves room for the input.
	s = provider("openai", says("fine"))
	small := load(t, `{"format": 1, "models": [{"name": "openai:gpt-6.1-sol", "context": 10000, "max_output": 9000}]}`)
	req := ask("research")
	req.Messages = []llm.Message{llm.UserText(strings.Repeat("word ", 2000))}
	llm.NewRouter(llm.Options{Catalog: small, Providers: map[string]llm.Provider{"openai": s}}).Generate(t.Context(), req, nil)
	if n := s.seen[0].MaxOutput; n > 6000 || n < 1024 {
		t.Errorf("asked for %d tokens of output", n)
	}
	c := load(t, `{"format": 1, "models": [{"name": "compatible:old", "schema": "prompt"}]}`)
	s = provider("compatible", says("{}"))
	req = ask("")
	req.Model, req.System, req.Schema = "compatible:old", "Be brief.", &llm.Schema{Name: "x", JSON: json.RawMessage(`{"type":"object"}`)}
	llm.NewRouter(llm.Options{Catalog: c, Providers: map[string]llm.Provider{"compatible": s}}).Generate(t.Context(), req, nil)
	if got := s.seen[0]; got.Schema != nil || !strings.HasPrefix(got.System, "Be brief.\n\n") || !strings.HasSuffix(got.System, `{"type":"object"}`) {
		t.Errorf("%+v", got)
	}
}

func TestWhatIsBoundToAModelStaysWithIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		gpt := provider("openai", fails(waits(busy, time.Hour)))
		claude := provider("anthropic", says("fine"))
		req := ask("research")
		call := &llm.ToolCall{ID: "1", Name: "read", Arguments: json.RawMessage(`{}`)}
		req.Messages = []llm.Message{llm.UserText("go"),
			{Role: llm.RoleAssistant, Parts: []llm.Part{
				{Kind: llm.PartReasoning, Text: "hm", Opaque: json.RawMessage(`"o"`), Provider: "openai", Model: "gpt-6.1-sol"},
				{Kind: llm.PartToolCall, Call: call, Opaque: json.RawMessage(`"o"`), Provider: "openai", Model: "gpt-6.1-sol"}}},
			{Role: llm.RoleUser, Parts: []llm.Part{{Kind: llm.PartToolResult, Result: &llm.ToolResult{ID: "1", Content: "text"}}}},
			{Role: llm.RoleAssistant, Parts: []llm.Part{{Kind: llm.PartReasoning, Opaque: json.RawMessage(`"a"`), Provider: "anthropic", Model: "claude-sonnet-5-5"}, llm.Text("so")}},
			{Role: llm.RoleAssistant, Parts: []llm.Part{{Kind: llm.PartReasoning, Opaque: json.RawMessage(`"a"`), Provider: "anthropic", Model: "claude-opus-5-5"}}},
			llm.UserText("on")}
		before, _ := json.Marshal(req.Messages)
		if _, err := router(t, gpt, claude).Generate(t.Context(), req, nil); err != nil {
			t.Fatal(err)
		}
		if p := gpt.seen[0].Messages; len(p[1].Parts) != 2 || p[1].Parts[1].Opaque == nil || len(p[3].Parts) != 1 || len(p) != 5 {
			t.Errorf("openai got %+v", p)
		}
		p := claude.seen[0].Messages
		if len(p) != 5 || len(p[1].Parts) != 1 || p[1].Parts[0].Call != call || p[1].Parts[0].Opaque != nil || len(p[3].Parts) != 2 || p[3].Parts[0].Opaque == nil {
			t.Errorf("anthropic got %+v", p)
		}
		if after, _ := json.Marshal(req.Messages); string(after) != string(before) {
			t.Error("the caller's messages were changed")
		}
	})
}

func TestCallerWhoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stop := errors.New("stopped by the user")
		ctx, cancel := context.WithCancelCause(t.Context())
		f := router(t, provider("openai", fails(waits(busy, 30*time.Second))), provider("anthropic", says("never")))
		go func() { time.Sleep(time.Second); cancel(stop) }()
		start := time.Now()
		_, err := f.Generate(ctx, ask("research"), nil)
		e, _ := errors.AsType[*llm.Error](err)
		if e == nil || e.Kind != llm.Cancelled || !errors.Is(err, stop) || time.Since(start) != time.Second || len(f.attempts) != 1 {
			t.Errorf("%v after %v, %s", err, time.Since(start), f.history())
		}
		// In the middle of an attempt, what it may have cost is in the ledger.
		hang := provider("openai", func(ctx context.Context, _ *llm.Request, _ func(llm.Delta)) (*llm.Response, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		})
		f = router(t, hang)
		short, cancel2 := context.WithTimeout(t.Context(), time.Second)
		defer cancel2()
		_, err = f.Generate(short, ask("research"), nil)
		if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Kind != llm.Timeout || !errors.Is(err, context.DeadlineExceeded) {
			t.Error(err)
		}
		if rows := f.memory.Entries(); len(rows) != 1 || rows[0].Cost.MicroUSD == 0 || !rows[0].Cost.Estimated {
			t.Errorf("%+v", rows)
		}
	})
}

// hangs until its context ends, for the first n calls; then it answers.
func hangs(n int) (steps []step) {
	for range n {
		steps = append(steps, func(ctx context.Context, req *llm.Request, _ func(llm.Delta)) (*llm.Response, error) {
			<-ctx.Done()
			kind := llm.Cancelled
			if errors.Is(ctx.Err(), context.DeadlineExceeded) {
				kind = llm.Timeout
			}
			return nil, &llm.Error{Kind: kind, Model: req.Model, Retryable: true, Where: llm.BeforeFirstToken, Cause: context.Cause(ctx)}
		})
	}
	return append(steps, says("fine"))
}

// A model that does not begin to answer leaves time to others, and gets another chance after them.
func TestHangingModel(t *testing.T) {
	// slow begins at once, and ends after most of the time.
	slow := func(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
		sink(llm.Delta{Kind: llm.DeltaReasoning, Text: "hm"})
		select {
		case <-time.After(90 * time.Second):
			return says("fine")(ctx, req, sink)
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
	gateway := fails(llm.Error{Kind: llm.Timeout, Status: 504, Retryable: true, Fallback: true, Where: llm.BeforeFirstToken})
	for name, c := range map[string]struct {
		first, second []step
		history       string
		min, max      time.Duration
	}{
		"the next one answers":           {hangs(9), hangs(0), "openai timeout>fallback, anthropic ok", 50 * time.Second, 50 * time.Second},
		"a gateway's word":               {[]step{gateway}, hangs(0), "openai timeout>fallback, anthropic ok", 0, 0},
		"the next one is no use":         {hangs(1), []step{fails(badKey)}, "openai timeout>fallback, anthropic auth>fallback, openai ok", 50 * time.Second, 50 * time.Second},
		"both hang once":                 {hangs(1), hangs(1), "openai timeout>fallback, anthropic timeout>fallback, openai ok", 75 * time.Second, 75 * time.Second},
		"alone, another connection":      {hangs(1), nil, "openai timeout>retry, openai ok", 50 * time.Second, 53 * time.Second},
		"a long answer is left in peace": {[]step{slow}, hangs(0), "openai ok", 90 * time.Second, 90 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				providers := []*script{provider("openai", c.first...)}
				if c.second != nil {
					providers = append(providers, provider("anthropic", c.second...))
				}
				f := router(t, providers...)
				ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
				defer cancel()
				start := time.Now()
				resp, err := f.Generate(ctx, ask("research"), func(llm.Delta) {})
				if took := time.Since(start); err != nil || resp.Text() != "fine" || f.history() != c.history || took < c.min || took > c.max {
					t.Errorf("%v after %v: %s", err, took, f.history())
				}
			})
		})
	}
	// All hang for ever: the call ends with its time, as what it is, and a breaker that they opened says the same.
	synctest.Test(t, func(t *testing.T) {
		f := router(t, provider("openai", hangs(99)...), provider("anthropic", hangs(99)...))
		for range 3 {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Second)
			_, err := f.Generate(ctx, ask("research"), nil)
			cancel()
			if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Kind != llm.Timeout || !e.Retryable {
				t.Errorf("%v: %s", err, f.history())
			}
		}
		skipped := 0
		for _, a := range f.attempts {
			if a.Skipped == "breaker open" {
				if skipped++; a.Kind != llm.Timeout || a.Err.Kind != llm.Timeout {
					t.Errorf("skipped for %s", a.Kind)
				}
			}
		}
		if skipped == 0 {
			t.Errorf("no breaker opened: %s", f.history())
		}
	})
}

// A budget that is full of what others hold is waited for; one that is spent is not.
func TestRoomInABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := router(t, provider("openai", says("fine")))
		f.memory.Limits = map[llm.BudgetScope]int64{llm.BudgetUserDay: 1_000_000}
		others := func(worst int64) (end func(cost int64)) {
			id, err := f.memory.Reserve(t.Context(), llm.Reservation{Call: llm.Call{UserID: "user"}, Worst: worst, Lapses: time.Now().Add(time.Hour)})
			if err != nil {
				t.Fatal(err)
			}
			return func(cost int64) {
				f.memory.Record(t.Context(), llm.Entry{ID: codeforge.NewID(), Reservation: id, Cost: llm.Cost{MicroUSD: cost}})
			}
		}
		end := others(1_000_000)
		time.AfterFunc(20*time.Second, func() { end(10) })
		start := time.Now()
		if _, err := f.Generate(t.Context(), ask("research"), nil); err != nil || time.Since(start) < 20*time.Second || time.Since(start) > 25*time.Second ||
			f.history() != "openai budget>retry, openai ok" {
			t.Errorf("%v after %v: %s", err, time.Since(start), f.history())
		}
		end = others(990_000)
		f.attempts, start = nil, time.Now()
		_, err := f.Generate(t.Context(), ask("research"), nil)
		e, _ := errors.AsType[*llm.Error](err)
		over, _ := errors.AsType[*llm.BudgetError](err)
		if e == nil || !e.Retryable || over == nil || over.Held != 990_000 || time.Since(start) != time.Minute || f.history() != "openai budget>retry, openai budget" {
			t.Errorf("%v after %v: %s", err, time.Since(start), f.history())
		}
		req := ask("research")
		req.Routing.NoRetry = true
		start = time.Now()
		if _, err := f.Generate(t.Context(), req, nil); err == nil || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		}
		end(999_990)
		if _, err := f.Generate(t.Context(), ask("research"), nil); err == nil || time.Since(start) != 0 {
			t.Errorf("%v after %v", err, time.Since(start))
		} else if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Retryable {
			t.Error(err)
		}
	})
}

// What was paid for and tried again is in the answer, and in the error when there is none, of the journal too.
func TestLostAttempts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		paid := func(k llm.ErrorKind) step {
			return fails(llm.Error{Kind: k, Status: 200, Retryable: true, Fallback: true, Usage: new(usage(1000, 0, 0, 100))})
		}
		f := router(t, provider("openai", paid(llm.EmptyResponse), breaks("half"), says("fine")))
		memory := &memJournal{}
		for range 2 {
			resp, err := llm.Journaled(f, memory).Generate(t.Context(), ask("research"), func(llm.Delta) {})
			if err != nil || resp.Lost.Calls != 1 || resp.Lost.InputTokens != 1000 || resp.Lost.OutputTokens != 100 || !resp.Lost.Missing || resp.Usage.InputTokens != 1000 {
				t.Errorf("%v %+v", err, resp.Lost)
			}
		}
		f = router(t, provider("openai", paid(llm.EmptyResponse), fails(llm.Error{Kind: llm.Refusal, Status: 200, Usage: new(usage(7, 0, 0, 1))})))
		_, err := f.Generate(t.Context(), ask("research"), nil)
		if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Kind != llm.Refusal || e.Usage.InputTokens != 7 || e.Lost.InputTokens != 1000 || e.Lost.Calls != 1 {
			t.Errorf("%v", err)
		}
	})
}

func TestErrorOfAWholeChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// The first that leaves hope for later; else the first.
		_, err := router(t, provider("openai", fails(noMoney)), provider("anthropic", fails(waits(tooMany, time.Hour))), provider("google", fails(badKey))).Generate(t.Context(), ask("research"), nil)
		if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Kind != llm.RateLimit {
			t.Error(err)
		}
		_, err = router(t, provider("openai", fails(noMoney)), provider("google", fails(badKey))).Generate(t.Context(), ask("research"), nil)
		if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Kind != llm.QuotaExhausted {
			t.Error(err)
		}
	})
}

func TestBudgetRace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		// A slow model, so that all hundred are under way at once.
		slow := provider("openai", func(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
			time.Sleep(time.Second)
			r, err := says("fine")(ctx, req, sink)
			r.Usage = usage(10, 0, 0, int64(req.MaxOutput)) // as dear as it can be
			return r, err
		})
		f := router(t, slow)
		req := ask("chores")
		req.MaxOutput = 100_000
		probe, _ := f.Generate(t.Context(), req, nil)
		worst := probe.Cost.MicroUSD + 10 // the estimate of the input is a little above what it proves to be
		for scope, id := range map[llm.BudgetScope]string{llm.BudgetJob: "job", llm.BudgetProjectDay: "project", llm.BudgetProjectMonth: "project", llm.BudgetUserDay: "user", llm.BudgetUserMonth: "user"} {
			f.memory = &llm.Memory{Limits: map[llm.BudgetScope]int64{scope: 10 * worst}}
			r := llm.NewRouter(llm.Options{Catalog: catalog(t), Providers: map[string]llm.Provider{"openai": slow}, Ledger: f.memory})
			before := slow.calls()
			var mu sync.Mutex
			passed, stopped := 0, 0
			var wg sync.WaitGroup
			for range 100 {
				wg.Go(func() {
					_, err := r.Generate(t.Context(), req, nil)
					mu.Lock()
					defer mu.Unlock()
					if err == nil {
						passed++
						return
					}
					e, _ := errors.AsType[*llm.Error](err)
					b, _ := errors.AsType[*llm.BudgetError](err)
					if e == nil || e.Kind != llm.BudgetExceeded || b == nil || b.Scope != scope || b.ID != id || b.Limit != 10*worst || e.Retryable {
						t.Errorf("%v", err)
					}
					stopped++
				})
			}
			wg.Wait()
			if passed != 10 || stopped != 90 || slow.calls()-before != 10 {
				t.Errorf("%s: %d passed, %d stopped, %d called", scope, passed, stopped, slow.calls()-before)
			}
			for _, k := range llm.Budgets(req.Call, time.Now()) {
				if spent, held := f.memory.Spent(k); k.Scope == scope && (spent > 10*worst || spent < 9*worst || held != 0) {
					t.Errorf("%s: spent %d of %d, %d held", scope, spent, 10*worst, held)
				}
			}
		}
	})
}

func TestReservationOfADeadProcessLapses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := &llm.Memory{Limits: map[llm.BudgetScope]int64{llm.BudgetJob: 100}}
		r := llm.Reservation{Call: llm.Call{JobID: "job"}, Worst: 90, Prompt: 30, Lapses: time.Now().Add(time.Minute)}
		if _, err := m.Reserve(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		r.Worst = 60
		if _, err := m.Reserve(t.Context(), r); err == nil {
			t.Error("the ceiling was passed")
		}
		time.Sleep(2 * time.Minute)
		r.Lapses = time.Now().Add(time.Minute)
		id, err := m.Reserve(t.Context(), r)
		if err != nil {
			t.Error(err)
		}
		m.Record(t.Context(), llm.Entry{Reservation: id, Cost: llm.Cost{MicroUSD: 5}})
		if spent, held := m.Spent(llm.BudgetKey{Scope: llm.BudgetJob, ID: "job"}); spent != 35 || held != 0 {
			t.Error(spent, held)
		}
	})
}

// closedBooks cannot be asked.
type closedBooks struct{ llm.Memory }

func (*closedBooks) Reserve(context.Context, llm.Reservation) (string, error) {
	return "", errors.New("disk full")
}

func TestNoCallWithoutAReservation(t *testing.T) {
	p := provider("openai", says("never"))
	r := llm.NewRouter(llm.Options{Catalog: catalog(t), Providers: map[string]llm.Provider{"openai": p, "anthropic": p}, Ledger: &closedBooks{}})
	_, err := r.Generate(t.Context(), ask("research"), nil)
	if !codeforge.IsKind(err, codeforge.Unavailable) || p.calls() != 0 {
		t.Errorf("%v, %d calls", err, p.calls())
	}
}

func TestCheckAsksTheProviders(t *testing.T) {
	r := llm.NewRouter(llm.Options{Catalog: catalog(t), Providers: map[string]llm.Provider{
		"openai": &lister{script: provider("openai"), list: []llm.Listed{{ID: "gpt-6.1-sol", Ends: time.Now().Add(24 * time.Hour)}, {ID: "gpt-6.1-terra"}, {ID: "gpt-6-luna"}}},
		"google": &lister{script: provider("google"), err: errors.New("no route to host")},
	}})
	warns, err := r.Check(t.Context())
	if err == nil || !strings.Contains(err.Error(), "google") {
		t.Error(err)
	}
	n := 0
	for _, w := range warns {
		if w.Kind == llm.WarnEnding && w.Model == "openai:gpt-6.1-sol" {
			n++
		}
	}
	if n != 4 { // research, code, qa, roadmap
		t.Errorf("%v", warns)
	}
}

type lister struct {
	*script
	list []llm.Listed
	err  error
}

func (l *lister) Models(context.Context) ([]llm.Listed, error) { return l.list, l.err }

func TestConcurrentCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		flaky := provider("openai", fails(waits(busy, 0)), says("a"), fails(waits(tooMany, 0)), says("b"), breaks("x"), says("c"))
		f := router(t, flaky, provider("anthropic", says("d")), provider("google", says("e")))
		var wg sync.WaitGroup
		for i := range 50 {
			wg.Go(func() {
				req := ask([]codeforge.AgentType{"research", "code", "qa"}[i%3])
				if _, err := f.Generate(t.Context(), req, func(llm.Delta) {}); err != nil {
					t.Error(err)
				}
				f.States()
			})
		}
		wg.Wait()
	})
}

// The way through router, journal and ledger around a call that takes no time.
func BenchmarkOverhead(b *testing.B) {
	r := llm.NewRouter(llm.Options{Catalog: catalog(b), Providers: map[string]llm.Provider{"openai": instant{}}, Ledger: &llm.Memory{Limits: map[llm.BudgetScope]int64{llm.BudgetUserDay: 1 << 60}}})
	j := &memJournal{}
	p := llm.Journaled(r, j)
	req := ask("research")
	req.System = strings.Repeat("You write code that people like to read. ", 100)
	req.Messages = []llm.Message{llm.UserText(strings.Repeat("func main() { fmt.Println(\"hello\") }\n", 500))}
	b.ReportAllocs()
	for b.Loop() {
		req.Call.Number++
		if _, err := p.Generate(b.Context(), req, nil); err != nil {
			b.Fatal(err)
		}
	}
}

type instant struct{}

func (instant) Name() string { return "openai" }

func (instant) Generate(_ context.Context, req *llm.Request, _ func(llm.Delta)) (*llm.Response, error) {
	return &llm.Response{Provider: "openai", Model: req.Model, ServedModel: req.Model, Finish: llm.FinishStop, Parts: []llm.Part{llm.Text("fine")}, Usage: usage(1000, 0, 0, 100)}, nil
}
