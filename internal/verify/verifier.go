package verify

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/sandbox"
)

// Verifier checks and bundles trees in child processes: what a tree can do to a parser it does to a child, and to nobody
// else. Equal requests of one user that come while the first is at work share its answer.
type Verifier struct {
	pool    *sandbox.Pool
	vendors vendorCache

	mu      sync.Mutex
	flights map[flightKey]*flight
}

// NewVerifier returns a Verifier that starts its first children beside. Close ends them.
func NewVerifier(o sandbox.Options) *Verifier {
	return &Verifier{pool: sandbox.New(o), flights: map[flightKey]*flight{}}
}

// Close ends the children. What is asked afterwards is not available.
func (v *Verifier) Close() { v.pool.Close() }

// Healthy returns why nothing can be checked, nil when it can. It waits for nothing.
func (v *Verifier) Healthy() error {
	if err := v.pool.Healthy(); err != nil {
		return unavailable(err)
	}
	return nil
}

// Stats says how the children are.
func (v *Verifier) Stats() sandbox.Stats { return v.pool.Stats() }

// Isolation has a child try what it should be refused.
func (v *Verifier) Isolation(ctx context.Context) (sandbox.Isolation, error) {
	return v.pool.Isolation(ctx)
}

// Check verifies a tree for a user. The same tree always gives the same report. An error says nothing
// of the tree: ctx ended (its cause), or no child could be had (Unavailable).
func (v *Verifier) Check(ctx context.Context, user string, t Tree) (Report, error) {
	_, r, err := v.do(ctx, user, opCheck, t)
	return r, err
}

// Bundle builds a tree for a user into what a browser can load. The site is nil when the tree cannot be built; it exists
// beside errors that a browser survives, such as a link to a page that is missing. The report is that of [Verifier.Check]
// with warnings added for what this build cannot serve: npm packages and other origins.
func (v *Verifier) Bundle(ctx context.Context, user string, t Tree) (*Site, Report, error) {
	return v.do(ctx, user, opBundle, t)
}

type flightKey struct {
	user, op, hash string
}

// flight is a request at work, and who waits for it.
type flight struct {
	waiting int
	cancel  context.CancelFunc
	done    chan struct{}

	site   *Site
	report Report
	err    error
}

func (v *Verifier) do(ctx context.Context, user string, op string, t Tree) (*Site, Report, error) {
	if r, ok := tooLarge(t); ok {
		return nil, r, nil
	}
	key := flightKey{user, op, Hash(t)}
	v.mu.Lock()
	f := v.flights[key]
	if f == nil {
		working, cancel := context.WithCancel(context.WithoutCancel(ctx))
		f = &flight{cancel: cancel, done: make(chan struct{})}
		v.flights[key] = f
		t = t.clone() // the caller may change its own once it stopped waiting
		go func() {
			f.site, f.report, f.err = v.ask(working, user, op, t)
			v.finishFlight(key, f)
			close(f.done)
		}()
	}
	f.waiting++
	v.mu.Unlock()
	select {
	case <-f.done:
		return f.site, f.report, f.err
	case <-ctx.Done():
		v.mu.Lock()
		f.waiting--
		last := f.waiting == 0
		v.mu.Unlock()
		if last {
			v.finishFlight(key, f)
		}
		return nil, Report{}, context.Cause(ctx)
	}
}

// finishFlight keeps others from joining f and ends it.
func (v *Verifier) finishFlight(key flightKey, f *flight) {
	v.mu.Lock()
	if v.flights[key] == f {
		delete(v.flights, key)
	}
	v.mu.Unlock()
	f.cancel()
}

// ask has a child do it. What it wants of packages and is not at hand another one builds first.
func (v *Verifier) ask(ctx context.Context, user, op string, t Tree) (*Site, Report, error) {
	limit := maxReport + maxWantBytes
	if op == opBundle {
		limit += 2*maxSite(t) + 2*codeforge.MaxPath*maxAssets
	}
	q := &query{v: v, tree: t}
	for {
		answer, err := v.pool.Do(ctx, user, q.request(op, t, limit))
		if r, err, failed := v.failed(err, t.Len()); failed {
			return nil, r, err
		}
		site, r, wants, err := readAnswer(answer)
		if err != nil || wants != nil && q.vendor != nil {
			return nil, Report{}, unavailable(cmp.Or(err, errWantsMore))
		}
		if wants == nil {
			if site != nil {
				site.addPackages(t.Packages, q.vendor)
			}
			return site, r, nil
		}
		if r, err := q.build(ctx, user, wants); err != nil || q.vendor == nil {
			return nil, r, err
		}
	}
}

var errWantsMore = errors.New("a child wants other packages than it did before")

