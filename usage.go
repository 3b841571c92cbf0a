package codeforge

import "time"

// Usage is what model calls consumed, in one convention for all providers: InputTokens holds everything that was sent,
// cached parts included; OutputTokens everything billed as output, thinking included. The other three are parts of those two.
type Usage struct {
	InputTokens      int64 `json:"input_tokens"`
	CachedReadTokens int64 `json:"cached_read_tokens"`
	CacheWriteTokens int64 `json:"cache_write_tokens"`
	OutputTokens     int64 `json:"output_tokens"`
	ReasoningTokens  int64 `json:"reasoning_tokens"`
}

// Add returns the sum of both.
func (u Usage) Add(o Usage) Usage {
	return Usage{u.InputTokens + o.InputTokens, u.CachedReadTokens + o.CachedReadTokens, u.CacheWriteTokens + o.CacheWriteTokens,
		u.OutputTokens + o.OutputTokens, u.ReasoningTokens + o.ReasoningTokens}
}

// UsageGroup says what usage is summed by.
type UsageGroup string

const (
	ByDay     UsageGroup = "day" // UTC, as 2026-01-31
	ByProject UsageGroup = "project"
	ByJob     UsageGroup = "job"
	ByModel   UsageGroup = "model" // provider:model that answered
	ByAgent   UsageGroup = "agent"
)

// UsageFilter selects model calls of one user. Empty fields select all.
type UsageFilter struct {
	ProjectID, JobID string
	Agent            AgentType
	From, To         time.Time // From inclusive, To exclusive
	Group            UsageGroup
	Limit            int // groups at most, the newest or dearest first
}

// UsageSum is what a group of attempts at model calls took. Cost is what the server paid, in micro-dollars.
type UsageSum struct {
	Key       string `json:"key"`
	Calls     int64  `json:"calls"`  // attempts
	Failed    int64  `json:"failed"` // of them
	Unknown   int64  `json:"usage_unknown"`
	Cost      int64  `json:"cost_micro_usd"`
	Estimated bool   `json:"cost_estimated"` // some of it is a guess
	LatencyMS int64  `json:"latency_ms"`     // all calls together
	OwnCalls  int64  `json:"own_calls"`      // with the user's own keys, which are in all of this but Cost
	OwnCost   int64  `json:"own_cost_micro_usd"`
	Usage
}

// ModelCall is one attempt at a call of a model, as the books have it. Cost is in micro-dollars, whoever paid.
type ModelCall struct {
	ID         string
	Agent      AgentType // of a pipeline: the one whose stage it was
	Call       int       // number of the call in its job, from 1
	Attempt    int       // within the call, from 1, over all models
	Fallback   bool      // another model was asked than the one that the call went to first
	Provider   string
	Model      string // asked for
	Served     string // answered; "" if nothing did
	Usage      Usage
	Unknown    bool // the provider did not say what it used
	Cost       int64
	Estimated  bool
	Error      string // kind of the failure; "" for an answer
	Status     int    // HTTP; 0: not known
	Finish     string
	FirstToken time.Duration // from the start; 0: the answer was not streamed, or nothing came
	Took       time.Duration
	At         time.Time // when it began
	OwnKey     bool      // with the user's own key
}

// JobCalls are calls for a job, in order.
type JobCalls struct {
	JobID string
	Agent AgentType // of the job; "": it was swept
	Calls []ModelCall
	Next  string // the cursor of the next page; "": there is none
}

// JobUsage is what one completed job took: what estimates are made of. Cost is in micro-dollars.
type JobUsage struct {
	ProjectID string
	Calls     int64 // attempts
	Cost      int64
	Estimated bool          // some of it is a guess
	Offline   bool          // the built-in model answered some of it, which costs nothing
	Took      time.Duration // from its start to its end; of a job that waited for input, its calls alone
	Usage
}

// Budget is a ceiling on what models may cost, and where it stands. Amounts are in micro-dollars.
type Budget struct {
	Scope    string `json:"scope"` // job, project_day, project_month, user_day, user_month
	ID       string `json:"id"`    // of the job, project or user
	Limit    int64  `json:"limit_micro_usd"`
	Spent    int64  `json:"spent_micro_usd"`
	Reserved int64  `json:"reserved_micro_usd"` // by calls that run now
}
