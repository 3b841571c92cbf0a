//go:build unix

package server

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"

	"codeforge/internal/pgtest"
)

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
	{"link of one down", func(c *chaos, hold time.Duration) {
		n := c.nodes[c.rand.IntN(len(c.nodes))]
		n.disturb(2 * time.Minute)
		c.try(n.net.cut())
		time.Sleep(4*time.Second + 2*hold)
		c.try(n.net.mend())
		n.disturb(15 * time.Second) // its connections find out one by one
	}},
	{"link of one slow", func(c *chaos, hold time.Duration) {
		n := c.nodes[c.rand.IntN(len(c.nodes))]
		n.disturb(2 * time.Minute)
		c.try(n.net.slow())
		time.Sleep(2 * hold)
		c.try(n.net.fast())
		n.disturb(10 * time.Second)
	}},
	{"disk of a worker full", func(c *chaos, hold time.Duration) { c.filled(c.pick("worker").disk, 2*hold) }},
	{"disk of an api full", func(c *chaos, hold time.Duration) { c.filled(c.pick("api").disk, 2*hold) }},
	{"disk of postgres full", func(c *chaos, hold time.Duration) {
		c.try(c.pgDisk.fill())
		time.Sleep(hold)
		if c.pgTakes(2 << 20) {
			c.t.Error("the disk of Postgres was full, and it took 2 MB")
		}
		c.try(c.pgDisk.empty())
		if !c.pgAnswers() { // it had no room to come up again
			c.pg.Kill(c.t)
			c.pg.Restart(c.t)
		}
	}},
}

// withMachine are the faults that take one.
func withMachine(name string) bool {
	return strings.HasPrefix(name, "link ") || strings.HasPrefix(name, "disk ")
}

// possible are the faults that can be made here.
func (c *chaos) possible() (list []fault) {
	for _, f := range faults {
		if c.machine != nil || !withMachine(f.name) {
			list = append(list, f)
		}
	}
	return list
}

func (c *chaos) try(err error) {
	if err != nil {
		c.t.Error(err)
	}
}

// filled leaves no room on a disk for some time.
func (c *chaos) filled(d *disk, hold time.Duration) {
	c.try(d.fill())
	time.Sleep(hold)
	c.try(d.empty())
}

// pgAnswers gives Postgres some seconds to come back by itself.
func (c *chaos) pgAnswers() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Second)
	defer cancel()
	for ctx.Err() == nil {
		if c.pgTakes(1) {
			return true
		}
		time.Sleep(200 * time.Millisecond)
	}
	return false
}

// pgTakes reports whether Postgres stores so many bytes.
func (c *chaos) pgTakes(bytes int) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	db, err := pgx.Connect(ctx, c.pg.URL(pgtest.Superuser, "chaos"))
	if err != nil {
		return false
	}
	defer db.Close(context.Background())
	_, err = db.Exec(ctx, fmt.Sprintf("drop table if exists room; create table room as select repeat(md5(i::text), 30) from generate_series(1, 1 + %d / 1000) i", bytes))
	return err == nil
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
		c.problem(other, "%s does not end after %v", n.name, s)
		n.signal(syscall.SIGKILL)
	}
	time.Sleep(gone)
	n.start()
	n.await()
	n.disturb(time.Second)
}

// breakThings does one thing after the other until ctx ends: each kind once, in an order by chance, then by chance.
func (c *chaos) breakThings(ctx context.Context) {
	faults := c.possible()
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
