package offline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"codeforge/internal/agent/form"
)

// document answers a request that wants JSON, by the name of its schema.
func (c *conversation) document(say map[string]bool) string {
	var v any
	switch c.req.Schema.Name {
	case form.ClarificationForm.Name:
		v = c.clarification(say["ask"])
	case form.RequirementsForm.Name:
		v = c.requirements()
	case form.ArchitectureForm.Name:
		v = c.architecture()
	case form.ReviewForm.Name:
		v = c.review(say["qa_fail_once"])
	case form.LessonForm.Name:
		v = c.lesson()
	case form.RoadmapForm.Name:
		v = c.roadmap()
	case form.ChoiceForm.Name:
		v = c.choice()
	case form.RefactoringForm.Name:
		v = c.refactoring()
	default: // a schema of somebody else: the least that fits
		v = map[string]any{}
	}
	return string(fitDocument(c.req.Schema.JSON, encode(v)))
}

func (c *conversation) clarification(ask bool) form.Clarification {
	a := design(c.brief())
	answers := section[[]form.Reply](c, form.SectionAnswers)
	switch {
	case len(answers) > 0:
		return form.Clarification{IsComplete: true, Questions: []form.Question{}, Message: "Thank you, that is enough to begin."}
	case !ask:
		return form.Clarification{IsComplete: true, Questions: []form.Question{}, Message: "The idea is clear enough to begin."}
	}
	main := a.about()[0]
	q := []form.Question{
		{Question: fmt.Sprintf("Who will use %s?", a.Name), Why: "It decides how much the pages explain.", Options: []string{"Only me", "A small team", "Customers too"}},
		{Question: fmt.Sprintf("What matters most about %s?", main), Why: "It decides which fields are needed and how the list is sorted.", Options: []string{"Finding one quickly", "Seeing what comes next", "Adding up numbers"}},
	}
	if len(a.Kinds) < 3 {
		q = append(q, form.Question{Question: "Should it keep track of anything else?", Why: "Each further kind of entry becomes a page.", Options: []string{"No, keep it small", "Tasks", "Notes"}})
	}
	return form.Clarification{Questions: q, Message: fmt.Sprintf("Before I lay out %s, I have %d short questions.", a.Name, len(q))}
}

func (c *conversation) requirements() form.Requirements {
	a := design(c.brief())
	about := a.about()
	r := form.Requirements{AppName: a.Name, ElevatorPitch: a.Tagline, Stack: []string{"TypeScript", "HTML", "CSS", "localStorage", "esbuild"}}
	pain := fmt.Sprintf("What is known about %s is scattered over papers, chats and heads.", about[0])
	goal := fmt.Sprintf("Know at any time how things stand with %s, without searching.", joinAnd(about))
	r.Audience = []form.Persona{{Name: "Robin", Role: role(a), Goal: goal, PainPoint: pain}}
	for _, p := range a.Tools() {
		r.Features = append(r.Features, form.Feature{Name: p.Title, Description: capital(partDescriptions[p.Kind][0]) + ": " + p.Describe(), Priority: "must-have",
			UserStories: []string{fmt.Sprintf("As a user I want to use %s by keyboard and touch, and to find it as I left it.", partDescriptions[p.Kind][0])}})
	}
	for i, k := range a.Kinds {
		priority := "must-have"
		if i > 2 {
			priority = "should-have"
		}
		r.Features = append(r.Features, form.Feature{
			Name:        capital(k.Many),
			Description: fmt.Sprintf("%s A %s has: %s.", k.Intro, k.One, joinAnd(labels(k))),
			Priority:    priority,
			UserStories: []string{
				fmt.Sprintf("As a user I want to %s a %s in less than a minute, so that nothing is forgotten.", strings.ToLower(k.Verb), k.One),
				fmt.Sprintf("As a user I want to search, sort and correct my %s, so that the list stays true.", k.Many),
			},
		})
	}
	if a.HasOverview() {
		r.Features = append(r.Features, form.Feature{Name: "Overview", Description: "A start page with counts, what comes next and what was added lately.", Priority: "should-have", UserStories: []string{"As a user I want to see at a glance what needs me today."}})
	}
	r.Features = append(r.Features,
		form.Feature{Name: "Data of one's own", Description: "Everything is kept in the browser and can be downloaded as a file.", Priority: "nice-to-have", UserStories: []string{"As a user I want a copy of my data, so that it does not depend on one device."}})
	r.Constraints = []string{
		"Runs in the browser alone: no server, no account, no network.",
		"Data stays in the localStorage of one browser; it is not shared between devices.",
		"Usable by keyboard and screen reader, on phones and on wide screens.",
	}
	react := c.asksForReact() && c.hasPackages()
	if react {
		r.Stack = []string{"React", "TypeScript", "Tailwind CSS", "Vite", "localStorage"}
	}
	switch other := otherStack(c.brief().idea+"\n"+c.brief().stack, react); {
	case other == "":
	case react:
		r.Constraints = append(r.Constraints, other+" was mentioned; the offline model writes React with Tailwind, and nothing beside it.")
	case c.asksForReact():
		r.Constraints = append(r.Constraints, other+" was mentioned; without npm packages the offline model writes plain TypeScript.")
	default:
		r.Constraints = append(r.Constraints, other+" was mentioned; the offline model writes plain TypeScript without packages.")
	}
	return r
}

