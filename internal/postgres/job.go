package postgres

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"codeforge"
)

// jobDoc is what the functions that change a job return, each its part of it.
type jobDoc struct {
	Job       jobRow          `json:"job"`
	Fresh     bool            `json:"fresh"`
	Cancelled []jobDoc        `json:"cancelled"`
	Seq       int64           `json:"seq"` // number of the first event
	At        time.Time       `json:"at"`  // of events that brought no time of their own
	Data      json.RawMessage `json:"data"`
	Next      string          `json:"next"`
}

// finished is the answer of a function that made one event itself, or none if the job had ended before.
func (a *jobDoc) finished(t codeforge.EventType) codeforge.Finished {
	done := codeforge.Finished{Job: a.Job.job(), Next: a.Next}
	if a.Seq > 0 {
		done.Events = numbered([]codeforge.Event{{Type: t, Data: a.Data}}, a.Job.ID, a.Seq, a.At)
	}
	return done
}

// step calls a function that changes a job.
func (s *Store) step(ctx context.Context, function string, args ...arg) (a jobDoc, unsure bool, err error) {
	a, _, unsure, err = callFunction[jobDoc](ctx, s, functionCall{function: function, args: args, again: true})
	return a, unsure, err
}

// SubmitJob, when an earlier try did it and the answer was lost, does not tell which jobs were cancelled: their workers find out when
// they renew their leases.
func (s *Store) SubmitJob(ctx context.Context, u codeforge.User, n codeforge.NewJob) (j codeforge.Job, fresh bool, cancelled []codeforge.Finished, err error) {
	if err := check(u, "Project", n.ProjectID); err != nil {
		return j, false, nil, err
	}
	id := cmp.Or(n.ID, codeforge.NewID())
	if _, err := codeforge.ParseID(id); err != nil {
		return j, false, nil, err
	}
	if err := n.Check(); err != nil {
		return j, false, nil, err
	}
	if err := checkText(n.UserMessage, n.IdempotencyKey); err != nil {
		return j, false, nil, err
	}
	retryOf, err := optional("Job", n.RetryOf)
	if err != nil {
		return j, false, nil, err
	}
	// Documents go as text, so that they are stored as they came.
	a, _, unsure, err := callFunction[jobDoc](ctx, s, functionCall{function: "submit_job", again: true, traceParent: n.TraceParent, args: []arg{{"user", u.ID}, {"job", id}, {"project", n.ProjectID}, {"agent", string(n.Agent)},
		{"changes_files", n.Agent.ChangesFiles()}, {"input", cmp.Or(string(n.Input), "{}")}, {"key", textOrNull(n.IdempotencyKey)},
		{"message", withoutNUL(n.UserMessage)}, {"message_id", codeforge.NewID()}, {"retry_of", retryOf},
		{"apply", textOrNull(n.Apply)}, {"if_busy", textOrNull(n.IfBusy)}, {"worker", textOrNull(n.Worker)}, {"lease", n.Lease.Seconds()}}})
	switch {
	case unsure && code(err) == "23505": // the id is taken: by an earlier try
		j, err = s.GetJob(ctx, u, id)
		return j, err == nil, nil, err
	case err != nil:
		return j, false, nil, err
	}
	for _, c := range a.Cancelled {
		c.Next = "" // which ended as well
		cancelled = append(cancelled, c.finished(codeforge.EventCancelled))
	}
	fresh = a.Fresh || unsure && a.Job.ID == id
	if fresh {
		s.acknowledged.add(id)
	}
	return a.Job.job(), fresh, cancelled, nil
}

// policyArg is codeforge.ClaimPolicy as the functions take it.
type policyArg struct {
	Running        map[codeforge.AgentType]int `json:"running,omitempty"`
	Priority       map[codeforge.AgentType]int `json:"priority,omitempty"`
	RunningPerUser int                         `json:"running_per_user"`
	Patience       float64                     `json:"patience"`
	NobodyClaims   float64                     `json:"nobody_claims"`
}

func newPolicyArg(p *codeforge.ClaimPolicy) (arg, error) {
	doc, err := object(policyArg{p.Running, p.Priority, p.RunningPerUser, codeforge.Patience.Seconds(), codeforge.NobodyClaims.Seconds()})
	return arg{"policy", doc}, err
}

