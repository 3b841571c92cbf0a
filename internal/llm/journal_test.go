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

type memJournal struct {
	mu      sync.Mutex
	entries map[llm.JournalKey][]byte
	fail    error
}

func (j *memJournal) Get(_ context.Context, k llm.JournalKey) ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.entries[k], j.fail
}

func (j *memJournal) Put(_ context.Context, k llm.JournalKey, e []byte) ([]byte, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.fail != nil {
		return nil, j.fail
	}
	if j.entries == nil {
		j.entries = map[llm.JournalKey][]byte{}
	}
	if _, ok := j.entries[k]; !ok {
		j.entries[k] = e
	}
	return j.entries[k], nil
}

// odd is an answer with everything that JSON likes to change: spaces, order, signs, what is no JSON at all.
func odd(n int) *llm.Response {
	return &llm.Response{Provider: "google", Model: "gemini-4-argon", ServedModel: "gemini-4-argon-002", Finish: llm.FinishToolCalls, FinishRaw: "STOP",
		Parts: []llm.Part{
			{Kind: llm.PartReasoning, Text: "a < b & c\u2028", Opaque: json.RawMessage(`{ "z":1,  "a" : "<x>" }`), Provider: "google", Model: "gemini-4-argon"},
			llm.Text(fmt.Sprintf("answer %d", n)),
			{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "", Name: "write", Arguments: json.RawMessage(`{ "path" : "<a>.ts", "n": 1.0e2 }`)}},
			{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "2", Name: "list", Arguments: json.RawMessage(`{"broken": `)}},
			{Kind: llm.PartToolCall, Call: &llm.ToolCall{ID: "3", Name: "none"}},
		}, Usage: usage(10, 5, 1, 7), Cost: llm.Cost{MicroUSD: 12}}
}

// errKilled is what a test's job dies of.
var errKilled = errors.New("killed")

// job makes twelve calls, each of which holds all earlier answers, and returns what it made of them. It dies before using
// the answer of call die.
func job(p llm.Provider, die int) (out string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = errKilled
		}
	}()
	req := &llm.Request{System: "work", Call: llm.Call{JobID: "job"}}
	for n := 1; n <= 12; n++ {
		r := *req
		r.Messages = append(r.Messages[:len(r.Messages):len(r.Messages)], llm.UserText(fmt.Sprint("go on ", n)))
		r.Call.Number = n
		resp, err := p.Generate(context.Background(), &r, nil)
		if e, ok := errors.AsType[*llm.Error](err); ok && e.Kind == llm.Refusal {
			resp = &llm.Response{Parts: []llm.Part{llm.Text("refused: " + e.Refusal)}}
		} else if err != nil {
			return "", err
		}
		if n == die {
			panic(errKilled)
		}
		req.Messages = append(r.Messages, resp.Message())
		out += fmt.Sprintf("%s %s %v;", resp.Text(), resp.ServedModel, resp.Usage)
	}
	last, _ := json.Marshal(req.System)
	return out + llm.Hash(req) + string(last), nil
}

func TestJournalSurvivesAKillAtEachCall(t *testing.T) {
	count := func() *script {
		n := 0
		return provider("openai", func(_ context.Context, req *llm.Request, _ func(llm.Delta)) (*llm.Response, error) {
			if n++; req.Call.Number == 5 {
				return nil, &llm.Error{Provider: "openai", Kind: llm.Refusal, Refusal: "no <thanks>", Finish: llm.FinishRefusal, Usage: new(usage(3, 0, 0, 1))}
			}
			return odd(req.Call.Number), nil
		})
	}
	straight := count()
	want, err := job(llm.Journaled(straight, &memJournal{}), 0)
	if err != nil || straight.calls() != 12 {
		t.Fatal(err, straight.calls())
	}
	for die := 1; die <= 12; die++ {
		p, j := count(), &memJournal{}
		if _, err := job(llm.Journaled(p, j), die); err != errKilled || p.calls() != die {
			t.Fatal(die, err, p.calls())
		}
		got, err := job(llm.Journaled(p, j), 0)
		if err != nil || got != want || p.calls() != 12 {
			t.Errorf("killed at %d: %v, %d calls\n%s\n%s", die, err, p.calls(), got, want)
		}
		// And the whole again without network.
		got, err = job(llm.Journaled(nil, j), 0)
		if err != nil || got != want || p.calls() != 12 {
			t.Errorf("replay after %d: %v", die, err)
		}
	}
}

