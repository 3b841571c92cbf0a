package api

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// statusClientGone is for the log alone: the client that it is about reads no answer.
const statusClientGone = 499

// maxFindings bounds the list of broken rules in one answer.
const maxFindings = 100

// statuses is the one table from what went wrong to how HTTP says it.
var statuses = map[codeforge.Kind]struct {
	status int
	code   string
}{
	codeforge.Invalid:         {http.StatusBadRequest, "VALIDATION_ERROR"},
	codeforge.Unauthenticated: {http.StatusUnauthorized, "AUTHENTICATION_ERROR"},
	codeforge.Denied:          {http.StatusForbidden, "PERMISSION_DENIED"},
	codeforge.Missing:         {http.StatusNotFound, "RESOURCE_NOT_FOUND"},
	codeforge.Conflict:        {http.StatusConflict, "CONFLICT"},
	codeforge.TooLarge:        {http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE"},
	codeforge.RateLimited:     {http.StatusTooManyRequests, "RATE_LIMIT_EXCEEDED"},
	codeforge.QueueFull:       {http.StatusTooManyRequests, "QUEUE_FULL"},
	codeforge.External:        {http.StatusServiceUnavailable, "EXTERNAL_SERVICE_ERROR"},
	codeforge.AgentFailed:     {http.StatusInternalServerError, "AGENT_EXECUTION_ERROR"},
	codeforge.Unavailable:     {http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE"},
	codeforge.Unsupported:     {http.StatusNotImplemented, "NOT_SUPPORTED"},
	codeforge.Internal:        {http.StatusInternalServerError, "INTERNAL_ERROR"},
}

// Error is every failure as a client sees it. With Accept: application/problem+json the same comes in the members of
// RFC 9457 as well.
type Error struct {
	Code      string         `json:"error" doc:"What went wrong, for programs." example:"VALIDATION_ERROR"`
	Message   string         `json:"message" doc:"What went wrong, for people." example:"Request validation failed"`
	Details   map[string]any `json:"details" doc:"What the code says more about: field and reason, resource and id, retry_after, or errors, a list of {field, message, type}."`
	RequestID string         `json:"request_id" doc:"Names the request in the server's log; also the header X-Request-ID."`
	TraceID   string         `json:"trace_id,omitempty" doc:"Where requests are traced: the trace that this one belongs to."`
	Detail    string         `json:"detail,omitempty" doc:"Unknown routes and wrong methods: the message again."`

	status int
	retry  time.Duration
	cause  error // for the log
}

func (e *Error) Error() string  { return e.Message }
func (e *Error) GetStatus() int { return e.status }

// problem is an Error in the shape of RFC 9457.
type problem struct {
	Type     string `json:"type"`
	Title    string `json:"title"`
	Status   int    `json:"status"`
	Detail   string `json:"detail"`
	Instance string `json:"instance"`

	Code      string         `json:"error"`
	Message   string         `json:"message"`
	Details   map[string]any `json:"details"`
	RequestID string         `json:"request_id"`
	TraceID   string         `json:"trace_id,omitempty"`
}

// problemError is an Error that is written in the shape of RFC 9457.
type problemError struct{ err *Error }

func (p problemError) Error() string             { return p.err.Message }
func (p problemError) GetStatus() int            { return p.err.status }
func (p problemError) ContentType(string) string { return "application/problem+json" }

func (p problemError) problem() problem {
	e := p.err
	return problem{Type: "about:blank", Title: http.StatusText(e.status), Status: e.status, Detail: e.Message,
		Instance: "urn:request:" + e.RequestID, Code: e.Code, Message: e.Message, Details: e.Details, RequestID: e.RequestID, TraceID: e.TraceID}
}

// fieldError is one broken rule of a request.
type fieldError struct {
	Field   string `json:"field"`
	Message string `json:"message"`
	Type    string `json:"type"`
}

func (e fieldError) Error() string { return e.Field + ": " + e.Message }

// invalidBody is a request that breaks its schema.
func invalidBody(errs ...fieldError) *Error {
	return &Error{status: http.StatusUnprocessableEntity, Code: "VALIDATION_ERROR", Message: "Request validation failed",
		Details: map[string]any{"errors": errs}}
}

// wireError turns any error into what the client may know of it.
func wireError(err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		s, ok := statuses[e.Kind]
		if !ok || e.Kind == codeforge.Internal {
			return internalError(err)
		}
		out := &Error{status: s.status, Code: s.code, Message: e.Message, Details: e.Details, retry: e.RetryAfter, cause: e.Cause}
		if e.Kind == codeforge.RateLimited || e.Kind == codeforge.QueueFull {
			if out.retry <= 0 {
				out.retry = time.Second
			}
			details := map[string]any{"retry_after": seconds(out.retry)}
			maps.Copy(details, e.Details)
			out.Details = details
		}
		return out
	}
	if e, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return wireError(tooLarge(e.Limit))
	}
	switch {
	case errors.Is(err, context.Canceled):
		return &Error{status: statusClientGone, Code: "REQUEST_ERROR", Message: "The client went away", cause: err}
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{status: http.StatusServiceUnavailable, Code: "SERVICE_UNAVAILABLE", Message: "The request was not finished in time", cause: err}
	}
	return internalError(err)
}

