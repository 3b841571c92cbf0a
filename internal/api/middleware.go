package api

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"golang.org/x/net/idna"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/preview"
)

// exchange is one request and its answer on their way through the edge. It stands in for the ResponseWriter: the header
// goes out with the first byte of the body, so that a body written whole has a length, and what the mux itself would
// answer (no route, wrong method) is held back, so that it can be said in our shape.
type exchange struct {
	http.ResponseWriter
	s    *server
	r    *http.Request
	ctx  exchangeContext
	id   string
	user codeforge.User
	deny error // why there is no user

	start   time.Time
	route   string // the pattern that took the request; "": none did yet
	job     string // for the log
	project string // in the path, if any
	err     error  // for the log
	status  int    // 0: not known yet
	bytes   int64
	sent    bool      // the header is out
	taken   bool      // the connection is a stream's
	refused int       // what the mux would have answered
	held    int64     // bytes of the server's load
	values  [8]string // of headers of this answer
	given   int       // of them

	consistency func() string // what a client may send back of what it wrote; nil: nothing is written, or there are no replicas

	operation string            // its id; "": none
	objects   map[string]string // what it is about, for the record of what was done
	everyday  bool              // of which none is kept, though the operation is recorded

	turnedDown bool // in an answer whose status does not say so
}

// value is what a header of this answer has.
func (x *exchange) value(text string) []string {
	if x.given == len(x.values) {
		return []string{text}
	}
	x.given++
	x.values[x.given-1] = text
	return x.values[x.given-1 : x.given : x.given]
}

// exchangeContext is the request's context with the exchange in it.
type exchangeContext struct {
	context.Context
	x *exchange
}

type exchangeKey struct{}

func (c *exchangeContext) Value(key any) any {
	if _, ok := key.(exchangeKey); ok {
		return c.x
	}
	return c.Context.Value(key)
}

func exchangeOf(ctx context.Context) (*exchange, bool) {
	x, ok := ctx.Value(exchangeKey{}).(*exchange)
	return x, ok
}

func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// SetReadDeadline does nothing: bodies are read before the framework would set one.
func (x *exchange) SetReadDeadline(time.Time) error { return nil }

func (x *exchange) WriteHeader(status int) {
	switch {
	case x.route == "":
		x.refused = status
	case x.status == 0:
		x.status = status
	}
}

func (x *exchange) Write(b []byte) (int, error) {
	if x.route == "" {
		x.refused = cmp.Or(x.refused, http.StatusOK)
		return len(b), nil
	}
	x.sendHeader()
	n, err := x.ResponseWriter.Write(b)
	x.bytes += int64(n)
	return n, err
}

// announce says that the body will have n bytes.
func (x *exchange) announce(n int) {
	if !x.sent {
		x.Header()["Content-Length"] = x.value(strconv.Itoa(n))
	}
}

func (x *exchange) sendHeader() {
	if x.sent {
		return
	}
	x.sent = true
	if x.status == 0 {
		x.status = http.StatusOK
	}
	if h := x.Header(); x.status == http.StatusServiceUnavailable && h["Retry-After"] == nil {
		h["Retry-After"] = []string{"1"} // whoever is to come again is told when
	}
	if x.consistency != nil {
		if token := x.consistency(); token != "" {
			x.Header()[consistencyHeader] = []string{token}
		}
	}
	x.ResponseWriter.WriteHeader(x.status)
}

func (x *exchange) Flush() { _ = x.FlushError() }

// FlushError is Flush, and says whether it could.
func (x *exchange) FlushError() error {
	x.sendHeader()
	return http.NewResponseController(x.ResponseWriter).Flush()
}

