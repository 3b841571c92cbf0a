package agent

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"path"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/relevance"
)

// Bounds of what one reading call returns.
const (
	searchHits  = 100    // lines that hit
	searchFiles = 200    // files in a table of totals
	searchBytes = 20_000 // of lines
	lineShown   = 200    // code points of a line that hit
	readBytes   = 60_000 // of a file
	listedFiles = 500
)

// pathFilter reads what a model names files by: nothing or "." for all of them, a path, a folder, or a glob in which * and ? stay within
// a folder, ** crosses them and {a,b} is one of several. A glob without a slash is about names. Several stand with commas between them.
func (t *tree) pathFilter(said string) (func(string) bool, error) {
	said = strings.TrimSpace(said)
	if tidy := strings.Trim(strings.TrimPrefix(said, "./"), "/"); tidy == "" || tidy == "." || tidy == "*" || tidy == "**" {
		return func(string) bool { return true }, nil
	}
	if _, ok := t.files[said]; ok {
		return func(p string) bool { return p == said }, nil
	}
	var filters []func(string) bool
	for _, glob := range splitOutsideBraces(said) {
		glob = strings.TrimPrefix(t.resolvePath(strings.TrimSuffix(strings.TrimSpace(glob), "/")), "/")
		if !strings.ContainsAny(glob, "*?{") {
			filters = append(filters, func(p string) bool { return p == glob || strings.HasPrefix(p, glob+"/") })
			continue
		}
		re, err := globExpression(glob)
		if err != nil {
			return nil, fmt.Errorf("%s is no glob: %w", form.Quote(glob), err)
		}
		byName := !strings.Contains(glob, "/")
		filters = append(filters, func(p string) bool {
			if byName {
				p = path.Base(p)
			}
			return re.MatchString(p)
		})
	}
	return func(p string) bool {
		return slices.ContainsFunc(filters, func(f func(string) bool) bool { return f(p) })
	}, nil
}

// splitOutsideBraces splits a list at its commas, but for those of a glob's choice.
func splitOutsideBraces(s string) (parts []string) {
	depth, from := 0, 0
	for i, c := range s {
		switch c {
		case '{':
			depth++
		case '}':
			depth--
		case ',':
			if depth <= 0 {
				parts = append(parts, s[from:i])
				from = i + 1
			}
		}
	}
	return append(parts, s[from:])
}

const maxGlob = 500

// globExpression turns a glob into an expression for whole paths.
func globExpression(glob string) (*regexp.Regexp, error) {
	if len(glob) > maxGlob {
		return nil, fmt.Errorf("it has more than %d characters", maxGlob)
	}
	var b strings.Builder
	b.WriteString("^(?:")
	depth := 0
	for i := 0; i < len(glob); i++ {
		switch c := glob[i]; {
		case strings.HasPrefix(glob[i:], "**/"):
			b.WriteString("(?:.*/)?")
			i += 2
		case strings.HasPrefix(glob[i:], "**"):
			b.WriteString(".*")
			i++
		case c == '*':
			b.WriteString("[^/]*")
		case c == '?':
			b.WriteString("[^/]")
		case c == '{':
			depth++
			b.WriteString("(?:")
		case c == '}' && depth > 0:
			depth--
			b.WriteString(")")
		case c == ',' && depth > 0:
			b.WriteString("|")
		default:
			b.WriteString(regexp.QuoteMeta(glob[i : i+1]))
		}
	}
	for range depth {
		b.WriteString(")")
	}
	b.WriteString(")$")
	return regexp.Compile(b.String())
}

