package agent

import (
	"embed"
	"regexp"
	"slices"
	"strings"

	"codeforge/internal/agent/form"
	"codeforge/internal/evidence"
)

//go:embed prompts/*.md
var prompts embed.FS

// What an agent is told in sections, beside the project and its specifications.
var (
	toldOfIdea  = []string{form.SectionProject, form.SectionStack, form.SectionRequirements, form.SectionFiles, form.SectionOutline, form.SectionConversation, form.SectionContext, form.SectionIdea}
	toldOfFiles = append(slices.Clone(toldOfIdea), form.SectionArchitecture, form.SectionAnswers, form.SectionFile, form.SectionDiagnostics)
	toldOfWork  = append(slices.Clone(toldOfFiles), form.SectionFindings, form.SectionRound)
)

// The system texts of calls, but for those of the coder: see [coderSystem].
var (
	clarifySystem   = system(toldOfIdea, "clarify")
	researchSystem  = system(append(slices.Clone(toldOfIdea), form.SectionAnswers), "research")
	wireframeSystem = system(append(slices.Clone(toldOfIdea), form.SectionArchitecture, form.SectionAnswers), "wireframe")
	qaSystem        = system(append(slices.Clone(toldOfWork), form.SectionDiff, form.Numbered), "qa")
	pedagogySystem  = system(append(slices.Clone(toldOfFiles), form.Numbered, form.SectionQuestion, form.SectionLearned), "pedagogy")
	refactorSystem  = system(append(slices.Clone(toldOfFiles), form.SectionSelection), "refactor")
	choiceSystem    = system(append(slices.Clone(toldOfFiles), form.Numbered, form.SectionQuestion, form.SectionLearned), "choice")
	roadmapSystem   = system(append(slices.Clone(toldOfIdea), form.SectionArchitecture, form.SectionLearned), "roadmap")
)

// coderSystem is the coder's system text for the work at hand.
func coderSystem(w work, s stack, rungs evidence.Available) string {
	parts := []string{"code_" + string(w)}
	if w != workQuestion {
		if s.packages {
			parts = append(parts, "code_packages")
			if rungs.Packages {
				parts = append(parts, "code_packages_on")
			} else {
				parts = append(parts, "code_packages_off")
			}
		} else {
			parts = append(parts, "code_plain")
		}
		if rungs.Types {
			parts = append(parts, "code_types")
		}
	}
	parts = append(parts, "code_work")
	if rungs.Run && w != workQuestion {
		parts = append(parts, "code_run")
	}
	if w != workQuestion {
		parts = append(parts, "code_quality")
	}
	if w == workNew {
		parts = append(parts, "code_design")
	}
	return system(append(slices.Clone(toldOfWork), form.SectionErrors), parts...)
}

// system joins the parts of a system text, and what holds for all of them. told are the sections that its messages may have:
// others are not explained.
func system(told []string, parts ...string) string {
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(readPrompt(part))
	}
	for line := range strings.SplitAfterSeq(readPrompt("material"), "\n") {
		if m := explained.FindStringSubmatch(line); m == nil || slices.ContainsFunc(strings.Split(m[1], "`, `"), func(name string) bool { return slices.Contains(told, name) }) {
			b.WriteString(line)
		}
	}
	return b.String()
}

// explained finds the names of the sections that a line explains.
var explained = regexp.MustCompile("^- `([a-z_]+(?:`, `[a-z_]+)*)`")

// readPrompt returns an embedded prompt; that each exists is known when the program is built and tested.
func readPrompt(name string) string {
	b, err := prompts.ReadFile("prompts/" + name + ".md")
	if err != nil {
		panic(err)
	}
	return string(b)
}
