package verify

import (
	"context"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/evanw/esbuild/pkg/api"

	"codeforge"
)

// Namespaces of the builder. Nothing is ever resolved to the default one, "file", which is the disk.
const (
	nsTree = "codeforge-tree" // a file of the tree
	nsMade = "codeforge-made" // a module that stands for something else
	nsJoin = "codeforge-join" // imports everything that is linked
)

// nowhere is the folder that builds happen in. No path with a NUL is on any disk: every access fails before the system is asked.
const nowhere = "/\x00"

// graph is what the files of a tree import.
type graph struct {
	edges    map[string][]string      // importer to targets, in order of appearance
	broken   map[string]bool          // does not parse
	lost     map[string]bool          // imports what is not there
	esm      map[string]bool          // has import or export
	linked   map[string]bool          // scripts that others can be linked with
	urls     map[string]bool          // named by their address: workers and assets
	packages map[string][]api.Message // what is imported from elsewhere
	imports  map[string][]packageImport
	ids      map[string][]idUse // ids of elements that scripts look for
}

// scan builds every script, style and JSON file alone.
func (t *tree) scan(ctx context.Context, use pageUsage, d *diagnostics) (*graph, error) {
	g := &graph{edges: map[string][]string{}, broken: map[string]bool{}, lost: map[string]bool{}, esm: map[string]bool{}, linked: map[string]bool{},
		urls: map[string]bool{}, packages: map[string][]api.Message{}, imports: map[string][]packageImport{}, ids: map[string][]idUse{}}
	work := slices.Clone(t.paths)
	work = append(work, slices.Sorted(maps.Keys(t.inlines))...)
	var mu sync.Mutex
	next := make(chan string)
	var wg sync.WaitGroup
	var failed any
	loaders, sources := map[string]api.Loader{}, map[string]string{}
	for range min(runtime.GOMAXPROCS(0), 4) {
		wg.Go(func() {
			for p := range next {
				func() {
					defer func() {
						if r := recover(); r != nil {
							mu.Lock()
							failed = r
							mu.Unlock()
						}
					}()
					if s, ok := t.scanFile(ctx, p, use, d); ok {
						mu.Lock()
						s.addTo(g, p)
						if s.source != "" {
							sources[p] = s.source
						}
						if s.loader != t.loader(p) {
							loaders[p] = s.loader
						}
						mu.Unlock()
					}
				}()
			}
		})
	}
	for _, p := range work {
		if ctx.Err() != nil {
			break
		}
		next <- p
	}
	close(next)
	wg.Wait()
	if failed != nil {
		panic(failed)
	}
	if ctx.Err() != nil {
		return nil, errStopped
	}
	maps.Copy(t.loaders, loaders)
	maps.Copy(t.source, sources)
	return g, nil
}

// pageUsage is what pages load as what.
type pageUsage struct{ classic, modules map[string]bool }

// scanned is what was learned of one file.
type scanned struct {
	edges                     []string
	urls                      []string
	packages                  []api.Message // that name what is imported from elsewhere
	imports                   []packageImport
	ids                       []idUse
	script, broken, lost, esm bool
	sloppy                    bool // only a classic script, or CommonJS, may be written so
	loader                    api.Loader

	source string // when it differs from the file

	errors, warnings []api.Message
	noAssets         []api.Message // assets that are not there: an error, beside which a page can be built
}

func (s *scanned) addTo(g *graph, p string) {
	g.edges[p] = s.edges
	g.broken[p], g.lost[p] = s.broken, s.lost
	g.esm[p] = s.esm
	g.linked[p] = s.script && !s.broken && !s.sloppy && !isDeclaration(p)
	for _, u := range s.urls {
		g.urls[u] = true
	}
	g.packages[p] = s.packages
	g.imports[p] = s.imports
	g.ids[p] = s.ids
}

