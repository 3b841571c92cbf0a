package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
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
	"codeforge/internal/events"
	"codeforge/internal/jobs"
	"codeforge/internal/llm"
	"codeforge/internal/preview"
	"codeforge/internal/sqlite"
	"codeforge/internal/verify"
)

// App is a whole server. Open, Listen, Start, Close, in this order; Close works after any of them.
type App struct {
	cfg    *Config
	log    *slog.Logger
	store  *sqlite.Store
	hub    *events.Hub
	engine *jobs.Engine
	server *http.Server
	listen net.Listener
	failed chan error

	stop    context.CancelFunc // of watches
	watches sync.WaitGroup
}

// Open constructs a server: store, models, agents, engine, edge. Logs go to w.
func Open(ctx context.Context, cfg *Config, w io.Writer) (*App, error) {
	a := &App{cfg: cfg, log: newLog(cfg, w), hub: events.NewHub(), failed: make(chan error, 1)}
	var err error
	if a.store, err = sqlite.Open(ctx, cfg.DataDir, sqlite.Options{}); err != nil {
		return nil, err
	}
	secret, err := streamSecret(cfg)
	if err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	router, err := newRouter(cfg, a.store.Ledger(cfg.limits()), a.log)
	if err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	model := mainModel(router)
	agents := agent.New(agent.Options{Model: llm.Journaled(router, a.store), MaxIterations: cfg.MaxIterations})
	a.engine = jobs.New(jobs.Options{Store: a.store, Hub: a.hub, Run: remember(a.store, agents.Run), Log: a.log, Timeout: cfg.timeout,
		Workers: cfg.Workers, MaxQueued: cfg.MaxQueued, Retention: time.Duration(cfg.JobRetention), Exclusive: true})
	proxies, err := cfg.proxies()
	if err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	edge := api.New(api.Options{
		Store: a.store, Jobs: a.engine, Hub: a.hub, Log: a.log,
		Auth:  func(*http.Request) (codeforge.User, error) { return codeforge.LocalUser(), nil },
		Check: func(files map[string]string) verify.Report { return verify.Check(ctx, files) },
		Preview: preview.New(preview.Options{Domain: cfg.PreviewDomain, Secret: secret, Embedders: cfg.AllowedOrigins, Log: a.log,
			Files: func(ctx context.Context, u codeforge.User, projectID string, unless int64) ([]codeforge.File, int64, error) {
				return a.store.ListFiles(ctx, u, projectID, true, unless)
			}}),
		Health: func(ctx context.Context) api.Health {
			h := api.Health{Status: "healthy", Model: model, Dependencies: map[string]string{"store": "ok"}}
			if a.store.Ping(ctx) != nil {
				h.Status, h.Dependencies["store"] = "degraded", "failing"
			}
			return h
		},
		StoreName: "sqlite", Isolation: "single-user", Model: model,
		Development: cfg.Environment == "development", Bench: cfg.Bench, Standalone: true, Hosts: []string{cfg.host()},
		PublicURL: strings.TrimRight(cfg.PublicURL, "/"), AllowedOrigins: cfg.AllowedOrigins, TrustedProxies: proxies,
		RateLimit: cfg.RateLimit, StreamSecret: secret, StreamWithoutToken: true,
	})
	a.server = &http.Server{Handler: edge, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 90 * time.Second,
		IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	// Streams end when shutdown begins, so that it need not wait for them; clients come back with the last id they saw.
	a.server.RegisterOnShutdown(a.hub.Close)
	a.log.Info("configured", "store", "sqlite", "data_dir", cfg.DataDir, "identity", "standalone: one local user", "isolation", "single-user",
		"model", model, "environment", cfg.Environment)
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.watches.Go(func() { watchModels(ctx, router, a.log) })
	if keep := time.Duration(cfg.JournalKeep); keep > 0 {
		a.watches.Go(func() { sweepJournal(ctx, a.store, keep, a.log) })
	}
	return a, nil
}

// Listen takes the port.
func (a *App) Listen() (err error) {
	a.listen, err = net.Listen("tcp", net.JoinHostPort(a.cfg.host(), fmt.Sprint(a.cfg.Port)))
	if err != nil {
		return fmt.Errorf("%w: choose another one with --port or PORT", err)
	}
	return nil
}

// Start begins to work and to answer.
func (a *App) Start(ctx context.Context) error {
	if err := a.engine.Start(ctx); err != nil {
		return err
	}
	go func() {
		if err := a.server.Serve(a.listen); !errors.Is(err, http.ErrServerClosed) {
			a.failed <- err
		}
	}()
	a.log.Info("listening", "url", a.URL())
	return nil
}

// URL is where the server answers, for somebody on this machine.
func (a *App) URL() string {
	host, port, _ := net.SplitHostPort(a.listen.Addr().String())
	if ip := net.ParseIP(host); ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// Failed gives the error that made the server stop answering.
func (a *App) Failed() <-chan error { return a.failed }

// Close stops taking requests, finishes or hands back running jobs, and closes the store, within SHUTDOWN_TIMEOUT.
func (a *App) Close() error {
	patience := time.Duration(a.cfg.ShutdownTimeout)
	ctx, cancel := context.WithTimeout(context.Background(), patience+time.Second)
	defer cancel()
	began := time.Now()
	if a.listen != nil {
		a.log.Info("stopping", "patience_ms", patience.Milliseconds())
	}
	var all []error
	closing := make(chan error, 1)
	go func() { closing <- a.server.Shutdown(ctx) }()
	all = append(all, a.engine.Drain(ctx, patience))
	select {
	case err := <-closing:
		all = append(all, err)
	case <-time.After(time.Second): // a request that does not end must not keep the store open
		all = append(all, a.server.Close())
	}
	a.stop()
	a.watches.Wait()
	all = append(all, a.store.Close())
	if a.listen != nil {
		a.listen.Close() // Shutdown closes it only when Serve has begun
		a.log.Info("stopped", "ms", time.Since(began).Milliseconds())
	}
	return errors.Join(all...)
}

// newLog makes the JSON log: one object a line, with timestamp, level, logger, message and what the message names.
func newLog(cfg *Config, w io.Writer) *slog.Logger {
	level, _ := cfg.level() // checked by Validate
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 {
			switch a.Key {
			case slog.TimeKey:
				a.Key = "timestamp"
			case slog.MessageKey:
				a.Key = "message"
			}
		}
		return a
	}})).With("logger", "codeforge")
}

// streamSecret is STREAM_SECRET, else a secret made at the first start and kept in the data folder.
func streamSecret(cfg *Config) ([]byte, error) {
	if cfg.StreamSecret != "" {
		return []byte(cfg.StreamSecret), nil
	}
	name := filepath.Join(cfg.DataDir, "stream.secret")
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		var raw [32]byte
		rand.Read(raw[:])
		b = []byte(base64.RawStdEncoding.EncodeToString(raw[:]))
		err = os.WriteFile(name, b, 0o600)
	}
	if err == nil && len(b) < 32 {
		err = fmt.Errorf("%s holds no secret: delete it, a new one will be made", name)
	}
	return b, err
}
