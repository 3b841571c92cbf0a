package types_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/npm"
	"codeforge/internal/npm/registrytest"
	"codeforge/internal/types"
	"codeforge/internal/types/typestest"
	"codeforge/internal/verify"
)

func TestMain(m *testing.M) {
	if os.Getenv("GOMEMLIMIT") != "" && slices.Contains(os.Args, "-b") {
		compileBadly()
	}
	if len(os.Args) == 2 && os.Args[1] == "--version" {
		fmt.Println("Version 7.99.0")
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// compileBadly is a compiler that does what a file says.
func compileBadly() {
	word, _ := os.ReadFile("act.ts")
	switch strings.TrimPrefix(string(word), "//") {
	case "hang":
		_ = os.WriteFile(".build/pid", fmt.Appendln(nil, os.Getpid()), 0o600)
		select {}
	case "memory":
		all := []byte{1}
		for {
			all = append(all, all...)
		}
	case "die":
		panic("at once")
	case "kill":
		if p, err := os.FindProcess(os.Getpid()); err == nil {
			_ = p.Kill()
		}
	case "flood":
		for range 1 << 12 {
			fmt.Println(strings.Repeat("x", 1<<12))
		}
	}
	os.Exit(2)
}

// bench is a Checker with a registry of its own.
type bench struct {
	*types.Checker
	registry *registrytest.Registry
	client   *npm.Client
	dir      string
}

func newBench(t *testing.T, o types.Options) *bench {
	t.Helper()
	b := &bench{registry: registrytest.New(t), dir: t.TempDir()}
	var err error
	if b.client, err = npm.Open(npm.Options{Dir: t.TempDir(), Registry: npm.Registry{URL: b.registry.URL}}); err != nil {
		t.Fatal(err)
	}
	o.Dir, o.NPM = b.dir, b.client
	if b.Checker, err = types.Open(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.empty(t) })
	return b
}

// empty sees that no private folder is left.
func (b *bench) empty(t *testing.T) {
	t.Helper()
	left, err := os.ReadDir(b.dir)
	if err != nil || len(left) > 0 {
		t.Errorf("%v are left: %v", left, err)
	}
}

// lock resolves a tree's packages.
func (b *bench) lock(t *testing.T, files map[string]string) []byte {
	t.Helper()
	manifests := map[string][]byte{}
	for p, text := range files {
		if filepath.Base(p) == "package.json" {
			manifests[p] = []byte(text)
		}
	}
	lock, problems, err := b.client.Resolve(t.Context(), npm.Project{Manifests: manifests})
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	return lock.Bytes()
}

func (b *bench) check(t *testing.T, tree verify.Tree) types.Result {
	t.Helper()
	r, err := b.Check(t.Context(), "u", tree)
	if err != nil {
		t.Fatal(err)
	}
	if r.Rung.Name != codeforge.RungTypes || (r.Rung.Status == codeforge.RungFailed) != (len(r.Diagnostics) > 0) {
		t.Errorf("%+v", r)
	}
	return r
}

// said is what was found, a line each, without the words after the code.
func said(r types.Result) string {
	var b strings.Builder
	for _, d := range r.Diagnostics {
		code, _, _ := strings.Cut(d.Message, ":")
		fmt.Fprintf(&b, "%s:%d:%d %s\n", d.File, d.Line, d.Column, code)
	}
	return b.String()
}

const react = `export type Node = unknown; export function useState<T>(first: T): [T, (next: T) => void]; export namespace JSX { interface Element { key: string } interface IntrinsicElements { [name: string]: { title?: string; children?: Node; onClick?: (e: { x: number }) => void } } }`

func publish(t *testing.T, r *registrytest.Registry) {
	r.Publish(t, "react", "19.0.0", registrytest.Version{Manifest: `{"main":"index.js"}`, Files: map[string]string{"index.js": "", "jsx-runtime.js": ""}})
	r.Publish(t, "@types/react", "19.0.0", registrytest.Version{Manifest: `{"types":"index.d.ts","dependencies":{"csstype":"^3.0.0"}}`,
		Files: map[string]string{"index.d.ts": `export type { Color } from "csstype";` + react, "jsx-runtime.d.ts": `export { JSX } from "./index"; export function jsx(): void; export function jsxs(): void;`}})
	r.Publish(t, "csstype", "3.0.0", registrytest.Version{Manifest: `{"types":"index.d.ts"}`, Files: map[string]string{"index.d.ts": `export type Color = "red" | "blue";`}})
	r.Publish(t, "vite", "8.0.0", registrytest.Version{Manifest: `{"exports":{".":{"types":"./index.d.ts"},"./client":{"types":"./client.d.ts"}}}`,
		Files: map[string]string{"index.d.ts": `export function defineConfig(c: { base?: string }): void;`, "client.d.ts": `declare module "*.svg" { const src: string; export default src } declare module "*.css" {} interface ImportMeta { readonly env: Record<string, string> }`}})
	r.Publish(t, "typescript", "5.8.3", registrytest.Version{})
	r.Publish(t, "plain", "1.0.0", registrytest.Version{Manifest: `{"main":"index.js"}`, Files: map[string]string{"index.js": "module.exports = 1"}})
	r.Publish(t, "old", "1.0.0", registrytest.Version{Manifest: `{"types":"old.d.ts","exports":{".":"./index.js"}}`, Files: map[string]string{"old.d.ts": "export const n: number;", "index.js": ""}})
	r.Publish(t, "@base/strict", "1.0.0", registrytest.Version{Files: map[string]string{"tsconfig.json": `{"extends":"./more.json","compilerOptions":{"strict":true}}`, "more.json": `{"compilerOptions":{"noUnusedLocals":true,"lib":["ES2022","DOM"]}}`}})
}

const viteManifest = `{"name":"app","private":true,"dependencies":{"react":"^19.0.0"},"devDependencies":{"@types/react":"^19.0.0","vite":"^8.0.0"}}`

// viteApp is a project as tools make them, with files changed.
func viteApp(changed map[string]string) map[string]string {
	files := map[string]string{
		"package.json":       viteManifest,
		"tsconfig.json":      `{"files":[],"references":[{"path":"./tsconfig.app.json"},{"path":"./tsconfig.node.json"}]}`,
		"tsconfig.app.json":  `{"compilerOptions":{"target":"es2023","lib":["ES2023","DOM"],"module":"esnext","types":["vite/client"],"moduleResolution":"bundler","noEmit":true,"jsx":"react-jsx",/* a comment */"noUnusedLocals":true,},"include":["src"]}`,
		"tsconfig.node.json": `{"compilerOptions":{"module":"nodenext","noEmit":true,"lib":["ES2023"]},"include":["vite.config.ts"]}`,
		"vite.config.ts":     `import { defineConfig } from "vite"; export default defineConfig({ base: "/" });`,
		"src/main.tsx":       "import { useState } from \"react\";\nimport logo from \"./logo.svg\";\nimport \"./a.css\";\nexport function App() {\n  const [n, set] = useState(0);\n  return <p title={logo} onClick={(e) => set(n + e.x)}>{n}{import.meta.env.MODE}</p>;\n}\n",
		"src/a.css":          "p { color: red }",
		"notes.ts":           "nobody.looks.here",
	}
	for p, text := range changed {
		if files[p] = text; text == "" {
			delete(files, p)
		}
	}
	return files
}

// A package that is there for its declarations is fetched with those that they name, and not with all that it runs on.
func TestDeclarationsAlone(t *testing.T) {
	b := newBench(t, types.Options{Path: typestest.Compiler(t)})
	b.registry.Publish(t, "tool", "1.0.0", registrytest.Version{Manifest: `{"types":"lib/app.d.ts","dependencies":{"@types/named":"1","runs-on":"1"}}`,
		Files: map[string]string{"lib/app.d.ts": "/// <reference types=\"named\" />\ndeclare module '*.svg' { const src: string; export default src }\n", "index.js": "require('runs-on')"}})
	b.registry.Publish(t, "@types/named", "1.0.0", registrytest.Version{Manifest: `{"types":"index.d.ts"}`, Files: map[string]string{"index.d.ts": "declare const named: string;\n"}})
	b.registry.Publish(t, "runs-on", "1.0.0", registrytest.Version{Files: map[string]string{"index.js": ""}})
	for name, files := range map[string]map[string]string{
		"by a reference": {"tsconfig.json": `{"compilerOptions":{"types":[]}}`, "env.d.ts": `/// <reference types="tool" />`},
		"by settings":    {"tsconfig.json": `{"compilerOptions":{"types":["tool"]}}`},
	} {
		files["package.json"] = `{"devDependencies":{"tool":"1"}}`
		files["a.ts"] = "import logo from './logo.svg'; export const s: number = logo; export const n: number = named"
		r := b.check(t, verify.Tree{Files: files, Assets: map[string]verify.Blob{"logo.svg": {}}, Lock: b.lock(t, files)})
		if got := said(r); got != "a.ts:1:45 TS2322\na.ts:1:76 TS2322\n" {
			t.Errorf("%s: %+v\n%s", name, r.Rung, got)
		}
	}
	if slices.ContainsFunc(b.registry.Requests(), func(asked string) bool { return strings.HasSuffix(asked, "runs-on-1.0.0.tgz") }) {
		t.Errorf("%q", b.registry.Requests())
	}
}

// Projects are judged as their own tools would.
func TestProjects(t *testing.T) {
	b := newBench(t, types.Options{Path: typestest.Compiler(t)})
	publish(t, b.registry)
	only := func(file, text string) map[string]string { return map[string]string{file: text} }
	config := func(options, text string) map[string]string {
		return map[string]string{"tsconfig.json": `{"compilerOptions":` + options + `}`, "a.ts": text}
	}
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"a page's script", map[string]string{"index.html": `<script type="module" src="a.ts"></script>`, "a.ts": "const n: number = 'x';\nundeclared(n);\n"}, "a.ts:1:7 TS2322\na.ts:2:1 TS2304\n"},
		{"columns are characters", only("a.ts", "const s = \"😀😀\", n: number = s;"), "a.ts:1:17 TS2322\n"},
		{"a project as tools make it", viteApp(nil), ""},
		{"an error in it", viteApp(only("src/b.tsx", `import { useState } from "react"; const [n] = useState(1); export const s: string = n; export const e = <b titel="x" />;`)), "src/b.tsx:1:73 TS2322\nsrc/b.tsx:1:108 TS2322\n"},
		{"an error in its settings' own project", viteApp(only("vite.config.ts", `import { defineConfig } from "vite"; export default defineConfig({ bas: 1 }); document.title;`)), "vite.config.ts:1:68 TS2561\nvite.config.ts:1:79 TS2584\n"},
		{"an unused name", viteApp(only("src/b.ts", "export {}; const unused = 1;")), "src/b.ts:1:18 TS6133\n"},
		{"an undeclared name", viteApp(only("src/b.ts", "export const n = missing + 1;")), "src/b.ts:1:18 TS2304\n"},
		{"types of a type's package", viteApp(only("src/b.ts", "import type { Color } from 'react'; export const c: Color = 'green';")), "src/b.ts:1:50 TS2322\n"},
		{"a missing export", viteApp(only("src/b.ts", "import { useStat } from 'react'; useStat;")), "src/b.ts:1:10 TS2724\n"},
		{"an asset that nothing declares", viteApp(only("src/b.ts", "import p from './p.txt'; export const q = p;")), ""}, // it is not there, which others say
		{"settings without comments, old and gone", map[string]string{"tsconfig.json": `{"compilerOptions":{"target":"es5","module":"amd","moduleResolution":"node","baseUrl":"src","paths":{"@/*":["lib/*"]},"outFile":"x.js","keyofStringsOnly":true,"lib":["dom","es2015","bogus"],"downlevelIteration":true,"strict":true}}`,
			"src/lib/a.ts": "export const a: string = 1", "src/b.ts": "import { a } from '@/a'; import { a as c } from 'lib/a'; export const d = a + c;"}, "src/lib/a.ts:1:14 TS2322\n"},
		{"defaults of an older version", map[string]string{"package.json": `{"devDependencies":{"typescript":"~5.8.0"}}`, "tsconfig.json": "{}", "a.ts": "export function f(x) { return x } let s: string = null; [1].includes(1);"}, "a.ts:1:61 TS2550\n"},
		{"defaults of the newest", map[string]string{"tsconfig.json": "{}", "a.ts": "export function f(x) { return x } export let s: string = null; [1].includes(1);"}, "a.ts:1:19 TS7006\na.ts:1:46 TS2322\n"},
		{"settings of a package", map[string]string{"package.json": `{"devDependencies":{"@base/strict":"1.0.0"}}`, "tsconfig.json": `{"extends":"@base/strict/tsconfig.json"}`, "a.ts": "export {}; const unused = 1;"}, "a.ts:1:18 TS6133\n"},
		{"settings that extend nothing", map[string]string{"tsconfig.json": `{"extends":"./base.json"}`, "a.ts": "export {}"}, "tsconfig.json:0:0 TS5083\n"},
		{"settings that tools write", map[string]string{"tsconfig.json": `{"extends":"./.svelte-kit/tsconfig.json"}`, "a.ts": "const n: number = ''"}, ""},
		{"settings that extend each other", map[string]string{"tsconfig.json": `{"extends":"./b.json"}`, "b.json": `{"extends":"./tsconfig.json"}`, "a.ts": "export {}"}, ""},
		{"JavaScript as it is allowed", map[string]string{"tsconfig.json": `{"compilerOptions":{"allowJs":true,"checkJs":false}}`, "a.ts": "import { f } from './b'; export const s: string = f(1)", "b.js": "export function f(n) { return n.nothing }"}, ""},
		{"JavaScript as it is checked", map[string]string{"tsconfig.json": `{"compilerOptions":{"checkJs":true}}`, "a.ts": "export {}", "b.js": "export const n = ''.nothing"}, "b.js:1:21 TS2339\n"},
		{"a package without types", map[string]string{"package.json": `{"dependencies":{"plain":"1.0.0"}}`, "a.ts": "import p from 'plain'; p;"}, "a.ts:1:15 TS7016\n"},
		{"a package that exports no types, as it was found before", map[string]string{"package.json": `{"dependencies":{"old":"1.0.0"}}`, "tsconfig.json": `{"compilerOptions":{"moduleResolution":"node10","module":"esnext","target":"es2020"}}`, "a.ts": "import { n } from 'old'; export const s: string = n;"}, "a.ts:1:39 TS2322\n"},
		{"components are anything", viteApp(map[string]string{"src/A.vue": "<template/>", "src/env.d.ts": "declare module '*.vue' {\n const c: number; export default c }", "src/b.ts": "import A, { type Props, make } from './A.vue'; const p: Props = make(A); export const n: number = p; export const s: string = 1"}), "src/b.ts:1:115 TS2322\n"},
		{"folders have settings of their own", map[string]string{"tsconfig.json": `{"compilerOptions":{"strict":true}}`, "loose/tsconfig.json": `{"extends":"../tsconfig.json","compilerOptions":{"strict":false}}`, "loose/a.ts": "export let s: string = null", "b.ts": "import { s } from './loose/a'; export let t: string = s || null"}, "b.ts:1:43 TS2322\n"},
		{"packages of the project itself", map[string]string{"package.json": `{"workspaces":["packages/*"]}`, "packages/a/package.json": `{"name":"@own/a","version":"1.0.0","types":"src/index.ts"}`, "packages/a/src/index.ts": "export const a: string = 1", "packages/b/package.json": `{"name":"@own/b","version":"1.0.0","dependencies":{"@own/a":"*"}}`, "packages/b/b.ts": "import { a } from '@own/a'; export const n: number = a"}, "packages/a/src/index.ts:1:14 TS2322\npackages/b/b.ts:1:42 TS2322\n"},
		{"packages of the project that nobody built", map[string]string{"package.json": `{"workspaces":["packages/*"]}`, "tsconfig.json": `{"files":[],"references":[{"path":"packages/a"},{"path":"packages/b"}]}`,
			"packages/a/tsconfig.json": `{"compilerOptions":{"composite":true,"outDir":"dist","rootDir":"src","module":"nodenext"},"include":["src"]}`, "packages/b/tsconfig.json": `{"compilerOptions":{"composite":true,"module":"nodenext"},"references":[{"path":"../a"}]}`,
			"packages/a/package.json": `{"name":"@own/a","version":"1.0.0","type":"module","exports":{".":{"types":"./dist/index.d.ts","default":"./dist/index.js"},"./parts/*":"./dist/parts/*.js"}}`, "packages/a/src/index.ts": "export const a = 1; export default class A {}", "packages/a/src/parts/x.ts": "export const x = 1",
			"packages/b/package.json": `{"name":"@own/b","version":"1.0.0","type":"module","dependencies":{"@own/a":"*"}}`, "packages/b/b.ts": "import A, { a } from '@own/a'; import { x } from '@own/a/parts/x'; export const n: string = a; export const m: string = x; new A();"}, "packages/b/b.ts:1:81 TS2322\npackages/b/b.ts:1:109 TS2322\n"},
		{"includes and excludes", map[string]string{"tsconfig.json": `{"include":["src/**/*","x?.ts"],"exclude":["**/*.test.ts","src/old"]}`, "src/a.ts": "const n: number = ''", "src/a.test.ts": "const m: number = ''", "src/old/b.ts": "const o: number = ''", "x1.ts": "const p: number = ''", "y.ts": "const q: number = ''"}, "src/a.ts:1:7 TS2322\nx1.ts:1:7 TS2322\n"},
		{"no interop", config(`{"esModuleInterop":false,"strict":true}`, "export {}"), ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			tree := verify.Tree{Files: c.files, Assets: map[string]verify.Blob{"src/logo.svg": {}}}
			if c.files["package.json"] != "" {
				tree.Lock = b.lock(t, c.files)
			}
			r := b.check(t, tree)
			if got := said(r); got != c.want {
				t.Errorf("%+v\ngot:\n%swant:\n%s%v", r.Rung, got, c.want, r.Diagnostics)
			}
			text, _ := json.Marshal(r)
			if strings.Contains(string(text), b.dir) || strings.Contains(string(text), "tsconfig-") {
				t.Errorf("it tells of the private folder: %s", text)
			}
			if again := b.check(t, tree); said(again) != said(r) || again.Rung.Reason != r.Rung.Reason {
				t.Errorf("the second time: %s", said(again))
			}
		})
	}
}

