// Package stream keeps event streams (server-sent events) open at next to no cost. The connection of a stream that waits is
// taken over from net/http: no goroutine stands in it and no buffer belongs to it. When its source has something to tell,
// one of a few goroutines writes it; one timer for all sends the signs of life by which the dead are found.
//
// A stream is a [Source], which is a log that is read after a cursor and then followed, and the frames that it makes of what
// it reads. Whoever serves one does three things:
//
//	st, err := server.Open(accounts...)                 // counted; too many is an error
//	source := newSource(..., st.Wake)                   // wakes it whenever there is something to read
//	taken, err := st.Serve(w, r, source, ended)         // or st.Cancel()
//
// What cannot be taken over (HTTP/2, TLS, writers of tests) is served by the caller's goroutine, with the same frames.
//
// Promise: frames reach the reader whole, in the order of the source, or the stream ends. A reader that takes longer than
// writeTimeout for a piece is left, and delays nobody else. Everything that was opened ends once, and is then counted no more.
package stream

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"codeforge/internal/events"
)

const (
	heartbeat    = 15 * time.Second // between two signs of life
	writeTimeout = 10 * time.Second // for one piece; who takes longer is left
	readTimeout  = 30 * time.Second // for one look into a source
	piece        = 16 << 10         // bytes that a slow reader must take in writeTimeout
	writers      = 32               // goroutines that write to readers who take at once what they are sent
)

// Source is what one stream tells. Its methods are called by one goroutine at a time.
type Source interface {
	// Next appends the frames of what comes next to b, and stops soon after it has Batch bytes; nothing when there is nothing
	// to tell now: it is asked again after Wake, and at each heartbeat. With an error the stream ends after these frames:
	// io.EOF says that all was told, events.ErrSlow that the reader did not keep up.
	Next(ctx context.Context, b []byte) ([]byte, error)
	// Dropped appends the frame that tells why the server ends a stream that is not at its end.
	Dropped(b []byte, reason error) []byte
	// Close is called once, at the end.
	Close()
}

// Batch is how many bytes are gathered before they are written.
const Batch = 32 << 10

// Server holds the streams that are open. The zero value is ready.
type Server struct {
	// Reuse takes a connection back whose stream was told to its end: the client may send its next request over it. nil: it is
	// closed, and the header says so.
	Reuse func(net.Conn)

	mu       sync.Mutex
	began    time.Time // when the first was opened
	accounts map[string]*account
	waiting  chain   // taken over, by when the next heartbeat is due
	ready    *Stream // to be written to, in order
	last     *Stream // of ready
	writers  int     // that run
	armed    bool    // a timer runs for the first of waiting
	handlers map[*Stream]struct{}
	held     map[*Stream]func() // served by others, and what tells them to end
	closing  bool
	idle     chan struct{} // closed when closing and nothing is open
	stats    Stats
}

// Stats counts since the start, but for Open.
type Stats struct {
	Open    int // now, in both ways
	Handled int // of them, by a goroutine each
	Opened  int64
	Refused int64 // too many of one account
	Slow    int64 // ended because the reader did not keep up
	Dead    int64 // ended because the reader was gone
	Bytes   int64 // written
}

// Stats returns the counts.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stats
}

// Account is whom a stream counts for.
type Account struct {
	Key  string
	Most int // streams at once; 0: any number
}

// account is an Account that has streams.
type account struct {
	key  string
	open int
}

// TooMany is the error of a stream too many.
type TooMany struct{ Account }

func (e *TooMany) Error() string { return fmt.Sprintf("%s has %d streams", e.Key, e.Most) }

// state of a stream, guarded by Server.mu.
type state uint8

const (
	working state = iota // somebody reads its source, or writes
	resting              // nobody does
	queued               // in ready
	ended
)

