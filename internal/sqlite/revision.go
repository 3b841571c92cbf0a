package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"

	"codeforge"
)

const revisionColumns = "number, job_id, author, message, files_changed, verified, evidence, created_at, first"

// scanRevision returns the row of the first change as well.
func scanRevision(r row) (rev codeforge.Revision, first int64, err error) {
	var evidence json.RawMessage
	err = r.scan(&rev.Number, &rev.JobID, &rev.Author, &rev.Message, &rev.FilesChanged, &rev.Verified, &evidence, &rev.CreatedAt, &first)
	if err == nil && evidence != nil {
		err = json.Unmarshal(evidence, &rev.Evidence)
	}
	return rev, first, err
}

// readRevision finds a revision of a project of u.
func readRevision(c *conn, u codeforge.User, projectID string, number int64) (p project, rev codeforge.Revision, first int64, err error) {
	if p, err = ownProject(c, u, projectID); err != nil {
		return p, rev, 0, err
	}
	rev, first, err = revisionOf(c, &p, number)
	return p, rev, first, err
}

func revisionOf(c *conn, p *project, number int64) (rev codeforge.Revision, first int64, err error) {
	found := false
	err = c.each("SELECT "+revisionColumns+" FROM project_revisions WHERE project = ? AND number = ?", []any{p.seq, number}, func(r row) (err error) {
		found = true
		rev, first, err = scanRevision(r)
		return err
	})
	if err == nil && !found {
		err = codeforge.NotFound("Revision", strconv.FormatInt(number, 10))
	}
	return rev, first, err
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

func (s *Store) RevisionFiles(ctx context.Context, u codeforge.User, projectID string, number int64, page codeforge.Page) (rev codeforge.Revision, files []codeforge.File, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		if number == 0 {
			if number = p.Revision; number == 0 {
				return nil
			}
		}
		if rev, _, err = revisionOf(c, &p, number); err != nil {
			return err
		}
		files, err = filesAt(c, p.seq, p.ID, rev.Number, rev.Number == p.Revision, page)
		return err
	})
	return rev, files, err
}

// RevisionDeltas reads which paths changed, and then the contents of those on the page: sorting rows would move the
// contents of all.
func (s *Store) RevisionDeltas(ctx context.Context, u codeforge.User, projectID string, number int64, page codeforge.Page) (rev codeforge.Revision, deltas []codeforge.FileDelta, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, r, first, err := readRevision(c, u, projectID, number)
		if err != nil {
			return err
		}
		rev = r
		type change struct {
			path     string
			new, old int64 // rows; 0: the file did not exist
		}
		var changes []change
		left := page.Bytes
		err = c.each(`SELECT n.path, iif(n.deleted, 0, n.seq), coalesce(iif(o.deleted, 0, o.seq), 0), iif(n.blob IS NULL, n.size, 0) + iif(o.blob IS NULL, coalesce(o.size, 0), 0)
			FROM file_revisions n
			LEFT JOIN file_revisions o ON o.project = n.project AND o.path = n.path AND o.revision =
				(SELECT max(revision) FROM file_revisions WHERE project = n.project AND path = n.path AND revision < n.revision)
			WHERE n.seq >= ?1 AND n.seq < ?1 + ?2 AND n.path > ?3 ORDER BY n.path`, []any{first, rev.FilesChanged, page.After}, func(r row) error {
			if page.Bytes > 0 && left <= 0 {
				return errPageFull
			}
			var ch change
			var size int64
			err := r.scan(&ch.path, &ch.new, &ch.old, &size)
			changes = append(changes, ch)
			left -= size
			return err
		})
		if err != nil && !errors.Is(err, errPageFull) {
			return err
		}
		for _, ch := range changes {
			d := codeforge.FileDelta{Path: ch.path}
			if d.Old, err = readState(c, p.ID, ch.old, page.Bare); err != nil {
				return err
			}
			if d.New, err = readState(c, p.ID, ch.new, page.Bare); err != nil {
				return err
			}
			deltas = append(deltas, d)
		}
		return nil
	})
	return rev, deltas, err
}

func (s *Store) RestoreRevision(ctx context.Context, u codeforge.User, projectID string, number int64, ifRevision *int64) (rev codeforge.Revision, err error) {
	err = s.write(ctx, func(c *conn) error {
		p, old, _, err := readRevision(c, u, projectID, number)
		if err != nil {
			return err
		}
		if err := p.writable(ifRevision); err != nil {
			return err
		}
		type change struct {
			content  content
			path     string
			language string
		}
		var changes []change
		// What differs: a path that was not there then has no row, or one without content.
		if err := c.each(`SELECT f.path, coalesce(r.language, ''), coalesce(r.content, 0), coalesce(r.size, 0), r.blob
			FROM project_files f LEFT JOIN file_revisions r ON r.project = f.project AND r.path = f.path
				AND r.revision = (SELECT max(revision) FROM file_revisions WHERE project = f.project AND path = f.path AND revision <= ?1)
			WHERE f.project = ?2 AND (r.content IS NOT f.content OR r.content IS NOT NULL AND r.language <> f.language) ORDER BY f.path`,
			[]any{number, p.seq}, func(r row) error {
				var ch change
				err := r.scan(&ch.path, &ch.language, &ch.content.row, &ch.content.size, &ch.content.blob)
				changes = append(changes, ch)
				return err
			}); err != nil {
			return err
		}
		r := s.newRevision(c, &p, "", "user", fmt.Sprintf("Restore revision %d", number))
		r.restored, r.beside = number, beside{verified: old.Verified, evidence: old.Evidence}
		if r.beside.shots, err = screenshots(c, p.seq, number); err != nil {
			return err
		}
		for _, ch := range changes {
			old, err := readFile(c, p.seq, ch.path)
			if err != nil {
				return err
			}
			if _, err := r.put(old, ch.content, ch.language); err != nil {
				return err
			}
		}
		rev, err = r.finish()
		return err
	})
	if err != nil {
		return codeforge.Revision{}, err
	}
	return rev, nil
}

// WriteRevision implements api.Store.
func (s *Store) WriteRevision(ctx context.Context, u codeforge.User, projectID string, change codeforge.TreeChange) (rev codeforge.Revision, err error) {
	if err := checkTree(change); err != nil {
		return rev, err
	}
	err = s.write(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		var head *int64
		if change.Head >= 0 {
			head = &change.Head
		}
		if err := p.writable(head); err != nil {
			return err
		}
		r := s.newRevision(c, &p, "", "user", change.Message)
		r.beside = besideChange(change)
		if err := r.putReal(change.Changes); err != nil {
			return err
		}
		rev, err = r.finish()
		return err
	})
	if err != nil {
		return codeforge.Revision{}, err
	}
	return rev, nil
}

// checkTree holds a change of a tree, and what is kept beside it, to the rules of the domain.
func checkTree(change codeforge.TreeChange) error {
	if err := checkAll(change.Changes); err != nil {
		return err
	}
	return codeforge.CheckBesideRevision(change.Evidence, change.Screenshots, change.Lock)
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
		kept, _, err := r.storeChange(ch)
		if err != nil {
			return err
		}
		if kept.row == old.content && (ch.Delete || ch.Language == "" || ch.Language == old.Language) {
			continue
		}
		if _, err := r.put(old, kept, ch.Language); err != nil {
			return err
		}
	}
	return nil
}
