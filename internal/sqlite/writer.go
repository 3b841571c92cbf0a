package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"sync/atomic"
	"time"

	"codeforge"
)

const (
	maxBatch   = 256  // writes of one commit
	maxWaiting = 1024 // writes in the queue; more callers wait at its door

	// company is how long a transaction that nobody waits for stays open for one that somebody waits for: the record of a
	// model call is followed by its answer's entry in the journal.
	company = 2 * time.Millisecond
)

// write is one transaction to be. Its closure may run more than once, so it assigns results and touches nothing else.
type write struct {
	do    func(*conn) error
	quiet bool         // nobody waits for its commit
	state atomic.Int32 // waiting, then begun by the writer or given up by the caller, whoever is first
	err   error        // set before done
	done  chan struct{}
}

const (
	waiting = iota
	begun
	givenUp
)

func newWrite() any { return &write{done: make(chan struct{}, 1)} }

// write runs do in a transaction and returns after its commit, with do's error if it returned one and nothing was
// written. Writes that wait at the same time share one commit. When ctx ends before do has begun, nothing is written;
// after that, the commit decides.
func (s *Store) write(ctx context.Context, do func(*conn) error) (err error) {
	ctx, span := startSpan(ctx)
	defer func() { span.End(err) }()
	w, err := s.enqueue(ctx, false, do)
	if err != nil {
		return err
	}
	select {
	case <-w.done:
		err = w.err
	case <-s.ended:
		return s.waitForCommit(w)
	case <-ctx.Done():
		if w.state.CompareAndSwap(waiting, givenUp) {
			return context.Cause(ctx) // the writer drops w when it comes to it, so it is not reused
		}
		<-w.done
		err = w.err
	}
	w.do = nil
	s.writes.Put(w)
	return err
}

