package api_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/archive"
)

// zipOf packs path, content, path, content...
func zipOf(t testing.TB, pairs ...string) string {
	t.Helper()
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	for i := 0; i < len(pairs); i += 2 {
		f, err := w.Create(pairs[i])
		if err == nil {
			_, err = io.WriteString(f, pairs[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func tarGzOf(t testing.TB, pairs ...string) string {
	t.Helper()
	var out bytes.Buffer
	gz := gzip.NewWriter(&out)
	w := tar.NewWriter(gz)
	for i := 0; i < len(pairs); i += 2 {
		err := w.WriteHeader(&tar.Header{Name: pairs[i], Size: int64(len(pairs[i+1])), Mode: 0o644, Typeflag: tar.TypeReg})
		if err == nil {
			_, err = io.WriteString(w, pairs[i+1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := gz.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// report is what an import says.
type report struct {
	Revision                                          int
	Message, Mode, Format                             string
	TopFolder                                         string `json:"top_folder"`
	Files, Created, Updated, Unchanged, Deleted, Kept int
	LeftOut                                           []struct {
		Path, Reason string
		Files        int
	} `json:"left_out"`
	More int `json:"left_out_more"`
}

func (k *kit) imports(project, query, body string, headers ...string) report {
	k.Helper()
	var r report
	a := k.call("POST", "/v1/projects/"+project+"/import"+query, body, append([]string{"Content-Type: application/octet-stream"}, headers...)...).want(200)
	if err := json.Unmarshal([]byte(a.Body), &r); err != nil {
		k.Fatal(err)
	}
	return r
}

// paths are those of a project, in a line.
func (k *kit) paths(project string) string {
	k.Helper()
	var list struct{ Files []struct{ Path string } }
	if err := json.Unmarshal([]byte(k.call("GET", "/v1/projects/"+project+"/files?content=false", "").want(200).Body), &list); err != nil {
		k.Fatal(err)
	}
	var out []string
	for _, f := range list.Files {
		out = append(out, f.Path)
	}
	return strings.Join(out, " ")
}

func TestImport(t *testing.T) {
	k := newKit(t)
	long := strings.Repeat("long ", 30_000)
	members := []string{"app-main/index.html", "<h1>", "app-main/src/a.ts", "a", "app-main/logo.png", pictureOf(2_000), "app-main/data.json", `"` + long + `"`,
		"app-main/.gitignore", "*.log\n", "app-main/x.log", "x", "app-main/node_modules/p/index.js", "x", "app-main/node_modules/p/b.js", "x", "app-main/dist/a.js", "x", "app-main/aux.ts", "x"}
	for name, body := range map[string]string{"zip": zipOf(t, members...), "tar.gz": tarGzOf(t, members...)} {
		project := k.project()
		r := k.imports(project, "", body)
		if r.Revision != 1 || r.Message != "Import" || r.Format != name || r.TopFolder != "app-main" || r.Mode != "merge" || r.Files != 5 || r.Created != 5 {
			t.Errorf("%+v", r)
		}
		var left []string
		for _, l := range r.LeftOut {
			if l.Reason == "" {
				t.Errorf("%+v", l)
			}
			left = append(left, fmt.Sprint(l.Path, " ", l.Files))
		}
		if !slices.Equal(left, []string{"aux.ts 1", "dist/ 1", "node_modules/ 2", "x.log 1"}) {
			t.Errorf("left out %q", left)
		}
		if got := k.paths(project); got != ".gitignore data.json index.html logo.png src/a.ts" {
			t.Error(got)
		}
		if a := k.call("GET", "/v1/projects/"+project+"/files/logo.png?raw=true", ""); a.Body != pictureOf(2_000) {
			t.Errorf("%d bytes", len(a.Body))
		}
		if a := k.call("GET", "/v1/projects/"+project+"/files/data.json?raw=true", ""); a.Body != `"`+long+`"` || a.Header.Get("Content-Type") != "application/json" {
			t.Errorf("%d bytes of %s", len(a.Body), a.Header.Get("Content-Type"))
		}
		// It is one revision, and none when it is sent again.
		if r := k.imports(project, "", body); r.Revision != 1 || r.Unchanged != 5 || r.Created+r.Updated != 0 || r.Message == "Import" {
			t.Errorf("%+v", r)
		}
		var revisions struct{ Items []codeforge.Revision }
		if err := json.Unmarshal([]byte(k.call("GET", "/v1/projects/"+project+"/revisions", "").Body), &revisions); err != nil || len(revisions.Items) != 1 || revisions.Items[0].Message != "Import" || revisions.Items[0].FilesChanged != 5 {
			t.Errorf("%+v, %v", revisions, err)
		}
	}
}

func TestImportIntoWhatIsThere(t *testing.T) {
	k := newKit(t)
	project := k.project()
	k.file(project, "README.md", "mine")
	k.file(project, "src/a.ts", "old")
	k.file(project, "src/b.ts", "b")
	body := zipOf(t, "src/a.ts", "new", "src/c.ts", "c", "readme.md", "theirs", "src/b.ts", "b")
	k.call("POST", "/v1/projects/"+project+"/import", body, "Content-Type: application/zip", "If-Match: 2").fails(409, "CONFLICT")
	r := k.imports(project, "?mode=merge", body, "If-Match: 3")
	if r.Revision != 4 || r.Created != 1 || r.Updated != 1 || r.Unchanged != 1 || r.Kept != 1 || r.Deleted != 0 || len(r.LeftOut) != 1 || !strings.Contains(r.LeftOut[0].Reason, "README.md") {
		t.Errorf("%+v", r)
	}
	if got := k.paths(project); got != "README.md src/a.ts src/b.ts src/c.ts" {
		t.Error(got)
	}
	r = k.imports(project, "?mode=replace", zipOf(t, "src/a.ts", "new", "readme.md", "theirs"))
	if r.Revision != 5 || r.Created != 1 || r.Unchanged != 1 || r.Deleted != 3 || len(r.LeftOut) != 0 {
		t.Errorf("%+v", r)
	}
	if got := k.paths(project); got != "readme.md src/a.ts" {
		t.Error(got)
	}
	k.wantFields(k.call("POST", "/v1/projects/"+project+"/import?mode=other", body, "Content-Type: application/zip"), "mode enum")
}

func TestImportIsRefused(t *testing.T) {
	dir := t.TempDir()
	k := newKit(t, func(o *api.Options) { o.MaxImport, o.TempDir = 300_000, dir })
	project := k.project()
	at := "/v1/projects/" + project + "/import"
	many := make([]string, 0, 2*(codeforge.MaxFiles+1))
	for i := range codeforge.MaxFiles + 1 {
		many = append(many, fmt.Sprint("f", i), "")
	}
	for name, c := range map[string]struct {
		body   string
		status int
		says   string
	}{
		"leads out":        {zipOf(t, "a.ts", "x", "../b.ts", "x"), 400, "leads out"},
		"absolute":         {tarGzOf(t, "a.ts", "x", "/etc/passwd", "x"), 400, "absolute"},
		"no archive":       {"hello", 400, "no zip"},
		"damaged":          {zipOf(t, "a.ts", strings.Repeat("x", 1000))[:60], 400, "damaged"},
		"cut":              {tarGzOf(t, "a.ts", "x", "b.ts", pictureOf(10_000))[:100], 400, "damaged"},
		"a bomb":           {tarGzOf(t, "a.ts", "x", "b", strings.Repeat("\x00", 40<<20)), 400, "unpacks to more than"},
		"too many files":   {zipOf(t, many...), 400, "2001 files"},
		"too many bytes":   {tarGzOf(t, "a", strings.Repeat("abcdefgh", 18_000), "b", strings.Repeat("hgfedcba", 18_000), "c", strings.Repeat("x", 20_000)), 400, "more than 300 kB"},
		"too long":         {zipOf(t, "a.ts", "x") + strings.Repeat(" ", 300_000), 413, ""},
		"nothing to take":  {zipOf(t, "node_modules/a.js", "x"), 400, "no file"},
		"an empty archive": {zipOf(t), 400, "no file"},
		"an empty body":    {" ", 400, "no zip"},
	} {
		a := k.call("POST", at, c.body, "Content-Type: application/octet-stream")
		if a.Status != c.status || !strings.Contains(a.Body, c.says) {
			t.Errorf("%s: %d %s", name, a.Status, a.Body)
		}
	}
	k.call("POST", at, zipOf(t, "a.ts", "x"), "Content-Type: multipart/form-data; boundary=x").fails(415, "UNSUPPORTED_MEDIA_TYPE")
	k.call("POST", at, zipOf(t, "a.ts", "x"), "Content-Type: application/zip", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	if got := k.paths(project); got != "" {
		t.Errorf("half imported: %s", got)
	}
	if rows, err := os.ReadDir(dir); err != nil || len(rows) > 0 {
		t.Errorf("left behind: %v, %v", rows, err)
	}
}

func TestImportOfAnAddress(t *testing.T) {
	asked := ""
	k := newKit(t, func(o *api.Options) {
		o.Download = func(_ context.Context, address string, most int64) (io.ReadCloser, error) {
			if asked = address; strings.Contains(address, "private") {
				return nil, codeforge.InvalidField("url", "leads to an address that is not public")
			}
			return io.NopCloser(strings.NewReader(tarGzOf(t, "repo-1a2b/a.ts", "a"))), nil
		}
	})
	project := k.project()
	at := "/v1/projects/" + project + "/import"
	r := k.call("POST", at, `{"url":" https://git.example/a/b/archive/main.tar.gz "}`).want(200).object()
	if r["top_folder"] != "repo-1a2b" || r["format"] != "tar.gz" || asked != "https://git.example/a/b/archive/main.tar.gz" {
		t.Errorf("%v, asked for %q", r, asked)
	}
	if d := k.call("POST", at, `{"url":"https://private.example/a.zip"}`).fails(400, "VALIDATION_ERROR"); d["field"] != "url" {
		t.Errorf("%v", d)
	}
	k.wantFields(k.call("POST", at, `{}`), "url missing")
	k.wantFields(k.call("POST", at, `{"url":7}`), "body value_error")
	k.wantFields(k.call("POST", at, `{"url":"https://x","branch":"y"}`), "body value_error")
	k.call("POST", at, `{"url":"`+strings.Repeat("x", 9_000)+`"}`).fails(413, "PAYLOAD_TOO_LARGE")
}

func TestManyFilesInOneGo(t *testing.T) {
	k := newKit(t)
	project := k.project()
	pairs := make([]string, 0, 2*codeforge.MaxFiles)
	for i := range codeforge.MaxFiles {
		text := fmt.Sprintf("export const n = %d\n", i)
		if i%100 == 0 {
			text = pictureOf(1_000) + fmt.Sprint(i)
		}
		pairs = append(pairs, fmt.Sprintf("src/%d/f%d.ts", i%50, i), text)
	}
	if r := k.imports(project, "", zipOf(t, pairs...)); r.Created != codeforge.MaxFiles || r.Revision != 1 {
		t.Errorf("%+v", r)
	}
}

// contents are the files of an archive that was exported.
func contents(t *testing.T, a answer) map[string]string {
	t.Helper()
	data := a.want(200).Body
	l := archive.Limits{Entries: 5_000, Unpacked: 100 << 20, Files: 5_000, Taken: 100 << 20, File: 10 << 20, Text: 1 << 20}
	got, err := archive.Open(t.Context(), strings.NewReader(data), int64(len(data)), l)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	if err := got.Read(t.Context(), func(p string, content []byte) error { files[p] = string(content); return nil }); err != nil {
		t.Fatal(err)
	}
	if len(got.LeftOut) > 0 {
		t.Errorf("left out: %v", got.LeftOut)
	}
	return files
}

func TestExport(t *testing.T) {
	k := newKit(t)
	project := k.project()
	at := "/v1/projects/" + project
	k.file(project, "src/a.ts", "old")
	k.put(project, "src/logo.png", "image/png", pictureOf(3_000)).want(200)
	k.file(project, "src/a.ts", "new")
	for i := range 6 { // more than a page
		k.file(project, fmt.Sprintf("src/long%d.ts", i), strings.Repeat("x", 90_000))
	}
	for _, name := range []string{"archive.zip", "archive.tar.gz"} {
		first := k.call("GET", at+"/"+name, "")
		files := contents(t, first)
		if len(files) != 8 || files["src/a.ts"] != "new" || files["src/logo.png"] != pictureOf(3_000) || len(files["src/long5.ts"]) != 90_000 {
			t.Errorf("%s: %d files", name, len(files))
		}
		if d := first.Header.Get("Content-Disposition"); d != "attachment; filename=dog-walkers-r9."+strings.TrimPrefix(name, "archive.") || first.Header.Get("ETag") != `"9"` {
			t.Errorf("%s: %v", name, first.Header)
		}
		if again := k.call("GET", at+"/"+name+"?revision=9", ""); again.Body != first.Body {
			t.Errorf("%s has other bytes the second time", name)
		}
		if files := contents(t, k.call("GET", at+"/"+name+"?revision=2", "")); len(files) != 2 || files["src/a.ts"] != "old" {
			t.Errorf("%s: %q", name, files)
		}
		if a := k.call("GET", at+"/"+name, "", `If-None-Match: "9"`); a.Status != 304 || a.Body != "" {
			t.Errorf("%d %d bytes", a.Status, len(a.Body))
		}
		if a := k.call("HEAD", at+"/"+name, ""); a.Status != 200 || a.Body != "" {
			t.Errorf("%d %d bytes", a.Status, len(a.Body))
		}
		k.call("GET", at+"/"+name+"?revision=99", "").fails(404, "RESOURCE_NOT_FOUND")
		k.call("GET", at+"/"+name, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
		// What was exported comes back as it was.
		other := k.project()
		if r := k.imports(other, "", first.Body); r.Created != 8 || r.TopFolder != "" || len(r.LeftOut) != 0 {
			t.Errorf("%+v", r)
		}
		if k.paths(other) != k.paths(project) {
			t.Errorf("%s came back as %s", k.paths(project), k.paths(other))
		}
	}
	empty := k.project()
	if files := contents(t, k.call("GET", "/v1/projects/"+empty+"/archive.zip", "")); len(files) != 0 {
		t.Errorf("%q", files)
	}
}

// TestExportedLock: the lock that lies beside a revision goes along, unless the project has one of its own.
func TestExportedLock(t *testing.T) {
	k := newKit(t)
	project := k.project()
	u := codeforge.User{ID: alice, Role: "authenticated"}
	lock := []byte(`{"lockfileVersion":3,"packages":{"":{"dependencies":{"a":"1"}},"node_modules/a":{"version":"1.0.0"},"web":{"dependencies":{"b":"1"}},"web/node_modules/b":{"version":"2.0.0"}}}`)
	write := func(lock []byte, changes ...codeforge.FileChange) {
		t.Helper()
		if _, err := k.store.WriteRevision(t.Context(), u, project, codeforge.TreeChange{Head: -1, Changes: changes, Lock: lock}); err != nil {
			t.Fatal(err)
		}
	}
	all := func() map[string]string {
		return contents(t, k.call("GET", "/v1/projects/"+project+"/archive.tar.gz", ""))
	}
	exported := func() string { return all()["package-lock.json"] }
	if write(lock, codeforge.FileChange{Path: "a.ts"}); exported() != "" {
		t.Error("a lock without a manifest")
	}
	if write(lock, codeforge.FileChange{Path: "package.json", Content: "{}"}, codeforge.FileChange{Path: "z.ts"}); !strings.Contains(exported(), `"node_modules/a"`) || strings.Contains(exported(), "web") {
		t.Errorf("the lock is %q", exported())
	}
	if write(nil, codeforge.FileChange{Path: "web/package.json", Content: "{}"}); !strings.Contains(all()["web/package-lock.json"], `"node_modules/b"`) {
		t.Errorf("that of a folder is %q", all()["web/package-lock.json"])
	}
	if write(nil, codeforge.FileChange{Path: "package-lock.json", Content: "own"}); exported() != "own" {
		t.Errorf("%q", exported())
	}
}

// Who comes when all places are taken is told to come again, and nothing is held by who went.
func TestImportsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		project := k.project()
		at := "/v1/projects/" + project + "/import"
		done := make(chan answer)
		var bodies []*io.PipeWriter
		for range 4 {
			from, to := io.Pipe()
			bodies = append(bodies, to)
			r := httptest.NewRequestWithContext(t.Context(), "POST", at, from)
			r.Header.Set("Authorization", "Bearer alice")
			go func() { done <- k.do(r) }()
		}
		synctest.Wait()
		k.call("POST", at, zipOf(t, "a", "x"), "Content-Type: application/zip").fails(503, "SERVICE_UNAVAILABLE")
		for _, to := range bodies {
			_ = to.CloseWithError(io.ErrUnexpectedEOF)
			(<-done).fails(400, "REQUEST_ERROR")
		}
		k.imports(project, "", zipOf(t, "a", "x"))
	})
}

// A client that stops reading an archive is dropped.
func TestStuckReaderOfAnArchiveIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		project := k.project()
		noise := make([]byte, 4<<20)
		rand.NewChaCha8([32]byte{}).Read(noise)
		k.put(project, "noise.bin", "application/octet-stream", string(noise)).want(200)
		for _, what := range []string{"archive.zip", "archive.tar.gz", "files/noise.bin?raw=true"} {
			client, conn := net.Pipe()
			server := &http.Server{Handler: k.h}
			l := &oneConn{conns: make(chan net.Conn, 1), done: make(chan struct{})}
			l.conns <- conn
			go server.Serve(l)
			fmt.Fprintf(client, "GET /v1/projects/%s/%s HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice\r\n\r\n", project, what)
			if _, err := io.ReadFull(client, make([]byte, 1000)); err != nil {
				t.Fatal(err)
			}
			time.Sleep(time.Minute)
			if n, _ := io.Copy(io.Discard, client); n > 1<<20 {
				t.Errorf("%s: %d bytes came after a minute of waiting", what, n)
			}
			_ = client.Close()
			_ = server.Close()
		}
	})
}