func TestJournaledAnswer(t *testing.T) {
	j := &memJournal{}
	p := provider("openai", func(context.Context, *llm.Request, func(llm.Delta)) (*llm.Response, error) { return odd(1), nil })
	req := ask("code")
	first, err := llm.Journaled(p, j).Generate(t.Context(), req, nil)
	if err != nil || !reflect.DeepEqual(first, odd(1)) {
		t.Fatalf("%v\n%+v\n%+v", err, first, odd(1))
	}
	var shown []string
	again, err := llm.Journaled(p, j).Generate(t.Context(), req, func(d llm.Delta) { shown = append(shown, string(d.Kind)+d.Name) })
	if err != nil || !again.Replayed || again.Cost != (llm.Cost{}) || p.calls() != 1 {
		t.Errorf("%v %+v", err, again)
	}
	if strings.Join(shown, " ") != "reasoning text tool_callwrite tool_calllist tool_callnone" {
		t.Error(shown)
	}
	again.Replayed, again.Cost = false, first.Cost
	if !reflect.DeepEqual(first, again) {
		t.Errorf("%+v\n%+v", first, again)
	}
	// A worker that comes second goes by what the first stored.
	late := *req
	late.Call.Number = 2
	k := llm.JournalKey{JobID: "job", Number: 2, Hash: llm.Hash(&late)}
	var race step = func(context.Context, *llm.Request, func(llm.Delta)) (*llm.Response, error) {
		j.Put(t.Context(), k, []byte(`{"response":{"served_model":"other","usage":{}}}`))
		return odd(2), nil
	}
	if r, err := llm.Journaled(provider("openai", race), j).Generate(t.Context(), &late, nil); err != nil || r.ServedModel != "other" {
		t.Error(r, err)
	}
}

func TestJournalKeepsNoPassingErrors(t *testing.T) {
	j := &memJournal{}
	p := llm.Journaled(provider("openai", fails(busy), fails(llm.Error{Kind: llm.MalformedOutput, Retryable: true, Partial: odd(1), Usage: new(usage(1, 0, 0, 2)), Cause: errors.New("secret")}), says("other")), j)
	req := ask("code")
	_, err := p.Generate(t.Context(), req, nil)
	if e, _ := errors.AsType[*llm.Error](err); e == nil || e.Kind != llm.ServerError || len(j.entries) != 0 {
		t.Fatal(err)
	}
	_, err1 := p.Generate(t.Context(), req, nil)
	_, err2 := p.Generate(t.Context(), req, nil)
	e, _ := errors.AsType[*llm.Error](err1)
	if e == nil || e.Kind != llm.MalformedOutput || !reflect.DeepEqual(e.Partial, odd(1)) || e.Usage.OutputTokens != 2 || !reflect.DeepEqual(err1, err2) {
		t.Errorf("%+v\n%+v", err1, err2)
	}
	for _, b := range j.entries {
		if strings.Contains(string(b), "secret") {
			t.Errorf("%s", b)
		}
	}
}

func TestJournalThatFailsGivesNoAnswer(t *testing.T) {
	p := provider("openai", says("fine"))
	_, err := llm.Journaled(p, &memJournal{fail: errors.New("disk full")}).Generate(t.Context(), ask("code"), nil)
	if !codeforge.IsKind(err, codeforge.Unavailable) || p.calls() != 0 {
		t.Error(err)
	}
	if _, err := llm.Journaled(nil, &memJournal{}).Generate(t.Context(), ask("code"), nil); !errors.Is(err, llm.ErrNotJournaled) {
		t.Error(err)
	}
	// A call of no job passes through.
	if r, err := llm.Journaled(p, &memJournal{fail: errors.New("disk full")}).Generate(t.Context(), &llm.Request{}, nil); err != nil || r.Text() != "fine" {
		t.Error(err)
	}
}

