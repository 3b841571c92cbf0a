package supabase

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"codeforge"
)

const (
	// maxAnswer bounds an answer, in bytes: all files of a project, each character of them escaped.
	maxAnswer = 3*codeforge.MaxTreeBytes + 1<<20
	maxFault  = 64 << 10

	// tries bounds how often a request is sent.
	tries = 3
)

// request is one call of the Data API.
type request struct {
	method string
	path   string // below /rest/v1/
	query  url.Values
	prefer []string
	body   any
	as     codeforge.User // whose token is sent; without one, the service key acts
	// again says that the request may be carried out twice: what it does the second time is nothing, or is refused. Others are
	// sent again only when it is known that nothing was done.
	again bool
}

// failure is an answer that is none: what the Data API, or whatever stands before it, said. Its texts are for the log.
type failure struct {
	status  int           // 0: no answer
	Code    string        `json:"code"`
	Message string        `json:"message"`
	Details string        `json:"details"`
	Hint    string        `json:"hint"`
	after   time.Duration // Retry-After
	cause   error         // when there was no answer
	unsent  bool          // and the request was not sent
	service bool          // the service key acted
}

func (f *failure) Error() string {
	if f.cause != nil {
		return "Data API: " + f.cause.Error()
	}
	// Details may be a whole row.
	return fmt.Sprintf("Data API: status %d, code %q: %.300s (%.100s, %.100s)", f.status, f.Code, f.Message, f.Details, f.Hint)
}

func (f *failure) Unwrap() error { return f.cause }

// undone reports whether it is known that the request changed nothing, and that it makes sense to send it again.
func (f *failure) undone() bool {
	switch f.Code {
	case "40001", "40P01": // rolled back to let another go on
		return true
	case "PGRST000", "PGRST002", "PGRST003": // no connection to the database, no schema yet, no connection in time
		return true
	}
	return f.unsent
}

// unclear reports whether the request may have been carried out all the same.
func (f *failure) unclear() bool {
	// PGRST001: the connection to the database broke.
	return !f.undone() && (f.status == 0 || f.status >= 500 && slices.Contains([]string{"", "PGRST001", "57P01", "57P02", "57P03", "08000", "08003", "08006"}, f.Code))
}

// do sends a request, again where that is safe and may help, and decodes the answer into out (nil: it is dropped). unsure
// tells that an earlier try than the one whose outcome is returned may have been carried out, or this one if it failed.
func (s *Store) do(ctx context.Context, r request, out any) (total int, unsure bool, err error) {
	var body []byte
	if r.body != nil {
		if body, err = object(r.body); err != nil {
			return 0, false, err
		}
	}
	for try := 1; ; try++ {
		total, err = s.send(ctx, r, body, out)
		f, failed := errors.AsType[*failure](err)
		if failed {
			unsure = unsure || f.unclear()
		}
		if !failed || try == tries || ctx.Err() != nil || !f.undone() && !(r.again && f.unclear()) {
			return total, unsure, fault(ctx, err)
		}
		wait := time.Duration(try*try) * s.pause
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
		}
	}
}

