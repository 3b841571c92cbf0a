package postgres

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"time"

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

// ownerIDs are the ids of what a call belongs to.
func ownerIDs(c llm.Call) (job, project, user *string, err error) {
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
	job, project, user, err := ownerIDs(r.Call)
	if err != nil {
		return "", err
	}
	a, _, _, err := system[struct {
		Hold string
		Over *llm.BudgetError
	}](ctx, l.s, "reserve", arg{"hold", codeforge.NewID()}, arg{"job", job}, arg{"project", project}, arg{"user", user}, arg{"limits", l.limits},
		arg{"worst", r.Worst}, arg{"prompt", r.Prompt}, arg{"lapses", r.Lapses})
	if err == nil && a.Over != nil {
		a.Over.Needs = r.Worst
		err = a.Over
	}
	return a.Hold, err
}

// entryArg is llm.Entry as the function takes it.
type entryArg struct {
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
	OwnKey     bool           `json:"own_key"`
	OwnCost    int64          `json:"own_cost"`
}

// Record is part of [llm.Ledger].
func (l *Ledger) Record(ctx context.Context, e llm.Entry) error {
	job, project, user, err := ownerIDs(e.Call)
	if err != nil {
		return err
	}
	hold, err := optional("Reservation", e.Reservation)
	if err != nil {
		return err
	}
	doc, err := object(entryArg{e.ID, job, project, user, e.Call.Agent, e.Call.Number, e.Attempt, withoutNUL(e.Provider), withoutNUL(e.Model), withoutNUL(e.Served),
		e.Usage.Usage, e.Usage.Missing, e.Usage.Partial, e.ServerCost(), e.Cost.Estimated, e.Kind, e.Status, e.Finish,
		e.FirstToken.Microseconds(), e.Latency.Microseconds(), e.At, e.Own, e.OwnCost()})
	if err != nil {
		return err
	}
	_, _, _, err = system[any](ctx, l.s, "record_call", arg{"call", doc}, arg{"hold", hold})
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
	a, _, _, err := callFunction[struct {
		Total  codeforge.UsageSum
		Groups []codeforge.UsageSum
	}](ctx, l.s, functionCall{function: "sum_usage", as: u, again: true, reads: true, args: []arg{{"user", u.ID}, {"group", string(f.Group)}, {"project", project}, {"job", job},
		{"agent", textOrNull(f.Agent)}, {"from", timeOrNull(f.From)}, {"to", timeOrNull(f.To)}, {"limit", cmp.Or(f.Limit, 100)}}})
	if err != nil {
		return total, nil, err
	}
	a.Total.Key = "total"
	return a.Total, a.Groups, nil
}

// callRow is a row of llm_calls as the function tells of it; spans are microseconds.
type callRow struct {
	Seq      int64               `json:"seq"`
	ID       string              `json:"id"`
	Agent    codeforge.AgentType `json:"agent"`
	Call     int                 `json:"call"`
	Attempt  int                 `json:"attempt"`
	Fallback bool                `json:"fallback"`
	Provider string              `json:"provider"`
	Model    string              `json:"model"`
	Served   string              `json:"served"`
	codeforge.Usage
	Missing    bool      `json:"usage_missing"`
	Cost       int64     `json:"cost"`
	Estimated  bool      `json:"estimated"`
	Kind       string    `json:"error_kind"`
	Status     int       `json:"status"`
	Finish     string    `json:"finish"`
	FirstToken int64     `json:"first_token"`
	Latency    int64     `json:"latency"`
	At         time.Time `json:"at"`
	OwnKey     bool      `json:"own_key"`
}

func (r callRow) call() codeforge.ModelCall {
	return codeforge.ModelCall{ID: r.ID, Agent: r.Agent, Call: r.Call, Attempt: r.Attempt, Fallback: r.Fallback, Provider: r.Provider, Model: r.Model, Served: r.Served,
		Usage: r.Usage, Unknown: r.Missing, Cost: r.Cost, Estimated: r.Estimated, Error: r.Kind, Status: r.Status, Finish: r.Finish,
		FirstToken: time.Duration(r.FirstToken) * time.Microsecond, Took: time.Duration(r.Latency) * time.Microsecond, At: r.At.UTC(), OwnKey: r.OwnKey}
}

