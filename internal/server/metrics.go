package server

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"codeforge/internal/api"
	"codeforge/internal/telemetry"
)

// watchParts has the parts asked by those who read metrics.
func (s *Server) watchParts() {
	parts := telemetry.Sources{Jobs: s.store.CountJobs, Engine: s.engine.Stats, Models: s.router.Load, Checks: s.checks.Stats,
		Writer: s.store.waiting, Database: s.store.pool, Streams: s.streams.Stats, Sockets: s.sockets.Stats, Webhooks: s.webhooks.Stats}
	if s.store.Cache != nil {
		parts.Cache = s.store.Cache.Stats
	}
	if s.redis != nil {
		parts.Redis = s.redis.Stats
	}
	if s.store.replicas != nil {
		parts.Replicas = s.store.replicas.Stats
	}
	if s.store.failovers != nil {
		parts.Failovers = s.store.failovers.Stats
	}
	s.telemetry.Watch(parts)
}

// checkMetrics tells what is wrong with how metrics are to be read.
func (c *Config) checkMetrics(bad func(name, format string, args ...any)) {
	if c.MetricsAddr != "" {
		if _, port, err := net.SplitHostPort(c.MetricsAddr); err != nil || port == "" {
			bad("METRICS_ADDR", "must be an address to listen on, like 127.0.0.1:9090 or :9090, is %q", c.MetricsAddr)
		}
	}
	if c.MetricsToken != "" && len(c.MetricsToken) < 16 {
		bad("METRICS_TOKEN", "must have at least 16 characters")
	}
}

// operatorsPort is a port of its own for those who operate the server, METRICS_ADDR; nil: there is none.
func (s *Server) operatorsPort() *http.Server {
	if s.cfg.MetricsAddr == "" {
		return nil
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", withToken(s.cfg.MetricsToken, s.telemetry.Metrics()))
	s.addDebug(mux)
	return &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, WriteTimeout: 2 * time.Minute,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
}

// listenToOperators takes that port.
func (s *Server) listenToOperators() error {
	if s.operators == nil {
		return nil
	}
	l, err := net.Listen("tcp", s.cfg.MetricsAddr)
	if err != nil {
		return listenError(err, "METRICS_ADDR")
	}
	s.operatorsAt = l
	return nil
}

// OperatorsURL is where metrics are read at a port of their own; "": there is none.
func (s *Server) OperatorsURL() string {
	if s.operatorsAt == nil {
		return ""
	}
	return "http://" + reachable(s.operatorsAt.Addr())
}

// serveOperators answers at that port until it is closed.
func (s *Server) serveOperators() {
	if s.operators == nil {
		return
	}
	go func() {
		if err := s.operators.Serve(s.operatorsAt); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("metrics are no longer answered", "next", "restart the server; look for what closed METRICS_ADDR", "error", err)
		}
	}()
	s.log.Info("metrics", "url", s.OperatorsURL()+"/metrics")
}

// metricsSites is /metrics at the server's own port: for who has the token; without one, while somebody develops, for this machine.
func (s *Server) metricsSites() []api.Site {
	handler := s.telemetry.Metrics()
	switch env := s.cfg.Environment; {
	case s.cfg.MetricsToken != "":
		handler = withToken(s.cfg.MetricsToken, handler)
	case s.cfg.MetricsAddr != "", env != "development" && env != "test":
		return nil
	default:
		handler = fromHere(handler)
	}
	match := func(r *http.Request) bool { return r.URL.Path == "/metrics" }
	return []api.Site{{Name: "metrics", Match: match, Handler: handler}}
}

// withToken lets those in who send the token; "": all.
func withToken(token string, next http.Handler) http.Handler {
	if token == "" {
		return next
	}
	want := sha256.Sum256([]byte("Bearer " + token))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
		if subtle.ConstantTimeCompare(got[:], want[:]) != 1 {
			w.Header().Set("WWW-Authenticate", "Bearer")
			http.Error(w, "send METRICS_TOKEN as a bearer token", http.StatusUnauthorized)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// fromHere lets programs of this machine in. A web page could have a name of its own lead here, and a proxy stands in for anybody.
func fromHere(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		peer, err := netip.ParseAddrPort(r.RemoteAddr)
		forwarded := r.Header.Get("X-Forwarded-For") != "" || r.Header.Get("Forwarded") != ""
		if err != nil || !peer.Addr().Unmap().IsLoopback() || !loopback(host) || forwarded || r.Header.Get("Origin") != "" {
			http.Error(w, "this is for programs of this machine: set METRICS_TOKEN for others", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// reachable is an address to listen on as somebody on this machine reaches it.
func reachable(a net.Addr) string {
	host, port, _ := net.SplitHostPort(a.String())
	if ip := net.ParseIP(host); ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// tracesWithin bounds how long the end of a server waits for whoever collects traces.
const tracesWithin = 3 * time.Second

// closeTraces sends what is left of traces. What cannot be sent is told, and no error.
func (s *Server) closeTraces() {
	ctx, cancel := context.WithTimeout(context.Background(), tracesWithin)
	defer cancel()
	if err := s.telemetry.Close(ctx); err != nil {
		s.log.Warn("the last traces could not be exported", "next", "look at OTEL_EXPORTER_OTLP_ENDPOINT and the collector; these traces are lost", "error", err)
	}
}

// closeOperators ends that port: what happens while a server stops is of interest too.
func (s *Server) closeOperators() error {
	if s.operators == nil {
		return nil
	}
	s.stopDebug()
	err := s.operators.Close()
	if s.operatorsAt != nil {
		s.operatorsAt.Close() // Close closes it only when Serve has begun
	}
	return err
}
