package redis

import (
	"testing"
	"time"

	"codeforge/internal/redis/redistest"
)

// Of the positions of a user the later one stays, whoever says it last; one that nobody knows goes before.
func TestPositions(t *testing.T) {
	s := redistest.Start(t)
	one, two := NewPositions(connected(t, s.URL(), "store")), NewPositions(connected(t, s.URL(), "store"))
	expect := func(want string) {
		t.Helper()
		if got, ok := two.RecallPosition(t.Context(), "u"); !ok || got != want {
			t.Fatal(got, ok, want)
		}
	}
	expect("")
	for _, step := range [][2]string{{"1/900", "1/900"}, {"1/1000", "1/1000"}, {"1/70", "1/1000"}, {"2/5", "2/5"}, {"1/2000", "2/5"}, {"?", "?"}, {"2/9007199254740000", "?"}} {
		one.RememberPosition(t.Context(), "u", step[0], time.Minute)
		expect(step[1])
	}
	if got, ok := two.RecallPosition(t.Context(), "other"); !ok || got != "" {
		t.Fatal(got, ok)
	}
	s.Stop(t)
	if _, ok := two.RecallPosition(t.Context(), "u"); ok {
		t.Fatal("known though Redis is away")
	}
	one.RememberPosition(t.Context(), "u", "3/1", time.Minute) // is no error
}
