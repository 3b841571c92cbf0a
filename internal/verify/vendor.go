package verify

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/evanw/esbuild/pkg/api"
)

// What a project imports of packages is built apart from its own files, as the vendor: one script with an export for each
// module that is wanted, what is only loaded later in scripts of its own, and a style sheet. It depends on the lock and the
// wanted names alone, so that a change of the project's own files builds just those anew.

// vendorDir is where the vendor is served, below bundleDir. No path of a tree leads there.
const vendorDir = "__packages"

const vendorStyleLink = `<link rel="stylesheet" href="/` + bundleDir + `/` + vendorDir + `/` + entryIndex + `.css">`

// Bounds on a vendor.
const (
	maxVendor      = 32 << 20 // bytes
	maxWants       = 2_000
	maxWantedNames = 20_000
)

// want is a module of a package that a project imports.
type want struct {
	Module   string   `json:"module"`             // its path, from node_modules on
	Names    []string `json:"names,omitempty"`    // what is imported by name
	All      bool     `json:"all,omitempty"`      // so is everything that it exports
	Required bool     `json:"required,omitempty"` // it is called for as CommonJS does
	Lazy     bool     `json:"lazy,omitempty"`     // it is loaded when the program asks for it
}

// vendor is what wants were built to.
type vendor struct {
	vendorInfo
	files map[string]string // by path below vendorDir
}

// vendorInfo is what the build of the project's own files needs to know of a vendor.
type vendorInfo struct {
	Missing  map[string][]string `json:"missing,omitempty"` // names that a module does not export
	Assets   []string            `json:"assets,omitempty"`  // files of packages that are named by their address
	Findings []Diagnostic        `json:"findings,omitempty"`
	Styles   bool                `json:"styles,omitempty"`
	Broken   bool                `json:"broken,omitempty"` // there is nothing to load
}

// wantsFile is the file of a request that says what is wanted.
const wantsFile = "wants.json"

// maxWantBytes bounds wants as they are written.
const maxWantBytes = 8 << 20

