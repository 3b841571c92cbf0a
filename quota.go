package codeforge

import (
	"fmt"
	"time"
)

// Quota bounds what one user and one project may have, so that no user's use is another's outage. 0: no bound.
type Quota struct {
	Projects     int // archived ones count, since they are kept
	RevisionsDay int // revisions made by hand or by jobs within one day of UTC; jobs that are under way still store theirs
	OpenJobs     int // queued and running ones
	Bytes        int // of contents of files, with those of history; equal ones of a project count once. Jobs that are under way still store theirs

	// Of blobs, whose bytes count apart from those of texts.
	Blob         int // bytes of one
	ProjectBlobs int // bytes of those that a project has at a time, and again of those that were put and are in no revision yet
	Text         int // bytes of one that is a text, but longer than [MaxContent] characters
}

// What there can be too many bytes of for [OverBlobs].
const (
	BlobBytes         = "blob"
	TextBytes         = "text"
	ProjectBlobsBytes = "blobs"
	PutBytes          = "puts"
)

// CheckBlob refuses bytes that are too many for a blob.
func (q Quota) CheckBlob(data []byte) error {
	if q.Blob > 0 && len(data) > q.Blob {
		return OverBlobs(BlobBytes, q.Blob, int64(len(data)))
	}
	if q.Text > 0 && len(data) > q.Text && IsText(data) {
		return OverBlobs(TextBytes, q.Text, int64(len(data)))
	}
	return nil
}

// OverBlobs refuses bytes that would be more than a project may have of them.
func OverBlobs(what string, most int, bytes int64) *Error {
	e := &Error{Kind: TooLarge, Details: map[string]any{"field": "content", "limit": most}}
	switch what {
	case BlobBytes:
		e.Message = fmt.Sprintf("A file has at most %d bytes, this one has %d", most, bytes)
	case TextBytes:
		e.Message = fmt.Sprintf("A text has at most %d bytes, this one has %d", most, bytes)
	case ProjectBlobsBytes:
		e.Message = fmt.Sprintf("The binary files and long texts of a project have at most %d bytes together, this would make %d: delete some, or make them smaller", most, bytes)
	default:
		e.Message = fmt.Sprintf("A project takes at most %d bytes of files that are in no revision yet, this would make %d: write the files that they are for, or wait a day", most, bytes)
	}
	return e
}

// What a user can have too much of.
const (
	QuotaProjects  = "projects"
	QuotaRevisions = "revisions_a_day"
	QuotaOpenJobs  = "open_jobs"
	QuotaBytes     = "bytes"

	QuotaWebhooks      = "webhooks"       // of a user, or of a project
	QuotaWebhookOutbox = "webhook_outbox" // of one
	QuotaTokens        = "tokens"         // of a user, that hold

	QuotaWaitlist = "waitlist" // of all who join it
)

// OverQuota refuses what would be more than a quota allows. What waiting does not help against is too large.
func OverQuota(what string, most int, now time.Time) *Error {
	e := &Error{Details: map[string]any{"quota": what, "limit": most}}
	switch what {
	case QuotaProjects:
		e.Kind, e.Message = TooLarge, fmt.Sprintf("You have %d projects, the most that one user may have; archived ones count, since they are kept", most)
	case QuotaBytes:
		e.Kind, e.Message = TooLarge, fmt.Sprintf("The files and sessions of your projects would take more than %d bytes, the most that one user may store. Earlier revisions count, since they are kept, and equal texts in a project count once: delete whole projects for good where you can, or ask whoever runs this server to raise MAX_BYTES_PER_USER", most)
	case QuotaWebhooks:
		e.Kind, e.Message = TooLarge, fmt.Sprintf("There are %d webhooks, the most that one user may have, and again one project: delete one, or let one take several types of events", most)
	case QuotaTokens:
		e.Kind, e.Message = TooLarge, fmt.Sprintf("You have %d tokens that hold, the most that one user may have: revoke those that nobody uses", most)
	case QuotaWebhookOutbox:
		e.Kind, e.RetryAfter, e.Message = RateLimited, time.Minute, fmt.Sprintf("%d deliveries of this webhook wait to be sent, the most that there may be: wait until its receiver has taken some", most)
	case QuotaWaitlist:
		e.Kind, e.RetryAfter, e.Message = RateLimited, time.Hour, "Too many join the waitlist at the moment: try again in an hour"
	case QuotaRevisions:
		now = now.UTC()
		e.Kind, e.RetryAfter = RateLimited, now.Truncate(24*time.Hour).Add(24*time.Hour).Sub(now)
		e.Message = fmt.Sprintf("Your projects had %d revisions today, the most that one user may make in a day (UTC)", most)
	default:
		e.Kind, e.RetryAfter = QueueFull, 5*time.Second
		e.Message = fmt.Sprintf("You have %d jobs that are queued or running, the most that one user may have: wait for one to end, or cancel one", most)
	}
	return e
}
