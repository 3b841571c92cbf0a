package api

import (
	"context"
	"math"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxBuckets bounds one generation of a limiter; two are kept.
const maxBuckets = 50_000

// Limiter counts requests of all servers together: buckets as here, elsewhere.
type Limiter interface {
	// Take takes a token from the bucket of a key, which has perMinute tokens at most and gets as many in a minute, if one is there.
	// left is how many there were before. ok is false where that cannot be known soon: each server then counts alone.
	Take(ctx context.Context, key string, perMinute int) (left float64, ok bool)
}

// limiter is a token bucket per key. Full buckets need no memory: when a generation of buckets is full it becomes the
// old one, and what was not used since the last change is forgotten. A flood of maxBuckets new keys can so give somebody
// a fresh bucket early; that is the price of a bound.
type limiter struct {
	burst float64 // tokens of a full bucket
	rate  float64 // tokens per second

	shared    Limiter // asked first; nil: there is none
	name      string  // of the buckets there
	perMinute int

	mu       sync.Mutex
	now, old map[string]*bucket // guarded by mu
}

type bucket struct {
	tokens float64
	at     time.Time
}

// newLimiter allows perMinute requests a minute, and as many at once; not positive: nil, which allows all. They are counted in shared,
// under a name, as long as that answers.
func newLimiter(perMinute int, shared Limiter, name string) *limiter {
	if perMinute <= 0 {
		return nil
	}
	return &limiter{burst: float64(perMinute), rate: float64(perMinute) / 60, now: map[string]*bucket{}, shared: shared, name: name, perMinute: perMinute}
}

// verdict is what a limiter says about one request.
type verdict struct {
	ok        bool
	remaining int
	reset     time.Duration // until the bucket is full
	retry     time.Duration // until a token is there; 0 when ok
}

func (l *limiter) take(ctx context.Context, key string, now time.Time) verdict {
	if l.shared != nil {
		if left, ok := l.shared.Take(ctx, l.name+key, l.perMinute); ok {
			return l.verdict(left)
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.now[key]
	if b == nil {
		if len(l.now) >= maxBuckets {
			l.old, l.now = l.now, map[string]*bucket{}
		}
		if b = l.old[key]; b == nil {
			b = &bucket{tokens: l.burst, at: now}
		}
		l.now[key] = b
	}
	if d := now.Sub(b.at).Seconds(); d > 0 {
		b.tokens = min(l.burst, b.tokens+d*l.rate)
		b.at = now
	}
	v := l.verdict(b.tokens)
	if v.ok {
		b.tokens--
	}
	return v
}

// verdict is what is said about a request that finds so many tokens.
func (l *limiter) verdict(tokens float64) verdict {
	v := verdict{ok: tokens >= 1}
	if v.ok {
		tokens--
	} else {
		v.retry = l.wait(1 - tokens)
	}
	v.remaining = int(tokens)
	v.reset = l.wait(l.burst - tokens)
	return v
}

func (l *limiter) wait(tokens float64) time.Duration {
	return time.Duration(math.Ceil(tokens / l.rate * float64(time.Second)))
}

// headers say how a request stands to its limit.
func (v verdict) headers(x *exchange, limit []string) {
	h := x.Header()
	h["X-Ratelimit-Limit"] = limit
	h["X-Ratelimit-Remaining"] = x.value(strconv.Itoa(v.remaining))
	h["X-Ratelimit-Reset"] = x.value(strconv.FormatInt(int64((v.reset+time.Second-1)/time.Second), 10))
}

// clientAddress is the address that a request counts for: the peer's, or, while that is a trusted proxy, the rightmost
// address that a trusted proxy reported and that is none itself. What stands left of it anybody could have written.
func clientAddress(r *http.Request, trusted []netip.Prefix) netip.Addr {
	peer := peerAddress(r)
	if !contains(trusted, peer) {
		return peer
	}
	hops := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for i := len(hops) - 1; i >= 0; i-- {
		a, ok := parseAddress(strings.TrimSpace(hops[i]))
		if !ok {
			break
		}
		if peer = a; !contains(trusted, a) {
			break
		}
	}
	return peer
}

func peerAddress(r *http.Request) netip.Addr {
	a, _ := parseAddress(r.RemoteAddr)
	return a
}

func parseAddress(s string) (netip.Addr, bool) {
	if host, _, err := net.SplitHostPort(s); err == nil {
		s = host
	}
	a, err := netip.ParseAddr(strings.Trim(s, "[]"))
	return a.Unmap().WithZone(""), err == nil
}

func contains(set []netip.Prefix, a netip.Addr) bool {
	for _, p := range set {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// addressKey names the bucket of an address: an IPv6 customer has a whole /64.
func addressKey(a netip.Addr) string {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return "ip:" + p.String()
		}
	}
	return "ip:" + a.String()
}
