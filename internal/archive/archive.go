// Package archive reads the files of a project out of what people have (a zip, a tar, a folder) and writes them as such. It
// says what is left out and why, and refuses as a whole what is damaged, what leads elsewhere, and what is made to harm.
package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"codeforge"
)

// Format is a kind of archive.
type Format string

const (
	Zip   Format = "zip"
	Tar   Format = "tar"
	TarGz Format = "tar.gz"
)

// Limits bounds what is read. What breaks File or Text is left out, what breaks another refuses the whole.
type Limits struct {
	Entries  int   // of any kind, with those that are left out
	Unpacked int64 // bytes of all of them
	Files    int   // that are taken
	Taken    int64 // bytes of those that are taken
	File     int64 // bytes of one that is taken
	Text     int64 // bytes of one that is text
	// Everything takes what is usually left out too: of archives that hold nothing but a project.
	Everything bool
}

const (
	// mostRatio is how many times as large as itself an archive may unpack, once it is larger than freeUnpacked. Sources
	// reach ten, repetitive data thirty; what a bomb does begins at hundreds.
	mostRatio    = 100
	freeUnpacked = 32 << 20
	// longestName is what any system takes as a path. A longer one was made to harm.
	longestName = 4096
)

// File is a file that is taken.
type File struct {
	Path string
	Size int64
}

// LeftOut is a file, or a folder with all that is in it, that is not taken.
type LeftOut struct {
	Path   string // ends with a slash: a folder
	Reason string
	Files  int
	Bytes  int64
}

// Archive is what lies in an archive, by what its names say.
type Archive struct {
	Format  Format
	Top     string // the one folder that held all, and that paths are without; "": there was none
	Files   []File // that are taken, by path
	LeftOut []LeftOut

	src    source
	limits Limits
	taken  map[int]string // paths by number of the entry
}

// kind is what an entry of an archive is.
type kind uint8

const (
	regular kind = iota
	folder
	link
	special
	unreadable // by its method or since it is encrypted
)

var kindReasons = map[kind]string{
	link:       "a link: what it leads to is not followed",
	special:    "a device or another special file",
	unreadable: "encrypted, or packed in a way that is not read here",
}

// entry is one of an archive, while it is at hand.
type entry struct {
	name string
	kind kind
	size int64
	open func() (io.Reader, error) // of a regular one
}

// source goes through the entries of an archive, in its order, as often as it is asked to.
type source interface {
	each(ctx context.Context, do func(number int, e *entry) error) error
	// isOurs reports, once it was gone through, whether this program wrote it.
	isOurs() bool
}

// refused is an archive of which nothing is taken.
func refused(format string, args ...any) error {
	return codeforge.InvalidField("archive", format, args...)
}

// FormatOf tells an archive by its first bytes; "": it is none that is read here.
func FormatOf(first []byte) Format {
	switch {
	case len(first) >= 4 && string(first[:2]) == "PK" && (string(first[2:4]) == "\x03\x04" || string(first[2:4]) == "\x05\x06"):
		return Zip
	case len(first) >= 2 && first[0] == 0x1f && first[1] == 0x8b:
		return TarGz
	case len(first) >= 262 && string(first[257:262]) == "ustar", isTarHeader(first):
		return Tar
	}
	return ""
}

