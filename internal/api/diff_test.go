package api_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeforge"
)

// revision makes one of these files, in place of all that are there.
func (k *kit) revision(project string, files map[string]string) {
	k.Helper()
	now, _, err := k.store.ListFiles(k.Context(), codeforge.User{ID: alice}, project, false, -1)
	if err != nil {
		k.Fatal(err)
	}
	change := codeforge.TreeChange{Head: -1}
	for _, f := range now {
		if _, stays := files[f.Path]; !stays {
			change.Changes = append(change.Changes, codeforge.FileChange{Path: f.Path, Delete: true})
		}
	}
	for path, text := range files {
		c := codeforge.FileChange{Path: path, Content: text}
		if codeforge.CheckContent(text) != nil {
			if c.Hash, err = k.store.PutBlob(k.Context(), codeforge.User{ID: alice}, project, []byte(text)); err != nil {
				k.Fatal(err)
			}
			c.Content = ""
		}
		change.Changes = append(change.Changes, c)
	}
	if _, err := k.store.WriteRevision(k.Context(), codeforge.User{ID: alice}, project, change); err != nil {
		k.Fatal(err)
	}
}

// filesIn are the files of a folder, by path.
func filesIn(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	if err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := os.ReadFile(name)
		path, _ := filepath.Rel(dir, name)
		files[filepath.ToSlash(path)] = string(text)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return files
}

// A patch between any two revisions makes of the files of one those of the other, as git takes it.
func TestPatchIsTakenByGit(t *testing.T) {
	git, err := exec.LookPath("git")
	if err != nil {
		t.Fatal("this test compares with git: ", err)
	}
	const blob = "\x00\xff\x01"
	k := newKit(t)
	id := k.project()
	numbers := func(from, to int) (text string) {
		for i := from; i < to; i++ {
			text += fmt.Sprint("line ", i, "\n")
		}
		return text
	}
	revisions := []map[string]string{
		{},
		{"a.ts": "one\ntwo\n", "long.txt": numbers(0, 60), "dir one/with blank.ts": "x\ny", "old name.ts": "moved\nas it is\n", "gone.ts": "z\n", "empty": "", "crlf": "a\r\nb\r\n", `quo"te.ts`: "q\n", "dash": "-- x\n++ y\n", "pic.png": blob},
		{"a.ts": "one\n2\n", "long.txt": "zero\n" + numbers(1, 30) + "in between\n" + numbers(31, 59), "dir one/with blank.ts": "x\ny\n", "sub/new name.ts": "moved\nas it is\n", "crlf": "a\r\nB\r\n", `quo"te.ts`: "q\nr", "dash": "--- x\n+++ y\n@@ z\n",
			"pic.png": blob + "2", "été/ü.ts": "é\n", "nothing": "", "deep/er/file": "deep"},
		{"a.ts": "two\n", `quo"ted.ts`: "q\nr", "just moved.bin": blob + "2"},
	}
	for _, files := range revisions[1:] {
		k.revision(id, files)
	}
	texts := func(files map[string]string) map[string]string {
		files = maps.Clone(files)
		maps.DeleteFunc(files, func(_, text string) bool { return codeforge.CheckContent(text) != nil })
		return files
	}
	for from := range revisions {
		for to := 1; to < len(revisions); to++ {
			if from == to {
				continue
			}
			a := k.call("GET", fmt.Sprintf("/v1/projects/%s/revisions/%d/diff?from=%d", id, to, from), "", "Accept: text/x-diff").want(200)
			if a.Header.Get("Content-Type") != "text/x-diff; charset=utf-8" || !slices.Contains(a.Header.Values("Vary"), "Accept") {
				t.Error(a.Header)
			}
			m := k.call("GET", fmt.Sprintf("/v1/projects/%s/revisions/%d/diff?from=%d", id, to, from), "").want(200).object()
			for what, patch := range map[string]string{"patch": a.Body, "unified": m["unified"].(string)} {
				dir := t.TempDir()
				for path, text := range revisions[from] {
					name := filepath.Join(dir, filepath.FromSlash(path))
					if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
						t.Fatal(err)
					}
					if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				cmd := exec.CommandContext(t.Context(), git, "-c", "core.autocrlf=false", "apply", "-")
				cmd.Dir, cmd.Stdin = dir, strings.NewReader(patch)
				cmd.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH"), "GIT_CONFIG_NOSYSTEM=1", "GIT_CEILING_DIRECTORIES=" + filepath.Dir(dir), "LC_ALL=C"}
				out, err := cmd.CombinedOutput()
				got := filesIn(t, dir)
				if want := texts(revisions[to]); err != nil || fmt.Sprint(texts(got)) != fmt.Sprint(want) {
					t.Errorf("%s of %d to %d: %v %s\n%s\ngot  %q\nwant %q", what, from, to, err, out, patch, got, want)
				}
			}
		}
	}
}

