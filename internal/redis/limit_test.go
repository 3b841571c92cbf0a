package redis

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"codeforge/internal/redis/redistest"
)

// A script's answer comes as it is, on one Redis and in a cluster, where keys with the same part in braces lie together.
func TestRun(t *testing.T) {
	t.Parallel()
	echo := NewScript(`redis.call('SET', KEYS[1], ARGV[1]) return {redis.call('GET', KEYS[1]), redis.call('GET', KEYS[2]), 7, ''}`)
	none, one := NewScript(`return false`), NewScript(`return 'x'`)
	nodes := redistest.Cluster(t)
	for _, url := range []string{redistest.Start(t).URL(), "redis://" + nodes[1].Addr() + "?cluster=true"} {
		c := connected(t, url, "store")
		got, err := c.Run(t.Context(), echo, []string{"a{u}", "b{u}"}, "\x00\xff\r\n")
		if err != nil || len(got) != 4 || string(got[0]) != "\x00\xff\r\n" || got[1] != nil || string(got[2]) != "7" || got[3] == nil {
			t.Errorf("%q %v", got, err)
		}
		if got, err := c.Run(t.Context(), none, []string{"a"}); err != nil || len(got) != 1 || got[0] != nil {
			t.Error(got, err)
		}
		if got, err := c.Run(t.Context(), one, []string{"a"}); err != nil || len(got) != 1 || string(got[0]) != "x" {
			t.Error(got, err)
		}
		if _, err := c.Run(t.Context(), NewScript(`return redis.call('NONE')`), []string{"a"}); err == nil || err == ErrAway {
			t.Error("a script that cannot run, and no error of its own:", err)
		}
		if n := c.Stats(); n.Slow != 0 {
			t.Errorf("%+v", n)
		}
	}
}

// A Redis that does not answer is waited for once, and then left alone for a while. It is said once, and when it answers it is asked again.
func TestSlow(t *testing.T) {
	s := redistest.Start(t)
	c := connected(t, s.URL(), "store")
	l := NewLimiter(c)
	if left, ok := l.Take(t.Context(), "k", 2); !ok || left != 2 {
		t.Error(left, ok)
	}
	s.Pause(t)
	for range 1000 {
		if _, ok := l.Take(t.Context(), "k", 2); ok {
			t.Error("answered, and paused")
		}
	}
	if n := c.Stats(); n.LimitedHere != 1000 || n.Slow == 0 || n.Slow > 10 {
		t.Errorf("%+v", n)
	}
	s.Resume(t)
	until(t, c, true)
	for {
		if left, ok := l.Take(t.Context(), "k", 2); ok {
			if left >= 2 {
				t.Error(left)
			}
			break
		}
	}
}

// Buckets of one store are its own, each has one key, which goes when the bucket is full, and what is no bucket is none.
func TestBuckets(t *testing.T) {
	s := redistest.Start(t)
	a, b := NewLimiter(connected(t, s.URL(), "a")), NewLimiter(connected(t, s.URL(), "b"))
	for i, l := range []*Limiter{a, a, b} {
		if left, ok := l.Take(t.Context(), "user:1", 3); !ok || int(left) != []int{3, 2, 3}[i] {
			t.Error(i, left, ok)
		}
	}
	keys := s.Do(t, "KEYS", "test:*:limit:*")
	if slices.Sort(keys); !slices.Equal(keys, []string{"test:a:limit:user:1", "test:b:limit:user:1"}) {
		t.Error(keys)
	}
	for _, key := range keys {
		if left := strings.Join(s.Do(t, "PTTL", key), ""); left == "-1" || len(left) > 5 {
			t.Error(key, left)
		}
	}
	s.Do(t, "SET", keys[0], "no number")
	s.Do(t, "SET", keys[1], fmt.Sprint(1e18)) // by a clock that is years ahead
	if left, ok := a.Take(t.Context(), "user:1", 3); !ok || left != 3 {
		t.Error(left, ok)
	}
	if left, ok := b.Take(t.Context(), "user:1", 3); !ok || left != 0 {
		t.Error(left, ok)
	}
}
