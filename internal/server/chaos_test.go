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
// work, on a real Postgres and a real Redis, each reached over a line that can be cut and slowed, three of them with wrong clocks. As
// root on Linux each has a network namespace and a disk of its own too. It takes as long as CODEFORGE_CHAOS says (make soak: ten
// minutes; CI: 90 seconds) and CODEFORGE_CHAOS_SEED repeats the choice of faults.
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
	load := c.load(ctx)
	c.breakThings(ctx)
	healed := time.Now()
	c.awaitHealth(healed)
	load.Wait()
	c.settle(90 * time.Second) // a delivery that failed twice is tried again a minute later
	c.judge()
	c.report(length)
}

// load has users work and servers be asked, until ctx ends.
func (c *chaos) load(ctx context.Context) *sync.WaitGroup {
	load := new(sync.WaitGroup)
	for n := range 10 {
		load.Go(func() { c.user(ctx, n) })
	}
	for _, n := range c.nodes {
		if n.role == "api" {
			load.Go(func() { c.probe(ctx, n) })
		}
	}
	return load
}

// chaos is the installation and what is known of it.
type chaos struct {
	t     *testing.T
	pg    *pgtest.Server
	redis *redistest.Server
	nodes []*node
	apis  []*node
	rand  *rand.Rand // of the one goroutine that breaks things

	machine *machine // nil: there are neither namespaces nor disks
	pgDisk  *disk
	models  string // the address
	clocks  string // the program whose clock can be off

	mu       sync.Mutex
	jobs     map[string]*ledgerEntry // accepted, by id
	told     map[string]int          // by webhooks, of the ends of jobs
	refused  map[string]bool         // deliveries
	faults   map[string]int
	problems []problem
	writes   int
	unsure   int // requests that were sent again, to a server by chance, since nothing came back

	// What the store says in the end.
	ends                       map[string]int
	kept, takeovers, handovers int

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
	address   string // where it is reached
	lines     map[string]*line
	dir       string
	net       *namespace // nil: that of this machine
	disk      *disk      // nil: that of this machine
	clock     string     // as clockOff has it
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
	t.Logf("CODEFORGE_CHAOS_SEED=%d", seed)
	c := &chaos{t: t, rand: rand.New(rand.NewPCG(seed, 1)), jobs: map[string]*ledgerEntry{}, told: map[string]int{}, refused: map[string]bool{}, faults: map[string]int{}}
	var err error
	if c.machine, err = newMachine(); err != nil {
		t.Logf("without network namespaces and full disks: %v; lines are proxies of the test's own", err)
	}
	if c.clocks, err = binaryWithClock(); err != nil {
		t.Fatal(err)
	}
	c.startPostgres()
	c.redis = redistest.Start(t)
	models := httptest.NewServer(slowed{&endpoint{}})
	t.Cleanup(models.Close)
	hook := httptest.NewServer(http.HandlerFunc(c.receive))
	t.Cleanup(hook.Close)
	c.models = models.Listener.Addr().String()
	clocks := []string{"", "90", "", "-45", "50/", "", ""} // of two seconds, and one that goes five percent too fast
	for i, role := range []string{"api", "api", "api", "worker", "worker", "worker", "worker"} {
		n := c.newNode(i, role, clocks[i])
		c.nodes = append(c.nodes, n)
		if role == "api" {
			c.apis = append(c.apis, n)
		}
	}
	for _, n := range c.nodes {
		n.start()
		t.Cleanup(func() { n.signal(syscall.SIGKILL) })
		n.await()
	}
	here, _, _ := net.SplitHostPort(c.nodes[0].lines["models"].addr)
	told := newLine(t, net.JoinHostPort(here, "0"), hook.Listener.Addr().String()) // which is not cut: the receiver has faults of its own
	c.apis[0].must("POST", "/v1/webhooks", object{"url": "http://" + told.addr, "events": []string{"job.completed", "job.failed", "job.cancelled"}})
	return c
}

// startPostgres starts it, on a disk of its own where that can be had.
func (c *chaos) startPostgres() {
	if c.machine != nil {
		d, err := c.machine.disk(c.t, 3000)
		if err != nil {
			c.t.Fatal(err)
		}
		c.pgDisk = d
		temp := os.Getenv("TMPDIR")
		c.t.Setenv("TMPDIR", d.dir)
		defer c.t.Setenv("TMPDIR", temp)
	}
	c.pg = pgtest.Private(c.t, "max_wal_size=256MB")
	c.pg.Exec(c.t, "postgres", "create database chaos")
}

