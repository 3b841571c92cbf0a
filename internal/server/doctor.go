package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/browser"
	"codeforge/internal/client"
	"codeforge/internal/evidence"
	"codeforge/internal/llm"
	"codeforge/internal/npm"
	"codeforge/internal/postgres"
	"codeforge/internal/sqlite"
	"codeforge/internal/types"
	"codeforge/internal/verify"

	"golang.org/x/net/publicsuffix"
)

// States of a finding, from good to bad.
const (
	FindingOK      = "ok"
	FindingWarning = "warning"
	FindingBroken  = "broken"
)

// Finding is what was seen of one part.
type Finding struct {
	Title   string `json:"title"`   // what was looked at
	State   string `json:"state"`   // ok, warning or broken
	Message string `json:"message"` // what to do about it, or what is good to know
}

// String is the finding as people read it: what to do stands below what was looked at.
func (f Finding) String() string {
	s := fmt.Sprintf("%-8s %s", f.State, f.Title)
	if f.Message != "" {
		s += "\n         " + strings.ReplaceAll(f.Message, "\n", "\n         ")
	}
	return s
}

// Diagnosis is a finding with the part that it is of, by a name that does not change.
type Diagnosis struct {
	Part string `json:"part"`
	Finding
}

// Diagnose tries each configured part for real, as a server would use it, and says what to do about what is broken.
func Diagnose(ctx context.Context, cfg *Config) []Diagnosis {
	return (&doctor{Config: *cfg}).diagnose(ctx)
}

// diagnosisWithin is how long a diagnosis that is asked for over HTTP may take: answers have 90 s.
const diagnosisWithin = 75 * time.Second

// diagnose implements api.Options by the settings that this server began with.
func (s *Server) diagnose(ctx context.Context) ([]api.Finding, error) {
	if !s.looking.TryLock() {
		return nil, codeforge.Conflictf("Every part is being looked at already: ask again when that has ended")
	}
	defer s.looking.Unlock()
	ctx, cancel := context.WithTimeout(ctx, diagnosisWithin)
	defer cancel()
	var all []api.Finding
	for _, f := range (&doctor{Config: *s.cfg}).diagnose(ctx) {
		all = append(all, api.Finding{Part: f.Part, Title: f.Title, State: f.State, Message: f.Message})
	}
	if ctx.Err() != nil {
		all = append(all, api.Finding{Part: "rest", Title: "what comes after these", State: FindingWarning, Message: fmt.Sprintf("was not looked at within %v: run codeforge doctor", diagnosisWithin)})
	}
	return all, nil
}

func (d *doctor) diagnose(ctx context.Context) (all []Diagnosis) {
	defer d.close()
	one := func(check func(context.Context) Finding) func(context.Context) []Finding {
		return func(ctx context.Context) []Finding { return []Finding{check(ctx)} }
	}
	for _, part := range []struct {
		name  string
		check func(context.Context) []Finding
	}{
		{"settings", one(d.settings)}, {"store", one(d.data)}, {"schema", one(d.migrator)}, {"replicas", d.replicas}, {"redis", one(d.redis)},
		{"identity", one(d.identity)}, {"https", one(d.https)}, {"port", one(d.port)}, {"metrics", one(d.metricsPort)}, {"disk", one(d.disk)}, {"audit", one(d.auditLog)},
		{"preview", one(d.previewHost)}, {"console", one(d.console)}, {"stream_secret", one(d.secret)}, {"user_keys", one(d.keysOfUsers)}, {"verifiers", one(d.verifiers)},
		{"packages", one(d.packages)}, {"types", one(d.types)}, {"browser", one(d.browser)}, {"programs", one(d.programs)}, {"models", d.models},
	} {
		if ctx.Err() != nil {
			break
		}
		for _, f := range part.check(ctx) {
			if f.Title != "" {
				all = append(all, Diagnosis{part.name, f})
			}
		}
	}
	return all
}

// doctor holds the checks of Diagnose, one for each part.
type doctor struct {
	Config
	opened *Store      // nil: none, or another process has it
	cache  *npm.Client // nil: not opened yet
}

func (d *doctor) close() {
	if d.opened != nil {
		d.opened.Close()
	}
}

