//go:build unix

package pgtest

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestMain(m *testing.M) { os.Exit(Main(m)) }

func TestFind(t *testing.T) {
	dir := t.TempDir()
	pattern := filepath.Join(dir, "*", "bin", "postgres")
	t.Setenv("PATH", dir)
	if _, err := find(pattern); err == nil || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "apt-get install postgresql") {
		t.Fatalf("missing: %v", err)
	}
	for _, v := range []string{"9", "15", "14"} {
		bin := filepath.Join(dir, v, "bin")
		if err := os.MkdirAll(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(bin, "postgres"), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if bin, err := find(pattern); err != nil || bin != filepath.Join(dir, "15", "bin") {
		t.Fatal(bin, err)
	}
}

func TestServer(t *testing.T) {
	s := Start(t)
	s.Exec(t, "postgres", "create role somebody login")
	db := s.Database(t, "somebody", "")
	s.Exec(t, db, "create table t (n int); insert into t values (1)")
	twin := s.Database(t, "somebody", db)
	s.Exec(t, twin, "delete from t")
	if Start(t) != s {
		t.Fatal("a second server")
	}
	if err := s.try(twin); err != nil {
		t.Fatal(err)
	}
	s.Bouncer(t, 1, "somebody")
}
