package sqlite

import (
	"context"

	"codeforge"
)

// PutBlob implements api.Store.
func (s *Store) PutBlob(ctx context.Context, u codeforge.User, projectID string, data []byte) (hash string, err error) {
	quota := s.Quota()
	if err := quota.CheckBlob(data); err != nil {
		return "", err
	}
	hash = codeforge.BlobHash(data)
	err = s.write(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		bytes := s.newRevision(c, &p, "", "", "")
		kept, err := bytes.storeBytes(data)
		if err != nil {
			return err
		}
		if bytes.stored == 0 {
			used, err := c.one(`SELECT 1 FROM file_revisions WHERE content = ? LIMIT 1`, []any{kept.row}, new(int))
			if err != nil || used {
				return err
			}
		}
		if _, _, err := c.exec("INSERT INTO puts(content, project, size, at) VALUES(?, ?, ?, ?) ON CONFLICT(content) DO UPDATE SET at = excluded.at",
			kept.row, p.seq, kept.size, c.now); err != nil {
			return err
		}
		if most := quota.ProjectBlobs; most > 0 {
			var waiting int64
			if _, err := c.one("SELECT sum(size) FROM puts WHERE project = ?", []any{p.seq}, &waiting); err != nil {
				return err
			}
			if waiting > int64(most) {
				return codeforge.OverBlobs(codeforge.PutBytes, most, waiting)
			}
		}
		return countBytes(c, p.UserID, bytes.stored, quota, true)
	})
	if err != nil {
		return "", err
	}
	return hash, nil
}

// storeBytes stores bytes, unless the project has them already. Those of a text become one.
func (r *revision) storeBytes(data []byte) (content, error) {
	if text := string(data); codeforge.CheckContent(text) == nil {
		return r.storeContent(text)
	}
	return r.store(contentHash(data), data, int64(len(data)))
}

// named is the content that a hash names, and its text if it is one.
func (r *revision) named(hash string) (kept content, text string, err error) {
	var blob bool
	found, err := r.c.one(`SELECT seq, octet_length(content), typeof(content) = 'blob', iif(typeof(content) = 'blob', '', content) FROM contents WHERE project = ? AND hash = unhex(?)`,
		[]any{r.p.seq, hash}, &kept.row, &kept.size, &blob, &text)
	switch {
	case err != nil:
		return none, "", err
	case !found:
		return none, "", codeforge.NoBlobError()
	case blob:
		kept.blob = hash
	}
	kept.put = true
	return kept, text, nil
}

// holding runs do while what the changes name is held in puts: do may take it from the last row that has it, and give it to another.
func (r *revision) holding(hashes []string, do func() error) error {
	var held []int64
	for _, hash := range hashes {
		kept, _, err := r.named(hash)
		if err != nil {
			return err
		}
		fresh, _, err := r.c.exec("INSERT INTO puts(content, project, size, at) VALUES(?, ?, ?, ?) ON CONFLICT DO NOTHING", kept.row, r.p.seq, kept.size, r.c.now)
		if err != nil {
			return err
		}
		if fresh > 0 {
			held = append(held, kept.row)
		}
	}
	if err := do(); err != nil {
		return err
	}
	for _, row := range held {
		if _, _, err := r.c.exec("DELETE FROM puts WHERE content = ?", row); err != nil {
			return err
		}
	}
	return nil
}

// hashesOf are those that changes name.
func hashesOf(changes []codeforge.FileChange) (hashes []string) {
	for _, ch := range changes {
		if !ch.Delete && ch.Hash != "" {
			hashes = append(hashes, ch.Hash)
		}
	}
	return hashes
}

// ReadBlob implements api.Store.
func (s *Store) ReadBlob(ctx context.Context, u codeforge.User, projectID, hash string) (data []byte, err error) {
	if codeforge.CheckHash(hash) != nil {
		hash = "" // names nothing
	}
	err = s.view(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		found, err := c.one("SELECT content FROM contents WHERE project = ? AND hash = unhex(?)", []any{p.seq, hash}, &data)
		if err == nil && !found {
			err = codeforge.NotFound("Blob", hash)
		}
		return err
	})
	return data, err
}
