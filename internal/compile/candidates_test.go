package compile

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestClassWords(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"a.html", `<div class="flex p-4 hover:bg-red-500/50 -mt-2.5 w-1/2 !font-bold underline!">`, "div class= flex p-4 hover:bg-red-500/50 -mt-2.5 w-1/2 !font-bold underline!"},
		{"a.html", `<p class='w-[calc(100%-1rem)] [&>p]:mt-2 bg-(--brand) [color:red] content-["x_y"] data-[state=open]:flex group-hover/item:block'>`, `p class= w-[calc(100%-1rem)] [&>p]:mt-2 bg-(--brand) [color:red] content-["x_y"] data-[state=open]:flex group-hover/item:block`},
		{"a.js", `const x = { underline: true, 'p-2': on }`, "const x underline p-2 true on"},
		{"a.js", "`${on ? 'flex' : \"block\"} grid`", "flex block grid"},
		{"a.svelte", `<p class:p-2={x} class:flex={y}>`, "p p-2 x flex class"},
		{"a.css.js", `style={{ color: "var(--color-red-500)" }}`, "--color-red-500 color"},
		{"a.md", "text {.flex.p-2}", "text flex p-2"},
		{"a.html", `<div class="@md:p-2 2xl:p-3 *:p-4 **:p-5 supports-[display:grid]:grid min-[400px]:flex">`, "div @md:p-2 2xl:p-3 *:p-4 **:p-5 supports-[display:grid]:grid min-[400px]:flex class="},
	} {
		got := map[string]bool{}
		classWords(c.file, c.text, func(w string) { got[w] = true })
		for want := range strings.FieldsSeq(c.want) {
			if strings.HasSuffix(want, "=") {
				continue // words of the markup, which are no classes
			}
			if want != "div" && want != "p" && want != "const" && want != "x" && want != "true" && want != "on" && want != "text" && want != "class" && !got[want] {
				t.Errorf("%s: %q is missed, found %q", c.text, want, slices.Sorted(maps.Keys(got)))
			}
		}
	}
}

// What is no class must not become one by being cut.
func TestNoClassWords(t *testing.T) {
	for _, c := range []struct{ text, no string }{
		{`import { flex } from "./p-4.js"`, "p-4"},
		{`bg-[url(a b)]`, "url"},
		{`<div class="w-[1px">`, "w-"},
		{`foo(p-2)`, "p-2"},
		{`"p-2}"`, "p-2}"},
		{`!p-2!`, "!p-2!"},
	} {
		classWords("a.html", c.text, func(w string) {
			if w == c.no {
				t.Errorf("%s gives %q", c.text, w)
			}
		})
	}
}

func TestGlobs(t *testing.T) {
	for _, c := range []struct {
		pattern string
		yes, no []string
	}{
		{"src/**/*.{js,ts,jsx,tsx}", []string{"src/a.js", "src/a/b/c.tsx"}, []string{"a.js", "src/a.css", "src/a.jsxx"}},
		{"./index.html", nil, []string{"index.html"}},
		{"*.html", []string{"a.html"}, []string{"a/b.html"}},
		{"src/[ab]?.js", []string{"src/ax.js"}, []string{"src/cx.js", "src/a.js"}},
		{"src/@(a|b)/*.js", []string{"src/a/x.js"}, []string{"src/c/x.js"}},
		{"a/**", []string{"a/b", "a/b/c.d"}, []string{"b"}},
	} {
		g, ok := newGlob(c.pattern)
		if !ok {
			t.Fatal(c.pattern)
		}
		for _, p := range c.yes {
			if !g.matches(p) {
				t.Errorf("%s does not match %s", c.pattern, p)
			}
		}
		for _, p := range c.no {
			if g.matches(p) {
				t.Errorf("%s matches %s", c.pattern, p)
			}
		}
	}
}

func FuzzClassWords(f *testing.F) {
	f.Add(`<p class="a-[b:(c)] [&_p]:d/[e] !f g! (--h,i)">`)
	f.Fuzz(func(t *testing.T, text string) {
		classWords("a.html", text, func(w string) {
			if w == "" || strings.ContainsAny(w, " \t\n") || !strings.Contains(text, w) {
				t.Errorf("%q of %q", w, text)
			}
		})
	})
}
