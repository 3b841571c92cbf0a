package server

import (
	"cmp"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/auth"
	"codeforge/internal/https"
	"codeforge/internal/llm"
	"codeforge/internal/sandbox"
)

// standalone reports whether nobody signs in: all who come are one local user.
func (c *Config) Standalone() bool { return c.SupabaseURL == "" && c.JWTSecret == "" }

// What a process does.
const (
	roleAll    = "all"
	roleAPI    = "api"
	roleWorker = "worker"
)

// engineWorkers is how many jobs the engine runs at once; 0: it takes jobs in and runs none.
func (c *Config) engineWorkers() int {
	if c.Role == roleAPI {
		return 0
	}
	return c.Workers
}

// drainDelay is how long a server that is told to stop goes on as if it was not.
func (c *Config) drainDelay() time.Duration {
	switch {
	case c.DrainDelay != nil:
		return time.Duration(*c.DrainDelay)
	case c.Environment == "production" && c.Role != roleWorker:
		return 5 * time.Second
	}
	return 0
}

// claimPolicy says which jobs are next.
func (c *Config) claimPolicy() codeforge.ClaimPolicy {
	return codeforge.ClaimPolicy{Running: c.AgentLimits, Priority: c.AgentPriority, RunningPerUser: c.MaxRunning}
}

// Where data lies.
const (
	sqliteStore   = "sqlite"
	postgresStore = "postgres"
	supabaseStore = "supabase"
)

// store says where data lies, whoever the users are.
func (c *Config) store() string {
	switch {
	case c.DatabaseURL != "":
		return postgresStore
	case c.SupabaseURL != "" && c.ServiceKey != "":
		return supabaseStore
	}
	return sqliteStore
}

// tls reports whether this server does HTTPS itself.
func (c *Config) tls() bool { return c.TLSCert != "" || len(c.TLSDomains) > 0 }

// scheme is how clients on this machine reach a server.
func (c *Config) scheme() string {
	if c.tls() && c.onlyHTTPS() {
		return "https"
	}
	return "http"
}

// onlyHTTPS reports whether plain requests are refused.
func (c *Config) onlyHTTPS() bool {
	return c.Role != roleWorker && (c.tls() || c.Environment == "production")
}

// host is the address to listen on.
func (c *Config) ListenHost() string {
	if c.Host == "" && c.Standalone() {
		return "127.0.0.1"
	}
	return cmp.Or(c.Host, "0.0.0.0")
}

// loopback reports whether only this machine reaches an address to listen on.
func loopback(host string) bool {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return a.Unmap().IsLoopback()
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	return host == "localhost" || strings.HasSuffix(host, ".localhost")
}

// reviews is how many reviews a pipeline has at most.
func (c *Config) reviews() int { return min(c.ReviewRounds, c.MaxIterations) }

// quota is what bounds each project and each user; standalone, where the one user owns the machine, nothing bounds that one.
func (c *Config) quota() codeforge.Quota {
	q := codeforge.Quota{Blob: c.MaxBlob, ProjectBlobs: c.MaxBlobs, Text: c.MaxText}
	if !c.Standalone() {
		q.Projects, q.RevisionsDay, q.OpenJobs, q.Bytes = c.MaxProjects, c.MaxRevisions, c.MaxOpenJobs, c.MaxBytes
	}
	return q
}

func (c *Config) level() (slog.Level, error) {
	switch strings.ToUpper(c.LogLevel) {
	case "DEBUG":
		return slog.LevelDebug, nil
	case "INFO":
		return slog.LevelInfo, nil
	case "WARNING", "WARN":
		return slog.LevelWarn, nil
	case "ERROR", "CRITICAL":
		return slog.LevelError, nil
	}
	return 0, fmt.Errorf("%q is no level: use DEBUG, INFO, WARNING or ERROR", c.LogLevel)
}

func (c *Config) proxies() ([]netip.Prefix, error) { return networks(c.TrustedProxies) }

