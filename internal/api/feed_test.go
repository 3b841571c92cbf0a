package api_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/api"
)

// frame is one event of a stream.
type frame struct{ ID, Event, Data string }

// frames reads the events of a stream as they come.
type frames struct {
	t    *testing.T
	r    *bufio.Reader
	body interface{ Close() error }
	text strings.Builder
}

// serve is the kit at an address.
func (k *kit) serve() *httptest.Server {
	srv := httptest.NewServer(k.h)
	k.Cleanup(func() {
		k.hub.Close()
		srv.Close()
	})
	return srv
}

func (k *kit) watch(srv *httptest.Server, path, after string) *frames {
	k.Helper()
	ctx, cancel := context.WithTimeout(k.Context(), time.Minute) // what never comes is a failure
	k.Cleanup(cancel)
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+path, nil)
	if err != nil {
		k.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer alice")
	if after != "" {
		req.Header.Set("Last-Event-ID", after)
	}
	resp, err := srv.Client().Do(req)
	if err != nil {
		k.Fatal(err)
	}
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" {
		k.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	k.Cleanup(func() { _ = resp.Body.Close() })
	return &frames{t: k.T, r: bufio.NewReader(resp.Body), body: resp.Body}
}

func (f *frames) next() (e frame) {
	f.t.Helper()
	for {
		line, err := f.r.ReadString('\n')
		if err != nil {
			f.t.Fatalf("%v after %s", err, f.text.String())
		}
		f.text.WriteString(line)
		switch name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), ": "); {
		case line == "\n" && e != frame{}:
			return e
		case name == "id":
			e.ID = value
		case name == "event":
			e.Event = value
		case name == "data":
			e.Data = value
		}
	}
}

func (f *frames) take(n int) (list []frame) {
	f.t.Helper()
	for range n {
		list = append(list, f.next())
	}
	return list
}

// story is what happens to a project in the tests of feeds: of it come so many events of the project, and of the user. What
// happens a second time is no change, so a project has one story.
func (k *kit) story(project string) (job string, ofProject, ofUser int) {
	k.Helper()
	k.file(project, "a.ts", "a")
	k.call("PUT", "/v1/projects/"+project, `{"title":"Cat walkers"}`).want(200)
	job = k.job(project, "code")
	f := k.claim(job)
	k.record(f, 10, progress(job, 10), event(codeforge.EventFile, `{"path":"b.ts"}`), event(codeforge.EventKept, `{"revision":2}`))
	k.keep(f, codeforge.FileChange{Path: "b.ts", Content: "b"})
	k.finish(f, codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100, Result: json.RawMessage(`{"files":[{"path":"b.ts"}]}`),
		Chat:   []codeforge.Message{{Role: "assistant", Content: "Done."}},
		Events: []codeforge.Event{event(codeforge.EventComplete, `{"job_id":"`+job+`","status":"completed","progress":100}`)}})
	k.hub.NudgeFeeds()
	// Changes: revision 1, title, job queued, that it runs, revision 2, message, that it runs no more, job completed; events 1 to 5.
	return job, 8 + 5, 1 + 4
}

// keys are events as lines, those of jobs and changes apart: between the two there is no order.
func ordered(list []frame) []string {
	var lines []string
	for _, f := range list {
		line := f.Event + " " + f.Data
		if f.Event == "message_deleted" || strings.Contains(line, `"is_thinking":true`) { // who comes late hears only that it is gone
			line = "thinking {}"
		}
		lines = append(lines, line)
	}
	isJob := func(line string) bool { return strings.Contains(line, `"seq":`) }
	slices.SortStableFunc(lines, func(a, b string) int {
		if isJob(a) == isJob(b) {
			return 0
		} else if isJob(a) {
			return 1
		}
		return -1
	})
	return lines
}

