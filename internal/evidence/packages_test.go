package evidence

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/npm/registrytest"
	"codeforge/internal/verify"
)

// publish puts packages into the registry, with what they need.
func (b *bench) publish(t *testing.T, needs map[string][]string) {
	t.Helper()
	for name, of := range needs {
		var deps []string
		for _, dep := range of {
			deps = append(deps, fmt.Sprintf("%q:%q", dep, "1"))
		}
		b.registry.Publish(t, name, "1.0.0", registrytest.Version{Manifest: `{"dependencies":{` + strings.Join(deps, ",") + `}}`,
			Files: map[string]string{"index.js": "export default '" + name + "'\n", "index.d.ts": "export {}\n", "client.d.ts": "declare module '*.svg'\n"}})
	}
}

// fetched are the packages that were downloaded, sorted.
func (b *bench) fetched() (names []string) {
	for _, r := range b.registry.Requests() {
		if name, ok := strings.CutSuffix(r, "-1.0.0.tgz"); ok {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names
}

// resolved are the packages of a tree, of which none is fetched.
func (b *bench) resolved(t *testing.T, files map[string]string) *packages {
	t.Helper()
	all, err := b.resolver.resolve(t.Context(), "user", verify.Tree{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return newPackages(t.Context(), b.resolver.join(all), nil, b.limits)
}

// many is a package that needs n others, one after the other: name needs name-1, which needs name-2.
func many(needs map[string][]string, name string, n int) map[string][]string {
	at := name
	for i := range n {
		next := fmt.Sprintf("%s-%d", name, i+1)
		needs[at] = []string{next}
		at = next
	}
	needs[at] = nil
	return needs
}

// A tool that only scripts, settings and declarations name is not fetched for a preview with what it needs, however much that is.
func TestToolsAreNotFetched(t *testing.T) {
	b := newBench(t)
	b.publish(t, many(map[string][]string{"react": {"loose"}, "loose": nil}, "tool", 4))
	r := b.check(t, map[string]string{
		"package.json":          `{"dependencies":{"react":"1","tool":"1"},"scripts":{"start":"tool start"},"eslintConfig":{"extends":["tool"]}}`,
		"tsconfig.json":         `{"compilerOptions":{"types":["tool/client"],"jsxImportSource":"react"},"extends":"tool/tsconfig.json"}`,
		"tool.config.js":        "module.exports = require('tool')",
		"index.html":            page,
		"src/tool-env.d.ts":     `/// <reference types="tool" />`,
		"src/assets.d.svg.ts":   "import 'tool'",
		"src/declared.d.mts":    "import 'tool'",
		"src/main.ts":           "/// <reference types=\"tool/client\" />\nimport r from 'react'\nconsole.log(r)",
		"src/no-declaration.ts": "export const d = 1",
	})
	if !r.OK || len(r.Diagnostics) > 0 {
		t.Errorf("%q", lines(r))
	}
	// Whether an import of the settings leads anywhere is looked at, and they do not run.
	if got := b.fetched(); !slices.Equal(got, []string{"loose", "react", "tool"}) {
		t.Errorf("fetched %q", got)
	}
}

// What needs much is fetched alone until what it needs is asked for in turn, and keeps nothing else from being fetched.
func TestLargePackagesAreFetchedAsFarAsUsed(t *testing.T) {
	b := newBench(t)
	b.publish(t, many(many(map[string][]string{}, "large", 9), "small", 1))
	files := map[string]string{"package.json": `{"dependencies":{"large":"1","small":"1"}}`, "a.ts": "import 'large'\nimport 'small'"}
	b.limits.ahead = 4
	p := b.resolved(t, files)
	p.prefetch(p.mentioned(files))
	if got := b.fetched(); !slices.Equal(got, []string{"large", "small", "small-1"}) {
		t.Errorf("fetched %q", got)
	}
	for place, name := range map[string]string{"node_modules/large-7": "package.json", "node_modules/large-9": "index.js"} {
		if _, err := p.Read(place, name); err != nil {
			t.Error(err)
		}
	}
	if got := b.fetched(); !slices.Equal(got, []string{"large", "large-7", "large-9", "small", "small-1"}) {
		t.Errorf("fetched %q", got)
	}
}

// Beyond the bound is left out what is asked for last. What was had before stays, and the project is not to blame.
func TestPackagesBeyondTheBound(t *testing.T) {
	b := newBench(t)
	b.publish(t, many(map[string][]string{"small": nil}, "large", 9))
	files := map[string]string{"package.json": `{"dependencies":{"large":"1","small":"1"}}`, "a.ts": "import 'small'"}
	b.limits.packages, b.limits.ahead = 3, 3
	p := b.resolved(t, files)
	p.prefetch(p.mentioned(files))
	for place, had := range map[string]bool{"node_modules/small": true, "node_modules/large": true} {
		if _, err := p.Read(place, "index.js"); (err == nil) != had {
			t.Errorf("%s: %v", place, err)
		}
	}
	if _, err := p.Read("node_modules/large-1", "index.js"); err != nil {
		t.Error(err)
	}
	for range 2 {
		if _, err := p.Read("node_modules/large-2", "index.js"); err == nil || err.Error() != "more than 3 packages are needed" {
			t.Error(err)
		}
		if text, err := p.Read("node_modules/small", "index.js"); err != nil || !strings.Contains(string(text), "small") {
			t.Errorf("%s %v", text, err)
		}
	}
	found, lacks, none := p.findings(&resolution{})
	if len(found) > 0 || lacks != "more than 3 packages are needed" || none {
		t.Errorf("%v %q %v", found, lacks, none)
	}
}

// A program that imports more than the bound is built with what is within, and says what it lacks.
func TestProgramBeyondTheBound(t *testing.T) {
	b := newBench(t)
	b.limits.packages = 3
	b.publish(t, map[string][]string{"a": nil, "b": nil, "c": nil, "d": nil})
	r := b.check(t, map[string]string{
		"package.json": `{"dependencies":{"a":"1","b":"1","c":"1","d":"1"}}`,
		"index.html":   page,
		"src/main.ts":  "import 'a'\nimport 'b'\nimport 'c'\nimport 'd'",
	})
	if got := lines(r); !r.OK || len(got) != 1 || !strings.HasSuffix(got[0], `warning: The package "d" cannot be had: more than 3 packages are needed`) {
		t.Errorf("ok %v, %q", r.OK, got)
	}
	if bundle := rungOf(r.Evidence, codeforge.RungBundle); bundle.Status != codeforge.RungNotChecked || !strings.Contains(bundle.Reason, "more than 3 packages are needed") {
		t.Errorf("%+v", bundle)
	}
}
