package verify

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"html"
	"maps"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// Site is a tree as a browser loads it. It is read only once made, so any number of readers may share it.
type Site struct {
	Home string // path of the page to start with; "" when there is nothing to show
	Size int    // bytes of all bodies

	assets map[string]Asset
	roots  []string
}

// Asset is one answer.
type Asset struct {
	Type string // its Content-Type
	Body string
}

// bundleDir is where built files are served. Below it the folders of the tree are repeated, so that what a script
// names relative to itself leads where it did.
const bundleDir = "__bundle"

// Bounds on what one site may cost to build.
const (
	maxEntries    = 200
	maxStyleBytes = 32_000_000 // of style sheets, each counted for every entry that reaches it
)

// Find returns what is at a path without a leading slash: a built file, a file as it is, a page without its ending, or
// the index of a folder.
func (s *Site) Find(p string) (Asset, bool) {
	p = strings.TrimSuffix(p, "/")
	inner, built := strings.CutPrefix(p, bundleDir+"/")
	for _, q := range []string{p, inner} {
		if a, ok := s.assets[q]; ok && q != "" {
			return a, true
		}
		for _, root := range s.roots {
			for _, ending := range []string{"", ".html", "/index.html"} {
				if a, ok := s.assets[strings.TrimPrefix(path.Join(root, q)+ending, "/")]; ok && (q != "" || ending == "/index.html") {
					return a, true
				}
			}
		}
		if !built {
			break
		}
	}
	return Asset{}, false
}

// Len returns how many paths are served.
func (s *Site) Len() int { return len(s.assets) }

func (t *tree) bundle(ctx context.Context, g *graph, pages []*page, entries []string, d *diagnostics) (*Site, error) {
	site := &Site{assets: make(map[string]Asset, len(t.files))}
	for i := len(t.roots) - 1; i >= 0; i-- {
		site.roots = append(site.roots, t.roots[i])
	}
	usable := func(e string) bool {
		seen := map[string]bool{}
		g.reach(seen, e)
		for p := range seen {
			if g.broken[p] || g.lost[p] {
				return false
			}
		}
		return true
	}
	build := map[string]bool{}
	classic := map[string]bool{}
	for _, pg := range pages {
		for _, r := range pg.refs {
			if r.kind == refScript && r.target != "" && isScript(t.loader(r.target)) && !g.esm[r.target] {
				classic[r.target] = true
			}
		}
	}
	for _, e := range entries {
		switch {
		case classic[e]:
			if g.broken[e] {
				return nil, nil
			}
		case !usable(e):
			if len(pages) > 0 {
				return nil, nil
			}
		default:
			build[e] = true
		}
	}
	if len(pages) == 0 && len(entries) > 0 && len(build) == 0 {
		return nil, nil
	}
	// What no page names may still be loaded as the program runs: workers, pages of a router.
	covered := map[string]bool{}
	g.reach(covered, entries...)
	for _, p := range g.unimported(t, func(l api.Loader) bool { return isScript(l) }) {
		if !covered[p] && len(build) < maxEntries && usable(p) && !strings.Contains(path.Base(p), ".config.") {
			build[p] = true
		}
	}
	if len(build) > maxEntries {
		d.add("", 0, 0, SeverityError, "The project has %d entry points; at most %d are bundled", len(build), maxEntries)
		return nil, nil
	}
	list := slices.Sorted(maps.Keys(build))
	outputs, ok, err := t.bundleEntries(ctx, g, list, d)
	if err != nil || !ok {
		return nil, err
	}

	for _, p := range t.paths {
		if !isHTML(p) {
			site.assets[p] = Asset{contentType(p), t.files[p]}
		}
	}
	for name, body := range outputs {
		site.assets[path.Join(bundleDir, name)] = Asset{contentType(name), body}
	}
	for _, e := range list {
		if body, ok := outputs[outputName(e)+".js"]; ok && !strings.Contains(e, inlineMark) && !classic[e] {
			site.assets[e] = Asset{contentType(".js"), body}
		}
	}
	for p := range classic {
		if l := t.loader(p); l != api.LoaderJS && !g.broken[p] {
			r := api.Transform(t.files[p], api.TransformOptions{Loader: l, LogLevel: api.LogLevelSilent, TsconfigRaw: string(t.options), Charset: api.CharsetUTF8})
			site.assets[p] = Asset{contentType(".js"), string(r.Code)}
		}
	}
	for _, pg := range pages {
		site.assets[pg.path] = Asset{contentType(pg.path), t.rewrite(pg, outputs, classic, d)}
	}
	site.Home = t.home(pages)
	if site.Home == "" && len(list) > 0 {
		site.Home = "index.html"
		site.assets[site.Home] = Asset{contentType(site.Home), t.startPage(list, outputs)}
	}
	for _, a := range site.assets {
		site.Size += len(a.Body)
	}
	return site, nil
}

