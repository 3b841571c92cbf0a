package npm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"codeforge"
)

// Lock is a resolved tree: which version of which package lies where. It is written as npm's package-lock.json of version
// 3 without addresses, which npm itself reads and writes (omit-lockfile-registry-resolved), so it is both what is kept
// beside a revision and what an export holds.
type Lock struct {
	root     *manifest
	packages map[string]*Package
}

// Package is one entry of a lock.
type Package struct {
	Place     string // where it lies in the project: node_modules/react, or the folder of a workspace
	Name      string // in the registry; an alias has another name in its place
	Version   string
	Integrity string // of its tarball, as W3C's SRI: sha512-...; "": not known
	Link      string // of a workspace in node_modules: its folder

	Dev, Optional, DevOptional, Peer bool // whether it is needed only for development, ...
	InBundle                         bool // it comes within the package that it lies in

	manifest *manifest
}

// Native reports whether it is made for some kinds of machine only. Such packages are never fetched for a project.
func (p *Package) Native() bool {
	return len(p.manifest.OS) > 0 || len(p.manifest.CPU) > 0 || len(p.manifest.Libc) > 0
}

// RunsAtInstall reports whether it wants to run a program when it is installed. Here none is run.
func (p *Package) RunsAtInstall() bool { return p.manifest.runsAtInstall() }

// Deprecated reports whether its publisher advises against it.
func (p *Package) Deprecated() bool { return p.manifest.deprecated() }

// Package is what lies at a place; nil: nothing.
func (l *Lock) Package(place string) *Package { return l.packages[place] }

// Declared are the names by which the project itself asks for packages.
func (l *Lock) Declared() []string { return l.root.declared() }

// Places are all places, in the order of the lock.
func (l *Lock) Places() []string {
	return slices.SortedFunc(maps.Keys(l.packages), compareNames)
}

// Find is the place of what Node finds by a name from a package's place ("": the project), and whether there is any.
func (l *Lock) Find(from, name string) (string, bool) {
	for at := from; ; {
		place := strings.TrimPrefix(at+"/node_modules/"+name, "/")
		if p := l.packages[place]; p != nil {
			if p.Link != "" {
				return p.Link, true
			}
			return place, true
		}
		if at == "" {
			return "", false
		}
		at = above(at)
	}
}

// above is the package in which another lies; of a workspace, the project.
func above(place string) string {
	if i := strings.LastIndex(place, "/node_modules/"); i >= 0 {
		return place[:i]
	}
	return ""
}

// Needs are the places that a package's dependencies lead to, those that are there: without peers that are optional if
// there are none, and without what is made for some machines only.
func (l *Lock) Needs(place string) []string {
	m := l.root
	if place != "" {
		p := l.packages[place]
		if p == nil {
			return nil
		}
		m = p.manifest
	}
	var out []string
	for _, list := range []dependencies{m.Deps, m.Optional, m.Peer} {
		for _, d := range list {
			if at, ok := l.Find(place, d.name); ok && !slices.Contains(out, at) {
				if p := l.packages[at]; p == nil || !p.Native() {
					out = append(out, at)
				}
			}
		}
	}
	return out
}

// Reach are the given places with all that they need, in the order of the lock.
func (l *Lock) Reach(places ...string) []string {
	seen := map[string]bool{}
	for queue := slices.Clone(places); len(queue) > 0; queue = queue[1:] {
		if p := l.packages[queue[0]]; p != nil && !seen[queue[0]] {
			seen[queue[0]] = true
			queue = append(queue, l.Needs(queue[0])...)
		}
	}
	return slices.SortedFunc(maps.Keys(seen), compareNames)
}

// JoinLocks is one lock of a project that has packages of its own in several folders, by those; "." is the project's.
func JoinLocks(locks map[string]*Lock) *Lock {
	if l := locks["."]; l != nil && len(locks) == 1 {
		return l
	}
	out := &Lock{root: &manifest{}, packages: map[string]*Package{}}
	for _, folder := range slices.Sorted(maps.Keys(locks)) {
		l := locks[folder]
		if folder == "." {
			out.root = l.root
		} else {
			out.packages[folder] = &Package{Place: folder, Name: l.root.Name, Version: l.root.Version, manifest: l.root}
		}
		for place, p := range l.packages {
			moved := *p
			moved.Place = path.Join(folder, place)
			if p.Link != "" {
				moved.Link = path.Join(folder, p.Link)
			}
			out.packages[moved.Place] = &moved
		}
	}
	return out
}

