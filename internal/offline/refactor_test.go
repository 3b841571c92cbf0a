package offline

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"

	"codeforge/internal/agent/form"
	"codeforge/internal/llm"
)

// refactored asks for a refactoring of what stands between « and » in a file, or of all of it.
func refactored(t testing.TB, path, marked, wish string) (whole string, r form.Refactoring) {
	t.Helper()
	before, rest, some := strings.Cut(marked, "«")
	selected, after, _ := strings.Cut(rest, "»")
	if !some {
		before, selected, after = "", marked, ""
	}
	var b strings.Builder
	form.WriteSection(&b, form.SectionProject, "", asJSON(form.ProjectSection{Title: "Walks"}))
	form.WriteSection(&b, form.SectionFile, path, form.Neutral(before+selected+after))
	form.WriteSection(&b, form.SectionContext, "", asJSON(map[string]any{"file_path": path, "start_line": 1 + strings.Count(before, "\n")}))
	form.WriteSection(&b, form.SectionIdea, "", form.Neutral(wish))
	form.WriteSection(&b, form.SectionSelection, path, form.Neutral(selected))
	resp := generate(t, &llm.Request{Model: Name, Messages: []llm.Message{llm.UserText(b.String())}, Schema: form.RefactoringForm.Schema()})
	r, problems := form.RefactoringForm.Read([]byte(resp.Text()))
	if len(problems) > 0 {
		t.Fatalf("%q: %v", wish, problems)
	}
	if r.Code == selected != strings.HasPrefix(r.Explanation, "Nothing was changed") {
		t.Errorf("%s of %q says %q", wish, marked, r.Explanation)
	}
	return before + r.Code + after, r
}

