package redis

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"codeforge/internal/redis/redistest"
)

// Each step of what servers keep together does what it says, on one Redis and in a cluster.
func TestKept(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t)
	for _, url := range []string{redistest.Start(t).URL(), "redis://" + nodes[1].Addr() + "?cluster=true"} {
		k := NewKept(connected(t, url, "store"), time.Minute, time.Hour)
		// get tells what it got, as version and value.
		get := func(scope, name, fresh string) string {
			t.Helper()
			version, value, err := k.Get(t.Context(), scope, name, fresh)
			if err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%s %q", version, value)
		}
		want := func(got, want string) {
			t.Helper()
			if got != want {
				t.Errorf("got %s, want %s", got, want)
			}
		}
		do := func(err error) {
			t.Helper()
			if err != nil {
				t.Error(err)
			}
		}
		const scope, beside = "{u}:1:project", "{u}:1:list"
		want(get(scope, "a", "v1"), `v1 ""`)
		want(get(scope, "a", "v2"), `v1 ""`)
		do(k.Put(t.Context(), scope, "a", "v1", []byte("\x00\xff")))
		do(k.Put(t.Context(), scope, "b", "v2", []byte("of another version")))
		do(k.Put(t.Context(), scope, ".version", "v1", []byte("a name like ours")))
		want(get(scope, "a", "v3"), `v1 "\x00\xff"`)
		want(get(scope, "b", "v3"), `v1 ""`)
		want(get(beside, "a", "w1"), `w1 ""`)

		do(k.Begin(t.Context(), []string{scope, beside}, "m1"))
		do(k.Begin(t.Context(), []string{scope}, "m2"))
		want(get(scope, "a", "v4"), ` ""`)
		do(k.Put(t.Context(), scope, "a", "v1", []byte("while it is marked")))
		do(k.Put(t.Context(), scope, "a", "", []byte("while it is marked")))
		do(k.End(t.Context(), []string{scope, beside}, "m1"))
		want(get(scope, "a", "v5"), ` ""`)
		want(get(beside, "a", "w2"), `w2 ""`)
		do(k.End(t.Context(), []string{scope}, "m2"))
		want(get(scope, "a", "v6"), `v6 ""`)
		do(k.Put(t.Context(), scope, "a", "v1", []byte("read before the writes")))
		want(get(scope, "a", "v7"), `v6 ""`)
		do(k.Put(t.Context(), scope, "empty", "v6", []byte{}))
		if _, value, _ := k.Get(t.Context(), scope, "empty", ""); value == nil {
			t.Error("an empty value is none")
		}
		do(k.Put(t.Context(), scope, "a", "v6", []byte("1")))
		do(k.End(t.Context(), []string{scope}, "whose begin did not come"))
		want(get(scope, "a", "v8"), `v8 ""`)
		do(k.Ping(t.Context()))
	}
}

// A mark that nobody takes back ends, and so does what is kept.
func TestKeptEnds(t *testing.T) {
	s := redistest.Start(t)
	k := NewKept(connected(t, s.URL(), "store"), time.Minute, time.Hour)
	if err := k.Begin(t.Context(), []string{"{u}"}, "m"); err != nil {
		t.Fatal(err)
	}
	const key = "test:store:kept:{u}"
	if left := s.Do(t, "PTTL", key); len(left[0]) != len("3600000") {
		t.Error(left)
	}
	marks := s.Do(t, "HGET", key, ".marks")[0]
	name, end, _ := strings.Cut(strings.TrimSuffix(marks, ";"), "=")
	if name != "m" || len(end) != len("1795000000000") {
		t.Error(marks)
	}
	s.Do(t, "HSET", key, ".marks", "m=1795000000;") // as if it had ended
	if version, _, err := k.Get(t.Context(), "{u}", "a", "v"); version != "v" || err != nil {
		t.Error(version, err)
	}
	for i := range keptMost + 10 {
		if err := k.Put(t.Context(), "{u}", fmt.Sprint(i), "v", []byte("1")); err != nil {
			t.Fatal(err)
		}
	}
	if n := s.Do(t, "HLEN", key)[0]; n != fmt.Sprint(keptMost) {
		t.Error(n)
	}
}

// What a Redis wrote down before it was killed, or another one copied from it, is not what is kept.
func TestKeptComesNotBack(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := connected(t, s.URL(), "store")
	k := NewKept(c, time.Minute, time.Hour)
	version, _, err := k.Get(t.Context(), "{u}", "a", "v1")
	if err == nil {
		err = k.Put(t.Context(), "{u}", "a", version, []byte("old"))
	}
	if err == nil {
		err = k.Begin(t.Context(), []string{"{w}"}, "m")
	}
	if err != nil {
		t.Fatal(err)
	}
	s.Do(t, "SAVE")
	s.Stop(t)
	until(t, c, false)
	if _, _, err := k.Get(context.WithoutCancel(t.Context()), "{u}", "a", "v2"); err == nil {
		t.Error("got something of a Redis that is away")
	}
	s.Restart(t)
	until(t, c, true)
	if got := s.Do(t, "HGET", "test:store:kept:{u}", "/a"); len(got) != 1 || got[0] != "old" {
		t.Fatal("it came up without what it had written down:", got)
	}
	if version, value, err := k.Get(t.Context(), "{u}", "a", "v2"); version != "v2" || value != nil || err != nil {
		t.Error(version, value, err)
	}
	if version, _, err := k.Get(t.Context(), "{w}", "a", "w"); version != "w" || err != nil {
		t.Error(version, err)
	}
}
