package main

import (
	"fmt"
	"math"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// mix is a load: how many of each operation there are in a second.
var mix = map[string]float64{"health": 5, "create project": 4, "get project": 60, "list projects": 30, "put file, 10 KB": 15, "list files": 30, "whole job": 30, "poll a job that ended": 90}

// total is how many operations a load has in a second.
func total(rates map[string]float64) (all float64) {
	for _, rate := range rates {
		all += rate
	}
	return all
}

// openLoop asks for operations at rates, whatever has been answered by then, of all servers in turn, and returns how many there were of each.
func openLoop(tb testing.TB, rates map[string]float64, ops map[string]*operation, d time.Duration, servers ...*server) map[string]int {
	tb.Helper()
	const clients = 32
	conns := pool(tb, clients, servers...)
	due := make(chan string, 10_000)
	var wait, pacing sync.WaitGroup
	var first atomic.Pointer[error]
	var mu sync.Mutex
	done := map[string]int{}
	for who, c := range conns {
		wait.Go(func() {
			defer c.close()
			n := 0
			for name := range due {
				if first.Load() != nil {
					continue
				}
				if err := ops[name].do(c, who, n); err != nil {
					first.CompareAndSwap(nil, &err)
				}
				n++
				mu.Lock()
				done[name]++
				mu.Unlock()
			}
		})
	}
	began := time.Now()
	for name, rate := range rates {
		pacing.Go(func() {
			for n := 0; ; n++ {
				at := began.Add(time.Duration((float64(n) + 0.5) / rate * float64(time.Second)))
				if at.Sub(began) > d {
					return
				}
				time.Sleep(time.Until(at))
				due <- name
			}
		})
	}
	pacing.Wait()
	close(due)
	wait.Wait()
	if err := first.Load(); err != nil {
		tb.Fatal(*err)
	}
	return done
}

// missed is the share of reads that find what they read changed since the last one: what was written and then read once is a miss.
func missed(name string) float64 {
	writes := mix["put file, 10 KB"]
	if name == "list projects" {
		writes += mix["create project"]
	}
	return writes / (writes + mix[name])
}

// predict is what a load costs so many pairs of servers, in seconds of processors, by the costs of single operations.
func (c *calibrated) predict(done map[string]int, pairs int, took time.Duration) spent {
	out := spent{}
	for name, n := range done {
		out = out.plus(c.ops[name].cost, float64(n)/1e6)
		if op := c.ops[name+notCached]; op != nil {
			out = out.plus(op.cost, missed(name)*float64(n)/1e6)
		}
	}
	out = out.plus(c.idle, float64(pairs-1)*took.Seconds()/1e6) // of the first it is in the operations
	return out.plus(c.bystander, float64(done["whole job"]*(pairs-1))/1e6)
}

// capacity lays what the costs of single operations predict of a mixed load beside what it costs, with one, two and three servers.
func (l *lab) capacity(r *report, f *fleet, c *calibrated) {
	for _, s := range append(f.apis[1:], f.workers...) {
		s.stop()
	}
	f.apis, f.workers, f.processes = f.apis[:1], nil, l.stores.with(api, f.apis[0])
	f.addWorker()
	t := newTable("A mixed load: predicted by single operations, and measured, in CPU ms a second", "predicted", "measured", "off by %", "requests/s")
	for pairs := 1; pairs <= 3; pairs++ {
		if pairs > 1 {
			f.addAPI()
			f.addWorker()
		}
		openLoop(l, mix, c.ops, l.span/2, f.apis...)
		var done map[string]int
		measured, took := f.processes.measure(func() { done = openLoop(l, mix, c.ops, 2*l.span, f.apis...) })
		predicted := c.predict(done, pairs, took)
		all := 0
		for _, n := range done {
			all += n
		}
		row := func(name string, p, m, n float64) {
			t.add(name, p*1000/took.Seconds(), m*1000/took.Seconds(), math.Abs(p-m)/m*100, n)
		}
		row(fmt.Sprintf("%d of each server: all", pairs), predicted.sum(), measured.sum(), float64(all)/took.Seconds())
		for _, k := range kinds {
			row("- "+string(k), predicted[k], measured[k], none)
		}
	}
	t.note("A second of it: %v.", mix)
	r.show(t)
}
