package server

import (
	"context"
	"os"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/api"
)

// health says how the parts are that a server depends on.
func (s *Server) health(ctx context.Context, model string) api.Health {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	h := api.Health{Status: "healthy", Model: model, Dependencies: map[string]string{"store": "ok", "descriptors": "ok", "supabase": "not configured", "redis": "not configured", "verifier": "ok"}}
	failing := func(part string) { h.Status, h.Dependencies[part] = "degraded", "failing" }
	if s.cfg.SupabaseURL != "" {
		h.Dependencies["supabase"] = "ok"
	}
	if s.cfg.RedisURL != "" {
		h.Dependencies["redis"] = "not used"
	}
	if s.answers.check() != nil {
		failing("store")
		if s.store.Name == supabaseStore {
			failing("supabase")
		}
	}
	if s.users != nil && s.users.Ready(ctx) != nil {
		failing("supabase")
	}
	if s.checks.Healthy() != nil {
		failing("verifier")
	}
	if s.descriptors.check() != nil {
		failing("descriptors")
	}
	return h
}

// ready says why the server should get no traffic, besides a store that does not answer.
func (s *Server) ready(ctx context.Context) error {
	if err := s.checks.Healthy(); err != nil {
		return err
	}
	if err := s.descriptors.check(); err != nil {
		return err
	}
	if s.users == nil {
		return nil
	}
	if err := s.users.Ready(ctx); err != nil {
		return &codeforge.Error{Kind: codeforge.Unavailable, Message: "Tokens cannot be verified: the log and codeforge doctor say why", Cause: err}
	}
	return nil
}

// spareDescriptors is how many files a server must be able to open: fewer are gone with the next requests.
const spareDescriptors = 8

// heldCheck is a check whose answer holds for a while: health is asked often, and looking costs more than the rest of it.
type heldCheck struct {
	look func() error
	hold time.Duration

	mu    sync.Mutex
	until time.Time
	err   error
}

func (c *heldCheck) check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if time.Now().After(c.until) {
		c.err = c.look()
		c.until = time.Now().Add(c.hold)
	}
	return c.err
}

// pingStore is for everybody who asks meanwhile, so that the end of one request is not its end.
func (s *Server) pingStore() error {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	return s.store.Ping(ctx)
}

// openSome is an error when too few files can be opened.
func openSome() error {
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
