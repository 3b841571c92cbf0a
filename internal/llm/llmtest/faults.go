package llmtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// sample is the least that an API says: an answer of "Hi." whole and streamed, and an error.
type sample struct {
	whole  string
	stream []string
	fault  string // with the status as %d
}

var samples = map[string]sample{
	"openai-chat": {
		`{"model":"m","choices":[{"index":0,"message":{"role":"assistant","content":"Hi."},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}`,
		[]string{
			`data: {"model":"m","choices":[{"index":0,"delta":{"content":"Hi"}}]}`,
			`data: {"model":"m","choices":[{"index":0,"delta":{"content":"."},"finish_reason":"stop"}],"usage":{"prompt_tokens":3,"completion_tokens":2}}`,
			`data: [DONE]`,
		},
		`{"error":{"message":"so says the provider (%d)","type":"some_error","code":null}}`,
	},
	"openai-responses": {
		`{"object":"response","status":"completed","model":"m","output":[{"type":"message","role":"assistant","content":[{"type":"output_text","text":"Hi."}]}],"usage":{"input_tokens":3,"output_tokens":2}}`,
		[]string{
			`data: {"type":"response.output_item.added","output_index":0,"item":{"type":"message"}}`,
			`data: {"type":"response.output_text.delta","output_index":0,"delta":"Hi."}`,
			`data: {"type":"response.completed","response":{"object":"response","status":"completed","model":"m","output":[],"usage":{"input_tokens":3,"output_tokens":2}}}`,
		},
		`{"error":{"message":"so says the provider (%d)","type":"some_error","code":null}}`,
	},
	"anthropic-messages": {
		`{"type":"message","model":"m","content":[{"type":"text","text":"Hi."}],"stop_reason":"end_turn","usage":{"input_tokens":3,"output_tokens":2}}`,
		[]string{
			`data: {"type":"message_start","message":{"model":"m","usage":{"input_tokens":3,"output_tokens":1}}}`,
			`data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":"Hi."}}`,
			`data: {"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":2}}`,
			`data: {"type":"message_stop"}`,
		},
		`{"type":"error","error":{"type":"some_error","message":"so says the provider (%d)"}}`,
	},
	"gemini-generate": {
		`{"candidates":[{"content":{"parts":[{"text":"Hi."}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2},"modelVersion":"m"}`,
		[]string{
			`data: {"candidates":[{"content":{"parts":[{"text":"Hi"}]}}],"modelVersion":"m"}`,
			`data: {"candidates":[{"content":{"parts":[{"text":"."}]},"finishReason":"STOP"}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":2},"modelVersion":"m"}`,
		},
		`{"error":{"code":%d,"message":"so says the provider","status":"SOME_ERROR"}}`,
	},
}

// statuses is what each status means by itself.
var statuses = []struct {
	status          int
	kind            llm.ErrorKind
	retry, fallback bool
}{
	{307, llm.InvalidRequest, false, true},
	{400, llm.InvalidRequest, false, false},
	{401, llm.Auth, false, true},
	{402, llm.QuotaExhausted, false, true},
	{403, llm.Permission, false, true},
	{404, llm.ModelNotFound, false, true},
	{408, llm.Timeout, true, true},
	{409, llm.ServerError, true, true},
	{410, llm.ModelNotFound, false, true},
	{413, llm.RequestTooLarge, false, false},
	{422, llm.InvalidRequest, false, false},
	{429, llm.RateLimit, true, true},
	{500, llm.ServerError, true, true},
	{502, llm.ServerError, true, true},
	{503, llm.Overloaded, true, true},
	{504, llm.Timeout, true, true},
	{524, llm.Timeout, true, true},
	{529, llm.Overloaded, true, true},
}

// Faults goes through what can go wrong between an adapter and its provider.
func Faults(t *testing.T, api string, adapter Adapter) {
	f := &faults{adapter: adapter, base: paths[api].base, sample: samples[api], hi: &llm.Request{Model: "m", Messages: []llm.Message{llm.UserText("hi")}}}
	f.stream = strings.Join(f.sample.stream, "\n\n") + "\n\n"
	f.statuses(t)
	f.bodies(t)
	f.connections(t)
	f.keys(t)
	f.forms(t)
	silence(t, adapter, f.hi, f.sample.stream)
}

// faults is one adapter before servers that misbehave.
type faults struct {
	adapter Adapter
	base    string
	sample  sample
	hi      *llm.Request
	stream  string // the sample's, whole
}

