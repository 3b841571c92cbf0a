package api

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/archive"
)

const (
	defaultMaxImport = 250_000_000
	importPlaces     = 4                // imports that lie on the disk at once
	importTimeout    = 10 * time.Minute // for an archive to arrive
	importedRows     = 500              // of what was left out that are told one by one
	mostImportFields = 4 << 10          // bytes of a JSON body
)

// importLimits bounds an archive: what is left out of one, packages and build output, is often far more than the project.
func (s *server) importLimits() archive.Limits {
	return archive.Limits{Entries: 200_000, Unpacked: 4 * s.MaxImport, Files: codeforge.MaxFiles, Taken: s.MaxImport, File: s.MaxFile, Text: s.MaxText}
}

type importInput struct {
	ProjectPath
	IfMatchHeader
	Mode string `query:"mode" enum:"merge,replace" default:"merge" doc:"What becomes of files that the archive does not have: with merge they stay, with replace they are deleted."`

	media string
	body  io.Reader
}

// Resolve keeps the body, which is read as it comes.
func (in *importInput) Resolve(c huma.Context) []error {
	in.media, in.body = c.Header("Content-Type"), c.BodyReader()
	return nil
}

// imported says what an import made.
type imported struct {
	ProjectID string    `json:"project_id" format:"uuid"`
	Revision  int64     `json:"revision" doc:"The newest one: that of the import, or as before where it changed nothing."`
	Message   string    `json:"message" example:"Import"`
	Mode      string    `json:"mode" enum:"merge,replace"`
	Format    string    `json:"format" enum:"zip,tar,tar.gz"`
	TopFolder string    `json:"top_folder,omitempty" doc:"The one folder that held all, which paths are without."`
	Files     int       `json:"files" doc:"How many of the archive's files the project has now."`
	Bytes     int64     `json:"bytes" doc:"Of those."`
	Created   int       `json:"created"`
	Updated   int       `json:"updated"`
	Unchanged int       `json:"unchanged"`
	Deleted   int       `json:"deleted" doc:"Files of the project that the archive does not have, with mode replace."`
	Kept      int       `json:"kept" doc:"Files of the project that the archive does not have, with mode merge."`
	LeftOut   []leftOut `json:"left_out" doc:"What of the archive is not in the project, and why, by path."`
	MoreOut   int       `json:"left_out_more" doc:"How many further paths were left out that are not listed."`
}

type leftOut struct {
	Path   string `json:"path" doc:"A file, or with a slash at its end a folder with all that is in it."`
	Reason string `json:"reason"`
	Files  int    `json:"files"`
	Bytes  int64  `json:"bytes"`
}

type importOutput struct {
	ETag string `header:"ETag" doc:"The revision of the project."`
	Body imported
}

func (s *server) importProject(ctx context.Context, in *importInput) (*importOutput, error) {
	x, _ := exchangeOf(ctx)
	if _, err := s.Store.GetProject(ctx, x.user, in.ProjectID); err != nil {
		return nil, err
	}
	cond, err := parseIfMatch(in.IfMatch)
	if err == nil && cond.tag != "" {
		err = codeforge.InvalidField("If-Match", "must be * or the project's revision")
	}
	if err != nil {
		return nil, err
	}
	done, err := place(ctx, s.imports)
	if err != nil {
		return nil, err
	}
	defer done()
	f, size, err := s.receive(ctx, x, in)
	if e, ok := errors.AsType[*Error](err); ok {
		return nil, x.prepare(e)
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	// The answer may take longer than others.
	x.extend(time.Now().Add(answerTimeout))
	a, err := archive.Open(ctx, f, size, s.importLimits())
	if err != nil {
		return nil, err
	}
	files, err := s.readArchive(ctx, x, in.ProjectID, a)
	if err != nil {
		return nil, err
	}
	return s.storeImport(ctx, in, cond.number, a, files)
}

// receive puts an archive on the disk, under no name: from the body, or from the address that it gives.
func (s *server) receive(ctx context.Context, x *exchange, in *importInput) (f *tempFile, size int64, err error) {
	end := time.Now().Add(importTimeout)
	arriving := bufio.NewReader(&patientBody{in.body, x, end})
	first, err := arriving.Peek(1) // it may be empty
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, bodyError(err)
	}
	var from io.Reader = arriving
	if isJSONMedia(in.media) || in.media == "" && string(first) == "{" {
		ctx, cancel := context.WithDeadline(ctx, end)
		defer cancel()
		address, err := importAddress(arriving)
		if err != nil {
			return nil, 0, err
		}
		if s.Download == nil {
			return nil, 0, &codeforge.Error{Kind: codeforge.Unsupported, Message: "Addresses are not fetched here: send the archive as the body"}
		}
		fetched, err := s.Download(ctx, address, s.MaxImport)
		if err != nil {
			return nil, 0, err
		}
		defer fetched.Close()
		from = &patientAnswer{fetched, x, end}
	}
	if f, err = newTempFile(s.TempDir); err != nil {
		return nil, 0, err
	}
	if size, err = io.Copy(f, from); err != nil {
		_ = f.Close()
		if _, ok := errors.AsType[*fs.PathError](err); ok {
			return nil, 0, &codeforge.Error{Kind: codeforge.Unavailable, Message: "The server has no room to take the archive in", Cause: err}
		}
		return nil, 0, bodyError(err)
	}
	return f, size, nil
}

