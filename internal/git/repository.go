package git

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"sync"

	"github.com/go-git/go-git/v6/plumbing"

	"codeforge"
	"codeforge/internal/cache"
)

const (
	historyRows  = 20_000  // of files that are asked for at once
	batchBytes   = 1 << 20 // of contents that are read at once
	batchHashes  = 256
	objectCost   = 250 // bytes that an object takes beside its own
	defaultCache = 64 << 20
)

// Repositories are the projects of a store, as git sees them. What was made of a history is kept in memory within a bound, and made
// again when it is not there any more: without contents, which lie in the store.
type Repositories struct {
	store Store
	kept  *cache.LRU[string, *repository]
	mu    sync.Mutex
	made  map[string]*making // by project, while somebody reads it
}

// New serves the projects of a store, and keeps at most so many bytes of what it makes of them; 0: 64 MiB.
func New(store Store, bytes int64) *Repositories {
	if bytes <= 0 {
		bytes = defaultCache
	}
	return &Repositories{store: store, kept: cache.NewLRU[string, *repository](bytes), made: map[string]*making{}}
}

// making lets one at a time read the history of a project.
type making struct {
	turn  chan struct{}
	users int
}

// place is where the bytes of a blob lie.
type place struct {
	hash   [sha256.Size]byte // in the contents of the project
	offset int64             // in a pack; 0: it is a content of its own
	size   int64
}

// repository is the history of a project up to a revision. Objects are only ever added to it.
type repository struct {
	mu      sync.RWMutex
	objects map[id]object
	ids     map[[sha256.Size]byte]id // of the blobs that are contents of their own

	last     codeforge.Revision // that was read
	tip      id                 // its commit
	tree     id                 // and that commit's
	programs map[string]bool    // paths that may be run, as the last push of each said
	packs    map[string]bool    // that were read
	cost     int
}

// object is a commit or a tree with its bytes, or a blob and where its bytes lie.
type object struct {
	kind  plumbing.ObjectType
	data  []byte
	place place
}

func (o object) size() int64 {
	if o.kind == plumbing.BlobObject {
		return o.place.size
	}
	return int64(len(o.data))
}

func newRepository() *repository {
	r := &repository{objects: map[id]object{}, ids: map[[sha256.Size]byte]id{}, programs: map[string]bool{}, packs: map[string]bool{}}
	r.tree = r.keep(plumbing.TreeObject, nil)
	return r
}

// get finds an object.
func (r *repository) get(i id) (object, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	o, ok := r.objects[i]
	return o, ok
}

// put adds an object, unless it is there.
func (r *repository) put(i id, o object) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if o.kind == plumbing.BlobObject && o.place.offset == 0 {
		r.ids[o.place.hash] = i
	}
	if _, ok := r.objects[i]; !ok {
		r.objects[i] = o
		r.cost += len(o.data) + objectCost
	}
}

// keep adds a commit or a tree.
func (r *repository) keep(kind plumbing.ObjectType, data []byte) id {
	i := name(kind, data)
	r.put(i, object{kind: kind, data: data})
	return i
}

// entries are those of a tree.
func (r *repository) entries(tree id) ([]entry, error) {
	o, ok := r.get(tree)
	if !ok || o.kind != plumbing.TreeObject {
		return nil, fmt.Errorf("%w: there is no tree %s", errBadTree, tree)
	}
	return parseTree(o.data)
}

// head is a state of a repository.
type head struct {
	revision int64
	tip      id // zero: there are no revisions
	tree     id
}

// open brings what is known of a project of u up to its newest revision. hold counts the bytes that this takes.
func (s *Repositories) open(ctx context.Context, u codeforge.User, projectID string, hold func(bytes int64) error) (*repository, head, error) {
	done, err := s.turn(ctx, projectID)
	if err != nil {
		return nil, head{}, err
	}
	defer done()
	r, ok := s.kept.Get(projectID)
	if !ok {
		r = newRepository()
	}
	if r, err = s.read(ctx, u, projectID, r); err != nil {
		return nil, head{}, err
	}
	s.kept.Put(projectID, r, r.cost)
	if err := hold(int64(r.cost)); err != nil {
		return nil, head{}, err
	}
	return r, head{r.last.Number, r.tip, r.tree}, nil
}

