package cache

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"codeforge"
)

// Remote is where several processes keep values together. Each method is one step, which nothing comes between, or an error: then
// it may have been done or not. Scopes of one call lie at the same place. What a remote says may be forgotten at any time, but what
// it was before it forgot never comes back.
type Remote interface {
	// Get returns the version of a scope, and the value under a name if there is one. A scope that has no version gets the fresh one;
	// one that is marked has "".
	Get(ctx context.Context, scope, name, fresh string) (version string, value []byte, err error)
	// Put keeps a value if the scope has that version and no mark.
	Put(ctx context.Context, scope, name, version string, value []byte) error
	// Begin marks scopes and drops what is kept of them. A mark ends by itself after [MarkFor].
	Begin(ctx context.Context, scopes []string, mark string) error
	// End takes a mark back, and drops what is kept all the same.
	End(ctx context.Context, scopes []string, mark string) error
}

// Epochs is the word of the store itself on what is kept elsewhere, so that a process that does not reach the remote can tell all
// others that they must not use it.
type Epochs interface {
	CacheEpoch(ctx context.Context) (codeforge.CacheEpoch, error)
	// SuspendCache lets nobody use the cache for so long from now on. If that was not so already, a new epoch begins.
	SuspendCache(ctx context.Context, d time.Duration) (codeforge.CacheEpoch, error)
}

const (
	// leaseFor is how long the store's word on the epoch holds, counted from when it was asked.
	leaseFor = 3 * time.Second
	// suspendFor is how long nobody uses the cache after somebody could not reach it: longer than leaseFor by far, so that whoever
	// uses a new epoch is never beside somebody who still uses the one before.
	suspendFor = 15 * time.Second
	lookEvery  = time.Second
	// MarkFor is how long a mark stays that nobody takes back: longer than any commit may take after its writer is gone.
	MarkFor = 5 * time.Minute
	// KeepFor is how long values are kept.
	KeepFor = 10 * time.Minute
	// largestShared bounds one value.
	largestShared = 1 << 20
	// remoteMost is how long the remote may take for an answer; the store would have given one.
	remoteMost = 500 * time.Millisecond
)

// Shared is a backend for processes that have one store open, over a remote that they share. Names of what is kept there begin with
// the store's epoch, which each process asks for once a second.
//
// A write is acknowledged when its scopes have a new version there, under an epoch that holds at that moment. If the remote cannot
// be reached the writer has the store suspend the cache for everybody, waits until all others know, and from then on everybody
// reads from the store until the remote is reached again.
type Shared struct {
	remote Remote
	epochs Epochs
	log    *slog.Logger
	self   string // begins versions and marks of this process
	number atomic.Int64
	now    func() time.Time // replaced by tests, as are those below
	pause  func(ctx context.Context, d time.Duration) error
	await  func(ctx context.Context, done <-chan struct{})

	leaseFor, suspendFor, lookEvery time.Duration

	mu        sync.Mutex
	epoch     int64
	suspended bool          // the epoch is
	until     time.Time     // when the lease of the epoch ends
	over      time.Time     // when the leases of the epoch before have ended, if the epoch is suspended
	away      bool          // the remote does not answer
	from, to  time.Time     // between these all others know that the cache is suspended, by our word
	asking    chan struct{} // closed when somebody has asked the store to suspend; nil: nobody does
}

// sharedTicket is a version under an epoch.
type sharedTicket struct {
	epoch   int64
	version string
}

type sharedMark struct {
	scopes []Scope
	name   string
}

