package auth

import (
	"testing"
	"testing/synctest"
	"time"
)

// What an old secret signed is known until its grace is over; what nobody signed never is.
func TestKeyring(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		message := []byte("what is signed")
		k := NewKeyring([]byte("the first"))
		first := k.Sum(nil, message)
		knows := func(mac []byte, want bool, when string) {
			t.Helper()
			if k.Verify(message, mac) != want {
				t.Errorf("%s: known %v", when, !want)
			}
		}
		knows(first, true, "at first")
		if k.Replace(time.Hour, []byte("the first")) {
			t.Error("the same secret is no other one")
		}
		if !k.Replace(time.Hour, []byte("the second")) {
			t.Error("another secret is one")
		}
		second := k.Sum(nil, message)
		knows(first, true, "after its end")
		knows(second, true, "the newest")
		time.Sleep(30 * time.Minute)
		k.Replace(time.Hour, []byte("the third"))
		knows(first, true, "after two")
		time.Sleep(31 * time.Minute)
		knows(first, false, "when its grace is over")
		knows(second, true, "within its own grace")
		// One that comes back is the newest again, without an end.
		k.Replace(time.Hour, []byte("the first"))
		time.Sleep(2 * time.Hour)
		knows(first, true, "back again")
		knows(second, false, "long ago")
		for i := range 10 {
			k.Replace(time.Hour, []byte{byte(i)})
		}
		if n := len(*k.keys.Load()); n > maxSecrets {
			t.Errorf("%d secrets are kept", n)
		}
		knows(nil, false, "no signature")
		// Those that are named stay known, across a restart too, until they are named no more.
		k = NewKeyring([]byte("the third"), []byte("the first"), []byte("the second"))
		time.Sleep(1000 * time.Hour)
		knows(first, true, "named")
		k.Replace(time.Hour, []byte("the third"), []byte("the second"))
		time.Sleep(2 * time.Hour)
		knows(first, false, "no longer named")
		knows(second, true, "still named")
	})
}
