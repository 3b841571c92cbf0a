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
	scripts   bool   // and the scripts of pages that are there
}

// frameworks are the ones that are known, those that make pages first.
var frameworks = []framework{
	{pkg: "next", name: "Next.js", needs: "a server that puts its pages together", own: true},
	{pkg: "nuxt", name: "Nuxt", needs: "a server that puts its pages together", own: true},
	{pkg: "@remix-run/react", name: "Remix", needs: "a server that puts its pages together", own: true},
	{pkg: "@react-router/dev", name: "React Router as a framework", needs: "a server that puts its pages together", own: true},
	{pkg: "@tanstack/react-start", name: "TanStack Start", needs: "a server that puts its pages together", own: true},
	{pkg: "@solidjs/start", name: "SolidStart", needs: "a server that puts its pages together", own: true},
	{pkg: "@sveltejs/kit", name: "SvelteKit", needs: "a server that puts its pages together", own: true},
	{pkg: "@builder.io/qwik-city", name: "Qwik", needs: "a server that puts its pages together", own: true},
	{pkg: "astro", name: "Astro", needs: "its own program, which writes its pages", own: true},
	{pkg: "gatsby", name: "Gatsby", needs: "its own program, which writes its pages", own: true},
	{pkg: "vitepress", name: "VitePress", needs: "its own program, which writes its pages", own: true},
	{pkg: "@docusaurus/core", name: "Docusaurus", needs: "its own program, which writes its pages", own: true},
	{pkg: "@11ty/eleventy", name: "Eleventy", needs: "its own program, which writes its pages", own: true},
	{pkg: "@angular/core", name: "Angular", needs: "its own compiler", own: true, scripts: true},
	{pkg: "@builder.io/qwik", name: "Qwik", needs: "its own compiler", own: true, scripts: true},
	{pkg: "solid-js", name: "Solid", needs: "its own compiler of JSX", own: true, scripts: true},
	{pkg: "react-native", name: "React Native", needs: "a phone, or an emulator of one", own: true},
	{pkg: "electron", name: "Electron", needs: "a program on a desk"},
	{pkg: "@nestjs/core", name: "NestJS", needs: "a server"},
	{pkg: "express", name: "Express", needs: "a server"},
	{pkg: "fastify", name: "Fastify", needs: "a server"},
	{pkg: "koa", name: "Koa", needs: "a server"},
	{pkg: "hono", name: "Hono", needs: "a server"},
	{pkg: "@hapi/hapi", name: "hapi", needs: "a server"},
	{pkg: "@adonisjs/core", name: "AdonisJS", needs: "a server"},
	{pkg: "elysia", name: "Elysia", needs: "a server"},
	{pkg: "polka", name: "Polka", needs: "a server"},
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
			if !needed && !dev || f.own && !f.scripts && t.has(path.Join(dir, "index.html")) {
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
func RunsElsewhere(d Diagnostic) (told, all bool) {
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
