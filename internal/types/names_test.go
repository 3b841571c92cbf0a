package types_test

import (
	"testing"

	"codeforge/internal/npm/registrytest"
	"codeforge/internal/types"
	"codeforge/internal/types/typestest"
	"codeforge/internal/verify"
)

// Names that nothing declares are found in JavaScript, wherever it stands, and nothing else is said of it.
func TestUndeclaredNames(t *testing.T) {
	b := newBench(t, types.Options{Path: typestest.Compiler(t)})
	publish(t, b.registry)
	b.registry.Publish(t, "next", "1.0.0", registrytest.Version{})
	page := func(body string) map[string]string {
		return map[string]string{"index.html": "<!doctype html><body>\n" + body}
	}
	script := func(text string) map[string]string {
		return map[string]string{"index.html": `<script src="a.js"></script>`, "a.js": text}
	}
	module := func(text string) map[string]string {
		return map[string]string{"index.html": `<script type="module" src="a.js"></script>`, "a.js": text, "b.js": "export function shared() {}"}
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"a script", script("let n = 1;\nnn + n;"), "a.js:2:1 TS2304\n"},
		{"a module", module("import { shared } from './b.js'; shared(); missing()"), "a.js:1:44 TS2304\n"},
		{"a name of another module", module("shared()"), "a.js:1:1 TS2304\n"},
		{"assigned in a module", module("export {}; count = 1"), "a.js:1:12 TS2304\n"},
		{"assigned in a script", script("count = 1; count++"), ""},
		{"a shorthand", script("const o = { absent }"), "a.js:1:13 TS18004\n"},
		{"scripts share", map[string]string{"index.html": `<script src="a.js"></script><script src="b.js"></script>`, "a.js": "function f() {} const c = 1", "b.js": "f(c)"}, ""},
		{"modules do not", map[string]string{"index.html": `<script type="module" src="a.js"></script><script src="b.js"></script>`, "a.js": "function f() {}", "b.js": "f()"}, "b.js:1:1 TS2304\n"},
		{"by window", script("window.later = 1; globalThis['other'] = 2; later + other"), ""},
		{"by any name", script("window[location.hash] = 1; later"), ""},
		{"asked for", script("if (typeof later !== 'undefined') later()"), ""},
		{"said to be there", script("/* global later, other */ later(other)"), ""},
		{"an element's id", page(`<b id="menu"></b><script>menu.remove()</script>`), ""},
		{"a script in a page", page("<script>\n  const a = 1;\n  b;\n</script>"), "index.html:4:3 TS2304\n"},
		{"the first line of one", page("<p>ä</p><script>b;</script>"), "index.html:2:17 TS2304\n"},
		{"a module in a page", page(`<script type="module">import { x } from './x.js'; x(y)</script>`), "index.html:2:53 TS2304\n"},
		{"a handler", page(`<button onclick="addItem()">+</button>`), "index.html:2:18 TS2304\n"},
		{"a handler of what there is", page(`<button onclick="addItem(event, this)">+</button><script>function addItem() {}</script>`), ""},
		{"a handler of a module's function", page(`<button onclick="addItem()">+</button><script type="module">function addItem() {}</script>`), "index.html:2:18 TS2304\n"},
		{"a handler with members of its element", page(`<form><input oninput="console.log(value); form.reset(); return false" onblur="document.title = name"></form>`), ""},
		{"a handler that a script writes", script("document.body.innerHTML = `<li onclick=\"pick(${1})\">x</li>`"), "a.js:1:41 TS2304\n"},
		{"a handler of what there is, written", script("function pick() {} document.body.innerHTML = `<li onclick=\"pick(${1})\">x</li>`"), ""},
		{"React's handlers", map[string]string{"a.jsx": "const f = () => {}; export const A = () => <B onClick={f} />; function B() {}"}, ""},
		{"a component that is not there", map[string]string{"a.jsx": "export const A = () => <Missing />"}, "a.jsx:1:25 TS2304\n"},
		{"Node's names", map[string]string{"a.js": "const fs = require('fs'); module.exports = { dir: __dirname, env: process.env, b: Buffer.from('') }"}, ""},
		{"tests' names", map[string]string{"a.test.js": "describe('x', () => { it('y', () => { expect(1).toBe(1); jest.fn(); vi.fn(); inject() }) })"}, ""},
		{"words of types in comments", script("/** @type {Nothing} @param {Foo} x */ let a"), ""},
		{"Flow", map[string]string{"a.js": "// @flow\nexport function f(x: Foo): Bar { return x }"}, ""},
		{"a function in a block", script("if (location) { function f() {} } f()"), ""},
		{"what does not parse", script("let = ; nothing"), ""},
		{"a name that a tool fills in", map[string]string{"vite.config.js": "export default { define: { VERSION: 1 } }", "a.js": "export const v = VERSION"}, ""},
		{"scripts from elsewhere", page(`<script src="https://cdn.test/d3.js"></script><script>d3.select('p'); const total = 1; totl</script>`), "index.html:2:88 TS2552\n"},
		{"libraries that are not looked at", map[string]string{"index.html": `<script src="lib.min.js"></script><script>lib()</script>`, "lib.min.js": "window.x=1"}, ""},
		{"libraries that are blobs", map[string]string{"index.html": `<script src="src/logo.svg"></script><script>lib()</script>`}, ""},
		{"templates", page(`<script>{{ data }}; other()</script><script>more()</script>`), ""},
		{"TypeScript without its packages", map[string]string{"package.json": `{"dependencies":{"react":"19"}}`, "tsconfig.json": `{"compilerOptions":{"jsx":"react-jsx"}}`, "a.tsx": "import { useState } from 'react';\nexport const A = ({ n }: { n: number }) => { const [m] = useState<number>(n); return <p>{m}{mm}</p> }"}, "a.tsx:2:93 TS2304\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := b.check(t, verify.Tree{Files: c.files, Assets: map[string]verify.Blob{"src/logo.svg": {}}})
			if got := said(r); got != c.want {
				t.Errorf("%+v\ngot:\n%swant:\n%s%v", r.Rung, got, c.want, r.Diagnostics)
			}
		})
	}
}
