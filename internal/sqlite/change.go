package sqlite

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"codeforge"
)

// ProjectChanges implements api.Store.
func (s *Store) ProjectChanges(ctx context.Context, u codeforge.User, projectID string, after int64, limit int) (codeforge.Changes, error) {
	return s.changes(ctx, func(c *conn) (all codeforge.Changes, owner string, err error) {
		p, err := ownProject(c, u, projectID)
		if err == nil {
			all, err = readChanges(c, p.ID, u, p, after, limit)
		}
		return all, p.ID, err
	})
}

// UserChanges implements api.Store.
func (s *Store) UserChanges(ctx context.Context, u codeforge.User, after int64, limit int) (codeforge.Changes, error) {
	return s.changes(ctx, func(c *conn) (codeforge.Changes, string, error) {
		all, err := readChanges(c, u.ID, u, project{}, after, limit)
		return all, u.ID, err
	})
}

// errNoReader says that nobody has read a log yet, so that none is kept.
var errNoReader = errors.New("a log of changes that nobody has read")

// changes reads a log, which begins when it is read first.
func (s *Store) changes(ctx context.Context, read func(*conn) (all codeforge.Changes, owner string, err error)) (all codeforge.Changes, err error) {
	var owner string
	attempt := func(c *conn) error {
		all, owner, err = read(c)
		return err
	}
	if err = s.view(ctx, attempt); !errors.Is(err, errNoReader) {
		return all, err
	}
	if err := s.write(ctx, func(c *conn) error {
		_, _, err := c.exec("INSERT OR IGNORE INTO change_readers(owner, last) VALUES(?, 0)", owner)
		return err
	}); err != nil {
		return all, err
	}
	err = s.view(ctx, attempt)
	return all, err
}

// readChanges reads a part of the log of an owner: a project, or a user (then p is none).
func readChanges(c *conn, owner string, u codeforge.User, p project, after int64, limit int) (all codeforge.Changes, err error) {
	found, err := c.one(`SELECT last, max(last - ?2, coalesce((SELECT min(number) - 1 FROM changes WHERE owner = ?1), last)) + 1 FROM change_readers WHERE owner = ?1`,
		[]any{owner, codeforge.KeptChanges}, &all.Last, &all.Kept)
	if err == nil && !found {
		err = errNoReader
	}
	if err != nil {
		return all, err
	}
	if after < 0 {
		return all, readOpen(c, u, p.seq, &all.Open)
	}
	if err := c.each("SELECT number, kind, ref, state, at FROM changes WHERE owner = ? AND number > ? ORDER BY number LIMIT ?", []any{owner, max(after, all.Kept-1), limit}, func(r row) error {
		all.List = append(all.List, codeforge.Change{})
		ch := &all.List[len(all.List)-1]
		ref, state := "", ""
		err := r.scan(&ch.Number, (*string)(&ch.Kind), &ref, &state, &ch.At)
		switch ch.Kind {
		case codeforge.ChangedJob:
			ch.Job.ID, ch.Job.Status = ref, codeforge.JobStatus(state)
		case codeforge.ChangedRevision:
			ch.Revision.Number, _ = strconv.ParseInt(ref, 10, 64) // the trigger wrote a number
		case codeforge.ChangedMessage:
			ch.Message.ID = ref
		case codeforge.ChangedProject:
			ch.Fields = strings.Fields(ref)
		case codeforge.ChangedWebhook:
			ch.Webhook = codeforge.WebhookChange{ID: ref, Disabled: codeforge.WebhookFaultCause(state)}
		}
		return err
	}); err != nil {
		return all, err
	}
	for i := range all.List {
		if err := readChanged(c, p, &all.List[i]); err != nil {
			return all, err
		}
	}
	return all, nil
}

// readOpen reads the jobs of a user that have not ended, of one project or (0) of all.
func readOpen(c *conn, u codeforge.User, project int64, open *[]codeforge.OpenJob) error {
	return c.each(`SELECT id, project_id, agent, status, progress, events FROM jobs INDEXED BY jobs_not_ended
		WHERE user_id = ?1 AND (project = ?2 OR ?2 = 0) AND completed_at IS NULL ORDER BY seq DESC LIMIT ?3`,
		[]any{u.ID, project, codeforge.MaxOpenJobs}, func(r row) error {
			*open = append(*open, codeforge.OpenJob{})
			j := &(*open)[len(*open)-1]
			return r.scan(&j.ID, &j.Project, (*string)(&j.Agent), (*string)(&j.Status), &j.Progress, &j.Events)
		})
}

// readChanged reads what a change names, as far as it is still there.
func readChanged(c *conn, p project, ch *codeforge.Change) (err error) {
	switch ch.Kind {
	case codeforge.ChangedJob:
		_, err = c.one("SELECT project_id, agent FROM jobs WHERE id = ?", []any{ch.Job.ID}, &ch.Job.Project, (*string)(&ch.Job.Agent))
	case codeforge.ChangedRevision:
		err = c.each("SELECT "+revisionColumns+" FROM project_revisions WHERE project = ? AND number = ?", []any{p.seq, ch.Revision.Number}, func(r row) (err error) {
			ch.Revision, _, err = scanRevision(r)
			return err
		})
	case codeforge.ChangedMessage:
		m := &ch.Message
		size := 0
		m.ProjectID = p.ID
		var found bool
		found, err = c.one("SELECT role, thinking, created_at, metadata, substr(content, 1, ?3), length(content) FROM chat_messages WHERE id = ?1 AND project = ?2",
			[]any{m.ID, p.seq, codeforge.MaxChangeText}, &m.Role, &m.Thinking, &m.CreatedAt, &m.Metadata, &m.Content, &size)
		ch.Truncated, ch.Deleted = size > codeforge.MaxChangeText, !found
	}
	return err
}
