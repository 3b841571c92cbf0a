package verify

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"

	"codeforge"
)

// tree is what resolves and loads: the files of a project and nothing else. Paths are relative, with slashes.
// The body of an inline script or style is a file of its own, at the page's path followed by inlineMark and a number.
type tree struct {
	files   map[string]string
	paths   []string // sorted, without inlines
	inlines map[string]api.Loader
	configs []tsconfig // deepest folder first
	options json.RawMessage
	roots   []string          // folders that a leading slash may mean
	deps    map[string]bool   // packages that a package.json names
	imports map[string]string // from import maps
	source  map[string]string // contents as they are built, where they differ: computed imports renamed
}

// inlineMark cannot be in a file's path, which holds no control characters.
const inlineMark = "\x1f"

// fileOf returns the file that a path of the tree lies in: the page, for an inline body.
func fileOf(p string) string {
	file, _, _ := strings.Cut(p, inlineMark)
	return file
}

func newTree(files map[string]string, d *diagnostics) *tree {
	t := &tree{files: make(map[string]string, len(files)), inlines: map[string]api.Loader{}, deps: map[string]bool{},
		imports: map[string]string{}, source: map[string]string{}}
	for p, content := range files {
		if err := codeforge.CheckPath(p); err != nil {
			reason := "is not a safe relative path"
			if e, ok := err.(*codeforge.Error); ok {
				reason, _ = e.Details["reason"].(string)
			}
			d.add(p, 0, 0, SeverityError, "The path %s", reason)
			continue
		}
		t.files[p] = strings.TrimPrefix(content, "\ufeff")
		t.paths = append(t.paths, p)
	}
	slices.Sort(t.paths)

	roots := map[string]bool{".": true, "public": true}
	for _, p := range t.paths {
		dir, base := path.Split(p)
		dir = path.Clean("./" + dir)
		switch {
		case base == "package.json":
			roots[dir], roots[path.Join(dir, "public")] = true, true
			var pkg struct{ Dependencies, DevDependencies, PeerDependencies map[string]any }
			if json.Unmarshal([]byte(t.files[p]), &pkg) == nil {
				for _, m := range []map[string]any{pkg.Dependencies, pkg.DevDependencies, pkg.PeerDependencies} {
					for name := range m {
						t.deps[name] = true
					}
				}
			}
		case strings.HasPrefix(base, "vite.config."):
			roots[dir], roots[path.Join(dir, "public")] = true, true
		case isTSConfig(base):
			t.addConfig(p, dir)
		}
	}
	for r := range roots {
		t.roots = append(t.roots, r)
	}
	slices.SortFunc(t.roots, deepestFirst)
	slices.SortStableFunc(t.configs, func(a, b tsconfig) int { return deepestFirst(a.dir, b.dir) })
	return t
}

