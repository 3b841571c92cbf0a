package sqlite_test

import (
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/sqlite"
	"codeforge/internal/storetest"
)

func TestStore(t *testing.T) {
	storetest.Run(t, func(t *testing.T) (storetest.Store, func(time.Duration)) {
		var ahead atomic.Int64
		start := codeforge.Now() // the clock stands still but for advance
		s := open(t, t.TempDir(), sqlite.Options{Now: func() time.Time { return start.Add(time.Duration(ahead.Load())) }})
		return s, func(d time.Duration) { ahead.Add(int64(d)) }
	})
}

// open opens a store that is closed with the test.
func open(t testing.TB, dir string, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
