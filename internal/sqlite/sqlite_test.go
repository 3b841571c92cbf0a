package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/sqlite"
	"codeforge/internal/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (storetest.Store, func(time.Duration)) {
		var ahead atomic.Int64
		start := codeforge.Now() // the clock stands still but for advance
		s := open(t, t.TempDir(), sqlite.Options{Now: func() time.Time { return start.Add(time.Duration(ahead.Load())) }})
		return s, func(d time.Duration) { ahead.Add(int64(d)) }
	})
}

func TestTokens(t *testing.T) {
	storetest.RunTokens(t, func(t *testing.T) (auth.TokenStore, func(codeforge.User)) {
		return open(t, t.TempDir(), sqlite.Options{}), nil
	})
}

func TestAdoptedRows(t *testing.T) {
	storetest.RunAdopted(t, func(t *testing.T) (storetest.Store, func(codeforge.Project, storetest.Old)) {
		dir := t.TempDir()
		s := open(t, dir, sqlite.Options{})
		return s, func(p codeforge.Project, o storetest.Old) {
			db, err := sql.Open("sqlite", filepath.Join(dir, "codeforge.db"))
			if err != nil {
				t.Fatal(err)
			}
			defer db.Close()
			do := func(query string, args ...any) {
				t.Helper()
				if _, err := db.Exec(query, args...); err != nil {
					t.Fatal(err)
				}
			}
			do("UPDATE projects SET title = coalesce(nullif(?, ''), title), description = coalesce(nullif(?, ''), description) WHERE id = ?", o.Title, o.Description, p.ID)
			of := "project = (SELECT seq FROM projects WHERE id = ?)"
			for path, text := range o.Contents {
				do("UPDATE projects SET bytes = bytes + ? - (SELECT size FROM project_files WHERE path = ? AND "+of+") WHERE id = ?", len(text), path, p.ID, p.ID)
				do("UPDATE file_revisions SET content = ?, size = ? WHERE path = ? AND "+of, text, len(text), path, p.ID)
				do("UPDATE project_files SET size = ? WHERE path = ? AND "+of, len(text), path, p.ID)
			}
			for from, to := range o.Paths {
				do("UPDATE file_revisions SET path = ? WHERE path = ? AND "+of, to, from, p.ID)
				do("UPDATE project_files SET path = ? WHERE path = ? AND "+of, to, from, p.ID)
			}
			if o.Files > 0 {
				do(`INSERT INTO file_revisions(project, path, revision, deleted, language, version, size, created_at, content)
					WITH RECURSIVE old(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM old WHERE n < ?)
					SELECT seq, 'old/' || n || '.ts', 1, 0, 'typescript', 1, 1, 0, 'x' FROM projects, old WHERE id = ?`, o.Files, p.ID)
				do(`INSERT INTO project_files(project, path, id, deleted, language, version, size, revision, head, created_at, updated_at)
					SELECT project, path, 'old-' || seq, 0, language, 1, 1, 1, seq, 0, 0 FROM file_revisions WHERE path LIKE 'old/%' AND `+of, p.ID)
				do("UPDATE projects SET files = files + ?1, bytes = bytes + ?1 WHERE id = ?2", o.Files, p.ID)
			}
		}
	})
}

// open opens a store that is closed with the test.
func open(t testing.TB, dir string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