// data opens the store, as a server would, and asks it for an answer.
func (d *doctor) data(ctx context.Context) Finding {
	part := map[string]string{sqliteStore: "data folder " + d.DataDir, postgresStore: "database of DATABASE_URL", supabaseStore: "data in the project at " + d.SupabaseURL}[d.store()]
	warnings := &warningLog{}
	store, err := OpenStore(ctx, &d.Config, slog.New(warnings))
	if err != nil {
		if d.store() == sqliteStore && errors.Is(err, sqlite.ErrInUse) {
			return Finding{part, FindingOK, "in use by a running server, so not opened"}
		}
		return Finding{part, FindingBroken, err.Error()}
	}
	d.opened = store
	if err := store.Ping(ctx); err != nil {
		fix := err.Error()
		if d.store() == sqliteStore {
			fix += ": restore the folder from a backup"
		}
		return Finding{part, FindingBroken, fix}
	}
	part += ", isolation " + store.Isolation
	if len(warnings.all) > 0 {
		return Finding{part, FindingWarning, strings.Join(warnings.all, "; ")}
	}
	return Finding{part, FindingOK, ""}
}

// migrator sees whether the login that may change the schema is one. A server whose schema is up to date needs none.
func (d *doctor) migrator(ctx context.Context) Finding {
	const part = "schema by MIGRATE_DATABASE_URL"
	if d.MigrateURL == "" {
		return Finding{}
	}
	if err := postgres.MayMigrate(ctx, d.MigrateURL); err != nil {
		return Finding{part, FindingBroken, err.Error()}
	}
	pending, err := postgres.Pending(ctx, d.MigrateURL, "")
	switch {
	case err != nil:
		return Finding{part, FindingBroken, err.Error()}
	case len(pending) > 0:
		return Finding{part, FindingWarning, "lacks " + strings.Join(pending, ", ") + ": serve brings it up to date when it starts, or codeforge migrate does"}
	}
	return Finding{part, FindingOK, ""}
}

// warningLog is a log that keeps its warnings.
type warningLog struct{ all []string }

func (*warningLog) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (c *warningLog) Handle(_ context.Context, r slog.Record) error {
	c.all = append(c.all, r.Message)
	return nil
}
func (c *warningLog) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *warningLog) WithGroup(string) slog.Handler      { return c }

// identity sees whether tokens of users can be verified.
func (d *doctor) identity(ctx context.Context) Finding {
	if d.Standalone() {
		return Finding{"identity: standalone, one local user", FindingOK, ""}
	}
	part := "identity by " + cmp.Or(d.SupabaseURL, "SUPABASE_JWT_SECRET")
	v, err := d.verifier(nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return Finding{part, FindingBroken, err.Error()}
	}
	defer v.Close()
	wait, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	for err = v.Ready(wait); err != nil && wait.Err() == nil; err = v.Ready(wait) {
		select {
		case <-time.After(50 * time.Millisecond): // the key set is fetched beside
		case <-wait.Done():
		}
	}
	if err == nil {
		err = d.provesSecret()
	}
	if err != nil {
		return Finding{part, FindingBroken, err.Error()}
	}
	return Finding{part, FindingOK, ""}
}

// https sees whether the certificate can be used, and for how long.
func (d *doctor) https(context.Context) Finding {
	if !d.onlyHTTPS() {
		return Finding{"HTTPS", FindingOK, "not in use; production needs it"}
	}
	edge, err := d.edge(slog.New(slog.DiscardHandler))
	switch {
	case err != nil:
		return Finding{"HTTPS", FindingBroken, err.Error()}
	case edge.TLS() == nil:
		return Finding{"HTTPS by a proxy in TRUSTED_PROXIES", FindingOK, "it must set X-Forwarded-Proto"}
	case d.TLSCert == "":
		return Finding{"HTTPS with certificates for " + strings.Join(d.TLSDomains, ", "), FindingOK, "they are asked for with the first request"}
	}
	part := "HTTPS with " + d.TLSCert
	pair, err := tls.LoadX509KeyPair(d.TLSCert, d.TLSKey)
	if err != nil {
		return Finding{part, FindingBroken, err.Error()}
	}
	switch left := time.Until(pair.Leaf.NotAfter); {
	case left < 0:
		return Finding{part, FindingBroken, "the certificate ended " + pair.Leaf.NotAfter.Format(time.DateOnly) + ": replace the files, a running server reads them again"}
	case left < 14*24*time.Hour:
		return Finding{part, FindingWarning, "the certificate ends " + pair.Leaf.NotAfter.Format(time.DateOnly)}
	}
	return Finding{part, FindingOK, ""}
}

// settings sees what would keep a server from starting.
func (d *doctor) settings(context.Context) Finding {
	if err := d.ValidateServing(); err != nil {
		return Finding{"settings", FindingBroken, err.Error()}
	}
	if d.unused() != "" {
		return Finding{"settings", FindingOK, d.unused()}
	}
	return Finding{"settings", FindingOK, ""}
}

// portAnswersWithin is how long who has a port may take to say that it is a server of ours.
const portAnswersWithin = 2 * time.Second