func TestFeedOfAProject(t *testing.T) {
	k := newKit(t)
	srv := k.serve()
	project := k.project()
	live := k.watch(srv, "/v1/projects/"+project+"/events", "")
	ready := live.next()
	if ready.Event != "ready" || ready.ID == "" || ready.Data != `{"project_id":"`+project+`","jobs":[],"more":false}` {
		t.Fatalf("%+v", ready)
	}
	job, n, _ := k.story(project)
	seen := live.take(n)
	var got []string
	for _, line := range ordered(seen) {
		name, text, _ := strings.Cut(line, " ")
		var data map[string]any
		if err := json.Unmarshal([]byte(text), &data); err != nil {
			t.Fatal(err)
		}
		if id := data["project_id"]; id != nil && id != project || data["seq"] != nil && data["job_id"] != job {
			t.Error(line)
		}
		for _, gone := range []string{"at", "created_at", "id", "project_id", "job_id"} {
			delete(data, gone)
		}
		rest, _ := json.Marshal(data)
		got = append(got, name+" "+string(rest))
	}
	want := []string{
		`revision {"author":"user","files_changed":1,"message":"Create a.ts","revision":1}`,
		`project {"fields":["title"]}`,
		`job {"agent_type":"code","status":"queued"}`,
		`thinking {}`,
		`revision {"author":"code","files_changed":1,"message":"","revision":2}`,
		`message {"content":"Done.","is_thinking":false,"metadata":null,"role":"assistant"}`,
		`thinking {}`,
		`job {"agent_type":"code","status":"completed"}`,
		`progress {"progress":0,"seq":1,"status":"queued"}`,
		`progress {"progress":10,"seq":2,"status":"running"}`,
		`file {"path":"b.ts","seq":3}`,
		`kept {"revision":2,"seq":4}`,
		`complete {"progress":100,"result":{"files":[{"content":"b","path":"b.ts"}]},"seq":5,"status":"completed"}`,
	}
	if !slices.Equal(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	// From the beginning of it, the same.
	again := k.watch(srv, "/v1/projects/"+project+"/events", ready.ID).take(n)
	if !slices.Equal(ordered(again), ordered(seen)) {
		t.Errorf("again\n%v\nfirst\n%v", ordered(again), ordered(seen))
	}
	// A stream that is open is told of words as they are produced, and of one's own messages.
	other := k.job(project, "qa")
	live.take(2) // it began
	k.hub.Publish(codeforge.Event{JobID: other, ProjectID: project, Type: codeforge.EventDelta, Data: json.RawMessage(`{"text":"x"}`)})
	if delta := live.next(); delta.ID != "" || delta.Event != "delta" || delta.Data != `{"text":"x","job_id":"`+other+`"}` {
		t.Errorf("%+v", delta)
	}
	// An archived project is still its owner's to watch.
	k.call("DELETE", "/v1/projects/"+project, "").want(200)
	if gone := live.next(); gone.Event != "project" || !strings.Contains(gone.Data, `"fields":["status"]`) {
		t.Errorf("%+v", gone)
	}
	if first := k.watch(srv, "/v1/projects/"+project+"/events", "").next(); first.Event != "ready" || !strings.Contains(first.Data, other) {
		t.Errorf("%+v", first)
	}
}

func TestFeedOfAUser(t *testing.T) {
	k := newKit(t)
	srv := k.serve()
	one, two := k.project(), k.project()
	waiting := k.job(one, "qa")
	live := k.watch(srv, "/v1/events", "")
	if ready := live.next(); ready.Event != "ready" || !strings.Contains(ready.Data, `"id":"`+waiting+`"`) || !strings.Contains(ready.Data, `"status":"queued"`) {
		t.Fatalf("%+v", ready)
	}
	job, _, n := k.story(two)
	var got []string
	for _, f := range live.take(n) {
		if f.ID == "" || !strings.Contains(f.Data, job) {
			t.Errorf("%+v", f)
		}
		got = append(got, f.Event)
		if f.Event == "job" && !strings.Contains(f.Data, two) || f.Event == "complete" && strings.Contains(f.Data, "result") {
			t.Errorf("%+v", f)
		}
	}
	if want := []string{"job", "progress", "progress", "kept", "complete"}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	k.call("POST", "/v1/jobs/"+waiting+"/cancel", "").want(200)
	if f := live.next(); f.Event != "cancelled" || !strings.Contains(f.Data, waiting) {
		t.Errorf("%+v", f)
	}
}

// A stream that is cut at any byte loses and doubles nothing, when its reader comes back with the last id that it saw whole.
func TestFeedsCutAtEachByte(t *testing.T) {
	k := newKit(t)
	srv := k.serve()
	project := k.project()
	for _, path := range []string{"/v1/projects/" + project + "/events", "/v1/events"} {
		start := k.watch(srv, path, "").next().ID
		_, n, ofUser := k.story(project)
		if path == "/v1/events" {
			n = ofUser
		}
		whole := k.watch(srv, path, start)
		all := whole.take(n)
		text, tails := whole.text.String(), map[string][]frame{}
		for cut := range len(text) {
			var seen []frame
			last := start
			for block := range strings.SplitAfterSeq(text[:cut], "\n\n") {
				if !strings.HasSuffix(block, "\n\n") {
					break
				}
				seen = append(seen, all[len(seen)])
				last = seen[len(seen)-1].ID
			}
			if tails[last] == nil && len(seen) < n {
				tails[last] = k.watch(srv, path, last).take(n - len(seen))
			}
			if got := append(seen, tails[last]...); !slices.Equal(ordered(got), ordered(all)) {
				t.Fatalf("%s cut at %d: %v, want %v", path, cut, ordered(got), ordered(all))
			}
		}
	}
}

// A project that is deleted ends its feed, and its user hears of the jobs that it took along.
func TestFeedsOfADeletedProject(t *testing.T) {
	k := newKit(t)
	srv := k.serve()
	p := k.project()
	k.file(p, "a.ts", "a")
	job := k.job(p, "code")
	ofProject, ofUser := k.watch(srv, "/v1/projects/"+p+"/events", ""), k.watch(srv, "/v1/events", "")
	ofUser.next() // ready
	k.call("DELETE", "/v1/projects/"+p+"?permanent=true", "", `If-Match: "7"`).fails(409, "CONFLICT")
	k.call("DELETE", "/v1/projects/"+p+"?permanent=true", "", `If-Match: "1"`).want(200).keys("message project_id")
	for e := ofProject.next(); e.Event != "dropped"; e = ofProject.next() {
	}
	for e := ofUser.next(); e.Event != "cancelled"; e = ofUser.next() {
	}
	for _, path := range []string{"/v1/projects/" + p, "/v1/projects/" + p + "/files", "/v1/projects/" + p + "/files/a.ts", "/v1/projects/" + p + "/revisions/1", "/v1/jobs/" + job, "/v1/jobs/" + job + "/stream", "/v1/projects/" + p + "/events"} {
		k.call("GET", path, "").fails(404, "RESOURCE_NOT_FOUND")
	}
	k.call("DELETE", "/v1/projects/"+p+"?permanent=true", "").fails(404, "RESOURCE_NOT_FOUND")
	if n := k.call("GET", "/v1/projects/?status=archived", "").want(200).object()["total"]; n != 0.0 {
		t.Error(n)
	}
}

func TestFeedsAreRefused(t *testing.T) {
	k := newKit(t)
	project := k.project()
	path := "/v1/projects/" + project + "/events"
	bob := "Authorization: Bearer bob"
	k.call("GET", path, "", bob).fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", "/v1/projects/"+codeforge.NewID()+"/events", "").fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", path, "", "Authorization:").fails(401, "AUTHENTICATION_ERROR")
	k.call("GET", "/v1/events", "", "Authorization:").fails(401, "AUTHENTICATION_ERROR")
	k.call("GET", "/v1/events?access_token=mallory", "", "Authorization:").fails(401, "AUTHENTICATION_ERROR")
	k.call("HEAD", "/v1/events?access_token=alice", "", "Authorization:").want(200)
	for _, bad := range []string{"x", "1", strings.Repeat("A", 5000), "AQ", "AQAAAAAA"} {
		if d := k.call("GET", path+"?after="+bad, "").fails(400, "VALIDATION_ERROR"); d["field"] != "after" {
			t.Error(d)
		}
		if d := k.call("GET", "/v1/events", "", "Last-Event-ID: "+bad).fails(400, "VALIDATION_ERROR"); d["field"] != "Last-Event-ID" {
			t.Error(d)
		}
	}
	few := newKit(t, func(o *api.Options) { o.MaxStreamsUser = 1 })
	srv := few.serve()
	few.watch(srv, "/v1/events", "").next()
	few.call("GET", "/v1/events", "").fails(429, "RATE_LIMIT_EXCEEDED")
}

