package llm

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

const (
	settleEvery = 10 * time.Second // between tries to book what could not be booked
	maxArrears  = 10_000           // entries; the oldest go first
)

// arrears are entries that the ledger could not take when their calls ended: a store that was away is no reason to forget
// what was spent. They are booked as soon as it can. A process that dies first leaves them in the journal, beside the
// answers that they paid for, and whoever runs the job again books them. An entry that was booked already changes nothing.
type arrears struct {
	ledger Ledger
	log    *slog.Logger

	mu      sync.Mutex
	entries []Entry
	waiting bool // for a timer
}

// record stores an entry now or later. It reports whether it is stored.
func (a *arrears) record(ctx context.Context, e Entry) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordWithin)
	defer cancel()
	err := a.ledger.Record(ctx, e)
	if err == nil {
		return true
	}
	if a.log != nil {
		a.log.LogAttrs(ctx, slog.LevelError, "a model call is not in the ledger yet", slog.String("job_id", e.Call.JobID), slog.String("entry", e.ID),
			slog.String("model", e.Provider+":"+e.Model), slog.Int64("cost_micro_usd", e.Cost.MicroUSD), slog.Any("error", err))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.entries) == maxArrears {
		a.entries = a.entries[1:]
	}
	a.entries = append(a.entries, e)
	a.wait()
	return false
}

// wait tries again after a while; mu is held.
func (a *arrears) wait() {
	if !a.waiting {
		a.waiting = true
		time.AfterFunc(settleEvery, a.recordAll)
	}
}

func (a *arrears) recordAll() {
	a.mu.Lock()
	due := a.entries
	a.entries = nil
	a.mu.Unlock()
	for len(due) > 0 {
		ctx, cancel := context.WithTimeout(context.Background(), recordWithin)
		err := a.ledger.Record(ctx, due[0])
		cancel()
		if err != nil {
			break // one that fails is rarely alone
		}
		due = due[1:]
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.entries = append(due, a.entries...)
	if a.waiting = false; len(a.entries) > 0 {
		a.wait()
	}
}

// owedKey finds, in a call's context, where entries go that are to be journaled with its answer.
type owedKey struct{}

// collectUnrecorded is a context in which the entries of a call that the ledger did not take are collected.
func collectUnrecorded(ctx context.Context) (context.Context, *[]Entry) {
	owed := new([]Entry)
	return context.WithValue(ctx, owedKey{}, owed), owed
}

// RecordEntry stores an entry of a call that was made before.
func (r *Router) RecordEntry(ctx context.Context, e Entry) {
	if r.Ledger != nil {
		r.arrears.record(ctx, e)
	}
}
