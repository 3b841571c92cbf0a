package server

import (
	"bufio"
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/jackc/pgx/v5"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"codeforge"
	"codeforge/internal/pgtest"
	"codeforge/internal/redis/redistest"
	"codeforge/internal/telemetry"
	"codeforge/internal/verify/hostile"
)

// scrape reads all metrics of a server, as name{label="value",...} in the order of labels; of a histogram its count and sum.
func (s *server) scrape(t *testing.T) map[string]float64 {
	t.Helper()
	url := cmp.Or(s.OperatorsURL(), s.URL()) + "/metrics"
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	all := map[string]float64{}
	for name, f := range families {
		for _, m := range f.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, fmt.Sprintf("%s=%q", l.GetName(), l.GetValue()))
			}
			slices.Sort(labels)
			in := ""
			if len(labels) > 0 {
				in = "{" + strings.Join(labels, ",") + "}"
			}
			switch f.GetType() {
			case dto.MetricType_COUNTER:
				all[name+in] = m.Counter.GetValue()
			case dto.MetricType_GAUGE:
				all[name+in] = m.Gauge.GetValue()
			case dto.MetricType_HISTOGRAM:
				all[name+"_count"+in], all[name+"_sum"+in] = float64(m.Histogram.GetSampleCount()), m.Histogram.GetSampleSum()
			}
		}
	}
	return all
}

// named is a series with its labels in order.
func named(series string) string {
	name, in, ok := strings.Cut(strings.TrimSuffix(series, "}"), "{")
	if !ok {
		return name
	}
	labels := strings.Split(in, ",")
	slices.Sort(labels)
	return name + "{" + strings.Join(labels, ",") + "}"
}

// moved waits until series that grow have grown by so much since before; a want that is negative is a gauge's value, less one.
func (s *server) moved(t *testing.T, before map[string]float64, want map[string]float64) {
	t.Helper()
	var now map[string]float64
	for series, n := range maps.Clone(want) {
		delete(want, series)
		want[named(series)] = n
	}
	for deadline := time.Now().Add(3 * time.Minute); time.Now().Before(deadline); { // each round is an exchange with the server
		now = s.scrape(t)
		short := false
		for series, n := range want {
			if _, there := now[series]; n >= 0 && now[series]-before[series] < n || n < 0 && (!there || now[series] != -n-1) {
				short = true
			}
		}
		if !short {
			return
		}
	}
	for series, n := range want {
		t.Errorf("%s: was %v, is %v, should have moved by %v", series, before[series], now[series], n)
	}
}

// is is what moved takes for a gauge.
func is(v float64) float64 { return -v - 1 }

// cause is something that happens, and what it does to which series.
type cause struct {
	name string
	do   func(t *testing.T, c caller)
	want map[string]float64
}

// project makes one, and returns its id.
func (c caller) project(t *testing.T) string {
	t.Helper()
	var p struct{ ID string }
	c.must(t, "POST", "/v1/projects/", object{"title": "Dog walkers"}, &p)
	return p.ID
}

// run submits a job of the offline model, which is told how to behave, and waits for its end.
func (c caller) run(t *testing.T, agent, behave string) {
	t.Helper()
	c.ended(t, c.begin(t, agent, behave))
}

// ended waits until a job is at its end, or waits for people.
func (c caller) ended(t *testing.T, job string) {
	t.Helper()
	for {
		var j struct{ Status codeforge.JobStatus }
		if c.must(t, "GET", "/v1/jobs/"+job+"?wait=30s", nil, &j); j.Status.Terminal() || j.Status == codeforge.Waiting {
			return
		}
	}
}

func (c caller) begin(t *testing.T, agent, behave string) (job string) {
	t.Helper()
	var j struct {
		Job string `json:"job_id"`
	}
	input := object{"user_message": "dogs", "user_idea": "dogs", "skip_clarification": !strings.Contains(behave, "ask"), "scaffold": behave}
	c.must(t, "POST", "/v1/run-agent", object{"project_id": c.project(t), "agent_type": agent, "input_context": input}, &j)
	return j.Job
}

