package server

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/llm"
	"codeforge/internal/npm/registrytest"
	"codeforge/internal/pgtest"
	"codeforge/internal/seal"
	"codeforge/internal/types/typestest"
)

func contains(s string, all ...string) bool {
	for _, part := range all {
		if !strings.Contains(s, part) {
			return false
		}
	}
	return true
}

// TestProduction: what production refuses, all at once, and what satisfies it.
func TestProduction(t *testing.T) {
	for name, c := range map[string]struct {
		args []string
		want []string // the settings that are named
	}{
		"nothing":      {nil, []string{"SUPABASE_URL", "TLS_CERT_FILE", "OPENAI_API_KEY"}},
		"identity":     {[]string{"--supabase-url", "https://abc.supabase.co"}, []string{"TLS_CERT_FILE", "OPENAI_API_KEY"}},
		"secret alone": {[]string{"--supabase-jwt-secret", jwtSecret, "--trusted-proxies", "10.0.0.0/8", "--llm-scaffold"}, nil},
		"elsewhere":    {[]string{"--supabase-jwt-secret", jwtSecret, "--trusted-proxies", "10.0.0.0/8", "--llm-scaffold", "--database-url", "postgres://x"}, []string{"STREAM_SECRET"}},
		"plain":        {[]string{"--supabase-jwt-secret", jwtSecret, "--trusted-proxies", "10.0.0.0/8", "--openai-api-key", "k", "--public-url", "http://x"}, []string{"PUBLIC_URL"}},
		"the seed's": {[]string{"--supabase-url", "https://abc.supabase.co", "--supabase-service-key", "sb_secret_x", "--openai-api-key", "k", "--tls-domains", "api.example.com",
			"--stream-secret", strings.Repeat("s", 32)}, nil},
		"too much": {[]string{"--supabase-url", "https://abc.supabase.co", "--tls-domains", "api.example.com", "--tls-cert-file", "x", "--tls-key-file", "y", "--llm-scaffold"}, []string{"TLS_DOMAINS"}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := configured(t)
			err := parse(cfg, append([]string{"--environment", "production"}, c.args...))
			if err == nil {
				err = cfg.ValidateServing()
			}
			if len(c.want) == 0 && err == nil {
				return
			}
			if err == nil {
				t.Fatal("accepted")
			}
			lines := strings.Split(err.Error(), "\n")
			if len(lines) != len(c.want) {
				t.Errorf("%d problems, want those of %v:\n%v", len(lines), c.want, err)
			}
			for _, name := range c.want {
				if !contains(err.Error(), name+": ") {
					t.Errorf("nothing said of %s:\n%v", name, err)
				}
			}
		})
	}
}

// TestDefaults: who listens where, and where data lies.
func TestDefaults(t *testing.T) {
	for _, c := range []struct {
		args                  []string
		host, store, identity string
	}{
		{nil, "127.0.0.1", sqliteStore, "standalone: one local user"},
		{[]string{"--database-url", "postgres://x"}, "127.0.0.1", postgresStore, "standalone: one local user"},
		{[]string{"--supabase-jwt-secret", jwtSecret}, "0.0.0.0", sqliteStore, "tokens signed with SUPABASE_JWT_SECRET"},
		{[]string{"--supabase-url", "https://abc.supabase.co"}, "0.0.0.0", sqliteStore, "tokens of https://abc.supabase.co"},
		{[]string{"--supabase-url", "https://abc.supabase.co", "--supabase-service-key", "sb_secret_x"}, "0.0.0.0", supabaseStore, "tokens of https://abc.supabase.co"},
		{[]string{"--supabase-url", "https://abc.supabase.co", "--supabase-service-key", "sb_secret_x", "--database-url", "postgres://x"}, "0.0.0.0", postgresStore, "tokens of https://abc.supabase.co"},
	} {
		cfg := &Config{}
		if err := parse(cfg, c.args); err != nil {
			t.Fatal(err)
		}
		if cfg.ListenHost() != c.host || cfg.store() != c.store || cfg.identity() != c.identity {
			t.Errorf("%v: %s, %s, %s", c.args, cfg.ListenHost(), cfg.store(), cfg.identity())
		}
	}
}

