package internal

import (
	"maps"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestGuards: every test that the page on architecture names as a guard exists where it says.
func TestGuards(t *testing.T) {
	page, err := os.ReadFile("../docs/architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	folder := regexp.MustCompile("`((?:cmd|internal)/[a-z/]+)`|\\b(Test[A-Za-z]+)\\b")
	found := 0
	for line := range strings.Lines(string(page)) {
		if !regexp.MustCompile(`^\| \d+ \|`).MatchString(line) {
			continue
		}
		var at []string
		fresh := false
		for _, m := range folder.FindAllStringSubmatch(line, -1) {
			if m[1] != "" {
				if fresh {
					at = append(at, m[1])
				} else {
					at, fresh = []string{m[1]}, true
				}
				continue
			}
			fresh = false
			for _, dir := range at {
				found++
				if exec.Command("grep", "-qrE", "^func "+m[2]+"\\(", "../"+dir, "--include=*_test.go").Run() != nil {
					t.Errorf("%s has no %s", dir, m[2])
				}
			}
		}
	}
	if found < 20 {
		t.Errorf("found %d guards: the table is not read", found)
	}
}

// TestErrorCodesAreExplained: the page on troubleshooting says of each error code of the API what it means and what to do, and of none
// that there is not.
func TestErrorCodesAreExplained(t *testing.T) {
	codes := map[string]bool{}
	written := regexp.MustCompile(`(?:Code: |http\.Status\w+, |code: )"([A-Z]+(?:_[A-Z]+)*)"`)
	for _, source := range sources(t, "api") {
		for _, m := range written.FindAllStringSubmatch(source, -1) {
			codes[m[1]] = true
		}
	}
	if len(codes) < 15 {
		t.Fatalf("codes %v: the sources are not read", codes)
	}
	page, err := os.ReadFile("../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(page), "<!-- codes -->")
	table, _, _ := strings.Cut(rest, "<!-- /codes -->")
	for _, m := range regexp.MustCompile("(?m)^\\| `([A-Z_]+)` \\| ([^|]+) \\| ([^|]+) \\| ([^|]+) \\|$").FindAllStringSubmatch(table, -1) {
		if !codes[m[1]] {
			t.Errorf("the page explains %s, which no answer has", m[1])
		}
		delete(codes, m[1])
	}
	for code := range codes {
		t.Errorf("docs/troubleshooting.md does not explain %s", code)
	}
}

// TestQuotedLinesAreSaid: what the page on troubleshooting says that a person reads stands in the program.
func TestQuotedLinesAreSaid(t *testing.T) {
	page, err := os.ReadFile("../docs/troubleshooting.md")
	if err != nil {
		t.Fatal(err)
	}
	need, err := os.ReadFile("../scripts/need")
	if err != nil {
		t.Fatal(err)
	}
	said := slices.Collect(maps.Values(sources(t, ".", "../cmd")))
	said = append(said, string(need))
	quoted, lines := 0, false
	for line := range strings.Lines(string(page)) {
		switch {
		case strings.HasPrefix(line, "| the line says |"), strings.HasPrefix(line, "| you see |"), strings.HasPrefix(line, "| you see in the console |"):
			lines = true
		case !strings.HasPrefix(line, "|"):
			lines = false
		case lines:
			cell := strings.Split(line, "|")[1]
			for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(cell, -1) {
				quoted++
				for _, piece := range regexp.MustCompile(`\.\.\.|\b[NAB]\b`).Split(m[1], -1) {
					if piece = strings.Trim(piece, " :,"); len(piece) < 4 {
						continue
					}
					if !slices.ContainsFunc(said, func(source string) bool { return strings.Contains(source, piece) }) {
						t.Errorf("nothing says %q", piece)
					}
				}
			}
		}
	}
	if quoted < 15 {
		t.Errorf("%d quotes: the page is not read", quoted)
	}
}

// TestLogLinesSayTheWayOn: each warning and error of the log says what to do, in words after a colon or as next.
func TestLogLinesSayTheWayOn(t *testing.T) {
	line := regexp.MustCompile(`\b(?:log|Log|slog)\.(?:Warn|Error)\("((?:[^"\\]|\\.)*)"(, "next", ")?`)
	seen := 0
	for name, source := range sources(t, ".", "../cmd/codeforge") {
		for _, m := range line.FindAllStringSubmatch(source, -1) {
			seen++
			if m[2] == "" && !strings.Contains(m[1], ": ") {
				t.Errorf(`%s: %q does not say what to do: add "next", "..." after it`, name, m[1])
			}
		}
	}
	if seen < 40 {
		t.Errorf("%d lines: the sources are not read", seen)
	}
}