// turn waits until nobody else reads the history of a project.
func (s *Repositories) turn(ctx context.Context, projectID string) (done func(), err error) {
	s.mu.Lock()
	m := s.made[projectID]
	if m == nil {
		m = &making{turn: make(chan struct{}, 1)}
		s.made[projectID] = m
	}
	m.users++
	s.mu.Unlock()
	leave := func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if m.users--; m.users == 0 {
			delete(s.made, projectID)
		}
	}
	select {
	case m.turn <- struct{}{}:
		return func() { <-m.turn; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}

// read adds the revisions that are new to r. Where r does not fit to what is stored, which was restored from elsewhere, it begins
// anew.
func (s *Repositories) read(ctx context.Context, u codeforge.User, projectID string, r *repository) (*repository, error) {
	for {
		newest, list, err := s.store.GitRevisions(ctx, u, projectID, max(r.last.Number-1, 0), historyRows)
		if err != nil {
			return nil, err
		}
		if r.last.Number > 0 {
			if len(list) == 0 || !sameRevision(list[0].Revision, r.last) {
				r = newRepository()
				continue
			}
			list = list[1:]
		}
		if len(list) == 0 {
			if newest > r.last.Number { // the last one alone filled the page
				return nil, errors.New("git: a page of revisions without any")
			}
			return r, nil
		}
		if err := s.readBlobs(ctx, u, projectID, r, list); err != nil {
			return nil, err
		}
		for i := range list {
			if err := s.add(ctx, u, projectID, r, &list[i]); err != nil {
				return nil, fmt.Errorf("git: revision %d of %s: %w", list[i].Number, projectID, err)
			}
		}
		if r.last.Number >= newest {
			return r, nil
		}
	}
}

func sameRevision(a, b codeforge.Revision) bool {
	return a.Number == b.Number && a.Author == b.Author && a.Message == b.Message && a.JobID == b.JobID && a.CreatedAt.Equal(b.CreatedAt)
}

// readBlobs names the contents of files that have no name yet, but for those of pushed commits, which bring them along.
func (s *Repositories) readBlobs(ctx context.Context, u codeforge.User, projectID string, r *repository, list []codeforge.GitRevision) error {
	wanted := batch{read: func(hashes []string) error {
		contents, err := s.store.ReadContents(ctx, u, projectID, hashes)
		if err != nil {
			return err
		}
		for _, hash := range hashes {
			data, ok := contents[hash]
			key, err := contentKey(hash)
			if !ok || err != nil {
				return fmt.Errorf("git: the content %s is gone: %w", hash, err)
			}
			r.put(name(plumbing.BlobObject, data), object{kind: plumbing.BlobObject, place: place{hash: key, size: int64(len(data))}})
		}
		return nil
	}}
	asked := map[string]bool{}
	for _, rev := range list {
		if rev.Commit != "" {
			continue
		}
		for _, f := range rev.Files {
			key, err := contentKey(f.Hash)
			if f.Hash == "" || asked[f.Hash] {
				continue
			}
			if err != nil {
				return err
			}
			if _, known := r.ids[key]; known {
				continue
			}
			asked[f.Hash] = true
			if err := wanted.add(f.Hash, f.Size); err != nil {
				return err
			}
		}
	}
	return wanted.flush()
}

func contentKey(hash string) (key [sha256.Size]byte, err error) {
	if err := codeforge.CheckHash(hash); err != nil {
		return key, err
	}
	_, err = hex.Decode(key[:], []byte(hash))
	return key, err
}

// batch gathers contents until enough of them can be read at once.
type batch struct {
	read   func(hashes []string) error
	hashes []string
	bytes  int64
}

// full reports whether so many bytes more are for the next batch.
func (b *batch) full(size int64) bool {
	return len(b.hashes) > 0 && (b.bytes+size > batchBytes || len(b.hashes) == batchHashes)
}

func (b *batch) add(hash string, size int64) error {
	if b.full(size) {
		if err := b.flush(); err != nil {
			return err
		}
	}
	b.hashes, b.bytes = append(b.hashes, hash), b.bytes+size
	return nil
}

func (b *batch) flush() error {
	if len(b.hashes) == 0 {
		return nil
	}
	err := b.read(b.hashes)
	b.hashes, b.bytes = nil, 0
	return err
}

// add makes the commit of a revision, or takes the one that was pushed. It changes what r stands at when all of it worked.
func (s *Repositories) add(ctx context.Context, u codeforge.User, projectID string, r *repository, rev *codeforge.GitRevision) error {
	if rev.Commit != "" {
		return s.addPushed(ctx, u, projectID, r, rev)
	}
	var changes []change
	for _, f := range rev.Files {
		c := change{path: f.Path, mode: modeFile, gone: f.Hash == ""}
		if !c.gone {
			if codeforge.CheckPath(f.Path) != nil { // from before the rule: git might not take it
				continue
			}
			key, err := contentKey(f.Hash)
			if err != nil {
				return err
			}
			blob, ok := r.ids[key]
			if !ok {
				return fmt.Errorf("the content %s has no name", f.Hash)
			}
			if c.id = blob; r.programs[f.Path] {
				c.mode = modeProgram
			}
		}
		changes = append(changes, c)
	}
	tree, err := r.edit(r.tree, changes)
	if err != nil {
		return err
	}
	var parent *id
	if r.last.Number > 0 {
		parent = &r.tip
	}
	r.tip = r.keep(plumbing.CommitObject, makeCommit(rev.Revision, tree, parent))
	r.tree, r.last = tree, rev.Revision
	return nil
}

// addPushed takes in the objects that came with a push, and what its commit says of modes.
func (s *Repositories) addPushed(ctx context.Context, u codeforge.User, projectID string, r *repository, rev *codeforge.GitRevision) error {
	for _, hash := range rev.Packs {
		if r.packs[hash] { // which several revisions have
			continue
		}
		got, err := s.store.ReadContents(ctx, u, projectID, []string{hash})
		if err != nil {
			return err
		}
		key, err := contentKey(hash)
		if err != nil {
			return err
		}
		if err := readPack(got[hash], func(p packed) error {
			o := object{kind: p.kind, data: p.data}
			if p.kind == plumbing.BlobObject {
				o = object{kind: p.kind, place: place{hash: key, offset: p.offset, size: int64(len(p.data))}}
			}
			r.put(p.id, o)
			return nil
		}); err != nil {
			return err
		}
		r.packs[hash] = true
	}
	tip, err := parseID(rev.Commit)
	if err != nil {
		return err
	}
	o, ok := r.get(tip)
	if !ok || o.kind != plumbing.CommitObject {
		return fmt.Errorf("the commit %s is not there", tip)
	}
	c, err := parseCommit(o.data)
	if err != nil {
		return err
	}
	contents := make(map[string]codeforge.GitFile, len(rev.Files))
	for _, f := range rev.Files {
		contents[f.Path] = f
	}
	if err := difference(r.entries, r.tree, c.tree, "", func(path string, _, new entry) error {
		if new.mode == "" {
			return nil
		}
		r.programs[path] = new.mode == modeProgram
		if f, ok := contents[path]; ok && f.Hash != "" {
			key, err := contentKey(f.Hash)
			if err != nil {
				return err
			}
			r.put(new.id, object{kind: plumbing.BlobObject, place: place{hash: key, size: f.Size}})
		}
		return nil
	}); err != nil {
		return err
	}
	r.tip, r.tree, r.last = tip, c.tree, rev.Revision
	return nil
}
