package npm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
)

// builder makes the tree of a project: it takes packages in the order of their depth and gives each what it lacks.
// A package comes with its peers, which are first tried beside it, in a tree of their own.
type builder struct {
	ctx        context.Context
	source     picker
	tree       *tree
	workspaces []*node
	queue      []waiting // in order
	seen       map[*node]bool
	failed     map[*node]bool
	trials     map[*node]*node // by the package whose dependencies are tried
	problems   []Problem
	told       map[string]bool
	steps      int
}

// picker knows which version of a package is taken for a dependency.
type picker interface {
	pick(ctx context.Context, s spec) (*manifest, *Problem)
}

// Bounds on a tree. A project that is set up with a builder of React apps has 1,500 packages.
const (
	mostResolved = 3000
	mostSteps    = 20 * mostResolved // a package may be looked at again when what it needs moves
	deepestTree  = 25                // packages that need each other in ever other versions nest without an end, in npm too
)

var (
	errTooMany = errors.New("too many packages")
	errTooDeep = errors.New("packages nest too deeply")
)

func (b *builder) build(ctx context.Context, root *node, workspaces []*node) error {
	b.ctx, b.workspaces = ctx, workspaces
	b.seen, b.failed = map[*node]bool{}, map[*node]bool{}
	b.trials = map[*node]*node{}
	b.told = map[string]bool{}
	b.tree = root.tree
	b.queueBroken()
	b.push(root)
	for {
		for len(b.queue) > 0 {
			if err := b.step(); err != nil {
				return err
			}
		}
		for _, w := range b.workspaces {
			if !b.seen[w] && w.tree == b.tree {
				b.push(w)
			}
		}
		if len(b.queue) == 0 {
			return nil
		}
	}
}

// queueBroken takes up the packages of a lock that lack something.
func (b *builder) queueBroken() {
	walk := newNodeSet(b.tree.root)
	for i := 0; i < len(walk.list); i++ {
		n := walk.list[i]
		for _, e := range n.out {
			if !e.valid() {
				b.push(n)
			}
			if e.to != nil {
				walk.add(e.to)
			}
		}
	}
}

// waiting is a package whose dependencies are to be looked at.
type waiting struct {
	node  *node
	depth int
	place string
}

func (b *builder) push(n *node) {
	w := waiting{n, n.depth(), n.place()}
	i, _ := slices.BinarySearchFunc(b.queue, w, func(a, c waiting) int {
		return cmp.Or(cmp.Compare(a.depth, c.depth), compareNames(a.place, c.place))
	})
	if i == len(b.queue) || b.queue[i].node != n {
		b.queue = slices.Insert(b.queue, i, w)
	}
}

// next is the shallowest package that waits, the first by name of those.
func (b *builder) next() *node {
	n := b.queue[0].node
	b.queue = b.queue[1:]
	return n
}

type toPlace struct {
	edge *edge
	dep  *node
}

func (b *builder) step() error {
	if err := b.ctx.Err(); err != nil {
		return context.Cause(b.ctx)
	}
	n := b.next()
	if b.seen[n] || n.tree != b.tree {
		return nil
	}
	if b.steps++; b.steps > mostSteps {
		return errTooMany
	}
	if n.depth() > deepestTree {
		return errTooDeep
	}
	b.seen[n] = true
	var tasks []toPlace
	lacking := b.lacking(n)
	if b.tree.size+len(lacking) > mostResolved {
		return errTooMany
	}
	for _, e := range lacking {
		if b.ctx.Err() != nil {
			return context.Cause(b.ctx)
		}
		if e.conflicted {
			continue
		}
		trial := b.trial(n, true)
		var dep *node
		if tried := trial.edge(e.name); tried != nil && tried.to != nil && tried.valid() && e.satisfiedBy(tried.to) {
			dep = tried.to
		}
		if dep == nil && e.kind == peerOptionalEdge {
			dep = hoistable(cmp.Or(n.above(), n), e)
		}
		if dep == nil {
			parent := trial
			if !e.peer() {
				parent = b.trial(n, false)
			}
			dep = b.load(e, parent, nil, newNodeSet(n))
		}
		tasks = append(tasks, toPlace{e, dep})
	}
	slices.SortStableFunc(tasks, func(a, c toPlace) int { return compareNames(a.edge.name, c.edge.name) })
	for _, t := range tasks {
		b.settle(b.place(t.dep, t.edge, nil))
	}
	return nil
}

