package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"modernc.org/sqlite"
)

// DatabaseName is what the database of a data folder is called.
const DatabaseName = "codeforge.db"

// snapshotPages is how many pages are copied between two looks at whether somebody still wants them.
const snapshotPages = 4096

// Snapshot copies the database of a data folder to a file that is not there yet, as the database is at one moment. A server may have
// the folder open: it is not held up, and its log grows meanwhile by what it writes.
func Snapshot(ctx context.Context, dir, to string) (err error) {
	if _, err := os.Stat(file(dir)); err != nil {
		return err
	}
	c, err := dial(dsn(file(dir)))
	if err != nil {
		return fmt.Errorf("open data folder %s: %w", dir, trouble(err))
	}
	defer func() { err = errors.Join(err, c.close()) }()
	// While it reads, this connection stays at the commit that is the newest now, whoever writes.
	if _, _, err := c.exec("BEGIN"); err != nil {
		return trouble(err)
	}
	defer c.exec("ROLLBACK")
	if _, err := c.one("SELECT count(*) FROM sqlite_schema", nil, new(int)); err != nil {
		return trouble(err)
	}
	source, ok := c.Conn.(interface {
		NewBackup(to string) (*sqlite.Backup, error)
	})
	if !ok {
		return errors.New("this driver of SQLite copies no databases")
	}
	b, err := source.NewBackup(dsn(to))
	if err != nil {
		return trouble(err)
	}
	for more := true; more && err == nil; {
		if err = ctx.Err(); err == nil {
			more, err = b.Step(snapshotPages)
		}
	}
	return trouble(errors.Join(err, b.Finish()))
}

// Inspection is what a database is, for whoever compares it with a copy.
type Inspection struct {
	Migrations []string         `json:"migrations"` // that it has, in order
	Rows       map[string]int64 `json:"rows"`       // of each table
}

// Inspect reads a database file whole that nobody has open, and counts what is in it. One that is damaged, or that a newer program
// wrote, is an error.
func Inspect(name string) (in Inspection, err error) {
	c, err := dial(dsn(name, "query_only(1)"))
	if err != nil {
		return in, trouble(err)
	}
	defer func() { err = errors.Join(trouble(err), c.close()) }()
	if in.Migrations, err = checkSchema(c, filepath.Base(name)); err != nil { // before anything of it is used
		return in, err
	}
	for _, check := range []string{"SELECT integrity_check FROM pragma_integrity_check LIMIT 10", "SELECT 'a row of ' || \"table\" || ' names one of ' || parent || ' that is gone' FROM pragma_foreign_key_check LIMIT 10"} {
		var found []string
		if err := c.each(check, nil, func(r row) error {
			found = append(found, "")
			return r.scan(&found[len(found)-1])
		}); err != nil {
			return in, err
		}
		if len(found) > 0 && found[0] != "ok" {
			return in, fmt.Errorf("%s is damaged: %s", filepath.Base(name), strings.Join(found, "; "))
		}
	}
	var tables []string
	if err := c.each("SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'", nil, func(r row) error {
		tables = append(tables, "")
		return r.scan(&tables[len(tables)-1])
	}); err != nil {
		return in, err
	}
	in.Rows = map[string]int64{}
	for _, table := range tables {
		var n int64
		if _, err := c.one(`SELECT count(*) FROM "`+strings.ReplaceAll(table, `"`, `""`)+`"`, nil, &n); err != nil {
			return in, err
		}
		in.Rows[table] = n
	}
	return in, nil
}

// checkSchema compares the schema of a database with what the migrations make that it says it has had, which it returns. A trigger or
// a view more would do things in the name of this program.
func checkSchema(c *conn, file string) (applied []string, err error) {
	if applied, _, err = status(c); err != nil {
		return nil, err
	}
	if len(applied) == 0 {
		return nil, fmt.Errorf("%s is no database of CodeForge", file)
	}
	made, err := dial(":memory:")
	if err != nil {
		return nil, err
	}
	defer made.close()
	if err := migrateTo(made, applied); err != nil {
		return nil, err
	}
	want, err := schemaOf(made)
	if err != nil {
		return nil, err
	}
	got, err := schemaOf(c)
	if err != nil {
		return nil, err
	}
	for what, sql := range got {
		if want[what] != sql {
			return nil, fmt.Errorf("%s holds the %s, which is not as CodeForge makes it: drop what you made yourself; in a backup from others it was put there", file, what)
		}
	}
	for what := range want {
		if _, ok := got[what]; !ok {
			return nil, fmt.Errorf("%s has lost the %s: take an earlier backup", file, what)
		}
	}
	return applied, nil
}

// migrateTo makes a schema by some of the migrations.
func migrateTo(c *conn, names []string) error {
	if err := c.script(migrationsTable); err != nil {
		return err
	}
	for _, name := range names {
		if err := migrateBy(c, name, time.Unix(0, 0)); err != nil {
			return err
		}
	}
	return nil
}

// schemaOf is what a database is made of, by kind and name. What the database itself adds, the indexes of unique columns and its
// statistics, is not in it.
func schemaOf(c *conn) (map[string]string, error) {
	all := map[string]string{}
	err := c.each(`SELECT type || ' ' || name, tbl_name || ': ' || coalesce(sql, '') FROM sqlite_schema
		WHERE NOT (type = 'index' AND name LIKE 'sqlite\_autoindex\_%' ESCAPE '\' AND sql IS NULL OR type = 'table' AND name IN ('sqlite_stat1', 'sqlite_stat4'))`, nil, func(r row) error {
		var what, sql string
		err := r.scan(&what, &sql)
		all[what] = sql
		return err
	})
	return all, err
}
