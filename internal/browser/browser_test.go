package browser

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
)

// policy is what previews send.
const policy = "default-src 'self' data: blob:; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval' blob:; style-src 'self' 'unsafe-inline'; " +
	"connect-src 'self' data: blob:; worker-src 'self' blob:; form-action 'self'; base-uri 'self'; object-src 'none'"

// files is a site by the paths of its files.
type files map[string]string

func (f files) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/")
	if name == "" || strings.HasSuffix(name, "/") {
		name += "index.html"
	}
	body, ok := f[name]
	if !ok {
		http.NotFound(w, r)
		return
	}
	types := map[string]string{".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".json": "application/json", ".map": "application/json"}
	w.Header().Set("Content-Type", types[path.Ext(name)])
	w.Header().Set("Content-Security-Policy", policy)
	fmt.Fprint(w, body)
}

// document is a page that nobody can complain of, around a body.
func document(body string) string {
	return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>A page</title></head><body><main><h1>A page</h1>` + body + `</main></body></html>`
}

// sandboxed tells whether Chromium's sandbox works here: tests of ours, whose pages are known, go on without it.
var sandboxed = sync.OnceValues(func() (Options, error) {
	p, err := Find(context.Background(), os.Getenv("BROWSER_PATH"))
	if err != nil {
		return Options{}, fmt.Errorf("these tests need Chromium: %w", err)
	}
	_, err = New(Options{Program: p}).Run(context.Background(), "ada", Site{Handler: files{"index.html": document("")}})
	return Options{Program: p, NoSandbox: err != nil}, nil
})

// look runs a site and returns what was seen.
func look(t *testing.T, site http.Handler, pages ...string) Result {
	t.Helper()
	o, err := sandboxed()
	if err != nil {
		t.Fatal(err)
	}
	r, err := New(o).Run(t.Context(), "ada", Site{Handler: site, Pages: pages})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%v, %d controls, %d runs in %v, %s, rest %q", r.Pages, r.Controls, r.Runs, r.Duration, r.Sandbox, r.Rest)
	return r
}

// line is a finding in one line.
func line(f Finding) string {
	s := fmt.Sprintf("%s %s %s %d", f.Severity, f.Kind, f.Page, f.Width)
	if f.Control != "" {
		s += " " + f.Control
	}
	s += ": " + f.Message
	if f.File != "" {
		s += fmt.Sprintf(" (%s:%d:%d)", f.File, f.Line, f.Column)
	}
	return s
}

func lines(r Result) []string {
	var l []string
	for _, f := range r.Findings {
		l = append(l, line(f))
	}
	return l
}

// TestFindings: each kind of fault is found, in these words, and nothing else is.
func TestFindings(t *testing.T) {
	for _, c := range []struct {
		name string
		site files
		want []string
	}{
		{"thrown when opened", files{"index.html": document(`<p>Hello</p><script src="/a.js"></script>`), "a.js": "const list = null;\nlist.push(1);"},
			[]string{"error exception / 1280: TypeError: Cannot read properties of null (reading 'push') (a.js:2:6)"}},
		{"thrown by a control", files{"index.html": document(`<button onclick="missing()">Save</button>`)},
			[]string{`error exception / 1280 button "Save": ReferenceError: missing is not defined (index.html:1:211)`}},
		{"thrown by a timer", files{"index.html": document(`<button onclick="document.title = 'x'; setTimeout(() => { throw new Error('too late') }, 400)">Wait</button>`)},
			[]string{`error exception / 1280 button "Wait": Error: too late (index.html:1:325)`}},
		{"rejected", files{"index.html": document(`<p>Hello</p><script>Promise.reject(new Error("nobody cares"))</script>`)},
			[]string{"error exception / 1280: Error: nobody cares (in a promise that nobody waits for) (index.html:1:218)"}},
		{"logged", files{"index.html": document(`<p>Hello</p><script>console.error("could not read %s", "settings")</script>`)},
			[]string{"warning console / 1280: could not read settings (index.html:1:211)"}},
		{"caught and logged", files{"index.html": document(`<p>Hello</p><script>try { missing() } catch (e) { console.error("render failed", e) }</script>`)},
			[]string{"error console / 1280: render failed ReferenceError: missing is not defined (index.html:1:241)"}},
		{"empty", files{"index.html": `<!doctype html><html lang="en"><head><title>A</title></head><body><div id="root"></div></body></html>`},
			[]string{"error empty / 1280: The page stays empty: there is nothing to see on it"}},
		{"missing picture", files{"index.html": document(`<img src="/logo.svg" alt="Logo">`)},
			[]string{"error missing / 1280: /logo.svg is not there (404), and is asked for as a picture"}},
		{"missing data", files{"index.html": document(`<p>Hello</p><script>fetch("/api/tasks").then(r => r.ok)</script>`)},
			[]string{"warning missing / 1280: /api/tasks is not there (404), and is asked for as data"}},
		{"missing page", files{"index.html": document(`<a href="/about.html">About</a>`)},
			[]string{"error open /about.html 1280: The page is not there (404)"}},
		{"refused", files{"index.html": document(`<p>Hello</p><script src="https://cdn.example.com/lib.js"></script>`)},
			[]string{"warning policy / 1280: The content security policy (script-src-elem) refuses https://cdn.example.com"}},
		{"too wide", files{"index.html": document(`<p id="board" style="width:700px">Wide</p>`)},
			[]string{`warning overflow / 360: The page is wider than a phone's 360 pixels: <p#board> "Wide" reaches beyond the edge`}},
		{"for some only", files{"index.html": document(`<img src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7">`)},
			[]string{"warning accessibility / 1280: Images must have alternative text (image-alt, critical): <img>"}},
		{"idle", files{"index.html": document(`<button>Export</button>`)},
			[]string{`warning idle / 1280 button "Export": Nothing happens when it is used`}},
		{"left", files{"index.html": document(`<p>Hello</p><script>location = "http://other.example/"</script>`)},
			[]string{"error left / 1280: The page leaves for http://other.example of its own accord"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := lines(look(t, c.site)); !slices.Equal(got, c.want) {
				t.Errorf("found\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(c.want, "\n  "))
			}
		})
	}
}
