package supabase

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"codeforge"
)

// code is what the Data API called an error.
func code(err error) string {
	if f, ok := errors.AsType[*failure](err); ok {
		return f.Code
	}
	return ""
}

// job is a row of agent_jobs.
type job struct {
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

func (r *job) tidy() codeforge.Job {
	j := codeforge.Job{ID: r.ID, ProjectID: r.ProjectID, UserID: r.UserID, Agent: r.Agent, Status: r.Status, Progress: r.Progress, Input: present(r.Input),
		Result: present(r.Result), Error: r.Error, Clarification: present(r.Clarification), Revision: r.Revision, Base: r.Base, Fence: r.Fence,
		Failures: r.Failures, Crashes: r.Crashes, CreatedAt: r.CreatedAt.UTC(), UpdatedAt: r.UpdatedAt.UTC(), StartedAt: utc(r.StartedAt), CompletedAt: utc(r.CompletedAt)}
	if r.Status == codeforge.Queued && r.DueAt != nil {
		j.RunAt = r.DueAt.UTC()
	}
	return j
}

// answer is what the functions that change a job return, each its part of it.
type answer struct {
	Job   job             `json:"job"`
	Fresh bool            `json:"fresh"`
	Seq   int64           `json:"seq"` // number of the first event
	At    time.Time       `json:"at"`  // of events that brought no time of their own
	Data  json.RawMessage `json:"data"`
	Next  string          `json:"next"`
}

func (s *Store) SubmitJob(ctx context.Context, u codeforge.User, n codeforge.NewJob) (j codeforge.Job, fresh bool, err error) {
	if err := check(u, "Project", n.ProjectID); err != nil {
		return j, false, err
	}
	id := cmp.Or(n.ID, codeforge.NewID())
	if _, err := codeforge.ParseID(id); err != nil {
		return j, false, err
	}
	if err := valid(n.UserMessage, n.IdempotencyKey, string(n.Input)); err != nil {
		return j, false, err
	}
	var key *string
	if n.IdempotencyKey != "" {
		key = &n.IdempotencyKey
	}
	// Documents go as text, so that they are stored as they came.
	a, _, unsure, err := call[answer](ctx, s, system, true, "submit_job", map[string]any{"p_user": u.ID, "p_job": id, "p_project": n.ProjectID,
		"p_agent": n.Agent, "p_changes_files": n.Agent.ChangesFiles(), "p_input": cmp.Or(string(n.Input), "{}"), "p_key": key,
		"p_message": clean(n.UserMessage), "p_message_id": codeforge.NewID()})
	switch {
	case unsure && code(err) == "23505": // the id is taken: by an earlier try
		j, err = s.GetJob(ctx, u, id)
		return j, err == nil, err
	case err != nil:
		return j, false, err
	}
	return a.Job.tidy(), a.Fresh || unsure && a.Job.ID == id, nil
}

// ClaimJob names the claim beside the worker: a claim whose answer was lost is then found, and used.
func (s *Store) ClaimJob(ctx context.Context, id, worker string, lease time.Duration) (j codeforge.Job, ok bool, err error) {
	if _, err := codeforge.ParseID(id); err != nil {
		return j, false, nil
	}
	name := worker + " " + codeforge.NewID()
	row, found, unsure, err := call[job](ctx, s, system, true, "claim_job", map[string]any{"p_job": id, "p_worker": name, "p_lease": lease.Seconds()})
	if err != nil || found || !unsure {
		return row.tidy(), found, err
	}
	var rows []job
	_, _, err = s.do(ctx, request{method: http.MethodGet, path: "agent_jobs", again: true,
		query: url.Values{"id": {"eq." + id}, "worker": {"eq." + name}, "status": {"eq.running"}}}, &rows)
	if err != nil || len(rows) == 0 {
		return j, false, err
	}
	return rows[0].tidy(), true, nil
}

func (s *Store) RenewLeases(ctx context.Context, held []codeforge.Fence, lease time.Duration) (lost []codeforge.Fence, err error) {
	if len(held) == 0 {
		return nil, nil
	}
	ids, numbers := make([]string, len(held)), make([]int64, len(held))
	for i, f := range held {
		if _, err := codeforge.ParseID(f.JobID); err != nil {
			return nil, err
		}
		ids[i], numbers[i] = f.JobID, f.Number
	}
	rows, _, _, err := call[[]struct {
		JobID string `json:"job_id"`
		Fence int64  `json:"fence"`
	}](ctx, s, system, true, "renew_leases", map[string]any{"p_jobs": ids, "p_fences": numbers, "p_lease": lease.Seconds()})
	for _, r := range rows {
		lost = append(lost, codeforge.Fence{JobID: r.JobID, Number: r.Fence})
	}
	return lost, err
}

// lists adds events to arguments as the functions take them: types, data, and times, where null is now.
func lists(args map[string]any, events []codeforge.Event) error {
	types, data, times := make([]codeforge.EventType, len(events)), make([]string, len(events)), make([]*time.Time, len(events))
	for i, e := range events {
		types[i], data[i] = e.Type, cmp.Or(string(e.Data), "{}")
		if err := valid(data[i]); err != nil {
			return err
		}
		if !e.At.IsZero() {
			times[i] = &events[i].At
		}
	}
	args["p_types"], args["p_data"], args["p_times"] = types, data, times
	return nil
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

// RecordEvents, when an answer was lost, looks whether the newest events of the job are those given before it sends them
// again, in this call and in the next one for the claim.
func (s *Store) RecordEvents(ctx context.Context, f codeforge.Fence, progress float64, events []codeforge.Event) ([]codeforge.Event, error) {
	if _, err := codeforge.ParseID(f.JobID); err != nil {
		return nil, codeforge.ErrFenced
	}
	args := map[string]any{"p_job": f.JobID, "p_fence": f.Number, "p_progress": progress}
	if err := lists(args, events); err != nil {
		return nil, err
	}
	for try := 1; ; try++ {
		if _, doubt := s.unsure.Load(f); doubt && len(events) > 0 {
			if stored, err := s.tail(ctx, f, events); err != nil || stored != nil {
				if err == nil {
					s.unsure.Delete(f)
				}
				return stored, err
			}
		}
		a, _, unsure, err := call[answer](ctx, s, system, false, "record_events", args)
		switch {
		case err == nil:
			s.unsure.Delete(f)
			return numbered(events, f.JobID, a.Seq, a.At), nil
		case errors.Is(err, codeforge.ErrFenced):
			s.unsure.Delete(f)
			return nil, err
		case unsure:
			s.unsure.Store(f, struct{}{})
		}
		if !unsure || try == tries || ctx.Err() != nil {
			return nil, err
		}
	}
}

// tail returns events as stored if they are the newest of a job, as far as type and data tell.
func (s *Store) tail(ctx context.Context, f codeforge.Fence, events []codeforge.Event) ([]codeforge.Event, error) {
	stored, err := s.newest(ctx, f.JobID, len(events))
	if err != nil || len(stored) < len(events) {
		return nil, err
	}
	for i, e := range numbered(events, f.JobID, 0, time.Time{}) {
		if stored[i].Type != e.Type || !bytes.Equal(stored[i].Data, e.Data) {
			return nil, nil
		}
	}
	return stored, nil
}

// newest returns the last n events of a job, in order.
func (s *Store) newest(ctx context.Context, jobID string, n int) ([]codeforge.Event, error) {
	var all []event
	for len(all) < n {
		query := url.Values{"select": {"seq,type,data,at:created_at"}, "job_id": {"eq." + jobID}, "order": {"seq.desc"}, "limit": {strconv.Itoa(n - len(all))}}
		if len(all) > 0 {
			query.Set("seq", "lt."+strconv.FormatInt(all[len(all)-1].Seq, 10))
		}
		var rows []event
		if _, _, err := s.do(ctx, request{method: http.MethodGet, path: "job_events", query: query, again: true}, &rows); err != nil {
			return nil, err
		}
		if len(rows) == 0 {
			break
		}
		all = append(all, rows...)
	}
	slices.Reverse(all)
	return tidyEvents(jobID, all), nil
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

// FinishJob answers ErrFenced also when its own earlier try ended the claim and the answer was lost.
func (s *Store) FinishJob(ctx context.Context, f codeforge.Fence, o codeforge.Outcome) (done codeforge.Finished, err error) {
	if o.Status == codeforge.Running || o.Status == "" {
		return done, errors.New("an outcome cannot leave a job running")
	}
	if _, err := codeforge.ParseID(f.JobID); err != nil {
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
	args := map[string]any{"p_job": f.JobID, "p_fence": f.Number, "p_outcome": out}
	if err := lists(args, o.Events); err != nil {
		return done, err
	}
	a, _, _, err := call[answer](ctx, s, system, true, "finish_job", args)
	if err == nil || errors.Is(err, codeforge.ErrFenced) {
		s.unsure.Delete(f)
	}
	if err != nil {
		return done, err
	}
	return codeforge.Finished{Job: a.Job.tidy(), Events: numbered(o.Events, a.Job.ID, a.Seq, a.At), Next: a.Next}, nil
}

// finished is the answer of a function that made one event itself.
func (a *answer) finished(t codeforge.EventType) codeforge.Finished {
	return codeforge.Finished{Job: a.Job.tidy(), Next: a.Next,
		Events: numbered([]codeforge.Event{{Type: t, Data: a.Data}}, a.Job.ID, a.Seq, a.At)}
}

// done is what an earlier try made of a job of u, if there is one in that state ("": any), else the refusal of the later
// one. The same done by another cannot be told from it.
func (s *Store) done(ctx context.Context, u codeforge.User, id string, status codeforge.JobStatus, refused error) (done codeforge.Finished, err error) {
	j, err := s.GetJob(ctx, u, id)
	if err != nil || status != "" && j.Status != status {
		return done, refused
	}
	events, err := s.newest(ctx, j.ID, 1)
	if err != nil {
		return done, err
	}
	return codeforge.Finished{Job: j, Events: events}, nil
}

func (s *Store) CancelJob(ctx context.Context, u codeforge.User, id string) (done codeforge.Finished, err error) {
	if err := check(u, "Job", id); err != nil {
		return done, err
	}
	a, _, unsure, err := call[answer](ctx, s, system, true, "cancel_job", map[string]any{"p_user": u.ID, "p_job": id})
	if unsure && codeforge.IsKind(err, codeforge.Invalid) {
		return s.done(ctx, u, id, codeforge.JobCancelled, err)
	}
	if err != nil {
		return done, err
	}
	return a.finished(codeforge.EventCancelled), nil
}

func (s *Store) RespondJob(ctx context.Context, u codeforge.User, id, alias string, answers []byte) (done codeforge.Finished, err error) {
	var given []json.RawMessage
	if err := json.Unmarshal(answers, &given); err != nil || given == nil {
		return done, codeforge.InvalidField("answers", "must be a JSON array")
	}
	if err := check(u, "Job", id); err != nil {
		return done, err
	}
	if err := valid(string(answers)); err != nil {
		return done, err
	}
	a, _, unsure, err := call[answer](ctx, s, system, true, "respond_job", map[string]any{"p_user": u.ID, "p_job": id, "p_alias": alias, "p_answers": string(answers)})
	if unsure && codeforge.IsKind(err, codeforge.Invalid) {
		return s.done(ctx, u, alias, "", err) // the alias is there only if it was done
	}
	if err != nil {
		return done, err
	}
	return a.finished(codeforge.EventProgress), nil
}

func (s *Store) DueJobs(ctx context.Context, limit int) (due []string, queued int, next time.Time, err error) {
	a, _, _, err := call[struct {
		IDs    []string   `json:"ids"`
		Queued int        `json:"queued"`
		Next   *time.Time `json:"next"`
	}](ctx, s, system, true, "due_jobs", map[string]any{"p_limit": limit})
	if err == nil && a.Next != nil {
		next = a.Next.UTC()
	}
	return a.IDs, a.Queued, next, err
}

// ReleaseAll may count too few when an answer was lost.
func (s *Store) ReleaseAll(ctx context.Context) (released int, err error) {
	released, _, _, err = call[int](ctx, s, system, true, "release_jobs", map[string]any{})
	return released, err
}

// sweepBatch bounds what is deleted in one request, so that others need not wait for a large sweep.
const sweepBatch = 500

// SweepJobs works in several requests: each job goes whole, and an error leaves the rest for the next time.
func (s *Store) SweepJobs(ctx context.Context, before time.Time) (swept int, err error) {
	return s.sweep(ctx, "sweep_jobs", before)
}

// sweep calls a function that deletes until there is no more to delete.
func (s *Store) sweep(ctx context.Context, function string, before time.Time) (swept int, err error) {
	for {
		n, _, _, err := call[int](ctx, s, system, true, function, map[string]any{"p_before": before, "p_limit": sweepBatch})
		swept += n
		if err != nil || n < sweepBatch {
			return swept, err
		}
	}
}

func (s *Store) GetJob(ctx context.Context, u codeforge.User, id string) (j codeforge.Job, err error) {
	if err := check(u, "Job", id); err != nil {
		return j, err
	}
	row, err := read[job](ctx, s, u, "read_job", map[string]any{"p_job": id}, codeforge.NotFound("Job", id))
	if err != nil {
		return j, err
	}
	return row.tidy(), nil
}

func (s *Store) ListJobs(ctx context.Context, u codeforge.User, projectID string, f codeforge.JobFilter) (list []codeforge.Job, total int, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, 0, err
	}
	a, err := read[struct {
		Total int   `json:"total"`
		Jobs  []job `json:"jobs"`
	}](ctx, s, u, "read_jobs", map[string]any{"p_project": projectID, "p_limit": f.Limit, "p_offset": f.Offset}, codeforge.NotFound("Project", projectID))
	for i := range a.Jobs {
		list = append(list, a.Jobs[i].tidy())
	}
	return list, a.Total, err
}

// JobOwner takes a second request for an alias.
func (s *Store) JobOwner(ctx context.Context, id string) (jobID, userID string, err error) {
	if _, err := codeforge.ParseID(id); err != nil {
		return "", "", codeforge.NotFound("Job", id)
	}
	for _, q := range []struct{ table, columns, key string }{{"agent_jobs", "job_id:id,user_id", "id"}, {"job_aliases", "job_id,user_id", "alias"}} {
		var rows []struct {
			JobID  string `json:"job_id"`
			UserID string `json:"user_id"`
		}
		_, _, err := s.do(ctx, request{method: http.MethodGet, path: q.table, query: url.Values{"select": {q.columns}, q.key: {"eq." + id}}, again: true}, &rows)
		if err != nil {
			return "", "", err
		}
		if len(rows) == 1 {
			return rows[0].JobID, rows[0].UserID, nil
		}
	}
	return "", "", codeforge.NotFound("Job", id)
}

// event is a row of job_events.
type event struct {
	Seq  int64               `json:"seq"`
	Type codeforge.EventType `json:"type"`
	Data json.RawMessage     `json:"data"`
	At   time.Time           `json:"at"`
}

func tidyEvents(jobID string, rows []event) (events []codeforge.Event) {
	for _, e := range rows {
		events = append(events, codeforge.Event{JobID: jobID, Seq: e.Seq, Type: e.Type, Data: e.Data, At: e.At.UTC()})
	}
	return events
}

func (s *Store) Events(ctx context.Context, u codeforge.User, jobID string, after int64, limit int) ([]codeforge.Event, error) {
	if err := check(u, "Job", jobID); err != nil {
		return nil, err
	}
	a, err := read[struct {
		JobID  string  `json:"job_id"`
		Events []event `json:"events"`
	}](ctx, s, u, "read_events", map[string]any{"p_job": jobID, "p_after": after, "p_limit": limit}, codeforge.NotFound("Job", jobID))
	return tidyEvents(a.JobID, a.Events), err
}
