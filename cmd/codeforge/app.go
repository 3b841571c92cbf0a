package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/agent"
	"codeforge/internal/api"
	"codeforge/internal/auth"
	"codeforge/internal/events"
	"codeforge/internal/https"
	"codeforge/internal/jobs"
	"codeforge/internal/llm"
	"codeforge/internal/postgres"
	"codeforge/internal/preview"
	"codeforge/internal/verify"
)

// App is a whole server. Open, Listen, Start, Close, in this order; Close works after any of them.
type App struct {
	cfg    *Config
	log    *slog.Logger
	level  *slog.LevelVar
	router liveRouter
	data   *data
	users  *auth.Verifier // nil: standalone
	edge   *https.Edge    // nil: plain requests are served
	hub    *events.Hub
	engine *jobs.Engine
	checks *verify.Verifier
	queue  *postgres.Dispatcher // nil: other servers find jobs by looking for them
	server *http.Server
	listen net.Listener

	envLevel string // what .env said of the log level last
	failed   chan error

	stop    context.CancelFunc // of watches
	watches sync.WaitGroup
}

// Open constructs a server: store, identity, models, agents, engine, edge. Logs go to w.
func Open(ctx context.Context, cfg *Config, w io.Writer) (_ *App, err error) {
	if err := cfg.servable(); err != nil {
		return nil, err
	}
	log, level := newLog(cfg, w)
	a := &App{cfg: cfg, log: log, level: level, envLevel: envLevel(), hub: events.NewHub(), failed: make(chan error, 1)}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.release())
		}
	}()
	a.checks = verify.NewVerifier(cfg.sandbox()) // first: its children get ready beside the rest
	if err = migrateAtStart(ctx, cfg, a.log); err != nil {
		return nil, err
	}
	if a.data, err = openData(ctx, cfg, a.log); err != nil {
		return nil, err
	}
	identify := func(*http.Request) (codeforge.User, error) { return codeforge.LocalUser(), nil }
	if !cfg.standalone() {
		if a.users, err = cfg.verifier(a.data, a.log); err != nil {
			return nil, err
		}
		identify = a.users.User
		if err := cfg.provesSecret(); err != nil {
			a.log.Error("tokens signed with the project's secret will be refused", "error", err)
		}
	}
	if cfg.onlyHTTPS() {
		if a.edge, err = cfg.edge(a.log); err != nil {
			return nil, err
		}
	}
	secret, err := streamSecret(cfg)
	if err != nil {
		return nil, err
	}
	router, err := newRouter(cfg, a.data.books, a.log)
	if err != nil {
		return nil, err
	}
	a.router.Store(router)
	model := mainModel(router)
	agents := agent.New(agent.Options{Model: llm.Journaled(&a.router, a.data), Check: a.checks.Check, Journal: a.data, MaxIterations: cfg.MaxIterations})
	lease := time.Duration(cfg.JobLease)
	a.engine = jobs.New(jobs.Options{Store: a.data, Hub: a.hub, Run: remember(a.data, agents.Run), Log: a.log, AgentTimeout: time.Duration(cfg.AgentTimeout),
		Workers: cfg.Workers, MaxQueued: cfg.MaxQueued, Retention: time.Duration(cfg.JobRetention), Exclusive: a.data.exclusive,
		Lease: lease, Sweep: 2 * lease})
	if a.data.queue != nil {
		// Without it everything works, and jobs that a busy server took in wait until another one looks for them.
		if a.queue, err = a.data.queue(ctx, a.engine.Wake, a.log.With("logger", "river")); err != nil {
			a.log.Warn("jobs are not handed to other servers at once", "error", err)
		}
	}
	proxies, err := cfg.proxies()
	if err != nil {
		return nil, err
	}
	var handler http.Handler = api.New(api.Options{
		Store: a.data, Books: a.data.books, Models: a.router.Load, Jobs: a.engine, Hub: a.hub, Log: a.log, Auth: identify,
		Check: a.checks.Check,
		Preview: preview.New(preview.Options{Domain: cfg.PreviewDomain, Secret: secret, TicketNeeded: !cfg.standalone(), Embedders: cfg.AllowedOrigins, Log: a.log, Bundle: a.checks.Bundle,
			Project: a.data.GetProject, Restored: restoredSince(a.data),
			Files: func(ctx context.Context, u codeforge.User, projectID string, revision int64) (codeforge.Revision, []codeforge.File, error) {
				return a.data.RevisionFiles(ctx, u, projectID, revision, codeforge.Page{})
			}}),
		Health: func(ctx context.Context) api.Health { return a.health(ctx, model) }, Ready: a.ready,
		StoreName: a.data.name, Isolation: a.data.isolation, Model: model,
		Development: cfg.Environment == "development", Bench: cfg.Bench, Standalone: cfg.standalone(), Hosts: []string{cfg.host()},
		PublicURL: strings.TrimRight(cfg.PublicURL, "/"), AllowedOrigins: cfg.AllowedOrigins, TrustedProxies: proxies,
		RateLimit: cfg.RateLimit, PreviewLimit: cfg.PreviewLimit, StreamSecret: secret, StreamWithoutToken: cfg.StreamNoToken || cfg.standalone(),
	})
	if a.edge != nil {
		handler = a.edge.Handler(handler)
	}
	a.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 90 * time.Second,
		IdleTimeout: 2 * time.Minute, ErrorLog: slog.NewLogLogger(a.log.Handler(), slog.LevelDebug)}
	// Streams end when shutdown begins, so that it need not wait for them; clients come back with the last id they saw.
	a.server.RegisterOnShutdown(a.hub.Close)
	a.log.Info("configured", "store", a.data.name, "isolation", a.data.isolation, "identity", cfg.identity(), "https", a.edge != nil,
		"model", model, "environment", cfg.Environment, "data_dir", cfg.DataDir)
	if note := cfg.unused(); note != "" {
		a.log.Info(note)
	}
	ctx, a.stop = context.WithCancel(context.WithoutCancel(ctx))
	a.watches.Go(func() { a.tellIsolation(ctx) })
	if a.data.exclusive {
		a.setQuota(ctx) // it cannot be away
	} else {
		a.watches.Go(func() { a.setQuota(ctx) })
	}
	a.watches.Go(func() { watchModels(ctx, &a.router, a.log) })
	if keep := time.Duration(cfg.JournalKeep); keep > 0 {
		a.watches.Go(func() { sweepJournal(ctx, a.data, keep, a.log) })
	}
	if !a.data.exclusive {
		a.watches.Go(func() { a.hear(ctx) })
	}
	return a, nil
}