// Open reads what an archive holds, but for the contents: names, sizes, and the files that say what is left out.
func Open(ctx context.Context, r io.ReaderAt, size int64, l Limits) (*Archive, error) {
	first := make([]byte, 512)
	n, err := r.ReadAt(first, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	a := &Archive{Format: FormatOf(first[:n]), limits: l}
	switch a.Format {
	case Zip:
		if a.src, err = openZip(r, size, l); err != nil {
			return nil, err
		}
	case Tar, TarGz:
		a.src = &tarSource{r: r, size: size, packed: a.Format == TarGz, limits: l}
	default:
		return nil, refused("is no zip, tar or tar.gz")
	}
	if err := a.survey(ctx); err != nil {
		return nil, err
	}
	return a, nil
}

// item is what is remembered of an entry.
type item struct {
	path   string // without the folder that held all
	number int
	kind   kind
	size   int64
	ignore []pattern // of a .gitignore file
}

// survey goes through the archive once and decides what is taken.
func (a *Archive) survey(ctx context.Context) error {
	var items []item
	var unpacked, named int64
	err := a.src.each(ctx, func(number int, e *entry) error {
		if number >= a.limits.Entries {
			return refused("has more than %d entries", a.limits.Entries)
		}
		p, err := entryPath(e.name)
		if err != nil {
			return err
		}
		if e.size < 0 || e.size > a.limits.Unpacked-unpacked {
			return refused("unpacks to more than %s", codeforge.Bytes(a.limits.Unpacked))
		}
		unpacked += e.size
		if named += int64(len(p)); named > mostDirectory {
			return refused("has names of more than %s together", codeforge.Bytes(mostDirectory))
		}
		if p == "" {
			return nil
		}
		it := item{path: p, number: number, kind: e.kind, size: e.size}
		if e.kind == regular && path.Base(p) == ".gitignore" {
			if it.ignore, err = readIgnore(e); err != nil {
				return err
			}
		}
		items = append(items, it)
		return nil
	})
	if err != nil {
		return err
	}
	if !a.src.isOurs() {
		a.Top = topOf(items)
	}
	if a.Top != "" {
		kept := items[:0]
		for _, it := range items {
			if rest, ok := strings.CutPrefix(it.path, a.Top+"/"); ok {
				it.path = rest
				kept = append(kept, it)
			}
		}
		items = kept
	}
	return a.choose(ctx, items)
}

func readIgnore(e *entry) ([]pattern, error) {
	if e.size > mostIgnoreBytes {
		return nil, refused("holds a .gitignore file of more than %s", codeforge.Bytes(mostIgnoreBytes))
	}
	text, err := readEntry(e)
	return parsePatterns(text), err
}

// readEntry reads an entry whole: as many bytes as it said.
func readEntry(e *entry) ([]byte, error) {
	r, err := e.open()
	if err != nil {
		return nil, damaged(err)
	}
	text := make([]byte, e.size)
	if _, err = io.ReadFull(r, text); err == nil {
		var more int
		if more, err = r.Read(make([]byte, 1)); more > 0 {
			err = errors.New("longer than it says")
		} else if errors.Is(err, io.EOF) {
			err = nil
		}
	}
	if err != nil {
		return nil, damaged(err)
	}
	return text, nil
}

// damaged says that an archive cannot be read to its end; what has words of its own keeps them.
func damaged(err error) error {
	if _, ok := errors.AsType[*codeforge.Error](err); ok || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	e := codeforge.InvalidField("archive", "is damaged or not whole: pack it again")
	e.Cause = err
	return e
}

// entryPath is the path of an entry, as it says it: without . and empty parts. "": it is the top itself.
func entryPath(name string) (string, error) {
	slashed := strings.ReplaceAll(name, `\`, "/") // some unpackers read it so, and some packers write it
	switch {
	case len(name) > longestName:
		return "", refused("holds a path of more than %d bytes", longestName)
	case strings.HasPrefix(slashed, "/"), len(name) > 1 && name[1] == ':' && (name[0]|0x20 >= 'a' && name[0]|0x20 <= 'z'):
		return "", refused("holds the absolute path %q", shown(name))
	case strings.IndexByte(name, 0) >= 0:
		return "", refused("holds the path %q, which has a NUL character", shown(name))
	}
	parts := strings.Split(name, "/")
	for part := range strings.SplitSeq(slashed, "/") {
		if part == ".." {
			return "", refused("holds the path %q, which leads out of it", shown(name))
		}
	}
	parts = slices.DeleteFunc(parts, func(part string) bool { return part == "" || part == "." })
	return strings.Join(parts, "/"), nil
}

// shown is a name as far as somebody reads it.
func shown(name string) string {
	if !utf8.ValidString(name) {
		name = strings.ToValidUTF8(name, "\ufffd")
	}
	if r := []rune(name); len(r) > 200 {
		name = string(r[:200]) + "..."
	}
	return codeforge.Plain(name)
}

// ownFolders are names that folders of a project have. One that holds all is no wrapping around the project, unless it holds a package.json.
var ownFolders = func() map[string]bool {
	set := map[string]bool{}
	for name := range strings.FieldsSeq("src source app apps lib libs public static assets pages components packages styles css js img images fonts media test tests docs scripts api server client web www site") {
		set[name] = true
	}
	return set
}()

// topOf is the one folder that holds all entries, as in archives of git hosts; what systems put beside it does not count.
func topOf(items []item) string {
	top, own := "", false
	for _, it := range items {
		first, rest, below := strings.Cut(it.path, "/")
		switch {
		case first == "__MACOSX", first == ".DS_Store", strings.HasPrefix(first, "._"), first == "pax_global_header":
			continue
		case !below && it.kind != folder, top != "" && first != top, first == "node_modules", first == ".git":
			return ""
		case rest == "" && it.kind == folder, rest != "":
			top, own = first, ownFolders[strings.ToLower(first)]
		}
	}
	if own && !slices.ContainsFunc(items, func(it item) bool { return it.path == top+"/package.json" }) {
		return ""
	}
	return top
}

// choose decides what is taken of the items.
func (a *Archive) choose(ctx context.Context, items []item) error {
	r := newRules()
	last := map[string]int{} // of entries of one path the last one counts
	for i, it := range items {
		if it.kind != regular {
			continue
		}
		last[it.path] = i
		switch path.Base(it.path) {
		case ".gitignore":
			r.ignore[parent(it.path)] = it.ignore
		case "package.json":
			r.packages[parent(it.path)] = true
		}
	}
	c := newChoice(a.limits)
	for i, it := range items {
		if i%1024 == 0 && ctx.Err() != nil {
			return context.Cause(ctx)
		}
		at, reason, err := it.path, "", error(nil)
		if !a.limits.Everything && len(it.path) <= 4*codeforge.MaxPath { // a longer one is left out for that
			at, reason, err = r.leftOut(it.path, it.kind == folder)
		}
		switch {
		case err != nil:
			return err
		case it.kind == folder:
			continue
		case reason == "" && it.kind == regular && last[it.path] != i:
			at, reason = it.path, "there is another of this path: the last one is taken"
		}
		c.add(it, at, cmp.Or(reason, kindReasons[it.kind]))
	}
	a.Files, a.LeftOut, a.taken = c.files, c.leftOut(), c.taken
	slices.SortFunc(a.Files, func(x, y File) int { return strings.Compare(x.Path, y.Path) })
	if len(a.Files) > a.limits.Files {
		return refused("holds %d files after all that is left out: a project has at most %d", len(a.Files), a.limits.Files)
	}
	var sum int64
	for _, f := range a.Files {
		if sum += f.Size; sum > a.limits.Taken {
			return refused("holds more than %s after all that is left out", codeforge.Bytes(a.limits.Taken))
		}
	}
	return nil
}

// choice is what was taken and left out so far.
type choice struct {
	limits Limits
	files  []File
	taken  map[int]string
	out    map[string]*LeftOut
	names  codeforge.PathSet
}

func newChoice(l Limits) *choice {
	return &choice{limits: l, taken: map[int]string{}, out: map[string]*LeftOut{}}
}

// add takes an item, or leaves it out: for the reason given, of the folder at, or for one of its own.
func (c *choice) add(it item, at, reason string) {
	if reason == "" {
		at = it.path
		if err := codeforge.CheckPath(it.path); err != nil {
			reason = "the path " + reasonOf(err)
		} else if it.size > c.limits.File {
			reason = fmt.Sprintf("%s: a file may have %s", codeforge.Bytes(it.size), codeforge.Bytes(c.limits.File))
		} else if err := c.names.Add(it.path); err != nil {
			reason = reasonOf(err)
		}
	}
	if reason == "" {
		c.files = append(c.files, File{it.path, it.size})
		c.taken[it.number] = it.path
		return
	}
	if !utf8.ValidString(at) || len(at) > 1000 {
		at = shown(at)
	}
	out := c.out[at]
	if out == nil {
		out = &LeftOut{Path: at, Reason: reason}
		c.out[at] = out
	}
	out.Files++
	out.Bytes += it.size
}

func (c *choice) leftOut() []LeftOut {
	out := make([]LeftOut, 0, len(c.out))
	for _, l := range c.out {
		out = append(out, *l)
	}
	sortLeftOut(out)
	return out
}

func sortLeftOut(out []LeftOut) {
	slices.SortFunc(out, func(x, y LeftOut) int { return strings.Compare(x.Path, y.Path) })
}

// reasonOf is what a rule of paths says, without the field that it names.
func reasonOf(err error) string {
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		if reason, ok := e.Details["reason"].(string); ok {
			return reason
		}
	}
	return err.Error()
}

// Read hands out the contents of the files that are taken, in the order of the archive. A text that is too long is left out, and
// told of in LeftOut and no more in Files.
func (a *Archive) Read(ctx context.Context, take func(p string, content []byte) error) error {
	return a.src.each(ctx, func(number int, e *entry) error {
		p, ok := a.taken[number]
		if !ok {
			return nil
		}
		content, err := readEntry(e)
		if err != nil {
			return err
		}
		if int64(len(content)) > a.limits.Text && codeforge.IsText(content) {
			a.leave(p, int64(len(content)))
			return nil
		}
		return take(p, content)
	})
}

// leave takes back that a file is taken.
func (a *Archive) leave(p string, size int64) {
	a.Files = slices.DeleteFunc(a.Files, func(f File) bool { return f.Path == p })
	a.LeftOut = append(a.LeftOut, LeftOut{p, fmt.Sprintf("a text of %s: one may have %s", codeforge.Bytes(size), codeforge.Bytes(a.limits.Text)), 1, size})
	sortLeftOut(a.LeftOut)
}
