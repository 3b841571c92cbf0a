package git

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"strings"

	"github.com/go-git/go-git/v6/plumbing"
	"github.com/go-git/go-git/v6/plumbing/format/packfile"

	"codeforge"
)

const (
	mostObjects  = 100_000   // in one push
	mostMeta     = 4 << 20   // bytes of a commit or a tree
	mostCommands = 256 << 10 // bytes of what a push says before its pack
	unpackedMore = 2         // times the bytes that a pack may have are those that its objects may have
)

// refusal is why a push is refused, in words that git shows in one line.
type refusal string

func (r refusal) Error() string { return strings.Join(strings.Fields(string(r)), " ") }

func refuse(format string, args ...any) error { return refusal(fmt.Sprintf(format, args...)) }

// incoming is a repository with the objects of a push before it, which lie in a file.
type incoming struct {
	*view
	limits Limits
	begun  bool  // the pack: what comes before it is bounded apart
	packed int64 // bytes of the pack
	pack   *os.File
	data   *os.File
	size   int64 // of data
	index  map[id]stored
	broken error // why the objects cannot be had
}

// Limits bound a push.
type Limits struct {
	Pack int64 // bytes of what is sent; its objects may have twice as many
	File int64 // bytes of one object
}

// stored is where an object lies in the file.
type stored struct {
	kind         plumbing.ObjectType
	offset, size int64
}

// newIncoming makes its files in a folder, under no names.
func newIncoming(v *view, dir string, limits Limits) (in *incoming, err error) {
	in = &incoming{view: v, limits: limits, index: map[id]stored{}}
	for _, f := range []**os.File{&in.pack, &in.data} {
		if *f, err = os.CreateTemp(dir, "push-"); err != nil {
			in.close()
			return nil, &codeforge.Error{Kind: codeforge.Unavailable, Message: "The server has no room to take the push in", Cause: err}
		}
		_ = os.Remove((*f).Name())
	}
	return in, nil
}

func (in *incoming) close() {
	for _, f := range []*os.File{in.pack, in.data} {
		if f != nil {
			_ = f.Close()
			_ = os.Remove(f.Name()) // it is gone, but for systems that keep what is open
		}
	}
}

// commands reads what comes before the pack, which is short.
type commands struct {
	io.Reader
	in   *incoming
	left int64
}

func (c *commands) Read(b []byte) (int, error) {
	if !c.in.begun && c.left <= 0 {
		return 0, refuse("the push names too many references")
	}
	n, err := c.Reader.Read(b)
	c.left -= int64(n)
	return n, err
}

// PackfileWriter takes the pack.
func (in *incoming) PackfileWriter() (io.WriteCloser, error) {
	in.begun = true
	return (*packReceiver)(in), nil
}

// LowMemoryMode says that objects are read again where they are needed.
func (in *incoming) LowMemoryMode() bool { return true }

// packReceiver puts a pack into its file. What is wrong with it is told later, where git shows it.
type packReceiver incoming

func (p *packReceiver) Write(b []byte) (int, error) {
	p.packed += int64(len(b))
	if p.packed > p.limits.Pack {
		p.broken = refuse("the push has more than %s, the most that is taken at once: push fewer commits at a time", codeforge.Bytes(p.limits.Pack))
	}
	if p.broken != nil {
		return len(b), nil // the rest is passed over, so that git reads the answer
	}
	if _, err := p.pack.Write(b); err != nil {
		p.broken = noRoom(err)
	}
	return len(b), nil
}

func noRoom(err error) error {
	return &codeforge.Error{Kind: codeforge.Unavailable, Message: "the server has no room to take the push in", Cause: err}
}

// Close unpacks what came.
func (p *packReceiver) Close() error {
	in := (*incoming)(p)
	if in.broken == nil {
		in.broken = in.unpackAll()
	}
	return nil
}

