package codeforge

import (
	"slices"
	"strings"
)

// Memory is what went on in a project before a job: what its agents know of earlier work.
type Memory struct {
	Messages  []Message         `json:"messages,omitempty"`  // the newest, oldest first
	Revisions []RevisionSummary `json:"revisions,omitempty"` // the newest, newest first
	// Errors went wrong in previews of the revision that the job works on, the last seen first: of a job whose input asks for them.
	Errors []PreviewError `json:"preview_errors,omitempty"`
	// Learned is what the student of the project has done, where it is one for learning: of a job of a [AgentType.Teaches].
	Learned *Learned `json:"learned,omitempty"`
}

// Learned is how far a student has come.
type Learned struct {
	Roadmap  *Roadmap         `json:"roadmap,omitempty"`  // nil: there is none yet
	Sessions []SessionSummary `json:"sessions,omitempty"` // the newest [RememberedSessions], newest first
}

// SessionSummary is what a session was about.
type SessionSummary struct {
	Concepts []string `json:"concepts"`
	Minutes  int      `json:"minutes"`
}

// InputPreviewErrors is the key of a job's input that, when it is true, asks for what went wrong in previews.
const InputPreviewErrors = "preview_errors"

// How much of a project's past a job is given.
const (
	RememberedMessages  = 60
	RememberedRevisions = 6
	RememberedFiles     = 30      // of one revision
	RememberedBytes     = 500_000 // of both sides of them, to count lines
	RememberedErrors    = 20
	RememberedSessions  = 10
)

// RevisionSummary is a revision and how much it changed in files.
type RevisionSummary struct {
	Revision
	Files []FileStat `json:"files"` // the first [RememberedFiles] of them, by path
}

// FileStat is how many lines a change added to a file and took from it.
type FileStat struct {
	Path    string `json:"path"`
	Added   int    `json:"added"`
	Removed int    `json:"removed"`
	Deleted bool   `json:"deleted,omitempty"`
}

// Stat counts the lines of a change. A line that only moved is not counted.
func (d FileDelta) Stat() FileStat {
	s := FileStat{Path: d.Path, Deleted: d.New == nil}
	count := map[string]int{}
	for line := range linesOf(d.Old) {
		count[line]--
	}
	for line := range linesOf(d.New) {
		count[line]++
	}
	for _, n := range count {
		s.Added += max(n, 0)
		s.Removed += max(-n, 0)
	}
	return s
}

func linesOf(f *File) func(yield func(string) bool) {
	if f == nil || f.Content == "" {
		return slices.Values[[]string](nil)
	}
	return strings.SplitSeq(strings.TrimSuffix(f.Content, "\n"), "\n")
}
