package cache

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"os"
	"testing"
	"time"

	"codeforge"
)

// The simulation runs the cache itself, under schedules that a seed decides: readers and writers are coroutines, which stop before
// each step that others could come between, and go on when the schedule says so. The store behind is a number for each project,
// which each write raises. What is demanded is what users of one machine with one copy of the data would see: a read never
// returns an older number than a write that was acknowledged, or a read that was answered, before it began.

// world is one schedule.
type world struct {
	rng     *rand.Rand
	actors  []*actor
	current *actor
	rows    [2]int64 // what the store holds of each project
	acked   [2]int64 // the newest number that somebody was told
	seen    [2]int64 // the newest number that somebody was told or has read
	late    []func() // commits that will come after their writers gave up
	weak    bool     // only acknowledged writes count: marks may be lost
	fault   string   // what went wrong
	did     Stats    // of all processes
	log     []string // what happened, if it is asked for
	told    bool

	clock                       time.Time
	epochNumber                 int64
	suspendedAt, suspendedUntil time.Time
}

// process is a server: what it does ends when it dies.
type process struct {
	w     *world
	store *Store
	dead  bool
}

type actor struct {
	name  string
	in    *process
	next  func() (struct{}, bool)
	stop  func()
	yield func(struct{}) bool
}

// died is the panic of an actor whose process is dead.
type died struct{}

func (w *world) note(format string, args ...any) {
	if w.told {
		name := "-"
		if w.current != nil {
			name = w.current.name
		}
		w.log = append(w.log, name+": "+fmt.Sprintf(format, args...))
	}
}

// pause is where others may come in between.
func (w *world) pause() {
	a := w.current
	if a == nil || a.in.dead { // it is on its way out
		panic(died{})
	}
	if a.yield(struct{}{}); a.in.dead {
		panic(died{})
	}
}

// pauses are some, as of something slow.
func (w *world) pauses() {
	for range w.rng.IntN(4) {
		w.pause()
	}
}

// start adds an actor.
func (w *world) start(p *process, name string, do func()) {
	a := &actor{name: name, in: p}
	a.next, a.stop = iter.Pull(func(yield func(struct{}) bool) {
		defer func() {
			if v := recover(); v != nil && v != (died{}) {
				panic(v)
			}
		}()
		a.yield = yield
		w.pause()
		do()
	})
	w.actors = append(w.actors, a)
}

// run lets the actors go on in some order until all have ended, with things that happen between their steps.
func (w *world) run(happens func()) {
	for steps := 0; len(w.actors) > 0 || len(w.late) > 0; steps++ {
		if steps > 10_000 {
			w.fault = "it does not end"
			return
		}
		happens()
		i := w.rng.IntN(len(w.actors) + len(w.late))
		if i >= len(w.actors) {
			i -= len(w.actors)
			w.late[i]()
			w.late = append(w.late[:i], w.late[i+1:]...)
			continue
		}
		w.current = w.actors[i]
		if _, more := w.current.next(); !more {
			w.actors[i] = w.actors[len(w.actors)-1]
			w.actors = w.actors[:len(w.actors)-1]
		}
		w.current = nil
		if w.fault != "" {
			break
		}
	}
	for _, a := range w.actors { // after a fault
		a.in.dead = true
		a.stop()
	}
}

// inner is the store behind, as one process sees it.
type inner struct {
	Inner
	p         *process
	undecided bool // writes may fail without an answer, and be done later
}

var projects = [2]string{"a", "b"}

func index(id string) int {
	if id == projects[0] {
		return 0
	}
	return 1
}

func (s *inner) GetProject(_ context.Context, _ codeforge.User, id string) (codeforge.Project, error) {
	w := s.p.w
	w.pauses()
	n := w.rows[index(id)]
	w.note("reads %d of %s", n, id)
	w.pauses()
	if w.rng.IntN(20) == 0 {
		return codeforge.Project{}, errors.New("the store is away")
	}
	return codeforge.Project{ID: id, Revision: n}, nil
}

func (s *inner) UpdateProject(_ context.Context, _ codeforge.User, id string, _ codeforge.ProjectPatch) (codeforge.Project, error) {
	w := s.p.w
	w.pauses()
	if w.rng.IntN(10) == 0 {
		w.note("is refused")
		return codeforge.Project{}, codeforge.Conflictf("it is archived")
	}
	commit := func() int64 {
		w.rows[index(id)]++
		w.note("commits %d of %s", w.rows[index(id)], id)
		return w.rows[index(id)]
	}
	if s.undecided && w.rng.IntN(6) == 0 {
		if w.rng.IntN(2) == 0 {
			w.note("gives up")
			w.late = append(w.late, func() { commit() })
		} else {
			commit()
		}
		return codeforge.Project{}, errors.New("no answer came")
	}
	n := commit()
	w.pauses()
	return codeforge.Project{ID: id, Revision: n}, nil
}

func (p *process) read(times int) func() {
	return func() {
		w := p.w
		for range times {
			i := w.rng.IntN(2)
			least := w.acked[i]
			if !w.weak {
				least = w.seen[i]
			}
			got, err := p.store.GetProject(context.Background(), codeforge.User{ID: "u"}, projects[i])
			if err != nil {
				continue
			}
			w.note("is answered %d of %s", got.Revision, projects[i])
			if got.Revision < least {
				w.fault = fmt.Sprintf("read %d of %s after %d", got.Revision, projects[i], least)
			}
			w.seen[i] = max(w.seen[i], got.Revision)
			w.pause()
		}
	}
}

