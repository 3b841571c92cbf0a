package preview

import (
	"container/list"
	"sync"
)

// cache keeps the newest build of each host, at most limit bytes of them, those that were asked for last.
type cache struct {
	limit int

	mu    sync.Mutex
	bytes int
	order list.List // of *build, the last used in front
	byID  map[string]*list.Element
}

func (c *cache) get(label string) *build {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byID[label]
	if !ok {
		return nil
	}
	c.order.MoveToFront(e)
	return e.Value.(*build)
}

// put stores b, unless the same or that of a newer revision is there already, and returns what to show.
func (c *cache) put(b *build) *build {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byID[b.label]; ok {
		switch there := e.Value.(*build); {
		case there.revision == b.revision && there.version == b.version:
			return there
		case there.revision > b.revision:
			return b
		}
		c.remove(e)
	}
	if c.byID == nil {
		c.byID = map[string]*list.Element{}
	}
	c.byID[b.label] = c.order.PushFront(b)
	c.bytes += b.size()
	for c.bytes > c.limit && c.order.Len() > 1 {
		c.remove(c.order.Back())
	}
	return b
}

func (c *cache) remove(e *list.Element) {
	b := c.order.Remove(e).(*build)
	delete(c.byID, b.label)
	c.bytes -= b.size()
}
