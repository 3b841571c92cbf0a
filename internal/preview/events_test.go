package preview

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/verify"
)

// reader is a page that waits for something newer.
type reader struct {
	cancel context.CancelFunc
	header http.Header
	status int

	mu    sync.Mutex
	text  strings.Builder
	ended bool
}

func (r *reader) Header() http.Header    { return r.header }
func (r *reader) WriteHeader(status int) { r.status = status }
func (r *reader) Flush()                 {}

func (r *reader) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(b)
}

// heard is what came since it was asked last.
func (r *reader) heard() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.text.String()
	r.text.Reset()
	return s
}

func (r *reader) isOver() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
}

// wait has a page that shows a version of a host wait. Within a bubble of synctest.
func wait(t *testing.T, s *Server, host, version string, change ...func(*http.Request)) *reader {
	ctx, cancel := context.WithCancel(t.Context())
	req := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://"+host+eventsPath+"?version="+version, nil)
	for _, c := range change {
		c(req)
	}
	r := &reader{cancel: cancel, header: http.Header{}}
	go func() {
		s.ServeHTTP(r, req)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ended = true
	}()
	synctest.Wait()
	return r
}

const home = project + ".localhost"

// A page that waits costs a sign of life now and then, hears of each newer build once, and no more once the project is not its
// visitor's.
func TestNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sh := newShelf()
		sh.put(codeforge.LocalUserID, project, app)
		var away atomic.Bool
		s := New(sh.options(Options{Bundle: func(ctx context.Context, _ string, t verify.Tree) (*verify.Site, verify.Report, error) {
			if away.Load() {
				return nil, verify.Report{}, &codeforge.Error{Kind: codeforge.Unavailable}
			}
			site, report := verify.Bundle(ctx, t)
			return site, report, nil
		}}))
		r := wait(t, s, home, "1")
		if got := r.heard(); got != "retry: 5000\n\n" || r.header.Get("Content-Type") != "text/event-stream" {
			t.Errorf("%q %v", got, r.header)
		}
		time.Sleep(time.Hour) // of the bubble's clock
		if got := r.heard(); len(got) > 3*120 || sh.reads.Load() != 0 {
			t.Errorf("an hour of nothing costs %d bytes and %d reads of the project", len(got), sh.reads.Load())
		}
		sh.put(codeforge.LocalUserID, project, app)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := strings.ReplaceAll(r.heard(), ":\n\n", ""); got != "event: built\ndata: {\"version\":\"2\",\"revision\":2}\n\n" {
			t.Errorf("%q", got)
		}
		away.Store(true)
		sh.put(codeforge.LocalUserID, project, map[string]string{"a.ts": "foo(;"})
		time.Sleep(10 * time.Second)
		away.Store(false)
		if got := strings.ReplaceAll(r.heard(), ":\n\n", ""); got != "" {
			t.Errorf("%q", got)
		}
		time.Sleep(afterFault)
		synctest.Wait()
		if got := r.heard(); !strings.Contains(got, "event: broken\n") || !strings.Contains(got, `"version":"3","revision":3,"title":"Revision 3 does not build"`) || !strings.Contains(got, `"file":"a.ts","line":1`) {
			t.Errorf("%q", got)
		}
		sh.put("somebody else", project, app)
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if got := strings.ReplaceAll(r.heard(), ":\n\n", ""); !r.isOver() || got != "" {
			t.Errorf("a stranger goes on, and hears %q", got)
		}
		if r := wait(t, s, home, "3"); r.status != http.StatusNotFound || !r.isOver() {
			t.Error(r.status)
		}
		s.Close()
	})
}