func (p *process) write(times int) func() {
	return func() {
		w := p.w
		for range times {
			i := w.rng.IntN(2)
			got, err := p.store.UpdateProject(context.Background(), codeforge.User{ID: "u"}, projects[i], codeforge.ProjectPatch{})
			if err == nil {
				w.note("is told that %d of %s is written", got.Revision, projects[i])
				w.acked[i] = max(w.acked[i], got.Revision)
				w.seen[i] = max(w.seen[i], got.Revision)
			}
			w.pause()
		}
	}
}

// wait is await for coroutines.
func (w *world) wait(_ context.Context, done <-chan struct{}) {
	for {
		select {
		case <-done:
			return
		default:
			w.pause()
		}
	}
}

// inProcess is a schedule of one process that has a store to itself. sabotage may put something before the backend.
func inProcess(seed uint64, told bool, sabotage func(Backend) Backend) *world {
	w := &world{rng: rand.New(rand.NewPCG(seed, 1)), told: told}
	memory := NewMemory(4 * (entryCost + projectCost + 50)) // which holds four
	var b Backend = memory
	if sabotage != nil {
		b = sabotage(memory)
	}
	p := &process{w: w}
	p.store = New(&inner{p: p}, b)
	p.store.await = w.wait
	for i := range 2 + w.rng.IntN(2) {
		w.start(p, fmt.Sprint("reader ", i), p.read(1+w.rng.IntN(3)))
	}
	for i := range 1 + w.rng.IntN(2) {
		w.start(p, fmt.Sprint("writer ", i), p.write(1+w.rng.IntN(2)))
	}
	w.run(func() {
		switch w.rng.IntN(40) {
		case 0:
			w.note("all is dropped")
			_ = memory.Clear(context.Background())
		case 1: // something else pushes out what was not used for longest
			k := Key{Scope{"v", "project:c"}, "row"}
			if _, t := memory.Get(context.Background(), k); t != nil {
				memory.Put(context.Background(), k, t, Value{codeforge.Project{}, projectCost})
			}
		}
	})
	w.did = p.store.Stats()
	if w.fault == "" && len(memory.scopes) > len(memory.kept.by) {
		w.fault = fmt.Sprintf("%d scopes are known, of %d things", len(memory.scopes), len(memory.kept.by))
	}
	return w
}

// schedules is how many are simulated.
func schedules(soak, else_ int) int {
	if os.Getenv("CODEFORGE_SOAK") != "" {
		return soak
	}
	return else_
}

// explore demands that no schedule has a fault, and that they are such that something could have been wrong.
func explore(t *testing.T, n int, schedule func(seed uint64, told bool) *world) {
	t.Helper()
	var all Stats
	for seed := range uint64(n) {
		w := schedule(seed, false)
		all.Hits, all.Misses, all.Shared, all.Bypassed = all.Hits+w.did.Hits, all.Misses+w.did.Misses, all.Shared+w.did.Shared, all.Bypassed+w.did.Bypassed
		if w.fault != "" {
			again := schedule(seed, true)
			for _, line := range again.log {
				t.Log(line)
			}
			t.Fatalf("schedule %d: %s", seed, w.fault)
		}
	}
	t.Logf("%d schedules: %+v", n, all)
	if least := int64(n / 50); all.Hits < least || all.Misses < least || all.Shared < least || all.Bypassed < least {
		t.Errorf("the schedules show little: %+v", all)
	}
}

func TestSchedulesInProcess(t *testing.T) {
	explore(t, schedules(1_000_000, 10_000), func(seed uint64, told bool) *world { return inProcess(seed, told, nil) })
}

// A simulation that finds nothing is worth as much as what it would find.
func TestSchedulesFindFaults(t *testing.T) {
	for name, sabotage := range map[string]func(Backend) Backend{
		"what was read before a write is kept after it": func(b Backend) Backend { return keepsAll{b.(*Memory)} },
		"writes mark nothing before they commit":        func(b Backend) Backend { return marksLate{b.(*Memory)} },
		"writes drop nothing":                           func(b Backend) Backend { return dropsNothing{b.(*Memory)} },
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20_000) {
				if w := inProcess(seed, false, sabotage); w.fault != "" {
					t.Logf("schedule %d: %s", seed, w.fault)
					return
				}
			}
			t.Error("nothing was found")
		})
	}
}

type keepsAll struct{ *Memory }

func (b keepsAll) Put(ctx context.Context, k Key, t Ticket, v Value) {
	b.Release(k, t)
	if _, newest := b.Memory.Get(ctx, k); newest != nil {
		b.Memory.Put(ctx, k, newest, v)
	}
}

type marksLate struct{ *Memory }

func (b marksLate) Begin(_ context.Context, scopes []Scope) Mark { return scopes }

func (b marksLate) End(ctx context.Context, m Mark, decided bool) error {
	return b.Memory.End(ctx, b.Memory.Begin(ctx, m.([]Scope)), decided)
}

type dropsNothing struct{ *Memory }

func (b dropsNothing) Begin(_ context.Context, scopes []Scope) Mark { return scopes }
func (b dropsNothing) End(context.Context, Mark, bool) error        { return nil }
