package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"codeforge/internal/archive"
	"codeforge/internal/client"
	"codeforge/internal/server"
)

// What a model wrote is shown as text: no order to the terminal, live or not, but those that the bars are drawn with.
func TestScreenObeysNobody(t *testing.T) {
	for _, live := range []bool{false, true} {
		var out bytes.Buffer
		s := &screen{w: &out, live: live, began: time.Now(), stages: []stage{{name: "code"}}}
		for _, e := range [][2]string{
			{"stage", `{"stage":"code","status":"started","title":"\u001b[31mred\u001b]0;owned\u0007\nnext"}`},
			{"file", `{"action":"created","path":"a\u202egnp.js","lines":1,"added":1}`},
			{"file_delta", `{"path":"a","text":"\u001b[2J"}`},
			{"tool", `{"name":"edit_file","argument":"b.js","ok":false,"answer":"not \u001b]0;owned\u0007there\nreally"}`},
			{"tool", `{"name":"read_file","argument":"c.js","ok":true,"answer":"3 lines"}`},
			{"spec", `{"kind":"requirements","document":{}}`},
			{"finding", `{"severity":"high","file":"b.js","line":3,"description":"\u009b2JDeletes all"}`},
			{"review", `{"passed":false,"score":40,"issues":1}`},
			{"complete", `{"result":{"summary":"Done \u001b]52;c;aGk=\u0007\u009b2Jnow\u001b[2J"}}`},
		} {
			if _, err := s.event(e[0], []byte(e[1])); err != nil {
				t.Fatal(err)
			}
		}
		got := out.String()
		for range 10 {
			got = strings.ReplaceAll(got, "\x1b[1A\x1b[J", "")
		}
		if strings.ContainsAny(got, "\x1b\a\u009b\u202e") || !strings.Contains(got, "Done now\n") || !strings.Contains(got, "agnp.js") || strings.Contains(got, "owned") {
			t.Errorf("live %v: %q", live, got)
		}
		for _, want := range []string{"(1 lines, +1 -0)", "edit_file b.js: not there really\n", "high b.js: Deletes all\n"} {
			if !strings.Contains(got, want) {
				t.Errorf("live %v: %q does not show %q", live, got, want)
			}
		}
		if strings.Contains(got, "c.js") || !live && !strings.Contains(got, "not passed, score 40") {
			t.Errorf("live %v: %q", live, got)
		}
		if live && strings.Contains(got, "\nnext") {
			t.Errorf("a title of two lines: %q", got)
		}
	}
}

// archiveServer answers every request with a tar.gz of files that hold "x".
func archiveServer(t *testing.T, paths ...string) client.Client {
	t.Helper()
	var out bytes.Buffer
	w := archive.NewWriter(archive.TarGz, &out)
	for _, p := range paths {
		if err := w.Add(p, []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(out.Bytes()) }))
	t.Cleanup(s.Close)
	return client.Client{Base: s.URL}
}

func TestDemoWritesIntoAnEmptyFolderAlone(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "app")
	files := []string{"index.html", "src/deep/a.js", "src/x.env"}
	want := []string{".git/config", ".GIT/hooks/post-checkout", ".gitattributes", ".github/workflows/x.yml", ".env", ".env.local", ".npmrc", ".yarnrc.yml", ".pnpmfile.cjs",
		".vscode/tasks.json", ".idea/x.xml", ".husky/pre-commit", ".envrc", ".bashrc", ".devcontainer/devcontainer.json", ".editorconfig", ".mise.toml", "src/.vscode/settings.json", "a/b/.npmrc", "git~1/config"}
	c := archiveServer(t, append(slices.Clone(files), want...)...)
	left, err := exportInto(t.Context(), c, "/", dir, isHidden)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(left)
	slices.Sort(want)
	if !slices.Equal(left, want) {
		t.Errorf("left out %q", left)
	}
	var there []string
	err = filepath.WalkDir(filepath.Dir(filepath.Dir(dir)), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			p, err = filepath.Rel(dir, p)
			there = append(there, filepath.ToSlash(p))
		}
		return err
	})
	if err != nil || !slices.Equal(there, files) {
		t.Errorf("wrote %q, %v", there, err)
	}
	if _, err := exportInto(t.Context(), c, "/", dir, isHidden); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("into what is there: %v", err)
	}
	// It is said before anything is asked of a server or a model.
	d := Demo{Idea: []string{"an app"}, Out: dir, Config: server.Config{Host: "192.0.2.1", Port: 1}}
	if err := d.Run(t.Context()); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("demo: %v", err)
	}
	if left, err := exportInto(t.Context(), archiveServer(t, "a"), "/", t.TempDir(), isHidden); err != nil || left != nil {
		t.Errorf("into an empty folder: %v %v", left, err)
	}
	if _, err := exportInto(t.Context(), archiveServer(t, "a", "../up.txt"), "/", filepath.Join(dir, "other"), isHidden); err == nil || !strings.Contains(err.Error(), "leads out") {
		t.Errorf("a path that leads elsewhere: %v", err)
	}
}
