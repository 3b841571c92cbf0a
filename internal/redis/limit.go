package redis

import (
	"context"
	"strconv"
)

// take is the token bucket of the API on the clock of Redis. A bucket is the time, in microseconds, at which it is full: it fills
// within a minute, whatever its size, and a full one needs no key. The answer is how many tokens there were.
var take = NewScript(`
local t = redis.call('TIME')
local now = t[1] * 1000000 + t[2]
local each = 60000000 / ARGV[1]
local full = tonumber(redis.call('GET', KEYS[1]) or '') or now
full = math.min(math.max(full, now), now + 60000000)
local left = string.format('%.6f', ARGV[1] - (full - now) / each)
if tonumber(left) >= 1 then
  full = full + each
  redis.call('SET', KEYS[1], string.format('%.3f', full), 'PX', math.ceil((full - now) / 1000))
end
return left`)

// Limiter counts requests for all servers of a store together.
type Limiter struct{ client *Client }

// NewLimiter returns a Limiter.
func NewLimiter(c *Client) *Limiter { return &Limiter{c} }

// Take takes a token from the bucket of a key, which has perMinute tokens at most and gets as many in a minute, if one is there. left
// is how many there were before. ok is false where Redis did not answer in time.
func (l *Limiter) Take(ctx context.Context, key string, perMinute int) (left float64, ok bool) {
	answer, err := l.client.Run(ctx, take, []string{"limit:" + key}, strconv.Itoa(perMinute))
	if err == nil && len(answer) == 1 {
		left, err = strconv.ParseFloat(string(answer[0]), 64)
	}
	if err != nil {
		l.client.stats.limitedHere.Add(1)
		return 0, false
	}
	l.client.stats.limited.Add(1)
	return left, true
}
