package cache

import (
	"context"
	"sync"
)

// Memory is a backend in this process, for a store that no other process has open. Such a store says of each write whether it was
// done, and does none later.
type Memory struct {
	mu     sync.Mutex
	kept   ring[Key, any]
	scopes map[Scope]*scope // those of which something is kept, being read or being written
}

// scope is a version of one: the pointer to it is the ticket.
type scope struct {
	of      Scope
	names   map[string]struct{} // of the keys that are kept
	readers int                 // tickets that are out
	writers int                 // marks
}

// NewMemory returns one that keeps at most so many bytes, as values say how large they are.
func NewMemory(bound int64) *Memory {
	m := &Memory{scopes: map[Scope]*scope{}}
	m.kept.init(bound)
	m.kept.dropped = func(k Key) {
		sc := m.scopes[k.Scope]
		delete(sc.names, k.Name)
		m.forget(sc)
	}
	return m
}

// Get implements Backend.
func (m *Memory) Get(_ context.Context, k Key) (data any, t Ticket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.kept.get(k); e != nil {
		return e.value, nil
	}
	sc := m.scopes[k.Scope]
	switch {
	case sc == nil:
		sc = &scope{of: k.Scope}
		m.scopes[k.Scope] = sc
	case sc.writers > 0:
		return nil, nil
	}
	sc.readers++
	return nil, sc
}

// Put implements Backend.
func (m *Memory) Put(_ context.Context, k Key, t Ticket, v Value) {
	m.mu.Lock()
	defer m.mu.Unlock()
	sc := t.(*scope)
	if m.scopes[k.Scope] == sc && m.kept.put(k, v.Data, v.Size+len(k.User)+len(k.Scope.Name)+len(k.Name)) {
		if sc.names == nil {
			sc.names = map[string]struct{}{}
		}
		sc.names[k.Name] = struct{}{}
	}
	m.released(sc)
}

// Release implements Backend.
func (m *Memory) Release(_ Key, t Ticket) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.released(t.(*scope))
}

func (m *Memory) released(sc *scope) {
	sc.readers--
	m.forget(sc)
}

// forget drops a scope of which nothing is known but its version.
func (m *Memory) forget(sc *scope) {
	if len(sc.names) == 0 && sc.readers == 0 && sc.writers == 0 && m.scopes[sc.of] == sc {
		delete(m.scopes, sc.of)
	}
}

// renew gives a scope a new version, of which nothing is kept.
func (m *Memory) renew(of Scope, writers int) {
	old := m.scopes[of]
	if old != nil {
		writers += old.writers
		for name := range old.names {
			m.kept.drop(Key{of, name})
		}
	}
	next := &scope{of: of, writers: writers}
	m.scopes[of] = next
	m.forget(next)
}

// Begin implements Backend.
func (m *Memory) Begin(_ context.Context, scopes []Scope) Mark {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, of := range scopes {
		m.renew(of, 1)
	}
	return scopes
}

// End implements Backend. While a scope is marked nobody gets a ticket, so its version is new already.
func (m *Memory) End(_ context.Context, mark Mark, _ bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, of := range mark.([]Scope) {
		sc := m.scopes[of]
		sc.writers--
		m.forget(sc)
	}
	return nil
}

// Clear implements Backend.
func (m *Memory) Clear(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for of := range m.scopes {
		m.renew(of, 0)
	}
	return nil
}

// Held implements Backend.
func (m *Memory) Held() (entries, bytes, evicted int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return int64(len(m.kept.by)), m.kept.size, m.kept.evicted
}
