//go:build unix

// Package pgtest gives tests a PostgreSQL of their own, and a PgBouncer before it: real programs of this machine, started
// on free ports over a temporary folder, fast because nothing has to survive, and gone with the test binary.
//
// A package that uses it starts with
//
//	func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }
//
// The server starts with the first test that asks for it. A missing program is an error that names the package to
// install, never a skipped test.
package pgtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"codeforge/internal/proctest"
)

// How often a program is asked whether it is ready, and for how long.
const (
	pause    = 20 * time.Millisecond
	patience = 60 * time.Second
)

// Superuser owns the server. All logins are let in without a password.
const Superuser = "postgres"

// Server is a running PostgreSQL.
type Server struct {
	Port int

	dir  string
	args []string // of the program
	bin  string
	proc *proctest.Process
	as   *syscall.Credential // nil: the one who runs the tests

	copies string // how a database is made, in SQL
}

var (
	running struct {
		sync.Mutex
		server *Server
		err    error
	}
	databases atomic.Int64
)

// Main runs the tests of a package and stops the server afterwards.
func Main(m *testing.M) int {
	code := m.Run()
	running.Lock()
	defer running.Unlock()
	if running.server != nil {
		if err := running.server.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "pgtest:", err)
			return max(code, 1)
		}
	}
	return code
}

// Start returns the server that all tests of this binary share.
func Start(tb testing.TB) *Server {
	tb.Helper()
	running.Lock()
	defer running.Unlock()
	if running.server == nil && running.err == nil {
		running.server, running.err = start()
	}
	if running.err != nil {
		tb.Fatal(running.err)
	}
	return running.server
}

// Private starts a server for one test, which stops it and starts it again as it likes. What is committed survives that. Further
// settings are given as name=value.
func Private(tb testing.TB, settings ...string) *Server {
	tb.Helper()
	s, err := start(append(slices.Clone(durable), settings...)...)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := s.stop(); err != nil {
			tb.Error(err)
		}
	})
	return s
}

// Kill ends a private server as a power cut would.
func (s *Server) Kill(tb testing.TB) {
	tb.Helper()
	if err := s.proc.End(syscall.SIGQUIT); err != nil {
		tb.Error(err)
	}
}

// Restart starts a private server that was ended.
func (s *Server) Restart(tb testing.TB) {
	tb.Helper()
	err := s.run()
	if err == nil {
		err = s.proc.Until(func() error { return s.try("postgres") }, pause, patience)
	}
	if err != nil {
		tb.Error(err)
	}
}

// run starts the program.
func (s *Server) run() (err error) {
	cmd := exec.Command(filepath.Join(s.bin, "postgres"), s.args...)
	s.setCredential(cmd)
	s.proc, err = proctest.Launch(cmd)
	return err
}

func start(settings ...string) (s *Server, err error) {
	return startOver(func(s *Server) error {
		return s.command("initdb", "-D", s.data(), "-U", Superuser, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync", "--no-instructions")
	}, settings...)
}

// startOver starts a server over the data that fill puts into its folder.
func startOver(fill func(*Server) error, settings ...string) (s *Server, err error) {
	bin, err := find("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		return nil, err
	}
	s = &Server{bin: bin}
	if s.as, err = unprivilegedUser(); err != nil {
		return nil, err
	}
	if s.dir, err = os.MkdirTemp("", "pgtest"); err != nil {
		return nil, err
	}
	defer func(dir string) {
		if err != nil {
			os.RemoveAll(dir)
		}
	}(s.dir)
	if err := errors.Join(s.own(s.dir), fill(s)); err != nil {
		return nil, err
	}
	for range 5 { // a free port may be taken before it is used
		if s.Port, err = proctest.FreePort(); err != nil {
			return nil, err
		}
		s.args = []string{"-D", s.data(), "-k", s.dir, "-h", "127.0.0.1", "-p", strconv.Itoa(s.Port)}
		for _, setting := range append([]string{"fsync=off", "synchronous_commit=off", "full_page_writes=off", "autovacuum=off", "wal_level=logical",
			"max_connections=200", "shared_buffers=64MB", "max_wal_size=4GB", "log_min_messages=fatal", "timezone=UTC", "jit=off"}, settings...) {
			s.args = append(s.args, "-c", setting)
		}
		if err = s.run(); err != nil {
			return nil, err
		}
		if err = s.proc.Until(func() error { return s.try("postgres") }, pause, patience); err == nil {
			return s, nil
		}
		s.proc.End(syscall.SIGQUIT)
	}
	return nil, fmt.Errorf("pgtest: postgres does not start: %w", err)
}

func (s *Server) data() string { return filepath.Join(s.dir, "data") }

// command runs a program of PostgreSQL to its end.
func (s *Server) command(name string, args ...string) error {
	cmd := exec.Command(filepath.Join(s.bin, name), args...)
	s.setCredential(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("pgtest: %s: %w\n%s", name, err, out)
	}
	return nil
}

func (s *Server) try(database string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	c, err := pgx.Connect(ctx, s.URL(Superuser, database))
	if err != nil {
		return err
	}
	// From 15 on a database is copied page by page through the log unless somebody asks for its files, which takes a third of the time.
	if major, _, _ := strings.Cut(c.PgConn().ParameterStatus("server_version"), "."); len(major) > 1 && major >= "15" {
		s.copies = " strategy file_copy"
	}
	return c.Close(ctx)
}

func (s *Server) stop() error {
	// An immediate shutdown: nothing in it is worth writing down.
	return errors.Join(s.proc.End(syscall.SIGQUIT), os.RemoveAll(s.dir))
}

// URL is how login reaches a database.
func (s *Server) URL(login, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", login, s.Port, database)
}

// Database makes a database for one test, owned by login and equal to template ("": empty), and returns its name.
func (s *Server) Database(tb testing.TB, login, template string) string {
	tb.Helper()
	name := fmt.Sprintf("test_%d", databases.Add(1))
	if template == "" {
		template = "template0"
	}
	s.Exec(tb, "postgres", fmt.Sprintf("create database %s owner %s template %s%s", name, pgx.Identifier{login}.Sanitize(), pgx.Identifier{template}.Sanitize(), s.copies))
	tb.Cleanup(func() {
		// The test's context has ended, and its connections may be closing still.
		c, err := pgx.Connect(context.Background(), s.URL(Superuser, "postgres"))
		if err == nil {
			_, err = c.Exec(context.Background(), "drop database if exists "+name+" with (force)")
			err = errors.Join(err, c.Close(context.Background()))
		}
		if err != nil {
			tb.Errorf("pgtest: drop %s: %v", name, err)
		}
	})
	return name
}

// Exec runs statements as the superuser.
func (s *Server) Exec(tb testing.TB, database, sql string) {
	tb.Helper()
	ctx := context.Background()
	c, err := pgx.Connect(ctx, s.URL(Superuser, database))
	if err != nil {
		tb.Fatal(err)
	}
	defer c.Close(ctx)
	if _, err := c.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		tb.Fatalf("pgtest: %.200s: %v", sql, err)
	}
}

