package pattern

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"codeforge"
)

// specs are a project's specifications, as far as they have the form that agents give them: people may have written them.
type specs struct {
	project  *codeforge.Project
	name     string
	pitch    string
	features []feature
	stack    []string
	pages    []page
	records  []string
	design   []string
}

type feature struct {
	Name        string `json:"name"`
	Description string `json:"description"`
}

type page struct {
	Path       string `json:"path"`
	Name       string `json:"name"`
	Components []struct {
		Name string `json:"name"`
	} `json:"components"`
}

func read(p *codeforge.Project) specs {
	s := specs{project: p}
	into := func(doc json.RawMessage, fields map[string]any) {
		var all map[string]json.RawMessage
		if json.Unmarshal(doc, &all) != nil {
			return
		}
		for name, to := range fields {
			_ = json.Unmarshal(all[name], to) // what has another form is left out
		}
	}
	into(p.Requirements, map[string]any{"app_name": &s.name, "elevator_pitch": &s.pitch, "core_features": &s.features, "recommended_stack": &s.stack})
	into(p.Architecture, map[string]any{"site_map": &s.pages, "global_state_needs": &s.records, "design": &s.design})
	return s
}

// text is what a project is about, as it is embedded; wish are words beside it.
func (s *specs) text(wish string) string {
	lines := []string{s.project.Title, s.project.Description, wish, s.name, s.pitch}
	for _, f := range s.features {
		lines = append(lines, f.Name+": "+f.Description)
	}
	for _, g := range s.pages {
		lines = append(lines, g.Name)
	}
	lines = slices.DeleteFunc(lines, func(line string) bool { return strings.Trim(line, ": \n\t") == "" })
	return cut(strings.Join(lines, "\n"), maxText)
}

// outline is an architecture in few words, which are the project's.
func (s *specs) outline() string {
	var b strings.Builder
	line := func(parts ...string) {
		b.WriteString(strings.TrimRight(strings.ReplaceAll(strings.Join(parts, ""), "\x00", ""), ": ") + "\n")
	}
	line(cmp.Or(s.name, s.project.Title), ": ", cut(cmp.Or(s.pitch, s.project.Description), 300))
	for _, p := range s.pages {
		var names []string
		for _, c := range p.Components {
			names = append(names, c.Name)
		}
		line("Page ", p.Path, " ", p.Name, ": ", strings.Join(names, ", "))
	}
	for _, r := range s.records {
		line("State: ", cut(r, 200))
	}
	for _, d := range s.design {
		line("Design: ", cut(d, 150))
	}
	return strings.TrimSpace(strings.ToValidUTF8(cut(b.String(), codeforge.MaxOutline), ""))
}

// shape is what may be told of an architecture to others.
func (s *specs) shape() codeforge.PatternShape {
	var about strings.Builder
	about.WriteString(strings.Join([]string{s.project.Title, s.project.Description, s.name, s.pitch}, " "))
	for _, f := range s.features {
		about.WriteString(" " + f.Name)
	}
	shape := codeforge.PatternShape{Kind: kindOf(about.String()), Stack: stackOf(strings.Join(append(slices.Clone(s.project.TechStack), s.stack...), " ")), Pages: []string{},
		Features: len(s.features), Records: len(s.records)}
	for _, p := range s.pages {
		shape.Pages = append(shape.Pages, pageKind(p.Path, p.Name))
		shape.Components += len(p.Components)
	}
	return shape
}

// legacyShape is what may be told of what an earlier backend noted of a pattern, whatever its form.
func legacyShape(doc json.RawMessage) codeforge.PatternShape {
	var note struct {
		Type     string          `json:"type"`
		Metadata json.RawMessage `json:"metadata"`
	}
	var inside struct {
		Architecture json.RawMessage `json:"architecture"`
		Spec         json.RawMessage `json:"architecture_spec"`
		Pages        json.RawMessage `json:"site_map"`
	}
	_ = json.Unmarshal(doc, &note) // it is the database's own
	_ = json.Unmarshal(note.Metadata, &inside)
	p := codeforge.Project{Title: note.Type, Architecture: note.Metadata}
	if inside.Pages == nil {
		p.Architecture = inside.Architecture
		if p.Architecture == nil {
			p.Architecture = inside.Spec
		}
	}
	s := read(&p)
	shape := s.shape()
	shape.Stack = stackOf(string(note.Metadata))
	return shape
}

