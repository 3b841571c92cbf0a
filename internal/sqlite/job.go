package sqlite

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"codeforge"
)

// jobRow is a row of jobs.
type jobRow struct {
	codeforge.Job
	seq, project int64
	events       int64
	due          time.Time // zero: NULL
	based        bool      // Base is set, if only to 0
}

const jobColumns = `seq, project, events, due_at, base IS NOT NULL, apply, retry_of, traceparent, proposal, id, project_id, user_id, agent, status, fence, progress, failures, crashes, base, revision,
	created_at, updated_at, started_at, completed_at, error, clarification, input, result`

func (j *jobRow) scan(r row) error {
	var proposal json.RawMessage
	err := r.scan(&j.seq, &j.project, &j.events, &j.due, &j.based, (*string)(&j.Apply), &j.RetryOf, &j.TraceParent, &proposal, &j.ID, &j.ProjectID, &j.UserID, (*string)(&j.Agent), (*string)(&j.Status), &j.Fence,
		&j.Progress, &j.Failures, &j.Crashes, &j.Base, &j.Revision, &j.CreatedAt, &j.UpdatedAt, &j.StartedAt, &j.CompletedAt, &j.Error,
		&j.Clarification, &j.Input, &j.Result)
	j.RunAt = time.Time{}
	if j.Status == codeforge.Queued {
		j.RunAt = j.due
	}
	if j.Proposal = nil; err == nil && proposal != nil {
		err = json.Unmarshal(proposal, &j.Proposal)
	}
	return err
}

// readJob scans the only row of a query for jobColumns.
func readJob(c *conn, query string, args ...any) (j jobRow, found bool, err error) {
	err = c.each(query, args, func(r row) error {
		found = true
		return j.scan(r)
	})
	return j, found, err
}

// ownJob finds a job of u by its id or an alias of it, or answers NotFound.
func ownJob(c *conn, u codeforge.User, id string) (jobRow, error) {
	j, found, err := readJob(c, "SELECT "+jobColumns+" FROM jobs WHERE id = ? AND user_id = ?", id, u.ID)
	if err == nil && !found {
		j, found, err = readJob(c, "SELECT "+jobColumns+" FROM jobs WHERE seq = (SELECT job FROM job_aliases WHERE alias = ?) AND user_id = ?", id, u.ID)
	}
	if err == nil && !found {
		err = codeforge.NotFound("Job", id)
	}
	return j, err
}

// maxOpen bounds the rows of jobs that the writer keeps.
const maxOpen = 4096

// openJob is a queued or running job by its id. The writer reads it from memory if it can: a claim follows a submission and an end
// follows a claim, so the row is one that it wrote a moment ago, and reading it back would cost as much as the write.
func openJob(c *conn, id string) (j jobRow, found bool, err error) {
	if j, found = c.open[id]; found {
		return j, true, nil
	}
	return readJob(c, "SELECT "+jobColumns+" FROM jobs WHERE id = ? AND due_at IS NOT NULL", id)
}

// wroteJob is told of every row of jobs that the writer wrote, in the state that it has now.
func wroteJob(c *conn, j jobRow) {
	c.jobs.set(&j, c.now)
	if j.due.IsZero() {
		delete(c.open, j.ID)
		return
	}
	if len(c.open) >= maxOpen {
		clear(c.open)
	}
	c.open[j.ID] = j
}

