package verify

import (
	"encoding/json"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"
)

// settings is what the tools of one folder say about resolution and syntax: its package.json, its tsconfig and the
// aliases of its bundler.
type settings struct {
	dir     string
	pkg     *manifest
	configs []*tsconfig       // tsconfig.json or jsconfig.json first
	aliases patterns          // of bundlers and test runners
	renames map[string]string // packages that are taken in the place of others
	options string            // compiler options as esbuild reads them; "" when there is no tsconfig
}

// manifest is what is read of a package.json.
type manifest struct {
	Name                                                                  string
	Type                                                                  string
	Main, Module, Source, Svelte                                          string
	Exports                                                               json.RawMessage
	Imports                                                               map[string]json.RawMessage
	Dependencies, DevDependencies, PeerDependencies, OptionalDependencies map[string]json.RawMessage
	Alias                                                                 map[string]json.RawMessage
	ModuleAliases                                                         map[string]json.RawMessage `json:"_moduleAliases"`
	Jest                                                                  struct{ ModuleNameMapper map[string]json.RawMessage }

	imports, exports patterns
}

func (m *manifest) needs(name string) bool {
	for _, list := range []map[string]json.RawMessage{m.Dependencies, m.DevDependencies, m.PeerDependencies, m.OptionalDependencies} {
		if _, ok := list[name]; ok {
			return true
		}
	}
	return false
}

// readManifest reads what it can: a field of a wrong type stays empty.
func readManifest(text string) *manifest {
	m := &manifest{}
	if err := json.Unmarshal([]byte(text), m); err != nil {
		if _, wrongType := err.(*json.UnmarshalTypeError); !wrongType {
			return nil
		}
	}
	for key, to := range m.Imports {
		m.imports.add(key, conditions(to))
	}
	var table map[string]json.RawMessage
	if json.Unmarshal(m.Exports, &table) == nil {
		for key, to := range table {
			if strings.HasPrefix(key, ".") {
				m.exports.add(key, conditions(to))
			}
		}
	}
	if len(m.exports.exact)+len(m.exports.starred) == 0 {
		m.exports.add(".", conditions(m.Exports))
	}
	return m
}

// maxConditions bounds the targets of one entry in exports or imports.
const maxConditions = 32

// conditions lists the targets of an entry in exports or imports, those that a browser's build would take first.
func conditions(raw json.RawMessage) []string {
	var list []string
	var walk func(raw json.RawMessage, depth int)
	walk = func(raw json.RawMessage, depth int) {
		if len(raw) == 0 || depth > 8 || len(list) >= maxConditions {
			return
		}
		switch raw[0] {
		case '"':
			var s string
			if json.Unmarshal(raw, &s) == nil {
				list = append(list, s)
			}
		case '[':
			var a []json.RawMessage
			_ = json.Unmarshal(raw, &a)
			for _, r := range a {
				walk(r, depth+1)
			}
		case '{':
			var o map[string]json.RawMessage
			_ = json.Unmarshal(raw, &o)
			first := []string{"source", "development", "browser", "import", "module", "svelte", "default", "require", "node", "types"}
			for _, k := range first {
				walk(o[k], depth+1)
			}
			rest := make([]string, 0, len(o))
			for k := range o {
				if !slices.Contains(first, k) {
					rest = append(rest, k)
				}
			}
			slices.Sort(rest)
			for _, k := range rest {
				walk(o[k], depth+1)
			}
		}
	}
	walk(raw, 0)
	return list
}

// patterns finds the best of many patterns with at most one star in a time that depends on the name that is looked
// for, not on how many patterns there are.
type patterns struct {
	exact   map[string][]string
	starred map[string]*patternTails // by what stands before the star
	lengths []int                    // of the keys of starred, the longest first
}

type patternTails struct {
	targets map[string][]string // by what stands after the star
	lengths []int               // the longest first
}

// maxSpecifier bounds what is looked for: a longer name is longer than any path.
const maxSpecifier = 4_096

