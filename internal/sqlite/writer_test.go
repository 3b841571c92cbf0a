package sqlite

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"codeforge"
	"codeforge/internal/storetest"
)

func openHere(t *testing.T, o Options) *Store {
	t.Helper()
	s, err := Open(t.Context(), t.TempDir(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := s.write(t.Context(), func(c *conn) error { return c.script("CREATE TABLE t(k TEXT PRIMARY KEY, v TEXT)") }); err != nil {
		t.Fatal(err)
	}
	return s
}

func put(k string) func(*conn) error {
	return func(c *conn) error {
		_, _, err := c.exec("INSERT INTO t(k) VALUES(?)", k)
		return err
	}
}

func keys(t *testing.T, s *Store) string {
	t.Helper()
	var all []string
	err := s.read(t.Context(), func(c *conn) error {
		return c.each("SELECT k FROM t ORDER BY k", nil, func(r row) error {
			all = append(all, "")
			return r.scan(&all[len(all)-1])
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " ")
}

// together runs writes in one batch and returns their errors: the writer is held until all wait.
func together(t *testing.T, s *Store, all ...func(*conn) error) []error {
	t.Helper()
	held, free := make(chan struct{}), make(chan struct{})
	var once sync.Once
	var g sync.WaitGroup
	g.Go(func() {
		s.write(t.Context(), func(*conn) error {
			once.Do(func() { close(held) })
			<-free
			return nil
		})
	})
	<-held
	errs := make([]error, len(all))
	for i, do := range all {
		waits := len(s.queue)
		g.Go(func() { errs[i] = s.write(t.Context(), do) })
		for len(s.queue) == waits { // in this order
			runtime.Gosched()
		}
	}
	close(free)
	g.Wait()
	return errs
}

func TestWaitingWritesShareACommit(t *testing.T) {
	var commits atomic.Int32
	s := openHere(t, Options{Fault: func() (bool, error) { commits.Add(1); return false, nil }})
	before := commits.Load()
	var all []func(*conn) error
	for i := range 100 {
		all = append(all, put(fmt.Sprint(i)))
	}
	for _, err := range together(t, s, all...) {
		if err != nil {
			t.Fatal(err)
		}
	}
	if got := commits.Load() - before; got != 2 { // the one that held the writer, and the hundred
		t.Fatalf("%d commits", got)
	}
	if got := len(strings.Fields(keys(t, s))); got != 100 {
		t.Fatalf("%d rows", got)
	}
}

func TestOneFailureLeavesTheOthers(t *testing.T) {
	s := openHere(t, Options{})
	refused := codeforge.Conflictf("no")
	errs := together(t, s,
		put("a"),
		func(c *conn) error { return errors.Join(put("b")(c), refused) },
		func(c *conn) error { put("c")(c); panic("oops") },
		put("a"), // breaks a constraint
		func(c *conn) error { return refused },
		put("d"),
	)
	for i, want := range []bool{true, false, false, false, false, true} {
		if (errs[i] == nil) != want {
			t.Errorf("write %d: %v", i, errs[i])
		}
	}
	if !errors.Is(errs[1], refused) || !strings.Contains(errs[2].Error(), "oops") || errs[4] != error(refused) {
		t.Errorf("errors %v", errs)
	}
	if got := keys(t, s); got != "a d" {
		t.Errorf("rows %s", got)
	}
}

func TestRefusalBeforeAnyWriteRunsNothingTwice(t *testing.T) {
	s := openHere(t, Options{})
	runs := 0
	errs := together(t, s,
		func(c *conn) error { runs++; return put("a")(c) },
		func(c *conn) error { runs++; return codeforge.NotFound("Project", "x") },
		func(c *conn) error { runs++; return codeforge.ErrFenced })
	if runs != 3 || errs[0] != nil || errs[1] == nil || !errors.Is(errs[2], codeforge.ErrFenced) {
		t.Fatalf("%d runs, %v", runs, errs)
	}
}

func TestCommitThatFails(t *testing.T) {
	var fault atomic.Pointer[func() (bool, error)]
	none := func() (bool, error) { return false, nil }
	fault.Store(&none)
	s := openHere(t, Options{Fault: func() (bool, error) { return (*fault.Load())() }})
	broken := errors.New("disk gone")
	for _, applied := range []bool{false, true} {
		fail := func() (bool, error) { return applied, broken }
		fault.Store(&fail)
		for i, err := range together(t, s, put(fmt.Sprint(applied, 1)), put(fmt.Sprint(applied, 2))) {
			if e, ok := errors.AsType[*codeforge.Error](err); !ok || e.Kind != codeforge.Unavailable || !e.Retryable || !errors.Is(err, broken) {
				t.Errorf("write %d: %v", i, err)
			}
		}
		fault.Store(&none)
		if err := s.write(t.Context(), put(fmt.Sprint("after", applied))); err != nil {
			t.Errorf("afterwards: %v", err)
		}
	}
	if got := keys(t, s); got != "aftertrue afterfalse true 1 true 2" && got != "afterfalse aftertrue true 1 true 2" {
		t.Errorf("rows %s", got)
	}
}

// A commit that fails must not leave what it wrote in the writer's memory.
func TestRolledBackJobIsForgotten(t *testing.T) {
	var broken atomic.Bool
	s := openHere(t, Options{Fault: func() (bool, error) {
		if broken.Load() {
			return false, errors.New("disk gone")
		}
		return false, nil
	}})
	u := codeforge.LocalUser()
	p, err := s.CreateProject(t.Context(), u, codeforge.Project{Title: "Project"})
	if err != nil {
		t.Fatal(err)
	}
	j, _, _, err := s.SubmitJob(t.Context(), u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA})
	if err != nil {
		t.Fatal(err)
	}
	lost := codeforge.NewID()
	broken.Store(true)
	if _, _, err := storetest.Claim(t.Context(), s, j.ID, "w", 1e9); err == nil {
		t.Fatal("claimed")
	}
	if _, _, _, err := s.SubmitJob(t.Context(), u, codeforge.NewJob{ID: lost, ProjectID: p.ID, Agent: codeforge.QA}); err == nil {
		t.Fatal("submitted")
	}
	broken.Store(false)
	if j, ok, err := storetest.Claim(t.Context(), s, j.ID, "w", 1e9); err != nil || !ok || j.Fence != 1 {
		t.Fatalf("claim %d: %t %v", j.Fence, ok, err)
	}
	if _, ok, err := storetest.Claim(t.Context(), s, lost, "w", 1e9); err != nil || ok {
		t.Fatalf("claimed what was never stored: %t %v", ok, err)
	}
}

func TestFullDisk(t *testing.T) {
	s := openHere(t, Options{})
	limit := func(pages int64) {
		if err := s.write(t.Context(), func(c *conn) error {
			var n int64
			_, err := c.one(fmt.Sprintf("PRAGMA max_page_count(%d)", pages), nil, &n)
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	limit(1) // which SQLite raises to what there is
	errs := together(t, s, put("small"), func(c *conn) error {
		_, _, err := c.exec("INSERT INTO t(k, v) VALUES('big', ?)", strings.Repeat("x", 1<<20))
		return err
	})
	if errs[1] == nil {
		t.Fatal("a full disk took a megabyte")
	}
	// SQLite may end the whole transaction then, so the small one is allowed to fail, but not to be stored and reported lost.
	if got := keys(t, s); (errs[0] == nil) != (got == "small") {
		t.Fatalf("error %v, rows %q", errs[0], got)
	}
	limit(1 << 30)
	if err := s.write(t.Context(), put("later")); err != nil {
		t.Fatal(err)
	}
}

func TestContextThatEnds(t *testing.T) {
	s := openHere(t, Options{})
	gone := errors.New("gone home")
	held, free := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancelCause(t.Context())
	var g sync.WaitGroup
	g.Go(func() {
		// Its closure has begun, so its context counts no more.
		if err := s.write(ctx, func(c *conn) error { close(held); <-free; return put("begun")(c) }); err != nil {
			t.Error(err)
		}
	})
	<-held
	ran := false
	g.Go(func() {
		if err := s.write(ctx, func(c *conn) error { ran = true; return nil }); !errors.Is(err, gone) {
			t.Errorf("waiting: %v", err)
		}
		close(free)
	})
	for len(s.queue) == 0 {
		runtime.Gosched()
	}
	cancel(gone)
	g.Wait()
	if err := s.write(t.Context(), put("z")); err != nil {
		t.Fatal(err)
	}
	if got := keys(t, s); got != "begun z" || ran {
		t.Fatalf("rows %s, ran %t", got, ran)
	}
	if err := s.write(ctx, put("late")); !errors.Is(err, gone) {
		t.Fatal(err)
	}
	if err := s.read(ctx, func(*conn) error { return nil }); !errors.Is(err, gone) {
		t.Fatal(err)
	}
}

func TestCloseUnderLoad(t *testing.T) {
	for range 10 {
		dir := t.TempDir()
		s, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		u := codeforge.LocalUser()
		var stored atomic.Int64
		var g sync.WaitGroup
		for range 8 {
			g.Go(func() {
				for {
					_, err := s.CreateProject(t.Context(), u, codeforge.Project{Title: "Project"})
					if err == nil {
						stored.Add(1)
						_, err = s.GetProject(t.Context(), u, "x")
						if codeforge.IsKind(err, codeforge.Missing) {
							err = nil
						}
					}
					if err != nil {
						if !codeforge.IsKind(err, codeforge.Unavailable) {
							t.Error(err)
						}
						return
					}
				}
			})
		}
		for stored.Load() < 20 {
			runtime.Gosched()
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		g.Wait()
		if err := s.Close(); err != nil {
			t.Fatal("closed again:", err)
		}
		if s, err = Open(t.Context(), dir, Options{}); err != nil {
			t.Fatal(err)
		}
		_, total, err := s.ListProjects(t.Context(), u, codeforge.ProjectFilter{Page: 1, Size: 1})
		if err != nil || int64(total) != stored.Load() {
			t.Fatalf("%d answered, %d stored, %v", stored.Load(), total, err)
		}
		s.Close()
	}
}
