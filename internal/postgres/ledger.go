package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"codeforge"
	"codeforge/internal/llm"
)

// Ledger is a store's books of model calls, under the ceilings of the configuration. It implements [llm.Ledger].
type Ledger struct {
	s      *Store
	limits json.RawMessage
}

// Ledger returns the books. limits are ceilings in micro-dollars that hold for every job, project or user; the API may set
// others for one of them, and the lower one counts.
func (s *Store) Ledger(limits map[llm.BudgetScope]int64) *Ledger {
	doc, _ := json.Marshal(limits) // numbers always marshal
	if limits == nil {
		doc = json.RawMessage("{}")
	}
	return &Ledger{s, doc}
}

// optional reads an id that may be left out.
func optional(resource, id string) (u pgtype.UUID, err error) {
	if id == "" {
		return u, nil
	}
	return uuid(resource, id)
}

// above are the ids of what a call belongs to.
func above(c llm.Call) (job, project, user pgtype.UUID, err error) {
	job, err1 := optional("Job", c.JobID)
	project, err2 := optional("Project", c.ProjectID)
	user, err3 := optional("User", c.UserID)
	return job, project, user, errors.Join(err1, err2, err3)
}

// decode queues a function that returns one document, and decodes it; NULL leaves to as it is.
func decode(b *pgx.Batch, to any, query string, args ...any) {
	b.Queue(query, args...).QueryRow(func(r pgx.Row) error {
		var doc []byte
		if err := r.Scan(&doc); err != nil || doc == nil {
			return err
		}
		if err := json.Unmarshal(doc, to); err != nil {
			return fmt.Errorf("answer of %.60q: %w", query, err)
		}
		return nil
	})
}

// Reserve is part of [llm.Ledger].
func (l *Ledger) Reserve(ctx context.Context, r llm.Reservation) (id string, err error) {
	if r.Worst <= 0 {
		return "", nil // what costs nothing passes every ceiling
	}
	job, project, user, err := above(r.Call)
	if err != nil {
		return "", err
	}
	type over struct {
		Scope llm.BudgetScope
		ID    string
		Limit int64
		Spent int64
		Held  int64
	}
	var answer struct {
		Hold string
		Over *over
	}
	hold := codeforge.NewID()
	err = l.s.write(ctx, system, func(b *pgx.Batch) {
		answer.Hold, answer.Over = "", nil
		decode(b, &answer, "select public.codeforge_reserve($1, $2, $3, $4, $5, $6, $7, $8)", hold, job, project, user, l.limits, r.Worst, r.Prompt, r.Lapses)
	})
	if err == nil && answer.Over != nil {
		err = &llm.BudgetError{Scope: answer.Over.Scope, ID: answer.Over.ID, Limit: answer.Over.Limit, Spent: answer.Over.Spent, Held: answer.Over.Held, Needs: r.Worst}
	}
	return answer.Hold, err
}

// entry is llm.Entry as the function takes it.
type entry struct {
	ID        string              `json:"id"`
	JobID     pgtype.UUID         `json:"job_id"`
	ProjectID pgtype.UUID         `json:"project_id"`
	UserID    pgtype.UUID         `json:"user_id"`
	Agent     codeforge.AgentType `json:"agent"`
	Call      int                 `json:"call"`
	Attempt   int                 `json:"attempt"`
	Provider  string              `json:"provider"`
	Model     string              `json:"model"`
	Served    string              `json:"served"`
	codeforge.Usage
	Missing    bool           `json:"usage_missing"`
	Partial    bool           `json:"usage_partial"`
	Cost       int64          `json:"cost"`
	Estimated  bool           `json:"estimated"`
	Kind       llm.ErrorKind  `json:"error_kind"`
	Status     int            `json:"status"`
	Finish     llm.FinishKind `json:"finish"`
	FirstToken int64          `json:"first_token"`
	Latency    int64          `json:"latency"`
	At         time.Time      `json:"at"`
}

// Record is part of [llm.Ledger].
func (l *Ledger) Record(ctx context.Context, e llm.Entry) error {
	job, project, user, err := above(e.Call)
	if err != nil {
		return err
	}
	hold, err := optional("Reservation", e.Reservation)
	if err != nil {
		return err
	}
	doc, err := object(entry{e.ID, job, project, user, e.Call.Agent, e.Call.Number, e.Attempt, clean(e.Provider), clean(e.Model), clean(e.Served),
		e.Usage.Usage, e.Usage.Missing, e.Usage.Partial, e.Cost.MicroUSD, e.Cost.Estimated, e.Kind, e.Status, e.Finish,
		e.FirstToken.Microseconds(), e.Latency.Microseconds(), e.At})
	if err != nil {
		return err
	}
	return l.s.write(ctx, system, func(b *pgx.Batch) { b.Queue("select public.codeforge_record_call($1, $2)", doc, hold) })
}

