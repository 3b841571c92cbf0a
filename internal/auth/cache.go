package auth

import (
	"crypto/sha256"
	"sync"
)

// tokenHash stands for a token: none is kept longer than a request.
type tokenHash = [sha256.Size]byte

// cache holds what is known of the tokens last used. When the new generation is full it becomes the old one, so between
// size and twice as many are kept, and what nobody asked for in between is forgotten.
type cache[V any] struct {
	size int

	mu       sync.Mutex
	new, old map[tokenHash]V // guarded by mu
}

func newCache[V any](size int) *cache[V] {
	return &cache[V]{size: size, new: map[tokenHash]V{}}
}

func (c *cache[V]) get(key tokenHash) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.new[key]
	if !ok {
		if v, ok = c.old[key]; ok {
			c.set(key, v)
		}
	}
	return v, ok
}

func (c *cache[V]) put(key tokenHash, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.set(key, v)
}

func (c *cache[V]) drop(key tokenHash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.new, key)
	delete(c.old, key)
}

func (c *cache[V]) set(key tokenHash, v V) {
	if _, ok := c.new[key]; !ok && len(c.new) >= c.size {
		c.old, c.new = c.new, make(map[tokenHash]V, c.size)
	}
	c.new[key] = v
}
