package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/llm"
	"codeforge/internal/postgres"
	"codeforge/internal/sqlite"
	"codeforge/internal/verify"

	"golang.org/x/net/publicsuffix"
)

// OpenAPI is the command that prints the specification.
type OpenAPI struct{}

// Run implements the command.
func (OpenAPI) Run() error {
	b, err := api.Spec(api.Options{})
	if err == nil {
		_, err = fmt.Println(string(b))
	}
	return err
}

// Bench holds tools for measuring.
type Bench struct {
	Seed Seed `cmd:"" help:"Fill a data folder with rows of each kind, and write ids/projects.txt and ids/jobs.txt into it."`
}

// Seed is the command that fills a data folder.
type Seed struct {
	Rows int    `default:"1000" help:"Projects, jobs and files, this many of each."`
	Data string `default:"./data" help:"The data folder; DATA_DIR of the server that is measured."`
}

// Run implements the command.
func (s *Seed) Run(ctx context.Context) error {
	store, err := sqlite.Open(ctx, s.Data, sqlite.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	projects, jobs, err := store.Fill(ctx, codeforge.LocalUser(), s.Rows)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.Data, "ids")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, ids := range map[string][]string{"projects.txt": projects, "jobs.txt": jobs} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(ids, "\n")+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// Doctor is the command that checks each configured part for real.
type Doctor struct{ Config }

// finding is what the doctor says of one part.
type finding struct {
	part, state, fix string // state: ok, warning or broken
}

// Run implements the command. It fails when a part is broken.
func (d *Doctor) Run(ctx context.Context) error {
	broken := 0
	all := []finding{d.settings(ctx), d.data(ctx), d.migrator(ctx), d.identity(ctx), d.https(ctx), d.port(ctx), d.previewHost(ctx), d.secret(ctx), d.verifiers(ctx)}
	for _, f := range append(all, d.models(ctx)...) {
		if f.part == "" {
			continue
		}
		say(os.Stdout, "%-8s %s", f.state, f.part)
		if f.fix != "" {
			say(os.Stdout, "         %s", f.fix)
		}
		if f.state == "broken" {
			broken++
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d broken", broken)
	}
	return nil
}

// data opens the store, as a server would, and asks it for an answer.
func (d *Doctor) data(ctx context.Context) finding {
	part := map[string]string{sqliteStore: "data folder " + d.DataDir, postgresStore: "database of DATABASE_URL", supabaseStore: "data in the project at " + d.SupabaseURL}[d.store()]
	warnings := &collect{}
	store, err := openData(ctx, &d.Config, slog.New(warnings))
	if err != nil {
		if d.store() == sqliteStore && strings.Contains(err.Error(), "in use") {
			return finding{part, "ok", "in use by a running server, so not opened"}
		}
		return finding{part, "broken", err.Error()}
	}
	defer store.close()
	if err := store.Ping(ctx); err != nil {
		fix := err.Error()
		if d.store() == sqliteStore {
			fix += ": restore the folder from a backup"
		}
		return finding{part, "broken", fix}
	}
	part += ", isolation " + store.isolation
	if len(warnings.all) > 0 {
		return finding{part, "warning", strings.Join(warnings.all, "; ")}
	}
	return finding{part, "ok", ""}
}

// migrator sees whether the login that may change the schema is one. A server whose schema is up to date needs none.
func (d *Doctor) migrator(ctx context.Context) finding {
	const part = "schema by MIGRATE_DATABASE_URL"
	if d.MigrateURL == "" {
		return finding{}
	}
	if err := postgres.MayMigrate(ctx, d.MigrateURL); err != nil {
		return finding{part, "broken", err.Error()}
	}
	pending, err := postgres.Pending(ctx, d.MigrateURL, "")
	switch {
	case err != nil:
		return finding{part, "broken", err.Error()}
	case len(pending) > 0:
		return finding{part, "warning", "lacks " + strings.Join(pending, ", ") + ": serve brings it up to date when it starts, or codeforge migrate does"}
	}
	return finding{part, "ok", ""}
}

// collect is a log that keeps its warnings.
type collect struct{ all []string }

func (*collect) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelWarn }
func (c *collect) Handle(_ context.Context, r slog.Record) error {
	c.all = append(c.all, r.Message)
	return nil
}
func (c *collect) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *collect) WithGroup(string) slog.Handler      { return c }

// identity sees whether tokens of users can be verified.
func (d *Doctor) identity(ctx context.Context) finding {
	if d.standalone() {
		return finding{"identity: standalone, one local user", "ok", ""}
	}
	part := "identity by " + cmp.Or(d.SupabaseURL, "SUPABASE_JWT_SECRET")
	v, err := d.verifier(nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return finding{part, "broken", err.Error()}
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
		return finding{part, "broken", err.Error()}
	}
	return finding{part, "ok", ""}
}

