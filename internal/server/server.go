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
	"strings"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/agent"
	"codeforge/internal/api"
	"codeforge/internal/auth"
	"codeforge/internal/download"
	"codeforge/internal/events"
	"codeforge/internal/evidence"
	"codeforge/internal/https"
	"codeforge/internal/jobs"
	"codeforge/internal/llm"
	"codeforge/internal/preview"
	"codeforge/internal/verify"
)

// Server is a whole server. Open, Listen, Start, Close, in this order; Close works after any of them.
type Server struct {
	cfg         *Config
	log         *slog.Logger
	level       *slog.LevelVar
	router      liveRouter
	store       *Store
	users       *auth.Verifier // nil: standalone
	edge        *https.Edge    // nil: plain requests are served
	hub         *events.Hub
	engine      *jobs.Engine
	checks      *evidence.Ladder
	descriptors heldCheck
	answers     heldCheck // of the store
	http        *http.Server
	listen      net.Listener

	envLevel string     // what .env said of the log level last
	failed   chan error // gets what made the server stop answering

	stop    context.CancelFunc // of watches
	watches sync.WaitGroup
}

// Open constructs a server: store, identity, models, agents, engine, edge. Logs go to w.
func Open(ctx context.Context, cfg *Config, w io.Writer) (_ *Server, err error) {
	if err := cfg.ValidateServing(); err != nil {
		return nil, err
	}
	log, level := newLog(cfg, w)
	s := &Server{cfg: cfg, log: log, level: level, envLevel: envLevel(), hub: events.NewHub(), failed: make(chan error, 1)}
	s.descriptors = heldCheck{look: openSome, hold: time.Second}
	s.answers = heldCheck{look: s.pingStore, hold: time.Second / 10}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.release())
		}
	}()
	s.checks = cfg.ladder(cfg.sandbox(), filepath.Join(cfg.DataDir, "types")) // first: its children get ready beside the rest
	if err = migrateAtStart(ctx, cfg, s.log); err != nil {
		return nil, err
	}
	if s.store, err = OpenStore(ctx, cfg, s.log); err != nil {
		return nil, err
	}
	identify := func(*http.Request) (codeforge.User, error) { return codeforge.LocalUser(), nil }
	if !cfg.Standalone() {
		if s.users, err = cfg.verifier(s.store, s.log); err != nil {
			return nil, err
		}
		identify = s.users.User
		if err := cfg.provesSecret(); err != nil {
			s.log.Error("tokens signed with the project's secret will be refused", "error", err)
		}
	}
	if cfg.onlyHTTPS() {
		if s.edge, err = cfg.edge(s.log); err != nil {
			return nil, err
		}
	}
	secret, err := streamSecret(cfg)
	if err != nil {
		return nil, err
	}
	router, err := NewRouter(cfg, s.store.Ledger, s.log)
	if err != nil {
		return nil, err
	}
	s.router.Store(router)
	model := mainModel(router)
	var answers llm.Provider = &s.router
	if cfg.Models != nil {
		answers = cfg.Models(answers)
	}
	agents := s.agents(cfg, answers)
	lease := time.Duration(cfg.JobLease)
	s.engine = jobs.New(jobs.Options{Store: s.store, Hub: s.hub, Courier: s.store.courier, Run: agents.Run, Log: s.log, AgentTimeout: time.Duration(cfg.AgentTimeout),
		Workers: cfg.Workers, MaxQueued: cfg.MaxQueued, Retention: time.Duration(cfg.JobRetention), Exclusive: s.store.Exclusive,
		Lease: lease, Sweep: 2 * lease})
	proxies, err := cfg.proxies()
	if err != nil {
		return nil, err
	}
	previews := s.previews(secret)
	var handler http.Handler = api.New(api.Options{
		Store: s.store, Ledger: s.store.Ledger, Models: s.router.Load, Jobs: s.engine, Hub: s.hub, Log: s.log, Auth: identify,
		Check: s.checks.Check, Run: s.checks.Run,
		Preview: previews,
		Health:  func(ctx context.Context) api.Health { return s.health(ctx, model) }, Ready: s.ready,
		StoreName: s.store.Name, Isolation: s.store.Isolation, Model: model,
		Development: cfg.Environment == "development", Bench: cfg.Bench, Standalone: cfg.Standalone(), Hosts: []string{cfg.ListenHost()},
		PublicURL: strings.TrimRight(cfg.PublicURL, "/"), AllowedOrigins: cfg.AllowedOrigins, TrustedProxies: proxies,
		MaxFile: int64(cmp.Or(cfg.MaxBlob, 1<<30)), MaxText: int64(cmp.Or(cfg.MaxText, cfg.MaxBlob, 1<<30)), MaxImport: int64(cfg.MaxImport), Download: download.New(download.Options{}).Get,
		RateLimit: cfg.RateLimit, PreviewLimit: cfg.PreviewLimit, StreamSecret: secret, StreamWithoutToken: cfg.StreamNoToken || cfg.Standalone(),
	})
	if s.edge != nil {
		handler = s.edge.Handler(handler)
	}
	s.http = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 90 * time.Second,
		IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	// Streams end when shutdown begins, so that it need not wait for them; clients come back with the last id they saw.
	s.http.RegisterOnShutdown(s.hub.Close)
	s.http.RegisterOnShutdown(previews.Close)
	s.log.Info("configured", "store", s.store.Name, "isolation", s.store.Isolation, "identity", cfg.identity(), "https", s.edge != nil,
		"model", model, "environment", cfg.Environment, "data_dir", cfg.DataDir)
	if note := cfg.unused(); note != "" {
		s.log.Info(note)
	}
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.watches.Go(func() { s.logIsolation(ctx) })
	if s.store.Exclusive {
		s.setQuota(ctx) // it cannot be away
	} else {
		s.watches.Go(func() { s.setQuota(ctx) })
	}
	s.watches.Go(func() { watchModels(ctx, s.cfg, &s.router, s.log) })
	if keep := time.Duration(cfg.JournalKeep); keep > 0 {
		s.watches.Go(func() { sweepJournal(ctx, s.store, keep, s.log) })
	}
	return s, nil
}

