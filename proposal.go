package codeforge

import (
	"encoding/json"
	"time"
)

// Proposal is what a job would change: its changes against revision Base of the project. A job has one at most, and it is kept
// whatever becomes of the job. Its files are reached by the job's id.
type Proposal struct {
	Base         int64     `json:"base"`
	Message      string    `json:"message"`
	Verified     bool      `json:"verified"` // whether the tree that it leads to passes a check
	FilesChanged int       `json:"files_changed"`
	CreatedAt    time.Time `json:"created_at"`
}

// NewProposal is a proposal that is to be kept. One without changes takes away the one before.
type NewProposal struct {
	Base     int64
	Changes  []FileChange // of several for one path the last one counts
	Message  string
	Verified bool
}

// TreeChange is a change of a project's files, made to the revision that is the newest when it is stored; else nothing is, and
// the error is a [MovedError].
type TreeChange struct {
	Head     int64 // negative: whatever the newest is
	Changes  []FileChange
	Message  string // of the revision
	Verified *bool  // whether the tree that it leads to passes a check; nil: not known
	// Beside the revision, as in [StageResult].
	Evidence    Evidence
	Screenshots []Screenshot
	Lock        []byte
}

// Application is how a proposal is taken over: as it fits to what the project is now.
type Application struct {
	TreeChange
	Result json.RawMessage // of a job that waited; nil: as it is
	Chat   []Message
}
