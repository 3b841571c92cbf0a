//go:build unix

package api

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strconv"
	"testing"
	"time"

	"codeforge/internal/redis"
	"codeforge/internal/redis/redistest"
)

// A shared bucket says of each request what one of this process would say, in words of the answer too, when it is drained, when
// some time passed, and when it is full again.
func TestSharedLimit(t *testing.T) {
	s := redistest.Start(t)
	c, err := redis.Open(redis.Options{URL: s.URL(), Prefix: "p", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Meet("store")
	for _, perMinute := range []int{1, 3, 7, 60} {
		key := fmt.Sprint("user:", perMinute)
		one, shared := newLimiter(perMinute, nil, ""), newLimiter(perMinute, redis.NewLimiter(c), "")
		for deadline := time.Now().Add(3 * time.Minute); ; { // Redis is there
			if _, ok := shared.shared.Take(t.Context(), "other", 1); ok {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(c.Check())
			}
		}
		now := time.Now()
		for i, passed := range []time.Duration{0, 0, 0, 25 * time.Second, 0, time.Hour, 0} {
			if now = now.Add(passed); passed > 0 {
				stored := "p:store:limit:" + key
				full, err := strconv.ParseFloat(s.Do(t, "GET", stored)[0], 64)
				if err != nil {
					t.Fatal(err)
				}
				s.Do(t, "SET", stored, strconv.FormatFloat(full-float64(passed.Microseconds()), 'f', 3, 64))
			}
			want, got := one.take(t.Context(), key, now), shared.take(t.Context(), key, now)
			wantHeader, gotHeader := headersOf(want), headersOf(got)
			// What the test takes itself counts too, a little.
			near := func(a, b time.Duration) bool { return (a - b).Abs() < 5*time.Second }
			if gotHeader.Del("X-Ratelimit-Reset"); got.ok != want.ok || !near(got.reset, want.reset) || !near(got.retry, want.retry) {
				t.Errorf("%d a minute, request %d: %+v, alone %+v", perMinute, i, got, want)
			}
			if wantHeader.Del("X-Ratelimit-Reset"); !reflect.DeepEqual(gotHeader, wantHeader) {
				t.Errorf("%d a minute, request %d: %v, alone %v", perMinute, i, gotHeader, wantHeader)
			}
		}
	}
	s.Stop(t)
	alone := newLimiter(1, redis.NewLimiter(c), "")
	if first, second := alone.take(t.Context(), "k", time.Now()), alone.take(t.Context(), "k", time.Now()); !first.ok || second.ok {
		t.Error("without Redis nobody counts:", first, second)
	}
}

func headersOf(v verdict) http.Header {
	x := &exchange{ResponseWriter: httptest.NewRecorder()}
	v.headers(x, []string{"n"})
	return x.Header()
}
