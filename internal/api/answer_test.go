package api_test

import (
	"context"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/api"
)

// A request whose work is a job is answered by what the job came to.
func TestAnswersByJobs(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.MaxStreamsUser = 1 })
	project := k.call("POST", "/v1/projects/", `{"title":"Dog walkers","mode":"student"}`).want(200).object()["id"].(string)
	path := "/v1/student/" + project + "/choice"
	const body = `{"decision_context":"localStorage or a database?","module_index":0}`
	ends := func(o codeforge.Outcome) {
		k.jobs.work = func(j codeforge.Job) {
			f := k.claim(j.ID)
			k.record(f, 10, event(codeforge.EventProgress, `{}`), event(codeforge.EventStage, `{}`))
			k.finish(f, o)
		}
	}
	fails := func(f codeforge.JobFailure) {
		ends(codeforge.Outcome{Status: codeforge.JobFailed, Error: f.Error, Events: []codeforge.Event{{Type: codeforge.EventError, Data: f.Marshal()}}})
	}

	const result = `{"context":"c","options":[],"recommendation":"r","usage":{}}`
	ends(codeforge.Outcome{Status: codeforge.JobCompleted, Result: []byte(result), Events: []codeforge.Event{event(codeforge.EventComplete, `{}`)}})
	if a := k.call("POST", path, body, "Idempotency-Key: one").want(200); a.Body != result || a.Header.Get("Location") != "" {
		t.Errorf("%s %v", a.Body, a.Header)
	}
	if a := k.call("POST", path, body, "Idempotency-Key: one").want(200); a.Body != result || a.Header.Get("Idempotent-Replayed") != "true" {
		t.Errorf("again: %s %v", a.Body, a.Header)
	}
	k.call("POST", path, strings.Replace(body, "0", "1", 1), "Idempotency-Key: one").fails(409, "CONFLICT")

	for _, c := range []struct {
		f      codeforge.JobFailure
		status int
		code   string
		detail string
		is     any
	}{
		{codeforge.JobFailure{Error: "No"}, 500, "AGENT_EXECUTION_ERROR", "agent", "choice"},
		{codeforge.JobFailure{Error: "No", Kind: codeforge.AgentFailed, Details: map[string]any{"agent": "choice", "reason": "refusal"}}, 500, "AGENT_EXECUTION_ERROR", "reason", "refusal"},
		{codeforge.JobFailure{Error: "No", Kind: codeforge.External, Details: map[string]any{"service": "p"}}, 503, "EXTERNAL_SERVICE_ERROR", "service", "p"},
		{codeforge.JobFailure{Error: "No", Kind: codeforge.RateLimited, RetryAfterMS: 7000}, 429, "RATE_LIMIT_EXCEEDED", "retry_after", 7.0},
		{codeforge.JobFailure{Error: "No", Kind: codeforge.Invalid, Details: map[string]any{"field": "x"}}, 400, "VALIDATION_ERROR", "field", "x"},
	} {
		fails(c.f)
		a := k.call("POST", path, body)
		if d := a.fails(c.status, c.code); d[c.detail] != c.is || d["job_id"] == nil || a.object()["message"] != "No" {
			t.Errorf("%+v: %s", c.f, a.Body)
		}
	}

	k.jobs.work = func(j codeforge.Job) { _, _ = k.jobs.Cancel(k.Context(), codeforge.User{ID: alice}, j.ID) }
	if d := k.call("POST", path, body).fails(409, "CONFLICT"); d["job_id"] == nil {
		t.Error(d)
	}
	ends(codeforge.Outcome{Status: codeforge.Waiting, Question: []byte(`[{"question":"q"}]`), Events: []codeforge.Event{event(codeforge.EventWaiting, `{}`)}})
	if a := k.call("POST", path, body).want(202); a.object()["status"] != "waiting_for_input" {
		t.Error(a.Body)
	}
	k.jobs.full = true
	k.call("POST", path, body).fails(429, "QUEUE_FULL")
	k.jobs.full = false

	// Whoever leaves leaves the job, and gives back the place of a stream that it had.
	ctx, leave := context.WithCancelCause(t.Context())
	k.jobs.work = func(codeforge.Job) { leave(errors.New("gone")) }
	req := httptest.NewRequestWithContext(ctx, "POST", path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer alice")
	k.do(req)
	jobs := k.call("GET", "/v1/jobs/"+project+"/list?limit=1", "").want(200).object()["jobs"].([]any)
	if jobs[0].(map[string]any)["status"] != "queued" {
		t.Error(jobs)
	}
	// One too many is refused before there is a job.
	k.jobs.work = func(codeforge.Job) {
		total := func() any { return k.call("GET", "/v1/jobs/"+project+"/list", "").want(200).object()["total"] }
		before := total()
		k.call("POST", path, body).fails(429, "RATE_LIMIT_EXCEEDED")
		if total() != before {
			t.Error("a job without anybody who waits for it")
		}
		k.hub.Close() // the server stops: who waits is told where to go on
	}
	a := k.call("POST", path, body).want(202)
	m := a.keys("job_id status estimated_time stream_url")
	if a.Header.Get("Location") != "/v1/jobs/"+m["job_id"].(string) || m["status"] != "queued" || m["estimated_time"] != "1-2 minutes" {
		t.Errorf("%v %v", a.Header, m)
	}
	k.call("GET", a.Header.Get("Location"), "").want(200)
}

// A job that takes longer is told of, and ends all the same.
func TestAnswersLater(t *testing.T) {
	k := newKit(t, func(o *api.Options) { o.AnswerWait = time.Millisecond })
	project := k.call("POST", "/v1/projects/", `{"title":"Dog walkers","mode":"student"}`).want(200).object()["id"].(string)
	path := "/v1/student/" + project + "/choice"
	const body = `{"decision_context":"localStorage or a database?","module_index":0}`
	a := k.call("POST", path, body).want(202)
	id := a.object()["job_id"].(string)
	k.finish(k.claim(id), codeforge.Outcome{Status: codeforge.JobCompleted, Result: []byte(`{"context":"c"}`)})
	if j := k.call("GET", a.Header.Get("Location"), "").want(200).object(); j["result"].(map[string]any)["context"] != "c" || j["agent_type"] != "choice" {
		t.Error(j)
	}

	builder := k.project()
	if d := k.call("POST", "/v1/student/"+builder+"/choice", body).fails(400, "VALIDATION_ERROR"); d["field"] != "mode" {
		t.Error(d)
	}
	k.call("POST", path, body, "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	k.wantFields(k.call("POST", path, `{"decision_context":" short ","module_index":-1,"x":1}`),
		"decision_context string_too_short", "module_index greater_than_equal", "x extra_forbidden")
}
