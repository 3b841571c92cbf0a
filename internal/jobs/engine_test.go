package jobs_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/events"
	"codeforge/internal/jobs"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
	"codeforge/internal/storetest"
)

// rig is an engine over a real store, inside a bubble of virtual time.
type rig struct {
	t      *testing.T
	store  *sqlite.Store
	hub    *events.Hub
	engine *jobs.Engine
	user   codeforge.User
}

type runFunc = func(context.Context, *codeforge.Task) (codeforge.Outcome, error)

func newRig(t *testing.T, run runFunc, with ...func(*jobs.Options)) *rig {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	r := &rig{t: t, store: store, hub: events.NewHub(), user: codeforge.LocalUser()}
	r.engine = r.newEngine(run, with...)
	return r
}

func (r *rig) newEngine(run runFunc, with ...func(*jobs.Options)) *jobs.Engine {
	o := jobs.Options{Store: r.store, Hub: r.hub, Log: slog.New(slog.DiscardHandler), Run: run, Exclusive: true, Workers: 16}
	for _, f := range with {
		f(&o)
	}
	e := jobs.New(o)
	if err := e.Start(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(func() { e.Drain(context.Background(), time.Minute) })
	return e
}

func (r *rig) project() string {
	r.t.Helper()
	p, err := r.store.CreateProject(r.t.Context(), r.user, codeforge.Project{Title: "Test", Mode: codeforge.ModeBuilder})
	if err != nil {
		r.t.Fatal(err)
	}
	return p.ID
}

func (r *rig) submit(project string, agent codeforge.AgentType) string {
	r.t.Helper()
	j, _, err := r.engine.Submit(r.t.Context(), r.user, codeforge.NewJob{ProjectID: project, Agent: agent, Input: json.RawMessage("{}")})
	if err != nil {
		r.t.Fatal(err)
	}
	return j.ID
}

func (r *rig) job(id string) codeforge.Job {
	r.t.Helper()
	j, err := r.store.GetJob(r.t.Context(), r.user, id)
	if err != nil {
		r.t.Fatal(err)
	}
	return j
}

// types follows a job to its end and returns the types of its events.
func (r *rig) types(id string) (out []codeforge.EventType) {
	r.t.Helper()
	read := func(ctx context.Context, after int64, limit int) ([]codeforge.Event, error) {
		return r.store.Events(ctx, r.user, id, after, limit)
	}
	for e, err := range r.hub.Follow(r.t.Context(), id, 0, read) {
		if err != nil {
			r.t.Fatal(err)
		}
		if e.Seq != 0 {
			out = append(out, e.Type)
		}
	}
	return out
}

func (r *rig) want(id string, s codeforge.JobStatus) codeforge.Job {
	r.t.Helper()
	j := r.job(id)
	if j.Status != s {
		r.t.Fatalf("job is %s (%s), want %s", j.Status, j.Error, s)
	}
	return j
}

func done(o codeforge.Outcome) runFunc {
	return func(context.Context, *codeforge.Task) (codeforge.Outcome, error) { return o, nil }
}

func TestCompletes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			task.Report(10, codeforge.Event{Type: codeforge.EventStage, Data: json.RawMessage(`{"stage":"code"}`)})
			task.Report(-1, codeforge.Event{Type: codeforge.EventDelta, Data: json.RawMessage(`{"text":"x"}`)})
			_, err := task.Keep(ctx, codeforge.StageResult{Stage: codeforge.Code, Message: "First", Changes: []codeforge.FileChange{{Path: "a.ts", Content: "export {}"}}})
			return codeforge.Outcome{Result: json.RawMessage(`{"summary":"ok"}`)}, err
		})
		p := r.project()
		id := r.submit(p, codeforge.Code)
		got := r.types(id)
		want := []codeforge.EventType{codeforge.EventProgress, codeforge.EventStage, codeforge.EventProgress, codeforge.EventComplete}
		if !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
		j := r.want(id, codeforge.JobCompleted)
		if j.Progress != 100 || j.Revision != 1 || string(j.Result) != `{"summary":"ok"}` || j.CompletedAt == nil {
			t.Errorf("job %+v", j)
		}
		if f, err := r.store.GetFile(t.Context(), r.user, p, "a.ts"); err != nil || f.Content != "export {}" {
			t.Errorf("file %+v, %v", f, err)
		}
	})
}

