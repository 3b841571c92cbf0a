package evidence

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"codeforge/internal/npm"
	"codeforge/internal/verify"
)

// packages are those of a resolved tree, for who looks at it: a child, which a stranger's code may have taken over, gets files of them
// and nothing else. Fetched is what is asked for, with all that it needs, so that a package with a hundred others costs one wait; what nobody
// asks for never is.
type packages struct {
	ctx   context.Context // of the look
	parts []*part         // the deepest root first

	mu    sync.Mutex
	count int // of what was fetched
	bytes int64
	err   error // why nothing more can be
}

// part is the packages of one resolution.
type part struct {
	*resolution
	of      *packages
	at      []*npm.Packages
	tried   map[string]bool // places that were asked for
	failed  map[string]npm.Problem
	problem []npm.Problem
}

// Bounds on what one look at a tree fetches.
const (
	mostPackages = 1000
	mostBytes    = 500 << 20
)

// packagesOf are the packages of resolutions; nil: none of them came to any.
func packagesOf(ctx context.Context, all []*resolution) *packages {
	p := &packages{ctx: ctx}
	for _, r := range all {
		if r.lock != nil {
			p.parts = append(p.parts, &part{resolution: r, of: p, tried: map[string]bool{}, failed: map[string]npm.Problem{}})
		}
	}
	if len(p.parts) == 0 {
		return nil
	}
	slices.Reverse(p.parts)
	return p
}

// split finds whose a place or a folder of the tree is, and what it is called there.
func (p *packages) split(place string) (*part, string) {
	for _, part := range p.parts {
		if place == part.root || part.root == "." {
			return part, strings.TrimPrefix(place, ".")
		}
		if at := below(part.root, place); at != "" {
			return part, at
		}
	}
	return nil, ""
}

// Find implements [verify.Packages].
func (p *packages) Find(from, name string) (place string, ok bool) {
	for part, at := p.split(from); part != nil; part, at = p.above(part) {
		if place, ok := part.lock.Find(part.nearest(at), name); ok {
			return path.Join(part.root, place), true
		}
	}
	return "", false
}

// above is the part in whose folder another one lies.
func (p *packages) above(of *part) (*part, string) {
	if of.root == "." {
		return nil, ""
	}
	return p.split(path.Dir(of.root))
}

// nearest is the package or workspace that a place lies in; "": the project.
func (r *resolution) nearest(from string) string {
	for at := from; at != "" && at != "."; at = path.Dir(at) {
		if r.lock.Package(at) != nil {
			return at
		}
	}
	return ""
}

// Why implements [verify.Packages].
func (p *packages) Why(from, name string) string {
	part, _ := p.split(from)
	if part == nil {
		return ""
	}
	for _, d := range part.found { // it may be asked for, and not be had
		if strings.Contains(d.Message, name) {
			return d.Message
		}
	}
	if near := part.client.Suggest(name, part.lock.Declared()...); near != "" {
		return near + " was likely meant"
	}
	return ""
}

// Version implements [verify.Packages].
func (p *packages) Version(place string) string {
	part, at := p.split(place)
	if part == nil || part.lock.Package(at) == nil {
		return ""
	}
	return part.lock.Package(at).Version
}

// List implements [verify.Packages].
func (p *packages) List(place string) (names []string, err error) {
	folder, err := p.folder(place)
	if err != nil {
		return nil, err
	}
	err = fs.WalkDir(os.DirFS(folder), ".", func(name string, e fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return errors.New("its files cannot be listed")
		case e.IsDir() && e.Name() == "node_modules": // packages of their own
			return fs.SkipDir
		case !e.IsDir():
			names = append(names, name)
		}
		return nil
	})
	slices.Sort(names)
	return names, err
}

// Read implements [verify.Packages].
func (p *packages) Read(place, name string) ([]byte, error) {
	part, at := p.split(place)
	if part == nil {
		return nil, errNoPackage
	}
	holder, err := part.holder(at)
	if err != nil {
		return nil, err
	}
	return holder.ReadFile(at, name)
}

var errNoPackage = errors.New("there is no such package")

// folder is where the files of a package lie.
func (p *packages) folder(place string) (string, error) {
	part, at := p.split(place)
	if part == nil {
		return "", errNoPackage
	}
	holder, err := part.holder(at)
	if err != nil {
		return "", err
	}
	folder, _ := holder.Folder(at)
	return folder, nil
}

// prefetch brings what the sources of a tree name, at once, before anybody asks.
func (p *packages) prefetch(wanted map[*part][]string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.parts {
		part.fetch(wanted[part]...)
	}
}

