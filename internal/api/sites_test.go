package api

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"

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
	if w := get("/openapi.json"); w.Code != 200 || w.Header().Get("Content-Type") != "application/json" || !strings.Contains(log.String(), "route=docs") {
		t.Errorf("%d %v\n%s", w.Code, w.Header(), log.String())
	}
	w = httptest.NewRecorder()
	if h.ServeHTTP(w, httptest.NewRequest("POST", "/openapi.json", nil)); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("%d %v", w.Code, w.Header())
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
	docs["test_upload"] = doc{tag: "system", public: true, body: bodyRules{media: []string{"application/zip"}, most: func(*Options) int64 { return 10 }}}
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

type streamedInput struct{ body io.Reader }

func (in *streamedInput) Resolve(c huma.Context) []error {
	in.body = c.BodyReader()
	return nil
}

// TestStreamedBody: an operation may read its body as it comes, within its bounds.
func TestStreamedBody(t *testing.T) {
	type size struct{ Body struct{ Size int } }
	docs["test_stream"] = doc{tag: "system", public: true, body: bodyRules{media: []string{"application/zip"}, most: func(*Options) int64 { return 10 }, streamed: true}}
	defer delete(docs, "test_stream")
	s := newServer(Options{MaxBody: 5, Auth: func(*http.Request) (codeforge.User, error) { return codeforge.LocalUser(), nil }})
	started := make(chan struct{})
	add(s, "POST /v1/upload", "test_stream", func(_ context.Context, in *streamedInput) (*size, error) {
		close(started)
		data, err := io.ReadAll(in.body)
		out := &size{}
		out.Body.Size = len(data)
		return out, err
	})
	post := func(media string, body io.Reader) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/v1/upload", body)
		r.Header.Set("Content-Type", media)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}
	// What arrives later is sent only when the operation runs: had the body been read before, this would wait for ever.
	from, to := io.Pipe()
	go func() {
		<-started
		_, _ = to.Write([]byte("PK\x03\x04 more"))
		_ = to.Close()
	}()
	if w := post("application/zip", from); w.Code != 200 || !strings.Contains(w.Body.String(), `"Size":9`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w := post("application/json", strings.NewReader("{}")); w.Code != 415 {
		t.Errorf("another medium: %d %s", w.Code, w.Body)
	}
	if w := post("application/zip", strings.NewReader("a length that is too much")); w.Code != 413 {
		t.Errorf("a length that is too much: %d %s", w.Code, w.Body)
	}
	started = make(chan struct{})
	if w := post("application/zip", io.MultiReader(strings.NewReader("no length, and too much"))); w.Code != 413 {
		t.Errorf("no length: %d %s", w.Code, w.Body)
	}
}
