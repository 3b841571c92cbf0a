package verify

import (
	"strings"
	"testing"
	"unicode/utf8"

	"codeforge/internal/verify/hostile"
)

// sane checks what holds for every report.
func sane(t *testing.T, tree files, r Report) {
	t.Helper()
	if len(r.Diagnostics) > MaxDiagnostics+1 {
		t.Fatalf("%d findings", len(r.Diagnostics))
	}
	failed := false
	for _, d := range r.Diagnostics {
		failed = failed || d.Severity == SeverityError
		if len(d.Message) > MaxMessage || d.Message == "" || !utf8.ValidString(d.Message) || !utf8.ValidString(d.File) || strings.ContainsAny(d.Message, "\n\x00\x1f") {
			t.Fatalf("%+v", d)
		}
		if strings.Contains(d.Message, "panic") || strings.Contains(d.Message, "the check itself") || strings.Contains(d.Message, "codeforge-") {
			t.Fatalf("%+v", d)
		}
		content, ok := tree[d.File]
		if d.Line < 0 || d.Column < 0 || ok && d.Line > 1+strings.Count(content, "\n")+strings.Count(content, "\r")+strings.Count(content, "\u2028")+strings.Count(content, "\u2029")+strings.Count(content, "\f") {
			t.Fatalf("%+v is not in the file", d)
		}
	}
	if r.OK == failed {
		t.Fatalf("ok %v beside %v", r.OK, lines(r))
	}
}

func fuzz(f *testing.F, p string, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, content string) {
		if len(content) > 20_000 {
			return
		}
		tree := files{p: content, "b.ts": "export const b = 1", "b.css": "p{}", "b.html": "<p>"}
		_, r := Bundle(t.Context(), Tree{Files: tree})
		sane(t, tree, r)
		again := Check(t.Context(), Tree{Files: tree})
		sane(t, tree, again)
	})
}

func FuzzHTML(f *testing.F) {
	fuzz(f, "a.html", whole()["index.html"], "<script type=module>import './b'</script>", "<!--", "<script", "<a href='b", "<a =x href", "<base href=../../><img src=b.css srcset=', ,'>", "<svg><style></svg>", "\x00<style>@import 'b.css'")
}

func FuzzCSS(f *testing.F) {
	fuzz(f, "a.css", whole()["style.css"], "@import 'b.css' layer(x);", "a{b:url(", "@\\69mport 'b.css'", "a{{{{", "@media (", "a{composes:b from './b.css'}")
}

func FuzzTS(f *testing.F) {
	fuzz(f, "a.ts", whole()["src/main.ts"], "import {b} from './b'; import(`./${b}`)", "require('./'+b)", "export * from './a'", "let x: A<B<C>> = <T>(y)", "`${`${", "//# sourceMappingURL=/etc/passwd", "r\\u0065quire(`./${1}`)", "\u2028import(`./${1}`)", "@a class b {}", "import x from './b' with {type: 'json'}")
}

func FuzzPath(f *testing.F) {
	for _, s := range []string{"a.ts", "../a", "a/../b.ts", "/etc/passwd", "a\x1f0", "a b.html", "public/x.html", "a*.ts", "@/x.tsx", "tsconfig.json", "a.module.css", "x?.ts", "a#b.css", "\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, p string) {
		tree := files{p: "import './b'", "b.ts": "export const b = 1", "index.html": "<script type=module src=b.ts></script><a href='" + p + "'>"}
		site, r := Bundle(t.Context(), Tree{Files: tree})
		sane(t, tree, r)
		if site != nil {
			site.Find(p)
			site.Find("/" + p)
		}
	})
}

// Whatever a package.json says, what it leads to is a file of its package, or a reason.
func FuzzPackageJSON(f *testing.F) {
	for name, files := range hostile.Packages() {
		if text := files["node_modules/p/package.json"]; len(text) < 1_000 {
			f.Add(text, "p/"+name)
		}
	}
	f.Add(`{"exports":{"./*":{"browser":[null,"./*.js"]},"./a/":"./b/"},"imports":{"#*":"q/*"},"browser":{"q":false}}`, "p/a/x")
	f.Fuzz(func(t *testing.T, manifest, spec string) {
		if len(manifest) > 10_000 || len(spec) > 1_000 {
			return
		}
		m := newModules(folder{"node_modules/p/package.json": manifest, "node_modules/p/index.js": "", "node_modules/p/b/x.js": "", "node_modules/q/index.js": "", "node_modules/q/package.json": manifest})
		for _, by := range []how{byImport, byRequire, byStyle} {
			for _, found := range []module{m.fromTree("", "p", by), m.fromTree(".", spec, by), m.fromPackage("node_modules/p", "b/x.js", spec, by)} {
				if found.name == "" {
					if found.problem == "" && !found.unknown && !found.empty && found.builtin == "" && found.inTree == "" {
						t.Fatalf("%+v", found)
					}
					continue
				}
				if p := m.at(found.place); !p.names[found.name] || found.place != "node_modules/p" && found.place != "node_modules/q" {
					t.Fatalf("%+v", found)
				}
			}
		}
	})
}
