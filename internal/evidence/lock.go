package evidence

import (
	"context"
	"encoding/json"
	"path"
	"slices"

	"codeforge"
)

// severalLocks is how the locks of a tree are kept that has more than one, or one that is not beside its first manifest.
type severalLocks struct {
	Locks map[string]json.RawMessage `json:"locks"` // by their paths
}

// keptLock is what of resolutions is kept beside a revision; nil: they came to no lock.
func keptLock(all []*resolution) []byte {
	locks := map[string][]byte{}
	for _, r := range all {
		if r.lock != nil {
			locks[path.Join(r.root, lockName)] = r.text
		}
	}
	return joinLocks(locks)
}

func joinLocks(locks map[string][]byte) []byte {
	several := severalLocks{map[string]json.RawMessage{}}
	for p, text := range locks {
		if len(locks) == 1 {
			return text
		}
		if json.Valid(text) {
			several.Locks[p] = text
		}
	}
	if len(several.Locks) == 0 {
		return nil
	}
	text, err := json.Marshal(several)
	if err != nil {
		return nil // they are JSON
	}
	return text
}

// SplitLock is what a tree's kept lock says, as the files that npm would write beside its manifests, by their paths.
func SplitLock(files map[string]string, kept []byte) map[string][]byte {
	if len(kept) == 0 {
		return nil
	}
	var several severalLocks
	if json.Unmarshal(kept, &several) == nil && several.Locks != nil {
		out := map[string][]byte{}
		for p, text := range several.Locks {
			out[p] = text
		}
		return out
	}
	for _, root := range roots(files) {
		if declares(projectOf(root, files).Manifests) {
			return map[string][]byte{path.Join(root, lockName): kept}
		}
	}
	return nil
}

// HasManifest reports whether files ask for packages.
func HasManifest(files []codeforge.File) bool {
	return slices.ContainsFunc(files, func(f codeforge.File) bool { return path.Base(f.Path) == manifestName && !inModules(f.Path) })
}

// LockOf is the lock by which a tree is looked at: what is kept beside it, but for locks in it that are too long to be texts and are read
// here.
func LockOf(ctx context.Context, files []codeforge.File, kept []byte, read func(ctx context.Context, hash string) ([]byte, error)) ([]byte, error) {
	var found map[string][]byte
	for _, f := range files {
		if f.Hash == "" || path.Base(f.Path) != lockName || inModules(f.Path) || f.Size > codeforge.MaxLock {
			continue
		}
		if found == nil {
			found = SplitLock(textsOf(files), kept)
		}
		if found == nil {
			found = map[string][]byte{}
		}
		text, err := read(ctx, f.Hash)
		if err != nil {
			return nil, err
		}
		found[f.Path] = text
	}
	if found == nil {
		return kept, nil
	}
	return joinLocks(found), nil
}

func textsOf(files []codeforge.File) map[string]string {
	out := map[string]string{}
	for _, f := range files {
		if f.Hash == "" {
			out[f.Path] = f.Content
		}
	}
	return out
}