// Cases of rules: a file with its selection, the wish, and what becomes of the whole file; the same where it must stay, then with what is said.
func TestRefactorings(t *testing.T) {
	for _, c := range [][5]string{
		// Names.
		{"a.ts", "export function f(a: number) { return a + a }", "rename a to total", "export function f(total: number) { return total + total }", "all 3 places"},
		{"a.js", "import x from 'x'\nconst o = { a: x.a, x, 'a': 1 }\nexport default o", "Rename `x` to `y`", "import y from 'x'\nconst o = { a: y.a, x: y, 'a': 1 }\nexport default o", ""},
		{"a.js", "import { a, b } from 'x'\nf(a, b)", "rename the import a to first", "import { a as first, b } from 'x'\nf(first, b)", ""},
		{"a.js", "import { z as a } from 'x'\nf(a)", "rename a to b", "import { z as b } from 'x'\nf(b)", ""},
		{"a.js", "export const f = ({ a, b: { c } }) => a + c", "rename a to d", "export const f = ({ a: d, b: { c } }) => d + c", ""},
		{"a.tsx", "import { A } from './a'\nexport const B = () => <A a={1}>A <b>A</b></A>", "rename A to C", "import { A as C } from './a'\nexport const B = () => <C a={1}>A <b>A</b></C>", ""},
		{"a.tsx", "import { A } from './a'\nexport const B = () => <A/>", "rename A to c", "", "component only while"},
		{"a.ts", "import 'x'\nfunction f() { const a = 1; { const a = 2; g(a) } return `${a} a` }", "rename a to b", "import 'x'\nfunction f() { const b = 1; { const b = 2; g(b) } return `${b} a` }", "speaks of `a` in a text"},
		{"a.js", "import 'x'\nfunction f() { const name = 1; return name }\nconsole.log(name)", "rename name to title", "", "line 3 it may be another"},
		{"a.js", "import 'x'\n«function f(a) { return a }»\nf(1)", "rename f to g", "", "line 3, outside of the selection"},
		{"a.js", "import 'x'\n«function f(a) { return a }»\nf(1)", "rename a to b", "import 'x'\nfunction f(b) { return b }\nf(1)", ""},
		{"a.js", "export const a = 1", "rename a to b", "", "exported"},
		{"a.js", "const a = 1\nexport { a }", "rename a to b", "", "exports it"},
		{"a.js", "const a = 1\nexport { a as z }", "rename a to b", "const b = 1\nexport { b as z }", ""},
		{"a.js", "const a = 1", "rename a to b", "", "no module"},
		{"a.js", "import 'x'\nconst a = 1, b = 2; f(a, b)", "rename a to b", "", "used in line 2 already"},
		{"a.js", "import 'x'\nconst a = 1; f(a)", "rename a to class", "", "cannot be the name"},
		{"a.js", "import 'x'\nf(a)", "rename a to b", "", "do not find where"},
		{"a.js", "import 'x'\nfunction f(a = name) { return a }", "rename name to b", "", "do not find where"},
		{"a.js", "import 'x'\na: for (;;) { const a = 1; f(a); break a }", "rename a to b", "", "something else"},
		{"a.js", "import 'x'\nfunction f(a) { return eval('a') }", "rename a to b", "", "uses eval"},
		{"a.js", "import 'x'\nconst f = a => a.a({ a: a, [a]: 1, a() {}, get a() { return a } })", "rename a to b", "", "something else"},
		{"a.js", "import 'x'\nconst f = a => a.a({ a: a, [a]: 1, a() {} })", "rename a to b", "import 'x'\nconst f = b => b.a({ a: b, [b]: 1, a() {} })", ""},
		{"a.ts", "export class K { a = 1; constructor(private a: number) {} m(a: number) { return this.a + a } }", "rename a to b", "", "something else"},
		{"a.ts", "export class K { a = 1; m(a: number) { return this.a + a } }", "rename a to b", "export class K { a = 1; m(b: number) { return this.a + b } }", ""},
		{"a.js", "import 'x'\nlet a = 1\nconst f = () => { a++; return /a/.test(`${a}`) ? a : -a }", "rename a to n", "import 'x'\nlet n = 1\nconst f = () => { n++; return /a/.test(`${n}`) ? n : -n }", ""},
		{"a.js", "import 'x'\nfunction f() { g(a); var a = 1 }", "rename a to b", "import 'x'\nfunction f() { g(b); var b = 1 }", ""},
		{"a.js", "import 'x'\ntry { f() } catch (e) { g(e) }", "rename e to error", "import 'x'\ntry { f() } catch (error) { g(error) }", ""},
		{"a.js", "import 'x'\nfor (const [k, v] of m) { f(k, v) }", "rename k to key", "import 'x'\nfor (const [key, v] of m) { f(key, v) }", ""},
		{"a.jsx", "import React from 'react'\nexport default () => <b/>", "rename React to R", "", "may need it"},
		{"a.js", "import 'x'\nconst a = 1 // a\nf(a)", "rename a to b", "import 'x'\nconst b = 1 // a\nf(b)", "Line 2 speaks of `a` in a comment"},
		{"a.ts", "import 'x'\nconst f = (a: string, b: Map<string, number>): string => a + b.get(a)", "rename a to key", "import 'x'\nconst f = (key: string, b: Map<string, number>): string => key + b.get(key)", ""},
		{"a.js", "import 'x'\nconst s = 'unfinished\nf(s)", "rename s to t", "", "cannot read this file without doubt"},
		{"a.js", "import 'x'\nconst a = {} / 2, b = 1\nif (a) {} /b/.test(a)", "rename a to c", "", "without doubt"},

		// const.
		{"a.js", "import 'x'\nlet a = 1\nlet b = 2\nb = 3", "use const where possible", "import 'x'\nconst a = 1\nlet b = 2\nb = 3", "1 became const"},
		{"a.js", "import 'x'\nlet a = 1, b = 2; [a] = f(); ({ b } = g())", "use const", "", ""},
		{"a.js", "import 'x'\nconst a = 1\nf(a)", "use const", "", "no let or var"},
		{"a.js", "import 'x'\nlet a = [1]; for (let b of a) f(b); for (let i = 0; i < 3; i++) f(i); for (a of z) ;", "use const", "import 'x'\nlet a = [1]; for (const b of a) f(b); for (let i = 0; i < 3; i++) f(i); for (a of z) ;", ""},
		{"a.js", "export function f() { var a = 1; var b; b = a; return b }", "replace var with let or const", "export function f() { const a = 1; let b; b = a; return b }", "1 became const and 1 became let"},
		{"a.js", "export function f() { g(a); var a = 1 }", "no var", "", "used in line 1, before it"},
		{"a.js", "export function f() { if (x) { var a = 1 } return a }", "no var", "", "outside of its block"},
		{"a.js", "export function f() { for (var i = 0; i < 3; i++) { g(() => i) } }", "no var", "", "all rounds of a loop"},
		{"a.js", "export function f() { for (var i = 0; i < 3; i++) { g(i) } }", "no var", "export function f() { for (let i = 0; i < 3; i++) { g(i) } }", ""},
		{"a.js", "export function f() { while (x) { var a; if (a) g(); a = 1 } }", "no var", "", "all rounds"},
		{"a.js", "export function f() { h(); var a = 1; function h() { return a } }", "no var", "", "may run before"},
		{"a.js", "export function f() { var a = 1; function h() { return a } return h() }", "no var", "export function f() { const a = 1; function h() { return a } return h() }", ""},
		{"a.js", "export function f() { var a = 1; var a = 2; return a }", "no var", "", "more than once"},
		{"a.js", "export function f(a) { var a = 1; return a }", "no var", "", "more than once"},
		{"a.js", "export function f(x) { switch (x) { case 1: var a = 1; break; case 2: a = 2; g(a) } }", "no var", "", "not always reached"},
		{"a.js", "export function f() { var g = h(() => g) }", "no var", "", "may run before"},
		{"a.js", "var a = 1\nf(a)", "no var", "", "property of window"},

		// Debugging.
		{"a.js", "import 'x'\nf()\n  console.log('a', a.b, `${a}`);\ng()", "remove console.log", "import 'x'\nf()\ng()", "1 statement"},
		{"a.js", "f(); console.log(a); g()", "remove the console logs", "f();  g()", ""},
		{"a.js", "console.log(f())", "remove console.log", "", "may do something"},
		{"a.js", "console.log(a++); console.log(x = 1); console.log(new A); console.log(h`x`)", "remove console.log", "", "may do something"},
		{"a.js", "if (a) console.log(a)\nelse console.log(b)", "remove console.log", "", "no statement of its own"},
		{"a.js", "const f = () => console.log(a), g = a && console.log(1)", "remove console.log", "", "no statement of its own"},
		{"a.js", "a = b\nconsole.log(1);\n(c)()", "remove console.log", "", "read otherwise"},
		{"a.js", "a = b\nconsole.log(1)\n(c)()", "remove console.log", "", "no statement"},
		{"a.js", "function f() { console.log(1); 'use strict' }", "remove console.log", "", "read otherwise"},
		{"a.js", "console.error('x'); console.log('y')", "remove console.log", "console.error('x'); ", ""},
		{"a.js", "const console = c; f(() => { console.log(1) })", "remove console.log", "", "no such statement"},
		{"a.js", "const s = 'console.log(1)' // console.log(2)", "remove console.log", "", "no such statement"},
		{"a.js", "f()\ndebugger\ng()", "remove debugger statements", "f()\ng()", ""},

		// What is not used.
		{"a.js", "import { a, b } from 'x'\nimport c, { d } from 'y'\nf(b, c)", "remove unused imports", "import { b } from 'x'\nimport c from 'y'\nf(b, c)", "`a`, `d`"},
		{"a.js", "import { a } from 'x'\nf()", "remove unused imports", "import 'x'\nf()", "still run"},
		{"a.ts", "import { a } from 'x'\nf()", "remove unused imports", "", "whether 'x' is wanted"},
		{"a.ts", "import type { A } from 'x'\nf()", "remove unused imports", "f()", ""},
		{"a.jsx", "import React from 'react'\nimport { A, B } from 'x'\nexport const C = () => <A/>", "remove unused imports", "import React from 'react'\nimport { A } from 'x'\nexport const C = () => <A/>", ""},
		{"a.js", "export function f() {\n  const a = 1;\n  const b = g();\n  /** Old. */\n  function old() {}\n  return { a: 1 }\n}", "remove unused code", "export function f() {\n  const b = g();\n  return { a: 1 }\n}", "`b` in line 3 is not used, but"},
		{"a.js", "const a = 1", "remove unused variables", "", "is used, or may be"},
		{"a.js", "export const a = 1; function f() { f() }", "remove unused functions", "", "is used"},

		// Leaving early.
		{"a.js", "function f(a) {\n  g()\n  if (a) {\n    // why\n    h(`x\n    y`)\n    i()\n  }\n}", "use early returns", "function f(a) {\n  g()\n  if (!a) return;\n  // why\n  h(`x\n    y`)\n  i()\n}", "left early"},
		{"a.js", "const f = (a, b) => {\n  if (a === b) {\n    g()\n  }\n}", "return early", "const f = (a, b) => {\n  if (a !== b) return;\n  g()\n}", ""},
		{"a.js", "const f = (a, b) => {\n  if (!a.b(c)) {\n    g()\n  }\n}", "return early", "const f = (a, b) => {\n  if (a.b(c)) return;\n  g()\n}", ""},
		{"a.js", "const f = (a, b) => {\n  if (a && b) {\n    g()\n  }\n}", "return early", "const f = (a, b) => {\n  if (!(a && b)) return;\n  g()\n}", ""},
		{"a.js", "function f(a) {\n  if (a) {\n    g()\n  } else {\n    h()\n  }\n}", "return early", "", "No function"},
		{"a.js", "function f(a) {\n  if (a) {\n    g()\n  }\n  h()\n}", "return early", "", "No function"},
		{"a.js", "for (;;) {\n  if (a) {\n    g()\n  }\n}", "return early", "", "No function"},
		{"a.js", "function f(a) {\n  if (a) {\n    const a = 1\n    g(a)\n  }\n}", "return early", "", "`a` of its own"},
		{"a.js", "function f(a) {\n  if (a) {\n    function h() {}\n  }\n}", "return early", "", "declares a function"},

		// Arrow functions.
		{"a.js", "l.map(function (x) { return x + 1; })", "use arrow functions", "l.map((x) => { return x + 1; })", ""},
		{"a.js", "l.map((x) => { return x + 1; })", "use concise arrow bodies", "l.map((x) => x + 1)", ""},
		{"a.js", "l.map(x => { return { a: x } })\nl.map(x => { return x, 1 })", "use arrow functions with implicit return", "l.map(x => ({ a: x }))\nl.map(x => (x, 1))", ""},
		{"a.js", "const f = () => { return 1 }\n(g)", "use concise arrow functions", "", ""},
		{"a.js", "l.map(function (x) { return this.y })", "use arrow functions", "", "it uses this"},
		{"a.js", "l.map(function (x) { return arguments.length })", "use arrow functions", "", "it uses arguments"},
		{"a.js", "l.map(function* (x) { yield x })", "use arrow functions", "", ""},
		{"a.js", "register(function (x) { return x })", "use arrow functions", "", "does not care"},
		{"a.js", "l.then(async function (x, x) { await x })", "use arrow functions", "", "one name"},
		{"a.js", "l.then(async function (x) { await x })", "use arrow functions", "l.then(async (x) => { await x })", ""},

		// Constants.
		{"a.js", "export function f() {\n  g('a long text');\n  return h('a long text');\n}", "extract a constant for the repeated text", "const A_LONG_TEXT = 'a long text';\nexport function f() {\n  g(A_LONG_TEXT);\n  return h(A_LONG_TEXT);\n}", ""},
		{"a.js", "export function f() {\n  g(«'a long text', 'a long text');\n»}", "extract a constant for the repeated text", "", "does not begin with a statement"},
		{"a.js", "export function f() {\n«  g('a long text');\n  return h('a long text');\n»}", "extract the repeated text into a constant", "export function f() {\n  const A_LONG_TEXT = 'a long text';\n  g(A_LONG_TEXT);\n  return h(A_LONG_TEXT);\n}", ""},
		{"a.js", "export function f() {\n«  g('ab', 'cd');\n  return h('ab', 'cd');\n»}", "extract 'cd' as a constant named LETTERS", "export function f() {\n  const LETTERS = 'cd';\n  g('ab', LETTERS);\n  return h('ab', LETTERS);\n}", ""},
		{"a.js", "export function f() {\n«  g({ 'abc': 1 });\n  return h['abc'];\n»}", "extract constants", "", "more than once"},
		{"a.ts", "export function f() {\n«  let a: 'abc' | 'abd' = 'abc';\n  type T = 'abc';\n  return g<'abc', 'abc'>(a)\n»}", "extract constants", "", "more than once"},
		{"a.jsx", "export function F() {\n«  g('abc');\n  return <a b='abc' c={'abc'}>'abc'</a>;\n»}", "extract constants", "export function F() {\n  const ABC = 'abc';\n  g(ABC);\n  return <a b='abc' c={ABC}>'abc'</a>;\n}", ""},
		{"a.js", "import './b'\n«export function f() {\n  g('a text');\n  return h('a text');\n}\n»", "extract the constant", "", "may run before"},

		// Imports, comments, layout.
		{"a.js", "import { c, a, b as Z } from 'x'\nimport y from 'a'", "sort the imports", "import { a, b as Z, c } from 'x'\nimport y from 'a'", "order in which those files run"},
		{"a.js", "export { c, a } from 'x'", "sort imports", "", "sorted already"},
		{"a.ts", "export async function loadUserById(userId: string) {\n  return userId\n}\n// kept\nfunction f() {}", "add JSDoc comments", "/**\n * Load user by id.\n *\n * @param userId User id\n */\nexport async function loadUserById(userId: string) {\n  return userId\n}\n// kept\nfunction f() {}", "1 function"},
		{"a.tsx", "export function F() {\nif (a) {\n      f(`\n  x`,\n1)  \n}\nswitch (a) {\ncase 1:\nf()\nbreak\ndefault:\n}\n   return (\n<a\nb={1}\n>\ntext\n<b/>\n</a>\n)\n}\n", "fix the indentation",
			"export function F() {\n  if (a) {\n    f(`\n  x`,\n      1)\n  }\n  switch (a) {\n    case 1:\n      f()\n      break\n    default:\n  }\n  return (\n    <a\n      b={1}\n    >\n      text\n      <b/>\n    </a>\n  )\n}\n", "by their brackets"},

		// CSS.
		{"a.css", "a { color: #3366ff }\n#abc b:hover { border: 1px solid #3366FF; background: url(#3366ff) \"#3366ff\" }", "use a custom property for the colour", ":root {\n  --color-3366ff: #3366ff;\n}\n\na { color: var(--color-3366ff) }\n#abc b:hover { border: 1px solid var(--color-3366ff); background: url(#3366ff) \"#3366ff\" }", "2 values"},
		{"a.css", "a { color: #fff }", "make #fff a custom property called --paper", ":root {\n  --paper: #fff;\n}\n\na { color: var(--paper) }", ""},
		{"a.css", "@import 'x.css';\na { color: #fff }", "custom property", "", "@import"},
		{"a.css", "a { «color: #fff» }", "custom property", "", "beginning of a rule"},
		{"a.module.css", "a { color: #fff }", "custom property", "", "module"},
		{"a.css", "@font-face { src: #fff }", "custom property", "", "no colour"},
		{"a.css", "a { color: #fff }", "rename a to b", "", "no rule for"},

		// What there is no rule for, and more than one wish.
		{"a.js", "import 'x'\nlet a = 1\nconsole.log(a)", "rename a to b and remove console.log, then use const", "import 'x'\nconst b = 1\n", ""},
		{"a.js", "import 'x'\nlet a = 1\nconsole.log(a)\nf(a)", "use const, remove console.log, rename a to b", "import 'x'\nconst b = 1\nf(b)", "1 became const"},
		{"a.js", "import 'x'\nlet a = 1", "rename a to b. Make it faster with a cache.", "import 'x'\nlet b = 1", "only a part"},
		{"a.js", "f()", "split this into a class", "", "give the server a key"},
		{"a.js", "import 'x'\nlet a = 1", "make it let users format dates", "", "no rule for"},
		{"a.js", "import 'x'\nlet a = 1", "change the date format", "", "no rule for"},
		{"a.py", "a = 1", "rename a to b", "", "files of this kind"},
	} {
		unmarked := strings.NewReplacer("«", "", "»", "").Replace(c[1])
		want := c[3]
		if want == "" {
			want = unmarked
		}
		got, r := refactored(t, c[0], c[1], c[2])
		if got != want || !strings.Contains(r.Explanation, c[4]) {
			t.Errorf("%s of %s %q:\n got %q\nwant %q\nsays %s", c[2], c[0], unmarked, got, want, r.Explanation)
		}
	}
	if _, r := refactored(t, "a.js", "f()", "split this into a class"); !strings.HasPrefix(r.Explanation, "Nothing was changed. I am the offline model, and I have no rule for") {
		t.Error(r.Explanation)
	}
}

