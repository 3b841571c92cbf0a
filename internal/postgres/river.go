package postgres

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
)

// riverSchema is where River's tables lie.
const riverSchema = "codeforge_river"

// A Dispatcher carries between servers, by River, that jobs may be due. It decides nothing: which job is next the claim does.
// Whoever takes a job in has a worker of the same process claim it at once; where none is free River tells one server of all.
type Dispatcher struct {
	store  *Store
	pool   *pgxpool.Pool
	forget func() // the store need not reset the pool any more
	client *river.Client[pgx.Tx]
}

// queueConns bounds the connections of a Dispatcher: one listens, the others fetch and settle deliveries.
const queueConns = 4

// NewDispatcher makes a Dispatcher that calls wake, which must not block, with the id of each job that was announced;
// it says whether that was taken. It has a pool
// of its own, which acts as service_role. Behind a pooler in transaction mode nothing is announced by the database, so it asks
// once a second, and the login needs rights of its own on River's tables, since it cannot keep a role.
func NewDispatcher(ctx context.Context, s *Store, wake func(jobID string) (taken bool), log *slog.Logger) (*Dispatcher, error) {
	store, ok := s.direct()
	if !ok {
		return nil, errors.New("start the queue: the Data API does not reach it")
	}
	config := store.pool.Config()
	config.MaxConns, config.MinConns = queueConns, 0
	config.ConnConfig.RuntimeParams["application_name"] += " queue"
	if !store.shared {
		prepare := config.AfterConnect
		config.AfterConnect = func(ctx context.Context, c *pgx.Conn) error {
			if err := prepare(ctx, c); err != nil {
				return err
			}
			_, err := c.Exec(ctx, "set role service_role")
			return err
		}
	}
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("start the queue: %w", err)
	}
	d := &Dispatcher{store: s, pool: pool, forget: store.onMove(pool.Reset)}
	var login string
	var may bool
	err = pool.QueryRow(ctx, `select session_user, has_schema_privilege($1, 'usage') and coalesce((select bool_and(has_table_privilege(c.oid, p))
		from pg_class c, unnest(array['select', 'insert', 'update', 'delete']) p where c.relname = 'river_job' and c.relnamespace = to_regnamespace($1)), false)`,
		riverSchema).Scan(&login, &may)
	if err == nil && !may {
		err = fmt.Errorf("the login %q may not use River's tables, which behind a pooler in transaction mode it must by itself: use a pooler in session mode, or run as an administrator: "+
			"grant usage on schema %[2]s to %[1]q; grant all on all tables in schema %[2]s to %[1]q; grant all on all sequences in schema %[2]s to %[1]q", login, riverSchema)
	}
	if err == nil {
		workers := river.NewWorkers()
		river.AddWorker(workers, &receiver{wake: wake})
		poll := 2 * time.Second // for what an announcement missed
		if store.shared {
			poll = time.Second
		}
		d.client, err = river.NewClient(riverpgxv5.New(pool), &river.Config{
			Schema:                      riverSchema,
			Queues:                      map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: 64}},
			Workers:                     workers,
			PollOnly:                    store.shared,
			FetchCooldown:               5 * time.Millisecond,
			FetchPollInterval:           poll,
			CompletedJobRetentionPeriod: 10 * time.Minute,
			ReindexerSchedule:           river.NeverSchedule(), // it takes the owner of the tables
			Logger:                      log,
		})
	}
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("start the queue: %w", err)
	}
	return d, nil
}

// Start begins to deliver, and goes on until Stop, whatever becomes of ctx. Connections that are lost are made again.
func (d *Dispatcher) Start(ctx context.Context) error {
	if err := d.client.Start(context.WithoutCancel(ctx)); err != nil {
		return fmt.Errorf("start the queue: %w", err)
	}
	return nil
}

// Announce hands jobs to River, each once for as long as it is not delivered. It can be called after Stop.
func (d *Dispatcher) Announce(ctx context.Context, jobIDs ...string) error {
	_, _, _, err := system[any](ctx, d.store, "announce", arg{"jobs", ids(jobIDs)})
	return err
}

// Stop ends deliveries: before the one whom they wake stops listening, or those would be lost on it until others look
// for due jobs by themselves. It waits for the last ones to be settled, until ctx ends at most.
func (d *Dispatcher) Stop(ctx context.Context) error {
	err := d.client.Stop(ctx)
	if err != nil {
		err = fmt.Errorf("stop the queue: %w", err)
	}
	d.forget()
	d.pool.Close()
	return err
}

// delivery is what River carries.
type delivery struct {
	ID string `json:"id"`
}

func (delivery) Kind() string { return "codeforge_job" }

// receiver gets deliveries.
type receiver struct {
	river.WorkerDefaults[delivery]
	wake func(jobID string) (taken bool)
}

// What no worker was free for is brought again after a while, perhaps to another server; not for long, since servers look for due
// jobs by themselves as well.
const (
	bringAgain = time.Second
	bringUntil = 5 * time.Second
)

func (r *receiver) Work(_ context.Context, j *river.Job[delivery]) error {
	if !r.wake(j.Args.ID) && time.Since(j.CreatedAt) < bringUntil {
		return river.JobSnooze(bringAgain)
	}
	return nil
}
