package postgres

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Failover tells that another server has taken the place of the primary.
type Failover struct {
	From, To uint32 // timelines
	// Lost are jobs that this process acknowledged of late, and that the new primary does not know. Err says why they were not looked for.
	Lost []string
	Err  error
}

// history is which primary answers. A promotion begins another timeline, so that of two servers that take writes the one on the newer
// timeline is the primary; the other one came back, and nobody has told it.
type history struct {
	several bool // the address names several servers

	mu       sync.Mutex
	system   string // names the cluster of servers; "": none was met yet
	timeline uint32
	before   uint32 // the last failover
	moves    map[int]func()
	next     int
	watchers sync.WaitGroup
}

// severalServers reports whether an address names more than one: ways to one, with TLS and without it, are no more.
func severalServers(c *pgx.ConnConfig) bool {
	for _, f := range c.Fallbacks {
		if f.Host != c.Host || f.Port != c.Port {
			return true
		}
	}
	return false
}

// onMove has f called, in a goroutine, each time that another server has taken over, until forget is called.
func (h *history) onMove(f func()) (forget func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.moves == nil {
		h.moves = map[int]func(){}
	}
	h.next++
	n := h.next
	h.moves[n] = f
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.moves, n)
	}
}

var (
	errStandby    = errors.New("the server follows another one")
	errOldPrimary = errors.New("the server was the primary once: another one has taken its place")
)

// validate looks at each server that was connected to, after what the address asks for.
func (h *history) validate(before pgconn.ValidateConnectFunc) pgconn.ValidateConnectFunc {
	return func(ctx context.Context, c *pgconn.PgConn) error {
		if before != nil {
			if err := before(ctx, c); err != nil {
				return err
			}
		}
		results, err := c.Exec(ctx, `select s.system_identifier, case when pg_is_in_recovery() then 0
			else ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::int8 end from pg_control_system() s`).ReadAll()
		if _, refused := errors.AsType[*pgconn.PgError](err); refused {
			return nil // it does not say; what it cannot do will show
		}
		if err != nil || len(results) != 1 || len(results[0].Rows) != 1 {
			return errors.Join(errors.New("it does not say which server it is"), err)
		}
		row := results[0].Rows[0]
		timeline, err := strconv.ParseUint(string(row[1]), 10, 32)
		if err != nil {
			return fmt.Errorf("timeline: %w", err)
		}
		return h.meet(string(row[0]), uint32(timeline))
	}
}

// meet notes which server was connected to; timeline is 0 for a standby. An error: it is not to be used.
func (h *history) meet(system string, timeline uint32) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	switch {
	case timeline == 0 && h.several:
		return errStandby
	case timeline == 0, system == h.system && timeline == h.timeline:
		return nil
	case system == h.system && timeline < h.timeline:
		return errOldPrimary
	}
	first := h.system == ""
	h.system, h.timeline, h.before = system, timeline, h.timeline
	if !first {
		for _, f := range h.moves {
			h.watchers.Go(f)
		}
	}
	return nil
}

// Jobs that were acknowledged are known for a while, and so many.
const (
	recentFor  = 10 * time.Minute
	recentMost = 10_000
)

// recentJobs are ids of jobs, the newest last.
type recentJobs struct {
	mu  sync.Mutex
	ids []string
	at  []time.Time
}

func (r *recentJobs) add(id string) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.ids) >= 2*recentMost {
		r.ids, r.at = append([]string(nil), r.ids[recentMost:]...), append([]time.Time(nil), r.at[recentMost:]...)
	}
	r.ids, r.at = append(r.ids, id), append(r.at, now)
}

func (r *recentJobs) all() (ids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, at := range r.at {
		if time.Since(at) < recentFor {
			return append(ids, r.ids[i:]...)
		}
	}
	return nil
}

const (
	lookWithinFailover = 30 * time.Second // bounds the look for what was lost: the new primary has other things to do
	cacheSuspended     = 15 * time.Second // in which every server learns that what is kept does not count
)

// lookForLost tells of a failover, and which jobs that were acknowledged here did not get over.
func (s *Store) lookForLost(d *direct, told func(Failover)) {
	if told == nil {
		return
	}
	d.mu.Lock()
	f := Failover{To: d.timeline, From: d.before}
	d.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), lookWithinFailover)
	defer cancel()
	if recent := s.acknowledged.all(); len(recent) > 0 {
		f.Err = d.run(ctx, &functionCall{}, &statement{"select i::text from unnest($1::uuid[]) i where not exists (select from public.agent_jobs j where j.id = i)", []any{ids(recent).keys()}, func(rows pgx.Rows) (err error) {
			f.Lost, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		}})
	}
	// What servers keep of reads may be of what is lost.
	if _, err := s.SuspendCache(ctx, cacheSuspended); err != nil {
		f.Err = errors.Join(f.Err, fmt.Errorf("what is kept of reads was not dropped: %w", err))
	}
	told(f)
}

// Durability says of a database whose address names several servers whether a commit waits for one of those that may take over. ok is
// false where that is no question: there is one server, or somebody else sees to it.
func (s *Store) Durability(ctx context.Context) (waits, ok bool, err error) {
	d, connected := s.direct()
	if !connected || !d.several {
		return false, false, nil
	}
	err = d.run(ctx, &functionCall{}, &statement{"select current_setting('synchronous_standby_names') <> '' and current_setting('synchronous_commit') not in ('off', 'local')", nil, func(rows pgx.Rows) (err error) {
		waits, err = pgx.CollectExactlyOneRow(rows, pgx.RowTo[bool])
		return err
	}})
	return waits, true, fault(ctx, err)
}
