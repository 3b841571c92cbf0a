package verify

import (
	"regexp"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Kinds of the bundler's warnings about namespaces: import * as n.
const (
	memberMissing   = "import-is-undefined"   // n.x, which nothing exports
	namespaceCalled = "call-import-namespace" // n()
)

var (
	// commonJS are words by which a script without import and export may have exports all the same.
	commonJS = regexp.MustCompile(`\b(?:module|exports|require|define|this|arguments|eval)\b`)

	namespaceImport = regexp.MustCompile(`import\s+\*\s+as\s+([\w$]+)\s+from\s*["']([^"'\n]+)["']`)
	usedAsTarget    = regexp.MustCompile("^\\s*(?:[(\\[`]|\\.[^.])")
	madeOrRendered  = regexp.MustCompile(`(?:\bnew\s+|<)[\w$]+\s*\.\s*$`)
)

// crashes takes those of the bundler's warnings apart that are sure to stop the program where it comes by: a call, or a member, of
// what is undefined, and a call of a namespace. Code that also looks whether the member is there may well work.
func (t *tree) crashes(g *graph, warnings []api.Message) (crashes, others []api.Message) {
	asked := map[string]bool{} // members, by file and message, that are looked at without being used
	for _, m := range warnings {
		if m.ID == memberMissing && !usesMember(m.Location) {
			asked[messageKey(m)] = true
		}
	}
	for _, m := range warnings {
		crash := false
		switch m.ID {
		case memberMissing:
			crash = usesMember(m.Location) && !asked[messageKey(m)]
		case namespaceCalled:
			crash = t.namespaceOfModule(g, m.Location)
		}
		if crash {
			crashes = append(crashes, m)
		} else {
			others = append(others, m)
		}
	}
	return crashes, others
}

func messageKey(m api.Message) string {
	if m.Location == nil {
		return m.Text
	}
	return m.Location.File + "\n" + m.Text
}

// usesMember reports whether the member at a place is called, made an object of, rendered, or asked for a member of its own.
func usesMember(at *api.Location) bool {
	before, name, after, ok := around(at)
	return ok && name != "" && (usedAsTarget.MatchString(after) || madeOrRendered.MatchString(before))
}

// namespaceOfModule reports whether the name at a place stands for the namespace of a module of the project. What is
// CommonJS or of a package may be a function all the same.
func (t *tree) namespaceOfModule(g *graph, at *api.Location) bool {
	_, name, _, ok := around(at)
	if !ok {
		return false
	}
	p := strings.TrimPrefix(at.File, nsTree+":")
	for _, m := range namespaceImport.FindAllStringSubmatch(t.built(p), -1) {
		if m[1] == name {
			r := t.resolve(p, api.OnResolveArgs{Path: m[2], Importer: p, Namespace: nsTree, Kind: api.ResolveJSImportStatement})
			return r.outcome == found && g.linked[r.target] && (g.esm[r.target] || !commonJS.MatchString(t.built(r.target)))
		}
	}
	return false
}

// around is what stands at a place, and before and after it in its line.
func around(at *api.Location) (before, name, after string, ok bool) {
	if at == nil || at.Column > len(at.LineText) || at.Column+at.Length > len(at.LineText) {
		return "", "", "", false
	}
	return at.LineText[:at.Column], at.LineText[at.Column : at.Column+at.Length], at.LineText[at.Column+at.Length:], true
}
