package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"codeforge"
)

// TestSites: who serves a path says what its headers are; the request's id, log line and recovery are everybody's.
func TestSites(t *testing.T) {
	var log strings.Builder
	below := func(path string) func(*http.Request) bool {
		return func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, path) }
	}
	h := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil)), Sites: []Site{
		{"console", below("/console/"), http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Security-Policy", "default-src 'self'")
			_, _ = io.WriteString(w, "hello")
		})},
		{"broken", below("/broken/"), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret") })},
	}})
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
		return w
	}
	w := get("/console/")
	if w.Code != 200 || w.Body.String() != "hello" || w.Header().Get("Content-Security-Policy") != "default-src 'self'" || w.Header().Get("X-Frame-Options") != "" ||
		w.Header().Get("X-Request-Id") == "" || !strings.Contains(log.String(), "route=console") {
		t.Errorf("%d %v %s\n%s", w.Code, w.Header(), w.Body, log.String())
	}
	if w := get("/broken/"); w.Code != 500 || strings.Contains(w.Body.String(), "secret") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := get("/health"); w.Code != 200 || w.Header().Get("Content-Security-Policy") != apiPolicy[0] {
		t.Errorf("%d %v", w.Code, w.Header())
	}
}

// TestBodyRules: what an operation takes as its body is its own affair.
func TestBodyRules(t *testing.T) {
	type raw struct {
		RawBody []byte `contentType:"application/zip"`
	}
	type size struct{ Body struct{ Size int } }
	docs["test_upload"] = doc{tag: "system", public: true, body: bodyRules{media: []string{"application/zip"}, most: 10}}
	defer delete(docs, "test_upload")
	s := newServer(Options{MaxBody: 1000, Auth: func(*http.Request) (codeforge.User, error) { return codeforge.LocalUser(), nil }})
	add(s, "POST /v1/upload", "test_upload", func(_ context.Context, in *raw) (*size, error) {
		out := &size{}
		out.Body.Size = len(in.RawBody)
		return out, nil
	})
	for _, c := range []struct {
		media, body string
		want        int
	}{{"application/zip", "PK\x03\x04", 200}, {"application/zip", "PK\x03\x04 is too long", 413}, {"application/json", "{}", 415}, {"", "PK", 415}} {
		r := httptest.NewRequest("POST", "/v1/upload", strings.NewReader(c.body))
		if c.media != "" {
			r.Header.Set("Content-Type", c.media)
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != c.want || c.want == 200 && !strings.Contains(w.Body.String(), "4") {
			t.Errorf("%q, %q: %d %s", c.media, c.body, w.Code, w.Body)
		}
	}
}
