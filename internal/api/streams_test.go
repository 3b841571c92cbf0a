package api_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/stream"
)

// listen serves a kit over real connections, whose requests are written by hand.
func (k *kit) listen() (open func(path string, headers ...string) *http.Response) {
	k.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		k.Fatal(err)
	}
	srv := &http.Server{Handler: k.h}
	go func() { _ = srv.Serve(l) }()
	k.Cleanup(func() { _ = srv.Close() })
	return func(path string, headers ...string) *http.Response {
		k.Helper()
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			k.Fatal(err)
		}
		k.Cleanup(func() { _ = c.Close() })
		if headers == nil {
			headers = []string{"Authorization: Bearer alice"}
		}
		fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: example.com\r\n%s\r\n\r\n", path, strings.Join(headers, "\r\n"))
		resp, err := http.ReadResponse(bufio.NewReaderSize(c, 1024), nil)
		if err != nil {
			k.Fatal(err)
		}
		return resp
	}
}

// wantFrames reads frames from a stream.
func wantFrames(t *testing.T, resp *http.Response, want string) {
	t.Helper()
	b := make([]byte, len(want))
	if n, err := io.ReadFull(resp.Body, b); err != nil || string(b) != want {
		t.Fatalf("read %q, %v, want %q", b[:n], err, want)
	}
}

// await spins until something is true, which it is in a moment.
func await(t *testing.T, what string, is func() bool) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !is(); runtime.Gosched() {
		if time.Now().After(deadline) {
			t.Fatal("never: " + what)
		}
	}
}

func TestIdleStreamsHoldNoGoroutine(t *testing.T) {
	const n = 2000
	streams := new(stream.Server)
	k := newKit(t, func(o *api.Options) { o.Streams, o.Log = streams, nil })
	job := k.job(k.project(), "qa")
	f := k.claim(job)
	open := k.listen()
	before := runtime.NumGoroutine()
	all := make([]*http.Response, n)
	for i := range all {
		all[i] = open("/v1/jobs/"+job+"/stream", "Authorization: Bearer alice", "Last-Event-ID: 1")
	}
	await(t, "few goroutines", func() bool { return runtime.NumGoroutine() < before+50 })
	if s := streams.Stats(); s.Open != n || s.Handled != 0 {
		t.Fatalf("%+v", s)
	}
	k.record(f, 30, progress(job, 30))
	data := `{"job_id":"` + job + `","status":"running","progress":30}`
	for _, resp := range all {
		wantFrames(t, resp, "event: progress\ndata: "+data+"\n\nid: 2\ndata: "+data+"\n\n")
	}
	await(t, "few goroutines", func() bool { return runtime.NumGoroutine() < before+50 })
	streams.Close(t.Context())
	for _, resp := range all {
		if b, err := io.ReadAll(resp.Body); err != nil || !strings.HasPrefix(string(b), "event: dropped\n") {
			t.Fatalf("%q %v", b, err)
		}
	}
	if s := streams.Stats(); s.Open != 0 {
		t.Errorf("%+v", s)
	}
}

// What a stream says on a connection that was taken over is what it says otherwise: the same header, and the same events, be
// they stored before, or while it is open.
func TestTakenOverStreams(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.RateLimit, o.AllowedOrigins = 1000, []string{"https://app.example.com"} })
	job := k.job(k.project(), "qa")
	f := k.claim(job)
	large := strings.Repeat("x", 1000)
	add := func(n int) {
		var more []codeforge.Event
		for i := range n {
			more = append(more, event(codeforge.EventTool, fmt.Sprintf(`{"n":%d,"text":"%s"}`, i, large)))
		}
		k.record(f, 30, more...)
	}
	add(450) // more than a page, and more than is written at once
	open := k.listen()
	url := "/v1/jobs/" + job + "/stream"
	live := open(url, "Authorization: Bearer alice", "Origin: https://app.example.com", "X-Request-ID: mine")
	resumed := open(url, "Authorization: Bearer alice", "Last-Event-ID: 200")
	unknown := open(url, "Authorization: Bearer alice", "Last-Event-ID: 100000")
	add(50)
	k.finish(f, codeforge.Outcome{Status: codeforge.JobFailed, Error: "no", Events: []codeforge.Event{event(codeforge.EventError, `{"job_id":"`+job+`","status":"failed","error":"no"}`)}})
	want := k.call("GET", url, "", "Origin: https://app.example.com", "X-Request-ID: mine").want(200)
	for name, resp := range map[string]*http.Response{"": live, "100000": unknown, "200": resumed} {
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if all := k.call("GET", url, "", "Last-Event-ID: "+strings.ReplaceAll(name, "100000", "")).Body; string(body) != all {
			t.Errorf("after %q: %d bytes, want %d", name, len(body), len(all))
		}
	}
	got := live.Header.Clone()
	if live.TransferEncoding[0] != "chunked" || got.Get("Date") == "" {
		t.Error(live.TransferEncoding, got)
	}
	got.Del("Date")
	for _, h := range []http.Header{got, want.Header} {
		h.Del("X-Ratelimit-Remaining")
		h.Del("X-Ratelimit-Reset")
		h.Del("Connection") // it tells what the client asked for
	}
	if fmt.Sprint(got) != fmt.Sprint(want.Header) || got.Get("Access-Control-Allow-Origin") == "" || got.Get("X-Content-Type-Options") == "" || got.Get("X-Request-Id") != "mine" {
		t.Errorf("header\n%v, want\n%v", got, want.Header)
	}
}

