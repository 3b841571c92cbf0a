package agent

import (
	"strings"
	"unicode"

	"codeforge"
)

// What models answer, with the limits of the wire. The types after each answer add the keys that web clients read
// beside those of the schema: results and specs hold both. Where one key has two forms (recommended_stack and
// theme_colors are lists here, maps there), the list is kept, which both can show.

type clarification struct {
	IsComplete bool       `json:"is_complete" jsonschema:"true when the idea can be specified without asking"`
	Questions  []question `json:"questions" limit:"0..5" jsonschema:"only what changes the product and cannot be assumed; empty when is_complete"`
	Message    string     `json:"message" limit:"0..1000" jsonschema:"one friendly sentence to the user that introduces the questions"`
}

type question struct {
	Question string   `json:"question" limit:"1..500"`
	Why      string   `json:"why" limit:"0..500" jsonschema:"what the answer decides"`
	Options  []string `json:"options" limit:"0..6" each:"1..200" jsonschema:"likely answers, the recommended one first"`
}

type requirements struct {
	AppName       string    `json:"app_name" limit:"1..200"`
	ElevatorPitch string    `json:"elevator_pitch" limit:"20..500" jsonschema:"what it is, for whom, and what they gain"`
	Audience      []persona `json:"target_audience" limit:"1..5"`
	Features      []feature `json:"core_features" limit:"1..20" jsonschema:"most important first"`
	Stack         []string  `json:"recommended_stack" limit:"1..10" each:"1..100"`
	Constraints   []string  `json:"technical_constraints" limit:"0..20" each:"1..500" jsonschema:"data, storage, privacy, accessibility, devices, limits"`
}

type persona struct {
	Name      string `json:"name" limit:"0..100" jsonschema:"a given name that makes the persona easy to talk about"`
	Role      string `json:"role" limit:"1..200"`
	Goal      string `json:"goal" limit:"1..500"`
	PainPoint string `json:"pain_point" limit:"1..500"`
}

type feature struct {
	Name        string   `json:"name" limit:"1..200"`
	Description string   `json:"description" limit:"1..2000" jsonschema:"what the user can do, with fields and rules, so that it can be built and checked"`
	Priority    string   `json:"priority" enum:"must-have,should-have,nice-to-have"`
	UserStories []string `json:"user_stories" limit:"0..10" each:"1..500" jsonschema:"As a ..., I want ..., so that ..."`
}

// requirementsDoc is the requirements_spec of a project.
type requirementsDoc struct {
	requirements
	Audience []personaDoc `json:"target_audience"` // in place of the one without the client's keys
	Summary  string       `json:"summary"`
}

type personaDoc struct {
	persona
	Description string   `json:"description"`
	PainPoints  []string `json:"pain_points"`
}

func (q requirements) doc() requirementsDoc {
	d := requirementsDoc{requirements: q, Summary: q.ElevatorPitch}
	for _, p := range q.Audience {
		if p.Name == "" {
			p.Name = p.Role
		}
		d.Audience = append(d.Audience, personaDoc{p, p.Goal, []string{p.PainPoint}})
	}
	return d
}

type architecture struct {
	Pages  []page   `json:"site_map" limit:"1..50" jsonschema:"every page of the app, the start page first"`
	State  []string `json:"global_state_needs" limit:"0..20" each:"1..1000" jsonschema:"each kind of record with its fields and types, where it is kept, and what is shared between pages"`
	Colors []string `json:"theme_colors" limit:"1..10" pattern:"^#[0-9A-Fa-f]{6}$" jsonschema:"#RRGGBB; in order: primary, accent, background, surface, text, muted, success, danger"`
}

type page struct {
	Path        string      `json:"path" limit:"1..200" pattern:"^/[a-z0-9-/]*$"`
	Name        string      `json:"name" limit:"0..100" jsonschema:"the page's title"`
	Description string      `json:"description" limit:"1..2000" jsonschema:"purpose, layout on phone and desktop, empty, loading and error states"`
	Components  []component `json:"components" limit:"1..50"`
}

type component struct {
	Name     string   `json:"name" limit:"1..100" pattern:"^[A-Z][A-Za-z0-9]*$"`
	Props    []string `json:"props" limit:"0..30" each:"1..200" jsonschema:"name: type"`
	Children []string `json:"children" limit:"0..30" each:"1..100" jsonschema:"names of components inside it"`
}

// architectureDoc is the architecture_spec of a project.
type architectureDoc struct {
	architecture
	Pages   []pageDoc `json:"site_map"`
	Summary string    `json:"summary"`
}

type pageDoc struct {
	page
	Components []componentDoc `json:"components"`
}

type componentDoc struct {
	component
	Type string `json:"type"`
}

func (a architecture) doc() architectureDoc {
	d := architectureDoc{architecture: a}
	var names []string
	for _, p := range a.Pages {
		if p.Name == "" {
			p.Name = pageName(p.Path)
		}
		names = append(names, p.Name)
		pd := pageDoc{page: p}
		for _, c := range p.Components {
			pd.Components = append(pd.Components, componentDoc{c, c.Name})
		}
		d.Pages = append(d.Pages, pd)
	}
	d.Summary = plural(len(names), "page") + ": " + clip(strings.Join(names, ", "), 500)
	return d
}

