package api

import (
	"context"

	"codeforge"
	"codeforge/internal/llm"
)

// Ledger has the accounts of model calls: what was spent, and what may be. Like those of [Store], the methods take the caller
// and answer NotFound for what is another user's.
type Ledger interface {
	// SumUsage sums the model calls of u that the filter selects: in all, and by group, at most f.Limit of them (0: 100). A job
	// may be named by an alias; one that was swept is known as long as its calls are.
	SumUsage(ctx context.Context, u codeforge.User, f codeforge.UsageFilter) (total codeforge.UsageSum, groups []codeforge.UsageSum, err error)
	// JobCalls returns the calls for a job (or an alias of it) after a cursor ("": from the first on), in order, at most limit. A job that
	// was swept is known as long as its calls are.
	JobCalls(ctx context.Context, u codeforge.User, jobID, cursor string, limit int) (codeforge.JobCalls, error)
	// JobAnswer returns what the journal has of a call of a job (or an alias of it) by its number: an entry as [llm.Answered] reads it. It is
	// NotFound for a call of which there is none any more.
	JobAnswer(ctx context.Context, u codeforge.User, jobID string, call int) (entry []byte, err error)
	// JobUsage returns what the newest jobs of u of an agent type took that completed and called a model, newest first, at
	// most limit. It may look at u's newest calls only.
	JobUsage(ctx context.Context, u codeforge.User, agent codeforge.AgentType, limit int) ([]codeforge.JobUsage, error)

	// Budgets returns the ceilings in force now for u, and for a project and a job of u when their ids are not empty.
	// What reservations that lapsed stand for is spent.
	Budgets(ctx context.Context, u codeforge.User, projectID, jobID string) ([]codeforge.Budget, error)
	// SetBudget sets u's own ceiling on a job (or an alias of it), a project or u, in micro-dollars; nil lifts it. Where
	// the server has a ceiling too, the lower one is in force.
	SetBudget(ctx context.Context, u codeforge.User, scope llm.BudgetScope, id string, most *int64) error
}
