package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
	"codeforge/internal/storetest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// Logins of the tests: the recommended one, one that owns the tables, and the superuser, who is above every rule.
const (
	recommended = "cf_app"
	plainOwner  = "cf_owner"
)

var prepared sync.Once

// migrated is a database with the schema as Migrate leaves it, and nothing else.
const migrated = "cf_migrated"

// template is a database with the schema, owned by plainOwner, and with a clock that can be moved.
func template(t testing.TB) (s *pgtest.Server, name string) {
	t.Helper()
	s = pgtest.Start(t)
	prepared.Do(func() {
		s.Exec(t, "postgres", `
			create role anon nologin; create role authenticated nologin; create role service_role nologin;
			create role cf_owner login;
			create role cf_app login noinherit; create role authenticator login noinherit;
			grant anon, authenticated, service_role to cf_owner;
			grant anon, authenticated, service_role to cf_app, authenticator`)
		s.Exec(t, "postgres", "create database "+migrated+" owner cf_owner template template0")
		done, err := postgres.Migrate(t.Context(), s.URL(plainOwner, migrated), "")
		if err != nil || len(done) != len(migrations(t)) {
			t.Fatal(done, err)
		}
		s.Exec(t, "postgres", "create database cf_template owner cf_owner template "+migrated)
		s.Exec(t, "cf_template", `
			create table public.test_clock (ahead interval not null);
			insert into public.test_clock values ('0');
			grant select on public.test_clock to public;
			create or replace function public.codeforge_now() returns timestamptz language sql stable as 'select now() + ahead from public.test_clock'`)
	})
	return s, "cf_template"
}

