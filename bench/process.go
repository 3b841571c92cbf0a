package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"codeforge/internal/proctest"
)

// host is what the kits of tests ask of a test, for a command: where failures go, and what is done at its end.
type host struct {
	testing.TB
	cleanups []func()
	failed   bool
}

// failure ends the command from wherever it is.
type failure struct{ text string }

func (h *host) Helper()                   {}
func (h *host) Cleanup(f func())          { h.cleanups = append(h.cleanups, f) }
func (h *host) Context() context.Context  { return context.Background() }
func (h *host) Log(args ...any)           { fmt.Fprintln(os.Stderr, args...) }
func (h *host) Logf(f string, a ...any)   { h.Log(fmt.Sprintf(f, a...)) }
func (h *host) Error(args ...any)         { h.failed = true; h.Log(args...) }
func (h *host) Errorf(f string, a ...any) { h.Error(fmt.Sprintf(f, a...)) }
func (h *host) Fatal(args ...any)         { panic(failure{fmt.Sprintln(args...)}) }
func (h *host) Fatalf(f string, a ...any) { h.Fatal(fmt.Sprintf(f, a...)) }

func (h *host) TempDir() string {
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		h.Fatal(err)
	}
	h.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

// run calls f, and then what is to be done at the end. It reports whether all went well.
func (h *host) run(f func()) (ok bool) {
	defer func() {
		if p := recover(); p != nil {
			known, is := p.(failure)
			if !is {
				panic(p)
			}
			h.Error(strings.TrimSpace(known.text))
		}
		for i := range h.cleanups {
			h.cleanups[len(h.cleanups)-1-i]()
		}
		ok = !h.failed
	}()
	f()
	return
}

// server is a program that answers requests.
type server struct {
	url  string
	proc *proctest.Process
	log  string
}

// launch starts a program that listens at a port, which args name by {port}, and waits until it answers at a path. What it writes goes to a
// file, as it does where such programs run.
func launch(tb testing.TB, env []string, ready string, program string, args ...string) *server {
	tb.Helper()
	port, err := proctest.FreePort()
	if err != nil {
		tb.Fatal(err)
	}
	s := &server{url: fmt.Sprintf("http://127.0.0.1:%d", port), log: filepath.Join(tb.TempDir(), "log")}
	put := func(list []string) (out []string) {
		for _, one := range list {
			out = append(out, strings.ReplaceAll(one, "{port}", strconv.Itoa(port)))
		}
		return out
	}
	cmd := exec.Command("/bin/sh", append([]string{"-c", `log=$1; shift; exec "$@" >"$log" 2>&1`, "sh", s.log, program}, put(args)...)...)
	cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"), "TZ=UTC"}, put(env)...)
	cmd.Dir = filepath.Dir(s.log)
	cmd.SysProcAttr = proctest.Attributes(nil, syscall.SIGKILL)
	if s.proc, err = proctest.Launch(cmd); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.stop)
	err = s.proc.Until(func() error {
		r, err := http.Get(s.url + ready)
		if err != nil {
			return err
		}
		defer r.Body.Close()
		if r.StatusCode != http.StatusOK {
			return fmt.Errorf("%s: %s", ready, r.Status)
		}
		return nil
	}, 20*time.Millisecond, 60*time.Second)
	if err != nil {
		said, _ := os.ReadFile(s.log)
		tb.Fatalf("%s %v does not start: %v\n%s", program, args, err, said[max(0, len(said)-4000):])
	}
	return s
}

// stop ends the program.
func (s *server) stop() { _ = s.proc.End(syscall.SIGTERM) }

// kind says what a process is for.
type kind string

const (
	api      kind = "api" // or a server that is everything
	worker   kind = "worker"
	postgres kind = "postgres"
	redis    kind = "redis"
)

var kinds = []kind{api, worker, postgres, redis}

// group are processes that are measured together, by their ids; children count to their parents.
type group map[kind][]int

// with is the group and further processes.
func (g group) with(k kind, all ...*server) group {
	g = maps.Clone(g)
	for _, s := range all {
		g[k] = append(g[k][:len(g[k]):len(g[k])], s.proc.PID())
	}
	return g
}

// spent are seconds of processors.
type spent map[kind]float64

func (s spent) sum() (all float64) {
	for _, v := range s {
		all += v
	}
	return all
}

// per is what of it came to each of n, in microseconds.
func (s spent) per(n int) spent {
	out := spent{}
	for k, v := range s {
		out[k] = v * 1e6 / float64(max(n, 1))
	}
	return out
}

// plus is the sum of two.
func (s spent) plus(o spent, times float64) spent {
	out := maps.Clone(s)
	for k, v := range o {
		out[k] += v * times
	}
	return out
}

// measure returns what the processes spent while do went on, and how long that was.
func (g group) measure(do func()) (spent, time.Duration) {
	before, began := g.cpu(), time.Now()
	do()
	took, after := time.Since(began), g.cpu()
	for k := range after {
		after[k] -= before[k]
	}
	return after, took
}

// cpu is what the processes spent so far, those of their children that ended included.
func (g group) cpu() spent {
	own, children := map[int]float64{}, map[int][]int{}
	all, _ := filepath.Glob("/proc/[0-9]*/stat")
	for _, path := range all {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it ended
		}
		f := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+2:]))
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parent, _ := strconv.Atoi(f[1])
		children[parent] = append(children[parent], pid)
		for _, field := range f[13:15] { // of children that ended, in hundredths of a second
			ticks, _ := strconv.ParseFloat(field, 64)
			own[pid] += ticks / 100
		}
	}
	out := spent{}
	var tree func(pid int) float64
	tree = func(pid int) float64 {
		sum := own[pid] + running(pid)
		for _, child := range children[pid] {
			sum += tree(child)
		}
		return sum
	}
	for k, pids := range g {
		for _, pid := range pids {
			out[k] += tree(pid)
		}
	}
	return out
}

// running is what a process spent itself, as the scheduler counts it.
func running(pid int) (seconds float64) {
	threads, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, path := range threads {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it ended
		}
		nanoseconds, _, _ := strings.Cut(string(b), " ")
		n, _ := strconv.ParseFloat(nanoseconds, 64)
		seconds += n / 1e9
	}
	return seconds
}

// resident are the bytes of memory of a process.
func (s *server) resident(tb testing.TB) float64 {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", s.proc.PID()))
	if err != nil {
		tb.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "VmRSS:")
	n, err := strconv.ParseFloat(strings.Fields(rest)[0], 64)
	if err != nil {
		tb.Fatal(err)
	}
	return n * 1024
}
