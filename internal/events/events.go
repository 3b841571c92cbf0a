// Package events carries what happens in jobs to those who watch. The store holds the numbered log of each job; the Hub
// here only passes on, live, what was stored a moment ago, and the transient events that never are.
//
// Promise: a [Follower] gives every stored event after a number, once and in order, whatever the hub loses. Transient
// events come at most once, in order among themselves, and are the first to go when a reader is slow. [Hub.Follow] is a
// follower for whoever has a goroutine to wait on; one that waits for nothing holds neither a goroutine nor a buffer.
package events

import (
	"context"
	"errors"
	"io"
	"iter"
	"maps"
	"math"
	"slices"
	"sync"

	"codeforge"
)

// ErrSlow ends the reading of one who could not keep up. Nothing is lost: following again from the last number goes on.
var ErrSlow = errors.New("reader too slow: reconnect to resume")

// ErrClosed ends all reading when the process stops.
var ErrClosed = errors.New("server is shutting down: reconnect to resume")

const (
	buffer = 256 // live events that one reader may lag behind
	page   = 200 // stored events read at once

	nudge = math.MaxInt64 // the number of an event that is none
)

// Hub fans events out to those who follow each job. The zero value is not usable; see NewHub.
type Hub struct {
	mu     sync.Mutex
	jobs   map[string]*Follower // the first of those who follow it
	closed bool
}

// NewHub returns a hub that nobody follows.
func NewHub() *Hub { return &Hub{jobs: map[string]*Follower{}} }

// Follower reads the events of one job, some at a time. Its methods are for one goroutine at a time; it needs none while it
// waits.
type Follower struct {
	hub   *Hub
	jobID string
	read  Source
	wake  func()

	last   int64             // number of the last stored event that was given
	behind bool              // the store may hold more
	ended  bool              // the final event was given
	taken  []codeforge.Event // of live, not looked at yet

	// Guarded by Hub.mu.
	live       []codeforge.Event // published and not taken yet: at most buffer
	nudged     bool              // a nudge is in live: one is as good as many
	over       error             // why nothing is published any more: ErrSlow, ErrClosed
	prev, next *Follower         // who follow the same job
	following  bool
}

// Source reads at most limit stored events of one job after number after, in order.
type Source func(ctx context.Context, after int64, limit int) ([]codeforge.Event, error)

// NewFollower follows a job after number after: first what is stored, then live. Each time there is something to read after
// [Follower.Next] had nothing, wake is called; it must neither block nor call the hub. Close must be called.
func (h *Hub) NewFollower(jobID string, after int64, read Source, wake func()) *Follower {
	f := &Follower{hub: h, jobID: jobID, read: read, wake: wake, last: after, behind: true}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		f.over = ErrClosed
		return f
	}
	f.following = true
	if f.next = h.jobs[jobID]; f.next != nil {
		f.next.prev = f
	}
	h.jobs[jobID] = f
	return f
}

// Close ends the reading.
func (f *Follower) Close() {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	f.hub.drop(f)
}

// drop takes a follower out of the hub; mu is held.
func (h *Hub) drop(f *Follower) {
	if !f.following {
		return
	}
	f.following = false
	if f.next != nil {
		f.next.prev = f.prev
	}
	switch {
	case f.prev != nil:
		f.prev.next = f.next
	case f.next != nil:
		h.jobs[f.jobID] = f.next
	default:
		delete(h.jobs, f.jobID)
	}
	f.prev, f.next = nil, nil
}

// Publish passes events on, in order, after they were stored. It never blocks: a follower with a full buffer misses
// transient events, and is ended at the first stored one that it cannot take.
func (h *Hub) Publish(events ...codeforge.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		for f := h.jobs[e.JobID]; f != nil; {
			next := f.next // f may be dropped
			h.pass(f, e)
			f = next
		}
	}
}

// pass gives an event to one follower; mu is held.
func (h *Hub) pass(f *Follower, e codeforge.Event) {
	switch {
	case e.Type.Transient() && len(f.live) > buffer/2, e.Seq == nudge && f.nudged:
		return
	case len(f.live) == buffer:
		f.over = ErrSlow
		h.drop(f)
	default:
		f.nudged = f.nudged || e.Seq == nudge
		f.live = append(f.live, e)
	}
	if len(f.live) == 1 || f.over != nil { // else it was woken before and has not looked yet
		f.wake()
	}
}