// ClaimJobs names the claim: one whose answer was lost is then found, and used.
func (s *Store) ClaimJobs(ctx context.Context, worker string, lease time.Duration, want int, p codeforge.ClaimPolicy) (got codeforge.Claimed, err error) {
	policy, err := newPolicyArg(&p)
	if err != nil {
		return got, err
	}
	args := []arg{{"worker", worker}, {"claim", codeforge.NewID()}, {"lease", lease.Seconds()}, {"want", want}, policy}
	if p.Only != nil {
		only := ids{}
		for _, id := range p.Only {
			if _, err := codeforge.ParseID(id); err == nil {
				only = append(only, id)
			}
		}
		args = append(args, arg{"only", only})
	}
	if len(p.Held) > 0 {
		args = append(args, arg{"held", ids(p.Held)})
	}
	var a struct {
		Jobs []jobRow `json:"jobs"`
		More bool     `json:"more"`
		Next float64  `json:"next"`
	}
	tries := 0
	_, err = s.retry(ctx, "claim_jobs", true, func() error {
		if tries++; tries == 2 {
			args = append(args, arg{"again", true})
		}
		doc, err := s.wire.send(ctx, functionCall{function: "claim_jobs", args: args})
		if err == nil {
			if err = json.Unmarshal(doc, &a); err != nil {
				err = &failure{cause: fmt.Errorf("answer of claim_jobs: %w", err), service: true}
			}
		}
		return err
	})
	if err != nil {
		return got, err
	}
	return codeforge.Claimed{Jobs: mapRows(a.Jobs, jobRow.job), More: a.More, Next: time.Duration(a.Next * float64(time.Second))}, nil
}

func (s *Store) QueuePlaces(ctx context.Context, jobIDs []string, p codeforge.ClaimPolicy) (map[string]codeforge.QueuePlace, error) {
	policy, err := newPolicyArg(&p)
	if err != nil {
		return nil, err
	}
	rows, err := look[map[string]struct {
		Place      int                  `json:"place"`
		WaitingFor codeforge.WaitReason `json:"waiting_for"`
	}](ctx, s, "queue_places", arg{"jobs", ids(jobIDs)}, policy)
	if err != nil {
		return nil, err
	}
	places := make(map[string]codeforge.QueuePlace, len(rows))
	for id, r := range rows {
		places[id] = codeforge.QueuePlace(r)
	}
	return places, nil
}

func (s *Store) RenewLeases(ctx context.Context, held []codeforge.Fence, lease time.Duration) (lost []codeforge.Fence, err error) {
	if len(held) == 0 {
		return nil, nil
	}
	jobs, numbers := make(ids, len(held)), make([]int64, len(held))
	for i, f := range held {
		if _, err := codeforge.ParseID(f.JobID); err != nil {
			return nil, err
		}
		jobs[i], numbers[i] = f.JobID, f.Number
	}
	rows, _, _, err := system[[]struct {
		JobID string `json:"job_id"`
		Fence int64  `json:"fence"`
	}](ctx, s, "renew_leases", arg{"jobs", jobs}, arg{"fences", numbers}, arg{"lease", lease.Seconds()})
	for _, r := range rows {
		lost = append(lost, codeforge.Fence{JobID: r.JobID, Number: r.Fence})
	}
	return lost, err
}

