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
	"unicode"
	"unicode/utf8"

	"github.com/evanw/esbuild/pkg/api"
)

// Namespaces of the builder. Nothing is ever resolved to the default one, "file", which is the disk.
const (
	nsTree  = "codeforge-tree"  // a file of the tree
	nsAsset = "codeforge-asset" // the address of a file of the tree
	nsRaw   = "codeforge-raw"   // the text of a file of the tree
	nsStub  = "codeforge-stub"  // what stands for an npm package
	nsJoin  = "codeforge-join"  // imports everything that is linked
)

// nowhere is the folder that builds happen in. No path with a NUL is on any disk: every access fails before the system is asked.
const nowhere = "/\x00"

// graph is what the files of a tree import.
type graph struct {
	edges  map[string][]string // importer to targets, in order of appearance
	broken map[string]bool     // does not parse
	lost   map[string]bool     // imports what is not there
	esm    map[string]bool     // has import or export
	linked map[string]bool     // scripts that others can be linked with
}

// scan builds every script, style and JSON file alone.
func (t *tree) scan(ctx context.Context, d *diagnostics) (*graph, error) {
	g := &graph{edges: map[string][]string{}, broken: map[string]bool{}, lost: map[string]bool{}, esm: map[string]bool{}, linked: map[string]bool{}}
	work := slices.Clone(t.paths)
	work = append(work, slices.Sorted(maps.Keys(t.inlines))...)
	var mu sync.Mutex
	next := make(chan string)
	var wg sync.WaitGroup
	var failed any
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
					if s, ok := t.scanFile(ctx, p, d); ok {
						mu.Lock()
						s.addTo(t, g, p)
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
	return g, nil
}

// scanned is what was learned of one file.
type scanned struct {
	edges                     []string
	script, broken, lost, esm bool

	source string // when it differs from the file
}

func (s scanned) addTo(t *tree, g *graph, p string) {
	g.edges[p] = s.edges
	g.broken[p], g.lost[p] = s.broken, s.lost
	g.esm[p] = s.esm
	g.linked[p] = s.script && !s.broken
	if s.source != "" {
		t.source[p] = s.source
	}
}

func (t *tree) scanFile(ctx context.Context, p string, d *diagnostics) (scanned, bool) {
	content := t.files[p]
	loader := t.loader(p)
	if loader == api.LoaderNone {
		if strings.EqualFold(path.Ext(p), ".svg") {
			checkSVG(p, content, d)
		}
		return scanned{}, false
	}
	s := scanned{script: isScript(loader)}
	if !utf8.ValidString(content) {
		d.add(fileOf(p), 0, 0, SeverityError, "The file is not valid UTF-8")
		s.broken = true
		return s, true
	}
	if off, deep := tooDeep(content); deep {
		line, col := position(content, off)
		d.add(fileOf(p), line, col, SeverityError, "The code nests too deep, or has too long an expression, to be checked")
		s.broken = true
		return s, true
	}
	if loader == api.LoaderJSON {
		if allowsComments(p) {
			content = stripJSONComments(content)
		}
		if strings.TrimSpace(content) == "" && path.Ext(p) != ".json" {
			return s, true
		}
		r := api.Transform(content, api.TransformOptions{Loader: api.LoaderJSON, LogLevel: api.LogLevelSilent})
		t.messages(p, r.Errors, SeverityError, d)
		t.messages(p, r.Warnings, SeverityWarning, d)
		s.broken = len(r.Errors) > 0
		if content != t.files[p] {
			s.source = content
		}
		return s, true
	}
	if s.script {
		source, ok := t.nameComputedImports(p, content, loader, d)
		if !ok {
			s.broken = true
			return s, true
		}
		if source != content {
			s.source = source
			content = source
		}
	}

	var mu sync.Mutex
	options := t.buildOptions()
	options.Metafile = true
	options.EntryPointsAdvanced = []api.EntryPoint{{InputPath: "0", OutputPath: "0"}}
	options.Plugins = []api.Plugin{{Name: "tree", Setup: func(b api.PluginBuild) {
		b.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			if a.Kind == api.ResolveEntryPoint {
				return api.OnResolveResult{Path: p, Namespace: nsTree}, nil
			}
			target, _, problem := t.resolve(p, a)
			mu.Lock()
			defer mu.Unlock()
			if problem != "" {
				s.lost = true
				return api.OnResolveResult{Errors: []api.Message{{Text: problem}}}, nil
			}
			if target != "" {
				s.edges = append(s.edges, target)
				if compiled(target) && a.Kind != api.ResolveCSSURLToken {
					return api.OnResolveResult{Path: a.Path, External: true, Warnings: []api.Message{{Text: strconv.Quote(target) +
						" needs a compiler of its own and is not checked"}}}, nil
				}
			}
			return api.OnResolveResult{Path: a.Path, External: true}, nil
		})
		b.OnLoad(api.OnLoadOptions{Filter: ".*"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			if a.Namespace != nsTree || a.Path != p {
				return refuse()
			}
			return api.OnLoadResult{Contents: &content, Loader: loader}, nil
		})
	}}}
	r := build(ctx, options)
	t.messages(p, r.Errors, SeverityError, d)
	t.messages(p, r.Warnings, SeverityWarning, d)
	slices.Sort(s.edges)
	s.edges = slices.Compact(s.edges)
	// A file whose only fault is what it imports is whole: the others can still be linked with it.
	s.broken = len(r.Errors) > 0 && (!s.lost || slices.ContainsFunc(r.Errors, func(m api.Message) bool { return m.PluginName == "" }))
	var meta struct {
		Inputs map[string]struct{ Format string }
	}
	if json.Unmarshal([]byte(r.Metafile), &meta) == nil {
		for _, in := range meta.Inputs {
			s.esm = s.esm || in.Format == "esm"
		}
	}
	return s, true
}

