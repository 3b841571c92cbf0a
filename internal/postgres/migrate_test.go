package postgres_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"codeforge"
	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
	"codeforge/internal/storetest"
	"codeforge/supabase"
)

// picture is everything there is in a database: columns, constraints, policies, grants, triggers, functions and rows.
func picture(t *testing.T, s *pgtest.Server, db string) string {
	t.Helper()
	c := connect(t, s.URL(pgtest.Superuser, db))
	rows, err := c.Query(t.Context(), `
		select 'column ' || c.oid::regclass || ' ' || a.attname || ' ' || a.atttypid::regtype || ' ' || a.attnotnull::text || ' ' || coalesce(pg_get_expr(d.adbin, d.adrelid), '') || a.attidentity::text || ' ' || coalesce(a.attacl::text, '')
			from pg_class c join pg_attribute a on a.attrelid = c.oid and attnum > 0 and not attisdropped left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
			where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'i')
		union all select 'table ' || oid::regclass || ' ' || relrowsecurity::text || relreplident::text || ' ' || coalesce(relacl::text, '') from pg_class where relnamespace = 'public'::regnamespace and relkind = 'r'
		union all select 'constraint ' || conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) from pg_constraint where connamespace = 'public'::regnamespace
		union all select 'policy ' || p::text from pg_policies p
		union all select 'trigger ' || pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
		union all select 'function ' || oid::regprocedure || ' ' || prorettype::regtype || ' ' || md5(prosrc) || coalesce(proacl::text, '') from pg_proc where pronamespace = 'public'::regnamespace
		union all select 'published ' || tablename from pg_publication_tables
		union all select 'row ' || x from (select 'project ' || p::text from public.projects p union all select 'file ' || f::text from public.project_files f
			union all select 'job ' || j::text from public.agent_jobs j union all select 'chat ' || m::text from public.chat_messages m
			union all select 'revision ' || r::text from public.project_revisions r union all select 'state ' || r::text from public.file_revisions r
			union all select 'profile ' || r::text from public.profiles r) rows (x)
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

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// empty is an empty database of the login that migrates.
func empty(t *testing.T) (*pgtest.Server, string) {
	s, _ := template(t)
	return s, s.Database(t, plainOwner, "")
}

// migrations are the names of all of them, in order.
func migrations(t testing.TB) (all []string) {
	t.Helper()
	entries, err := supabase.Migrations.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		all = append(all, strings.TrimSuffix(e.Name(), ".sql"))
	}
	return all
}

func migration(t testing.TB, name string) string {
	t.Helper()
	text, err := supabase.Migrations.ReadFile("migrations/" + name + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func migrate(t *testing.T, url string) []string {
	t.Helper()
	done, err := postgres.Migrate(t.Context(), url, "")
	if err != nil {
		t.Fatal(err)
	}
	return done
}

func TestMigrateEmpty(t *testing.T) {
	t.Parallel()
	s, db := empty(t)
	url := s.URL(plainOwner, db)
	pending, err := postgres.Pending(t.Context(), s.URL(recommended, db), "")
	if err != nil || len(pending) != len(migrations(t)) {
		t.Fatal(pending, err)
	}
	_, _, err = postgres.Open(t.Context(), postgres.Options{URL: s.URL(recommended, db)})
	if !codeforge.IsKind(err, codeforge.Unavailable) || !strings.Contains(err.Error(), "codeforge migrate --print") || !strings.Contains(err.Error(), "_platform") {
		t.Fatalf("a database without a schema: %v", err)
	}
	if done := migrate(t, url); !reflect.DeepEqual(done, pending) {
		t.Fatalf("ran %v", done)
	}
	if pending, err = postgres.Pending(t.Context(), s.URL(recommended, db), ""); err != nil || len(pending) != 0 {
		t.Fatal(pending, err)
	}
	before := picture(t, s, db)
	if done := migrate(t, url); len(done) != 0 {
		t.Fatalf("ran again: %v", done)
	}
	if after := picture(t, s, db); after != before {
		t.Fatal("the second run changed something")
	}
	store := open(t, postgres.Options{URL: s.URL(recommended, db)})
	p, err := store.CreateProject(t.Context(), codeforge.LocalUser(), codeforge.Project{Title: "First"})
	if err != nil || p.Status != codeforge.Planning {
		t.Fatal(p, err)
	}
}

// What the SQL editor leaves is what Migrate leaves, and Migrate after it finds nothing to do.
func TestMigratePrinted(t *testing.T) {
	t.Parallel()
	s, db := empty(t)
	var b strings.Builder
	if err := postgres.Print(&b); err != nil {
		t.Fatal(err)
	}
	c := connect(t, s.URL(plainOwner, db))
	for range 2 {
		if _, err := c.Exec(t.Context(), b.String(), pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	if done := migrate(t, s.URL(plainOwner, db)); len(done) != 0 {
		t.Fatalf("ran %v", done)
	}
	if got, want := picture(t, s, db), picture(t, s, migrated); got != want {
		t.Fatalf("differs:\n%s", diff(want, got))
	}
}

// A database from before contents were kept once has one with each state of a file. All migrations can be run again.
func TestContentsBecomeOne(t *testing.T) {
	t.Parallel()
	s, db := empty(t)
	c := connect(t, s.URL(plainOwner, db))
	all := migrations(t)
	run := func(names []string) {
		t.Helper()
		for _, name := range names {
			if _, err := c.Exec(t.Context(), migration(t, name), pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(name, err)
			}
		}
	}
	list := func(query string, args ...any) (found []string) {
		t.Helper()
		rows, err := c.Query(t.Context(), query, args...)
		if err != nil {
			t.Fatal(err)
		}
		if found, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
			t.Fatal(err)
		}
		return found
	}
	before := slices.Index(all, "20261127000006_contents")
	run(all[:before])
	user, projects := codeforge.NewID(), []string{codeforge.NewID(), codeforge.NewID()}
	list("select public.codeforge_ensure_profile($1)::text is null || ''", user)
	write := func(project, change string) {
		t.Helper()
		list("select coalesce(public.codeforge_write_file($1, $2, $3)::text, '')", user, project, change)
	}
	for _, project := range projects {
		list("select public.codeforge_create_project($1, $2, $3)::text", user, project, `{"title": "Old", "mode": "builder"}`)
		for _, change := range []string{`{"path": "a", "content": "é"}`, `{"path": "b", "content": "é"}`, `{"path": "a", "content": ""}`, `{"path": "a", "content": "é"}`, `{"path": "b", "delete": true}`,
			`{"path": "c", "content": "` + project + `"}`} {
			write(project, change)
		}
	}
	seen := func() (out []string) {
		defer func() {
			for i := range out {
				for _, later := range []string{"verified", "evidence", "hash"} { // which later migrations add
					out[i] = strings.ReplaceAll(out[i], `"`+later+`" : null, `, "")
				}
			}
		}()
		for _, project := range projects {
			for n := 1; n <= 6; n++ {
				out = append(out, list("select public.codeforge_read_tree($1, $2, $3, '', 0, true)::text", user, project, n)...)
				out = append(out, list("select public.codeforge_read_changes($1, $2, $3, '', 0, true)::text", user, project, n)...)
				out = append(out, list("select content from public.codeforge_files_at($1, $2)", project, n)...)
			}
		}
		return out
	}
	kept := func(want ...string) {
		t.Helper()
		for _, project := range projects {
			if got := list("select content from public.file_contents where project_id = $1 order by content collate \"C\"", project); !reflect.DeepEqual(got, append([]string{"", project}, want...)) {
				t.Errorf("kept are %q", got)
			}
		}
		if got := list("select bytes::text from public.stored_bytes"); !reflect.DeepEqual(got, []string{fmt.Sprint(2 * (len(projects[0]) + len(strings.Join(want, ""))))}) {
			t.Errorf("bytes %v", got)
		}
	}
	old := seen()
	run(all[before:])
	if now := seen(); !reflect.DeepEqual(now, old) {
		t.Errorf("before:\n%s\nafter:\n%s", strings.Join(old, "\n"), strings.Join(now, "\n"))
	}
	kept("é")
	run(all[:before])
	if _, err := c.Exec(t.Context(), "select public.codeforge_restore_revision($1, $2, 3)", user, projects[0]); err == nil {
		t.Error("functions that find no contents restored a revision")
	}
	run(all[before:])
	for _, project := range projects {
		write(project, `{"path": "d", "content": "\u00e9"}`)
		if _, err := c.Exec(t.Context(), "update public.project_files set content = 'ü' where project_id = $1 and path = 'a'", project); err != nil {
			t.Fatal(err)
		}
	}
	if now := seen(); !reflect.DeepEqual(now, old) {
		t.Errorf("before:\n%s\nafter the second run:\n%s", strings.Join(old, "\n"), strings.Join(now, "\n"))
	}
	kept("é", "ü")
}

// What the Supabase CLI pushes, file by file, is what Migrate leaves, and Migrate after it goes on.
func TestMigratePushed(t *testing.T) {
	t.Parallel()
	s, db := empty(t)
	c := connect(t, s.URL(plainOwner, db))
	for range 2 { // what was pushed can be pushed again
		for _, name := range migrations(t) {
			if _, err := c.Exec(t.Context(), migration(t, name), pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(name, err)
			}
		}
	}
	if pending, err := postgres.Pending(t.Context(), s.URL(recommended, db), ""); err != nil || len(pending) > 0 {
		t.Error("after a push the program finds pending", pending, err)
	}
	migrate(t, s.URL(plainOwner, db))
	if got, want := picture(t, s, db), picture(t, s, migrated); got != want {
		t.Fatalf("differs:\n%s", diff(want, got))
	}
}

// A database whose migrations were counted from 1 is known by it: only what came later is run.
func TestMigrateRenumbered(t *testing.T) {
	t.Parallel()
	for _, way := range []string{"program", "editor"} {
		s, db := empty(t)
		all := migrations(t)
		url := s.URL(plainOwner, db)
		c := connect(t, url)
		if _, err := c.Exec(t.Context(), `
			create table public.codeforge_migrations (id integer primary key generated by default as identity, version_id bigint not null, is_applied boolean not null, tstamp timestamp not null default now());
			insert into public.codeforge_migrations (version_id, is_applied) select n, true from generate_series(0, 8) n`, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		for _, name := range all[:9] {
			if _, err := c.Exec(t.Context(), migration(t, name), pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(name, err)
			}
		}
		if _, err := c.Exec(t.Context(), `
			create function public.codeforge_queue_schema() returns int language sql as 'select 8';
			create function public.codeforge_schema() returns int language sql immutable as 'select 8'`, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
		pending, err := postgres.Pending(t.Context(), url, "")
		if err != nil || !slices.Equal(pending, all[8:]) {
			t.Fatal(pending, err)
		}
		if way == "editor" {
			var b strings.Builder
			if err := postgres.Print(&b); err != nil {
				t.Fatal(err)
			}
			if _, err := c.Exec(t.Context(), b.String(), pgx.QueryExecModeSimpleProtocol); err != nil {
				t.Fatal(err)
			}
		} else if done := migrate(t, url); !slices.Equal(done, all[8:]) {
			t.Fatalf("ran %v", done)
		}
		if pending, err := postgres.Pending(t.Context(), url, ""); err != nil || len(pending) > 0 {
			t.Fatal(pending, err)
		}
		if done := migrate(t, url); len(done) > 0 {
			t.Fatalf("%s: ran again: %v", way, done)
		}
		if got, want := picture(t, s, db), picture(t, s, migrated); got != want {
			t.Fatalf("%s: differs:\n%s", way, diff(want, got))
		}
	}
}

func diff(want, got string) string {
	var out []string
	for line := range strings.SplitSeq(want, "\n") {
		if !strings.Contains(got, line) {
			out = append(out, "- "+line)
		}
	}
	for line := range strings.SplitSeq(got, "\n") {
		if !strings.Contains(want, line) {
			out = append(out, "+ "+line)
		}
	}
	return strings.Join(out, "\n")
}

func TestMigrateTogether(t *testing.T) {
	t.Parallel()
	s, db := empty(t)
	b := s.Bouncer(t, 4, plainOwner)
	pooled := s.Database(t, plainOwner, "")
	for _, url := range []string{s.URL(plainOwner, db), b.URL(plainOwner, pooled)} {
		var g sync.WaitGroup
		errs, ran := make([]error, 3), make([]int, 3)
		for i := range errs {
			g.Go(func() {
				done, err := postgres.Migrate(t.Context(), url, "")
				errs[i], ran[i] = err, len(done)
			})
		}
		g.Wait()
		if err := errors.Join(errs...); err != nil || ran[0]+ran[1]+ran[2] != len(migrations(t)) {
			t.Fatalf("%v ran: %v", ran, err)
		}
	}
}

func TestMigrateWithoutRights(t *testing.T) {
	t.Parallel()
	s, db := empty(t)
	_, err := postgres.Migrate(t.Context(), s.URL(recommended, db), "")
	if err == nil || !strings.Contains(err.Error(), "MIGRATE_DATABASE_URL") {
		t.Fatalf("error %v", err)
	}
}

// TestAdopt takes over databases of an earlier CodeForge: nothing is lost, its rows are served, and it changes once only.
func TestAdopt(t *testing.T) {
	for _, variant := range []string{"jobs_common.sql", "jobs_variant.sql"} {
		t.Run(variant, func(t *testing.T) {
			t.Parallel()
			s, db := empty(t)
			s.Exec(t, db, read(t, "platform.sql"))
			c := connect(t, s.URL(plainOwner, db))
			for _, f := range []string{"peer.sql", variant} {
				if _, err := c.Exec(t.Context(), read(t, f), pgx.QueryExecModeSimpleProtocol); err != nil {
					t.Fatal(f, err)
				}
			}
			// The rows as its web client sees them: a user's, by the columns that there were.
			seen := func(user string) string {
				t.Helper()
				var out []string
				for _, q := range []string{
					"select array_agg((id, user_id, title, description, mode, status, requirements_spec, architecture_spec, tech_stack, created_at, updated_at)::text order by id) from public.projects",
					"select array_agg((id, project_id, path, content, language, version, created_at, updated_at)::text order by id) from public.project_files",
					"select array_agg((id, project_id, agent_type, status, progress, result, created_at, updated_at, completed_at)::text order by id) from public.agent_jobs",
					"select array_agg((id, project_id, role, content, is_thinking, created_at, metadata)::text order by id) from public.chat_messages",
					"select array_agg((id, project_id, modules, current_step_index, created_at)::text order by id) from public.learning_roadmaps",
					"select array_agg((id, project_id, transcript, concepts_covered, created_at)::text order by id) from public.daily_sessions",
					"select array_agg((id, username, full_name, avatar_url, skill_level, created_at, updated_at)::text order by id) from public.profiles",
				} {
					out = append(out, strings.Join(asUser[[]string](t, s.URL(recommended, db), user, q), "\n"))
				}
				return strings.Join(out, "\n")
			}
			ann, bob := "a0000000-0000-4000-8000-000000000001", "b0000000-0000-4000-8000-000000000002"
			before := []string{seen(ann), seen(bob)}
			if strings.Contains(before[1], "Ann") || !strings.Contains(before[0], "Ann") {
				t.Fatal("the starting point keeps nobody apart")
			}
			migrate(t, s.URL(plainOwner, db))
			if after := []string{seen(ann), seen(bob)}; !reflect.DeepEqual(after, before) {
				t.Fatalf("what web clients see changed:\n%s\n%s", diff(before[0], after[0]), diff(before[1], after[1]))
			}
			once := picture(t, s, db)
			if done := migrate(t, s.URL(plainOwner, db)); len(done) != 0 {
				t.Fatalf("ran again: %v", done)
			}
			s.Exec(t, db, "delete from public.codeforge_migrations where version_id > 0") // as after a restore of the tables alone
			migrate(t, s.URL(plainOwner, db))
			if twice := picture(t, s, db); twice != once {
				t.Fatalf("the second run changed:\n%s", diff(once, twice))
			}
			if strings.Contains(once, "auth.uid() = user_id") || !strings.Contains(once, "SELECT auth.uid()") {
				t.Error("old policies still ask for the user row by row")
			}
			// Everything new was born with rights for all, as is usual there.
			var loose []string
			if err := connect(t, s.URL(pgtest.Superuser, db)).QueryRow(t.Context(), `select array(
				select proname::text from pg_proc where pronamespace = 'public'::regnamespace and proname like 'codeforge%' and proname !~ '_(limit|now|touch|touch_job)$'
					and (proname !~ '_read_|_json$|_usage$|_files_at$|_find_job$|^codeforge_jobs$|_create_project$' and has_function_privilege('authenticated', oid, 'execute') or has_function_privilege('anon', oid, 'execute'))
				union all select c.relname || ' ' || r || ' ' || p from pg_class c, unnest(array['anon', 'authenticated']) r, unnest(array['select', 'insert', 'update', 'delete', 'truncate']) p
					where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and has_table_privilege(r, c.oid, p) and (
						c.relname in ('codeforge_migrations', 'idempotency_keys', 'stored_bytes')
						or c.relname in ('project_files', 'agent_jobs', 'chat_messages', 'job_events', 'job_aliases', 'project_revisions', 'file_revisions', 'file_contents', 'job_files', 'job_stages', 'proposal_files', 'revision_screenshots', 'blob_puts', 'preview_errors') and p <> 'select'
						or c.relname in ('job_events', 'job_aliases', 'project_revisions', 'file_revisions', 'file_contents', 'job_files', 'job_stages', 'proposal_files', 'revision_screenshots', 'blob_puts', 'preview_errors') and r = 'anon'
						or c.relname = 'projects' and p in ('insert', 'update', 'truncate')))`).Scan(&loose); err != nil {
				t.Fatal(err)
			}
			if len(loose) != 0 {
				t.Errorf("users may: %v", loose)
			}
			serve(t, open(t, postgres.Options{URL: s.URL(recommended, db)}), ann, bob)
		})
	}
}

// serve uses an adopted database.
func serve(t *testing.T, s *postgres.Store, annID, bobID string) {
	ctx := t.Context()
	ann, bob := codeforge.User{ID: annID}, codeforge.User{ID: bobID}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	list, total, err := s.ListProjects(ctx, ann, codeforge.ProjectFilter{Page: 1, Size: 10})
	must(err)
	if total != 2 || list[0].Title != "Ann's course" || list[1].Title != "Ann's shop" || list[0].Description != "" || list[1].Revision != 1 || list[0].Revision != 0 {
		t.Fatalf("projects %+v", list)
	}
	shop := list[1].ID
	files, _, err := s.ListFiles(ctx, ann, shop, true, -1)
	must(err)
	if len(files) != 3 || files[2].Content != "export default 1" || files[2].Version != 3 || files[1].Language != "typescript" || files[0].Path != "../../etc/passwd" {
		t.Fatalf("files %+v", files)
	}
	_, then, err := s.RevisionFiles(ctx, ann, shop, 1, codeforge.Page{})
	must(err)
	if !reflect.DeepEqual(then, files) {
		t.Fatalf("revision 1 is %+v, the files are %+v", then, files)
	}
	jobs, total, err := s.ListJobs(ctx, ann, shop, codeforge.JobFilter{Limit: 10})
	must(err)
	if total != 3 || jobs[0].Status != codeforge.Running || jobs[1].Error != "no luck" || string(jobs[2].Result) != `{"app_name": "Tea"}` || jobs[0].UserID != annID || jobs[0].Progress != 40 {
		t.Fatalf("jobs %+v", jobs)
	}
	messages, err := s.ListMessages(ctx, ann, shop, codeforge.MessageFilter{Limit: 1})
	must(err)
	if len(messages) != 1 || messages[0].Content != "done" {
		t.Fatalf("messages %+v", messages)
	}
	if got, err := s.ClaimJobs(ctx, "w", time.Minute, 10, codeforge.ClaimPolicy{}); err != nil || len(got.Jobs) != 0 {
		t.Fatalf("old jobs are due: %+v %v", got, err)
	}
	if queued, err := s.CountQueued(ctx); err != nil || queued != 0 {
		t.Fatalf("old jobs are queued: %d %v", queued, err)
	}
	_, err = s.GetJob(ctx, bob, jobs[2].ID)
	if !codeforge.IsKind(err, codeforge.Missing) {
		t.Fatalf("bob reads ann's job: %v", err)
	}

	// The files are continued, where an old path may not be put again.
	f, err := s.WriteFile(ctx, ann, shop, codeforge.FileWrite{Path: "src/page.tsx", Content: "export default 2", IfVersion: new(int64(3))})
	must(err)
	if f.Version != 4 || f.Revision != 2 || f.ID != files[2].ID {
		t.Fatalf("wrote %+v", f)
	}
	// A job that runs twice keeps its first start, whatever older triggers say, and waits for input, which some older tables do not know.
	j, _, _, err := s.SubmitJob(ctx, ann, codeforge.NewJob{ProjectID: shop, Agent: codeforge.Builder, Input: json.RawMessage(`{"a":  1}`)})
	must(err)
	first, ok, err := storetest.Claim(ctx, s, j.ID, "w", 1e9)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	if _, err = s.FinishJob(ctx, codeforge.Fence{JobID: j.ID, Number: first.Fence}, codeforge.Outcome{Status: codeforge.Waiting, Question: json.RawMessage(`[]`), Progress: 12.5}); err != nil {
		t.Fatal(err)
	}
	_, err = s.RespondJob(ctx, ann, j.ID, codeforge.NewID(), []byte(`[]`))
	must(err)
	second, ok, err := storetest.Claim(ctx, s, j.ID, "w", 1e9)
	if err != nil || !ok || !second.StartedAt.Equal(*first.StartedAt) || second.Base != 2 {
		t.Fatalf("claimed again: %+v %v", second, err)
	}
	kept, err := s.KeepStage(ctx, codeforge.Fence{JobID: j.ID, Number: second.Fence}, codeforge.StageResult{Stage: codeforge.Code, Base: 2, Changes: []codeforge.FileChange{{Path: "../../etc/passwd", Delete: true}}})
	if err != nil || kept.Revision != 3 {
		t.Fatalf("a bad path is deleted: %+v %v", kept, err)
	}
	// A user whom no trigger gave a profile.
	if _, err = s.CreateProject(ctx, codeforge.User{ID: codeforge.NewID()}, codeforge.Project{Title: "Stranger"}); !codeforge.IsKind(err, codeforge.Unauthenticated) {
		t.Fatalf("a user who never signed up: %v", err)
	}
	_, err = s.CancelJob(ctx, ann, jobs[0].ID) // one that no worker will ever end
	must(err)
}

// asUser runs a query that gives one value as a user.
func asUser[T any](t testing.TB, url, user, query string, args ...any) (v T) {
	t.Helper()
	if err := try(t, url, user, func(b *pgx.Batch) {
		b.Queue(query, args...).QueryRow(func(r pgx.Row) error { return r.Scan(&v) })
	}); err != nil {
		t.Fatal(err)
	}
	return v
}

// connections are those of tests that ask again and again, by test and address.
var connections sync.Map

// lasting is a connection that a test has until it ends.
func lasting(t testing.TB, url string) *pgx.Conn {
	t.Helper()
	key := [2]any{t, url}
	if c, ok := connections.Load(key); ok {
		return c.(*pgx.Conn)
	}
	c := connect(t, url)
	connections.Store(key, c)
	t.Cleanup(func() { connections.Delete(key) })
	return c
}

// try runs statements as a user ("": anon), as the Data API does.
func try(t testing.TB, url, user string, queue func(*pgx.Batch)) error {
	t.Helper()
	c := lasting(t, url)
	role, claims := "authenticated", `{"role":"authenticated","sub":"`+user+`"}`
	if user == "" {
		role, claims = "anon", `{"role":"anon"}`
	}
	b := &pgx.Batch{}
	b.Queue("select set_config('role', $1, true), set_config('request.jwt.claims', $2, true)", role, claims)
	queue(b)
	return c.SendBatch(t.Context(), b).Close()
}

// Migrations of a large database take longer than logins may: no time is set to them, whichever way they come.
func TestMigrateTakesItsTime(t *testing.T) {
	t.Parallel()
	s, db := empty(t)
	_, printed := empty(t)
	for _, db := range []string{db, printed} {
		s.Exec(t, db, `alter database `+db+` set statement_timeout = '1min';
			create table public.seen (setting text); grant insert on public.seen to public;
			create function public.see() returns event_trigger language plpgsql as $$ begin insert into public.seen values (current_setting('statement_timeout')); end $$;
			create event trigger see on ddl_command_start when tag in ('CREATE FUNCTION') execute function public.see()`)
	}
	migrate(t, s.URL(plainOwner, db))
	var b strings.Builder
	if err := postgres.Print(&b); err != nil {
		t.Fatal(err)
	}
	if _, err := connect(t, s.URL(plainOwner, printed)).Exec(t.Context(), b.String(), pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
	for _, db := range []string{db, printed} {
		var n int
		var settings []string
		if err := connect(t, s.URL(pgtest.Superuser, db)).QueryRow(t.Context(), "select count(*), array_agg(distinct setting) from public.seen").Scan(&n, &settings); err != nil {
			t.Fatal(err)
		}
		if n < 20 || len(settings) != 1 || settings[0] != "0" {
			t.Errorf("%d functions were made under %v", n, settings)
		}
	}
}

// A login without grants is told so, whatever asks.
func TestMissingGrants(t *testing.T) {
	t.Parallel()
	s, from := template(t)
	db := s.Database(t, plainOwner, from)
	s.Exec(t, "postgres", "create role cf_bare login noinherit; grant authenticated to cf_bare")
	t.Cleanup(func() { s.Exec(t, "postgres", "drop role cf_bare") })
	_, pending := postgres.Pending(t.Context(), s.URL("cf_bare", db), "")
	_, _, opened := postgres.Open(t.Context(), postgres.Options{URL: s.URL("cf_bare", db)})
	for what, err := range map[string]error{"pending": pending, "open": opened} {
		if err == nil || !strings.Contains(err.Error(), `grant anon, service_role to "cf_bare"`) {
			t.Errorf("%s: %v", what, err)
		}
	}
}
