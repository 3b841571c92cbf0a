package preview

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/verify"
)

// browser is what a browser keeps of one host.
type browser struct {
	t       *testing.T
	s       *Server
	cookies map[string]string
}

// open goes to an address and reports whether what the program stored was cleared.
func (b *browser) open(target string, headers ...string) (cleared bool, status int, body string) {
	b.t.Helper()
	w := get(b.t, b.s, target, func(r *http.Request) {
		for name, value := range b.cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		for _, h := range headers {
			name, value, _ := strings.Cut(h, ": ")
			r.Header.Set(name, value)
		}
	})
	for _, c := range w.Result().Cookies() {
		if b.cookies != nil {
			b.cookies[c.Name] = c.Value
		}
	}
	clear := w.Header().Get("Clear-Site-Data")
	if clear != "" && clear != `"storage"` {
		b.t.Errorf("clears %s: cookies are those of all siblings", clear)
	}
	return clear != "", w.Code, w.Body.String()
}

func (b *browser) wants(cleared bool, target string, headers ...string) {
	b.t.Helper()
	if got, status, _ := b.open(target, headers...); got != cleared {
		b.t.Errorf("%s: cleared %v, want %v (status %d)", target, got, cleared, status)
	}
}

func TestStorageOutlivesNothing(t *testing.T) {
	s, sh := local(t, app)
	again := func(restored bool) { sh.add(codeforge.LocalUserID, project, state{app, restored}) }
	b := &browser{t, s, map[string]string{}}
	late := &browser{t, s, map[string]string{}} // looks seldom
	none := &browser{t, s, nil}                 // keeps no cookies
	b.wants(false, "/")
	late.wants(false, "/")
	again(false) // what a person typed survives a follow-up
	b.wants(false, "/")
	none.wants(false, "/")
	again(true)
	b.wants(false, "/main.ts", "Sec-Fetch-Dest: script") // a part of a page that is open
	b.wants(true, "/")
	b.wants(false, "/")
	b.wants(false, "/about")
	none.wants(true, "/")
	again(false)
	again(false)
	b.wants(false, "/")
	late.wants(true, "/docs/")
	late.wants(false, "/")
	none.wants(false, "/")
	again(true)
	again(false)
	b.cookies["codeforge_seen"] = "1000000" // a sibling may set it
	b.wants(false, "/")
	again(true)
	again(false)
	b.wants(true, "/") // and what it set is gone by then

	b.wants(true, "/__fresh")
	if w := get(t, s, s.Address("http", "localhost:8000", codeforge.LocalUser(), project, 0, true)); w.Code != http.StatusSeeOther || w.Header().Get("Location") != "/" {
		t.Error(w.Code, w.Header())
	}
	sh.archived[project] = true
	b.wants(true, "/")
	if _, status, body := b.open("/"); status != http.StatusGone || strings.Contains(body, "home") {
		t.Errorf("archived: %d", status)
	}
}

