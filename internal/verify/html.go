package verify

import (
	"encoding/json"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"

	"github.com/evanw/esbuild/pkg/api"

	"codeforge"
)

// page is what an HTML file refers to and holds, with byte offsets into it.
type page struct {
	path    string
	dir     string // what relative references start from
	refs    []ref
	inlines []inline
	ids     []string
	code    []attribute // with scripts or styles in them, by their places in the page

	handlers []attribute // scripts in attributes, such as onclick, with their places in the page

	injected string // the script that the project's tools put into it
}

type refKind int

const (
	refAsset  refKind = iota // must be a file
	refModule                // a script with type=module
	refScript                // a script without
	refStyle
	refPage // a link that a person follows
)

type ref struct {
	kind       refKind
	url        string
	tag, attr  string
	start, end int    // of the attribute's value, quotes included
	tagStart   int    // of the tag
	optional   bool   // an icon or a hint: nobody is harmed when it is missing
	target     string // the file it means; "" when there is none
	outcome    resolvedAs
}

type inline struct {
	path       string // in the tree; "" when it is not built
	kind       inlineKind
	start, end int // of the body
	tagStart   int // of the opening tag
}

type inlineKind int

const (
	inlineModule inlineKind = iota
	inlineScript
	inlineStyle
	inlineJSON
	inlineImportMap
	inlineOther
)

type attribute struct {
	name, value string
	start, end  int // of the value in the tag, quotes included; of the name when there is no value
}