const (
	offlineModel = `model="scaffold",provider="scaffold"`
	research     = `{agent="research"}`
)

var causes = []cause{
	{"a request is answered", func(t *testing.T, c caller) { c.ask(t, "GET", "/health", nil) }, map[string]float64{
		`codeforge_http_requests_total{method="GET",route="/health",status="2xx"}`:    1,
		`codeforge_http_request_duration_seconds_count{method="GET",route="/health"}`: 1,
		`codeforge_http_requests_in_flight`:                                           is(0), `codeforge_build_info{version="0.1.0"}`: is(1)}},
	{"a request to no route, by a method that is none", func(t *testing.T, c caller) { c.ask(t, "BREW", "/coffee/"+strings.Repeat("x", 100), nil) },
		map[string]float64{`codeforge_http_requests_total{method="other",route="none",status="4xx"}`: 1}},
	{"a request for what is not there", func(t *testing.T, c caller) { c.ask(t, "GET", "/v1/jobs/0198c0de-0000-7000-8000-00000000000b", nil) },
		map[string]float64{`codeforge_http_requests_total{method="GET",route="/v1/jobs/{job_id}",status="4xx"}`: 1}},
	{"a job completes", func(t *testing.T, c caller) { c.run(t, "research", "") }, map[string]float64{
		`codeforge_jobs_submitted_total` + research: 1, `codeforge_job_claims_total{agent="research",kind="first"}`: 1, `codeforge_job_start_delay_seconds_count` + research: 1,
		`codeforge_jobs_ended_total{agent="research",end="completed"}`: 1, `codeforge_job_run_duration_seconds_count` + research: 1,
		`codeforge_llm_attempts_total{` + offlineModel + `,outcome="ok"}`: 1, `codeforge_llm_attempt_duration_seconds_count{` + offlineModel + `}`: 1,
		`codeforge_llm_tokens_total{kind="input",` + offlineModel + `}`: 100, `codeforge_llm_tokens_total{kind="output",` + offlineModel + `}`: 100,
		`codeforge_llm_time_to_first_token_seconds_count{` + offlineModel + `}`: 1, `codeforge_llm_breaker_state{` + offlineModel + `,state="closed"}`: is(1),
		`codeforge_llm_breaker_state{` + offlineModel + `,state="open"}`: is(0), `codeforge_llm_paused_seconds{` + offlineModel + `}`: is(0),
		`codeforge_sqlite_commit_duration_seconds_count{result="ok"}`: 3, `codeforge_sqlite_commit_writes_sum`: 3, `codeforge_sqlite_writer_queue`: is(0),
		`codeforge_job_queue_age_seconds`: is(0), `codeforge_jobs{agent="research",state="running"}`: is(0), `codeforge_workers_busy`: is(0), `codeforge_workers`: is(16)}},
	{"a job asks people", func(t *testing.T, c caller) {
		c.must(t, "POST", "/v1/jobs/"+c.begin(t, "research", "ask")+"/cancel", nil, new(object))
		c.run(t, "research", "ask")
	}, map[string]float64{`codeforge_jobs_ended_total{agent="research",end="waiting_for_input"}`: 1, `codeforge_jobs{agent="research",state="waiting_for_input"}`: is(1)}},
	{"a job's model refuses", func(t *testing.T, c caller) { c.run(t, "research", "refuse") }, map[string]float64{
		`codeforge_jobs_ended_total{agent="research",end="failed"}`: 1, `codeforge_llm_attempts_total{` + offlineModel + `,outcome="refusal"}`: 1}},
	{"a job's model does not know us", func(t *testing.T, c caller) { c.run(t, "research", "fail_auth") }, map[string]float64{
		`codeforge_llm_attempts_total{` + offlineModel + `,outcome="auth"}`: 1}},
	{"a job's model fails, again and again", func(t *testing.T, c caller) { c.begin(t, "research", "fail") }, map[string]float64{
		`codeforge_llm_attempts_total{` + offlineModel + `,outcome="server_error"}`: 3, `codeforge_llm_retries_total{` + offlineModel + `,next="retry"}`: 2,
		`codeforge_jobs_ended_total{agent="research",end="retry"}`: 1, `codeforge_job_retries_total` + research: 1, `codeforge_job_claims_total{agent="research",kind="again"}`: 1}},
	{"code is written and checked", func(t *testing.T, c caller) { c.run(t, "code", "") }, map[string]float64{
		`codeforge_verify_duration_seconds_count{rung="bundle",status="passed"}`: 1, `codeforge_verifiers_busy`: is(0), `codeforge_verifier_queue`: is(0)}},
	{"a child dies at a tree", func(t *testing.T, c caller) { c.bomb(t.Context(), t, "a.ts") },
		map[string]float64{`codeforge_verifier_deaths_total{reason="out_of_memory"}`: 2}},
	{"trees are checked of which one user may have one at a time", func(t *testing.T, c caller) {
		for name := range 2 {
			n := 0
			busy(t, func(ctx context.Context) {
				n++
				c.bomb(ctx, t, fmt.Sprintf("%d/%d.ts", name, n))
			})
		}
	}, map[string]float64{`codeforge_verifiers_busy`: is(1), `codeforge_verifier_queue`: is(1), `codeforge_verifiers`: is(2)}},
}