// enqueue puts a write in line, and returns at once: it runs after all that was enqueued before. Nobody waits for the
// commit of a quiet one, so that it may be a moment late, in company.
func (s *Store) enqueue(ctx context.Context, quiet bool, do func(*conn) error) (*write, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	if s.w == nil {
		return nil, errReadOnly
	}
	select {
	case <-s.closing:
		return nil, errClosed
	default:
	}
	w := s.writes.Get().(*write)
	w.do, w.err, w.quiet = do, nil, quiet
	w.state.Store(waiting)
	select {
	case s.queue <- w:
		return w, nil
	case <-s.closing:
		return nil, errClosed
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// waitForCommit waits for the commit of w.
func (s *Store) waitForCommit(w *write) error {
	select {
	case <-w.done:
		return w.err
	case <-s.ended:
	}
	select { // the writer may have come to it just before it ended
	case <-w.done:
		return w.err
	default:
		return errClosed
	}
}

// Commit is one transaction of the writer.
type Commit struct {
	Writes int // that share it
	Took   time.Duration
	Failed bool // and with it all its writes
}

// Waiting is how many writes stand in line for the writer.
func (s *Store) Waiting() int { return len(s.queue) }

// run is the writer: the only goroutine that uses s.w. It ends when the store is closing and the queue is empty.
func (s *Store) run() {
	defer close(s.ended)
	batch := make([]*write, 0, maxBatch)
	for {
		var first *write
		select {
		case first = <-s.queue:
		case <-s.closing:
			select {
			case first = <-s.queue:
			default:
				return
			}
		}
		batch = append(batch[:0], first)
		// Whoever was answered a moment ago is about to write again: letting them makes fewer, larger commits.
		runtime.Gosched()
		batch = s.waitingNow(batch)
		n := 0
		for _, w := range batch {
			if w.state.CompareAndSwap(waiting, begun) {
				batch[n] = w
				n++
			}
		}
		batch = batch[:n]
		batch = s.commit(batch)
		for _, w := range batch {
			w.done <- struct{}{}
		}
		clear(batch)
	}
}

// waitingNow appends what is in the queue.
func (s *Store) waitingNow(batch []*write) []*write {
	for len(batch) < maxBatch {
		select {
		case w := <-s.queue:
			batch = append(batch, w)
		default:
			return batch
		}
	}
	return batch
}

// gatherBatch appends the next write that comes before the deadline, unless somebody waits for one of the batch.
func (s *Store) gatherBatch(batch []*write, deadline time.Time) []*write {
	if slices.ContainsFunc(batch, func(w *write) bool { return !w.quiet }) {
		return batch
	}
	patience := time.After(time.Until(deadline))
	for len(batch) < maxBatch {
		select {
		case w := <-s.queue:
			if w.state.CompareAndSwap(waiting, begun) {
				return append(batch, w)
			}
		case <-patience:
			return batch
		case <-s.closing:
			return batch
		}
	}
	return batch
}

// commit runs a batch as one transaction. At first without savepoints, for they cost two statements each; if a closure
// fails after it wrote, all is rolled back and run again with one around each. It returns the batch with those that joined.
func (s *Store) commit(batch []*write) []*write {
	if len(batch) == 0 {
		return batch
	}
	began := time.Now()
	batch, again, err := s.attempt(batch, false)
	if again {
		batch, _, err = s.attempt(batch, true)
	}
	s.heard(Commit{Writes: len(batch), Took: time.Since(began), Failed: err != nil})
	if err == nil {
		return batch
	}
	s.room.writeFailed.Store(true)
	told := trouble(err)
	if told == err {
		told = &codeforge.Error{Kind: codeforge.Unavailable, Message: "The data store could not complete the write", Retryable: true, Cause: err}
	}
	for _, w := range batch {
		w.err = told
	}
	return batch
}

// attempt runs a batch in a transaction. again asks to run it with savepoints; otherwise err is what befell the whole
// batch, and the error of each write stands in it.
func (s *Store) attempt(batch []*write, savepoints bool) (all []*write, again bool, err error) {
	c := s.w
	defer func() {
		if again || err != nil {
			clear(c.open)
			// It fails when SQLite has rolled back already, as it does on a full disk; then there is nothing to do.
			c.exec("ROLLBACK")
			c.jobs.revert(0, s.now())
			c.jobs.stale = c.jobs.stale || err != nil
		}
	}()
	if c.jobs.stale {
		if err := c.readQueue(s.now()); err != nil {
			return batch, false, err
		}
	}
	c.jobs.begin()
	if _, _, err := c.exec("BEGIN IMMEDIATE"); err != nil {
		return batch, false, err
	}
	began := time.Now()
	for i := 0; i < len(batch); i++ {
		w := batch[i]
		if savepoints {
			if _, _, err := c.exec("SAVEPOINT one"); err != nil {
				return batch, false, err
			}
		}
		c.wrote, c.now = false, s.now()
		mark := c.jobs.mark()
		w.err = callSafely(w.do, c)
		failed := w.err != nil && (c.wrote || !domain(w.err))
		switch {
		case savepoints && failed:
			clear(c.open)
			c.jobs.revert(mark, c.now)
			// When SQLite has ended the whole transaction because of the failure, this fails, and nothing more is run.
			if _, _, err := c.exec("ROLLBACK TO one"); err != nil {
				return batch, false, errors.Join(w.err, err)
			}
			fallthrough
		case savepoints:
			if _, _, err := c.exec("RELEASE one"); err != nil {
				return batch, false, err
			}
		case failed:
			return batch, true, nil
		}
		if i == len(batch)-1 && !savepoints {
			batch = s.gatherBatch(batch, began.Add(company))
		}
	}
	if s.fault != nil {
		if apply, report := s.fault(); report != nil {
			if apply {
				if _, _, err := c.exec("COMMIT"); err != nil {
					return batch, false, err
				}
			}
			return batch, false, report
		}
	}
	_, _, err = c.exec("COMMIT")
	return batch, false, err
}

// callSafely runs a closure and turns a panic into an error.
func callSafely(do func(*conn) error, c *conn) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic in a write: %v\n%s", v, debug.Stack())
		}
	}()
	return do(c)
}

// domain reports whether an error is an answer to the caller, and not one of the database.
func domain(err error) bool {
	_, ok := errors.AsType[*codeforge.Error](err)
	return ok || errors.Is(err, codeforge.ErrFenced)
}
