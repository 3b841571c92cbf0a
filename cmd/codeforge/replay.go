package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/agent"
	"codeforge/internal/llm"
	"codeforge/internal/verify"
)

// runFunc does the work of a claim.
type runFunc = func(context.Context, *codeforge.Task) (codeforge.Outcome, error)

// remember keeps, in the journal, the project as a job first saw it. A project's text may change while its job runs, or by
// the job itself; a job that runs again must ask its models the same, or the journal would not know the answers.
func remember(j llm.Journal, run runFunc) runFunc {
	return func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
		if task.Job.Agent == codeforge.Noop {
			return run(ctx, task)
		}
		entry, err := json.Marshal(task.Project)
		if err == nil {
			entry, err = j.Put(ctx, snapshotKey(task.Job), entry)
		}
		if err == nil {
			err = json.Unmarshal(entry, &task.Project)
		}
		if err != nil {
			return codeforge.Outcome{}, &codeforge.Error{Kind: codeforge.Unavailable, Message: "The job's state could not be stored", Retryable: true, Cause: err}
		}
		return run(ctx, task)
	}
}

// snapshotKey is where the project of a job's run is kept. A job that was answered runs anew, on the project as it is then.
func snapshotKey(job codeforge.Job) llm.JournalKey {
	sum := sha256.Sum256(fmt.Appendf(nil, "project %d %s", job.Base, job.Clarification))
	return llm.JournalKey{JobID: job.ID, Number: 0, Hash: hex.EncodeToString(sum[:])}
}

// sweepJournal deletes answers that nobody will ask for again.
func sweepJournal(ctx context.Context, s Store, keep time.Duration, log *slog.Logger) {
	hour := time.NewTicker(time.Hour)
	defer hour.Stop()
	for {
		if n, err := s.SweepJournal(ctx, codeforge.Now().Add(-keep)); err != nil && ctx.Err() == nil {
			log.Error("journal not swept", "error", err)
		} else if n > 0 {
			log.Info("old answers deleted", "answers", n)
		}
		select {
		case <-hour.C:
		case <-ctx.Done():
			return
		}
	}
}

// Replay is the command that runs an ended job again from its journal.
type Replay struct {
	Job string `arg:"" help:"Id of an ended job."`
	Config
}

// Run implements the command. It makes no model call and changes nothing; a server may run meanwhile.
func (r *Replay) Run(ctx context.Context) error {
	store, err := openToRead(ctx, &r.Config)
	if err != nil {
		return err
	}
	defer store.close()
	lazy := r.sandbox()
	lazy.Warm = -1
	checks := verify.NewVerifier(lazy) // for jobs whose journal is from before it kept what checks said
	defer checks.Close()
	differences, calls, err := replay(ctx, store, checks.Check, r.Job, r.MaxIterations)
	if err != nil {
		return err
	}
	if len(differences) > 0 {
		return fmt.Errorf("replayed with %d journaled answers, and it came out differently: %s", calls, strings.Join(differences, "; "))
	}
	fmt.Printf("replayed with %d journaled answers: the outcome is the same, byte for byte\n", calls)
	return nil
}

// replayStore is what a replay reads.
type replayStore interface {
	llm.Journal
	JobOwner(ctx context.Context, id string) (jobID, userID string, err error)
	GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error)
	GetProject(ctx context.Context, u codeforge.User, id string) (codeforge.Project, error)
	SnapshotFiles(ctx context.Context, projectID string, revision int64) ([]codeforge.File, error)
	RevisionDeltas(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.FileDelta, error)
}

// replay runs a job again on its journal alone, and says in what its outcome differs from the one that is stored.
func replay(ctx context.Context, s replayStore, check agent.Check, id string, iterations int) (differences []string, calls int, err error) {
	if id, err = codeforge.ParseID(id); err != nil {
		return nil, 0, errors.New("that is no job id")
	}
	id, owner, err := s.JobOwner(ctx, id)
	if err != nil {
		return nil, 0, err
	}
	u := codeforge.User{ID: owner, Role: "authenticated"}
	job, err := s.GetJob(ctx, u, id)
	if err != nil {
		return nil, 0, err
	}
	if !job.Status.Terminal() || job.Status == codeforge.JobCancelled {
		return nil, 0, fmt.Errorf("job %s is %s: only jobs that completed or failed can be replayed", id, job.Status)
	}
	task := &codeforge.Task{Job: job, Report: func(float64, ...codeforge.Event) {}}
	task.Job.Status, task.Job.Progress, task.Job.Result, task.Job.Error = codeforge.Running, 0, nil, ""
	entry, err := s.Get(ctx, snapshotKey(job))
	if err != nil {
		return nil, 0, err
	}
	if entry == nil {
		return nil, 0, fmt.Errorf("the journal of job %s is gone (JOURNAL_RETENTION), or it never called a model", id)
	}
	if err := json.Unmarshal(entry, &task.Project); err != nil {
		return nil, 0, fmt.Errorf("the journal of job %s: %w", id, err)
	}
	if job.Base > 0 {
		if task.Files, err = s.SnapshotFiles(ctx, job.ProjectID, job.Base); err != nil {
			return nil, 0, err
		}
	}
	counted := &counting{Provider: llm.Journaled(nil, s)}
	o, err := agent.New(agent.Options{Model: counted, Check: check, Journal: kept{s}, MaxIterations: iterations}).Run(ctx, task)
	if errors.Is(err, llm.ErrNotJournaled) {
		return []string{fmt.Sprintf("call %d is not in the journal: the job took another way", counted.calls)}, counted.calls, nil
	}

	differ := func(what string, same bool) {
		if !same {
			differences = append(differences, what)
		}
	}
	failed := ""
	if fault, ok := errors.AsType[*codeforge.Error](err); ok {
		failed = fault.Message
	} else if err != nil {
		return nil, counted.calls, err
	}
	differ("its error is "+failed, failed == job.Error)
	differ("its result", bytes.Equal(canonical(o.Result), canonical(job.Result)))
	var deltas []codeforge.FileDelta
	if job.Revision > 0 {
		if _, deltas, err = s.RevisionDeltas(ctx, u, job.ProjectID, job.Revision, codeforge.Page{}); err != nil {
			return nil, counted.calls, err
		}
	}
	for _, d := range deltas {
		i := slices.IndexFunc(o.Changes, func(c codeforge.FileChange) bool { return c.Path == d.Path })
		switch {
		case i < 0:
			differ("it left "+d.Path+" alone", false)
		case d.New == nil:
			differ("it kept "+d.Path, o.Changes[i].Delete)
		default:
			differ("its "+d.Path, !o.Changes[i].Delete && o.Changes[i].Content == d.New.Content)
		}
	}
	return differences, counted.calls, nil
}

// kept is a journal that is only read.
type kept struct{ llm.Journal }

func (kept) Put(_ context.Context, _ llm.JournalKey, entry []byte) ([]byte, error) { return entry, nil }

// canonical makes documents comparable that a store may have formatted anew.
func canonical(raw json.RawMessage) []byte {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	b, _ := json.Marshal(v) // what was decoded can be encoded
	return b
}

// counting counts calls.
type counting struct {
	llm.Provider
	calls int
}

func (c *counting) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	c.calls++
	return c.Provider.Generate(ctx, req, sink)
}
