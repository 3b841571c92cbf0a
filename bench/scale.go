package main

import (
	"encoding/json"

	"github.com/jackc/pgx/v5"

	"codeforge/internal/pgtest"
)

// building is what a job costs that builds a small app with the offline model, checks of what it made included, and what it leaves.
type building struct {
	cost  spent   // microseconds
	trips float64 // to the database
	kept  float64 // bytes of the database
	wal   float64 // bytes that the database writes and sends to its replicas
}

// build measures such jobs.
func (f *fleet) build(n int) (b building) {
	read := func() (trips, size, wal float64) {
		c, err := pgx.Connect(f.l.Context(), f.l.db.URL(pgtest.Superuser, f.database))
		if err != nil {
			f.l.Fatal(err)
		}
		defer c.Close(f.l.Context())
		if _, err := c.Exec(f.l.Context(), "create extension if not exists pg_stat_statements"); err != nil {
			f.l.Fatal(err)
		}
		err = c.QueryRow(f.l.Context(), `select (select coalesce(sum(calls), 0) from pg_stat_statements s where s.toplevel and s.query like 'select%codeforge\_%'
			and s.dbid = (select oid from pg_database where datname = current_database())), pg_database_size(current_database()), pg_current_wal_insert_lsn() - '0/0'::pg_lsn`).Scan(&trips, &size, &wal)
		if err != nil {
			f.l.Fatal(err)
		}
		return trips, size, wal
	}
	projects := f.l.projects(f.apis[0], n+1)
	start := func(project string) string {
		c := pool(f.l, 1, f.apis[0])[0]
		defer c.close()
		body, _ := json.Marshal(map[string]any{"project_id": project, "agent_type": "code", "input_context": map[string]any{"user_message": "A CRM for dog walkers", "skip_clarification": true}})
		job, err := c.submit(body)
		if err != nil {
			f.l.Fatal(err)
		}
		return job
	}
	f.await([]string{start(projects[n])}) // the children that check are there then
	trips, size, wal := read()
	cost, _ := f.processes.measure(func() {
		var ids []string
		for _, project := range projects[:n] {
			ids = append(ids, start(project))
		}
		f.await(ids)
	})
	moreTrips, moreSize, moreWAL := read()
	each := float64(n)
	return building{cost.per(n), (moreTrips - trips) / each, (moreSize - size) / each, (moreWAL - wal) / each}
}

// day is what we assume of a user on a day on which they come: how many there are of each operation. Jobs build something; each is
// watched over an event stream.
var day = map[string]float64{"create project": 0.3, "put file, 10 KB": 4, "get project": 25, "list projects": 10, "list files": 15, "poll a job that ended": 20, "open a stream": 6, "build": 3}

// What else is assumed.
const (
	activeShare  = 0.1    // of the users who come on a day
	peak         = 3.0    // times the mean of the day, in the busiest minutes
	jobEvents    = 60     // that a job reports
	jobSeconds   = 180    // that it takes, most of them waiting for a model
	jobTokensIn  = 40_000 // of which two thirds are in the provider's cache
	jobTokensOut = 12_000
	jobDollars   = 0.22   // at 3 dollars a million tokens in, 0.3 from the cache, and 15 out
	answerBytes  = 15_000 // of an answer or a file, at the mean
	fullAt       = 0.6    // share of a processor that may be busy at the peak
)

// project says what so many users need, by the costs of single operations.
func (l *lab) project(r *report, c *calibrated, b building) {
	t := newTable("What users need at the peak, by these costs", "1,000 users", "10,000", "100,000", "1,000,000")
	type line struct {
		name string
		of   func(users float64) float64
	}
	a := func(users float64) float64 { return users * activeShare * peak / 86400 } // active users' days in a second
	load := func(users float64) spent {
		out := spent{}
		for name, n := range day {
			switch op := c.ops[name]; {
			case name == "build":
				out = out.plus(b.cost, n*a(users)).plus(c.ops["event, watched elsewhere"].cost, jobEvents*n*a(users))
			case op.cost != nil:
				out = out.plus(op.cost, n*a(users))
			default:
				out = out.plus(op.busy, n*a(users))
			}
			if op := c.ops[name+notCached]; op != nil { // half of what is read was just written, by its reader
				out = out.plus(op.cost, n*a(users)/2)
			}
		}
		return out
	}
	cores := func(k kind) func(float64) float64 {
		return func(users float64) float64 { return load(users)[k] / 1e6 / fullAt }
	}
	jobs := func(users float64) float64 { return day["build"] * a(users) }
	for _, one := range []line{
		{"requests/s", func(u float64) float64 { return (total(day) - day["build"]) * a(u) }},
		{"jobs/s", jobs},
		{"jobs at once", func(u float64) float64 { return jobs(u) * jobSeconds }},
		{"processors: api", cores(api)},
		{"processors: workers with their verifiers", cores(worker)},
		{"processors: Postgres, primary", cores(postgres)},
		{"processors: Redis", cores(redis)},
		{"out to clients, Mbit/s", func(u float64) float64 { return total(day) * a(u) * answerBytes * 8 / 1e6 }},
		{"WAL to each replica, Mbit/s", func(u float64) float64 { return jobs(u) * b.wal * 8 / 1e6 }},
		{"Postgres grows by GB a month", func(u float64) float64 { return jobs(u) / peak * 86400 * 30 * b.kept / 1e9 }},
		{"model: million tokens a minute", func(u float64) float64 { return jobs(u) * 60 * (jobTokensIn + jobTokensOut) / 1e6 }},
		{"model: dollars a day", func(u float64) float64 { return jobs(u) / peak * 86400 * jobDollars }},
	} {
		t.add(one.name, one.of(1e3), one.of(1e4), one.of(1e5), one.of(1e6))
	}
	t.note("Of the users %.0f %% come on a day, with each: %v. The peak is %.0f times the mean; processors are %.0f %% busy then.", activeShare*100, day, peak, fullAt*100)
	t.note("A job that builds an app with the offline model: CPU ms api %.0f, worker with verifiers %.0f, Postgres %.0f, Redis %.0f; %.0f round trips to the database, %.0f KB kept there, %.0f KB of WAL.",
		b.cost[api]/1000, b.cost[worker]/1000, b.cost[postgres]/1000, b.cost[redis]/1000, b.trips, b.kept/1000, b.wal/1000)
	r.show(t)
}