// bundleEntries returns the built files by their path below bundleDir.
func (t *tree) bundleEntries(ctx context.Context, g *graph, list []string, d *diagnostics) (map[string]string, bool, error) {
	outputs := map[string]string{}
	if len(list) == 0 {
		return outputs, true, nil
	}
	if p, many := t.manyPaths(g, list, func(p string) bool { return isStyle(t.loader(p)) || t.exportsAll(p) }); many {
		d.add(fileOf(p), 0, 0, SeverityError, "export * or @import is passed on over too many ways to be bundled")
		return nil, false, nil
	}
	styles := 0
	for _, e := range list {
		seen := map[string]bool{}
		g.reach(seen, e)
		for p := range seen {
			if isStyle(t.loader(p)) {
				styles += len(t.files[p])
			}
		}
	}
	if styles > maxStyleBytes {
		d.add("", 0, 0, SeverityError, "The entry points pull in %d bytes of style sheets; at most %d are bundled", styles, maxStyleBytes)
		return nil, false, nil
	}

	options := t.buildOptions()
	options.Splitting = true
	options.PublicPath = "/" + bundleDir + "/"
	options.ChunkNames = "chunks/[name]-[hash]"
	options.Target = api.ES2022
	options.Define = map[string]string{"process.env.NODE_ENV": `"production"`}
	for _, content := range t.files {
		if strings.Contains(content, "import.meta.env") {
			options.Define["import.meta.env"] = `{"MODE":"production","PROD":true,"DEV":false,"SSR":false,"BASE_URL":"/"}`
			break
		}
	}
	for i, e := range list {
		options.EntryPointsAdvanced = append(options.EntryPointsAdvanced, api.EntryPoint{InputPath: strconv.Itoa(i), OutputPath: outputName(e)})
	}
	options.Plugins = []api.Plugin{{Name: "tree", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			if a.Kind == api.ResolveEntryPoint {
				i, err := strconv.Atoi(a.Path)
				if err != nil || i < 0 || i >= len(list) {
					return api.OnResolveResult{}, errors.New("this is not a file of the project")
				}
				return api.OnResolveResult{Path: list[i], Namespace: nsTree}, nil
			}
			return t.bundleResolve(a)
		})
		b.OnLoad(api.OnLoadOptions{Filter: ".*"}, t.bundleLoad)
	}}}
	r := build(ctx, options)
	if ctx.Err() != nil {
		return nil, false, errStopped
	}
	t.messages("", r.Errors, SeverityError, d)
	t.messages("", r.Warnings, SeverityWarning, d)
	if len(r.Errors) > 0 {
		return nil, false, nil
	}
	for _, f := range r.OutputFiles {
		name := strings.TrimPrefix(f.Path, nowhere+"/out/")
		body := string(f.Contents)
		if path.Ext(name) == ".js" {
			if strings.Contains(body, computedRequire) {
				body = "const " + computedRequire + " = (name) => { throw new Error(`require(${JSON.stringify(name)}) does not exist in a browser`); };\n" + body
			}
			if strings.Contains(body, computedImport) {
				body = "const " + computedImport + " = (name, options) => import(name, options);\n" + body
			}
		}
		outputs[name] = body
	}
	return outputs, true, nil
}

