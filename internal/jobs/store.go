package jobs

import (
	"context"
	"time"

	"codeforge"
)

// Store is what the engine needs of a store. Each method is one transaction; errors are [codeforge.Error] where the
// caller is at fault. Methods without a user act as the system and are bound to a claim by its [codeforge.Fence].
//
// A job is due when it is queued, its RunAt has come, and, if its agent changes files, no older job of the same project
// that also does is queued or running. A running job whose lease has lapsed is due as well. Of the jobs that crashed
// [codeforge.SuspectCrashes] times or more, none is due while another of them runs.
type Store interface {
	// SubmitJob checks that the project is u's and not archived, inserts the job (queued), its event 1 (progress 0), the
	// chat line and the idempotency key. With a key that u used before it returns that job and fresh=false, or a
	// Conflict if project, agent or input differ. A job that changes files, on a project where one is queued or running, is
	// refused with [codeforge.BusyError], or ends those, as its IfBusy says.
	SubmitJob(ctx context.Context, u codeforge.User, n codeforge.NewJob) (job codeforge.Job, fresh bool, cancelled []codeforge.Finished, err error)

	// ClaimJobs decides which of the due jobs are next, as the policy says, and makes worker the owner of as many as it wants,
	// if there are so many, until lease from now: status running, fence raised, StartedAt and Base (the project's revision) set
	// at the first claim, Crashes raised when it takes over a lapsed lease. Claims are made one after the other, whoever makes
	// them, so that no limit is exceeded.
	ClaimJobs(ctx context.Context, worker string, lease time.Duration, want int, p codeforge.ClaimPolicy) (codeforge.Claimed, error)

	// QueuePlaces says where jobs stand under a policy; those that are not queued it leaves out.
	QueuePlaces(ctx context.Context, jobIDs []string, p codeforge.ClaimPolicy) (map[string]codeforge.QueuePlace, error)

	// RenewLeases prolongs all given claims and returns those that are lost: another claim was made, or the job is no
	// longer running (it was cancelled).
	RenewLeases(ctx context.Context, held []codeforge.Fence, lease time.Duration) (lost []codeforge.Fence, err error)

	// RecordEvents appends events (none transient) in order and, if progress is not negative, sets it. The files that they tell
	// of become part of the job's working tree, see [codeforge.WorkingFile]. It returns the events with their numbers, or
	// ErrFenced when the claim is lost.
	RecordEvents(ctx context.Context, f codeforge.Fence, progress float64, events []codeforge.Event) ([]codeforge.Event, error)

	// KeepStage stores what a stage of a claimed job made: its specifications, its events, and at most one revision of its
	// changes, verified, with what is kept beside it, which becomes the job's Revision, or its proposal. Once for each job, stage and round: a second time it changes
	// nothing and returns the revision of the first. It returns ErrFenced, or where there are changes and Base is not the
	// project's newest revision [codeforge.MovedError], and then changes nothing.
	KeepStage(ctx context.Context, f codeforge.Fence, stage codeforge.StageResult) (codeforge.Kept, error)

	// FinishJob applies an outcome, or returns ErrFenced and changes nothing.
	FinishJob(ctx context.Context, f codeforge.Fence, o codeforge.Outcome) (codeforge.Finished, error)

	// CancelJob ends a queued, running or waiting job of u, with its event; Invalid (field "status") when it has ended already.
	CancelJob(ctx context.Context, u codeforge.User, id string) (codeforge.Finished, error)

	// TakeBackJob ends a job as CancelJob does, and makes a revision of the change by which its own are undone: after that the
	// job has no Revision, and no proposal. Where the project has moved on it returns [codeforge.MovedError] and changes nothing.
	TakeBackJob(ctx context.Context, u codeforge.User, id string, undo codeforge.TreeChange) (codeforge.Finished, error)

	// ApplyProposal makes a revision of the change to which the proposal of a job of u has come, which becomes the job's
	// Revision, and drops the proposal. A job that waits is completed, with its event; one that has ended stays as it is. It
	// returns NotFound where there is no proposal, a Conflict while the job is queued or running, and where the project
	// has moved on or is archived; then it changes nothing.
	ApplyProposal(ctx context.Context, u codeforge.User, id string, a codeforge.Application) (codeforge.Finished, error)

	// RejectProposal drops the proposal of a job of u, and cancels a job that waits, with its event. It returns NotFound where
	// there is none, and a Conflict while the job is queued or running.
	RejectProposal(ctx context.Context, u codeforge.User, id string, chat []codeforge.Message) (codeforge.Finished, error)

	// DeleteProject deletes a project of u for good, with all that hangs on it: files and their history, conversation, jobs and what
	// models answered to them, webhooks. What stays is what its models cost. Jobs that had not ended are cancelled, with their
	// events, of which nothing is left afterwards but what is returned. Where the project is not at ifRevision it returns
	// [codeforge.MovedError] and changes nothing.
	DeleteProject(ctx context.Context, u codeforge.User, id string, ifRevision *int64) (codeforge.DeletedProject, error)

	// RespondJob stores answers (a JSON array of {"question","answer"}) in the clarification of a waiting job of u, puts it back to
	// queued with Base cleared, and makes alias another id of it; Invalid (field "status") when it is not waiting.
	RespondJob(ctx context.Context, u codeforge.User, id, alias string, answers []byte) (codeforge.Finished, error)

	// CountQueued is how many jobs are queued.
	CountQueued(ctx context.Context) (int, error)

	// ReleaseAll takes back every running job, as after a crash: for a store that only this process can have open. It
	// returns how many there were.
	ReleaseAll(ctx context.Context) (int, error)

	// SnapshotFiles returns path, content or hash and size, language and version of all files of a project at a revision (0: none).
	SnapshotFiles(ctx context.Context, projectID string, revision int64) ([]codeforge.File, error)

	// ProjectForJob returns the project of a claimed job, to the system.
	ProjectForJob(ctx context.Context, f codeforge.Fence) (codeforge.Project, error)

	// What a job is told of its project's past, as its owner reads it: see api.Store.
	PreviewErrors(ctx context.Context, u codeforge.User, projectID string, revision int64, jobID string) ([]codeforge.PreviewError, error)
	ListMessages(ctx context.Context, u codeforge.User, projectID string, f codeforge.MessageFilter) ([]codeforge.Message, error)
	ListRevisions(ctx context.Context, u codeforge.User, projectID string, page, size int) ([]codeforge.Revision, int, error)
	RevisionDeltas(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.FileDelta, error)

	GetRoadmap(ctx context.Context, u codeforge.User, projectID string) (codeforge.Roadmap, error)
	ListSessions(ctx context.Context, u codeforge.User, projectID, before string, limit int) ([]codeforge.DailySession, error)

	// What a job needs of its project beside texts, as its owner: see api.Store.
	PutBlob(ctx context.Context, u codeforge.User, projectID string, data []byte) (hash string, err error)
	ReadBlob(ctx context.Context, u codeforge.User, projectID, hash string) ([]byte, error)
	ReadLock(ctx context.Context, u codeforge.User, projectID string, number int64) ([]byte, error)

	// AddMessages adds lines to the conversation on a project, to the system.
	AddMessages(ctx context.Context, projectID string, chat []codeforge.Message) error

	// SweepJobs deletes terminal jobs that ended before then, with their events; for a retention that is off by default.
	SweepJobs(ctx context.Context, before time.Time) (int, error)

	// SweepWorking forgets the working files of jobs that ended before then, and blobs that were put before then and are in
	// no revision. It may forget changes from before then, see api.Store.
	SweepWorking(ctx context.Context, before time.Time) error
}
