package evidence

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeforge"
	"codeforge/internal/npm"
	"codeforge/internal/npm/registrytest"
	"codeforge/internal/sandbox"
	"codeforge/internal/verify"
)

func TestMain(m *testing.M) {
	verify.RunChild()
	os.Exit(m.Run())
}

// bench is a ladder over a registry of its own.
type bench struct {
	*Ladder
	registry *registrytest.Registry
}

func newBench(t *testing.T) *bench {
	r := registrytest.New(t)
	opts := npm.Options{Dir: filepath.Join(t.TempDir(), "npm"), Registry: npm.Registry{URL: r.URL}}
	l := New(Options{Verifier: verify.NewVerifier(sandbox.Options{}), Packages: func(context.Context) (*npm.Client, error) { return npm.Open(opts) }})
	t.Cleanup(l.Close)
	return &bench{l, r}
}

func (b *bench) check(t *testing.T, files map[string]string) verify.Report {
	t.Helper()
	r, err := b.Check(t.Context(), "user", verify.Tree{Files: files})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// lines are the findings of a report, a line each.
func lines(r verify.Report) (out []string) {
	for _, d := range r.Diagnostics {
		out = append(out, fmt.Sprintf("%s:%d:%d %s: %s", d.File, d.Line, d.Column, d.Severity, d.Message))
	}
	return out
}

// What is wrong with packages stands in the manifest, at the line that asks for them.
func TestPackagesThatCannotBeHad(t *testing.T) {
	b := newBench(t)
	for _, name := range []string{"react", "zustand"} {
		b.registry.Publish(t, name, "1.2.0", registrytest.Version{Files: map[string]string{"index.js": "export {}"}})
	}
	b.registry.Publish(t, "needs-more", "1.0.0", registrytest.Version{Manifest: `{"dependencies":{"not-there":"1"}}`})
	manifest := func(deps string) map[string]string {
		return map[string]string{"package.json": "{\n  \"name\": \"x\",\n  \"dependencies\": {\n" + deps + "\n  }\n}\n", "src/a.ts": "export const a = 1"}
	}
	for name, c := range map[string]struct {
		files map[string]string
		want  []string
	}{
		"fine":         {manifest(`    "react": "^1.0.0"`), nil},
		"misspelt":     {manifest("    \"react\": \"^1.0.0\",\n    \"zustnd\": \"^1.0.0\""), []string{`package.json:5:5 error: there is no package zustnd; zustand was likely meant`}},
		"no version":   {manifest(`    "react": "^7.0.0"`), []string{`package.json:4:5 error: react has no version for ^7.0.0; its latest is 1.2.0`}},
		"of another":   {manifest(`    "needs-more": "^1.0.0"`), []string{`package.json:4:5 error: there is no package not-there`}},
		"git":          {manifest(`    "mine": "github:me/mine"`), []string{`package.json:4:5 warning: mine is asked for as`}},
		"of workspace": {map[string]string{"package.json": `{"workspaces":["parts/*"]}`, "parts/ui/package.json": "{\"name\":\"ui\",\"dependencies\":{\n\"reactt\": \"1\"}}"}, []string{`parts/ui/package.json:2:1 error: there is no package reactt; react was likely meant`}},
		"below":        {map[string]string{"web/package.json": `{"dependencies":{"reactt":"1"}}`, "web/a.ts": ""}, []string{`web/package.json:1:18 error: there is no package reactt; react was likely meant`}},
		"a bad lock":   {map[string]string{"package.json": `{"dependencies":{"react":"1"}}`, "package-lock.json": "{}x"}, []string{`package-lock.json:0:0 error: is no lock`}},
	} {
		t.Run(name, func(t *testing.T) {
			r := b.check(t, c.files)
			got := slices.DeleteFunc(lines(r), func(l string) bool { return !strings.Contains(l, "package") })
			if len(got) < len(c.want) || len(c.want) == 0 && len(got) > 0 {
				t.Fatalf("%q", got)
			}
			for _, want := range c.want {
				if !slices.ContainsFunc(got, func(l string) bool { return strings.HasPrefix(l, want) }) {
					t.Errorf("%q lacks %s", got, want)
				}
			}
			if failed := slices.ContainsFunc(c.want, func(l string) bool { return strings.Contains(l, " error: ") }); r.OK == failed {
				t.Errorf("ok %v", r.OK)
			}
		})
	}
}

// A registry that does not answer is no fault of the project, and is asked again later.
func TestRegistryAway(t *testing.T) {
	b := newBench(t)
	b.registry.Handle("react", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadRequest) })
	files := map[string]string{"package.json": `{"dependencies":{"react":"^1.0.0"}}`, "a.ts": "import 'react'"}
	if r := b.check(t, files); !r.OK {
		t.Errorf("%q", lines(r))
	}
}

