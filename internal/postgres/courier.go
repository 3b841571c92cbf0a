package postgres

import (
	"context"
	"log/slog"
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

// Courier is the [jobs.Courier] of a Postgres. Over connections jobs that may be due travel by River, in the transaction
// that made them so, and events by LISTEN/NOTIFY, in the one that stored them; so there is nothing to announce after it. Over
// the Data API, which has neither, other servers are looked at.
type Courier struct {
	jobs.InProcess
	store  *Store
	log    *slog.Logger
	queue  *Dispatcher // nil: other servers find jobs by looking for them
	poller *jobs.Poller
	stop   context.CancelFunc
	listen sync.WaitGroup
}

// NewCourier returns the Courier of a store. Its own log lines, and River's, go to log.
func NewCourier(s *Store, log *slog.Logger) *Courier { return &Courier{store: s, log: log} }

// Start implements [jobs.Courier]. Without River everything works, and jobs that a busy server took in wait until another
// one looks for them, so that it cannot be made is no error.
func (c *Courier) Start(ctx context.Context, in jobs.Inbox) (err error) {
	ctx, c.stop = context.WithCancel(context.WithoutCancel(ctx))
	d, connected := c.store.wire.(*direct)
	every := pollAlone
	if connected && !d.shared {
		every = pollBeside
		c.listen.Go(func() {
			_ = c.store.Listen(ctx, func(news codeforge.Event) {
				if news.JobID == "" && news.ProjectID == "" {
					in.EventsMissed()
				} else {
					in.EventsAdded(news)
				}
			})
		})
	} else {
		c.log.Warn("events of other servers are looked for", "every", every, "reason", ErrNoListen)
	}
	c.poller = jobs.NewPoller(every)
	_ = c.poller.Start(ctx, in)
	if !connected {
		return nil
	}
	queue, err := NewDispatcher(ctx, c.store, func(jobID string) { in.Wake(jobID) }, c.log.With("logger", "river"))
	if err != nil {
		c.log.Warn("jobs are not handed to other servers at once", "error", err)
		return nil
	}
	c.queue = queue
	return queue.Start(ctx)
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
		c.listen.Wait()
		c.poller.Stop()
	}
}
