package main

import (
	"time"
)

// reads lays what is read most often, by one embedded server, beside the least that a server in Go can do.
func (l *lab) reads(r *report) {
	ours, bare := l.serve(l.ours, ""), l.peer("stub")
	f := &fleet{l: l, apis: []*server{ours}, processes: group{}.with(api, ours)}
	f.projects = l.projects(ours, 20)
	f.jobs = f.submitted(20)
	f.await(f.jobs)
	ops := f.requests()
	stub := &fleet{l: l, apis: []*server{bare}, processes: group{}.with(api, bare)}
	names := []string{"health", "get project", "poll a job that ended", "list projects", "list files"}
	costs := map[string][]float64{}
	for range l.rounds {
		costs["stub"] = append(costs["stub"], stub.busy(ops["health"], l.span/2).sum())
		for _, name := range names {
			costs[name] = append(costs[name], f.busy(ops[name], l.span/2).sum())
		}
	}
	t := newTable("Reads that the cache answers, one embedded server: CPU us each", "CPU us", "x /health", "x the stub")
	health, least := median(costs["health"]), median(costs["stub"])
	t.add("stub: net/http, request id, limit, a line of log", least, least/health, 1)
	for _, name := range names {
		m := median(costs[name])
		t.add(name, m, m/health, m/least)
	}
	r.show(t)

	t = newTable("Open event streams of projects, one embedded server", "bytes each", "CPU us to open", "CPU us a second, idle, each")
	conns := pool(l, l.streams, ours)
	time.Sleep(l.span / 4)
	before := ours.resident(l)
	opening, _ := f.processes.measure(func() { f.openStreams(conns) })
	after := ours.resident(l)
	idle, took := f.processes.measure(func() { time.Sleep(l.span) })
	n := float64(len(conns))
	t.add(number(n).String()+" streams", max(after-before, 0)/n, opening.sum()*1e6/n, idle.sum()*1e6/n/took.Seconds())
	t.note("Bytes: what the resident memory of the server grew by when their requests were sent, over that of their idle connections.")
	r.show(t)
	for _, c := range conns {
		c.close()
	}
	ours.stop()
	bare.stop()
}
