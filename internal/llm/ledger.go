package llm

import (
	"context"
	"fmt"
	"time"
)

// Ledger is where calls are accounted for: the store's side of budgets and of what was spent. A [Router] reserves before
// each attempt that goes to a provider and records after it, always in pairs, from the same goroutine.
//
// A store keeps, beside the ledger's rows, one row of budget per ceiling that is configured: scope, the id that it is
// for, the period's start, limit, spent, reserved. Reserve is then one conditional update per ceiling above the call,
// in one transaction that rolls back when one of them matches no row:
//
//	update budgets set reserved = reserved + :worst
//	where scope = :scope and id = :id and period = :period and spent + reserved + :worst <= limit
//
// so that racing calls cannot pass a ceiling together. Where no ceiling is configured there is nothing to write, and
// Reserve may return "" at once. Both are on the way of every call: Record may return once the entry is sure to be
// written before the store closes.
type Ledger interface {
	// Reserve holds Worst of r against every budget above the call: job, project and user per day and month (UTC, of the
	// time of the reservation). It returns an id for Record, or a *[BudgetError] naming the first ceiling that has no
	// room, having held nothing. Any other error means that the budgets could not be asked: the call is not made.
	Reserve(ctx context.Context, r Reservation) (id string, err error)

	// Record stores e and, in the same transaction, releases the reservation e.Reservation ("": there is none) from the
	// periods that it was made in and adds [Entry.ServerCost] to what was spent there. Recording an entry of the same ID again
	// changes nothing. The call's answer is used whether or not Record fails.
	Record(ctx context.Context, e Entry) error
}

// Reservation is what an attempt may cost at most, in micro-dollars.
type Reservation struct {
	Call            Call
	Provider, Model string
	Worst           int64 // conservative input and the largest output, at the dearest rates that may apply
	Prompt          int64 // the part of Worst that is the input
	// Lapses is when an attempt that was never recorded (its process died) counts no more as running. The store then
	// books Prompt as spent, as a guess, in place of the reservation: the prompt was most likely sent, its answer is
	// paid for again when the job resumes.
	Lapses time.Time
}

// Entry is one attempt in the ledger. Usage may be Missing or Partial; Cost then is Estimated, never silently zero.
type Entry struct {
	ID          string // UUID
	Reservation string
	Call        Call
	Attempt     int    // within the call, from 1, over all models
	Provider    string // as configured: an endpoint has its own name
	Model       string // asked for
	Own         bool   // with the user's own key: the cost is the user's, and no budget's
	Served      string // answered; "" if nothing did
	Usage       Usage
	Cost        Cost
	Kind        ErrorKind // "" for an answer
	Status      int       // HTTP; 0: not known
	Finish      FinishKind
	FirstToken  time.Duration // from the start; 0: the answer was not streamed, or nothing came
	Latency     time.Duration // of the whole attempt
	At          time.Time     // when it began
}

// ServerCost is what the server pays for an attempt, OwnCost what its user does with a key of their own, in micro-dollars.
func (e *Entry) ServerCost() int64 { return pick(e.Own, 0, e.Cost.MicroUSD) }
func (e *Entry) OwnCost() int64    { return pick(e.Own, e.Cost.MicroUSD, 0) }

// BudgetScope says what a budget limits.
type BudgetScope string

const (
	BudgetJob          BudgetScope = "job"
	BudgetProjectDay   BudgetScope = "project_day"
	BudgetProjectMonth BudgetScope = "project_month"
	BudgetUserDay      BudgetScope = "user_day"
	BudgetUserMonth    BudgetScope = "user_month"
)

// BudgetError says which ceiling a call would have passed. It is the Cause of an [Error] of kind budget_exceeded; a job
// that meets it stops with the reason budget_exceeded and keeps what it has. Amounts are in micro-dollars.
type BudgetError struct {
	Scope BudgetScope
	ID    string // of the job, project or user
	Limit int64
	Spent int64 // what was spent and what is reserved by running calls
	Held  int64 // the part of Spent that is reserved by running calls
	Needs int64 // what this call may cost
}

// Passing reports whether the call would fit but for what running calls hold, of which most comes back when they end.
func (e *BudgetError) Passing() bool { return e.Spent-e.Held+e.Needs <= e.Limit }

func (e *BudgetError) Error() string {
	return fmt.Sprintf("budget of %s %s: %s of %s are spent or reserved, this call may cost %s",
		e.Scope, e.ID, dollars(e.Spent), dollars(e.Limit), dollars(e.Needs))
}

func dollars(micro int64) string { return fmt.Sprintf("$%d.%06d", micro/1_000_000, micro%1_000_000) }

// BudgetKey is one budget that a call counts against.
type BudgetKey struct {
	Scope  BudgetScope
	ID     string
	Period Date // first day of the day or month; zero for a job
}

// Budgets returns the keys of all budgets above a call at a time, in the order in which they are asked: the narrowest
// first. Parts of the call that are not set have none.
func Budgets(c Call, at time.Time) []BudgetKey {
	at = at.UTC()
	day := Date{time.Date(at.Year(), at.Month(), at.Day(), 0, 0, 0, 0, time.UTC)}
	month := Date{time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)}
	var keys []BudgetKey
	if c.JobID != "" {
		keys = append(keys, BudgetKey{Scope: BudgetJob, ID: c.JobID})
	}
	if c.ProjectID != "" {
		keys = append(keys, BudgetKey{BudgetProjectDay, c.ProjectID, day}, BudgetKey{BudgetProjectMonth, c.ProjectID, month})
	}
	if c.UserID != "" {
		keys = append(keys, BudgetKey{BudgetUserDay, c.UserID, day}, BudgetKey{BudgetUserMonth, c.UserID, month})
	}
	return keys
}
