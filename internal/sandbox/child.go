package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"slices"
	"strconv"
	"sync"
	"time"
)

// Handler does one piece of work in a child.
type Handler func(Work) (answer []byte)

// Work is what a child is given to do.
type Work struct {
	Request []byte
	At      func(what string)                     // to be called with whatever is about to begin: the last is what a [Crash] names. It is cheap.
	Ask     func(question []byte) ([]byte, error) // has the parent answer a question, see [Request]; several goroutines may ask
}

// environment is what a child gets in place of its parent's.
var environment = []string{"GOMAXPROCS=1", "GOTRACEBACK=none"}

// Serve is a child: it answers requests until its parent closes the pipe or ends, and does not return.
func Serve(handle Handler) {
	memory, err := strconv.ParseInt(os.Args[2], 10, 64)
	if err != nil || memory <= 0 {
		fmt.Fprintln(os.Stderr, "codeforge verifier is started by the server, not by hand")
		os.Exit(2)
	}
	debug.SetMemoryLimit(memory / 10 * 6)
	debug.SetGCPercent(gcPercent)
	debug.SetMaxStack(int(min(memory/4, 512<<20)))
	if !limitResources(memory) {
		go watchMemory(memory)
	}
	at := openMark()
	isolate()

	requests, replies := make(chan frame), make(chan frame)
	// Reading goes on while the work is done, to notice that the parent is gone.
	go func() {
		in := bufio.NewReaderSize(os.Stdin, 64<<10)
		for {
			kind, size, err := readHeader(in)
			if err != nil {
				os.Exit(0)
			}
			body := make([]byte, size)
			if _, err := io.ReadFull(in, body); err != nil {
				os.Exit(0)
			}
			if kind == frameReply || kind == frameRefusal {
				replies <- frame{kind, body}
			} else {
				requests <- frame{kind, body}
			}
		}
	}()
	var asking sync.Mutex
	ask := func(question []byte) ([]byte, error) {
		if len(question) > maxQuestion {
			return nil, errors.New("the question is too long")
		}
		asking.Lock()
		defer asking.Unlock()
		send(frameQuestion, question)
		if r := <-replies; r.kind == frameReply {
			return r.body, nil
		} else {
			return nil, errors.New(string(r.body))
		}
	}
	send(frameReady, nil)
	for {
		var r frame
		select {
		case r = <-requests:
		case <-time.After(restAfter):
			debug.FreeOSMemory()
			r = <-requests
		}
		switch r.kind {
		case frameWork:
			watchTime := time.AfterFunc(2*maxTime, func() { os.Exit(2) }) // the parent's is shorter; this is for when it is stopped
			answer := handle(Work{r.body, at, ask})
			watchTime.Stop()
			kind := byte(frameAnswer)
			if heldMemory() > memory/4 {
				kind = frameLast
			}
			send(kind, answer)
		case frameProbe:
			send(frameAnswer, probeRights())
		}
	}
}

// frame is what came over the pipe.
type frame struct {
	kind byte
	body []byte
}

const (
	gcPercent = 400                    // most trees then need no collection at all
	restAfter = 100 * time.Millisecond // without work, before memory is given back
	maxTime   = time.Minute
)

func send(kind byte, body []byte) {
	b := make([]byte, frameHeader, frameHeader+len(body))
	putHeader(b, kind, len(body))
	if _, err := os.Stdout.Write(append(b, body...)); err != nil {
		os.Exit(0)
	}
}

// heldMemory is how much memory this process holds.
func heldMemory() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64() - s[1].Value.Uint64())
}

// watchMemory ends the process when it holds more than limit, where the kernel does not see to that.
//
// Known hole: what is taken between two looks.
func watchMemory(limit int64) {
	for range time.Tick(10 * time.Millisecond) {
		if heldMemory() > limit {
			fmt.Fprintln(os.Stderr, outOfMemory)
			os.Exit(2)
		}
	}
}

// outOfMemory is how the runtime says so too.
const outOfMemory = "out of memory"

// rights are what a child tries on request. Each attempt reports whether it was refused.
var rights = []struct {
	name string
	try  func() error
}{
	{"environment", func() error {
		for _, v := range os.Environ() {
			if !slices.Contains(environment, v) {
				return nil
			}
		}
		return fs.ErrPermission
	}},
	{"reading files", func() error {
		name := "/etc/passwd"
		if runtime.GOOS == "windows" {
			name = `C:\Windows\win.ini`
		}
		f, err := os.Open(name)
		if err == nil {
			f.Close()
		}
		return err
	}},
	{"writing files", func() error {
		f, err := os.CreateTemp("", "codeforge-probe-*")
		if err == nil {
			f.Close()
			os.Remove(f.Name())
		}
		return err
	}},
	{"TCP", func() error {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err == nil {
			l.Close()
		}
		return err
	}},
	{"UDP", func() error {
		c, err := net.ListenPacket("udp", "127.0.0.1:0")
		if err == nil {
			c.Close()
		}
		return err
	}},
	{"programs", func() error {
		name, err := os.Executable()
		if err != nil {
			name = os.Args[0]
		}
		p, err := os.StartProcess(name, []string{name, "version"}, &os.ProcAttr{})
		if err == nil {
			p.Kill()
			p.Wait()
			return nil
		}
		return replaceProcess(err)
	}},
}

// probeRights tries all rights: one byte each, 1 for refused. Only a refusal counts, not a file that is missing.
func probeRights() []byte {
	out := make([]byte, len(rights))
	for i, r := range rights {
		if errors.Is(r.try(), fs.ErrPermission) {
			out[i] = 1
		}
	}
	return out
}