// Values of headers that are the same in every answer. Nobody changes them in place.
var (
	jsonType    = []string{"application/json"}
	nosniff     = []string{"nosniff"}
	noReferrer  = []string{"no-referrer"}
	denyFrames  = []string{"DENY"}
	apiPolicy   = []string{"default-src 'none'; frame-ancestors 'none'"}
	noCache     = []string{"private, no-cache"}
	sameOrigin  = []string{"same-origin"}
	onlyHTTPS   = []string{"max-age=31536000"}
	varyOrigin  = []string{"Origin"}
	yes         = []string{"true"}
	exposed     = []string{"X-Request-ID, ETag, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, Idempotent-Replayed, Location, X-Consistency-Token"}
	corsMethods = []string{"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS"}
	corsHeaders = "Authorization, Content-Type, If-Match, If-None-Match, Idempotency-Key, Last-Event-ID, X-Consistency-Token, X-CSRF-Token, X-Request-ID, X-User-ID"
)

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := &exchange{ResponseWriter: w, s: s, start: time.Now()}
	if s.Begin != nil {
		if ctx := s.Begin(r); ctx != r.Context() {
			r = r.WithContext(ctx)
		}
	}
	x.r = r
	if x.id = r.Header.Get("X-Request-Id"); !saneRequestID(x.id) {
		x.id = codeforge.NewID()
	}
	h := w.Header()
	h["X-Request-Id"] = x.value(x.id)
	defer s.finish(x)
	s.serve(x, r)
}

func (s *server) serve(x *exchange, r *http.Request) {
	for i := range s.sites {
		if s.sites[i].Match(r) {
			x.route = s.sites[i].Name
			s.sites[i].Handler.ServeHTTP(x, r)
			return
		}
	}
	if !s.admitOrigin(x, r, apiPolicy) {
		return
	}
	if s.cross != nil {
		if err := s.cross.Check(r); err != nil {
			x.refuse(&Error{status: http.StatusForbidden, Code: "CSRF_VALIDATION_FAILED", Message: "Cross-origin requests that change something are refused"})
			return
		}
	}
	if s.csrf != nil && len(r.Header["Cookie"]) > 0 {
		if err := s.csrf.Check(r); err != nil {
			x.refuse(&Error{status: http.StatusForbidden, Code: "CSRF_VALIDATION_FAILED", Message: auth.ErrCSRF.Message})
			return
		}
		// Who comes with cookies learns what to send back with the next write.
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && r.Header.Get("Authorization") == "" && len(r.CookiesNamed(auth.CSRFCookieName)) == 0 {
			http.SetCookie(x, auth.CSRFCookie())
		}
	}
	if strings.HasPrefix(r.URL.Path, "/v1/") || r.URL.Path == mcpPath {
		if isGit(r.URL.Path) {
			r = withPassword(r)
		}
		x.user, x.deny = s.Auth(r)
	} else {
		x.deny = errNoToken
	}
	if !s.withinLimit(x, r) {
		return
	}
	x.ctx = exchangeContext{r.Context(), x}
	guardPath(r)
	s.mux.ServeHTTP(x, r)
	if x.route != "" {
		return
	}
	// The mux found no route. A redirect is one that it offers to a path that it thinks unclean: we have none.
	h := x.Header()
	h.Del("Location")
	h.Del("Content-Type")
	if x.refused == http.StatusMethodNotAllowed {
		x.refuse(methodNotAllowed())
		return
	}
	x.refuse(notFoundRoute())
}

// admitOrigin sets the headers of security that the API and its documents share, with the content policy of whoever serves, and
// answers requests that come by another name of this server, or from another page: false when there is nothing left to do.
func (s *server) admitOrigin(x *exchange, r *http.Request, policy []string) bool {
	h := x.Header()
	h["X-Content-Type-Options"] = nosniff
	h["Referrer-Policy"] = noReferrer
	h["X-Frame-Options"] = denyFrames
	h["Content-Security-Policy"] = policy
	h["Cache-Control"] = noCache
	h["Cross-Origin-Resource-Policy"] = sameOrigin
	if s.secure || r.TLS != nil {
		h["Strict-Transport-Security"] = onlyHTTPS
	}
	if err := s.checkHost(r); err != nil {
		x.refuse(err)
		return false
	}
	if origin := r.Header["Origin"]; len(origin) > 0 {
		if s.fromPreview(origin[0]) {
			x.refuse(&Error{status: http.StatusForbidden, Code: "PERMISSION_DENIED", Message: "Previews may not call the API"})
			return false
		}
		if done := s.cors(x, r, origin[0]); done {
			return false
		}
	} else {
		h["Vary"] = varyOrigin
	}
	return true
}

