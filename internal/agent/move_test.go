package agent

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/verify"
)

// What names a file names it at its new place, in its own style, and the file names what it needs from there.
func TestMove(t *testing.T) {
	for _, c := range []struct {
		name     string
		files    []string
		from, to string
		want     map[string]string // what changed; "" is gone
		says     string
	}{
		{"an import without an ending", []string{"src/a.ts", "import { b } from './lib/b'\nimport type { C } from \"./lib/b\";\nexport * from './lib/bb'\n", "src/lib/b.ts", "export const b = 1\n", "src/lib/bb.ts", "export {}\n"}, "src/lib/b.ts", "src/core/bee.ts",
			map[string]string{"src/a.ts": "import { b } from './core/bee'\nimport type { C } from \"./core/bee\";\nexport * from './lib/bb'\n", "src/lib/b.ts": "", "src/core/bee.ts": "export const b = 1\n"}, "src/a.ts: 2"},
		{"its own imports", []string{"src/a.ts", "import './b'\nimport x from '../data.json'\nconst w = new Worker(new URL('./b.ts', import.meta.url))\nimport react from 'react'\n", "src/b.ts", "", "data.json", "{}"}, "./src/a.ts", "src/deep/er/a.ts",
			map[string]string{"src/a.ts": "", "src/deep/er/a.ts": "import '../../b'\nimport x from '../../../data.json'\nconst w = new Worker(new URL('../../b.ts', import.meta.url))\nimport react from 'react'\n"}, "src/deep/er/a.ts: 3"},
		{"a folder", []string{"index.html", `<link rel="stylesheet" href="src/ui/x.css"><script type="module" src="/src/main.ts"></script>`, "src/main.ts", "import { Card } from './ui'\nconst b = await import(\"./ui/Button.tsx\")\n", "src/ui/index.ts", "export { Card } from './Card.js'\n", "src/ui/Card.tsx", "import './x.css'\nimport { t } from '../t'\nexport const Card = t\n", "src/ui/Button.tsx", "export {}\n", "src/ui/x.css", "a { background: url(../dot.svg?v=1) }\n", "src/dot.svg", "<svg/>", "src/t.ts", "export const t = 1\n"},
			"src/ui/", "src/components/base",
			map[string]string{"index.html": `<link rel="stylesheet" href="src/components/base/x.css"><script type="module" src="/src/main.ts"></script>`, "src/main.ts": "import { Card } from './components/base'\nconst b = await import(\"./components/base/Button.tsx\")\n", "src/ui/index.ts": "", "src/ui/Card.tsx": "", "src/ui/Button.tsx": "", "src/ui/x.css": "",
				"src/components/base/index.ts": "export { Card } from './Card.js'\n", "src/components/base/Card.tsx": "import './x.css'\nimport { t } from '../../t'\nexport const Card = t\n", "src/components/base/Button.tsx": "export {}\n", "src/components/base/x.css": "a { background: url(../../dot.svg?v=1) }\n"}, "moved src/ui/Button.tsx to src/components/base/Button.tsx"},
		{"aliases", []string{"tsconfig.json", `{"compilerOptions":{"paths":{"@/*":["./src/*"],"@ui/*":["./src/ui/*"]}}}`, "src/app/page.tsx", "import { a } from '@/lib/a'\nimport b from '@ui/b'\nimport { c } from '@/lib/c'\n", "src/lib/a.ts", "export const a = 1\n", "src/lib/c.ts", "export const c = 1\n", "src/ui/b.tsx", "export default 1\n"}, "src/lib/a.ts", "src/util/a.ts",
			map[string]string{"src/app/page.tsx": "import { a } from '@/util/a'\nimport b from '@ui/b'\nimport { c } from '@/lib/c'\n", "src/lib/a.ts": "", "src/util/a.ts": "export const a = 1\n"}, ""},
		{"out of an alias", []string{"tsconfig.json", `{"compilerOptions":{"paths":{"@ui/*":["./src/ui/*"]}}}`, "src/app/page.tsx", "import b from '@ui/b'\n", "src/ui/b.tsx", "export default 1\n"}, "src/ui/b.tsx", "src/kit/b.tsx",
			map[string]string{"src/app/page.tsx": "import b from '../kit/b'\n", "src/ui/b.tsx": "", "src/kit/b.tsx": "export default 1\n"}, ""},
		{"pages", []string{"index.html", "<a href=\"./walks.html#top\">x</a> <a href='walks.html'>y</a> <img srcset=\"img/a.svg 1x, img/b.svg 2x\"><style>@import \"css/a.css\"; b { background: url('img/a.svg') }</style>\r\n", "walks.html", "<script type=module>import './src/m.js'</script><a href=index.html>x</a>", "img/a.svg", "<svg/>", "img/b.svg", "<svg/>", "css/a.css", "", "src/m.js", ""}, "walks.html", "pages/walks.html",
			map[string]string{"index.html": "<a href=\"./pages/walks.html#top\">x</a> <a href='pages/walks.html'>y</a> <img srcset=\"img/a.svg 1x, img/b.svg 2x\"><style>@import \"css/a.css\"; b { background: url('img/a.svg') }</style>\r\n", "walks.html": "", "pages/walks.html": "<script type=module>import '../src/m.js'</script><a href=../index.html>x</a>"}, ""},
		{"pictures", []string{"index.html", "<img srcset=\"img/a.svg 1x, img/b.svg 2x\"><style>b { background: url('img/a.svg') }</style>\n", "img/a.svg", "<svg/>", "img/b.svg", "<svg/>", "README.md", "![a](img/a.svg) see img/a.svg\n"}, "img/a.svg", "art/c.svg",
			map[string]string{"index.html": "<img srcset=\"art/c.svg 1x, img/b.svg 2x\"><style>b { background: url('art/c.svg') }</style>\n", "img/a.svg": "", "art/c.svg": "<svg/>", "README.md": "![a](art/c.svg) see img/a.svg\n"}, "the old path still stands at README.md:1"},
		{"served from the root", []string{"package.json", "{}", "index.html", "<img src=/logo.svg>", "public/logo.svg", "<svg/>", "src/App.tsx", "export default () => <img src=\"/logo.svg\" />\n"}, "public/logo.svg", "public/brand/logo.svg",
			map[string]string{"index.html": "<img src=/brand/logo.svg>", "public/logo.svg": "", "public/brand/logo.svg": "<svg/>", "src/App.tsx": "export default () => <img src=\"/brand/logo.svg\" />\n"}, ""},
		{"tests and mocks", []string{"src/api.ts", "export const api = 1\n", "src/api.test.ts", "import { api } from './api'\nvi.mock('./api', () => ({}))\njest.requireActual(`./api`)\n"}, "src/api.ts", "src/net/api.ts",
			map[string]string{"src/api.ts": "", "src/net/api.ts": "export const api = 1\n", "src/api.test.ts": "import { api } from './net/api'\nvi.mock('./net/api', () => ({}))\njest.requireActual(`./net/api`)\n"}, ""},
		{"components", []string{"src/App.vue", "<script setup>\nimport Row from './Row.vue'\n</script>\n<style>\n@import './row.css';\n</style>\n", "src/Row.vue", "<template/>", "src/row.css", ""}, "src/Row.vue", "src/parts/",
			map[string]string{"src/App.vue": "<script setup>\nimport Row from './parts/Row.vue'\n</script>\n<style>\n@import './row.css';\n</style>\n", "src/Row.vue": "", "src/parts/Row.vue": "<template/>"}, ""},
		{"case alone", []string{"src/app.ts", "export {}\n", "main.ts", "import './src/app'\n"}, "src/app.ts", "src/App.ts",
			map[string]string{"src/app.ts": "", "src/App.ts": "export {}\n", "main.ts": "import './src/App'\n"}, ""},
		{"an index by its shortest names", []string{"src/index.ts", "export * from './ui'\nexport const y = 1\n", "src/ui/index.ts", "export * from './Card'\nexport const z = 1\n", "src/ui/Card.ts", "import { z } from '.'\nimport { y } from '..'\nexport const x = y + z\n"}, "src/ui/index.ts", "src/ui/all.ts",
			map[string]string{"src/index.ts": "export * from './ui/all'\nexport const y = 1\n", "src/ui/index.ts": "", "src/ui/all.ts": "export * from './Card'\nexport const z = 1\n", "src/ui/Card.ts": "import { z } from './all'\nimport { y } from '..'\nexport const x = y + z\n"}, ""},
		{"names that are made up", []string{"a.ts", "const m = await import(`./pages/${n}.ts`)\n", "pages/b.ts", "export {}\n"}, "pages", "views",
			map[string]string{"pages/b.ts": "", "views/b.ts": "export {}\n"}, "the old path still stands at a.ts:1"},
		{"a mark and CRLF", []string{"a.ts", "\ufeffimport './b'\r\n", "b.ts", ""}, "b.ts", "c.ts", map[string]string{"a.ts": "\ufeffimport './c'\r\n", "b.ts": "", "c.ts": ""}, ""},
	} {
		tr := treeFrom(c.files...)
		was := verify.Check(t.Context(), verify.Tree{Files: tr.base})
		m, err := tr.move(c.from, c.to)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := map[string]string{}
		for _, ch := range tr.changes() {
			got[ch.Path] = ch.Content
		}
		if !maps.Equal(got, c.want) {
			for p := range got {
				if got[p] != c.want[p] {
					t.Errorf("%s: %s: %q, want %q", c.name, p, got[p], c.want[p])
				}
			}
			t.Errorf("%s: changed %v", c.name, slices.Sorted(maps.Keys(got)))
		}
		if !strings.Contains(m.describe(), c.says) {
			t.Errorf("%s: says %s", c.name, m.describe())
		}
		if now := verify.Check(t.Context(), verify.Tree{Files: tr.files}); was.OK && !now.OK {
			t.Errorf("%s: %+v", c.name, now.Diagnostics)
		}
	}
}