func (t *tree) scanFile(ctx context.Context, p string, use pageUsage, d *diagnostics) (*scanned, bool) {
	noteFile(ctx, fileOf(p))
	content := t.built(p)
	loader := t.loader(p)
	if t.isOutput(fileOf(p)) {
		return nil, false
	}
	if loader == api.LoaderNone {
		if strings.EqualFold(path.Ext(p), ".svg") {
			t.checkSVG(p, content, d)
		}
		return nil, false
	}
	s := &scanned{script: isScript(loader), loader: loader}
	if !utf8.ValidString(content) {
		d.add(fileOf(p), 0, 0, SeverityError, "The file is not valid UTF-8")
		s.broken = true
		return s, true
	}
	if loader == api.LoaderJSON {
		t.scanJSON(p, content, s, d)
		return s, true
	}
	if !s.script {
		t.scanOnce(ctx, p, content, s, api.FormatESModule)
		t.report(p, s, d)
		return s, true
	}
	x := t.expand(p, content, func(off int, text string) {
		line, col := t.positionIn(p, content, off)
		d.add(fileOf(p), line, col, SeverityWarning, "%s", text)
	})
	s = t.scanScript(ctx, p, x.source, loader, use)
	s.urls = append(s.urls, x.urls...)
	s.edges = append(s.edges, x.urls...)
	slices.Sort(s.edges)
	s.edges = slices.Compact(s.edges)
	if s.source == "" && x.source != content {
		s.source = x.source
	}
	s.ids = findIDs(content)
	t.report(p, s, d)
	return s, true
}

// scanScript builds a script as the language that it turns out to be in: JSX is written in .js too, and what strict mode
// forbids is allowed where no module is.
func (t *tree) scanScript(ctx context.Context, p, content string, loader api.Loader, use pageUsage) *scanned {
	attempt := func(l api.Loader, f api.Format) *scanned {
		s := &scanned{script: true, loader: l}
		t.scanOnce(ctx, p, content, s, f)
		return s
	}
	says := func(s *scanned, words ...string) bool {
		return slices.ContainsFunc(s.errors, func(m api.Message) bool {
			return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(m.Text, w) })
		})
	}
	s := attempt(loader, api.FormatESModule)
	if loader == api.LoaderJS && says(s, "The JSX syntax extension is not currently enabled") {
		first := s.errors[0]
		s = attempt(api.LoaderJSX, api.FormatESModule)
		switch {
		case t.needs(p, takesJSX...):
		case !t.hasPackage(p) && (use.classic[p] || use.modules[p]): // a browser gets it as it is
			s.errors = append(s.errors, first)
			s.broken = true
		default:
			s.warnings = append(s.warnings, api.Message{Text: "JSX in a .js file: some tools, Vite among them, take it in .jsx and .tsx files only", Location: first.Location})
		}
	}
	if s.broken && isFlow(content) && (s.loader == api.LoaderJS || s.loader == api.LoaderJSX) {
		if typed := attempt(api.LoaderTSX, api.FormatESModule); !typed.broken {
			s = typed
		} else {
			for i := range s.errors {
				s.errors[i].Text = "This file has Flow types and is not checked: " + s.errors[i].Text
			}
			s.warnings, s.errors = append(s.warnings, s.errors...), nil
		}
	}
	if s.broken && (s.loader == api.LoaderJS || s.loader == api.LoaderJSX) && (use.classic[p] || !use.modules[p] && path.Ext(p) != ".mjs") &&
		says(s, "due to strict mode", "in strict mode", "in an ECMAScript module", "reserved word") {
		if loose := attempt(s.loader, api.FormatCommonJS); !loose.broken && !loose.esm {
			s = loose
			s.sloppy = true
		}
	}
	return s
}

// takesJSX are the packages whose tools, or whose usual tools, take JSX in .js files.
var takesJSX = []string{"react-scripts", "next", "gatsby", "expo", "react-native", "@craco/craco", "react-app-rewired", "webpack", "@babel/core", "@babel/preset-react", "@babel/preset-env", "babel-loader",
	"@docusaurus/core", "razzle", "umi", "@umijs/max", "preact-cli", "parcel", "parcel-bundler", "@rspack/core", "@rsbuild/core", "@remix-run/dev", "@react-router/dev", "@storybook/react", "babel-cli", "@babel/cli",
	"@babel/preset-typescript", "@babel/plugin-transform-react-jsx", "esbuild-loader", "swc-loader", "@swc/core", "@nx/react", "nwb", "@wordpress/scripts", "laravel-mix", "@ice/app", "ice.js", "taro", "@tarojs/cli", "babel-preset-expo", "metro",
	"@vitejs/plugin-react-swc-js", "snowpack", "@electron-forge/plugin-webpack"}

