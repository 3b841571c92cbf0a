package verify

import (
	"strings"
	"testing"
)

// TestImportsOfNothing: a program that calls what no module of it exports is dead, however the import is written; what may be meant so
// is no error.
func TestImportsOfNothing(t *testing.T) {
	page := `<!doctype html><html lang="en"><head><title>a</title></head><body><script type="module" src="a.tsx"></script></body></html>`
	for name, c := range map[string]struct {
		importer, file, text string
		want                 string // in an error; "": there is none
	}{
		"named, of a word":               {"import { migrate } from './m';\nmigrate();", "m.ts", "mine", `for import "migrate"`},
		"named, of an empty file":        {"import { migrate } from './m';\nmigrate();", "m.ts", "", `for import "migrate"`},
		"named, of what exports nothing": {"import { go } from './m.js';\ngo();", "m.js", "function go() {}", `for import "go"`},
		"default":                        {"import App from './m';\nexport default () => <App />;", "m.tsx", "function App() { return null; }", `for import "default"`},
		"one among types":                {"import { T, x } from './m';\nconst a: T = x(); console.log(a)", "m.ts", "export type T = number;", `for import "x"`},
		"member called":                  {"import * as m from './m';\nm.go();", "m.ts", "export const y = 1", `"go" will always be undefined`},
		"member of a member":             {"import * as m from './m';\nconsole.log(m.go.on);", "m.ts", "export const y = 1", `"go" will always be undefined`},
		"member made an object of":       {"import * as m from './m';\nconsole.log(new m.Go);", "m.ts", "", `"Go" will always be undefined`},
		"member rendered":                {"import * as m from './m';\nexport default () => <m.Go />;", "m.ts", "", `"Go" will always be undefined`},
		"namespace called":               {"import * as m from './m';\nm();", "m.ts", "export default () => 1", `Calling "m" will crash`},

		"type":                   {"import { T } from './m';\nconst a: T = 1; console.log(a)", "m.ts", "export type T = number", ""},
		"type of a global":       {"import { T } from './m';\nconst a: T = 1; console.log(a)", "m.ts", "interface T {}", ""},
		"type, exported again":   {"import { T } from './m';\nexport { T };\nexport { T as U } from './m';", "m.ts", "export interface T {}", ""},
		"for its effects":        {"import './m';", "m.ts", "document.title = 'x'", ""},
		"CommonJS":               {"import { x } from './m.js';\nimport all from './m.js';\nx(); all.x()", "m.js", "exports.x = () => 1", ""},
		"CommonJS, whole":        {"import * as m from './m.js';\nm();", "m.js", "module.exports = () => 1", ""},
		"a program of two homes": {"import x from './m.js';\nx()", "m.js", "(function (root, make) { if (typeof define === 'function') define(make); else root.x = make() })(this, function () {})", ""},
		"of a package":           {"import * as express from 'express';\nexpress();", "m.ts", "", ""},
		"member that is asked":   {"import * as m from './m';\nif (m.go) m.go();\nm.on?.(); console.log('x' in m, m.z ?? 1)", "m.ts", "export const y = 1", ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := check1(t, files{"index.html": page, "a.tsx": c.importer, c.file: c.text})
			found := strings.Join(lines(r), "\n")
			if r.OK != (c.want == "") || !strings.Contains(found, c.want) || strings.Count(found, "error:") > 1 {
				t.Errorf("ok %v\n%s", r.OK, found)
			}
			if c.want != "" && strings.Contains(found, "warning: Calling") {
				t.Errorf("told twice\n%s", found)
			}
		})
	}
}