// failed is what became of work that a child did not do.
func (v *Verifier) failed(err error, files int) (Report, error, bool) {
	if crash, ok := errors.AsType[*sandbox.Crash](err); ok {
		return v.crashed(crash, files), nil, true
	}
	if errors.Is(err, sandbox.ErrUnavailable) {
		err = unavailable(err)
	}
	return Report{}, err, err != nil
}

// query is one look at a tree, which may take several children.
type query struct {
	v      *Verifier
	tree   Tree
	vendor *vendor // what it is built with; nil: nothing yet
	wanted string  // the key of what that was built of
}

func (q *query) request(op string, t Tree, limit int) sandbox.Request {
	return sandbox.Request{Size: requestSize(op, t), MaxAnswer: limit,
		Write: func(w io.Writer) error { return writeRequest(w, op, t) },
		Ask:   func(_ context.Context, question []byte) ([]byte, error) { return q.answer(question) }}
}

func (q *query) answer(question []byte) ([]byte, error) {
	r := reader{rest: string(question)}
	if r.string() != askVendor {
		return answerQuestion(q.tree.Packages, question)
	}
	key := r.string()
	if q.vendor == nil || q.wanted != key {
		q.vendor, q.wanted = q.v.vendors.get(q.cacheKey(key)), key
	}
	if q.vendor == nil {
		return nil, nil
	}
	return json.Marshal(q.vendor.vendorInfo)
}

// cacheKey is what a vendor depends on; "": it is not known, and nobody else may have it.
func (q *query) cacheKey(wants string) string {
	if len(q.tree.Lock) == 0 {
		return ""
	}
	sum := sha256.Sum256(q.tree.Lock)
	return hex.EncodeToString(sum[:]) + wants
}

// build has what is wanted built by a child that sees the packages alone: others with the same lock share it. A report is why
// it cannot be.
func (q *query) build(ctx context.Context, user string, wants []want) (Report, error) {
	b, err := json.Marshal(wants)
	if err != nil {
		return Report{}, unavailable(err)
	}
	answer, err := q.v.pool.Do(ctx, user, q.request(opVendor, Tree{Files: map[string]string{wantsFile: string(b)}, Packages: q.tree.Packages}, maxVendor+maxReport))
	if r, err, failed := q.v.failed(err, q.tree.Len()); failed {
		return r, err
	}
	if q.vendor, err = readVendor(answer); err != nil {
		return Report{}, unavailable(err)
	}
	q.wanted = wantsKey(wants)
	q.v.vendors.put(q.cacheKey(q.wanted), q.vendor)
	return Report{}, nil
}

// crashed is the report on a tree that no child survived.
func (v *Verifier) crashed(c *sandbox.Crash, files int) Report {
	what := "The project"
	if c.At != "" {
		what = "The file"
	}
	limit := "the parser broke down, twice"
	switch c.Reason {
	case sandbox.OutOfTime:
		limit = fmt.Sprintf("it takes more than %s", v.pool.Deadline().Round(time.Second))
	case sandbox.OutOfMemory:
		limit = fmt.Sprintf("it takes more than %d MB of memory", v.pool.Memory()>>20)
	case sandbox.Killed:
		limit = "the parser was ended from outside, again and again"
	case sandbox.OutOfStack:
		limit = "it nests too deep"
	}
	var d diagnostics
	d.add(c.At, 0, 0, SeverityError, "%s cannot be checked: %s", what, limit)
	return d.report(files, nil)
}

func unavailable(cause error) error {
	return &codeforge.Error{Kind: codeforge.Unavailable, Message: "Code cannot be checked at the moment", Retryable: true, RetryAfter: 2 * time.Second, Cause: cause}
}

// RunChild does a child's work and does not return, when this process is one; else it returns at once.
func RunChild() {
	if sandbox.IsChild() {
		sandbox.Serve(serve)
	}
}

// serve is the work of a child.
func serve(w sandbox.Work) []byte {
	op, t := readRequest(w)
	ctx := context.WithValue(context.Background(), atKey{}, w.At)
	if op != opVendor {
		return appendAnswer(run(ctx, t, op == opBundle))
	}
	var wants []want
	if err := json.Unmarshal([]byte(t.Files[wantsFile]), &wants); err != nil {
		return nil
	}
	v, err := buildVendor(ctx, t.Packages, wants)
	if err != nil {
		return nil
	}
	return appendVendor(v)
}

type atKey struct{}

// noteFile notes what the work is at, for whoever finds this process dead.
func noteFile(ctx context.Context, file string) {
	if at, ok := ctx.Value(atKey{}).(func(string)); ok {
		at(file)
	}
}
