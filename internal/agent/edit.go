package agent

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"codeforge/internal/agent/form"
)

// edit makes all edits of one file, or none. What it says tells of those that were not found as they were written.
func (t *tree) edit(path string, edits []form.Edit, all bool) (action, says string, err error) {
	text, err := t.read(path)
	if err != nil {
		return "", "", err
	}
	was := text
	var told, failed []string
	for i, e := range edits {
		name := ""
		if len(edits) > 1 {
			name = fmt.Sprintf("edits[%d]: ", i)
		}
		result, how, err := applyEdit(text, e, all)
		switch {
		case err != nil:
			failed = append(failed, name+err.Error())
		case how != "":
			told = append(told, name+how)
			fallthrough
		default:
			text = result
		}
	}
	if len(failed) > 0 {
		if len(edits) > 1 {
			failed = append(failed[:min(len(failed), 5)], "Nothing was changed: the edits of a call are made all or not at all.")
		}
		return "", "", errors.New(strings.Join(failed, "\n"))
	}
	if text != "" && finalLineEnd(text) == "" {
		text += finalLineEnd(was)
	}
	action, err = t.write(path, text)
	return action, strings.Join(told, "; "), err
}

// applyEdit puts new for old, which must stand in text exactly once, or, with all, wherever it stands. Where old is nowhere byte for byte,
// it is looked for with more and more tolerance, and says tells with which it was found. Of lines that old and new have in common the
// file's own form stays. Where old cannot be found, the error shows what comes nearest or where the places are.
func applyEdit(text string, e form.Edit, all bool) (result, says string, err error) {
	body, marked := strings.CutPrefix(text, byteOrderMark)
	e.Old, e.New = strings.TrimPrefix(e.Old, byteOrderMark), strings.TrimPrefix(e.New, byteOrderMark)
	switch {
	case e.Old == "":
		return "", "", errors.New("old is empty: name the text to replace, or use write_file for the whole file")
	case e.Old == e.New:
		return "", "", errors.New("old and new are the same: nothing would change")
	}
	places, e, how := locate(body, e, all)
	switch {
	case len(places) == 0:
		return "", "", notFound(body, e)
	case len(places) > 1 && !all:
		return "", "", ambiguous(body, places, how)
	}
	var b strings.Builder
	from := 0
	for _, at := range places {
		b.WriteString(body[from:at.start])
		b.WriteString(replacement(body, at, e))
		from = at.end
	}
	b.WriteString(body[from:])
	result = b.String()
	if result == body {
		return "", "", errors.New("old and new are the same but for white space or line ends, which a file keeps: nothing would change")
	}
	if how != "" {
		says = fmt.Sprintf("old was found with other %s at %s: %s", how, linesAt(body, places[0]), form.Quote(body[places[0].start:places[0].end]))
	}
	if len(places) > 1 {
		says = strings.TrimPrefix(fmt.Sprintf("%s; %d places were replaced", says, len(places)), "; ")
	}
	if n := withinWords(body, e.Old, places); all && n > 0 {
		says = strings.TrimPrefix(fmt.Sprintf("%s; %d of them within a longer word: look whether that should be", says, n), "; ")
	}
	if marked {
		result = byteOrderMark + result
	}
	return result, says, nil
}

// withinWords counts the places that are a part of a longer word, if old is one.
func withinWords(body, old string, places []place) (n int) {
	if strings.IndexFunc(old, notWord) >= 0 {
		return 0
	}
	for _, at := range places {
		before, _ := utf8.DecodeLastRuneInString(body[:at.start])
		after, _ := utf8.DecodeRuneInString(body[at.end:])
		if at.start > 0 && !notWord(before) || at.end < len(body) && !notWord(after) {
			n++
		}
	}
	return n
}

// locate finds the places that an edit means, which may itself have come with line numbers before its lines or escaped twice. how names
// what the places differ in.
func locate(body string, e form.Edit, all bool) (places []place, _ form.Edit, how string) {
	find := func(old string) []place {
		if all {
			return apart(findPlaces(body, old, maxReplaced))
		}
		return findPlaces(body, old, maxPlaces)
	}
	if places = find(e.Old); len(places) > 0 {
		return places, e, ""
	}
	if plain, ok := withoutNumbers(e); ok {
		if places = find(plain.Old); len(places) > 0 {
			return places, plain, "line numbers before it"
		}
		e = plain
	}
	for _, t := range tolerances {
		if places = t.find(body, e.Old); len(places) > 0 {
			return places, e, t.name
		}
	}
	if end := finalLineEnd(e.Old); end != "" && finalLineEnd(body) == "" && strings.TrimSpace(e.Old) != "" { // which the file does not end in
		last := form.Edit{Old: strings.TrimSuffix(e.Old, end), New: strings.TrimSuffix(e.New, finalLineEnd(e.New))}
		if places, last, how = locate(body, last, all); len(places) > 0 && places[len(places)-1].end == len(body) {
			return places[len(places)-1:], last, cmp.Or(how, "line ends at the end of the file")
		}
	}
	if !strings.Contains(e.Old, "\n") && escaped.MatchString(e.Old) {
		plain := form.Edit{Old: unescapeText.Replace(e.Old), New: unescapeText.Replace(e.New)}
		if places = find(plain.Old); len(places) > 0 {
			return places, plain, "escapes in it"
		}
	}
	return nil, e, ""
}

