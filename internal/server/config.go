package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

// Config is every setting of a server. The tags are the operator's manual: they make the help texts, docs/settings.md
// and .env.example. A setting comes from its flag, else from its variable, see [Environment], else from the default. The tag secret marks what
// nobody may see; reload, what [Server.Reload] takes over, and as which part.
type Config struct {
	Environment string  `name:"environment" env:"ENVIRONMENT" default:"development" enum:"development,production,staging,test" help:"development, production, staging or test. /docs and /redoc exist in development only; production refuses what is unsafe."`
	Role        string  `name:"role" env:"ROLE" default:"all" enum:"all,api,worker" help:"What this process does: all; api: it answers requests and runs no jobs; worker: it runs jobs, and its port answers nothing but /livez, /readyz, /health and /metrics. api and worker share a database: DATABASE_URL, or SUPABASE_URL with SUPABASE_SERVICE_KEY."`
	LogLevel    string  `name:"log-level" env:"LOG_LEVEL" reload:"log level" default:"INFO" help:"DEBUG, INFO, WARNING or ERROR."`
	Host        string  `name:"host" env:"HOST" help:"Address to listen on. Default: 127.0.0.1 standalone, else 0.0.0.0."`
	AuditLog    string  `name:"audit-log" env:"AUDIT_LOG" help:"File to which a line of JSON is appended for each act that somebody may have to answer for: tokens, budgets, restores, deletes, exports, imports, webhooks, reloads, backups; or stdout. A hangup opens it anew. Default: nothing is recorded."`
	AuditSync   Seconds `name:"audit-sync" env:"AUDIT_SYNC" default:"1" help:"Seconds within which the disk has such a line; 0: before the next one."`
	Insecure    bool    `name:"insecure" env:"INSECURE" help:"Let a standalone server, where nobody signs in, listen beyond this machine: whoever reaches it is its one user."`
	Port        int     `name:"port" env:"PORT" default:"8000" help:"Port to listen on; 0 takes a free one."`
	DataDir     string  `name:"data-dir" env:"DATA_DIR" default:"./data" help:"Folder of the embedded database, of certificates from an ACME authority, of npm packages, and of secrets made at first start. One process at a time."`
	PublicURL   string  `name:"public-url" env:"PUBLIC_URL" help:"Address under which clients reach this server, for links in answers. Default: the host of the request."`

	SupabaseURL    string `name:"supabase-url" env:"SUPABASE_URL" help:"Address of the Supabase project whose users may come; their tokens are verified."`
	ServiceKey     string `name:"supabase-service-key" env:"SUPABASE_SERVICE_KEY" secret:"" placeholder:"KEY" help:"Its secret key, sb_secret_... or service_role: data then lies in the project, through its Data API, unless DATABASE_URL says otherwise."`
	JWTSecret      string `name:"supabase-jwt-secret" env:"SUPABASE_JWT_SECRET" secret:"" placeholder:"SECRET" help:"Verifies tokens that the project signs with a secret (HS256). Without it Supabase Auth is asked about them."`
	JWTIssuers     List   `name:"supabase-jwt-issuer" env:"SUPABASE_JWT_ISSUER" help:"Accepted issuers of tokens, as a comma or JSON list. Default: SUPABASE_URL/auth/v1."`
	PublishableKey string `name:"supabase-publishable-key" env:"SUPABASE_PUBLISHABLE_KEY,SUPABASE_ANON_KEY" placeholder:"KEY" help:"Its publishable key, sb_publishable_... or anon: with it people sign in to the console by password, emailed link or the providers of the project. Pages that they open show it."`
	AllowAnonymous bool   `name:"allow-anonymous" env:"ALLOW_ANONYMOUS" help:"Accept users who signed in without an account."`

	DatabaseURL string  `name:"database-url" env:"DATABASE_URL" secret:"" placeholder:"URL" help:"Postgres that holds the data, as a rule that of the Supabase project. Default: the Data API where SUPABASE_URL and SUPABASE_SERVICE_KEY are set, else the embedded database."`
	ReplicaURLs List    `name:"database-replica-urls" env:"DATABASE_REPLICA_URLS" secret:"" placeholder:"URLS" help:"Servers that follow the one at DATABASE_URL, as a comma or JSON list: what requests only read is read of the nearest one that has come as far as its user wrote. See docs/regions.md."`
	ReadURLs    List    `name:"supabase-read-url" env:"SUPABASE_READ_URL" help:"The same for the Data API: addresses of read replicas of the project at SUPABASE_URL, each of one replica and not of a load balancer."`
	ReplicaLag  Seconds `name:"replica-max-lag" env:"REPLICA_MAX_LAG" default:"10" help:"Seconds that what a replica shows may be old; one that is further behind is not read of."`
	MigrateURL  string  `name:"migrate-database-url" env:"MIGRATE_DATABASE_URL" secret:"" placeholder:"URL" help:"The same database by a login that may change the schema. Default: DATABASE_URL."`
	PoolMode    string  `name:"pool-mode" env:"POOL_MODE" help:"transaction or session: how the pooler at DATABASE_URL works. Default: transaction at port 6543 or with pgbouncer=true."`

	Console string `name:"console" env:"CONSOLE" default:"on" enum:"on,off" help:"Whether browsers find the console at /."`

	MetricsAddr    string `name:"metrics-addr" env:"METRICS_ADDR" placeholder:"ADDR" help:"Address of a port of its own for /metrics, like 127.0.0.1:9090 or :9090. It asks nobody who they are unless METRICS_TOKEN is set: keep it private."`
	MetricsToken   string `name:"metrics-token" env:"METRICS_TOKEN" secret:"" placeholder:"TOKEN" help:"Bearer token with which /metrics may be read, at the server's own port too. Without it, and without METRICS_ADDR, only programs of this machine may, in development."`
	DebugEndpoints string `name:"debug-endpoints" env:"DEBUG_ENDPOINTS" default:"off" enum:"off,on" help:"on: METRICS_ADDR also answers /debug/pprof/ (profiles) and /debug/flight (what the process did in the last 15 seconds, for go tool trace)."`

	TLSCert    string `name:"tls-cert-file" env:"TLS_CERT_FILE" help:"Certificate chain (PEM) for HTTPS. It is read again when it changes."`
	TLSKey     string `name:"tls-key-file" env:"TLS_KEY_FILE" help:"Its private key (PEM)."`
	TLSDomains List   `name:"tls-domains" env:"TLS_DOMAINS" help:"Names for which a certificate is asked of an ACME authority, whose terms this accepts. It must reach this server at port 80 or 443."`
	ACMEEmail  string `name:"acme-email" env:"ACME_EMAIL" help:"Where that authority writes to."`
	ACMEURL    string `name:"acme-directory" env:"ACME_DIRECTORY" help:"Its directory. Default: Let's Encrypt."`

	AllowedOrigins List   `name:"allowed-origins" env:"ALLOWED_ORIGINS" default:"http://localhost:3000,http://127.0.0.1:3000,https://codeforge.ai" help:"Origins of web clients, as a comma or JSON list."`
	TrustedProxies List   `name:"trusted-proxies" env:"TRUSTED_PROXIES" help:"Addresses or networks (CIDR) of proxies whose X-Forwarded headers count; in production one of them may be what does HTTPS."`
	WebhookAllow   List   `name:"webhook-allow" env:"WEBHOOK_ALLOW" help:"Private addresses or networks (CIDR) that webhooks may reach, at any port and over http too. All others reach public addresses alone, over https."`
	RateLimit      int    `name:"rate-limit-per-minute" env:"RATE_LIMIT_PER_MINUTE" default:"60" help:"Requests per minute for each user, or address where nobody is signed in."`
	PreviewLimit   int    `name:"preview-limit-per-minute" env:"PREVIEW_LIMIT_PER_MINUTE" default:"600" help:"Requests per minute of one address for pages and files of previews. What they build counts as a request of the user."`
	StreamNoToken  bool   `name:"stream-without-token" env:"STREAM_WITHOUT_TOKEN" help:"Let anyone who knows a job's id watch it. Always so standalone."`
	StreamSecret   string `name:"stream-secret" env:"STREAM_SECRET" reload:"stream secret" secret:"" help:"Signs stream addresses and preview tickets, at least 32 characters. Default: made once in DATA_DIR. Production with data elsewhere needs one, the same for all servers."`
	OldSecrets     List   `name:"old-stream-secrets" env:"OLD_STREAM_SECRETS" secret:"" reload:"stream secret" placeholder:"SECRETS" help:"Those before STREAM_SECRET, with commas, at most 4: what they signed is still known, and secrets of webhooks that they sealed can be used. A secret that a hangup replaced is known for a day without this."`
	GitHubURL      string `name:"github-api-url" env:"GITHUB_API_URL" help:"Other address of GitHub's API, as of GitHub Enterprise Server. Default: https://api.github.com."`
	KeySecret      string `name:"key-encryption-key" env:"KEY_ENCRYPTION_KEY" secret:"" reload:"keys of users" help:"Encrypts the keys for providers of models that users keep here (/v1/keys), at least 32 characters, the same for all servers. Without it none can be kept."`
	OldKeySecrets  List   `name:"old-key-encryption-keys" env:"OLD_KEY_ENCRYPTION_KEYS" secret:"" reload:"keys of users" placeholder:"SECRETS" help:"Those before KEY_ENCRYPTION_KEY, with commas, at most 4. What they encrypted is encrypted anew at the start; of several servers each must know the new one before the first encrypts with it, so name it here everywhere first."`
	PreviewDomain  string `name:"preview-domain" env:"PREVIEW_DOMAIN" help:"Projects are shown at <project_id>.<this domain>, working trees at <job_id>-job.<this domain>. Default: localhost."`

	AgentTimeout    Seconds  `name:"agent-timeout" env:"AGENT_TIMEOUT" default:"300" help:"Most time for one run of an agent, in seconds; a pipeline has three times as much."`
	ReviewRounds    int      `name:"review-rounds" env:"REVIEW_ROUNDS" default:"2" help:"Reviews in a pipeline; between two of them what was found is answered."`
	MaxIterations   int      `name:"max-agent-iterations" env:"MAX_AGENT_ITERATIONS" default:"5" help:"Most reviews in a pipeline, whatever REVIEW_ROUNDS says."`
	Workers         int      `name:"workers" env:"WORKERS" default:"16" help:"Jobs that this process runs at once; with the role api, none."`
	MaxQueued       int      `name:"max-queued-jobs" env:"MAX_QUEUED_JOBS" default:"10000" help:"Jobs that may wait; one more is answered with 429."`
	MaxProjects     int      `name:"max-projects-per-user" env:"MAX_PROJECTS_PER_USER" default:"1000" help:"Projects that one user may have, archived ones included; 0: any number. Standalone has no such limits; of several servers on one database the last to start says what holds."`
	MaxRevisions    int      `name:"max-revisions-per-day" env:"MAX_REVISIONS_PER_DAY" default:"10000" help:"Revisions that one user may make in a day (UTC); 0: any number."`
	MaxOpenJobs     int      `name:"max-jobs-per-user" env:"MAX_JOBS_PER_USER" default:"200" help:"Jobs of one user that may be queued or running; 0: any number."`
	MaxBytes        int      `name:"max-bytes-per-user" env:"MAX_BYTES_PER_USER" default:"2147483648" help:"Bytes of files that one user may store, earlier revisions included, equal contents of a project once; 0: any number."`
	MaxBlob         int      `name:"max-file-bytes" env:"MAX_FILE_BYTES" default:"10000000" help:"Bytes of one binary file; 0: any number. Texts over JSON have 100,000 characters."`
	MaxText         int      `name:"max-text-bytes" env:"MAX_TEXT_BYTES" default:"1048576" help:"Bytes of one text that comes as a raw body, base64 or by an import; 0: as many as of a binary file."`
	GitPush         string   `name:"git-push-revisions" env:"GIT_PUSH_REVISIONS" default:"each" enum:"each,tip" help:"What a git push of several commits becomes: each, a revision for each; tip, one for the last. A push may say otherwise with -o revisions=each or -o revisions=tip."`
	GitCache        int      `name:"git-cache-bytes" env:"GIT_CACHE_BYTES" default:"67108864" help:"Bytes of memory for what git sees of projects, contents aside: commits and folders. What is not there is made again."`
	MaxImport       int      `name:"max-import-bytes" env:"MAX_IMPORT_BYTES" default:"250000000" help:"Bytes of an archive that is imported, and of what is taken of it. It lies in the system's temporary folder while it is read."`
	MaxBlobs        int      `name:"max-project-file-bytes" env:"MAX_PROJECT_FILE_BYTES" default:"200000000" help:"Bytes that the binary files and long texts of one project have together; 0: any number. Its other texts are counted apart."`
	MaxStreams      int      `name:"max-streams-per-user" env:"MAX_STREAMS_PER_USER" default:"1000" help:"Event streams that one user may have open at this server; 0: any number. Standalone, where one user is everybody, as many as one address."`
	MaxStreamsFrom  int      `name:"max-streams-per-address" env:"MAX_STREAMS_PER_ADDRESS" default:"20000" help:"The same for one address, which a network of many people may be behind; 0: any number."`
	ShutdownTimeout Seconds  `name:"shutdown-timeout" env:"SHUTDOWN_TIMEOUT" default:"20" help:"Time to finish or hand back running jobs after SIGTERM, in seconds."`
	DrainDelay      *Seconds `name:"drain-delay" env:"DRAIN_DELAY" help:"Time between SIGTERM, from which on /readyz says no, and the end of service, so that load balancers notice. Default: 5 in production, 0 elsewhere and for workers. A second signal ends the process at once."`
	JobLease        Seconds  `name:"job-lease" env:"JOB_LEASE" default:"15" help:"Seconds of silence after which another server takes over a job of one that died."`
	JobRetention    Seconds  `name:"job-retention" env:"JOB_RETENTION" default:"0" help:"Seconds after which ended jobs are deleted; 0 keeps them."`

	AgentLimits   AgentNumbers `name:"agent-concurrency" env:"AGENT_CONCURRENCY" placeholder:"AGENT=N,..." help:"Jobs of an agent type that run at once at most, on all servers together, like code=4,qa=8; of types that are not named, any number. More of them wait. The same for all servers of a store."`
	AgentPriority AgentNumbers `name:"agent-priority" env:"AGENT_PRIORITY" placeholder:"AGENT=N,..." help:"Whose jobs run first, like pedagogy=10,qa=-5: those of the type with the higher number; 0 where nothing is said. It holds up nobody who has no job running for longer than 10 minutes."`
	MaxRunning    int          `name:"max-running-per-user" env:"MAX_RUNNING_PER_USER" default:"0" help:"Jobs of one user that run at once at most, on all servers together; 0: any number. More of them wait, while MAX_JOBS_PER_USER refuses. Whatever it is, users who wait share the workers evenly."`

	Verifiers      int   `name:"verifiers" env:"VERIFIERS" default:"0" help:"Processes that check and bundle generated code at once; 0: three for each processor, at least 6, as memory allows. One user never has them all."`
	VerifierMemory int64 `name:"verifier-memory-mb" env:"VERIFIER_MEMORY_MB" default:"2048" help:"Memory that each of them may take, in MB; at most a quarter of the machine's."`

	NPMRegistry string  `name:"npm-registry" env:"NPM_REGISTRY" help:"Address of the registry that npm packages come from. Default: what npm on this machine is set to; where that is nothing, or with off, there are no packages."`
	NPMBytes    int64   `name:"npm-cache-bytes" env:"NPM_CACHE_BYTES" default:"5368709120" help:"Bytes that fetched packages may take in DATA_DIR, shared by all projects; what was not used for longest goes first."`
	NPMAllow    List    `name:"npm-allow" env:"NPM_ALLOW" help:"Scopes, like @acme, whose packages every user of this server may have by the tokens of its .npmrc. Standalone the one user may have all."`
	NPMDeny     List    `name:"npm-deny" env:"NPM_DENY" help:"Packages that no project gets: name, @scope/* or name@range."`
	NPMMinAge   Seconds `name:"npm-min-age" env:"NPM_MIN_AGE" default:"72h" help:"How long a version must have been out before it is chosen; bad ones are mostly found within days. One that a lock or a project names is taken, with a warning."`

	TSCPath        string `name:"tsc-path" env:"TSC_PATH" help:"TypeScript's native compiler, by which types are checked. Default: it is fetched as a package."`
	BrowserPath    string `name:"browser-path" env:"BROWSER_PATH" help:"Chromium, or a browser made of one, in which what is built is run. Default: the one in PATH."`
	BrowserSandbox string `name:"browser-sandbox" env:"BROWSER_SANDBOX" default:"on" enum:"on,off" help:"Chromium's own sandbox, which needs user namespaces. Off only where something else, such as a virtual machine, holds what a page may do: pages are written by models."`
	Smoke          string `name:"smoke" env:"SMOKE" default:"auto" enum:"off,auto,required" help:"Whether the work of jobs is run in a browser: off; auto, in development where a browser is there, and what it cannot run is not checked; or required, and what cannot be run is an error."`

	OpenAIKey       string  `name:"openai-api-key" env:"OPENAI_API_KEY" reload:"models" secret:"" placeholder:"KEY" help:"Key of OpenAI."`
	OpenAIURL       string  `name:"openai-base-url" env:"OPENAI_BASE_URL" reload:"models" help:"Other address of OpenAI's API, with /v1."`
	AnthropicKey    string  `name:"anthropic-api-key" env:"ANTHROPIC_API_KEY" reload:"models" secret:"" placeholder:"KEY" help:"Key of Anthropic."`
	AnthropicURL    string  `name:"anthropic-base-url" env:"ANTHROPIC_BASE_URL" reload:"models" help:"Other address of Anthropic's API, without /v1."`
	GoogleKey       string  `name:"google-api-key" env:"GOOGLE_API_KEY,GEMINI_API_KEY" reload:"models" secret:"" placeholder:"KEY" help:"Key of Google's Gemini API."`
	GoogleURL       string  `name:"google-base-url" env:"GOOGLE_GEMINI_BASE_URL" reload:"models" help:"Other address of Google's API, without a version."`
	CompatibleURL   string  `name:"llm-compatible-url" env:"LLM_COMPATIBLE_URL" reload:"models" help:"Address, with /v1, of an endpoint that speaks OpenAI's chat API: Ollama, vLLM, llama.cpp, OpenRouter, Groq, ..."`
	CompatibleKey   string  `name:"llm-compatible-key" env:"LLM_COMPATIBLE_KEY" reload:"models" secret:"" placeholder:"KEY" help:"Its key, if it wants one."`
	CompatibleModel string  `name:"llm-compatible-model" env:"LLM_COMPATIBLE_MODEL" reload:"models" help:"Its model that answers where no route names another."`
	ModelsFile      string  `name:"models-file" env:"MODELS_FILE" reload:"models" help:"JSON file of models, prices, endpoints and routes that replaces or adds to the built-in one."`
	LLMIdle         Seconds `name:"llm-idle-timeout" env:"LLM_IDLE_TIMEOUT" reload:"models" default:"60" help:"Longest silence within an answer of a model, in seconds."`
	Patterns        string  `name:"patterns" env:"PATTERNS" default:"off" enum:"off,on" help:"Whether jobs that research, lay out or write an app are shown the three architectures most like it among those that passed review before: one's own with an outline, others' as kinds and counts alone. docs/patterns.md says what that was measured to change."`
	EmbeddingModel  string  `name:"embedding-model" env:"EMBEDDING_MODEL" reload:"models" default:"local" help:"By which they are found: local, which asks nobody, or provider:model, like openai:text-embedding-3-small, google:gemini-embedding-001, or compatible: and a model of LLM_COMPATIBLE_URL; the provider then gets what a project is about. Those of one model are not found by another."`
	JournalKeep     Seconds `name:"journal-retention" env:"JOURNAL_RETENTION" default:"2592000" help:"Seconds for which the answers that ended jobs got are kept for replay; 0 keeps them."`

	BudgetJob          Dollars `name:"budget-job" env:"BUDGET_JOB_USD" help:"Most that models may cost for one job, in dollars."`
	BudgetProjectDay   Dollars `name:"budget-project-day" env:"BUDGET_PROJECT_DAY_USD" help:"The same for a project in a day (UTC)."`
	BudgetProjectMonth Dollars `name:"budget-project-month" env:"BUDGET_PROJECT_MONTH_USD" help:"The same for a project in a month."`
	BudgetUserDay      Dollars `name:"budget-user-day" env:"BUDGET_USER_DAY_USD" help:"The same for a user in a day."`
	BudgetUserMonth    Dollars `name:"budget-user-month" env:"BUDGET_USER_MONTH_USD" help:"The same for a user in a month."`

	Scaffold bool `name:"llm-scaffold" env:"LLM_SCAFFOLD" reload:"models" help:"Say that the offline model is meant, where production would demand a real one."`

	Cache      string `name:"cache" env:"CACHE" default:"auto" enum:"off,auto,on" help:"Whether what was read of the store is kept: off; auto, in this process where the data is its own, else in Redis where nobody but these servers may write the tables; or on, also where others may: then they are read late by up to ten minutes."`
	CacheBytes int64  `name:"cache-bytes" env:"CACHE_BYTES" default:"67108864" help:"Bytes of it that this process keeps."`

	RedisURL      string `name:"redis-url" env:"REDIS_URL" secret:"" placeholder:"URL" help:"Redis or Valkey over which the servers of one database tell each other of jobs and events at once and count requests together: redis://user:password@host:6379/0, rediss:// for TLS (tls_ca=FILE), redis-sentinel://host:26379,host2:26379/0?master=NAME, or the nodes of a cluster with commas. Default: CELERY_BROKER_URL where that is a Redis; without one the database carries it."`
	RedisPrefix   string `name:"redis-prefix" env:"REDIS_PREFIX" default:"codeforge" help:"What the names of all its keys and channels begin with. The servers of one database need the same. Servers of different databases do not meet, even with the same prefix."`
	CeleryBroker  string `name:"celery-broker-url" env:"CELERY_BROKER_URL" secret:"" placeholder:"URL" help:"Counts as REDIS_URL where that is missing and this begins with redis:// or rediss://; another broker is not needed."`
	CeleryBackend string `name:"celery-result-backend" env:"CELERY_RESULT_BACKEND" secret:"" help:"Accepted, and not used."`

	Bench bool `name:"bench" env:"CODEFORGE_BENCH" hidden:"" help:"Add the agent type noop, for measurements."`

	// Models, if not nil, stands between the journals of jobs and the configured models: for measurements.
	Models func(llm.Provider) llm.Provider `kong:"-" hidden:""`
	// Listening, if not nil, is told where the server answers once it does.
	Listening func(url string) `kong:"-" hidden:""`
	// HoldPatterns leaves it to [Server.StorePatterns] when patterns are stored.
	HoldPatterns bool `kong:"-" hidden:""`
	// RunLater leaves runs in a browser to whoever asks for a check, so that jobs end before them.
	RunLater bool `kong:"-" hidden:""`
	// WarmVerifiers are kept ready from the start; 0: as many as a server needs, less: none, where it is one of many in a process.
	WarmVerifiers int `kong:"-" hidden:""`
}

