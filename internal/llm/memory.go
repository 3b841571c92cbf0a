package llm

import (
	"context"
	"slices"
	"strconv"
	"sync"
	"time"
)

// keep bounds the entries that a Memory holds.
const keep = 10_000

// Memory is a Ledger in this process alone: for one-off calls from the command line, and for measuring. What it knows ends
// with the process. The zero value has no ceilings.
type Memory struct {
	// Limits are the ceilings in micro-dollars, the same for every job, project and user. Set before first use.
	Limits map[BudgetScope]int64

	mu      sync.Mutex
	entries []Entry // the newest
	spent   map[BudgetKey]int64
	held    map[BudgetKey]int64
	open    map[string]reservation
	last    int
}

type reservation struct {
	Reservation
	keys []BudgetKey
}

// Reserve is part of [Ledger].
func (m *Memory) Reserve(_ context.Context, r Reservation) (string, error) {
	if len(m.Limits) == 0 {
		return "", nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := time.Now()
	if m.open == nil {
		m.open, m.held, m.spent = map[string]reservation{}, map[BudgetKey]int64{}, map[BudgetKey]int64{}
	}
	for id, h := range m.open {
		if now.After(h.Lapses) {
			m.release(id, h.Prompt)
		}
	}
	var keys []BudgetKey
	for _, k := range Budgets(r.Call, now) {
		limit, ok := m.Limits[k.Scope]
		if !ok {
			continue
		}
		if used := m.spent[k] + m.held[k]; used+r.Worst > limit {
			return "", &BudgetError{Scope: k.Scope, ID: k.ID, Limit: limit, Spent: used, Held: m.held[k], Needs: r.Worst}
		}
		keys = append(keys, k)
	}
	for _, k := range keys {
		m.held[k] += r.Worst
	}
	m.last++
	id := strconv.Itoa(m.last)
	m.open[id] = reservation{r, keys}
	return id, nil
}

// release turns a reservation into what was spent; mu is held.
func (m *Memory) release(id string, cost int64) {
	h, ok := m.open[id]
	if !ok {
		return
	}
	delete(m.open, id)
	for _, k := range h.keys {
		if m.held[k] -= h.Worst; m.held[k] == 0 {
			delete(m.held, k)
		}
		m.spent[k] += cost
	}
}

// Record is part of [Ledger].
func (m *Memory) Record(_ context.Context, e Entry) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.release(e.Reservation, e.ServerCost())
	if len(m.entries) >= keep {
		m.entries = slices.Delete(m.entries, 0, keep/10)
	}
	m.entries = append(m.entries, e)
	return nil
}

// Entries returns what was recorded, oldest first: the newest ten thousand.
func (m *Memory) Entries() []Entry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.entries)
}

// Spent returns what was spent and what is reserved against a budget that has a ceiling.
func (m *Memory) Spent(k BudgetKey) (spent, reserved int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.spent[k], m.held[k]
}
