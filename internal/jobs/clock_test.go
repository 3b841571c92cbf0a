package jobs_test

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/events"
	"codeforge/internal/jobs"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
)

// set is a rig on a clock that can be set.
func set(t *testing.T, run runFunc) (r *rig, ahead *atomic.Int64) {
	t.Helper()
	ahead = &atomic.Int64{}
	store, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), sqlite.Options{Now: func() time.Time { return codeforge.Now().Add(time.Duration(ahead.Load())) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	r = &rig{t: t, store: store, hub: events.NewHub(), user: codeforge.LocalUser()}
	r.engine = r.newEngine(run, func(o *jobs.Options) { o.Log = slog.New(slog.DiscardHandler) })
	return r, ahead
}

// A machine that slept, or whose clock was set forward, does not take its own running jobs for lost.
func TestClockSetForwardStartsNothingTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		r, ahead := set(t, func(_ context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			if task.Job.Agent == codeforge.QA {
				return codeforge.Outcome{}, &codeforge.Error{Kind: codeforge.Unavailable, Message: "again", Retryable: true} // makes the engine look for due jobs
			}
			<-release
			return codeforge.Outcome{}, nil
		})
		p := r.project()
		long := r.submit(p, codeforge.Research)
		synctest.Wait()
		ahead.Store(int64(time.Hour))
		r.submit(p, codeforge.QA)
		time.Sleep(3 * time.Second)
		if j := r.want(long, codeforge.Running); j.Crashes != 0 || j.Fence != 1 {
			t.Errorf("%d crashes, claim %d", j.Crashes, j.Fence)
		}
		close(release)
		synctest.Wait()
		r.want(long, codeforge.JobCompleted)
	})
}

// One that is set back holds up nothing: not what is submitted, not what waits for another try.
func TestClockSetBackHoldsUpNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var failed atomic.Bool
		r, ahead := set(t, func(_ context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			if task.Job.Agent == codeforge.QA && !failed.Swap(true) {
				return codeforge.Outcome{}, &codeforge.Error{Kind: codeforge.Unavailable, Message: "again", Retryable: true}
			}
			return codeforge.Outcome{}, nil
		})
		p := r.project()
		again := r.submit(p, codeforge.QA)
		synctest.Wait()
		r.want(again, codeforge.Queued)
		ahead.Store(-int64(24 * time.Hour))
		fresh := r.submit(p, codeforge.Research)
		synctest.Wait()
		r.want(fresh, codeforge.JobCompleted)
		time.Sleep(time.Minute)
		r.want(again, codeforge.JobCompleted)
	})
}
