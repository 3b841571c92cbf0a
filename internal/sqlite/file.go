package sqlite

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"codeforge"
)

func (s *Store) ListFiles(ctx context.Context, u codeforge.User, projectID string, contents bool, unless int64) (files []codeforge.File, revision int64, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		if revision = p.Revision; revision == unless {
			return nil
		}
		files = make([]codeforge.File, 0, p.files)
		content := "''"
		if contents {
			content = textOf("f")
		}
		err = c.each("SELECT f.path, f.id, f.language, f.version, f.size, f.blob, f.revision, f.created_at, f.updated_at, "+content+
			" FROM project_files f WHERE f.project = ? AND NOT f.deleted ORDER BY f.path", []any{p.seq}, func(r row) error {
			files = append(files, codeforge.File{ProjectID: p.ID})
			f := &files[len(files)-1]
			err := r.scan(&f.Path, &f.ID, &f.Language, &f.Version, &f.Size, &f.Hash, &f.Revision, &f.CreatedAt, &f.UpdatedAt, &f.Content)
			f.SetBlob(f.Hash)
			return err
		})
		return err
	})
	return files, revision, err
}

// textOf is the text of a row of files, of which a blob has none.
func textOf(row string) string {
	return "iif(" + row + ".blob IS NULL, (SELECT content FROM contents WHERE seq = " + row + ".content), '')"
}

// textBytes is what a file takes of a page.
func textBytes(blob bool, size int64) int64 {
	if blob {
		return 0
	}
	return size
}

func (s *Store) GetFile(ctx context.Context, u codeforge.User, projectID, path string) (f codeforge.File, err error) {
	f.ProjectID, f.Path = projectID, path
	err = s.read(ctx, func(c *conn) error {
		found, err := c.one(`SELECT f.id, f.language, f.version, f.size, f.blob, f.revision, f.created_at, f.updated_at, `+textOf("f")+` FROM projects p
			LEFT JOIN project_files f ON f.project = p.seq AND f.path = ? AND NOT f.deleted
			WHERE p.id = ? AND p.user_id = ?`,
			[]any{path, projectID, u.ID}, &f.ID, &f.Language, &f.Version, &f.Size, &f.Hash, &f.Revision, &f.CreatedAt, &f.UpdatedAt, &f.Content)
		switch {
		case err != nil:
			return err
		case !found:
			return codeforge.NotFound("Project", projectID)
		case f.ID == "":
			return codeforge.NotFound("File", path)
		}
		f.SetBlob(f.Hash)
		return nil
	})
	return f, err
}

func (s *Store) WriteFile(ctx context.Context, u codeforge.User, projectID string, w codeforge.FileWrite) (f codeforge.File, err error) {
	change := codeforge.FileChange{Path: w.Path, Content: w.Content, Hash: w.Hash}
	if err := change.Check(); err != nil {
		return codeforge.File{}, err
	}
	err = s.write(ctx, func(c *conn) error {
		p, old, err := fileToWrite(c, u, projectID, w.Path, w.IfRevision, w.IfVersion)
		if err != nil {
			return err
		}
		verb := "Update"
		if old.ID == "" || old.deleted {
			if verb = "Create"; w.MustExist {
				return codeforge.NotFound("File", w.Path)
			}
		}
		rev := s.newRevision(c, &p, "", "user", verb+" "+w.Path)
		kept, text, err := rev.storeChange(change)
		if err != nil {
			return err
		}
		if f, err = rev.put(old, kept, w.Language); err != nil {
			return err
		}
		f.Content = text
		_, err = rev.finish()
		return err
	})
	if err != nil {
		return codeforge.File{}, err
	}
	return f, nil
}

func (s *Store) DeleteFile(ctx context.Context, u codeforge.User, projectID, path string, ifVersion *int64) error {
	return s.write(ctx, func(c *conn) error {
		p, old, err := fileToWrite(c, u, projectID, path, nil, ifVersion)
		if err != nil {
			return err
		}
		if old.ID == "" || old.deleted {
			return codeforge.NotFound("File", path)
		}
		rev := s.newRevision(c, &p, "", "user", "Delete "+path)
		if _, err := rev.put(old, none, ""); err != nil {
			return err
		}
		_, err = rev.finish()
		return err
	})
}

