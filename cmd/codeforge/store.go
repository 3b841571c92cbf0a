package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/auth"
	"codeforge/internal/jobs"
	"codeforge/internal/llm"
	"codeforge/internal/postgres"
	"codeforge/internal/sqlite"
)

// Store is where everything lies that must survive: what each part of the program asks of it.
type Store interface {
	jobs.Store
	api.Store
	replayStore
	auth.TokenStore
	SetQuota(context.Context, codeforge.Quota) error
	// SweepJournal deletes the answers of ended jobs that are older than before, and returns how many.
	SweepJournal(ctx context.Context, before time.Time) (swept int, err error)
}

// data is an open store and what the program must know of it.
type data struct {
	Store
	books interface {
		llm.Ledger
		api.Books
	}
	name      string
	isolation string // who keeps users apart
	exclusive bool   // no other process has it open
	// listen tells of events that other servers stored, until ctx ends; nil: nothing does.
	listen func(ctx context.Context, nudge func(jobID string)) error
	// queue hands ids of jobs that may be due to one server of all, which calls wake; nil: there is no such way.
	queue func(ctx context.Context, wake func(jobID string), log *slog.Logger) (*postgres.Dispatcher, error)
	close func() error
}

// openData opens the store that is configured. The schema of one on another machine is left as it is.
func openData(ctx context.Context, cfg *Config, log *slog.Logger) (*data, error) {
	switch cfg.store() {
	case postgresStore:
		s, warnings, err := postgres.Open(ctx, postgres.Options{URL: cfg.DatabaseURL, PoolMode: cfg.PoolMode})
		if err != nil {
			return nil, err
		}
		for _, w := range warnings {
			log.Warn(w)
		}
		return &data{Store: s, books: s.Ledger(cfg.limits()), name: postgresStore, isolation: "row-level-security", listen: s.Listen,
			queue: func(ctx context.Context, wake func(string), log *slog.Logger) (*postgres.Dispatcher, error) {
				return postgres.NewDispatcher(ctx, s, wake, log)
			},
			close: func() error { s.Close(); return nil }}, nil
	case supabaseStore:
		s, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: cfg.SupabaseURL, Key: cfg.ServiceKey})
		if err != nil {
			return nil, err
		}
		// A project that does not answer now may do so later; until then /ready says why nothing works.
		if err := s.Ping(ctx); err != nil {
			log.Error("the Supabase project is not ready", "error", err)
		}
		return &data{Store: s, books: s.Ledger(cfg.limits()), name: supabaseStore, isolation: "row-level-security",
			close: func() error { s.Close(); return nil }}, nil
	}
	s, err := sqlite.Open(ctx, cfg.DataDir, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	d := &data{Store: s, books: s.Ledger(cfg.limits()), name: sqliteStore, isolation: "application", exclusive: true, close: s.Close}
	if cfg.standalone() {
		d.isolation = "single-user"
	}
	return d, nil
}

// openToRead opens the store for a command that changes nothing, while a server may have it open.
func openToRead(ctx context.Context, cfg *Config) (*data, error) {
	if cfg.store() != sqliteStore {
		return openData(ctx, cfg, slog.New(slog.DiscardHandler))
	}
	s, err := sqlite.Open(ctx, cfg.DataDir, sqlite.Options{ReadOnly: true})
	if err != nil {
		return nil, err
	}
	return &data{Store: s, books: s.Ledger(cfg.limits()), name: sqliteStore, close: s.Close}, nil
}

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
	pending, err := cfg.lacks(ctx)
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
		log.Error("the schema cannot be brought up to date", "error", err)
		return nil
	}
	return err
}

// lacks names the migrations that a Postgres lacks. It is looked at by the server's own login where there is one: the one
// that may change the schema may be away.
func (c *Config) lacks(ctx context.Context) ([]string, error) {
	if c.DatabaseURL != "" {
		return postgres.Pending(ctx, c.DatabaseURL, c.PoolMode)
	}
	return postgres.Pending(ctx, c.MigrateURL, "")
}

// Migrate is the command that brings the database up to date.
type Migrate struct {
	Check bool `help:"Only say what would be done; exit 1 if anything is." xor:"how"`
	Print bool `help:"Print the SQL that brings a Postgres up to date, for an SQL editor." xor:"how"`
	Config
}

// Run implements the command.
func (m *Migrate) Run(ctx context.Context) error {
	if m.Print {
		return postgres.Print(os.Stdout)
	}
	url, mode := m.admin()
	where, pending, err := m.pending(ctx)
	if err != nil {
		return err
	}
	if m.Check {
		for _, name := range pending {
			fmt.Println("pending", name)
		}
		if len(pending) > 0 {
			return fmt.Errorf("%s is behind: run codeforge migrate", where)
		}
		if m.DatabaseURL != "" { // whether a server could work with it, as doctor says
			log, _ := newLog(&m.Config, os.Stderr)
			store, err := openData(ctx, &m.Config, log)
			if err != nil {
				return err
			}
			_ = store.close()
		}
	} else {
		var done []string
		switch {
		case m.store() == sqliteStore:
			done, err = sqlite.Migrate(ctx, m.DataDir)
		case url != "":
			done, err = postgres.Migrate(ctx, url, mode)
		}
		for _, name := range done {
			fmt.Println("applied", name)
		}
		if err != nil {
			return err
		}
	}
	fmt.Println(where, "is up to date")
	return nil
}

// pending names the migrations that are missing. A project of which only the Data API is known says so by its error.
func (m *Migrate) pending(ctx context.Context) (where string, pending []string, err error) {
	url, mode := m.admin()
	switch {
	case m.store() == sqliteStore:
		_, pending, err = sqlite.Status(ctx, m.DataDir)
		return m.DataDir, pending, err
	case url != "":
		if m.Check {
			pending, err = m.lacks(ctx)
		} else {
			pending, err = postgres.Pending(ctx, url, mode)
		}
		return "the database", pending, err
	}
	s, err := postgres.OpenDataAPI(postgres.DataAPIOptions{URL: m.SupabaseURL, Key: m.ServiceKey})
	if err != nil {
		return "", nil, err
	}
	defer s.Close()
	return "the project at " + m.SupabaseURL, nil, s.Ping(ctx)
}

// lookEvery is how often events of other servers are looked for where nothing tells of them.
const lookEvery = time.Second

// lookBeside is the same where something does.
const lookBeside = 15 * time.Second

// hear passes on what other servers stored, until ctx ends: to those who watch, and to the engine, whose job somebody
// there may have ended.
func (a *App) hear(ctx context.Context) {
	// A job that runs here has no other source of events but a cancellation, which the engine finds.
	look := func() {
		for _, id := range a.hub.Jobs() {
			if !a.engine.Runs(id) {
				a.hub.Nudge(id)
			}
		}
	}
	looks := func(ctx context.Context, every time.Duration) {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				look()
			case <-ctx.Done():
				return
			}
		}
	}
	if a.data.listen != nil {
		// What a program that is no CodeForge does to a job is told by nobody.
		listening, stop := context.WithCancel(ctx)
		var beside sync.WaitGroup
		beside.Go(func() { looks(listening, lookBeside) })
		err := a.data.listen(ctx, func(jobID string) {
			switch here := a.engine.Recheck(jobID); {
			case jobID == "":
				look()
			case !here:
				a.hub.Nudge(jobID)
			}
		})
		stop()
		beside.Wait()
		if !errors.Is(err, postgres.ErrNoListen) {
			return
		}
		a.log.Warn("events of other servers are looked for", "every", lookEvery, "reason", err)
	}
	looks(ctx, lookEvery)
}
