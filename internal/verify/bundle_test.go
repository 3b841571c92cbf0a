package verify

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

func TestBundle(t *testing.T) {
	tree := files{
		"index.html": `<head><link rel=stylesheet href="/style.css">
<script type="module" src="src/main.ts"></script><script src="classic.ts"></script></head><body><script type=module id=x>import { a } from './src/a'; a()</script><img src=logo.svg></body>`,
		"about.html":     `<script type=module src=src/about.ts></script>`,
		"style.css":      "@import './base.css';\nbody { background: url(./logo.svg?x#y) }",
		"base.css":       "p { color: red }",
		"logo.svg":       "<svg/>",
		"classic.ts":     "function go(n: number) {}",
		"src/main.ts":    "import { a } from './a';\nimport './main.css';\nimport logo from '../logo.svg';\nimport raw from './note.txt?raw';\nimport data from './data.json';\na(); console.log(logo, raw, data);\nnew Worker(new URL('./worker.ts', import.meta.url));\nimport('./lazy');",
		"src/lazy.ts":    "export const lazy = 1;",
		"src/about.ts":   "import { a } from './a'; a();",
		"src/a.ts":       "export let n: number = 0; export function a() { n++ }",
		"src/main.css":   "b { color: blue }",
		"src/note.txt":   "a note",
		"src/data.json":  `{"k": 1}`,
		"src/worker.ts":  "const w: number = 1; postMessage(w)",
		"src/broken.ts":  "foo(;",
		"vite.config.ts": "import { defineConfig } from 'vite'; export default defineConfig({})",
		"README.md":      "# hi",
	}
	site, r := Bundle(t.Context(), Tree{Files: tree})
	if site == nil {
		t.Fatal(lines(r))
	}
	if site.Home != "index.html" {
		t.Errorf("home %q", site.Home)
	}
	for p, c := range map[string]struct {
		typ        string
		has, hasNo []string
	}{
		"index.html": {"text/html; charset=utf-8", []string{`href="/__bundle/style.css.css"`, `<link rel="stylesheet" href="/__bundle/src/main.ts.css"><script type="module" src="/__bundle/src/main.ts.js">`,
			`src="/classic.ts"`, `src="/__bundle/index.html-inline0.js"></script>`, "src=logo.svg"}, []string{"./src/a"}},
		"about":                    {"text/html; charset=utf-8", []string{"/__bundle/src/about.ts.js"}, nil},
		"__bundle/style.css.css":   {"text/css; charset=utf-8", []string{"color: red", "url(/logo.svg?x#y)"}, []string{"@import"}},
		"__bundle/src/main.ts.js":  {"text/javascript; charset=utf-8", []string{`from "/__bundle/chunks/`, `"/logo.svg"`, "a note", "k: 1"}, []string{": number"}},
		"__bundle/src/main.ts.css": {"text/css; charset=utf-8", []string{"color: blue"}, nil},
		"classic.ts":               {"text/javascript; charset=utf-8", []string{"function go(n) {"}, []string{"export", "number"}},
		"src/worker.ts":            {"text/javascript; charset=utf-8", []string{"postMessage(w)"}, []string{"number"}},
		"__bundle/src/worker.ts":   {"text/javascript; charset=utf-8", []string{"postMessage(w)"}, []string{"number"}},
		"logo.svg":                 {"image/svg+xml", []string{"<svg/>"}, nil},
		"README.md":                {"text/plain; charset=utf-8", []string{"# hi"}, nil},
	} {
		a, ok := site.Find(p)
		if !ok || a.Type != c.typ {
			t.Errorf("%s: found %v, type %q", p, ok, a.Type)
			continue
		}
		for _, s := range c.has {
			if !strings.Contains(a.Body, s) {
				t.Errorf("%s lacks %q:\n%s", p, s, a.Body)
			}
		}
		for _, s := range c.hasNo {
			if strings.Contains(a.Body, s) {
				t.Errorf("%s has %q:\n%s", p, s, a.Body)
			}
		}
	}
	for _, p := range []string{"", "nope", "__bundle", "__bundle/", "__bundle/nope.js", "src", "__bundle/vite.config.ts.js", "../x"} {
		if a, ok := site.Find(p); ok && p != "" {
			t.Errorf("%q is served: %s", p, a.Body)
		}
	}
}

