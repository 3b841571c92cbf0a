package compile

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"
)

//go:embed js
var ours embed.FS

// ourText is a script of ours; they are all there.
func ourText(name string) string {
	b, err := ours.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// program is a compiler made into one script, and the packages of which it was made.
type program struct {
	key  string // what it is known by to other requests; "": nothing
	code *goja.Program
	from []source

	browser bool // it is made for browsers
}

// source is a package that a program was made of: by which name it was found from where, and which one it was.
type source struct{ from, name, identity string }

// programs are those of this process, compiled. They hold nothing of who made or ran them.
var (
	programsMu sync.Mutex
	programs   = map[string]*program{}
	programAge []string // keys, the one that was used last at the end
)

// maxPrograms is how many are kept in a process.
const maxPrograms = 8

// identity tells a package from all others; "": that is not known.
func (f *files) identity(place string) string {
	if i, ok := f.packages.(Identified); ok {
		return i.Identity(place)
	}
	return ""
}

// program is a compiler, made of the package at a place and what that needs, or taken from where it is kept.
func (s *Session) program(compiler, place string) (*program, error) {
	key := ""
	if id := s.files.identity(place); id != "" {
		sum := sha256.Sum256([]byte(compiler + "\x00" + ourText(compilers[compiler].entry) + "\x00" + id))
		key = hex.EncodeToString(sum[:])
		if p := s.kept(key); p != nil {
			return p, nil
		}
	}
	p, err := s.make(compiler, place)
	if err != nil {
		return nil, err
	}
	if key != "" && !slices.ContainsFunc(p.from, func(f source) bool { return f.identity == "" }) {
		p.key = key
		keep(key, p)
	}
	return p, nil
}

// kept is a program of this process, if it was made of the packages that are here.
func (s *Session) kept(key string) *program {
	programsMu.Lock()
	p := programs[key]
	programsMu.Unlock()
	if p == nil {
		return nil
	}
	for _, f := range p.from {
		id := absent
		if at, ok := s.files.packages.Find(f.from, f.name); ok {
			id = s.files.identity(at)
		}
		if id != f.identity {
			return nil
		}
	}
	keep(key, p)
	return p
}

func keep(key string, p *program) {
	programsMu.Lock()
	defer programsMu.Unlock()
	programs[key] = p
	if i := slices.Index(programAge, key); i >= 0 {
		programAge = slices.Delete(programAge, i, i+1)
	}
	programAge = append(programAge, key)
	if len(programAge) > maxPrograms {
		delete(programs, programAge[0])
		programAge = programAge[1:]
	}
}

// absent stands for the identity of a package that was looked for and is not there.
const absent = "absent"

// make bundles a compiler.
func (s *Session) make(compiler, place string) (*program, error) {
	p := &program{browser: compilers[compiler].browser}
	b := &bundler{files: s.files, browser: compilers[compiler].browser, found: func(from, name, at string) {
		id := absent
		if at != "" {
			id = s.files.identity(at)
		}
		if f := (source{from, name, id}); !slices.Contains(p.from, f) {
			p.from = append(p.from, f)
		}
	}}
	script, err := b.bundle(ourText(compilers[compiler].entry), place, "compiler")
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path.Base(place), err)
	}
	p.code, err = compileScript(compiler, script)
	return p, err
}

// bundler makes one script of a module and all that it imports.
type bundler struct {
	files *files
	found func(from, name, place string)

	browser bool // packages are taken as they are for browsers

	mu sync.Mutex // the bundler asks from several goroutines
}

const (
	nsFile    = "file-of-project" // never "file", which is the disk
	nsBuiltin = "stand-in"
	nsMissing = "missing"
)

// nowhere is the folder that builds happen in: no path with a NUL is on any disk.
const nowhere = "/\x00"

