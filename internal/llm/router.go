package llm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"codeforge"
)

// Options are what a Router works with.
type Options struct {
	Catalog *Catalog
	// Providers that are configured, by the name that stands before the colon; each makes one attempt per Generate.
	Providers map[string]Provider
	// Defaults holds, for a provider, the model to use where no route names one of its own.
	Defaults map[string]string
	// Own returns the providers that a user has a key of their own for; nil: nobody has any. Calls of that user go to them first.
	Own       func(ctx context.Context, userID string) (map[string]Provider, error)
	Ledger    Ledger        // nil: nothing is accounted for
	Observe   func(Attempt) // hears of every attempt, from the caller's goroutine; nil: nobody does
	Warn      func(Warning) // hears of each warning that calls give rise to, once; nil: nobody does
	Log       *slog.Logger  // for failures of the ledger after an answer; nil: none
	MaxWait   time.Duration // longer waits go to the next model; 0: a minute
	MaxOutput int           // of output, where a request says none and the model's largest is known; 0: 32768
}

const (
	defaultMaxWait   = time.Minute
	defaultMaxOutput = 32_768
	minOutput        = 1_024            // is asked for however full the window looks
	recordWithin     = 5 * time.Second  // for the ledger, after the caller has gone
	callLapses       = 30 * time.Minute // for a call without a deadline
	shrinkTo         = 0.7              // of what was sent, when a model says that it was too long

	roomEvery  = 2 * time.Second // a call that waits for room in a budget asks for it
	roomWithin = time.Minute     // it gets room, or is given up
)

var errHung = errors.New("no answer began within half of the time that was left")

// Router is a Provider over all that are configured. For each call it has a chain of models: that of the agent's route, or the
// model that the request names and then the route's. It goes along the chain until one answers:
//
//   - A model is tried at most three times. Between tries it waits as long as the provider asks, else a random time that grows. A wait
//     that is longer than MaxWait or than the time the caller has left is not begun: the next model is tried.
//   - A try has half of the time that the caller has left to begin its answer. One that does not begin is tried again after
//     the other models.
//   - A budget without room but for what other calls hold is waited for, a minute at most.
//   - Retries are a share of all calls. When it is used up, the next model is tried at once.
//   - A model that failed five times in a row is left alone for a minute; one that said "too many requests", until
//     the time that it named.
//   - What another try or another model cannot mend is returned at once: a refused request, a refusal, the budget.
//   - When the chain is at its end, the error is the first that leaves hope for later, else the first.
//
// A sink that was shown pieces of an answer that then broke gets a restart before the next try. Before each try the worst
// case is reserved in the ledger, after it what happened is recorded. A Router is safe for concurrent use.
//
// Models of providers that the user has an own key for come before all others, with that key. What it pays for is held against no
// budget and booked apart; what fails with it is no failure of the server's. Where a user has a key, the offline model does not
// stand in for a provider.
//
// Besides an *[Error], Generate returns a [codeforge.Error] of kind unavailable when the ledger could not be asked.
type Router struct {
	Options
	have    Configured
	retries retryBudget
	arrears arrears

	mu     sync.Mutex
	health map[string]*health // by Target.account
	warned map[string]bool
}

// NewRouter returns a Router in which nothing has failed yet.
func NewRouter(o Options) *Router {
	o.MaxWait = cmp.Or(o.MaxWait, defaultMaxWait)
	o.MaxOutput = cmp.Or(o.MaxOutput, defaultMaxOutput)
	r := &Router{Options: o, have: Configured{}, health: map[string]*health{}, warned: map[string]bool{}}
	r.retries.stock = retryStock / 2
	r.arrears.ledger, r.arrears.log = o.Ledger, o.Log
	for name := range o.Providers {
		r.have[name] = o.Defaults[name]
	}
	return r
}

// Name is "router".
func (r *Router) Name() string { return "router" }

// Configured returns what can be called; the caller must not change it.
func (r *Router) Configured() Configured { return r.have }

