package redis

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/redis/redistest"
)

// inbox is an engine as couriers see it. It tells in words what was brought to it.
type inbox struct {
	news chan string

	mu    sync.Mutex
	free  chan struct{} // closed: a worker is free
	taken bool          // the last free worker is taken by something else before the next hint comes
}

func newInbox() *inbox {
	in := &inbox{news: make(chan string, 100_000), free: make(chan struct{})}
	close(in.free)
	return in
}

func (in *inbox) isFree() bool {
	select {
	case <-in.Free():
		return true
	default:
		return false
	}
}

// be makes the workers free or busy.
func (in *inbox) be(free bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	if free {
		close(in.free)
	} else {
		in.free = make(chan struct{})
	}
}

func (in *inbox) Free() <-chan struct{} {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.free
}

func (in *inbox) Wake(id string) bool {
	in.mu.Lock()
	taken := in.taken
	in.taken = false
	in.mu.Unlock()
	if taken {
		in.be(false)
	}
	free := in.isFree()
	in.news <- fmt.Sprintf("wake %s %v", id, free)
	return free
}
func (in *inbox) LookForDue() { in.news <- "look for due" }
func (in *inbox) Receive(events ...codeforge.Event) {
	for _, e := range events {
		in.news <- fmt.Sprintf("event %s %d %s", e.JobID, e.Seq, e.Data)
	}
}
func (in *inbox) EventsAdded(e codeforge.Event) { in.news <- "added " + e.JobID }
func (in *inbox) EventsMissed()                 { in.news <- "missed" }
func (in *inbox) LookAtWatched()                { in.news <- "look at watched" }

// next waits for news that begin like this, and returns them; others are passed over.
func (in *inbox) next(t testing.TB, like string) string {
	t.Helper()
	for {
		select {
		case n := <-in.news:
			if strings.HasPrefix(n, like) {
				return n
			}
		case <-time.After(3 * time.Minute):
			t.Fatalf("in vain waited for %q", like)
		}
	}
}

// again says something over and over, until news come that begin like this.
func (in *inbox) again(t *testing.T, like string, say func()) {
	t.Helper()
	deadline := time.After(3 * time.Minute)
	for {
		say()
		select {
		case n := <-in.news:
			if strings.HasPrefix(n, like) {
				return
			}
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("in vain waited for %q", like)
		}
	}
}

// all waits for news that begin like each of these, in any order.
func (in *inbox) all(t *testing.T, like ...string) {
	t.Helper()
	for len(like) > 0 {
		n := in.next(t, "")
		like = slices.DeleteFunc(like, func(l string) bool { return strings.HasPrefix(n, l) })
	}
}

// at starts a courier on a Redis, which listens when this returns.
func at(t testing.TB, url, store string, free bool) (*Courier, *inbox) {
	t.Helper()
	c, in := NewCourier(connected(t, url, store)), newInbox()
	if !free {
		in.be(false)
	}
	if err := c.Start(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.drain()
		c.bringing.Wait()
		c.Stop()
	})
	in.next(t, "missed")
	return c, in
}

// news are events of one job with data of so many bytes.
func news(job string, first int64, sizes ...int) (all []codeforge.Event) {
	for i, n := range sizes {
		all = append(all, codeforge.Event{JobID: job, Seq: first + int64(i), Type: codeforge.EventProgress, ProjectID: "p", UserID: "u", Data: fmt.Appendf(nil, `{"x":"%s"}`, strings.Repeat("<", n)), At: codeforge.Now()})
	}
	return all
}

