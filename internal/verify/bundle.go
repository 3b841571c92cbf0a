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

	"codeforge"
)

// Site is a tree as a browser loads it. It is read only once made, so any number of readers may share it.
type Site struct {
	Home string // path of the page to start with; "" when there is nothing to show
	Size int    // bytes of all bodies

	assets   map[string]Asset
	roots    []string
	bases    []string // what may stand before any path, as the project's own tools have it
	packaged []string // files of packages that are yet to be added
}

// Asset is one answer: a body, or a blob of the project by its hash.
type Asset struct {
	Type string // its Content-Type
	Body string
	Blob Blob // its zero value: Body is the answer
}

// bundleDir is where built files are served. Below it the folders of the tree are repeated, so that what a script
// names relative to itself leads where it did.
const bundleDir = "__bundle"

// Find returns what is at a path without a leading slash: a built file, a file as it is, a page without its ending, or
// the index of a folder.
func (s *Site) Find(p string) (Asset, bool) {
	name, ok := s.find(p)
	return s.assets[name], ok
}

// find returns the name of what is at a path.
func (s *Site) find(p string) (name string, ok bool) {
	p = strings.TrimSuffix(p, "/")
	for _, base := range s.bases {
		if rest, ok := strings.CutPrefix(p+"/", base+"/"); ok {
			if name, ok := s.findBelow(strings.TrimSuffix(rest, "/")); ok {
				return name, true
			}
		}
	}
	return s.findBelow(p)
}

func (s *Site) findBelow(p string) (name string, ok bool) {
	inner, built := strings.CutPrefix(p, bundleDir+"/")
	for _, q := range []string{p, inner} {
		if _, ok := s.assets[q]; ok && q != "" {
			return q, true
		}
		for _, root := range s.roots {
			for _, ending := range []string{"", ".html", "/index.html"} {
				name := strings.TrimPrefix(path.Join(root, q)+ending, "/")
				if _, ok := s.assets[name]; ok && (q != "" || ending == "/index.html") {
					return name, true
				}
			}
		}
		if !built {
			break
		}
	}
	return "", false
}

// Position is where in the tree a place in what is at a path comes from. Line and column count from 1.
func (s *Site) Position(p string, line, column int) (file string, l, c int, ok bool) {
	name, ok := s.find(p)
	if m, mapped := s.mapOf(name); ok && mapped {
		return m.find(line, column)
	}
	if !ok || strings.HasPrefix(name, bundleDir+"/") || isScript(loaders[strings.ToLower(path.Ext(name))]) && path.Ext(name) != ".js" {
		return "", 0, 0, false
	}
	return name, line, column, true
}

// Len returns how many paths are served.
func (s *Site) Len() int { return len(s.assets) }

func (t *tree) bundle(ctx context.Context, g *graph, pages []*page, prog programs, d *diagnostics) (*Site, error) {
	build, more := prog.build, prog.more
	t.inPlace = true
	if prog.broken || t.vendor != nil && t.vendor.Broken {
		return nil, nil
	}
	packaged := map[string]bool{}
	outputs, ok, err := t.bundleEntries(ctx, g, slices.Sorted(maps.Keys(build)), packaged, d)
	if err != nil || !ok {
		return nil, err
	}
	// What fails of these is no part of any page: nothing is said of it.
	var quiet diagnostics
	extra, ok, err := t.bundleEntries(ctx, g, slices.Sorted(maps.Keys(more)), packaged, &quiet)
	if err != nil {
		return nil, err
	}
	if ok {
		maps.Copy(outputs, extra)
		maps.Copy(build, more)
	}
	site := t.site(g, pages, slices.Sorted(maps.Keys(build)), prog.classic, outputs)
	if prog.elsewhere != nil {
		site.Home = "index.html"
		site.add(site.Home, Asset{Type: contentType(site.Home), Body: elsewherePage(*prog.elsewhere)})
	}
	if t.vendor != nil {
		for _, p := range t.vendor.Assets {
			packaged[p] = true
		}
	}
	site.packaged = slices.Sorted(maps.Keys(packaged))
	return site, nil
}

