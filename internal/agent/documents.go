package agent

import (
	"strings"
	"unicode"

	"codeforge"
	"codeforge/internal/agent/form"
)

// Results and specifications: what models answered, with the keys that web clients read beside those of the schema. Where one key has two forms (recommended_stack and
// theme_colors are lists here, maps there), the list is kept, which both can show.

// requirementsDoc is the requirements_spec of a project.
type requirementsDoc struct {
	form.Requirements
	Audience []personaDoc `json:"target_audience"` // in place of the one without the client's keys
	Summary  string       `json:"summary"`
}

type personaDoc struct {
	form.Persona
	Description string   `json:"description"`
	PainPoints  []string `json:"pain_points"`
}

func newRequirementsDoc(q form.Requirements) requirementsDoc {
	d := requirementsDoc{Requirements: q, Summary: q.ElevatorPitch}
	for _, p := range q.Audience {
		if p.Name == "" {
			p.Name = p.Role
		}
		d.Audience = append(d.Audience, personaDoc{p, p.Goal, []string{p.PainPoint}})
	}
	return d
}

// architectureDoc is the architecture_spec of a project.
type architectureDoc struct {
	form.Architecture
	Pages     []pageDoc `json:"site_map"`
	Decisions []string  `json:"decisions,omitempty"` // of earlier work: see [run.respecify]
	Summary   string    `json:"summary"`
}

type pageDoc struct {
	form.Page
	Components []componentDoc `json:"components"`
}

type componentDoc struct {
	form.Component
	Type string `json:"type"`
}

func newArchitectureDoc(a form.Architecture) architectureDoc {
	d := architectureDoc{Architecture: a}
	var names []string
	for _, p := range a.Pages {
		if p.Name == "" {
			p.Name = pageName(p.Path)
		}
		names = append(names, p.Name)
		pd := pageDoc{Page: p}
		for _, c := range p.Components {
			pd.Components = append(pd.Components, componentDoc{c, c.Name})
		}
		d.Pages = append(d.Pages, pd)
	}
	d.Summary = plural(len(names), "page") + ": " + form.Shorten(strings.Join(names, ", "), 500)
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

// qaDoc is the result of a review.
type qaDoc struct {
	Passed  bool       `json:"passed"`
	Issues  []issueDoc `json:"issues"`
	Summary string     `json:"summary"`
	Score   int        `json:"score"`
	Dropped []string   `json:"dropped,omitempty"` // what the model found and the code contradicts
}

type issueDoc struct {
	form.Finding
	File    string `json:"file"`
	LineNo  int    `json:"line"`
	Message string `json:"message"`
}

func newQADoc(q form.Review, findings []form.Finding) qaDoc {
	d := qaDoc{Passed: q.Passed, Issues: []issueDoc{}, Summary: q.Summary, Score: q.Score}
	for _, f := range findings {
		d.Issues = append(d.Issues, issueDoc{f, f.FilePath, f.Line, f.Description})
	}
	return d
}

// findings are those of a review, for the developer.
func (d *qaDoc) findings() (out []form.Finding) {
	for _, i := range d.Issues {
		out = append(out, i.Finding)
	}
	return out
}

// answered takes in what the developer said of the findings.
func (d *qaDoc) answered(findings []form.Finding) {
	for i := range d.Issues {
		for _, f := range findings {
			if f.ID == d.Issues[i].ID {
				d.Issues[i].Status, d.Issues[i].Reason = f.Status, f.Reason
			}
		}
	}
}

// lessonDoc is the result of a lesson.
type lessonDoc struct {
	form.Lesson
	Message string `json:"message"`
	Summary string `json:"summary"`
}

func newLessonDoc(l form.Lesson) lessonDoc {
	for i := range l.Steps {
		l.Steps[i].Number = i + 1
	}
	return lessonDoc{l, l.Encouragement, l.KeyConcept}
}

// codeDoc is the result of writing code. Contents are not in it: they lie in the revision, where reading the job finds them.
type codeDoc struct {
	Files        []fileDoc    `json:"files"`
	Summary      string       `json:"summary"`
	Answer       string       `json:"answer,omitempty"` // to a question
	Dependencies []string     `json:"dependencies"`
	Diagnostics  []diagnostic `json:"diagnostics"` // warnings that are left

	Evidence codeforge.Evidence `json:"evidence,omitempty"` // how far the files are known to get
}

type fileDoc struct {
	FilePath    string `json:"file_path"`
	Path        string `json:"path"`
	Language    string `json:"language"`
	Explanation string `json:"explanation"`
	Action      string `json:"action"` // created, updated or deleted
	MovedFrom   string `json:"moved_from,omitempty"`
}

// cleanPath keeps a path that a model named if it could be one.
func cleanPath(p string) string {
	if codeforge.CheckPath(p) != nil {
		return ""
	}
	return p
}
