package redis

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"codeforge"
	"codeforge/internal/jobs"

	"github.com/redis/rueidis"
)

const (
	lookBeside  = 15 * time.Second // how often watched jobs are looked at all the same: a program that is no CodeForge tells nobody
	lookAway    = time.Second      // the same while Redis is away
	dueAway     = 5 * time.Second  // how often due jobs are looked for meanwhile
	blockMost   = 5 * time.Second  // that one read of the stream waits: a server that vanished takes a hint for that long
	sendMost    = 2 * time.Second  // that sending may take
	flushMost   = time.Second      // that sending what is left may take when all ends
	backoffMost = 5 * time.Second
	streamMost  = "10000" // hints that the stream holds, about
)

// Courier is the [jobs.Courier] over a Redis, whatever the store is. Hints at due jobs go through a stream with a consumer group, so
// that one server of all gets each, and only one that has a free worker reads. Nothing is acknowledged: what is lost is found by the
// sweeps. Events go by publish and subscribe to all servers. While Redis is away, watched jobs and due ones are looked at instead.
type Courier struct {
	client *Client
	log    *slog.Logger
	from   string // what is sent begins with it: one's own news are not for oneself
	out    outbox

	drain, stop context.CancelFunc
	bringing    sync.WaitGroup
	loops       sync.WaitGroup
	refused     atomic.Bool // Redis answers and does not do what is asked, which was said
}

// NewCourier returns the Courier of one engine.
func NewCourier(c *Client) *Courier {
	return &Courier{client: c, log: c.log, from: codeforge.NewID(), out: outbox{ready: make(chan struct{}, 1)}}
}

// Start implements [jobs.Courier]. Redis may be away.
func (c *Courier) Start(ctx context.Context, in jobs.Inbox) error {
	ctx, c.stop = context.WithCancel(context.WithoutCancel(ctx))
	bring, drain := context.WithCancel(ctx)
	c.drain = drain
	c.bringing.Go(func() { c.bringLoop(bring, in) })
	c.loops.Go(func() { c.receiveLoop(ctx, in) })
	c.loops.Go(func() { c.sendLoop(ctx) })
	c.loops.Go(func() { c.lookLoop(ctx, in) })
	return nil
}

// Announce implements [jobs.Courier].
func (c *Courier) Announce(jobIDs ...string) { c.out.announce(jobIDs) }

// Publish implements [jobs.Courier]. It never waits: while Redis is away, and beyond a bound, only the jobs are kept to which
// something was added, and transient events are dropped.
func (c *Courier) Publish(events ...codeforge.Event) {
	up, _ := c.client.state()
	c.out.publish(events, up, &c.client.stats)
}

// Drain implements [jobs.Courier]. A hint may be on its way to a read that is given up, so whoever is free is told to look.
func (c *Courier) Drain(context.Context) error {
	c.drain()
	c.bringing.Wait()
	c.Announce("")
	return nil
}

// Stop implements [jobs.Courier].
func (c *Courier) Stop() {
	if c.stop != nil {
		c.stop()
		c.loops.Wait()
	}
}

// bringLoop brings hints at due jobs while a worker is free.
func (c *Courier) bringLoop(ctx context.Context, in jobs.Inbox) {
	var b backoff
	for {
		select {
		case <-in.Free():
		case <-ctx.Done():
			return
		}
		conn, key, ok := c.await(ctx, due)
		if !ok {
			return
		}
		most, cancel := context.WithTimeout(ctx, blockMost+sendMost) // the way to Redis may be cut without a word
		read, err := conn.Do(most, conn.B().Xreadgroup().Group(group, consumer).Count(1).Block(blockMost.Milliseconds()).Noack().Streams().Key(key).Id(">").Build()).AsXRead()
		cancel()
		switch {
		case ctx.Err() != nil:
			return
		case err == nil:
			b = backoff{}
			for _, entry := range read[key] {
				c.bring(in, entry.FieldValues["job"])
			}
		case rueidis.IsRedisNil(err): // nothing for a while
			b = backoff{}
		default:
			if isAnswer(err) && c.makeGroup(ctx, conn, key) {
				in.LookForDue() // what was in the stream is gone
				continue
			}
			if !c.wait(ctx, &b, err) {
				return
			}
			in.LookForDue() // a hint may have gone to a connection that broke
		}
	}
}

// makeGroup makes the group of servers, and reports whether there was none: at first, and after Redis lost everything.
func (c *Courier) makeGroup(ctx context.Context, conn rueidis.Client, key string) bool {
	return conn.Do(ctx, conn.B().XgroupCreate().Key(key).Group(group).Id("0").Mkstream().Build()).Error() == nil
}

// bring hands a hint to the engine, or on to another server when its last worker was taken meanwhile.
func (c *Courier) bring(in jobs.Inbox, jobID string) {
	c.client.stats.woken.Add(1)
	if !in.Wake(jobID) {
		c.Announce(jobID)
	}
}

