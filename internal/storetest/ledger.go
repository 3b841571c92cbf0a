package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/llm"
)

// LedgerStore is a store with the journal and the ledger of model calls that lie beside its jobs.
type LedgerStore struct {
	Contract
	Journal llm.Journal
	// Ledger returns the books under ceilings of the configuration; all that it returns are the same books.
	Ledger func(limits map[llm.BudgetScope]int64) Ledger
}

// Ledger is both sides of the books: of the calls, and of those who ask.
type Ledger interface {
	llm.Ledger
	api.Ledger
}

// RunLedger runs the rules of journal, ledger and budgets, each on a store of its own. For open see [Open].
func RunLedger(t *testing.T, open func(t *testing.T) (books LedgerStore, advance func(time.Duration))) {
	for _, group := range []struct {
		name  string
		tests []bookTest
	}{
		{"Journal", journalTests},
		{"Ledger", ledgerTests},
		{"Budgets", budgetTests},
	} {
		t.Run(group.name, func(t *testing.T) {
			for _, test := range group.tests {
				t.Run(test.name, func(t *testing.T) {
					t.Parallel()
					books, advance := open(t)
					b := &accounts{suite: &suite{T: t, Contract: books.Contract, advance: advance,
						u: codeforge.User{ID: codeforge.NewID(), Role: "authenticated"}, v: codeforge.User{ID: codeforge.NewID(), Role: "authenticated"}}, journal: books.Journal, ledger: books.Ledger}
					// Noon of the tenth of next month: no day and no month ends unasked.
					now := b.project().CreatedAt
					b.now = now
					b.passTime(time.Date(now.Year(), now.Month()+1, 10, 12, 0, 0, 0, time.UTC).Sub(now))
					test.run(b)
				})
			}
		})
	}
}

type bookTest struct {
	name string
	run  func(b *accounts)
}

// accounts is one test of the books at work.
type accounts struct {
	*suite
	journal llm.Journal
	ledger  func(limits map[llm.BudgetScope]int64) Ledger
	now     time.Time // about the store's
}

func (b *accounts) passTime(d time.Duration) {
	b.advance(d)
	b.now = b.now.Add(d)
}

// open returns the books under ceilings.
func (b *accounts) open(pairs ...any) Ledger {
	limits := map[llm.BudgetScope]int64{}
	for i := 0; i < len(pairs); i += 2 {
		limits[pairs[i].(llm.BudgetScope)] = int64(pairs[i+1].(int))
	}
	return b.ledger(limits)
}

// call is a call of u for a job of a project.
func (b *accounts) call(job, project string) llm.Call {
	return llm.Call{JobID: job, ProjectID: project, UserID: b.u.ID, Agent: codeforge.Code, Number: 1}
}

// reserve holds worst, half of it for the prompt, for half an hour.
func (b *accounts) reserve(l Ledger, c llm.Call, worst int) string {
	b.Helper()
	id, err := l.Reserve(b.ctx(), b.reservation(c, worst))
	b.ok(err)
	return id
}

func (b *accounts) reservation(c llm.Call, worst int) llm.Reservation {
	return llm.Reservation{Call: c, Provider: "openai", Model: "m", Worst: int64(worst), Prompt: int64(worst / 2), Lapses: b.now.Add(30 * time.Minute)}
}

// wantCeiling wants a reservation to be refused by a ceiling, and the refusal to tell what is spent from what others hold.
func (b *accounts) wantCeiling(l Ledger, c llm.Call, worst int, scope llm.BudgetScope, limit, spent int64) {
	b.Helper()
	id, err := l.Reserve(b.ctx(), b.reservation(c, worst))
	e, ok := errors.AsType[*llm.BudgetError](err)
	if !ok || id != "" {
		b.Fatalf("reserved %q: %v", id, err)
	}
	ids := map[llm.BudgetScope]string{llm.BudgetJob: c.JobID, llm.BudgetProjectDay: c.ProjectID, llm.BudgetProjectMonth: c.ProjectID, llm.BudgetUserDay: c.UserID, llm.BudgetUserMonth: c.UserID}
	b.same("refusal", *e, llm.BudgetError{Scope: scope, ID: ids[scope], Limit: limit, Spent: spent, Held: b.standing(l, c, scope).Reserved, Needs: int64(worst)})
}

// entry is an answer that cost so much.
func (b *accounts) entry(c llm.Call, reservation string, cost int) llm.Entry {
	return llm.Entry{ID: codeforge.NewID(), Reservation: reservation, Call: c, Attempt: 1, Provider: "openai", Model: "m", Served: "m-1",
		Usage: llm.Usage{Usage: codeforge.Usage{InputTokens: 100, CachedReadTokens: 40, CacheWriteTokens: 30, OutputTokens: 20, ReasoningTokens: 10}},
		Cost:  llm.Cost{MicroUSD: int64(cost)}, Status: 200, Finish: llm.FinishStop, FirstToken: 50 * time.Millisecond, Latency: 2 * time.Second, At: b.now}
}