// bomb has a child die at a file of a new project.
func (c caller) bomb(ctx context.Context, t *testing.T, path string) {
	project := c.project(t)
	for _, ask := range []struct {
		method, path string
		body         any
	}{{"POST", "files", object{"path": path, "content": hostile.Trees()["fold enum"]["a.ts"]}}, {"GET", "check", nil}} {
		if r, err := c.Do(ctx, ask.method, c.Base+"/v1/projects/"+project+"/"+ask.path, ask.body); err == nil {
			_ = r.Body.Close()
		} else if ctx.Err() == nil {
			t.Error(err)
		}
	}
}

// busy does something over and over until the end of the test.
func busy(t *testing.T, do func(context.Context)) {
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		for ctx.Err() == nil {
			do(ctx)
		}
	})
	t.Cleanup(func() {
		cancel()
		running.Wait()
	})
}

// watched keeps a stream open until the end of the test.
func (c caller) watched(t *testing.T, job string) {
	began := make(chan struct{})
	var once sync.Once
	go func() {
		_, _ = c.Stream(t.Context(), c.Base+"/v1/jobs/"+job+"/stream", new("0"), func(string, []byte) (bool, error) {
			once.Do(func() { close(began) })
			return false, nil
		})
	}()
	wait(t, "the stream", began)
}

var stalled string // the job that waits for its model

