package server

import (
	"context"
	"errors"
	"sync"
	"time"

	"codeforge/internal/postgres"
)

// lookEvery is how often events of other servers are looked for where nothing tells of them.
const lookEvery = time.Second

// lookBeside is the same where something does.
const lookBeside = 15 * time.Second

// followOthers passes on what other servers stored, until ctx ends: to those who watch, and to the engine, whose job somebody
// there may have ended.
func (s *Server) followOthers(ctx context.Context) {
	// A job that runs here has no other source of events but a cancellation, which the engine finds.
	look := func() {
		for _, id := range s.hub.Jobs() {
			if !s.engine.Runs(id) {
				s.hub.Nudge(id)
			}
		}
	}
	looks := func(ctx context.Context, every time.Duration) {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				look()
			case <-ctx.Done():
				return
			}
		}
	}
	if s.store.listen != nil {
		// What a program that is no CodeForge does to a job is told by nobody.
		listening, stop := context.WithCancel(ctx)
		var beside sync.WaitGroup
		beside.Go(func() { looks(listening, lookBeside) })
		err := s.store.listen(ctx, func(jobID string) {
			switch here := s.engine.Recheck(jobID); {
			case jobID == "":
				look()
			case !here:
				s.hub.Nudge(jobID)
			}
		})
		stop()
		beside.Wait()
		if !errors.Is(err, postgres.ErrNoListen) {
			return
		}
		s.log.Warn("events of other servers are looked for", "every", lookEvery, "reason", err)
	}
	looks(ctx, lookEvery)
}
