package main

import (
	"testing"

	"github.com/dop251/goja"
	"github.com/evanw/esbuild/pkg/api"
)

// What the console joins in the browser is as it says: a change leads from one text to the other, what one side alone did stands, and
// what both did to one place is asked about.
func TestLinesAreJoined(t *testing.T) {
	built := api.Build(api.BuildOptions{Bundle: true, Format: api.FormatIIFE, Target: api.ES2020, Stdin: &api.StdinOptions{ResolveDir: "../src", Loader: api.LoaderTS, Contents: `
import { changes, joined, merge } from "./lines";

const apply = (a: string[], b: string[]) => {
  const out: string[] = [];
  let at = 0;
  for (const c of changes(a, b)) {
    out.push(...a.slice(at, c.from), ...b.slice(c.otherFrom, c.otherTo));
    at = c.to;
  }
  return [...out, ...a.slice(at)].join("\n");
};
const wrong: string[] = [];
const is = (name: string, got: unknown, want: unknown) => {
  if (JSON.stringify(got) !== JSON.stringify(want) && wrong.length < 10) wrong.push(name + ": " + JSON.stringify(got) + ", not " + JSON.stringify(want));
};

let seed = 1;
const random = (n: number) => (seed = (seed * 1103515245 + 12345) & 0x7fffffff) % n;
const edited = (a: string[]) => {
  const b = [...a];
  for (let i = random(4); i > 0; i--) b.splice(random(b.length + 1), random(3), ...Array.from({ length: random(3) }, () => "x" + random(5)));
  return b;
};
for (let i = 0; i < 400; i++) {
  const a = Array.from({ length: random(14) }, () => "l" + random(6));
  const [b, c] = [edited(a), edited(a)];
  is("changes", apply(a, b), b.join("\n"));
  const text = [a, b, c].map((l) => l.join("\n")) as [string, string, string];
  is("mine alone", joined(merge(text[0], text[1], text[0])), text[1]);
  is("theirs alone", joined(merge(text[0], text[0], text[2])), text[2]);
  is("both alike", joined(merge(text[0], text[1], text[1])), text[1]);
  const sides = (own: "mine" | "theirs", m: string, o: string) => merge(text[0], m, o).flatMap((p) => (p.kind === "stands" ? p.lines : p[own]));
  is("the other way round", sides("mine", text[1], text[2]), sides("theirs", text[2], text[1]));
}
is("apart", joined(merge("a\nb\nc\nd", "A\nb\nc\nd", "a\nb\nc\nD")), "A\nb\nc\nD");
is("one place", merge("a\nb\nc", "a\nX\nc", "a\nY\nc"), [{ kind: "stands", lines: ["a"] }, { kind: "conflict", base: ["b"], mine: ["X"], theirs: ["Y"] }, { kind: "stands", lines: ["c"] }]);
is("left to be said", joined(merge("a", "b", "c")), null);
const long = Array.from({ length: 3000 }, (_, i) => "line " + i);
is("much at once", apply(long, long.map((l) => l + "!")), long.map((l) => l + "!").join("\n"));
(globalThis as any).wrong = wrong.join("\n");
`}})
	if len(built.Errors) > 0 {
		t.Fatal(built.Errors[0].Text)
	}
	vm := goja.New()
	if _, err := vm.RunString(string(built.OutputFiles[0].Contents)); err != nil {
		t.Fatal(err)
	}
	if wrong := vm.Get("wrong").String(); wrong != "" {
		t.Error(wrong)
	}
}