var flowMark = regexp.MustCompile(`(?m)^\s*(?://|/?\*+)\s*@(?:no)?flow\b`)

// isFlow reports whether a script says that it has Flow's types.
func isFlow(content string) bool { return flowMark.MatchString(content[:min(len(content), 4_000)]) }

// scanOnce builds a script or style sheet alone and fills s in.
func (t *tree) scanOnce(ctx context.Context, p, content string, s *scanned, format api.Format) {
	if s.script {
		source, m := nameComputedImports(content, s.loader, format, t.optionsFor(p))
		if len(m) > 0 {
			s.broken, s.errors = true, m
			return
		}
		if source != content {
			s.source = source
			content = source
		}
	}
	var mu sync.Mutex
	options := t.buildOptions(t.optionsFor(p))
	options.Format = format
	options.Metafile = true
	if t.modules != nil && s.script { // importedNames reads what comes out
		options.TreeShaking = api.TreeShakingFalse
		options.Supported = map[string]bool{"template-literal": false}
	}
	options.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "0", OutputPath: "0"}}
	options.Plugins = []api.Plugin{{Name: "tree", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			if a.Kind == api.ResolveEntryPoint {
				return api.OnResolveResult{Path: p, Namespace: nsTree}, nil
			}
			r := t.resolve(p, a)
			mu.Lock()
			defer mu.Unlock()
			return t.noteImport(s, a, r), nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: ".*"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			if a.Namespace != nsTree || a.Path != p {
				return refuse()
			}
			return api.OnLoadResult{Contents: &content, Loader: s.loader}, nil
		})
	}}}
	r := build(ctx, options)
	s.errors, s.warnings = r.Errors, nil
	for _, m := range r.Warnings {
		if _, ok := m.Detail.(fromElsewhere); ok {
			s.packages = append(s.packages, m)
			continue
		}
		if _, ok := m.Detail.(noAsset); ok {
			s.noAssets = append(s.noAssets, m)
			continue
		}
		if i, ok := m.Detail.(packageImport); ok {
			i.at = m.Location
			s.imports = append(s.imports, i)
			continue
		}
		if m.ID == "css-syntax-error" && m.Text == `Expected ";"` {
			continue // the last at-rule of a block needs none
		}
		if !s.script && unbalanced(m) && !isTemplate(content) {
			s.errors = append(s.errors, m)
		} else {
			s.warnings = append(s.warnings, m)
		}
	}
	if len(s.imports) > 0 && len(r.OutputFiles) > 0 {
		addNames(s.imports, string(r.OutputFiles[0].Contents))
	}
	slices.Sort(s.edges)
	s.edges = slices.Compact(s.edges)
	// A file whose only fault is what it imports is whole: the others can still be linked with it.
	s.broken = len(s.errors) > 0 && (!s.lost || slices.ContainsFunc(s.errors, func(m api.Message) bool { return m.PluginName == "" }))
	var meta struct {
		Inputs map[string]struct{ Format string }
	}
	if json.Unmarshal([]byte(r.Metafile), &meta) == nil {
		for _, in := range meta.Inputs {
			s.esm = s.esm || in.Format == "esm"
		}
	}
}