// list names files with their sizes; folders deeper than depth below what is named are counted. Where that is too much for one answer,
// all folders are.
func (t *tree) list(a form.ListArgs) (string, error) {
	if len(t.files) == 0 {
		return "the project has no files yet", nil
	}
	matches, err := t.pathFilter(a.Path)
	if err != nil {
		return "", err
	}
	paths := slices.DeleteFunc(t.paths(), func(p string) bool { return !matches(p) })
	if len(paths) == 0 {
		return "", t.nothingUnder(a.Path)
	}
	top := 0
	if folder := strings.Trim(t.resolvePath(a.Path), "/"); t.isFolder(folder) {
		top = 1 + strings.Count(folder, "/")
	}
	var b strings.Builder
	folders := map[string]int{}
	for _, p := range paths {
		if parts := strings.Split(p, "/"); a.Depth > 0 && len(parts) > top+a.Depth {
			folders[strings.Join(parts[:top+a.Depth], "/")]++
			continue
		}
		fmt.Fprintf(&b, "%s (%s)\n", p, describeContent(p, t.files))
	}
	for _, f := range slices.Sorted(maps.Keys(folders)) {
		fmt.Fprintf(&b, "%s/ (%s)\n", f, plural(folders[f], "file"))
	}
	if strings.Count(b.String(), "\n") <= listedFiles {
		return b.String(), nil
	}
	for depth := top + 6; depth > 0; depth-- {
		if said := relevance.Folders(paths, depth); depth == 1 || strings.Count(said, "\n") <= listedFiles {
			return fmt.Sprintf("%d files; name a folder or a depth to see those in it:\n%s", len(paths), said), nil
		}
	}
	return b.String(), nil
}

func (t *tree) nothingUnder(said string) error {
	if like := t.similar(strings.Trim(t.resolvePath(said), "/")); len(like) > 0 {
		return fmt.Errorf("no file matches the path %s; did you mean %s?", form.Quote(said), strings.Join(like, ", "))
	}
	return fmt.Errorf("no file matches the path %s: list_files shows what there is", form.Quote(said))
}

// readLines shows a file with the numbers of its lines: those from a.From to a.To, or as many as go into one answer.
func (t *tree) readLines(a form.ReadArgs) (string, error) {
	text, err := t.read(a.Path)
	if err != nil {
		return "", err
	}
	text = unified(strings.TrimPrefix(text, byteOrderMark))
	if text == "" {
		return "(the file is empty)", nil
	}
	total := countLines(text)
	first, last := max(a.From, 1), cmp.Or(a.To, total)
	if first > total {
		return "", fmt.Errorf("%s has %s: there is no line %d", form.Quote(a.Path), plural(total, "line"), first)
	}
	if last = min(last, total); last < first {
		return "", fmt.Errorf("from is %d and to is %d: to is the last line to read", a.From, a.To)
	}
	size, n := 0, 0
	for line := range strings.Lines(text) {
		if n++; n < first || n > last {
			continue
		}
		if size += len(line); size > readBytes && n > first {
			last = n - 1
			break
		}
	}
	shown := form.NumberLines(text, first, last)
	if first > 1 || last < total {
		shown = fmt.Sprintf("%s(lines %d to %d of %d; from and to read others)", shown, first, last, total)
	}
	return shown, nil
}

func countLines(text string) int {
	n := strings.Count(text, "\n")
	if text != "" && !strings.HasSuffix(text, "\n") {
		n++
	}
	return n
}

// hits are the lines of one file that a search found.
type hits struct {
	path  string
	share float64 // how likely a file of its kind is meant
	lines []string
	found []int // from 0
	at    []int // where in each of them, in bytes
}

// search shows where a pattern stands, files that are code first. Where that is more than one answer holds, some lines of each file are
// shown, and how many there are in all of them.
func (t *tree) search(ctx context.Context, a form.SearchArgs) (string, error) {
	matches, err := t.pathFilter(a.Path)
	if err != nil {
		return "", err
	}
	find, err := lineMatcher(a)
	if err != nil {
		return "", err
	}
	var found []hits
	total, looked, named := 0, 0, 0
	for _, p := range t.paths() {
		if !matches(p) {
			continue
		}
		if ctx.Err() != nil {
			return "", context.Cause(ctx)
		}
		named++
		if codeforge.IsBlob(t.files[p]) {
			continue
		}
		looked++
		h := hits{path: p, lines: strings.Split(strings.TrimSuffix(unified(t.files[p]), "\n"), "\n")}
		for i, line := range h.lines {
			if at := find(line); at >= 0 {
				h.found, h.at = append(h.found, i), append(h.at, at)
			}
		}
		if len(h.found) > 0 {
			h.share = relevance.Share(p, t.files[p])
			found = append(found, h)
			total += len(h.found)
		}
	}
	switch {
	case named == 0 && len(t.files) > 0:
		return "", t.nothingUnder(a.Path)
	case total == 0:
		return "nothing found in " + plural(looked, "file") + searchHint(a), nil
	}
	slices.SortStableFunc(found, func(a, b hits) int { return cmp.Compare(b.share, a.share) })
	switch a.Mode {
	case form.SearchFiles:
		return totals(found, func(h hits) string { return h.path }), nil
	case form.SearchCount:
		return fmt.Sprintf("%s in %s:\n%s", plural(total, "line"), plural(len(found), "file"), totals(found, hits.count)), nil
	}
	return showHits(found, total, a.Context), nil
}