// bundle returns a script that defines a global name with what the entry exports. dir is where the entry stands.
func (b *bundler) bundle(entry, dir, global string) (string, error) {
	o := api.BuildOptions{
		Stdin:         &api.StdinOptions{Contents: entry, Sourcefile: "entry", ResolveDir: nowhere, Loader: api.LoaderTS},
		AbsWorkingDir: nowhere, Bundle: true, Write: false, Format: api.FormatIIFE, GlobalName: global, Platform: api.PlatformNeutral, Target: api.ES2020,
		// What the interpreter does not know of these years.
		Supported:   map[string]bool{"async-generator": false, "for-await": false, "dynamic-import": false},
		TreeShaking: api.TreeShakingTrue, LogLevel: api.LogLevelSilent, LegalComments: api.LegalCommentsNone, Charset: api.CharsetUTF8, TsconfigRaw: "{}",
		Define: map[string]string{"process.env.NODE_ENV": `"production"`, "import.meta.url": `"file:///compiler.js"`, "import.meta.env": "undefined", "__dirname": `"/"`, "__filename": `"/compiler.js"`},
		Plugins: []api.Plugin{{Name: "packages", Setup: func(build api.PluginBuild) {
			build.OnResolve(api.OnResolveOptions{Filter: ".*"}, func(a api.OnResolveArgs) (api.OnResolveResult, error) { return b.resolve(a, dir) })
			build.OnLoad(api.OnLoadOptions{Filter: ".*"}, b.load)
		}}},
	}
	r := api.Build(o)
	if len(r.Errors) > 0 {
		return "", &buildError{r.Errors[0]}
	}
	if len(r.OutputFiles) != 1 {
		return "", errors.New("nothing was built")
	}
	return string(r.OutputFiles[0].Contents), nil
}

// buildError is what the bundler says of a module.
type buildError struct{ message api.Message }

func (e *buildError) Error() string { return e.message.Text }

// diagnostic says it of a file of the project; of a package's file it names the file that asked for it.
func (e *buildError) diagnostic(from string) Diagnostic {
	d := Diagnostic{File: from, Severity: Error, Message: e.message.Text}
	if l := e.message.Location; l != nil {
		if file, ok := strings.CutPrefix(l.File, nsFile+":"); ok {
			if place, _ := split(file); place == "" {
				d.File, d.Line, d.Column = file, l.Line, l.Column+1
			} else {
				d.Message += " (in " + file + ")"
			}
		}
	}
	return d
}

func (b *bundler) resolve(a api.OnResolveArgs, dir string) (api.OnResolveResult, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if a.Namespace == nsFile {
		dir = folder(a.Importer)
	}
	name := strings.TrimPrefix(a.Path, "node:")
	if standIn(name) != "" && (name != a.Path || a.Namespace == nsBuiltin || !b.isPackage(dir, name)) {
		return api.OnResolveResult{Path: name, Namespace: nsBuiltin}, nil
	}
	if replaced[name] || inert[name] != "" {
		return api.OnResolveResult{Path: name, Namespace: nsMissing}, nil
	}
	r := importRules
	if a.Kind == api.ResolveJSRequireCall || a.Kind == api.ResolveJSRequireResolve {
		r = requireRules
	}
	if b.browser {
		r.conditions = slices.DeleteFunc(slices.Clone(r.conditions), func(c string) bool { return c == "node" })
	}
	from := dir
	p, ok := b.files.resolve(name, from, r)
	if b.found != nil && !strings.HasPrefix(name, ".") && !strings.HasPrefix(name, "/") && !strings.HasPrefix(name, "#") {
		pkg, _ := packageName(name)
		place, _ := split(path.Join(from, "x"))
		at, has := b.files.find(path.Join(from, "x"), pkg)
		if !has {
			at = ""
		}
		if m := b.files.manifest(place); m == nil || m.Name != pkg {
			b.found(place, pkg, at)
		}
	}
	if !ok {
		return api.OnResolveResult{Path: a.Path, Namespace: nsMissing}, nil
	}
	return api.OnResolveResult{Path: p, Namespace: nsFile}, nil
}

// isPackage reports whether a name that Node has a module of its own for is a package here.
func (b *bundler) isPackage(dir, name string) bool {
	pkg, _ := packageName(name)
	_, ok := b.files.find(path.Join(dir, "x"), pkg)
	return ok && builtins[pkg] == ""
}

