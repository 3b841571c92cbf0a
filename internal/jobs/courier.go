package jobs

import (
	"context"
	"sync"
	"time"

	"codeforge"
)

// A Courier carries news of jobs between the processes that work on one store: that jobs may be due, and what happened in
// them. It decides nothing. The rows of jobs are the truth, an engine looks at them by itself now and then, and claims refuse
// what comes late or twice: whatever a courier loses costs time, and no job.
//
// Each engine has one of its own, which it starts, tells of its commits, and stops. Workers and readers of its own process it
// tells by itself, so a courier only has others to tell.
type Courier interface {
	// Start begins to bring news to in, and goes on until Stop, whatever becomes of ctx.
	Start(ctx context.Context, in Inbox) error
	// Announce says, after the commit, that jobs may be due for which no worker was free here: one of the other processes may have
	// one. Where the news was part of the commit there is nothing left to do.
	Announce(jobIDs ...string)
	// Publish says, after the commit, what was added to the events of jobs; transient ones, which are never stored, are among
	// them. One that names no job says that its project has new changes. Where the news was part of the commit it may be left
	// at that.
	Publish(events ...codeforge.Event)
	// Drain ends the bringing of jobs that may be due: what is brought to an engine that takes none any more would be lost
	// until others look for it. Events go on coming: a cancellation ends a run that is waited for.
	Drain(ctx context.Context) error
	// Stop ends everything, after Drain.
	Stop()
}

// Inbox is what a Courier brings news to: an [Engine]. Its methods do not block.
type Inbox interface {
	// Wake says that a job may be due. It reports whether a worker here was free for it: if none was, another process may have one.
	Wake(jobID string) (taken bool)
	// LookForDue has due jobs looked for soon: some may have become due of which nothing was brought.
	LookForDue()
	// Free returns what is closed once a worker is free here, perhaps already: until then another process does better with what
	// is brought.
	Free() <-chan struct{}
	// Receive brings events that another process added.
	Receive(events ...codeforge.Event)
	// EventsAdded says that events were added to a job, by this process or another one, where no more is known but, perhaps,
	// its project and user; where it names no job, that its project has new changes.
	EventsAdded(news codeforge.Event)
	// EventsMissed says that events may have been added to any job: there was no connection for a while.
	EventsMissed()
	// LookAtWatched has the jobs looked at that somebody here watches and that do not run here, and the projects and users.
	LookAtWatched()
}

// InProcess is the Courier of a store that no other process has open: it has nobody to tell.
type InProcess struct{}

func (InProcess) Start(context.Context, Inbox) error { return nil }
func (InProcess) Announce(...string)                 {}
func (InProcess) Publish(...codeforge.Event)         {}
func (InProcess) Drain(context.Context) error        { return nil }
func (InProcess) Stop()                              {}

// Poller is the Courier of a store that tells of nothing: events of other processes are looked for, and jobs that became due
// there.
type Poller struct {
	InProcess
	every time.Duration
	stop  context.CancelFunc
	loop  sync.WaitGroup
}

// NewPoller returns a Courier that looks that often.
func NewPoller(every time.Duration) *Poller { return &Poller{every: every} }

// Start implements Courier.
func (p *Poller) Start(ctx context.Context, in Inbox) error {
	ctx, p.stop = context.WithCancel(context.WithoutCancel(ctx))
	p.loop.Go(func() {
		tick := time.NewTicker(p.every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				in.LookAtWatched()
				in.LookForDue()
			case <-ctx.Done():
				return
			}
		}
	})
	return nil
}

// Stop implements Courier.
func (p *Poller) Stop() {
	if p.stop != nil {
		p.stop()
		p.loop.Wait()
	}
}
