package verify

import (
	"context"
	"encoding/json"
	"errors"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"

	"github.com/evanw/esbuild/pkg/api"
)

// packageBuild resolves and loads files of packages within a build.
type packageBuild struct {
	t   *tree
	ctx context.Context

	mu     sync.Mutex
	assets map[string]bool // files of packages that are named by their address
}

// packageLoader is how a file of a package is read; LoaderNone: it is named by its address.
func packageLoader(name string) api.Loader {
	ext := strings.ToLower(path.Ext(name))
	switch l := loaders[ext]; {
	case isJSON(name):
		return api.LoaderJSON
	case l == api.LoaderCSS && strings.HasSuffix(name, ".module.css"):
		return api.LoaderLocalCSS
	case l == api.LoaderJS && ext == ".js":
		return api.LoaderJSX // some are published so
	case l != api.LoaderNone:
		return l
	case ext == "" || !isBinary(name) && !isText(name) && ext != ".svg" && !compiled(name):
		return api.LoaderJS // such as lib/thing.umd
	}
	return api.LoaderNone
}

// isScript reports whether an import is of what a script can be made of.
func (i packageImport) isScript() bool {
	if i.module.problem != "" || i.module.name == "" || inStyle(i.kind) || i.address {
		return false
	}
	l := packageLoader(i.module.name)
	return isScript(l) || l == api.LoaderJSON
}

// manner is how something is imported.
func manner(k api.ResolveKind) how {
	switch {
	case inStyle(k):
		return byStyle
	case k == api.ResolveJSRequireCall, k == api.ResolveJSRequireResolve:
		return byRequire
	}
	return byImport
}

// file is what the bundler is told of a file of a package.
func (b *packageBuild) file(place, name string) api.OnResolveResult {
	p := place + "/" + name
	out := api.OnResolveResult{Path: p, Namespace: nsPackage}
	l := packageLoader(name)
	if isScript(l) && b.t.modules.isESM(place, name) && path.Ext(name) != ".mjs" && path.Ext(name) != ".mts" {
		out.Path += moduleMark
	}
	if isScript(l) && !b.t.modules.at(place).manifest.hasEffects(name) {
		out.SideEffects = api.SideEffectsFalse
	}
	return out
}

// resolve finds what a file of a package imports.
func (b *packageBuild) resolve(a api.OnResolveArgs) (api.OnResolveResult, error) {
	place, name := splitModulePath(strings.TrimSuffix(a.Importer, moduleMark))
	if isExternalURL(a.Path) && !strings.HasPrefix(a.Path, "node:") || strings.HasPrefix(a.Path, "/"+bundleDir+"/") || a.Kind == api.ResolveCSSURLToken && (a.Path == "" || a.Path[0] == '#') {
		return api.OnResolveResult{Path: a.Path, External: true}, nil
	}
	clean, suffix := a.Path, ""
	if a.Path != "" && a.Path[0] != '#' {
		clean, suffix = cutSuffix(a.Path)
	}
	m := b.t.modules.fromPackage(place, name, clean, manner(a.Kind))
	if m.problem != "" && a.Kind == api.ResolveCSSURLToken && !isRelative(clean) {
		m = b.t.modules.fromPackage(place, name, "./"+clean, byStyle)
	}
	switch {
	case m.builtin != "", m.empty, m.inTree != "":
		return b.made(a.Path, madeEmpty, ""), nil
	case m.problem == "" && !m.unknown:
		return b.take(a, m, suffix), nil
	}
	what := "The package " + strconv.Quote(nameOfPlace(place)) + " needs " + strconv.Quote(a.Path) + ", which is not there"
	if m.problem != "" {
		what += ": " + m.problem
	}
	switch {
	case a.Kind == api.ResolveCSSURLToken:
		return api.OnResolveResult{Path: a.Path, External: true}, nil
	case a.Kind == api.ResolveJSRequireCall, a.Kind == api.ResolveJSRequireResolve, a.Kind == api.ResolveJSDynamicImport,
		b.t.modules.at(place).manifest.takesOptional(packageOf(clean)):
		return b.made(a.Path, madeThrow, what), nil // whoever asks may do without
	}
	return api.OnResolveResult{Errors: []api.Message{{Text: what}}}, nil
}

func (b *packageBuild) made(spec string, k kind, message string) api.OnResolveResult {
	return api.OnResolveResult{Path: spec + inlineMark + strconv.Itoa(int(k)), Namespace: nsMade, PluginData: made{kind: k, message: message}}
}

