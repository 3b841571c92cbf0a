package agent

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/agent/form"
)

func treeFrom(pairs ...string) *tree {
	var files []codeforge.File
	for i := 0; i < len(pairs); i += 2 {
		files = append(files, codeforge.File{Path: pairs[i], Content: pairs[i+1]})
	}
	return newTree(files)
}

func TestSearch(t *testing.T) {
	tr := treeFrom("LICENSE", "Save it.\n", "README.md", "How to save: Save.\n", "src/app/[id]/page.tsx", "export default () => save(1)\n", "src/store.ts", "// one\nexport function save(x: number) {\n  return x\n}\n\nsave(2)\n",
		"src/store.test.ts", "save(3)\r\nsave(4)\r\n", "styles/main.css", ".save { color: red }\n", "naïve.txt", "cafe\u0301 (a|b)\n")
	for _, c := range []struct {
		name string
		args form.SearchArgs
		want string
	}{
		{"code first", form.SearchArgs{Pattern: "save("}, "src/app/[id]/page.tsx:1: export default () => save(1)\nsrc/store.ts:2: export function save(x: number) {\nsrc/store.ts:6: save(2)\nsrc/store.test.ts:1: save(3)\nsrc/store.test.ts:2: save(4)\n"},
		{"case", form.SearchArgs{Pattern: "SAVE IT", IgnoreCase: true}, "LICENSE:1: Save it.\n"},
		{"an expression", form.SearchArgs{Pattern: `save\(\d\)$`, Regex: true, Path: "src/*.ts"}, "src/store.ts:6: save(2)\nsrc/store.test.ts:1: save(3)\nsrc/store.test.ts:2: save(4)\n"},
		{"an expression without case", form.SearchArgs{Pattern: `^SAVE\(2`, Regex: true, IgnoreCase: true}, "src/store.ts:6: save(2)\n"},
		{"around", form.SearchArgs{Pattern: "save(", Path: "src/store.ts", Context: 1}, "src/store.ts-1- // one\nsrc/store.ts:2: export function save(x: number) {\nsrc/store.ts-3-   return x\n--\nsrc/store.ts-5- \nsrc/store.ts:6: save(2)\n"},
		{"paths", form.SearchArgs{Pattern: "save", Mode: "files", Path: "src"}, "src/app/[id]/page.tsx\nsrc/store.ts\nsrc/store.test.ts\n"},
		{"totals", form.SearchArgs{Pattern: "save", Mode: "count", Path: "**/*.{ts,css}"}, "5 lines in 3 files:\nsrc/store.ts: 2\nstyles/main.css: 1\nsrc/store.test.ts: 2\n"},
		{"a folder that looks like a glob", form.SearchArgs{Pattern: "save", Mode: "files", Path: "src/app/[id]"}, "src/app/[id]/page.tsx\n"},
		{"a glob about names", form.SearchArgs{Pattern: "save", Mode: "files", Path: "*.css, README.*"}, "styles/main.css\nREADME.md\n"},
		{"as models write paths", form.SearchArgs{Pattern: "save(2", Path: "/src/"}, "src/store.ts:6: save(2)\n"},
		{"the file", form.SearchArgs{Pattern: "save(2", Path: "./src/store.ts"}, "src/store.ts:6: save(2)\n"},
		{"everything", form.SearchArgs{Pattern: "Save it", Path: "."}, "LICENSE:1: Save it.\n"},
		{"Unicode forms", form.SearchArgs{Pattern: "caf\u00e9"}, "naïve.txt:1: cafe\u0301 (a|b)\n"},
		{"signs are plain text", form.SearchArgs{Pattern: "(a|b)"}, "naïve.txt:1: cafe\u0301 (a|b)\n"},
		{"nothing", form.SearchArgs{Pattern: "nix", IgnoreCase: true}, "nothing found in 7 files"},
		{"nothing, for its case", form.SearchArgs{Pattern: "NIX"}, "nothing found in 7 files; case counts unless ignore_case is true"},
		{"nothing, for it is no expression", form.SearchArgs{Pattern: `save\(\d`}, "nothing found in 7 files; pattern was taken as plain text, regex: true reads it as an expression"},
	} {
		if got, err := tr.search(t.Context(), c.args); err != nil || got != c.want {
			t.Errorf("%s: %v\n%s", c.name, err, got)
		}
	}
	for _, c := range []struct {
		args form.SearchArgs
		says string
	}{
		{form.SearchArgs{Pattern: "a(", Regex: true}, "no expression of RE2: missing closing )"},
		{form.SearchArgs{Pattern: `(?!a)b`, Regex: true}, "there is no lookaround"},
		{form.SearchArgs{Pattern: strings.Repeat("(a{1,500}){1,500}", 9), Regex: true}, "no expression of RE2"},
		{form.SearchArgs{Pattern: "a\nb"}, "single lines"},
		{form.SearchArgs{Pattern: "save", Path: "src/stor.ts"}, "did you mean src/store.ts"},
		{form.SearchArgs{Pattern: "save", Path: "lib"}, "list_files shows"},
	} {
		if got, err := tr.search(t.Context(), c.args); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v %s", c.args, err, got)
		}
	}
}

