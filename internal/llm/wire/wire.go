// Package wire is what the adapters of the model providers share: one HTTP exchange, the events of its body, the answer
// that grows from them, and what to call whatever went wrong. An adapter adds the shape of its requests and a Decoder.
//
// An adapter makes exactly one attempt and says how it ended; retry, fallback and accounting are its callers' affair.
package wire

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"codeforge/internal/llm"
)

// Present says whether an optional value is there and says anything: an error that is "" is none.
func Present(raw json.RawMessage) bool {
	switch string(raw) {
	case "", "null", `""`, "{}", "[]", "false", "0":
		return false
	}
	return true
}

// Options of an adapter. A zero field takes the provider's default.
type Options struct {
	Name    string            // the provider's, in answers and errors
	BaseURL string            // as the provider's official clients read it
	Key     string            // sent in a header only; "": none
	Headers map[string]string // sent with every request; their values are kept out of errors like Key

	// Client does the requests, without following redirects. nil: one that all adapters share, without an overall timeout.
	Client *http.Client

	// IdleTimeout is the longest silence after an answer's first token; 0: 60 seconds. StartTimeout is the longest one
	// before, when models think; 0: 3 times IdleTimeout for a stream, 10 times for an answer that comes in one piece. How
	// long a lively answer may take is the context's affair.
	IdleTimeout, StartTimeout time.Duration

	MaxBytes int64 // of one answer; 0: 64 MB

	// Dialect is what is configured of the endpoint's dialect for a model; nil: nothing.
	Dialect func(model string) llm.Dialect

	Stream *bool // ask for a stream always or never; nil: when somebody watches
}

// Provider is what the adapter of one provider brings; with Options it makes a Client.
type Provider struct {
	Name, BaseURL string
	Auth          func(h http.Header, key string) // sets what identifies us
	Headers       map[string]string               // sent with every request

	// Path is below the base URL, with a query if it needs one; ModelsPath is that of the list of models.
	Path       func(model string, stream bool) string
	ModelsPath string
	// Body makes the request in a dialect, to be written as JSON, with this limit of output; name is the client's.
	Body    func(req *llm.Request, name string, d llm.Dialect, limit int, stream bool) any
	Decoder func() Decoder
	// Optional are the parts that are left out once a refusal names them, the most telling names first.
	Optional []Optional
	// Mend changes the dialect by a refusal that names none of them; nil or false: it cannot.
	Mend func(r *Refusal, d *llm.Dialect) bool
}

// Bearer identifies us by a token.
func Bearer(h http.Header, key string) { h.Set("Authorization", "Bearer "+key) }

// Decoder reads one answer. Its errors are made by Failure or Malformed.
type Decoder interface {
	// Whole reads an answer that came in one piece.
	Whole(body []byte, a *Answer) error
	// Event reads one event of a stream; done says that nothing that counts can follow. It calls a.Complete at the
	// provider's own end.
	Event(ev Event, a *Answer) (done bool, err error)
	// End is asked at a clean end of the body without the provider's own: it calls a.Complete if the answer is whole all
	// the same.
	End(a *Answer)
}

const (
	idle         = time.Minute
	maxBytes     = 64 << 20
	maxEvent     = 16 << 20
	maxErrorBody = 1 << 20
	linger       = time.Second // for the end of a stream after its end marker, so that the connection can be used again
	minSecret    = 8           // bytes: shorter ones are words such as "none" or "ollama", given where a key has to be
)

var (
	errSilent = errors.New("the provider fell silent")
	errSlow   = errors.New("the provider did not begin to answer")
)

// sharedClient keeps more idle connections than http.DefaultTransport, whose two per host make bursts dial anew.
var sharedClient = sync.OnceValue(func() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.MaxIdleConns, t.MaxIdleConnsPerHost = 512, 128
	return &http.Client{Transport: t}
})

// Client talks to one provider: it is its llm.Provider, which learns dialects and lists models.
type Client struct {
	o       Options
	p       Provider
	http    *http.Client
	secrets []string
	learned dialects
}

var (
	_ llm.Provider = (*Client)(nil)
	_ llm.Learner  = (*Client)(nil)
	_ llm.Lister   = (*Client)(nil)
)