func (t *tree) bundleResolve(a api.OnResolveArgs) (api.OnResolveResult, error) {
	target, suffix, problem := t.resolve(a.Importer, a)
	warn := func(text string) []api.Message { return []api.Message{{Text: text}} }
	style := inStyle(a.Kind)
	switch {
	case problem != "":
		return api.OnResolveResult{Errors: []api.Message{{Text: problem}}}, nil
	case target == "" && a.Kind == api.ResolveCSSURLToken, target == "" && style && isExternalURL(a.Path):
		var w []api.Message
		if isExternalURL(a.Path) && !strings.HasPrefix(strings.ToLower(a.Path), "data:") {
			w = warn(strconv.Quote(a.Path) + " is on another origin, which a preview does not load")
		}
		return api.OnResolveResult{Path: a.Path, External: true, Warnings: w}, nil
	case target == "":
		kind := "js"
		if style {
			kind = "css"
		}
		if strings.HasPrefix(strings.ToLower(a.Path), "data:") {
			return api.OnResolveResult{Path: a.Path, External: true}, nil
		}
		what := "the package " + strconv.Quote(a.Path) + ", which a preview cannot load: only the project's own files are part of it"
		if isExternalURL(a.Path) && !strings.HasPrefix(a.Path, "node:") {
			what = strconv.Quote(a.Path) + " on another origin, which a preview does not load"
		}
		return api.OnResolveResult{Path: a.Path, Namespace: nsStub, PluginData: stub{kind, "This needs " + what}, Warnings: warn("This needs " + what)}, nil
	case a.Kind == api.ResolveCSSURLToken:
		return api.OnResolveResult{Path: address(target) + suffix, External: true}, nil
	case style && isStyle(t.loader(target)):
		return api.OnResolveResult{Path: target, Namespace: nsTree}, nil
	case compiled(target):
		text := strconv.Quote(target) + " needs a compiler of its own, which a preview does not have"
		kind := "js"
		if style || slices.Contains([]string{".scss", ".sass", ".less", ".styl"}, path.Ext(target)) {
			kind = "css"
		}
		return api.OnResolveResult{Path: target, Namespace: nsStub, PluginData: stub{kind, text}, Warnings: warn(text)}, nil
	case strings.HasPrefix(suffix, "?raw"):
		return api.OnResolveResult{Path: target, Namespace: nsRaw}, nil
	case t.loader(target) == api.LoaderNone || isHTML(target) || strings.HasPrefix(suffix, "?url"):
		return api.OnResolveResult{Path: target, Namespace: nsAsset}, nil
	}
	return api.OnResolveResult{Path: target, Namespace: nsTree}, nil
}

type stub struct{ kind, message string }

func (t *tree) bundleLoad(a api.OnLoadArgs) (api.OnLoadResult, error) {
	switch a.Namespace {
	case nsTree:
		if t.has(a.Path) && t.loader(a.Path) != api.LoaderNone {
			return api.OnLoadResult{Contents: new(t.built(a.Path)), Loader: t.loader(a.Path)}, nil
		}
	case nsRaw:
		return api.OnLoadResult{Contents: new(t.files[a.Path]), Loader: api.LoaderText}, nil
	case nsAsset:
		return api.OnLoadResult{Contents: new(address(a.Path)), Loader: api.LoaderText}, nil
	case nsStub:
		s, _ := a.PluginData.(stub)
		if s.kind == "css" {
			return api.OnLoadResult{Contents: new(""), Loader: api.LoaderCSS}, nil
		}
		text, _ := json.Marshal(s.message)
		return api.OnLoadResult{Contents: new(strings.Replace(stubModule, "MESSAGE", string(text), 1)), Loader: api.LoaderJS}, nil
	}
	return refuse()
}

