// Package form is the language between the agents and the models that work for them: what an answer looks like, which
// tools there are and what they take, and how a prompt's sections are written and read. The agents ask in it; the offline
// model, which is a program, reads and answers in it.
package form

import "fmt"

// Clarification is whether an idea can be specified, and what must be asked first.
type Clarification struct {
	IsComplete bool       `json:"is_complete" jsonschema:"true when the idea can be specified without asking"`
	Questions  []Question `json:"questions" limit:"0..5" jsonschema:"only what changes the product and cannot be assumed; empty when is_complete"`
	Message    string     `json:"message" limit:"0..1000" jsonschema:"one friendly sentence to the user that introduces the questions"`
}

// Question is one question to the user.
type Question struct {
	Question string   `json:"question" limit:"1..500"`
	Why      string   `json:"why" limit:"0..500" jsonschema:"what the answer decides"`
	Options  []string `json:"options" limit:"0..6" each:"1..200" jsonschema:"likely answers, the recommended one first"`
}

// Requirements say what to build and for whom.
type Requirements struct {
	AppName       string    `json:"app_name" limit:"1..200"`
	ElevatorPitch string    `json:"elevator_pitch" limit:"20..500" jsonschema:"what it is, for whom, and what they gain"`
	Audience      []Persona `json:"target_audience" limit:"1..5"`
	Features      []Feature `json:"core_features" limit:"1..20" jsonschema:"most important first"`
	Stack         []string  `json:"recommended_stack" limit:"1..10" each:"1..100"`
	Constraints   []string  `json:"technical_constraints" limit:"0..20" each:"1..500" jsonschema:"data, storage, privacy, accessibility, devices, limits"`
}

// Persona is somebody who will use the app.
type Persona struct {
	Name      string `json:"name" limit:"0..100" jsonschema:"a given name that makes the persona easy to talk about"`
	Role      string `json:"role" limit:"1..200"`
	Goal      string `json:"goal" limit:"1..500"`
	PainPoint string `json:"pain_point" limit:"1..500"`
}

// Feature is one thing that the app does.
type Feature struct {
	Name        string   `json:"name" limit:"1..200"`
	Description string   `json:"description" limit:"1..2000" jsonschema:"what the user can do, with fields and rules, so that it can be built and checked"`
	Priority    string   `json:"priority" enum:"must-have,should-have,nice-to-have"`
	UserStories []string `json:"user_stories" limit:"0..10" each:"1..500" jsonschema:"As a ..., I want ..., so that ..."`
}

// Architecture is the pages of an app, what they keep and how it looks.
type Architecture struct {
	Pages  []Page   `json:"site_map" limit:"1..50" jsonschema:"every page of the app, the start page first"`
	State  []string `json:"global_state_needs" limit:"0..20" each:"1..1000" jsonschema:"each kind of record with its fields and types, where it is kept, and what is shared between pages"`
	Colors []string `json:"theme_colors" limit:"1..10" pattern:"^#[0-9A-Fa-f]{6}$" jsonschema:"#RRGGBB; in order: primary, accent, background, surface, text, muted, success, danger"`
	Design []string `json:"design" limit:"0..8" each:"1..400" jsonschema:"the look, one decision each, with its reason in the subject: type, shape, layout, use of colour, one detail to remember"`
}

// Page is one page of an app.
type Page struct {
	Path        string      `json:"path" limit:"1..200" pattern:"^/[a-z0-9-/]*$"`
	Name        string      `json:"name" limit:"0..100" jsonschema:"the page's title"`
	Description string      `json:"description" limit:"1..2000" jsonschema:"purpose, layout on phone and desktop, empty, loading and error states"`
	Components  []Component `json:"components" limit:"1..50"`
}

// Component is a part of a page.
type Component struct {
	Name     string   `json:"name" limit:"1..100" pattern:"^[A-Z][A-Za-z0-9]*$"`
	Props    []string `json:"props" limit:"0..30" each:"1..200" jsonschema:"name: type"`
	Children []string `json:"children" limit:"0..30" each:"1..100" jsonschema:"names of components inside it"`
}

