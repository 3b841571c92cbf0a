package verify

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeforge"
)

type files = map[string]string

func check1(t *testing.T, tree files) Report {
	t.Helper()
	return Check(t.Context(), Tree{Files: tree})
}

func lines(r Report) []string {
	out := []string{}
	for _, d := range r.Diagnostics {
		out = append(out, fmt.Sprintf("%s:%d:%d %s: %s", d.File, d.Line, d.Column, d.Severity, d.Message))
	}
	return out
}

// whole is a tree without a fault that uses every rule.
func whole() files {
	return files{
		"index.html": `<!doctype html>
<html lang="en"><head>
<link rel="stylesheet" href="style.css?v=2"><link rel="icon" href="/icon.svg"><link rel="manifest" href="app.webmanifest">
<script type="importmap">{"imports": {"lib/": "/src/lib/"}}</script>
<script type="module" src="/src/main.ts"></script>
<script src="classic.js"></script>
</head><body>
<a href="about.html#top">a</a><a href="/about">b</a><a href="docs/">c</a><a href="#x">d</a><a href="mailto:a@b.c">e</a><a href="?q=1">f</a>
<img src="icon.svg" srcset="icon.svg 1x, /icon.svg 2x" alt=""><form action="about.html"></form>
<a href="{{ url }}">g</a><a href="with%20space.html">h</a>
<script type="module">import { add } from "./src/lib/add"; add(1, 2);</script>
<script type="application/ld+json">{"a": 1}</script>
<script type="text/x-template"><b>{{ no script }}</b></script>
<style>p { color: red }</style>
</body></html>`,
		"about.html": "<p>about", "docs/index.html": "<p>docs", "with space.html": "<p>",
		"style.css": "@import './base.css';\nbody { background: url(icon.svg) } a { b: url(#g) }", "base.css": "p { color: blue }",
		"icon.svg": `<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>`, "app.webmanifest": `{"name": "x"}`, "classic.js": "function f() {}",
		"src/main.ts": "import { add } from '@/lib/add.js';\nimport type { T } from './types';\nimport data from './data.json';\n" +
			"import { View } from './view';\nimport all from './lib';\nimport './main.css';\nimport icon from '../icon.svg';\nimport { add as again } from 'lib/add';\nconst x: T = { a: add(1, 2) };\nconsole.log(x, data, View, all, icon, again);",
		"src/types.ts": "export interface T { a: number }", "src/lib/add.ts": "export const add = (a: number, b: number): number => a + b;",
		"src/lib/index.ts": "export * from './add';\nexport default 1;", "src/view.tsx": "/** @jsxRuntime classic @jsx h */\nconst h = (tag: string) => tag;\nexport const View = () => <p>hello</p>;", "src/main.css": "p{}", "src/data.json": `{"a": [1]}`,
		"tsconfig.json": "{\n  // comments are fine here\n  \"compilerOptions\": { \"baseUrl\": \".\", \"paths\": { \"@/*\": [\"src/*\"] }, \"jsx\": \"react-jsx\", },\n}",
		"worker.mjs":    "export {};", "old.cjs": "const path = require('path'); module.exports = path;", "a.mts": "export const a = 1", "a.jsx": "export default <b/>",
		"README.md": "# hi {{{", "App.vue": "<template>", "main.py": "def f(:", "notes.txt": "(", ".env.example": "A=1", "Dockerfile": "FROM x",
	}
}

func TestCheckAcceptsWholeTree(t *testing.T) {
	r := check1(t, whole())
	if !r.OK || len(r.Diagnostics) > 0 {
		t.Fatalf("ok %v\n%s", r.OK, strings.Join(lines(r), "\n"))
	}
	if r.Files != len(whole()) {
		t.Errorf("files %d", r.Files)
	}
	if want := []string{"classic.js", "index.html", "src/main.ts", "style.css"}; !slices.Equal(r.Entries, want) {
		t.Errorf("entries %q, want %q", r.Entries, want)
	}
}