// A run keeps stage by stage: what it keeps comes after what it reported before, is seen by whoever watches, and stays when
// the run fails, is cancelled or runs out of time. A run that follows one which broke off is answered as that one was.
func TestKeepsStages(t *testing.T) {
	stage := func(round int, base int64, text string) codeforge.StageResult {
		return codeforge.StageResult{Stage: codeforge.Code, Round: round, Base: base, Changes: []codeforge.FileChange{{Path: "a.ts", Content: text}}, Progress: float64(20 * (round + 1)),
			Events: []codeforge.Event{{Type: codeforge.EventFile, Data: fmt.Appendf(nil, `{"round":%d}`, round)}}}
	}
	ends := map[string]func(r *rig, ctx context.Context, task *codeforge.Task) error{
		"failed": func(*rig, context.Context, *codeforge.Task) error {
			return &codeforge.Error{Kind: codeforge.AgentFailed, Message: "No more tokens"}
		},
		"cancelled": func(r *rig, ctx context.Context, task *codeforge.Task) error {
			if _, err := r.engine.Cancel(ctx, r.user, task.Job.ID); err != nil {
				r.t.Error(err)
			}
			_, err := task.Keep(ctx, stage(2, 2, "late"))
			if !errors.Is(err, jobs.ErrFenced) {
				r.t.Errorf("kept after the end: %v", err)
			}
			return err
		},
		"timeout": func(_ *rig, ctx context.Context, _ *codeforge.Task) error {
			<-ctx.Done()
			return context.Cause(ctx)
		},
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var r *rig
				runs := 0
				r = newRig(t, nil, func(o *jobs.Options) {
					o.Run = func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
						runs++
						for round, text := range []string{"one", "two"} {
							task.Report(float64(5+20*round), codeforge.Event{Type: codeforge.EventStage})
							kept, err := task.Keep(ctx, stage(round, int64(round), text))
							if err != nil || kept.Revision != int64(round+1) {
								t.Errorf("run %d, round %d: %+v, %v", runs, round, kept, err)
							}
							if runs == 1 && round == 1 {
								return codeforge.Outcome{}, &codeforge.Error{Kind: codeforge.Unavailable, Message: "again", Retryable: true}
							}
						}
						if head, files, err := task.Head(ctx); err != nil || head != 2 || len(files) != 1 || files[0].Content != "two" {
							t.Errorf("head %d, %+v, %v", head, files, err)
						}
						if files, err := task.Snapshot(ctx, 1); err != nil || len(files) != 1 || files[0].Content != "one" {
							t.Errorf("snapshot %+v, %v", files, err)
						}
						_, err := task.Keep(ctx, stage(3, 1, "stale"))
						if newest, moved := codeforge.MovedTo(err); !moved || newest != 2 {
							t.Errorf("kept on an old revision: %v", err)
						}
						return codeforge.Outcome{}, end(r, ctx, task)
					}
				})
				p := r.project()
				id := r.submit(p, codeforge.Code)
				kinds := r.types(id)
				if j := r.job(id); !j.Status.Terminal() || j.Revision != 2 || runs != 2 || j.Progress != 40 {
					t.Errorf("%d runs, job %+v", runs, j)
				}
				if f, err := r.store.GetFile(t.Context(), r.user, p, "a.ts"); err != nil || f.Content != "two" || f.Version != 2 {
					t.Errorf("%+v, %v", f, err)
				}
				want := []codeforge.EventType{codeforge.EventProgress, codeforge.EventStage, codeforge.EventProgress, codeforge.EventFile, codeforge.EventProgress,
					codeforge.EventStage, codeforge.EventProgress, codeforge.EventFile, codeforge.EventProgress}
				if len(kinds) < len(want) || !slices.Equal(kinds[:len(want)], want) {
					t.Errorf("events %v", kinds)
				}
			})
		})
	}
}

// A stage that the rules of files refuse ends its job in words of the rule, and one that the store cannot take now is kept later.
func TestStageThatCannotBeStored(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			_, err := task.Keep(ctx, codeforge.StageResult{Stage: codeforge.Code, Changes: []codeforge.FileChange{{Path: "../a.ts"}}})
			return codeforge.Outcome{}, err
		})
		id := r.submit(r.project(), codeforge.Code)
		r.types(id)
		if j := r.want(id, codeforge.JobFailed); !strings.HasPrefix(j.Error, "The result could not be stored: ") || j.Revision != 0 {
			t.Errorf("job %+v", j)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		var tries atomic.Int32 // from -3 on commits fail, the last of them although it was made
		store, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), sqlite.Options{Fault: func() (bool, error) {
			switch n := tries.Add(1); {
			case n < 0:
				return false, errors.New("no disk")
			case n == 0:
				return true, errors.New("no answer")
			}
			return false, nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		tries.Store(1)
		r := &rig{t: t, store: store, hub: events.NewHub(), user: codeforge.LocalUser()}
		r.engine = r.newEngine(func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			tries.Store(-3)
			kept, err := task.Keep(ctx, codeforge.StageResult{Stage: codeforge.Code, Changes: []codeforge.FileChange{{Path: "a.ts"}}, Events: []codeforge.Event{{Type: codeforge.EventFile}}})
			if err != nil || kept.Revision != 1 {
				t.Errorf("%+v, %v", kept, err)
			}
			return codeforge.Outcome{}, nil
		})
		id := r.submit(r.project(), codeforge.Code)
		if got := r.types(id); !slices.Equal(got, []codeforge.EventType{codeforge.EventProgress, codeforge.EventFile, codeforge.EventComplete}) {
			t.Errorf("events %v", got)
		}
		r.want(id, codeforge.JobCompleted)
	})
}

