//go:build unix

package server

import (
	"net"
	"sync"
	"testing"
	"time"
)

// line is a connection between a process and a server, over a proxy that can cut it, slow it down, or swallow what it carries.
type line struct {
	addr, target string
	mu           sync.Mutex
	state        lineState
	changed      chan struct{} // closed at each change
	conns        map[net.Conn]struct{}
}

type lineState int

const (
	open lineState = iota
	cut            // connections end, and new ones are refused
	slow           // 40 ms each way, and 2 MB a second
	hole           // nothing comes through, and nothing ends
)

func newLine(t *testing.T, at, target string) *line {
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	n := &line{addr: l.Addr().String(), target: target, changed: make(chan struct{}), conns: map[net.Conn]struct{}{}}
	t.Cleanup(func() { l.Close(); n.set(cut) })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			go n.carry(in)
		}
	}()
	return n
}

func (l *line) set(s lineState) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.state = s
	close(l.changed)
	l.changed = make(chan struct{})
	if s == cut {
		for c := range l.conns {
			c.Close()
		}
	}
}

func (l *line) now() (lineState, <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.state, l.changed
}

// carry connects both ends.
func (l *line) carry(in net.Conn) {
	defer in.Close()
	out, err := net.DialTimeout("tcp", l.target, 5*time.Second)
	if err != nil {
		return
	}
	defer out.Close()
	l.mu.Lock()
	refused := l.state == cut
	l.conns[in], l.conns[out] = struct{}{}, struct{}{}
	l.mu.Unlock()
	defer func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, in)
		delete(l.conns, out)
	}()
	if refused {
		return
	}
	done := make(chan struct{}, 2)
	pipe := func(to, from net.Conn) {
		defer func() { to.Close(); from.Close(); done <- struct{}{} }()
		buf := make([]byte, 16<<10)
		for {
			n, err := from.Read(buf)
			if n > 0 {
				l.delay(n)
				if _, err := to.Write(buf[:n]); err != nil {
					return
				}
			}
			if err != nil {
				return
			}
		}
	}
	go pipe(out, in)
	go pipe(in, out)
	<-done
	<-done
}

// delay holds bytes up as the state of the line has it.
func (l *line) delay(n int) {
	state, changed := l.now()
	for state == hole {
		<-changed
		state, changed = l.now()
	}
	if state == slow {
		time.Sleep(40*time.Millisecond + time.Duration(n)*time.Second/(2<<20))
	}
}
