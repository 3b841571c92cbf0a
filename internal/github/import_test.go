package github_test

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/download"
	"codeforge/internal/events"
	"codeforge/internal/github"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
)

// told hears of changes, which is all that an import asks of jobs.
type told struct{ api.Jobs }

func (told) Changed(string, string) {}

// archiveOf is a repository's files as GitHub packs them: in a folder that is named after the commit.
func archiveOf(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	gz := gzip.NewWriter(&b)
	w := tar.NewWriter(gz)
	for path, text := range files {
		err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: "dog-walkers-0a1b2c3/" + path, Mode: 0o644, Size: int64(len(text))})
		if err == nil {
			_, err = w.Write([]byte(text))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(w.Close(), gz.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// A repository becomes a revision over the API, a private one with a token, which goes to GitHub and nowhere else.
func TestImportOverTheAPI(t *testing.T) {
	const token = "ghp_a_token_for_private_ones"
	archives := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "" {
			t.Error("the token is shown to whoever keeps the archives")
		}
		branch := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
		w.Write(archiveOf(t, map[string]string{"README.md": "# " + branch + "\n", "src/a.ts": "export {}\n", "logo.png": "\x00png", "node_modules/x/index.js": "x"}))
	}))
	defer archives.Close()
	hub := github.NewStandIn(t, archives.URL)
	hub.Repository("dog", "walkers", false, "main", "next")
	hub.Repository("dog", "secret", true, "main")
	roots := x509.NewCertPool()
	roots.AddCert(archives.Certificate())
	own := netip.MustParseAddrPort(archives.Listener.Addr().String())
	store, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	var log bytes.Buffer
	u := codeforge.User{ID: "0198c0de-0000-7000-8000-00000000a11c", Role: "authenticated"}
	h := api.New(api.Options{Store: store, Jobs: told{}, Hub: events.NewHub(), Log: slog.New(slog.NewJSONHandler(&log, nil)), TempDir: t.TempDir(), MaxImport: 1 << 20, MaxFile: 1 << 20,
		Auth:     func(*http.Request) (codeforge.User, error) { return u, nil },
		GitHub:   github.New(github.Options{URL: "http://github.test", Transport: hub.Transport()}),
		Download: download.New(download.Options{Roots: roots, Allowed: func(a netip.AddrPort) bool { return a == own }}).Get})
	p, err := store.CreateProject(t.Context(), u, codeforge.Project{Title: "Dog walkers"})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(body string, header ...string) (int, map[string]any) {
		r := httptest.NewRequest("POST", "/v1/projects/"+p.ID+"/import/github", strings.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		m := map[string]any{}
		if err := json.Unmarshal(w.Body.Bytes(), &m); err != nil {
			t.Fatal(err, w.Body)
		}
		return w.Code, m
	}
	read := func(path string) string {
		f, err := store.GetFile(t.Context(), u, p.ID, path)
		if err != nil {
			t.Error(err)
		}
		return f.Content + f.Hash
	}

	status, m := ask(`{"repository":"https://github.com/dog/walkers.git"}`)
	if status != 200 || m["revision"] != 1.0 || m["created"] != 3.0 || m["top_folder"] != "dog-walkers-0a1b2c3" || len(m["left_out"].([]any)) != 1 {
		t.Errorf("%d %v", status, m)
	}
	if read("README.md") != "# main\n" || read("logo.png") != codeforge.BlobHash([]byte("\x00png")) {
		t.Error("other files than the repository's")
	}
	if status, m := ask(`{"repository":"dog/walkers","ref":"next"}`, "If-Match", "1"); status != 200 || m["revision"] != 2.0 || m["updated"] != 1.0 || read("README.md") != "# next\n" {
		t.Errorf("of a branch: %d %v", status, m)
	}
	if status, m := ask(`{"repository":"dog/walkers","ref":"next"}`, "If-Match", "1"); status != 409 {
		t.Errorf("on an older revision: %d %v", status, m)
	}
	for body, want := range map[string]string{
		`{"repository":"dog/secret"}`:                    "github_token",
		`{"repository":"dog/nothing"}`:                   "github_token",
		`{"repository":"dog/walkers","ref":"gone"}`:      "github_token",
		`{"repository":"walkers"}`:                       "repository",
		`{"repository":"dog/walkers","ref":"a..b"}`:      "ref",
		`{"repository":"dog/secret","github_token":"é"}`: "github_token",
	} {
		status, m := ask(body)
		if details, _ := m["details"].(map[string]any); status != 400 || details["field"] != want {
			t.Errorf("%s: %d %v", body, status, m)
		}
	}
	if status, m := ask(`{"repository":"dog/secret","github_token":"` + token + `"}`); status != 200 || m["revision"] != 3.0 || !hub.Saw(token) {
		t.Errorf("a private one: %d %v", status, m)
	}
	_, m = ask(`{"repository":"dog/secret"}`)
	if details, _ := m["details"].(map[string]any); !strings.Contains(details["reason"].(string), "without a token") {
		t.Error(m)
	}
	if strings.Contains(log.String(), token) {
		t.Error("the token is in the log")
	}
}