// causesAlone happen at a server on the embedded store.
var causesAlone = []cause{
	{"the same is read again", func(t *testing.T, c caller) {
		project := c.project(t)
		for range 3 {
			c.must(t, "GET", "/v1/projects/"+project, nil, new(object))
		}
	}, map[string]float64{`codeforge_cache_reads_total{result="hit"}`: 1, `codeforge_cache_reads_total{result="miss"}`: 1, `codeforge_cache_entries`: 1, `codeforge_cache_bytes`: 100}},
	{"a job is watched to its end", func(t *testing.T, c caller) { c.events(t, c.begin(t, "research", "")) }, map[string]float64{
		`codeforge_stream_bytes_total`: 100, `codeforge_http_requests_total{method="GET",route="/v1/jobs/{job_id}/stream",status="2xx"}`: 1}},
	{"a WebSocket is opened, and subscribes to something", func(t *testing.T, c caller) {
		socket, _, err := websocket.Dial(t.Context(), c.Base+"/v1/ws", nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = socket.CloseNow() })
		if err := socket.Write(t.Context(), websocket.MessageText, []byte(`{"type":"subscribe","id":"jobs"}`)); err != nil {
			t.Fatal(err)
		}
	}, map[string]float64{`codeforge_websockets`: is(1), `codeforge_websockets_opened_total`: 1, `codeforge_websocket_messages_total{kind="received"}`: 1, `codeforge_websocket_messages_total{kind="sent"}`: 1,
		`codeforge_websocket_subscriptions`: is(1)}},
	{"a job is watched, and waits for its model", func(t *testing.T, c caller) {
		stalled = c.begin(t, "wireframe", "stall")
		c.watched(t, stalled)
	}, map[string]float64{`codeforge_streams{way="shared"}`: is(1), `codeforge_streams_opened_total`: 1, `codeforge_workers_busy`: 1, `codeforge_llm_calls_in_flight`: 1,
		`codeforge_jobs{agent="wireframe",state="running"}`: is(1)}},
	{"a job is cancelled while it waits for its model", func(t *testing.T, c caller) { c.must(t, "POST", "/v1/jobs/"+stalled+"/cancel", nil, new(object)) }, map[string]float64{
		`codeforge_jobs_ended_total{agent="wireframe",end="cancelled"}`: 1, `codeforge_llm_attempts_total{` + offlineModel + `,outcome="cancelled"}`: 1,
		`codeforge_llm_calls_in_flight`: is(0)}},
	{"a webhook takes a delivery, and one does not", func(t *testing.T, c caller) {
		c.hook(t, 1, func(w http.ResponseWriter, _ *http.Request) {})
		c.hook(t, 1, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) })
		c.run(t, "research", "")
	}, map[string]float64{`codeforge_webhook_attempts_total{outcome="delivered"}`: 2, `codeforge_webhook_attempts_total{outcome="failed"}`: 1, `codeforge_webhook_retries_total`: 1}},
	{"a webhook is gone", func(t *testing.T, c caller) {
		c.hook(t, 1, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(410) })
	}, map[string]float64{`codeforge_webhook_given_up_total`: 1, `codeforge_webhook_disabled_total`: 1}},
	{"a reader is gone when there is something to tell", func(t *testing.T, c caller) {
		job := c.begin(t, "wireframe", "stall")
		conn, err := net.Dial("tcp", strings.TrimPrefix(c.Base, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /v1/jobs/%s/stream HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", job)
		for r := bufio.NewScanner(conn); r.Scan() && !strings.HasPrefix(r.Text(), "id: "); {
		}
		_ = conn.(*net.TCPConn).SetLinger(0) // a word to the kernel of the other side at once
		_ = conn.Close()
		c.must(t, "POST", "/v1/jobs/"+job+"/cancel", nil, new(object))
	}, map[string]float64{`codeforge_streams_dropped_total{reason="dead"}`: 1}},
	{"there are more streams than there may be", func(t *testing.T, c caller) {
		job := c.begin(t, "wireframe", "stall")
		for range 5 {
			busy(t, func(ctx context.Context) {
				_, _ = c.Stream(ctx, c.Base+"/v1/jobs/"+job+"/stream", new("0"), func(string, []byte) (bool, error) { return false, nil })
			})
		}
	}, map[string]float64{`codeforge_streams_refused_total`: 1}},
	{"a request takes its time", func(t *testing.T, c caller) {
		job := c.begin(t, "wireframe", "stall")
		busy(t, func(ctx context.Context) {
			if r, err := c.Do(ctx, "GET", c.Base+"/v1/jobs/"+job+"?wait=60s", nil); err == nil {
				_ = r.Body.Close()
			}
		})
	}, map[string]float64{`codeforge_http_requests_in_flight`: 1}},
	{"a job waits for another one of its project", func(t *testing.T, c caller) {
		project := c.project(t)
		for range 2 {
			c.must(t, "POST", "/v1/run-agent", object{"project_id": project, "agent_type": "code", "input_context": object{"user_message": "dogs", "skip_clarification": true, "scaffold": "stall"}}, new(object))
		}
	}, map[string]float64{`codeforge_job_queue_age_seconds`: .000001, `codeforge_jobs{agent="code",state="queued"}`: is(1)}},
	{"more is read than may be kept", func(t *testing.T, c caller) {
		project := c.project(t)
		for i := range 30 { // 1.5 MB
			c.must(t, "POST", "/v1/projects/"+project+"/files", object{"path": fmt.Sprintf("%d.txt", i), "content": strings.Repeat("dogs ", 10_000)}, new(object))
		}
		for i := range 30 {
			c.must(t, "GET", fmt.Sprintf("/v1/projects/%s/files/%d.txt", project, i), nil, new(object))
		}
	}, map[string]float64{`codeforge_cache_evictions_total`: 1}},
}

// hook makes a webhook with a receiver, and sends it so many deliveries.
func (c caller) hook(t *testing.T, deliveries int, receive http.HandlerFunc) {
	t.Helper()
	s := httptest.NewServer(receive)
	t.Cleanup(s.Close)
	var hook struct{ ID string }
	c.must(t, "POST", "/v1/webhooks", object{"url": s.URL, "events": []string{"job.completed"}}, &hook)
	for range deliveries {
		c.must(t, "POST", "/v1/webhooks/"+hook.ID+"/test", nil, new(object))
	}
}

// causesAtStart are there before anybody reads metrics: what waits in the store is counted now and then alone.
var causesAtStart = []cause{
	{"a webhook does not answer", func(t *testing.T, c caller) {
		over := make(chan struct{})
		c.hook(t, 6, func(http.ResponseWriter, *http.Request) { <-over })
		t.Cleanup(func() { close(over) })
	}, map[string]float64{`codeforge_webhook_sending`: 4, `codeforge_webhook_pending`: is(6), `codeforge_webhook_oldest_seconds`: .000001}},
}

// causesInFolder happen to the data folder of a server on the embedded store.
func causesInFolder(dir string) []cause {
	return []cause{
		{"another has the database's file for itself", func(t *testing.T, c caller) {
			db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "codeforge.db")+"?_txlock=immediate")
			if err != nil {
				t.Fatal(err)
			}
			tx, err := db.BeginTx(context.Background(), nil)
			if err != nil {
				t.Fatal(err)
			}
			for range 3 {
				busy(t, func(ctx context.Context) {
					if r, err := c.Do(ctx, "POST", c.Base+"/v1/projects/", object{"title": "Dog walkers"}); err == nil {
						_ = r.Body.Close()
					}
				})
			}
			t.Cleanup(func() {
				_ = tx.Rollback()
				_ = db.Close()
			})
		}, map[string]float64{`codeforge_sqlite_writer_queue`: 1}},
	}
}