// TestStandalone: without users everything is the local user's, and says so.
func TestStandalone(t *testing.T) {
	s := serve(t, configured(t))
	b := makeBelongings(t, s.as(""))
	if b.readAll(t, s.as("")) != b.readAll(t, s.as("whatever")) {
		t.Error("a token makes a difference")
	}
	status, text, _ := s.as("").ask(t, "GET", "/ready", nil)
	if status != 200 || !contains(text, `"isolation":"single-user"`, `"store":"sqlite"`) {
		t.Error(status, text)
	}
	status, text, _ = s.as("").ask(t, "GET", "/health", nil)
	if status != 200 || !contains(text, `"status":"healthy"`, `"supabase":"not configured"`, `"redis":"not configured"`) {
		t.Error(status, text)
	}
}

// TestKeysOutOfReach: while nobody can tell who asks, the answer is 503, and health says why.
func TestKeysOutOfReach(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	p := newProject(t)
	p.url = "http://" + l.Addr().String()
	s := serve(t, configured(t, "--supabase-url", p.url))
	if status, text, h := s.as(p.token(t, alice)).ask(t, "GET", "/v1/projects/", nil); status != 503 || h.Get("Retry-After") == "" {
		t.Error(status, text)
	}
	if status, text, _ := s.as("").ask(t, "GET", "/health", nil); status != 200 || !contains(text, `"status":"degraded"`, `"supabase":"failing"`, `"store":"ok"`) {
		t.Error(status, text)
	}
	if status, text, _ := s.as("").ask(t, "GET", "/ready", nil); status != 503 || !contains(text, "Tokens cannot be verified") {
		t.Error(status, text)
	}
}

// certificate makes a self-signed one.
func certificate(t *testing.T) (certFile, keyFile string, pool *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(90 * 24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certFile, keyFile = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	if err := os.WriteFile(certFile, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600); err != nil {
		t.Fatal(err)
	}
	pool = x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	return certFile, keyFile, pool
}

// TestProductionByHTTPS: a server in production answers by HTTPS alone, and keeps to itself what is for developers.
func TestProductionByHTTPS(t *testing.T) {
	p := newProject(t)
	cert, key, pool := certificate(t)
	s := serve(t, configured(t, "--environment", "production", "--supabase-url", p.url, "--tls-cert-file", cert, "--tls-key-file", key, "--llm-scaffold"))
	if !strings.HasPrefix(s.URL(), "https://") {
		t.Fatal(s.URL())
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	web := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	ask := func(method, url, body string, header ...string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i+1 < len(header); i += 2 {
			req.Header.Set(header[i], header[i+1])
		}
		resp, err := web.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		resp.Body = io.NopCloser(strings.NewReader(string(b)))
		return resp
	}
	bearer := "Bearer " + p.token(t, alice)
	resp := ask("POST", s.URL()+"/v1/projects/", `{"title":"Dog walkers"}`, "Authorization", bearer, "Content-Type", "application/json")
	if resp.StatusCode != 200 || resp.ProtoMajor != 2 || resp.Header.Get("Strict-Transport-Security") == "" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error(resp.Status, resp.Proto, resp.Header)
	}
	for _, path := range []string{"/docs", "/redoc"} {
		if resp := ask("GET", s.URL()+path, ""); resp.StatusCode != 404 {
			t.Error(path, resp.Status)
		}
	}
	if resp := ask("GET", s.URL()+"/openapi.json", ""); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}

	plain := "http" + strings.TrimPrefix(s.URL(), "https")
	if resp := ask("GET", plain+"/v1/projects/", "", "Authorization", bearer); resp.StatusCode != 308 || !strings.HasPrefix(resp.Header.Get("Location"), "https://") {
		t.Error(resp.Status, resp.Header)
	}
	resp = ask("POST", plain+"/v1/projects/", `{"title":"Dog walkers"}`, "Authorization", bearer, "Content-Type", "application/json")
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode != 403 || !contains(string(b), "PERMISSION_DENIED", "HTTPS") {
		t.Error(resp.Status, string(b))
	}
	if resp := ask("GET", plain+"/health", ""); resp.StatusCode != 200 {
		t.Error(resp.Status)
	}
	// Pages that come with cookies must show that they are ours.
	if resp := ask("POST", s.URL()+"/v1/projects/", `{"title":"Dog walkers"}`, "Cookie", "csrf_token=one", "X-CSRF-Token", "two"); resp.StatusCode != 403 {
		t.Error(resp.Status)
	}
	if resp := ask("POST", s.URL()+"/v1/projects/", `{"title":"Dog walkers"}`, "Cookie", "csrf_token=one", "X-CSRF-Token", "one"); resp.StatusCode != 401 {
		t.Error(resp.Status)
	}
	if resp := ask("GET", s.URL()+"/v1/projects/", "", "Cookie", "theme=dark"); len(resp.Cookies()) != 1 || !resp.Cookies()[0].Secure || resp.Cookies()[0].SameSite != http.SameSiteStrictMode {
		t.Error(resp.Header)
	}
}

