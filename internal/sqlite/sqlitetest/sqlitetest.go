// Package sqlitetest gives tests data folders of the embedded store, without running all migrations for each.
package sqlitetest

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"codeforge/internal/sqlite"
)

// migrated is the file of an empty store that has all migrations.
var migrated = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "sqlitetest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	s, err := sqlite.Open(context.Background(), dir, sqlite.Options{})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, sqlite.DatabaseName))
})

// Dir is the data folder of an empty store, which is gone with the test.
func Dir(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	Fill(tb, dir)
	return dir
}

// Fill makes a folder the data folder of an empty store, unless something is in it.
func Fill(tb testing.TB, dir string) {
	tb.Helper()
	data, err := migrated()
	if err != nil {
		tb.Fatal(err)
	}
	if there, err := os.ReadDir(dir); err != nil || len(there) > 0 {
		return // the store says what is wrong with it, if anything is
	}
	if err := os.WriteFile(filepath.Join(dir, sqlite.DatabaseName), data, 0o600); err != nil {
		tb.Fatal(err)
	}
}
