package sqlite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

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
	if in.Migrations, _, err = status(c); err != nil {
		return in, err
	}
	if len(in.Migrations) == 0 {
		return in, fmt.Errorf("%s is no database of CodeForge", filepath.Base(name))
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
