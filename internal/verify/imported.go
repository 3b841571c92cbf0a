package verify

import (
	"encoding/json"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// packageImport is a place where a file imports something of a package.
type packageImport struct {
	spec    string
	kind    api.ResolveKind
	module  module
	address bool // it asks for an address, or a text
	at      *api.Location

	names []string // what is imported by name
	all   bool     // so is the module as a whole
}

// resolvePackage finds what a name means that leads out of the tree.
func (t *tree) resolvePackage(importer string, a api.OnResolveArgs, r resolution) resolution {
	spec := strings.TrimPrefix(a.Path, "~")
	if name, _ := cutSuffix(spec); len(spec) > maxSpecifier || !strings.HasPrefix(spec, "node:") && !isPackageName(packageOf(name)) {
		if a.Path == "" || a.Path[0] != '#' || inStyle(a.Kind) {
			return r
		}
		if spec = t.ownImport(importer, a.Path); spec == "" {
			return r
		}
	}
	spec, suffix := cutSuffix(spec)
	m := t.modules.fromTree(t.packageFolder(importer), t.renamed(importer, spec), manner(a.Kind))
	if m.inTree != "" {
		return r
	}
	return resolution{outcome: inPackage, module: m, suffix: suffix}
}

// packageFolder is the folder whose package.json says what a file may import.
func (t *tree) packageFolder(p string) string {
	for dir := range ancestors(path.Dir(fileOf(p))) {
		if s := t.settings[dir]; s != nil && s.pkg != nil {
			return dir
		}
	}
	return "."
}

// ownImport is the package that #name means by the imports of a package.json above a file; "": none.
func (t *tree) ownImport(p, name string) string {
	for dir := range ancestors(path.Dir(fileOf(p))) {
		if s := t.settings[dir]; s != nil && s.pkg != nil {
			if m, ok := s.pkg.imports.find(name); ok {
				for _, to := range m.paths() {
					if isPackageName(packageOf(to)) {
						return to
					}
				}
			}
			return ""
		}
	}
	return ""
}

// renamed is the package that the project's tools take in the place of another one.
func (t *tree) renamed(p, spec string) string {
	for dir := range ancestors(path.Dir(fileOf(p))) {
		s := t.settings[dir]
		if s == nil {
			continue
		}
		for from, to := range s.renames {
			if spec == from || strings.HasPrefix(spec, from+"/") {
				return to + spec[len(from):]
			}
		}
	}
	return spec
}

// addNames reads what is imported by name out of what the bundler made of a file that was built alone, without template
// literals: what stands at the beginning of a line is an import of its own, and in the bundler's words.
func addNames(imports []packageImport, output string) {
	bySpec := map[string][]*packageImport{}
	for i := range imports {
		if imports[i].kind == api.ResolveJSImportStatement {
			bySpec[imports[i].spec] = append(bySpec[imports[i].spec], &imports[i])
		}
	}
	note := func(clause, spec string) {
		for _, i := range bySpec[spec] {
			i.addClause(clause)
		}
	}
	for rest := output; rest != ""; {
		line := rest
		if end := strings.IndexByte(rest, '\n'); end >= 0 {
			line = rest[:end]
		}
		clause, ok := strings.CutPrefix(line, "import ")
		if !ok {
			clause, ok = strings.CutPrefix(line, "export *")
			clause = "*" + clause
		}
		if ok && !strings.Contains(line, ";") { // one that takes several lines
			if end := strings.Index(rest, ";\n"); end > 0 {
				clause += rest[len(line) : end+1]
				line = rest[:end+1]
			}
		}
		if ok {
			if clause, spec, ok := cutFrom(clause); ok {
				note(clause, spec)
			}
		}
		rest = strings.TrimPrefix(rest[len(line):], "\n")
	}
}

// cutFrom takes the words of an import before from, and the name after it, apart.
func cutFrom(s string) (clause, spec string, ok bool) {
	clause, rest, ok := cutLastWord(s, " from ")
	if !ok {
		return "", "", false
	}
	end := strings.LastIndexByte(rest, '"')
	if with := strings.Index(rest, `" with {`); with > 0 {
		end = with
	}
	if end < 1 || json.Unmarshal([]byte(rest[:end+1]), &spec) != nil {
		return "", "", false
	}
	return clause, spec, true
}

func cutLastWord(s, word string) (before, after string, ok bool) {
	if i := strings.LastIndex(s, word); i >= 0 {
		return s[:i], s[i+len(word):], true
	}
	return s, "", false
}

// addClause reads D, { a as b, "c" as d } and * as n.
func (i *packageImport) addClause(clause string) {
	plain, braced, _ := strings.Cut(clause, "{")
	for part := range strings.SplitSeq(plain, ",") {
		switch part = strings.TrimSpace(part); {
		case part == "":
		case strings.HasPrefix(part, "*"):
			i.all = true
		default:
			i.names = append(i.names, "default")
		}
	}
	braced, _, _ = strings.Cut(braced, "}")
	for part := range strings.SplitSeq(braced, ",") {
		name, _, _ := strings.Cut(strings.TrimSpace(part), " as ")
		if text := ""; strings.HasPrefix(name, `"`) {
			if json.Unmarshal([]byte(name), &text) != nil {
				i.all = true
				continue
			}
			name = text
		}
		if name != "" {
			i.names = append(i.names, name)
		}
	}
}

// lacking says why something of a package is not there.
func (t *tree) lacking(importer, spec string, m module) string {
	name := packageOf(spec)
	why := ""
	if m.problem != "" {
		why = ": " + m.problem
	}
	switch {
	case m.unavailable:
		return "The package " + strconv.Quote(name) + " cannot be had" + why
	case m.unknown && t.needs(importer, name):
		return "The package " + strconv.Quote(name) + " is not there" + why
	case m.unknown:
		return "Could not resolve " + strconv.Quote(spec) + ": no package.json asks for " + strconv.Quote(name) + strings.Replace(why, ": ", "; ", 1)
	}
	return "Could not resolve " + strconv.Quote(spec) + why
}

// checkPackages reports imports of packages that lead nowhere. What is part of the program is an error when nothing but the
// import can be at fault: a package that is asked for and cannot be had is told of where it is asked for. Of what no browser
// loads it counts alone whether packages are there.
func (t *tree) checkPackages(g *graph, program map[string]bool, browser bool, d *diagnostics) {
	if t.modules == nil {
		return
	}
	said := map[string]bool{}
	for _, p := range slices.Sorted(maps.Keys(g.imports)) {
		if isDeclaration(p) {
			continue
		}
		for _, i := range g.imports[p] {
			name := packageOf(strings.TrimPrefix(i.spec, "~"))
			severity := SeverityWarning
			m := api.Message{Location: i.at}
			switch {
			case i.module.unknown, i.module.unavailable, i.module.problem != "" && program[p] && (browser || !i.module.forNode):
				m.Text = t.lacking(p, i.spec, i.module)
				// What JSX means may be set by a tool in a way that is not understood here.
				unclear := name == "react" && strings.HasPrefix(i.spec, "react/jsx-") && !t.needs(p, "@vitejs/plugin-react", "@vitejs/plugin-react-swc", "react-dom", "react-scripts")
				if (program[p] || isToolConfig(p)) && !i.module.unavailable && !(i.module.unknown && t.needs(p, name)) && !unclear {
					severity = SeverityError
				}
			case i.module.builtin != "" && program[p] && browser:
				m.Text = t.unavailable(p, i.spec)
			case i.module.place != "" && program[p] && !t.needs(p, name) && !t.isOwn(p, name) && t.renamed(p, i.spec) == i.spec && i.spec[0] != '#':
				m.Text = "No package.json asks for " + strconv.Quote(name) + ": it is there for another package alone, and may be gone tomorrow"
			}
			if m.Text == "" || severity == SeverityWarning && said[name] {
				continue
			}
			said[name] = true
			t.messages(p, []api.Message{m}, severity, d)
		}
	}
}

// isToolConfig reports whether a file sets up the tool that builds the project.
func isToolConfig(p string) bool {
	return strings.HasPrefix(path.Base(p), "vite.config.") && !strings.Contains(p, "/")
}

// isOwn reports whether a name is that of the package that a file belongs to.
func (t *tree) isOwn(p, name string) bool {
	s := t.settings[t.packageFolder(p)]
	return s != nil && s.pkg != nil && s.pkg.Name == name
}

// packageMessages turns what the bundler says about packages into findings.
func (t *tree) packageMessages(list []api.Message, d *diagnostics) {
	for i, m := range list {
		if i == 20 {
			d.countDropped(len(list) - i)
			return
		}
		text := m.Text
		if l := m.Location; l != nil {
			if p, ok := strings.CutPrefix(l.File, nsPackage+":"); ok && !strings.HasPrefix(text, "The package ") {
				text = strings.TrimSuffix(p, moduleMark) + " cannot be bundled: " + text
			}
		}
		t.messages("package.json", []api.Message{{Text: text}}, SeverityError, d)
	}
}
