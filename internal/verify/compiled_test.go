package verify

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// compilers are small packages that do, of the conversation with their hosts, what Vue's, Svelte's, Tailwind's and Sass's do.
func compilers() folder {
	return folder{
		"node_modules/vue/package.json":               `{"name":"vue","version":"3.5.0","main":"index.js"}`,
		"node_modules/vue/index.js":                   `exports.h = (x) => x;`,
		"node_modules/@vue/compiler-sfc/package.json": `{"name":"@vue/compiler-sfc","version":"3.5.0"}`,
		"node_modules/@vue/compiler-sfc/dist/compiler-sfc.esm-browser.js": `
const block = (source, type) => {
  const m = new RegExp("<" + type + "([^>]*)>([\\s\\S]*?)</" + type + ">").exec(source);
  if (!m) return null;
  const before = source.slice(0, m.index + type.length + m[1].length + 2);
  const attr = (n) => (new RegExp("\\b" + n + "(?:=\"([^\"]*)\")?").exec(m[1]) || [])[0] && ((new RegExp("\\b" + n + "=\"([^\"]*)\"").exec(m[1]) || [])[1] || true);
  return { type, content: m[2], lang: attr("lang"), setup: attr("setup"), scoped: attr("scoped"), module: attr("module"), src: attr("src"), loc: { start: { offset: before.length, line: before.split("\n").length, column: 1 } } };
};
export const parse = (source) => {
  const script = block(source, "script"), style = block(source, "style"), custom = block(source, "i18n");
  return { errors: [], descriptor: { script: script && !script.setup ? script : null, scriptSetup: script && script.setup ? script : null, template: block(source, "template"), styles: style ? [style] : [], customBlocks: custom ? [custom] : [], slotted: false } };
};
export const compileScript = (d, o) => {
  const s = d.scriptSetup || d.script, i = s.content.indexOf("= ;");
  if (i >= 0) throw Object.assign(new Error("[vue/compiler-sfc] Unexpected token (1:2)"), { pos: i + 2 });
  return { content: s.content + "\nconst " + o.genDefaultAs + " = { id: " + JSON.stringify(o.id) + " }", bindings: {} };
};
export const compileTemplate = () => ({ code: "\nexport function render() { return 'rendered' }", errors: [] });
export const compileStyle = (o) => ({ code: o.source.replace(/ \{/g, (o.scoped ? "[scoped]" : "") + " {"), errors: [] });
`,
		"node_modules/svelte/package.json": `{"name":"svelte","version":"5.0.0","exports":{".":"./index.js","./compiler":{"require":"./compiler.js"}}}`,
		"node_modules/svelte/index.js":     `export const mount = (c) => c();`,
		"node_modules/svelte/compiler.js": `
exports.compile = (source, o) => {
  source = source.replace(/<!--[^]*?-->/g, (c) => c.replace(/[^\n]/g, " "));
  source = source.replace(/<style([^]*?)>(?=\n\.vars)/g, (tag, attributes) => {
    if (!/^(\s+[\w:-]+(\s*=\s*("[^"]*"|'[^']*'|[^\s"'=<>]+))?)*\s*$/.test(attributes)) throw new Error("Expected token >");
    return "<style>";
  });
  const at = source.indexOf("{#bad");
  if (at >= 0) { const before = source.slice(0, at).split("\n"); throw Object.assign(new Error("No such block"), { code: "bad", start: { line: before.length, column: before[before.length - 1].length } }); }
  const script = (/<script[^>]*>([\s\S]*?)<\/script>/.exec(source) || [])[1] || "", style = (/<style[^>]*>([\s\S]*?)<\/style>/.exec(source) || [])[1];
  return { js: { code: script + "\nexport default () => " + JSON.stringify("runes " + o.runes) }, css: style ? { code: style } : null, warnings: [] };
};
exports.compileModule = (source) => ({ js: { code: source.replace("$state", "") }, warnings: [] });
`,
		"node_modules/tailwindcss/package.json": `{"name":"tailwindcss","version":"4.0.0","exports":{".":{"style":"./index.css","import":"./lib.mjs"}}}`,
		"node_modules/tailwindcss/index.css":    `@tailwind utilities;`,
		"node_modules/tailwindcss/lib.mjs": `
export async function compile(css, o) {
  for (const m of css.matchAll(/@import "([^"]+)";/g)) css = css.replace(m[0], (await o.loadStylesheet(m[1], o.base)).content);
  const m = /@apply nope/.exec(css);
  if (m) throw new Error("Cannot apply unknown utility class \x60nope\x60");
  return { root: null, sources: [], build: (words) => css.replace("@tailwind utilities;", words.filter((w) => /^p-\d$/.test(w)).map((w) => "." + w + " { padding: 1px }").join("\n")) };
}
`,
		"node_modules/sass/package.json": `{"name":"sass","version":"1.0.0","exports":{"node":"./none.js","default":"./sass.js"}}`,
		"node_modules/sass/sass.js":      `export const compileStringAsync = async (text, o) => { const m = /@use "([^"]+)";/.exec(text); if (m) { const u = await o.importer.canonicalize(m[1], { containingUrl: o.url }); text = text.replace(m[0], (await o.importer.load(u)).contents); } if (text.includes("$nope")) throw { sassMessage: "Undefined variable.", span: { start: { line: text.slice(0, text.indexOf("$nope")).split("\n").length - 1, column: 3 }, url: o.url } }; return { css: text }; };`,
	}
}

