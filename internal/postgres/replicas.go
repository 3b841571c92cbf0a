package postgres

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"codeforge"
	"codeforge/internal/auth"
)

// Replicas is the wire of a primary with replicas of it. What changes something goes to the primary, and so does all that a process
// reads for itself. A request of a user that only reads, [Replicas.Begin], is answered by the nearest replica that has come as far as
// its user has to see; else by the primary.
type Replicas struct {
	primary  wire
	replicas []*replica
	o        ReplicaOptions
	users    positions
	keys     *auth.Keyring
	shared   SharedPositions

	where atomic.Pointer[primaryState]
	stop  context.CancelFunc
	loops sync.WaitGroup

	counts replicaCounts
}

// ReplicaOptions are what is asked of replicas.
type ReplicaOptions struct {
	// MaxLag is how old what a replica shows may be; 0: 10 s.
	MaxLag time.Duration
	// Every is how often primary and replicas are looked at; 0: every half second.
	Every time.Duration
}

// SharedPositions is where all servers of a database remember how far users have written, each for a while.
type SharedPositions interface {
	// RememberPosition keeps a text for a user, for so long.
	RememberPosition(ctx context.Context, user, position string, keep time.Duration)
	// RecallPosition returns it; "": there is none. ok is false when nobody knows.
	RecallPosition(ctx context.Context, user string) (position string, ok bool)
}

// replica is one server that follows the primary.
type replica struct {
	name string
	wire wire
	now  atomic.Pointer[replicaState]

	reads, failed atomic.Int64
}

// replicaCounts are of reads that might have gone to a replica.
type replicaCounts struct{ unknown, behind, far atomic.Int64 }

const (
	lookWithin   = 2 * time.Second        // bounds a look at a server
	readWithin   = 3 * time.Second        // bounds a read of a replica: the primary may be asked afterwards
	recallWithin = 100 * time.Millisecond // bounds a question about a user
	// nearEnough is how much farther than the primary a replica may be: it takes load off it.
	nearEnough = 5 * time.Millisecond
	// unknownPlace is remembered of a user who wrote nobody knows how far.
	unknownPlace = "?"
)

// newReplicas begins to look at a primary and its replicas.
func newReplicas(primary wire, replicas []*replica, o ReplicaOptions) *Replicas {
	if o.MaxLag == 0 {
		o.MaxLag = 10 * time.Second
	}
	if o.Every == 0 {
		o.Every = 500 * time.Millisecond
	}
	r := &Replicas{primary: primary, replicas: replicas, o: o}
	ctx, stop := context.WithCancel(context.Background())
	r.stop = stop
	r.loops.Go(func() { r.watch(ctx, r.lookAtPrimary) })
	for _, one := range replicas {
		r.loops.Go(func() { r.watch(ctx, func(ctx context.Context) { r.lookAt(ctx, one) }) })
	}
	return r
}

// Replicas returns the replicas of a store; nil: it has none.
func (s *Store) Replicas() *Replicas {
	r, _ := s.wire.(*Replicas)
	return r
}

// Remember has positions signed with keys and remembered by shared (nil: by this process alone). It is called before the first [Replicas.Begin].
func (r *Replicas) Remember(keys *auth.Keyring, shared SharedPositions) {
	r.keys, r.shared = keys, shared
}

// ForgetUsers has everybody count as one who was never here: what other servers told may have been missed.
func (r *Replicas) ForgetUsers() { r.users.forget() }

// Heard says that something of a user was stored, by a job of this or another server.
func (r *Replicas) Heard(user string) { r.users.touch(user, false) }

// HeardElsewhere says that another server stored something of a user.
func (r *Replicas) HeardElsewhere(user string) {
	if r.shared == nil {
		r.users.holdBack(user, false)
	}
}

// session is a request of a user.
type session struct {
	r       *Replicas
	user    string
	reads   bool // it is one that only reads
	trusted bool // the client says how far it wrote
	token   position
	asked   bool // what is shared was asked for; a request reads one thing at a time

	mu    sync.Mutex
	wrote position
}

type sessionKey struct{}

// Begin returns the context of a request of a user, who sent a token back, or "". reads tells that it changes nothing, and that nobody
// waits in it for what comes. said returns the token for the answer; "": there is nothing to say.
func (r *Replicas) Begin(ctx context.Context, user, token string, reads bool) (_ context.Context, said func() string) {
	s := &session{r: r, user: user, reads: reads}
	if token != "" {
		if s.token, s.trusted = parseToken(r.keys, user, token); !s.trusted {
			s.reads = false // nobody knows what it was
		}
	}
	return context.WithValue(ctx, sessionKey{}, s), s.said
}

func (s *session) said() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.wrote == (position{}) {
		return ""
	}
	return s.wrote.token(s.r.keys, s.user)
}

func (r *Replicas) patience() (tries int, pause time.Duration) { return r.primary.patience() }
func (r *Replicas) ping(ctx context.Context) error             { return r.primary.ping(ctx) }

func (r *Replicas) close() {
	r.stop()
	r.loops.Wait()
	for _, one := range r.replicas {
		one.wire.close()
	}
	r.primary.close()
}

