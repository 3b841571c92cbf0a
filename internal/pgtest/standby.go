//go:build unix

package pgtest

import (
	"context"
	"fmt"
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
)

// durable are the settings of servers whose commits survive their end.
var durable = []string{"synchronous_commit=on", "fsync=on", "full_page_writes=on", "autovacuum=on"}

// Standby starts a server for one test that streams from a private one, and can be read from. name is its application_name, by
// which synchronous_standby_names knows it.
func (s *Server) Standby(tb testing.TB, name string, settings ...string) *Server {
	tb.Helper()
	standby, err := startOver(func(standby *Server) error { return standby.copyOf(s, name) }, append(slices.Clone(durable), settings...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := standby.stop(); err != nil {
			tb.Error(err)
		}
	})
	return standby
}

// copyOf fills the data folder with what a primary has, to go on streaming from it.
func (s *Server) copyOf(primary *Server, name string) error {
	from := fmt.Sprintf("host=127.0.0.1 port=%d user=%s application_name=%s", primary.Port, Superuser, name)
	return s.command("pg_basebackup", "-D", s.data(), "-d", from, "-R", "-X", "stream", "-c", "fast", "--no-sync")
}

// Follow makes a private server that was ended a standby of another one, at its old port: as one that was a primary comes back after
// a failover.
func (s *Server) Follow(tb testing.TB, primary *Server, name string) {
	tb.Helper()
	if err := os.RemoveAll(s.data()); err != nil {
		tb.Fatal(err)
	}
	if err := s.copyOf(primary, name); err != nil {
		tb.Fatal(err)
	}
	s.Restart(tb)
}

// Promote makes a standby a primary, and returns when it can be written to.
func (s *Server) Promote(tb testing.TB) {
	tb.Helper()
	s.Exec(tb, "postgres", "select pg_promote(true, 60)")
}

// PauseReplay has a standby stand still, while it goes on receiving.
func (s *Server) PauseReplay(tb testing.TB) {
	tb.Helper()
	s.Exec(tb, "postgres", "select pg_wal_replay_pause()")
}

// ResumeReplay has it go on with what it was sent meanwhile.
func (s *Server) ResumeReplay(tb testing.TB) {
	tb.Helper()
	s.Exec(tb, "postgres", "select pg_wal_replay_resume()")
}

// Query returns the one value of a statement, as a text, that the superuser asks.
func (s *Server) Query(tb testing.TB, database, sql string) (value string) {
	tb.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, s.URL(Superuser, database))
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close(ctx)
	if err := c.QueryRow(ctx, "select ("+sql+")::text").Scan(&value); err != nil {
		tb.Fatalf("pgtest: %.200s: %v", sql, err)
	}
	return value
}