// verifier knows the users. tokens holds tokens of our own; nil: none are accepted.
func (c *Config) verifier(tokens auth.TokenStore, log *slog.Logger) (*auth.Verifier, error) {
	return auth.New(auth.Options{SupabaseURL: strings.TrimRight(c.SupabaseURL, "/"), JWTSecret: c.JWTSecret, ServiceKey: c.ServiceKey,
		Issuers: c.JWTIssuers, AllowAnonymous: c.AllowAnonymous, Tokens: tokens, Log: log})
}

// provesSecret reports whether SUPABASE_JWT_SECRET is the secret of the project, where a legacy key is at hand, which is signed
// with it.
func (c *Config) provesSecret() error {
	dot := strings.LastIndexByte(c.ServiceKey, '.')
	if c.JWTSecret == "" || dot < 0 {
		return nil
	}
	head, _ := base64.RawURLEncoding.DecodeString(strings.SplitN(c.ServiceKey, ".", 2)[0])
	var header struct{ Alg string }
	if json.Unmarshal(head, &header) != nil || header.Alg != "HS256" {
		return nil // a key of another kind is signed with something else
	}
	mac := hmac.New(sha256.New, []byte(c.JWTSecret))
	mac.Write([]byte(c.ServiceKey[:dot]))
	if signature, err := base64.RawURLEncoding.DecodeString(c.ServiceKey[dot+1:]); err == nil && hmac.Equal(signature, mac.Sum(nil)) {
		return nil
	}
	return errors.New("SUPABASE_JWT_SECRET did not sign SUPABASE_SERVICE_KEY, so it is not the project's secret, or a former one: copy it from the dashboard (Project Settings, JWT Keys, Legacy JWT Secret), as it stands there")
}

