// Package browser has a real Chromium use a built site as a person would, and tells what went wrong: the smoke run. It knows nothing of
// projects: it is given a handler that answers for one origin, and that handler is all that its pages can reach.
//
// Pages are strangers. Their browser runs under its own sandbox, as a user who has nothing else where this process is root, in a group of
// its own, with a profile that is removed, within bounds on time, processor and memory. Everything it asks for goes to a proxy of ours,
// which takes loopback too; names are not looked up and UDP is not spoken. Where this process may, the kernel gives it a network that
// has nothing but that proxy.
package browser

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"slices"
	"time"

	"codeforge/internal/sandbox"

	"github.com/chromedp/cdproto/target"
)

// Options is what a Runner needs.
type Options struct {
	Program   Program
	Temp      string           // where profiles are made, which the browser's user must be able to enter; "": the system's
	NoSandbox bool             // Chromium's own sandbox is left off: only where something else holds what a page may do
	Places    int              // browsers at once; 0: 2
	Time      time.Duration    // of one run, on the wall's clock; 0: 30 s
	Memory    int64            // bytes that all processes of a browser may take together; 0: 2 GiB
	Now       func() time.Time // nil: time.Now. Pages see the day, at noon.

	patience      time.Duration // with one step of a page, for tests; 0: as it is
	sharedNetwork bool          // the browser is in this process's network, for tests
}

// Runner makes smoke runs, a few at a time. It is safe for concurrent use.
type Runner struct {
	o     Options
	turns *sandbox.Turns
}

// New returns a Runner. Profiles that a server which died left behind are removed.
func New(o Options) *Runner {
	o.Temp = cmp.Or(o.Temp, os.TempDir())
	o.Places = cmp.Or(max(o.Places, 0), 2)
	o.Time = cmp.Or(max(o.Time, 0), 30*time.Second)
	o.Memory = cmp.Or(max(o.Memory, 0), 2<<30)
	if o.Now == nil {
		o.Now = time.Now
	}
	removeLeftProfiles(o.Temp)
	return &Runner{o: o, turns: sandbox.NewTurns(o.Places, 0)}
}

// Site is what a run is given.
type Site struct {
	Handler http.Handler // answers for the origin, as a preview does, source maps too
	Origin  string       // "": http://app.localhost. One that is not secure has less of the browser.
	Pages   []string     // where to begin: /, /about.html. Empty: /. Links lead to others.
}

type site struct {
	Site
	origin *url.URL
}

// Screenshot is a page as it looks when it was opened for the first time.
type Screenshot struct {
	Page  string
	Width int
	Type  string // media type
	Body  []byte
}

// Result is what a run saw.
type Result struct {
	Findings    []Finding
	Screenshots []Screenshot
	Pages       []string // that were opened
	Controls    int      // that were used
	Runs        int      // 2: errors were looked for once more
	Rest        string   // what was not looked at, and why; "": nothing
	Sandbox     Sandbox
	Program     Program
	Duration    time.Duration
}

// Failed reports whether there is an error among the findings.
func (r *Result) Failed() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == Error })
}

// Unavailable says why there was no run. It is no word about the site.
type Unavailable struct{ Reason string }

func (u *Unavailable) Error() string { return "the browser cannot be used: " + u.Reason }

const defaultOrigin = "http://app.localhost"

// Run has a browser use a site. Its error is an [Unavailable], or why ctx ended.
func (r *Runner) Run(ctx context.Context, user string, s Site) (Result, error) {
	origin, err := url.Parse(cmp.Or(s.Origin, defaultOrigin))
	if err != nil || origin.Scheme != "http" || origin.Host == "" || origin.Path != "" {
		return Result{}, fmt.Errorf("browser: %q is no origin that a run can have", s.Origin)
	}
	if len(s.Pages) == 0 {
		s.Pages = []string{"/"}
	}
	var result Result
	err = r.turns.Do(ctx, user, func(ctx context.Context) error {
		result, err = r.look(ctx, site{s, origin})
		return err
	})
	return result, err
}

// look goes over a site, and once more when there are errors.
func (r *Runner) look(ctx context.Context, s site) (Result, error) {
	began := time.Now()
	result := Result{Program: r.o.Program, Runs: 1}
	limited, cancel := context.WithTimeoutCause(ctx, r.o.Time, errTime)
	defer cancel()
	proxy := newProxy(s.origin, s.Handler)
	defer proxy.close()
	var p *process
	defer func() {
		if p != nil {
			p.stop()
		}
	}()
	// once goes over the site in the browser that is there, or in another one.
	once := func(half time.Time) (*run, error) {
		visit := newRun(s, proxy, r.noon(), half, cmp.Or(r.o.patience, patience))
		if p == nil {
			var err error
			if p, err = r.start(limited, proxy); err != nil {
				return nil, err
			}
			result.Sandbox = p.sandbox
		}
		visit.begin(p)
		err := visit.visit(limited)
		visit.end(context.WithoutCancel(ctx), err, p.whyEnded())
		if err != nil {
			p.stop()
			p = nil
		}
		return visit, nil
	}
	// When there are errors, as much time is left for the second look.
	first, err := once(began.Add(r.o.Time * 11 / 20))
	if err == nil && first.findings.hasErrors() {
		result.Runs = 2
		// What was not seen again because there was no time for it, or no browser, stays what it is.
		if second, err := once(began.Add(r.o.Time)); err == nil && second.rest == "" {
			first.findings.seenOnce(&second.findings)
		}
	}
	switch {
	case ctx.Err() != nil:
		return result, context.Cause(ctx)
	case err != nil:
		return result, &Unavailable{err.Error()}
	}
	result.Findings, result.Screenshots = first.findings.sorted(), first.shots
	result.Pages, result.Controls, result.Rest = first.pages, first.used, first.rest
	result.Duration = time.Since(began)
	return result, nil
}

// start starts a browser and waits until it answers.
func (r *Runner) start(ctx context.Context, proxy *proxy) (*process, error) {
	p, err := start(ctx, launch{program: r.o.Program, temp: r.o.Temp, noSandbox: r.o.NoSandbox, sharedNetwork: r.o.sharedNetwork, memory: r.o.Memory, time: 2 * r.o.Time, listen: proxy.serve})
	if err != nil {
		return nil, err
	}
	c := newClient(p.pipe)
	if _, err := call(ctx, c.on("", nil), target.SetDiscoverTargets, target.SetDiscoverTargetsParams{Discover: true}); err != nil {
		p.stop()
		return nil, errors.New(whyNotStarted(p, err))
	}
	p.client = c
	return p, nil
}

// noon of this day, in seconds since 1970, is when the time of pages begins: it is the same all day.
func (r *Runner) noon() float64 {
	now := r.o.Now().UTC()
	return float64(time.Date(now.Year(), now.Month(), now.Day(), 12, 0, 0, 0, time.UTC).Unix())
}

var errTime = errors.New("the time of a run was over")