// withinLimit counts a request against the limit of its user, else of its address, and refuses one too many.
func (s *server) withinLimit(x *exchange, r *http.Request) bool {
	if s.limit != nil && !slices.Contains(ProbePaths, strings.TrimSuffix(r.URL.Path, "/")) {
		key := ""
		if x.deny == nil {
			key = "user:" + x.user.ID
		} else {
			key = addressKey(clientAddress(r, s.TrustedProxies))
		}
		v := s.limit.take(r.Context(), key, x.start)
		v.headers(x, s.limitBy)
		if !v.ok {
			x.refuse(&codeforge.Error{Kind: codeforge.RateLimited, Message: "Too many requests", RetryAfter: v.retry})
			return false
		}
	}
	return true
}

// preview lets a request to a preview's host through. A page asks for many files at once, so such requests have a bucket of
// their own; what they make the server build counts like any request of the user, by what it holds too.
func (s *server) preview(w http.ResponseWriter, r *http.Request) {
	x := w.(*exchange)
	if s.shows != nil {
		if v := s.shows.take(r.Context(), addressKey(clientAddress(r, s.TrustedProxies)), x.start); !v.ok {
			x.writeError(&codeforge.Error{Kind: codeforge.RateLimited, Message: "Too many requests", RetryAfter: v.retry})
			return
		}
	}
	ctx := preview.WithAdmission(r.Context(), s.admission(true))
	s.Preview.ServeHTTP(x, r.WithContext(ctx))
}

// admission is what a preview is built and sent by: by the load of its user, and, if it is counted, as a request of theirs.
func (s *server) admission(counted bool) preview.Admission {
	hold := func(u codeforge.User, bytes int64) (func(), error) {
		n, err := s.load.acquire(context.Background(), "user:"+u.ID, bytes)
		return func() { s.load.release("user:"+u.ID, n) }, err
	}
	return preview.Admission{Hold: hold, Build: func(u codeforge.User) (func(), error) {
		if counted && s.limit != nil {
			if v := s.limit.take(context.Background(), "user:"+u.ID, time.Now()); !v.ok {
				return nil, &codeforge.Error{Kind: codeforge.RateLimited, Message: "Too many requests", RetryAfter: v.retry}
			}
		}
		return hold(u, codeforge.MaxTreeBytes)
	}}
}

// refuse answers with an error where no route was taken.
func (x *exchange) refuse(err error) {
	x.route = "none"
	x.writeError(err)
}

// finish recovers from a panic, sends a header that no body followed, and writes the log line.
func (s *server) finish(x *exchange) {
	defer x.releaseAbove(0)
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			if x.err != nil { // cut by us
				x.status = statusClientGone
				if _, ok := errors.AsType[net.Error](x.err); !ok && x.r.Context().Err() == nil {
					x.status = http.StatusInternalServerError
				}
			}
			s.answered(x)
			panic(p)
		}
		s.Log.LogAttrs(x.r.Context(), slog.LevelError, "panic", slog.String("request_id", x.id), slog.String("route", x.route),
			slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
		if x.sent {
			// Cutting the connection is the only way left to say that the answer is not whole.
			x.status = http.StatusInternalServerError
			s.answered(x)
			panic(http.ErrAbortHandler)
		}
		x.route, x.status = cmp.Or(x.route, "none"), 0
		x.Header().Del("Content-Length")
		x.writeError(internalError(nil))
	}
	x.sendHeader()
	s.answered(x)
}