var (
	escaped      = regexp.MustCompile(`\\[nt"]`)
	unescapeText = strings.NewReplacer(`\\`, `\`, `\n`, "\n", `\t`, "\t", `\"`, `"`)
)

// maxReplaced bounds the places of one replacement everywhere: more than a file of the allowed size has in practice.
const maxReplaced = 10_000

// apart leaves out places that overlap one before them.
func apart(places []place) (out []place) {
	for _, p := range places {
		if len(out) == 0 || p.start >= out[len(out)-1].end {
			out = append(out, p)
		}
	}
	return out
}

var numberedLine = regexp.MustCompile(`^\s*(\d+): ?`)

// withoutNumbers takes the line numbers away that read_file shows, if all lines of old have them, one after the other.
func withoutNumbers(e form.Edit) (form.Edit, bool) {
	strip := func(text string, strict bool) (string, bool) {
		lines := strings.Split(text, "\n")
		last := 0
		for i, line := range lines {
			m := numberedLine.FindStringSubmatch(line)
			if m == nil {
				if line == "" && i == len(lines)-1 || !strict {
					continue
				}
				return text, false
			}
			n, _ := strconv.Atoi(m[1])
			if strict && last > 0 && n != last+1 {
				return text, false
			}
			last = n
			lines[i] = line[len(m[0]):]
		}
		return strings.Join(lines, "\n"), last > 0
	}
	old, ok := strip(e.Old, true)
	if !ok {
		return e, false
	}
	plain, _ := strip(e.New, false)
	return form.Edit{Old: old, New: plain}, true
}

// tolerance is what two texts may differ in and still be the same.
type tolerance struct {
	name     string
	trailing bool // blanks before a line end
	signs    bool // Unicode forms, kinds of quotes, dashes and blanks
	indent   bool // blanks at the beginning of a line
	inner    bool // how many blanks stand between words
}

// From the least to the most.
var tolerances = []tolerance{
	{name: "blanks at the ends of lines", trailing: true},
	{name: "quotes, dashes or Unicode forms", trailing: true, signs: true},
	{name: "indentation", trailing: true, indent: true},
	{name: "white space", trailing: true, indent: true, inner: true},
	{name: "white space and quotes", trailing: true, signs: true, indent: true, inner: true},
}

// folded is a text in the form in which it is compared, with where each of its bytes came from.
type folded struct {
	text   strings.Builder
	starts []int
	ends   []int
}

func (f *folded) add(s string, start, end int) {
	f.text.WriteString(s)
	for range len(s) {
		f.starts, f.ends = append(f.starts, start), append(f.ends, end)
	}
}

var alike = strings.NewReplacer("‘", "'", "’", "'", "‚", "'", "‛", "'", "′", "'", "“", `"`, "”", `"`, "„", `"`, "‟", `"`, "″", `"`,
	"‐", "-", "‑", "-", "‒", "-", "–", "-", "—", "-", "−", "-", "…", "...")

// fold brings a text into the form in which t compares.
func (t tolerance) fold(s string) *folded {
	f := &folded{starts: make([]int, 0, len(s)), ends: make([]int, 0, len(s))}
	lineStart := true
	for i := 0; i < len(s); {
		if s[i] == '\r' || s[i] == '\n' {
			n := 1
			if strings.HasPrefix(s[i:], "\r\n") {
				n = 2
			}
			f.add("\n", i, i+n)
			i += n
			lineStart = true
			continue
		}
		j := i
		for j < len(s) {
			n := t.blank(s[j:])
			if n == 0 {
				break
			}
			j += n
		}
		if j > i {
			atEnd := j == len(s) || s[j] == '\r' || s[j] == '\n'
			switch {
			case atEnd && t.trailing, lineStart && t.indent:
			case t.inner:
				f.add(" ", i, j)
			case t.signs:
				for k := i; k < j; {
					n := t.blank(s[k:])
					b := s[k : k+1]
					if n > 1 {
						b = " "
					}
					f.add(b, k, k+n)
					k += n
				}
			default:
				for k := i; k < j; k++ {
					f.add(s[k:k+1], k, k+1)
				}
			}
			i = j
			continue
		}
		n := 1
		if s[i] >= utf8.RuneSelf || i+1 < len(s) && s[i+1] >= utf8.RuneSelf {
			n = max(1, norm.NFC.NextBoundaryInString(s[i:], true))
		}
		if sign := s[i : i+n]; t.signs && n > 1 || t.signs && s[i] >= utf8.RuneSelf {
			f.add(alike.Replace(norm.NFC.String(sign)), i, i+n)
		} else {
			for k := i; k < i+n; k++ {
				f.add(s[k:k+1], k, k+1)
			}
		}
		i += n
		lineStart = false
	}
	return f
}

// blank returns how many bytes of a blank s begins with.
func (t tolerance) blank(s string) int {
	switch {
	case s[0] == ' ' || s[0] == '\t':
		return 1
	case t.signs && (strings.HasPrefix(s, "\u00a0") || strings.HasPrefix(s, "\u202f") || strings.HasPrefix(s, "\u2009") || strings.HasPrefix(s, "\u3000")):
		_, n := utf8.DecodeRuneInString(s)
		return n
	}
	return 0
}

// find returns the places of text that are old but for what t tolerates. Old whose first line is indented begins where a line does.
func (t tolerance) find(text, old string) (places []place) {
	want := t.fold(old).text.String()
	if strings.TrimSpace(want) == "" {
		return nil
	}
	f := t.fold(text)
	indented := t.indent && t.blank(old) > 0
	for _, m := range findUnified(f.text.String(), want, maxPlaces) {
		at := place{f.starts[m.start], f.ends[m.end-1]}
		if indented {
			start := 1 + strings.LastIndexAny(text[:at.start], "\r\n")
			if strings.TrimLeft(text[start:at.start], " \t\u00a0\u202f\u2009\u3000") != "" {
				continue
			}
			at.start = start
		}
		if t.indent && !sameNesting(old, text[at.start:at.end]) {
			continue
		}
		places = append(places, at)
	}
	return places
}

// sameNesting reports whether each line of one text is deeper, as deep or less deep than the one before it where the same line of another is:
// indentation may be written otherwise, but says what belongs to what. A first line without any may have been cut off from its own.
func sameNesting(a, b string) bool {
	x, y := strings.Split(unified(a), "\n"), strings.Split(unified(b), "\n")
	last := -1
	for i := range min(len(x), len(y)) {
		if strings.TrimSpace(x[i]) == "" || strings.TrimSpace(y[i]) == "" {
			continue
		}
		if last >= 0 && cmp.Compare(indentWidth(x[i]), indentWidth(x[last])) != cmp.Compare(indentWidth(y[i]), indentWidth(y[last])) {
			return false
		}
		if last = i; i == 0 && (indentOf(x[0]) == "" || indentOf(y[0]) == "") {
			last = -1
		}
	}
	return true
}

// indentWidth is how far a line is indented, a tab being worth four blanks.
func indentWidth(line string) int { return len(strings.ReplaceAll(indentOf(line), "\t", "    ")) }

// replacement is what takes the place of old: the lines that old and new have in common as the file has them, the others as new has them,
// in the indentation of the file and with its line ends.
func replacement(body string, at place, e form.Edit) string {
	ends := lineEnds(body, at)
	there := strings.Split(unified(body[at.start:at.end]), "\n")
	old, new := strings.Split(unified(e.Old), "\n"), strings.Split(unified(e.New), "\n")
	if slices.Equal(there, old) || len(there) != len(old) {
		return withEnds(e.New, ends)
	}
	head := 0
	for head < min(len(old), len(new)) && old[head] == new[head] {
		head++
	}
	tail := 0
	for tail < min(len(old), len(new))-head && old[len(old)-1-tail] == new[len(new)-1-tail] {
		tail++
	}
	var lines []string
	lines = append(lines, there[:head]...)
	lines = append(lines, reindented(new[head:len(new)-tail], old, there, head == 0)...)
	lines = append(lines, there[len(there)-tail:]...)
	return withEnds(strings.Join(lines, "\n"), ends)
}

func indentOf(line string) string { return line[:len(line)-len(strings.TrimLeft(line, " \t"))] }

// reindented gives lines that stand beside old's the indentation that there has where old has its own. first tells that the first of lines
// is the first of all, which may stand behind something.
func reindented(lines, old, there []string, first bool) []string {
	as := map[string]string{} // the file's indentation, by old's
	ratio, same := 0, true
	for i, line := range old {
		if strings.TrimSpace(line) == "" || i == 0 && indentOf(there[0]) == "" && len(old) > 1 {
			continue
		}
		o, f := indentOf(line), indentOf(there[i])
		if _, known := as[o]; !known {
			as[o] = f
			same = same && o == f
			if long, short := max(len(o), len(f)), min(len(o), len(f)); short > 0 {
				ratio = max(1, long/short)
			}
		}
	}
	if same {
		return lines
	}
	unit := indentUnit(ratio, old, lines)
	fileUnit := indentUnit(ratio, there)
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = line
		indent := indentOf(line)
		if line == indent || first && i == 0 && indent == "" {
			continue
		}
		best, found := "", false
		for o := range as {
			if strings.HasPrefix(indent, o) && (!found || len(o) > len(best)) {
				best, found = o, true
			}
		}
		if !found {
			continue
		}
		more := indent[len(best):]
		switch before := as[best]; {
		case more == "":
		case strings.Contains(before, "\t") && strings.Trim(more, " ") == "":
			more = strings.Repeat("\t", max(1, len(more)/unit))
		case strings.Contains(before, " ") && strings.Trim(more, "\t") == "":
			more = strings.Repeat(" ", fileUnit*len(more))
		}
		out[i] = as[best] + more + line[len(indent):]
	}
	return out
}

