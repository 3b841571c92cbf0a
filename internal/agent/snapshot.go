package agent

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/evidence"
	"codeforge/internal/llm"
)

// known is what a job was first told of its project. Its keys are those of a project, and one more.
type known struct {
	*codeforge.Project
	Memory codeforge.Memory   `json:"memory"`
	Lock   []byte             `json:"lock,omitempty"` // which packages it was last resolved to
	Rungs  evidence.Available `json:"rungs"`          // what the job's work can be looked at with

	Patterns []codeforge.Pattern `json:"patterns,omitempty"` // architectures that worked elsewhere
}

// fixProject gives a job its project as it first saw it, and what went on before it, out of the journal. Both may change while
// the job runs, or by the job itself; a job that runs again must ask its models the same, or the journal would not know the
// answers.
func (a *Agents) fixProject(ctx context.Context, task *codeforge.Task) (known, error) {
	first := known{Project: &task.Project, Memory: task.Memory, Lock: task.Lock}
	var err error
	if first.Lock, err = evidence.LockOf(ctx, task.Files, task.Lock, task.ReadBlob); err != nil {
		return first, err
	}
	if first.Patterns, err = a.firstPatterns(ctx, task); err != nil {
		return first, notKept(err)
	}
	if a.available != nil {
		first.Rungs = a.available(ctx)
	}
	if a.journal == nil {
		return first, nil
	}
	entry, err := json.Marshal(first)
	if err == nil {
		entry, err = a.journal.Put(ctx, projectKey(task.Job), entry)
	}
	if err == nil {
		first, err = readKnown(entry, task)
	}
	if err != nil {
		return first, notKept(err)
	}
	return first, nil
}

// notKept is the error of a job whose journal cannot be read or written.
func notKept(err error) error {
	return &codeforge.Error{Kind: codeforge.Unavailable, Message: "The job's state could not be stored", Retryable: true, Cause: err}
}

// projectKey is where the project of a job's run is kept. A job that was answered runs anew, on the project as it is then.
func projectKey(job codeforge.Job) llm.JournalKey { return runKey(job, "project") }

// runKey is where something is kept that one run of a job found out, whatever it is: the base and the answers that it had tell the
// runs of a job apart.
func runKey(job codeforge.Job, what string) llm.JournalKey {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %d %s", what, job.Base, answersTo(job)))
	return llm.JournalKey{JobID: job.ID, Number: 0, Hash: hex.EncodeToString(sum[:])}
}

// answersTo are the answers that a job got, nil if there are none. What it asks at its end is no part of the run that asked.
func answersTo(job codeforge.Job) json.RawMessage {
	var c struct{ Answers []json.RawMessage }
	if json.Unmarshal(job.Clarification, &c) != nil || len(c.Answers) == 0 {
		return nil
	}
	return form.Marshal(c.Answers)
}

// readKnown gives a task what the journal has of its project.
func readKnown(entry []byte, task *codeforge.Task) (known, error) {
	k := known{Project: new(codeforge.Project)}
	if err := json.Unmarshal(entry, &k); err != nil {
		return k, err
	}
	task.Project, task.Memory, task.Lock = *k.Project, k.Memory, k.Lock
	return k, nil
}
