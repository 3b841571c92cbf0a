package preview

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/sandbox"
	"codeforge/internal/verify"
)

const (
	project = "0190a5b2-1111-7000-8000-000000000001"
	other   = "0190a5b2-2222-7000-8000-000000000002"
	userID  = "0190a5b2-aaaa-7000-8000-00000000000a"
)

// shelf is a store of projects.
type shelf struct {
	mu       sync.Mutex
	owner    map[string]string
	states   map[string][]state
	archived map[string]bool
	err      error
	reads    atomic.Int64           // of contents
	assets   map[string]verify.Blob // of every project and revision
	blobs    map[string][]byte      // by hash
	blobRead atomic.Int64
	last     codeforge.User
}

type state struct {
	files    map[string]string
	restored bool
}

func newShelf() *shelf {
	return &shelf{owner: map[string]string{}, states: map[string][]state{}, archived: map[string]bool{}}
}

func (s *shelf) put(owner, id string, files map[string]string) { s.add(owner, id, state{files, false}) }

func (s *shelf) add(owner, id string, st state) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owner[id] = owner
	s.states[id] = append(s.states[id], st)
}

func (s *shelf) project(_ context.Context, u codeforge.User, id string) (codeforge.Project, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = u
	if s.err != nil {
		return codeforge.Project{}, s.err
	}
	if s.owner[id] != u.ID {
		return codeforge.Project{}, codeforge.NotFound("Project", id)
	}
	p := codeforge.Project{ID: id, Revision: int64(len(s.states[id]))}
	if s.archived[id] {
		p.Status = codeforge.Archived
	}
	return p, nil
}

