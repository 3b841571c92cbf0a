package agent

import (
	"fmt"
	"strings"
	"testing"

	"codeforge"
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
