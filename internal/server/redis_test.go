package server

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/redis/redistest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestServersOverRedis: on each store that servers share, Redis makes them one at once. What one cannot take the other does, each shows
// what happens at the other, words as they come too, and either cancels what the other runs; after Redis lost everything, and after it was
// restarted, as before. Leases and sweeps are so far away that nothing else could do it.
func TestServersOverRedis(t *testing.T) {
	url, admin := freshDatabase(t)
	told := listening(t, admin)
	database, dataAPI := newProject(t), newDataProject(t)
	for name, c := range map[string]struct {
		project *project
		args    []string
	}{
		"database": {database, []string{"--database-url", url}},
		"Data API": {dataAPI, []string{"--supabase-service-key", dataAPI.rest.Secret}},
	} {
		t.Run(name, func(t *testing.T) {
			r := redistest.Start(t)
			m, n := newSlowModel(t), newSlowModel(t)
			token := c.project.token(t, alice)
			args := append(c.args, "--supabase-url", c.project.url, "--stream-secret", "the same secret for all servers, please", "--redis-url", r.URL(), "--workers", "1", "--job-lease", "600")
			a := serve(t, configured(t, append(slices.Clone(args), m.args()...)...)).as(token)
			b := serve(t, configured(t, append(slices.Clone(args), n.args()...)...)).as(token)
			a.redis(t, "ok")
			b.redis(t, "ok")

			round := func(when string) {
				here, runs, ended, other, otherModel := a.submit(t, "research"), a, m.ended, b, n
				select {
				case <-m.called:
				case <-n.called: // the worker of the first server was not free yet
					runs, ended, other, otherModel = b, n.ended, a, m
				case <-time.After(3 * time.Minute):
					t.Fatal("no model was called", when)
				}
				there := a.submit(t, "research")
				wait(t, "the other server's model, "+when, otherModel.called)
				watched := make(chan []string, 2)
				go func() { watched <- runs.events(t, there) }()
				go func() { watched <- other.events(t, here) }()
				runs.must(t, "POST", "/v1/jobs/"+there+"/cancel", nil, new(object))
				wait(t, "the end of the call, "+when, otherModel.ended)
				other.must(t, "POST", "/v1/jobs/"+here+"/cancel", nil, new(object))
				wait(t, "the end of the other call, "+when, ended)
				for range 2 {
					if kinds := <-watched; kinds[len(kinds)-1] != "cancelled" {
						t.Error(when, kinds)
					}
				}
			}
			round("at first")
			r.Do(t, "FLUSHALL")
			round("after Redis lost everything")
			r.Stop(t)
			a.redis(t, "failing")
			b.redis(t, "failing")
			if status, text, _ := a.ask(t, "GET", "/readyz", nil); status != 200 || !contains(text, `"degraded":["redis"]`) {
				t.Error(status, text)
			}
			job, runs, ended, other := a.submit(t, "research"), a, m.ended, b
			select {
			case <-m.called:
			case <-n.called: // the worker of the first server was not free yet, and the other one looked
				runs, ended, other = b, n.ended, a
			case <-time.After(3 * time.Minute):
				t.Fatal("no model was called while Redis is away")
			}
			watched := make(chan []string, 1)
			go func() { watched <- other.events(t, job) }()
			runs.must(t, "POST", "/v1/jobs/"+job+"/cancel", nil, new(object))
			wait(t, "the end of the call, while Redis is away", ended)
			if kinds := <-watched; kinds[len(kinds)-1] != "cancelled" {
				t.Error("while Redis is away:", kinds)
			}
			r.Restart(t)
			a.redis(t, "ok")
			b.redis(t, "ok")
			round("after a restart")
		})
	}
	if news, queued := told(); news > 0 || queued > 0 {
		t.Errorf("with Redis, the database too announces %d events and %d jobs", news, queued)
	}
}

// listening returns how much a database has announced since, by itself and by River.
func listening(t *testing.T, url string) func() (news, queued int) {
	t.Helper()
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	heard := 0
	cfg.OnNotification = func(*pgconn.PgConn, *pgconn.Notification) { heard++ }
	conn, err := pgx.ConnectConfig(t.Context(), cfg)
	if err == nil {
		_, err = conn.Exec(t.Context(), "listen codeforge_events")
	}
	if err != nil {
		t.Fatal(err)
	}
	return func() (news, queued int) {
		defer conn.Close(context.WithoutCancel(t.Context()))
		if err := conn.QueryRow(t.Context(), "select count(*) from codeforge_river.river_job").Scan(&queued); err != nil {
			t.Error(err)
		}
		return heard, queued
	}
}

// redis waits until health says this of Redis.
func (c caller) redis(t *testing.T, want string) {
	t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); ; {
		status, text, _ := c.ask(t, "GET", "/health", nil)
		var h struct {
			Status       string
			Dependencies map[string]string
		}
		if err := json.Unmarshal([]byte(text), &h); err != nil || status != 200 {
			t.Fatal(status, text)
		}
		if h.Dependencies["redis"] == want && (h.Status == "healthy") == (want == "ok") {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("in vain waited for Redis to be %s: %s", want, text)
		}
	}
}