// Routed are the names of all models that routes lead to here: what is called unless a request names another one.
func (r *Router) Routed() map[string]bool {
	names := map[string]bool{}
	for _, t := range append(codeforge.AgentTypes(func(*codeforge.Agent) bool { return true }), "") {
		chain, _ := r.Catalog.Route(string(t), r.have, time.Now())
		for _, target := range chain {
			names[target.Name()] = true
		}
	}
	return names
}

// Check asks every provider that can list its models, and returns what is wrong with the routes. A provider that cannot be
// asked is named by an error; the others count all the same.
func (r *Router) Check(ctx context.Context) ([]Warning, error) {
	lists := map[string][]Listed{}
	var mu sync.Mutex
	var errs []error
	var wg sync.WaitGroup
	for name, p := range r.Providers {
		l, ok := p.(Lister)
		if !ok {
			continue
		}
		wg.Go(func() {
			list, err := l.Models(ctx)
			mu.Lock()
			defer mu.Unlock()
			if err != nil && !(HasNoList(err) && r.Defaults[name] != "") {
				errs = append(errs, fmt.Errorf("list the models of %s: %w", name, err))
			}
			lists[name] = list
		})
	}
	wg.Wait()
	return r.Catalog.Check(lists, r.have, time.Now()), errors.Join(errs...)
}

// HasNoList reports whether the error of a [Lister] says that there is no list to be asked for, as at many endpoints.
func HasNoList(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed || e.Status == http.StatusNotImplemented)
}

// ModelState is how a model that was called stands.
type ModelState struct {
	Name    string        `json:"name"`
	Breaker string        `json:"breaker"` // closed, half-open, open
	Paused  time.Duration `json:"-"`       // how much longer; 0: not
	Gone    bool          `json:"gone"`
}

// States returns the state of every model that was called, by name.
func (r *Router) States() []ModelState {
	r.mu.Lock()
	all := maps.Clone(r.health)
	r.mu.Unlock()
	var out []ModelState
	for _, name := range slices.Sorted(maps.Keys(all)) {
		h := all[name]
		if h.own {
			continue
		}
		out = append(out, ModelState{name, h.breaker.State().String(), h.pausedFor(), r.Catalog.Gone(name, time.Now())})
	}
	return out
}

// Generate is part of [Provider].
func (r *Router) Generate(ctx context.Context, req *Request, sink func(Delta)) (*Response, error) {
	var own map[string]Provider
	if r.Own != nil && req.Call.UserID != "" {
		var err error
		if own, err = r.Own(ctx, req.Call.UserID); err != nil {
			return nil, unavailable("read a user's keys", err)
		}
	}
	chain, err := r.chain(req, own)
	if err != nil {
		return nil, err
	}
	r.retries.deposit()
	c := &routedCall{r: r, ctx: ctx, req: req, sink: sink, tokens: estimate(req), tries: map[string]int{}, barred: map[string]bool{}}
	for queue := slices.Clone(chain); len(queue) > 0; {
		t := queue[0]
		queue = queue[1:]
		if !c.hasChance(t) {
			continue
		}
		resp, err := c.model(t, queue)
		if err == nil {
			resp.Lost = c.lostUsage(nil)
			return resp, nil
		}
		if c.stop {
			return nil, c.withLost(err)
		}
		if c.later {
			c.later = false
			queue = append(queue, t)
		}
	}
	return nil, c.withLost(c.failed)
}

// chain returns the models for a request, never empty: those that the user's own keys open, then the server's.
func (r *Router) chain(req *Request, own map[string]Provider) ([]Target, error) {
	servers, err := r.models(req, r.have, r.warn)
	if len(own) == 0 {
		return servers, err
	}
	have := Configured{}
	for name := range own {
		have[name] = r.Defaults[name]
	}
	mine, _ := r.models(req, have, func(...Warning) {}) // what they do not open, the server may
	mine = slices.DeleteFunc(mine, func(t Target) bool { return own[t.Provider] == nil })
	if len(mine) == 0 {
		return servers, err
	}
	for i := range mine {
		mine[i].own = own[mine[i].Provider]
	}
	if req.Routing.NoFallback {
		return mine[:1], nil
	}
	if err != nil { // the server has not the model that is named
		unnamed := *req
		unnamed.Model = ""
		servers, _ = r.models(&unnamed, r.have, r.warn)
	}
	return append(mine, slices.DeleteFunc(servers, func(t Target) bool { return t.Provider == Scaffold })...), nil
}