// fileToWrite reads a project of u and the newest state of a path in it, and checks what the write is based on.
func fileToWrite(c *conn, u codeforge.User, projectID, path string, ifRevision, ifVersion *int64) (p project, old fileRow, err error) {
	if p, err = ownProject(c, u, projectID); err != nil {
		return p, old, err
	}
	if err = p.writable(ifRevision); err != nil {
		return p, old, err
	}
	if old, err = readFile(c, p.seq, path); err != nil {
		return p, old, err
	}
	version := old.Version
	if old.deleted {
		version = 0
	}
	if ifVersion != nil && *ifVersion != version {
		if version == 0 {
			return p, old, codeforge.Conflictf("the file does not exist")
		}
		return p, old, codeforge.Conflictf("the file is at version %d, not %d", version, *ifVersion)
	}
	return p, old, nil
}

// fileRow is a row of project_files; with ID "" there is none, and the path was never written.
type fileRow struct {
	codeforge.File // without its content
	deleted        bool
	content        int64 // its row in contents
}

func readFile(c *conn, project int64, path string) (f fileRow, err error) {
	f.Path = path
	_, err = c.one("SELECT id, deleted, language, version, size, blob, revision, coalesce(content, 0), created_at, updated_at FROM project_files WHERE project = ? AND path = ?",
		[]any{project, path}, &f.ID, &f.deleted, &f.Language, &f.Version, &f.Size, &f.Hash, &f.Revision, &f.content, &f.CreatedAt, &f.UpdatedAt)
	f.SetBlob(f.Hash)
	return f, err
}

func checkAll(changes []codeforge.FileChange) error {
	for _, ch := range changes {
		if err := ch.Check(); err != nil {
			return err
		}
	}
	return nil
}

// revision is a new state of a project's files while it is written, inside one transaction.
type revision struct {
	c       *conn
	quota   codeforge.Quota
	p       *project
	old     project // as it was
	job     string
	author  string
	message string

	beside   beside
	restored int64 // the revision whose lock it has; 0: its own, or that of the one before
	number   int64
	first    int64 // row of the first change
	changes  int
	stored   int64    // bytes that were not there before
	made     []string // paths that were not there before
}

func (s *Store) newRevision(c *conn, p *project, job, author, message string) *revision {
	return &revision{c: c, quota: s.Quota(), p: p, old: *p, job: job, author: author, message: message, number: p.Revision + 1}
}

// content is what is stored: its row in contents and its length.
type content struct {
	row, size int64
	blob      string // its hash, if it is a blob
	put       bool   // by its hash, so that it may lie in puts
}

// none is what a deleted file has.
var none content

func contentHash[T ~string | ~[]byte](data T) []byte {
	sum := sha256.Sum256([]byte(data))
	return sum[:]
}

// storeContent stores a text, unless the project has it already.
func (r *revision) storeContent(text string) (content, error) {
	return r.store(contentHash(text), text, int64(len(text)))
}

// store stores a text or a blob, unless the project has it already.
func (r *revision) store(hash []byte, data any, size int64) (content, error) {
	kept := content{size: size}
	fresh, row, err := r.c.exec("INSERT INTO contents(project, hash, content) VALUES(?, ?, ?) ON CONFLICT DO NOTHING", r.p.seq, hash, data)
	if err == nil && fresh > 0 {
		kept.row = row
		r.stored += kept.size
		return kept, nil
	}
	if err == nil {
		_, err = r.c.one("SELECT seq FROM contents WHERE project = ? AND hash = ?", []any{r.p.seq, hash}, &kept.row)
	}
	return kept, err
}

// storeChange stores what a file comes to have, and returns the text if it is one. Of a file that is deleted it is none.
func (r *revision) storeChange(ch codeforge.FileChange) (kept content, text string, err error) {
	switch {
	case ch.Delete:
		return none, "", nil
	case ch.Hash != "":
		return r.named(ch.Hash)
	}
	kept, err = r.storeContent(ch.Content)
	return kept, ch.Content, err
}

// column is a row of contents for a column of them: NULL for a file that is deleted.
func (c content) column() any {
	if c == none {
		return nil
	}
	return c.row
}