// pageName makes a title of the last segment of a page's path.
func pageName(path string) string {
	words := strings.ReplaceAll(path[strings.LastIndexByte(strings.TrimRight(path, "/"), '/')+1:], "-", " ")
	words = strings.Trim(words, "/ ")
	if words == "" {
		return "Home"
	}
	r := []rune(words)
	r[0] = unicode.ToUpper(r[0])
	return string(r)
}

type qaReport struct {
	Passed  bool    `json:"passed" jsonschema:"true only when nothing critical or high is left"`
	Issues  []issue `json:"issues" limit:"0..100" jsonschema:"worst first"`
	Summary string  `json:"summary" limit:"1..2000"`
	Score   int     `json:"score" limit:"0..100"`
}

type issue struct {
	Severity    string `json:"severity" enum:"critical,high,medium,low"`
	Category    string `json:"category" limit:"1..100" jsonschema:"correctness, security, accessibility, usability, performance, maintainability, requirements or build"`
	FilePath    string `json:"file_path" limit:"0..500" jsonschema:"a path from the list of files; empty for the whole project"`
	Line        int    `json:"line_hint" limit:"0..1000000" jsonschema:"line in that file, from 1; 0 when no line is meant"`
	Description string `json:"description" limit:"1..2000" jsonschema:"what is wrong, when it shows, and what it does to the user"`
	Suggestion  string `json:"suggestion" limit:"0..2000" jsonschema:"the change that mends it"`
}

// qaDoc is the result of a review.
type qaDoc struct {
	Passed  bool       `json:"passed"`
	Issues  []issueDoc `json:"issues"`
	Summary string     `json:"summary"`
	Score   int        `json:"score"`
}

type issueDoc struct {
	issue
	File    string `json:"file"`
	LineNo  int    `json:"line"`
	Message string `json:"message"`
}

func (q qaReport) doc() qaDoc {
	d := qaDoc{q.Passed, []issueDoc{}, q.Summary, q.Score}
	for _, i := range q.Issues {
		d.Issues = append(d.Issues, issueDoc{i, i.FilePath, i.Line, i.Description})
	}
	return d
}

type lesson struct {
	Encouragement string   `json:"encouragement" limit:"1..2000" jsonschema:"what the learner already did or asked well, in two or three warm and honest sentences"`
	Steps         []step   `json:"steps" limit:"1..10"`
	KeyConcept    string   `json:"key_concept" limit:"1..1000" jsonschema:"the one idea to take away"`
	Further       []string `json:"further_exploration" limit:"0..5" each:"1..500"`
}

type step struct {
	Number   int    `json:"step_number" limit:"1..10"`
	Question string `json:"question" limit:"1..1000" jsonschema:"a question that leads to the next insight and does not give it away"`
	Hint     string `json:"hint" limit:"1..1000"`
	Concept  string `json:"concept" limit:"1..300"`
}

// lessonDoc is the result of a lesson.
type lessonDoc struct {
	lesson
	Message string `json:"message"`
	Summary string `json:"summary"`
}

func (l lesson) doc() lessonDoc {
	for i := range l.Steps {
		l.Steps[i].Number = i + 1
	}
	return lessonDoc{l, l.Encouragement, l.KeyConcept}
}

// codeDoc is the result of writing code. Contents are not in it: they lie in the revision, where reading the job finds them.
type codeDoc struct {
	Files        []fileDoc    `json:"files"`
	Summary      string       `json:"summary"`
	Dependencies []string     `json:"dependencies"`
	Diagnostics  []diagnostic `json:"diagnostics"` // warnings that are left
}

type fileDoc struct {
	FilePath    string `json:"file_path"`
	Path        string `json:"path"`
	Language    string `json:"language"`
	Explanation string `json:"explanation"`
	Action      string `json:"action"` // created, updated or deleted
}

var (
	clarificationForm = formOf[clarification]("clarification")
	requirementsForm  = formOf[requirements]("requirements")
	architectureForm  = formOf[architecture]("architecture")
	qaForm            = formOf[qaReport]("qa_report")
	lessonForm        = formOf[lesson]("lesson")
)

// What a schema cannot say.

func (q requirements) problems() []string {
	for _, f := range q.Features {
		if f.Priority == "must-have" {
			return nil
		}
	}
	return []string{"core_features needs at least one feature of priority must-have"}
}

func (a architecture) problems() (out []string) {
	seen := map[string]bool{}
	for _, p := range a.Pages {
		if seen[p.Path] {
			out = append(out, "site_map holds the path "+quote(p.Path)+" twice")
		}
		seen[p.Path] = true
	}
	return out
}

func (q qaReport) problems() []string {
	if !q.Passed && len(q.Issues) == 0 {
		return []string{"passed is false, but issues is empty: say what must change, or pass it"}
	}
	return nil
}

func (clarification) problems() []string { return nil }
func (lesson) problems() []string        { return nil }

// cleanPath keeps a path that a model named if it could be one.
func cleanPath(p string) string {
	if codeforge.CheckPath(p) != nil {
		return ""
	}
	return p
}
