package sqlite

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"strconv"
	"time"

	"codeforge"
	"codeforge/internal/llm"
)

// Ledger is a store's books of model calls, under the ceilings of the configuration. It implements [llm.Ledger].
//
// It is on the way of every call, so no call waits here for the disk. A reservation holds as soon as the writer has decided
// on it: the decisions after it see it. What is recorded stands in the writer's queue ahead of the answer's entry in the
// journal and of the end of its job, so of a job a power cut takes a record only with its answer. Reading the books waits for
// what was recorded before.
type Ledger struct {
	s      *Store
	limits map[llm.BudgetScope]int64
}

// Ledger returns the books. limits are ceilings in micro-dollars that hold for every job, project or user; the API may set
// others for one of them, and the lower one counts.
func (s *Store) Ledger(limits map[llm.BudgetScope]int64) *Ledger { return &Ledger{s, limits} }

// Reserve is part of [llm.Ledger].
func (l *Ledger) Reserve(ctx context.Context, r llm.Reservation) (id string, err error) {
	if r.Worst <= 0 {
		return "", nil // what costs nothing passes every ceiling
	}
	if len(l.limits) == 0 {
		var any bool
		err := l.s.read(ctx, func(c *conn) (err error) {
			any, err = c.one("SELECT 1 FROM budget_limits LIMIT 1", nil, new(int))
			return err
		})
		if err != nil || !any {
			return "", err
		}
	}
	hold := codeforge.NewID()
	type verdict struct {
		id  string
		err error
	}
	said := make(chan verdict, 1)
	w, err := l.s.enqueue(ctx, true, func(c *conn) error {
		all, err := l.standings(c, llm.Budgets(r.Call, c.now))
		if err != nil {
			return err
		}
		// All ceilings are asked before any is written to: a refusal holds nothing.
		held := make([]llm.BudgetKey, len(all))
		var v verdict
		for i := range all {
			at := &all[i]
			if err := at.open(c); err != nil {
				return err
			}
			if used := at.spent + at.reserved; used+r.Worst > at.limit {
				v.err = &llm.BudgetError{Scope: at.Scope, ID: at.ID, Limit: at.limit, Spent: used, Held: at.reserved, Needs: r.Worst}
				break
			}
			held[i] = at.BudgetKey
		}
		if len(all) > 0 && v.err == nil {
			v.id = hold
			if err := reserve(c, held, hold, r); err != nil {
				return err
			}
		}
		select {
		case said <- v:
		default: // it runs again, because another write of its batch failed
		}
		return nil
	})
	if err != nil {
		return "", err
	}
	select {
	case v := <-said:
		return v.id, v.err
	case <-w.done:
		err = w.err
	case <-l.s.ended:
		err = l.s.waitForCommit(w)
	case <-ctx.Done():
		if w.state.CompareAndSwap(waiting, givenUp) {
			return "", context.Cause(ctx)
		}
		err = l.s.waitForCommit(w)
	}
	if err != nil {
		return "", err
	}
	v := <-said // a write that did not fail said so
	return v.id, v.err
}

// reserve holds a reservation against budgets that have room.
func reserve(c *conn, held []llm.BudgetKey, hold string, r llm.Reservation) error {
	args := append(budgetKeyArgs(held), r.Worst)
	if _, _, err := c.exec(budgetKeysOf+"UPDATE budget_periods AS p SET reserved = reserved + ?16 FROM k WHERE p.scope = k.scope AND p.id = k.id AND p.period = k.period", args...); err != nil {
		return err
	}
	_, _, err := c.exec(budgetKeysOf+"INSERT INTO budget_holds(hold, scope, id, period, worst, prompt, lapses) SELECT ?17, scope, id, period, ?16, ?18, ?19 FROM k WHERE scope <> ''",
		append(args, hold, r.Prompt, r.Lapses)...)
	return err
}

// caughtUp waits until everything that was recorded can be read. A store that cannot write still shows what it has.
func (l *Ledger) caughtUp(ctx context.Context) {
	_ = l.s.write(ctx, func(*conn) error { return nil })
}

