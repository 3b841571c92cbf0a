// Package hostile makes trees that are made to harm whoever looks at them, within the rules for projects: each file has
// at most 100,000 characters, each tree at most 2 MB.
package hostile

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
)

// Tree is a hostile tree: files by path.
type Tree = map[string]string

const most = 99_000

// nest repeats what opens and what closes, as often as fits or n times.
func nest(open, middle, end string, n int) string {
	if n = min(n, (most-len(middle))/(len(open)+len(end))); n < 1 {
		n = 1
	}
	return strings.Repeat(open, n) + middle + strings.Repeat(end, n)
}

func fill(unit string) string { return strings.Repeat(unit, most/len(unit)) }

func numbered(format string, n int) string {
	var s strings.Builder
	for i := range n {
		line := strings.ReplaceAll(strings.ReplaceAll(format, "<i>", fmt.Sprint(i)), "<i+1>", fmt.Sprint(i+1))
		if s.Len()+len(line) > most {
			break
		}
		s.WriteString(line)
	}
	return s.String()
}

// layers are n pairs of files of which each names both of the next pair: 2^n ways from the first to the last.
func layers(n int, ending, name, last string, more Tree) Tree {
	t := Tree{}
	for i := range n {
		for _, side := range []string{"a", "b"} {
			t[fmt.Sprintf("%s%d%s", side, i, ending)] = strings.ReplaceAll(name, "<n>", fmt.Sprint(i+1))
		}
	}
	t[fmt.Sprintf("a%d%s", n, ending)], t[fmt.Sprintf("b%d%s", n, ending)] = last, last
	maps.Copy(t, more)
	return t
}

// copies has a file several times.
func copies(n int, ending, content string) Tree {
	t := Tree{}
	for i := range min(n, 2_000_000/(len(content)+1)) {
		t[fmt.Sprintf("f%d%s", i, ending)] = content
	}
	return t
}

func double(n int, first, next, end string) string {
	var s strings.Builder
	s.WriteString(first)
	for i := range n {
		s.WriteString(strings.ReplaceAll(strings.ReplaceAll(next, "<i>", fmt.Sprint(i+1)), "<i-1>", fmt.Sprint(i)))
	}
	return s.String() + end
}

