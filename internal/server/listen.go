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
			a.log.Error("a connection could not be taken", "error", err, "times", a.failed)
			a.told, a.failed = now, 0
		}
	}
	return c, err
}
