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
		if k.Replace([]byte("the first"), time.Hour) {
			t.Error("the same secret is no other one")
		}
		if !k.Replace([]byte("the second"), time.Hour) {
			t.Error("another secret is one")
		}
		second := k.Sum(nil, message)
		knows(first, true, "after its end")
		knows(second, true, "the newest")
		time.Sleep(30 * time.Minute)
		k.Replace([]byte("the third"), time.Hour)
		knows(first, true, "after two")
		time.Sleep(31 * time.Minute)
		knows(first, false, "when its grace is over")
		knows(second, true, "within its own grace")
		// One that comes back is the newest again, without an end.
		k.Replace([]byte("the first"), time.Hour)
		time.Sleep(2 * time.Hour)
		knows(first, true, "back again")
		knows(second, false, "long ago")
		for i := range 10 {
			k.Replace([]byte{byte(i)}, time.Hour)
		}
		if n := len(*k.keys.Load()); n > maxSecrets {
			t.Errorf("%d secrets are kept", n)
		}
		knows(nil, false, "no signature")
	})
}
