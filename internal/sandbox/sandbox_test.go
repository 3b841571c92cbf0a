package sandbox

import (
	"context"
	"errors"
	"io"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestMain(m *testing.M) {
	if IsChild() {
		Serve(obey)
	}
	os.Exit(m.Run())
}

// obey is what children of these tests do: what the request says.
func obey(request []byte, at func(string)) []byte {
	word, rest, _ := strings.Cut(string(request), " ")
	at(word)
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
func TestDeaths(t *testing.T) {
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
func TestIdleDeath(t *testing.T) {
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
	q := turns{free: 4, share: 2, running: map[string]int{}}
	var wg sync.WaitGroup
	defer wg.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	greedy := make(chan struct{}, 10)
	for range 10 {
		wg.Go(func() {
			if q.wait(ctx, "greedy") == nil {
				greedy <- struct{}{}
			}
		})
	}
	<-greedy
	<-greedy
	for range 2 {
		if err := q.wait(t.Context(), "other"); err != nil {
			t.Fatal(err)
		}
	}
	third := make(chan error, 1)
	go func() { third <- q.wait(t.Context(), "third") }()
	for waiting := 0; waiting < 9; {
		q.mu.Lock()
		waiting = len(q.waiting)
		q.mu.Unlock()
		runtime.Gosched()
	}
	select {
	case <-greedy:
		t.Fatal("a third place for one user")
	case <-third:
		t.Fatal("a fifth place of four")
	default:
	}
	q.done("greedy")
	if err := <-third; err != nil {
		t.Fatal(err)
	}
	q.done("third")
	<-greedy // with nobody else waiting
	cancel()
	wg.Wait()
	for range 2 {
		q.done("greedy")
		q.done("other")
	}
	if q.free != 4 || len(q.waiting) != 0 || len(q.running) != 0 {
		t.Errorf("%+v", &q)
	}
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
	for i, refused := range probe()[:len(rights)-1] {
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
