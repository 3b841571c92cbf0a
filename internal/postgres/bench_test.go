package postgres_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/pgtest"
	"codeforge/internal/postgres"
	"codeforge/internal/storetest"
)

// median calls do until the benchmark has enough, and reports the middle of what it took.
func median(b *testing.B, do func() error) {
	b.Helper()
	b.ReportAllocs()
	var took []time.Duration
	for b.Loop() {
		began := time.Now()
		if err := do(); err != nil {
			b.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1000, "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1000, "p99-us")
}

// BenchmarkStore puts the store, under row level security, beside the bare driver with a login above it: the same rows,
// no identity, no rules.
func BenchmarkStore(b *testing.B) {
	s, _ := template(b)
	db := s.Database(b, plainOwner, "")
	if _, err := postgres.Migrate(b.Context(), s.URL(plainOwner, db), ""); err != nil {
		b.Fatal(err)
	}
	store := open(b, postgres.Options{URL: s.URL(recommended, db)})
	raw, err := pgxpool.New(b.Context(), s.URL(pgtest.Superuser, db))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(raw.Close)
	ctx, u := b.Context(), codeforge.LocalUser()
	var projects []string
	for i := range 200 {
		p, err := store.CreateProject(ctx, u, codeforge.Project{Title: fmt.Sprintf("Project %d", i), TechStack: []string{"go"}})
		if err != nil {
			b.Fatal(err)
		}
		projects = append(projects, p.ID)
	}
	input := json.RawMessage(`{"user_message":"` + strings.Repeat("build a todo app ", 59) + `"}`)
	job, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: projects[0], Agent: codeforge.Noop, Input: input})
	if err != nil {
		b.Fatal(err)
	}
	s.Exec(b, db, "analyze")
	n := 0
	next := func() string { n++; return projects[n%len(projects)] }

	const columns = "id, user_id, title, description, mode, status, requirements_spec, architecture_spec, tech_stack, revision, created_at, updated_at"
	scan := func(r pgx.Row) (p codeforge.Project, err error) {
		err = r.Scan(&p.ID, &p.UserID, &p.Title, &p.Description, (*string)(&p.Mode), (*string)(&p.Status), (*[]byte)(&p.Requirements), (*[]byte)(&p.Architecture), &p.TechStack,
			&p.Revision, &p.CreatedAt, &p.UpdatedAt)
		return p, err
	}
	b.Run("get/ours", func(b *testing.B) {
		median(b, func() error { _, err := store.GetProject(ctx, u, next()); return err })
	})
	b.Run("get/raw", func(b *testing.B) {
		median(b, func() error {
			_, err := scan(raw.QueryRow(ctx, "select "+columns+" from projects where id = $1 and user_id = $2", next(), u.ID))
			return err
		})
	})
	b.Run("job/ours", func(b *testing.B) {
		median(b, func() error { _, err := store.GetJob(ctx, u, job.ID); return err })
	})
	for i := range 60 {
		if _, err := store.WriteFile(ctx, u, projects[0], codeforge.FileWrite{Path: fmt.Sprintf("src/f%d.ts", i), Content: strings.Repeat("export const x = \"y\";\n", 200)}); err != nil {
			b.Fatal(err)
		}
	}
	for _, contents := range []bool{false, true} {
		b.Run(fmt.Sprintf("files contents=%t/ours", contents), func(b *testing.B) {
			median(b, func() error { _, _, err := store.ListFiles(ctx, u, projects[0], contents, -1); return err })
		})
	}
	b.Run("files unchanged/ours", func(b *testing.B) {
		median(b, func() error { _, _, err := store.ListFiles(ctx, u, projects[0], true, 60); return err })
	})
	b.Run("snapshot/ours", func(b *testing.B) {
		median(b, func() error { _, err := store.SnapshotFiles(ctx, projects[0], 60); return err })
	})
	b.Run("events/ours", func(b *testing.B) {
		median(b, func() error { _, err := store.Events(ctx, u, job.ID, 0, 100); return err })
	})
	running, ok, err := storetest.Claim(ctx, store, job.ID, "w", time.Hour)
	if err != nil || !ok {
		b.Fatal(ok, err)
	}
	held := codeforge.Fence{JobID: running.ID, Number: running.Fence}
	b.Run("running job/ours", func(b *testing.B) {
		median(b, func() error { _, err := store.GetJob(ctx, u, job.ID); return err })
	})
	b.Run("renew/ours", func(b *testing.B) {
		median(b, func() error { _, err := store.RenewLeases(ctx, []codeforge.Fence{held}, time.Hour); return err })
	})
	b.Run("record/ours", func(b *testing.B) {
		median(b, func() error {
			_, err := store.RecordEvents(ctx, held, 5, []codeforge.Event{{Type: codeforge.EventStage}, {Type: codeforge.EventFile}})
			return err
		})
	})
	b.Run("life/ours", func(b *testing.B) { // of a job, from its submission to its end
		median(b, func() error {
			j, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: next(), Agent: codeforge.QA, Input: input, UserMessage: "build a todo app"})
			if err != nil {
				return err
			}
			if j, _, err = storetest.Claim(ctx, store, j.ID, "w", time.Hour); err != nil {
				return err
			}
			_, err = store.FinishJob(ctx, codeforge.Fence{JobID: j.ID, Number: j.Fence}, codeforge.Outcome{Status: codeforge.JobCompleted, Progress: 100, Result: json.RawMessage(`{"a":1}`), Events: []codeforge.Event{{Type: codeforge.EventComplete}}})
			return err
		})
	})
	b.Run("list/ours", func(b *testing.B) {
		median(b, func() error {
			_, _, err := store.ListProjects(ctx, u, codeforge.ProjectFilter{Page: 1, Size: 20})
			return err
		})
	})
	b.Run("list/raw", func(b *testing.B) {
		median(b, func() error {
			var batch pgx.Batch
			var total int
			batch.Queue("select count(*) from projects where user_id = $1 and status <> 'archived'", u.ID).QueryRow(func(r pgx.Row) error { return r.Scan(&total) })
			batch.Queue("select "+columns+" from projects where user_id = $1 and status <> 'archived' order by created_at desc, id desc limit 20", u.ID).Query(func(rows pgx.Rows) error {
				_, err := pgx.CollectRows(rows, func(r pgx.CollectableRow) (codeforge.Project, error) { return scan(r) })
				return err
			})
			return raw.SendBatch(ctx, &batch).Close()
		})
	})
	b.Run("submit/ours", func(b *testing.B) {
		median(b, func() error {
			_, _, _, err := store.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: next(), Agent: codeforge.Noop, Input: input, UserMessage: "build a todo app"})
			return err
		})
	})
	submitRaw := func() error {
		var batch pgx.Batch
		id, project := codeforge.NewID(), next()
		batch.Queue("select status from projects where id = $1 and user_id = $2", project, u.ID).QueryRow(func(r pgx.Row) error {
			var status string
			return r.Scan(&status)
		})
		batch.Queue("insert into agent_jobs (id, project_id, user_id, agent_type, status, input_context, due_at) values ($1, $2, $3, 'noop', 'queued', $4, now()) returning created_at",
			id, project, u.ID, input).QueryRow(func(r pgx.Row) error {
			var at time.Time
			return r.Scan(&at)
		})
		batch.Queue("insert into job_events (job_id, seq, user_id, type, data, progress, created_at) values ($1, 1, $2, 'progress', '{}', 0, now())", id, u.ID)
		batch.Queue("insert into chat_messages (project_id, role, content) values ($1, 'user', 'build a todo app')", project)
		return raw.SendBatch(ctx, &batch).Close()
	}
	b.Run("submit/raw", func(b *testing.B) {
		median(b, func() error { return submitRaw() })
	})
	b.Run("journal/ours", func(b *testing.B) {
		median(b, func() error {
			_, err := store.Put(ctx, llm.JournalKey{JobID: job.ID, Hash: codeforge.NewID()}, input)
			return err
		})
	})
	books := store.Ledger(map[llm.BudgetScope]int64{llm.BudgetJob: 1 << 60, llm.BudgetProjectDay: 1 << 60, llm.BudgetUserMonth: 1 << 60})
	b.Run("books/ours", func(b *testing.B) { // a call's reservation and record, under three ceilings
		median(b, func() error {
			c := llm.Call{JobID: job.ID, ProjectID: job.ProjectID, UserID: u.ID, Agent: codeforge.Code}
			hold, err := books.Reserve(ctx, llm.Reservation{Call: c, Worst: 10, Prompt: 5, Lapses: time.Now().Add(time.Minute)})
			if err != nil {
				return err
			}
			return books.Record(ctx, llm.Entry{ID: codeforge.NewID(), Reservation: hold, Call: c, Cost: llm.Cost{MicroUSD: 7}, At: time.Now()})
		})
	})
}

