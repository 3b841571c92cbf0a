package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
)

func progress(job string, n int) codeforge.Event {
	return event(codeforge.EventProgress, fmt.Sprintf(`{"job_id":"%s","status":"running","progress":%d}`, job, n))
}

func TestStreamFrames(t *testing.T) {
	k := newKit(t)
	job := k.job(k.project(), "qa")
	f := k.claim(job)
	k.record(f, 10, progress(job, 10), event(codeforge.EventStage, "{\"stage\":\"qa\",\r\n\"state\":\"begin\"}"))
	k.finish(f, codeforge.Outcome{Status: codeforge.JobFailed, Error: "no",
		Events: []codeforge.Event{event(codeforge.EventError, `{"job_id":"`+job+`","status":"failed","error":"no"}`)}})
	named := func(name string, id int, data string) string {
		return fmt.Sprintf("event: %s\ndata: %s\n\nid: %d\ndata: %s\n\n", name, data, id, data)
	}
	first := k.call("GET", "/v1/jobs/"+job+"/stream", "").want(200)
	_, data, _ := strings.Cut(first.Body, "data: ")
	data, _, _ = strings.Cut(data, "\n")
	ten := `{"job_id":"` + job + `","status":"running","progress":10}`
	end := named("error", 4, `{"job_id":"`+job+`","status":"failed","error":"no"}`)
	stage := "id: 3\nevent: stage\ndata: {\"stage\":\"qa\",  \"state\":\"begin\"}\n\n"
	if want := named("progress", 1, data) + named("progress", 2, ten) + stage + end; first.Body != want {
		t.Errorf("stream\n%s\nwant\n%s", first.Body, want)
	}
	for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "Connection": "keep-alive", "X-Accel-Buffering": "no"} {
		if got := first.Header.Get(name); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
	url := "/v1/agents/jobs/" + job + "/stream"
	for _, c := range []struct {
		query, header, want string
		status              int
	}{
		{"", "2", stage + end, 200}, {"?after=3", "", end, 200}, {"?after=1", "3", end, 200}, {"?after=0", "", first.Body, 200}, {"", "0", first.Body, 200},
		{"", "4", "", 204}, {"?after=4", "", "", 204}, {"", "99", "", 204}, {"", "9223372036854775807", "", 204},
	} {
		a := k.call("GET", url+c.query, "", "Last-Event-ID: "+c.header).want(c.status)
		if a.Body != c.want {
			t.Errorf("%+v: %s", c, a.Body)
		}
	}
	for _, bad := range []string{"x", "-1", "1.5", "+1", "9223372036854775808", "1 2", "0x1"} {
		if d := k.call("GET", url, "", "Last-Event-ID: "+bad).fails(400, "VALIDATION_ERROR"); d["field"] != "Last-Event-ID" {
			t.Error(d)
		}
	}
	if d := k.call("GET", url+"?after=x", "").fails(400, "VALIDATION_ERROR"); d["field"] != "after" {
		t.Error(d)
	}
	// A number that a running job never gave is as good as none.
	live := k.job(k.project(), "qa")
	ctx, cancel := context.WithCancel(t.Context())
	pr, pw := io.Pipe()
	req := httptest.NewRequestWithContext(ctx, "GET", "/v1/jobs/"+live+"/stream?after=50", nil)
	req.Header.Set("Authorization", "Bearer alice")
	done := make(chan struct{})
	go func() {
		defer close(done)
		k.h.ServeHTTP(&pipeWriter{header: http.Header{}, w: pw}, req)
	}()
	if line, err := bufio.NewReader(pr).ReadString('\n'); err != nil || line != "event: progress\n" {
		t.Errorf("%q %v", line, err)
	}
	cancel()
	_ = pr.Close()
	<-done
}

type pipeWriter struct {
	header http.Header
	w      io.Writer
}

func (p *pipeWriter) Header() http.Header         { return p.header }
func (p *pipeWriter) WriteHeader(int)             {}
func (p *pipeWriter) Write(b []byte) (int, error) { return p.w.Write(b) }
func (p *pipeWriter) FlushError() error           { return nil }

func TestHeadOfAStreamEnds(t *testing.T) {
	k := newKit(t)
	job := k.job(k.project(), "qa") // its stream would stay open
	a := k.call("HEAD", "/v1/jobs/"+job+"/stream", "").want(200)
	if a.Header.Get("Content-Type") != "text/event-stream" || a.Body != "" {
		t.Errorf("%v %q", a.Header, a.Body)
	}
}

