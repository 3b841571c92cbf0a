package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/storetest"
)

// large is a project of n files of 100,000 characters each, which cost six bytes as JSON.
func (k *kit) large(n int) (id string) {
	k.Helper()
	id = k.project()
	for i := range n {
		_, err := k.store.WriteFile(k.Context(), codeforge.User{ID: alice}, id, codeforge.FileWrite{Path: fmt.Sprintf("d/%03d.txt", i), Content: strings.Repeat("\x01", 100_000)})
		if err != nil {
			k.Fatal(err)
		}
	}
	return id
}

// counting is a store that counts reads of contents, and calls between them.
type counting struct {
	api.Store
	most  atomic.Int64 // bytes of one read
	reads atomic.Int64
	then  func(n int64)
}

func (c *counting) RevisionFiles(ctx context.Context, u codeforge.User, id string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.File, error) {
	rev, files, err := c.Store.RevisionFiles(ctx, u, id, number, p)
	var n int64
	for _, f := range files {
		n += int64(len(f.Content))
	}
	if n > c.most.Load() {
		c.most.Store(n)
	}
	if reads := c.reads.Add(1); c.then != nil {
		c.then(reads)
	}
	return rev, files, err
}

// A long list is read page by page, all of one revision, whatever is written meanwhile.
func TestLongListsArePaged(t *testing.T) {
	c := &counting{}
	k := newKit(t, func(o *api.Options) { c.Store, o.Store = o.Store, c })
	id := k.large(9)
	url := "/v1/projects/" + id
	for _, path := range []string{"/files", "/revisions/9"} {
		c.reads.Store(0)
		c.then = func(n int64) {
			if n == 2 { // between two pages
				k.file(id, "d/000.txt", "changed")
				k.file(id, "d/004.txt", "changed")
				k.file(id, "new.txt", "new")
			}
		}
		want := []any{}
		_, files, err := k.store.RevisionFiles(t.Context(), codeforge.User{ID: alice}, id, 0, codeforge.Page{})
		if path != "/files" {
			_, files, err = k.store.RevisionFiles(t.Context(), codeforge.User{ID: alice}, id, 9, codeforge.Page{})
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			want = append(want, f.Path+" "+f.Content)
		}
		got := []any{}
		m := k.call("GET", url+path, "").want(200).object()
		for _, f := range m["files"].([]any) {
			got = append(got, f.(map[string]any)["path"].(string)+" "+f.(map[string]any)["content"].(string))
		}
		if fmt.Sprint(got) != fmt.Sprint(want) || m["count"] != float64(len(want)) {
			t.Errorf("%s: %d files, want %d", path, len(got), len(want))
		}
		if c.reads.Load() < 3 || c.most.Load() > 400_000 {
			t.Errorf("%s: %d reads of up to %d bytes", path, c.reads.Load(), c.most.Load())
		}
		c.then = nil
	}
	c.most.Store(0)
	k.call("GET", url+"/revisions/9?content=false", "").want(200)
	if c.most.Load() != 0 {
		t.Error("contents were read that nobody asked for")
	}
	k.call("HEAD", url+"/files", "").want(200)
}

// A store that fails in the middle of an answer cuts it: half a list must not look like one.
func TestStoreFailureCutsTheAnswer(t *testing.T) {
	c := &failing{}
	k := newKit(t, func(o *api.Options) { c.Store, o.Store = o.Store, c })
	id := k.large(9)
	c.after.Store(2)
	server := httptest.NewServer(k.h)
	defer server.Close()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1/projects/"+id+"/files", nil)
	req.Header.Set("Authorization", "Bearer alice")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if body, err := io.ReadAll(res.Body); err == nil {
		t.Errorf("%d bytes and no error", len(body))
	}
}

type failing struct {
	api.Store
	after atomic.Int64
}

func (f *failing) RevisionFiles(ctx context.Context, u codeforge.User, id string, number int64, p codeforge.Page) (codeforge.Revision, []codeforge.File, error) {
	if f.after.Add(-1) < 0 {
		return codeforge.Revision{}, nil, io.ErrUnexpectedEOF
	}
	return f.Store.RevisionFiles(ctx, u, id, number, p)
}

// stuck is a client that reads nothing.
type stuck struct {
	*httptest.ResponseRecorder
	entered chan<- struct{}
	leave   <-chan struct{}
	once    sync.Once
}

func (s *stuck) Write(b []byte) (int, error) {
	s.once.Do(func() { s.entered <- struct{}{} })
	<-s.leave
	return len(b), nil
}