func (p *patterns) add(pattern string, targets []string) {
	if len(pattern) > maxSpecifier || pattern == "" {
		return
	}
	prefix, tail, star := strings.Cut(pattern, "*")
	if !star {
		if p.exact == nil {
			p.exact = map[string][]string{}
		}
		p.exact[pattern] = targets
		return
	}
	if p.starred == nil {
		p.starred = map[string]*patternTails{}
	}
	t := p.starred[prefix]
	if t == nil {
		t = &patternTails{targets: map[string][]string{}}
		p.starred[prefix] = t
		p.lengths = insertLength(p.lengths, len(prefix))
	}
	t.targets[tail] = targets
	t.lengths = insertLength(t.lengths, len(tail))
}

func insertLength(list []int, n int) []int {
	i, ok := slices.BinarySearchFunc(list, n, func(a, b int) int { return b - a })
	if ok {
		return list
	}
	return slices.Insert(list, i, n)
}

// match is what a name means by a pattern.
type match struct {
	prefix  string // of the pattern; the whole of it when it has no star
	targets []string
	star    string
	starred bool
}

func (p *patterns) find(name string) (match, bool) {
	if to, ok := p.exact[name]; ok {
		return match{prefix: name, targets: to}, true
	}
	for _, n := range p.lengths {
		if n > len(name) {
			continue
		}
		t := p.starred[name[:n]]
		if t == nil {
			continue
		}
		for _, k := range t.lengths {
			if n+k > len(name) {
				continue
			}
			if to, ok := t.targets[name[len(name)-k:]]; ok {
				return match{name[:n], to, name[n : len(name)-k], true}, true
			}
		}
	}
	return match{}, false
}

// paths returns the targets with the star filled in.
func (m match) paths() []string {
	if !m.starred {
		return m.targets
	}
	out := make([]string, len(m.targets))
	for i, to := range m.targets {
		out[i] = strings.ReplaceAll(to, "*", m.star)
	}
	return out
}

// tsconfig is what is read of a tsconfig*.json or jsconfig.json, together with what it extends.
type tsconfig struct {
	dir     string
	options map[string]json.RawMessage
	base    string    // "" when there is no baseUrl
	paths   *patterns // of paths from the root; nil when there are none
	refs    []string  // files or folders that it refers to
}

func isTSConfig(base string) bool {
	return base == "jsconfig.json" || strings.HasPrefix(base, "tsconfig") && strings.HasSuffix(base, ".json")
}

// compilerOptions are those that change how a file is parsed or built.
var compilerOptions = []string{"jsx", "jsxFactory", "jsxFragmentFactory", "jsxImportSource", "experimentalDecorators", "useDefineForClassFields", "verbatimModuleSyntax"}

// configReader reads tsconfigs, each once, with what they extend.
type configReader struct {
	t    *tree
	done map[string]*tsconfig // nil while it is being read: a ring of extends ends there
}

func (r *configReader) read(p string) *tsconfig {
	if c, ok := r.done[p]; ok {
		return c
	}
	r.done[p] = nil
	var raw struct {
		Extends         json.RawMessage
		References      []struct{ Path string }
		CompilerOptions map[string]json.RawMessage
	}
	if err := json.Unmarshal([]byte(StripJSONComments(r.t.files[p])), &raw); err != nil {
		if _, wrongType := err.(*json.UnmarshalTypeError); !wrongType {
			return nil // reported when the file is parsed
		}
	}
	c := &tsconfig{dir: path.Dir(p), options: map[string]json.RawMessage{}}
	var extends []string
	if json.Unmarshal(raw.Extends, &extends) != nil {
		extends = []string{""}
		_ = json.Unmarshal(raw.Extends, &extends[0])
	}
	for _, e := range extends {
		parent := r.extended(c.dir, e)
		if parent == nil {
			continue
		}
		maps.Copy(c.options, parent.options)
		if parent.base != "" {
			c.base = parent.base
		}
		if parent.paths != nil {
			c.paths = parent.paths
		}
	}
	for _, k := range compilerOptions {
		if v, ok := raw.CompilerOptions[k]; ok && len(v) > 0 && len(v) < 200 && (v[0] == '"' || v[0] == 't' || v[0] == 'f') {
			c.options[k] = v
		}
	}
	var base string
	if json.Unmarshal(raw.CompilerOptions["baseUrl"], &base) == nil && base != "" {
		c.base = path.Join(c.dir, strings.ReplaceAll(base, "${configDir}", "."))
	}
	var paths map[string]json.RawMessage
	if json.Unmarshal(raw.CompilerOptions["paths"], &paths) == nil {
		from := c.base
		if base == "" && from == "" {
			from = c.dir
		}
		c.paths = &patterns{}
		for key, v := range paths {
			var to []string
			if json.Unmarshal(v, &to) != nil {
				continue
			}
			var list []string
			for _, s := range to[:min(len(to), maxConditions)] {
				list = append(list, path.Join(from, strings.ReplaceAll(s, "${configDir}", ".")))
			}
			c.paths.add(key, list)
		}
	}
	for _, ref := range raw.References[:min(len(raw.References), 100)] {
		c.refs = append(c.refs, path.Join(c.dir, ref.Path))
	}
	r.done[p] = c
	return c
}

