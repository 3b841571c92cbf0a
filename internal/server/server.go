// Package server makes a running server of its settings: it constructs the parts in one straight line, watches them, says how
// they are, and takes them down in order. Config is what can be set, and what it means to each part stands here. Nobody else
// reads the environment, but for the commands.
package server

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime/trace"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"codeforge"
	"codeforge/internal/agent"
	"codeforge/internal/api"
	"codeforge/internal/audit"
	"codeforge/internal/auth"
	"codeforge/internal/cache"
	"codeforge/internal/download"
	"codeforge/internal/events"
	"codeforge/internal/evidence"
	"codeforge/internal/github"
	"codeforge/internal/https"
	"codeforge/internal/jobs"
	"codeforge/internal/llm"
	"codeforge/internal/mcp"
	"codeforge/internal/pattern"
	"codeforge/internal/preview"
	"codeforge/internal/redis"
	"codeforge/internal/stream"
	"codeforge/internal/telemetry"
	"codeforge/internal/userkeys"
	"codeforge/internal/verify"
	"codeforge/internal/webhook"
)

// Server is a whole server. Open, Listen, Start, Close, in this order; Close works after any of them.
type Server struct {
	cfg      *Config
	live     Config // what is in force of what reloads may change; theirs alone
	log      *slog.Logger
	level    *slog.LevelVar
	router   liveRouter
	store    *Store
	redis    *redis.Client         // nil: there is none
	users    *auth.Verifier        // nil: standalone
	keys     *auth.Keyring         // signs addresses of streams and tickets of previews; nil: a worker
	audit    *audit.Log            // nil: nothing is recorded
	recorder *trace.FlightRecorder // nil: it does not run
	edge     *https.Edge           // nil: plain requests are served
	hub      *events.Hub
	streams  stream.Server
	sockets  api.Sockets
	answers  llm.Provider // whoever asks models
	looking  sync.Mutex   // held while every part is looked at
	engine   *jobs.Engine
	webhooks *webhook.Dispatcher
	github   *github.Service

	patterns *pattern.Library // nil: none are kept
	embedder atomic.Pointer[pattern.Embedder]

	userKeys   *userkeys.Keys // nil: none are kept
	keySecrets *auth.Keyring  // what seals them
	own        atomic.Pointer[ownProviders]

	checks   *evidence.Ladder
	probes   probes
	draining atomic.Bool
	http     *http.Server
	listen   net.Listener

	shared *cache.Shared // nil: no cache is shared

	failed chan error // gets what made the server stop answering

	telemetry   *telemetry.Telemetry
	operators   *http.Server // nil: they have no port of their own
	operatorsAt net.Listener

	stop    context.CancelFunc // of watches
	watches sync.WaitGroup
}

// Open constructs a server: store, identity, models, agents, engine, edge. Logs go to w.
func Open(ctx context.Context, cfg *Config, w io.Writer) (_ *Server, err error) {
	if err := cfg.ValidateServing(); err != nil {
		return nil, err
	}
	log, level := newLog(cfg, w)
	watched, err := telemetry.New(ctx, os.Getenv, log)
	if err != nil {
		return nil, err
	}
	log = slog.New(watched.LogHandler(log.Handler()))
	s := &Server{cfg: cfg, live: *cfg, log: log, level: level, hub: events.NewHub(), failed: make(chan error, 2), telemetry: watched}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	s.checks = cfg.ladder(cfg.sandbox(), filepath.Join(cfg.DataDir, "types"), s.telemetry.RungTaken) // first: its children get ready beside the rest
	if s.audit, err = openAudit(cfg, s.log); err != nil {
		return nil, err
	}
	if err = s.openStore(ctx); err != nil {
		return nil, err
	}
	s.makeUserKeys()
	if err = s.route(cfg); err != nil {
		return nil, err
	}
	secret, err := streamSecret(cfg)
	if err != nil {
		return nil, err
	}
	s.keys = auth.NewKeyring(secret, cfg.OldSecrets.secrets()...)
	if err = s.makeWebhooks(); err != nil {
		return nil, err
	}
	s.github = github.New(github.Options{URL: cfg.GitHubURL})
	s.makePatterns()
	s.makeEngine()
	s.makeProbes()
	s.watchParts()
	s.operators = s.operatorsPort()
	if err = s.makeEdge(); err != nil {
		return nil, err
	}
	s.log.Info("configured", "store", s.store.Name, "isolation", s.store.Isolation, "identity", cfg.identity(), "role", cfg.Role, "https", s.edge != nil,
		"model", s.router.model(), "environment", cfg.Environment, "data_dir", cfg.DataDir)
	if note := cfg.unused(); note != "" {
		s.log.Info(note)
	}
	s.watch(ctx)
	return s, nil
}

