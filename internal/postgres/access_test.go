package postgres_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
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

// sqlstate is the code of an error of the database, "" for none.
func sqlstate(err error) string {
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// A statement that forgets to say for whom it is fails with the recommended login: it sees no rows.
func TestForgottenIdentity(t *testing.T) {
	t.Parallel()
	_, s, db := fresh(t, recommended)
	c := connect(t, s.URL(recommended, db))
	for _, q := range []string{"select * from public.projects", "select * from public.file_revisions", "select * from public.agent_jobs",
		"select * from public.llm_calls", "select * from public.llm_journal", "select * from public.budget_limits", "select * from public.api_tokens", "select * from codeforge_river.river_job",
		"select public.codeforge_sum_usage(gen_random_uuid(), 'day', null, null, null, null, null, 1)",
		"insert into public.projects (user_id, title, mode) values (gen_random_uuid(), 'x', 'builder')", "update public.agent_jobs set status = 'completed'",
		"delete from public.job_events", "select public.codeforge_claim_jobs('w', gen_random_uuid(), 1, 1, '{}')", "select public.codeforge_count_queued()"} {
		if _, err := c.Exec(t.Context(), q); sqlstate(err) != "42501" {
			t.Errorf("%s: %v", q, err)
		}
	}
}

// Within a batch a user is that user and nobody else; after it the connection is nobody again.
func TestIdentity(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	u := codeforge.User{ID: codeforge.NewID()}
	// The function of a default says who inserts.
	s.Exec(t, db, `alter table public.projects alter column description set default current_user || ' ' || coalesce(auth.uid()::text, 'nobody');
		create function public.as_seen() returns trigger language plpgsql as $$ begin new.title := current_user || ' ' || auth.uid(); return new; end $$;
		create trigger as_seen before insert on public.projects for each row execute function public.as_seen()`)
	p, err := store.CreateProject(t.Context(), u, codeforge.Project{Title: "Fine"})
	if err != nil || p.Title != "authenticated "+u.ID {
		t.Fatal(p.Title, err)
	}
	// Claims of the token are used as they are, but never their role.
	v := codeforge.User{ID: u.ID, Role: "service_role", Claims: []byte(`{"sub":"` + u.ID + `","role":"service_role"}`)}
	if p, err = store.CreateProject(t.Context(), v, codeforge.Project{Title: "Fine"}); err != nil || p.Title != "authenticated "+u.ID {
		t.Fatal(p.Title, err)
	}
	// Claims of another: the query names the caller, the policy the claims, and nothing satisfies both.
	w := codeforge.User{ID: u.ID, Claims: []byte(`{"sub":"` + codeforge.NewID() + `"}`)}
	if _, err = store.GetProject(t.Context(), w, p.ID); !codeforge.IsKind(err, codeforge.Missing) {
		t.Fatal(err)
	}
	if _, err = store.CreateProject(t.Context(), w, codeforge.Project{Title: "Fine"}); !codeforge.IsKind(err, codeforge.Denied) {
		t.Fatal(err)
	}
	for _, id := range []string{"", "x"} {
		if _, err = store.GetProject(t.Context(), codeforge.User{ID: id}, p.ID); !codeforge.IsKind(err, codeforge.Unauthenticated) {
			t.Fatal(err)
		}
	}
}

func TestLogins(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	for login, want := range map[string]string{recommended: "", plainOwner: "without saying for whom", pgtest.Superuser: "above row level security"} {
		store, warnings, err := postgres.Open(t.Context(), postgres.Options{URL: s.URL(login, db)})
		if err != nil {
			t.Fatal(err)
		}
		store.Close()
		if all := strings.Join(warnings, " "); (want == "") != (all == "") || !strings.Contains(all, want) {
			t.Errorf("%s: warned %q", login, all)
		}
	}
	s.Exec(t, "postgres", "drop role if exists cf_nobody; create role cf_nobody login")
	if _, _, err := postgres.Open(t.Context(), postgres.Options{URL: s.URL("cf_nobody", db)}); err == nil || !strings.Contains(err.Error(), `grant anon, authenticated, service_role to "cf_nobody"`) {
		t.Errorf("a login that may act for nobody: %v", err)
	}
}

// The Data API is a second door to the tables. What a user can do there is written here, and nothing else.
func TestDirectAccessOfUsers(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	url := s.URL(recommended, db)
	u, v := codeforge.User{ID: codeforge.NewID()}, codeforge.User{ID: codeforge.NewID()}
	p, err := store.CreateProject(t.Context(), u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = store.CreateProject(t.Context(), v, codeforge.Project{Title: "Theirs"}); err != nil {
		t.Fatal(err)
	}
	if _, err = store.WriteFile(t.Context(), u, p.ID, codeforge.FileWrite{Path: "a.ts", Content: "a"}); err != nil {
		t.Fatal(err)
	}
	j, _, _, err := store.SubmitJob(t.Context(), u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA, UserMessage: "hello", IdempotencyKey: "k"})
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Ledger(nil).Record(t.Context(), llm.Entry{ID: codeforge.NewID(), Call: llm.Call{JobID: j.ID, ProjectID: p.ID, UserID: u.ID}, At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, db, "insert into public.job_files (job_id, path, project_id, user_id, fence) values ('"+j.ID+"', 'a', '"+p.ID+"', '"+u.ID+"', 1)")
	s.Exec(t, db, "insert into public.job_stages (job_id, stage, round, user_id, revision) values ('"+j.ID+"', 'code', 0, '"+u.ID+"', 1)")
	s.Exec(t, db, "insert into public.proposal_files (job_id, path, project_id, user_id, language) values ('"+j.ID+"', 'a', '"+p.ID+"', '"+u.ID+"', '')")
	if _, err := store.PutBlob(t.Context(), u, p.ID, []byte("put")); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, db, "insert into public.revision_screenshots (project_id, revision, page, width, user_id, type, hash) select project_id, 1, 'index.html', 360, user_id, 'image/png', hash from public.blob_puts")
	if err := store.AddPreviewErrors(t.Context(), u, p.ID, []codeforge.PreviewError{{Revision: 1, Kind: codeforge.PreviewLoad, Message: "x"}}); err != nil {
		t.Fatal(err)
	}
	before := picture(t, s, db)
	readable := []string{"llm_calls", "projects", "project_files", "agent_jobs", "chat_messages", "project_revisions", "file_revisions", "file_contents", "job_events", "job_files", "job_stages", "proposal_files", "revision_screenshots", "blob_puts", "preview_errors"}
	for _, table := range readable {
		for user, want := range map[string]bool{u.ID: true, v.ID: false} {
			where := "project_id"
			switch table {
			case "projects":
				where = "id"
			case "job_events", "job_stages":
				where = "job_id"
			}
			key := p.ID
			if where == "job_id" {
				key = j.ID
			}
			if got := asUser[int](t, url, user, "select count(*) from public."+table+" where "+where+" = $1", key); (got > 0) != want {
				t.Errorf("%s: %d rows for a user who may read: %t", table, got, want)
			}
		}
		// No token: nothing, by policy or by right.
		err := try(t, url, "", func(b *pgx.Batch) {
			b.Queue("select count(*) from public." + table).QueryRow(func(r pgx.Row) error {
				var n int
				if err := r.Scan(&n); err != nil || n == 0 {
					return err
				}
				return errors.New("rows for nobody")
			})
		})
		if code := sqlstate(err); code != "" && code != "42501" {
			t.Errorf("%s without a token: %v", table, err)
		}
	}
	for _, user := range []string{u.ID, v.ID, ""} {
		for _, q := range []string{
			"select count(*) from public.idempotency_keys",
			"select count(*) from public.codeforge_migrations",
			"select count(*) from public.llm_journal", "select count(*) from public.budget_limits", "select count(*) from public.budget_periods",
			"select count(*) from public.budget_holds", "select count(*) from public.api_tokens", "select count(*) from codeforge_river.river_job",
			"select count(*) from public.webhooks", "select count(*) from public.webhook_deliveries", "insert into public.webhook_deliveries (webhook_id, type, data, created_at) select gen_random_uuid(), 'x', '{}', now()",
			"select public.codeforge_read_webhook('" + u.ID + "', gen_random_uuid(), null)", "select public.codeforge_list_webhooks('" + u.ID + "', null)", "select public.codeforge_claim_deliveries(null, 1, 1, 1, 1)",
			"select public.codeforge_add_deliveries('" + u.ID + "', null, 'x', '{}')", "select public.codeforge_rotate_webhook('" + u.ID + "', gen_random_uuid(), null, '', 1)",
			"insert into public.budget_limits values ('user_day', '" + u.ID + "', 1000000000)",
			"select embedding from public.pattern_embeddings", "select outline from public.pattern_embeddings", "select project_id from public.pattern_embeddings", "delete from public.pattern_embeddings",
			"update public.pattern_embeddings set metadata = '{}'", "insert into public.pattern_embeddings (project_type) values ('x')", "select public.codeforge_near_patterns('" + u.ID + "', null, '', '{}', 3)",
			"select public.codeforge_put_pattern('" + p.ID + "', '{}', '{}')", "select public.codeforge_list_patterns('" + u.ID + "', '" + p.ID + "')", "select public.codeforge_reviewed_architectures('', now(), '" + p.ID + "', 1)",
			"update public.llm_calls set cost = 0", "delete from public.llm_calls",
			"select public.codeforge_reserve(gen_random_uuid(), null, null, '" + u.ID + "', '{}', 1, 1, now())",
			"select public.codeforge_record_call('{}')", "select public.codeforge_set_budget('" + u.ID + "', 'user_day', '" + u.ID + "', null)",
			"select public.codeforge_budgets('" + u.ID + "', null, null, '{}')", "select public.codeforge_put_journal('" + j.ID + "', 1, 'h', 'x')",
			"select public.codeforge_use_token('', now())", "select public.codeforge_create_token('" + u.ID + "', '{}')",
			"select public.codeforge_revoke_token('" + u.ID + "', '" + j.ID + "', now())", "select public.codeforge_announce(array['" + j.ID + "'::uuid])", "select public.codeforge_tell_all(array['" + j.ID + "'])",
			"update public.projects set user_id = '" + v.ID + "' where id = '" + p.ID + "'",
			"update public.projects set status = 'completed' where id = '" + p.ID + "'",
			"update public.projects set requirements_spec = '{}' where id = '" + p.ID + "'",
			"update public.projects set architecture_spec = '{}' where id = '" + p.ID + "'",
			"update public.projects set revision = 7 where id = '" + p.ID + "'",
			"insert into public.projects (user_id, title, mode, status) values ('" + v.ID + "', 'x', 'builder', 'completed')",
			"insert into public.projects (user_id, title, mode) values (gen_random_uuid(), 'x', 'builder')",
			"insert into public.project_files (project_id, path, content) values ('" + p.ID + "', '../../etc/passwd', 'x')",
			"insert into public.project_files (project_id, path, content) values ('" + p.ID + "', 'b.ts', 'x')",
			"update public.project_files set content = 'x'",
			"delete from public.project_files",
			"insert into public.agent_jobs (project_id, user_id, agent_type) values ('" + p.ID + "', '" + u.ID + "', 'code')",
			"update public.agent_jobs set status = 'completed'",
			"delete from public.agent_jobs",
			"insert into public.chat_messages (project_id, role, content) values ('" + p.ID + "', 'assistant', 'x')",
			"insert into public.job_events (job_id, seq, user_id, type, data, progress, created_at) values ('" + j.ID + "', 9, '" + u.ID + "', 'x', '{}', 1, now())",
			"delete from public.project_revisions", "update public.file_revisions set content = 'x'", "update public.file_contents set content = 'x'", "delete from public.file_contents", "delete from public.job_files", "delete from public.job_stages", "delete from public.proposal_files",
			"delete from public.revision_screenshots", "delete from public.blob_puts", "update public.project_revisions set evidence = null", "select public.codeforge_put_blob('" + u.ID + "', '" + p.ID + "', '{}', true)",
			"select public.codeforge_mark_checked('" + u.ID + "', '" + p.ID + "', 1, true, '{}')", "select public.codeforge_write_revision('" + u.ID + "', '" + p.ID + "', '{}')",
			"update public.projects set apply = 'auto'", "delete from public.job_aliases",
			"truncate public.projects cascade",
			"select public.codeforge_submit_job('" + u.ID + "', gen_random_uuid(), '" + p.ID + "', 'code', true, '{}')",
			"select public.codeforge_update_project('" + u.ID + "', '" + p.ID + "', '{\"title\":\"stolen\"}')",
			"select public.codeforge_write_file('" + u.ID + "', '" + p.ID + "', '{\"path\":\"x.ts\"}')",
			"select public.codeforge_cancel_job('" + u.ID + "', '" + j.ID + "')",
			"select public.codeforge_ensure_profile('" + u.ID + "')",
			"select public.codeforge_sweep_jobs(now(), 1)",
			"select count(*) from public.change_log", "select count(*) from public.change_readers", "delete from public.change_log",
			"select public.codeforge_changes('" + u.ID + "', '" + p.ID + "', 0, 1, 1, 1)", "select public.codeforge_number_changes('" + p.ID + "', false)",
			"select public.codeforge_sweep_changes(now(), 1)", "select public.codeforge_tell('" + j.ID + "', null, null)",
		} {
			if code := sqlstate(try(t, url, user, func(b *pgx.Batch) { b.Queue(q) })); code != "42501" {
				t.Errorf("user %q: %s: %q", user, q, code)
			}
		}
	}
	// What may be said without harm reaches nobody else's.
	for _, q := range []string{"update public.projects set title = 'stolen' where id = $1", "delete from public.projects where id = $1"} {
		if err := try(t, url, v.ID, func(b *pgx.Batch) {
			b.Queue(q, p.ID).Exec(func(tag pgconn.CommandTag) error {
				if tag.RowsAffected() != 0 {
					return errors.New("changed a row")
				}
				return nil
			})
		}); err != nil {
			t.Errorf("%s: %v", q, err)
		}
	}
	if after := picture(t, s, db); after != before {
		t.Fatalf("changed:\n%s", diff(before, after))
	}
	if n := asUser[string](t, url, u.ID, "with x as (update public.projects set title = 'Renamed' returning title) select title from x"); n != "Renamed" {
		t.Fatal(n)
	}
	// No function of ours can be called by all, but those that read as whoever calls them.
	c := connect(t, s.URL(pgtest.Superuser, db))
	var open []string
	if err := c.QueryRow(t.Context(), `select array(select proname::text from pg_proc where pronamespace = 'public'::regnamespace and proname like 'codeforge%'
		and (has_function_privilege('authenticated', oid, 'execute') or has_function_privilege('anon', oid, 'execute')) order by 1)`).Scan(&open); err != nil {
		t.Fatal(err)
	}
	if want := []string{"codeforge_blob_json", "codeforge_create_project", "codeforge_event_json", "codeforge_file_json", "codeforge_file_json", "codeforge_files_at", "codeforge_find_job", "codeforge_job_usage", "codeforge_jobs", "codeforge_limit", "codeforge_now",
		"codeforge_read_blob", "codeforge_read_calls", "codeforge_read_changes", "codeforge_read_comparison", "codeforge_read_contents", "codeforge_read_events", "codeforge_read_file", "codeforge_read_files", "codeforge_read_git_revisions", "codeforge_read_job", "codeforge_read_jobs", "codeforge_read_lock", "codeforge_read_messages", "codeforge_read_preview_errors", "codeforge_read_project", "codeforge_read_projects", "codeforge_read_proposal",
		"codeforge_read_revisions", "codeforge_read_screenshot", "codeforge_read_screenshots", "codeforge_read_sessions", "codeforge_read_student", "codeforge_read_text_size", "codeforge_read_tree", "codeforge_read_user_jobs", "codeforge_read_working", "codeforge_revision_json", "codeforge_screenshots_json", "codeforge_sum_usage", "codeforge_touch", "codeforge_touch_job"}; !reflect.DeepEqual(open, want) {
		t.Errorf("users may call %v, want %v", open, want)
	}
}

// A client that reads the table itself finds a blob as a file without content, and beside it what it is.
func TestBlobsAsClientsReadThem(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	u := codeforge.User{ID: codeforge.NewID()}
	p, err := store.CreateProject(t.Context(), u, codeforge.Project{Title: "Mine"})
	check(t, err)
	hash, err := store.PutBlob(t.Context(), u, p.ID, []byte("\xff\xd8"))
	check(t, err)
	_, err = store.WriteRevision(t.Context(), u, p.ID, codeforge.TreeChange{Changes: []codeforge.FileChange{{Path: "a.jpg", Hash: hash}, {Path: "a.txt", Content: "text"}}})
	check(t, err)
	rows := asUser[string](t, s.URL(recommended, db), u.ID, "select json_agg(json_build_array(path, content, encoding, hash, size) order by path)::text from public.project_files where project_id = $1", p.ID)
	if want := `[["a.jpg", null, "base64", "` + hash + `", 2], ["a.txt", "text", null, null, null]]`; rows != want {
		t.Errorf("rows %s, want %s", rows, want)
	}
	if bytes := asUser[string](t, s.URL(recommended, db), u.ID, "select encode(bytes, 'hex') from public.file_contents where project_id = $1 and content is null", p.ID); bytes != "ffd8" {
		t.Errorf("bytes %s", bytes)
	}
}

// Rules of the program hold in SQL too, for whoever holds the service key.
func TestRulesHoldInSQL(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	p, err := store.CreateProject(t.Context(), codeforge.LocalUser(), codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	c := connect(t, s.URL(pgtest.Superuser, db))
	put := func(path, content string) string {
		_, err := c.Exec(t.Context(), "insert into public.project_files (project_id, path, content) values ($1, $2, $3)", p.ID, path, content)
		return sqlstate(err)
	}
	for _, bad := range []string{"", "/a", "a/", "a//b", ".", "..", "a/../b", "./a", `a\b`, "C:x", "a\x01b", "a\nb", "a\u007fb", "a\u202eb", "a\u2028b", "a\u0085b",
		strings.Repeat("x", 256), strings.Repeat("x/", 250) + "xx"} {
		if code := put(bad, ""); code != "23514" || codeforge.CheckPath(bad) == nil {
			t.Errorf("path %q: %s", bad, code)
		}
	}
	for _, good := range []string{"package.json", "src/app/[id]/(group)/page.tsx", "@types/é.d.ts", "a/.env", "..a", "a b", strings.Repeat("x", 255), strings.Repeat("x/", 249) + "xx"} {
		if code := put(good, ""); code != "" || codeforge.CheckPath(good) != nil {
			t.Errorf("path %q: %s", good, code)
		}
	}
	// What the schema knows as a constant is what the program knows.
	for name, want := range map[string]int64{"files": codeforge.MaxFiles, "tree_bytes": codeforge.MaxTreeBytes, "suspect_crashes": codeforge.SuspectCrashes, "kept_screenshots": codeforge.KeptScreenshots, "path": codeforge.MaxPath,
		"path_segment": codeforge.MaxPathSegment, "content": codeforge.MaxContent, "title": codeforge.MaxTitle, "description": codeforge.MaxDescription} {
		var got int64
		if err := c.QueryRow(t.Context(), "select public.codeforge_limit($1)", name).Scan(&got); err != nil || got != want {
			t.Errorf("limit %s: %d, want %d: %v", name, got, want, err)
		}
	}
	for column, most := range map[string]int{"title": codeforge.MaxTitle, "description": codeforge.MaxDescription} {
		for n, want := range map[int]string{most: "", most + 1: "23514"} {
			if _, err := c.Exec(t.Context(), "update public.projects set "+column+" = repeat('é', $1)", n); sqlstate(err) != want {
				t.Errorf("%s of %d characters: %v", column, n, err)
			}
		}
	}
	if code := put("big", strings.Repeat("é", codeforge.MaxContent)); code != "" {
		t.Error(code)
	}
	if code := put("bigger", strings.Repeat("é", codeforge.MaxContent+1)); code != "23514" {
		t.Error(code)
	}
}

// What Realtime sends is decided by the publication, the replica identity and the policies for reading. The changes of a day's
// work are read here as Realtime reads them, from the log, and asked about as it asks, as each of those who watch.
func TestRealtime(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	c := connect(t, s.URL(pgtest.Superuser, db))
	var published, whole []string
	if err := c.QueryRow(t.Context(), `select array(select tablename::text from pg_publication_tables where pubname = 'supabase_realtime' order by 1),
		array(select relname::text from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r' and relreplident = 'f' order by 1)`).Scan(&published, &whole); err != nil {
		t.Fatal(err)
	}
	if want := []string{"agent_jobs", "chat_messages", "project_files", "projects"}; !reflect.DeepEqual(published, want) {
		t.Errorf("published: %v", published)
	}
	if want := []string{"chat_messages", "project_files"}; !reflect.DeepEqual(whole, want) {
		t.Errorf("with whole old rows: %v", whole)
	}
	if _, err := c.Exec(t.Context(), "select pg_create_logical_replication_slot('codeforge_' || pg_backend_pid(), 'test_decoding', true)"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		c.Exec(context.Background(), "select pg_drop_replication_slot('codeforge_' || pg_backend_pid())")
	})

	// One does as much as may be done, the other little.
	ctx, u, v := t.Context(), codeforge.User{ID: codeforge.NewID()}, codeforge.User{ID: codeforge.NewID()}
	large := func(n int) json.RawMessage { return json.RawMessage(`{"n":"` + strings.Repeat("x", n-8) + `"}`) }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	p, err := store.CreateProject(ctx, u, codeforge.Project{Title: "Mine", Requirements: large(codeforge.MaxSpec), Architecture: large(codeforge.MaxSpec)})
	must(err)
	_, err = store.CreateProject(ctx, v, codeforge.Project{Title: "Theirs"})
	must(err)
	_, err = store.WriteFile(ctx, u, p.ID, codeforge.FileWrite{Path: "a.ts", Content: strings.Repeat("\U0001F600", codeforge.MaxContent)})
	must(err)
	j, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code, Input: large(codeforge.MaxInput), UserMessage: "hello"})
	must(err)
	j, _, err = storetest.Claim(ctx, store, j.ID, "w", time.Minute)
	must(err)
	f := codeforge.Fence{JobID: j.ID, Number: j.Fence}
	began := time.Now()
	for i := range 20 {
		_, err = store.RecordEvents(ctx, f, float64(i+1), []codeforge.Event{{Type: codeforge.EventStage}})
		must(err)
		_, err = store.RenewLeases(ctx, []codeforge.Fence{f}, time.Minute) // asked as often, whether the claim holds
		must(err)
		if i == 9 {
			s.Exec(t, db, "update public.test_clock set ahead = '1 second'")
		}
	}
	_, err = store.KeepStage(ctx, f, codeforge.StageResult{Stage: codeforge.Code, Base: 1, Changes: []codeforge.FileChange{{Path: "b.ts", Content: "b"}}, Requirements: large(codeforge.MaxSpec)})
	must(err)
	_, err = store.FinishJob(ctx, f, codeforge.Outcome{Status: codeforge.JobCompleted, Result: large(500_000), Chat: []codeforge.Message{{Role: "assistant", Content: "done"}}})
	must(err)
	must(store.DeleteFile(ctx, u, p.ID, "a.ts", nil))

	slow := 2 * int(time.Since(began)/time.Second) // changes more that a slow machine may see
	// What is not on disk yet is not told; a commit that waits for it takes all before along.
	_, err = c.Exec(ctx, "begin; set local synchronous_commit = on; select pg_logical_emit_message(true, '', ''); commit", pgx.QueryExecModeSimpleProtocol)
	must(err)
	rows, err := c.Query(ctx, "select data from pg_logical_slot_get_changes('codeforge_' || pg_backend_pid(), null, null)")
	must(err)
	changes, err := pgx.CollectRows(rows, pgx.RowTo[string])
	must(err)
	change, id := regexp.MustCompile(`^table public\.(\w+): (INSERT|UPDATE|DELETE): `), regexp.MustCompile(`\bid\[uuid\]:'([^']+)'`)
	seen := map[string]int{}
	for _, line := range changes {
		m := change.FindStringSubmatch(line)
		if m == nil || !slices.Contains(published, m[1]) {
			continue
		}
		seen[m[1]+" "+m[2]]++
		if len(line) > 900_000 {
			t.Errorf("a change of %s takes %d bytes", m[1], len(line))
		}
		if m[2] == "DELETE" {
			if !strings.Contains(line, "project_id[uuid]:'"+p.ID+"'") {
				t.Errorf("nobody who watches the project is told of %.200s", line)
			}
			continue
		}
		key := id.FindStringSubmatch(line)[1]
		if strings.Contains(line, "Theirs") || strings.Contains(line, "path[text]:'a.ts'") || strings.Contains(line, "is_thinking[boolean]:true") { // the other's, and what is gone
			continue
		}
		for who, want := range map[string]int{u.ID: 1, v.ID: 0} {
			if got := asUser[int](t, s.URL(recommended, db), who, "select count(*) from public."+m[1]+" where id = $1", key); got != want {
				t.Errorf("%s %s: %d rows, want %d", m[1], key, got, want)
			}
		}
	}
	// The job: taken, its progress and its lease once after a second, its revision, done. No row is touched for nothing.
	want := map[string]int{"projects INSERT": 2, "projects UPDATE": 4, "project_files INSERT": 2, "project_files DELETE": 1, "agent_jobs INSERT": 1, "agent_jobs UPDATE": 5, "chat_messages INSERT": 3, "chat_messages DELETE": 1}
	if n := seen["agent_jobs UPDATE"]; n > 5 && n <= 5+slow {
		seen["agent_jobs UPDATE"] = 5
	}
	if !reflect.DeepEqual(seen, want) {
		t.Errorf("seen %v, want %v", seen, want)
	}
	j, _, _, err = store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA})
	must(err)
	j, _, err = storetest.Claim(ctx, store, j.ID, "w", time.Minute)
	must(err)
	f = codeforge.Fence{JobID: j.ID, Number: j.Fence}
	for _, do := range []func() error{
		func() error {
			_, err := store.FinishJob(ctx, f, codeforge.Outcome{Status: codeforge.JobCompleted, Result: large(500_001)})
			return err
		},
		func() error {
			_, err := store.KeepStage(ctx, f, codeforge.StageResult{Stage: codeforge.Research, Requirements: large(600_001)})
			return err
		},
	} {
		if err := do(); !codeforge.IsKind(err, codeforge.TooLarge) {
			t.Errorf("a row that is too large to be told of: %v", err)
		}
	}
}

