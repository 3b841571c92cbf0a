package main

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// system is a way to run jobs that is measured beside others.
type system struct {
	name  string
	start func() (servers []*server, processes group) // the first takes jobs in
	peer  bool

	servers   []*server
	processes group
	projects  []string

	rates, starts []float64
	costs         []spent
}

// systems are all of them. What is started is one server that does everything, or where it says so one that takes jobs in and one that runs them.
func (l *lab) systems() []*system {
	ours := func(name, program, database string, settings ...string) *system {
		return &system{name: name, start: func() ([]*server, group) {
			s := l.serve(program, database, settings...)
			return []*server{s}, l.stores.with(api, s)
		}}
	}
	two := func(name string, settings ...string) *system {
		database := l.database()
		return &system{name: name, start: func() ([]*server, group) {
			a := l.serve(l.ours, database, append(settings, "ROLE=api")...)
			b := l.serve(l.ours, database, append(settings, "ROLE=worker")...)
			return []*server{a, b}, l.stores.with(api, a).with(worker, b)
		}}
	}
	peer := func(name, program string) *system {
		return &system{name: name, peer: true, start: func() ([]*server, group) {
			s := l.peer(program)
			return []*server{s}, l.stores.with(api, s)
		}}
	}
	all := []*system{
		ours("Postgres", l.ours, l.database()),
		two("Postgres, api + worker"),
		two("Redis, api + worker", "REDIS_URL="+l.cache.URL()),
		ours("SQLite", l.ours, ""),
	}
	for _, b := range l.baselines {
		all = append(all, ours("Postgres, "+b.name, b.program, l.emptyDatabase()), ours("SQLite, "+b.name, b.program, ""))
	}
	return append(all, peer("River + HTTP", "river"), peer("asynq + HTTP", "asynq"), peer("Redis Streams + HTTP", "streams"))
}

// jobs measures whole jobs: their number and cost, and how soon they start, of all systems in turn.
func (l *lab) jobs(r *report) {
	all := l.systems()
	for round := range l.rounds {
		for _, s := range all {
			l.Logf("round %d: %s", round+1, s.name)
			if s.servers == nil || s.peer { // ours cost nothing while they wait; the others look for work all the time
				s.servers, s.processes = s.start()
				s.projects = []string{""}
				if !s.peer {
					s.projects = l.projects(s.servers[0], 16)
				}
				l.submitFor(s, l.span/4)
			}
			l.measureJobs(s)
			l.measureStarts(s)
			if s.peer {
				s.servers[0].stop()
			}
		}
	}
	for _, s := range all {
		for _, one := range s.servers {
			one.stop()
		}
	}
	l.showJobs(r, all)
}

