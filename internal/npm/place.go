package npm

import "slices"

// Where in node_modules a package goes. As npm does it: as high as nothing stands in its way, together with the peers
// that it brings; what is newer takes the place of what is older where all who need that are content.

type verdict int

const (
	undecided verdict = iota
	conflict
	free
	replaces
	keeps
)

// fitting is the look at one place for one package: whether it could go there, and its peers at or above.
type fitting struct {
	dep, target   *node
	edge          *edge
	parent        *fitting // of a peer: that of its dependent
	path          []*node
	current       *node // what lies there now
	preferDedupe  bool
	self, all     verdict // for the package alone, and with its peers
	peers         verdict
	peerFittings  []*fitting
	alreadyStrays bool // it was accepted against the edge before
}

func fit(dep, target *node, e *edge, parent *fitting, path []*node) *fitting {
	f := &fitting{dep: dep, target: target, edge: e, parent: parent, path: path, preferDedupe: e.peer()}
	f.current = target.children[e.name]
	f.alreadyStrays = !e.satisfiedBy(dep)
	f.all = f.check()
	if f.self == undecided {
		f.self = f.all
	}
	return f
}

func (f *fitting) top() *fitting {
	for f.parent != nil {
		f = f.parent
	}
	return f
}

func (f *fitting) check() verdict {
	if f.dep.problem != nil {
		if f.current != nil {
			return replaces
		}
		return free
	}
	wanted := f.target.edge(f.edge.name)
	if wanted != nil && wanted.peer() && !f.target.isTop() {
		return conflict // a peer does not lie in its dependent
	}
	if f.current != nil {
		return f.checkAgainstCurrent()
	}
	if wanted != nil && wanted != f.edge && !wanted.satisfiedBy(f.dep) {
		return conflict
	}
	if f.target != f.top().edge.from {
		if shadowed := f.target.find(f.edge.name); shadowed != nil {
			for _, e := range shadowed.in {
				if e.from.below(f.target) && e.valid() && !e.satisfiedBy(f.dep) {
					return conflict
				}
			}
		}
	}
	return f.withPeers(free)
}

// checkAgainstCurrent decides between what lies there and what is to go there.
func (f *fitting) checkAgainstCurrent() verdict {
	dep, current, e := f.dep, f.current, f.edge
	if dep.same(current) && (e.satisfiedBy(current) || f.alreadyStrays) {
		return keeps
	}
	newer := current.version() != "" && dep.version() != "" && compareVersions(dep.version(), current.version()) >= 0
	if newer && dep.canTakePlaceOf(current, nil) {
		if v := f.withPeers(replaces); v != conflict {
			return v
		}
	}
	if e.satisfiedBy(current) {
		return keeps
	}
	if f.preferDedupe && !newer && dep.canTakePlaceOf(current, nil) {
		if v := f.withPeers(replaces); v != conflict {
			return v
		}
	}
	if f.target != f.deepest() {
		return conflict // it can lie deeper, what lies here may stay
	}
	if !e.peer() && f.target == e.from {
		return f.withPeers(replaces)
	}
	if f.parent == nil && !e.peer() {
		return conflict
	}
	if f.currentSetsCanGo() {
		return f.withPeers(replaces)
	}
	return conflict
}

// currentSetsCanGo reports whether each set of peers that holds what lies there can be replaced or lie deeper.
func (f *fitting) currentSetsCanGo() bool {
	besides := map[string]*node{}
	if f.dep.parent != nil {
		besides = f.dep.parent.children
	}
	for _, set := range peerSets(f.current) {
		if set.entry == f.edge || set.entry == f.top().edge {
			continue
		}
		at := set.entry.to
		if instead := besides[at.name]; instead != nil {
			if instead.canTakePlaceOf(at, besides) {
				continue
			}
		} else if clobbered(at, besides) {
			continue
		}
		for _, peer := range set.members {
			deep := deepestPlace(set.entry.from, peer.name)
			if deep == f.target || f.target.below(deep) {
				return false
			}
		}
	}
	return true
}

// clobbered reports whether a set of peers goes on working with those that come in place of its members.
func clobbered(entry *node, besides map[string]*node) bool {
	walk := newNodeSet(entry)
	for i := 0; i < len(walk.list); i++ {
		for _, e := range walk.list[i].out {
			if !e.peer() || !e.valid() {
				continue
			}
			if instead := besides[e.name]; instead == nil {
				if e.to != nil {
					walk.add(e.to)
				}
			} else if !e.satisfiedBy(instead) {
				return false
			}
		}
	}
	return true
}

