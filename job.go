package codeforge

import (
	"encoding/json"
	"slices"
	"time"
)

// JobStatus is the state of a job.
//
//	queued -> running -> completed | failed | cancelled
//	          running -> waiting_for_input -> queued      (answers came)
//	          running -> queued                           (retry, lost worker, shutdown)
//	queued, waiting_for_input -> cancelled
type JobStatus string

const (
	Queued       JobStatus = "queued"
	Running      JobStatus = "running"
	Waiting      JobStatus = "waiting_for_input"
	JobCompleted JobStatus = "completed"
	JobFailed    JobStatus = "failed"
	JobCancelled JobStatus = "cancelled"
)

// Terminal reports whether a job in this state never changes again.
func (s JobStatus) Terminal() bool { return s == JobCompleted || s == JobFailed || s == JobCancelled }

// Job is one piece of work of an agent on a project.
type Job struct {
	ID        string
	ProjectID string
	UserID    string
	Agent     AgentType
	Status    JobStatus
	Progress  float64         // 0 to 100
	Input     json.RawMessage // input_context, byte for byte as it was sent
	// Result is the agent's output, an object, nil while there is none. Contents of files are not in it: they are
	// stored once, in revision Revision of the project, and filled in when the job is read.
	Result        json.RawMessage
	Error         string          // for the client; "" while nothing failed
	Clarification json.RawMessage // {"questions":[...], "answers":[...]} of a job that asked, else nil
	Revision      int64           // the newest revision that the job made; 0: none
	Base          int64           // the revision that the job works on, fixed at its first claim
	Apply         ApplyMode       // what becomes of its work; of a new job the project's, unless it says its own
	Proposal      *Proposal       // what it would change, kept until it is applied or rejected; nil: none
	RetryOf       string          // the job that it was submitted to do again; "": none
	TraceParent   string          // of the request that submitted it, see [TraceParent]; "": nobody traced it
	Fence         int64           // number of the newest claim
	Failures      int             // attempts that failed; bounds retries
	Crashes       int             // claims whose worker vanished; bounded on its own
	RunAt         time.Time       // not started before
	CreatedAt     time.Time
	UpdatedAt     time.Time
	StartedAt     *time.Time // first claim
	CompletedAt   *time.Time // terminal
}

// NewJob is what a submission holds. The store gives it its id, unless ID is set, and its place in line.
type NewJob struct {
	ID             string
	ProjectID      string
	Agent          AgentType
	Input          json.RawMessage
	UserMessage    string // when not empty, also written to the project's conversation
	IdempotencyKey string // when not empty, a second submission of the same user with it answers the first job
	RetryOf        string // a job of the same project; "": none
	TraceParent    string
	Apply          ApplyMode
	IfBusy         BusyMode
	// Here has the process that submits the job do it, at once: it alone has what the work takes. Its engine names itself and the
	// lease. When it vanishes another one claims the job, as any.
	Here   bool
	Worker string
	Lease  time.Duration
}

// ApplyMode says what becomes of the work of jobs. The empty one is the project's, and of a project [ApplyAuto].
type ApplyMode string

const (
	ApplyAuto   ApplyMode = "auto"   // verified work is a revision
	ApplyReview ApplyMode = "review" // it is a [Proposal] until somebody applies it
)

// ApplyModes are all of them.
var ApplyModes = []ApplyMode{ApplyAuto, ApplyReview}

// BusyMode says what becomes of a job that changes files, on a project where such a job is queued or running.
type BusyMode string

const (
	BusyQueue  BusyMode = "queue"          // it waits for its turn; so does the empty one
	BusyReject BusyMode = "reject"         // a Conflict, whose details name the job at work
	BusyCancel BusyMode = "cancel_running" // the others are cancelled
)

// BusyModes are all of them.
var BusyModes = []BusyMode{BusyQueue, BusyReject, BusyCancel}