// The row of a job, which every watcher is sent, changes about once a second however much happens; readers of the job see
// all of it at once.
func TestProgressIsThrottled(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	s.Exec(t, db, fmt.Sprintf("create or replace function public.codeforge_now() returns timestamptz language sql stable as 'select timestamptz ''%s'' + ahead from public.test_clock'", time.Now().Format(time.RFC3339))) // so that no second passes on a busy machine
	ctx, u := t.Context(), codeforge.LocalUser()
	p, err := store.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	j, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code})
	if err != nil {
		t.Fatal(err)
	}
	if j, _, err = storetest.Claim(ctx, store, j.ID, "w", time.Minute); err != nil {
		t.Fatal(err)
	}
	f := codeforge.Fence{JobID: j.ID, Number: j.Fence}
	c := connect(t, s.URL(pgtest.Superuser, db))
	row := func() (progress float64, version string) {
		t.Helper()
		if err := c.QueryRow(ctx, "select progress, ctid::text from public.agent_jobs").Scan(&progress, &version); err != nil {
			t.Fatal(err)
		}
		return progress, version
	}
	_, before := row()
	for i := range 20 {
		if _, err := store.RecordEvents(ctx, f, float64(i+1), []codeforge.Event{{Type: codeforge.EventStage}}); err != nil {
			t.Fatal(err)
		}
		if got, err := store.GetJob(ctx, u, j.ID); err != nil || got.Progress != float64(i+1) {
			t.Fatal(got.Progress, err)
		}
	}
	if progress, after := row(); after != before || progress != 0 {
		t.Fatalf("the row was changed at once: %v", progress)
	}
	s.Exec(t, db, "update public.test_clock set ahead = '1 second'")
	if _, err := store.RecordEvents(ctx, f, 30, []codeforge.Event{{Type: codeforge.EventStage}}); err != nil {
		t.Fatal(err)
	}
	if progress, _ := row(); progress != 30 {
		t.Fatalf("after a second the row says %v", progress)
	}
	if _, err := store.RecordEvents(ctx, f, 40, []codeforge.Event{{Type: codeforge.EventStage}}); err != nil {
		t.Fatal(err)
	}
	s.Exec(t, db, "update public.test_clock set ahead = '3 seconds'")
	if _, err := store.RenewLeases(ctx, []codeforge.Fence{f}, time.Minute); err != nil {
		t.Fatal(err)
	}
	if progress, _ := row(); progress != 40 {
		t.Fatalf("after a renewal the row says %v", progress)
	}
}

