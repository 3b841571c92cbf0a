// Package postgres is the store on Postgres, as a rule that of a Supabase project. Its methods are written once, over the
// functions of the schema (package supabase), and reach them by one of two wires: a connection of its own ([Open]), or the
// project's Data API ([OpenDataAPI]). Each method is one call, and each call one transaction in one round trip, but for those
// that say otherwise.
//
// What a user reads or creates is done as that user, so row level security has the last word even where a query forgot to ask
// for the owner. What users may not do themselves (jobs, revisions, events) is done as service_role by functions that take the
// verified user's id and check the owner in the statement that does the work.
//
// Files change only through those functions, each change as a revision. project_files holds the newest state, for web
// clients that read it directly, and file_revisions every state; users have no right to write either. Whoever holds the
// service key can, past this package: triggers make a revision of such a write, too.
//
// A job's progress is stored with each event, and in the job's row, which Realtime sends to all who watch it, at most about
// once a second and with each renewal of the lease.
//
// An answer can be lost after the work was done. Each method either can be repeated without harm, and is, or finds out
// whether its work was done; WriteFile, DeleteFile and RestoreRevision do neither and report that the store cannot be
// reached. A call that is still on its way when its repetition arrives is the one case that this does not cover: its events
// are there twice.
package postgres

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"codeforge"
)

// Store is a schema that can be reached. Its methods may be called from many goroutines.
type Store struct {
	wire wire

	// unsure are claims whose newest events may have been stored although their answer never came.
	unsure sync.Map // codeforge.Fence -> struct{}

	acknowledged recentJobs // that were submitted here
}

// wire is a way to call the functions of the schema.
type wire interface {
	// send carries out a call once, as one transaction, and returns the JSON that it answers with: nothing, or null, when
	// there is no answer. What goes wrong is a *failure, unless the answer is beyond all bounds.
	send(ctx context.Context, c functionCall) ([]byte, error)
	// patience is how often a call is sent at most, and how long the wait before the second time is.
	patience() (tries int, pause time.Duration)
	// ping checks that the schema can be used; the error says what to do.
	ping(ctx context.Context) error
	close()
}

// functionCall is one call of a function of the schema.
type functionCall struct {
	function string         // without codeforge_
	as       codeforge.User // who acts; nobody: the system
	args     []arg
	// query says that the function is a query, which answers with one row or none.
	query bool
	// reads says that nothing is changed: a replica may carry it out. So it is with every query.
	reads bool
	// statement is sent in place of a call, over connections alone: what a query reads natively.
	statement *statement
	// after is how far a replica must have come; at, if not nil, is where it is put how far the database was once this was committed.
	after position
	at    *position
	// again says that the call may be carried out twice: what it does the second time is nothing, or is refused. Others are
	// sent again only when it is known that nothing was done.
	again bool
	// traceParent is of whoever asks, kept with a job that is submitted; "": nobody traces.
	traceParent string
}

// statement is one in SQL that reads.
type statement struct {
	sql     string
	values  []any
	collect func(pgx.Rows) error
}

// arg is an argument of a function, by its name without p_.
type arg struct {
	name  string
	value any
}

// ids are an argument of type uuid[].
type ids []string

// direct are the connections of a store to its primary, if there are any.
func (s *Store) direct() (d *direct, ok bool) {
	w := s.wire
	if r, ok := w.(*Replicas); ok {
		w = r.primary
	}
	d, ok = w.(*direct)
	return d, ok
}

// readNatively sends a statement of a user, or of the system, that only reads. of names the operation.
func (s *Store) readNatively(ctx context.Context, of string, as codeforge.User, sql string, values []any, collect func(pgx.Rows) error) error {
	_, err := s.retry(ctx, of, true, func() error {
		_, err := s.wire.send(ctx, functionCall{as: as, again: true, reads: true, statement: &statement{sql, values, collect}})
		return err
	})
	return err
}

// Close waits for the calls in progress.
func (s *Store) Close() { s.wire.close() }

// PoolStats are how the connections of a store are, and what happened to them since it was opened.
type PoolStats struct {
	Open, InUse, Most int
	Waits             int64         // for a connection, when all were in use
	Waited            time.Duration // together
	Opened            int64
}

// PoolStats says how the connections are; ok is false where there are none of its own.
func (s *Store) PoolStats() (p PoolStats, ok bool) {
	d, ok := s.direct()
	if !ok {
		return p, false
	}
	v := d.pool.Stat()
	return PoolStats{Open: int(v.TotalConns()), InUse: int(v.AcquiredConns()), Most: int(v.MaxConns()), Waits: v.EmptyAcquireCount(), Waited: v.EmptyAcquireWaitTime(),
		Opened: v.NewConnsCount()}, true
}

// Ping checks that the store can be used. Its error says what to do.
func (s *Store) Ping(ctx context.Context) error { return s.wire.ping(ctx) }

