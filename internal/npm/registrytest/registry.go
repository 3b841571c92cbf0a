// Package registrytest is a package registry for tests: it serves what is published to it, and can be made to misbehave.
package registrytest

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha512"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// Registry serves packages at its URL.
type Registry struct {
	*httptest.Server

	mu       sync.Mutex
	packages map[string]*document
	tarballs map[string][]byte
	handlers map[string]http.HandlerFunc
	requests []string
}

type document struct {
	Name     string                     `json:"name"`
	Tags     map[string]string          `json:"dist-tags"`
	Versions map[string]json.RawMessage `json:"versions"`
	Time     map[string]string          `json:"time,omitempty"`
	Modified string                     `json:"modified,omitempty"`
}

// New starts a registry; it stops with the test.
func New(t testing.TB) *Registry {
	r := &Registry{packages: map[string]*document{}, tarballs: map[string][]byte{}, handlers: map[string]http.HandlerFunc{}}
	r.Server = httptest.NewServer(http.HandlerFunc(r.serve))
	t.Cleanup(r.Close)
	return r
}

// Version is a version to publish. What is left empty is made up.
type Version struct {
	Manifest  string            // its package.json as JSON, without name and version
	Files     map[string]string // besides package.json
	Tarball   []byte            // in place of one with those files
	Integrity string            // in place of the tarball's
	Address   string            // of the tarball, in place of the registry's
	Published time.Time         // default: long ago
}

// Publish adds a version; the newest published is what the tag latest names.
func (r *Registry) Publish(t testing.TB, name, version string, v Version) {
	t.Helper()
	manifest := map[string]json.RawMessage{}
	if v.Manifest != "" {
		if err := json.Unmarshal([]byte(v.Manifest), &manifest); err != nil {
			t.Fatal(err)
		}
	}
	manifest["name"], manifest["version"] = marshal(t, name), marshal(t, version)
	if v.Tarball == nil {
		files := []Entry{{Name: "package/package.json", Body: marshal(t, manifest)}}
		for _, file := range slices.Sorted(maps.Keys(v.Files)) {
			files = append(files, Entry{Name: "package/" + file, Body: []byte(v.Files[file])})
		}
		v.Tarball = Pack(t, files...)
	}
	if v.Integrity == "" {
		sum := sha512.Sum512(v.Tarball)
		v.Integrity = "sha512-" + base64.StdEncoding.EncodeToString(sum[:])
	}
	file := name + "/-/" + path.Base(name) + "-" + version + ".tgz"
	if v.Address == "" {
		v.Address = r.URL + "/" + file
	}
	if v.Published.IsZero() {
		v.Published = time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	}
	manifest["dist"] = marshal(t, map[string]string{"integrity": v.Integrity, "tarball": v.Address})
	r.mu.Lock()
	defer r.mu.Unlock()
	d := r.packages[name]
	if d == nil {
		d = &document{Name: name, Tags: map[string]string{}, Versions: map[string]json.RawMessage{}, Time: map[string]string{}}
		r.packages[name] = d
	}
	d.Versions[version] = marshal(t, manifest)
	d.Time[version] = v.Published.UTC().Format(time.RFC3339)
	d.Modified = max(d.Modified, d.Time[version])
	d.Tags["latest"] = version
	r.tarballs[file] = v.Tarball
}

// Record adds a package by what a registry once said of it.
func (r *Registry) Record(t testing.TB, text []byte) {
	t.Helper()
	d := &document{}
	if err := json.Unmarshal(text, d); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packages[d.Name] = d
}

// Tag sets a tag.
func (r *Registry) Tag(name, tag, version string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.packages[name].Tags[tag] = version
}

// Handle answers requests for a path (of a package or a tarball, without the slash in front) in its own way; nil: no longer.
func (r *Registry) Handle(path string, h http.HandlerFunc) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.handlers[path] = h
}

// Requests are the paths that were asked for so far.
func (r *Registry) Requests() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.requests)
}

func (r *Registry) serve(w http.ResponseWriter, req *http.Request) {
	name := strings.TrimPrefix(req.URL.Path, "/")
	r.mu.Lock()
	r.requests = append(r.requests, name)
	handler, tarball := r.handlers[name], r.tarballs[name]
	var doc []byte
	if d := r.packages[name]; d != nil {
		short := *d
		if strings.Contains(req.Header.Get("Accept"), "install-v1") {
			short.Time = nil
		}
		doc, _ = json.Marshal(short)
	}
	r.mu.Unlock()
	switch {
	case handler != nil:
		handler(w, req)
	case tarball != nil:
		_, _ = w.Write(tarball)
	case doc != nil:
		sum := sha512.Sum512(doc)
		tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
		w.Header().Set("ETag", tag)
		if req.Header.Get("If-None-Match") == tag {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(doc)
	default:
		http.Error(w, `{"error":"Not found"}`, http.StatusNotFound)
	}
}

func marshal(t testing.TB, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Entry is an entry of a tarball.
type Entry struct {
	Name string
	Body []byte
	Type byte   // of tar; 0: a plain file
	Link string // where a link leads
	Mode int64
}

// Pack makes a tarball.
func Pack(t testing.TB, entries ...Entry) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	archive := tar.NewWriter(zip)
	for _, e := range entries {
		h := &tar.Header{Name: e.Name, Typeflag: tar.TypeReg, Size: int64(len(e.Body)), Mode: 0o644, Linkname: e.Link}
		if e.Type != 0 {
			h.Typeflag = e.Type
		}
		if e.Mode != 0 {
			h.Mode = e.Mode
		}
		if err := archive.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write(e.Body); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	if err := zip.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