func (s *Store) SubmitJob(ctx context.Context, u codeforge.User, n codeforge.NewJob) (job codeforge.Job, fresh bool, cancelled []codeforge.Finished, err error) {
	if err := n.Check(); err != nil {
		return codeforge.Job{}, false, nil, err
	}
	n.ID = cmp.Or(n.ID, codeforge.NewID())
	if len(n.Input) == 0 {
		n.Input = json.RawMessage("{}")
	}
	n.Input = bytes.Clone(n.Input) // the writer keeps it, see openJob
	err = s.write(ctx, func(c *conn) error {
		cancelled = nil
		first, found, err := submittedBefore(c, u, n)
		if err != nil || found {
			job, fresh = first, false
			return err
		}
		var p project
		found, err = c.one("SELECT seq, status, apply FROM projects WHERE id = ? AND user_id = ?", []any{n.ProjectID, u.ID}, &p.seq, (*string)(&p.Status), (*string)(&p.Apply))
		switch {
		case err != nil:
			return err
		case !found:
			return codeforge.NotFound("Project", n.ProjectID)
		case p.Status == codeforge.Archived:
			return errArchived
		}
		if n.RetryOf != "" {
			if j, err := ownJob(c, u, n.RetryOf); err != nil || j.project != p.seq {
				return cmp.Or(err, error(codeforge.NotFound("Job", n.RetryOf)))
			}
		}
		if cancelled, err = makeRoom(c, p.seq, n); err != nil {
			return err
		}
		if err := s.roomForJob(c, u.ID, n.Agent); err != nil {
			return err
		}
		job, fresh = codeforge.Job{ID: n.ID, ProjectID: n.ProjectID, UserID: u.ID, Agent: n.Agent, Status: codeforge.Queued, Input: n.Input, RetryOf: n.RetryOf, TraceParent: n.TraceParent,
			Apply: cmp.Or(n.Apply, p.Apply), RunAt: c.now, CreatedAt: c.now, UpdatedAt: c.now}, true
		_, seq, err := c.exec(`INSERT INTO jobs(project, id, project_id, user_id, agent, changes_files, status, due_at, events, created_at, updated_at, idempotency_key, retry_of, traceparent, apply, input)
			VALUES(?, ?, ?, ?, ?, ?, 'queued', ?7, 1, ?7, ?7, ?8, ?9, ?10, ?11, ?12)`,
			p.seq, job.ID, job.ProjectID, job.UserID, string(job.Agent), job.Agent.ChangesFiles(), c.now, nullable(n.IdempotencyKey), nullable(job.RetryOf), nullable(job.TraceParent), string(job.Apply), job.Input)
		if err != nil {
			return err
		}
		wroteJob(c, jobRow{Job: job, seq: seq, project: p.seq, events: 1, due: c.now})
		if err := addEvent(c, seq, &codeforge.Event{JobID: job.ID, Seq: 1, Type: codeforge.EventProgress, Data: job.State(), At: c.now}); err != nil {
			return err
		}
		if n.UserMessage != "" {
			if err := addMessage(c, p.seq, codeforge.Message{Role: "user", Content: n.UserMessage}); err != nil {
				return err
			}
		}
		if n.Worker != "" {
			job, err = claim(c, job.ID, n.Worker, n.Lease)
		}
		return err
	})
	if err != nil {
		return codeforge.Job{}, false, nil, err
	}
	return job, fresh, cancelled, nil
}

// nullable is a text as a column that is NULL where there is none.
func nullable(text string) any {
	if text == "" {
		return nil
	}
	return text
}

// submittedBefore is the job that was submitted with the same key.
func submittedBefore(c *conn, u codeforge.User, n codeforge.NewJob) (job codeforge.Job, found bool, err error) {
	if n.IdempotencyKey == "" {
		return job, false, nil
	}
	first, found, err := readJob(c, "SELECT "+jobColumns+" FROM jobs WHERE user_id = ? AND idempotency_key = ?", u.ID, n.IdempotencyKey)
	if found && (first.ProjectID != n.ProjectID || first.Agent != n.Agent || !bytes.Equal(first.Input, n.Input)) {
		err = codeforge.Conflictf("this idempotency key was used for another request")
	}
	return first.Job, found, err
}

// makeRoom does what a job that changes files wants done with those that are queued or running on its project.
func makeRoom(c *conn, project int64, n codeforge.NewJob) (cancelled []codeforge.Finished, err error) {
	if !n.Agent.ChangesFiles() || n.IfBusy == "" || n.IfBusy == codeforge.BusyQueue {
		return nil, nil
	}
	var others []string
	if err := c.each(`SELECT id FROM jobs INDEXED BY jobs_in_line WHERE project = ? AND due_at IS NOT NULL AND changes_files ORDER BY status = 'running' DESC, seq`,
		[]any{project}, func(r row) error {
			others = append(others, "")
			return r.scan(&others[len(others)-1])
		}); err != nil {
		return nil, err
	}
	if n.IfBusy == codeforge.BusyReject && len(others) > 0 {
		return nil, codeforge.BusyError(others[0])
	}
	for _, id := range others {
		j, _, err := openJob(c, id)
		if err != nil {
			return nil, err
		}
		done, err := cancel(c, j)
		if err != nil {
			return nil, err
		}
		done.Next = "" // which ends as well
		cancelled = append(cancelled, done)
	}
	return cancelled, nil
}

