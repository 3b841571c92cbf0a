//go:build unix

package server

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"codeforge/internal/client"
	"codeforge/internal/pgtest"
	"codeforge/internal/redis/redistest"
)

// TestChaos breaks an installation under load, at random, and counts what its users notice: three processes that answer and four that
// work, on a real Postgres and a real Redis, each reached over a line that can be cut and slowed. It takes as long as
// CODEFORGE_CHAOS says (make soak: ten minutes; CI: 90 seconds) and CODEFORGE_CHAOS_SEED repeats the choice of faults.
//
// What must hold: an accepted job ends once, its events come to a client that reconnects once and in order, an
// acknowledged write is read by every server, each end is told to the webhook, and servers are well 30 s after the last fault. A run
// counts only if faults hit running work.
func TestChaos(t *testing.T) {
	length, err := time.ParseDuration(os.Getenv("CODEFORGE_CHAOS"))
	if err != nil {
		t.Skip("CODEFORGE_CHAOS says how long it takes: 90s, 10m")
	}
	c := newChaos(t)
	ctx, cancel := context.WithTimeout(t.Context(), length)
	defer cancel()
	var load sync.WaitGroup
	for n := range 10 {
		load.Go(func() { c.user(ctx, n) })
	}
	for _, n := range c.nodes {
		if n.role == "api" {
			load.Go(func() { c.probe(ctx, n) })
		}
	}
	c.breakThings(ctx)
	healed := time.Now()
	c.awaitHealth(healed)
	load.Wait()
	c.settle()
	c.report(length)
}

// chaos is the installation and what is known of it.
type chaos struct {
	t     *testing.T
	pg    *pgtest.Server
	redis *redistest.Server
	nodes []*node
	apis  []*node
	rand  *rand.Rand // of the one goroutine that breaks things

	mu       sync.Mutex
	jobs     map[string]*ledgerEntry // accepted, by id
	told     map[string]int          // by webhooks, of the ends of jobs
	refused  map[string]bool         // deliveries
	faults   map[string]int
	problems []string
	writes   int
	unsure   int // requests that were sent again, since nothing came back

	follows sync.WaitGroup
}

// ledgerEntry is a job whose id was in an answer.
type ledgerEntry struct {
	project, agent string
	events         int64 // number of the last
	end            string
}

// node is one process of the program.
type node struct {
	c         *chaos
	role      string
	name      string
	port      int
	lines     map[string]*line
	dir       string
	mu        sync.Mutex
	cmd       *exec.Cmd
	ended     chan struct{}
	disturbed atomic.Int64 // unix milliseconds until which nothing is expected of it
	log       *os.File
}

func newChaos(t *testing.T) *chaos {
	seed := uint64(time.Now().UnixNano())
	if s, err := strconv.ParseUint(os.Getenv("CODEFORGE_CHAOS_SEED"), 10, 64); err == nil {
		seed = s
	}
	t.Logf("CODEFORGE_CHAOS_SEED=%d; without network namespaces: lines are proxies of the test's own", seed)
	c := &chaos{t: t, rand: rand.New(rand.NewPCG(seed, 1)), jobs: map[string]*ledgerEntry{}, told: map[string]int{}, refused: map[string]bool{}, faults: map[string]int{}}
	c.pg, c.redis = pgtest.Private(t), redistest.Start(t)
	c.pg.Exec(t, "postgres", "create database chaos")
	models := httptest.NewServer(slowed{&endpoint{}})
	t.Cleanup(models.Close)
	hook := httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(hook.Close)
	for _, role := range []string{"api", "api", "api", "worker", "worker", "worker", "worker"} {
		n := &node{c: c, role: role, name: fmt.Sprintf("%s-%d", role, len(c.nodes)), dir: t.TempDir(), lines: map[string]*line{
			"postgres": newLine(t, fmt.Sprintf("127.0.0.1:%d", c.pg.Port)), "redis": newLine(t, c.redis.Addr())}}
		n.port = free(t)
		var err error
		if n.log, err = os.Create(filepath.Join(n.dir, "log")); err != nil {
			t.Fatal(err)
		}
		c.nodes = append(c.nodes, n)
		if role == "api" {
			c.apis = append(c.apis, n)
		}
		n.start(models.URL)
		t.Cleanup(func() { n.signal(syscall.SIGKILL) })
		n.await()
	}
	c.apis[0].must("POST", "/v1/webhooks", object{"url": hook.URL, "events": []string{"job.completed", "job.failed", "job.cancelled"}})
	return c
}