// wantsKey identifies wants.
func wantsKey(wants []want) string {
	b, _ := json.Marshal(wants) // texts and truths
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// wants are the modules of packages that scripts import.
func (t *tree) wants(g *graph, scripts map[string]bool) ([]want, error) {
	static, lazy := map[string]*want{}, map[string]*want{}
	add := func(to map[string]*want, module string) *want {
		w := to[module]
		if w == nil {
			w = &want{Module: module}
			to[module] = w
		}
		return w
	}
	for _, p := range slices.Sorted(maps.Keys(scripts)) {
		for _, i := range g.imports[p] {
			if !i.isScript() {
				continue
			}
			switch i.kind {
			case api.ResolveJSDynamicImport:
				add(lazy, i.module.path())
			case api.ResolveJSRequireCall:
				add(static, i.module.path()).Required = true
			default:
				w := add(static, i.module.path())
				w.All = w.All || i.all
				w.Names = append(w.Names, i.names...)
			}
		}
		if t.showsPictures(g, p) {
			if m := t.modules.fromTree(t.packageFolder(p), "react", byRequire); m.problem == "" && m.place != "" {
				add(static, m.path()).Required = true
			}
		}
	}
	names := 0
	list := make([]want, 0, len(static)+len(lazy))
	for _, module := range slices.Sorted(maps.Keys(static)) {
		w := static[module]
		slices.Sort(w.Names)
		w.Names = slices.Compact(w.Names)
		if w.All {
			w.Names = slices.DeleteFunc(w.Names, func(n string) bool { return !isName.MatchString(n) })
		}
		names += len(w.Names)
		list = append(list, *w)
	}
	for _, module := range slices.Sorted(maps.Keys(lazy)) {
		list = append(list, want{Module: module, Lazy: true})
	}
	if len(list) > maxWants || names > maxWantedNames {
		return nil, fmt.Errorf("the project imports %d modules and %d names of packages; at most %d and %d are bundled", len(list), names, maxWants, maxWantedNames)
	}
	return list, nil
}

var isName = regexp.MustCompile(`^[\pL_$][\pL\pN_$]*$`)

// showsPictures reports whether a script may import a picture as a component.
func (t *tree) showsPictures(g *graph, p string) bool {
	return slices.ContainsFunc(g.edges[p], func(to string) bool { return strings.EqualFold(path.Ext(to), ".svg") }) && t.needs(p, "react")
}

// wantVendor is why a build stopped: it needs a vendor, which its parent has to build first.
type wantVendor struct{ wants []want }

func (w *wantVendor) Error() string { return "packages are to be built first" }

// vendorKeeper has vendors that were built before. What is not among them is to be asked for by a [wantVendor].
type vendorKeeper interface {
	vendor(wants []want) (*vendorInfo, bool)
}

// useVendor takes what scripts import of packages out of a vendor, which is built here where nobody keeps them.
func (t *tree) useVendor(ctx context.Context, wants []want) error {
	if len(wants) == 0 {
		return nil
	}
	t.wanted, t.lazy = make(map[string]int, len(wants)), map[string]int{}
	for i, w := range wants {
		if w.Lazy {
			t.lazy[w.Module] = i
		} else {
			t.wanted[w.Module] = i
		}
	}
	t.wantList = wants
	if k, ok := t.modules.packages.(vendorKeeper); ok {
		info, ok := k.vendor(wants)
		if !ok {
			return &wantVendor{wants}
		}
		t.vendor = &vendor{vendorInfo: *info}
		return nil
	}
	v, err := buildVendor(ctx, t.modules.packages, wants)
	t.vendor = v
	return err
}

// Namespaces of what comes from packages.
const (
	nsPackage = "codeforge-package" // a file of a package, by its path from node_modules on
	nsVendor  = "codeforge-vendor"  // an entry of the vendor
	nsShim    = "codeforge-shim"    // stands in the project's build for a module of the vendor
)

// moduleMark follows the path of a file that Node.js takes for a module: the bundler goes by the ending.
const moduleMark = inlineMark + "0.mjs"

// entryIndex is the entry of all that is not lazy.
const entryIndex = "index"

// buildVendor builds what is wanted of packages.
func buildVendor(ctx context.Context, p Packages, wants []want) (*vendor, error) {
	t := newTree(Tree{Packages: p}, new(diagnostics))
	b := &packageBuild{t: t, ctx: ctx, assets: map[string]bool{}}
	options := t.buildOptions("{}")
	options.Splitting = true
	options.PublicPath = "/" + bundleDir + "/" + vendorDir + "/"
	options.ChunkNames = "chunk-[hash]"
	options.Target = api.ES2022
	options.MinifyWhitespace, options.MinifySyntax = true, true
	options.Define = map[string]string{"process.env.NODE_ENV": `"production"`, "process.env": `{"NODE_ENV":"production"}`, "global": "globalThis",
		"import.meta.env": `{"MODE":"production","PROD":true,"DEV":false,"SSR":false,"BASE_URL":"/"}`}
	options.EntryPointsAdvanced = []api.EntryPoint{{InputPath: entryIndex, OutputPath: entryIndex}}
	for i, w := range wants {
		if w.Lazy {
			options.EntryPointsAdvanced = append(options.EntryPointsAdvanced, api.EntryPoint{InputPath: strconv.Itoa(i), OutputPath: lazyName(i)})
		}
	}
	options.Plugins = []api.Plugin{{Name: "packages", Setup: func(pb api.PluginBuild) {
		pb.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) {
			switch {
			case a.Kind == api.ResolveEntryPoint:
				return api.OnResolveResult{Path: a.Path, Namespace: nsVendor}, nil
			case a.Namespace == nsVendor:
				i, err := strconv.Atoi(a.Path)
				if err != nil || i < 0 || i >= len(wants) {
					return api.OnResolveResult{}, errors.New("this is not wanted")
				}
				place, name := splitModulePath(wants[i].Module)
				return b.file(place, name), nil
			}
			return b.resolve(a)
		})
		pb.OnLoad(api.OnLoadOptions{Filter: ".*"}, func(a api.OnLoadArgs) (api.OnLoadResult, error) {
			if a.Namespace == nsVendor {
				if i, err := strconv.Atoi(a.Path); err == nil && i >= 0 && i < len(wants) {
					return api.OnLoadResult{Contents: new(t.lazyEntry(i, wants[i])), Loader: api.LoaderJS}, nil
				}
				return api.OnLoadResult{Contents: new(vendorEntry(wants)), Loader: api.LoaderJS}, nil
			}
			return b.load(a)
		})
	}}}
	r := build(ctx, options)
	if ctx.Err() != nil {
		return nil, errStopped
	}
	v := &vendor{files: map[string]string{}}
	v.Missing = missingNames(wants, r.Warnings)
	for _, w := range wants {
		if missing := t.missingOfCommonJS(w); len(missing) > 0 {
			v.Missing[w.Module] = missing
		}
	}
	v.Assets = slices.Sorted(maps.Keys(b.assets))
	var d diagnostics
	t.packageMessages(r.Errors, &d)
	total := 0
	for _, f := range r.OutputFiles {
		name := strings.TrimPrefix(f.Path, nowhere+"/out/")
		total += len(f.Contents)
		v.files[name] = completeScript(name, string(f.Contents))
		v.Styles = v.Styles || name == entryIndex+".css"
	}
	if total > maxVendor {
		d.add("package.json", 0, 0, SeverityError, "What the project imports of packages is built to %d MB; at most %d MB are shown", total>>20, maxVendor>>20)
	}
	v.Findings = d.report(0, nil).Diagnostics
	if v.Broken = total > maxVendor || len(r.Errors) > 0; v.Broken {
		v.files = nil
	}
	return v, nil
}