func (s *shelf) revision(ctx context.Context, u codeforge.User, id string, n int64) (codeforge.Revision, verify.Tree, error) {
	p, err := s.project(ctx, u, id)
	if err != nil {
		return codeforge.Revision{}, verify.Tree{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads.Add(1)
	if n == 0 {
		n = p.Revision
	}
	if n > p.Revision {
		return codeforge.Revision{}, verify.Tree{}, codeforge.NotFound("Revision", fmt.Sprint(n))
	}
	if n == 0 {
		return codeforge.Revision{}, verify.Tree{}, nil
	}
	st := s.states[id][n-1]
	rev := codeforge.Revision{Number: n, Author: "user", Message: "Update a"}
	if st.restored {
		rev.Message = "Restore revision 1"
	}
	return rev, verify.Tree{Files: st.files, Assets: s.assets}, nil
}

// putBlob puts a file that is no text into all projects.
func (s *shelf) putBlob(path string, data []byte) {
	if s.blobs == nil {
		s.assets, s.blobs = map[string]verify.Blob{}, map[string][]byte{}
	}
	hash := codeforge.BlobHash(data)
	s.assets[path], s.blobs[hash] = verify.Blob{Hash: hash, Size: int64(len(data))}, data
}

func (s *shelf) readBlob(ctx context.Context, u codeforge.User, id, hash string) ([]byte, error) {
	if _, err := s.project(ctx, u, id); err != nil {
		return nil, err
	}
	s.blobRead.Add(1)
	data, ok := s.blobs[hash]
	if !ok {
		return nil, codeforge.NotFound("Blob", hash)
	}
	return data, nil
}

func (s *shelf) restored(_ context.Context, _ codeforge.User, id string, since int64) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, st := range s.states[id][since:] {
		if st.restored {
			return true, nil
		}
	}
	return false, nil
}

// options are those of a server on the shelf, with more.
func (s *shelf) options(o Options) Options {
	o.Project, o.Revision, o.Restored, o.ReadBlob = s.project, s.revision, s.restored, s.readBlob
	if o.Bundle == nil {
		o.Bundle = bundle
	}
	return o
}

var app = map[string]string{
	"index.html": `<script type=module src=main.ts></script><p>home`, "about.html": "<p>about", "docs/index.html": "<p>docs",
	"main.ts": "const a: number = 1; console.log(a)", "style.css": "p{}", "logo.svg": "<svg/>", "data.json": "{}", "notes.txt": "plain", "x.wasm": "",
}

func get(t *testing.T, s http.Handler, target string, change ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(http.MethodGet, "http://"+project+".localhost:8000/", nil)
	if u, err := url.Parse(target); err == nil && u.Scheme != "" {
		r.Host = u.Host
		target = u.RequestURI()
	}
	p, query, _ := strings.Cut(target, "?")
	decoded, err := url.PathUnescape(p)
	if err != nil {
		t.Fatal(err)
	}
	r.URL = &url.URL{Path: decoded, RawPath: p, RawQuery: query}
	for _, c := range change {
		c(r)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// bundle builds in children of this test.
var bundle = func() func(context.Context, string, verify.Tree) (*verify.Site, verify.Report, error) {
	verifier := sync.OnceValue(func() *verify.Verifier { return verify.NewVerifier(sandbox.Options{}) })
	return func(ctx context.Context, user string, t verify.Tree) (*verify.Site, verify.Report, error) {
		return verifier().Bundle(ctx, user, t)
	}
}()

func TestMain(m *testing.M) {
	verify.RunChild()
	m.Run()
}

func local(t *testing.T, files map[string]string) (*Server, *shelf) {
	t.Helper()
	s := newShelf()
	if files != nil {
		s.put(codeforge.LocalUserID, project, files)
	}
	return New(s.options(Options{Embedders: []string{"https://dash.example", "javascript:x", "https://a.example; script-src *"}})), s
}

func TestServes(t *testing.T) {
	s, _ := local(t, app)
	for target, c := range map[string]struct {
		status    int
		typ, body string
	}{
		"/":                     {200, "text/html; charset=utf-8", "home"},
		"/index.html":           {200, "text/html; charset=utf-8", "home"},
		"/about":                {200, "text/html; charset=utf-8", "about"},
		"/about.html?x=1":       {200, "text/html; charset=utf-8", "about"},
		"/docs":                 {200, "text/html; charset=utf-8", "docs"},
		"/docs/":                {200, "text/html; charset=utf-8", "docs"},
		"/main.ts":              {200, "text/javascript; charset=utf-8", "var a = 1"},
		"/__bundle/main.ts.js":  {200, "text/javascript; charset=utf-8", "var a = 1"},
		"/style.css":            {200, "text/css; charset=utf-8", "p{}"},
		"/logo.svg":             {200, "image/svg+xml", "<svg/>"},
		"/data.json":            {200, "application/json", "{}"},
		"/notes.txt":            {200, "text/plain; charset=utf-8", "plain"},
		"/x.wasm":               {200, "application/wasm", ""},
		"/gone":                 {200, "text/html; charset=utf-8", "home"},
		"/tasks/7/edit":         {200, "text/html; charset=utf-8", "home"},
		"/docs/gone/":           {200, "text/html; charset=utf-8", "home"},
		"/gone.js":              {404, "text/html; charset=utf-8", "no such page"},
		"/gone.PNG":             {404, "text/html; charset=utf-8", "no such page"},
		"/docs/gone.html":       {404, "text/html; charset=utf-8", "no such page"},
		"/__bundle/gone":        {404, "text/html; charset=utf-8", "no such page"},
		"/../main.ts":           {404, "text/html; charset=utf-8", "no such page"},
		"/%2e%2e/main.ts":       {404, "text/html; charset=utf-8", "no such page"},
		"/%2e%2e%2fetc/passwd":  {404, "text/html; charset=utf-8", "no such page"},
		"/docs/../about":        {404, "text/html; charset=utf-8", "no such page"},
		"//main.ts":             {404, "text/html; charset=utf-8", "no such page"},
		"/./main.ts":            {404, "text/html; charset=utf-8", "no such page"},
		"/docs//":               {404, "text/html; charset=utf-8", "no such page"},
		"/..%5cmain.ts":         {404, "text/html; charset=utf-8", "no such page"},
		"/main.ts%00":           {404, "text/html; charset=utf-8", "no such page"},
		"/etc/passwd.txt":       {404, "text/html; charset=utf-8", "no such page"},
		"/v1/projects":          {200, "text/html; charset=utf-8", "home"}, // its own page, not the API
		"/__bundle/../../x":     {404, "text/html; charset=utf-8", "no such page"},
		"/__ticket?t=x":         {404, "text/html; charset=utf-8", "no such page"},
		"/health":               {200, "text/html; charset=utf-8", "home"},
		"/%3Cscript%3Ealert(1)": {200, "text/html; charset=utf-8", "home"},
	} {
		w := get(t, s, target)
		if w.Code != c.status || w.Header().Get("Content-Type") != c.typ || !strings.Contains(w.Body.String(), c.body) {
			t.Errorf("%s: %d %s\n%s", target, w.Code, w.Header().Get("Content-Type"), w.Body)
		}
		h := w.Header()
		if h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "no-referrer" || h.Get("Origin-Agent-Cluster") != "?1" || h.Get("Cross-Origin-Opener-Policy") == "" ||
			h.Get("Cache-Control") != "no-cache" || h.Get("Access-Control-Allow-Origin") != "" ||
			h.Get("Set-Cookie") != "" && h.Get("Set-Cookie") != "codeforge_seen=1; Path=/; Max-Age=34560000; HttpOnly; SameSite=Lax" {
			t.Errorf("%s: %v", target, h)
		}
		csp := h.Get("Content-Security-Policy")
		if !strings.HasSuffix(csp, "; frame-ancestors 'self' https://dash.example") || strings.Contains(csp, "script-src *") {
			t.Errorf("%s: %s", target, csp)
		}
		if strings.Contains(w.Body.String(), "<script>alert") {
			t.Errorf("%s is repeated", target)
		}
	}
}

// A program that gives addresses of its own to what it shows is started at every one of them.
func TestRoutesShowTheStartPage(t *testing.T) {
	s, _ := local(t, map[string]string{"web/index.html": `<script type="module" src="main.js"></script>`, "web/main.js": "document.title = location.pathname"})
	person := func(r *http.Request) { r.Header.Set("Accept", "text/html,application/xhtml+xml,*/*;q=0.8") }
	head := func(r *http.Request) { r.Method = http.MethodHead }
	for _, c := range []struct {
		target string
		change []func(*http.Request)
		want   int
	}{
		{"/walks", nil, 200}, {"/walks/7", []func(*http.Request){person}, 200}, {"/walks", []func(*http.Request){head}, 200}, {"/walks?x=1.js", nil, 200},
		{"/@jo.doe", []func(*http.Request){person}, 200}, {"/releases/v1.2", []func(*http.Request){person}, 200}, {"/releases/v1.2", []func(*http.Request){person, head}, 200},
		{"/@jo.doe", nil, 404}, {"/gone.js", []func(*http.Request){person}, 404}, {"/gone.css", []func(*http.Request){head}, 404}, {"/a/gone.woff2", nil, 404}, {"/gone.map", nil, 404}, {"/gone.tsx", nil, 404},
	} {
		w := get(t, s, c.target, c.change...)
		if w.Code != c.want || w.Code == 200 && w.Header().Get("ETag") == "" {
			t.Errorf("%s: %d", c.target, w.Code)
		}
	}
	if w := get(t, s, "/walks"); !strings.Contains(w.Body.String(), "/__bundle/web/main.js.js") {
		t.Error(w.Body)
	}
	empty, _ := local(t, map[string]string{"notes.txt": "x"})
	if w := get(t, empty, "/walks"); w.Code != 404 {
		t.Error(w.Code)
	}
}

func TestMatchAndOwns(t *testing.T) {
	s := New(newShelf().options(Options{}))
	p := New(newShelf().options(Options{Domain: "preview.example.com"}))
	for host, want := range map[string]bool{
		project + ".localhost": true, project + ".localhost:8000": true, strings.ToUpper(project) + ".LOCALHOST:1": true, project + ".localhost.": true,
		project + "-job.localhost": true, project + "-JOB.localhost:80": true, project + "-job-job.localhost": false, project + "-r1-job.localhost": false, "x-job.localhost": false, "-job.localhost": false,
		"localhost": false, "localhost:8000": false, "127.0.0.1:8000": false, "x.localhost": false, project: false, "x." + project + ".localhost": false,
		project + ".localhost.evil.com": false, project + "localhost": false, project + ".preview.example.com": false, "": false, "[::1]:80": false, project + "é.localhost": false,
	} {
		if ok := s.Match(host); ok != want {
			t.Errorf("%q: %v", host, ok)
		}
	}
	if !p.Match(project + ".preview.example.com:443") {
		t.Error("own domain")
	}
	if w := get(t, s, "http://localhost:8000/"); w.Code != 404 {
		t.Error(w.Code)
	}
}

func TestAddress(t *testing.T) {
	s := New(newShelf().options(Options{}))
	u := codeforge.LocalUser()
	for host, want := range map[string]string{"127.0.0.1:8000": "http://" + project + ".localhost:8000/", "localhost": "http://" + project + ".localhost/", "[::1]:81": "http://" + project + ".localhost:81/"} {
		if got := s.Address("http", host, u, project, 0, false); got != want {
			t.Errorf("%s: %s", host, got)
		}
	}
}

// ticketed is a server where users exist, at a time that can be set.
func ticketed(t *testing.T) (*Server, *shelf, *time.Time) {
	t.Helper()
	sh := newShelf()
	sh.put(userID, project, app)
	sh.put(userID, other, app)
	now := time.Unix(1_800_000_000, 0)
	return New(sh.options(Options{TicketNeeded: true, Keys: auth.NewKeyring([]byte("0123456789abcdef")), Domain: "p.example", Now: func() time.Time { return now }})), sh, &now
}

func with(c *http.Cookie) func(*http.Request) { return func(r *http.Request) { r.AddCookie(c) } }

func TestTicket(t *testing.T) {
	s, sh, now := ticketed(t)
	u := codeforge.User{ID: userID}
	address := s.Address("https", "api.example", u, strings.ToUpper(project), 0, false)
	w := get(t, s, address)
	if w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" || w.Header().Get("Cache-Control") != "no-store" {
		t.Fatal(w.Code, w.Header())
	}
	c := w.Result().Cookies()[0]
	if !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode || c.Domain != "" || c.Path != "/" || c.MaxAge != 3600 {
		t.Errorf("%+v", c)
	}
	home := "https://" + project + ".p.example/"
	if w := get(t, s, home, with(c)); w.Code != 200 || !strings.Contains(w.Body.String(), "home") {
		t.Fatal(w.Code, w.Body)
	}
	if sh.last.ID != userID || string(sh.last.Claims) != `{"role":"authenticated","sub":"`+userID+`"}` {
		t.Errorf("read as %+v", sh.last)
	}
	denied := func(name, target string, change ...func(*http.Request)) {
		t.Helper()
		if w := get(t, s, target, change...); w.Code != http.StatusForbidden || strings.Contains(w.Body.String(), "<p>home") || w.Header().Get("Set-Cookie") != "" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	ticketURL := func(text string) string { return home + "__ticket?t=" + url.QueryEscape(text) }
	if c.Name != "__Host-codeforge_preview" {
		t.Errorf("a cookie %s, which siblings can set", c.Name)
	}
	_, ticket, _ := strings.Cut(address, "?t=")
	if c.Value == ticket {
		t.Error("the visit goes on with what stood in the link")
	}
	denied("the link's ticket as a visit", home, func(r *http.Request) { r.Header.Set("Cookie", c.Name+"="+ticket) })
	denied("a visit as a ticket", home+"__ticket?t="+c.Value)
	payload, mac, _ := strings.Cut(ticket, ".")
	raw, _ := base64.RawURLEncoding.DecodeString(payload)
	for name, text := range map[string]string{
		"empty": "", "junk": "a.b", "no signature": payload, "empty signature": payload + ".", "cut": ticket[:len(ticket)-1], "longer": ticket + "A", "padded": ticket + "=",
		"other user":   base64.RawURLEncoding.EncodeToString(bytes.Replace(raw, []byte("aaaa"), []byte("bbbb"), 1)) + "." + mac,
		"other secret": New(Options{TicketNeeded: true, Keys: auth.NewKeyring([]byte("fedcba9876543210")), Domain: "p.example", Now: s.o.Now}).sign(forTicket, token{Label: project, User: userID, Expires: now.Add(time.Hour)}),
		"no user":      s.sign(forTicket, token{Label: project, Expires: now.Add(time.Hour)}),
		"other":        s.sign(forTicket, token{Label: other, User: userID, Expires: now.Add(time.Hour)}),
		"expired":      s.sign(forTicket, token{Label: project, User: userID, Expires: *now}),
		"huge":         strings.Repeat("A", 1<<20),
	} {
		denied(name+" in a link", ticketURL(text))
		if len(text) < 1<<12 {
			denied(name+" in a cookie", home, func(r *http.Request) { r.Header.Set("Cookie", c.Name+"="+text) })
		}
	}
	denied("no cookie", home)
	denied("other project", "https://"+other+".p.example/", with(c))
	// A neighbour's cookie of the same name does not shut anybody out.
	if w := get(t, s, home, with(&http.Cookie{Name: c.Name, Value: "x"}), with(&http.Cookie{Name: sessionCookie, Value: "x"}), with(c)); w.Code != 200 {
		t.Error(w.Code)
	}
	// A project that is no longer theirs is gone at once.
	sh.put("somebody else", project, app)
	if w := get(t, s, home, with(c)); w.Code != 404 || strings.Contains(w.Body.String(), "<p>home") {
		t.Error(w.Code)
	}
	sh.put(userID, project, app)
	*now = now.Add(time.Minute)
	denied("link, a minute later", address)
	if w := get(t, s, home, with(c)); w.Code != 200 {
		t.Error("the visit ended with its ticket")
	}
	*now = now.Add(59 * time.Minute)
	denied("an hour later", home, with(c))

	*now = now.Add(time.Hour)
	if c := get(t, s, s.Address("http", "api.example:8000", u, project, 0, false)).Result().Cookies()[0]; c.Secure {
		t.Error("a cookie for http must not be secure")
	}
}

func TestNewWantsASecret(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("accepted")
		}
	}()
	New(Options{TicketNeeded: true})
}

func TestConditionalAndHead(t *testing.T) {
	s, sh := local(t, app)
	w := get(t, s, "/main.ts")
	tag := w.Header().Get("ETag")
	if !strings.HasPrefix(tag, `"1-`) {
		t.Fatal(tag)
	}
	same := func(r *http.Request) { r.Header.Set("If-None-Match", tag) }
	if w := get(t, s, "/main.ts", same); w.Code != 304 || w.Body.Len() != 0 || w.Header().Get("ETag") != tag {
		t.Error(w.Code, w.Header())
	}
	if w := get(t, s, "/about", same); w.Code != 200 {
		t.Error(w.Code)
	}
	if w := get(t, s, "/main.ts", func(r *http.Request) { r.Method = http.MethodHead }); w.Code != 200 || w.Body.Len() != 0 || w.Header().Get("Content-Length") == "" {
		t.Error(w.Code, w.Header())
	}
	sh.put(codeforge.LocalUserID, project, map[string]string{"index.html": "<script src=main.ts></script>", "main.ts": "let b = 2"})
	if w := get(t, s, "/main.ts", same); w.Code != 200 || !strings.Contains(w.Body.String(), "b = 2") {
		t.Error(w.Code, w.Body)
	}
	for _, m := range []string{"POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"} {
		if w := get(t, s, "/", func(r *http.Request) { r.Method = m }); w.Code != 405 || w.Header().Get("Allow") != "GET, HEAD" {
			t.Error(m, w.Code)
		}
	}
}

func TestProjectsThatShowNothing(t *testing.T) {
	for name, c := range map[string]struct {
		files        map[string]string
		status       int
		has, hasNone string
	}{
		"unknown":       {nil, 404, "No such project", ""},
		"empty":         {map[string]string{}, 200, "no files so far", ""},
		"no page":       {map[string]string{"README.md": "x"}, 200, "none that a browser can show", ""},
		"broken":        {map[string]string{"index.html": "<script type=module src=m.ts></script>", "m.ts": "\nfoo(;"}, 422, "m.ts:2:5", ""},
		"broken, nasty": {map[string]string{"<img src=x onerror=alert(1)>.ts": "import './<script>alert(1)</script>'"}, 422, "&lt;script&gt;alert", "<script>"},
	} {
		t.Run(name, func(t *testing.T) {
			s, _ := local(t, c.files)
			w := get(t, s, "/")
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.has) || c.hasNone != "" && strings.Contains(w.Body.String(), c.hasNone) || strings.Contains(w.Body.String(), "<img") {
				t.Errorf("%d\n%s", w.Code, w.Body)
			}
		})
	}
}

