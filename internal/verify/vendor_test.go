package verify

import (
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/sandbox"
)

// shelf are small packages, each of which is published in another way.
func shelf() folder {
	f := folder{}
	add := func(place, manifest string, texts ...string) {
		f["node_modules/"+place+"/package.json"] = manifest
		for i := 0; i < len(texts); i += 2 {
			f["node_modules/"+place+"/"+texts[i]] = texts[i+1]
		}
	}
	add("esm", `{"name":"esm","module":"./m.js","main":"./c.js","sideEffects":false}`, "m.js", "export const a = 'esm a'; export const unused = 'esm unused'; export default 'esm default'; export { deep } from './deep'", "deep/index.js", "export const deep = 'esm deep'", "c.js", "throw 1")
	add("cjs", `{"name":"cjs","main":"lib"}`, "lib/index.js", "exports.a = 'cjs a'; exports.node = process.env.NODE_ENV; if (process.env.NODE_ENV !== 'production') { exports.dev = require('./missing') }")
	add("babel", `{"name":"babel"}`, "index.js", "Object.defineProperty(exports, '__esModule', { value: true }); exports.default = 'babel default'; exports.b = 'babel b'")
	add("fn", `{"name":"fn"}`, "index.js", "module.exports = function () { return 'fn called' }; module.exports.sub = 'fn sub'")
	add("conditions", `{"name":"conditions","exports":{".":{"types":"./x.d.ts","node":"./node.js","browser":{"import":"./browser.mjs","require":"./browser.cjs"},"default":"./node.js"},"./sub/*":"./lib/*.js","./sub/private":null,"./feature":{"worker":"./no.js","default":"./lib/feature.js"},"./style.css":{"style":"./css/style.css"},"./package.json":"./package.json"},"imports":{"#inner":{"browser":"./lib/inner.js","default":"./node.js"},"#other":"cjs"}}`,
		"browser.mjs", "import inner from '#inner'; import other from '#other'; export default 'conditions browser ' + inner + other.a", "browser.cjs", "module.exports = 'conditions required'", "node.js", "throw new Error('node')", "lib/one.js", "export default 'sub one'", "lib/private.js", "", "lib/feature.js", "export default 'feature'", "lib/inner.js", "export default 'inner'", "css/style.css", ".conditions { color: red }", "no.js", "")
	add("browserfield", `{"name":"browserfield","main":"main.js","browser":{"./main.js":"./web.js","fs":false,"cjs":"esm","./node-only":false}}`, "main.js", "throw 1", "web.js", "const fs = require('fs'); const e = require('cjs'); require('./node-only.js'); module.exports = 'web ' + Object.keys(fs).length + e.default", "node-only.js", "throw 2")
	add("user", `{"name":"user","type":"module","dependencies":{"nested":"1"}}`, "index.js", "import n from 'nested'; import b from 'babel'; import self from 'user/self'; export const u = 'user ' + n + typeof b + (typeof self); import('./later.js')", "self.js", "export default 1", "later.js", "globalThis.later = 'user later'")
	add("user/node_modules/nested", `{"name":"nested"}`, "index.js", "module.exports = 'inner nested'")
	add("nested", `{"name":"nested"}`, "index.js", "module.exports = 'outer nested'")
	add("react", `{"name":"react"}`, "index.js", "exports.useState = (x) => [x]; exports.createElement = (t) => t; exports.Fragment = 'f'", "jsx-runtime.js", "exports.jsx = (t, p) => 'jsx ' + t; exports.jsxs = exports.jsx; exports.Fragment = 'f'")
	add("styled", `{"name":"styled","style":"all.css"}`, "all.css", "@import './more.css'; .all { background: url(./bg.png?x) } @font-face { font-family: f; src: url(font.woff2#iefix) }", "more.css", ".more { color: blue }", "bg.png", "\x89PNG\x00\xff", "font.woff2", "wOF2\x00", "index.js", "import './js.css'; import pic from './bg.png'; export default pic", "js.css", ".js { color: green }", "mod.module.css", ".local { color: red }")
	add("needy", `{"name":"needy","peerDependenciesMeta":{"maybe":{"optional":true}}}`, "index.js", "import maybe from 'maybe'; try { require('perhaps') } catch {} export default 'needy'", "bad.js", "import 'not-there'; export default 1")
	add("data", `{"name":"data","version":"3"}`, "index.json", `{"k": "data json"}`, "w.js", "export const url = new URL('./x.wasm', import.meta.url).pathname; const t = 'a'; import(`./${t}.js`)", "x.wasm", "\x00asm", "ts.ts", "export const t: string = 'data ts'; export enum E { A = 'enum' }", "view.jsx", "export default <b/>")
	add("@scope/pkg", `{"name":"@scope/pkg","exports":"./x.js"}`, "x.js", "export default 'scoped'")
	add("server", `{"name":"server","exports":{".":{"node":"./n.js"}}}`, "n.js", "export default () => 1")
	add("@types/only", `{"name":"@types/only"}`, "index.d.ts", "export const x: number")
	return f
}