// NewShared returns one that knows no epoch yet; Watch must run beside it.
func NewShared(r Remote, e Epochs, log *slog.Logger) *Shared {
	return &Shared{remote: r, epochs: e, log: log, self: rand.Text()[:10], now: time.Now, pause: sleep, await: await, away: true,
		leaseFor: leaseFor, suspendFor: suspendFor, lookEvery: lookEvery}
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Watch asks for the epoch, and looks after a remote that is away, until ctx ends.
func (s *Shared) Watch(ctx context.Context) {
	for {
		s.look(ctx)
		next := s.lookEvery
		if s.isAway() {
			next /= 10
		}
		if s.pause(ctx, next) != nil {
			return
		}
	}
}

// Ready waits until the cache can be used, or for so long.
func (s *Shared) Ready(ctx context.Context, most time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for {
		if _, ok := s.usable(); ok || s.pause(ctx, s.lookEvery/50) != nil {
			return
		}
	}
}

func (s *Shared) look(ctx context.Context) {
	s.mu.Lock()
	now := s.now()
	away, ours, due := s.away, now.Before(s.to), !now.Before(s.until.Add(s.lookEvery*9/10-s.leaseFor))
	s.mu.Unlock()
	if due {
		s.renew(ctx)
	}
	if !away {
		return
	}
	ask, cancel := context.WithTimeout(ctx, remoteMost)
	_, _, err := s.remote.Get(ask, scopeName(0, Scope{"nobody", ""}), "", s.unique()) // what is needed of it
	cancel()
	if err == nil {
		s.mu.Lock()
		s.away = false
		s.mu.Unlock()
		s.log.Info("what servers share of reads is used")
	} else if ours {
		_ = s.suspend(ctx, s.suspendFor/2) // before the last word ends, so that nobody waits
	}
}

// renew asks for the epoch.
func (s *Shared) renew(ctx context.Context) {
	sent := s.now()
	e, err := s.epochs.CacheEpoch(ctx)
	if err != nil {
		return
	}
	s.learn(e, sent)
}

func (s *Shared) learn(e codeforge.CacheEpoch, sent time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if until := sent.Add(s.leaseFor); until.After(s.until) {
		s.epoch, s.suspended, s.until, s.over = e.Number, e.Suspended, until, s.now().Add(s.leaseFor-e.Since)
	}
}

// usable returns the epoch, if the cache may be used now.
func (s *Shared) usable() (epoch int64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.epoch, !s.away && !s.suspended && s.now().Before(s.until)
}

// writable returns the epoch by which scopes are renewed now, also while it is suspended, and until when whoever still uses the one
// before must be waited for.
func (s *Shared) writable() (epoch int64, over time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.suspended {
		over = s.over
	}
	return s.epoch, over, !s.away && s.now().Before(s.until)
}

// failed notes that the remote did not answer, unless that was the caller's doing.
func (s *Shared) failed(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	s.mu.Lock()
	known := s.away
	s.away = true
	s.mu.Unlock()
	if !known {
		s.log.Warn("what servers share of reads is away: until it answers everything is read from the store", "next", "look at Redis", "error", err)
	}
}

// scopeName is a scope as the remote knows it. All scopes of a user are at one place.
func scopeName(epoch int64, sc Scope) string {
	return fmt.Sprintf("{%s}:%d:%s", sc.User, epoch, sc.Name)
}

func scopeNames(epoch int64, scopes []Scope) []string {
	out := make([]string, len(scopes))
	for i, sc := range scopes {
		out[i] = scopeName(epoch, sc)
	}
	return out
}

// unique is a word that nobody said before.
func (s *Shared) unique() string { return fmt.Sprintf("%s.%d", s.self, s.number.Add(1)) }

// Get implements Backend.
func (s *Shared) Get(ctx context.Context, k Key) (data any, t Ticket) {
	epoch, ok := s.usable()
	if !ok {
		return nil, nil
	}
	ask, cancel := context.WithTimeout(ctx, remoteMost)
	defer cancel()
	version, value, err := s.remote.Get(ask, scopeName(epoch, k.Scope), k.Name, s.unique())
	if err != nil {
		s.failed(ctx, err)
		return nil, nil
	}
	if now, ok := s.usable(); version == "" || !ok || now != epoch { // the answer may be older than a word that the cache is suspended
		return nil, nil
	}
	if value != nil {
		if data, err = decode(value); err == nil {
			return data, nil
		}
	}
	return nil, sharedTicket{epoch, version}
}

// Put implements Backend.
func (s *Shared) Put(ctx context.Context, k Key, t Ticket, v Value) {
	ticket := t.(sharedTicket)
	if v.Size > largestShared {
		return
	}
	ask, cancel := context.WithTimeout(ctx, remoteMost)
	defer cancel()
	if err := s.remote.Put(ask, scopeName(ticket.epoch, k.Scope), k.Name, ticket.version, encode(v.Data)); err != nil {
		s.failed(ctx, err)
	}
}

// Release implements Backend.
func (s *Shared) Release(Key, Ticket) {}

// Begin implements Backend. Where nothing is marked End does all the same, but for what a writer leaves that dies between.
func (s *Shared) Begin(ctx context.Context, scopes []Scope) Mark {
	m := sharedMark{scopes, s.unique()}
	if epoch, _, ok := s.writable(); ok {
		ask, cancel := context.WithTimeout(ctx, remoteMost)
		defer cancel()
		if err := s.remote.Begin(ask, scopeNames(epoch, scopes), m.name); err != nil {
			s.failed(ctx, err)
		}
	}
	return m
}

// End implements Backend.
func (s *Shared) End(ctx context.Context, mark Mark, decided bool) error {
	if !decided {
		return nil
	}
	m := mark.(sharedMark)
	epoch, _, ok := s.writable()
	if !ok && !s.isAway() { // the lease may only be a little old
		s.renew(ctx)
		epoch, _, ok = s.writable()
	}
	if ok {
		ask, cancel := context.WithTimeout(ctx, remoteMost)
		err := s.remote.End(ask, scopeNames(epoch, m.scopes), m.name)
		cancel()
		if err != nil {
			s.failed(ctx, err)
		} else if now, over, ok := s.writable(); ok && now == epoch {
			if wait := over.Sub(s.now()); wait > 0 {
				return s.pause(ctx, wait)
			}
			return nil
		}
	}
	return s.suspend(ctx, 0)
}

func (s *Shared) isAway() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.away
}

