package sqlite

import (
	"context"

	"codeforge"
)

// DeleteProject implements [jobs.Store].
func (s *Store) DeleteProject(ctx context.Context, u codeforge.User, id string, ifRevision *int64) (deleted codeforge.DeletedProject, err error) {
	err = s.write(ctx, func(c *conn) error {
		p, err := ownProject(c, u, id)
		if err == nil {
			err = p.at(ifRevision)
		}
		if err == nil {
			deleted, err = deleteProject(c, p)
		}
		return err
	})
	if err != nil {
		return codeforge.DeletedProject{}, err
	}
	return deleted, nil
}

// ofProjects are the tables of what a project has, in an order in which none names what is gone: texts go last. What is not here goes
// with the rows that it names.
var ofProjects = []string{"jobs", "chat_messages", "preview_errors", "webhooks", "file_revisions", "project_files", "screenshots", "puts", "git_packs", "project_revisions", "contents"}

// deleteProject deletes a project with all that hangs on it, and ends its jobs before.
func deleteProject(c *conn, p project) (deleted codeforge.DeletedProject, err error) {
	var open []string
	if err := c.each("SELECT id, completed_at IS NULL FROM jobs WHERE project = ? ORDER BY seq", []any{p.seq}, func(r row) error {
		var id string
		var isOpen bool
		err := r.scan(&id, &isOpen)
		deleted.Jobs = append(deleted.Jobs, id)
		if isOpen {
			open = append(open, id)
		}
		return err
	}); err != nil {
		return deleted, err
	}
	for _, id := range open {
		j, _, err := readJob(c, "SELECT "+jobColumns+" FROM jobs WHERE id = ?", id)
		if err != nil {
			return deleted, err
		}
		done, err := cancel(c, j)
		if err != nil {
			return deleted, err
		}
		done.Next = "" // which ends as well
		deleted.Ended = append(deleted.Ended, done)
	}
	for _, table := range []string{"budget_limits", "budget_periods", "budget_holds"} {
		if _, _, err := c.exec("DELETE FROM "+table+" WHERE id = ?1 OR id IN (SELECT id FROM jobs WHERE project = ?2)", p.ID, p.seq); err != nil {
			return deleted, err
		}
	}
	for _, table := range ofProjects {
		if _, _, err := c.exec("DELETE FROM "+table+" WHERE project = ?", p.seq); err != nil {
			return deleted, err
		}
	}
	_, _, err = c.exec("DELETE FROM projects WHERE seq = ?", p.seq)
	return deleted, err
}
