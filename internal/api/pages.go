package api

import (
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

const (
	// pageBytes is how much of a project is read at a time.
	pageBytes = 256 << 10
	// pieceBytes is how much of a long answer is written at a time.
	pieceBytes = 64 << 10
	// pagedLoad is what a long answer holds while it is written: a page, its largest file, and a piece with that in it.
	pagedLoad = 1 << 20

	pieceTimeout  = 20 * time.Second // for a client to take one piece
	answerTimeout = 5 * time.Minute  // for a client to take a long answer
)

// writePaged writes a long answer, or cuts the connection: it has begun, so there is no other way to say that it is not whole.
func writePaged(x *exchange, v any) {
	if x.r.Method == http.MethodHead {
		x.sendHeader()
		return
	}
	if err := x.acquireBytes(pagedLoad); err != nil {
		x.failInstead(err)
		return
	}
	w := &answerWriter{x: x, b: make([]byte, 0, pieceBytes+pieceBytes/4), end: time.Now().Add(answerTimeout)}
	err := w.value(v)
	if err == nil {
		err = w.flush()
	}
	if err != nil {
		x.err = err
		panic(http.ErrAbortHandler)
	}
}

// writePiece writes what has gathered of a paged answer if that is enough for a piece.
func (w *answerWriter) writePiece() error {
	if w.x == nil || len(w.b) < pieceBytes {
		return nil
	}
	return w.flush()
}

func (w *answerWriter) flush() error {
	w.x.extend(w.end)
	_, err := w.x.Write(w.b)
	w.b = w.b[:0]
	return err
}

// failInstead answers with an error in place of what was to be written.
func (x *exchange) failInstead(err error) {
	x.status = 0
	x.Header().Del("Content-Length")
	x.writeError(err)
}

// filePages are the files of a list: the first page, and how to get the others.
type filePages struct {
	first []codeforge.File
	bare  bool
	next  func(after string) ([]codeforge.File, error) // nil: there are no others
	count *int                                         // where the answer says how many there were
}

func (filePages) Schema(r huma.Registry) *huma.Schema {
	return r.Schema(reflect.TypeFor[[]file](), true, "")
}

// pages reads the first page of the files of a revision; for 0 those of the newest, whose number it returns.
func (s *server) pages(ctx context.Context, projectID string, number int64, bare bool) (codeforge.Revision, filePages, error) {
	u := caller(ctx)
	read := func(number int64, after string) (codeforge.Revision, []codeforge.File, error) {
		return s.Store.RevisionFiles(ctx, u, projectID, number, codeforge.Page{After: after, Bytes: pageBytes})
	}
	if bare {
		rev, files, err := s.Store.RevisionFiles(ctx, u, projectID, number, codeforge.Page{Bare: true})
		return rev, filePages{first: files, bare: true}, err
	}
	rev, files, err := read(number, "")
	p := filePages{first: files}
	if err == nil && isFullPage(files) {
		p.next = func(after string) ([]codeforge.File, error) {
			now, files, err := read(number, after)
			if err == nil && now.Number != rev.Number { // it is not the newest any more
				number = rev.Number
				_, files, err = read(number, after)
			}
			return files, err
		}
	}
	return rev, p, err
}

// isFullPage reports whether a page was cut at its bound, so that there may be another.
func isFullPage(files []codeforge.File) bool {
	var n int64
	for i := range files {
		n += textBytes(&files[i])
	}
	return n >= pageBytes
}

// textBytes is what a file counts in a page: blobs are not in it.
func textBytes(f *codeforge.File) int64 {
	if f.Hash != "" {
		return 0
	}
	return f.Size
}

func (p *filePages) stream(w *answerWriter) (err error) {
	w.b = append(w.b, '[')
	for files := p.first; len(files) > 0; {
		more := p.next != nil && isFullPage(files)
		for i := range files {
			if *p.count++; *p.count > 1 {
				w.b = append(w.b, ',')
			}
			f := fileOf(&files[i], !p.bare)
			if err := w.value(&f); err != nil {
				return err
			}
			files[i].Content = ""
			if err := w.writePiece(); err != nil {
				return err
			}
		}
		if !more {
			break
		}
		if files, err = p.next(files[len(files)-1].Path); err != nil {
			return err
		}
	}
	w.b = append(w.b, ']')
	return nil
}
