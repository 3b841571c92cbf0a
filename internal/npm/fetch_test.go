package npm

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"codeforge/internal/npm/registrytest"
)

func noPause(context.Context, time.Duration) error { return nil }

// lockFor resolves a manifest that must resolve.
func lockFor(t *testing.T, c *Client, manifest string) *Lock {
	t.Helper()
	lock, problems, err := c.Resolve(t.Context(), project(manifest))
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	return lock
}

// TestFetch: packages lie in folders that all projects share, and are fetched once.
func TestFetch(t *testing.T) {
	r := registrytest.New(t)
	ran := filepath.Join(t.TempDir(), "ran")
	scripts := fmt.Sprintf(`{"preinstall":"touch %[1]s","install":"touch %[1]s","postinstall":"touch %[1]s"}`, ran)
	r.Publish(t, "a", "1.0.0", registrytest.Version{Manifest: `{"dependencies":{"@s/b":"1"},"scripts":` + scripts + `,"gypfile":true}`, Files: map[string]string{"lib/a.js": "export {}", "build/a.node": "ELF"}})
	r.Publish(t, "@s/b", "1.2.3", registrytest.Version{Manifest: `{"optionalDependencies":{"b-linux":"1"}}`, Files: map[string]string{"index.js": "b", "index.d.ts": "export {}"}})
	r.Publish(t, "b-linux", "1.0.0", registrytest.Version{Manifest: `{"os":["linux"]}`})
	r.Publish(t, "unused", "1.0.0", registrytest.Version{})
	dir := t.TempDir()
	c := open(t, Options{Registry: Registry{URL: r.URL}, Dir: dir})
	lock := lockFor(t, c, `{"dependencies":{"a":"1","unused":"1"}}`)
	want := lock.Reach("node_modules/a")
	if fmt.Sprint(want) != "[node_modules/@s/b node_modules/a]" {
		t.Fatal(want)
	}
	got, problems, err := c.Fetch(t.Context(), lock, want)
	if err != nil || len(problems) > 0 || !slices.Equal(got.Places(), want) {
		t.Fatal(got, problems, err)
	}
	if b, err := got.ReadFile("node_modules/@s/b", "index.js"); err != nil || string(b) != "b" {
		t.Error(string(b), err)
	}
	for _, bad := range []string{"../files/index.js", "/etc/passwd", "lib/../../../package.note", "build/a.node", "nothing"} {
		if _, err := got.ReadFile("node_modules/a", bad); err == nil {
			t.Errorf("%s can be read", bad)
		}
	}
	if slices.ContainsFunc(r.Requests(), func(p string) bool { return strings.Contains(p, "unused-") || strings.Contains(p, "linux-") }) {
		t.Error("what nobody needs was fetched", r.Requests())
	}
	if _, problems, err := c.Fetch(t.Context(), lock, []string{"node_modules/b-linux", "node_modules/nothing"}); err != nil || codes(problems) != "unsupported b-linux, unknown-package nothing" {
		t.Error(problems, err)
	}
	if _, err := os.Stat(ran); err == nil || !lock.Package("node_modules/a").RunsAtInstall() {
		t.Error("a package ran a program")
	}
	before := len(r.Requests())
	r.Close()
	// Another process, without the registry.
	off := open(t, Options{Dir: dir})
	again, problems, err := off.Fetch(t.Context(), lock, want)
	if err != nil || len(problems) > 0 || len(r.Requests()) != before {
		t.Error(problems, err)
	}
	one, _ := got.Folder("node_modules/a")
	other, _ := again.Folder("node_modules/a")
	if one != other || one == "" {
		t.Error(one, other)
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// TestHostilePackages: whatever a tarball holds, it is refused or harmless, nothing is written outside the cache, and
// nothing of it stays.
func TestHostilePackages(t *testing.T) {
	soak := os.Getenv("CODEFORGE_SOAK") != ""
	manifest := registrytest.Entry{Name: "package/package.json", Body: []byte(`{"name":"evil","version":"1.0.0"}`)}
	pack := func(entries ...registrytest.Entry) []byte {
		return registrytest.Pack(t, append([]registrytest.Entry{manifest}, entries...)...)
	}
	zeros := func(n int64) []byte { // the whole of them only where there is time for it: the bound is reached before
		var b bytes.Buffer
		zip := gzip.NewWriter(&b)
		archive := tar.NewWriter(zip)
		_ = archive.WriteHeader(&tar.Header{Name: "package/zeros", Size: n, Mode: 0o644})
		if soak {
			_, _ = io.CopyN(archive, zeroes{}, n)
		}
		archive.Close()
		zip.Close()
		return b.Bytes()
	}
	many := func(n int) []byte {
		var header, b bytes.Buffer
		_ = tar.NewWriter(&header).WriteHeader(&tar.Header{Name: "package/d/", Typeflag: tar.TypeDir, Mode: 0o755})
		zip, _ := gzip.NewWriterLevel(&b, gzip.BestSpeed)
		_, _ = zip.Write(bytes.Repeat(header.Bytes(), n))
		zip.Close()
		return b.Bytes()
	}
	entries := mostEntries + 1
	if soak {
		entries = 1_000_000
	}
	good := pack()
	for about, test := range map[string]struct {
		tarball   []byte
		integrity string
		code      string
		says      string
	}{
		"another sum":        {good, "sha512-" + base64.StdEncoding.EncodeToString(make([]byte, 64)), Corrupt, "sum"},
		"cut":                {good[:len(good)-20], "", Corrupt, ""},
		"no archive":         {[]byte("<html>"), "", Corrupt, ""},
		"nothing":            {[]byte{}, "", Corrupt, ""},
		"leads out":          {pack(registrytest.Entry{Name: "package/../../../evil", Body: []byte("x")}), "", Corrupt, "leads out"},
		"absolute":           {pack(registrytest.Entry{Name: "/tmp/evil", Body: []byte("x")}), "", Corrupt, "path"},
		"backslashes":        {pack(registrytest.Entry{Name: `package\..\..\evil`, Body: []byte("x")}), "", Corrupt, "path"},
		"a drive":            {pack(registrytest.Entry{Name: `C:/evil`, Body: []byte("x")}), "", Corrupt, "path"},
		"a file in a file":   {pack(registrytest.Entry{Name: "package/a", Body: []byte("x")}, registrytest.Entry{Name: "package/a/b", Body: []byte("x")}), "", Unreachable, ""},
		"a long path":        {pack(registrytest.Entry{Name: "package/" + strings.Repeat("a/", 40) + "x"}), "", TooLarge, "path"},
		"a bomb":             {zeros(mostUnpacked + 1), "", TooLarge, "unpacks to more"},
		"very many entries":  {many(entries), "", TooLarge, "entries"},
		"no package.json":    {registrytest.Pack(t, registrytest.Entry{Name: "package/x", Body: []byte("x")}), "", Corrupt, "package.json"},
		"bad package.json":   {registrytest.Pack(t, registrytest.Entry{Name: "package/package.json", Body: []byte("{")}), "", Corrupt, "package.json"},
		"another's name":     {registrytest.Pack(t, registrytest.Entry{Name: "package/package.json", Body: []byte(`{"name":"react","version":"1.0.0"}`)}), "", Corrupt, "calls itself react"},
		"another version":    {registrytest.Pack(t, registrytest.Entry{Name: "package/package.json", Body: []byte(`{"name":"evil","version":"2.0.0"}`)}), "", Corrupt, "calls itself"},
		"links":              {pack(registrytest.Entry{Name: "package/l", Type: tar.TypeSymlink, Link: "/etc"}, registrytest.Entry{Name: "package/h", Type: tar.TypeLink, Link: "/etc/passwd"}, registrytest.Entry{Name: "package/d", Type: tar.TypeChar}, registrytest.Entry{Name: "package/f", Type: tar.TypeFifo}), "", "", ""},
		"a way over a link":  {pack(registrytest.Entry{Name: "package/l", Type: tar.TypeSymlink, Link: "../../.."}, registrytest.Entry{Name: "package/l/evil", Body: []byte("x")}), "", "", ""},
		"programs":           {pack(registrytest.Entry{Name: "package/run", Body: []byte("#!/bin/sh"), Mode: 0o4777}), "", "", ""},
		"a name that is own": {pack(registrytest.Entry{Name: "package/package.note", Body: []byte("{}")}), "", "", ""},
	} {
		t.Run(about, func(t *testing.T) {
			t.Parallel()
			r := registrytest.New(t)
			r.Publish(t, "evil", "1.0.0", registrytest.Version{Tarball: test.tarball, Integrity: test.integrity})
			outer := t.TempDir()
			dir := filepath.Join(outer, "a", "b", "cache")
			c := open(t, Options{Registry: Registry{URL: r.URL}, Dir: dir, pause: noPause})
			lock := lockFor(t, c, `{"dependencies":{"evil":"1"}}`)
			got, problems, err := c.Fetch(t.Context(), lock, lock.Places())
			if err != nil {
				t.Fatal(err)
			}
			if test.code == "" && len(problems) > 0 || test.code != "" && (len(problems) != 1 || problems[0].Code != test.code || !strings.Contains(problems[0].Message, test.says) || !strings.Contains(problems[0].Message, "evil@1.0.0")) {
				t.Errorf("%+v, want %s", problems, test.code)
			}
			if folder, ok := got.Folder("node_modules/evil"); ok != (test.code == "") {
				t.Errorf("it lies in %q", folder)
			}
			files := 0
			_ = filepath.WalkDir(outer, func(name string, e fs.DirEntry, err error) error {
				if err != nil || e.IsDir() {
					return err
				}
				info, err := e.Info()
				if err != nil || !e.Type().IsRegular() || info.Mode().Perm()&0o111 != 0 || info.Mode()&fs.ModeSetuid != 0 {
					t.Errorf("%s is %v: %v", name, e.Type(), err)
				}
				if rest, in := strings.CutPrefix(name, dir+string(filepath.Separator)); !in || !strings.HasPrefix(rest, "metadata") && !strings.HasPrefix(rest, "packages") {
					t.Errorf("%s was written", name)
				} else if strings.HasPrefix(rest, "packages") {
					files++
				}
				return nil
			})
			if test.code != "" && files > 0 {
				t.Errorf("%d files stay", files)
			}
		})
	}
}

// TestRegistryMisbehaves: each fault is a problem of its package, in words, and of no other.
func TestRegistryMisbehaves(t *testing.T) {
	var reached sync.Map
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { reached.Store(r.URL.Path, true) }))
	defer elsewhere.Close()
	redirect := func(w http.ResponseWriter, req *http.Request) {
		http.Redirect(w, req, strings.Replace(elsewhere.URL, "127.0.0.1", "localhost", 1)+req.URL.Path, http.StatusFound)
	}
	text := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(s)) }
	}
	for about, test := range map[string]struct {
		metadata, tarball http.HandlerFunc
		code              string
	}{
		"metadata 404":           {fail(404), nil, Unknown},
		"metadata 500":           {fail(500), nil, Unreachable},
		"metadata 401":           {fail(401), nil, Denied},
		"metadata redirected":    {redirect, nil, Unreachable},
		"metadata is a page":     {text("<html>"), nil, Unreachable},
		"metadata is cut":        {text(`{"name":"x","versions":{"1.0.0":{`), nil, Unreachable},
		"metadata of another":    {text(`{"name":"react","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{}}}`), nil, Unreachable},
		"a version of another":   {text(`{"name":"x","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"name":"react"}}}`), nil, NoVersion},
		"metadata without a sum": {text(`{"name":"x","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{}}}`), nil, Corrupt},
		"no versions":            {text(`{"name":"x"}`), nil, NoVersion},
		"tarball 404":            {nil, fail(404), NoVersion},
		"tarball 500":            {nil, fail(500), Unreachable},
		"tarball redirected":     {nil, redirect, Unreachable},
		"tarball hangs up": {nil, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte{31, 139})
		}, Unreachable},
		"redirects without an end": {nil, func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, r.URL.Path, http.StatusFound) }, Unreachable},
	} {
		t.Run(about, func(t *testing.T) {
			r := registrytest.New(t)
			r.Publish(t, "x", "1.0.0", registrytest.Version{})
			r.Publish(t, "y", "1.0.0", registrytest.Version{})
			if test.metadata != nil {
				r.Handle("x", test.metadata)
			}
			if test.tarball != nil {
				r.Handle("x/-/x-1.0.0.tgz", test.tarball)
			}
			c := open(t, Options{Registry: Registry{URL: r.URL}, pause: noPause})
			lock, problems, err := c.Resolve(t.Context(), project(`{"dependencies":{"x":"1","y":"1"}}`))
			if err != nil {
				t.Fatal(err)
			}
			got, more, err := c.Fetch(t.Context(), lock, lock.Places())
			if problems = append(problems, more...); err != nil || len(problems) != 1 || problems[0].Code != test.code || problems[0].Package != "x" || strings.Contains(problems[0].Message, "http") {
				t.Errorf("%+v %v, want %s", problems, err, test.code)
			}
			if _, ok := got.Folder("node_modules/y"); !ok {
				t.Error("the other package is not there")
			}
		})
	}
	reached.Range(func(path, _ any) bool { t.Errorf("another host was asked for %v", path); return true })
}

