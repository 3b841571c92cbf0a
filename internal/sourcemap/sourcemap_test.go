package sourcemap

import (
	"fmt"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

// Places in what a bundler makes lead to where they were written.
func TestFind(t *testing.T) {
	const source = "export function f(a: number): number {\n  return a\n}\n\nf(1);\n  throw new Error('x' as string)\n"
	r := api.Transform(source, api.TransformOptions{Loader: api.LoaderTS, Sourcemap: api.SourceMapExternal, Sourcefile: "src/a.ts"})
	m := Read(r.Map)
	if m == nil {
		t.Fatal(string(r.Map))
	}
	// function f(a) {\n  return a;\n}\nf(1);\nthrow new Error("x");\n
	for place, want := range map[[2]int]string{{0, 7}: "src/a.ts:0:7", {1, 2}: "src/a.ts:1:2", {3, 0}: "src/a.ts:4:0", {4, 6}: "src/a.ts:5:8"} {
		file, line, column, ok := m.Find(place[0], place[1])
		if got := fmt.Sprintf("%s:%d:%d", file, line, column); !ok || got != want {
			t.Errorf("%v leads to %s %v, want %s, in\n%s", place, got, ok, want, r.Code)
		}
	}
	if _, _, _, ok := m.Find(100, 0); ok {
		t.Error("a line that is not")
	}
}

func TestNamed(t *testing.T) {
	for script, want := range map[string]string{"": "", "a()": "", "a()\n//# sourceMappingURL=a.js.map\n": "a.js.map", "p{}\n/*# sourceMappingURL=/x/a.css.map */": "/x/a.css.map", "//# sourceMappingURL=a\n//# sourceMappingURL=b": "b"} {
		if got := Named(script); got != want {
			t.Errorf("%q: %q", script, got)
		}
	}
}

// No map breaks who reads it.
func FuzzFind(f *testing.F) {
	f.Add(`{"version":3,"sources":["a"],"mappings":"AAAA;AACA,CAAC"}`, 1, 1)
	f.Add(`{"version":3,"sources":[],"mappings":"gggggggggggggA;;;//////////8"}`, 3, 0)
	f.Add(`{"version":2}`, 0, 0)
	f.Fuzz(func(t *testing.T, text string, line, column int) {
		if m := Read([]byte(text)); m != nil {
			m.Find(line, column)
		}
	})
}
