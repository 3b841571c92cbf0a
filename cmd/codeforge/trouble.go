package main

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/joho/godotenv"

	"codeforge"
	"codeforge/internal/llm"
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

// tellEvery is how often the same trouble is told of.
const tellEvery = 10 * time.Second

func (a *acceptor) Accept() (net.Conn, error) {
	c, err := a.Listener.Accept()
	if err != nil && !errors.Is(err, net.ErrClosed) {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.failed++
		if now := time.Now(); now.Sub(a.told) >= tellEvery {
			a.log.Error("a connection could not be taken", "error", err, "times", a.failed)
			a.told, a.failed = now, 0
		}
	}
	return c, err
}

// spareDescriptors is how many files a server must be able to open: fewer are gone with the next requests.
const spareDescriptors = 8

// descriptors reports whether the process can open some more files.
func descriptors() error {
	for range spareDescriptors {
		f, err := os.Open(os.DevNull)
		if err != nil {
			return &codeforge.Error{Kind: codeforge.Unavailable, RetryAfter: 5 * time.Second, Cause: err,
				Message: "The process has no free file descriptors: raise its limit (ulimit -n, LimitNOFILE), or look for clients that keep connections open"}
		}
		defer f.Close()
	}
	return nil
}

// liveRouter is the router of now: a reload puts another in its place. Calls that are under way end with the one they
// began with.
type liveRouter struct{ atomic.Pointer[llm.Router] }

// Name implements llm.Provider.
func (l *liveRouter) Name() string { return l.Load().Name() }

// Generate implements llm.Provider.
func (l *liveRouter) Generate(ctx context.Context, r *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	return l.Load().Generate(ctx, r, sink)
}

// envLevel is what the .env file says of the log level now; "": nothing.
func envLevel() string {
	values, err := godotenv.Read()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return ""
	}
	return strings.TrimSpace(values["LOG_LEVEL"])
}

// Reload reads again what can change while the server runs: the models file, the certificate, and the log level where
// .env holds a new one. What cannot be used is told, and the old one stays. Everything else takes a restart.
func (a *App) Reload() {
	var done []string
	failed := func(part string, err error) {
		a.log.Error("not reloaded, the old one stays", "part", part, "error", err)
	}
	if a.cfg.ModelsFile != "" {
		if r, err := newRouter(a.cfg, a.data.books, a.log); err != nil {
			failed("models", err)
		} else {
			a.router.Store(r)
			done = append(done, "models")
		}
	}
	if a.edge != nil {
		if err := a.edge.Reload(); err != nil {
			failed("certificate", err)
		} else if a.cfg.TLSCert != "" {
			done = append(done, "certificate")
		}
	}
	if level := envLevel(); level != a.envLevel {
		c := Config{LogLevel: level}
		if l, err := c.level(); err != nil {
			failed("log level", err)
		} else {
			a.level.Set(l)
			a.envLevel = level
			done = append(done, "log level")
		}
	}
	a.log.Info("reloaded", "parts", done)
}