// What is too much for one answer is some lines of each file, and how many there are in all of them.
func TestSearchIsBounded(t *testing.T) {
	var pairs []string
	for i := range 30 {
		pairs = append(pairs, fmt.Sprintf("docs/%02d.md", i), strings.Repeat("needle\n", 40))
	}
	tr := treeFrom(append(pairs, "z.ts", "needle\n", "a.ts", "needle"+strings.Repeat("é", 2_000))...)
	got, err := tr.search(t.Context(), form.SearchArgs{Pattern: "needle"})
	lines, table, _ := strings.Cut(got, "... ")
	if err != nil || strings.Count(lines, "\n") > searchHits || !strings.HasPrefix(got, "a.ts:1: needle") || !strings.Contains(lines, "z.ts:1: needle\n") || !strings.Contains(lines, "docs/29.md:1: ") {
		t.Errorf("%v: %.300s", err, got)
	}
	if !strings.HasPrefix(table, "92 of 1202 lines are shown. In all, by file:\na.ts: 1\nz.ts: 1\ndocs/00.md: 40\n") {
		t.Errorf("%s", table)
	}
	if n := utf8.RuneCountInString(lines); n > searchBytes || !utf8.ValidString(got) {
		t.Errorf("%d characters", n)
	}
	pairs = pairs[:0]
	for i := range 1_000 {
		pairs = append(pairs, fmt.Sprintf("f%04d", i), "needle\n")
	}
	for _, mode := range []string{"lines", "files", "count"} {
		if got, err := treeFrom(pairs...).search(t.Context(), form.SearchArgs{Pattern: "needle", Mode: mode}); err != nil || len(got) > 2*searchBytes || !strings.HasSuffix(got, "and 800 files more\n") {
			t.Errorf("%s: %v, %d bytes", mode, err, len(got))
		}
	}
}

func TestListFiles(t *testing.T) {
	tr := treeFrom("a.txt", "one", "src/b.ts", "", "src/lib/c.ts", "", "src/lib/deep/d.ts", "", "src/lib/deep/e.ts", "")
	for _, c := range []struct {
		args form.ListArgs
		want string
	}{
		{form.ListArgs{}, "a.txt (3 bytes)\nsrc/b.ts (0 bytes)\nsrc/lib/c.ts (0 bytes)\nsrc/lib/deep/d.ts (0 bytes)\nsrc/lib/deep/e.ts (0 bytes)\n"},
		{form.ListArgs{Depth: 1}, "a.txt (3 bytes)\nsrc/ (4 files)\n"},
		{form.ListArgs{Path: "src", Depth: 1}, "src/b.ts (0 bytes)\nsrc/lib/ (3 files)\n"},
		{form.ListArgs{Path: "./src/lib/"}, "src/lib/c.ts (0 bytes)\nsrc/lib/deep/d.ts (0 bytes)\nsrc/lib/deep/e.ts (0 bytes)\n"},
		{form.ListArgs{Path: "**/d.*"}, "src/lib/deep/d.ts (0 bytes)\n"},
		{form.ListArgs{Path: "/src/b.ts"}, "src/b.ts (0 bytes)\n"},
	} {
		if got, err := tr.list(c.args); err != nil || got != c.want {
			t.Errorf("%+v: %v\n%s", c.args, err, got)
		}
	}
	if _, err := tr.list(form.ListArgs{Path: "lib"}); err == nil {
		t.Error("there is no such folder")
	}
	var many []string
	for i := range 2_000 {
		many = append(many, fmt.Sprintf("%d/%d/f", i%20, i%1_000))
		many = append(many, "")
	}
	if got, err := treeFrom(many...).list(form.ListArgs{}); err != nil || !strings.HasPrefix(got, "1000 files; name a folder or a depth") || strings.Count(got, "\n") != 21 {
		t.Errorf("%v %.300s", err, got)
	}
}