// attributes reads the attributes of a tag as it stands in the file, because html.Tokenizer tells no offsets.
func attributes(tag string) []attribute {
	space := func(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' }
	i := 1
	for i < len(tag) && !space(tag[i]) && tag[i] != '/' && tag[i] != '>' {
		i++
	}
	var list []attribute
	for {
		for i < len(tag) && (space(tag[i]) || tag[i] == '/') {
			i++
		}
		if i >= len(tag) || tag[i] == '>' {
			return list
		}
		a := attribute{start: i}
		for j := i; i < len(tag) && !space(tag[i]) && tag[i] != '/' && tag[i] != '>' && (tag[i] != '=' || i == j); {
			i++
		}
		a.name, a.end = strings.ToLower(tag[a.start:i]), i
		for i < len(tag) && space(tag[i]) {
			i++
		}
		if i < len(tag) && tag[i] == '=' {
			for i++; i < len(tag) && space(tag[i]); {
				i++
			}
			a.start = i
			if i < len(tag) && (tag[i] == '"' || tag[i] == '\'') {
				quote := tag[i]
				i++
				from := i
				for i < len(tag) && tag[i] != quote {
					i++
				}
				a.value = tag[from:i]
				i = min(i+1, len(tag))
			} else {
				for i < len(tag) && !space(tag[i]) && tag[i] != '>' {
					i++
				}
				a.value = tag[a.start:i]
			}
			a.value, a.end = html.UnescapeString(a.value), i
		}
		list = append(list, a)
	}
}

// element is an opening tag.
type element struct {
	tag        string
	start      int // in the page
	attributes []attribute
}

func (el element) get(name string) (attribute, bool) {
	for _, a := range el.attributes {
		if a.name == name {
			return a, true
		}
	}
	return attribute{}, false
}

// refer notes what an attribute of an element names, if it has it.
func (pg *page) refer(el element, kind refKind, name string) {
	if a, ok := el.get(name); ok {
		pg.refs = append(pg.refs, ref{kind: kind, url: strings.TrimSpace(a.value), tag: el.tag, attr: name,
			start: el.start + a.start, end: el.start + a.end, tagStart: el.start})
	}
}

// referSet notes the pictures that an attribute of an element offers.
func (pg *page) referSet(el element, name string) {
	if a, ok := el.get(name); ok {
		for _, u := range candidates(a.value) {
			pg.refs = append(pg.refs, ref{kind: refAsset, url: u, tag: el.tag, attr: name, start: el.start + a.start, end: el.start + a.end, tagStart: el.start})
		}
	}
}

// read notes what an element names, and returns the body that it begins, if it is one that counts.
func (pg *page) read(el element) *inline {
	for _, a := range el.attributes {
		if len(a.name) > 4 && strings.HasPrefix(a.name, "on") && a.value != "" {
			pg.handlers = append(pg.handlers, attribute{a.name, a.value, el.start + a.start, el.start + a.end})
		}
	}
	for _, a := range el.attributes {
		if a.name == "style" || strings.HasPrefix(a.name, "on") {
			a.start += el.start
			pg.code = append(pg.code, a)
		}
	}
	switch el.tag {
	case "base":
		if a, ok := el.get("href"); ok && isOtherOrigin(a.value) {
			pg.refer(el, refAsset, "href")
		}
		if a, ok := el.get("href"); ok && !isExternalURL(a.value) && a.value != "" {
			pg.dir = path.Clean("./" + path.Join("/", path.Join(path.Dir(pg.path), a.value)))
			if strings.HasPrefix(a.value, "/") {
				pg.dir = path.Clean("." + path.Clean("/"+a.value))
			}
		}
	case "script":
		typ := ""
		if a, ok := el.get("type"); ok {
			typ = strings.ToLower(strings.TrimSpace(a.value))
		}
		if _, ok := el.get("src"); ok {
			switch {
			case typ == "module":
				pg.refer(el, refModule, "src")
			case isClassicScript(typ):
				pg.refer(el, refScript, "src")
			}
			return nil
		}
		return &inline{kind: scriptKind(typ), tagStart: el.start}
	case "style":
		return &inline{kind: inlineStyle, tagStart: el.start}
	case "link":
		rel := ""
		if a, ok := el.get("rel"); ok {
			rel = strings.ToLower(a.value)
		}
		kind, known, optional := refAsset, false, false
		for r := range strings.FieldsSeq(rel) {
			switch r {
			case "stylesheet":
				kind, known = refStyle, true
			case "icon", "apple-touch-icon", "apple-touch-icon-precomposed", "apple-touch-startup-image", "mask-icon", "fluid-icon", "manifest", "modulepreload", "preload", "prefetch":
				known, optional = true, true
			case "preconnect", "dns-prefetch", "prerender":
				if a, ok := el.get("href"); ok && isOtherOrigin(strings.TrimSpace(a.value)) {
					known, optional = true, true
				}
			}
		}
		pg.referSet(el, "imagesrcset")
		if known {
			pg.refer(el, kind, "href")
			if n := len(pg.refs); n > 0 && pg.refs[n-1].tagStart == el.start {
				pg.refs[n-1].optional = optional && kind == refAsset
			}
		}
	case "img", "source":
		pg.refer(el, refAsset, "src")
		pg.referSet(el, "srcset")
	case "video":
		pg.refer(el, refAsset, "src")
		pg.refer(el, refAsset, "poster")
	case "audio", "track", "embed", "input":
		pg.refer(el, refAsset, "src")
	case "object":
		pg.refer(el, refAsset, "data")
	case "use", "image":
		pg.refer(el, refAsset, "href")
		pg.refer(el, refAsset, "xlink:href")
	case "iframe":
		pg.refer(el, refPage, "src")
	case "a", "area":
		pg.refer(el, refPage, "href")
	case "form":
		pg.refer(el, refPage, "action")
	}
	return nil
}

// readPage finds references and inline bodies, and reports what would swallow the rest of the page.
func readPage(p, content string, d *diagnostics) *page {
	pg := &page{path: p, dir: path.Dir(p)}
	z := html.NewTokenizer(strings.NewReader(content))
	offset := 0
	raw := "" // the element whose text is not markup
	rawStart := 0
	var body *inline
	at := func(off int, severity, format string, args ...any) {
		line, col := position(content, off)
		d.add(p, line, col, severity, format, args...)
	}
	seen := map[string]bool{}
	for {
		kind := z.Next()
		start := offset
		offset = min(offset+len(z.Raw()), len(content))
		if kind == html.ErrorToken {
			break
		}
		text := content[start:offset]
		switch kind {
		case html.TextToken:
			if body != nil {
				body.start, body.end = start, offset
				pg.inlines = append(pg.inlines, *body)
				body = nil
			}
			continue
		case html.CommentToken:
			if strings.HasPrefix(text, "<!--") && !strings.HasSuffix(text, "-->") && offset == len(content) {
				at(start, SeverityError, "This comment is never closed: the rest of the page is lost in it")
			}
			continue
		case html.EndTagToken:
			raw, body = "", nil
			continue
		case html.DoctypeToken:
			continue
		}
		body = nil
		name, _ := z.TagName()
		tag := string(name)
		el := element{tag: tag, start: start, attributes: attributes(text)}
		if a, ok := el.get("id"); ok && !seen[a.value] {
			seen[a.value] = true
			pg.ids = append(pg.ids, a.value)
		}
		if kind == html.StartTagToken {
			switch tag {
			case "script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp":
				raw, rawStart = tag, start
			}
		}
		body = pg.read(el)
	}
	if raw != "" && raw != "iframe" {
		at(rawStart, SeverityError, "<%s> is never closed: the rest of the page is lost in it", raw)
	}
	return pg
}

func isClassicScript(typ string) bool {
	switch typ {
	case "", "text/javascript", "application/javascript", "text/ecmascript", "application/ecmascript", "application/x-javascript":
		return true
	}
	return false
}

func scriptKind(typ string) inlineKind {
	switch {
	case typ == "module":
		return inlineModule
	case typ == "importmap":
		return inlineImportMap
	case typ == "application/json" || typ == "application/ld+json" || typ == "speculationrules":
		return inlineJSON
	case isClassicScript(typ):
		return inlineScript
	}
	return inlineOther
}

// candidates returns the URLs of a srcset.
func candidates(set string) []string {
	var list []string
	for {
		set = strings.TrimLeft(set, ", \t\r\n\f")
		end := strings.IndexAny(set, " \t\r\n\f")
		if end < 0 {
			end = len(set)
		}
		if end == 0 {
			return list
		}
		u := set[:end]
		set = set[end:]
		if trimmed := strings.TrimRight(u, ","); trimmed != u {
			u = trimmed
		} else if i := strings.IndexByte(set, ','); i >= 0 { // after its width or density
			set = set[i:]
		} else {
			set = ""
		}
		list = append(list, u)
	}
}

// addInlines makes files of the inline bodies of a page.
func (t *tree) addInlines(pg *page) {
	content := t.files[pg.path]
	at := cursor{text: content}
	for i := range pg.inlines {
		in := &pg.inlines[i]
		body := content[in.start:in.end]
		if strings.TrimSpace(body) == "" || isTemplate(body) && in.kind != inlineModule && in.kind != inlineScript {
			continue
		}
		loader := api.LoaderNone
		switch in.kind {
		case inlineModule, inlineScript:
			loader = api.LoaderJS
		case inlineStyle:
			loader = api.LoaderCSS
		case inlineJSON:
			loader = api.LoaderJSON
		case inlineImportMap:
			loader = api.LoaderJSON
			t.addImportMap(pg, body)
		default:
			continue
		}
		line, col := at.position(in.start)
		in.path = pg.path + inlineMark + strconv.Itoa(i)
		t.inlines[in.path] = inlineFile{loader, line - 1, col - 1}
		t.files[in.path] = body
	}
}

// cursor tells the positions of growing offsets, each counted on from the one before.
type cursor struct {
	text                string
	offset, line, runes int
}

func (c *cursor) position(offset int) (line, column int) {
	offset = min(offset, len(c.text))
	if offset < c.offset {
		c.offset, c.line, c.runes = 0, 0, 0
	}
	part := c.text[c.offset:offset]
	if n := strings.Count(part, "\n"); n > 0 {
		c.line += n
		c.runes = 0
		part = part[strings.LastIndexByte(part, '\n')+1:]
	}
	c.runes += utf8.RuneCountInString(part)
	c.offset = offset
	return c.line + 1, c.runes + 1
}

func (t *tree) addImportMap(pg *page, body string) {
	var m struct{ Imports map[string]string }
	if json.Unmarshal([]byte(body), &m) != nil {
		return // reported when it is parsed
	}
	for k, to := range m.Imports {
		p := ""
		switch {
		case k == "" || isExternalURL(to):
			continue
		case strings.HasPrefix(to, "/"):
			p = path.Clean(to)[1:]
			if hit, ok := t.absolute(pg.path, to, func(p string) (string, bool) { return p, t.isFolderOrFile(p) }); ok {
				p = hit
			}
		case isRelative(to):
			p = path.Join(pg.dir, to)
		default:
			continue
		}
		if strings.HasSuffix(k, "/") {
			t.imports.add(k+"*", []string{p + "/*"})
		} else {
			t.imports.add(k, []string{p})
		}
	}
}

// isTemplate reports whether text is filled in by a template engine before a browser sees it.
func isTemplate(s string) bool {
	for _, mark := range []string{"{{", "{%", "<%", "${", "<?", "#{", "[[", "@{", "{:", "__webpack_public_path__"} {
		if strings.Contains(s, mark) {
			return true
		}
	}
	return placeholder.MatchString(s)
}

// placeholder is a name that a tool replaces in a page: %PUBLIC_URL%, %VITE_TITLE%, %sveltekit.assets%.
// What two hexadecimal digits begin is percent-encoding.
var placeholder = regexp.MustCompile(`%(?:[A-Za-z][A-Za-z0-9]*_[A-Za-z0-9_]*|[a-z]+(?:\.[A-Za-z]+)+|[G-Zg-z][A-Za-z0-9]{2,}|[A-Za-z][G-Zg-z][A-Za-z0-9]+)%`)

// partials are folders of pages that are put into others, or filled in, by a server or a generator.
var partials = map[string]bool{"partials": true, "_includes": true, "_layouts": true, "includes": true, "layouts": true, "views": true, "emails": true, "components": true, "email": true}

// isPartial reports whether what a page refers to cannot be known from where it lies.
func (t *tree) isPartial(pg *page) bool {
	content := t.files[pg.path]
	if strings.HasSuffix(pg.path, ".component.html") || isSample(pg.path) || isTemplateText(content) {
		return true
	}
	for seg := range strings.SplitSeq(path.Dir(pg.path), "/") {
		if partials[seg] {
			return true
		}
	}
	return false
}

func isTemplateText(s string) bool {
	return strings.Contains(s, "{{") || strings.Contains(s, "{%") || strings.Contains(s, "<%") || strings.Contains(s, "<?php") || strings.HasPrefix(s, "---\n")
}

// publicURL is cut from the start of addresses: what a tool puts there leads to the project's root.
func publicURL(u string) string {
	for _, name := range []string{"%PUBLIC_URL%", "%BASE_URL%", "%sveltekit.assets%", "<%= BASE_URL %>", "%BASE%"} {
		if rest, ok := strings.CutPrefix(u, name); ok {
			return "/" + strings.TrimPrefix(rest, "/")
		}
	}
	return u
}

// resolvePage finds what the references of a page mean.
func (t *tree) resolvePage(pg *page) {
	for i := range pg.refs {
		r := &pg.refs[i]
		u := publicURL(r.url)
		lower := strings.ToLower(u)
		switch {
		case u == "" || isTemplate(u) || u[0] == '#' || u[0] == '?' || len(u) > maxSpecifier || isExternalURL(u) && !strings.HasPrefix(lower, "file:"):
			r.outcome = external
			continue
		case strings.HasPrefix(lower, "file:"):
			r.outcome = outside
			continue
		}
		r.target, r.outcome = t.reference(pg.path, pg.dir, u, func(p string) (string, bool) { return t.pageTarget(r.kind, p) })
		if r.outcome == outside && t.isPartial(pg) {
			r.outcome = missing
		}
		if r.outcome == missing && u != r.url {
			r.outcome = external // a tool's business
		}
	}
}

// injects are packages whose tools put the program's script into a page that names none.
var injects = []string{"react-scripts", "@craco/craco", "react-app-rewired", "@vue/cli-service", "@angular/core", "html-webpack-plugin", "preact-cli", "@rsbuild/core", "@rspack/cli", "webpack"}

// inject finds the script that the project's tools put into a page that names none of its own.
func (t *tree) inject(pg *page) {
	for _, r := range pg.refs {
		if r.target != "" && (r.kind == refModule || r.kind == refScript) {
			return
		}
	}
	if slices.ContainsFunc(pg.inlines, func(in inline) bool { return in.kind == inlineModule }) || !t.needs(pg.path, injects...) || t.isPartial(pg) && !strings.HasPrefix(path.Base(pg.path), "index.") {
		return
	}
	for dir := range ancestors(path.Dir(pg.path)) {
		for _, name := range []string{"src/index", "src/main", "index", "main"} {
			for _, e := range []string{".tsx", ".ts", ".jsx", ".js"} {
				if p := path.Join(dir, name+e); t.has(p) {
					pg.injected = p
					return
				}
			}
		}
		if s := t.settings[dir]; s != nil && s.pkg != nil {
			return
		}
	}
}

// loads is what an element loads from another origin.
func (r *ref) loads() loads {
	switch {
	case r.tag == "form":
		return sendsForm
	case r.tag == "iframe", r.tag == "object", r.tag == "embed":
		return loadsFrame
	case r.kind == refModule || r.kind == refScript:
		return loadsScript
	case r.tag == "link":
		if as := loadedAs(r.url); as != loadsSomething || r.kind != refStyle {
			return as
		}
		return loadsStyle
	case r.tag == "base":
		return loadsSomething
	}
	return loadsMedia
}

// checkPage reports the references of a page that lead nowhere.
func (t *tree) checkPage(pg *page, g *graph, d *diagnostics) {
	content := t.files[pg.path]
	partial, served := t.isPartial(pg), t.hasServer()
	plain := !partial && !served && !t.hasPackage(pg.path)
	t.checkBlockedInPage(pg, d)
	at := cursor{text: content}
	for i := range pg.refs {
		if i == 2*codeforge.MaxFiles {
			d.countDropped(len(pg.refs) - i)
			return
		}
		r := &pg.refs[i]
		report := func(severity, format string, args ...any) {
			line, col := at.position(r.start)
			d.add(pg.path, line, col, severity, format, args...)
		}
		u := publicURL(r.url)
		clean, _ := cutSuffix(u)
		switch r.outcome {
		case external:
			switch {
			case u == "" && r.kind != refPage && r.tag != "input":
				report(SeverityError, "<%s %s> is empty", r.tag, r.attr)
			case strings.HasPrefix(strings.ToLower(u), "javascript:"):
				report(SeverityWarning, "A javascript: address runs code from a link: use a button with a listener")
			case isOtherOrigin(u) && (r.kind != refPage || r.tag == "iframe" || r.tag == "form") && !isTemplate(u):
				report(SeverityWarning, "%s", blockedLoad(r.url, r.loads()))
			}
			continue
		case outside:
			report(SeverityError, "%q leads out of the project", r.url)
			continue
		case found:
			if r.kind == refScript && g.esm[r.target] && !t.isBundled(r.target) {
				report(SeverityError, "%s is a module (it imports or exports): the script tag needs type=\"module\"", r.target)
			}
			if (r.kind == refModule || r.kind == refScript) && path.Ext(clean) != path.Ext(r.target) {
				report(SeverityWarning, "%q is built from %s: name that file", r.url, r.target)
			}
			continue
		}
		severity := SeverityError
		what := ""
		wanted := strings.TrimPrefix(path.Join(pg.dir, clean), "/")
		if clean[0] == '/' {
			wanted = strings.TrimPrefix(clean, "/")
		}
		switch {
		case r.kind == refPage && (path.Ext(clean) == "" || strings.HasSuffix(clean, "/")):
			report(SeverityWarning, "No page matches %q: neither a file, nor %s.html, nor a folder with index.html", r.url, strings.TrimSuffix(clean, "/"))
			continue
		case r.kind == refPage && r.tag != "iframe":
			// A link harms nobody until it is followed; only where all pages are here is it known to be dead.
			if !(plain && isHTML(clean)) {
				severity = SeverityWarning
			}
		case r.optional, partial:
			severity = SeverityWarning
		case t.isGenerated(clean, wanted), t.isWritten(pg.path, wanted), t.isOutput(strings.TrimPrefix(t.suggest(clean), "; the project has ")):
			severity, what = SeverityWarning, ": "+whyGenerated
		case clean[0] == '/' && (served || isServerPath(clean)):
			severity, what = SeverityWarning, ": "+whyServed
		case strings.HasPrefix(clean, "~") || strings.HasPrefix(clean, "@"):
			severity = SeverityWarning // an alias of a loader
		}
		if what == "" {
			what = t.suggest(u)
		}
		report(severity, "<%s %s> names %q, which is not in the project%s", r.tag, r.attr, r.url, what)
	}
}

// writers are packages whose tools write scripts and style sheets beside pages, or serve them from memory.
var writers = []string{"webpack", "rollup", "browserify", "esbuild", "gulp", "grunt", "sass", "node-sass", "less", "stylus", "postcss-cli", "@tailwindcss/cli", "lightningcss-cli", "rolldown", "@rspack/core", "laravel-mix", "broccoli"}

// isWritten reports whether a script or style sheet that a page names may be what a tool makes of something else.
func (t *tree) isWritten(pagePath, wanted string) bool {
	stem := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(wanted, path.Ext(wanted)), ".min"), ".bundle")
	switch path.Ext(wanted) {
	case ".css":
		for _, e := range []string{".scss", ".sass", ".less", ".styl", ".pcss"} {
			if t.has(stem + e) {
				return true
			}
		}
	case ".js":
		if t.has(stem + ".coffee") {
			return true
		}
	default:
		return false
	}
	return t.needs(pagePath, writers...)
}

