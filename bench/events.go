package main

import (
	"bufio"
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"
)

// watchers is how many jobs report, each of which somebody watches.
const watchers = 20

// watch reads the stream of a job to its end, and returns how long events took from their making at a worker until they were here, in
// milliseconds: those that were made since the stream was opened.
func watch(base, job string) (delays []float64, err error) {
	c, err := dial(base)
	if err != nil {
		return nil, err
	}
	defer c.close()
	r, err := c.send("GET", "/v1/jobs/"+job+"/stream", nil)
	if err == nil && r.StatusCode != http.StatusOK {
		err = fmt.Errorf("stream of a job: %s", r.Status)
	}
	began := time.Now().UnixNano()
	if err != nil {
		return nil, err
	}
	lines := bufio.NewReader(r.Body)
	for ended := false; !ended; {
		line, err := lines.ReadSlice('\n')
		if err != nil {
			return delays, fmt.Errorf("stream of a job: %w", err)
		}
		ended = bytes.Equal(line, []byte("event: complete\n"))
		if _, rest, ok := bytes.Cut(line, []byte(`"sent":`)); ok {
			end := bytes.IndexFunc(rest, func(c rune) bool { return c < '0' || c > '9' })
			sent, err := strconv.ParseInt(string(rest[:max(end, 0)]), 10, 64)
			if err != nil {
				return delays, err
			}
			if sent >= began {
				delays = append(delays, float64(time.Now().UnixNano()-sent)/1e6)
			}
		}
	}
	return delays, nil
}

// reportEvents runs jobs that report events at a rate together, all of them watched at a server, and returns the delays.
func reportEvents(tb testing.TB, at *server, project string, jobs int, rate float64, d time.Duration) (delays []float64) {
	tb.Helper()
	c := pool(tb, 1, at)[0]
	defer c.close()
	var mu sync.Mutex
	var wait sync.WaitGroup
	failed := make(chan error, jobs)
	for range jobs {
		body := submission(project, map[string]any{"events": max(1, int(rate*d.Seconds())/jobs), "every_ms": float64(jobs) * 1000 / rate})
		job, err := c.submit(body)
		if err != nil {
			tb.Fatal(err)
		}
		wait.Go(func() {
			got, err := watch(at.url, job)
			mu.Lock()
			defer mu.Unlock()
			if delays = append(delays, got...); err != nil {
				failed <- err
			}
		})
	}
	wait.Wait()
	close(failed)
	for err := range failed {
		tb.Fatal(err)
	}
	return delays
}

// watched measures how soon somebody who watches a job at one server sees what another server's worker reports.
func (l *lab) watched(r *report) {
	t := newTable(fmt.Sprintf("Events of %d jobs, about %d a second, watched at another server than the one that runs them", watchers, l.events),
		"events/s", "p50 ms", "p99 ms", "CPU us an event", "api", "worker", "Postgres", "Redis")
	for _, by := range []struct{ name, setting string }{{"Postgres", "REDIS_URL="}, {"Redis", "REDIS_URL=" + l.cache.URL()}} {
		database := l.database()
		a := l.serve(l.ours, database, by.setting, "ROLE=api")
		b := l.serve(l.ours, database, by.setting, "ROLE=worker")
		project := l.projects(a, 1)[0]
		reportEvents(l, a, project, 2, 20, 100*time.Millisecond)
		var rates, middles, lates []float64
		var costs []spent
		for range l.rounds {
			var delays []float64
			cost, took := l.stores.with(api, a).with(worker, b).measure(func() { delays = reportEvents(l, a, project, watchers, float64(l.events), l.span) })
			rates, middles, lates = append(rates, float64(len(delays))/took.Seconds()), append(middles, quantile(delays, 0.5)), append(lates, quantile(delays, 0.99))
			costs = append(costs, cost.per(len(delays)))
		}
		m := middle(costs)
		t.add(by.name, median(rates), median(middles), median(lates), m.sum(), m[api], m[worker], m[postgres], m[redis])
		a.stop()
		b.stop()
	}
	t.note("All are stored before they are sent. The jobs themselves are in the cost.")
	r.show(t)
}