// A move that cannot be made whole changes nothing.
func TestMoveIsAllOrNothing(t *testing.T) {
	files := []string{"a.ts", "import './b'\n", "b.ts", "", "dir/c.ts", "", "dir/d.ts", ""}
	for i := range maxChanged / 2 {
		files = append(files, fmt.Sprintf("many/%d.ts", i), "", fmt.Sprintf("more/%d.ts", i), "")
	}
	for _, c := range []struct{ from, to, says string }{
		{"b.ts", "a.ts", "there is a file \"a.ts\" already"}, {"b.ts", "b.ts", "nothing would move"}, {"nope.ts", "x.ts", "there is no file"}, {"dir/x.ts", "x.ts", "there is no file"},
		{"b.ts", "../b.ts", "segments"}, {"b.ts", "a.ts/b.ts", "is a file"}, {"b.ts", "DIR/C.TS", "only in case"}, {"dir", "dir/in", "into itself"}, {"b.ts", "b.png", "no text"},
		{"many", "lots", ""}, {"more", "lots2", "one job c"},
	} {
		tr := treeFrom(files...)
		if c.from == "more" {
			if _, err := tr.move("many", "lots"); err != nil {
				t.Fatal(err)
			}
		}
		before := maps.Clone(tr.files)
		_, err := tr.move(c.from, c.to)
		if c.says == "" && err == nil {
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.says) || !maps.Equal(before, tr.files) {
			t.Errorf("%s to %s: %v", c.from, c.to, err)
		}
	}
	b := job(codeforge.Code, `{}`, use("move_file", args{"source": "b.ts", "destination": "lib/b.ts"}), finish()).files(files[:4]...)
	out := b.must(t)
	if len(out.Changes) != 3 || out.Changes[0].Content != "import './lib/b'\n" || !strings.Contains(b.prompt(1), "moved b.ts to lib/b.ts\nreferences were rewritten in:\na.ts: 1") {
		t.Errorf("%+v, told %s", out.Changes, b.prompt(1))
	}
}
