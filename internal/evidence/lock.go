package evidence

import (
	"context"
	"iter"
	"path"
	"slices"

	"codeforge"
	"codeforge/internal/npm"
)

// SplitLock is what the kept lock of a tree with these paths says, as the files that npm would write beside its manifests, by their paths:
// not beside the lock of another package manager.
func SplitLock(paths iter.Seq[string], kept []byte) map[string][]byte {
	lock, err := npm.ParseLock(kept)
	if len(kept) == 0 || err != nil || lock == nil {
		return nil
	}
	others := map[string]bool{}
	var folders []string
	for p := range paths {
		switch path.Base(p) {
		case manifestName:
			if !inModules(p) {
				folders = append(folders, path.Dir(p))
			}
		case "yarn.lock", "pnpm-lock.yaml", "bun.lock", "bun.lockb":
			others[path.Dir(p)] = true
		}
	}
	out := map[string][]byte{}
	for _, folder := range folders {
		if of := lock.Within(folder); of != nil && !others[folder] && !lock.IsWorkspace(folder) && (folder != "." || len(of.Declared()) > 0 || len(of.Places()) > 0) {
			out[path.Join(folder, lockName)] = of.Bytes()
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