// A job that fails leaves the project at the last revision that it kept, says why, and may leave what it made as a proposal.
func TestFailureChangesNothingAfterWhatWasKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			if _, err := task.Keep(ctx, codeforge.StageResult{Stage: codeforge.Code, Changes: []codeforge.FileChange{{Path: "a.ts", Content: "good"}}}); err != nil {
				t.Error(err)
			}
			return codeforge.Outcome{Result: json.RawMessage(`{"diagnostics":[]}`), Chat: []codeforge.Message{{Role: "assistant", Content: "I tried."}},
					Proposal: &codeforge.NewProposal{Base: 1, Changes: []codeforge.FileChange{{Path: "a.ts", Content: "broken"}}}},
				&codeforge.Error{Kind: codeforge.AgentFailed, Message: "It does not build", Cause: errors.New("secret detail")}
		})
		p := r.project()
		id := r.submit(p, codeforge.Code)
		r.types(id)
		j := r.want(id, codeforge.JobFailed)
		if j.Error != "It does not build" || string(j.Result) != `{"diagnostics":[]}` {
			t.Errorf("job %+v", j)
		}
		if files, rev, err := r.store.ListFiles(t.Context(), r.user, p, true, -1); err != nil || rev != 1 || j.Revision != 1 || len(files) != 1 || files[0].Content != "good" {
			t.Errorf("revision %d: %+v, %v", rev, files, err)
		}
		if j.Proposal == nil || j.Proposal.Verified {
			t.Errorf("proposal %+v", j.Proposal)
		}
		done, err := r.engine.Apply(t.Context(), r.user, id, codeforge.Application{TreeChange: codeforge.TreeChange{Head: 1, Changes: []codeforge.FileChange{{Path: "a.ts", Content: "broken"}}}})
		if err != nil || done.Status != codeforge.JobFailed || done.Revision != 2 {
			t.Errorf("taken over: %+v, %v", done, err)
		}
		if said, err := r.store.ListMessages(t.Context(), r.user, p, codeforge.MessageFilter{Limit: 10}); err != nil || len(said) != 1 || said[0].Content != "This did not work out: It does not build.\n\nI tried." {
			t.Errorf("the conversation has %+v, %v", said, err)
		}
	})
}

func TestUnknownErrorsAndPanicsTellNothing(t *testing.T) {
	for name, run := range map[string]runFunc{
		"error": func(context.Context, *codeforge.Task) (codeforge.Outcome, error) {
			return codeforge.Outcome{}, errors.New("pq: password wrong")
		},
		"panic": func(context.Context, *codeforge.Task) (codeforge.Outcome, error) { panic("at /home/x") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := newRig(t, run)
				id := r.submit(r.project(), codeforge.QA)
				r.types(id)
				if j := r.want(id, codeforge.JobFailed); j.Error != "The agent failed unexpectedly" {
					t.Errorf("error %q", j.Error)
				}
			})
		})
	}
}

// A job that waits for others is put back as often as it takes: no try of it failed.
func TestWaitingIsNoFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tries := 0
		r := newRig(t, func(context.Context, *codeforge.Task) (codeforge.Outcome, error) {
			if tries++; tries <= 10 {
				return codeforge.Outcome{}, &codeforge.Error{Kind: codeforge.AgentFailed, Message: "others hold the budget", Retryable: true, Waits: true, RetryAfter: time.Minute}
			}
			return codeforge.Outcome{Result: json.RawMessage(`{}`)}, nil
		})
		start := time.Now()
		id := r.submit(r.project(), codeforge.QA)
		r.types(id)
		if j := r.want(id, codeforge.JobCompleted); j.Failures != 0 || tries != 11 || time.Since(start) < 10*time.Minute {
			t.Errorf("%d failures in %d tries after %v", j.Failures, tries, time.Since(start))
		}
	})
}

func TestRetries(t *testing.T) {
	for _, succeedsAt := range []int{2, 3, 4} {
		t.Run(fmt.Sprint(succeedsAt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				runs := 0
				began := time.Now()
				r := newRig(t, func(context.Context, *codeforge.Task) (codeforge.Outcome, error) {
					if runs++; runs < succeedsAt {
						return codeforge.Outcome{}, &codeforge.Error{Kind: codeforge.AgentFailed, Message: "Overloaded", Retryable: true, RetryAfter: 7 * time.Second}
					}
					return codeforge.Outcome{Result: json.RawMessage("{}")}, nil
				})
				id := r.submit(r.project(), codeforge.QA)
				r.types(id)
				want, status := succeedsAt, codeforge.JobCompleted
				if succeedsAt > 3 {
					want, status = 3, codeforge.JobFailed
				}
				r.want(id, status)
				if runs != want {
					t.Errorf("%d runs, want %d", runs, want)
				}
				if took := time.Since(began); took < time.Duration(want-1)*7*time.Second || took > time.Minute {
					t.Errorf("took %v", took)
				}
			})
		})
	}
}

func TestTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(ctx context.Context, _ *codeforge.Task) (codeforge.Outcome, error) {
			<-ctx.Done()
			return codeforge.Outcome{}, context.Cause(ctx)
		}, func(o *jobs.Options) {
			o.AgentTimeout = 300 * time.Second
		})
		began := time.Now()
		id := r.submit(r.project(), codeforge.Code)
		r.types(id)
		j := r.want(id, codeforge.JobFailed)
		if j.Error != "The code agent did not finish within 5m0s" || time.Since(began) != 300*time.Second {
			t.Errorf("%q after %v", j.Error, time.Since(began))
		}
	})
}

// blocked is an agent that says when it runs and ends when told or stopped.
type blocked struct {
	runs   chan *codeforge.Task
	finish chan struct{}
	causes chan error
}

func newBlocked() *blocked {
	return &blocked{make(chan *codeforge.Task, 100), make(chan struct{}), make(chan error, 100)}
}