// Within is what a lock has in a folder of the project, as the lock of that folder alone; nil: nothing.
func (l *Lock) Within(folder string) *Lock {
	var others []string // folders with packages of their own
	for place := range l.packages {
		if !inModules(place) && place != folder && !l.IsWorkspace(place) {
			others = append(others, place+"/")
		}
	}
	root, prefix := l.root, ""
	if folder != "." {
		p := l.packages[folder]
		if p == nil || inModules(folder) {
			return nil
		}
		root, prefix = p.manifest, folder+"/"
	} else if len(others) == 0 {
		return l
	}
	out := &Lock{root: root, packages: map[string]*Package{}}
	for place, p := range l.packages {
		at, ok := strings.CutPrefix(place, prefix)
		if !ok || at == "" || slices.ContainsFunc(others, func(other string) bool {
			return strings.HasPrefix(other, prefix) && strings.HasPrefix(place+"/", other)
		}) {
			continue
		}
		moved := *p
		moved.Place = at
		if p.Link != "" {
			if moved.Link, ok = strings.CutPrefix(p.Link, prefix); !ok {
				continue
			}
		}
		out.packages[at] = &moved
	}
	return out
}

// IsWorkspace reports whether a folder of the project is one: it is found by its name among the packages.
func (l *Lock) IsWorkspace(folder string) bool {
	for _, p := range l.packages {
		if p.Link == folder {
			return true
		}
	}
	return false
}

// entry is a line of "packages" as npm writes it.
type entry struct {
	Name          string          `json:"name,omitempty"`
	Version       string          `json:"version,omitempty"`
	Resolved      string          `json:"resolved,omitempty"` // of a link, its folder; of anything else it is not written
	Integrity     string          `json:"integrity,omitempty"`
	Link          bool            `json:"link,omitempty"`
	Dev           bool            `json:"dev,omitempty"`
	Optional      bool            `json:"optional,omitempty"`
	DevOptional   bool            `json:"devOptional,omitempty"`
	InBundle      bool            `json:"inBundle,omitempty"`
	Peer          bool            `json:"peer,omitempty"`
	Extraneous    bool            `json:"extraneous,omitempty"`
	HasScript     bool            `json:"hasInstallScript,omitempty"`
	Deprecated    any             `json:"deprecated,omitempty"`
	CPU           names           `json:"cpu,omitempty"`
	OS            names           `json:"os,omitempty"`
	Libc          names           `json:"libc,omitempty"`
	Workspaces    json.RawMessage `json:"workspaces,omitempty"`
	Deps          dependencies    `json:"dependencies,omitempty"`
	Dev_          dependencies    `json:"devDependencies,omitempty"`
	OptionalDeps  dependencies    `json:"optionalDependencies,omitempty"`
	PeerDeps      dependencies    `json:"peerDependencies,omitempty"`
	PeerMeta      json.RawMessage `json:"peerDependenciesMeta,omitempty"`
	BundledByThis json.RawMessage `json:"bundleDependencies,omitempty"`
	Bin           json.RawMessage `json:"bin,omitempty"`
	Engines       json.RawMessage `json:"engines,omitempty"`
}

const largestLock = 32 << 20