func lazyName(i int) string { return "lazy" + strconv.Itoa(i) }

// lazyEntry is the text of what is loaded later. A browser gets it as it is, so that what CommonJS exports is to be found here.
func (t *tree) lazyEntry(i int, w want) string {
	var s strings.Builder
	fmt.Fprintf(&s, "import * as m from \"%d\"; export default m.default;\n", i)
	place, name := splitModulePath(w.Module)
	exports := t.modules.commonJSExports(place, name)
	if exports == nil {
		fmt.Fprintf(&s, "export * from \"%d\";\n", i)
		return s.String()
	}
	for n, name := range exports.names() {
		fmt.Fprintf(&s, "const n%d = m.%s; export { n%d as %s };\n", n, name, n, name)
	}
	return s.String()
}

// vendorEntry is the text of what is not lazy: a line for each want, so that a line says which one it is.
func vendorEntry(wants []want) string {
	var s strings.Builder
	for i, w := range wants {
		n := strconv.Itoa(i)
		switch {
		case w.Lazy:
		case w.All:
			s.WriteString(`import * as m` + n + ` from "` + n + `"; export const v` + n + ` = all(m` + n + `);`)
			if len(w.Names) > 0 { // never called: the bundler says which of them are missing
				s.WriteString(` const z` + n + ` = () => [m` + n + `.` + strings.Join(w.Names, `, m`+n+`.`) + `];`)
			}
		case len(w.Names) > 0:
			s.WriteString(`import * as m` + n + ` from "` + n + `"; export const v` + n + ` = { __esModule: true`)
			for _, name := range w.Names {
				key, _ := json.Marshal(name) // a text
				s.WriteString(`, get [` + string(key) + `]() { return m` + n + `[` + string(key) + `]; }`)
			}
			s.WriteString(` };`)
		case !w.Required:
			s.WriteString(`import "` + n + `";`)
		}
		if w.Required {
			s.WriteString(` export const r` + n + ` = require("` + n + `");`)
		}
		s.WriteString("\n")
	}
	return s.String() + exportAll
}

// exportAll makes of a namespace an object that CommonJS takes for a module.
const exportAll = `
function all(m) {
  const o = {};
  for (const k of Object.getOwnPropertyNames(m)) Object.defineProperty(o, k, { enumerable: true, get: () => m[k] });
  return Object.defineProperty(o, "__esModule", { value: true });
}
`

// missingNames are the wanted names that modules do not export, by what the bundler says of the entry.
func missingNames(wants []want, warnings []api.Message) map[string][]string {
	missing := map[string][]string{}
	for _, m := range warnings {
		l := m.Location
		if m.ID != memberMissing || l == nil || !strings.HasPrefix(l.File, nsVendor+":"+entryIndex) || l.Line > len(wants) || l.Column+l.Length > len(l.LineText) {
			continue
		}
		name := l.LineText[l.Column : l.Column+l.Length]
		if unquoted := ""; json.Unmarshal([]byte(name), &unquoted) == nil {
			name = unquoted
		}
		w := wants[l.Line-1]
		if slices.Contains(w.Names, name) && !slices.Contains(missing[w.Module], name) {
			missing[w.Module] = append(missing[w.Module], name)
		}
	}
	return missing
}

