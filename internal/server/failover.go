package server

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/postgres"
	"codeforge/internal/telemetry"
)

// failovers are those of the database since the start of the process.
type failovers struct {
	log *slog.Logger

	mu     sync.Mutex
	stats  telemetry.Failovers
	last   postgres.Failover // that lost something
	lastAt time.Time
}

// lossTold is for how long readiness tells of jobs that were lost.
const lossTold = 24 * time.Hour

// lostNamed bounds the jobs that the log names.
const lostNamed = 50

// record takes down a failover.
func (f *failovers) record(o postgres.Failover) {
	f.mu.Lock()
	f.stats.Count++
	f.stats.Lost += int64(len(o.Lost))
	if len(o.Lost) > 0 {
		f.last, f.lastAt = o, time.Now()
	}
	f.mu.Unlock()
	switch {
	case o.Err != nil:
		f.log.Error("another server has taken the primary's place; what it lacks is not known", "next", "compare the databases: docs/regions.md says what a failover can lose", "from", o.From, "to", o.To, "error", o.Err)
	case len(o.Lost) > 0:
		f.log.Error("another server has taken the primary's place, and does not know jobs that were acknowledged: their users have to submit them again",
			"from", o.From, "to", o.To, "lost", len(o.Lost), "jobs", o.Lost[:min(len(o.Lost), lostNamed)])
	default:
		f.log.Warn("another server has taken the primary's place; no job that was acknowledged here is missing", "next", "nothing here; see that the old primary is off", "from", o.From, "to", o.To)
	}
}

func (f *failovers) Stats() telemetry.Failovers {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.stats
}

// lost is an error for a day after jobs were lost.
func (f *failovers) lost() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.lastAt.IsZero() || time.Since(f.lastAt) > lossTold {
		return nil
	}
	return &codeforge.Error{Kind: codeforge.Unavailable, Message: fmt.Sprintf("The server that took over at %s does not know %d jobs that were acknowledged here before: the log names them, docs/regions.md says what to do",
		f.lastAt.UTC().Format(time.RFC3339), len(f.last.Lost))}
}

// failoverProbes say whether a failover lost something, and whether the next one can.
func (s *Server) failoverProbes() probes {
	if s.store.failovers == nil {
		return nil
	}
	durability := &probe{name: "durability", hold: 30 * time.Second, look: func() error { return nil }}
	durability.note = func() string {
		ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
		defer cancel()
		if waits, ok, err := s.store.durability(ctx); err == nil && ok && !waits {
			return "Commits wait for no standby: a failover loses what was acknowledged and not sent to it yet (synchronous_standby_names; docs/regions.md says what it costs)"
		}
		return ""
	}
	return probes{durability, {name: "failover", degrades: true, look: s.store.failovers.lost}}
}