// noteImport notes what a file that is built alone imports, which stays outside.
func (t *tree) noteImport(s *scanned, a api.OnResolveArgs, r resolution) api.OnResolveResult {
	out := api.OnResolveResult{Path: a.Path, External: true}
	warn := func(text string) { out.Warnings = []api.Message{{Text: text}} }
	switch r.outcome {
	case missing, outside:
		s.lost = true
		return api.OnResolveResult{Errors: []api.Message{{Text: t.problem(a.Path, r)}}}
	case absent:
		warn(t.problem(a.Path, r))
		if r.reason == whyNoAsset {
			out.Warnings[0].Detail = noAsset{}
		}
	case inPackage:
		out.Warnings = []api.Message{{Text: a.Path, Detail: packageImport{spec: a.Path, kind: a.Kind, module: r.module, address: isNoScript(r.suffix)}}}
	case external:
		switch {
		case isOtherOrigin(a.Path):
			warn(otherOrigin(a.Path))
		case a.Kind != api.ResolveCSSURLToken && !strings.HasPrefix(strings.ToLower(a.Path), "data:") && !strings.HasPrefix(a.Path, "#"):
			out.Warnings = []api.Message{{Text: a.Path, Detail: fromElsewhere{}}}
		}
	case found:
		s.edges = append(s.edges, r.target)
		if isAddressed(r.suffix) {
			s.urls = append(s.urls, r.target)
		}
		if t.isUncompiled(r.target) && a.Kind != api.ResolveCSSURLToken {
			warn(strconv.Quote(r.target) + " needs a compiler of its own and is not checked" + t.whyUncompiled(r.target))
		}
	}
	return out
}

// noAsset marks an asset that is not there.
type noAsset struct{}

// fromElsewhere marks what the resolver only notes: an import of a module that is not part of the project.
type fromElsewhere struct{}

// isAddressed reports whether what follows ? in an import makes it the address of the file, or a worker at it.
func isAddressed(suffix string) bool {
	for _, word := range []string{"?worker", "?sharedworker", "?url", "&url", "&worker"} {
		if strings.Contains(suffix, word) {
			return true
		}
	}
	return false
}

// unbalanced reports whether a finding in a style sheet is one that tools refuse. Browsers skip what they cannot read,
// and so do tools, which lets hacks for old browsers live on.
func unbalanced(m api.Message) bool {
	return m.ID == "css-syntax-error" && (strings.HasPrefix(m.Text, `Expected "}" to go with`) || m.Text == `Unexpected "}"` || m.Text == "Unterminated string token" || strings.HasPrefix(m.Text, `Expected "*/"`))
}

// report turns what the bundler said about a file into findings.
func (t *tree) report(p string, s *scanned, d *diagnostics) {
	severity := SeverityError
	if isSample(p) || s.script && t.isFilledIn(p, s.errors) {
		severity = SeverityWarning
	}
	t.messages(p, s.errors, severity, d)
	t.messages(p, s.noAssets, severity, d)
	warnings := s.warnings
	if s.script && !s.broken && !s.sloppy && !isDeclaration(p) { // link knows which of these crash
		warnings = slices.DeleteFunc(slices.Clone(warnings), func(m api.Message) bool { return m.ID == namespaceCalled })
	}
	t.messages(p, warnings, SeverityWarning, d)
}

// filledIn is a whole tag of a template engine: half of one is a mistake like any other.
var filledIn = regexp.MustCompile(`\{\{[^{}]*[\w.][^{}]*\}\}|\{%[^%{}]*%\}|<%[^%]*%>|<\?(php|=)`)

// isFilledIn reports whether a script does not parse because a template engine fills it in first.
func (t *tree) isFilledIn(p string, list []api.Message) bool {
	if len(list) == 0 {
		return false
	}
	if strings.HasPrefix(t.files[p], "---\n") {
		return true
	}
	switch path.Ext(p) {
	case ".js", ".mjs", ".cjs": // what engines fill in; nobody fills in TypeScript or JSX
		l := list[0].Location
		return l != nil && filledIn.MatchString(l.LineText)
	}
	return false
}

func (t *tree) scanJSON(p, content string, s *scanned, d *diagnostics) {
	lenient := allowsComments(p)
	if lenient {
		content = StripJSONComments(content)
	}
	if strings.TrimSpace(content) == "" && (path.Ext(p) != ".json" || lenient) {
		return
	}
	r := api.Transform(content, api.TransformOptions{Loader: api.LoaderJSON, LogLevel: api.LogLevelSilent})
	s.broken = len(r.Errors) > 0
	severity := SeverityError
	if lenient && !isTSConfig(path.Base(p)) || isSample(p) || strings.Contains(content, "{{") || strings.Contains(content, "<%") {
		severity = SeverityWarning // read by a laxer parser than this, or filled in first
	}
	t.messages(p, r.Errors, severity, d)
	t.messages(p, r.Warnings, SeverityWarning, d)
	if content != t.files[p] {
		s.source = content
	}
}