const shelfManifest = `{"name":"app","dependencies":{"esm":"1","cjs":"1","babel":"1","fn":"1","conditions":"1","browserfield":"1","user":"1","react":"1","styled":"1","needy":"1","data":"1","@scope/pkg":"1","only":"1","gone":"1"}}`

// withShelf is a tree with these packages and one script.
func withShelf(script string) Tree {
	return Tree{Files: files{"package.json": shelfManifest, "index.html": `<!doctype html><body><script type="module" src="/main.tsx"></script>`, "main.tsx": script}, Lock: []byte("shelf"), Packages: shelf()}
}

// built is all that a site has below bundleDir.
func built(site *Site) string {
	var s strings.Builder
	for p, a := range site.assets {
		if strings.HasPrefix(p, bundleDir) {
			s.WriteString(p + "\n" + a.Body + "\n")
		}
	}
	return s.String()
}

// What packages export is there, however they are published, and what nobody imports is not.
func TestPackagesAreBundled(t *testing.T) {
	v := newVerifier(t, sandbox.Options{})
	for name, c := range map[string]struct {
		script string
		has    []string
		hasNo  []string
	}{
		"module, names":        {"import { a, deep } from 'esm'; console.log(a, deep)", []string{"esm a", "esm deep"}, []string{"esm unused", "esm default"}},
		"module, default":      {"import d from 'esm'; console.log(d)", []string{"esm default"}, []string{"esm a"}},
		"module, all":          {"import * as e from 'esm'; console.log(e)", []string{"esm a", "esm unused", "esm default"}, nil},
		"CommonJS":             {"import { a } from 'cjs'; console.log(a)", []string{"cjs a", `"production"`}, []string{"missing"}},
		"required":             {"const c = require('cjs'); console.log(c)", []string{"cjs a"}, nil},
		"folder":               {"import { deep } from 'esm/deep'; console.log(deep)", []string{"esm deep"}, []string{"esm a"}},
		"conditions":           {"import c from 'conditions'; console.log(c)", []string{"conditions browser", `"inner"`, "cjs a"}, []string{"conditions required", "new Error(\"node\")"}},
		"conditions, required": {"console.log(require('conditions'))", []string{"conditions required"}, []string{"conditions browser"}},
		"subpath":              {"import s from 'conditions/sub/one'; import f from 'conditions/feature'; console.log(s, f)", []string{"sub one", "feature"}, nil},
		"browser field":        {"import b from 'browserfield'; console.log(b)", []string{"web ", "esm default"}, []string{"throw 1", "throw 2", "cjs a"}},
		"nested":               {"import { u } from 'user'; console.log(u)", []string{"inner nested", "user later"}, []string{"outer nested"}},
		"scoped":               {"import s from '@scope/pkg'; console.log(s)", []string{"scoped"}, nil},
		"JSX":                  {"console.log(<p/>)", []string{"jsx "}, nil},
		"styles":               {"import 'styled/all.css'; import pic from 'styled'; import m from 'styled/mod.module.css'; console.log(pic, m)", []string{".more", "url(/__bundle/node_modules/styled/bg.png?x)", "font.woff2#iefix", ".js{color:green}", "__packages/index.css", "\x89PNG\x00\xff", "wOF2\x00", "mod_local", `"/__bundle/node_modules/styled/bg.png"`}, nil},
		"optional":             {"import n from 'needy'; console.log(n)", []string{"needy", "which is not there"}, nil},
		"data":                 {"import d from 'data'; import { t, E } from 'data/ts.ts'; import v from 'data/view.jsx'; import p from 'data/package.json'; console.log(d, t, E, v, p)", []string{"data json", "data ts", "enum"}, []string{": string"}},
		"wasm":                 {"import { url } from 'data/w'; console.log(url)", []string{`new URL("/__bundle/node_modules/data/x.wasm",import.meta.url)`, "\x00asm", computedImport + "(`"}, nil},
		"raw and url":          {"import r from 'data/w.js?raw'; import u from 'data/x.wasm?url'; console.log(r, u)", []string{"import.meta.url).pathname", `"/__bundle/node_modules/data/x.wasm"`}, nil},
		"later":                {"import('esm').then((e) => console.log(e.a)); import('cjs').then((c) => console.log(c.a, c.default))", []string{"esm unused", "__packages/lazy", "cjs a"}, nil},
		"types alone":          {"import type { X } from 'not-there'; import { type Y } from 'nor-this'; let x: X | Y; console.log(x!)", []string{"console.log"}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site, r, err := v.Bundle(t.Context(), "u", withShelf(c.script))
			if err != nil || site == nil || !r.OK || len(r.Diagnostics) > 0 {
				t.Fatal(err, strings.Join(lines(r), "\n"))
			}
			all := built(site)
			for _, s := range c.has {
				if !strings.Contains(all, s) {
					t.Errorf("%q is not in\n%s", s, all)
				}
			}
			for _, s := range c.hasNo {
				if strings.Contains(all, s) {
					t.Errorf("%q is in\n%s", s, all)
				}
			}
			if strings.Contains(all, "from \"esm\"") || strings.Contains(all, "codeforge-package:/") {
				t.Error(all)
			}
		})
	}
}

