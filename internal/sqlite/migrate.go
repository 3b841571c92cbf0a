package sqlite

import (
	"cmp"
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate applies what is missing, in order of name, each in a transaction of its own, and returns the names.
func migrate(c *conn, now func() time.Time) (done []string, err error) {
	if err := c.script(migrationsTable); err != nil {
		return nil, err
	}
	_, pending, err := status(c)
	if err != nil {
		return nil, err
	}
	for _, name := range pending {
		if err := migrateBy(c, name, now()); err != nil {
			return done, err
		}
		done = append(done, name)
	}
	return done, nil
}

const migrationsTable = "CREATE TABLE IF NOT EXISTS schema_migrations(name TEXT PRIMARY KEY, applied_at INTEGER NOT NULL) WITHOUT ROWID"

// migrateBy applies one of the migrations.
func migrateBy(c *conn, name string, now time.Time) error {
	text, err := migrations.ReadFile("migrations/" + name + ".sql")
	if err == nil {
		err = apply(c, name, string(text), now)
	}
	if err != nil {
		return fmt.Errorf("migration %s: %w", name, err)
	}
	return nil
}

func apply(c *conn, name, text string, now time.Time) (err error) {
	if _, _, err = c.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			c.exec("ROLLBACK")
		}
	}()
	if err = c.script(text); err != nil {
		return err
	}
	if _, _, err = c.exec("INSERT INTO schema_migrations(name, applied_at) VALUES(?, ?)", name, now); err != nil {
		return err
	}
	_, _, err = c.exec("COMMIT")
	return err
}

// status compares what the database has with what this program knows. A database that has more is refused.
func status(c *conn) (applied, pending []string, err error) {
	// A process that died at its first start leaves a file without any table.
	var found bool
	if found, err = c.one("SELECT name FROM sqlite_schema WHERE name = 'schema_migrations'", nil, new(string)); err != nil {
		return nil, nil, err
	}
	if found {
		err = c.each("SELECT name FROM schema_migrations ORDER BY name", nil, func(r row) error {
			applied = append(applied, "")
			return r.scan(&applied[len(applied)-1])
		})
	}
	if err != nil {
		return nil, nil, err
	}
	known, err := names()
	if err != nil {
		return nil, nil, err
	}
	for _, name := range applied {
		if !slices.Contains(known, name) {
			return nil, nil, fmt.Errorf("it was written by a newer CodeForge (its schema has %q, which this one does not know): use that version or a later one", name)
		}
	}
	for _, name := range known {
		if !slices.Contains(applied, name) {
			pending = append(pending, name)
		}
	}
	return applied, pending, nil
}

func names() (all []string, err error) {
	entries, err := fs.ReadDir(migrations, "migrations")
	for _, e := range entries {
		all = append(all, strings.TrimSuffix(e.Name(), ".sql"))
	}
	return all, err
}

// Status says which migrations the data folder has and which it lacks, and changes nothing. A folder that does not exist
// lacks all.
func Status(ctx context.Context, dir string) (applied, pending []string, err error) {
	if err := ctx.Err(); err != nil {
		return nil, nil, err
	}
	if _, err := os.Stat(file(dir)); errors.Is(err, fs.ErrNotExist) {
		all, err := names()
		return nil, all, err
	} else if err != nil {
		return nil, nil, err
	}
	c, err := dial(dsn(file(dir), "query_only(1)"))
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = cmp.Or(err, c.close()) }()
	if applied, pending, err = status(c); err != nil {
		return nil, nil, fmt.Errorf("data folder %s: %w", dir, err)
	}
	return applied, pending, nil
}

// Migrate brings the schema of a data folder up to date, as Open also does, and returns what it applied.
func Migrate(ctx context.Context, dir string) (done []string, err error) {
	_, pending, err := Status(ctx, dir)
	if err != nil {
		return nil, err
	}
	s, err := Open(ctx, dir, Options{})
	if err != nil {
		return nil, err
	}
	return pending, s.Close()
}
