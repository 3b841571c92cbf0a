package api_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/verify"
)

// pictureOf is the beginning of a PNG, and bytes that are no text.
func pictureOf(n int) string {
	return "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + strings.Repeat("\xff\x00\xfe\x01", n/4)
}

// put sends a body of some media type to a file.
func (k *kit) put(project, path, media, body string, headers ...string) answer {
	k.Helper()
	return k.call("PUT", "/v1/projects/"+project+"/files/"+path, body, append([]string{"Content-Type:" + media}, headers...)...)
}

func TestFilesAsTheyAre(t *testing.T) {
	k := newKit(t)
	project := k.project()
	files := "/v1/projects/" + project + "/files/"
	picture, long := pictureOf(12_000), strings.Repeat("words of a long text\n", 6_000)

	row := k.put(project, "public/logo.png", "image/png", picture).want(200).object()
	if row["encoding"] != "base64" || row["size"] != float64(len(picture)) || row["hash"] != codeforge.BlobHash([]byte(picture)) || row["version"] != 1.0 || row["content"] != nil {
		t.Errorf("%v", row)
	}
	// What comes as it is may be text, and long text.
	if row := k.put(project, "a.css", "text/css; charset=utf-8", "a{}").want(200).object(); row["content"] != "a{}" || row["encoding"] != nil {
		t.Errorf("%v", row)
	}
	if row := k.put(project, "empty", "application/octet-stream", "").want(200).object(); row["content"] != "" {
		t.Errorf("%v", row)
	}
	k.put(project, "long.txt", "text/plain", long).want(200)
	// Base64, which may be of a text as well.
	body, _ := json.Marshal(map[string]string{"path": "b.png", "content": base64.StdEncoding.EncodeToString([]byte(picture)), "encoding": "base64"})
	if row := k.call("POST", "/v1/projects/"+project+"/files", string(body)).want(200).object(); row["hash"] != codeforge.BlobHash([]byte(picture)) {
		t.Errorf("%v", row)
	}
	k.call("PUT", files+"a.css", `{"content":"YntkfQ==","encoding":"base64"}`).want(200)
	if row := k.call("GET", files+"a.css", "").want(200).object(); row["content"] != "b{d}" || row["version"] != 2.0 {
		t.Errorf("%v", row)
	}
	k.wantFields(k.call("PUT", files+"a.css", `{"content":"no base64!","encoding":"base64"}`), "content value_error")
	k.wantFields(k.call("PUT", files+"a.css", `{"content":"YQ==","encoding":"hex"}`), "encoding enum")
	k.wantFields(k.call("PUT", files+"a.css", fmt.Sprintf(`{"content":%q}`, long)), "content string_too_long")

	// A row alone has the bytes; lists and what they come with have not.
	if row := k.call("GET", files+"b.png", "").want(200).object(); row["content"] != base64.StdEncoding.EncodeToString([]byte(picture)) || row["encoding"] != "base64" {
		t.Errorf("%v", row)
	}
	var list struct {
		Files []struct {
			Path, Encoding string
			Content        *string
			Size           int
		}
	}
	for _, where := range []string{"/files", "/files?content=false", "/revisions/6"} {
		answer := k.call("GET", "/v1/projects/"+project+where, "").want(200)
		if err := json.Unmarshal([]byte(answer.Body), &list); err != nil || len(answer.Body) > 5_000 {
			t.Errorf("%s: %v, %d bytes", where, err, len(answer.Body))
		}
		for _, f := range list.Files {
			if binary := f.Path != "a.css" && f.Path != "empty"; binary != (f.Encoding == "base64") || binary && (f.Content != nil || f.Size == 0) {
				t.Errorf("%s: %+v", where, f)
			}
		}
	}
}

