package codeforge

import "context"

// Task is one claim of a job as an agent sees it: what to do, on what, and whom to tell.
type Task struct {
	Job     Job
	Project Project
	Files   []File // the project at Job.Base, sorted by path; read only
	Memory  Memory // what went on before
	Lock    []byte // of packages, beside Files; nil: none
	// Report tells of progress (0 to 100; negative: unchanged) and of events, stored or transient, in order. It never
	// fails: when the claim is lost, the context of the task ends. Events need Type and Data only.
	Report func(progress float64, events ...Event)
	// Keep stores what a stage made, after all that was reported before. It is done once for each stage and round: a job that
	// runs again, and so makes the same calls, gets what the first one made. Where the project's newest revision is not the
	// one that the changes are made to, nothing is stored, and [MovedTo] tells the newest of the error.
	Keep func(ctx context.Context, stage StageResult) (Kept, error)
	// Head is the project as it is now. It differs from run to run, so it is for what a run notes before it uses it.
	Head func(ctx context.Context) (revision int64, files []File, err error)
	// Snapshot is the project at a revision, sorted by path.
	Snapshot func(ctx context.Context, revision int64) ([]File, error)
	// LockAt is the lock of packages beside a revision, as it is now; nil: none.
	LockAt func(ctx context.Context, revision int64) ([]byte, error)
	// PutBlob puts bytes into the project, to be named by their hash; ReadBlob reads them.
	PutBlob  func(ctx context.Context, data []byte) (hash string, err error)
	ReadBlob func(ctx context.Context, hash string) ([]byte, error)
}
