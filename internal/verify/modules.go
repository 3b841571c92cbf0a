package verify

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"sync"
	"unicode/utf8"
)

// modules finds and reads what lies in npm packages, each package and file once in a request.
type modules struct {
	packages Packages

	mu     sync.Mutex
	places map[[2]string]string // what Find said, by from and name; "": nothing
	known  map[string]*npmPackage
	files  map[string]*packageFile // by place and name
	bytes  int                     // read so far
}

// maxModuleBytes bounds what one request reads of packages.
const maxModuleBytes = 256 << 20

func newModules(p Packages) *modules {
	if _, off := p.(Off); p == nil || off {
		return nil
	}
	return &modules{packages: p, places: map[[2]string]string{}, known: map[string]*npmPackage{}, files: map[string]*packageFile{}}
}

// npmPackage is a package that is there.
type npmPackage struct {
	once      sync.Once
	place     string
	failed    error // why it cannot be had
	names     map[string]bool
	folders   map[string]bool
	manifest  *packageJSON
	manifests map[string]*packageJSON // of folders in it
	mu        sync.Mutex
}

type packageFile struct {
	once   sync.Once
	text   string
	failed error
}

// find is the place of a package that is called by a name.
func (m *modules) find(from, name string) (string, bool) {
	if from == "." {
		from = ""
	}
	key := [2]string{from, name}
	m.mu.Lock()
	place, known := m.places[key]
	m.mu.Unlock()
	if !known {
		if isPackageName(name) {
			place, _ = m.packages.Find(from, name)
		}
		m.mu.Lock()
		m.places[key] = place
		m.mu.Unlock()
	}
	return place, place != ""
}

// isPackageName reports whether a name can be one of a package: whatever else stands in an import was never published.
func isPackageName(name string) bool {
	scope, rest, scoped := strings.Cut(name, "/")
	if scoped != strings.HasPrefix(name, "@") || scoped && (scope == "@" || rest == "" || strings.Contains(rest, "/")) {
		return false
	}
	return name != "" && len(name) <= 214 && name[0] != '.' && name != "@" && !strings.ContainsAny(name, " \\:?#%!*()'\"<>|\x00~$,;=&") && utf8.ValidString(name)
}

// at is the package at a place.
func (m *modules) at(place string) *npmPackage {
	m.mu.Lock()
	p := m.known[place]
	if p == nil {
		p = &npmPackage{place: place, names: map[string]bool{}, folders: map[string]bool{".": true}, manifest: &packageJSON{}, manifests: map[string]*packageJSON{}}
		m.known[place] = p
	}
	m.mu.Unlock()
	p.once.Do(func() {
		list, err := m.packages.List(place)
		if err != nil {
			p.failed = err
			return
		}
		for _, name := range list {
			if _, ok := packagePath(name); !ok {
				continue
			}
			p.names[name] = true
			for dir := range ancestors(path.Dir(name)) {
				if p.folders[dir] {
					break
				}
				p.folders[dir] = true
			}
		}
		if text, err := m.read(place, "package.json"); err == nil {
			p.manifest = readPackageJSON([]byte(text))
		}
	})
	return p
}

// read reads a file of a package.
func (m *modules) read(place, name string) (string, error) {
	key := place + "/" + name
	m.mu.Lock()
	f := m.files[key]
	if f == nil {
		f = &packageFile{}
		m.files[key] = f
	}
	full := m.bytes > maxModuleBytes
	m.mu.Unlock()
	f.once.Do(func() {
		if full {
			f.failed = fmt.Errorf("the packages have more than %d MB", maxModuleBytes>>20)
			return
		}
		b, err := m.packages.Read(place, name)
		f.text, f.failed = string(b), err
		m.mu.Lock()
		m.bytes += len(b)
		m.mu.Unlock()
	})
	return f.text, f.failed
}