// TestMetrics: each thing that can happen moves what counts it, in a real server.
func TestMetrics(t *testing.T) {
	cfg := configured(t, "--metrics-addr", "127.0.0.1:0", "--shutdown-timeout", "1", "--verifier-memory-mb", "256", "--verifiers", "2", "--webhook-allow", "127.0.0.1",
		"--max-streams-per-address", "4", "--cache-bytes", "1048576")
	s := serve(t, cfg)
	c := s.as("")
	for _, what := range causesAtStart {
		what.do(t, c)
		s.moved(t, nil, what.want)
	}
	for _, what := range slices.Concat(causes, causesAlone, causesInFolder(cfg.DataDir)) {
		s.happen(t, c, what)
	}
}

func (s *server) happen(t *testing.T, c caller, what cause) {
	t.Run(what.name, func(t *testing.T) {
		s.moved(t, nil, map[string]float64{`codeforge_http_requests_in_flight`: is(0)}) // what happened before is over
		before := s.scrape(t)
		what.do(t, c)
		s.moved(t, before, what.want)
	})
}

// moodyModel is an endpoint that answers with a status once it is set, with a wait of that many seconds.
type moodyModel struct {
	endpoint
	status, seconds atomic.Int64
}

func (m *moodyModel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status := m.status.Load(); status != 0 && r.Method == http.MethodPost {
		w.Header().Set("Retry-After", fmt.Sprint(m.seconds.Load()))
		w.WriteHeader(int(status))
		return
	}
	m.endpoint.ServeHTTP(w, r)
}

const smallModel = `model="small",provider="compatible"`

