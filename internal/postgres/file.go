package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"codeforge"
)

func (s *Store) ListFiles(ctx context.Context, u codeforge.User, projectID string, contents bool, unless int64) (files []codeforge.File, revision int64, err error) {
	user, key, err := ids(u, "Project", projectID)
	if err != nil {
		return nil, 0, err
	}
	// octet_length of a long text reads its length alone. One statement, so that files and revision are of one moment; a
	// project without files is one row without a path.
	content := "''"
	if contents {
		content = "coalesce(f.content, '')"
	}
	query := `select p.revision, coalesce(f.path, ''), coalesce(f.id, p.id), coalesce(f.language, ''), coalesce(f.version, 0), coalesce(octet_length(f.content), 0),
			coalesce(f.revision, 0), coalesce(f.created_at, p.created_at), coalesce(f.updated_at, p.created_at), ` + content + `
		from public.projects p left join public.project_files f on f.project_id = p.id and p.revision <> $3
		where p.id = $1 and p.user_id = $2 order by f.path collate "C"`
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		b.Queue(query, key, user, unless).Query(func(rows pgx.Rows) error {
			files = []codeforge.File{}
			found := false
			for rows.Next() {
				found = true
				f := codeforge.File{ProjectID: projectID}
				if err := rows.Scan(&revision, &f.Path, &f.ID, &f.Language, &f.Version, &f.Size, &f.Revision, &f.CreatedAt, &f.UpdatedAt, &f.Content); err != nil {
					return err
				}
				if f.Path != "" {
					f.Language = language(f.Language, f.Path)
					files = append(files, f)
				}
			}
			if err := rows.Err(); err != nil {
				return err
			}
			if !found {
				return codeforge.NotFound("Project", projectID)
			}
			return nil
		})
	})
	if err != nil {
		return nil, 0, err
	}
	return files, revision, nil
}

func (s *Store) GetFile(ctx context.Context, u codeforge.User, projectID, path string) (f codeforge.File, err error) {
	user, key, err := ids(u, "Project", projectID)
	if err != nil {
		return f, err
	}
	sent := path
	if !storable(path) {
		sent = ""
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		b.Queue(`select coalesce(f.path, ''), coalesce(f.id, p.id), coalesce(f.language, ''), coalesce(f.version, 0), coalesce(octet_length(f.content), 0),
				coalesce(f.revision, 0), coalesce(f.created_at, p.created_at), coalesce(f.updated_at, p.created_at), coalesce(f.content, '')
			from public.projects p left join public.project_files f on f.project_id = p.id and f.path = $3
			where p.id = $1 and p.user_id = $2`, key, user, sent).QueryRow(func(r pgx.Row) error {
			f = codeforge.File{ProjectID: projectID}
			err := r.Scan(&f.Path, &f.ID, &f.Language, &f.Version, &f.Size, &f.Revision, &f.CreatedAt, &f.UpdatedAt, &f.Content)
			switch {
			case errors.Is(err, pgx.ErrNoRows):
				return codeforge.NotFound("Project", projectID)
			case err == nil && f.Path == "":
				return codeforge.NotFound("File", path)
			}
			f.Language = language(f.Language, f.Path)
			return err
		})
	})
	return f, err
}

func (s *Store) WriteFile(ctx context.Context, u codeforge.User, projectID string, w codeforge.FileWrite) (f codeforge.File, err error) {
	c := codeforge.FileChange{Path: w.Path, Content: w.Content, Language: w.Language}
	if err := checkFile(c); err != nil {
		return f, err
	}
	row, err := s.writeFile(ctx, u, projectID, c, w.MustExist, w.IfVersion, w.IfRevision)
	if err != nil {
		return f, err
	}
	if err := json.Unmarshal(row, &f); err != nil {
		return codeforge.File{}, err
	}
	f.Content, f.CreatedAt, f.UpdatedAt = w.Content, f.CreatedAt.UTC(), f.UpdatedAt.UTC()
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

func (s *Store) writeFile(ctx context.Context, u codeforge.User, projectID string, c codeforge.FileChange, mustExist bool, ifVersion, ifRevision *int64) (row json.RawMessage, err error) {
	user, key, err := ids(u, "Project", projectID)
	if err != nil {
		return nil, err
	}
	doc, err := object(newChange(c))
	if err != nil {
		return nil, err
	}
	err = s.write(ctx, system, func(b *pgx.Batch) {
		b.Queue("select public.codeforge_write_file($1, $2, $3, $4, $5, $6)", user, key, doc, mustExist, ifVersion, ifRevision).QueryRow(func(r pgx.Row) error {
			return r.Scan((*[]byte)(&row))
		})
	})
	return row, err
}

const revisionColumns = "r.number, coalesce(r.job_id::text, ''), r.author, r.message, r.files_changed, r.created_at"

func scanRevision(row pgx.Row, r *codeforge.Revision) error {
	return row.Scan(&r.Number, &r.JobID, &r.Author, &r.Message, &r.FilesChanged, &r.CreatedAt)
}

func (s *Store) ListRevisions(ctx context.Context, u codeforge.User, projectID string, page, size int) (list []codeforge.Revision, total int, err error) {
	user, key, err := ids(u, "Project", projectID)
	if err != nil {
		return nil, 0, err
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		// Numbers have no gaps.
		b.Queue("select revision from public.projects where id = $1 and user_id = $2", key, user).QueryRow(func(r pgx.Row) error {
			err := r.Scan(&total)
			if errors.Is(err, pgx.ErrNoRows) {
				return codeforge.NotFound("Project", projectID)
			}
			return err
		})
		b.Queue("select "+revisionColumns+` from public.project_revisions r where r.project_id = $1
			and r.number <= (select revision from public.projects where id = $1) - $2::bigint order by r.number desc limit $3`, key, int64(page-1)*int64(size), size).Query(func(rows pgx.Rows) (err error) {
			list, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (r codeforge.Revision, err error) {
				err = scanRevision(row, &r)
				return r, err
			})
			return err
		})
	})
	return list, total, err
}

