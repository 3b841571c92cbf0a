// Package sqlite is the store of a server that stands alone: one file in one folder, opened by one process.
//
// All writes go through one goroutine, which puts those that wait together into one transaction and answers them after
// its commit (WAL, synchronous=FULL). So what was answered survives a power cut, and its price is shared. Reads run beside
// it on a few connections, each on the state of the newest commit.
//
// Contents of files stand in a table of their own, each once in a project; the rows of files and of their history, which lists
// read, only point there. What none of them points to any more goes with the last row that did.
package sqlite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"codeforge"
)

const readers = 4

var errClosed = &codeforge.Error{Kind: codeforge.Unavailable, Message: "The data store is closed"}

// ErrInUse is what the error of a data folder that another process has open is.
var ErrInUse = errors.New("the data folder is in use")

// inUse is the id of the process that has a data folder open.
type inUse string

func (pid inUse) Error() string {
	return fmt.Sprintf("it is in use by process %s: stop that one, or choose another folder", string(pid))
}

func (inUse) Is(target error) bool { return target == ErrInUse }

var errReadOnly = &codeforge.Error{Kind: codeforge.Unavailable, Message: "The data store is open for reading only"}

// Options configure a store. The zero value is for production.
type Options struct {
	// Now is the clock; nil: [codeforge.Now].
	Now func() time.Time
	// Fault is for tests. It is asked before each commit: with an error, the commit is applied or not, as told, and all
	// its writes are answered with a failure.
	Fault func() (apply bool, err error)
	// Committed hears of each transaction of the writer, from its goroutine. nil: nobody does.
	Committed func(Commit)
	// ReadOnly opens a folder that a server may have open: nothing is locked, made or migrated, and every write fails.
	ReadOnly bool
}

// Store is an open data folder. Its methods may be called from many goroutines.
type Store struct {
	clock clock
	quota atomic.Pointer[codeforge.Quota]
	fault func() (bool, error)
	heard func(Commit)
	lock  *os.File

	dir    string
	opened os.FileInfo // the database
	room   *diskSpace

	w       *conn // owned by the goroutine of run
	queue   chan *write
	writes  sync.Pool // of *write
	closing chan struct{}
	ended   chan struct{} // run has returned
	readers chan *conn
	jobs    *queue       // nil: open for reading only
	close   func() error // once
}

// Open opens the data folder dir, and makes it when there is none. It locks the folder to this process and brings the
// schema up to date.
func Open(ctx context.Context, dir string, o Options) (*Store, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = codeforge.Now
	}
	if o.Committed == nil {
		o.Committed = func(Commit) {}
	}
	s := &Store{clock: clock{wall: o.Now}, fault: o.Fault, heard: o.Committed, queue: make(chan *write, maxWaiting), closing: make(chan struct{}),
		ended: make(chan struct{}), readers: make(chan *conn, readers), writes: sync.Pool{New: newWrite}}
	s.close = sync.OnceValue(s.shut)
	open := s.open
	if o.ReadOnly {
		open = s.openToRead
	}
	err := open(dir)
	if err != nil {
		for range len(s.readers) {
			(<-s.readers).close()
		}
		if s.w != nil {
			s.w.close()
		}
		if s.lock != nil {
			s.lock.Close()
		}
		return nil, fmt.Errorf("open data folder %s: %w", dir, trouble(err))
	}
	if o.ReadOnly {
		close(s.ended)
		return s, nil
	}
	go s.run()
	return s, nil
}

func (s *Store) openToRead(dir string) error {
	if _, err := os.Stat(file(dir)); err != nil {
		return err
	}
	if err := s.openReaders(dir); err != nil {
		return err
	}
	return s.read(context.Background(), func(c *conn) error {
		_, pending, err := status(c)
		if err == nil && len(pending) > 0 {
			err = errors.New("its schema is behind: run codeforge migrate, or start the server once")
		}
		return err
	})
}