// Everywhere that Redis can be, what happens at one server comes to the others as it was, and not to itself; one of all is woken for
// an id, and servers of another store hear nothing.
func TestCourier(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t)
	for name, url := range map[string]string{"one": redistest.Start(t).URL(), "cluster": "redis://" + nodes[0].Addr() + "," + nodes[1].Addr()} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, inA := at(t, url, "store", true)
			_, inB := at(t, url, "store", true)
			_, inC := at(t, url, "store", true)
			other, inOther := at(t, url, "other", true)

			a.Publish(news("j", 1, 1)...)
			want := `event j 1 {"x":"<"}`
			if b, c := inB.next(t, "event"), inC.next(t, "event"); b != want || c != want {
				t.Error(b, c)
			}
			a.Announce("due")
			got := []string{}
			for len(got) == 0 {
				for _, in := range []*inbox{inA, inB, inC} {
					select {
					case n := <-in.news:
						if strings.HasPrefix(n, "wake") {
							got = append(got, n)
						}
					case <-time.After(time.Millisecond):
					}
				}
			}
			// What comes later of the same courier says that nothing more came before.
			a.Publish(news("end", 1, 1)...)
			other.Publish(news("end", 1, 1)...)
			for _, in := range []*inbox{inB, inC} {
				for n := in.next(t, ""); !strings.HasPrefix(n, "event end"); n = in.next(t, "") {
					if strings.HasPrefix(n, "wake") {
						got = append(got, n)
					}
				}
			}
			if !slices.Equal(got, []string{"wake due true"}) {
				t.Error("woken:", got)
			}
			for _, in := range []*inbox{inA, inOther} {
				for len(in.news) > 0 {
					if n := <-in.news; strings.HasPrefix(n, "event") {
						t.Error("came to one's own or another's:", n)
					}
				}
			}
		})
	}
}

// A server with no free worker reads no hints, and one whose last worker was taken meanwhile passes them on.
func TestBusy(t *testing.T) {
	s := redistest.Start(t)
	_, inA := at(t, s.URL(), "store", false)
	b, inB := at(t, s.URL(), "store", false)
	inB.mu.Lock()
	inB.taken = true
	inB.mu.Unlock()
	inB.be(true)
	b.Announce("one")
	if n := inB.next(t, "wake"); n != "wake one false" {
		t.Error(n)
	}
	inA.be(true)
	if n := inA.next(t, "wake"); n != "wake one true" {
		t.Error(n)
	}
	for len(inB.news) > 0 {
		if n := <-inB.news; strings.HasPrefix(n, "wake") {
			t.Error("a busy server read on:", n)
		}
	}
}

// Large events and more than can wait become nudges, which say where to look; only transient events are lost.
func TestOutbox(t *testing.T) {
	o, n := outbox{ready: make(chan struct{}, 1)}, &counters{}
	o.publish(news("large", 1, 10, eventMost, 10), true, n)
	b := o.take()
	if len(b.message.Events) != 2 || len(b.message.Nudges) != 1 || b.message.Nudges[0].JobID != "large" {
		t.Error(b)
	}
	for i := range 2 * waitingMost {
		o.publish(news(fmt.Sprint("job", i), 1, 1), true, n)
		o.publish([]codeforge.Event{{JobID: "words", Type: codeforge.EventDelta, Data: []byte("{}")}}, true, n)
		o.announce([]string{fmt.Sprint(i)})
	}
	told, hints, batches := map[string]bool{}, 0, 0
	missed, anything := false, false
	for b := o.take(); !b.empty(); b = o.take() {
		if batches++; batches == 10 {
			o.putBack(b, n) // Redis went away
			continue
		}
		for _, e := range append(b.message.Events, b.message.Nudges...) {
			told[e.JobID] = true
		}
		missed = missed || b.message.Missed
		hints += len(b.ids)
		anything = anything || slices.Contains(b.ids, "")
	}
	if delete(told, "words"); len(told) < waitingMost || len(told) < 2*waitingMost && !missed || hints != waitingMost || !anything || n.dropped.Load() == 0 || o.bytes != 0 {
		t.Error(len(told), missed, hints, anything, n.dropped.Load(), o.bytes)
	}
	o.publish([]codeforge.Event{{JobID: "words", Type: codeforge.EventDelta}}, false, n)
	if o.any() {
		t.Error("words are kept while nobody can hear them")
	}
}

