package git

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v6/config"
	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/index"
	"github.com/go-git/go-git/v6/plumbing/storer"
	"github.com/go-git/go-git/v6/storage"

	"codeforge"
)

// Branch is the one that there is.
const Branch = "main"

var mainRef = plumbing.NewBranchReferenceName(Branch)

// view is a repository as go-git reads one, for one request: at one commit, with blobs that are read of the store while they are
// sent. It takes nothing in.
type view struct {
	*repository
	head      head
	ctx       context.Context
	store     Store
	user      codeforge.User
	projectID string
	hold      func(bytes int64) error
	largest   int64 // of the blobs that were read, as far as it is counted
	err       error // of the store: go-git tells only its words

	// Blobs are asked for in the order in which they are sent, and read in batches.
	order []id
	at    map[id]int
	ready map[id][]byte
	pack  []byte // the one that was read last
	of    [32]byte
}

var errReadOnly = errors.New("git: nothing can be written here")

// EncodedObject finds an object.
func (v *view) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	i := idOf(h)
	o, ok := v.get(i)
	if !ok || t != plumbing.AnyObject && t != o.kind {
		return nil, plumbing.ErrObjectNotFound
	}
	if o.kind == plumbing.BlobObject {
		if _, asked := v.at[i]; !asked {
			v.at[i] = len(v.order)
			v.order = append(v.order, i)
		}
	}
	return &viewed{v: v, id: i, object: o}, nil
}

// HasEncodedObject tells whether there is an object.
func (v *view) HasEncodedObject(h plumbing.Hash) error {
	if _, ok := v.get(idOf(h)); !ok {
		return plumbing.ErrObjectNotFound
	}
	return nil
}

// EncodedObjectSize tells the size of an object.
func (v *view) EncodedObjectSize(h plumbing.Hash) (int64, error) {
	o, ok := v.get(idOf(h))
	if !ok {
		return 0, plumbing.ErrObjectNotFound
	}
	return o.size(), nil
}

// viewed is an object of a view.
type viewed struct {
	v  *view
	id id
	object
}

// Hash is its id.
func (o *viewed) Hash() plumbing.Hash { return o.id.hash() }

// Type is its kind.
func (o *viewed) Type() plumbing.ObjectType { return o.kind }

// Size is how many bytes it has.
func (o *viewed) Size() int64 { return o.size() }

// SetType does nothing.
func (o *viewed) SetType(plumbing.ObjectType) {}

// SetSize does nothing.
func (o *viewed) SetSize(int64) {}

// Writer is none.
func (o *viewed) Writer() (io.WriteCloser, error) { return nil, errReadOnly }

// Reader reads its bytes.
func (o *viewed) Reader() (io.ReadCloser, error) {
	data := o.data
	if o.kind == plumbing.BlobObject {
		var err error
		if data, err = o.v.blob(o.id); err != nil {
			o.v.err = err
			return nil, err
		}
	}
	return io.NopCloser(bytes.NewReader(data)), nil
}

// blob reads the bytes of one, and those that are asked for after it as far as they can be read at once.
func (v *view) blob(i id) ([]byte, error) {
	if data, ok := v.ready[i]; ok {
		delete(v.ready, i) // it is sent once
		return data, nil
	}
	o, ok := v.get(i)
	if !ok {
		return nil, plumbing.ErrObjectNotFound
	}
	if more := o.place.size - max(v.largest, batchBytes); more > 0 {
		if err := v.hold(more); err != nil {
			return nil, err
		}
		v.largest = o.place.size
	}
	if o.place.offset > 0 {
		return v.unpack(o.place)
	}
	v.ready = map[id][]byte{}
	by := map[string]id{}
	read := batch{read: func(hashes []string) error {
		contents, err := v.store.ReadContents(v.ctx, v.user, v.projectID, hashes)
		if err != nil {
			return err
		}
		for _, hash := range hashes {
			data, ok := contents[hash]
			if !ok {
				return fmt.Errorf("git: the content %s is gone", hash)
			}
			v.ready[by[hash]] = data
		}
		return nil
	}}
	first, known := v.at[i]
	if !known {
		first = len(v.order)
		v.order = append(v.order, i)
	}
	for _, next := range v.order[first:] {
		o, _ := v.get(next)
		if o.place.offset > 0 {
			continue
		}
		if read.full(o.place.size) {
			break
		}
		hash := hex.EncodeToString(o.place.hash[:])
		by[hash] = next
		if err := read.add(hash, o.place.size); err != nil {
			return nil, err
		}
	}
	if err := read.flush(); err != nil {
		return nil, err
	}
	data := v.ready[i]
	delete(v.ready, i)
	return data, nil
}

