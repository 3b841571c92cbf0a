package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/api/apitest"
	"codeforge/internal/auth"
	"codeforge/internal/events"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
	"codeforge/internal/storetest"
	"codeforge/internal/verify"
)

// Two users; what one has, the other must not see.
const (
	alice = "0198c0de-0000-7000-8000-00000000a11c"
	bob   = "0198c0de-0000-7000-8000-00000000000b"
)

// shapes is the document that answers are judged by.
var shapes = apitest.Shared(func() ([]byte, error) { return api.Spec(api.Options{}) })

// authByName knows "Bearer alice" and "Bearer bob".
func authByName(r *http.Request) (codeforge.User, error) {
	switch r.Header.Get("Authorization") {
	case "":
		return codeforge.User{}, &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "Authorization header required"}
	case "Bearer alice":
		return codeforge.User{ID: alice, Role: "authenticated"}, nil
	case "Bearer bob":
		return codeforge.User{ID: bob, Role: "authenticated"}, nil
	}
	return codeforge.User{}, &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "Invalid token"}
}

// engine is a job engine without workers: it stores and publishes.
type engine struct {
	store *sqlite.Store
	hub   *events.Hub
	full  bool
	fail  error
	work  func(codeforge.Job) // stands in for a worker; nil: there is none
}

func (e *engine) Submit(ctx context.Context, u codeforge.User, n codeforge.NewJob) (codeforge.Job, bool, error) {
	if e.fail != nil {
		return codeforge.Job{}, false, e.fail
	}
	if e.full {
		return codeforge.Job{}, false, &codeforge.Error{Kind: codeforge.QueueFull, Message: "The queue is full", RetryAfter: 7e9}
	}
	j, fresh, _, err := e.store.SubmitJob(ctx, u, n)
	e.publish(codeforge.Finished{Job: j})
	if e.work != nil && err == nil && fresh {
		go e.work(j)
	}
	return j, fresh, err
}

// publish tells of a commit, as the engine does.
func (e *engine) publish(f codeforge.Finished) {
	for _, ev := range append(f.Events, codeforge.Event{}) {
		ev.ProjectID, ev.UserID = f.Job.ProjectID, f.Job.UserID
		e.hub.Publish(ev)
	}
}

func (e *engine) Changed(_, projectID string) { e.hub.Publish(codeforge.Event{ProjectID: projectID}) }

func (e *engine) Cancel(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	f, err := e.store.CancelJob(ctx, u, id)
	e.publish(f)
	return f.Job, err
}

func (e *engine) TakeBack(ctx context.Context, u codeforge.User, id string, undo codeforge.TreeChange) (codeforge.Job, error) {
	f, err := e.store.TakeBackJob(ctx, u, id, undo)
	e.publish(f)
	return f.Job, err
}

func (e *engine) Apply(ctx context.Context, u codeforge.User, id string, a codeforge.Application) (codeforge.Job, error) {
	f, err := e.store.ApplyProposal(ctx, u, id, a)
	e.publish(f)
	return f.Job, err
}

func (e *engine) Reject(ctx context.Context, u codeforge.User, id string, chat []codeforge.Message) (codeforge.Job, error) {
	f, err := e.store.RejectProposal(ctx, u, id, chat)
	e.publish(f)
	return f.Job, err
}

func (e *engine) DeleteProject(ctx context.Context, u codeforge.User, id string, ifRevision *int64) error {
	deleted, err := e.store.DeleteProject(ctx, u, id, ifRevision)
	for _, f := range deleted.Ended {
		e.publish(f)
	}
	e.Changed(u.ID, id)
	return err
}

func (e *engine) Places(ctx context.Context, ids []string) map[string]codeforge.QueuePlace {
	places, _ := e.store.QueuePlaces(ctx, ids, codeforge.ClaimPolicy{})
	return places
}

func (e *engine) Respond(ctx context.Context, u codeforge.User, id string, answers []byte) (string, error) {
	alias := codeforge.NewID()
	f, err := e.store.RespondJob(ctx, u, id, alias, answers)
	e.publish(f)
	return alias, err
}

type kit struct {
	*testing.T
	h     http.Handler
	store *sqlite.Store
	hub   *events.Hub
	jobs  *engine
	log   *bytes.Buffer
}

// newKit is a server on a real store of its own, with change applied to its options.
func newKit(t *testing.T, change ...func(*api.Options)) *kit {
	t.Helper()
	store, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	k := &kit{T: t, store: store, hub: events.NewHub(), log: &bytes.Buffer{}}
	k.jobs = &engine{store: store, hub: k.hub}
	o := api.Options{Store: store, Jobs: k.jobs, Hub: k.hub, Auth: authByName, Log: slog.New(slog.NewJSONHandler(k.log, nil)),
		Check: func(_ context.Context, _ string, t verify.Tree) (verify.Report, error) {
			return verify.Report{OK: true, Files: t.Len(), Entries: []string{"src/main.ts"}}, nil
		},
		Model: func() string { return "scaffold" }, StoreName: "sqlite", Isolation: "application", StreamKeys: auth.NewKeyring([]byte(strings.Repeat("s", 32)))}
	for _, c := range change {
		c(&o)
	}
	k.h = api.New(o)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("log:\n%s", k.log)
		}
	})
	return k
}

// answer is what came back.
type answer struct {
	t      *testing.T
	Status int
	Header http.Header
	Body   string
}