func (b *blocked) run(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
	b.runs <- task
	select {
	case <-b.finish:
		return codeforge.Outcome{Result: json.RawMessage("{}")}, nil
	case <-ctx.Done():
		b.causes <- context.Cause(ctx)
		return codeforge.Outcome{}, context.Cause(ctx)
	}
}

func TestCancelReachesTheRunningWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked()
		r := newRig(t, b.run)
		id := r.submit(r.project(), codeforge.Code)
		<-b.runs
		began := time.Now()
		if _, err := r.engine.Cancel(t.Context(), r.user, id); err != nil {
			t.Fatal(err)
		}
		if cause := <-b.causes; !errors.Is(cause, jobs.ErrCancelled) || time.Since(began) > 250*time.Millisecond {
			t.Errorf("stopped by %v after %v", cause, time.Since(began))
		}
		if got := r.types(id); got[len(got)-1] != codeforge.EventCancelled {
			t.Errorf("events %v", got)
		}
		r.want(id, codeforge.JobCancelled)
		if _, err := r.engine.Cancel(t.Context(), r.user, id); !codeforge.IsKind(err, codeforge.Invalid) {
			t.Errorf("second cancel: %v", err)
		}
	})
}

// A project that is deleted stops the work on it, here at once; those who watch see the end.
func TestDeletedProjectStopsItsJobs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked()
		r := newRig(t, b.run)
		project := r.project()
		id, next, other := r.submit(project, codeforge.Code), r.submit(project, codeforge.Code), r.submit(r.project(), codeforge.Code)
		<-b.runs
		<-b.runs
		var seen []codeforge.EventType
		watched := make(chan struct{})
		read := func(ctx context.Context, after int64, limit int) ([]codeforge.Event, error) {
			return r.store.Events(ctx, r.user, next, after, limit)
		}
		go func() {
			defer close(watched)
			for e, err := range r.hub.Follow(t.Context(), next, 0, read) {
				if err != nil {
					t.Error(err)
				}
				seen = append(seen, e.Type)
			}
		}()
		synctest.Wait()
		if err := r.engine.DeleteProject(t.Context(), r.user, project, nil); err != nil {
			t.Fatal(err)
		}
		if cause := <-b.causes; !errors.Is(cause, jobs.ErrCancelled) {
			t.Error(cause)
		}
		<-watched
		if want := []codeforge.EventType{codeforge.EventProgress, codeforge.EventCancelled}; !slices.Equal(seen, want) {
			t.Error(seen)
		}
		synctest.Wait()
		if r.engine.Runs(id) || r.engine.Runs(next) || !r.engine.Runs(other) {
			t.Error("the wrong job was stopped")
		}
		if err := r.engine.DeleteProject(t.Context(), r.user, project, nil); !codeforge.IsKind(err, codeforge.Missing) {
			t.Error(err)
		}
		close(b.finish)
		r.types(other)
		r.want(other, codeforge.JobCompleted)
	})
}

// What ended a job elsewhere, and was announced, stops its work here long before the lease would be renewed.
func TestCancelElsewhereReachesTheRunningWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked()
		r := newRig(t, b.run, func(o *jobs.Options) { o.Exclusive, o.Lease = false, time.Hour })
		p := r.project()
		id, other := r.submit(p, codeforge.Code), r.submit(r.project(), codeforge.Code)
		<-b.runs
		<-b.runs
		if !r.engine.Runs(id) || r.engine.Runs(codeforge.NewID()) {
			t.Error("the engine does not know what it runs")
		}
		r.engine.EventsAdded(codeforge.Event{JobID: id})
		r.engine.EventsMissed()
		synctest.Wait() // nothing is wrong so far
		began := time.Now()
		if _, err := r.store.CancelJob(t.Context(), r.user, id); err != nil {
			t.Fatal(err)
		}
		r.engine.EventsAdded(codeforge.Event{JobID: id})
		if cause := <-b.causes; !errors.Is(cause, jobs.ErrFenced) || time.Since(began) > time.Second {
			t.Errorf("stopped by %v after %v", cause, time.Since(began))
		}
		synctest.Wait()
		if r.engine.Runs(id) || !r.engine.Runs(other) {
			t.Error("the wrong job was stopped")
		}
		r.want(id, codeforge.JobCancelled)
		close(b.finish)
		r.types(other) // until its end
		r.want(other, codeforge.JobCompleted)
	})
}

