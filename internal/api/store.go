package api

import (
	"context"
	"time"

	"codeforge"
	"codeforge/internal/git"
)

// Store is what the routes need of a store. Every method takes the caller and answers NotFound for what is another
// user's. Reads are one round trip, writes one transaction.
type Store interface {
	// CreateProject stores p for u with a new id, status planning and revision 0; UserID, times and id of p are ignored.
	CreateProject(ctx context.Context, u codeforge.User, p codeforge.Project) (codeforge.Project, error)
	// CopyProject makes a project of u with the files that another one has in a revision, as its first revision, with what is known of
	// them there: marks, evidence, screenshots, the lock of packages. Documents are copied; conversation, jobs and history are not. Where
	// the other one has no revision yet, the copy has none. fresh is whether it was made now, and not by a request with the same key.
	CopyProject(ctx context.Context, u codeforge.User, n codeforge.ProjectCopy) (p codeforge.Project, fresh bool, err error)
	GetProject(ctx context.Context, u codeforge.User, id string) (codeforge.Project, error)
	// ListProjects returns one page, newest first, and how many there are in all.
	ListProjects(ctx context.Context, u codeforge.User, f codeforge.ProjectFilter) ([]codeforge.Project, int, error)
	// UpdateProject applies a patch that is not empty.
	UpdateProject(ctx context.Context, u codeforge.User, id string, p codeforge.ProjectPatch) (codeforge.Project, error)

	// PutBlob takes bytes that the files of a project are about to have, and returns the hash by which they name them. Bytes
	// that no revision, working tree or proposal came to have are forgotten after [codeforge.WorkingKept]; put again, they
	// stay as long again. Bytes that [codeforge.CheckContent] takes are a text of every file that names them.
	PutBlob(ctx context.Context, u codeforge.User, projectID string, data []byte) (hash string, err error)
	// ReadBlob returns the bytes that a project has by a hash, whatever has them: NotFound (resource "Blob") where it has none.
	// It is the one method that reads bytes of blobs, but for ReadScreenshot: files have hash and size of theirs.
	ReadBlob(ctx context.Context, u codeforge.User, projectID, hash string) ([]byte, error)

	// ListFiles returns all files sorted by path, and the project's revision. Without contents none is read. When the
	// project is still at revision unless (and unless is not negative), it returns no files and reads none.
	ListFiles(ctx context.Context, u codeforge.User, projectID string, contents bool, unless int64) (files []codeforge.File, revision int64, err error)
	GetFile(ctx context.Context, u codeforge.User, projectID, path string) (codeforge.File, error)
	// WriteFile puts one file as a revision of its own, with its version raised.
	WriteFile(ctx context.Context, u codeforge.User, projectID string, w codeforge.FileWrite) (codeforge.File, error)
	// DeleteFile removes one file as a revision of its own.
	DeleteFile(ctx context.Context, u codeforge.User, projectID, path string, ifVersion *int64) error

	// ListRevisions returns one page, newest first, and how many there are in all.
	ListRevisions(ctx context.Context, u codeforge.User, projectID string, page, size int) ([]codeforge.Revision, int, error)
	// RevisionFiles returns a revision and a page of the files as they were in it; for 0 the newest, or the zero Revision where
	// there is none yet, and the files as they are. The page after the last holds no files.
	RevisionFiles(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.File, error)
	// RevisionDeltas returns a revision and a page of what it changed against the one before; the bytes of both sides count.
	RevisionDeltas(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.FileDelta, error)
	// CompareRevisions returns revision to and a page of what differs in it from another one, which may be an older or a newer one, or 0 for
	// no files at all. A file that went is paired with one that came whose content is the same: it was renamed. The bytes of both sides
	// count, but of renamed files.
	CompareRevisions(ctx context.Context, u codeforge.User, projectID string, from, to int64, p codeforge.Page) (codeforge.Revision, []codeforge.FileDelta, error)
	// RestoreRevision makes a new revision whose files equal those of an older one, and with what is known of that one. Restoring the newest makes one of no changes.
	RestoreRevision(ctx context.Context, u codeforge.User, projectID string, number int64, ifRevision *int64) (codeforge.Revision, error)

	// WriteRevision makes one revision by hand of many changes, of those that change something. Where the project has moved
	// on from Head it returns [codeforge.MovedError] and changes nothing.
	WriteRevision(ctx context.Context, u codeforge.User, projectID string, change codeforge.TreeChange) (codeforge.Revision, error)

	// What git is served from: see there.
	git.Store

	// MarkChecked notes what a check of the files of a revision came to, in place of what was known: whether they pass, how
	// far they get, what pages look like, and the lock of packages (nil: as it was).
	MarkChecked(ctx context.Context, u codeforge.User, projectID string, number int64, verified bool, evidence codeforge.Evidence, shots []codeforge.Screenshot, lock []byte) error
	// ReadLock returns the lock that is kept beside a revision, its own or else that of the one before; for 0 of the newest.
	// nil: there is none, or not that revision.
	ReadLock(ctx context.Context, u codeforge.User, projectID string, number int64) ([]byte, error)
	// ListScreenshots returns those of a revision, by page and width.
	ListScreenshots(ctx context.Context, u codeforge.User, projectID string, number int64) ([]codeforge.Screenshot, error)
	// ReadScreenshot returns one with its bytes: NotFound (resource "Screenshot") where there is none.
	ReadScreenshot(ctx context.Context, u codeforge.User, projectID string, number int64, page string, width int) (codeforge.Screenshot, []byte, error)

	// ReadProposal returns the proposal of a job and a page of what it would change against its base; the bytes of both
	// sides count.
	ReadProposal(ctx context.Context, u codeforge.User, jobID string, p codeforge.Page) (codeforge.Proposal, []codeforge.FileDelta, error)

	// GetJob finds a job by its id or an alias of it.
	GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error)
	// ListJobs returns jobs of a project, newest first, without Result's size mattering to the rows skipped, and how many there are in all.
	ListJobs(ctx context.Context, u codeforge.User, projectID string, f codeforge.JobFilter) ([]codeforge.Job, int, error)
	// ListUserJobs returns a page of the jobs of u in all projects, newest first, and the cursor of the next one, "" if there is none.
	// Where a filter passes over many jobs the page may hold fewer than the limit, or none, and there is a next one all the same.
	ListUserJobs(ctx context.Context, u codeforge.User, f codeforge.UserJobs) (page []codeforge.Job, next string, err error)
	// WatchJob is what who opens a stream asks for, read together: GetJob without what the job was given and what it made, and
	// Events. They may be newer than the state, and never older.
	WatchJob(ctx context.Context, u codeforge.User, id string, after int64, limit int) (state codeforge.Job, events []codeforge.Event, err error)
	// JobOwner returns the canonical id of a job and whose it is, to the system: for streams that a capability opens.
	JobOwner(ctx context.Context, id string) (jobID, userID string, err error)
	// Events returns at most limit stored events of a job after number after, in order.
	Events(ctx context.Context, u codeforge.User, jobID string, after int64, limit int) ([]codeforge.Event, error)
	// WorkingFiles returns a page of the files that the newest claim of a job changed so far.
	WorkingFiles(ctx context.Context, u codeforge.User, jobID string, p codeforge.Page) ([]codeforge.WorkingFile, error)
	// ListMessages returns the newest messages of a project that a filter lets through, oldest first; NotFound (resource "Message")
	// for a Before that is not there. While a job runs, one message says so (is_thinking): it goes in the transaction that says
	// what became of the job.
	ListMessages(ctx context.Context, u codeforge.User, projectID string, f codeforge.MessageFilter) ([]codeforge.Message, error)

	// ProjectChanges returns at most limit entries after a number of what changed in a project, in order. From a negative number
	// on it returns none, and the jobs of the project that have not ended. The newest [codeforge.KeptChanges] are kept, for
	// [codeforge.WorkingKept] at least.
	ProjectChanges(ctx context.Context, u codeforge.User, projectID string, after int64, limit int) (codeforge.Changes, error)
	// UserChanges is the same for the jobs that a user began, in all projects: there is nothing else in it.
	UserChanges(ctx context.Context, u codeforge.User, after int64, limit int) (codeforge.Changes, error)

	// AddPreviewErrors keeps what went wrong in pages of a project, cleaned before: equal ones once, counted, of all at most
	// [codeforge.MaxPreviewErrors], the newest.
	AddPreviewErrors(ctx context.Context, u codeforge.User, projectID string, list []codeforge.PreviewError) error
	// PreviewErrors returns those of a revision (0: the newest) or, with its id, of a job's working tree, the newest first.
	PreviewErrors(ctx context.Context, u codeforge.User, projectID string, revision int64, jobID string) ([]codeforge.PreviewError, error)

	// PutKey stores a user's sealed key for a provider in place of the one before.
	PutKey(ctx context.Context, u codeforge.User, provider, hint string, sealed []byte) (codeforge.ProviderKey, error)
	// ListKeys returns those of u by provider.
	ListKeys(ctx context.Context, u codeforge.User) ([]codeforge.ProviderKey, error)
	DeleteKey(ctx context.Context, u codeforge.User, provider string) error

	// CreateWebhook stores w under its id for u, for a project if it names one, with a sealed secret to sign by. Events of those
	// projects become deliveries in the transactions that make them true, from then on.
	CreateWebhook(ctx context.Context, u codeforge.User, w codeforge.Webhook, secret []byte) (codeforge.Webhook, error)
	// ListWebhooks returns those of a project, or ("") those of u for all projects, oldest first.
	ListWebhooks(ctx context.Context, u codeforge.User, projectID string) ([]codeforge.Webhook, error)
	GetWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey) (codeforge.Webhook, error)
	// UpdateWebhook applies a patch. What a disabled one has pending rests; enabled, it is due at once.
	UpdateWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, p codeforge.WebhookPatch) (codeforge.Webhook, error)
	// DeleteWebhook deletes its deliveries too.
	DeleteWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey) error
	// RotateWebhook puts a new sealed secret in place of the old one, which signs too until the grace is over.
	RotateWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, secret []byte, grace time.Duration) (codeforge.Webhook, error)
	ListWebhookDeliveries(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, f codeforge.WebhookFilter) ([]codeforge.WebhookDelivery, error)
	// RedeliverWebhook makes a delivery due now, whatever became of it, with all its tries before it again.
	RedeliverWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, deliveryID string) (codeforge.WebhookDelivery, error)
	// TestWebhook makes a delivery that tells of nothing.
	TestWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey) (codeforge.WebhookDelivery, error)

	// GetProfile returns the profile of u, and makes it where there is none yet ([codeforge.FirstProfile]).
	GetProfile(ctx context.Context, u codeforge.User) (codeforge.Profile, error)
	// PutProfile applies a patch to the profile of u, which is made before where there is none: Invalid (field "username") for a
	// name that another has.
	PutProfile(ctx context.Context, u codeforge.User, p codeforge.ProfilePatch) (codeforge.Profile, error)
	// DeleteProfile deletes what u has beside projects: profile, tokens, keys, webhooks, an entry on the waitlist. While there are
	// projects it is a Conflict. What stays are ids and sums: what models cost, budgets, how many revisions a day had.
	DeleteProfile(ctx context.Context, u codeforge.User) error
	// JoinWaitlist keeps an address that [codeforge.ParseEmail] returned. It does the same for one that is there already, and as much, and refuses
	// all alike when [codeforge.MaxWaitlist] joined within an hour.
	JoinWaitlist(ctx context.Context, email string) error

	// These are of projects of mode student: of others they are Invalid (field "mode"). NotFound has the resource "Roadmap" where
	// there is none.

	GetRoadmap(ctx context.Context, u codeforge.User, projectID string) (codeforge.Roadmap, error)
	// SetRoadmapStep and ChooseOption are Invalid (fields "step_index" and "module_index") beyond the modules of the roadmap. Done at
	// once, neither loses what the other wrote.
	SetRoadmapStep(ctx context.Context, u codeforge.User, projectID string, step int) (codeforge.Roadmap, error)
	ChooseOption(ctx context.Context, u codeforge.User, projectID string, module int, option string) (codeforge.Roadmap, error)
	GetStudentProgress(ctx context.Context, u codeforge.User, projectID string) (codeforge.StudentProgress, error)
	// AddSession stores d with a new id; ID, ProjectID and CreatedAt of it are ignored. Its texts count in what u stores.
	AddSession(ctx context.Context, u codeforge.User, projectID string, d codeforge.DailySession) (codeforge.DailySession, error)
	// ListSessions returns sessions of a project that are older than one of them, or ("") the newest, at most limit, newest first.
	ListSessions(ctx context.Context, u codeforge.User, projectID, before string, limit int) ([]codeforge.DailySession, error)

	// ListPatterns returns the patterns that a project of u has become, one of each embedding model, in the order of models.
	ListPatterns(ctx context.Context, u codeforge.User, projectID string) ([]codeforge.Pattern, error)

	// Ping checks that the store answers.
	Ping(ctx context.Context) error
}