// Stream is one of them.
type Stream struct {
	server   *Server
	source   Source
	conn     net.Conn // taken over
	ended    func(bytes int64, err error)
	accounts [2]*account

	// Guarded by Server.mu.
	due        time.Duration // of the next heartbeat, since Server.began
	prev, next *Stream       // in waiting
	after      *Stream       // in ready
	signal     chan struct{} // wakes the goroutine of one that could not be taken over
	state      state
	woken      bool // while it was working
	beat       bool // a heartbeat is due

	chunked bool  // what is sent comes in chunks
	keep    bool  // the connection is given back at the end
	bytes   int64 // sent
}

// Open counts one more stream for up to two accounts, and returns it to be served, or cancelled.
func (s *Server) Open(accounts ...Account) (*Stream, error) {
	st := &Stream{server: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.accounts == nil {
		s.began, s.accounts, s.handlers, s.held = time.Now(), map[string]*account{}, map[*Stream]struct{}{}, map[*Stream]func(){}
	}
	if err := s.countFor(st, accounts); err != nil {
		return nil, err
	}
	s.stats.Open++
	s.stats.Opened++
	return st, nil
}

// Count counts an open stream for one account more, where it is known only now; two accounts are the most. Where that has too many
// the stream stays as it was.
func (st *Stream) Count(a Account) error {
	st.server.mu.Lock()
	defer st.server.mu.Unlock()
	if st.state == ended { // nobody would count it down again
		return nil
	}
	return st.server.countFor(st, []Account{a})
}

// countFor counts a stream for all of some accounts, or none; mu is held.
func (s *Server) countFor(st *Stream, accounts []Account) error {
	for _, a := range accounts {
		if known := s.accounts[a.Key]; a.Most > 0 && known != nil && known.open >= a.Most {
			s.stats.Refused++
			return &TooMany{a}
		}
	}
	at := slices.Index(st.accounts[:], nil)
	for i, a := range accounts {
		known := s.accounts[a.Key]
		if known == nil {
			known = &account{key: a.Key}
			s.accounts[a.Key] = known
		}
		known.open++
		st.accounts[at+i] = known
	}
	return nil
}

// Hold has a stream served by the caller, by whatever means, until Cancel. end is called once, on a goroutine of its own, when the
// server closes.
func (st *Stream) Hold(end func()) {
	s := st.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.held[st] = end
	if s.closing {
		go end()
	}
}

// Cancel gives back a stream that is not served after all.
func (st *Stream) Cancel() { st.leave(nil) }

// leave takes a stream out of everything, once.
func (st *Stream) leave(err error) {
	s := st.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if st.state == ended {
		return
	}
	st.state = ended
	s.waiting.remove(st)
	delete(s.held, st)
	if st.signal != nil {
		delete(s.handlers, st)
		s.stats.Handled--
	}
	for _, a := range st.accounts {
		if a == nil {
			continue
		}
		if a.open--; a.open == 0 {
			delete(s.accounts, a.key)
		}
	}
	switch {
	case errors.Is(err, ErrGone):
		s.stats.Dead++
	case errors.Is(err, events.ErrSlow), errors.Is(err, ErrStuck):
		s.stats.Slow++
	}
	s.stats.Open--
	s.stats.Bytes += st.bytes
	if s.stats.Open == 0 && s.idle != nil {
		close(s.idle)
		s.idle = nil
	}
}

// Wake has the source asked what comes next. It may be called at any time and never blocks.
func (st *Stream) Wake() {
	s := st.server
	s.mu.Lock()
	defer s.mu.Unlock()
	s.wake(st)
}

// wake is Wake; mu is held.
func (s *Server) wake(st *Stream) {
	switch {
	case st.signal != nil:
		select {
		case st.signal <- struct{}{}:
		default:
		}
	case st.state == working:
		st.woken = true
	case st.state == resting:
		s.queue(st)
	}
}

// queue has a stream written to by one of the writers; mu is held.
func (s *Server) queue(st *Stream) {
	st.state = queued
	if s.last == nil {
		s.ready = st
	} else {
		s.last.after = st
	}
	s.last = st
	if s.writers < writers {
		s.writers++
		go s.write()
	}
}

// write is one writer: it goes on until nothing is ready.
func (s *Server) write() {
	for {
		s.mu.Lock()
		st := s.ready
		if st == nil {
			s.writers--
			s.mu.Unlock()
			return
		}
		if s.ready = st.after; s.ready == nil {
			s.last = nil
		}
		st.after, st.state = nil, working
		s.mu.Unlock()
		st.run(false)
	}
}

// settle is where work on a stream ends: it rests, unless it was woken meanwhile, and then again is true. own says that the
// caller has a goroutine for this stream alone; else others come first.
func (st *Stream) settle(wrote, more, own bool) (again bool) {
	s := st.server
	s.mu.Lock()
	defer s.mu.Unlock()
	if wrote {
		st.beat = false
		s.waiting.remove(st)
		s.wait(st)
	}
	again = more || st.woken
	st.woken = false
	switch {
	case again && own:
		return true
	case again:
		s.queue(st)
	default:
		st.state = resting
		if s.closing {
			s.queue(st)
		}
	}
	return false
}

// wait puts a stream to the end of those that wait for a heartbeat; mu is held.
func (s *Server) wait(st *Stream) {
	st.due = time.Since(s.began) + heartbeat
	s.waiting.add(st)
	s.arm()
}

// arm has a timer run for the first heartbeat that is due; mu is held.
func (s *Server) arm() {
	if s.armed || s.waiting.first == nil {
		return
	}
	s.armed = true
	time.AfterFunc(s.waiting.first.due-time.Since(s.began), s.beat)
}

// beat has those written to for whom a heartbeat is due.
func (s *Server) beat() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.armed = false
	now := time.Since(s.began)
	for st := s.waiting.first; st != nil && st.due <= now; st = s.waiting.first {
		s.waiting.remove(st)
		s.wait(st)
		if st.state == resting { // what is being written is sign enough
			st.beat = true
			s.queue(st)
		}
	}
	s.arm()
}