// Whoever takes a job back, or submits one in its place, stops its work; what was kept is undone by the one and stays with the other.
func TestWorkIsStoppedByWhatTakesItsPlace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		causes, kept := make(chan error, 10), make(chan string, 10)
		r := newRig(t, func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			if _, err := task.Keep(ctx, codeforge.StageResult{Stage: codeforge.Code, Base: task.Job.Base, Changes: []codeforge.FileChange{{Path: "a.ts", Content: task.Job.ID}}}); err != nil {
				t.Error(err)
			}
			kept <- task.Job.ID
			<-ctx.Done()
			causes <- context.Cause(ctx)
			return codeforge.Outcome{}, context.Cause(ctx)
		})
		p := r.project()
		first := r.submit(p, codeforge.Code)
		<-kept
		waiting := r.submit(p, codeforge.Builder)
		second, _, err := r.engine.Submit(t.Context(), r.user, codeforge.NewJob{ProjectID: p, Agent: codeforge.Code, IfBusy: codeforge.BusyCancel})
		if err != nil {
			t.Fatal(err)
		}
		if id := <-kept; id != second.ID {
			t.Errorf("%s runs in place of %s", id, first)
		}
		if cause := <-causes; !errors.Is(cause, jobs.ErrCancelled) {
			t.Errorf("stopped by %v", cause)
		}
		for _, id := range []string{first, waiting} {
			if got := r.types(id); got[len(got)-1] != codeforge.EventCancelled {
				t.Errorf("events %v", got)
			}
			r.want(id, codeforge.JobCancelled)
		}
		if _, _, err := r.engine.Submit(t.Context(), r.user, codeforge.NewJob{ProjectID: p, Agent: codeforge.Code, IfBusy: codeforge.BusyReject}); !codeforge.IsKind(err, codeforge.Conflict) {
			t.Errorf("submitted beside it: %v", err)
		}
		if j := r.job(first); j.Revision != 1 {
			t.Errorf("kept %+v", j)
		}

		undo := codeforge.TreeChange{Head: 2, Changes: []codeforge.FileChange{{Path: "a.ts", Content: first}}}
		if j, err := r.engine.TakeBack(t.Context(), r.user, second.ID, undo); err != nil || j.Status != codeforge.JobCancelled || j.Revision != 0 {
			t.Errorf("%+v, %v", j, err)
		}
		if cause := <-causes; !errors.Is(cause, jobs.ErrCancelled) {
			t.Errorf("stopped by %v", cause)
		}
		r.types(second.ID)
		if f, err := r.store.GetFile(t.Context(), r.user, p, "a.ts"); err != nil || f.Content != first || f.Version != 3 {
			t.Errorf("%+v, %v", f, err)
		}
	})
}

// A job that waits with a proposal ends for whoever watches it when somebody decides.
func TestProposalsAreDecided(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			_, err := task.Keep(ctx, codeforge.StageResult{Stage: codeforge.Code, Base: task.Job.Base, Proposal: true, Changes: []codeforge.FileChange{{Path: "a.ts", Content: "new"}}})
			return codeforge.Outcome{Status: codeforge.Waiting, Question: json.RawMessage(`[]`)}, err
		})
		p := r.project()
		applied, rejected := r.submit(p, codeforge.Code), r.submit(p, codeforge.Code)
		synctest.Wait()
		for _, id := range []string{applied, rejected} { // the first holds up the second no more
			if j := r.want(id, codeforge.Waiting); j.Proposal == nil || j.Revision != 0 {
				t.Errorf("waits %+v", j)
			}
		}
		watched := make(chan []codeforge.EventType)
		for _, id := range []string{applied, rejected} {
			go func() { watched <- r.types(id) }()
		}
		synctest.Wait()
		j, err := r.engine.Apply(t.Context(), r.user, applied, codeforge.Application{TreeChange: codeforge.TreeChange{Changes: []codeforge.FileChange{{Path: "a.ts", Content: "new"}}, Verified: new(true)}})
		if err != nil || j.Status != codeforge.JobCompleted || j.Revision != 1 {
			t.Errorf("%+v, %v", j, err)
		}
		if got := <-watched; got[len(got)-1] != codeforge.EventComplete {
			t.Errorf("events %v", got)
		}
		if j, err := r.engine.Reject(t.Context(), r.user, rejected, nil); err != nil || j.Status != codeforge.JobCancelled || j.Revision != 0 {
			t.Errorf("%+v, %v", j, err)
		}
		if got := <-watched; got[len(got)-1] != codeforge.EventCancelled {
			t.Errorf("events %v", got)
		}
	})
}

func TestOneProjectInOrderOthersBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked()
		r := newRig(t, b.run)
		p, q := r.project(), r.project()
		first, second, third := r.submit(p, codeforge.Code), r.submit(p, codeforge.Builder), r.submit(p, codeforge.Code)
		other, beside := r.submit(q, codeforge.Code), r.submit(p, codeforge.QA)
		synctest.Wait()
		running := map[string]bool{}
		for range len(b.runs) {
			running[(<-b.runs).Job.ID] = true
		}
		if len(running) != 3 || !running[first] || !running[other] || !running[beside] {
			t.Fatalf("running %v", running)
		}
		if _, err := r.engine.Cancel(t.Context(), r.user, first); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if next := <-b.runs; next.Job.ID != second {
			t.Errorf("after the first comes %s, want %s", next.Job.ID, second)
		}
		close(b.finish)
		r.types(third)
		r.want(second, codeforge.JobCompleted)
		r.want(third, codeforge.JobCompleted)
	})
}

func TestConcurrencyIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var now, most atomic.Int64
		r := newRig(t, func(context.Context, *codeforge.Task) (codeforge.Outcome, error) {
			n := now.Add(1)
			defer now.Add(-1)
			for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
			}
			time.Sleep(time.Second)
			return codeforge.Outcome{Result: json.RawMessage("{}")}, nil
		}, func(o *jobs.Options) { o.Workers = 3 })
		p := r.project()
		var ids []string
		for range 10 {
			ids = append(ids, r.submit(p, codeforge.QA))
		}
		for _, id := range ids {
			r.types(id)
		}
		if most.Load() != 3 {
			t.Errorf("%d jobs ran at once, want 3", most.Load())
		}
	})
}

func TestQueueIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked()
		r := newRig(t, b.run, func(o *jobs.Options) { o.Workers, o.MaxQueued = 1, 2 })
		p := r.project()
		var ids []string
		for range 3 {
			ids = append(ids, r.submit(p, codeforge.QA))
			synctest.Wait()
		}
		_, _, err := r.engine.Submit(t.Context(), r.user, codeforge.NewJob{ProjectID: p, Agent: codeforge.QA, Input: json.RawMessage("{}")})
		if e, ok := errors.AsType[*codeforge.Error](err); !ok || e.Kind != codeforge.QueueFull || e.RetryAfter <= 0 {
			t.Fatalf("fourth job: %v", err)
		}
		close(b.finish)
		for _, id := range ids {
			r.types(id)
		}
		r.submit(p, codeforge.QA)
	})
}

func TestWaitsAndGoesOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, func(_ context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			var c struct {
				Answers []struct{ Question, Answer string }
			}
			if task.Job.Clarification != nil {
				if err := json.Unmarshal(task.Job.Clarification, &c); err != nil {
					return codeforge.Outcome{}, err
				}
			}
			if len(c.Answers) == 0 {
				return codeforge.Outcome{Status: codeforge.Waiting, Progress: 50, Question: json.RawMessage(`[{"question":"Who?"}]`),
					Events: []codeforge.Event{{Type: codeforge.EventWaiting, Data: json.RawMessage(`{}`)}}}, nil
			}
			return codeforge.Outcome{Result: json.RawMessage(`{"answer":"` + c.Answers[0].Answer + `"}`)}, nil
		})
		id := r.submit(r.project(), codeforge.Research)
		synctest.Wait()
		if j := r.want(id, codeforge.Waiting); j.Progress != 50 {
			t.Errorf("progress %v", j.Progress)
		}
		alias, err := r.engine.Respond(t.Context(), r.user, id, []byte(`[{"question":"Who?","answer":"walkers"}]`))
		if err != nil {
			t.Fatal(err)
		}
		r.types(id)
		if j := r.want(alias, codeforge.JobCompleted); string(j.Result) != `{"answer":"walkers"}` || j.ID != id {
			t.Errorf("job %s result %s", j.ID, j.Result)
		}
		if _, err := r.engine.Respond(t.Context(), r.user, id, []byte(`[]`)); !codeforge.IsKind(err, codeforge.Invalid) {
			t.Errorf("respond to an ended job: %v", err)
		}
	})
}

func TestDrainHandsBackWithoutCounting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked()
		r := newRig(t, b.run)
		p := r.project()
		id := r.submit(p, codeforge.Code)
		<-b.runs
		if err := r.engine.Drain(t.Context(), 8*time.Second); err != nil {
			t.Fatal(err)
		}
		if cause := <-b.causes; !errors.Is(cause, jobs.ErrShutdown) {
			t.Errorf("stopped by %v", cause)
		}
		if j := r.want(id, codeforge.Queued); j.Failures != 0 || j.Crashes != 0 {
			t.Errorf("failures %d, crashes %d", j.Failures, j.Crashes)
		}
		_, _, err := r.engine.Submit(t.Context(), r.user, codeforge.NewJob{ID: codeforge.NewID(), ProjectID: p, Agent: codeforge.QA})
		if e, ok := errors.AsType[*codeforge.Error](err); !ok || e.Kind != codeforge.Unavailable || e.RetryAfter == 0 {
			t.Errorf("a job that nobody will begin with: %v", err)
		}
		if _, err := r.engine.Respond(t.Context(), r.user, id, []byte(`[]`)); !codeforge.IsKind(err, codeforge.Unavailable) {
			t.Errorf("an answer: %v", err)
		}
		close(b.finish)
		r.engine = r.newEngine(b.run)
		r.types(id)
		r.want(id, codeforge.JobCompleted)
	})
}

// A worker that was taken for dead (its process stood still past the lease) finishes into nothing.
func TestStalledWorkerChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		started := make(chan struct{})
		var once sync.Once
		r := newRig(t, nil, func(o *jobs.Options) {
			o.Exclusive = false
			o.Run = func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
				once.Do(func() {
					close(started)
					<-release // deaf to its context, as a stopped process is
				})
				if _, err := task.Keep(ctx, codeforge.StageResult{Stage: codeforge.Code, Changes: []codeforge.FileChange{{Path: "a.txt", Content: fmt.Sprint(task.Job.Fence)}}}); !errors.Is(err, jobs.ErrFenced) {
					t.Errorf("kept: %v", err)
				}
				return codeforge.Outcome{Result: json.RawMessage("{}")}, nil
			}
		})
		p := r.project()
		id := r.submit(p, codeforge.Code)
		<-started
		// Another process takes the job over; this one's leases are not renewed, as its clock stood still.
		job, ok, err := stall(t, r.store, id)
		if err != nil || !ok || job.Crashes != 1 {
			t.Fatalf("second claim: %v %v %+v", ok, err, job)
		}
		f := codeforge.Fence{JobID: id, Number: job.Fence}
		if _, err := r.store.KeepStage(t.Context(), f, codeforge.StageResult{Stage: codeforge.Code, Changes: []codeforge.FileChange{{Path: "a.txt", Content: "second"}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := r.store.FinishJob(t.Context(), f, codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100, Result: json.RawMessage("{}"), Events: []codeforge.Event{{Type: codeforge.EventComplete, Data: json.RawMessage("{}")}}}); err != nil {
			t.Fatal(err)
		}
		close(release)
		synctest.Wait()
		file, err := r.store.GetFile(t.Context(), r.user, p, "a.txt")
		if err != nil || file.Content != "second" || file.Version != 1 {
			t.Errorf("file %+v, %v", file, err)
		}
		if got := r.types(id); got[len(got)-1] != codeforge.EventComplete || slices.Contains(got[:len(got)-1], codeforge.EventComplete) {
			t.Errorf("events %v", got)
		}
	})
}