// budgetKeysOf begins statements about all budgets above a call at once: arguments 1 to 15 are what [five] makes of them.
const budgetKeysOf = "WITH k(n, scope, id, period) AS (VALUES(0, ?1, ?2, ?3), (1, ?4, ?5, ?6), (2, ?7, ?8, ?9), (3, ?10, ?11, ?12), (4, ?13, ?14, ?15)) "

// budgetKeyArgs returns scope, id and period of each key; those that are no keys are empty.
func budgetKeyArgs(keys []llm.BudgetKey) []any {
	args := make([]any, 0, 20)
	for i := range 5 {
		if i < len(keys) {
			args = append(args, string(keys[i].Scope), keys[i].ID, start(keys[i]))
		} else {
			args = append(args, "", "", 0)
		}
	}
	return args
}

// standing is where a budget with a ceiling stands. Spent and reserved do not tell yet of reservations that lapsed.
type standing struct {
	llm.BudgetKey
	limit, spent, reserved int64
	opened                 bool      // it has a row; else spent is what the ledger says
	lapses                 time.Time // the first reservation to lapse; zero: there is none
}

// standings returns where those of the keys stand that have a ceiling, in their order.
func (l *Ledger) standings(c *conn, keys []llm.BudgetKey) (list []standing, err error) {
	err = c.each(budgetKeysOf+`SELECT k.n, b.most IS NOT NULL, b.most, p.scope IS NOT NULL, p.spent, p.reserved, (SELECT min(h.lapses) FROM budget_holds h WHERE h.scope = k.scope AND h.id = k.id)
		FROM k LEFT JOIN budget_limits b ON b.scope = k.scope AND b.id = k.id LEFT JOIN budget_periods p ON p.scope = k.scope AND p.id = k.id AND p.period = k.period
		WHERE k.scope <> '' ORDER BY k.n`, budgetKeyArgs(keys), func(r row) error {
		var n int
		var own bool
		var at standing
		if err := r.scan(&n, &own, &at.limit, &at.opened, &at.spent, &at.reserved, &at.lapses); err != nil {
			return err
		}
		at.BudgetKey = keys[n]
		general, all := l.limits[at.Scope]
		if all && (!own || general < at.limit) {
			at.limit = general
		}
		if own || all {
			list = append(list, at)
		}
		return nil
	})
	for i := range list {
		if err == nil && !list[i].opened {
			list[i].spent, err = spentBefore(c, list[i].BudgetKey)
		}
	}
	return list, err
}

// lapsedRetention is how long a reservation that lapsed is kept, so that a record which comes late all the same replaces the
// guess that was booked for it.
const lapsedRetention = 24 * time.Hour

