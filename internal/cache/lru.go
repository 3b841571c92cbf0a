package cache

import "sync"

// LRU keeps values by their keys within a bound of bytes; what was not used for longest goes first.
type LRU[K comparable, V any] struct {
	mu   sync.Mutex
	ring ring[K, V]
}

// NewLRU returns one that keeps at most so many bytes, as its values are said to have.
func NewLRU[K comparable, V any](bound int64) *LRU[K, V] {
	l := &LRU[K, V]{}
	l.ring.init(bound)
	return l
}

// Get returns what is kept under a key.
func (l *LRU[K, V]) Get(k K) (v V, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.ring.get(k); e != nil {
		return e.value, true
	}
	return v, false
}

// Put keeps a value that takes about so many bytes, in place of the one before, unless it is too large.
func (l *LRU[K, V]) Put(k K, v V, size int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring.put(k, v, size)
}

// ring is an LRU for whoever has a lock.
type ring[K comparable, V any] struct {
	bound, size int64
	by          map[K]*entry[K, V]
	newest      entry[K, V] // itself none: the ring begins and ends here
	evicted     int64
	dropped     func(K) // told of each that was put and is gone; nil: nobody
}

type entry[K comparable, V any] struct {
	next, prev *entry[K, V]
	key        K
	value      V
	size       int64
}

const (
	// entryCost is about what an entry takes besides its value.
	entryCost = 300
	// largestPart bounds one value to a part of all room, so that it does not push out all others.
	largestPart = 4
)

func (r *ring[K, V]) init(bound int64) {
	r.bound, r.by = bound, map[K]*entry[K, V]{}
	r.newest.next, r.newest.prev = &r.newest, &r.newest
}

func (r *ring[K, V]) get(k K) *entry[K, V] {
	e := r.by[k]
	if e != nil && r.newest.next != e {
		r.unlink(e)
		r.link(e)
	}
	return e
}

// put reports whether the value is kept.
func (r *ring[K, V]) put(k K, v V, size int) bool {
	r.drop(k)
	e := &entry[K, V]{key: k, value: v, size: int64(size) + entryCost}
	if e.size > r.bound/largestPart {
		return false
	}
	r.by[k] = e
	r.link(e)
	for r.size += e.size; r.size > r.bound; r.evicted++ {
		r.drop(r.newest.prev.key)
	}
	return true
}

func (r *ring[K, V]) drop(k K) {
	e := r.by[k]
	if e == nil {
		return
	}
	r.unlink(e)
	delete(r.by, k)
	r.size -= e.size
	if r.dropped != nil {
		r.dropped(k)
	}
}

func (r *ring[K, V]) link(e *entry[K, V]) {
	e.prev, e.next = &r.newest, r.newest.next
	e.prev.next, e.next.prev = e, e
}

func (r *ring[K, V]) unlink(e *entry[K, V]) { e.prev.next, e.next.prev = e.next, e.prev }
