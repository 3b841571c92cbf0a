package verify

import (
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

func usageOf(pages []*page) pageUsage {
	u := pageUsage{map[string]bool{}, map[string]bool{}}
	for _, pg := range pages {
		for _, r := range pg.refs {
			switch {
			case r.target == "":
			case r.kind == refScript:
				u.classic[r.target] = true
			case r.kind == refModule:
				u.modules[r.target] = true
			}
		}
		for _, in := range pg.inlines {
			switch in.kind {
			case inlineScript:
				u.classic[in.path] = true
			case inlineModule:
				u.modules[in.path] = true
			}
		}
	}
	return u
}

// idUse is a place where a script looks for an element.
type idUse struct {
	id     string
	offset int
}

var (
	idLookup = regexp.MustCompile(`(?:getElementById\(\s*['"\x60]([^'"\x60$\s]{1,100})['"\x60]\s*\)|querySelector\(\s*['"\x60]#([\w-]{1,100})['"\x60]\s*\))`)
	// id="x", id: 'x', el.id = "x", setAttribute("id", "x")
	idGiven   = regexp.MustCompile(`\bid\\?['"\x60]?\s*(?:=|:|,)\s*[{(]?\s*\\?['"\x60]?([\w:.-]{1,100})`)
	idDynamic = regexp.MustCompile(`\.id\s*=[^='"\x60]*[\w]|\bid=\{[^'"]|\bid=\\?["']?\$\{|setAttribute\(\s*['"]id['"]\s*,\s*[^'"\s]`)
)

func findIDs(content string) []idUse {
	if !strings.Contains(content, "getElementById") && !strings.Contains(content, "querySelector") {
		return nil
	}
	var list []idUse
	for _, m := range idLookup.FindAllStringSubmatchIndex(content, 500) {
		list = append(list, idUse{group(content, m, 1) + group(content, m, 2), m[0]})
	}
	return list
}

// checkRuntime reports what parses and resolves and yet cannot work in a browser: elements that no page has, and
// modules that only a build of the project's own tools has.
func (t *tree) checkRuntime(g *graph, pages []*page, d *diagnostics) {
	seen := map[string]bool{}
	for _, pg := range pages {
		for _, r := range pg.refs {
			if r.target != "" && (r.kind == refModule || r.kind == refScript) {
				g.reach(seen, r.target)
			}
		}
		for _, in := range pg.inlines {
			if in.path != "" && (in.kind == inlineModule || in.kind == inlineScript) {
				g.reach(seen, in.path)
			}
		}
		if pg.injected != "" {
			g.reach(seen, pg.injected)
		}
	}
	reached := slices.Sorted(maps.Keys(seen))
	t.checkIDs(g, pages, reached, d)
	t.checkBlocked(reached, d)

	said := map[string]bool{}
	for _, p := range reached {
		for _, m := range g.packages[p] {
			name := packageOf(m.Text)
			if said[name] || isDeclaration(p) {
				continue
			}
			said[name] = true
			m.Text = t.unavailable(p, m.Text)
			t.messages(p, []api.Message{m}, SeverityWarning, d)
		}
	}
}

// unavailable says why a preview cannot load a module that a page needs.
func (t *tree) unavailable(importer, spec string) string {
	name, _ := cutSuffix(spec)
	switch base, _, _ := strings.Cut(strings.TrimPrefix(name, "node:"), "/"); {
	case strings.HasPrefix(name, "node:") || builtins[base] && !t.needs(importer, base):
		return "This needs \"" + spec + "\" of Node.js, which a browser does not have"
	case isExternalURL(name), strings.HasPrefix(name, "#"), strings.HasPrefix(name, "$"), strings.HasPrefix(name, "~"), strings.HasPrefix(name, "@/"):
		return "This needs \"" + spec + "\", which the project's own tools make and a preview does not have"
	}
	why := "only the project's own files are part of it"
	if t.off != "" {
		why = string(t.off)
	}
	return "This needs the package \"" + spec + "\", which a preview cannot load: " + why
}

// builtins are the modules of Node.js that go by a name without a scheme.
var builtins = map[string]bool{"assert": true, "async_hooks": true, "buffer": true, "child_process": true, "cluster": true, "crypto": true, "dgram": true, "dns": true, "events": true, "fs": true, "http": true,
	"http2": true, "https": true, "module": true, "net": true, "os": true, "path": true, "perf_hooks": true, "process": true, "querystring": true, "readline": true, "stream": true, "string_decoder": true,
	"timers": true, "tls": true, "tty": true, "url": true, "util": true, "v8": true, "vm": true, "worker_threads": true, "zlib": true}

// mounts are the ids that programs put themselves into, which none of them makes first.
var mounts = map[string]bool{"root": true, "app": true, "main": true, "__next": true, "react-root": true, "container": true}

// checkIDs reports lookups of elements by an id that nothing in the project gives to any.
func (t *tree) checkIDs(g *graph, pages []*page, reached []string, d *diagnostics) {
	given := map[string]bool{}
	for _, pg := range pages {
		for _, id := range pg.ids {
			given[id] = true
			if isTemplate(id) {
				return
			}
		}
	}
	wanted := false
	for _, p := range reached {
		for _, u := range g.ids[p] {
			wanted = wanted || !given[u.id]
		}
	}
	if !wanted {
		return
	}
	dynamic := false
	for _, p := range t.paths {
		if !isScript(t.loader(p)) && !compiled(p) && !isHTML(p) {
			continue
		}
		for _, m := range idGiven.FindAllStringSubmatch(t.files[p], 5_000) {
			given[m[1]] = true
		}
		dynamic = dynamic || !isHTML(p) && idDynamic.MatchString(t.files[p])
	}
	for _, p := range reached {
		content := t.files[p]
		at := cursor{text: content}
		for _, u := range g.ids[p] {
			if given[u.id] || dynamic && !mounts[u.id] {
				continue
			}
			line, col := at.position(u.offset)
			line, col = t.inPage(p, line, col)
			d.add(fileOf(p), line, col, SeverityWarning, "No page has an element with the id %q, and no script makes one", u.id)
		}
	}
}