// shim is what stands in the project's build for a module of the vendor.
type shim int

const (
	shimNames    shim = iota // exports the wanted names, and nothing else
	shimAll                  // is all that the module exports
	shimRequired             // is what require gives
	shimVendor               // hands over what the vendor exports
	shimKinds
)

func shimPath(spec string, i int, s shim) string {
	return spec + inlineMark + strconv.Itoa(i*int(shimKinds)+int(s))
}

func readShimPath(p string) (i int, s shim, ok bool) {
	_, number, ok := strings.Cut(p, inlineMark)
	n, err := strconv.Atoi(number)
	return n / int(shimKinds), shim(n % int(shimKinds)), ok && err == nil && n >= 0
}

// shimFor finds what stands for a module that a script imports.
func (t *tree) shimFor(g *graph, importer, spec string, kind api.ResolveKind, m module) (api.OnResolveResult, bool) {
	i, ok := t.wanted[m.path()]
	if kind == api.ResolveJSDynamicImport {
		i, ok = t.lazy[m.path()]
	}
	if !ok || t.vendor == nil || t.vendor.Broken {
		return api.OnResolveResult{}, false
	}
	s := shimNames
	switch w := t.wantList[i]; {
	case kind == api.ResolveJSDynamicImport:
		return api.OnResolveResult{Path: "/" + bundleDir + "/" + vendorDir + "/" + lazyName(i) + ".js", External: true}, true
	case kind == api.ResolveJSRequireCall:
		s = shimRequired
		if !w.Required {
			return api.OnResolveResult{}, false
		}
	case w.All && slices.ContainsFunc(g.imports[importer], func(pi packageImport) bool { return pi.all && pi.module == m }):
		s = shimAll
	}
	return api.OnResolveResult{Path: shimPath(spec, i, s), Namespace: nsShim}, true
}

// resolveInShim finds what a shim imports.
func resolveInShim(a api.OnResolveArgs) api.OnResolveResult {
	if strings.HasPrefix(a.Path, "/"+bundleDir+"/") {
		return api.OnResolveResult{Path: a.Path, External: true}
	}
	i, _, _ := readShimPath(a.Importer)
	spec, _, _ := strings.Cut(a.Importer, inlineMark)
	return api.OnResolveResult{Path: shimPath(spec+"/"+a.Path, i, shimVendor), Namespace: nsShim}
}

// loadShim writes a shim. Where it is CommonJS, the bundler joins it with what is imported of it as it does with any module.
func (t *tree) loadShim(p string) (api.OnLoadResult, error) {
	i, s, ok := readShimPath(p)
	if !ok || i >= len(t.wantList) {
		return refuse()
	}
	w := t.wantList[i]
	from := `"/` + bundleDir + "/" + vendorDir + "/" + entryIndex + `.js"`
	text := ""
	switch s {
	case shimNames:
		if len(w.Names) == 0 {
			text = "import " + from + "; export {};"
			break
		}
		var b strings.Builder
		b.WriteString("import { v" + strconv.Itoa(i) + " as v } from " + from + ";\n")
		for n, name := range w.Names {
			if slices.Contains(t.vendor.Missing[w.Module], name) {
				continue
			}
			key, _ := json.Marshal(name) // a text
			fmt.Fprintf(&b, "const n%d = v[%s]; export { n%d as %s };\n", n, key, n, key)
		}
		text = b.String() + "export {};"
	case shimAll:
		text = `module.exports = require("all").v;`
	case shimRequired:
		text = `module.exports = require("required").v;`
	case shimVendor:
		spec, _, _ := strings.Cut(p, inlineMark)
		export := "v" + strconv.Itoa(i)
		if path.Base(spec) == "required" {
			export = "r" + strconv.Itoa(i)
		}
		text = "import { " + export + " as v } from " + from + "; export { v };"
	}
	return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
}