// put gives a path, whose newest state is old, other content, or none. Each path may come once.
func (r *revision) put(old fileRow, new content, language string) (codeforge.File, error) {
	existed, deleted := old.ID != "" && !old.deleted, new == none
	f := old.File
	f.ProjectID = r.p.ID
	if f.ID == "" {
		f.ID, f.CreatedAt = codeforge.NewID(), r.c.now
	}
	if !existed {
		f.Language = ""
	}
	f.Language = cmp.Or(language, f.Language, codeforge.LanguageOf(f.Path))
	f.Version, f.Size, f.Revision, f.UpdatedAt = old.Version+1, new.size, r.number, r.c.now
	f.SetBlob(new.blob)
	row, blob := new.column(), nullable(new.blob)
	_, state, err := r.c.exec(`INSERT INTO file_revisions(project, path, revision, deleted, language, version, size, created_at, content, blob) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		r.p.seq, f.Path, f.Revision, deleted, f.Language, f.Version, f.Size, f.UpdatedAt, row, blob)
	if err != nil {
		return codeforge.File{}, err
	}
	if old.ID == "" {
		_, _, err = r.c.exec(`INSERT INTO project_files(project, path, key, id, deleted, language, version, size, revision, content, blob, created_at, updated_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.p.seq, f.Path, codeforge.PathKey(f.Path), f.ID, deleted, f.Language, f.Version, f.Size, f.Revision, row, blob, f.CreatedAt, f.UpdatedAt)
	} else {
		_, _, err = r.c.exec(`UPDATE project_files SET deleted = ?, language = ?, version = ?, size = ?, revision = ?, content = ?, blob = ?, updated_at = ? WHERE project = ? AND path = ?`,
			deleted, f.Language, f.Version, f.Size, f.Revision, row, blob, f.UpdatedAt, r.p.seq, f.Path)
	}
	if err == nil && new.put { // and now in use
		_, _, err = r.c.exec("DELETE FROM puts WHERE content = ?", new.row)
	}
	if err != nil {
		return codeforge.File{}, err
	}
	if r.changes++; r.changes == 1 {
		r.first = state
	}
	if existed {
		r.count(old.File, -1)
	}
	if !deleted {
		if !existed {
			r.made = append(r.made, f.Path)
		}
		r.count(f, 1)
	}
	return f, nil
}

// count counts a file that the project comes to have, or, with -1, has no more.
func (r *revision) count(f codeforge.File, n int64) {
	r.p.files += n
	if f.Hash != "" {
		r.p.blobs += n * f.Size
	} else {
		r.p.bytes += n * f.Size
	}
}

// checkClashes checks that the paths which the revision adds can lie beside all others. Those that were there may clash: they came
// before the rule.
func (r *revision) checkClashes() error {
	slices.Sort(r.made)
	for _, path := range r.made {
		key := codeforge.PathKey(path)
		keys := []string{key} // and those of the folders that it lies in
		for i, c := range key {
			if c == '/' {
				keys = append(keys, key[:i])
			}
		}
		list, err := json.Marshal(keys)
		if err != nil {
			return err
		}
		var other string
		found, err := r.c.one(`SELECT min(path) FROM (
			SELECT path FROM project_files INDEXED BY project_files_by_key WHERE project = ?1 AND NOT deleted AND key IN (SELECT value FROM json_each(?3)) UNION ALL
			SELECT path FROM project_files INDEXED BY project_files_by_key WHERE project = ?1 AND NOT deleted AND key > ?4 || '/' AND key < ?4 || '0') WHERE path <> ?2 HAVING count(*) > 0`, // 0 follows /
			[]any{r.p.seq, path, string(list), key}, &other)
		if err != nil {
			return err
		}
		if found {
			return codeforge.CheckBeside(path, other)
		}
	}
	return nil
}

