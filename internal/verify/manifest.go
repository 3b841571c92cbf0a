package verify

import (
	"bytes"
	"encoding/json"
	"path"
	"slices"
	"strings"
)

// packageJSON is what a bundler reads of the package.json of an npm package. A field of a wrong type stays empty.
type packageJSON struct {
	Name, Type, Main, Module, Style string
	ESM                             string `json:"jsnext:main"`
	Browser, Exports, Imports       json.RawMessage
	SideEffects                     json.RawMessage
	OptionalDependencies            map[string]json.RawMessage
	PeerDependenciesMeta            map[string]struct{ Optional bool }

	exports, imports entryPoints
	browserMain      string            // what a browser gets in place of Main
	browser          map[string]string // by what is named; "": nothing at all
	pure             bool              // importing it does nothing by itself
	effects          []string          // files of which that is not so
}

func readPackageJSON(text []byte) *packageJSON {
	m := &packageJSON{}
	if err := json.Unmarshal(bytes.TrimPrefix(text, []byte("\ufeff")), m); err != nil {
		if _, wrongType := err.(*json.UnmarshalTypeError); !wrongType {
			return &packageJSON{}
		}
	}
	m.exports, m.imports = readEntryPoints(m.Exports, "."), readEntryPoints(m.Imports, "#")
	if json.Unmarshal(m.Browser, &m.browserMain) != nil {
		var table map[string]json.RawMessage
		_ = json.Unmarshal(m.Browser, &table)
		m.browser = make(map[string]string, len(table))
		for from, to := range table {
			var name string
			if string(to) == "false" || json.Unmarshal(to, &name) == nil {
				m.browser[from] = name
			}
		}
	}
	if string(m.SideEffects) == "false" {
		m.pure = true
	} else if json.Unmarshal(m.SideEffects, &m.effects) == nil && m.effects != nil {
		m.pure = true
		m.effects = m.effects[:min(len(m.effects), maxConditions)]
	}
	return m
}

// hasEffects reports whether a file must be kept when nothing of it is used.
func (m *packageJSON) hasEffects(name string) bool {
	if !m.pure {
		return true
	}
	return slices.ContainsFunc(m.effects, func(pattern string) bool {
		pattern = strings.TrimPrefix(pattern, "./")
		if !strings.Contains(pattern, "/") {
			pattern = "**/" + pattern
		}
		if !strings.ContainsAny(pattern, "*?{[") {
			return pattern == name
		}
		re := globRegexp(pattern)
		return re == nil || re.MatchString(name)
	})
}

// takesOptional reports whether a package also works without another one.
func (m *packageJSON) takesOptional(name string) bool {
	_, optional := m.OptionalDependencies[name]
	return optional || m.PeerDependenciesMeta[name].Optional
}

// entryPoints is the table of exports or imports in a package.json: what may be named, in the order that it has there.
type entryPoints struct {
	exact   map[string]exported
	starred []starred // the most specific first
}

type starred struct {
	prefix, suffix string
	to             exported
}

// exported is what an entry leads to: a text, or the first of several that holds. Its zero value leads nowhere on purpose.
type exported struct {
	text  string
	cases []exportCase
}

type exportCase struct {
	condition string // "": always
	to        exported
}

// Bounds on what is read of a package.json.
const (
	maxExportDepth  = 12
	maxExportCases  = 64
	maxStarred      = 500
	maxEntryPoints  = 100_000
	defaultExport   = "."
	anyCondition    = "default"
	conditionStyle  = "style"
	conditionSass   = "sass"
	conditionImport = "import"
)

func (e *entryPoints) isEmpty() bool { return len(e.exact)+len(e.starred) == 0 }