// port sees whether the address is free, or ours already.
func (d *doctor) port(ctx context.Context) Finding {
	addr := net.JoinHostPort(d.ListenHost(), fmt.Sprint(d.Port))
	f := canListen("address "+addr, addr, "--port or PORT (HOST for the address)")
	if f.State == FindingOK {
		return f
	}
	ctx, cancel := context.WithTimeout(ctx, portAnswersWithin)
	defer cancel()
	var health struct{ Service, Status string }
	if (client.Client{Base: "http://" + addr}).Call(ctx, "GET", "/health", nil, &health) == nil && health.Service == codeforge.Service {
		return Finding{f.Title, FindingOK, "CodeForge runs there and is " + health.Status}
	}
	return f
}

// canListen sees whether somebody may listen at an address.
func canListen(title, addr, settings string) Finding {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return Finding{title, FindingBroken, listenError(err, settings).Error()}
	}
	l.Close()
	return Finding{title, FindingOK, ""}
}

// models asks every configured provider for its models, which proves key and address, tries the endpoints' models, and reports
// what is wrong with the routes.
func (d *doctor) models(ctx context.Context) (all []Finding) {
	r, err := NewRouter(&d.Config, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return []Finding{{"models", FindingBroken, err.Error()}}
	}
	lists := map[string][]llm.Listed{}
	for _, name := range slices.Sorted(maps.Keys(r.Providers)) {
		l, ok := r.Providers[name].(llm.Lister)
		if !ok {
			continue
		}
		asked, cancel := context.WithTimeout(ctx, 15*time.Second)
		list, err := l.Models(asked)
		cancel()
		if llm.HasNoList(err) && r.Defaults[name] != "" {
			all = append(all, Finding{"provider " + name + " has no list of models", FindingOK, ""})
			lists[name] = nil
			continue
		}
		if err != nil {
			all = append(all, Finding{"provider " + name, FindingBroken, llm.Explain(err) + ": check its key and address"})
			continue
		}
		lists[name] = list
		all = append(all, Finding{fmt.Sprintf("provider %s, %d models", name, len(list)), FindingOK, ""})
	}
	all = append(all, d.embeddings(ctx, r.Catalog, slog.New(slog.DiscardHandler))...)
	warnings := r.Catalog.Check(lists, r.Configured(), time.Now())
	all = append(all, probeModels(ctx, r, slices.Sorted(maps.Keys(lists)))...)
	for _, w := range warnings {
		if w.Kind != llm.WarnScaffold || !d.Scaffold {
			all = append(all, Finding{"models", FindingWarning, w.Message})
		}
	}
	if names := r.Catalog.Unpriced(r.Configured(), time.Now()); len(names) > 0 {
		f := Finding{"no price is known of " + strings.Join(names, ", "), FindingOK, "their calls count nothing: MODELS_FILE can price them"}
		if len(d.BudgetLimits()) > 0 {
			f.State, f.Message = FindingWarning, "budgets do not hold for them: price them in MODELS_FILE"
		}
		all = append(all, f)
	}
	if len(all) == 0 {
		all = []Finding{{"models", FindingOK, ""}}
	}
	return all
}

// verifiers has a child try what generated code should not be able to do.
func (d *doctor) verifiers(ctx context.Context) Finding {
	v := verify.NewVerifier(d.sandbox())
	defer v.Close()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	held, err := v.Isolation(ctx)
	switch {
	case err != nil:
		return Finding{"verifiers", FindingBroken, err.Error()}
	case len(held.Open()) > 0:
		return Finding{"verifiers, " + held.String(), FindingWarning, "this system cannot isolate them: run the server in a container, or as a user that owns nothing else"}
	}
	return Finding{"verifiers, " + held.String(), FindingOK, ""}
}

// npm opens the packages of projects once, for which npm of this machine may be asked.
func (d *doctor) npm(ctx context.Context) (_ *npm.Client, err error) {
	if d.cache == nil {
		d.cache, err = d.Packages(ctx)
	}
	return d.cache, err
}