func causesOfModels(m *moodyModel) []cause {
	budget := func(t *testing.T, c caller, dollars any) {
		c.must(t, "PUT", "/v1/budgets", object{"scope": "user_day", "limit_usd": dollars}, new(object))
	}
	return []cause{
		{"calls cost something", func(t *testing.T, c caller) { c.run(t, "research", "") }, map[string]float64{`codeforge_llm_cost_dollars_total{` + smallModel + `}`: .0001}},
		{"a budget has no room", func(t *testing.T, c caller) {
			budget(t, c, .0001)
			c.run(t, "research", "")
			budget(t, c, nil)
		}, map[string]float64{`codeforge_llm_budget_refusals_total{scope="user_day"}`: 1, `codeforge_llm_skipped_total{reason="budget",` + smallModel + `}`: 1}},
		{"a model fails until it is left alone", m.fail(500, 0, 2), map[string]float64{`codeforge_llm_breaker_state{` + smallModel + `,state="open"}`: 1,
			`codeforge_llm_skipped_total{reason="breaker_open",` + smallModel + `}`: 1, `codeforge_llm_attempts_total{` + smallModel + `,outcome="server_error"}`: 5}},
	}
}

func pausesOfModels(m *moodyModel) []cause {
	return []cause{{"a model asks for a pause", m.fail(429, 300, 1), map[string]float64{`codeforge_llm_paused_seconds{` + smallModel + `}`: 200,
		`codeforge_llm_attempts_total{` + smallModel + `,outcome="rate_limit"}`: 1}}}
}

// fail has so many jobs meet the model's refusal.
func (m *moodyModel) fail(status, seconds int64, jobs int) func(*testing.T, caller) {
	return func(t *testing.T, c caller) {
		m.seconds.Store(seconds)
		m.status.Store(status)
		for range jobs {
			c.begin(t, "research", "")
		}
	}
}

// TestMetricsOfModels: what calls cost and budgets refuse, and models that fail or ask for a pause.
func TestMetricsOfModels(t *testing.T) {
	m := &moodyModel{}
	web := httptest.NewServer(m)
	t.Cleanup(web.Close)
	file := filepath.Join(t.TempDir(), "models.json")
	prices := `{"format": 1, "models": [{"name": "compatible:small", "prices": [{"input": 1000000, "output": 1000000}]}]}`
	if err := os.WriteFile(file, []byte(prices), 0o600); err != nil {
		t.Fatal(err)
	}
	s := serve(t, configured(t, "--metrics-addr", "127.0.0.1:0", "--llm-compatible-url", web.URL+"/v1", "--llm-compatible-model", "small", "--models-file", file))
	for _, c := range causesOfModels(m) {
		s.happen(t, s.as(""), c)
	}
	asks := serve(t, configured(t, "--metrics-addr", "127.0.0.1:0", "--llm-compatible-url", web.URL+"/v1", "--llm-compatible-model", "small"))
	for _, c := range pausesOfModels(m) {
		asks.happen(t, asks.as(""), c)
	}
}

// TestMetricsBetweenServers: Postgres, Redis, and jobs that another server took away.
func TestMetricsBetweenServers(t *testing.T) {
	url, admin := freshDatabase(t)
	p, r := newProject(t), redistest.Start(t)
	s := serve(t, configured(t, "--supabase-url", p.url, "--database-url", url, "--stream-secret", "the same secret for all servers, please", "--redis-url", r.URL(),
		"--metrics-addr", "127.0.0.1:0", "--job-lease", "1", "--shutdown-timeout", "1"))
	c := s.as(p.token(t, alice))
	c.redis(t, "ok")
	for _, what := range causesAtStartBetween {
		s.moved(t, nil, what.want)
	}
	_, name, _ := strings.Cut(strings.TrimSuffix(admin, "?sslmode=disable"), "127.0.0.1:")
	db := &sharedDatabase{pgtest.Start(t), name[strings.Index(name, "/")+1:], admin}
	for _, what := range causesBetween(db, r) {
		s.happen(t, c, what)
	}
}

// sharedDatabase is one that others than a server use too.
type sharedDatabase struct {
	*pgtest.Server
	name, url string
}

var causesAtStartBetween = []cause{{"a server starts", nil, map[string]float64{`codeforge_db_connections_opened_total`: 1, `codeforge_db_connections{state="idle"}`: 1, `codeforge_redis_up`: is(1)}}}