func (s *Store) ClaimJobs(ctx context.Context, worker string, lease time.Duration, want int, p codeforge.ClaimPolicy) (got codeforge.Claimed, err error) {
	err = s.write(ctx, func(c *conn) error {
		got = codeforge.Claimed{}
		only, err := openEntries(c, p.Only)
		if err != nil {
			return err
		}
		for range want {
			e := c.jobs.next(c.now, &p, only)
			if e == nil {
				break
			}
			job, err := claim(c, e.id, worker, lease)
			if err != nil {
				return err
			}
			got.Jobs = append(got.Jobs, job)
		}
		got.More = len(got.Jobs) == want && c.jobs.next(c.now, &p, only) != nil
		if at := c.jobs.later(c.now); !at.IsZero() {
			got.Next = at.Sub(c.now)
		}
		return nil
	})
	if err != nil {
		return codeforge.Claimed{}, err
	}
	return got, nil
}

// claim makes a job the worker's.
func claim(c *conn, id, worker string, lease time.Duration) (codeforge.Job, error) {
	j, found, err := openJob(c, id)
	if err == nil && !found {
		err = fmt.Errorf("job %s is queued in memory alone", id)
	}
	if err != nil {
		return codeforge.Job{}, err
	}
	if !j.based {
		if _, err := c.one("SELECT revision FROM projects WHERE seq = ?", []any{j.project}, &j.Base); err != nil {
			return codeforge.Job{}, err
		}
		j.based = true
	}
	if j.Status == codeforge.Running {
		j.Crashes++
	} else if !j.Agent.NoModel() {
		if err := addMessage(c, j.project, codeforge.ThinkingMessage(&j.Job)); err != nil {
			return codeforge.Job{}, err
		}
	}
	if j.StartedAt == nil {
		j.StartedAt = new(c.now)
	}
	j.Fence++
	j.Status, j.UpdatedAt, j.RunAt, j.due = codeforge.Running, c.now, time.Time{}, c.now.Add(lease)
	wroteJob(c, j)
	_, _, err = c.exec("UPDATE jobs SET status = 'running', worker = ?, fence = ?, due_at = ?, updated_at = ?, crashes = ?, started_at = ?, base = ? WHERE seq = ?",
		worker, j.Fence, j.due, j.UpdatedAt, j.Crashes, *j.StartedAt, j.Base, j.seq)
	return j.Job, err
}

// openEntries are the open ones among jobs, each given by its id or an alias.
func openEntries(c *conn, ids []string) (list []*openJobEntry, err error) {
	for _, id := range ids {
		if c.jobs.jobs[id] == nil {
			if _, err := c.one("SELECT id FROM jobs WHERE seq = (SELECT job FROM job_aliases WHERE alias = ?)", []any{id}, &id); err != nil {
				return nil, err
			}
		}
		if e := c.jobs.jobs[id]; e != nil {
			list = append(list, e)
		}
	}
	return list, nil
}

