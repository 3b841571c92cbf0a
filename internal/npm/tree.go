package npm

import "slices"

// The tree of node_modules while it is built, and the graph of what needs what over it. An edge leads to the package
// that Node would find from where it starts; each change of the tree looks again at the edges of the names it touches.

type edgeKind int

const (
	prodEdge edgeKind = iota
	devEdge
	optionalEdge
	peerEdge
	peerOptionalEdge
	workspaceEdge
)

// edge is a dependency of a package on a name.
type edge struct {
	kind       edgeKind
	from, to   *node
	name, raw  string    // what package.json says
	rule       *override // what the project says instead
	conflicted bool      // a peer that cannot be had, and is done without

	judged, fine bool // whether it was looked at since it last changed, and what was found
}

func (e *edge) peer() bool     { return e.kind == peerEdge || e.kind == peerOptionalEdge }
func (e *edge) optional() bool { return e.kind == optionalEdge || e.kind == peerOptionalEdge }

// spec is what the edge asks for, with what the project overrides.
func (e *edge) spec() string {
	if e.rule != nil && e.rule.value != "" && e.rule.value != "*" && e.rule.name == e.name {
		return e.rule.value
	}
	return e.raw
}

// valid reports whether what the edge leads to is what it asks for.
func (e *edge) valid() bool {
	if !e.judged {
		e.judged, e.fine = true, e.judge()
	}
	return e.fine
}

func (e *edge) judge() bool {
	switch {
	case e.to == nil:
		return e.optional()
	case e.peer() && e.from == e.to.parent && !e.from.isTop():
		return false // a peer must lie beside its dependent, not in it
	case !e.satisfiedBy(e.to):
		return false
	}
	return e.rule == nil || e.to.rule == nil || len(e.to.out) == 0 || !e.rule.conflicts(e.to.rule)
}

func (e *edge) satisfiedBy(n *node) bool {
	if n.name != e.name {
		return false
	}
	if e.rule == nil || e.rule.keySpec == "" {
		return n.fits(e.from, e.spec())
	}
	if n.fits(e.from, e.spec()) {
		return true
	}
	return n.fits(e.from, e.raw) && !n.fits(e.from, e.rule.keySpec)
}

// fits reports whether a package is what a text of a dependency asks for.
func (n *node) fits(from *node, text string) bool {
	s := parseSpec(n.name, text)
	switch s.kind {
	case rangeSpec:
		return s.want == "*" || matches(n.version(), s.want)
	case versionSpec:
		return matches(n.version(), s.want)
	case tagSpec:
		return n.link == nil && n.version() != "" // as npm: a tag is taken to have named it
	case folderSpec:
		return n.link != nil
	}
	return false
}

// node is a package at its place.
type node struct {
	tree     *tree
	name     string // of its folder: an alias has another than its package
	manifest *manifest
	parent   *node // whose node_modules it lies in
	within   *node // of a workspace's folder: the project
	folder   string
	link     *node // of a link: the workspace
	children map[string]*node
	out      []*edge
	byName   map[string]*edge // of out
	in       []*edge
	rule     *override
	source   *node    // of a trial root: the package whose dependencies are tried
	problem  *Problem // why it could not be had
	bundled  bool     // by a lock, it comes within the package that it lies in

	dev, optional, devOptional, peer, extraneous bool
}

func (n *node) version() string {
	if n.link != nil {
		return n.link.version()
	}
	if n.manifest == nil {
		return ""
	}
	return n.manifest.Version
}

// packageName is its name in the registry.
func (n *node) packageName() string {
	if n.link != nil {
		return n.link.packageName()
	}
	if n.manifest == nil || n.manifest.Name == "" {
		return n.name
	}
	return n.manifest.Name
}

func (n *node) isTop() bool     { return n.parent == nil }
func (n *node) isProject() bool { return n.tree != nil && n.tree.root == n }
func (n *node) isWorkspace() bool {
	return n.within != nil && n.folder != ""
}

// ours reports whether it is the project's own package, or stands for it in a trial.
func (n *node) ours() bool {
	if n.source != nil {
		return n.source.ours()
	}
	return n.isProject() || n.isWorkspace()
}

// above is the next package in which Node looks.
func (n *node) above() *node {
	if n.parent != nil {
		return n.parent
	}
	return n.within
}

func (n *node) depth() int {
	d := 0
	for p := n; p.parent != nil; p = p.parent {
		d++
	}
	return d
}

// place is where it lies in the project.
func (n *node) place() string {
	switch {
	case n.folder != "":
		return n.folder
	case n.parent == nil:
		return ""
	}
	if p := n.parent.place(); p != "" {
		return p + "/node_modules/" + n.name
	}
	return "node_modules/" + n.name
}