// buildOptions are what all builds have in common. raw is the compiler options, as a tsconfig.
func (t *tree) buildOptions(raw string) api.BuildOptions {
	o := api.BuildOptions{
		AbsWorkingDir: nowhere, Outdir: nowhere + "/out", TsconfigRaw: raw,
		Bundle: true, Write: false, LogLevel: api.LogLevelSilent, Color: api.ColorNever,
		Format: api.FormatESModule, Platform: api.PlatformNeutral, Target: api.ESNext, Charset: api.CharsetUTF8,
		Sourcemap: api.SourceMapNone, LegalComments: api.LegalCommentsNone, PreserveSymlinks: true,
	}
	if !strings.Contains(raw, `"jsx"`) {
		o.JSX = api.JSXAutomatic
	}
	return o
}

// withDecorators adds experimental decorators to compiler options when a part of the project has them: files of several
// parts are built together, and this takes what the others write, and more.
func (t *tree) withDecorators(raw string) string {
	for _, s := range t.settings {
		if strings.Contains(s.options, `"experimentalDecorators":true`) {
			if strings.Contains(raw, `"experimentalDecorators"`) {
				return strings.Replace(raw, `"experimentalDecorators":false`, `"experimentalDecorators":true`, 1)
			}
			_, rest, _ := strings.Cut(raw, `{"compilerOptions":{`)
			if rest == "" || rest == "}}" {
				return `{"compilerOptions":{"experimentalDecorators":true}}`
			}
			return `{"compilerOptions":{"experimentalDecorators":true,` + rest
		}
	}
	return raw
}

// build runs esbuild until it is through or ctx ends.
func build(ctx context.Context, o api.BuildOptions) api.BuildResult {
	b, err := api.Context(o)
	if err != nil {
		return api.BuildResult{Errors: []api.Message{{Text: "The build could not be set up"}}}
	}
	defer b.Dispose()
	stop := context.AfterFunc(ctx, b.Cancel)
	defer stop()
	return b.Rebuild()
}

func refuse() (api.OnLoadResult, error) {
	return api.OnLoadResult{}, errors.New("this is not a file of the project")
}

// resolve finds what an import means.
func (t *tree) resolve(importer string, a api.OnResolveArgs) resolution {
	if style, ok := t.styleOf(importer, a.Path); ok {
		return resolution{target: style}
	}
	var r resolution
	if inStyle(a.Kind) {
		r = t.resolveStyle(importer, a.Path, a.Kind != api.ResolveCSSURLToken)
	} else {
		r = t.resolveScript(importer, a.Path)
	}
	if r.outcome == external && t.modules != nil {
		return t.resolvePackage(importer, a, r)
	}
	return r
}

// problem is what to tell of an import that leads nowhere.
func (t *tree) problem(spec string, r resolution) string {
	switch r.outcome {
	case outside:
		return strconv.Quote(spec) + " leads out of the project"
	case absent:
		if r.reason != whyNoAsset {
			return "Could not resolve " + strconv.Quote(spec) + ": " + r.reason
		}
	}
	return "Could not resolve " + strconv.Quote(spec) + ": the project has no such file" + strings.Replace(t.suggest(spec), "; the project has ", "; it has ", 1)
}

func otherOrigin(spec string) string {
	return blockedLoad(spec, loadedAs(spec))
}

func inStyle(k api.ResolveKind) bool {
	return k == api.ResolveCSSImportRule || k == api.ResolveCSSURLToken || k == api.ResolveCSSComposesFrom
}

// Stand-ins of the same length for import and require in calls whose argument is computed.
const (
	computedImport  = "imp$rt"
	computedRequire = "req$ire"
)

// escapedLetter is a letter of a name that is written as a number.
var escapedLetter = regexp.MustCompile(`\\u(?:00[4-7][0-9a-fA-F]|\{0*[4-7][0-9a-fA-F]\})`)

