package sqlite_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
	"codeforge/internal/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (storetest.Contract, func(time.Duration)) {
		var ahead atomic.Int64
		start := codeforge.Now() // the clock stands still but for advance
		s := open(t, sqlitetest.Dir(t), sqlite.Options{Now: func() time.Time { return start.Add(time.Duration(ahead.Load())) }})
		return s, func(d time.Duration) { ahead.Add(int64(d)) }
	})
}

func TestTokens(t *testing.T) {
	storetest.RunTokens(t, func(t *testing.T) (auth.TokenStore, func(codeforge.User)) {
		return open(t, sqlitetest.Dir(t), sqlite.Options{}), nil
	})
}

func TestAdoptedRows(t *testing.T) {
	storetest.RunAdopted(t, false, func(t *testing.T) (storetest.Contract, func(codeforge.Project, storetest.Old)) {
		dir := sqlitetest.Dir(t)
		s := open(t, dir, sqlite.Options{})
		return s, func(p codeforge.Project, o storetest.Old) {
			do := past(t, dir)
			do("UPDATE projects SET title = coalesce(nullif(?, ''), title), description = coalesce(nullif(?, ''), description) WHERE id = ?", o.Title, o.Description, p.ID)
			of := "project = (SELECT seq FROM projects WHERE id = ?)"
			for path, text := range o.Contents {
				do("UPDATE projects SET bytes = bytes + ? - (SELECT size FROM project_files WHERE path = ? AND "+of+") WHERE id = ?", len(text), path, p.ID, p.ID)
				do("UPDATE contents SET content = ? WHERE seq IN (SELECT content FROM file_revisions WHERE path = ? AND "+of+")", text, path, p.ID)
				do("UPDATE file_revisions SET size = ? WHERE path = ? AND "+of, len(text), path, p.ID)
				do("UPDATE project_files SET size = ? WHERE path = ? AND "+of, len(text), path, p.ID)
			}
			for from, to := range o.Paths {
				do("UPDATE file_revisions SET path = ? WHERE path = ? AND "+of, to, from, p.ID)
				do("UPDATE project_files SET path = ? WHERE path = ? AND "+of, to, from, p.ID)
			}
			if o.Files > 0 {
				do("INSERT INTO contents(project, hash, content) SELECT seq, x'00', 'x' FROM projects WHERE id = ?", p.ID)
				do(`INSERT INTO file_revisions(project, path, revision, deleted, language, version, size, created_at, content)
					WITH RECURSIVE old(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM old WHERE n < ?)
					SELECT projects.seq, 'old/' || n || '.ts', 1, 0, 'typescript', 1, 1, 0, contents.seq FROM projects, old, contents WHERE project = projects.seq AND hash = x'00' AND id = ?`, o.Files, p.ID)
				do(`INSERT INTO project_files(project, path, id, deleted, language, version, size, revision, content, created_at, updated_at)
					SELECT project, path, 'old-' || seq, 0, language, 1, 1, 1, content, 0, 0 FROM file_revisions WHERE path LIKE 'old/%' AND `+of, p.ID)
				do("UPDATE projects SET files = files + ?1, bytes = bytes + ?1 WHERE id = ?2", o.Files, p.ID)
			}
		}
	})
}