// compiled is what a compiler makes of a program: one form for all that mean the same but for their names.
func compiled(t testing.TB, path, text string) string {
	t.Helper()
	loader := map[string]api.Loader{"ts": api.LoaderTS, "tsx": api.LoaderTSX, "js": api.LoaderJSX, "jsx": api.LoaderJSX}[path[strings.LastIndexByte(path, '.')+1:]]
	r := api.Transform(text, api.TransformOptions{Loader: loader, Format: api.FormatESModule, MinifyWhitespace: true, LogLevel: api.LogLevelSilent, TsconfigRaw: `{"compilerOptions":{"verbatimModuleSyntax":true}}`})
	if len(r.Errors) > 0 {
		t.Errorf("%s: %v\n%s", path, r.Errors, text)
	}
	return string(r.Code)
}

// isRenamed reports whether a compiled program is another one with a name for a name: everywhere, and nowhere else.
func isRenamed(was, is, from, to string) bool {
	src, err := readSource(is, false)
	if err != nil {
		return false
	}
	for i, tok := range src.toks {
		if tok.kind == tokIdent && tok.text == from && !src.isProperty(i) && src.tok(i+1).text != ":" && src.tok(i+1).text != "as" {
			return false
		}
	}
	is = regexp.MustCompile(`([^\w$])`+regexp.QuoteMeta(to)+`\b`).ReplaceAllString(is, "${1}"+strings.ReplaceAll(from, "$", "$$"))
	for _, twice := range []string{from + ":" + from, from + " as " + from} {
		is = strings.ReplaceAll(is, twice, from)
		was = strings.ReplaceAll(was, twice, from)
	}
	return is == was
}