// identity says, for the log, who callers are.
func (c *Config) identity() string {
	switch {
	case c.standalone():
		return "standalone: one local user"
	case c.SupabaseURL != "":
		return "tokens of " + c.SupabaseURL
	}
	return "tokens signed with SUPABASE_JWT_SECRET"
}

// edge lets in what comes by HTTPS.
func (c *Config) edge(log *slog.Logger) (*https.Edge, error) {
	proxies, err := c.proxies()
	if err != nil {
		return nil, err
	}
	o := https.Options{CertFile: c.TLSCert, KeyFile: c.TLSKey, Domains: c.TLSDomains, CacheDir: filepath.Join(c.DataDir, "certificates"),
		Email: c.ACMEEmail, Directory: c.ACMEURL, TrustedProxies: proxies, Plain: []string{"/health", "/ready", "/readyz"}, Log: log}
	if strings.HasPrefix(c.PublicURL, "https://") {
		o.PublicURL = c.PublicURL
	}
	return https.New(o)
}

// unused names, for the log, what is set and has no effect.
func (c *Config) unused() string {
	var names []string
	for name, value := range map[string]string{"REDIS_URL": c.RedisURL, "CELERY_BROKER_URL": c.CeleryBroker, "CELERY_RESULT_BACKEND": c.CeleryBackend} {
		if value != "" {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ""
	}
	slices.Sort(names)
	return "not used: " + strings.Join(names, ", ") + " (jobs are kept in the store)"
}

// health says how the parts are that a server depends on.
func (a *App) health(ctx context.Context, model string) api.Health {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	h := api.Health{Status: "healthy", Model: model, Dependencies: map[string]string{"store": "ok", "descriptors": "ok", "supabase": "not configured", "redis": "not configured", "verifier": "ok"}}
	failing := func(part string) { h.Status, h.Dependencies[part] = "degraded", "failing" }
	if a.cfg.SupabaseURL != "" {
		h.Dependencies["supabase"] = "ok"
	}
	if a.cfg.RedisURL != "" {
		h.Dependencies["redis"] = "not used"
	}
	if a.data.Ping(ctx) != nil {
		failing("store")
		if a.data.name == supabaseStore {
			failing("supabase")
		}
	}
	if a.users != nil && a.users.Ready(ctx) != nil {
		failing("supabase")
	}
	if a.checks.Healthy() != nil {
		failing("verifier")
	}
	if descriptors() != nil {
		failing("descriptors")
	}
	return h
}

// ready says why the server should get no traffic, besides a store that does not answer.
func (a *App) ready(ctx context.Context) error {
	if err := a.checks.Healthy(); err != nil {
		return err
	}
	if err := descriptors(); err != nil {
		return err
	}
	if a.users == nil {
		return nil
	}
	if err := a.users.Ready(ctx); err != nil {
		return &codeforge.Error{Kind: codeforge.Unavailable, Message: "Tokens cannot be verified: the log and codeforge doctor say why", Cause: err}
	}
	return nil
}

// tellIsolation says, for the log, what generated code could do to this machine if it took a parser over.
func (a *App) tellIsolation(ctx context.Context) {
	switch held, err := a.checks.Isolation(ctx); {
	case ctx.Err() != nil:
	case err != nil:
		a.log.Error("generated code cannot be checked", "error", err)
	case len(held.Open()) > 0:
		a.log.Warn("verifiers are not wholly isolated", "isolation", held.String())
	default:
		a.log.Info("verifiers are isolated", "isolation", held.String())
	}
}

// setQuota tells the store what bounds users, as soon as it can be told: one on another machine may be away at start.
func (a *App) setQuota(ctx context.Context) {
	for wait := time.Second; ; wait = min(2*wait, time.Minute) {
		err := a.data.SetQuota(ctx, a.cfg.quota())
		if err == nil || ctx.Err() != nil {
			return
		}
		a.log.Error("the quotas of users are not in force yet", "error", err)
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// release closes what was opened besides the server.
func (a *App) release() error {
	var all []error
	if a.queue != nil {
		all = append(all, a.queue.Stop(context.Background()))
	}
	if a.users != nil {
		all = append(all, a.users.Close())
	}
	if a.data != nil {
		all = append(all, a.data.close())
	}
	a.checks.Close()
	return errors.Join(all...)
}

// Listen takes the port.
func (a *App) Listen() (err error) {
	a.listen, err = net.Listen("tcp", net.JoinHostPort(a.cfg.host(), fmt.Sprint(a.cfg.Port)))
	if err != nil {
		return fmt.Errorf("%w: choose another one with --port or PORT", err)
	}
	a.listen = &acceptor{Listener: a.listen, log: a.log}
	if a.edge != nil {
		a.listen = a.edge.Listen(a.listen)
	}
	return nil
}

// Start begins to work and to answer.
func (a *App) Start(ctx context.Context) error {
	if err := a.engine.Start(ctx); err != nil {
		return err
	}
	if a.queue != nil {
		if err := a.queue.Start(ctx); err != nil {
			return err
		}
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
	return a.cfg.scheme() + "://" + net.JoinHostPort(host, port)
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
	if a.queue != nil {
		all = append(all, a.queue.Stop(ctx))
		a.queue = nil
	}
	all = append(all, a.engine.Drain(ctx, patience))
	select {
	case err := <-closing:
		all = append(all, err)
	case <-time.After(time.Second): // a request that does not end must not keep the store open
		all = append(all, a.server.Close())
	}
	a.stop()
	a.watches.Wait()
	all = append(all, a.release())
	if a.listen != nil {
		a.listen.Close() // Shutdown closes it only when Serve has begun
		a.log.Info("stopped", "ms", time.Since(began).Milliseconds())
	}
	return errors.Join(all...)
}

// newLog makes the JSON log: one object a line, with timestamp, level, logger, message and what the message names.
func newLog(cfg *Config, w io.Writer) (*slog.Logger, *slog.LevelVar) {
	level := &slog.LevelVar{}
	l, _ := cfg.level() // checked by Validate
	level.Set(l)
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
	}})).With("logger", "codeforge"), level
}

// streamSecret is STREAM_SECRET, else a secret made at the first start and kept in the data folder.
func streamSecret(cfg *Config) ([]byte, error) {
	if cfg.StreamSecret != "" {
		return []byte(cfg.StreamSecret), nil
	}
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("%w: set STREAM_SECRET, or DATA_DIR to a folder that can be made", err)
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

// restoredSince looks for a restore among the revisions after a given one, newest first. Whoever saw nothing for a
// thousand revisions is taken to have missed one.
func restoredSince(s api.Store) func(ctx context.Context, u codeforge.User, projectID string, since int64) (bool, error) {
	const size, pages = 100, 10
	return func(ctx context.Context, u codeforge.User, projectID string, since int64) (bool, error) {
		for page := 1; page <= pages; page++ {
			list, _, err := s.ListRevisions(ctx, u, projectID, page, size)
			if err != nil {
				return false, err
			}
			for _, r := range list {
				switch {
				case r.Number <= since:
					return false, nil
				case r.Restored():
					return true, nil
				}
			}
			if len(list) < size {
				return false, nil
			}
		}
		return true, nil
	}
}
