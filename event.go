package codeforge

import (
	"encoding/json"
	"time"
)

// EventType names what happened in a job. The first five are those of the wire contract, which a stream sends twice.
type EventType string

const (
	EventProgress  EventType = "progress"
	EventComplete  EventType = "complete"
	EventError     EventType = "error"
	EventCancelled EventType = "cancelled"
	EventWaiting   EventType = "waiting"

	EventStage   EventType = "stage"   // a stage of the work began or ended
	EventFile    EventType = "file"    // a file of the working tree was written, edited or deleted
	EventUsage   EventType = "usage"   // what a model call used
	EventCheck   EventType = "check"   // what verification found
	EventRetry   EventType = "retry"   // the job, or a model call in it, is tried again
	EventRestart EventType = "restart" // what a viewer was shown of an answer is void; data says from where
	EventTool    EventType = "tool"    // a call of a tool, and what it answered
	EventSpec    EventType = "spec"    // a specification was written
	EventFinding EventType = "finding" // an issue that a review found
	EventGuard   EventType = "guard"   // a guard acted: refused, objected, or noted something
	EventReview  EventType = "review"  // what a review came to, after its findings

	EventKept     EventType = "kept"     // what a stage made is in the project, or proposed to it
	EventConflict EventType = "conflict" // the job and people changed the same places

	EventDelta     EventType = "delta"      // transient: words as they are produced
	EventFileDelta EventType = "file_delta" // transient: text of a file as it is written
	EventQueue     EventType = "queue"      // transient: where a queued job stands, and what it waits for
	EventLog       EventType = "log"        // transient: a line for whoever watches
)

// Contract reports whether t is one of the five events of the wire contract.
func (t EventType) Contract() bool {
	switch t {
	case EventProgress, EventComplete, EventError, EventCancelled, EventWaiting:
		return true
	}
	return false
}

// Final reports whether no event follows one of this type.
func (t EventType) Final() bool {
	return t == EventComplete || t == EventError || t == EventCancelled
}

// Event is one entry of a job's log. Seq numbers the stored ones from 1 without gaps; a transient event has 0 and is
// seen only by those who watch at that moment. Where events are passed on, one that names no job says that there are new
// changes of its project.
type Event struct {
	JobID string
	// Of the job, where they are known: those who watch all jobs of a project, or of a user, are told by them.
	ProjectID, UserID string

	Seq  int64
	Type EventType
	Data json.RawMessage // an object
	At   time.Time
	// File, of a job's working tree, is as the event tells: stored with it, for [WorkingFile], and sent to nobody.
	File *FileChange
}

// Marshal is the failure as an event holds it. Details hold what JSON can say.
func (f JobFailure) Marshal() json.RawMessage {
	b, err := json.Marshal(f)
	if err != nil {
		f.Details = nil
		b, _ = json.Marshal(f)
	}
	return b
}

// Fault is the error that the job met, for whoever waited for its result. agent is the job's.
func (f JobFailure) Fault(agent AgentType) *Error {
	e := &Error{Kind: f.Kind, Message: f.Error, Details: f.Details, RetryAfter: time.Duration(f.RetryAfterMS) * time.Millisecond}
	if e.Kind == "" {
		e.Kind = AgentFailed
	}
	if e.Details == nil {
		e.Details = map[string]any{}
	}
	if e.Kind == AgentFailed && e.Details["agent"] == nil {
		e.Details["agent"] = string(agent)
	}
	return e
}

// WorkingFile is a file that the newest claim of a job changed: the project's files at the job's Base and these are its working
// tree. They are kept for [WorkingKept] after the job's end.
type WorkingFile struct {
	Path     string
	Deleted  bool
	Size     int64
	Hash     string // SHA-256 in hexadecimal, of texts too; "": deleted
	Content  string // of a text
	Encoding string // [EncodingBase64] of a blob
}

// WorkingKept is how long the working files of a job that has ended are kept, and blobs that were put and are in no revision.
const WorkingKept = 24 * time.Hour

// WorkingChanges are the files that events tell of, each once, as the last of them has it.
func WorkingChanges(events []Event) []FileChange {
	last := map[string]int{}
	for i, e := range events {
		if e.File != nil {
			last[e.File.Path] = i
		}
	}
	var changes []FileChange
	for i, e := range events {
		if e.File != nil && last[e.File.Path] == i {
			changes = append(changes, *e.File)
		}
	}
	return changes
}

// Transient reports whether events of this type are never stored.
func (t EventType) Transient() bool {
	return t == EventDelta || t == EventFileDelta || t == EventQueue || t == EventLog
}
