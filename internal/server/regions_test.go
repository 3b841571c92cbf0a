package server

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
)

// regions are two servers of ours over two PostgreSQL, of which one follows the other.
type regions struct {
	t                *testing.T
	primary, standby *pgtest.Server
	servers          []*server
	acknowledged     atomic.Int64 // writes
	refused          atomic.Int64
	reads            atomic.Int64
}

// regionUser has one project, whose title counts what was written to it, and is the only one who writes it.
type regionUser struct {
	token, project string
	acknowledged   int
	consistency    string // the token of the last answer
	at             int    // the server that gave it
	jobs           []string
}

// Two servers of ours read of two PostgreSQL, one of which follows the other, now with lag and now without it, and takes over under load
// when it is killed; then they change places. What was acknowledged is there, what was written is read, and it goes on within seconds.
// It takes a minute, and so CODEFORGE_SOAK; internal/postgres TestReplicas is the short form.
func TestRegions(t *testing.T) {
	if os.Getenv("CODEFORGE_SOAK") == "" {
		t.Skip("CODEFORGE_SOAK has it run")
	}
	r := newRegions(t)
	p := newProject(t)
	replicas := strings.Join([]string{r.primary.URL("cf_app", "codeforge"), r.standby.URL("cf_app", "codeforge")}, ",")
	either := fmt.Sprintf("postgres://cf_app@127.0.0.1:%d,127.0.0.1:%d/codeforge?sslmode=disable", r.primary.Port, r.standby.Port)
	for range 2 {
		r.servers = append(r.servers, serve(t, configured(t, "--supabase-url", p.url, "--database-url", either, "--database-replica-urls", replicas,
			"--stream-secret", "the same secret for all servers, please", "--shutdown-timeout", "5")))
	}
	users := make([]*regionUser, 6)
	for i := range users {
		users[i] = &regionUser{token: p.token(t, codeforge.NewID()), at: i % 2}
		var made struct{ ID string }
		r.servers[i%2].as(users[i].token).must(t, "POST", "/v1/projects/", object{"title": "state 0"}, &made)
		users[i].project = made.ID
	}
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for i, u := range users {
		load.Go(func() { r.use(ctx, u, rand.New(rand.NewPCG(1, uint64(i)))) })
	}
	for round := range 2 {
		r.lag(8 * time.Second)
		healed := r.failOver()
		t.Logf("round %d: healed in %v; %d writes acknowledged, %d refused, %d reads", round+1, healed.Round(time.Millisecond), r.acknowledged.Load(), r.refused.Load(), r.reads.Load())
		if healed > 20*time.Second {
			t.Error("it took too long")
		}
	}
	stop()
	load.Wait()
	for _, u := range users {
		for n := range r.servers {
			if title, err := r.read(t.Context(), u, n, u.consistency); err != nil || title < u.acknowledged {
				t.Errorf("acknowledged %d, there is %d: %v", u.acknowledged, title, err)
			}
			for _, job := range u.jobs {
				if status, text, _ := r.servers[n].as(u.token).ask(t, "GET", "/v1/jobs/"+job, nil); status != http.StatusOK {
					t.Errorf("an acknowledged job is lost: %d %s", status, text)
				}
			}
		}
	}
	var answered int64
	for _, s := range r.servers {
		for _, one := range s.store.replicas.Stats().Replicas {
			answered += one.Reads
		}
		if n := s.store.failovers.Stats(); n.Count != 2 || n.Lost != 0 {
			t.Errorf("failovers: %+v", n)
		}
	}
	if answered < 100 || r.acknowledged.Load() < 200 {
		t.Errorf("%d reads of replicas, %d writes: that shows nothing", answered, r.acknowledged.Load())
	}
	t.Logf("%d reads of replicas", answered)
}

func newRegions(t *testing.T) *regions {
	r := &regions{t: t, primary: pgtest.Private(t)}
	r.primary.Exec(t, "postgres", "create role anon nologin; create role authenticated nologin; create role service_role nologin; "+
		"create role cf_app login noinherit; grant anon, authenticated, service_role to cf_app")
	r.primary.Exec(t, "postgres", "create database codeforge")
	if _, err := postgres.Migrate(t.Context(), r.primary.URL(pgtest.Superuser, "codeforge"), ""); err != nil {
		t.Fatal(err)
	}
	r.standby = r.primary.Standby(t, "other")
	r.synchronous(true)
	return r
}