// settle takes up whatever a placing has touched.
func (b *builder) settle(p *placing) {
	if p.placed != nil && p.placed.tree != nil {
		if p.placed.problem != nil {
			b.failed[p.placed] = true
		}
		v := p.fitting.self
		for _, e := range p.placed.in {
			if e != p.edge && !e.conflicted && !e.valid() {
				if v == replaces || b.seen[e.from] {
					delete(b.seen, e.from)
				}
				b.push(e.from)
			}
		}
		if p.placed.link == nil {
			b.push(p.placed)
		}
		for _, n := range p.again {
			delete(b.seen, n)
			b.push(n)
		}
	}
	for _, c := range p.children {
		b.settle(c)
	}
}

// lacking are the dependencies of a package that lead nowhere or to what they do not ask for.
func (b *builder) lacking(n *node) []*edge {
	var bundled []string
	if !n.isProject() && !n.isWorkspace() && n.manifest != nil {
		bundled = n.manifest.bundles()
	}
	var out []*edge
	for _, e := range n.out {
		switch {
		case slices.Contains(bundled, e.name), e.to != nil && b.failed[e.to]:
		case e.to == nil:
			if e.kind != peerOptionalEdge {
				out = append(out, e)
			}
		case !e.valid():
			out = append(out, e)
		}
	}
	return out
}

// trial is a tree of its own that starts with what a package asks for.
func (b *builder) trial(n *node, reuse bool) *node {
	if t := b.trials[n]; t != nil && reuse {
		return t
	}
	root := &node{name: n.name, manifest: n.manifest, source: n, rule: n.rule}
	dev := n.ours() && n.isTop()
	if n.manifest != nil {
		root.addEdges(dev)
	}
	newTree(root)
	b.trials[n] = root
	return root
}

// hoistable is a package of the tree that an optional peer would be content with.
func hoistable(from *node, e *edge) *node {
	queue := from.sortedChildren()
	for i := 0; i < len(queue); i++ {
		if queue[i].name == e.name && e.satisfiedBy(queue[i]) {
			return queue[i]
		}
		queue = append(queue, queue[i].sortedChildren()...)
	}
	return nil
}

// load makes the package that an edge asks for, in a trial, with its peers. The second edge, if there is one, gives
// advice: a version that both are content with is better.
func (b *builder) load(e *edge, trial *node, second *edge, required *nodeSet) *node {
	first := b.make(e, trial)
	n := first
	if second != nil && !second.valid() {
		if other := b.make(second, trial); e.valid() {
			n = other
		}
	}
	n.moveInto(trial)
	if required.has(e.from) && e.kind != peerOptionalEdge || second != nil && required.has(second.from) && second.kind != peerOptionalEdge {
		required.add(n)
	}
	return b.loadPeers(n, required)
}

// make makes the package that an edge asks for, alone.
func (b *builder) make(e *edge, trial *node) *node {
	n := &node{name: e.name}
	s := parseSpec(e.name, e.spec())
	if w := b.workspaceFor(e); w != nil {
		n.link = w
	} else if m, problem := b.pick(s); problem != nil {
		told := *problem
		told.From, told.Alias = e.from.placeOrProject(), ""
		if s.name != e.name {
			told.Alias = e.name
		}
		n.problem = &told
	} else {
		n.manifest = m
		n.addEdges(false)
	}
	n.moveInto(trial)
	return n
}

// workspaceFor is the folder of the project that an edge to a workspace leads to.
func (b *builder) workspaceFor(e *edge) *node {
	if e.kind == workspaceEdge {
		for _, w := range b.workspaces {
			if w.name == e.name {
				return w
			}
		}
	}
	return nil
}

func (n *node) placeOrProject() string {
	if n.source != nil {
		return n.source.placeOrProject()
	}
	if n.parent != nil && n.parent.source != nil {
		return n.packageName() + "@" + n.version()
	}
	if n.isProject() || n.isWorkspace() {
		return n.place()
	}
	return n.packageName() + "@" + n.version()
}

func (b *builder) pick(s spec) (*manifest, *Problem) {
	switch {
	case s.kind == folderSpec || s.kind == otherSpec:
		return nil, &Problem{Code: Unsupported, Package: s.name, Want: s.want,
			Message: fmt.Sprintf("%s is asked for as %q: dependencies on git, addresses, files and folders are not followed, only versions from the registry", s.name, short(s.want))}
	case !validName(s.name):
		return nil, &Problem{Code: Unsupported, Package: short(s.name), Want: s.want, Message: fmt.Sprintf("%q is no name of a package", short(s.name))}
	}
	return b.source.pick(b.ctx, s)
}

