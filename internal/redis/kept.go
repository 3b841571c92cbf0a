package redis

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// Kept are values that servers keep together, in scopes: each is one key, a hash of its version, its marks and its values. Every
// method is one step. All of it may be forgotten at any time, and what was forgotten does not come back: a Redis that came up again
// with what it had written down, or another one that took its place with what it had copied, has another run id, and what is kept names
// the one under which it was kept.
type Kept struct {
	client           *Client
	markFor, keepFor time.Duration
}

// NewKept returns one in which a mark ends by itself after markFor, and values are kept for keepFor, which is longer.
func NewKept(c *Client, markFor, keepFor time.Duration) *Kept { return &Kept{c, markFor, keepFor} }

// keptMost bounds the values of one scope: beyond it none is added until they are dropped.
const keptMost = 4096

// scopeLua opens a scope: what another run left is dropped, and so are marks that ended. Marks are "name=end;", of which there are few.
const scopeLua = `
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%w+)')
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local function open(key)
  local h = redis.call('HMGET', key, '.run', '.version', '.marks')
  if h[1] ~= run then
    if h[1] then redis.call('DEL', key) end
    return false, ''
  end
  local marks = ''
  for mark, ends in string.gmatch(h[3] or '', '([^=;]+)=(%d+);') do
    if tonumber(ends) > now then marks = marks .. mark .. '=' .. ends .. ';' end
  end
  return h[2], marks
end
local function anew(key, marks, ttl)
  redis.call('DEL', key)
  if marks ~= '' then
    redis.call('HSET', key, '.run', run, '.marks', marks)
    redis.call('PEXPIRE', key, ttl)
  end
end
`

var (
	// getKept takes name, fresh, ttl.
	getKept = NewScript(scopeLua + `
local version, marks = open(KEYS[1])
if marks ~= '' then return {''} end
if not version then
  version = ARGV[2]
  redis.call('HSET', KEYS[1], '.run', run, '.version', version, '.marks', '')
  redis.call('PEXPIRE', KEYS[1], ARGV[3])
end
return {version, redis.call('HGET', KEYS[1], ARGV[1])}`)
	// putKept takes name, version, value, ttl, most.
	putKept = NewScript(scopeLua + `
local version, marks = open(KEYS[1])
if marks == '' and version == ARGV[2] and redis.call('HLEN', KEYS[1]) < tonumber(ARGV[5]) then
  redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
end
return false`)
	// beginKept takes mark, how long it holds, ttl.
	beginKept = NewScript(scopeLua + `
for _, key in ipairs(KEYS) do
  local _, marks = open(key)
  anew(key, marks .. ARGV[1] .. '=' .. string.format('%d', now + ARGV[2]) .. ';', ARGV[3])
end
return false`)
	// endKept takes mark, ttl.
	endKept = NewScript(scopeLua + `
for _, key in ipairs(KEYS) do
  local _, marks = open(key)
  local left = ''
  for mark, ends in string.gmatch(marks, '([^=;]+)=(%d+);') do
    if mark ~= ARGV[1] then left = left .. mark .. '=' .. ends .. ';' end
  end
  anew(key, left, ARGV[2])
end
return false`)
)

// Get returns the version of a scope, and the value under a name if there is one. A scope that has no version gets the fresh one;
// one that is marked has "".
func (k *Kept) Get(ctx context.Context, scope, name, fresh string) (version string, value []byte, err error) {
	answer, err := k.client.run(ctx, getKept, []string{"kept:" + scope}, "/"+name, fresh, milliseconds(k.keepFor))
	switch {
	case err != nil:
		return "", nil, err
	case len(answer) == 1:
		return "", nil, nil
	case len(answer) != 2:
		return "", nil, fmt.Errorf("%d parts in an answer", len(answer))
	}
	return string(answer[0]), answer[1], nil
}

// Put keeps a value if the scope has that version and no mark.
func (k *Kept) Put(ctx context.Context, scope, name, version string, value []byte) error {
	_, err := k.client.run(ctx, putKept, []string{"kept:" + scope}, "/"+name, version, rueidis.BinaryString(value), milliseconds(k.keepFor), strconv.Itoa(keptMost))
	return err
}

// Begin marks scopes, which lie together, and drops what is kept of them.
func (k *Kept) Begin(ctx context.Context, scopes []string, mark string) error {
	_, err := k.client.run(ctx, beginKept, keptKeys(scopes), mark, milliseconds(k.markFor), milliseconds(max(k.keepFor, k.markFor)))
	return err
}

// End takes a mark back, and drops what is kept all the same.
func (k *Kept) End(ctx context.Context, scopes []string, mark string) error {
	_, err := k.client.run(ctx, endKept, keptKeys(scopes), mark, milliseconds(max(k.keepFor, k.markFor)))
	return err
}

// Ping reports whether Redis answers.
func (k *Kept) Ping(ctx context.Context) error {
	conn, _, err := k.client.use("")
	if err == nil {
		err = conn.Do(ctx, conn.B().Ping().Build()).Error()
	}
	return err
}

func keptKeys(scopes []string) []string {
	keys := make([]string, len(scopes))
	for i, s := range scopes {
		keys[i] = "kept:" + s
	}
	return keys
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