// Each case breaks one rule in one place.
func TestCheckFinds(t *testing.T) {
	page := func(body string) files { return files{"index.html": "<!doctype html>\n<body>\n" + body, "a.js": ""} }
	for name, c := range map[string]struct {
		tree files
		want []string
	}{
		"ts syntax":      {files{"a.ts": "let a = 1;\nlet b: = 2;"}, []string{`a.ts:2:8 error: Unexpected "="`}},
		"mts syntax":     {files{"a.mts": "foo(;"}, []string{`a.mts:1:5 error: Unexpected ";"`}},
		"cts syntax":     {files{"a.cts": "foo(;"}, []string{`a.cts:1:5 error: Unexpected ";"`}},
		"js syntax":      {files{"a.js": "\n\nfoo(;"}, []string{`a.js:3:5 error: Unexpected ";"`}},
		"mjs syntax":     {files{"a.mjs": "foo(;"}, []string{`a.mjs:1:5 error: Unexpected ";"`}},
		"cjs syntax":     {files{"a.cjs": "foo(;"}, []string{`a.cjs:1:5 error: Unexpected ";"`}},
		"jsx syntax":     {files{"a.jsx": "x = <a></b>"}, []string{`a.jsx:1:10 error: Unexpected closing "b" tag does not match opening "a" tag; did you mean a?`}},
		"tsx syntax":     {files{"a.tsx": "x = <a>"}, []string{`a.tsx:1:8 error: Unexpected end of file before a closing "a" tag`}},
		"js without ts":  {files{"a.js": "let a: number = 1"}, []string{`a.js:1:6 error: Expected ";" but found ":"`}},
		"css syntax":     {files{"a.css": "a {\n  color: red;\n"}, []string{`a.css:3:1 error: Expected "}" to go with "{"`}},
		"json syntax":    {files{"a.json": "{\"a\": 1,\n}"}, []string{`a.json:1:8 error: JSON does not support trailing commas`}},
		"json comment":   {files{"package.json": "{} // no"}, []string{`package.json:1:4 error: JSON does not support comments`}},
		"tsconfig":       {files{"tsconfig.json": "{ /* fine */ \"a\" 1, }"}, []string{`tsconfig.json:1:18 error: Expected ":" in JSON but found "1"`}},
		"unicode column": {files{"a.ts": "/* äöü */ f(;"}, []string{`a.ts:1:13 error: Unexpected ";"`}},
		"svg":            {files{"a.svg": "<svg>\n<g></svg>"}, []string{`a.svg:2:10 error: Not well-formed XML: element <g> closed by </svg>`}},

		"missing import":   {files{"a.ts": "import { b } from './b';\nb()"}, []string{`a.ts:1:19 error: Could not resolve "./b": the project has no such file`}},
		"missing, similar": {files{"a.ts": "import './Button';", "ui/button.ts": ""}, []string{`a.ts:1:8 error: Could not resolve "./Button": the project has no such file; it has ui/button.ts`}},
		"missing dynamic":  {files{"a.ts": "import('./b')"}, []string{`a.ts:1:8 error: Could not resolve "./b": the project has no such file`}},
		"missing require":  {files{"a.js": "require('./b')"}, []string{`a.js:1:9 error: Could not resolve "./b": the project has no such file`}},
		"missing alias":    {files{"a.ts": "import '@/b'"}, []string{`a.ts:1:8 error: Could not resolve "@/b": the project has no such file`}},
		"missing absolute": {files{"a.ts": "import '/b'"}, []string{`a.ts:1:8 error: Could not resolve "/b": the project has no such file`}},
		"missing export": {files{"a.ts": "import { two } from './b';\nconsole.log(two)", "b.ts": "export const one = 1"},
			[]string{`a.ts:1:10 error: No matching export in "b.ts" for import "two"`}},
		"missing default": {files{"a.ts": "import two from './b';\nconsole.log(two)", "b.ts": "export const one = 1"},
			[]string{`a.ts:1:8 error: No matching export in "b.ts" for import "default"`}},
		"missing export beside a broken file": {files{"a.ts": "import { two } from './b'; import { c } from './c';\nconsole.log(two, c)", "b.ts": "export const one = 1", "c.ts": "foo(;"},
			[]string{`a.ts:1:10 error: No matching export in "b.ts" for import "two"`, `c.ts:1:5 error: Unexpected ";"`}},
		"css import":             {files{"a.css": "@import './b.css';"}, []string{`a.css:1:9 error: Could not resolve "./b.css": the project has no such file`}},
		"css bare import":        {files{"a.css": "@import 'b.css';"}, []string{`a.css:1:9 error: Could not resolve "b.css": the project has no such file`}},
		"braces, not a template": {files{"a.ts": "nam{{{{", "b.js": "const a = {{ b: 1 };", "c.ts": "let a = {{ title }};", "d.js": "let a = {{ title }};"}, []string{`a.ts:1:4 error: Expected ";" but found "{"`, `b.js:1:12 error: Expected identifier but found "{"`, `c.ts:1:10 error: Expected identifier but found "{"`, `d.js:1:10 warning: Expected identifier but found "{"`}},
		"text as a picture":      {files{"a.png": "text", "b.svg": "<svg></svg>"}, []string{`a.png:0:0 warning: This name says picture, font, sound, film or archive, and the file holds text: programs will not be able to open it`}},
		"css url":                {files{"a.css": "a {\n  background: url(b.png) }"}, []string{`a.css:2:15 error: Could not resolve "b.png": the project has no such file`}},
		"vue import":             {files{"a.ts": "import V from './V.vue'; V()", "V.vue": ""}, []string{`a.ts:1:15 warning: "V.vue" needs a compiler of its own and is not checked`}},

		"script src":           {page(`<script type="module" src="b.js"></script>`), []string{`index.html:3:27 error: <script src> names "b.js", which is not in the project`}},
		"script no type":       {files{"index.html": `<script src="m.js"></script>`, "m.js": "export const a = 1"}, []string{`index.html:1:13 error: m.js is a module (it imports or exports): the script tag needs type="module"`}},
		"script empty":         {page(`<script src=""></script>`), []string{`index.html:3:13 error: <script src> is empty`}},
		"script compiled name": {files{"index.html": `<script type="module" src="m.js"></script>`, "m.ts": "export const a = 1"}, []string{`index.html:1:27 warning: "m.js" is built from m.ts: name that file`}},
		"stylesheet":           {page(`<link rel=stylesheet href=b.css>`), []string{`index.html:3:27 error: <link href> names "b.css", which is not in the project`}},
		"icon":                 {page(`<link rel="shortcut icon" href="/b.ico">`), []string{`index.html:3:32 warning: <link href> names "/b.ico", which is not in the project`}},
		"image":                {page(`<img alt="x" src='b.png?x=1'>`), []string{`index.html:3:18 error: <img src> names "b.png?x=1", which is not in the project`}},
		"srcset":               {page(`<img srcset="a.js 1x, b.png 2x">`), []string{`index.html:3:13 error: <img srcset> names "b.png", which is not in the project`}},
		"video":                {page(`<video src="b.mp4"></video>`), []string{`index.html:3:12 error: <video src> names "b.mp4", which is not in the project`}},
		"page":                 {page(`<a href="gone.html#x">`), []string{`index.html:3:9 error: <a href> names "gone.html#x", which is not in the project`}},
		"page, elsewhere":      {files{"index.html": `<a href="/tasks.html">`, "pages/tasks.html": ""}, []string{`index.html:1:9 error: <a href> names "/tasks.html", which is not in the project; the project has pages/tasks.html`}},
		"form":                 {page(`<form action="gone.html">`), []string{`index.html:3:14 error: <form action> names "gone.html", which is not in the project`}},
		"svg image":            {page(`<img alt="x" src="b.svg">`), []string{`index.html:3:18 error: <img src> names "b.svg", which is not in the project`}},
		"css picture":          {files{"a.css": "a {\n  background: url(b.svg) }"}, []string{`a.css:2:15 error: Could not resolve "b.svg": the project has no such file`}},
		"route":                {page(`<a href="/tasks">`), []string{`index.html:3:9 warning: No page matches "/tasks": neither a file, nor /tasks.html, nor a folder with index.html`}},
		"javascript":           {page(`<a href="javascript:go()">`), []string{`index.html:3:9 warning: A javascript: address runs code from a link: use a button with a listener`}},
		"inline module":        {page("<script type=module>\n  foo(;\n</script>"), []string{`index.html:4:7 error: Unexpected ";"`}},
		"inline import":        {page(`<p><script type=module>import './b'</script>`), []string{`index.html:3:31 error: Could not resolve "./b": the project has no such file`}},
		"inline script":        {page(`<script>foo(;</script>`), []string{`index.html:3:13 error: Unexpected ";"`}},
		"inline style":         {page("<style>a { b: url(c.png) }</style>"), []string{`index.html:3:15 error: Could not resolve "c.png": the project has no such file`}},
		"inline json":          {page(`<script type="application/json">{,}</script>`), []string{`index.html:3:34 error: Expected string in JSON but found ","`}},
		"unclosed script":      {page(`<script>let a`), []string{`index.html:3:1 error: <script> is never closed: the rest of the page is lost in it`}},
		"unclosed comment":     {page(`<!-- x`), []string{`index.html:3:1 error: This comment is never closed: the rest of the page is lost in it`}},

		"bad path": {files{"../a.ts": ""}, []string{`../a.ts:0:0 error: The path must not hold . or .. segments`}},
		"bad text": {files{"a.ts": "\xff"}, []string{`a.ts:0:0 error: The file is not valid UTF-8`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := check1(t, c.tree)
			if got := lines(r); !slices.Equal(got, c.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.want, "\n"))
			}
			if wantOK := !strings.Contains(strings.Join(c.want, "\n"), " error: "); r.OK != wantOK {
				t.Errorf("ok %v", r.OK)
			}
		})
	}
}

