package sqlite

import (
	"context"

	"codeforge"
)

// SetQuota bounds what each user may have from now on. Where open jobs are counted they have an index by user, for which
// every job pays.
func (s *Store) SetQuota(ctx context.Context, q codeforge.Quota) error {
	index := "DROP INDEX IF EXISTS jobs_open_of_user"
	if q.OpenJobs > 0 {
		index = "CREATE INDEX IF NOT EXISTS jobs_open_of_user ON jobs(user_id) WHERE due_at IS NOT NULL"
	}
	return s.write(ctx, func(c *conn) error {
		if err := c.script(index); err != nil {
			return err
		}
		c.wrote = true
		s.quota.Store(&q)
		return nil
	})
}

// Quota is what bounds each user.
func (s *Store) Quota() codeforge.Quota {
	if q := s.quota.Load(); q != nil {
		return *q
	}
	return codeforge.Quota{}
}

// atLeast reports whether a user has n rows or more; the query selects those rows and is cut there.
func atLeast(c *conn, n int, query string, arg any) (bool, error) {
	var have int
	_, err := c.one("SELECT count(*) FROM ("+query+" LIMIT ?)", []any{arg, n}, &have)
	return have >= n, err
}

func (s *Store) roomForProject(c *conn, user string) error {
	most := s.Quota().Projects
	if most <= 0 {
		return nil
	}
	full, err := atLeast(c, most, "SELECT 1 FROM projects WHERE user_id = ?", user)
	if err == nil && full {
		err = codeforge.OverQuota(codeforge.QuotaProjects, most, c.now)
	}
	return err
}

// roomForJob refuses a job that would be one too many, or whose revision would: not after it was paid for.
func (s *Store) roomForJob(c *conn, user string, agent codeforge.AgentType) error {
	q := s.Quota()
	if q.OpenJobs > 0 {
		full, err := atLeast(c, q.OpenJobs, "SELECT 1 FROM jobs INDEXED BY jobs_open_of_user WHERE user_id = ? AND due_at IS NOT NULL", user)
		if err == nil && full {
			err = codeforge.OverQuota(codeforge.QuotaOpenJobs, q.OpenJobs, c.now)
		}
		if err != nil {
			return err
		}
	}
	if q.Bytes > 0 && agent.ChangesFiles() {
		var bytes int
		if _, err := c.one("SELECT bytes FROM stored_bytes WHERE user_id = ?", []any{user}, &bytes); err != nil {
			return err
		}
		if bytes >= q.Bytes {
			return codeforge.OverQuota(codeforge.QuotaBytes, q.Bytes, c.now)
		}
	}
	if q.RevisionsDay > 0 && agent.ChangesFiles() {
		var made int
		if _, err := c.one("SELECT revisions FROM revision_days WHERE user_id = ? AND day = ?", []any{user, day(c)}, &made); err != nil {
			return err
		}
		if made >= q.RevisionsDay {
			return codeforge.OverQuota(codeforge.QuotaRevisions, q.RevisionsDay, c.now)
		}
	}
	return nil
}

// countRevision counts a revision of today, and refuses one too many if it was made by hand.
func countRevision(c *conn, user string, q codeforge.Quota, byHand bool) error {
	if q.RevisionsDay <= 0 {
		return nil
	}
	var made int
	if _, err := c.one(`INSERT INTO revision_days(user_id, day, revisions) VALUES(?, ?, 1)
		ON CONFLICT(user_id) DO UPDATE SET day = excluded.day, revisions = iif(day = excluded.day, revisions + 1, 1) RETURNING revisions`,
		[]any{user, day(c)}, &made); err != nil {
		return err
	}
	if byHand && made > q.RevisionsDay {
		return codeforge.OverQuota(codeforge.QuotaRevisions, q.RevisionsDay, c.now)
	}
	return nil
}

// countBytes counts what a revision stored, and refuses what is too much if it was made by hand.
func countBytes(c *conn, user string, stored int64, q codeforge.Quota, byHand bool) error {
	if stored == 0 {
		return nil
	}
	var bytes int
	if _, err := c.one(`INSERT INTO stored_bytes(user_id, bytes) VALUES(?, ?)
		ON CONFLICT(user_id) DO UPDATE SET bytes = bytes + excluded.bytes RETURNING bytes`, []any{user, stored}, &bytes); err != nil {
		return err
	}
	if byHand && q.Bytes > 0 && bytes > q.Bytes {
		return codeforge.OverQuota(codeforge.QuotaBytes, q.Bytes, c.now)
	}
	return nil
}

// day counts the days of UTC.
func day(c *conn) int64 { return c.now.Unix() / (24 * 60 * 60) }