// A stream ends when its token does, and says so; nothing of another user is in it.
func TestFeedEndsWithItsToken(t *testing.T) {
	var over atomic.Bool
	k := newKit(t, func(o *api.Options) {
		o.Auth = func(r *http.Request) (codeforge.User, error) {
			if over.Load() {
				return codeforge.User{}, &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "Token has expired"}
			}
			return authByName(r)
		}
	})
	k.project()
	// The store writes outside of the bubble: that this log is read first.
	if _, err := k.store.UserChanges(t.Context(), codeforge.User{ID: alice}, -1, 1); err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) {
		done := make(chan string)
		go func() {
			rec := httptest.NewRecorder()
			req := httptest.NewRequestWithContext(t.Context(), "GET", "/v1/events", nil)
			req.Header.Set("Authorization", "Bearer alice")
			k.h.ServeHTTP(rec, req)
			done <- rec.Body.String()
		}()
		time.Sleep(50 * time.Second) // the bubble's clock
		over.Store(true)
		if body := <-done; !strings.HasSuffix(body, "event: dropped\ndata: {\"reason\":\"Token has expired\"}\n\n") {
			t.Error(body)
		}
	})
}

// reads counts how often a job is read.
type reads struct {
	api.Store
	jobs atomic.Int32
}

func (r *reads) GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	r.jobs.Add(1)
	return r.Store.GetJob(ctx, u, id)
}

