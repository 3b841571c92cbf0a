package verify

import (
	"strings"
	"testing"
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