func TestStreamTokens(t *testing.T) {
	began := codeforge.Now()
	clock := began.Add(-2 * time.Hour) // a store's clock goes forwards only
	store, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), sqlite.Options{Now: func() time.Time { return clock }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	k := newKit(t, func(o *api.Options) { o.Store = store })
	k.store, k.jobs.store = store, store
	id := k.project()
	run := func() (job, url string) {
		m := k.call("POST", "/v1/run-agent", `{"project_id":"`+id+`","agent_type":"qa"}`).want(200).object()
		return m["job_id"].(string), strings.TrimPrefix(m["stream_url"].(string), "http://example.com")
	}
	nobody := "Authorization:"
	// A token holds until an hour after its job's end.
	for _, ago := range []time.Duration{61 * time.Minute, 59 * time.Minute} {
		clock = began.Add(-ago)
		job, url := run()
		k.call("POST", "/v1/jobs/"+job+"/cancel", "").want(200)
		a := k.call("GET", url, "", nobody)
		if ago < time.Hour {
			a.want(200)
			continue
		}
		if a.fails(401, "AUTHENTICATION_ERROR"); a.object()["message"] != "Token has expired" {
			t.Error(a.Body)
		}
	}
	clock = began

	job, url := run()
	other, _ := run()
	k.call("POST", "/v1/jobs/"+job+"/cancel", "").want(200)
	k.call("POST", "/v1/jobs/"+other+"/cancel", "").want(200)
	_, token, _ := strings.Cut(url, "?token=")
	k.call("GET", url, "", nobody).want(200)
	k.call("GET", "/v1/jobs/"+job+"/stream?access_token="+token, "", nobody).want(200)
	k.call("GET", "/v1/agents/jobs/"+job+"/stream?token="+token, "", nobody).want(200)
	for _, bad := range []string{"/v1/jobs/" + other + "/stream?token=" + token, "/v1/jobs/" + job + "/stream", "/v1/jobs/" + job + "/stream?token=" + token[:42] + "_",
		"/v1/jobs/" + job + "/stream?token=alice", "/v1/jobs/" + codeforge.NewID() + "/stream?token=" + token, "/v1/jobs/" + job + "/stream?access_token=mallory"} {
		k.call("GET", bad, "", nobody).fails(401, "AUTHENTICATION_ERROR")
	}
	k.call("GET", "/v1/jobs/"+job+"/stream?access_token=alice", "", nobody).want(200) // her own bearer token
	k.call("GET", "/v1/jobs/"+job+"/stream?access_token=bob", "", nobody).fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", url, "", "Authorization: Bearer mallory").fails(401, "AUTHENTICATION_ERROR")
	k.call("GET", "/v1/jobs/nope/stream", "", nobody).fails(400, "VALIDATION_ERROR")
	// The token opens the stream and nothing else.
	k.call("GET", "/v1/jobs/"+job+"?token="+token, "", nobody).fails(401, "AUTHENTICATION_ERROR")

	open := newKit(t, func(o *api.Options) { o.StreamWithoutToken = true; o.StreamKeys = nil })
	job = open.job(open.project(), "qa")
	if m := open.call("POST", "/v1/jobs/"+job+"/cancel", "").want(200).object(); m["job_id"] != job {
		t.Error(m)
	}
	open.call("GET", "/v1/jobs/"+job+"/stream", "", nobody).want(200)
	open.call("GET", "/v1/jobs/"+job+"/stream?token=forged", "", nobody).fails(401, "AUTHENTICATION_ERROR")
	open.call("GET", "/v1/jobs/"+codeforge.NewID()+"/stream", "", nobody).fails(404, "RESOURCE_NOT_FOUND")
}