// namedByPages returns the scripts that pages load as no modules, and all that pages name.
func namedByPages(t *tree, g *graph, pages []*page) (classic, named map[string]bool) {
	classic, named = map[string]bool{}, map[string]bool{}
	for _, pg := range pages {
		named[pg.injected] = true
		for _, in := range pg.inlines {
			named[in.path] = true
		}
		for _, r := range pg.refs {
			named[r.target] = true
			if r.kind == refScript && r.target != "" && isScript(t.loader(r.target)) && !g.esm[r.target] {
				classic[r.target] = true
			}
		}
	}
	return classic, named
}

// programs is what is bundled.
type programs struct {
	classic map[string]bool // scripts that pages load as no modules
	build   map[string]bool // must build
	more    map[string]bool // may be loaded as the program runs, and may fail
	broken  bool            // what must build cannot

	elsewhere *elsewhere // what keeps all of it from being shown; nil: nothing does
	inBrowser bool       // pages load it
}

// programs chooses what is bundled: what pages name must build; where no page does, the script that stands for the program
// must.
func (t *tree) programs(g *graph, pages []*page, entries []string) programs {
	for _, e := range t.runsElsewhere(pages) {
		if e.all {
			return programs{elsewhere: &e}
		}
	}
	classic, named := namedByPages(t, g, pages)
	build, more := map[string]bool{}, map[string]bool{}
	broken := programs{broken: true}
	tainted := g.tainted()
	var usable []string
	elsewhere := false
	for _, e := range entries {
		switch {
		case classic[e]:
			if g.broken[e] {
				return broken
			}
		case tainted[e]:
			if named[e] {
				return broken
			}
		case named[e]:
			build[e] = true
		case !g.linked[e] && isScript(t.loader(e)): // a program for Node.js in words that no module may hold
			elsewhere = true
		default:
			usable = append(usable, e)
			more[e] = true
		}
	}
	if len(pages) == 0 {
		if len(entries) > 0 && len(usable) == 0 && !elsewhere {
			return broken
		}
		start := t.startScript(usable)
		for _, e := range usable {
			if e == start || isStyle(t.loader(e)) {
				build[e] = true
				delete(more, e)
			}
		}
	}
	// What no page names may still be loaded as the program runs: workers, pages of a router.
	covered := map[string]bool{}
	g.reach(covered, entries...)
	loose := g.unimported(t, func(l api.Loader) bool { return isScript(l) })
	for _, p := range append(slices.Sorted(maps.Keys(g.urls)), loose...) {
		if (!covered[p] || g.urls[p]) && !build[p] && !tainted[p] && g.linked[p] && !strings.Contains(path.Base(p), ".config.") {
			more[p] = true
		}
	}
	if len(pages) == 0 && t.isForNode(g, build) {
		return programs{elsewhere: &nodeProgram}
	}
	return programs{classic: classic, build: build, more: more, inBrowser: len(pages) > 0}
}

// bring checks what is imported of packages, and has what the program needs of them built.
func (t *tree) bring(ctx context.Context, g *graph, prog programs, entries []string, d *diagnostics) error {
	if t.modules == nil {
		return nil
	}
	reached := map[string]bool{}
	g.reach(reached, slices.Collect(maps.Keys(prog.build))...)
	g.reach(reached, slices.Collect(maps.Keys(prog.classic))...)
	if len(reached) == 0 {
		g.reach(reached, entries...)
	}
	t.reached = reached
	t.checkPackages(g, reached, prog.inBrowser, d)
	if prog.broken || prog.elsewhere != nil {
		return nil
	}
	wants, err := t.wants(g, reached)
	if err != nil {
		d.add("", 0, 0, SeverityError, "%s", err.Error())
		return nil
	}
	if err := t.useVendor(ctx, wants); err != nil {
		return err
	}
	if t.vendor != nil {
		for _, f := range t.vendor.Findings {
			d.addOn(codeforge.RungBundle, f.File, f.Line, f.Column, f.Severity, "%s", f.Message)
		}
	}
	return nil
}