// filesAt is all files of project $1 as they were in revision $2.
const filesAt = `select path, file_id, language, version, revision, file_created_at, created_at, content from (
		select distinct on (path) * from public.file_revisions where project_id = $1 and revision <= $2 order by path, revision desc
	) s where not deleted order by path`

func collectFiles(projectID string, files *[]codeforge.File) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*files, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (f codeforge.File, err error) {
			f.ProjectID = projectID
			err = r.Scan(&f.Path, &f.ID, &f.Language, &f.Version, &f.Revision, &f.CreatedAt, &f.UpdatedAt, &f.Content)
			f.Size, f.Language = int64(len(f.Content)), language(f.Language, f.Path)
			return f, err
		})
		return err
	}
}

// pageOfRevision is what the functions say of a revision and a part of what is in it.
type pageOfRevision struct {
	Revision *codeforge.Revision `json:"revision"`
	None     bool                `json:"none"` // the newest is asked for, and there is none
	Files    []codeforge.File    `json:"files"`
	Deltas   []struct {
		Path string          `json:"path"`
		Old  *codeforge.File `json:"old"`
		New  *codeforge.File `json:"new"`
	} `json:"deltas"`
}

func (s *Store) pageOfRevision(ctx context.Context, u codeforge.User, function, projectID string, number int64, p codeforge.Page) (rev codeforge.Revision, a pageOfRevision, err error) {
	user, key, err := ids(u, "Project", projectID)
	if err != nil {
		return rev, a, err
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		b.Queue("select public."+function+"($1, $2, $3, $4, $5, $6)", user, key, number, p.After, p.Bytes, !p.Bare).QueryRow(func(r pgx.Row) error {
			var doc []byte
			err := r.Scan(&doc)
			switch {
			case errors.Is(err, pgx.ErrNoRows) || err == nil && doc == nil:
				return codeforge.NotFound("Project", projectID)
			case err != nil:
				return err
			}
			a = pageOfRevision{}
			if err := json.Unmarshal(doc, &a); err != nil {
				return err
			}
			if a.Revision == nil && !a.None {
				return codeforge.NotFound("Revision", strconv.FormatInt(number, 10))
			}
			return nil
		})
	})
	if err == nil && a.Revision != nil {
		rev = *a.Revision
		rev.CreatedAt = rev.CreatedAt.UTC()
	}
	return rev, a, err
}

func tidyFile(f *codeforge.File) {
	f.Language, f.CreatedAt, f.UpdatedAt = language(f.Language, f.Path), f.CreatedAt.UTC(), f.UpdatedAt.UTC()
}

func (s *Store) RevisionFiles(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.File, error) {
	rev, a, err := s.pageOfRevision(ctx, u, "codeforge_read_tree", projectID, number, p)
	for i := range a.Files {
		tidyFile(&a.Files[i])
	}
	return rev, a.Files, err
}

func (s *Store) SnapshotFiles(ctx context.Context, projectID string, revision int64) (files []codeforge.File, err error) {
	key, err := uuid("Project", projectID)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, system, func(b *pgx.Batch) {
		b.Queue("select from public.projects where id = $1", key).Exec(func(t pgconn.CommandTag) error {
			if t.RowsAffected() == 0 {
				return codeforge.NotFound("Project", projectID)
			}
			return nil
		})
		b.Queue(filesAt, key, revision).Query(collectFiles(projectID, &files))
	})
	return files, err
}

func (s *Store) RevisionDeltas(ctx context.Context, u codeforge.User, projectID string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.FileDelta, error) {
	rev, a, err := s.pageOfRevision(ctx, u, "codeforge_read_changes", projectID, number, p)
	var deltas []codeforge.FileDelta
	for _, d := range a.Deltas {
		for _, f := range []*codeforge.File{d.Old, d.New} {
			if f != nil {
				tidyFile(f)
			}
		}
		deltas = append(deltas, codeforge.FileDelta{Path: d.Path, Old: d.Old, New: d.New})
	}
	return rev, deltas, err
}

func (s *Store) RestoreRevision(ctx context.Context, u codeforge.User, projectID string, number int64, ifRevision *int64) (rev codeforge.Revision, err error) {
	user, key, err := ids(u, "Project", projectID)
	if err != nil {
		return rev, err
	}
	err = s.write(ctx, system, func(b *pgx.Batch) {
		b.Queue("select "+revisionColumns+" from public.codeforge_restore_revision($1, $2, $3, $4) r", user, key, number, ifRevision).QueryRow(func(r pgx.Row) error {
			return scanRevision(r, &rev)
		})
	})
	if err != nil {
		return codeforge.Revision{}, err
	}
	return rev, nil
}

// utc is a time of a row that came as JSON.
func utc(t *time.Time) *time.Time {
	if t == nil {
		return nil
	}
	return new(t.UTC())
}
