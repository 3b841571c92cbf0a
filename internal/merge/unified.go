package merge

import "github.com/aymanbagabas/go-udiff"

const contextLines = 3 // around what changed in a unified diff

// Unified is the unified diff of edits to a text, with the line numbers that it has before and after them.
func Unified(from, to, before string, edits []udiff.Edit) (udiff.UnifiedDiff, error) {
	u, err := udiff.ToUnifiedDiff(from, to, before, edits, contextLines)
	drift := 0 // lines that the hunks so far added
	for _, h := range u.Hunks {
		// The library forgets the lines between two changes that share a hunk.
		h.ToLine = h.FromLine + drift
		for _, l := range h.Lines {
			switch l.Kind {
			case udiff.Insert:
				drift++
			case udiff.Delete:
				drift--
			}
		}
	}
	return u, err
}
