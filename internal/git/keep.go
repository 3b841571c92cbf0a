package git

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/go-git/go-git/v6/plumbing"

	"codeforge"
)

// keeper gathers the objects of a push in packs, in the order of the revisions that need them, and puts them.
type keeper struct {
	*push
	ctx    context.Context
	pack   packWriter
	hashes []string // of the packs that were put
}

// putAll puts what revisions name by hash: the contents that are no texts, and packs with what nothing else has. All that can be reached
// from the commits must be there.
func (p *push) putAll(ctx context.Context, revisions []codeforge.PushedRevision) error {
	for hash, i := range p.blobs {
		data, err := p.in.bytes(i)
		if err != nil {
			return err
		}
		if _, err := p.store.PutBlob(ctx, p.User, p.ProjectID, data); err != nil {
			if e, ok := errors.AsType[*codeforge.Error](err); ok && e.Kind == codeforge.TooLarge {
				return refuse("%q: %s", p.names[hash], Words(e))
			}
			return err
		}
	}
	k := &keeper{push: p, ctx: ctx}
	p.kept = map[id]bool{}
	place := make(map[id]int, len(p.chain))
	for n, i := range p.chain {
		place[i] = n
	}
	// Commits come with their parents before them, so that those of a revision are kept up to its own.
	from := make([]int, len(revisions))
	to := make([]int, len(revisions))
	started := 0
	for _, i := range p.fresh {
		if err := k.keepCommit(i); err != nil {
			return err
		}
		if n, ok := place[i]; ok {
			from[n], to[n] = started, len(k.hashes)
			started = len(k.hashes)
		}
	}
	if err := k.flush(); err != nil {
		return err
	}
	for n := range revisions {
		revisions[n].Packs = slices.Clone(k.hashes[from[n]:min(to[n]+1, len(k.hashes))])
	}
	return nil
}

// keepCommit keeps a commit, and before it what its tree has.
func (k *keeper) keepCommit(i id) error {
	c := k.read[i]
	if err := k.keepTree(c.tree, 0); err != nil {
		return err
	}
	return k.keep(plumbing.CommitObject, i)
}

func (k *keeper) keepTree(i id, depth int) error {
	kind, _, fresh, ok := k.in.find(i)
	switch {
	case !ok || kind != plumbing.TreeObject:
		return refuse("the tree %s is missing: fetch, and push again", i)
	case !fresh || k.kept[i]:
		return nil
	case depth > 100:
		return fmt.Errorf("%w: it lies too deep", errBadTree)
	}
	entries, err := k.in.trees(i)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if e.mode == modeModule {
			continue
		}
		if e.mode == modeTree {
			if err := k.keepTree(e.id, depth+1); err != nil {
				return err
			}
			continue
		}
		kind, _, fresh, ok := k.in.find(e.id)
		if !ok || kind != plumbing.BlobObject {
			return refuse("the content of %q is missing: fetch, and push again", e.name)
		}
		if fresh && !k.files[e.id] {
			if err := k.keep(kind, e.id); err != nil {
				return err
			}
		}
	}
	return k.keep(plumbing.TreeObject, i)
}

// keep adds an object to the pack, and puts the pack when it is large enough.
func (k *keeper) keep(kind plumbing.ObjectType, i id) error {
	if k.kept[i] {
		return nil
	}
	k.kept[i] = true
	data, err := k.in.bytes(i)
	if err != nil {
		return err
	}
	if k.pack.body.Len()+len(data) > int(min(packBytes, k.File/2)) {
		if err := k.flush(); err != nil {
			return err
		}
	}
	return k.pack.add(kind, data)
}

func (k *keeper) flush() error {
	if k.pack.count == 0 {
		return nil
	}
	hash, err := k.store.PutBlob(k.ctx, k.User, k.ProjectID, k.pack.bytes())
	k.hashes, k.pack = append(k.hashes, hash), packWriter{z: k.pack.z}
	return err
}
