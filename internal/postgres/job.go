package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"codeforge"
)

// jobColumns reads a job. Its progress while it runs is that of its newest event; the row lags behind.
const jobColumns = `j.id, j.project_id, j.user_id, j.agent_type, j.status,
	case when j.status = 'running' then coalesce((select e.progress from public.job_events e where e.job_id = j.id order by e.seq desc limit 1), j.progress) else j.progress end,
	j.input_context, j.result, coalesce(j.error, ''), j.clarification_data, j.revision, coalesce(j.base, 0), j.fence, j.failures, j.crashes,
	case when j.status = 'queued' then j.due_at end, j.created_at, j.updated_at, j.started_at, j.completed_at`

func scanJob(r pgx.Row, j *codeforge.Job) error {
	var due *time.Time
	err := r.Scan(&j.ID, &j.ProjectID, &j.UserID, (*string)(&j.Agent), (*string)(&j.Status), &j.Progress, (*[]byte)(&j.Input), (*[]byte)(&j.Result), &j.Error,
		(*[]byte)(&j.Clarification), &j.Revision, &j.Base, &j.Fence, &j.Failures, &j.Crashes, &due, &j.CreatedAt, &j.UpdatedAt, &j.StartedAt, &j.CompletedAt)
	if due != nil {
		j.RunAt = *due
	}
	return err
}

// jobRow is a row of agent_jobs as JSON.
type jobRow struct {
	ID            string              `json:"id"`
	ProjectID     string              `json:"project_id"`
	UserID        string              `json:"user_id"`
	Agent         codeforge.AgentType `json:"agent_type"`
	Status        codeforge.JobStatus `json:"status"`
	Progress      float64             `json:"progress"`
	Input         json.RawMessage     `json:"input_context"`
	Result        json.RawMessage     `json:"result"`
	Error         string              `json:"error"`
	Clarification json.RawMessage     `json:"clarification_data"`
	Revision      int64               `json:"revision"`
	Base          int64               `json:"base"`
	Fence         int64               `json:"fence"`
	Failures      int                 `json:"failures"`
	Crashes       int                 `json:"crashes"`
	DueAt         *time.Time          `json:"due_at"`
	CreatedAt     time.Time           `json:"created_at"`
	UpdatedAt     time.Time           `json:"updated_at"`
	StartedAt     *time.Time          `json:"started_at"`
	CompletedAt   *time.Time          `json:"completed_at"`
}

func (r *jobRow) job() codeforge.Job {
	j := codeforge.Job{ID: r.ID, ProjectID: r.ProjectID, UserID: r.UserID, Agent: r.Agent, Status: r.Status, Progress: r.Progress, Input: present(r.Input),
		Result: present(r.Result), Error: r.Error, Clarification: present(r.Clarification), Revision: r.Revision, Base: r.Base, Fence: r.Fence,
		Failures: r.Failures, Crashes: r.Crashes, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), StartedAt: utc(r.StartedAt), CompletedAt: utc(r.CompletedAt)}
	if r.Status == codeforge.Queued && r.DueAt != nil {
		j.RunAt = r.DueAt.UTC()
	}
	return j
}

// answer is what the functions for jobs return, each its part of it.
type answer struct {
	Job   jobRow          `json:"job"`
	Fresh bool            `json:"fresh"`
	Seq   int64           `json:"seq"` // number of the first event
	At    time.Time       `json:"at"`  // of events that brought no time of their own
	Data  json.RawMessage `json:"data"`
	Next  string          `json:"next"`
}

// step queues a function that may put jobs into the queue, and decodes its answer.
func (s *Store) step(b *pgx.Batch, a *answer, function string, args ...any) {
	if s.dispatched.Load() {
		function = "public.codeforge_dispatch(" + function + ")"
	}
	call(b, a, nil, "select "+function, args...)
}

// call queues a function for jobs and decodes its answer; ok is set to whether there was one.
func call(b *pgx.Batch, a *answer, ok *bool, query string, args ...any) {
	b.Queue(query, args...).QueryRow(func(r pgx.Row) error {
		var doc []byte
		if err := r.Scan(&doc); err != nil {
			return err
		}
		*a = answer{}
		if ok != nil {
			if *ok = doc != nil; !*ok {
				return nil
			}
		}
		if err := json.Unmarshal(doc, a); err != nil {
			return fmt.Errorf("answer of %.60q: %w", query, err)
		}
		return nil
	})
}

