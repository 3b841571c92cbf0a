package cache

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"codeforge"
)

// modelRemote is what a Redis with the scripts of internal/redis does, one step at a time. It can forget, and come back as it was
// some time ago, as another one.
type modelRemote struct {
	w           *world
	scopes      map[string]*modelScope
	incarnation int
	saved       map[string]*modelScope // what it would come back with
}

type modelScope struct {
	incarnation int
	version     string
	marks       map[string]time.Time // until when
	values      map[string][]byte
}

func (sc *modelScope) clone() *modelScope {
	c := &modelScope{sc.incarnation, sc.version, map[string]time.Time{}, map[string][]byte{}}
	maps.Copy(c.marks, sc.marks)
	maps.Copy(c.values, sc.values)
	return c
}

func (r *modelRemote) scope(name string) *modelScope {
	sc := r.scopes[name]
	if sc == nil || sc.incarnation != r.incarnation {
		sc = &modelScope{r.incarnation, "", map[string]time.Time{}, map[string][]byte{}}
		r.scopes[name] = sc
	}
	for mark, until := range sc.marks {
		if !r.w.clock.Before(until) {
			delete(sc.marks, mark)
		}
	}
	return sc
}

func (r *modelRemote) restart() {
	r.incarnation++
	r.scopes = map[string]*modelScope{}
	for name, sc := range r.saved {
		r.scopes[name] = sc.clone()
	}
}

func (r *modelRemote) save() {
	r.saved = map[string]*modelScope{}
	for name, sc := range r.scopes {
		r.saved[name] = sc.clone()
	}
}

// link is the way of one process to the remote, which may be cut: then a step is done or not, and no answer comes.
type link struct {
	r    *modelRemote
	p    *process
	down bool
}

var errCut = errors.New("no answer")

func (l *link) step(do func()) error {
	l.p.w.pause()
	if l.down {
		if l.p.w.rng.IntN(2) == 0 {
			do()
		}
		return errCut
	}
	do()
	l.p.w.pause()
	if l.down {
		return errCut
	}
	return nil
}

func (l *link) Get(_ context.Context, scope, name, fresh string) (version string, value []byte, err error) {
	err = l.step(func() {
		sc := l.r.scope(scope)
		if len(sc.marks) > 0 {
			return
		}
		if sc.version == "" {
			sc.version = fresh
		}
		version, value = sc.version, sc.values[name]
	})
	return version, value, err
}

func (l *link) Put(_ context.Context, scope, name, version string, value []byte) error {
	return l.step(func() {
		if sc := l.r.scope(scope); len(sc.marks) == 0 && sc.version == version {
			sc.values[name] = value
		}
	})
}

func (l *link) Begin(_ context.Context, scopes []string, mark string) error {
	return l.step(func() {
		for _, name := range scopes {
			sc := l.r.scope(name)
			sc.version, sc.values = "", map[string][]byte{}
			sc.marks[mark] = l.p.w.clock.Add(MarkFor)
		}
	})
}

func (l *link) End(_ context.Context, scopes []string, mark string) error {
	return l.step(func() {
		for _, name := range scopes {
			sc := l.r.scope(name)
			sc.version, sc.values = "", map[string][]byte{}
			delete(sc.marks, mark)
		}
	})
}

// epochs is the store's word, on the clock of the store.
type epochs struct{ p *process }

func (e epochs) CacheEpoch(context.Context) (codeforge.CacheEpoch, error) {
	w := e.p.w
	w.pauses()
	out := w.epoch()
	w.pauses()
	return out, nil
}

func (e epochs) SuspendCache(_ context.Context, d time.Duration) (codeforge.CacheEpoch, error) {
	w := e.p.w
	w.pauses()
	if !w.clock.Before(w.suspendedUntil) {
		w.epochNumber++
		w.suspendedAt = w.clock
	}
	if until := w.clock.Add(d); until.After(w.suspendedUntil) {
		w.suspendedUntil = until
	}
	w.note("the cache is suspended")
	out := w.epoch()
	w.pauses()
	return out, nil
}

func (w *world) epoch() codeforge.CacheEpoch {
	out := codeforge.CacheEpoch{Number: w.epochNumber, Suspended: w.clock.Before(w.suspendedUntil)}
	if out.Suspended {
		out.Since = w.clock.Sub(w.suspendedAt)
	}
	return out
}