// What stands within components is not checked, and said.
func TestWithinComponents(t *testing.T) {
	b := newBench(t, types.Options{Path: typestest.Compiler(t)})
	r := b.check(t, verify.Tree{Files: map[string]string{"tsconfig.json": "{}", "a.ts": "import A from './A.vue'; export default A", "A.vue": "<script setup lang=\"ts\">const n: number = ''</script>", "B.svelte": "<p/>"}})
	if r.Rung.Status != codeforge.RungPassed || !strings.Contains(r.Rung.Reason, "within .svelte and .vue files is not checked") {
		t.Errorf("%+v", r)
	}
}

// What packages that are not here would say is not checked, and said.
func TestWithoutPackages(t *testing.T) {
	b := newBench(t, types.Options{Path: typestest.Compiler(t)})
	files := map[string]string{"package.json": `{"dependencies":{"react":"^19.0.0"}}`, "tsconfig.json": `{"compilerOptions":{"strict":true,"jsx":"react-jsx"}}`,
		"app.tsx": `import { useState } from "react"; export const App = () => <p onClick={(e) => e}>{useState<string>("").map((x) => x)}</p>;`, "use.ts": `import { App } from "./app"; [1].map((x: string) => App);`}
	r := b.check(t, verify.Tree{Files: files})
	if r.Rung.Status != codeforge.RungNotChecked || !strings.Contains(r.Rung.Reason, "react") {
		t.Errorf("%+v", r)
	}
	files["alone.ts"] = "export const n: number = ''"
	if r = b.check(t, verify.Tree{Files: files}); said(r) != "alone.ts:1:14 TS2322\n" || !strings.Contains(r.Rung.Reason, "react") {
		t.Errorf("%+v", r)
	}
}

