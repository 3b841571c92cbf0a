package agent

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/agent/form"
)

// tree is the working tree of one job: the project's files as the job found them, and what it made of them. Nothing
// here is seen by the project before the job completes. Errors are in words that a model can act on.
type tree struct {
	base  map[string]string // the snapshot; never changed
	files map[string]string
	size  int // bytes of files
	state int // counts the changes, so that what was found out about one state can be kept
}

// maxChanged bounds the files that one job changes, deletions included.
const maxChanged = 50

func newTree(files []codeforge.File) *tree {
	t := &tree{base: make(map[string]string, len(files))}
	for _, f := range files {
		t.base[f.Path] = f.Content
		t.size += len(f.Content)
	}
	t.files = maps.Clone(t.base)
	return t
}

// snapshot remembers the files, to go back to them with restore.
func (t *tree) snapshot() map[string]string { return maps.Clone(t.files) }

func (t *tree) restore(files map[string]string) {
	t.files, t.size = files, 0
	t.state++
	for _, text := range files {
		t.size += len(text)
	}
}

func (t *tree) paths() []string { return slices.Sorted(maps.Keys(t.files)) }

// touched reports whether path differs from the snapshot.
func (t *tree) touched(path string) bool {
	was, had := t.base[path]
	is, has := t.files[path]
	return had != has || was != is
}

// changes are the differences to the snapshot, sorted by path.
func (t *tree) changes() []codeforge.FileChange {
	var out []codeforge.FileChange
	for _, p := range t.paths() {
		if t.touched(p) {
			out = append(out, codeforge.FileChange{Path: p, Content: t.files[p]})
		}
	}
	for p := range t.base {
		if _, ok := t.files[p]; !ok {
			out = append(out, codeforge.FileChange{Path: p, Delete: true})
		}
	}
	slices.SortFunc(out, func(a, b codeforge.FileChange) int { return strings.Compare(a.Path, b.Path) })
	return out
}

// read returns the text of a file.
func (t *tree) read(path string) (string, error) {
	if text, ok := t.files[path]; ok {
		return text, nil
	}
	var like []string
	for _, p := range t.paths() {
		if codeforge.PathKey(p) == codeforge.PathKey(path) {
			like = []string{p}
			break
		}
		if lastSegment(p) == lastSegment(path) && len(like) < 3 {
			like = append(like, p)
		}
	}
	if len(like) > 0 {
		return "", fmt.Errorf("there is no file %s; there is %s", form.Quote(path), strings.Join(like, ", "))
	}
	return "", fmt.Errorf("there is no file %s: list_files shows what there is", form.Quote(path))
}

func lastSegment(p string) string { return codeforge.PathKey(path.Base(p)) }

// resolvePath returns the path that a model means: the one it wrote where there is such a file, else without what models add to
// paths: blanks, quotes, backslashes, ./ and //. A leading / goes if that leads to a file.
func (t *tree) resolvePath(p string) string {
	if _, ok := t.files[p]; ok {
		return p
	}
	p = strings.Trim(strings.TrimSpace(p), "`'\"")
	p = strings.ReplaceAll(p, `\`, "/")
	var segments []string
	for i, seg := range strings.Split(p, "/") {
		if seg != "." && (seg != "" || i == 0) {
			segments = append(segments, seg)
		}
	}
	tidy := strings.Join(segments, "/")
	if strings.HasSuffix(p, "/") {
		tidy += "/" // a folder: not a file's path, and refused
	}
	if rooted, ok := strings.CutPrefix(tidy, "/"); ok {
		if _, ok := t.files[rooted]; ok {
			return rooted
		}
	}
	return tidy
}

// write puts a whole file and says whether it was created or updated.
func (t *tree) write(path, content string) (action string, err error) {
	if err := codeforge.CheckPath(path); err != nil {
		return "", ruleText(err)
	}
	if codeforge.IsBinaryName(path) {
		return "", fmt.Errorf("%s is the name of a file that is no text, and only text can be written: draw with SVG or CSS, or leave the file out and say so", form.Quote(path))
	}
	old, exists := t.files[path]
	if !exists {
		if len(t.files) >= codeforge.MaxFiles {
			return "", fmt.Errorf("a project has at most %d files", codeforge.MaxFiles)
		}
		for _, other := range t.paths() {
			if err := codeforge.CheckBeside(path, other); err != nil {
				return "", ruleText(err)
			}
		}
	} else {
		content = inFormOf(old, content)
	}
	if err := codeforge.CheckContent(content); err != nil {
		return "", ruleText(err)
	}
	if t.size-len(old)+len(content) > codeforge.MaxTreeBytes {
		return "", fmt.Errorf("all files of a project together have at most %d bytes", codeforge.MaxTreeBytes)
	}
	if err := t.checkChangeLimit(path); err != nil {
		return "", err
	}
	t.files[path] = content
	t.state++
	t.size += len(content) - len(old)
	if exists {
		return "updated", nil
	}
	return "created", nil
}

// edit replaces the one place where old stands.
func (t *tree) edit(path, old, new string) error {
	text, err := t.read(path)
	if err != nil {
		return err
	}
	text, err = replaceOnce(text, old, new)
	if err != nil {
		return err
	}
	_, err = t.write(path, text)
	return err
}

func (t *tree) delete(path string) error {
	text, err := t.read(path)
	if err != nil {
		return err
	}
	if _, had := t.base[path]; had {
		if err := t.checkChangeLimit(path); err != nil {
			return err
		}
	}
	delete(t.files, path)
	t.state++
	t.size -= len(text)
	return nil
}

// checkChangeLimit reports an error when changing path would be one change too many.
func (t *tree) checkChangeLimit(path string) error {
	if !t.touched(path) && len(t.changes()) >= maxChanged {
		return fmt.Errorf("one job changes at most %d files: put more into fewer files", maxChanged)
	}
	return nil
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
		fmt.Fprintf(&b, "%d: %s\n", i+1, form.Shorten(lines[i], 200))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func notWord(r rune) bool {
	return r != '_' && (r < '0' || r > '9') && (r < 'A' || r > 'Z') && (r < 'a' || r > 'z') && r < utf8.RuneSelf
}

// searchBytes bounds the text that one search returns; searchHits the lines.
const (
	searchHits  = 100
	searchBytes = 20_000
)

// search lists the lines that hold pattern, by path and number.
func (t *tree) search(pattern string) string {
	var b strings.Builder
	hits := 0
	for _, p := range t.paths() {
		if !strings.Contains(t.files[p], pattern) {
			continue
		}
		n := 0
		for line := range strings.SplitSeq(t.files[p], "\n") {
			n++
			if !strings.Contains(line, pattern) {
				continue
			}
			if hits == searchHits || b.Len() > searchBytes {
				fmt.Fprintf(&b, "... and more: search for something rarer\n")
				return b.String()
			}
			hits++
			fmt.Fprintf(&b, "%s:%d: %s\n", p, n, form.Shorten(strings.TrimSuffix(line, "\r"), 200))
		}
	}
	if hits == 0 {
		return "nothing found"
	}
	return b.String()
}

// list names all files with their sizes.
func (t *tree) list() string {
	if len(t.files) == 0 {
		return "the project has no files yet"
	}
	var b strings.Builder
	for _, p := range t.paths() {
		fmt.Fprintf(&b, "%s (%d bytes)\n", p, len(t.files[p]))
	}
	return b.String()
}

// ruleText takes the rule out of an Invalid error.
func ruleText(err error) error {
	if e, ok := err.(*codeforge.Error); ok {
		return fmt.Errorf("%v %v", e.Details["field"], e.Details["reason"])
	}
	return err
}
