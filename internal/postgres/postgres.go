// Package postgres is the store on a Postgres that it speaks to directly, as a rule that of a Supabase project.
//
// Every request of a user is carried out as that user: each batch of statements begins with the role authenticated and the
// user's claims, set for this transaction alone, so row level security has the last word even where a query forgot to
// ask for the owner. A batch between two syncs is one implicit transaction, so this costs no round trip. Work that users
// may not do themselves (jobs, revisions, events) are SQL functions, run as service_role, that take the verified user's
// id and check the owner in the statement that does the work; the same functions serve a store that has only the Data API.
//
// Files change only through those functions, each change as a revision. project_files holds the newest state, for web
// clients that read it directly, and file_revisions every state; users have no right to write either. Whoever holds the
// service key can, past this package: triggers make a revision of such a write, too.
//
// A job's progress is stored with each event, and in the job's row, which Realtime sends to all who watch it, at most about
// once a second and with each renewal of the lease.
package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"

	"codeforge"
)

// Options configure a store. Only URL is needed.
type Options struct {
	// URL is a connection URL or keyword string. Without sslmode, TLS is demanded (not verified: that takes
	// sslmode=verify-full and sslrootcert) unless the server is on this machine.
	URL string
	// PoolMode is "transaction" when URL leads to a pooler that gives a connection away after each transaction, "session"
	// when it does not. "": transaction if the port is 6543 or URL holds pgbouncer=true.
	PoolMode string
	// MaxConns bounds the connections; 0: pool_max_conns of URL, else 10.
	MaxConns int
	// StatementTimeout bounds each statement on the server; 0: 30 s. A lock is waited for a third of it.
	StatementTimeout time.Duration
}

// Store is an open pool of connections. Its methods may be called from many goroutines.
type Store struct {
	pool       *pgxpool.Pool
	shared     bool        // connections change hands after each transaction
	dispatched atomic.Bool // jobs are handed to River as well
	timeouts   [2]string   // statement, lock
}

// Open connects, and checks that the login can do what is needed and that the schema is there. The warnings are for the
// operator: what works but is not as safe as it could be.
func Open(ctx context.Context, o Options) (s *Store, warnings []string, err error) {
	config, shared, err := parse(o.URL, o.PoolMode)
	if err != nil {
		return nil, nil, err
	}
	if o.MaxConns > 0 {
		config.MaxConns = int32(o.MaxConns)
	} else if !strings.Contains(o.URL, "pool_max_conns") {
		config.MaxConns = 10
	}
	config.MaxConnIdleTime = 5 * time.Minute
	// A connection that idled for a second is not pinged before its use, which would double the time of the request. One
	// that died meanwhile shows in the first statement; see run.
	config.ShouldPing = func(_ context.Context, p pgxpool.ShouldPingParams) bool { return p.IdleDuration > time.Minute }
	config.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, nil, fmt.Errorf("connect to Postgres: %w", err)
	}
	if o.StatementTimeout == 0 {
		o.StatementTimeout = 30 * time.Second
	}
	ms := func(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }
	s = &Store{pool: pool, shared: shared, timeouts: [2]string{ms(o.StatementTimeout), ms(o.StatementTimeout / 3)}}
	if warnings, err = s.inspect(ctx); err == nil {
		err = s.CheckSchema(ctx)
	}
	if err != nil {
		pool.Close()
		return nil, nil, fmt.Errorf("connect to Postgres: %w", hint(err, config.ConnConfig.Host))
	}
	return s, warnings, nil
}

// Close waits for the calls in progress and closes all connections.
func (s *Store) Close() { s.pool.Close() }

// parse reads a URL as Options describe it. shared tells of a pooler in transaction mode.
func parse(dsn, mode string) (c *pgxpool.Config, shared bool, err error) {
	if err = CheckURL(dsn); err != nil {
		return nil, false, fmt.Errorf("the address of the database %w", err)
	}
	if c, err = pgxpool.ParseConfig(dsn); err != nil {
		return nil, false, unreadable(dsn)
	}
	if !strings.Contains(dsn, "sslmode") && remote(c.ConnConfig.Host, c.ConnConfig.Fallbacks) {
		if u, err := url.Parse(dsn); err == nil && u.Scheme != "" {
			q := u.Query()
			q.Set("sslmode", "require")
			u.RawQuery = q.Encode()
			dsn = u.String()
		} else {
			dsn += " sslmode=require"
		}
		if c, err = pgxpool.ParseConfig(dsn); err != nil {
			return nil, false, unreadable(dsn)
		}
	}
	params := c.ConnConfig.RuntimeParams
	switch mode {
	case "transaction":
		shared = true
	case "session":
	case "":
		shared = c.ConnConfig.Port == 6543 || params["pgbouncer"] == "true"
	default:
		return nil, false, fmt.Errorf("pool mode %q: must be transaction or session", mode)
	}
	delete(params, "pgbouncer")
	if params["application_name"] == "" {
		params["application_name"] = "codeforge"
	}
	if shared {
		// A statement prepared on one connection is unknown, or another one, on the next.
		c.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	}
	if c.ConnConfig.ConnectTimeout == 0 {
		c.ConnConfig.ConnectTimeout = 10 * time.Second
	}
	return c, shared, nil
}