func (f *fitting) deepest() *node {
	start := f.edge.from
	if f.parent != nil {
		start = f.parent.deepest()
	}
	return deepestPlace(start, f.edge.name)
}

// deepestPlace is the nearest package from here on up in whose node_modules a name may lie: not in one of which it is a peer.
func deepestPlace(start *node, name string) *node {
	for at := start; ; at = at.above() {
		if at.above() == nil {
			return at
		}
		if e := at.edge(name); e == nil || !e.peer() {
			return at
		}
	}
}

// withPeers is what can be said of the package, once all of its peers can go at or above its place.
func (f *fitting) withPeers(v verdict) verdict {
	f.self = v
	if f.peers != undecided {
		return f.peers
	}
	path := append(slices.Clone(f.path), f.dep)
	f.peers = v
	for _, e := range f.dep.out {
		if !e.peer() || e.to == nil || slices.Contains(path, e.to) {
			continue
		}
		peer := fit(e.to, deepestPlace(f.target, e.to.name), e, f, path)
		f.peerFittings = append(f.peerFittings, peer)
		if peer.all == conflict {
			f.peers = conflict
		}
	}
	return f.peers
}

// refused is the look at the peer that could not go along.
func (f *fitting) refused() *fitting {
	if f == nil {
		return nil
	}
	for _, peer := range f.peerFittings {
		if peer.self == conflict {
			return peer
		}
		if deeper := peer.refused(); deeper != nil {
			return deeper
		}
	}
	return nil
}

// peerSet is packages that peers hold together, and the edge through which they came.
type peerSet struct {
	entry   *edge
	members []*node
}

// peerSets are the sets that a package is in.
func peerSets(n *node) []peerSet {
	union := newNodeSet(n)
	for i := 0; i < len(union.list); i++ {
		for _, e := range union.list[i].out {
			if e.peer() && e.to != nil && e.valid() {
				union.add(e.to)
			}
		}
		for _, e := range union.list[i].in {
			if e.peer() && e.valid() {
				union.add(e.from)
			}
		}
	}
	var out []peerSet
	for _, peer := range union.list {
		var members *nodeSet
		for _, e := range peer.in {
			if !e.valid() || e.peer() && !e.from.isTop() {
				continue
			}
			if members == nil {
				members = newNodeSet(peer)
				for i := 0; i < len(members.list); i++ {
					for _, e := range members.list[i].out {
						if e.peer() && e.to != nil && e.valid() {
							members.add(e.to)
						}
					}
				}
			}
			if members.has(n) {
				out = append(out, peerSet{e, members.list})
			}
		}
	}
	return out
}

// placing puts one package and its peers into the tree.
type placing struct {
	b        *builder
	dep      *node // in a trial
	edge     *edge
	parent   *placing
	children []*placing
	fitting  *fitting
	placed   *node
	again    []*node // whose dependencies must be looked at again
}

func (b *builder) place(dep *node, e *edge, parent *placing) *placing {
	p := &placing{b: b, dep: dep, edge: e, parent: parent}
	if e.to != nil && e.valid() {
		return p
	}
	var alone *fitting
	for target := p.start(); target != nil; target = target.above() {
		if wanted := target.edge(e.name); !target.isTop() && wanted != nil && wanted.peer() {
			continue
		}
		var of *fitting
		if parent != nil {
			of = parent.fitting
		}
		f := fit(dep, target, e, of, nil)
		if f.self != conflict {
			alone = f
		}
		if f.all == conflict {
			break
		}
		p.fitting = f
		if dep.problem != nil {
			break
		}
	}
	if p.fitting == nil {
		if p.isOurs() {
			if refused := alone.refused(); refused != nil {
				b.peerConflict(refused.edge, refused.current)
			} else {
				b.peerConflict(e, e.from.find(e.name))
			}
		}
		if alone == nil {
			e.conflicted = true
			return p
		}
		p.fitting = alone
	}
	v := p.fitting.all
	if v == conflict {
		v = p.fitting.self
	}
	target := p.fitting.target
	if v == keeps {
		if e.peer() && !e.valid() {
			e.conflicted = true
		}
		b.prune(target, true)
		return p
	}
	p.put(target)
	return p
}

func (p *placing) top() *placing {
	for p.parent != nil {
		p = p.parent
	}
	return p
}

func (p *placing) start() *node {
	from := p.edge.from
	if p.parent != nil {
		from = p.parent.start()
	}
	return deepestPlace(from, p.edge.name)
}