func TestBytesOfFiles(t *testing.T) {
	k := newKit(t)
	project := k.project()
	files := "/v1/projects/" + project + "/files/"
	for _, c := range []struct{ path, content, media string }{
		{"a/logo.png", pictureOf(100), "image/png"},
		{"named.gif", pictureOf(100), "image/png"}, // what it holds, not what it is called
		{"page.png", "<script>alert(1)</script>", "text/plain; charset=utf-8"},
		{"page.html", "<script>alert(1)</script>", "text/html; charset=utf-8"},
		{"hidden.html", "<html><script>alert(1)</script>\x00\xff", "application/octet-stream"},
		{"font.woff2", "wOF2\x00\x01\xff", "font/woff2"},
		{"picture.avif", "\x00\x00\x00\x1cftypavif\xff", "image/avif"},
		{"x.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"},
		{"data.json", "{}", "application/json"},
		{"noname", "words", "text/plain; charset=utf-8"},
		{"data.bin", "\x00\x01\xff", "application/octet-stream"},
		{"long.css", strings.Repeat("a{color:red}\n", 10_000), "text/css; charset=utf-8"},
	} {
		k.put(project, c.path, "application/octet-stream", c.content).want(200)
		for _, how := range []func() answer{
			func() answer { return k.call("GET", files+c.path+"?raw=true", "") },
			func() answer { return k.call("GET", files+c.path, "", "Accept: image/*, */*;q=0.8") },
		} {
			a := how().want(200)
			if a.Body != c.content || a.Header.Get("Content-Type") != c.media {
				t.Errorf("%s: %s, %d bytes", c.path, a.Header.Get("Content-Type"), len(a.Body))
			}
			// Whatever it is, it is no page of this origin.
			if a.Header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(a.Header.Get("Content-Security-Policy"), "sandbox") || !strings.HasPrefix(a.Header.Get("Content-Disposition"), "attachment") {
				t.Errorf("%s: %v", c.path, a.Header)
			}
		}
	}
	for _, accept := range []string{"", "*/*", "application/json", "application/json, text/plain, */*", "application/problem+json"} {
		if a := k.call("GET", files+"a/logo.png", "", "Accept:"+accept).want(200); a.Header.Get("Content-Type") != "application/json" || a.Header.Get("ETag") != `"1"` {
			t.Errorf("Accept %q: %v", accept, a.Header)
		}
	}
	// Rows and bytes have tags of their own, either of which may come back with a write.
	tag := k.call("GET", files+"a/logo.png?raw=true", "").Header.Get("ETag")
	if a := k.call("GET", files+"a/logo.png?raw=true", "", "If-None-Match:"+tag); a.Status != 304 || a.Body != "" {
		t.Errorf("%d %s", a.Status, a.Body)
	}
	k.call("GET", files+"a/logo.png?raw=true", "", `If-None-Match:"1"`).want(200)
	k.put(project, "a/logo.png", "image/png", pictureOf(200), "If-Match:"+tag).want(200)
	k.put(project, "a/logo.png", "image/png", pictureOf(300), "If-Match:"+tag).fails(409, "CONFLICT")
	if a := k.call("GET", files+"a/logo.png?raw=true", "", "Range: bytes=1-3"); a.Status != 206 || a.Body != "PNG" {
		t.Errorf("%d %q", a.Status, a.Body)
	}
	if a := k.call("HEAD", files+"a/logo.png?raw=true", ""); a.Status != 200 || a.Body != "" || a.Header.Get("Content-Length") != fmt.Sprint(len(pictureOf(200))) {
		t.Errorf("%d %v", a.Status, a.Header)
	}
	k.call("GET", files+"none.png?raw=true", "").fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", files+"a/logo.png?raw=true", "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
}

func TestRawWritesAreRefused(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.MaxFile = 4_000 })
	project := k.project()
	k.put(project, "a.png", "image/png", pictureOf(1_000), "If-None-Match:*").want(200)
	k.put(project, "a.png", "image/png", pictureOf(1_000), "If-None-Match:*").fails(409, "CONFLICT")
	k.put(project, "a.png", "image/png", pictureOf(1_000), "If-Match:7").fails(409, "CONFLICT")
	k.put(project, "b.png", "image/png", pictureOf(1_000), "If-Match:*").fails(404, "RESOURCE_NOT_FOUND")
	k.put(project, "b.png", "image/png", pictureOf(9_000)).fails(413, "PAYLOAD_TOO_LARGE")
	k.put(project, "b.png", "multipart/form-data; boundary=x", "--x--").fails(415, "UNSUPPORTED_MEDIA_TYPE")
	k.put(project, "b.png", "image/png", "x", "Content-Encoding: gzip").fails(415, "UNSUPPORTED_MEDIA_TYPE")
	if d := k.put(project, "con.png", "image/png", pictureOf(100)).fails(400, "VALIDATION_ERROR"); d["field"] != "path" {
		t.Errorf("%v", d)
	}
	k.put(project, "A.png", "image/png", pictureOf(100)).fails(400, "VALIDATION_ERROR")
	k.put(project, "b.png", "image/png", pictureOf(100), "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	k.put(project, "b.png", "image/png", pictureOf(100), "Authorization:").fails(401, "AUTHENTICATION_ERROR")
	k.put("0198c0de-0000-7000-8000-0000000000ff", "b.png", "image/png", "x").fails(404, "RESOURCE_NOT_FOUND")
	k.put("nonsense", "b.png", "image/png", "x").fails(400, "VALIDATION_ERROR")
	r := httptest.NewRequest("PUT", "/v1/projects/"+project+"/files/c.png", strings.NewReader("{}"))
	r.Header.Set("Authorization", "Bearer alice")
	k.wantFields(k.do(r), "content missing") // a body of no named type is JSON
}

// diffLines is what a diff says of its files, a line each.
func diffLines(t *testing.T, a answer) (lines []string) {
	t.Helper()
	var d struct {
		Files []struct {
			Path, Status, Binary, Unified string
			Additions                     int
		}
		Unified string
	}
	if err := json.Unmarshal([]byte(a.want(200).Body), &d); err != nil {
		t.Fatal(err)
	}
	for _, f := range d.Files {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%s %s %s", f.Path, f.Status, f.Binary)))
		if f.Binary != "" && (f.Unified != "" || f.Additions != 0) || f.Binary == "" && !strings.Contains(d.Unified, f.Path) {
			t.Errorf("%+v", f)
		}
	}
	return lines
}