// between is a schedule of two or three processes over one remote and one store.
func between(seed uint64, told bool, sabotage func(*Shared) Backend) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 2)), told: told, clock: time.Unix(1_000_000, 0), weak: true}
	r := &modelRemote{w: w, scopes: map[string]*modelScope{}}
	var all []*process
	var links []*link
	for i := range 2 + w.rng.IntN(2) {
		p := &process{w: w}
		l := &link{r: r, p: p}
		s := NewShared(l, epochs{p}, slog.New(slog.DiscardHandler))
		s.self = fmt.Sprint(i)
		s.now = func() time.Time { return w.clock }
		s.pause = func(_ context.Context, d time.Duration) error {
			for until := w.clock.Add(d); w.clock.Before(until); {
				w.pause()
			}
			return nil
		}
		s.await, s.away = w.wait, false
		s.learn(w.epoch(), w.clock)
		var b Backend = s
		if sabotage != nil {
			b = sabotage(s)
		}
		p.store = New(&inner{p: p, undecided: w.rng.IntN(4) == 0}, b)
		p.store.await = w.wait
		all, links = append(all, p), append(links, l)
		for range 1 + w.rng.IntN(2) {
			w.start(p, fmt.Sprintf("process %d reads", i), p.read(2+w.rng.IntN(3)))
		}
		if w.rng.IntN(3) > 0 {
			w.start(p, fmt.Sprintf("process %d writes", i), p.write(1+w.rng.IntN(2)))
		}
		w.start(p, fmt.Sprintf("process %d looks", i), func() {
			for range 6 {
				s.look(context.Background())
				_ = s.pause(context.Background(), lookEvery)
			}
		})
	}
	faults := w.rng.IntN(3) > 0
	w.run(func() {
		if w.rng.IntN(8) == 0 {
			w.clock = w.clock.Add(time.Duration(w.rng.IntN(1200)) * time.Millisecond)
		}
		if !faults {
			return
		}
		switch w.rng.IntN(160) {
		case 0:
			i := w.rng.IntN(len(links))
			links[i].down = !links[i].down
			w.note("the link of process %d is down: %v", i, links[i].down)
		case 1:
			w.note("the remote forgets all")
			r.scopes = map[string]*modelScope{}
		case 2:
			for name := range r.scopes { // which one does not matter
				if w.rng.IntN(2) == 0 {
					w.note("the remote forgets %s", name)
					delete(r.scopes, name)
				}
			}
		case 3:
			r.save()
		case 4:
			w.note("the remote comes back as it was some time ago")
			r.restart()
		case 5:
			i := w.rng.IntN(len(all))
			w.note("process %d dies", i)
			all[i].dead = true
		case 6:
			w.clock = w.clock.Add(time.Duration(w.rng.IntN(20)) * time.Second)
		}
	})
	for _, p := range all {
		d := p.store.Stats()
		w.did.Hits, w.did.Misses, w.did.Shared, w.did.Bypassed = w.did.Hits+d.Hits, w.did.Misses+d.Misses, w.did.Shared+d.Shared, w.did.Bypassed+d.Bypassed
	}
	return w
}

func TestSchedulesBetweenProcesses(t *testing.T) {
	explore(t, schedules(1_000_000, 2_000), func(seed uint64, told bool) *world { return between(seed, told, nil) })
}

// A process that lost the remote for a while keeps nobody from the cache for longer than that and a suspension, however much is written
// meanwhile; and one that only reads uses it too.
func TestSuspensionEnds(t *testing.T) {
	w := &world{rng: rand.New(rand.NewPCG(1, 3)), clock: time.Unix(1_000_000, 0)}
	r := &modelRemote{w: w, scopes: map[string]*modelScope{}}
	var backends []*Shared
	var links []*link
	busy := true
	for i := range 3 {
		p := &process{w: w}
		l := &link{r: r, p: p}
		s := NewShared(l, epochs{p}, slog.New(slog.DiscardHandler))
		s.now, s.await, s.self = func() time.Time { return w.clock }, w.wait, fmt.Sprint(i)
		s.pause = func(_ context.Context, d time.Duration) error {
			for until := w.clock.Add(d); w.clock.Before(until); {
				w.pause()
			}
			return nil
		}
		p.store = New(&inner{p: p}, s)
		p.store.await = w.wait
		backends, links = append(backends, s), append(links, l)
		w.start(p, fmt.Sprintf("process %d looks", i), func() {
			for busy {
				s.look(context.Background())
				_ = s.pause(context.Background(), lookEvery)
			}
		})
		if i < 2 { // the third one only reads
			w.start(p, fmt.Sprintf("process %d writes", i), func() {
				for _, ok := s.usable(); !ok; _, ok = s.usable() { // see Ready
					w.pause()
				}
				for busy {
					p.write(1)()
				}
			})
		}
	}
	began, was := w.clock, false
	usable := func() bool {
		for _, s := range backends {
			if _, ok := s.usable(); !ok {
				return false
			}
		}
		return true
	}
	w.run(func() {
		w.clock = w.clock.Add(20 * time.Millisecond)
		switch at := w.clock.Sub(began); {
		case at > 5*time.Second && at < 25*time.Second:
			if !was && !usable() {
				w.fault = "not usable five seconds after the start"
			}
			was, links[0].down = true, true
		case at >= 25*time.Second && at < 46*time.Second:
			links[0].down = false
		case at >= 46*time.Second:
			if busy && !usable() {
				w.fault = "not usable twenty seconds after the remote came back"
			}
			busy = false
		}
	})
	if w.fault != "" || w.epochNumber == 0 {
		t.Error(w.fault, w.epochNumber)
	}
}

