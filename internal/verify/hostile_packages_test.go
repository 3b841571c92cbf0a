package verify

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"codeforge/internal/sandbox"
	"codeforge/internal/verify/hostile"
)

// Nothing but the tree and its packages is read, whatever a package names.
func TestPackagesReadNoDisk(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	const secret = "S3CRET"
	for name, content := range map[string]string{"here.js": "module.exports = '" + secret + "'", "node_modules/p/other.js": "module.exports = '" + secret + "'", "node_modules/p/index.js.map": secret, "sub/one.js": "'" + secret + "'", "x.css": "." + secret + "{}"} {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	abs, up := filepath.ToSlash(dir), strings.Repeat("../", 40)
	for name, p := range map[string]folder{
		"paths":       {"package.json": `{"main":"` + abs + `/here.js"}`, "index.js": "require('" + abs + "/here.js'); require('" + up + abs[1:] + "/here.js'); require('./other'); require('/here.js')"},
		"exports":     {"package.json": `{"exports":{".":"../../here.js","./x":"./` + up + abs[1:] + `/here.js"},"imports":{"#y":"` + abs + `/here.js"}}`, "index.js": "import '#y'"},
		"browser":     {"package.json": `{"browser":{"./index.js":"../../here.js","z":"` + abs + `/here.js"}}`, "index.js": "require('z')"},
		"globs":       {"package.json": `{}`, "index.js": "const x = 'a'; require(`./sub/${x}.js`); import('" + abs + "/sub/' + x + '.js'); r\\u0065quire('./sub/' + x); require/**/(`./${x}`); require\u2028(`./sub/${x}.js`)"},
		"source maps": {"package.json": `{"style":"a.css"}`, "index.js": "import './a.css'; //# sourceMappingURL=file://" + abs + "/node_modules/p/index.js.map", "a.css": "@import '" + abs + "/x.css'; @import 'file://" + abs + "/x.css'; p { background: url('" + abs + "/x.css') } /*# sourceMappingURL=" + abs + "/node_modules/p/index.js.map */"},
		"urls":        {"package.json": `{}`, "index.js": "export default [new URL('../../here.js', import.meta.url), new URL('" + abs + "/here.js', import.meta.url)]"},
	} {
		t.Run(name, func(t *testing.T) {
			shelf := folder{}
			for file, text := range p {
				shelf["node_modules/p/"+file] = text
			}
			tree := Tree{Files: files{"package.json": `{"dependencies":{"p":"1"}}`, "index.html": "<script type=module src=a.ts></script>",
				"a.ts": "import * as p from 'p'; import 'p/x'; console.log(p)", "b.ts": "import p from 'p'; import 'p/a.css'; console.log(p)"}, Packages: shelf}
			delete(tree.Files, map[bool]string{true: "b.ts", false: "-"}[name == "exports"])
			for _, script := range []string{"import * as p from 'p'; console.log(p)", "import 'p/x'", "import 'p/a.css'", "import w from './w?worker'; w()"} {
				tree.Files["a.ts"], tree.Files["w.ts"] = script, "import p from 'p'; console.log(p)"
				site, r := Bundle(t.Context(), tree)
				said := strings.Join(lines(r), "\n")
				if site != nil {
					said += built(site)
				}
				if strings.Contains(said, secret) || strings.Contains(said, "one.js") {
					t.Errorf("%s: something of the disk came through: %s", script, said)
				}
			}
		})
	}
}

// Packages that are made to harm whoever looks at them end as findings, or as something that is built; the next tree is looked at
// as ever.
func TestHostilePackages(t *testing.T) {
	v := newVerifier(t, sandbox.Options{Memory: 256 << 20})
	for name, shelf := range hostile.Packages() {
		if name == "files that lead everywhere" && !soak {
			continue // until the deadline
		}
		tree := Tree{Files: files{"package.json": `{"dependencies":{"p":"1"}}`, "index.html": "<script type=module src=a.ts></script>", "a.ts": "import * as p from 'p'; import * as q from 'p/q'; console.log(p, q)"},
			Lock: []byte(name), Packages: folder(shelf)}
		site, r, err := v.Bundle(t.Context(), "u", tree)
		if err != nil || site == nil && len(r.Diagnostics) == 0 {
			t.Errorf("%s: %v %v", name, err, lines(r))
		}
		sane(t, tree.Files, Report{OK: r.OK, Diagnostics: r.Diagnostics})
		if site, r, err := v.Bundle(t.Context(), "u", withShelf("import { a } from 'esm'; console.log(a)")); err != nil || site == nil || !r.OK {
			t.Errorf("after %s: %v %v", name, err, lines(r))
		}
	}
}

// What resolution in packages costs grows with what is imported, however a package lists its entries.
func TestPackageResolutionIsLinear(t *testing.T) {
	count := func(n int) int64 {
		var entries strings.Builder
		shelf := &countedFolder{folder: folder{"node_modules/p/x/0.js": ""}}
		for i := range n {
			fmt.Fprintf(&entries, `"./e%d": "./x/%d.js", "./s%d/*": "./x/*.js",`, i, i, i)
			shelf.folder[fmt.Sprintf("node_modules/p/x/%d.js", i)] = "export const a = 1"
		}
		shelf.folder["node_modules/p/package.json"] = `{"exports":{` + strings.TrimSuffix(entries.String(), ",") + `}}`
		var script strings.Builder
		for i := range n {
			fmt.Fprintf(&script, "import 'p/e%d'; import 'p/s%d/0';\n", i, i)
		}
		r := Check(t.Context(), Tree{Files: files{"package.json": `{"dependencies":{"p":"1"}}`, "a.ts": script.String()}, Packages: shelf})
		if !r.OK {
			t.Fatal(lines(r))
		}
		return shelf.asked.Load()
	}
	if few, many := count(20), count(200); many > 12*few {
		t.Errorf("%d questions for 20 imports, %d for 200", few, many)
	}
}

// countedFolder counts what is asked of it.
type countedFolder struct {
	folder
	asked atomic.Int64 // a build asks from many goroutines
}

func (f *countedFolder) Find(from, name string) (string, bool) {
	f.asked.Add(1)
	return f.folder.Find(from, name)
}

func (f *countedFolder) List(place string) ([]string, error) {
	f.asked.Add(1)
	return f.folder.List(place)
}

func (f *countedFolder) Read(place, name string) ([]byte, error) {
	f.asked.Add(1)
	return f.folder.Read(place, name)
}
