package sqlite_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/llm"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
	"codeforge/internal/storetest"
)

var _ api.Ledger = (*sqlite.Ledger)(nil)

func TestLedger(t *testing.T) {
	storetest.RunLedger(t, func(t *testing.T) (storetest.LedgerStore, func(time.Duration)) {
		var ahead atomic.Int64
		start := codeforge.Now()
		s := open(t, sqlitetest.Dir(t), sqlite.Options{Now: func() time.Time { return start.Add(time.Duration(ahead.Load())) }})
		return storetest.LedgerStore{Contract: s, Journal: s, Ledger: func(limits map[llm.BudgetScope]int64) storetest.Ledger { return s.Ledger(limits) }},
			func(d time.Duration) { ahead.Add(int64(d)) }
	})
}

// What is recorded while a store closes is in it or was refused, though nobody waits for the commit.
func TestRecordAtClose(t *testing.T) {
	for range 5 {
		dir := sqlitetest.Dir(t)
		s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
		if err != nil {
			t.Fatal(err)
		}
		l := s.Ledger(map[llm.BudgetScope]int64{llm.BudgetUserDay: 1 << 40})
		c := llm.Call{UserID: user.ID, Agent: codeforge.Code}
		var sure, refused atomic.Int64
		var wg sync.WaitGroup
		closing := make(chan struct{})
		for range 8 {
			wg.Go(func() {
				for i := 0; refused.Load() < 8 && i < 10_000; i++ {
					if i == 20 {
						select {
						case closing <- struct{}{}:
						default:
						}
					}
					id, err := l.Reserve(context.Background(), llm.Reservation{Call: c, Worst: 2, Prompt: 1, Lapses: time.Now().Add(time.Hour)})
					if err == nil {
						err = l.Record(context.Background(), llm.Entry{ID: codeforge.NewID(), Reservation: id, Call: c, Cost: llm.Cost{MicroUSD: 1}, At: time.Now()})
					}
					if err == nil {
						sure.Add(1)
					} else if refused.Add(1); !codeforge.IsKind(err, codeforge.Unavailable) {
						t.Error(err)
					}
				}
			})
		}
		<-closing
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		wg.Wait()
		total, _, err := open(t, dir, sqlite.Options{}).Ledger(nil).SumUsage(t.Context(), user, codeforge.UsageFilter{Group: codeforge.ByAgent})
		if err != nil {
			t.Fatal(err)
		}
		if total.Calls != sure.Load() {
			t.Errorf("%d in the books, %d sure", total.Calls, sure.Load())
		}
	}
}

func TestReserveFails(t *testing.T) {
	fail := atomic.Bool{}
	full := errors.New("disk full")
	s := open(t, sqlitetest.Dir(t), sqlite.Options{Fault: func() (bool, error) {
		if fail.Load() {
			return false, full
		}
		return false, nil
	}})
	l := s.Ledger(map[llm.BudgetScope]int64{llm.BudgetUserDay: 100})
	r := llm.Reservation{Call: llm.Call{UserID: user.ID}, Worst: 60, Prompt: 30, Lapses: time.Now().Add(time.Hour)}
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(gone)
	if _, err := l.Reserve(ctx, r); !errors.Is(err, gone) {
		t.Error(err)
	}
	// A reservation whose commit failed may have been granted, but it holds no more than what was committed.
	fail.Store(true)
	if _, err := l.Reserve(t.Context(), r); err != nil && !codeforge.IsKind(err, codeforge.Unavailable) {
		t.Error(err)
	}
	if list, err := l.Budgets(t.Context(), user, "", ""); err != nil || len(list) != 1 || list[0].Reserved != 0 {
		t.Errorf("%v %v", list, err)
	}
	fail.Store(false)
	if id, err := l.Reserve(t.Context(), r); err != nil || id == "" {
		t.Errorf("%q %v", id, err)
	}
	var over *llm.BudgetError
	if _, err := l.Reserve(t.Context(), r); !errors.As(err, &over) || over.Spent != 60 {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Reserve(t.Context(), r); !codeforge.IsKind(err, codeforge.Unavailable) {
		t.Error(err)
	}
	if err := l.Record(t.Context(), llm.Entry{ID: codeforge.NewID(), At: time.Now()}); !codeforge.IsKind(err, codeforge.Unavailable) {
		t.Error(err)
	}
}