// builtins are Node's modules, as far as compilers touch them, by the script of ours that stands for each; "none": what
// fails when it is used.
var builtins = map[string]string{
	"path": "path", "path/posix": "path", "path/win32": "path", "url": "url", "fs": "fs", "fs/promises": "fs_promises", "os": "os", "util": "util", "util/types": "util", "process": "process", "module": "module",
	"crypto": "crypto", "events": "events", "stream": "stream", "buffer": "buffer", "assert": "assert", "assert/strict": "assert", "tty": "tty", "worker_threads": "worker_threads", "perf_hooks": "perf_hooks",
	"child_process": "none", "http": "none", "https": "none", "http2": "none", "net": "none", "tls": "none", "dns": "none", "zlib": "none", "readline": "none", "vm": "none", "v8": "none", "async_hooks": "none", "string_decoder": "none",
	"querystring": "none", "timers": "none", "inspector": "none", "cluster": "none", "dgram": "none", "punycode": "none", "constants": "none", "timers/promises": "none", "stream/promises": "none", "diagnostics_channel": "none", "test": "none",
}

func standIn(name string) string { return builtins[name] }

// replaced are packages that only find, load and watch files of a disk.
var replaced = map[string]bool{"jiti": true, "sucrase": true, "chokidar": true, "fsevents": true, "lightningcss": true, "@tailwindcss/oxide": true, "@parcel/watcher": true, "postcss-load-config": true, "resolve": true, "enhanced-resolve": true}

// unusable is a module that can be imported, and says what is not there when it is used.
const unusable = `
const fail = () => { throw Object.assign(new Error("Cannot find module " + JSON.stringify(NAME) + ": it is not there, or needs Node.js"), { code: "MODULE_NOT_FOUND" }); };
module.exports = new Proxy(function () {}, {
  get: (t, k) => (k === "__esModule" ? false : k === "default" ? module.exports : k === "prototype" ? t.prototype : typeof k === "symbol" || k === "then" ? undefined : fail),
  apply: fail, construct: fail,
});
`

// Two packages that Tailwind 3 calls in any case: one looks for files, the other tells configurations apart, of which there
// is one here.
var inert = map[string]string{
	"fast-glob":   `module.exports = { sync: () => [], generateTasks: () => [] };`,
	"object-hash": `module.exports = () => "0";`,
}

func (b *bundler) load(a api.OnLoadArgs) (api.OnLoadResult, error) {
	script := func(text string) (api.OnLoadResult, error) {
		return api.OnLoadResult{Contents: &text, Loader: api.LoaderJS}, nil
	}
	quoted, _ := json.Marshal(a.Path) // a string has no way to fail
	switch a.Namespace {
	case nsBuiltin:
		if s := standIn(a.Path); s != "none" {
			return script(ourText("js/standins/" + s + ".js"))
		}
		return script(strings.Replace(unusable, "NAME", string(quoted), 1))
	case nsMissing:
		switch text := inert[a.Path]; {
		case text != "":
			return script(text)
		case replaced[a.Path]:
			return script(strings.Replace(unusable, "NAME", string(quoted), 1))
		}
		return script(`throw Object.assign(new Error("Cannot find module " + JSON.stringify(` + string(quoted) + `)), { code: "MODULE_NOT_FOUND" });`)
	case nsFile:
		text, ok := b.files.read(a.Path)
		if !ok {
			return api.OnLoadResult{}, fmt.Errorf("%s cannot be read", a.Path)
		}
		loader := api.LoaderJS
		switch path.Ext(a.Path) {
		case ".json":
			loader = api.LoaderJSON
		case ".ts", ".mts", ".cts":
			loader = api.LoaderTS
		case ".css", ".txt", ".md":
			loader = api.LoaderText
		case ".node", ".wasm":
			return script(strings.Replace(unusable, "NAME", string(quoted), 1))
		}
		if loader == api.LoaderJS || loader == api.LoaderTS {
			text = writeProperties(text)
		}
		return api.OnLoadResult{Contents: &text, Loader: loader}, nil
	}
	return api.OnLoadResult{}, errors.New("nothing is read from there")
}
