// Package audit keeps the record of who did what from where: one JSON object a line, appended to a file or to standard output, never
// with what a project holds or a secret in it. Lines are written before whoever is told of them goes on; the disk has them within a
// time that is set.
package audit

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"
	"unicode/utf8"
)

// Entry is one thing that was done, or tried.
type Entry struct {
	Time    time.Time         `json:"time"`
	Action  string            `json:"action"`            // noun.verb
	User    string            `json:"user,omitempty"`    // its id; os:name for somebody at the command line
	Address string            `json:"address,omitempty"` // that the request came from
	Request string            `json:"request_id,omitempty"`
	Objects map[string]string `json:"objects,omitempty"` // ids of what it was done to, by kind
	Outcome Outcome           `json:"outcome"`
	Status  int               `json:"status,omitempty"` // of the answer
	Count   int               `json:"count,omitempty"`  // how often, where such things are counted
}

// Outcome is what came of it.
type Outcome string

// What can come of it.
const (
	Done    Outcome = "done"
	Refused Outcome = "refused"
	Failed  Outcome = "failed"
)

const (
	maxValue   = 1024 // bytes of one value
	countEvery = time.Minute
	maxCounted = 1000 // addresses whose failures are counted apart
	elsewhere  = "others"
)

// Options say where the record goes.
type Options struct {
	Path string        // of the file; "stdout": standard output; "": nothing is recorded
	Sync time.Duration // in which the disk has a line; 0: before Record returns
	Log  *slog.Logger  // is told of lines that could not be written
}

// Log is the record. A nil Log records nothing. It is safe for concurrent use.
type Log struct {
	o Options

	mu     sync.Mutex
	out    io.Writer
	file   *os.File // nil: standard output
	dirty  bool     // lines are written that the disk may not have
	err    error    // of the last line
	failed map[string]int
	closed bool

	stop  chan struct{}
	loops sync.WaitGroup
}

// Open opens the record for appending.
func Open(o Options) (*Log, error) {
	if o.Path == "" {
		return nil, nil
	}
	l := &Log{o: o, failed: map[string]int{}, stop: make(chan struct{})}
	if err := l.open(); err != nil {
		return nil, err
	}
	l.loops.Go(func() { l.every(countEvery, l.writeFailures) })
	if l.file != nil && o.Sync > 0 {
		l.loops.Go(func() { l.every(o.Sync, l.sync) })
	}
	return l, nil
}

func (l *Log) every(d time.Duration, do func()) {
	tick := time.NewTicker(d)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			do()
		case <-l.stop:
			return
		}
	}
}

func (l *Log) open() error {
	if l.o.Path == "stdout" {
		l.out = os.Stdout
		return nil
	}
	f, err := os.OpenFile(l.o.Path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err == nil {
		l.out, l.file = f, f
	}
	return err
}

// Reopen goes on in a file of the same name: the old one was moved away, to be kept. With an error the old one is gone on with.
func (l *Log) Reopen() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	old := l.file
	if old == nil {
		return nil
	}
	if err := l.open(); err != nil {
		return err
	}
	return errors.Join(old.Sync(), old.Close())
}

// Record writes an entry. Its time is set here.
func (l *Log) Record(e Entry) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.record(e)
}

func (l *Log) record(e Entry) {
	e.Time = time.Now().UTC().Round(time.Millisecond)
	for key, value := range e.Objects {
		e.Objects[key] = cut(value)
	}
	e.User, e.Request = cut(e.User), cut(e.Request)
	line, err := json.Marshal(e)
	if err == nil {
		// In one call, so that lines of several processes do not mix.
		_, err = l.out.Write(append(line, '\n'))
	}
	if err == nil && l.file != nil {
		if l.dirty = true; l.o.Sync == 0 {
			err = l.syncFile()
		}
	}
	if err != nil && l.err == nil && l.o.Log != nil {
		l.o.Log.Error("what was done cannot be recorded", "next", "look at AUDIT_LOG, its rights and its disk", "error", err, "action", e.Action)
	}
	l.err = err
}

func cut(s string) string {
	if len(s) <= maxValue {
		return s
	}
	s = s[:maxValue]
	for !utf8.ValidString(s) && len(s) > maxValue-utf8.UTFMax {
		s = s[:len(s)-1]
	}
	return s + "..."
}

func (l *Log) syncFile() error {
	l.dirty = false
	return l.file.Sync()
}

func (l *Log) sync() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.dirty {
		return
	}
	if err := l.syncFile(); err != nil {
		l.err = err
	}
}

// SignInFailed counts a credential that was refused. What is counted is written once a minute, by address.
func (l *Log) SignInFailed(address string) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if _, known := l.failed[address]; !known && len(l.failed) >= maxCounted {
		address = elsewhere
	}
	l.failed[address]++
}

func (l *Log) writeFailures() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for address, n := range l.failed {
		l.record(Entry{Action: "signin.fail", Address: address, Outcome: Refused, Count: n})
	}
	clear(l.failed)
}

// Err is why the last line could not be written.
func (l *Log) Err() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Close writes what was counted, and ends the record. A second time it does nothing.
func (l *Log) Close() error {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	closed := l.closed
	l.closed = true
	l.mu.Unlock()
	if closed {
		return nil
	}
	close(l.stop)
	l.loops.Wait()
	l.writeFailures()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	return errors.Join(l.file.Sync(), l.file.Close())
}
