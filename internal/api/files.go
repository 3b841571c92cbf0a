package api

import (
	"cmp"
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// file is a file as it is sent.
type file struct {
	ID        string    `json:"id" format:"uuid"`
	ProjectID string    `json:"project_id" format:"uuid"`
	Path      string    `json:"path" example:"src/app/[id]/page.tsx"`
	Content   *string   `json:"content,omitempty" doc:"Left out by ?content=false. Of what is no text of at most 100,000 characters it comes with the file alone, in base64."`
	Encoding  string    `json:"encoding,omitempty" enum:"base64" doc:"Of what is no text of at most 100,000 characters."`
	Hash      string    `json:"hash,omitempty" doc:"Of such a file: the SHA-256 of its bytes."`
	Language  string    `json:"language" example:"tsx"`
	Version   int64     `json:"version" doc:"Counts the changes of this path."`
	Size      int64     `json:"size" doc:"Bytes of the content."`
	Revision  int64     `json:"revision" doc:"The revision of the project that wrote it."`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

func fileOf(f *codeforge.File, content bool) file {
	out := file{f.ID, f.ProjectID, f.Path, nil, f.Encoding, f.Hash, f.Language, f.Version, f.Size, f.Revision, f.CreatedAt, f.UpdatedAt}
	if content && f.Hash == "" {
		out.Content = &f.Content
	}
	return out
}

type fileOutput struct {
	ETag string `header:"ETag" doc:"The version; may come back in If-Match."`
	Body *file
}

func fileAnswer(f *codeforge.File) *fileOutput {
	return &fileOutput{numberTag(f.Version), new(fileOf(f, true))}
}

type fileList struct {
	ProjectID string    `json:"project_id" format:"uuid"`
	Count     int       `json:"count" written:"last"`
	Revision  int64     `json:"revision" doc:"The state of the project that this is."`
	Files     filePages `json:"files" doc:"Sorted by path."`

	ready []byte // the list as it is sent, from the cache
}

func newFileList(projectID string, revision int64, files filePages) *fileList {
	l := &fileList{ProjectID: projectID, Revision: revision, Files: files}
	l.Files.count = &l.Count
	return l
}

func (l *fileList) encodedJSON() []byte { return l.ready }
func (l *fileList) paged() bool         { return l.Files.next != nil }

type listFilesInput struct {
	ProjectPath
	Content     bool   `query:"content" default:"true" doc:"false leaves the contents out, which is much faster."`
	IfNoneMatch string `header:"If-None-Match" doc:"An ETag: 304 if no file changed."`
}

type listFilesOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The revision of the project."`
	Body   *fileList
}

func (s *server) listFiles(ctx context.Context, in *listFilesInput) (*listFilesOutput, error) {
	unless := int64(-1)
	var ready []byte
	if n, ok := numberOf(in.IfNoneMatch); ok {
		unless = n
	} else if !in.Content {
		if l, ok := s.lists.Get(in.ProjectID); ok {
			unless, ready = l.revision, l.body
		}
	}
	out := &listFilesOutput{Status: http.StatusOK}
	var revision int64
	if !in.Content || unless >= 0 {
		rows, number, err := s.Store.ListFiles(ctx, caller(ctx), in.ProjectID, false, unless)
		if err != nil {
			return nil, err
		}
		revision = number
		switch {
		case revision == unless && ready != nil:
			out.Body = &fileList{ready: ready}
		case revision == unless:
			out.Status = http.StatusNotModified
		case !in.Content:
			out.Body = newFileList(in.ProjectID, revision, filePages{first: rows, bare: true})
			w := answerWriter{b: make([]byte, 0, 400*len(rows)+200)}
			if err := w.value(out.Body); err != nil {
				return nil, err
			}
			out.Body.ready = w.b
			// A slower reader of an older state may come last: the next one finds that it is old.
			s.lists.Put(in.ProjectID, keptList{revision, w.b}, cap(w.b))
		}
	}
	if out.Body == nil && out.Status == http.StatusOK {
		rev, pages, err := s.pages(ctx, in.ProjectID, 0, false)
		if err != nil {
			return nil, err
		}
		revision = rev.Number
		out.Body = newFileList(in.ProjectID, revision, pages)
	}
	out.ETag = numberTag(revision)
	return out, nil
}

// keptList is a list without contents as it is sent, the newest of its project. Whether it is still true, and the caller's, the store
// says each time.
type keptList struct {
	revision int64
	body     []byte
}

// keptLists bounds the bytes of such lists.
const keptLists = 32 << 20

// fileBody is a file to put, as JSON.
type fileBody struct {
	Path     *string `json:"path,omitempty" minLength:"1" maxLength:"500" example:"src/index.ts" doc:"Any safe relative path. Required here or in the query."`
	Content  *string `json:"content,omitempty" exact:"true" doc:"Required here or in the query; may be empty. Text has at most 100,000 characters."`
	Encoding *string `json:"encoding,omitempty" enum:"base64" doc:"What content is written in, where it is not the text itself."`
	Language *string `json:"language,omitempty" maxLength:"50" example:"typescript" doc:"Derived from the path when left out."`
}

type createFileInput struct {
	ProjectPath
	IfMatchHeader
	IfNoneMatch string    `header:"If-None-Match" doc:"*: only if the file does not exist, else 409."`
	Path        string    `query:"path" maxLength:"500" doc:"The path, when it is not in the body."`
	Content     string    `query:"content" maxLength:"100000" doc:"The content, when it is not in the body."`
	Language    string    `query:"language" maxLength:"50" doc:"The language, when it is not in the body."`
	Body        *fileBody `required:"false"`

	content []byte
}

// Resolve makes one of query and body, in Body.
func (in *createFileInput) Resolve(ctx huma.Context) []error {
	if in.Body == nil {
		in.Body = &fileBody{}
	}
	u := ctx.URL()
	query := u.Query()
	var errs []error
	merge := func(name string, body **string, clean func(string) string, required bool) {
		if !query.Has(name) {
			if *body == nil && required {
				errs = append(errs, fieldError{name, "Field required", "missing"})
			}
			return
		}
		text := clean(query.Get(name))
		switch {
		case !utf8.ValidString(text):
			errs = append(errs, fieldError{name, "Must be valid UTF-8", "unicode_error"})
		case holdsNUL(text):
			errs = append(errs, fieldError{name, "Must not hold NUL characters", "nul_character"})
		case *body != nil && **body != text:
			errs = append(errs, fieldError{name, "Differs between query and body: give it once", "value_error"})
		}
		*body = &text
	}
	merge("path", &in.Body.Path, strings.TrimSpace, true)
	merge("content", &in.Body.Content, strings.Clone, true)
	merge("language", &in.Body.Language, strings.TrimSpace, false)
	if in.Body.Content != nil {
		var err *fieldError
		if in.content, err = readContent(*in.Body.Content, in.Body.Encoding); err != nil {
			errs = append(errs, *err)
		}
	}
	return errs
}

func holdsNUL(s string) bool {
	for i := range len(s) {
		if s[i] == 0 {
			return true
		}
	}
	return false
}

func (s *server) createFile(ctx context.Context, in *createFileInput) (*fileOutput, error) {
	w := codeforge.FileWrite{Path: *in.Body.Path}
	if in.Body.Language != nil {
		w.Language = *in.Body.Language
	}
	if in.IfNoneMatch == "*" {
		w.IfVersion = new(int64)
	}
	return s.writeFile(ctx, in.ProjectID, in.IfMatch, w, in.content)
}

func (s *server) writeFile(ctx context.Context, projectID, ifMatch string, w codeforge.FileWrite, content []byte) (*fileOutput, error) {
	cond, err := parseIfMatch(ifMatch)
	if err == nil && cond.tag != "" {
		err = codeforge.InvalidField("If-Match", "must be * or the file's version")
	}
	if err == nil {
		err = codeforge.CheckPath(w.Path)
	}
	if err != nil {
		return nil, s.ownFirst(ctx, projectID, err)
	}
	if err := s.setContent(ctx, projectID, &w, content); err != nil {
		return nil, err
	}
	w.MustExist = w.MustExist || cond.any
	if cond.number != nil {
		w.IfVersion = cond.number
	}
	f, err := s.Store.WriteFile(ctx, caller(ctx), projectID, w)
	if err != nil {
		return nil, err
	}
	return fileAnswer(&f), nil
}

// ownFirst returns err, unless the project is not the caller's: whose it is comes before what is wrong.
func (s *server) ownFirst(ctx context.Context, projectID string, err error) error {
	if _, missing := s.Store.GetProject(ctx, caller(ctx), projectID); missing != nil {
		return missing
	}
	return err
}

// FilePath is a file in the path of a request.
type FilePath struct {
	ProjectPath
	Path string `path:"path" doc:"Path of the file; its slashes may stand as they are."`
}

type getFileInput struct {
	FilePath
	IfNoneMatch string `header:"If-None-Match" doc:"An ETag: 304 if the file did not change."`
	Raw         bool   `query:"raw" doc:"true: the bytes of the file, as with an Accept header that names another type than JSON."`
}

type getFileOutput struct {
	Status int
	ETag   string `header:"ETag" doc:"The version; may come back in If-Match."`
	Body   *file
}

func (s *server) getFile(ctx context.Context, in *getFileInput) (*getFileOutput, error) {
	f, err := s.Store.GetFile(ctx, caller(ctx), in.ProjectID, in.Path)
	if err != nil {
		return nil, whyMissing(err, in.Path)
	}
	x, _ := exchangeOf(ctx)
	x.Header().Add("Vary", "Accept")
	if wantsBytes(x.r, in.Raw) {
		return nil, s.sendFile(ctx, &f)
	}
	out := &getFileOutput{http.StatusOK, numberTag(f.Version), new(fileOf(&f, true))}
	if in.IfNoneMatch != "" && noneMatch(in.IfNoneMatch, out.ETag) {
		out.Status = http.StatusNotModified
		return out, nil
	}
	if f.Hash != "" {
		if err := x.acquireBytes(2 * encodedFile(f.Size)); err != nil { // here and in the answer
			return nil, err
		}
		data, err := s.Store.ReadBlob(ctx, x.user, in.ProjectID, f.Hash)
		if err != nil {
			return nil, err
		}
		out.Body.Content = new(base64.StdEncoding.EncodeToString(data))
	}
	return out, nil
}

// whyMissing is the error for a file that is not there: the rule that its path breaks, if it breaks one. Such a file may be
// there all the same, from before the rule, so it is looked for first.
func whyMissing(err error, path string) error {
	e, ok := errors.AsType[*codeforge.Error](err)
	if !ok || e.Kind != codeforge.Missing || e.Details["resource"] != "File" {
		return err
	}
	return cmp.Or(codeforge.CheckPath(path), err)
}

type fileUpdate struct {
	Content  string  `json:"content" exact:"true" doc:"Text has at most 100,000 characters."`
	Encoding *string `json:"encoding,omitempty" enum:"base64" doc:"What content is written in, where it is not the text itself."`
	Language *string `json:"language,omitempty" maxLength:"50" doc:"Kept when left out."`
}

type updateFileInput struct {
	FilePath
	IfMatchHeader
	Body fileUpdate

	content []byte
}

// Resolve reads the content.
func (in *updateFileInput) Resolve(huma.Context) []error {
	var err *fieldError
	if in.content, err = readContent(in.Body.Content, in.Body.Encoding); err != nil {
		return []error{*err}
	}
	return nil
}

func (s *server) updateFile(ctx context.Context, in *updateFileInput) (*fileOutput, error) {
	w := codeforge.FileWrite{Path: in.Path, MustExist: true}
	if in.Body.Language != nil {
		w.Language = *in.Body.Language
	}
	return s.writeFile(ctx, in.ProjectID, in.IfMatch, w, in.content)
}

type deleteFileInput struct {
	FilePath
	IfMatchHeader
}

type fileDeleted struct {
	Message string `json:"message" example:"File deleted"`
	Path    string `json:"path"`
}

type fileDeletedOutput struct{ Body fileDeleted }

func (s *server) deleteFile(ctx context.Context, in *deleteFileInput) (*fileDeletedOutput, error) {
	cond, err := parseIfMatch(in.IfMatch)
	if err == nil && cond.tag != "" {
		err = codeforge.InvalidField("If-Match", "must be * or the file's version")
	}
	if err != nil {
		return nil, s.ownFirst(ctx, in.ProjectID, err)
	}
	if err := s.Store.DeleteFile(ctx, caller(ctx), in.ProjectID, in.Path, cond.number); err != nil {
		return nil, whyMissing(err, in.Path)
	}
	return &fileDeletedOutput{fileDeleted{"File deleted", in.Path}}, nil
}
