package postgres

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"codeforge"
)

// change is codeforge.FileChange as the functions take it.
type change struct {
	ID       string `json:"id"` // for a path that never was
	Path     string `json:"path"`
	Content  string `json:"content"`
	Hash     string `json:"hash,omitempty"` // of a blob, or of a text that the project has; then there is no content
	Language string `json:"language"`
	Fallback string `json:"fallback"` // language when neither the change nor the file has one
	Delete   bool   `json:"delete"`
}

// newChange holds a change to the rules of the domain, whoever made it. A file whose path breaks them, from before, can be
// deleted.
func newChange(c codeforge.FileChange) (change, error) {
	err := c.Check()
	if err == nil && !storable(c.Path) {
		err = codeforge.CheckPath(c.Path)
	}
	if err != nil {
		return change{}, err
	}
	if c.Delete {
		c.Content, c.Hash = "", ""
	}
	return change{codeforge.NewID(), c.Path, c.Content, c.Hash, c.Language, codeforge.LanguageOf(c.Path), c.Delete}, nil
}

func newChanges(all []codeforge.FileChange) ([]change, error) {
	out := make([]change, len(all))
	for i, c := range all {
		var err error
		if out[i], err = newChange(c); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// storable reports whether a file may have a path, if only one from before: the others cannot even be asked for.
func storable(path string) bool {
	return path != "" && utf8.ValidString(path) && !strings.Contains(path, "\x00")
}

func (s *Store) ListFiles(ctx context.Context, u codeforge.User, projectID string, contents bool, unless int64) (files []codeforge.File, revision int64, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, 0, err
	}
	if _, ok := s.direct(); ok {
		files, revision, found, err := s.listFiles(ctx, u, contents, `public.projects p left join public.project_files f on f.project_id = p.id and p.revision <> $3
			where p.id = $1 and p.user_id = $2 order by f.path collate "C"`, projectID, u.ID, unless)
		if err == nil && !found {
			err = codeforge.NotFound("Project", projectID)
		}
		return files, revision, err
	}
	a, err := read[struct {
		Revision int64     `json:"revision"`
		Files    []fileRow `json:"files"`
	}](ctx, s, u, "read_files", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"contents", contents}, arg{"unless", unless})
	return mapRows(a.Files, fileRow.file), a.Revision, err
}

// listFiles reads files natively, from p, a project, and f, its files. As JSON a list takes twice as long, and with contents twenty
// times.
func (s *Store) listFiles(ctx context.Context, as codeforge.User, contents bool, from string, values ...any) (files []codeforge.File, revision int64, found bool, err error) {
	content := "''"
	if contents {
		content = "coalesce(f.content, '')"
	}
	// One statement, so that files and revision are of one moment; a project without files is one row without a path.
	query := `select p.revision, coalesce(f.path, ''), coalesce(f.id, p.id), coalesce(f.language, ''), coalesce(f.version, 0), coalesce(f.size, octet_length(f.content), 0),
		coalesce(f.hash, ''), coalesce(f.revision, 0), coalesce(f.created_at, p.created_at), coalesce(f.updated_at, p.created_at), ` + content + " from " + from
	err = s.readNatively(ctx, "list_files", as, query, values, func(rows pgx.Rows) error {
		files, found = []codeforge.File{}, false
		for rows.Next() {
			found = true
			f := fileRow{ProjectID: values[0].(string)}
			if err := rows.Scan(&revision, &f.Path, &f.ID, &f.Language, &f.Version, &f.Size, &f.Hash, &f.Revision, &f.CreatedAt, &f.UpdatedAt, &f.Content); err != nil {
				return err
			}
			if f.Path != "" {
				files = append(files, f.file())
			}
		}
		return rows.Err()
	})
	if err != nil {
		return nil, 0, false, err
	}
	return files, revision, found, nil
}

func (s *Store) GetFile(ctx context.Context, u codeforge.User, projectID, path string) (f codeforge.File, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return f, err
	}
	sent := path
	if !storable(path) {
		sent = ""
	}
	a, err := read[struct {
		File *fileRow `json:"file"`
	}](ctx, s, u, "read_file", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"path", sent})
	switch {
	case err != nil:
		return f, err
	case a.File == nil:
		return f, codeforge.NotFound("File", path)
	}
	return a.File.file(), nil
}

func (s *Store) WriteFile(ctx context.Context, u codeforge.User, projectID string, w codeforge.FileWrite) (f codeforge.File, err error) {
	f, err = s.writeFile(ctx, u, projectID, codeforge.FileChange{Path: w.Path, Content: w.Content, Hash: w.Hash, Language: w.Language}, w.MustExist, w.IfVersion, w.IfRevision)
	if err != nil {
		return codeforge.File{}, err
	}
	if w.Hash == "" {
		f.Content = w.Content
	}
	return f, nil
}

