package llm_test

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"codeforge/internal/llm"
)

var tree = []llm.Item{
	{Path: "requirements", Text: "The app must work.\n", Spec: true},
	{Path: "src/index.html", Text: `<html><link rel="stylesheet" href="./style.css"><script type="module" src="main.ts"></script></html>`},
	{Path: "src/main.ts", Text: "import { Store } from './store'\nimport { draw } from './ui/table.js'\nexport function main() {\n  draw(new Store())\n}\n"},
	{Path: "src/store.ts", Text: "import type { Pet } from '@/types'\nexport class Store {\n  pets: Pet[] = []\n}\n"},
	{Path: "src/types.ts", Text: "export interface Pet {\n  name: string\n}\n"},
	{Path: "src/ui/table.ts", Text: "export const draw = (s: unknown) => {\n  console.log(s)\n}\n"},
	{Path: "src/style.css", Text: "body {\n  margin: 0;\n}\n"},
	{Path: "src/other.ts", Text: "export function other() {\n  return " + strings.Repeat("1 + ", 500) + "1\n}\n"},
}

func forms(p llm.Pack) string {
	var s []string
	for _, i := range p.Items {
		s = append(s, i.Path+" "+string(i.Form))
	}
	return strings.Join(s, ", ") + " | " + strings.Join(p.LeftOut, " ")
}

func TestPack(t *testing.T) {
	items := llm.Weigh(tree, "Make main.ts faster")
	weights := map[string]int{}
	for _, i := range items {
		weights[i.Path] = i.Weight
	}
	if want := map[string]int{"requirements": 0, "src/index.html": 0, "src/main.ts": 80, "src/store.ts": 40, "src/ui/table.ts": 40, "src/types.ts": 20, "src/style.css": 0, "src/other.ts": 0}; !reflect.DeepEqual(weights, want) {
		t.Errorf("%v", weights)
	}
	for _, c := range []struct {
		limit int
		want  string
	}{
		{10_000, "requirements whole, src/main.ts whole, src/store.ts whole, src/ui/table.ts whole, src/types.ts whole, src/index.html whole, src/other.ts whole, src/style.css whole | "},
		{500, "requirements whole, src/main.ts whole, src/store.ts whole, src/ui/table.ts whole, src/types.ts whole, src/index.html whole, src/other.ts outline, src/style.css whole | "},
		{0, " | requirements src/index.html src/main.ts src/other.ts src/store.ts src/style.css src/types.ts src/ui/table.ts"},
		{-5, " | requirements src/index.html src/main.ts src/other.ts src/store.ts src/style.css src/types.ts src/ui/table.ts"},
	} {
		p := llm.PackItems(items, c.limit, "openai:gpt-6.1-sol")
		if forms(p) != c.want || p.Tokens > max(c.limit, 0) {
			t.Errorf("limit %d, %d tokens:\n got  %s\n want %s", c.limit, p.Tokens, forms(p), c.want)
		}
	}
	// What is too large for the whole window is cut at a line, and says so.
	long := []llm.Item{{Path: "spec", Spec: true, Text: strings.Repeat("A line of the specification.\n", 1000)}, {Path: "a.ts", Text: "export const a = () => 1\n"}}
	p := llm.PackItems(long, 300, "openai:gpt-6.1-sol")
	if len(p.Items) == 0 || p.Items[0].Form != llm.Cut || p.Tokens > 300 || !strings.Contains(p.Items[0].Text, "more lines are left out") {
		t.Errorf("%s %d", forms(p), p.Tokens)
	}
}

