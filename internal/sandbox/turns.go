package sandbox

import (
	"context"
	"sync"
)

// turns hands out places, fairly by user: nobody has more than a share of them, and who has the fewest comes next.
type turns struct {
	mu      sync.Mutex
	free    int
	share   int
	running map[string]int
	waiting []*turn // in order of arrival
}

type turn struct {
	user  string
	ready chan struct{}
}

// wait returns when the user has a place, or ctx ends.
func (t *turns) wait(ctx context.Context, user string) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	w := &turn{user, make(chan struct{})}
	t.mu.Lock()
	t.waiting = append(t.waiting, w)
	t.next()
	t.mu.Unlock()
	select {
	case <-w.ready:
		return nil
	case <-ctx.Done():
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, other := range t.waiting {
		if other == w {
			t.waiting = append(t.waiting[:i], t.waiting[i+1:]...)
			return context.Cause(ctx)
		}
	}
	t.leave(user) // its turn came at the same moment
	return context.Cause(ctx)
}

// done gives a place back.
func (t *turns) done(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.leave(user)
}

func (t *turns) leave(user string) {
	t.free++
	if t.running[user]--; t.running[user] == 0 {
		delete(t.running, user)
	}
	t.next()
}

// next lets in whoever may.
func (t *turns) next() {
	for t.free > 0 {
		best := -1
		for i, w := range t.waiting {
			if n := t.running[w.user]; n < t.share && (best < 0 || n < t.running[t.waiting[best].user]) {
				best = i
			}
		}
		if best < 0 {
			return
		}
		w := t.waiting[best]
		t.waiting = append(t.waiting[:best], t.waiting[best+1:]...)
		t.free--
		t.running[w.user]++
		close(w.ready)
	}
}