// Nothing leads the compiler to other files of the disk.
func TestNothingLeadsElsewhere(t *testing.T) {
	b := newBench(t, types.Options{Path: typestest.Compiler(t)})
	other := t.TempDir()
	for name, text := range map[string]string{"secret.ts": "export const word: 'hunter2' = 1 as any; ", "secret.json": `{"hunter2": 1}`, "global.d.ts": "declare const word: 'hunter2';", "tsconfig.json": `{"compilerOptions":{"strict":false}}`,
		"node_modules/secret/index.d.ts": "export const word: 'hunter2';"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(other, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(other, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	up, err := filepath.Rel(filepath.Join(b.dir, "check-123456789"), other)
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []string{other, up} {
		for _, config := range []string{
			`{}`, `{"extends":"AT/tsconfig.json"}`, `{"include":["AT","."]}`, `{"include":["AT/**/*","**/*"]}`, `{"files":["AT/global.d.ts","a.ts"]}`, `{"references":[{"path":"AT"}]}`,
			`{"compilerOptions":{"typeRoots":["AT/node_modules"],"types":["secret"]}}`, `{"compilerOptions":{"types":["AT/global.d.ts"]}}`, `{"compilerOptions":{"paths":{"secret":["AT/secret.ts"]}}}`, `{"compilerOptions":{"baseUrl":"AT"}}`,
			`{"compilerOptions":{"rootDirs":["AT","."]}}`, `{"compilerOptions":{"plugins":[{"name":"AT/secret.ts"}]}}`, `{"compilerOptions":{"outDir":"AT","tsBuildInfoFile":"AT/info","generateTrace":"AT/trace","declaration":true,"noEmit":false}}`,
		} {
			t.Run(at+" "+config, func(t *testing.T) {
				t.Parallel()
				text := strings.ReplaceAll("/// <reference path=\"AT/global.d.ts\" />\nimport { word } from \"AT/secret\";\nimport j from \"AT/secret.json\";\nimport { word as w } from \"secret\";\nconst n: number = word; const m: number = w; const k: number = j; export { n, m, k };\n", "AT", at)
				r := b.check(t, verify.Tree{Files: map[string]string{"tsconfig.json": strings.ReplaceAll(config, "AT", at), "a.ts": text}})
				if all, _ := json.Marshal(r.Diagnostics); strings.Contains(string(all), "hunter2") {
					t.Errorf("%s: %s", config, all)
				}
			})
		}
	}
	t.Cleanup(func() {
		if left, err := os.ReadDir(other); err != nil || len(left) != 5 {
			t.Errorf("%v %v", left, err)
		}
	})
}

// Whatever becomes of the compiler, nothing is left of it and the check says that it was none.
func TestCompilerEndings(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	memory := int64(300 << 20)
	if raceEnabled() { // its shadows are no data of the program
		memory = 4 << 30
	}
	b := newBench(t, types.Options{Path: name, Memory: memory})
	acts := map[string]string{"die": "broke down", "flood": "did not do its work", "": "did not do its work"}
	if runtime.GOOS == "linux" {
		acts["kill"] = "from outside"
	}
	if runtime.GOOS == "linux" && !raceEnabled() {
		acts["memory"] = "memory"
	}
	for act, want := range acts {
		r := b.check(t, verify.Tree{Files: map[string]string{"act.ts": "//" + act}})
		if r.Rung.Status != codeforge.RungNotChecked || !strings.Contains(r.Rung.Reason, want) || r.Rung.Version != "7.99.0" {
			t.Errorf("%s: %+v", act, r)
		}
		b.empty(t)
	}
	short := newBench(t, types.Options{Path: name, Deadline: 300 * time.Millisecond})
	if r := short.check(t, verify.Tree{Files: map[string]string{"act.ts": "//hang"}}); r.Rung.Status != codeforge.RungNotChecked || !strings.Contains(r.Rung.Reason, "more than 300ms") {
		t.Errorf("%+v", r)
	}
	gone := errors.New("gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	go func() {
		for { // until the compiler is at work
			if left, _ := filepath.Glob(filepath.Join(b.dir, "check-*", "act.ts")); len(left) > 0 {
				cancel(gone)
				return
			}
			runtime.Gosched()
		}
	}()
	if _, err := b.Check(ctx, "u", verify.Tree{Files: map[string]string{"act.ts": "//hang"}}); err != gone {
		t.Error(err)
	}
	b.empty(t)
}

// Who holds up the compiler holds up nobody else.
func TestOthersDoNotWait(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, types.Options{Path: name, AtOnce: 3})
	ctx, cancel := context.WithCancel(t.Context())
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() { _, _ = b.Check(ctx, "greedy", verify.Tree{Files: map[string]string{"act.ts": "//hang"}}) })
	}
	for left := []string(nil); len(left) == 0; runtime.Gosched() {
		left, _ = filepath.Glob(filepath.Join(b.dir, "check-*", ".build", "pid"))
	}
	if r := b.check(t, verify.Tree{Files: map[string]string{"act.ts": "//"}}); !strings.Contains(r.Rung.Reason, "did not do its work") {
		t.Errorf("%+v", r)
	}
	cancel()
	wait.Wait()
}

