package postgres_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"

	"codeforge"
	"codeforge/internal/events"
	"codeforge/internal/jobs"
	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
)

var quiet = slog.New(slog.DiscardHandler)

// river's tables as they were made, by whatever way.
func riverPicture(t *testing.T, s *pgtest.Server, db string) string {
	t.Helper()
	rows, err := connect(t, s.URL(pgtest.Superuser, db)).Query(t.Context(), `
		select 'column ' || c.oid::regclass || ' ' || a.attname || ' ' || format_type(a.atttypid, a.atttypmod) || ' ' || a.attnotnull::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '')
			from pg_class c join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
			where c.relnamespace = 'codeforge_river'::regnamespace and c.relkind = 'r'
		union all select 'index ' || pg_get_indexdef(indexrelid) from pg_index join pg_class on pg_class.oid = indexrelid where relnamespace = 'codeforge_river'::regnamespace
		union all select 'table ' || oid::regclass || ' ' || relpersistence::text from pg_class where relnamespace = 'codeforge_river'::regnamespace
		union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'codeforge_river'::regnamespace
		union all select 'enum ' || string_agg(enumlabel, ' ' order by enumsortorder) from pg_enum join pg_type on pg_type.oid = enumtypid where typnamespace = 'codeforge_river'::regnamespace
		union all select 'function ' || oid::regprocedure || ' ' || prosrc from pg_proc where pronamespace = 'codeforge_river'::regnamespace
		union all select 'ran ' || line || ' ' || version from codeforge_river.river_migration
		order by 1`)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// riverSQL is River's migrations as a text that may run on a database which has some of them, and that leaves what River's
// own migrator would, with the rights that a server needs.
func riverSQL(t testing.TB) string {
	t.Helper()
	m, err := rivermigrate.New(riverpgxv5.New(nil), &rivermigrate.Config{Schema: "codeforge_river", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	const riverSchema = "codeforge_river"
	var b strings.Builder
	b.WriteString("-- River's own migrations, from its module: those that were not run yet.\n")
	for _, m := range m.AllVersions() {
		there, column, value := "exists (select from "+riverSchema+".river_migration where version = "+fmt.Sprint(m.Version)+")", "", ""
		if m.Version == 1 {
			there = "to_regclass('" + riverSchema + ".river_migration') is not null"
		}
		if m.Version >= 5 { // which gave the list its lines
			column, value = "line, ", "'main', "
		}
		sql := m.SQLUp
		if m.Version == 2 {
			// A value that the fourth adds to this type could not be used in the same transaction.
			sql = strings.Replace(sql, "'discarded',\n", "'discarded',\n  'pending',\n", 1)
		}
		fmt.Fprintf(&b, `
do $codeforge$
begin
  if %s then
    return;
  end if;
  execute $river$
%s
$river$;
  insert into %s.river_migration (%sversion) values (%s%d);
end
$codeforge$;
`, there, strings.TrimSpace(strings.ReplaceAll(sql, "/* TEMPLATE: schema */", riverSchema+".")), riverSchema, column, value, m.Version)
	}
	fmt.Fprintf(&b, `
grant select, insert, update, delete on all tables in schema %[1]s to service_role;
grant usage, select on all sequences in schema %[1]s to service_role;
`, riverSchema)
	return b.String()
}

// The newest of our migrations for River holds what River's module brings.
func TestRiverMigration(t *testing.T) {
	t.Parallel()
	newest := ""
	for _, name := range migrations(t) {
		if strings.Contains(name, "_river_") {
			newest = name
		}
	}
	if want := riverSQL(t); !strings.HasPrefix(migration(t, newest), want) {
		t.Errorf("%s is not what River's module brings: add a migration that holds this, and then codeforge_schema:\n%s", newest, want)
	}
}

// What our migration leaves of River is what River's own migrator does, which has nothing left to do; and of River's
// migrations only those are run that were not.
func TestRiverSchema(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db, bare := s.Database(t, plainOwner, from), s.Database(t, plainOwner, "")
	migrator := func(db string) *rivermigrate.Migrator[pgx.Tx] {
		pool, err := pgxpool.New(t.Context(), s.URL(plainOwner, db))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(pool.Close)
		m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{Schema: "codeforge_river", Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if r, err := migrator(db).Validate(t.Context(), nil); err != nil || !r.OK {
		t.Fatal(r, err)
	}
	s.Exec(t, bare, "create schema codeforge_river authorization cf_owner")
	if _, err := migrator(bare).Migrate(t.Context(), rivermigrate.DirectionUp, nil); err != nil {
		t.Fatal(err)
	}
	want := riverPicture(t, s, bare)
	if got := riverPicture(t, s, db); got != want {
		t.Fatalf("differs from River's own:\n%s", diff(want, got))
	}
	if _, err := migrator(db).Migrate(t.Context(), rivermigrate.DirectionDown, &rivermigrate.MigrateOpts{TargetVersion: 6}); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, s.URL(plainOwner, db)).Exec(t.Context(), riverSQL(t), pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	if got := riverPicture(t, s, db); got != want {
		t.Fatalf("differs from River's own:\n%s", diff(want, got))
	}
}

// dispatch starts a dispatcher of a store and returns what it delivers.
func dispatch(t *testing.T, s *postgres.Store) (d *postgres.Dispatcher, delivered chan string, stop func()) {
	t.Helper()
	delivered = make(chan string, 1000)
	d, err := postgres.NewDispatcher(t.Context(), s, func(id string) bool { delivered <- id; return true }, quiet)
	if err != nil {
		t.Fatal(err)
	}
	if err := d.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	stop = sync.OnceFunc(func() {
		if err := d.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(stop)
	return d, delivered, stop
}

func receive(t *testing.T, from chan string, want string) {
	t.Helper()
	select {
	case got := <-from:
		if got != want {
			t.Fatalf("delivered %s, want %s", got, want)
		}
	case <-time.After(3 * time.Minute):
		t.Fatalf("%s was not delivered", want)
	}
}

// waiting are the deliveries that River has yet to make: their jobs, and whether they wait for their time.
func waiting(t *testing.T, s *pgtest.Server, db string) (list []string) {
	t.Helper()
	if err := connect(t, s.URL(pgtest.Superuser, db)).QueryRow(t.Context(), `select array(select state || ' ' || (args ->> 'id') from codeforge_river.river_job
		where state in ('available', 'scheduled', 'retryable') order by id)`).Scan(&list); err != nil {
		t.Fatal(err)
	}
	return list
}

// What is handed to River is one row for each job until it is delivered, and what River's own client would have put there.
func TestAnnounce(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	ctx := t.Context()
	d, err := postgres.NewDispatcher(ctx, store, nil, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Stop(ctx)
	announce := func(all ...string) {
		t.Helper()
		if err := d.Announce(ctx, all...); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(want ...string) {
		t.Helper()
		if got := waiting(t, s, db); !slices.Equal(got, want) {
			t.Fatalf("River holds %v, want %v", got, want)
		}
	}
	a, b := codeforge.NewID(), codeforge.NewID()
	announce()
	expect()
	announce(a, b)
	announce(b, a)
	expect("available "+a, "available "+b)
	s.Exec(t, db, "update codeforge_river.river_job set state = 'running'")
	announce(a) // its delivery may have come too early for what this is about
	expect("available " + a)
	s.Exec(t, db, "delete from codeforge_river.river_job where state = 'running'")

	// Beside it, one from River's own client.
	pool, err := pgxpool.New(ctx, s.URL(pgtest.Superuser, db))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	client, err := river.NewClient(riverpgxv5.New(pool), &river.Config{Schema: "codeforge_river", Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	rows := func() string {
		t.Helper()
		var doc string
		if err := pool.QueryRow(ctx, `select json_agg(distinct (to_jsonb(r) - '{id,created_at,scheduled_at,unique_states}'::text[]))::text from codeforge_river.river_job r
			where args ->> 'id' = $1`, a).Scan(&doc); err != nil {
			t.Fatal(err)
		}
		return doc
	}
	ours := rows()
	insert := func() bool {
		t.Helper()
		tx, err := pool.Begin(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback(ctx)
		r, err := client.InsertTx(ctx, tx, carried{a}, &river.InsertOpts{MaxAttempts: 3, UniqueOpts: river.UniqueOpts{ByArgs: true}})
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Commit(ctx); err != nil {
			t.Fatal(err)
		}
		return !r.UniqueSkippedAsDuplicate
	}
	if insert() {
		t.Fatal("River's client does not see that it is the same")
	}
	s.Exec(t, db, "delete from codeforge_river.river_job")
	if !insert() || rows() != ours {
		t.Fatalf("ours:\n%s\nRiver's:\n%s", ours, rows())
	}
}

// carried is what River carries, as another program would declare it.
type carried struct {
	ID string `json:"id"`
}

func (carried) Kind() string { return "codeforge_job" }

// A job is delivered to one server of all; what was handed over while none delivered is delivered later; and a dispatcher
// that was stopped leaves nothing behind.
func TestDispatcher(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	ctx := t.Context()
	d, delivered, stop := dispatch(t, store)
	submit := func() string {
		t.Helper()
		id := codeforge.NewID()
		if err := d.Announce(ctx, id); err != nil {
			t.Fatal(err)
		}
		return id
	}
	receive(t, delivered, submit())
	receive(t, delivered, submit())
	stop()
	c := connect(t, s.URL(pgtest.Superuser, db))
	for n := 1; n > 0; { // the server needs a moment to see them go
		if err := c.QueryRow(ctx, "select count(*) from pg_stat_activity where datname = current_database() and application_name = 'codeforge queue'").Scan(&n); err != nil {
			t.Fatal(err)
		}
	}
	id := submit()
	other := open(t, postgres.Options{URL: s.URL(recommended, db)})
	_, delivered, _ = dispatch(t, other)
	receive(t, delivered, id)
	third := open(t, postgres.Options{URL: s.URL(plainOwner, db)})
	_, more, _ := dispatch(t, third)
	sent, got := map[string]bool{}, map[string]int{}
	for range 50 {
		sent[submit()] = true
	}
	for range sent {
		select {
		case id := <-delivered:
			got[id]++
		case id := <-more:
			got[id]++
		case <-time.After(3 * time.Minute):
			t.Fatalf("%d of %d were delivered", len(got), len(sent))
		}
	}
	for id, n := range got {
		if n != 1 || !sent[id] {
			t.Errorf("%s was delivered %d times", id, n)
		}
	}
}

// Behind a pooler in transaction mode a dispatcher asks, with rights of the login's own; without them it says what it lacks.
func TestDispatcherPooled(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	s.Exec(t, "postgres", "drop role if exists cf_queue; create role cf_queue login noinherit; grant anon, authenticated, service_role to cf_queue")
	b := s.Bouncer(t, 6, "cf_queue", plainOwner)
	ctx := t.Context()
	store := open(t, postgres.Options{URL: b.URL("cf_queue", db)})
	_, err := postgres.NewDispatcher(ctx, store, nil, quiet)
	if err == nil {
		t.Fatal("no rights, and no error")
	}
	_, grants, ok := strings.Cut(err.Error(), "as an administrator: ")
	if !ok {
		t.Fatal(err)
	}
	s.Exec(t, db, grants)
	for _, login := range []string{"cf_queue", plainOwner} {
		store := open(t, postgres.Options{URL: b.URL(login, db)})
		d, delivered, stop := dispatch(t, store)
		id := codeforge.NewID()
		if err := d.Announce(ctx, id); err != nil {
			t.Fatal(err)
		}
		receive(t, delivered, id)
		stop()
	}
	s.Exec(t, db, "drop owned by cf_queue")
}

// server is an engine over a store of its own, as it runs beside others on one database.
type server struct {
	store  *postgres.Store
	engine *jobs.Engine
}

type runFunc = func(context.Context, *codeforge.Task) (codeforge.Outcome, error)

func serverOn(t *testing.T, url string, workers int, run runFunc) *server {
	t.Helper()
	s := &server{store: open(t, postgres.Options{URL: url, MaxConns: 4, Quiet: true})}
	s.engine = jobs.New(jobs.Options{Store: s.store, Hub: events.NewHub(), Log: quiet, Run: run, Workers: workers, Lease: time.Hour, Sweep: time.Hour,
		Courier: postgres.NewCourier(s.store, quiet)})
	return s
}

func (s *server) start(t *testing.T) {
	t.Helper()
	if err := s.engine.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.engine.Drain(context.Background(), time.Minute) })
}

// A server that takes in more than it can do is helped by another one, each job is done once, and one that nobody told of is
// found. No sweep comes while the test runs.
func TestTwoServers(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	ctx, u := t.Context(), codeforge.LocalUser()
	const all = 20
	var runs sync.Map
	helped := make(chan struct{})
	var finished atomic.Int64
	ended := make(chan struct{})
	work := func(here bool) runFunc {
		once := sync.OnceFunc(func() { close(helped) })
		return func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
			if _, again := runs.LoadOrStore(task.Job.ID, true); again {
				t.Error("a job ran twice")
			}
			if here {
				select { // its one worker is busy until the other server has done something
				case <-helped:
				case <-ctx.Done():
				}
			} else {
				once()
			}
			if finished.Add(1) == all {
				close(ended)
			}
			return codeforge.Outcome{}, nil
		}
	}
	a, b := serverOn(t, s.URL(recommended, db), 1, work(true)), serverOn(t, s.URL(recommended, db), 4, work(false))
	p, err := a.store.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range []*server{a, b} {
		one.start(t)
	}
	for range all {
		j, _, err := a.engine.Submit(ctx, u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA})
		if err != nil {
			t.Fatal(err)
		}
		a.engine.Wake(j.ID) // a delivery too many
	}
	select {
	case <-ended:
	case <-time.After(3 * time.Minute):
		t.Fatalf("%d of %d jobs are done", finished.Load(), all)
	}

	// Nobody is told of it.
	silent := open(t, postgres.Options{URL: s.URL(recommended, db), Quiet: true})
	j, _, _, err := silent.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA})
	if err != nil {
		t.Fatal(err)
	}
	s.Exec(t, db, "truncate codeforge_river.river_job")
	late := serverOn(t, s.URL(recommended, db), 1, func(context.Context, *codeforge.Task) (codeforge.Outcome, error) { return codeforge.Outcome{}, nil })
	late.start(t)
	if err := late.engine.Drain(ctx, time.Minute); err != nil {
		t.Fatal(err)
	}
	if got, err := silent.GetJob(ctx, u, j.ID); err != nil || got.Status != codeforge.JobCompleted {
		t.Fatal(got.Status, err)
	}
}

// A job that is cancelled through one server stops on the other, told by the database: no lease is renewed while the test runs.
func TestCancelElsewhere(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	ctx, u := t.Context(), codeforge.LocalUser()
	running, stopped := make(chan string, 2), make(chan error, 2)
	a := serverOn(t, s.URL(recommended, db), 2, func(ctx context.Context, task *codeforge.Task) (codeforge.Outcome, error) {
		running <- task.Job.ID
		<-ctx.Done()
		stopped <- context.Cause(ctx)
		return codeforge.Outcome{}, ctx.Err()
	})
	b := serverOn(t, s.URL(recommended, db), 0, nil)
	a.start(t)
	b.start(t)
	p, err := a.store.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, _, err := a.engine.Submit(ctx, u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA}); err != nil {
			t.Fatal(err)
		}
	}
	first, second := <-running, <-running
	for _, id := range []string{first, second} {
		if _, err := b.engine.Cancel(ctx, u, id); err != nil {
			t.Fatal(err)
		}
		select {
		case cause := <-stopped:
			if !errors.Is(cause, codeforge.ErrFenced) {
				t.Fatal(cause)
			}
		case <-time.After(3 * time.Minute):
			t.Fatal("it runs on")
		}
		if j, err := a.store.GetJob(ctx, u, id); err != nil || j.Status != codeforge.JobCancelled {
			t.Fatal(fmt.Sprint(j.Status), err)
		}
	}
}
