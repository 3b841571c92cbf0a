// Package evidence says how much is known of a project: it takes a tree up a ladder of checks, each of which says more than the one
// below. A file parses; what it names is there, with the packages that the project asks for; the types fit; it is built into
// something that a browser loads; that runs. A rung that cannot be had is not checked, with the reason, and never taken for granted.
package evidence

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"io"
	"runtime/debug"
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
	fetched  cache[time.Time] // what trees named of their packages, and when it was brought
	now      func() time.Time
}

// New returns a Ladder. Close ends what it started.
func New(o Options) *Ladder {
	open := func() (*npm.Client, error) { return nil, errOff }
	if o.Packages != nil {
		open = sync.OnceValues(func() (*npm.Client, error) { return o.Packages(context.Background()) })
	}
	return &Ladder{verifier: o.Verifier, now: time.Now, fetched: cache[time.Time]{limit: 10_000},
		resolver: resolver{open: open, turns: turns{what: "their packages"}, known: cache[*resolution]{limit: mostResolutions}, whole: cache[*packageTree]{limit: mostResolutions}, now: time.Now}}
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
	_, report, err := l.look(ctx, user, t, func(t verify.Tree) (*verify.Site, verify.Report, error) {
		report, err := l.verifier.Check(ctx, user, t)
		return nil, report, err
	})
	return report, err
}

// Build builds a tree for a user into what a browser can load, as [verify.Verifier.Bundle] says.
func (l *Ladder) Build(ctx context.Context, user string, t verify.Tree) (*verify.Site, verify.Report, error) {
	return l.look(ctx, user, t, func(t verify.Tree) (*verify.Site, verify.Report, error) { return l.verifier.Bundle(ctx, user, t) })
}

// look has the verifier look at a tree with the packages that it asks for.
func (l *Ladder) look(ctx context.Context, user string, t verify.Tree, do func(verify.Tree) (*verify.Site, verify.Report, error)) (*verify.Site, verify.Report, error) {
	began := l.now()
	resolved, err := l.resolver.resolve(ctx, user, t)
	if err != nil {
		return nil, verify.Report{}, err
	}
	var found []verify.Diagnostic
	for _, r := range resolved {
		found = append(found, r.found...)
	}
	kept, lacks := t.Lock, lacking(resolved)
	var had *packages
	if tree := l.resolver.join(resolved); lacks != "" {
		t.Packages = verify.Off(lacks)
	} else if tree != nil {
		had = newPackages(ctx, tree, found)
		t.Lock, t.Packages = tree.text, had
		l.prefetch(had, t.Files)
	}
	resolving := l.now().Sub(began)
	site, report, err := do(t)
	if err != nil {
		return nil, verify.Report{}, err
	}
	if had != nil {
		more, why := had.findings(resolved[0])
		if found = append(found, more...); why != "" { // it came out while they were fetched: what was said of their absence is no fault of the project
			lacks, t.Packages = why, verify.Off(why)
			if site, report, err = do(t); err != nil {
				return nil, verify.Report{}, err
			}
		}
	}
	report = withFindings(report, found)
	report.Lock = nil
	if had != nil && !bytes.Equal(t.Lock, kept) {
		report.Lock = t.Lock
	}
	report.Evidence = rungsOf(report, lacks, resolving, l.now().Sub(began)-resolving)
	return site, report, nil
}

// prefetch brings what a tree names of its packages before a child asks for it, whose time is counted. What was brought lately is there.
func (l *Ladder) prefetch(p *packages, files map[string]string) {
	wanted := p.mentioned(files)
	key := sha256.New()
	key.Write(p.text)
	for _, place := range wanted {
		io.WriteString(key, "\x00"+place)
	}
	id := string(key.Sum(nil))
	if at, ok := l.fetched.get(id); ok && l.now().Sub(at) < staysFetched {
		return
	}
	p.prefetch(wanted)
	if p.err == nil && len(p.problems) == 0 {
		l.fetched.put(id, l.now(), 1)
	}
}

// staysFetched is how long what was fetched is there, whoever uses it.
const staysFetched = 5 * time.Minute

// lacking is why packages of a tree cannot be had; "": they can, or none are asked for.
func lacking(all []*resolution) string {
	for _, r := range all {
		if r.lacks != "" {
			return r.lacks
		}
	}
	return ""
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
	r.OK = r.OK && !slices.ContainsFunc(more, isError)
	return r
}

func isError(d verify.Diagnostic) bool { return d.Severity == verify.SeverityError }

// rungsOf is how far a tree came, by what was found.
func rungsOf(r verify.Report, lacks string, resolving, building time.Duration) codeforge.Evidence {
	failed := func(name codeforge.RungName) bool {
		return slices.ContainsFunc(r.Diagnostics, func(d verify.Diagnostic) bool {
			return isError(d) && cmp.Or(d.Rung, codeforge.RungParse) == name
		})
	}
	parse := codeforge.Rung{Name: codeforge.RungParse, Status: codeforge.RungPassed, Tool: "esbuild", Version: bundler()}
	resolve := codeforge.Rung{Name: codeforge.RungResolve, Status: codeforge.RungPassed, DurationMS: resolving.Milliseconds()}
	bundle := codeforge.Rung{Name: codeforge.RungBundle, Status: codeforge.RungPassed, Tool: parse.Tool, Version: parse.Version, DurationMS: building.Milliseconds()}
	if lacks != "" {
		for _, rung := range []*codeforge.Rung{&resolve, &bundle} {
			rung.Status, rung.Reason = codeforge.RungNotChecked, "without the packages that it asks for: "+lacks
		}
	}
	types := codeforge.Rung{Name: codeforge.RungTypes, Status: codeforge.RungNotChecked, Reason: "types are not checked here yet"}
	all := codeforge.Evidence{parse, resolve, types, bundle}
	for i := range all {
		if failed(all[i].Name) {
			all[i].Status, all[i].Reason = codeforge.RungFailed, ""
		}
	}
	return all
}

// bundler is the version of the bundler that this program was built with.
var bundler = sync.OnceValue(func() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	for _, m := range info.Deps {
		if m.Path == "github.com/evanw/esbuild" {
			return m.Version
		}
	}
	return ""
})

// Available says which rungs can be had at all.
type Available struct {
	Packages bool `json:"packages"`
	Types    bool `json:"types"`
	Run      bool `json:"run"`
}

// Run is what came of opening a built tree in a browser and using it.
type Run struct {
	Rung        codeforge.Rung
	Diagnostics []verify.Diagnostic
	Screenshots []Screenshot
}

// Screenshot is what a page looked like.
type Screenshot struct {
	Page  string
	Width int
	Type  string // media type
	Bytes []byte
}