func TestDiffsOfBlobs(t *testing.T) {
	k := newKit(t)
	project := k.project()
	for i, c := range []struct{ path, content, want string }{
		{"a.png", pictureOf(12_000), "a.png added binary, 12 kB"},
		{"a.png", pictureOf(14_000), "a.png modified binary, 12 kB -> 14 kB"},
		{"a.png", "text", "a.png modified binary, 14 kB -> text, 4 bytes"},
		{"long.md", strings.Repeat("long\n", 40_000), "long.md added long text, 200 kB"},
	} {
		k.put(project, c.path, "application/octet-stream", c.content).want(200)
		if got := diffLines(t, k.call("GET", fmt.Sprintf("/v1/projects/%s/revisions/%d/diff", project, i+1), "")); !slices.Equal(got, []string{c.want}) {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
	k.call("DELETE", "/v1/projects/"+project+"/files/long.md", "").want(200)
	if got := diffLines(t, k.call("GET", "/v1/projects/"+project+"/revisions/5/diff", "")); !slices.Equal(got, []string{"long.md deleted long text, 200 kB"}) {
		t.Errorf("%q", got)
	}
	// A restore brings the bytes back.
	k.call("POST", "/v1/projects/"+project+"/revisions/1/restore", "").want(200)
	if a := k.call("GET", "/v1/projects/"+project+"/files/a.png?raw=true", ""); a.Body != pictureOf(12_000) {
		t.Errorf("%d bytes", len(a.Body))
	}
}

// TestBlobsInWorkOfJobs: what a job does with blobs is shown, proposed and applied by their names alone.
func TestBlobsInWorkOfJobs(t *testing.T) {
	var checked verify.Tree
	k := newKit(t, func(o *api.Options) {
		o.Check = func(ctx context.Context, _ string, t verify.Tree) (verify.Report, error) {
			checked = t
			return verify.Report{OK: true, Files: t.Len()}, nil
		}
	})
	project := k.project()
	k.put(project, "logo.png", "image/png", pictureOf(100)).want(200)
	k.put(project, "old.png", "image/png", pictureOf(40)).want(200)
	k.file(project, "a.ts", "a")
	logo := codeforge.Blob{Hash: codeforge.BlobHash([]byte(pictureOf(100))), Size: int64(len(pictureOf(100)))}
	moved := codeforge.ChangeTo("img/logo.png", logo.Content())

	job := k.job(project, "code")
	f := k.claim(job)
	e := event(codeforge.EventFile, `{"path":"img/logo.png","action":"created"}`)
	e.File = &moved
	gone := event(codeforge.EventFile, `{"path":"logo.png","action":"deleted"}`)
	gone.File = &codeforge.FileChange{Path: "logo.png", Delete: true}
	k.record(f, 20, e, gone)
	if _, lines := k.working(job); lines != "a.ts none, img/logo.png created, old.png none, -logo.png" {
		t.Error(lines)
	}
	k.finish(f, codeforge.Outcome{Status: codeforge.JobFailed, Error: "x", Proposal: &codeforge.NewProposal{Base: 3, Message: "m",
		Changes: []codeforge.FileChange{moved, {Path: "logo.png", Delete: true}, {Path: "old.png", Delete: true}}}})
	want := []string{"img/logo.png added binary, " + codeforge.Bytes(logo.Size), "logo.png deleted binary, " + codeforge.Bytes(logo.Size), "old.png deleted binary, " + codeforge.Bytes(int64(len(pictureOf(40))))}
	if got := diffLines(t, k.call("GET", "/v1/jobs/"+job+"/proposal", "")); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	// People changed one of them since: whole files conflict.
	k.put(project, "old.png", "image/png", pictureOf(80)).want(200)
	if d := k.call("POST", "/v1/jobs/"+job+"/apply", "").fails(409, "CONFLICT"); fmt.Sprint(d["paths"]) != "[old.png]" {
		t.Errorf("%v", d)
	}
	k.call("POST", "/v1/jobs/"+job+"/apply", `{"resolve":{"*":"yours"}}`).want(200)
	if len(checked.Files) != 1 || len(checked.Assets) != 2 || checked.Assets["img/logo.png"] != logo {
		t.Errorf("checked %+v", checked)
	}
	if a := k.call("GET", "/v1/projects/"+project+"/files/img/logo.png?raw=true", ""); a.Body != pictureOf(100) {
		t.Errorf("%d bytes", len(a.Body))
	}
	if a := k.call("GET", "/v1/projects/"+project+"/files/old.png?raw=true", ""); a.Body != pictureOf(80) {
		t.Errorf("%d bytes", len(a.Body))
	}
}

// A project without files can be checked too.
func TestCheckOfAnEmptyProject(t *testing.T) {
	k := newKit(t)
	if r := k.call("GET", "/v1/projects/"+k.project()+"/check", "").want(200).object(); r["revision"] != 0.0 || r["ok"] != true {
		t.Errorf("%v", r)
	}
}
