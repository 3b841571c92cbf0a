package agent

import (
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"codeforge"
	"codeforge/internal/agent/form"
)

// tree is the working tree of one job: the project's files as the job found them, and what it made of them. Nothing
// here is seen by the project before the job completes. Errors are in words that a model can act on. Blobs are among the
// files as [codeforge.Blob.Content] has them: they can be named, moved and deleted.
type tree struct {
	base  map[string]string // the snapshot; never changed
	files map[string]string
	size  int // bytes of texts
	state int // counts the changes, so that what was found out about one state can be kept
}

// Bounds of what one job changes.
const (
	maxChanged = 400 // files, deletions included
	maxCreated = 200 // of them that were not there before
)

func newTree(files []codeforge.File) *tree {
	t := &tree{base: make(map[string]string, len(files))}
	for _, f := range files {
		t.base[f.Path] = f.TreeContent()
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
	for _, content := range files {
		t.size += len(codeforge.TextOf(content))
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
			out = append(out, codeforge.ChangeTo(p, t.files[p]))
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
	if content, ok := t.files[path]; ok {
		return content, blobError(path, content)
	}
	return "", t.noFile(path)
}

// blobError says what cannot be done with a blob; nil: the content is a text.
func blobError(path, content string) error {
	b, ok := codeforge.BlobOf(content)
	if !ok {
		return nil
	}
	return fmt.Errorf("%s is known by its name, type and size alone (%s): texts of at most %d characters can be read, edited and written over, this one only named, moved or deleted", form.Quote(path), b.Describe(path), codeforge.MaxContent)
}

// noFile says that there is no file of that path, and which may be meant.
func (t *tree) noFile(path string) error {
	if like := t.similar(path); len(like) > 0 {
		return fmt.Errorf("there is no file %s; did you mean %s?", form.Quote(path), strings.Join(like, ", "))
	}
	return fmt.Errorf("there is no file %s: list_files shows what there is", form.Quote(path))
}

// similar are at most three paths that somebody may have meant who wrote one of no file: the same but for case, or else the same name, or
// else a name that is nearly the same or differs in its ending, those of the nearest folder first.
func (t *tree) similar(wanted string) []string {
	type candidate struct {
		path  string
		apart int
	}
	var found []candidate
	base := lastSegment(wanted)
	stem := strings.TrimSuffix(base, path.Ext(base))
	for _, p := range t.paths() {
		b := lastSegment(p)
		apart := 0
		switch {
		case codeforge.PathKey(p) == codeforge.PathKey(strings.TrimPrefix(wanted, "/")):
			return []string{p}
		case b == base:
			apart = 10
		case strings.TrimSuffix(b, path.Ext(b)) == stem && stem != "index" && stem != "":
			apart = 20
		case nearlySame(b, base):
			apart = 30
		default:
			continue
		}
		found = append(found, candidate{p, apart - commonFolders(p, wanted)})
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return a.apart - b.apart })
	var paths []string
	for _, c := range found[:min(len(found), 3)] {
		paths = append(paths, c.path)
	}
	return paths
}

func lastSegment(p string) string { return codeforge.PathKey(path.Base(p)) }

// commonFolders counts the folders, at most 9, that two paths have in common, wherever they lie.
func commonFolders(a, b string) (n int) {
	of := strings.Split(path.Dir(b), "/")
	for folder := range strings.SplitSeq(path.Dir(a), "/") {
		if slices.Contains(of, folder) {
			n++
		}
	}
	return min(n, 9)
}

// nearlySame tells names that one or two slips of the pen turn into each other: a letter too many, too few, or another.
func nearlySame(a, b string) bool {
	x, y := []rune(a), []rune(b)
	allowed := min(2, min(len(x), len(y))/4)
	if len(x)-len(y) > allowed || len(y)-len(x) > allowed {
		return false
	}
	row := make([]int, len(y)+1)
	for j := range row {
		row[j] = j
	}
	for i := range x {
		above := row[0]
		row[0] = i + 1
		for j := range y {
			cost := above
			if x[i] != y[j] {
				cost = 1 + min(above, row[j], row[j+1])
			}
			above, row[j+1] = row[j+1], cost
		}
	}
	return row[len(y)] <= allowed
}

// resolvePath returns the path that a model means: the one it wrote where there is such a file, else without what models add to
// paths: blanks, quotes, backslashes, ./ and //. A leading / goes if that leads to a file, or to a folder that there is. The Unicode form
// is that of the file.
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
		folder, _, inFolder := strings.Cut(rooted, "/")
		if _, ok := t.files[rooted]; ok || inFolder && t.isFolder(folder) {
			tidy = rooted
		}
	}
	if _, ok := t.files[tidy]; ok || isASCII(tidy) {
		return tidy
	}
	for other := range t.files {
		if norm.NFC.String(other) == norm.NFC.String(tidy) {
			return other // at most one: see codeforge.CheckBeside
		}
	}
	return tidy
}

