package sqlite

import (
	"context"

	"codeforge"
)

// AddPreviewErrors implements api.Store.
func (s *Store) AddPreviewErrors(ctx context.Context, u codeforge.User, projectID string, list []codeforge.PreviewError) error {
	return s.write(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		for _, e := range list {
			if _, _, err := c.exec(`INSERT INTO preview_errors(project, key, revision, job_id, kind, message, file, line, col, stack, page, count, first_at, last_at)
				VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1, ?12, ?12)
				ON CONFLICT(project, key) DO UPDATE SET count = count + 1, last_at = excluded.last_at, stack = excluded.stack, page = excluded.page`,
				p.seq, e.Key(), e.Revision, e.JobID, string(e.Kind), e.Message, e.File, e.Line, e.Column, e.Stack, e.Page, c.now); err != nil {
				return err
			}
		}
		_, _, err = c.exec("DELETE FROM preview_errors WHERE project = ?1 AND seq NOT IN (SELECT seq FROM preview_errors WHERE project = ?1 ORDER BY last_at DESC, seq DESC LIMIT ?2)",
			p.seq, codeforge.MaxPreviewErrors)
		return err
	})
}

// PreviewErrors implements api.Store.
func (s *Store) PreviewErrors(ctx context.Context, u codeforge.User, projectID string, revision int64, jobID string) (list []codeforge.PreviewError, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		if revision == 0 {
			revision = p.Revision
		}
		return c.each(`SELECT revision, job_id, kind, message, file, line, col, stack, page, count, first_at, last_at FROM preview_errors
			WHERE project = ?1 AND job_id = ?3 AND (revision = ?2 OR ?3 <> '') ORDER BY last_at DESC, seq DESC`, []any{p.seq, revision, jobID}, func(r row) error {
			list = append(list, codeforge.PreviewError{})
			e := &list[len(list)-1]
			kind := ""
			err := r.scan(&e.Revision, &e.JobID, &kind, &e.Message, &e.File, &e.Line, &e.Column, &e.Stack, &e.Page, &e.Count, &e.FirstAt, &e.LastAt)
			e.Kind = codeforge.PreviewErrorKind(kind)
			return err
		})
	})
	return list, err
}