// indentUnit is the least step between the indentations of lines, or otherwise where all have the same.
func indentUnit(otherwise int, texts ...[]string) int {
	var lengths []int
	for _, lines := range texts {
		for _, line := range lines {
			if n := len(indentOf(line)); n > 0 {
				lengths = append(lengths, n)
			}
		}
	}
	slices.Sort(lengths)
	unit := 0
	for i := 1; i < len(lengths); i++ {
		if step := lengths[i] - lengths[i-1]; step > 0 && (unit == 0 || step < unit) {
			unit = step
		}
	}
	return max(1, cmp.Or(unit, otherwise))
}

// linesAt names the lines of a place.
func linesAt(body string, at place) string {
	first := 1 + strings.Count(unified(body[:at.start]), "\n")
	last := first + strings.Count(strings.TrimSuffix(unified(body[at.start:at.end]), "\n"), "\n")
	if first == last {
		return fmt.Sprintf("line %d", first)
	}
	return fmt.Sprintf("lines %d to %d", first, last)
}

func ambiguous(body string, found []place, how string) error {
	var lines []string
	for _, p := range found[:min(5, len(found))] {
		lines = append(lines, fmt.Sprint(1+strings.Count(unified(body[:p.start]), "\n")))
	}
	count := fmt.Sprint(len(found))
	if len(found) >= maxPlaces {
		count += " or more"
	}
	if how != "" {
		how = " with other " + how
	}
	return fmt.Errorf("old occurs %s times%s, starting at lines %s: add lines around it until it occurs once, or set replace_all", count, how, strings.Join(lines, ", "))
}

