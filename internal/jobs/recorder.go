package jobs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"codeforge"
)

// recorder stores and publishes what one run reports, in order. While one write is under way the next ones gather, so a
// chatty agent costs a few commits and never waits for the disk, until maxPending events wait.
type recorder struct {
	e     *Engine
	ctx   context.Context
	job   codeforge.Job // with what it kept since
	fence codeforge.Fence

	mu       sync.Mutex
	changed  sync.Cond // on mu: pending shrank or busy ended
	pending  []codeforge.Event
	progress float64 // highest reported
	busy     bool    // a goroutine is writing
	lost     bool    // the claim is gone: drop everything
}

const maxPending = 1000

func (e *Engine) record(ctx context.Context, job codeforge.Job, fence codeforge.Fence) *recorder {
	r := &recorder{e: e, ctx: context.WithoutCancel(ctx), job: job, fence: fence, progress: job.Progress}
	r.changed.L = &r.mu
	return r
}

// report is codeforge.Task.Report. Progress never goes back.
func (r *recorder) report(progress float64, evs ...codeforge.Event) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.pending) >= maxPending && !r.lost {
		r.changed.Wait()
	}
	if r.lost {
		return
	}
	for _, e := range evs {
		e.JobID = r.job.ID
		r.pending = append(r.pending, e)
	}
	if progress > r.progress {
		r.progress = min(progress, 100)
		r.pending = append(r.pending, codeforge.Event{JobID: r.job.ID, Type: codeforge.EventProgress,
			Data: stateData(r.job.ID, codeforge.Running, r.progress)})
	}
	if !r.busy && len(r.pending) > 0 {
		r.busy = true
		go r.writeBatches()
	}
}

// writeBatches empties pending, batch by batch, and ends.
func (r *recorder) writeBatches() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for len(r.pending) > 0 && !r.lost {
		batch, progress := r.pending, r.progress
		r.pending = nil
		r.changed.Broadcast()
		r.mu.Unlock()
		ok := r.store(batch, progress)
		r.mu.Lock()
		r.lost = r.lost || !ok
	}
	r.busy = false
	r.changed.Broadcast()
}

// store writes what is stored of a batch, then publishes the whole of it in its order. It reports false when the claim
// is lost. A store that fails for longer than a lease costs the run its claim anyway, so trying goes on until then.
func (r *recorder) store(batch []codeforge.Event, progress float64) bool {
	keep := make([]codeforge.Event, 0, len(batch))
	for _, e := range batch {
		if !e.Type.Transient() {
			keep = append(keep, e)
		}
	}
	if len(keep) > 0 {
		ctx, cancel := context.WithTimeout(r.ctx, r.e.o.Lease)
		defer cancel()
		for wait := 10 * time.Millisecond; ; wait *= 2 {
			stored, err := r.e.o.Store.RecordEvents(ctx, r.fence, progress, keep)
			if err == nil {
				keep = stored
				break
			}
			if errors.Is(err, ErrFenced) || ctx.Err() != nil {
				r.e.stopFenced(r.fence)
				return false
			}
			r.e.o.Log.Warn("events not stored", "next", "look at the store in /readyz?verbose; they are tried again with the next", "job_id", r.job.ID, "error", err)
			select {
			case <-time.After(wait):
			case <-ctx.Done():
			}
		}
	}
	out := slices.Clone(batch)
	for i := range out {
		if !out[i].Type.Transient() {
			out[i], keep = keep[0], keep[1:]
		}
	}
	r.e.pass(r.job, out)
	return true
}

// keep is codeforge.Task.Keep. It waits until everything reported is stored, and goes on trying as store does: verified work
// is stored even when the run's time is over, unless the claim is lost.
func (r *recorder) keep(ctx context.Context, stage codeforge.StageResult) (codeforge.Kept, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.busy {
		r.changed.Wait()
	}
	if r.lost {
		return codeforge.Kept{}, ErrFenced
	}
	before := r.progress
	if stage.Progress = min(stage.Progress, 100); stage.Progress > r.progress {
		r.progress = stage.Progress
		stage.Events = append(slices.Clone(stage.Events), codeforge.Event{Type: codeforge.EventProgress, Data: stateData(r.job.ID, codeforge.Running, r.progress)})
	}
	r.busy = true // what is reported meanwhile comes after it
	r.mu.Unlock()
	kept, err := r.storeStage(ctx, stage)
	r.mu.Lock()
	if err != nil && r.progress == stage.Progress {
		r.progress = before
	}
	if err == nil {
		r.job.Revision = max(r.job.Revision, kept.Revision)
		if stage.Proposal && len(stage.Changes) > 0 {
			r.job.Proposal = &codeforge.Proposal{Base: stage.Base, Message: stage.Message, Verified: true}
		}
	}
	r.lost = errors.Is(err, ErrFenced)
	if r.busy = len(r.pending) > 0 && !r.lost; r.busy {
		go r.writeBatches()
	}
	r.changed.Broadcast()
	return kept, err
}

func (r *recorder) storeStage(ctx context.Context, stage codeforge.StageResult) (codeforge.Kept, error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), r.e.o.Lease)
	defer cancel()
	for wait := 10 * time.Millisecond; ; wait *= 2 {
		kept, err := r.e.o.Store.KeepStage(ctx, r.fence, stage)
		fault, known := errors.AsType[*codeforge.Error](err)
		switch {
		case err == nil && len(kept.Events) < len(stage.Events): // kept before, by this try or another run
			r.e.o.Hub.Nudge(newsOf(r.job))
			return kept, nil
		case err == nil:
			r.e.publish(r.job, kept.Events...)
			return kept, nil
		case errors.Is(err, ErrFenced):
			r.e.stopFenced(r.fence)
			return kept, err
		case known && fault.Kind == codeforge.Conflict:
			return kept, err
		case known && (fault.Kind == codeforge.Invalid || fault.Kind == codeforge.TooLarge):
			return kept, unstorable(fault)
		}
		r.e.o.Log.Warn("stage not stored", "next", "look at the store in /readyz?verbose; the job is tried again from its journal", "job_id", r.job.ID, "stage", stage.Stage, "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return kept, &codeforge.Error{Kind: codeforge.Unavailable, Message: "The work so far could not be stored", Retryable: true, Cause: err}
		}
	}
}

// close waits until everything reported is stored and returns the progress. Later reports are dropped.
func (r *recorder) close() float64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.busy {
		r.changed.Wait()
	}
	r.lost = true
	return r.progress
}