// plainCall is what follows import or require where its argument is a text, or where there is no call.
var plainCall = regexp.MustCompile(`^\s*(?:\(\s*(?:"[^"\\\n]*"|'[^'\\\n]*')\s*[,)]|[^\s(/?<.\x80-\x{10FFFF}]|\.\s*(?:meta|resolve|cache|context|main|extensions|ensure)\b|$)`)

// mayCompute reports whether a script could call import or require with a computed argument. It errs towards yes.
func mayCompute(content string) bool {
	if escapedLetter.MatchString(content) {
		return true
	}
	for _, word := range []string{"require", "import"} {
		for rest := content; ; {
			_, after, ok := strings.Cut(rest, word)
			if !ok {
				break
			}
			rest = after
			if after != "" && (after[0] == '_' || after[0] == '$' || after[0] >= '0' && after[0] <= '9' || after[0]|0x20 >= 'a' && after[0]|0x20 <= 'z') {
				continue // part of a longer name
			}
			if !plainCall.MatchString(after[:min(len(after), 300)]) {
				return true
			}
		}
	}
	return false
}

// nameComputedImports replaces import and require where their argument is computed: the bundler would list folders of
// the disk to find what such an argument may mean. The bundler itself says where they are, when it does not bundle.
func nameComputedImports(content string, loader api.Loader, format api.Format, options string) (string, []api.Message) {
	if !mayCompute(content) {
		return content, nil
	}
	r := api.Transform(content, api.TransformOptions{
		Loader: loader, LogLevel: api.LogLevelSilent, Format: format, Platform: api.PlatformNeutral, Target: api.ESNext, TsconfigRaw: options, JSX: api.JSXPreserve,
		LogOverride: map[string]api.LogLevel{"unsupported-dynamic-import": api.LogLevelWarning, "unsupported-require-call": api.LogLevelWarning},
	})
	if len(r.Errors) > 0 {
		return "", r.Errors
	}
	lines := lineOffsets(content)
	b := []byte(content)
	for _, m := range r.Warnings {
		if m.ID != "unsupported-dynamic-import" && m.ID != "unsupported-require-call" || m.Location == nil {
			continue
		}
		if strings.HasPrefix(m.Text, "Converting ") {
			continue // its argument is a string
		}
		at := lines[m.Location.Line-1] + m.Location.Column
		rest := content[at:]
		switch {
		case strings.HasPrefix(rest, "import"):
			copy(b[at:], computedImport)
		case strings.HasPrefix(rest, "require"):
			copy(b[at:], computedRequire)
		default:
			return "", []api.Message{{Text: "This computed import cannot be checked", Location: m.Location}}
		}
	}
	return string(b), nil
}

func lineOffsets(s string) []int {
	// The bundler counts \r, U+2028 and U+2029 as ends of lines too.
	offsets := []int{0}
	for i, r := range s {
		switch r {
		case '\r':
			if i+1 < len(s) && s[i+1] == '\n' {
				continue
			}
			offsets = append(offsets, i+1)
		case '\n':
			offsets = append(offsets, i+1)
		case '\u2028', '\u2029':
			offsets = append(offsets, i+3)
		}
	}
	return offsets
}

func column(l *api.Location) int {
	if l.Column <= len(l.LineText) {
		return 1 + utf8.RuneCountInString(l.LineText[:l.Column])
	}
	return 1 + l.Column
}

var inlineInText = regexp.MustCompile(`(?:\x1f|\\x1f|\\u001f|\\u001F)\d+`)

