// Package redis connects servers that work on one store by a Redis or Valkey: a [Courier] of news, limits that are counted for all
// of them, and values that they share. Nothing lies there that is not found again elsewhere: while it is away, and after it lost
// everything, servers are slower and never wrong.
//
// Commands used are those of Redis 6 and Valkey 7; none waits for longer than its caller says.
package redis

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// ErrAway is the error of whatever needs a Redis that does not answer.
var ErrAway = errors.New("redis does not answer")

const (
	lookEvery  = time.Second     // at whether Redis answers
	aliveFor   = time.Minute     // what a look writes lasts
	lookMost   = time.Second     // that the answer may take
	dialMost   = 2 * time.Second // that a connection may take
	silentMost = 5 * time.Second // that an answer within a connection may take before the connection counts as dead
)

// Options configure a Client.
type Options struct {
	URL    string // see [CheckURL]
	Prefix string // of the names of all keys and channels
	Log    *slog.Logger
}

// Client is what all users of one Redis in this process share: its connections, and whether it answers. Make one with Open.
type Client struct {
	option rueidis.ClientOption
	prefix string
	log    *slog.Logger
	stop   context.CancelFunc
	ended  context.Context
	loops  sync.WaitGroup
	look   chan struct{} // asks for a look at whether Redis answers
	stats  counters

	slowUntil, slowTold atomic.Int64 // nanoseconds since 1970, see mayAsk

	mu      sync.Mutex
	conn    rueidis.Client // nil: there was none yet
	store   string         // names the store whose servers meet; "": not known yet
	up      bool           // Redis answers and the store is known
	fault   error          // why Redis does not answer; nil: it does
	changed chan struct{}  // closed, and made anew, with each change of up
}

// Open returns a Client that connects by itself, again and again, beside its caller. Only an address that cannot be read is an error.
func Open(o Options) (*Client, error) {
	option, err := parseAddress(o.URL)
	if err != nil {
		return nil, err
	}
	c := &Client{prefix: o.Prefix, log: o.Log, look: make(chan struct{}, 1), changed: make(chan struct{}), fault: ErrAway}
	c.ended, c.stop = context.WithCancel(context.Background())
	c.option = tuned(option, c.ended)
	c.loops.Go(c.watch)
	return c, nil
}

// tuned adds to what an address says how connections are used. None is made after ended.
func tuned(o rueidis.ClientOption, ended context.Context) rueidis.ClientOption {
	o.ClientName, o.DisableCache, o.DisableRetry, o.ShuffleInit = "codeforge", true, true, true
	o.PipelineMultiplex = -1  // one connection for what does not wait: answers come in order anyway
	o.AlwaysPipelining = true // else an answer that is given up ends the connection, and with it what others wait for
	o.ReadBufferEachConn, o.WriteBufferEachConn = 64<<10, 64<<10
	o.BlockingPoolSize, o.ConnWriteTimeout = 16, silentMost
	o.Sentinel.TopologyRefreshInterval, o.ClusterOption.ShardsRefreshInterval = 5*time.Second, 10*time.Second
	o.DialCtxFn = func(ctx context.Context, address string, d *net.Dialer, secure *tls.Config) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, dialMost)
		defer cancel()
		defer context.AfterFunc(ended, cancel)()
		network := "tcp"
		if address[0] == '/' {
			network = "unix"
		}
		if secure != nil {
			return (&tls.Dialer{NetDialer: d, Config: secure}).DialContext(ctx, network, address)
		}
		return d.DialContext(ctx, network, address)
	}
	return o
}

// Meet says by which store the servers that meet here know each other: all that have the same one open, and no others. Until it is
// called Redis counts as away.
func (c *Client) Meet(store string) {
	c.mu.Lock()
	c.store = store
	c.mu.Unlock()
	c.lookSoon()
}

// Close ends all connections.
func (c *Client) Close() {
	c.stop()
	c.loops.Wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		c.conn.Close()
	}
}

// Check says why Redis does not answer; nil: it does.
func (c *Client) Check() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.fault
}

// state says whether there is a Redis to use, and gives what is closed when that changes.
func (c *Client) state() (up bool, changed <-chan struct{}) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.up, c.changed
}

// use returns the connection and the name of a thing of this store; ErrAway when there is no Redis to use. Names of one store lie on
// one node of a cluster only where they are the same.
func (c *Client) use(name string) (rueidis.Client, string, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.up {
		return nil, "", ErrAway
	}
	return c.conn, c.prefix + ":" + c.store + ":" + name, nil
}

// failed has a look taken at whether Redis answers, after an error that may say that it does not.
func (c *Client) failed(err error) {
	if err != nil && !isAnswer(err) {
		c.lookSoon()
	}
}