func TestJobIsWaitedFor(t *testing.T) {
	store := &reads{}
	k := newKit(t, func(o *api.Options) { store.Store, o.Store = o.Store, store })
	project := k.project()
	job := k.job(project, "qa")
	url := "/v1/jobs/" + job
	first := k.call("GET", url, "").want(200)
	tag := first.Header.Get("ETag")
	if k.call("GET", url, "", "If-None-Match: "+tag).want(304).Body != "" || tag == "" {
		t.Errorf("tag %q", tag)
	}
	for _, bad := range []string{"x", "0", "0s", "61", "61s", "-1s", "999ms", "1h", "1e9"} {
		if d := k.call("GET", url+"?wait="+bad, "").fails(400, "VALIDATION_ERROR"); d["field"] != "wait" {
			t.Error(d)
		}
	}
	k.call("GET", url+"?wait=30s", "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	f := k.claim(job)
	// wait asks within a bubble, does what is to happen after ten seconds, and says how long the answer took.
	wait := func(query, tag string, happens func()) (a answer, took time.Duration, read int32) {
		synctest.Test(t, func(t *testing.T) {
			began, before := time.Now(), store.jobs.Load()
			done := make(chan *httptest.ResponseRecorder)
			go func() {
				rec := httptest.NewRecorder()
				req := httptest.NewRequestWithContext(t.Context(), "GET", url+query, nil)
				req.Header.Set("Authorization", "Bearer alice")
				req.Header.Set("If-None-Match", tag)
				k.h.ServeHTTP(rec, req)
				done <- rec
			}()
			time.Sleep(10 * time.Second)
			if happens != nil {
				happens()
			}
			rec := <-done
			a, took, read = answer{k.T, rec.Code, rec.Header(), rec.Body.String()}, time.Since(began), store.jobs.Load()-before
		})
		return a, took, read
	}
	told := func(e codeforge.Event) func() { return func() { e.JobID = job; k.hub.Publish(e) } }
	running := k.call("GET", url, "").want(200).Header.Get("ETag")
	for name, c := range map[string]struct {
		query, tag string
		happens    func()
		status     int
		took       time.Duration
		most       int32 // reads
	}{
		"nothing happens":                    {"?wait=30s", "", nil, 200, 30 * time.Second, 3},
		"nothing happens, seconds":           {"?wait=20", running, nil, 304, 20 * time.Second, 3},
		"what happens is not its state":      {"?wait=30s", "", told(codeforge.Event{Type: codeforge.EventTool, Seq: 9}), 200, 30 * time.Second, 3},
		"it is looked at and has not change": {"?wait=30s", running, told(codeforge.Event{Type: codeforge.EventProgress, Seq: 9}), 304, 30 * time.Second, 4},
		"it differs already":                 {"?wait=30s", tag, nil, 200, 10 * time.Second, 1},
	} {
		a, took, read := wait(c.query, c.tag, c.happens)
		if a.want(c.status); took != c.took || read > c.most {
			t.Errorf("%s: %v, %d reads", name, took, read)
		}
	}
	// The store works outside of bubbles, those who wait are told inside.
	work, worked := make(chan func() []codeforge.Event), make(chan []codeforge.Event)
	defer close(work)
	go func() {
		for do := range work {
			worked <- do()
		}
	}()
	commit := func(do func() []codeforge.Event) func() {
		return func() {
			work <- do
			k.hub.Publish(<-worked...)
		}
	}
	a, took, _ := wait("?wait=30s", running, commit(func() []codeforge.Event {
		stored, err := k.store.RecordEvents(t.Context(), f, 40, []codeforge.Event{progress(job, 40)})
		if err != nil {
			t.Error(err)
		}
		return stored
	}))
	if a.want(200); took != 10*time.Second || a.object()["progress"] != 40.0 {
		t.Errorf("%v %s", took, a.Body)
	}
	a, took, _ = wait("?wait=1m", "", commit(func() []codeforge.Event {
		done, err := k.store.FinishJob(t.Context(), f, codeforge.Outcome{Status: codeforge.JobFailed, Error: "no", Events: []codeforge.Event{event(codeforge.EventError, `{}`)}})
		if err != nil {
			t.Error(err)
		}
		return done.Events
	}))
	if a.want(200); took != 10*time.Second || a.object()["status"] != "failed" {
		t.Errorf("%v %s", took, a.Body)
	}
	if k.call("GET", url+"?wait=30s", "").want(200).object()["status"] != "failed" { // at once
		t.Error("another state")
	}
	// A server that stops answers with what there is.
	other := k.job(project, "qa")
	url = "/v1/jobs/" + other
	if a, took, _ = wait("?wait=30s", "", k.hub.Close); took != 10*time.Second {
		t.Errorf("%v %s", took, a.Body)
	}
	if a.want(200).object()["status"] != "queued" {
		t.Error(fmt.Sprint(a.Body))
	}
}