// module is what a name in an import leads to outside of the tree.
type module struct {
	place, name string // the package and its file
	builtin     string // of Node.js: there is nothing of it in a browser
	empty       bool   // a browser gets nothing in its place, on purpose
	inTree      string // a folder of the tree, for a package of the project itself
	problem     string // why there is none
	unknown     bool   // nobody has a package of that name
	unavailable bool   // it is in the lock, and cannot be had
	forNode     bool   // Node.js would find it
}

func (m module) path() string { return m.place + "/" + m.name }

// splitModulePath takes the path of a file in a package apart.
func splitModulePath(p string) (place, name string) {
	const mark = "node_modules/"
	at := strings.LastIndex(p, mark)
	if at < 0 {
		return "", p
	}
	parts := 1
	if strings.HasPrefix(p[at+len(mark):], "@") {
		parts = 2
	}
	end := at + len(mark)
	for ; parts > 0; parts-- {
		i := strings.IndexByte(p[end:], '/')
		if i < 0 {
			return p, ""
		}
		end += i + 1
	}
	return p[:end-1], p[end:]
}

// how is the manner of an import.
type how struct {
	conditions map[string]bool
	style      bool
	require    bool
	hops       int // from one package to another, by what browsers get in place of files
}

// maxHops bounds them: packages may lead to each other.
const maxHops = 16

var (
	byImport  = how{conditions: map[string]bool{"browser": true, "import": true, "module": true, "production": true}}
	byRequire = how{conditions: map[string]bool{"browser": true, "require": true, "module": true, "production": true}, require: true}
	byStyle   = how{conditions: map[string]bool{"browser": true, conditionStyle: true, conditionSass: true, "production": true}, style: true}
)

// nodeConditions are those of Node.js, whatever imports.
var nodeConditions = map[string]bool{"node": true, "import": true, "require": true, "module-sync": true}

// The order in which a path in a package is tried with endings, where it has none.
var (
	packageExtensions = []string{".js", ".mjs", ".cjs", ".json", ".ts", ".tsx", ".jsx", ".mts"}
	styleExtensions   = []string{".css"}
)

// fromTree finds what a bare name means to a file in a folder of the tree.
func (m *modules) fromTree(folder, spec string, by how) module {
	return m.bare(folder, spec, by)
}

// fromPackage finds what a name means to a file of a package.
func (m *modules) fromPackage(place, file, spec string, by how) module {
	p := m.at(place)
	switch {
	case spec == "" || len(spec) > maxSpecifier:
		return module{problem: "it names nothing"}
	case isRelative(spec):
		target := path.Join(path.Dir(file), spec)
		if spec == "." || spec == ".." || strings.HasSuffix(spec, "/") || strings.HasSuffix(spec, "/.") || strings.HasSuffix(spec, "/..") {
			target += "/"
		}
		return m.file(p, target, by)
	case spec[0] == '/':
		return module{problem: "it names no file of the package"}
	case spec[0] == '#':
		target, ok := p.manifest.imports.find(spec, by.conditions)
		switch {
		case !ok:
			return module{problem: "package.json of the package lists no such import"}
		case isRelative(target):
			return m.exact(p, target, by)
		}
		spec = target
	case by.style:
		if name, ok := packagePath(path.Join(path.Dir(file), spec)); ok && p.names[name] { // as a browser reads a style sheet
			return module{place: place, name: name}
		}
		spec = strings.TrimPrefix(spec, "~")
	default:
		if to, ok := p.manifest.browser[spec]; ok {
			if to == "" {
				return module{empty: true}
			}
			if isRelative(to) {
				return m.file(p, to, by)
			}
			spec = to
		}
	}
	return m.bare(place, spec, by)
}

