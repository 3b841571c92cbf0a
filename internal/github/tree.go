package github

import (
	"crypto/sha1" //nolint:gosec // git's own names of objects
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// file is one of a project's as git has it.
type file struct {
	path string
	sha  string // of the blob
	hash string // by which the project has its bytes; "": text is all of it
	text string
	size int64
}

func objectID(kind string, data []byte) string {
	h := sha1.New() //nolint:gosec // git's own names of objects
	fmt.Fprintf(h, "%s %d\x00", kind, len(data))
	h.Write(data)
	return hex.EncodeToString(h.Sum(nil))
}

// treeID is the id of the tree that files, sorted by path, make.
func treeID(files []file) string {
	type entry struct{ name, mode, sha string }
	var entries []entry
	for i := 0; i < len(files); {
		name, _, inFolder := strings.Cut(files[i].path, "/")
		if !inFolder {
			entries = append(entries, entry{name, "100644", files[i].sha})
			i++
			continue
		}
		var within []file
		for prefix := name + "/"; i < len(files) && strings.HasPrefix(files[i].path, prefix); i++ {
			f := files[i]
			f.path = strings.TrimPrefix(f.path, prefix)
			within = append(within, f)
		}
		entries = append(entries, entry{name + "/", "40000", treeID(within)})
	}
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	var data []byte
	for _, e := range entries {
		id, _ := hex.DecodeString(e.sha)
		data = append(append(data, e.mode+" "+strings.TrimSuffix(e.name, "/")+"\x00"...), id...)
	}
	return objectID("tree", data)
}

// sortForGit orders files so that those of a folder stand together.
func sortForGit(files []file) {
	slices.SortFunc(files, func(a, b file) int {
		return slices.Compare(strings.Split(a.path, "/"), strings.Split(b.path, "/"))
	})
}
