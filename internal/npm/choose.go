package npm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// choice chooses versions for one tree, by the rules of npm and those of the operator.
type choice struct {
	client *Client

	mu       sync.Mutex
	made     map[spec]chosen
	warnings []Problem
}

type chosen struct {
	manifest *manifest
	problem  *Problem
}

// pick implements picker. The same question has the same answer for the whole tree.
func (c *choice) pick(ctx context.Context, s spec) (*manifest, *Problem) {
	c.mu.Lock()
	known, ok := c.made[s]
	c.mu.Unlock()
	if ok {
		return known.manifest, known.problem
	}
	m, problem := c.client.choose(ctx, s)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.made[s]; ok {
		return known.manifest, known.problem
	}
	if c.made == nil {
		c.made = map[spec]chosen{}
	}
	if m != nil && problem != nil {
		if !slices.ContainsFunc(c.warnings, func(w Problem) bool { return w.Message == problem.Message }) {
			c.warnings = append(c.warnings, *problem)
		}
		problem = nil
	}
	if ctx.Err() == nil {
		c.made[s] = chosen{m, problem}
	}
	return m, problem
}

// choose takes the version that npm would take of those that are old enough. A version with a problem comes with a warning.
func (c *Client) choose(ctx context.Context, s spec) (*manifest, *Problem) {
	fail := func(code, format string, args ...any) *Problem {
		return &Problem{Code: code, Package: s.name, Want: s.want, Message: fmt.Sprintf(format, args...)}
	}
	if c.isDenied(s.name, "") {
		return nil, fail(Denied, "%s is not to be had on this server (NPM_DENY)", s.name)
	}
	var cutoff int64
	if c.opts.MinAge > 0 {
		cutoff = c.opts.now().Add(-c.opts.MinAge).Unix()
	}
	var p *packument
	var found selection
	unserved, timed := false, false
	for range 3 { // as it is known; looked at again, or with times; both
		var err error
		if p, err = c.metadata.get(ctx, s.name, unserved, timed); err != nil {
			return nil, problemOf(err, s)
		}
		if found = p.choose(s, cutoff, c.opts.Node, c.isDenied); found.needsTimes && !timed {
			timed = true
		} else if found.release == nil && !unserved {
			unserved = true
		} else {
			break
		}
	}
	switch {
	case found.release != nil:
		m := found.release.manifest(p.Name)
		switch {
		case found.tooNew:
			w := fail(TooNew, "%s@%s came out less than %s ago (NPM_MIN_AGE)", s.name, m.Version, ageText(c.opts.MinAge))
			w.Warning = true
			return m, w
		case p.stale:
			return m, &Problem{Code: Stale, Warning: true, Message: "the package registry does not answer: what was known of packages before was used"}
		}
		return m, nil
	case found.denied:
		return nil, fail(Denied, "%s %s is not to be had on this server (NPM_DENY)", s.name, s.want)
	case found.tooNew:
		return nil, fail(TooNew, "%s has no version for %s that is older than %s (NPM_MIN_AGE)", s.name, cmp.Or(s.want, "*"), ageText(c.opts.MinAge))
	case s.kind == tagSpec:
		return nil, fail(NoVersion, "%s has no tag %s", s.name, short(s.want))
	}
	message := fmt.Sprintf("%s has no version for %s", s.name, short(s.want))
	if latest := p.Tags["latest"]; latest != "" {
		message += "; its latest is " + latest
	}
	return nil, fail(NoVersion, "%s", message)
}

func ageText(d time.Duration) string {
	if d%time.Hour == 0 {
		return fmt.Sprintf("%d h", int(d.Hours()))
	}
	return d.String()
}

// problemOf is an error of the registry as a problem of a package.
func problemOf(err error, s spec) *Problem {
	if p, ok := errors.AsType[*Problem](err); ok {
		q := *p
		q.Want = s.want
		return &q
	}
	p := &Problem{Code: Unreachable, Package: s.name, Want: s.want, Message: fmt.Sprintf("%s cannot be had: %s", s.name, short(err.Error()))}
	if a, ok := errors.AsType[*answerError](err); ok {
		switch a.status {
		case 404:
			p.Code, p.Message = Unknown, fmt.Sprintf("there is no package %s", s.name)
		case 401, 403:
			p.Code, p.Message = Denied, fmt.Sprintf("%s cannot be had: %s; packages of a scope that needs a token are let through by NPM_ALLOW", s.name, a.text)
		}
	}
	return p
}