// isAnswer reports whether an error is one that Redis answered with.
func isAnswer(err error) bool {
	_, answered := rueidis.IsRedisErr(err)
	return answered || rueidis.IsRedisNil(err)
}

func (c *Client) lookSoon() {
	select {
	case c.look <- struct{}{}:
	default:
	}
}

// watch looks at whether Redis answers until the client is closed.
func (c *Client) watch() {
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		c.note(c.ping())
		select {
		case <-c.ended.Done():
			return
		case <-tick.C:
		case <-c.look:
		}
	}
}

// ping asks Redis for an answer, over a first connection if there is none yet; later ones are made by the client below. It writes
// something: one that is full, or follows another one, answers a ping.
func (c *Client) ping() error {
	c.mu.Lock()
	conn, store := c.conn, c.store
	c.mu.Unlock()
	if conn == nil {
		var err error
		if conn, err = rueidis.NewClient(c.option); err != nil {
			return err
		}
		c.mu.Lock()
		c.conn = conn
		c.mu.Unlock()
	}
	ctx, cancel := context.WithTimeout(c.ended, lookMost)
	defer cancel()
	if store == "" {
		return conn.Do(ctx, conn.B().Ping().Build()).Error()
	}
	return conn.Do(ctx, conn.B().Set().Key(c.prefix+":"+store+":alive").Value("1").Px(aliveFor).Build()).Error()
}

// note takes down what a look came to, and tells of changes once.
func (c *Client) note(err error) {
	if c.ended.Err() != nil {
		return
	}
	c.mu.Lock()
	before, first := c.fault, c.stats.looks.Add(1) == 1
	c.fault = err
	up := err == nil && c.store != ""
	if up != c.up {
		c.up = up
		close(c.changed)
		c.changed = make(chan struct{})
	}
	c.mu.Unlock()
	switch {
	case err != nil && (before == nil || first):
		c.stats.gone.Add(1)
		c.log.Warn("Redis does not answer: until it does, other servers are looked at and limits are counted by each server", "next", "look at Redis and the way to it: codeforge doctor tries it", "error", err)
	case err == nil && before != nil && !first:
		c.log.Info("Redis answers again")
	}
}

// counters are the numbers behind Stats.
type counters struct {
	looks, gone                                            atomic.Int64
	announced, woken, published, received, nudged, dropped atomic.Int64
	limited, limitedHere, slow                             atomic.Int64
}

// Stats are counts since the start.
type Stats struct {
	Up   bool  // Redis answers
	Gone int64 // how often it stopped to

	Announced int64 // hints at due jobs that were sent
	Woken     int64 // hints at due jobs that came
	Published int64 // events that were sent
	Received  int64 // events that came
	Nudged    int64 // events of which only the job was sent: they were too large, or too many
	Dropped   int64 // transient events that were not sent

	Limited     int64 // requests that Redis counted
	LimitedHere int64 // requests that were counted by this process, since it did not answer in time
	Slow        int64 // questions that it did not answer in time
}

// Stats returns the counts.
func (c *Client) Stats() Stats {
	n := &c.stats
	return Stats{Up: c.Check() == nil, Gone: n.gone.Load(), Announced: n.announced.Load(), Woken: n.woken.Load(), Published: n.published.Load(), Received: n.received.Load(),
		Nudged: n.nudged.Load(), Dropped: n.dropped.Load(), Limited: n.limited.Load(), LimitedHere: n.limitedHere.Load(), Slow: n.slow.Load()}
}

// Try uses Redis as a server does, each kind of command once, and says what does not work: an answer to a ping is not all that is
// needed where a user may not do everything.
func Try(ctx context.Context, o Options) error {
	option, err := parseAddress(o.URL)
	if err != nil {
		return err
	}
	conn, err := rueidis.NewClient(tuned(option, ctx))
	if err != nil {
		return err
	}
	defer conn.Close()
	key := o.Prefix + ":doctor:"
	b := conn.B()
	for _, cmd := range []rueidis.Completed{
		b.Arbitrary("XGROUP", "CREATE").Keys(key+due).Args(group, "0", "MKSTREAM").Build(),
		b.Xadd().Key(key+due).Maxlen().Almost().Threshold("1").Id("*").FieldValue().FieldValue("job", "").Build(),
		b.Xreadgroup().Group(group, consumer).Count(1).Noack().Streams().Key(key + due).Id(">").Build(),
		b.Del().Key(key + due).Build(),
		b.Eval().Script(`return redis.call('SET', KEYS[1], redis.call('TIME')[1], 'PX', 1000)`).Numkeys(1).Key(key + "script").Build(),
		b.Publish().Channel(key + "events").Message("").Build(),
	} {
		name := cmd.Commands()[0]
		if err := conn.Do(ctx, cmd).Error(); err != nil && !rueidis.IsRedisBusyGroup(err) {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}