// loadPeers brings the peers of a package into its trial, and theirs.
func (b *builder) loadPeers(n *node, required *nodeSet) *node {
	var peers []*edge
	for _, e := range n.out {
		if e.peer() && !(e.to != nil && e.valid()) {
			peers = append(peers, e)
		}
	}
	slices.SortStableFunc(peers, func(a, c *edge) int { return compareNames(a.name, c.name) })
	for _, e := range peers {
		if n.parent == nil {
			break // a peer of a peer took its place
		}
		if e.to != nil && e.valid() {
			continue
		}
		trial := n.parent
		ours := trial.source.ours()
		wanted := trial.edge(e.name)
		if e.to == nil {
			if wanted == nil {
				b.load(e, trial, nil, required)
				continue
			}
			dep := b.load(wanted, trial, e, required)
			if e.to != nil && e.valid() {
				continue
			}
			if !ours || !required.has(dep) {
				e.conflicted = true
				continue
			}
			if n.parent == nil {
				break
			}
			b.peerConflict(e, cmp.Or(e.to, dep))
			e.conflicted = true
			continue
		}
		current := e.to
		if dep := b.load(e, b.trial(e.from, false), nil, required); dep.canTakePlaceOf(current, nil) {
			b.load(e, trial, nil, required)
			continue
		}
		if ours && required.has(e.from) {
			b.peerConflict(e, current)
			e.conflicted = true
		}
	}
	return n
}

// peerConflict tells that npm would refuse the project: two of its packages want a third in versions that exclude each
// other. has is the one that is there.
func (b *builder) peerConflict(peer *edge, has *node) {
	who := fmt.Sprintf("%s@%s", peer.from.packageName(), peer.from.version())
	if peer.from.ours() {
		who = "the project"
	}
	message := fmt.Sprintf("%s needs %s %s beside it", who, peer.name, peer.raw)
	if has != nil && has.version() != "" {
		message += fmt.Sprintf(", and there is %s@%s", has.packageName(), has.version())
	} else {
		message += ", which does not go together with what others need"
	}
	if !b.told[message] {
		b.told[message] = true
		b.problems = append(b.problems, Problem{Code: PeerConflict, Package: peer.name, Want: peer.raw, From: who, Message: message})
	}
}

// copyOf is a package of a trial, for the tree.
func (b *builder) copyOf(n *node) *node {
	c := &node{name: n.name, manifest: n.manifest, link: n.link, rule: n.rule, problem: n.problem}
	if c.link == nil && c.manifest != nil {
		c.addEdges(false)
	}
	return c
}

// flag finds for each package whether it is for development, optional or a peer alone: all are taken to be all, until an
// edge says otherwise.
func (t *tree) flag() {
	var all func(n *node, do func(*node))
	all = func(n *node, do func(*node)) {
		do(n)
		for _, c := range n.children {
			all(c, do)
		}
	}
	seen := map[*node]bool{}
	every := []*node{t.root}
	for _, list := range t.nodes {
		every = append(every, list...)
	}
	for _, n := range every {
		n.dev, n.optional, n.devOptional, n.peer, n.extraneous = true, true, true, true, true
	}
	r := t.root
	r.dev, r.optional, r.devOptional, r.peer, r.extraneous = false, false, false, false, false
	queue := []*node{r}
	for len(queue) > 0 {
		n := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		seen[n] = true
		if !n.extraneous {
			for up := n.above(); up != nil && up.extraneous; up = up.above() {
				up.extraneous = false
			}
		}
		if w := n.link; w != nil {
			changed := unset(&w.dev, !n.dev) || false
			changed = unset(&w.optional, !n.optional) || changed
			changed = unset(&w.devOptional, !n.devOptional) || changed
			changed = unset(&w.peer, !n.peer) || changed
			changed = unset(&w.extraneous, !n.extraneous) || changed
			if changed || !seen[w] {
				queue = append(queue, w)
			}
			continue
		}
		for _, e := range n.out {
			to := e.to
			if to == nil {
				continue
			}
			dev, optional := e.kind == devEdge, e.optional()
			changed := unset(&to.extraneous, !n.extraneous && e.kind != peerOptionalEdge)
			changed = unset(&to.dev, !n.dev && !dev) || changed
			changed = unset(&to.optional, !n.optional && !optional) || changed
			changed = unset(&to.devOptional, !n.devOptional && !n.dev && !n.optional && !dev && !optional) || changed
			changed = unset(&to.peer, !n.peer && !e.peer()) || changed
			if changed {
				queue = append(queue, to)
			}
		}
	}
	for n := range seen {
		if n != r && n.devOptional && (n.dev || n.optional) {
			n.devOptional = false
		}
	}
}

func unset(flag *bool, when bool) bool {
	if *flag && when {
		*flag = false
		return true
	}
	return false
}