func TestPackNeverOverflowsAndIsDeterministic(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var items []llm.Item
		for i := range r.IntN(20) {
			items = append(items, llm.Item{Path: fmt.Sprintf("f%d.ts", i), Text: strings.Repeat("export function f() { return 12 } // 例\n", r.IntN(40)), Spec: r.IntN(6) == 0, Weight: r.IntN(3) * 40})
		}
		limit := r.IntN(4000)
		p := llm.PackItems(items, limit, "anthropic:x")
		if p.Tokens > limit || len(p.Items)+len(p.LeftOut) != len(items) {
			t.Fatalf("%d tokens of %d, %d and %d of %d items", p.Tokens, limit, len(p.Items), len(p.LeftOut), len(items))
		}
		r.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		if again := llm.PackItems(items, limit, "anthropic:x"); !reflect.DeepEqual(p, again) {
			t.Fatalf("%s\n%s", forms(p), forms(again))
		}
	}
}

func TestImports(t *testing.T) {
	have := map[string]bool{}
	for _, i := range tree {
		have[i.Path] = true
	}
	for _, i := range tree {
		want := map[string]string{"src/main.ts": "src/store.ts src/ui/table.ts", "src/store.ts": "src/types.ts", "src/index.html": "src/main.ts src/style.css"}[i.Path]
		if got := strings.Join(llm.Imports(i.Path, i.Text, func(p string) bool { return have[p] }), " "); got != want {
			t.Errorf("%s: %s, want %s", i.Path, got, want)
		}
	}
}

func TestOutline(t *testing.T) {
	for _, c := range [][3]string{
		{"a.ts", "import x from 'y'\nexport default function A() {\n  const inner = () => 1\n}\nconst b = async () => {\n}\nlet c = 1\ninterface D {\n", "export default function A()\nconst b = async () =>\ninterface D\n"},
		{"a.py", "x = 1\nclass A:\n    def f(self):\n        pass\n", "class A:\n    def f(self):\n"},
		{"a.go", "package a\nfunc F() {\n}\ntype T struct {\n", "func F()\ntype T struct\n"},
		{"a.css", ".a {\n  color: red;\n}\n@media print {\n", ".a\n@media print\n"},
		{"a.md", "# One\ntext\n## Two\n", "# One\n## Two\n"},
		{"a.bin", "x", ""},
	} {
		if got := llm.Outline(c[0], c[1]); got != c[2] {
			t.Errorf("%s: %q, want %q", c[0], got, c[2])
		}
	}
	if o := llm.Outline("a.ts", strings.Repeat("export const "+strings.Repeat("é", 200)+" = 1\n", 100)); strings.Count(o, "\n") != 61 || len(o) > 61*160 {
		t.Errorf("%d lines, %d bytes", strings.Count(o, "\n"), len(o))
	}
}

func TestEstimate(t *testing.T) {
	for _, c := range []struct {
		text     string
		min, max int // min is what tokenizers count for it
	}{
		{"", 0, 0},
		{"The quick brown fox jumps over the lazy dog.", 10, 18},
		{"人工智能正在改变世界", 6, 12},
		{"func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {", 17, 40},
		{strings.Repeat(" ", 160), 2, 12},
		{"1234567890", 4, 10},
		{"👩‍🚀🚀", 5, 16},
	} {
		if n := llm.EstimateText(c.text, "openai:gpt-6.1-sol"); n < c.min || n > c.max {
			t.Errorf("%q: %d, want %d to %d", c.text, n, c.min, c.max)
		}
	}
	req := ask("code")
	gpt, claude := llm.Estimate(req, "openai:gpt-6.1-sol"), llm.Estimate(req, "anthropic:claude-sonnet-5-5")
	if gpt <= 0 || claude < gpt*13/10 {
		t.Error(gpt, claude)
	}
	m, _ := catalog(t).Model("openai:gpt-6-astra")
	if m.Window(0) != 922_000 || m.Window(1000) != 922_000 {
		t.Error(m.Window(0))
	}
	if m, _ := catalog(t).Model("anthropic:claude-sonnet-5-5"); m.Window(0) != 872_000 || m.Window(32_768) != 1_000_000-32_768 {
		t.Error(m.Window(0), m.Window(32_768))
	}
}
