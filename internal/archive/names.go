package archive

import (
	"codeforge"
)

// names are paths that can lie beside each other: see [codeforge.CheckBeside].
type names struct {
	files   map[string]string // by key
	folders map[string]string // a file in each, by the folder's key
}

// add takes a path in, or says beside which it cannot lie.
func (n *names) add(p string) error {
	if n.files == nil {
		n.files, n.folders = map[string]string{}, map[string]string{}
	}
	key := codeforge.PathKey(p)
	for _, other := range []string{n.files[key], n.folders[key]} {
		if other != "" {
			return codeforge.CheckBeside(p, other)
		}
	}
	for i := range len(key) {
		if key[i] == '/' && n.files[key[:i]] != "" {
			return codeforge.CheckBeside(p, n.files[key[:i]])
		}
	}
	n.files[key] = p
	for i := range len(key) {
		if key[i] == '/' {
			n.folders[key[:i]] = p
		}
	}
	return nil
}
