package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
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
	// Quiet leaves it to others to tell other servers what is stored: nothing is announced by the database.
	Quiet bool
	// Replicas are addresses of servers that follow the one at URL: reads of requests go there, as far as they have come. Each is one
	// server, as URL says it; one that does not answer is no error.
	Replicas []string
	Replica  ReplicaOptions
	// StatementTimeout bounds each statement on the server; 0: 30 s. A lock is waited for a third of it.
	StatementTimeout time.Duration
	// FailedOver is told when another server has taken the primary's place; nil: nobody is.
	FailedOver func(Failover)

	follows bool // it is the address of a replica
}

// direct is the wire of a pool of connections. Each call is a batch that begins with the role and the claims of whom it acts for,
// set for this transaction alone. A batch between two syncs is one implicit transaction, so this costs no round trip.
type direct struct {
	pool     *pgxpool.Pool
	shared   bool      // connections change hands after each transaction
	timeouts [2]string // statement, lock
	tell     string    // "off": the database announces nothing
	history            // of the server that answers
}

// Open connects, and checks that the login can do what is needed and that the schema is there. The warnings are for the
// operator: what works but is not as safe as it could be.
func Open(ctx context.Context, o Options) (s *Store, warnings []string, err error) {
	d, err := newDirect(ctx, o)
	if err != nil {
		return nil, nil, err
	}
	if warnings, err = d.inspect(ctx); err == nil {
		err = d.checkSchema(ctx)
	}
	if err != nil {
		d.close()
		return nil, nil, fmt.Errorf("connect to Postgres: %w", hint(err, d.pool.Config().ConnConfig.Host))
	}
	var followers []*replica
	for _, address := range o.Replicas {
		of := o
		of.URL, of.Quiet, of.follows = address, false, true
		one, err := newDirect(ctx, of)
		if err != nil {
			d.close()
			for _, f := range followers {
				f.wire.close()
			}
			return nil, nil, fmt.Errorf("connect to a replica: %w", err)
		}
		c := one.pool.Config().ConnConfig
		followers = append(followers, &replica{name: net.JoinHostPort(c.Host, strconv.Itoa(int(c.Port))), wire: one})
	}
	s = &Store{wire: d}
	if len(followers) > 0 {
		s.wire = newReplicas(d, followers, o.Replica)
	}
	d.onMove(func() { s.lookForLost(d, o.FailedOver) })
	return s, warnings, nil
}

// newDirect makes the pool of connections to one address.
func newDirect(ctx context.Context, o Options) (*direct, error) {
	config, shared, err := parse(o.URL, o.PoolMode)
	if err != nil {
		return nil, err
	}
	if o.MaxConns > 0 {
		config.MaxConns = int32(o.MaxConns)
	} else if !strings.Contains(o.URL, "pool_max_conns") {
		config.MaxConns = 10
	}
	d := &direct{shared: shared}
	if !o.follows {
		d.several = severalServers(config.ConnConfig)
		config.ConnConfig.ValidateConnect = d.validate(config.ConnConfig.ValidateConnect)
	}
	if d.several && !strings.Contains(o.URL, "connect_timeout") {
		config.ConnConfig.ConnectTimeout = 3 * time.Second // the next one may answer
	}
	config.MaxConnIdleTime = 5 * time.Minute
	// A connection that idled for a second is not pinged before its use, which would double the time of the request. One
	// that died meanwhile shows in the first statement; see run.
	config.ShouldPing = func(_ context.Context, p pgxpool.ShouldPingParams) bool { return p.IdleDuration > time.Minute }
	config.AfterConnect = func(_ context.Context, c *pgx.Conn) error {
		c.TypeMap().RegisterType(&pgtype.Type{Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC}})
		return nil
	}
	d.pool, err = pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to Postgres: %w", err)
	}
	d.onMove(d.pool.Reset) // what is connected to the server before is to be dropped
	if o.StatementTimeout == 0 {
		o.StatementTimeout = 30 * time.Second
	}
	ms := func(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }
	if o.Quiet {
		d.tell = "off"
	}
	d.timeouts = [2]string{ms(o.StatementTimeout), ms(o.StatementTimeout / 3)}
	return d, nil
}

func (d *direct) close() {
	d.pool.Close()
	d.watchers.Wait()
}