func free(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// slowed lets a model think for a while, so that faults find jobs at work.
type slowed struct{ http.Handler }

func (s slowed) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodPost {
		select {
		case <-time.After(rand.N(1500 * time.Millisecond)):
		case <-r.Context().Done():
			return
		}
	}
	s.Handler.ServeHTTP(w, r)
}

// receive is the address of the webhook. It refuses one delivery in ten, once.
func (c *chaos) receive(w http.ResponseWriter, r *http.Request) {
	var told struct {
		Type string
		Data struct {
			JobID string `json:"job_id"`
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&told); err != nil {
		c.problem("a delivery without a body of JSON: %v", err)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if id := r.Header.Get("Webhook-Id"); rand.IntN(10) == 0 && !c.refused[id] {
		c.refused[id] = true
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	c.told[told.Data.JobID]++
}

func (c *chaos) problem(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, fmt.Sprintf(format, args...))
}

// start starts the process, on the port that it always has.
func (n *node) start(models ...string) {
	path, err := binary()
	if err != nil {
		n.c.t.Fatal(err)
	}
	cmd := exec.Command(path, "serve", "--role", n.role, "--port", strconv.Itoa(n.port), "--data-dir", n.dir)
	cmd.Dir = n.dir
	if n.cmd != nil {
		cmd.Env = n.cmd.Env
	} else {
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.dir, "NPM_REGISTRY=off", "SMOKE=off", "RATE_LIMIT_PER_MINUTE=100000000", "JOB_LEASE=4", "WORKERS=4",
			"STREAM_SECRET=the same secret for all servers, please", "CACHE=on", "WEBHOOK_ALLOW=127.0.0.0/8", "SHUTDOWN_TIMEOUT=8",
			"DATABASE_URL=" + fmt.Sprintf("postgres://%s@%s/chaos?sslmode=disable&connect_timeout=3", pgtest.Superuser, n.lines["postgres"].addr), "REDIS_URL=redis://" + n.lines["redis"].addr,
			"LLM_COMPATIBLE_URL=" + models[0] + "/v1", "LLM_COMPATIBLE_MODEL=small"}
	}
	cmd.Stderr = n.log
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cmd, n.ended = cmd, make(chan struct{})
	if err := cmd.Start(); err != nil {
		n.c.t.Error(err)
		return
	}
	go func(ended chan struct{}) {
		cmd.Wait()
		close(ended)
	}(n.ended)
}

func (n *node) signal(s syscall.Signal) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cmd.Process.Signal(s)
	if s == syscall.SIGKILL {
		<-n.ended
	}
}

func (n *node) base() string { return "http://127.0.0.1:" + strconv.Itoa(n.port) }

// await waits until the process is ready.
func (n *node) await() {
	for range 600 {
		if n.ready() {
			return
		}
		time.Sleep(100 * time.Millisecond) // another process says nothing when it is ready
	}
	n.c.t.Errorf("%s does not get ready: %s", n.name, n.tail())
}

func (n *node) ready() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	r, err := client.Client{Base: n.base()}.Do(ctx, "GET", n.base()+"/readyz", nil)
	if err != nil {
		return false
	}
	r.Body.Close()
	return r.StatusCode == http.StatusOK
}

func (n *node) tail() string {
	b, _ := os.ReadFile(n.log.Name())
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	return strings.Join(lines[max(0, len(lines)-8):], "\n")
}

func (n *node) must(method, path string, body any) {
	if status, text, err := n.send(context.Background(), method, path, body, ""); err != nil || status >= 300 {
		n.c.t.Fatalf("%s %s: %d %s %v", method, path, status, text, err)
	}
}

// send makes one request.
func (n *node) send(ctx context.Context, method, path string, body any, key string) (status int, text string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 12*time.Second)
	defer cancel()
	var header []string
	if key != "" {
		header = []string{"Idempotency-Key", key}
	}
	r, err := client.Client{Base: n.base()}.Do(ctx, method, n.base()+path, body, header...)
	if err != nil {
		return 0, "", err
	}
	defer r.Body.Close()
	b, err := io.ReadAll(io.LimitReader(r.Body, 8<<20))
	return r.StatusCode, string(b), err
}

