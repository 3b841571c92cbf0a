package verify

import (
	"strings"
	"testing"
)

// What a configuration of Vite defines plainly stands in the bundle in the place of its name; the rest is told by name.
func TestDefines(t *testing.T) {
	const head = "import { defineConfig, loadEnv, type UserConfig } from 'vite'\nimport pkg from './package.json' with { type: 'json' }\nimport { version as v2 } from './package.json'\nconst base: string = '/x'\nconst own = JSON.parse(readFileSync(new URL('./package.json', import.meta.url), 'utf-8'))\n"
	for _, c := range []struct{ entry, name, want string }{
		{"__V__: JSON.stringify('1.0')", "__V__", `"1.0"`},
		{`"__V__": '"1.0"'`, "__V__", `"1.0"`},
		{`__V__: "'1.0'", // "__W__": nonsense(`, "__V__", `"1.0"`},
		{"__V__: `\"${base}/${pkg.version}\"`", "__V__", `"/x/4.5.6"`},
		{"__V__: '\"' + base + '\"'", "__V__", `"/x"`},
		{"__V__: 'true'", "__V__", "true"},
		{"__V__: true", "__V__", "true"},
		{"__V__: 42", "__V__", "42"},
		{"__V__: -1.5", "__V__", "-1.5"},
		{"__V__: 'globalThis.location'", "__V__", "globalThis.location"},
		{"__V__: { a: [1, 'b'] }", "__V__.a[1]", `"b"`},
		{"__V__: JSON.stringify({ a: { b: pkg.version } })", "__V__.a.b", `"4.5.6"`},
		{"__V__: JSON.stringify(process.env.npm_package_version)", "__V__", `"4.5.6"`},
		{"__V__: JSON.stringify(pkg.version)", "__V__", `"4.5.6"`},
		{"__V__: JSON.stringify(v2)", "__V__", `"4.5.6"`},
		{"__V__: JSON.stringify(own.version)", "__V__", `"4.5.6"`},
		{"__V__: JSON.stringify(require('./package.json')['version'])", "__V__", `"4.5.6"`},
		{"__V__: JSON.stringify(process.env.NOT_SET || 'dev')", "__V__", `"dev"`},
		{"'process.env.X': JSON.stringify('a')", "process.env.X", `"a"`},
		{"'import.meta.env.VITE_X': JSON.stringify('b')", "import.meta.env.VITE_X", `"b"`},
		{"'import.meta.env.VITE_X': JSON.stringify(loadEnv('production', process.cwd(), '').VITE_SET)", "import.meta.env.VITE_X", `"set"`},
		{"a: /[}'\"]/, __V__: JSON.stringify('1.0')", "__V__", `"1.0"`},
		{"__V__: JSON.stringify(new Date().toISOString())", "__V__", ""},
		{"__V__: JSON.stringify(loadEnv('production', process.cwd(), '').SECRET)", "__V__", ""},
		{"__V__: mode === 'x' ? '1' : '2'", "__V__", ""},
		{"__V__: '(() => 1)()'", "__V__", ""},
		{"__V__", "__V__", ""},
		{"__V__: '[}'", "__V__", ""},
		{"__V__: '{]'", "__V__", ""},
		{"__V__: '(['", "__V__", ""},
		{"__V__: [own, pkg, `${`${base}`}`, () => ({ a })]", "__V__", ""},
		{"'my-name': '1'", "my-name", ""},
		{"'': '1'", "", ""},
		{"...more", "...", ""},
	} {
		for _, form := range []string{"export default defineConfig({\n  optimizeDeps: { esbuildOptions: { define: { __V__: '\"no\"', __NO__: no() } } },\n  define: { ENTRY },\n})", "export default defineConfig(({ mode }) => {\n  return { define: { ENTRY } }\n})", "const define = { ENTRY } as Record<string, string>\nexport default { plugins: [], define } satisfies UserConfig"} {
			config := head + strings.Replace(form, "ENTRY", c.entry+"\n", 1)
			use := c.name
			if c.name == "my-name" || c.name == "" || c.name == "..." {
				use = "0"
			}
			site, r := Bundle(t.Context(), Tree{Files: files{
				"package.json": `{"name":"x","version":"4.5.6","devDependencies":{"vite":"7"}}`, "vite.config.ts": config, ".env": "VITE_SET=set\nSECRET=hush",
				"index.html": `<script type="module" src="/src/main.js"></script>`, "src/main.js": "document.title = [" + use + "]",
			}, Packages: folder{"node_modules/vite/package.json": "{}"}})
			said := strings.Join(lines(r), "\n")
			if site == nil || !r.OK {
				t.Errorf("%s: %s", config, said)
				continue
			}
			warned := strings.Contains(said, "What Vite defines as \""+c.name+"\" cannot be read")
			if warned != (c.want == "") && c.entry[0] != 'a' || strings.Contains(said, "__NO__") || strings.Contains(built(site), "hush") {
				t.Errorf("%s\nsays %s", config, said)
			}
			all := built(site)
			if c.want != "" && !strings.Contains(all, c.want) || strings.Contains(all, `"no"`) {
				t.Errorf("%s\nis built to %s", config, all)
			}
		}
	}
}

// A configuration defines names for its own folder.
func TestDefinesOfFolders(t *testing.T) {
	tree := files{}
	for _, dir := range []string{"a", "b"} {
		tree[dir+"/package.json"] = `{"name":"` + dir + `"}`
		tree[dir+"/vite.config.mjs"] = "export default { define: { __V__: JSON.stringify('of " + dir + "') } }"
		tree[dir+"/index.html"] = `<script type="module" src="./main.js"></script>`
		tree[dir+"/main.js"] = "document.title = __V__"
	}
	site, r := Bundle(t.Context(), Tree{Files: tree})
	if site == nil || !r.OK {
		t.Fatal(lines(r))
	}
	for _, dir := range []string{"a", "b"} {
		if a, _ := site.Find(dir + "/main.js"); !strings.Contains(a.Body, `"of `+dir+`"`) {
			t.Errorf("%s: %s", dir, a.Body)
		}
	}
}