// site puts together what is served: files as they are, bundles, and pages that name them.
func (t *tree) site(g *graph, pages []*page, built []string, classic map[string]bool, outputs map[string]string) *Site {
	site := &Site{assets: make(map[string]Asset, len(t.files)), roots: t.roots, bases: t.bases}
	for _, p := range t.paths {
		if !isHTML(p) || t.isOutput(p) {
			site.assets[p] = Asset{Type: contentType(p), Body: t.files[p]}
		}
	}
	for p, blob := range t.assets {
		site.assets[p] = Asset{Type: contentType(p), Blob: blob}
	}
	for name, body := range outputs {
		site.assets[path.Join(bundleDir, name)] = Asset{Type: contentType(name), Body: body}
	}
	for _, e := range built {
		if body, ok := outputs[outputName(e)+".js"]; ok && !strings.Contains(e, inlineMark) && !classic[e] {
			site.assets[e] = Asset{Type: contentType(".js"), Body: body}
		}
	}
	for p := range classic {
		if l := t.loader(p); l != api.LoaderJS && !g.broken[p] {
			r := api.Transform(t.files[p], api.TransformOptions{Loader: l, LogLevel: api.LogLevelSilent, TsconfigRaw: t.optionsFor(p), Charset: api.CharsetUTF8})
			site.assets[p] = Asset{Type: contentType(".js"), Body: string(r.Code)}
		}
	}
	env := t.environment()
	for _, pg := range pages {
		site.assets[pg.path] = Asset{Type: contentType(pg.path), Body: t.rewrite(pg, outputs, classic, env)}
	}
	site.Home = t.home(pages)
	if site.Home == "" && len(built) > 0 {
		site.Home = "index.html"
		site.assets[site.Home] = Asset{Type: contentType(site.Home), Body: t.startPage(built, outputs)}
	}
	for _, a := range site.assets {
		site.Size += len(a.Body)
	}
	return site
}

// tainted returns the files that are broken, or import what is.
func (g *graph) tainted() map[string]bool {
	importers := map[string][]string{}
	for from, list := range g.edges {
		for _, to := range list {
			importers[to] = append(importers[to], from)
		}
	}
	seen := map[string]bool{}
	var stack []string
	for _, bad := range []map[string]bool{g.broken, g.lost} {
		for p, is := range bad {
			if is {
				stack = append(stack, p)
			}
		}
	}
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !seen[p] {
			seen[p] = true
			stack = append(stack, importers[p]...)
		}
	}
	return seen
}

