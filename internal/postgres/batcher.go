package postgres

import (
	"context"
	"sync"
	"time"
)

// batcher gathers what is to be sent while something is sent, each thing once.
type batcher struct {
	most  int
	every time.Duration // between two sendings

	mu      sync.Mutex
	waiting []string
	known   map[string]struct{}
	filled  chan struct{} // something waits
}

func newBatcher(most int, every time.Duration) *batcher {
	return &batcher{most: most, every: every, known: map[string]struct{}{}, filled: make(chan struct{}, 1)}
}

// add puts in what is to be sent soon. It never blocks; what is too much is dropped, and in place of the last one that fits
// stands "", which says so.
func (b *batcher) add(all ...string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, one := range all {
		if _, ok := b.known[one]; ok || len(b.waiting) == b.most {
			continue
		}
		if len(b.waiting) == b.most-1 {
			one = ""
		}
		b.known[one] = struct{}{}
		b.waiting = append(b.waiting, one)
	}
	select {
	case b.filled <- struct{}{}:
	default:
	}
}

func (b *batcher) take() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.waiting
	b.waiting = nil
	clear(b.known)
	return all
}

// run sends what comes until ctx ends, and then what is left.
func (b *batcher) run(ctx context.Context, send func(context.Context, []string)) {
	for {
		select {
		case <-b.filled:
		case <-ctx.Done():
		}
		if all := b.take(); len(all) > 0 {
			send(context.WithoutCancel(ctx), all)
		}
		select {
		case <-time.After(b.every):
		case <-ctx.Done():
			if all := b.take(); len(all) > 0 {
				send(context.WithoutCancel(ctx), all)
			}
			return
		}
	}
}
