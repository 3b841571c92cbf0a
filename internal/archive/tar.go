package archive

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"codeforge"
)

type tarSource struct {
	r      io.ReaderAt
	size   int64
	packed bool
	limits Limits
	ours   bool
}

func (t *tarSource) isOurs() bool { return t.ours }

func (t *tarSource) each(ctx context.Context, do func(int, *entry) error) error {
	in := &meter{ctx: ctx, r: io.NewSectionReader(t.r, 0, t.size)}
	out := &meter{ctx: ctx, r: in, limit: t.limits.Unpacked + mostDirectory + int64(t.limits.Entries)*2048} // with headers
	if t.packed {
		z, err := gzip.NewReader(bufio.NewReaderSize(in, 64<<10))
		if err != nil {
			return damaged(err)
		}
		out.r, out.packed, t.ours = z, in, z.Comment == ours
	}
	archive := tar.NewReader(bufio.NewReaderSize(out, 64<<10))
	for i := 0; ; i++ {
		h, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		e := &entry{name: h.Name, size: h.Size}
		switch {
		case h.Typeflag == tar.TypeXGlobalHeader: // says something of all entries that nothing here asks for
			continue
		case h.Typeflag == tar.TypeDir:
			e.kind, e.size = folder, 0
		case h.Typeflag == tar.TypeSymlink, h.Typeflag == tar.TypeLink:
			e.kind, e.size = link, 0
		case h.Typeflag != tar.TypeReg, sparse(h):
			e.kind, e.size = special, 0
		default:
			e.open = func() (io.Reader, error) { return archive, nil }
		}
		if err := do(i, e); err != nil {
			return err
		}
	}
}

// sparse tells a file that says where it has holes, so that a few bytes unpack to any number.
func sparse(h *tar.Header) bool {
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return true
		}
	}
	return h.Typeflag == tar.TypeGNUSparse
}

// meter counts what is read, and ends it where it is too much.
type meter struct {
	ctx    context.Context
	r      io.Reader
	limit  int64 // 0: none
	packed *meter
	n      int64
}

func (m *meter) Read(p []byte) (int, error) {
	if m.ctx.Err() != nil {
		return 0, context.Cause(m.ctx)
	}
	n, err := m.r.Read(p)
	m.n += int64(n)
	switch {
	case m.limit > 0 && m.n > m.limit:
		return n, refused("unpacks to more than %s", codeforge.Bytes(m.limit))
	case m.packed != nil && m.n > freeUnpacked && m.n/mostRatio > m.packed.n:
		return n, errRatio()
	}
	return n, err
}

// isTarHeader tells a tar of before the standard, by the sum that its first block has of itself.
func isTarHeader(b []byte) bool {
	if len(b) < 512 || b[0] == 0 {
		return false
	}
	want, err := strconv.ParseInt(strings.Trim(string(b[148:156]), " \x00"), 8, 64)
	if err != nil {
		return false
	}
	sum := int64(8 * ' ') // its own field counts as blanks
	for i, c := range b[:512] {
		if i < 148 || i >= 156 {
			sum += int64(c)
		}
	}
	return sum == want
}
