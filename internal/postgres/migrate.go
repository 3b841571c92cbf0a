package postgres

import (
	"bytes"
	"cmp"
	"context"
	"database/sql"
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
	"codeforge/supabase"
)

// There are no down migrations. To roll back to a program without them, nothing need be undone: tables and columns were only
// added. docs/supabase.md says how to remove them.

const versions = "codeforge_migrations"

// renumber gives the versions of a database that was migrated when they were counted from 1 the numbers of the files.
const renumber = "update public." + versions + " set version_id = version_id + 20261122000000 where version_id between 1 and 8"

// unhurried lets a migration of a large database take its time: logins there have a few minutes for a statement.
const unhurried = "set local statement_timeout = 0"

// names are the migrations in order, without their ending.
func names() (all []string) {
	entries, err := fs.ReadDir(supabase.Migrations, "migrations")
	if err != nil {
		panic(err)
	}
	for _, e := range entries {
		all = append(all, strings.TrimSuffix(e.Name(), ".sql"))
	}
	return all
}

// script is the text of a migration and its version, the number that its name begins with.
func script(name string) (version int64, text string, err error) {
	b, err := supabase.Migrations.ReadFile("migrations/" + name + ".sql")
	if err != nil {
		return 0, "", err
	}
	number, _, _ := strings.Cut(name, "_")
	version, err = strconv.ParseInt(number, 10, 64)
	return version, string(b), err
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
	byVersion := map[int64]string{}
	for _, name := range names() {
		version, text, err := script(name)
		if err != nil {
			return nil, err
		}
		byVersion[version] = name
		options = append(options, goose.WithGoMigrations(goose.NewGoMigration(version, &goose.GoFunc{RunTx: func(ctx context.Context, tx *sql.Tx) error {
			_, err := tx.ExecContext(ctx, unhurried)
			if err == nil {
				_, err = tx.ExecContext(ctx, text)
			}
			return err
		}}, nil)))
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, nil, options...)
	if err != nil {
		return nil, err
	}
	var results []*goose.MigrationResult
	if _, err = db.ExecContext(ctx, "do $$ begin if to_regclass('public."+versions+"') is not null then "+renumber+"; end if; end $$"); err == nil {
		results, err = p.Up(ctx)
	}
	if partial, ok := errors.AsType[*goose.PartialError](err); ok {
		results = partial.Applied
	}
	for _, r := range results {
		done = append(done, byVersion[r.Source.Version])
	}
	if err == nil && shared {
		// The lock's table lies in the schema that the Data API serves.
		_, err = db.ExecContext(ctx, "alter table public.codeforge_migrations_lock enable row level security")
	}
	if err != nil {
		return done, fmt.Errorf("migrate: %w", hint(explain(err), config.Host))
	}
	return done, nil
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

// MayMigrate says why a login could not bring the schema up to date; nil: it could.
func MayMigrate(ctx context.Context, url string) error {
	c, _, err := parse(url, "")
	if err != nil {
		return err
	}
	conn, err := pgx.ConnectConfig(ctx, c.ConnConfig)
	if err != nil {
		return fmt.Errorf("connect to Postgres: %w", hint(err, c.ConnConfig.Host))
	}
	defer conn.Close(context.WithoutCancel(ctx))
	var login string
	var makes, owns bool
	if err := conn.QueryRow(ctx, `select current_user,
		has_schema_privilege('public', 'create') and (has_database_privilege(current_database(), 'create') or to_regnamespace('codeforge_river') is not null),
		not exists (select from pg_class where relnamespace = 'public'::regnamespace and relname in ('projects', 'project_files', 'agent_jobs') and not pg_has_role(relowner, 'member'))`).
		Scan(&login, &makes, &owns); err != nil {
		return err
	}
	if !makes || !owns {
		return fmt.Errorf("the login %q may not change the schema: use the one that owns the tables, in a Supabase project postgres", login)
	}
	return nil
}

// querier is a connection, or a pool of them.
type querier interface {
	QueryRow(context.Context, string, ...any) pgx.Row
	SendBatch(context.Context, *pgx.Batch) pgx.BatchResults
}

// mayActAs says what a login lacks that a server needs; nil: nothing.
func mayActAs(ctx context.Context, conn querier) error {
	var login string
	var missing []string
	if err := conn.QueryRow(ctx, `select current_user, array(select n from unnest(array['anon', 'authenticated', 'service_role']) n
		where not exists (select from pg_roles where rolname = n and pg_has_role(oid, 'member')))`).Scan(&login, &missing); err != nil || len(missing) == 0 {
		return err
	}
	roles := strings.Join(missing, ", ")
	return &codeforge.Error{Kind: codeforge.Unavailable, Message: fmt.Sprintf("The login %q may not act as %s: run as an administrator: grant %s to %q", login, roles, roles, login)}
}

// pendingOn compares the number that the newest migration left with those known here.
func pendingOn(ctx context.Context, conn querier) (pending []string, err error) {
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
			if pe, ok := errors.AsType[*pgconn.PgError](err); ok && pe.Code == "42501" {
				err = cmp.Or(mayActAs(ctx, conn), err)
			}
			return nil, err
		}
	}
	all := names()
	if number > len(all) {
		return nil, fmt.Errorf("its schema is that of a newer CodeForge (%d, this one knows %d): use that version or a later one", number, len(all))
	}
	return all[number:], nil
}

// checkSchema returns an error that says what to run when the schema is not up to date.
func (d *direct) checkSchema(ctx context.Context) error {
	pending, err := pendingOn(ctx, d.pool)
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
	b.WriteString("begin;\n" + unhurried + ";\n\ncreate table if not exists public." + versions + ` (
  id integer primary key generated by default as identity,
  version_id bigint not null,
  is_applied boolean not null,
  tstamp timestamp not null default now()
);
insert into public.` + versions + ` (version_id, is_applied) select 0, true where not exists (select from public.` + versions + ");\n")
	b.WriteString(renumber + ";\n")
	for _, name := range names() {
		version, text, err := script(name)
		if err != nil {
			return err
		}
		n := strconv.FormatInt(version, 10)
		b.WriteString("\n-- " + name + "\n" + text)
		b.WriteString("insert into public." + versions + " (version_id, is_applied) select " + n + ", true where not exists (select from public." + versions + " where version_id = " + n + ");\n")
	}
	b.WriteString("\ncommit;\n")
	_, err := w.Write(b.Bytes())
	return err
}