// call sends one request as alice. Headers are "Name: value"; "Authorization:" alone takes the token away.
func (k *kit) call(method, target, body string, headers ...string) answer {
	k.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req := httptest.NewRequestWithContext(k.Context(), method, target, r)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	req.Header.Set("Authorization", "Bearer alice")
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ":")
		req.Header.Del(name)
		if value = strings.TrimSpace(value); value != "" {
			req.Header.Set(name, value)
		}
	}
	return k.do(req)
}

func (k *kit) do(req *http.Request) answer {
	k.Helper()
	w := httptest.NewRecorder()
	k.h.ServeHTTP(w, req)
	if err := shapes().Answer(req, w.Code, w.Header(), w.Body.Bytes()); err != nil {
		k.Error(err)
	}
	return answer{k.T, w.Code, w.Header(), w.Body.String()}
}

func (a answer) want(status int) answer {
	a.t.Helper()
	if a.Status != status {
		a.t.Fatalf("status %d, want %d: %s", a.Status, status, a.Body)
	}
	return a
}

func (a answer) object() map[string]any {
	a.t.Helper()
	var m map[string]any
	if err := json.Unmarshal([]byte(a.Body), &m); err != nil {
		a.t.Fatalf("not an object: %v: %s", err, a.Body)
	}
	return m
}

// keys checks that the answer has these members and no others.
func (a answer) keys(names string) map[string]any {
	a.t.Helper()
	m := a.object()
	wantKeys(a.t, m, names)
	return m
}

func wantKeys(t *testing.T, v any, names string) {
	t.Helper()
	m, ok := v.(map[string]any)
	if !ok {
		t.Fatalf("%v is no object", v)
	}
	var have []string
	for k := range m {
		have = append(have, k)
	}
	want := strings.Fields(names)
	slices.Sort(have)
	slices.Sort(want)
	if !slices.Equal(have, want) {
		t.Errorf("keys\n%v, want\n%v", have, want)
	}
}

// fails checks status and code, and returns the details.
func (a answer) fails(status int, code string) map[string]any {
	a.t.Helper()
	a.want(status)
	m := a.object()
	if m["error"] != code {
		a.t.Fatalf("error %v, want %s: %s", m["error"], code, a.Body)
	}
	if id := a.Header.Get("X-Request-Id"); m["request_id"] != id || id == "" {
		a.t.Errorf("request_id %v, header %q", m["request_id"], id)
	}
	d, ok := m["details"].(map[string]any)
	if !ok {
		a.t.Fatalf("details is no object: %s", a.Body)
	}
	return d
}

// fields checks a 422 and returns "field type" of each finding, sorted.
func (a answer) fields() []string {
	a.t.Helper()
	var out []string
	list, _ := a.fails(422, "VALIDATION_ERROR")["errors"].([]any)
	for _, e := range list {
		wantKeys(a.t, e, "field message type")
		m := e.(map[string]any)
		out = append(out, m["field"].(string)+" "+m["type"].(string))
	}
	slices.Sort(out)
	return out
}

func (k *kit) wantFields(a answer, want ...string) {
	k.Helper()
	slices.Sort(want)
	if got := a.fields(); !slices.Equal(got, want) {
		k.Errorf("findings %q, want %q\n%s", got, want, a.Body)
	}
}

// project makes one for alice and returns its id.
func (k *kit) project() string {
	k.Helper()
	return k.call("POST", "/v1/projects/", `{"title":"Dog walkers"}`).want(200).object()["id"].(string)
}

func (k *kit) file(project, path, content string) {
	k.Helper()
	b, _ := json.Marshal(map[string]string{"path": path, "content": content})
	k.call("POST", "/v1/projects/"+project+"/files", string(b)).want(200)
}

// job submits one and returns its id.
func (k *kit) job(project, agent string) string {
	k.Helper()
	return k.call("POST", "/v1/run-agent", `{"project_id":"`+project+`","agent_type":"`+agent+`"}`).want(200).object()["job_id"].(string)
}

// claim makes the test the worker of a job.
func (k *kit) claim(id string) codeforge.Fence {
	k.Helper()
	j, ok, err := storetest.Claim(k.Context(), k.store, id, "test", 60e9)
	if err != nil || !ok {
		k.Fatalf("claim: %v %v", ok, err)
	}
	return codeforge.Fence{JobID: j.ID, Number: j.Fence}
}

// record stores events of a claimed job and publishes them.
func (k *kit) record(f codeforge.Fence, progress float64, list ...codeforge.Event) {
	k.Helper()
	stored, err := k.store.RecordEvents(k.Context(), f, progress, list)
	if err != nil {
		k.Fatal(err)
	}
	k.hub.Publish(stored...)
}

// keep stores changes of a job to its project as it is now.
func (k *kit) keep(f codeforge.Fence, changes ...codeforge.FileChange) {
	k.Helper()
	p, err := k.store.ProjectForJob(k.Context(), f)
	if err == nil {
		_, err = k.store.KeepStage(k.Context(), f, codeforge.StageResult{Stage: codeforge.Code, Base: p.Revision, Changes: changes})
	}
	if err != nil {
		k.Fatal(err)
	}
}

func (k *kit) finish(f codeforge.Fence, o codeforge.Outcome) {
	k.Helper()
	done, err := k.store.FinishJob(k.Context(), f, o)
	if err != nil {
		k.Fatal(err)
	}
	k.hub.Publish(done.Events...)
}

func event(kind codeforge.EventType, data string) codeforge.Event {
	return codeforge.Event{Type: kind, Data: json.RawMessage(data)}
}