// submitFor has 16 clients submit jobs for a time, and waits for the end of the last one of each.
func (l *lab) submitFor(s *system, d time.Duration) (n int) {
	conns := pool(l, 16, s.servers[0])
	last := make([]string, len(conns))
	before := l.done(s)
	n = closedLoop(l, conns, d, 0, func(c *conn, who, i int) error {
		var err error
		last[who], err = c.submit(submission(s.projects[who%len(s.projects)], map[string]any{"sent": time.Now().UnixNano()}))
		return err
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		ended := s.peer && l.done(s)-before >= n
		for i := 0; !s.peer && i < len(last); i++ {
			if ended = l.ended(conns[i], last[i]) > 0; !ended {
				break
			}
		}
		if ended {
			break
		}
		if time.Now().After(deadline) {
			l.Fatalf("%s: jobs do not end", s.name)
		}
	}
	for _, c := range conns {
		c.close()
	}
	return n
}

// done is how many jobs another engine has done; of ours 0.
func (l *lab) done(s *system) (n int) {
	if s.peer {
		c := pool(l, 1, s.servers[0])[0]
		defer c.close()
		if err := c.get("GET", "/done", nil, &n); err != nil {
			l.Fatal(err)
		}
	}
	return n
}

// ended is when a job of ours was completed, in nanoseconds of Unix time; 0: not yet.
func (l *lab) ended(c *conn, id string) int64 {
	var job struct {
		Status    string     `json:"status"`
		Completed *time.Time `json:"completed_at"`
	}
	if err := c.get("GET", "/v1/jobs/"+id, nil, &job); err != nil {
		l.Fatal(err)
	}
	if job.Status != "completed" {
		return 0
	}
	return job.Completed.UnixNano()
}

func (l *lab) measureJobs(s *system) {
	n := 0
	cost, took := s.processes.measure(func() { n = l.submitFor(s, l.span) })
	s.rates = append(s.rates, float64(n)/took.Seconds())
	s.costs = append(s.costs, cost.per(n))
}

// measureStarts sends single jobs to a system that has nothing else to do. A job of ours that does nothing ends in the moment in which it
// starts: its end, by the clock of the store, stands for that.
func (l *lab) measureStarts(s *system) {
	c := pool(l, 1, s.servers[0])[0]
	defer c.close()
	if s.peer {
		if err := c.get("GET", "/starts", nil, new([]float64)); err != nil { // forgets those of before
			l.Fatal(err)
		}
	}
	var ids []string
	var sent []int64
	for range l.probes {
		now := time.Now().UnixNano()
		job, err := c.submit(submission(s.projects[0], map[string]any{"sent": now}))
		if err != nil {
			l.Fatal(err)
		}
		ids, sent = append(ids, job), append(sent, now)
		time.Sleep(time.Duration(2+rand.IntN(15)) * time.Millisecond)
	}
	for deadline := time.Now().Add(10 * time.Second); s.peer && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var got []float64
		if err := c.get("GET", "/starts", nil, &got); err != nil {
			l.Fatal(err)
		}
		if s.starts = append(s.starts, got...); len(got) == 0 {
			return
		}
	}
	for i, id := range ids {
		for !s.peer {
			if at := l.ended(c, id); at > 0 {
				s.starts = append(s.starts, float64(at-sent[i])/1e6)
				break
			}
			time.Sleep(2 * time.Millisecond)
		}
	}
}

// middle is the median of each kind's cost.
func middle(all []spent) spent {
	out := spent{}
	for _, k := range kinds {
		var values []float64
		for _, s := range all {
			values = append(values, s[k])
		}
		out[k] = median(values)
	}
	return out
}

func (l *lab) showJobs(r *report, all []*system) {
	raw := all[len(all)-3]
	t := newTable("Whole jobs: 16 clients submit, workers run jobs that do nothing", "jobs/s", "CPU us a job", "servers", "Postgres", "Redis", "x River's CPU", "x River's jobs/s", "start p50 ms", "p99 ms")
	var totals []float64
	for _, s := range all {
		var sums []float64
		for _, c := range s.costs {
			sums = append(sums, c.sum())
		}
		totals = append(totals, median(sums))
	}
	for i, s := range all {
		m := middle(s.costs)
		t.add(s.name, median(s.rates), totals[i], m[api]+m[worker], m[postgres], m[redis], totals[i]/totals[len(all)-3], median(s.rates)/median(raw.rates),
			quantile(s.starts, 0.5), quantile(s.starts, 0.99))
	}
	t.note("Medians of %d rounds of %v in turn. %d places for jobs everywhere. River: FetchCooldown 1 ms; asynq: TaskCheckInterval 5 ms.", l.rounds, l.span, places)
	t.note("Start: from sending a job until its work began; of ours until the transaction of its end began.")
	r.show(t)
	for i, b := range l.baselines {
		t := newTable(fmt.Sprintf("Beside %s", b.name), "x its jobs/s", "x its CPU a job")
		for j, name := range []int{0, 3} {
			old := 4 + 2*i + j
			t.add(all[name].name, median(all[name].rates)/median(all[old].rates), totals[name]/totals[old])
		}
		r.show(t)
	}
}