// remote reports whether any of the hosts is on another machine.
func remote(host string, more []*pgconn.FallbackConfig) bool {
	far := func(h string) bool {
		if strings.HasPrefix(h, "/") || strings.HasPrefix(h, "@") || h == "localhost" || h == "" {
			return false
		}
		a, err := netip.ParseAddr(h)
		return err != nil || !a.IsLoopback()
	}
	for _, f := range more {
		if far(f.Host) {
			return true
		}
	}
	return far(host)
}

// inspect looks at the login: whether it can act as others, and what it can do when it does not.
func (s *Store) inspect(ctx context.Context) (warnings []string, err error) {
	var login string
	var bypass, reads, there bool
	// Plain catalog reads, with no identity: everyone may.
	err = s.pool.QueryRow(ctx, `select current_user, r.rolsuper or r.rolbypassrls,
		coalesce(has_table_privilege(to_regclass('public.projects'), 'select'), false),
		to_regprocedure('public.codeforge_schema()') is not null
		from pg_roles r where r.rolname = current_user`).Scan(&login, &bypass, &reads, &there)
	switch {
	case err != nil:
		return nil, err
	case !there: // a missing schema, which may lack the roles as well, is the first thing to see to
		return nil, s.CheckSchema(ctx)
	}
	if err := mayActAs(ctx, s.pool); err != nil {
		return nil, err
	}
	switch {
	case bypass:
		warnings = append(warnings, fmt.Sprintf("the login %q of DATABASE_URL is above row level security, so only CodeForge's own queries keep users apart; "+
			"safer is a login of its own: create role codeforge login noinherit password '...'; grant anon, authenticated, service_role to codeforge", login))
	case reads:
		warnings = append(warnings, fmt.Sprintf("the login %q of DATABASE_URL can read tables without saying for whom; "+
			"safer is one that cannot: create role codeforge login noinherit password '...'; grant anon, authenticated, service_role to codeforge", login))
	}
	return warnings, nil
}

// identity is whom a batch acts for.
type identity struct{ role, claims string }

// system may do everything. Only the work of no user, and functions that take a user's id, run as it.
var system = identity{role: "service_role"}

// as is the identity of a user. The role is never taken from the claims.
func as(u codeforge.User) identity {
	claims := string(u.Claims)
	if claims == "" {
		b, _ := json.Marshal(map[string]string{"sub": u.ID, "role": "authenticated", "aud": "authenticated"}) // strings always marshal
		claims = string(b)
	}
	return identity{"authenticated", claims}
}

// identify makes the transaction act for someone. Its other settings go along because a pooler refuses them at connection.
// Everything here is found by an index, so there is one good plan for each statement: planning it again for other values
// costs more than most of them, and a plan that reads a small table whole would stay in use while the table grows.
const identify = `select set_config('role', $1, true), set_config('request.jwt.claims', $2, true), set_config('statement_timeout', $3, true),
	set_config('lock_timeout', $4, true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)`

// tries bounds how often a batch is sent when the database asks for that, or the connection was dead.
const tries = 5

// read sends a batch that changes nothing, in one round trip; again when its connection broke.
func (s *Store) read(ctx context.Context, who identity, queue func(*pgx.Batch)) error {
	return s.run(ctx, who, true, queue)
}

// write sends a batch as one transaction, in one round trip. It is sent again when the database rolled it back to
// resolve a conflict, or when nothing of it was sent; so queue, and what it queues, may run more than once.
func (s *Store) write(ctx context.Context, who identity, queue func(*pgx.Batch)) error {
	return s.run(ctx, who, false, queue)
}

func (s *Store) run(ctx context.Context, who identity, harmless bool, queue func(*pgx.Batch)) error {
	for try := 1; ; try++ {
		b := &pgx.Batch{}
		b.Queue(identify, who.role, who.claims, s.timeouts[0], s.timeouts[1])
		queue(b)
		err := s.pool.SendBatch(ctx, b).Close()
		if broken(err) {
			s.pool.Reset() // one dead connection is rarely alone
		}
		if err == nil || try == tries || ctx.Err() != nil || !again(err, harmless) {
			return fault(ctx, err)
		}
		wait := time.Duration(try*try) * 2 * time.Millisecond
		select {
		case <-time.After(wait + rand.N(wait)):
		case <-ctx.Done():
		}
	}
}

// broken reports whether an error makes all connections suspect: they died, the server stops, or it is no longer the one
// that can be written to.
func broken(err error) bool {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return slices.Contains([]string{"57P01", "57P02", "57P03", "25006"}, pe.Code)
	}
	return err != nil && (pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
}

