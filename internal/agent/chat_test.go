package agent

import (
	"fmt"
	"strings"
	"testing"

	"codeforge"
)

// Files that moved together are one line, for the people who read it, and moves to those who watch; how to start is told of a new app.
func TestMovesAreTold(t *testing.T) {
	var files []string
	for i := range 24 {
		files = append(files, fmt.Sprintf("src/tasks/part%d/m.ts", i), fmt.Sprintf("export const v%d = 1\n", i))
	}
	files = append(files, "src/main.ts", "import { v1 } from './tasks/part1/m'\n", "src/old.ts", "export const old = 1\n", "index.html", "<!doctype html><title>T</title>")
	b := job(codeforge.Code, `{"user_message":"Rename tasks to tickets"}`, use("move_file", args{"from": "src/tasks", "to": "src/jobs"}, "move_file", args{"from": "src/jobs", "to": "src/tickets"},
		"move_file", args{"from": "src/old.ts", "to": "src/new.ts"}, "search", args{"pattern": "export const v1", "path": "src/tickets"}, "search", args{"pattern": "v", "path": "src", "context": 2},
		"search", args{"pattern": "v1", "mode": "count"}), finish()).files(files...)
	out := b.must(t)
	says := out.Chat[0].Content
	for _, want := range []string{"Changed 26 files:\n", "- moved src/tasks to src/tickets (24 files)", "- moved src/old.ts to src/new.ts", "- src/main.ts (updated)"} {
		if !strings.Contains(says, want) {
			t.Errorf("the conversation does not say %q: %s", want, says)
		}
	}
	if strings.Contains(says, "deleted") || strings.Contains(says, "To start") || strings.Contains(says, "src/jobs") {
		t.Errorf("%s", says)
	}
	told := map[string]bool{}
	for _, e := range b.of(codeforge.EventFile) {
		told[fmt.Sprint(e["path"], " ", e["action"], " from ", e["moved_from"], " to ", e["moved_to"])] = true
	}
	if !told["src/old.ts deleted from <nil> to src/new.ts"] || !told["src/new.ts created from src/old.ts to <nil>"] || !told["src/tickets/part3/m.ts created from src/tasks/part3/m.ts to <nil>"] {
		t.Errorf("%v", told)
	}
	var searches []string
	for _, e := range b.of(codeforge.EventTool) {
		if e["name"] == "search" {
			searches = append(searches, fmt.Sprint(e["argument"], ": ", e["answer"]))
		}
	}
	if got := strings.Join(searches, "; "); got != "export const v1 in src/tickets: 11 lines found; v in src: 25 lines found; v1: 12 lines in 12 files" {
		t.Errorf("%s", got)
	}
	// A new app says how to start it.
	b = job(codeforge.Code, `{}`, write("index.html", "<!doctype html><title>T</title>"), finish())
	if says := b.must(t).Chat[0].Content; !strings.Contains(says, "To start") {
		t.Errorf("%s", says)
	}
}

// What is open is told as people notice it, without what the code does.
func TestOpenPointsAreForPeople(t *testing.T) {
	for said, want := range map[string]string{
		"An entry without a name is lost when it is saved. `isFilling` looks at the name alone (e.g. in add).": "An entry without a name is lost when it is saved.",
		"Dates, e.g. Easter, are a day off": "Dates, e.g. Easter, are a day off",
	} {
		if got := firstSentence(said); got != want {
			t.Errorf("%q became %q", said, got)
		}
	}
	out := job(codeforge.QA, `{}`, object(args{"passed": true, "issues": []any{with(finding, "severity", "low", "description", "A second click does nothing. The handler in src/a.ts is bound once.")}, "summary": "Good.", "score": 90})).files("src/a.ts", "x\ny\n").must(t)
	if says := out.Chat[0].Content; !strings.Contains(says, "A second click does nothing.") || strings.Contains(says, "handler") {
		t.Errorf("%s", says)
	}
}
