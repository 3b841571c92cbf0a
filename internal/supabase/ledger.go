package supabase

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

// Ledger is a store's books of model calls, under the ceilings of the configuration. It implements [llm.Ledger].
type Ledger struct {
	s      *Store
	limits map[llm.BudgetScope]int64
}

// Ledger returns the books. limits are ceilings in micro-dollars that hold for every job, project or user; the API may set
// others for one of them, and the lower one counts.
func (s *Store) Ledger(limits map[llm.BudgetScope]int64) *Ledger {
	if limits == nil {
		limits = map[llm.BudgetScope]int64{}
	}
	return &Ledger{s, limits}
}

// optional reads an id that may be left out: then it is null.
func optional(resource, id string) (*string, error) {
	if id == "" {
		return nil, nil
	}
	if _, err := codeforge.ParseID(id); err != nil {
		return nil, codeforge.NotFound(resource, id)
	}
	return &id, nil
}

// above are the ids of what a call belongs to.
func above(c llm.Call) (job, project, user *string, err error) {
	job, err1 := optional("Job", c.JobID)
	project, err2 := optional("Project", c.ProjectID)
	user, err3 := optional("User", c.UserID)
	return job, project, user, errors.Join(err1, err2, err3)
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
	hold := codeforge.NewID()
	a, _, unsure, err := call[struct {
		Hold string
		Over *struct {
			Scope llm.BudgetScope
			ID    string
			Limit int64
			Spent int64
			Held  int64
		}
	}](ctx, l.s, system, true, "reserve", map[string]any{"p_hold": hold, "p_job": job, "p_project": project, "p_user": user, "p_limits": l.limits,
		"p_worst": r.Worst, "p_prompt": r.Prompt, "p_lapses": r.Lapses})
	if unsure && (a.Over != nil || code(err) == "23505") { // there is no room beside what an earlier try may hold
		var held []struct{}
		_, _, asked := l.s.do(ctx, request{method: http.MethodGet, path: "budget_holds", again: true,
			query: url.Values{"select": {"hold"}, "hold": {"eq." + hold}, "limit": {"1"}}}, &held)
		if asked != nil {
			return "", asked
		}
		if len(held) > 0 {
			return hold, nil
		}
	}
	if err == nil && a.Over != nil {
		err = &llm.BudgetError{Scope: a.Over.Scope, ID: a.Over.ID, Limit: a.Over.Limit, Spent: a.Over.Spent, Held: a.Over.Held, Needs: r.Worst}
	}
	return a.Hold, err
}

// entry is llm.Entry as the function takes it.
type entry struct {
	ID        string              `json:"id"`
	JobID     *string             `json:"job_id"`
	ProjectID *string             `json:"project_id"`
	UserID    *string             `json:"user_id"`
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
	_, _, _, err = call[bool](ctx, l.s, system, true, "record_call", map[string]any{"p_hold": hold,
		"p_call": entry{e.ID, job, project, user, e.Call.Agent, e.Call.Number, e.Attempt, clean(e.Provider), clean(e.Model), clean(e.Served),
			e.Usage.Usage, e.Usage.Missing, e.Usage.Partial, e.Cost.MicroUSD, e.Cost.Estimated, e.Kind, e.Status, e.Finish,
			e.FirstToken.Microseconds(), e.Latency.Microseconds(), e.At}})
	return err
}

