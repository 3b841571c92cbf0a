package sqlite

import (
	"context"
	"fmt"

	"codeforge"
)

// CopyProject implements api.Store.
func (s *Store) CopyProject(ctx context.Context, u codeforge.User, n codeforge.ProjectCopy) (made codeforge.Project, fresh bool, err error) {
	if err := n.Check(); err != nil {
		return made, false, err
	}
	err = s.write(ctx, func(c *conn) error {
		p, found, err := copiedBefore(c, u, &n)
		if err == nil && !found {
			p, err = s.copyProject(c, u, &n)
		}
		made, fresh = p.Project, !found
		return err
	})
	if err != nil {
		return codeforge.Project{}, false, err
	}
	return made, fresh, nil
}

// copiedBefore is the copy that was asked for with the same key.
func copiedBefore(c *conn, u codeforge.User, n *codeforge.ProjectCopy) (p project, found bool, err error) {
	if n.IdempotencyKey == "" {
		return p, false, nil
	}
	var seq int64
	var request string
	found, err = c.one("SELECT project, request FROM project_copies WHERE user_id = ? AND key = ?", []any{u.ID, n.IdempotencyKey}, &seq, &request)
	if err != nil || !found {
		return p, false, err
	}
	if request != n.Request() {
		return p, false, codeforge.Conflictf("this idempotency key was used for another request")
	}
	return readProject(c, "SELECT "+projectColumns+" FROM projects WHERE seq = ?", seq)
}

func (s *Store) copyProject(c *conn, u codeforge.User, n *codeforge.ProjectCopy) (p project, err error) {
	from, err := ownProject(c, u, n.From)
	if err != nil {
		return p, err
	}
	number := n.Revision
	if number == 0 {
		number = from.Revision
	}
	var of codeforge.Revision
	if number != 0 {
		if of, _, err = revisionOf(c, &from, number); err != nil {
			return p, err
		}
	}
	p.Project = n.Row(from.Project)
	p.ID = codeforge.NewID()
	if err := s.addProject(c, &p); err != nil {
		return p, err
	}
	if number != 0 {
		if err := s.copyFiles(c, &p, &from, of); err != nil {
			return p, err
		}
	}
	if n.IdempotencyKey != "" {
		_, _, err = c.exec("INSERT INTO project_copies(user_id, key, project, request) VALUES(?, ?, ?, ?)", u.ID, n.IdempotencyKey, p.seq, n.Request())
	}
	return p, err
}

// copyFiles makes the first revision of a project of the files that another one has in a revision, with what is known of them there.
func (s *Store) copyFiles(c *conn, p, from *project, of codeforge.Revision) error {
	r := s.newRevision(c, p, "", "user", fmt.Sprintf("Copy of revision %d of project %s", of.Number, from.ID))
	r.beside = beside{verified: of.Verified, evidence: of.Evidence}
	var err error
	if r.beside.shots, err = screenshots(c, from.seq, of.Number); err != nil {
		return err
	}
	if r.beside.lock, err = lockOf(c, from.seq, of.Number); err != nil {
		return err
	}
	type file struct {
		path, language string
		content        content
	}
	var files []file
	if err := c.each(`SELECT f.path, r.language, r.content, r.size, r.blob FROM project_files f JOIN file_revisions r ON r.project = f.project AND r.path = f.path
			AND r.revision = (SELECT max(revision) FROM file_revisions WHERE project = f.project AND path = f.path AND revision <= ?1)
		WHERE f.project = ?2 AND NOT r.deleted ORDER BY f.path`, []any{of.Number, from.seq}, func(row row) error {
		var f file
		err := row.scan(&f.path, &f.language, &f.content.row, &f.content.size, &f.content.blob)
		files = append(files, f)
		return err
	}); err != nil {
		return err
	}
	for _, f := range files {
		if f.content.row, err = r.copyContent(f.content.row, f.content.size); err != nil {
			return err
		}
		if _, err := r.put(fileRow{File: codeforge.File{Path: f.path}}, f.content, f.language); err != nil {
			return err
		}
	}
	for _, shot := range r.beside.shots {
		var row, size int64
		if _, err := c.one("SELECT seq, octet_length(content) FROM contents WHERE project = ? AND hash = unhex(?)", []any{from.seq, shot.Hash}, &row, &size); err != nil {
			return err
		}
		if _, err := r.copyContent(row, size); err != nil {
			return err
		}
	}
	_, err = r.finish()
	return err
}

// copyContent stores what another project has in a row of contents, and returns its row in this one.
func (r *revision) copyContent(from, size int64) (row int64, err error) {
	fresh, row, err := r.c.exec("INSERT INTO contents(project, hash, content) SELECT ?, hash, content FROM contents WHERE seq = ? ON CONFLICT DO NOTHING", r.p.seq, from)
	if err == nil && fresh > 0 {
		r.stored += size
		return row, nil
	}
	if err == nil {
		_, err = r.c.one("SELECT seq FROM contents WHERE project = ? AND hash = (SELECT hash FROM contents WHERE seq = ?)", []any{r.p.seq, from}, &row)
	}
	return row, err
}