// raceEnabled reports whether this program, and so the bad compiler, maps terabytes at its start.
func raceEnabled() bool {
	info, ok := debug.ReadBuildInfo()
	return ok && slices.ContainsFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "-race" && s.Value == "true" })
}

func TestCompilerCannotBeHad(t *testing.T) {
	client, err := npm.Open(npm.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"": "NPM_REGISTRY", "/nonexistent/tsc": "TSC_PATH", "/bin/sh": "TSC_PATH"} {
		c, err := types.Open(types.Options{Dir: t.TempDir(), NPM: client, Path: path})
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Check(t.Context(), "u", verify.Tree{Files: map[string]string{"a.ts": ""}})
		if err != nil || r.Rung.Status != codeforge.RungNotChecked || !strings.Contains(r.Rung.Reason, want) {
			t.Errorf("%s: %+v %v", path, r, err)
		}
	}
}

// What a process that was killed has left is removed at the next start, and nothing that is in use.
func TestLeftovers(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := newBench(t, types.Options{Path: name})
	if err := os.MkdirAll(filepath.Join(b.dir, "check-1", "src"), 0o700); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = b.Check(ctx, "u", verify.Tree{Files: map[string]string{"act.ts": "//hang"}})
	}()
	var used []string
	for len(used) == 0 {
		used, _ = filepath.Glob(filepath.Join(b.dir, "check-*", "act.ts"))
		runtime.Gosched()
	}
	if _, err := types.Open(types.Options{Dir: b.dir, NPM: b.client}); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(b.dir)
	if err != nil || len(left) != 1 || filepath.Join(b.dir, left[0].Name()) != filepath.Dir(used[0]) {
		t.Error(left, used, err)
	} else if info, err := left[0].Info(); err != nil || info.Mode().Perm() != 0o700 {
		t.Error(info.Mode(), err)
	}
	cancel()
	<-done
}