// models returns the models for a request as far as their providers can be called, in the order of their merit. warn hears what is wrong
// with the way to them.
func (r *Router) models(req *Request, have Configured, warn func(...Warning)) ([]Target, error) {
	route, warns := r.Catalog.Route(string(req.Call.Agent), have, time.Now())
	if req.Model == "" {
		warn(warns...)
		if _, ok := have[route[0].Provider]; !ok {
			return nil, &Error{Provider: route[0].Provider, Model: route[0].ID, Kind: Auth, Message: "no provider is configured"}
		}
		if req.Routing.NoFallback {
			route = route[:1]
		}
		return route, nil
	}
	p, id, w, err := r.Catalog.Resolve(req.Model)
	if err != nil {
		return nil, err
	}
	if w.Kind != "" {
		warn(w)
	}
	if _, ok := have[p]; !ok {
		return nil, &Error{Provider: p, Model: id, Kind: Auth, Message: "this provider is not configured"}
	}
	named := r.Catalog.Target(p, id)
	if r.Catalog.routes[string(req.Call.Agent)] != nil {
		named.Effort, named.Temperature = route[0].Effort, route[0].Temperature
	}
	models := []Target{named}
	if req.Routing.NoFallback {
		return models, nil
	}
	for _, t := range route {
		if t.Name() != named.Name() && t.Provider != Scaffold {
			models = append(models, t)
		}
	}
	return models, nil
}

func (r *Router) warn(warns ...Warning) {
	for _, w := range warns {
		key := string(w.Kind) + " " + w.Model
		r.mu.Lock()
		known := r.warned[key] || len(r.warned) >= maxHealth
		if !known {
			r.warned[key] = true
		}
		r.mu.Unlock()
		if !known && r.Warn != nil {
			r.Warn(w)
		}
	}
}

