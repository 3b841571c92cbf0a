package merge

import (
	"maps"
	"slices"
	"strings"

	"codeforge"
)

// Conflict is a path on which two sides disagree.
type Conflict struct {
	Path string
	// Beside are files of ours that theirs at Path cannot lie beside: see [codeforge.CheckBeside].
	Beside []string
	// The file where one side wins what both changed; nil: there is none then.
	Ours, Theirs *string
	Hunks        []Hunk // the places that both changed; none where only one side has a file
}

// Tree is two sides' changes of a tree of files, by path, merged. Files has ours where they conflict. Blobs are among them as
// [codeforge.Blob.Content] has them, and are merged whole.
type Tree struct {
	Files     map[string]string
	Conflicts []Conflict // sorted by path
}

// Trees merges what ours and theirs made of base. A file that one side deleted and the other changed is a conflict, and so
// are two that both made, unless they are equal.
func Trees(base, ours, theirs map[string]string) Tree {
	t := Tree{Files: maps.Clone(ours)}
	if t.Files == nil {
		t.Files = map[string]string{}
	}
	paths := slices.Collect(maps.Keys(base))
	for p := range theirs {
		if _, ok := base[p]; !ok {
			paths = append(paths, p)
		}
	}
	slices.Sort(paths)
	var taken []string // paths that theirs brings
	for _, p := range paths {
		b, o, th := at(base, p), at(ours, p), at(theirs, p)
		switch {
		case same(b, th), same(o, th):
		case same(b, o) && th == nil:
			delete(t.Files, p)
		case same(b, o):
			t.Files[p] = *th
			if o == nil {
				taken = append(taken, p)
			}
		case b != nil && o != nil && th != nil && !codeforge.IsBlob(*b) && !codeforge.IsBlob(*o) && !codeforge.IsBlob(*th):
			m := Texts(*b, *o, *th)
			if m.Conflicts == nil && codeforge.CheckContent(m.Ours) != nil { // each has room, both have not
				m.Ours, m.Theirs = *o, *th
			}
			t.Files[p] = m.Ours
			if m.Ours != m.Theirs || m.Conflicts != nil {
				t.Conflicts = append(t.Conflicts, Conflict{Path: p, Ours: &m.Ours, Theirs: &m.Theirs, Hunks: m.Conflicts})
			}
		default:
			c := Conflict{Path: p, Ours: o, Theirs: th}
			if o != nil && th != nil && !codeforge.IsBlob(*o) && !codeforge.IsBlob(*th) {
				c.Hunks = []Hunk{{1, "", *o, *th}}
			}
			t.Conflicts = append(t.Conflicts, c)
		}
	}
	t.separate(taken, theirs)
	slices.SortFunc(t.Conflicts, func(a, b Conflict) int { return strings.Compare(a.Path, b.Path) })
	return t
}

// separate takes those out of the files of theirs that cannot lie beside ours.
func (t *Tree) separate(taken []string, theirs map[string]string) {
	if len(taken) == 0 {
		return
	}
	beside := clashes(t.Files)
	for _, p := range taken {
		// Files that theirs has beside p are no quarrel between the two.
		others := slices.DeleteFunc(beside[p], func(other string) bool { _, has := theirs[other]; return has })
		if len(others) == 0 {
			continue
		}
		delete(t.Files, p)
		t.Conflicts = append(t.Conflicts, Conflict{Path: p, Beside: others, Theirs: new(theirs[p])})
	}
}

// Resolve settles a conflict with a file in its place, Ours, Theirs or another text; nil: there is none.
func (t *Tree) Resolve(c Conflict, file *string) {
	if file == nil {
		delete(t.Files, c.Path)
		return
	}
	for _, p := range c.Beside {
		delete(t.Files, p)
	}
	t.Files[c.Path] = *file
}

// CheckPaths returns an error of [codeforge.CheckBeside] when two files of a tree cannot lie beside each other.
func CheckPaths(files map[string]string) error {
	beside := clashes(files)
	for _, p := range slices.Sorted(maps.Keys(beside)) {
		return codeforge.CheckBeside(p, beside[p][0])
	}
	return nil
}

// clashes are, for each path that cannot lie beside others, those others in order.
func clashes(files map[string]string) map[string][]string {
	byKey := make(map[string][]string, len(files))
	for p := range files {
		byKey[codeforge.PathKey(p)] = append(byKey[codeforge.PathKey(p)], p)
	}
	out := map[string][]string{}
	pair := func(p, q string) {
		out[p], out[q] = append(out[p], q), append(out[q], p)
	}
	for key, paths := range byKey {
		for i, p := range paths {
			for _, q := range paths[:i] {
				pair(p, q)
			}
			for end, c := range key {
				if c == '/' {
					for _, q := range byKey[key[:end]] {
						pair(p, q)
					}
				}
			}
		}
	}
	for _, others := range out {
		slices.Sort(others)
	}
	return out
}

// at is the file at a path, nil where there is none.
func at(files map[string]string, path string) *string {
	if text, ok := files[path]; ok {
		return &text
	}
	return nil
}

func same(a, b *string) bool { return a == b || a != nil && b != nil && *a == *b }
