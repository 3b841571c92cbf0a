package agent

import (
	"context"
	"maps"
	"path"
	"slices"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/evidence"
)

// writeLocks puts the locks of packages into the tree, which a job does that changed what the project asks for. What is known of the tree holds:
// they say what it was resolved to.
func (r *run) writeLocks(ctx context.Context) error {
	if r.lock == nil || !slices.ContainsFunc(r.tree.changes(), func(c codeforge.FileChange) bool { return path.Base(c.Path) == "package.json" }) {
		return nil
	}
	known := *r.look()
	locks := evidence.SplitLock(maps.Keys(r.tree.files), r.lock)
	for _, p := range slices.Sorted(maps.Keys(locks)) {
		content := string(locks[p])
		if utf8.RuneCountInString(content) > codeforge.MaxContent {
			hash, err := r.task.PutBlob(ctx, locks[p])
			if codeforge.IsKind(err, codeforge.TooLarge) {
				continue // it lies beside the revision
			}
			if err != nil {
				return err
			}
			content = codeforge.Blob{Hash: hash, Size: int64(len(locks[p]))}.Content()
		}
		was, had := r.tree.files[p]
		if content == was && had {
			continue
		}
		if r.keep.locks == nil {
			r.keep.locks = map[string]string{}
		}
		if _, known := r.keep.locks[p]; !known {
			r.keep.locks[p] = was
		}
		action := fileUpdated
		if !had {
			action = fileCreated
		}
		r.tree.files[p] = content
		r.tree.size += len(codeforge.TextOf(content)) - len(codeforge.TextOf(was))
		r.tree.state++
		r.reportFile(p, action)
	}
	known.state = r.tree.state
	r.looked = known
	return nil
}

// takeBackLocks takes the locks that were written out of the tree again: what people did with theirs must not clash with them, and they are
// written anew.
func (r *run) takeBackLocks() {
	for p, was := range r.keep.locks {
		now := r.tree.files[p]
		if r.tree.files[p] = was; was == "" {
			delete(r.tree.files, p)
		}
		r.tree.size += len(codeforge.TextOf(was)) - len(codeforge.TextOf(now))
		r.tree.state++
	}
	r.keep.locks = nil
}