// isBundled reports whether the tools of a script's project put script tags into pages, and build what they name.
func (t *tree) isBundled(p string) bool {
	return t.needs(p, "parcel", "parcel-bundler", "html-webpack-plugin")
}

// isServerPath reports whether an address is one that hosts and servers answer by themselves.
func isServerPath(p string) bool {
	for _, prefix := range []string{"/api/", "/_", "/socket.io/", "/cdn-cgi/", "/.netlify/", "/@", "/node_modules/", "/sockjs/", "/wp-", "/auth/", "/graphql", "/static/admin/", "/ws"} {
		if strings.HasPrefix(p, prefix) {
			return true
		}
	}
	switch path.Ext(p) {
	case ".php", ".asp", ".aspx", ".jsp", ".cgi", ".do", ".py", ".pl", ".cfm", ".axd", ".ashx":
		return true
	}
	return false
}

// serverPackages are those whose presence says that a server answers addresses that no file has.
var serverPackages = []string{"express", "fastify", "koa", "@hapi/hapi", "@nestjs/core", "hono", "socket.io", "next", "nuxt", "@sveltejs/kit", "astro", "@remix-run/node", "@adonisjs/core", "meteor-node-stubs", "polka", "restify", "sails", "@trpc/server", "elysia", "h3", "nitropack"}