// settled sends a request to one server after the other until one says yes or no.
func (c *chaos) settled(ctx context.Context, method, path string, body any, key string) (status int, text string, ok bool) {
	for ctx.Err() == nil {
		n := c.apis[rand.IntN(len(c.apis))]
		status, text, err := n.send(ctx, method, path, body, key)
		if err == nil && status < 500 && status != http.StatusTooManyRequests {
			return status, text, true
		}
		c.mu.Lock()
		c.unsure++
		c.mu.Unlock()
		select {
		case <-time.After(200*time.Millisecond + rand.N(300*time.Millisecond)):
		case <-ctx.Done():
		}
	}
	return 0, "", false
}

// user works: a project, writes that are read elsewhere, jobs that are followed.
func (c *chaos) user(ctx context.Context, n int) {
	for round := 0; ctx.Err() == nil; round++ {
		var p struct{ ID string }
		status, text, ok := c.settled(ctx, "POST", "/v1/projects", object{"title": fmt.Sprintf("User %d, round %d", n, round)}, "")
		if !ok {
			return
		}
		if status != 200 || json.Unmarshal([]byte(text), &p) != nil {
			c.problem("a project was refused: %d %s", status, text)
			return
		}
		for i := range 3 {
			want := fmt.Sprintf("text %d of round %d", i, round)
			if status, text, ok := c.settled(ctx, "PUT", "/v1/projects/"+p.ID, object{"description": want}, ""); !ok {
				return
			} else if status != 200 {
				c.problem("a write was refused: %d %s", status, text)
				continue
			}
			c.mu.Lock()
			c.writes++
			c.mu.Unlock()
			for range 2 {
				var read struct{ Description string }
				status, text, ok := c.settled(ctx, "GET", "/v1/projects/"+p.ID, nil, "")
				if ok && (status != 200 || json.Unmarshal([]byte(text), &read) != nil || read.Description != want) {
					c.problem("stale: %q was written and acknowledged, and %d %q read", want, status, read.Description)
				}
			}
		}
		agent := []string{"research", "code", "code", "pedagogy"}[rand.IntN(4)]
		if !c.submit(ctx, p.ID, agent, fmt.Sprintf("%s-%d-%d", p.ID, n, round)) {
			return
		}
	}
}

// submit submits a job, and follows it to its end.
func (c *chaos) submit(ctx context.Context, project, agent, key string) (ok bool) {
	var j struct {
		ID string `json:"job_id"`
	}
	body := object{"project_id": project, "agent_type": agent, "input_context": object{"user_message": "Track dogs and walks", "skip_clarification": true}}
	status, text, ok := c.settled(ctx, "POST", "/v1/run-agent", body, key)
	if !ok {
		return false
	}
	if status != 200 || json.Unmarshal([]byte(text), &j) != nil {
		c.problem("a job was refused: %d %s", status, text)
		return true
	}
	e := &ledgerEntry{project: project, agent: agent}
	c.mu.Lock()
	c.jobs[j.ID] = e
	c.mu.Unlock()
	ended := make(chan struct{})
	c.follows.Go(func() {
		defer close(ended)
		c.follow(j.ID, e)
	})
	select {
	case <-ended:
	case <-ctx.Done():
	}
	return true
}

// follow reads the events of a job from whichever server answers, until its end.
func (c *chaos) follow(job string, e *ledgerEntry) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	for last := int64(0); ctx.Err() == nil; {
		n := c.apis[rand.IntN(len(c.apis))]
		ended, err := n.events(ctx, job, &last, func(kind string, seq int64) {
			if seq != e.events+1 {
				c.problem("events of %s: %d came after %d", job, seq, e.events)
			}
			e.events = seq
			if kind == "complete" || kind == "error" || kind == "cancelled" {
				e.end = kind
			}
		})
		if ended {
			return
		}
		if errors.Is(err, errNotThere) {
			c.problem("%s says that the accepted job %s is not there", n.name, job)
			return
		}
		time.Sleep(200 * time.Millisecond) // as clients do before they reconnect
	}
	c.problem("the job %s did not end, its last event is %d", job, e.events)
}