// TestProductionBehindProxy: a proxy that is trusted says how a request came, and nobody else does.
func TestProductionBehindProxy(t *testing.T) {
	p := newProject(t)
	args := []string{"--environment", "production", "--supabase-url", p.url, "--llm-scaffold", "--public-url", "https://api.example.com", "--trusted-proxies"}
	for proxy, want := range map[string]int{"127.0.0.0/8": 200, "10.0.0.0/8": 308} {
		s := serve(t, configured(t, append(slices.Clone(args), proxy)...))
		for proto, want := range map[string]int{"https": want, "http": 308} {
			req, err := http.NewRequestWithContext(t.Context(), "GET", s.URL()+"/v1/projects/", nil)
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Authorization", "Bearer "+p.token(t, alice))
			req.Header.Set("X-Forwarded-Proto", proto)
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			status := resp.StatusCode
			if status != want {
				t.Errorf("%s from a proxy where %s is trusted: %d", proto, proxy, status)
			}
			if at := resp.Header.Get("Location"); status == 308 && at != "https://api.example.com/v1/projects/" {
				t.Error(at)
			}
		}
	}
}

// TestDoctor: what is broken is called so, with what to do, and what works is not.
// A standalone server looks at itself when its user asks it to.
func TestDoctorOverHTTP(t *testing.T) {
	emptyEnvironment(t)
	s := serve(t, configured(t, "--data-dir", t.TempDir(), "--npm-registry", "off", "--smoke", "off", "--metrics-addr", "127.0.0.1:0"))
	var said struct{ Findings []Diagnosis }
	s.as("").must(t, "POST", "/v1/doctor", nil, &said)
	parts := map[string]string{}
	for _, f := range said.Findings {
		parts[f.Part] = f.State + " " + f.Message
	}
	if parts["store"] != "ok in use by a running server, so not opened" || !strings.HasPrefix(parts["metrics"], "ok") || parts["models"] == "" || parts["rest"] != "" {
		t.Errorf("%v", parts)
	}
	s.looking.Lock()
	defer s.looking.Unlock()
	if status, text, _ := s.as("").ask(t, "POST", "/v1/doctor", nil); status != http.StatusConflict {
		t.Errorf("twice at once: %d %s", status, text)
	}
}