// agents are what does the work of jobs.
func (s *Server) agents(cfg *Config, answers llm.Provider) *agent.Agents {
	o := agent.Options{Model: llm.Journaled(answers, s.store), Check: s.checks.Check, Smoke: s.checks.Run, Available: s.checks.Available, Journal: s.store, ReviewRounds: cfg.reviews()}
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
	s.checks.Close()
	return errors.Join(all...)
}

// Run runs a server until ctx ends or it cannot answer any more. It reads again what can change at each hangup.
func Run(ctx context.Context, cfg *Config, log io.Writer, hangups <-chan os.Signal) error {
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
			s.Reload()
			continue
		case <-ctx.Done():
		case err = <-s.failed:
		}
		return errors.Join(err, s.Close())
	}
}

// Listen takes the port.
func (s *Server) Listen() (err error) {
	s.listen, err = net.Listen("tcp", net.JoinHostPort(s.cfg.ListenHost(), fmt.Sprint(s.cfg.Port)))
	if err != nil {
		return fmt.Errorf("%w: choose another one with --port or PORT", err)
	}
	s.listen = &acceptor{Listener: s.listen, log: s.log}
	if s.edge != nil {
		s.listen = s.edge.Listen(s.listen)
	}
	return nil
}

// Start begins to work and to answer.
func (s *Server) Start(ctx context.Context) error {
	if err := s.engine.Start(ctx); err != nil {
		return err
	}
	go func() {
		if err := s.http.Serve(s.listen); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	s.log.Info("listening", "url", s.URL())
	return nil
}

// URL is where the server answers, for somebody on this machine.
func (s *Server) URL() string {
	host, port, _ := net.SplitHostPort(s.listen.Addr().String())
	if ip := net.ParseIP(host); ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return s.cfg.scheme() + "://" + net.JoinHostPort(host, port)
}

// Close stops taking requests, finishes or hands back running jobs, and closes the store, within SHUTDOWN_TIMEOUT.
func (s *Server) Close() error {
	patience := time.Duration(s.cfg.ShutdownTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), patience+time.Second)
	defer cancel()
	began := time.Now()
	if s.listen != nil {
		s.log.Info("stopping", "patience_ms", patience.Milliseconds())
	}
	var all []error
	closing := make(chan error, 1)
	go func() { closing <- s.http.Shutdown(ctx) }()
	all = append(all, s.engine.Drain(ctx, patience))
	select {
	case err := <-closing:
		all = append(all, err)
	case <-time.After(time.Second): // a request that does not end must not keep the store open
		all = append(all, s.http.Close())
	}
	s.stop()
	s.watches.Wait()
	all = append(all, s.release())
	if s.listen != nil {
		s.listen.Close() // Shutdown closes it only when Serve has begun
		s.log.Info("stopped", "ms", time.Since(began).Milliseconds())
	}
	return errors.Join(all...)
}

// previews shows what projects and the working trees of jobs build.
func (s *Server) previews(secret []byte) *preview.Server {
	return preview.New(preview.Options{Domain: s.cfg.PreviewDomain, Secret: secret, TicketNeeded: !s.cfg.Standalone(), Embedders: s.cfg.AllowedOrigins, Log: s.log,
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
