package types

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"codeforge/internal/verify"
)

// plan is what the compiler is to look at.
type plan struct {
	tree     verify.Tree
	paths    []string // of texts, sorted
	packages *packages
	projects []project
	owner    map[string]int // the project that a file is judged by
	settings []settings
	findings []finding // that need no compiler
	scripts  *scripts  // nil: there are none

	notes        []string
	typed        bool // there are types to check
	unpacked     bool // the project has packages, and none of them is here
	allUnchecked bool
}

// project is one run of the compiler.
type project struct {
	dir     string
	config  string // the path of the project's own settings; "": there are none
	options map[string]any
	roots   []string
	loose   bool
	globals bool // of all packages of @types are names in it
	names   bool // of what is said only undeclared names count
}

// name is the path of the settings that are written for the compiler.
func (p project) name(i int) string { return path.Join(p.dir, fmt.Sprintf(".tsconfig-%d.json", i)) }

// reason says what is worth knowing of a check.
func (p *plan) reason() string {
	return strings.Join(slices.DeleteFunc(append(slices.Clone(p.notes), noted(p.settings)), func(s string) bool { return s == "" }), ". ")
}

func (p *plan) note(format string, args ...any) {
	if text := fmt.Sprintf(format, args...); !slices.Contains(p.notes, text) && len(p.notes) < 10 {
		p.notes = append(p.notes, text)
	}
}

// plan finds the projects of a tree and brings the packages that their types need.
func (c *Checker) plan(ctx context.Context, tree verify.Tree) (*plan, error) {
	lock := tree.Lock
	if len(lock) == 0 {
		lock = []byte(tree.Files["package-lock.json"])
	}
	tree.Files = withWritten(tree.Files)
	p := &plan{tree: tree, paths: slices.Sorted(maps.Keys(tree.Files)), packages: newPackages(c.o.NPM, lock), owner: map[string]int{}}
	if p.unpacked = p.packages.lock == nil && hasDependencies(tree.Files); p.unpacked {
		if on, why := c.o.NPM.On(); !on {
			p.note("%s", why)
		}
	}
	reader := &configReader{files: tree.Files, read: p.packages.read, module: func(dir, spec string) (string, error) {
		name := packageOf(spec)
		place, ok := p.packages.find(dir, name)
		if !ok {
			return "", errNotHere
		}
		if isInstalled(place) {
			if err := p.packages.bring(ctx, []string{place}); err != nil {
				return "", err
			}
		}
		return path.Join(place, spec[len(name):]), nil
	}}
	configs := p.configs(reader)
	for _, config := range configs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		p.add(config)
	}
	if len(configs) == 0 && !hasConfig(p.paths) {
		p.addDefault()
	}
	if p.typed = len(p.projects) > 0; p.typed {
		p.noteComponents()
	}
	if p.scripts = p.scriptsOf(); p.scripts != nil {
		p.projects = append(p.projects, p.scripts.project())
	}
	if err := p.bringPackages(ctx, &c.uses); err != nil {
		return nil, err
	}
	return p, nil
}

// noteComponents names the kinds of components whose own types nobody checks: the compiler is told that they are components, and
// does not read them.
func (p *plan) noteComponents() {
	var kinds []string
	for _, file := range p.paths {
		if ext := path.Ext(file); (ext == ".vue" || ext == ".svelte" || ext == ".astro") && !isInstalled(file) && !slices.Contains(kinds, ext) {
			kinds = append(kinds, ext)
		}
	}
	if len(kinds) > 0 {
		slices.Sort(kinds)
		p.note("The code within %s files is not checked for types", strings.Join(kinds, " and "))
	}
}

func hasConfig(paths []string) bool {
	return slices.ContainsFunc(paths, func(p string) bool { return isConfig(p) && !isInstalled(p) })
}

func isConfig(p string) bool {
	base := path.Base(p)
	return strings.HasPrefix(base, "tsconfig") && strings.HasSuffix(base, ".json")
}

func hasDependencies(files map[string]string) bool {
	for p, text := range files {
		if path.Base(p) == "package.json" && !isInstalled(p) && strings.Contains(text, "ependencies\"") {
			return true
		}
	}
	return false
}

// written are declarations that tools of a project write before they check types, and that many keep out of their repository.
var written = []struct{ tool, file, text string }{
	{"react-scripts", "src/react-app-env.d.ts", "/// <reference types=\"react-scripts\" />\n"},
	{"next", "next-env.d.ts", "/// <reference types=\"next\" />\n/// <reference types=\"next/image-types/global\" />\n"},
}

