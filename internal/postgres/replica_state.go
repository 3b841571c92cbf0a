package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"
)

// primaryState is what the last looks at the primary came to.
type primaryState struct {
	at    position
	began time.Time // of the look
	rtt   time.Duration
	err   error // of the last one: the rest is of the one before

	trips []time.Duration // of the last looks
	marks []mark          // oldest first
}

// mark is a place where the primary was, from a time to another one.
type mark struct {
	lsn         uint64
	first, last time.Time
}

// Of looks at a server so many count.
const (
	tripsKept = 8
	marksKept = 128
)

// replicaState is what the last look at a replica came to.
type replicaState struct {
	position
	rtt   time.Duration
	fresh time.Time // it shows what the primary had then, or something newer
	bytes uint64    // that it is behind
	since time.Time // when the primary had something that it has not; zero: it has all
	err   error     // why it is not used
	trips []time.Duration
}

// watch looks at a server again and again.
func (r *Replicas) watch(ctx context.Context, look func(context.Context)) {
	tick := time.NewTicker(r.o.Every)
	defer tick.Stop()
	for {
		look(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// lookAtPrimary notes where the primary is.
func (r *Replicas) lookAtPrimary(ctx context.Context) {
	next := primaryState{began: time.Now()}
	next.err = ask(ctx, r.primary, functionCall{function: "log_position"}, &next.at)
	took := time.Since(next.began)
	last := r.where.Load()
	if next.err != nil {
		if last != nil {
			gone := *last
			gone.err = next.err
			r.where.Store(&gone)
		}
		return
	}
	next.at.LSN = atRecord(next.at.LSN)
	if last != nil {
		next.trips = last.trips
		if last.at.Timeline == next.at.Timeline {
			next.marks = last.marks
		}
	}
	next.trips, next.rtt = addTrip(next.trips, took)
	if n := len(next.marks); n > 0 && next.marks[n-1].lsn == next.at.LSN {
		next.marks = slices.Clone(next.marks)
		next.marks[n-1].last = next.began
	} else {
		next.marks = append(slices.Clip(next.marks[max(0, n-marksKept+1):]), mark{next.at.LSN, next.began, next.began})
	}
	r.where.Store(&next)
}

func addTrip(trips []time.Duration, took time.Duration) ([]time.Duration, time.Duration) {
	trips = append(slices.Clip(trips[max(0, len(trips)-tripsKept+1):]), took)
	return trips, slices.Min(trips)
}

// errPromoted says that a replica follows nobody.
var errPromoted = errors.New("it is no standby any more")

// lookAt notes how far a replica is.
func (r *Replicas) lookAt(ctx context.Context, one *replica) {
	var answer struct {
		Standby bool
		position
	}
	began := time.Now()
	p := r.where.Load()
	state := &replicaState{}
	state.err = ask(ctx, one.wire, functionCall{function: "replayed", reads: true}, &answer)
	took := time.Since(began)
	last := one.now.Load()
	if last != nil {
		state.trips, state.rtt = last.trips, last.rtt
	}
	switch {
	case state.err != nil:
	case !answer.Standby:
		state.err = errPromoted
	case p == nil:
		state.err = errors.New("nothing is known of the primary yet")
	default:
		state.trips, state.rtt = addTrip(state.trips, took)
		state.position = answer.position
		before := time.Time{}
		if last != nil {
			before = last.since
		}
		state.measure(p, before)
	}
	one.now.Store(state)
}

// measure compares a replica with what is known of the primary; before is since when it lagged, as the last look said.
func (s *replicaState) measure(p *primaryState, before time.Time) {
	if s.Timeline != p.at.Timeline {
		s.err = fmt.Errorf("it is on timeline %d, the primary on %d", s.Timeline, p.at.Timeline)
		return
	}
	if p.at.LSN > s.LSN {
		s.bytes = p.at.LSN - s.LSN
	}
	for i, m := range p.marks {
		if m.lsn <= s.LSN {
			s.fresh = m.last
			continue
		}
		s.since = m.first
		if i == 0 && !before.IsZero() && before.Before(s.since) {
			s.since = before // of which no mark is left
		}
		break
	}
}

// ask sends a call of a look, and reads its answer.
func ask(ctx context.Context, w wire, c functionCall, into any) error {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	doc, err := w.send(ctx, c)
	if err == nil {
		err = json.Unmarshal(doc, into)
	}
	return err
}

// ReplicaState is how one replica is.
type ReplicaState struct {
	Name    string
	Err     error // why it is not used; nil: it is, as far as it has come
	Bytes   uint64
	Lag     time.Duration // since when the primary has had something that it has not
	Latency time.Duration
	Reads   int64 // that it answered
	Failed  int64 // that it could not answer, and the primary did
}

// ReplicaStats are what became of reads that a replica might have answered, beside those of each.
type ReplicaStats struct {
	Replicas []ReplicaState
	Unknown  int64 // it was not known how far the user had written
	Behind   int64 // no replica had come as far as the user had to see
	Far      int64 // the primary was nearer
}

// Looked waits until each replica was looked at.
func (r *Replicas) Looked(ctx context.Context, within time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for slices.ContainsFunc(r.replicas, func(one *replica) bool { return one.now.Load() == nil }) {
		select {
		case <-ctx.Done():
			return errors.New("not all were looked at in time: the primary does not answer")
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// Stats says how the replicas are.
func (r *Replicas) Stats() ReplicaStats {
	out := ReplicaStats{Unknown: r.counts.unknown.Load(), Behind: r.counts.behind.Load(), Far: r.counts.far.Load()}
	for _, one := range r.replicas {
		state := ReplicaState{Name: one.name, Reads: one.reads.Load(), Failed: one.failed.Load(), Err: errors.New("nothing is known of it yet")}
		if now := one.now.Load(); now != nil {
			state.Err, state.Bytes, state.Latency = now.err, now.bytes, now.rtt
			if !now.since.IsZero() {
				state.Lag = time.Since(now.since)
			}
			if now.err == nil && time.Since(now.fresh) > r.o.MaxLag {
				state.Err = fmt.Errorf("it shows nothing newer than of %s ago", time.Since(now.fresh).Round(time.Second))
			}
		}
		out.Replicas = append(out.Replicas, state)
	}
	return out
}