// again reports whether a batch that failed may and should be sent once more.
func again(err error, harmless bool) bool {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch pe.Code {
		case "40001", "40P01": // rolled back by the database to let another go on
			return true
		case "57P01", "57P02", "57P03": // the server shuts down or starts
			return harmless
		}
		return false
	}
	if _, own := errors.AsType[*codeforge.Error](err); own {
		return false
	}
	_, dial := errors.AsType[*pgconn.ConnectError](err)
	return !dial && (harmless || pgconn.SafeToRetry(err))
}

// fault turns an error of the driver into one of the domain.
func fault(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if _, own := errors.AsType[*codeforge.Error](err); own || errors.Is(err, codeforge.ErrFenced) {
		return err
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	unavailable := &codeforge.Error{Kind: codeforge.Unavailable, Message: "The data store cannot be reached", Retryable: true, Cause: err}
	pe, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return unavailable
	}
	refuse := func(e *codeforge.Error) error {
		e.Cause = err
		return e
	}
	switch pe.Code {
	case "PT400":
		return codeforge.InvalidField(pe.Hint, "%s", pe.Message)
	case "PT404":
		return codeforge.NotFound(pe.Hint, pe.Detail)
	case "PT409":
		return codeforge.Conflictf("%s", pe.Message)
	case "PT412":
		return codeforge.ErrFenced
	case "PT413", "PT429":
		if most, err := strconv.Atoi(pe.Detail); pe.Hint != "" && err == nil {
			return codeforge.OverQuota(pe.Hint, most, time.Now())
		}
		return &codeforge.Error{Kind: codeforge.TooLarge, Message: pe.Message}
	case "23505":
		return refuse(codeforge.Conflictf("it exists already"))
	case "23514":
		return refuse(codeforge.InvalidField(strings.TrimPrefix(pe.ConstraintName, "codeforge_"), "is not allowed"))
	case "22021", "22P05":
		return refuse(codeforge.InvalidField("text", "must be valid UTF-8 without NUL characters"))
	case "22P02", "22003", "22008", "22023":
		return refuse(codeforge.InvalidField("value", "has the wrong form"))
	case "42501":
		return refuse(&codeforge.Error{Kind: codeforge.Denied, Message: "Not permitted"})
	case "23503":
		return refuse(&codeforge.Error{Kind: codeforge.Unauthenticated, Message: "The user does not exist"})
	case "42P01", "42703", "42883":
		unavailable.Message, unavailable.Retryable = "The data store is not set up: its schema is not up to date", false
	case "57014", "55P03":
		unavailable.Message = "The data store took too long"
	case "54000", "54001", "53100", "53200", "53300", "57P01", "57P02", "57P03", "40001", "40P01", "25006", "08000", "08003", "08006":
	default:
		unavailable.Kind, unavailable.Message, unavailable.Retryable = codeforge.Internal, "The data store failed", false
	}
	return unavailable
}

// uuid reads an id that names a resource. One of the wrong form names nothing.
func uuid(resource, id string) (u pgtype.UUID, err error) {
	if _, err := codeforge.ParseID(id); err != nil {
		return u, codeforge.NotFound(resource, id)
	}
	if u.Scan(id) != nil {
		return u, codeforge.NotFound(resource, id)
	}
	return u, nil
}

// owner reads a user's id.
func owner(u codeforge.User) (pgtype.UUID, error) {
	id, err := uuid("User", u.ID)
	if err != nil {
		return id, &codeforge.Error{Kind: codeforge.Unauthenticated, Message: "The user does not exist"}
	}
	return id, nil
}

// ids reads both.
func ids(u codeforge.User, resource, id string) (user, key pgtype.UUID, err error) {
	if user, err = owner(u); err == nil {
		key, err = uuid(resource, id)
	}
	return user, key, err
}

// document is the argument for a column or parameter of JSON; nothing is NULL.
func document(raw json.RawMessage) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}

// object marshals without changing the text in it.
func object(v any) (json.RawMessage, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, codeforge.InvalidField("value", "must be valid JSON")
	}
	return json.RawMessage(b.String()), nil
}

// present is a document as it was decoded from a row that is JSON itself: null is nothing.
func present(raw json.RawMessage) json.RawMessage {
	if string(raw) == "null" {
		return nil
	}
	return raw
}

// clean drops NUL, which Postgres cannot hold, from text for people.
func clean(s string) string { return strings.ReplaceAll(s, "\x00", "") }

// SetQuota bounds what each user may have from now on, on all servers of the database.
func (s *Store) SetQuota(ctx context.Context, q codeforge.Quota) error {
	return s.write(ctx, system, func(b *pgx.Batch) {
		b.Queue("select public.codeforge_set_quota($1, $2, $3)", q.Projects, q.RevisionsDay, q.OpenJobs)
	})
}

// Ping checks that the database answers.
func (s *Store) Ping(ctx context.Context) error {
	_, err := s.pool.Exec(ctx, "select")
	return fault(ctx, err)
}
