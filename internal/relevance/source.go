package relevance

import (
	"fmt"
	"iter"
	"path"
	"regexp"
	"slices"
	"strings"
)

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

var importWords = []string{"from", "import", "require", "src=", "href=", "url"}

// Imports returns the paths among those that exist which a file's text refers to by a relative path, or by "@/" or "~/" for
// the source folder, sorted. It reads text, not grammar: a reference in a comment counts.
func Imports(file, text string, exists func(string) bool) []string {
	var found []string
	for line := range strings.Lines(text) {
		if !slices.ContainsFunc(importWords, func(w string) bool { return strings.Contains(line, w) }) {
			continue // much cheaper than the expression
		}
		for _, m := range importRE.FindAllStringSubmatch(line, -1) {
			if p := resolve(file, strings.TrimRight(m[1], ","), exists); p != "" {
				found = append(found, p)
			}
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

var endings = []string{"", ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".css", ".scss", ".json", ".vue", ".svelte", ".py",
	"/index.ts", "/index.tsx", "/index.js", "/index.jsx", "/index.vue"}

func resolve(file, ref string, exists func(string) bool) string {
	if i := strings.IndexAny(ref, "?#"); i >= 0 {
		ref = ref[:i]
	}
	var bases []string
	switch {
	case strings.HasPrefix(ref, "@/"), strings.HasPrefix(ref, "~/"):
		bases = []string{"src/" + ref[2:], ref[2:]}
	case strings.HasPrefix(ref, "@theme/"): // themes name their parts so
		bases = []string{"src/theme/" + ref[len("@theme/"):]}
	case ref == "" || strings.Contains(ref, ":"):
		return ""
	default:
		bases = []string{path.Join(path.Dir(file), ref)}
	}
	for _, b := range bases {
		for _, ending := range endings {
			if p := b + ending; p != file && exists(p) {
				return p
			}
		}
		// TypeScript imports may name the file that the compiler will make.
		if stem, ok := strings.CutSuffix(b, ".js"); ok {
			for _, p := range []string{stem + ".ts", stem + ".tsx"} {
				if p != file && exists(p) {
					return p
				}
			}
		}
	}
	return ""
}

var (
	scriptRE = regexp.MustCompile(`^\s{0,4}(export\b|module\.exports\b|exports\.|(async\s+)?function\b|(abstract\s+)?class\b|interface\b|type\s+\w+|enum\b|declare\b)|^(const|let|var)\s+\w+\s*[:=].*(=>|function)|^(  |\t)((public|private|protected|static|async|get|set)\s+)*#?\w+\s*\([^;]*\)\s*(:\s*[^=;]+)?\{\s*$`)
	pythonRE = regexp.MustCompile(`^\s*(async\s+def|def|class)\s`)
	goRE     = regexp.MustCompile(`^(func|type|var|const)\s`)
	styleRE  = regexp.MustCompile(`^[^\s@}/][^{};]*\{|^@\w`)
	markupRE = regexp.MustCompile(`\bid=|<(form|nav|main|section|script|link|title|h[1-6])\b`)
	headRE   = regexp.MustCompile(`^#{1,6}\s`)
	notCall  = regexp.MustCompile(`^\s*(if|for|while|switch|catch|return|function)\b`)
)

func declarations(file string) *regexp.Regexp {
	switch strings.ToLower(path.Ext(file)) {
	case ".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts", ".vue", ".svelte":
		return scriptRE
	case ".py":
		return pythonRE
	case ".go":
		return goRE
	case ".css", ".scss", ".less":
		return styleRE
	case ".html", ".htm":
		return markupRE
	case ".md", ".mdx":
		return headRE
	}
	return nil
}

// declared yields the lines of a file that declare something, whole up to the brace.
func declared(file, text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		re := declarations(file)
		if re == nil {
			return
		}
		for line := range strings.Lines(text) {
			line = strings.TrimRight(line, " \t\r\n")
			if len(line) <= 400 && re.MatchString(line) && !(re == scriptRE && notCall.MatchString(line)) && !yield(line) {
				return
			}
		}
	}
}

// Bounds of an outline.
const (
	outlineLines = 80
	outlineWidth = 160
)

// Outline returns what a file declares, each with its line, and what of the tree it imports: enough to know what is there
// and to ask for those lines. importers is how many files import it. "" when nothing is found.
func Outline(file, text string, imports []string, importers int) string {
	re := declarations(file)
	if re == nil {
		return ""
	}
	var b strings.Builder
	if len(imports) > 0 {
		fmt.Fprintf(&b, "imports %s\n", strings.Join(imports[:min(len(imports), 20)], ", "))
	}
	if importers > 0 {
		fmt.Fprintf(&b, "imported by %d\n", importers)
	}
	shown, more, at := 0, 0, 0
	for line := range strings.Lines(text) {
		at++
		line = strings.TrimRight(line, " \t\r\n")
		if !re.MatchString(line) || re == scriptRE && notCall.MatchString(line) {
			continue
		}
		if shown++; shown > outlineLines {
			more++
			continue
		}
		line = strings.TrimRight(line, " {")
		if len(line) > outlineWidth {
			line = strings.ToValidUTF8(line[:outlineWidth], "") + " ..."
		}
		fmt.Fprintf(&b, "%d: %s\n", at, line)
	}
	if shown == 0 {
		return ""
	}
	if more > 0 {
		fmt.Fprintf(&b, "[... %d more ...]\n", more)
	}
	return b.String()
}

// Outline is [Outline] of a file of the tree; "" for what is hardly ever meant: changelogs, drawings, generated files.
func (x *Index) Outline(p string) string {
	i, ok := x.at[p]
	if !ok || x.files[i].kind == kindNoise {
		return ""
	}
	imports := make([]string, 0, len(x.imports[i]))
	for _, j := range x.imports[i] {
		imports = append(imports, x.files[j].path)
	}
	return Outline(p, x.files[i].text, imports, len(x.importers[i]))
}

// Folders is a map of a large tree: each folder, to the given depth, with how many files lie in it and below.
func Folders(paths []string, depth int) string {
	counts := map[string]int{}
	var order []string
	for _, p := range paths {
		parts := strings.Split(path.Dir(p), "/")
		folder := strings.Join(parts[:min(len(parts), depth)], "/")
		if counts[folder]++; counts[folder] == 1 {
			order = append(order, folder)
		}
	}
	slices.Sort(order)
	var b strings.Builder
	for _, f := range order {
		fmt.Fprintf(&b, "%s/ (%d)\n", f, counts[f])
	}
	return b.String()
}