// JobCalls implements api.Ledger.
func (l *Ledger) JobCalls(ctx context.Context, u codeforge.User, jobID, cursor string, limit int) (out codeforge.JobCalls, err error) {
	if err := check(u, "Job", jobID); err != nil {
		return out, err
	}
	after, err := codeforge.ParseCursor(cursor, 0)
	if err != nil {
		return out, err
	}
	a, err := read[struct {
		JobID string              `json:"job_id"`
		Agent codeforge.AgentType `json:"agent"`
		Calls []callRow           `json:"calls"`
	}](ctx, l.s, u, "read_calls", codeforge.NotFound("Job", jobID), arg{"job", jobID}, arg{"after", after}, arg{"limit", limit + 1})
	if len(a.Calls) > limit {
		a.Calls = a.Calls[:limit]
		out.Next = codeforge.Cursor(a.Calls[limit-1].Seq)
	}
	out.JobID, out.Agent, out.Calls = a.JobID, a.Agent, mapRows(a.Calls, callRow.call)
	return out, err
}

// JobAnswer implements api.Ledger. Users may not read the journal's table themselves.
func (l *Ledger) JobAnswer(ctx context.Context, u codeforge.User, jobID string, call int) (entry []byte, err error) {
	if err := check(u, "Job", jobID); err != nil {
		return nil, err
	}
	a, found, err := query[struct{ Entry *string }](ctx, l.s, "read_answer", arg{"user", u.ID}, arg{"job", jobID}, arg{"call", call})
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, codeforge.NotFound("Job", jobID)
	case a.Entry == nil:
		return nil, codeforge.NotFound("Call", strconv.Itoa(call))
	}
	return []byte(*a.Entry), nil
}

// JobUsage returns what the newest jobs of u of an agent type took that completed and called a model, newest first. It looks
// through the newest calls of u only, so it costs the same however many there are.
func (l *Ledger) JobUsage(ctx context.Context, u codeforge.User, agent codeforge.AgentType, limit int) (list []codeforge.JobUsage, err error) {
	if err := check(u, "User", u.ID); err != nil {
		return nil, err
	}
	rows, _, _, err := callFunction[[]struct {
		ProjectID string `json:"project_id"`
		Calls     int64
		Cost      int64
		Estimated bool
		Offline   bool
		Took      int64
		codeforge.Usage
	}](ctx, l.s, functionCall{function: "job_usage", as: u, again: true, reads: true, args: []arg{{"user", u.ID}, {"agent", string(agent)}, {"limit", limit}}})
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
	_, _, _, err := system[any](ctx, l.s, "set_budget", arg{"user", u.ID}, arg{"scope", string(scope)}, arg{"id", id}, arg{"most", most})
	return err
}

// Budgets returns the ceilings in force for u, and for a project and a job of u when their ids are not empty. They are read
// as the system: users have no right to the rows, and the function asks whose they are.
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
	return look[[]codeforge.Budget](ctx, l.s, "budgets", arg{"user", u.ID}, arg{"project", project}, arg{"job", job}, arg{"limits", l.limits})
}

// Get is part of [llm.Journal].
func (s *Store) Get(ctx context.Context, k llm.JournalKey) (entry []byte, err error) {
	if _, err := codeforge.ParseID(k.JobID); err != nil {
		return nil, codeforge.NotFound("Job", k.JobID)
	}
	text, found, err := query[string](ctx, s, "get_journal", arg{"job", k.JobID}, arg{"number", k.Number}, arg{"hash", k.Hash})
	if err != nil || !found {
		return nil, err
	}
	return []byte(text), nil
}

// Put is part of [llm.Journal]. What Postgres cannot hold of an entry (bytes that are no UTF-8) is replaced, which the answer
// shows like any other that stands instead.
func (s *Store) Put(ctx context.Context, k llm.JournalKey, entry []byte) (kept []byte, err error) {
	if _, err := codeforge.ParseID(k.JobID); err != nil {
		return nil, codeforge.NotFound("Job", k.JobID)
	}
	text := withoutNUL(strings.ToValidUTF8(string(entry), "\uFFFD"))
	other, found, _, err := system[string](ctx, s, "put_journal", arg{"job", k.JobID}, arg{"number", k.Number}, arg{"hash", k.Hash}, arg{"entry", text})
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