// finish checks the rules for the whole of a project, and stores the revision.
func (r *revision) finish() (codeforge.Revision, error) {
	rev := codeforge.Revision{Number: r.number, JobID: r.job, Author: r.author, Message: strings.ReplaceAll(r.message, "\x00", ""),
		FilesChanged: r.changes, Verified: r.beside.verified, Evidence: r.beside.evidence, CreatedAt: r.c.now}
	// A project that is over a limit may shrink, and its files may change.
	if r.p.files > max(codeforge.MaxFiles, r.old.files) {
		return rev, tooLarge("a project has at most %d files, this would make %d", codeforge.MaxFiles, r.p.files)
	}
	if r.p.bytes > max(codeforge.MaxTreeBytes, r.old.bytes) {
		return rev, tooLarge("all files of a project have at most %d bytes, this would make %d", codeforge.MaxTreeBytes, r.p.bytes)
	}
	if most := int64(r.quota.ProjectBlobs); most > 0 && r.p.blobs > max(most, r.old.blobs) {
		return rev, codeforge.OverBlobs(codeforge.ProjectBlobsBytes, r.quota.ProjectBlobs, r.p.blobs)
	}
	if err := r.checkClashes(); err != nil {
		return rev, err
	}
	lock, err := r.storeLock(r.beside.lock)
	if err != nil {
		return rev, err
	}
	if err := countRevision(r.c, r.p.UserID, r.quota, r.job == ""); err != nil {
		return rev, err
	}
	if err := countBytes(r.c, r.p.UserID, r.stored, r.quota, r.job == ""); err != nil {
		return rev, err
	}
	if _, _, err := r.c.exec(`INSERT INTO project_revisions(project, number, job_id, author, message, first, files_changed, verified, evidence, lock, created_at)
		VALUES(?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, coalesce(?10, (SELECT lock FROM project_revisions WHERE project = ?1 AND number = ?11), (SELECT lock FROM project_revisions WHERE project = ?1 AND number = ?2 - 1)), ?12)`,
		r.p.seq, rev.Number, nullable(r.job), rev.Author, rev.Message, r.first, rev.FilesChanged, rev.Verified, evidenceText(rev.Evidence), lock, r.restored, rev.CreatedAt); err != nil {
		return rev, err
	}
	if len(r.beside.shots) > 0 {
		if err := r.putScreenshots(rev.Number, r.beside.shots); err != nil {
			return rev, err
		}
	}
	r.p.Revision, r.p.UpdatedAt = rev.Number, rev.CreatedAt
	_, _, err = r.c.exec("UPDATE projects SET revision = ?, files = ?, bytes = ?, blob_bytes = ?, updated_at = ? WHERE seq = ?",
		r.p.Revision, r.p.files, r.p.bytes, r.p.blobs, r.p.UpdatedAt, r.p.seq)
	return rev, err
}

// SnapshotFiles returns all files of a project at a revision, to the system.
func (s *Store) SnapshotFiles(ctx context.Context, projectID string, number int64) (files []codeforge.File, err error) {
	err = s.view(ctx, func(c *conn) error {
		var seq int64
		found, err := c.one("SELECT seq FROM projects WHERE id = ?", []any{projectID}, &seq)
		if err != nil {
			return err
		}
		if !found {
			return codeforge.NotFound("Project", projectID)
		}
		files, err = filesAt(c, seq, projectID, number, false, codeforge.Page{})
		return err
	})
	return files, err
}

// errPageFull ends the reading of rows.
var errPageFull = errors.New("the page is full")

// filesAt returns a page of the files as they were in a revision, which may be the newest of its project. Rows come in
// the order of paths without being sorted, so a page reads no more than it holds.
func filesAt(c *conn, project int64, projectID string, number int64, newest bool, p codeforge.Page) (files []codeforge.File, err error) {
	// The newest state of a path stands in both tables.
	revision := "(SELECT max(revision) FROM file_revisions WHERE project = f.project AND path = f.path AND revision <= ?1)"
	if newest {
		revision = "f.revision"
	}
	content := textOf("r")
	if p.Bare {
		content = "''"
	}
	left := p.Bytes
	err = c.each(`SELECT f.path, f.id, r.language, r.version, r.size, r.blob, r.revision, f.created_at, r.created_at, `+content+`
		FROM project_files f JOIN file_revisions r ON r.project = f.project AND r.path = f.path AND r.revision = `+revision+`
		WHERE f.project = ?2 AND f.path > ?3 AND NOT r.deleted ORDER BY f.path`, []any{number, project, p.After}, func(r row) error {
		if p.Bytes > 0 && left <= 0 {
			return errPageFull
		}
		files = append(files, codeforge.File{ProjectID: projectID})
		f := &files[len(files)-1]
		err := r.scan(&f.Path, &f.ID, &f.Language, &f.Version, &f.Size, &f.Hash, &f.Revision, &f.CreatedAt, &f.UpdatedAt, &f.Content)
		f.SetBlob(f.Hash)
		left -= textBytes(f.Hash != "", f.Size)
		return err
	})
	if errors.Is(err, errPageFull) {
		err = nil
	}
	return files, err
}

func tooLarge(format string, args ...any) error {
	e := codeforge.Conflictf(format, args...)
	e.Kind = codeforge.TooLarge
	return e
}
