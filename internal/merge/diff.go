package merge

import (
	"slices"

	"github.com/aymanbagabas/go-udiff/lcs"
)

// change is a place where two texts differ: base[from:to] became lines[newFrom:newTo].
type change struct{ from, to, newFrom, newTo int }

// maxDepth bounds how often places are looked for that two texts have once each, in what lies between such places.
const maxDepth = 24

// changes are the differences of two texts, in order, with at least one common line between any two. Lines that both have once hold the texts together, as in a patience
// diff; what lies between them is compared by the library, which stops looking for small differences where there are too
// many. So the cost is near linear, whatever the texts are.
func changes(base, lines []int32) []change {
	var d differ
	d.compare(base, lines, 0, 0, maxDepth)
	return d.found
}

type differ struct{ found []change }

// compare finds the changes between parts of both texts, which begin at x and y.
func (d *differ) compare(a, b []int32, x, y, depth int) {
	for len(a) > 0 && len(b) > 0 && a[0] == b[0] {
		a, b, x, y = a[1:], b[1:], x+1, y+1
	}
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if len(a) == 0 || len(b) == 0 {
		d.add(change{x, x + len(a), y, y + len(b)})
		return
	}
	var anchors [][2]int
	if depth > 0 {
		anchors = commonOnce(a, b)
	}
	if len(anchors) == 0 {
		for _, c := range lcs.DiffRunes(a, b) {
			d.add(change{x + c.Start, x + c.End, y + c.ReplStart, y + c.ReplEnd})
		}
		return
	}
	i, j := 0, 0
	for _, at := range append(anchors, [2]int{len(a), len(b)}) {
		d.compare(a[i:at[0]], b[j:at[1]], x+i, y+j, depth-1)
		i, j = at[0], at[1] // the anchor itself is the equal beginning of what comes next
	}
}

// add appends a change, or makes the last one longer when nothing lies between.
func (d *differ) add(c change) {
	if c.from == c.to && c.newFrom == c.newTo {
		return
	}
	if n := len(d.found); n > 0 && d.found[n-1].to == c.from && d.found[n-1].newTo == c.newFrom {
		d.found[n-1].to, d.found[n-1].newTo = c.to, c.newTo
		return
	}
	d.found = append(d.found, c)
}

// commonOnce returns the places of lines that stand once in a and once in b: the most of them that are in the same order
// in both.
func commonOnce(a, b []int32) [][2]int {
	type places struct{ inA, inB, atA, atB int32 }
	seen := make(map[int32]places, len(a))
	for i, l := range a {
		p := seen[l]
		p.inA, p.atA = p.inA+1, int32(i)
		seen[l] = p
	}
	for i, l := range b {
		if p, ok := seen[l]; ok {
			p.inB, p.atB = p.inB+1, int32(i)
			seen[l] = p
		}
	}
	// The longest increasing sequence of places in b, in the order of a: tops[n] is the pair with the lowest place in b that
	// ends a sequence of n+1.
	var pairs [][2]int
	var before, tops []int
	for i, l := range a {
		p := seen[l]
		if p.inA != 1 || p.inB != 1 {
			continue
		}
		at := int(p.atB)
		n, _ := slices.BinarySearchFunc(tops, at, func(top, at int) int { return pairs[top][1] - at })
		last := -1
		if n > 0 {
			last = tops[n-1]
		}
		pairs, before = append(pairs, [2]int{i, at}), append(before, last)
		if n == len(tops) {
			tops = append(tops, 0)
		}
		tops[n] = len(pairs) - 1
	}
	if len(tops) == 0 {
		return nil
	}
	out := make([][2]int, 0, len(tops))
	for i := tops[len(tops)-1]; i >= 0; i = before[i] {
		out = append(out, pairs[i])
	}
	slices.Reverse(out)
	return out
}