// appScripts are the scripts of apps that the offline model makes.
func appScripts(t testing.TB) map[string]string {
	out := map[string]string{}
	for _, react := range []bool{false, true} {
		a := design(brief{idea: "A CRM for dog walkers with a kanban board of tasks"})
		a.React = react
		for path, text := range a.files() {
			if scriptPath.MatchString(path) {
				out[path] = text
			}
		}
	}
	if len(out) < 10 {
		t.Fatal(len(out))
	}
	return out
}

// Renaming each name of real files changes names alone, by the judgement of a compiler.
func TestRenamedProgramsAreTheSame(t *testing.T) {
	renamed, refused, step := 0, 0, 15
	if os.Getenv("CODEFORGE_SOAK") != "" {
		step = 1
	}
	for path, text := range appScripts(t) {
		src, err := readSource(text, !plainTyped.MatchString(path))
		if err != nil {
			t.Errorf("%s cannot be read", path)
			continue
		}
		var names []string
		for _, tok := range src.toks {
			if tok.kind == tokIdent && !slices.Contains(names, tok.text) {
				names = append(names, tok.text)
			}
		}
		was := compiled(t, path, text)
		declared, _ := src.bindings()
		if len(declared) == 0 {
			t.Errorf("%s declares nothing", path)
		}
		for i, name := range names {
			if i%step > 0 {
				continue
			}
			to := "zz" + name
			if isComponent(name) {
				to = "Zz" + name
			}
			got, _ := refactored(t, path, text, fmt.Sprintf("rename %s to %s", name, to))
			switch {
			case got != text:
				if renamed++; !isRenamed(was, compiled(t, path, got), name, to) {
					t.Errorf("%s: renaming %s made another program\n%s\n%s", path, name, compiled(t, path, got), was)
				}
			case len(declared[name]) > 0 && !declared[name][0].exported:
				refused++
			}
		}
	}
	if renamed < refused {
		t.Errorf("%d were renamed, %d refused", renamed, refused)
	}
}

