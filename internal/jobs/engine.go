package jobs

import (
	"context"

	"codeforge"
)

// Engine runs jobs. (Surface only for now; the body follows.)
type Engine struct{}

// Submit stores a job and wakes a worker. fresh is false when the idempotency key was used before.
func (e *Engine) Submit(ctx context.Context, u codeforge.User, n codeforge.NewJob) (job codeforge.Job, fresh bool, err error) {
	panic("soon")
}

// Cancel ends a job and stops the model call that it is in.
func (e *Engine) Cancel(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	panic("soon")
}

// Respond gives a waiting job its answers and returns the alias under which it goes on.
func (e *Engine) Respond(ctx context.Context, u codeforge.User, id string, answers []byte) (alias string, err error) {
	panic("soon")
}
