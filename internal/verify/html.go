package verify

import (
	"encoding/json"
	"net/url"
	"path"
	"strconv"
	"strings"

	"golang.org/x/net/html"

	"github.com/evanw/esbuild/pkg/api"
)

// page is what an HTML file refers to and holds, with byte offsets into it.
type page struct {
	path    string
	dir     string // what relative references start from
	refs    []ref
	inlines []inline
	head    int // where a tag can be put so that it comes first in the head; 0: the start of the file
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
	target     string // the file it means; "" when there is none
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
		attrs := attributes(text)
		get := func(name string) (attribute, bool) {
			for _, a := range attrs {
				if a.name == name {
					return a, true
				}
			}
			return attribute{}, false
		}
		add := func(kind refKind, name string) {
			if a, ok := get(name); ok {
				pg.refs = append(pg.refs, ref{kind: kind, url: strings.TrimSpace(a.value), tag: tag, attr: name,
					start: start + a.start, end: start + a.end, tagStart: start})
			}
		}
		if kind == html.StartTagToken {
			switch tag {
			case "script", "style", "textarea", "title", "iframe", "noembed", "noframes", "xmp":
				raw, rawStart = tag, start
			}
		}
		switch tag {
		case "head":
			pg.head = offset
		case "base":
			if a, ok := get("href"); ok && !isExternalURL(a.value) && a.value != "" {
				pg.dir = path.Clean("./" + path.Join("/", path.Join(path.Dir(p), a.value)))
				if strings.HasPrefix(a.value, "/") {
					pg.dir = path.Clean("." + path.Clean("/"+a.value))
				}
			}
		case "script":
			typ := ""
			if a, ok := get("type"); ok {
				typ = strings.ToLower(strings.TrimSpace(a.value))
			}
			if _, ok := get("src"); ok {
				switch {
				case typ == "module":
					add(refModule, "src")
				case isClassicScript(typ):
					add(refScript, "src")
				}
				break
			}
			body = &inline{kind: scriptKind(typ), tagStart: start}
		case "style":
			body = &inline{kind: inlineStyle, tagStart: start}
		case "link":
			rel := ""
			if a, ok := get("rel"); ok {
				rel = strings.ToLower(a.value)
			}
			kind, known := refAsset, false
			for r := range strings.FieldsSeq(rel) {
				switch r {
				case "stylesheet":
					kind, known = refStyle, true
				case "icon", "apple-touch-icon", "mask-icon", "manifest", "modulepreload", "preload", "prefetch":
					known = true
				}
			}
			if known {
				add(kind, "href")
			}
		case "img", "source":
			add(refAsset, "src")
			if a, ok := get("srcset"); ok {
				for _, u := range candidates(a.value) {
					pg.refs = append(pg.refs, ref{kind: refAsset, url: u, tag: tag, attr: "srcset", start: start + a.start, end: start + a.end, tagStart: start})
				}
			}
		case "video":
			add(refAsset, "src")
			add(refAsset, "poster")
		case "audio", "track", "embed", "input":
			add(refAsset, "src")
		case "object":
			add(refAsset, "data")
		case "use", "image":
			add(refAsset, "href")
			add(refAsset, "xlink:href")
		case "iframe":
			add(refPage, "src")
		case "a", "area":
			add(refPage, "href")
		case "form":
			add(refPage, "action")
		}
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
	for c := range strings.SplitSeq(set, ", ") {
		if f := strings.Fields(c); len(f) > 0 {
			list = append(list, strings.TrimSuffix(f[0], ","))
		}
	}
	return list
}

// addInlines makes files of the inline bodies of a page. They are padded so that a position in them is one in the page.
func (t *tree) addInlines(pg *page) {
	content := t.files[pg.path]
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
		line, col := position(content, in.start)
		in.path = pg.path + inlineMark + strconv.Itoa(i)
		t.inlines[in.path] = loader
		t.files[in.path] = strings.Repeat("\n", line-1) + strings.Repeat(" ", col-1) + body
	}
}

func (t *tree) addImportMap(pg *page, body string) {
	var m struct{ Imports map[string]string }
	if json.Unmarshal([]byte(body), &m) != nil {
		return // reported when it is parsed
	}
	for k, to := range m.Imports {
		switch {
		case k == "" || isExternalURL(to):
		case strings.HasPrefix(to, "/"):
			t.imports[k] = path.Clean(to)[1:]
		case isRelative(to):
			t.imports[k] = path.Join(pg.dir, to)
		}
	}
}

// isTemplate reports whether text is filled in by a template engine before a browser sees it.
func isTemplate(s string) bool {
	return strings.Contains(s, "{{") || strings.Contains(s, "{%") || strings.Contains(s, "<%") || strings.Contains(s, "${") || strings.Contains(s, "<?")
}

// checkPage resolves the references of a page, fills in their targets and reports those that lead nowhere.
func (t *tree) checkPage(pg *page, g *graph, d *diagnostics) {
	content := t.files[pg.path]
	for i := range pg.refs {
		r := &pg.refs[i]
		report := func(severity, format string, args ...any) {
			line, col := position(content, r.start)
			d.add(pg.path, line, col, severity, format, args...)
		}
		u := strings.TrimPrefix(r.url, "%PUBLIC_URL%")
		switch lower := strings.ToLower(u); {
		case isTemplate(u):
			continue
		case u == "":
			if r.kind != refPage && r.tag != "input" {
				report(SeverityError, "<%s %s> is empty", r.tag, r.attr)
			}
			continue
		case strings.HasPrefix(lower, "javascript:"):
			report(SeverityWarning, "A javascript: address runs code from a link: use a button with a listener")
			continue
		case strings.HasPrefix(lower, "file:"):
			report(SeverityError, "%q leads out of the project", r.url)
			continue
		case u[0] == '#' || isExternalURL(u):
			continue
		}
		clean, _ := cutSuffix(u)
		if u[0] == '?' {
			continue // the page itself
		}
		target, o := t.reference(pg.path, pg.dir, u, func(p string) (string, bool) { return t.pageTarget(r.kind, p) })
		if o == found {
			r.target = target
			if r.kind == refScript && g.esm[target] {
				report(SeverityError, "%s is a module (it imports or exports): the script tag needs type=\"module\"", target)
			}
			if (r.kind == refModule || r.kind == refScript) && path.Ext(clean) != path.Ext(target) {
				report(SeverityWarning, "%q is built from %s: name that file", r.url, target)
			}
			continue
		}
		if o == outside {
			report(SeverityError, "%q leads out of the project", r.url)
			continue
		}
		ext := path.Ext(clean)
		if r.kind == refPage && (ext == "" || strings.HasSuffix(clean, "/")) {
			report(SeverityWarning, "No page matches %q: neither a file, nor %s.html, nor a folder with index.html", r.url, strings.TrimSuffix(clean, "/"))
			continue
		}
		report(SeverityError, "<%s %s> names %q, which is not in the project%s", r.tag, r.attr, r.url, t.suggest(u))
	}
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
