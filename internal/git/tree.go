package git

import (
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
)

// change gives a path a file, or takes it away.
type change struct {
	path string
	mode string
	id   id
	gone bool
}

// edit is a tree with changes, of which each path has one. What cannot be in a tree of git is left out: a file from before the rule
// that no file lies beside a folder of its name.
func (r *repository) edit(tree id, changes []change) (id, error) {
	entries, err := r.entries(tree)
	if err != nil {
		return id{}, err
	}
	entries = slices.Clone(entries)
	at := func(name string) int { return slices.IndexFunc(entries, func(e entry) bool { return e.name == name }) }
	// A file makes room for a folder of its name, and a folder for a file.
	for _, c := range changes {
		if i := at(c.path); c.gone && i >= 0 && entries[i].mode != modeTree {
			entries = slices.Delete(entries, i, i+1)
		}
	}
	within := map[string][]change{}
	var folders []string
	for _, c := range changes {
		if folder, rest, nested := strings.Cut(c.path, "/"); nested {
			if within[folder] == nil {
				folders = append(folders, folder)
			}
			c.path = rest
			within[folder] = append(within[folder], c)
		}
	}
	for _, folder := range folders {
		i, below := at(folder), emptyTree
		if i >= 0 {
			if entries[i].mode != modeTree {
				continue
			}
			below = entries[i].id
			entries = slices.Delete(entries, i, i+1)
		}
		if below, err = r.edit(below, within[folder]); err != nil {
			return id{}, err
		}
		if below != emptyTree {
			entries = append(entries, entry{mode: modeTree, name: folder, id: below})
		}
	}
	for _, c := range changes {
		if c.gone || strings.Contains(c.path, "/") {
			continue
		}
		switch i := at(c.path); {
		case i < 0:
			entries = append(entries, entry{c.mode, c.path, c.id})
		case entries[i].mode != modeTree:
			entries[i] = entry{c.mode, c.path, c.id}
		}
	}
	return r.keep(plumbing.TreeObject, makeTree(entries)), nil
}

// emptyTree is the id of the tree without entries.
var emptyTree = name(plumbing.TreeObject, nil)

// difference calls yield with what differs between two trees, in the order of paths: the files before and after, of which one may be
// none. trees gives the entries of a tree.
func difference(trees func(id) ([]entry, error), old, new id, folder string, yield func(path string, old, new entry) error) error {
	if old == new {
		return nil
	}
	if len(folder) > 5000 || strings.Count(folder, "/") > 100 {
		return fmt.Errorf("%w: %.50q... lies too deep", errBadTree, folder)
	}
	olds, err := trees(old)
	if err != nil {
		return err
	}
	news, err := trees(new)
	if err != nil {
		return err
	}
	for len(olds)+len(news) > 0 {
		var o, n entry
		switch {
		case len(news) == 0 || len(olds) > 0 && olds[0].key() < news[0].key():
			o, olds = olds[0], olds[1:]
		case len(olds) == 0 || news[0].key() < olds[0].key():
			n, news = news[0], news[1:]
		default:
			o, olds, n, news = olds[0], olds[1:], news[0], news[1:]
		}
		if o == n {
			continue
		}
		path := folder + o.name
		if o.name == "" {
			path = folder + n.name
		}
		// Of one key both are trees, or none is.
		if o.mode == modeTree || n.mode == modeTree {
			below := func(e entry) id {
				if e.mode == "" {
					return emptyTree
				}
				return e.id
			}
			if err := difference(trees, below(o), below(n), path+"/", yield); err != nil {
				return err
			}
			continue
		}
		if err := yield(path, o, n); err != nil {
			return err
		}
	}
	return nil
}
