package llm

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
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

// Error is the one error of a model call. Message is redacted and short, but often the provider's, which may repeat the prompt: it
// is for whoever made the call, see [Explain]. Logs get Error, clients of the API words of our own for its kind.
type Error struct {
	Provider   string
	Model      string
	Kind       ErrorKind
	Own        bool   // it came with the user's own key
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

// Error is fit to be logged: it holds no words of a provider but its code.
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%s: %s", e.Provider, e.Model, e.Kind)
	switch {
	case e.Status != 0 && code.MatchString(e.Code):
		s += fmt.Sprintf(" (%d %s)", e.Status, e.Code)
	case e.Status != 0:
		s += fmt.Sprintf(" (%d)", e.Status)
	case code.MatchString(e.Code):
		s += fmt.Sprintf(" (%s)", e.Code)
	}
	return s
}

// code is what a provider's word for an error looks like; what does not may be a sentence.
var code = regexp.MustCompile(`^[\w.:-]{1,60}$`)

// Explain is what err says, with the message of the Error in it.
func Explain(err error) string {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Message == "" {
		return err.Error()
	}
	return strings.Replace(err.Error(), e.Error(), e.Error()+": "+e.Message, 1)
}

func (e *Error) Unwrap() error { return e.Cause }