// bundleEntries returns the built files by their path below bundleDir. Entries with the same compiler options and the same
// definitions share what they have in common; what is loaded by its address may be a worker, and stands alone.
func (t *tree) bundleEntries(ctx context.Context, g *graph, list []string, packaged map[string]bool, d *diagnostics) (map[string]string, bool, error) {
	outputs := map[string]string{}
	if len(list) == 0 {
		return outputs, true, nil
	}
	noteFile(ctx, "")
	groups := map[string][]string{}
	var alone []string
	for _, e := range list {
		if g.urls[e] && isScript(t.loader(e)) {
			alone = append(alone, e)
		} else {
			key := t.definesAt(e) + "\n" + t.optionsFor(e)
			groups[key] = append(groups[key], e)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(groups)) {
		ok, err := t.bundleGroup(ctx, g, groups[key], t.optionsFor(groups[key][0]), api.FormatESModule, outputs, packaged, d)
		if err != nil || !ok {
			return nil, false, err
		}
	}
	for _, e := range alone {
		var quiet diagnostics
		ok, err := t.bundleGroup(ctx, g, []string{e}, t.optionsFor(e), api.FormatIIFE, outputs, packaged, &quiet)
		if err == nil && !ok { // it awaits, which a module alone may do
			ok, err = t.bundleGroup(ctx, g, []string{e}, t.optionsFor(e), api.FormatESModule, outputs, packaged, d)
		}
		if err != nil || !ok {
			return nil, false, err
		}
	}
	return outputs, true, nil
}

// definesAt is the folder of the configuration that defines names for a file; "": there is none.
func (t *tree) definesAt(p string) string {
	for dir := range ancestors(path.Dir(fileOf(p))) {
		if t.defined[dir] != nil {
			return dir
		}
	}
	return ""
}

func (t *tree) bundleGroup(ctx context.Context, g *graph, list []string, raw string, format api.Format, outputs map[string]string, packaged map[string]bool, d *diagnostics) (bool, error) {
	b := &packageBuild{t: t, ctx: ctx, assets: packaged}
	options := t.buildOptions(t.withDecorators(raw))
	options.Format = format
	options.Splitting = format == api.FormatESModule
	options.PublicPath = "/" + bundleDir + "/"
	options.ChunkNames = "chunks/[name]-[hash]"
	options.Target = api.ES2022
	options.Define = t.defines()
	maps.Copy(options.Define, t.defined[t.definesAt(list[0])])
	options.Sourcemap, options.SourcesContent = api.SourceMapExternal, api.SourcesContentExclude
	for i, e := range list {
		options.EntryPointsAdvanced = append(options.EntryPointsAdvanced, api.EntryPoint{InputPath: strconv.Itoa(i), OutputPath: outputName(e)})
	}
	options.Plugins = []api.Plugin{{Name: "tree", Setup: func(pb api.PluginBuild) {
		pb.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			switch {
			case a.Kind == api.ResolveEntryPoint:
				i, err := strconv.Atoi(a.Path)
				if err != nil || i < 0 || i >= len(list) {
					return api.OnResolveResult{}, errors.New("this is not a file of the project")
				}
				return api.OnResolveResult{Path: list[i], Namespace: nsTree}, nil
			case a.Namespace == nsPackage:
				return b.resolve(a)
			case a.Namespace == nsShim:
				return resolveInShim(a), nil
			}
			return t.bundleResolve(g, b, format == api.FormatESModule, a)
		})
		pb.OnLoad(api.OnLoadOptions{Filter: ".*"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			if a.Namespace == nsShim {
				return t.loadShim(a.Path)
			}
			out, err := b.load(a)
			if out.Contents != nil {
				out.Contents = new(withoutMap(*out.Contents))
			}
			return out, err
		})
	}}}
	r := build(ctx, options)
	if ctx.Err() != nil {
		return false, errStopped
	}
	t.messages("", r.Errors, SeverityError, d)
	t.messages("", r.Warnings, SeverityWarning, d)
	if len(r.Errors) > 0 {
		return false, nil
	}
	maps, before := map[string]string{}, map[string]int{}
	for _, f := range r.OutputFiles {
		name, body := strings.TrimPrefix(f.Path, nowhere+"/out/"), string(f.Contents)
		if path.Ext(name) == ".map" {
			maps[name] = body
			continue
		}
		outputs[name] = completeScript(name, body)
		before[name] = strings.Count(outputs[name], "\n") - strings.Count(body, "\n")
	}
	addMaps(outputs, maps, before, t.maxMaps)
	return true, nil
}

// completeScript adds to a built file what stands in it for computed imports.
func completeScript(name, body string) string {
	if path.Ext(name) != ".js" {
		return body
	}
	if strings.Contains(body, computedRequire) {
		body = "const " + computedRequire + " = (name) => { throw new Error(`require(${JSON.stringify(name)}) does not exist in a browser`); };\n" + body
	}
	if strings.Contains(body, computedImport) {
		body = "const " + computedImport + " = (name, options) => import(name, options);\n" + body
	}
	return body
}

// publicEnv are the prefixes of variables that tools put into what browsers get. Others may be secrets.
var publicEnv = []string{"VITE_", "REACT_APP_", "NEXT_PUBLIC_", "PUBLIC_", "NUXT_PUBLIC_", "EXPO_PUBLIC_", "GATSBY_", "VUE_APP_", "STORYBOOK_"}

// environment returns the variables that tools put into pages and scripts.
func (t *tree) environment() map[string]string {
	env := map[string]string{"MODE": "production", "NODE_ENV": "production", "BASE_URL": "/", "PUBLIC_URL": ""}
	all := map[string]string{} // what a file may refer to
	for _, name := range []string{".env", ".env.local", ".env.production", ".env.production.local"} {
		for _, root := range t.roots {
			for line := range strings.Lines(t.files[path.Join(root, name)]) {
				k, v, ok := strings.Cut(strings.TrimPrefix(strings.TrimSpace(line), "export "), "=")
				if k = strings.TrimSpace(k); !ok || strings.HasPrefix(k, "#") {
					continue
				}
				all[k] = envValue(strings.TrimSpace(v), all)
				if slices.ContainsFunc(publicEnv, func(p string) bool { return strings.HasPrefix(k, p) }) {
					env[k] = all[k]
				}
			}
		}
	}
	return env
}

var envReference = regexp.MustCompile(`\\\$|\$(?:\{\w+\}|\w+)`)