type selection struct {
	release    *release
	needsTimes bool
	tooNew     bool // it is, or what there is besides
	denied     bool
}

// choose is npm's choice: what the tag "latest" names, where that serves; else the newest. Versions that their publisher
// advises against, and those that do not run on our Node, come last.
func (p *packument) choose(s spec, cutoff int64, node string, isDenied func(name, version string) bool) (out selection) {
	tooNew := func(r *release) bool {
		switch {
		case cutoff == 0 || p.Modified != 0 && p.Modified <= cutoff:
			return false
		case r.published == 0 && !p.Timed:
			out.needsTimes = true
			return false
		}
		return r.published > cutoff
	}
	if s.kind == tagSpec {
		r := p.release(p.Tags[s.want])
		if r == nil {
			return out
		}
		if !tooNew(r) && !isDenied(p.Name, r.version) {
			out.release = r
			return out
		}
		s = spec{rangeSpec, s.name, "<=" + r.version}
	}
	if s.kind == versionSpec {
		r := p.release(s.want)
		if r == nil {
			for _, each := range p.versions { // 1.2.3+build, or written otherwise
				if compareVersions(each.version, s.want) == 0 {
					r = each
					break
				}
			}
		}
		if r != nil && isDenied(p.Name, r.version) {
			out.denied = true
			return out
		}
		out.release, out.tooNew = r, r != nil && tooNew(r) // who names a version has chosen it
		return out
	}
	runs := func(m *manifest) bool { e := m.nodeEngine(); return e == "" || matches(node, e) }
	if r := p.release(p.Tags["latest"]); r != nil && (s.want == "*" || matches(r.version, s.want)) && !tooNew(r) && !isDenied(p.Name, r.version) {
		if m := r.manifest(p.Name); runs(m) && !m.deprecated() {
			out.release = r
			return out
		}
	}
	best := -1
	for _, r := range p.versions {
		if !matches(r.version, s.want) {
			continue
		}
		if isDenied(p.Name, r.version) {
			out.denied = true
			continue
		}
		if tooNew(r) {
			out.tooNew = true
			continue
		}
		m := r.manifest(p.Name)
		rank := 0
		if runs(m) {
			rank += 2
		}
		if !m.deprecated() {
			rank++
		}
		if rank > best {
			out.release, best = r, rank
		}
		if best == 3 {
			break
		}
	}
	if out.release != nil {
		out.tooNew, out.denied = false, false
	}
	return out
}

// prefetch asks the registry for what a project will need, many packages at once, by following what each asks for. What it
// guesses wrong is asked for later, one by one.
func (c *choice) prefetch(ctx context.Context, root *node, workspaces []*node) {
	if !c.client.registry.on() {
		return
	}
	var (
		wait sync.WaitGroup
		mu   sync.Mutex
		seen = map[spec]bool{}
		most = make(chan struct{}, 2*mostRequests)
		want func(s spec)
	)
	want = func(s spec) {
		mu.Lock()
		known := seen[s] || len(seen) > 2*mostResolved
		seen[s] = true
		mu.Unlock()
		if known || s.kind > tagSpec || !validName(s.name) {
			return
		}
		wait.Go(func() {
			most <- struct{}{}
			m, _ := c.pick(ctx, s)
			<-most
			if m == nil || ctx.Err() != nil {
				return
			}
			optional := m.peerOptional()
			for _, list := range []dependencies{m.Deps, m.Optional, m.Peer} {
				for _, d := range list {
					if !optional[d.name] {
						want(parseSpec(d.name, d.spec))
					}
				}
			}
		})
	}
	for _, n := range append([]*node{root}, workspaces...) {
		if len(n.out) > mostResolved {
			return
		}
		for _, e := range n.out {
			if !e.valid() {
				want(parseSpec(e.name, e.spec()))
			}
		}
	}
	wait.Wait()
}