// A message brings every field of an event, and its data byte for byte; what is none is told from one.
func TestMessage(t *testing.T) {
	sent := message{Events: news("j", 7, 3, 0), Nudges: []codeforge.Event{{JobID: "k"}, {ProjectID: "p", UserID: "u"}}, Missed: true}
	for _, field := range reflect.ValueOf(&sent.Events[0]).Elem().Fields() {
		switch field.Kind() {
		case reflect.String:
			field.SetString("x")
		case reflect.Bool:
			field.SetBool(true)
		}
	}
	from := codeforge.NewID()
	text := sent.encode(from)
	got, err := decode(text)
	if err != nil || !got.Missed || !reflect.DeepEqual(got.Nudges, sent.Nudges) || len(got.Events) != 2 {
		t.Fatal(got, err)
	}
	for i, e := range got.Events {
		if !bytes.Equal(e.Data, sent.Events[i].Data) || !e.At.Equal(sent.Events[i].At) {
			t.Error(e)
		}
		e.At = sent.Events[i].At
		if !reflect.DeepEqual(e, sent.Events[i]) {
			t.Error(e)
		}
	}
	for i := range len(text) {
		if m, err := decode(text[:i]); err == nil && reflect.DeepEqual(m, got) {
			t.Error("whole, though cut at", i)
		}
	}
	if _, err := decode(from + "\x01x"); err == nil {
		t.Error("no JSON, and read")
	}
}

// FuzzDecode: whatever is published, reading it ends and stays within it.
func FuzzDecode(f *testing.F) {
	f.Add(message{Events: news("j", 1, 5), Missed: true}.encode(codeforge.NewID()))
	f.Fuzz(func(t *testing.T, text string) {
		m, err := decode(text)
		size := 0
		for _, e := range m.Events {
			size += len(e.Data)
		}
		if err == nil && size > len(text) {
			t.Error("more data than text")
		}
	})
}

// words collects log lines.
type words struct {
	mu sync.Mutex
	bytes.Buffer
}

func (w *words) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.Buffer.Write(b)
}

func (w *words) count(of string) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Count(w.String(), of)
}

