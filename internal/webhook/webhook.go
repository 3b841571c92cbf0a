// Package webhook sends what happened to those who asked to be told, after the specification Standard Webhooks. What is to be sent
// stands in the store, put there by the transaction that made it true. A dispatcher claims deliveries with a lease and records what
// came of each, so that any number of them work on one store, and what one that died had taken is sent by another: at least once.
// Order is not promised.
//
// Nobody's receiver holds up another's: webhooks are gone through in a ring, few requests are on their way to one at a time, one
// alone while it fails, and none while it rests after failures. Connections go to public addresses and to networks that the
// operator allows.
package webhook

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"codeforge"
)

const (
	lease      = 45 * time.Second // of a claim: three times what an attempt may take
	each       = 4                // requests to one webhook at once, by all processes
	visit      = 256              // webhooks that one claim looks at
	defaultAll = 32               // requests at once
	sweepEvery = 10 * time.Minute
	countEvery = 15 * time.Second

	recordTimeout = 10 * time.Second
)

// Options configure a Dispatcher. Store, Keys and Log must be given.
type Options struct {
	Store Store
	// Keys are what secrets are sealed with, 32 bytes each: the newest, which seals, and those before it that are still known.
	Keys      func() [][]byte
	PublicURL string         // begins links; "": they are paths
	Allow     []netip.Prefix // networks that are reached besides the public one, over http too
	Places    int            // requests at once; 0: 32
	Look      time.Duration  // how often deliveries are looked for that nobody tells of; 0: a second
	Log       *slog.Logger
	// Began, if not nil, is told of each attempt before it is made, and returns the context in which that is done and what is told of
	// its outcome.
	Began func(ctx context.Context, c codeforge.WebhookClaim) (context.Context, func(codeforge.WebhookOutcome))
	// Recorded, if not nil, is told of each attempt after its outcome was stored.
	Recorded func(c codeforge.WebhookClaim, o codeforge.WebhookOutcome)
	// Disabled, if not nil, is told of each webhook that an attempt was the last of.
	Disabled func(c codeforge.WebhookClaim)

	Roots     *x509.CertPool    // nil: those of this machine
	Resolver  *net.Resolver     // nil: that of this machine
	Transport http.RoundTripper // nil: connections as above
}

// Dispatcher sends what is due. One that is not started makes secrets and checks addresses alone.
type Dispatcher struct {
	o      Options
	client *http.Client
	wake   chan struct{}
	places chan struct{} // one for each request on its way

	stop    context.CancelFunc // of looking for more
	abort   context.CancelFunc // of requests
	running sync.WaitGroup

	counts  struct{ delivered, failed, retried, disabled, givenUp atomic.Int64 }
	asked   atomic.Bool // somebody wants to know the backlog
	backlog atomic.Pointer[codeforge.WebhookBacklog]
}

// Stats are counts since the start, and what waits, which is counted every few seconds while somebody asks.
type Stats struct {
	Delivered int64 // attempts that were taken
	Failed    int64 // attempts that were not
	Retried   int64 // of them those that will be made again
	Disabled  int64 // webhooks that were disabled
	GivenUp   int64 // deliveries that nobody took
	Sending   int   // requests on their way
	Pending   int   // deliveries that wait, of all processes
	Oldest    time.Duration
}

