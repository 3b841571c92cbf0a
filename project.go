package codeforge

import (
	"encoding/json"
	"time"
	"unicode/utf8"
)

// Mode says what a project is for.
type Mode string

const (
	ModeBuilder Mode = "builder"
	ModeStudent Mode = "student"
)

// ProjectStatus is where a project stands. Archived is the soft delete.
type ProjectStatus string

const (
	Planning   ProjectStatus = "planning"
	InProgress ProjectStatus = "in-progress"
	Building   ProjectStatus = "building"
	Completed  ProjectStatus = "completed"
	Archived   ProjectStatus = "archived"
)

// ProjectStatuses are all states, in the order in which a project usually passes them.
var ProjectStatuses = []ProjectStatus{Planning, InProgress, Building, Completed, Archived}

// Project is an idea on its way to a program. Its files are reached by its id; Revision numbers their newest state.
type Project struct {
	ID           string          `json:"id"`
	UserID       string          `json:"user_id"`
	Title        string          `json:"title"`
	Description  string          `json:"description"`
	Mode         Mode            `json:"mode"`
	Status       ProjectStatus   `json:"status"`
	Requirements json.RawMessage `json:"requirements_spec"` // nil: null
	Architecture json.RawMessage `json:"architecture_spec"`
	TechStack    []string        `json:"tech_stack"`
	Revision     int64           `json:"revision"` // 0: no file was ever written
	CreatedAt    time.Time       `json:"created_at"`
	UpdatedAt    time.Time       `json:"updated_at"`
}

// ProjectPatch changes what is not nil.
type ProjectPatch struct {
	Title        *string
	Description  *string
	Status       *ProjectStatus
	Requirements *json.RawMessage // points to nil: set to null
	Architecture *json.RawMessage
	TechStack    *[]string
	IfRevision   *int64 // stale: Conflict
}

// Empty reports whether the patch would change nothing.
func (p ProjectPatch) Empty() bool {
	return p.Title == nil && p.Description == nil && p.Status == nil && p.Requirements == nil && p.Architecture == nil && p.TechStack == nil
}

// ProjectFilter narrows a list of projects. The zero value lists all that are not archived.
type ProjectFilter struct {
	Mode   Mode          // "": any
	Status ProjectStatus // "": any but archived
	Page   int           // from 1
	Size   int           // 1 to 50
}

// CheckTitle holds the rule for titles. The text must be trimmed already.
func CheckTitle(s string) error {
	if n := utf8.RuneCountInString(s); n < MinTitle || n > MaxTitle {
		return InvalidField("title", "must have %d to %d characters, has %d", MinTitle, MaxTitle, n)
	}
	return nil
}
