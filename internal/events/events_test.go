package events_test

import (
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/events"
)

// log is a store of one job's events.
type log struct {
	mu  sync.Mutex
	all []codeforge.Event
}

func (l *log) add(kind codeforge.EventType) codeforge.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	e := codeforge.Event{JobID: "j", Seq: int64(len(l.all) + 1), Type: kind}
	l.all = append(l.all, e)
	return e
}

func (l *log) read(_ context.Context, after int64, limit int) ([]codeforge.Event, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	rest := l.all[min(after, int64(len(l.all))):]
	return rest[:min(limit, len(rest))], nil
}

// follow collects numbers until the end.
func follow(t *testing.T, h *events.Hub, after int64, read events.Source) (seqs []int64, err error) {
	for e, err := range h.Follow(t.Context(), "j", after, read) {
		if err != nil {
			return seqs, err
		}
		seqs = append(seqs, e.Seq)
	}
	return seqs, nil
}

func wantRun(t *testing.T, got []int64, from, to int64) {
	t.Helper()
	if int64(len(got)) != to-from+1 {
		t.Fatalf("got %d events %v, want %d to %d", len(got), got, from, to)
	}
	for i, s := range got {
		if s != from+int64(i) {
			t.Fatalf("event %d has number %d: %v", i, s, got)
		}
	}
}

func TestReplayThenEnd(t *testing.T) {
	l, h := &log{}, events.NewHub()
	for range 500 { // more than a page
		l.add(codeforge.EventProgress)
	}
	l.add(codeforge.EventComplete)
	got, err := follow(t, h, 0, l.read)
	if err != nil {
		t.Fatal(err)
	}
	wantRun(t, got, 1, 501)
	got, _ = follow(t, h, 499, l.read)
	wantRun(t, got, 500, 501)
}

// Whatever the hub loses, repeats or delivers out of turn, each reader gets each stored event once and in order.
func TestEveryEventOnceInOrder(t *testing.T) {
	l, h := &log{}, events.NewHub()
	var readers sync.WaitGroup
	for range 8 {
		readers.Go(func() {
			last := int64(0)
			for last == 0 || last < 401 { // a slow reader is cut off and resumes
				for e, err := range h.Follow(t.Context(), "j", last, l.read) {
					if err != nil {
						if !errors.Is(err, events.ErrSlow) {
							t.Error(err)
							return
						}
						break
					}
					if e.Seq != last+1 {
						t.Errorf("event %d after %d", e.Seq, last)
						return
					}
					last = e.Seq
				}
			}
		})
	}
	for i := range 400 {
		e := l.add(codeforge.EventProgress)
		switch i % 5 {
		case 0: // lost
		case 1: // told twice
			h.Publish(e, e)
		case 2:
			h.Nudge(codeforge.Event{JobID: "j"})
		default:
			h.Publish(e)
		}
	}
	h.Publish(l.add(codeforge.EventComplete))
	readers.Wait()
}

func TestSlowReaderIsToldAndResumes(t *testing.T) {
	l, h := &log{}, events.NewHub()
	l.add(codeforge.EventProgress)
	first := true
	got, err := func() (seqs []int64, err error) {
		for e, err := range h.Follow(t.Context(), "j", 0, l.read) {
			if err != nil {
				return seqs, err
			}
			seqs = append(seqs, e.Seq)
			if first { // while this one is being handled, more come than may wait
				first = false
				for range 1000 {
					h.Publish(l.add(codeforge.EventProgress))
				}
			}
		}
		return seqs, nil
	}()
	if !errors.Is(err, events.ErrSlow) {
		t.Fatalf("err = %v", err)
	}
	l.add(codeforge.EventComplete)
	rest, err := follow(t, h, got[len(got)-1], l.read)
	if err != nil {
		t.Fatal(err)
	}
	wantRun(t, append(got, rest...), 1, 1002)
}

func TestTransientEventsNeverCostAStoredOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, h := &log{}, events.NewHub()
		var got []codeforge.Event
		done := make(chan error)
		go func() {
			for e, err := range h.Follow(t.Context(), "j", 0, l.read) {
				if err != nil {
					done <- err
					return
				}
				got = append(got, e)
			}
			done <- nil
		}()
		synctest.Wait()
		for range 10_000 {
			h.Publish(codeforge.Event{JobID: "j", Type: codeforge.EventDelta})
		}
		h.Publish(l.add(codeforge.EventComplete))
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if last := got[len(got)-1]; last.Type != codeforge.EventComplete {
			t.Errorf("last event is %v", last)
		}
	})
}

func TestCloseAndCancelEndReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, h := &log{}, events.NewHub()
		ctx, cancel := context.WithCancelCause(t.Context())
		ends := make(chan error, 2)
		watch := func(ctx context.Context) {
			for _, err := range h.Follow(ctx, "j", 0, l.read) {
				ends <- err
			}
		}
		go watch(ctx)
		synctest.Wait()
		if !h.Watched("j") {
			t.Error("nobody watches")
		}
		gone := errors.New("client gone")
		cancel(gone)
		if err := <-ends; !errors.Is(err, gone) {
			t.Errorf("after cancel: %v", err)
		}
		synctest.Wait()
		if h.Watched("j") {
			t.Error("a reader that left is still kept")
		}
		go watch(t.Context())
		synctest.Wait()
		h.Close()
		if err := <-ends; !errors.Is(err, events.ErrClosed) {
			t.Errorf("after close: %v", err)
		}
		watch(t.Context())
		if err := <-ends; !errors.Is(err, events.ErrClosed) {
			t.Errorf("a new reader after close: %v", err)
		}
	})
}

func BenchmarkPublish(b *testing.B) {
	h := events.NewHub()
	for b.Loop() {
		h.Publish(codeforge.Event{JobID: "j", Seq: 1, Type: codeforge.EventProgress})
	}
}

func TestManyNudgesAreOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l, h := &log{}, events.NewHub()
		l.add(codeforge.EventProgress)
		reads := 0
		read := func(ctx context.Context, after int64, limit int) ([]codeforge.Event, error) {
			reads++
			return l.read(ctx, after, limit)
		}
		var got []int64
		for e, err := range h.Follow(t.Context(), "j", 0, read) {
			if err != nil {
				t.Fatal(err)
			}
			if got = append(got, e.Seq); e.Seq == 1 {
				l.add(codeforge.EventProgress)
				for range 1000 { // while the reader is busy
					h.Nudge(codeforge.Event{JobID: "j"})
				}
				go func() {
					synctest.Wait()
					l.add(codeforge.EventComplete)
					h.Nudge(codeforge.Event{JobID: "j"})
				}()
			}
		}
		wantRun(t, got, 1, 3)
		if reads != 3 {
			t.Errorf("the store was read %d times, want 3", reads)
		}
		if jobs := h.Jobs(); len(jobs) != 0 {
			t.Error("still watched:", jobs)
		}
	})
}

// Whatever the hub loses, repeats, holds back or puts out of turn, and wherever a follower begins: it gets each stored event
// after its number once and in order, transient ones in order, and is woken whenever there is something to read.
func FuzzFollower(f *testing.F) {
	f.Add([]byte("sslpdndrte"), int64(0))
	f.Add([]byte("ssssrplnntttse"), int64(3))
	f.Add([]byte("e"), int64(99))
	f.Fuzz(func(t *testing.T, what []byte, after int64) {
		l, h := &log{}, events.NewHub()
		last := max(after, 0) % 20
		woken := true
		fo := h.NewFollower("j", last, l.read, func() { woken = true })
		defer fo.Close()
		var held []codeforge.Event
		told := 0 // the last transient one
		next := func() (ended bool) {
			for woken {
				got, err := fo.Next(t.Context())
				for _, e := range got {
					if e.Seq == 0 {
						if n := int(e.At.Unix()); n <= told {
							t.Fatalf("transient %d after %d", n, told)
						} else {
							told = n
						}
					} else if last++; e.Seq != last {
						t.Fatalf("event %d, want %d", e.Seq, last)
					}
				}
				if ended = err != nil; ended && !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				woken = len(got) > 0 && !ended
			}
			return ended
		}
		for i, c := range what[:min(len(what), 200)] {
			switch c {
			case 's': // stored and told
				h.Publish(l.add(codeforge.EventStage))
			case 'l': // stored, and its word is lost
				l.add(codeforge.EventStage)
			case 'd': // told twice
				e := l.add(codeforge.EventStage)
				h.Publish(e, e)
			case 'p': // held back
				held = append(held, l.add(codeforge.EventStage))
			case 'r': // what was held back, the newest first
				slices.Reverse(held)
				h.Publish(held...)
				held = nil
			case 't':
				h.Publish(codeforge.Event{JobID: "j", Type: codeforge.EventDelta, At: time.Unix(int64(i+1), 0)})
			case 'n':
				h.Nudge(codeforge.Event{JobID: "j"})
			default:
				next()
			}
		}
		h.Publish(l.add(codeforge.EventComplete))
		h.Nudge(codeforge.Event{JobID: "j"})
		if n := int64(len(l.all)); !next() && last < n { // one that begins after the end waits for what never comes
			t.Fatalf("read to %d of %d", last, n)
		}
	})
}

// Who wants to know of whose jobs something was stored is told before those who follow them.
func TestHeard(t *testing.T) {
	h := events.NewHub()
	var order []string
	h.Heard = func(user string) { order = append(order, "heard "+user) }
	stop := h.Watch("j", func() { order = append(order, "woken") })
	defer stop()
	h.Publish(codeforge.Event{JobID: "j", ProjectID: "p", UserID: "u", Type: codeforge.EventComplete}, // told
		codeforge.Event{JobID: "j", UserID: "u", Type: codeforge.EventDelta}, codeforge.Event{ProjectID: "p", UserID: "u"}, codeforge.Event{JobID: "j"})
	if got := strings.Join(order, ", "); got != "heard u, woken" {
		t.Fatal(got)
	}
}