// send implements wire.
func (r *Replicas) send(ctx context.Context, c functionCall) ([]byte, error) {
	s, ok := ctx.Value(sessionKey{}).(*session)
	switch {
	case !ok:
		return r.primary.send(ctx, c)
	case c.reads:
		if s.reads && !codeforge.IsFromPrimary(ctx) {
			if one, after := r.choose(ctx, s); one != nil {
				if doc, err := one.read(ctx, c, after); err == nil || ctx.Err() != nil {
					return doc, err
				}
			}
		}
		return r.primary.send(ctx, c)
	}
	var at position
	c.at = &at
	doc, err := r.primary.send(ctx, c)
	r.wrote(ctx, s, at, err)
	return doc, err
}

// wrote remembers what a call of a request may have changed.
func (r *Replicas) wrote(ctx context.Context, s *session, at position, err error) {
	f, failed := errors.AsType[*failure](err)
	switch {
	case failed && !f.unclear(), err != nil && !failed && ctx.Err() == nil:
		return
	case err != nil || at == position{}:
		r.users.touch(s.user, true)
		r.share(ctx, s.user, unknownPlace, r.o.MaxLag+2*r.o.Every)
		return
	}
	s.mu.Lock()
	s.wrote = s.wrote.later(at)
	s.mu.Unlock()
	r.users.wrote(s.user, at)
	r.share(ctx, s.user, at.String(), remembered)
}

func (r *Replicas) share(ctx context.Context, user, place string, keep time.Duration) {
	if r.shared == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recallWithin)
	defer cancel()
	r.shared.RememberPosition(ctx, user, place, keep)
}

// choose returns the replica that is to answer a request, and how far it must have come; nil: the primary is to.
func (r *Replicas) choose(ctx context.Context, s *session) (best *replica, after position) {
	p := r.where.Load()
	if p == nil {
		return nil, after
	}
	after, ok := r.needs(ctx, s, p)
	if !ok {
		r.counts.unknown.Add(1)
		return nil, after
	}
	var nearest *replicaState
	behind := false
	now := time.Now()
	for _, one := range r.replicas {
		state := one.now.Load()
		if state == nil || state.err != nil || state.Timeline != p.at.Timeline || now.Sub(state.fresh) > r.o.MaxLag {
			continue
		}
		if !state.covers(after) {
			behind = true
			continue
		}
		if nearest == nil || state.rtt < nearest.rtt {
			best, nearest = one, state
		}
	}
	switch {
	case best == nil && behind:
		r.counts.behind.Add(1)
	case best != nil && p.err == nil && nearest.rtt > p.rtt+nearEnough:
		r.counts.far.Add(1)
		return nil, after
	}
	return best, after
}

// needs returns how far a replica must have come for a request; false: nobody knows.
func (r *Replicas) needs(ctx context.Context, s *session, p *primaryState) (after position, ok bool) {
	k, seen := r.users.get(s.user)
	switch {
	case s.trusted:
		k.after = k.after.later(s.token)
		if !seen {
			r.users.wrote(s.user, s.token)
		}
	case r.shared != nil:
		if !s.asked {
			if !r.recall(ctx, s.user, seen) {
				return after, false
			}
			s.asked = true
			k, _ = r.users.get(s.user)
		}
	case !seen: // it may have come from another server
		r.users.holdBack(s.user, true)
		return after, false
	}
	if !s.trusted && time.Now().Before(k.until) {
		return after, false
	}
	if !k.since.IsZero() {
		if !p.began.After(k.since) {
			return after, false
		}
		r.users.settle(s.user, p.began, p.at)
		k.after = k.after.later(p.at)
	}
	switch {
	case k.after == position{}:
		return after, true
	case k.after.Timeline != p.at.Timeline: // a promotion lies between
		r.users.touch(s.user, true)
		return after, false
	}
	return k.after, true
}

// recall learns what is shared of a user; false: the primary is to answer.
func (r *Replicas) recall(ctx context.Context, user string, seen bool) bool {
	ctx, cancel := context.WithTimeout(ctx, recallWithin)
	defer cancel()
	text, ok := r.shared.RecallPosition(ctx, user)
	place, err := parsePosition(text)
	switch {
	case !ok:
		r.users.holdBack(user, true)
		return false
	case text == unknownPlace:
		return false
	case text != "" && err == nil:
		r.users.wrote(user, place)
	case !seen:
		r.users.wrote(user, position{})
	}
	return true
}

// read asks a replica that must have come so far. What goes wrong there the primary may do right.
func (one *replica) read(ctx context.Context, c functionCall, after position) ([]byte, error) {
	c.after = after
	ctx, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	doc, err := one.wire.send(ctx, c)
	if err == nil {
		one.reads.Add(1)
		return doc, nil
	}
	one.failed.Add(1)
	if f, ok := errors.AsType[*failure](err); ok && (f.unclear() || f.futile || f.unsent) || ctx.Err() != nil {
		if now := one.now.Load(); now != nil && now.err == nil { // until it was looked at again
			one.now.CompareAndSwap(now, &replicaState{err: err, rtt: now.rtt})
		}
	}
	return nil, err
}
