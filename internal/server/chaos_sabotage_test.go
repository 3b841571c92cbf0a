//go:build unix

package server

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"codeforge/internal/pgtest"
)

// brokenStores are ways in which the store keeps less than it says, each now and then: what must be found of each.
var brokenStores = map[damage]string{
	untold: `create trigger sabotage before insert on webhook_deliveries for each row when (random() < 0.2) execute function nothing()`,
	stale:  `create trigger sabotage before update of description on projects for each row when (random() < 0.2) execute function as_before()`,
	// Whoever comes after it would keep that stage once more.
	doubled: `create trigger sabotage after insert on job_stages for each row when (new.revision > 0 and random() < 0.5) execute function forgotten()`,
	missing: `create trigger sabotage after insert on job_events for each row when (new.seq = 2 and random() < 0.2) execute function vanished()`,
	lost:    `create trigger sabotage after insert on agent_jobs for each row when (random() < 0.1) execute function never()`,
}

const sabotageFunctions = `
	create function nothing() returns trigger language plpgsql as 'begin return null; end';
	create function as_before() returns trigger language plpgsql as 'begin new.description := old.description; return new; end';
	create function forgotten() returns trigger language plpgsql security definer as 'begin update public.job_stages set revision = 0 where job_id = new.job_id and stage = new.stage and round = new.round; return null; end';
	create function vanished() returns trigger language plpgsql security definer as 'begin delete from public.job_events where job_id = new.job_id and seq = new.seq; return null; end';
	create function never() returns trigger language plpgsql security definer as 'begin insert into public.doomed values (new.id); return null; end';
	create table doomed (id uuid)`

// TestChaosFindsSabotage: the ledger by which TestChaos judges sees each kind of damage, in a short run without faults on a store that
// does it.
func TestChaosFindsSabotage(t *testing.T) {
	if os.Getenv("CODEFORGE_CHAOS") == "" {
		t.Skip("a part of the long tests: CODEFORGE_CHAOS")
	}
	c := newChaos(t)
	db, err := pgx.Connect(t.Context(), c.pg.URL(pgtest.Superuser, "chaos"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close(context.Background())
	if _, err := db.Exec(t.Context(), sabotageFunctions); err != nil {
		t.Fatal(err)
	}
	for d, sql := range brokenStores {
		if _, err := db.Exec(t.Context(), sql); err != nil {
			t.Fatal(d, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 15*time.Second)
	defer cancel()
	c.load(ctx).Wait()
	c.settle(5 * time.Second)
	if _, err := db.Exec(t.Context(), "set session_replication_role = replica; delete from agent_jobs where id in (select id from doomed)"); err != nil {
		t.Fatal(err)
	}
	c.judge()
	found := map[damage]int{}
	for _, p := range c.problems {
		found[p.damage]++
	}
	t.Logf("of %d jobs: %v", len(c.jobs), found)
	for d := range brokenStores {
		if found[d] == 0 {
			t.Errorf("%s: was done, and not found", d)
		}
	}
}