// Slow readers hold little each, and no more in all than is allowed; one user's do not keep out another.
func TestLoadIsBounded(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.MaxLoad = 16 << 20 })
	id := k.large(4)
	of := func(user string) *http.Request {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/projects/"+id+"/files", nil)
		r.Header.Set("Authorization", "Bearer "+user)
		return r
	}
	entered, leave := make(chan struct{}), make(chan struct{})
	var g sync.WaitGroup
	for range 4 { // 1 MiB each
		g.Go(func() {
			k.h.ServeHTTP(&stuck{ResponseRecorder: httptest.NewRecorder(), entered: entered, leave: leave}, of("alice"))
		})
		<-entered
	}
	a := k.do(of("alice"))
	a.fails(503, "SERVICE_UNAVAILABLE")
	if a.Header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	k.call("GET", "/v1/projects/"+id, "").want(200) // what is small goes on
	k.do(of("bob")).fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", "/v1/projects/?page_size=20", "", "Authorization: Bearer bob").want(200) // and so do others
	close(leave)
	g.Wait()
	k.do(of("alice")).want(200)
}

// Whoever waits gets what another gives back; bodies count too.
func TestLoadIsWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t, func(o *api.Options) { o.MaxLoad = 4 << 20 })
		id := k.project()
		body, write := io.Pipe()
		held := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/projects/"+id+"/files", body)
		held.Header.Set("Authorization", "Bearer alice")
		held.Header.Set("Content-Type", "application/json")
		held.ContentLength = 1 << 20
		go k.do(held)
		synctest.Wait()
		full := strings.Repeat("x", 100_000)
		second := make(chan answer)
		go func() {
			second <- k.call("POST", "/v1/projects/"+id+"/files", `{"path":"b","content":"`+full+`"}`)
		}()
		synctest.Wait()
		write.CloseWithError(io.ErrUnexpectedEOF)
		(<-second).want(200)
		go k.do(func() *http.Request {
			body, _ := io.Pipe()
			r := httptest.NewRequestWithContext(t.Context(), "POST", "/v1/projects/"+id+"/files", io.LimitReader(body, 1))
			r.Header.Set("Authorization", "Bearer alice")
			r.ContentLength = -1
			t.Cleanup(func() { body.Close() })
			return r
		}())
		synctest.Wait()
		began := time.Now()
		k.call("POST", "/v1/projects/"+id+"/files", `{"path":"b","content":"`+full+`"}`).fails(503, "SERVICE_UNAVAILABLE")
		if d := time.Since(began); d < time.Second || d > 10*time.Second {
			t.Errorf("refused after %v", d)
		}
	})
}

// A client that stops reading a long answer is dropped, and what it held is free again.
func TestStuckReaderOfAListIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		id := k.large(9)
		client, conn := net.Pipe()
		server := &http.Server{Handler: k.h}
		l := &oneConn{conns: make(chan net.Conn, 1), done: make(chan struct{})}
		l.conns <- conn
		go server.Serve(l)
		fmt.Fprintf(client, "GET /v1/projects/%s/files HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer alice\r\n\r\n", id)
		if _, err := io.ReadFull(client, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Minute)
		n, err := io.Copy(io.Discard, client)
		if err != nil && err != io.EOF || n > 1<<20 {
			t.Errorf("%d bytes, %v", n, err)
		}
		client.Close()
		server.Close()
	})
}

