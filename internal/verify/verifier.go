package verify

import (
	"context"
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
	pool *sandbox.Pool

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

// ask has a child do it.
func (v *Verifier) ask(ctx context.Context, user, op string, t Tree) (*Site, Report, error) {
	limit := maxReport
	if op == opBundle {
		limit += maxSite(t) + 2*codeforge.MaxPath*maxAssets
	}
	answer, err := v.pool.Do(ctx, user, sandbox.Request{Size: requestSize(op, t), MaxAnswer: limit,
		Write: func(w io.Writer) error { return writeRequest(w, op, t) },
		Ask: func(_ context.Context, question []byte) ([]byte, error) {
			return answerQuestion(t.Packages, question)
		}})
	if errors.Is(err, sandbox.ErrUnavailable) {
		return nil, Report{}, unavailable(err)
	}
	if crash, ok := errors.AsType[*sandbox.Crash](err); ok {
		return nil, v.crashed(crash, t.Len()), nil
	}
	if err != nil {
		return nil, Report{}, err
	}
	site, r, err := readAnswer(answer)
	if err != nil {
		return nil, Report{}, unavailable(err)
	}
	return site, r, nil
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
	if op == opBundle {
		return appendAnswer(Bundle(ctx, t))
	}
	return appendAnswer(nil, Check(ctx, t))
}

type atKey struct{}

// noteFile notes what the work is at, for whoever finds this process dead.
func noteFile(ctx context.Context, file string) {
	if at, ok := ctx.Value(atKey{}).(func(string)); ok {
		at(file)
	}
}