func notFound(body string, e form.Edit) error {
	if len(e.New) > 10 {
		if at := findPlaces(body, e.New, 1); len(at) > 0 {
			return fmt.Errorf("old does not occur in the file (0 times), but new stands at %s already: this edit seems to be made", linesAt(body, at[0]))
		}
	}
	return fmt.Errorf("old does not occur in the file (0 times).%s", nearest(body, e.Old))
}

// nearest shows the lines of text that are most like the most telling line of old. The work is bounded by the size of
// a file: each line is compared by its words alone.
func nearest(text, old string) string {
	var want string
	for line := range strings.SplitSeq(old, "\n") {
		if line = strings.TrimSpace(line); len(line) > len(want) {
			want = line
		}
	}
	words := map[string]bool{}
	for _, w := range strings.FieldsFunc(want, notWord) {
		words[w] = true
	}
	if len(words) == 0 {
		return ""
	}
	lines := strings.Split(text, "\n")
	best, at := 0.0, -1
	for i, line := range lines {
		fields := strings.FieldsFunc(line, notWord)
		if len(fields) == 0 {
			continue
		}
		seen, common := map[string]bool{}, 0
		for _, w := range fields {
			if words[w] && !seen[w] {
				seen[w] = true
				common++
			}
		}
		if score := 2 * float64(common) / float64(len(fields)+len(words)); score > best {
			best, at = score, i
		}
	}
	if at < 0 {
		return " Nothing like it is there: read_file shows the file as it is now."
	}
	var b strings.Builder
	b.WriteString(" The nearest lines are:\n")
	for i := max(0, at-2); i < min(len(lines), at+3); i++ {
		fmt.Fprintf(&b, "%d: %s\n", i+1, form.Shorten(strings.TrimSuffix(lines[i], "\r"), 200))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func notWord(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r < utf8.RuneSelf
}
