package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"codeforge/internal/pgtest"
	store "codeforge/internal/postgres"
	"codeforge/internal/redis/redistest"
)

// lab is what everything is measured with: a PostgreSQL that keeps what it commits, a Redis that writes what it is told once a second,
// and programs that use them.
type lab struct {
	testing.TB
	options
	self, ours string // programs
	db         *pgtest.Server
	cache      *redistest.Server
	stores     group  // of them
	template   string // a database that is up to date
}

// login is whom servers act as: the one that the handbook recommends.
const login = "cf_app"

func newLab(tb testing.TB, o options, ours string) *lab {
	l := &lab{TB: tb, options: o, ours: ours}
	var err error
	if l.self, err = os.Executable(); err != nil {
		tb.Fatal(err)
	}
	l.db = pgtest.Private(tb, "shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track=all")
	l.db.Exec(tb, "postgres", "create role anon nologin; create role authenticated nologin; create role service_role nologin; create role "+login+
		" login noinherit; grant anon, authenticated, service_role to "+login)
	l.cache = redistest.Start(tb, "--appendonly", "yes", "--appendfsync", "everysec")
	l.stores = group{postgres: {l.postmaster()}, redis: {l.redisPID()}}
	l.template = l.emptyDatabase()
	if _, err := store.Migrate(l.Context(), l.db.URL(pgtest.Superuser, l.template), ""); err != nil {
		tb.Fatal(err)
	}
	return l
}

// postmaster is the id of the process that the others of the database come from.
func (l *lab) postmaster() int {
	c, err := pgx.Connect(l.Context(), l.db.URL(pgtest.Superuser, "postgres"))
	if err != nil {
		l.Fatal(err)
	}
	defer c.Close(l.Context())
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", c.PgConn().PID()))
	if err != nil {
		l.Fatal(err)
	}
	parent, err := strconv.Atoi(strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+2:]))[1])
	if err != nil {
		l.Fatal(err)
	}
	return parent
}

func (l *lab) redisPID() int {
	for line := range strings.Lines(strings.Join(l.cache.Do(l, "INFO", "server"), "\n")) {
		if id, ok := strings.CutPrefix(strings.TrimSpace(line), "process_id:"); ok {
			n, err := strconv.Atoi(id)
			if err != nil {
				l.Fatal(err)
			}
			return n
		}
	}
	l.Fatal("Redis does not say its process")
	return 0
}

// database makes one for servers of ours.
func (l *lab) database() string { return l.db.Database(l, pgtest.Superuser, l.template) }

// emptyDatabase makes one in which nothing is.
func (l *lab) emptyDatabase() string { return l.db.Database(l, pgtest.Superuser, "") }

// serve starts a CodeForge: the program, and settings. A database is named by its name; "": the embedded one.
func (l *lab) serve(program, database string, settings ...string) *server {
	l.Helper()
	env := []string{"CODEFORGE_BENCH=1", "HOST=127.0.0.1", "PORT={port}", "DATA_DIR=" + l.TempDir(), "RATE_LIMIT_PER_MINUTE=1000000000", "MAX_QUEUED_JOBS=1000000", "NPM_REGISTRY=off", "SMOKE=off",
		"LLM_SCAFFOLD=1", "WORKERS=" + strconv.Itoa(places), "STREAM_SECRET=the same secret for all servers, please", "VERIFIERS=2"}
	if database != "" {
		env = append(env, "DATABASE_URL="+l.db.URL(login, database), "MIGRATE_DATABASE_URL="+l.db.URL(pgtest.Superuser, database))
	}
	return launch(l, append(env, settings...), "/health", program, "serve")
}

// peer starts another engine.
func (l *lab) peer(name string) *server {
	address := ""
	switch name {
	case "river":
		address = l.db.URL(pgtest.Superuser, l.emptyDatabase())
	case "asynq", "streams":
		l.cache.Do(l, "FLUSHALL")
		address = l.cache.Addr()
	}
	return launch(l, nil, "/health", l.self, "peer", name, "{port}", address)
}

// projects makes n and returns their ids.
func (l *lab) projects(s *server, n int) (ids []string) {
	l.Helper()
	c := pool(l, 1, s)[0]
	defer c.close()
	for i := range n {
		var p struct{ ID string }
		if err := c.get("POST", "/v1/projects/", map[string]any{"title": fmt.Sprintf("Project %d", i), "description": "a program that is measured", "tech_stack": []string{"go"}}, &p); err != nil {
			l.Fatal(err)
		}
		ids = append(ids, p.ID)
	}
	return ids
}

// wish is what a user says: about a kilobyte.
var wish = strings.Repeat("build a todo app ", 59)

// submission is a job that does nothing.
func submission(project string, context map[string]any) []byte {
	in := map[string]any{"user_message": wish}
	maps.Copy(in, context)
	b, _ := json.Marshal(map[string]any{"project_id": project, "agent_type": "noop", "input_context": in}) // always marshals
	return b
}

// build makes our program of the tree that this one stands in.
func build(tb testing.TB) string {
	out := filepath.Join(tb.TempDir(), "codeforge")
	run(tb, "..", "go", "build", "-o", out, "./cmd/codeforge")
	return out
}