func TestDoctor(t *testing.T) {
	p := newProject(t)
	cert, key, _ := certificate(t)
	url, _ := freshDatabase(t)
	empty, _ := emptyDatabase(t)
	dead := "http://127.0.0.1:1"
	doctor := func(args ...string) *doctor { return &doctor{Config: *configured(t, args...)} }
	ctx := t.Context()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(p.url, "http://")) // which is taken
	const keySecret = "what the keys of users are sealed with, long enough"
	withKey := t.TempDir()
	keys := func(secret string) Finding {
		d := doctor("--data-dir", withKey, "--key-encryption-key", secret)
		defer d.close()
		d.data(ctx)
		if sealed := seal.Seal(auth.NewKeyring([]byte(keySecret)).Derive(userKeysPurpose)[0], alice+" openai", []byte("sk-0")); d.opened != nil {
			if _, err := d.opened.PutKey(ctx, codeforge.User{ID: alice}, "openai", "…sk-0", sealed); err != nil {
				t.Error(err)
			}
		}
		return d.keysOfUsers(ctx)
	}
	gone, cancel := context.WithCancel(ctx) // a key set that does not come is waited for
	cancel()
	for _, c := range []struct {
		name   string
		check  func() Finding
		states string
		fix    string
	}{
		{"certificate", func() Finding { return doctor("--tls-cert-file", cert, "--tls-key-file", key).https(ctx) }, "ok", ""},
		{"no certificate", func() Finding { return doctor("--tls-cert-file", cert, "--tls-key-file", key+"x").https(ctx) }, "broken", "key.pemx"},
		{"database", func() Finding { return doctor("--database-url", url).data(ctx) }, "ok", ""},
		{"superuser", func() Finding {
			return doctor("--database-url", strings.Replace(url, "cf_app", pgtest.Superuser, 1)).data(ctx)
		}, "warning", "create role codeforge"},
		{"no schema", func() Finding { return doctor("--database-url", empty).data(ctx) }, "broken", "codeforge migrate"},
		{"anon key", func() Finding {
			return doctor("--supabase-url", p.url, "--supabase-service-key", "sb_publishable_x").data(ctx)
		}, "broken", "anon"},
		{"packages", func() Finding {
			return doctor("--npm-registry", registrytest.New(t).URL, "--smoke", "off").packages(ctx)
		}, "ok", ""},
		{"packages off", func() Finding { return doctor("--npm-registry", "off", "--smoke", "off").packages(ctx) }, "ok", "NPM_REGISTRY"},
		{"no packages", func() Finding { return doctor("--npm-registry", dead, "--smoke", "off").packages(ctx) }, "warning", "does not answer"},
		{"compiler", func() Finding {
			return doctor("--npm-registry", "off", "--smoke", "off", "--tsc-path", typestest.Compiler(t)).types(ctx)
		}, "ok", ""},
		{"no compiler", func() Finding { return doctor("--npm-registry", "off", "--smoke", "off").types(ctx) }, "warning", "TSC_PATH"},
		{"browser", func() Finding { return doctor("--smoke", "auto").browser(ctx) }, "ok", ""},
		{"browser off", func() Finding { return doctor("--smoke", "auto", "--environment", "staging").browser(ctx) }, "ok", "SMOKE"},
		{"no browser", func() Finding {
			return doctor("--smoke", "auto", "--browser-path", "/nonexistent/x").browser(ctx)
		}, "warning", "/nonexistent/x"},
		{"no browser, required", func() Finding {
			return doctor("--npm-registry", "off", "--smoke", "required", "--browser-path", "/nonexistent/x").browser(ctx)
		}, "broken", "/nonexistent/x"},
		{"console", func() Finding { return doctor().console(ctx) }, "ok", ""},
		{"console off", func() Finding { return doctor("--console", "off").console(ctx) }, "ok", "off"},
		{"console of a server without an address", func() Finding { return doctor("--supabase-url", p.url).console(ctx) }, "warning", "PUBLIC_URL"},
		{"identity", func() Finding { return doctor("--supabase-url", p.url).identity(ctx) }, "ok", ""},
		{"no identity", func() Finding { return doctor("--supabase-url", dead).identity(gone) }, "broken", dead},
		{"production", func() Finding { return doctor("--environment", "production").settings(ctx) }, "broken", "SUPABASE_URL"},
		{"schema's login", func() Finding {
			return doctor("--database-url", url, "--migrate-database-url", strings.Replace(url, "cf_app", pgtest.Superuser, 1)).migrator(ctx)
		}, "ok", ""},
		{"not the schema's login", func() Finding { return doctor("--database-url", url, "--migrate-database-url", url).migrator(ctx) }, "broken", "may not change the schema"},
		{"schema's login away", func() Finding {
			return doctor("--database-url", url, "--migrate-database-url", "postgresql://u:p@127.0.0.1:1/db").migrator(ctx)
		}, "broken", "nothing listens"},
		{"schema behind", func() Finding {
			return doctor("--database-url", empty, "--migrate-database-url", strings.Replace(empty, "cf_app", pgtest.Superuser, 1)).migrator(ctx)
		}, "warning", "lacks"},
		{"secret that signed the key", func() Finding {
			return doctor("--supabase-url", p.url, "--supabase-service-key", legacyKey(t, jwtSecret), "--supabase-jwt-secret", jwtSecret).identity(ctx)
		}, "ok", ""},
		{"secret of another project", func() Finding {
			return doctor("--supabase-url", p.url, "--supabase-service-key", legacyKey(t, jwtSecret), "--supabase-jwt-secret", jwtSecret+"x").identity(ctx)
		}, "broken", "Legacy JWT Secret"},
		{"port", func() Finding { return doctor().port(ctx) }, "ok", ""},
		{"port in use", func() Finding { return doctor("--port", port).port(ctx) }, "broken", "choose another port with --port or PORT"},
		{"metrics' port in use", func() Finding { return doctor("--metrics-addr", "127.0.0.1:"+port).metricsPort(ctx) }, "broken", "METRICS_ADDR"},
		{"metrics' port of a server that runs", func() Finding {
			s := serve(t, configured(t, "--metrics-addr", "127.0.0.1:0", "--metrics-token", "a token for the scraper"))
			return doctor("--metrics-addr", strings.TrimPrefix(s.OperatorsURL(), "http://"), "--metrics-token", "a token for the scraper").metricsPort(ctx)
		}, "ok", "answers there"},
		{"disk", func() Finding { return doctor().disk(ctx) }, "", ""},
		{"audit log", func() Finding { return doctor("--audit-log", filepath.Join(t.TempDir(), "audit.log")).auditLog(ctx) }, "ok", ""},
		{"no audit log", func() Finding { return doctor("--audit-log", "/nonexistent/audit.log").auditLog(ctx) }, "broken", "name a file"},
		{"no keys of users", func() Finding { return doctor().keysOfUsers(ctx) }, "ok", "KEY_ENCRYPTION_KEY"},
		{"keys of users", func() Finding { return keys(keySecret) }, "ok", ""},
		{"keys of users, with another secret", func() Finding { return keys(keySecret + "x") }, "broken", "1 of 1 cannot be opened: put the secret that was used before into OLD_KEY_ENCRYPTION_KEYS"},
		{"replica away", func() Finding {
			d := doctor("--database-url", url, "--database-replica-urls", "postgresql://u:p@127.0.0.1:1/db")
			defer d.close()
			d.data(ctx)
			return d.replicas(ctx)[0]
		}, "warning", "the primary answers in its place"},
		{"programs", func() Finding { return doctor().programs(ctx) }, "ok", ""},
	} {
		if f := c.check(); c.states != "" && f.State != c.states || !contains(f.Message, c.fix) {
			t.Errorf("%s: %+v", c.name, f)
		}
	}
}

