// Package evidence says how much is known of a project: it takes a tree up a ladder of checks, each of which says more than the one
// below. A file parses, what it names is there, with the packages that the project asks for, the types fit, it is built into
// something that a browser loads. A rung that cannot be had is not checked, with the reason, and never taken for granted.
package evidence

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/npm"
	"codeforge/internal/sandbox"
	"codeforge/internal/verify"
)

// Options are what the rungs stand on.
type Options struct {
	Verifier *verify.Verifier
	// Packages opens the cache of packages. It is called once, when the first tree asks for one: it may take seconds.
	Packages func(context.Context) (*npm.Client, error)
}

// Ladder takes trees up the rungs. It may be used by several goroutines.
type Ladder struct {
	verifier *verify.Verifier
	resolver resolver
}

// New returns a Ladder. Close ends what it started.
func New(o Options) *Ladder {
	open := func() (*npm.Client, error) { return nil, errOff }
	if o.Packages != nil {
		open = sync.OnceValues(func() (*npm.Client, error) { return o.Packages(context.Background()) })
	}
	return &Ladder{verifier: o.Verifier, resolver: resolver{open: open, turns: turns{what: "their packages"}, known: cache[*resolution]{limit: mostResolutions}, now: time.Now}}
}

// errOff is why there are no packages where nobody said how to open them.
var errOff = &codeforge.Error{Kind: codeforge.Unavailable, Message: "packages are off"}

// Close ends the children. What is asked afterwards is not available.
func (l *Ladder) Close() { l.verifier.Close() }

// Healthy returns why nothing can be checked, nil when it can. It waits for nothing.
func (l *Ladder) Healthy() error { return l.verifier.Healthy() }

// Isolation has a child try what it should be refused.
func (l *Ladder) Isolation(ctx context.Context) (sandbox.Isolation, error) {
	return l.verifier.Isolation(ctx)
}

// Check takes a tree of a user up the rungs that run nothing of it. An error says nothing of the tree: ctx ended (its cause), or nobody
// could look (Unavailable).
func (l *Ladder) Check(ctx context.Context, user string, t verify.Tree) (verify.Report, error) {
	packages, err := l.resolver.resolve(ctx, user, t)
	if err != nil {
		return verify.Report{}, err
	}
	report, err := l.verifier.Check(ctx, user, t)
	return withFindings(report, packages.found), err
}

// Build builds a tree for a user into what a browser can load, as [verify.Verifier.Bundle] says.
func (l *Ladder) Build(ctx context.Context, user string, t verify.Tree) (*verify.Site, verify.Report, error) {
	packages, err := l.resolver.resolve(ctx, user, t)
	if err != nil {
		return nil, verify.Report{}, err
	}
	site, report, err := l.verifier.Bundle(ctx, user, t)
	return site, withFindings(report, packages.found), err
}

// withFindings is a report with more findings.
func withFindings(r verify.Report, more []verify.Diagnostic) verify.Report {
	if len(more) == 0 {
		return r
	}
	r.Diagnostics = slices.Concat(r.Diagnostics, more)
	slices.SortStableFunc(r.Diagnostics, func(a, b verify.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	r.OK = r.OK && !slices.ContainsFunc(more, func(d verify.Diagnostic) bool { return d.Severity == verify.SeverityError })
	return r
}