// receiveLoop brings events of other servers. What was published before a subscription, the first included, is not known.
func (c *Courier) receiveLoop(ctx context.Context, in jobs.Inbox) {
	var b backoff
	for {
		conn, channel, ok := c.await(ctx, events)
		if !ok {
			return
		}
		var began atomic.Bool
		subscribed := rueidis.WithOnSubscriptionHook(ctx, func(s rueidis.PubSubSubscription) {
			if s.Kind == "subscribe" {
				began.Store(true)
				in.EventsMissed()
			}
		})
		// A connection of its own: one that does not keep up with what is published is cut off by Redis.
		err := conn.Dedicated(func(own rueidis.DedicatedClient) error {
			return own.Receive(subscribed, own.B().Subscribe().Channel(channel).Build(), func(m rueidis.PubSubMessage) { c.receive(in, m.Message) })
		})
		if err == nil {
			err = ErrAway
		}
		if began.Load() {
			b = backoff{}
		}
		if ctx.Err() != nil || !c.wait(ctx, &b, err) {
			return
		}
	}
}

// receive takes a message in.
func (c *Courier) receive(in jobs.Inbox, text string) {
	if strings.HasPrefix(text, c.from) {
		return
	}
	m, err := decode(text)
	if err != nil { // of another version, perhaps
		m.Missed = true
	}
	if m.Missed {
		in.EventsMissed()
	}
	if len(m.Events) > 0 {
		c.client.stats.received.Add(int64(len(m.Events)))
		in.Receive(m.Events...)
	}
	for _, e := range m.Nudges {
		in.EventsAdded(e)
	}
}

// sendLoop sends what is in the outbox, many at once when much comes at once.
func (c *Courier) sendLoop(ctx context.Context) {
	var b backoff
	for {
		select {
		case <-c.out.ready:
		case <-ctx.Done():
		}
		for c.out.any() {
			if _, _, ok := c.await(ctx, due); !ok {
				break
			}
			if err := c.send(ctx); err == nil {
				b = backoff{}
				c.refused.Store(false)
			} else if !c.wait(ctx, &b, err) {
				break
			}
		}
		if ctx.Err() != nil { // what is left is sent if it can be at once
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushMost)
			defer cancel()
			for c.out.any() && c.send(last) == nil {
			}
			return
		}
	}
}

// send sends one batch of the outbox. What is not sent goes back into it, as far as it is worth it.
func (c *Courier) send(ctx context.Context) error {
	batch := c.out.take()
	if batch.empty() {
		return nil
	}
	conn, stream, err := c.client.use(due)
	if err != nil {
		c.out.putBack(batch, &c.client.stats)
		return err
	}
	_, channel, _ := c.client.use(events)
	var cmds rueidis.Commands
	if text := batch.message.encode(c.from); text != "" {
		cmds = append(cmds, conn.B().Publish().Channel(channel).Message(text).Build())
	}
	for _, id := range batch.ids {
		cmds = append(cmds, conn.B().Xadd().Key(stream).Maxlen().Almost().Threshold(streamMost).Id("*").FieldValue().FieldValue("job", id).Build())
	}
	ctx, cancel := context.WithTimeout(ctx, sendMost)
	defer cancel()
	for _, r := range conn.DoMulti(ctx, cmds...) {
		if err = r.Error(); err != nil {
			c.out.putBack(batch, &c.client.stats) // what was sent and is sent again does no harm
			return err
		}
	}
	c.client.stats.announced.Add(int64(len(batch.ids)))
	c.client.stats.published.Add(int64(len(batch.message.Events)))
	return nil
}

// lookLoop looks at what nothing tells of: now and then while Redis is there, often while it is away.
func (c *Courier) lookLoop(ctx context.Context, in jobs.Inbox) {
	var sought time.Time
	for {
		up, changed := c.client.state()
		every := lookBeside
		if !up {
			every = lookAway
		}
		timer := time.NewTimer(every)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-changed: // looked at at once: what happened just before may have been lost
			timer.Stop()
			in.LookForDue()
		case <-timer.C:
			if !up && time.Since(sought) >= dueAway {
				sought = time.Now()
				in.LookForDue()
			}
		}
		in.LookAtWatched()
	}
}

// await returns the connection and a name when there is a Redis; ok is false when ctx ended before.
func (c *Courier) await(ctx context.Context, thing string) (conn rueidis.Client, name string, ok bool) {
	for {
		_, changed := c.client.state()
		if conn, name, err := c.client.use(thing); err == nil {
			return conn, name, ctx.Err() == nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, "", false
		}
	}
}

// wait lets time pass after an error, longer after each. An error that Redis itself answers with while it counts as there is said once.
func (c *Courier) wait(ctx context.Context, b *backoff, err error) bool {
	c.client.failed(err)
	if isAnswer(err) && !c.refused.Swap(true) {
		c.log.Error("Redis refuses what servers tell each other: codeforge doctor says what the user may not do", "error", err)
	}
	select {
	case <-time.After(b.next()):
		return true
	case <-ctx.Done():
		return false
	}
}

// backoff is how long to wait after errors in a row.
type backoff struct{ tries int }

func (b *backoff) next() time.Duration {
	full := min(50*time.Millisecond<<min(b.tries, 10), backoffMost)
	b.tries++
	return full/2 + rand.N(full/2)
}
