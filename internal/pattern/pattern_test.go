package pattern_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/llm/openai"
	"codeforge/internal/pattern"
)

// store has reviewed architectures, and keeps what is put.
type store struct {
	mu       sync.Mutex
	reviewed []codeforge.ReviewedArchitecture
	put      []codeforge.Pattern
	near     []codeforge.Pattern
	asked    []codeforge.PatternQuery
	pages    int
	err      error
}

func (s *store) ReviewedArchitectures(_ context.Context, model string, since time.Time, after string, limit int) (page []codeforge.ReviewedArchitecture, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pages++
	for _, r := range s.reviewed {
		done := slices.ContainsFunc(s.put, func(p codeforge.Pattern) bool {
			return p.ProjectID == r.Project.ID && p.Model == model && !p.CreatedAt.Before(r.CompletedAt)
		})
		if c := r.CompletedAt.Compare(since); !done && (c > 0 || c == 0 && r.JobID > after) && len(page) < limit {
			page = append(page, r)
		}
	}
	return page, s.err
}

func (s *store) PutPattern(_ context.Context, p codeforge.Pattern) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.put = append(s.put, p)
	return nil
}

func (s *store) NearPatterns(_ context.Context, q codeforge.PatternQuery) ([]codeforge.Pattern, error) {
	s.asked = append(s.asked, q)
	return slices.Clone(s.near), s.err
}

// add has a job end now, and returns its id.
func (s *store) add(title string, evidence codeforge.Evidence) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	r := codeforge.ReviewedArchitecture{JobID: codeforge.NewID(), Evidence: evidence, Score: 90, CompletedAt: codeforge.Now(),
		Project: codeforge.Project{ID: codeforge.NewID(), UserID: codeforge.NewID(), Title: title, Architecture: json.RawMessage(`{"site_map":[{"path":"/","components":[{"name":"Hero"}]}]}`)}}
	s.reviewed = append(s.reviewed, r)
	return r.JobID
}

// fail has the store answer with an error, or no more.
func (s *store) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// looks is how often it was asked for jobs.
func (s *store) looks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pages
}

func (s *store) jobs() (ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.put {
		ids = append(ids, p.JobID)
	}
	return ids
}

// embedder fails for texts that say so.
type embedder struct {
	pattern.Local
	tries int
	calls []llm.Call
}

func (e *embedder) Embed(ctx context.Context, call llm.Call, text string) ([]float32, error) {
	e.calls = append(e.calls, call)
	if strings.Contains(text, "FAILS") {
		e.tries++
		return nil, errors.New("no vector")
	}
	return e.Local.Embed(ctx, call, text)
}

func evidence(statuses ...codeforge.RungStatus) (all codeforge.Evidence) {
	names := []codeforge.RungName{codeforge.RungParse, codeforge.RungResolve, codeforge.RungTypes, codeforge.RungBundle, codeforge.RungRun}
	for i, s := range statuses {
		all = append(all, codeforge.Rung{Name: names[i], Status: s})
	}
	return all
}

const (
	passed = codeforge.RungPassed
	failed = codeforge.RungFailed
	unseen = codeforge.RungNotChecked
)

// What passed with all evidence is stored, once; what failed to get a vector is tried again, some times, and holds up nobody.
func TestSweep(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, e := &store{}, &embedder{}
		var log bytes.Buffer
		l := pattern.New(pattern.Options{Store: s, Embedder: func() pattern.Embedder { return e }, Log: slog.New(slog.NewTextHandler(&log, nil))})
		var want []string
		for i := range 45 { // some pages
			want = append(want, s.add(fmt.Sprint("App ", i), evidence(passed, passed, unseen, passed, unseen)))
		}
		s.add("Broken when it runs", evidence(passed, passed, passed, passed, failed))
		s.add("Not bundled", evidence(passed, passed, passed, unseen))
		s.add("Nobody looked", nil)
		s.add("FAILS", evidence(passed, passed, passed, passed, passed))
		want = append(want, s.add("The last", evidence(passed, passed, passed, passed, passed)))
		for round := range 8 {
			stored, err := l.Sweep(t.Context())
			if err != nil || round == 0 && stored != len(want) || round > 0 && stored != 0 {
				t.Fatalf("round %d stored %d: %v", round, stored, err)
			}
		}
		if got := s.jobs(); !slices.Equal(got, want) {
			t.Fatalf("stored %v, want %v", got, want)
		}
		if e.tries != 5 || !strings.Contains(log.String(), "no vector") {
			t.Errorf("%d tries; %s", e.tries, log.String())
		}
		p := s.put[0]
		if p.Model != pattern.LocalModel || p.Score != 0.9 || p.Shape.Components != 1 || !strings.Contains(p.Outline, "App 0") || e.calls[0].UserID != s.reviewed[0].Project.UserID || e.calls[0].JobID != want[0] {
			t.Errorf("%+v, called as %+v", p, e.calls[0])
		}

		time.Sleep(codeforge.ReviewedWithin + time.Hour)
		s.reviewed = nil
		late := s.add("Later", evidence(passed, passed, passed, passed, passed))
		l.Start(t.Context())
		defer l.Close()
		synctest.Wait()
		if got := s.jobs(); got[len(got)-1] != late {
			t.Error("nobody looks at the start")
		}
		woken := s.add("Woken", evidence(passed, passed, passed, passed, passed))
		pages := s.looks()
		for range 100 {
			l.Wake()
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := s.jobs(); got[len(got)-1] != woken || s.looks() > pages+2 {
			t.Errorf("%d looks", s.looks()-pages)
		}
		s.fail(errors.New("away"))
		silent := s.add("While the store is away", evidence(passed, passed, passed, passed, passed))
		time.Sleep(2 * time.Minute)
		s.fail(nil)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if got := s.jobs(); got[len(got)-1] != silent {
			t.Error("what nobody told of is not found")
		}
	})
}