// ping checks that the database answers.
func (d *direct) ping(ctx context.Context) error {
	_, err := d.pool.Exec(ctx, "select")
	return fault(ctx, d.toFailure(err, true))
}

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
func (d *direct) inspect(ctx context.Context) (warnings []string, err error) {
	var login string
	var bypass, reads, there bool
	// Plain catalog reads, with no identity: everyone may.
	err = d.pool.QueryRow(ctx, `select current_user, r.rolsuper or r.rolbypassrls,
		coalesce(has_table_privilege(to_regclass('public.projects'), 'select'), false),
		to_regprocedure('public.codeforge_schema()') is not null
		from pg_roles r where r.rolname = current_user`).Scan(&login, &bypass, &reads, &there)
	switch {
	case err != nil:
		return nil, err
	case !there: // a missing schema, which may lack the roles as well, is the first thing to see to
		return nil, d.checkSchema(ctx)
	}
	if err := mayActAs(ctx, d.pool); err != nil {
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

// identity is the role and the claims with which somebody acts. The role is never taken from the claims.
func identity(u codeforge.User) (role, claims string) {
	switch {
	case u.ID == "":
		return "service_role", ""
	case len(u.Claims) > 0:
		return "authenticated", string(u.Claims)
	}
	b, _ := json.Marshal(map[string]string{"sub": u.ID, "role": "authenticated", "aud": "authenticated"}) // strings always marshal
	return "authenticated", string(b)
}

// identify makes the transaction act for someone. Its other settings go along because a pooler refuses them at connection.
// Everything here is found by an index, so there is one good plan for each statement: planning it again for other values
// costs more than most of them, and a plan that reads a small table whole would stay in use while the table grows.
const identify = `select set_config('role', $1, true), set_config('request.jwt.claims', $2, true), set_config('statement_timeout', $3, true),
	set_config('lock_timeout', $4, true), set_config('codeforge.tell', $5, true), set_config('enable_seqscan', 'off', true), set_config('jit', 'off', true), set_config('plan_cache_mode', 'force_generic_plan', true)`

func (d *direct) patience() (tries int, pause time.Duration) {
	if d.several {
		return 12, 4 * time.Millisecond // two seconds: one of them may be about to take over
	}
	return 5, 4 * time.Millisecond
}

func (d *direct) send(ctx context.Context, c functionCall) (doc []byte, err error) {
	if c.statement != nil {
		return nil, d.run(ctx, &c, c.statement)
	}
	function, values := c.expression()
	if c.query {
		function = "* from " + function // becomes part of the statement
	}
	err = d.run(ctx, &c, &statement{"select " + function, values, func(rows pgx.Rows) error {
		doc, err = pgx.CollectOneRow(rows, pgx.RowTo[[]byte])
		if errors.Is(err, pgx.ErrNoRows) {
			return nil
		}
		return err
	}})
	return doc, err
}

// expression is a call as SQL.
func (c *functionCall) expression() (function string, values []any) {
	var b strings.Builder
	b.WriteString("public.codeforge_" + c.function + "(")
	for i, a := range c.args {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "p_%s => $%d", a.name, i+1)
		if list, ok := a.value.(ids); ok { // which the driver does not take as they are
			a.value = list.keys()
		}
		values = append(values, a.value)
	}
	b.WriteString(")")
	return b.String(), values
}

// keys are ids as the driver takes them.
func (list ids) keys() []pgtype.UUID {
	keys := make([]pgtype.UUID, len(list))
	for i := range list {
		keys[i].Scan(list[i]) // each was checked
	}
	return keys
}

// run sends a statement, in the name and with the wishes of a call.
func (d *direct) run(ctx context.Context, c *functionCall, s *statement) (err error) {
	role, claims := identity(c.as)
	b := &pgx.Batch{}
	if c.at != nil {
		b.Queue("begin")
	}
	if c.after != (position{}) {
		c.after.demand(b)
	}
	b.Queue(identify, role, claims, d.timeouts[0], d.timeouts[1], d.tell)
	if c.traceParent != "" {
		b.Queue("select set_config('codeforge.traceparent', $1, true)", c.traceParent)
	}
	b.Queue(s.sql, s.values...).Query(s.collect)
	if c.at != nil {
		b.Queue("commit")
		c.at.ask(b)
		err = d.sendCommitted(ctx, b)
	} else {
		err = d.pool.SendBatch(ctx, b).Close()
	}
	if isConnectionLoss(err) {
		d.pool.Reset() // one dead connection is rarely alone
	}
	return d.toFailure(err, c.as.ID == "")
}

// sendCommitted sends a batch that ends its transaction by itself, as what is asked after the commit needs. One that breaks off leaves
// the transaction open, and is rolled back.
func (d *direct) sendCommitted(ctx context.Context, b *pgx.Batch) error {
	conn, err := d.pool.Acquire(ctx)
	if err != nil {
		return err
	}
	defer conn.Release()
	err = conn.SendBatch(ctx, b).Close()
	if err != nil && conn.Conn().PgConn().TxStatus() == 'E' {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_, _ = conn.Exec(ctx, "rollback") // else the connection is thrown away
	}
	return err
}

// isConnectionLoss reports whether an error makes all connections suspect: they died, the server stops, or it is no longer the one
// that can be written to.
func isConnectionLoss(err error) bool {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return slices.Contains([]string{"57P01", "57P02", "57P03", "25006"}, pe.Code)
	}
	return err != nil && (pgconn.SafeToRetry(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, net.ErrClosed) ||
		errors.Is(err, syscall.ECONNRESET) || errors.Is(err, syscall.EPIPE))
}

// toFailure is what the driver said, as a failure.
func (d *direct) toFailure(err error, service bool) error {
	if err == nil || errors.Is(err, errBehind) {
		return err
	}
	f := &failure{cause: err, service: service}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		f.Code, f.Message, f.Details, f.Hint, f.constraint = pe.Code, pe.Message, pe.Detail, pe.Hint, strings.TrimPrefix(pe.ConstraintName, "codeforge_")
	} else if _, unconnected := errors.AsType[*pgconn.ConnectError](err); unconnected {
		f.futile, f.unsent = !d.several, d.several
	} else {
		f.unsent = pgconn.SafeToRetry(err)
	}
	f.unsent = f.unsent || f.Code == "25006" && d.several // of a primary that became a standby: nothing was done
	return f
}