// stall lapses the lease of a running job by claiming it with one that is over at once.
func stall(t *testing.T, s *sqlite.Store, id string) (codeforge.Job, bool, error) {
	held := codeforge.Fence{JobID: id, Number: 1}
	if lost, err := s.RenewLeases(t.Context(), []codeforge.Fence{held}, -time.Second); err != nil || len(lost) > 0 {
		t.Fatalf("lost %v, %v", lost, err)
	}
	return storetest.Claim(t.Context(), s, id, "another", time.Minute)
}

func TestCrashesAreBoundedOnTheirOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		runs := 0
		r := newRig(t, func(ctx context.Context, _ *codeforge.Task) (codeforge.Outcome, error) {
			runs++
			return codeforge.Outcome{Result: json.RawMessage("{}")}, nil
		})
		if err := r.engine.Drain(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		j, _, _, err := r.store.SubmitJob(t.Context(), r.user, codeforge.NewJob{ProjectID: r.project(), Agent: codeforge.Code, Input: json.RawMessage("{}")}) // elsewhere
		if err != nil {
			t.Fatal(err)
		}
		id := j.ID
		for range 20 { // 20 workers take it and vanish
			if _, ok, err := storetest.Claim(t.Context(), r.store, id, "gone", time.Minute); err != nil || !ok {
				t.Fatal(ok, err)
			}
			if _, err := r.store.ReleaseAll(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		r.engine = r.newEngine(nil)
		r.types(id)
		if j := r.want(id, codeforge.JobFailed); runs != 0 || j.Failures != 1 {
			t.Errorf("%d runs, job %+v", runs, j)
		}
	})
}

func TestForgottenJobsAreFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, done(codeforge.Outcome{Result: json.RawMessage("{}")}))
		// Another process accepted it and died before it woke anybody.
		j, _, _, err := r.store.SubmitJob(t.Context(), r.user, codeforge.NewJob{ProjectID: r.project(), Agent: codeforge.QA, Input: json.RawMessage("{}")})
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		r.types(j.ID)
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("found after %v", took)
		}
	})
}

func TestManyJobsEachOnce(t *testing.T) {
	var mu sync.Mutex
	ran := map[string]int{}
	r := newRig(t, func(_ context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
		mu.Lock()
		ran[task.Job.ID]++
		mu.Unlock()
		return codeforge.Outcome{Result: json.RawMessage("{}")}, nil
	})
	p := r.project()
	var wg sync.WaitGroup
	ids := make(chan string, 2000)
	for range 16 {
		wg.Go(func() {
			for range 100 {
				ids <- r.submit(p, codeforge.QA)
			}
		})
	}
	wg.Wait()
	close(ids)
	n := 0
	for id := range ids {
		r.types(id)
		n++
		mu.Lock()
		if ran[id] != 1 {
			t.Errorf("%s ran %d times", id, ran[id])
		}
		mu.Unlock()
	}
	if n != 1600 {
		t.Errorf("%d jobs", n)
	}
}

// Who watches a queued job is told where it stands, and again when that changes; nothing of it is stored.
func TestQueueEvents(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked()
		r := newRig(t, b.run, func(o *jobs.Options) {
			o.Workers, o.Policy = 2, codeforge.ClaimPolicy{Running: map[codeforge.AgentType]int{codeforge.QA: 1}}
		})
		p := r.project()
		running, next, last := r.submit(p, codeforge.QA), r.submit(p, codeforge.QA), r.submit(p, codeforge.QA)
		<-b.runs
		var seen []string
		go func() {
			read := func(ctx context.Context, after int64, limit int) ([]codeforge.Event, error) {
				return r.store.Events(ctx, r.user, last, after, limit)
			}
			for e, err := range r.hub.Follow(t.Context(), last, 0, read) {
				if err != nil {
					return
				}
				if e.Type == codeforge.EventQueue {
					if e.Seq != 0 {
						t.Errorf("numbered %d", e.Seq)
					}
					seen = append(seen, string(e.Data))
				}
			}
		}()
		time.Sleep(10 * time.Second)
		if _, err := r.engine.Cancel(t.Context(), r.user, next); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		want := []string{fmt.Sprintf(`{"job_id":%q,"place":2,"waiting_for":"agent_limit","reason":"the limit of its agent type"}`, last),
			fmt.Sprintf(`{"job_id":%q,"place":1,"waiting_for":"agent_limit","reason":"the limit of its agent type"}`, last)}
		if !slices.Equal(seen, want) {
			t.Errorf("told %q", seen)
		}
		close(b.finish)
		synctest.Wait()
		r.want(running, codeforge.JobCompleted)
		r.want(last, codeforge.JobCompleted)
		if len(seen) != 2 {
			t.Errorf("told %q", seen)
		}
	})
}