func (in *incoming) unpackAll() error {
	if err := in.measure(); err != nil {
		return err
	}
	if _, err := in.pack.Seek(0, io.SeekStart); err != nil {
		return noRoom(err)
	}
	_, err := packfile.NewParser(in.pack, packfile.WithStorage(in)).Parse()
	switch e := (*codeforge.Error)(nil); {
	case err == nil || in.ctx.Err() != nil:
		return in.ctx.Err()
	case in.view.err != nil:
		return in.view.err
	case errors.As(err, &e):
		return e
	}
	return refuse("the pack is damaged: push again")
}

// measure goes through a pack before anything is made of it: what it says that it holds, and what it holds, is bounded.
func (in *incoming) measure() error {
	if _, err := in.pack.Seek(0, io.SeekStart); err != nil {
		return noRoom(err)
	}
	r := bufio.NewReaderSize(in.pack, 64<<10)
	var head [12]byte
	if _, err := io.ReadFull(r, head[:]); err != nil || string(head[:4]) != "PACK" {
		return refuse("the pack is damaged: push again")
	}
	count := binary.BigEndian.Uint32(head[8:])
	if count > mostObjects {
		return refuse("the push has %d objects, at most %d are taken at once: push fewer commits at a time", count, mostObjects)
	}
	if err := in.hold(int64(count) * 2 * objectCost); err != nil {
		return err
	}
	var all int64
	var z io.ReadCloser
	for range count {
		size, err := in.measureEntry(r, &z)
		if err != nil {
			return err
		}
		if all += size; all > unpackedMore*in.limits.Pack {
			return refuse("the objects of the push have more than %s, the most that is taken at once: push fewer commits at a time", codeforge.Bytes(unpackedMore*in.limits.Pack))
		}
	}
	return nil
}

// measureEntry reads one entry and says how many bytes it is unpacked, its delta included.
func (in *incoming) measureEntry(r *bufio.Reader, z *io.ReadCloser) (int64, error) {
	damaged := refuse("the pack is damaged: push again")
	kind, size, err := entryHead(r)
	if err != nil {
		return 0, damaged
	}
	switch kind {
	case plumbing.OFSDeltaObject:
		for b := byte(0x80); b&0x80 != 0; {
			if b, err = r.ReadByte(); err != nil {
				return 0, damaged
			}
		}
	case plumbing.REFDeltaObject:
		if _, err := r.Discard(sha1.Size); err != nil {
			return 0, damaged
		}
	}
	most := max(in.limits.File, mostMeta)
	if kind == plumbing.CommitObject || kind == plumbing.TreeObject || kind == plumbing.TagObject {
		most = mostMeta
	}
	tooLarge := func(n int64) error {
		return refuse("a file or another object of the push has %s, the most is %s", codeforge.Bytes(n), codeforge.Bytes(most))
	}
	if size > most {
		return 0, tooLarge(size)
	}
	if *z == nil {
		*z, err = zlib.NewReader(r)
	} else {
		err = (*z).(zlib.Resetter).Reset(r, nil)
	}
	start := &prefix{}
	var n int64
	if err == nil {
		n, err = io.Copy(start, io.LimitReader(*z, size+1)) // the end is read too, and the sum behind it
	}
	if err != nil || n != size {
		return 0, damaged
	}
	if kind != plumbing.OFSDeltaObject && kind != plumbing.REFDeltaObject {
		return size, nil
	}
	b := bytes.NewReader(start.b)
	if _, err := binary.ReadUvarint(b); err != nil { // of what it is applied to
		return 0, damaged
	}
	target, err := binary.ReadUvarint(b)
	if err != nil {
		return 0, damaged
	}
	if target > uint64(most) {
		return 0, tooLarge(int64(min(target, 1<<62)))
	}
	return size + int64(target), nil
}

// prefix keeps the first bytes that are written.
type prefix struct{ b []byte }

func (p *prefix) Write(b []byte) (int, error) {
	p.b = append(p.b, b[:min(len(b), 32-len(p.b))]...)
	return len(b), nil
}

// RawObjectWriter takes one object.
func (in *incoming) RawObjectWriter(kind plumbing.ObjectType, size int64) (io.WriteCloser, error) {
	return &objectWriter{in: in, kind: kind, size: size, sum: naming(kind, size)}, nil
}

