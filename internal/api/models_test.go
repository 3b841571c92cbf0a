package api_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/events"
	"codeforge/internal/llm"
	"codeforge/internal/sqlite"
)

// paid is a provider that fails as told and knows the price of nothing.
type paid struct {
	name string
	err  error
}

func (p paid) Name() string { return p.name }
func (p paid) Generate(_ context.Context, r *llm.Request, _ func(llm.Delta)) (*llm.Response, error) {
	return &llm.Response{Provider: p.name, Model: r.Model, ServedModel: r.Model, Parts: []llm.Part{llm.Text("yes")}, Finish: llm.FinishStop}, p.err
}

// twoModels is a catalog in which openai:dear costs 2 and 10 dollars per million tokens, 4 and 20 above 1000.
// always is a router that is never replaced.
func always(r *llm.Router) func() *llm.Router { return func() *llm.Router { return r } }

const twoModels = `{"format":1,"checked_on":"2026-11-22","models":[
	{"name":"openai:dear","context":100000,"max_output":8000,"efforts":["low","high"],"ends":"2100-01-01","successor":"openai:other","notes":"n","prices":[
		{"input":1,"output":1},
		{"valid_from":"2020-01-01","input":2000000,"cached_read":100000,"output":10000000,"tiers":[{"above_prompt":1000000,"input":4000000,"output":20000000}]},
		{"valid_from":"2100-01-01","input":9,"output":9}]},
	{"name":"anthropic:far","efforts":[]},
	{"name":"openai:old","ends":"2020-01-01","served_by":"openai:dear"},
	{"name":"scaffold:*","prices":[{"input":0,"cached_read":0,"cache_write":0,"output":0}]}],
	"aliases":[{"name":"gpt-4o","model":"openai:dear"}],
	"routes":[{"agent":"code","chain":["anthropic:far","openai:dear"],"effort":"high"},{"agent":"default","chain":["openai:unheard","openai:dear"]}]}`

func router(t testing.TB, providers ...llm.Provider) *llm.Router {
	t.Helper()
	catalog, err := llm.Parse("test", []byte(twoModels))
	if err != nil {
		t.Fatal(err)
	}
	o := llm.Options{Catalog: catalog, Providers: map[string]llm.Provider{}}
	for _, p := range providers {
		o.Providers[p.Name()] = p
	}
	return llm.NewRouter(o)
}

// withBooks is a server that accounts for models, under a ceiling of 5 dollars a day for each user.
func withBooks(t *testing.T, r *llm.Router) (*kit, *sqlite.Ledger) {
	t.Helper()
	var books *sqlite.Ledger
	k := newKit(t, func(o *api.Options) {
		books = o.Store.(*sqlite.Store).Ledger(map[llm.BudgetScope]int64{llm.BudgetUserDay: 5_000_000})
		o.Models, o.Ledger = always(r), books
	})
	return k, books
}