// Review is a judgement on code.
type Review struct {
	Passed  bool    `json:"passed" jsonschema:"true only when nothing critical or high is left"`
	Issues  []Issue `json:"issues" limit:"0..100" jsonschema:"worst first"`
	Summary string  `json:"summary" limit:"1..2000"`
	Score   int     `json:"score" limit:"0..100"`
}

// Issue is one finding of a review.
type Issue struct {
	ID          string `json:"id" limit:"0..20" jsonschema:"of the earlier finding that is still open; empty for a new one"`
	Severity    string `json:"severity" enum:"critical,high,medium,low"`
	Category    string `json:"category" limit:"1..100" jsonschema:"correctness, regression, security, accessibility, usability, performance, maintainability, requirements or build"`
	FilePath    string `json:"file_path" limit:"0..500" jsonschema:"a path from the list of files; empty for the whole project"`
	Line        int    `json:"line_hint" limit:"0..1000000" jsonschema:"line in that file, from 1; 0 when no line is meant"`
	Description string `json:"description" limit:"1..2000" jsonschema:"first a plain sentence on what the user notices and when, then what is wrong in the code"`
	Suggestion  string `json:"suggestion" limit:"0..2000" jsonschema:"the change that mends it"`
}

// Finding is an issue on its way between reviewer and developer.
type Finding struct {
	Issue
	Status string `json:"status,omitempty"` // what the developer says: [Fixed], [Declined], or nothing
	Reason string `json:"reason,omitempty"`
}

// FindingReply is what the developer says of a finding.
type FindingReply struct {
	ID     string `json:"id"`
	Status string `json:"status" enum:"fixed,declined"`
	Reason string `json:"reason,omitempty" jsonschema:"one sentence: why declined, or how fixed"`
}

const (
	Fixed    = "fixed"
	Declined = "declined"
)

// Fits reports whether a text can be the key of a feature (name) or of a page (path) in a specification.
func Fits(key, text string) bool {
	s := RequirementsForm.schema.Properties["core_features"].Items.Properties["name"]
	if key == "path" {
		s = ArchitectureForm.schema.Properties["site_map"].Items.Properties["path"]
	}
	return len(violations(s, text, "")) == 0
}

// Lesson leads a learner to an insight.
type Lesson struct {
	Encouragement string   `json:"encouragement" limit:"1..2000" jsonschema:"what the learner already did or asked well, in two or three warm and honest sentences"`
	Steps         []Step   `json:"steps" limit:"1..10"`
	KeyConcept    string   `json:"key_concept" limit:"1..1000" jsonschema:"the one idea to take away"`
	Further       []string `json:"further_exploration" limit:"0..5" each:"1..500"`
}

// Step is one question of a lesson.
type Step struct {
	Number   int    `json:"step_number" limit:"1..10"`
	Question string `json:"question" limit:"1..1000" jsonschema:"a question that leads to the next insight and does not give it away"`
	Hint     string `json:"hint" limit:"1..1000"`
	Concept  string `json:"concept" limit:"1..300"`
}

// Roadmap leads a learner to their own app.
type Roadmap struct {
	Modules       []Module `json:"modules" limit:"1..20" jsonschema:"in the order in which they are done; each builds on those before and ends with something that works"`
	Prerequisites []string `json:"prerequisites" limit:"0..10" each:"1..200" jsonschema:"what the learner should know or have before the first module"`
	Objectives    []string `json:"learning_objectives" limit:"1..10" each:"1..300" jsonschema:"what the learner can do at the end"`
}

// Module is a step of a [Roadmap].
type Module struct {
	Title          string   `json:"title" limit:"1..200"`
	Description    string   `json:"description" limit:"1..1000" jsonschema:"what is built in it and why now, in the words of this app"`
	Concepts       []string `json:"concepts" limit:"1..8" each:"1..100"`
	Exercises      []string `json:"exercises" limit:"1..6" each:"1..300" jsonschema:"things to do in this very project, each with how the learner sees that it is done"`
	EstimatedHours float64  `json:"estimated_hours" limit:"0..40" jsonschema:"for this learner, 0.5 to 40"`
}