// While Redis is away what nothing tells of is looked at, which is said once, and when it is back all goes on, and what happened
// meanwhile is told. When it loses everything the group is made anew.
func TestAway(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	log := &words{}
	c, err := Open(Options{URL: s.URL(), Prefix: "test", Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Meet("store")
	until(t, c, true)
	a, in := NewCourier(c), newInbox()
	if err := a.Start(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, inB := at(t, s.URL(), "store", false)

	s.Do(t, "FLUSHALL")
	in.next(t, "look for due")
	a.Announce("flushed")
	in.next(t, "wake flushed")

	s.Stop(t)
	until(t, c, false)
	in.next(t, "look for due")
	in.next(t, "look at watched")
	in.next(t, "look at watched")
	a.Publish(news("meanwhile", 1, 1)...)
	a.Publish(codeforge.Event{JobID: "meanwhile", Type: codeforge.EventDelta})
	a.Announce("announced")
	s.Restart(t)
	inB.next(t, "missed")
	in.all(t, "missed", "wake announced")
	a.Publish(news("after", 1, 1)...)
	inB.next(t, "event after")
	if gone, back := log.count("Redis does not answer"), log.count("Redis answers again"); gone != 1 || back != 1 {
		t.Error(log.String())
	}
	if n := a.client.Stats(); n.Gone != 1 || n.Dropped != 1 || n.Nudged != 1 || !n.Up {
		t.Errorf("%+v", n)
	}
	if err := a.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	a.Publish(news("last", 1, 1)...) // a run that Drain waited for
	a.Stop()
	inB.next(t, "event last")
	inB.be(true)
	inB.next(t, "wake  true") // whichever jobs are due
}

// A master that dies is followed by the replica that the sentinel makes one, and news go on.
func TestFailover(t *testing.T) {
	t.Parallel()
	master := redistest.Start(t, "--repl-diskless-sync-delay", "0")
	replica := redistest.Start(t, "--replicaof", "127.0.0.1", strconv.Itoa(master.Port))
	master.Do(t, "SET", "a", "1")
	if n := master.Do(t, "WAIT", "1", "20000"); n[0] != "1" {
		t.Fatal("no replica:", n)
	}
	url := fmt.Sprintf("redis-sentinel://127.0.0.1:%d?master=main", redistest.Sentinel(t, "main", master))
	a, inA := at(t, url, "store", true)
	_, inB := at(t, url, "store", false)
	master.Stop(t)
	inA.next(t, "missed")
	inB.next(t, "missed")
	a.Publish(news("after", 1, 1)...)
	inB.all(t, "event after")
	a.Announce("after")
	inA.next(t, "wake after")
	if role := replica.Do(t, "ROLE")[0]; role != "master" {
		t.Error(role)
	}
}

// In a cluster the node that has a store's keys dies, and its replica takes their place.
func TestClusterFailover(t *testing.T) {
	t.Parallel()
	nodes := redistest.Cluster(t)
	url := "redis://" + nodes[0].Addr() + "," + nodes[1].Addr() + "," + nodes[2].Addr()
	a, inA := at(t, url, "store", true)
	_, inB := at(t, url, "store", false)
	a.Announce("before")
	inA.next(t, "wake before")
	at := slices.IndexFunc(nodes, func(n *redistest.Server) bool {
		return slices.ContainsFunc(n.Do(t, "KEYS", "*"), func(key string) bool { return strings.HasSuffix(key, ":"+due) })
	})
	replica := redistest.Replica(t, nodes, nodes[at])
	if n := nodes[at].Do(t, "WAIT", "1", "20000"); n[0] != "1" {
		t.Fatal("nothing was replicated:", n)
	}
	nodes[at].Stop(t)
	inA.next(t, "look for due") // what was said meanwhile may be lost
	for _, what := range []struct {
		in   *inbox
		want string
		say  func()
	}{{inA, "wake after", func() { a.Announce("after") }}, {inB, "event after", func() { a.Publish(news("after", 1, 1)...) }}} {
		what.in.again(t, what.want, what.say)
	}
	if role := replica.Do(t, "ROLE")[0]; role != "master" {
		t.Error(role)
	}
}

// A user with the rights that docs/redis.md names may do all that servers do, and who may not is told what.
func TestRights(t *testing.T) {
	page, err := os.ReadFile("../../docs/redis.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rule, _ := strings.Cut(string(page), "ACL SETUSER codeforge on >PASSWORD ")
	rule, _, found := strings.Cut(rule, "`")
	if !found {
		t.Fatal("no rule on the page")
	}
	s := redistest.Start(t)
	s.Do(t, append([]string{"ACL", "SETUSER", "app", "on", ">secret"}, strings.Fields(rule)...)...)
	o := Options{URL: "redis://app:secret@" + s.Addr(), Prefix: "codeforge", Log: slog.New(slog.DiscardHandler)}
	if err := Try(t.Context(), o); err != nil {
		t.Error(err)
	}
	c, err := Open(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	c.Meet("store")
	until(t, c, true)
	a, in := NewCourier(c), newInbox()
	if err := a.Start(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	in.next(t, "missed")
	a.Announce("j")
	in.next(t, "wake j")
	if _, ok := NewLimiter(c).Take(t.Context(), "k", 1); !ok {
		t.Error("nothing is counted")
	}
	if _, _, err := NewKept(c, time.Minute, time.Hour).Get(t.Context(), "{u}", "a", "v"); err != nil {
		t.Error(err)
	}
	s.Do(t, "ACL", "SETUSER", "app", "-xadd")
	if err := Try(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "XADD: ") {
		t.Error(err)
	}
	if err := a.Drain(t.Context()); err != nil {
		t.Error(err)
	}
	a.Stop()
	o.Prefix = "another"
	if err := Try(t.Context(), o); err == nil || !strings.HasPrefix(err.Error(), "XGROUP: ") {
		t.Error(err)
	}
}

// A Redis that is full, and one that follows another one, count as away, though they answer.
func TestRefuses(t *testing.T) {
	t.Parallel()
	s := redistest.Start(t)
	c := connected(t, s.URL(), "store")
	s.Do(t, "CONFIG", "SET", "maxmemory", "1")
	until(t, c, false)
	s.Do(t, "CONFIG", "SET", "maxmemory", "0")
	until(t, c, true)
	s.Do(t, "REPLICAOF", "127.0.0.1", "1")
	until(t, c, false)
	s.Do(t, "REPLICAOF", "NO", "ONE")
	until(t, c, true)
}
