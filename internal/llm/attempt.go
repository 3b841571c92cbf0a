package llm

import "time"

// Attempt is one try of a call with one model, as a job's timeline shows it.
type Attempt struct {
	Call       Call
	Number     int    // within the call, from 1; 0 when Skipped
	Provider   string // as configured
	Model      string
	Own        bool   // with the user's own key
	Served     string // "" if nothing answered
	Status     int    // HTTP; 0: not known
	Kind       ErrorKind
	Err        *Error // nil for an answer
	Usage      Usage
	Cost       Cost
	FirstToken time.Duration // 0: not streamed, or nothing came
	Latency    time.Duration
	At         time.Time
	Next       Next
	Wait       time.Duration // before the next attempt
	Skipped    string        // why it was not tried: "paused", "breaker open", "budget"; "" for a real try
}

// Next is what a Router does after an attempt.
type Next string

const (
	NextDone     Next = ""         // it answered, or this was the last
	NextRetry    Next = "retry"    // the same model after Wait
	NextFallback Next = "fallback" // the next model of the chain
)