func (f *faults) serve(t *testing.T, h http.HandlerFunc) llm.Provider {
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return f.adapter(wire.Options{BaseURL: srv.URL + f.base, Key: key, MaxBytes: 1 << 20})
}

func (f *faults) statuses(t *testing.T) {
	for _, c := range statuses {
		for shape, body := range map[string]string{"JSON": fmt.Sprintf(f.sample.fault, c.status), "a page": "<html><title>Oh</title></html>", "nothing": "", "half": `{"error":{"mess`} {
			t.Run(fmt.Sprintf("%d with %s", c.status, shape), func(t *testing.T) {
				p := f.serve(t, func(w http.ResponseWriter, r *http.Request) {
					w.Header().Set("Retry-After", "3")
					w.Header().Set("Location", "http://127.0.0.1:1/elsewhere")
					w.WriteHeader(c.status)
					_, _ = io.WriteString(w, body)
				})
				for _, streamed := range []bool{false, true} {
					e := runExchange(t, p, f.hi, streamed).err
					if e == nil {
						t.Fatal("an answer")
					}
					if e.Kind != c.kind || e.Status != c.status || e.Retryable != c.retry || e.Fallback != c.fallback || e.RetryAfter != 3*time.Second || e.Where != llm.BeforeFirstToken {
						t.Errorf("%+v", e)
					}
					if e.Message == "" || strings.Contains(e.Message, "<") {
						t.Errorf("message %q", e.Message)
					}
				}
			})
		}
	}
}

func (f *faults) bodies(t *testing.T) {
	for name, c := range map[string]struct {
		body, media string
		kind        llm.ErrorKind
	}{
		"malformed JSON":       {`{"candidates": [`, "application/json", llm.MalformedResponse},
		"other JSON":           {`{"this": {"is": "not it"}}`, "application/json", llm.MalformedResponse},
		"no JSON":              {"hello", "text/plain", llm.MalformedResponse},
		"a page":               {"<html></html>", "text/html", llm.MalformedResponse},
		"a page by other name": {"<html></html>", "text/event-stream", llm.MalformedResponse},
		"too much":             {`{"x":"` + strings.Repeat("x", 2<<20), "application/json", llm.MalformedResponse},
	} {
		t.Run(name, func(t *testing.T) {
			p := f.serve(t, func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Content-Type", c.media)
				_, _ = io.WriteString(w, c.body)
			})
			for _, streamed := range []bool{false, true} {
				e := runExchange(t, p, f.hi, streamed).err
				// Half an object at the end of a stream is a stream that broke.
				if e == nil || e.Kind != c.kind && !(streamed && e.Kind == llm.StreamInterrupted && name == "malformed JSON") {
					t.Errorf("streamed %v: %v", streamed, e)
				} else if !e.Retryable || !e.Fallback {
					t.Errorf("%+v", e)
				}
			}
		})
	}
	t.Run("malformed JSON in a stream", func(t *testing.T) {
		p := f.serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: {\"oops\n\n"+f.stream)
		})
		if e := runExchange(t, p, f.hi, true).err; e == nil || e.Kind != llm.MalformedResponse {
			t.Errorf("%v", e)
		}
	})
}

func (f *faults) connections(t *testing.T) {
	t.Run("nobody there", func(t *testing.T) {
		p := f.adapter(wire.Options{BaseURL: "http://127.0.0.1:1" + f.base, Key: key})
		if e := runExchange(t, p, f.hi, true).err; e == nil || e.Kind != llm.ServerError || e.Status != 0 || !e.Retryable || !e.Fallback || e.Where != llm.BeforeFirstToken {
			t.Errorf("%+v", e)
		}
	})
	t.Run("reset", func(t *testing.T) {
		for _, streamed := range []bool{false, true} {
			p := f.serve(t, func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				w.Header().Set("Content-Length", "100000")
				_, _ = io.WriteString(w, f.sample.stream[0]+"\n\n")
				_ = http.NewResponseController(w).Flush()
				conn, _, err := http.NewResponseController(w).Hijack()
				if err != nil {
					t.Error(err)
					return
				}
				_ = conn.(*net.TCPConn).SetLinger(0)
				_ = conn.Close()
			})
			if e := runExchange(t, p, f.hi, streamed).err; e == nil || e.Kind != llm.StreamInterrupted || !e.Retryable || !e.Fallback {
				t.Errorf("streamed %v: %+v", streamed, e)
			}
		}
	})
}