// withWritten is a tree with what its tools write where that is not there.
func withWritten(files map[string]string) map[string]string {
	out := files
	for file, text := range files {
		if path.Base(file) != "package.json" || isInstalled(file) {
			continue
		}
		for _, w := range written {
			at := path.Join(path.Dir(file), w.file)
			if _, there := files[at]; there || !strings.Contains(text, `"`+w.tool+`"`) {
				continue
			}
			if len(out) == len(files) { // the first
				out = maps.Clone(files)
			}
			out[at] = w.text
		}
	}
	return out
}

// generated are folders and files that tools of a project write.
var generated = regexp.MustCompile(`(?:^|/)(?:\.nuxt|\.svelte-kit|\.astro|\.next|\.expo|\.wxt|\.output|\.react-router|\.vinxi|\.docusaurus|\.angular|node_modules)(?:/|$)`)

// configs reads the settings of the tree: each tsconfig.json, what it refers to, and in folders without one those that no
// other extends.
func (p *plan) configs(reader *configReader) (out []*config) {
	var queue []string
	others := map[string][]string{}
	for _, file := range p.paths {
		switch {
		case isInstalled(file) || !isConfig(file):
		case path.Base(file) == "tsconfig.json":
			queue = append(queue, file)
		default:
			others[path.Dir(file)] = append(others[path.Dir(file)], file)
		}
	}
	for dir, list := range others {
		if _, ok := p.tree.Files[path.Join(dir, "tsconfig.json")]; !ok {
			queue = append(queue, p.notExtended(list)...)
		}
	}
	slices.SortFunc(queue, func(a, b string) int {
		return cmp.Or(strings.Count(a, "/")-strings.Count(b, "/"), strings.Compare(a, b))
	})
	seen := map[string]bool{}
	for ; len(queue) > 0; queue = queue[1:] {
		file := queue[0]
		if seen[file] || len(out) >= mostProjects {
			continue
		}
		seen[file] = true
		c, err := reader.readConfig(file)
		if err != nil {
			p.refuse(file, err)
			continue
		}
		c.allowJS = c.allowsJS()
		out = append(out, c)
		queue = append(queue, c.references...)
	}
	return out
}

const mostProjects = 50

// refuse notes why settings cannot be used: an error where they are wrong, a note where what they need is not here.
func (p *plan) refuse(file string, err error) {
	e, ok := errors.AsType[*configError](err)
	if !ok {
		p.note("%v", err)
		return
	}
	spec := e.what[strings.Index(e.what, " ")+1:]
	relative := strings.HasPrefix(spec, `"./`) || strings.HasPrefix(spec, `"../`)
	if _, own := p.tree.Files[e.file]; own && (errors.Is(err, errBadSetting) || errors.Is(err, errNotHere) && relative && !generated.MatchString(strings.Trim(spec, `"`))) {
		p.findings = append(p.findings, finding{file: e.file, code: 5083, message: fmt.Sprintf("%s: %v", e.what, e.cause), project: -1})
		return
	}
	p.note("%s was not used: %s: %v", file, strings.ReplaceAll(e.what, `"`, "'"), e.cause)
}

// notExtended are those of several tsconfigs that no other of them extends.
func (p *plan) notExtended(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(file string) bool {
		return slices.ContainsFunc(list, func(other string) bool {
			return other != file && strings.Contains(p.tree.Files[other], path.Base(file))
		})
	})
}

func (c *config) allowsJS() bool {
	if allow, set := c.flag("allowJs"); set {
		return allow
	}
	check, _ := c.flag("checkJs")
	return check
}

// add makes a project of settings that include anything.
func (p *plan) add(c *config) {
	roots := c.roots(p.paths)
	if !slices.ContainsFunc(roots, func(f string) bool { return !isDeclaration(f) }) {
		return
	}
	dir := path.Dir(c.path)
	major := p.major(dir)
	s := translate(c, major, p.atTypes(dir))
	i := len(p.projects)
	for _, f := range roots {
		if old, ok := p.owner[f]; !ok || strings.Count(p.projects[old].dir, "/") < strings.Count(dir, "/") || p.projects[old].dir == "." && dir != "." {
			p.owner[f] = i
		}
	}
	p.settings = append(p.settings, s)
	p.projects = append(p.projects, project{dir: dir, config: c.path, options: s.options, roots: roots, loose: s.loose, globals: major < 6})
}

