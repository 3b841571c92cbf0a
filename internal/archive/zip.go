package archive

import (
	"archive/zip"
	"context"
	"errors"
	"io"
	"io/fs"
	"strings"

	"codeforge"
)

// mostDirectory bounds what the list of names in a zip may take, which is read into memory before anything of it is known.
const mostDirectory = 32 << 20

type zipSource struct {
	files   []*zip.File
	comment string
}

func (z *zipSource) isOurs() bool { return z.comment == ours }

func openZip(r io.ReaderAt, size int64, l Limits) (*zipSource, error) {
	bounded := &boundedReaderAt{r: r, left: mostDirectory}
	z, err := zip.NewReader(bounded, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) { // names are looked at by us
		return nil, damaged(err)
	}
	bounded.left = 1<<63 - 1
	var unpacked uint64
	for _, f := range z.File {
		if unpacked += f.UncompressedSize64; f.UncompressedSize64 > uint64(l.Unpacked) || unpacked > uint64(l.Unpacked) {
			return nil, refused("unpacks to more than %s", codeforge.Bytes(l.Unpacked))
		}
	}
	// Entries that share their packed bytes are caught by this too: together they are larger than the archive allows.
	if unpacked > freeUnpacked && int64(unpacked)/mostRatio > size {
		return nil, errRatio()
	}
	return &zipSource{z.File, z.Comment}, nil
}

func errRatio() error {
	return refused("unpacks to more than %d times its size, as archives do that are made to fill disks", mostRatio)
}

// boundedReaderAt reads so much and no more.
type boundedReaderAt struct {
	r    io.ReaderAt
	left int64
}

func (b *boundedReaderAt) ReadAt(p []byte, at int64) (int, error) {
	if b.left -= int64(len(p)); b.left < 0 {
		return 0, refused("has a list of names of more than %s", codeforge.Bytes(mostDirectory))
	}
	return b.r.ReadAt(p, at)
}

func (z *zipSource) each(ctx context.Context, do func(int, *entry) error) error {
	for i, f := range z.files {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		e := &entry{name: f.Name, size: int64(f.UncompressedSize64)}
		if !strings.Contains(e.name, "/") { // written by a packer that takes Windows' slash
			e.name = strings.ReplaceAll(e.name, `\`, "/")
		}
		mode := f.Mode()
		switch {
		case strings.HasSuffix(e.name, "/"), mode.IsDir():
			e.kind, e.size = folder, 0
		case mode&fs.ModeSymlink != 0:
			e.kind = link
		case !mode.IsRegular():
			e.kind = special
		case f.Flags&1 != 0, f.Method != zip.Store && f.Method != zip.Deflate:
			e.kind = unreadable
		default:
			e.open = func() (io.Reader, error) { return f.Open() }
		}
		if err := do(i, e); err != nil {
			return err
		}
	}
	return nil
}