func (f *faults) keys(t *testing.T) {
	t.Run("a redirect does not carry the key away", func(t *testing.T) {
		var reached atomic.Bool
		other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Store(true) }))
		defer other.Close()
		p := f.serve(t, func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
		})
		if e := runExchange(t, p, f.hi, false).err; e == nil || e.Kind != llm.InvalidRequest || reached.Load() {
			t.Errorf("%v, reached %v", e, reached.Load())
		}
	})
	t.Run("the key is in a header only and in no error", func(t *testing.T) {
		p := f.serve(t, func(w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.URL.String(), key) {
				t.Error("the key is in the URL")
			}
			found := false
			for _, v := range r.Header {
				found = found || strings.Contains(v[0], key)
			}
			if !found {
				t.Error("the key was not sent")
			}
			w.WriteHeader(401)
			_, _ = fmt.Fprintf(w, `{"error":{"message":"no such key: %s, %s...%s","code":"x"}}`, key, key[:5], key[len(key)-4:])
		})
		if e := runExchange(t, p, f.hi, false).err; e == nil || strings.Contains(e.Message, key[:5]) || strings.Contains(e.Message, key[len(key)-4:]) {
			t.Errorf("%v", e)
		}
	})
	t.Run("connections are used again", func(t *testing.T) {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, f.stream)
		}))
		var opened atomic.Int32
		closed := make(chan struct{}, 100)
		srv.Config.ConnState = func(_ net.Conn, s http.ConnState) {
			switch s {
			case http.StateNew:
				opened.Add(1)
			case http.StateIdle:
				closed <- struct{}{}
			}
		}
		srv.Start()
		defer srv.Close()
		c := &http.Client{Transport: &http.Transport{}}
		p := f.adapter(wire.Options{BaseURL: srv.URL + f.base, Client: c})
		for range 5 {
			if o := runExchange(t, p, f.hi, true); o.err != nil {
				t.Fatal(o.err)
			}
			<-closed
		}
		if n := opened.Load(); n > 3 { // the client may notice a little after the server does
			t.Errorf("%d connections", n)
		}
	})
}

func (f *faults) forms(t *testing.T) {
	t.Run("an answer of the other form", func(t *testing.T) {
		for _, streamed := range []bool{false, true} {
			p := f.serve(t, func(w http.ResponseWriter, r *http.Request) {
				body, media := f.sample.whole, "application/json"
				if !streamed {
					body, media = f.stream, "text/event-stream"
				}
				w.Header().Set("Content-Type", media)
				_, _ = io.WriteString(w, body)
			})
			if o := runExchange(t, p, f.hi, streamed); o.err != nil || o.resp.Text() != "Hi." || o.resp.Usage.OutputTokens != 2 {
				t.Errorf("asked for a stream %v: %+v, %v", streamed, o.resp, o.err)
			}
		}
	})
	t.Run("watched or not is one answer", func(t *testing.T) {
		for _, force := range []*bool{nil, new(true), new(false)} {
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				if strings.Contains(string(b), `"stream":true`) || strings.Contains(r.URL.Path, "stream") {
					w.Header().Set("Content-Type", "text/event-stream")
					_, _ = io.WriteString(w, f.stream)
					return
				}
				_, _ = io.WriteString(w, f.sample.whole)
			}))
			p := f.adapter(wire.Options{BaseURL: srv.URL + f.base, Stream: force})
			for _, streamed := range []bool{false, true} {
				o := runExchange(t, p, f.hi, streamed)
				if o.err != nil || o.resp.Text() != "Hi." || o.resp.Finish != llm.FinishStop || o.resp.Usage.InputTokens != 3 || o.resp.Usage.OutputTokens != 2 {
					t.Errorf("%+v, %v", o.resp, o.err)
				}
				checkDeltas(t, o)
			}
			srv.Close()
		}
	})
}

