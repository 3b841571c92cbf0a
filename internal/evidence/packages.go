package evidence

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"maps"
	"os"
	"path"
	"regexp"
	"slices"
	"strings"
	"sync"

	"codeforge/internal/npm"
	"codeforge/internal/verify"
)

// packages are those of a resolved tree, for who looks at it: a child, which a stranger's code may have taken over, gets files of them
// and nothing else. A package whose files are read is fetched with all that it needs, so that one with a hundred others costs one wait. Who only
// asks what is in it, as of an import in the settings of a tool, gets it alone; and so comes what needs more than a program is made of.
type packages struct {
	*packageTree
	ctx   context.Context // of the look
	found []verify.Diagnostic

	mu       sync.Mutex
	parts    []*npm.Packages // that were fetched
	tried    map[string]bool // places that were asked for
	whole    map[string]bool // places whose needs were asked for too
	failed   map[string]npm.Problem
	problems []npm.Problem
	bytes    int64
	err      error // why nothing more can be
	left     error // why some that were asked for were left out
	limits   fetchLimits
}

// fetchLimits bound what one look at a tree fetches.
type fetchLimits struct {
	packages int
	ahead    int // packages until which one comes with what it needs, before that is asked for
	bytes    int64
}

var defaultLimits = fetchLimits{packages: 1000, ahead: 500, bytes: 500 << 20}

func newPackages(ctx context.Context, t *packageTree, found []verify.Diagnostic, limits fetchLimits) *packages {
	return &packages{packageTree: t, ctx: ctx, found: found, tried: map[string]bool{}, whole: map[string]bool{}, failed: map[string]npm.Problem{}, limits: limits}
}

// Find implements [verify.Packages].
func (p *packages) Find(from, name string) (place string, ok bool) {
	for at := from; ; at = path.Dir(at) {
		if at == "." || at == "/" {
			at = ""
		}
		if at == "" || p.lock.Package(at) != nil {
			if place, ok := p.lock.Find(at, name); ok || at == "" {
				return place, ok
			}
		}
	}
}

// Why implements [verify.Packages].
func (p *packages) Why(_, name string) string {
	for _, d := range p.found { // it may be asked for, and not be had
		if slices.Contains(strings.Fields(d.Message), name) {
			return d.Message
		}
	}
	if near := p.client.Suggest(name, p.lock.Declared()...); near != "" && !strings.HasSuffix(near, "/"+name) { // no slip of the pen
		return near + " was likely meant"
	}
	return ""
}

// Version implements [verify.Packages].
func (p *packages) Version(place string) string {
	if l := p.lock.Package(place); l != nil {
		return l.Version
	}
	return ""
}

// Identity implements [compile.Identified]: the sum of a package's tarball.
func (p *packages) Identity(place string) string {
	if l := p.lock.Package(place); l != nil && inModules(place) && l.Link == "" {
		return l.Integrity
	}
	return ""
}

// List implements [verify.Packages].
func (p *packages) List(place string) (names []string, err error) {
	part, err := p.holder(place, false)
	if err != nil {
		return nil, err
	}
	folder, _ := part.Folder(place)
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
	part, err := p.holder(place, path.Base(name) != manifestName)
	if err != nil {
		return nil, err
	}
	return part.ReadFile(place, name)
}

// prefetch brings what the sources of a tree name, at once, before anybody asks.
func (p *packages) prefetch(places []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fetchWhole(places...)
}