// BusyError is the Conflict of a job that was not to be queued, with the one that it would wait for.
func BusyError(jobID string) *Error {
	e := Conflictf("job %s is at work on this project", jobID)
	e.Details = map[string]any{"job_id": jobID}
	return e
}

// Check holds the rules for a job that is to be stored; an input of nothing is an empty object.
func (n *NewJob) Check() error {
	if n.Apply != "" && !slices.Contains(ApplyModes, n.Apply) {
		return InvalidField("apply", "must be one of %v", ApplyModes)
	}
	if n.IfBusy != "" && !slices.Contains(BusyModes, n.IfBusy) {
		return InvalidField("if_busy", "must be one of %v", BusyModes)
	}
	if len(n.Input) == 0 || n.RetryOf != "" { // that of a retry was looked at, and has one key more, for the stage to begin with
		return nil
	}
	if a := n.Agent.Agent(); a != nil && a.MaxInput > 0 {
		return checkInput(n.Input, a.MaxInput)
	}
	return CheckInput(n.Input)
}

// JobCount is how many jobs of an agent are in a state in which they have not ended.
type JobCount struct {
	Agent  AgentType     `json:"agent"`
	Status JobStatus     `json:"status"`
	Jobs   int           `json:"jobs"`
	Due    time.Duration `json:"due"` // of queued ones: how long the one has been due that has been longest; 0: none is
}

// JobFilter selects jobs of a project, newest first.
type JobFilter struct {
	Limit  int // 1 to 100
	Offset int
}

// UserJobs selects jobs of a user, of all projects, newest first.
type UserJobs struct {
	Status    JobStatus // "": any
	Agent     AgentType // "": any
	ProjectID string    // "": any
	Cursor    string    // where the page before ended; "": the newest
	Limit     int       // 1 to 100
}

// maxWalkedJobs bounds the jobs that are looked at for one page, so that what is seldom costs no more than what is not.
const maxWalkedJobs = 2000

// States are those that are wanted.
func (f *UserJobs) States() []JobStatus {
	if f.Status != "" {
		return []JobStatus{f.Status}
	}
	return []JobStatus{Queued, Running, Waiting, JobCompleted, JobFailed, JobCancelled}
}

// Walk is how many jobs a store looks at for one page: one more than it shows where all of them are wanted, since there is an index for that.
func (f *UserJobs) Walk() int {
	if f.Agent == "" && (f.ProjectID == "" || f.Status == "") {
		return f.Limit + 1
	}
	return maxWalkedJobs
}

// SuspectCrashes is how many workers must have vanished with a job before it is run apart from others of its kind, one
// at a time: so that one job that brings the process down does not use up the patience with those that ran beside it.
const SuspectCrashes = 2

// Fence names one claim of a job. A write that names an old one changes nothing.
type Fence struct {
	JobID  string
	Number int64
}

// Outcome is how a worker leaves a job: at its end, waiting, or handed back. The store applies it as one transaction. What
// the job changed in its project was kept before, see [StageResult].
type Outcome struct {
	Status   JobStatus // any but running
	Progress float64
	Result   json.RawMessage
	Error    string
	Question json.RawMessage // the questions, when Status is waiting_for_input
	Events   []Event         // appended, in order
	RunAt    time.Time       // when Status is queued: not before; zero: at once
	Failed   bool            // counts as a failed attempt

	Chat []Message // Role, Content, Metadata: lines of the conversation, when Status is completed, failed or waiting_for_input

	Roadmap json.RawMessage // modules that become the roadmap of the project, under the job's id, when Status is completed

	Proposal *NewProposal // in place of the one before, when Status is failed or waiting_for_input
}

// Check holds the rules for what is stored with an end.
func (o *Outcome) Check() error {
	if o.Roadmap == nil {
		return nil
	}
	return CheckModules(o.Roadmap)
}

// Finished is what the store made of an Outcome.
type Finished struct {
	Job    Job
	Events []Event // with their numbers
	Next   string  // a job of the same project that may start now; "": none
}
