// Package evidence says how much is known of a project: it takes a tree up a ladder of checks, each of which says more than the one
// below. A file parses; what it names is there, with the packages that the project asks for; the types fit; it is built into
// something that a browser loads; that runs. A rung that cannot be had is not checked, with the reason, and never taken for granted.
package evidence

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"codeforge"
	"codeforge/internal/browser"
	"codeforge/internal/npm"
	"codeforge/internal/sandbox"
	"codeforge/internal/types"
	"codeforge/internal/verify"
)

// Options are what the rungs stand on.
type Options struct {
	Verifier *verify.Verifier
	// Packages opens the cache of packages. It is called once, when the first tree asks for one: it may take seconds.
	Packages func(context.Context) (*npm.Client, error)
	// Types opens what checks types, once, when it is needed first.
	Types       func(*npm.Client) (*types.Checker, error)
	HasCompiler bool // there is one, whatever becomes of packages
	// Browser finds the browser, once, when it is needed first.
	Browser func(context.Context) (browser.Options, error)
	Smoke   Smoke // "": off
	// Observe hears of each step that was really taken, and how long it took. nil: nobody does.
	Observe func(ctx context.Context, step codeforge.Rung)
}

// Ladder takes trees up the rungs. It may be used by several goroutines.
type Ladder struct {
	verifier *verify.Verifier
	resolver resolver
	limits   fetchLimits
	fetched  cache[time.Time] // what trees named of their packages, and when it was brought
	types    func() (*types.Checker, error)
	compiler bool
	smoke    smoke
	reports  cache[verify.Report] // of checks, by user and tree
	now      func() time.Time
	observe  func(context.Context, codeforge.Rung)
}

// New returns a Ladder. Close ends what it started.
func New(o Options) *Ladder {
	open := func() (*npm.Client, error) { return nil, errOff }
	if o.Packages != nil {
		open = sync.OnceValues(func() (*npm.Client, error) { return o.Packages(context.Background()) })
	}
	checker := func() (*types.Checker, error) { return nil, errNoTypes }
	if o.Types != nil {
		checker = sync.OnceValues(func() (*types.Checker, error) {
			client, err := open()
			if err != nil {
				return nil, err
			}
			return o.Types(client)
		})
	}
	if o.Observe == nil {
		o.Observe = func(context.Context, codeforge.Rung) {}
	}
	return &Ladder{verifier: o.Verifier, now: time.Now, observe: o.Observe, limits: defaultLimits, fetched: cache[time.Time]{limit: 10_000}, reports: cache[verify.Report]{limit: 16 << 20},
		types: checker, compiler: o.HasCompiler, smoke: newSmoke(o.Smoke, o.Browser),
		resolver: resolver{open: open, turns: turns{what: "their packages"}, known: cache[*resolution]{limit: mostResolutions}, whole: cache[*packageTree]{limit: mostResolutions}, now: time.Now}}
}

// errNoTypes is why types are not checked where nobody said how.
var errNoTypes = &codeforge.Error{Kind: codeforge.Unavailable, Message: "types are not checked here"}

// errOff is why there are no packages where nobody said how to open them.
var errOff = &codeforge.Error{Kind: codeforge.Unavailable, Message: "packages are off"}

// Close ends the children. What is asked afterwards is not available.
func (l *Ladder) Close() { l.verifier.Close() }

// Healthy returns why nothing can be checked, nil when it can. It waits for nothing.
func (l *Ladder) Healthy() error { return l.verifier.Healthy() }

// Stats says how the children are that look at code.
func (l *Ladder) Stats() sandbox.Stats { return l.verifier.Stats() }

// Isolation has a child try what it should be refused.
func (l *Ladder) Isolation(ctx context.Context) (sandbox.Isolation, error) {
	return l.verifier.Isolation(ctx)
}