func (s *Store) SubmitJob(ctx context.Context, u codeforge.User, n codeforge.NewJob) (job codeforge.Job, fresh bool, err error) {
	user, project, err := ids(u, "Project", n.ProjectID)
	if err != nil {
		return job, false, err
	}
	id := cmp.Or(n.ID, codeforge.NewID())
	if _, err := codeforge.ParseID(id); err != nil {
		return job, false, err
	}
	input := "{}"
	if len(n.Input) > 0 {
		input = string(n.Input)
	}
	var key *string
	if n.IdempotencyKey != "" {
		key = &n.IdempotencyKey
	}
	var a answer
	err = s.write(ctx, system, func(b *pgx.Batch) {
		call(b, &a, nil, "select public.codeforge_submit_job($1, $2, $3, $4, $5, $6, $7, $8, $9)",
			user, id, project, string(n.Agent), n.Agent.ChangesFiles(), input, key, clean(n.UserMessage), codeforge.NewID())
		if s.dispatched.Load() {
			// Cheaper than step, which has to find the id in the answer. Of a repeated submission it finds no job.
			b.Queue("select public.codeforge_enqueue($1)", id)
		}
	})
	if err != nil {
		return codeforge.Job{}, false, err
	}
	return a.Job.job(), a.Fresh, nil
}

func (s *Store) ClaimJob(ctx context.Context, id, worker string, lease time.Duration) (job codeforge.Job, ok bool, err error) {
	key, err := uuid("Job", id)
	if err != nil {
		return job, false, nil
	}
	var a answer
	err = s.write(ctx, system, func(b *pgx.Batch) {
		call(b, &a, &ok, "select json_build_object('job', j) from public.codeforge_claim_job($1, $2, $3) j where j is not null union all select null limit 1", key, worker, lease.Seconds())
	})
	if err != nil || !ok {
		return codeforge.Job{}, false, err
	}
	return a.Job.job(), true, nil
}