// NewClient fills what o leaves open from p.
func NewClient(o Options, p Provider) *Client {
	o.Name, o.BaseURL = cmp.Or(o.Name, p.Name), strings.TrimRight(cmp.Or(o.BaseURL, p.BaseURL), "/")
	o.Key = strings.TrimSpace(o.Key)
	o.Headers = maps.Clone(o.Headers)
	o.IdleTimeout, o.MaxBytes = cmp.Or(o.IdleTimeout, idle), cmp.Or(o.MaxBytes, maxBytes)
	c := &Client{o: o, p: p, http: new(*cmp.Or(o.Client, sharedClient()))}
	// A redirect is an error: followed, it would carry keys, and the prompt, to wherever it points.
	c.http.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	for _, v := range append(slices.Collect(maps.Values(o.Headers)), o.Key) {
		if len(v) >= minSecret {
			c.secrets = append(c.secrets, v)
		}
	}
	return c
}

// Name is the provider's.
func (c *Client) Name() string { return c.o.Name }

// Streams says whether to ask for a stream.
func (c *Client) Streams(sink func(llm.Delta)) bool {
	if c.o.Stream != nil {
		return *c.o.Stream
	}
	return sink != nil
}

// Generate makes the one attempt and reads its answer. Errors are *llm.Error. A request whose form is refused is asked
// once more without what the refusal names, which is no second attempt: nothing was answered.
func (c *Client) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	var d llm.Dialect
	if c.o.Dialect != nil {
		d = c.o.Dialect(req.Model)
	}
	d = d.With(c.learned.of(req.Model))
	limit := limited(req, d)
	for mends := 0; ; mends++ {
		a := &Answer{provider: c.o.Name, req: req, sink: sink}
		stream := c.Streams(sink)
		if d.Stream != nil {
			stream = *d.Stream
		}
		sent, err := shapeBody(c.p.Body(visible(req, d), c.o.Name, d, limit, stream), d)
		if err != nil {
			return nil, c.callError(ctx, a, &Fault{Kind: llm.InvalidRequest, Message: "the request cannot be written as JSON", Cause: err})
		}
		err = c.attempt(ctx, a, c.p.Path(req.Model, stream), sent, stream, c.p.Decoder())
		f, refused := errors.AsType[*Fault](err)
		if refused && !a.begun && !a.tokens && mends < maxMends && c.adaptToRefusal(f, req, sent, &d, &limit) {
			continue
		}
		if mends > 0 && (err == nil || !refused || f.kind() != llm.InvalidRequest) { // else it was something else
			c.learned.learn(req.Model, d)
		}
		if err != nil {
			return nil, c.callError(ctx, a, err)
		}
		return a.response(), nil
	}
}

// attempt makes one request and reads its answer into a.
func (c *Client) attempt(ctx context.Context, a *Answer, path string, sent []byte, stream bool, d Decoder) error {
	x, err := c.do(ctx, http.MethodPost, path, sent, stream)
	if err != nil {
		return err
	}
	if stream || x.sse {
		err = x.events(d, a, c.o.IdleTimeout)
	} else {
		err = x.whole(d, a)
		x.close()
	}
	if err != nil {
		return err
	}
	return a.finish()
}

// exchange is an HTTP request whose answer has begun, with status 200.
type exchange struct {
	body   io.ReadCloser
	read   *watched
	html   bool
	sse    bool // it is a stream, asked for or not
	cancel context.CancelCauseFunc
}

func (c *Client) do(ctx context.Context, method, path string, body []byte, stream bool) (*exchange, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	req, err := http.NewRequestWithContext(ctx, method, c.o.BaseURL+path, bytes.NewReader(body))
	if err != nil {
		cancel(nil)
		return nil, &Fault{Kind: llm.InvalidRequest, Message: "the base URL is not valid", Cause: err}
	}
	h := req.Header
	for k, v := range c.p.Headers {
		h.Set(k, v)
	}
	if c.o.Key != "" {
		c.p.Auth(h, c.o.Key)
	}
	h.Set("User-Agent", "codeforge")
	h.Set("Accept", "application/json")
	if stream {
		h.Set("Accept", "text/event-stream, application/json")
	}
	if method == http.MethodPost {
		h.Set("Content-Type", "application/json")
	}
	for k, v := range c.o.Headers {
		h.Set(k, v)
	}
	wait := cmp.Or(c.o.StartTimeout, 10*c.o.IdleTimeout)
	if stream {
		wait = cmp.Or(c.o.StartTimeout, 3*c.o.IdleTimeout)
	}
	slow := time.AfterFunc(wait, func() { cancel(errSlow) })
	resp, err := c.http.Do(req)
	slow.Stop()
	if err != nil {
		err = &brokenConnection{err, context.Cause(ctx), false}
		cancel(nil)
		return nil, err
	}
	w := &watched{r: resp.Body, left: c.o.MaxBytes, idle: wait, ctx: ctx}
	w.timer = time.AfterFunc(time.Hour, func() { cancel(errSilent) })
	w.timer.Stop()
	x := &exchange{body: resp.Body, read: w, cancel: cancel}
	if resp.StatusCode/100 != 2 {
		defer x.close()
		text, err := io.ReadAll(io.LimitReader(w, maxErrorBody))
		if cause := context.Cause(ctx); err != nil && cause != nil && cause != errSilent {
			return nil, &brokenConnection{err, cause, true}
		}
		return nil, parseFault(resp.StatusCode, resp.Header, bytes.TrimPrefix(bytes.TrimSpace(text), []byte(mark)))
	}
	media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	x.html, x.sse = media == "text/html", media == "text/event-stream"
	return x, nil
}

