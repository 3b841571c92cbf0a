package jobs

import (
	"context"
	"time"

	"codeforge"
)

// Hooks are told of what an engine does, from its goroutines, and must not block. Those that are nil are not.
type Hooks struct {
	// Submitted: a job was taken in.
	Submitted func(codeforge.Job)
	// Claimed: a job became this worker's. It is run in the context that is returned, and left is called when its end is stored.
	Claimed func(context.Context, codeforge.Job) (_ context.Context, left func())
	// Ended: a run is over, and how it leaves its job was decided.
	Ended func(context.Context, codeforge.Job, End, time.Duration)
	// Renewed: so many claims were prolonged, and so many were found lost.
	Renewed func(held, lost int)
}

// End is how a run ended.
type End string

// All of them.
const (
	EndCompleted  End = "completed"
	EndWaiting    End = "waiting_for_input"
	EndFailed     End = "failed"
	EndTimedOut   End = "timed_out"
	EndCancelled  End = "cancelled"
	EndRetry      End = "retry"       // it goes back to the queue, the attempt counted
	EndPostponed  End = "postponed"   // it goes back until others have ended; not counted
	EndHandedBack End = "handed_back" // this process ends
	EndLost       End = "lost"        // the claim is somebody else's
)

// Ends are all of them.
var Ends = []End{EndCompleted, EndWaiting, EndFailed, EndTimedOut, EndCancelled, EndRetry, EndPostponed, EndHandedBack, EndLost}

// Stats are the state of an engine.
type Stats struct {
	Workers int // places for jobs
	Busy    int // of them
	Queued  int // jobs in the queue of the store, as far as this process knows
}

// Stats says how the engine is.
func (e *Engine) Stats() Stats {
	e.mu.Lock()
	defer e.mu.Unlock()
	return Stats{Workers: e.o.Workers, Busy: e.busy, Queued: max(int(e.queued.Load()), 0)}
}

func (h *Hooks) submitted(j codeforge.Job) {
	if h.Submitted != nil {
		h.Submitted(j)
	}
}

func (h *Hooks) claimed(ctx context.Context, j codeforge.Job) (_ context.Context, left func()) {
	if h.Claimed == nil {
		return ctx, func() {}
	}
	return h.Claimed(ctx, j)
}

func (h *Hooks) ended(ctx context.Context, j codeforge.Job, how End, took time.Duration) {
	if h.Ended != nil {
		h.Ended(ctx, j, how, took)
	}
}

func (h *Hooks) renewed(held, lost int) {
	if h.Renewed != nil {
		h.Renewed(held, lost)
	}
}