// A page that waits is one of few, of the preview's own origin, for as long as its visit, and holds up no end of the server.
func TestWhoMayWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sh := newShelf()
		sh.put(codeforge.LocalUserID, project, app)
		s := New(sh.options(Options{}))
		for name, c := range map[string]struct {
			host   string
			change func(*http.Request)
			want   int
		}{
			"another page":      {home, func(r *http.Request) { r.Header.Set("Origin", "http://evil.example") }, 403},
			"a sibling":         {home, func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "same-site") }, 403},
			"an older revision": {project + "-r1.localhost", func(*http.Request) {}, 204},
			"another project":   {other + ".localhost", func(*http.Request) {}, 404},
			"a service worker":  {home, func(r *http.Request) { r.Header.Set("Sec-Fetch-Dest", "serviceworker") }, 403},
		} {
			if r := wait(t, s, c.host, "1", c.change); r.status != c.want || !r.isOver() {
				t.Errorf("%s: %d", name, r.status)
			}
		}
		var all []*reader
		for i := range maxStreamsEach {
			r := wait(t, s, home, "1")
			if all = append(all, r); r.isOver() {
				t.Fatalf("reader %d: %d", i, r.status)
			}
		}
		if r := wait(t, s, home, "1"); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
			t.Error(r.status)
		}
		all[0].cancel()
		synctest.Wait()
		if r := wait(t, s, home, "1"); r.isOver() {
			t.Error(r.status)
		}
		s.Close()
		synctest.Wait()
		if n := s.streams.count(); n != 0 || len(s.streams.byUser) != 0 {
			t.Errorf("%d are left", n)
		}
		if r := wait(t, s, home, "1"); !r.isOver() {
			t.Error("one waits for a server that has ended")
		}
		var g streams
		for i := range maxStreams {
			if !g.enter(fmt.Sprint(i)) {
				t.Fatal(i)
			}
		}
		if g.enter("one more") {
			t.Error("without an end")
		}
	})
	synctest.Test(t, func(t *testing.T) {
		sh := newShelf()
		sh.put(userID, project, app)
		s := New(sh.options(Options{TicketNeeded: true, Keys: auth.NewKeyring([]byte("0123456789abcdef"))}))
		if r := wait(t, s, home, "1"); r.status != http.StatusForbidden {
			t.Error(r.status)
		}
		c := get(t, s, s.Address("http", "localhost", codeforge.User{ID: userID}, project, 0, false)).Result().Cookies()[0]
		r := wait(t, s, home, "1", with(c))
		time.Sleep(sessionLife - time.Minute)
		if r.isOver() {
			t.Error("over before its visit is")
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if !r.isOver() {
			t.Error("it outlives its visit")
		}
	})
}

// What a job is at work on is built when it has stood still for a moment.
func TestNewsOfAJob(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const job = "0190a5b2-3333-7000-8000-000000000003"
		sh := newShelf()
		sh.put(codeforge.LocalUserID, project, app)
		var builds, version atomic.Int64
		s := New(sh.options(Options{
			WorkingTree: func(context.Context, codeforge.User, string) (WorkingTree, error) {
				return WorkingTree{ProjectID: project, Revision: 1, Version: fmt.Sprint(version.Load()), Tree: func(context.Context) (verify.Tree, error) { return verify.Tree{Files: app}, nil }}, nil
			},
			Bundle: func(ctx context.Context, _ string, t verify.Tree) (*verify.Site, verify.Report, error) {
				builds.Add(1)
				site, report := verify.Bundle(ctx, t)
				return site, report, nil
			}}))
		defer s.Close()
		r := wait(t, s, job+"-job.localhost", "0")
		time.Sleep(time.Second / 2)
		for range 20 {
			version.Add(1)
			time.Sleep(time.Second)
		}
		if n := builds.Load(); n > 0 {
			t.Errorf("%d builds while it writes", n)
		}
		time.Sleep(4 * time.Second)
		synctest.Wait()
		if got := strings.ReplaceAll(r.heard(), ":\n\n", ""); builds.Load() != 1 || got != "retry: 5000\n\nevent: built\ndata: {\"version\":\"20\",\"revision\":1}\n\n" {
			t.Errorf("%d builds, heard %q", builds.Load(), got)
		}
	})
}