// suspend returns when nobody uses the cache, and nobody will for at least so long.
func (s *Shared) suspend(ctx context.Context, least time.Duration) error {
	for {
		s.mu.Lock()
		asked := s.asking
		if asked == nil && !s.suspendedFor(least) {
			s.asking = make(chan struct{})
			s.mu.Unlock()
			break
		}
		s.mu.Unlock()
		if asked == nil {
			return nil
		}
		if s.await(ctx, asked); ctx.Err() != nil {
			return context.Cause(ctx)
		}
	}
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		close(s.asking)
		s.asking = nil
	}()
	sent := s.now()
	e, err := s.epochs.SuspendCache(ctx, s.suspendFor)
	if err != nil {
		return &codeforge.Error{Kind: codeforge.Unavailable, Retryable: true, RetryAfter: time.Second, Cause: err,
			Message: "This was written, but it cannot be said to the other servers: try again"}
	}
	s.learn(e, sent)
	if wait := s.leaseFor - e.Since; wait > 0 { // until whoever was told otherwise before asks again
		if err := s.pause(ctx, wait); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if from := s.now(); s.to.Before(from) {
		s.from = from
	}
	s.to = sent.Add(s.suspendFor)
	return nil
}

// suspendedFor reports whether all others know that the cache is suspended, for so long and a moment. s.mu is held.
func (s *Shared) suspendedFor(least time.Duration) bool {
	now := s.now()
	return !s.from.IsZero() && !now.Before(s.from) && now.Add(least+s.suspendFor/15).Before(s.to)
}

// Clear implements Backend: nothing of an epoch before is found again.
func (s *Shared) Clear(ctx context.Context) error { return s.suspend(ctx, 0) }

// Held implements Backend. What the remote holds it says itself.
func (s *Shared) Held() (entries, bytes, evicted int64) { return 0, 0, 0 }
