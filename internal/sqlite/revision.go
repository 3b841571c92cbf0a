package sqlite

import (
	"context"
	"fmt"
	"strconv"

	"codeforge"
)

const revisionColumns = "number, job_id, author, message, files_changed, created_at, first"

// scanRevision returns the row of the first change as well.
func scanRevision(r row) (rev codeforge.Revision, first int64, err error) {
	err = r.scan(&rev.Number, &rev.JobID, &rev.Author, &rev.Message, &rev.FilesChanged, &rev.CreatedAt, &first)
	return rev, first, err
}

// readRevision finds a revision of a project of u.
func readRevision(c *conn, u codeforge.User, projectID string, number int64) (p project, rev codeforge.Revision, first int64, err error) {
	if p, err = ownProject(c, u, projectID); err != nil {
		return p, rev, 0, err
	}
	found := false
	err = c.each("SELECT "+revisionColumns+" FROM project_revisions WHERE project = ? AND number = ?", []any{p.seq, number}, func(r row) (err error) {
		found = true
		rev, first, err = scanRevision(r)
		return err
	})
	if err == nil && !found {
		err = codeforge.NotFound("Revision", strconv.FormatInt(number, 10))
	}
	return p, rev, first, err
}

func (s *Store) ListRevisions(ctx context.Context, u codeforge.User, projectID string, page, size int) (list []codeforge.Revision, total int, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		total = int(p.Revision) // numbers have no gaps
		return c.each("SELECT "+revisionColumns+" FROM project_revisions WHERE project = ? AND number <= ? ORDER BY number DESC LIMIT ?",
			[]any{p.seq, p.Revision - int64(page-1)*int64(size), size}, func(r row) error {
				rev, _, err := scanRevision(r)
				list = append(list, rev)
				return err
			})
	})
	return list, total, err
}

func (s *Store) RevisionFiles(ctx context.Context, u codeforge.User, projectID string, number int64) (rev codeforge.Revision, files []codeforge.File, err error) {
	err = s.view(ctx, func(c *conn) error {
		var p project
		if p, rev, _, err = readRevision(c, u, projectID, number); err != nil {
			return err
		}
		files, err = filesAt(c, p.seq, p.ID, number)
		return err
	})
	return rev, files, err
}

func (s *Store) RevisionDeltas(ctx context.Context, u codeforge.User, projectID string, number int64) (rev codeforge.Revision, deltas []codeforge.FileDelta, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, r, first, err := readRevision(c, u, projectID, number)
		if err != nil {
			return err
		}
		rev = r
		return c.each(`SELECT f.path, f.id, f.created_at,
				n.deleted, n.language, n.version, n.size, n.revision, n.created_at, n.content,
				coalesce(o.deleted, 1), o.language, o.version, o.size, o.revision, o.created_at, o.content
			FROM file_revisions n
			JOIN project_files f ON f.project = n.project AND f.path = n.path
			LEFT JOIN file_revisions o ON o.project = n.project AND o.path = n.path AND o.revision =
				(SELECT max(revision) FROM file_revisions WHERE project = n.project AND path = n.path AND revision < n.revision)
			WHERE n.seq >= ?1 AND n.seq < ?1 + ?2 ORDER BY n.path`, []any{first, rev.FilesChanged}, func(r row) error {
			var n, o codeforge.File
			var gone, absent bool
			if err := r.scan(&n.Path, &n.ID, &n.CreatedAt, &gone, &n.Language, &n.Version, &n.Size, &n.Revision, &n.UpdatedAt, &n.Content,
				&absent, &o.Language, &o.Version, &o.Size, &o.Revision, &o.UpdatedAt, &o.Content); err != nil {
				return err
			}
			n.ProjectID = p.ID
			o.Path, o.ID, o.ProjectID, o.CreatedAt = n.Path, n.ID, p.ID, n.CreatedAt
			d := codeforge.FileDelta{Path: n.Path}
			if !absent {
				d.Old = &o
			}
			if !gone {
				d.New = &n
			}
			deltas = append(deltas, d)
			return nil
		})
	})
	return rev, deltas, err
}

func (s *Store) RestoreRevision(ctx context.Context, u codeforge.User, projectID string, number int64, ifRevision *int64) (rev codeforge.Revision, err error) {
	err = s.write(ctx, func(c *conn) error {
		p, _, _, err := readRevision(c, u, projectID, number)
		if err != nil {
			return err
		}
		if err := p.writable(ifRevision); err != nil {
			return err
		}
		then, err := filesAt(c, p.seq, p.ID, number)
		if err != nil {
			return err
		}
		changes := make([]codeforge.FileChange, 0, len(then))
		there := make(map[string]bool, len(then))
		for _, f := range then {
			there[f.Path] = true
			changes = append(changes, codeforge.FileChange{Path: f.Path, Content: f.Content, Language: f.Language})
		}
		if err := c.each("SELECT path FROM project_files WHERE project = ? AND NOT deleted ORDER BY path", []any{p.seq}, func(r row) error {
			var path string
			if err := r.scan(&path); err != nil {
				return err
			}
			if !there[path] {
				changes = append(changes, codeforge.FileChange{Path: path, Delete: true})
			}
			return nil
		}); err != nil {
			return err
		}
		r := newRevision(c, &p, "", "user", fmt.Sprintf("Restore revision %d", number))
		if err := r.putReal(changes); err != nil {
			return err
		}
		rev, err = r.end()
		return err
	})
	if err != nil {
		return codeforge.Revision{}, err
	}
	return rev, nil
}

// putReal adds those of the changes that change something. Of several for one path the last one counts.
func (r *revision) putReal(changes []codeforge.FileChange) error {
	last := make(map[string]int, len(changes))
	for i, ch := range changes {
		last[ch.Path] = i
	}
	for i, ch := range changes {
		if last[ch.Path] != i {
			continue
		}
		old, err := readFile(r.c, r.p.seq, ch.Path)
		if err != nil {
			return err
		}
		existed := old.ID != "" && !old.deleted
		if ch.Delete && !existed {
			continue
		}
		if !ch.Delete && existed && old.Size == int64(len(ch.Content)) && (ch.Language == "" || ch.Language == old.Language) {
			var content string
			if _, err := r.c.one("SELECT content FROM file_revisions WHERE seq = ?", []any{old.head}, &content); err != nil {
				return err
			}
			if content == ch.Content {
				continue
			}
		}
		if _, err := r.put(old, ch); err != nil {
			return err
		}
	}
	return nil
}