// find is what Node finds by this name from here.
func (n *node) find(name string) *node {
	for p := n; p != nil; p = p.above() {
		if c := p.children[name]; c != nil {
			return c
		}
	}
	return nil
}

// below reports whether it is the other or lies in it.
func (n *node) below(other *node) bool {
	for p := n; p != nil; p = p.above() {
		if p == other {
			return true
		}
	}
	return false
}

func (n *node) edge(name string) *edge { return n.byName[name] }

// same reports whether two are one package.
func (n *node) same(other *node) bool {
	if n == other {
		return true
	}
	if n.name != other.name {
		return false
	}
	if n.link != nil || other.link != nil {
		return n.link == other.link
	}
	return n.packageName() == other.packageName() && n.version() != "" && n.version() == other.version()
}

// sortedChildren are what lies in its node_modules, by name.
func (n *node) sortedChildren() []*node {
	out := make([]*node, 0, len(n.children))
	for _, c := range n.children {
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b *node) int { return compareNames(a.name, b.name) })
	return out
}

// tree is a project's packages, or a trial of them.
type tree struct {
	root   *node
	byName map[string][]*edge // all edges in it
	nodes  map[string][]*node // all nodes in it
	size   int
}

func newTree(root *node) *tree {
	t := &tree{root: root, byName: map[string][]*edge{}, nodes: map[string][]*node{}}
	root.tree = nil
	t.enter(root)
	return t
}

// addEdge gives a package a dependency; one of the same name that it had is dropped.
func (n *node) addEdge(kind edgeKind, name, text string) {
	if old := n.edge(name); old != nil {
		if old.kind == workspaceEdge {
			return
		}
		n.out = slices.DeleteFunc(n.out, func(e *edge) bool { return e == old })
		if n.tree != nil {
			n.tree.forget(old)
		}
	}
	e := &edge{kind: kind, from: n, name: name, raw: text}
	if n.byName == nil {
		n.byName = map[string]*edge{}
	}
	n.out, n.byName[name] = append(n.out, e), e
	if n.tree != nil {
		n.tree.byName[name] = append(n.tree.byName[name], e)
		e.look()
	}
}

// addEdges gives it what its manifest asks for. Of a name that is listed twice the later list holds: peers, then
// dependencies, then optional ones, then, of a project's own packages, those for development.
func (n *node) addEdges(dev bool) {
	m := n.manifest
	if m == nil {
		return
	}
	optional := m.peerOptional()
	for _, required := range []bool{true, false} {
		for _, d := range m.Peer {
			switch {
			case required && !optional[d.name]:
				n.addEdge(peerEdge, d.name, d.spec)
			case !required && optional[d.name]:
				n.addEdge(peerOptionalEdge, d.name, d.spec)
			}
		}
	}
	for _, d := range m.Deps {
		n.addEdge(prodEdge, d.name, d.spec)
	}
	for _, d := range m.Optional {
		n.addEdge(optionalEdge, d.name, d.spec)
	}
	if dev {
		for _, d := range m.Dev {
			n.addEdge(devEdge, d.name, d.spec)
		}
	}
}

// look finds anew where an edge leads.
func (e *edge) look() {
	if e.from.tree == nil {
		return
	}
	if e.from.rule != nil {
		if rule := e.from.rule.forEdge(e); !rule.equal(e.rule) {
			e.rule, e.judged = rule, false
			if e.to != nil {
				e.to.takeRule(rule)
			}
		}
	}
	to := e.from.find(e.name)
	if to == e.to {
		return
	}
	e.leave()
	e.to, e.judged = to, false
	if to != nil {
		to.in = append(to.in, e)
		to.takeRule(e.rule)
	}
}

func (e *edge) leave() {
	if e.to != nil {
		e.to.in = slices.DeleteFunc(e.to.in, func(o *edge) bool { return o == e })
	}
	e.to, e.judged = nil, false
}

// takeRule gives a package the overrides of an edge that leads to it, where they say more than those it has.
func (n *node) takeRule(rule *override) {
	if rule == nil || n.rule.equal(rule) {
		return
	}
	if n.rule != nil {
		more := moreSpecific(n.rule, rule)
		if more == nil || more.equal(n.rule) {
			return
		}
		rule = more
	}
	n.rule = rule
	for _, e := range n.out {
		e.judged = false
		e.look()
	}
}

func (t *tree) forget(e *edge) {
	e.leave()
	t.byName[e.name] = slices.DeleteFunc(t.byName[e.name], func(o *edge) bool { return o == e })
}

// enter adds a package and all that lies in it.
func (t *tree) enter(n *node) {
	n.tree = t
	t.size++
	t.nodes[n.name] = append(t.nodes[n.name], n)
	for _, e := range n.out {
		t.byName[e.name] = append(t.byName[e.name], e)
	}
	for _, c := range n.children {
		t.enter(c)
	}
	for _, e := range n.out {
		e.look()
	}
}

