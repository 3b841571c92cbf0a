package internal

import (
	"os"
	"os/exec"
	"regexp"
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
