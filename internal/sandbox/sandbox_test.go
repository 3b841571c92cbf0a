package sandbox

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestMain(m *testing.M) {
	if IsChild() {
		Serve(serveTestRequest)
	}
	if len(os.Args) > 1 && os.Args[1] == "program" {
		testProgram(os.Args[2:])
	}
	os.Exit(m.Run())
}

// serveTestRequest is what children of these tests do: what the request says.
func serveTestRequest(w Work) []byte {
	word, rest, _ := strings.Cut(string(w.Request), " ")
	w.At(word)
	switch word {
	case "pid":
		return []byte(strconv.Itoa(os.Getpid()))
	case "die":
		os.Exit(3)
	case "panic":
		panic(strings.Repeat("secret ", 200_000))
	case "memory":
		all := []byte{1}
		for {
			all = append(all, all...)
		}
	case "stack":
		var deeper func(n int) int
		deeper = func(n int) int { return deeper(n+1) + n }
		deeper(0)
	case "forever":
		select {}
	case "spin":
		for n := 1; n != 0; n |= 1 {
		}
	case "ask":
		return askAll(w, rest)
	case "overask":
		send(frameQuestion, make([]byte, maxQuestion+1))
		select {}
	case "large":
		return make([]byte, 1<<20)
	}
	return []byte(rest)
}

func say(s string) Request {
	return Request{Size: len(s), MaxAnswer: 1 << 10, Write: func(w io.Writer) error { _, err := io.WriteString(w, s); return err }}
}

func newPool(t *testing.T, o Options) *Pool {
	t.Helper()
	p := New(o)
	t.Cleanup(p.Close)
	return p
}

func (p *Pool) pid(t *testing.T) string {
	t.Helper()
	pid, err := p.Do(t.Context(), "u", say("pid"))
	if err != nil {
		t.Fatal(err)
	}
	return string(pid)
}

func TestAnswers(t *testing.T) {
	p := newPool(t, Options{})
	for _, text := range []string{"", "echo ", "echo hello", "echo " + strings.Repeat("x", 1000)} {
		_, want, _ := strings.Cut(text, " ")
		if got, err := p.Do(t.Context(), "u", say(text)); err != nil || string(got) != want {
			t.Errorf("%.20q: %.20q %v", text, got, err)
		}
	}
	if first := p.pid(t); first != p.pid(t) {
		t.Error("a child that is ready was not used again")
	}
}

// Each end of a child is told apart, costs two children, and leaves the pool as it was.
func TestChildEndings(t *testing.T) {
	p := newPool(t, Options{Memory: 256 << 20})
	for word, want := range map[string]Reason{"die": Died, "panic": Died, "memory": OutOfMemory, "stack": OutOfStack, "large": Died} {
		before := p.pid(t)
		_, err := p.Do(t.Context(), "u", say(word))
		crash, ok := errors.AsType[*Crash](err)
		if !ok || crash.Reason != want || runtime.GOOS == "linux" && crash.At != word {
			t.Errorf("%s: %v %+v", word, err, crash)
		}
		if strings.Contains(err.Error(), "secret") {
			t.Error(err)
		}
		if after := p.pid(t); after == before {
			t.Errorf("%s: the child that died answers", word)
		}
	}
	if err := p.Healthy(); err != nil {
		t.Error(err)
	}
}

// What somebody else's signals end is begun again, more than once.
func TestKilledFromOutside(t *testing.T) {
	p := newPool(t, Options{})
	var kills int
	r := say("echo done")
	r.Write = func(w io.Writer) error {
		if kills++; kills < maxTries {
			p.mu.Lock()
			for c := range p.all {
				_ = c.cmd.Process.Kill()
			}
			p.mu.Unlock()
		}
		_, err := io.WriteString(w, "echo done")
		return err
	}
	if got, err := p.Do(t.Context(), "u", r); err != nil || string(got) != "done" || kills != maxTries {
		t.Errorf("%q %v after %d kills", got, err, kills-1)
	}
}

// What takes too long is killed, also when it never lets the scheduler in, and is not tried again.
func TestDeadline(t *testing.T) {
	p := newPool(t, Options{Deadline: 300 * time.Millisecond})
	for _, word := range []string{"forever", "spin"} {
		_, err := p.Do(t.Context(), "u", say(word))
		if crash, ok := errors.AsType[*Crash](err); !ok || crash.Reason != OutOfTime || runtime.GOOS == "linux" && crash.At != word {
			t.Errorf("%s: %v", word, err)
		}
	}
	p.pid(t)
}

// When the caller leaves its child is killed, and the next one has another.
func TestCancelled(t *testing.T) {
	p := newPool(t, Options{Children: 2})
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	begun := say("spin")
	begun.Write = func(w io.Writer) error {
		_, err := io.WriteString(w, "spin")
		cancel(gone)
		return err
	}
	if _, err := p.Do(ctx, "u", begun); err != gone {
		t.Error(err)
	}
	p.pid(t)
	if _, err := p.Do(ctx, "u", say("echo")); err != gone {
		t.Error(err)
	}
	p.Close()
	if _, err := p.Do(t.Context(), "u", say("echo")); !errors.Is(err, ErrUnavailable) {
		t.Errorf("after Close: %v", err)
	}
}