// extended reads what a tsconfig in dir extends: a path, or a file of a package of the project. What is in no file of the
// project, such as a package from npm, sets nothing.
func (r *configReader) extended(dir, spec string) *tsconfig {
	if spec == "" || len(spec) > maxSpecifier {
		return nil
	}
	from := path.Join(dir, spec)
	if !isRelative(spec) {
		name := packageOf(spec)
		home, ok := r.t.packages[name]
		if !ok {
			return nil
		}
		from = path.Join(home, strings.TrimPrefix(spec[len(name):], "/"))
	}
	for _, p := range []string{from, from + ".json", path.Join(from, "tsconfig.json")} {
		if r.t.has(p) {
			return r.read(p)
		}
	}
	return nil
}

// maxConfigs bounds how many tsconfigs of one folder are asked.
const maxConfigs = 16

// readSettings finds the settings of every folder.
func (t *tree) readSettings() {
	t.settings = map[string]*settings{}
	t.packages = map[string]string{}
	at := func(dir string) *settings {
		s := t.settings[dir]
		if s == nil {
			s = &settings{dir: dir}
			t.settings[dir] = s
		}
		return s
	}
	var tools, configs []string
	for _, p := range t.paths {
		base := path.Base(p)
		switch {
		case base == "package.json" && !isInstalled(p):
			dir := path.Dir(p)
			if m := readManifest(t.files[p]); m != nil {
				at(dir).pkg = m
				if _, taken := t.packages[m.Name]; m.Name != "" && !taken {
					t.packages[m.Name] = dir
				}
			}
		case isTSConfig(base):
			configs = append(configs, p)
		case toolConfig.MatchString(base) || base == "main.js" && path.Base(path.Dir(p)) == ".storybook" || base == "main.ts" && path.Base(path.Dir(p)) == ".storybook":
			tools = append(tools, p)
		}
	}
	slices.SortStableFunc(configs, func(a, b string) int { return mainConfig(b) - mainConfig(a) })
	r := configReader{t, map[string]*tsconfig{}}
	for _, p := range configs {
		s := at(path.Dir(p))
		add := func(c *tsconfig) {
			if c != nil && len(s.configs) < maxConfigs && !slices.Contains(s.configs, c) {
				s.configs = append(s.configs, c)
			}
		}
		c := r.read(p)
		add(c)
		if c == nil {
			continue
		}
		for _, ref := range c.refs {
			for _, q := range []string{ref, path.Join(ref, "tsconfig.json")} {
				if within(q, s.dir) && path.Dir(q) == s.dir && t.has(q) {
					add(r.read(q))
				}
			}
		}
	}
	for _, p := range tools {
		t.addAliases(p, at)
	}
	for _, s := range t.settings {
		if m := s.pkg; m != nil {
			for _, list := range []map[string]json.RawMessage{m.Alias, m.ModuleAliases, m.Jest.ModuleNameMapper} {
				for key, raw := range list {
					if to := conditions(raw); len(to) > 0 {
						addAlias(&s.aliases, key, []string{cleanTarget(s.dir, s.dir, to[0])})
					}
				}
			}
		}
		s.options = mergeOptions(s.configs)
	}
}