// Check takes a tree of a user up the rungs that run nothing of it. An error says nothing of the tree: ctx ended (its cause), or nobody
// could look (Unavailable).
func (l *Ladder) Check(ctx context.Context, user string, t verify.Tree) (verify.Report, error) {
	key := user + " " + verify.Hash(t)
	if known, ok := l.reports.get(key); ok {
		return known, nil
	}
	seen, err := l.look(ctx, user, t, func(t verify.Tree) (*verify.Site, verify.Report, error) {
		report, err := l.verifier.Check(ctx, user, t)
		return nil, report, err
	})
	if err != nil {
		return verify.Report{}, err
	}
	lasts, err := l.checkTypes(ctx, user, &seen)
	if err != nil {
		return verify.Report{}, err
	}
	if lasts && seen.lasts {
		l.reports.put(key, seen.report, sizeOf(seen.report))
	}
	return seen.report, nil
}

func sizeOf(r verify.Report) int {
	n := 2000 + len(r.Lock)
	for _, d := range r.Diagnostics {
		n += 200 + len(d.File) + len(d.Message)
	}
	return n
}

// Build builds a tree for a user into what a browser can load, as [verify.Verifier.Bundle] says.
func (l *Ladder) Build(ctx context.Context, user string, t verify.Tree) (*verify.Site, verify.Report, error) {
	seen, err := l.look(ctx, user, t, func(t verify.Tree) (*verify.Site, verify.Report, error) { return l.verifier.Bundle(ctx, user, t) })
	return seen.site, seen.report, err
}

// sight is what the verifier saw of a tree.
type sight struct {
	tree   verify.Tree // with the packages that it was resolved to
	site   *verify.Site
	report verify.Report
	lacks  string // why packages that it asks for cannot be had
	lasts  bool   // nothing but the tree decided it
}

// look has the verifier look at a tree with the packages that it asks for.
func (l *Ladder) look(ctx context.Context, user string, t verify.Tree, do func(verify.Tree) (*verify.Site, verify.Report, error)) (sight, error) {
	began := l.now()
	within, span := codeforge.StartSpan(ctx, codeforge.WorkVerify, string(codeforge.RungResolve))
	resolved, err := l.resolver.resolve(within, user, t)
	span.End(err)
	if err != nil {
		return sight{}, err
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
		had = newPackages(ctx, tree, found, l.limits)
		t.Lock, t.Packages = tree.text, had
		l.prefetch(had, t.Files)
	}
	resolving := l.now().Sub(began)
	_, span = codeforge.StartSpan(ctx, codeforge.WorkVerify, string(codeforge.RungBundle))
	site, report, err := do(t)
	span.End(err)
	if err != nil {
		return sight{}, err
	}
	if had != nil {
		more, why, none := had.findings(resolved[0])
		found, lacks = append(found, more...), why
		if none { // it came out while they were fetched: what was said of their absence is no fault of the project
			t.Packages = verify.Off(why)
			if site, report, err = do(t); err != nil {
				return sight{}, err
			}
		}
	}
	report = withFindings(report, found)
	report.Lock = nil
	if had != nil && !bytes.Equal(t.Lock, kept) {
		report.Lock = t.Lock
	}
	report.Evidence = rungsOf(report, lacks, resolving, l.now().Sub(began)-resolving)
	for _, name := range []codeforge.RungName{codeforge.RungResolve, codeforge.RungBundle} { // the child's time is told as that of bundling
		l.observe(ctx, rungOf(report.Evidence, name))
	}
	if l.smoke.mode == SmokeOff {
		report.Evidence[len(report.Evidence)-1].Reason = l.smoke.why()
	}
	lasts := lacks == "" && !slices.ContainsFunc(resolved, func(r *resolution) bool { return !r.until.IsZero() })
	return sight{t, site, report, lacks, lasts}, nil
}

