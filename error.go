package codeforge

import (
	"errors"
	"fmt"
	"time"
)

// Kind is what went wrong, in the terms of the domain. The API edge has the one table that turns it into a status and code.
type Kind string

const (
	Invalid         Kind = "invalid"          // the request breaks a rule; Details hold field and reason
	Unauthenticated Kind = "unauthenticated"  // who is asking is not known
	Denied          Kind = "denied"           // known, and may not
	Missing         Kind = "missing"          // does not exist, or is not the caller's; Details hold resource and id
	Conflict        Kind = "conflict"         // stale version, duplicate, wrong state for a write
	TooLarge        Kind = "too_large"        // beyond a size limit
	RateLimited     Kind = "rate_limited"     // too many requests; RetryAfter says when
	QueueFull       Kind = "queue_full"       // no room for another job; RetryAfter says when
	External        Kind = "external_service" // a service we depend on failed; Details hold service
	AgentFailed     Kind = "agent_failed"     // an agent could not do its work; Details hold agent
	Unavailable     Kind = "unavailable"      // not now: starting, draining, or a part is down
	Unsupported     Kind = "unsupported"      // this server has no such part, now or later: its settings leave it out
	Internal        Kind = "internal"         // our fault; Message is generic
)

// Error is the one error that crosses package borders with a meaning. Message and Details are for the client and hold
// no internal text; Cause is for the log and never leaves the process.
type Error struct {
	Kind       Kind
	Message    string
	Details    map[string]any
	RetryAfter time.Duration // when trying again makes sense; 0: not said
	Retryable  bool          // the same work may succeed later: a job that ended with it is tried again
	Waits      bool          // of what is Retryable: nothing failed, it waits for others, and the try does not count
	Cause      error
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return fmt.Sprintf("%s: %v", e.Message, e.Cause)
	}
	return e.Message
}

func (e *Error) Unwrap() error { return e.Cause }

// IsKind reports whether err carries an Error of this kind.
func IsKind(err error, k Kind) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Kind == k
}

// InvalidField says which field breaks which rule, and how to satisfy it.
func InvalidField(field, format string, args ...any) *Error {
	return &Error{Kind: Invalid, Message: "Validation error in " + field,
		Details: map[string]any{"field": field, "reason": fmt.Sprintf(format, args...)}}
}

// NotFound answers alike for what does not exist and for what is another user's, so that ids reveal nothing.
func NotFound(resource, id string) *Error {
	return &Error{Kind: Missing, Message: resource + " not found", Details: map[string]any{"resource": resource, "id": id}}
}

// Conflictf is a write that came too late or to something in the wrong state.
func Conflictf(format string, args ...any) *Error {
	return &Error{Kind: Conflict, Message: fmt.Sprintf(format, args...)}
}
