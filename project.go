package codeforge

import (
	"encoding/json"
	"slices"
	"strings"
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
	Apply        ApplyMode       `json:"apply"`
	Revision     int64           `json:"revision"` // 0: no file was ever written
	CreatedAt    time.Time       `json:"created_at"`
	UpdatedAt    time.Time       `json:"updated_at"`
}

// ProjectPatch changes what is not nil.
type ProjectPatch struct {
	Title        *string          `json:"title,omitempty"`
	Description  *string          `json:"description,omitempty"`
	Status       *ProjectStatus   `json:"status,omitempty"`
	Requirements *json.RawMessage `json:"requirements_spec,omitempty"` // points to nil: set to null
	Architecture *json.RawMessage `json:"architecture_spec,omitempty"`
	TechStack    *[]string        `json:"tech_stack,omitempty"`
	Apply        *ApplyMode       `json:"apply,omitempty"`
	IfRevision   *int64           `json:"-"` // stale: Conflict
}

// Empty reports whether the patch would change nothing.
func (p ProjectPatch) Empty() bool {
	return p.Title == nil && p.Description == nil && p.Status == nil && p.Requirements == nil && p.Architecture == nil && p.TechStack == nil && p.Apply == nil
}

// ProjectFilter narrows a list of projects. The zero value lists all that are not archived.
type ProjectFilter struct {
	Mode   Mode          // "": any
	Status ProjectStatus // "": any but archived
	Page   int           // from 1
	Size   int           // 1 to 50
}

// Check holds the rules for a project that is to be stored; its texts must be trimmed already. It returns an [Error] of
// kind Invalid that names the field.
func (p *Project) Check() error {
	patch := ProjectPatch{Title: &p.Title, Description: &p.Description, TechStack: &p.TechStack, Requirements: &p.Requirements, Architecture: &p.Architecture}
	if p.Apply != "" {
		patch.Apply = &p.Apply
	}
	if p.Mode != "" && p.Mode != ModeBuilder && p.Mode != ModeStudent {
		return InvalidField("mode", "must be one of %s, %s", ModeBuilder, ModeStudent)
	}
	return patch.Check()
}

// Check holds the same rules for what a patch sets. What it leaves alone may break them: rows from before a rule stay usable.
func (p *ProjectPatch) Check() error {
	if p.Title != nil {
		if err := checkText("title", *p.Title, MinTitle, MaxTitle); err != nil {
			return err
		}
	}
	if p.Description != nil {
		if err := checkText("description", *p.Description, 0, MaxDescription); err != nil {
			return err
		}
	}
	if p.Status != nil && !slices.Contains(ProjectStatuses, *p.Status) {
		return InvalidField("status", "must be one of %v", ProjectStatuses)
	}
	if p.Apply != nil && !slices.Contains(ApplyModes, *p.Apply) {
		return InvalidField("apply", "must be one of %v", ApplyModes)
	}
	if p.TechStack != nil {
		if n := len(*p.TechStack); n > MaxTechStack {
			return InvalidField("tech_stack", "must have at most %d entries, has %d", MaxTechStack, n)
		}
		for _, t := range *p.TechStack {
			if err := checkText("tech_stack", t, 1, MaxTechStackItem); err != nil {
				return err
			}
		}
	}
	for field, spec := range map[string]*json.RawMessage{"requirements_spec": p.Requirements, "architecture_spec": p.Architecture} {
		if spec == nil || *spec == nil {
			continue
		}
		if n := len(*spec); n > MaxSpec {
			return InvalidField(field, "must have at most %d bytes, has %d", MaxSpec, n)
		}
		if !json.Valid(*spec) || !utf8.Valid(*spec) {
			return InvalidField(field, "must be valid JSON")
		}
	}
	return nil
}

// checkText holds the rule for a text of a noun: valid UTF-8 without NUL, which Postgres cannot store, least to most
// code points long.
func checkText(field, s string, least, most int) error {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return InvalidField(field, "must be valid UTF-8 without NUL characters")
	}
	if n := utf8.RuneCountInString(s); n < least || n > most {
		return InvalidField(field, "must have %d to %d characters, has %d", least, most, n)
	}
	return nil
}

// ProjectCopy is a project that is to be made of the files of another one.
type ProjectCopy struct {
	From           string
	Revision       int64  // of the other one; 0: the newest
	Title          string // "": the other one's, with words that say so
	IdempotencyKey string // when not empty, a second request of the same user with it answers the first copy
}

// Check holds the rules for a copy that is to be made.
func (c *ProjectCopy) Check() error {
	if c.Title == "" {
		return nil
	}
	return checkText("title", c.Title, MinTitle, MaxTitle)
}

// Request is what is asked for, to tell whether two requests with a key are the same.
func (c *ProjectCopy) Request() string {
	text, _ := json.Marshal([]any{c.From, c.Revision, c.Title}) // texts and numbers always marshal
	return string(text)
}

// Row is the copy of a project, without files yet. Documents are the newest, whichever revision is copied: they have no history.
func (c *ProjectCopy) Row(of Project) Project {
	title := []rune("Copy of " + of.Title)
	if c.Title != "" {
		title = []rune(c.Title)
	}
	of.Title = string(title[:min(len(title), MaxTitle)])
	if of.Status == Archived {
		of.Status = InProgress
	}
	of.Revision = 0
	return of
}

// DeletedProject is what a project took along when it was deleted for good.
type DeletedProject struct {
	Ended []Finished // the jobs that had not ended, each with its last event
	Jobs  []string   // all of its jobs
}

// FitLength makes a title or description of any words: shortened to n characters, and made up for where they are too few for a title.
func FitLength(s string, n int) string {
	s = strings.TrimSpace(s)
	if utf8.RuneCountInString(s) < MinTitle {
		s = "App: " + s
	}
	if r := []rune(s); len(r) > n {
		return strings.TrimSpace(string(r[:n-1])) + "…"
	}
	return s
}