// BenchmarkClaim claims a job where 100,000 are queued, of so many users, the first of whom has half of them, all older than the
// others', and puts it back.
func BenchmarkClaim(b *testing.B) {
	s, _ := template(b)
	for _, users := range []int{1, 100, 10_000} {
		db := s.Database(b, plainOwner, "")
		if _, err := postgres.Migrate(b.Context(), s.URL(plainOwner, db), ""); err != nil {
			b.Fatal(err)
		}
		store := open(b, postgres.Options{URL: s.URL(recommended, db)})
		s.Exec(b, db, fmt.Sprintf(`
			alter table public.agent_jobs disable trigger user; alter table auth.users disable trigger user;
			insert into auth.users (id) select md5(n::text)::uuid from generate_series(1, %[1]d) n;
			insert into public.profiles (id) select md5(n::text)::uuid from generate_series(1, %[1]d) n on conflict do nothing;
			insert into public.projects (id, user_id, title, mode) select md5('p' || n)::uuid, md5(n::text)::uuid, 'Bench', 'builder' from generate_series(1, %[1]d) n;
			insert into public.agent_jobs (project_id, user_id, agent_type, due_at)
				select md5('p' || u)::uuid, md5(u::text)::uuid, 'qa', now() from (select case when n <= 50000 then 1 else 1 + n %% %[1]d end as u from generate_series(1, 100000) n order by n) j;
			alter table public.agent_jobs enable trigger user; alter table auth.users enable trigger user; analyze`, users))
		for name, p := range map[string]codeforge.ClaimPolicy{"": {}, " limits": {Running: map[codeforge.AgentType]int{codeforge.Code: 3}, RunningPerUser: 2}} {
			for _, want := range []int{1, 16} {
				b.Run(fmt.Sprintf("%d users want %d%s", users, want, name), func(b *testing.B) {
					var spent time.Duration
					for b.Loop() {
						began := time.Now()
						got, err := store.ClaimJobs(b.Context(), "w", time.Hour, want, p)
						spent += time.Since(began)
						if err != nil || len(got.Jobs) == 0 {
							b.Fatal(len(got.Jobs), err)
						}
						for _, j := range got.Jobs {
							if _, err := store.FinishJob(b.Context(), codeforge.Fence{JobID: j.ID, Number: j.Fence}, codeforge.Outcome{Status: codeforge.Queued}); err != nil {
								b.Fatal(err)
							}
						}
					}
					b.ReportMetric(float64(spent.Microseconds())/float64(b.N), "us/claim")
				})
			}
		}
		var ids []string
		rows, err := connect(b, s.URL(pgtest.Superuser, db)).Query(b.Context(), "select id::text from public.agent_jobs order by seq desc limit 50")
		if err == nil {
			ids, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil {
			b.Fatal(err)
		}
		b.Run(fmt.Sprintf("%d users places of 50", users), func(b *testing.B) {
			for b.Loop() {
				if _, err := store.QueuePlaces(b.Context(), ids, codeforge.ClaimPolicy{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