// unpack reads a blob that came with a push and is no file's content.
func (v *view) unpack(at place) ([]byte, error) {
	if v.of != at.hash {
		hash := hex.EncodeToString(at.hash[:])
		got, err := v.store.ReadContents(v.ctx, v.user, v.projectID, []string{hash})
		if err != nil {
			return nil, err
		}
		v.pack, v.of = got[hash], at.hash
	}
	return unpack(v.pack, at.offset)
}

// Reference finds HEAD or the branch.
func (v *view) Reference(n plumbing.ReferenceName) (*plumbing.Reference, error) {
	switch {
	case n == plumbing.HEAD:
		return plumbing.NewSymbolicReference(plumbing.HEAD, mainRef), nil
	case n == mainRef && v.head.tip != id{}:
		return plumbing.NewHashReference(mainRef, v.head.tip.hash()), nil
	}
	return nil, plumbing.ErrReferenceNotFound
}

// IterReferences lists both, or none as long as there is no commit.
func (v *view) IterReferences() (storer.ReferenceIter, error) {
	var list []*plumbing.Reference
	if (v.head.tip != id{}) {
		for _, n := range []plumbing.ReferenceName{plumbing.HEAD, mainRef} {
			r, err := v.Reference(n)
			if err != nil {
				return nil, err
			}
			list = append(list, r)
		}
	}
	return storer.NewReferenceSliceIter(list), nil
}

// Config is that of any repository, without a search for deltas.
func (v *view) Config() (*config.Config, error) {
	c := config.NewConfig()
	c.Pack.Window = 0
	return c, nil
}

// Shallow lists the commits whose parents are not here: none.
func (v *view) Shallow() ([]plumbing.Hash, error) { return nil, nil }

// What else go-git asks of a store: nothing is written, and nothing else is kept.
func (v *view) RawObjectWriter(plumbing.ObjectType, int64) (io.WriteCloser, error) {
	return nil, errReadOnly
}
func (v *view) NewEncodedObject() plumbing.EncodedObject { return &plumbing.MemoryObject{} }
func (v *view) SetEncodedObject(plumbing.EncodedObject) (h plumbing.Hash, err error) {
	return h, errReadOnly
}
func (v *view) IterEncodedObjects(plumbing.ObjectType) (storer.EncodedObjectIter, error) {
	return nil, errReadOnly
}
func (v *view) AddAlternate(string) error                           { return errReadOnly }
func (v *view) SetReference(*plumbing.Reference) error              { return errReadOnly }
func (v *view) CheckAndSetReference(_, _ *plumbing.Reference) error { return errReadOnly }
func (v *view) RemoveReference(plumbing.ReferenceName) error        { return errReadOnly }
func (v *view) CountLooseRefs() (int, error)                        { return 0, nil }
func (v *view) PackRefs() error                                     { return nil }
func (v *view) SetShallow([]plumbing.Hash) error                    { return errReadOnly }
func (v *view) SetIndex(*index.Index) error                         { return errReadOnly }
func (v *view) Index() (*index.Index, error)                        { return &index.Index{}, nil }
func (v *view) SetConfig(*config.Config) error                      { return errReadOnly }
func (v *view) Module(string) (storage.Storer, error)               { return nil, errReadOnly }