// isFolder reports whether files lie under a path.
func (t *tree) isFolder(p string) bool {
	for other := range t.files {
		if len(other) > len(p) && other[len(p)] == '/' && other[:len(p)] == p {
			return true
		}
	}
	return false
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// What came of a write.
const (
	fileCreated   = "created"
	fileUpdated   = "updated"
	fileUnchanged = "unchanged"
	fileDeleted   = "deleted"
)

// write puts a whole file and says what came of it.
func (t *tree) write(path, content string) (action string, err error) {
	if err := codeforge.CheckPath(path); err != nil {
		return "", ruleText(err)
	}
	if codeforge.IsBinaryName(path) {
		return "", fmt.Errorf("%s is the name of a file that is no text, and only text can be written: draw with SVG or CSS, or leave the file out and say so", form.Quote(path))
	}
	old, exists := t.files[path]
	if err := blobError(path, old); err != nil {
		return "", err
	}
	if !exists {
		if err := t.checkBeside(path); err != nil {
			return "", err
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
	if exists && old == content {
		return fileUnchanged, nil
	}
	if err := t.refuseSecrets(path, content); err != nil {
		return "", err
	}
	if err := t.checkBounds(path, !exists); err != nil {
		return "", err
	}
	t.files[path] = content
	t.state++
	t.size += len(content) - len(old)
	if exists {
		return fileUpdated, nil
	}
	return fileCreated, nil
}

// checkBeside returns an error when there can be no further file of that path.
func (t *tree) checkBeside(path string) error {
	if len(t.files) >= codeforge.MaxFiles {
		return fmt.Errorf("a project has at most %d files", codeforge.MaxFiles)
	}
	for _, other := range t.paths() {
		if err := codeforge.CheckBeside(path, other); err != nil {
			return ruleText(err)
		}
	}
	return nil
}

// putBlob gives a blob of the tree a path at which there is no file.
func (t *tree) putBlob(path, content string) error {
	if err := t.checkBeside(path); err != nil {
		return err
	}
	if err := t.checkBounds(path, true); err != nil {
		return err
	}
	t.files[path] = content
	t.state++
	return nil
}

func (t *tree) delete(path string) error {
	content, exists := t.files[path]
	if !exists {
		return t.noFile(path)
	}
	if _, had := t.base[path]; had {
		if err := t.checkBounds(path, false); err != nil {
			return err
		}
	}
	delete(t.files, path)
	t.state++
	t.size -= len(codeforge.TextOf(content))
	return nil
}

// boundError says that a job would change more than one job may, which ends it: half of a change is worth less than none.
type boundError struct{ says string }

func (e *boundError) Error() string { return e.says }

// checkBounds reports an error when changing path, or creating it, would be one change too many.
func (t *tree) checkBounds(path string, create bool) error {
	if t.touched(path) {
		return nil
	}
	if _, had := t.base[path]; create && !had {
		created := 0
		for p := range t.files {
			if _, had := t.base[p]; !had {
				created++
			}
		}
		if created >= maxCreated {
			return &boundError{fmt.Sprintf("one job creates at most %d files", maxCreated)}
		}
	}
	if len(t.changes()) >= maxChanged {
		return &boundError{fmt.Sprintf("one job changes at most %d files", maxChanged)}
	}
	return nil
}

// ruleText takes the rule out of an Invalid error.
func ruleText(err error) error {
	if e, ok := err.(*codeforge.Error); ok {
		return fmt.Errorf("%v %v", e.Details["field"], e.Details["reason"])
	}
	return err
}