// tempFile goes when it is closed, and where systems allow it has no name before.
type tempFile struct{ *os.File }

func newTempFile(dir string) (*tempFile, error) {
	f, err := os.CreateTemp(dir, "import-")
	if err != nil {
		return nil, err
	}
	_ = os.Remove(f.Name())
	return &tempFile{f}, nil
}

func (t *tempFile) Close() error {
	err := t.File.Close()
	_ = os.Remove(t.Name()) // it is gone, but for systems that keep what is open
	return err
}

// importAddress reads the JSON form of an import.
func importAddress(r io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(r, mostImportFields+1))
	if err != nil {
		return "", bodyError(err)
	}
	if len(text) > mostImportFields {
		return "", tooLarge(mostImportFields)
	}
	data, errs := scanJSON(text, trimmedText)
	if errs != nil {
		return "", invalidBody(errs...)
	}
	var body struct {
		URL *string `json:"url"`
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	switch err := d.Decode(&body); {
	case err != nil:
		return "", invalidBody(fieldError{"body", "Must be an object with url, or an archive", "value_error"})
	case body.URL == nil:
		return "", invalidBody(fieldError{"url", "Field required", "missing"})
	}
	return strings.TrimSpace(*body.URL), nil
}

// patientBody is a body of which each piece must arrive in time.
type patientBody struct {
	io.Reader
	x   *exchange
	end time.Time
}

func (p *patientBody) Read(b []byte) (int, error) {
	deadline := time.Now().Add(pieceTimeout)
	if deadline.After(p.end) {
		deadline = p.end
	}
	// Not every writer has deadlines; one without is a test's.
	_ = http.NewResponseController(p.x.ResponseWriter).SetReadDeadline(deadline)
	p.x.extend(p.end)
	return p.Reader.Read(b)
}

// patientAnswer is what another server sends while the client waits.
type patientAnswer struct {
	io.Reader
	x   *exchange
	end time.Time
}

func (p *patientAnswer) Read(b []byte) (int, error) {
	p.x.extend(p.end)
	return p.Reader.Read(b)
}

// readArchive reads what is taken of an archive: contents by path. The bytes of blobs are stored on the way, which is nothing that
// anybody sees.
func (s *server) readArchive(ctx context.Context, x *exchange, projectID string, a *archive.Archive) (map[string]string, error) {
	var most int64
	for _, f := range a.Files {
		if f.Size <= 4*codeforge.MaxContent { // it may be a text
			most += f.Size
		}
	}
	if err := x.acquireBytes(min(most, codeforge.MaxTreeBytes) + s.MaxFile); err != nil {
		return nil, err
	}
	files := make(map[string]string, len(a.Files))
	var size int64
	err := a.Read(ctx, func(p string, content []byte) error {
		x.extend(time.Now().Add(answerTimeout))
		if codeforge.CheckContent(string(content)) == nil {
			if size += int64(len(content)); size > codeforge.MaxTreeBytes {
				return tooLargeArchive(codeforge.MaxTreeBytes, "The texts of a project have at most %s together, the archive has more", codeforge.Bytes(codeforge.MaxTreeBytes))
			}
			files[p] = string(content)
			return nil
		}
		hash, err := s.Store.PutBlob(ctx, x.user, projectID, content)
		files[p] = codeforge.Blob{Hash: hash, Size: int64(len(content))}.Content()
		return err
	})
	x.releaseAbove(size)
	return files, err
}