func deepestFirst(a, b string) int {
	if d := depth(b) - depth(a); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

func depth(dir string) int {
	if dir == "." {
		return 0
	}
	return 1 + strings.Count(dir, "/")
}

func within(p, dir string) bool { return dir == "." || p == dir || strings.HasPrefix(p, dir+"/") }

// tsconfig is what resolution takes from a tsconfig*.json or jsconfig.json. extends is not followed: the files that it
// names are read in their own right when they lie in a folder above, and nothing outside the tree is ever read.
type tsconfig struct {
	dir, base string              // base is "" when there is no baseUrl
	paths     map[string][]string // relative to base, else to dir
	patterns  []string            // keys of paths, the longest first
}

func isTSConfig(base string) bool {
	return base == "jsconfig.json" || strings.HasPrefix(base, "tsconfig") && strings.HasSuffix(base, ".json")
}

// allowsComments says which JSON files tools read with comments and trailing commas.
func allowsComments(p string) bool {
	base := path.Base(p)
	return isTSConfig(base) || path.Ext(base) == ".jsonc" || path.Ext(base) == ".code-workspace" || path.Base(path.Dir(p)) == ".vscode" ||
		base == ".eslintrc.json" || base == ".babelrc.json" || base == ".swcrc" || base == "devcontainer.json"
}

func (t *tree) addConfig(p, dir string) {
	var cfg struct {
		CompilerOptions struct {
			BaseURL string              `json:"baseUrl"`
			Paths   map[string][]string `json:"paths"`
		} `json:"compilerOptions"`
	}
	var raw struct {
		CompilerOptions map[string]json.RawMessage `json:"compilerOptions"`
	}
	plain := []byte(stripJSONComments(t.files[p]))
	if json.Unmarshal(plain, &raw) != nil {
		return // reported when the file is parsed
	}
	_ = json.Unmarshal(plain, &cfg) // a wrong type in one field leaves that field empty
	if t.options == nil && (p == "tsconfig.json" || p == "tsconfig.app.json" || p == "jsconfig.json") {
		keep := map[string]json.RawMessage{}
		for _, k := range []string{"jsx", "jsxFactory", "jsxFragmentFactory", "jsxImportSource", "experimentalDecorators",
			"useDefineForClassFields", "verbatimModuleSyntax"} {
			if v, ok := raw.CompilerOptions[k]; ok && len(v) < 200 && (v[0] == '"' || v[0] == 't' || v[0] == 'f') {
				keep[k] = v
			}
		}
		if b, err := json.Marshal(map[string]any{"compilerOptions": keep}); err == nil && len(keep) > 0 {
			t.options = b
		}
	}
	c := tsconfig{dir: dir, paths: cfg.CompilerOptions.Paths}
	if cfg.CompilerOptions.BaseURL != "" {
		c.base = path.Join(dir, cfg.CompilerOptions.BaseURL)
	}
	if c.base == "" && len(c.paths) == 0 {
		return
	}
	for k := range c.paths {
		c.patterns = append(c.patterns, k)
	}
	slices.SortFunc(c.patterns, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	t.configs = append(t.configs, c)
}

// stripJSONComments blanks comments and trailing commas, so that every position stays where it was.
func stripJSONComments(s string) string {
	b := []byte(s)
	blank := func(from, to int) {
		for i := from; i < to; i++ {
			if b[i] != '\n' {
				b[i] = ' '
			}
		}
	}
	comma := -1
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			comma = -1
			for i++; i < len(b) && b[i] != '"' && b[i] != '\n'; i++ {
				if b[i] == '\\' {
					i++
				}
			}
		case c == '/' && i+1 < len(b) && b[i+1] == '/':
			from := i
			for i < len(b) && b[i] != '\n' {
				i++
			}
			blank(from, i)
		case c == '/' && i+1 < len(b) && b[i+1] == '*':
			end := strings.Index(string(b[i+2:min(len(b), len(b))]), "*/")
			to := len(b)
			if end >= 0 {
				to = i + 2 + end + 2
			}
			blank(i, to)
			i = to - 1
		case c == ',':
			comma = i
		case c == '}' || c == ']':
			if comma >= 0 {
				b[comma] = ' '
			}
			comma = -1
		case c != ' ' && c != '\t' && c != '\n' && c != '\r':
			comma = -1
		}
	}
	return string(b)
}

// What a specifier turned out to be.
type outcome int

const (
	found    outcome = iota
	external         // a package, another origin, or a fragment: nothing to look for
	missing
	outside // leads out of the project
)

// The order in which a path without an ending is tried.
var scriptExtensions = []string{".tsx", ".ts", ".jsx", ".js", ".mts", ".mjs", ".cts", ".cjs", ".json", ".css", ".d.ts"}

// Sources that TypeScript's resolution accepts under the name of what they compile to.
var compiledFrom = map[string][]string{".js": {".ts", ".tsx"}, ".mjs": {".mts"}, ".cjs": {".cts"}, ".jsx": {".tsx"}}

