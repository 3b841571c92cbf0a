package llm

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/sony/gobreaker/v2"
)

const (
	maxRetries  = 2 // of one call with one model
	backoffBase = 2 * time.Second
	backoffCap  = 30 * time.Second
	maxPause    = time.Hour // what a provider may make us stay away

	breakerFailures = 5 // in a row
	breakerOpen     = time.Minute
	breakerProbes   = 2
	maxHealth       = 1_000 // models that are remembered: their names come from requests

	retryShare = 0.2 // retries that each call earns
	retryStock = 20  // retries that can be saved up
)

// backoff is the wait before retry n (from 0) when the provider names none: anything up to a bound that doubles, so that
// those who failed together do not come back together.
func backoff(n int) time.Duration {
	return rand.N(min(backoffBase<<n, backoffCap) + 1)
}

// sleep waits, or returns false when ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return ctx.Err() == nil
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// retryBudget keeps retries a small share of all calls, so that an outage is not multiplied by everybody's patience.
type retryBudget struct {
	mu    sync.Mutex
	stock float64
}

func (b *retryBudget) deposit() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.stock = min(b.stock+retryShare, retryStock)
}

func (b *retryBudget) withdraw() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.stock < 1 {
		return false
	}
	b.stock--
	return true
}

// health is what is known of one model at one provider.
type health struct {
	breaker *gobreaker.TwoStepCircuitBreaker[struct{}]
	own     bool // at a user's own account

	mu     sync.Mutex
	opened time.Time // of the breaker, last
	cause  *Error    // what failed last
	paused time.Time // until then it said to stay away
}

func newHealth(name string) *health {
	// The offline model fails only where a job's context asks it to: that says nothing about the next call.
	offline := strings.HasPrefix(name, Scaffold+":")
	h := &health{}
	h.breaker = gobreaker.NewTwoStepCircuitBreaker[struct{}](gobreaker.Settings{
		Name: name, MaxRequests: breakerProbes, Timeout: breakerOpen,
		ReadyToTrip: func(c gobreaker.Counts) bool { return !offline && c.ConsecutiveFailures >= breakerFailures },
		OnStateChange: func(_ string, _, to gobreaker.State) {
			if to == gobreaker.StateOpen {
				h.mu.Lock()
				h.opened = time.Now()
				h.mu.Unlock()
			}
		},
		IsExcluded: func(err error) bool { return err != nil && !isModelFailure(err) && !answered(err) },
		IsSuccessful: func(err error) bool {
			return err == nil || answered(err)
		},
	})
	return h
}

// isModelFailure reports whether an error says that the model is not working, as opposed to the request, the account or the caller.
func isModelFailure(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch e.Kind {
	case ServerError, Overloaded, Timeout, StreamInterrupted, MalformedResponse:
		return true
	case QuotaExhausted, RateLimit, Cancelled:
		return false
	}
	return e.Status >= 500
}

// answered reports whether a model was at work, though its answer is no use.
func answered(err error) bool {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return false
	}
	switch e.Kind {
	case Refusal, ContentFilter, TruncatedOutput, MalformedOutput:
		return true
	}
	return false
}

// recordFailure notes what failed.
func (h *health) recordFailure(e *Error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.cause = e
}

// skipped is the error of a call that an open breaker keeps away: what opened it, not that it is open, is why.
func (h *health) skipped(provider, model string) *Error {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := &Error{Provider: provider, Model: model, Kind: Overloaded, Message: "left alone after repeated failures",
		Retryable: true, Fallback: true, HasWait: true, RetryAfter: max(time.Until(h.opened.Add(breakerOpen)), time.Second), Where: BeforeFirstToken}
	if h.cause != nil {
		e.Kind, e.Status, e.Code = h.cause.Kind, h.cause.Status, h.cause.Code
		e.Message = cutText(strings.TrimSuffix(e.Message+": "+h.cause.Message, ": "), maxComplaint)
	}
	return e
}

// pauseFor makes others stay away too.
func (h *health) pauseFor(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if until := time.Now().Add(min(d, maxPause)); until.After(h.paused) {
		h.paused = until
	}
}

// pausedFor returns how long to stay away still.
func (h *health) pausedFor() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return max(time.Until(h.paused), 0)
}
