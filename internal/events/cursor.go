package events

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"hash/fnv"
)

// A cursor says what a reader of a feed has seen: changes up to a number, and of each job that has not ended for them the events
// up to one. It is opaque to clients, bounded, and its form has a version.
type cursor struct {
	changes int64
	jobs    []jobCursor
	// partial says that there are more jobs than a cursor holds: nobody can go on from there.
	partial bool
}

type jobCursor struct {
	id   string
	last int64
	done bool // the final event was seen, but not the change that tells of the end
}

const (
	cursorForm    = 1
	maxCursorJobs = 64
	// MaxCursor bounds the length of a cursor.
	MaxCursor = 4096
)

// ErrCursor is the error of a text that is no cursor of this feed.
var ErrCursor = errors.New("no cursor of this feed")

// encode makes a text of a cursor of the feed of an owner.
func (c *cursor) encode(of topic) string {
	b := make([]byte, 0, 32+24*len(c.jobs))
	b = append(b, cursorForm)
	b = binary.BigEndian.AppendUint32(b, of.sum())
	b = binary.AppendUvarint(b, uint64(c.changes)<<1|flag(c.partial))
	for _, j := range c.jobs {
		b = append(b, idBytes(j.id)...)
		b = binary.AppendUvarint(b, uint64(j.last)<<1|flag(j.done))
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

func flag(set bool) uint64 {
	if set {
		return 1
	}
	return 0
}

// parseCursor reads the text of a cursor of the feed of an owner, and no other.
func parseCursor(text string, of topic) (c cursor, err error) {
	if len(text) > MaxCursor {
		return c, ErrCursor
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) < 5 || b[0] != cursorForm || binary.BigEndian.Uint32(b[1:]) != of.sum() {
		return c, ErrCursor
	}
	b = b[5:]
	number := func() (n int64, ok bool) {
		u, size := binary.Uvarint(b)
		if size <= 0 || u > 1<<62 || !bytes.Equal(binary.AppendUvarint(nil, u), b[:size]) {
			return 0, false
		}
		b = b[size:]
		return int64(u), true
	}
	n, ok := number()
	if !ok {
		return c, ErrCursor
	}
	c.changes, c.partial = n>>1, n&1 == 1
	for len(b) > 0 {
		if len(b) < 17 || len(c.jobs) == maxCursorJobs {
			return cursor{}, ErrCursor
		}
		j := jobCursor{id: idText(b[:16])}
		b = b[16:]
		if n, ok = number(); !ok {
			return cursor{}, ErrCursor
		}
		j.last, j.done = n>>1, n&1 == 1
		for _, other := range c.jobs {
			if other.id == j.id {
				return cursor{}, ErrCursor
			}
		}
		c.jobs = append(c.jobs, j)
	}
	return c, nil
}

// sum tells the feeds of owners apart. It protects nothing: who follows a feed was let in by its owner.
func (t topic) sum() uint32 {
	h := fnv.New32a()
	h.Write([]byte{byte(t.kind)})
	h.Write([]byte(t.id))
	return h.Sum32()
}

// idBytes are the 16 bytes of a UUID in its canonical form.
func idBytes(id string) []byte {
	var b [16]byte
	n := 0
	for _, part := range [...][2]int{{0, 8}, {9, 13}, {14, 18}, {19, 23}, {24, 36}} {
		if len(id) == 36 {
			m, _ := hex.Decode(b[n:], []byte(id[part[0]:part[1]])) // stores give nothing else
			n += m
		}
	}
	return b[:]
}

// idText is the inverse.
func idText(b []byte) string {
	var out [36]byte
	at := 0
	for _, part := range [...][2]int{{0, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		if at > 0 {
			out[at] = '-'
			at++
		}
		at += hex.Encode(out[at:], b[part[0]:part[1]])
	}
	return string(out[:])
}