func TestEntries(t *testing.T) {
	for name, c := range map[string]struct {
		tree files
		want []string
	}{
		"nothing":         {files{}, []string{}},
		"nobody imports":  {files{"a.ts": "import './b'", "b.ts": "", "c.ts": "", "t.d.ts": "declare const x: number", "x.css": "@import './y.css'", "y.css": "", "d.json": "{}"}, []string{"a.ts", "c.ts", "x.css"}},
		"ring":            {files{"a.ts": "import './b'", "b.ts": "import './a'"}, []string{"a.ts"}},
		"page names":      {files{"index.html": `<script type=module src=b.ts></script>`, "a.ts": "", "b.ts": "", "c.css": ""}, []string{"b.ts", "c.css"}},
		"page names none": {files{"index.html": "<p>", "a.ts": ""}, []string{"a.ts"}},
	} {
		t.Run(name, func(t *testing.T) {
			if got := check1(t, c.tree).Entries; !slices.Equal(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
}

// Nothing outside of the tree is read, whatever names it.
func TestDiskIsNeverRead(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	const secret = "S3CRET"
	for name, content := range map[string]string{
		"here.ts": "export const here = '" + secret + "'", "sub/one.ts": "export default '" + secret + "'", "node_modules/pkg/index.js": "module.exports = '" + secret + "'",
		"node_modules/pkg/package.json": `{"main": "index.js"}`, "tsconfig.json": "{ \"" + secret, "base.json": "{ \"" + secret, "package.json": "{ \"" + secret, "a.js.map": secret, "img.png": secret,
	} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	up := strings.Repeat("../", 40)
	abs := filepath.ToSlash(dir)
	// What is harmless is ignored, the rest is an error.
	harmless := []string{"node_modules", "browser map", "extends beside", "source map", "glob", "glob, comment", "glob, phases", "glob, unicode"}
	for name, tree := range map[string]files{
		"absolute":       {"a.ts": "import '/etc/passwd'; import '" + abs + "/here.ts'"},
		"parent":         {"a.ts": "import '" + up + "etc/passwd'; import '" + up + abs[1:] + "/here'"},
		"beside":         {"a.ts": "import './here'; import 'here'; import './here.ts'"},
		"dynamic":        {"a.ts": "import('/etc/hosts'); import('" + abs + "/here.ts')"},
		"require":        {"a.cjs": "require('/etc/hosts'); require('./here'); require.resolve('./here')"},
		"glob":           {"a.ts": "const x = 'a'; import(`./sub/${x}.ts`); import('./sub/' + x); require(`./sub/${x}`); import(`" + up + abs[1:] + "/sub/${x}.ts`)"},
		"glob, escaped":  {"a.js": "const x = 'a'; r\\u0065quire(`./sub/${x}`);"},
		"glob, comment":  {"a.ts": "const x = 'a'; import/* */\n(/* */`./sub/${x}`)"},
		"glob, phases":   {"a.js": "const x = 'a'; import.defer(`./sub/${x}.ts`); import.source(`./sub/${x}.ts`)"},
		"glob, unicode":  {"a.js": "/* ä\u2028 */ const é = 'a';\r\nimport(`./sub/${é}`)"},
		"file url":       {"a.ts": "import 'file:///etc/passwd'; import 'file://" + abs + "/here.ts'", "a.css": "@import 'file:///etc/passwd'; a { b: url(FILE:///etc/passwd) }"},
		"node_modules":   {"a.ts": "import p from 'pkg'; console.log(p)", "node_modules/pkg/package.json": `{"main": "/etc/passwd", "browser": {"x": "` + abs + `/here.ts"}}`},
		"browser map":    {"package.json": `{"browser": {"./b.ts": "` + abs + `/here.ts", "fs": "/etc/passwd"}, "imports": {"#x": "` + abs + `/here.ts"}, "sideEffects": ["../*"]}`, "a.ts": "import './b'; import fs from 'fs'; import x from '#x'; console.log(fs, x)", "b.ts": ""},
		"extends":        {"tsconfig.json": `{"extends": "` + abs + `/base.json", "compilerOptions": {"baseUrl": "` + abs + `", "paths": {"x": ["` + abs + `/here.ts", "../../here"]}}}`, "a.ts": "import 'x'; import 'here'"},
		"extends beside": {"tsconfig.json": `{"extends": "./base.json"}`, "a.ts": ""},
		"source map":     {"a.js": "let a = 1;\n//# sourceMappingURL=/etc/passwd", "b.js": "let b;\n//# sourceMappingURL=a.js.map", "c.css": "a{}\n/*# sourceMappingURL=file:///etc/passwd */", "d.js": "//# sourceMappingURL=file://" + abs + "/a.js.map", "e.ts": "let e = 1; //@ sourceMappingURL=/etc/passwd\nlet f; /*# sourceMappingURL=" + abs + "/a.js.map */", "f.css": "p{}/*@\tsourceMappingURL=" + abs + "/a.js.map*/", "g.html": "<script type=module>\n//#\u00a0sourceMappingURL=/etc/passwd\n//#   sourceMappingURL=/etc/passwd\n</script>"},
		"css":            {"a.css": "@import '/etc/passwd'; @import '" + abs + "/here.ts'; a { b: url(/etc/passwd); c: url('" + abs + "/img.png'); d: url(img.png); e: url(" + up + "etc/passwd) }"},
		"composes":       {"a.module.css": ".a { composes: x from '" + abs + "/img.png' }"},
		"assets":         {"a.ts": "import i from '" + abs + "/img.png'; import j from './img.png'; import k from '/etc/passwd?raw'; console.log(i, j, k)"},
		"attributes":     {"a.ts": "import i from '/etc/passwd' with { type: 'text' }; console.log(i)"},
		"jsx source":     {"a.tsx": "/** @jsxImportSource " + abs + " */\nexport default <a/>"},
		"html":           {"index.html": `<script src="/etc/passwd"></script><img src="` + abs + `/img.png"><img src="file:///etc/passwd"><script type=module>import "./here"</script><base href="file:///etc/"><a href="../../../../etc/passwd">`},
		"import map":     {"index.html": `<script type=importmap>{"imports": {"x": "` + abs + `/here.ts", "y/": "../../"}}</script><script type=module>import 'x'; import 'y/etc/passwd'</script>`},
	} {
		t.Run(name, func(t *testing.T) {
			site, r := Bundle(t.Context(), Tree{Files: tree})
			out, err := json.Marshal(r)
			if err != nil {
				t.Fatal(err)
			}
			var text strings.Builder
			text.WriteString(string(out))
			if site != nil {
				for p, a := range site.assets {
					if _, own := tree[p]; !own || strings.HasPrefix(p, bundleDir) {
						text.WriteString(a.Body)
					}
				}
			}
			if strings.Contains(text.String(), secret) || strings.Contains(text.String(), "root:") || strings.Contains(text.String(), "localhost") || strings.Contains(text.String(), "one.ts") && !strings.Contains(fmt.Sprint(tree), "one.ts") {
				t.Errorf("something of the disk came through: %s", text.String())
			}
			// What the tree itself says may be repeated, the machine's own folders may not.
			given := fmt.Sprint(tree)
			if !strings.Contains(given, abs) && strings.Contains(text.String(), abs) {
				t.Errorf("a path of the machine came through: %s", text.String())
			}
			if r.OK != slices.Contains(harmless, name) {
				t.Errorf("ok %v: %v", r.OK, lines(r))
			}
		})
	}
}

func TestNamesFromTheDiskAreNotMixedUpWithComputedImports(t *testing.T) {
	tree := files{"a.ts": "export const load = (n: string) => import(`./pages/${n}.js`);\nimport('./pages/b.js');", "pages/b.js": "export default 1"}
	r := check1(t, tree)
	if !r.OK || len(r.Diagnostics) > 0 {
		t.Fatal(lines(r))
	}
	site, _ := Bundle(t.Context(), Tree{Files: tree})
	a, ok := site.Find("a.ts")
	if !ok || !strings.Contains(a.Body, "=> import(name, options)") || !strings.Contains(a.Body, "imp$rt(`./pages/") {
		t.Errorf("%v\n%s", ok, a.Body)
	}
}

func TestReportIsBounded(t *testing.T) {
	tree := files{}
	for i := range 300 {
		tree[fmt.Sprintf("f%03d.ts", i)] = "import './" + strings.Repeat("x", 2000) + "'; let ="
	}
	for i := range 300 {
		tree[fmt.Sprintf("a%03d.html", i)] = "<a href=/nowhere>"
	}
	r := check1(t, tree)
	if len(r.Diagnostics) != MaxDiagnostics+1 || r.OK {
		t.Fatalf("%d findings, ok %v", len(r.Diagnostics), r.OK)
	}
	last := r.Diagnostics[MaxDiagnostics]
	if last.Message != "400 more findings are not shown" {
		t.Errorf("%+v", last)
	}
	for _, d := range r.Diagnostics[:MaxDiagnostics] {
		if d.Severity != SeverityError || len(d.Message) > MaxMessage {
			t.Fatalf("%+v", d)
		}
	}
}

func TestTreeIsBounded(t *testing.T) {
	many := files{}
	for i := range codeforge.MaxFiles + 1 {
		many[fmt.Sprintf("%d.ts", i)] = ""
	}
	if r := check1(t, many); r.OK || len(r.Diagnostics) != 1 || r.Files != len(many) {
		t.Errorf("%+v", r)
	}
	if r := check1(t, files{"a.txt": strings.Repeat("x", codeforge.MaxTreeBytes+1)}); r.OK || len(r.Diagnostics) != 1 {
		t.Errorf("%+v", r)
	}
}

func TestSameTreeSameResult(t *testing.T) {
	tree := whole()
	tree["x.ts"] = "import './y'; import './z'; let"
	tree["y.ts"] = "import { q, w } from './src/lib/add'; console.log(q, w)"
	var first string
	for range 5 {
		site, r := Bundle(t.Context(), Tree{Files: tree})
		b, err := json.Marshal(struct {
			R Report
			A map[string]Asset
		}{r, site.assets})
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(b)
		}
		if string(b) != first {
			t.Fatalf("differs:\n%s\n%s", first, b)
		}
	}
}

func BenchmarkCheck(b *testing.B) {
	tree := app(30)
	b.ReportAllocs()
	for b.Loop() {
		if r := Check(b.Context(), Tree{Files: tree}); !r.OK {
			b.Fatal(lines(r))
		}
	}
}

func BenchmarkBundle(b *testing.B) {
	tree := app(30)
	b.ReportAllocs()
	for b.Loop() {
		if site, _ := Bundle(b.Context(), Tree{Files: tree}); site == nil {
			b.Fatal("no site")
		}
	}
}

// app is a tree of n files: a page, a style sheet, and modules of about 60 lines that import each other.
func app(n int) files {
	tree := files{"index.html": `<link rel=stylesheet href=style.css><script type=module src=src/m0.ts></script>`, "style.css": strings.Repeat("p { color: red; margin: 0 }\n", 50)}
	for i := range n - 2 {
		var s strings.Builder
		if i+1 < n-2 {
			fmt.Fprintf(&s, "import { f%d } from './m%d';\n", i+1, i+1)
		} else {
			fmt.Fprintf(&s, "const f%d = (x: number): number => x;\n", i+1)
		}
		fmt.Fprintf(&s, "export interface T%d { id: string; at: Date; n: number }\n", i)
		for j := range 10 {
			fmt.Fprintf(&s, "export function g%d_%d(list: T%d[]): string {\n  return list\n    .filter((t) => t.n > %d)\n    .map((t) => `${t.id}: ${t.n}`)\n    .join(', ');\n}\n", i, j, i, j)
		}
		fmt.Fprintf(&s, "export const f%d = (x: number): number => f%d(x) + 1;\n", i, i+1)
		tree[fmt.Sprintf("src/m%d.ts", i)] = s.String()
	}
	return tree
}