// A list of files reads no contents: they lie outside the rows, and stay there.
func TestListReadsNoContents(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	ctx, u := t.Context(), codeforge.LocalUser()
	setup := open(t, postgres.Options{URL: s.URL(recommended, db)})
	p, err := setup.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for text.Len() < 50_000 {
		text.WriteString(codeforge.NewID())
	}
	for _, path := range []string{"a.ts", "b.ts", "c.ts"} {
		if _, err := setup.WriteFile(ctx, u, p.ID, codeforge.FileWrite{Path: path, Content: text.String()}); err != nil {
			t.Fatal(err)
		}
	}
	setup.Close()
	c := connect(t, s.URL(pgtest.Superuser, db))
	alone := func() { // a connection tells what it read before it is gone
		t.Helper()
		for n := 1; n > 0; {
			if err := c.QueryRow(ctx, "select count(*) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()").Scan(&n); err != nil {
				t.Fatal(err)
			}
		}
	}
	read := func(contents bool) (blocks int) {
		t.Helper()
		alone()
		if _, err := c.Exec(ctx, "select pg_stat_reset()"); err != nil {
			t.Fatal(err)
		}
		store, _, err := postgres.Open(ctx, postgres.Options{URL: s.URL(recommended, db), MaxConns: 1})
		if err != nil {
			t.Fatal(err)
		}
		files, _, err := store.ListFiles(ctx, u, p.ID, contents, -1)
		if err != nil || len(files) != 3 || files[0].Size != int64(text.Len()) {
			t.Fatal(len(files), err)
		}
		store.Close()
		alone()
		var rows int
		if err := c.QueryRow(ctx, `select coalesce(i.toast_blks_hit + i.toast_blks_read, 0), coalesce(t.seq_tup_read + t.idx_tup_fetch, 0)
			from pg_statio_user_tables i join pg_stat_user_tables t using (relid) where relid = 'public.project_files'::regclass`).Scan(&blocks, &rows); err != nil {
			t.Fatal(err)
		}
		if rows != 3 {
			t.Fatalf("read %d rows", rows)
		}
		return blocks
	}
	if n := read(false); n != 0 {
		t.Errorf("read %d blocks of contents", n)
	}
	if n := read(true); n == 0 {
		t.Error("the measure measures nothing")
	}
}