func (s *Store) open(dir string) (err error) {
	if err = os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	var made string
	if s.lock, made, err = lock(dir); err != nil {
		return err
	}
	if err = databaseGone(dir, made); err != nil {
		return err
	}
	// foreign_keys and the like hold for one connection; journal_mode for the file.
	name := file(dir)
	if s.w, err = dial(dsn(name, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)", "cache_size(-65536)",
		"journal_size_limit(67108864)")); err != nil {
		return err
	}
	done, err := migrate(s.w, s.now)
	if err != nil {
		return err
	}
	if made != "" && slices.Contains(done, firstMigration) {
		return errors.New("codeforge.db was replaced by an empty one: restore the folder from a backup; to begin anew, move the folder away")
	}
	if made == "" {
		if _, err = fmt.Fprintf(s.lock, "%s%s\n", started, s.now().Format(time.RFC3339)); err != nil {
			return err
		}
	}
	s.jobs = newQueue()
	s.w.jobs = s.jobs
	if err = s.w.readQueue(s.now()); err != nil {
		return err
	}
	s.dir, s.room = dir, newDiskSpace()
	if s.opened, err = os.Stat(file(dir)); err != nil {
		return err
	}
	return s.openReaders(dir)
}

func (s *Store) openReaders(dir string) error {
	for range readers {
		r, err := dial(dsn(file(dir), "query_only(1)", "cache_size(-16384)", "mmap_size(268435456)"))
		if err != nil {
			return err
		}
		s.readers <- r
	}
	return nil
}

func file(dir string) string { return filepath.Join(dir, DatabaseName) }

func dsn(name string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(5000)", "temp_store(MEMORY)"}, pragmas...)}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: filepath.ToSlash(name)}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// lock makes dir this process's own until the file is closed or the process ends, however it ends. The file holds the
// process, and when a database was made here.
func lock(dir string) (_ *os.File, made string, err error) {
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, "", err
	}
	text, _ := io.ReadAll(io.LimitReader(f, 1000))
	pid, rest, _ := strings.Cut(string(text), "\n")
	if !tryLock(f) {
		f.Close()
		return nil, "", inUse(strings.TrimSpace(pid))
	}
	if after, ok := strings.CutPrefix(rest, started); ok {
		made = strings.TrimSpace(after)
	}
	line := fmt.Sprintln(os.Getpid())
	if made != "" {
		line += started + made + "\n"
	}
	if err = f.Truncate(0); err == nil {
		if _, err = f.Seek(0, io.SeekStart); err == nil {
			_, err = f.WriteString(line)
		}
	}
	if err != nil {
		f.Close()
		return nil, "", err
	}
	return f, made, nil
}

// Close commits the writes that wait, ends all use of the folder, and gives it free. Calls in progress are answered;
// later ones get Unavailable.
func (s *Store) Close() error { return s.close() }

func (s *Store) shut() error {
	close(s.closing)
	<-s.ended
	var errs []error
	for range readers {
		errs = append(errs, (<-s.readers).close())
	}
	// The last connection moves the log into the database file and removes it.
	if s.w != nil {
		errs = append(errs, s.w.close(), s.lock.Close())
	}
	return errors.Join(errs...)
}

// now is the clock's time, cut to what a column holds.
func (s *Store) now() time.Time { return s.clock.now().UTC().Truncate(time.Microsecond) }

// clock is a wall clock that never goes back: where somebody sets it back, time goes on from where it was. It follows
// the wall clock forwards, since a machine that slept has no other way to know.
type clock struct {
	wall func() time.Time

	mu    sync.Mutex
	last  time.Time // what was told last
	asked time.Time // when, on the clock that nobody can set
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	asked := time.Now()
	wall := c.wall().Round(0)
	if wall.Before(c.last) {
		wall = c.last.Add(asked.Sub(c.asked))
	}
	c.last, c.asked = wall, asked
	return wall
}

// read runs do on a connection that cannot write. Each of its statements sees the newest commit.
func (s *Store) read(ctx context.Context, do func(*conn) error) (err error) {
	ctx, span := startSpan(ctx)
	defer func() { span.End(err) }()
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	var c *conn
	select {
	case <-s.closing:
		return errClosed
	default:
	}
	select {
	case c = <-s.readers:
	case <-s.closing:
		return errClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { s.readers <- c }()
	return trouble(do(c))
}

// view is read with all statements on the same commit.
func (s *Store) view(ctx context.Context, do func(*conn) error) error {
	return s.read(ctx, func(c *conn) error {
		if _, _, err := c.exec("BEGIN"); err != nil {
			return err
		}
		defer c.exec("COMMIT")
		return do(c)
	})
}

// Ping checks that the store answers, and that what it lies on can be read and written.
func (s *Store) Ping(ctx context.Context) error {
	err := s.read(ctx, func(c *conn) error {
		_, err := c.one("SELECT count(*) FROM schema_migrations", nil, new(int))
		return err
	})
	if err == nil {
		err = s.ping()
	}
	return err
}
