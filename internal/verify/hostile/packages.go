package hostile

import (
	"fmt"
	"strings"
)

// Packages are installed packages that are made to harm whoever bundles them, by what they do: files by their paths in
// node_modules. Each has a package p, with an entry q.
func Packages() map[string]Tree {
	one := func(manifest, index string, more ...string) Tree {
		t := Tree{"node_modules/p/package.json": manifest, "node_modules/p/index.js": index, "node_modules/p/q.js": "export const q = 1"}
		for i := 0; i < len(more); i += 2 {
			t["node_modules/p/"+more[i]] = more[i+1]
		}
		return t
	}
	many := func(n int) Tree {
		t := one("{}", "export * from './f0'")
		for i := range n {
			t[fmt.Sprintf("node_modules/p/f%d.js", i)] = fmt.Sprintf("export * from './f%d'; export * from './f%d'; export const v%d = %d", (i+1)%n, (i*7+3)%n, i, i)
		}
		return t
	}
	big := strings.Repeat("x", 1<<20)
	return map[string]Tree{
		"a manifest that is none":    one("{{{", "export default 1"),
		"a manifest of wrong types":  one(`{"name":1,"main":[],"module":{},"browser":3,"exports":[[[null]]],"imports":"x","sideEffects":{"a":1},"type":false,"peerDependenciesMeta":[]}`, "export default 1"),
		"exports that nest":          one(`{"exports":{".":`+strings.Repeat(`{"default":`, 5_000)+`"./index.js"`+strings.Repeat("}", 5_000)+"}}", "export default 1"),
		"lists that nest":            one(`{"exports":`+strings.Repeat("[", 9_000)+`"./index.js"`+strings.Repeat("]", 9_000)+"}", "export default 1"),
		"exports of many stars":      one(`{"exports":{".":"./index.js","./q":"./q.js",`+strings.TrimSuffix(numbered(`"./<i>*a*b":"./*<i>",`, 20_000), ",")+`}}`, "export default 1"),
		"a star that grows":          one(`{"exports":{".":"./index.js","./*":"./`+strings.Repeat("*", 50_000)+`"}}`, "export default 1"),
		"names that go in a ring":    one(`{"browser":{"a":"b","b":"a","./index.js":"p","p":"./index.js"},"imports":{"#a":"#b","#b":"#a"}}`, "require('a'); require('b'); require('#a')"),
		"files that go in a ring":    one(`{"exports":{".":"./index.js","./q":"./q.js"},"browser":{"./q.js":"p/q","./index.js":"p"}}`, "require('./q')"),
		"a main that is itself":      one(`{"main":"."}`, "export default require('.')"),
		"folders that lead back":     one(`{"main":"./lib"}`, "export default 1", "lib/package.json", `{"main":"../lib"}`, "lib/x/package.json", `{"main":".."}`),
		"files that lead everywhere": many(2_000),
		"effects of many stars":      one(`{"sideEffects":[`+strings.TrimSuffix(strings.Repeat(`"**/*`+strings.Repeat("*a", 200)+`*.js",`, 60), ",")+`]}`, "export * from './"+strings.Repeat("a", 200)+"'", strings.Repeat("a", 200)+".js", "export const a = 1"),
		"a script that folds":        one("{}", "var E = 'aaaaaaaaaaaaaaaa'; "+numbered("const A<i> = `${E}${E}`; ", 1_000)),
		"an enum that folds":         one("{}", "export { E } from './e'", "e.ts", "export enum E { A0 = 'aaaaaaaaaaaaaaaa'"+numbered(", A<i+1> = A<i> + A<i>", 40)+" }"),
		"a script that nests":        one("{}", "export default "+strings.Repeat("[", 200_000)),
		"a sheet that nests":         one(`{"style":"a.css"}`, "import './a.css'", "a.css", strings.Repeat("a{", 60_000)),
		"sheets in a ring":           one("{}", "import './a.css'", "a.css", "@import './b.css'; a{}", "b.css", "@import './a.css'; b{}"),
		"data that nests":            one("{}", "import d from './d.json'; export default d", "d.json", strings.Repeat("[", 300_000)),
		"exports again and again":    one("{}", "module.exports = require('./a')", "a.js", "module.exports = require('./b')", "b.js", "module.exports = require('./a'); "+strings.Repeat("exports.a = exports.b = ", 20_000)+"1"),
		"requires without an end":    one("{}", strings.Repeat("require(", 50_000)),
		"one long line":              one("{}", "export default '"+big+big+big+big+"'"),
		"urls of many files":         one("{}", numbered("new URL('./q.js', import.meta.url);", 3_000)+"export default 1"),
		"text of no language":        one("{}", "\xff\xfe\x00\x01", "q.js", "\x00asm"),
		"names that are odd":         one(`{"exports":{".":"./index.js","./q":"./q.js","./\u0000":"./\u0000","./..":"./..","":"./x","__proto__":"./x"}}`, "export const __proto__ = 1; export { __proto__ as 'a-b', __proto__ as constructor, __proto__ as default }"),
		"awaits at the top":          one("{}", "await new Promise(() => {}); export default 1"),
		"throws when loaded":         one("{}", "throw new Error('no')"),
	}
}
