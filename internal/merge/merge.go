// Package merge joins what two sides made of the same files since they parted: ours, which came first and wins where
// nobody is asked, and theirs. Within a file it goes by lines, and merges and conflicts as git does: changes that touch
// each other conflict unless they are the same. The form of a file (byte order mark, line endings, the end of its last
// line) is merged apart from its lines, so that a side that only converted it conflicts with nobody.
package merge

import (
	"slices"
	"strings"
)

// Text is two sides' changes of one text, merged.
type Text struct {
	// The whole text, where one side wins what both changed. Without conflicts they are the same.
	Ours, Theirs string
	Conflicts    []Hunk
}

// Hunk is a place that both sides changed, each in its own way: what was there, and what each has there now.
type Hunk struct {
	Line               int // where it begins in Text.Ours, from 1
	Base, Ours, Theirs string
}

// Texts merges what ours and theirs made of base.
func Texts(base, ours, theirs string) Text {
	switch {
	case ours == base, ours == theirs:
		return Text{Ours: theirs, Theirs: theirs}
	case theirs == base:
		return Text{Ours: ours, Theirs: ours}
	}
	b, o, t := split(base), split(ours), split(theirs)
	form := mergeForms(&b, &o, &t)
	m := merger{ids: map[string]int32{}, base: b.lines, ours: o.lines, theirs: t.lines}
	m.run()
	out := Text{Ours: form.join(m.withOurs), Theirs: form.join(m.withTheirs)}
	for _, c := range m.conflicts {
		part := form
		part.mark, part.open = false, false
		out.Conflicts = append(out.Conflicts, Hunk{c.at + 1, part.join(c.base), part.join(c.ours), part.join(c.theirs)})
	}
	return out
}

// document is a text in lines, and its form.
type document struct {
	lines []string
	form
}

// form is what a text has besides its lines.
type form struct {
	mark   bool   // it begins with a byte order mark
	ending string // of its lines; mixed: some have another, and a carriage return belongs to its line. "": it has one line at most
	open   bool   // its last line has no end
}

const (
	byteOrderMark = "\ufeff"
	mixed         = "mixed"
)

// split takes a text apart. Carriage returns stay in the lines until all sides are known to have them alike.
func split(text string) (d document) {
	text, d.mark = strings.CutPrefix(text, byteOrderMark)
	if text == "" {
		return d
	}
	ends, returns := strings.Count(text, "\n"), strings.Count(text, "\r\n")
	switch {
	case ends == 0:
	case returns == 0:
		d.ending = "\n"
	case returns == ends:
		d.ending = "\r\n"
	default:
		d.ending = mixed
	}
	text, closed := strings.CutSuffix(text, "\n")
	d.open = !closed
	d.lines = strings.Split(text, "\n")
	return d
}

// inherit takes from another text the traits that this one is too short to show.
func (d *document) inherit(from document) {
	if len(d.lines) == 0 {
		d.open = from.open
	}
	if d.ending == "" {
		d.ending = from.ending
	}
}

// mergeForms is the form of the merged text: of each trait what one side changed. Lines then differ by their words alone, unless
// some text has mixed endings.
func mergeForms(b, o, t *document) form {
	first := o
	if len(o.lines) == 0 {
		first = t
	}
	b.inherit(*first)
	o.inherit(*b)
	t.inherit(*b)
	out := form{pick(b.mark, o.mark, t.mark), pick(b.ending, o.ending, t.ending), pick(b.open, o.open, t.open)}
	if b.ending == mixed || o.ending == mixed || t.ending == mixed {
		out.ending = "\n"
		return out
	}
	for _, d := range []*document{b, o, t} {
		if d.ending != "\r\n" {
			continue
		}
		last := len(d.lines) - 1
		for i, l := range d.lines {
			if i < last || !d.open {
				d.lines[i] = strings.TrimSuffix(l, "\r")
			}
		}
	}
	if out.ending == "" {
		out.ending = "\n"
	}
	return out
}

// pick is what one side changed; when both did, ours.
func pick[T comparable](base, ours, theirs T) T {
	if ours == base {
		return theirs
	}
	return ours
}

func (f form) join(lines []string) string {
	if len(lines) == 0 {
		return ""
	}
	text := strings.Join(lines, f.ending)
	if f.mark {
		text = byteOrderMark + text
	}
	if !f.open {
		text += f.ending
	}
	return text
}

// merger walks over the changes of both sides in the order of the base.
type merger struct {
	ids                map[string]int32 // of lines
	base, ours, theirs []string

	withOurs, withTheirs []string
	conflicts            []conflict
}

type conflict struct {
	at                 int // in withOurs
	base, ours, theirs []string
}

func (m *merger) run() {
	base := m.number(m.base)
	x, y := changes(base, m.number(m.ours)), changes(base, m.number(m.theirs))
	at := 0 // how much of the base is done
	for len(x) > 0 || len(y) > 0 {
		// The next place: the first change, and all that touch it or each other.
		from := len(m.base)
		for _, side := range [][]change{x, y} {
			if len(side) > 0 {
				from = min(from, side[0].from)
			}
		}
		to, nx, ny := from, 0, 0
		for grew := true; grew; {
			grew = false
			for nx < len(x) && x[nx].from <= to {
				to, nx, grew = max(to, x[nx].to), nx+1, true
			}
			for ny < len(y) && y[ny].from <= to {
				to, ny, grew = max(to, y[ny].to), ny+1, true
			}
		}
		m.keep(m.base[at:from])
		m.place(m.base[from:to], sideOf(m.ours, x[:nx], from, to), sideOf(m.theirs, y[:ny], from, to), nx > 0, ny > 0)
		at, x, y = to, x[nx:], y[ny:]
	}
	m.keep(m.base[at:])
}

// number gives equal lines equal numbers.
func (m *merger) number(lines []string) []int32 {
	out := make([]int32, len(lines))
	for i, l := range lines {
		id, ok := m.ids[l]
		if !ok {
			id = int32(len(m.ids))
			m.ids[l] = id
		}
		out[i] = id
	}
	return out
}

// sideOf is what a side has in place of base[from:to], in which its given changes lie.
func sideOf(lines []string, in []change, from, to int) []string {
	if len(in) == 0 {
		return nil
	}
	first, last := in[0], in[len(in)-1]
	return lines[first.newFrom-(first.from-from) : last.newTo+(to-last.to)]
}

func (m *merger) keep(lines []string) {
	m.withOurs = append(m.withOurs, lines...)
	m.withTheirs = append(m.withTheirs, lines...)
}

// place merges one place, which one side or both changed.
func (m *merger) place(base, ours, theirs []string, byOurs, byTheirs bool) {
	switch {
	case !byTheirs:
		m.keep(ours)
	case !byOurs, slices.Equal(ours, theirs):
		m.keep(theirs)
	default:
		m.conflicts = append(m.conflicts, conflict{len(m.withOurs), base, ours, theirs})
		m.withOurs = append(m.withOurs, ours...)
		m.withTheirs = append(m.withTheirs, theirs...)
	}
}
