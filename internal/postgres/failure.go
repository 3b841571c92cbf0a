package postgres

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"codeforge"
)

// failure is an answer that is none: what the database, the Data API, or whatever stands before them, said. Its texts are for
// the log.
type failure struct {
	Code       string        `json:"code"` // SQLSTATE, or PGRST and a number
	Message    string        `json:"message"`
	Details    string        `json:"details"`
	Hint       string        `json:"hint"`
	constraint string        // that was broken, without codeforge_
	status     int           // of HTTP; 0: no answer, or not over HTTP
	after      time.Duration // Retry-After
	cause      error         // what the driver said
	unsent     bool          // nothing was sent, and sending it again may help
	futile     bool          // nothing was sent, and nobody is there
	service    bool          // no user acted
}

func (f *failure) Error() string {
	if f.cause != nil {
		return f.cause.Error()
	}
	// Details may be a whole row.
	return fmt.Sprintf("Data API: status %d, code %q: %.300s (%.100s, %.100s)", f.status, f.Code, f.Message, f.Details, f.Hint)
}

func (f *failure) Unwrap() error { return f.cause }

// isUnapplied reports whether it is known that the call changed nothing, and that it makes sense to send it again.
func (f *failure) isUnapplied() bool {
	switch f.Code {
	case "40001", "40P01": // rolled back to let another go on
		return true
	case "PGRST000", "PGRST002", "PGRST003": // no connection to the database, no schema yet, no connection in time
		return true
	}
	return f.unsent || f.sweptContent()
}

// sweptContent reports whether a text was removed as the last that had it went, while another came to have it: the foreign key
// let one of the two happen.
func (f *failure) sweptContent() bool {
	return f.Code == "23503" && strings.Contains(f.Message+f.Details, `"file_contents"`)
}

// unclear reports whether the call may have been carried out all the same.
func (f *failure) unclear() bool {
	if f.isUnapplied() || f.futile {
		return false
	}
	// The connection broke, or the server stops.
	return f.Code == "" && (f.status == 0 || f.status >= 500) || slices.Contains([]string{"PGRST001", "57P01", "57P02", "57P03", "08000", "08003", "08006"}, f.Code)
}

// code is what an error of the store was called.
func code(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.Code
	}
	return ""
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
	// Those of the schema's own functions.
	case "PT400":
		return codeforge.InvalidField(f.Hint, "%s", f.Message)
	case "PT404":
		return codeforge.NotFound(f.Hint, f.Details)
	case "PT409":
		e := codeforge.Conflictf("%s", f.Message)
		switch newest, err := strconv.ParseInt(f.Details, 10, 64); {
		case f.Hint == "revision" && err == nil:
			e.Details = map[string]any{f.Hint: newest}
		case f.Hint != "":
			e.Details = map[string]any{f.Hint: f.Details}
		}
		return e
	case "PT412":
		return codeforge.ErrFenced
	case "PT413", "PT429":
		var most int
		var bytes int64
		if n, _ := fmt.Sscan(f.Details, &most, &bytes); n == 2 {
			return codeforge.OverBlobs(f.Hint, most, bytes)
		}
		if most, err := strconv.Atoi(f.Details); f.Hint != "" && err == nil {
			return codeforge.OverQuota(f.Hint, most, time.Now())
		}
		return &codeforge.Error{Kind: codeforge.TooLarge, Message: f.Message}

	case "23505":
		return refuse(codeforge.Conflictf("it exists already"))
	case "23514":
		return refuse(codeforge.InvalidField(f.constraint, "is not allowed"))
	case "22021", "22P05":
		return refuse(codeforge.InvalidField("text", "must be valid UTF-8 without NUL characters"))
	case "22P02", "22003", "22007", "22008", "22023", "PGRST102":
		return refuse(codeforge.InvalidField("value", "has the wrong form"))
	case "23503":
		if f.sweptContent() {
			return unavailable("The data store was busy with the same text", true)
		}
		return refuse(&codeforge.Error{Kind: codeforge.Unauthenticated, Message: "The user does not exist"})
	case "54000", "54001":
		return refuse(&codeforge.Error{Kind: codeforge.TooLarge, Message: "Too much for one request to the data store"})
	case "42P01", "42703", "42883", "PGRST200", "PGRST202", "PGRST203", "PGRST204", "PGRST205", "PGRST106":
		return unavailable("The data store is not set up: its schema is not up to date", false)
	case "42501":
		if f.status == http.StatusUnauthorized || f.service { // nobody may, or the system may not: it is not service_role
			return unavailable("The data store refuses the server", false)
		}
		return refuse(&codeforge.Error{Kind: codeforge.Denied, Message: "Not permitted"})
	case "57014", "55P03", "PGRST003":
		return unavailable("The data store took too long", true)
	case "53100", "53200", "53300", "57P01", "57P02", "57P03", "40001", "40P01", "25006", "08000", "08003", "08006":
		return unavailable("The data store cannot be reached", true)
	}
	switch {
	case f.status == http.StatusUnauthorized && !f.service && f.Code != "": // PGRST301, 302, 303: not by the gateway, which looks at the key
		return refuse(&codeforge.Error{Kind: codeforge.Unauthenticated, Message: "The token is not valid or has expired"})
	case f.status == http.StatusUnauthorized || f.status == http.StatusForbidden:
		return unavailable("The data store refuses the server", false)
	case f.status == http.StatusRequestEntityTooLarge:
		return refuse(&codeforge.Error{Kind: codeforge.TooLarge, Message: "Too much for one request to the data store"})
	case f.status == 0 && f.Code == "", f.status == http.StatusRequestTimeout, f.status == http.StatusTooManyRequests, f.status >= 500:
		return unavailable("The data store cannot be reached", true)
	}
	return refuse(&codeforge.Error{Kind: codeforge.Internal, Message: "The data store failed"})
}
