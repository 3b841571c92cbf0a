package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/auth"
	"codeforge/internal/events"
	"codeforge/internal/llm"
)

// stub answers at once, so that what is measured is the edge alone. The methods that it lacks panic.
type stub struct {
	api.Store
	api.Jobs
	project codeforge.Project
	job     codeforge.Job
	files   []codeforge.File
}

func (s *stub) GetProject(context.Context, codeforge.User, string) (codeforge.Project, error) {
	return s.project, nil
}
func (s *stub) GetJob(context.Context, codeforge.User, string) (codeforge.Job, error) {
	return s.job, nil
}
func (s *stub) ListFiles(_ context.Context, _ codeforge.User, _ string, _ bool, unless int64) ([]codeforge.File, int64, error) {
	if unless == 1 {
		return nil, 1, nil
	}
	return s.files, 1, nil
}
func (s *stub) WriteFile(_ context.Context, _ codeforge.User, _ string, w codeforge.FileWrite) (codeforge.File, error) {
	f := s.files[0]
	f.Content = w.Content
	return f, nil
}
func (s *stub) Submit(context.Context, codeforge.User, codeforge.NewJob) (codeforge.Job, bool, error) {
	return s.job, true, nil
}

// sink is a ResponseWriter that keeps nothing.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) WriteHeader(status int)      { s.status = status }
func (s *sink) Write(b []byte) (int, error) { return len(b), nil }

func BenchmarkEdge(b *testing.B) {
	now := codeforge.Now()
	id := codeforge.NewID()
	s := &stub{
		project: codeforge.Project{ID: id, UserID: alice, Title: "Dog walkers", Mode: "builder", Status: "planning", CreatedAt: now, UpdatedAt: now},
		job: codeforge.Job{ID: codeforge.NewID(), ProjectID: id, UserID: alice, Agent: "noop", Status: "completed", Progress: 100,
			Input: json.RawMessage(`{"user_message":"hi"}`), Result: json.RawMessage(`{"ok":true}`), CreatedAt: now, UpdatedAt: now, StartedAt: &now, CompletedAt: &now},
	}
	for i := range 1000 {
		s.files = append(s.files, codeforge.File{ID: codeforge.NewID(), ProjectID: id, Path: fmt.Sprintf("src/components/part%04d.tsx", i), Language: "tsx", Version: 1, Size: 10_000, Revision: 1, CreatedAt: now, UpdatedAt: now})
	}
	h := api.New(api.Options{Store: s, Jobs: s, Hub: events.NewHub(), Auth: func(*http.Request) (codeforge.User, error) { return codeforge.LocalUser(), nil },
		Log: slog.New(slog.NewJSONHandler(io.Discard, nil)), RateLimit: 1e9, Bench: true, Standalone: true, StreamKeys: auth.NewKeyring(bytes.Repeat([]byte("s"), 32)),
		Models: always(router(b, paid{name: llm.OpenAI})), Ledger: &history{}})
	content, _ := json.Marshal(strings.Repeat("const answer = \"42\"; // and more\n", 300))
	for _, c := range []struct{ name, method, target, body string }{
		{"health", "GET", "/health", ""},
		{"trigger", "POST", "/v1/run-agent", `{"project_id":"` + id + `","agent_type":"noop","input_context":{"user_message":"` + strings.Repeat("words and ", 95) + `","n":[1,2,3]}}`},
		{"triggerEstimated", "POST", "/v1/run-agent", `{"project_id":"` + id + `","agent_type":"code","input_context":{"user_message":"` + strings.Repeat("words and ", 95) + `","n":[1,2,3]}}`},
		{"poll", "GET", "/v1/jobs/" + s.job.ID, ""},
		{"project", "GET", "/v1/projects/" + id, ""},
		{"put10KB", "POST", "/v1/projects/" + id + "/files", `{"path":"src/a.ts","content":` + string(content) + `}`},
		{"list1000", "GET", "/v1/projects/" + id + "/files?content=false", ""},
		{"invalid", "POST", "/v1/run-agent", `{"project_id":"x","agent_type":"y"}`},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			req := httptest.NewRequest(c.method, "http://localhost"+c.target, nil)
			if c.body != "" {
				req.Header.Set("Content-Type", "application/json")
				req.ContentLength = int64(len(c.body))
			}
			body := strings.NewReader(c.body)
			w := &sink{header: http.Header{}}
			for b.Loop() {
				if c.body != "" {
					body.Reset(c.body)
					req.Body = io.NopCloser(body)
				}
				clear(w.header)
				h.ServeHTTP(w, req)
			}
			if w.status != 200 && c.name != "invalid" {
				b.Fatal(w.status)
			}
		})
	}
}