// healthOf returns how a model stands, at a user's own account where the user's key opens it.
func (r *Router) healthOf(t Target, userID string) *health {
	name := t.account()
	if t.own != nil {
		name += " of " + userID
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	h := r.health[name]
	if h == nil {
		if len(r.health) >= maxHealth {
			maps.DeleteFunc(r.health, func(_ string, h *health) bool { return h.own }) // what the server knows of its own stays
		}
		if len(r.health) >= maxHealth {
			clear(r.health)
		}
		h = newHealth(name)
		h.own = t.own != nil
		r.health[name] = h
	}
	return h
}

// routedCall is one Generate on its way. It belongs to one goroutine.
type routedCall struct {
	r        *Router
	ctx      context.Context
	req      *Request
	sink     func(Delta)
	tokens   int            // of req, before scale
	number   int            // of attempts so far
	tries    map[string]int // that a model is in by now, from 0, by Target.account
	waited   time.Duration  // for room in a budget
	paid     []attemptUsage
	shrunk   bool
	shown    bool            // the sink holds pieces of an answer that broke
	later    bool            // the model that hung comes again after the others
	tooLong  int             // the largest window that was too small
	barred   map[string]bool // providers that do not know us, by Target.login
	stop     bool            // no other model can help
	failed   error           // what to return when none did
	hope     bool            // failed may go well later
	failedAt Target          // whose failed is
}

// attemptUsage is what a failed attempt consumed.
type attemptUsage struct {
	err   *Error
	usage Usage
}

// lostUsage is what attempts consumed that gave no answer, but for the one whose error is returned and tells its own.
func (c *routedCall) lostUsage(returned *Error) (l Lost) {
	for _, p := range c.paid {
		if p.err == returned {
			continue
		}
		l.Usage = l.Usage.add(p.usage)
		if !p.usage.Missing {
			l.Calls++
		}
	}
	return l
}

// withLost adds to the error of a call what was lost beside it.
func (c *routedCall) withLost(err error) error {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	out := *e
	out.Lost = c.lostUsage(e)
	return &out
}

// hasChance reports whether what happened so far leaves a chance to a model.
func (c *routedCall) hasChance(t Target) bool {
	return (c.tooLong == 0 || t.Model.Context > c.tooLong) && !c.barred[t.login()]
}

// model tries one model until it answers or is given up; rest are those after it. It sets c.stop when none of them should
// be tried.
func (c *routedCall) model(t Target, rest []Target) (*Response, error) {
	last := !slices.ContainsFunc(rest, c.hasChance)
	h := c.r.healthOf(t, c.req.Call.UserID)
	provider := t.own
	if provider == nil {
		provider = c.r.Providers[t.Provider]
	}
	if w := h.pausedFor(); w > 0 {
		if err := c.paused(t, provider, w, last); err != nil {
			return nil, err
		}
	}
	if w := t.Model.Window(c.req.MaxOutput); w > 0 && scale(c.tokens, t.Name()) > w {
		c.shrinkRequest(w)
	}
	for {
		done, err := h.breaker.Allow()
		if err != nil {
			e := h.skipped(provider.Name(), t.ID)
			c.observe(Attempt{Provider: t.Provider, Model: t.ID, Own: t.own != nil, Kind: e.Kind, Err: e, Skipped: "breaker open",
				Next: pick(last, NextDone, NextFallback), At: time.Now()})
			if c.tries[t.account()] == 0 { // else what this call met says more
				c.keepError(t, e)
			}
			return nil, e
		}
		a, resp, err := c.attempt(t, provider, done, last)
		if err == nil {
			c.observe(a)
			return resp, nil
		}
		e := a.Err
		if e == nil || c.ctx.Err() != nil { // the books are closed, or nobody waits any more
			c.stop = true
			if e != nil {
				c.observe(a)
			}
			return nil, err
		}
		if isModelFailure(e) {
			h.recordFailure(e)
		}
		if e.Kind == BudgetExceeded {
			if err := c.awaitRoom(t, a); err != nil {
				return nil, err
			}
			continue
		}
		if e.Kind == ModelNotFound && t.own == nil { // a user's account may lack what others have
			c.r.Catalog.MarkGone(t.Name(), time.Now())
			c.r.warn(Warning{Kind: WarnGone, Model: t.Name(), Successor: t.Model.Successor,
				Message: t.Name() + " is not found at its provider: it is left out for a day"})
		}
		c.keepError(t, e)
		if (e.Kind == ContextLength || e.Kind == RequestTooLarge) && c.shrinkRequest(int(float64(scale(c.tokens, t.Name()))*shrinkTo)) {
			a.Next = NextRetry
			c.observe(a)
			continue
		}
		if wait, ok := c.retry(e, h, c.tries[t.account()]); ok {
			c.tries[t.account()]++
			if neverBegan(e) && !last {
				// It may hang again, for as long: whoever is next comes first, and it after the others.
				c.later = true
				a.Next = NextFallback
				c.observe(a)
				return nil, e
			}
			a.Next, a.Wait = NextRetry, wait
			c.observe(a)
			if !sleep(c.ctx, wait) {
				return nil, c.callerGone(t)
			}
			continue
		}
		switch {
		case e.Kind == ContextLength:
			c.tooLong = max(c.tooLong, t.Model.Context)
		case e.Kind == Auth:
			c.barred[t.login()] = true
		case e.Kind == MalformedOutput && c.repairable(e), !e.Fallback && !e.Retryable && !elsewhere(e.Kind):
			c.stop = true
		}
		if !c.stop && slices.ContainsFunc(rest, c.hasChance) {
			a.Next = NextFallback
		}
		c.observe(a)
		return nil, e
	}
}

// paused waits until a model may be asked again, if nobody else is left and there is time; else it is an error.
func (c *routedCall) paused(t Target, provider Provider, wait time.Duration, last bool) error {
	e := &Error{Provider: provider.Name(), Model: t.ID, Kind: RateLimit, Message: "paused after too many requests",
		Retryable: true, Fallback: true, HasWait: true, RetryAfter: wait, Where: BeforeFirstToken}
	fits := last && !c.req.Routing.NoRetry && c.isWorthWaiting(wait)
	c.observe(Attempt{Provider: t.Provider, Model: t.ID, Own: t.own != nil, Kind: RateLimit, Err: e, Skipped: "paused", Wait: pick(fits, wait, 0),
		Next: pick(fits, NextRetry, pick(last, NextDone, NextFallback)), At: time.Now()})
	if !fits {
		return c.keepError(t, e)
	}
	if !sleep(c.ctx, wait) {
		return c.callerGone(t)
	}
	return nil
}

// awaitRoom waits a moment for what other calls hold of a budget, of which a, an attempt, found too little. It is an error
// when waiting is no use.
func (c *routedCall) awaitRoom(t Target, a Attempt) error {
	wait, ok := c.waitForBudget(a.Err)
	if ok && c.waited == 0 { // once: it asks often
		a.Next, a.Wait = NextRetry, wait
	}
	if !ok || c.waited == 0 {
		c.observe(a)
	}
	if !ok {
		c.stop = true
		return c.keepError(t, a.Err)
	}
	c.waited += wait
	if !sleep(c.ctx, wait) {
		return c.callerGone(t)
	}
	return nil
}

// neverBegan reports whether a model did not so much as begin to answer.
func neverBegan(e *Error) bool { return e.Kind == Timeout && e.Where == BeforeFirstToken }

// waitForBudget decides whether a call waits for the end of others that hold what its budget lacks, and how long until it asks again.
func (c *routedCall) waitForBudget(e *Error) (time.Duration, bool) {
	wait := min(roomEvery, roomWithin-c.waited)
	if !e.Retryable || wait <= 0 || c.req.Routing.NoRetry || !c.isWorthWaiting(wait) {
		return 0, false
	}
	return wait, true
}

// elsewhere reports whether a kind of error may be absent at another model, whatever its adapter says.
func elsewhere(k ErrorKind) bool {
	switch k {
	case ModelNotFound, Auth, Permission, QuotaExhausted, ContextLength:
		return true
	}
	return false
}

// repairable reports whether an answer that is no JSON is there to be repaired: asking again would cost more.
func (c *routedCall) repairable(e *Error) bool {
	return c.req.Schema != nil && e.Partial != nil && e.Partial.Text() != ""
}

// retry decides whether the same model is tried again, and how long from now.
func (c *routedCall) retry(e *Error, h *health, try int) (time.Duration, bool) {
	wait := e.RetryAfter
	if !e.HasWait {
		wait = backoff(try)
	}
	if e.Kind == RateLimit {
		h.pauseFor(wait)
	}
	switch e.Kind {
	case InvalidRequest, Auth, Permission, ModelNotFound, QuotaExhausted, ContextLength, RequestTooLarge, Refusal, ContentFilter:
		return 0, false
	case MalformedOutput:
		if c.repairable(e) {
			return 0, false
		}
	}
	if !e.Retryable || try >= maxRetries || c.req.Routing.NoRetry || !c.isWorthWaiting(wait) || !c.r.retries.withdraw() {
		return 0, false
	}
	return wait, true
}

// isWorthWaiting reports whether a wait is worth beginning.
func (c *routedCall) isWorthWaiting(wait time.Duration) bool {
	if wait > c.r.MaxWait {
		return false
	}
	deadline, ok := c.ctx.Deadline()
	return !ok || time.Until(deadline) > wait
}

// keepError keeps the error that Generate returns if nothing else answers: the first that leaves hope, else the first; of one
// model the last.
func (c *routedCall) keepError(t Target, e *Error) error {
	if c.failed == nil || c.failedAt.account() == t.account() || !c.hope && e.Retryable {
		c.failed, c.hope, c.failedAt = e, e.Retryable, t
	}
	return e
}

// callerGone is the error of a call whose caller has gone.
func (c *routedCall) callerGone(t Target) error {
	c.stop = true
	kind := Cancelled
	if errors.Is(c.ctx.Err(), context.DeadlineExceeded) {
		kind = Timeout
	}
	return &Error{Provider: t.Provider, Model: t.ID, Kind: kind, Message: "the call's time is over", Where: BeforeFirstToken, Cause: context.Cause(c.ctx)}
}

// shrinkRequest replaces the request by a smaller form, once.
func (c *routedCall) shrinkRequest(limit int) bool {
	if c.shrunk || c.req.Routing.Shrink == nil {
		return false
	}
	c.shrunk = true
	smaller := c.req.Routing.Shrink(limit)
	if smaller == nil {
		return false
	}
	routing, whom := c.req.Routing, c.req.Call
	req := *smaller
	req.Routing, req.Call = routing, whom
	c.req, c.tokens = &req, estimate(&req)
	return true
}

func (c *routedCall) observe(a Attempt) {
	a.Call = c.req.Call
	if c.r.Observe != nil {
		c.r.Observe(a)
	}
	if c.req.Routing.Observe != nil {
		c.req.Routing.Observe(a)
	}
}

// attempt makes one try: reserve, call, record. err without a.Err is a failure of the ledger's.
func (c *routedCall) attempt(t Target, p Provider, done func(error), last bool) (a Attempt, resp *Response, err error) {
	outcome := error(&Error{Kind: Cancelled}) // counts as nothing
	defer func() { done(outcome) }()

	name := t.Name()
	tokens := scale(c.tokens, name)
	req := adaptRequest(c.req, t, p.Name(), tokens, c.r.MaxOutput)
	start := time.Now()
	a = Attempt{Number: c.number + 1, Provider: t.Provider, Model: t.ID, Own: t.own != nil, At: start}
	rates := c.r.Catalog.ratesOrAssumed(name, start, int64(tokens))
	prompt, worst := rates.worstCost(int64(tokens), int64(cmp.Or(req.MaxOutput, t.Model.MaxOutput, c.r.MaxOutput)))
	reservation, over, err := c.reserve(t, p, Reservation{Call: req.Call, Provider: t.Provider, Model: t.ID, Worst: worst, Prompt: prompt}, start)
	if over != nil {
		a.Number, a.Skipped, a.Kind, a.Err = 0, "budget", BudgetExceeded, over
		return a, nil, over
	}
	if err != nil {
		return a, nil, err
	}
	c.number++

	// Until it begins to answer, a try has half of the time that is left, so that one that hangs leaves the rest to others. An
	// answer that nobody watches does not show when it begins: it is cut for the sake of another model alone.
	ctx, cancel := context.WithCancelCause(c.ctx)
	defer cancel(nil)
	alarm := func() bool { return true }
	if d, ok := ctx.Deadline(); ok && (c.sink != nil && !c.req.Routing.NoRetry || !last) {
		alarm = time.AfterFunc(time.Until(d)/2, func() { cancel(errHung) }).Stop
		defer alarm()
	}
	var streamed strings.Builder // for a guess at what a broken answer cost
	var sink func(Delta)
	if c.sink != nil {
		if c.shown {
			c.shown = false
			c.sink(Delta{Kind: DeltaRestart, Text: name})
		}
		sink = func(d Delta) {
			if a.FirstToken == 0 {
				alarm()
				a.FirstToken = max(time.Since(start), 1)
			}
			c.shown = true
			streamed.WriteString(d.Text)
			c.sink(d)
		}
	}
	finished := false
	defer func() { // a provider that panics is not working
		if !finished {
			outcome = &Error{Kind: ServerError}
		}
	}()
	resp, err = p.Generate(ctx, req, sink)
	finished = true
	a.Latency = time.Since(start)

	e := Entry{ID: codeforge.NewID(), Reservation: reservation, Call: req.Call, Attempt: a.Number, Provider: t.Provider, Model: t.ID, Own: a.Own,
		FirstToken: a.FirstToken, Latency: a.Latency, At: start}
	if err == nil {
		outcome = nil
		resp.Provider, resp.Model = cmp.Or(resp.Provider, p.Name()), cmp.Or(resp.Model, t.ID)
		a.Status, a.Served = http.StatusOK, cmp.Or(resp.ServedModel, resp.Model)
		e.Finish = resp.Finish
		a.Usage, a.Cost = c.price(t, a.Served, &resp.Usage, start, tokens, resp.Text()+resp.Reasoning(), rates)
		resp.Cost = a.Cost
	} else {
		a.Err = c.typed(t, p, err)
		if a.Own {
			mine := *a.Err
			mine.Own = true
			a.Err = &mine
		}
		if context.Cause(ctx) == errHung && c.ctx.Err() == nil {
			late := *a.Err
			late.Kind, late.Where, late.Message, late.Retryable, late.Fallback = Timeout, BeforeFirstToken, errHung.Error(), true, true
			a.Err = &late
		}
		err = a.Err
		if c.ctx.Err() == nil {
			outcome = err
		}
		a.Status, a.Kind = a.Err.Status, a.Err.Kind
		e.Finish = a.Err.Finish
		c.priceBroken(&a, t, streamed.String(), start, tokens, rates)
		if a.Err.Partial != nil {
			a.Err.Partial.Cost = a.Cost
		}
		if a.Usage != (Usage{}) {
			c.paid = append(c.paid, attemptUsage{a.Err, a.Usage})
		}
	}
	e.Served, e.Usage, e.Cost, e.Kind, e.Status = a.Served, a.Usage, a.Cost, a.Kind, a.Status
	c.record(e)
	return a, resp, err
}

// reserve holds the worst case of an attempt against the budgets above it. over is what a budget says that has no room.
func (c *routedCall) reserve(t Target, p Provider, r Reservation, start time.Time) (id string, over *Error, err error) {
	if c.r.Ledger == nil || t.own != nil {
		return "", nil, nil
	}
	r.Lapses = start.Add(callLapses)
	if d, ok := c.ctx.Deadline(); ok {
		r.Lapses = d.Add(time.Minute)
	}
	id, err = c.r.Ledger.Reserve(c.ctx, r)
	if full, ok := errors.AsType[*BudgetError](err); ok {
		return "", &Error{Provider: p.Name(), Model: t.ID, Kind: BudgetExceeded, Message: full.Error(), Where: BeforeFirstToken,
			Retryable: full.Passing(), Cause: full}, nil
	}
	if err != nil && c.ctx.Err() != nil {
		return "", nil, c.callerGone(t)
	}
	if err != nil {
		return "", nil, unavailable("reserve the cost of a model call", err)
	}
	return id, nil, nil
}

// priceBroken books what an attempt that failed cost, as far as anybody knows; streamed is what viewers saw of it.
func (c *routedCall) priceBroken(a *Attempt, t Target, streamed string, start time.Time, tokens int, rates Rates) {
	switch {
	case a.Err.Usage != nil:
		if a.Err.Partial != nil {
			a.Served = a.Err.Partial.ServedModel
		}
		a.Usage, a.Cost = c.price(t, cmp.Or(a.Served, t.ID), a.Err.Usage, start, tokens, streamed, rates)
	case a.Err.Partial != nil || streamed != "" || mayHaveWorked(a.Err):
		// Nobody said what it cost: the prompt was most likely read, and what came was written.
		text := streamed
		if text == "" && a.Err.Partial != nil {
			text = a.Err.Partial.Text() + a.Err.Partial.Reasoning()
		}
		a.Usage, a.Cost = c.price(t, t.ID, &Usage{Missing: true}, start, tokens, text, rates)
	}
}

// mayHaveWorked reports whether a provider may have worked for a call without saying so: it was not refused by a status, but
// never answered.
func mayHaveWorked(e *Error) bool {
	switch e.Kind {
	case Timeout, StreamInterrupted, Cancelled:
		return e.Status < 400
	}
	return false
}

// price is what a try used and cost; where the provider did not say, by what was sent and what came.
func (c *routedCall) price(t Target, served string, u *Usage, at time.Time, tokens int, text string, rates Rates) (Usage, Cost) {
	if !u.Missing {
		cost := c.r.Catalog.Cost(t.Provider+":"+served, t.Name(), *u, at)
		if u.Partial && text != "" {
			// A lower bound is no estimate: what came since the provider last counted is added.
			guess := *u
			guess.OutputTokens = max(u.OutputTokens, int64(EstimateText(text, t.Name())))
			cost = c.r.Catalog.Cost(t.Provider+":"+served, t.Name(), guess, at)
		}
		return *u, cost
	}
	guess := Usage{}
	guess.InputTokens, guess.OutputTokens = int64(tokens), int64(EstimateText(text, t.Name()))
	micro, _ := rates.cost(guess)
	_, known := c.r.Catalog.Price(t.Name(), at, int64(tokens))
	return *u, Cost{MicroUSD: micro, Estimated: micro > 0 || !known} // what is free costs nothing, however much it was
}

// typed makes every error an *Error.
func (c *routedCall) typed(t Target, p Provider, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e
	}
	if c.ctx.Err() != nil {
		e, _ := errors.AsType[*Error](c.callerGone(t))
		return e
	}
	return &Error{Provider: p.Name(), Model: t.ID, Kind: ServerError, Message: "the adapter failed", Fallback: true, Cause: err}
}

