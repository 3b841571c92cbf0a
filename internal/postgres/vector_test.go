package postgres_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"codeforge"
	"codeforge/internal/npm"
	"codeforge/internal/postgres"
	"codeforge/internal/proctest"
	"codeforge/internal/storetest"
)

// PGlite is Postgres as a program for Node, with the extension vector, which no package of Debian's 12 has.
var pglite = []struct{ name, version, sum string }{
	{"@electric-sql/pglite", "0.5.14", "sha512-aAQe7iArcFB2w1xtx91l3l9trxhMzD6aZf+WnosSHNhwgp70EJz80Igw/bHnW14fUEFYWPBoQ1sGom8Xc0Jttg=="},
	{"@electric-sql/pglite-pgvector", "0.0.15", "sha512-t022ZzaH95MD+FFY+1f1gw8NqSEot3ZW7XM8jNQnEJDcWN+dUaosS/CKqJHFCopGUSE4cwsc18ucbx5trd3jtQ=="},
}

// startPGlite returns the address of a PGlite that ends with the test. It is fetched once, with the registry of this machine.
func startPGlite(t *testing.T) string {
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	registry := npm.Machine(t.Context(), os.Getenv, true)
	if url := os.Getenv("NPM_REGISTRY"); url != "" {
		registry.URL = url
	}
	client, err := npm.Open(npm.Options{Dir: filepath.Join(cache, "codeforge-test"), Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for _, p := range pglite {
		folder, err := client.Tool(t.Context(), p.name, p.version, p.sum)
		if err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(dir, "node_modules", p.name)
		if err := os.MkdirAll(filepath.Dir(link), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(folder, link); err != nil {
			t.Fatal(err)
		}
	}
	script := filepath.Join(dir, "serve.mjs")
	if err := os.WriteFile(script, []byte(read(t, "pglite/serve.mjs")), 0o644); err != nil {
		t.Fatal(err)
	}
	port, err := proctest.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	process, err := proctest.Launch(exec.Command("node", script, fmt.Sprint(port)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = process.End(syscall.SIGKILL) })
	url := fmt.Sprintf("postgres://postgres@127.0.0.1:%d/postgres?sslmode=disable&default_query_exec_mode=simple_protocol", port)
	if err := process.Until(func() error {
		c, err := pgx.Connect(t.Context(), url)
		if err == nil {
			err = c.Close(context.Background())
		}
		return err
	}, 50*time.Millisecond, time.Minute); err != nil {
		t.Fatal(err)
	}
	return url
}

// Where the extension vector is, the table of an earlier backend is taken over as it is, and found in with the extension's own distance.
func TestPatternsWithVectors(t *testing.T) {
	if !soak {
		t.Skip("CODEFORGE_SOAK has it run: it starts a database that takes its time; TestStore/Patterns is the same without the extension")
	}
	url := startPGlite(t)
	c := connect(t, url)
	exec := func(sql string) {
		t.Helper()
		if _, err := c.Exec(context.Background(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	exec(`create role anon nologin; create role authenticated nologin; create role service_role nologin;
		create schema extensions; grant usage on schema extensions to public; create extension vector schema extensions;
		create table public.pattern_embeddings (id uuid primary key default gen_random_uuid(), project_type text not null, embedding extensions.vector(1536), metadata jsonb,
			success_score float default 0, created_at timestamptz default now());
		create index on public.pattern_embeddings using ivfflat (embedding extensions.vector_cosine_ops) with (lists = 100);
		alter table public.pattern_embeddings enable row level security;
		create policy "Patterns for users" on public.pattern_embeddings for select to authenticated using (true);
		insert into public.pattern_embeddings (project_type, embedding, metadata)
			select 'shop of Ann Secret', array_fill(1::real, array[1536])::extensions.vector, '{"architecture": {"site_map": [{"path": "/", "name": "Ann Secret"}, {"path": "/cart", "name": "Ann''s cart"}]}, "stack": "React"}';
		insert into public.pattern_embeddings (project_type, embedding, metadata) select 'nothing', array_fill(0::real, array[1536])::extensions.vector, null`)
	for range 2 {
		for _, name := range migrations(t) {
			exec(migration(t, name))
		}
	}
	exec(`create table public.test_clock (ahead interval not null); insert into public.test_clock values ('0'); grant select on public.test_clock to public;
		create or replace function public.codeforge_now() returns timestamptz language sql stable as 'select now() + ahead from public.test_clock'`)
	store := open(t, postgres.Options{URL: url, MaxConns: 1, PoolMode: "transaction"})

	ones := make([]float32, codeforge.VectorSize)
	for i := range ones {
		ones[i] = 1
	}
	old, err := store.NearPatterns(t.Context(), codeforge.PatternQuery{UserID: codeforge.NewID(), Model: "openai:text-embedding-3-small", Vector: ones, Limit: 3})
	if err != nil || len(old) != 2 || old[0].Similarity < 0.999 || old[0].Legacy == nil || old[0].Outline != "" || old[1].Similarity != 0 {
		t.Fatalf("%v %+v", err, old)
	}

	var turn sync.Mutex // it is one session
	storetest.Run(t, func(t *testing.T) (storetest.Contract, func(time.Duration)) {
		turn.Lock()
		exec("delete from public.projects; update public.test_clock set ahead = '0'")
		t.Cleanup(turn.Unlock)
		return store, func(d time.Duration) {
			exec(fmt.Sprintf("update public.test_clock set ahead = ahead + interval '%d microseconds'", d.Microseconds()))
		}
	}, "Patterns")
}