// Bouncer is a running PgBouncer in transaction mode before a server.
type Bouncer struct{ Port int }

// Bouncer starts a PgBouncer for one test (or group of them) that gives logins at most size connections to the server.
func (s *Server) Bouncer(tb testing.TB, size int, logins ...string) *Bouncer {
	tb.Helper()
	path, err := exec.LookPath("pgbouncer")
	if err != nil {
		if path = "/usr/sbin/pgbouncer"; !executable(path) {
			tb.Fatal("pgtest: PgBouncer is not installed: apt-get install pgbouncer")
		}
	}
	dir, err := os.MkdirTemp(s.dir, "bouncer")
	if err != nil {
		tb.Fatal(err)
	}
	b := &Bouncer{}
	for range 5 {
		if b.Port, err = proctest.FreePort(); err != nil {
			tb.Fatal(err)
		}
		ini, users := filepath.Join(dir, "pgbouncer.ini"), filepath.Join(dir, "users.txt")
		var list bytes.Buffer
		for _, l := range logins {
			fmt.Fprintf(&list, "%q \"\"\n", l)
		}
		err = errors.Join(os.WriteFile(users, list.Bytes(), 0o644), os.WriteFile(ini, fmt.Appendf(nil, `[databases]
* = host=127.0.0.1 port=%d
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = %d
max_client_conn = 500
`, s.Port, b.Port, users, size), 0o644), s.own(dir), s.own(ini), s.own(users))
		if err != nil {
			tb.Fatal(err)
		}
		cmd := exec.Command(path, ini)
		s.setCredential(cmd)
		p, err := proctest.Launch(cmd)
		if err != nil {
			tb.Fatal(err)
		}
		err = p.Until(func() error {
			c, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", b.Port))
			if err == nil {
				c.Close()
			}
			return err
		}, pause, patience)
		if err == nil {
			tb.Cleanup(func() {
				if err := p.End(syscall.SIGTERM); err != nil {
					tb.Error(err)
				}
			})
			return b
		}
		tb.Log(err)
		p.End(syscall.SIGKILL)
	}
	tb.Fatal("pgtest: PgBouncer does not start")
	return nil
}

// URL is how login reaches a database through the pooler.
func (b *Bouncer) URL(login, database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable&pgbouncer=true", login, b.Port, database)
}

// find returns the folder of the server's programs: the newest of a pattern, which is that of Debian, else that of the path.
func find(pattern string) (string, error) {
	all, _ := filepath.Glob(pattern)
	slices.SortFunc(all, func(a, b string) int { return version(b) - version(a) })
	if len(all) > 0 {
		return filepath.Dir(all[0]), nil
	}
	if path, err := exec.LookPath("postgres"); err == nil {
		return filepath.Dir(path), nil
	}
	return "", errors.New("pgtest: PostgreSQL is not installed: apt-get install postgresql")
}

func version(path string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(filepath.Dir(path))))
	return n
}

func executable(path string) bool {
	i, err := os.Stat(path)
	return err == nil && i.Mode()&0o111 != 0
}

// unprivilegedUser is whom the programs run as when root runs the tests, since they refuse root: the user whom Debian makes for them,
// else one who owns nothing.
func unprivilegedUser() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err := errors.Join(err1, err2); err != nil {
			return nil, err
		}
		return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
	}
	return nil, errors.New("pgtest: PostgreSQL refuses to run as root, and there is no user postgres or nobody: useradd --system postgres")
}

// own makes a path belong to whom the programs run as.
func (s *Server) own(path string) error {
	if s.as == nil {
		return nil
	}
	return os.Chown(path, int(s.as.Uid), int(s.as.Gid))
}

func (s *Server) setCredential(cmd *exec.Cmd) {
	cmd.Dir = s.dir
	cmd.SysProcAttr = proctest.Attributes(s.as, syscall.SIGQUIT)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LC_ALL=C.UTF-8", "TZ=UTC"}
}

// Command is a program of the same PostgreSQL, such as pg_dump.
func Command(name string, args ...string) *exec.Cmd {
	bin, err := find("/usr/lib/postgresql/*/bin/postgres")
	if err != nil {
		bin = "" // then it is one of PATH, or none
	}
	return exec.Command(filepath.Join(bin, name), args...)
}
