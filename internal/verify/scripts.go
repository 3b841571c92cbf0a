package verify

import (
	"slices"
	"strings"
)

// Page is what a page runs, for those who look at its programs.
type Page struct {
	Path    string
	Scripts []Script // in their order
	IDs     []string // of its elements, which are names to its scripts too
	Foreign bool     // it runs scripts besides that are not files of the project
}

// Script is a program, or a handler of an event, of a page.
type Script struct {
	File    string // of the project; "": it stands in the page
	Body    string // what stands in the page
	Start   int    // its place there, in bytes; of a handler that is not written plainly, that of the attribute
	Plain   bool   // Body stands there byte for byte
	Module  bool
	Handler bool
}

// Pages reads the pages of a tree. What stands in templates is not known before they are filled in: of those it tells the
// files that they run, and that they run others besides.
func Pages(project Tree) (pages []Page) {
	t := newTree(project, new(diagnostics))
	for _, p := range t.paths {
		if !isHTML(p) || t.isOutput(p) {
			continue
		}
		pg := readPage(p, t.files[p], new(diagnostics))
		t.resolvePage(pg)
		page := t.scriptsOf(pg)
		if t.isPartial(pg) {
			page.Foreign = true
			page.Scripts = slices.DeleteFunc(page.Scripts, func(s Script) bool { return s.File == "" })
		}
		pages = append(pages, page)
	}
	return pages
}

// scriptsOf are the scripts of a page.
func (t *tree) scriptsOf(pg *page) Page {
	out := Page{Path: pg.path, IDs: pg.ids}
	content := t.files[pg.path]
	type placed struct {
		at int
		s  Script
	}
	var list []placed
	for _, r := range pg.refs {
		switch {
		case r.kind != refScript && r.kind != refModule:
		case r.target != "":
			list = append(list, placed{r.tagStart, Script{File: r.target, Module: r.kind == refModule}})
		case r.kind == refScript || isExternalURL(r.url):
			out.Foreign = true
		}
	}
	for _, in := range pg.inlines {
		if in.kind == inlineModule || in.kind == inlineScript {
			list = append(list, placed{in.tagStart, Script{Body: content[in.start:in.end], Start: in.start, Plain: true, Module: in.kind == inlineModule}})
		}
	}
	for _, a := range pg.handlers {
		s := Script{Body: a.value, Start: a.start, Handler: true}
		if i := strings.Index(content[a.start:a.end], a.value); i >= 0 {
			s.Start, s.Plain = a.start+i, true
		}
		list = append(list, placed{a.start, s})
	}
	slices.SortStableFunc(list, func(a, b placed) int { return a.at - b.at })
	for _, p := range list {
		out.Scripts = append(out.Scripts, p.s)
	}
	return out
}

// IsOutput returns whether files are left out of checks, because tools of the project write them or git ignores them.
func IsOutput(project Tree) func(path string) bool {
	t := newTree(project, new(diagnostics))
	return func(p string) bool { return t.isOutput(p) || isSample(p) }
}