// What is wrong with an import of a package is said where it stands.
func TestPackageFindings(t *testing.T) {
	for name, c := range map[string]struct {
		script string
		want   []string
	}{
		"undeclared":       {"import 'nowhere'", []string{`main.tsx:1:8 error: Could not resolve "nowhere": no package.json asks for "nowhere"; nobody published nowhere`}},
		"declared":         {"import 'gone/x'", []string{`main.tsx:1:8 warning: The package "gone" is not there: nobody published gone`}},
		"of another alone": {"import n from 'nested'; console.log(n)", []string{`main.tsx:1:15 warning: No package.json asks for "nested": it is there for another package alone, and may be gone tomorrow`}},
		"missing name":     {"import { a, b } from 'esm'; console.log(a, b)", []string{`main.tsx:1:13 error: No matching export in "esm" for import "b"`}},
		"missing default":  {"import d from 'user'; console.log(d)", []string{`main.tsx:1:8 error: No matching export in "user" for import "default"`}},
		"CommonJS, name":   {"import { useStat } from 'react'; console.log(useStat)", []string{`main.tsx:1:10 error: No matching export in "react" for import "useStat"`}},
		"not exported":     {"import 'conditions/lib/one.js'", []string{`main.tsx:1:8 error: Could not resolve "conditions/lib/one.js": conditions 1.0.0 does not export "./lib/one.js"`}},
		"private":          {"import 'conditions/sub/private'", []string{`main.tsx:1:8 error: Could not resolve "conditions/sub/private": conditions 1.0.0 does not export "./sub/private"`}},
		"no such file":     {"import 'esm/nope'", []string{`main.tsx:1:8 error: Could not resolve "esm/nope": esm has no file "nope"`}},
		"out of it":        {"import 'esm/../../secret'", []string{`main.tsx:1:8 error: Could not resolve "esm/../../secret": it leads out of the package`}},
		"of Node.js":       {"import fs from 'fs'; import { join } from 'node:path'; console.log(fs, join)", []string{`main.tsx:1:16 warning: This needs "fs" of Node.js, which a browser does not have`, `main.tsx:1:43 warning: This needs "node:path" of Node.js, which a browser does not have`}},
		"within one":       {"import b from 'needy/bad.js'; console.log(b)", []string{`package.json:0:0 error: The package "needy" needs "not-there", which is not there: nobody published not-there`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := Check(t.Context(), withShelf(c.script))
			if got := lines(r); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
		})
	}
}

// What is no part of the program, as tests are not, may import of a package what the program does not.
func TestPackagesBesideTheProgram(t *testing.T) {
	tree := withShelf("import { useState } from 'react'; import { a } from 'esm'; console.log(useState, a)")
	tree.Files["main.test.tsx"] = "import { createElement } from 'react'; import { deep } from 'esm'; import './main'; console.log(createElement, deep)"
	if r := Check(t.Context(), tree); !r.OK || len(r.Diagnostics) > 0 {
		t.Error(strings.Join(lines(r), "\n"))
	}
}