// synchronous has commits wait for the standby, or not.
func (r *regions) synchronous(wait bool) {
	names, at := "''", r.standby
	if wait {
		names, at = "'other'", r.primary
	}
	at.Exec(r.t, "postgres", "alter system set synchronous_standby_names = "+names)
	at.Exec(r.t, "postgres", "select pg_reload_conf()")
	if wait {
		r.until("a synchronous standby", func() bool {
			return r.primary.Query(r.t, "postgres", "select exists (select from pg_stat_replication where state = 'streaming' and sync_state = 'sync')") == "true"
		})
	}
}

func (r *regions) until(what string, ok func() bool) {
	r.t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); <-time.After(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			r.t.Fatal("in vain waited for ", what)
		}
	}
}

// lag has the standby stand still and go on at random.
func (r *regions) lag(length time.Duration) {
	for end := time.Now().Add(length); time.Now().Before(end); {
		r.standby.PauseReplay(r.t)
		<-time.After(rand.N(800 * time.Millisecond))
		r.standby.ResumeReplay(r.t)
		<-time.After(rand.N(400 * time.Millisecond))
	}
}

// failOver kills the primary and has the other one take its place, and says how long nothing could be written.
func (r *regions) failOver() time.Duration {
	r.primary.Kill(r.t)
	began := time.Now()
	r.synchronous(false)
	r.standby.Promote(r.t)
	before := r.acknowledged.Load()
	r.until("a write", func() bool { return r.acknowledged.Load() >= before+6 })
	healed := time.Since(began)
	r.primary, r.standby = r.standby, r.primary
	r.standby.Follow(r.t, r.primary, "other")
	r.synchronous(true)
	return healed
}

// use writes and reads, at either server, until ctx ends.
func (r *regions) use(ctx context.Context, u *regionUser, rng *rand.Rand) {
	attempted := 0
	for n := 1; ctx.Err() == nil; n++ {
		at := rng.IntN(2)
		attempted = n
		status, header := r.send(ctx, u, at, "PUT", "/v1/projects/"+u.project, object{"title": fmt.Sprint("state ", n)}, nil)
		switch {
		case status == http.StatusOK:
			u.acknowledged, u.at, u.consistency = n, at, header.Get("X-Consistency-Token")
			r.acknowledged.Add(1)
			if u.consistency == "" {
				r.t.Error("a write without a token")
			}
		case ctx.Err() == nil && status != http.StatusServiceUnavailable:
			r.t.Errorf("write: %d", status)
		default:
			r.refused.Add(1)
		}
		looks := 3
		if n%15 == 0 { // somebody thinks, and the standby has what was written, or has not
			looks = 30
			<-time.After(time.Duration(rng.Int64N(int64(2 * time.Second))))
		}
		for range looks {
			where, token := rng.IntN(2), u.consistency
			if rng.IntN(2) == 0 {
				where, token = u.at, ""
			}
			title, err := r.read(ctx, u, where, token)
			if err == nil && (title < u.acknowledged || title > attempted) {
				r.t.Errorf("read state %d after %d was acknowledged and %d sent, at %d (written at %d, token %t)", title, u.acknowledged, attempted, where, u.at, token != "")
			}
		}
		if n%10 == 0 {
			var j struct {
				ID string `json:"job_id"`
			}
			if status, _ := r.send(ctx, u, at, "POST", "/v1/run-agent", object{"project_id": u.project, "agent_type": "noop"}, &j); status == http.StatusOK && !slices.Contains(u.jobs, j.ID) {
				u.jobs = append(u.jobs, j.ID)
			}
		}
		<-time.After(5 * time.Millisecond)
	}
}

// send sends a request; 0: there was no answer.
func (r *regions) send(ctx context.Context, u *regionUser, at int, method, path string, body, out any, header ...string) (status int, h http.Header) {
	c := r.servers[at].as(u.token)
	resp, err := c.Do(ctx, method, c.Base+path, body, header...)
	if err != nil {
		return 0, nil
	}
	defer resp.Body.Close()
	if out != nil && resp.StatusCode == http.StatusOK {
		if err := json.NewDecoder(resp.Body).Decode(out); err != nil {
			return 0, nil
		}
	}
	return resp.StatusCode, resp.Header
}

// read returns what the title counts.
func (r *regions) read(ctx context.Context, u *regionUser, at int, token string) (n int, err error) {
	var p struct{ Title string }
	var header []string
	if token != "" {
		header = []string{"X-Consistency-Token", token}
	}
	status, _ := r.send(ctx, u, at, "GET", "/v1/projects/"+u.project, nil, &p, header...)
	if status != http.StatusOK {
		return 0, fmt.Errorf("status %d", status)
	}
	r.reads.Add(1)
	_, err = fmt.Sscanf(p.Title, "state %d", &n)
	return n, err
}