// newNode makes a process that is not started yet.
func (c *chaos) newNode(i int, role, clock string) *node {
	t := c.t
	n := &node{c: c, role: role, name: fmt.Sprintf("%s-%d", role, i), dir: t.TempDir(), clock: clock, lines: map[string]*line{}}
	port, here := free(t), "127.0.0.1"
	n.address = net.JoinHostPort(here, strconv.Itoa(port))
	n.port = port
	var err error
	if n.log, err = os.Create(filepath.Join(n.dir, "log")); err != nil {
		t.Fatal(err)
	}
	if c.machine != nil {
		if n.disk, err = c.machine.disk(t, 64); err != nil {
			t.Fatal(err)
		}
		n.dir = n.disk.dir
		if n.net, err = c.machine.namespace(t, i); err != nil {
			t.Fatal(err)
		}
		here = n.net.here
		n.address = newLine(t, "127.0.0.1:0", net.JoinHostPort(n.net.inside, strconv.Itoa(port))).addr
	}
	for name, target := range map[string]string{"postgres": net.JoinHostPort("127.0.0.1", strconv.Itoa(c.pg.Port)), "redis": c.redis.Addr(), "models": c.models} {
		n.lines[name] = newLine(t, net.JoinHostPort(here, "0"), target)
	}
	return n
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
		c.problem(other, "a delivery without a body of JSON: %v", err)
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

func (c *chaos) problem(d damage, format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.problems = append(c.problems, problem{d, fmt.Sprintf(format, args...)})
}

// start starts the process, on the port that it always has.
func (n *node) start() {
	path := n.c.clocks
	if n.clock == "" {
		var err error
		if path, err = binary(); err != nil {
			n.c.t.Fatal(err)
		}
	}
	args := []string{path, "serve", "--role", n.role, "--port", strconv.Itoa(n.port), "--data-dir", n.dir}
	if n.net != nil {
		args = append([]string{"ip", "netns", "exec", n.net.name}, append(args, "--host", "0.0.0.0", "--insecure")...)
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Dir = n.dir
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + n.dir, "TMPDIR=" + n.dir, clockOff + "=" + n.clock, "NPM_REGISTRY=off", "SMOKE=off", "RATE_LIMIT_PER_MINUTE=100000000", "JOB_LEASE=4", "WORKERS=4",
		"STREAM_SECRET=the same secret for all servers, please", "CACHE=on", "WEBHOOK_ALLOW=127.0.0.0/8,10.0.0.0/8", "SHUTDOWN_TIMEOUT=8",
		"DATABASE_URL=" + fmt.Sprintf("postgres://%s@%s/chaos?sslmode=disable&connect_timeout=3", pgtest.Superuser, n.lines["postgres"].addr), "REDIS_URL=redis://" + n.lines["redis"].addr,
		"LLM_COMPATIBLE_URL=http://" + n.lines["models"].addr + "/v1", "LLM_COMPATIBLE_MODEL=small"}
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

func (n *node) base() string { return "http://" + n.address }

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
			c.problem(other, "a project was refused: %d %s", status, text)
			return
		}
		for i := range 3 {
			want := fmt.Sprintf("text %d of round %d", i, round)
			if status, text, ok := c.settled(ctx, "PUT", "/v1/projects/"+p.ID, object{"description": want}, ""); !ok {
				return
			} else if status != 200 {
				c.problem(other, "a write was refused: %d %s", status, text)
				continue
			}
			c.mu.Lock()
			c.writes++
			c.mu.Unlock()
			for range 2 {
				var read struct{ Description string }
				status, text, ok := c.settled(ctx, "GET", "/v1/projects/"+p.ID, nil, "")
				if ok && (status != 200 || json.Unmarshal([]byte(text), &read) != nil || read.Description != want) {
					c.problem(stale, "%q was written and acknowledged, and %d %q read", want, status, read.Description)
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
		c.problem(other, "a job was refused: %d %s", status, text)
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
				c.problem(missing, "of %s %d came after %d", job, seq, e.events)
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
			c.problem(lost, "%s says that the accepted job %s is not there", n.name, job)
			return
		}
		time.Sleep(200 * time.Millisecond) // as clients do before they reconnect
	}
	c.problem(lost, "the job %s did not end, its last event is %d", job, e.events)
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
				c.problem(other, "%s runs and does not answer: %v", n.name, err)
			case took > 8*time.Second: // 5, and what a machine with all of this on two cores adds
				c.problem(other, "%s took %v to answer", n.name, took)
			case r.StatusCode >= 500 && (r.StatusCode != 503 || r.Header.Get("Retry-After") == ""):
				c.problem(other, "%s answers %d, Retry-After %q", n.name, r.StatusCode, r.Header.Get("Retry-After"))
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

// awaitHealth wants all servers to be ready within 30 s of the last fault.
func (c *chaos) awaitHealth(since time.Time) {
	for _, n := range c.nodes {
		for !n.ready() {
			if time.Since(since) > 30*time.Second {
				c.problem(other, "%s is not ready 30 s after the last fault: %s", n.name, n.tail())
				break
			}
			time.Sleep(100 * time.Millisecond)
		}
	}
}

// settle waits for the ends of all jobs, and for what is told of them.
func (c *chaos) settle(most time.Duration) {
	c.follows.Wait()
	for began := time.Now(); time.Since(began) < most; {
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

// judge compares what was accepted with what the store has.
func (c *chaos) judge() {
	t := c.t
	db, err := pgx.Connect(t.Context(), c.pg.URL(pgtest.Superuser, "chaos"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	c.ends = map[string]int{}
	for id, e := range c.jobs {
		var status string
		var last, events, finals, revisions, stages int64
		err := db.QueryRow(t.Context(), `select status, coalesce((select max(seq) from job_events where job_id = j.id), 0), (select count(*) from job_events where job_id = j.id), (select count(*) from job_events where job_id = j.id and type in ('complete', 'error', 'cancelled')),
			(select count(*) from project_revisions r where r.job_id = j.id), (select count(*) from job_stages s where s.job_id = j.id and s.revision > 0) from agent_jobs j where id = $1`, id).Scan(&status, &last, &events, &finals, &revisions, &stages)
		switch {
		case err != nil:
			c.problem(lost, "the accepted job %s: %v", id, err)
		case finals != 1 || e.end == "":
			c.problem(doubled, "the job %s ended %d times; it is %s, its follower saw %q", id, finals, status, e.end)
		case last != e.events || last != events:
			c.problem(missing, "the job %s has %d events up to %d, %d were seen", id, events, last, e.events)
		case revisions != stages:
			c.problem(doubled, "the job %s has %d revisions of %d stages", id, revisions, stages)
		}
		c.ends[status]++
		c.kept += int(revisions)
	}
	if n := c.untold(); n > 0 {
		c.problem(untold, "webhooks were not told of %d ends", n)
	}
	if err := db.QueryRow(t.Context(), `select coalesce(sum(crashes), 0), coalesce(sum(fence) - sum(crashes) - count(*), 0) from agent_jobs`).Scan(&c.takeovers, &c.handovers); err != nil {
		t.Fatal(err)
	}
}

// report says what was found, and whether the faults hit enough to find anything.
func (c *chaos) report(length time.Duration) {
	t := c.t
	t.Logf("%v: %d jobs accepted, ended %v, %d revisions, %d writes read back twice, %d jobs taken over, %d handed over, %d requests that another server answered; faults:",
		length, len(c.jobs), c.ends, c.kept, c.writes, c.takeovers, c.handovers, c.unsure)
	for _, name := range slices.Sorted(maps.Keys(c.faults)) {
		t.Logf("%4d %s", c.faults[name], name)
	}
	count := map[damage]int{}
	for _, p := range c.problems {
		count[p.damage]++
	}
	t.Logf("lost %d, doubled %d, events missing %d, webhooks missing %d, stale %d, other %d", count[lost], count[doubled], count[missing], count[untold], count[stale], count[other])
	need := max(2, int(length/(30*time.Second)))
	if c.takeovers < need || c.handovers < need/2 || c.unsure < need && length >= 5*time.Minute { // the few faults of an API in a short run may meet no request
		t.Errorf("too few jobs were taken over, handed over or sent elsewhere: the faults missed the work (needed are %d, %d and %d)", need, need/2, need)
	}
	for _, f := range c.possible() {
		if length >= 5*time.Minute && c.faults[f.name] == 0 {
			t.Errorf("never: %s", f.name)
		}
	}
	if c.ends["failed"]*20 > len(c.jobs) {
		t.Errorf("%d of %d jobs failed", c.ends["failed"], len(c.jobs))
	}
	for i, p := range c.problems {
		if i == 40 {
			t.Errorf("and %d more", len(c.problems)-i)
			break
		}
		t.Errorf("%s: %s", p.damage, p.text)
	}
}

// damage is what must not happen.
type damage string

const (
	lost    damage = "lost"
	doubled damage = "doubled"
	missing damage = "events missing"
	untold  damage = "webhooks missing"
	stale   damage = "stale"
	other   damage = "trouble"
)

type problem struct {
	damage damage
	text   string
}
