package postgres

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/jobs"
)

// How often events of other servers are looked for, where nothing tells of them, and where something does: what a program
// that is no CodeForge does to a job is told by nobody.
const (
	pollAlone  = time.Second
	pollBeside = 15 * time.Second
)

// Courier is the [jobs.Courier] of a Postgres. Over connections, that jobs may be due travels by River, and that there are events by
// LISTEN/NOTIFY: both after the commit, as many at a time as came since the last time, so that what a commit costs does not
// grow by it. Over the Data API, which has neither, other servers are looked at.
type Courier struct {
	jobs.InProcess
	store  *Store
	log    *slog.Logger
	origin string      // tells what this process told from what others did
	queue  *Dispatcher // nil: other servers find jobs by looking for them
	poller *jobs.Poller
	due    *batcher // ids of jobs that may be due
	news   *batcher // of events
	stop   context.CancelFunc
	loops  sync.WaitGroup
}

// How much is told others at a time, and how often: a job that is submitted beside others waits no longer than that for a worker that is
// free, and a delivery costs the database as much as a job that does nothing. What does not fit needs no telling: who is woken for one job claims whatever is
// due, and who hears that something happened somewhere looks at all that is watched.
const (
	dueAtOnce  = 8
	dueEvery   = 20 * time.Millisecond
	newsAtOnce = 1000
	newsEvery  = 5 * time.Millisecond
)

// NewCourier returns the Courier of a store. Its own log lines, and River's, go to log.
func NewCourier(s *Store, log *slog.Logger) *Courier {
	return &Courier{store: s, log: log, origin: codeforge.NewID(), due: newBatcher(dueAtOnce, dueEvery), news: newBatcher(newsAtOnce, newsEvery)}
}

// Start implements [jobs.Courier]. Without River everything works, and jobs that a busy server took in wait until another
// one looks for them, so that it cannot be made is no error.
func (c *Courier) Start(ctx context.Context, in jobs.Inbox) (err error) {
	ctx, c.stop = context.WithCancel(context.WithoutCancel(ctx))
	d, connected := c.store.direct()
	every := pollAlone
	if connected && !d.shared {
		every = pollBeside
		c.loops.Go(func() {
			_ = c.store.listen(ctx, c.origin, func(news codeforge.Event) {
				if news.JobID == "" && news.ProjectID == "" {
					in.EventsMissed()
				} else {
					in.EventsAdded(news)
				}
			})
		})
	} else {
		c.log.Warn("events of other servers are looked for", "next", "nothing where that is meant; a direct connection, the session pooler or REDIS_URL is faster", "every", every, "reason", ErrNoListen)
	}
	if connected {
		c.loops.Go(func() {
			c.news.run(ctx, c.tell("events", func(ctx context.Context, all []string) error {
				_, _, _, err := system[any](ctx, c.store, "tell_all", arg{"news", all})
				return err
			}))
		})
	}
	c.poller = jobs.NewPoller(every)
	_ = c.poller.Start(ctx, in)
	if !connected {
		return nil
	}
	queue, err := NewDispatcher(ctx, c.store, in.Wake, c.log.With("logger", "river"))
	if err != nil {
		c.log.Warn("jobs are not handed to other servers at once", "next", "give the login the rights that the error names, or set REDIS_URL; servers find each other's jobs a little later", "error", err)
		return nil
	}
	c.queue = queue
	c.loops.Go(func() {
		c.due.run(ctx, c.tell("due jobs", func(ctx context.Context, all []string) error {
			return queue.Announce(ctx, slices.DeleteFunc(all, func(id string) bool { return id == "" })...)
		}))
	})
	return queue.Start(ctx)
}

// tell is a way to tell others, whose failure is logged: they find what it was by looking.
func (c *Courier) tell(what string, send func(context.Context, []string) error) func(context.Context, []string) {
	return func(ctx context.Context, all []string) {
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		defer cancel()
		if err := send(ctx, all); err != nil {
			c.log.Warn("other servers were not told", "next", "look at the store in /readyz?verbose; they look by themselves", "of", what, "error", err)
		}
	}
}

// Announce implements [jobs.Courier].
func (c *Courier) Announce(jobIDs ...string) {
	if c.queue != nil {
		c.due.add(jobIDs...)
	}
}

// Publish implements [jobs.Courier]. Who hears of events reads them in the store, where transient ones are not.
func (c *Courier) Publish(events ...codeforge.Event) {
	if _, connected := c.store.direct(); !connected {
		return
	}
	for i := range events {
		if e := &events[i]; !e.Type.Transient() {
			c.news.add(newsText(e, c.origin))
		}
	}
}

// Drain implements [jobs.Courier].
func (c *Courier) Drain(ctx context.Context) error {
	if c.queue == nil {
		return nil
	}
	return c.queue.Stop(ctx)
}

// Stop implements [jobs.Courier].
func (c *Courier) Stop() {
	if c.stop != nil {
		c.stop()
		c.loops.Wait()
		c.poller.Stop()
	}
}
