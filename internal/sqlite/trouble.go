package sqlite

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"modernc.org/sqlite"

	"codeforge"
)

// Codes of SQLite, without what extends them.
const (
	codeReadOnly = 8
	codeIO       = 10
	codeCorrupt  = 11
	codeFull     = 13
	codeCantOpen = 14
	codeNotADB   = 26
)

const wayBack = "restore the folder from a backup; what is left of the file can be read with `sqlite3 codeforge.db .recover`"

// trouble says in plain words what befell the database, where that is known: the disk or the files, not the statement.
func trouble(err error) error {
	if err == nil {
		return nil
	}
	if _, told := errors.AsType[*codeforge.Error](err); told {
		return err
	}
	say := func(message string, retryable bool) error {
		return &codeforge.Error{Kind: codeforge.Unavailable, Message: message, Retryable: retryable, RetryAfter: 5 * time.Second, Cause: err}
	}
	code := 0
	if e, ok := errors.AsType[*sqlite.Error](err); ok {
		code = e.Code() & 0xff
	}
	switch {
	case code == codeFull || errors.Is(err, syscall.ENOSPC):
		return say("The disk of the data folder is full: make space, nothing that was stored is lost", true)
	case code == codeCorrupt || code == codeNotADB || strings.Contains(err.Error(), "no such table"):
		return say("The database is damaged or was emptied: stop the server and "+wayBack, false)
	case code == codeReadOnly || errors.Is(err, syscall.EROFS) || errors.Is(err, os.ErrPermission):
		return say("The data folder cannot be written: look at its rights and its disk", true)
	case errors.Is(err, syscall.ENOTDIR) || errors.Is(err, syscall.EEXIST):
		return say("The data folder, or what it should lie in, is a file: choose another folder with --data-dir or DATA_DIR, or move the file away", false)
	case code == codeIO || code == codeCantOpen:
		return say("The data folder cannot be read or written: look at its disk", true)
	}
	return err
}

// started is the line in the lock file that says that a database was made here: whoever finds the line and no
// database knows that it was lost.
const started = "database made "

// firstMigration made the tables.
const firstMigration = "0001_start"

// databaseGone says that there was a database and is none any more.
func databaseGone(dir, wasMade string) error {
	info, err := os.Stat(file(dir))
	if err == nil && info.Size() > 0 {
		return nil
	}
	log, walErr := os.Stat(file(dir) + "-wal")
	if wasMade == "" && (walErr != nil || log.Size() == 0) {
		return nil // a first start, or one that ended before it had made anything
	}
	what := "is missing"
	if err == nil {
		what = "was emptied"
	}
	since := ""
	if wasMade != "" {
		since = " (it was made " + wasMade + ")"
	}
	return fmt.Errorf("codeforge.db %s, though there was a database here%s: %s; to begin anew without what it held, move the folder away", what, since, "restore the folder from a backup")
}

// ping checks that the files are still where they were, and that their disk has room.
func (s *Store) ping() error {
	if s.w == nil {
		return nil // a reader looks at what is there
	}
	now, err := os.Stat(file(s.dir))
	switch {
	case errors.Is(err, os.ErrNotExist) || err == nil && !os.SameFile(now, s.opened):
		return &codeforge.Error{Kind: codeforge.Unavailable, RetryAfter: time.Minute, Cause: err,
			Message: "The data folder was moved, removed or replaced while the server runs: what is written now is lost. Stop the server, put the folder back or restore it from a backup, and start again"}
	case err != nil:
		return trouble(err)
	case now.Size() == 0:
		return &codeforge.Error{Kind: codeforge.Unavailable, RetryAfter: time.Minute, Message: "The database was emptied while the server runs: stop it and " + wayBack}
	}
	return s.room.check(s.dir)
}

// diskSpace knows whether the disk has some. It looks once a second at most, since whoever asks need not be somebody, or after
// a write that failed.
type diskSpace struct {
	writeFailed atomic.Bool   // a write failed since
	place       chan struct{} // one looks at a time
	at          time.Time
	err         error
}

const (
	plenty = 64 << 20 // free bytes with which nothing needs to be tried
	little = 1 << 20  // what must be there: less is gone with the next writes
)

func newDiskSpace() *diskSpace { return &diskSpace{place: make(chan struct{}, 1)} }

func (r *diskSpace) check(dir string) error {
	r.place <- struct{}{}
	defer func() { <-r.place }()
	if !r.writeFailed.Swap(false) && !r.at.IsZero() && time.Since(r.at) < time.Second {
		return r.err
	}
	r.err, r.at = trouble(tryToWrite(dir)), time.Now()
	return r.err
}

// tryToWrite makes a file in a folder, with as much in it as must fit where little space is left.
func tryToWrite(dir string) error {
	f, err := os.CreateTemp(dir, ".room-*")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	if free, _ := FreeBytes(filepath.Clean(dir)); free < plenty {
		_, err = f.Write(make([]byte, little))
	}
	return errors.Join(err, f.Close())
}