// Trees returns the corpus, by name.
func Trees() map[string]Tree {
	deep := 50_000
	pairs := func(p, imports string) Tree { return Tree{p: imports} }
	all := map[string]Tree{
		// Constants that fold into gigabytes, and constants that are printed again and again.
		"fold enum":         pairs("a.ts", double(40, "enum E { A0 = 'aaaaaaaaaaaaaaaa'", ", A<i> = A<i-1> + A<i-1>", " }")),
		"fold enum, small":  pairs("a.ts", double(24, "enum E { A0 = 'aaaaaaaaaaaaaaaa'", ", A<i> = A<i-1> + A<i-1>", " }\nconsole.log(E.A24)")),
		"fold template":     pairs("a.ts", double(40, "enum E { A0 = `aaaaaaaaaaaaaaaa`", ", A<i> = `${A<i-1>}${A<i-1>}`", " }")),
		"fold in a page":    pairs("a.html", "<script type=module lang=ts>"+double(40, "enum E { A0 = 'aaaaaaaaaaaaaaaa'", ", A<i> = A<i-1> + A<i-1>", " }")+"</script>"),
		"fold by eight":     copies(8, ".ts", double(40, "enum E { A0 = 'aaaaaaaaaaaaaaaa'", ", A<i> = A<i-1> + A<i-1>", " }")),
		"inline":            copies(10, ".ts", "enum E { A = '"+strings.Repeat("x", 49_000)+"' }\n"+strings.Repeat("f(E.A);", 7_000)),
		"inline, one file":  pairs("a.ts", "enum E { A = '"+strings.Repeat("x", 49_000)+"' }\n"+strings.Repeat("f(E.A);", 7_000)),
		"inline constants":  pairs("a.js", "const A = '"+strings.Repeat("x", 49_000)+"';\n"+strings.Repeat("f(A);", 9_800)),
		"fold sums":         pairs("a.js", "x = "+strings.Repeat("'y' + ", 16_000)+"'y'"),
		"fold numbers":      pairs("a.ts", "enum E { A = "+strings.Repeat("1 + ", 24_000)+"1 }"),
		"print indentation": copies(20, ".js", nest("if (a) ", "b()", "", 14_000)),
		"print blocks":      copies(20, ".js", nest("{", "b()", "}", deep)),
		"print escapes":     copies(20, ".ts", "x = '"+fill("\\0")+"'"),
		// Graphs with more ways than there is time.
		"compose":        layers(40, ".module.css", ".a { composes: a b from './a<n>.module.css' } .b { composes: a b from './b<n>.module.css' }", ".a { color: red } .b { color: red }", Tree{"index.js": "import s from './a0.module.css'; console.log(s)"}),
		"import styles":  layers(40, ".css", "@import './a<n>.css'; @import './b<n>.css';", "p{}", Tree{"index.html": "<link rel=stylesheet href=a0.css>"}),
		"layered styles": layers(30, ".css", "@import './a<n>.css' layer(x) supports(display: grid) (min-width: 1px); @import './b<n>.css' layer(y);", "p{}", Tree{"index.html": "<link rel=stylesheet href=a0.css>"}),
		"pass on":        layers(40, ".ts", "export * from './a<n>'; export * from './b<n>'", "export const x = 1", nil),
		"import twice":   layers(500, ".ts", "import './a<n>'; import './b<n>'", "export const x = 1", nil),
		"await twice":    layers(500, ".ts", "import './a<n>'; import './b<n>'; await 0", "await 0", nil),
		"require twice":  layers(500, ".js", "require('./a<n>'); require('./b<n>')", "module.exports = 1", nil),
		"lazy twice":     layers(200, ".ts", "import('./a<n>'); import('./b<n>')", "export const x = 1", nil),
		"long way":       layers(900, ".ts", "export * from './a<n>'", "export const x = 1", nil),
		// Depth.
		"deep lists":                pairs("a.ts", nest("[", "", "]", deep)),
		"deep lists, open":          pairs("a.ts", fill("[")),
		"deep objects":              pairs("a.ts", "x = "+nest("{a:", "1", "}", deep)),
		"deep parentheses":          pairs("a.ts", nest("(", "1", ")", deep)),
		"deep functions":            pairs("a.ts", nest("function f(){", "", "}", deep)),
		"deep arrows":               pairs("a.ts", "x = "+fill("a=>")+"1"),
		"deep arrows, typed":        pairs("a.ts", "x = "+nest("(a: (", "number", ")) => 1", deep)),
		"deep classes":              pairs("a.ts", nest("class A{static a=", "1", "}", deep)),
		"deep templates":            pairs("a.ts", "x = "+nest("`${", "1", "}`", deep)),
		"deep markup":               pairs("a.tsx", "x = "+nest("<a>", "", "</a>", deep)),
		"deep attributes":           pairs("a.tsx", "x = "+nest("<a b={", "1", "}/>", deep)),
		"deep loops":                pairs("a.ts", fill("for(;;)")+";"),
		"deep labels":               pairs("a.ts", numbered("a<i>:", 20_000)+";"),
		"deep tries":                pairs("a.ts", nest("try{", "", "}finally{}", deep)),
		"deep else":                 pairs("a.ts", fill("if(a);else ")+";"),
		"deep ternaries":            pairs("a.ts", "x = "+fill("a?b:")+"c"),
		"deep unary":                pairs("a.ts", "x = "+fill("!")+"1"),
		"deep powers":               pairs("a.ts", "x = "+fill("a**")+"1"),
		"deep binary":               pairs("a.ts", "x = "+fill("a+")+"1"),
		"deep commas":               pairs("a.ts", fill("a,")+"1"),
		"deep members":              pairs("a.ts", "a"+fill(".b")),
		"deep optional":             pairs("a.ts", "a"+fill("?.b")),
		"deep calls":                pairs("a.ts", "a"+fill("()")),
		"deep new":                  pairs("a.ts", fill("new ")+"a"),
		"deep await":                pairs("a.ts", fill("await ")+"a"),
		"deep patterns":             pairs("a.ts", "var "+nest("[", "a", "]", deep)+" = 1"),
		"deep types":                pairs("a.ts", "let a: "+nest("A<", "B", ">", deep)),
		"deep conditions":           pairs("a.ts", "type T = "+fill("A extends B ? C : ")+"D"),
		"deep namespaces":           pairs("a.ts", "namespace a"+fill(".a")+"{}"),
		"namespaces":                pairs("a.ts", "namespace a"+strings.Repeat(".a", 2_500)+"{}"),
		"deep json":                 pairs("a.json", nest("[", "", "]", deep)),
		"deep rules":                pairs("a.css", nest("a{", "", "}", deep)),
		"deep selectors":            pairs("a.css", nest(":is(", "a", ")", deep)+"{}"),
		"deep sums":                 pairs("a.css", "a{b:"+nest("calc(", "1", ")", deep)+"}"),
		"deep conditions in styles": pairs("a.css", nest("@media (x){", "", "}", deep)),
		"deep page":                 pairs("a.html", nest("<div>", "", "</div>", deep)),
		"deep drawing":              pairs("a.svg", `<svg xmlns="http://www.w3.org/2000/svg">`+nest("<g>", "", "</g>", deep)+"</svg>"),
		"entities":                  pairs("a.svg", double(40, `<!DOCTYPE svg [<!ENTITY a0 "aaaaaaaaaa">`, `<!ENTITY a<i> "&a<i-1>;&a<i-1>;">`, `]><svg xmlns="http://www.w3.org/2000/svg">&a40;</svg>`)),
		// Names, maps and lists.
		"names":                pairs("a.ts", numbered("let a<i>;", 20_000)),
		"names, one scope":     copies(20, ".ts", numbered("export let a<i> = 1;", 20_000)),
		"same name":            pairs("a.ts", fill("var a;function a(){}")),
		"same scopes":          pairs("a.ts", fill("{let a;a}")),
		"private names":        pairs("a.ts", "class A{"+numbered("#a<i>=1;", 20_000)+"}"),
		"decorators":           pairs("a.ts", fill("@a ")+"class A{}"),
		"exports":              Tree{"a.ts": numbered("export let a<i>=1;", 20_000), "b.ts": numbered("import {a<i>} from './a';", 20_000)},
		"missing exports":      Tree{"a.ts": "export {}", "b.ts": numbered("import {a<i>} from './a';", 20_000)},
		"missing files":        pairs("a.ts", numbered("import './b<i>';", 20_000)),
		"aliases":              {"tsconfig.json": `{"compilerOptions":{"paths":{` + strings.TrimSuffix(numbered(`"p<i>/*":["./x/*"],`, 20_000), ",") + `}}}`, "a.ts": numbered("import 'q<i>';", 20_000)},
		"extends":              {"tsconfig.json": `{"extends":"./a.json"}`, "a.json": `{"extends":"./tsconfig.json"}`, "a.ts": "let a"},
		"exports of a package": {"package.json": `{"name":"n","exports":{` + strings.TrimSuffix(numbered(`"./p<i>/*":"./x/*",`, 20_000), ",") + `}}`, "a.ts": numbered("import 'n/q<i>';", 20_000)},
		"links":                pairs("a.html", fill("<a href=b>")),
		"sources":              pairs("a.html", "<img srcset='"+fill("b 1x,")+"'>"),
		"scripts":              pairs("a.html", fill("<script type=module>1</script>")),
		"scripts of pages":     copies(200, ".html", numbered("<script type=module src=s<i>.js></script>", 200)),
		"attributes":           pairs("a.html", "<a "+numbered("b<i>=c ", 20_000)+">"),
		"comments":             pairs("a.css", fill("/**/")),
		"urls":                 pairs("a.css", "a{b:"+fill("url(c) ")+"}"),
		"variables":            pairs("a.css", "a{"+numbered("--b<i>:c;", 20_000)+"}"),
		"regular expressions":  pairs("a.ts", fill("/(a*)*b/;")),
		"globs":                pairs("a.ts", fill("import.meta.glob('./**/*.ts');")),
		"computed":             pairs("a.js", fill("require(`./${a}`);")),
		"numbers":              pairs("a.ts", "x = "+fill("9")+"n"),
		"escapes":              pairs("a.ts", "x = '"+fill("\\u{1F600}")+"'"),
	}
	all["import maps"] = importMaps()
	return all
}

