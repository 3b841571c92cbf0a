package compile

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"testing"
	"time"
)

// shelf is packages in memory: files by their path, node_modules/name/file.
type shelf map[string]string

func (s shelf) Find(from, name string) (string, bool) {
	for at := from; ; at = folder(at) {
		p := path.Join(at, "node_modules", name)
		if _, ok := s[p+"/package.json"]; ok {
			return p, true
		}
		if at == "" {
			return "", false
		}
	}
}

func (s shelf) List(place string) (out []string, err error) {
	for p := range s {
		if at, name := split(p); at == place {
			out = append(out, name)
		}
	}
	return out, nil
}

func (s shelf) Read(place, name string) ([]byte, error) {
	text, ok := s[place+"/"+name]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return []byte(text), nil
}

func (s shelf) Version(string) string { return "1.0.0" }

// known is a shelf whose packages can be told apart.
type known struct{ shelf }

func (k known) Identity(place string) string {
	b := strings.Builder{}
	for _, p := range slices.Sorted(slicesOf(boolsOf(k.shelf))) {
		if at, _ := split(p); at == place {
			fmt.Fprintf(&b, "%s=%s;", p, k.shelf[p])
		}
	}
	return b.String()
}

func boolsOf(s shelf) map[string]bool {
	out := map[string]bool{}
	for k := range s {
		out[k] = true
	}
	return out
}

// smallTailwind does what Tailwind 4's compiler does of the conversation: it asks for what a style sheet names, then for
// the words of the sources, and answers with a rule for each that it knows.
const smallTailwind = `
export async function compile(css, options) {
  let made = "", known = /^(?:hover:)?(?:p-\d+|flex|text-\[.*\])$/, sources = [], root = null;
  const read = async (css, base) => {
    let out = css;
    for (const m of css.matchAll(/@import "([^"]+)";?/g)) {
      const sheet = await options.loadStylesheet(m[1], base);
      out = out.replace(m[0], await read(sheet.content, sheet.base));
    }
    for (const m of css.matchAll(/@plugin "([^"]+)";?/g)) {
      const { module } = await options.loadModule(m[1], base, "plugin");
      module({ add: (rule) => { made += rule + "\n"; } });
      out = out.replace(m[0], "");
    }
    for (const m of css.matchAll(/@source "([^"]+)";?/g)) { sources.push({ base, pattern: m[1], negated: false }); out = out.replace(m[0], ""); }
    for (const m of css.matchAll(/@apply ([^;}]+)/g)) for (const w of m[1].split(" ").filter(Boolean)) if (!known.test(w)) throw new Error("Cannot apply unknown utility class \x60" + w + "\x60");
    return out;
  };
  const text = await read(css, options.base);
  return { root, sources, features: 16, build: (words) => text.replace("@tailwind utilities;", words.filter((w) => known.test(w)).map((w) => "." + w + "{}").join("\n")) + made };
}
`

func tailwindShelf() shelf {
	return shelf{
		"node_modules/tailwindcss/package.json": `{"name":"tailwindcss","version":"4.0.0","exports":{".":{"style":"./index.css","import":"./lib.mjs"},"./plugin":"./plugin.js"}}`,
		"node_modules/tailwindcss/index.css":    `@layer theme, base; @tailwind utilities;`,
		"node_modules/tailwindcss/lib.mjs":      smallTailwind,
		"node_modules/tailwindcss/plugin.js":    `module.exports = (f) => f;`,
		"node_modules/bits/package.json":        `{"name":"bits","version":"1.0.0","main":"index.js","style":"bits.css"}`,
		"node_modules/bits/index.js":            `const plugin = require("tailwindcss/plugin"); const path = require("node:path"); module.exports = plugin(({ add }) => add("." + path.basename("/x/bits.js", ".js") + "{}"));`,
		"node_modules/bits/bits.css":            `.bit { background: url(img/a.png) }`,
		"node_modules/bits/ui.js":               `export const ui = "p-77";`,
	}
}

func session(t *testing.T, files map[string]string, p Packages) *Session {
	t.Helper()
	return NewSession(t.Context(), Project{Files: files, Packages: p})
}