func causesBetween(db *sharedDatabase, r *redistest.Server) []cause {
	return []cause{
		{"a server has connections", func(t *testing.T, c caller) { c.project(t) }, map[string]float64{
			`codeforge_db_connections_max`:              is(10),
			`codeforge_redis_limited_total{by="redis"}`: 1}},
		{"a job is run, its events told", func(t *testing.T, c caller) { c.run(t, "research", "") }, map[string]float64{`codeforge_redis_messages_total{kind="published"}`: 1,
			`codeforge_jobs_ended_total{agent="research",end="completed"}`: 1}},
		{"a claim is renewed", func(t *testing.T, c caller) { c.begin(t, "research", "stall") }, map[string]float64{`codeforge_job_leases_total{result="renewed"}`: 1}},
		{"a claim is lost", func(t *testing.T, c caller) {
			db.Exec(t, db.name, "update agent_jobs set fence = fence + 1 where status = 'running'")
		}, map[string]float64{`codeforge_job_leases_total{result="lost"}`: 1, `codeforge_jobs_ended_total{agent="research",end="lost"}`: 1}},
		{"another has a table for itself, and gives it back", func(t *testing.T, c caller) {
			other, err := pgx.Connect(t.Context(), db.url)
			if err != nil {
				t.Fatal(err)
			}
			defer other.Close(context.Background())
			if _, err := other.Exec(t.Context(), "begin; lock table projects in access exclusive mode"); err != nil {
				t.Fatal(err)
			}
			for range 20 {
				busy(t, func(ctx context.Context) {
					if r, err := c.Do(ctx, "POST", c.Base+"/v1/projects/", object{"title": "Dog walkers"}); err == nil {
						_ = r.Body.Close()
					}
				})
			}
			wait(t, "requests that wait for the table", blocked(t, other))
		}, map[string]float64{`codeforge_db_connections{state="in_use"}`: 1, `codeforge_db_connection_waits_total`: 1, `codeforge_db_connection_wait_seconds_total`: .000001}},
		{"Redis takes long", func(t *testing.T, c caller) {
			r.Pause(t)
			c.ask(t, "GET", "/v1/jobs/0198c0de-0000-7000-8000-00000000000b", nil)
			r.Resume(t)
		}, map[string]float64{`codeforge_redis_slow_total`: 1, `codeforge_redis_limited_total{by="process"}`: 1}},
		{"Redis is gone", func(t *testing.T, c caller) { r.Stop(t) }, map[string]float64{`codeforge_redis_up`: is(0), `codeforge_redis_lost_total`: 1}},
		{"the database cannot say which jobs there are", func(t *testing.T, c caller) {
			db.Exec(t, db.name, "alter table agent_jobs rename to agent_jobs_elsewhere")
			t.Cleanup(func() { db.Exec(t, db.name, "alter table agent_jobs_elsewhere rename to agent_jobs") })
		}, map[string]float64{`codeforge_metrics_source_errors_total{source="jobs"}`: 1}},
	}
}

// blocked is closed once some connections wait for locks.
func blocked(t *testing.T, db *pgx.Conn) <-chan struct{} {
	found := make(chan struct{})
	go func() {
		defer close(found)
		for waiting := 0; waiting < 5; {
			if err := db.QueryRow(t.Context(), "select count(*) from pg_locks where not granted").Scan(&waiting); err != nil {
				t.Error(err)
				return
			}
		}
	}()
	return found
}

// countedElsewhere are metrics whose causes take hours or a clock of a test's own: the test that has each counted. That the counts
// are shown as they are is TestSourcesAreShown's matter.
var countedElsewhere = map[string]string{
	"codeforge_websockets_dropped_total":    "internal/api TestSlowSockets",
	"codeforge_db_failovers_total":          "internal/postgres TestReplicas",
	"codeforge_db_failover_lost_jobs_total": "internal/postgres TestReplicas",
	"codeforge_replica_up":                  "internal/postgres TestReplicas",
	"codeforge_replica_lag_seconds":         "internal/postgres TestReplicas",
	"codeforge_replica_lag_bytes":           "internal/postgres TestReplicas",
	"codeforge_replica_latency_seconds":     "internal/postgres TestReplicas",
	"codeforge_replica_reads_total":         "internal/postgres TestReplicas",
	"codeforge_replica_primary_reads_total": "internal/postgres TestReplicas",
}

