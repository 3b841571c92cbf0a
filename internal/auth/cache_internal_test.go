package auth

import "testing"

func TestCacheIsBounded(t *testing.T) {
	c := newCache[int](100)
	key := func(i int) (d tokenHash) {
		d[0], d[1] = byte(i), byte(i>>8)
		return d
	}
	for i := range 1000 {
		c.put(key(i), i)
		if _, ok := c.get(key(0)); !ok {
			t.Fatalf("what is used all the time is forgotten after %d others", i)
		}
	}
	if n := len(c.new) + len(c.old); n > 200 {
		t.Errorf("%d entries", n)
	}
	if v, ok := c.get(key(950)); !ok || v != 950 {
		t.Error("a young entry is forgotten")
	}
	if _, ok := c.get(key(500)); ok {
		t.Error("an old entry is kept")
	}
	c.drop(key(999))
	if _, ok := c.get(key(999)); ok {
		t.Error("dropped, and kept")
	}
}
