package sqlite

import (
	"bytes"
	"context"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"modernc.org/sqlite"

	"codeforge"
)

// conn is one connection, used by one goroutine at a time. It speaks to the driver directly: package database/sql would
// add its own locking, conversion and a goroutine per query, which together cost more than most statements here.
type conn struct {
	driver.Conn
	stmts map[string]*stmt
	args  []driver.NamedValue // reused
	// wrote is set by every statement that changed a row. The writer clears it.
	wrote bool
	now   time.Time // of the write that runs
	// open holds, for the writer, rows of queued and running jobs as they are in its transaction, see openJob. Nothing else
	// can change them: the folder is locked. Whatever is rolled back clears it.
	open map[string]jobRow
	jobs *queue // the writer's
}

// stmt is a prepared statement and the row that it scans into.
type stmt struct {
	exec interface {
		driver.StmtExecContext
		driver.StmtQueryContext
	}
	close  func() error
	writes bool
	row    []driver.Value
}

// library is SQLite with what migrations need of ours.
var library = func() *sqlite.Driver {
	d := &sqlite.Driver{}
	d.MustRegisterDeterministicScalarFunction("path_key", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		path, _ := args[0].(string)
		return codeforge.PathKey(path), nil
	})
	d.MustRegisterDeterministicScalarFunction("content_hash", 1, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		content, _ := args[0].(string)
		return contentHash(content), nil
	})
	return d
}()

func dial(dsn string) (*conn, error) {
	dc, err := library.Open(dsn)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: dc, stmts: map[string]*stmt{}, open: map[string]jobRow{}}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.close())
	}
	return errors.Join(append(errs, c.Conn.Close())...)
}

// script runs statements that have no arguments and are not used again.
func (c *conn) script(sql string) error {
	s, err := c.Prepare(sql)
	if err != nil {
		return err
	}
	defer s.Close()
	_, err = s.(driver.StmtExecContext).ExecContext(context.Background(), nil)
	return err
}

// prepare returns the cached statement of a text. Texts are constants, so the cache is bounded by the program.
func (c *conn) prepare(sql string, args []any) (*stmt, error) {
	s := c.stmts[sql]
	if s == nil {
		ds, err := c.Prepare(sql)
		if err != nil {
			return nil, fmt.Errorf("prepare %.60q: %w", sql, err)
		}
		s = &stmt{close: ds.Close, writes: !strings.HasPrefix(sql, "SELECT") && !strings.HasPrefix(sql, "WITH")}
		s.exec = ds.(interface {
			driver.StmtExecContext
			driver.StmtQueryContext
		})
		c.stmts[sql] = s
	}
	c.args = c.args[:0]
	for i, a := range args {
		v, err := value(a)
		if err != nil {
			return nil, fmt.Errorf("argument %d of %.60q: %w", i+1, sql, err)
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return s, nil
}

// exec runs a statement that returns no rows. It returns how many it changed and the key of the last one inserted.
func (c *conn) exec(sql string, args ...any) (changed, last int64, err error) {
	s, err := c.prepare(sql, args)
	if err != nil {
		return 0, 0, err
	}
	defer clear(c.args) // a file's content must not be held until the next statement
	r, err := s.exec.ExecContext(context.Background(), c.args)
	if err != nil {
		return 0, 0, fmt.Errorf("%.60q: %w", sql, err)
	}
	changed, _ = r.RowsAffected()
	last, _ = r.LastInsertId()
	if changed > 0 {
		c.wrote = true
	}
	return changed, last, nil
}

// each calls yield for every row; an error from it ends the loop and is returned.
func (c *conn) each(sql string, args []any, yield func(row) error) error {
	s, err := c.prepare(sql, args)
	if err != nil {
		return err
	}
	rows, err := s.exec.QueryContext(context.Background(), c.args)
	if err != nil {
		return fmt.Errorf("%.60q: %w", sql, err)
	}
	defer rows.Close()
	clear(c.args)
	if s.row == nil {
		s.row = make([]driver.Value, len(rows.Columns()))
	}
	defer clear(s.row)
	for {
		switch err := rows.Next(s.row); {
		case err == io.EOF:
			return nil
		case err != nil:
			return fmt.Errorf("%.60q: %w", sql, err)
		}
		if s.writes {
			c.wrote = true
		}
		if err := yield(s.row); err != nil {
			return err
		}
	}
}

// one scans the only row of a query; found is false when there is none.
func (c *conn) one(sql string, args []any, dest ...any) (found bool, err error) {
	err = c.each(sql, args, func(r row) error {
		found = true
		return r.scan(dest...)
	})
	return found, err
}

// value turns an argument into one of the types that the driver takes. Empty JSON is NULL, and so is a zero time.
func value(a any) (driver.Value, error) {
	switch a := a.(type) {
	case nil, int64, float64, string, bool, []byte:
		return a, nil
	case int:
		return int64(a), nil
	case json.RawMessage:
		if len(a) == 0 {
			return nil, nil
		}
		return string(a), nil
	case time.Time:
		if a.IsZero() {
			return nil, nil
		}
		return a.UnixMicro(), nil
	case *time.Time:
		if a == nil {
			return nil, nil
		}
		return a.UnixMicro(), nil
	case *bool:
		if a == nil {
			return nil, nil
		}
		return *a, nil
	case *string:
		if a == nil {
			return nil, nil
		}
		return *a, nil
	}
	return nil, fmt.Errorf("no column holds a %T", a)
}

// row is one row as the driver gave it.
type row []driver.Value

// scan copies the columns into what dest points to. NULL leaves the zero value.
func (r row) scan(dest ...any) error {
	if len(dest) != len(r) {
		return fmt.Errorf("%d columns for %d variables", len(r), len(dest))
	}
	for i, d := range dest {
		ok := true
		switch d := d.(type) {
		case *string:
			*d, ok = take[string](r[i])
		case **string:
			var s string
			s, ok = take[string](r[i])
			*d = nil
			if r[i] != nil {
				*d = new(s)
			}
		case *[]byte: // which outlive the row; of a text too
			switch v := r[i].(type) {
			case []byte:
				*d = bytes.Clone(v)
			case string:
				*d = []byte(v)
			default:
				*d, ok = nil, v == nil
			}
		case *int64:
			*d, ok = take[int64](r[i])
		case *int:
			var n int64
			n, ok = take[int64](r[i])
			*d = int(n)
		case *bool:
			var n int64
			n, ok = take[int64](r[i])
			*d = n != 0
		case **bool:
			var n int64
			n, ok = take[int64](r[i])
			*d = nil
			if r[i] != nil {
				*d = new(n != 0)
			}
		case *float64:
			*d, ok = take[float64](r[i])
		case *json.RawMessage:
			var s string
			s, ok = take[string](r[i])
			*d = nil
			if s != "" {
				*d = json.RawMessage(s)
			}
		case *time.Time:
			var n int64
			n, ok = take[int64](r[i])
			*d = time.Time{}
			if r[i] != nil {
				*d = time.UnixMicro(n).UTC()
			}
		case **time.Time:
			var n int64
			n, ok = take[int64](r[i])
			*d = nil
			if r[i] != nil {
				*d = new(time.UnixMicro(n).UTC())
			}
		default:
			return fmt.Errorf("column %d: cannot scan into %T", i+1, d)
		}
		if !ok {
			return fmt.Errorf("column %d: a %T does not go into %T", i+1, r[i], d)
		}
	}
	return nil
}

// take returns the zero value for NULL, and false for a value of another type.
func take[T any](v driver.Value) (t T, ok bool) {
	if v == nil {
		return t, true
	}
	t, ok = v.(T)
	return t, ok
}