// Streams count for their user and their address until they end, and only then.
func TestStreamsAreBounded(t *testing.T) {
	streams := new(stream.Server)
	k := newKit(t, func(o *api.Options) { o.Streams, o.MaxStreamsUser, o.MaxStreamsAddress, o.Log = streams, 2, 3, nil })
	open := k.listen()
	job := k.job(k.project(), "qa")
	url := "/v1/jobs/" + job + "/stream"
	stay := []*http.Response{open(url), open(url)}
	refused := func(who, whose string, most int) {
		t.Helper()
		resp := open(url, "Authorization: Bearer "+who)
		body, _ := io.ReadAll(resp.Body)
		if resp.StatusCode != 429 || resp.Header.Get("Retry-After") != "30" || !strings.Contains(string(body), `"RATE_LIMIT_EXCEEDED"`) ||
			!strings.Contains(string(body), fmt.Sprintf("%d event streams are open, as many as one %s may have", most, whose)) {
			t.Errorf("%d %v %s", resp.StatusCode, resp.Header, body)
		}
	}
	refused("alice", "user", 2)
	bobs := k.call("POST", "/v1/projects/", `{"title":"Bob's app"}`, "Authorization: Bearer bob").want(200).object()["id"].(string)
	bobsJob := k.call("POST", "/v1/run-agent", `{"project_id":"`+bobs+`","agent_type":"qa"}`, "Authorization: Bearer bob").want(200).object()["job_id"].(string)
	bob := open("/v1/jobs/"+bobsJob+"/stream", "Authorization: Bearer bob")
	if bob.StatusCode != 200 {
		t.Fatal(bob.Status)
	}
	refused("bob", "address", 3)
	k.call("POST", "/v1/jobs/"+job+"/cancel", "").want(200)
	for _, resp := range stay {
		if _, err := io.ReadAll(resp.Body); err != nil {
			t.Error(err)
		}
	}
	await(t, "ended", func() bool { return streams.Stats().Open == 1 })
	// What opens none counts for none.
	for _, c := range []struct {
		method, url, header string
		status              int
	}{
		{"GET", url, "", 200}, {"HEAD", url, "", 200}, {"GET", url, "Last-Event-ID: 2", 204}, {"GET", url, "Last-Event-ID: x", 400}, {"GET", url + "?token=x", "Authorization:", 401},
		{"GET", "/v1/jobs/" + bobsJob + "/stream", "", 404}, {"GET", "/v1/jobs/" + codeforge.NewID() + "/stream", "", 404},
	} {
		for range 4 {
			k.call(c.method, c.url, "", c.header).want(c.status)
		}
		if s := streams.Stats(); s.Open != 1 {
			t.Errorf("%+v: %+v", c, s)
		}
	}
}

// faulty is a store that stops to answer.
type faulty struct {
	api.Store
	broken atomic.Bool
}

func (s *faulty) Events(ctx context.Context, u codeforge.User, id string, after int64, limit int) ([]codeforge.Event, error) {
	if s.broken.Load() {
		return nil, errors.New("the disk is gone")
	}
	return s.Store.Events(ctx, u, id, after, limit)
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// A stream is in the log when it begins, and again when it ends in trouble; its reader, who is told nothing of it, sees that it
// is not at its end.
func TestStreamsInTheLog(t *testing.T) {
	store, log := &faulty{}, &lines{}
	k := newKit(t, func(o *api.Options) {
		store.Store, o.Store, o.Log = o.Store, store, slog.New(slog.NewJSONHandler(log, nil))
	})
	open := k.listen()
	job := k.job(k.project(), "qa")
	resp := open("/v1/jobs/"+job+"/stream", "Authorization: Bearer alice", "X-Request-ID: mine")
	await(t, "a line", func() bool { return strings.Contains(log.String(), `"request_id":"mine"`) })
	if line := log.String(); !strings.Contains(line, `"status":200`) || !strings.Contains(line, `"job_id":"`+job+`"`) || strings.Contains(line, `"bytes":0`) {
		t.Error(line)
	}
	store.broken.Store(true)
	k.hub.Nudge(codeforge.Event{JobID: job})
	if b, err := io.ReadAll(resp.Body); !errors.Is(err, io.ErrUnexpectedEOF) || strings.Contains(string(b), "disk") {
		t.Errorf("%q %v", b, err)
	}
	await(t, "a line", func() bool { return strings.Contains(log.String(), "the disk is gone") })
	if line := log.String(); !strings.Contains(line, `"level":"ERROR","msg":"stream ended","request_id":"mine"`) {
		t.Error(line)
	}
}

// One who comes by an alias of a job sees what happens from then on.
func TestStreamOfAnAlias(t *testing.T) {
	k := newKit(t)
	job := k.job(k.project(), "qa")
	k.finish(k.claim(job), codeforge.Outcome{Status: codeforge.Waiting, Question: []byte(`[{"question":"which"}]`),
		Events: []codeforge.Event{event(codeforge.EventWaiting, `{"job_id":"`+job+`","status":"waiting_for_input","progress":50}`)}})
	alias := k.call("POST", "/v1/jobs/"+job+"/respond", `{"answers":[{"question":"which","answer":"this"}]}`).want(200).object()["job_id"].(string)
	if alias == job {
		t.Fatal("no alias")
	}
	resp := k.listen()("/v1/jobs/"+alias+"/stream", "Authorization: Bearer alice", "Last-Event-ID: 2")
	go k.call("POST", "/v1/jobs/"+job+"/cancel", "")
	if b, err := io.ReadAll(resp.Body); err != nil || !strings.Contains(string(b), "event: cancelled\n") {
		t.Errorf("%q %v", b, err)
	}
}