// readEntryPoints reads a table whose keys begin with mark, or what stands for its one entry.
func readEntryPoints(raw json.RawMessage, mark string) (e entryPoints) {
	if len(raw) == 0 || string(raw) == "null" {
		return e
	}
	e.exact = map[string]exported{}
	keys, values := orderedObject(raw)
	if len(keys) == 0 || !strings.HasPrefix(keys[0], mark) {
		if mark == defaultExport {
			e.exact[defaultExport] = readExported(raw, 0)
		}
		return e
	}
	for i, key := range keys[:min(len(keys), maxEntryPoints)] {
		to := readExported(values[i], 0)
		if strings.HasSuffix(key, "/") { // as folders were once exported
			e.addStarred(starred{key, "", to.under()})
			continue
		}
		if prefix, suffix, ok := strings.Cut(key, "*"); ok {
			e.addStarred(starred{prefix, suffix, to})
			continue
		}
		e.exact[key] = to
	}
	slices.SortStableFunc(e.starred, func(a, b starred) int {
		if a.prefix != b.prefix {
			return len(b.prefix) - len(a.prefix)
		}
		return len(b.suffix) - len(a.suffix)
	})
	return e
}

func (e *entryPoints) addStarred(s starred) {
	if len(e.starred) < maxStarred {
		e.starred = append(e.starred, s)
	}
}

// under is what a folder's entry leads to: whatever stands below it.
func (x exported) under() exported {
	if x.text != "" {
		x.text += "*"
	}
	cases := make([]exportCase, len(x.cases))
	for i, c := range x.cases {
		cases[i] = exportCase{c.condition, c.to.under()}
	}
	x.cases = cases
	return x
}

func readExported(raw json.RawMessage, depth int) (x exported) {
	if len(raw) == 0 || depth > maxExportDepth {
		return x
	}
	switch raw[0] {
	case '"':
		_ = json.Unmarshal(raw, &x.text)
	case '[':
		var list []json.RawMessage
		_ = json.Unmarshal(raw, &list)
		for _, r := range list[:min(len(list), maxExportCases)] {
			x.cases = append(x.cases, exportCase{"", readExported(r, depth+1)})
		}
	case '{':
		keys, values := orderedObject(raw)
		for i, key := range keys[:min(len(keys), maxExportCases)] {
			x.cases = append(x.cases, exportCase{key, readExported(values[i], depth+1)})
		}
	}
	return x
}

// orderedObject returns the keys and values of an object in their order, which decides between conditions.
func orderedObject(raw json.RawMessage) (keys []string, values []json.RawMessage) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if open, err := d.Token(); err != nil || open != json.Delim('{') {
		return nil, nil
	}
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, nil
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			return nil, nil
		}
		name, _ := key.(string)
		keys, values = append(keys, name), append(values, value)
	}
	return keys, values
}

// pick is the target that the conditions lead to. ok is false when none does, and true with "" when it is nothing on purpose.
func (x exported) pick(conditions map[string]bool) (target string, ok bool) {
	if x.cases == nil {
		return x.text, true
	}
	for _, c := range x.cases {
		if c.condition != "" && c.condition != anyCondition && !conditions[c.condition] {
			continue
		}
		if target, ok := c.to.pick(conditions); ok && (target != "" || c.condition != "") {
			return target, true
		}
	}
	return "", false
}

// find is what a name leads to: a target, relative to the package or, in imports, another package.
func (e *entryPoints) find(name string, conditions map[string]bool) (target string, ok bool) {
	if x, there := e.exact[name]; there && !strings.Contains(name, "*") {
		target, ok = x.pick(conditions)
		return target, ok && target != ""
	}
	for _, s := range e.starred {
		if len(name) >= len(s.prefix)+len(s.suffix) && strings.HasPrefix(name, s.prefix) && strings.HasSuffix(name, s.suffix) && name != s.prefix {
			target, ok = s.to.pick(conditions)
			return strings.ReplaceAll(target, "*", name[len(s.prefix):len(name)-len(s.suffix)]), ok && target != ""
		}
	}
	return "", false
}

// packagePath is a path that a package.json names, as a path of the package. Nothing leads out of it.
func packagePath(p string) (string, bool) {
	p = path.Clean(p)
	if p == "." || p == "" || p == ".." || strings.HasPrefix(p, "../") || strings.HasPrefix(p, "/") || len(p) > maxSpecifier || strings.ContainsAny(p, "\x00\\") {
		return "", false
	}
	return p, true
}