// objectWriter writes an object behind all others.
type objectWriter struct {
	in      *incoming
	kind    plumbing.ObjectType
	size, n int64
	sum     hash.Hash
}

func (w *objectWriter) Write(b []byte) (int, error) {
	if w.n+int64(len(b)) > w.size {
		return 0, refuse("the pack is damaged: push again")
	}
	w.sum.Write(b)
	n, err := w.in.data.WriteAt(b, w.in.size+w.n)
	w.n += int64(n)
	if err != nil {
		return n, noRoom(err)
	}
	return n, nil
}

func (w *objectWriter) Close() error {
	if w.n != w.size {
		return refuse("the pack is damaged: push again")
	}
	var i id
	w.sum.Sum(i[:0])
	if _, there := w.in.index[i]; !there {
		w.in.index[i] = stored{w.kind, w.in.size, w.size}
		w.in.size += w.size
	}
	return nil
}

// find says what kind an object is of and how large, be it of the push or known before.
func (in *incoming) find(i id) (kind plumbing.ObjectType, size int64, fresh, ok bool) {
	if o, ok := in.get(i); ok {
		return o.kind, o.size(), false, true
	}
	o, ok := in.index[i]
	return o.kind, o.size, ok, ok
}

// bytes reads an object.
func (in *incoming) bytes(i id) ([]byte, error) {
	if o, ok := in.get(i); ok {
		if o.kind == plumbing.BlobObject {
			return in.blob(i)
		}
		return o.data, nil
	}
	o, ok := in.index[i]
	if !ok {
		return nil, refuse("the object %s is missing: fetch, and push again", i)
	}
	data := make([]byte, o.size)
	if _, err := in.data.ReadAt(data, o.offset); err != nil {
		return nil, noRoom(err)
	}
	return data, nil
}

// trees gives the entries of a tree.
func (in *incoming) trees(i id) ([]entry, error) {
	if kind, _, _, ok := in.find(i); ok && kind != plumbing.TreeObject {
		return nil, errBadTree
	}
	data, err := in.bytes(i)
	if err != nil {
		return nil, err
	}
	return parseTree(data)
}

// commit reads one.
func (in *incoming) commit(i id) (commit, error) {
	if kind, _, _, ok := in.find(i); ok && kind != plumbing.CommitObject {
		return commit{}, refuse("%s is no commit", i)
	}
	data, err := in.bytes(i)
	if err != nil {
		return commit{}, err
	}
	return parseCommit(data)
}

// EncodedObject finds an object, as deltas need them.
func (in *incoming) EncodedObject(t plumbing.ObjectType, h plumbing.Hash) (plumbing.EncodedObject, error) {
	i := idOf(h)
	o, fresh := in.index[i]
	if !fresh {
		return in.view.EncodedObject(t, h)
	}
	if t != plumbing.AnyObject && t != o.kind {
		return nil, plumbing.ErrObjectNotFound
	}
	return &received{viewed{id: i, object: object{kind: o.kind}}, in, o}, nil
}

// received is an object of a push.
type received struct {
	viewed
	in *incoming
	at stored
}

// Size is how many bytes it has.
func (r *received) Size() int64 { return r.at.size }

// Reader reads its bytes.
func (r *received) Reader() (io.ReadCloser, error) {
	return io.NopCloser(io.NewSectionReader(r.in.data, r.at.offset, r.at.size)), nil
}

// HasEncodedObject tells whether there is an object.
func (in *incoming) HasEncodedObject(h plumbing.Hash) error {
	if _, _, _, ok := in.find(idOf(h)); !ok {
		return plumbing.ErrObjectNotFound
	}
	return nil
}

// SetReference does nothing: the revisions are made, and with them main is where it was pushed to.
func (in *incoming) SetReference(*plumbing.Reference) error { return nil }

// CheckAndSetReference does nothing either.
func (in *incoming) CheckAndSetReference(_, _ *plumbing.Reference) error { return nil }