// envValue is what the text of a value in an .env file means: with quotes or without, which a comment may follow; others are put
// in where it names them. What is secret may so get into what is public, as the project says.
func envValue(v string, known map[string]string) string {
	if v != "" && strings.IndexByte(`"'`+"`", v[0]) >= 0 {
		quote := v[0]
		if end := strings.IndexByte(v[1:], quote); end >= 0 {
			if v = v[1 : 1+end]; quote == '\'' {
				return v
			}
		}
	} else if i := strings.Index(v, " #"); i >= 0 {
		v = strings.TrimSpace(v[:i])
	}
	v = envReference.ReplaceAllStringFunc(v, func(ref string) string {
		if ref[0] == '\\' {
			return ref[1:]
		}
		return known[strings.Trim(ref, "${}")]
	})
	return v[:min(len(v), maxEnvValue)]
}

// maxEnvValue bounds a value: one may be made of others, again and again.
const maxEnvValue = 32 << 10

// defines are what bundlers put in the place of names that no browser has.
func (t *tree) defines() map[string]string {
	def := map[string]string{"process.env.NODE_ENV": `"production"`}
	var meta, process, global bool
	for p, content := range t.files {
		if isScript(t.loader(p)) {
			meta = meta || strings.Contains(content, "import.meta.env")
			process = process || strings.Contains(content, "process.env")
			global = global || strings.Contains(content, "global")
		}
	}
	if !meta && !process && !global {
		return def
	}
	object := func(values map[string]any) string {
		b, err := json.Marshal(values)
		if err != nil {
			return "{}"
		}
		return string(b)
	}
	env := map[string]any{}
	for k, v := range t.environment() {
		env[k] = v
	}
	if process {
		def["process.env"] = object(env)
	}
	if meta {
		env["PROD"], env["DEV"], env["SSR"] = true, false, false
		def["import.meta.env"] = object(env)
	}
	if global {
		def["global"] = "globalThis"
	}
	return def
}