// buildOptions are what all builds have in common.
func (t *tree) buildOptions() api.BuildOptions {
	raw := string(t.options)
	if raw == "" {
		raw = "{}"
	}
	o := api.BuildOptions{
		AbsWorkingDir: nowhere, Outdir: nowhere + "/out", TsconfigRaw: raw,
		Bundle: true, Write: false, LogLevel: api.LogLevelSilent, Color: api.ColorNever,
		LogOverride: map[string]api.LogLevel{"css-syntax-error": api.LogLevelError},
		Format:      api.FormatESModule, Platform: api.PlatformNeutral, Target: api.ESNext, Charset: api.CharsetUTF8,
		Sourcemap: api.SourceMapNone, LegalComments: api.LegalCommentsNone, PreserveSymlinks: true,
	}
	if !strings.Contains(raw, `"jsx"`) {
		o.JSX = api.JSXAutomatic
	}
	return o
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

// resolve finds what an import means. target is "" for what stays outside; problem is what to tell, if it leads nowhere.
func (t *tree) resolve(importer string, a api.OnResolveArgs) (target, suffix, problem string) {
	var o outcome
	if inStyle(a.Kind) {
		target, o = t.resolveStyle(importer, a.Path, a.Kind != api.ResolveCSSURLToken)
		if target != a.Path {
			_, suffix = cutSuffix(a.Path)
		}
	} else {
		target, suffix, o = t.resolveScript(importer, a.Path)
	}
	switch o {
	case missing:
		return "", "", "Could not resolve " + strconv.Quote(a.Path) + ": the project has no such file" + strings.Replace(t.suggest(a.Path), "; the project has ", "; it has ", 1)
	case outside:
		return "", "", strconv.Quote(a.Path) + " leads out of the project"
	}
	return target, suffix, ""
}

func inStyle(k api.ResolveKind) bool {
	return k == api.ResolveCSSImportRule || k == api.ResolveCSSURLToken || k == api.ResolveCSSComposesFrom
}

// Stand-ins of the same length for import and require in calls whose argument is computed.
const (
	computedImport  = "imp$rt"
	computedRequire = "req$ire"
)

// mayCompute reports whether a script could call import or require with a computed argument. It errs towards yes.
func mayCompute(content string) bool {
	if strings.Contains(content, "require") || strings.Contains(content, `\u`) {
		return true
	}
	for {
		_, rest, ok := strings.Cut(content, "import")
		if !ok {
			return false
		}
		content = rest
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		if rest == "" {
			return false
		}
		// import "x", import x, import { x }, import * and import.meta name their module outright; comments may hide a call.
		if c := rest[0]; c == '(' || c == '/' || c == '<' || c >= 0x80 || c == '.' && !strings.HasPrefix(rest, ".meta") {
			return true
		}
	}
}

// nameComputedImports replaces import and require where their argument is computed: the bundler would list folders of
// the disk to find what such an argument may mean. The bundler itself says where they are, when it does not bundle.
func (t *tree) nameComputedImports(p, content string, loader api.Loader, d *diagnostics) (string, bool) {
	if !mayCompute(content) {
		return content, true
	}
	r := api.Transform(content, api.TransformOptions{
		Loader: loader, LogLevel: api.LogLevelSilent, Format: api.FormatESModule, Platform: api.PlatformNeutral, Target: api.ESNext,
		LogOverride: map[string]api.LogLevel{"unsupported-dynamic-import": api.LogLevelWarning, "unsupported-require-call": api.LogLevelWarning},
	})
	if len(r.Errors) > 0 {
		t.messages(p, r.Errors, SeverityError, d)
		return "", false
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
			d.add(fileOf(p), m.Location.Line, column(m.Location), SeverityError, "This computed import cannot be checked")
			return "", false
		}
	}
	return string(b), true
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
	for _, m := range list {
		text := m.Text
		if strings.HasPrefix(text, "panic: ") {
			text = "The parser failed on this file"
		}
		for _, ns := range []string{nsTree, nsAsset, nsRaw, nsStub, nsJoin} {
			text = strings.ReplaceAll(text, ns+":", "")
		}
		text = inlineInText.ReplaceAllString(text, "")
		file, line, col := fileOf(p), 0, 0
		if l := m.Location; l != nil {
			line, col = l.Line, column(l)
			if f := strings.TrimPrefix(l.File, nsTree+":"); f != l.File && t.has(f) {
				file = fileOf(f)
			}
			if c := l.Suggestion; c != "" && len(c) < 100 && (c[0] == '"' || c[0] == '_' || c[0]|0x20 >= 'a' && c[0]|0x20 <= 'z') {
				text += "; did you mean " + l.Suggestion + "?"
			}
		}
		d.add(file, line, col, severity, "%s", text)
	}
}

