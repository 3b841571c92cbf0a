package merge

import (
	"strings"
	"unicode/utf8"

	"codeforge"
)

// Place is a place of a [Conflict] as it is shown to those who settle it: ours are people's, theirs is a job's.
type Place = codeforge.ConflictPlace

// Bounds of what is shown of conflicts.
const (
	maxPlaces = 20
	maxSide   = 2_000 // bytes
)

// Places shows conflicts place by place, as much of them as somebody can read.
func Places(conflicts []Conflict) []Place {
	out := []Place{}
	for _, c := range conflicts {
		if len(c.Hunks) == 0 {
			out = append(out, Place{Path: c.Path, People: shownFile(c.Path, c.Ours), Job: shownFile(c.Path, c.Theirs), Beside: strings.Join(c.Beside, ", ")})
		}
		for _, h := range c.Hunks {
			out = append(out, Place{Path: c.Path, Line: h.Line, Before: shown(&h.Base), People: shown(&h.Ours), Job: shown(&h.Theirs)})
		}
		if len(out) >= maxPlaces {
			return out[:maxPlaces]
		}
	}
	return out
}

// shownFile is a whole file as somebody can read it.
func shownFile(path string, side *string) *string {
	if side != nil {
		if b, ok := codeforge.BlobOf(*side); ok {
			return new("(" + b.Describe(path) + ")")
		}
	}
	return shown(side)
}

func shown(side *string) *string {
	if side == nil || len(*side) <= maxSide {
		return side
	}
	cut := maxSide
	for !utf8.RuneStart((*side)[cut]) {
		cut--
	}
	return new((*side)[:cut] + "…")
}