func mainConfig(p string) int {
	switch path.Base(p) {
	case "tsconfig.json":
		return 3
	case "jsconfig.json":
		return 2
	case "tsconfig.app.json":
		return 1
	}
	return 0
}

// mergeOptions writes the options of a folder for esbuild; an earlier config wins over a later one.
func mergeOptions(configs []*tsconfig) string {
	if len(configs) == 0 {
		return ""
	}
	keep := map[string]json.RawMessage{}
	for _, c := range configs {
		for k, v := range c.options {
			if _, ok := keep[k]; !ok {
				keep[k] = v
			}
		}
	}
	switch string(keep["jsx"]) {
	case `"preserve"`, `"react-native"`: // left to a later tool, which would compile it as React's does
		keep["jsx"] = json.RawMessage(`"react-jsx"`)
		if keep["jsxFactory"] != nil {
			keep["jsx"] = json.RawMessage(`"react"`)
		}
	}
	if strings.HasPrefix(string(keep["jsx"]), `"react-jsx`) {
		delete(keep, "jsxFactory")
		delete(keep, "jsxFragmentFactory")
	}
	b, err := json.Marshal(map[string]any{"compilerOptions": keep})
	if err != nil {
		return ""
	}
	return string(b)
}

// optionsFor returns the compiler options for a file: those of the nearest folder that has a tsconfig, with what its package.json
// says of JSX.
func (t *tree) optionsFor(p string) string {
	options := "{}"
	for dir := range ancestors(path.Dir(fileOf(p))) {
		if s := t.settings[dir]; s != nil && s.options != "" {
			options = s.options
			break
		}
	}
	if jsx := t.jsxFor(p); jsx != "" && !strings.Contains(options, `"jsxImportSource"`) && !strings.Contains(options, `"jsx":"react"`) && !strings.Contains(options, `"jsxFactory"`) {
		options = strings.Replace(options, `"jsx":"react-jsx",`, "", 1)
		options = strings.Replace(options, `"jsx":"react-jsx"`, "", 1)
		if rest, ok := strings.CutPrefix(options, `{"compilerOptions":{`); ok && rest != "}}" {
			return `{"compilerOptions":{` + jsx + "," + rest
		}
		return `{"compilerOptions":{` + jsx + "}}"
	}
	return options
}

var viteBase = regexp.MustCompile(`(?m)^\s*base\s*:\s*['"\x60]/?([\w.~/-]{1,200}?)/?['"\x60]`)

// readBases finds what the tools of the project put before its paths, where it is written plainly.
func (t *tree) readBases() {
	for _, p := range t.paths {
		if strings.HasPrefix(path.Base(p), "vite.config.") && !isInstalled(p) && len(t.bases) < maxConfigs {
			for _, m := range viteBase.FindAllStringSubmatch(t.files[p], 4) {
				if m[1] != "." && m[1] != ".." && !slices.Contains(t.bases, m[1]) {
					t.bases = append(t.bases, m[1])
				}
			}
		}
	}
}

var jsxImportSource = regexp.MustCompile(`\bjsxImportSource\s*:\s*['"]([@\w./-]{1,200})['"]`)

