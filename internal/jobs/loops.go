package jobs

import (
	"context"
	"time"

	"codeforge"
)

// sweepLoop looks now and then after what no event tells of.
func (e *Engine) sweepLoop(ctx context.Context) {
	tick := time.NewTicker(e.o.Sweep)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := e.sweep(ctx); err != nil && ctx.Err() == nil {
			e.o.Log.Error("sweep failed", "next", "look at the store in /readyz?verbose; it is tried again by itself", "error", err)
		}
	}
}

// sweep corrects the count of queued jobs, and deletes what is old.
func (e *Engine) sweep(ctx context.Context) error {
	queued, err := e.o.Store.CountQueued(ctx)
	if err != nil {
		return err
	}
	e.queued.Store(int64(queued))
	if e.o.Retention > 0 {
		n, err := e.o.Store.SweepJobs(ctx, codeforge.Now().Add(-e.o.Retention))
		if err != nil {
			return err
		}
		if n > 0 {
			e.o.Log.Info("old jobs deleted", "jobs", n)
		}
	}
	if time.Since(e.swept) >= sweepWorkingEvery {
		e.swept = time.Now()
		return e.o.Store.SweepWorking(ctx, codeforge.Now().Add(-codeforge.WorkingKept))
	}
	return nil
}

// sweepWorkingEvery is how often working files of jobs that have ended are looked for.
const sweepWorkingEvery = 10 * time.Minute

// recheckClaim has the claims looked at soon if a job ("": any) runs here, and reports whether it does: somebody may have
// ended it elsewhere. Its run is stopped when its claim is gone.
func (e *Engine) recheckClaim(jobID string) (here bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for r := range e.running {
		if jobID == "" || r.fence.JobID == jobID {
			select {
			case e.recheck <- struct{}{}:
			default:
			}
			return true
		}
	}
	return false
}

// EventsAdded implements [Inbox]. Whoever watches a job that runs here has its events already.
func (e *Engine) EventsAdded(news codeforge.Event) {
	if news.JobID == "" || !e.recheckClaim(news.JobID) {
		e.o.Hub.Nudge(news)
	}
}

// Receive implements [Inbox].
func (e *Engine) Receive(events ...codeforge.Event) {
	e.o.Hub.Publish(events...)
	for _, ev := range events {
		if ev.Type.Final() {
			e.recheckClaim(ev.JobID)
		}
	}
}

// EventsMissed implements [Inbox].
func (e *Engine) EventsMissed() {
	e.recheckClaim("")
	e.LookAtWatched()
}

// LookAtWatched implements [Inbox]. A job that runs here has no other source of events but a cancellation, which the
// renewal of its lease finds.
func (e *Engine) LookAtWatched() {
	for _, id := range e.o.Hub.Jobs() {
		if !e.Runs(id) {
			e.o.Hub.Nudge(codeforge.Event{JobID: id})
		}
	}
	e.o.Hub.NudgeFeeds()
}

// Runs reports whether a job runs here, so that its events are published as they come.
func (e *Engine) Runs(jobID string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for r := range e.running {
		if r.fence.JobID == jobID {
			return true
		}
	}
	return false
}

// leaseLoop keeps the claims of running jobs, all in one write, and stops the runs whose claim is gone.
func (e *Engine) leaseLoop(ctx context.Context) {
	tick := time.NewTicker(e.o.Lease / 3)
	defer tick.Stop()
	pause := min(100*time.Millisecond, e.o.Lease/3) // between two looks: what a job itself reports calls for one too
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-e.recheck:
			select {
			case <-ctx.Done():
				return
			case <-time.After(time.Until(last.Add(pause))):
			}
		}
		last = time.Now()
		e.mu.Lock()
		held := make([]codeforge.Fence, 0, len(e.running))
		for r := range e.running {
			held = append(held, r.fence)
		}
		e.mu.Unlock()
		if len(held) == 0 {
			continue
		}
		lost, err := e.o.Store.RenewLeases(ctx, held, e.o.Lease)
		if err != nil && ctx.Err() == nil {
			// Nothing is lost yet: the next tick comes before the lease ends, and a claim that was taken is fenced.
			e.o.Log.Error("leases not renewed", "next", "look at the store in /readyz?verbose; jobs whose lease lapses are taken over from their journal", "error", err)
		}
		if err == nil {
			e.o.Hooks.renewed(len(held)-len(lost), len(lost))
		}
		for _, f := range lost {
			e.stopFenced(f)
		}
	}
}

// stopFenced stops the run of a claim that is no longer ours.
func (e *Engine) stopFenced(f codeforge.Fence) {
	e.o.Hub.Nudge(codeforge.Event{JobID: f.JobID})
	e.mu.Lock()
	defer e.mu.Unlock()
	for r := range e.running {
		if r.fence == f {
			r.cancel(ErrFenced)
		}
	}
}