func (s *Store) RenewLeases(ctx context.Context, held []codeforge.Fence, lease time.Duration) (lost []codeforge.Fence, err error) {
	if len(held) == 0 {
		return nil, nil
	}
	err = s.write(ctx, func(c *conn) error {
		lost = nil
		for _, f := range held {
			j, err := claimed(c, f)
			if errors.Is(err, codeforge.ErrFenced) {
				lost = append(lost, f)
				continue
			}
			if err != nil {
				return err
			}
			j.due = c.now.Add(lease)
			wroteJob(c, j)
			if _, _, err := c.exec("UPDATE jobs SET due_at = ? WHERE seq = ?", j.due, j.seq); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return lost, nil
}

func (s *Store) RecordEvents(ctx context.Context, f codeforge.Fence, progress float64, events []codeforge.Event) (stored []codeforge.Event, err error) {
	changes := codeforge.WorkingChanges(events)
	for _, ch := range changes {
		if err := ch.Check(); err != nil {
			return nil, err
		}
	}
	err = s.write(ctx, func(c *conn) error {
		stored = slices.Clone(events)
		j, err := claimed(c, f)
		if err != nil {
			return err
		}
		if progress >= 0 {
			j.Progress = progress
		}
		j.events += int64(len(events))
		j.UpdatedAt = c.now
		wroteJob(c, j)
		if _, _, err := c.exec("UPDATE jobs SET events = ?, progress = ?, updated_at = ? WHERE seq = ?", j.events, j.Progress, j.UpdatedAt, j.seq); err != nil {
			return err
		}
		if err := s.putWorking(c, &j, changes); err != nil {
			return err
		}
		return addEvents(c, j.seq, j.ID, j.events, stored)
	})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

func (s *Store) FinishJob(ctx context.Context, f codeforge.Fence, o codeforge.Outcome) (done codeforge.Finished, err error) {
	if o.Status == codeforge.Running || o.Status == "" {
		return done, errors.New("an outcome cannot leave a job running")
	}
	if o.Proposal != nil {
		if err := checkAll(o.Proposal.Changes); err != nil {
			return done, err
		}
	}
	if err := o.Check(); err != nil {
		return done, err
	}
	err = s.write(ctx, func(c *conn) error {
		done = codeforge.Finished{Events: slices.Clone(o.Events)}
		j, err := claimed(c, f)
		if err != nil {
			return err
		}
		if len(o.Question) > 0 {
			if j.Clarification, err = asked(j.Clarification, o.Question); err != nil {
				return err
			}
		}
		if len(o.Result) > 0 {
			j.Result = bytes.Clone(o.Result)
		}
		if o.Failed {
			j.Failures++
		}
		j.Status, j.Progress, j.Error, j.UpdatedAt = o.Status, o.Progress, strings.ReplaceAll(o.Error, "\x00", ""), c.now
		j.events += int64(len(o.Events))
		j.due = time.Time{}
		switch {
		case o.Status == codeforge.Queued:
			j.due = latest(o.RunAt, c.now)
			j.RunAt = j.due
		case o.Status.Terminal():
			j.CompletedAt = new(c.now)
		}
		if err := addEvents(c, j.seq, j.ID, j.events, done.Events); err != nil {
			return err
		}
		if o.Status == codeforge.JobFailed || o.Status == codeforge.Waiting {
			if err := s.propose(c, &j, o.Proposal); err != nil {
				return err
			}
		}
		if o.Status == codeforge.JobCompleted && o.Roadmap != nil {
			if err := putRoadmap(c, j.project, j.ID, o.Roadmap); err != nil {
				return err
			}
		}
		if o.Status == codeforge.JobCompleted || o.Status == codeforge.JobFailed || o.Status == codeforge.Waiting {
			if err := addMessages(c, j.project, o.Chat); err != nil {
				return err
			}
		}
		if _, _, err := c.exec(`UPDATE jobs SET status = ?, due_at = ?, completed_at = ?, updated_at = ?, progress = ?, failures = ?, error = ?,
			result = ?, clarification = ?, events = ? WHERE seq = ?`,
			string(j.Status), j.due, j.CompletedAt, j.UpdatedAt, j.Progress, j.Failures, j.Error, j.Result, j.Clarification, j.events, j.seq); err != nil {
			return err
		}
		wroteJob(c, j)
		done.Job = j.Job
		done.Next = nextDue(c, &j)
		return nil
	})
	if err != nil {
		return codeforge.Finished{}, err
	}
	return done, nil
}

// claimed is the job of a claim that still holds.
func claimed(c *conn, f codeforge.Fence) (jobRow, error) {
	j, found, err := openJob(c, f.JobID)
	if err == nil && (!found || j.Status != codeforge.Running || j.Fence != f.Number) {
		err = codeforge.ErrFenced
	}
	return j, err
}

// latest is the later of two times.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// clarification is the column of that name: what a job asks now, and all that it was ever answered.
type clarification struct {
	Questions json.RawMessage   `json:"questions"`
	Answers   []json.RawMessage `json:"answers"`
}

// asked is the clarification of a job that asks, given the one it had.
func asked(old, questions json.RawMessage) (json.RawMessage, error) {
	cl := clarification{Answers: []json.RawMessage{}}
	if len(old) > 0 {
		if err := json.Unmarshal(old, &cl); err != nil {
			return nil, err
		}
	}
	cl.Questions = questions
	return json.Marshal(cl)
}

// nextDue is the job that stood in line behind j and is due now.
func nextDue(c *conn, j *jobRow) string {
	if !j.Agent.ChangesFiles() {
		return ""
	}
	return c.jobs.head(j.project, j.ID, c.now)
}

// writeEnd is write for what ends a job, or leaves one that has ended as it is.
func (s *Store) writeEnd(ctx context.Context, do func(*conn) (codeforge.Finished, error)) (done codeforge.Finished, err error) {
	err = s.write(ctx, func(c *conn) (err error) {
		done, err = do(c)
		return err
	})
	if err != nil {
		return codeforge.Finished{}, err
	}
	return done, nil
}

func (s *Store) CancelJob(ctx context.Context, u codeforge.User, id string) (codeforge.Finished, error) {
	return s.writeEnd(ctx, func(c *conn) (codeforge.Finished, error) {
		j, err := ownJob(c, u, id)
		if err != nil {
			return codeforge.Finished{}, err
		}
		return cancel(c, j)
	})
}

// cancel ends a job that has not ended yet, with its event.
func cancel(c *conn, j jobRow) (done codeforge.Finished, err error) {
	if j.Status.Terminal() {
		return done, codeforge.InvalidField("status", "job is %s and cannot be cancelled", j.Status)
	}
	return end(c, j, codeforge.JobCancelled, codeforge.EventCancelled)
}

// end writes the row of a job that ends otherwise than by its worker, with its event.
func end(c *conn, j jobRow, status codeforge.JobStatus, event codeforge.EventType) (done codeforge.Finished, err error) {
	j.Status, j.RunAt, j.due, j.UpdatedAt, j.CompletedAt = status, time.Time{}, time.Time{}, c.now, new(c.now)
	if status == codeforge.JobCompleted {
		j.Progress = 100
	}
	j.events++
	wroteJob(c, j)
	if _, _, err := c.exec("UPDATE jobs SET status = ?, due_at = NULL, completed_at = ?2, updated_at = ?2, events = ?3, progress = ?4 WHERE seq = ?5",
		string(j.Status), c.now, j.events, j.Progress, j.seq); err != nil {
		return done, err
	}
	done = codeforge.Finished{Job: j.Job, Events: []codeforge.Event{{Type: event, Data: j.Job.State()}}}
	if err := addEvents(c, j.seq, j.ID, j.events, done.Events); err != nil {
		return done, err
	}
	done.Next = nextDue(c, &j)
	return done, nil
}

func (s *Store) RespondJob(ctx context.Context, u codeforge.User, id, alias string, answers []byte) (done codeforge.Finished, err error) {
	var given []json.RawMessage
	if err := json.Unmarshal(answers, &given); err != nil {
		return done, codeforge.InvalidField("answers", "must be a JSON array")
	}
	err = s.write(ctx, func(c *conn) error {
		j, err := ownJob(c, u, id)
		if err != nil {
			return err
		}
		if j.Status != codeforge.Waiting {
			return codeforge.InvalidField("status", "job is %s and waits for no answer", j.Status)
		}
		if err := s.roomForJob(c, u.ID, j.Agent); err != nil {
			return err
		}
		var cl clarification
		if err := json.Unmarshal(j.Clarification, &cl); err != nil {
			return err
		}
		cl.Answers = append(cl.Answers, given...)
		if j.Clarification, err = json.Marshal(cl); err != nil {
			return err
		}
		j.Status, j.RunAt, j.due, j.UpdatedAt, j.Base, j.based = codeforge.Queued, c.now, c.now, c.now, 0, false
		j.events++
		wroteJob(c, j)
		if _, _, err := c.exec("UPDATE jobs SET status = 'queued', due_at = ?1, updated_at = ?1, base = NULL, clarification = ?2, events = ?3 WHERE seq = ?4",
			c.now, j.Clarification, j.events, j.seq); err != nil {
			return err
		}
		if _, _, err := c.exec("INSERT INTO job_aliases(alias, job) VALUES(?, ?)", alias, j.seq); err != nil {
			return err
		}
		done = codeforge.Finished{Job: j.Job, Events: []codeforge.Event{{Type: codeforge.EventProgress, Data: j.Job.State()}}}
		return addEvents(c, j.seq, j.ID, j.events, done.Events)
	})
	if err != nil {
		return codeforge.Finished{}, err
	}
	return done, nil
}

func (s *Store) CountQueued(ctx context.Context) (int, error) {
	if s.jobs == nil {
		return 0, errReadOnly
	}
	return s.jobs.count(), context.Cause(ctx)
}

func (s *Store) CountJobs(ctx context.Context) (counts []codeforge.JobCount, err error) {
	err = s.view(ctx, func(c *conn) error {
		now := s.now()
		for _, query := range []string{
			"SELECT agent, status, count(*), min(iif(status = 'queued' AND due_at <= ?1, due_at, NULL)) FROM jobs INDEXED BY jobs_open WHERE due_at IS NOT NULL GROUP BY agent, status",
			"SELECT agent, status, count(*), iif(?1, NULL, NULL) FROM jobs INDEXED BY jobs_waiting WHERE status = 'waiting_for_input' GROUP BY agent"} {
			if err := c.each(query, []any{now}, func(r row) error {
				var n codeforge.JobCount
				var due *time.Time
				err := r.scan((*string)(&n.Agent), (*string)(&n.Status), &n.Jobs, &due)
				if due != nil {
					n.Due = now.Sub(*due)
				}
				counts = append(counts, n)
				return err
			}); err != nil {
				return err
			}
		}
		return nil
	})
	return counts, err
}

func (s *Store) ReleaseAll(ctx context.Context) (released int, err error) {
	err = s.write(ctx, func(c *conn) error {
		clear(c.open)
		changed, _, err := c.exec(`UPDATE jobs INDEXED BY jobs_open SET status = 'queued', due_at = ?1, updated_at = ?1, crashes = crashes + 1
			WHERE due_at IS NOT NULL AND status = 'running'`, c.now)
		if err != nil {
			return err
		}
		released = int(changed)
		// Rows that were written later than now say that the machine's clock was set back since: their times mean nothing.
		if _, _, err = c.exec(`UPDATE jobs INDEXED BY jobs_open SET due_at = ?1, updated_at = ?1 WHERE due_at > ?1 AND updated_at > ?1`, c.now); err != nil {
			return err
		}
		return c.readQueue(c.now)
	})
	if err != nil {
		return 0, err
	}
	return released, nil
}

func (s *Store) ProjectForJob(ctx context.Context, f codeforge.Fence) (codeforge.Project, error) {
	var p project
	err := s.read(ctx, func(c *conn) (err error) {
		found := false
		p, found, err = readProject(c, "SELECT "+projectColumns+" FROM projects WHERE seq = (SELECT project FROM jobs WHERE id = ? AND fence = ? AND status = 'running')",
			f.JobID, f.Number)
		if err == nil && !found {
			err = codeforge.ErrFenced
		}
		return err
	})
	return p.Project, err
}

// sweepBatch bounds the jobs deleted in one transaction, so that others need not wait for a large sweep.
const sweepBatch = 500

// SweepJobs works in several transactions: each job goes whole, and an error leaves the rest for the next time.
func (s *Store) SweepJobs(ctx context.Context, before time.Time) (swept int, err error) {
	var old []int64
	err = s.read(ctx, func(c *conn) error {
		return c.each("SELECT seq FROM jobs WHERE completed_at < ?", []any{before}, func(r row) error {
			old = append(old, 0)
			return r.scan(&old[len(old)-1])
		})
	})
	if err != nil {
		return 0, err
	}
	for part := range slices.Chunk(old, sweepBatch) {
		err := s.write(ctx, func(c *conn) error {
			for _, seq := range part {
				// Events and aliases go with it.
				if _, _, err := c.exec("DELETE FROM jobs WHERE seq = ?", seq); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return swept, err
		}
		swept += len(part)
	}
	return swept, nil
}

func (s *Store) GetJob(ctx context.Context, u codeforge.User, id string) (codeforge.Job, error) {
	var j jobRow
	err := s.read(ctx, func(c *conn) (err error) {
		j, err = ownJob(c, u, id)
		return err
	})
	return j.Job, err
}

func (s *Store) ListJobs(ctx context.Context, u codeforge.User, projectID string, f codeforge.JobFilter) (list []codeforge.Job, total int, err error) {
	err = s.view(ctx, func(c *conn) error {
		p, err := ownProject(c, u, projectID)
		if err != nil {
			return err
		}
		if _, err := c.one("SELECT count(*) FROM jobs WHERE project = ?", []any{p.seq}, &total); err != nil {
			return err
		}
		// The inner query skips in the index alone.
		return c.each("SELECT "+jobColumns+" FROM jobs WHERE seq IN (SELECT seq FROM jobs WHERE project = ? ORDER BY seq DESC LIMIT ? OFFSET ?) ORDER BY seq DESC",
			[]any{p.seq, f.Limit, f.Offset}, func(r row) error {
				var j jobRow
				err := j.scan(r)
				list = append(list, j.Job)
				return err
			})
	})
	return list, total, err
}

// ListUserJobs implements api.Store.
func (s *Store) ListUserJobs(ctx context.Context, u codeforge.User, f codeforge.UserJobs) (list []codeforge.Job, next string, err error) {
	before, err := codeforge.ParseCursor(f.Cursor, math.MaxInt64)
	if err != nil {
		return nil, "", err
	}
	err = s.view(ctx, func(c *conn) error {
		list, next = nil, ""
		walked, err := walkJobs(c, u, &f, before)
		if err != nil {
			return err
		}
		states, page := f.States(), []int64{}
		for _, w := range walked {
			if !slices.Contains(states, w.status) || f.Agent != "" && w.agent != f.Agent {
				continue
			}
			if len(page) == f.Limit { // there is one more
				next = codeforge.Cursor(page[f.Limit-1])
				break
			}
			page = append(page, w.seq)
		}
		if next == "" && len(walked) == f.Walk() {
			next = codeforge.Cursor(walked[len(walked)-1].seq)
		}
		rows, err := json.Marshal(page)
		if err != nil {
			return err
		}
		return c.each("SELECT "+jobColumns+" FROM jobs WHERE seq IN (SELECT value FROM json_each(?)) ORDER BY seq DESC", []any{string(rows)}, func(r row) error {
			var j jobRow
			err := j.scan(r)
			list = append(list, j.Job)
			return err
		})
	})
	return list, next, err
}

// Both walk an index.
const (
	jobsOfProject = "SELECT seq, status, agent FROM jobs INDEXED BY jobs_of_project WHERE project = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
	jobsOfState   = "SELECT seq, status, agent FROM jobs INDEXED BY jobs_of_user WHERE user_id = ? AND status = ? AND seq < ? ORDER BY seq DESC LIMIT ?"
)

// walkedJob is what is looked at of a job before it is read.
type walkedJob struct {
	seq    int64
	status codeforge.JobStatus
	agent  codeforge.AgentType
}

// walkJobs looks at the newest jobs of u before one, at most [codeforge.UserJobs.Walk] of them: of a project, or else of the states that
// are wanted, each of which has its order in an index.
func walkJobs(c *conn, u codeforge.User, f *codeforge.UserJobs, before int64) (walked []walkedJob, err error) {
	walk := func(query string, args ...any) error {
		return c.each(query, append(args, before, f.Walk()), func(r row) error {
			var w walkedJob
			err := r.scan(&w.seq, (*string)(&w.status), (*string)(&w.agent))
			walked = append(walked, w)
			return err
		})
	}
	if f.ProjectID != "" {
		p, err := ownProject(c, u, f.ProjectID)
		if err != nil {
			return nil, err
		}
		return walked, walk(jobsOfProject, p.seq)
	}
	for _, status := range f.States() {
		if err := walk(jobsOfState, u.ID, string(status)); err != nil {
			return nil, err
		}
	}
	slices.SortFunc(walked, func(a, b walkedJob) int { return cmp.Compare(b.seq, a.seq) })
	return walked[:min(len(walked), f.Walk())], nil
}

func (s *Store) WatchJob(ctx context.Context, u codeforge.User, id string, after int64, limit int) (j codeforge.Job, events []codeforge.Event, err error) {
	err = s.read(ctx, func(c *conn) error {
		if err := watchJob(c, u, id, after, limit, &j, &events); err != nil || j.ID != "" {
			return err
		}
		var canonical string
		found, err := c.one("SELECT id FROM jobs WHERE seq = (SELECT job FROM job_aliases WHERE alias = ?)", []any{id}, &canonical)
		if err == nil && found {
			err = watchJob(c, u, canonical, after, limit, &j, &events)
		}
		if err == nil && j.ID == "" {
			err = codeforge.NotFound("Job", id)
		}
		return err
	})
	return j, events, err
}

// watchJob is one statement, since beginning another would cost as much as all that it reads: the first row is the job.
func watchJob(c *conn, u codeforge.User, id string, after int64, limit int, j *codeforge.Job, events *[]codeforge.Event) error {
	return c.each(`SELECT 0, status, updated_at, error, id, user_id, progress, completed_at FROM jobs WHERE id = ?1 AND user_id = ?2
		UNION ALL SELECT * FROM (SELECT seq, type, at, data, NULL, NULL, NULL, NULL FROM job_events
			WHERE job = (SELECT seq FROM jobs WHERE id = ?1 AND user_id = ?2) AND seq > ?3 ORDER BY seq LIMIT ?4)`,
		[]any{id, u.ID, after, limit}, func(r row) error {
			if j.ID == "" {
				return r[1:].scan((*string)(&j.Status), &j.UpdatedAt, &j.Error, &j.ID, &j.UserID, &j.Progress, &j.CompletedAt)
			}
			*events = append(*events, codeforge.Event{JobID: j.ID})
			e := &(*events)[len(*events)-1]
			return r[:4].scan(&e.Seq, (*string)(&e.Type), &e.At, &e.Data)
		})
}

func (s *Store) JobOwner(ctx context.Context, id string) (jobID, userID string, err error) {
	err = s.read(ctx, func(c *conn) error {
		found, err := c.one("SELECT id, user_id FROM jobs WHERE id = ?1 OR seq = (SELECT job FROM job_aliases WHERE alias = ?1)", []any{id}, &jobID, &userID)
		if err == nil && !found {
			err = codeforge.NotFound("Job", id)
		}
		return err
	})
	return jobID, userID, err
}

func (s *Store) Events(ctx context.Context, u codeforge.User, jobID string, after int64, limit int) (events []codeforge.Event, err error) {
	err = s.view(ctx, func(c *conn) error {
		var seq int64
		var id string
		found, err := c.one("SELECT seq, id FROM jobs WHERE (id = ?1 OR seq = (SELECT job FROM job_aliases WHERE alias = ?1)) AND user_id = ?2", []any{jobID, u.ID}, &seq, &id)
		if err != nil {
			return err
		}
		if !found {
			return codeforge.NotFound("Job", jobID)
		}
		return c.each("SELECT seq, type, at, data FROM job_events WHERE job = ? AND seq > ? ORDER BY seq LIMIT ?", []any{seq, after, limit}, func(r row) error {
			events = append(events, codeforge.Event{JobID: id})
			e := &events[len(events)-1]
			return r.scan(&e.Seq, (*string)(&e.Type), &e.At, &e.Data)
		})
	})
	return events, err
}

// addEvents stores events, of which the last one gets number last, and fills in what their makers leave out.
func addEvents(c *conn, job int64, id string, last int64, events []codeforge.Event) error {
	for i := range events {
		e := &events[i]
		e.JobID, e.Seq = id, last-int64(len(events)-1-i)
		if e.At.IsZero() {
			e.At = c.now
		}
		if len(e.Data) == 0 {
			e.Data = json.RawMessage("{}")
		}
		if err := addEvent(c, job, e); err != nil {
			return err
		}
	}
	return nil
}

func addEvent(c *conn, job int64, e *codeforge.Event) error {
	_, _, err := c.exec("INSERT INTO job_events(job, seq, type, at, data) VALUES(?, ?, ?, ?, ?)", job, e.Seq, string(e.Type), e.At, e.Data)
	return err
}
