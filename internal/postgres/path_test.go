package postgres_test

import (
	"testing"
	"unicode"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/pgtest"
)

// The key that SQL computes is the one that Go does, for every character that might have another form: with CODEFORGE_SOAK for all,
// else for those that have one, and an eighth of the others.
func TestPathKeysOfGoAndSQL(t *testing.T) {
	t.Parallel()
	_, s, db := fresh(t, pgtest.Superuser)
	c := connect(t, s.URL(pgtest.Superuser, db))
	var paths []string
	for r := rune(1); r <= utf8.MaxRune; r++ {
		if !unicode.IsGraphic(r) || unicode.Is(unicode.Unified_Ideograph, r) {
			continue
		}
		if soak || unicode.IsMark(r) || codeforge.PathKey(string(r)) != string(r) || r%8 == 0 {
			paths = append(paths, string(r), "a"+string(r)+"/\u0301")
		}
	}
	rows, err := c.Query(t.Context(), "select p, public.codeforge_path_key(p) from unnest($1::text[]) as p", paths)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	wrong := 0
	for rows.Next() {
		var p, key string
		if err := rows.Scan(&p, &key); err != nil {
			t.Fatal(err)
		}
		if want := codeforge.PathKey(p); key != want && wrong < 20 {
			wrong++
			t.Errorf("%+q: SQL has %+q, Go %+q", p, key, want)
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

// Files of a backend before this one may clash. They can be read, written, deleted;
// only what would add to the clash is refused.
func TestPathsFromBefore(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, pgtest.Superuser)
	u := codeforge.User{ID: codeforge.NewID()}
	p, err := store.CreateProject(t.Context(), u, codeforge.Project{Title: "old", Mode: codeforge.ModeBuilder})
	if err != nil {
		t.Fatal(err)
	}
	s.Exec(t, db, `set session_replication_role = replica; -- past the triggers, as if there had been none
		insert into public.project_files (project_id, path, content) select '`+p.ID+`', path, 'old' from unnest(array['App.js', 'app.js', 'lib', 'lib/a.js']) as path`)
	write := func(path string) error {
		_, err := store.WriteFile(t.Context(), u, p.ID, codeforge.FileWrite{Path: path, Content: "new"})
		return err
	}
	for _, path := range []string{"App.js", "app.js", "lib", "lib/a.js", "other.js"} {
		if err := write(path); err != nil {
			t.Errorf("write %s: %v", path, err)
		}
	}
	for _, path := range []string{"APP.js", "lib/b.js", "Lib"} {
		if err := write(path); !codeforge.IsKind(err, codeforge.Invalid) {
			t.Errorf("write %s: %v", path, err)
		}
	}
	for _, path := range []string{"App.js", "lib"} {
		if f, err := store.GetFile(t.Context(), u, p.ID, path); err != nil || f.Path != path {
			t.Errorf("read %s: %v %v", path, f.Path, err)
		}
		if err := store.DeleteFile(t.Context(), u, p.ID, path, nil); err != nil {
			t.Errorf("delete %s: %v", path, err)
		}
	}
	if err := write("lib/b.js"); err != nil {
		t.Errorf("after the mending: %v", err)
	}
}
