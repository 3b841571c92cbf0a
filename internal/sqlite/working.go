package sqlite

import (
	"context"
	"errors"
	"time"

	"codeforge"
)

// putWorking stores files of the working tree of a job. They count as what its owner stores and are never refused: they were paid for.
func (s *Store) putWorking(c *conn, j *jobRow, changes []codeforge.FileChange) error {
	if len(changes) == 0 {
		return nil
	}
	p, _, err := readProject(c, "SELECT "+projectColumns+" FROM projects WHERE seq = ?", j.project)
	if err != nil {
		return err
	}
	texts := s.newRevision(c, &p, j.ID, "", "")
	err = texts.holding(hashesOf(changes), func() error {
		for _, ch := range changes {
			kept, _, err := texts.storeChange(ch)
			if err != nil {
				return err
			}
			if _, _, err := c.exec(`INSERT INTO job_files(job, path, fence, content) VALUES(?, ?, ?, ?)
				ON CONFLICT(job, path) DO UPDATE SET fence = excluded.fence, content = excluded.content`, j.seq, ch.Path, j.Fence, kept.column()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return countBytes(c, p.UserID, texts.stored, texts.quota, false)
}

// WorkingFiles implements api.Store.
func (s *Store) WorkingFiles(ctx context.Context, u codeforge.User, jobID string, p codeforge.Page) (files []codeforge.WorkingFile, err error) {
	content := "iif(typeof(c.content) = 'text', c.content, '')"
	if p.Bare {
		content = "''"
	}
	err = s.view(ctx, func(c *conn) error {
		files = nil
		j, err := ownJob(c, u, jobID)
		if err != nil {
			return err
		}
		left := p.Bytes
		err = c.each(`SELECT f.path, f.content IS NULL, coalesce(octet_length(c.content), 0), lower(coalesce(hex(c.hash), '')), iif(typeof(c.content) = 'blob', '`+codeforge.EncodingBase64+`', ''), `+content+`
			FROM job_files f LEFT JOIN contents c ON c.seq = f.content WHERE f.job = ? AND f.fence = ? AND f.path > ? ORDER BY f.path`,
			[]any{j.seq, j.Fence, p.After}, func(r row) error {
				if p.Bytes > 0 && left <= 0 {
					return errPageFull
				}
				var f codeforge.WorkingFile
				err := r.scan(&f.Path, &f.Deleted, &f.Size, &f.Hash, &f.Encoding, &f.Content)
				files = append(files, f)
				left -= textBytes(f.Encoding != "", f.Size)
				return err
			})
		if errors.Is(err, errPageFull) {
			err = nil
		}
		return err
	})
	return files, err
}

// SweepWorking implements jobs.Store.
func (s *Store) SweepWorking(ctx context.Context, before time.Time) error {
	return s.write(ctx, func(c *conn) error {
		_, _, err := c.exec(`DELETE FROM job_files WHERE job IN (SELECT j.seq FROM (SELECT DISTINCT job FROM job_files) f
			JOIN jobs j ON j.seq = f.job WHERE j.completed_at < ?)`, before)
		if err == nil {
			_, _, err = c.exec("DELETE FROM puts WHERE at < ?", before)
		}
		return err
	})
}
