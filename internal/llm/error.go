package llm

import (
	"fmt"
	"time"
)

// ErrorKind is what went wrong with a model call, alike for all providers.
type ErrorKind string

const (
	InvalidRequest    ErrorKind = "invalid_request"
	Auth              ErrorKind = "auth"
	Permission        ErrorKind = "permission"
	ModelNotFound     ErrorKind = "model_not_found"
	ContextLength     ErrorKind = "context_length"
	RequestTooLarge   ErrorKind = "request_too_large"
	RateLimit         ErrorKind = "rate_limit"
	QuotaExhausted    ErrorKind = "quota_exhausted"
	Timeout           ErrorKind = "timeout"
	ServerError       ErrorKind = "server_error"
	Overloaded        ErrorKind = "overloaded"
	ContentFilter     ErrorKind = "content_filter"
	Refusal           ErrorKind = "refusal"
	EmptyResponse     ErrorKind = "empty_response"
	TruncatedOutput   ErrorKind = "truncated_output"
	MalformedOutput   ErrorKind = "malformed_output"
	MalformedResponse ErrorKind = "malformed_response"
	StreamInterrupted ErrorKind = "stream_interrupted"
	Cancelled         ErrorKind = "cancelled"       // by us, never by a provider
	BudgetExceeded    ErrorKind = "budget_exceeded" // by us: the Cause is a *BudgetError and nothing was sent
)

// Where in an answer an error came.
const (
	BeforeFirstToken = "before_first_token"
	MidStream        = "mid_stream"
)

// Error is the one error of a model call. Message is redacted and short: it may be logged and put into a job's
// timeline, but clients of the API get words of our own for its kind.
type Error struct {
	Provider   string
	Model      string
	Kind       ErrorKind
	Status     int    // HTTP; 0: none
	Code       string // the provider's own word for it, if it gave one
	Message    string
	Retryable  bool          // the same request to the same provider may succeed later
	RetryAfter time.Duration // what the provider asks for
	HasWait    bool          // it named a RetryAfter, which may be 0
	Fallback   bool          // another provider may succeed at once
	Where      string
	Finish     FinishKind // of a refusal or a filtered answer
	Refusal    string     // its text
	Usage      *Usage     // what was used all the same, if known
	Partial    *Response  // what had arrived, if anything
	Lost       Lost       // by other attempts of the same call; set by a Router
	Cause      error
}

func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%s: %s", e.Provider, e.Model, e.Kind)
	if e.Status != 0 {
		s += fmt.Sprintf(" (%d)", e.Status)
	}
	if e.Message != "" {
		s += ": " + e.Message
	}
	return s
}

func (e *Error) Unwrap() error { return e.Cause }