func TestSchedulesBetweenProcessesFindFaults(t *testing.T) {
	for name, sabotage := range map[string]func(*Shared) Backend{
		"nobody else is told where the remote is away":  func(s *Shared) Backend { return tellsNobody{s} },
		"who was told is not waited for":                func(s *Shared) Backend { return waitsForNobody(s) },
		"an answer counts though the epoch may be over": func(s *Shared) Backend { return believesAll{s} },
		"writes end before they are done":               func(s *Shared) Backend { return endsEarly{s} },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := uint64(2_600); seed < 200_000; seed++ { // where all are found soon
				if w := between(seed, false, sabotage); w.fault != "" {
					t.Logf("schedule %d: %s", seed, w.fault)
					return
				}
			}
			t.Error("nothing was found")
		})
	}
}

type tellsNobody struct{ *Shared }

func (b tellsNobody) End(ctx context.Context, m Mark, decided bool) error {
	epoch, _ := b.usable()
	_ = b.remote.End(ctx, scopeNames(epoch, m.(sharedMark).scopes), m.(sharedMark).name)
	return nil
}

func waitsForNobody(s *Shared) Backend {
	s.pause = func(context.Context, time.Duration) error { return nil }
	return s
}

type believesAll struct{ *Shared }

func (b believesAll) Get(ctx context.Context, k Key) (any, Ticket) {
	version, value, err := b.remote.Get(ctx, scopeName(b.epoch, k.Scope), k.Name, b.unique())
	if err != nil || version == "" {
		return nil, nil
	}
	if value != nil {
		if data, err := decode(value); err == nil {
			return data, nil
		}
	}
	return nil, sharedTicket{b.epoch, version}
}

type endsEarly struct{ *Shared }

func (b endsEarly) Begin(ctx context.Context, scopes []Scope) Mark {
	m := b.Shared.Begin(ctx, scopes)
	_ = b.Shared.End(ctx, m, true)
	return m
}

func (b endsEarly) End(context.Context, Mark, bool) error { return nil }

func TestKeptForms(t *testing.T) {
	at := time.Date(2026, 11, 27, 9, 5, 0, 123456789, time.UTC)
	job := codeforge.Job{ID: "j", Input: []byte(`{ "a" : "<b>" }`), Result: []byte{}, Progress: 12.5, Base: -1, Proposal: &codeforge.Proposal{Base: 3, Verified: true, CreatedAt: at}, StartedAt: &at, CreatedAt: at}
	for _, v := range []any{
		codeforge.Project{}, codeforge.Project{ID: "p", TechStack: []string{}, Requirements: []byte("null"), Revision: 1 << 40, UpdatedAt: at}, codeforge.Project{TechStack: []string{"go", ""}},
		projectPage{}, projectPage{[]codeforge.Project{{ID: "a"}, {ID: "b", CreatedAt: at}}, 7}, codeforge.File{Path: "src/ä.ts", Content: strings.Repeat("x", 100_000), Size: 100_000}, job,
	} {
		b := encode(v)
		got, err := decode(b)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%+v came back as %+v, %v", v, got, err)
		}
		for n := range min(len(b), 300) {
			if got, err := decode(b[:n]); err == nil {
				t.Errorf("%d of %d bytes are %+v", n, len(b), got)
			}
		}
	}
	b := encode(job)
	b[0]++
	if _, err := decode(b); err == nil {
		t.Error("a value of another version was read")
	}
}
