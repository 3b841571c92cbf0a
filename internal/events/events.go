// Package events carries what happens in jobs to those who watch. The store holds the numbered log of each job; the Hub
// here only passes on, live, what was stored a moment ago, and the transient events that never are.
//
// Promise: [Hub.Follow] yields every stored event after a number, once and in order, whatever the hub loses. Transient
// events come at most once, in order among themselves, and are the first to go when a reader is slow.
package events

import (
	"context"
	"errors"
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

// Hub fans events out to the readers of each job. The zero value is not usable; see NewHub.
type Hub struct {
	mu     sync.Mutex
	jobs   map[string]map[*reader]struct{}
	closed bool
}

// reader is one who watches a job. Fields are guarded by Hub.mu, but for the channel.
type reader struct {
	c      chan codeforge.Event
	slow   bool // c is closed because it was full
	nudged bool // a nudge is in c: one is as good as many
}

// NewHub returns a hub that nobody watches.
func NewHub() *Hub { return &Hub{jobs: map[string]map[*reader]struct{}{}} }

// Publish passes events on, in order, after they were stored. It never blocks: a reader whose buffer is full misses
// transient events, and is ended at the first stored one that it cannot take.
func (h *Hub) Publish(events ...codeforge.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		for r := range h.jobs[e.JobID] {
			if e.Type.Transient() && len(r.c) > buffer/2 || e.Seq == nudge && r.nudged {
				continue
			}
			r.nudged = r.nudged || e.Seq == nudge
			select {
			case r.c <- e:
			default:
				r.slow = true
				h.drop(e.JobID, r)
			}
		}
	}
}

// Nudge makes the readers of a job look into the store: for events whose numbers the caller does not know.
func (h *Hub) Nudge(jobID string) { h.Publish(codeforge.Event{JobID: jobID, Seq: nudge}) }

// Jobs are those that somebody watches.
func (h *Hub) Jobs() []string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.jobs))
}

// Close ends all reading. Later readers end at once.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for id, readers := range h.jobs {
		for r := range readers {
			h.drop(id, r)
		}
	}
}

// drop ends one reader; mu is held.
func (h *Hub) drop(jobID string, r *reader) {
	if _, ok := h.jobs[jobID][r]; !ok {
		return
	}
	close(r.c)
	delete(h.jobs[jobID], r)
	if len(h.jobs[jobID]) == 0 {
		delete(h.jobs, jobID)
	}
}

// Source reads at most limit stored events of one job after number after, in order.
type Source func(ctx context.Context, after int64, limit int) ([]codeforge.Event, error)

// Follow yields the events of a job after number after: first the stored ones, then live, and ends after the job's
// final event or with an error. It watches before it reads, so nothing falls between the two; a gap in the live
// numbers (an event of another process, or one published out of turn) is filled from the store.
func (h *Hub) Follow(ctx context.Context, jobID string, after int64, read Source) iter.Seq2[codeforge.Event, error] {
	return func(yield func(codeforge.Event, error) bool) {
		r := &reader{c: make(chan codeforge.Event, buffer)}
		h.mu.Lock()
		if h.closed {
			h.mu.Unlock()
			yield(codeforge.Event{}, ErrClosed)
			return
		}
		if h.jobs[jobID] == nil {
			h.jobs[jobID] = map[*reader]struct{}{}
		}
		h.jobs[jobID][r] = struct{}{}
		h.mu.Unlock()
		defer func() {
			h.mu.Lock()
			h.drop(jobID, r)
			h.mu.Unlock()
		}()

		last := after
		// catchUp yields what is stored after last; more is false when reading is over.
		catchUp := func() (more bool) {
			for {
				stored, err := read(ctx, last, page)
				if err != nil {
					yield(codeforge.Event{}, err)
					return false
				}
				for _, e := range stored {
					last = e.Seq
					if !yield(e, nil) || e.Type.Final() {
						return false
					}
				}
				if len(stored) < page {
					return true
				}
			}
		}
		if !catchUp() {
			return
		}
		for {
			select {
			case <-ctx.Done():
				yield(codeforge.Event{}, context.Cause(ctx))
				return
			case e, ok := <-r.c:
				switch {
				case !ok:
					h.mu.Lock()
					err := ErrClosed
					if r.slow {
						err = ErrSlow
					}
					h.mu.Unlock()
					yield(codeforge.Event{}, err)
					return
				case e.Seq == 0:
					if !yield(e, nil) {
						return
					}
				case e.Seq <= last:
				case e.Seq == last+1:
					last = e.Seq
					if !yield(e, nil) || e.Type.Final() {
						return
					}
				default:
					if e.Seq == nudge {
						h.mu.Lock()
						r.nudged = false // what happens from here on needs another one
						h.mu.Unlock()
					}
					if !catchUp() {
						return
					}
				}
			}
		}
	}
}