func TestTailwind(t *testing.T) {
	s := session(t, map[string]string{
		"package.json":    `{}`,
		"src/app.css":     "@import \"tailwindcss\";\n@import \"bits\";\n@import \"./more.css\";\n@plugin \"bits\";\n@plugin \"./own.ts\";\n@source \"../node_modules/bits\";",
		"src/more.css":    `.more { color: red }`,
		"src/own.ts":      `export default ({ add }: { add(rule: string): void }) => add(".own{}")`,
		"src/app.tsx":     "export const App = () => <p className={`p-4 ${x ? \"hover:flex\" : 'p-5'}`}>p-6</p>",
		"src/page.vue":    `<template><a :class="{ 'p-7': on, flex: on }" /></template>`,
		"dist/app.js":     `"p-99"`,
		"notes.scss":      `"p-98"`,
		"src/a/b.svelte":  `<p class:p-8={on} class="text-[color:red]">`,
		"src/lock.lock":   `"p-97"`,
		".next/static.js": `"p-96"`,
	}, tailwindShelf())
	s.files.ignored = func(p string) bool { return strings.HasPrefix(p, "dist/") }
	out, found, err := s.Tailwind("src/app.css", s.files.tree["src/app.css"])
	if err != nil || len(found) > 0 {
		t.Fatal(found, err)
	}
	for _, want := range []string{".p-4{}", ".hover:flex{}", ".p-5{}", ".p-6{}", ".p-7{}", ".flex{}", ".p-8{}", ".text-[color:red]{}", ".p-77{}", ".bits{}", ".own{}", ".more { color: red }", `url("../node_modules/bits/img/a.png")`} {
		if !strings.Contains(out.CSS, want) {
			t.Errorf("%s is missing in\n%s", want, out.CSS)
		}
	}
	for _, no := range []string{"p-99", "p-98", "p-97", "p-96"} {
		if strings.Contains(out.CSS, no) {
			t.Errorf("%s comes from where no classes are looked for", no)
		}
	}
	if !slices.Equal(out.From, []string{"src/more.css"}) {
		t.Errorf("made of %q", out.From)
	}
}

func TestTailwindProblems(t *testing.T) {
	for _, c := range []struct {
		name  string
		css   string
		more  map[string]string
		wants []string
	}{
		{"unknown utilities", "@import \"tailwindcss\";\n.a { @apply p-1 nope; }\n.b { @apply wrong; }", nil, []string{"src/app.css:2:17 error Tailwind: Cannot apply unknown utility class `nope`", "src/app.css:3:13 error Tailwind: Cannot apply unknown utility class `wrong`"}},
		{"in what is imported", "@import \"tailwindcss\";\n@import \"./b.css\";", map[string]string{"src/b.css": "\n\n.a { @apply nope }"}, []string{"src/b.css:3:13 error Tailwind: Cannot apply unknown utility class `nope`"}},
		{"a plugin that is not there", "@plugin \"gone\";", nil, []string{"src/app.css:1:10 error Tailwind: Could not resolve `gone`"}},
		{"a plugin that does not parse", "@plugin \"./p.js\";", map[string]string{"src/p.js": "export default (\n"}, []string{`src/p.js:2:1 error Tailwind's configuration: Unexpected end of file`}},
		{"a plugin that throws", "@plugin \"./p.js\";", map[string]string{"src/p.js": "throw new Error('so it is')"}, []string{`src/p.js:0:0 error Tailwind: so it is`}},
		{"a plugin that reads files", "@plugin \"./p.js\";", map[string]string{"src/p.js": "require('fs').readFileSync('/etc/passwd')"}, []string{`src/p.js:0:0 error Tailwind: ENOENT: no such file or directory: /etc/passwd`}},
		{"a plugin that starts a program", "@plugin \"./p.js\";", map[string]string{"src/p.js": "require('child_process').execSync('id')"}, []string{`src/p.js:1:10 error Tailwind: Cannot find module "child_process": it is not there, or needs Node.js`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := map[string]string{"src/app.css": c.css}
			maps.Copy(files, c.more)
			_, found, err := session(t, files, tailwindShelf()).Tailwind("src/app.css", c.css)
			var got []string
			for _, d := range found {
				got = append(got, fmt.Sprintf("%s:%d:%d %s %s", d.File, d.Line, d.Column, d.Severity, d.Message))
			}
			if err != nil || !slices.Equal(got, c.wants) {
				t.Errorf("%v, got\n%q, want\n%q", err, got, c.wants)
			}
		})
	}
}

// A plugin that never ends takes the session's time and no more.
func TestEndless(t *testing.T) {
	for name, script := range map[string]string{
		"loop":      "for (;;);",
		"promises":  "export default () => { const f = () => Promise.resolve().then(f); f(); }",
		"recursion": "export default () => { const f = () => { try { f() } finally { f() } }; f(); }",
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{"a.css": "@plugin \"./p.js\";", "p.js": script}
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			_, found, err := NewSession(ctx, Project{Files: files, Packages: tailwindShelf()}).Tailwind("a.css", files["a.css"])
			if err != nil || len(found) != 1 || found[0].Severity != Error || !strings.Contains(found[0].Message, "takes too long") && !strings.Contains(found[0].Message, "without an end") {
				t.Error(found, err)
			}
		})
	}
}