func (s *Store) RenewLeases(ctx context.Context, held []codeforge.Fence, lease time.Duration) (lost []codeforge.Fence, err error) {
	if len(held) == 0 {
		return nil, nil
	}
	keys, numbers := make([]pgtype.UUID, len(held)), make([]int64, len(held))
	for i, f := range held {
		if keys[i], err = uuid("Job", f.JobID); err != nil {
			return nil, err
		}
		numbers[i] = f.Number
	}
	err = s.write(ctx, system, func(b *pgx.Batch) {
		b.Queue("select job_id, fence from public.codeforge_renew_leases($1, $2, $3)", keys, numbers, lease.Seconds()).Query(func(rows pgx.Rows) (err error) {
			lost, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (f codeforge.Fence, err error) {
				err = r.Scan(&f.JobID, &f.Number)
				return f, err
			})
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

// lists are events as the functions take them: types, data, and times, where null is now.
func lists(events []codeforge.Event) (types, data []string, times []*time.Time) {
	types, data, times = make([]string, len(events)), make([]string, len(events)), make([]*time.Time, len(events))
	for i, e := range events {
		types[i], data[i] = string(e.Type), "{}"
		if len(e.Data) > 0 {
			data[i] = string(e.Data)
		}
		if !e.At.IsZero() {
			times[i] = &events[i].At
		}
	}
	return types, data, times
}

// numbered are events as they were stored.
func numbered(events []codeforge.Event, jobID string, first int64, at time.Time) []codeforge.Event {
	out := slices.Clone(events)
	for i := range out {
		e := &out[i]
		e.JobID, e.Seq = jobID, first+int64(i)
		if len(e.Data) == 0 {
			e.Data = json.RawMessage("{}")
		}
		if e.At.IsZero() {
			e.At = at.UTC()
		}
	}
	return out
}

func (s *Store) RecordEvents(ctx context.Context, f codeforge.Fence, progress float64, events []codeforge.Event) ([]codeforge.Event, error) {
	key, err := uuid("Job", f.JobID)
	if err != nil {
		return nil, codeforge.ErrFenced
	}
	types, data, times := lists(events)
	var first int64
	var at time.Time
	err = s.write(ctx, system, func(b *pgx.Batch) {
		b.Queue("select seq, at from public.codeforge_record_events($1, $2, $3, $4, $5, $6)", key, f.Number, progress, types, data, times).QueryRow(func(r pgx.Row) error {
			return r.Scan(&first, &at)
		})
	})
	if err != nil {
		return nil, err
	}
	return numbered(events, f.JobID, first, at), nil
}

// line is codeforge.Message as the functions take it.
type line struct {
	ID       string          `json:"id"`
	Role     string          `json:"role"`
	Content  string          `json:"content"`
	Thinking bool            `json:"is_thinking"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// outcome is codeforge.Outcome as the functions take it, events aside.
type outcome struct {
	Status        codeforge.JobStatus     `json:"status"`
	Progress      float64                 `json:"progress"`
	Result        json.RawMessage         `json:"result,omitempty"`
	Error         string                  `json:"error"`
	Question      json.RawMessage         `json:"question,omitempty"`
	Failed        bool                    `json:"failed"`
	RunAt         *time.Time              `json:"run_at,omitempty"`
	Changes       []change                `json:"changes"`
	Message       string                  `json:"message"`
	Requirements  json.RawMessage         `json:"requirements,omitempty"`
	Architecture  json.RawMessage         `json:"architecture,omitempty"`
	ProjectStatus codeforge.ProjectStatus `json:"project_status"`
	Chat          []line                  `json:"chat"`
}

func (s *Store) FinishJob(ctx context.Context, f codeforge.Fence, o codeforge.Outcome) (done codeforge.Finished, err error) {
	if o.Status == codeforge.Running || o.Status == "" {
		return done, errors.New("an outcome cannot leave a job running")
	}
	key, err := uuid("Job", f.JobID)
	if err != nil {
		return done, codeforge.ErrFenced
	}
	out := outcome{Status: o.Status, Progress: o.Progress, Result: o.Result, Error: clean(o.Error), Question: o.Question, Failed: o.Failed, Message: clean(o.Message),
		Requirements: o.Requirements, Architecture: o.Architecture, ProjectStatus: o.ProjectStatus, Changes: []change{}, Chat: []line{}}
	if !o.RunAt.IsZero() {
		out.RunAt = &o.RunAt
	}
	for _, c := range o.Changes {
		if err := checkFile(c); err != nil {
			return done, err
		}
		out.Changes = append(out.Changes, newChange(c))
	}
	for _, m := range o.Chat {
		out.Chat = append(out.Chat, line{codeforge.NewID(), m.Role, clean(m.Content), m.Thinking, m.Metadata})
	}
	doc, err := object(out)
	if err != nil {
		return done, err
	}
	types, data, times := lists(o.Events)
	var a answer
	err = s.write(ctx, system, func(b *pgx.Batch) {
		s.step(b, &a, "public.codeforge_finish_job($1, $2, $3, $4, $5, $6)", key, f.Number, doc, types, data, times)
	})
	if err != nil {
		return done, err
	}
	return codeforge.Finished{Job: a.Job.job(), Events: numbered(o.Events, a.Job.ID, a.Seq, a.At), Next: a.Next}, nil
}

// finished is the answer of a function that made one event itself.
func (a *answer) finished(t codeforge.EventType) codeforge.Finished {
	return codeforge.Finished{Job: a.Job.job(), Next: a.Next,
		Events: numbered([]codeforge.Event{{Type: t, Data: a.Data}}, a.Job.ID, a.Seq, a.At)}
}

func (s *Store) CancelJob(ctx context.Context, u codeforge.User, id string) (done codeforge.Finished, err error) {
	user, key, err := ids(u, "Job", id)
	if err != nil {
		return done, err
	}
	var a answer
	if err = s.write(ctx, system, func(b *pgx.Batch) { s.step(b, &a, "public.codeforge_cancel_job($1, $2)", user, key) }); err != nil {
		return done, err
	}
	return a.finished(codeforge.EventCancelled), nil
}

func (s *Store) RespondJob(ctx context.Context, u codeforge.User, id, alias string, answers []byte) (done codeforge.Finished, err error) {
	var given []json.RawMessage
	if err := json.Unmarshal(answers, &given); err != nil || given == nil {
		return done, codeforge.InvalidField("answers", "must be a JSON array")
	}
	user, key, err := ids(u, "Job", id)
	if err != nil {
		return done, err
	}
	var a answer
	err = s.write(ctx, system, func(b *pgx.Batch) {
		s.step(b, &a, "public.codeforge_respond_job($1, $2, $3, $4)", user, key, alias, string(answers))
	})
	if err != nil {
		return done, err
	}
	return a.finished(codeforge.EventProgress), nil
}

func (s *Store) DueJobs(ctx context.Context, limit int) (due []string, queued int, next time.Time, err error) {
	var a struct {
		IDs    []string   `json:"ids"`
		Queued int        `json:"queued"`
		Next   *time.Time `json:"next"`
	}
	err = s.read(ctx, system, func(b *pgx.Batch) {
		b.Queue("select public.codeforge_due_jobs($1)", limit).QueryRow(func(r pgx.Row) error {
			var doc []byte
			if err := r.Scan(&doc); err != nil {
				return err
			}
			return json.Unmarshal(doc, &a)
		})
	})
	if err == nil && a.Next != nil {
		next = a.Next.UTC()
	}
	return a.IDs, a.Queued, next, err
}

func (s *Store) ReleaseAll(ctx context.Context) (released int, err error) {
	err = s.write(ctx, system, func(b *pgx.Batch) {
		b.Queue("select public.codeforge_release_jobs()").QueryRow(func(r pgx.Row) error { return r.Scan(&released) })
	})
	return released, err
}

// sweepBatch bounds the rows (of jobs, or of the journal) deleted in one transaction, so that others need not wait for a large sweep.
const sweepBatch = 500

// SweepJobs works in several transactions: each job goes whole, and an error leaves the rest for the next time.
func (s *Store) SweepJobs(ctx context.Context, before time.Time) (swept int, err error) {
	return s.sweep(ctx, "select public.codeforge_sweep_jobs($1, $2)", before)
}

// sweep deletes what is older than before, batch by batch.
func (s *Store) sweep(ctx context.Context, query string, before time.Time) (swept int, err error) {
	for {
		n := 0
		err := s.write(ctx, system, func(b *pgx.Batch) {
			b.Queue(query, before, sweepBatch).QueryRow(func(r pgx.Row) error { return r.Scan(&n) })
		})
		swept += n
		if err != nil || n < sweepBatch {
			return swept, err
		}
	}
}

// itsID is the id of the job that $1 names or is an alias of.
const itsID = "coalesce((select a.job_id from public.job_aliases a where a.alias = $1), $1)"

func (s *Store) GetJob(ctx context.Context, u codeforge.User, id string) (j codeforge.Job, err error) {
	user, key, err := ids(u, "Job", id)
	if err != nil {
		return j, err
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		b.Queue("select "+jobColumns+" from public.agent_jobs j where j.id = "+itsID+" and j.user_id = $2", key, user).QueryRow(func(r pgx.Row) error {
			j = codeforge.Job{}
			err := scanJob(r, &j)
			if errors.Is(err, pgx.ErrNoRows) {
				return codeforge.NotFound("Job", id)
			}
			return err
		})
	})
	return j, err
}

func (s *Store) ListJobs(ctx context.Context, u codeforge.User, projectID string, f codeforge.JobFilter) (list []codeforge.Job, total int, err error) {
	user, key, err := ids(u, "Project", projectID)
	if err != nil {
		return nil, 0, err
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		ownProject(b, user, key, projectID)
		b.Queue("select count(*) from public.agent_jobs where project_id = $1", key).QueryRow(func(r pgx.Row) error { return r.Scan(&total) })
		b.Queue("select "+jobColumns+" from public.agent_jobs j where j.project_id = $1 order by j.seq desc limit $2 offset $3", key, f.Limit, f.Offset).Query(func(rows pgx.Rows) (err error) {
			list, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (j codeforge.Job, err error) {
				err = scanJob(r, &j)
				return j, err
			})
			return err
		})
	})
	return list, total, err
}

func (s *Store) JobOwner(ctx context.Context, id string) (jobID, userID string, err error) {
	key, err := uuid("Job", id)
	if err != nil {
		return "", "", err
	}
	err = s.read(ctx, system, func(b *pgx.Batch) {
		b.Queue("select j.id, j.user_id from public.agent_jobs j where j.id = "+itsID, key).QueryRow(func(r pgx.Row) error {
			err := r.Scan(&jobID, &userID)
			if errors.Is(err, pgx.ErrNoRows) {
				return codeforge.NotFound("Job", id)
			}
			return err
		})
	})
	return jobID, userID, err
}

func (s *Store) Events(ctx context.Context, u codeforge.User, jobID string, after int64, limit int) (events []codeforge.Event, err error) {
	user, key, err := ids(u, "Job", jobID)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, as(u), func(b *pgx.Batch) {
		b.Queue("select j.id from public.agent_jobs j where j.id = "+itsID+" and j.user_id = $2", key, user).QueryRow(func(r pgx.Row) error {
			err := r.Scan(&jobID)
			if errors.Is(err, pgx.ErrNoRows) {
				return codeforge.NotFound("Job", jobID)
			}
			return err
		})
		b.Queue("select e.seq, e.type, e.data, e.created_at from public.job_events e where e.job_id = "+itsID+" and e.user_id = $2 and e.seq > $3 order by e.seq limit $4",
			key, user, after, limit).Query(func(rows pgx.Rows) (err error) {
			events, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (e codeforge.Event, err error) {
				e.JobID = jobID
				err = r.Scan(&e.Seq, (*string)(&e.Type), (*[]byte)(&e.Data), &e.At)
				return e, err
			})
			return err
		})
	})
	return events, err
}
