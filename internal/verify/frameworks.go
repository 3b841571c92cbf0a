package verify

import (
	"html"
	"maps"
	"path"
	"slices"
	"strings"

	"codeforge"
)

// framework is what a program is made with that needs more than a browser.
type framework struct {
	pkg, name string
	needs     string // what it needs that is not here
	own       bool   // it makes the pages itself, so that nothing of it can be shown without
}

// frameworks are the ones that are known, those that make pages first.
var frameworks = []framework{
	{"next", "Next.js", "a server that puts its pages together", true},
	{"nuxt", "Nuxt", "a server that puts its pages together", true},
	{"@remix-run/react", "Remix", "a server that puts its pages together", true},
	{"@react-router/dev", "React Router as a framework", "a server that puts its pages together", true},
	{"@tanstack/react-start", "TanStack Start", "a server that puts its pages together", true},
	{"@solidjs/start", "SolidStart", "a server that puts its pages together", true},
	{"@sveltejs/kit", "SvelteKit", "a server that puts its pages together", true},
	{"@builder.io/qwik-city", "Qwik", "a server that puts its pages together", true},
	{"astro", "Astro", "its own program, which writes its pages", true},
	{"gatsby", "Gatsby", "its own program, which writes its pages", true},
	{"vitepress", "VitePress", "its own program, which writes its pages", true},
	{"@docusaurus/core", "Docusaurus", "its own program, which writes its pages", true},
	{"@11ty/eleventy", "Eleventy", "its own program, which writes its pages", true},
	{"@angular/core", "Angular", "its own compiler", true},
	{"solid-js", "Solid", "its own compiler of JSX", true},
	{"react-native", "React Native", "a phone, or an emulator of one", true},
	{"electron", "Electron", "a program on a desk", false},
	{"@nestjs/core", "NestJS", "a server", false},
	{"express", "Express", "a server", false},
	{"fastify", "Fastify", "a server", false},
	{"koa", "Koa", "a server", false},
	{"hono", "Hono", "a server", false},
	{"@hapi/hapi", "hapi", "a server", false},
	{"@adonisjs/core", "AdonisJS", "a server", false},
	{"elysia", "Elysia", "a server", false},
	{"polka", "Polka", "a server", false},
}

// elsewhere is what of a project runs elsewhere alone.
type elsewhere struct {
	framework
	manifest string // the package.json that names it
	all      bool   // nothing of the project can be shown
}

// runsElsewhere finds what needs more than a browser.
func (t *tree) runsElsewhere(pages []*page) (list []elsewhere) {
	shown := slices.ContainsFunc(pages, func(pg *page) bool { return !t.isPartial(pg) })
	for _, dir := range slices.Sorted(t.manifestFolders()) {
		m := t.settings[dir].pkg
		for _, f := range frameworks {
			_, needed := m.Dependencies[f.pkg]
			_, dev := m.DevDependencies[f.pkg]
			if !needed && !dev || f.own && t.has(path.Join(dir, "index.html")) && f.pkg != "@angular/core" && f.pkg != "solid-js" {
				continue
			}
			if f.pkg == "solid-js" && m.needs("@solidjs/start") {
				continue
			}
			list = append(list, elsewhere{f, path.Join(dir, "package.json"), f.own || !shown})
		}
	}
	return list
}

// nodeProgram is a program without a page that Node.js runs.
var nodeProgram = elsewhere{framework: framework{name: "Node.js", needs: "Node.js to run it", own: true}, all: true}

// isForNode reports whether scripts need what Node.js alone has.
func (t *tree) isForNode(g *graph, scripts map[string]bool) bool {
	if t.modules == nil {
		return false
	}
	reached := map[string]bool{}
	g.reach(reached, slices.Collect(maps.Keys(scripts))...)
	for p := range reached {
		if slices.ContainsFunc(g.imports[p], func(i packageImport) bool { return i.module.builtin != "" || i.module.forNode }) {
			return true
		}
	}
	return false
}

// manifestFolders are the folders that have a package.json.
func (t *tree) manifestFolders() func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for dir, s := range t.settings {
			if s.pkg != nil && !yield(dir) {
				return
			}
		}
	}
}

// What findings of [elsewhere] begin and end with.
const (
	madeWith     = "This is made with "
	showsNothing = "a preview shows nothing of them"
)

// RunsElsewhere reports whether a finding tells that a part of the project does not run here; all: nothing of it does.
func (d Diagnostic) RunsElsewhere() (told, all bool) {
	told = d.Rung == codeforge.RungBundle && d.Severity == SeverityWarning && path.Base(d.File) == "package.json" && strings.HasPrefix(d.Message, madeWith)
	return told, told && strings.HasSuffix(d.Message, showsNothing)
}

// says is what to tell of it.
func (e elsewhere) says() string {
	switch {
	case e.pkg == "":
		return "This is a program for " + e.name + ", which does not run here. Its files are checked"
	case e.all:
		return madeWith + e.name + ", which needs " + e.needs + ": that does not run here. The files are checked as far as that goes without it; " + showsNothing
	}
	return madeWith + e.name + ", which needs " + e.needs + ": that does not run here. A preview shows the pages as they are, and what they ask of it stays without an answer"
}

// tellElsewhere reports what does not run here, where the project asks for it.
func (t *tree) tellElsewhere(list []elsewhere, d *diagnostics) {
	for _, e := range list {
		line, column := 0, 0
		if i := strings.Index(t.files[e.manifest], `"`+e.pkg+`"`); i >= 0 {
			line, column = position(t.files[e.manifest], i)
		}
		d.addOn(codeforge.RungBundle, e.manifest, line, column, SeverityWarning, "%s", e.says())
	}
}

// elsewherePage stands in for what runs elsewhere.
func elsewherePage(e elsewhere) string {
	return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>" + html.EscapeString(e.name) + " does not run here</title>\n" +
		"<style>body { font: 16px/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem; color: #222; background: #fff }</style>\n</head>\n<body>\n<h1>" +
		html.EscapeString(e.name) + " does not run here</h1>\n<p>" + html.EscapeString(e.says()) + ".</p>\n</body>\n</html>\n"
}
