package server

import (
	"context"
	"log/slog"
	"time"

	"codeforge"
	"codeforge/internal/agent"
	"codeforge/internal/api"
	"codeforge/internal/auth"
	"codeforge/internal/cache"
	"codeforge/internal/jobs"
	"codeforge/internal/llm"
	"codeforge/internal/pattern"
	"codeforge/internal/postgres"
	"codeforge/internal/sqlite"
	"codeforge/internal/userkeys"
	"codeforge/internal/webhook"
)

// Storage is where everything lies that must survive: what each part of the program asks of it.
type Storage interface {
	jobs.Store
	api.Store
	agent.ReplayStore
	auth.TokenStore
	webhook.Store
	userkeys.Store
	pattern.Store
	SetQuota(context.Context, codeforge.Quota) error
	// CountJobs counts the jobs that have not ended, by agent and state.
	CountJobs(context.Context) ([]codeforge.JobCount, error)
	// SweepJournal deletes the answers of ended jobs that are older than before, and returns how many.
	SweepJournal(ctx context.Context, before time.Time) (swept int, err error)
}

// Store is open storage and what the program must know of it.
type Store struct {
	Storage
	Ledger interface {
		llm.Ledger
		api.Ledger
	}
	Name      string
	Isolation string       // who keeps users apart
	Exclusive bool         // no other process has it open
	Cache     *cache.Store // nil: there is none
	shared    sharedStore  // nil: no other process can have it open
	courier   jobs.Courier
	id        func(context.Context) (string, error) // the same for all who have it open
	waiting   func() int                            // writes that stand in line; nil: there is no line
	pool      func() (postgres.PoolStats, bool)     // nil: there are no connections
	replicas  *postgres.Replicas                    // nil: there are none
	failovers *failovers                            // nil: nobody takes over
	// durability says whether commits wait for a server that may take over; ok: that is a question.
	durability func(context.Context) (waits, ok bool, err error)
	close      func() error
}

// cached is storage with a cache before it: what the cache does not know goes straight to the store.
type cached struct {
	*cache.Store
	behind
}

// behind puts the methods of storage one level below those of the cache, which so go first.
type behind struct{ Storage }

// putCache puts a cache before the store.
func (s *Store) putCache(b cache.Backend) {
	s.Cache = cache.New(s.Storage, b)
	s.Storage = cached{s.Cache, behind{s.Storage}}
}

// Close closes the store.
func (s *Store) Close() error { return s.close() }

// OpenStore opens the store that is configured. The schema of one on another machine is left as it is.
func OpenStore(ctx context.Context, cfg *Config, log *slog.Logger) (*Store, error) {
	return openStore(ctx, cfg, log, nil)
}

// openStore tells of the commits of the embedded store; nil: nobody is told.
func openStore(ctx context.Context, cfg *Config, log *slog.Logger, committed func(sqlite.Commit)) (*Store, error) {
	switch cfg.store() {
	case postgresStore:
		over := &failovers{log: log}
		s, warnings, err := postgres.Open(ctx, postgres.Options{FailedOver: over.record, URL: cfg.DatabaseURL, PoolMode: cfg.PoolMode, Quiet: true, Replicas: cfg.ReplicaURLs, Replica: cfg.replicaOptions()})
		if err != nil {
			return nil, err
		}
		for _, w := range warnings {
			log.Warn(w)
		}
		return &Store{Storage: s, Ledger: s.Ledger(cfg.BudgetLimits()), Name: postgresStore, Isolation: "row-level-security",
			courier: postgres.NewCourier(s, log), shared: s, id: s.StoreID, pool: s.PoolStats, replicas: s.Replicas(), failovers: over, durability: s.Durability, close: func() error { s.Close(); return nil }}, nil
	case supabaseStore:
		s, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: cfg.SupabaseURL, Key: cfg.ServiceKey, Reads: cfg.ReadURLs, Replica: cfg.replicaOptions()})
		if err != nil {
			return nil, err
		}
		// A project that does not answer now may do so later; until then /ready says why nothing works.
		if err := s.Ping(ctx); err != nil {
			log.Error("the Supabase project is not ready", "next", "run codeforge doctor; the server goes on when the project answers", "error", err)
		}
		return &Store{Storage: s, Ledger: s.Ledger(cfg.BudgetLimits()), Name: supabaseStore, Isolation: "row-level-security",
			courier: postgres.NewCourier(s, log), shared: s, id: s.StoreID, replicas: s.Replicas(), close: func() error { s.Close(); return nil }}, nil
	}
	s, err := sqlite.Open(ctx, cfg.DataDir, sqlite.Options{Committed: committed})
	if err != nil {
		return nil, err
	}
	d := &Store{Storage: s, Ledger: s.Ledger(cfg.BudgetLimits()), Name: sqliteStore, Isolation: "application", Exclusive: true, courier: jobs.InProcess{}, waiting: s.Waiting, id: folderID(cfg.DataDir), close: s.Close}
	if cfg.Standalone() {
		d.Isolation = "single-user"
	}
	if cfg.Cache != "off" {
		d.putCache(cache.NewMemory(cfg.CacheBytes))
	}
	return d, nil
}

// OpenStoreReadOnly opens the store for a command that changes nothing, while a server may have it open.
func OpenStoreReadOnly(ctx context.Context, cfg *Config) (*Store, error) {
	if cfg.store() != sqliteStore {
		return OpenStore(ctx, cfg, slog.New(slog.DiscardHandler))
	}
	s, err := sqlite.Open(ctx, cfg.DataDir, sqlite.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return &Store{Storage: s, Ledger: s.Ledger(cfg.BudgetLimits()), Name: sqliteStore, close: s.Close}, nil
}
