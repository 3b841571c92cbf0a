package api

import (
	"context"
	"sync"
	"time"

	"codeforge"
)

const (
	// defaultLoad is how many bytes requests may hold at once, in all; one user may hold a quarter of them.
	defaultLoad = 256 << 20
	// rowLoad is what a row of a list is taken to be until it was read.
	rowLoad = 200 << 10
	// light is what a request may hold without being counted.
	light = 64 << 10
	// loadPatience is how long a request waits for others to give something back.
	loadPatience = 2 * time.Second
)

// load bounds the bytes that requests hold at once, in all and for each user: bodies, what is read from the store, and
// answers until they are written. A count of requests bounds nothing, since one may hold a few bytes or a whole project.
type load struct {
	most, each int64

	mu    sync.Mutex
	held  int64
	by    map[string]int64
	freed chan struct{} // closed when something was given back; nil: nobody waits
}

func newLoad(most, each int64) *load {
	return &load{most: most, each: each, by: map[string]int64{}}
}

// acquire adds n bytes to what somebody holds, after a wait if need be. A single thing that is larger than the bound gets
// all of it.
func (l *load) acquire(ctx context.Context, who string, n int64) (taken int64, err error) {
	n = min(n, l.each)
	freed, ok := l.tryAcquire(who, n)
	if ok {
		return n, nil
	}
	t := time.NewTimer(loadPatience)
	defer t.Stop()
	for {
		select {
		case <-freed:
			if freed, ok = l.tryAcquire(who, n); ok {
				return n, nil
			}
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-t.C:
			return 0, &codeforge.Error{Kind: codeforge.Unavailable, RetryAfter: 5 * time.Second,
				Message: "Too much is being read and written at once: try again when other requests have ended"}
		}
	}
}

func (l *load) tryAcquire(who string, n int64) (freed <-chan struct{}, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.held+n > l.most || l.by[who]+n > l.each {
		if l.freed == nil {
			l.freed = make(chan struct{})
		}
		return l.freed, false
	}
	l.held += n
	l.by[who] += n
	return nil, true
}

func (l *load) release(who string, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.held -= n
	if l.by[who] -= n; l.by[who] == 0 {
		delete(l.by, who)
	}
	if l.freed != nil {
		close(l.freed)
		l.freed = nil
	}
}

// acquireBytes counts n more bytes for the request, until it ends or settles for fewer.
func (x *exchange) acquireBytes(n int64) error {
	if x.s == nil || n <= light {
		return nil
	}
	n, err := x.s.load.acquire(x.r.Context(), x.accountKey(), n)
	x.held += n
	return err
}

// releaseAbove gives back what the request holds beyond n bytes.
func (x *exchange) releaseAbove(n int64) {
	if n <= light {
		n = 0
	}
	if over := x.held - n; over > 0 {
		x.s.load.release(x.accountKey(), over)
		x.held -= over
	}
}

// accountKey is whom a request counts for: the user, else the address.
func (x *exchange) accountKey() string {
	if x.user.ID != "" {
		return "user:" + x.user.ID
	}
	return addressKey(clientAddress(x.r, x.s.TrustedProxies))
}