// open opens a store that is closed with the test.
func open(t testing.TB, o postgres.Options) *postgres.Store {
	t.Helper()
	s, _, err := postgres.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// fresh is a store on a database of its own.
func fresh(t testing.TB, login string) (*postgres.Store, *pgtest.Server, string) {
	t.Helper()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	return open(t, postgres.Options{URL: s.URL(login, db), MaxConns: 4}), s, db
}

// place is a database for one test after the other, which costs less than one for each.
type place struct {
	db    string
	store *postgres.Store
	other *postgres.Store // a second server on the same database
	admin *admin
}

// admin is a connection of the superuser to the database of a place: a new one for each statement costs more than the statement.
type admin struct {
	sync.Mutex
	conn *pgx.Conn
}

func newAdmin(t testing.TB, s *pgtest.Server, db string) *admin {
	t.Helper()
	return &admin{conn: connect(t, s.URL(pgtest.Superuser, db))}
}

func (a *admin) exec(t testing.TB, sql string) {
	t.Helper()
	a.Lock()
	defer a.Unlock()
	if _, err := a.conn.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil { // a test's context ends before what cleans up after it
		t.Errorf("%.200s: %v", sql, err)
	}
}

// soak has everything looked at in every way.
var soak = os.Getenv("CODEFORGE_SOAK") != ""

// logins are the ways to a database on which the contract of a store is tested: whole for the one that puts the most in the way, two
// servers that take turns behind a pooler; the others run the same functions, and are whole in soak.
func logins(t *testing.T, test func(t *testing.T, take func(*testing.T) (place, func(time.Duration)), whole bool)) {
	s, from := template(t)
	run := func(name string, servers int, url func(db string) string) {
		t.Run(name, func(t *testing.T) {
			var mu sync.Mutex
			var free []place
			test(t, func(inner *testing.T) (place, func(time.Duration)) {
				mu.Lock()
				defer mu.Unlock()
				var p place
				if len(free) > 0 {
					p, free = free[0], free[1:]
				} else {
					p.db = s.Database(t, plainOwner, from)
					p.admin = newAdmin(t, s, p.db)
					p.store = open(t, postgres.Options{URL: url(p.db), MaxConns: 4})
					if servers == 2 {
						p.other = open(t, postgres.Options{URL: url(p.db), MaxConns: 4})
					}
				}
				inner.Cleanup(func() {
					p.admin.exec(t, "delete from auth.users; update public.test_clock set ahead = '0'; select public.codeforge_set_quota(0, 0, 0, 0, 0, 0, 0)")
					mu.Lock()
					defer mu.Unlock()
					free = append(free, p)
				})
				return p, func(d time.Duration) {
					p.admin.exec(t, fmt.Sprintf("update public.test_clock set ahead = ahead + interval '%d microseconds'", d.Microseconds()))
				}
			}, soak || servers == 2)
		})
	}
	for name, login := range map[string]string{"recommended login": recommended, "owner": plainOwner, "superuser": pgtest.Superuser} {
		if soak || login != pgtest.Superuser { // whoever may less is refused more
			run(name, 1, func(db string) string { return s.URL(login, db) })
		}
	}
	b := s.Bouncer(t, 3, recommended)
	run("transaction pooler", 2, func(db string) string { return b.URL(recommended, db) })
}

func TestStore(t *testing.T) {
	logins(t, func(t *testing.T, take func(*testing.T) (place, func(time.Duration)), whole bool) {
		var groups []string
		if !whole {
			groups = []string{"Claim", "Finish", "Git", "Keys", "Strangers"} // what depends on whose rights and whose connection it is
		}
		storetest.Run(t, func(t *testing.T) (storetest.Contract, func(time.Duration)) {
			p, advance := take(t)
			if p.other == nil {
				return p.store, advance
			}
			return &pair{Store: p.store, other: p.other}, advance
		}, groups...)
	})
}

func TestAdoptedRows(t *testing.T) {
	storetest.RunAdopted(t, false, func(t *testing.T) (storetest.Contract, func(codeforge.Project, storetest.Old)) {
		store, s, db := fresh(t, recommended)
		return store, func(p codeforge.Project, o storetest.Old) { s.Exec(t, db, storetest.AgeSQL(p, o)) }
	})
}

// backdoor leads past a store to its database.
func backdoor(t *testing.T, s *pgtest.Server, db string) storetest.Backdoor {
	return storetest.Backdoor{
		Lead: func(project, modules string) {
			if _, err := connect(t, s.URL(pgtest.Superuser, db)).Exec(t.Context(), "select public.codeforge_put_roadmap($1, gen_random_uuid(), $2)", project, modules); err != nil {
				t.Fatal(err)
			}
		},
		Texts: func(project string) []string {
			rows, err := connect(t, s.URL(pgtest.Superuser, db)).Query(t.Context(), "select coalesce(content, encode(bytes, 'hex')) from public.file_contents where project_id = $1", project)
			if err != nil {
				t.Fatal(err)
			}
			texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			return texts
		},
		Forget: func(project string, before int64) {
			c := connect(t, s.URL(pgtest.Superuser, db))
			for {
				_, err := c.Exec(t.Context(), `delete from public.file_revisions r where project_id = $1 and revision < $2 and exists
					(select from public.file_revisions n where n.project_id = r.project_id and n.path = r.path and n.revision > r.revision and n.revision <= $2)`, project, before)
				if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == "23503" { // a text was written again at that moment
					continue
				}
				if err != nil {
					t.Error(err)
				}
				return
			}
		},
		Remove: func(project string) {
			s.Exec(t, db, fmt.Sprintf("delete from public.projects where id = '%s'", project))
		},
		Rows: func(text string) (tables []string) {
			c := connect(t, s.URL(pgtest.Superuser, db))
			rows, err := c.Query(t.Context(), "select relname from pg_class where relkind = 'r' and relnamespace = 'public'::regnamespace")
			if err != nil {
				t.Fatal(err)
			}
			all, err := pgx.CollectRows(rows, pgx.RowTo[string])
			if err != nil {
				t.Fatal(err)
			}
			for _, table := range all {
				var there bool
				if err := c.QueryRow(t.Context(), "select exists (select from public."+pgx.Identifier{table}.Sanitize()+" r where r::text like '%' || $1 || '%')", text).Scan(&there); err != nil {
					t.Fatal(err)
				}
				if there {
					tables = append(tables, table)
				}
			}
			return tables
		},
	}
}

func TestContents(t *testing.T) {
	storetest.RunContents(t, func(t *testing.T) (storetest.Contract, storetest.Backdoor) {
		store, s, db := fresh(t, recommended)
		return store, backdoor(t, s, db)
	})
}

func TestBesideAnother(t *testing.T) {
	storetest.RunBeside(t, func(t *testing.T) (storetest.Contract, func(string), func(time.Duration)) {
		store, s, db := fresh(t, recommended)
		return store, func(sql string) { s.Exec(t, db, "begin; set local role service_role; "+sql+"; commit") }, nil
	})
}

func TestLedger(t *testing.T) {
	logins(t, func(t *testing.T, take func(*testing.T) (place, func(time.Duration)), whole bool) {
		if !whole {
			return
		}
		storetest.RunLedger(t, func(t *testing.T) (storetest.LedgerStore, func(time.Duration)) {
			p, advance := take(t)
			ledger := func(limits map[llm.BudgetScope]int64) storetest.Ledger { return p.store.Ledger(limits) }
			if p.other != nil {
				ledger = func(limits map[llm.BudgetScope]int64) storetest.Ledger {
					return &books{Ledger: p.store.Ledger(limits), other: p.other.Ledger(limits)}
				}
			}
			return storetest.LedgerStore{Contract: p.store, Journal: p.store, Ledger: ledger}, advance
		})
	})
}

// books are those of two servers on one database, which take turns.
type books struct {
	*postgres.Ledger
	other *postgres.Ledger
	n     atomic.Int64
}

func (b *books) turn() *postgres.Ledger {
	if b.n.Add(1)%2 == 0 {
		return b.other
	}
	return b.Ledger
}

func (b *books) Reserve(ctx context.Context, r llm.Reservation) (string, error) {
	return b.turn().Reserve(ctx, r)
}

func (b *books) Record(ctx context.Context, e llm.Entry) error { return b.turn().Record(ctx, e) }

// pair is two servers on one database, which take turns.
type pair struct {
	*postgres.Store
	other *postgres.Store
	n     atomic.Int64
}

func (p *pair) turn() *postgres.Store {
	if p.n.Add(1)%2 == 0 {
		return p.other
	}
	return p.Store
}

func (p *pair) SubmitJob(ctx context.Context, u codeforge.User, n codeforge.NewJob) (codeforge.Job, bool, []codeforge.Finished, error) {
	return p.turn().SubmitJob(ctx, u, n)
}

func (p *pair) ClaimJobs(ctx context.Context, worker string, lease time.Duration, want int, policy codeforge.ClaimPolicy) (codeforge.Claimed, error) {
	return p.turn().ClaimJobs(ctx, worker, lease, want, policy)
}

func (p *pair) RecordEvents(ctx context.Context, f codeforge.Fence, progress float64, events []codeforge.Event) ([]codeforge.Event, error) {
	return p.turn().RecordEvents(ctx, f, progress, events)
}

func (p *pair) FinishJob(ctx context.Context, f codeforge.Fence, o codeforge.Outcome) (codeforge.Finished, error) {
	return p.turn().FinishJob(ctx, f, o)
}

func (p *pair) WriteFile(ctx context.Context, u codeforge.User, id string, w codeforge.FileWrite) (codeforge.File, error) {
	return p.turn().WriteFile(ctx, u, id, w)
}

func (p *pair) QueuePlaces(ctx context.Context, ids []string, policy codeforge.ClaimPolicy) (map[string]codeforge.QueuePlace, error) {
	return p.turn().QueuePlaces(ctx, ids, policy)
}

// connect is a connection that is closed with the test.
func connect(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close(context.Background()) })
	return c
}