func TestContents(t *testing.T) {
	storetest.RunContents(t, func(t *testing.T) (storetest.Contract, storetest.Backdoor) {
		dir := sqlitetest.Dir(t)
		s := open(t, dir, sqlite.Options{})
		do := past(t, dir)
		of := "project = (SELECT seq FROM projects WHERE id = ?)"
		return s, storetest.Backdoor{
			Lead: func(project, modules string) {
				do("INSERT INTO learning_roadmaps(project, id, modules, created_at) SELECT seq, ?, ?, 1 FROM projects WHERE id = ?", codeforge.NewID(), modules, project)
			},
			Texts: func(project string) []string {
				return do("SELECT iif(typeof(content) = 'blob', lower(hex(content)), content) FROM contents WHERE "+of, project)
			},
			Forget: func(project string, before int64) {
				do(`DELETE FROM file_revisions AS r WHERE `+of+` AND revision < ? AND EXISTS
					(SELECT 1 FROM file_revisions WHERE project = r.project AND path = r.path AND revision > r.revision AND revision <= ?)`, project, before, before)
			},
			Remove: func(project string) {
				for _, table := range []string{"project_files", "file_revisions", "project_revisions", "screenshots", "puts"} {
					do("DELETE FROM "+table+" WHERE "+of, project)
				}
				do("DELETE FROM projects WHERE id = ?", project)
			},
			Rows: func(text string) (tables []string) {
				for _, at := range do(`SELECT m.name || ' ' || c.name FROM sqlite_schema m, pragma_table_info(m.name) c WHERE m.type = 'table'`) {
					table, column, _ := strings.Cut(at, " ")
					for range do(`SELECT 1 FROM "`+table+`" WHERE instr("`+column+`", ?) > 0`, text) {
						tables = append(tables, table)
					}
				}
				for _, table := range do(`SELECT "table" FROM pragma_foreign_key_check`) {
					tables = append(tables, table+", which names what is not there")
				}
				return tables
			},
		}
	})
}

// past is a way past the store into its file. It returns the first column of what a query finds.
func past(t *testing.T, dir string) func(query string, args ...any) []string {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "codeforge.db")+"?_pragma=busy_timeout(20000)&_pragma=foreign_keys(1)&_txlock=immediate")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return func(query string, args ...any) (found []string) {
		t.Helper()
		rows, err := db.Query(query, args...)
		if err != nil {
			t.Fatal(err)
		}
		defer rows.Close()
		for rows.Next() {
			found = append(found, "")
			if err := rows.Scan(&found[len(found)-1]); err != nil {
				t.Fatal(err)
			}
		}
		if err := rows.Err(); err != nil {
			t.Fatal(err)
		}
		return found
	}
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

// What a webhook has waiting is bounded, and what is beyond is counted; its log does not grow without end.
func TestWebhookBounds(t *testing.T) {
	dir := sqlitetest.Dir(t)
	s := open(t, dir, sqlite.Options{})
	u := codeforge.LocalUser()
	w, err := s.CreateWebhook(t.Context(), u, codeforge.Webhook{ID: codeforge.NewID(), URL: "https://example.com"}, []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	do := past(t, dir)
	fill := "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?) INSERT INTO webhook_deliveries(webhook, type, status, data, due_at, created_at, ended_at) SELECT 1, 'x', "
	do(fill+"'delivered', '{}', NULL, 1e15, 1e17 FROM n", codeforge.MaxWebhookLog+200)
	do(fill+"'pending', '{}', 1, 1e15, NULL FROM n", codeforge.MaxWebhookOutbox)
	for range 2 {
		if _, err := s.CreateProject(t.Context(), u, codeforge.Project{Title: "Mine"}); err != nil {
			t.Fatal(err)
		}
	}
	k := codeforge.WebhookKey{ID: w.ID}
	if w, err = s.GetWebhook(t.Context(), u, k); err != nil || w.Pending != codeforge.MaxWebhookOutbox || w.Dropped != 2 {
		t.Errorf("%+v %v", w, err)
	}
	if _, err = s.TestWebhook(t.Context(), u, k); !codeforge.IsKind(err, codeforge.RateLimited) {
		t.Error(err)
	}
	claims, err := s.ClaimWebhooks(t.Context(), "", 64, 64, 10, time.Minute)
	if err != nil || len(claims.List) != 64 {
		t.Fatal(len(claims.List), err)
	}
	for _, c := range claims.List {
		if _, err := s.RecordWebhook(t.Context(), c, codeforge.WebhookOutcome{Status: codeforge.WebhookDelivered}); err != nil {
			t.Fatal(err)
		}
	}
	if kept := do("SELECT count(*) FROM webhook_deliveries WHERE ended_at IS NOT NULL")[0]; kept < fmt.Sprint(codeforge.MaxWebhookLog) || kept > fmt.Sprint(codeforge.MaxWebhookLog+64) {
		t.Errorf("%s are kept", kept)
	}
}