type oneConn struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (l *oneConn) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}
func (l *oneConn) Close() error   { l.once.Do(func() { close(l.done) }); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// A diff shows what somebody can read, counts the rest, and is read in pages.
func TestDiffIsBounded(t *testing.T) {
	k := newKit(t)
	id := k.project()
	url := "/v1/projects/" + id
	many := make([]string, 60)
	for i := range many {
		many[i] = fmt.Sprintf("m/%02d.txt", i)
		k.file(id, many[i], strings.Repeat(strings.Repeat([]string{"x", "\x01"}[i%2], 999)+"\n", 100))
	}
	k.file(id, "lines.txt", strings.Repeat("a\n", 20_000))
	k.call("POST", url+"/revisions/1/restore", "").want(200)
	answer := k.call("GET", url+"/revisions/62/diff", "").want(200)
	m := answer.object()
	shown := 0
	for _, f := range m["files"].([]any) {
		f := f.(map[string]any)
		want := 100.0
		if f["path"] == "lines.txt" {
			want = 20_000
		}
		if f["status"] != "deleted" || f["deletions"] != want || f["additions"] != 0.0 {
			t.Errorf("%v %v -%v +%v", f["path"], f["status"], f["deletions"], f["additions"])
		}
		if hunks := f["hunks"].([]any); f["too_large"] == true {
			if len(hunks) > 0 || f["unified"] != "" {
				t.Errorf("%v is shown", f["path"])
			}
		} else if shown++; len(hunks) != 1 {
			t.Errorf("%v has %d hunks", f["path"], len(hunks))
		}
	}
	if n := len(m["files"].([]any)); n != 60 || shown == 0 || m["too_large"] != float64(n-shown) {
		t.Errorf("%d files, %d shown, %v too large", n, shown, m["too_large"])
	}
	if len(answer.Body) > 20<<20 {
		t.Errorf("%d bytes", len(answer.Body))
	}
}

// Hunks after one that joins two changes stand where they are.
func TestDiffAfterAJoinedHunk(t *testing.T) {
	k := newKit(t)
	id := k.project()
	var before []string
	for i := range 60 {
		before = append(before, fmt.Sprint("line ", i))
	}
	after := append([]string(nil), before...)
	after[5], after[9], after[50] = "five", "nine\nand more", "fifty"
	k.file(id, "a", strings.Join(before, "\n")+"\n")
	k.file(id, "a", strings.Join(after, "\n")+"\n")
	m := k.call("GET", "/v1/projects/"+id+"/revisions/2/diff", "").want(200).object()
	if u := m["unified"].(string); !strings.Contains(u, "@@ -3,11 +3,12 @@") || !strings.Contains(u, "@@ -48,7 +49,7 @@") {
		t.Error(u)
	}
}

// The contents of a result are those of the files it names, as far as an answer can hold them.
func TestResultReadsWhatItNames(t *testing.T) {
	c := &counting{}
	k := newKit(t, func(o *api.Options) { c.Store, o.Store = o.Store, c })
	id := k.large(9)
	j := k.job(id, "code")
	claimed, ok, err := storetest.Claim(t.Context(), k.store, j, "w", time.Minute)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	f := codeforge.Fence{JobID: j, Number: claimed.Fence}
	k.keep(f, codeforge.FileChange{Path: "a.ts", Content: "a"})
	_, err = k.store.FinishJob(t.Context(), f, codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100,
		Result: json.RawMessage(`{"files":[{"path":"a.ts"}]}`)})
	if err != nil {
		t.Fatal(err)
	}
	c.reads.Store(0)
	m := k.call("GET", "/v1/jobs/"+j, "").want(200).object()
	if f := m["result"].(map[string]any)["files"].([]any)[0].(map[string]any); f["content"] != "a" || c.reads.Load() != 1 {
		t.Errorf("%v after %d reads", f, c.reads.Load())
	}
}

// finished is a store in which every job has made the newest revision, with one result.
type finished struct {
	api.Store
	result string
}

func (f *finished) GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	job, err := f.Store.GetJob(ctx, u, id)
	if p, err := f.Store.GetProject(ctx, u, job.ProjectID); err == nil {
		job.Revision, job.Result = p.Revision, json.RawMessage(f.result)
	}
	return job, err
}

// A result carries the contents of 50 files, and of so many as are 1 MB together, and says when there are more.
func TestContentsOfResultsAreBounded(t *testing.T) {
	store := &finished{}
	k := newKit(t, func(o *api.Options) { store.Store, o.Store = o.Store, store })
	for _, c := range []struct{ files, size, filled int }{{3, 10, 3}, {50, 10, 50}, {51, 10, 50}, {12, 100_000, 10}} {
		id := k.project()
		var list []string
		for i := range c.files {
			k.file(id, fmt.Sprintf("%03d.txt", i), strings.Repeat("x", c.size))
			list = append(list, fmt.Sprintf(`{"path":"%03d.txt"}`, i))
		}
		j := k.job(id, "code")
		for _, form := range []string{`{"files":[%s],"summary":"x"}`, `{"generated_code":{"files":[%s]},"summary":"x"}`} {
			store.result = fmt.Sprintf(form, strings.Join(list, ","))
			result := k.call("GET", "/v1/jobs/"+j, "").want(200).object()["result"].(map[string]any)
			if code, ok := result["generated_code"].(map[string]any); ok {
				result = code
			}
			filled := 0
			for _, f := range result["files"].([]any) {
				if text, ok := f.(map[string]any)["content"].(string); ok && len(text) == c.size {
					filled++
				}
			}
			if truncated, _ := result["truncated"].(bool); filled != c.filled || truncated != (c.filled < c.files) || len(result["files"].([]any)) != c.files {
				t.Errorf("%+v: %d contents, truncated %v", c, filled, result["truncated"])
			}
		}
	}
}

