package postgres_test

import (
	"bytes"
	"slices"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/llm"
	"codeforge/internal/postgres/restest"
)

func TestTokensOfOurOwn(t *testing.T) {
	t.Parallel()
	p, w := wired(t, restest.Options{MaxRows: 2})
	ctx, u, v, s := t.Context(), p.user(), p.user(), p.store
	now := codeforge.Now()
	var made []auth.Token
	for _, name := range []string{"one", "two", "three"} {
		_, token, err := auth.NewToken(u, name, []auth.Scope{auth.Read, auth.Jobs}, time.Hour)
		check(t, err)
		w.losing("codeforge_create_token", 1)
		check(t, s.CreateToken(ctx, u, token))
		made = append([]auth.Token{token}, made...)
	}
	list, err := s.ListTokens(ctx, u) // more than an answer holds
	check(t, err)
	if len(list) != 3 {
		t.Fatalf("%d tokens", len(list))
	}
	for i, got := range list {
		want := made[i]
		if got.ID != want.ID || got.UserID != u.ID || got.Name != want.Name || got.Hint != want.Hint || !bytes.Equal(got.Hash, want.Hash) ||
			!slices.Equal(got.Scopes, want.Scopes) || got.ExpiresAt == nil || got.RevokedAt != nil || got.UsedAt != nil {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	one := made[2]
	got, err := s.UseToken(ctx, one.Hash, now)
	check(t, err)
	if got.ID != one.ID || got.UsedAt == nil || !got.UsedAt.Equal(now) {
		t.Errorf("used %+v", got)
	}
	if got, err = s.UseToken(ctx, one.Hash, now.Add(59*time.Second)); err != nil || !got.UsedAt.Equal(now) {
		t.Errorf("used %+v: %v", got, err)
	}
	if _, err = s.UseToken(ctx, made[1].Hash[:31], now); kind(err) != codeforge.Missing {
		t.Error(err)
	}
	if err = s.RevokeToken(ctx, v, one.ID, now); kind(err) != codeforge.Missing {
		t.Error(err)
	}
	check(t, s.RevokeToken(ctx, u, one.ID, now))
	if got, err = s.UseToken(ctx, one.Hash, now); err != nil || got.RevokedAt == nil || !got.RevokedAt.Equal(now) {
		t.Errorf("revoked %+v: %v", got, err)
	}
	if list, err = s.ListTokens(ctx, v); err != nil || len(list) != 0 {
		t.Errorf("a stranger lists %d: %v", len(list), err)
	}
}

// Nothing is booked, or held, twice because an answer was lost.
func TestLostBooks(t *testing.T) {
	t.Parallel()
	p, w := wired(t, restest.Options{})
	ctx, u, s := t.Context(), p.user(), p.store
	mine, err := s.CreateProject(ctx, u, codeforge.Project{Title: "Mine"})
	check(t, err)
	j, _, err := s.SubmitJob(ctx, u, codeforge.NewJob{ProjectID: mine.ID, Agent: codeforge.QA})
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
