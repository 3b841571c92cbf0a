package redis

import (
	"context"
	"time"
)

// Positions remembers for all servers of a store how far their users have written, so that each shows them at least that.
type Positions struct{ client *Client }

// NewPositions returns one.
func NewPositions(c *Client) *Positions { return &Positions{c} }

// A position is "history/place", of which the later one stays; "?" is one that nobody knows, and stands beside it.
var (
	// rememberPosition takes position, ttl.
	rememberPosition = NewScript(`
if ARGV[1] == '?' then
  redis.call('SET', KEYS[2], '?', 'PX', ARGV[2])
  return false
end
local function parts(text) return string.match(text or '', '^(%d+)/(%d+)$') end
local t, n = parts(ARGV[1])
local ot, on = parts(redis.call('GET', KEYS[1]) or '')
t, n, ot, on = tonumber(t), tonumber(n), tonumber(ot), tonumber(on)
if not ot or t > ot or t == ot and n >= on then
  redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
end
return false`)
	recallPosition = NewScript(`return redis.call('GET', KEYS[2]) or redis.call('GET', KEYS[1])`)
)

func positionKeys(user string) []string {
	return []string{"position:{" + user + "}", "position:{" + user + "}:unknown"}
}

// RememberPosition keeps a position of a user for so long. What Redis does not take in time is not remembered.
func (p *Positions) RememberPosition(ctx context.Context, user, position string, keep time.Duration) {
	_, _ = p.client.Run(ctx, rememberPosition, positionKeys(user), position, milliseconds(keep))
}

// RecallPosition returns the position of a user; "": there is none. ok is false where Redis did not answer in time.
func (p *Positions) RecallPosition(ctx context.Context, user string) (position string, ok bool) {
	answer, err := p.client.Run(ctx, recallPosition, positionKeys(user))
	if err != nil || len(answer) != 1 {
		return "", false
	}
	return string(answer[0]), true
}
