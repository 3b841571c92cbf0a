package postgres

import (
	"sync"
	"time"
)

// Of whom something is remembered, for how long at least, and how long whoever may have written elsewhere, where that is not shared, is
// shown the primary.
const (
	mostRemembered = 50_000
	remembered     = time.Minute
	elsewhere      = 5 * time.Second
)

// known is what a process knows of the writes of a user.
type known struct {
	after position  // a replica must have come as far
	since time.Time // something was written whose position is not known, not later than then; zero: nothing
	until time.Time // the primary alone is right
}

// positions remembers users who were here lately. Whoever is forgotten counts as one who was never here.
type positions struct {
	mu     sync.Mutex
	young  map[string]known
	old    map[string]known
	turned time.Time
}

// get returns what is known of a user, and keeps it for another while.
func (p *positions) get(user string) (k known, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lookup(user)
}

func (p *positions) lookup(user string) (k known, ok bool) {
	if now := time.Now(); p.young == nil || len(p.young) >= mostRemembered || now.Sub(p.turned) > remembered {
		if now.Sub(p.turned) > 2*remembered {
			p.young = nil
		}
		p.old, p.young, p.turned = p.young, map[string]known{}, now
	}
	if k, ok = p.young[user]; !ok {
		if k, ok = p.old[user]; ok {
			p.young[user] = k
		}
	}
	return k, ok
}

// change changes what is known of a user. Of one of whom nothing is known nothing is learned, unless add says so.
func (p *positions) change(user string, add bool, change func(*known)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k, ok := p.lookup(user); ok || add {
		change(&k)
		p.young[user] = k
	}
}

// wrote notes a write that was committed before a position.
func (p *positions) wrote(user string, at position) {
	p.change(user, true, func(k *known) { k.after = k.after.later(at) })
}

// touch notes that something of a user was just written, nobody says how far.
func (p *positions) touch(user string, add bool) {
	now := time.Now()
	p.change(user, add, func(k *known) { k.since = now })
}

// holdBack notes that a user may have written elsewhere.
func (p *positions) holdBack(user string, add bool) {
	now := time.Now()
	p.change(user, add, func(k *known) { k.since, k.until = now, now.Add(elsewhere) })
}

// settle notes that what was written up to a time was written before a position.
func (p *positions) settle(user string, began time.Time, at position) {
	p.change(user, false, func(k *known) {
		if k.since.Before(began) {
			k.since, k.after = time.Time{}, k.after.later(at)
		}
	})
}

// forget forgets everybody.
func (p *positions) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.young, p.old = nil, nil
}