func (b *accounts) record(l Ledger, c llm.Call, reservation string, cost int) {
	b.Helper()
	b.ok(l.Record(b.ctx(), b.entry(c, reservation, cost)))
}

// wantBudget wants a budget of u to stand so: its ceiling, what is spent and what is reserved.
func (b *accounts) wantBudget(l Ledger, c llm.Call, scope llm.BudgetScope, limit, spent, reserved int64) {
	b.Helper()
	at := b.standing(l, c, scope)
	b.same("budget "+string(scope), []int64{at.Limit, at.Spent, at.Reserved}, []int64{limit, spent, reserved})
}

// standing is one of the budgets above a call.
func (b *accounts) standing(l Ledger, c llm.Call, scope llm.BudgetScope) codeforge.Budget {
	b.Helper()
	list, err := l.Budgets(b.ctx(), b.u, c.ProjectID, c.JobID)
	b.ok(err)
	i := slices.IndexFunc(list, func(x codeforge.Budget) bool { return x.Scope == string(scope) })
	if i < 0 {
		b.Fatalf("no budget %s in %v", scope, list)
	}
	return list[i]
}

// sums wants the keys and costs of the groups, and that they are the total.
func (b *accounts) sums(l Ledger, u codeforge.User, f codeforge.UsageFilter, want ...any) []codeforge.UsageSum {
	b.Helper()
	f.Group = cmp.Or(f.Group, codeforge.ByDay)
	total, list, err := l.SumUsage(b.ctx(), u, f)
	b.ok(err)
	got, sum := []any{}, int64(0)
	for _, s := range list {
		got, sum = append(got, s.Key, s.Cost), sum+s.Cost
	}
	if want == nil {
		want = []any{}
	}
	b.same("groups by "+string(f.Group), got, want)
	b.same("total", total.Cost, sum)
	return list
}

// done is a completed job of u that made calls of these costs.
func (b *accounts) done(l Ledger, p codeforge.Project, agent codeforge.AgentType, took time.Duration, costs ...int) codeforge.Job {
	b.Helper()
	j := b.started(p, agent)
	b.passTime(took)
	for _, cost := range costs {
		c := b.call(j.ID, p.ID)
		c.Agent = agent
		b.record(l, c, "", cost)
	}
	return b.finish(j, completes).Job
}

var journalTests = []bookTest{
	{"the first entry stands", func(b *accounts) {
		k := llm.JournalKey{JobID: b.submit(b.project(), codeforge.QA).ID, Number: 3, Hash: "h"}
		first := []byte(`{"text": "caf\u00e9 é 😀 \u0000 \ud800", "n": 1.0e2 ,"long":"` + strings.Repeat("x", 300_000) + `"}`)
		kept, err := b.journal.Put(b.ctx(), k, first)
		b.ok(err)
		b.same("kept", string(kept), string(first))
		kept, err = b.journal.Put(b.ctx(), k, []byte(`{"text":"second"}`))
		b.ok(err)
		b.same("kept the first", string(kept), string(first))
		got, err := b.journal.Get(b.ctx(), k)
		b.ok(err)
		b.same("read", string(got), string(first))
	}},
	{"other keys have nothing", func(b *accounts) {
		k := llm.JournalKey{JobID: b.submit(b.project(), codeforge.QA).ID, Number: 3, Hash: "h"}
		_, err := b.journal.Put(b.ctx(), k, []byte(`{}`))
		b.ok(err)
		for _, other := range []llm.JournalKey{{JobID: codeforge.NewID(), Number: 3, Hash: "h"}, {JobID: k.JobID, Number: 4, Hash: "h"}, {JobID: k.JobID, Number: 3, Hash: "H"}} {
			got, err := b.journal.Get(b.ctx(), other)
			b.ok(err)
			if got != nil {
				b.Fatalf("%v has %q", other, got)
			}
		}
	}},
	{"what is gone has no answers, and gets none", func(b *accounts) {
		p := b.project()
		k := llm.JournalKey{JobID: b.submit(p, codeforge.QA).ID, Number: 1, Hash: "h"}
		_, err := b.journal.Put(b.ctx(), k, []byte(`{}`))
		b.ok(err)
		_, err = b.DeleteProject(b.ctx(), b.u, p.ID, nil)
		b.ok(err)
		for range 2 {
			got, err := b.journal.Get(b.ctx(), k)
			b.ok(err)
			if got != nil {
				b.Fatalf("%q is left", got)
			}
			kept, err := b.journal.Put(b.ctx(), k, []byte(`{"late":true}`))
			b.ok(err)
			b.same("used", string(kept), `{"late":true}`)
		}
	}},
	{"of many writers one wins, and all are told", func(b *accounts) {
		k := llm.JournalKey{JobID: b.submit(b.project(), codeforge.QA).ID, Number: 1, Hash: "h"}
		var kept [racers]string
		b.race(func(i int) error {
			got, err := b.journal.Put(b.ctx(), k, fmt.Appendf(nil, `{"i":%d}`, i))
			kept[i] = string(got)
			return err
		})
		for _, got := range kept {
			b.same("kept", got, kept[0])
		}
	}},
}

