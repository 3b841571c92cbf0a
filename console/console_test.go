package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
)

func ask(c *Console, method, target string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	if !c.Match(r) {
		w.Code = http.StatusNotFound
		return w
	}
	c.ServeHTTP(w, r)
	return w
}

const html5 = "text/html,application/xhtml+xml,*/*;q=0.8"

func TestPage(t *testing.T) {
	c := New(Options{Version: `1<"&`, Users: true, SupabaseURL: "https://abc.supabase.co/", SupabaseKey: "sb_publishable_x", PreviewDomain: "Previews.Example."})
	w := ask(c, "GET", "/", "Accept", html5)
	page := w.Body.String()
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/html; charset=utf-8" || w.Header().Get("Cache-Control") != "no-cache" || !strings.Contains(w.Header().Get("Vary"), "Accept") {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	policy := w.Header().Get("Content-Security-Policy")
	for _, want := range []string{"default-src 'none'", "script-src 'self';", "style-src 'self';", "connect-src 'self' https://abc.supabase.co/auth/v1/;", "frame-src http://*.previews.example:* https://*.previews.example:*", "frame-ancestors 'none'", "require-trusted-types-for 'script'", "trusted-types 'none'"} {
		if !strings.Contains(policy, want) {
			t.Errorf("the policy lacks %s: %s", want, policy)
		}
	}
	for _, o := range []Options{{}, {Users: true}, {Users: true, SupabaseURL: "https://abc.supabase.co"}} {
		if other := ask(New(o), "GET", "/", "Accept", html5).Header().Get("Content-Security-Policy"); !strings.Contains(other, "connect-src 'self';") {
			t.Errorf("%+v: where nobody signs in at Supabase nothing is asked of it: %s", o, other)
		}
	}
	if strings.Contains(policy, "unsafe") || regexp.MustCompile(`<script(?:[^>]*src="[^"]+"[^>]*)?>[^<]|<style| style=| on\w+=`).MatchString(page) {
		t.Errorf("the page has something inline: %s", page)
	}
	if strings.Contains(page, "{{") || !strings.Contains(page, `1\u003c\&#34;\u0026`) {
		t.Errorf("settings stand in the page as they are: %s", page)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="([^"]+)"`).FindAllStringSubmatch(page, -1) {
		if strings.HasPrefix(m[1], "/") || strings.Contains(m[1], "://") {
			t.Errorf("%s is not relative: the page would not work below a path", m[1])
		}
		part := ask(c, "GET", "/"+m[1], "Accept-Encoding", "gzip, br")
		if part.Code != 200 || !strings.Contains(part.Header().Get("Cache-Control"), "immutable") || part.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", m[1], part.Code, part.Header())
		}
		whole := ask(c, "GET", "/"+m[1])
		data := part.Body.Bytes()
		if part.Header().Get("Content-Encoding") == "gzip" {
			z, err := gzip.NewReader(part.Body)
			if err != nil {
				t.Fatal(err)
			}
			if data, err = io.ReadAll(z); err != nil {
				t.Fatal(err)
			}
		}
		if !bytes.Equal(data, whole.Body.Bytes()) || whole.Header().Get("Content-Encoding") != "" {
			t.Errorf("%s is not the same compressed", m[1])
		}
		if again := ask(c, "GET", "/"+m[1], "If-None-Match", part.Header().Get("ETag")); again.Code != 304 || again.Body.Len() > 0 {
			t.Errorf("%s: %d", m[1], again.Code)
		}
	}
	if w := ask(c, "HEAD", "/", "Accept", html5); w.Code != 200 || w.Body.Len() > 0 || w.Header().Get("Content-Length") == "" {
		t.Errorf("HEAD: %d %v", w.Code, w.Header())
	}
	for _, other := range [][]string{{"GET", "/"}, {"GET", "/", "Accept", "application/json"}, {"POST", "/", "Accept", html5}, {"GET", "/console/", "Accept", html5}, {"GET", "/console/0000000000000000/app.js"}, {"GET", "/v1/projects/", "Accept", html5}} {
		if w := ask(c, other[0], other[1], other[2:]...); w.Code != 404 {
			t.Errorf("%v is the API's: %d", other, w.Code)
		}
	}
}

// What is fetched before somebody sees a screen, and after, stays small: bytes as they are sent.
func TestSizes(t *testing.T) {
	c := New(Options{})
	sizes := map[string]int{}
	for path, p := range c.parts {
		size := len(p.data)
		if packed := p.gzip(); packed != nil {
			size = len(packed)
		}
		switch name := path[strings.LastIndexByte(path, '/')+1:]; name {
		case "app.js", "app.css", "chunk.js":
			sizes["first screen"] += size
		case "editor.js":
			sizes["editor"] += size
		case "licences.txt": // nobody loads it
		default:
			sizes["everything else"] += size
		}
	}
	sizes["first screen"] += len(c.page.gzip())
	for part, most := range map[string]int{"first screen": 80_000, "editor": 230_000, "everything else": 120_000} {
		if size := sizes[part]; size == 0 || size > most {
			t.Errorf("%s: %d bytes, of at most %d", part, size, most)
		}
	}
}

// The lock of packages has to hold with any registry.
func TestLockNamesNoRegistry(t *testing.T) {
	lock, err := os.ReadFile("package-lock.json")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(lock, []byte(`"integrity"`)) || bytes.Contains(lock, []byte(`"resolved"`)) || bytes.Contains(lock, []byte("https://registry")) {
		t.Error("write it with npm install --ignore-scripts --omit-lockfile-registry-resolved")
	}
}
