package telemetry_test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/telemetry"
)

// sink is a ResponseWriter that keeps nothing.
type sink struct{ header http.Header }

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(int)             {}
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

func quiet(tb testing.TB) *telemetry.Telemetry {
	t, err := telemetry.New(tb.Context(), func(string) string { return "" }, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	return t
}

// BenchmarkHealth is the cheapest request, bare and counted.
func BenchmarkHealth(b *testing.B) {
	for _, counted := range []bool{false, true} {
		name := map[bool]string{false: "bare", true: "counted"}[counted]
		b.Run(name, func(b *testing.B) {
			o := api.Options{Standalone: true, Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), Auth: func(*http.Request) (codeforge.User, error) { return codeforge.LocalUser(), nil }}
			if counted {
				t := quiet(b)
				o.Begin, o.Answered = t.Begin, t.Answered
			}
			h := api.NewProbes(o)
			r := httptest.NewRequest("GET", "http://localhost/health", nil)
			w := &sink{header: http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				clear(w.header)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkCounting is what counting a request costs alone.
func BenchmarkCounting(b *testing.B) {
	t := quiet(b)
	r := httptest.NewRequest("GET", "http://localhost/v1/projects/x", nil)
	a := api.Answer{Route: "/v1/projects/{project_id}", Method: "GET", Status: 200, Took: time.Millisecond}
	b.ReportAllocs()
	for b.Loop() {
		t.Answered(t.Begin(r), a)
	}
}

// BenchmarkSpanOff is what a span costs that nobody traces, as deep in contexts as in a request.
func BenchmarkSpanOff(b *testing.B) {
	ctx := b.Context()
	for range 5 {
		ctx = context.WithValue(ctx, new(int), 1)
	}
	b.ReportAllocs()
	for b.Loop() {
		ctx, span := codeforge.StartSpan(ctx, codeforge.WorkStore, "get_project")
		span.Set("a", "b")
		span.End(nil)
		_ = ctx
	}
}

// TestNothingIsAllocated: counting a request, and telling of work that nobody traces, allocate nothing.
func TestNothingIsAllocated(t *testing.T) {
	tel := quiet(t)
	r := httptest.NewRequest("GET", "http://localhost/v1/projects/x", nil)
	a := api.Answer{Route: "/v1/projects/{project_id}", Method: "GET", Status: 200, Took: time.Millisecond}
	tel.Answered(tel.Begin(r), a)
	ctx := t.Context()
	for what, do := range map[string]func(){
		"a request": func() { tel.Answered(tel.Begin(r), a) },
		"a span": func() {
			_, span := codeforge.StartSpan(ctx, codeforge.WorkStore, "get_project")
			span.SetInt("n", 1000)
			span.End(nil)
		},
	} {
		if n := testing.AllocsPerRun(100, do); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
}
