package codeforge

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"time"
)

// Bounds of roadmaps and sessions.
const (
	MaxModules  = 20
	MaxRoadmap  = 200_000 // bytes of its modules
	MaxOptionID = 50

	MaxTranscript        = 100     // entries
	MaxTranscriptBytes   = 200_000 // of all
	MaxConcepts          = 20
	MaxConcept           = 200
	MaxSessionMinutes    = 480
	SessionOverheadBytes = 500 // what a session counts beside its texts, in what a user stores
)

// Roadmap is the way through a project of mode student, of which there is at most one. CurrentStep counts the modules that were done.
type Roadmap struct {
	ID          string          `json:"id"`
	ProjectID   string          `json:"project_id"`
	Modules     json.RawMessage `json:"modules"` // a list of [RoadmapModule]; rows from before may hold more, or other things
	CurrentStep int             `json:"current_step_index"`
	CreatedAt   time.Time       `json:"created_at"`
}

// RoadmapModule is a step of a roadmap.
type RoadmapModule struct {
	Title          string   `json:"title"`
	Description    string   `json:"description"`
	Concepts       []string `json:"concepts"`
	Exercises      []string `json:"exercises"`
	EstimatedHours float64  `json:"estimated_hours"`
	ChosenOption   string   `json:"chosen_option,omitempty"` // by the student; "": nothing yet
}

// NewModules are modules as they are stored.
func NewModules(list []RoadmapModule) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(list); err != nil {
		return nil, err
	}
	modules := bytes.TrimSpace(b.Bytes())
	return modules, CheckModules(modules)
}

// CheckModules holds the rules for modules that are to be stored: a list of 1 to MaxModules objects.
func CheckModules(modules json.RawMessage) error {
	if n := len(modules); n > MaxRoadmap {
		return InvalidField("modules", "must have at most %d bytes, has %d", MaxRoadmap, n)
	}
	if !isObjects(modules, 1, MaxModules) {
		return InvalidField("modules", "must be a list of 1 to %d objects", MaxModules)
	}
	return nil
}

// isObjects reports whether JSON is a list of so many objects.
func isObjects(raw json.RawMessage, least, most int) bool {
	list := []map[string]json.RawMessage{}
	return json.Unmarshal(raw, &list) == nil && len(list) >= least && len(list) <= most &&
		!slices.ContainsFunc(list, func(m map[string]json.RawMessage) bool { return m == nil })
}

// List reads the modules, as far as those from before are of the same form.
func (r *Roadmap) List() (list []RoadmapModule) {
	json.Unmarshal(r.Modules, &list) // reads what it can
	return list
}

// NotStudent refuses what only projects of mode student have.
func NotStudent() *Error {
	return InvalidField("mode", "must be student: this project is one of another mode, and has no roadmap, sessions or choices")
}

// NoRequirements refuses to plan a roadmap of what nobody has said.
func NoRequirements() *Error {
	return InvalidField("requirements_spec", "is missing: have the idea researched first (agent_type research), or set it in the project")
}

// BeyondModules refuses a number of a module that the roadmap does not have.
func BeyondModules(field string, modules int) *Error {
	return InvalidField(field, "must be less than %d, the number of modules of the roadmap", modules)
}

// DailySession is what a student did with the mentor at one time.
type DailySession struct {
	ID         string          `json:"id"`
	ProjectID  string          `json:"project_id"`
	Transcript json.RawMessage `json:"transcript"` // a list of objects
	Concepts   []string        `json:"concepts_covered"`
	Minutes    int             `json:"duration_minutes"`
	CreatedAt  time.Time       `json:"created_at"`
}

// Check holds the rules for a session that is to be stored; its concepts must be trimmed already.
func (s *DailySession) Check() error {
	if n := len(s.Transcript); n > MaxTranscriptBytes {
		return InvalidField("transcript", "must have at most %d bytes, has %d: store it in several sessions", MaxTranscriptBytes, n)
	}
	if !isObjects(s.Transcript, 0, MaxTranscript) {
		return InvalidField("transcript", "must be a list of at most %d objects", MaxTranscript)
	}
	if n := len(s.Concepts); n > MaxConcepts {
		return InvalidField("concepts_covered", "must have at most %d entries, has %d", MaxConcepts, n)
	}
	for _, c := range s.Concepts {
		if err := checkText("concepts_covered", c, 1, MaxConcept); err != nil {
			return err
		}
	}
	if s.Minutes < 0 || s.Minutes > MaxSessionMinutes {
		return InvalidField("duration_minutes", "must be 0 to %d", MaxSessionMinutes)
	}
	return nil
}

// StudentProgress is how far a student has come in a project.
type StudentProgress struct {
	RoadmapID string
	ProjectID string
	Completed int    // modules
	Modules   int    // in all
	Current   string // the title of the module that comes next; "" when all are done
	Sessions  int
	Minutes   int // of all sessions
}

// Percent is the part of the modules that was completed, with one decimal.
func (p *StudentProgress) Percent() float64 {
	if p.Modules == 0 {
		return 0
	}
	return math.Round(1000*float64(p.Completed)/float64(p.Modules)) / 10
}

// Progress is how far a roadmap has come.
func (r *Roadmap) Progress(sessions, minutes int) StudentProgress {
	list := r.List()
	p := StudentProgress{RoadmapID: r.ID, ProjectID: r.ProjectID, Completed: min(max(r.CurrentStep, 0), len(list)), Modules: len(list), Sessions: sessions, Minutes: minutes}
	if p.Completed < len(list) {
		p.Current = list[p.Completed].Title
	}
	return p
}

// CheckOption holds the rule for the id of an option.
func CheckOption(id string) error { return checkText("option_id", id, 1, MaxOptionID) }
