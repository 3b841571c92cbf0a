package jobs_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/events"
	"codeforge/internal/jobs"
)

// office is where the stations of several engines meet: a courier as it would be over a broker, which knows of no commit.
type office struct {
	mu       sync.Mutex
	stations []*station
}

// station is the Courier of one engine.
type station struct {
	*office
	in    jobs.Inbox // nil: it does not run
	takes bool       // jobs are brought
}

func (s *station) Start(_ context.Context, in jobs.Inbox) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in, s.takes = in, true
	s.stations = append(s.stations, s)
	return nil
}

// others are the inboxes of the other stations.
func (s *station) others(of func(*station) bool) (all []jobs.Inbox) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.stations {
		if o != s && of(o) {
			all = append(all, o.in)
		}
	}
	return all
}

func (s *station) Announce(ids ...string) {
	for _, in := range s.others(func(o *station) bool { return o.takes }) {
		for _, id := range ids {
			in.Wake(id)
		}
	}
}

func (s *station) Publish(events ...codeforge.Event) {
	for _, in := range s.others(func(o *station) bool { return o.in != nil }) {
		in.Receive(slices.Clone(events)...)
	}
}

func (s *station) Drain(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.takes = false
	return nil
}

func (s *station) Stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.in = nil
}

// Two engines that a courier connects are one to those who use them, though neither renews a lease nor sweeps meanwhile:
// what one cannot take the other does, each shows what happens at the other, transient events too, either one cancels, and
// what one hands back when it ends the other goes on with.
func TestCourier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &office{}
		b, other := newBlocked(), newBlocked()
		quiet := func(c *jobs.Options) {
			c.Exclusive, c.Lease, c.Sweep, c.Workers, c.Courier = false, time.Hour, time.Hour, 1, &station{office: o}
		}
		r := newRig(t, b.run, quiet)
		here := r.submit(r.project(), codeforge.Code)
		task := <-b.runs
		far := &rig{t: t, store: r.store, hub: events.NewHub(), user: r.user}
		far.engine = far.newEngine(other.run, quiet)
		there := r.submit(r.project(), codeforge.Code)
		if ran := <-other.runs; ran.Job.ID != there {
			t.Fatalf("the other engine runs %s", ran.Job.ID)
		}

		// The first job is watched at the other engine.
		var seen []codeforge.EventType
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			read := func(ctx context.Context, after int64, limit int) ([]codeforge.Event, error) {
				return r.store.Events(ctx, r.user, here, after, limit)
			}
			for e, err := range far.hub.Follow(t.Context(), here, 0, read) {
				if err != nil {
					t.Error(err)
					return
				}
				seen = append(seen, e.Type)
			}
		}()
		synctest.Wait()
		task.Report(30, codeforge.Event{Type: codeforge.EventDelta, Data: []byte(`{}`)}, codeforge.Event{Type: codeforge.EventStage, Data: []byte(`{}`)})
		synctest.Wait()
		if !slices.Contains(seen, codeforge.EventDelta) || !slices.Contains(seen, codeforge.EventStage) {
			t.Errorf("seen at the other engine: %v", seen)
		}
		began := time.Now()
		if _, err := far.engine.Cancel(t.Context(), r.user, here); err != nil {
			t.Fatal(err)
		}
		<-b.causes
		<-watched
		if took := time.Since(began); took > time.Second || seen[len(seen)-1] != codeforge.EventCancelled {
			t.Errorf("cancelled after %v: %v", took, seen)
		}
		synctest.Wait()

		// The other engine ends, and hands back what it runs.
		if err := far.engine.Drain(t.Context(), time.Second); err != nil {
			t.Fatal(err)
		}
		if ran := <-b.runs; ran.Job.ID != there {
			t.Errorf("after the other engine ended, %s runs", ran.Job.ID)
		}
		close(b.finish)
		synctest.Wait()
		r.want(there, codeforge.JobCompleted)
	})
}

// Where nothing tells of what others do, those who watch see it soon all the same, and what runs here is left alone.
func TestPoller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked()
		r := newRig(t, b.run, func(o *jobs.Options) {
			o.Exclusive, o.Lease, o.Courier = false, time.Hour, jobs.NewPoller(time.Second)
		})
		waiting := jobs.New(jobs.Options{Store: r.store, Hub: events.NewHub(), Log: slog.New(slog.DiscardHandler)}) // of another process
		j, _, err := waiting.Submit(t.Context(), r.user, codeforge.NewJob{ProjectID: r.project(), Agent: codeforge.Code, Input: []byte("{}")})
		if err != nil {
			t.Fatal(err)
		}
		types := make(chan []codeforge.EventType)
		go func() { types <- r.types(j.ID) }()
		synctest.Wait()
		began := time.Now()
		if _, err := waiting.Cancel(t.Context(), r.user, j.ID); err != nil {
			t.Fatal(err)
		}
		if got := <-types; got[len(got)-1] != codeforge.EventCancelled || time.Since(began) > time.Second {
			t.Errorf("after %v: %v", time.Since(began), got)
		}
	})
}

// A courier learns when a worker is free, and whether one was: what comes while all are busy is better brought elsewhere.
func TestFree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBlocked()
		r := newRig(t, b.run, func(o *jobs.Options) { o.Workers = 1 })
		free := func() bool {
			select {
			case <-r.engine.Free():
				return true
			default:
				return false
			}
		}
		if !free() {
			t.Error("nothing runs, and no worker is free")
		}
		id := r.submit(r.project(), codeforge.Code)
		<-b.runs
		if free() || r.engine.Wake(id) {
			t.Error("one runs, and another worker is free")
		}
		wait := r.engine.Free()
		close(b.finish)
		<-wait
		synctest.Wait()
		r.want(id, codeforge.JobCompleted)
	})
}