// Seconds is a time span, written as a number of seconds or like 1m30s.
type Seconds time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (s *Seconds) UnmarshalText(b []byte) error {
	d, err := time.ParseDuration(string(b))
	if err != nil {
		var n float64
		if n, err = strconv.ParseFloat(string(b), 64); err != nil {
			return fmt.Errorf("%q is no time: write seconds (300) or a span (5m)", b)
		}
		d = time.Duration(n * float64(time.Second))
	}
	if d < 0 {
		return fmt.Errorf("%q: a time cannot be negative", b)
	}
	*s = Seconds(d)
	return nil
}

// Dollars is an amount in micro-dollars, written in dollars like 2.50; nil: none was given.
type Dollars struct{ Micro *int64 }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Dollars) UnmarshalText(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f < 0 || f > 1e9 {
		return fmt.Errorf("%q is no amount of dollars: write it like 2.50", b)
	}
	d.Micro = new(int64(math.Round(f * 1e6)))
	return nil
}

// AgentNumbers are numbers by agent type, written like code=4,qa=8 or as JSON.
type AgentNumbers map[codeforge.AgentType]int

// UnmarshalText implements encoding.TextUnmarshaler.
func (n *AgentNumbers) UnmarshalText(b []byte) error {
	*n = AgentNumbers{}
	set := func(agent string, number int) error {
		t := codeforge.AgentType(agent)
		if t.Agent() == nil || t.NoModel() {
			return fmt.Errorf("%q is no agent type: there are %v", agent, codeforge.AgentTypes(func(a *codeforge.Agent) bool { return !a.NoModel }))
		}
		if _, twice := (*n)[t]; twice {
			return fmt.Errorf("%s is named twice", agent)
		}
		(*n)[t] = number
		return nil
	}
	if text := strings.TrimSpace(string(b)); strings.HasPrefix(text, "{") {
		var numbers map[string]int
		if err := json.Unmarshal([]byte(text), &numbers); err != nil {
			return errors.New(`is no JSON object of whole numbers: write it like {"code": 4, "qa": 8}, or like code=4,qa=8`)
		}
		for agent, number := range numbers {
			if err := set(agent, number); err != nil {
				return err
			}
		}
		return nil
	}
	for item := range strings.SplitSeq(string(b), ",") {
		if item = strings.TrimSpace(item); item == "" {
			continue
		}
		agent, text, _ := strings.Cut(item, "=")
		number, err := strconv.Atoi(strings.TrimSpace(text))
		if err != nil {
			return fmt.Errorf("%q is no agent type and whole number: write it like code=4,qa=8", item)
		}
		if err := set(strings.TrimSpace(agent), number); err != nil {
			return err
		}
	}
	return nil
}

// List is a list of strings, written with commas or as JSON.
type List []string

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *List) UnmarshalText(b []byte) error {
	*l = nil
	if text := strings.TrimSpace(string(b)); strings.HasPrefix(text, "[") {
		var items []string
		if err := json.Unmarshal([]byte(text), &items); err != nil {
			return errors.New(`is no JSON list of strings: write it like ["a", "b"], or like a,b`)
		}
		*l = items
		return nil
	}
	for item := range strings.SplitSeq(string(b), ",") {
		if item = strings.TrimSpace(item); item != "" {
			*l = append(*l, item)
		}
	}
	return nil
}
