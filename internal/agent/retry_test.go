package agent

import (
	"strings"
	"testing"

	"codeforge"
)

// A pipeline that begins with its review says what it mended, asks the coder for one thing, and keeps its own keys to itself.
func TestPipelineFromReview(t *testing.T) {
	b := job(codeforge.Builder, `{"start_at":"qa","tone":"dry"}`, reviewOf(50, finding),
		use("edit_file", args{"path": "src/a.ts", "old": "two", "new": "three"}, "finish", args{"summary": "Deleting keeps the others."}), object(goodReport)).files("src/a.ts", "one\ntwo\n")
	out := b.must(t)
	if says := out.Chat[0].Content; !strings.HasPrefix(says, "Reviewed the project again. Deleting keeps the others.") || !strings.Contains(says, "Changed 1 file:\n- src/a.ts (updated)") {
		t.Errorf("%s", says)
	}
	for i := range 2 {
		if got := section(b.prompt(i), "context"); got != `{"tone":"dry"}` {
			t.Errorf("call %d has %s", i, got)
		}
	}
	if strings.Contains(b.prompt(1), "Do what is asked") || !strings.Contains(b.prompt(1), "The review found the issues") {
		t.Errorf("%s", b.prompt(1))
	}
}