func (c *routedCall) record(e Entry) {
	if c.r.Ledger == nil {
		return
	}
	if !c.r.arrears.record(c.ctx, e) {
		if owed, ok := c.ctx.Value(owedKey{}).(*[]Entry); ok {
			*owed = append(*owed, e)
		}
	}
}

// adaptRequest returns the form of a request that a model takes, by what the catalog knows of it. req is not changed.
func adaptRequest(req *Request, t Target, provider string, tokens, maxOutput int) *Request {
	out := *req
	m := t.Model
	out.Model, out.Routing = t.ID, Routing{}
	effort := t.Effort
	if m.Efforts == nil {
		effort = "" // a wish of the route's is no reason to risk a refusal
	}
	out.Effort = nearest(cmp.Or(req.Effort, effort), m.Efforts)
	if t.Temperature != nil && t.Known { // who runs the program knows the model better
		out.Temperature = t.Temperature
	}
	switch m.Temperature {
	case "refused", "discouraged":
		out.Temperature = nil
	case "without_effort":
		if cmp.Or(out.Effort, m.DefaultEffort) != "none" {
			out.Temperature = nil
		}
	}
	if req.Schema != nil && m.Schema == "prompt" {
		out = inWords(out)
	}
	if m.MaxOutput > 0 {
		out.MaxOutput = min(cmp.Or(req.MaxOutput, maxOutput), m.MaxOutput)
	}
	if m.Context > 0 && out.MaxOutput > 0 {
		out.MaxOutput = min(out.MaxOutput, max(m.Context-tokens, minOutput))
	}
	out.Messages = withoutForeignState(req.Messages, provider, t.ID)
	return &out
}

