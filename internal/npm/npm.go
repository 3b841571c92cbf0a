// Package npm is npm without Node: it resolves what a package.json asks for as npm would, fetches packages from a registry
// into a cache, and never runs anything that comes with them.
//
// Resolve makes the tree of node_modules, as a Lock; Fetch brings the packages of a lock that somebody needs and says in
// which folder each lies. What goes wrong with a package is a Problem: a project has many packages, and one that cannot
// be had says nothing of the others.
package npm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"codeforge"
)

// Options are what a Client is told. Only Dir is needed: without a registry, packages are off.
type Options struct {
	Dir      string        // of the cache; several processes may share it
	Registry Registry      // where packages come from
	Bytes    int64         // that the cache may take; 0: 5 GB
	Allow    []string      // scopes (@acme) that the registry's tokens serve where users sign in
	SignedIn bool          // whether users are strangers, whom tokens of this machine must not serve otherwise
	Deny     []string      // packages nobody gets: name, @scope/*, name@range
	MinAge   time.Duration // how old a version must be before it is chosen
	Node     string        // the version of Node whose packages are preferred; "": DefaultNode
	Setting  string        // how to say what turns packages on; "": NPM_REGISTRY

	now   func() time.Time
	pause func(context.Context, time.Duration) error // between tries

	longestAnswer, longestResolve, longestFetch time.Duration // of one answer of the registry; of all for one project
}

// DefaultNode is old on purpose: what runs there runs in newer ones, and in browsers.
const DefaultNode = "20.20.2"

// Client resolves and fetches. It may be used by several goroutines.
type Client struct {
	opts     Options
	registry *registry
	metadata *metadata
	store    *store
	deny     []denied
}

// Open makes a Client. Nothing is asked of the registry yet.
func Open(opts Options) (*Client, error) {
	if opts.Dir == "" {
		return nil, errors.New("npm: no folder for the cache")
	}
	dir, err := filepath.Abs(opts.Dir)
	if err != nil {
		return nil, err
	}
	opts.Dir = dir
	opts.Bytes = cmp.Or(opts.Bytes, 5<<30)
	opts.Node = cmp.Or(opts.Node, DefaultNode)
	opts.Setting = cmp.Or(opts.Setting, "NPM_REGISTRY")
	opts.longestAnswer = cmp.Or(opts.longestAnswer, 90*time.Second)
	opts.longestResolve = cmp.Or(opts.longestResolve, 2*time.Minute)
	opts.longestFetch = cmp.Or(opts.longestFetch, 3*time.Minute)
	if opts.now == nil {
		opts.now = time.Now
	}
	if opts.pause == nil {
		opts.pause = pause
	}
	c := &Client{opts: opts}
	for _, text := range opts.Deny {
		d, err := parseDenied(text)
		if err != nil {
			return nil, err
		}
		c.deny = append(c.deny, d)
	}
	if c.registry, err = newRegistry(&c.opts); err != nil {
		return nil, err
	}
	c.metadata = &metadata{dir: filepath.Join(dir, "metadata"), registry: c.registry, now: opts.now}
	c.store = &store{dir: dir, limit: opts.Bytes, now: opts.now}
	return c, nil
}

// On reports whether packages can be had at all; if not, the text says what turns them on.
func (c *Client) On() (bool, string) {
	if c.registry.on() {
		return true, ""
	}
	return false, c.registry.offMessage()
}