// eventArgs are arguments and events as the functions take them: types, data, and times, where null is now.
func eventArgs(events []codeforge.Event, args ...arg) ([]arg, error) {
	types, data, times := make([]string, len(events)), make([]string, len(events)), make([]*time.Time, len(events))
	for i, e := range events {
		types[i], data[i], times[i] = string(e.Type), cmp.Or(string(e.Data), "{}"), timeOrNull(e.At)
		if err := checkText(data[i]); err != nil {
			return nil, err
		}
	}
	return append(args, arg{"types", types}, arg{"data", data}, arg{"times", times}), nil
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
	files, err := workingArg(events)
	if err != nil {
		return nil, err
	}
	args, err := eventArgs(events, arg{"job", f.JobID}, arg{"fence", f.Number}, arg{"progress", progress}, files)
	if err != nil {
		return nil, err
	}
	tries := 5
	for try := 1; ; try++ {
		if _, doubt := s.unsure.Load(f); doubt && len(events) > 0 {
			if stored, err := s.storedTail(ctx, f, events); err != nil || stored != nil {
				if err == nil {
					s.unsure.Delete(f)
				}
				return stored, err
			}
		}
		a, _, unsure, err := callFunction[jobDoc](ctx, s, functionCall{function: "record_events", args: args})
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

// storedTail returns events as stored if they are the newest of a job, as far as type and data tell.
func (s *Store) storedTail(ctx context.Context, f codeforge.Fence, events []codeforge.Event) ([]codeforge.Event, error) {
	stored, err := s.newestEvents(ctx, f.JobID, len(events))
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

// newestEvents returns the last n events of a job, in order.
func (s *Store) newestEvents(ctx context.Context, jobID string, n int) ([]codeforge.Event, error) {
	rows, _, err := query[[]eventRow](ctx, s, "newest_events", arg{"job", jobID}, arg{"limit", n})
	return logged(jobID, rows), err
}

// messageArg is codeforge.Message as the functions take it.
type messageArg struct {
	ID       string          `json:"id"`
	Role     string          `json:"role"`
	Content  string          `json:"content"`
	Thinking bool            `json:"is_thinking"`
	Metadata json.RawMessage `json:"metadata,omitempty"`
}

// outcomeArg is codeforge.Outcome as the functions take it, events aside.
type outcomeArg struct {
	Status   codeforge.JobStatus `json:"status"`
	Progress float64             `json:"progress"`
	Result   json.RawMessage     `json:"result,omitempty"`
	Error    string              `json:"error"`
	Question json.RawMessage     `json:"question,omitempty"`
	Failed   bool                `json:"failed"`
	RunAt    *time.Time          `json:"run_at,omitempty"`
	Chat     []messageArg        `json:"chat"`
	Proposal *proposalArg        `json:"proposal,omitempty"`
	Roadmap  json.RawMessage     `json:"roadmap,omitempty"`
}

func messageArgs(all []codeforge.Message) []messageArg {
	out := make([]messageArg, len(all))
	for i, m := range all {
		out[i] = messageArg{codeforge.NewID(), m.Role, withoutNUL(m.Content), m.Thinking, m.Metadata}
	}
	return out
}

// FinishJob answers ErrFenced also when its own earlier try ended the claim and the answer was lost.
func (s *Store) FinishJob(ctx context.Context, f codeforge.Fence, o codeforge.Outcome) (done codeforge.Finished, err error) {
	if o.Status == codeforge.Running || o.Status == "" {
		return done, errors.New("an outcome cannot leave a job running")
	}
	if _, err := codeforge.ParseID(f.JobID); err != nil {
		return done, codeforge.ErrFenced
	}
	out := outcomeArg{Status: o.Status, Progress: o.Progress, Result: o.Result, Error: withoutNUL(o.Error), Question: o.Question, Failed: o.Failed,
		RunAt: timeOrNull(o.RunAt), Chat: messageArgs(o.Chat), Roadmap: o.Roadmap}
	if err := o.Check(); err != nil {
		return done, err
	}
	if out.Proposal, err = newProposalArg(o.Proposal); err != nil {
		return done, err
	}
	doc, err := object(out)
	if err != nil {
		return done, err
	}
	args, err := eventArgs(o.Events, arg{"job", f.JobID}, arg{"fence", f.Number}, arg{"outcome", doc})
	if err != nil {
		return done, err
	}
	a, _, err := s.step(ctx, "finish_job", args...)
	if err == nil || errors.Is(err, codeforge.ErrFenced) {
		s.unsure.Delete(f)
	}
	if err != nil {
		return done, err
	}
	return codeforge.Finished{Job: a.Job.job(), Events: numbered(o.Events, a.Job.ID, a.Seq, a.At), Next: a.Next}, nil
}

// earlierResult is what an earlier try made of a job of u, if there is one in that state ("": any), else the refusal of the later
// one. The same done by another cannot be told from it.
func (s *Store) earlierResult(ctx context.Context, u codeforge.User, id string, status codeforge.JobStatus, refused error) (done codeforge.Finished, err error) {
	j, err := s.GetJob(ctx, u, id)
	if err != nil || status != "" && j.Status != status {
		return done, refused
	}
	events, err := s.newestEvents(ctx, j.ID, 1)
	if err != nil {
		return done, err
	}
	return codeforge.Finished{Job: j, Events: events}, nil
}

func (s *Store) CancelJob(ctx context.Context, u codeforge.User, id string) (done codeforge.Finished, err error) {
	if err := check(u, "Job", id); err != nil {
		return done, err
	}
	a, unsure, err := s.step(ctx, "cancel_job", arg{"user", u.ID}, arg{"job", id})
	if unsure && codeforge.IsKind(err, codeforge.Invalid) {
		return s.earlierResult(ctx, u, id, codeforge.JobCancelled, err)
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
	if err := checkText(string(answers)); err != nil {
		return done, err
	}
	a, unsure, err := s.step(ctx, "respond_job", arg{"user", u.ID}, arg{"job", id}, arg{"alias", alias}, arg{"answers", string(answers)})
	if unsure && codeforge.IsKind(err, codeforge.Invalid) {
		return s.earlierResult(ctx, u, alias, "", err) // the alias is there only if it was done
	}
	if err != nil {
		return done, err
	}
	return a.finished(codeforge.EventProgress), nil
}

func (s *Store) CountQueued(ctx context.Context) (queued int, err error) {
	return look[int](ctx, s, "count_queued")
}

func (s *Store) CountJobs(ctx context.Context) ([]codeforge.JobCount, error) {
	rows, err := look[[]struct {
		codeforge.JobCount
		Due float64 `json:"due"` // seconds
	}](ctx, s, "count_jobs")
	counts := make([]codeforge.JobCount, len(rows))
	for i, r := range rows {
		counts[i], counts[i].Due = r.JobCount, time.Duration(r.Due*float64(time.Second))
	}
	return counts, err
}

// ReleaseAll may count too few when an answer was lost.
func (s *Store) ReleaseAll(ctx context.Context) (released int, err error) {
	released, _, _, err = system[int](ctx, s, "release_jobs")
	return released, err
}

// sweepBatch bounds the rows (of jobs, or of the journal) deleted in one call, so that others need not wait for a large sweep.
const sweepBatch = 500

// SweepJobs takes several calls: each job goes whole, and an error leaves the rest for the next time.
func (s *Store) SweepJobs(ctx context.Context, before time.Time) (swept int, err error) {
	return s.sweep(ctx, "sweep_jobs", before)
}

// sweep calls a function that deletes until there is no more to delete.
func (s *Store) sweep(ctx context.Context, function string, before time.Time) (swept int, err error) {
	for {
		n, _, _, err := system[int](ctx, s, function, arg{"before", before}, arg{"limit", sweepBatch})
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
	row, err := read[jobRow](ctx, s, u, "read_job", codeforge.NotFound("Job", id), arg{"job", id})
	return row.job(), err
}

// WatchJob is two round trips; what the second one costs is less than a function of the schema more.
func (s *Store) WatchJob(ctx context.Context, u codeforge.User, id string, after int64, limit int) (codeforge.Job, []codeforge.Event, error) {
	j, err := s.GetJob(ctx, u, id)
	if err != nil {
		return j, nil, err
	}
	events, err := s.Events(ctx, u, j.ID, after, limit)
	return j, events, err
}

func (s *Store) ListJobs(ctx context.Context, u codeforge.User, projectID string, f codeforge.JobFilter) (list []codeforge.Job, total int, err error) {
	if err := check(u, "Project", projectID); err != nil {
		return nil, 0, err
	}
	a, err := read[struct {
		Total int      `json:"total"`
		Jobs  []jobRow `json:"jobs"`
	}](ctx, s, u, "read_jobs", codeforge.NotFound("Project", projectID), arg{"project", projectID}, arg{"limit", f.Limit}, arg{"offset", f.Offset})
	return mapRows(a.Jobs, jobRow.job), a.Total, err
}

// ListUserJobs implements api.Store.
func (s *Store) ListUserJobs(ctx context.Context, u codeforge.User, f codeforge.UserJobs) (list []codeforge.Job, next string, err error) {
	if err := check(u, "User", u.ID); err != nil {
		return nil, "", err
	}
	before, err := codeforge.ParseCursor(f.Cursor, math.MaxInt64)
	if err != nil {
		return nil, "", err
	}
	project, err := optional("Project", f.ProjectID)
	if err != nil {
		return nil, "", err
	}
	var states []string
	for _, status := range f.States() {
		states = append(states, string(status))
	}
	a, err := read[struct {
		Jobs []jobRow `json:"jobs"`
		Next int64    `json:"next"`
	}](ctx, s, u, "read_user_jobs", codeforge.NotFound("Project", f.ProjectID), arg{"states", states}, arg{"agent", textOrNull(f.Agent)}, arg{"project", project},
		arg{"before", before}, arg{"limit", f.Limit}, arg{"walk", f.Walk()})
	return mapRows(a.Jobs, jobRow.job), codeforge.Cursor(a.Next), err
}

func (s *Store) JobOwner(ctx context.Context, id string) (jobID, userID string, err error) {
	if _, err := codeforge.ParseID(id); err != nil {
		return "", "", codeforge.NotFound("Job", id)
	}
	a, found, err := query[struct {
		JobID  string `json:"job_id"`
		UserID string `json:"user_id"`
	}](ctx, s, "job_owner", arg{"job", id})
	if err == nil && !found {
		err = codeforge.NotFound("Job", id)
	}
	return a.JobID, a.UserID, err
}

func (s *Store) Events(ctx context.Context, u codeforge.User, jobID string, after int64, limit int) ([]codeforge.Event, error) {
	if err := check(u, "Job", jobID); err != nil {
		return nil, err
	}
	a, err := read[struct {
		JobID  string     `json:"job_id"`
		Events []eventRow `json:"events"`
	}](ctx, s, u, "read_events", codeforge.NotFound("Job", jobID), arg{"job", jobID}, arg{"after", after}, arg{"limit", limit})
	return logged(a.JobID, a.Events), err
}