// messages turns what the bundler says about p into findings.
func (t *tree) messages(p string, list []api.Message, severity string, d *diagnostics) {
	for i, m := range list {
		if i == 2*MaxDiagnostics {
			d.countDropped(len(list) - i)
			return
		}
		text := m.Text
		if strings.HasPrefix(text, "panic: ") {
			text = "The parser failed on this file"
		}
		for _, ns := range []string{nsTree, nsMade, nsJoin, nsPackage, nsVendor, nsShim} {
			text = strings.ReplaceAll(text, ns+":", "")
		}
		text = strings.ReplaceAll(text, moduleMark, "")
		text = inlineInText.ReplaceAllString(text, "")
		source, line, col, severity := p, 0, 0, severity
		if l := m.Location; l != nil {
			line, col = l.Line, column(l)
			if f := strings.TrimPrefix(l.File, nsTree+":"); f != l.File && t.has(f) {
				source = f
			}
			if line, col = t.inPage(source, line, col); source == "" || t.compiled[source] {
				line, col = t.originalPlace(source, l) // they are of what is made here
			}
			if c := l.Suggestion; c != "" && len(c) < 100 && (c[0] == '"' || c[0] == '_' || c[0]|0x20 >= 'a' && c[0]|0x20 <= 'z') {
				text += "; did you mean " + l.Suggestion + "?"
			}
		}
		if severity == SeverityWarning && m.PluginName == "" && t.compiled[source] && isStyle(t.loader(source)) {
			continue // how a compiler writes style sheets is its own
		}
		if severity == SeverityError && (isSample(source) || strings.HasPrefix(text, "Cannot assign to import") && t.needs(source, "@babel/core", "babel-core", "jest")) {
			severity = SeverityWarning // Babel makes it an error of the running program
		}
		rung := d.rung
		if m.PluginName != "" { // the resolver says it
			rung = codeforge.RungResolve
		}
		d.addOn(rung, fileOf(source), line, col, severity, "%s", text)
	}
}

// inPage turns a position in an inline body into one in its page.
func (t *tree) inPage(p string, line, column int) (int, int) {
	in, ok := t.inlines[p]
	if !ok || line == 0 || t.inPlace && isScript(in.loader) {
		return line, column
	}
	if line == 1 {
		column += in.column
	}
	return line + in.line, column
}

// positionIn returns the position of an offset into what is scanned under a path.
func (t *tree) positionIn(p, content string, offset int) (line, column int) {
	line, column = position(content, offset)
	return t.inPage(p, line, column)
}

// link bundles all scripts together, to find names that no module exports. What is broken, and styles, stay outside.
func (t *tree) link(ctx context.Context, g *graph, d *diagnostics) error {
	noteFile(ctx, "")
	var all []string
	for p, ok := range g.linked {
		if ok {
			all = append(all, p)
		}
	}
	if len(all) == 0 {
		return nil
	}
	slices.Sort(all)
	options := t.buildOptions(t.withDecorators("{}"))
	options.Define = map[string]string{}
	for _, dir := range slices.Backward(slices.Sorted(maps.Keys(t.defined))) {
		maps.Copy(options.Define, t.defined[dir])
	}
	options.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "0", OutputPath: "0"}}
	options.Plugins = []api.Plugin{{Name: "tree", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			switch {
			case a.Kind == api.ResolveEntryPoint:
				return api.OnResolveResult{Path: "join", Namespace: nsJoin}, nil
			case a.Namespace == nsJoin:
				i, err := strconv.Atoi(a.Path)
				if err != nil || i < 0 || i >= len(all) {
					return api.OnResolveResult{}, errors.New("this is not a file of the project")
				}
				return api.OnResolveResult{Path: all[i], Namespace: nsTree}, nil
			}
			if a.Namespace == nsShim {
				return resolveInShim(a), nil
			}
			r := t.resolve(a.Importer, a)
			if r.outcome == found && r.suffix == "" && !r.guess && g.linked[r.target] {
				return api.OnResolveResult{Path: r.target, Namespace: nsTree}, nil
			}
			if r.outcome == inPackage && t.reached[a.Importer] { // of what else imports packages nobody asked for the names
				if out, ok := t.shimFor(g, a.Importer, a.Path, a.Kind, r.module); ok {
					return out, nil
				}
			}
			return api.OnResolveResult{Path: a.Path, External: true}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: ".*"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			switch {
			case a.Namespace == nsJoin:
				var s strings.Builder
				for i := range all {
					s.WriteString("import \"" + strconv.Itoa(i) + "\";\n")
				}
				return api.OnLoadResult{Contents: new(s.String()), Loader: api.LoaderJS}, nil
			case a.Namespace == nsShim:
				return t.loadShim(a.Path)
			case a.Namespace == nsTree && g.linked[a.Path]:
				text := t.built(a.Path)
				if !g.esm[a.Path] && !commonJS.MatchString(text) {
					text += "\nexport {};" // without it the bundler takes the file for CommonJS, whose default import is never missing
				}
				return api.OnLoadResult{Contents: &text, Loader: t.loader(a.Path)}, nil
			}
			return refuse()
		})
	}}}
	r := build(ctx, options)
	if ctx.Err() != nil {
		return errStopped
	}
	crashes, others := t.crashes(g, r.Warnings)
	t.messages("", append(r.Errors, crashes...), SeverityError, d)
	t.messages("", others, SeverityWarning, d)
	return nil
}