// webhookNetworks are those that webhooks may reach besides the public one.
func (c *Config) webhookNetworks() ([]netip.Prefix, error) { return networks(c.WebhookAllow) }

// checkNetworks tells what is wrong with the lists of networks.
func (c *Config) checkNetworks(bad func(name, format string, args ...any)) {
	for name, list := range map[string]List{"TRUSTED_PROXIES": c.TrustedProxies, "WEBHOOK_ALLOW": c.WebhookAllow} {
		if _, err := networks(list); err != nil {
			bad(name, "%v", err)
		}
	}
}

// networks reads a list of addresses and networks.
func networks(list List) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for i, s := range list {
		if a, err := netip.ParseAddr(s); err == nil {
			out = append(out, netip.PrefixFrom(a, a.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(s)
		if err != nil {
			return nil, fmt.Errorf("entry %d is neither an address nor a network like 10.0.0.0/8", i+1)
		}
		out = append(out, p)
	}
	return out, nil
}

// sandbox is what the children that look at generated code may take.
func (c *Config) sandbox() sandbox.Options {
	return sandbox.Options{Children: c.Verifiers, Warm: c.WarmVerifiers, Memory: c.VerifierMemory << 20}
}

// limits are the configured ceilings.
func (c *Config) BudgetLimits() map[llm.BudgetScope]int64 {
	out := map[llm.BudgetScope]int64{}
	for scope, d := range map[llm.BudgetScope]Dollars{llm.BudgetJob: c.BudgetJob, llm.BudgetProjectDay: c.BudgetProjectDay,
		llm.BudgetProjectMonth: c.BudgetProjectMonth, llm.BudgetUserDay: c.BudgetUserDay, llm.BudgetUserMonth: c.BudgetUserMonth} {
		if d.Micro != nil {
			out[scope] = *d.Micro
		}
	}
	return out
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
	case c.Standalone():
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
		Email: c.ACMEEmail, Directory: c.ACMEURL, TrustedProxies: proxies, Plain: api.ProbePaths, Log: log}
	if strings.HasPrefix(c.PublicURL, "https://") {
		o.PublicURL = c.PublicURL
	}
	return https.New(o)
}

// redisURL is the address of the Redis to use; "": there is none. A broker of Celery may be something else.
func (c *Config) redisURL() string {
	if c.RedisURL == "" && (strings.HasPrefix(c.CeleryBroker, "redis://") || strings.HasPrefix(c.CeleryBroker, "rediss://")) {
		return c.CeleryBroker
	}
	return c.RedisURL
}

// unused names, for the log, what is set and has no effect.
func (c *Config) unused() string {
	var names []string
	if c.CeleryBroker != "" && c.CeleryBroker != c.redisURL() {
		names = append(names, "CELERY_BROKER_URL")
	}
	if c.CeleryBackend != "" {
		names = append(names, "CELERY_RESULT_BACKEND")
	}
	if len(names) == 0 {
		return ""
	}
	return "not used: " + strings.Join(names, ", ") + " (jobs are kept in the store, and a broker that is no Redis is not needed)"
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
	switch {
	case err != nil:
		err = fmt.Errorf("%w: make it readable and writable for the user of this server, or set STREAM_SECRET", err)
	case len(b) < 32:
		err = fmt.Errorf("%s holds no secret: delete it, a new one will be made", name)
	}
	return b, err
}

// secrets are the entries of a list of secrets.
func (l List) secrets() (all [][]byte) {
	for _, secret := range l {
		all = append(all, []byte(secret))
	}
	return all
}

// TokenOwner is the user with an id, where there are users.
func (c *Config) TokenOwner(id string) (codeforge.User, error) {
	if c.Standalone() {
		return codeforge.User{}, errors.New("a standalone server asks nobody for a token: set SUPABASE_URL or SUPABASE_JWT_SECRET")
	}
	id, err := codeforge.ParseID(id)
	if err != nil {
		return codeforge.User{}, errors.New("--user must be the id of a user, a UUID")
	}
	return codeforge.User{ID: id, Role: "authenticated"}, nil
}