// importMaps are pages that each map thousands of names.
func importMaps() Tree {
	maps := Tree{"a.js": numbered("import 'q<i>';", 20_000)}
	for p := range 4 {
		maps[fmt.Sprintf("p%d.html", p)] = `<script type="importmap">{"imports":{` + strings.TrimSuffix(numbered(fmt.Sprintf(`"p%d_<i>":"./x",`, p), 20_000), ",") + "}}</script>"
	}
	return maps
}

// Mutate makes another tree of one: it doubles, nests or repeats a part of a file, or the file.
func Mutate(r *rand.Rand, tree Tree) Tree {
	out, total := Tree{}, 0
	paths := slices.Sorted(maps.Keys(tree))
	for p, c := range tree {
		out[p] = c
		total += len(c)
	}
	if len(paths) == 0 {
		return out
	}
	p := paths[r.IntN(len(paths))]
	c := out[p]
	at, to := r.IntN(len(c)+1), r.IntN(len(c)+1)
	if at > to {
		at, to = to, at
	}
	switch part := c[at:to]; r.IntN(4) {
	case 0:
		c = c[:to] + part + c[to:]
	case 1:
		brackets := []string{"()", "[]", "{}", "<>", "``"}[r.IntN(5)]
		n := 1 << r.IntN(14)
		c = c[:at] + strings.Repeat(brackets[:1], n) + part + strings.Repeat(brackets[1:], n) + c[to:]
	case 2:
		if len(part) > 0 {
			c = c[:to] + strings.Repeat(part, 1+min(1<<r.IntN(14), most/len(part))) + c[to:]
		}
	case 3:
		if len(out) < 1_000 && total < 1_900_000 {
			out[fmt.Sprintf("m%d-%s", len(out), p)] = c
		}
	}
	out[p] = strings.ToValidUTF8(c[:min(len(c), most)], "")
	return out
}