// link bundles all scripts together, to find names that no module exports. What is broken, and styles, stay outside.
func (t *tree) link(ctx context.Context, g *graph, d *diagnostics) error {
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
	if p, ok := t.manyPaths(g, all, t.exportsAll); ok {
		d.add(fileOf(p), 0, 0, SeverityError, "export * is passed on over too many ways to be checked")
		return nil
	}
	options := t.buildOptions()
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
			if target, suffix, problem := t.resolve(a.Importer, a); problem == "" && suffix == "" && g.linked[target] {
				return api.OnResolveResult{Path: target, Namespace: nsTree}, nil
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
			case a.Namespace == nsTree && g.linked[a.Path]:
				return api.OnLoadResult{Contents: new(t.built(a.Path)), Loader: t.loader(a.Path)}, nil
			}
			return refuse()
		})
	}}}
	r := build(ctx, options)
	if ctx.Err() != nil {
		return errStopped
	}
	t.messages("", r.Errors, SeverityError, d)
	t.messages("", r.Warnings, SeverityWarning, d)
	return nil
}

// built returns the text of a file as the bundler is given it.
func (t *tree) built(p string) string {
	if s, ok := t.source[p]; ok {
		return s
	}
	return t.files[p]
}

var exportStar = regexp.MustCompile(`export\s*(?:/\*[\s\S]*?\*/\s*|//.*\s*)*\*`)

func (t *tree) exportsAll(p string) bool { return exportStar.MatchString(t.files[p]) }

// maxPaths bounds the ways through the graph that the bundler walks one by one: export * and @import.
const maxPaths = 20_000

// manyPaths reports whether the files that pass have more ways from one to another than the bundler should walk.
func (t *tree) manyPaths(g *graph, from []string, pass func(p string) bool) (string, bool) {
	counts := map[string]int{}
	onPath := map[string]bool{}
	cycles := 0
	var count func(p string) int
	count = func(p string) int {
		if n, ok := counts[p]; ok {
			return n
		}
		if onPath[p] {
			cycles++
			return 1
		}
		n := 1
		if pass(p) {
			onPath[p] = true
			for _, q := range g.edges[p] {
				if n = min(n+count(q), maxPaths+1); n > maxPaths {
					break
				}
			}
			delete(onPath, p)
		}
		counts[p] = n
		return n
	}
	total := 0
	for _, p := range from {
		if total += count(p); total > 10*maxPaths || counts[p] > maxPaths || cycles > 10 {
			return p, true
		}
	}
	return "", false
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
func checkSVG(p, content string, d *diagnostics) {
	if strings.Contains(content, "<!ENTITY") || isTemplate(content) {
		return
	}
	x := xml.NewDecoder(strings.NewReader(content))
	x.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	elements := 0
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
			d.add(p, line, col, SeverityError, "Not well-formed XML: %s", reason)
			return
		}
		elements++
	}
	if elements == 0 {
		d.add(p, 0, 0, SeverityError, "The SVG is empty")
	}
}
