package merge

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aymanbagabas/go-udiff"
)

// Each line of a diff stands where its hunk says, on both sides, however many changes share a hunk.
func TestUnified(t *testing.T) {
	var lines []string
	for i := range 80 {
		lines = append(lines, fmt.Sprintf("line %d\n", i+1))
	}
	changed := slices.Clone(lines)
	changed[2], changed[5], changed[9] = "", "new 6\nnew 6b\n", ""
	changed[30] += "new 31\n"
	changed[33] = ""
	changed[60], changed[79] = "", "the last\n"
	before, after := strings.Join(lines, ""), strings.Join(changed, "")
	u, err := Unified("a/x", "b/x", before, udiff.Lines(before, after))
	if err != nil || len(u.Hunks) < 3 {
		t.Fatal(u, err)
	}
	was, is := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	for _, h := range u.Hunks {
		from, to := h.FromLine-1, h.ToLine-1
		for _, l := range h.Lines {
			if l.Kind != udiff.Insert {
				if was[from] != l.Content {
					t.Errorf("line %d before is %q, not %q", from+1, was[from], l.Content)
				}
				from++
			}
			if l.Kind != udiff.Delete {
				if is[to] != l.Content {
					t.Errorf("line %d after is %q, not %q", to+1, is[to], l.Content)
				}
				to++
			}
		}
	}
}