var ledgerTests = []bookTest{
	{"an entry counts once", func(b *accounts) {
		l := b.open(llm.BudgetUserDay, 1000)
		c := b.call(codeforge.NewID(), b.project().ID)
		e := b.entry(c, b.reserve(l, c, 100), 30)
		for range 3 {
			b.ok(l.Record(b.ctx(), e))
		}
		b.race(func(int) error { return l.Record(b.ctx(), e) })
		b.sums(l, b.u, codeforge.UsageFilter{}, b.now.Format(time.DateOnly), 30)
		c.JobID = ""
		b.wantBudget(l, c, llm.BudgetUserDay, 1000, 30, 0)
	}},
	{"sums hold every part", func(b *accounts) {
		l := b.open()
		p := b.project()
		j := b.submit(p, codeforge.Code)
		c := b.call(j.ID, p.ID)
		b.record(l, c, "", 5)
		broke := b.entry(c, "", 7)
		broke.Kind, broke.Status, broke.Served, broke.Finish, broke.Usage.Partial, broke.Cost.Estimated = llm.StreamInterrupted, 0, "", "", true, true
		b.ok(l.Record(b.ctx(), broke))
		silent := b.entry(c, "", 11)
		silent.Usage, silent.Cost.Estimated = llm.Usage{Missing: true}, true
		b.ok(l.Record(b.ctx(), silent))
		want := codeforge.UsageSum{Key: "total", Calls: 3, Failed: 1, Unknown: 1, Cost: 23, Estimated: true, LatencyMS: 6000,
			Usage: codeforge.Usage{InputTokens: 200, CachedReadTokens: 80, CacheWriteTokens: 60, OutputTokens: 40, ReasoningTokens: 20}}
		for _, limit := range []int{1, 10} { // with groups left out and with all of them
			total, list, err := l.SumUsage(b.ctx(), b.u, codeforge.UsageFilter{Group: codeforge.ByModel, Limit: limit})
			b.ok(err)
			b.same("total", total, want)
			b.same("groups", len(list), min(limit, 2))
			b.same("dearest first", list[0].Key, "openai:m-1")
		}
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByModel}, "openai:m-1", 16, "openai:m", 7)
		exact := b.entry(c, "", 1)
		exact.At = b.now.Add(time.Hour)
		b.ok(l.Record(b.ctx(), exact))
		total, _, err := l.SumUsage(b.ctx(), b.u, codeforge.UsageFilter{Group: codeforge.ByDay, From: exact.At})
		b.ok(err)
		b.same("no guess in it", []any{total.Cost, total.Estimated, total.Unknown}, []any{1, false, 0})
	}},
	{"what own keys pay for is apart", func(b *accounts) {
		l := b.open()
		p := b.project()
		j := b.submit(p, codeforge.Code)
		most := int64(1000)
		b.ok(l.SetBudget(b.ctx(), b.u, llm.BudgetUserDay, b.u.ID, &most))
		c := b.call(j.ID, p.ID)
		b.record(l, c, "", 5)
		own := b.entry(c, "", 700)
		own.Own = true
		b.ok(l.Record(b.ctx(), own))
		total, _, err := l.SumUsage(b.ctx(), b.u, codeforge.UsageFilter{Group: codeforge.ByDay})
		b.ok(err)
		b.same("sums", []any{total.Calls, total.Cost, total.OwnCalls, total.OwnCost}, []any{2, 5, 1, 700})
		b.wantBudget(l, c, llm.BudgetUserDay, 1000, 5, 0)
		b.record(l, c, "", 1) // the period has its row by now
		own.ID = codeforge.NewID()
		b.ok(l.Record(b.ctx(), own))
		b.wantBudget(l, c, llm.BudgetUserDay, 1000, 6, 0)
	}},
	{"sums by group and filter", func(b *accounts) {
		l := b.open()
		p, q := b.project(), b.project()
		j, k := b.submit(p, codeforge.Code), b.submit(q, codeforge.QA)
		late := time.Date(b.now.Year(), b.now.Month(), b.now.Day(), 23, 59, 59, 999_999_000, time.UTC)
		add := func(job, project string, agent codeforge.AgentType, cost int, at time.Time) {
			e := b.entry(b.call(job, project), "", cost)
			e.Call.Agent, e.At = agent, at
			b.ok(l.Record(b.ctx(), e))
		}
		add(j.ID, p.ID, codeforge.Code, 1, late)
		add(k.ID, q.ID, codeforge.QA, 2, late.Add(time.Microsecond))
		add(j.ID, p.ID, codeforge.QA, 4, late.Add(time.Microsecond))
		today, tomorrow := late.Format(time.DateOnly), late.Add(time.Hour).Format(time.DateOnly)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByDay}, tomorrow, 6, today, 1)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByDay, Limit: 1, From: late.Add(time.Microsecond)}, tomorrow, 6)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByDay, To: late.Add(time.Microsecond)}, today, 1)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByProject}, p.ID, 5, q.ID, 2)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByJob}, j.ID, 5, k.ID, 2)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByAgent}, "qa", 6, "code", 1)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByAgent, ProjectID: p.ID}, "qa", 4, "code", 1)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByProject, Agent: codeforge.QA}, p.ID, 4, q.ID, 2)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByDay, JobID: j.ID, From: late.Add(time.Microsecond)}, tomorrow, 4)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByDay, JobID: j.ID, ProjectID: q.ID})
		if _, _, err := l.SumUsage(b.ctx(), b.u, codeforge.UsageFilter{Group: "cost; --"}); err == nil {
			b.Fatal("an unknown group")
		}
	}},
	{"calls of a job come in order, page by page", func(b *accounts) {
		l := b.open()
		p := b.project()
		j := b.started(p, codeforge.Builder)
		add := func(call, attempt int, change func(*llm.Entry)) llm.Entry {
			c := b.call(j.ID, p.ID)
			c.Number = call
			e := b.entry(c, "", 7)
			e.Attempt = attempt
			change(&e)
			b.ok(l.Record(b.ctx(), e))
			return e
		}
		broke := add(1, 1, func(e *llm.Entry) {
			e.Kind, e.Status, e.Served, e.Finish, e.FirstToken, e.Usage, e.Cost = llm.Overloaded, 503, "", "", 0, llm.Usage{Missing: true}, llm.Cost{Estimated: true}
		})
		other := add(1, 2, func(e *llm.Entry) { e.Provider, e.Model, e.Own = "anthropic", "n", true })
		last := add(2, 1, func(e *llm.Entry) { e.Provider, e.Model, e.Call.Agent = "anthropic", "n", codeforge.QA })
		b.record(l, b.call(b.submit(p, codeforge.QA).ID, p.ID), "", 1) // of another job
		want := func(e llm.Entry, fallback bool) codeforge.ModelCall {
			return codeforge.ModelCall{ID: e.ID, Agent: e.Call.Agent, Call: e.Call.Number, Attempt: e.Attempt, Fallback: fallback, Provider: e.Provider, Model: e.Model, Served: e.Served,
				Usage: e.Usage.Usage, Unknown: e.Usage.Missing, Cost: e.Cost.MicroUSD, Estimated: e.Cost.Estimated, Error: string(e.Kind), Status: e.Status, Finish: string(e.Finish),
				FirstToken: e.FirstToken, Took: e.Latency, At: e.At, OwnKey: e.Own}
		}
		all := []codeforge.ModelCall{want(broke, false), want(other, true), want(last, false)}
		read := func(u codeforge.User, id string, limit int) (calls []codeforge.ModelCall, agent codeforge.AgentType, err error) {
			for cursor, more := "", true; more; more = cursor != "" {
				page, err := l.JobCalls(b.ctx(), u, id, cursor, limit)
				if err != nil {
					return nil, "", err
				}
				if len(page.Calls) > limit || page.JobID != j.ID {
					b.Fatalf("%d calls of %s", len(page.Calls), page.JobID)
				}
				calls, agent, cursor = append(calls, page.Calls...), page.Agent, page.Next
			}
			return calls, agent, nil
		}
		for _, limit := range []int{1, 2, 3, 100} {
			calls, agent, err := read(b.u, j.ID, limit)
			b.ok(err)
			b.same("calls", []any{calls, agent}, []any{all, codeforge.Builder})
		}
		_, err := l.JobAnswer(b.ctx(), b.u, j.ID, 1)
		b.missing(err, "Call", "1")
		for _, answer := range []string{"older", "newer"} {
			_, err := b.journal.Put(b.ctx(), llm.JournalKey{JobID: j.ID, Number: 1, Hash: answer}, []byte(answer))
			b.ok(err)
			b.passTime(time.Second)
		}
		entry, err := l.JobAnswer(b.ctx(), b.u, j.ID, 1)
		b.ok(err)
		b.same("the newest answer", string(entry), "newer")
		b.finish(j, waits)
		alias := codeforge.NewID()
		_, err = b.RespondJob(b.ctx(), b.u, j.ID, alias, []byte(`[]`))
		b.ok(err)
		calls, _, err := read(b.u, alias, 100)
		b.ok(err)
		b.same("by an alias", calls, all)
		_, err = l.JobCalls(b.ctx(), b.u, j.ID, "?", 1)
		b.invalid("cursor", err)
		for _, id := range []string{j.ID, codeforge.NewID(), "no id at all"} {
			_, _, err := read(b.v, id, 1)
			b.missing(err, "Job", id)
		}
		_, err = b.DeleteProject(b.ctx(), b.u, p.ID, nil)
		b.ok(err)
		calls, agent, err := read(b.u, j.ID, 2)
		b.ok(err)
		b.same("of a job that is gone", []any{calls, agent}, []any{all, ""})
	}},
	{"users see their own", func(b *accounts) {
		l := b.open()
		p := b.project()
		j := b.done(l, p, codeforge.QA, time.Minute, 30)
		other := b.call("", "")
		other.UserID = b.v.ID
		b.record(l, other, "", 4)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByDay}, b.now.Format(time.DateOnly), 30)
		b.sums(l, b.v, codeforge.UsageFilter{Group: codeforge.ByDay}, b.now.Format(time.DateOnly), 4)
		_, _, err := l.SumUsage(b.ctx(), b.v, codeforge.UsageFilter{Group: codeforge.ByDay, ProjectID: p.ID})
		b.missing(err, "Project", p.ID)
		_, _, err = l.SumUsage(b.ctx(), b.v, codeforge.UsageFilter{Group: codeforge.ByDay, JobID: j.ID})
		b.missing(err, "Job", j.ID)
		list, err := l.JobUsage(b.ctx(), b.v, codeforge.QA, 10)
		b.ok(err)
		b.same("jobs of another", len(list), 0)
		_, err = l.Budgets(b.ctx(), b.v, p.ID, "")
		b.missing(err, "Project", p.ID)
		_, err = l.Budgets(b.ctx(), b.v, "", j.ID)
		b.missing(err, "Job", j.ID)
		b.missing(l.SetBudget(b.ctx(), b.v, llm.BudgetProjectDay, p.ID, new(int64(1))), "Project", p.ID)
		b.missing(l.SetBudget(b.ctx(), b.v, llm.BudgetJob, j.ID, new(int64(1))), "Job", j.ID)
		b.missing(l.SetBudget(b.ctx(), b.v, llm.BudgetUserDay, b.u.ID, new(int64(1))), "User", b.u.ID)
	}},
	{"what jobs took", func(b *accounts) {
		l := b.open()
		p := b.project()
		b.done(l, p, codeforge.QA, time.Minute, 1, 2)
		b.done(l, p, codeforge.Research, time.Minute, 100)
		b.done(l, p, codeforge.QA, 3*time.Minute, 10, 20, 30)
		failed := b.started(p, codeforge.QA)
		b.record(l, b.call(failed.ID, p.ID), "", 1000)
		b.finish(failed, codeforge.Outcome{Status: codeforge.JobFailed, Error: "no"})
		b.finish(b.started(p, codeforge.QA), completes) // called no model
		offline := b.started(p, codeforge.QA)
		e := b.entry(b.call(offline.ID, p.ID), "", 0)
		e.Provider = llm.Scaffold
		b.ok(l.Record(b.ctx(), e))
		b.passTime(time.Second)
		b.finish(offline, completes)

		list, err := l.JobUsage(b.ctx(), b.u, codeforge.QA, 10)
		b.ok(err)
		part := func(n int64) codeforge.Usage {
			return codeforge.Usage{InputTokens: 100 * n, CachedReadTokens: 40 * n, CacheWriteTokens: 30 * n, OutputTokens: 20 * n, ReasoningTokens: 10 * n}
		}
		for i := range list {
			list[i].Took = list[i].Took.Round(time.Second)
		}
		b.same("jobs", list, []codeforge.JobUsage{
			{ProjectID: p.ID, Calls: 1, Offline: true, Took: time.Second, Usage: part(1)},
			{ProjectID: p.ID, Calls: 3, Cost: 60, Took: 3 * time.Minute, Usage: part(3)},
			{ProjectID: p.ID, Calls: 2, Cost: 3, Took: time.Minute, Usage: part(2)}})
		list, err = l.JobUsage(b.ctx(), b.u, codeforge.QA, 1)
		b.ok(err)
		b.same("at most", len(list), 1)
	}},
	{"a job that waited took the time of its calls", func(b *accounts) {
		l := b.open()
		j := b.waitingJob(b.project(), codeforge.Research)
		b.record(l, b.call(j.ID, j.ProjectID), "", 5) // 2 seconds
		b.passTime(5 * time.Hour)
		_, err := b.RespondJob(b.ctx(), b.u, j.ID, codeforge.NewID(), []byte(`[{"question":"who?","answer":"me"}]`))
		b.ok(err)
		b.finish(b.claim(j.ID), completes)
		list, err := l.JobUsage(b.ctx(), b.u, codeforge.Research, 10)
		b.ok(err)
		b.same("took", []any{len(list), list[0].Took}, []any{1, 2 * time.Second})
	}},
}