// A page of a user's jobs reads no more of them than it looks at, however many there are.
func TestListOfUserReadsAPage(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	ctx, u := t.Context(), codeforge.LocalUser()
	p, err := store.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	jobs := 5_000
	if soak {
		jobs = 100_000
	}
	s.Exec(t, db, fmt.Sprintf(`set session_replication_role = replica;
		insert into public.agent_jobs (id, project_id, user_id, agent_type, status, input_context, created_at, updated_at)
			select gen_random_uuid(), '%s', '%s', 'code', case when n %% 1000 = 0 then 'failed' else 'completed' end, '{}', now(), now() from generate_series(1, %d) n`, p.ID, u.ID, jobs))
	s.Exec(t, db, "analyze public.agent_jobs")
	c := connect(t, s.URL(pgtest.Superuser, db))
	for _, a := range []struct{ states, agent, project string }{
		{"queued,running,waiting_for_input,completed,failed,cancelled", "", ""},
		{"failed", "", ""},
		{"cancelled", "", ""},
		{"completed", "qa", ""},
		{"failed", "", p.ID},
		{"queued,running,waiting_for_input,completed,failed,cancelled", "", p.ID},
	} {
		f := codeforge.UserJobs{Agent: codeforge.AgentType(a.agent), ProjectID: a.project, Limit: 20}
		if !strings.Contains(a.states, ",") {
			f.Status = codeforge.JobStatus(a.states)
		}
		// Those that it looks at in each state, and then those that it shows.
		most := f.Walk()*(1+strings.Count(a.states, ",")) + f.Limit
		const count = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relid = 'public.agent_jobs'::regclass"
		var before, read int
		err := pgx.BeginFunc(ctx, c, func(tx pgx.Tx) error {
			var answer string
			return errors.Join(
				tx.QueryRow(ctx, count).Scan(&before),
				tx.QueryRow(ctx, "select public.codeforge_read_user_jobs($1, string_to_array($2, ','), nullif($3, ''), nullif($4, '')::uuid, 9223372036854775807, $5, $6)::text",
					u.ID, a.states, a.agent, a.project, f.Limit, f.Walk()).Scan(&answer),
				tx.QueryRow(ctx, count).Scan(&read))
		})
		if read -= before; err != nil || read == 0 && a.states != "cancelled" || read > most {
			t.Errorf("%+v: %d rows were read, at most %d are looked at; %v", a, read, most, err)
		}
		list, _, err := store.ListUserJobs(ctx, u, f)
		want := 20
		if a.states == "cancelled" || a.agent != "" {
			want = 0
		}
		if f.Status == codeforge.JobFailed {
			want = min(jobs/1000, 20)
			if f.ProjectID != "" {
				want = f.Walk() / 1000
			}
		}
		if err != nil || len(list) != want {
			t.Errorf("%+v: %d jobs, want %d; %v", a, len(list), want, err)
		}
	}
}