// built returns the text of a file as the bundler is given it.
func (t *tree) built(p string) string {
	if s, ok := t.source[p]; ok {
		return s
	}
	return t.files[p]
}

// entries returns what is bundled: the scripts and styles that pages name, inline modules included, else those that
// nobody imports. Scripts and styles are decided apart.
func (g *graph) entries(t *tree, pages []*page) []string {
	var scripts, styles []string
	named := map[string]bool{}
	for _, pg := range pages {
		for _, r := range pg.refs {
			if r.target == "" || named[r.target] {
				continue
			}
			switch l := t.loader(r.target); {
			case (r.kind == refModule || r.kind == refScript) && isScript(l):
				named[r.target] = true
				scripts = append(scripts, r.target)
			case r.kind == refStyle && isStyle(l):
				named[r.target] = true
				styles = append(styles, r.target)
			}
		}
		for _, in := range pg.inlines {
			if in.path != "" && in.kind == inlineModule {
				scripts = append(scripts, in.path)
			}
		}
		if pg.injected != "" && !named[pg.injected] {
			named[pg.injected] = true
			scripts = append(scripts, pg.injected)
		}
	}
	if len(scripts) == 0 {
		scripts = g.unimported(t, isScript)
	}
	if len(styles) == 0 {
		styles = g.unimported(t, isStyle)
	}
	return append(scripts, styles...)
}

// unimported returns the files of a kind that no other file imports, and one of each ring that nobody enters.
func (g *graph) unimported(t *tree, kind func(api.Loader) bool) []string {
	imported := map[string]bool{}
	for _, from := range slices.Sorted(maps.Keys(g.edges)) {
		for _, to := range g.edges[from] {
			if to != from {
				imported[to] = true
			}
		}
	}
	var list, rest []string
	for _, p := range t.paths {
		switch {
		case !kind(t.loader(p)) || isDeclaration(p):
		case imported[p]:
			rest = append(rest, p)
		default:
			list = append(list, p)
		}
	}
	seen := map[string]bool{}
	var roots []string
	for from := range g.edges {
		if !imported[from] {
			roots = append(roots, from)
		}
	}
	g.reach(seen, roots...)
	for _, p := range rest {
		if !seen[p] {
			list = append(list, p)
			g.reach(seen, p)
		}
	}
	return list
}

// reach adds everything that can be come to from the given files.
func (g *graph) reach(seen map[string]bool, from ...string) {
	stack := slices.Clone(from)
	for len(stack) > 0 {
		p := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if seen[p] {
			continue
		}
		seen[p] = true
		stack = append(stack, g.edges[p]...)
	}
}

// checkSVG reports what a browser would refuse to draw.
func (t *tree) checkSVG(p, content string, d *diagnostics) {
	if strings.Contains(content, "<!ENTITY") || isTemplate(content) {
		return
	}
	x := xml.NewDecoder(strings.NewReader(content))
	x.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	elements := 0
	severity := SeverityError
	if isSample(p) {
		severity = SeverityWarning
	}
	for {
		_, err := x.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			line, col := x.InputPos()
			reason := "it cannot be read"
			if e, ok := errors.AsType[*xml.SyntaxError](err); ok {
				reason = e.Msg
			}
			d.add(p, line, col, severity, "Not well-formed XML: %s", reason)
			return
		}
		elements++
	}
	if elements == 0 {
		d.add(p, 0, 0, severity, "The SVG is empty")
	}
}
