package compile

import "sync"

// results are what compilers made of texts, each with what the compiler asked for meanwhile: an edit compiles what it
// changed, not all.
var results resultCache

// maxResults bounds them, in bytes.
const maxResults = 64 << 20

// result is how a job ended, as JSON, and what it asked for.
type result struct {
	text  string
	asked []question
}

// question is what a job asked for, with the fingerprint of the answer.
type question struct {
	kind   string
	args   []string
	answer string
}

// fileQuestion is a look at a file of the project.
const fileQuestion = "file"

func (r result) size() int {
	n := len(r.text)
	for _, q := range r.asked {
		for _, a := range q.args {
			n += len(a)
		}
		n += 100
	}
	return n
}

type resultCache struct {
	mu    sync.Mutex
	all   map[string]result
	age   []string // keys, the oldest first
	bytes int
}

func (c *resultCache) get(key string) (result, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r, ok := c.all[key]
	return r, ok
}

// put keeps a result in the place of an older one of its key; "" is no key.
func (c *resultCache) put(key string, r result) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if key == "" {
		return
	}
	if c.all == nil {
		c.all = map[string]result{}
	}
	if old, ok := c.all[key]; ok {
		c.bytes -= old.size()
	} else {
		c.age = append(c.age, key)
	}
	c.all[key] = r
	for c.bytes += r.size(); c.bytes > maxResults; c.age = c.age[1:] {
		c.bytes -= c.all[c.age[0]].size()
		delete(c.all, c.age[0])
	}
}
