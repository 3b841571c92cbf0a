package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"syscall"
	"time"

	"codeforge"
	store "codeforge/internal/postgres"
)

// operation is something that clients ask for, and where it has been measured what one costs each kind of process, in microseconds.
type operation struct {
	do   func(c *conn, who, n int) error
	cost spent // at a pace
	busy spent // when servers do nothing but that, as fast as they can
}

// fleet are servers on one database and one Redis: so many that answer requests, and so many that run jobs.
type fleet struct {
	l         *lab
	database  string
	apis      []*server
	workers   []*server
	processes group
	projects  []string
	jobs      []string // that have ended
}

func (l *lab) newFleet() *fleet {
	f := &fleet{l: l, database: l.database(), processes: l.stores}
	f.addAPI()
	f.projects = l.projects(f.apis[0], 100)
	return f
}

func (f *fleet) addAPI() {
	s := f.l.serve(f.l.ours, f.database, "REDIS_URL="+f.l.cache.URL(), "ROLE=api")
	f.apis, f.processes = append(f.apis, s), f.processes.with(api, s)
}

func (f *fleet) addWorker() {
	s := f.l.serve(f.l.ours, f.database, "REDIS_URL="+f.l.cache.URL(), "ROLE=worker")
	f.workers, f.processes = append(f.workers, s), f.processes.with(worker, s)
}

func (f *fleet) stop() {
	for _, s := range append(f.apis, f.workers...) {
		s.stop()
	}
}

// source is a file of 10 KB.
var source = strings.Repeat("export const x = \"a line of a program\";\n", 250)

// any of a list.
func anyOf(all []string) string { return all[rand.IntN(len(all))] }

// requests are what is asked for without a worker.
func (f *fleet) requests() map[string]*operation {
	simple := func(method string, path func() string, body func(n int) []byte) func(c *conn, who, n int) error {
		return func(c *conn, who, n int) error {
			var b []byte
			if body != nil {
				b = body(who*1_000_000 + n)
			}
			_, err := c.do(method, path(), b)
			return err
		}
	}
	at := func(path string) func() string { return func() string { return path } }
	ops := map[string]*operation{}
	add := func(name string, do func(c *conn, who, n int) error) { ops[name] = &operation{do: do} }
	add("health", simple("GET", at("/health"), nil))
	add("create project", simple("POST", at("/v1/projects/"), func(n int) []byte {
		return fmt.Appendf(nil, `{"title":"Project %d","description":"a program that is measured","tech_stack":["go"]}`, n)
	}))
	add("get project", simple("GET", func() string { return "/v1/projects/" + anyOf(f.projects) }, nil))
	add("list projects", simple("GET", at("/v1/projects/?page_size=20"), nil))
	add("put file, 10 KB", simple("POST", func() string { return "/v1/projects/" + anyOf(f.projects) + "/files" }, func(n int) []byte {
		b, _ := json.Marshal(map[string]string{"path": fmt.Sprintf("src/f%d.ts", n%20), "content": fmt.Sprintf("// %d\n%s", n, source)})
		return b
	}))
	add("list files", simple("GET", func() string { return "/v1/projects/" + anyOf(f.projects) + "/files?content=false" }, nil))
	add("poll a job that ended", simple("GET", func() string { return "/v1/jobs/" + anyOf(f.jobs) }, nil))
	add("submit a job", simple("POST", at("/v1/run-agent"), func(int) []byte { return submission(anyOf(f.projects), nil) }))
	return ops
}

// submitted has n jobs submitted and returns their ids.
func (f *fleet) submitted(n int) (ids []string) {
	var mu sync.Mutex
	conns := pool(f.l, 8, f.apis...)
	closedLoop(f.l, conns, time.Minute, n, func(c *conn, who, _ int) error {
		job, err := c.submit(submission(anyOf(f.projects), nil))
		mu.Lock()
		defer mu.Unlock()
		ids = append(ids, job)
		return err
	})
	for _, c := range conns {
		c.close()
	}
	return ids
}

// await waits until jobs have ended.
func (f *fleet) await(ids []string) {
	c := pool(f.l, 1, f.apis[0])[0]
	defer c.close()
	deadline := time.Now().Add(time.Minute)
	for _, id := range ids {
		for f.l.ended(c, id) == 0 {
			if time.Now().After(deadline) {
				f.l.Fatal("jobs do not end")
			}
			time.Sleep(5 * time.Millisecond)
		}
	}
}

