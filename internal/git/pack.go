package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/go-git/go-git/v6/plumbing"
)

// packBytes is about how large a pack becomes in which objects are kept.
const packBytes = 4 << 20

// packed is an object in a pack.
type packed struct {
	kind   plumbing.ObjectType
	id     id
	offset int64 // of its entry
	data   []byte
}

// packWriter writes objects, whole and compressed, as a pack.
type packWriter struct {
	body  bytes.Buffer
	count uint32
	z     *zlib.Writer // which takes a megabyte, for all of them
}

func (w *packWriter) add(kind plumbing.ObjectType, data []byte) error {
	w.count++
	size := len(data)
	b := byte(kind)<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		w.body.WriteByte(b | 0x80)
		b = byte(size & 0x7f)
	}
	w.body.WriteByte(b)
	if w.z == nil {
		w.z = zlib.NewWriter(&w.body)
	} else {
		w.z.Reset(&w.body)
	}
	if _, err := w.z.Write(data); err != nil {
		return err
	}
	return w.z.Close()
}

// bytes is the pack of all that was added.
func (w *packWriter) bytes() []byte {
	b := binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), w.count)
	b = append(b, w.body.Bytes()...)
	sum := sha1.Sum(b)
	return append(b, sum[:]...)
}

var errBadPack = errors.New("a pack that is kept is damaged")

// readPack calls yield with each object of a pack of whole ones.
func readPack(pack []byte, yield func(packed) error) error {
	if len(pack) < 12+sha1.Size || string(pack[:8]) != "PACK\x00\x00\x00\x02" {
		return errBadPack
	}
	r := bytes.NewReader(pack[:len(pack)-sha1.Size])
	_, _ = r.Seek(12, io.SeekStart)
	for range binary.BigEndian.Uint32(pack[8:12]) {
		p := packed{offset: r.Size() - int64(r.Len())}
		var err error
		if p.kind, p.data, err = readEntry(r); err != nil {
			return err
		}
		p.id = name(p.kind, p.data)
		if err := yield(p); err != nil {
			return err
		}
	}
	return nil
}

// unpack is the object at an offset of a pack of whole ones.
func unpack(pack []byte, offset int64) ([]byte, error) {
	if offset < 12 || offset >= int64(len(pack)) {
		return nil, errBadPack
	}
	_, data, err := readEntry(bytes.NewReader(pack[offset:]))
	return data, err
}

// entryHead is the beginning of an entry of a pack.
func entryHead(r io.ByteReader) (kind plumbing.ObjectType, size int64, err error) {
	b, err := r.ReadByte()
	if err != nil {
		return 0, 0, err
	}
	kind, size = plumbing.ObjectType(b>>4&7), int64(b&15)
	for shift := 4; b&0x80 != 0; shift += 7 {
		if b, err = r.ReadByte(); err != nil {
			return 0, 0, err
		}
		if shift > 40 {
			return 0, 0, errors.New("an object says that it is too large")
		}
		size |= int64(b&0x7f) << shift
	}
	return kind, size, nil
}

func readEntry(r interface {
	io.Reader
	io.ByteReader
}) (kind plumbing.ObjectType, data []byte, err error) {
	kind, size, err := entryHead(r)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errBadPack, err)
	}
	z, err := zlib.NewReader(r)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", errBadPack, err)
	}
	defer z.Close()
	data = make([]byte, size)
	if _, err = io.ReadFull(z, data); err == nil {
		var more int
		if more, err = z.Read(make([]byte, 1)); more > 0 || err == nil {
			return 0, nil, errBadPack
		}
	}
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, nil, fmt.Errorf("%w: %w", errBadPack, err)
	}
	return kind, data, nil
}