// open makes the row of a period that has none, and books what lapsed: the prompt as spent, in place of the reservation. A
// hold that is booked has no worst case any more; when it lapses again, it is forgotten.
func (at *standing) open(c *conn) error {
	if !at.opened {
		if _, _, err := c.exec("INSERT INTO budget_periods(scope, id, period, spent, reserved) VALUES(?, ?, ?, ?, 0)",
			string(at.Scope), at.ID, start(at.BudgetKey), at.spent); err != nil {
			return err
		}
	}
	if at.lapses.IsZero() || !at.lapses.Before(c.now) {
		return nil
	}
	args := []any{string(at.Scope), at.ID, c.now}
	if _, _, err := c.exec("DELETE FROM budget_holds WHERE scope = ?1 AND id = ?2 AND lapses < ?3 AND worst = 0", args...); err != nil {
		return err
	}
	if _, _, err := c.exec(`UPDATE budget_periods AS p SET spent = spent + h.prompts, reserved = reserved - h.worsts
		FROM (SELECT period, sum(prompt) AS prompts, sum(worst) AS worsts FROM budget_holds WHERE scope = ?1 AND id = ?2 AND lapses < ?3 GROUP BY period) h
		WHERE p.scope = ?1 AND p.id = ?2 AND p.period = h.period`, args...); err != nil {
		return err
	}
	if _, _, err := c.exec("UPDATE budget_holds SET worst = 0, lapses = ?4 WHERE scope = ?1 AND id = ?2 AND lapses < ?3",
		append(args, c.now.Add(lapsedRetention))...); err != nil {
		return err
	}
	_, err := c.one("SELECT spent, reserved FROM budget_periods WHERE scope = ?1 AND id = ?2 AND period = ?3", []any{string(at.Scope), at.ID, start(at.BudgetKey)}, &at.spent, &at.reserved)
	return err
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

// Record is part of [llm.Ledger]. It returns before the commit.
func (l *Ledger) Record(ctx context.Context, e llm.Entry) error {
	w, err := l.s.enqueue(ctx, true, func(c *conn) error {
		changed, _, err := c.exec(`INSERT OR IGNORE INTO llm_calls(id, job_id, project_id, user_id, agent, call, attempt, provider, model, served,
			input_tokens, cached_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, usage_missing, usage_partial, cost, estimated,
			error_kind, status, finish, first_token, latency, at, own_key, own_cost) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			e.ID, e.Call.JobID, e.Call.ProjectID, e.Call.UserID, string(e.Call.Agent), e.Call.Number, e.Attempt, e.Provider, e.Model, e.Served,
			e.Usage.InputTokens, e.Usage.CachedReadTokens, e.Usage.CacheWriteTokens, e.Usage.OutputTokens, e.Usage.ReasoningTokens,
			e.Usage.Missing, e.Usage.Partial, e.ServerCost(), e.Cost.Estimated, string(e.Kind), e.Status, string(e.Finish),
			e.FirstToken.Microseconds(), e.Latency.Microseconds(), e.At, e.Own, e.OwnCost())
		if err != nil || changed == 0 {
			return err
		}
		return recordCost(c, e)
	})
	if err != nil {
		return err
	}
	select {
	case <-l.s.closing: // then it is not sure that the writer comes to it
		return l.s.waitForCommit(w)
	default:
		return nil
	}
}

// recordCost adds a cost to all periods above the call that have a row: in a budget that the reservation was held against, to
// the period of that time and in place of it; in one that got its ceiling meanwhile, to the period of the call. Else the
// rows would no more tell what the ledger does.
func recordCost(c *conn, e llm.Entry) error {
	if e.Reservation != "" {
		// Of one that lapsed, the prompt was booked as a guess.
		if _, _, err := c.exec(`UPDATE budget_periods AS p SET spent = spent + ?2 - iif(h.worst = 0, h.prompt, 0), reserved = reserved - h.worst
			FROM budget_holds h WHERE h.hold = ?1 AND p.scope = h.scope AND p.id = h.id AND p.period = h.period`, e.Reservation, e.ServerCost()); err != nil {
			return err
		}
	}
	if e.ServerCost() != 0 {
		if _, _, err := c.exec(budgetKeysOf+`UPDATE budget_periods AS p SET spent = spent + ?16 FROM k WHERE p.scope = k.scope AND p.id = k.id AND p.period = k.period
			AND NOT EXISTS (SELECT 1 FROM budget_holds h WHERE h.hold = ?17 AND h.scope = k.scope)`,
			append(budgetKeyArgs(llm.Budgets(e.Call, e.At)), e.ServerCost(), e.Reservation)...); err != nil {
			return err
		}
	}
	if e.Reservation == "" {
		return nil
	}
	_, _, err := c.exec("DELETE FROM budget_holds WHERE hold = ?", e.Reservation)
	return err
}

// Get is part of [llm.Journal].
func (s *Store) Get(ctx context.Context, k llm.JournalKey) (entry []byte, err error) {
	err = s.read(ctx, func(c *conn) error {
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
		if _, _, err := c.exec("INSERT OR IGNORE INTO llm_journal(job_id, number, hash, created_at, entry) SELECT id, ?2, ?3, ?4, ?5 FROM jobs WHERE id = ?1",
			k.JobID, k.Number, k.Hash, c.now, string(entry)); err != nil {
			return err
		}
		text := string(entry) // of a job that is gone nothing is kept
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

// SumUsage sums model calls of u: in all, and by group. It answers NotFound for a project or a job that is not u's. A job that
// was swept is known as long as the ledger is.
func (l *Ledger) SumUsage(ctx context.Context, u codeforge.User, f codeforge.UsageFilter) (total codeforge.UsageSum, list []codeforge.UsageSum, err error) {
	g, ok := groups[f.Group]
	if !ok {
		return total, nil, fmt.Errorf("no such group of usage: %q", f.Group)
	}
	const sums = `count(*), coalesce(sum(error_kind <> ''), 0), coalesce(sum(usage_missing), 0), coalesce(sum(cost), 0), coalesce(max(estimated), 0),
		coalesce(sum(latency), 0) / 1000, coalesce(sum(input_tokens), 0), coalesce(sum(cached_read_tokens), 0), coalesce(sum(cache_write_tokens), 0),
		coalesce(sum(output_tokens), 0), coalesce(sum(reasoning_tokens), 0), coalesce(sum(own_key), 0), coalesce(sum(own_cost), 0) FROM llm_calls `
	// There are three ways to the rows, and every text names all arguments, so that there are few texts.
	from := "INDEXED BY llm_calls_of_user WHERE user_id = ?1 AND at >= ?2 AND at < ?3 AND (?4 = '' OR agent = ?4) AND (?5 = '' OR project_id = ?5) AND (?6 = '' OR job_id = ?6)"
	switch {
	case f.JobID != "":
		from = "INDEXED BY llm_calls_of_job WHERE job_id = ?6 AND user_id = ?1 AND at >= ?2 AND at < ?3 AND (?4 = '' OR agent = ?4) AND (?5 = '' OR project_id = ?5)"
	case f.ProjectID != "":
		from = "INDEXED BY llm_calls_of_project WHERE project_id = ?5 AND at >= ?2 AND at < ?3 AND user_id = ?1 AND (?4 = '' OR agent = ?4) AND ?6 = ''"
	}
	scan := func(r row) (sum codeforge.UsageSum, err error) {
		err = r.scan(&sum.Key, &sum.Calls, &sum.Failed, &sum.Unknown, &sum.Cost, &sum.Estimated, &sum.LatencyMS, &sum.InputTokens, &sum.CachedReadTokens,
			&sum.CacheWriteTokens, &sum.OutputTokens, &sum.ReasoningTokens, &sum.OwnCalls, &sum.OwnCost)
		return sum, err
	}
	limit := cmp.Or(f.Limit, 100)
	l.caughtUp(ctx)
	err = l.s.view(ctx, func(c *conn) error {
		total, list = codeforge.UsageSum{}, nil
		if f.ProjectID != "" {
			if _, err := ownProject(c, u, f.ProjectID); err != nil {
				return err
			}
		}
		if f.JobID != "" {
			j, err := bookedJob(c, u, f.JobID)
			if err != nil {
				return err
			}
			f.JobID = j.ID // it may have come as an alias
		}
		until := int64(math.MaxInt64)
		if !f.To.IsZero() {
			until = f.To.UnixMicro()
		}
		since := int64(0)
		if !f.From.IsZero() {
			since = f.From.UnixMicro()
		}
		args := []any{u.ID, since, until, string(f.Agent), f.ProjectID, f.JobID}
		if err := c.each("SELECT "+g.key+", "+sums+from+" GROUP BY 1 ORDER BY "+g.order+" LIMIT ?7", append(args, limit+1), func(r row) error {
			sum, err := scan(r)
			list = append(list, sum)
			return err
		}); err != nil {
			return err
		}
		if len(list) <= limit {
			for _, sum := range list {
				add(&total, sum)
			}
			total.Key = "total"
			return nil
		}
		list = list[:limit]
		return c.each("SELECT 'total', "+sums+from, args, func(r row) (err error) {
			total, err = scan(r)
			return err
		})
	})
	return total, list, err
}

func add(to *codeforge.UsageSum, s codeforge.UsageSum) {
	to.Calls, to.Failed, to.Unknown = to.Calls+s.Calls, to.Failed+s.Failed, to.Unknown+s.Unknown
	to.Cost, to.Estimated, to.LatencyMS = to.Cost+s.Cost, to.Estimated || s.Estimated, to.LatencyMS+s.LatencyMS
	to.OwnCalls, to.OwnCost = to.OwnCalls+s.OwnCalls, to.OwnCost+s.OwnCost
	to.Usage = to.Usage.Add(s.Usage)
}

// recentCalls bounds how far back [Ledger.JobUsage] looks.
const recentCalls = 1_000

// JobCalls implements api.Ledger.
func (l *Ledger) JobCalls(ctx context.Context, u codeforge.User, jobID, cursor string, limit int) (out codeforge.JobCalls, err error) {
	after, err := codeforge.ParseCursor(cursor, 0)
	if err != nil {
		return out, err
	}
	l.caughtUp(ctx)
	err = l.s.view(ctx, func(c *conn) error {
		j, err := bookedJob(c, u, jobID)
		if err != nil {
			return err
		}
		out = codeforge.JobCalls{JobID: j.ID, Agent: j.Agent}
		var last int64
		return c.each(`SELECT * FROM (SELECT seq, id, agent, call, attempt, provider <> first_value(provider) OVER asked OR model <> first_value(model) OVER asked, provider, model, served,
				input_tokens, cached_read_tokens, cache_write_tokens, output_tokens, reasoning_tokens, usage_missing, cost + own_cost, estimated, error_kind, status, finish,
				first_token, latency, at, own_key
			FROM llm_calls INDEXED BY llm_calls_of_job WHERE job_id = ?1 AND user_id = ?2 WINDOW asked AS (PARTITION BY call ORDER BY seq))
			WHERE seq > ?3 ORDER BY seq LIMIT ?4`, []any{j.ID, u.ID, after, limit + 1}, func(r row) error {
			if len(out.Calls) == limit {
				out.Next = codeforge.Cursor(last)
				return nil
			}
			var m codeforge.ModelCall
			var first, took int64
			err := r.scan(&last, &m.ID, (*string)(&m.Agent), &m.Call, &m.Attempt, &m.Fallback, &m.Provider, &m.Model, &m.Served,
				&m.Usage.InputTokens, &m.Usage.CachedReadTokens, &m.Usage.CacheWriteTokens, &m.Usage.OutputTokens, &m.Usage.ReasoningTokens, &m.Unknown, &m.Cost, &m.Estimated,
				&m.Error, &m.Status, &m.Finish, &first, &took, &m.At, &m.OwnKey)
			m.FirstToken, m.Took = time.Duration(first)*time.Microsecond, time.Duration(took)*time.Microsecond
			out.Calls = append(out.Calls, m)
			return err
		})
	})
	return out, err
}

// JobAnswer implements api.Ledger.
func (l *Ledger) JobAnswer(ctx context.Context, u codeforge.User, jobID string, call int) (entry []byte, err error) {
	err = l.s.view(ctx, func(c *conn) error {
		j, err := ownJob(c, u, jobID)
		if err != nil {
			return err
		}
		var text string
		found, err := c.one("SELECT entry FROM llm_journal WHERE job_id = ? AND number = ? ORDER BY created_at DESC LIMIT 1", []any{j.ID, call}, &text)
		if err == nil && !found {
			err = codeforge.NotFound("Call", strconv.Itoa(call))
		}
		entry = []byte(text)
		return err
	})
	return entry, err
}

// bookedJob finds a job of u, of one that was swept its id alone, as long as there are calls of it.
func bookedJob(c *conn, u codeforge.User, id string) (codeforge.Job, error) {
	j, err := ownJob(c, u, id)
	if codeforge.IsKind(err, codeforge.Missing) {
		found, oops := c.one("SELECT 1 FROM llm_calls WHERE job_id = ? AND user_id = ? LIMIT 1", []any{id, u.ID}, new(int))
		if oops != nil || found {
			return codeforge.Job{ID: id}, oops
		}
	}
	return j.Job, err
}

// JobUsage returns what the newest jobs of u of an agent type took that completed and called a model, newest first. It looks
// through the newest calls of u only, so it costs the same however many there are.
func (l *Ledger) JobUsage(ctx context.Context, u codeforge.User, agent codeforge.AgentType, limit int) (list []codeforge.JobUsage, err error) {
	l.caughtUp(ctx)
	err = l.s.read(ctx, func(c *conn) error {
		return c.each(`SELECT j.project_id, count(*), sum(l.cost + l.own_cost), max(l.estimated), max(l.provider = ?5),
				CASE WHEN j.clarification IS NULL THEN j.completed_at - j.started_at ELSE sum(l.latency) END,
				sum(l.input_tokens), sum(l.cached_read_tokens), sum(l.cache_write_tokens), sum(l.output_tokens), sum(l.reasoning_tokens)
			FROM jobs j JOIN llm_calls l ON l.job_id = j.id
			WHERE j.seq IN (SELECT seq FROM jobs WHERE id IN (SELECT job_id FROM llm_calls WHERE user_id = ?1 ORDER BY at DESC LIMIT ?4)
				AND user_id = ?1 AND agent = ?2 AND status = 'completed' ORDER BY seq DESC LIMIT ?3)
			GROUP BY j.seq ORDER BY j.seq DESC`, []any{u.ID, string(agent), limit, recentCalls, llm.Scaffold}, func(r row) error {
			var j codeforge.JobUsage
			var micros int64
			err := r.scan(&j.ProjectID, &j.Calls, &j.Cost, &j.Estimated, &j.Offline, &micros,
				&j.InputTokens, &j.CachedReadTokens, &j.CacheWriteTokens, &j.OutputTokens, &j.ReasoningTokens)
			j.Took = time.Duration(micros) * time.Microsecond
			list = append(list, j)
			return err
		})
	})
	return list, err
}

// budgeted finds the id under which a budget of u is kept, or answers NotFound for what is not u's.
func budgeted(c *conn, u codeforge.User, scope llm.BudgetScope, id string) (string, error) {
	switch scope {
	case llm.BudgetJob:
		j, err := ownJob(c, u, id)
		return j.ID, err // id may be an alias
	case llm.BudgetProjectDay, llm.BudgetProjectMonth:
		p, err := ownProject(c, u, id)
		return p.ID, err
	case llm.BudgetUserDay, llm.BudgetUserMonth:
		if id != u.ID {
			return "", codeforge.NotFound("User", id)
		}
		return id, nil
	}
	return "", codeforge.InvalidField("scope", "must be one of job, project_day, project_month, user_day, user_month")
}

// SetBudget sets the ceiling on a job, project or user of u; nil lifts it. The configuration's own ceilings stay in force.
func (l *Ledger) SetBudget(ctx context.Context, u codeforge.User, scope llm.BudgetScope, id string, most *int64) error {
	return l.s.write(ctx, func(c *conn) error {
		id, err := budgeted(c, u, scope, id)
		if err != nil {
			return err
		}
		if most == nil {
			_, _, err := c.exec("DELETE FROM budget_limits WHERE scope = ? AND id = ?", string(scope), id)
			return err
		}
		_, _, err = c.exec("INSERT INTO budget_limits(scope, id, most) VALUES(?1, ?2, ?3) ON CONFLICT DO UPDATE SET most = ?3", string(scope), id, *most)
		return err
	})
}

// Budgets returns the ceilings in force for u, and for a project and a job of u when their ids are not empty.
func (l *Ledger) Budgets(ctx context.Context, u codeforge.User, projectID, jobID string) (list []codeforge.Budget, err error) {
	l.caughtUp(ctx)
	err = l.s.view(ctx, func(c *conn) error {
		list = nil
		if projectID != "" {
			if _, err := ownProject(c, u, projectID); err != nil {
				return err
			}
		}
		if jobID != "" {
			j, err := ownJob(c, u, jobID)
			if err != nil {
				return err
			}
			jobID = j.ID
		}
		now := l.s.now()
		all, err := l.standings(c, llm.Budgets(llm.Call{JobID: jobID, ProjectID: projectID, UserID: u.ID}, now))
		for _, at := range all {
			// What lapsed will be booked by the next reservation.
			var prompts, worsts int64
			if _, err := c.one("SELECT coalesce(sum(prompt), 0), coalesce(sum(worst), 0) FROM budget_holds WHERE scope = ? AND id = ? AND period = ? AND lapses < ? AND worst > 0",
				[]any{string(at.Scope), at.ID, start(at.BudgetKey), now}, &prompts, &worsts); err != nil {
				return err
			}
			list = append(list, codeforge.Budget{Scope: string(at.Scope), ID: at.ID, Limit: at.limit, Spent: at.spent + prompts, Reserved: at.reserved - worsts})
		}
		return err
	})
	return list, err
}

var (
	_ llm.Ledger  = (*Ledger)(nil)
	_ llm.Journal = (*Store)(nil)
)
