package server

import (
	"bytes"
	"net"
	"net/http"
	"net/http/pprof"
	"runtime/trace"
	"time"
)

// What the flight recorder remembers.
const (
	recorderAge   = 15 * time.Second
	recorderBytes = 32 << 20
)

// checkDebug tells what is wrong with where profiles are to be read: they show what a program does and holds, so never at the port
// of users, and at one that others reach only with a token.
func (c *Config) checkDebug(bad func(name, format string, args ...any)) {
	if c.DebugEndpoints != "on" {
		return
	}
	host, _, _ := net.SplitHostPort(c.MetricsAddr)
	switch {
	case c.MetricsAddr == "":
		bad("DEBUG_ENDPOINTS", "profiles are never at the port of users: set METRICS_ADDR to an address of its own, like 127.0.0.1:9090")
	case c.MetricsToken == "" && !loopback(host):
		bad("DEBUG_ENDPOINTS", "others reach METRICS_ADDR: set METRICS_TOKEN, or METRICS_ADDR to one of this machine alone, like 127.0.0.1:9090")
	}
}

// addDebug adds profiles, and the recorder of what just happened. The command line is left out: it may hold secrets.
func (s *Server) addDebug(mux *http.ServeMux) {
	if s.cfg.DebugEndpoints != "on" {
		return
	}
	add := func(pattern string, handler http.Handler) {
		if s.cfg.MetricsToken == "" { // then they are at a loopback address, which a web page could have a name of its own lead to
			handler = fromHere(handler)
		}
		mux.Handle("GET "+pattern, withToken(s.cfg.MetricsToken, handler))
	}
	add("/debug/pprof/", http.HandlerFunc(pprof.Index))
	add("/debug/pprof/profile", http.HandlerFunc(pprof.Profile))
	add("/debug/pprof/symbol", http.HandlerFunc(pprof.Symbol))
	add("/debug/pprof/trace", http.HandlerFunc(pprof.Trace))
	s.recorder = trace.NewFlightRecorder(trace.FlightRecorderConfig{MinAge: recorderAge, MaxBytes: recorderBytes})
	if err := s.recorder.Start(); err != nil { // one a process, and one trace beside it
		s.log.Warn("the flight recorder does not run", "next", "nothing else needs it; restart the server to try again", "error", err)
		s.recorder = nil
	}
	add("/debug/flight", http.HandlerFunc(s.flight))
}

// flight sends what the process did in the last seconds, for `go tool trace`.
func (s *Server) flight(w http.ResponseWriter, _ *http.Request) {
	if s.recorder == nil || !s.recorder.Enabled() {
		http.Error(w, "the flight recorder does not run: the log says why", http.StatusServiceUnavailable)
		return
	}
	var snapshot bytes.Buffer // it must not take as long as its reader
	if _, err := s.recorder.WriteTo(&snapshot); err != nil {
		http.Error(w, "somebody else reads it: try again", http.StatusServiceUnavailable)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", `attachment; filename="flight.trace"`)
	_, _ = w.Write(snapshot.Bytes())
}

// stopDebug ends the recorder.
func (s *Server) stopDebug() {
	if s.recorder != nil {
		s.recorder.Stop()
	}
}