// openStore opens the store, brought up to date, and learns who its users are.
func (s *Server) openStore(ctx context.Context) (err error) {
	if err = migrateAtStart(ctx, s.cfg, s.log); err != nil {
		return err
	}
	if s.store, err = openStore(ctx, s.cfg, s.log, s.telemetry.Committed()); err != nil {
		return err
	}
	if err = s.openRedis(); err != nil {
		return err
	}
	s.openSharedCache(ctx)
	if s.cfg.Standalone() {
		return nil
	}
	if s.users, err = s.cfg.verifier(s.store, s.log); err != nil {
		return err
	}
	if err := s.cfg.provesSecret(); err != nil {
		s.log.Error("tokens signed with the project's secret will be refused", "next", "set SUPABASE_JWT_SECRET to the project's own, and restart", "error", err)
	}
	return nil
}

// makeEngine makes what runs jobs.
func (s *Server) makeEngine() {
	cfg := s.cfg
	s.answers = s.telemetry.Model(&s.router)
	if cfg.Models != nil {
		s.answers = cfg.Models(s.answers)
	}
	agents := s.agents(cfg, s.answers)
	lease := time.Duration(cfg.JobLease)
	s.engine = jobs.New(jobs.Options{Store: s.store, Hub: s.hub, Courier: wakingCourier{s.heeding(s.store.courier), s.webhooks.Wake}, Run: s.run(agents), Log: s.log, AgentTimeout: time.Duration(cfg.AgentTimeout),
		Workers: cfg.engineWorkers(), MaxQueued: cfg.MaxQueued, Retention: time.Duration(cfg.JobRetention), Exclusive: s.store.Exclusive,
		Lease: lease, Sweep: 2 * lease, Policy: cfg.claimPolicy(), Hooks: s.patternsAfter(s.telemetry.JobHooks())})
}

// run does a job of any type.
func (s *Server) run(agents *agent.Agents) func(context.Context, *codeforge.Task) (codeforge.Outcome, error) {
	return func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
		if task.Job.Agent == codeforge.Export {
			return s.github.Run(ctx, task)
		}
		return agents.Run(ctx, task)
	}
}