// answered tells of a request that is over.
func (s *server) answered(x *exchange) {
	took := time.Since(x.start)
	if s.Answered != nil {
		s.Options.Answered(x.r.Context(), Answer{Route: x.route, Method: x.r.Method, Status: x.status, Bytes: x.bytes, Took: took, Streamed: isStream(x),
			RequestID: x.id, UserID: x.user.ID, JobID: x.job, Err: x.err})
	}
	s.logRequest(x, took)
	s.record(x)
}

// isStream reports whether an answer lasts as long as its client likes.
func isStream(x *exchange) bool {
	t := x.Header()["Content-Type"]
	return x.taken || x.status == http.StatusSwitchingProtocols || len(t) > 0 && t[0] == "text/event-stream"
}

func (s *server) logRequest(x *exchange, took time.Duration) {
	level := slog.LevelInfo
	switch {
	case x.status == http.StatusInternalServerError:
		level = slog.LevelError
	case x.status > http.StatusInternalServerError:
		level = slog.LevelWarn
	}
	ctx := x.r.Context()
	if !s.Log.Enabled(ctx, level) {
		return
	}
	line := slog.NewRecord(x.start.Add(took), level, "request", 0) // nobody asks where in the program
	attrs := [...]slog.Attr{slog.String("request_id", x.id), slog.String("method", x.r.Method), slog.String("route", x.route),
		slog.Int("status", x.status), slog.Float64("ms", float64(took.Microseconds())/1000), slog.Int64("bytes", x.bytes), {}, {}, {}}
	n := len(attrs) - 3
	if x.user.ID != "" {
		attrs[n] = slog.String("user_id", x.user.ID)
		n++
	}
	if x.job != "" {
		attrs[n] = slog.String("job_id", x.job)
		n++
	}
	if x.err != nil && x.status >= 500 {
		attrs[n] = slog.String("exception", x.err.Error())
		n++
	}
	line.AddAttrs(attrs[:n]...)
	_ = s.Log.Handler().Handle(ctx, line) // there is nobody to tell that the log cannot be written
}

func saneRequestID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for i := range len(id) {
		c := id[i]
		if !(c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'z' || c == '.' || c == '_' || c == '-') {
			return false
		}
	}
	return true
}

// checkHost refuses, standalone, a name that leads here but is none of ours: a web page could have had it point here
// to read what only this machine should.
func (s *server) checkHost(r *http.Request) error {
	if s.hosts == nil {
		return nil
	}
	host := r.Host
	if strings.IndexByte(host, ':') >= 0 {
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if s.hosts[host] {
		return nil
	}
	if a, err := netip.ParseAddr(host); err == nil && a.IsLoopback() {
		return nil
	}
	return &Error{status: http.StatusMisdirectedRequest, Code: "PERMISSION_DENIED", Message: "This server does not answer under this name"}
}

func hostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (s *server) fromPreview(origin string) bool {
	if s.Preview == nil {
		return false
	}
	u, err := url.Parse(origin)
	if err != nil || u.Host == "" {
		return false
	}
	return s.Preview.Match(u.Host)
}

// canonicalOrigin is an origin as browsers send it: in lower case, in ASCII, without the scheme's own port and a slash at
// the end.
func canonicalOrigin(origin string) string {
	u, err := url.Parse(strings.TrimSuffix(strings.TrimSpace(origin), "/"))
	if err != nil || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return origin // "*", or nothing that a browser sends
	}
	host, port := u.Hostname(), u.Port()
	// As browsers do: full-width letters and the like become plain, the rest punycode.
	if ascii, err := idna.Lookup.ToASCII(strings.ToLower(host)); err == nil {
		host = ascii
	}
	host = strings.ToLower(host)
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	scheme := strings.ToLower(u.Scheme)
	if port != "" && !(scheme == "http" && port == "80") && !(scheme == "https" && port == "443") {
		host += ":" + port
	}
	return scheme + "://" + host
}