// ParseLock reads a lock of ours or npm's package-lock.json. One of a version before 2 gives nil: it does not say where
// packages lie. Addresses in it are not kept.
func ParseLock(b []byte) (*Lock, error) {
	if len(b) > largestLock {
		return nil, codeforge.InvalidField("package-lock.json", "is larger than %d bytes", largestLock)
	}
	var file struct {
		Version  int              `json:"lockfileVersion"`
		Packages map[string]entry `json:"packages"`
	}
	if err := json.Unmarshal(bytes.TrimPrefix(b, []byte("\ufeff")), &file); err != nil {
		return nil, codeforge.InvalidField("package-lock.json", "is no lock: %v", err)
	}
	if file.Version < 2 {
		return nil, nil
	}
	if len(file.Packages) > 4*mostResolved {
		return nil, codeforge.InvalidField("package-lock.json", "has more than %d packages", 4*mostResolved)
	}
	l := &Lock{root: &manifest{}, packages: map[string]*Package{}}
	for place, e := range file.Packages {
		m := &manifest{
			Name: e.Name, Version: e.Version, Deps: e.Deps, Dev: e.Dev_, Optional: e.OptionalDeps, Peer: e.PeerDeps, PeerMeta: e.PeerMeta, Bundle: e.BundledByThis,
			Engines: e.Engines, Bin: e.Bin, OS: e.OS, CPU: e.CPU, Libc: e.Libc, HasScript: e.HasScript, Deprecated: e.Deprecated, Workspaces: e.Workspaces,
		}
		m.Dist.Integrity = e.Integrity
		if place == "" {
			l.root = m
			continue
		}
		if !validPlace(place) || e.Extraneous {
			continue
		}
		p := &Package{
			Place: place, Version: e.Version, Integrity: e.Integrity, manifest: m,
			Dev: e.Dev, Optional: e.Optional, DevOptional: e.DevOptional, Peer: e.Peer, InBundle: e.InBundle,
		}
		if m.Name == "" {
			m.Name = nameOf(place)
		}
		p.Name = m.Name
		if e.Link {
			if p.Link = strings.TrimPrefix(e.Resolved, "./"); !validPlace(p.Link) {
				continue
			}
		} else if inModules(place) && (!validName(p.Name) || e.Version == "") {
			continue
		}
		l.packages[place] = p
	}
	return l, nil
}

// nameOf is the name by which a place is found.
func nameOf(place string) string {
	if i := strings.LastIndex(place, "node_modules/"); i >= 0 {
		return place[i+len("node_modules/"):]
	}
	return place[strings.LastIndexByte(place, '/')+1:]
}

func inModules(place string) bool { return strings.Contains("/"+place, "/node_modules/") }

// validPlace reports whether a place lies in the project.
func validPlace(place string) bool {
	if place == "" || len(place) > 4096 || strings.HasPrefix(place, "/") || strings.ContainsAny(place, "\\\x00:") {
		return false
	}
	for part := range strings.SplitSeq(place, "/") {
		if part == "" || part == "." || part == ".." {
			return false
		}
	}
	return !inModules(place) || validName(nameOf(place))
}

// layOut puts the packages of a lock into a tree. nil has none.
func (l *Lock) layOut(root *node, workspaces []*node) {
	if l == nil {
		return
	}
	at := map[string]*node{"": root}
	for _, w := range workspaces {
		at[w.folder] = w
		(&node{name: w.name, link: w}).moveInto(root)
	}
	places := slices.Collect(maps.Keys(l.packages))
	slices.SortFunc(places, func(a, b string) int {
		if d := strings.Count("/"+a, "/node_modules/") - strings.Count("/"+b, "/node_modules/"); d != 0 {
			return d
		}
		return strings.Compare(a, b)
	})
	var links []*Package
	for _, place := range places {
		p := l.packages[place]
		parent := at[above(place)]
		switch {
		case !inModules(place) || parent == nil:
		case p.Link != "":
			links = append(links, p)
		case parent.children[nameOf(place)] == nil:
			n := &node{name: nameOf(place), manifest: p.manifest, bundled: p.InBundle}
			n.addEdges(false)
			n.moveInto(parent)
			at[place] = n
		}
	}
	for _, p := range links {
		parent, to := at[above(p.Place)], at[p.Link]
		if parent != nil && to != nil && to != root && parent.children[nameOf(p.Place)] == nil {
			(&node{name: nameOf(p.Place), link: to}).moveInto(parent)
		}
	}
}