func legacyKey(t *testing.T, secret string) string {
	t.Helper()
	key, err := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{"iss": "supabase", "role": "service_role", "exp": time.Now().Add(time.Hour).Unix()}).SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// TestSchemaLoginAway: a server whose schema is up to date does without the login that may change it, and one that is behind
// says what it waits for.
func TestSchemaLoginAway(t *testing.T) {
	url, _ := freshDatabase(t)
	empty, _ := emptyDatabase(t)
	away := []string{"--migrate-database-url", "postgresql://u:hidden@127.0.0.1:1/db"}
	serve(t, configured(t, append(away, "--database-url", url)...))
	_, err := Open(t.Context(), configured(t, append(away, "--database-url", empty)...), io.Discard)
	if err == nil || !contains(err.Error(), "MIGRATE_DATABASE_URL", "nothing listens") || strings.Contains(err.Error(), "hidden") {
		t.Error(err)
	}
	p := newProject(t)
	serve(t, configured(t, append(away, "--supabase-url", p.url, "--supabase-service-key", "sb_secret_x")...))
	if err := checkMigrated(t, configured(t, append(away, "--database-url", url)...)); err != nil {
		t.Error(err)
	}
}

// checkMigrated is what `codeforge migrate --check` ends with.
func checkMigrated(t *testing.T, cfg *Config) error {
	t.Helper()
	_, _, err := CheckMigrated(t.Context(), cfg, io.Discard)
	return err
}

