package server

import (
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"
)

// acceptor is a listener that tells of connections that it could not take. Whoever serves it waits and tries again, so
// nobody else would: a process without free descriptors is only slow, for those who watch it.
type acceptor struct {
	net.Listener
	log *slog.Logger

	mu     sync.Mutex
	told   time.Time
	failed int // since then
}

// logEvery is how often the same trouble is told of.
const logEvery = 10 * time.Second

func (a *acceptor) Accept() (net.Conn, error) {
	c, err := a.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.failed++
		if now := time.Now(); now.Sub(a.told) >= logEvery {
			a.log.Error("a connection could not be taken", "next", "raise the limit on descriptors (ulimit -n, LimitNOFILE), or look for clients that keep connections open", "error", err, "times", a.failed)
			a.told, a.failed = now, 0
		}
	}
	return c, err
}

// reused is a listener for connections that were taken over for a stream and are free again.
type reused struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
	addr   net.Addr
}

func newReused(addr net.Addr) *reused {
	return &reused{conns: make(chan net.Conn), closed: make(chan struct{}), addr: addr}
}

// put has a connection served again, or closes it where nothing is served any more.
func (r *reused) put(c net.Conn) {
	select {
	case r.conns <- c:
	case <-r.closed:
		c.Close()
	}
}

// Accept implements net.Listener.
func (r *reused) Accept() (net.Conn, error) {
	select {
	case c := <-r.conns:
		return c, nil
	case <-r.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (r *reused) Close() error {
	r.once.Do(func() { close(r.closed) })
	return nil
}

// Addr implements net.Listener.
func (r *reused) Addr() net.Addr { return r.addr }
