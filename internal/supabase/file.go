package supabase

import (
	"context"
	"strconv"
	"strings"
	"unicode/utf8"

	"codeforge"
)

// change is codeforge.FileChange as the functions take it.
type change struct {
	ID       string `json:"id"` // for a path that never was
	Path     string `json:"path"`
	Content  string `json:"content"`
	Language string `json:"language"`
	Fallback string `json:"fallback"` // language when neither the change nor the file has one
	Delete   bool   `json:"delete"`
}

func newChange(c codeforge.FileChange) change {
	return change{codeforge.NewID(), c.Path, c.Content, c.Language, codeforge.LanguageOf(c.Path), c.Delete}
}

// checkFile holds a change to the rules of the domain, whoever made it. A file whose path breaks them, from before, can be
// deleted.
func checkFile(c codeforge.FileChange) error {
	if c.Delete && storable(c.Path) {
		return nil
	}
	if err := codeforge.CheckPath(c.Path); err != nil {
		return err
	}
	return codeforge.CheckContent(c.Content)
}

// storable reports whether a file may have a path, if only one from before: the others cannot even be asked for.
func storable(path string) bool {
	return path != "" && utf8.ValidString(path) && !strings.Contains(path, "\x00")
}

func tidyFile(f *codeforge.File) {
	if strings.TrimSpace(f.Language) == "" { // a row from before
		f.Language = codeforge.LanguageOf(f.Path)
	}
	f.CreatedAt, f.UpdatedAt = f.CreatedAt.UTC(), f.UpdatedAt.UTC()
}

func tidyFiles(files []codeforge.File) []codeforge.File {
	for i := range files {
		tidyFile(&files[i])
	}
	return files
}

func (s *Store) ListFiles(ctx context.Context, u codeforge.User, projectID string, contents bool, unless int64) (files []codeforge.File, revision int64, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, 0, err
	}
	a, err := read[struct {
		Revision int64            `json:"revision"`
		Files    []codeforge.File `json:"files"`
	}](ctx, s, u, "read_files", map[string]any{"p_project": projectID, "p_contents": contents, "p_unless": unless}, codeforge.NotFound("Project", projectID))
	return tidyFiles(a.Files), a.Revision, err
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
		File *codeforge.File `json:"file"`
	}](ctx, s, u, "read_file", map[string]any{"p_project": projectID, "p_path": sent}, codeforge.NotFound("Project", projectID))
	if err != nil {
		return f, err
	}
	if a.File == nil {
		return f, codeforge.NotFound("File", path)
	}
	tidyFile(a.File)
	return *a.File, nil
}

func (s *Store) WriteFile(ctx context.Context, u codeforge.User, projectID string, w codeforge.FileWrite) (f codeforge.File, err error) {
	c := codeforge.FileChange{Path: w.Path, Content: w.Content, Language: w.Language}
	if err := checkFile(c); err != nil {
		return f, err
	}
	f, err = s.writeFile(ctx, u, projectID, c, w.MustExist, w.IfVersion, w.IfRevision)
	if err != nil {
		return codeforge.File{}, err
	}
	f.Content = w.Content
	tidyFile(&f)
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
	if err := check(u, "Project", projectID); err != nil {
		return f, err
	}
	f, _, _, err = call[codeforge.File](ctx, s, system, false, "write_file", map[string]any{"p_user": u.ID, "p_project": projectID, "p_change": newChange(c),
		"p_must_exist": mustExist, "p_if_version": ifVersion, "p_if_revision": ifRevision})
	return f, err
}

func (s *Store) ListRevisions(ctx context.Context, u codeforge.User, projectID string, page, size int) (list []codeforge.Revision, total int, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, 0, err
	}
	a, err := read[struct {
		Total     int                  `json:"total"`
		Revisions []codeforge.Revision `json:"revisions"`
	}](ctx, s, u, "read_revisions", map[string]any{"p_project": projectID, "p_limit": size, "p_offset": int64(page-1) * int64(size)}, codeforge.NotFound("Project", projectID))
	for i := range a.Revisions {
		a.Revisions[i].CreatedAt = a.Revisions[i].CreatedAt.UTC()
	}
	return a.Revisions, a.Total, err
}

// revision is what the functions say of one.
type revision struct {
	Revision *codeforge.Revision `json:"revision"`
	None     bool                `json:"none"` // the newest is asked for, and there is none
	Files    []codeforge.File    `json:"files"`
	Deltas   []struct {
		Path string          `json:"path"`
		Old  *codeforge.File `json:"old"`
		New  *codeforge.File `json:"new"`
	} `json:"deltas"`
}

func (s *Store) revision(ctx context.Context, u codeforge.User, function, projectID string, number int64, p codeforge.Page) (a revision, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return a, err
	}
	a, err = read[revision](ctx, s, u, function, map[string]any{"p_project": projectID, "p_number": number, "p_after": p.After, "p_bytes": p.Bytes, "p_contents": !p.Bare},
		codeforge.NotFound("Project", projectID))
	if err == nil && a.None {
		a.Revision = &codeforge.Revision{}
		return a, nil
	}
	if err == nil && a.Revision == nil {
		err = codeforge.NotFound("Revision", strconv.FormatInt(number, 10))
	}
	if err == nil {
		a.Revision.CreatedAt = a.Revision.CreatedAt.UTC()
	}
	return a, err
}

func (s *Store) RevisionFiles(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (rev codeforge.Revision, files []codeforge.File, err error) {
	a, err := s.revision(ctx, u, "read_tree", projectID, number, p)
	if err != nil {
		return rev, nil, err
	}
	return *a.Revision, tidyFiles(a.Files), nil
}

func (s *Store) RevisionDeltas(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (rev codeforge.Revision, deltas []codeforge.FileDelta, err error) {
	a, err := s.revision(ctx, u, "read_changes", projectID, number, p)
	if err != nil {
		return rev, nil, err
	}
	for _, d := range a.Deltas {
		for _, f := range []*codeforge.File{d.Old, d.New} {
			if f != nil {
				tidyFile(f)
			}
		}
		deltas = append(deltas, codeforge.FileDelta{Path: d.Path, Old: d.Old, New: d.New})
	}
	return *a.Revision, deltas, nil
}

func (s *Store) SnapshotFiles(ctx context.Context, projectID string, revision int64) (files []codeforge.File, err error) {
	if _, err := codeforge.ParseID(projectID); err != nil {
		return nil, codeforge.NotFound("Project", projectID)
	}
	files, found, _, err := call[[]codeforge.File](ctx, s, system, true, "snapshot", map[string]any{"p_project": projectID, "p_number": revision})
	if err == nil && !found {
		err = codeforge.NotFound("Project", projectID)
	}
	return tidyFiles(files), err
}

func (s *Store) RestoreRevision(ctx context.Context, u codeforge.User, projectID string, number int64, ifRevision *int64) (rev codeforge.Revision, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return rev, err
	}
	// The answer is a row, where the number has another name.
	row, _, _, err := call[struct {
		codeforge.Revision
		Number int64 `json:"number"`
	}](ctx, s, system, false, "restore_revision", map[string]any{"p_user": u.ID, "p_project": projectID, "p_number": number, "p_if_revision": ifRevision})
	if err != nil {
		return rev, err
	}
	rev = row.Revision
	rev.Number, rev.CreatedAt = row.Number, rev.CreatedAt.UTC()
	return rev, nil
}