// TestGrantsAreNamed: to a login that may not act for users, serve, doctor and migrate --check say the same.
func TestGrantsAreNamed(t *testing.T) {
	url, _ := freshDatabase(t)
	s := pgtest.Start(t)
	s.Exec(t, "postgres", "create role cf_bare login noinherit; grant authenticated to cf_bare")
	t.Cleanup(func() { s.Exec(t, "postgres", "drop role cf_bare") })
	cfg := configured(t, "--database-url", strings.Replace(url, "cf_app", "cf_bare", 1))
	_, served := Open(t.Context(), cfg, io.Discard)
	for what, said := range map[string]string{"serve": fmt.Sprint(served), "doctor": (&doctor{Config: *cfg}).data(t.Context()).Message,
		"check": fmt.Sprint(checkMigrated(t, cfg))} {
		if !strings.Contains(said, `grant anon, service_role to "cf_bare"`) {
			t.Errorf("%s: %s", what, said)
		}
	}
}

// TestSettingsAreNotPrinted: an address that cannot be read is refused in words that hold nothing of it.
func TestSettingsAreNotPrinted(t *testing.T) {
	const secret = "Zxq7"
	parser, err := commandLine(configured(t)) // of which each reading is a new one
	if err != nil {
		t.Fatal(err)
	}
	parse := func(args ...string) error {
		_, err := parser.Parse(args)
		return err
	}
	all := map[string]string{ // values, and something of what is said
		"https://u:" + secret + "#" + secret + "@host/v1": "",
		"https://u:" + secret + "/" + secret + "@host/v1": "",
		"https://u:" + secret + "%" + secret + "@host/v1": "percent-encoded",
		"https://u:" + secret + "@host:" + secret:         "no address",
		"https://u:" + secret + " " + secret + "@host":    "",
		"ftp://u:" + secret + "@host":                     "write it like",
		"u:" + secret + "@host":                           "https://",
		secret:                                            "https://",
		"https://[YOUR-" + secret + "].supabase.co":       "placeholder",
		`"https://u:` + secret + `@host"`:                 "quotes",
		" https://u:" + secret + "@host":                  "blanks",
		"https://:" + secret + "@":                        "",
		"https://\x01" + secret:                           "",
	}
	for _, name := range []string{"SUPABASE_URL", "PUBLIC_URL", "OPENAI_BASE_URL", "ANTHROPIC_BASE_URL", "GOOGLE_GEMINI_BASE_URL", "LLM_COMPATIBLE_URL",
		"ACME_DIRECTORY", "DATABASE_URL", "MIGRATE_DATABASE_URL", "ALLOWED_ORIGINS", "TRUSTED_PROXIES", "NPM_REGISTRY"} {
		for value, says := range all {
			t.Setenv(name, value)
			err := parse()
			if err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), name) {
				t.Errorf("%s=%q: %v", name, value, err)
			} else if !strings.HasPrefix(name, "ALLOWED") && !strings.HasPrefix(name, "TRUSTED") && !strings.HasSuffix(name, "DATABASE_URL") && !strings.Contains(err.Error(), says) {
				t.Errorf("%s=%q: %v, want %s", name, value, err, says)
			}
			os.Unsetenv(name)
		}
	}
	for value, says := range map[string]string{"https://abc.supabase.co/rest/v1": "/rest/v1", "https://abc.supabase.co/auth/v1/": "/auth/v1", "https://abc.supabase.co/x": "path",
		"https://supabase.com/dashboard/project/abc": "dashboard", "postgresql://postgres:" + secret + "@db.abc.supabase.co:5432/postgres": "DATABASE_URL",
		"https://abc.supabase.co?apikey=" + secret: "more than an address"} {
		if err := parse("--supabase-url", value); err == nil || strings.Contains(err.Error(), secret) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", value, err)
		}
	}
	for _, value := range []string{"https://abc.supabase.co", "https://abc.supabase.co/", "http://localhost:54321", "https://self.example.com/supabase"} {
		if err := parse("--supabase-url", value); err != nil {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// The offline model is nothing to be warned of where it is meant.
func TestScaffoldThatIsMeant(t *testing.T) {
	for _, meant := range []bool{true, false} {
		var out bytes.Buffer
		log := slog.New(slog.NewTextHandler(&out, nil))
		c := &Config{Scaffold: meant}
		c.logWarning(log, llm.Warning{Kind: llm.WarnScaffold, Message: "offline"})
		c.logWarning(log, llm.Warning{Kind: llm.WarnGone, Message: "gone"})
		if got := out.String(); strings.Contains(got, "offline") == meant || !strings.Contains(got, "gone") {
			t.Errorf("meant %v: %s", meant, got)
		}
	}
}

// REVIEW_ROUNDS says how many reviews there are, MAX_AGENT_ITERATIONS how many at most.
func TestReviewRounds(t *testing.T) {
	for _, c := range []struct {
		rounds, most string
		want         int
	}{{"", "", 2}, {"4", "", 4}, {"4", "3", 3}, {"", "1", 1}, {"9", "9", 9}} {
		cfg := configured(t)
		for name, value := range map[string]string{"REVIEW_ROUNDS": c.rounds, "MAX_AGENT_ITERATIONS": c.most} {
			if t.Setenv(name, value); value == "" {
				os.Unsetenv(name)
			}
		}
		if err := parse(cfg, nil); err != nil || cfg.reviews() != c.want {
			t.Errorf("%s of at most %s: %d, %v", c.rounds, c.most, cfg.reviews(), err)
		}
	}
	cfg := configured(t)
	t.Setenv("REVIEW_ROUNDS", "0")
	if err := parse(cfg, nil); err == nil || !strings.Contains(err.Error(), "REVIEW_ROUNDS") {
		t.Errorf("%v", err)
	}
}

// Numbers by agent type are written in two ways, and what is wrong with them is told by name.
func TestClaimSettings(t *testing.T) {
	for text, want := range map[string]string{
		"code=4, qa=8":         "map[code:4 qa:8]",
		`{"code": 4, "qa": 8}`: "map[code:4 qa:8]",
		"builder=1,":           "map[builder:1]",
		"coder=4":              `"coder" is no agent type: there are [research wireframe code qa pedagogy roadmap choice refactor builder]`,
		"noop=1":               `"noop" is no agent type`,
		"code":                 `"code" is no agent type and whole number: write it like code=4,qa=8`,
		"code=four":            `write it like code=4,qa=8`,
		"code=1,code=2":        "code is named twice",
		`{"code": "4"}`:        "is no JSON object of whole numbers",
		"code=0":               "AGENT_CONCURRENCY: code must be at least 1, is 0: leave out what has no limit",
	} {
		cfg := configured(t)
		err := parse(cfg, []string{"--agent-concurrency", text})
		if got := fmt.Sprint(cfg.claimPolicy().Running, err); !strings.Contains(got, want) {
			t.Errorf("%q: %s", text, got)
		}
	}
	cfg := configured(t)
	if err := parse(cfg, []string{"--agent-priority", "pedagogy=10,qa=-5", "--max-running-per-user", "3"}); err != nil {
		t.Fatal(err)
	}
	if p := cfg.claimPolicy(); p.RunningPerUser != 3 || p.Priority["pedagogy"] != 10 || p.Priority["qa"] != -5 || !p.Limits() {
		t.Errorf("policy %+v", p)
	}
	for _, args := range [][]string{{"--agent-priority=qa=1001"}, {"--max-running-per-user=-1"}, {"--max-running-per-user=300"}} {
		if err := parse(configured(t), args); err == nil || !contains(err.Error(), strings.ToUpper(strings.ReplaceAll(strings.Split(args[0][2:], "=")[0], "-", "_"))+": ") {
			t.Errorf("%v: %v", args, err)
		}
	}
}
