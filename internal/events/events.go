// Package events carries what happens in jobs to those who watch. The store holds the numbered log of each job; the Hub
// here only passes on, live, what was stored a moment ago, and the transient events that never are.
//
// Promise: a [Follower] of a job, or a [Feed] of a project or a user, gives every stored event after a number, once and in order, whatever the hub loses. Transient
// events come at most once, in order among themselves, and are the first to go when a reader is slow. [Hub.Follow] is a
// follower for whoever has a goroutine to wait on; one that waits for nothing holds neither a goroutine nor a buffer.
package events

import (
	"context"
	"errors"
	"io"
	"iter"
	"math"
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

// Hub fans events out to those who follow a job, a project or a user. The zero value is not usable; see NewHub.
type Hub struct {
	mu     sync.Mutex
	topics map[topic]*subscription // the first of those who follow it
	closed bool

	// Heard, if not nil, is told of each user of whose jobs something was stored, before whoever follows them is. It is set before
	// the hub is used, and must not call it.
	Heard func(userID string)
}

// topic is what can be followed. Kinds are told apart, since clients of a store may choose ids.
type topic struct {
	kind topicKind
	id   string
}

type topicKind byte

const (
	ofJob     topicKind = 'j'
	ofProject topicKind = 'p'
	ofUser    topicKind = 'u'
)

// NewHub returns a hub that nobody follows.
func NewHub() *Hub { return &Hub{topics: map[topic]*subscription{}} }

// subscription is the place of one who follows a topic.
type subscription struct {
	hub   *Hub
	topic topic
	wake  func()

	// Guarded by Hub.mu.
	live       []codeforge.Event // published and not taken yet: at most buffer
	nudged     bool              // a nudge is in live: one is as good as many
	missed     bool              // live was full: there is more than it holds
	signal     bool              // nothing is kept: wake is called whenever the job may have another state
	over       error             // why nothing is published any more: ErrSlow, ErrClosed
	prev, next *subscription     // who follow the same topic
	following  bool
}

// subscribe has s follow a topic.
func (h *Hub) subscribe(s *subscription, of topic, wake func()) {
	s.hub, s.topic, s.wake = h, of, wake
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		s.over = ErrClosed
		return
	}
	s.following = true
	if s.next = h.topics[of]; s.next != nil {
		s.next.prev = s
	}
	h.topics[of] = s
}

// Close ends the reading.
func (s *subscription) Close() {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	s.hub.drop(s)
}

// closed is ErrClosed once the hub is: what is only stored can be read elsewhere.
func (s *subscription) closed() error {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	if errors.Is(s.over, ErrClosed) {
		return s.over
	}
	return nil
}

// take takes over what was published. missed says that it is not all; when it is nothing, err says whether more can come.
func (s *subscription) take() (live []codeforge.Event, missed bool, err error) {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	live, missed = s.live, s.missed
	if len(live) == 0 && !missed {
		return nil, false, s.over
	}
	s.live, s.missed = nil, false
	s.nudged = false // what happens from here on needs another one
	return live, missed, nil
}

// drop takes a subscription out of the hub; mu is held.
func (h *Hub) drop(s *subscription) {
	if !s.following {
		return
	}
	s.following = false
	if s.next != nil {
		s.next.prev = s.prev
	}
	switch {
	case s.prev != nil:
		s.prev.next = s.next
	case s.next != nil:
		h.topics[s.topic] = s.next
	default:
		delete(h.topics, s.topic)
	}
	s.prev, s.next = nil, nil
}

// Publish passes events on, in order, after they were stored: to those who follow the job, the project and the user that they
// name. It never blocks: who has a full buffer misses transient events, and at the first other one the follower of a job is
// ended, and a feed looks into the store.
func (h *Hub) Publish(events ...codeforge.Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, e := range events {
		if h.Heard != nil && e.JobID != "" && e.UserID != "" && !e.Type.Transient() {
			h.Heard(e.UserID)
		}
		h.tell(topic{ofJob, e.JobID}, e)
		h.tell(topic{ofProject, e.ProjectID}, e)
		if e.JobID != "" && !e.Type.Transient() { // a user's feed is of jobs
			h.tell(topic{ofUser, e.UserID}, e)
		}
	}
}