// busy is what one of an operation costs when four clients ask for nothing else, one after the other.
func (f *fleet) busy(op *operation, d time.Duration) spent {
	conns := pool(f.l, 4, f.apis...)
	defer func() {
		for _, c := range conns {
			c.close()
		}
	}()
	closedLoop(f.l, conns, d/10, 0, op.do)
	n := 0
	cost, _ := f.processes.measure(func() { n = closedLoop(f.l, conns, d, 0, op.do) })
	return cost.per(n)
}

// pace is how often in a second a single operation is asked for: as often as there are operations in the mixed load, so that processes
// fall asleep and wake up as often. A server that is kept busy does for a request a tenth of what it does for one that wakes it. What costs
// more than a millisecond is asked for less often.
func (op *operation) pace() float64 {
	if op.busy.sum() > 1000 {
		return 60
	}
	return total(mix)
}

// paced is what one of an operation costs that is asked for at its pace. What it costs at most must be known.
func (f *fleet) paced(op *operation, d time.Duration) spent {
	n := 0
	cost, _ := f.processes.measure(func() {
		n = openLoop(f.l, map[string]float64{"": op.pace()}, map[string]*operation{"": op}, d, f.apis...)[""]
		time.Sleep(50 * time.Millisecond) // the last jobs end
	})
	return cost.per(n)
}

// calibrated are the costs of single operations.
type calibrated struct {
	ops       map[string]*operation
	idle      spent // a second, of one server that answers and one that runs jobs
	bystander spent // what a job costs more for each further pair of servers, most of which have nothing to do with it
}

// Operations as they are shown. The cache answers reads, but for those of which it says otherwise.
var (
	requests  = []string{"health", "create project", "put file, 10 KB", "get project", "list projects", "list files"}
	uncached  = []string{"get project", "list projects", "list files"}
	notCached = ", not cached"
)

// calibrate measures single operations, one after the other, on one server that answers requests and one that runs jobs.
func (l *lab) calibrate(f *fleet) *calibrated {
	c := &calibrated{ops: f.requests()}
	for _, name := range requests {
		l.Log(name)
		op := c.ops[name]
		op.busy = f.busy(op, l.span/2)
		op.cost = f.paced(op, l.span)
	}
	plain := &fleet{l: l, projects: f.projects, apis: []*server{l.serve(l.ours, f.database, "CACHE=off", "ROLE=api")}}
	plain.processes = l.stores.with(api, plain.apis...)
	for _, name := range uncached {
		op := &operation{do: c.ops[name].do}
		op.busy = plain.busy(op, l.span/2)
		op.cost = plain.paced(op, l.span)
		c.ops[name+notCached] = op
	}
	plain.stop()

	l.Log("jobs")
	queued := max(20, int(400*l.span.Seconds()))
	var ids []string
	cost, _ := f.processes.measure(func() { ids = f.submitted(queued) })
	c.ops["submit a job"].busy = cost.per(queued)
	f.addWorker()
	f.await(ids[:1])
	cost, _ = f.processes.measure(func() { f.await(ids) })
	f.jobs = ids
	whole := &operation{do: c.ops["submit a job"].do}
	whole.busy = c.ops["submit a job"].busy.plus(cost.per(queued), 1)
	whole.cost = f.paced(whole, l.span)
	c.ops["whole job"] = whole
	poll := c.ops["poll a job that ended"]
	poll.busy = f.busy(poll, l.span/2)
	poll.cost = f.paced(poll, l.span)

	l.Log("events")
	var delays []float64
	cost, _ = f.processes.measure(func() { delays = reportEvents(l, f.apis[0], f.projects[0], 4, 4*whole.pace(), l.span) })
	c.ops["event, watched elsewhere"] = &operation{cost: cost.plus(whole.cost, -4/1e6).per(len(delays))}

	l.Log("streams")
	n := max(10, l.streams/4)
	conns := pool(l, n, f.apis[0])
	cost, _ = f.processes.measure(func() { f.openStreams(conns) })
	c.ops["open a stream"] = &operation{busy: cost.per(n)}
	for _, one := range conns {
		one.close()
	}
	idle, took := f.processes.measure(func() { time.Sleep(l.span) })
	c.idle = spent{}.plus(idle, 1e6/took.Seconds())

	f.addAPI()
	f.addWorker()
	f.paced(whole, l.span/2) // plans are made, connections opened
	more := f.paced(whole, l.span).plus(whole.cost, -1).plus(c.idle, -1/whole.pace())
	c.bystander = spent{api: max(more[api], 0), worker: max(more[worker], 0)} // the stores do what they do for one
	return c
}