// Framed in a page of another site a visit goes on with a cookie that browsers keep for that site alone, and so does what is known of
// restores.
func TestFramedElsewhere(t *testing.T) {
	frame := func(site string) func(*http.Request) {
		return func(r *http.Request) {
			r.Header.Set("Sec-Fetch-Dest", "iframe")
			r.Header.Set("Sec-Fetch-Site", site)
		}
	}
	s, _, _ := ticketed(t)
	open := func(scheme string, change ...func(*http.Request)) *http.Cookie {
		return get(t, s, s.Address(scheme, "x", codeforge.User{ID: userID}, project, 0, false), change...).Result().Cookies()[0]
	}
	for _, site := range []string{"same-site", "same-origin", "none", ""} {
		if c := open("https", frame(site)); c.Partitioned || c.SameSite != http.SameSiteLaxMode {
			t.Errorf("%s: %v", site, c)
		}
	}
	for _, scheme := range []string{"http", "https"} {
		c := open(scheme, frame("cross-site"))
		if !c.Partitioned || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteNoneMode || c.Domain != "" || c.Path != "/" || c.Name != cookieName(scheme == "https") {
			t.Errorf("%s: %v", scheme, c)
		}
		if w := get(t, s, scheme+"://"+project+".p.example/", with(c), frame("cross-site")); w.Code != 200 {
			t.Errorf("%s: %d", scheme, w.Code)
		}
	}

	local, sh := local(t, app)
	b := &browser{t, local, map[string]string{}}
	b.wants(false, "/", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Site: cross-site")
	if b.cookies[seenFramed] != "1" || b.cookies[seenCookie] != "" {
		t.Errorf("%v", b.cookies)
	}
	sh.add(codeforge.LocalUserID, project, state{app, true})
	sh.add(codeforge.LocalUserID, project, state{app, false})
	b.wants(true, "/", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Site: same-origin") // a link in the frame
	if b.cookies[seenFramed] != "3" || b.cookies[seenCookie] != "" {
		t.Errorf("%v", b.cookies)
	}
	b.wants(false, "/", "Sec-Fetch-Dest: iframe", "Sec-Fetch-Site: cross-site")
}

func TestNoServiceWorkers(t *testing.T) {
	files := map[string]string{"index.html": "<p>home", "sw.js": "self.addEventListener('fetch', () => {})"}
	s, _ := local(t, files)
	b := &browser{t, s, nil}
	for _, h := range []string{"Service-Worker: script", "Sec-Fetch-Dest: serviceworker"} {
		for _, target := range []string{"/sw.js", "/", "/__bundle/sw.js", "/nothing.js"} {
			if _, status, body := b.open(target, h); status != http.StatusForbidden || strings.Contains(body, "addEventListener") {
				t.Errorf("%s with %s: %d", target, h, status)
			}
		}
	}
	if _, status, _ := b.open("/sw.js", "Sec-Fetch-Dest: worker"); status != 200 {
		t.Error("a worker that ends with its page is refused")
	}
}

func TestOlderRevisionsHaveOriginsOfTheirOwn(t *testing.T) {
	s, sh := local(t, app)
	sh.put(codeforge.LocalUserID, project, map[string]string{"index.html": "<p>second"})
	u := codeforge.LocalUser()
	first := s.Address("http", "localhost:8000", u, project, 1, false)
	if want := "http://" + project + "-r1.localhost:8000/"; first != want {
		t.Fatalf("%s, want %s", first, want)
	}
	b := &browser{t, s, map[string]string{}}
	for target, want := range map[string]string{first: "home", "/": "second", s.Address("http", "localhost", u, project, 2, false): "second"} {
		if _, status, body := b.open(target); status != 200 || !strings.Contains(body, want) {
			t.Errorf("%s: %d %s", target, status, body)
		}
	}
	if _, status, _ := b.open("http://" + project + "-r3.localhost/"); status != http.StatusNotFound {
		t.Errorf("a revision that is not: %d", status)
	}
	for host, want := range map[string]bool{project + "-r1.localhost": true, project + "-R12.localhost:80": true, project + "-r0.localhost": false, project + "-r01.localhost": false,
		project + "-r-1.localhost": false, project + "-r+1.localhost": false, project + "-r.localhost": false, project + "-r1-r2.localhost": false, project + "-r99999999999999999999.localhost": false} {
		if ok := s.Match(host); ok != want {
			t.Errorf("%s: %v", host, ok)
		}
	}
	// A visit to one is none to another.
	users, _, _ := ticketed(t)
	c := get(t, users, users.Address("https", "x", codeforge.User{ID: userID}, project, 1, false)).Result().Cookies()[0]
	if w := get(t, users, "https://"+project+".p.example/", with(c)); w.Code != http.StatusForbidden {
		t.Error(w.Code)
	}
	if w := get(t, users, "https://"+project+"-r1.p.example/", with(c)); w.Code != 200 {
		t.Error(w.Code)
	}
	if w := get(t, users, users.Address("https", "x", codeforge.User{ID: userID}, project, 0, true)); w.Header().Get("Clear-Site-Data") != `"storage"` || w.Code != http.StatusSeeOther {
		t.Error(w.Code, w.Header())
	}
}

func TestWhatPreviewsCost(t *testing.T) {
	s, sh := local(t, app)
	head := func(r *http.Request) { r.Method = http.MethodHead }
	if w := get(t, s, "/main.ts", head); w.Code != 200 || sh.reads.Load() != 0 || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("HEAD read the project: %d", w.Code)
	}
	admitted, ended, refuse := 0, 0, error(nil)
	admission := func(r *http.Request) {
		*r = *r.WithContext(WithAdmission(r.Context(), Admission{Build: func(u codeforge.User) (func(), error) {
			if admitted++; u.ID != codeforge.LocalUserID {
				t.Error(u)
			}
			return func() { ended++ }, refuse
		}}))
	}
	refuse = &codeforge.Error{Kind: codeforge.RateLimited, RetryAfter: 7e9}
	if w := get(t, s, "/", admission); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") != "7" || sh.reads.Load() != 0 {
		t.Error(w.Code, w.Header())
	}
	refuse, admitted = nil, 0
	for range 3 {
		get(t, s, "/", admission)
	}
	if admitted != 1 || ended != 1 {
		t.Errorf("%d admitted, %d ended", admitted, ended)
	}
	if w := get(t, s, "/main.ts", head); w.Header().Get("ETag") == "" || w.Body.Len() != 0 {
		t.Error(w.Header())
	}

	small := New(sh.options(Options{SiteBytes: 10}))
	if w := get(t, small, "/"); w.Code != http.StatusUnprocessableEntity || !strings.Contains(w.Body.String(), "at most 10") {
		t.Error(w.Code, w.Body)
	}
}