// lockOf is the lock of a tree. Packages that nothing needs are not in it.
func lockOf(t *tree) *Lock {
	l := &Lock{root: t.root.manifest, packages: map[string]*Package{}}
	var walk func(n *node)
	walk = func(n *node) {
		if n != t.root && n.extraneous && n.within == nil {
			return
		}
		if n != t.root {
			p := &Package{Place: n.place(), Name: n.packageName(), Version: n.version(), manifest: n.manifest,
				Dev: n.dev, Optional: n.optional, DevOptional: n.devOptional, Peer: n.peer}
			if n.link != nil {
				p.Link, p.manifest, p.Dev, p.Optional, p.DevOptional, p.Peer = n.link.place(), n.link.manifest, false, false, false, false
			} else if n.within == nil {
				p.Integrity = integrityOf(n.manifest)
				p.InBundle = n.bundled
			}
			l.packages[p.Place] = p
		}
		for _, c := range n.sortedChildren() {
			walk(c)
		}
	}
	walk(t.root)
	for _, list := range t.nodes {
		for _, n := range list {
			if n.isWorkspace() {
				walk(n)
			}
		}
	}
	return l
}

// Bytes is the lock as a package-lock.json. The same tree gives the same bytes.
func (l *Lock) Bytes() []byte {
	var b bytes.Buffer
	b.WriteString("{\n")
	if l.root.Name != "" {
		fmt.Fprintf(&b, "  \"name\": %s,\n", quoted(l.root.Name))
	}
	if l.root.Version != "" {
		fmt.Fprintf(&b, "  \"version\": %s,\n", quoted(l.root.Version))
	}
	b.WriteString("  \"lockfileVersion\": 3,\n  \"requires\": true,\n  \"packages\": {\n")
	writeEntry(&b, "", rootEntry(l.root), len(l.packages) == 0)
	places := l.Places()
	for i, place := range places {
		writeEntry(&b, place, l.packages[place].entry(), i == len(places)-1)
	}
	b.WriteString("  }\n}\n")
	return b.Bytes()
}

func writeEntry(b *bytes.Buffer, place string, e entry, last bool) {
	var text, indented bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(e); err != nil {
		return // of maps and texts that were JSON before
	}
	if err := json.Indent(&indented, bytes.TrimSpace(text.Bytes()), "    ", "  "); err != nil {
		return
	}
	fmt.Fprintf(b, "    %s: %s", quoted(place), indented.Bytes())
	if !last {
		b.WriteByte(',')
	}
	b.WriteByte('\n')
}

func rootEntry(m *manifest) entry {
	e := manifestEntry(m)
	e.Name = m.Name
	e.Dev_ = m.Dev.sorted()
	return e
}

func manifestEntry(m *manifest) entry {
	e := entry{
		Version: m.Version, Deps: m.Deps.sorted(), OptionalDeps: m.Optional.sorted(), PeerDeps: m.Peer.sorted(), PeerMeta: filled(m.PeerMeta),
		Engines: filled(m.Engines), Bin: m.bins(m.Name), OS: m.OS, CPU: m.CPU, Libc: m.Libc, HasScript: m.runsAtInstall(), Workspaces: m.Workspaces,
	}
	if m.deprecated() {
		e.Deprecated = m.Deprecated
	}
	if list := m.bundles(); len(list) > 0 {
		e.BundledByThis = m.Bundle
		if len(e.BundledByThis) == 0 {
			e.BundledByThis = m.Bundled
		}
	}
	for _, d := range e.OptionalDeps { // registries list them twice
		e.Deps = slices.DeleteFunc(e.Deps, func(o dependency) bool { return o.name == d.name })
	}
	return e
}

// filled is a value without those that say nothing.
func filled(raw json.RawMessage) json.RawMessage {
	switch string(bytes.TrimSpace(raw)) {
	case "{}", "[]", `""`, "null", "false":
		return nil
	}
	return raw
}

func (p *Package) entry() entry {
	if p.Link != "" {
		return entry{Resolved: p.Link, Link: true}
	}
	e := manifestEntry(p.manifest)
	if !inModules(p.Place) {
		e.Dev_ = p.manifest.Dev.sorted()
	}
	if p.Name != nameOf(p.Place) {
		e.Name = p.Name
	}
	e.Integrity, e.Dev, e.Optional, e.DevOptional, e.Peer, e.InBundle = p.Integrity, p.Dev, p.Optional, p.DevOptional, p.Peer, p.InBundle
	return e
}