// resolveScript finds what an import in a script means. suffix is what follows ? or # in it.
func (t *tree) resolveScript(importer, spec string) (target, suffix string, o outcome) {
	from := path.Dir(fileOf(importer))
	clean, suffix := cutSuffix(spec)
	try := func(p string) (string, bool) {
		if hit, ok := t.script(p); ok {
			return hit, true
		}
		return "", false
	}
	switch {
	case spec == "":
		return "", "", missing
	case strings.HasPrefix(strings.ToLower(spec), "file:"):
		return "", "", outside
	case isExternalURL(spec):
		return "", "", external
	case isRelative(spec):
		for _, s := range []string{spec, clean} {
			p := path.Join(from, s)
			if p == ".." || strings.HasPrefix(p, "../") {
				return "", "", outside
			}
			if hit, ok := try(p); ok {
				return hit, suffix, found
			}
		}
		return "", suffix, missing
	case spec[0] == '/':
		p, ok := t.absolute(importer, clean, try)
		if !ok {
			return "", suffix, missing
		}
		return p, suffix, found
	}
	for _, key := range slices.Backward(slices.Sorted(maps.Keys(t.imports))) { // so that the longer of two prefixes wins
		to := t.imports[key]
		if key == spec || strings.HasSuffix(key, "/") && strings.HasPrefix(spec, key) {
			if hit, ok := try(path.Join(to, strings.TrimPrefix(spec, key))); ok {
				return hit, suffix, found
			}
			return "", suffix, missing
		}
	}
	aliased := false
	for _, c := range t.configs {
		if !within(from, c.dir) {
			continue
		}
		for _, pattern := range c.patterns {
			prefix, tail, star := strings.Cut(pattern, "*")
			if !star && clean != pattern || star && (len(clean) < len(prefix)+len(tail) || !strings.HasPrefix(clean, prefix) || !strings.HasSuffix(clean, tail)) {
				continue
			}
			aliased = aliased || prefix != ""
			for _, to := range c.paths[pattern] {
				base := c.base
				if base == "" {
					base = c.dir
				}
				if star {
					to = strings.Replace(to, "*", clean[len(prefix):len(clean)-len(tail)], 1)
				}
				if hit, ok := try(path.Join(base, to)); ok {
					return hit, suffix, found
				}
			}
			break
		}
		if c.base != "" {
			if hit, ok := try(path.Join(c.base, clean)); ok {
				return hit, suffix, found
			}
		}
	}
	// "@/x" and "~/x" can be no package's name: an alias that leads nowhere, or one that only a tool's own settings define.
	if strings.HasPrefix(spec, "@/") || strings.HasPrefix(spec, "~/") {
		for _, base := range []string{"src", "."} {
			for _, root := range t.roots {
				if within(from, root) {
					if hit, ok := try(path.Join(root, base, clean[2:])); ok {
						return hit, suffix, found
					}
				}
			}
		}
		return "", suffix, missing
	}
	if aliased && !t.deps[packageOf(spec)] {
		return "", suffix, missing
	}
	return "", "", external
}

// script tries a path as TypeScript does: as it is, as the source of what it names, with an ending, as a folder.
func (t *tree) script(p string) (string, bool) {
	if _, ok := t.files[p]; ok {
		return p, true
	}
	ext := path.Ext(p)
	for _, e := range compiledFrom[ext] {
		if q := strings.TrimSuffix(p, ext) + e; t.has(q) {
			return q, true
		}
	}
	for _, e := range scriptExtensions {
		if t.has(p + e) {
			return p + e, true
		}
	}
	for _, e := range scriptExtensions {
		if q := path.Join(p, "index"+e); t.has(q) {
			return q, true
		}
	}
	return "", false
}

func (t *tree) has(p string) bool { _, ok := t.files[p]; return ok }

// absolute resolves a path with a leading slash against the folders that a server may use as its root.
func (t *tree) absolute(importer, p string, try func(string) (string, bool)) (string, bool) {
	for _, root := range t.roots {
		// public/ belongs to the folder that holds it.
		owner := root
		if path.Base(root) == "public" {
			owner = path.Dir(root)
		}
		if !within(fileOf(importer), owner) {
			continue
		}
		if hit, ok := try(path.Join(root, path.Clean("/" + p)[1:])); ok {
			return hit, true
		}
	}
	return "", false
}

// resolveStyle finds what url() or @import in a style sheet means: as a browser does, relative without ./.
func (t *tree) resolveStyle(importer, spec string, isImport bool) (string, outcome) {
	switch {
	case strings.HasPrefix(strings.ToLower(spec), "file:"):
		return "", outside
	case spec == "" || spec[0] == '#' || isExternalURL(spec):
		return "", external
	}
	try := func(p string) (string, bool) {
		p = strings.TrimPrefix(p, "./")
		return p, t.has(p)
	}
	if hit, o := t.reference(importer, path.Dir(fileOf(importer)), spec, try); o != missing {
		return hit, o
	}
	if hit, _, o := t.resolveScript(importer, spec); o == found && path.Ext(hit) == path.Ext(spec) {
		return hit, found // through an alias
	}
	clean, _ := cutSuffix(spec)
	if isImport && !isRelative(spec) && spec[0] != '/' && (t.deps[packageOf(spec)] || path.Ext(clean) == "") || spec[0] == '~' {
		return "", external // a package
	}
	return "", missing
}

