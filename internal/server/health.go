package server

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/sqlite"
)

// health says how the parts are that a server depends on.
func (s *Server) health() api.Health {
	h := api.Health{Status: "healthy", Model: s.router.model(), Dependencies: map[string]string{"store": "ok", "descriptors": "ok", "supabase": "not configured", "redis": "not configured", "verifier": "ok"}}
	if s.cfg.SupabaseURL != "" {
		h.Dependencies["supabase"] = "ok"
	}
	if s.redis != nil {
		h.Dependencies["redis"] = "ok"
	}
	for _, c := range s.probes.look() {
		if c.State == api.CheckOK || c.State == api.CheckDegraded && c.Name != redisCheck {
			continue
		}
		switch c.Name {
		case api.StoreCheck:
			h.Dependencies["store"] = "failing"
			if s.store.Name == supabaseStore {
				h.Dependencies["supabase"] = "failing"
			}
		case "identity":
			h.Dependencies["supabase"] = "failing"
		case "verifier", "descriptors", redisCheck:
			h.Dependencies[c.Name] = "failing"
		default:
			continue
		}
		h.Status = "degraded"
	}
	return h
}

// probe is one check of readiness. Its look is shared by those who ask within a while: readiness is asked often, and looking costs
// more than the rest of it.
type probe struct {
	name     string
	look     func() error
	hold     time.Duration
	degrades bool          // an error makes the server slower, and no more
	note     func() string // what is good to know where there is no error; nil: nothing

	mu    sync.Mutex
	until time.Time
	last  api.Check
}

// probes are all of them, in the order in which they are told.
type probes []*probe

func (p *probe) check() api.Check {
	p.mu.Lock()
	defer p.mu.Unlock()
	if began := time.Now(); began.After(p.until) {
		err := p.look()
		ended := time.Now()
		p.last, p.until = api.NewCheck(p.name, err, ended.Sub(began)), ended.Add(p.hold)
		if err != nil && p.degrades {
			p.last.State = api.CheckDegraded
		}
		if err == nil && p.note != nil {
			p.last.Message = p.note()
		}
	}
	return p.last
}

func (all probes) look() []api.Check {
	out := make([]api.Check, len(all))
	for i, p := range all {
		out[i] = p.check()
	}
	return out
}

// lookWithin bounds each look; it is for everybody who asks meanwhile, so that the end of one request is not its end.
const lookWithin = 2 * time.Second

// makeProbes lists what a server of this role cannot be without.
func (s *Server) makeProbes() {
	asked := func(ask func(context.Context) error) func() error {
		return func() error {
			ctx, cancel := context.WithTimeout(context.Background(), lookWithin)
			defer cancel()
			return ask(ctx)
		}
	}
	s.probes = probes{
		{name: "draining", look: s.drains},
		{name: "verifier", look: s.checks.Healthy},
		{name: "descriptors", look: openSome, hold: time.Second},
	}
	if s.users != nil {
		s.probes = append(s.probes, &probe{name: "identity", hold: time.Second / 10, look: asked(func(ctx context.Context) error {
			if err := s.users.Ready(ctx); err != nil {
				return &codeforge.Error{Kind: codeforge.Unavailable, Message: "Tokens cannot be verified: the log and codeforge doctor say why", Cause: err}
			}
			return nil
		})})
	}
	s.probes = append(s.probes,
		&probe{name: api.StoreCheck, hold: time.Second / 10, look: asked(func(ctx context.Context) error { return s.store.Ping(ctx) })},
		&probe{name: "audit", degrades: true, look: func() error {
			if err := s.audit.Err(); err != nil {
				return &codeforge.Error{Kind: codeforge.Unavailable, Message: "What is done cannot be recorded at AUDIT_LOG: look at its rights and its disk", Cause: err}
			}
			return nil
		}},
		&probe{name: "disk", hold: 10 * time.Second, degrades: true, look: func() error { return diskSpace(s.cfg.DataDir, "DATA_DIR") }})
	if s.redis != nil {
		s.probes = append(s.probes, &probe{name: redisCheck, degrades: true, look: s.checkRedis})
	}
	s.probes = append(append(s.probes, s.replicaProbes()...), s.failoverProbes()...)
}

// redisCheck is the name of the check of Redis.
const redisCheck = "redis"

// drains is an error once the server is about to stop.
func (s *Server) drains() error {
	if !s.draining.Load() {
		return nil
	}
	return &codeforge.Error{Kind: codeforge.Unavailable, Message: "The server is about to stop: others have its traffic"}
}

// scarceDisk is how little room on the disk of the data folder is told of.
const scarceDisk = 1 << 30

// diskSpace is an error when little is left where a folder lies, which a setting names. A store that cannot be written fails by itself.
func diskSpace(dir, setting string) error {
	free, known := sqlite.FreeBytes(dir)
	if !known || free >= scarceDisk {
		return nil
	}
	return &codeforge.Error{Kind: codeforge.Unavailable,
		Message: fmt.Sprintf("%d MB are left on the disk of %s: make room, or lower NPM_CACHE_BYTES", free>>20, setting)}
}

// spareDescriptors is how many files a server must be able to open: fewer are gone with the next requests.
const spareDescriptors = 8

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
