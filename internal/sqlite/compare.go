package sqlite

import (
	"context"
	"strconv"

	"codeforge"
)

// difference is what a path was in one revision and is in another: rows of file_revisions; 0: it does not exist there.
type difference struct {
	path     string
	from, to int64
	was, is  int64 // their contents
	size     int64 // of the texts of both
	renamed  bool  // from is of another path, and has the same content
}

// CompareRevisions reads which paths differ, and then the contents of those on the page: sorting rows would move the contents of all.
func (s *Store) CompareRevisions(ctx context.Context, u codeforge.User, projectID string, from, to int64, page codeforge.Page) (rev codeforge.Revision, deltas []codeforge.FileDelta, err error) {
	err = s.view(ctx, func(c *conn) error {
		deltas = nil
		p, r, _, err := readRevision(c, u, projectID, to)
		if err != nil {
			return err
		}
		if rev = r; from < 0 || from > p.Revision { // numbers have no gaps
			return codeforge.NotFound("Revision", strconv.FormatInt(from, 10))
		}
		all, err := differences(c, p.seq, from, to)
		if err != nil {
			return err
		}
		left := page.Bytes
		for _, d := range pairRenamed(all) {
			if d.path <= page.After {
				continue
			}
			if page.Bytes > 0 && left <= 0 {
				break
			}
			left -= d.size
			delta := codeforge.FileDelta{Path: d.path}
			bare := page.Bare || d.renamed
			if delta.Old, err = readState(c, p.ID, d.from, bare); err != nil {
				return err
			}
			if delta.New, err = readState(c, p.ID, d.to, bare); err != nil {
				return err
			}
			deltas = append(deltas, delta)
		}
		return nil
	})
	return rev, deltas, err
}

// differences are the paths that were written between two revisions and differ in them, sorted.
func differences(c *conn, project, from, to int64) (all []difference, err error) {
	err = c.each(`WITH written(path) AS (SELECT DISTINCT w.path FROM project_revisions r JOIN file_revisions w ON w.seq >= r.first AND w.seq < r.first + r.files_changed
			WHERE r.project = ?1 AND r.number > min(?2, ?3) AND r.number <= max(?2, ?3))
		SELECT t.path, coalesce(o.seq, 0), coalesce(n.seq, 0), iif(o.blob IS NULL, coalesce(o.size, 0), 0) + iif(n.blob IS NULL, coalesce(n.size, 0), 0),
			coalesce(o.content, 0), coalesce(n.content, 0), coalesce(o.language, ''), coalesce(n.language, '')
		FROM written t
		LEFT JOIN file_revisions o ON o.project = ?1 AND o.path = t.path AND NOT o.deleted
			AND o.revision = (SELECT max(revision) FROM file_revisions WHERE project = ?1 AND path = t.path AND revision <= ?2)
		LEFT JOIN file_revisions n ON n.project = ?1 AND n.path = t.path AND NOT n.deleted
			AND n.revision = (SELECT max(revision) FROM file_revisions WHERE project = ?1 AND path = t.path AND revision <= ?3)
		ORDER BY t.path`, []any{project, from, to}, func(r row) error {
		var d difference
		var before, after string // languages
		err := r.scan(&d.path, &d.from, &d.to, &d.size, &d.was, &d.is, &before, &after)
		if d.was != d.is || before != after {
			all = append(all, d)
		}
		return err
	})
	return all, err
}

// pairRenamed makes one difference of each file that went and one that came with the same content: the first of those that are alike
// with the first.
func pairRenamed(all []difference) (out []difference) {
	went := map[int64][]difference{}
	for _, d := range all {
		if d.to == 0 {
			went[d.was] = append(went[d.was], d)
		}
	}
	elsewhere := map[string]bool{} // paths that went and have another name now
	for i := range all {
		d := &all[i]
		if alike := went[d.is]; d.from == 0 && len(alike) > 0 {
			went[d.is] = alike[1:]
			d.from, d.size, d.renamed = alike[0].from, 0, true
			elsewhere[alike[0].path] = true
		}
	}
	for _, d := range all {
		if d.to != 0 || !elsewhere[d.path] {
			out = append(out, d)
		}
	}
	return out
}

// readState reads a row of file_revisions, of its text too unless it is to be bare; nil for row 0.
func readState(c *conn, projectID string, row int64, bare bool) (*codeforge.File, error) {
	if row == 0 {
		return nil, nil
	}
	f := &codeforge.File{ProjectID: projectID}
	const query = `SELECT r.path, f.id, f.created_at, r.language, r.version, r.size, r.blob, r.revision, r.created_at, `
	const from = ` FROM file_revisions r JOIN project_files f ON f.project = r.project AND f.path = r.path WHERE r.seq = ?`
	text := textOf("r")
	if bare {
		text = "''"
	}
	_, err := c.one(query+text+from, []any{row}, &f.Path, &f.ID, &f.CreatedAt, &f.Language, &f.Version, &f.Size, &f.Hash, &f.Revision, &f.UpdatedAt, &f.Content)
	f.SetBlob(f.Hash)
	return f, err
}
