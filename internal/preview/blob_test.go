package preview

import (
	"bytes"
	"context"
	"net/http"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/verify"
)

var (
	png  = []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
	jpeg = []byte("\xff\xd8\xff\xe0\x00\x10JFIF\x00")
	film = append([]byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom"), bytes.Repeat([]byte{0, 1, 2, 3}, 1000)...)
	woff = []byte("wOF2\x00\x01\x00\x00")
)

func withBlobs(t *testing.T) (*Server, *shelf) {
	s, sh := local(t, map[string]string{"index.html": "<p>home"})
	for path, data := range map[string][]byte{
		"logo.png": png, "really-a.png": jpeg, "favicon.ico": []byte("\x00\x00\x01\x00\x01\x00"), "public/film.mp4": film, "font.woff2": woff, "no-ending": {0, 1, 2}, "data.bin": {0, 0xff},
		"page-of-bytes.html": []byte("<html>\x00<script>alert(1)</script>"), "text.png": []byte("<html><script>alert(1)</script>"), "song.ogg": []byte("OggS\x00\x02"),
		"long.js": []byte("let long = 1"), "long.html": []byte("<!doctype html><html><head><title>long"), "long.css": []byte("p{}"), "drawing.svg": []byte("<svg/>"),
	} {
		sh.putBlob(path, data)
	}
	return s, sh
}

// Files that are no texts come from the store, each of the type that its bytes have, in parts where parts are asked for, and not
// at all where a browser has them.
func TestBlobs(t *testing.T) {
	s, sh := withBlobs(t)
	for target, want := range map[string]string{
		"/logo.png": "image/png", "/really-a.png": "image/jpeg", "/favicon.ico": "image/x-icon", "/film.mp4": "video/mp4", "/public/film.mp4": "video/mp4", "/font.woff2": "font/woff2",
		"/no-ending": "application/octet-stream", "/data.bin": "application/octet-stream", "/page-of-bytes.html": "application/octet-stream", "/text.png": "text/plain; charset=utf-8", "/song.ogg": "audio/ogg",
		"/long.js": "text/javascript; charset=utf-8", "/long.css": "text/css; charset=utf-8", "/drawing.svg": "image/svg+xml", "/long": "text/html; charset=utf-8",
	} {
		w := get(t, s, target)
		if w.Code != 200 || w.Header().Get("Content-Type") != want || w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Security-Policy"), policy) {
			t.Errorf("%s: %d %v", target, w.Code, w.Header())
		}
	}
	if w := get(t, s, "/long.html"); !strings.Contains(w.Body.String(), "<head><script src=\""+clientPath) {
		t.Errorf("a page that is a blob: %s", w.Body)
	}
	w := get(t, s, "/film.mp4")
	tag := w.Header().Get("ETag")
	if !bytes.Equal(w.Body.Bytes(), film) || w.Header().Get("Accept-Ranges") != "bytes" {
		t.Error(w.Header())
	}
	header := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	if w := get(t, s, "/film.mp4", header("Range", "bytes=10-19")); w.Code != http.StatusPartialContent || !bytes.Equal(w.Body.Bytes(), film[10:20]) || w.Header().Get("Content-Type") != "video/mp4" {
		t.Error(w.Code, w.Header())
	}
	if w := get(t, s, "/film.mp4", header("Range", "bytes=99999-")); w.Code != http.StatusRequestedRangeNotSatisfiable {
		t.Error(w.Code)
	}
	if w := get(t, s, "/film.mp4", header("Range", "bytes=0-9"), header("If-Range", `"other"`)); w.Code != 200 || w.Body.Len() != len(film) {
		t.Error(w.Code)
	}
	reads := sh.blobRead.Load()
	if w := get(t, s, "/film.mp4", header("If-None-Match", tag)); w.Code != http.StatusNotModified || w.Body.Len() != 0 || sh.blobRead.Load() != reads {
		t.Error(w.Code, sh.blobRead.Load()-reads)
	}
	if w := get(t, s, "/film.mp4", func(r *http.Request) { r.Method = http.MethodHead }); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Error(w.Code, w.Header())
	}
	if b := s.cache.get(project); b.size() > 20_000 {
		t.Errorf("%d bytes are kept", b.size())
	}
}

// Bytes are counted while they are held, read as the visitor, and are those of the project that is shown.
func TestBlobsAreReadAsTheVisitor(t *testing.T) {
	s, sh := withBlobs(t)
	get(t, s, "/")
	var held, most int64
	refuse := error(nil)
	admission := func(r *http.Request) {
		*r = *r.WithContext(WithAdmission(r.Context(), Admission{Build: func(codeforge.User) (func(), error) { return func() {}, nil },
			Hold: func(u codeforge.User, n int64) (func(), error) {
				if u.ID != codeforge.LocalUserID {
					t.Error(u)
				}
				held += n
				most = max(most, held)
				return func() { held -= n }, refuse
			}}))
	}
	if w := get(t, s, "/film.mp4", admission); w.Code != 200 || held != 0 || most < int64(len(film)) {
		t.Errorf("%d, %d held at most, %d in the end", w.Code, most, held)
	}
	refuse = &codeforge.Error{Kind: codeforge.Unavailable}
	reads := sh.blobRead.Load()
	if w := get(t, s, "/film.mp4", admission); w.Code != 503 || sh.blobRead.Load() != reads || w.Header().Get("ETag") != "" {
		t.Error(w.Code)
	}
	for hash := range sh.blobs {
		delete(sh.blobs, hash)
	}
	if w := get(t, s, "/film.mp4"); w.Code != 404 {
		t.Error(w.Code)
	}
	sh.put("somebody else", project, app)
	if w := get(t, s, "/logo.png"); w.Code != 404 || strings.Contains(w.Body.String(), "PNG") {
		t.Error(w.Code)
	}

	users, shelf, _ := ticketed(t)
	shelf.putBlob("logo.png", png)
	at := "https://" + project + ".p.example/logo.png"
	if w := get(t, users, at); w.Code != 403 {
		t.Error(w.Code)
	}
	c := get(t, users, users.Address("https", "x", codeforge.User{ID: userID}, project, 0, false)).Result().Cookies()[0]
	if w := get(t, users, at, with(c)); w.Code != 200 || w.Body.String() != string(png) {
		t.Error(w.Code)
	}
}

// A working tree shows its blobs, and an older revision its own.
func TestBlobsOfWorkingTrees(t *testing.T) {
	const job = "0190a5b2-3333-7000-8000-000000000003"
	sh := newShelf()
	sh.put(codeforge.LocalUserID, project, map[string]string{"index.html": "<p>first"})
	sh.putBlob("logo.png", png)
	o := sh.options(Options{})
	o.WorkingTree = func(context.Context, codeforge.User, string) (WorkingTree, error) {
		return WorkingTree{ProjectID: project, Version: "1", Tree: func(context.Context) (verify.Tree, error) {
			return verify.Tree{Files: map[string]string{"index.html": "<p>x"}, Assets: sh.assets}, nil
		}}, nil
	}
	s := New(o)
	for _, host := range []string{job + "-job", project + "-r1", project} {
		if w := get(t, s, "http://"+host+".localhost/logo.png"); w.Code != 200 || w.Body.String() != string(png) {
			t.Errorf("%s: %d", host, w.Code)
		}
	}
}
