package server

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"codeforge/internal/postgres"
	"codeforge/internal/sqlite"
)

// admin is the database by a login that may change its schema, as far as one is known; "": none is.
func (c *Config) admin() (url, poolMode string) {
	if c.MigrateURL != "" {
		return c.MigrateURL, ""
	}
	return c.DatabaseURL, c.PoolMode
}

// migrateAtStart brings the schema of a Postgres up to date when it is behind and a login for that is known.
func migrateAtStart(ctx context.Context, cfg *Config, log *slog.Logger) error {
	url, mode := cfg.admin()
	if url == "" {
		return nil
	}
	pending, err := cfg.missingMigrations(ctx)
	if err == nil && len(pending) > 0 {
		var done []string
		done, err = postgres.Migrate(ctx, url, mode)
		for _, name := range done {
			log.Info("migrated", "migration", name)
		}
		if err != nil && cfg.MigrateURL != "" {
			err = fmt.Errorf("MIGRATE_DATABASE_URL: %w", err)
		}
	}
	if err != nil && cfg.DatabaseURL == "" {
		// The schema may be there all the same; if not, /ready says so.
		log.Error("the schema cannot be brought up to date", "next", "run codeforge migrate with a login that may change the schema (MIGRATE_DATABASE_URL)", "error", err)
		return nil
	}
	return err
}

// missingMigrations names the migrations that a Postgres lacks. It is looked at by the server's own login where there is one: the one
// that may change the schema may be away.
func (c *Config) missingMigrations(ctx context.Context) ([]string, error) {
	if c.DatabaseURL != "" {
		return postgres.Pending(ctx, c.DatabaseURL, c.PoolMode)
	}
	return postgres.Pending(ctx, c.MigrateURL, "")
}

// MigrateStore brings the store up to date. It names the store, and the migrations that were done, with an error too.
func MigrateStore(ctx context.Context, cfg *Config) (where string, done []string, err error) {
	url, mode := cfg.admin()
	where, _, err = cfg.pendingMigrations(ctx, func() ([]string, error) { return postgres.Pending(ctx, url, mode) })
	switch {
	case err != nil:
	case cfg.store() == sqliteStore:
		done, err = sqlite.Migrate(ctx, cfg.DataDir)
	case url != "":
		done, err = postgres.Migrate(ctx, url, mode)
	}
	return where, done, err
}

// CheckMigrated names the store, and the migrations that it lacks: that is an error. Where it lacks none, the error says
// what else would keep a server from working with it. Warnings go to w.
func CheckMigrated(ctx context.Context, cfg *Config, w io.Writer) (where string, pending []string, err error) {
	where, pending, err = cfg.pendingMigrations(ctx, func() ([]string, error) { return cfg.missingMigrations(ctx) })
	switch {
	case err != nil:
	case len(pending) > 0:
		err = fmt.Errorf("%s is behind: run codeforge migrate", where)
	case cfg.DatabaseURL != "":
		log, _ := newLog(cfg, w)
		var store *Store
		if store, err = OpenStore(ctx, cfg, log); err == nil {
			_ = store.Close()
		}
	}
	return where, pending, err
}

// pendingMigrations names the store and the migrations that it lacks; those of a database are told by ofDatabase. A project
// of which only the Data API is known says what it lacks by its error.
func (c *Config) pendingMigrations(ctx context.Context, ofDatabase func() ([]string, error)) (where string, pending []string, err error) {
	url, _ := c.admin()
	switch {
	case c.store() == sqliteStore:
		_, pending, err = sqlite.Status(ctx, c.DataDir)
		return c.DataDir, pending, err
	case url != "":
		pending, err = ofDatabase()
		return "the database", pending, err
	}
	s, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: c.SupabaseURL, Key: c.ServiceKey})
	if err != nil {
		return "", nil, err
	}
	defer s.Close()
	return "the project at " + c.SupabaseURL, nil, s.Ping(ctx)
}