func (t *tree) bundleResolve(g *graph, b *packageBuild, shims bool, a api.OnResolveArgs) (api.OnResolveResult, error) {
	if m, ok := a.PluginData.(made); ok {
		a.Importer = m.target
	}
	r := t.resolve(a.Importer, a)
	style := inStyle(a.Kind)
	problem := ""
	if r.outcome != found && r.outcome != external {
		problem = t.problem(a.Path, r)
	}
	warn := func(text string) []api.Message {
		if r.outcome == absent && r.reason == whyNoAsset {
			return nil // told where the file was looked at alone
		}
		return []api.Message{{Text: text}}
	}
	// What is made here is told apart by its kind, and goes by no ending: one of .mjs would say what is in it.
	make := func(k kind, target, text string, w []api.Message) (api.OnResolveResult, error) {
		return api.OnResolveResult{Path: a.Path + inlineMark + strconv.Itoa(int(k)), Namespace: nsMade, PluginData: made{kind: k, target: target, message: text}, Warnings: w}, nil
	}
	stand := func(k kind, text string) (api.OnResolveResult, error) { return make(k, "", text, warn(text)) }
	k := madeStub
	if style {
		k = madeStyle
	}
	switch r.outcome {
	case inPackage:
		out := t.bundleModule(g, b, shims, a, r)
		if m, stands := out.PluginData.(made); stands && m.kind == madeStub {
			return make(k, "", m.message, nil) // in a style sheet too
		}
		return out, nil
	case missing, outside:
		return api.OnResolveResult{Errors: []api.Message{{Text: problem}}}, nil
	case absent:
		switch {
		case a.Kind == api.ResolveCSSURLToken:
			return api.OnResolveResult{Path: a.Path, External: true, Warnings: warn(problem)}, nil
		case !style && isBinary(r.target):
			return make(madeAddress, r.target, "", warn(problem))
		}
		return stand(k, problem)
	case external:
		switch {
		case isOtherOrigin(a.Path) && (style || a.Kind == api.ResolveCSSURLToken):
			return api.OnResolveResult{Path: a.Path, External: true, Warnings: warn(otherOrigin(a.Path))}, nil
		case a.Kind == api.ResolveCSSURLToken, strings.HasPrefix(strings.ToLower(a.Path), "data:"), style && isExternalURL(a.Path):
			return api.OnResolveResult{Path: a.Path, External: true}, nil
		case isOtherOrigin(a.Path):
			return make(k, "", "This needs "+otherOrigin(a.Path), warn(otherOrigin(a.Path)))
		case strings.HasPrefix(a.Path, "virtual:"):
			if strings.HasSuffix(a.Path, ".css") {
				return stand(madeStyle, t.unavailable(a.Importer, a.Path))
			}
			return stand(madeIdle, t.unavailable(a.Importer, a.Path))
		}
		return stand(k, t.unavailable(a.Importer, a.Path))
	}
	switch target := r.target; {
	case a.Kind == api.ResolveCSSURLToken:
		return api.OnResolveResult{Path: address(target) + r.suffix, External: true}, nil
	case style && isStyle(t.loader(target)):
		return api.OnResolveResult{Path: target, Namespace: nsTree}, nil
	case hasFlag(r.suffix, "raw"), hasFlag(r.suffix, "inline") && isStyle(t.loader(target)):
		return make(madeText, target, "", nil)
	case hasFlag(r.suffix, "worker") && !hasFlag(r.suffix, "url"):
		return make(madeWorker, target, "", nil)
	case hasFlag(r.suffix, "sharedworker") && !hasFlag(r.suffix, "url"):
		return make(madeSharedWorker, target, "", nil)
	case hasFlag(r.suffix, "init") && strings.EqualFold(path.Ext(target), ".wasm"):
		return make(madeInit, target, "", nil)
	case hasFlag(r.suffix, "url"):
		return make(madeAddress, target, "", nil)
	case t.isUncompiled(target):
		text := strconv.Quote(target) + " needs a compiler of its own, which a preview does not have" + t.whyUncompiled(target)
		switch path.Ext(target) {
		case ".scss", ".sass", ".less", ".styl", ".pcss":
			if k = madeStyle; !style && strings.Contains(path.Base(target), ".module.") {
				k = madeNames
			}
		}
		return stand(k, text)
	case isDeclaration(target):
		return stand(k, "Only the declarations of "+strconv.Quote(a.Path)+" are part of the project, so a preview cannot load it")
	case isText(target):
		return make(madeText, target, "", warn(strconv.Quote(target)+" is loaded as text: the project's own tools may make more of it"))
	case t.loader(target) == api.LoaderNone:
		switch svg := strings.EqualFold(path.Ext(target), ".svg") && t.needs(a.Importer, "react"); {
		case svg && (hasFlag(r.suffix, "react") || hasFlag(r.suffix, "component")):
			return make(madeComponent, target, "", nil)
		case svg:
			return make(madePicture, target, "", nil)
		}
		return make(madeAddress, target, "", nil)
	default:
		return api.OnResolveResult{Path: target, Namespace: nsTree}, nil
	}
}

// bundleModule is what the bundler is told of an import that leads into a package.
func (t *tree) bundleModule(g *graph, b *packageBuild, shims bool, a api.OnResolveArgs, r resolution) api.OnResolveResult {
	m := r.module
	i := packageImport{spec: a.Path, kind: a.Kind, module: m, address: isNoScript(r.suffix)}
	switch {
	case m.builtin != "", m.empty:
		return b.made(a.Path, madeEmpty, "")
	case m.problem != "" || m.unknown || m.unavailable:
		return b.made(a.Path, madeStub, t.lacking(a.Importer, a.Path, m)) // checkPackages tells of it
	case !shims || !i.isScript():
		return b.take(a, m, r.suffix)
	}
	if out, ok := t.shimFor(g, a.Importer, a.Path, a.Kind, m); ok {
		return out
	}
	return b.made(a.Path, madeStub, strconv.Quote(a.Path)+" is not part of what this page loads")
}

// isNoScript reports whether what follows ? in an import asks for something else than the module.
func isNoScript(suffix string) bool {
	return isAddressed(suffix) || hasFlag(suffix, "raw") || hasFlag(suffix, "inline")
}

// hasFlag reports whether the query of an import has a key.
func hasFlag(suffix, key string) bool {
	for part := range strings.SplitSeq(strings.TrimLeft(suffix, "?"), "&") {
		if name, _, _ := strings.Cut(part, "="); name == key {
			return true
		}
	}
	return false
}

