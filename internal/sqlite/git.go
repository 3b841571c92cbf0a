package sqlite

import (
	"context"
	"encoding/hex"
	"errors"

	"codeforge"
)

// GitRevisions implements git.Store.
func (s *Store) GitRevisions(ctx context.Context, u codeforge.User, projectID string, after int64, rows int) (newest int64, list []codeforge.GitRevision, err error) {
	err = s.view(ctx, func(c *conn) error {
		list = nil
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		newest = p.Revision
		var firsts []int64
		left := rows
		err = c.each("SELECT "+revisionColumns+" FROM project_revisions WHERE project = ? AND number > ? ORDER BY number", []any{p.seq, after}, func(r row) error {
			if left <= 0 {
				return errPageFull
			}
			rev, first, err := scanRevision(r)
			rev.Evidence, rev.Verified = nil, nil // of no commit
			list, firsts = append(list, codeforge.GitRevision{Revision: rev}), append(firsts, first)
			left -= rev.FilesChanged + 1
			return err
		})
		if err != nil && !errors.Is(err, errPageFull) {
			return err
		}
		for i := range list {
			if err := readGitRevision(c, p.seq, firsts[i], &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	return newest, list, err
}

// readGitRevision reads what a revision changed, from a row on, and what was pushed with it.
func readGitRevision(c *conn, project, first int64, rev *codeforge.GitRevision) error {
	err := c.each(`SELECT n.path, coalesce(lower(hex(c.hash)), ''), n.size FROM file_revisions n LEFT JOIN contents c ON c.seq = n.content AND NOT n.deleted
		WHERE n.seq >= ?1 AND n.seq < ?1 + ?2 ORDER BY n.path`, []any{first, rev.FilesChanged}, func(r row) error {
		var f codeforge.GitFile
		err := r.scan(&f.Path, &f.Hash, &f.Size)
		rev.Files = append(rev.Files, f)
		return err
	})
	if err != nil {
		return err
	}
	return c.each(`SELECT lower(hex(g.commit_id)), lower(hex(c.hash)) FROM git_packs g JOIN contents c ON c.seq = g.content
		WHERE g.project = ? AND g.revision = ? ORDER BY g.place`, []any{project, rev.Number}, func(r row) error {
		rev.Packs = append(rev.Packs, "")
		return r.scan(&rev.Commit, &rev.Packs[len(rev.Packs)-1])
	})
}

// ReadContents implements git.Store.
func (s *Store) ReadContents(ctx context.Context, u codeforge.User, projectID string, hashes []string) (contents map[string][]byte, err error) {
	err = s.view(ctx, func(c *conn) error {
		contents = make(map[string][]byte, len(hashes))
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		for _, hash := range hashes {
			var data []byte
			found, err := c.one("SELECT content FROM contents WHERE project = ? AND hash = unhex(?)", []any{p.seq, hash}, &data)
			if err != nil {
				return err
			}
			if found {
				contents[hash] = data
			}
		}
		return nil
	})
	return contents, err
}

// PushRevisions implements git.Store.
func (s *Store) PushRevisions(ctx context.Context, u codeforge.User, projectID string, push codeforge.Push) (made []codeforge.Revision, err error) {
	if err := push.Check(); err != nil {
		return nil, err
	}
	err = s.write(ctx, func(c *conn) error {
		made = nil
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		if err := p.writable(&push.Head); err != nil {
			return err
		}
		for _, pushed := range push.Revisions {
			rev, err := s.pushRevision(c, &p, pushed)
			if err != nil {
				return err
			}
			made = append(made, rev)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return made, nil
}

// pushRevision makes the revision of one commit.
func (s *Store) pushRevision(c *conn, p *project, pushed codeforge.PushedRevision) (codeforge.Revision, error) {
	r := s.newRevision(c, p, "", "user", pushed.Message)
	r.beside = beside{verified: pushed.Verified, evidence: pushed.Evidence, lock: pushed.Lock}
	if err := r.putReal(pushed.Changes); err != nil {
		return codeforge.Revision{}, err
	}
	rev, err := r.finish()
	if err != nil {
		return rev, err
	}
	commit, err := hex.DecodeString(pushed.Commit)
	if err != nil {
		return rev, err
	}
	for place, hash := range pushed.Packs {
		kept, _, err := r.named(hash)
		if err != nil {
			return rev, err
		}
		if _, _, err := c.exec("INSERT INTO git_packs(project, revision, place, commit_id, content) VALUES(?, ?, ?, ?, ?)", p.seq, rev.Number, place, commit, kept.row); err != nil {
			return rev, err
		}
		if _, _, err := c.exec("DELETE FROM puts WHERE content = ?", kept.row); err != nil { // now in use
			return rev, err
		}
	}
	return rev, nil
}