// put lays the package there, then the peers that it misses.
func (p *placing) put(target *node) {
	trial := p.dep.parent
	for at := target; at != nil; at = at.above() {
		if !at.isTop() && at.same(p.dep) {
			// a needs b needs another a needs another b needs this a: instead of nesting for ever it leads back.
			p.placed = &node{name: p.dep.name, link: at}
			p.placed.moveInto(target)
			return
		}
	}
	p.placed = p.b.copyOf(p.dep)
	if old := target.children[p.edge.name]; old != nil {
		p.replaceOld(old, target)
	} else {
		p.placed.moveInto(target)
	}
	if p.edge.peer() && !p.edge.satisfiedBy(p.placed) {
		p.edge.conflicted = true
	}
	if p.edge.to != nil && p.edge.to != p.placed && p.edge.valid() {
		p.b.prune(p.edge.to, false)
	}
	for _, n := range slices.Clone(p.b.tree.nodes[p.placed.name]) {
		if n.tree == nil || n.isTop() || !n.below(target) {
			continue
		}
		p.b.prune(n, false)
		if n.tree != nil {
			for _, kid := range n.sortedChildren() {
				if kid.tree != nil {
					p.b.prune(kid, false)
				}
			}
		}
	}
	for _, e := range slices.Clone(p.placed.out) {
		if !e.peer() || e.conflicted || e.valid() || trial == nil {
			continue
		}
		if peer := trial.children[e.name]; peer != nil && e.satisfiedBy(peer) {
			p.children = append(p.children, p.b.place(peer, e, p))
		}
	}
}

// replaceOld puts the package in place of another, and takes out what that one alone needed.
func (p *placing) replaceOld(old, target *node) {
	var lost []*node
	for _, e := range old.out {
		if e.to != nil && p.placed.edge(e.name) == nil {
			lost = append(lost, gather([]*node{e.to}, func(o *edge) bool { return o.to != e.to })...)
		}
	}
	var sets []*node
	for _, e := range slices.Clone(old.in) {
		if !e.peer() || e.conflicted || e.from.parent != target || e.satisfiedBy(p.placed) {
			continue
		}
		for _, set := range peerSets(e.from) {
			if set.entry.from.isProject() || set.entry.from.isWorkspace() {
				e.conflicted = true
				continue
			}
			at := set.entry.to
			sets = append(sets, gather([]*node{at}, func(o *edge) bool { return o.to != at && !o.conflicted })...)
		}
	}
	p.placed.replace(old)

	invalid := newNodeSet()
	for _, e := range p.placed.out {
		if e.to != nil && !e.valid() {
			invalid.add(e.to)
		}
	}
	for _, dep := range lost {
		for _, n := range gather([]*node{dep}, func(e *edge) bool { return e.to != dep && e.valid() }) {
			invalid.add(n)
		}
	}
	for _, n := range gather(invalid.list, func(e *edge) bool { return e.from != p.placed && e.to != p.placed && e.valid() }) {
		n.removeFromTree()
	}
	for _, n := range sets {
		for _, e := range n.in {
			p.again = append(p.again, e.from)
		}
		n.removeFromTree()
	}
}

// removeFromTree takes out a package that may lie there no longer, or be the project itself.
func (n *node) removeFromTree() {
	if n.tree != nil && n.parent != nil {
		n.remove()
	}
}

// prune takes out what another serves as well.
func (b *builder) prune(n *node, descend bool) {
	if n.tree == nil {
		return
	}
	if n.needless(false) {
		for _, gone := range gather([]*node{n}, func(e *edge) bool { return e.to != n && e.valid() }) {
			gone.removeFromTree()
		}
		return
	}
	if !descend {
		return
	}
	for _, c := range n.sortedChildren() {
		b.prune(c, true)
	}
	for _, w := range b.workspaces {
		if w.within == n {
			for _, c := range w.sortedChildren() {
				b.prune(c, true)
			}
		}
	}
}

// isOurs reports whether a conflict is one of the project's own dependencies: npm then refuses.
func (p *placing) isOurs() bool {
	e := p.top().edge
	n := e.from
	if n.ours() {
		return true
	}
	if !e.peer() {
		return false
	}
	peers := false
	for _, in := range n.in {
		if in.peer() {
			peers = true
		} else if in.from.ours() {
			return true
		}
	}
	if peers {
		for _, set := range peerSets(n) {
			if set.entry.from.ours() {
				return true
			}
		}
	}
	return false
}
