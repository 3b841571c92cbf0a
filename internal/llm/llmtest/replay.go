// Package llmtest is the suite that every adapter of a model provider must pass: exchanges in a common format are served
// over real HTTP, whole, in pieces or cut, and what the adapter makes of them is compared with what it should.
package llmtest

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"

	"codeforge"
)

// Exchange is one request to a provider, its answer, and what is to be made of it.
type Exchange struct {
	Name    string `json:"-"`
	Request struct {
		Path string          `json:"path"`
		Body json.RawMessage `json:"body"`
	} `json:"request"`
	Response struct {
		Status  int               `json:"status"`
		Headers map[string]string `json:"headers"`
		Body    string            `json:"body"`
	} `json:"response"`
	Expect Expect `json:"expect"`
}

// Expect is what is to be made of an exchange. What is absent is not checked; a null says that there is none.
type Expect struct {
	API             string           `json:"api"` // openai-responses, openai-chat, anthropic-messages, gemini-generate
	Stream          bool             `json:"stream"`
	Text            *string          `json:"text"`
	ReasoningText   *string          `json:"reasoning_text"`
	Refusal         *string          `json:"refusal"`
	ToolCalls       *[]Call          `json:"tool_calls"`
	PartialToolCall *PartialCall     `json:"partial_tool_call"`
	JSON            json.RawMessage  `json:"json"`
	ServedModel     string           `json:"served_model"`
	FinishReason    json.RawMessage  `json:"finish_reason"`
	FinishDetail    string           `json:"finish_detail"`
	BlockReason     string           `json:"block_reason"`
	FinishKind      json.RawMessage  `json:"finish_kind"`
	Usage           *codeforge.Usage `json:"usage"`
	UsageMissing    bool             `json:"usage_missing"`
	UsagePartial    bool             `json:"usage_partial"`
	ErrorKind       string           `json:"error_kind"`
	ProviderError   map[string]any   `json:"provider_error"`
	StreamError     map[string]any   `json:"stream_error"`
	Retryable       *bool            `json:"retryable"`
	RetryAfterMS    json.RawMessage  `json:"retry_after_ms"`
	Fallback        *bool            `json:"fallback"`
	Where           string           `json:"where"`
	MustKeep        string           `json:"must_keep"`
}

// Call is a tool call. An id of "" says that the provider gave none, so that any may stand there.
type Call struct {
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// PartialCall is a tool call that broke off.
type PartialCall struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Text string `json:"arguments_text"`
}

// Load reads the exchanges under dir, none if it is not there.
func Load(t testing.TB, dir string) []*Exchange {
	t.Helper()
	var all []*Exchange
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		x := new(Exchange)
		if err := json.Unmarshal(b, x); err != nil {
			return errors.Join(errors.New(path), err)
		}
		rel, _ := filepath.Rel(dir, path)
		x.Name = strings.TrimSuffix(filepath.ToSlash(rel), ".json")
		all = append(all, x)
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// Delivery is how a body is sent.
type Delivery struct {
	Piece int  // bytes at a time; 0: event by event, or whole
	Drop  bool // break the body off
	Cut   int  // after so many bytes
	Clean bool // by ending it as if it were whole, not by dropping the connection
}

// Sent is a request that the server got.
type Sent struct {
	Path   string
	Header http.Header
	Body   []byte
}

// Server replays one exchange to every request.
type Server struct {
	URL string
	x   *Exchange
	how Delivery

	mu   sync.Mutex
	sent []Sent
}

var boundary = regexp.MustCompile(`\n\n|\r\n\r\n|\n,\r?\n`)

// Events cuts a streamed body after each of its events.
func Events(body string) []string {
	var out []string
	at := 0
	for _, m := range boundary.FindAllStringIndex(body, -1) {
		out = append(out, body[at:m[1]])
		at = m[1]
	}
	if at < len(body) {
		out = append(out, body[at:])
	}
	return out
}

// Serve starts a server for x that stops with the test.
func Serve(t testing.TB, x *Exchange, how Delivery) *Server {
	s := &Server{x: x, how: how}
	srv := httptest.NewUnstartedServer(s)
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.Start()
	t.Cleanup(srv.Close)
	s.URL = srv.URL
	return s
}

// Deliver changes how the next requests are answered.
func (s *Server) Deliver(how Delivery) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.how = how
}

// Sent returns the requests so far.
func (s *Server) Sent() []Sent {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sent
}

func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	s.sent = append(s.sent, Sent{r.URL.RequestURI(), r.Header.Clone(), body})
	how := s.how
	s.mu.Unlock()
	for k, v := range s.x.Response.Headers {
		w.Header().Set(k, v)
	}
	text := s.x.Response.Body
	pieces := []string{text}
	switch {
	case how.Drop && (s.x.Expect.Stream || how.Clean):
	case how.Piece > 0:
		pieces = pieces[:0]
		for len(text) > 0 {
			n := min(how.Piece, len(text))
			pieces = append(pieces, text[:n])
			text = text[n:]
		}
	case s.x.Expect.Stream:
		pieces = Events(text)
	default:
		w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	}
	w.WriteHeader(s.x.Response.Status)
	flush := http.NewResponseController(w)
	_ = flush.Flush()
	if how.Drop {
		_, _ = io.WriteString(w, text[:how.Cut])
		_ = flush.Flush()
		if how.Clean {
			return
		}
		panic(http.ErrAbortHandler)
	}
	for _, p := range pieces {
		_, _ = io.WriteString(w, p)
		_ = flush.Flush()
	}
}
