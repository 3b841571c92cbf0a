package postgres

import (
	"bytes"
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"

	"codeforge"
)

// Every migration can be run on a database that already has what it makes: one that was filled through an SQL editor, or
// by an earlier CodeForge. There are no down migrations. To roll back to a program without them, nothing need be undone:
// tables and columns were only added. To remove them, drop what is called codeforge_, the schema of that name included, the
// tables job_aliases, job_events, idempotency_keys, project_revisions, file_revisions, llm_calls, llm_journal, api_tokens and
// those called budget_, and the columns that 0002 adds.
//
// River's migrations follow them as one more, which is behind whenever River's module brings new ones.
//
//go:embed migrations/*.sql
var files embed.FS

const versions = "codeforge_migrations"

// names are the migrations in order, without their ending; the first has number 1.
func names() (all []string) {
	entries, err := fs.ReadDir(files, "migrations")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		all = append(all, strings.TrimSuffix(e.Name(), ".sql"))
	}
	return all
}

// Migrate brings the schema up to date and returns what it ran. The login needs rights to create; two that migrate at
// once take turns. See [Options] for url and poolMode.
func Migrate(ctx context.Context, url, poolMode string) (done []string, err error) {
	c, shared, err := parse(url, poolMode)
	if err != nil {
		return nil, err
	}
	config := c.ConnConfig
	options := []goose.ProviderOption{goose.WithTableName("public." + versions), goose.WithDisableGlobalRegistry(true), goose.WithLogger(goose.NopLogger())}
	if shared {
		config.DefaultQueryExecMode = pgx.QueryExecModeExec
		// No lock outlives a transaction here, so it is a row with an end of its own.
		l, err := lock.NewPostgresTableLocker(lock.WithTableName("public.codeforge_migrations_lock"), lock.WithTableLockTimeout(1e9, 300))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithLocker(l))
	} else {
		l, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
		if err != nil {
			return nil, err
		}
		options = append(options, goose.WithSessionLocker(l))
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	dir, err := fs.Sub(files, "migrations")
	if err != nil {
		return nil, err
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, dir, options...)
	if err != nil {
		return nil, err
	}
	results, err := p.Up(ctx)
	if partial, ok := errors.AsType[*goose.PartialError](err); ok {
		results = partial.Applied
	}
	for _, r := range results {
		done = append(done, strings.TrimSuffix(r.Source.Path, ".sql"))
	}
	if err != nil {
		return done, fmt.Errorf("migrate: %w", hint(explain(err), config.Host))
	}
	if shared {
		if err := hide(ctx, db); err != nil {
			return done, fmt.Errorf("migrate: %w", err)
		}
	}
	ran, err := migrateRiver(ctx, config)
	if err != nil {
		return done, fmt.Errorf("migrate: %w", hint(explain(err), config.Host))
	}
	if ran {
		done = append(done, riverName())
	}
	return done, nil
}

// migrateRiver runs those of River's migrations that were not run.
func migrateRiver(ctx context.Context, config *pgx.ConnConfig) (ran bool, err error) {
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return false, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = pgx.BeginFunc(ctx, conn, func(tx pgx.Tx) error {
		version := 0
		if _, err := tx.Exec(ctx, "select pg_advisory_xact_lock(7208430192)"); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, "select public.codeforge_queue_schema()").Scan(&version); err != nil {
			return err
		}
		if ran = version < riverVersion(); !ran {
			return nil
		}
		_, err := tx.Exec(ctx, riverSQL(), pgx.QueryExecModeSimpleProtocol)
		return err
	})
	return ran, err
}

// hide keeps the lock's table out of the Data API, which serves its schema.
func hide(ctx context.Context, db *sql.DB) error {
	_, err := db.ExecContext(ctx, "alter table public.codeforge_migrations_lock enable row level security")
	return err
}

// explain adds to the error of a migration what the database says would help.
func explain(err error) error {
	pe, ok := errors.AsType[*pgconn.PgError](err)
	switch {
	case ok && pe.Hint != "":
		return fmt.Errorf("%w (%s)", err, pe.Hint)
	case ok && pe.Code == "42501":
		return fmt.Errorf("%w (this login may not change the schema: %s)", err, remedy)
	}
	return err
}