// One user's resolving keeps no other one from theirs; of one user it is done one after the other, and not without end.
func TestResolvingTakesTurns(t *testing.T) {
	b := newBench(t)
	b.registry.Publish(t, "fast", "1.0.0", registrytest.Version{})
	asked, release := make(chan struct{}, 100), make(chan struct{})
	b.registry.Handle("slow", func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-release
		http.Error(w, "no", http.StatusNotFound)
	})
	tree := func(deps string) verify.Tree {
		return verify.Tree{Files: map[string]string{"package.json": `{"dependencies":{` + deps + `}}`}}
	}
	ended := make(chan error, 100)
	check := func(ctx context.Context, user string, i int) {
		_, err := b.Check(ctx, user, tree(fmt.Sprintf(`"slow":"%d"`, i)))
		ended <- err
	}
	waiting, leave := context.WithCancel(t.Context())
	for i := range mostWaiting + 2 {
		go check(waiting, "one", i)
	}
	if err := <-ended; !codeforge.IsKind(err, codeforge.Unavailable) { // the one too many
		t.Errorf("%v", err)
	}
	<-asked
	if r, err := b.Check(t.Context(), "other", tree(`"fast":"1"`)); err != nil || !r.OK {
		t.Errorf("%v %q", err, lines(r))
	}
	leave()
	for range mostWaiting + 1 {
		<-ended
	}
	if len(asked) > 0 {
		t.Errorf("%d more asked at once", len(asked))
	}
	close(release)
	if r, err := b.Check(t.Context(), "one", tree(`"fast":"1"`)); err != nil || !r.OK {
		t.Errorf("%v %q", err, lines(r))
	}
}

