package server

import (
	"context"
	"errors"
	"io/fs"
	"strings"
	"sync/atomic"

	"github.com/joho/godotenv"

	"codeforge/internal/llm"
)

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
func (s *Server) Reload() {
	var done []string
	failed := func(part string, err error) {
		s.log.Error("not reloaded, the old one stays", "part", part, "error", err)
	}
	if s.cfg.ModelsFile != "" {
		if r, err := NewRouter(s.cfg, s.store.Ledger, s.log); err != nil {
			failed("models", err)
		} else {
			s.router.Store(r)
			done = append(done, "models")
		}
	}
	if s.edge != nil {
		if err := s.edge.Reload(); err != nil {
			failed("certificate", err)
		} else if s.cfg.TLSCert != "" {
			done = append(done, "certificate")
		}
	}
	if level := envLevel(); level != s.envLevel {
		c := Config{LogLevel: level}
		if l, err := c.level(); err != nil {
			failed("log level", err)
		} else {
			s.level.Set(l)
			s.envLevel = level
			done = append(done, "log level")
		}
	}
	s.log.Info("reloaded", "parts", done)
}