// mentioned are the places that the sources of a tree name: each quoted text that is the name of a package, or of a path in one, from
// where it stands. That is more than they import, by little.
func (p *packages) mentioned(files map[string]string) map[*part][]string {
	found := map[*part]map[string]bool{}
	note := func(dir, name string) {
		for part, at := p.split(dir); part != nil; part, at = p.above(part) {
			if place, ok := part.lock.Find(part.nearest(at), name); ok {
				if found[part] == nil {
					found[part] = map[string]bool{}
				}
				found[part][place] = true
				return
			}
		}
	}
	for name, text := range files {
		kind := sourceKind(name)
		if kind == "" {
			continue
		}
		dir, seen := path.Dir(name), map[string]bool{}
		for spec := range quoted(text) {
			if pkg := packageOf(spec); pkg != "" && !seen[pkg] {
				seen[pkg] = true
				note(dir, pkg)
			}
		}
		for _, needed := range compilers[kind] {
			note(dir, needed)
		}
		if kind == ".css" && strings.Contains(text, "@tailwind") {
			note(dir, "tailwindcss")
		}
	}
	out := map[*part][]string{}
	for part, places := range found {
		out[part] = slices.Sorted(maps.Keys(places))
	}
	return out
}

// compilers are packages that a kind of source needs without naming them.
var compilers = map[string][]string{
	".tsx": {"react"}, ".jsx": {"react"}, ".vue": {"vue", "@vue/compiler-sfc"}, ".svelte": {"svelte"},
}

// sourceKind is the ending of a file that can name packages that are part of the program; "": it does not.
func sourceKind(p string) string {
	base := path.Base(p)
	switch ext := path.Ext(p); ext {
	case ".ts", ".tsx", ".mts", ".cts", ".js", ".jsx", ".mjs", ".cjs", ".vue", ".svelte", ".css", ".html", ".mdx":
		if strings.Contains(base, ".config.") && !strings.HasPrefix(base, "tailwind.") {
			return "" // of a tool that does not run here
		}
		return ext
	}
	if strings.HasPrefix(base, "tsconfig") || strings.HasPrefix(base, "jsconfig") {
		return "settings" // they name where JSX comes from
	}
	return ""
}

const longestName = 214 // of a package

// quoted yields the short texts between quotes that stand in one line.
func quoted(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			i := strings.IndexAny(text, `"'`)
			if i < 0 {
				return
			}
			quote := text[i]
			text = text[i+1:]
			window := text[:min(len(text), 2*longestName)]
			end := strings.IndexByte(window, quote)
			if end < 1 || strings.IndexByte(window[:end], '\n') >= 0 {
				continue
			}
			if !yield(window[:end]) {
				return
			}
		}
	}
}

// packageOf is the package that an import names; "": none.
func packageOf(spec string) string {
	if strings.IndexByte("./#", spec[0]) >= 0 || strings.ContainsAny(spec, " :;,\t<>{}()") {
		return ""
	}
	parts := strings.SplitN(spec, "/", 3)
	if spec[0] != '@' {
		return parts[0]
	}
	if len(parts) < 2 {
		return ""
	}
	return parts[0] + "/" + parts[1]
}

// holder is what holds a package, which is fetched if it is not there yet.
func (p *part) holder(place string) (*npm.Packages, error) {
	p.of.mu.Lock()
	defer p.of.mu.Unlock()
	if p.lock.Package(place) == nil {
		return nil, errNoPackage
	}
	if !p.tried[place] {
		p.fetch(place)
	}
	for _, at := range p.at {
		if _, ok := at.Folder(place); ok {
			return at, nil
		}
	}
	if problem, ok := p.failed[place]; ok {
		return nil, &problem
	}
	if p.of.err != nil {
		return nil, p.of.err
	}
	return nil, fmt.Errorf("%s cannot be had", p.lock.Package(place).Name)
}

// fetch brings packages with all that they need, of those what was not asked for before.
func (p *part) fetch(places ...string) {
	var wanted []string
	for _, place := range p.lock.Reach(places...) {
		if !p.tried[place] {
			wanted = append(wanted, place)
		}
	}
	if p.of.count+len(wanted) > mostPackages {
		p.of.err = fmt.Errorf("more than %d packages are needed", mostPackages)
	}
	if len(wanted) == 0 || p.of.err != nil {
		return
	}
	got, problems, err := p.client.Fetch(p.of.ctx, p.lock, wanted)
	if p.of.ctx.Err() != nil {
		return // nobody waits for it, and the next one may
	}
	for _, place := range wanted {
		p.tried[place] = true
	}
	p.of.count += len(wanted)
	if err != nil {
		p.of.err = errors.New(publicWords(err))
		return
	}
	p.at = append(p.at, got)
	if p.of.bytes += got.Bytes; p.of.bytes > mostBytes {
		p.of.err = fmt.Errorf("the packages take more than %d MB", mostBytes>>20)
	}
	p.problem = append(p.problem, problems...)
	for _, problem := range problems {
		for _, place := range wanted {
			if l := p.lock.Package(place); !problem.Warning && l.Name == problem.Package && l.Version == problem.Want {
				p.failed[place] = problem
			}
		}
	}
}

// findings are what was wrong with packages that were asked for, and why some could not be had where they are not to blame.
func (p *packages) findings() (found []verify.Diagnostic, lacks string) {
	if p == nil {
		return nil, ""
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		lacks = p.err.Error()
	}
	for _, part := range p.parts {
		more, why := part.resolution.findings(part.problem)
		if found = append(found, more...); why != "" {
			lacks = why
		}
	}
	slices.SortStableFunc(found, func(a, b verify.Diagnostic) int { return strings.Compare(a.Message, b.Message) })
	return found, lacks
}