// cors sets what a browser needs to hand the answer to the page, errors included, and answers its preliminary question.
func (s *server) cors(x *exchange, r *http.Request, origin string) (done bool) {
	h := x.Header()
	h["Vary"] = varyOrigin
	known := s.origins[origin] || s.origins[canonicalOrigin(origin)]
	switch {
	case known:
		h["Access-Control-Allow-Origin"] = []string{origin}
		h["Access-Control-Allow-Credentials"] = yes
		h["Access-Control-Expose-Headers"] = exposed
	case s.origins["*"]:
		known = true
		h["Access-Control-Allow-Origin"] = []string{"*"}
		h["Access-Control-Expose-Headers"] = exposed
	}
	if r.Method != http.MethodOptions || r.Header.Get("Access-Control-Request-Method") == "" {
		return false
	}
	if !known {
		x.refuse(&Error{status: http.StatusForbidden, Code: "PERMISSION_DENIED", Message: "This origin may not call the API"})
		return true
	}
	h["Vary"] = []string{"Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
	h["Access-Control-Allow-Methods"] = corsMethods
	h["Access-Control-Max-Age"] = []string{corsMaxAge}
	wanted := corsHeaders
	if asked := r.Header.Get("Access-Control-Request-Headers"); asked != "" && len(asked) < 2048 {
		wanted = asked
	}
	h["Access-Control-Allow-Headers"] = []string{wanted}
	x.route = "preflight"
	x.WriteHeader(http.StatusNoContent)
	return true
}

// guardPath escapes what ServeMux would clean by redirecting: empty and dot segments. A file path then reaches its
// rule, and any other path finds no route.
func guardPath(r *http.Request) {
	p := r.URL.EscapedPath()
	if !strings.Contains(p, "//") && !strings.Contains(p, "/.") {
		return
	}
	segments := strings.Split(p, "/")
	var b strings.Builder
	for i, seg := range segments {
		switch seg {
		case ".":
			seg = "%2E"
		case "..":
			seg = "%2E%2E"
		}
		if i > 1 && segments[i-1] == "" {
			b.WriteString("%2F") // this slash follows another one
		} else if i > 0 {
			b.WriteByte('/')
		}
		b.WriteString(seg)
	}
	guarded := *r.URL
	guarded.RawPath = b.String()
	r.URL = &guarded
}

// adapter puts the framework's operations on the mux, each under all its paths and behind what every route asks.
type adapter struct{ s *server }

func (a adapter) ServeHTTP(w http.ResponseWriter, r *http.Request) { a.s.mux.ServeHTTP(w, r) }

func (a adapter) Handle(op *huma.Operation, handle func(huma.Context)) {
	direct := a.s.direct()[op.OperationID]
	recorded := a.s.Audit != nil && audited[op.OperationID] != ""
	rules, _ := op.Metadata["body_rules"].(bodyRules)
	_, suffix, _ := strings.Cut(op.Path, "{path}")
	handler := func(w http.ResponseWriter, r *http.Request) {
		x := w.(*exchange)
		if repository := r.PathValue("repository"); repository != "" {
			project, ok := strings.CutSuffix(repository, ".git")
			if !ok {
				x.refuse(notFoundRoute())
				return
			}
			r.SetPathValue("project_id", project)
		}
		if suffix != "" && !cutPath(r, suffix) {
			w.Header().Set("Allow", "GET, HEAD, PUT, DELETE")
			x.refuse(methodNotAllowed())
			return
		}
		x.route, x.operation = op.Path, op.OperationID
		if recorded {
			for _, name := range pathObjects {
				if id := r.PathValue(name); id != "" {
					x.names(name, id)
				}
			}
		}
		if err := a.s.admit(x, r, op); err != nil {
			x.writeError(err)
			return
		}
		if a.s.Consistency != nil && x.user.ID != "" {
			x.beginConsistency(a.s.Consistency, op)
		}
		if direct != nil {
			if err := direct(x, r); err != nil {
				x.writeError(err)
			}
			return
		}
		r = r.WithContext(&x.ctx)
		if rules.isRaw(r.Header) {
			if err := rules.raw(a.s, x, r); err != nil {
				x.writeError(err)
			}
			return
		}
		handle(humago.NewContext(op, r, w))
	}
	aliases, _ := op.Metadata["aliases"].([]string)
	for _, path := range append([]string{op.Path}, aliases...) {
		for _, pattern := range patterns(path) {
			a.s.mux.HandleFunc(op.Method+" "+pattern, handler)
		}
	}
}

// patterns are those of a path with and without a trailing slash; {path} is the rest of a path with all its slashes, of which what
// follows is cut off by [cutPath].
func patterns(path string) []string {
	if rest, _, ok := strings.Cut(path, "{path}"); ok {
		return []string{rest + "{path...}"}
	}
	path = strings.TrimSuffix(path, "/")
	path = strings.Replace(path, "{project_id}.git", "{repository}", 1) // a wildcard is a whole segment
	return []string{path, path + "/{$}"}
}

// cutPath takes what an operation has behind the path of a file out of that path; false: it is not there.
func cutPath(r *http.Request, suffix string) bool {
	path, ok := strings.CutSuffix(strings.TrimSuffix(r.PathValue("path"), "/"), suffix)
	if ok {
		r.SetPathValue("path", path)
	}
	return ok
}

// errNoToken stands for a caller that nobody asked for a token.
var errNoToken = &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "Authorization header required"}

