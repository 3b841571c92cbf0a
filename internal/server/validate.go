package server

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"codeforge/internal/llm"
	"codeforge/internal/npm"
	"codeforge/internal/postgres"
	"codeforge/internal/redis"
)

// Validate is called by kong after parsing. It reports all problems at once.
func (c *Config) Validate() error {
	var all []error
	bad := func(name, format string, args ...any) {
		all = append(all, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
	if c.Port < 0 || c.Port > 65535 {
		bad("PORT", "%d is no port (0 to 65535)", c.Port)
	}
	if _, err := c.level(); err != nil {
		bad("LOG_LEVEL", "%v", err)
	}
	for name, n := range map[string]int{"RATE_LIMIT_PER_MINUTE": c.RateLimit, "MAX_AGENT_ITERATIONS": c.MaxIterations, "REVIEW_ROUNDS": c.ReviewRounds,
		"WORKERS": c.Workers, "MAX_QUEUED_JOBS": c.MaxQueued} {
		if n < 1 {
			bad(name, "must be at least 1, is %d", n)
		}
	}
	if c.Verifiers < 0 || c.Verifiers == 1 {
		bad("VERIFIERS", "must be at least 2, or 0, is %d", c.Verifiers)
	}
	if c.VerifierMemory < 256 {
		bad("VERIFIER_MEMORY_MB", "must be at least 256, is %d", c.VerifierMemory)
	}
	for name, n := range map[string]int{"PREVIEW_LIMIT_PER_MINUTE": c.PreviewLimit, "MAX_PROJECTS_PER_USER": c.MaxProjects, "MAX_REVISIONS_PER_DAY": c.MaxRevisions, "MAX_JOBS_PER_USER": c.MaxOpenJobs, "MAX_RUNNING_PER_USER": c.MaxRunning, "MAX_STREAMS_PER_USER": c.MaxStreams, "MAX_STREAMS_PER_ADDRESS": c.MaxStreamsFrom, "MAX_BYTES_PER_USER": c.MaxBytes,
		"MAX_FILE_BYTES": c.MaxBlob, "MAX_TEXT_BYTES": c.MaxText, "MAX_PROJECT_FILE_BYTES": c.MaxBlobs} {
		if n < 0 {
			bad(name, "cannot be negative, is %d", n)
		}
	}
	c.checkClaims(bad)
	if c.CacheBytes < 1<<20 {
		bad("CACHE_BYTES", "must be at least %d, is %d: CACHE=off keeps nothing", 1<<20, c.CacheBytes)
	}
	if c.NPMBytes < 64<<20 {
		bad("NPM_CACHE_BYTES", "must be at least %d, is %d", 64<<20, c.NPMBytes)
	}
	if err := npm.CheckDeny(c.NPMDeny); err != nil {
		bad("NPM_DENY", "%v", err)
	}
	if c.AgentTimeout < Seconds(time.Second) {
		bad("AGENT_TIMEOUT", "must be at least one second")
	}
	for i, o := range c.AllowedOrigins {
		if u, err := url.Parse(o); err != nil || u.Scheme == "" || u.Host == "" || u.Path != "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			bad("ALLOWED_ORIGINS", "entry %d is no origin: write it like https://app.example.com, without a path", i+1)
		}
	}
	c.checkNetworks(bad)
	// What an address holds is never said: any part of one that cannot be read may be a part of a password.
	for _, a := range []struct{ name, value, form string }{
		{"PUBLIC_URL", c.PublicURL, "https://api.example.com"},
		{"OPENAI_BASE_URL", c.OpenAIURL, "https://host/v1"},
		{"GITHUB_API_URL", c.GitHubURL, "https://host/api/v3"},
		{"ANTHROPIC_BASE_URL", c.AnthropicURL, "https://host"},
		{"GOOGLE_GEMINI_BASE_URL", c.GoogleURL, "https://host"},
		{"LLM_COMPATIBLE_URL", c.CompatibleURL, "https://host/v1"},
		{"ACME_DIRECTORY", c.ACMEURL, "https://host/directory"},
		{"NPM_REGISTRY", strings.TrimPrefix(c.NPMRegistry, packagesOff), "https://host/path"},
	} {
		if err := checkAddress(a.value, a.form); err != nil {
			bad(a.name, "%v", err)
		}
	}
	if len(c.OldSecrets) > 4 {
		bad("OLD_STREAM_SECRETS", "must be at most 4, are %d", len(c.OldSecrets))
	}
	if len(c.OldKeySecrets) > 4 {
		bad("OLD_KEY_ENCRYPTION_KEYS", "must be at most 4, are %d", len(c.OldKeySecrets))
	}
	if c.KeySecret != "" && len(c.KeySecret) < 32 {
		bad("KEY_ENCRYPTION_KEY", "must have at least 32 characters")
	}
	if c.KeySecret == "" && len(c.OldKeySecrets) > 0 {
		bad("OLD_KEY_ENCRYPTION_KEYS", "is nothing without KEY_ENCRYPTION_KEY")
	}
	if c.StreamSecret != "" && len(c.StreamSecret) < 32 {
		bad("STREAM_SECRET", "must have at least 32 characters")
	}
	c.checkStore(bad)
	c.checkRedis(bad)
	c.checkMetrics(bad)
	c.checkDebug(bad)
	if (c.TLSCert == "") != (c.TLSKey == "") {
		bad("TLS_CERT_FILE", "a certificate needs both of TLS_CERT_FILE and TLS_KEY_FILE")
	}
	if c.TLSCert != "" && len(c.TLSDomains) > 0 {
		bad("TLS_DOMAINS", "the certificate comes from TLS_CERT_FILE or is asked for by TLS_DOMAINS, not both")
	}
	if time.Duration(c.JobLease) != 0 && time.Duration(c.JobLease) < time.Second {
		bad("JOB_LEASE", "must be at least one second")
	}
	return errors.Join(all...)
}

// checkClaims says what is wrong with the settings of which jobs are next.
func (c *Config) checkClaims(bad func(name, format string, args ...any)) {
	for agent, n := range c.AgentLimits {
		if n < 1 {
			bad("AGENT_CONCURRENCY", "%s must be at least 1, is %d: leave out what has no limit", agent, n)
		}
	}
	for agent, n := range c.AgentPriority {
		if n < -1000 || n > 1000 {
			bad("AGENT_PRIORITY", "%s must be from -1000 to 1000, is %d", agent, n)
		}
	}
	if c.MaxRunning > c.MaxOpenJobs && c.MaxOpenJobs > 0 {
		bad("MAX_RUNNING_PER_USER", "%d can never be reached: MAX_JOBS_PER_USER allows %d", c.MaxRunning, c.MaxOpenJobs)
	}
}

// checkRedis says what is wrong with the settings of Redis.
func (c *Config) checkRedis(bad func(name, format string, args ...any)) {
	name := "REDIS_URL"
	if c.RedisURL == "" {
		name = "CELERY_BROKER_URL"
	}
	if url := c.redisURL(); url != "" {
		if err := redis.CheckURL(url); err != nil {
			bad(name, "%v", err)
		}
	}
	if c.RedisPrefix == "" || len(c.RedisPrefix) > 100 || strings.ContainsAny(c.RedisPrefix, "{} \t\r\n*?[]\\") {
		bad("REDIS_PREFIX", "must be a short name without blanks, brackets and *, like codeforge or staging")
	}
}

// checkStore tells what is wrong with where data lies.
func (c *Config) checkStore(bad func(name, format string, args ...any)) {
	if err := checkProject(c.SupabaseURL); err != nil {
		bad("SUPABASE_URL", "%v", err)
	}
	for name, value := range map[string]string{"DATABASE_URL": c.DatabaseURL, "MIGRATE_DATABASE_URL": c.MigrateURL} {
		if value != "" {
			if err := postgres.CheckURL(value); err != nil {
				bad(name, "%v", err)
			}
		}
	}
	c.checkReplicas(bad)
	if c.ServiceKey != "" && c.SupabaseURL == "" {
		bad("SUPABASE_SERVICE_KEY", "is the key of a project whose address is missing: set SUPABASE_URL")
	}
	if c.PoolMode != "" && c.PoolMode != "transaction" && c.PoolMode != "session" {
		bad("POOL_MODE", "must be transaction or session, is %q", c.PoolMode)
	}
	if c.MigrateURL != "" && c.store() == sqliteStore {
		bad("MIGRATE_DATABASE_URL", "there is no database to migrate: set DATABASE_URL")
	}
}

// checkAddress says what is wrong with the address of a server, without what it holds; "" is none.
func checkAddress(value, form string) error {
	if value == "" {
		return nil
	}
	switch u, err := url.Parse(value); {
	case strings.TrimSpace(value) != value || strings.ContainsAny(value[:1], "\"'`"):
		return errors.New("begins or ends with blanks or quotes: remove them")
	case strings.ContainsAny(value, "[<{") && strings.Contains(strings.ToUpper(value), "YOUR"):
		return fmt.Errorf("still holds a placeholder: write it like %s", form)
	case err == nil && u.Scheme == "" || !strings.Contains(value, "://"):
		return fmt.Errorf("does not begin with https:// (or http://): write it like %s", form)
	case err != nil:
		return fmt.Errorf("is no address: write it like %s; what has a meaning in addresses is percent-encoded in a user name or password", form)
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("is no web address: write it like %s", form)
	case u.Hostname() == "":
		return fmt.Errorf("names no host: write it like %s", form)
	case strings.Contains(u.Path+u.Fragment, "@"):
		return fmt.Errorf("has an @ after its host: write it like %s; in a password, @ is %%40, / %%2F, # %%23 and ? %%3F", form)
	}
	return nil
}

// checkProject is checkAddress for that of a Supabase project.
func checkProject(value string) error {
	const form = "https://abcdefghijklmnopqrst.supabase.co"
	if strings.HasPrefix(value, "postgres://") || strings.HasPrefix(value, "postgresql://") {
		return errors.New("is the address of a database, which belongs into DATABASE_URL: write it like " + form)
	}
	if err := checkAddress(value, form); err != nil || value == "" {
		return err
	}
	u, _ := url.Parse(value) // as checkAddress did
	switch path := strings.Trim(u.Path, "/"); {
	case u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return errors.New("is more than an address: leave out user, ? and #, and write it like " + form)
	case u.Host == "supabase.com" || strings.HasSuffix(u.Host, ".supabase.com"):
		return errors.New("is the address of the dashboard: the project's own is in its settings, at Data API, and looks like " + form)
	case path == "rest/v1" || path == "auth/v1" || path == "storage/v1" || path == "functions/v1":
		return fmt.Errorf("ends with /%s, which is one service of the project: leave that out, and write it like %s", path, form)
	case path != "" && strings.HasSuffix(u.Host, ".supabase.co"):
		return errors.New("has a path after its host: leave it out, and write it like " + form)
	}
	return nil
}

// servable reports everything that keeps a server with this configuration from being safe to run, and what would help.
func (c *Config) ValidateServing() error {
	all := []error{c.Validate()}
	bad := func(name, format string, args ...any) {
		all = append(all, fmt.Errorf("%s: %s", name, fmt.Sprintf(format, args...)))
	}
	if c.Role != roleAll && c.store() == sqliteStore {
		bad("ROLE", "%s works beside other processes on one database, and the embedded one belongs to one process: set DATABASE_URL, or SUPABASE_URL and SUPABASE_SERVICE_KEY, or leave ROLE out", c.Role)
	}
	if c.Role == roleWorker { // it has no door for users
		return errors.Join(append(all, c.validateModels(), c.validateSharedSecret())...)
	}
	if c.Standalone() && !c.Insecure && !loopback(c.ListenHost()) {
		bad("HOST", "a standalone server has one local user, and at this address whoever reaches the machine would be it: leave HOST out, set SUPABASE_URL or SUPABASE_JWT_SECRET so that users sign in, "+
			"or say --insecure (INSECURE=true) where something else keeps strangers away, such as a container's network")
	}
	if c.Environment != "production" {
		return errors.Join(all...)
	}
	if c.Standalone() {
		bad("SUPABASE_URL", "production needs to know its users, and without it or SUPABASE_JWT_SECRET a server is standalone, with one local user for everybody; "+
			"set one of them, or ENVIRONMENT to development or staging")
	}
	if c.TLSCert == "" && len(c.TLSDomains) == 0 && len(c.TrustedProxies) == 0 {
		bad("TLS_CERT_FILE", "production is reached by HTTPS only: set TLS_CERT_FILE and TLS_KEY_FILE, or TLS_DOMAINS for a certificate of an ACME authority, or TRUSTED_PROXIES with a proxy that does HTTPS")
	}
	if c.PublicURL != "" && !strings.HasPrefix(c.PublicURL, "https://") {
		bad("PUBLIC_URL", "production is reached by HTTPS only: write it with https://")
	}
	all = append(all, c.validateModels())
	return errors.Join(append(all, c.validateSharedSecret())...)
}

// validateSharedSecret reports that servers of one database have no secret in common.
func (c *Config) validateSharedSecret() error {
	if c.Environment != "production" || c.store() == sqliteStore || c.StreamSecret != "" {
		return nil
	}
	return errors.New("STREAM_SECRET: several servers may work on one database, and what one signs or seals the others must know: set the same secret of at least 32 characters for all, as `openssl rand -hex 32` makes it")
}

// validateModels reports that production has no model but the offline one, unless that one is meant.
func (c *Config) validateModels() error {
	if c.Environment != "production" || c.Scaffold || c.hasModel() {
		return nil
	}
	return errors.New("OPENAI_API_KEY: production needs a model: set OPENAI_API_KEY, ANTHROPIC_API_KEY, GOOGLE_API_KEY or LLM_COMPATIBLE_URL, or an endpoint in MODELS_FILE; " +
		"or LLM_SCAFFOLD=true, if the offline model is meant")
}

// isSet reports whether a secret is set that is no setting of ours. One that cannot be read is told by who uses it.
func isSet(name string) bool { value, err := Secret(name); return value != "" || err != nil }

// hasModel reports whether anything but the offline model can answer.
func (c *Config) hasModel() bool {
	if c.OpenAIKey != "" || c.AnthropicKey != "" || c.GoogleKey != "" || c.CompatibleURL != "" {
		return true
	}
	catalog, err := llm.Load(c.ModelsFile)
	return err == nil && slices.ContainsFunc(catalog.Endpoints(), func(e llm.Endpoint) bool { return e.KeyEnv == "" || isSet(e.KeyEnv) })
}