var errNotThere = errors.New("not there")

// events reads one stream. The kind of a numbered frame without a name is that of the one before it, whose twin it is.
func (n *node) events(ctx context.Context, job string, last *int64, seen func(kind string, seq int64)) (ended bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	silent := time.AfterFunc(40*time.Second, cancel) // heartbeats come every 15 s
	defer silent.Stop()
	r, err := client.Client{Base: n.base()}.Do(ctx, "GET", n.base()+"/v1/jobs/"+job+"/stream", nil, "Last-Event-ID", strconv.FormatInt(*last, 10))
	if err != nil {
		return false, err
	}
	defer r.Body.Close()
	switch r.StatusCode {
	case http.StatusOK:
	case http.StatusNoContent:
		return true, nil
	case http.StatusNotFound:
		return false, errNotThere
	default:
		return false, fmt.Errorf("status %d", r.StatusCode)
	}
	var kind, before string
	var id int64
	lines := bufio.NewScanner(r.Body)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		silent.Reset(40 * time.Second)
		name, value, _ := strings.Cut(lines.Text(), ": ")
		switch {
		case name == "event":
			kind = value
		case name == "id":
			id, _ = strconv.ParseInt(value, 10, 64)
		case lines.Text() == "":
			if id > *last {
				k := kind
				if k == "" {
					k = before
				}
				seen(k, id)
				if *last = id; k == "complete" || k == "error" || k == "cancelled" {
					return true, nil
				}
			}
			before, kind, id = kind, "", 0
		}
	}
	return false, lines.Err()
}