// jsxFor is what JSX means to a file when no tsconfig says it, as compiler options; "": what it means to React.
func (t *tree) jsxFor(p string) string {
	dir := t.packageFolder(p)
	t.jsxMu.Lock()
	defer t.jsxMu.Unlock()
	jsx, known := t.jsx[dir]
	if known {
		return jsx
	}
	for _, q := range t.paths {
		if path.Dir(q) == dir && strings.HasPrefix(path.Base(q), "vite.config.") {
			if m := jsxImportSource.FindStringSubmatch(t.files[q]); m != nil {
				jsx = `"jsx":"react-jsx","jsxImportSource":"` + m[1] + `"`
			}
		}
	}
	switch {
	case jsx != "":
	case t.needs(p, "react"):
		if t.modules != nil {
			if place, ok := t.modules.find(dir, "react"); ok && isInModules(place) {
				if r := t.modules.at(place); r.failed == nil && !r.names["jsx-runtime.js"] {
					jsx = `"jsx":"react"`
				}
			}
		}
	case t.needs(p, "preact"):
		jsx = `"jsx":"react-jsx","jsxImportSource":"preact"`
	case t.needs(p, "vue"):
		jsx = `"jsx":"react-jsx","jsxImportSource":"vue"`
	}
	if t.jsx == nil {
		t.jsx = map[string]string{}
	}
	t.jsx[dir] = jsx
	return jsx
}

// needs reports whether a package.json above a file names one of the packages.
func (t *tree) needs(p string, names ...string) bool {
	for dir := range ancestors(path.Dir(fileOf(p))) {
		if s := t.settings[dir]; s != nil && s.pkg != nil && slices.ContainsFunc(names, s.pkg.needs) {
			return true
		}
	}
	return false
}

// hasPackage reports whether there is a package.json above a file.
func (t *tree) hasPackage(p string) bool {
	for dir := range ancestors(path.Dir(fileOf(p))) {
		if s := t.settings[dir]; s != nil && s.pkg != nil {
			return true
		}
	}
	return false
}

// toolConfig matches the settings of bundlers, frameworks and test runners that may define aliases.
var toolConfig = regexp.MustCompile(`(?i)^(?:(?:vite|vitest|craco|next|nuxt|svelte|astro|rollup|rolldown|electron\.vite|jest|babel|metro|snowpack|vue|quasar|rsbuild|rspack|farm|wxt|umi|modern|remix|gatsby|expo|tsup|esbuild|parcel|gridsome|docusaurus|react-router|app)\.config(?:\..*)?\.[cm]?[jt]sx?(?:on)?|` +
	`\.?(?:webpack|rspack)[\w.-]*\.[cm]?[jt]s|\.babelrc(?:\..*)?|babel\.config\.json|config-overrides\.js|quasar\.conf\.js|\.umirc\.[jt]s|gatsby-node\.[jt]s|jest\.config\.json|alias(?:es)?\.[cm]?[jt]s)$`)

var (
	// 'key': value, key: value
	aliasEntry = regexp.MustCompile(`(?m)(?:['"\x60]([^'"\x60\s]{1,200})['"\x60]|\[?\b([A-Za-z_$][\w$]*))\s*\]?:[ \t]*`)
	// { find: 'key' or /key/, replacement: value }
	aliasFind = regexp.MustCompile(`find\s*:\s*(?:new RegExp\(\s*)?(?:['"\x60]([^'"\x60\n]{1,200})['"\x60]|/((?:[^/\\\n]|\\.){1,200})/\w*)\)?\s*,\s*replacement\s*:\s*`)
	// .set('key', value), as webpack-chain has it
	aliasSet = regexp.MustCompile(`\.set\(\s*['"\x60]([^'"\x60\s]{1,200})['"\x60]\s*,\s*`)
	literal  = regexp.MustCompile(`'([^'\n]*)'|"([^"\n]*)"|\x60([^\x60]*)\x60`)
	hole     = regexp.MustCompile(`\$\{[^}]*\}`)
)