// retry makes an attempt, again where that is safe and may help. unsure tells that an earlier attempt than the one whose outcome
// is returned may have been carried out, or this one if it failed. of names the operation.
func (s *Store) retry(ctx context.Context, of string, again bool, attempt func() error) (unsure bool, err error) {
	ctx, span := codeforge.StartSpan(ctx, codeforge.WorkStore, of)
	defer func() { span.End(err) }()
	tries, pause := s.wire.patience()
	for try := 1; ; try++ {
		err := attempt()
		f, failed := errors.AsType[*failure](err)
		unsure = unsure || failed && f.unclear()
		if !failed || try == tries || ctx.Err() != nil || !f.isUnapplied() && !(again && f.unclear()) {
			return unsure, fault(ctx, err)
		}
		wait := time.Duration(try*try) * pause
		select {
		case <-time.After(wait/2 + rand.N(wait)):
		case <-ctx.Done():
		}
	}
}

// SetQuota bounds what each user may have from now on, on all servers of the database.
func (s *Store) SetQuota(ctx context.Context, q codeforge.Quota) error {
	_, _, _, err := system[any](ctx, s, "set_quota", arg{"projects", q.Projects}, arg{"revisions_a_day", q.RevisionsDay}, arg{"open_jobs", q.OpenJobs}, arg{"bytes", q.Bytes},
		arg{"blob", q.Blob}, arg{"long_text", q.Text}, arg{"project_blobs", q.ProjectBlobs})
	return err
}

// StoreID names the database, the same for all who reach it.
func (s *Store) StoreID(ctx context.Context) (string, error) {
	id, _, _, err := system[string](ctx, s, "store_id")
	return id, err
}

// callFunction sends a call and decodes its answer. found is whether there was one. For unsure see retry.
func callFunction[T any](ctx context.Context, s *Store, c functionCall) (out T, found, unsure bool, err error) {
	var answer *T
	unsure, err = s.retry(ctx, c.function, c.again, func() error {
		answer = nil
		doc, err := s.wire.send(ctx, c)
		if err == nil && len(doc) > 0 {
			if err = json.Unmarshal(doc, &answer); err != nil {
				err = &failure{cause: fmt.Errorf("answer of %s: %w", c.function, err), service: c.as.ID == ""}
			}
		}
		return err
	})
	if err != nil || answer == nil {
		return out, false, unsure, err
	}
	return *answer, true, unsure, nil
}

// read asks a query as a user; none is the error when there is no row.
func read[T any](ctx context.Context, s *Store, u codeforge.User, query string, none error, args ...arg) (T, error) {
	out, found, _, err := callFunction[T](ctx, s, functionCall{function: query, as: u, args: append(args, arg{"user", u.ID}), again: true, query: true, reads: true})
	if err == nil && !found {
		err = none
	}
	return out, err
}

// query asks a query as the system.
func query[T any](ctx context.Context, s *Store, query string, args ...arg) (out T, found bool, err error) {
	out, found, _, err = callFunction[T](ctx, s, functionCall{function: query, args: args, again: true, query: true, reads: true})
	return out, found, err
}

// system calls a function as the system that may be carried out twice.
func system[T any](ctx context.Context, s *Store, function string, args ...arg) (out T, found, unsure bool, err error) {
	return callFunction[T](ctx, s, functionCall{function: function, args: args, again: true})
}

// look calls a function as the system that changes nothing, though it is no query.
func look[T any](ctx context.Context, s *Store, function string, args ...arg) (out T, err error) {
	out, _, _, err = callFunction[T](ctx, s, functionCall{function: function, args: args, again: true, reads: true})
	return out, err
}

// check reads the ids of a user and of a resource. One of the wrong form names nothing.
func check(u codeforge.User, resource, id string) error {
	if _, err := codeforge.ParseID(u.ID); err != nil {
		return &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "The user does not exist"}
	}
	if _, err := codeforge.ParseID(id); err != nil {
		return codeforge.NotFound(resource, id)
	}
	return nil
}

// optional reads an id that may be left out: then it is null.
func optional(resource, id string) (*string, error) {
	if id == "" {
		return nil, nil
	}
	if _, err := codeforge.ParseID(id); err != nil {
		return nil, codeforge.NotFound(resource, id)
	}
	return &id, nil
}

// textOrNull is an argument that may be left out: then it is null.
func textOrNull[S ~string](s S) *string {
	if s == "" {
		return nil
	}
	return new(string(s))
}

// timeOrNull is a time, or null.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// checkText refuses text that would not be stored as it is: JSON holds no broken UTF-8 and replaces it.
func checkText(texts ...string) error {
	for _, t := range texts {
		if !utf8.ValidString(t) {
			return codeforge.InvalidField("text", "must be valid UTF-8 without NUL characters")
		}
	}
	return nil
}

// withoutNUL drops NUL, which Postgres cannot hold, from text for people.
func withoutNUL(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// object marshals without changing the text in it.
func object(v any) (json.RawMessage, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, codeforge.InvalidField("value", "must be valid JSON")
	}
	return b.Bytes(), nil
}