// reference resolves a URL as a browser would, then asks try.
func (t *tree) reference(importer, dir, ref string, try func(string) (string, bool)) (string, outcome) {
	clean, _ := cutSuffix(ref)
	for _, s := range unique(ref, clean, unescape(clean)) {
		if strings.ContainsAny(s, "\\\x00") {
			continue
		}
		if strings.HasPrefix(s, "/") {
			if hit, ok := t.absolute(importer, s, try); ok {
				return hit, found
			}
			continue
		}
		p := path.Join(dir, s)
		if p == ".." || strings.HasPrefix(p, "../") {
			return "", outside
		}
		if hit, ok := try(p); ok {
			return hit, found
		}
	}
	return "", missing
}

func unique(list ...string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// suggest names a file that a reference to nothing may have meant.
func (t *tree) suggest(spec string) string {
	clean, _ := cutSuffix(spec)
	base := strings.ToLower(path.Base(clean))
	stem := strings.TrimSuffix(base, path.Ext(base))
	if stem == "" || stem == "." || stem == ".." {
		return ""
	}
	best := ""
	for _, p := range t.paths {
		b := strings.ToLower(path.Base(p))
		if b == base {
			return "; the project has " + p
		}
		if best == "" && strings.TrimSuffix(b, path.Ext(b)) == stem {
			best = "; the project has " + p
		}
	}
	return best
}

func cutSuffix(spec string) (clean, suffix string) {
	if i := strings.IndexAny(spec, "?#"); i > 0 {
		return spec[:i], spec[i:]
	}
	return spec, ""
}

func isRelative(spec string) bool {
	return spec == "." || spec == ".." || strings.HasPrefix(spec, "./") || strings.HasPrefix(spec, "../")
}

// isExternalURL reports whether a reference names another origin or a scheme of its own.
func isExternalURL(ref string) bool {
	if strings.HasPrefix(ref, "//") {
		return true
	}
	for i, c := range ref {
		switch {
		case c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z':
		case i > 0 && (c >= '0' && c <= '9' || c == '+' || c == '-' || c == '.'):
		default:
			return c == ':' && i > 1
		}
	}
	return false
}

// packageOf returns the package that a bare specifier names.
func packageOf(spec string) string {
	parts := strings.SplitN(spec, "/", 3)
	if strings.HasPrefix(spec, "@") && len(parts) > 1 {
		return parts[0] + "/" + parts[1]
	}
	return parts[0]
}

func isHTML(p string) bool {
	ext := strings.ToLower(path.Ext(p))
	return ext == ".html" || ext == ".htm"
}

// loaders are the endings that are parsed. Every other file is accepted as it is.
var loaders = map[string]api.Loader{
	".ts": api.LoaderTS, ".mts": api.LoaderTS, ".cts": api.LoaderTS, ".tsx": api.LoaderTSX,
	".js": api.LoaderJS, ".mjs": api.LoaderJS, ".cjs": api.LoaderJS, ".jsx": api.LoaderJSX,
	".css": api.LoaderCSS, ".json": api.LoaderJSON, ".webmanifest": api.LoaderJSON,
}

func (t *tree) loader(p string) api.Loader {
	if l, ok := t.inlines[p]; ok {
		return l
	}
	if strings.HasSuffix(p, ".module.css") {
		return api.LoaderLocalCSS
	}
	if allowsComments(p) {
		return api.LoaderJSON
	}
	return loaders[strings.ToLower(path.Ext(p))]
}

func isScript(l api.Loader) bool {
	return l == api.LoaderTS || l == api.LoaderTSX || l == api.LoaderJS || l == api.LoaderJSX
}

func isStyle(l api.Loader) bool { return l == api.LoaderCSS || l == api.LoaderLocalCSS }

func isDeclaration(p string) bool {
	return strings.HasSuffix(p, ".d.ts") || strings.HasSuffix(p, ".d.mts") || strings.HasSuffix(p, ".d.cts")
}

// compiled are sources of languages that a browser build needs a compiler of their own for.
func compiled(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".vue", ".svelte", ".astro", ".scss", ".sass", ".less", ".styl", ".mdx", ".coffee", ".elm":
		return true
	}
	return false
}