// bare finds what a name means that is no path: a package, or a file in one.
func (m *modules) bare(from, spec string, by how) module {
	name := packageOf(spec)
	sub := "." + spec[len(name):]
	if scheme, builtin, ok := strings.Cut(spec, ":"); ok && scheme == "node" {
		return module{builtin: builtin}
	}
	place, ok := m.find(from, name)
	if own := m.own(from); !ok && own != nil && own.manifest.Name == name && !own.manifest.exports.isEmpty() {
		place, ok = own.place, true
	}
	if !ok {
		if base, _, _ := strings.Cut(spec, "/"); builtins[base] {
			return module{builtin: spec}
		}
		return module{unknown: true, problem: m.packages.Why(from, name)}
	}
	if !isInModules(place) {
		return module{inTree: place}
	}
	p := m.at(place)
	if p.failed != nil {
		return module{unavailable: true, problem: p.failed.Error()}
	}
	if !p.manifest.exports.isEmpty() {
		target, ok := p.manifest.exports.find(sub, by.conditions)
		if ok {
			return m.exact(p, target, by)
		}
		if by.style { // what stands in no table is named by its path all the same
			if found := m.file(p, sub, by); found.problem == "" && sub != "." {
				return found
			}
		}
		_, forNode := p.manifest.exports.find(sub, nodeConditions)
		return module{problem: fmt.Sprintf("%s %s does not export %q", name, m.packages.Version(place), sub), forNode: forNode}
	}
	if sub != "." {
		return m.file(p, sub, by)
	}
	return m.main(p, "", p.manifest, by)
}

// own is the package that a place is of.
func (m *modules) own(from string) *npmPackage {
	if !isInModules(from) {
		return nil
	}
	return m.at(from)
}

// isInModules reports whether a place is one of an installed package.
func isInModules(place string) bool {
	return strings.HasPrefix(place, "node_modules/") || strings.Contains(place, "/node_modules/")
}

// exact finds a file that a table names.
func (m *modules) exact(p *npmPackage, target string, by how) module {
	if found := m.file(p, target, by); found.problem == "" {
		return found
	}
	return module{problem: fmt.Sprintf("package.json of %s names %q, which is not in it", nameOfPlace(p.place), target)}
}

// file finds a path of a package: as it is, with an ending, as a folder. What a browser gets in its place comes first.
func (m *modules) file(p *npmPackage, target string, by how) module {
	target, folder := strings.CutSuffix(target, "/")
	target = path.Clean(target)
	if target == "." {
		return m.main(p, "", p.manifest, by)
	}
	clean, ok := packagePath(target)
	if !ok {
		return module{problem: "it leads out of the package"}
	}
	extensions := packageExtensions
	if by.style {
		extensions = styleExtensions
	}
	if !folder {
		for _, name := range append([]string{clean}, withEndings(clean, extensions)...) {
			if !p.names[name] {
				continue
			}
			if to, ok := p.replaced(clean, name); ok {
				if to == "" {
					return module{empty: true}
				}
				if !isRelative(to) {
					if by.hops++; by.hops > maxHops {
						return module{problem: "packages lead to each other in a ring"}
					}
					return m.bare(p.place, to, by)
				}
				if q, ok := packagePath(to); ok && p.names[q] {
					name = q
				}
			}
			return module{place: p.place, name: name}
		}
		if to, ok := p.replaced(clean, clean); ok && to == "" {
			return module{empty: true}
		}
	}
	if p.folders[clean] {
		inner := p.manifestIn(m, clean)
		if found := m.main(p, clean, inner, by); found.problem == "" {
			return found
		}
	}
	return module{problem: fmt.Sprintf("%s has no file %q", nameOfPlace(p.place), clean)}
}

func withEndings(p string, endings []string) (list []string) {
	for _, e := range endings {
		list = append(list, p+e)
	}
	if ext := path.Ext(p); compiledFrom[ext] != nil { // packages of sources name what those compile to
		for _, e := range compiledFrom[ext] {
			list = append(list, strings.TrimSuffix(p, ext)+e)
		}
	}
	return list
}

// replaced is what the table for browsers has in place of a file, which it may name with an ending or without.
func (p *npmPackage) replaced(asked, name string) (string, bool) {
	if len(p.manifest.browser) == 0 {
		return "", false
	}
	for _, key := range unique(name, asked, strings.TrimSuffix(name, path.Ext(name)), strings.TrimSuffix(name, "/index.js")) {
		for _, k := range []string{"./" + key, key} {
			if to, ok := p.manifest.browser[k]; ok {
				return to, true
			}
		}
	}
	return "", false
}