// TestWordsOverRedis: who watches at one server reads the words of a job at another one as they come.
func TestWordsOverRedis(t *testing.T) {
	url, _ := freshDatabase(t)
	p, r := newProject(t), redistest.Start(t)
	args := []string{"--supabase-url", p.url, "--database-url", url, "--stream-secret", "the same secret for all servers, please", "--redis-url", r.URL()}
	runs, watches := serve(t, configured(t, args...)), serve(t, configured(t, append(slices.Clone(args), "--role", "api")...))
	token := p.token(t, alice)
	runs.as(token).redis(t, "ok")
	watches.as(token).redis(t, "ok")
	job := watches.as(token).submit(t, "code") // which has no workers
	kinds := watches.as(token).events(t, job)
	if kinds[len(kinds)-1] != "complete" || !slices.Contains(kinds, "file_delta") && !slices.Contains(kinds, "delta") {
		t.Error(kinds)
	}
}

// TestRedisBesideEmbedded: one process owns the embedded database, so Redis carries nothing for it, and its absence is told and harms nothing.
func TestRedisBesideEmbedded(t *testing.T) {
	r := redistest.Start(t)
	s := serve(t, configured(t, "--celery-broker-url", r.URL()))
	s.as("").redis(t, "ok")
	r.Stop(t)
	s.as("").redis(t, "failing")
	job := s.as("").submit(t, "research")
	if kinds := s.as("").events(t, job); kinds[len(kinds)-1] != "complete" {
		t.Error(kinds)
	}
}

// TestRedisSettings: Celery's broker counts where it is a Redis, and bad addresses are told without what they hold.
func TestRedisSettings(t *testing.T) {
	for _, c := range []struct{ url, broker, want, unused string }{
		{"", "", "", ""},
		{"redis://a", "", "redis://a", ""},
		{"redis://a", "redis://b", "redis://a", "CELERY_BROKER_URL"},
		{"", "redis://b", "redis://b", ""},
		{"", "rediss://b/1?ssl_cert_reqs=required", "rediss://b/1?ssl_cert_reqs=required", ""},
		{"", "amqp://b", "", "CELERY_BROKER_URL"},
	} {
		cfg := Config{RedisURL: c.url, CeleryBroker: c.broker}
		if got := cfg.redisURL(); got != c.want || !strings.Contains(cfg.unused(), c.unused) || (cfg.unused() == "") != (c.unused == "") {
			t.Errorf("%+v: %q %q", c, got, cfg.unused())
		}
	}
	for name, cfg := range map[string]Config{"REDIS_URL": {RedisURL: "redis://u:SECRET@", RedisPrefix: "p"}, "CELERY_BROKER_URL": {CeleryBroker: "redis://u:SECRET@", RedisPrefix: "p"},
		"REDIS_PREFIX": {RedisPrefix: "a b"}} {
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), name+": ") || strings.Contains(err.Error(), "SECRET") {
			t.Error(name, err)
		}
	}
}

// TestLimitOverRedis: servers count a user's requests together, and each alone while Redis is away.
func TestLimitOverRedis(t *testing.T) {
	url, _ := freshDatabase(t)
	p, r := newProject(t), redistest.Start(t)
	args := []string{"--supabase-url", p.url, "--database-url", url, "--stream-secret", "the same secret for all servers, please", "--redis-url", r.URL(), "--rate-limit-per-minute", "3"}
	a, b := serve(t, configured(t, args...)).as(""), serve(t, configured(t, args...)).as("")
	a.redis(t, "ok")
	b.redis(t, "ok")
	asked := func(c caller) string {
		status, _, h := c.ask(t, "GET", "/v1/projects/", nil)
		return fmt.Sprint(status, " ", h.Get("X-Ratelimit-Limit"), " ", h.Get("X-Ratelimit-Remaining"))
	}
	want := []string{"200 3 2", "200 3 1", "200 3 0", "429 3 0", "429 3 0"}
	for try := 1; ; try++ { // on a busy machine Redis may take so long that a server counts alone: then another user is counted
		a.Token = p.token(t, codeforge.NewID())
		b.Token = a.Token
		got := []string{asked(a), asked(b), asked(a), asked(b), asked(a)}
		if slices.Equal(got, want) {
			break
		}
		if try == 20 {
			t.Fatalf("%q", got)
		}
	}
	r.Stop(t)
	a.redis(t, "failing")
	if got := asked(a); got != "200 3 2" {
		t.Error("while Redis is away:", got)
	}
}

// TestDoctorTriesRedis: doctor says of Redis what a server will find, without the password in its address.
func TestDoctorTriesRedis(t *testing.T) {
	r := redistest.Start(t, "--requirepass", "SECRET")
	for url, want := range map[string]string{"": "", "redis://:SECRET@" + r.Addr(): "ok", "redis://:SECRETS@" + r.Addr(): "broken", "redis://:SECRET@127.0.0.1:1": "broken"} {
		d := &doctor{Config: *configured(t, "--redis-url", url)}
		if f := d.redis(t.Context()); f.State != want || strings.Contains(f.Message, "SECRET") || (want == "broken") != (f.Message != "") {
			t.Errorf("%s: %+v", url, f)
		}
	}
}