// What a tree names of its packages is fetched before anybody asks, other packages when they are asked for, the rest never.
func TestPackagesAreFetchedAsNeeded(t *testing.T) {
	b := newBench(t)
	publish := func(name, deps string) {
		b.registry.Publish(t, name, "1.0.0", registrytest.Version{Manifest: `{"dependencies":{` + deps + `}}`, Files: map[string]string{"index.js": "export default '" + name + "'", "lib/a.js": ""}})
	}
	publish("react", `"scheduler":"1"`)
	publish("scheduler", ``)
	publish("@acme/parts", ``)
	publish("late", ``)
	publish("never", ``)
	publish("express", ``)
	tree := verify.Tree{Files: map[string]string{
		"web/package.json":    `{"name":"web","dependencies":{"react":"1","@acme/parts":"1","late":"1","never":"1"}}`,
		"web/src/a.ts":        "import r from 'react'\nimport { b } from \"@acme/parts/b\"\nimport './never'\n// don't stop here\nconst s = 'no package'",
		"server/package.json": `{"name":"server","dependencies":{"express":"1"}}`,
	}}
	fetched := func() (names []string) {
		for _, r := range b.registry.Requests() {
			if name, ok := strings.CutSuffix(r, "-1.0.0.tgz"); ok {
				names = append(names, path.Base(name))
			}
		}
		slices.Sort(names)
		return names
	}
	look := func(see func(p verify.Packages)) (r verify.Report) {
		t.Helper()
		seen, err := b.look(t.Context(), "user", tree, func(t verify.Tree) (*verify.Site, verify.Report, error) {
			see(t.Packages)
			return nil, verify.Report{OK: true}, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return seen.report
	}
	r := look(func(p verify.Packages) {
		if got := fetched(); !slices.Equal(got, []string{"parts", "react", "scheduler"}) {
			t.Errorf("fetched %q", got)
		}
		for _, c := range [][3]string{{"web/src", "react", "web/node_modules/react"}, {"web/node_modules/react", "scheduler", "web/node_modules/scheduler"}, {"server", "express", "server/node_modules/express"}, {"server", "react", ""}, {"", "react", ""}} {
			if place, ok := p.Find(c[0], c[1]); place != c[2] || ok != (c[2] != "") {
				t.Errorf("%s in %s is %q", c[1], c[0], place)
			}
		}
		if text, err := p.Read("web/node_modules/late", "index.js"); err != nil || string(text) != "export default 'late'" {
			t.Errorf("%s %v", text, err)
		}
		if list, err := p.List("web/node_modules/react"); err != nil || !slices.Equal(list, []string{"index.js", "lib/a.js", "package.json"}) {
			t.Errorf("%q %v", list, err)
		}
		for _, place := range []string{"web", "web/node_modules/other", "", "../x", "/etc"} {
			if _, err := p.Read(place, "passwd"); err == nil {
				t.Errorf("%q can be read", place)
			}
		}
		if p.Version("server/node_modules/express") != "1.0.0" || p.Version("x") != "" || p.Why("", "reactt") != "react was likely meant" {
			t.Error(p.Version("server/node_modules/express"), p.Why("", "reactt"))
		}
	})
	if got := fetched(); !slices.Equal(got, []string{"late", "parts", "react", "scheduler"}) {
		t.Errorf("fetched %q", got)
	}
	// The lock that came of it is followed from then on: what came out since is not chosen, and nothing is asked for again.
	locks := SplitLock(maps.Keys(tree.Files), r.Lock)
	if len(locks) != 2 || !strings.Contains(string(locks["web/package-lock.json"]), `"node_modules/scheduler"`) || strings.Contains(string(locks["server/package-lock.json"]), "scheduler") {
		t.Errorf("%q", locks)
	}
	b.registry.Publish(t, "react", "1.1.0", registrytest.Version{})
	tree.Lock = r.Lock
	asked := len(b.registry.Requests())
	if again := look(func(p verify.Packages) {
		if v := p.Version("web/node_modules/react"); v != "1.0.0" {
			t.Error(v)
		}
	}); again.Lock != nil || len(b.registry.Requests()) != asked {
		t.Errorf("%s, %q", again.Lock, b.registry.Requests()[asked:])
	}
	// So is one that lies in the tree.
	tree.Lock = nil
	tree.Files["web/package-lock.json"] = string(locks["web/package-lock.json"])
	look(func(p verify.Packages) {
		if v := p.Version("web/node_modules/react"); v != "1.0.0" {
			t.Error(v)
		}
	})
}

// Each rung says what it came to, and one that cannot be had why.
func TestRungs(t *testing.T) {
	b := newBench(t)
	b.registry.Publish(t, "a", "1.0.0", registrytest.Version{Files: map[string]string{"index.js": "export const a = 1"}})
	for _, name := range []string{"express", "next"} {
		b.registry.Publish(t, name, "1.0.0", registrytest.Version{})
	}
	off := New(Options{Verifier: verify.NewVerifier(sandbox.Options{}), Packages: func(context.Context) (*npm.Client, error) {
		return npm.Open(npm.Options{Dir: t.TempDir()})
	}})
	t.Cleanup(off.Close)
	uses := map[string]string{"package.json": `{"dependencies":{"a":"1"}}`, "index.html": "<script type=module src=m.js></script>", "m.js": "import { a } from 'a'\nconsole.log(a)"}
	for name, c := range map[string]struct {
		l     *Ladder
		files map[string]string
		want  string
	}{
		"fine":         {b.Ladder, map[string]string{"a.js": "export const a = 1"}, "parse passed, resolve passed, bundle passed"},
		"packages off": {off, uses, "parse passed, resolve not_checked without the packages that it asks for: no package registry is set: NPM_REGISTRY turns packages on"},
		"express":      {b.Ladder, map[string]string{"package.json": `{"dependencies":{"express":"1"}}`, "index.html": page, "src/main.ts": ""}, "parse passed, resolve passed, bundle passed This is made with Express, which needs a server"},
		"next":         {b.Ladder, map[string]string{"package.json": `{"dependencies":{"next":"1"}}`, "app/page.tsx": "export const a = 1"}, "parse passed, resolve passed, bundle not_checked This is made with Next.js"},
		"no package":   {b.Ladder, map[string]string{"package.json": `{"dependencies":{"aa":"1"}}`}, "parse passed, resolve failed"},
	} {
		t.Run(name, func(t *testing.T) {
			r, err := c.l.Check(t.Context(), "user", verify.Tree{Files: c.files})
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, rung := range r.Evidence {
				if rung.Name != codeforge.RungTypes && rung.Name != codeforge.RungRun {
					got = append(got, strings.TrimSpace(fmt.Sprint(rung.Name, " ", rung.Status, " ", rung.Reason)))
				}
			}
			if all := strings.Join(got, ", "); !strings.HasPrefix(all, c.want) {
				t.Errorf("%s", all)
			}
		})
	}
}