// What a preview shows is known before anybody opens it.
func TestState(t *testing.T) {
	react := map[string]string{"package.json": `{"dependencies":{"react":"19"}}`, "index.html": "<div id=root></div><script type=module src=m.tsx></script>", "m.tsx": "import { useState } from 'react'; useState()"}
	for name, c := range map[string]struct {
		files  map[string]string
		want   Status
		reason string
	}{
		"ready":    {app, Ready, ""},
		"empty":    {map[string]string{}, Empty, "no files so far"},
		"no page":  {map[string]string{"README.md": "x"}, NoPage, "none that a browser"},
		"broken":   {map[string]string{"index.html": "<script type=module src=m.ts></script>", "m.ts": "foo(;", "n.ts": "bar(;"}, Broken, "2 findings stand in the way"},
		"packages": {react, Part, `This needs the package "react", which a preview cannot load`},
		"of Node":  {map[string]string{"index.html": "<script type=module src=m.ts></script>", "m.ts": "import { readFileSync } from 'node:fs'; readFileSync('x')"}, Part, `"node:fs" of Node.js`},
	} {
		t.Run(name, func(t *testing.T) {
			s, sh := local(t, c.files)
			for _, revision := range []int64{0, 1} {
				st, err := s.State(t.Context(), codeforge.LocalUser(), strings.ToUpper(project), revision)
				if err != nil || st.Status != c.want || !strings.Contains(st.Reason, c.reason) || st.Revision != 1 || (st.Reason == "") != (c.reason == "") {
					t.Errorf("revision %d: %+v %v", revision, st, err)
				}
			}
			reads := sh.reads.Load()
			if get(t, s, "/"); sh.reads.Load() != reads {
				t.Error("it is built again when it is opened")
			}
			if _, err := s.State(t.Context(), codeforge.User{ID: userID}, project, 0); !codeforge.IsKind(err, codeforge.Missing) {
				t.Error(err)
			}
		})
	}
}

