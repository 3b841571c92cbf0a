package evidence

import (
	"context"
	"fmt"
	"sync"
	"time"

	"codeforge"
)

// turns lets each user do one thing at a time, whatever others do, and at most mostWaiting more wait for it.
type turns struct {
	what string // that is done, for the one who is refused

	mu    sync.Mutex
	users map[string]*turn
}

type turn struct {
	free    chan struct{} // holds one token while nobody works
	holders int           // who works or waits
}

const mostWaiting = 16

// take waits for the user's turn. done gives it back.
func (t *turns) take(ctx context.Context, user string) (done func(), err error) {
	t.mu.Lock()
	u := t.users[user]
	if u == nil {
		u = &turn{free: make(chan struct{}, 1)}
		u.free <- struct{}{}
		if t.users == nil {
			t.users = map[string]*turn{}
		}
		t.users[user] = u
	}
	if u.holders > mostWaiting {
		t.mu.Unlock()
		return nil, &codeforge.Error{Kind: codeforge.Unavailable, Retryable: true, RetryAfter: 5 * time.Second,
			Message: fmt.Sprintf("%d others of your projects wait for %s already", mostWaiting, t.what)}
	}
	u.holders++
	t.mu.Unlock()
	leave := func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		if u.holders--; u.holders == 0 {
			delete(t.users, user)
		}
	}
	select {
	case <-u.free:
		return func() { u.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}