// openStreams opens the stream of a project on each connection, and waits until all are.
func (f *fleet) openStreams(conns []*conn) {
	for _, c := range conns {
		r, err := c.send("GET", "/v1/projects/"+anyOf(f.projects)+"/events", nil)
		if err == nil && r.StatusCode >= 300 {
			err = fmt.Errorf("stream: %s", r.Status)
		}
		if err != nil {
			f.l.Fatal(err)
		}
	}
}

// operations shows what single operations cost.
func (l *lab) operations(r *report) {
	f := l.newFleet()
	c := l.calibrate(f)
	t := newTable("Single operations, CPU us each, one server for requests and one for jobs, with Redis", "all", "api", "worker", "Postgres", "Redis", "all, as many as can be")
	show := func(name string, op *operation) {
		values := []float64{none, none, none, none, none, none}
		if op.cost != nil {
			values = []float64{op.cost.sum(), op.cost[api], op.cost[worker], op.cost[postgres], op.cost[redis], none}
		}
		if op.busy != nil {
			values[5] = op.busy.sum()
		}
		t.add(name, values...)
	}
	for _, name := range requests {
		show(name, c.ops[name])
		if op := c.ops[name+notCached]; op != nil {
			show(name+notCached, op)
		}
	}
	for _, name := range []string{"poll a job that ended", "whole job", "event, watched elsewhere", "submit a job", "open a stream"} {
		show(name, c.ops[name])
	}
	l.Log("a job that builds an app")
	made := f.build(max(1, int(6*l.span.Seconds())))
	t.add("a job that builds an app", made.cost.sum(), made.cost[api], made.cost[worker], made.cost[postgres], made.cost[redis], none)
	t.add("idle, us a second", c.idle.sum(), c.idle[api], c.idle[worker], c.idle[postgres], c.idle[redis], none)
	t.add("whole job, more for each further pair of servers", c.bystander.sum(), c.bystander[api], c.bystander[worker], none, none, none)
	for _, one := range l.storeOperations(f) {
		t.add(one.name, one.busy.sum(), none, one.busy[worker], one.busy[postgres], none, one.busy.sum())
	}
	t.note("As often as there are operations in the mixed load, those above a millisecond 60 times a second; and, last column, as often as four clients can.")
	t.note("The steps of a job in the store: called by the program that measures, one after the other.")
	r.show(t)
	l.capacity(r, f, c)
	l.project(r, c, made)
	f.stop()
}

// step is a part of a job's way through the store.
type step struct {
	name string
	busy spent
}

// storeOperations measures the steps of a job in the store alone.
func (l *lab) storeOperations(f *fleet) []step {
	for _, w := range f.workers {
		w.stop()
	}
	ctx := context.Background()
	s, _, err := store.Open(ctx, store.Options{URL: l.db.URL(login, f.database), Quiet: true})
	if err != nil {
		l.Fatal(err)
	}
	defer s.Close()
	n := max(20, int(150*l.span.Seconds()))
	f.submitted(n)
	var claimed []codeforge.Fence
	var all []step
	measure := func(name string, n int, do func() error) {
		before := self()
		cost, _ := l.stores.measure(func() {
			if err := do(); err != nil {
				l.Fatal(name, err)
			}
		})
		cost[worker] = self() - before
		delete(cost, redis)
		all = append(all, step{name, cost.per(n)})
	}
	claim := func(want, most int) func() error {
		return func() error {
			for len(claimed) < most {
				got, err := s.ClaimJobs(ctx, "bench", time.Minute, want, codeforge.ClaimPolicy{})
				if err != nil || len(got.Jobs) == 0 {
					return fmt.Errorf("%d claimed: %w", len(claimed), err)
				}
				for _, j := range got.Jobs {
					claimed = append(claimed, codeforge.Fence{JobID: j.ID, Number: j.Fence})
				}
			}
			return nil
		}
	}
	measure("in the store: claim, one at a time", n/3, claim(1, n/3))
	measure("in the store: claim, ten at a time", n/3/10*10, claim(10, n/3+n/3/10*10))
	measure("in the store: event", n, func() error {
		for i := range n {
			if _, err := s.RecordEvents(ctx, claimed[i%len(claimed)], 5, []codeforge.Event{{Type: codeforge.EventStage, Data: []byte(`{"stage":"code"}`)}}); err != nil {
				return err
			}
		}
		return nil
	})
	measure("in the store: end", len(claimed), func() error {
		for _, c := range claimed {
			if _, err := s.FinishJob(ctx, c, codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100, Result: []byte("{}"), Events: []codeforge.Event{{Type: codeforge.EventComplete, Data: []byte("{}")}}}); err != nil {
				return err
			}
		}
		return nil
	})
	return all
}

// self is what this process spent so far, in seconds.
func self() float64 {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(u.Utime) + seconds(u.Stime)
}