const componentPage = `<script type="module" src="/src/main.ts"></script>`

func TestComponentsAndStylesAreCompiled(t *testing.T) {
	tree := Tree{Packages: compilers(), Files: files{
		"index.html":           componentPage,
		"package.json":         `{"dependencies":{"vue":"3"},"devDependencies":{"svelte":"5","tailwindcss":"4","sass":"1"}}`,
		"src/main.ts":          "import App from './App.vue'\nimport C from './C.svelte'\nimport { store } from './store.svelte'\nimport './app.css'\nimport './more.scss'\nimport names from './x.module.scss'\nconsole.log(App, C, store, names)",
		"src/App.vue":          "<script setup lang=\"ts\">\nimport Child from './Child.vue'\nconst a: number = 1\nconsole.log(Child, a)\n</script>\n<template><p class=\"p-1\" /></template>\n<style scoped>.a { color: red }</style>",
		"src/Child.vue":        "<template><p class=\"p-2\" /></template>\n<style module>.local { color: blue }</style>",
		"src/C.svelte":         "<script lang=\"ts\">console.log('svelte ran')</script>\n<p class=\"p-3\"></p>\n<style>.s { color: green }</style>",
		"src/store.svelte.ts":  "export const store: { n: number } = $state({ n: 1 })",
		"src/app.css":          "@import \"tailwindcss\";\n@import \"./part.css\";",
		"src/part.css":         ".part { @apply p-1 }",
		"src/more.scss":        "@use \"vars\";\n.more { color: red }",
		"src/_vars.scss":       ".vars { color: red }",
		"src/x.module.scss":    ".in-module { color: red }",
		"svelte.config.js":     "export default { compilerOptions: { runes: true } }",
		"src/unused.part.scss": "$nope",
	}}
	site, r := Bundle(t.Context(), tree)
	if site == nil || !r.OK || len(r.Diagnostics) > 0 {
		t.Fatalf("%v\n%s", site != nil, strings.Join(lines(r), "\n"))
	}
	text := built(site)
	for _, want := range []string{"rendered", "scoped", "svelte ran", "runes true", ".p-1", ".p-2", ".p-3", ".part", ".vars", ".more", ".s"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	for _, no := range []string{"@tailwind", ".local {", ".in-module {", "$state", ": number"} {
		if strings.Contains(text, no) {
			t.Errorf("%q is there", no)
		}
	}
}

// A style of a component says its language in any form that an attribute has.
func TestStylesOfSvelte(t *testing.T) {
	for _, attributes := range []string{
		` lang="scss"`, ` lang='scss'`, ` lang=scss`, ` lang = "scss"`, ` global lang="scss"`, ` lang="scss" global`, ` data-lang="css" lang="scss" data-x='a > b'`,
		"\n  lang=\"scss\"\n", ` lang=scss global `, ` lang=" scss "`,
	} {
		c := "<script>console.log(1)</script>\n<!-- <style lang=\"stylus\">\n</style> -->\n<p></p>\n<style" + attributes + ">\n@use \"vars\";\n</style>\n"
		site, r := Bundle(t.Context(), Tree{Packages: compilers(), Files: files{
			"index.html": componentPage, "package.json": `{"devDependencies":{"svelte":"5","sass":"1"}}`,
			"src/main.ts": "import C from './C.svelte'\nconsole.log(C)", "src/C.svelte": c, "src/_vars.scss": ".vars { color: red }",
		}})
		if site == nil || len(r.Diagnostics) > 0 {
			t.Errorf("<style%s>: %s", attributes, strings.Join(lines(r), "\n"))
		} else if !strings.Contains(built(site), ".vars") {
			t.Errorf("<style%s> is not compiled", attributes)
		}
	}
}

func TestCompilersFindings(t *testing.T) {
	base := files{"index.html": componentPage, "package.json": `{"dependencies":{"vue":"3","svelte":"5","tailwindcss":"4","sass":"1"}}`}
	for _, c := range []struct {
		name     string
		packages Packages
		files    files
		wants    []string
	}{
		{"a script of a component", compilers(), files{"src/main.ts": "import './A.vue'", "src/A.vue": "<template><p/></template>\n<script setup>\nconst a = ;\n</script>"}, []string{"src/A.vue:3:11 error: Vue: Unexpected token"}},
		{"an import of a component", compilers(), files{"src/main.ts": "import './A.vue'", "src/A.vue": "<template><p/></template>\n<script setup>\nimport B from './B.vue'\nB()\n</script>"}, []string{`src/A.vue:3:16 error: Could not resolve "./B.vue": the project has no such file`}},
		{"a component of svelte", compilers(), files{"src/main.ts": "import './A.svelte'", "src/A.svelte": "<p>\n  {#bad}\n</p>"}, []string{"src/A.svelte:2:3 error: Svelte: No such block"}},
		{"a custom block", compilers(), files{"src/main.ts": "import './A.vue'", "src/A.vue": "<template><p/></template>\n<i18n>{}</i18n>"}, []string{"src/A.vue:2:1 warning: Vue: the block <i18n> is not supported and left out"}},
		{"a language of templates", compilers(), files{"src/main.ts": "import './A.vue'", "src/A.vue": "<template lang=\"pug\">p</template>"}, []string{`src/A.vue:1:1 error: Vue: <template lang="pug"> is not supported: write the template in HTML`}},
		{"an unknown utility", compilers(), files{"src/main.ts": "import './a.css'", "src/a.css": "@import \"tailwindcss\";\n.a { @apply nope; }"}, []string{"src/a.css:2:13 error: Tailwind: Cannot apply unknown utility class `nope`"}},
		{"an unknown utility in a component", compilers(), files{"src/main.ts": "import './A.vue'", "src/A.vue": "<template><p/></template>\n<style>\n.a { @apply nope; }\n</style>"}, []string{"src/A.vue:3:13 error: Tailwind: Cannot apply unknown utility class `nope`"}},
		{"an unknown variable", compilers(), files{"src/main.ts": "import './a.scss'", "src/a.scss": "a {\n  b: $nope;\n}"}, []string{"src/a.scss:2:4 error: Sass: Undefined variable."}},
		{"another language of styles", compilers(), files{"src/main.ts": "import './A.vue'", "src/A.vue": "<template><p/></template>\n<style lang=\"stylus\">\na\n  b c\n</style>"}, []string{"src/A.vue:2:1 warning: Styles in stylus are not checked and not shown: write them in CSS"}},
		{"without packages", folder{}, files{"src/main.ts": "import './A.vue'\nimport './a.scss'\nimport './a.css'", "src/A.vue": "", "src/a.scss": "", "src/a.css": "@tailwind base;"}, []string{
			`src/a.css:0:0 warning: This style sheet is written for Tailwind: it is the package "tailwindcss", which the project does not have; add it to devDependencies in package.json: what it makes is not checked and not shown`,
			`src/main.ts:1:8 warning: "src/A.vue" needs a compiler of its own and is not checked: it is the package "vue", which the project does not have; add it to dependencies in package.json`,
			`src/main.ts:2:8 warning: "src/a.scss" needs a compiler of its own and is not checked: it is the package "sass", which the project does not have; add it to devDependencies in package.json`}},
		{"PostCSS", compilers(), files{"src/main.ts": "", "postcss.config.js": "export default { plugins: { tailwindcss: {}, 'postcss-preset-env': {}, autoprefixer: {}, cssnano: {} } }"}, []string{"postcss.config.js:0:0 warning: PostCSS is not run here: styles are checked and shown without postcss-preset-env"}},
		{"PostCSS for Tailwind", compilers(), files{"src/main.ts": "", "postcss.config.js": "module.exports = {\n  plugins: {\n    '@tailwindcss/postcss': {},\n    autoprefixer: {},\n  },\n}"}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			all := maps.Clone(base)
			maps.Copy(all, c.files)
			r := Check(t.Context(), Tree{Files: all, Packages: c.packages})
			got := slices.DeleteFunc(lines(r), func(l string) bool { return strings.HasPrefix(l, "package.json") })
			if !slices.Equal(got, c.wants) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(c.wants, "\n"))
			}
		})
	}
}

// Where packages are off, that is said with what turns them on.
func TestCompilersOff(t *testing.T) {
	r := Check(t.Context(), Tree{Packages: Off("packages are off: set NPM_REGISTRY"), Files: files{"index.html": componentPage, "src/main.ts": "import './A.vue'\nimport './a.css'", "src/A.vue": "", "src/a.css": "@tailwind base;"}})
	text := strings.Join(lines(r), "\n")
	for _, want := range []string{`the package "vue", and packages are off: set NPM_REGISTRY`, `the package "tailwindcss", and packages are off: set NPM_REGISTRY`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not said in\n%s", want, text)
		}
	}
}