// counted counts the claims that are asked of a store.
type counted struct {
	jobs.Store
	claims, empty atomic.Int64
}

func (c *counted) ClaimJobs(ctx context.Context, worker string, lease time.Duration, want int, p codeforge.ClaimPolicy) (codeforge.Claimed, error) {
	got, err := c.Store.ClaimJobs(ctx, worker, lease, want, p)
	c.claims.Add(1)
	if len(got.Jobs) == 0 {
		c.empty.Add(1)
	}
	return got, err
}

// A claim is made for all free places at once, none is made while no place is free, and what is told late or twice costs no other.
func TestClaimsAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked()
		store := &counted{}
		r := newRig(t, b.run, func(o *jobs.Options) {
			store.Store = o.Store
			o.Workers, o.Store = 4, store
		})
		p := r.project()
		for range 4 {
			r.submit(p, codeforge.QA)
			synctest.Wait()
		}
		full := store.claims.Load()
		for range 90 {
			id := r.submit(p, codeforge.QA)
			if r.engine.Wake(id) {
				t.Error("no worker is free, and one takes a job")
			}
		}
		synctest.Wait()
		if n := store.claims.Load(); n != full {
			t.Errorf("%d claims while no place is free", n-full)
		}
		close(b.finish)
		synctest.Wait()
		if n, empty := store.claims.Load()-full, store.empty.Load(); n > 91 || empty > 4 { // each of four places may find the queue empty once
			t.Errorf("%d claims for 90 jobs, %d in all for nothing", n, empty)
		}
	})
}

// An engine without workers takes jobs in, cancels them and answers for them, and claims none.
func TestWithoutWorkers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &counted{}
		o := &office{}
		r := newRig(t, nil, func(c *jobs.Options) {
			store.Store = c.Store
			c.Workers, c.Store, c.Exclusive, c.Courier = 0, store, false, &station{office: o}
		})
		p := r.project()
		id, other := r.submit(p, codeforge.QA), r.submit(p, codeforge.QA)
		r.engine.LookForDue()
		time.Sleep(time.Minute)
		if n := store.claims.Load(); n != 0 {
			t.Errorf("%d claims", n)
		}
		if at := r.engine.Places(t.Context(), []string{id, other})[other]; at.Place != 2 || at.WaitingFor != codeforge.WaitsForAnyone {
			t.Errorf("stands at %+v", at)
		}
		if _, err := r.engine.Cancel(t.Context(), r.user, id); err != nil {
			t.Fatal(err)
		}
		r.want(id, codeforge.JobCancelled)
		worker := &rig{t: t, store: r.store, hub: events.NewHub(), user: r.user}
		worker.engine = worker.newEngine(done(codeforge.Outcome{}), func(c *jobs.Options) { c.Exclusive, c.Courier = false, &station{office: o} })
		r.types(other) // seen here until its end
		third := r.submit(p, codeforge.QA)
		began := time.Now()
		r.types(third)
		if took := time.Since(began); took > time.Second {
			t.Errorf("it was told of after %v", took)
		}
	})
}

func BenchmarkWholeLife(b *testing.B) {
	store, err := sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	u := codeforge.LocalUser()
	p, err := store.CreateProject(b.Context(), u, codeforge.Project{Title: "Bench", Mode: codeforge.ModeBuilder})
	if err != nil {
		b.Fatal(err)
	}
	e := jobs.New(jobs.Options{Store: store, Hub: events.NewHub(), Log: slog.New(slog.DiscardHandler), Exclusive: true, Workers: 16,
		Run: done(codeforge.Outcome{Result: json.RawMessage("{}")}), MaxQueued: 1 << 30})
	if err := e.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(8)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, _, err := e.Submit(b.Context(), u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Noop, Input: json.RawMessage(`{"a":1}`)}); err != nil {
				b.Error(err)
			}
		}
	})
	e.Drain(context.Background(), time.Minute)
}

// BenchmarkInsertToStart measures how long an accepted job waits for its worker: nothing polls on the way.
func BenchmarkInsertToStart(b *testing.B) {
	store, err := sqlite.Open(b.Context(), b.TempDir(), sqlite.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer store.Close()
	u := codeforge.LocalUser()
	p, err := store.CreateProject(b.Context(), u, codeforge.Project{Title: "Bench", Mode: codeforge.ModeBuilder})
	if err != nil {
		b.Fatal(err)
	}
	started := make(chan time.Time, 1)
	e := jobs.New(jobs.Options{Store: store, Hub: events.NewHub(), Log: slog.New(slog.DiscardHandler), Exclusive: true, Workers: 16,
		Run: func(context.Context, *codeforge.Task) (codeforge.Outcome, error) {
			started <- time.Now()
			return codeforge.Outcome{Result: json.RawMessage("{}")}, nil
		}})
	if err := e.Start(b.Context()); err != nil {
		b.Fatal(err)
	}
	defer e.Drain(context.Background(), time.Minute)
	var took []time.Duration
	for b.Loop() {
		if _, _, err := e.Submit(b.Context(), u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Noop, Input: json.RawMessage(`{"a":1}`)}); err != nil {
			b.Fatal(err)
		}
		inserted := time.Now()
		took = append(took, (<-started).Sub(inserted))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
}
