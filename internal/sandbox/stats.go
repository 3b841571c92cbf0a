package sandbox

import "maps"

// Stats are the state of a [Pool], and what happened in it since it was made.
type Stats struct {
	Places  int // for work at once
	Working int // pieces of work that have a place
	Waiting int // that wait for one
	// Deaths are children that ended at their work, by why. Those that were killed because nobody waited any more count as none.
	Deaths map[Reason]int64
}

// Stats says how the pool is.
func (p *Pool) Stats() Stats {
	s := Stats{Places: p.o.Children}
	s.Working, s.Waiting = p.turns.load()
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Deaths = maps.Clone(p.deaths)
	return s
}

// countDeath notes that a child died at work whose context ended by a cause, or did not.
func (p *Pool) countDeath(cause error, r Reason) {
	switch cause {
	case nil:
	case errDeadline:
		r = OutOfTime
	default:
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaths[r]++
}

// load is how many have a place, and how many wait for one.
func (t *Turns) load() (working, waiting int) {
	for _, l := range []*lane{t.short, t.long} {
		if l == nil {
			continue
		}
		l.mu.Lock()
		waiting += len(l.waiting)
		for _, n := range l.running {
			working += n
		}
		l.mu.Unlock()
	}
	return working, waiting
}
