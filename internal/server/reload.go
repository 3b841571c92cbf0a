package server

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"codeforge/internal/audit"
	"codeforge/internal/llm"
)

// liveRouter is the router of now: a reload puts another in its place. Calls that are under way end with the one they
// began with.
type liveRouter struct {
	atomic.Pointer[llm.Router]
	main atomic.Pointer[string] // what answers where no route says otherwise
}

// put has a router route from now on.
func (l *liveRouter) put(r *llm.Router) {
	l.Store(r)
	l.main.Store(new(mainModel(r)))
}

// model names what answers where no route says otherwise.
func (l *liveRouter) model() string { return *l.main.Load() }

// Name implements llm.Provider.
func (l *liveRouter) Name() string { return l.Load().Name() }

// Generate implements llm.Provider.
func (l *liveRouter) Generate(ctx context.Context, r *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	return l.Load().Generate(ctx, r, sink)
}

// secretGrace is how long what an old STREAM_SECRET signed is still known: streams are opened while their job runs, and servers
// learn of the new one after each other.
const secretGrace = 24 * time.Hour

// What of a running server a setting belongs to, as its tag `reload` says; a setting without takes a restart.
const (
	reloadModels = "models"
	reloadLevel  = "log level"
	reloadStream = "stream secret"
	reloadKeys   = "keys of users"
)

// Reload takes over what can change while the server runs: keys and addresses of models, the models file, the certificate, the
// log level, and the secret of streams. What cannot be used is told, and the old one stays; so is what takes a restart.
func (s *Server) Reload(next *Config) {
	var done []string
	try := func(part string, change func() (changed bool, err error)) {
		switch changed, err := change(); {
		case err != nil:
			s.log.Error("not reloaded, the old one stays", "next", "mend what the error names, and hang up again", "part", part, "error", err)
		case changed:
			done = append(done, part)
		}
	}
	live := s.live // what is in force, before anything changes
	changed := map[string]bool{}
	var restart []string
	old, now := reflect.ValueOf(&live).Elem(), reflect.ValueOf(next).Elem()
	for f := range reflect.TypeFor[Config]().Fields() {
		if len(variables(f)) == 0 || reflect.DeepEqual(old.FieldByIndex(f.Index).Interface(), now.FieldByIndex(f.Index).Interface()) {
			continue
		}
		if part := f.Tag.Get("reload"); part != "" {
			changed[part] = true
			old.FieldByIndex(f.Index).Set(now.FieldByIndex(f.Index))
		} else {
			restart = append(restart, variables(f)[0])
		}
	}
	if len(restart) > 0 {
		slices.Sort(restart)
		s.log.Warn("these settings changed, and take a restart", "next", "restart the server when it suits", "settings", restart)
	}
	try(reloadModels, func() (bool, error) {
		// The file, and keys of endpoints that it names, may be others without any setting being one.
		if !changed[reloadModels] && live.ModelsFile == "" {
			return false, nil
		}
		routed := live // it stays as it is, whatever is reloaded next
		if err := s.route(&routed); err != nil {
			s.keepOld(&live, reloadModels)
			return false, err
		}
		return true, nil
	})
	try("certificate", func() (bool, error) {
		if s.edge == nil || s.cfg.TLSCert == "" {
			return false, nil
		}
		return true, s.edge.Reload()
	})
	try(reloadLevel, func() (bool, error) {
		l, err := live.level()
		if err != nil || !changed[reloadLevel] {
			return false, err
		}
		s.level.Set(l)
		return true, nil
	})
	try(reloadStream, func() (bool, error) {
		if s.keys == nil {
			return false, nil
		}
		secret, err := streamSecret(&live)
		return err == nil && s.keys.Replace(secretGrace, secret, live.OldSecrets.secrets()...), err
	})
	try(reloadKeys, func() (bool, error) {
		if !changed[reloadKeys] {
			return false, nil
		}
		if s.userKeys == nil || live.KeySecret == "" {
			s.keepOld(&live, reloadKeys)
			return false, errors.New("to begin or end keeping keys of users takes a restart")
		}
		if !s.keySecrets.Replace(secretGrace, []byte(live.KeySecret), live.OldKeySecrets.secrets()...) {
			return false, nil
		}
		s.resealUserKeys(context.Background())
		return true, nil
	})
	try("audit log", func() (bool, error) { return s.cfg.AuditLog != "", s.audit.Reopen() })
	s.live = live
	s.audit.Record(audit.Entry{Action: reloadAction, Objects: map[string]string{"parts": strings.Join(done, ", ")}, Outcome: audit.Done})
	s.log.Info("reloaded", "parts", done)
}

// keepOld gives the settings of a part the values that are in force.
func (s *Server) keepOld(c *Config, part string) {
	to, from := reflect.ValueOf(c).Elem(), reflect.ValueOf(&s.live).Elem()
	for f := range reflect.TypeFor[Config]().Fields() {
		if f.Tag.Get("reload") == part {
			to.FieldByIndex(f.Index).Set(from.FieldByIndex(f.Index))
		}
	}
}
