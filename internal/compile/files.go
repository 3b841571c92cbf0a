package compile

import (
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// files is a project's tree with its packages in it, as compilers see it: src/app.css, node_modules/daisyui/index.js.
type files struct {
	tree     map[string]string
	dirs     map[string]bool
	packages Packages
	alias    func(from, name string) (string, bool)
	ignored  func(p string) bool

	lists     map[string]map[string]bool // of packages, by place
	manifests map[string]*manifest
}

func newFiles(p Project) *files {
	f := &files{tree: p.Files, dirs: map[string]bool{"": true}, packages: p.Packages, alias: p.Alias, ignored: p.Ignored, lists: map[string]map[string]bool{}, manifests: map[string]*manifest{}}
	for name := range p.Files {
		for d := folder(name); d != "" && !f.dirs[d]; d = folder(d) {
			f.dirs[d] = true
		}
	}
	return f
}

// split tells the package that a path lies in from the path within it. place is "" for the project's own files.
func split(p string) (place, name string) {
	const modules = "node_modules/"
	i := strings.LastIndex("/"+p, "/"+modules)
	if i < 0 {
		return "", p
	}
	start := i + len(modules)
	end := strings.IndexByte(p[start:], '/')
	if end >= 0 && strings.HasPrefix(p[start:], "@") {
		if next := strings.IndexByte(p[start+end+1:], '/'); next >= 0 {
			end += 1 + next
		} else {
			end = -1
		}
	}
	if end < 0 {
		return p, ""
	}
	return p[:start+end], p[start+end+1:]
}

// has reports whether there is a file. Where a project has node_modules of its own, those are not looked at.
func (f *files) has(p string) bool {
	place, name := split(p)
	if place == "" {
		_, ok := f.tree[p]
		return ok
	}
	return name != "" && f.list(place)[name]
}

func (f *files) list(place string) map[string]bool {
	if l, ok := f.lists[place]; ok {
		return l
	}
	l := map[string]bool{}
	if f.packages != nil {
		names, err := f.packages.List(place)
		if err == nil {
			for _, n := range names {
				l[n] = true
			}
		}
	}
	f.lists[place] = l
	return l
}

func (f *files) read(p string) (string, bool) {
	place, name := split(p)
	if place == "" {
		s, ok := f.tree[p]
		return s, ok
	}
	if f.packages == nil || name == "" {
		return "", false
	}
	b, err := f.packages.Read(place, name)
	return string(b), err == nil
}

// find is the place of a package that is named in a file.
func (f *files) find(from, name string) (string, bool) {
	if f.packages == nil {
		return "", false
	}
	place, _ := split(from)
	if place == "" {
		// In a project of several, each folder may have packages of its own.
		for d := folder(from); d != ""; d = folder(d) {
			if _, ok := f.tree[d+"/package.json"]; ok {
				if p, ok := f.packages.Find(d, name); ok {
					return p, true
				}
			}
		}
	}
	return f.packages.Find(place, name)
}

// manifest is what a package.json says of how its files are found.
type manifest struct {
	Name, Version string
	Main, Module  any
	Style         any
	Exports       json.RawMessage
	Imports       json.RawMessage
}

func (f *files) manifest(dir string) *manifest {
	if m, ok := f.manifests[dir]; ok {
		return m
	}
	var m *manifest
	if s, ok := f.read(path.Join(dir, "package.json")); ok {
		m = &manifest{}
		if json.Unmarshal([]byte(s), m) != nil {
			m = nil
		}
	}
	f.manifests[dir] = m
	return m
}

// rules are how a name is resolved: for scripts and for style sheets it is not the same.
type rules struct {
	conditions []string
	fields     []string // of package.json, where it has no exports
	endings    []string
}

var (
	importRules  = rules{[]string{"node", "import", "module", "default"}, []string{"module", "main"}, []string{".js", ".mjs", ".cjs", ".json", ".ts", ".mts", ".cts"}}
	requireRules = rules{[]string{"node", "require", "default"}, []string{"main"}, importRules.endings}
	styleRules   = rules{[]string{"style", "default"}, []string{"style", "main"}, []string{".css"}}
)

// resolve finds the file that a name means in a file of dir.
func (f *files) resolve(name, dir string, r rules) (string, bool) {
	switch {
	case strings.HasPrefix(name, "/"):
		return f.asFile(strings.TrimPrefix(path.Clean(name), "/"), r)
	case name == "." || name == ".." || strings.HasPrefix(name, "./") || strings.HasPrefix(name, "../"):
		p := path.Join("/", dir, name)[1:]
		return f.asFile(p, r)
	case strings.HasPrefix(name, "#"):
		return f.resolveImports(name, dir, r)
	}
	pkg, rest := packageName(name)
	if pkg == "" {
		return "", false
	}
	place, ok := f.self(pkg, dir)
	if !ok {
		place, ok = f.find(path.Join(dir, "x"), pkg)
	}
	if !ok {
		return "", false
	}
	m := f.manifest(place)
	if m != nil && len(m.Exports) > 0 && string(m.Exports) != "null" {
		key := "."
		if rest != "" {
			key = "./" + rest
		}
		target, ok := exported(m.Exports, key, r.conditions)
		if !ok {
			return "", false
		}
		return f.asFile(path.Join(place, target), r)
	}
	if rest != "" {
		return f.asFile(path.Join(place, rest), r)
	}
	return f.asFolder(place, r)
}

// self is the package that a file lies in, when it names itself.
func (f *files) self(pkg, dir string) (string, bool) {
	place, _ := split(path.Join(dir, "x"))
	if place == "" {
		return "", false
	}
	m := f.manifest(place)
	return place, m != nil && m.Name == pkg && len(m.Exports) > 0
}

func (f *files) resolveImports(name, dir string, r rules) (string, bool) {
	place, _ := split(path.Join(dir, "x"))
	m := f.manifest(place)
	if m == nil || len(m.Imports) == 0 {
		return "", false
	}
	target, ok := exported(m.Imports, name, r.conditions)
	if !ok {
		return "", false
	}
	if !strings.HasPrefix(target, "./") {
		return f.resolve(target, place, r)
	}
	return f.asFile(path.Join(place, target), r)
}

// asFile is the file of a path that may lack its ending, or be a folder.
func (f *files) asFile(p string, r rules) (string, bool) {
	if f.has(p) {
		return p, true
	}
	for _, e := range r.endings {
		if f.has(p + e) {
			return p + e, true
		}
	}
	// TypeScript is imported by the name of what it becomes.
	if ext := path.Ext(p); ext == ".js" || ext == ".mjs" || ext == ".cjs" {
		if ts := strings.TrimSuffix(p, ext) + strings.Replace(ext, "js", "ts", 1); f.has(ts) {
			return ts, true
		}
	}
	return f.asFolder(p, r)
}

func (f *files) asFolder(p string, r rules) (string, bool) {
	if m := f.manifest(p); m != nil {
		for _, field := range r.fields {
			v := map[string]any{"main": m.Main, "module": m.Module, "style": m.Style}[field]
			target, ok := v.(string)
			if !ok || target == "" {
				continue
			}
			at := path.Join(p, target)
			for _, try := range append([]string{""}, r.endings...) {
				if f.has(at + try) {
					return at + try, true
				}
			}
			for _, e := range r.endings {
				if f.has(at + "/index" + e) {
					return at + "/index" + e, true
				}
			}
		}
	}
	for _, e := range r.endings {
		if f.has(path.Join(p, "index"+e)) {
			return path.Join(p, "index"+e), true
		}
	}
	return "", false
}

// packageName tells a package's name from the path that follows it.
func packageName(name string) (pkg, rest string) {
	pkg, rest, _ = strings.Cut(name, "/")
	if strings.HasPrefix(name, "@") {
		scope := pkg
		pkg, rest, _ = strings.Cut(rest, "/")
		if pkg == "" {
			return "", ""
		}
		pkg = scope + "/" + pkg
	}
	return pkg, rest
}

// exported is the path that a map of exports, or of imports, has for a key under these conditions.
func exported(raw json.RawMessage, key string, conditions []string) (string, bool) {
	entries, isMap := ordered(raw)
	if !isMap || key == "." && !slices.ContainsFunc(entries, func(e entry) bool { return strings.HasPrefix(e.key, ".") }) {
		if key != "." {
			return "", false
		}
		return target(raw, "", conditions)
	}
	best, rest := -1, ""
	for i, e := range entries {
		if e.key == key {
			return target(e.value, "", conditions)
		}
		before, after, ok := strings.Cut(e.key, "*")
		if strings.HasSuffix(e.key, "/") {
			before, after, ok = e.key, "", true
		}
		if !ok || !strings.HasPrefix(key, before) || !strings.HasSuffix(key, after) || len(key) < len(before)+len(after) {
			continue
		}
		if best < 0 || len(before) > strings.IndexAny(entries[best].key+"*", "*") {
			best, rest = i, key[len(before):len(key)-len(after)]
		}
	}
	if best < 0 {
		return "", false
	}
	t, ok := target(entries[best].value, rest, conditions)
	if ok && strings.HasSuffix(entries[best].key, "/") {
		t += rest
	}
	return t, ok
}

type entry struct {
	key   string
	value json.RawMessage
}

// ordered reads an object in the order in which it is written, which is the order in which conditions are tried.
func ordered(raw json.RawMessage) ([]entry, bool) {
	d := json.NewDecoder(strings.NewReader(string(raw)))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return nil, false
	}
	var out []entry
	for d.More() {
		k, err := d.Token()
		if err != nil {
			return nil, false
		}
		key, ok := k.(string)
		var v json.RawMessage
		if !ok || d.Decode(&v) != nil {
			return nil, false
		}
		out = append(out, entry{key, v})
	}
	return out, true
}

// target is the path that a value of exports leads to.
func target(raw json.RawMessage, rest string, conditions []string) (string, bool) {
	var s string
	if json.Unmarshal(raw, &s) == nil && s != "" {
		return strings.ReplaceAll(s, "*", rest), true
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		for _, v := range list {
			if t, ok := target(v, rest, conditions); ok {
				return t, true
			}
		}
		return "", false
	}
	entries, _ := ordered(raw)
	for _, e := range entries {
		if slices.Contains(conditions, e.key) {
			if t, ok := target(e.value, rest, conditions); ok {
				return t, true
			}
		}
	}
	return "", false
}
