package compile

import "sync"

// results are what compilers made of texts, with nothing but the text at hand: an edit compiles one component, not all.
var results resultCache

// maxResults bounds them, in bytes.
const maxResults = 64 << 20

type resultCache struct {
	mu    sync.Mutex
	texts map[string]string
	age   []string // keys, the oldest first
	bytes int
}

func (c *resultCache) get(key string) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	text, ok := c.texts[key]
	return text, ok
}

// put keeps a text; "" is no key.
func (c *resultCache) put(key, text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.texts[key]; ok || key == "" {
		return
	}
	if c.texts == nil {
		c.texts = map[string]string{}
	}
	c.texts[key] = text
	c.age = append(c.age, key)
	for c.bytes += len(text); c.bytes > maxResults; c.age = c.age[1:] {
		c.bytes -= len(c.texts[c.age[0]])
		delete(c.texts, c.age[0])
	}
}
