package main

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/archive"
	"codeforge/internal/client"
	"codeforge/internal/events"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
)

// transferServer is the API over a store of its own.
func transferServer(t *testing.T) client.Client {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	s := httptest.NewServer(api.New(api.Options{Store: store, Hub: events.NewHub(), Standalone: true, Auth: func(*http.Request) (codeforge.User, error) { return codeforge.LocalUser(), nil }}))
	t.Cleanup(s.Close)
	return client.Client{Base: s.URL}
}

// filesBelow are the files of a folder of the disk.
func filesBelow(t *testing.T, dir string) map[string]string {
	t.Helper()
	out := map[string]string{}
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(p)
		rel, _ := filepath.Rel(dir, p)
		out[filepath.ToSlash(rel)] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestImportAndExport: a folder goes in without what is left out, and comes out as it went in, as a folder and as an archive.
func TestImportAndExport(t *testing.T) {
	c := transferServer(t)
	dir := t.TempDir()
	app := filepath.Join(dir, "my-app")
	kept := map[string]string{"index.html": "<h1>", "src/a.ts": "a", "public/logo.png": "\x89PNG\x00\xff", ".gitignore": "*.log\n", "src/build/b.ts": "b", "data.json": strings.Repeat("12345678", 20_000)}
	all := maps.Clone(kept)
	maps.Copy(all, map[string]string{"x.log": "x", "node_modules/p/i.js": "x", "dist/a.js": "x", ".git/HEAD": "x"})
	for p, text := range all {
		full := filepath.Join(app, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	newest := func() (id string) {
		t.Helper()
		var list struct{ Items []codeforge.Project }
		if err := c.Call(t.Context(), "GET", "/v1/projects/", nil, &list); err != nil || len(list.Items) == 0 {
			t.Fatal(err)
		}
		return list.Items[0].ID
	}
	if err := run([]string{"import", app, "--server", c.Base}); err != nil {
		t.Fatal(err)
	}
	project := newest()
	out, packed := filepath.Join(dir, "out"), filepath.Join(dir, "out.zip")
	for _, to := range []string{out, packed} {
		if err := run([]string{"export", project, to, "--server", c.Base}); err != nil {
			t.Fatal(err)
		}
	}
	if got := filesBelow(t, out); !maps.Equal(got, kept) {
		t.Errorf("came out as %v", maps.Keys(got))
	}
	if err := run([]string{"export", project, out, "--server", c.Base}); err == nil {
		t.Error("written into a folder that holds something")
	}
	// The archive makes a project of its own, or goes into one.
	if err := run([]string{"import", packed, "--server", c.Base, "--title", "Packed"}); err != nil {
		t.Fatal(err)
	}
	if newest() == project {
		t.Error("no project was made")
	}
	if err := os.Remove(filepath.Join(app, "src", "a.ts")); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"import", app, "--server", c.Base, "--project", project, "--mode", "replace"}); err != nil {
		t.Fatal(err)
	}
	again := filepath.Join(dir, "again.tgz")
	if err := run([]string{"export", project, again, "--server", c.Base}); err != nil {
		t.Fatal(err)
	}
	if err := run([]string{"export", project, filepath.Join(dir, "first"), "--revision", "1", "--server", c.Base}); err != nil {
		t.Fatal(err)
	}
	if got := filesBelow(t, filepath.Join(dir, "first")); !maps.Equal(got, kept) {
		t.Errorf("the first revision came out as %v", got)
	}
	for _, args := range [][]string{{"import", filepath.Join(dir, "none")}, {"import", t.TempDir()}, {"import", again, "--project", "nonsense"}, {"export", codeforge.NewID(), filepath.Join(dir, "none.zip")}} {
		if err := run(append(args, "--server", c.Base)); err == nil {
			t.Errorf("%q went well", args)
		}
	}
	if rows, err := filepath.Glob(filepath.Join(dir, ".export-*")); err != nil || len(rows) > 0 {
		t.Errorf("left behind: %v", rows)
	}
}

func TestImportReport(t *testing.T) {
	var out bytes.Buffer
	r := importReport{Message: "Import", Revision: 3, Files: 2, Bytes: 1500}
	for i := range 45 {
		r.LeftOut = append(r.LeftOut, archive.LeftOut{Path: fmt.Sprint("\x1b[31mf", i), Reason: "a link"})
	}
	r.MoreLeftOut = 7
	r.print(&out)
	if got := out.String(); !strings.Contains(got, "2 files, 1 kB, as revision 3") || strings.Count(got, "Left out") != 41 || !strings.Contains(got, "Left out  12 more") || strings.Contains(got, "\x1b") {
		t.Error(got)
	}
}