const remedy = `run "codeforge migrate" with MIGRATE_DATABASE_URL set to a login that may, or paste what "codeforge migrate --print" prints into the SQL editor`

// Pending returns the migrations that the database lacks, and changes nothing. It asks as service_role, so any login that
// can run a server can ask.
func Pending(ctx context.Context, url, poolMode string) (pending []string, err error) {
	c, _, err := parse(url, poolMode)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.ConnectConfig(ctx, c.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect to Postgres: %w", hint(err, c.ConnConfig.Host))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return pendingOn(ctx, conn)
}

// pendingOn compares the number that the newest migration left with those known here.
func pendingOn(ctx context.Context, conn interface {
	QueryRow(context.Context, string, ...any) pgx.Row
	SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
}) (pending []string, err error) {
	var there bool
	if err := conn.QueryRow(ctx, "select to_regprocedure('public.codeforge_schema()') is not null").Scan(&there); err != nil {
		return nil, err
	}
	number := 0
	if there {
		b := &pgx.Batch{}
		b.Queue("select set_config('role', 'service_role', true)")
		b.Queue("select public.codeforge_schema()").QueryRow(func(r pgx.Row) error { return r.Scan(&number) })
		if err := conn.SendBatch(ctx, b).Close(); err != nil {
			return nil, err
		}
	}
	all := names()
	if number > len(all) {
		return nil, fmt.Errorf("its schema is that of a newer CodeForge (%d, this one knows %d): use that version or a later one", number, len(all))
	}
	pending, version := all[number:], 0
	if len(pending) == 0 {
		b := &pgx.Batch{}
		b.Queue("select set_config('role', 'service_role', true)")
		b.Queue("select public.codeforge_queue_schema()").QueryRow(func(r pgx.Row) error { return r.Scan(&version) })
		if err := conn.SendBatch(ctx, b).Close(); err != nil {
			return nil, err
		}
	}
	if version < riverVersion() {
		pending = append(pending, riverName())
	}
	return pending, nil
}

// CheckSchema returns an error that says what to run when the schema is not up to date.
func (s *Store) CheckSchema(ctx context.Context) error {
	pending, err := pendingOn(ctx, s.pool)
	if err != nil {
		return err
	}
	if len(pending) > 0 {
		return &codeforge.Error{Kind: codeforge.Unavailable, Message: fmt.Sprintf("The database schema lacks %s: %s", strings.Join(pending, ", "), remedy)}
	}
	return nil
}

// Print writes all migrations as one transaction for an SQL editor. What it leaves is what Migrate leaves.
func Print(w io.Writer) error {
	var b bytes.Buffer
	b.WriteString("begin;\n\ncreate table if not exists public." + versions + ` (
  id integer primary key generated by default as identity,
  version_id bigint not null,
  is_applied boolean not null,
  tstamp timestamp not null default now()
);
insert into public.` + versions + ` (version_id, is_applied) select 0, true where not exists (select from public.` + versions + ");\n")
	for i, name := range names() {
		text, err := files.ReadFile("migrations/" + name + ".sql")
		if err != nil {
			return err
		}
		b.WriteString("\n-- " + name + "\n" + unmarked(string(text)))
		n := strconv.Itoa(i + 1)
		b.WriteString("insert into public." + versions + " (version_id, is_applied) select " + n + ", true where not exists (select from public." + versions + " where version_id = " + n + ");\n")
	}
	b.WriteString("\n-- " + riverName() + "\n" + unmarked(riverSQL()) + "\ncommit;\n")
	_, err := w.Write(b.Bytes())
	return err
}

// unmarked is a migration without the lines that are for goose.
func unmarked(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "-- +goose") {
			b.WriteString(line)
		}
	}
	return b.String()
}

// SQL returns the text of each migration by its name, for tools that keep migrations as files. They are to run in the order
// of their names.
func SQL() map[string]string {
	all := map[string]string{riverName(): riverSQL()}
	for _, name := range names() {
		text, err := files.ReadFile("migrations/" + name + ".sql")
		if err != nil {
			panic(err)
		}
		all[name] = string(text)
	}
	return all
}
