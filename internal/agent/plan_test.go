package agent

import (
	"fmt"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/agent/form"
)

// Who plans for a project that exists is shown what it is: its files, the beginning of its README, outlines; and nothing whole.
func TestPlansKnowTheProject(t *testing.T) {
	files := []string{"README.md", "# Lendery\n\nTracks what neighbours lend.\n" + strings.Repeat("More of it. ", 1_000), "src/loans.ts", "export function returnLoan(id: string) {\n  const secretOfTheBody = 1\n}\n",
		"CHANGELOG.md", strings.Repeat("## A release\n\ntext\n", 60), "src/assets/logo.svg", "<svg>\n<g id=\"a\"/>\n</svg>\n"}
	b := job(codeforge.Builder, `{"user_message":"Add reminders to loans"}`, object(args{"is_complete": true, "questions": []any{}, "message": ""}), object(goodRequirements), object(goodArchitecture), finish(), object(goodReport)).files(files...)
	b.must(t)
	for i := range 3 {
		p := b.prompt(i)
		for _, want := range []string{"<files>\nCHANGELOG.md (", "<outline path=\"README.md\">\n# Lendery", "<outline path=\"src/loans.ts\">\n1: export function returnLoan(id: string)"} {
			if !strings.Contains(p, want) {
				t.Errorf("call %d is not shown %q:\n%s", i, want, p)
			}
		}
		for _, no := range []string{"<file ", "secretOfTheBody", "A release", `path="src/assets/logo.svg"`, "list_files"} {
			if strings.Contains(p, no) {
				t.Errorf("call %d is shown %q", i, no)
			}
		}
		if len(p) > 12_000 || strings.Index(p, "<files>") > strings.Index(p, "<idea>") || !strings.Contains(b.script.requests[i].System, "`files`") {
			t.Errorf("call %d: %d bytes", i, len(p))
		}
	}
	// Of very many files the folders, within a bound.
	var many []string
	for i := range 1_500 {
		many = append(many, fmt.Sprintf("src/part%d/module%d.ts", i%40, i), fmt.Sprintf("export const value%d = %d\n", i, i))
	}
	b = job(codeforge.Wireframe, `{}`, object(goodArchitecture)).files(many...)
	if b.must(t); !strings.Contains(b.prompt(0), "1500 files in these folders:\n") || len(b.prompt(0)) > 40_000 {
		t.Errorf("%d bytes: %.300s", len(b.prompt(0)), b.prompt(0))
	}
	// Of nothing, nothing.
	b = job(codeforge.Research, `{"skip_clarification":true}`, object(goodRequirements))
	if b.must(t); strings.Contains(b.prompt(0), "project exists") {
		t.Error(b.prompt(0))
	}
}

// Prompts say a thing once: keys that clients read beside those of the schema, what a job said and changed, rows of uploads.
func TestPromptsSayThingsOnce(t *testing.T) {
	b := job(codeforge.Code, `{"user_message":"Now the same for users"}`, finish()).files("src/a.ts", "x")
	requirements := form.Requirements{ElevatorPitch: "Walks dogs of the whole street.", Audience: []form.Persona{{Name: "Ann", Role: "walker", Goal: "fewer calls", PainPoint: "missed calls"}}}
	b.task.Project.Requirements = form.Marshal(newRequirementsDoc(requirements))
	b.task.Project.Architecture = form.Marshal(newArchitectureDoc(form.Architecture{Pages: []form.Page{{Path: "/", Components: []form.Component{{Name: "DogList"}}}}}))
	b.task.Job.CreatedAt = codeforge.Now()
	b.task.Memory.Messages = []codeforge.Message{{Role: "assistant", Content: "Renamed tasks to tickets.\n\nChanged 2 files:\n- src/a.ts (updated)\n- src/b.ts (created)\n\nAsk for more.", Metadata: []byte(`{"job_id":"j"}`)},
		{Role: "assistant", Content: "Of an older one.\n\nChanged 1 file:\n- src/old.ts (updated)", Metadata: []byte(`{"job_id":"i"}`)}}
	b.task.Memory.Revisions = []codeforge.RevisionSummary{{Revision: codeforge.Revision{Number: 40, Author: "code", JobID: "j", Message: "Renamed tasks to tickets.", FilesChanged: 2}, Files: []codeforge.FileStat{{Path: "src/a.ts", Added: 3}, {Path: "src/b.ts", Added: 1}}}}
	for i := range 22 {
		b.task.Memory.Revisions = append(b.task.Memory.Revisions, codeforge.RevisionSummary{Revision: codeforge.Revision{Number: int64(39 - i), Author: "user", Message: fmt.Sprintf("Create up%d.ts", i%20), FilesChanged: 1}, Files: []codeforge.FileStat{{Path: fmt.Sprintf("up%d.ts", i%20), Added: 1}}})
	}
	b.must(t)
	said := section(b.prompt(0), "conversation")
	if strings.Count(said, "Renamed tasks to tickets") != 1 || strings.Count(said, "src/b.ts") != 1 || !strings.Contains(said, "Ask for more") || !strings.Contains(said, "src/old.ts (updated)") {
		t.Errorf("%s", said)
	}
	if strings.Count(said, `"by":"user"`) != 1 || strings.Count(said, "up") > 12 || !strings.Contains(said, `"more_files":10`) || strings.Contains(said, "Create up") {
		t.Errorf("%s", said)
	}
	if got := section(b.prompt(0), "requirements") + section(b.prompt(0), "architecture"); strings.Contains(got, "summary") || strings.Contains(got, "pain_points") || strings.Contains(got, `"type"`) ||
		strings.Count(got, "fewer calls") != 1 || strings.Count(got, "DogList") != 1 || !strings.Contains(got, "Walks dogs of the whole street.") {
		t.Errorf("%s", got)
	}
	if specShown([]byte(`"words alone"`)) == nil || string(specShown([]byte(`{"summary":"Mine","n":12345678901234567890}`))) != `{"n":12345678901234567890,"summary":"Mine"}` {
		t.Error("what people wrote themselves is changed")
	}
	for raw, want := range map[string]bool{`{"devDependencies":{"typescript":"5","tsx":"4"}}`: false, `{"devDependencies":{"vite":"7","svelte":"5"}}`: true, `{"dependencies":{"left-pad":"1"}}`: true} {
		if got := stackOf(map[string]string{"package.json": raw, "src/a.ts": "x"}, codeforge.Project{}, "").packages; got != want {
			t.Errorf("%s counts as made with packages: %t", raw, got)
		}
	}
}
