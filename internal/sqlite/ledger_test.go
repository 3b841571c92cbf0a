package sqlite_test

import (
	"sync/atomic"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/llm"
	"codeforge/internal/sqlite"
	"codeforge/internal/storetest"
)

var _ api.Books = (*sqlite.Ledger)(nil)

func TestBooks(t *testing.T) {
	storetest.RunBooks(t, func(t *testing.T) (storetest.Books, func(time.Duration)) {
		var ahead atomic.Int64
		start := codeforge.Now()
		s := open(t, t.TempDir(), sqlite.Options{Now: func() time.Time { return start.Add(time.Duration(ahead.Load())) }})
		return storetest.Books{Store: s, Journal: s, Ledger: func(limits map[llm.BudgetScope]int64) storetest.Ledger { return s.Ledger(limits) }},
			func(d time.Duration) { ahead.Add(int64(d)) }
	})
}
