package llm

import (
	"cmp"
	"maps"
	"slices"
)

// Words are what may be told of an error to whoever made the call over the API, which say whose key it is that does not open; "": the
// kind has none. The provider's own text stays in the cause.
func (k ErrorKind) Words(own bool) string {
	if own {
		return cmp.Or(ownKeyWords[k], words[k])
	}
	return words[k]
}

// KindsWithWords are the kinds that have Words.
func KindsWithWords() []ErrorKind { return slices.Sorted(maps.Keys(words)) }

var ownKeyWords = map[ErrorKind]string{
	Auth:           "The model's provider does not accept your own key: replace or delete it under /v1/keys",
	Permission:     "Your own key may not use the model: replace or delete it under /v1/keys",
	ModelNotFound:  "The account of your own key does not have the model",
	QuotaExhausted: "The quota of your own key at the model's provider is used up",
}

var words = map[ErrorKind]string{
	InvalidRequest:    "The model's provider refused the request",
	Auth:              "The model's provider does not accept the configured key",
	Permission:        "The configured key may not use the model",
	ModelNotFound:     "The configured model does not exist",
	ContextLength:     "The project is too large for the model to read at once",
	RequestTooLarge:   "The project is too large to be sent to the model",
	RateLimit:         "The model's provider asks to slow down",
	QuotaExhausted:    "The quota at the model's provider is used up",
	Timeout:           "The model did not answer in time",
	ServerError:       "The model's provider had an internal error",
	Overloaded:        "The model's provider is overloaded",
	ContentFilter:     "The model's provider filtered the answer",
	Refusal:           "The model declined to do this",
	EmptyResponse:     "The model gave an empty answer",
	TruncatedOutput:   "The model's answer was cut off",
	MalformedOutput:   "The model's answer had the wrong form",
	MalformedResponse: "The answer of the model's provider could not be read",
	StreamInterrupted: "The connection to the model's provider broke off",
	Cancelled:         "The call of the model was cancelled",
	BudgetExceeded:    "The budget for model calls is used up",
}
