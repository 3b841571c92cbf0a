package redis

import (
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/redis/redistest"
)

// counting is an inbox that counts events and tells of hints.
type counting struct {
	*inbox
	events chan int
}

func (c *counting) Receive(events ...codeforge.Event) { c.events <- len(events) }
func (c *counting) Wake(string) bool                  { c.events <- 1; return true }

// pair are two servers on one Redis, of which the second counts.
func pair(b *testing.B) (*Courier, *counting) {
	s := redistest.Start(b)
	from, _ := at(b, s.URL(), "store", false)
	in := &counting{newInbox(), make(chan int, 1<<16)}
	to := NewCourier(connected(b, s.URL(), "store"))
	if err := to.Start(b.Context(), in); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		to.drain()
		to.bringing.Wait()
		to.Stop()
	})
	for n := range in.news {
		if strings.HasPrefix(n, "missed") {
			break
		}
	}
	return from, in
}

// BenchmarkEvents brings events of 200 bytes to another server, as many at once as come: what one costs at both, and at Redis.
func BenchmarkEvents(b *testing.B) {
	from, in := pair(b)
	data := []byte(`{"text":"` + strings.Repeat("x", 190) + `"}`)
	came := 0
	for sent := range b.N {
		from.Publish(codeforge.Event{JobID: "01a21c6b-5d40-7001-9a5b-2a4bcb2a198c", ProjectID: "01a21c6b-5d40-7001-9a5b-2a4bcb2a198d", Seq: int64(sent) + 1, Type: codeforge.EventStage, Data: data, At: codeforge.Now()})
		for sent-came > 1000 { // what is not sent in time becomes a nudge
			came += <-in.events
		}
	}
	for came < b.N {
		came += <-in.events
	}
}

// BenchmarkEvent brings one event at a time.
func BenchmarkEvent(b *testing.B) {
	from, in := pair(b)
	for b.Loop() {
		from.Publish(codeforge.Event{JobID: "j", Seq: 1, Type: codeforge.EventStage, Data: []byte(`{}`)})
		<-in.events
	}
}

// BenchmarkHint wakes another server, one at a time.
func BenchmarkHint(b *testing.B) {
	from, in := pair(b)
	for b.Loop() {
		from.Announce("j")
		<-in.events
	}
}

// BenchmarkTake counts a request, alone and with many others.
func BenchmarkTake(b *testing.B) {
	l := NewLimiter(connected(b, redistest.Start(b).URL(), "store"))
	take := func(b *testing.B) {
		if _, ok := l.Take(b.Context(), "user:1", 1000); !ok {
			b.Error("not counted in time")
		}
	}
	b.Run("alone", func(b *testing.B) {
		for b.Loop() {
			take(b)
		}
	})
	b.Run("together", func(b *testing.B) {
		b.SetParallelism(8)
		b.RunParallel(func(p *testing.PB) {
			for p.Next() {
				take(b)
			}
		})
	})
}

// BenchmarkKept reads what servers keep together.
func BenchmarkKept(b *testing.B) {
	k := NewKept(connected(b, redistest.Start(b).URL(), "store"), 1e9, 1e10)
	for b.Loop() {
		if _, _, err := k.Get(b.Context(), "{u}", "a", "v"); err != nil {
			b.Fatal(err)
		}
	}
}