// takeBeat says whether a heartbeat is due, once.
func (st *Stream) takeBeat() bool {
	st.server.mu.Lock()
	defer st.server.mu.Unlock()
	beat := st.beat
	st.beat = false
	return beat
}

// Close ends all streams, those that are opened later too, with a word to their readers to come back elsewhere. It returns
// when all have ended; those that have not when ctx does are cut.
func (s *Server) Close(ctx context.Context) {
	s.mu.Lock()
	s.closing = true
	idle := make(chan struct{})
	if s.stats.Open == 0 {
		close(idle)
	} else if s.idle == nil {
		s.idle = idle
	} else {
		idle = s.idle
	}
	for st := s.waiting.first; st != nil; st = st.next {
		s.wake(st)
	}
	for st := range s.handlers {
		s.wake(st)
	}
	for _, end := range s.held {
		go end()
	}
	s.mu.Unlock()
	select {
	case <-idle:
		return
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for st := s.waiting.first; st != nil; st = st.next {
		st.conn.Close() // whoever writes to it finds out
	}
}

// chain is a list of streams in which each has its own links.
type chain struct{ first, last *Stream }

func (c *chain) add(st *Stream) {
	st.prev, st.next = c.last, nil
	if c.last == nil {
		c.first = st
	} else {
		c.last.next = st
	}
	c.last = st
}

// remove does nothing to one that is not in it.
func (c *chain) remove(st *Stream) {
	if st.prev == nil && c.first != st {
		return
	}
	if st.prev == nil {
		c.first = st.next
	} else {
		st.prev.next = st.next
	}
	if st.next == nil {
		c.last = st.prev
	} else {
		st.next.prev = st.prev
	}
	st.prev, st.next = nil, nil
}

func (s *Server) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}
