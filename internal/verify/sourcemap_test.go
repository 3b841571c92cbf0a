package verify

import (
	"encoding/json"
	"strings"
	"testing"
)

// mapped is the source and line, from 1, of the first thing in a built line, from 0, by a map.
func mapped(m sourceMap, line int) (string, int) {
	const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	source, at := 0, 0
	for n, text := range strings.Split(m.Mappings, ";") {
		for i, segment := range strings.Split(text, ",") {
			var v []int
			for value, shift := 0, 0; segment != ""; segment = segment[1:] {
				d := strings.IndexByte(digits, segment[0])
				if value |= d & 31 << shift; d&32 != 0 {
					shift += 5
					continue
				}
				if value&1 != 0 {
					value = -value
				}
				v = append(v, value/2)
				value, shift = 0, 0
			}
			if len(v) >= 4 {
				source, at = source+v[1], at+v[2]
				if n == line && i == 0 {
					return m.Sources[source], at + 1
				}
			}
		}
	}
	return "", 0
}

// A place in what is served leads to the line of the project's file, in a page too, and behind what is put in front.
func TestSourceMaps(t *testing.T) {
	tree := Tree{Files: files{"index.html": "<!doctype html>\n<body>\n<script type=\"module\">\nimport './src/a b';\nthrow new Error('in page');\n</script>",
		"src/a b.ts": "import { f } from './f';\nconst name = './x';\nimport(name);\n\ninterface X { a: number }\n\nthrow new Error('in file' + f);", "src/f.ts": "\nexport const f: string = String('of f');"}}
	site, r := Bundle(t.Context(), tree)
	if site == nil || !r.OK {
		t.Fatal(lines(r))
	}
	for text, want := range map[string]struct {
		source string
		line   int
	}{`Error("in page")`: {"/index.html", 5}, `Error("in file"`: {"/src/a%20b.ts", 7}, `String("of f")`: {"/src/f.ts", 2}} {
		found := false
		for p, a := range site.assets {
			before, _, ok := strings.Cut(a.Body, text)
			if !ok || !strings.HasPrefix(p, bundleDir) || !strings.HasSuffix(p, ".js") {
				continue
			}
			_, name, _ := strings.Cut(a.Body, "\n//# sourceMappingURL=/")
			beside, ok := site.Find(unescape(strings.TrimSpace(name)))
			var m sourceMap
			if !ok || json.Unmarshal([]byte(beside.Body), &m) != nil {
				t.Fatalf("%s has no map at %q", p, name)
			}
			found = true
			if source, line := mapped(m, strings.Count(before, "\n")); source != want.source || line != want.line {
				t.Errorf("%s leads to %s:%d, not %s:%d", text, source, line, want.source, want.line)
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
