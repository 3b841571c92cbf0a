package agent

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"codeforge"
	"codeforge/internal/agent/form"
	"codeforge/internal/verify"
)

// movement is what moving files did.
type movement struct {
	from, to  []string       // paths, in order
	rewritten map[string]int // references in files, by their new paths
	mentions  []string       // lines that name what was moved and were left as they are
}

// move gives a file, or all files of a folder, new paths, and has every file that names one of them, and they themselves, name the right
// ones. All of it is done or nothing.
func (t *tree) move(from, to string) (*movement, error) {
	moved, err := t.movedPaths(from, to)
	if err != nil {
		return nil, err
	}
	m := &movement{from: slices.Sorted(maps.Keys(moved)), rewritten: map[string]int{}}
	texts := map[string]string{} // or blobs, by new path
	refs := verify.NewReferences(verify.TreeOfContents(t.files, nil))
	for _, p := range t.paths() {
		text, now := t.files[p], p
		if q, ok := moved[p]; ok {
			now = q
		} else if !namesAny(text, m.from) {
			continue
		}
		changed, n := rewriteReferences(text, p, now, refs.Of(p), moved)
		if n > 0 {
			m.rewritten[now] = n
		}
		if n > 0 || now != p {
			texts[now] = changed
		}
	}
	before, size, state := t.snapshot(), t.size, t.state
	undo := func(err error) (*movement, error) {
		t.files, t.size, t.state = before, size, state
		return nil, err
	}
	for _, p := range m.from {
		m.to = append(m.to, moved[p])
		if err := t.delete(p); err != nil {
			return undo(err)
		}
	}
	for _, p := range slices.Sorted(maps.Keys(texts)) {
		var err error
		if codeforge.IsBlob(texts[p]) {
			err = t.putBlob(p, texts[p])
		} else {
			_, err = t.write(p, texts[p])
		}
		if err != nil {
			return undo(fmt.Errorf("%s: %w", p, err))
		}
	}
	m.mentions = t.mentions(m, strings.TrimSuffix(t.resolvePath(from), "/"))
	return m, nil
}

// movedPaths are the new paths of what is moved, by the old ones.
func (t *tree) movedPaths(from, to string) (map[string]string, error) {
	into := strings.HasSuffix(to, "/")
	from, to = strings.TrimSuffix(t.resolvePath(from), "/"), strings.TrimSuffix(t.resolvePath(to), "/")
	if rooted := strings.TrimPrefix(to, "/"); !strings.Contains(rooted, "/") {
		to = rooted
	}
	moved := map[string]string{}
	switch _, isFile := t.files[from]; {
	case isFile && (into || t.isFolder(to)):
		moved[from] = path.Join(to, path.Base(from))
	case isFile:
		moved[from] = to
	case t.isFolder(from):
		if to == from || strings.HasPrefix(to, from+"/") {
			return nil, fmt.Errorf("%s lies in %s: a folder cannot be moved into itself", form.Quote(to), form.Quote(from))
		}
		for p := range t.files {
			if rest, ok := strings.CutPrefix(p, from+"/"); ok {
				moved[p] = path.Join(to, rest)
			}
		}
	default:
		return nil, t.noFile(from)
	}
	for p, q := range moved {
		if p == q {
			return nil, errors.New("from and to are the same: nothing would move")
		}
		if _, there := t.files[q]; there {
			return nil, fmt.Errorf("there is a file %s already: delete it first, or take another path", form.Quote(q))
		}
		if err := codeforge.CheckPath(q); err != nil {
			return nil, ruleText(err)
		}
	}
	return moved, nil
}

// namesAny reports whether a text may name one of some files: by its name without an ending. An index has many names: "." is one.
func namesAny(text string, paths []string) bool {
	if len(paths) > 50 {
		return true
	}
	return slices.ContainsFunc(paths, func(p string) bool {
		name, _, _ := strings.Cut(path.Base(p), ".")
		return name == "index" || name == "" || strings.Contains(text, name)
	})
}

// rewriteReferences gives the references of a file, which lay at was and lies at now, the names that they need when files have moved.
func rewriteReferences(text, was, now string, refs []verify.Reference, moved map[string]string) (string, int) {
	text, marked := strings.CutPrefix(text, byteOrderMark)
	n := 0
	for _, ref := range slices.Backward(refs) {
		target := ref.Target
		if q, ok := moved[target]; ok {
			target = q
		}
		if target == ref.Target && was == now {
			continue
		}
		name := text[ref.Start:ref.End]
		if renamed := renamedReference(name, was, now, ref.Target, target); renamed != name {
			text = text[:ref.Start] + renamed + text[ref.End:]
			n++
		}
	}
	if marked {
		text = byteOrderMark + text
	}
	return text, n
}

// renamedReference is what a file that lay at was and lies at now has to call the file target, which it called name when that lay at old. It
// keeps its style: relative or by an alias, with or without an ending.
func renamedReference(name, was, now, old, target string) string {
	encoded := strings.Contains(name, "%20")
	if encoded {
		name = strings.ReplaceAll(name, "%20", " ")
	}
	relative := strings.HasPrefix(name, ".")
	plain := !relative && path.Join(path.Dir(was), name) == old // relative without ./, as pages and style sheets may
	base := name
	if relative || plain {
		base = path.Join(path.Dir(was), name)
	}
	short, stem := shortened(base, old, target)
	var out string
	alias, folder := aliasOf(base, stem)
	switch rest, ok := strings.CutPrefix(short, folder); {
	case !relative && !plain && ok && alias != "":
		out = alias + rest
	default:
		out = relativePath(path.Dir(now), short)
		if !strings.HasPrefix(out, ".") && !plain {
			out = "./" + out
		}
	}
	if encoded {
		out = strings.ReplaceAll(out, " ", "%20")
	}
	return out
}