// A program that runs elsewhere is said to, on a page of ours and where its preview is asked for; pages that need one are shown.
func TestProgramsThatRunElsewhere(t *testing.T) {
	sh := newShelf()
	sh.put(codeforge.LocalUserID, project, app)
	title, says := "Next.js &lt;15&gt;", "This is made with Next.js, which needs a server: that does not run here. A preview shows nothing of them"
	s := New(sh.options(Options{Bundle: func(ctx context.Context, _ string, _ verify.Tree) (*verify.Site, verify.Report, error) {
		site, r := verify.Bundle(ctx, verify.Tree{Files: map[string]string{"index.html": "<!doctype html><title>" + title + " does not run here</title>"}})
		if says != "" {
			r.Diagnostics = append(r.Diagnostics, verify.Diagnostic{Severity: verify.SeverityWarning, Message: says})
		}
		return site, r, nil
	}}))
	look := func(want Status, reason, page string) {
		t.Helper()
		s.cache = cache{limit: 1 << 20}
		st, err := s.State(t.Context(), codeforge.LocalUser(), project, 0)
		if err != nil || st.Status != want || st.Reason != reason {
			t.Errorf("%+v %v", st, err)
		}
		if w := get(t, s, "/"); w.Code != 200 || !strings.Contains(w.Body.String(), page) {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	look(NeedsServer, says, "<h1>Next.js &lt;15&gt; does not run here</h1>\n<p>This is made with Next.js")
	says = ""
	look(NeedsServer, "A preview shows what browsers run. Its files are checked all the same.", "<h1>Next.js")
	says = "This is made with Express, which needs a server: that does not run here. A preview shows the pages as they are"
	s.o.Bundle = func(ctx context.Context, _ string, _ verify.Tree) (*verify.Site, verify.Report, error) {
		site, r := verify.Bundle(ctx, verify.Tree{Files: map[string]string{"index.html": "<!doctype html><title>x</title><p>the app's own page"}})
		r.Diagnostics = append(r.Diagnostics, verify.Diagnostic{Severity: verify.SeverityWarning, Message: says})
		return site, r, nil
	}
	look(Part, says, "the app's own page")
}

func TestStartPageInAFolder(t *testing.T) {
	s, _ := local(t, map[string]string{"web/start page.html": "<p>hi"})
	w := get(t, s, "/")
	if w.Code != 302 || w.Header().Get("Location") != "/web/start%20page.html" {
		t.Fatal(w.Code, w.Header())
	}
	if w := get(t, s, w.Header().Get("Location")); w.Code != 200 || !strings.Contains(w.Body.String(), "hi") {
		t.Error(w.Code)
	}
}

func TestErrorsStayInside(t *testing.T) {
	var log bytes.Buffer
	sh := newShelf()
	s := New(sh.options(Options{Log: slog.New(slog.NewTextHandler(&log, nil))}))
	sh.err = errors.New("dial 10.0.0.7: password=hunter2")
	if w := get(t, s, "/"); w.Code != 500 || strings.Contains(w.Body.String(), "hunter2") || !strings.Contains(log.String(), "hunter2") {
		t.Error(w.Code, w.Body, log.String())
	}
	sh.err = &codeforge.Error{Kind: codeforge.Unavailable, Message: "draining", Cause: errors.New("hunter3")}
	if w := get(t, s, "/"); w.Code != 503 || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "hunter3") {
		t.Error(w.Code, w.Body)
	}
}

// A build that nobody waited for, or that could not be made, is not kept.
func TestFailureIsNotKept(t *testing.T) {
	sh := newShelf()
	sh.put(codeforge.LocalUserID, project, app)
	var fail error = &codeforge.Error{Kind: codeforge.Unavailable, Message: "no child"}
	s := New(sh.options(Options{Bundle: func(ctx context.Context, user string, t verify.Tree) (*verify.Site, verify.Report, error) {
		if fail != nil {
			return nil, verify.Report{}, fail
		}
		return bundle(ctx, user, t)
	}}))
	if w := get(t, s, "/"); w.Code != 503 || w.Header().Get("Retry-After") == "" {
		t.Fatal(w.Code, w.Body)
	}
	fail = nil
	if w := get(t, s, "/"); w.Code != 200 {
		t.Error(w.Code, w.Body)
	}
}

// A page and all that it loads at once cost one build.
func TestOneBuildPerRevision(t *testing.T) {
	s, sh := local(t, app)
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			if w := get(t, s, []string{"/", "/main.ts", "/about", "/style.css"}[i%4]); w.Code != 200 {
				t.Error(w.Code)
			}
		})
	}
	wg.Wait()
	reads := sh.reads.Load()
	first := s.cache.get(project)
	for range 10 {
		get(t, s, "/")
	}
	if sh.reads.Load() != reads || s.cache.get(project) != first || first.revision != 1 {
		t.Errorf("%d reads after %d", sh.reads.Load(), reads)
	}
	sh.put(codeforge.LocalUserID, project, map[string]string{"index.html": "<p>new"})
	if w := get(t, s, "/"); !strings.Contains(w.Body.String(), "new") {
		t.Error(w.Body)
	}
}

