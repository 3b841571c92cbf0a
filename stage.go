package codeforge

import (
	"encoding/json"
	"errors"
)

// StageResult is what a stage of a job leaves behind: specifications, and of a stage that changes files a whole verified tree,
// as its changes against revision Base of the project. Stage and Round name it within its job.
type StageResult struct {
	Stage         AgentType
	Round         int   // 0: the first
	Base          int64 // the revision that Changes are made to
	Changes       []FileChange
	Message       string          // of the revision
	Evidence      Evidence        // beside the revision
	Screenshots   []Screenshot    // of the revision; their blobs were put before
	Lock          []byte          // of packages, beside the revision; nil: as before
	Proposal      bool            // Changes are kept as the job's proposal, not as a revision, wherever the project is now
	Requirements  json.RawMessage // nil: unchanged
	Architecture  json.RawMessage
	ProjectStatus ProjectStatus // "": unchanged
	Events        []Event       // appended, in order
	Progress      float64       // of the job; not more than it has: unchanged
}

// Kept is what a store made of a StageResult.
type Kept struct {
	Revision int64   // that it made; 0: none
	Events   []Event // with their numbers; none when it was kept before
}

// MovedError is the Conflict of a write that was made for another revision of a project than its newest one.
func MovedError(newest, base int64) *Error {
	e := Conflictf("the project is at revision %d, not %d", newest, base)
	e.Details = map[string]any{"revision": newest}
	return e
}

// MovedTo reports whether err is that Conflict, and the newest revision.
func MovedTo(err error) (newest int64, moved bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Conflict {
		return 0, false
	}
	newest, moved = e.Details["revision"].(int64)
	return newest, moved
}