// Where packages are off a tree is looked at as before, and why they are is said.
func TestPackagesOff(t *testing.T) {
	tree := withShelf("import { a } from 'esm'; console.log(a)")
	tree.Packages = nil
	plain := lines(Check(t.Context(), tree))
	tree.Packages = Off("NPM_REGISTRY turns them on")
	site, r := Bundle(t.Context(), tree)
	if len(plain) != 1 || !r.OK || !strings.Contains(plain[0], "which a preview cannot load") || !strings.Contains(strings.Join(lines(r), ""), "NPM_REGISTRY turns them on") || !strings.Contains(built(site), "NPM_REGISTRY turns them on") {
		t.Error(plain, lines(r))
	}
}

// Files that hold no text are named, served from where they lie, and missed when they are not there; each finding says which
// rung it stands on.
func TestAssets(t *testing.T) {
	tree := Tree{Files: files{"index.html": `<img src="a.png" alt=""><img src="/gone.png" alt=""><script type="module" src="m.ts"></script>`, "m.css": "p { background: url(./a.png) } a { background: url(no.woff2) }",
		"m.ts": "import a from './a.png';\nimport b from './b.png';\nimport './m.css';\nconsole.log(a, b);"}, Assets: map[string]Blob{"a.png": {Hash: "h", Size: 7}}}
	site, r := Bundle(t.Context(), tree)
	want := []string{`index.html:1:34 error: <img src> names "/gone.png", which is not in the project`, `m.css:1:48 error: Could not resolve "no.woff2": the project has no such file`, `m.ts:2:15 error: Could not resolve "./b.png": the project has no such file`}
	if got := lines(r); !slices.Equal(got, want) {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	for _, d := range r.Diagnostics {
		if d.Rung != codeforge.RungResolve {
			t.Errorf("%s is of %q", d.Message, d.Rung)
		}
	}
	if site == nil {
		t.Fatal("a missing picture keeps the page from being built")
	}
	if a, ok := site.Find("a.png"); !ok || a.Blob != tree.Assets["a.png"] || !strings.Contains(built(site), `"/a.png"`) || !strings.Contains(built(site), "url(/a.png)") {
		t.Errorf("%+v\n%s", a, built(site))
	}
	r = Check(t.Context(), Tree{Files: files{"a.ts": "let a: = 1", "b.ts": "import { x } from './c'; x()", "c.ts": "export const y = 1"}})
	if got := []codeforge.RungName{r.Diagnostics[0].Rung, r.Diagnostics[1].Rung}; !slices.Equal(got, []codeforge.RungName{"", codeforge.RungBundle}) {
		t.Error(got)
	}
}

// Packages of the project itself are its own files: what they import is found from where they lie.
func TestWorkspaces(t *testing.T) {
	shelf := folder{"node_modules/shared/package.json": `{}`, "node_modules/shared/index.js": "export const s = 'shared above'", "parts/ui/node_modules/shared/package.json": `{}`, "parts/ui/node_modules/shared/index.js": "export const s = 'shared below'",
		"parts/ui/node_modules/@own/mine/package.json": `{"exports":{"./sub":"./m.js"}}`, "parts/ui/node_modules/@own/mine/m.js": "export default 'mine'"}
	tree := Tree{Files: files{"package.json": `{"workspaces":["parts/*"],"dependencies":{"shared":"1"}}`, "parts/ui/package.json": `{"name":"@app/ui","main":"src/index.ts","dependencies":{"shared":"2","@own/mine":"1"}}`,
		"parts/ui/src/index.ts": "import { s } from 'shared'; import m from '@own/mine/sub'; export const below = s + m",
		"index.html":            "<script type=module src=/a.ts></script>", "a.ts": "import { s } from 'shared'; import { below } from '@app/ui'; console.log(s, below)"}, Packages: shelf}
	site, r := Bundle(t.Context(), tree)
	if site == nil || !r.OK || len(r.Diagnostics) > 0 {
		t.Fatal(lines(r))
	}
	for _, s := range []string{"shared above", "shared below", "mine"} {
		if !strings.Contains(built(site), s) {
			t.Errorf("%s is not in\n%s", s, built(site))
		}
	}
	tree.Files["a.ts"] = "import m from '@own/mine/sub'; console.log(m)" // which is another part's
	if r := Check(t.Context(), tree); r.OK {
		t.Error(lines(r))
	}
}