func TestReadLines(t *testing.T) {
	tr := treeFrom("f", "\ufeffone\r\ntwo\r\nthree", "long", strings.Repeat(strings.Repeat("x", 99)+"\n", 1_000), "empty", "", "line", strings.Repeat("y", 90_000))
	for _, c := range []struct {
		args form.ReadArgs
		want string
	}{
		{form.ReadArgs{Path: "f"}, "1: one\n2: two\n3: three\n(the last line has no line end)\n"},
		{form.ReadArgs{Path: "f", From: 2, To: 2}, "2: two\n(lines 2 to 2 of 3; from and to read others)"},
		{form.ReadArgs{Path: "f", From: 3, To: 99}, "3: three\n(the last line has no line end)\n(lines 3 to 3 of 3; from and to read others)"},
		{form.ReadArgs{Path: "empty"}, "(the file is empty)"},
	} {
		if got, err := tr.readLines(c.args); err != nil || got != c.want {
			t.Errorf("%+v: %v\n%q", c.args, err, got)
		}
	}
	for _, a := range []form.ReadArgs{{Path: "f", From: 4}, {Path: "f", From: 3, To: 2}, {Path: "g"}} {
		if got, err := tr.readLines(a); err == nil {
			t.Errorf("%+v: %s", a, got)
		}
	}
	got, err := tr.readLines(form.ReadArgs{Path: "long"})
	if err != nil || len(got) > readBytes+10_000 || !strings.HasSuffix(got, "(lines 1 to 600 of 1000; from and to read others)") {
		t.Errorf("%v: %d bytes", err, len(got))
	}
	if got, err := tr.readLines(form.ReadArgs{Path: "line"}); err != nil || !strings.Contains(got, strings.Repeat("y", 90_000)) {
		t.Errorf("%v: one long line: %d bytes", err, len(got))
	}
}

// A path that leads nowhere brings those that may be meant.
func TestDidYouMean(t *testing.T) {
	tr := treeFrom("src/components/Button.tsx", "", "src/components/Card.tsx", "", "src/pages/index.tsx", "", "lib/Button.tsx", "", "src/utils/format-date.ts", "", "caf\u00e9.txt", "x")
	for p, want := range map[string]string{"src/components/button.tsx": "src/components/Button.tsx", "components/Button.tsx": "src/components/Button.tsx, lib/Button.tsx", "src/components/Card.jsx": "src/components/Card.tsx",
		"src/utils/formatdate.ts": "src/utils/format-date.ts", "src/utils/format-dates.ts": "src/utils/format-date.ts", "/workspace/src/components/Card.tsx": "src/components/Card.tsx"} {
		if _, err := tr.read(tr.resolvePath(p)); err == nil || !strings.HasSuffix(err.Error(), "did you mean "+want+"?") {
			t.Errorf("%s: %v", p, err)
		}
	}
	for _, p := range []string{"x.go", "src/pages/about.tsx", "index.html"} {
		if _, err := tr.read(p); err == nil || strings.Contains(err.Error(), "did you mean") {
			t.Errorf("%s: %v", p, err)
		}
	}
	if text, err := tr.read(tr.resolvePath("cafe\u0301.txt")); err != nil || text != "x" {
		t.Errorf("%q, %v", text, err)
	}
}

// No pattern and no glob of a model breaks a search or its bounds.
func FuzzSearch(f *testing.F) {
	f.Add(`(a*)*b`, "src/**", true, true)
	f.Add(`\pL+\x{10FFFF}`, "{a,b}/*.?", true, false)
	f.Add("a|b", "{{{,}}", false, true)
	f.Add("(?i)x{1000}", "[id]/é*", true, true)
	tr := treeFrom("src/a.ts", strings.Repeat("a", 20_000)+"\nb\n", "é.md", "e\u0301 “x”\n")
	f.Fuzz(func(t *testing.T, pattern, path string, regex, fold bool) {
		for _, mode := range []string{"", "files", "count"} {
			got, err := tr.search(t.Context(), form.SearchArgs{Pattern: pattern, Path: path, Regex: regex, IgnoreCase: fold, Context: 2, Mode: mode})
			if err == nil && len(got) > 3*searchBytes {
				t.Errorf("%d bytes", len(got))
			}
		}
	})
}

// Of a long line, what is shown holds what was found.
func TestSearchInLongLines(t *testing.T) {
	for _, before := range []string{strings.Repeat("x", 90), strings.Repeat("x", 5_000), strings.Repeat("é", 5_000)} {
		tr := treeFrom("min.js", before+"needle"+strings.Repeat("y", 5_000))
		for _, a := range []form.SearchArgs{{Pattern: "needle"}, {Pattern: "n[e]+dle", Regex: true}, {Pattern: "NEEDLE", IgnoreCase: true}} {
			if says, err := tr.search(t.Context(), a); err != nil || !strings.Contains(says, "needle") || !utf8.ValidString(says) || len(says) > 4*lineShown {
				t.Errorf("%+v: %s %v", a, says, err)
			}
		}
	}
}
