// Package cache keeps what was read of a store, between the store and all who use it, so that a read after an acknowledged
// write is never older than the write.
//
// What is kept belongs to scopes, such as one project of one user. A write names the scopes that it touches, and keeps to one
// order: it marks them, which drops what is kept of them and lets nothing new be kept; it commits; and it takes its mark back,
// which gives the scope a new version. A reader that finds nothing gets a ticket, which is the version, reads, and keeps what it
// read if the version is still the same. So what a reader began to read before the end of a write is never found after it. A writer
// that dies between the steps leaves its mark, and while a mark is there everybody reads from the store.
package cache

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"

	"codeforge"
)

// Scope is what a write touches as a whole: a part of what one user has.
type Scope struct{ User, Name string }

// Key is one thing that is read in a scope.
type Key struct {
	Scope
	Name string
}

// Ticket is a version of a scope, by which what is read from now on may be kept. Tickets of the same version are equal.
type Ticket any

// Mark is a write that has begun.
type Mark any

// Value is what is kept, and about how many bytes of memory it takes.
type Value struct {
	Data any
	Size int
}

// Backend is where values are kept. Its methods lose what they cannot do, but for End.
type Backend interface {
	// Get returns what is kept under a key; else a ticket, which must come back by Put or Release; else, with neither, nothing
	// may be kept now.
	Get(ctx context.Context, k Key) (data any, t Ticket)
	// Put keeps a value, unless the scope has another version by now.
	Put(ctx context.Context, k Key, t Ticket, v Value)
	Release(k Key, t Ticket)
	// Begin marks scopes of one user.
	Begin(ctx context.Context, scopes []Scope) Mark
	// End takes a mark back. When it returns, nobody finds what was read before. Of a write that may still be done, after it was
	// given up, the mark stays until that cannot be any more.
	End(ctx context.Context, m Mark, decided bool) error
	// Clear drops all that is kept.
	Clear(ctx context.Context) error
	// Held says what is kept now.
	Held() (entries, bytes, evicted int64)
}

// Stats is what a cache did since it was made, and what it holds.
type Stats struct {
	Hits     int64 // found
	Misses   int64 // read from the store, to be kept
	Shared   int64 // answered by the read of another request
	Bypassed int64 // read from the store while nothing might be kept
	Evicted  int64
	Entries  int64
	Bytes    int64
}

// counters are the counts of a Stats while they grow.
type counters struct{ hits, misses, shared, bypassed atomic.Int64 }

// Stats returns what the cache did.
func (s *Store) Stats() Stats {
	c := &s.count
	out := Stats{Hits: c.hits.Load(), Misses: c.misses.Load(), Shared: c.shared.Load(), Bypassed: c.bypassed.Load()}
	out.Entries, out.Bytes, out.Evicted = s.backend.Held()
	return out
}

// flights are reads that are under way, so that equal ones share an answer. Only those of one version do: a read that began
// after a write must not get what was read before.
type flights struct {
	mu sync.Mutex
	by map[flightKey]*flight
}

type flightKey struct {
	key    Key
	ticket Ticket
}

type flight struct {
	done  chan struct{}
	ok    bool // there is a value
	value any
}

// join returns the flight of a key, and whether the caller is to make it.
func (f *flights) join(k flightKey) (flown *flight, leads bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if flown = f.by[k]; flown != nil {
		return flown, false
	}
	if f.by == nil {
		f.by = map[flightKey]*flight{}
	}
	flown = &flight{done: make(chan struct{})}
	f.by[k] = flown
	return flown, true
}

// land ends a flight; without a value whoever waits reads for themselves.
func (f *flights) land(k flightKey, flown *flight) {
	f.mu.Lock()
	delete(f.by, k)
	f.mu.Unlock()
	close(flown.done)
}

// read returns what is kept under a key, else what load reads, which is kept if measure gives it a size. What is to be kept is read of
// the primary: a replica may not have what a write did whose mark is gone.
func read[T any](ctx context.Context, s *Store, k Key, load func(context.Context) (T, error), measure func(*T) int) (T, error) {
	data, ticket := s.backend.Get(ctx, k)
	if v, ok := data.(T); ok {
		s.count.hits.Add(1)
		return v, nil
	}
	if ticket == nil {
		s.count.bypassed.Add(1)
		return load(ctx)
	}
	key := flightKey{k, ticket}
	flown, leads := s.flights.join(key)
	if !leads {
		s.backend.Release(k, ticket)
		s.await(ctx, flown.done)
		if flown.ok {
			s.count.shared.Add(1)
			return flown.value.(T), nil
		}
		s.count.bypassed.Add(1)
		return load(ctx) // the other one failed, perhaps since its request ended
	}
	kept := false
	defer func() {
		if !kept {
			s.backend.Release(k, ticket)
		}
		s.flights.land(key, flown)
	}()
	s.count.misses.Add(1)
	v, err := load(codeforge.FromPrimary(ctx))
	if err != nil {
		return v, err
	}
	flown.value, flown.ok = v, true
	if size := measure(&v); size > 0 {
		kept = true
		s.backend.Put(ctx, k, ticket, Value{v, size})
	}
	return v, nil
}

// await waits for the read of another one, or for the end of ctx.
func await(ctx context.Context, done <-chan struct{}) {
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// write does what touches scopes of one user.
func write[T any](ctx context.Context, s *Store, scopes []Scope, do func() (T, error)) (v T, err error) {
	m := s.backend.Begin(ctx, scopes)
	decided := false // also if do panics
	defer func() {
		// The write is done, whatever became of the request.
		if failed := s.backend.End(context.WithoutCancel(ctx), m, decided); failed != nil && err == nil {
			err = failed
		}
	}()
	v, err = do()
	decided = err == nil || answered(err)
	return v, err
}

// answered reports whether an error is the store's word that nothing was and nothing will be written: not one of the way to it.
func answered(err error) bool {
	if errors.Is(err, codeforge.ErrFenced) {
		return true
	}
	for _, k := range []codeforge.Kind{codeforge.Invalid, codeforge.Missing, codeforge.Conflict, codeforge.Denied, codeforge.TooLarge, codeforge.RateLimited, codeforge.QueueFull} {
		if codeforge.IsKind(err, k) {
			return true
		}
	}
	return false
}