// probe asks one server again and again: what runs undisturbed answers within 5 s, if only that it cannot.
func (c *chaos) probe(ctx context.Context, n *node) {
	for ctx.Err() == nil {
		began := time.Now()
		r, err := client.Client{Base: n.base()}.Do(ctx, "GET", n.base()+"/v1/projects?page_size=1", nil)
		if ctx.Err() == nil && began.UnixMilli() > n.disturbed.Load() && time.Now().UnixMilli() > n.disturbed.Load() {
			switch took := time.Since(began); {
			case err != nil:
				c.problem("%s runs and does not answer: %v", n.name, err)
			case took > 8*time.Second: // 5, and what a machine with all of this on two cores adds
				c.problem("%s took %v to answer", n.name, took)
			case r.StatusCode >= 500 && (r.StatusCode != 503 || r.Header.Get("Retry-After") == ""):
				c.problem("%s answers %d, Retry-After %q", n.name, r.StatusCode, r.Header.Get("Retry-After"))
			}
		}
		if err == nil {
			r.Body.Close()
		}
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

// fault breaks something and mends it again.
type fault struct {
	name string
	do   func(c *chaos, hold time.Duration)
}

var faults = []fault{
	{"worker killed", func(c *chaos, hold time.Duration) { c.restart(c.pick("worker"), syscall.SIGKILL, hold/2) }},
	{"two workers killed", func(c *chaos, hold time.Duration) {
		var both sync.WaitGroup
		a, b := c.pick("worker"), c.pick("worker")
		both.Go(func() { c.restart(a, syscall.SIGKILL, hold/2) })
		if a != b {
			both.Go(func() { c.restart(b, syscall.SIGKILL, hold/3) })
		}
		both.Wait()
	}},
	{"api killed", func(c *chaos, hold time.Duration) { c.restart(c.pick("api"), syscall.SIGKILL, hold/2) }},
	{"worker stopped past its lease", func(c *chaos, hold time.Duration) {
		n := c.pick("worker")
		n.signal(syscall.SIGSTOP)
		time.Sleep(6*time.Second + hold/2)
		n.signal(syscall.SIGCONT)
	}},
	{"api stopped", func(c *chaos, hold time.Duration) {
		n := c.pick("api")
		n.disturb(hold + 15*time.Second)
		n.signal(syscall.SIGSTOP)
		time.Sleep(hold)
		n.signal(syscall.SIGCONT)
		n.disturb(5 * time.Second)
	}},
	{"redis flushed", func(c *chaos, hold time.Duration) { c.redis.Do(c.t, "FLUSHALL") }},
	{"redis restarted", func(c *chaos, hold time.Duration) { c.redis.Stop(c.t); c.redis.Restart(c.t) }},
	{"redis gone", func(c *chaos, hold time.Duration) { c.redis.Stop(c.t); time.Sleep(4 * hold); c.redis.Restart(c.t) }},
	{"redis hangs", func(c *chaos, hold time.Duration) { c.redis.Pause(c.t); time.Sleep(hold); c.redis.Resume(c.t) }},
	{"postgres restarted", func(c *chaos, hold time.Duration) { c.pg.Kill(c.t); time.Sleep(hold / 2); c.pg.Restart(c.t) }},
	{"network of one cut", func(c *chaos, hold time.Duration) {
		n := c.nodes[c.rand.IntN(len(c.nodes))]
		for _, l := range n.lines {
			l.set(cut)
		}
		time.Sleep(2 * hold)
		for _, l := range n.lines {
			l.set(open)
		}
	}},
	{"network of one is a hole", func(c *chaos, hold time.Duration) {
		n := c.pick("worker")
		for _, l := range n.lines {
			l.set(hole)
		}
		time.Sleep(6*time.Second + hold)
		for _, l := range n.lines {
			l.set(open)
		}
	}},
	{"network slow", func(c *chaos, hold time.Duration) {
		for _, n := range c.nodes {
			for _, l := range n.lines {
				l.set(slow)
			}
		}
		time.Sleep(2 * hold)
		for _, n := range c.nodes {
			for _, l := range n.lines {
				l.set(open)
			}
		}
	}},
	{"rolling restart", func(c *chaos, hold time.Duration) {
		for _, n := range c.nodes {
			c.restart(n, syscall.SIGTERM, 0)
		}
	}},
}

func (c *chaos) pick(role string) *node {
	var of []*node
	for _, n := range c.nodes {
		if n.role == role {
			of = append(of, n)
		}
	}
	return of[c.rand.IntN(len(of))]
}

// disturb excuses a process for some time.
func (n *node) disturb(d time.Duration) { n.disturbed.Store(time.Now().Add(d).UnixMilli()) }

// restart ends a process and starts it again.
func (c *chaos) restart(n *node, s syscall.Signal, gone time.Duration) {
	n.disturb(2 * time.Minute)
	n.signal(s)
	select {
	case <-n.ended:
	case <-time.After(30 * time.Second):
		c.problem("%s does not end after %v", n.name, s)
		n.signal(syscall.SIGKILL)
	}
	time.Sleep(gone)
	n.start()
	n.await()
	n.disturb(time.Second)
}

// breakThings does one thing after the other until ctx ends: each kind once, in an order by chance, then by chance.
func (c *chaos) breakThings(ctx context.Context) {
	order := c.rand.Perm(len(faults))
	for i := 0; ; i++ {
		if i >= len(order) {
			order = append(order, c.rand.IntN(len(faults)))
		}
		select {
		case <-time.After(time.Second + time.Duration(c.rand.IntN(1500))*time.Millisecond):
		case <-ctx.Done():
			return
		}
		f := faults[order[i]]
		c.faults[f.name]++
		f.do(c, time.Second+time.Duration(c.rand.IntN(3000))*time.Millisecond)
	}
}

// awaitHealth wants all servers to be ready within 30 s of the last fault.
func (c *chaos) awaitHealth(since time.Time) {
	for _, n := range c.nodes {
		for !n.ready() {
			if time.Since(since) > 30*time.Second {
				c.problem("%s is not ready 30 s after the last fault: %s", n.name, n.tail())
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// settle waits for the ends of all jobs, and for what is told of them.
func (c *chaos) settle() {
	c.follows.Wait()
	for range 900 { // a delivery that failed twice is tried again a minute later
		if c.untold() == 0 {
			return
		}
		time.Sleep(100 * time.Millisecond)
	}
}

func (c *chaos) untold() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.jobs {
		if c.told[id] == 0 {
			n++
		}
	}
	return n
}

// report compares what was accepted with what the store has.
func (c *chaos) report(length time.Duration) {
	t := c.t
	db, err := pgx.Connect(t.Context(), c.pg.URL(pgtest.Superuser, "chaos"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	ends, kept := map[string]int{}, 0
	for id, e := range c.jobs {
		var status string
		var last, finals, revisions, stages int64
		err := db.QueryRow(t.Context(), `select status, coalesce((select max(seq) from job_events where job_id = j.id), 0), (select count(*) from job_events where job_id = j.id and type in ('complete', 'error', 'cancelled')),
			(select count(*) from project_revisions r where r.job_id = j.id), (select count(*) from job_stages s where s.job_id = j.id and s.revision > 0) from agent_jobs j where id = $1`, id).Scan(&status, &last, &finals, &revisions, &stages)
		switch {
		case err != nil:
			c.problem("lost: the accepted job %s: %v", id, err)
		case finals != 1 || e.end == "":
			c.problem("the job %s ended %d times; it is %s, its follower saw %q", id, finals, status, e.end)
		case last != e.events:
			c.problem("the job %s has %d events, %d were seen", id, last, e.events)
		case revisions != stages:
			c.problem("doubled: the job %s has %d revisions of %d stages", id, revisions, stages)
		}
		ends[status]++
		kept += int(revisions)
	}
	if n := c.untold(); n > 0 {
		c.problem("webhooks were not told of %d ends", n)
	}
	var takeovers, handovers int
	if err := db.QueryRow(t.Context(), `select coalesce(sum(crashes), 0), coalesce(sum(fence) - sum(crashes) - count(*), 0) from agent_jobs`).Scan(&takeovers, &handovers); err != nil {
		t.Fatal(err)
	}
	t.Logf("%v: %d jobs accepted, ended %v, %d revisions, %d writes read back twice, %d requests sent again, %d jobs taken over, %d handed over; faults:", length, len(c.jobs), ends, kept, c.writes, c.unsure, takeovers, handovers)
	for _, name := range slices.Sorted(maps.Keys(c.faults)) {
		t.Logf("%4d %s", c.faults[name], name)
	}
	if need := max(2, int(length/(30*time.Second))); takeovers < need {
		t.Errorf("only %d jobs were taken over from workers that died or stood still: the faults missed the work", takeovers)
	}
	if ends["failed"]*20 > len(c.jobs) {
		t.Errorf("%d of %d jobs failed", ends["failed"], len(c.jobs))
	}
	for i, p := range c.problems {
		if i == 40 {
			t.Errorf("and %d more", len(c.problems)-i)
			break
		}
		t.Error(p)
	}
}

// line is a connection between a process and a server, over a proxy that can cut it, slow it down, or swallow what it carries.
type line struct {
	addr, target string
	mu           sync.Mutex
	state        lineState
	changed      chan struct{} // closed at each change
	conns        map[net.Conn]struct{}
}

type lineState int

const (
	open lineState = iota
	cut            // connections end, and new ones are refused
	slow           // 40 ms each way, and 2 MB a second
	hole           // nothing comes through, and nothing ends
)

func newLine(t *testing.T, target string) *line {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := &line{addr: l.Addr().String(), target: target, changed: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	t.Cleanup(func() { l.Close(); n.set(cut) })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go n.carry(in)
		}
	}()
	return n
}

func (l *line) set(s lineState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	close(l.changed)
	l.changed = make(chan struct{})
	if s == cut {
		for c := range l.conns {
			c.Close()
		}
	}
}

func (l *line) now() (lineState, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.changed
}

// carry connects both ends.
func (l *line) carry(in net.Conn) {
	defer in.Close()
	out, err := net.DialTimeout("tcp", l.target, 5*time.Second)
	if err != nil {
		return
	}
	defer out.Close()
	l.mu.Lock()
	refused := l.state == cut
	l.conns[in], l.conns[out] = struct{}{}, struct{}{}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, in)
		delete(l.conns, out)
	}()
	if refused {
		return
	}
	done := make(chan struct{}, 2)
	pipe := func(to, from net.Conn) {
		defer func() { to.Close(); from.Close(); done <- struct{}{} }()
		buf := make([]byte, 16<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				l.delay(n)
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	go pipe(out, in)
	go pipe(in, out)
	<-done
	<-done
}

// delay holds bytes up as the state of the line has it.
func (l *line) delay(n int) {
	state, changed := l.now()
	for state == hole {
		<-changed
		state, changed = l.now()
	}
	if state == slow {
		time.Sleep(40*time.Millisecond + time.Duration(n)*time.Second/(2<<20))
	}
}