// checkTypes adds what the types of a tree come to. lasts: nothing but the tree decided it.
func (l *Ladder) checkTypes(ctx context.Context, user string, s *sight) (lasts bool, err error) {
	rung := codeforge.Rung{Name: codeforge.RungTypes, Status: codeforge.RungNotChecked}
	var found []verify.Diagnostic
	checker, err := l.types()
	switch {
	case rungOf(s.report.Evidence, codeforge.RungParse).Status == codeforge.RungFailed:
		rung.Reason, lasts = "what does not parse has no types", true
	case err != nil:
		rung.Reason = publicWords(err)
	default:
		within, span := codeforge.StartSpan(ctx, codeforge.WorkVerify, string(codeforge.RungTypes))
		result, err := checker.Check(within, user, s.tree)
		span.End(err)
		if ctx.Err() != nil {
			return false, context.Cause(ctx)
		}
		if err != nil {
			rung.Reason = "the compiler cannot be used: " + publicWords(err)
			break
		}
		rung, found, lasts = result.Rung, result.Diagnostics, result.Lasts && s.lacks == ""
	}
	l.observe(ctx, rung)
	known := map[verify.Diagnostic]bool{} // places of errors that are told already
	for _, d := range s.report.Diagnostics {
		if isError(d) {
			known[verify.Diagnostic{File: d.File, Line: d.Line}] = true
		}
	}
	found = slices.DeleteFunc(found, func(d verify.Diagnostic) bool {
		return d.Line > 0 && known[verify.Diagnostic{File: d.File, Line: d.Line}]
	})
	s.report = withFindings(s.report, found)
	for i := range s.report.Evidence {
		if s.report.Evidence[i].Name == codeforge.RungTypes {
			s.report.Evidence[i] = rung
		}
	}
	return lasts, nil
}

const withoutPackages = "without the packages that it asks for: "

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
	r.OK = r.OK && !slices.ContainsFunc(more, isError)
	r.Diagnostics = slices.Concat(r.Diagnostics, more)
	if extra := len(r.Diagnostics) - verify.MaxDiagnostics; extra > 0 { // errors stay
		slices.SortStableFunc(r.Diagnostics, func(a, b verify.Diagnostic) int { return cmp.Compare(a.Severity, b.Severity) })
		r.Diagnostics = append(r.Diagnostics[:verify.MaxDiagnostics], verify.Diagnostic{Severity: verify.SeverityWarning, Message: fmt.Sprintf("%d more findings are not shown", extra)})
	}
	slices.SortStableFunc(r.Diagnostics, func(a, b verify.Diagnostic) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
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
			rung.Status, rung.Reason = codeforge.RungNotChecked, withoutPackages+lacks
		}
	}
	types := codeforge.Rung{Name: codeforge.RungTypes, Status: codeforge.RungNotChecked, Reason: "the types of what is built are not looked at"}
	run := codeforge.Rung{Name: codeforge.RungRun, Status: codeforge.RungNotChecked, Reason: "it was not run"}
	for _, d := range r.Diagnostics {
		if told, all := verify.RunsElsewhere(d); told && (all || bundle.Reason == "") {
			bundle.Reason = d.Message
			if all {
				bundle.Status = codeforge.RungNotChecked
			}
		}
	}
	all := codeforge.Evidence{parse, resolve, types, bundle, run}
	for i := range all {
		if failed(all[i].Name) {
			all[i].Status, all[i].Reason = codeforge.RungFailed, ""
		} else if i > 0 && all[0].Status == codeforge.RungFailed && all[i].Status == codeforge.RungPassed {
			all[i].Status, all[i].Reason = codeforge.RungNotChecked, "not all of it parses"
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

// Available says which rungs can be had here. The first time it may take seconds.
func (l *Ladder) Available(context.Context) Available {
	client, err := l.resolver.open()
	a := Available{Run: l.smoke.why() == ""}
	if err == nil {
		a.Packages, _ = client.On()
	}
	_, err = l.types()
	a.Types = err == nil && (a.Packages || l.compiler)
	return a
}
