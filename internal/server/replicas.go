package server

import (
	"context"
	"fmt"
	"time"

	"codeforge"
	"codeforge/internal/jobs"
	"codeforge/internal/postgres"
	"codeforge/internal/redis"
)

func (c *Config) replicaOptions() postgres.ReplicaOptions {
	return postgres.ReplicaOptions{MaxLag: time.Duration(c.ReplicaLag)}
}

// checkReplicas tells what is wrong with where reads are to go.
func (c *Config) checkReplicas(bad func(name, format string, args ...any)) {
	for i, address := range c.ReplicaURLs {
		if err := postgres.CheckURL(address); err != nil {
			bad("DATABASE_REPLICA_URLS", "address %d of the list %v", i+1, err)
		}
	}
	for i, address := range c.ReadURLs {
		if err := checkProject(address); err != nil {
			bad("SUPABASE_READ_URL", "address %d of the list %v", i+1, err)
		}
	}
	switch {
	case len(c.ReplicaURLs) > 0 && c.store() != postgresStore:
		bad("DATABASE_REPLICA_URLS", "follow a database whose address is missing: set DATABASE_URL, or SUPABASE_READ_URL for replicas of the Data API")
	case len(c.ReadURLs) > 0 && c.store() != supabaseStore:
		bad("SUPABASE_READ_URL", "is for the Data API, over which the data is not reached: set DATABASE_REPLICA_URLS, or leave out DATABASE_URL")
	case c.ReplicaLag <= 0:
		bad("REPLICA_MAX_LAG", "must be more than 0")
	}
}

// rememberPositions says where it is remembered how far users have written, and by what the tokens are signed that say it.
func (s *Server) rememberPositions() {
	var shared postgres.SharedPositions
	if s.redis != nil {
		shared = redis.NewPositions(s.redis)
	}
	s.store.replicas.Remember(s.keys, shared)
	s.hub.Heard = s.store.replicas.Heard
}

// heeding is a courier whose news keep users from reading of replicas what is older than what they were told of.
func (s *Server) heeding(c jobs.Courier) jobs.Courier {
	if s.store.replicas == nil {
		return c
	}
	return heedingCourier{c, s.store.replicas}
}

type heedingCourier struct {
	jobs.Courier
	replicas *postgres.Replicas
}

// Start implements jobs.Courier.
func (c heedingCourier) Start(ctx context.Context, in jobs.Inbox) error {
	return c.Courier.Start(ctx, heedingInbox{in, c.replicas})
}

type heedingInbox struct {
	jobs.Inbox
	replicas *postgres.Replicas
}

// Receive implements jobs.Inbox.
func (i heedingInbox) Receive(events ...codeforge.Event) {
	for _, e := range events {
		if e.UserID != "" && !e.Type.Transient() {
			i.replicas.HeardElsewhere(e.UserID)
		}
	}
	i.Inbox.Receive(events...)
}

// EventsAdded implements jobs.Inbox.
func (i heedingInbox) EventsAdded(news codeforge.Event) {
	if news.UserID != "" {
		i.replicas.HeardElsewhere(news.UserID)
	}
	i.Inbox.EventsAdded(news)
}

// EventsMissed implements jobs.Inbox.
func (i heedingInbox) EventsMissed() {
	i.replicas.ForgetUsers()
	i.Inbox.EventsMissed()
}

// replicaProbes look at each replica by its name. One that cannot be used keeps the server from nothing: the primary answers.
func (s *Server) replicaProbes() (all probes) {
	if s.store.replicas == nil {
		return nil
	}
	for i, r := range s.store.replicas.Stats().Replicas {
		all = append(all, &probe{name: "replica " + r.Name, degrades: true, look: func() error {
			if r := s.store.replicas.Stats().Replicas[i]; r.Err != nil {
				return &codeforge.Error{Kind: codeforge.Unavailable, Cause: r.Err,
					Message: fmt.Sprintf("It is not read of, and the primary answers in its place (%d bytes, %.1f s behind): the log and docs/runbook.md say why", r.Bytes, r.Lag.Seconds())}
			}
			return nil
		}})
	}
	return all
}
