package merge

import (
	"slices"
	"strings"
	"unicode"
)

// TheirsHasOurs reports whether theirs says all that ours does: wherever both changed, the lines that ours wrote stand in theirs, and
// none that ours took away came back. Whoever takes theirs then loses nothing of ours. Lines that ours left as they were
// are not its own; a place where ours only took lines away shows nothing of whether theirs knows.
func (c Conflict) TheirsHasOurs() bool {
	return len(c.Hunks) > 0 && !slices.ContainsFunc(c.Hunks, func(h Hunk) bool {
		s := sidesOf(h)
		return len(s.written) == 0 || s.restores() || slices.ContainsFunc(s.edits(), func(e edit) bool { return len(s.own(e.old)) > 0 })
	})
}

// TheirsDecides reports whether theirs, written by somebody who saw ours, settles the conflict: it brings back nothing that ours took
// away, and where other lines stand in place of those that ours wrote, they say something new. first is what theirs had at
// the conflicts before ours was seen: who insists on that settles nothing.
func (c Conflict) TheirsDecides(first []string) bool {
	said := lineSet(strings.Join(first, "\n"))
	return len(c.Hunks) > 0 && !slices.ContainsFunc(c.Hunks, func(h Hunk) bool {
		s := sidesOf(h)
		isFresh := func(l string) bool { return speaks(l) && !said[l] && !s.base[l] }
		if s.restores() {
			return true
		}
		if len(s.written) == 0 {
			return !slices.ContainsFunc(s.theirs, isFresh) && slices.ContainsFunc(s.theirs, func(l string) bool { return speaks(l) && !slices.Contains(s.ours, l) })
		}
		return slices.ContainsFunc(s.edits(), func(e edit) bool {
			fresh := slices.DeleteFunc(slices.Clone(e.new), func(l string) bool { return !isFresh(l) })
			words := wordSet(fresh)
			lost := slices.DeleteFunc(s.own(e.old), func(l string) bool {
				return slices.Contains(s.theirs, l) || hasAll(words, wordSet([]string{l}))
			})
			return len(lost) > len(fresh)
		})
	})
}

// hunkSides is a hunk in lines. Lines without a letter or digit are part of the form, and nobody's own.
type hunkSides struct {
	ours, theirs   []string
	base           map[string]bool
	written, taken map[string]bool // by ours: lines that base has not, and those that only base has
}

func sidesOf(h Hunk) hunkSides {
	s := hunkSides{ours: linesOf(h.Ours), theirs: linesOf(h.Theirs), base: lineSet(h.Base), written: map[string]bool{}, taken: map[string]bool{}}
	for _, l := range s.ours {
		if speaks(l) && !s.base[l] {
			s.written[l] = true
		}
	}
	for l := range s.base {
		if speaks(l) && !slices.Contains(s.ours, l) {
			s.taken[l] = true
		}
	}
	return s
}

// restores reports whether theirs has a line that ours took away.
func (s *hunkSides) restores() bool {
	return slices.ContainsFunc(s.theirs, func(l string) bool { return s.taken[l] })
}

// own are those of some lines that ours wrote.
func (s *hunkSides) own(lines []string) []string {
	return slices.DeleteFunc(slices.Clone(lines), func(l string) bool { return !s.written[l] })
}

// edit is what theirs has in place of some lines of ours.
type edit struct{ old, new []string }

func (s *hunkSides) edits() (out []edit) {
	m := merger{ids: map[string]int32{}}
	for _, c := range changes(m.number(s.ours), m.number(s.theirs)) {
		out = append(out, edit{s.ours[c.from:c.to], s.theirs[c.newFrom:c.newTo]})
	}
	return out
}

func linesOf(text string) []string {
	lines := split(text).lines
	for i, l := range lines {
		lines[i] = strings.TrimSuffix(l, "\r")
	}
	return lines
}

func lineSet(text string) map[string]bool {
	out := map[string]bool{}
	for _, l := range linesOf(text) {
		out[l] = true
	}
	return out
}

func notInWord(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsNumber(r) }

// speaks reports whether a line says something.
func speaks(line string) bool {
	return strings.ContainsFunc(line, func(r rune) bool { return !notInWord(r) })
}

func wordSet(lines []string) map[string]bool {
	out := map[string]bool{}
	for _, l := range lines {
		for _, w := range strings.FieldsFunc(l, notInWord) {
			out[w] = true
		}
	}
	return out
}

func hasAll(all, some map[string]bool) bool {
	for w := range some {
		if !all[w] {
			return false
		}
	}
	return true
}
