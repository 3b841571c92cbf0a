package jobs

import (
	"context"
	"runtime"
	"time"

	"codeforge"
)

// announce says that a job may be due: here, if a worker is free for it, else to the other processes.
func (e *Engine) announce(id string) {
	if !e.Wake(id) {
		e.o.Courier.Announce(id)
	}
}

// Wake implements [Inbox]. Wakes that come before the next claim is made are one, and what is claimed then the store decides; so one
// that comes late, twice or for nothing does no harm, and what one that never comes was to tell is found when the claimer next
// looks by itself.
func (e *Engine) Wake(string) (taken bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.draining || e.o.Workers == 0 {
		return false
	}
	e.due = true
	if e.busy < e.o.Workers {
		e.claimNow()
		return true
	}
	return false
}

// claimNow has a claim made, if a place is free.
func (e *Engine) claimNow() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// LookForDue implements [Inbox].
func (e *Engine) LookForDue() { e.Wake("") }

// Free implements [Inbox].
func (e *Engine) Free() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.freed == nil {
		e.freed = make(chan struct{})
	}
	c := e.freed
	if e.busy < e.o.Workers && !e.draining {
		e.nowFree()
	}
	return c
}

// nowFree tells those who wait for a free worker; mu is held.
func (e *Engine) nowFree() {
	if e.freed != nil {
		close(e.freed)
		e.freed = nil
	}
}

// claimBy asks for a claim at t or earlier. It never blocks: an earlier wish that waits to be heard wins.
func (e *Engine) claimBy(t time.Time) {
	for {
		select {
		case e.sooner <- t:
			return
		case old := <-e.sooner:
			if old.Before(t) {
				t = old
			}
		}
	}
}

// claimLoop claims when something may be due and a place is free: when it is woken, when a job is known to become due, and now
// and then anyway. next is how soon that may be; 0: nothing is known of it.
func (e *Engine) claimLoop(ctx context.Context, next time.Duration) {
	at := time.Now().Add(e.o.Sweep)
	timer := time.NewTimer(e.o.Sweep)
	defer timer.Stop()
	for {
		if next > 0 && time.Now().Add(next).Before(at) {
			at = time.Now().Add(next)
			timer.Reset(next)
		}
		next = 0
		select {
		case <-ctx.Done():
			return
		case t := <-e.sooner:
			if t.Before(at) {
				at = t
				timer.Reset(time.Until(at))
			}
			continue
		case <-e.wake:
		case <-timer.C:
			at = time.Now().Add(e.o.Sweep)
			timer.Reset(e.o.Sweep)
		}
		next = e.claim(ctx)
	}
}

// claim fills the free places as far as jobs are due, and says how soon the next one may be; 0: nothing is known of it.
func (e *Engine) claim(ctx context.Context) time.Duration {
	for {
		runtime.Gosched() // whoever is about to give a place back, or to submit another job, is in time for this claim
		p := e.o.Policy
		e.mu.Lock()
		want := e.o.Workers - e.busy
		if want <= 0 || e.draining {
			e.due = true
			e.mu.Unlock()
			return 0
		}
		e.due = false
		e.claiming++
		e.open++
		for r := range e.running {
			p.Held = append(p.Held, r.fence.JobID)
		}
		e.mu.Unlock()
		// Not with ctx: whether the claim was made must be known, and a draining engine hands back what it got.
		got, err := e.o.Store.ClaimJobs(context.WithoutCancel(ctx), e.worker, e.o.Lease, want, p)
		if err != nil {
			e.o.Log.Error("claim failed", "next", "look at the store in /readyz?verbose; it is tried again by itself", "error", err)
		}
		e.begin(got)
		switch {
		case err != nil:
			return time.Second
		case got.More && len(got.Jobs) > 0 && len(got.Jobs) < want:
			continue
		case got.More && len(got.Jobs) > 0 && time.Since(e.told) >= tellOthersEvery:
			e.told = time.Now()
			e.o.Courier.Announce(got.Jobs[0].ID) // whichever: it is the others that are due
		}
		return got.Next
	}
}

// tellOthersEvery is how often other processes are told that more is due than this one has places for.
const tellOthersEvery = time.Second

// enter is for who makes a claim otherwise than as the claimer does, and says what came of it to [Engine.begin]. A draining engine
// begins nothing.
func (e *Engine) enter() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.draining || e.stopping {
		return &codeforge.Error{Kind: codeforge.Unavailable, Message: "The server is stopping; try again in a moment", RetryAfter: time.Second}
	}
	e.claiming++
	e.open++
	return nil
}

// begin starts the work on claimed jobs.
func (e *Engine) begin(got codeforge.Claimed) {
	e.queued.Add(-int64(len(got.Jobs)))
	for _, job := range got.Jobs {
		if job.Agent != codeforge.Noop {
			e.publish(job) // its project's conversation says that it runs
		}
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, job := range got.Jobs {
		ctx, cancel := context.WithCancelCause(context.Background())
		r := &run{codeforge.Fence{JobID: job.ID, Number: job.Fence}, cancel}
		if _, ok := e.ended[job.ID]; ok {
			cancel(ErrCancelled)
		} else if e.draining {
			cancel(ErrShutdown)
		}
		e.running[r] = struct{}{}
		e.busy++
		e.open++
		go e.work(ctx, job, r)
	}
	e.due = e.due || got.More
	if e.claiming--; e.claiming == 0 {
		clear(e.ended)
	}
	e.close()
}

// close takes a goroutine from those that a draining engine waits for; mu is held.
func (e *Engine) close() {
	if e.open--; e.open == 0 && e.draining {
		close(e.idle)
	}
}

// release gives a place back.
func (e *Engine) release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.busy--
	e.nowFree()
	if e.due || e.o.Policy.Limits() {
		e.claimNow()
	}
}

// work runs a claimed job to an end.
func (e *Engine) work(ctx context.Context, job codeforge.Job, r *run) {
	defer r.cancel(nil)
	defer func() {
		e.mu.Lock()
		defer e.mu.Unlock()
		delete(e.running, r)
		e.close()
	}()
	ctx, left := e.o.Hooks.claimed(ctx, job)
	defer left()
	began := time.Now()
	o, how := e.run(ctx, job, r.fence)
	e.o.Hooks.ended(ctx, job, how, time.Since(began))
	// The place is free before the end is stored: the next claim shares that commit.
	e.release()
	e.finish(ctx, job, r.fence, o)
	if job.Crashes >= codeforge.SuspectCrashes || e.o.Policy.Limits() {
		e.LookForDue() // what it stood in the way of may be due now
	}
}