// role is who an app is for, as far as its name says it.
func role(a *app) string {
	words := strings.Fields(a.Name)
	if n := len(words); n > 1 && (words[n-1] == "CRM" || words[n-1] == "App" || words[n-1] == "Tracker" || words[n-1] == "Manager") {
		return strings.Join(words[:n-1], " ")
	}
	return "Somebody who looks after " + joinAnd(a.about())
}

var stacks = []string{"React", "Next.js", "Vue", "Svelte", "Angular", "Django", "Flask", "FastAPI", "Python", "Ruby", "Laravel", "PHP", "Java", "Go", "Rust", "PostgreSQL", "MongoDB", "Firebase", "Supabase", "Tailwind"}

// otherStack names what a text wants to be used that the offline model does not use.
func otherStack(text string, react bool) string {
	var found []string
	for f := range strings.FieldsSeq(text) {
		f = strings.Trim(f, ".,;:!?()\"'")
		for _, s := range stacks {
			if react && (s == "React" || s == "Tailwind") {
				continue
			}
			exact := s == "Go" || s == "Java" || s == "Rust" || s == "Ruby" || s == "Flask"
			if (f == s || !exact && strings.EqualFold(f, s)) && !slices.Contains(found, s) {
				found = append(found, s)
			}
		}
	}
	return joinAnd(found)
}

func manyOf(a *app) []string {
	var out []string
	for _, k := range a.Kinds {
		out = append(out, k.Many)
	}
	return out
}

func labels(k kind) []string {
	var out []string
	for _, f := range k.Fields {
		out = append(out, strings.ToLower(f.Label))
	}
	return out
}

func (c *conversation) architecture() form.Architecture {
	a := design(c.brief())
	var out form.Architecture
	navigation := form.Component{Name: "Navigation", Props: []string{"current: page"}, Children: []string{}}
	if a.HasOverview() {
		out.Pages = append(out.Pages, form.Page{Path: "/", Name: "Overview", Description: "Counts of each kind, what comes next and what was added lately; says how to begin while nothing is there.", Components: []form.Component{
			navigation,
			{Name: "Tiles", Props: []string{"kinds: Kind[]"}, Children: []string{"Tile"}},
			{Name: "ComingUp", Props: []string{"entries: Entry[]"}, Children: []string{}},
			{Name: "AddedLately", Props: []string{"entries: Entry[]"}, Children: []string{}},
			{Name: "DownloadButton", Props: []string{}, Children: []string{}},
		}})
	}
	for _, p := range a.Tools() {
		out.Pages = append(out.Pages, form.Page{Path: "/" + p.Key, Name: p.Title, Description: capital(partDescriptions[p.Kind][0]) + ": " + p.Describe(), Components: []form.Component{
			navigation,
			{Name: capital(string(p.Kind)), Props: []string{"state: State", "send: (action: Action) => void"}, Children: []string{}},
		}})
		out.State = append(out.State, fmt.Sprintf("%s: what it remembers, in localStorage.", p.Title))
	}
	for _, k := range a.Kinds {
		name := k.TypeName()
		var fields []string
		for _, f := range k.Fields {
			fields = append(fields, f.Key+": "+f.Describe())
		}
		out.Pages = append(out.Pages, form.Page{Path: "/" + k.Key, Name: k.Heading(), Description: k.Intro + " A list with search and sorting; a dialog with the form; a question before deletion; a hint while it is empty.", Components: []form.Component{
			navigation,
			{Name: name + "Numbers", Props: []string{"entries: " + name + "[]"}, Children: []string{}},
			{Name: name + "List", Props: []string{"entries: " + name + "[]", "search: text"}, Children: []string{name + "Form", "DeleteDialog"}},
			{Name: name + "Form", Props: fields, Children: []string{}},
			{Name: "DeleteDialog", Props: []string{"entry: " + name}, Children: []string{}},
		}})
		out.State = append(out.State, fmt.Sprintf("%s: a list in localStorage; each has %s.", k.Many, joinAnd(fields)))
	}
	light := a.Colors().Light
	out.Colors = []string{light.Accent, light.Pop, light.Page, light.Surface, light.Ink, light.Muted, "#1b7f4b", light.Danger}
	return out
}

// severityOrder sorts the worst first.
var severityOrder = []string{"critical", "high", "medium", "low"}

func worstFirst(a, b form.Issue) int {
	return cmp.Or(slices.Index(severityOrder, a.Severity)-slices.Index(severityOrder, b.Severity), strings.Compare(a.FilePath, b.FilePath), a.Line-b.Line)
}