func TestSlowReaderIsTold(t *testing.T) {
	k := newKit(t)
	job := k.job(k.project(), "qa")
	pr, pw := io.Pipe()
	req := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/jobs/"+job+"/stream", nil)
	req.Header.Set("Authorization", "Bearer alice")
	go func() {
		k.h.ServeHTTP(&pipeWriter{header: http.Header{}, w: pw}, req)
		_ = pw.Close()
	}()
	if _, err := pr.Read(make([]byte, 1)); err != nil { // it follows, and is held up in its first frame
		t.Fatal(err)
	}
	for n := range int64(500) {
		e := progress(job, 1)
		e.JobID, e.Seq = job, n+2
		k.hub.Publish(e)
	}
	all, err := io.ReadAll(pr)
	if err != nil {
		t.Fatal(err)
	}
	if want := "event: dropped\ndata: {\"job_id\":\"" + job + "\",\"reason\":\"reader too slow: reconnect to resume\"}\n\n"; !strings.HasSuffix(string(all), want) {
		t.Errorf("the end is %q", all[max(0, len(all)-200):])
	}
}

func TestStreamURL(t *testing.T) {
	k := newKit(t)
	id := k.project()
	body := `{"project_id":"` + id + `","agent_type":"qa"}`
	got := k.call("POST", "/v1/run-agent", body, "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example").object()["stream_url"].(string)
	if !strings.HasPrefix(got, "http://example.com/v1/jobs/") {
		t.Errorf("an untrusted peer decided: %s", got)
	}
	k = newKit(t, func(o *api.Options) { o.TrustedProxies = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")} })
	body = `{"project_id":"` + k.project() + `","agent_type":"qa"}`
	got = k.call("POST", "/v1/run-agent", body, "X-Forwarded-Proto: https", "X-Forwarded-Host: forge.example").object()["stream_url"].(string)
	if !strings.HasPrefix(got, "https://forge.example/v1/jobs/") {
		t.Errorf("a trusted proxy was not heard: %s", got)
	}
}

// pipes is a listener of in-memory connections, which virtual time can wait for.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }
func (p *pipes) dial() net.Conn {
	client, server := net.Pipe()
	p.conns <- server
	return client
}

func TestStreamLive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		l := &pipes{make(chan net.Conn), make(chan struct{})}
		// Timeouts that would end every stream if it did not lift them.
		srv := &http.Server{Handler: k.h, WriteTimeout: time.Second, ReadTimeout: time.Second}
		go func() { _ = srv.Serve(l) }()
		defer func() { close(l.done); _ = srv.Close() }()

		job := k.job(k.project(), "qa")
		f := k.claim(job)
		c := l.dial()
		fmt.Fprintf(c, "GET /v1/jobs/%s/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\nLast-Event-ID: 1\r\n\r\n", job)
		resp, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || resp.StatusCode != 200 {
			t.Fatal(resp, err)
		}
		lines := make(chan string, 100)
		go func() {
			defer close(lines)
			for s := bufio.NewScanner(resp.Body); s.Scan(); {
				lines <- s.Text()
			}
		}()
		read := func() string {
			synctest.Wait()
			var b strings.Builder
			for {
				select {
				case line, ok := <-lines:
					if !ok {
						return b.String() + "EOF"
					}
					b.WriteString(line + "\n")
				default:
					return b.String()
				}
			}
		}
		want := func(want string) {
			t.Helper()
			if got := read(); got != want {
				t.Errorf("read\n%q, want\n%q", got, want)
			}
		}
		want("")
		time.Sleep(14 * time.Second)
		want("")
		time.Sleep(time.Second)
		want(": heartbeat\n\n")
		time.Sleep(10 * time.Second)
		e := codeforge.Event{JobID: job, Type: codeforge.EventDelta, Data: []byte(`{"text":"a"}`)}
		k.hub.Publish(e)
		want("event: delta\ndata: {\"text\":\"a\"}\n\n")
		time.Sleep(14 * time.Second) // a frame puts the heartbeat off
		want("")
		time.Sleep(time.Second)
		want(": heartbeat\n\n")
		k.record(f, 30, progress(job, 30))
		data := `{"job_id":"` + job + `","status":"running","progress":30}`
		want("event: progress\ndata: " + data + "\n\nid: 2\ndata: " + data + "\n\n")
		k.hub.Close()
		want("event: dropped\ndata: {\"job_id\":\"" + job + "\",\"reason\":\"server is shutting down: reconnect to resume\"}\n\nEOF")

	})
}

func TestStuckReaderIsDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newKit(t)
		l := &pipes{make(chan net.Conn), make(chan struct{})}
		ended := make(chan struct{})
		srv := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(ended)
			k.h.ServeHTTP(w, r)
		})}
		go func() { _ = srv.Serve(l) }()
		defer func() { close(l.done); _ = srv.Close() }()
		job := k.job(k.project(), "qa")
		c := l.dial()
		fmt.Fprintf(c, "GET /v1/jobs/%s/stream HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer alice\r\n\r\n", job)
		start := time.Now()
		<-ended
		if d := time.Since(start); d != 10*time.Second {
			t.Errorf("dropped after %v", d)
		}
	})
}

// endless is a store whose jobs end without a word in their logs, as those of another program do.
type endless struct {
	api.Store
	mu     sync.Mutex
	status codeforge.JobStatus // "": as they are
}

func (s *endless) end(status codeforge.JobStatus) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

func (s *endless) WatchJob(ctx context.Context, u codeforge.User, id string, after int64, limit int) (codeforge.Job, []codeforge.Event, error) {
	j, err := s.GetJob(ctx, u, id)
	if err != nil {
		return j, nil, err
	}
	log, err := s.Events(ctx, u, id, after, limit)
	return j, log, err
}

func (s *endless) GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, err := s.Store.GetJob(ctx, u, id)
	if err == nil && s.status != "" {
		j.Status, j.Progress, j.Error, j.Result = s.status, 70, "no luck", json.RawMessage(`{"app":"tea"}`)
	}
	return j, err
}

func (s *endless) Events(ctx context.Context, u codeforge.User, id string, after int64, limit int) ([]codeforge.Event, error) {
	log, err := s.Store.Events(ctx, u, id, after, limit)
	if after == 0 && len(log) > 0 && s.empty() {
		log = nil
	}
	return log, err
}

func (s *endless) empty() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status == codeforge.JobFailed
}

func TestEveryStreamEnds(t *testing.T) {
	store := &endless{}
	k := newKit(t, func(o *api.Options) { store.Store, o.Store = o.Store, store })
	job := k.job(k.project(), "qa")
	url := "/v1/jobs/" + job + "/stream"
	twice := func(name string, id int, data string) string {
		return fmt.Sprintf("event: %s\ndata: %s\n\nid: %d\ndata: %s\n\n", name, data, id, data)
	}
	first := twice("progress", 1, `{"job_id":"`+job+`","status":"queued","progress":0}`)
	for status, end := range map[codeforge.JobStatus]string{
		codeforge.JobCompleted: twice("complete", 2, `{"job_id":"`+job+`","status":"completed","progress":70,"result":{"app":"tea"}}`),
		codeforge.JobCancelled: twice("cancelled", 2, `{"job_id":"`+job+`","status":"cancelled","progress":70}`),
	} {
		store.end(status)
		for after, want := range map[string]string{"": first + end, "1": end} {
			if a := k.call("GET", url, "", "Last-Event-ID: "+after).want(200); a.Body != want {
				t.Errorf("%s after %q: %s, want %s", status, after, a.Body, want)
			}
		}
		k.call("GET", url, "", "Last-Event-ID: 2").want(204)
		k.call("GET", url, "", "Last-Event-ID: 99").want(204)
	}
	// From before there were logs.
	store.end(codeforge.JobFailed)
	if a, want := k.call("GET", url, "").want(200), twice("error", 1, `{"job_id":"`+job+`","status":"failed","error":"no luck"}`); a.Body != want {
		t.Errorf("%s, want %s", a.Body, want)
	}
	k.call("GET", url+"?after=1", "").want(204)
}

// A job that ends while it is watched, and says nothing.
func TestStreamOfAJobThatEndsInSilence(t *testing.T) {
	store := &endless{}
	k := newKit(t, func(o *api.Options) { store.Store, o.Store = o.Store, store })
	job := k.job(k.project(), "qa")
	synctest.Test(t, func(t *testing.T) {
		done := make(chan string)
		go func() {
			rec := httptest.NewRecorder()
			req := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/jobs/"+job+"/stream", nil)
			req.Header.Set("Authorization", "Bearer alice")
			k.h.ServeHTTP(rec, req)
			done <- rec.Body.String()
		}()
		time.Sleep(20 * time.Second) // the bubble's clock
		store.end(codeforge.JobCompleted)
		k.hub.Nudge(codeforge.Event{JobID: job})
		if body := <-done; !strings.HasSuffix(body, "\n\n") || !strings.Contains(body, "event: complete\n") || !strings.Contains(body, "heartbeat") {
			t.Error(body)
		}
	})
}