// makeEdge makes what answers requests.
func (s *Server) makeEdge() (err error) {
	cfg := s.cfg
	if cfg.onlyHTTPS() {
		if s.edge, err = cfg.edge(s.log); err != nil {
			return err
		}
	}
	proxies, err := cfg.proxies()
	if err != nil {
		return err
	}
	identify := func(*http.Request) (codeforge.User, error) { return codeforge.LocalUser(), nil }
	if s.users != nil {
		identify = s.users.User
	}
	o := api.Options{
		Store: s.store, Ledger: s.store.Ledger, Models: s.router.Load, Generate: s.answers.Generate, Jobs: s.engine, Hub: s.hub, Streams: &s.streams, Sockets: &s.sockets, Log: s.log, Audit: s.audit, Auth: identify,
		MaxStreamsUser: cfg.MaxStreams, MaxStreamsAddress: cfg.MaxStreamsFrom,
		Begin: s.telemetry.Begin, Answered: s.telemetry.Answered, Sites: append(s.metricsSites(), s.consoleSites()...),
		Check: s.checks.Check, Run: s.checks.Run, Webhooks: s.webhooks, GitHub: s.github,
		Health: func(context.Context) api.Health { return s.health() }, Ready: func(context.Context) []api.Check { return s.probes.look() },
		StoreName: s.store.Name, Isolation: s.store.Isolation, Model: s.router.model,
		Development: cfg.Environment == "development", Bench: cfg.Bench, Standalone: cfg.Standalone(), Hosts: []string{cfg.ListenHost()},
		PublicURL: strings.TrimRight(cfg.PublicURL, "/"), AllowedOrigins: cfg.AllowedOrigins, TrustedProxies: proxies,
		MaxFile: int64(cmp.Or(cfg.MaxBlob, 1<<30)), MaxText: int64(cmp.Or(cfg.MaxText, cfg.MaxBlob, 1<<30)), MaxImport: int64(cfg.MaxImport), GitPush: cfg.GitPush, GitCache: int64(cfg.GitCache), Download: download.New(download.Options{}).Get,
		RateLimit: cfg.RateLimit, PreviewLimit: cfg.PreviewLimit, StreamWithoutToken: cfg.StreamNoToken || cfg.Standalone(),
	}
	if s.users != nil {
		o.Tokens = s.store
	} else {
		o.Diagnose = s.diagnose
	}
	if s.userKeys != nil {
		o.UserKeys = serverKeys{s}
	}
	if s.redis != nil {
		o.Limiter = redis.NewLimiter(s.redis)
	}
	if s.store.replicas != nil {
		s.rememberPositions()
		o.Consistency = s.store.replicas
	}
	s.http = &http.Server{ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 90 * time.Second,
		IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	// Streams end when shutdown begins, so that it need not wait for them; clients come back with the last id they saw.
	s.http.RegisterOnShutdown(s.hub.Close)
	if cfg.Role == roleWorker { // it has no users, and signs nothing
		s.http.Handler = api.NewProbes(o)
		return nil
	}
	o.StreamKeys = s.keys
	previews := s.previews(s.keys)
	s.http.RegisterOnShutdown(previews.Close)
	o.Preview, o.MCP = previews, mcp.Handler
	s.http.Handler = api.New(o)
	if s.edge != nil {
		s.http.Handler = s.edge.Handler(s.http.Handler)
	}
	return nil
}

// watch begins what goes on beside requests and jobs.
func (s *Server) watch(ctx context.Context) {
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.watches.Go(func() { s.logIsolation(ctx) })
	if s.store.Exclusive {
		s.setQuota(ctx) // it cannot be away
	} else {
		s.watches.Go(func() { s.setQuota(ctx) })
	}
	if s.userKeys != nil {
		s.watches.Go(func() { s.resealUserKeys(ctx) })
	}
	if s.redis != nil {
		s.watches.Go(func() { s.meetOthers(ctx) })
	}
	if s.shared != nil {
		s.watches.Go(func() { s.shared.Watch(ctx) })
	}
	s.watches.Go(func() { watchModels(ctx, s.cfg, &s.router, s.log) })
	if keep := time.Duration(s.cfg.JournalKeep); keep > 0 {
		s.watches.Go(func() { sweepJournal(ctx, s.store, keep, s.log) })
	}
}

// agents are what does the work of jobs.
func (s *Server) agents(cfg *Config, answers llm.Provider) *agent.Agents {
	o := agent.Options{Model: llm.Journaled(answers, s.store), Check: s.checks.Check, Smoke: s.checks.Run, Available: s.checks.Available, Journal: s.store, ReviewRounds: cfg.reviews()}
	if s.patterns != nil {
		o.Patterns = s.patterns.Near
	}
	if cfg.RunLater {
		o.Smoke = nil
		o.Available = func(ctx context.Context) evidence.Available {
			a := s.checks.Available(ctx)
			a.Run = false
			return a
		}
	}
	return agent.New(o)
}

// release closes what was opened besides the server.
func (s *Server) release() error {
	var all []error
	if s.users != nil {
		all = append(all, s.users.Close())
	}
	if s.store != nil {
		all = append(all, s.store.Close())
	}
	if s.redis != nil {
		s.redis.Close()
	}
	s.checks.Close()
	s.closeTraces()
	return errors.Join(append(all, s.audit.Close())...)
}

// Run runs a server until ctx ends or it cannot answer any more. At each hangup it rereads its settings, and takes over what can
// change.
func Run(ctx context.Context, cfg *Config, log io.Writer, hangups <-chan os.Signal, reread func() (*Config, error)) error {
	s, err := Open(ctx, cfg, log)
	if err != nil {
		return err
	}
	if err = s.Listen(); err == nil {
		err = s.Start(ctx)
	}
	if err != nil {
		return errors.Join(err, s.Close())
	}
	for {
		select {
		case <-hangups:
			if next, err := reread(); err != nil {
				s.log.Error("nothing was reloaded: the settings cannot be used", "next", "mend what the error names, and hang up again; the server goes on with the old ones", "error", err)
				s.audit.Record(audit.Entry{Action: reloadAction, Outcome: audit.Failed})
			} else {
				s.Reload(next)
			}
			continue
		case <-ctx.Done():
			s.drain()
		case err = <-s.failed:
		}
		return errors.Join(err, s.Close())
	}
}

// drain says that the server gets ready to stop, and goes on as before until whoever sends it traffic had time to see that.
func (s *Server) drain() {
	delay := s.cfg.drainDelay()
	s.draining.Store(true)
	s.log.Info("draining", "delay_ms", delay.Milliseconds())
	select {
	case <-time.After(delay):
	case err := <-s.failed: // there is nobody left to wait for
		s.log.Error("no longer answering", "next", "restart the server; look for what closed its port", "error", err)
	}
}

// Listen takes the port.
func (s *Server) Listen() (err error) {
	s.listen, err = net.Listen("tcp", net.JoinHostPort(s.cfg.ListenHost(), fmt.Sprint(s.cfg.Port)))
	if err != nil {
		return listenError(err, "--port or PORT (HOST for the address)")
	}
	s.listen = &acceptor{Listener: s.listen, log: s.log}
	if s.edge != nil {
		s.listen = s.edge.Listen(s.listen)
	}
	return s.listenToOperators()
}

// Start begins to work and to answer.
func (s *Server) Start(ctx context.Context) error {
	if s.shared != nil {
		s.shared.Ready(ctx, readyWithin)
	}
	if err := s.engine.Start(ctx); err != nil {
		return err
	}
	if s.cfg.engineWorkers() > 0 {
		s.webhooks.Start(ctx)
		if s.patterns != nil && !s.cfg.HoldPatterns {
			s.patterns.Start(ctx)
		}
	}
	again := newReused(s.listen.Addr())
	s.streams.Reuse = again.put
	for _, l := range []net.Listener{s.listen, again} {
		go func() {
			if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				s.failed <- err
			}
		}()
	}
	s.log.Info("listening", "url", s.URL())
	if s.cfg.Listening != nil {
		s.cfg.Listening(s.URL())
	}
	s.serveOperators()
	return nil
}