// nearest returns the effort among allowed that is closest to the one asked for, of two equally close the higher. With
// allowed nil (not known) it is what was asked for; with none allowed it is "".
func nearest(asked string, allowed []string) string {
	if asked == "" || allowed == nil || slices.Contains(allowed, asked) {
		return asked
	}
	at, best := slices.Index(efforts, asked), ""
	distance := len(efforts) + 1
	for i, e := range efforts {
		d := max(i-at, at-i)
		if slices.Contains(allowed, e) && d <= distance {
			best, distance = e, d
		}
	}
	return best
}

// withoutForeignState returns messages without what is bound to other models than this one: signatures, and whole thoughts. It copies only
// what it changes.
func withoutForeignState(messages []Message, provider, model string) []Message {
	foreign := func(p Part) bool {
		return (p.Opaque != nil || p.Kind == PartReasoning) && p.Provider != "" && (p.Provider != provider || p.Model != "" && p.Model != model)
	}
	out, copied := messages, false
	for i, m := range messages {
		if !slices.ContainsFunc(m.Parts, foreign) {
			if copied {
				out = append(out, m)
			}
			continue
		}
		if !copied {
			out, copied = slices.Clone(messages[:i]), true
		}
		parts := make([]Part, 0, len(m.Parts))
		for _, p := range m.Parts {
			if foreign(p) {
				if p.Kind == PartReasoning {
					continue
				}
				p.Opaque = nil
			}
			parts = append(parts, p)
		}
		if len(parts) > 0 {
			out = append(out, Message{Role: m.Role, Parts: parts})
		}
	}
	return out
}

func pick[T any](cond bool, yes, no T) T {
	if cond {
		return yes
	}
	return no
}
