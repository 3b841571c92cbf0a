// Package eval measures how well agents do their work. A task is a project, what a user says, and checks of what came of it:
// files that must and must not change, verification, behaviour in a real browser. Tasks run through the public HTTP API of a
// server in this process, with any model; answers are recorded and replayed through the journal's form.
//
// The checks look at outcomes, never at how they came about, so that any way of doing the work that a user would be content
// with passes. That each check tells a good outcome from a bad one is proven with scripted answers of both kinds.
package eval

import (
	"context"
	"encoding/json"

	"codeforge"
	"codeforge/internal/verify"
)

// Task is one thing that a user wants of a project.
type Task struct {
	Name   string
	Kind   Kind
	Stack  Stack
	Size   int // files of the project; 0: a new one
	Seed   uint64
	Plant  func(files map[string]string) // changes the fixture: a bug, a file to mind; nil: nothing
	Steps  []Step
	Checks []Check
}

// Kind is what sort of work a task is.
type Kind string

// Kinds of tasks.
const (
	NewApp   Kind = "new"
	Change   Kind = "change"
	FollowUp Kind = "follow-up"
	Rename   Kind = "rename"
	Bug      Kind = "bug"
	Tests    Kind = "tests"
	Question Kind = "question"
	Review   Kind = "review"
	Refuse   Kind = "refuse"
	Form     Kind = "form" // of the files: line ends, byte order marks, size
)

// Step is one message of the user.
type Step struct {
	Agent codeforge.AgentType
	Says  string
}

// Check is one thing that must hold of an outcome. Its error says what does not.
type Check struct {
	Name string
	Run  func(context.Context, *Outcome) error
}

// Outcome is what came of a task.
type Outcome struct {
	Before, After map[string]string
	Jobs          []Job // one for each step
	Report        verify.Report
	Preview       string // address of the newest revision, as it runs
	Browser       *Browser
}

// Job is how a step ended.
type Job struct {
	Status codeforge.JobStatus `json:"status"`
	Result json.RawMessage     `json:"result"`
	Error  string              `json:"error"`
	Says   string              `json:"-"` // the last line of the conversation after it
}

// files are the files with which a task begins.
func (t *Task) files() map[string]string {
	if t.Size == 0 {
		return map[string]string{}
	}
	files := fixture(t.Stack, t.Size, t.Seed)
	if t.Plant != nil {
		t.Plant(files)
	}
	return files
}