func TestCacheIsBounded(t *testing.T) {
	c := cache{limit: 3 << 10}
	name := func(i int) string { return fmt.Sprint("p", i) }
	for i := range 10 {
		c.put(&build{label: name(i), revision: 1})
	}
	if c.order.Len() != 3 || c.bytes > c.limit || c.get(name(6)) != nil || c.get(name(7)) == nil {
		t.Errorf("%d builds, %d bytes", c.order.Len(), c.bytes)
	}
	c.put(&build{label: name(11), revision: 1}) // 8 was used least recently
	if c.get(name(8)) != nil || c.get(name(7)) == nil {
		t.Error("the wrong one went")
	}
	c.put(&build{label: name(7), revision: 3})
	c.put(&build{label: name(7), revision: 2})
	if c.get(name(7)).revision != 3 {
		t.Error("an older revision took the place of a newer one")
	}
}

func FuzzTicket(f *testing.F) {
	s := New(Options{TicketNeeded: true, Keys: auth.NewKeyring([]byte("0123456789abcdef"))})
	good := s.sign(forTicket, token{Label: project, User: userID, Expires: time.Now().Add(time.Hour)})
	f.Add(good)
	f.Add("a.b")
	f.Add(".")
	f.Fuzz(func(t *testing.T, text string) {
		if tk, ok := s.open(forTicket, text, site{label: project}); ok && (text != good || tk.User != userID) {
			t.Errorf("%q opens", text)
		}
	})
}

func FuzzRequestPath(f *testing.F) {
	sh := newShelf()
	sh.put(codeforge.LocalUserID, project, app)
	s := New(sh.options(Options{}))
	for _, p := range []string{"/", "/main.ts", "//", "/../x", "/\x00", "/a\\b", "/__bundle/main.ts.js/", "/__bundle/__bundle/main.ts"} {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, p string) {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.Host = project + ".localhost"
		r.URL = &url.URL{Path: "/" + strings.TrimPrefix(p, "/")}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code != 200 && w.Code != 404 {
			t.Errorf("%q: %d", p, w.Code)
		}
	})
}
