package evidence

import (
	"container/list"
	"sync"
)

// cache keeps values by key, those used last, of at most limit in all.
type cache[V any] struct {
	limit int

	mu    sync.Mutex
	size  int
	order list.List // of *cached[V], the last used in front
	byKey map[string]*list.Element
}

type cached[V any] struct {
	key   string
	value V
	size  int
}

func (c *cache[V]) get(key string) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byKey[key]
	if e == nil {
		return value, false
	}
	c.order.MoveToFront(e)
	return e.Value.(*cached[V]).value, true
}

func (c *cache[V]) put(key string, value V, size int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e := c.byKey[key]; e != nil {
		c.remove(e)
	}
	if c.byKey == nil {
		c.byKey = map[string]*list.Element{}
	}
	c.byKey[key] = c.order.PushFront(&cached[V]{key, value, size})
	for c.size += size; c.size > c.limit; {
		c.remove(c.order.Back())
	}
}

func (c *cache[V]) remove(e *list.Element) {
	old := c.order.Remove(e).(*cached[V])
	delete(c.byKey, old.key)
	c.size -= old.size
}