// packages sees whether projects can have npm packages.
func (d *doctor) packages(ctx context.Context) Finding {
	const part = "resolve: npm packages"
	c, err := d.npm(ctx)
	if err != nil {
		return Finding{part, FindingBroken, err.Error()}
	}
	if on, how := c.On(); !on {
		return Finding{part + " are off", FindingOK, how}
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := c.Ping(ctx); err != nil {
		return Finding{part, FindingWarning, err.Error() + ": what is in the cache can be had, nothing else"}
	}
	return Finding{part, FindingOK, ""}
}

// types sees whether types can be checked, which for a compiler that is fetched means to fetch it.
func (d *doctor) types(ctx context.Context) Finding {
	const part = "types: TypeScript's compiler"
	c, err := d.npm(ctx)
	if err != nil {
		return Finding{} // packages says so
	}
	dir, err := os.MkdirTemp("", "codeforge-doctor-")
	if err != nil {
		return Finding{part, FindingBroken, err.Error()}
	}
	defer os.RemoveAll(dir)
	checker, err := types.Open(types.Options{Dir: dir, NPM: c, Path: d.TSCPath})
	if err != nil {
		return Finding{part, FindingBroken, err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	r, err := checker.Check(ctx, codeforge.LocalUserID, verify.Tree{Files: map[string]string{"a.ts": "export const a: number = 1\n"}})
	switch {
	case err != nil:
		return Finding{part, FindingWarning, err.Error()}
	case r.Rung.Status != codeforge.RungPassed:
		return Finding{part, FindingWarning, r.Rung.Reason}
	}
	return Finding{part + " " + r.Rung.Version, FindingOK, ""}
}

// browser sees whether what is built can be run, by running a page.
func (d *doctor) browser(ctx context.Context) Finding {
	const part = "run: a browser"
	state := FindingWarning
	switch d.smoke() {
	case evidence.SmokeOff:
		return Finding{part + ", off", FindingOK, "SMOKE turns it on"}
	case evidence.SmokeRequired:
		state = FindingBroken
	}
	program, err := browser.Find(ctx, d.BrowserPath)
	if err != nil {
		return Finding{part, state, err.Error()}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprint(w, "<!doctype html><html lang=en><title>A page</title><h1>A page</h1>")
	})
	r, err := browser.New(browser.Options{Program: program}).Run(ctx, codeforge.LocalUserID, browser.Site{Handler: page})
	if err != nil {
		return Finding{part + " (" + program.Path + ")", state, err.Error()}
	}
	return Finding{part + " " + program.Version + ", " + r.Sandbox.String(), FindingOK, ""}
}

// previewHost sees whether the hosts of previews lead here.
func (d *doctor) previewHost(ctx context.Context) Finding {
	domain := d.PreviewDomain
	if domain == "" && !d.Standalone() {
		return Finding{"preview at <project_id>.localhost", FindingWarning, "that leads to each user's own machine: set PREVIEW_DOMAIN, with a wildcard DNS record and certificate for it"}
	}
	if domain == "" {
		return Finding{"preview at <project_id>.localhost", FindingOK, "browsers lead *.localhost to this machine by themselves"}
	}
	host := codeforge.NewID() + "." + domain
	if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
		return Finding{"preview at <project_id>." + domain, FindingBroken, "make a wildcard DNS record *." + domain + " that leads to this server"}
	}
	if with := d.sharesDomain(); with != "" {
		return Finding{"preview at <project_id>." + domain, FindingWarning, "generated code can set cookies for " + with + ", which is below the same domain: give previews a domain of their own, one that holds nothing else"}
	}
	return Finding{"preview at <project_id>." + domain, FindingOK, ""}
}

// console sees whether its pages may frame previews.
func (d *doctor) console(context.Context) Finding {
	switch {
	case !d.HasConsole():
		return Finding{"console", FindingOK, "it is off"}
	case !d.Standalone() && d.PublicURL == "":
		return Finding{"console", FindingWarning, "it cannot show previews beside the code: set PUBLIC_URL to the address under which people open it"}
	}
	return Finding{"console at /", FindingOK, ""}
}

// sharesDomain names what a preview's cookies would reach besides previews; "": nothing that is configured.
func (c *Config) sharesDomain() string {
	site := func(host string) string {
		if s, err := publicsuffix.EffectiveTLDPlusOne(strings.ToLower(strings.TrimSuffix(host, "."))); err == nil {
			return s
		}
		return ""
	}
	own := site(c.PreviewDomain)
	for _, address := range append([]string{c.PublicURL, c.SupabaseURL}, c.AllowedOrigins...) {
		if u, err := url.Parse(address); err == nil && own != "" && site(u.Hostname()) == own {
			return u.Host
		}
	}
	return ""
}

// secret sees whether stream addresses can be signed.
func (d *doctor) secret(context.Context) Finding {
	if d.StreamSecret != "" {
		return Finding{"stream secret from STREAM_SECRET", FindingOK, ""}
	}
	if _, err := streamSecret(&d.Config); err != nil {
		return Finding{"stream secret", FindingBroken, err.Error()}
	}
	return Finding{"stream secret in " + d.DataDir, FindingOK, ""}
}