func (s *Store) DeleteFile(ctx context.Context, u codeforge.User, projectID, path string, ifVersion *int64) error {
	if !storable(path) {
		_, err := s.GetFile(ctx, u, projectID, path) // says which of the two is missing
		return err
	}
	_, err := s.writeFile(ctx, u, projectID, codeforge.FileChange{Path: path, Delete: true}, true, ifVersion, nil)
	return err
}

func (s *Store) writeFile(ctx context.Context, u codeforge.User, projectID string, c codeforge.FileChange, mustExist bool, ifVersion, ifRevision *int64) (f codeforge.File, err error) {
	out, err := newChange(c)
	if err != nil {
		return f, err
	}
	if err := check(u, "Project", projectID); err != nil {
		return f, err
	}
	doc, err := object(out)
	if err != nil {
		return f, err
	}
	row, _, _, err := callFunction[fileRow](ctx, s, functionCall{function: "write_file", args: []arg{{"user", u.ID}, {"project", projectID}, {"change", doc},
		{"must_exist", mustExist}, {"if_version", ifVersion}, {"if_revision", ifRevision}}})
	return row.file(), err
}

func (s *Store) ListRevisions(ctx context.Context, u codeforge.User, projectID string, page, size int) (list []codeforge.Revision, total int, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, 0, err
	}
	a, err := read[struct {
		Total     int           `json:"total"`
		Revisions []revisionRow `json:"revisions"`
	}](ctx, s, u, "read_revisions", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"limit", size}, arg{"offset", int64(page-1) * int64(size)})
	return mapRows(a.Revisions, revisionRow.revision), a.Total, err
}

// readPage asks for a revision and a page of what is in it.
func (s *Store) readPage(ctx context.Context, u codeforge.User, query, projectID string, number int64, p codeforge.Page) (rev codeforge.Revision, a revisionDoc, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return rev, a, err
	}
	a, err = read[revisionDoc](ctx, s, u, query, codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"number", number},
		arg{"after", p.After}, arg{"bytes", p.Bytes}, arg{"contents", !p.Bare})
	switch {
	case err != nil || a.None:
		return rev, a, err
	case a.Revision == nil:
		return rev, a, codeforge.NotFound("Revision", strconv.FormatInt(number, 10))
	}
	return a.Revision.revision(), a, nil
}

func (s *Store) RevisionFiles(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.File, error) {
	rev, a, err := s.readPage(ctx, u, "read_tree", projectID, number, p)
	return rev, mapRows(a.Files, fileRow.file), err
}

func (s *Store) RevisionDeltas(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.FileDelta, error) {
	rev, a, err := s.readPage(ctx, u, "read_changes", projectID, number, p)
	return rev, mapRows(a.Deltas, deltaRow.delta), err
}

// CompareRevisions implements api.Store.
func (s *Store) CompareRevisions(ctx context.Context, u codeforge.User, projectID string, from, to int64, p codeforge.Page) (rev codeforge.Revision, deltas []codeforge.FileDelta, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return rev, nil, err
	}
	a, err := read[struct {
		revisionDoc
		Base bool `json:"base"`
	}](ctx, s, u, "read_comparison", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"from", from}, arg{"to", to},
		arg{"after", p.After}, arg{"bytes", p.Bytes}, arg{"contents", !p.Bare})
	switch {
	case err != nil:
		return rev, nil, err
	case a.Revision == nil:
		return rev, nil, codeforge.NotFound("Revision", strconv.FormatInt(to, 10))
	case !a.Base:
		return rev, nil, codeforge.NotFound("Revision", strconv.FormatInt(from, 10))
	}
	return a.Revision.revision(), mapRows(a.Deltas, deltaRow.delta), nil
}

func (s *Store) SnapshotFiles(ctx context.Context, projectID string, revision int64) ([]codeforge.File, error) {
	if _, err := codeforge.ParseID(projectID); err != nil {
		return nil, codeforge.NotFound("Project", projectID)
	}
	if _, ok := s.direct(); ok {
		files, _, found, err := s.listFiles(ctx, codeforge.User{}, true, `public.projects p left join public.codeforge_tree_at($1, $2) f on true where p.id = $1 order by f.path collate "C"`, projectID, revision)
		if err == nil && !found {
			err = codeforge.NotFound("Project", projectID)
		}
		return files, err
	}
	rows, found, err := query[[]fileRow](ctx, s, "snapshot", arg{"project", projectID}, arg{"number", revision})
	if err == nil && !found {
		err = codeforge.NotFound("Project", projectID)
	}
	return mapRows(rows, fileRow.file), err
}

func (s *Store) RestoreRevision(ctx context.Context, u codeforge.User, projectID string, number int64, ifRevision *int64) (rev codeforge.Revision, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return rev, err
	}
	row, _, _, err := callFunction[revisionRow](ctx, s, functionCall{function: "restore_revision",
		args: []arg{{"user", u.ID}, {"project", projectID}, {"number", number}, {"if_revision", ifRevision}}})
	return row.revision(), err
}