// TestSlowRegistry: what does not come in time is a problem, in metadata, in tarballs, and where a body never ends.
func TestSlowRegistry(t *testing.T) {
	never := func(_ http.ResponseWriter, req *http.Request) { <-req.Context().Done() }
	drips := func(w http.ResponseWriter, req *http.Request) {
		for req.Context().Err() == nil {
			_, _ = w.Write([]byte(" "))
			_ = http.NewResponseController(w).Flush()
		}
	}
	for path, handler := range map[string]http.HandlerFunc{"x": never, "x/": drips, "x/-/x-1.0.0.tgz": never, "x/-/x-1.0.0.tgz/": drips} {
		r := registrytest.New(t)
		r.Publish(t, "x", "1.0.0", registrytest.Version{})
		r.Handle(strings.TrimSuffix(path, "/"), handler)
		c := open(t, Options{Registry: Registry{URL: r.URL}, pause: noPause, longestAnswer: 50 * time.Millisecond})
		lock, problems, err := c.Resolve(t.Context(), project(`{"dependencies":{"x":"1"}}`))
		if err != nil {
			t.Fatal(err)
		}
		_, more, err := c.Fetch(t.Context(), lock, lock.Places())
		if problems = append(problems, more...); err != nil || codes(problems) != "registry-failed x" {
			t.Errorf("%s: %+v %v", path, problems, err)
		}
		whole := open(t, Options{Registry: Registry{URL: r.URL}, pause: noPause, longestAnswer: 200 * time.Millisecond, longestResolve: 50 * time.Millisecond, longestFetch: 50 * time.Millisecond})
		if lock, _, err = whole.Resolve(t.Context(), project(`{"dependencies":{"x":"1"}}`)); err == nil {
			_, _, err = whole.Fetch(t.Context(), lock, lock.Places())
		}
		if err == nil || !strings.Contains(err.Error(), "slow") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestAddressesAreNotFollowed: what metadata, a lock or a project say of other hosts leads nowhere.
func TestAddressesAreNotFollowed(t *testing.T) {
	elsewhere := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { t.Errorf("another host was asked for %s", r.URL.Path) }))
	defer elsewhere.Close()
	r := registrytest.New(t)
	r.Publish(t, "a", "1.0.0", registrytest.Version{Address: elsewhere.URL + "/a/-/a-1.0.0.tgz"})
	c := open(t, Options{Registry: Registry{URL: r.URL}, pause: noPause})
	p := project(`{"dependencies":{"a":"1","b":"` + elsewhere.URL + `/b.tgz"}}`)
	lock, _, err := c.Resolve(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	p.Lock = bytes.Replace(lock.Bytes(), []byte(`"version": "1.0.0",`), []byte(`"version":"1.0.0","resolved":"`+elsewhere.URL+`/a.tgz",`), 1)
	if lock, _, err = c.Resolve(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if got, problems, err := c.Fetch(t.Context(), lock, lock.Places()); err != nil || len(problems) > 0 || len(got.Places()) != 1 {
		t.Error(problems, err)
	}
}

// TestOwnHosts: where a registry may send us on to.
func TestOwnHosts(t *testing.T) {
	for _, test := range []struct {
		from, to string
		own      bool
	}{
		{"https://packages.example.com/npm/", "https://packages.example.com/x.tgz", true},
		{"https://packages.example.com/npm/", "https://cdn.example.com/x.tgz", true},
		{"https://packages.example.com/npm/", "http://cdn.example.com/x.tgz", false},
		{"https://packages.example.com/npm/", "https://example.org/x.tgz", false},
		{"https://packages.example.com/npm/", "https://169.254.169.254/x", false},
		{"https://packages.example.com/npm/", "https://u:p@cdn.example.com/x", false},
		{"https://me.github.io/npm/", "https://you.github.io/x", false},
		{"http://localhost:4873/", "http://localhost:8080/x", false},
		{"http://localhost:4873/", "http://localhost:4873/x", true},
		{"http://127.0.0.1:4873/", "http://127.0.0.1:8080/x", false},
	} {
		from, err := parseRegistry(test.from)
		if err != nil {
			t.Fatal(err)
		}
		req := httptest.NewRequest(http.MethodGet, test.to, nil)
		if ownHost(req.URL, from) != test.own {
			t.Errorf("%s to %s: %v", test.from, test.to, !test.own)
		}
	}
}

// TestTokens: a token of this machine goes to its registry alone, and, where users sign in, for scopes that are allowed.
func TestTokens(t *testing.T) {
	for _, test := range []struct {
		signedIn bool
		allow    []string
		problems string
	}{
		{false, nil, ""}, {true, nil, "denied-package @me/a"}, {true, []string{"@me"}, ""}, {true, []string{"@me/*"}, ""}, {true, []string{"@you"}, "denied-package @me/a"},
	} {
		r := registrytest.New(t)
		r.Publish(t, "@me/a", "1.0.0", registrytest.Version{})
		var tokens []string
		r.Handle("@me/a", func(w http.ResponseWriter, req *http.Request) {
			if tokens = append(tokens, req.Header.Get("Authorization")); tokens[len(tokens)-1] == "" {
				w.WriteHeader(401)
				return
			}
			fmt.Fprint(w, `{"name":"@me/a","dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{}}}`)
		})
		host := strings.TrimPrefix(r.URL, "http:")
		c := open(t, Options{Registry: Registry{URL: r.URL, Credentials: []Credential{{"//other.example.com/", "Bearer no"}, {host + "/", "Bearer yes"}}}, SignedIn: test.signedIn, Allow: test.allow})
		_, problems, err := c.Resolve(t.Context(), project(`{"dependencies":{"@me/a":"1"}}`))
		if err != nil || codes(problems) != test.problems || slices.Contains(tokens, "Bearer no") {
			t.Errorf("%+v: %v %v %v", test, problems, tokens, err)
		}
	}
}

// TestTokensAndTheCache: what came by a token is not for those whom the token does not serve, though it is there; once it
// came without, it is for all.
func TestTokensAndTheCache(t *testing.T) {
	r := registrytest.New(t)
	r.Publish(t, "@me/a", "1.0.0", registrytest.Version{})
	private := func(w http.ResponseWriter, req *http.Request) {
		if req.Header.Get("Authorization") == "" {
			w.WriteHeader(401)
			return
		}
		r.Handle(req.URL.Path[1:], nil)
		http.Redirect(w, req, req.URL.Path, http.StatusFound)
	}
	const tarball = "@me/a/-/a-1.0.0.tgz"
	dir := t.TempDir()
	client := func(signedIn bool, allow ...string) *Client {
		return open(t, Options{Registry: Registry{URL: r.URL, Credentials: []Credential{{strings.TrimPrefix(r.URL, "http:") + "/", "Bearer x"}}}, SignedIn: signedIn, Allow: allow, Dir: dir})
	}
	r.Handle(tarball, private)
	lock := lockFor(t, client(false), `{"dependencies":{"@me/a":"1"}}`)
	fetch := func(c *Client) string {
		t.Helper()
		got, problems, err := c.Fetch(t.Context(), lock, lock.Places())
		if err != nil || len(got.Places())+len(problems) != 1 {
			t.Error(got.Places(), problems, err)
		}
		return codes(problems)
	}
	if got := fetch(client(false)); got != "" {
		t.Error(got)
	}
	r.Handle(tarball, private)
	for _, test := range []struct {
		client *Client
		want   string
	}{{client(true), "denied-package @me/a"}, {client(true, "@you"), "denied-package @me/a"}, {client(true, "@me"), ""}} {
		if got := fetch(test.client); got != test.want {
			t.Errorf("%v, want %q", got, test.want)
		}
	}
	r.Handle(tarball, nil)
	for range 2 {
		if got := fetch(client(true)); got != "" {
			t.Error(got)
		}
		r.Handle(tarball, private)
	}
}

// TestBundled: what comes within a package is found there.
func TestBundled(t *testing.T) {
	r := registrytest.New(t)
	r.Publish(t, "a", "1.0.0", registrytest.Version{Files: map[string]string{"node_modules/b/index.js": "b", "node_modules/@s/c/index.js": "c"}})
	c := open(t, Options{Registry: Registry{URL: r.URL}})
	p := project(`{"dependencies":{"a":"1"}}`)
	p.Lock = []byte(`{"lockfileVersion":3,"packages":{"node_modules/a":{"version":"1.0.0","dependencies":{"b":"1"},"bundleDependencies":["b"]},
		"node_modules/a/node_modules/b":{"version":"1.0.0","inBundle":true,"dependencies":{"@s/c":"1"}},"node_modules/a/node_modules/@s/c":{"version":"1.0.0","inBundle":true}}}`)
	lock, _, err := c.Resolve(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	got, problems, err := c.Fetch(t.Context(), lock, lock.Reach("node_modules/a"))
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	for place, want := range map[string]string{"node_modules/a/node_modules/b": "b", "node_modules/a/node_modules/@s/c": "c"} {
		if b, err := got.ReadFile(place, "index.js"); err != nil || string(b) != want {
			t.Errorf("%s: %q %v in %v", place, b, err, got.Places())
		}
	}
}

// TestWeakSums: packages from before 2017 have a sum of SHA-1 only; it is checked, and said.
func TestWeakSums(t *testing.T) {
	r := registrytest.New(t)
	tarball := registrytest.Pack(t, registrytest.Entry{Name: "package/package.json", Body: []byte(`{"name":"old","version":"0.1.0"}`)})
	sum := sha1.Sum(tarball)
	for name, sum := range map[string]string{"old": fmt.Sprintf("%x", sum), "bad": strings.Repeat("0", 40)} {
		r.Publish(t, name, "0.1.0", registrytest.Version{Tarball: tarball})
		r.Handle(name, func(w http.ResponseWriter, _ *http.Request) {
			fmt.Fprintf(w, `{"name":%q,"dist-tags":{"latest":"0.1.0"},"versions":{"0.1.0":{"dist":{"shasum":%q}}}}`, name, sum)
		})
	}
	c := open(t, Options{Registry: Registry{URL: r.URL}})
	lock := lockFor(t, c, `{"dependencies":{"old":"*","bad":"*"}}`)
	if _, problems, err := c.Fetch(t.Context(), lock, lock.Places()); err != nil || codes(problems) != "corrupt-package bad, (corrupt-package old)" {
		t.Error(problems, err)
	}
}

// TestLockClaims: a lock that gives one package the sum of another gets neither.
func TestLockClaims(t *testing.T) {
	r := registrytest.New(t)
	r.Publish(t, "a", "1.0.0", registrytest.Version{})
	r.Publish(t, "private", "1.0.0", registrytest.Version{})
	c := open(t, Options{Registry: Registry{URL: r.URL}})
	lock := lockFor(t, c, `{"dependencies":{"private":"1"}}`)
	if _, problems, err := c.Fetch(t.Context(), lock, lock.Places()); err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	p := project(`{"dependencies":{"a":"1"}}`)
	p.Lock = bytes.ReplaceAll(lock.Bytes(), []byte("private"), []byte("a"))
	claimed, _, err := c.Resolve(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	if got, problems, err := c.Fetch(t.Context(), claimed, claimed.Places()); err != nil || codes(problems) != "corrupt-package a" || len(got.Places()) > 0 {
		t.Error(problems, err)
	}
}

// TestManyProcesses: several that fetch the same into one folder all get it whole, and none is in another's way.
func TestManyProcesses(t *testing.T) {
	r := registrytest.New(t)
	var deps []string
	for i := range 20 {
		files := map[string]string{}
		for j := range 20 {
			files[fmt.Sprintf("lib/%d.js", j)] = strings.Repeat("x", 1000)
		}
		r.Publish(t, fmt.Sprintf("p%d", i), "1.0.0", registrytest.Version{Files: files})
		deps = append(deps, fmt.Sprintf(`"p%d":"1"`, i))
	}
	dir := t.TempDir()
	var wait sync.WaitGroup
	for range 6 {
		c := open(t, Options{Registry: Registry{URL: r.URL}, Dir: dir})
		wait.Go(func() {
			lock, problems, err := c.Resolve(t.Context(), project(`{"dependencies":{`+strings.Join(deps, ",")+`}}`))
			if err != nil || len(problems) > 0 {
				t.Error(problems, err)
				return
			}
			got, problems, err := c.Fetch(t.Context(), lock, lock.Places())
			if err != nil || len(problems) > 0 {
				t.Error(problems, err)
				return
			}
			for _, place := range lock.Places() {
				if b, err := got.ReadFile(place, "lib/19.js"); err != nil || len(b) != 1000 {
					t.Error(place, len(b), err)
				}
			}
		})
	}
	wait.Wait()
	if left, _ := os.ReadDir(filepath.Join(dir, "tmp")); len(left) > 0 {
		t.Errorf("%d folders are left over", len(left))
	}
}

// TestEviction: the cache keeps to its size by dropping what was not used for longest, never what is in use.
func TestEviction(t *testing.T) {
	r := registrytest.New(t)
	now := time.Now()
	c := open(t, Options{Registry: Registry{URL: r.URL}, Bytes: 1 << 20, now: func() time.Time { return now }})
	fetch := func(name string) []Problem {
		t.Helper()
		lock := lockFor(t, c, `{"dependencies":{"`+name+`":"1"}}`)
		_, problems, err := c.Fetch(t.Context(), lock, lock.Places())
		if err != nil {
			t.Fatal(err)
		}
		return problems
	}
	asked := func(name string) bool {
		before := len(r.Requests())
		fetch(name)
		return slices.Contains(r.Requests()[before:], name+"/-/"+name+"-1.0.0.tgz")
	}
	for i := range 10 {
		r.Publish(t, fmt.Sprintf("p%d", i), "1.0.0", registrytest.Version{Files: map[string]string{"big.js": strings.Repeat("x", 300<<10)}})
	}
	for i := range 3 {
		fetch(fmt.Sprintf("p%d", i))
		now = now.Add(time.Hour)
	}
	fetch("p0") // used again, so p1 goes first
	now = now.Add(time.Hour)
	fetch("p3")
	if asked("p0") || asked("p3") || !asked("p1") {
		t.Error("the wrong one was evicted")
	}
	full := 0
	for i := range 10 { // all in use at once
		if problems := fetch(fmt.Sprintf("p%d", i)); len(problems) > 0 {
			full++
			if !strings.Contains(problems[0].Message, "NPM_CACHE_BYTES") {
				t.Error(problems)
			}
		}
	}
	if full == 0 {
		t.Error("the cache grows without a bound")
	}
}

// TestTool: what the program itself needs comes by its sum, as it is, and is not what a project gets.
func TestTool(t *testing.T) {
	r := registrytest.New(t)
	tarball := registrytest.Pack(t, registrytest.Entry{Name: "package/package.json", Body: []byte(`{"name":"tool-linux","version":"1.0.0","os":["linux"]}`)},
		registrytest.Entry{Name: "package/bin/tool", Body: []byte("#!/bin/sh"), Mode: 0o755})
	r.Publish(t, "tool-linux", "1.0.0", registrytest.Version{Tarball: tarball})
	c := open(t, Options{Registry: Registry{URL: r.URL}})
	doc, err := c.metadata.get(t.Context(), "tool-linux", false, false)
	if err != nil {
		t.Fatal(err)
	}
	sum := doc.release("1.0.0").manifest("tool-linux").Dist.Integrity
	folder, err := c.Tool(t.Context(), "tool-linux", "1.0.0", sum)
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(filepath.Join(folder, "bin", "tool")); err != nil || info.Mode().Perm()&0o100 == 0 {
		t.Error(info, err)
	}
	for name, sum := range map[string]string{"tool-linux": "sha512-" + base64.StdEncoding.EncodeToString(make([]byte, 64)), "other": sum, "none": ""} {
		if folder, err := c.Tool(t.Context(), name, "1.0.0", sum); err == nil {
			t.Error(name, folder)
		}
	}
}

// TestBoundsOfAProject: one project gets so many packages, and so much of them.
func TestBoundsOfAProject(t *testing.T) {
	c := open(t, Options{})
	places := make([]string, mostFetched+1)
	for i := range places {
		places[i] = fmt.Sprintf("node_modules/p%d", i)
	}
	lock, err := ParseLock([]byte(`{"lockfileVersion":3,"packages":{}}`))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := c.Fetch(t.Context(), lock, places); err == nil || !strings.Contains(err.Error(), "1000") {
		t.Error(err)
	}
}