func (x *exchange) whole(d Decoder, a *Answer) error {
	body, err := io.ReadAll(x.read)
	if err != nil {
		return err
	}
	if x.html {
		return Malformed(errNotStream)
	}
	body = bytes.TrimPrefix(bytes.TrimSpace(body), []byte(mark))
	if looksStreamed(body) { // asked for a whole answer, given a stream that does not say so
		return events(NewReader(bytes.NewReader(body), maxEvent), d, a, func() {})
	}
	if err := d.Whole(body, a); err != nil {
		return err
	}
	a.Complete()
	return nil
}

func (x *exchange) events(d Decoder, a *Answer, idle time.Duration) error {
	defer func() { go x.close() }() // waits a little for the end of the body
	if x.html {
		return Malformed(errNotStream)
	}
	return events(NewReader(x.read, maxEvent), d, a, func() {
		switch {
		case a.whole || a.Pending != nil:
			x.read.idle = linger // only details can follow
		case a.tokens:
			x.read.idle = idle
		}
	})
}

// events reads an answer event by event. before is called before it waits for the next.
func events(r *Reader, d Decoder, a *Answer, before func()) error {
	for {
		before()
		ev, err := r.Next()
		if err == io.EOF && !a.whole && a.Pending == nil {
			d.End(a)
		}
		switch {
		case err == nil:
		case a.whole:
			return nil
		case a.Pending != nil:
			return a.Pending
		case errors.Is(err, errNotStream) || errors.Is(err, errTooLarge):
			return Malformed(err)
		case err == io.EOF && a.strange != nil && !a.tokens:
			return Malformed(a.strange)
		case err == io.EOF:
			return Interrupted()
		default:
			return err
		}
		if ev.empty() {
			continue
		}
		strange := a.strange
		done, err := d.Event(ev, a)
		if err == nil {
			err = a.bounded()
		}
		if err != nil {
			return err
		}
		a.begun = a.begun || a.Pending == nil && a.strange == strange
		if done {
			return nil
		}
	}
}

// close reads what little is left, so that the connection can be used again, and lets go.
func (x *exchange) close() {
	t := time.AfterFunc(linger, func() { x.cancel(nil) })
	defer t.Stop()
	_, _ = io.CopyN(io.Discard, x.body, 64<<10)
	_ = x.body.Close()
	x.cancel(nil)
}

// watched is a body that may not be silent for longer than idle while it is waited for, nor larger than left. What only
// keeps the connection alive breaks no silence. Its errors are *broken or errTooLarge.
type watched struct {
	r      io.Reader
	left   int64
	idle   time.Duration
	silent time.Duration // so far
	line   int           // how much of [nothing] the line begins with; -1: it says something, -2: it is a comment
	timer  *time.Timer
	ctx    context.Context
}

// nothing is how a line begins that may carry nothing: a field of data without a value.
const nothing = "data:"

func (w *watched) Read(p []byte) (int, error) {
	w.timer.Reset(max(w.idle-w.silent, 0))
	began := time.Now()
	n, err := w.r.Read(p)
	w.timer.Stop()
	w.silent += time.Since(began)
	if w.alive(p[:n]) {
		w.silent = 0
	}
	w.left -= int64(n)
	switch {
	case w.left < 0:
		return 0, errTooLarge
	case err != nil && err != io.EOF:
		return n, &brokenConnection{err, context.Cause(w.ctx), true}
	}
	return n, err
}

// alive reports whether a piece of the body says anything: not blanks, not a comment of a stream, not a field without a value.
func (w *watched) alive(piece []byte) (said bool) {
	for _, c := range piece {
		switch {
		case c == '\n' || c == '\r':
			w.line = 0
		case w.line < 0:
			said = said || w.line == -1
		case c == ' ' || c == '\t':
		case w.line == 0 && c == ':':
			w.line = -2
		case w.line < len(nothing) && c == nothing[w.line]:
			w.line++
		default:
			w.line, said = -1, true
		}
	}
	return said
}