func TestBundleSaysWhatItCannotLoad(t *testing.T) {
	tree := files{"index.html": `<link rel=stylesheet href="https://cdn.example/x.css"><script type=module src=a.ts></script>`,
		"a.ts": "import React, { useState } from 'react';\nimport 'https://esm.example/x';\nimport './b.css';\nconsole.log(React, useState);", "b.css": "@import 'tailwindcss';\n@import url(https://fonts.example/f);"}
	site, r := Bundle(t.Context(), Tree{Files: tree})
	want := []string{
		`a.ts:1:33 warning: This needs the package "react", which a preview cannot load: only the project's own files are part of it`,
		`a.ts:2:8 warning: "https://esm.example/x" is on another origin, which a preview does not load: put what is needed into the project`,
		`b.css:1:9 warning: This needs the package "tailwindcss", which a preview cannot load: only the project's own files are part of it`,
		`b.css:2:9 warning: "https://fonts.example/f" is on another origin, which a preview does not load: put the font file into the project, or name fonts that systems have`,
		`index.html:1:27 warning: "https://cdn.example/x.css" is on another origin, which a preview does not load: put the style sheet into the project, and fonts that it names with it`,
	}
	if got := lines(r); !slices.Equal(got, want) || !r.OK {
		t.Errorf("ok %v\n%s", r.OK, strings.Join(got, "\n"))
	}
	if site == nil {
		t.Fatal("no site")
	}
	a, _ := site.Find("__bundle/a.ts.js")
	if !strings.Contains(a.Body, "throw new Error(message)") || !strings.Contains(a.Body, "role") || strings.Contains(a.Body, `from "react"`) {
		t.Error(a.Body)
	}
}

func TestBundleStarts(t *testing.T) {
	for name, c := range map[string]struct {
		tree files
		home string // "-": no site
		has  string
	}{
		"nothing":        {files{}, "", ""},
		"no web":         {files{"README.md": "x"}, "", ""},
		"only page":      {files{"x/start.html": "<p>hi"}, "x/start.html", "<p>hi"},
		"index first":    {files{"a.html": "", "index.html": "<p>hi"}, "index.html", "<p>hi"},
		"public":         {files{"a.html": "", "public/index.html": "<p>hi"}, "public/index.html", "<p>hi"},
		"nested root":    {files{"web/package.json": "{}", "web/index.html": `<script type=module src=/src/m.ts></script>`, "web/src/m.ts": ""}, "web/index.html", "/__bundle/web/src/m.ts.js"},
		"script":         {files{"util.test.ts": "import './src/main'", "src/main.ts": "", "src/index.ts": "export {}"}, "index.html", "/__bundle/src/index.ts.js"},
		"style":          {files{"a.css": "p{}"}, "index.html", "/__bundle/a.css.css"},
		"script, styled": {files{"main.ts": "import './a.css'", "a.css": "p{}"}, "index.html", `href="/__bundle/main.ts.css"`},
		"broken script":  {files{"main.ts": "foo(;"}, "-", ""},
		"broken entry":   {files{"index.html": "<script type=module src=m.ts></script>", "m.ts": "import './gone'"}, "-", ""},
		"broken link":    {files{"index.html": "<a href=gone.html>"}, "index.html", "gone.html"},
		"broken aside":   {files{"index.html": "<script type=module src=m.ts></script>", "m.ts": "", "other.ts": "foo(;"}, "index.html", "/__bundle/m.ts.js"},
	} {
		t.Run(name, func(t *testing.T) {
			site, r := Bundle(t.Context(), Tree{Files: c.tree})
			if c.home == "-" {
				if site != nil || r.OK {
					t.Fatalf("ok %v", r.OK)
				}
				return
			}
			if site == nil || site.Home != c.home {
				t.Fatalf("%+v %v", site, lines(r))
			}
			if a, _ := site.Find(c.home); !strings.Contains(a.Body, c.has) {
				t.Error(a.Body)
			}
		})
	}
}

func TestBundleIsBounded(t *testing.T) {
	styled := files{"index.html": "", "big.css": `p::after{content:"` + strings.Repeat("x", 520_000) + `"}`}
	for i := range 20 { // half a megabyte each, of which the site may have eight
		styled["index.html"] += fmt.Sprintf("<script type=module src=%d.ts></script>", i)
		styled[fmt.Sprintf("%d.ts", i)] = "import './big.css'"
	}
	if site, r := Bundle(t.Context(), Tree{Files: styled}); site != nil || r.OK {
		t.Error(lines(r))
	}
}

// Names that mean something in a URL, a pattern or a path template stay names.
func TestBundleOddNames(t *testing.T) {
	tree := files{"index.html": ""}
	for i, p := range []string{"a b.ts", "ü.ts", "[id].ts", "x*.ts", "q%3F.ts", "h%23.ts", "(g)/p.ts", "@x/y.ts", "-d.ts", "__bundle/z.ts", "chunks/c.ts", "..x/w.ts", "a\"b.ts", "index/index.ts"} {
		tree[p] = fmt.Sprintf("console.log('n%d')", i)
		tree["index.html"] += fmt.Sprintf("<script type=module src='%s'></script>\n", strings.ReplaceAll(address(p), "'", "&#39;"))
	}
	site, r := Bundle(t.Context(), Tree{Files: tree})
	if !r.OK || site == nil {
		t.Fatal(lines(r))
	}
	page, _ := site.Find("index.html")
	for i, part := range strings.Split(strings.TrimSpace(page.Body), "\n") {
		_, part, _ = strings.Cut(part, `src="/`)
		part, _, _ = strings.Cut(part, `"`)
		if a, ok := site.Find(unescape(part)); !ok || !strings.Contains(a.Body, fmt.Sprintf("n%d", i)) {
			t.Errorf("%s: %v %s", part, ok, a.Body)
		}
	}
}
