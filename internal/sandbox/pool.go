package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
)

// Options is what a Pool needs. The zero value is what a server uses.
type Options struct {
	Children int           // at work at once, at least 2; 0: by processors and memory
	Warm     int           // kept ready from the start; 0: 2, less: none
	Memory   int64         // bytes that each may take; 0: 2 GiB. Never more than a quarter of the machine's.
	Deadline time.Duration // of one piece of work, on the wall's clock; 0: 30 s
}

// maxMemory is what a child may take by default.
const maxMemory = 2 << 30

// minMemory is what a child needs for any work at all.
const minMemory = 256 << 20

// quantum is how long work may take while others wait for a child.
const quantum = 2 * time.Second

// Pool keeps children and hands them work, one piece at a time each. A third of them are for work that takes its time
// while others wait, the rest for all other; and of each part one user has at most a half. So nobody waits long for
// others, whatever those do. It is safe for concurrent use.
type Pool struct {
	o       Options
	program string // what children are made of
	turns   *Turns

	mu       sync.Mutex
	idle     []*child // the last one to come back at the end
	all      map[*child]bool
	starting int
	closed   bool
	deaths   map[Reason]int64
	lost     error // why the last child could not be started; nil: it could
}

// New returns a pool that starts its first children at once and beside.
func New(o Options) *Pool {
	o.Memory = FairMemory(o.Memory)
	if o.Children <= 0 {
		o.Children = min(max(3*runtime.NumCPU(), 6), 24)
		if machine := machineMemory(); machine > 0 {
			o.Children = max(min(o.Children, int(machine/o.Memory)), 2)
		}
	}
	o.Children = max(o.Children, 2)
	o.Warm = min(cmp.Or(o.Warm, 2), o.Children)
	o.Deadline = cmp.Or(o.Deadline, 30*time.Second)
	p := &Pool{o: o, program: executable, all: map[*child]bool{}, deaths: map[Reason]int64{}, turns: NewTurns(o.Children, quantum)}
	go p.fill()
	return p
}

// FairMemory is what one child may take of this machine when it is to have so many bytes; 0: 2 GiB.
func FairMemory(bytes int64) int64 {
	bytes = cmp.Or(bytes, maxMemory)
	if machine := machineMemory(); machine > 0 {
		bytes = max(min(bytes, machine/4), minMemory)
	}
	return bytes
}

// Memory is what a child may take, in bytes.
func (p *Pool) Memory() int64 { return p.o.Memory }

// Deadline is how long a piece of work may take.
func (p *Pool) Deadline() time.Duration { return p.o.Deadline }

// Do has a child do a piece of work for a user and returns its answer. When the child dies the work is done once more, by
// a fresh one; what that dies of too, or takes too long, is a [*Crash]. When ctx ends the child at work is killed.
//
// What is not done after a moment makes way for others who wait, and is begun anew among its like.
func (p *Pool) Do(ctx context.Context, user string, r Request) ([]byte, error) {
	var answer []byte
	err := p.turns.Do(ctx, user, func(ctx context.Context) (err error) {
		answer, err = p.do(ctx, r)
		return err
	})
	return answer, err
}

func (p *Pool) do(ctx context.Context, r Request) ([]byte, error) {
	working, stop := context.WithTimeoutCause(ctx, p.o.Deadline, errDeadline)
	defer stop()
	c, err := p.take(working)
	if err != nil {
		return nil, err
	}
	answer, crash := p.work(working, c, frameWork, r)
	for tries, deaths := 1, 0; crash != nil && working.Err() == nil; tries++ {
		if crash.Reason != Killed {
			deaths++
		}
		if deaths == 2 || tries == maxTries {
			break
		}
		if c, err = p.start(working); err != nil {
			break
		}
		answer, crash = p.work(working, c, frameWork, r)
	}
	switch cause := context.Cause(working); {
	case crash == nil:
		return answer, nil
	case cause == errDeadline:
		crash.Reason = OutOfTime
	case cause != nil:
		return nil, cause
	case err != nil:
		return nil, err
	}
	return nil, crash
}

// maxTries bounds how often work is begun that somebody else's signal ends.
const maxTries = 10

var errDeadline = errors.New("the work took too long")

