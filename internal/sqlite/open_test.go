package sqlite_test

import (
	"cmp"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	library "modernc.org/sqlite"

	"codeforge"
	"codeforge/internal/sqlite"
	"codeforge/internal/storetest"
)

func TestLock(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(dir)
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Fatalf("folder %v %v", info.Mode(), err)
	}
	_, err = sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("process %d", os.Getpid())) || !strings.Contains(err.Error(), dir) {
		t.Fatalf("opened twice: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir, sqlite.Options{})
}

func TestFolderNames(t *testing.T) {
	for _, name := range []string{"with space", "100%", "a?b#c&d", "éü", "file:x"} {
		dir := filepath.Join(t.TempDir(), name)
		s := open(t, dir, sqlite.Options{})
		if err := s.Ping(t.Context()); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := os.Stat(filepath.Join(dir, "codeforge.db")); err != nil {
			t.Error(err)
		}
	}
}

func TestFolderThatCannotBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), file, sqlite.Options{}); err == nil {
		t.Fatal("opened a file as a folder")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "codeforge.db"), []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time shows that the lock was given back
		if _, err := sqlite.Open(t.Context(), dir, sqlite.Options{}); err == nil || strings.Contains(err.Error(), "in use") {
			t.Fatalf("opened garbage: %v", err)
		}
	}
}