// storeImport makes the revision, of the project as it is by then.
func (s *server) storeImport(ctx context.Context, in *importInput, head *int64, a *archive.Archive, files map[string]string) (*importOutput, error) {
	if len(files) == 0 {
		e := codeforge.InvalidField("archive", "holds no file that a project can have")
		e.Details["left_out"] = leftOutOf(a.LeftOut[:min(len(a.LeftOut), importedRows)])
		return nil, e
	}
	for range maxMoves {
		revision, now, err := s.newestTree(ctx, in.ProjectID)
		if err != nil {
			return nil, err
		}
		if head != nil && *head != revision {
			return nil, codeforge.MovedError(revision, *head)
		}
		out := &importOutput{Body: imported{ProjectID: in.ProjectID, Mode: in.Mode, Format: string(a.Format), TopFolder: a.Top, Message: "Import"}}
		tree := out.Body.lay(files, now, a.LeftOut)
		if len(tree) > codeforge.MaxFiles {
			return nil, tooLargeArchive(codeforge.MaxFiles, "A project has at most %d files, this would make %d", codeforge.MaxFiles, len(tree))
		}
		rev := codeforge.Revision{Number: revision}
		if changes := changesOf(now, tree); len(changes) > 0 {
			rev, err = s.Store.WriteRevision(ctx, caller(ctx), in.ProjectID, codeforge.TreeChange{Head: revision, Changes: changes, Message: out.Body.Message})
		} else {
			out.Body.Message = "Nothing changed: the project has all of it already"
		}
		if _, moved := codeforge.MovedTo(err); moved && head == nil {
			continue
		}
		if err != nil {
			return nil, err
		}
		out.ETag, out.Body.Revision = numberTag(rev.Number), rev.Number
		return out, nil
	}
	return nil, codeforge.Conflictf("The project changes too fast to be imported into: try again")
}

func tooLargeArchive(most int, format string, args ...any) error {
	return &codeforge.Error{Kind: codeforge.TooLarge, Message: fmt.Sprintf(format, args...), Details: map[string]any{"field": "archive", "limit": most}}
}

// lay puts files of an archive into a project and says what came of it: the tree that it leads to.
func (r *imported) lay(files, now map[string]string, left []archive.LeftOut) map[string]string {
	tree := map[string]string{}
	var beside codeforge.PathSet
	for _, p := range slices.Sorted(maps.Keys(now)) {
		_, replaced := files[p]
		switch {
		case replaced:
		case r.Mode == "merge":
			tree[p] = now[p]
			r.Kept++
		default:
			r.Deleted++
			continue
		}
		_ = beside.Add(p) // what lies in the project lay beside each other, or did before that was a rule
	}
	left = slices.Clone(left)
	for _, p := range slices.Sorted(maps.Keys(files)) {
		content := files[p]
		size := int64(len(content))
		if b, ok := codeforge.BlobOf(content); ok {
			size = b.Size
		}
		was, had := now[p]
		if !had {
			if err := beside.Add(p); err != nil {
				left = append(left, archive.LeftOut{Path: p, Reason: ruleOf(err), Files: 1, Bytes: size})
				continue
			}
		}
		tree[p] = content
		r.Files++
		r.Bytes += size
		switch {
		case !had:
			r.Created++
		case was == content:
			r.Unchanged++
		default:
			r.Updated++
		}
	}
	slices.SortStableFunc(left, func(x, y archive.LeftOut) int { return strings.Compare(x.Path, y.Path) })
	shown := left[:min(len(left), importedRows)]
	r.LeftOut, r.MoreOut = leftOutOf(shown), len(left)-len(shown)
	return tree
}

// ruleOf is the rule that a path breaks.
func ruleOf(err error) string {
	e, _ := errors.AsType[*codeforge.Error](err)
	reason, _ := e.Details["reason"].(string)
	return cmp.Or(reason, err.Error())
}

func leftOutOf(rows []archive.LeftOut) []leftOut {
	out := make([]leftOut, len(rows))
	for i, r := range rows {
		out[i] = leftOut(r)
	}
	return out
}