func TestTagsThatProxiesMade(t *testing.T) {
	k := newKit(t)
	id := k.project()
	k.file(id, "a.txt", "1")
	url := "/v1/projects/" + id
	for _, path := range []string{url, url + "/files", url + "/files?content=false", url + "/files/a.txt"} {
		tag := k.call("GET", path, "").want(200).Header.Get("ETag")
		inner := strings.Trim(tag, `"`)
		for _, made := range []string{tag, "W/" + tag, `"` + inner + `-gzip"`, `W/"` + inner + `-br"`, `"` + inner + `;gzip"`, `"` + inner + `--zstd"`, `"x", W/` + tag, `W/"` + inner + `-gzip-gzip"`} {
			k.call("GET", path, "", "If-None-Match: "+made).want(304)
		}
		for _, other := range []string{`"9"`, `W/"9-gzip"`, `"` + inner + `-0123456789"`} {
			k.call("GET", path, "", "If-None-Match: "+other).want(200)
		}
	}
	for i, made := range []string{`W/"1"`, `"2-gzip"`, `W/"3-br"`} {
		k.call("PUT", url+"/files/a.txt", fmt.Sprintf(`{"content":"%d"}`, i+2), "If-Match: "+made).want(200)
		k.call("PUT", url+"/files/a.txt", `{"content":"x"}`, "If-Match: "+made).fails(409, "CONFLICT")
	}
	tag := k.call("GET", url, "").Header.Get("ETag")
	k.call("PUT", url, `{"title":"Another"}`, `If-Match: W/`+strings.TrimSuffix(tag, `"`)+`-gzip"`).want(200)
	k.call("PUT", url, `{"title":"Another"}`, `If-Match: W/`+tag).fails(409, "CONFLICT")
}

func TestOriginsAsBrowsersSendThem(t *testing.T) {
	for configured, sent := range map[string]string{"https://App.Example.COM": "https://app.example.com", "HTTPS://app.example.com:443": "https://app.example.com",
		"http://localhost:3000/": "http://localhost:3000", "https://bücher.example": "https://xn--bcher-kva.example", "http://[::1]:3000": "http://[::1]:3000"} {
		for _, standalone := range []bool{false, true} {
			k := newKit(t, func(o *api.Options) { o.AllowedOrigins, o.Standalone = []string{configured}, standalone })
			a := k.call("OPTIONS", "http://localhost/v1/projects/", "", "Origin: "+sent, "Access-Control-Request-Method: POST").want(204)
			if a.Header.Get("Access-Control-Allow-Origin") != sent {
				t.Errorf("%s: %q for %s", configured, a.Header.Get("Access-Control-Allow-Origin"), sent)
			}
			k.call("POST", "http://localhost/v1/projects/", `{"title":"From a page"}`, "Origin: "+sent, "Sec-Fetch-Site: cross-site").want(200)
			k.call("OPTIONS", "http://localhost/v1/projects/", "", "Origin: "+sent+".evil.example", "Access-Control-Request-Method: POST").fails(403, "PERMISSION_DENIED")
		}
	}
}

func TestEqualErrorsAreOne(t *testing.T) {
	k := newKit(t)
	zeros := strings.Repeat(`\u0000`, 30)
	k.wantFields(k.call("POST", "/v1/projects/", `{"title":"`+zeros+`","description":"`+zeros+`"}`), "title nul_character", "description nul_character")
	k.wantFields(k.call("POST", "/v1/projects/", `{"title":"`+strings.Repeat(`\ud800 `, 30)+`"}`), "title unicode_error")
}

// What slow readers of long lists hold does not grow with the lists.
func TestSlowReadersHoldLittle(t *testing.T) {
	k := newKit(t)
	id := k.large(60) // 6 MB, 36 MB as JSON
	entered, leave := make(chan struct{}), make(chan struct{})
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	const readers = 6
	var g sync.WaitGroup
	for range readers {
		g.Go(func() {
			r := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/projects/"+id+"/files", nil)
			r.Header.Set("Authorization", "Bearer alice")
			k.h.ServeHTTP(&stuck{ResponseRecorder: httptest.NewRecorder(), entered: entered, leave: leave}, r)
		})
		<-entered
	}
	runtime.GC()
	runtime.ReadMemStats(&during)
	if held := int64(during.HeapAlloc) - int64(before.HeapAlloc); held > readers*3<<20 {
		t.Errorf("%d slow readers hold %d MB", readers, held>>20)
	}
	close(leave)
	g.Wait()
}