func TestDiffOfAnyRevisions(t *testing.T) {
	k := newKit(t)
	id := k.project()
	url := "/v1/projects/" + id + "/revisions/"
	k.revision(id, map[string]string{"a.ts": "one\n", "old.ts": "moved\n", "pic.png": "\x00a"})
	k.revision(id, map[string]string{"a.ts": "two\nlines\n", "new.ts": "moved\n", "pic.png": "\x00bc", "more.ts": "x\n"})
	k.revision(id, map[string]string{"a.ts": "one\n"})
	m := k.call("GET", url+"2/diff?from=1", "").want(200).keys("project_id revision base files counts unified too_large")
	wantKeys(t, m["counts"], "added modified deleted renamed binary additions deletions")
	if got := fmt.Sprint(m["base"], m["revision"], m["counts"]); got != "1 2 map[added:1 additions:3 binary:1 deleted:0 deletions:1 modified:2 renamed:1]" {
		t.Error(got)
	}
	states := func(m map[string]any) (out []string) {
		for _, f := range m["files"].([]any) {
			f := f.(map[string]any)
			out = append(out, fmt.Sprint(f["status"], " ", f["old_path"], " ", f["path"]))
		}
		return out
	}
	for query, want := range map[string]string{
		"2/diff":             "[modified <nil> a.ts added <nil> more.ts renamed old.ts new.ts modified <nil> pic.png]",
		"2/diff?from=0":      "[added <nil> a.ts added <nil> more.ts added <nil> new.ts added <nil> pic.png]",
		"3/diff?from=1":      "[deleted <nil> old.ts deleted <nil> pic.png]",
		"1/diff?from=3":      "[added <nil> old.ts added <nil> pic.png]",
		"3/diff?from=3":      "[]",
		"3/diff?format=json": "[modified <nil> a.ts deleted <nil> more.ts deleted <nil> new.ts deleted <nil> pic.png]",
		"2/diff?from=1&x=y":  "[modified <nil> a.ts added <nil> more.ts renamed old.ts new.ts modified <nil> pic.png]",
		"2/diff/?from=1":     "[modified <nil> a.ts added <nil> more.ts renamed old.ts new.ts modified <nil> pic.png]",
		"1/diff?from=0":      "[added <nil> a.ts added <nil> old.ts added <nil> pic.png]",
		"1/diff":             "[added <nil> a.ts added <nil> old.ts added <nil> pic.png]",
		"1/diff?from=2":      "[modified <nil> a.ts deleted <nil> more.ts renamed new.ts old.ts modified <nil> pic.png]",
	} {
		if got := fmt.Sprint(states(k.call("GET", url+query, "", "Accept: application/json, text/x-diff").want(200).object())); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	a := k.call("GET", url+"2/diff?format=patch", "", "Accept: application/json").want(200)
	const want = "diff --git a/a.ts b/a.ts\n--- a/a.ts\n+++ b/a.ts\n@@ -1 +1,2 @@\n-one\n+two\n+lines\n" +
		"diff --git a/more.ts b/more.ts\nnew file mode 100644\n--- /dev/null\n+++ b/more.ts\n@@ -0,0 +1 @@\n+x\n" +
		"diff --git a/old.ts b/new.ts\nsimilarity index 100%\nrename from old.ts\nrename to new.ts\n" +
		"# pic.png: binary, 2 bytes -> 3 bytes: modified, which is not in this patch\n"
	if a.Body != want {
		t.Errorf("got\n%s\nwant\n%s", a.Body, want)
	}
	if h := k.call("HEAD", url+"2/diff?format=patch", "").want(200); h.Body != "" || h.Header.Get("Content-Disposition") != "attachment; filename=r1-r2.patch" {
		t.Error(h)
	}
	k.call("GET", url+"2/diff?from=4", "").fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", url+"4/diff?from=2", "", "Accept: text/x-diff").fails(404, "RESOURCE_NOT_FOUND")
	k.wantFields(k.call("GET", url+"2/diff?from=-1", ""), "from greater_than_equal")
	k.wantFields(k.call("GET", url+"2/diff?from=x", ""), "from int_parsing")
	k.wantFields(k.call("GET", url+"2/diff?format=html", ""), "format enum")
	// What is too large says so, in either form.
	k.revision(id, map[string]string{"a.ts": "one\n", "lines.txt": strings.Repeat("a\n", 20_000)})
	if a := k.call("GET", url+"4/diff?format=patch", "").want(200); a.Body != "# lines.txt: added, 20000 lines more and 0 less: too large for this patch\n" {
		t.Errorf("%.200s", a.Body)
	}
}
