package sqlite

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"codeforge"
)

// propose puts a proposal in place of the one that a job has; nil leaves that one. Its texts count as what its owner stores and are
// never refused: they were paid for.
func (s *Store) propose(c *conn, j *jobRow, n *codeforge.NewProposal) error {
	if n == nil {
		return nil
	}
	p, _, err := readProject(c, "SELECT "+projectColumns+" FROM projects WHERE seq = ?", j.project)
	if err != nil {
		return err
	}
	texts := s.newRevision(c, &p, j.ID, "", "")
	paths := map[string]bool{}
	err = texts.holding(hashesOf(n.Changes), func() error {
		if err := dropProposal(c, j); err != nil {
			return err
		}
		for _, ch := range n.Changes {
			paths[ch.Path] = true
			kept, _, err := texts.storeChange(ch)
			if err != nil {
				return err
			}
			if _, _, err := c.exec(`INSERT INTO proposal_files(job, path, language, content) VALUES(?, ?, ?, ?)
				ON CONFLICT(job, path) DO UPDATE SET language = excluded.language, content = excluded.content`, j.seq, ch.Path, ch.Language, kept.column()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || len(n.Changes) == 0 {
		return err
	}
	j.Proposal = &codeforge.Proposal{Base: n.Base, Message: strings.ReplaceAll(n.Message, "\x00", ""), Verified: n.Verified, FilesChanged: len(paths), CreatedAt: c.now}
	text, err := json.Marshal(j.Proposal)
	if err != nil {
		return err
	}
	if _, _, err := c.exec("UPDATE jobs SET proposal = ? WHERE seq = ?", string(text), j.seq); err != nil {
		return err
	}
	return countBytes(c, p.UserID, texts.stored, texts.quota, false)
}

// dropProposal forgets the proposal of a job, and texts that nothing else has.
func dropProposal(c *conn, j *jobRow) error {
	if j.Proposal == nil {
		return nil
	}
	j.Proposal = nil
	if _, _, err := c.exec("DELETE FROM proposal_files WHERE job = ?", j.seq); err != nil {
		return err
	}
	_, _, err := c.exec("UPDATE jobs SET proposal = NULL WHERE seq = ?", j.seq)
	return err
}

// proposed is a job of u with a proposal that nobody works on.
func proposed(c *conn, u codeforge.User, id string) (j jobRow, err error) {
	if j, err = ownJob(c, u, id); err != nil {
		return j, err
	}
	switch {
	case j.Proposal == nil:
		err = codeforge.NotFound("Proposal", id)
	case !j.due.IsZero():
		err = codeforge.Conflictf("job is %s: its proposal may change", j.Status)
	}
	return j, err
}

func (s *Store) ReadProposal(ctx context.Context, u codeforge.User, jobID string, page codeforge.Page) (p codeforge.Proposal, deltas []codeforge.FileDelta, err error) {
	oldContent, newContent := textOf("o"), "iif(typeof(c.content) = 'text', c.content, '')"
	if page.Bare {
		oldContent, newContent = "''", "''"
	}
	err = s.view(ctx, func(c *conn) error {
		deltas = nil
		j, err := ownJob(c, u, jobID)
		if err != nil {
			return err
		}
		if j.Proposal == nil {
			return codeforge.NotFound("Proposal", jobID)
		}
		p = *j.Proposal
		left := page.Bytes
		err = c.each(`SELECT f.path, f.content IS NOT NULL, f.language, coalesce(octet_length(c.content), 0), iif(typeof(c.content) = 'blob', lower(hex(c.hash)), ''), `+newContent+`,
				o.content IS NOT NULL, coalesce(h.id, ''), coalesce(o.language, ''), coalesce(o.version, 0), coalesce(o.size, 0), o.blob, coalesce(o.revision, 0), h.created_at, o.created_at, `+oldContent+`
			FROM proposal_files f LEFT JOIN contents c ON c.seq = f.content
			LEFT JOIN file_revisions o ON o.project = ?1 AND o.path = f.path AND o.revision = (SELECT max(revision) FROM file_revisions WHERE project = ?1 AND path = f.path AND revision <= ?2)
			LEFT JOIN project_files h ON h.project = ?1 AND h.path = f.path
			WHERE f.job = ?3 AND f.path > ?4 ORDER BY f.path`, []any{j.project, p.Base, j.seq, page.After}, func(r row) error {
			if page.Bytes > 0 && left <= 0 {
				return errPageFull
			}
			var made, existed bool
			old, proposed := &codeforge.File{ProjectID: j.ProjectID}, &codeforge.File{ProjectID: j.ProjectID}
			if err := r.scan(&proposed.Path, &made, &proposed.Language, &proposed.Size, &proposed.Hash, &proposed.Content,
				&existed, &old.ID, &old.Language, &old.Version, &old.Size, &old.Hash, &old.Revision, &old.CreatedAt, &old.UpdatedAt, &old.Content); err != nil {
				return err
			}
			proposed.Language = cmp.Or(proposed.Language, old.Language, codeforge.LanguageOf(proposed.Path))
			old.SetBlob(old.Hash)
			proposed.SetBlob(proposed.Hash)
			d := codeforge.FileDelta{Path: proposed.Path}
			if old.Path = proposed.Path; existed {
				d.Old = old
				left -= textBytes(old.Hash != "", old.Size)
			}
			if made {
				d.New = proposed
				left -= textBytes(proposed.Hash != "", proposed.Size)
			}
			deltas = append(deltas, d)
			return nil
		})
		if errors.Is(err, errPageFull) {
			err = nil
		}
		return err
	})
	if err != nil {
		return codeforge.Proposal{}, nil, err
	}
	return p, deltas, nil
}

func (s *Store) ApplyProposal(ctx context.Context, u codeforge.User, id string, a codeforge.Application) (codeforge.Finished, error) {
	if err := checkTree(a.TreeChange); err != nil {
		return codeforge.Finished{}, err
	}
	return s.writeEnd(ctx, func(c *conn) (codeforge.Finished, error) {
		j, err := proposed(c, u, id)
		if err != nil {
			return codeforge.Finished{}, err
		}
		if err := s.change(c, &j, string(j.Agent), a.TreeChange); err != nil {
			return codeforge.Finished{}, err
		}
		if err := dropProposal(c, &j); err != nil {
			return codeforge.Finished{}, err
		}
		if len(a.Result) > 0 && j.Status == codeforge.Waiting {
			j.Result = a.Result
			if _, _, err := c.exec("UPDATE jobs SET result = ? WHERE seq = ?", j.Result, j.seq); err != nil {
				return codeforge.Finished{}, err
			}
		}
		if err := addMessages(c, j.project, a.Chat); err != nil {
			return codeforge.Finished{}, err
		}
		return endWaiting(c, j, codeforge.JobCompleted, codeforge.EventComplete)
	})
}

// change makes a revision of a change to the newest one, as a job's, and notes it in the row of the job.
func (s *Store) change(c *conn, j *jobRow, author string, change codeforge.TreeChange) error {
	p, _, err := readProject(c, "SELECT "+projectColumns+" FROM projects WHERE seq = ?", j.project)
	if err != nil {
		return err
	}
	if err := p.writable(&change.Head); err != nil {
		return err
	}
	if _, err := s.addRevision(c, j, &p, author, change); err != nil {
		return err
	}
	_, _, err = c.exec("UPDATE jobs SET revision = ?, updated_at = ? WHERE seq = ?", j.Revision, c.now, j.seq)
	return err
}

// endWaiting ends a job if it waits; else it has ended.
func endWaiting(c *conn, j jobRow, status codeforge.JobStatus, event codeforge.EventType) (codeforge.Finished, error) {
	if j.Status == codeforge.Waiting {
		return end(c, j, status, event)
	}
	return codeforge.Finished{Job: j.Job}, nil
}

func (s *Store) RejectProposal(ctx context.Context, u codeforge.User, id string, chat []codeforge.Message) (codeforge.Finished, error) {
	return s.writeEnd(ctx, func(c *conn) (codeforge.Finished, error) {
		j, err := proposed(c, u, id)
		if err != nil {
			return codeforge.Finished{}, err
		}
		if err := dropProposal(c, &j); err != nil {
			return codeforge.Finished{}, err
		}
		if err := addMessages(c, j.project, chat); err != nil {
			return codeforge.Finished{}, err
		}
		return endWaiting(c, j, codeforge.JobCancelled, codeforge.EventCancelled)
	})
}

func (s *Store) TakeBackJob(ctx context.Context, u codeforge.User, id string, undo codeforge.TreeChange) (codeforge.Finished, error) {
	if err := checkTree(undo); err != nil {
		return codeforge.Finished{}, err
	}
	return s.writeEnd(ctx, func(c *conn) (codeforge.Finished, error) {
		j, err := ownJob(c, u, id)
		if err != nil {
			return codeforge.Finished{}, err
		}
		if j.Status.Terminal() {
			return codeforge.Finished{}, codeforge.InvalidField("status", "job is %s and cannot be cancelled", j.Status)
		}
		if err := s.change(c, &j, "user", undo); err != nil {
			return codeforge.Finished{}, err
		}
		if err := dropProposal(c, &j); err != nil {
			return codeforge.Finished{}, err
		}
		j.Revision = 0
		if _, _, err := c.exec("UPDATE jobs SET revision = 0 WHERE seq = ?", j.seq); err != nil {
			return codeforge.Finished{}, err
		}
		return cancel(c, j)
	})
}