// Ping sees whether the registry answers at all.
func (c *Client) Ping(ctx context.Context) error {
	if ok, message := c.On(); !ok {
		return errors.New(message)
	}
	res, free, _, err := c.registry.try(ctx, "", c.registry.base.JoinPath("-/ping"), nil)
	if a, ok := errors.AsType[*answerError](err); ok && a.status != 0 && a.status < 500 {
		return nil // not every registry knows this question
	}
	if err == nil {
		res.Body.Close()
		free()
	}
	return err
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// What can be wrong with a package.
const (
	Off              = "packages-off"      // no registry is set
	Unknown          = "unknown-package"   // the registry has none of this name
	NoVersion        = "no-version"        // and none that is asked for
	TooNew           = "too-new"           // only versions that are younger than NPM_MIN_AGE; as a warning: a locked one is
	Denied           = "denied-package"    // NPM_DENY, or a registry that refuses
	Unsupported      = "unsupported"       // git, files, addresses; what is for one kind of machine
	PeerConflict     = "peer-conflict"     // npm refuses such a project
	OverrideConflict = "override-conflict" // it is both asked for and overridden
	Unreachable      = "registry-failed"   // the registry does not answer, or not as one
	Corrupt          = "corrupt-package"   // what came is not what the lock or the registry says it is
	TooLarge         = "package-too-large" // beyond a bound
	Stale            = "registry-stale"    // a warning: the registry is away, and what is known of before was used
)

// Problem is what is wrong with one package, in words for the project's people.
type Problem struct {
	Code       string `json:"code"`
	Package    string `json:"package,omitempty"`
	Alias      string `json:"alias,omitempty"` // by which the project calls it
	Want       string `json:"want,omitempty"`
	From       string `json:"from,omitempty"` // the folder of the project, or package, that asks for it; "": the project itself
	Message    string `json:"message"`
	Suggestion string `json:"suggestion,omitempty"` // of an unknown package: the one that was likely meant
	Warning    bool   `json:"warning,omitempty"`
}

func (p *Problem) Error() string { return p.Message }

// Project is what Resolve reads.
type Project struct {
	Manifests map[string][]byte // each package.json by its path; "package.json" must be there
	Lock      []byte            // the lock to follow, ours or a package-lock.json; nil: none
}

// Resolve makes the tree that npm would make. A lock is followed as far as it fits; what package.json asks for besides is
// chosen. The error is of the project as a whole; a package that cannot be had is left out of the lock, and a Problem.
func (c *Client) Resolve(ctx context.Context, p Project) (*Lock, []Problem, error) {
	manifest, err := parseManifest(p.Manifests["package.json"])
	if err != nil {
		return nil, nil, codeforge.InvalidField("package.json", "is no JSON object: %v", err)
	}
	root := &node{manifest: manifest, name: manifest.Name}
	if root.rule, err = parseOverrides(manifest.OverrideTree, manifest); err != nil {
		return nil, nil, codeforge.InvalidField("package.json", "%v", err)
	}
	found, err := workspacesOf(manifest, p.Manifests)
	if err != nil {
		return nil, nil, codeforge.InvalidField("package.json", "%v", err)
	}
	newTree(root)
	var workspaces []*node
	for _, w := range found {
		n := &node{name: w.manifest.Name, manifest: w.manifest, folder: w.folder, within: root, rule: root.rule}
		n.addEdges(true)
		root.addEdge(workspaceEdge, w.manifest.Name, "file:"+w.folder)
		workspaces = append(workspaces, n)
	}
	root.addEdges(true)
	b := &builder{source: &choice{client: c}}
	for _, e := range root.out {
		if e.spec() != e.raw && e.kind != workspaceEdge {
			b.problems = append(b.problems, Problem{Code: OverrideConflict, Package: e.name, Want: e.raw,
				Message: fmt.Sprintf("the project asks for %s %s and overrides that with %s: npm refuses both at once", e.name, e.raw, short(e.spec()))})
		}
	}
	if len(p.Lock) > 0 {
		lock, err := ParseLock(p.Lock)
		if err != nil {
			return nil, nil, err
		}
		if lock == nil {
			b.problems = append(b.problems, Problem{Code: Unsupported, Warning: true,
				Message: "package-lock.json is of a version before 2 and was not followed: npm install brings it up to date"})
		}
		lock.layOut(root, workspaces)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.opts.longestResolve, errSlowResolve)
	defer cancel()
	choice := b.source.(*choice)
	choice.prefetch(ctx, root, workspaces)
	switch err := b.build(ctx, root, workspaces); {
	case errors.Is(err, errTooMany):
		return nil, nil, &codeforge.Error{Kind: codeforge.TooLarge, Message: fmt.Sprintf("The project needs more than %d packages", mostResolved)}
	case errors.Is(err, errTooDeep):
		return nil, nil, &codeforge.Error{Kind: codeforge.TooLarge, Message: fmt.Sprintf("The project's packages need each other in ever other versions: they would nest deeper than %d", deepestTree)}
	case errors.Is(err, errSlowResolve):
		return nil, nil, &codeforge.Error{Kind: codeforge.External, Message: fmt.Sprintf("Packages were not resolved within %s: the registry is slow", c.opts.longestResolve), Retryable: true}
	case err != nil:
		return nil, nil, err
	}
	lock, problems := b.finish()
	problems = append(problems, choice.warnings...)
	for _, place := range lock.Places() { // what a lock named
		if p := lock.packages[place]; p.Link == "" && inModules(place) && c.isDenied(p.Name, p.Version) {
			problems = append(problems, Problem{Code: Denied, Package: p.Name, Want: p.Version, Message: fmt.Sprintf("%s@%s is not to be had on this server (NPM_DENY)", p.Name, p.Version)})
		}
	}
	for i, p := range problems {
		if p.Code != Unknown {
			continue
		}
		if near := c.Suggest(p.Package, manifest.declared()...); near != "" {
			problems[i].Suggestion = near
			problems[i].Message += "; " + near + " was likely meant"
		}
	}
	return lock, problems, nil
}

var errSlowResolve = errors.New("resolving took too long")

// finish makes the lock of what was built. Packages that could not be had are not in it.
func (b *builder) finish() (*Lock, []Problem) {
	b.tree.flag()
	told := map[string]bool{}
	var failed []*node
	for _, list := range b.tree.nodes {
		for _, n := range list {
			if n.problem != nil {
				failed = append(failed, n)
			}
		}
	}
	slices.SortFunc(failed, func(a, b *node) int { return compareNames(a.place(), b.place()) })
	for _, n := range failed {
		if p := *n.problem; !n.optional && !told[p.Message+p.From] {
			told[p.Message+p.From] = true
			b.problems = append(b.problems, p)
		}
		n.removeFromTree()
	}
	return lockOf(b.tree), b.problems
}

// denied is a rule of NPM_DENY.
type denied struct {
	name, scope, want string
}

// CheckDeny says what is wrong with a list of packages that nobody gets.
func CheckDeny(list []string) error {
	for i, text := range list {
		if _, err := parseDenied(text); err != nil {
			return fmt.Errorf("entry %d is neither a package, nor a scope like @acme/*, nor a package with a range like name@<2", i+1)
		}
	}
	return nil
}

func parseDenied(text string) (denied, error) {
	text = strings.TrimSpace(text)
	if scope, ok := strings.CutSuffix(text, "/*"); ok && strings.HasPrefix(scope, "@") {
		return denied{scope: scope}, nil
	}
	d := denied{name: text, want: ""}
	if at := strings.LastIndexByte(text, '@'); at > 0 {
		d.name, d.want = text[:at], text[at+1:]
		if _, ok := constraints.get(d.want); !ok {
			return d, fmt.Errorf("%q: %q is no range of versions", text, d.want)
		}
	}
	if !validName(d.name) {
		if strings.HasPrefix(text, "@") && !strings.Contains(text, "/") {
			return denied{scope: text}, nil
		}
		return d, fmt.Errorf("%q is neither a package, nor a scope like @acme/*, nor a package with a range like name@<2", text)
	}
	return d, nil
}

// isDenied reports whether nobody gets this version of a package; without a version, whether nobody gets any.
func (c *Client) isDenied(name, version string) bool {
	for _, d := range c.deny {
		if d.scope != "" && strings.HasPrefix(name, d.scope+"/") || d.name == name && (d.want == "" || version != "" && (matches(version, d.want))) {
			return true
		}
	}
	return false
}

func short(s string) string {
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