// URL is where the server answers, for somebody on this machine.
func (s *Server) URL() string {
	return s.cfg.scheme() + "://" + reachable(s.listen.Addr())
}

// Close takes the server down in order: it stops starting jobs, finishes or hands back those that run within SHUTDOWN_TIMEOUT, ends
// streams, whose clients come back elsewhere with the last id they saw, gives other requests a moment, and closes the store.
func (s *Server) Close() error {
	s.draining.Store(true)
	patience := time.Duration(s.cfg.ShutdownTimeout)
	began := time.Now()
	if s.listen != nil {
		s.log.Info("stopping", "patience_ms", patience.Milliseconds())
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience+time.Second)
	defer cancel()
	all := []error{s.engine.Drain(ctx, patience), s.closeHTTP()}
	s.closeWebhooks()
	if s.patterns != nil {
		s.patterns.Close()
	}
	s.stop()
	s.watches.Wait()
	all = append(all, s.release(), s.closeOperators())
	if s.listen != nil {
		s.listen.Close() // Shutdown closes it only when Serve has begun
		s.log.Info("stopped", "ms", time.Since(began).Milliseconds())
	}
	return errors.Join(all...)
}

// closeHTTP ends streams, waits a moment for requests, and cuts off what is left: a request that does not end must not keep the
// store open.
func (s *Server) closeHTTP() error {
	ctx, cancel := context.WithTimeout(context.Background(), max(time.Second, s.cfg.drainDelay()))
	defer cancel()
	var streams sync.WaitGroup
	streams.Go(func() { s.streams.Close(ctx) }) // http.Server knows nothing of connections that were taken over
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.log.Warn("requests that did not end were cut off", "next", "their clients ask again; raise DRAIN_DELAY if that happens often")
		err = s.http.Close()
	}
	streams.Wait()
	return err
}

// previews shows what projects and the working trees of jobs build.
func (s *Server) previews(keys *auth.Keyring) *preview.Server {
	return preview.New(preview.Options{Domain: s.cfg.PreviewDomain, Keys: keys, TicketNeeded: !s.cfg.Standalone(), Embedders: s.cfg.embedders(), Beside: s.cfg.Standalone() && s.cfg.HasConsole(), Log: s.log,
		Bundle: s.checks.Build, Project: s.store.GetProject, Restored: restoredSince(s.store), ReadBlob: s.store.ReadBlob, AddErrors: s.store.AddPreviewErrors,
		Revision: func(ctx context.Context, u codeforge.User, projectID string, revision int64) (codeforge.Revision, verify.Tree, error) {
			rev, files, err := s.store.RevisionFiles(ctx, u, projectID, revision, codeforge.Page{})
			if err != nil {
				return rev, verify.Tree{}, err
			}
			t, err := api.TreeOf(ctx, s.store, u, projectID, rev.Number, files)
			return rev, t, err
		},
		WorkingTree: func(ctx context.Context, u codeforge.User, jobID string) (preview.WorkingTree, error) {
			t, err := api.ReadWorkingTree(ctx, s.store, u, jobID)
			if err != nil {
				return preview.WorkingTree{}, err
			}
			return preview.WorkingTree{ProjectID: t.Job.ProjectID, Revision: t.Revision, Version: t.Version(), Tree: t.Tree}, nil
		}})
}