// Layout and comments are nothing to a compiler.
func TestLaidOutProgramsAreTheSame(t *testing.T) {
	for path, text := range appScripts(t) {
		was := compiled(t, path, text)
		flat := strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\t' }), "")
		for _, c := range [][2]string{{text, "add JSDoc comments"}, {flat, "indent it"}} {
			if got, _ := refactored(t, path, c[0], c[1]); compiled(t, path, got) != compiled(t, path, c[0]) {
				t.Errorf("%s: %s made another program of %s", path, c[1], was)
			}
		}
	}
}

// Whatever is asked of whatever, an answer comes, and what is outside of the selection stays.
func FuzzRefactor(f *testing.F) {
	for _, s := range []string{"a", "<a b={c}>{`${d}`}</a>", "}{)(", "function f(", "class A { static #x = 1 }", "`${`${`", "/* ", "a => {", "import {", "x = <T,>(y) => z", "((((((", "switch (a) { case b: {} }"} {
		f.Add(s, "rename a to b and use const and indent, remove unused code and remove console.log")
	}
	f.Fuzz(func(t *testing.T, text, wish string) {
		if strings.ContainsAny(text, "«»") || !strings.Contains(text, "a") {
			return
		}
		for _, path := range []string{"a.tsx", "a.css"} {
			refactored(t, path, text, wish)
		}
	})
}

// What is large or deep takes no time that others would miss, and is refused where it would.
func TestRefactoringIsBounded(t *testing.T) {
	for _, text := range []string{"import 'x'\n" + strings.Repeat("var a = 1; f(() => a)\n", 1000), "import 'x'\n" + strings.Repeat("{", 20_000), "import 'x'\n" + strings.Repeat("(", 100) + strings.Repeat(")", 100),
		"import 'x'\n" + strings.Repeat("console.log(`${a}`)\n", 500), "<a>" + strings.Repeat("<b>", 10_000), strings.Repeat("`${", 10_000), "let a = 1 //" + strings.Repeat("x", 300_000)} {
		refactored(t, "a.tsx", text, "use const, remove console.log, remove unused code, indent")
	}
}
