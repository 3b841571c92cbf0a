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

	EventDelta EventType = "delta" // transient: text as it is produced
	EventLog   EventType = "log"   // transient: a line for whoever watches
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
// seen only by those who watch at that moment.
type Event struct {
	JobID string
	Seq   int64
	Type  EventType
	Data  json.RawMessage // an object
	At    time.Time
}

// Transient reports whether events of this type are never stored.
func (t EventType) Transient() bool { return t == EventDelta || t == EventLog }
