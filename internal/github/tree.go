package github

import "codeforge/internal/git"

// file is one of a project's as git has it.
type file struct {
	path string
	sha  string // of the blob
	hash string // by which the project has its bytes; "": text is all of it
	text string
	size int64
}

// treeID is the id of the tree that files make.
func treeID(files []file) (string, error) {
	ids := make(map[string]string, len(files))
	for _, f := range files {
		ids[f.path] = f.sha
	}
	return git.TreeID(ids)
}
