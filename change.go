package codeforge

import "time"

// ChangeKind names what changed in a project.
type ChangeKind string

const (
	ChangedJob      ChangeKind = "job"      // a job began, went back to the queue, waits, or ended; that it runs its own events say
	ChangedRevision ChangeKind = "revision" // the files have a new revision
	ChangedMessage  ChangeKind = "message"  // a line was added to the conversation, or taken out of it
	ChangedProject  ChangeKind = "project"  // fields of the project have other values
	ChangedWebhook  ChangeKind = "webhook"  // the server disabled a webhook of the project, or of the user
)

// Change is one entry of what changed in a project, whoever did it, or of the jobs that a user began. It is stored as what
// it names; what stands beside is read with it.
type Change struct {
	Number int64 // in the order of commits, from 1 without gaps, of the project or the user
	Kind   ChangeKind
	At     time.Time
	Job    JobChange // of [ChangedJob]
	// Revision is that of [ChangedRevision]: its number at least.
	Revision Revision
	// Message is that of [ChangedMessage]: its id at least. Of its content at most [MaxChangeText] characters are there.
	Message   Message
	Truncated bool // its content is longer
	Deleted   bool // it is there no more, and nothing of it is known but its id
	// Fields are those of [ChangedProject], as the API names them.
	Fields  []string
	Webhook WebhookChange // of [ChangedWebhook]
}

// JobChange is what became of a job.
type JobChange struct {
	ID      string
	Project string    // "": the job is gone since
	Agent   AgentType // "": the job is gone since
	Status  JobStatus // at that time
}

// WebhookChange is what the server did to a webhook.
type WebhookChange struct {
	ID       string
	Disabled WebhookFaultCause
}

// OpenJob is a job that has not ended.
type OpenJob struct {
	ID       string    `json:"id" format:"uuid"`
	Project  string    `json:"project_id" format:"uuid"`
	Agent    AgentType `json:"agent_type"`
	Status   JobStatus `json:"status" enum:"queued,running,waiting_for_input"`
	Progress float64   `json:"progress"`
	Events   int64     `json:"events" doc:"Number of the newest."`
}

// Changes are a part of a log of them.
type Changes struct {
	List []Change
	Last int64 // number of the newest when it was read
	// Kept is the number of the oldest that is kept; Last+1: none is. Who has seen less than the one before must read anew.
	Kept int64
	Open []OpenJob // where the log is entered at its end: the jobs that have not ended, the newest first
}

const (
	// KeptChanges is how many changes of each project, and jobs of each user, are kept, the newest.
	KeptChanges = 1000
	// MaxChangeText bounds the characters of a message's content in a [Change].
	MaxChangeText = 20_000
	// MaxOpenJobs bounds [Changes.Open].
	MaxOpenJobs = 1000
)