// What Postgres cannot hold is refused as a fault of the caller, and nothing is written.
func TestUnstorable(t *testing.T) {
	t.Parallel()
	store, _, _ := fresh(t, recommended)
	ctx, u := t.Context(), codeforge.LocalUser()
	p, err := store.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	if err != nil {
		t.Fatal(err)
	}
	j, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.Code})
	if err != nil {
		t.Fatal(err)
	}
	if j, _, err = storetest.Claim(ctx, store, j.ID, "w", time.Minute); err != nil {
		t.Fatal(err)
	}
	f := codeforge.Fence{JobID: j.ID, Number: j.Fence}
	nul := json.RawMessage(`{"a":"\u0000"}`)
	for name, do := range map[string]func() error{
		"title": func() error { _, err := store.CreateProject(ctx, u, codeforge.Project{Title: "a\x00b"}); return err },
		"patch": func() error {
			_, err := store.UpdateProject(ctx, u, p.ID, codeforge.ProjectPatch{Title: new("a\x00b")})
			return err
		},
		"utf-8": func() error { _, err := store.CreateProject(ctx, u, codeforge.Project{Title: "a\xff"}); return err },
		"spec": func() error {
			_, err := store.UpdateProject(ctx, u, p.ID, codeforge.ProjectPatch{Requirements: &nul})
			return err
		},
		"result": func() error {
			_, err := store.FinishJob(ctx, f, codeforge.Outcome{Status: codeforge.JobCompleted, Result: nul})
			return err
		},
		"no JSON": func() error {
			_, err := store.FinishJob(ctx, f, codeforge.Outcome{Status: codeforge.JobCompleted, Result: json.RawMessage(`{`)})
			return err
		},
		"no event": func() error {
			_, err := store.RecordEvents(ctx, f, 1, []codeforge.Event{{Type: "x", Data: json.RawMessage(`{`)}})
			return err
		},
		"status": func() error {
			_, err := store.UpdateProject(ctx, u, p.ID, codeforge.ProjectPatch{Status: new(codeforge.ProjectStatus("x"))})
			return err
		},
	} {
		if err := do(); !codeforge.IsKind(err, codeforge.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	large := json.RawMessage(`"` + strings.Repeat("x", 1_000_000) + `"`)
	if _, err := store.FinishJob(ctx, f, codeforge.Outcome{Status: codeforge.JobCompleted, Result: large}); !codeforge.IsKind(err, codeforge.TooLarge) {
		t.Errorf("a row that is too large to be told of: %v", err)
	}
	if got, err := store.GetJob(ctx, u, j.ID); err != nil || got.Status != codeforge.Running {
		t.Fatal(got.Status, err)
	}
}