func internalError(cause error) *Error {
	return &Error{status: http.StatusInternalServerError, Code: "INTERNAL_ERROR", Message: "An internal error occurred", cause: cause}
}

func notFoundRoute() *Error {
	return &Error{status: http.StatusNotFound, Code: "RESOURCE_NOT_FOUND", Message: "Not Found", Detail: "Not Found"}
}

func methodNotAllowed() *Error {
	return &Error{status: http.StatusMethodNotAllowed, Code: "METHOD_NOT_ALLOWED", Message: "Method Not Allowed", Detail: "Method Not Allowed"}
}

// seconds rounds up, since a wait that is too short only fails again.
func seconds(d time.Duration) int64 { return max(1, int64((d+time.Second-1)/time.Second)) }

// prepare completes an error for one request and sets its headers.
func (x *exchange) prepare(e *Error) huma.StatusError {
	e.RequestID, e.TraceID = x.id, codeforge.TraceID(x.r.Context())
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	x.err = e.cause
	h := x.Header()
	if e.retry > 0 {
		h["Retry-After"] = []string{strconv.FormatInt(seconds(e.retry), 10)}
	}
	if e.status == http.StatusUnauthorized {
		h["Www-Authenticate"] = bearerChallenge
	}
	h.Del("Etag")
	if wantsProblem(x.r) {
		return problemError{e}
	}
	return e
}

var bearerChallenge = []string{"Bearer"}

func wantsProblem(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept"), "application/problem+json")
}

// writeError answers with an error outside of an operation.
func (x *exchange) writeError(err error) {
	if isGit(x.r.URL.Path) {
		x.writeGitError(err)
		return
	}
	e := x.prepare(wireError(err))
	h := x.Header()
	h["Content-Type"] = jsonType
	if p, ok := e.(problemError); ok {
		h["Content-Type"] = []string{p.ContentType("")}
	}
	x.WriteHeader(e.GetStatus())
	_ = marshal(x, e) // nobody is left to tell
}

// The framework makes its errors through these two variables; they are the only way to give them our shape.
func init() {
	huma.NewError = func(status int, msg string, errs ...error) huma.StatusError { return frameworkError(status, msg, errs) }
	huma.NewErrorWithContext = func(ctx huma.Context, status int, msg string, errs ...error) huma.StatusError {
		e := frameworkError(status, msg, errs)
		if ctx == nil {
			return e
		}
		if x, ok := exchangeOf(ctx.Context()); ok {
			return x.prepare(e)
		}
		return e
	}
	huma.ValidateStrictCasing = true
	huma.DefaultArrayNullable = false
}

// frameworkError maps an error of the framework, or one that a handler returned, which comes alone with status 500.
func frameworkError(status int, msg string, errs []error) *Error {
	switch {
	case status == 0: // a specimen, for the specification
		return &Error{}
	case status == http.StatusInternalServerError && len(errs) == 1:
		return wireError(errs[0])
	case status == http.StatusBadRequest && len(errs) == 0: // the one precondition it checks: a body is required
		return invalidBody(fieldError{"body", "Field required", "missing"})
	case status == http.StatusUnprocessableEntity, status == http.StatusBadRequest:
		return invalidBody(fieldErrors(errs)...)
	case status == http.StatusNotAcceptable, status >= 500:
		return internalError(errors.Join(append(errs, errors.New(msg))...))
	}
	return &Error{status: status, Code: "REQUEST_ERROR", Message: http.StatusText(status), cause: errors.New(msg)}
}