// addDefault makes one project of a tree without settings.
func (p *plan) addDefault() {
	var roots []string
	jsx := false
	for _, f := range p.paths {
		if isTypeScript(f) && !isInstalled(f) && !generated.MatchString(f) {
			roots = append(roots, f)
			jsx = jsx || path.Ext(f) == ".tsx"
			p.owner[f] = 0
		}
	}
	if !slices.ContainsFunc(roots, func(f string) bool { return !isDeclaration(f) }) {
		return
	}
	source := ""
	if jsx {
		source = "react"
		for _, name := range []string{"preact", "solid-js", "vue"} {
			if p.declares(name) && !p.declares("react") {
				source = name
			}
		}
	}
	options := defaults(source)
	if p.declares("vite") {
		options["types"] = []string{"vite/client"}
	}
	p.projects = append(p.projects, project{dir: ".", options: options, roots: roots})
}

// declares reports whether a package.json of the tree asks for a package.
func (p *plan) declares(name string) bool {
	for file, text := range p.tree.Files {
		if path.Base(file) == "package.json" && !isInstalled(file) {
			var m struct{ Dependencies, DevDependencies, PeerDependencies map[string]any }
			if json.Unmarshal([]byte(text), &m) == nil && (m.Dependencies[name] != nil || m.DevDependencies[name] != nil || m.PeerDependencies[name] != nil) {
				return true
			}
		}
	}
	return false
}

var firstNumber = regexp.MustCompile(`\d+`)

// major is the version of TypeScript that the project of a folder is written for, by its lock or else by what it asks
// for; without either, that of the compiler at hand.
func (p *plan) major(dir string) int {
	if place, ok := p.packages.find(dir, "typescript"); ok {
		if pkg := p.packages.lock.Package(place); pkg != nil {
			return firstOf(pkg.Version)
		}
	}
	for at := dir; ; at = path.Dir(at) {
		var m struct{ Dependencies, DevDependencies map[string]string }
		if json.Unmarshal([]byte(p.tree.Files[path.Join(at, "package.json")]), &m) == nil {
			if want := cmp.Or(m.DevDependencies["typescript"], m.Dependencies["typescript"]); want != "" {
				return firstOf(want)
			}
		}
		if at == "." {
			return 7
		}
	}
}

func firstOf(version string) int {
	n := 0
	if _, err := fmt.Sscan(firstNumber.FindString(version), &n); err != nil || n == 0 {
		return 7
	}
	return n
}

// atTypes are the packages of @types that a folder sees.
func (p *plan) atTypes(dir string) (names []string) {
	if p.packages.lock == nil {
		return nil
	}
	for _, place := range p.packages.lock.Places() {
		at, name, ok := strings.Cut(place, "node_modules/@types/")
		if !ok || strings.Contains(name, "/") || isInstalled(at) {
			continue
		}
		if at = strings.TrimSuffix(at, "/"); at == "" || dir == at || strings.HasPrefix(dir, at+"/") {
			names = append(names, name)
		}
	}
	return unique(names)
}

// bringPackages brings what sources and settings name.
func (p *plan) bringPackages(ctx context.Context, cache *useCache) error {
	if p.packages.lock == nil {
		return nil
	}
	var places []string
	for _, file := range p.paths {
		if !isSource(file) || isInstalled(file) {
			continue
		}
		dir := path.Dir(file)
		for spec := range namedModules(p.tree.Files[file]) {
			if name := packageOf(spec); name != "" {
				places = append(places, p.packages.with(dir, name)...)
			}
		}
	}
	for _, project := range p.projects {
		list, _ := project.options["types"].([]string)
		list = append(slices.Clone(list), p.jsxSource(project.options))
		for _, spec := range list {
			if name := packageOf(spec); name != "" {
				places = append(places, p.packages.with(project.dir, name)...)
			}
		}
	}
	return p.packages.reach(ctx, cache, places)
}

// jsxSource is the package that elements are made with.
func (p *plan) jsxSource(options map[string]any) string {
	source := "react"
	switch s := options["jsxImportSource"].(type) {
	case string:
		source = s
	case json.RawMessage:
		source = unquoted(s)
	}
	return source
}
