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
	"time"
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
	o.Time, o.patience = 10*time.Minute, 2*time.Minute // what is found is tested, not how long a busy machine takes for it
	r, err := New(o).Run(t.Context(), "ada", Site{Handler: site, Pages: pages})
	if err != nil {
		t.Fatal(err)
	}
	noTrace(t)
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

// want fails when the findings are others.
func want(t *testing.T, r Result, findings ...string) {
	t.Helper()
	if got := lines(r); !slices.Equal(got, findings) {
		t.Errorf("found\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(findings, "\n  "))
	}
	if r.Rest != "" {
		t.Errorf("not all was looked at: %s", r.Rest)
	}
}

// TestScripts: what scripts do wrong is found, in these words and at these places, and nothing else is.
func TestScripts(t *testing.T) {
	want(t, look(t, files{
		"index.html":    document(`<p>Hello</p><script src="/a.js"></script>`),
		"a.js":          "const list = null;\nlist.push(1);",
		"rejected.html": document(`<p>Hello</p><script>Promise.reject(new Error("nobody cares"))</script>`),
		"logged.html":   document(`<p>Hello</p><script>console.error("could not read %s", "settings"); console.warn("never mind")</script>`),
		"caught.html":   document(`<p>Hello</p><script>try { missing() } catch (e) { console.error("render failed", e) }</script>`),
		"syntax.html":   document(`<p>Hello</p><script src="/b.js"></script><script src="/c.js"></script>`),
		"b.js":          "let a = ;",
		"c.js":          "throw { code: 7 }",
		"controls.html": document(`<button onclick="absent()">Save</button><button onclick="document.title = 'x'; setTimeout(() => { throw new Error('too late') }, 400)">Wait</button>`),
	}, "/", "/rejected.html", "/logged.html", "/caught.html", "/syntax.html", "/controls.html"),
		"error exception / 1280: TypeError: Cannot read properties of null (reading 'push') (a.js:2:6)",
		"error exception /rejected.html 1280: Error: nobody cares (in a promise that nobody waits for) (rejected.html:1:218)",
		"error exception /syntax.html 1280: SyntaxError: Unexpected token ';' (b.js:1:9)",
		"error exception /syntax.html 1280: Object (c.js:1:1)",
		`error exception /controls.html 1280 button "Save": ReferenceError: absent is not defined (controls.html:1:210)`,
		`error exception /controls.html 1280 button "Wait": Error: too late (controls.html:1:365)`,
		"error console /caught.html 1280: render failed ReferenceError: missing is not defined (caught.html:1:241)",
		"warning console /logged.html 1280: could not read settings (logged.html:1:211)",
	)
}

// TestFiles: what is not there, or not to be had, is told of, once for all pages.
func TestFiles(t *testing.T) {
	want(t, look(t, files{
		"index.html":  document(`<img src="/logo.svg" alt="Logo"><a href="/about.html">About</a><a href="/gone.html">Gone</a>`),
		"about.html":  document(`<img src="/logo.svg" alt="Logo"><script>fetch("/api/tasks").then(r => r.ok)</script>`),
		"cdn.html":    document(`<p>Hello</p><script src="https://cdn.example.com/lib.js"></script><script>fetch("http://api.example.com:81/x").then(r => r.json())</script>`),
		"socket.html": document(`<p>Hello</p><script>new WebSocket("ws://live.example.com/")</script>`),
		"left.html":   document(`<p>Hello</p><script>location = "http://other.example/"</script>`),
	}, "/", "/about.html", "/cdn.html", "/socket.html", "/left.html"),
		"error open /gone.html 1280: The page is not there (404)",
		"error missing / 1280: /logo.svg is not there (404), and is asked for as a picture",
		"error left /left.html 1280: The page leaves for http://other.example of its own accord",
		"warning exception /cdn.html 1280: TypeError: Failed to fetch (in a promise that nobody waits for) (cdn.html:1:257)",
		"warning missing /about.html 1280: /api/tasks is not there (404), and is asked for as data",
		"warning policy /cdn.html 1280: The content security policy (script-src-elem) refuses https://cdn.example.com",
		"warning policy /cdn.html 1280: The content security policy (connect-src) refuses http://api.example.com:81 (cdn.html:1:257)",
		"warning policy /socket.html 1280: The content security policy (connect-src) refuses ws://live.example.com (socket.html:1:203)",
	)
}

// TestLooks: pages that are empty, too wide, or not for everybody, and controls that do nothing.
func TestLooks(t *testing.T) {
	r := look(t, files{
		"index.html":  document(`<p>Hello</p><button>Export</button><button onclick="localStorage.saved = 1">Save</button><button onclick="document.querySelector('#n').focus()">Find</button><label>Name <input id="n"></label><a href="#n">Down</a>`),
		"empty.html":  `<!doctype html><html lang="en"><head><title>A</title></head><body><div id="root"></div></body></html>`,
		"late.html":   document(`<p>Hello</p>`) + `<script>document.body.hidden = true; setTimeout(() => { document.body.hidden = false }, 3000)</script>`,
		"wide.html":   document(`<div style="overflow-x:auto"><p style="width:700px">A table</p><span id="note" style="position:absolute;left:600px">Wide</span></div>`),
		"alt.html":    document(`<img width="20" height="20" src="data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7">`),
		"scroll.html": document(`<div style="overflow-x:auto;position:relative"><p style="width:900px">A table that scrolls by itself</p><span style="position:absolute;left:800px;top:0">and what lies in it</span></div>`),
	}, "/", "/empty.html", "/late.html", "/wide.html", "/alt.html", "/scroll.html")
	want(t, r,
		"error empty /empty.html 1280: The page stays empty: there is nothing to see on it",
		`warning overflow /wide.html 360: The page is wider than a phone's 360 pixels: <span#note> "Wide" reaches beyond the edge`,
		"warning accessibility /alt.html 1280: Images must have alternative text (image-alt, critical): <img>",
		`warning idle / 1280 button "Export": Nothing happens when it is used`,
	)
	if len(r.Screenshots) != 12 {
		t.Errorf("%d pictures of six pages at two widths", len(r.Screenshots))
	}
	for _, s := range r.Screenshots {
		if s.Type != "image/webp" || !strings.HasPrefix(string(s.Body), "RIFF") || len(s.Body) > maxScreenshot {
			t.Errorf("the picture of %s at %d: %d bytes of %s", s.Page, s.Width, len(s.Body), s.Type)
		}
	}
}
