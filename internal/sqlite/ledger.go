package sqlite

import (
	"cmp"
	"context"
	"fmt"
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
func (s *Store) Ledger(limits map[llm.BudgetScope]int64) *Ledger { return &Ledger{s, limits} }

// Reserve is part of [llm.Ledger].
func (l *Ledger) Reserve(ctx context.Context, r llm.Reservation) (id string, err error) {
	if r.Worst == 0 {
		return "", nil // what costs nothing passes no ceiling
	}
	hold := codeforge.NewID()
	var over *llm.BudgetError
	err = l.s.write(ctx, func(c *conn) error {
		id, over = "", nil
		keys := llm.Budgets(r.Call, c.now)
		held := make([]llm.BudgetKey, 0, len(keys))
		// All ceilings are asked before any is written to: a refusal holds nothing.
		for _, k := range keys {
			limit, ok, err := l.limit(c, k)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			spent, reserved, err := l.period(c, k)
			if err != nil {
				return err
			}
			if spent+reserved+r.Worst > limit {
				over = &llm.BudgetError{Scope: k.Scope, ID: k.ID, Limit: limit, Spent: spent + reserved, Needs: r.Worst}
				return nil
			}
			held = append(held, k)
		}
		for _, k := range held {
			if _, _, err := c.exec("UPDATE budget_periods SET reserved = reserved + ?1 WHERE scope = ?2 AND id = ?3 AND period = ?4",
				r.Worst, string(k.Scope), k.ID, start(k)); err != nil {
				return err
			}
			if _, _, err := c.exec("INSERT INTO budget_holds(hold, scope, id, period, worst, prompt, lapses) VALUES(?, ?, ?, ?, ?, ?, ?)",
				hold, string(k.Scope), k.ID, start(k), r.Worst, r.Prompt, r.Lapses); err != nil {
				return err
			}
			id = hold
		}
		return nil
	})
	if err == nil && over != nil {
		return "", over
	}
	return id, err
}

// limit is the ceiling on k, if there is one.
func (l *Ledger) limit(c *conn, k llm.BudgetKey) (limit int64, ok bool, err error) {
	own, err := c.one("SELECT most FROM budget_limits WHERE scope = ? AND id = ?", []any{string(k.Scope), k.ID}, &limit)
	if general, ok := l.limits[k.Scope]; ok && (!own || general < limit) {
		return general, true, err
	}
	return limit, own, err
}

// period returns what is spent and reserved under k, after the reservations of calls that never came back were booked.
func (l *Ledger) period(c *conn, k llm.BudgetKey) (spent, reserved int64, err error) {
	args := []any{string(k.Scope), k.ID, start(k)}
	const read = "SELECT spent, reserved FROM budget_periods WHERE scope = ?1 AND id = ?2 AND period = ?3"
	found, err := c.one(read, args, &spent, &reserved)
	if err != nil {
		return 0, 0, err
	}
	if !found {
		if spent, err = spentBefore(c, k); err != nil {
			return 0, 0, err
		}
		_, _, err = c.exec("INSERT INTO budget_periods(scope, id, period, spent, reserved) VALUES(?, ?, ?, ?, 0)", append(args, spent)...)
		return spent, 0, err
	}
	var prompts, worsts int64
	if _, err = c.one("SELECT coalesce(sum(prompt), 0), coalesce(sum(worst), 0) FROM budget_holds WHERE scope = ?1 AND id = ?2 AND period = ?3 AND lapses < ?4",
		append(args, c.now), &prompts, &worsts); err != nil || worsts == 0 {
		return spent, reserved, err
	}
	if _, _, err = c.exec("DELETE FROM budget_holds WHERE scope = ?1 AND id = ?2 AND period = ?3 AND lapses < ?4", append(args, c.now)...); err != nil {
		return 0, 0, err
	}
	_, _, err = c.exec("UPDATE budget_periods SET spent = spent + ?4, reserved = reserved - ?5 WHERE scope = ?1 AND id = ?2 AND period = ?3",
		append(args, prompts, worsts)...)
	return spent + prompts, reserved - worsts, err
}

// spentBefore sums the ledger for a period that had no ceiling until now.
func spentBefore(c *conn, k llm.BudgetKey) (spent int64, err error) {
	const sum = "SELECT coalesce(sum(cost), 0) FROM llm_calls WHERE "
	switch k.Scope {
	case llm.BudgetJob:
		_, err = c.one(sum+"job_id = ?", []any{k.ID}, &spent)
	case llm.BudgetProjectDay, llm.BudgetProjectMonth:
		_, err = c.one(sum+"project_id = ? AND at >= ?", []any{k.ID, start(k)}, &spent)
	default:
		_, err = c.one(sum+"user_id = ? AND at >= ?", []any{k.ID, start(k)}, &spent)
	}
	return spent, err
}

// start is when the period of a budget begins, in microseconds.
func start(k llm.BudgetKey) int64 {
	if k.Period.IsZero() {
		return 0
	}
	return k.Period.UnixMicro()
}

// Record is part of [llm.Ledger].
func (l *Ledger) Record(ctx context.Context, e llm.Entry) error {
	return l.s.write(ctx, func(c *conn) error {
		changed, _, err := c.exec(`INSERT OR IGNORE INTO llm_calls(id, job_id, project_id, user_id, agent, call, attempt, provider, model, served,
			input_tokens, cached_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, usage_missing, usage_partial, cost, estimated,
			error_kind, status, finish, first_token, latency, at) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			e.ID, e.Call.JobID, e.Call.ProjectID, e.Call.UserID, string(e.Call.Agent), e.Call.Number, e.Attempt, e.Provider, e.Model, e.Served,
			e.Usage.InputTokens, e.Usage.CachedReadTokens, e.Usage.CacheWriteTokens, e.Usage.OutputTokens, e.Usage.ReasoningTokens,
			e.Usage.Missing, e.Usage.Partial, e.Cost.MicroUSD, e.Cost.Estimated, string(e.Kind), e.Status, string(e.Finish),
			e.FirstToken.Microseconds(), e.Latency.Microseconds(), e.At)
		if err != nil || changed == 0 {
			return err
		}
		// A period counts this cost if the reservation was made in it. One that lapsed was booked as a guess already, and what
		// it came to is added all the same: a ceiling errs on the side of the purse.
		if e.Reservation == "" {
			return l.settleUnheld(c, e)
		}
		if _, _, err := c.exec(`UPDATE budget_periods AS p SET spent = spent + ?2, reserved = reserved - h.worst FROM budget_holds h
			WHERE h.hold = ?1 AND p.scope = h.scope AND p.id = h.id AND p.period = h.period`, e.Reservation, e.Cost.MicroUSD); err != nil {
			return err
		}
		_, _, err = c.exec("DELETE FROM budget_holds WHERE hold = ?", e.Reservation)
		return err
	})
}

// settleUnheld adds a cost that had no reservation to the periods that were opened since.
func (l *Ledger) settleUnheld(c *conn, e llm.Entry) error {
	if e.Cost.MicroUSD == 0 {
		return nil
	}
	for _, k := range llm.Budgets(e.Call, e.At) {
		if _, _, err := c.exec("UPDATE budget_periods SET spent = spent + ? WHERE scope = ? AND id = ? AND period = ?",
			e.Cost.MicroUSD, string(k.Scope), k.ID, start(k)); err != nil {
			return err
		}
	}
	return nil
}

// Get is part of [llm.Journal].
func (s *Store) Get(ctx context.Context, k llm.JournalKey) (entry []byte, err error) {
	err = s.view(ctx, func(c *conn) error {
		var text string
		found, err := c.one("SELECT entry FROM llm_journal WHERE job_id = ? AND number = ? AND hash = ?", []any{k.JobID, k.Number, k.Hash}, &text)
		if found {
			entry = []byte(text)
		}
		return err
	})
	return entry, err
}

// Put is part of [llm.Journal].
func (s *Store) Put(ctx context.Context, k llm.JournalKey, entry []byte) (kept []byte, err error) {
	err = s.write(ctx, func(c *conn) error {
		if _, _, err := c.exec("INSERT OR IGNORE INTO llm_journal(job_id, number, hash, created_at, entry) VALUES(?, ?, ?, ?, ?)",
			k.JobID, k.Number, k.Hash, c.now, string(entry)); err != nil {
			return err
		}
		var text string
		_, err := c.one("SELECT entry FROM llm_journal WHERE job_id = ? AND number = ? AND hash = ?", []any{k.JobID, k.Number, k.Hash}, &text)
		kept = []byte(text)
		return err
	})
	return kept, err
}

// SweepJournal deletes the answers of ended jobs that are older than before, and returns how many.
func (s *Store) SweepJournal(ctx context.Context, before time.Time) (swept int, err error) {
	err = s.write(ctx, func(c *conn) error {
		n, _, err := c.exec(`DELETE FROM llm_journal WHERE created_at < ? AND NOT EXISTS
			(SELECT 1 FROM jobs j WHERE j.id = job_id AND j.completed_at IS NULL)`, before)
		swept = int(n)
		return err
	})
	return swept, err
}

// groups says how usage is summed: by which expression, and in which order.
var groups = map[codeforge.UsageGroup]struct{ key, order string }{
	codeforge.ByDay:     {"strftime('%Y-%m-%d', at / 1000000, 'unixepoch')", "1 DESC"},
	codeforge.ByProject: {"project_id", "5 DESC, 1"},
	codeforge.ByJob:     {"job_id", "max(seq) DESC"},
	codeforge.ByModel:   {"provider || ':' || CASE served WHEN '' THEN model ELSE served END", "5 DESC, 1"},
	codeforge.ByAgent:   {"agent", "5 DESC, 1"},
}

// SumUsage sums model calls of u: in all, and by group.
func (s *Store) SumUsage(ctx context.Context, u codeforge.User, f codeforge.UsageFilter) (total codeforge.UsageSum, list []codeforge.UsageSum, err error) {
	where, args := []string{"user_id = ?"}, []any{u.ID}
	add := func(cond string, arg any) { where, args = append(where, cond), append(args, arg) }
	if f.ProjectID != "" {
		add("project_id = ?", f.ProjectID)
	}
	if f.JobID != "" {
		add("job_id = ?", f.JobID)
	}
	if f.Agent != "" {
		add("agent = ?", string(f.Agent))
	}
	if !f.From.IsZero() {
		add("at >= ?", f.From)
	}
	if !f.To.IsZero() {
		add("at < ?", f.To)
	}
	g, ok := groups[f.Group]
	if !ok {
		return total, nil, fmt.Errorf("no such group of usage: %q", f.Group)
	}
	const sums = `count(*), coalesce(sum(error_kind <> ''), 0), coalesce(sum(usage_missing), 0), coalesce(sum(cost), 0), coalesce(max(estimated), 0),
		coalesce(sum(latency), 0) / 1000, coalesce(sum(input_tokens), 0), coalesce(sum(cached_read_tokens), 0), coalesce(sum(cache_write_tokens), 0),
		coalesce(sum(output_tokens), 0), coalesce(sum(reasoning_tokens), 0) FROM llm_calls WHERE `
	cond := strings.Join(where, " AND ")
	scan := func(r row) (sum codeforge.UsageSum, err error) {
		err = r.scan(&sum.Key, &sum.Calls, &sum.Failed, &sum.Unknown, &sum.Cost, &sum.Estimated, &sum.LatencyMS, &sum.InputTokens, &sum.CachedReadTokens,
			&sum.CacheWriteTokens, &sum.OutputTokens, &sum.ReasoningTokens)
		return sum, err
	}
	err = s.view(ctx, func(c *conn) error {
		if err := c.each("SELECT 'total', "+sums+cond, args, func(r row) (err error) {
			total, err = scan(r)
			return err
		}); err != nil {
			return err
		}
		return c.each("SELECT "+g.key+", "+sums+cond+" GROUP BY 1 ORDER BY "+g.order+" LIMIT ?", append(args, cmp.Or(f.Limit, 100)), func(r row) error {
			sum, err := scan(r)
			list = append(list, sum)
			return err
		})
	})
	return total, list, err
}

// budgeted finds the id that a budget of u is for, or answers NotFound for what is not u's.
func budgeted(c *conn, u codeforge.User, scope llm.BudgetScope, id string) error {
	switch scope {
	case llm.BudgetJob:
		_, err := ownJob(c, u, id)
		return err
	case llm.BudgetProjectDay, llm.BudgetProjectMonth:
		_, err := ownProject(c, u, id)
		return err
	}
	if id != u.ID {
		return codeforge.NotFound("User", id)
	}
	return nil
}

// SetBudget sets the ceiling on a job, project or user of u; nil lifts it. The configuration's own ceilings stay in force.
func (l *Ledger) SetBudget(ctx context.Context, u codeforge.User, scope llm.BudgetScope, id string, most *int64) error {
	return l.s.write(ctx, func(c *conn) error {
		if err := budgeted(c, u, scope, id); err != nil {
			return err
		}
		if most == nil {
			_, _, err := c.exec("DELETE FROM budget_limits WHERE scope = ? AND id = ?", string(scope), id)
			return err
		}
		_, _, err := c.exec("INSERT INTO budget_limits(scope, id, most) VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET most = ?3", string(scope), id, *most)
		return err
	})
}

// Budgets returns the ceilings in force for u, and for a project of u when projectID is not empty.
func (l *Ledger) Budgets(ctx context.Context, u codeforge.User, projectID string) (list []codeforge.Budget, err error) {
	err = l.s.view(ctx, func(c *conn) error {
		if projectID != "" {
			if _, err := ownProject(c, u, projectID); err != nil {
				return err
			}
		}
		for _, k := range llm.Budgets(llm.Call{ProjectID: projectID, UserID: u.ID}, l.s.now()) {
			limit, ok, err := l.limit(c, k)
			if err != nil {
				return err
			}
			if !ok {
				continue
			}
			b := codeforge.Budget{Scope: string(k.Scope), ID: k.ID, Limit: limit}
			found, err := c.one("SELECT spent, reserved FROM budget_periods WHERE scope = ? AND id = ? AND period = ?", []any{string(k.Scope), k.ID, start(k)}, &b.Spent, &b.Reserved)
			if err == nil && !found {
				b.Spent, err = spentBefore(c, k)
			}
			if err != nil {
				return err
			}
			list = append(list, b)
		}
		return nil
	})
	return list, err
}

var (
	_ llm.Ledger  = (*Ledger)(nil)
	_ llm.Journal = (*Store)(nil)
)
