package codeforge

import (
	"strings"
	"time"
)

// Revision is one state of all files of a project. Numbers start at 1 and have no gaps.
type Revision struct {
	Number       int64     `json:"revision"`
	JobID        string    `json:"job_id,omitempty"` // "": written by hand
	Author       string    `json:"author"`           // "user", or the agent type that wrote it
	Message      string    `json:"message"`
	FilesChanged int       `json:"files_changed"`
	Verified     *bool     `json:"verified"` // whether its files pass a check; nil: not known
	Evidence     Evidence  `json:"evidence,omitempty"`
	CreatedAt    time.Time `json:"created_at"`
}

// Restored reports whether the revision brought back an older one: stores say so in its message.
func (r Revision) Restored() bool {
	return r.JobID == "" && r.Author == "user" && strings.HasPrefix(r.Message, "Restore revision ")
}

// FileDelta is what became of one file from one revision to another. A nil side means that the file did not exist there. Where the sides
// have other paths the file was renamed, and nothing else: Path is that of the newer one, and contents are not read.
type FileDelta struct {
	Path     string
	Old, New *File
}