// manifestIn is the package.json of a folder of a package.
func (p *npmPackage) manifestIn(m *modules, dir string) *packageJSON {
	p.mu.Lock()
	defer p.mu.Unlock()
	inner := p.manifests[dir]
	if inner == nil {
		inner = &packageJSON{}
		if name := dir + "/package.json"; p.names[name] {
			if text, err := m.read(p.place, name); err == nil {
				inner = readPackageJSON([]byte(text))
			}
		}
		p.manifests[dir] = inner
	}
	return inner
}

// main finds the file that stands for a folder of a package, or for all of it.
func (m *modules) main(p *npmPackage, dir string, of *packageJSON, by how) module {
	fields := []string{of.browserMain, of.Module, of.ESM, of.Main}
	if of.browserMain != "" && of.Module != "" && !m.isModule(p, path.Join(dir, of.browserMain)) {
		fields = []string{of.Module, of.browserMain} // one file for pages without a bundler, another for bundlers
	}
	if by.style {
		fields = []string{of.Style, of.Main}
	}
	for _, field := range append(fields, "index") {
		if field == "" {
			continue
		}
		target := path.Join(dir, field)
		if path.Clean(target) == path.Clean("./"+dir) {
			target = path.Join(dir, "index")
		}
		if by.style && field == of.Main && path.Ext(field) != ".css" {
			continue
		}
		found := m.mainFile(p, target, by)
		if found.problem == "" {
			return found
		}
	}
	if !by.style && len(p.names) > 0 && dir == "" && strings.HasPrefix(nameOfPlace(p.place), "@types/") {
		return module{problem: "it holds types alone"}
	}
	return module{problem: fmt.Sprintf("%s has no main file", nameOfPlace(p.place))}
}

// mainFile is a file, or the index of a folder.
func (m *modules) mainFile(p *npmPackage, target string, by how) module {
	clean, ok := packagePath(target)
	if !ok {
		return module{problem: "it leads out of the package"}
	}
	extensions := packageExtensions
	if by.style {
		extensions = styleExtensions
	}
	for _, base := range []string{clean, clean + "/index"} {
		for _, name := range append([]string{base}, withEndings(base, extensions)...) {
			if p.names[name] && (!by.style || path.Ext(name) == ".css") {
				if to, ok := p.replaced(base, name); ok {
					if to == "" {
						return module{empty: true}
					}
					if q, ok := packagePath(to); ok && p.names[q] {
						name = q
					}
				}
				return module{place: p.place, name: name}
			}
		}
	}
	return module{problem: "it is not there"}
}

var exportsSomething = regexp.MustCompile(`(?m)^\s*(?:import|export)\b|[;}]\s*export\s*[{*]`)

// isModule reports whether a file of a package is written with import and export.
func (m *modules) isModule(p *npmPackage, name string) bool {
	found := m.mainFile(p, name, byImport)
	if found.problem != "" || found.name == "" {
		return false
	}
	if path.Ext(found.name) == ".mjs" {
		return true
	}
	text, err := m.read(p.place, found.name)
	return err == nil && exportsSomething.MatchString(text)
}

// isESM reports whether Node.js takes a file of a package for a module by its name and its package.json.
func (m *modules) isESM(place, name string) bool {
	switch path.Ext(name) {
	case ".mjs", ".mts":
		return true
	case ".js", ".ts", ".jsx", ".tsx":
	default:
		return false
	}
	p := m.at(place)
	for dir := range ancestors(path.Dir(name)) {
		if dir == "." {
			return p.manifest.Type == "module"
		}
		if p.names[dir+"/package.json"] {
			return p.manifestIn(m, dir).Type == "module"
		}
	}
	return false
}

// nameOfPlace is the name by which a place is imported.
func nameOfPlace(place string) string {
	_, after, ok := strings.Cut(place, "node_modules/")
	for ok {
		place = after
		_, after, ok = strings.Cut(place, "node_modules/")
	}
	return place
}