// What one request leaves behind in the runtime, the next does not see, though the compiled program is the same.
func TestRequestsAreApart(t *testing.T) {
	packages := known{tailwindShelf()}
	run := func(plugin string) string {
		files := map[string]string{"a.css": "@plugin \"./p.js\";", "p.js": plugin}
		out, found, err := session(t, files, packages).Tailwind("a.css", files["a.css"])
		if err != nil || len(found) > 0 {
			t.Fatal(found, err)
		}
		return out.CSS
	}
	leave := "globalThis.secret = 'left'; Array.prototype.secret = Object.prototype.secret = 'left'; compiler.build = 1; export default ({add}) => add(String(globalThis.secret))"
	if got := run(leave); !strings.Contains(got, "left") {
		t.Fatal(got)
	}
	if got := run("export default ({add}) => add(String(globalThis.secret) + [].secret)"); strings.Contains(got, "left") {
		t.Error(got)
	}
}

// A prepared program is used again for the same bytes only, whatever their name and version say.
func TestProgramsAreKeptByContent(t *testing.T) {
	css := `@import "tailwindcss"; .a { @apply p-1 }`
	programs, programAge = map[string]*program{}, nil
	run := func(p Packages) string {
		files := map[string]string{"a.css": css}
		out, found, err := NewSession(t.Context(), Project{Files: files, Packages: p}).Tailwind("a.css", css)
		if err != nil || len(found) > 0 {
			t.Fatal(found, err)
		}
		return out.CSS
	}
	honest := tailwindShelf()
	honest["node_modules/tailwindcss/lib.mjs"] += "// seen by no other test of this process\n"
	run(known{honest})
	n := len(programs)
	hostile := tailwindShelf()
	hostile["node_modules/tailwindcss/lib.mjs"] = `export async function compile() { return { root: null, sources: [], build: () => "hostile" } }`
	if got := run(known{hostile}); got != "hostile" {
		t.Errorf("the program of another package was used: %s", got)
	}
	if got := run(known{honest}); got == "hostile" {
		t.Error("the program of a hostile package was used")
	}
	if len(programs) != n+1 {
		t.Errorf("%d programs are kept of two packages", len(programs)-n+1)
	}
	// What cannot be told apart is not kept at all.
	run(hostile)
	if len(programs) != n+1 {
		t.Error("a program of unknown packages is kept")
	}
}

func TestNoPackage(t *testing.T) {
	css := `@import "tailwindcss";`
	s := session(t, map[string]string{"a.css": css}, nil)
	if _, _, err := s.StyleSheet("a.css", css, "css"); err != ErrNoCompiler {
		t.Error(err)
	}
	if _, _, err := s.StyleSheet("a.scss", "", "scss"); err != ErrNoCompiler {
		t.Error(err)
	}
	if _, _, err := s.Vue("a.vue", "<template></template>"); err != ErrNoCompiler {
		t.Error(err)
	}
	if _, _, err := s.Svelte("a.svelte", ""); err != ErrNoCompiler {
		t.Error(err)
	}
}

// What a compiler made is taken again only where everything that it asked for is the same, and never from a runtime in which
// a script of a project ran before.
func TestResultsAreKeptByWhatTheyAreMadeOf(t *testing.T) {
	packages := known{tailwindShelf()}
	run := func(files map[string]string, names ...string) (out []string) {
		s := session(t, files, packages)
		for _, name := range names {
			styles, found, err := s.Tailwind(name, files[name])
			if err != nil || len(found) > 0 {
				t.Fatal(name, found, err)
			}
			out = append(out, styles.CSS)
		}
		return out
	}
	plain := "@import \"tailwindcss\"; @import \"./more.css\";"
	files := map[string]string{"a.css": plain, "more.css": ".one{}", "a.js": "'p-1'"}
	first := run(files, "a.css")[0]
	if again := run(files, "a.css")[0]; again != first || !strings.Contains(first, ".one{}") || !strings.Contains(first, ".p-1{}") {
		t.Errorf("%s, then %s", first, again)
	}
	files["more.css"] = ".two{}"
	if got := run(files, "a.css")[0]; !strings.Contains(got, ".two{}") {
		t.Errorf("an import changed, and gave %s", got)
	}
	files["a.js"] = "'p-2'"
	if got := run(files, "a.css")[0]; !strings.Contains(got, ".p-2{}") {
		t.Errorf("a class is new, and gave %s", got)
	}
	hostile := map[string]string{"x.css": "@plugin \"./x.js\";", "x.js": "compiler.build = () => 'hostile'; String.prototype.replace = () => 'hostile'; export default () => {}", "b.css": "@import \"tailwindcss\"; .b{}"}
	run(hostile, "x.css", "b.css")
	if got := run(map[string]string{"b.css": hostile["b.css"]}, "b.css")[0]; strings.Contains(got, "hostile") {
		t.Errorf("a plugin of another project made %s", got)
	}
}