var scopes = []llm.BudgetScope{llm.BudgetJob, llm.BudgetProjectDay, llm.BudgetProjectMonth, llm.BudgetUserDay, llm.BudgetUserMonth}

var budgetTests = []bookTest{
	{"without ceilings nothing is held", func(b *accounts) {
		l := b.open()
		c := b.call(b.submit(b.project(), codeforge.QA).ID, "")
		b.same("id", b.reserve(l, c, 1_000_000_000), "")
		b.record(l, c, "", 5)
		list, err := l.Budgets(b.ctx(), b.u, "", c.JobID)
		b.ok(err)
		b.same("budgets", len(list), 0)
	}},
	{"each ceiling refuses what passes it", func(b *accounts) {
		p := b.project()
		for _, scope := range scopes {
			// Of a project of its own each, but one user: what was spent before counts.
			l := b.open(scope, 100)
			c := b.call(b.submit(p, codeforge.QA).ID, p.ID)
			var before int64
			if list, err := l.Budgets(b.ctx(), b.u, p.ID, c.JobID); err == nil && len(list) == 1 {
				before = list[0].Spent
			} else {
				b.Fatal(list, err)
			}
			l = b.open(scope, int(100+before))
			b.wantCeiling(l, c, 101, scope, 100+before, before)
			id := b.reserve(l, c, 60)
			b.wantBudget(l, c, scope, 100+before, before, 60)
			b.wantCeiling(l, c, 41, scope, 100+before, before+60)
			b.same("free", b.reserve(l, c, 0), "")
			b.record(l, c, id, 25)
			b.wantBudget(l, c, scope, 100+before, before+25, 0)
			id = b.reserve(l, c, 75) // to the last
			b.wantCeiling(l, c, 1, scope, 100+before, before+100)
			b.record(l, c, id, 0)
			b.wantBudget(l, c, scope, 100+before, before+25, 0)
		}
	}},
	{"a refusal holds nothing", func(b *accounts) {
		l := b.open(llm.BudgetJob, 1000, llm.BudgetUserMonth, 10)
		p := b.project()
		c := b.call(b.submit(p, codeforge.QA).ID, p.ID)
		b.wantCeiling(l, c, 11, llm.BudgetUserMonth, 10, 0)
		b.wantBudget(l, c, llm.BudgetJob, 1000, 0, 0)
		b.wantBudget(l, c, llm.BudgetUserMonth, 10, 0, 0)
	}},
	{"ceilings are each project's, job's and user's", func(b *accounts) {
		l := b.open(llm.BudgetProjectDay, 100, llm.BudgetJob, 60)
		p, q := b.project(), b.project()
		c, d, e := b.call(b.submit(p, codeforge.QA).ID, p.ID), b.call(b.submit(p, codeforge.QA).ID, p.ID), b.call(b.submit(q, codeforge.QA).ID, q.ID)
		b.reserve(l, c, 60)
		b.wantCeiling(l, c, 1, llm.BudgetJob, 60, 60)
		b.wantCeiling(l, d, 50, llm.BudgetProjectDay, 100, 60)
		b.reserve(l, d, 40)
		b.reserve(l, e, 60)
	}},
	{"days and months end", func(b *accounts) {
		l := b.open(llm.BudgetProjectDay, 100, llm.BudgetProjectMonth, 150, llm.BudgetUserDay, 100, llm.BudgetUserMonth, 150)
		p := b.project()
		c := b.call("", p.ID)
		b.record(l, c, b.reserve(l, c, 100), 90)
		b.wantCeiling(l, c, 20, llm.BudgetProjectDay, 100, 90)
		held := b.entry(c, b.reserve(l, c, 10), 10)
		b.passTime(24 * time.Hour)
		b.wantBudget(l, c, llm.BudgetProjectDay, 100, 0, 0)
		b.ok(l.Record(b.ctx(), held)) // in the day that it was held against
		b.wantBudget(l, c, llm.BudgetProjectDay, 100, 0, 0)
		b.wantBudget(l, c, llm.BudgetUserDay, 100, 0, 0)
		b.wantBudget(l, c, llm.BudgetProjectMonth, 150, 100, 0)
		b.wantCeiling(l, c, 60, llm.BudgetProjectMonth, 150, 100)
		b.record(l, c, b.reserve(l, c, 50), 50)
		b.passTime(31 * 24 * time.Hour)
		b.reserve(l, c, 100)
		b.wantBudget(l, c, llm.BudgetUserMonth, 150, 0, 100)
	}},
	{"a day ends at midnight UTC", func(b *accounts) {
		l := b.open(llm.BudgetUserDay, 100)
		c := b.call("", "")
		b.passTime(11*time.Hour + 59*time.Minute)
		b.record(l, c, b.reserve(l, c, 100), 100)
		b.wantCeiling(l, c, 1, llm.BudgetUserDay, 100, 100)
		b.passTime(2 * time.Minute)
		b.reserve(l, c, 100)
	}},
	{"a ceiling that is new counts what was spent before", func(b *accounts) {
		free := b.open()
		p := b.project()
		c := b.call(b.submit(p, codeforge.QA).ID, p.ID)
		early := b.entry(c, "", 1000)
		early.At = b.now.AddDate(0, -1, 0)
		b.ok(free.Record(b.ctx(), early))
		early = b.entry(c, "", 30)
		early.At = b.now.AddDate(0, 0, -2)
		b.ok(free.Record(b.ctx(), early))
		b.record(free, c, "", 20)
		l := b.open(llm.BudgetJob, 2000, llm.BudgetProjectDay, 100, llm.BudgetProjectMonth, 100, llm.BudgetUserDay, 100, llm.BudgetUserMonth, 100)
		for range 2 { // asked, then opened
			b.wantBudget(l, c, llm.BudgetJob, 2000, 1050, 0)
			b.wantBudget(l, c, llm.BudgetProjectDay, 100, 20, 0)
			b.wantBudget(l, c, llm.BudgetProjectMonth, 100, 50, 0)
			b.wantBudget(l, c, llm.BudgetUserDay, 100, 20, 0)
			b.wantBudget(l, c, llm.BudgetUserMonth, 100, 50, 0)
			b.wantCeiling(l, c, 51, llm.BudgetProjectMonth, 100, 50)
		}
	}},
	{"what runs while a ceiling is set or lifted counts", func(b *accounts) {
		l := b.open(llm.BudgetUserMonth, 1000)
		p := b.project()
		c := b.call("", p.ID)
		set := func(most *int64) { b.Helper(); b.ok(l.SetBudget(b.ctx(), b.u, llm.BudgetProjectDay, p.ID, most)) }
		before := b.reserve(l, c, 10) // against the month alone
		set(new(int64(100)))
		during := b.reserve(l, c, 20)
		b.record(l, c, before, 7)
		b.wantBudget(l, c, llm.BudgetProjectDay, 100, 7, 20)
		set(nil)
		b.record(l, c, during, 8)
		b.record(l, c, b.reserve(l, c, 30), 9)
		b.record(l, c, "", 1)
		set(new(int64(50)))
		b.wantBudget(l, c, llm.BudgetProjectDay, 50, 25, 0)
		b.wantCeiling(l, c, 26, llm.BudgetProjectDay, 50, 25)
		b.wantBudget(l, c, llm.BudgetUserMonth, 1000, 25, 0)
	}},
	{"the lower ceiling is in force", func(b *accounts) {
		l := b.open(llm.BudgetUserDay, 100)
		p := b.project()
		c := b.call(b.submit(p, codeforge.QA).ID, p.ID)
		set := func(l Ledger, scope llm.BudgetScope, id string, most *int64) {
			b.Helper()
			b.ok(l.SetBudget(b.ctx(), b.u, scope, id, most))
		}
		set(l, llm.BudgetUserDay, b.u.ID, new(int64(1000)))
		b.wantCeiling(l, c, 101, llm.BudgetUserDay, 100, 0)
		set(l, llm.BudgetUserDay, b.u.ID, new(int64(10)))
		b.wantCeiling(l, c, 11, llm.BudgetUserDay, 10, 0)
		set(l, llm.BudgetUserDay, b.u.ID, nil)
		b.wantBudget(l, c, llm.BudgetUserDay, 100, 0, 0)
		set(l, llm.BudgetJob, c.JobID, new(int64(0)))
		b.wantCeiling(l, c, 1, llm.BudgetJob, 0, 0)
		b.same("free", b.reserve(l, c, 0), "")
		free := b.open()
		set(free, llm.BudgetJob, c.JobID, nil)
		b.same("id", b.reserve(free, c, 1_000_000), "")
	}},
	{"a job's ceiling may be set under an alias", func(b *accounts) {
		l := b.open()
		j := b.waitingJob(b.project(), codeforge.QA)
		alias := codeforge.NewID()
		_, err := b.RespondJob(b.ctx(), b.u, j.ID, alias, []byte(`[{"question":"who?","answer":"me"}]`))
		b.ok(err)
		b.ok(l.SetBudget(b.ctx(), b.u, llm.BudgetJob, alias, new(int64(10))))
		c := b.call(j.ID, j.ProjectID)
		b.wantCeiling(l, c, 11, llm.BudgetJob, 10, 0)
		b.record(l, c, "", 3)
		b.wantBudget(l, llm.Call{JobID: alias}, llm.BudgetJob, 10, 3, 0)
		b.sums(l, b.u, codeforge.UsageFilter{Group: codeforge.ByJob, JobID: alias}, j.ID, 3)
	}},
	{"unknown scopes are refused", func(b *accounts) {
		b.refused(b.open().SetBudget(b.ctx(), b.u, "year", b.u.ID, new(int64(1))), codeforge.Invalid)
	}},
	{"a reservation that lapses leaves its prompt", func(b *accounts) {
		l := b.open(llm.BudgetJob, 100, llm.BudgetUserDay, 100)
		p := b.project()
		c := b.call(b.submit(p, codeforge.QA).ID, p.ID)
		b.reserve(l, c, 80)
		b.passTime(29 * time.Minute)
		b.wantCeiling(l, c, 40, llm.BudgetJob, 100, 80)
		b.passTime(2 * time.Minute)
		b.wantBudget(l, c, llm.BudgetJob, 100, 40, 0)
		b.reserve(l, c, 60)
		b.wantCeiling(l, c, 1, llm.BudgetJob, 100, 100)
		b.wantBudget(l, c, llm.BudgetUserDay, 100, 40, 60)
		b.sums(l, b.u, codeforge.UsageFilter{}) // the ledger holds no guesses
	}},
	{"a record after the lapse replaces the guess", func(b *accounts) {
		l := b.open(llm.BudgetJob, 1000, llm.BudgetUserDay, 1000)
		p := b.project()
		c, d := b.call(b.submit(p, codeforge.QA).ID, p.ID), b.call(b.submit(p, codeforge.QA).ID, p.ID)
		late := b.reserve(l, c, 80)
		b.passTime(31 * time.Minute)
		b.reserve(l, d, 10) // it lapsed in the user's day, and was not looked at in the job
		b.record(l, c, late, 70)
		b.wantBudget(l, c, llm.BudgetUserDay, 1000, 70, 10)
		b.wantBudget(l, c, llm.BudgetJob, 1000, 70, 0)
		b.wantBudget(l, d, llm.BudgetJob, 1000, 0, 10)
		b.passTime(48 * time.Hour)
		b.wantBudget(l, c, llm.BudgetJob, 1000, 70, 0)
		b.reserve(l, c, 900)
		b.wantBudget(l, c, llm.BudgetJob, 1000, 70, 900)
	}},
	{"a lapse of yesterday is not today's", func(b *accounts) {
		l := b.open(llm.BudgetUserDay, 100, llm.BudgetUserMonth, 1000)
		c := b.call("", "")
		b.reserve(l, c, 80)
		b.passTime(24 * time.Hour)
		b.reserve(l, c, 100)
		b.wantBudget(l, c, llm.BudgetUserDay, 100, 0, 100)
		b.wantBudget(l, c, llm.BudgetUserMonth, 1000, 40, 100)
	}},
	{"racing calls cannot pass a ceiling", func(b *accounts) {
		const calls, pass, worst = 100, 10, 1000
		for _, scope := range scopes {
			p := b.project()
			c := b.call(b.submit(p, codeforge.QA).ID, p.ID)
			free := b.open(scope, 1)
			list, err := free.Budgets(b.ctx(), b.u, p.ID, c.JobID)
			b.ok(err)
			before := list[0].Spent
			limit := before + pass*worst + worst/2
			l := b.open(scope, int(limit))
			start := make(chan struct{})
			var passed, refused, spent atomic.Int64
			var wg sync.WaitGroup
			for i := range calls {
				wg.Go(func() {
					<-start
					id, err := l.Reserve(b.ctx(), b.reservation(c, worst))
					switch _, over := errors.AsType[*llm.BudgetError](err); {
					case over:
						refused.Add(1)
					case err != nil || id == "":
						b.Errorf("reserve: %q %v", id, err)
					default:
						passed.Add(1)
						cost := worst - i%2 // the dearest, and one that leaves too little for another
						spent.Add(int64(cost))
						defer func() {
							if err := l.Record(b.ctx(), b.entry(c, id, cost)); err != nil {
								b.Error(err)
							}
						}()
					}
				})
			}
			close(start)
			wg.Wait()
			b.same(string(scope)+" passed, refused", []int64{passed.Load(), refused.Load()}, []int64{pass, calls - pass})
			b.wantBudget(l, c, scope, limit, before+spent.Load(), 0)
			if before+spent.Load() > limit {
				b.Fatalf("overshoot of %s: %d", scope, before+spent.Load()-limit)
			}
		}
	}},
	{"racing reservations and records settle to nothing", func(b *accounts) {
		l := b.open(llm.BudgetUserDay, 1_000_000, llm.BudgetProjectMonth, 1_000_000)
		p := b.project()
		c := b.call("", p.ID)
		b.race(func(i int) error {
			for range 10 {
				id, err := l.Reserve(b.ctx(), b.reservation(c, 50))
				if err != nil {
					return err
				}
				if err := l.Record(b.ctx(), b.entry(c, id, i)); err != nil {
					return err
				}
			}
			return nil
		})
		const sum = 10 * racers * (racers - 1) / 2
		b.wantBudget(l, c, llm.BudgetUserDay, 1_000_000, sum, 0)
		b.wantBudget(l, c, llm.BudgetProjectMonth, 1_000_000, sum, 0)
		total, _, err := l.SumUsage(b.ctx(), b.u, codeforge.UsageFilter{Group: codeforge.ByProject, ProjectID: p.ID})
		b.ok(err)
		b.same("ledger", []int64{total.Cost, total.Calls}, []int64{sum, 10 * racers})
	}},
}