// Nudge makes those who follow a job look into the store: for events whose numbers the caller does not know.
func (h *Hub) Nudge(jobID string) { h.Publish(codeforge.Event{JobID: jobID, Seq: nudge}) }

// Jobs are those that somebody follows.
func (h *Hub) Jobs() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.jobs))
}

// Close ends all reading. Later followers end at once.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, f := range h.jobs {
		for f != nil {
			next := f.next
			f.over = ErrClosed
			h.drop(f)
			f.wake()
			f = next
		}
	}
}

// Next gives what comes next, in order; nothing when it must be waited for. It watched before it reads, so nothing falls
// between the two; a gap in the live numbers (an event of another process, or one published out of turn) is filled from
// the store. After the job's final event it is io.EOF; ErrSlow and ErrClosed end it too, once what came before was given.
func (f *Follower) Next(ctx context.Context) ([]codeforge.Event, error) {
	for !f.ended {
		if f.behind {
			stored, err := f.fromStore(ctx)
			if len(stored) > 0 || err != nil {
				return stored, err
			}
		}
		if len(f.taken) == 0 {
			if more, err := f.take(); !more {
				return nil, err
			}
		}
		if live := f.inOrder(); len(live) > 0 {
			return live, nil
		}
	}
	return nil, io.EOF
}

// fromStore reads a page of what is stored after the last event.
func (f *Follower) fromStore(ctx context.Context) ([]codeforge.Event, error) {
	if err := f.closed(); err != nil {
		return nil, err
	}
	stored, err := f.read(ctx, f.last, page)
	if err != nil {
		return nil, err
	}
	f.behind = len(stored) >= page
	for i, e := range stored {
		f.last = e.Seq
		if f.ended = e.Type.Final(); f.ended {
			return stored[:i+1], nil
		}
	}
	return stored, nil
}

// closed is ErrClosed once the hub is: what is only stored can be read elsewhere.
func (f *Follower) closed() error {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	if errors.Is(f.over, ErrClosed) {
		return f.over
	}
	return nil
}

// take takes over what was published; when that is nothing, err says whether more can come.
func (f *Follower) take() (more bool, err error) {
	f.hub.mu.Lock()
	defer f.hub.mu.Unlock()
	if len(f.live) == 0 {
		return false, f.over
	}
	f.taken, f.live = f.live, nil
	f.nudged = false // what happens from here on needs another one
	return true, nil
}

// inOrder gives what was taken, up to the first gap.
func (f *Follower) inOrder() []codeforge.Event {
	given := f.taken[:0]
	for i, e := range f.taken {
		switch {
		case e.Seq == 0:
			given = append(given, e)
		case e.Seq <= f.last:
		case e.Seq == f.last+1:
			f.last = e.Seq
			given = append(given, e)
			if f.ended = e.Type.Final(); f.ended {
				f.taken = nil
				return given
			}
		default:
			f.behind = true
			f.taken = f.taken[i+1:]
			return given
		}
	}
	f.taken = nil
	return given
}

// Follow yields the events of a job after number after, as a [Follower] has them, until the job's final event or an error.
func (h *Hub) Follow(ctx context.Context, jobID string, after int64, read Source) iter.Seq2[codeforge.Event, error] {
	return func(yield func(codeforge.Event, error) bool) {
		woken := make(chan struct{}, 1)
		f := h.NewFollower(jobID, after, read, func() {
			select {
			case woken <- struct{}{}:
			default:
			}
		})
		defer f.Close()
		for {
			events, err := f.Next(ctx)
			for _, e := range events {
				if !yield(e, nil) {
					return
				}
			}
			switch {
			case errors.Is(err, io.EOF):
				return
			case err != nil:
				yield(codeforge.Event{}, err)
				return
			case len(events) > 0 && ctx.Err() == nil:
				continue
			}
			select {
			case <-woken:
			case <-ctx.Done():
				yield(codeforge.Event{}, context.Cause(ctx))
				return
			}
		}
	}
}
