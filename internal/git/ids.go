package git

import (
	"fmt"

	"github.com/go-git/go-git/v6/plumbing"
)

// BlobID is the id that git gives to the bytes of a file.
func BlobID(data []byte) string { return name(plumbing.BlobObject, data).String() }

// TreeID is the id of the tree in which files lie, none of which may be run. files are ids of blobs by path; the error names what is
// none.
func TreeID(files map[string]string) (string, error) {
	changes := make([]change, 0, len(files))
	for path, text := range files {
		i, err := parseID(text)
		if err != nil {
			return "", fmt.Errorf("%s: %w", path, err)
		}
		changes = append(changes, change{path: path, mode: modeFile, id: i})
	}
	r := newRepository()
	tree, err := r.edit(r.tree, changes)
	return tree.String(), err
}
