package evidence

import (
	"context"
	"path"
	"slices"

	"codeforge"
	"codeforge/internal/npm"
)

// SplitLock is what a tree's kept lock says, as the files that npm would write beside its manifests, by their paths.
func SplitLock(files map[string]string, kept []byte) map[string][]byte {
	lock, err := npm.ParseLock(kept)
	if len(kept) == 0 || err != nil || lock == nil {
		return nil
	}
	out := map[string][]byte{}
	for _, root := range roots(files) {
		if root == "." {
			if declares(projectOf(root, files).Manifests) {
				out[lockName] = lock.Within(root).Bytes()
			}
			continue
		}
		if of := lock.Within(root); of != nil && !lock.IsWorkspace(root) {
			out[path.Join(root, lockName)] = of.Bytes()
		}
	}
	return out
}

// HasManifest reports whether files ask for packages.
func HasManifest(files []codeforge.File) bool {
	return slices.ContainsFunc(files, func(f codeforge.File) bool { return path.Base(f.Path) == manifestName && !inModules(f.Path) })
}

// LockOf is the lock by which a tree is looked at: what is kept beside it, but for locks in it that are too long to be texts and are read
// here.
func LockOf(ctx context.Context, files []codeforge.File, kept []byte, read func(ctx context.Context, hash string) ([]byte, error)) ([]byte, error) {
	locks := map[string]*npm.Lock{}
	for _, f := range files {
		if f.Hash == "" || path.Base(f.Path) != lockName || inModules(f.Path) || f.Size > codeforge.MaxLock {
			continue
		}
		text, err := read(ctx, f.Hash)
		if err != nil {
			return nil, err
		}
		if lock, err := npm.ParseLock(text); err == nil && lock != nil { // else it is as good as none
			locks[path.Dir(f.Path)] = lock
		}
	}
	if len(locks) == 0 {
		return kept, nil
	}
	return npm.JoinLocks(locks).Bytes(), nil
}
