package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"codeforge"
	"codeforge/internal/archive"
)

// lockName is where npm and others look for the lock of a project's packages.
const lockName = "package-lock.json"

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
	lock, err := s.exportedLock(ctx, in.ProjectID, rev.Number, names)
	if err != nil {
		return err
	}
	if err := x.acquireBytes(pagedLoad + int64(len(lock)) + largestBlob(names)); err != nil {
		return err
	}
	h := x.Header()
	h["Etag"] = []string{numberTag(rev.Number)}
	if in.IfNoneMatch != "" && noneMatch(in.IfNoneMatch, numberTag(rev.Number)) {
		x.WriteHeader(http.StatusNotModified)
		return nil
	}
	h["Content-Type"] = []string{media}
	h["Content-Disposition"] = []string{attachment(fmt.Sprintf("%s-r%d.%s", fileNameOf(project.Title), rev.Number, format))}
	if x.r.Method == http.MethodHead {
		x.sendHeader()
		return nil
	}
	out := bufio.NewWriterSize(pieces{x, time.Now().Add(answerTimeout)}, pieceBytes)
	w := archive.NewWriter(format, out)
	if err = s.writeFiles(ctx, w, pages, lock); err == nil {
		err = w.Close()
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil { // it has begun, so there is no other way to say that it is not whole
		x.err = err
		panic(http.ErrAbortHandler)
	}
	return nil
}

// exportedLock is the lock that lies beside a revision, where its files do not bring one.
func (s *server) exportedLock(ctx context.Context, projectID string, revision int64, files []codeforge.File) ([]byte, error) {
	manifest := false
	for _, f := range files {
		if f.Path == lockName {
			return nil, nil
		}
		manifest = manifest || f.Path == "package.json"
	}
	if !manifest {
		return nil, nil
	}
	return s.Store.ReadLock(ctx, caller(ctx), projectID, revision)
}

func largestBlob(files []codeforge.File) (most int64) {
	for _, f := range files {
		if f.Hash != "" {
			most = max(most, f.Size)
		}
	}
	return most
}

// writeFiles adds the files to an archive, and the lock at its place among them.
func (s *server) writeFiles(ctx context.Context, w *archive.Writer, pages filePages, lock []byte) error {
	addLock := func() error {
		text := lock
		lock = nil
		return w.Add(lockName, text)
	}
	for files := pages.first; len(files) > 0; {
		for i := range files {
			f := &files[i]
			if lock != nil && f.Path > lockName {
				if err := addLock(); err != nil {
					return err
				}
			}
			data := []byte(f.Content)
			if f.Hash != "" {
				var err error
				if data, err = s.Store.ReadBlob(ctx, caller(ctx), f.ProjectID, f.Hash); err != nil {
					return err
				}
			}
			if err := w.Add(f.Path, data); err != nil {
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
	if lock != nil {
		return addLock()
	}
	return nil
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
