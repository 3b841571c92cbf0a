package verify

import (
	"strings"
	"testing"

	"codeforge/internal/sandbox"
)

// What needs more than a browser is checked as far as that goes, and check and preview say what does not run here.
func TestElsewhere(t *testing.T) {
	page := `<!doctype html><body><div id="root"></div><script type="module" src="/src/main.jsx"></script>`
	for name, c := range map[string]struct {
		tree  files
		says  string // in a warning
		home  string // in the page to start with
		error string
	}{
		"Next.js":          {files{"package.json": "{\n \"dependencies\": {\"next\": \"15\", \"react\": \"19\"}}", "app/page.tsx": "import { a } from 'esm'; export default async function Page() { return <p>{a}</p> }", "app/layout.tsx": "export default ({ children }) => <html><body>{children}</body></html>"}, "package.json:2:19 warning: This is made with Next.js", "Next.js does not run here", ""},
		"Next.js, broken":  {files{"package.json": `{"dependencies": {"next": "15"}}`, "app/page.tsx": "import x from './gone'; export default () => <p>{x}</p>"}, "made with Next.js", "", `Could not resolve "./gone"`},
		"Next.js, package": {files{"package.json": `{"dependencies": {"next": "15"}}`, "app/page.tsx": "import x from 'nowhere'; export default () => <p>{x}</p>"}, "made with Next.js", "", `Could not resolve "nowhere"`},
		"Express alone":    {files{"package.json": `{"dependencies": {"express": "5"}}`, "server.js": "const express = require('express'); express().listen(3000)"}, "made with Express", "Express does not run here", ""},
		"Express, pages":   {files{"package.json": `{"dependencies": {"express": "5", "react": "19"}}`, "index.html": page, "src/main.jsx": "fetch('/api/x')", "server.js": "require('express')().listen(3)"}, "what they ask of it stays without an answer", "/__bundle/src/main.jsx.js", ""},
		"SvelteKit":        {files{"package.json": `{"devDependencies": {"@sveltejs/kit": "2", "svelte": "5"}}`, "src/app.html": "<!doctype html><body>%sveltekit.body%</body>", "src/routes/+page.svelte": "<p>hi</p>"}, "made with SvelteKit", "SvelteKit does not run here", ""},
		"a program":        {files{"package.json": `{"dependencies": {"cjs": "1"}}`, "main.ts": "import { readFileSync } from 'node:fs'; import { a } from 'cjs'; console.log(readFileSync(a))"}, "", "Node.js does not run here", ""},
		"for Node.js":      {files{"package.json": `{"dependencies": {"server": "1"}}`, "main.ts": "import s from 'server'; s()"}, "", "Node.js does not run here", ""},
		"not for browsers": {files{"package.json": `{"dependencies": {"server": "1", "vite": "7"}}`, "index.html": page, "src/main.jsx": "import s from 'server'; s()", "tool.js": "import 'server'"}, "", "", `src/main.jsx:1:15 error: Could not resolve "server": server 1.0.0 does not export "."`},
		"a page of Vite":   {files{"package.json": `{"devDependencies": {"@react-router/dev": "7"}, "dependencies": {"react": "19"}}`, "index.html": page, "src/main.jsx": "document.title = 'x'"}, "", "/__bundle/src/main.jsx.js", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			site, r := Bundle(t.Context(), Tree{Files: c.tree, Packages: shelf()})
			said := strings.Join(lines(r), "\n")
			if !strings.Contains(said, c.says) || c.says == "" && strings.Contains(said, "does not run here") || !strings.Contains(said, c.error) || r.OK != (c.error == "") {
				t.Errorf("ok %v\n%s", r.OK, said)
			}
			if c.error != "" {
				return
			}
			if site == nil {
				t.Fatal("there is nothing to show")
			}
			if a, ok := site.Find(site.Home); !ok || !strings.Contains(a.Body, c.home) {
				t.Errorf("%s: %s", site.Home, a.Body)
			}
		})
	}
}

// Vite's conventions hold: base, public, .env files and what follows a question mark.
func TestVite(t *testing.T) {
	tree := Tree{Files: files{
		"package.json":   `{"devDependencies": {"vite": "7"}}`,
		"vite.config.ts": "import { defineConfig } from 'vite'\nexport default defineConfig({\n  base: '/shop/',\n  resolve: { alias: { '@': '/src', 'left': './src/right.ts' } },\n})",
		"index.html":     `<!doctype html><title>%VITE_TITLE%</title><body><img src="/shop/logo.svg" alt=""><script type="module" src="/src/main.ts"></script>`,
		".env":           "# titles\nVITE_NAME=Shop # of all\nSECRET=s3cret\nexport VITE_TITLE=\"The ${VITE_NAME} $VITE_NAME # 1\"\nVITE_RAW='${VITE_NAME}'\nVITE_PRICE=5\\$\n",
		".env.local":     "VITE_NAME=mine", ".env.production": "VITE_NAME=Real shop", ".env.development": "VITE_NAME=dev",
		"public/logo.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>", "src/right.ts": "export default 'right'", "src/x.css": ".x { color: red }", "src/pic.svg": "<svg xmlns='http://www.w3.org/2000/svg'/>",
		"src/main.ts": "import logo from '/logo.svg';\nimport raw from './x.css?raw';\nimport inline from './x.css?inline';\nimport pic from '@/pic.svg?url';\nimport left from 'left';\nimport init from './m.wasm?init';\n" +
			"console.log(logo, raw, inline, pic, left, init, import.meta.env.VITE_TITLE, import.meta.env.VITE_RAW, import.meta.env.VITE_PRICE, import.meta.env.BASE_URL, import.meta.env.MODE, import.meta.env.SECRET);",
	}, Assets: map[string]Blob{"src/m.wasm": {Hash: "h", Size: 4}}, Packages: folder{"node_modules/vite/package.json": "{}"}}
	v := newVerifier(t, sandbox.Options{})
	site, r, err := v.Bundle(t.Context(), "u", tree)
	if err != nil || site == nil || !r.OK || len(r.Diagnostics) > 0 {
		t.Fatal(err, lines(r))
	}
	all := built(site)
	for _, s := range []string{`"/public/logo.svg"`, `".x { color: red }"`, `"/src/pic.svg"`, `"right"`, `fetch("/src/m.wasm")`, `The Shop Shop # 1`, `\${VITE_NAME}`, `"5$"`, `BASE_URL: "/"`, `"Real shop"`} {
		if !strings.Contains(strings.ReplaceAll(all, `"${`, `"\${`), s) {
			t.Errorf("%s is not in\n%s", s, all)
		}
	}
	if strings.Contains(all, "s3cret") || strings.Contains(all, `"dev"`) {
		t.Error(all)
	}
	if page, _ := site.Find(site.Home); !strings.Contains(page.Body, "<title>The Shop Shop # 1</title>") {
		t.Error(page.Body)
	}
	for _, p := range []string{"shop/logo.svg", "logo.svg", "shop", "shop/__bundle/src/main.ts.js"} {
		if a, ok := site.Find(p); !ok && p != "shop" || ok && p == "shop" && !strings.HasPrefix(a.Type, "text/html") {
			t.Errorf("%s is not served", p)
		}
	}
}