// shortened is target without the ending that base, a name of old, does without, or with the ending that base has in its place. stem is the
// same of old.
func shortened(base, old, target string) (short, stem string) {
	ext, wanted := path.Ext(old), path.Ext(base)
	named := strings.TrimSuffix(path.Base(base), wanted)
	switch {
	case path.Base(old) == path.Base(base):
		return target, old
	case path.Base(old) == path.Base(base)+ext: // without its ending
		return strings.TrimSuffix(target, path.Ext(target)), strings.TrimSuffix(old, ext)
	case path.Base(old) == named+ext: // the name of what a compiler makes of it
		return strings.TrimSuffix(target, path.Ext(target)) + wanted, strings.TrimSuffix(old, ext) + wanted
	case strings.HasPrefix(path.Base(old), "index."): // a folder
		if strings.HasPrefix(path.Base(target), "index.") {
			return path.Dir(target), path.Dir(old)
		}
		return strings.TrimSuffix(target, path.Ext(target)), path.Dir(old)
	}
	return target, old
}

// aliasOf splits a name that leads to a file by something other than the way there: what stands before the part that both end in, and the
// folder that it stands for.
func aliasOf(name, file string) (alias, folder string) {
	n, f := strings.Split(name, "/"), strings.Split(file, "/")
	same := 0
	for same < min(len(n), len(f)) && n[len(n)-1-same] == f[len(f)-1-same] {
		same++
	}
	if same == 0 || same == len(n) {
		return "", ""
	}
	alias = strings.Join(n[:len(n)-same], "/") + "/"
	if folder = strings.Join(f[:len(f)-same], "/"); folder != "" {
		folder += "/"
	}
	return alias, folder
}

// relativePath leads from a folder to a file of the same tree.
func relativePath(dir, file string) string {
	if dir == "." {
		return file
	}
	from, to := strings.Split(dir, "/"), strings.Split(file, "/")
	for len(from) > 0 && len(to) > 1 && from[0] == to[0] {
		from, to = from[1:], to[1:]
	}
	return strings.Repeat("../", len(from)) + strings.Join(to, "/")
}

const maxMentions = 10

// madeUpPath is a path in quotes of which a part is a pattern or a value.
var madeUpPath = regexp.MustCompile(`["'\x60][\w./@-]*/(?:[^"'\x60]*(?:\*|\$\{)|["'\x60]\s*\+)`)

// mentions are lines that name old paths of files in other words than references, such as the settings of tools, or names that are made up
// while the app runs from that of the folder.
func (t *tree) mentions(m *movement, folder string) (lines []string) {
	names := func(line string) bool {
		for i, old := range m.from {
			if strings.Contains(line, old) && strings.Contains(strings.ReplaceAll(line, m.to[i], ""), old) {
				return true
			}
		}
		return folder != m.from[0] && strings.Contains(line, path.Base(folder)+"/") && strings.ContainsAny(line, "*$+") && madeUpPath.MatchString(line)
	}
	for _, p := range t.paths() {
		n := 0
		for line := range strings.Lines(t.files[p]) {
			n++
			if !names(line) {
				continue
			}
			if len(lines) == maxMentions {
				return append(lines, "and more")
			}
			lines = append(lines, fmt.Sprintf("%s:%d", p, n))
		}
	}
	return lines
}

// describe tells what was moved and what was changed for it.
func (m *movement) describe() string {
	var b strings.Builder
	for i := range m.from[:min(len(m.from), 20)] {
		fmt.Fprintf(&b, "moved %s to %s\n", m.from[i], m.to[i])
	}
	if n := len(m.from) - 20; n > 0 {
		fmt.Fprintf(&b, "and %s more\n", plural(n, "file"))
	}
	if len(m.rewritten) > 0 {
		b.WriteString("references were rewritten in:\n")
		for i, p := range slices.Sorted(maps.Keys(m.rewritten)) {
			if i == 50 {
				fmt.Fprintf(&b, "and %s more\n", plural(len(m.rewritten)-i, "file"))
				break
			}
			fmt.Fprintf(&b, "%s: %d\n", p, m.rewritten[p])
		}
	}
	if len(m.mentions) > 0 {
		fmt.Fprintf(&b, "the old path still stands at %s: look whether it must change\n", strings.Join(m.mentions, ", "))
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// noteMoves keeps in mind where files were when the job began.
func (r *run) noteMoves(m *movement) {
	origins := map[string]string{}
	for i, from := range m.from {
		origins[m.to[i]] = cmp.Or(r.moves[from], from)
	}
	for _, from := range m.from {
		delete(r.moves, from)
	}
	maps.Copy(r.moves, origins)
}

// movedFrom is the path that a file had before the job moved it; "" when it did not.
func (r *run) movedFrom(path string) string {
	from := r.moves[path]
	_, was := r.tree.base[from]
	_, replaced := r.tree.base[path]
	_, is := r.tree.files[path]
	if _, stays := r.tree.files[from]; !was || replaced || !is || stays {
		return ""
	}
	return from
}

// movedTo is the path that the job gave a file; "" when it gave it none.
func (r *run) movedTo(from string) string {
	for _, to := range slices.Sorted(maps.Keys(r.moves)) {
		if r.moves[to] == from && r.movedFrom(to) == from {
			return to
		}
	}
	return ""
}