// addAliases reads aliases out of the text of a tool's settings, which is a program: what is written plainly is
// understood, the rest is only known to be an alias.
func (t *tree) addAliases(p string, at func(dir string) *settings) {
	text := t.files[p]
	dir := path.Dir(p)
	project := dir
	for d := range ancestors(dir) {
		if s := t.settings[d]; s != nil && s.pkg != nil {
			project = d
			break
		}
	}
	s := at(project)
	add := func(key string, from int) {
		value := expression(text[from:])
		// A path is what remains of a call such as path.resolve(__dirname, "src") when everything but its texts is gone.
		var parts []string
		for _, m := range literal.FindAllStringSubmatch(value, 8) {
			part := m[1] + m[2] + m[3]
			if plain := hole.ReplaceAllString(part, ""); plain != part {
				part = strings.TrimLeft(plain, "/")
			}
			parts = append(parts, part)
		}
		var targets []string
		if len(parts) > 0 {
			to := strings.Join(parts, "/")
			for _, base := range unique(dir, path.Dir(dir), project) {
				if q := cleanTarget(base, project, to); q != "" && t.isFolderOrFile(q) {
					targets = append(targets, q)
				}
			}
		}
		if len(targets) == 0 && len(parts) == 1 && strings.Trim(strings.TrimSpace(value), `'"`+"`") == parts[0] && isPackageName(packageOf(parts[0])) && isPackageName(packageOf(key)) {
			if s.renames == nil {
				s.renames = map[string]string{}
			}
			s.renames[key] = parts[0]
			return
		}
		addAlias(&s.aliases, key, targets)
	}
	for _, m := range aliasEntry.FindAllStringSubmatchIndex(text, 2_000) {
		key := group(text, m, 1) + group(text, m, 2)
		if from := m[1]; from < len(text) && strings.IndexByte("{[", text[from]) < 0 {
			add(key, from)
		}
	}
	for _, m := range aliasFind.FindAllStringSubmatchIndex(text, 500) {
		add(group(text, m, 1)+group(text, m, 2), m[1])
	}
	for _, m := range aliasSet.FindAllStringSubmatchIndex(text, 500) {
		add(group(text, m, 1), m[1])
	}
}

func group(s string, m []int, n int) string {
	if m[2*n] < 0 {
		return ""
	}
	return s[m[2*n]:m[2*n+1]]
}

// expression returns the text of an expression: up to a comma, a line's end or a bracket that it did not open.
func expression(s string) string {
	s = s[:min(len(s), 500)]
	depth := 0
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case '\'', '"', '`':
			end := strings.IndexByte(s[i+1:], s[i])
			if end < 0 {
				return s[:i]
			}
			i += end + 1
		case '(', '[', '{':
			depth++
		case ')', ']', '}':
			if depth--; depth < 0 {
				return s[:i]
			}
		case ',', ';', '\n':
			if depth == 0 {
				return s[:i]
			}
		}
	}
	return s
}

// addAlias adds a key as bundlers and test runners write it: a name, a name with a slash or a star, or a regular
// expression. A key without targets is known to be an alias, and no more.
func addAlias(to *patterns, key string, targets []string) {
	key = strings.NewReplacer(`\`, "", "^", "", "(.*)", "*", "(.+)", "*", ".*", "*", "$", "").Replace(key)
	if key == "" || key == "*" || strings.Count(key, "*") > 1 || key[0] == '.' {
		return
	}
	exact, tail := key, ""
	switch {
	case strings.HasSuffix(key, "/*"):
		exact, tail = "", key
	case strings.HasSuffix(key, "/"):
		exact, tail = "", key+"*"
	case !strings.Contains(key, "*"):
		tail = key + "/*"
	}
	if exact != "" {
		to.add(exact, targets)
	}
	if tail != "" {
		var below []string
		for _, q := range targets {
			if !strings.Contains(q, "*") {
				q += "/*"
			}
			below = append(below, q)
		}
		to.add(tail, below)
	}
}

// cleanTarget makes a path of the tree out of what an alias names. root is what <rootDir> and a leading slash mean.
func cleanTarget(base, root, to string) string {
	to = strings.NewReplacer("$1", "*", "file://", "", "<rootDir>", "\x00").Replace(to)
	if rest, ok := strings.CutPrefix(to, "\x00"); ok || strings.HasPrefix(to, "/") {
		base, to = root, rest
		if !ok {
			to = strings.TrimLeft(to, "\x00/")
		}
	}
	if len(to) > maxSpecifier || strings.ContainsAny(to, "\x00") {
		return ""
	}
	q := path.Join(base, to)
	if q == ".." || strings.HasPrefix(q, "../") {
		return ""
	}
	return q
}