func TestModels(t *testing.T) {
	r := router(t, paid{name: llm.OpenAI}, paid{name: llm.Scaffold})
	k, _ := withBooks(t, r)
	m := k.call("GET", "/v1/models", "").want(200).keys("checked_on models aliases routes warnings")
	if m["checked_on"] != "2026-11-22" || len(m["models"].([]any)) != 4 {
		t.Errorf("%v", m)
	}
	const keys = "name provider configured known context max_output efforts prices ends served_by successor notes breaker paused_ms gone"
	by := map[string]map[string]any{}
	for _, v := range m["models"].([]any) {
		wantKeys(t, v, keys)
		by[v.(map[string]any)["name"].(string)] = v.(map[string]any)
	}
	dear, far, old := by["openai:dear"], by["anthropic:far"], by["openai:old"]
	if dear["configured"] != true || dear["context"] != 100000.0 || dear["max_output"] != 8000.0 || fmt.Sprint(dear["efforts"]) != "[low high]" || dear["ends"] != "2100-01-01" ||
		dear["successor"] != "openai:other" || dear["served_by"] != nil || dear["notes"] != "n" || dear["breaker"] != "closed" || dear["paused_ms"] != 0.0 || dear["gone"] != false || dear["known"] != true {
		t.Errorf("%v", dear)
	}
	prices, _ := json.Marshal(dear["prices"])
	if want := `[{"above_prompt":0,"cache_write_micro_usd":null,"cached_read_micro_usd":100000,"input_micro_usd":2000000,"output_micro_usd":10000000,"valid_from":"2020-01-01"},` +
		`{"above_prompt":1000000,"cache_write_micro_usd":null,"cached_read_micro_usd":null,"input_micro_usd":4000000,"output_micro_usd":20000000,"valid_from":"2020-01-01"}]`; string(prices) != want {
		t.Errorf("prices %s", prices)
	}
	if fmt.Sprint(old["prices"]) != fmt.Sprint(dear["prices"]) || old["served_by"] != "openai:dear" {
		t.Errorf("%v", old)
	}
	if far["configured"] != false || far["context"] != nil || len(far["prices"].([]any)) != 0 || far["ends"] != nil || len(far["efforts"].([]any)) != 0 {
		t.Errorf("%v", far)
	}
	if a := fmt.Sprint(m["aliases"]); a != "[map[model:openai:dear name:gpt-4o]]" {
		t.Errorf("aliases %s", a)
	}
	code := m["routes"].([]any)[0]
	wantKeys(t, code, "agent chain wanted effort")
	if got := fmt.Sprint(code); got != "map[agent:code chain:[openai:dear] effort:high wanted:[anthropic:far openai:dear]]" {
		t.Errorf("route %s", got)
	}

	// What was called is there with its state: one that is not found, one that asked for a pause, one that nobody knows.
	for _, name := range []string{"openai:dear", "openai:unheard", "openai:dear-2026-01-01"} {
		_, _ = r.Generate(t.Context(), &llm.Request{Model: name, Routing: llm.Routing{NoFallback: true}}, nil)
	}
	r.Catalog.MarkGone("openai:dear", time.Now())
	m = k.call("GET", "/v1/models", "").want(200).object()
	list := m["models"].([]any)
	if len(list) != 6 {
		t.Fatalf("%d models", len(list))
	}
	if d := list[0].(map[string]any); d["gone"] != true {
		t.Errorf("%v", d)
	}
	if s := list[4].(map[string]any); s["name"] != "openai:dear-2026-01-01" || s["known"] != true || len(s["prices"].([]any)) != 2 {
		t.Errorf("%v", s)
	}
	if s := list[5].(map[string]any); s["name"] != "openai:unheard" || s["known"] != false || s["configured"] != true {
		t.Errorf("%v", s)
	}
	found := false
	for _, w := range m["warnings"].([]any) {
		wantKeys(t, w, "kind route model successor message")
		found = found || w.(map[string]any)["kind"] == "gone" && w.(map[string]any)["model"] == "openai:dear"
	}
	if !found {
		t.Errorf("warnings %v", m["warnings"])
	}
	k.call("GET", "/v1/models", "", "Authorization:").fails(401, "AUTHENTICATION_ERROR")
}

func TestModelStates(t *testing.T) {
	r := router(t, paid{llm.OpenAI, &llm.Error{Kind: llm.ServerError, Status: 500, Retryable: true}}, paid{"anthropic", &llm.Error{Kind: llm.RateLimit, Status: 429, Retryable: true, HasWait: true, RetryAfter: 30 * time.Minute}})
	k, _ := withBooks(t, r)
	for range 6 {
		_, _ = r.Generate(t.Context(), &llm.Request{Model: "openai:dear", Routing: llm.Routing{NoFallback: true, NoRetry: true}}, nil)
	}
	_, _ = r.Generate(t.Context(), &llm.Request{Model: "anthropic:far", Routing: llm.Routing{NoFallback: true, NoRetry: true}}, nil)
	list := k.call("GET", "/v1/models", "").want(200).object()["models"].([]any)
	if d := list[0].(map[string]any); d["breaker"] != "open" {
		t.Errorf("%v", d)
	}
	if d := list[1].(map[string]any); d["paused_ms"].(float64) < 29*60_000 || d["breaker"] != "closed" {
		t.Errorf("%v", d)
	}
}

