package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"codeforge"
	"codeforge/internal/llm"
)

// ReplayStore is what a replay reads.
type ReplayStore interface {
	llm.Journal
	JobOwner(ctx context.Context, id string) (jobID, userID string, err error)
	GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error)
	GetProject(ctx context.Context, u codeforge.User, id string) (codeforge.Project, error)
	SnapshotFiles(ctx context.Context, projectID string, revision int64) ([]codeforge.File, error)
	ReadBlob(ctx context.Context, u codeforge.User, projectID, hash string) ([]byte, error)
	RevisionDeltas(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.FileDelta, error)
}

// Replay runs an ended job again on its journal alone, and says in what its outcome differs from the one that is stored. It
// makes no model call and changes nothing. check is for jobs whose journal is from before it kept what checks said.
func Replay(ctx context.Context, s ReplayStore, check Check, id string, iterations int) (differences []string, calls int, err error) {
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
	if len(answersTo(job)) == 0 { // what it asked is its end, and was not there when it ran
		task.Job.Clarification = nil
	}
	entry, err := s.Get(ctx, projectKey(task.Job))
	if err != nil {
		return nil, 0, err
	}
	if entry == nil {
		return nil, 0, fmt.Errorf("the journal of job %s is gone (JOURNAL_RETENTION), or it never called a model", id)
	}
	if _, err := readKnown(entry, task); err != nil {
		return nil, 0, fmt.Errorf("the journal of job %s: %w", id, err)
	}
	if job.Base > 0 {
		if task.Files, err = s.SnapshotFiles(ctx, job.ProjectID, job.Base); err != nil {
			return nil, 0, err
		}
	}
	k := &replayedKeeps{s: s, u: u, job: job}
	task.Keep = k.keep
	task.Snapshot = func(ctx context.Context, revision int64) ([]codeforge.File, error) {
		return s.SnapshotFiles(ctx, job.ProjectID, revision)
	}
	task.LockAt = func(context.Context, int64) ([]byte, error) { return nil, nil } // what a job read is in its journal
	task.ReadBlob = func(ctx context.Context, hash string) ([]byte, error) { return s.ReadBlob(ctx, u, job.ProjectID, hash) }
	task.PutBlob = func(_ context.Context, data []byte) (string, error) { return codeforge.BlobHash(data), nil }
	counted := &callCounter{Provider: llm.Journaled(nil, s)}
	o, err := New(Options{Model: counted, Check: check, Journal: readOnlyJournal{s}, ReviewRounds: iterations}).Run(ctx, task)
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
	if o.Status == codeforge.Waiting { // people's answer ended the job, and took the question out of its result
		o.Result = withoutQuestion(o.Result)
	}
	if o.Result != nil || job.Clarification == nil { // a job that asked and then ends without a result keeps the question's
		differ("its result", bytes.Equal(canonicalJSON(o.Result), canonicalJSON(job.Result)))
	}
	if o.Status != codeforge.Waiting && o.Proposal == nil { // else the newest revision may be one that people made of its proposal
		differ(fmt.Sprintf("the last revision that it kept is %d", k.last), k.last == job.Revision)
	}
	return append(differences, k.differences...), counted.calls, nil
}

// replayedKeeps compares what a replay keeps with the revisions that the job made. As then, each is the one after its base.
type replayedKeeps struct {
	s           ReplayStore
	u           codeforge.User
	job         codeforge.Job
	last        int64
	differences []string
}

func (k *replayedKeeps) keep(ctx context.Context, stage codeforge.StageResult) (codeforge.Kept, error) {
	if len(stage.Changes) == 0 || stage.Proposal {
		return codeforge.Kept{}, nil
	}
	differ := func(format string, args ...any) {
		k.differences = append(k.differences, fmt.Sprintf(format, args...))
	}
	number := stage.Base + 1
	made, deltas, err := k.s.RevisionDeltas(ctx, k.u, k.job.ProjectID, number, codeforge.Page{})
	if err != nil && !codeforge.IsKind(err, codeforge.Missing) {
		return codeforge.Kept{}, err
	}
	k.last = number
	if err != nil || made.JobID != k.job.ID {
		differ("it kept a revision after %d", stage.Base)
		return codeforge.Kept{Revision: number}, nil
	}
	left := map[string]codeforge.FileChange{}
	for _, c := range stage.Changes {
		left[c.Path] = c
	}
	for _, d := range deltas {
		c, ok := left[d.Path]
		switch delete(left, d.Path); {
		case !ok:
			differ("revision %d left %s alone", number, d.Path)
		case d.New == nil && !c.Delete:
			differ("revision %d kept %s", number, d.Path)
		case d.New != nil && (c.Delete || c.Content != d.New.Content || c.Hash != d.New.Hash):
			differ("revision %d: its %s", number, d.Path)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(left)) {
		differ("revision %d changed %s", number, p)
	}
	return codeforge.Kept{Revision: number}, nil
}

// readOnlyJournal is a journal that keeps nothing new.
type readOnlyJournal struct{ llm.Journal }

func (j readOnlyJournal) Put(ctx context.Context, k llm.JournalKey, entry []byte) ([]byte, error) {
	if stands, err := j.Get(ctx, k); err != nil || stands != nil {
		return stands, err
	}
	return entry, nil
}

// canonicalJSON makes documents comparable that a store may have formatted anew.
func canonicalJSON(raw json.RawMessage) []byte {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	b, _ := json.Marshal(v) // what was decoded can be encoded
	return b
}

// callCounter counts calls.
type callCounter struct {
	llm.Provider
	calls int
}

func (c *callCounter) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	c.calls++
	return c.Provider.Generate(ctx, req, sink)
}