// New makes a Dispatcher.
func New(o Options) *Dispatcher {
	if o.Places <= 0 {
		o.Places = defaultAll
	}
	if o.Look <= 0 {
		o.Look = time.Second
	}
	return &Dispatcher{o: o, wake: make(chan struct{}, 1), places: make(chan struct{}, o.Places),
		client: &http.Client{Transport: o.transport(), CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Wake says that something may be due. It never blocks.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Stats tells what was done so far.
func (d *Dispatcher) Stats() Stats {
	s := Stats{Delivered: d.counts.delivered.Load(), Failed: d.counts.failed.Load(), Retried: d.counts.retried.Load(), Disabled: d.counts.disabled.Load(),
		GivenUp: d.counts.givenUp.Load(), Sending: len(d.places)}
	d.asked.Store(true)
	if b := d.backlog.Load(); b != nil {
		s.Pending, s.Oldest = b.Pending, b.Oldest
	}
	return s
}

// Start begins to send, whatever becomes of ctx.
func (d *Dispatcher) Start(ctx context.Context) {
	ctx, d.abort = context.WithCancel(context.WithoutCancel(ctx))
	looking, stop := context.WithCancel(ctx)
	d.stop = stop
	d.running.Go(func() { d.dispatch(looking, ctx) })
	d.running.Go(func() { d.sweep(looking) })
}

// Close takes no more deliveries, and waits for the requests that are on their way until ctx ends. What those would have said is
// then not known, and they are made again when their leases end.
func (d *Dispatcher) Close(ctx context.Context) {
	if d.stop == nil {
		return
	}
	d.stop()
	done := make(chan struct{})
	go func() { d.running.Wait(); close(done) }()
	select {
	case <-done:
	case <-ctx.Done():
		d.abort()
		<-done
	}
	d.abort()
	d.client.CloseIdleConnections()
}

// dispatch claims what is due, while there are places for it, until looking ends; requests live as long as ctx.
func (d *Dispatcher) dispatch(looking, ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	after := ""
	var counted, last time.Time
	found := true
	for {
		select {
		case <-looking.Done():
			return
		case <-d.wake:
			if !found { // news come with every job, and mostly there is no webhook: they are heard together
				select {
				case <-looking.Done():
					return
				case <-timer.C:
				case <-time.After(time.Until(last.Add(d.o.Look / 20))):
				}
			}
		case <-timer.C:
		}
		var wait time.Duration
		var err error
		found, wait, err = d.round(looking, ctx, &after)
		last = time.Now()
		if err != nil && looking.Err() == nil {
			d.o.Log.Error("webhooks are not sent", "next", "look at the store in /readyz?verbose; they are tried again by themselves", "error", err)
		}
		if time.Since(counted) >= countEvery && d.asked.Swap(false) {
			counted = time.Now()
			d.count(looking)
		}
		timer.Reset(wait)
	}
}

// round goes once through the ring, from after on, as far as there are places. It returns when to look again; whoever gives back
// a place says so.
func (d *Dispatcher) round(looking, ctx context.Context, after *string) (found bool, wait time.Duration, err error) {
	wait = d.o.Look
	for turns, whole := 0, *after == ""; ; {
		free := cap(d.places) - len(d.places)
		if free == 0 || looking.Err() != nil {
			return found, wait, nil
		}
		began := time.Now()
		claims, err := d.o.Store.ClaimWebhooks(looking, *after, free, each, visit, lease)
		if err != nil {
			return found, wait, err
		}
		found = found || len(claims.List) > 0
		for i := range claims.List {
			d.places <- struct{}{}
			d.running.Go(func() { d.deliver(ctx, &claims.List[i], began) })
		}
		if claims.Wait >= 0 {
			wait = min(wait, max(claims.Wait, time.Millisecond))
		}
		if *after = claims.After; *after != "" {
			continue
		}
		if turns++; whole || turns == 2 { // begun in the middle, it takes the beginning as well
			return found, wait, nil
		}
	}
}

// deliver makes one attempt and records it, unless this process slept since the claim began: then another one may be at it.
func (d *Dispatcher) deliver(ctx context.Context, c *codeforge.WebhookClaim, began time.Time) {
	defer func() {
		<-d.places
		d.Wake()
	}()
	if time.Since(began) > lease-2*attemptTimeout {
		return
	}
	log := d.o.Log.With("webhook_id", c.WebhookID, "delivery_id", c.ID, "type", c.Type)
	ended := func(codeforge.WebhookOutcome) {}
	if d.o.Began != nil {
		ctx, ended = d.o.Began(ctx, *c)
	}
	o := d.send(ctx, c)
	defer ended(o)
	if ctx.Err() != nil { // nothing is known of it
		return
	}
	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	disabled, err := d.o.Store.RecordWebhook(ctx, *c, o)
	if err != nil {
		if !errors.Is(err, codeforge.ErrFenced) { // it will be sent again
			log.Error("the outcome of a webhook was not stored", "next", "look at the store in /readyz?verbose; the delivery may be sent once more", "error", err)
		}
		return
	}
	switch o.Status {
	case codeforge.WebhookDelivered:
		d.counts.delivered.Add(1)
	case codeforge.WebhookPending:
		d.counts.failed.Add(1)
		d.counts.retried.Add(1)
	default:
		d.counts.failed.Add(1)
		d.counts.givenUp.Add(1)
	}
	if disabled {
		d.counts.disabled.Add(1)
		if d.o.Disabled != nil {
			d.o.Disabled(*c)
		}
		log.Warn("a webhook was disabled", "next", "its owner enables it again (PUT /v1/webhooks/{id}) once the receiver answers", "status", o.Attempt.Status, "failures", c.Failures+1)
	}
	if d.o.Recorded != nil {
		d.o.Recorded(*c, o)
	}
	log.Debug("webhook sent", "outcome", o.Status, "status", o.Attempt.Status, "ms", o.Attempt.DurationMS, "try", c.Tries)
}

// sweep gives up and forgets what is old, now and then, and sees to it that secrets outlive the keys that they were sealed with.
func (d *Dispatcher) sweep(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var sealed []byte // the key with which all are
	for {
		if keys := d.o.Keys(); len(keys) > 1 && !bytes.Equal(keys[0], sealed) {
			if err := d.reseal(ctx, keys); err == nil {
				sealed = keys[0]
			} else if ctx.Err() == nil {
				d.o.Log.Error("secrets of webhooks were not sealed anew", "next", "keep the old secret in OLD_STREAM_SECRETS, look at the store in /readyz?verbose, and restart", "error", err)
			}
		}
		n, err := d.o.Store.SweepWebhooks(ctx)
		if err != nil && ctx.Err() == nil {
			d.o.Log.Error("old deliveries of webhooks were not swept", "next", "look at the store in /readyz?verbose; it is tried again by itself", "error", err)
		}
		d.counts.givenUp.Add(int64(n))
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (d *Dispatcher) count(ctx context.Context) {
	b, err := d.o.Store.WebhookBacklog(ctx)
	if err == nil {
		d.backlog.Store(&b)
	} else if ctx.Err() == nil {
		d.o.Log.Error("deliveries of webhooks were not counted", "next", "look at the store in /readyz?verbose; it is tried again by itself", "error", err)
	}
}