// A child that was killed while it waited is not noticed by anybody.
func TestChildKilledWhileIdle(t *testing.T) {
	p := newPool(t, Options{Warm: 1})
	pid, _ := strconv.Atoi(p.pid(t))
	child, err := os.FindProcess(pid)
	if err != nil {
		t.Fatal(err)
	}
	child.Kill()
	if after := p.pid(t); after == strconv.Itoa(pid) {
		t.Error("the child is not dead")
	}
}

// Whoever asks for everything at once gets half, and who comes next is let in at once; a third one waits for a place and
// gets the first.
func TestShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(4, 0)
		var mu sync.Mutex
		var greedy, third []*place
		ask := func(user string, got *[]*place) {
			go func() {
				if p, err := l.enter(t.Context(), user, nil); err == nil {
					mu.Lock()
					defer mu.Unlock()
					*got = append(*got, p)
				}
			}()
			synctest.Wait()
		}
		for range 10 {
			ask("greedy", &greedy)
		}
		var other []*place
		ask("other", &other)
		ask("other", &other)
		if len(greedy) != 2 || len(other) != 2 {
			t.Fatalf("%d and %d of four places", len(greedy), len(other))
		}
		ask("third", &third)
		l.leave(greedy[0])
		synctest.Wait()
		if len(greedy) != 2 || len(third) != 1 {
			t.Fatalf("the place did not go to who has none: %d, %d", len(greedy), len(third))
		}
		l.leave(third[0])
		synctest.Wait()
		if len(greedy) != 3 {
			t.Error("a place is left unused")
		}
		ctx, cancel := context.WithCancelCause(t.Context())
		gone := errors.New("gone")
		go func() {
			if _, err := l.enter(ctx, "other", nil); err != gone {
				t.Error(err)
			}
		}()
		synctest.Wait()
		cancel(gone)
		for _, p := range append(greedy[1:], other...) {
			l.leave(p)
		}
		synctest.Wait() // the seven that wait take their turns
		for len(greedy) < 10 {
			l.leave(greedy[len(greedy)-1])
			synctest.Wait()
		}
		l.leave(greedy[9])
		l.leave(greedy[8])
		synctest.Wait()
		if l.free != 4 || len(l.waiting) != 0 || len(l.running) != 0 {
			t.Errorf("%+v", l)
		}
	})
}

// Work that is slow makes way as soon as somebody else waits, and not for its own user's.
func TestSlowWorkMakesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLane(2, quantum)
		yielded := map[string]int{}
		enter := func(user string) (p *place) {
			p, err := l.enter(t.Context(), user, func() { yielded[user]++ })
			if err != nil {
				t.Error(err)
			}
			return p
		}
		first := enter("a")
		time.Sleep(time.Millisecond)
		second := enter("b")
		go func() { l.leave(enter("a")) }()
		time.Sleep(2 * quantum)
		if len(yielded) != 0 {
			t.Fatalf("%v for a user who has a share", yielded)
		}
		go func() { l.leave(enter("c")) }()
		synctest.Wait()
		if yielded["a"] != 1 || yielded["b"] != 0 {
			t.Fatal(yielded)
		}
		l.leave(first)
		l.leave(second)
		synctest.Wait()
		if l.free != 2 || len(l.slow) != 0 || len(l.waiting) != 0 {
			t.Errorf("%+v", l)
		}
	})
}

// With every place taken by work that never ends, and as much again waiting, whoever comes is served.
func TestManyAttackers(t *testing.T) {
	p := newPool(t, Options{Children: 2})
	p.turns.short.quantum = time.Second
	ctx, cancel := context.WithCancelCause(t.Context())
	gone := errors.New("gone")
	var wg sync.WaitGroup
	defer wg.Wait()
	for i := range 3 {
		wg.Go(func() {
			if _, err := p.Do(ctx, fmt.Sprint("attacker ", i), say("spin")); err != gone {
				t.Error(err)
			}
		})
	}
	for taken := false; !taken; runtime.Gosched() {
		p.turns.short.mu.Lock()
		taken = p.turns.short.free == 0
		p.turns.short.mu.Unlock()
	}
	if _, err := p.Do(t.Context(), "u", say("echo")); err != nil {
		t.Error(err)
	}
	cancel(gone)
}

// A child is refused whatever this kernel can refuse. On Linux, for the two architectures that a filter was written for,
// that is everything.
func TestIsolation(t *testing.T) {
	p := newPool(t, Options{})
	held, err := p.Isolation(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(held) != 6 {
		t.Errorf("%+v", held)
	}
	t.Log(held)
	if runtime.GOOS == "linux" && (runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64") && len(held.Open()) > 0 {
		t.Error("a child may do what it should not: ", held.Open())
	}
	// This process may, which shows that the attempts are real.
	for i, refused := range probeRights()[:len(rights)-1] {
		if refused == 1 {
			t.Errorf("%s: refused to this test as well", rights[i].name)
		}
	}
}

// A machine that cannot start children says so, and is well again when it can.
func TestNoChildren(t *testing.T) {
	p := newPool(t, Options{Warm: -1})
	p.program = "/nonexistent"
	if _, err := p.Do(t.Context(), "u", say("echo")); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	if err := p.Healthy(); !errors.Is(err, ErrUnavailable) {
		t.Error(err)
	}
	p.program = executable
	p.pid(t)
	if err := p.Healthy(); err != nil {
		t.Error(err)
	}
}