// TestEveryMetricHasACause: none is in the list that nothing moves, in the tables above.
func TestEveryMetricHasACause(t *testing.T) {
	moved := map[string]bool{}
	for _, c := range slices.Concat(causes, causesAtStart, causesAlone, causesInFolder(""), causesOfModels(nil), pausesOfModels(nil), causesAtStartBetween, causesBetween(nil, nil)) {
		for series, n := range c.want {
			name, _, _ := strings.Cut(series, "{")
			if n != 0 && n != is(0) {
				moved[strings.TrimSuffix(strings.TrimSuffix(name, "_count"), "_sum")] = true
			}
		}
	}
	for _, m := range telemetry.Catalogue() {
		test := countedElsewhere[m.Name]
		if test == "" && !moved[m.Name] {
			t.Errorf("%s: nothing in the tables of causes moves it", m.Name)
		}
		if test != "" && !isTest(t, test) {
			t.Errorf("%s: there is no %s", m.Name, test)
		}
	}
}

// isTest reports whether there is a test: a folder of this module, and a name.
func isTest(t *testing.T, test string) bool {
	folder, name, _ := strings.Cut(test, " ")
	files, err := filepath.Glob(filepath.Join("../..", folder, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "func "+name+"(t *testing.T)") {
			return true
		}
	}
	return false
}

// TestMetricsAreNamedAlike: what is exported is in the list, which has rules.
func TestMetricsAreNamedAlike(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range telemetry.Catalogue() {
		counts := strings.HasSuffix(m.Name, "_total")
		if seen[m.Name] || !strings.HasPrefix(m.Name, "codeforge_") || counts != (m.Kind == telemetry.Counter) || len(m.Help) < 20 || (m.Kind == telemetry.Histogram) != (m.Buckets != nil) {
			t.Errorf("%+v", m)
		}
		seen[m.Name] = true
	}
	if len(telemetry.Names()) < len(seen) {
		t.Error(telemetry.Names())
	}
	s := serve(t, configured(t))
	for series := range s.scrape(t) {
		name, _, _ := strings.Cut(series, "{")
		if strings.HasPrefix(name, "codeforge_") && !slices.Contains(telemetry.Names(), name) {
			t.Errorf("%s is not in the list", name)
		}
	}
}

// TestWhoReadsMetrics: metrics are for operators.
func TestWhoReadsMetrics(t *testing.T) {
	get := func(url string, change func(*http.Request)) (int, string) {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), "GET", url+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		change(r)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, _ := io.ReadAll(resp.Body)
		return resp.StatusCode, string(b)
	}
	open := serve(t, configured(t))
	token := serve(t, configured(t, "--metrics-token", "a token for the scraper"))
	apart := serve(t, configured(t, "--metrics-addr", "127.0.0.1:0"))
	asked := func(*http.Request) {}
	with := func(name, value string) func(*http.Request) {
		return func(r *http.Request) {
			if r.Header.Set(name, value); name == "Host" {
				r.Host = value
			}
		}
	}
	for _, c := range []struct {
		what, url string
		change    func(*http.Request)
		want      int
	}{
		{"from here, while somebody develops", open.URL(), asked, 200},
		{"by another name", open.URL(), with("Host", "evil.example"), 403},
		{"over a proxy", open.URL(), with("X-Forwarded-For", "203.0.113.7"), 403},
		{"from a page", open.URL(), with("Origin", "http://localhost:3000"), 403},
		{"without the token", token.URL(), asked, 401},
		{"with another token", token.URL(), with("Authorization", "Bearer a token for the scrapes"), 401},
		{"with the token", token.URL(), with("Authorization", "Bearer a token for the scraper"), 200},
		{"at the port of its own", apart.OperatorsURL(), asked, 200},
		{"at the other port, where there is one of its own", apart.URL(), asked, 404},
	} {
		if status, text := get(c.url, c.change); status != c.want || (status == 200) != strings.Contains(text, "go_goroutines") {
			t.Errorf("%s: %d, want %d: %.300s", c.what, status, c.want, text)
		}
	}
}