// fieldErrors puts the framework's findings into our words, in order, at most one of a kind for a field.
func fieldErrors(errs []error) []fieldError {
	out := make([]fieldError, 0, min(len(errs), maxFindings))
	for _, err := range errs {
		if len(out) == maxFindings {
			break
		}
		if d, ok := errors.AsType[*huma.ErrorDetail](err); ok {
			if f := fieldOf(d); !covered(out, f) {
				out = append(out, f)
			}
			continue
		}
		// A rule of ours, which runs whether or not the schema was content: of a field with a finding it says nothing new.
		f, ok := errors.AsType[fieldError](err)
		if ok && !slices.ContainsFunc(out, func(have fieldError) bool { return have.Field == f.Field }) {
			out = append(out, f)
		}
	}
	return out
}

// covered reports whether another finding about a field would only repeat one: a text of the wrong length is no UUID
// either.
func covered(have []fieldError, f fieldError) bool {
	for _, h := range have {
		if h.Field == f.Field && (h.Type == f.Type || f.Type == "uuid_parsing" && strings.HasPrefix(h.Type, "string_")) {
			return true
		}
	}
	return false
}

// messages gives each text of the framework's validator its type and our wording; %s is what follows the prefix.
var messages = []struct{ prefix, kind, say string }{
	{"unexpected property", "extra_forbidden", "Unknown field: not permitted here"},
	{"expected string to be RFC 4122 uuid", "uuid_parsing", "Must be a UUID"},
	{"expected string to match pattern ", "string_pattern_mismatch", "Must match %s"},
	{"expected string to be ", "string_format", "Must be %s"},
	{"expected string", "string_type", "Must be a string"},
	{"expected boolean", "bool_type", "Must be true or false"},
	{"expected integer", "int_type", "Must be an integer"},
	{"expected number >= ", "greater_than_equal", "Must be at least %s"},
	{"expected number <= ", "less_than_equal", "Must be at most %s"},
	{"expected number", "float_type", "Must be a number"},
	{"expected array length >= ", "too_short", "Must have at least %s entries"},
	{"expected array length <= ", "too_long", "Must have at most %s entries"},
	{"expected array", "list_type", "Must be a list"},
	{"expected object with at least ", "too_short", "Must have at least %s"},
	{"expected object with at most ", "too_long", "Must have at most %s"},
	{"expected object", "dict_type", "Must be an object"},
	{"expected length >= ", "string_too_short", "Must have at least %s characters"},
	{"expected length <= ", "string_too_long", "Must have at most %s characters"},
	{"expected value to be one of ", "enum", "Must be one of %s"},
	{"expected value", "value_error", "Must be a value of an allowed kind"},
	{"invalid integer", "int_parsing", "Must be an integer"},
	{"invalid float", "float_parsing", "Must be a number"},
	{"invalid boolean", "bool_parsing", "Must be true or false"},
}

func fieldOf(d *huma.ErrorDetail) fieldError {
	field := fieldName(d.Location)
	if rest, ok := strings.CutPrefix(d.Message, "expected required property "); ok {
		name := strings.TrimSuffix(rest, " to be present")
		if field != "body" {
			name = field + "." + name
		}
		return fieldError{name, "Field required", "missing"}
	}
	if strings.HasSuffix(d.Message, "parameter is missing") {
		return fieldError{field, "Field required", "missing"}
	}
	for _, m := range messages {
		if rest, ok := strings.CutPrefix(d.Message, m.prefix); ok {
			return fieldError{field, singularNouns.Replace(strings.Replace(m.say, "%s", plainNumber(strings.Trim(rest, `"`)), 1)), m.kind}
		}
	}
	return fieldError{field, "Is not valid", "value_error"}
}

var singularNouns = strings.NewReplacer(" 1 characters", " 1 character", " 1 entries", " 1 entry")

// plainNumber writes a bound as people do: the framework's are 1e+09.
func plainNumber(text string) string {
	if f, err := strconv.ParseFloat(text, 64); err == nil && strings.Contains(text, "e+") {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return text
}

// fieldName turns body.items[3].name into items.3.name and query.page into page.
func fieldName(location string) string {
	for _, part := range []string{"body.", "query.", "path.", "header."} {
		if rest, ok := strings.CutPrefix(location, part); ok {
			location = rest
			break
		}
	}
	location = strings.TrimPrefix(location, "body") // body[0]
	if location == "" {
		return "body"
	}
	location = strings.ReplaceAll(strings.ReplaceAll(location, "[", "."), "]", "")
	return strings.TrimPrefix(location, ".")
}
