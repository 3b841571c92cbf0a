package api_test

import (
	"fmt"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

func TestJobsOfAllProjects(t *testing.T) {
	k := newKit(t)
	p, q := k.project(), k.project()
	first, second, third := k.job(p, "qa"), k.job(q, "code"), k.job(p, "research")
	ids := func(m map[string]any) (out []string) {
		for _, j := range m["items"].([]any) {
			out = append(out, j.(map[string]any)["job_id"].(string))
		}
		return out
	}
	page := k.call("GET", "/v1/jobs?limit=2", "").want(200).keys("count jobs items has_more next_cursor")
	if got := fmt.Sprint(ids(page)); got != fmt.Sprint([]string{third, second}) || page["count"] != 2.0 || page["has_more"] != true {
		t.Errorf("%v", page)
	}
	if j := page["jobs"].([]any)[0].(map[string]any); j["queue"] == nil || j["project_id"] != p || j["status"] != "queued" {
		t.Errorf("%v", j)
	}
	next := k.call("GET", "/v1/agents/jobs/?limit=2&cursor="+page["next_cursor"].(string), "").want(200).object()
	if fmt.Sprint(ids(next)) != fmt.Sprint([]string{first}) || next["has_more"] != false || next["next_cursor"] != nil {
		t.Errorf("%v", next)
	}
	k.call("POST", "/v1/jobs/"+first+"/cancel", "").want(200)
	for query, want := range map[string][]string{"state=cancelled": {first}, "agent=code": {second}, "project=" + p: {third, first}, "state=queued&agent=research": {third}, "state=failed": nil} {
		if got := ids(k.call("GET", "/v1/jobs?"+query, "").want(200).object()); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	k.wantFields(k.call("GET", "/v1/jobs?state=done", ""), "state enum")
	k.wantFields(k.call("GET", "/v1/jobs?agent=wizard", ""), "agent enum")
	k.wantFields(k.call("GET", "/v1/jobs?limit=101", ""), "limit less_than_equal")
	k.call("GET", "/v1/jobs?cursor=%3F", "").fails(400, "VALIDATION_ERROR")
	k.call("GET", "/v1/jobs?project=0198c0de-0000-7000-8000-0000000000ff", "").fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", "/v1/jobs?project="+p, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
}

func TestCallsOfAJob(t *testing.T) {
	k, books := withBooks(t, router(t))
	p := k.project()
	job := k.call("POST", "/v1/run-pipeline", `{"project_id":"`+p+`"}`).want(200).object()["job_id"].(string)
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	call := llm.Call{JobID: job, ProjectID: p, UserID: alice, Agent: codeforge.Code, Number: 1}
	for _, e := range []llm.Entry{
		{Attempt: 1, Provider: "openai", Model: "dear", Kind: llm.Overloaded, Status: 503, Usage: llm.Usage{Missing: true}, Cost: llm.Cost{Estimated: true}, Latency: time.Second},
		{Attempt: 2, Provider: "anthropic", Model: "far", Served: "far-1", Own: true, Status: 200, Finish: llm.FinishStop, FirstToken: 5 * time.Millisecond, Latency: 2 * time.Second,
			Usage: llm.Usage{Usage: codeforge.Usage{InputTokens: 100, CachedReadTokens: 40, OutputTokens: 20}}, Cost: llm.Cost{MicroUSD: 7}},
	} {
		e.ID, e.Call, e.At = codeforge.NewID(), call, at
		if err := books.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	url := "/v1/jobs/" + job + "/calls"
	page := k.call("GET", url+"?limit=1", "").want(200).keys("job_id count items has_more next_cursor")
	const keys = "id call stage agent provider model served_model attempt fallback cached own_key usage_unknown cost_micro_usd cost_estimated error_code http_status finish_reason started_at duration_ms first_token_ms " +
		"input_tokens cached_read_tokens cache_write_tokens output_tokens reasoning_tokens"
	wantKeys(t, page["items"].([]any)[0], keys)
	got := fmt.Sprint(page["items"])
	next := k.call("GET", url+"?limit=1&cursor="+page["next_cursor"].(string), "").want(200).object()
	got += fmt.Sprint(next["items"], next["has_more"], page["count"], page["has_more"])
	ids := []any{page["items"].([]any)[0].(map[string]any)["id"], next["items"].([]any)[0].(map[string]any)["id"]}
	want := fmt.Sprintf("[map[agent:builder attempt:1 cache_write_tokens:0 cached:false cached_read_tokens:0 call:1 cost_estimated:true cost_micro_usd:<nil> duration_ms:1000 error_code:overloaded fallback:false finish_reason:<nil> first_token_ms:<nil> http_status:503 id:%v input_tokens:0 "+
		"model:dear output_tokens:0 own_key:false provider:openai reasoning_tokens:0 served_model:<nil> stage:code started_at:2026-01-02T03:04:05Z usage_unknown:true]]"+
		"[map[agent:builder attempt:2 cache_write_tokens:0 cached:true cached_read_tokens:40 call:1 cost_estimated:false cost_micro_usd:7 duration_ms:2000 error_code:<nil> fallback:true finish_reason:stop first_token_ms:5 http_status:200 id:%v input_tokens:100 "+
		"model:far output_tokens:20 own_key:true provider:anthropic reasoning_tokens:0 served_model:far-1 stage:code started_at:2026-01-02T03:04:05Z usage_unknown:false]] false 1 true", ids...)
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	k.call("GET", url+"/1", "").fails(404, "RESOURCE_NOT_FOUND") // nothing is in the journal
	k.call("GET", url+"/1", "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	newKit(t).call("GET", url+"/1", "").fails(501, "NOT_SUPPORTED")
	k.call("GET", url+"?cursor=%3F", "").fails(400, "VALIDATION_ERROR")
	k.call("GET", url, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	newKit(t).call("GET", url, "").fails(501, "NOT_SUPPORTED")
}