// vocabulary is words by what they mean, in the order in which meanings are preferred.
type vocabulary []struct{ meaning, words string }

// count says how often each meaning occurs among words, in its order.
func (v vocabulary) count(text string) []int {
	counts := make([]int, len(v))
	words := spoken(text)
	for i, m := range v {
		for w := range strings.FieldsSeq(m.words) {
			counts[i] += words[w]
		}
	}
	return counts
}

// spoken are the words of a text with how often they occur, plurals as one with singulars.
func spoken(text string) map[string]int {
	words := map[string]int{}
	for w := range wordsIn(text) {
		words[w]++
		if one, plural := strings.CutSuffix(w, "s"); plural {
			words[one]++
		}
	}
	return words
}

// kindOf is the kind of app that a text is mostly about.
func kindOf(text string) string {
	counts := appKinds.count(text)
	best := slices.Index(counts, slices.Max(counts))
	if counts[best] == 0 {
		return "app"
	}
	return appKinds[best].meaning
}

// pageKind is the kind of a page.
func pageKind(path, name string) string {
	if path == "/" {
		return "home"
	}
	counts := pageKinds.count(path + " " + name)
	for i, n := range counts { // the first that fits
		if n > 0 {
			return pageKinds[i].meaning
		}
	}
	return "page"
}

// stackOf are the technologies that a text names.
func stackOf(text string) []string {
	stack := []string{}
	for i, n := range technologies.count(text) {
		if n > 0 {
			stack = append(stack, technologies[i].meaning)
		}
	}
	return stack
}

var appKinds = vocabulary{
	{"crm", "crm customer client lead sale contact invoice"},
	{"shop", "shop store cart checkout product order ecommerce catalog"},
	{"booking", "booking book reservation appointment schedule slot calendar"},
	{"planner", "planner plan task todo kanban project deadline board"},
	{"tracker", "tracker track habit log fitness workout expense budget finance mood weight"},
	{"dashboard", "dashboard analytic metric report chart kpi monitor"},
	{"blog", "blog post article newsletter magazine journal"},
	{"social", "social community friend follow feed forum chat message"},
	{"learning", "learning learn course quiz flashcard student lesson teacher study"},
	{"game", "game play player score level puzzle arcade"},
	{"portfolio", "portfolio resume gallery photographer artist landing"},
	{"recipes", "recipe cooking meal food restaurant menu"},
	{"inventory", "inventory stock warehouse asset library"},
	{"tool", "tool calculator converter generator editor timer notes note"},
}

var pageKinds = vocabulary{
	{"login", "login signin signup register auth"},
	{"settings", "setting settings preference profile account"},
	{"checkout", "checkout payment"},
	{"cart", "cart basket"},
	{"dashboard", "dashboard overview"},
	{"calendar", "calendar schedule agenda"},
	{"statistics", "statistic stats report analytic chart insight history"},
	{"form", "new add create edit form"},
	{"detail", "detail id view item"},
	{"search", "search browse explore find"},
	{"board", "board kanban"},
	{"chat", "chat message inbox"},
	{"map", "map route"},
	{"gallery", "gallery photo image"},
	{"quiz", "quiz study practice lesson"},
	{"play", "play game"},
	{"about", "about help contact faq"},
	{"list", "list all client customer product order task recipe post article habit book note invoice expense event course member item project"},
}

var technologies = vocabulary{
	{"react", "react"}, {"vue", "vue"}, {"svelte", "svelte sveltekit"}, {"angular", "angular"}, {"solid", "solidjs"}, {"preact", "preact"}, {"next", "next nextjs"}, {"nuxt", "nuxt"},
	{"astro", "astro"}, {"vite", "vite"}, {"tailwind", "tailwind tailwindcss"}, {"bootstrap", "bootstrap"}, {"sass", "sass scss"}, {"typescript", "typescript"},
	{"javascript", "javascript"}, {"html", "html html5"}, {"css", "css css3"}, {"node", "node nodejs"}, {"express", "express"}, {"supabase", "supabase"}, {"firebase", "firebase"},
	{"postgres", "postgres postgresql"}, {"sqlite", "sqlite"}, {"redux", "redux"}, {"zustand", "zustand"}, {"pinia", "pinia"}, {"three", "threejs"}, {"d3", "d3"},
	{"leaflet", "leaflet"}, {"indexeddb", "indexeddb"}, {"localstorage", "localstorage"}, {"canvas", "canvas"}, {"pwa", "pwa"},
}
