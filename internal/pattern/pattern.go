// Package pattern keeps architectures that worked, and finds those that are nearest to what a job is about.
//
// A job whose review passed becomes a pattern after its end: no job waits for that, fails of it, or says anything of it. What is
// looked at are the rows of jobs, so what a process that died did not get to is found by the next look, of whichever server.
//
// An outline, in the words of a project, is told to its owner alone. Of others' patterns a job gets the shape, which is made of fixed
// vocabularies and numbers.
package pattern

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

// Store is what is needed of a store.
type Store interface {
	// ReviewedArchitectures returns jobs that ended after (since, the job with the id after) with a review of their project that passed,
	// in that order, but for those whose project has a pattern of the model that is as new. It acts as the system.
	ReviewedArchitectures(ctx context.Context, model string, since time.Time, after string, limit int) ([]codeforge.ReviewedArchitecture, error)
	// PutPattern stores a pattern in place of an older one of its project and model; of a project that is gone nothing. It acts as the
	// system: the owner is the project's.
	PutPattern(ctx context.Context, p codeforge.Pattern) error
	// NearPatterns returns the patterns that are nearest to a vector, nearest first, of the newest that there are. Of others' than the
	// user's it returns no outline and no ids.
	NearPatterns(ctx context.Context, q codeforge.PatternQuery) ([]codeforge.Pattern, error)
}

// Options are what a Library works with. Store, Embedder and Log are needed.
type Options struct {
	Store    Store
	Embedder func() Embedder // as it is configured now
	Log      *slog.Logger
	Every    time.Duration // how often jobs are looked at when nobody wakes it; 0: a minute
}

// Library is the patterns of a store. It is safe for concurrent use.
type Library struct {
	o      Options
	wake   chan struct{}
	stop   context.CancelFunc
	looks  sync.WaitGroup
	mu     sync.Mutex           // one look at a time
	seen   map[string]time.Time // by model: all that ended by then is done
	failed map[string]int       // by job: how often no vector was to be had
}

// New returns a library; nothing is stored before Start.
func New(o Options) *Library {
	o.Every = cmp.Or(o.Every, time.Minute)
	return &Library{o: o, wake: make(chan struct{}, 1), stop: func() {}, seen: map[string]time.Time{}, failed: map[string]int{}}
}

// nearWithin bounds what a job waits for patterns at its start.
const nearWithin = 10 * time.Second

// Near returns the patterns nearest to what a job is about; wish are its user's words. Where none are to be had the job does without.
func (l *Library) Near(ctx context.Context, task *codeforge.Task, wish string) []codeforge.Pattern {
	ctx, cancel := context.WithTimeout(ctx, nearWithin)
	defer cancel()
	job := task.Job
	s := read(&task.Project)
	near, err := l.near(ctx, job, s.text(wish))
	if err != nil {
		l.o.Log.Warn("a job begins without patterns", "next", "look at the model for embeddings: codeforge doctor", "job_id", job.ID, "error", llm.Explain(err))
	}
	return near
}

func (l *Library) near(ctx context.Context, job codeforge.Job, text string) ([]codeforge.Pattern, error) {
	e := l.o.Embedder()
	vector, err := e.Embed(ctx, llm.Call{JobID: job.ID, ProjectID: job.ProjectID, UserID: job.UserID, Agent: job.Agent}, text)
	if err != nil {
		return nil, err
	}
	list, err := l.o.Store.NearPatterns(ctx, codeforge.PatternQuery{UserID: job.UserID, ProjectID: job.ProjectID, Model: e.Model(), Vector: vector, Limit: codeforge.GivenPatterns})
	if err != nil {
		return nil, err
	}
	for i := range list {
		if list[i].Legacy != nil {
			list[i].Shape = legacyShape(list[i].Legacy)
			list[i].Legacy = nil
		}
	}
	return slices.DeleteFunc(list, func(p codeforge.Pattern) bool { return p.Outline == "" && len(p.Shape.Pages)+len(p.Shape.Stack) == 0 }), nil // of which there is nothing to tell
}

// Start looks at jobs until Close.
func (l *Library) Start(ctx context.Context) {
	ctx, l.stop = context.WithCancel(context.WithoutCancel(ctx))
	l.looks.Go(func() {
		tick := time.NewTicker(l.o.Every)
		defer tick.Stop()
		for {
			if ctx.Err() != nil {
				return
			}
			if _, err := l.Sweep(ctx); err != nil && ctx.Err() == nil {
				l.o.Log.Error("patterns were not stored; they will be later", "next", "look at the store in /readyz?verbose", "error", err)
			}
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
			case <-l.wake:
				select { // the end of the job is about to be stored, and that of others too
				case <-ctx.Done():
				case <-time.After(settle):
				}
			}
		}
	})
}

// Wake says that a job may have ended.
func (l *Library) Wake() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Close ends what Start began.
func (l *Library) Close() {
	l.stop()
	l.looks.Wait()
}

const (
	sweepPage = 20
	settle    = time.Second
	overlap   = 5 * time.Minute // for ends that were committed late, and clocks that differ
	maxTries  = 5               // to have a vector for one job
	maxFailed = 1_000           // jobs that this is remembered of
)

// Sweep stores the patterns that are missing, and says how many.
func (l *Library) Sweep(ctx context.Context) (stored int, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.o.Embedder()
	since := codeforge.Now().Add(-codeforge.ReviewedWithin)
	if seen := l.seen[e.Model()].Add(-overlap); seen.After(since) {
		since = seen
	}
	complete, after := true, ""
	for {
		page, err := l.o.Store.ReviewedArchitectures(ctx, e.Model(), since, after, sweepPage)
		if err != nil {
			return stored, err
		}
		for i := range page {
			a := &page[i]
			since, after = a.CompletedAt, a.JobID
			if !a.Evidence.Proven() || l.failed[a.JobID] >= maxTries {
				continue
			}
			s := read(&a.Project)
			if len(s.pages) == 0 {
				continue
			}
			vector, err := e.Embed(ctx, llm.Call{JobID: a.JobID, ProjectID: a.Project.ID, UserID: a.Project.UserID}, s.text(""))
			if ctx.Err() != nil {
				return stored, context.Cause(ctx)
			}
			if err != nil {
				l.o.Log.Warn("a job has no pattern yet", "next", "look at the model for embeddings: codeforge doctor; it is tried again", "job_id", a.JobID, "error", llm.Explain(err))
				if len(l.failed) >= maxFailed {
					clear(l.failed)
				}
				l.failed[a.JobID]++
				complete = false
				continue
			}
			if err := l.o.Store.PutPattern(ctx, patternOf(a, &s, e.Model(), vector)); err != nil {
				return stored, err
			}
			stored++
		}
		if len(page) < sweepPage {
			break
		}
	}
	if complete {
		l.seen[e.Model()] = since
	}
	return stored, nil
}

// patternOf is what is stored of an architecture, whose project says s.
func patternOf(a *codeforge.ReviewedArchitecture, s *specs, model string, vector []float32) codeforge.Pattern {
	return codeforge.Pattern{ProjectID: a.Project.ID, JobID: a.JobID, Model: model, Shape: s.shape(), Outline: s.outline(), Score: min(max(a.Score/100, 0), 1),
		CreatedAt: a.CompletedAt, Vector: vector}
}
