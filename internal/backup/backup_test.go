package backup_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/backup"
	"codeforge/internal/sqlite"
)

// folder is a data folder with a project in it, secrets, and what is no part of a backup.
func folder(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.CreateProject(t.Context(), codeforge.LocalUser(), codeforge.Project{Title: "Kept"}); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"stream.secret": strings.Repeat("s", 43), "certificates/acme_account+key": "key", "npm/a/package.json": "{}", "types/x": "x", ".room-1": "", "notes.txt": "x"} {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// names are the files of a folder.
func names(t *testing.T, dir string) (all []string) {
	t.Helper()
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			rel, _ := filepath.Rel(dir, path)
			all = append(all, filepath.ToSlash(rel))
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

func TestBackupAndRestore(t *testing.T) {
	dir, to := folder(t), t.TempDir()
	name, m, err := backup.Create(t.Context(), dir, to)
	if err != nil {
		t.Fatal(err)
	}
	if m.Database.Rows["projects"] != 1 || len(m.Database.Migrations) == 0 || len(m.Files) != 3 {
		t.Errorf("%+v", m)
	}
	if got := names(t, to); len(got) != 1 || filepath.Join(to, got[0]) != name {
		t.Errorf("%v beside %s", got, name)
	}
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v: others may read the secrets", info.Mode(), err)
	}
	if _, _, err := backup.Create(t.Context(), dir, name); err == nil || !strings.Contains(err.Error(), "is there already") {
		t.Errorf("a backup is overwritten: %v", err)
	}
	if _, err := backup.Check(t.Context(), name); err != nil {
		t.Error(err)
	}
	// Into a folder that is not there, below one that is not there, and into an empty one.
	empty := t.TempDir()
	for _, to := range []string{filepath.Join(t.TempDir(), "a", "b"), empty} {
		if _, err := backup.Restore(t.Context(), name, to); err != nil {
			t.Fatal(err)
		}
		if got, want := names(t, to), []string{"certificates/acme_account+key", "codeforge.db", "stream.secret"}; !slices.Equal(got, want) {
			t.Errorf("restored are %v", got)
		}
		s, err := sqlite.Open(t.Context(), to, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		list, _, err := s.ListProjects(t.Context(), codeforge.LocalUser(), codeforge.ProjectFilter{Page: 1, Size: 10})
		if err != nil || len(list) != 1 || list[0].Title != "Kept" {
			t.Errorf("%v, %v", list, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := backup.Restore(t.Context(), name, empty); err == nil || !strings.Contains(err.Error(), "holds files") {
		t.Errorf("a folder is overwritten: %v", err)
	}
}

// entry is one of an archive.
type entry struct {
	head tar.Header
	data []byte
}

func read(t *testing.T, name string) (all []entry) {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{*h, data})
	}
}

func pack(t *testing.T, all []entry) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	w := tar.NewWriter(z)
	for _, e := range all {
		if e.head.Typeflag == tar.TypeReg {
			e.head.Size = int64(len(e.data))
		}
		if err := w.WriteHeader(&e.head); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(e.data); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// What is wrong, cut, changed or made up is refused in words, and leaves nothing behind.
func TestBadBackupsAreRefused(t *testing.T) {
	name, m, err := backup.Create(t.Context(), folder(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	good := read(t, name)
	changed := func(change func(all []entry) []entry) []byte { return pack(t, change(slices.Clone(good))) }
	says := func(change func(m *backup.Manifest)) []byte {
		return changed(func(all []entry) []entry {
			n := m
			n.Files = slices.Clone(m.Files)
			change(&n)
			all[0].data, _ = json.Marshal(n)
			return all
		})
	}
	withFile := func(name string, h tar.Header, data string) []byte {
		sum := sha256.Sum256([]byte(data))
		n := m
		n.Files = append(slices.Clone(m.Files), backup.File{Name: name, Bytes: int64(len(data)), Hash: hex.EncodeToString(sum[:])})
		return changed(func(all []entry) []entry {
			all[0].data, _ = json.Marshal(n)
			h.Name, h.Mode = name, 0o600
			return append(all, entry{h, []byte(data)})
		})
	}
	regular := tar.Header{Typeflag: tar.TypeReg}
	bad := map[string][]byte{
		"is no backup":                []byte("PK\x03\x04 something else"),
		"no backup of CodeForge":      pack(t, []entry{{tar.Header{Typeflag: tar.TypeReg, Name: "a"}, []byte("b")}}),
		"ends too early":              whole[:len(whole)/2],
		"ends too early ":             whole[:len(whole)-4],
		"ends too early  ":            {},
		"its sum":                     append(slices.Clone(whole[:len(whole)-8]), 0, 0, 0, 0, 0, 0, 0, 0),
		"is not what the backup says": changed(func(all []entry) []entry { all[2].data = []byte(strings.Repeat("t", len(all[2].data))); return all }),
		"where it says":               changed(func(all []entry) []entry { return append(all[:2], all[3:]...) }),
		"where it says ":              changed(func(all []entry) []entry { all[1].data = all[1].data[:100]; return all }),
		"does not speak of": changed(func(all []entry) []entry {
			return append(all, entry{tar.Header{Typeflag: tar.TypeReg, Name: "x"}, nil})
		}),
		"of format 2":                  says(func(m *backup.Manifest) { m.Format = 2 }),
		"holds no database":            says(func(m *backup.Manifest) { m.Files = m.Files[1:] }),
		"does not hold what":           says(func(m *backup.Manifest) { m.Database.Rows = map[string]int64{"projects": 2} }),
		"does not hold what ":          says(func(m *backup.Manifest) { m.Database.Migrations = m.Database.Migrations[1:] }),
		"cannot have":                  says(func(m *backup.Manifest) { m.Files[1].Bytes = 1 << 40 }),
		"MB, and":                      says(func(m *backup.Manifest) { m.Files[0].Bytes = 1 << 60 }),
		"which is no file of":          withFile("../../etc/evil.secret", regular, "x"),
		"which is no file of ":         withFile("/etc/evil.secret", regular, "x"),
		"which is no file of  ":        withFile("certificates/../lock", regular, "x"),
		"which is no file of   ":       withFile("codeforge.db-wal", regular, "x"),
		"which is no file of    ":      withFile("stream.secret", regular, "x"),
		"where it says evil.secret":    withFile("evil.secret", tar.Header{Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, ""),
		"where it says evil-2.secret ": withFile("evil-2.secret", tar.Header{Typeflag: tar.TypeLink, Linkname: "codeforge.db"}, ""),
	}
	for want, data := range bad {
		parent := t.TempDir()
		from := filepath.Join(t.TempDir(), "bad.tar.gz")
		if err := os.WriteFile(from, data, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := backup.Restore(t.Context(), from, filepath.Join(parent, "data"))
		if err == nil || !strings.Contains(err.Error(), strings.TrimSpace(want)) {
			t.Errorf("%q: %v", want, err)
		}
		if left := names(t, parent); len(left) > 0 {
			t.Errorf("%q leaves %v", want, left)
		}
	}
}

// A database that is damaged is found before it is kept, and again before it takes a place.
func TestDamagedDatabaseIsRefused(t *testing.T) {
	dir := folder(t)
	name := filepath.Join(dir, sqlite.DatabaseName)
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := 3 * 4096; i < len(b); i += 4096 { // the heads of pages
		copy(b[i:], strings.Repeat("\xff", 16))
	}
	if err := os.WriteFile(name, b, 0o600); err != nil {
		t.Fatal(err)
	}
	to := t.TempDir()
	if _, _, err := backup.Create(t.Context(), dir, to); err == nil {
		t.Error("it is kept")
	}
	if left := names(t, to); len(left) > 0 {
		t.Error(left)
	}
}

// A database that does more than CodeForge's, or less, is none, even where the backup says all of it.
func TestSchemasOfOthersAreRefused(t *testing.T) {
	name, m, err := backup.Create(t.Context(), folder(t), t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	good := read(t, name)
	for change, want := range map[string]string{
		"CREATE TRIGGER t AFTER INSERT ON projects BEGIN DELETE FROM jobs; END": "the trigger t, which is not as CodeForge makes it",
		"CREATE VIEW v AS SELECT 1":                                     "the view v, which",
		"CREATE TABLE x(y)":                                             "the table x, which",
		"CREATE INDEX i ON projects(title)":                             "the index i, which",
		"DROP TRIGGER IF EXISTS contents_unnamed; DROP INDEX jobs_open": "has lost the ",
		"ALTER TABLE projects ADD COLUMN more TEXT":                     "the table projects, which",
		"PRAGMA writable_schema=1; INSERT INTO sqlite_schema VALUES('trigger', 'sqlite_stat1', 'projects', 0, 'CREATE TRIGGER sqlite_stat1 AFTER INSERT ON projects BEGIN SELECT 1; END')": "the trigger sqlite_stat1, which",
		"ANALYZE": "",
	} {
		file := filepath.Join(t.TempDir(), "codeforge.db")
		if err := os.WriteFile(file, good[1].data, 0o600); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", "file:"+file)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.Exec(change); err != nil {
			t.Fatalf("%s: %v", change, err)
		}
		rows := map[string]int64{}
		maps.Copy(rows, m.Database.Rows)
		if strings.Contains(change, "TABLE x") {
			rows["x"] = 0
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		n := m
		n.Files = slices.Clone(m.Files)
		n.Files[0].Bytes, n.Files[0].Hash, n.Database.Rows = int64(len(data)), hex.EncodeToString(sum[:]), rows
		all := slices.Clone(good)
		all[1].data = data
		all[0].data, _ = json.Marshal(n)
		bad := filepath.Join(t.TempDir(), "bad.tar.gz")
		if err := os.WriteFile(bad, pack(t, all), 0o600); err != nil {
			t.Fatal(err)
		}
		to := filepath.Join(t.TempDir(), "data")
		_, err = backup.Restore(t.Context(), bad, to)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%s: %v, want %q", change, err, want)
		}
		if _, gone := os.Stat(to); want != "" && !os.IsNotExist(gone) {
			t.Errorf("%s: something was restored", change)
		}
	}
}