// SumUsage sums model calls of u: in all, and by group. It answers NotFound for a project or a job that is not u's. A job that
// was swept is known as long as the ledger is.
func (l *Ledger) SumUsage(ctx context.Context, u codeforge.User, f codeforge.UsageFilter) (total codeforge.UsageSum, list []codeforge.UsageSum, err error) {
	user, err := owner(u)
	if err != nil {
		return total, nil, err
	}
	project, err := optional("Project", f.ProjectID)
	if err != nil {
		return total, nil, err
	}
	job, err := optional("Job", f.JobID)
	if err != nil {
		return total, nil, err
	}
	var agent *string
	if f.Agent != "" {
		agent = new(string(f.Agent))
	}
	var answer struct {
		Total  codeforge.UsageSum
		Groups []codeforge.UsageSum
	}
	err = l.s.read(ctx, as(u), func(b *pgx.Batch) {
		answer.Groups = nil
		decode(b, &answer, "select public.codeforge_sum_usage($1, $2, $3, $4, $5, $6, $7, $8)", user, string(f.Group), project, job, agent, moment(f.From), moment(f.To), cmp.Or(f.Limit, 100))
	})
	if err != nil {
		return total, nil, err
	}
	answer.Total.Key = "total"
	return answer.Total, answer.Groups, nil
}

// moment is a time, or NULL.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// JobUsage returns what the newest jobs of u of an agent type took that completed and called a model, newest first. It looks
// through the newest calls of u only, so it costs the same however many there are.
func (l *Ledger) JobUsage(ctx context.Context, u codeforge.User, agent codeforge.AgentType, limit int) (list []codeforge.JobUsage, err error) {
	user, err := owner(u)
	if err != nil {
		return nil, err
	}
	var rows []struct {
		ProjectID string `json:"project_id"`
		Calls     int64
		Cost      int64
		Estimated bool
		Offline   bool
		Took      int64
		codeforge.Usage
	}
	err = l.s.read(ctx, as(u), func(b *pgx.Batch) {
		decode(b, &rows, "select public.codeforge_job_usage($1, $2, $3)", user, string(agent), limit)
	})
	for _, r := range rows {
		list = append(list, codeforge.JobUsage{ProjectID: r.ProjectID, Calls: r.Calls, Cost: r.Cost, Estimated: r.Estimated, Offline: r.Offline,
			Took: time.Duration(r.Took) * time.Microsecond, Usage: r.Usage})
	}
	return list, err
}

// SetBudget sets the ceiling on a job, project or user of u; nil lifts it. The configuration's own ceilings stay in force.
func (l *Ledger) SetBudget(ctx context.Context, u codeforge.User, scope llm.BudgetScope, id string, most *int64) error {
	resource := "User"
	switch scope {
	case llm.BudgetJob:
		resource = "Job"
	case llm.BudgetProjectDay, llm.BudgetProjectMonth:
		resource = "Project"
	}
	user, key, err := ids(u, resource, id)
	if err != nil {
		return err
	}
	return l.s.write(ctx, system, func(b *pgx.Batch) {
		b.Queue("select public.codeforge_set_budget($1, $2, $3, $4)", user, string(scope), key, most)
	})
}

// Budgets returns the ceilings in force for u, and for a project and a job of u when their ids are not empty.
func (l *Ledger) Budgets(ctx context.Context, u codeforge.User, projectID, jobID string) (list []codeforge.Budget, err error) {
	user, err := owner(u)
	if err != nil {
		return nil, err
	}
	project, err := optional("Project", projectID)
	if err != nil {
		return nil, err
	}
	job, err := optional("Job", jobID)
	if err != nil {
		return nil, err
	}
	err = l.s.read(ctx, system, func(b *pgx.Batch) {
		list = nil
		decode(b, &list, "select public.codeforge_budgets($1, $2, $3, $4)", user, project, job, l.limits)
	})
	return list, err
}

// Get is part of [llm.Journal].
func (s *Store) Get(ctx context.Context, k llm.JournalKey) (entry []byte, err error) {
	job, err := uuid("Job", k.JobID)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, system, func(b *pgx.Batch) {
		b.Queue("select entry from public.llm_journal where job_id = $1 and number = $2 and hash = $3", job, k.Number, k.Hash).QueryRow(func(r pgx.Row) error {
			if err := r.Scan(&entry); !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			entry = nil
			return nil
		})
	})
	return entry, err
}

// Put is part of [llm.Journal]. What Postgres cannot hold of an entry (bytes that are no UTF-8) is replaced, which the answer
// shows like any other that stands instead.
func (s *Store) Put(ctx context.Context, k llm.JournalKey, entry []byte) (kept []byte, err error) {
	job, err := uuid("Job", k.JobID)
	if err != nil {
		return nil, err
	}
	text := clean(strings.ToValidUTF8(string(entry), "\uFFFD"))
	var other *string
	err = s.write(ctx, system, func(b *pgx.Batch) {
		b.Queue("select public.codeforge_put_journal($1, $2, $3, $4)", job, k.Number, k.Hash, text).QueryRow(func(r pgx.Row) error { return r.Scan(&other) })
	})
	switch {
	case err != nil:
		return nil, err
	case other != nil:
		return []byte(*other), nil
	}
	return []byte(text), nil
}

// SweepJournal deletes the answers of ended jobs that are older than before, and returns how many.
func (s *Store) SweepJournal(ctx context.Context, before time.Time) (swept int, err error) {
	return s.sweep(ctx, "select public.codeforge_sweep_journal($1, $2)", before)
}

var (
	_ llm.Ledger  = (*Ledger)(nil)
	_ llm.Journal = (*Store)(nil)
)
