package verify

import (
	"strings"
	"testing"
)

// A place in what is served leads to the line of the project's file, in a page too, and behind what is put in front.
func TestSourceMaps(t *testing.T) {
	tree := Tree{Files: files{"index.html": "<!doctype html>\n<body>\n<script type=\"module\">\nimport './src/a b';\nthrow new Error('in page');\n</script>",
		"src/a b.ts": "import { f } from './f';\nconst name = './x';\nimport(name);\n\ninterface X { a: number }\n\nthrow new Error('in file' + f);", "src/f.ts": "\nexport const f: string = String('of f');"}}
	site, r := Bundle(t.Context(), tree)
	if site == nil || !r.OK {
		t.Fatal(lines(r))
	}
	for text, want := range map[string]struct {
		file         string
		line, column int
	}{`new Error("in page")`: {"index.html", 5, 7}, `new Error("in file"`: {"src/a b.ts", 7, 7}, `String("of f")`: {"src/f.ts", 2, 26}} {
		found := false
		for p, a := range site.assets {
			before, _, ok := strings.Cut(a.Body, text)
			if !ok || !strings.HasPrefix(p, bundleDir) || !strings.HasSuffix(p, ".js") {
				continue
			}
			found = true
			column := len(before) - strings.LastIndexByte(before, '\n')
			if file, line, column, ok := site.Position(p, 1+strings.Count(before, "\n"), column); !ok || file != want.file || line != want.line || column != want.column {
				t.Errorf("%s leads to %s:%d:%d, not %+v", text, file, line, column, want)
			}
		}
		if !found {
			t.Errorf("%s is nowhere", text)
		}
	}
	tree.Files["big.ts"] = "export default [" + strings.Repeat("'x',\n", 19_000) + "]"
	tree.Files["src/f.ts"] += "\nimport big from '../big'; console.log(big)"
	if site, r := Bundle(t.Context(), tree); site == nil || !r.OK {
		t.Error(lines(r))
	}
}