// brokenConnection is a connection that failed. why is the cause of our own end of it, if it was ours.
type brokenConnection struct {
	err   error
	why   error
	begun bool // the status line had come
}

func (b *brokenConnection) Error() string { return b.err.Error() }
func (b *brokenConnection) Unwrap() error { return b.err }

// words say what happened, without our own address and port.
func (b *brokenConnection) words() string {
	if e, ok := errors.AsType[*net.OpError](b.err); ok && e.Op != "dial" {
		return e.Op + ": " + e.Err.Error()
	}
	if e, ok := errors.AsType[*url.Error](b.err); ok {
		return e.Err.Error()
	}
	return b.err.Error()
}

func (b *brokenConnection) timeout() bool {
	e, ok := errors.AsType[net.Error](b.err)
	return ok && e.Timeout()
}

// Interrupted is the error of a stream that ended without the provider's own end.
func Interrupted() error {
	return &brokenConnection{err: errors.New("the stream ended before the answer did"), begun: true}
}

// callError makes the one error of the call out of err.
func (c *Client) callError(ctx context.Context, a *Answer, err error) *llm.Error {
	e := &llm.Error{Provider: c.o.Name, Model: a.req.Model, Where: llm.BeforeFirstToken, Cause: err}
	f, isFault := errors.AsType[*Fault](err)
	b, isBroken := errors.AsType[*brokenConnection](err)
	switch {
	case isFault:
		e.Kind, e.Status, e.Code, e.Message = f.kind(), f.Status, f.code(), f.message()
		e.RetryAfter, e.HasWait, e.Cause = f.Wait, f.HasWait, f.Cause
		// What the provider itself breaks off it had accepted, and may bill, even before the first token.
		if a.begun {
			e.Where = llm.MidStream
		}
	case ctx.Err() != nil:
		cause := context.Cause(ctx)
		e.Kind, e.Message, e.Cause = llm.Cancelled, "the call was given up", cause
		if errors.Is(ctx.Err(), context.DeadlineExceeded) || errors.Is(cause, context.DeadlineExceeded) {
			e.Kind, e.Message = llm.Timeout, "the time for the call was over"
		}
	case isBroken && (b.why == errSlow || b.why == errSilent):
		e.Kind, e.Message = llm.Timeout, b.why.Error()
	case isBroken && b.timeout():
		e.Kind, e.Message = llm.Timeout, b.words()
	case isBroken && !b.begun:
		e.Kind, e.Message = llm.ServerError, "no answer: "+b.words()
	case errors.Is(err, errTooLarge):
		e.Kind, e.Message = llm.MalformedResponse, err.Error()
	case isBroken:
		e.Kind, e.Message = llm.StreamInterrupted, "the answer broke off: "+b.words()
	default: // the body ended inside an event
		e.Kind, e.Message = llm.StreamInterrupted, "the answer broke off: "+err.Error()
	}
	if a.tokens {
		e.Where = llm.MidStream
	}
	e.Message = redact(e.Message, c.secrets)
	e.Retryable, e.Fallback = temporary(e.Kind), elsewhere(e.Kind)
	if isFault && e.Kind == llm.ContentFilter && f.Status >= 400 {
		e.Fallback = true // the filter stands before the model: another provider's may not mind
	}
	if isFault && e.Kind == llm.InvalidRequest {
		// A part of the request that this vendor does not know, and that was not left out, another one may take.
		r, ok := f.refusal(a.req.Model, nil)
		e.Fallback = ok && r.Unknown() || f.Status/100 == 3 // moved, or a page to log in at: not the request's fault
	}
	if isFault && f.NoRetry {
		e.Retryable = false
	}
	a.explain(e)
	return e
}

// Models lists the provider's models, page by page.
func (c *Client) Models(ctx context.Context) ([]llm.Listed, error) {
	var all []llm.Listed
	a := &Answer{provider: c.o.Name, req: &llm.Request{}}
	next := c.p.ModelsPath
	for range 20 {
		x, err := c.do(ctx, http.MethodGet, next, nil, false)
		if err != nil {
			return nil, c.callError(ctx, a, err)
		}
		body, err := io.ReadAll(x.read)
		x.close()
		if err != nil {
			return nil, c.callError(ctx, a, err)
		}
		page, more, err := parseModels(body)
		if err != nil {
			return nil, c.callError(ctx, a, Malformed(err))
		}
		all = append(all, page...)
		if more == "" {
			return all, nil
		}
		sep := "?"
		if strings.Contains(c.p.ModelsPath, "?") {
			sep = "&"
		}
		next = c.p.ModelsPath + sep + more
	}
	return nil, c.callError(ctx, a, Malformed(fmt.Errorf("the list of models does not end")))
}