// send sends a request once.
func (s *Store) send(ctx context.Context, r request, body []byte, out any) (total int, err error) {
	ctx, cancel := context.WithTimeout(ctx, s.timeout)
	defer cancel()
	u := *s.base
	u.Path += "/rest/v1/" + r.path
	u.RawQuery = r.query.Encode()
	req, err := http.NewRequestWithContext(ctx, r.method, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, err
	}
	h := req.Header
	h.Set("User-Agent", "codeforge/"+codeforge.Version)
	h.Set("Accept", "application/json")
	h.Set("apikey", s.key)
	switch {
	case r.as.Token != "":
		h.Set("Authorization", "Bearer "+r.as.Token)
	case s.bearer:
		h.Set("Authorization", "Bearer "+s.key)
	}
	if body == nil {
		h.Set("Accept-Profile", "public")
	} else {
		h.Set("Content-Profile", "public")
		h.Set("Content-Type", "application/json")
	}
	if len(r.prefer) > 0 {
		h.Set("Prefer", strings.Join(r.prefer, ","))
	}
	res, err := s.client.Do(req)
	if err != nil {
		op, dial := errors.AsType[*net.OpError](err)
		return 0, &failure{cause: err, unsent: dial && op.Op == "dial", service: r.as.Token == ""}
	}
	defer res.Body.Close()
	if res.StatusCode < 200 || res.StatusCode > 299 {
		f := &failure{status: res.StatusCode, service: r.as.Token == ""}
		text, err := io.ReadAll(io.LimitReader(res.Body, maxFault))
		if json.Unmarshal(text, f) != nil {
			f.Message = fmt.Sprintf("%.200q", text)
		}
		if f.cause = err; f.Code == "PGRST103" { // beyond the last row: no rows, and how many there are
			return count(res.Header), nil
		}
		if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n > 0 {
			f.after = time.Duration(min(n, 3600)) * time.Second
		}
		return 0, f
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	switch {
	case err != nil:
		return 0, &failure{cause: err, service: r.as.Token == ""}
	case len(text) > maxAnswer:
		return 0, fmt.Errorf("answer of %s is over %d bytes", r.path, maxAnswer)
	case out == nil || len(bytes.TrimSpace(text)) == 0:
		return count(res.Header), nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return 0, &failure{cause: fmt.Errorf("answer of %s: %w", r.path, err), service: r.as.Token == ""}
	}
	return count(res.Header), nil
}

// count is the number of all rows, of which an answer may hold a part; -1: not said.
func count(h http.Header) int {
	_, total, _ := strings.Cut(h.Get("Content-Range"), "/")
	n, err := strconv.Atoi(total)
	if err != nil {
		return -1
	}
	return n
}

// fault turns a failure into an error of the domain.
func fault(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	f, ok := errors.AsType[*failure](err)
	if !ok {
		if _, own := errors.AsType[*codeforge.Error](err); own {
			return err
		}
		return &codeforge.Error{Kind: codeforge.Internal, Message: "The data store failed", Cause: err}
	}
	refuse := func(e *codeforge.Error) error {
		e.Cause = err
		return e
	}
	unavailable := func(message string, retryable bool) error {
		return &codeforge.Error{Kind: codeforge.Unavailable, Message: message, Retryable: retryable, RetryAfter: f.after, Cause: err}
	}
	switch f.Code {
	case "PT400":
		return codeforge.InvalidField(f.Hint, "%s", f.Message)
	case "PT404":
		return codeforge.NotFound(f.Hint, f.Details)
	case "PT409":
		return codeforge.Conflictf("%s", f.Message)
	case "PT412":
		return codeforge.ErrFenced
	case "PT413", "PT429":
		if most, err := strconv.Atoi(f.Details); f.Hint != "" && err == nil {
			return codeforge.OverQuota(f.Hint, most, time.Now())
		}
		return &codeforge.Error{Kind: codeforge.TooLarge, Message: f.Message}
	case "23505":
		return refuse(codeforge.Conflictf("it exists already"))
	case "23514":
		return refuse(codeforge.InvalidField(constraint(f.Message), "is not allowed"))
	case "22021", "22P05":
		return refuse(codeforge.InvalidField("text", "must be valid UTF-8 without NUL characters"))
	case "22P02", "22003", "22007", "22008", "22023", "PGRST102":
		return refuse(codeforge.InvalidField("value", "has the wrong form"))
	case "23503":
		return refuse(&codeforge.Error{Kind: codeforge.Unauthenticated, Message: "The user does not exist"})
	case "42P01", "42703", "42883", "PGRST200", "PGRST202", "PGRST203", "PGRST204", "PGRST205", "PGRST106":
		return unavailable("The data store is not set up: its schema is not up to date", false)
	case "42501":
		if f.status == http.StatusUnauthorized || f.service { // nobody may, or the service key may not: it is not the service key
			return unavailable("The data store refuses the server", false)
		}
		return refuse(&codeforge.Error{Kind: codeforge.Denied, Message: "Not permitted"})
	case "57014", "55P03", "PGRST003":
		return unavailable("The data store took too long", true)
	}
	switch {
	case f.status == http.StatusUnauthorized && !f.service && f.Code != "": // PGRST301, 302, 303: not by the gateway, which looks at the key
		return refuse(&codeforge.Error{Kind: codeforge.Unauthenticated, Message: "The token is not valid or has expired"})
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		return unavailable("The data store refuses the server", false)
	case f.status == http.StatusRequestEntityTooLarge:
		return refuse(&codeforge.Error{Kind: codeforge.TooLarge, Message: "Too much for one request to the data store"})
	case f.status == 0, f.status == http.StatusRequestTimeout, f.status == http.StatusTooManyRequests, f.status >= 500:
		return unavailable("The data store cannot be reached", true)
	}
	return refuse(&codeforge.Error{Kind: codeforge.Internal, Message: "The data store failed"})
}

// constraint is what one of our rules is about, if a message names it.
func constraint(message string) string {
	_, rest, _ := strings.Cut(message, `"codeforge_`)
	name, _, _ := strings.Cut(rest, `"`)
	if name == "" {
		return "value"
	}
	return name
}

// object marshals without changing the text in it.
func object(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, codeforge.InvalidField("value", "must be valid JSON")
	}
	return b.Bytes(), nil
}
