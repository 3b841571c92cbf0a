package verify

import (
	"path"
	"regexp"
	"slices"
	"strings"
)

// Reference is a place in a file where another file of the tree is named.
type Reference struct {
	Start, End int    // of the name, without quotes and without what follows a ? or #
	Target     string // the file that is meant
}

// References finds where files of a tree name each other. It reads text, not grammar, and resolves names as [Check] does; nothing is parsed
// or built, so that it may run in the process of whoever asks.
type References struct{ t *tree }

// NewReferences reads the settings of a tree that say what names mean.
func NewReferences(t Tree) *References {
	return &References{newTree(t, new(diagnostics))}
}

var (
	scriptNames = regexp.MustCompile("(?:\\bfrom|\\bimport|\\brequire(?:\\.resolve)?|\\bURL|[mM]ock|\\bActual|\\bimportActual|\\brequireActual|\\bimportScripts|Worker|\\bregister|\\breference\\s+path\\s*=|\\bsrc\\s*=|\\bhref\\s*=)" +
		"\\s*(?:<[^<>()\"'`]*>)?\\s*[({]?\\s*(?:/\\*[^*]*\\*/\\s*)?[\"'`]([^\"'`\\n]+)[\"'`]")
	styleNames = regexp.MustCompile(`(?:(@import|@use|@forward|@plugin|@config|@reference|@source)\s+(?:url\(\s*)?|\burl\(\s*|\bcomposes\s*:[^;{}"']*\sfrom\s+)["']?([^"'()\s;]+)`)
	linkNames  = regexp.MustCompile(`\]\(\s*<?([^()\s<>]+)`)
)

// Of returns the references in one file, in order, each once.
func (r *References) Of(p string) (refs []Reference) {
	text := r.t.files[p] // without a byte order mark
	switch ext := strings.ToLower(path.Ext(p)); {
	case isHTML(p):
		refs = r.page(p, text)
	case ext == ".css" || ext == ".scss" || ext == ".sass" || ext == ".less" || ext == ".pcss" || ext == ".styl":
		refs = r.style(p, text, 0)
	case ext == ".md" || ext == ".mdx":
		for _, m := range linkNames.FindAllStringSubmatchIndex(text, -1) {
			hit, o := r.t.reference(p, path.Dir(p), text[m[2]:m[3]], func(q string) (string, bool) { return q, r.t.has(q) })
			if o == found {
				refs = add(refs, text, m[2], m[3], hit)
			}
		}
		if ext == ".mdx" {
			refs = append(refs, r.script(p, text, 0)...)
		}
	case ext == ".vue" || ext == ".svelte" || ext == ".astro":
		refs = append(r.script(p, text, 0), r.style(p, text, 0)...)
	case isScript(r.t.loader(p)):
		refs = r.script(p, text, 0)
	}
	slices.SortFunc(refs, func(a, b Reference) int { return a.Start - b.Start })
	last := 0
	return slices.DeleteFunc(refs, func(f Reference) bool {
		if f.Start < last { // named by two patterns
			return true
		}
		last = f.End
		return false
	})
}

// add notes a reference by the place of its name, suffix included.
func add(list []Reference, text string, start, end int, target string) []Reference {
	clean, _ := cutSuffix(text[start:end])
	if strings.HasSuffix(target, text[start:end]) { // the sign is part of the file's name
		clean = text[start:end]
	}
	return append(list, Reference{start, start + len(clean), target})
}

func (r *References) script(p, text string, offset int) (refs []Reference) {
	for _, m := range scriptNames.FindAllStringSubmatchIndex(text, -1) {
		if to := r.t.lookup(p, text[m[2]:m[3]]); to.outcome == found && !to.guess {
			for _, f := range add(nil, text, m[2], m[3], to.target) {
				refs = append(refs, Reference{f.Start + offset, f.End + offset, f.Target})
			}
		}
	}
	return refs
}

func (r *References) style(p, text string, offset int) (refs []Reference) {
	for _, m := range styleNames.FindAllStringSubmatchIndex(text, -1) {
		if to := r.t.resolveStyle(p, text[m[4]:m[5]], m[2] >= 0); to.outcome == found && !to.guess {
			for _, f := range add(nil, text, m[4], m[5], to.target) {
				refs = append(refs, Reference{f.Start + offset, f.End + offset, f.Target})
			}
		}
	}
	return refs
}

// page reads the elements of a page and its scripts and styles.
func (r *References) page(p, text string) (refs []Reference) {
	pg := readPage(p, text, new(diagnostics))
	r.t.resolvePage(pg)
	for _, ref := range pg.refs {
		if ref.outcome != found || ref.target == "" {
			continue
		}
		if i := wordIndex(text[ref.start:ref.end], ref.url); i >= 0 { // unless it is written with entities
			refs = add(refs, text, ref.start+i, ref.start+i+len(ref.url), ref.target)
		}
	}
	for _, in := range pg.inlines {
		switch in.kind {
		case inlineModule, inlineScript:
			refs = append(refs, r.script(p, text[in.start:in.end], in.start)...)
		case inlineStyle:
			refs = append(refs, r.style(p, text[in.start:in.end], in.start)...)
		}
	}
	return refs
}

// wordIndex is where a name stands in the value of an attribute by itself, -1 when it does not.
func wordIndex(value, name string) int {
	for from := 0; ; {
		i := strings.Index(value[from:], name)
		if i < 0 {
			return -1
		}
		i += from
		if end := i + len(name); (i == 0 || strings.IndexByte("\"' \t\r\n,", value[i-1]) >= 0) && (end == len(value) || strings.IndexByte("\"' \t\r\n,>", value[end]) >= 0) {
			return i
		}
		from = i + 1
	}
}
