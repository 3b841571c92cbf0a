package sqlite

import (
	"context"
	"encoding/json"
	"strconv"

	"codeforge"
)

// beside is what is kept beside a revision.
type beside struct {
	verified *bool // nil: not known
	evidence codeforge.Evidence
	shots    []codeforge.Screenshot
	lock     []byte // nil: that of the revision before
}

func besideChange(change codeforge.TreeChange) beside {
	return beside{change.Verified, change.Evidence, change.Screenshots, change.Lock}
}

// evidenceText is the column of evidence; none is NULL.
func evidenceText(e codeforge.Evidence) json.RawMessage {
	if len(e) == 0 {
		return nil
	}
	text, _ := json.Marshal(e) // strings and numbers always marshal
	return text
}

// storeLock returns the row of a lock, for a column of them: NULL where there is none.
func (r *revision) storeLock(lock []byte) (row any, err error) {
	if lock == nil {
		return nil, nil
	}
	kept, err := r.storeBytes(lock)
	return kept.row, err
}

// putScreenshots puts those of a revision in place of the ones that it has, and drops those of revisions that are too many.
func (r *revision) putScreenshots(number int64, shots []codeforge.Screenshot) error {
	hashes := make([]string, len(shots))
	for i, shot := range shots {
		hashes[i] = shot.Hash
	}
	err := r.holding(hashes, func() error {
		if _, _, err := r.c.exec("DELETE FROM screenshots WHERE project = ? AND revision = ?", r.p.seq, number); err != nil {
			return err
		}
		for _, shot := range shots {
			kept, _, err := r.named(shot.Hash)
			if err != nil {
				return err
			}
			if _, _, err := r.c.exec("INSERT INTO screenshots(project, revision, page, width, type, content) VALUES(?, ?, ?, ?, ?, ?)",
				r.p.seq, number, shot.Page, shot.Width, shot.Type, kept.row); err != nil {
				return err
			}
			if _, _, err := r.c.exec("DELETE FROM puts WHERE content = ?", kept.row); err != nil { // now in use
				return err
			}
		}
		return nil
	})
	if err != nil || len(shots) == 0 {
		return err
	}
	_, _, err = r.c.exec(`DELETE FROM screenshots WHERE project = ?1 AND revision <=
		(SELECT DISTINCT revision FROM screenshots WHERE project = ?1 ORDER BY revision DESC LIMIT 1 OFFSET ?2)`, r.p.seq, codeforge.KeptScreenshots)
	return err
}

// MarkChecked implements api.Store.
func (s *Store) MarkChecked(ctx context.Context, u codeforge.User, projectID string, number int64, verified bool, evidence codeforge.Evidence, shots []codeforge.Screenshot, lock []byte) error {
	if err := codeforge.CheckBesideRevision(evidence, shots, lock); err != nil {
		return err
	}
	return s.write(ctx, func(c *conn) error {
		p, _, _, err := readRevision(c, u, projectID, number)
		if err != nil {
			return err
		}
		r := s.newRevision(c, &p, "", "", "")
		row, err := r.storeLock(lock)
		if err != nil {
			return err
		}
		if _, _, err := c.exec("UPDATE project_revisions SET verified = ?, evidence = ?, lock = coalesce(?, lock) WHERE project = ? AND number = ?",
			verified, evidenceText(evidence), row, p.seq, number); err != nil {
			return err
		}
		if err := r.putScreenshots(number, shots); err != nil {
			return err
		}
		return countBytes(c, p.UserID, r.stored, r.quota, false)
	})
}

// ReadLock implements api.Store.
func (s *Store) ReadLock(ctx context.Context, u codeforge.User, projectID string, number int64) (lock []byte, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		if number == 0 {
			number = p.Revision
		}
		lock, err = lockOf(c, p.seq, number)
		return err
	})
	return lock, err
}

// lockOf is the lock that lies beside a revision of a project; nil: there is none.
func lockOf(c *conn, project, number int64) (lock []byte, err error) {
	_, err = c.one("SELECT c.content FROM project_revisions r JOIN contents c ON c.seq = r.lock WHERE r.project = ? AND r.number = ?", []any{project, number}, &lock)
	return lock, err
}

// ListScreenshots implements api.Store.
func (s *Store) ListScreenshots(ctx context.Context, u codeforge.User, projectID string, number int64) (shots []codeforge.Screenshot, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, _, _, err := readRevision(c, u, projectID, number)
		if err == nil {
			shots, err = screenshots(c, p.seq, number)
		}
		return err
	})
	return shots, err
}

func screenshots(c *conn, project, number int64) (shots []codeforge.Screenshot, err error) {
	err = c.each(`SELECT s.page, s.width, s.type, lower(hex(c.hash)) FROM screenshots s JOIN contents c ON c.seq = s.content
		WHERE s.project = ? AND s.revision = ? ORDER BY s.page, s.width`, []any{project, number}, func(r row) error {
		var shot codeforge.Screenshot
		err := r.scan(&shot.Page, &shot.Width, &shot.Type, &shot.Hash)
		shots = append(shots, shot)
		return err
	})
	return shots, err
}

// ReadScreenshot implements api.Store.
func (s *Store) ReadScreenshot(ctx context.Context, u codeforge.User, projectID string, number int64, page string, width int) (shot codeforge.Screenshot, data []byte, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, _, _, err := readRevision(c, u, projectID, number)
		if err != nil {
			return err
		}
		shot = codeforge.Screenshot{Page: page, Width: width}
		found, err := c.one(`SELECT s.type, lower(hex(c.hash)), c.content FROM screenshots s JOIN contents c ON c.seq = s.content
			WHERE s.project = ? AND s.revision = ? AND s.page = ? AND s.width = ?`, []any{p.seq, number, page, width}, &shot.Type, &shot.Hash, &data)
		if err == nil && !found {
			err = codeforge.NotFound("Screenshot", page+" at "+strconv.Itoa(width))
		}
		return err
	})
	if err != nil {
		return codeforge.Screenshot{}, nil, err
	}
	return shot, data, nil
}