// take is what the bundler is told of a file that was found in a package.
func (b *packageBuild) take(a api.OnResolveArgs, m module, suffix string) api.OnResolveResult {
	l := packageLoader(m.name)
	switch {
	case a.Kind == api.ResolveCSSURLToken:
		return api.OnResolveResult{Path: b.address(m.path()) + suffix, External: true}
	case hasFlag(suffix, "raw"), hasFlag(suffix, "inline") && isStyle(l):
		return b.madeOf(a.Path, madeText, m.path())
	case hasFlag(suffix, "worker") && !hasFlag(suffix, "url"):
		return b.madeOf(a.Path, madeWorker, m.path())
	case hasFlag(suffix, "init") && path.Ext(m.name) == ".wasm":
		return b.madeOf(a.Path, madeInit, m.path())
	case isAddressed(suffix), l == api.LoaderNone && !compiled(m.name):
		return b.madeOf(a.Path, madeAddress, m.path())
	case l == api.LoaderNone:
		if inStyle(a.Kind) {
			return b.made(a.Path, madeStyle, "")
		}
		return b.made(a.Path, madeThrow, strconv.Quote(a.Path)+" needs a compiler of its own, which a preview does not have")
	case inStyle(a.Kind) && !isStyle(l):
		return b.made(a.Path, madeStyle, "")
	}
	return b.file(m.place, m.name)
}

// madeOf is a module that is about a file of a package.
func (b *packageBuild) madeOf(spec string, k kind, p string) api.OnResolveResult {
	out := b.made(spec, k, "")
	if k != madeText {
		b.address(p)
	}
	out.PluginData = made{kind: k, target: p, packaged: true}
	return out
}

// address is where a file of a package is served.
func (b *packageBuild) address(p string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.assets[p] = true
	return packageAddress(p)
}

func packageAddress(p string) string { return "/" + bundleDir + address(p) }

// load reads a file of a package, or writes what stands for one.
func (b *packageBuild) load(a api.OnLoadArgs) (api.OnLoadResult, error) {
	if a.Namespace != nsPackage {
		return b.t.bundleLoad(a)
	}
	p := strings.TrimSuffix(a.Path, moduleMark)
	noteFile(b.ctx, p)
	place, name := splitModulePath(p)
	text, err := b.t.modules.read(place, name)
	if err != nil {
		return api.OnLoadResult{}, errors.New(tidy(err.Error(), MaxMessage))
	}
	l := packageLoader(name)
	switch {
	case l == api.LoaderNone:
		return refuse()
	case isScript(l):
		return b.script(p, text, l)
	case l == api.LoaderJSON:
		text = strings.TrimPrefix(text, "\ufeff")
	}
	return api.OnLoadResult{Contents: &text, Loader: l}, nil
}

var (
	hashBang = regexp.MustCompile(`^#![^\n]*`)
)

// script prepares the text of a script of a package.
func (b *packageBuild) script(p, text string, l api.Loader) (api.OnLoadResult, error) {
	text = hashBang.ReplaceAllString(text, "")
	if strings.Contains(text, "import.meta.url") {
		text = b.fillURLs(p, text)
	}
	named, m := nameComputedImports(text, l, api.FormatESModule, "{}")
	if len(m) > 0 { // it may be in words that no module may hold
		var loose []api.Message
		if named, loose = nameComputedImports(text, l, api.FormatCommonJS, "{}"); len(loose) > 0 {
			return api.OnLoadResult{}, errors.New(p + " cannot be bundled: " + m[0].Text)
		}
	}
	return api.OnLoadResult{Contents: &named, Loader: l}, nil
}

// fillURLs puts the addresses of files in the place of URLs that a script makes from its own.
func (b *packageBuild) fillURLs(p, text string) string {
	place, name := splitModulePath(p)
	return urlCall.ReplaceAllStringFunc(text, func(call string) string {
		m := urlCall.FindStringSubmatchIndex(call)
		spec := call[m[4]:m[5]]
		if isExternalURL(spec) || spec[0] == '/' {
			return call
		}
		clean, suffix := cutSuffix(spec)
		target, ok := packagePath(path.Join(path.Dir(name), clean))
		if !ok || !b.t.modules.at(place).names[target] {
			return call
		}
		quoted, _ := json.Marshal(b.address(place+"/"+target) + suffix) // a text
		return call[:m[2]] + string(quoted) + call[m[5]+1:]
	})
}