// SumUsage sums model calls of u: in all, and by group. It answers NotFound for a project or a job that is not u's. A job that
// was swept is known as long as the ledger is.
func (l *Ledger) SumUsage(ctx context.Context, u codeforge.User, f codeforge.UsageFilter) (total codeforge.UsageSum, list []codeforge.UsageSum, err error) {
	if err := check(u, "User", u.ID); err != nil {
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
	var agent *codeforge.AgentType
	if f.Agent != "" {
		agent = &f.Agent
	}
	a, err := read[struct {
		Total  codeforge.UsageSum
		Groups []codeforge.UsageSum
	}](ctx, l.s, u, "sum_usage", map[string]any{"p_group": f.Group, "p_project": project, "p_job": job, "p_agent": agent,
		"p_from": moment(f.From), "p_to": moment(f.To), "p_limit": cmp.Or(f.Limit, 100)}, nil)
	if err != nil {
		return total, nil, err
	}
	a.Total.Key = "total"
	return a.Total, a.Groups, nil
}

// moment is a time, or null.
func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// JobUsage returns what the newest jobs of u of an agent type took that completed and called a model, newest first. It looks
// through the newest calls of u only, so it costs the same however many there are.
func (l *Ledger) JobUsage(ctx context.Context, u codeforge.User, agent codeforge.AgentType, limit int) (list []codeforge.JobUsage, err error) {
	if err := check(u, "User", u.ID); err != nil {
		return nil, err
	}
	rows, err := read[[]struct {
		ProjectID string `json:"project_id"`
		Calls     int64
		Cost      int64
		Estimated bool
		Offline   bool
		Took      int64
		codeforge.Usage
	}](ctx, l.s, u, "job_usage", map[string]any{"p_agent": agent, "p_limit": limit}, nil)
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
	if err := check(u, resource, id); err != nil {
		return err
	}
	_, _, _, err := call[any](ctx, l.s, system, true, "set_budget", map[string]any{"p_user": u.ID, "p_scope": scope, "p_id": id, "p_most": most})
	return err
}

// Budgets returns the ceilings in force for u, and for a project and a job of u when their ids are not empty. They are read
// with the service key: users have no right to the rows, and the function asks whose they are.
func (l *Ledger) Budgets(ctx context.Context, u codeforge.User, projectID, jobID string) (list []codeforge.Budget, err error) {
	if err := check(u, "User", u.ID); err != nil {
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
	list, _, _, err = call[[]codeforge.Budget](ctx, l.s, system, true, "budgets", map[string]any{"p_user": u.ID, "p_project": project, "p_job": job, "p_limits": l.limits})
	return list, err
}

// Get is part of [llm.Journal].
func (s *Store) Get(ctx context.Context, k llm.JournalKey) (entry []byte, err error) {
	if _, err := codeforge.ParseID(k.JobID); err != nil {
		return nil, codeforge.NotFound("Job", k.JobID)
	}
	var rows []struct{ Entry string }
	_, _, err = s.do(ctx, request{method: http.MethodGet, path: "llm_journal", again: true, query: url.Values{"select": {"entry"},
		"job_id": {"eq." + k.JobID}, "number": {"eq." + strconv.Itoa(k.Number)}, "hash": {"eq." + k.Hash}}}, &rows)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return []byte(rows[0].Entry), nil
}

// Put is part of [llm.Journal]. What Postgres cannot hold of an entry (bytes that are no UTF-8) is replaced, which the answer
// shows like any other that stands instead.
func (s *Store) Put(ctx context.Context, k llm.JournalKey, entry []byte) (kept []byte, err error) {
	if _, err := codeforge.ParseID(k.JobID); err != nil {
		return nil, codeforge.NotFound("Job", k.JobID)
	}
	text := clean(strings.ToValidUTF8(string(entry), "\uFFFD"))
	other, found, _, err := call[string](ctx, s, system, true, "put_journal", map[string]any{"p_job": k.JobID, "p_number": k.Number, "p_hash": k.Hash, "p_entry": text})
	switch {
	case err != nil:
		return nil, err
	case found:
		return []byte(other), nil
	}
	return []byte(text), nil
}

// SweepJournal deletes the answers of ended jobs that are older than before, and returns how many.
func (s *Store) SweepJournal(ctx context.Context, before time.Time) (swept int, err error) {
	return s.sweep(ctx, "sweep_journal", before)
}

var (
	_ llm.Ledger  = (*Ledger)(nil)
	_ llm.Journal = (*Store)(nil)
)
