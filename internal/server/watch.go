package server

import (
	"context"
	"log/slog"
	"time"

	"codeforge"
)

// logIsolation says, for the log, what generated code could do to this machine if it took a parser over.
func (s *Server) logIsolation(ctx context.Context) {
	switch held, err := s.checks.Isolation(ctx); {
	case ctx.Err() != nil:
	case err != nil:
		s.log.Error("generated code cannot be checked", "next", "run codeforge doctor; look at memory, and at limits on processes", "error", err)
	case len(held.Open()) > 0:
		s.log.Warn("verifiers are not wholly isolated", "next", "run the server in a container, or as a user that owns nothing else", "isolation", held.String())
	default:
		s.log.Info("verifiers are isolated", "isolation", held.String())
	}
}

// setQuota tells the store what bounds users, as soon as it can be told: one on another machine may be away at start.
func (s *Server) setQuota(ctx context.Context) {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := s.store.SetQuota(ctx, s.cfg.quota())
		if err == nil || ctx.Err() != nil {
			return
		}
		s.log.Error("the quotas of users are not in force yet", "next", "look at the store in /readyz?verbose; it is tried again by itself", "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// watchModels says at start, and once a day, what is wrong with the routes: models that are gone or about to end.
func watchModels(ctx context.Context, cfg *Config, router *liveRouter, log *slog.Logger) {
	day := time.NewTicker(24 * time.Hour)
	defer day.Stop()
	for {
		asked, cancel := context.WithTimeout(ctx, time.Minute)
		warns, err := router.Load().Check(asked)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			log.Warn("some providers could not be asked for their models", "next", "run codeforge models --check; calls go on as they are routed", "error", err)
		}
		for _, w := range warns {
			cfg.logWarning(log, w)
		}
		select {
		case <-day.C:
		case <-ctx.Done():
			return
		}
	}
}

// sweepJournal deletes answers that nobody will ask for again.
func sweepJournal(ctx context.Context, s Storage, keep time.Duration, log *slog.Logger) {
	hour := time.NewTicker(time.Hour)
	defer hour.Stop()
	for {
		if n, err := s.SweepJournal(ctx, codeforge.Now().Add(-keep)); err != nil && ctx.Err() == nil {
			log.Error("journal not swept", "next", "look at the store in /readyz?verbose; it is tried again by itself", "error", err)
		} else if n > 0 {
			log.Info("old answers deleted", "answers", n)
		}
		select {
		case <-hour.C:
		case <-ctx.Done():
			return
		}
	}
}