func TestMigrations(t *testing.T) {
	dir := t.TempDir()
	applied, pending, err := sqlite.Status(t.Context(), dir)
	if err != nil || len(applied) != 0 || len(pending) == 0 {
		t.Fatalf("new folder: %v %v %v", applied, pending, err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Fatalf("asking made %v", entries)
	}
	done, err := sqlite.Migrate(t.Context(), dir)
	if err != nil || fmt.Sprint(done) != fmt.Sprint(pending) {
		t.Fatalf("applied %v of %v, %v", done, pending, err)
	}
	applied, left, err := sqlite.Status(t.Context(), dir)
	if err != nil || fmt.Sprint(applied) != fmt.Sprint(pending) || len(left) != 0 {
		t.Fatalf("afterwards: %v %v %v", applied, left, err)
	}
	if done, err = sqlite.Migrate(t.Context(), dir); err != nil || len(done) != 0 {
		t.Fatalf("again: %v %v", done, err)
	}

	db, err := sql.Open("sqlite", filepath.Join(dir, "codeforge.db"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("INSERT INTO schema_migrations VALUES('9999_future', 0)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = sqlite.Open(t.Context(), dir, sqlite.Options{})
	_, _, statusErr := sqlite.Status(t.Context(), dir)
	for _, err := range []error{err, statusErr} {
		if err == nil || !strings.Contains(err.Error(), "newer CodeForge") || !strings.Contains(err.Error(), "9999_future") {
			t.Fatalf("a newer folder: %v", err)
		}
	}
}

// everything is what a user sees, as one text.
func everything(t *testing.T, s *sqlite.Store, u codeforge.User) string {
	t.Helper()
	var out []any
	add := func(v any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, v)
	}
	projects, _, err := s.ListProjects(t.Context(), u, codeforge.ProjectFilter{Page: 1, Size: 50})
	add(projects, err)
	for _, p := range projects {
		files, _, err := s.ListFiles(t.Context(), u, p.ID, true, -1)
		add(files, err)
		for n := range p.Revision {
			_, files, err := s.RevisionFiles(t.Context(), u, p.ID, n+1, codeforge.Page{})
			add(files, err)
		}
		jobs, _, err := s.ListJobs(t.Context(), u, p.ID, codeforge.JobFilter{Limit: 100})
		add(jobs, err)
		for _, j := range jobs {
			events, err := s.Events(t.Context(), u, j.ID, 0, 100)
			add(events, err)
		}
		messages, err := s.ListMessages(t.Context(), u, p.ID, codeforge.MessageFilter{Limit: 100})
		add(messages, err)
	}
	text, err := json.Marshal(out)
	add(nil, err)
	return string(text)
}

func init() { // which an index of old folders calls
	library.MustRegisterDeterministicScalarFunction("path_key", 1, func(_ *library.FunctionContext, args []driver.Value) (driver.Value, error) {
		return codeforge.PathKey(args[0].(string)), nil
	})
}

// older is what a folder holds as it was before contents were stored once: with the tables and columns that there were.
func older(t *testing.T, newer string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	do := past(t, dir)
	do("ATTACH ? AS newer", filepath.Join(newer, "codeforge.db"))
	do("CREATE TABLE main.schema_migrations(name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) WITHOUT ROWID")
	scripts, err := filepath.Glob("migrations/000[1-5]_*.sql")
	if err != nil || len(scripts) != 5 {
		t.Fatal(scripts, err)
	}
	for _, script := range scripts {
		text, err := os.ReadFile(script)
		if err != nil {
			t.Fatal(err)
		}
		do(string(text))
		do("INSERT INTO main.schema_migrations VALUES(?, 0)", strings.TrimSuffix(filepath.Base(script), ".sql"))
	}
	different := map[string]string{
		"file_revisions.content": "coalesce((SELECT content FROM newer.contents c WHERE c.seq = t.content), '')",
		"project_files.head":     "(SELECT seq FROM newer.file_revisions r WHERE r.project = t.project AND r.path = t.path AND r.revision = t.revision)",
	}
	for _, table := range do("SELECT name FROM main.sqlite_schema WHERE type = 'table' AND name <> 'schema_migrations' ORDER BY rowid") {
		var to, from []string
		for _, column := range do("SELECT name FROM pragma_table_info(?, 'main')", table) {
			to = append(to, column)
			from = append(from, cmp.Or(different[table+"."+column], column))
		}
		do("INSERT INTO main." + table + "(" + strings.Join(to, ", ") + ") SELECT " + strings.Join(from, ", ") + " FROM newer." + table + " t")
	}
	return dir
}

// A folder from before contents were stored once has one with each state of a file.
func TestContentsBecomeOne(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, sqlite.Options{})
	u := codeforge.LocalUser()
	for _, title := range []string{"one", "two"} {
		p, err := s.CreateProject(t.Context(), u, codeforge.Project{Title: title})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []codeforge.FileWrite{{Path: "a", Content: "é"}, {Path: "b", Content: "é"}, {Path: "a", Content: ""}, {Path: "a", Content: "é"}, {Path: "c", Content: title}} {
			if _, err := s.WriteFile(t.Context(), u, p.ID, w); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.DeleteFile(t.Context(), u, p.ID, "b", nil); err != nil {
			t.Fatal(err)
		}
	}
	seen := everything(t, s, u)
	do := past(t, dir)
	stored := func() string {
		return fmt.Sprint(do("SELECT project || hex(hash) || content FROM contents ORDER BY 1"), do("SELECT user_id || bytes FROM stored_bytes"))
	}
	kept := stored()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	dir = older(t, dir)
	do = past(t, dir)
	s = open(t, dir, sqlite.Options{})
	if again := everything(t, s, u); again != seen {
		t.Errorf("the folder held\n%s\nand now\n%s", seen, again)
	}
	if again := stored(); again != kept {
		t.Errorf("stored are %s, want %s", again, kept)
	}
}

func TestRestart(t *testing.T) {
	dir := t.TempDir()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	u := codeforge.LocalUser()
	var running codeforge.Job
	for i := range 3 {
		p, err := s.CreateProject(t.Context(), u, codeforge.Project{Title: fmt.Sprint("Project ", i)})
		if err != nil {
			t.Fatal(err)
		}
		for n := range 3 {
			if _, err := s.WriteFile(t.Context(), u, p.ID, codeforge.FileWrite{Path: "a.ts", Content: fmt.Sprint(i, n)}); err != nil {
				t.Fatal(err)
			}
			j, _, _, err := s.SubmitJob(t.Context(), u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA, UserMessage: "hello"})
			if err != nil {
				t.Fatal(err)
			}
			if n > 0 {
				if running, _, err = storetest.Claim(t.Context(), s, j.ID, "w", time.Hour); err != nil {
					t.Fatal(err)
				}
			}
			if n > 1 {
				if _, err := s.FinishJob(t.Context(), codeforge.Fence{JobID: j.ID, Number: 1}, codeforge.Outcome{Status: codeforge.JobCompleted, Result: json.RawMessage(`{}`)}); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	before := everything(t, s, u)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 { // the database and the lock
		t.Fatalf("left behind: %v %v", entries, err)
	}
	s = open(t, dir, sqlite.Options{})
	if after := everything(t, s, u); after != before {
		t.Fatalf("after restart:\n%s\nbefore:\n%s", after, before)
	}
	if n, err := s.ReleaseAll(t.Context()); err != nil || n != 3 {
		t.Fatalf("released %d %v", n, err)
	}
	if queued, err := s.CountQueued(t.Context()); err != nil || queued != 6 {
		t.Fatalf("%d queued, %v", queued, err)
	}
	if got, err := s.ClaimJobs(t.Context(), "w", time.Minute, 100, codeforge.ClaimPolicy{}); err != nil || len(got.Jobs) != 6 || got.More {
		t.Fatalf("claimed %+v, %v", got, err)
	}
	if _, err := s.FinishJob(t.Context(), codeforge.Fence{JobID: running.ID, Number: 1}, codeforge.Outcome{Status: codeforge.JobCompleted}); err == nil {
		t.Fatal("a claim of the dead process still holds")
	}
}

func TestFill(t *testing.T) {
	s := open(t, t.TempDir(), sqlite.Options{})
	u := codeforge.LocalUser()
	projects, jobs, err := s.Fill(t.Context(), u, 2500)
	if err != nil || len(projects) != 2500 || len(jobs) != 2500 {
		t.Fatalf("%d %d %v", len(projects), len(jobs), err)
	}
	for _, i := range []int{0, 2499} {
		p, err := s.GetProject(t.Context(), u, projects[i])
		if err != nil || p.Revision != 1 {
			t.Fatal(p, err)
		}
		files, _, err := s.ListFiles(t.Context(), u, p.ID, true, -1)
		if err != nil || len(files) != 1 || files[0].Content == "" {
			t.Fatal(files, err)
		}
		j, err := s.GetJob(t.Context(), u, jobs[i])
		if err != nil || j.ProjectID != p.ID || j.Status != codeforge.JobCompleted || j.CompletedAt == nil {
			t.Fatal(j, err)
		}
		events, err := s.Events(t.Context(), u, j.ID, 0, 10)
		if err != nil || len(events) != 2 || events[1].Type != codeforge.EventComplete {
			t.Fatal(events, err)
		}
	}
	if _, total, err := s.ListProjects(t.Context(), u, codeforge.ProjectFilter{Page: 1, Size: 1}); err != nil || total != 2500 {
		t.Fatal(total, err)
	}
	if _, err := s.WriteFile(t.Context(), u, projects[7], codeforge.FileWrite{Path: "src/main.ts", Content: "x", IfVersion: new(int64(1))}); err != nil {
		t.Fatal(err)
	}
}

// Readers must see whole revisions only, whatever is written meanwhile.
func TestReadersSeeWholeRevisions(t *testing.T) {
	s := open(t, t.TempDir(), sqlite.Options{})
	u := codeforge.LocalUser()
	p, err := s.CreateProject(t.Context(), u, codeforge.Project{Title: "Project"})
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var g sync.WaitGroup
	for range 3 {
		g.Go(func() {
			for contents := false; ; contents = !contents {
				select {
				case <-done:
					return
				default:
				}
				files, revision, err := s.ListFiles(t.Context(), u, p.ID, contents, -1)
				if err != nil {
					t.Error(err)
					return
				}
				for _, f := range files {
					if f.Revision != revision || f.Version != revision || contents && f.Content != fmt.Sprint(revision) {
						t.Errorf("revision %d holds %+v", revision, f)
						return
					}
				}
			}
		})
	}
	for n := range 30 {
		j, _, _, err := s.SubmitJob(t.Context(), u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code})
		if err != nil {
			t.Fatal(err)
		}
		if j, _, err = storetest.Claim(t.Context(), s, j.ID, "w", time.Hour); err != nil {
			t.Fatal(err)
		}
		f, stage := codeforge.Fence{JobID: j.ID, Number: j.Fence}, codeforge.StageResult{Stage: codeforge.Code, Base: j.Base}
		for i := range 20 {
			stage.Changes = append(stage.Changes, codeforge.FileChange{Path: fmt.Sprintf("%d.ts", i), Content: fmt.Sprint(n + 1)})
		}
		if _, err := s.KeepStage(t.Context(), f, stage); err != nil {
			t.Fatal(err)
		}
		if _, err := s.FinishJob(t.Context(), f, codeforge.Outcome{Status: codeforge.JobCompleted}); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	g.Wait()
}

// A reader beside a running server sees what is committed, and can change nothing.
func TestReadOnly(t *testing.T) {
	dir := t.TempDir()
	if _, err := sqlite.Open(t.Context(), dir, sqlite.Options{ReadOnly: true}); err == nil {
		t.Error("a folder without a database was opened for reading")
	}
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	p, err := s.CreateProject(t.Context(), codeforge.LocalUser(), codeforge.Project{Title: "Read me", Mode: codeforge.ModeBuilder})
	if err != nil {
		t.Fatal(err)
	}
	r, err := sqlite.Open(t.Context(), dir, sqlite.Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := r.GetProject(t.Context(), codeforge.LocalUser(), p.ID); err != nil || got.Title != "Read me" {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := r.CreateProject(t.Context(), codeforge.LocalUser(), p); !codeforge.IsKind(err, codeforge.Unavailable) {
		t.Errorf("write: %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := s.GetProject(t.Context(), codeforge.LocalUser(), p.ID); err != nil {
		t.Errorf("the server after its reader: %v", err)
	}
}
