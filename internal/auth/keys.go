package auth

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/sync/singleflight"
)

const (
	keysRefresh = 10 * time.Minute // between fetches of the key set: how long a revoked key is accepted
	keysRetry   = 15 * time.Second // after a fetch that failed
	// keysStale is how long a key set counts while no newer one can be had. Tokens live for an hour, and the host that
	// does not answer is the one that would give out new ones, so nothing is left to verify by then.
	keysStale  = time.Hour
	fetchGap   = 20 * time.Second // between fetches for keys that nobody knows
	failureGap = 5 * time.Second  // the same after a fetch that failed
	maxKeys    = 1 << 20          // bytes of a key set
)

// keys is the project's key set. It is fetched again for a key that is not in it, since keys are rotated at any time; but
// tokens with such a key can be made up, so that has its limit. keyfunc finds the key in a set; fetching is done here, as
// a caller must learn the difference between a key that does not exist and a host that does not answer.
type keys struct {
	address string
	get     func(ctx context.Context, address string) ([]byte, error)
	ctx     context.Context
	log     *slog.Logger
	flight  singleflight.Group

	mu     sync.Mutex
	set    *keySet   // the last that was fetched; nil: none was
	tried  time.Time // when the last fetch ended
	failed error     // how
}

// keySet is one answer of the host. It may well be empty: that of a project which signs with a secret is.
type keySet struct {
	raw    []byte
	number uint64 // its generation, from 1: it rises when the keys change
	at     time.Time
	find   keyfunc.Keyfunc
	known  map[string]bool // kid
	count  int
}

func (s *keySet) empty() bool { return s.count == 0 }

// generation is that of the set last fetched.
func (k *keys) generation() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.set == nil {
		return 0
	}
	return k.set.number
}

// refreshLoop refreshes the set until the end.
func (k *keys) refreshLoop() {
	for {
		wait := keysRefresh
		if _, err := k.refresh(k.ctx); err != nil {
			wait = keysRetry
		}
		select {
		case <-k.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

// current returns the set that is in force, or why there is none.
func (k *keys) current() (*keySet, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	switch {
	case k.set != nil && time.Since(k.set.at) < keysStale:
		return k.set, nil
	case k.failed != nil:
		return nil, k.failed
	}
	return nil, errors.New("not fetched yet")
}

// find returns the key, or the keys, that a token's signature is to be verified with, and the generation of their set.
func (k *keys) find(ctx context.Context, t *jwt.Token) (any, uint64, error) {
	kid, named := t.Header["kid"].(string)
	set, err := k.current()
	if err != nil || named && !set.known[kid] {
		if set, err = k.refresh(ctx); err != nil {
			if ctx.Err() != nil {
				return nil, 0, ctx.Err()
			}
			return nil, 0, unavailable(retryAfter, err)
		}
	}
	key, err := set.find.KeyfuncCtx(ctx)(t)
	if err != nil {
		return nil, 0, errInvalid
	}
	return key, set.number, nil
}

// refresh returns a set that was fetched after the call, or at most [fetchGap] before it. All who wait share one fetch.
func (k *keys) refresh(ctx context.Context) (*keySet, error) {
	select {
	case r := <-k.flight.DoChan("", k.attempt):
		set, _ := r.Val.(*keySet)
		return set, r.Err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (k *keys) attempt() (any, error) {
	k.mu.Lock()
	set, tried, failed := k.set, k.tried, k.failed
	k.mu.Unlock()
	if !tried.IsZero() {
		if failed == nil && time.Since(tried) < fetchGap {
			return set, nil
		}
		if failed != nil && time.Since(tried) < failureGap {
			return nil, failed
		}
	}
	raw, err := k.get(k.ctx, k.address)
	var next *keySet
	if err == nil {
		next, err = k.parse(raw)
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tried, k.failed = time.Now(), err
	if err != nil {
		if failed == nil && k.ctx.Err() == nil {
			k.log.Warn("the key set cannot be fetched: tokens with unknown keys cannot be verified", "next", "look at SUPABASE_URL and the network; codeforge doctor tries it", "url", k.address, "error", err)
		}
		return nil, err
	}
	if next.number = 1; set != nil {
		next.number = set.number
	}
	if set == nil || !bytes.Equal(set.raw, next.raw) {
		next.number++
		k.log.Info("key set fetched", "url", k.address, "keys", next.count)
	}
	k.set = next
	return next, nil
}

// parse keeps the keys of a set that tokens may be signed with. One that is of another kind or broken is left out alone:
// the others must go on to work.
func (k *keys) parse(raw []byte) (*keySet, error) {
	var all struct {
		Keys []jwkset.JWKMarshal `json:"keys"`
	}
	if err := json.Unmarshal(raw, &all); err != nil {
		return nil, fmt.Errorf("no key set: %w", err)
	}
	if all.Keys == nil {
		return nil, errors.New("no key set: it has no list of keys")
	}
	s := &keySet{raw: raw, at: time.Now(), known: map[string]bool{}}
	store := jwkset.NewMemoryStorage()
	for _, m := range all.Keys {
		if m.KTY == jwkset.KtyOct || m.USE == jwkset.UseEnc {
			continue
		}
		public := jwkset.JWKMarshal{KTY: m.KTY, USE: m.USE, ALG: m.ALG, KID: m.KID, CRV: m.CRV, X: m.X, Y: m.Y, N: m.N, E: m.E}
		key, err := jwkset.NewJWKFromMarshal(public, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
		if err != nil {
			k.log.Warn("a key of the key set cannot be used", "next", "take it out at the project, or report it with codeforge support; tokens of other keys are verified", "url", k.address, "kid", m.KID, "error", err)
			continue
		}
		if err := store.KeyWrite(k.ctx, key); err != nil {
			return nil, err
		}
		s.known[m.KID] = true
		s.count++
	}
	var err error
	s.find, err = keyfunc.New(keyfunc.Options{Ctx: k.ctx, Storage: store})
	return s, err
}