// admit is what every operation asks before its schema is looked at, in the order of the contract.
func (s *server) admit(x *exchange, r *http.Request, op *huma.Operation) error {
	if op.RequestBody != nil {
		body, _ := op.Metadata["body_rules"].(bodyRules)
		if err := s.readBody(x, r, body); err != nil {
			return err
		}
		// A client that always sends JSON says null where it has no body.
		if b, ok := r.Body.(*bodyReader); ok && !op.RequestBody.Required && string(bytes.TrimSpace(b.data)) == "null" {
			r.Body = http.NoBody
		}
	}
	for _, name := range []string{"project_id", "job_id", "webhook_id", "delivery_id"} {
		if raw := r.PathValue(name); raw != "" {
			id, err := codeforge.ParseID(raw)
			if err != nil {
				return err
			}
			if id != raw {
				r.SetPathValue(name, id)
			}
			switch name {
			case "job_id":
				x.job = id
			case "project_id":
				x.project = id
			}
		}
	}
	if public, _ := op.Metadata["public"].(bool); !public && x.deny != nil {
		return x.deny
	}
	return nil
}

// readBody reads the body whole, within its bounds of size and time, and puts a strictly checked and trimmed one in its
// place.
func (s *server) readBody(x *exchange, r *http.Request, rules bodyRules) error {
	if r.Body == nil || r.Body == http.NoBody {
		return nil
	}
	most := s.MaxBody
	if rules.most != nil {
		most = rules.most(&s.Options)
	}
	if rules.isRaw(r.Header) {
		most = s.MaxFile
	}
	if r.ContentLength > most {
		return tooLarge(most)
	}
	if rules.streamed {
		if err := rules.check(r.Header); err != nil {
			return err
		}
		r.Body = http.MaxBytesReader(x.ResponseWriter, r.Body, most)
		return nil
	}
	size := r.ContentLength
	if size < 0 { // it does not say
		size = most
	}
	if size > light {
		if err := x.acquireBytes(size); err != nil {
			return err
		}
	}
	rc := http.NewResponseController(x.ResponseWriter)
	// Not every writer has deadlines; one without is a test's.
	patience := bodyTimeout + time.Duration(size/slowestBody)*time.Second
	_ = rc.SetReadDeadline(time.Now().Add(patience))
	if patience > bodyTimeout+time.Second {
		_ = rc.SetWriteDeadline(time.Now().Add(patience + bodyTimeout))
	}
	var buf bytes.Buffer
	if r.ContentLength > 0 {
		buf.Grow(min(int(r.ContentLength), 64<<10) + bytes.MinRead) // a length is only a claim
	}
	_, err := buf.ReadFrom(http.MaxBytesReader(x.ResponseWriter, r.Body, most))
	if err != nil {
		return bodyError(err)
	}
	_ = rc.SetReadDeadline(time.Time{})
	x.releaseAbove(int64(buf.Len()))
	if buf.Len() == 0 {
		r.Body = http.NoBody
		return nil
	}
	if err := rules.check(r.Header); err != nil {
		return err
	}
	if len(rules.media) > 0 || rules.isRaw(r.Header) {
		r.Body = &bodyReader{buf.Bytes()}
		return nil
	}
	data, errs := scanJSON(buf.Bytes(), rules.plan)
	if errs != nil {
		return invalidBody(errs...)
	}
	r.Body = &bodyReader{data}
	return nil
}