// A job gets what is near to what it is about, and begins without where that cannot be had.
func TestNear(t *testing.T) {
	s, e := &store{}, &embedder{}
	var log bytes.Buffer
	l := pattern.New(pattern.Options{Store: s, Embedder: func() pattern.Embedder { return e }, Log: slog.New(slog.NewTextHandler(&log, nil))})
	s.near = []codeforge.Pattern{
		{Outline: "mine", Shape: codeforge.PatternShape{Kind: "crm", Pages: []string{"home"}}},
		{Legacy: json.RawMessage(`{"type":"shop","metadata":{"site_map":[{"path":"/cart","name":"Ann's"}]}}`)},
		{Legacy: json.RawMessage(`{"type":"Ann's","metadata":null}`)}, // of which nothing can be told
	}
	task := &codeforge.Task{Job: codeforge.Job{ID: "job", UserID: "user", ProjectID: "project", Agent: codeforge.Research}, Project: codeforge.Project{Title: "Dogs"}}
	got := l.Near(t.Context(), task, "A CRM")
	if len(got) != 2 || got[0].Outline != "mine" || got[1].Shape.Kind != "shop" || got[1].Legacy != nil || strings.Contains(fmt.Sprint(got), "Ann") {
		t.Errorf("%+v", got)
	}
	if q := s.asked[0]; q.UserID != "user" || q.ProjectID != "project" || q.Model != pattern.LocalModel || q.Limit != 3 || len(q.Vector) != codeforge.VectorSize {
		t.Errorf("%+v", q)
	}
	if c := e.calls[0]; c.JobID != "job" || c.UserID != "user" || c.Agent != codeforge.Research {
		t.Errorf("%+v", c)
	}
	s.err = errors.New("away")
	for _, wish := range []string{"FAILS", "A CRM"} {
		if got := l.Near(t.Context(), task, wish); got != nil {
			t.Errorf("%+v", got)
		}
	}
	if n := strings.Count(log.String(), "begins without patterns"); n != 2 {
		t.Errorf("told %d times: %s", n, log.String())
	}
}

// books is a ledger that keeps what it is told.
type books struct {
	mu      sync.Mutex
	held    []llm.Reservation
	entries []llm.Entry
	full    bool
}

func (b *books) Reserve(_ context.Context, r llm.Reservation) (string, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.full {
		return "", &llm.BudgetError{Scope: llm.BudgetUserDay, Limit: 1, Spent: 1, Needs: r.Worst}
	}
	b.held = append(b.held, r)
	return codeforge.NewID(), nil
}

func (b *books) Record(_ context.Context, e llm.Entry) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.entries = append(b.entries, e)
	return nil
}

// A provider's vectors are fitted, reserved, booked, and asked for again where that helps; what cannot be used is told in words.
func TestRouted(t *testing.T) {
	catalog, err := llm.Load("")
	if err != nil {
		t.Fatal(err)
	}
	numbers := func(n int) string { return strings.TrimSuffix(strings.Repeat("2,", n), ",") }
	for name, c := range map[string]struct {
		answers []string // one call after the other; "429": it is busy
		wrong   string
		size    int
	}{
		"short ones are filled up": {answers: []string{numbers(768)}, size: 768},
		"after a wait":             {answers: []string{"429", numbers(1536)}, size: 1536},
		"too long":                 {answers: []string{numbers(3072)}, wrong: "3072 numbers"},
		"without direction":        {answers: []string{"0,0,0"}, wrong: "without direction"},
		"two vectors":              {answers: []string{"1]},{\"embedding\":[2"}, wrong: "2 vectors to one text"},
	} {
		calls := 0
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			answer := c.answers[min(calls, len(c.answers)-1)]
			calls++
			if answer == "429" {
				w.Header().Set("Retry-After", "0")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			}
			fmt.Fprintf(w, `{"data":[{"embedding":[%s]}],"model":"text-embedding-3-small","usage":{"prompt_tokens":1000000}}`, answer)
		}))
		ledger := &books{}
		provider := openai.NewEmbedder(openai.Options{BaseURL: srv.URL, Key: "sk-key-of-the-server"}, codeforge.VectorSize)
		e := &pattern.Routed{Name: "openai:text-embedding-3-small", Router: llm.NewRouter(llm.Options{Catalog: catalog, Ledger: ledger, Providers: map[string]llm.Provider{"openai": provider}})}
		v, err := e.Embed(t.Context(), llm.Call{UserID: "u", ProjectID: "p", JobID: "j"}, strings.Repeat("a long text ", 2_000))
		if c.wrong != "" {
			if err == nil || !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("%s: %v", name, err)
			}
		} else if err != nil || len(v) != codeforge.VectorSize || v[c.size-1] == 0 || c.size < len(v) && v[c.size] != 0 {
			t.Errorf("%s: %v, %d numbers", name, err, len(v))
		}
		last := ledger.entries[len(ledger.entries)-1]
		if len(ledger.entries) != calls || last.Cost.MicroUSD != 20_000 || last.Call.UserID != "u" || last.Call.JobID != "j" || last.Model != "text-embedding-3-small" || len(ledger.held) != calls || ledger.held[0].Worst < 20 || ledger.held[0].Worst > 200 {
			t.Errorf("%s: booked %+v, held %+v", name, ledger.entries, ledger.held)
		}
		ledger.full = true
		before := calls
		if _, err := e.Embed(t.Context(), llm.Call{UserID: "u"}, "x"); err == nil || calls != before {
			t.Errorf("%s: over the budget: %v", name, err)
		}
		srv.Close()
	}
}
