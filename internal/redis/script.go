package redis

import (
	"context"
	"fmt"
	"time"

	"github.com/redis/rueidis"
)

const (
	quickMost = 50 * time.Millisecond // that a question may take for which a request waits
	slowFor   = time.Second           // how long none is asked after one took longer
	slowSaid  = time.Minute           // how often that is said at most
)

// Script is a program that Redis runs as one step.
type Script struct{ lua *rueidis.Lua }

// NewScript returns a Script; what it returns must be one text, number or nothing (false), or a table of such.
func NewScript(text string) *Script { return &Script{rueidis.NewLuaScript(text)} }

// Run runs a script on keys of this store, for which a request waits: an answer that does not come soon is ErrAway, and for a while
// after it no other is waited for. In a cluster all keys of a call must lie on one node, as those do that have the same part in braces.
// nil stands for nothing.
func (c *Client) Run(ctx context.Context, s *Script, keys []string, args ...string) ([][]byte, error) {
	if up, _ := c.state(); !up || !c.mayAsk(time.Now()) {
		return nil, ErrAway
	}
	quick, cancel := context.WithTimeout(ctx, quickMost)
	defer cancel()
	answer, err := c.run(quick, s, keys, args...)
	switch {
	case err == nil || isAnswer(err):
		c.asked(true)
	case ctx.Err() == nil: // else it is the caller who did not wait
		c.asked(false)
		err = ErrAway
	}
	return answer, err
}

// run is Run for as long as ctx allows.
func (c *Client) run(ctx context.Context, s *Script, keys []string, args ...string) ([][]byte, error) {
	var conn rueidis.Client
	names := make([]string, len(keys))
	for i, key := range keys {
		var err error
		if conn, names[i], err = c.use(key); err != nil {
			return nil, err
		}
	}
	message, err := s.lua.Exec(ctx, conn, names, args).ToMessage()
	switch {
	case rueidis.IsRedisNil(err):
		return [][]byte{nil}, nil
	case err != nil:
		c.failed(err)
		return nil, err
	case !message.IsArray():
		return [][]byte{text(message)}, nil
	}
	parts, err := message.ToArray()
	out := make([][]byte, len(parts))
	for i := range parts {
		out[i] = text(parts[i])
	}
	return out, err
}

// text is a text or number of an answer; nil: it is neither.
func text(m rueidis.RedisMessage) []byte {
	if n, err := m.ToInt64(); err == nil {
		return fmt.Append(nil, n)
	}
	s, err := m.ToString()
	if err != nil {
		return nil
	}
	return []byte(s)
}

// mayAsk reports whether a question may be asked for which a request waits. After one that took too long the first that comes when a
// while has passed is asked alone.
func (c *Client) mayAsk(now time.Time) bool {
	until := c.slowUntil.Load()
	return until == 0 || now.UnixNano() >= until && c.slowUntil.CompareAndSwap(until, now.Add(slowFor).UnixNano())
}

// asked takes down whether a question was answered in time.
func (c *Client) asked(inTime bool) {
	if inTime {
		if c.slowUntil.Load() != 0 {
			c.slowUntil.Store(0)
		}
		return
	}
	c.stats.slow.Add(1)
	now := time.Now()
	c.slowUntil.Store(now.Add(slowFor).UnixNano())
	if said := c.slowTold.Load(); c.Check() == nil && now.UnixNano()-said > int64(slowSaid) && c.slowTold.CompareAndSwap(said, now.UnixNano()) {
		c.log.Warn("Redis is slow: for a while each server counts requests alone", "within", quickMost)
	}
}