// tell gives an event to those who follow a topic; mu is held.
func (h *Hub) tell(of topic, e codeforge.Event) {
	if of.id == "" {
		return
	}
	for s := h.topics[of]; s != nil; {
		next := s.next // s may be dropped
		h.pass(s, e)
		s = next
	}
}

// pass gives an event to one who follows; mu is held.
func (h *Hub) pass(s *subscription, e codeforge.Event) {
	isFeed := s.topic.kind != ofJob
	switch {
	case s.signal:
		if e.Seq == nudge || tellsState(e.Type) {
			s.wake()
		}
		return
	case e.Type.Transient() && len(s.live) > buffer/2, e.Seq == nudge && s.nudged && !isFeed, s.missed && isFeed:
		return
	case len(s.live) == buffer && isFeed:
		s.live, s.missed = nil, true
		return // it was woken before
	case len(s.live) == buffer:
		s.over = ErrSlow
		h.drop(s)
	default:
		s.nudged = s.nudged || e.Seq == nudge
		s.live = append(s.live, e)
	}
	if len(s.live) == 1 || s.over != nil { // else it was woken before and has not looked yet
		s.wake()
	}
}

// Nudge makes those who follow a job, and its project and its user where they are known, look into the store: for events
// whose numbers the caller does not know. Where no job is named they look for what else may have changed.
func (h *Hub) Nudge(news codeforge.Event) {
	if news.JobID != "" {
		news.Seq = nudge
	}
	h.Publish(news)
}

// NudgeFeeds makes those who follow projects and users look into the store for anything.
func (h *Hub) NudgeFeeds() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for of := range h.topics {
		if of.kind != ofJob {
			h.tell(of, codeforge.Event{Seq: nudge})
		}
	}
}

// Jobs are those that somebody follows.
func (h *Hub) Jobs() (ids []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for of := range h.topics {
		if of.kind == ofJob {
			ids = append(ids, of.id)
		}
	}
	return ids
}

// Closed reports whether all reading was ended.
func (h *Hub) Closed() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closed
}

// Close ends all reading. Later followers end at once.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.closed = true
	for _, s := range h.topics {
		for s != nil {
			next := s.next
			s.over = ErrClosed
			h.drop(s)
			s.wake()
			s = next
		}
	}
}

// Watch calls wake, as in [Hub.NewFollower], each time that a job may have another state, and when the hub is closed, until stop
// is called.
func (h *Hub) Watch(jobID string, wake func()) (stop func()) {
	s := &subscription{signal: true}
	h.subscribe(s, topic{ofJob, jobID}, wake)
	if s.closed() != nil {
		wake()
	}
	return s.Close
}

// Follower reads the events of one job, some at a time. Its methods are for one goroutine at a time; it needs none while it
// waits.
type Follower struct {
	subscription
	read Source

	last   int64             // number of the last stored event that was given
	behind bool              // the store may hold more
	ended  bool              // the final event was given
	taken  []codeforge.Event // of live, not looked at yet
}

// Source reads at most limit stored events of one job after number after, in order.
type Source func(ctx context.Context, after int64, limit int) ([]codeforge.Event, error)

// NewFollower follows a job after number after: first what is stored, then live. Each time there is something to read after
// [Follower.Next] had nothing, wake is called; it must neither block nor call the hub. Close must be called.
func (h *Hub) NewFollower(jobID string, after int64, read Source, wake func()) *Follower {
	f := &Follower{read: read, last: after, behind: true}
	h.subscribe(&f.subscription, topic{ofJob, jobID}, wake)
	return f
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
			var err error
			if f.taken, _, err = f.take(); len(f.taken) == 0 {
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