// Choice is a decision laid out for a learner: the ways that there are, and what each of them gives and costs.
type Choice struct {
	Context        string   `json:"context" limit:"1..2000" jsonschema:"what is to be decided, and what in this project it depends on"`
	Options        []Option `json:"options" limit:"2..5" jsonschema:"ways that really differ, each of which somebody sensible would take; the recommended one first"`
	Recommendation string   `json:"recommendation" limit:"1..2000" jsonschema:"which one for this learner and this project, why, and what would make another one better"`
}

// Option is one way of a [Choice].
type Option struct {
	ID            string   `json:"id" limit:"1..50" pattern:"^[a-z0-9]+(-[a-z0-9]+)*$" jsonschema:"short and telling, like local-storage"`
	Title         string   `json:"title" limit:"1..200"`
	Description   string   `json:"description" limit:"1..1000" jsonschema:"what it is, and what it would look like in this project"`
	Pros          []string `json:"pros" limit:"1..8" each:"1..300"`
	Cons          []string `json:"cons" limit:"1..8" each:"1..300"`
	Difficulty    string   `json:"difficulty" enum:"beginner,intermediate,advanced"`
	EstimatedTime string   `json:"estimated_time" limit:"1..100" jsonschema:"for this learner, like 2-3 hours"`
	Educational   string   `json:"educational_value" limit:"1..500" jsonschema:"what the learner understands afterwards that the other options do not teach"`
}

// Refactoring is what stands in place of a selected part of a file.
type Refactoring struct {
	Code        string `json:"refactored_code" jsonschema:"the text that takes the place of the selection, whole: with its indentation, without line numbers or code fences"`
	Explanation string `json:"explanation" limit:"1..4000" jsonschema:"what was changed and why it does the same as before, or why nothing was changed; what else in the project the user should look at"`
}

// Problems are what is wrong with an answer beyond its schema, in words for the model.

func (q Requirements) Problems() []string {
	for _, f := range q.Features {
		if f.Priority == "must-have" {
			return nil
		}
	}
	return []string{"core_features needs at least one feature of priority must-have"}
}

func (a Architecture) Problems() (out []string) {
	seen := map[string]bool{}
	for _, p := range a.Pages {
		if seen[p.Path] {
			out = append(out, "site_map holds the path "+Quote(p.Path)+" twice")
		}
		seen[p.Path] = true
	}
	return out
}

func (q Review) Problems() []string {
	if !q.Passed && len(q.Issues) == 0 {
		return []string{"passed is false, but issues is empty: say what must change, or pass it"}
	}
	return nil
}

func (r Roadmap) Problems() (out []string) {
	total := 0.0
	for i, m := range r.Modules {
		if m.EstimatedHours < 0.5 {
			out = append(out, fmt.Sprintf("modules[%d].estimated_hours must be from 0.5 to 40, not %v", i, m.EstimatedHours))
		}
		total += m.EstimatedHours
	}
	if total > 500 {
		out = append(out, fmt.Sprintf("the modules take %v hours together, and at most 500 are useful: plan less", total))
	}
	return out
}

func (c Choice) Problems() (out []string) {
	seen := map[string]bool{}
	for _, o := range c.Options {
		if seen[o.ID] {
			out = append(out, "options holds the id "+Quote(o.ID)+" twice")
		}
		seen[o.ID] = true
	}
	return out
}

func (Refactoring) Problems() []string   { return nil }
func (Clarification) Problems() []string { return nil }
func (Lesson) Problems() []string        { return nil }

// The forms of answers, by what is asked for.
var (
	ClarificationForm = Of[Clarification]("clarification")
	RequirementsForm  = Of[Requirements]("requirements")
	ArchitectureForm  = Of[Architecture]("architecture")
	ReviewForm        = Of[Review]("qa_report")
	LessonForm        = Of[Lesson]("lesson")
	RoadmapForm       = Of[Roadmap]("roadmap")
	ChoiceForm        = Of[Choice]("choice")
	RefactoringForm   = Of[Refactoring]("refactoring")
)