// work gives c a request. A child that did not answer is dead afterwards.
func (p *Pool) work(ctx context.Context, c *child, kind byte, r Request) ([]byte, *Crash) {
	stop := context.AfterFunc(ctx, c.kill)
	answer, again, err := c.ask(ctx, kind, r)
	if !stop() || err != nil || !again {
		crash := c.discard()
		go p.fill()
		if err != nil {
			p.countDeath(context.Cause(ctx), crash.Reason)
			return nil, crash
		}
		return answer, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		c.kill()
	} else {
		p.idle = append(p.idle, c)
	}
	return answer, nil
}

// take returns a child that waits for work, or a new one.
func (p *Pool) take(ctx context.Context) (*child, error) {
	p.mu.Lock()
	for len(p.idle) > 0 {
		c := p.idle[len(p.idle)-1]
		p.idle = p.idle[:len(p.idle)-1]
		select {
		case <-c.ended:
			c.discard()
		default:
			p.mu.Unlock()
			return c, nil
		}
	}
	p.mu.Unlock()
	return p.start(ctx)
}

// start makes a new child, ready for work.
func (p *Pool) start(ctx context.Context) (*child, error) {
	for tries := 1; ; tries++ {
		c, err := p.startOnce(ctx)
		if crash, ok := errors.AsType[*Crash](err); !ok || crash.Reason != Killed || ctx.Err() != nil || tries == maxTries {
			return c, err
		}
	}
}

func (p *Pool) startOnce(ctx context.Context) (*child, error) {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return nil, fmt.Errorf("%w: the pool is closed", ErrUnavailable)
	}
	p.starting++
	p.mu.Unlock()
	c, err := startChild(p.program, p.o.Memory, p.forget)
	p.mu.Lock()
	p.starting--
	if err != nil {
		p.lost = err
		p.mu.Unlock()
		return nil, err
	}
	select {
	case <-c.ended: // and forgotten, or soon
	default:
		p.all[c] = true
	}
	if p.closed {
		c.kill()
	}
	p.mu.Unlock()
	stop := context.AfterFunc(ctx, c.kill)
	err = c.ready()
	if !stop() {
		c.discard()
		if err = context.Cause(ctx); err == errDeadline {
			err = fmt.Errorf("%w: it did not get ready", ErrUnavailable)
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case err == nil:
		p.lost = nil
		return c, nil
	case ctx.Err() == nil:
		p.lost = err
	}
	return nil, err
}

// forget is told of each child that ended.
func (p *Pool) forget(c *child) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.all, c)
}

// fill starts children until so many are there as should wait for work.
func (p *Pool) fill() {
	for {
		p.mu.Lock()
		enough := p.closed || len(p.all)+p.starting >= p.o.Warm
		p.mu.Unlock()
		if enough {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), p.o.Deadline)
		c, err := p.start(ctx)
		cancel()
		if err != nil {
			return
		}
		p.mu.Lock()
		if p.closed {
			c.kill()
		} else {
			p.idle = append([]*child{c}, p.idle...)
		}
		p.mu.Unlock()
	}
}

// Healthy returns why there are no children, nil when there are or none was wanted yet. It waits for nothing.
func (p *Pool) Healthy() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lost != nil && !p.closed {
		go p.fill() // without traffic nothing else would find out that it is over
	}
	return p.lost
}

// Isolation has a child try what it should be refused.
func (p *Pool) Isolation(ctx context.Context) (Isolation, error) {
	c, err := p.take(ctx)
	if err != nil {
		return nil, err
	}
	answer, crash := p.work(ctx, c, frameProbe, Request{MaxAnswer: len(rights)})
	switch {
	case crash != nil:
		return nil, crash
	case len(answer) != len(rights):
		return nil, fmt.Errorf("%w: the answer is no answer", ErrUnavailable)
	}
	out := make(Isolation, len(rights))
	for i, r := range rights {
		out[i] = Right{r.name, answer[i] == 1}
	}
	return out, nil
}

// Close ends all children and waits for their end.
func (p *Pool) Close() {
	p.mu.Lock()
	p.closed = true
	all := make([]*child, 0, len(p.all))
	for c := range p.all {
		c.kill()
		all = append(all, c)
	}
	p.mu.Unlock()
	for _, c := range all {
		c.discard()
	}
}
