package llm

import (
	"cmp"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// Item is something that a prompt may hold: a document or a file.
type Item struct {
	Path string // names it in the prompt, and is what imports resolve to
	Text string
	Spec bool // what the work goes by: comes first and whole before all files
	// Weight orders files; those above 0 are wanted whole. [Weigh] sets it.
	Weight  int
	Outline string // what to show when Text is too much; "": made from Text
}

// Form is how an item came into the pack.
type Form string

const (
	Whole    Form = "whole"
	Outlined Form = "outline"
	Cut      Form = "cut" // the beginning, with a line that says so
)

// Packed is an item as it goes into a prompt.
type Packed struct {
	Path string
	Text string
	Form Form
}

// Pack is what fits.
type Pack struct {
	Items   []Packed // specs first, then by weight, then by path: stable, so that a prompt's start stays cached
	LeftOut []string // paths of what found no room at all, sorted
	Tokens  int      // as [EstimateText] counts them, never above what was asked for
}

// perItem is what the frame around an item takes in a prompt, in tokens, beside its path.
const perItem = 12

// PackItems chooses what of items goes into limit tokens of a model's window. Specs come first, then files of weight above 0,
// whole while they fit; then outlines of everything else; what room is left then makes outlines whole, in order. The first
// item that fits in no form is cut rather than left out. Equal input gives equal output.
func PackItems(items []Item, limit int, model string) Pack {
	order := slices.Clone(items)
	slices.SortStableFunc(order, func(a, b Item) int {
		spec := func(i Item) int {
			if i.Spec {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(spec(a), spec(b)), cmp.Compare(b.Weight, a.Weight), cmp.Compare(a.Path, b.Path))
	})
	forms := make([]Form, len(order))
	taken := make([]int, len(order)) // tokens that item i has
	used := 0
	frame := func(i int) int { return perItem + EstimateText(order[i].Path, model) }
	try := func(i int, f Form, text string) bool {
		n := frame(i) + EstimateText(text, model)
		if text == "" && f == Outlined || used-taken[i]+n > limit {
			return false
		}
		used += n - taken[i]
		forms[i], taken[i] = f, n
		return true
	}
	outline := func(i int) string {
		if order[i].Outline == "" {
			order[i].Outline = Outline(order[i].Path, order[i].Text)
		}
		return order[i].Outline
	}
	cut := false
	for i, it := range order {
		if !it.Spec && it.Weight <= 0 {
			continue
		}
		if try(i, Whole, it.Text) || !it.Spec && try(i, Outlined, outline(i)) || cut {
			continue
		}
		cut = true
		if room := limit - used - frame(i); room > 0 {
			if order[i].Text = head(it.Text, room, model); order[i].Text != "" {
				try(i, Cut, order[i].Text)
			}
		}
	}
	for i := range order {
		if forms[i] == "" {
			try(i, Outlined, outline(i))
		}
	}
	for i, it := range order {
		if forms[i] == Outlined || forms[i] == "" {
			try(i, Whole, it.Text)
		}
	}
	p := Pack{Tokens: used}
	for i, it := range order {
		switch forms[i] {
		case "":
			p.LeftOut = append(p.LeftOut, it.Path)
		case Outlined:
			p.Items = append(p.Items, Packed{it.Path, it.Outline, Outlined})
		default:
			p.Items = append(p.Items, Packed{it.Path, it.Text, forms[i]})
		}
	}
	slices.Sort(p.LeftOut)
	return p
}

// head returns as many whole lines from the start of s as fit, with a line that tells of the rest; "" when none fits.
func head(s string, limit int, model string) string {
	lines := strings.SplitAfter(s, "\n")
	const note = "[... %d more lines are left out ...]\n"
	used := EstimateText(fmt.Sprintf(note, len(lines)), model) + 1
	n := 0
	for n < len(lines) {
		// Lines are counted one by one; rounding makes that more than their sum, never less.
		t := EstimateText(lines[n], model) + 1
		if used+t > limit {
			break
		}
		used += t
		n++
	}
	if n == 0 {
		return ""
	}
	return strings.Join(lines[:n], "") + fmt.Sprintf(note, len(lines)-n)
}

// Weights that Weigh gives.
const (
	namedPath   = 100 // the task names the path
	namedFile   = 80  // or its last part
	namedSymbol = 60  // or its name without the ending
	importedBy  = 40  // a named file imports it
	importedTwo = 20  // one that is imported does
)

// Weigh returns items with the weights that a task's text gives them, added to their own: files that it names, what those
// import, and what that imports.
func Weigh(items []Item, task string) []Item {
	out := slices.Clone(items)
	at := make(map[string]int, len(out))
	for i, it := range out {
		at[it.Path] = i
	}
	gain := make([]int, len(out))
	for i, it := range out {
		base := path.Base(it.Path)
		stem := strings.TrimSuffix(base, path.Ext(base))
		switch {
		case it.Spec:
		case mentions(task, it.Path):
			gain[i] = namedPath
		case mentions(task, base):
			gain[i] = namedFile
		case len(stem) >= 4 && stem != "index" && mentions(task, stem):
			gain[i] = namedSymbol
		}
	}
	has := func(p string) bool { _, ok := at[p]; return ok }
	spread := func(from func(int) bool, weight int) {
		next := slices.Clone(gain)
		for i := range out {
			if !from(gain[i]) {
				continue
			}
			for _, p := range Imports(out[i].Path, out[i].Text, has) {
				next[at[p]] = max(next[at[p]], weight)
			}
		}
		gain = next
	}
	spread(func(g int) bool { return g >= namedSymbol }, importedBy)
	spread(func(g int) bool { return g == importedBy }, importedTwo)
	for i := range out {
		out[i].Weight += gain[i]
	}
	return out
}

// mentions reports whether word stands in text by itself.
func mentions(text, word string) bool {
	part := func(b byte) bool {
		return b == '_' || b == '-' || b >= '0' && b <= '9' || b|0x20 >= 'a' && b|0x20 <= 'z'
	}
	for from := 0; word != ""; {
		i := strings.Index(text[from:], word)
		if i < 0 {
			return false
		}
		i += from
		end := i + len(word)
		if (i == 0 || !part(text[i-1])) && (end == len(text) || !part(text[end])) {
			return true
		}
		from = i + 1
	}
	return false
}

var importRE = regexp.MustCompile(`(?:\bfrom|\bimport|\brequire|@import|\bsrc=|\bhref=|\burl)\s*\(?\s*["']?([^"'()\s;<>]+)`)

// Imports returns the paths among those that exist which a file's text refers to by a relative path, or by "@/" for the
// source folder, sorted. It reads text, not grammar: a reference in a comment counts.
func Imports(file, text string, exists func(string) bool) []string {
	var found []string
	for _, m := range importRE.FindAllStringSubmatch(text, -1) {
		ref := strings.TrimRight(m[1], ",")
		if i := strings.IndexAny(ref, "?#"); i >= 0 {
			ref = ref[:i]
		}
		var bases []string
		switch {
		case strings.HasPrefix(ref, "@/"):
			bases = []string{"src/" + ref[2:], ref[2:]}
		case ref == "" || strings.Contains(ref, ":"):
			continue
		default:
			bases = []string{path.Join(path.Dir(file), ref)}
		}
	search:
		for _, b := range bases {
			for _, ending := range []string{"", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".css", ".json", ".vue", ".svelte", ".py",
				"/index.ts", "/index.tsx", "/index.js", "/index.jsx"} {
				if p := b + ending; p != file && exists(p) {
					found = append(found, p)
					break search
				}
			}
			// TypeScript imports may name the file that the compiler will make.
			if stem, ok := strings.CutSuffix(b, ".js"); ok {
				for _, p := range []string{stem + ".ts", stem + ".tsx"} {
					if p != file && exists(p) {
						found = append(found, p)
						break search
					}
				}
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// Bounds of an outline.
const (
	outlineLines = 60
	outlineWidth = 140
)

var (
	scriptRE = regexp.MustCompile(`^(export\b|(async\s+)?function\b|(abstract\s+)?class\b|interface\b|type\s+\w+|enum\b|(const|let|var)\s+\w+\s*[:=].*(=>|function)|declare\b)`)
	pythonRE = regexp.MustCompile(`^\s*(async\s+def|def|class)\s`)
	goRE     = regexp.MustCompile(`^(func|type|var|const)\s`)
	styleRE  = regexp.MustCompile(`^[^\s@}/][^{};]*\{|^@\w`)
	markupRE = regexp.MustCompile(`\bid=|<(form|nav|main|section|script|link|title|h[1-6])\b`)
)

// Outline returns the lines of a file that declare something, "" when none is found: enough to know what is there and to ask for it.
func Outline(file, text string) string {
	var re *regexp.Regexp
	switch strings.ToLower(path.Ext(file)) {
	case ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte":
		re = scriptRE
	case ".py":
		re = pythonRE
	case ".go":
		re = goRE
	case ".css", ".scss":
		re = styleRE
	case ".html", ".htm":
		re = markupRE
	case ".md", ".mdx":
		re = regexp.MustCompile(`^#{1,6}\s`)
	default:
		return ""
	}
	var b strings.Builder
	n, more := 0, 0
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \t\r\n{")
		if !re.MatchString(line) && !(re == styleRE && re.MatchString(line+"{")) {
			continue
		}
		if n++; n > outlineLines {
			more++
			continue
		}
		if len(line) > outlineWidth {
			line = strings.ToValidUTF8(line[:outlineWidth], "") + " ..."
		}
		b.WriteString(line)
		b.WriteByte('\n')
	}
	if more > 0 {
		fmt.Fprintf(&b, "[... %d more ...]\n", more)
	}
	return b.String()
}
