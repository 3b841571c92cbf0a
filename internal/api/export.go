package api

import (
	"bufio"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
	"unicode"

	"codeforge"
	"codeforge/internal/archive"
	"codeforge/internal/evidence"
)

type exportInput struct {
	ProjectPath
	Revision    int64  `query:"revision" minimum:"1" doc:"An older revision. Left out: the newest."`
	IfNoneMatch string `header:"If-None-Match" doc:"An ETag: 304 if it is still that revision."`
}

// exportOutput stands for an answer that the operation writes itself.
type exportOutput struct {
	ETag string `header:"ETag" doc:"The revision."`
}

func (s *server) exportZip(ctx context.Context, in *exportInput) (*exportOutput, error) {
	return nil, s.export(ctx, in, archive.Zip, "application/zip")
}

func (s *server) exportTarGz(ctx context.Context, in *exportInput) (*exportOutput, error) {
	return nil, s.export(ctx, in, archive.TarGz, "application/gzip")
}

// export writes the files of a revision as an archive, while it reads them.
func (s *server) export(ctx context.Context, in *exportInput, format archive.Format, media string) error {
	x, _ := exchangeOf(ctx)
	project, err := s.Store.GetProject(ctx, x.user, in.ProjectID)
	if err != nil {
		return err
	}
	rev, pages, err := s.pages(ctx, in.ProjectID, in.Revision, false)
	if err != nil {
		return err
	}
	_, names, err := s.Store.RevisionFiles(ctx, x.user, in.ProjectID, rev.Number, codeforge.Page{Bare: true})
	if err != nil {
		return err
	}
	locks, err := s.exportedLocks(ctx, in.ProjectID, rev.Number, names)
	if err != nil {
		return err
	}
	held := pagedLoad + largestBlob(names)
	for _, text := range locks {
		held += int64(len(text))
	}
	if err := x.acquireBytes(held); err != nil {
		return err
	}
	h := x.Header()
	h["Etag"] = []string{numberTag(rev.Number)}
	if in.IfNoneMatch != "" && noneMatch(in.IfNoneMatch, numberTag(rev.Number)) {
		x.WriteHeader(http.StatusNotModified)
		return nil
	}
	x.sendArchive(format, media, fmt.Sprintf("%s-r%d.%s", fileNameOf(project.Title), rev.Number, format), func(w *archive.Writer) error {
		return s.writeFiles(ctx, w, "", pages, locks)
	})
	return nil
}

// sendArchive answers with an archive of a name, to which fill adds while it reads.
func (x *exchange) sendArchive(format archive.Format, media, name string, fill func(*archive.Writer) error) {
	x.sendPieces(media, name, func(out *bufio.Writer) error {
		w := archive.NewWriter(format, out)
		if err := fill(w); err != nil {
			return err
		}
		return w.Close()
	})
}

// sendPieces answers with a file of a name, which write makes while it reads. One that cannot be made whole is cut off.
func (x *exchange) sendPieces(media, name string, write func(*bufio.Writer) error) {
	h := x.Header()
	h["Content-Type"] = []string{media}
	h["Content-Disposition"] = []string{attachment(name)}
	x.sendHeader()
	if x.r.Method == http.MethodHead {
		return
	}
	out := bufio.NewWriterSize(pieces{x, time.Now().Add(answerTimeout)}, pieceBytes)
	err := write(out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil { // it has begun, so there is no other way to say that it is not whole
		x.err = err
		panic(http.ErrAbortHandler)
	}
}

// exportedLocks are the locks that lie beside a revision, by their paths, where its files do not bring them.
func (s *server) exportedLocks(ctx context.Context, projectID string, revision int64, files []codeforge.File) (map[string][]byte, error) {
	if !evidence.HasManifest(files) {
		return nil, nil
	}
	kept, err := s.Store.ReadLock(ctx, caller(ctx), projectID, revision)
	if err != nil {
		return nil, err
	}
	locks := evidence.SplitLock(func(yield func(string) bool) {
		for i := range files {
			if !yield(files[i].Path) {
				return
			}
		}
	}, kept)
	for i := range files {
		delete(locks, files[i].Path)
	}
	return locks, nil
}

func largestBlob(files []codeforge.File) (most int64) {
	for _, f := range files {
		if f.Hash != "" {
			most = max(most, f.Size)
		}
	}
	return most
}

// writeFiles adds the files to an archive, in the folder that under names with a slash, and the locks at their places among them.
func (s *server) writeFiles(ctx context.Context, w *archive.Writer, under string, pages filePages, locks map[string][]byte) error {
	left := slices.Sorted(maps.Keys(locks))
	addLocks := func(before string) error {
		for len(left) > 0 && (before == "" || left[0] < before) {
			if err := w.Add(under+left[0], locks[left[0]]); err != nil {
				return err
			}
			left = left[1:]
		}
		return nil
	}
	for files := pages.first; len(files) > 0; {
		for i := range files {
			f := &files[i]
			if err := addLocks(f.Path); err != nil {
				return err
			}
			data := []byte(f.Content)
			if f.Hash != "" {
				var err error
				if data, err = s.Store.ReadBlob(ctx, caller(ctx), f.ProjectID, f.Hash); err != nil {
					return err
				}
			}
			if err := w.Add(under+f.Path, data); err != nil {
				return err
			}
		}
		if pages.next == nil || !isFullPage(files) {
			break
		}
		var err error
		if files, err = pages.next(files[len(files)-1].Path); err != nil {
			return err
		}
	}
	return addLocks("")
}

// fileNameOf makes a name for files of a title: letters and digits of ASCII, in lower case.
func fileNameOf(title string) string {
	words := strings.FieldsFunc(strings.ToLower(title), func(r rune) bool {
		return r >= unicode.MaxASCII || !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	name := strings.Join(words, "-")
	if name == "" {
		return "project"
	}
	return name[:min(len(name), 60)]
}