// hasServer reports whether the project has a program that serves its pages.
func (t *tree) hasServer() bool {
	t.serverOnce.Do(func() {
		for _, s := range t.settings {
			t.server = t.server || s.pkg != nil && slices.ContainsFunc(serverPackages, s.pkg.needs)
		}
		for _, p := range t.paths {
			switch path.Ext(p) {
			case ".py", ".rb", ".php", ".go", ".java", ".kt", ".cs", ".rs", ".ex", ".exs", ".scala", ".pl":
				t.server = true
			}
		}
	})
	return t.server
}

func (t *tree) pageTarget(kind refKind, p string) (string, bool) {
	p = strings.TrimPrefix(p, "./")
	if t.has(p) {
		return p, true
	}
	switch kind {
	case refPage:
		for _, q := range []string{p + ".html", path.Join(p, "index.html"), p + ".htm"} {
			if t.has(strings.TrimPrefix(q, "./")) {
				return strings.TrimPrefix(q, "./"), true
			}
		}
	case refModule, refScript:
		ext := path.Ext(p)
		for _, e := range compiledFrom[ext] {
			if q := strings.TrimSuffix(p, ext) + e; t.has(q) {
				return q, true
			}
		}
	}
	return "", false
}

// unescape undoes percent encoding; what cannot be undone is returned as it is.
func unescape(s string) string {
	if u, err := url.PathUnescape(s); err == nil {
		return u
	}
	return s
}
