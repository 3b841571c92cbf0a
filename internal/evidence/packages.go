package evidence

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"

	"codeforge/internal/npm"
	"codeforge/internal/verify"
)

// packages gives the packages of one resolved tree to those who look at it. What is asked for first is fetched with all that it
// needs, so that a package with a hundred others costs one wait; what nobody asks for is never fetched. Whoever asks may be a child
// that a stranger's code has taken over: it gets files of packages of this tree, and nothing else.
type packages struct {
	ctx    context.Context
	client *npm.Client
	lock   *npm.Lock

	mu     sync.Mutex
	parts  []*npm.Packages
	tried  map[string]bool        // places that were asked for
	failed map[string]npm.Problem // of places
	told   []npm.Problem
	bytes  int64
	err    error // of fetching as a whole
}

// Bounds on what one look at a tree fetches.
const (
	mostPackages = 1000
	mostBytes    = 500 << 20
)

func newPackages(ctx context.Context, r *resolution) *packages {
	return &packages{ctx: ctx, client: r.client, lock: r.lock, tried: map[string]bool{}, failed: map[string]npm.Problem{}}
}

// Find returns where a package lies that is called by name from a place, which is another package's or a folder of the project.
func (p *packages) Find(from, name string) (place string, ok bool) {
	return p.lock.Find(p.nearest(from), name)
}

// nearest is the package or workspace that a place lies in; "": the project.
func (p *packages) nearest(from string) string {
	for at := strings.Trim(from, "/"); at != "" && at != "."; at = path.Dir(at) {
		if p.lock.Package(at) != nil {
			return at
		}
	}
	return ""
}

// Version returns the version of the package at a place.
func (p *packages) Version(place string) string {
	if l := p.lock.Package(place); l != nil {
		return l.Version
	}
	return ""
}

// List returns the paths of the files of a package.
func (p *packages) List(place string) (names []string, err error) {
	at, err := p.at(place)
	if err != nil {
		return nil, err
	}
	folder, _ := at.Folder(place)
	err = fs.WalkDir(os.DirFS(folder), ".", func(name string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, name)
		}
		return err
	})
	return names, err
}

// Read returns a file of a package.
func (p *packages) Read(place, name string) ([]byte, error) {
	at, err := p.at(place)
	if err != nil {
		return nil, err
	}
	return at.ReadFile(place, name)
}

// at is what holds a package, which is fetched if it is not there yet.
func (p *packages) at(place string) (*npm.Packages, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lock.Package(place) == nil {
		return nil, &fs.PathError{Op: "open", Path: place, Err: fs.ErrNotExist}
	}
	if !p.tried[place] {
		p.fetch(place)
	}
	for _, part := range p.parts {
		if _, ok := part.Folder(place); ok {
			return part, nil
		}
	}
	if problem, ok := p.failed[place]; ok {
		return nil, &problem
	}
	if p.err != nil {
		return nil, p.err
	}
	return nil, fmt.Errorf("%s cannot be had", place)
}

// prefetch brings packages before they are asked for.
func (p *packages) prefetch(places []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetch(places...)
}

// fetch brings packages, with all that they need, that were not asked for before.
func (p *packages) fetch(places ...string) {
	var wanted []string
	for _, place := range p.lock.Reach(places...) {
		if !p.tried[place] {
			wanted = append(wanted, place)
		}
	}
	if len(p.tried)+len(wanted) > mostPackages {
		p.err = fmt.Errorf("more than %d packages are needed", mostPackages)
		return
	}
	for _, place := range wanted {
		p.tried[place] = true
	}
	if len(wanted) == 0 || p.err != nil {
		return
	}
	got, problems, err := p.client.Fetch(p.ctx, p.lock, wanted)
	if err != nil {
		p.err = err
		return
	}
	p.parts = append(p.parts, got)
	if p.bytes += got.Bytes; p.bytes > mostBytes {
		p.err = fmt.Errorf("the packages take more than %d MB", mostBytes>>20)
	}
	for _, problem := range problems {
		p.told = append(p.told, problem)
		if problem.Warning {
			continue
		}
		for _, place := range wanted {
			if l := p.lock.Package(place); l.Name == problem.Package && l.Version == problem.Want {
				p.failed[place] = problem
			}
		}
	}
}

// findings are what was wrong with packages that were asked for, and why they could not be had where that is no fault of theirs.
func (p *packages) findings(r *resolution, manifests map[string][]byte) (found []verify.Diagnostic, lacks string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		lacks = publicWords(p.err)
	}
	var out resolution
	out.root = r.root
	out.take(p.told, manifests)
	slices.SortFunc(out.found, func(a, b verify.Diagnostic) int { return strings.Compare(a.Message, b.Message) })
	if out.lacks != "" {
		lacks = out.lacks
	}
	return out.found, lacks
}

// mentioned are the places of the packages that the sources of a tree name: every quoted text that is the name of one, or a path in
// one, from where it stands. That is more than they import, by little.
func (p *packages) mentioned(root string, files map[string]string) []string {
	found := map[string]bool{}
	note := func(from, name string) {
		if place, ok := p.lock.Find(from, name); ok {
			found[place] = true
		}
	}
	for name, text := range files {
		kind := sourceKind(name)
		if kind == "" {
			continue
		}
		from := p.nearest(below(root, path.Dir(name)))
		for spec := range quoted(text) {
			if pkg := packageOf(spec); pkg != "" {
				note(from, pkg)
			}
		}
		for _, needed := range compilers[kind] {
			note(from, needed)
		}
		if kind == ".css" && strings.Contains(text, "@tailwind") {
			note(from, "tailwindcss")
		}
	}
	var out []string
	for place := range found {
		out = append(out, place)
	}
	slices.Sort(out)
	return out
}

// below is a folder of the tree as seen from root.
func below(root, dir string) string {
	if root == "." {
		return dir
	}
	return strings.TrimPrefix(strings.TrimPrefix(dir, root), "/")
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
		return "tsconfig" // jsxImportSource
	}
	return ""
}

const longestName = 214 // of a package

// quoted yields the short texts between quotes that stand in one line.
func quoted(text string) func(yield func(string) bool) {
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
	if spec[0] == '.' || spec[0] == '/' || strings.ContainsAny(spec, " :\t<>{}()") {
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