// mentioned are the places that the sources of a tree name: each quoted text that is the name of a package, or of a path in one, from
// where it stands. That is more than they import, by little. Declarations, references to types and what a tsconfig names are left to those who check
// types: they need the declarations of a package, and nothing that it runs on.
func (p *packages) mentioned(files map[string]string) []string {
	found := map[string]bool{}
	note := func(dir, name string) {
		if place, ok := p.Find(dir, name); ok && inModules(place) {
			found[place] = true
		}
	}
	for name, text := range files {
		kind := sourceKind(name)
		if kind == "" {
			continue
		}
		dir, seen := path.Dir(name), map[string]bool{}
		if kind == "settings" {
			text = strings.Join(jsxSource.FindAllString(text, -1), "\n")
		}
		for spec := range quoted(typeReference.ReplaceAllString(text, "")) {
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
	return slices.Sorted(maps.Keys(found))
}

var (
	typeReference = regexp.MustCompile(`(?m)^\s*///\s*<reference\s.*$`)
	jsxSource     = regexp.MustCompile(`"jsxImportSource"\s*:\s*"[^"\n]*"`)
)

// compilers are packages that a kind of source needs without naming them.
var compilers = map[string][]string{
	".tsx": {"react"}, ".jsx": {"react"}, ".vue": {"vue", "@vue/compiler-sfc"}, ".svelte": {"svelte"},
}

// sourceKind is the ending of a file that can name packages that are part of the program; "": it does not.
func sourceKind(p string) string {
	base := path.Base(p)
	if isDeclaration(base) {
		return ""
	}
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

func isDeclaration(base string) bool {
	stem := strings.TrimSuffix(base, path.Ext(base))
	switch path.Ext(base) {
	case ".ts":
		return strings.HasSuffix(stem, ".d") || strings.Contains(stem, ".d.") // a.d.ts, a.d.css.ts
	case ".mts", ".cts":
		return strings.HasSuffix(stem, ".d")
	}
	return false
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

var errNoPackage = errors.New("there is no such package")

// holder is what holds a package, which is fetched if it is not there yet; whole: with what it needs.
func (p *packages) holder(place string, whole bool) (*npm.Packages, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lock.Package(place) == nil || !inModules(place) {
		return nil, errNoPackage
	}
	switch {
	case whole && !p.whole[place]:
		p.fetchWhole(place)
	case !p.tried[place]:
		p.fetch(p.alone(place))
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
	switch {
	case p.tried[place] || p.ctx.Err() != nil:
		return nil, fmt.Errorf("%s cannot be had", p.lock.Package(place).Name)
	case p.bytes > p.limits.bytes:
		p.left = fmt.Errorf("the packages take more than %d MB", p.limits.bytes>>20)
	default:
		p.left = fmt.Errorf("more than %d packages are needed", p.limits.packages)
	}
	return nil, p.left
}

// fetchWhole brings packages, each with all that it needs as long as that is no more than may come before it is asked for. Who needs little
// comes first, so that one who needs much leaves nobody out.
func (p *packages) fetchWhole(places ...string) {
	needs := map[string][]string{}
	for _, place := range places {
		needs[place] = slices.DeleteFunc(p.lock.Reach(place), func(needed string) bool { return !p.isFetched(needed) })
		p.whole[place] = true
	}
	places = slices.SortedFunc(maps.Keys(needs), func(a, b string) int { return cmp.Or(len(needs[a])-len(needs[b]), strings.Compare(a, b)) })
	wanted := map[string]bool{}
	for _, place := range places {
		more := slices.DeleteFunc(needs[place], func(needed string) bool { return p.tried[needed] || wanted[needed] })
		fits := len(p.tried)+len(wanted)+len(more) <= p.limits.ahead
		if !fits {
			more = p.alone(place)
		}
		for _, needed := range more {
			wanted[needed] = true
			p.whole[needed] = p.whole[needed] || fits
		}
	}
	p.fetch(slices.Sorted(maps.Keys(wanted)))
}

// isFetched reports whether there is anything to fetch for a place: it is no folder of the project, and not made for some machines only.
func (p *packages) isFetched(place string) bool {
	l := p.lock.Package(place)
	return l != nil && inModules(place) && l.Link == "" && !l.Native()
}

// alone are a place and those that come within its package.
func (p *packages) alone(place string) []string {
	return slices.DeleteFunc(p.lock.Reach(place), func(other string) bool {
		return other != place && !(p.lock.Package(other).InBundle && strings.HasPrefix(other, place+"/"))
	})
}

// fetch brings those of these places that were not asked for before, up to the bounds.
func (p *packages) fetch(places []string) {
	wanted := slices.DeleteFunc(places, func(place string) bool { return p.tried[place] })
	wanted = wanted[:min(len(wanted), p.limits.packages-len(p.tried))]
	if len(wanted) == 0 || p.err != nil || p.bytes > p.limits.bytes {
		return
	}
	got, problems, err := p.client.Fetch(p.ctx, p.lock, wanted)
	if p.ctx.Err() != nil {
		return // nobody waits for it
	}
	for _, place := range wanted {
		p.tried[place] = true
	}
	if err != nil {
		p.err = errors.New(publicWords(err))
		return
	}
	p.parts = append(p.parts, got)
	p.bytes += got.Bytes
	p.problems = append(p.problems, problems...)
	for _, problem := range problems {
		for _, place := range wanted {
			if l := p.lock.Package(place); !problem.Warning && l.Name == problem.Package && l.Version == problem.Want {
				p.failed[place] = problem
			}
		}
	}
}

// findings are what was wrong with packages that were asked for, as the first manifest's, and why some could not be had where they are not
// to blame; none: not even one can.
func (p *packages) findings(of *resolution) (found []verify.Diagnostic, lacks string, none bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, lacks = of.findings(p.problems)
	if p.err != nil {
		lacks = p.err.Error()
	}
	none = lacks != ""
	if lacks == "" && p.left != nil {
		lacks = p.left.Error()
	}
	slices.SortStableFunc(found, func(a, b verify.Diagnostic) int { return strings.Compare(a.Message, b.Message) })
	return found, lacks, none
}
