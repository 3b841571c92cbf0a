package postgres_test

import (
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/postgres/restest"
)

// Nothing is booked, or held, twice because an answer was lost.
func TestLostLedgerEntries(t *testing.T) {
	t.Parallel()
	p, w := wired(t, restest.Options{})
	ctx, u, s := t.Context(), p.user(), p.store
	mine, err := s.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	check(t, err)
	j, _, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: codeforge.QA})
	check(t, err)
	l := s.Ledger(map[llm.BudgetScope]int64{llm.BudgetJob: 150})
	c := llm.Call{JobID: j.ID, ProjectID: mine.ID, UserID: u.ID, Agent: codeforge.QA, Number: 1}
	stands := func(spent, reserved int64) {
		t.Helper()
		all, err := l.Budgets(ctx, u, "", j.ID)
		check(t, err)
		if len(all) != 1 || all[0].Spent != spent || all[0].Reserved != reserved {
			t.Errorf("budgets %+v, want %d spent and %d reserved", all, spent, reserved)
		}
	}
	reserve := func(worst int64) (string, error) {
		return l.Reserve(ctx, llm.Reservation{Call: c, Provider: "p", Model: "m", Worst: worst, Prompt: 1, Lapses: codeforge.Now().Add(time.Hour)})
	}
	for _, worst := range []int64{50, 80} { // the second time there is no room, or the row is there
		w.losing("codeforge_reserve", 1)
		id, err := reserve(worst)
		check(t, err)
		if id == "" {
			t.Fatal("holds nothing")
		}
		stands(0, worst)
		e := llm.Entry{ID: codeforge.NewID(), Reservation: id, Call: c, Attempt: 1, Provider: "p", Model: "m", At: codeforge.Now()}
		w.losing("codeforge_record_call", 1)
		check(t, l.Record(ctx, e))
		stands(0, 0)
	}
	w.losing("codeforge_reserve", 1)
	if _, err := reserve(151); err == nil {
		t.Error("there is no such room")
	}
	stands(0, 0)
	key := llm.JournalKey{JobID: j.ID, Number: 1, Hash: "h"}
	w.losing("codeforge_put_journal", 1)
	kept, err := s.Put(ctx, key, []byte("first"))
	check(t, err)
	if string(kept) != "first" {
		t.Errorf("kept %s", kept)
	}
	if kept, err = s.Put(ctx, key, []byte("second")); err != nil || string(kept) != "first" {
		t.Errorf("kept %s: %v", kept, err)
	}
}