// bodyError is why a body could not be read.
func bodyError(err error) error {
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return err
	}
	if _, ok := errors.AsType[*codeforge.Error](err); ok { // it came from elsewhere
		return err
	}
	if ne, ok := errors.AsType[net.Error](err); ok && ne.Timeout() {
		return &Error{status: http.StatusRequestTimeout, Code: "REQUEST_TIMEOUT", Message: "The body did not arrive in time"}
	}
	return &Error{status: http.StatusBadRequest, Code: "REQUEST_ERROR", Message: "The body could not be read", cause: err}
}

func tooLarge(limit int64) error {
	return &codeforge.Error{Kind: codeforge.TooLarge, Message: "Request body too large", Details: map[string]any{"limit_bytes": limit}}
}

// bodyRules are what an operation takes as its body; the zero value is JSON, read whole and checked strictly.
type bodyRules struct {
	media    []string             // media types, of which one must be named; */*: any, or none; nil: JSON, named or not
	most     func(*Options) int64 // bytes; nil: as many as the server takes
	streamed bool                 // the operation reads it as it comes
	gzip     bool                 // which may be compressed
	json     *huma.Schema         // of what such an operation takes as JSON too
	// raw runs in place of the operation for a body of a media type that is not JSON, which is read whole. nil: there is none such.
	raw func(*server, *exchange, *http.Request) error

	plan *bodyPlan // of JSON: the body's type says it
}

// isRaw reports whether a body is none of JSON, where that may be.
func (b bodyRules) isRaw(h http.Header) bool {
	return b.raw != nil && h.Get("Content-Type") != "" && !isJSONMedia(h.Get("Content-Type"))
}

// check refuses a body of another kind, by what its headers say.
func (b bodyRules) check(h http.Header) error {
	media, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	media = strings.ToLower(strings.TrimSpace(media))
	if b.isRaw(h) || slices.Contains(b.media, "*/*") {
		if strings.HasPrefix(media, "multipart/") {
			return &Error{status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_MEDIA_TYPE", Message: "Send the file itself as the body, not a form"}
		}
	} else if len(b.media) > 0 {
		if !slices.Contains(b.media, media) {
			return &Error{status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_MEDIA_TYPE", Message: "Send " + strings.Join(b.media, " or ")}
		}
	} else if media != "" && media != "application/json" && !(strings.HasPrefix(media, "application/") && strings.HasSuffix(media, "+json")) {
		return &Error{status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_MEDIA_TYPE", Message: "Send application/json"}
	}
	if ce := h.Get("Content-Encoding"); ce != "" && !strings.EqualFold(ce, "identity") && !(b.gzip && strings.EqualFold(ce, "gzip")) {
		return &Error{status: http.StatusUnsupportedMediaType, Code: "UNSUPPORTED_MEDIA_TYPE", Message: "Send the body without Content-Encoding"}
	}
	return nil
}

// bodyReader is a body that was read already.
type bodyReader struct{ data []byte }

func (b *bodyReader) Read(p []byte) (int, error) {
	if len(b.data) == 0 {
		return 0, io.EOF
	}
	n := copy(p, b.data)
	b.data = b.data[n:]
	return n, nil
}

func (b *bodyReader) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(b.data)
	b.data = b.data[n:]
	return int64(n), err
}

func (b *bodyReader) Close() error { return nil }
