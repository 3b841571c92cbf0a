package sandbox

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Turns lets users take turns at what is costly. A third of the places are for work that takes its time while others wait,
// the rest for all other; and of each part one user has at most a half.
type Turns struct {
	short *lane // where all work begins
	long  *lane // for what takes its time while others wait
}

// NewTurns gives out so many places, at least 2. What is not done after the quantum makes way for others who wait; without
// one (0) nobody does, and all places are for all work.
func NewTurns(places int, quantum time.Duration) *Turns {
	if quantum == 0 {
		return &Turns{short: newLane(places, 0)}
	}
	patient := max(places/3, 1)
	return &Turns{newLane(max(places-patient, 1), quantum), newLane(patient, 0)}
}

// Do has a user's turn at work. When the work's context ends for others who wait, it is begun anew among its like: then work
// must return the context's cause.
func (t *Turns) Do(ctx context.Context, user string, work func(context.Context) error) error {
	err := t.short.do(ctx, user, work)
	if errors.Is(err, errYielded) {
		err = t.long.do(ctx, user, work)
	}
	return err
}

func (l *lane) do(ctx context.Context, user string, work func(context.Context) error) error {
	working, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	place, err := l.enter(ctx, user, func() { cancel(errYielded) })
	if err != nil {
		return err
	}
	defer l.leave(place)
	return work(working)
}

var errYielded = errors.New("the work made way for others")

// lane hands out places, fairly by user: nobody has more than a share of them, and who has the fewest comes next. Whoever
// keeps one for longer than the quantum gives it up as soon as somebody waits who may have it.
type lane struct {
	share   int
	quantum time.Duration // 0: nobody has to give a place up

	mu      sync.Mutex
	free    int
	running map[string]int
	waiting []*place // in order of arrival
	slow    []*place // who has had a quantum, in that order
}

func newLane(places int, quantum time.Duration) *lane {
	return &lane{share: (places + 1) / 2, quantum: quantum, free: places, running: map[string]int{}}
}

// place is one user's turn, waited for or taken.
type place struct {
	user  string
	ready chan struct{}
	yield func()
	timer *time.Timer
}

// enter returns when the user has a place, or ctx ends. The place's yield is called, at most once, when it should be left.
func (l *lane) enter(ctx context.Context, user string, yield func()) (*place, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	p := &place{user: user, ready: make(chan struct{}), yield: yield}
	l.mu.Lock()
	l.waiting = append(l.waiting, p)
	l.next()
	l.mu.Unlock()
	select {
	case <-p.ready:
		return p, nil
	case <-ctx.Done():
	}
	l.mu.Lock()
	i := slices.Index(l.waiting, p)
	if i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
	l.mu.Unlock()
	if i < 0 {
		l.leave(p) // its turn came at the same moment
	}
	return nil, context.Cause(ctx)
}

// leave gives a place back.
func (l *lane) leave(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	if i := slices.Index(l.slow, p); i >= 0 {
		l.slow = slices.Delete(l.slow, i, i+1)
	}
	p.yield = nil
	l.free++
	if l.running[p.user]--; l.running[p.user] == 0 {
		delete(l.running, p.user)
	}
	l.next()
}

// next lets in whoever may, and has the slowest make way for whoever may and cannot.
func (l *lane) next() {
	for {
		best := l.nextWaiting()
		if best < 0 {
			return
		}
		w := l.waiting[best]
		if l.free == 0 {
			if i := slices.IndexFunc(l.slow, func(p *place) bool { return p.user != w.user }); i >= 0 {
				l.slow[i].yield()
				l.slow = slices.Delete(l.slow, i, i+1)
			}
			return
		}
		l.waiting = slices.Delete(l.waiting, best, best+1)
		l.free--
		l.running[w.user]++
		if l.quantum > 0 {
			w.timer = time.AfterFunc(l.quantum, func() { l.quantumEnded(w) })
		}
		close(w.ready)
	}
}

// nextWaiting is who comes next, -1 when nobody may.
func (l *lane) nextWaiting() int {
	best := -1
	for i, w := range l.waiting {
		if n := l.running[w.user]; n < l.share && (best < 0 || n < l.running[l.waiting[best].user]) {
			best = i
		}
	}
	return best
}

// quantumEnded is told when p has had its quantum.
func (l *lane) quantumEnded(p *place) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if p.yield != nil {
		l.slow = append(l.slow, p)
		l.next()
	}
}
