package offline

import (
	"fmt"
	"strings"
	"testing"

	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// A roadmap has each exercise once, however alike the features are, names each of them, and fits its form.
func TestRoadmapsRepeatNothing(t *testing.T) {
	all := []string{"A chat for teams with accounts and file uploads, in React with Postgres", "An online shop with payments and invoices", "A blog with search and tags"}
	for i, idea := range append(all, ideas[:20]...) {
		req := answer[form.Requirements](t, &llm.Request{Model: Name, Messages: []llm.Message{prompt(idea)}, Schema: form.RequirementsForm.Schema()})
		for len(req.Features) < 8 { // alike ones, as people write them
			req.Features = append(req.Features, form.Feature{Name: fmt.Sprintf("List %d", len(req.Features)), Description: "Entries are added, searched and deleted.", Priority: "must-have", UserStories: []string{"As a user I want to add an entry."}})
		}
		level := []string{"beginner", "intermediate", "advanced"}[i%3]
		m := llm.UserText(wrap("project", asJSON(form.ProjectSection{Title: "My app", Description: idea, Mode: "student"})) + wrap("requirements", asJSON(req)) + wrap("context", `{"skill_level":"`+level+`","focus_areas":["accessibility","tests"]}`))
		r, problems := form.RoadmapForm.Read([]byte(generate(t, &llm.Request{Model: Name, Messages: []llm.Message{m}, Schema: form.RoadmapForm.Schema()}).Text()))
		if len(problems) > 0 {
			t.Errorf("%q: %v", idea, problems)
		}
		seen, titles := map[string]string{}, ""
		for _, m := range r.Modules {
			titles += m.Title + "\n"
			for _, e := range m.Exercises {
				_, e, _ = cutLast(e)
				if where, there := seen[e]; there {
					t.Errorf("%q, %s: %q is in %q and in %q", idea, level, e, where, m.Title)
				}
				seen[e] = m.Title
			}
		}
		for _, f := range req.Features[:min(len(req.Features), 12)] {
			if !strings.Contains(strings.ToLower(titles), strings.ToLower(cleanLine(f.Name))) {
				t.Errorf("%q, %s: nothing is about %q:\n%s", idea, level, f.Name, titles)
			}
		}
	}
}

// cutLast parts an exercise from the focus that it may be named for.
func cutLast(exercise string) (focus, rest string, found bool) {
	if focus, rest, found = strings.Cut(exercise, ": "); found && strings.HasPrefix(focus, "Focus on ") {
		return focus, rest, true
	}
	return "", exercise, false
}