// Where it cannot be told whether something was restored, nothing is taken for seen.
func TestUnknownPastIsAskedForAgain(t *testing.T) {
	s, sh := local(t, app)
	b := &browser{t, s, map[string]string{}}
	b.wants(false, "/")
	sh.add(codeforge.LocalUserID, project, state{app, true})
	sh.add(codeforge.LocalUserID, project, state{app, false})
	s.o.Restored = func(context.Context, codeforge.User, string, int64) (bool, error) { return false, errors.New("away") }
	b.wants(false, "/")
	s.o.Restored = sh.restored
	b.wants(true, "/")
}

// A build ends when the last request that waits for it has left, and not before.
func TestBuildEndsWithItsLastRequest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sh := newShelf()
		sh.put(codeforge.LocalUserID, project, app)
		begun, ended := 0, make(chan error, 1)
		s := New(sh.options(Options{Bundle: func(ctx context.Context, _ string, _ verify.Tree) (*verify.Site, verify.Report, error) {
			begun++
			<-ctx.Done()
			ended <- ctx.Err()
			return nil, verify.Report{}, ctx.Err()
		}}))
		var leave []context.CancelFunc
		for range 3 {
			ctx, cancel := context.WithCancel(t.Context())
			leave = append(leave, cancel)
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://"+project+".localhost/", nil)
			go s.ServeHTTP(httptest.NewRecorder(), r)
		}
		for i, cancel := range leave {
			synctest.Wait()
			if begun != 1 || len(ended) != 0 {
				t.Errorf("%d begun, %d ended before request %d left", begun, len(ended), i)
			}
			cancel()
		}
		synctest.Wait()
		if len(ended) != 1 || len(s.builds.byKey) != 0 {
			t.Errorf("%d ended, %d under way", len(ended), len(s.builds.byKey))
		}
	})
}

// The working tree of a job is shown as it is when a page is loaded, on an origin of its own, to those who may see the job.
func TestWorkingTree(t *testing.T) {
	const job = "0190a5b2-3333-7000-8000-000000000003"
	sh := newShelf()
	sh.put(userID, project, app)
	tree, builds := WorkingTree{ProjectID: project, Version: "1", Tree: func(context.Context) (verify.Tree, error) {
		return verify.Tree{Files: map[string]string{"index.html": "<p>first"}}, nil
	}}, 0
	o := sh.options(Options{TicketNeeded: true, Keys: auth.NewKeyring([]byte("0123456789abcdef")), Bundle: func(ctx context.Context, user string, t verify.Tree) (*verify.Site, verify.Report, error) {
		builds++
		return bundle(ctx, user, t)
	}})
	o.WorkingTree = func(_ context.Context, u codeforge.User, id string) (WorkingTree, error) {
		if u.ID != userID || id != job {
			return WorkingTree{}, codeforge.NotFound("Job", id)
		}
		return tree, nil
	}
	s := New(o)
	u := codeforge.User{ID: userID}
	b := &browser{t, s, map[string]string{}}
	home := "http://" + job + "-job.localhost/"
	if _, status, _ := b.open(home); status != http.StatusForbidden {
		t.Errorf("without a ticket: %d", status)
	}
	if _, status, _ := b.open(s.Address("http", "localhost", u, project, 0, false)); status != http.StatusSeeOther {
		t.Fatal(status)
	}
	if _, status, _ := b.open(home); status != http.StatusForbidden {
		t.Errorf("with a visit to the project: %d", status)
	}
	address := s.JobAddress("http", "localhost:1", u, strings.ToUpper(job), false)
	if !strings.HasPrefix(address, "http://"+job+"-job.localhost:1/__ticket?t=") {
		t.Fatal(address)
	}
	b.open(address)
	for _, want := range []struct {
		version, text string
		builds        int
	}{{"1", "first", 1}, {"1", "first", 1}, {"2", "second", 2}, {"3", "", 3}} {
		tree.Version = want.version
		tree.Tree = func(context.Context) (verify.Tree, error) {
			if want.text == "" {
				return verify.Tree{}, nil
			}
			return verify.Tree{Files: map[string]string{"index.html": "<p>" + want.text}}, nil
		}
		cleared, status, body := b.open(home)
		if status != 200 || cleared || builds != want.builds || !strings.Contains(body, want.text) || want.text == "" && !strings.Contains(body, "Nothing to see yet") {
			t.Errorf("version %s: %d after %d builds, cleared %v: %.200s", want.version, status, builds, cleared, body)
		}
	}
	if _, status, _ := b.open(home, "Service-Worker: script"); status != http.StatusForbidden {
		t.Errorf("a service worker: %d", status)
	}
	sh.archived[project] = true
	if cleared, status, _ := b.open(home); status != http.StatusGone || !cleared {
		t.Errorf("archived: %d, cleared %v", status, cleared)
	}
	sh.archived[project] = false
	stranger := &browser{t, s, map[string]string{}}
	stranger.open(s.JobAddress("http", "localhost", codeforge.User{ID: "0190a5b2-bbbb-7000-8000-00000000000b"}, job, false))
	if _, status, _ := stranger.open(home); status != http.StatusNotFound {
		t.Errorf("a stranger: %d", status)
	}
}