// lineMatcher tells where a line holds the pattern of a search, -1 if nowhere. Unicode forms that look alike are alike.
func lineMatcher(a form.SearchArgs) (func(string) int, error) {
	pattern := norm.NFC.String(strings.TrimRight(a.Pattern, "\r\n"))
	if strings.ContainsAny(pattern, "\r\n") {
		return nil, fmt.Errorf("pattern holds a line break: search looks at single lines, so name the most telling one")
	}
	normal := func(line string) string {
		if isASCII(line) {
			return line
		}
		return norm.NFC.String(line)
	}
	if !a.Regex && !a.IgnoreCase {
		return func(line string) int { return strings.Index(normal(line), pattern) }, nil
	}
	if !a.Regex {
		pattern = regexp.QuoteMeta(pattern)
	}
	if a.IgnoreCase {
		pattern = "(?i)" + pattern
	}
	re, err := regexp.Compile(pattern)
	if err != nil {
		says := err.Error()
		if e, ok := err.(*syntax.Error); ok {
			says = fmt.Sprintf("%s in %s", e.Code, form.Quote(e.Expr))
			if e.Code == syntax.ErrInvalidPerlOp {
				says += "; there is no lookaround and no backreference: search for less and read what is found"
			}
		}
		return nil, fmt.Errorf("pattern is no expression of RE2: %s", says)
	}
	return func(line string) int {
		if at := re.FindStringIndex(normal(line)); at != nil {
			return at[0]
		}
		return -1
	}, nil
}

// excerpt is a line, of a long one the part around what was found at a byte of it.
func excerpt(line string, at int) string {
	if at < lineShown/2 || len(line) <= lineShown {
		return form.Shorten(line, lineShown)
	}
	from := min(at-lineShown/4, len(line))
	for from > 0 && from < len(line) && !utf8.RuneStart(line[from]) {
		from--
	}
	return "..." + form.Shorten(line[from:], lineShown-3)
}

// searchHint says what may be why nothing was found.
func searchHint(a form.SearchArgs) string {
	switch {
	case !a.Regex && strings.ContainsAny(a.Pattern, `\|*^$[`):
		return "; pattern was taken as plain text, regex: true reads it as an expression"
	case !a.IgnoreCase && strings.ToLower(a.Pattern) != strings.ToUpper(a.Pattern):
		return "; case counts unless ignore_case is true"
	}
	return ""
}

func (h hits) count() string { return fmt.Sprintf("%s: %d", h.path, len(h.found)) }

// totals is a line for each file, or for as many as go into one answer.
func totals(found []hits, line func(hits) string) string {
	var b strings.Builder
	for i, h := range found {
		if i == searchFiles {
			fmt.Fprintf(&b, "and %s more\n", plural(len(found)-i, "file"))
			break
		}
		b.WriteString(line(h) + "\n")
	}
	return b.String()
}

// showHits shows lines that were found, with what stands around them.
func showHits(found []hits, total, around int) string {
	each := total
	if total > searchHits {
		each = max(3, searchHits/len(found))
	}
	var b strings.Builder
	shown := 0
	for _, h := range found {
		last := -1 // line that was shown
		for n, at := range h.found {
			if n == each || shown == searchHits || b.Len() > searchBytes {
				break
			}
			shown++
			if around > 0 && b.Len() > 0 && at-around > last+1 {
				b.WriteString("--\n")
			}
			for i := max(at-around, last+1); i <= min(at+around, len(h.lines)-1); i++ {
				mark, place := "-", 0
				if n, hit := slices.BinarySearch(h.found, i); hit {
					mark, place = ":", h.at[n]
				}
				fmt.Fprintf(&b, "%s%s%d%s %s\n", h.path, mark, i+1, mark, excerpt(h.lines[i], place))
				last = i
			}
		}
	}
	if shown < total {
		fmt.Fprintf(&b, "... %d of %d lines are shown. In all, by file:\n%s", shown, total, totals(found, hits.count))
	}
	return b.String()
}