// https sees whether the certificate can be used, and for how long.
func (d *Doctor) https(context.Context) finding {
	if !d.onlyHTTPS() {
		return finding{"HTTPS", "ok", "not in use; production needs it"}
	}
	edge, err := d.edge(slog.New(slog.DiscardHandler))
	switch {
	case err != nil:
		return finding{"HTTPS", "broken", err.Error()}
	case edge.TLS() == nil:
		return finding{"HTTPS by a proxy in TRUSTED_PROXIES", "ok", "it must set X-Forwarded-Proto"}
	case d.TLSCert == "":
		return finding{"HTTPS with certificates for " + strings.Join(d.TLSDomains, ", "), "ok", "they are asked for with the first request"}
	}
	part := "HTTPS with " + d.TLSCert
	pair, err := tls.LoadX509KeyPair(d.TLSCert, d.TLSKey)
	if err != nil {
		return finding{part, "broken", err.Error()}
	}
	switch left := time.Until(pair.Leaf.NotAfter); {
	case left < 0:
		return finding{part, "broken", "the certificate ended " + pair.Leaf.NotAfter.Format(time.DateOnly) + ": replace the files, a running server reads them again"}
	case left < 14*24*time.Hour:
		return finding{part, "warning", "the certificate ends " + pair.Leaf.NotAfter.Format(time.DateOnly)}
	}
	return finding{part, "ok", ""}
}

// settings sees what would keep a server from starting.
func (d *Doctor) settings(context.Context) finding {
	if err := d.servable(); err != nil {
		return finding{"settings", "broken", strings.ReplaceAll(err.Error(), "\n", "\n         ")}
	}
	if d.unused() != "" {
		return finding{"settings", "ok", d.unused()}
	}
	return finding{"settings", "ok", ""}
}

// port sees whether the address is free, or ours already.
func (d *Doctor) port(ctx context.Context) finding {
	addr := net.JoinHostPort(d.host(), fmt.Sprint(d.Port))
	part := "address " + addr
	l, err := net.Listen("tcp", addr)
	if err == nil {
		l.Close()
		return finding{part, "ok", ""}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var health struct{ Service, Status string }
	if (client{base: "http://" + addr}).call(ctx, "GET", "/health", nil, &health) == nil && health.Service == codeforge.Service {
		return finding{part, "ok", "CodeForge runs there and is " + health.Status}
	}
	return finding{part, "broken", err.Error() + ": choose another one with --port or PORT"}
}

// models asks every configured provider for its models, which proves key and address, tries the endpoints' models, and reports
// what is wrong with the routes.
func (d *Doctor) models(ctx context.Context) (all []finding) {
	r, err := newRouter(&d.Config, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return []finding{{"models", "broken", err.Error()}}
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
		if e, ok := errors.AsType[*llm.Error](err); ok && (e.Status == 404 || e.Status == 405 || e.Status == 501) && r.Defaults[name] != "" {
			all = append(all, finding{"provider " + name + " has no list of models", "ok", ""})
			lists[name] = nil
			continue
		}
		if err != nil {
			all = append(all, finding{"provider " + name, "broken", err.Error() + ": check its key and address"})
			continue
		}
		lists[name] = list
		all = append(all, finding{fmt.Sprintf("provider %s, %d models", name, len(list)), "ok", ""})
	}
	warnings := r.Catalog.Check(lists, r.Configured(), time.Now())
	all = append(all, probe(ctx, r, slices.Sorted(maps.Keys(lists)))...)
	for _, w := range warnings {
		if w.Kind != llm.WarnScaffold || !d.Scaffold {
			all = append(all, finding{"models", "warning", w.Message})
		}
	}
	if len(all) == 0 {
		all = []finding{{"models", "ok", ""}}
	}
	return all
}

// verifiers has a child try what generated code should not be able to do.
func (d *Doctor) verifiers(ctx context.Context) finding {
	v := verify.NewVerifier(d.sandbox())
	defer v.Close()
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	held, err := v.Isolation(ctx)
	switch {
	case err != nil:
		return finding{"verifiers", "broken", err.Error()}
	case len(held.Open()) > 0:
		return finding{"verifiers, " + held.String(), "warning", "this system cannot isolate them: run the server in a container, or as a user that owns nothing else"}
	}
	return finding{"verifiers, " + held.String(), "ok", ""}
}

// previewHost sees whether the hosts of previews lead here.
func (d *Doctor) previewHost(ctx context.Context) finding {
	domain := d.PreviewDomain
	if domain == "" && !d.standalone() {
		return finding{"preview at <project_id>.localhost", "warning", "that leads to each user's own machine: set PREVIEW_DOMAIN, with a wildcard DNS record and certificate for it"}
	}
	if domain == "" {
		return finding{"preview at <project_id>.localhost", "ok", "browsers lead *.localhost to this machine by themselves"}
	}
	host := codeforge.NewID() + "." + domain
	if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
		return finding{"preview at <project_id>." + domain, "broken", "make a wildcard DNS record *." + domain + " that leads to this server"}
	}
	if with := d.sharesDomain(); with != "" {
		return finding{"preview at <project_id>." + domain, "warning", "generated code can set cookies for " + with + ", which is below the same domain: give previews a domain of their own, one that holds nothing else"}
	}
	return finding{"preview at <project_id>." + domain, "ok", ""}
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
func (d *Doctor) secret(context.Context) finding {
	if d.StreamSecret != "" {
		return finding{"stream secret from STREAM_SECRET", "ok", ""}
	}
	if _, err := streamSecret(&d.Config); err != nil {
		return finding{"stream secret", "broken", err.Error()}
	}
	return finding{"stream secret in " + d.DataDir, "ok", ""}
}