// roundTrip is a network of one function.
type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// slowly is a provider that takes its time: before it answers, before each event, and at the end. Meanwhile it keeps the
// connection alive, if pulse is not empty.
func slowly(first, between, last time.Duration, events []string, pulse string) *http.Client {
	pause := func(ctx context.Context, d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return &http.Client{Transport: roundTrip(func(r *http.Request) (*http.Response, error) {
		if err := pause(r.Context(), first); err != nil {
			return nil, err
		}
		pr, pw := io.Pipe()
		go func() {
			for _, e := range slices.Concat(events, []string{""}) {
				d := between
				if e == "" {
					d = last
				}
				for pulse != "" && d > time.Second && r.Context().Err() == nil {
					_ = pause(r.Context(), time.Second)
					_, _ = io.WriteString(pw, pulse)
					d -= time.Second
				}
				if err := pause(r.Context(), d); err != nil {
					pw.CloseWithError(err)
					return
				}
				if e != "" {
					_, _ = io.WriteString(pw, e+"\n\n")
				}
			}
			pw.Close()
		}()
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"text/event-stream"}}, Body: pr}, nil
	})}
}

// silence checks, in virtual time, that silence ends a call and length does not.
func silence(t *testing.T, adapter Adapter, hi *llm.Request, events []string) {
	const idle = 10 * time.Second
	errStopped := errors.New("stopped by the user")
	for name, c := range map[string]struct {
		first, between, last time.Duration
		events               int
		pulse                string
		ctx                  func(context.Context) (context.Context, func())
		kind                 llm.ErrorKind // "": an answer
		where                string
		took                 time.Duration
	}{
		"long but lively":            {first: 29 * time.Second, between: 9 * time.Second, events: len(events), took: 29*time.Second + time.Duration(len(events))*9*time.Second},
		"never begins":               {first: time.Hour, events: 1, kind: llm.Timeout, where: llm.BeforeFirstToken, took: 3 * idle},
		"silent before a token":      {first: time.Second, between: time.Hour, events: 1, kind: llm.Timeout, where: llm.BeforeFirstToken, took: time.Second + 3*idle},
		"silent in the midst":        {first: time.Second, last: time.Hour, events: len(events) - 1, kind: llm.Timeout, where: llm.MidStream, took: time.Second + idle},
		"alive alone before a token": {first: time.Second, between: time.Hour, events: 1, pulse: ": processing\n\n", kind: llm.Timeout, where: llm.BeforeFirstToken, took: time.Second + 3*idle},
		"alive alone in the midst":   {first: time.Second, last: time.Hour, events: len(events) - 1, pulse: ":\r\n\r\n", kind: llm.Timeout, where: llm.MidStream, took: time.Second + idle},
		"alive by empty data":        {first: time.Second, last: time.Hour, events: len(events) - 1, pulse: "data: \n\n", kind: llm.Timeout, where: llm.MidStream, took: time.Second + idle},
		"deadline": {first: time.Second, between: time.Second * 8, events: 1, kind: llm.Timeout, where: llm.BeforeFirstToken, took: 5 * time.Second,
			ctx: func(ctx context.Context) (context.Context, func()) { return context.WithTimeout(ctx, 5*time.Second) }},
		"cancelled": {first: time.Second, between: time.Second * 8, events: 1, kind: llm.Cancelled, where: llm.BeforeFirstToken, took: 5 * time.Second,
			ctx: func(ctx context.Context) (context.Context, func()) {
				ctx, cancel := context.WithCancelCause(ctx)
				time.AfterFunc(5*time.Second, func() { cancel(errStopped) })
				return ctx, func() { cancel(nil) }
			}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := adapter(wire.Options{BaseURL: "http://provider.test", IdleTimeout: idle, Client: slowly(c.first, c.between, c.last, events[:c.events], c.pulse)})
				ctx, cancel := context.WithCancel(t.Context())
				if c.ctx != nil {
					ctx, cancel = c.ctx(t.Context())
				}
				defer cancel()
				began := time.Now()
				resp, err := p.Generate(ctx, hi, func(llm.Delta) {})
				took := time.Since(began)
				if took != c.took {
					t.Errorf("took %v, want %v", took, c.took)
				}
				if c.kind == "" {
					if err != nil || resp.Text() != "Hi." {
						t.Errorf("%v, %v", resp, err)
					}
					return
				}
				e, _ := errors.AsType[*llm.Error](err)
				// Some APIs say their first words before the last event, some with it.
				if e == nil || e.Kind != c.kind || e.Where != c.where && c.where == llm.BeforeFirstToken {
					t.Errorf("%+v", e)
				}
				if c.kind == llm.Cancelled && !errors.Is(err, errStopped) {
					t.Errorf("the cause is %v", e.Cause)
				}
				time.Sleep(time.Minute) // what lingers lets go
			})
		})
	}
}