func (t *tree) exit(n *node) {
	for _, c := range n.children {
		t.exit(c)
	}
	for _, e := range n.out {
		t.forget(e)
	}
	t.nodes[n.name] = slices.DeleteFunc(t.nodes[n.name], func(o *node) bool { return o == n })
	t.size--
	n.tree = nil
}

// lookAgain looks at the edges by a name after something of that name came or went.
func (t *tree) lookAgain(name string) {
	for _, e := range slices.Clone(t.byName[name]) {
		e.look()
	}
}

// moveInto puts a package into another's node_modules; what lay there by its name goes.
func (n *node) moveInto(parent *node) {
	if n.parent == parent && parent.children[n.name] == n {
		return
	}
	n.remove()
	if old := parent.children[n.name]; old != nil {
		old.remove()
	}
	if parent.children == nil {
		parent.children = map[string]*node{}
	}
	parent.children[n.name], n.parent = n, parent
	if parent.tree != nil {
		if w := n.link; w != nil && w.within == parent.tree.root && w.tree == nil {
			parent.tree.enter(w) // a workspace comes with the link to it
		}
		parent.tree.enter(n)
		parent.tree.lookAgain(n.name)
	}
}

// remove takes a package out of the tree with all that lies in it.
func (n *node) remove() {
	t := n.tree
	if n.parent != nil {
		delete(n.parent.children, n.name)
		n.parent = nil
	}
	if t != nil {
		t.exit(n)
		t.lookAgain(n.name)
		for _, e := range slices.Clone(n.in) {
			e.leave()
		}
	}
}

// replace puts a package where another lies; what lies in that one stays.
func (n *node) replace(old *node) {
	kids := old.sortedChildren()
	parent := old.parent
	for _, kid := range kids {
		kid.remove()
	}
	n.moveInto(parent)
	for _, kid := range kids {
		kid.moveInto(n)
	}
}

// gather is a set of packages with all that they alone need. Edges that count lets pass are looked at.
func gather(set []*node, counts func(*edge) bool) []*node {
	deps := newNodeSet(set...)
	for i := 0; i < len(deps.list); i++ {
		for _, e := range deps.list[i].out {
			if e.to != nil && counts(e) {
				deps.add(e.to)
			}
		}
	}
	for changed := true; changed; {
		changed = false
		for _, n := range slices.Clone(deps.list) {
			for _, e := range n.in {
				if !deps.has(e.from) && counts(e) {
					deps.drop(n)
					changed = true
					break
				}
			}
		}
	}
	return deps.list
}

// nodeSet is a set that keeps its order.
type nodeSet struct {
	list []*node
	in   map[*node]bool
}

func newNodeSet(nodes ...*node) *nodeSet {
	s := &nodeSet{in: map[*node]bool{}}
	for _, n := range nodes {
		s.add(n)
	}
	return s
}

func (s *nodeSet) has(n *node) bool { return s.in[n] }

func (s *nodeSet) add(n *node) {
	if !s.in[n] {
		s.in[n] = true
		s.list = append(s.list, n)
	}
}

func (s *nodeSet) drop(n *node) {
	delete(s.in, n)
	s.list = slices.DeleteFunc(s.list, func(o *node) bool { return o == n })
}

// canTakePlaceOf reports whether all who need the old package would be content with this one.
func (n *node) canTakePlaceOf(old *node, besides map[string]*node) bool {
	if n.name != old.name || n.packageName() != old.packageName() {
		return false
	}
	if len(old.out) > 0 && !n.rule.equal(old.rule) {
		return false
	}
	own := newNodeSet(gather([]*node{old}, func(e *edge) bool { return e.to != old && e.valid() })...)
	for _, e := range old.in {
		if !old.isTop() && e.from.parent == old.parent && e.peer() && besides[e.from.name] != nil {
			continue
		}
		if !own.has(e.from) && !e.satisfiedBy(n) {
			return false
		}
	}
	return true
}

// needless reports whether all who need it would find another that serves them, were it not there.
func (n *node) needless(preferDedupe bool) bool {
	up := n.above()
	if n.bundled || up == nil || up.above() == nil {
		return false
	}
	if len(n.in) == 0 {
		return true
	}
	other := up.above().find(n.name)
	switch {
	case other == nil:
		return false
	case other.same(n):
		return true
	case !other.canTakePlaceOf(n, nil):
		return false
	}
	c := compareVersions(other.version(), n.version())
	return preferDedupe || c == 0 || c > 0 && !n.overridden()
}

func (n *node) overridden() bool {
	return n.rule != nil && n.rule.value != "" && n.rule.name == n.name
}
