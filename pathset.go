package codeforge

// PathSet is a set of paths that can lie beside each other: see [CheckBeside]. Its zero value is empty.
type PathSet struct {
	files   map[string]string // by key
	folders map[string]string // a file in each, by the folder's key
}

// Add takes a path in, or says beside which it cannot lie.
func (s *PathSet) Add(p string) error {
	if s.files == nil {
		s.files, s.folders = map[string]string{}, map[string]string{}
	}
	key := PathKey(p)
	for _, other := range []string{s.files[key], s.folders[key]} {
		if other != "" {
			return CheckBeside(p, other)
		}
	}
	for i := range len(key) {
		if key[i] == '/' && s.files[key[:i]] != "" {
			return CheckBeside(p, s.files[key[:i]])
		}
	}
	s.files[key] = p
	for i := range len(key) {
		if key[i] == '/' {
			s.folders[key[:i]] = p
		}
	}
	return nil
}