// spend books a call of alice.
func (k *kit) spend(books llm.Ledger, job, project string, agent codeforge.AgentType, cost int64, at time.Time) {
	k.Helper()
	e := llm.Entry{ID: codeforge.NewID(), Call: llm.Call{JobID: job, ProjectID: project, UserID: alice, Agent: agent, Number: 1}, Attempt: 1, Provider: "openai", Model: "dear", Served: "dear",
		Cost: llm.Cost{MicroUSD: cost}, Status: 200, Latency: time.Second, At: at}
	e.Usage.InputTokens, e.Usage.OutputTokens = 100, 10
	if err := books.Record(k.Context(), e); err != nil {
		k.Fatal(err)
	}
}

func TestUsage(t *testing.T) {
	k, books := withBooks(t, router(t))
	p, q := k.project(), k.project()
	j := k.job(p, "code")
	day := time.Date(2026, 10, 31, 23, 59, 59, 0, time.UTC)
	k.spend(books, j, p, codeforge.Code, 5, day)
	k.spend(books, j, p, codeforge.QA, 7, day.Add(time.Second))
	k.spend(books, "", q, codeforge.QA, 20, day.Add(time.Second))

	const sum = "key calls failed usage_unknown cost_micro_usd cost_estimated latency_ms own_calls own_cost_micro_usd input_tokens cached_read_tokens cache_write_tokens output_tokens reasoning_tokens"
	u := k.call("GET", "/v1/usage", "").want(200).keys("from to group_by total items")
	wantKeys(t, u["total"], sum)
	if total := u["total"].(map[string]any); u["from"] != nil || u["to"] != nil || u["group_by"] != "day" || total["cost_micro_usd"] != 32.0 || total["calls"] != 3.0 ||
		total["input_tokens"] != 300.0 || total["latency_ms"] != 3000.0 || total["cost_estimated"] != false || total["key"] != "total" {
		t.Errorf("%v", u)
	}
	for query, want := range map[string]string{
		"group_by=day":                     "2026-11-01=27 2026-10-31=5",
		"group_by=day&limit=1":             "2026-11-01=27",
		"group_by=project":                 q + "=20 " + p + "=12",
		"group_by=job&project_id=" + p:     j + "=12",
		"group_by=job&job_id=" + j:         j + "=12",
		"group_by=agent":                   "qa=27 code=5",
		"group_by=agent&agent_type=code":   "code=5",
		"group_by=model":                   "openai:dear=32",
		"from=2026-11-01":                  "2026-11-01=27",
		"to=2026-10-31":                    "2026-10-31=5", // a day counts whole
		"to=2026-10-31T23:59:59Z":          "",
		"from=2026-10-31&to=2026-10-31":    "2026-10-31=5",
		"from=2026-11-01T01:00:00%2B01:00": "2026-11-01=27",
		"project_id=" + strings.ToUpper(p) + "&from=2027-01-01": "",
	} {
		u := k.call("GET", "/v1/usage?"+query, "").want(200).object()
		var got []string
		for _, v := range u["items"].([]any) {
			wantKeys(t, v, sum)
			m := v.(map[string]any)
			got = append(got, fmt.Sprintf("%v=%v", m["key"], m["cost_micro_usd"]))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %v, want %s", query, got, want)
		}
	}
	u = k.call("GET", "/v1/usage?from=2026-10-01&to=2026-10-31", "").object()
	if u["from"] != "2026-10-01T00:00:00Z" || u["to"] != "2026-11-01T00:00:00Z" {
		t.Errorf("%v %v", u["from"], u["to"])
	}
	if u := k.call("GET", "/v1/usage?limit=1", "").object(); u["total"].(map[string]any)["cost_micro_usd"] != 32.0 {
		t.Errorf("total of all groups: %v", u)
	}
	if u := k.call("GET", "/v1/usage", "", "Authorization: Bearer bob").want(200).object(); u["total"].(map[string]any)["calls"] != 0.0 || len(u["items"].([]any)) != 0 {
		t.Errorf("of another: %v", u)
	}
	k.wantFields(k.call("GET", "/v1/usage?group_by=price&limit=0&project_id=x", ""), "group_by enum", "limit greater_than_equal", "project_id uuid_parsing")
	for _, query := range []string{"from=yesterday", "to=2026-13-01", "from=2026-11-02&to=2026-11-01", "from=2026-11-01T00:00:00Z&to=2026-11-01T00:00:00Z", "from=0001-01-01", "to=9999-12-31T23:59:59-01:00"} {
		k.call("GET", "/v1/usage?"+query, "").fails(400, "VALIDATION_ERROR")
	}
	if d := k.call("GET", "/v1/usage?project_id="+p, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND"); d["resource"] != "Project" {
		t.Errorf("%v", d)
	}
	k.call("GET", "/v1/usage?job_id="+j, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", "/v1/usage?job_id="+codeforge.NewID(), "").fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", "/v1/usage", "", "Authorization:").fails(401, "AUTHENTICATION_ERROR")
}

