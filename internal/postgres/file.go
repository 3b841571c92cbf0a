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
	if codeforge.CheckPath(path) != nil {
		sent = "" // no file has it, and it may hold what cannot be sent
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
	if err := checkFile(w.Path, w.Content); err != nil {
		return f, err
	}
	row, err := s.writeFile(ctx, u, projectID, codeforge.FileChange{Path: w.Path, Content: w.Content, Language: w.Language}, w.MustExist, w.IfVersion, w.IfRevision)
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
	if codeforge.CheckPath(path) != nil {
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

// ownRevision reads a revision, or ends the batch with NotFound.
func ownRevision(b *pgx.Batch, user, key any, projectID string, number int64, rev *codeforge.Revision) {
	b.Queue("select "+revisionColumns+" from public.project_revisions r where r.project_id = $1 and r.number = $3 and exists (select from public.projects where id = $1 and user_id = $2)",
		key, user, number).QueryRow(func(r pgx.Row) error {
		*rev = codeforge.Revision{}
		if err := scanRevision(r, rev); !errors.Is(err, pgx.ErrNoRows) {
			return err
		}
		return codeforge.NotFound("Revision", strconv.FormatInt(number, 10))
	})
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

func (s *Store) RevisionFiles(ctx context.Context, u codeforge.User, projectID string, number int64) (rev codeforge.Revision, files []codeforge.File, err error) {
	user, key, err := ids(u, "Project", projectID)
	if err != nil {
		return rev, nil, err
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		ownProject(b, user, key, projectID)
		ownRevision(b, user, key, projectID, number, &rev)
		b.Queue(filesAt, key, number).Query(collectFiles(projectID, &files))
	})
	return rev, files, err
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

func (s *Store) RevisionDeltas(ctx context.Context, u codeforge.User, projectID string, number int64) (rev codeforge.Revision, deltas []codeforge.FileDelta, err error) {
	user, key, err := ids(u, "Project", projectID)
	if err != nil {
		return rev, nil, err
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		ownProject(b, user, key, projectID)
		ownRevision(b, user, key, projectID, number, &rev)
		b.Queue(`select n.path, n.file_id, n.file_created_at, n.deleted, n.language, n.version, n.revision, n.created_at, n.content,
				coalesce(o.deleted, true), coalesce(o.language, ''), coalesce(o.version, 0), coalesce(o.revision, 0), coalesce(o.created_at, n.created_at), coalesce(o.content, '')
			from public.file_revisions n
			left join lateral (select * from public.file_revisions o where o.project_id = n.project_id and o.path = n.path and o.revision < n.revision
				order by o.revision desc limit 1) o on true
			where n.project_id = $1 and n.revision = $2 order by n.path`, key, number).Query(func(rows pgx.Rows) (err error) {
			deltas, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (d codeforge.FileDelta, err error) {
				var n, o codeforge.File
				var gone, absent bool
				err = r.Scan(&n.Path, &n.ID, &n.CreatedAt, &gone, &n.Language, &n.Version, &n.Revision, &n.UpdatedAt, &n.Content,
					&absent, &o.Language, &o.Version, &o.Revision, &o.UpdatedAt, &o.Content)
				n.ProjectID, n.Size = projectID, int64(len(n.Content))
				o.ID, o.ProjectID, o.Path, o.CreatedAt, o.Size = n.ID, projectID, n.Path, n.CreatedAt, int64(len(o.Content))
				d.Path = n.Path
				if !absent {
					d.Old = &o
				}
				if !gone {
					d.New = &n
				}
				return d, err
			})
			return err
		})
	})
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