// stubModule says on the page why the program does not run: a browser would only say so in its console. It is CommonJS,
// so that any name can be imported from it.
const stubModule = `
module.exports = {};
(function (message) {
  if (typeof document !== "undefined") {
    const show = () => {
      const box = document.createElement("pre");
      box.setAttribute("role", "alert");
      box.style.cssText = "margin:1rem;padding:1rem;border:2px solid #b00020;background:#fff;color:#b00020;white-space:pre-wrap;font:14px/1.4 monospace";
      box.textContent = message;
      document.body.prepend(box);
    };
    if (document.body) show(); else document.addEventListener("DOMContentLoaded", show);
  }
  throw new Error(message);
})(MESSAGE);
`

var plainPath = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9._@/-]*$`)

// outputName is what an entry is called below bundleDir, without the ending of what it is built to.
func outputName(e string) string {
	p, number, isInline := strings.Cut(e, inlineMark)
	if !plainPath.MatchString(p) || strings.Contains(p, "..") || strings.HasPrefix(p, "chunks/") {
		p = "x" + strings.Map(func(r rune) rune {
			if r == '/' {
				return '/'
			}
			if r < 0x80 && plainPath.MatchString(string(r)) {
				return r
			}
			return '_'
		}, p) + "-" + strconv.FormatUint(uint64(hash(p)), 36)
	}
	if isInline {
		p += "-inline" + number
	}
	return p
}

// hash is FNV-1a: names must differ, nothing more.
func hash(s string) uint32 {
	h := uint32(2166136261)
	for i := range len(s) {
		h = (h ^ uint32(s[i])) * 16777619
	}
	return h
}

func address(p string) string { return (&url.URL{Path: "/" + p}).EscapedPath() }

// rewrite points a page to what its scripts and styles were built to.
func (t *tree) rewrite(pg *page, outputs map[string]string, classic map[string]bool, d *diagnostics) string {
	content := t.files[pg.path]
	type edit struct {
		start, end int
		text       string
	}
	var edits []edit
	built := func(e, ending string) (string, bool) {
		name := outputName(e) + ending
		_, ok := outputs[name]
		return address(path.Join(bundleDir, name)), ok
	}
	styleOf := func(e string, at int) {
		if u, ok := built(e, ".css"); ok {
			edits = append(edits, edit{at, at, `<link rel="stylesheet" href="` + html.EscapeString(u) + `">`})
		}
	}
	for _, r := range pg.refs {
		u := ""
		switch {
		case isExternalURL(r.url) && (r.kind == refModule || r.kind == refScript || r.kind == refStyle):
			if !strings.HasPrefix(strings.ToLower(r.url), "data:") {
				line, col := position(content, r.start)
				d.add(pg.path, line, col, SeverityWarning, "%q is on another origin, which a preview does not load", r.url)
			}
			continue
		case r.target == "":
			continue
		case r.kind == refScript && classic[r.target]:
			u = address(r.target)
		case r.kind == refModule || r.kind == refScript:
			if out, ok := built(r.target, ".js"); ok {
				u = out
				styleOf(r.target, r.tagStart)
			}
		case r.kind == refStyle && isStyle(t.loader(r.target)):
			if out, ok := built(r.target, ".css"); ok {
				u = out
			}
		}
		if u == "" && strings.HasPrefix(r.url, "%PUBLIC_URL%") && r.attr != "srcset" {
			u = strings.TrimPrefix(r.url, "%PUBLIC_URL%")
		}
		if u != "" {
			edits = append(edits, edit{r.start, r.end, `"` + html.EscapeString(u) + `"`})
		}
	}
	for _, in := range pg.inlines {
		if in.path == "" || in.kind != inlineModule {
			continue
		}
		if u, ok := built(in.path, ".js"); ok {
			styleOf(in.path, in.tagStart)
			edits = append(edits, edit{in.tagStart, in.end, `<script type="module" src="` + html.EscapeString(u) + `">`})
		}
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	var out strings.Builder
	at := 0
	for _, e := range edits {
		if e.start < at {
			continue
		}
		out.WriteString(content[at:e.start])
		out.WriteString(e.text)
		at = e.end
	}
	out.WriteString(content[at:])
	return out.String()
}

// home returns the page to start with.
func (t *tree) home(pages []*page) string {
	if len(pages) == 0 {
		return ""
	}
	for _, root := range slices.Backward(t.roots) {
		if p := path.Join(root, "index.html"); t.has(p) {
			return p
		}
	}
	best := slices.MinFunc(pages, func(a, b *page) int {
		index := func(p *page) int {
			if strings.HasPrefix(path.Base(p.path), "index.") {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(index(a), index(b)), cmp.Compare(strings.Count(a.path, "/"), strings.Count(b.path, "/")), cmp.Compare(a.path, b.path))
	})
	return best.path
}

// startPage stands in for a page in a project that has only scripts or styles.
func (t *tree) startPage(entries []string, outputs map[string]string) string {
	rank := func(e string) int {
		stem, _, _ := strings.Cut(path.Base(e), ".")
		if i := slices.Index([]string{"main", "index", "app", "App"}, stem); i >= 0 {
			return i
		}
		return 10
	}
	script := ""
	var head strings.Builder
	for _, e := range entries {
		if isStyle(t.loader(e)) {
			head.WriteString(`<link rel="stylesheet" href="` + html.EscapeString(address(path.Join(bundleDir, outputName(e)+".css"))) + "\">\n")
		} else if script == "" || cmp.Or(rank(e)-rank(script), strings.Count(e, "/")-strings.Count(script, "/")) < 0 {
			script = e
		}
	}
	body := "<div id=\"app\"></div>\n<div id=\"root\"></div>\n"
	if script == "" {
		body = "<h1>Style sheet</h1>\n<p>This project has styles and no page.</p>\n"
	} else {
		if _, ok := outputs[outputName(script)+".css"]; ok {
			head.WriteString(`<link rel="stylesheet" href="` + html.EscapeString(address(path.Join(bundleDir, outputName(script)+".css"))) + "\">\n")
		}
		head.WriteString(`<script type="module" src="` + html.EscapeString(address(path.Join(bundleDir, outputName(script)+".js"))) + "\"></script>\n")
	}
	return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Preview</title>\n" +
		head.String() + "</head>\n<body>\n" + body + "</body>\n</html>\n"
}

// contentType goes by the ending alone and not by the machine's tables, so that it is the same everywhere.
func contentType(p string) string {
	if t, ok := contentTypes[strings.ToLower(path.Ext(p))]; ok {
		return t
	}
	return "text/plain; charset=utf-8"
}

var contentTypes = map[string]string{
	".html": "text/html; charset=utf-8", ".htm": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8",
	".js": "text/javascript; charset=utf-8", ".mjs": "text/javascript; charset=utf-8", ".cjs": "text/javascript; charset=utf-8",
	".json": "application/json", ".map": "application/json", ".webmanifest": "application/manifest+json",
	".svg": "image/svg+xml", ".xml": "text/xml; charset=utf-8", ".csv": "text/csv; charset=utf-8",
	".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif", ".webp": "image/webp", ".avif": "image/avif",
	".ico": "image/x-icon", ".woff": "font/woff", ".woff2": "font/woff2", ".ttf": "font/ttf", ".otf": "font/otf",
	".mp3": "audio/mpeg", ".wav": "audio/wav", ".ogg": "audio/ogg", ".mp4": "video/mp4", ".webm": "video/webm",
	".wasm": "application/wasm", ".pdf": "application/pdf", ".vtt": "text/vtt; charset=utf-8",
}