func TestBudgets(t *testing.T) {
	k, books := withBooks(t, router(t))
	p := k.project()
	j := k.job(p, "code")
	k.spend(books, j, p, codeforge.Code, 1_000_000, time.Now())
	list := func(a answer) string {
		t.Helper()
		var out []string
		for _, v := range a.want(200).keys("items unpriced_models")["items"].([]any) {
			wantKeys(t, v, "scope id limit_micro_usd spent_micro_usd reserved_micro_usd")
			m := v.(map[string]any)
			id := map[string]string{p: "p", j: "j", alice: "alice"}[m["id"].(string)]
			out = append(out, fmt.Sprintf("%v %s %.0f/%.0f", m["scope"], id, m["spent_micro_usd"], m["limit_micro_usd"]))
		}
		return strings.Join(out, ", ")
	}
	want := func(a answer, what string) {
		t.Helper()
		if got := list(a); got != what {
			t.Errorf("budgets %q, want %q", got, what)
		}
	}
	put := func(body string, headers ...string) answer {
		t.Helper()
		return k.call("PUT", "/v1/budgets", body, headers...)
	}

	want(k.call("GET", "/v1/budgets", ""), "user_day alice 1000000/5000000")
	want(put(`{"scope":"project_day","id":"`+strings.ToUpper(p)+`","limit_usd":2.5}`), "project_day p 1000000/2500000, user_day alice 1000000/5000000")
	want(put(`{"scope":"job","id":"`+j+`","limit_micro_usd":0}`), "job j 1000000/0, user_day alice 1000000/5000000")
	want(k.call("GET", "/v1/budgets?project_id="+p+"&job_id="+j, ""), "job j 1000000/0, project_day p 1000000/2500000, user_day alice 1000000/5000000")
	want(put(`{"scope":"user_day","limit_micro_usd":7e6}`), "user_day alice 1000000/5000000")
	want(put(`{"scope":"user_day","id":"`+alice+`","limit_usd":0.000001}`), "user_day alice 1000000/1")
	want(put(`{"scope":"user_day","limit_usd":null}`), "user_day alice 1000000/5000000")
	want(put(`{"scope":"user_month","limit_micro_usd":1000000000000000}`), "user_day alice 1000000/5000000, user_month alice 1000000/1000000000000000")
	want(put(`{"scope":"user_month","limit_micro_usd":null}`), "user_day alice 1000000/5000000")
	want(put(`{"scope":"user_month","limit_micro_usd":null}`), "user_day alice 1000000/5000000") // lifting twice is no error
	want(k.call("GET", "/v1/budgets?project_id="+p, ""), "project_day p 1000000/2500000, user_day alice 1000000/5000000")
	want(k.call("GET", "/v1/budgets", "", "Authorization: Bearer bob"), "user_day  0/5000000")

	for body, fields := range map[string][]string{
		`{}`: {"scope missing", "limit_micro_usd missing", "id missing"},
		`{"scope":"year","limit_usd":1,"id":"` + p + `"}`:          {"scope enum"},
		`{"scope":"user_day"}`:                                     {"limit_micro_usd missing"},
		`{"scope":"user_day","limit_usd":1,"limit_micro_usd":1}`:   {"limit_usd value_error"},
		`{"scope":"user_day","limit_usd":-0.1}`:                    {"limit_usd greater_than_equal"},
		`{"scope":"user_day","limit_micro_usd":-1}`:                {"limit_micro_usd greater_than_equal"},
		`{"scope":"user_day","limit_micro_usd":1.5}`:               {"limit_micro_usd int_type"},
		`{"scope":"user_day","limit_micro_usd":1e300}`:             {"limit_micro_usd less_than_equal"},
		`{"scope":"user_day","limit_usd":1e300}`:                   {"limit_usd less_than_equal"},
		`{"scope":"user_day","limit_usd":"1"}`:                     {"limit_usd float_type"},
		`{"scope":"project_day","limit_usd":1}`:                    {"id missing"},
		`{"scope":"job","id":"x","limit_usd":1}`:                   {"id string_too_short"},
		`{"scope":"user_day","limit_usd":1,"user_id":"` + p + `"}`: {"user_id extra_forbidden"},
	} {
		a := put(body)
		if a.Status != 422 {
			t.Errorf("%s: %d %s", body, a.Status, a.Body)
			continue
		}
		k.wantFields(a, fields...)
	}
	for body, resource := range map[string]string{
		`{"scope":"job","id":"` + j + `","limit_usd":1}`:            "Job",
		`{"scope":"project_month","id":"` + p + `","limit_usd":1}`:  "Project",
		`{"scope":"user_month","id":"` + alice + `","limit_usd":1}`: "User",
		`{"scope":"project_day","id":"` + j + `","limit_usd":null}`: "Project",
	} {
		if d := put(body, "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND"); d["resource"] != resource {
			t.Errorf("%s: %v", body, d)
		}
	}
	k.call("GET", "/v1/budgets?project_id="+p, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	k.call("GET", "/v1/budgets?job_id="+j, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")
	k.wantFields(k.call("GET", "/v1/budgets?project_id=1", ""), "project_id uuid_parsing")
	put(`{"scope":"user_day","limit_usd":1}`, "Authorization:").fails(401, "AUTHENTICATION_ERROR")

	// The ceiling holds.
	c := llm.Call{JobID: j, ProjectID: p, UserID: alice}
	if _, err := books.Reserve(t.Context(), llm.Reservation{Call: c, Worst: 1, Lapses: time.Now().Add(time.Hour)}); err == nil {
		t.Error("passed a ceiling of nothing")
	}
}

const estimateKeys = "agent_type basis jobs model cost_micro_usd cost_estimated tokens duration_ms"

// history is an api.Ledger of jobs alone.
type history struct {
	api.Ledger
	jobs  []codeforge.JobUsage
	err   error
	asked atomic.Int32
}

func (h *history) JobUsage(_ context.Context, u codeforge.User, agent codeforge.AgentType, limit int) ([]codeforge.JobUsage, error) {
	h.asked.Add(1)
	if u.ID != alice || agent != codeforge.QA || limit != 50 {
		return nil, h.err
	}
	return h.jobs, h.err
}

func TestEstimate(t *testing.T) {
	r := router(t, paid{name: llm.OpenAI})
	h := &history{}
	k := newKit(t, func(o *api.Options) { o.Models, o.Ledger = always(r), h })
	p, q := k.project(), k.project()
	job := func(project string, cost int64) codeforge.JobUsage {
		return codeforge.JobUsage{ProjectID: project, Cost: cost, Took: time.Duration(cost) * time.Second, Usage: codeforge.Usage{InputTokens: cost, OutputTokens: 1}}
	}
	for i := range 9 {
		h.jobs = append(h.jobs, job(q, int64(10-i)))
	}
	h.jobs = append(h.jobs, job(p, 1), codeforge.JobUsage{ProjectID: p, Offline: true})

	for path, want := range map[string]string{
		"agent_type=qa":                                  `{"agent_type":"qa","basis":"history","jobs":10,"model":"openai:unheard","cost_micro_usd":{"p50":5,"p90":9},"cost_estimated":false,"tokens":{"p50":6,"p90":10},"duration_ms":{"p50":5000,"p90":9000}}`,
		"agent_type=qa&project_id=" + p:                  `"jobs":10,`, // too few of its own
		"agent_type=qa&project_id=" + strings.ToUpper(q): `"jobs":9,"model":"openai:unheard","cost_micro_usd":{"p50":6,"p90":10}`,
		// 12 calls of 25,000 and 3,000 tokens at 2 and 10 dollars a million
		"agent_type=code":    `{"agent_type":"code","basis":"catalog","jobs":0,"model":"openai:dear","cost_micro_usd":{"p50":960000,"p90":2880000},"cost_estimated":false,`,
		"agent_type=builder": `"basis":"catalog","jobs":0,"model":"openai:dear"`,
	} {
		if a := k.call("GET", "/v1/estimate?"+path, "").want(200); !strings.Contains(a.Body, want) {
			t.Errorf("%s: %s", path, a.Body)
		} else {
			a.keys(estimateKeys)
		}
	}
	if e := k.call("GET", "/v1/estimate?agent_type=pedagogy", "").want(200).object(); e["cost_estimated"] != true || e["model"] != "openai:unheard" {
		t.Errorf("of an unknown price: %v", e)
	}
	if e := k.call("GET", "/v1/estimate?agent_type=qa", "", "Authorization: Bearer bob").want(200).object(); e["basis"] != "catalog" {
		t.Errorf("from another's history: %v", e)
	}
	k.wantFields(k.call("GET", "/v1/estimate?agent_type=noop&project_id=x", ""), "agent_type enum", "project_id uuid_parsing")
	k.wantFields(k.call("GET", "/v1/estimate", ""), "agent_type missing")
	k.call("GET", "/v1/estimate?agent_type=qa&project_id="+p, "", "Authorization: Bearer bob").fails(404, "RESOURCE_NOT_FOUND")

	// The answer to a submission has the same, and in words what similar jobs took.
	body := `{"project_id":"` + q + `","agent_type":"qa"}`
	got := k.call("POST", "/v1/run-agent", body).want(200).keys(agentKeys + " estimate")
	same, _ := json.Marshal(got["estimate"])
	want, _ := json.Marshal(k.call("GET", "/v1/estimate?agent_type=qa&project_id="+q, "").object())
	if string(same) != string(want) {
		t.Errorf("submitted %s, asked %s", same, want)
	}
	if got["estimated_time"] != "less than a minute" {
		t.Errorf("estimated time %v", got["estimated_time"])
	}
	pipeline := k.call("POST", "/v1/run-pipeline", `{"project_id":"`+q+`"}`).want(200).keys(agentKeys + " estimate")
	if pipeline["estimated_time"] != "10-15 minutes" {
		t.Errorf("estimated time without history %v", pipeline["estimated_time"])
	}
	e := pipeline["estimate"]
	wantKeys(t, e, estimateKeys)
	if e.(map[string]any)["agent_type"] != "builder" {
		t.Errorf("%v", e)
	}
}

func TestEstimatedTime(t *testing.T) {
	for want, took := range map[string][]time.Duration{
		"less than a minute": {time.Second, 59 * time.Second}, "1-2 minutes": {time.Minute, 61 * time.Second}, "2 minutes": {90 * time.Second, 2 * time.Minute}, "3-11 minutes": {150 * time.Second, 11 * time.Minute},
	} {
		h := &history{}
		for _, d := range took {
			h.jobs = append(h.jobs, codeforge.JobUsage{Took: d, Cost: 1})
		}
		k := newKit(t, func(o *api.Options) { o.Models, o.Ledger = always(router(t, paid{name: llm.OpenAI})), h })
		if got := k.call("POST", "/v1/run-agent", `{"project_id":"`+k.project()+`","agent_type":"qa"}`).want(200).object()["estimated_time"]; got != want {
			t.Errorf("after jobs of %v: %v, want %s", took, got, want)
		}
	}
}

// A price that nobody knows is null, and 0 against budgets; the answers say so.
func TestUnknownPrices(t *testing.T) {
	k, books := withBooks(t, router(t, paid{name: llm.OpenAI}))
	p := k.project()
	j := k.job(p, "code")
	costOf := func(id string) string {
		t.Helper()
		job := k.call("GET", "/v1/jobs/"+id, "").want(200).object()
		return fmt.Sprint(job["cost_micro_usd"], " ", job["cost_estimated"])
	}
	cost := func() string { return costOf(j) }
	if got := costOf(k.job(p, "qa")); got != "0 false" {
		t.Errorf("before any call: %s", got)
	}
	record := func(c llm.Cost, kind llm.ErrorKind) {
		t.Helper()
		e := llm.Entry{ID: codeforge.NewID(), Call: llm.Call{JobID: j, ProjectID: p, UserID: alice, Agent: codeforge.Code, Number: 1}, Attempt: 1, Provider: "openai", Model: "unheard", Cost: c, Kind: kind, At: time.Now()}
		if err := books.Record(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	record(llm.Cost{Estimated: true}, "")
	if got := cost(); got != "<nil> true" {
		t.Errorf("of an unknown price: %s", got)
	}
	if total := k.call("GET", "/v1/usage?job_id="+j, "").want(200).object()["total"].(map[string]any); total["cost_micro_usd"] != nil || total["cost_estimated"] != true {
		t.Errorf("usage %v", total)
	}
	b := k.call("GET", "/v1/budgets", "").want(200).object()
	if got := fmt.Sprint(b["unpriced_models"]); got != "[openai:unheard]" || b["items"].([]any)[0].(map[string]any)["spent_micro_usd"] != 0.0 {
		t.Errorf("budgets %v", b)
	}
	if e := k.call("GET", "/v1/estimate?agent_type=pedagogy", "").want(200).Body; !strings.Contains(e, `"cost_micro_usd":{"p50":null,"p90":null},"cost_estimated":true`) {
		t.Errorf("estimate %s", e)
	}
	// What a failed attempt cost is in it as well, and stays in the job that is cancelled.
	record(llm.Cost{MicroUSD: 70}, llm.ServerError)
	k.call("POST", "/v1/jobs/"+j+"/cancel", "").want(200)
	if got := cost(); got != "70 true" {
		t.Errorf("with a known part: %s", got)
	}
}

// summedLedger counts how often the calls of a job are summed.
type summedLedger struct {
	api.Ledger
	sums int
}

func (l *summedLedger) SumUsage(context.Context, codeforge.User, codeforge.UsageFilter) (total codeforge.UsageSum, groups []codeforge.UsageSum, err error) {
	l.sums++
	return codeforge.UsageSum{Cost: int64(l.sums)}, nil, nil
}

// Polls of a job sum its calls once a second, and anew when its row has changed.
func TestJobCostIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, s := &summedLedger{}, &stub{job: codeforge.Job{ID: codeforge.NewID(), Agent: codeforge.Code, Apply: codeforge.ApplyAuto, Status: codeforge.Running}}
		k := &kit{T: t, h: api.New(api.Options{Store: s, Jobs: s, Hub: events.NewHub(), Auth: authByName, Models: always(router(t)), Ledger: l})}
		poll := func(want float64) {
			t.Helper()
			if got := k.call("GET", "/v1/jobs/"+s.job.ID, "").want(200).object()["cost_micro_usd"]; got != want {
				t.Errorf("cost %v, want %v", got, want)
			}
		}
		poll(1)
		poll(1)
		time.Sleep(time.Second)
		poll(2)
		s.job.UpdatedAt = time.Now()
		poll(3)
	})
}

func TestEstimateOffline(t *testing.T) {
	h := &history{jobs: []codeforge.JobUsage{{Cost: 1000, Took: time.Hour}, {Offline: true, Took: time.Second, Usage: codeforge.Usage{InputTokens: 7}}}}
	k := newKit(t, func(o *api.Options) { o.Models, o.Ledger = always(router(t, paid{name: llm.Scaffold})), h })
	for agent, want := range map[string]string{
		"qa":      `"basis":"history","jobs":1,"model":"scaffold:scaffold","cost_micro_usd":{"p50":0,"p90":0},"cost_estimated":false,"tokens":{"p50":7,"p90":7},"duration_ms":{"p50":1000,"p90":1000}}`,
		"builder": `"basis":"catalog","jobs":0,"model":"scaffold:scaffold","cost_micro_usd":{"p50":0,"p90":0},"cost_estimated":false`,
	} {
		if a := k.call("GET", "/v1/estimate?agent_type="+agent, "").want(200); !strings.Contains(a.Body, want) {
			t.Errorf("%s: %s", agent, a.Body)
		}
	}
}

// What jobs took is asked for once a minute, however many ask; a failure is not kept, and fails no submission.
func TestEstimateIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &history{err: errors.New("down")}
		s := &stub{job: codeforge.Job{ID: codeforge.NewID()}}
		k := &kit{T: t, h: api.New(api.Options{Store: s, Jobs: s, Hub: events.NewHub(), Auth: authByName, Models: always(router(t)), Ledger: h, Bench: true})}
		ask := func() answer { return k.call("GET", "/v1/estimate?agent_type=qa", "") }
		run := func(agent string) answer {
			return k.call("POST", "/v1/run-agent", `{"project_id":"`+codeforge.NewID()+`","agent_type":"`+agent+`"}`)
		}
		want := func(n int32) {
			t.Helper()
			if got := h.asked.Load(); got != n {
				t.Errorf("asked %d times, want %d", got, n)
			}
		}
		ask().fails(500, "INTERNAL_ERROR")
		run("qa").want(200).keys(agentKeys)
		want(2)
		h.err = nil
		for range 3 {
			ask().want(200)
			run("qa").want(200).keys(agentKeys + " estimate")
		}
		want(3)
		run("noop").want(200).keys(agentKeys)
		want(3)
		time.Sleep(61 * time.Second)
		ask().want(200)
		want(4)
	})
}

func TestWithoutModels(t *testing.T) {
	k := newKit(t)
	p := k.project()
	for _, path := range []string{"/v1/models", "/v1/usage", "/v1/estimate?agent_type=qa", "/v1/budgets"} {
		k.call("GET", path, "").fails(501, "NOT_SUPPORTED")
	}
	k.call("PUT", "/v1/budgets", `{"scope":"user_day","limit_usd":1}`).fails(501, "NOT_SUPPORTED")
	k.call("POST", "/v1/run-agent", `{"project_id":"`+p+`","agent_type":"qa"}`).want(200).keys(agentKeys)
	k.call("POST", "/v1/models/test", `{"model":"openai:dear"}`).fails(501, "NOT_SUPPORTED")
	if k.call("POST", "/v1/models", "{}").Status != http.StatusMethodNotAllowed {
		t.Error("POST")
	}
}
