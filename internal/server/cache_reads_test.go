package server

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/cache"
	"codeforge/internal/postgres"
	"codeforge/internal/redis"
	"codeforge/internal/redis/redistest"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
)

// dying is a backend whose process may die between a commit and what comes after it.
type dying struct {
	cache.Backend
	dies atomic.Bool // the next write does
}

var errDied, errNoAnswer = errors.New("the process died"), errors.New("no answer")

func (d *dying) End(ctx context.Context, m cache.Mark, decided bool) error {
	if _, shared := d.Backend.(*cache.Shared); shared && d.dies.Swap(false) {
		return errDied
	}
	return d.Backend.End(ctx, m, decided)
}

// cuttable is a remote that can be cut off.
type cuttable struct {
	cache.Remote
	cut atomic.Bool
}

func (c *cuttable) answer(err error) error {
	if c.cut.Load() {
		return errNoAnswer
	}
	return err
}

func (c *cuttable) Get(ctx context.Context, scope, name, fresh string) (string, []byte, error) {
	version, value, err := c.Remote.Get(ctx, scope, name, fresh)
	return version, value, c.answer(err)
}

func (c *cuttable) Put(ctx context.Context, scope, name, version string, value []byte) error {
	return c.answer(c.Remote.Put(ctx, scope, name, version, value))
}

func (c *cuttable) Begin(ctx context.Context, scopes []string, mark string) error {
	if c.cut.Load() {
		return errNoAnswer
	}
	return c.answer(c.Remote.Begin(ctx, scopes, mark))
}

func (c *cuttable) End(ctx context.Context, scopes []string, mark string) error {
	if c.cut.Load() {
		return errNoAnswer
	}
	return c.answer(c.Remote.End(ctx, scopes, mark))
}

// racedProject is a project of which each acknowledged write is known.
type racedProject struct {
	u       codeforge.User
	id      string
	written atomic.Int64 // the newest acknowledged revision
}

// race has readers and writers of one project meet, each on one of the servers, and demands that no read is older than what was
// acknowledged when it began.
func race(t *testing.T, rng *rand.Rand, servers []*cache.Store, p *racedProject) {
	var all sync.WaitGroup
	for range 2 + rng.IntN(3) {
		s, file := servers[rng.IntN(len(servers))], rng.IntN(3) == 0
		all.Go(func() {
			for range 5 {
				least := p.written.Load()
				var got int64
				if file {
					f, err := s.GetFile(t.Context(), p.u, p.id, "a.ts")
					if err != nil {
						t.Error(err)
					}
					got = f.Revision
				} else {
					row, err := s.GetProject(t.Context(), p.u, p.id)
					if err != nil {
						t.Error(err)
					}
					got = row.Revision
				}
				if got < least {
					t.Errorf("read revision %d after %d was acknowledged", got, least)
				}
			}
		})
	}
	for range max(0, rng.IntN(6)-3) {
		s, n := servers[rng.IntN(len(servers))], rng.Int64()
		all.Go(func() {
			f, err := s.WriteFile(t.Context(), p.u, p.id, codeforge.FileWrite{Path: "a.ts", Content: fmt.Sprint(n)})
			if errors.Is(err, errDied) {
				return
			}
			if err != nil {
				t.Error(err)
			}
			for old := p.written.Load(); f.Revision > old && !p.written.CompareAndSwap(old, f.Revision); old = p.written.Load() {
			}
		})
	}
	all.Wait()
}

// races is how many are run.
func races(soak, normal int) int {
	if os.Getenv("CODEFORGE_SOAK") != "" {
		return soak
	}
	return normal
}

func raced(t *testing.T, s *cache.Store) *racedProject {
	t.Helper()
	p := &racedProject{u: codeforge.User{ID: codeforge.NewID(), Role: "authenticated"}}
	row, err := s.CreateProject(t.Context(), p.u, codeforge.Project{Title: "Watched"})
	if err == nil {
		p.id = row.ID
		_, err = s.WriteFile(t.Context(), p.u, p.id, codeforge.FileWrite{Path: "a.ts", Content: "first"})
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestReadsOfTheEmbeddedStore(t *testing.T) {
	db, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	memory := cache.NewMemory(1 << 20)
	s := cache.New(db, memory)
	rng := rand.New(rand.NewPCG(1, 1))
	p := raced(t, s)
	for i := range races(20_000, 400) {
		if rng.IntN(20) == 0 {
			_ = memory.Clear(t.Context())
		}
		if i%100 == 99 {
			p = raced(t, s)
		}
		race(t, rng, []*cache.Store{s}, p)
	}
	t.Logf("%+v", s.Stats())
	if s.Stats().Hits == 0 {
		t.Error("nothing was found")
	}
}

func TestReadsOverRedis(t *testing.T) {
	shared := redistest.Start(t)
	url, _ := freshDatabase(t)
	var servers []*cache.Store
	var links []*cuttable
	var processes []*dying
	for range 3 {
		db, _, err := postgres.Open(t.Context(), postgres.Options{URL: url, MaxConns: 4})
		if err != nil {
			t.Fatal(err)
		}
		client, err := redis.Open(redis.Options{URL: shared.URL(), Prefix: "test", Log: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
		client.Meet("store")
		link := &cuttable{Remote: redis.NewKept(client, cache.MarkFor, cache.KeepFor)}
		b := cache.NewShared(link, db, slog.New(slog.DiscardHandler))
		ctx, stop := context.WithCancel(t.Context())
		var watch sync.WaitGroup
		watch.Go(func() { b.Watch(ctx) })
		t.Cleanup(func() {
			stop()
			watch.Wait()
			client.Close()
			db.Close()
		})
		b.Ready(t.Context(), 10*time.Second)
		d := &dying{Backend: b}
		servers, links, processes = append(servers, cache.New(db, d)), append(links, link), append(processes, d)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	p := raced(t, servers[0])
	n := races(20_000, 120)
	for i := range n {
		every := min(n, 4000)
		if i%every == every-5 { // what follows waits, and finds nothing for a while
			links[rng.IntN(len(links))].cut.Store(true)
		} else if i%every == every-1 {
			for _, l := range links {
				l.cut.Store(false)
			}
		}
		var doomed *dying
		switch rng.IntN(120) {
		case 0:
			shared.Do(t, "FLUSHALL")
		case 1:
			doomed = processes[rng.IntN(len(processes))]
			doomed.dies.Store(true)
		case 3:
			if i > 200 { // it takes a while
				shared.Restart(t)
			}
		}
		race(t, rng, servers, p)
		if doomed != nil {
			doomed.dies.Store(false)
		}
		if doomed != nil || i%100 == 99 { // what a dead process leaves lasts for minutes
			p = raced(t, servers[1])
		}
	}
	var hits int64
	for _, s := range servers {
		t.Logf("%+v", s.Stats())
		hits += s.Stats().Hits
	}
	if hits == 0 {
		t.Error("nothing was found")
	}
}