func TestHashTellsRequestsApart(t *testing.T) {
	base := func() *llm.Request {
		return &llm.Request{Model: "m", System: "s", Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{llm.Text("ab"), llm.Text("c")}}},
			Tools: []llm.Tool{{Name: "t", Description: "d", Parameters: json.RawMessage(`{}`)}}, Schema: &llm.Schema{Name: "n", JSON: json.RawMessage(`{}`)},
			MaxOutput: 5, Temperature: new(0.5), Effort: "low"}
	}
	seen := map[string]int{llm.Hash(base()): -1}
	for i, change := range []func(*llm.Request){
		func(r *llm.Request) { r.Model = "" },
		func(r *llm.Request) { r.System = "sx" },
		func(r *llm.Request) { r.Model, r.System = "ms", "" },
		func(r *llm.Request) { r.Messages[0].Role = llm.RoleAssistant },
		func(r *llm.Request) { r.Messages[0].Parts[0].Text, r.Messages[0].Parts[1].Text = "a", "bc" },
		func(r *llm.Request) { r.Messages[0].Parts[0].Kind = llm.PartReasoning },
		func(r *llm.Request) { r.Messages[0].Parts[0].Opaque = json.RawMessage("1") },
		func(r *llm.Request) {
			r.Messages = append(r.Messages, llm.Message{Role: llm.RoleUser, Parts: []llm.Part{llm.Text("")}})
		},
		func(r *llm.Request) { r.Messages[0].Parts[1].Call = &llm.ToolCall{} },
		func(r *llm.Request) { r.Messages[0].Parts[1].Call = &llm.ToolCall{Arguments: json.RawMessage("{}")} },
		func(r *llm.Request) { r.Messages[0].Parts[1].Result = &llm.ToolResult{} },
		func(r *llm.Request) { r.Messages[0].Parts[1].Result = &llm.ToolResult{IsError: true} },
		func(r *llm.Request) { r.Tools[0].Description = "e" },
		func(r *llm.Request) { r.Tools = nil },
		func(r *llm.Request) { r.Schema = nil },
		func(r *llm.Request) { r.Schema.JSON = json.RawMessage(`{ }`) },
		func(r *llm.Request) { r.MaxOutput = 6 },
		func(r *llm.Request) { r.Temperature = nil },
		func(r *llm.Request) { r.Temperature = new(0.0) },
		func(r *llm.Request) { r.Effort = "" },
	} {
		r := base()
		change(r)
		if j, ok := seen[llm.Hash(r)]; ok {
			t.Errorf("change %d looks like %d", i, j)
		}
		seen[llm.Hash(r)] = i
	}
	same := base()
	same.Call = llm.Call{JobID: "other", Number: 9}
	same.Routing.NoRetry = true
	if llm.Hash(same) != llm.Hash(base()) {
		t.Error("whom a request is for changes its hash")
	}
}

// broken is a ledger that takes nothing while it is down.
type broken struct {
	*llm.Memory
	mu   sync.Mutex
	down bool
}

func (b *broken) set(down bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.down = down
}

func (b *broken) Record(ctx context.Context, e llm.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return errors.New("the store is away")
	}
	for _, have := range b.Entries() {
		if have.ID == e.ID {
			return nil
		}
	}
	return b.Memory.Record(ctx, e)
}

// What a call cost is booked when the ledger can be reached again: by the process that made the call, or from the journal by the
// one that runs its job again.
func TestCallsAreRecordedLater(t *testing.T) {
	router := func(books llm.Ledger) *llm.Router {
		p := provider("openai", says("yes"))
		return llm.NewRouter(llm.Options{Catalog: catalog(t), Providers: map[string]llm.Provider{"openai": p}, Ledger: books})
	}
	req := llm.Request{Messages: []llm.Message{{Role: llm.RoleUser, Parts: []llm.Part{llm.Text("hi")}}},
		Call: llm.Call{JobID: codeforge.NewID(), ProjectID: codeforge.NewID(), UserID: codeforge.NewID(), Agent: codeforge.Code, Number: 1}}
	for name, again := range map[string]bool{"the same process": false, "another process": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j, books := &memJournal{}, &broken{Memory: &llm.Memory{}}
				books.set(true)
				if _, err := llm.Journaled(router(books), j).Generate(t.Context(), &req, nil); err != nil {
					t.Fatal(err)
				}
				if again {
					books = &broken{Memory: &llm.Memory{}} // the first process and what it owed are gone
					for range 2 {
						if resp, err := llm.Journaled(router(books), j).Generate(t.Context(), &req, nil); err != nil || !resp.Replayed {
							t.Fatal(resp, err)
						}
					}
				} else {
					time.Sleep(11 * time.Second)
					if n := len(books.Entries()); n != 0 {
						t.Fatalf("%d entries in a ledger that is away", n)
					}
					books.set(false)
					time.Sleep(11 * time.Second)
				}
				if all := books.Entries(); len(all) != 1 || all[0].Call != req.Call || all[0].Cost.MicroUSD == 0 {
					t.Errorf("booked %+v", all)
				}
			})
		})
	}
}
