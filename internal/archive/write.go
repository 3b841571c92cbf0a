package archive

import (
	"archive/tar"
	"archive/zip"
	"compress/gzip"
	"io"
	"time"
)

// Writer makes an archive whose bytes follow from the files alone: no times, no owners, no ways of this machine.
type Writer struct {
	zip *zip.Writer
	gz  *gzip.Writer
	tar *tar.Writer
}

// written is the time of every file: the earliest that a zip can say.
var written = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// ours marks archives of this program, whose paths begin at the top of the project.
const ours = "Files of a CodeForge project"

// NewWriter writes a zip or a tar.gz to w.
func NewWriter(f Format, w io.Writer) *Writer {
	if f == Zip {
		z := zip.NewWriter(w)
		_ = z.SetComment(ours) // it is short enough
		return &Writer{zip: z}
	}
	gz := gzip.NewWriter(w)
	gz.Comment = ours
	return &Writer{gz: gz, tar: tar.NewWriter(gz)}
}

// Add writes a file. Paths come in order, each once.
func (w *Writer) Add(p string, content []byte) error {
	if w.zip != nil {
		h := &zip.FileHeader{Name: p, Method: zip.Deflate, Modified: written}
		h.SetMode(0o644)
		f, err := w.zip.CreateHeader(h)
		if err == nil {
			_, err = f.Write(content)
		}
		return err
	}
	if err := w.tar.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: p, Mode: 0o644, Size: int64(len(content)), ModTime: written}); err != nil {
		return err
	}
	_, err := w.tar.Write(content)
	return err
}

// Flush writes what was added so far.
func (w *Writer) Flush() error {
	if w.zip != nil {
		return w.zip.Flush()
	}
	return nil
}

// Close ends the archive. It does not close what it writes to.
func (w *Writer) Close() error {
	if w.zip != nil {
		return w.zip.Close()
	}
	if err := w.tar.Close(); err != nil {
		return err
	}
	return w.gz.Close()
}