// isText reports whether a file is data that tools have loaders for.
func isText(p string) bool {
	switch strings.ToLower(path.Ext(p)) {
	case ".yaml", ".yml", ".toml", ".md", ".markdown", ".graphql", ".gql", ".json5", ".txt", ".csv", ".tsv", ".glsl", ".vert", ".frag", ".wgsl", ".vs", ".fs", ".xml", ".html", ".hbs", ".ejs", ".sql":
		return true
	}
	return false
}

// made is a module that is written here.
type made struct {
	kind     kind
	target   string // the file that it is about
	packaged bool   // which is one of a package
	message  string
}

type kind int

const (
	madeStub      kind = iota // says why it is not there
	madeStyle                 // an empty style sheet
	madeNames                 // the names of classes, as a CSS module has them
	madeIdle                  // functions that do nothing
	madeEmpty                 // nothing
	madeThrow                 // an error for whoever loads it
	madeText                  // the text of a file
	madeAddress               // the address of a file
	madePicture               // the same, with a component beside it
	madeComponent             // a component that shows a file
	madeWorker                // makes a worker of a file
	madeSharedWorker
	madeInit // makes an instance of WebAssembly
)

func (t *tree) bundleLoad(a api.OnLoadArgs) (api.OnLoadResult, error) {
	if a.Namespace == nsTree && t.has(a.Path) && t.loader(a.Path) != api.LoaderNone {
		text, l := t.built(a.Path), t.loader(a.Path)
		if in, ok := t.inlines[a.Path]; ok && isScript(l) { // it lies where it does in its page
			text = strings.Repeat("\n", in.line) + strings.Repeat(" ", in.column) + text
		}
		return api.OnLoadResult{Contents: &text, Loader: l}, nil
	}
	m, ok := a.PluginData.(made)
	if a.Namespace != nsMade || !ok {
		return refuse()
	}
	quote := func(s string) string {
		b, err := json.Marshal(s)
		if err != nil {
			return `""`
		}
		return string(b)
	}
	where, content := address(m.target), t.files[m.target]
	if m.packaged {
		where = packageAddress(m.target)
		if m.kind == madeText {
			var err error
			if content, err = t.modules.read(splitModulePath(m.target)); err != nil {
				return api.OnLoadResult{}, errors.New(tidy(err.Error(), MaxMessage))
			}
		}
	}
	u := quote(where)
	component := `(props) => require("react").createElement("img", { ...props, src: ` + u + ` })`
	text, loader := "", api.LoaderJS
	// Where it is CommonJS, any name can be imported.
	switch m.kind {
	case madeStub:
		text = strings.Replace(stubModule, "MESSAGE", quote(m.message), 1)
	case madeStyle:
		loader = api.LoaderCSS
	case madeNames:
		text = `module.exports = new Proxy({}, { get: (_, name) => (name === "__esModule" ? undefined : name) });`
	case madeIdle:
		text = `module.exports = new Proxy({}, { get: (_, name) => (name === "__esModule" ? undefined : () => () => {}) });`
	case madeEmpty:
		text = "module.exports = {};"
	case madeThrow:
		text = "throw new Error(" + quote(m.message) + "); module.exports = {};"
	case madeText:
		text = "module.exports = { __esModule: true, default: " + quote(content) + " };"
	case madeAddress:
		text = "module.exports = { __esModule: true, default: " + u + " };"
	case madePicture:
		text = "module.exports = { __esModule: true, default: " + u + ", ReactComponent: " + component + " };"
	case madeComponent:
		text = "module.exports = { __esModule: true, default: " + component + " };"
	case madeWorker:
		text = "export default function (options) { return new Worker(" + u + ", options); }"
	case madeInit:
		text = "export default (imports = {}) => WebAssembly.instantiateStreaming(fetch(" + u + "), imports).then((r) => r.instance);"
	case madeSharedWorker:
		text = "export default function (options) { return new SharedWorker(" + u + ", options); }"
	}
	return api.OnLoadResult{Contents: &text, Loader: loader}, nil
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
func (t *tree) rewrite(pg *page, outputs map[string]string, classic map[string]bool, env map[string]string) string {
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
	vendorStyles := t.vendor != nil && t.vendor.Styles
	styleOf := func(e string, at int) {
		if vendorStyles {
			vendorStyles = false
			edits = append(edits, edit{at, at, vendorStyleLink})
		}
		if u, ok := built(e, ".css"); ok {
			edits = append(edits, edit{at, at, `<link rel="stylesheet" href="` + html.EscapeString(u) + `">`})
		}
	}
	for _, r := range pg.refs {
		u := ""
		switch {
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
		if clean, suffix := cutSuffix(publicURL(r.url)); u == "" && !strings.HasSuffix(r.attr, "srcset") && strings.HasPrefix(clean, "/") && unescape(clean) != "/"+r.target {
			u = address(r.target) + suffix // from the folder that its server would take as its root
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
	if pg.injected != "" {
		if u, ok := built(pg.injected, ".js"); ok {
			at := strings.LastIndex(strings.ToLower(content), "</body")
			if at < 0 || at > len(content) {
				at = len(content)
			}
			styleOf(pg.injected, at)
			edits = append(edits, edit{at, at, `<script type="module" src="` + html.EscapeString(u) + `"></script>`})
		}
	}
	fill := func(s string) string {
		return placeholder.ReplaceAllStringFunc(s, func(name string) string {
			if name == "%sveltekit.assets%" {
				return ""
			}
			if v, ok := env[strings.Trim(name, "%")]; ok {
				return html.EscapeString(v)
			}
			return name
		})
	}
	slices.SortStableFunc(edits, func(a, b edit) int { return cmp.Or(cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end)) })
	var out strings.Builder
	at := 0
	for _, e := range edits {
		if e.start < at {
			continue
		}
		out.WriteString(fill(content[at:e.start]))
		out.WriteString(e.text)
		at = e.end
	}
	out.WriteString(fill(content[at:]))
	return out.String()
}

// home returns the page to start with.
func (t *tree) home(pages []*page) string {
	if len(pages) == 0 {
		return ""
	}
	for _, root := range t.roots {
		if p := path.Join(root, "index.html"); t.has(p) && !t.isOutput(p) {
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

// startScript returns the script of several that most looks like the program; "" when there is none.
func (t *tree) startScript(entries []string) string {
	rank := func(e string) int {
		stem, rest, _ := strings.Cut(path.Base(e), ".")
		if i := slices.Index([]string{"main", "index", "app", "App"}, stem); i >= 0 && !strings.Contains(rest, ".") {
			return i
		}
		return 10
	}
	script := ""
	for _, e := range entries {
		if isScript(t.loader(e)) && (script == "" || cmp.Or(rank(e)-rank(script), strings.Count(e, "/")-strings.Count(script, "/")) < 0) {
			script = e
		}
	}
	return script
}

// startPage stands in for a page in a project that has only scripts or styles.
func (t *tree) startPage(entries []string, outputs map[string]string) string {
	script := t.startScript(entries)
	var head strings.Builder
	for _, e := range entries {
		if isStyle(t.loader(e)) {
			head.WriteString(`<link rel="stylesheet" href="` + html.EscapeString(address(path.Join(bundleDir, outputName(e)+".css"))) + "\">\n")
		}
	}
	body := "<div id=\"app\"></div>\n<div id=\"root\"></div>\n"
	if script == "" {
		body = "<h1>Style sheet</h1>\n<p>This project has styles and no page.</p>\n"
	} else {
		if t.vendor != nil && t.vendor.Styles {
			head.WriteString(vendorStyleLink + "\n")
		}
		if _, ok := outputs[outputName(script)+".css"]; ok {
			head.WriteString(`<link rel="stylesheet" href="` + html.EscapeString(address(path.Join(bundleDir, outputName(script)+".css"))) + "\">\n")
		}
		head.WriteString(`<script type="module" src="` + html.EscapeString(address(path.Join(bundleDir, outputName(script)+".js"))) + "\"></script>\n")
	}
	return "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Preview</title>\n" +
		head.String() + "</head>\n<body>\n" + body + "</body>\n</html>\n"
}

// IsFileType reports whether an ending, with its dot, is one that files of web projects have.
func IsFileType(ext string) bool {
	p := "x" + strings.ToLower(ext)
	return contentTypes[path.Ext(p)] != "" || isBinary(p) || isStored(p) || compiled(p) || isText(p)
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
