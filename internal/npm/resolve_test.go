package npm

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"codeforge/internal/npm/registrytest"
)

func project(manifest string) Project {
	return Project{Manifests: map[string][]byte{"package.json": []byte(manifest)}}
}

// tree is a lock in a line: place@version ...
func treeOf(l *Lock) string {
	var out []string
	for _, place := range l.Places() {
		p := l.Package(place)
		text := strings.ReplaceAll(strings.ReplaceAll(place, "/node_modules/", ">"), "node_modules/", "") + "@" + p.Version
		if p.Link != "" {
			text = strings.TrimPrefix(place, "node_modules/") + "=" + p.Link
		}
		out = append(out, text)
	}
	return strings.Join(out, " ")
}

func codes(problems []Problem) string {
	var out []string
	for _, p := range problems {
		text := p.Code + " " + p.Package
		if p.Warning {
			text = "(" + text + ")"
		}
		out = append(out, text)
	}
	return strings.Join(out, ", ")
}

// TestTrees: where packages lie and which versions are taken, each with the rule of npm that it is about.
func TestTrees(t *testing.T) {
	r := registrytest.New(t)
	for _, v := range []struct{ name, version, manifest string }{
		{"a", "1.0.0", `{"dependencies":{"c":"^1.0.0"}}`}, {"b", "1.0.0", `{"dependencies":{"c":"^2.0.0"}}`},
		{"c", "1.0.0", ``}, {"c", "1.1.0", ``}, {"c", "2.0.0-rc.1", ``}, {"c", "2.0.0", ``},
		{"ui", "1.0.0", `{"peerDependencies":{"lib":">=1"}}`}, {"ui-old", "1.0.0", `{"peerDependencies":{"lib":"^1.0.0"}}`},
		{"ui-maybe", "1.0.0", `{"peerDependencies":{"lib":"^1.0.0"},"peerDependenciesMeta":{"lib":{"optional":true}}}`},
		{"lib", "1.0.0", ``}, {"lib", "2.0.0", ``},
		{"bad", "1.0.0", ``}, {"bad", "1.1.0", `{"deprecated":"do not"}`},
		{"modern", "1.0.0", ``}, {"modern", "1.1.0", `{"engines":{"node":">=99"}}`},
		{"native", "1.0.0", `{"optionalDependencies":{"native-linux":"1.0.0","native-gone":"1.0.0"}}`}, {"native-linux", "1.0.0", `{"os":["linux"],"cpu":["x64"]}`},
		{"x", "1.0.0", `{"dependencies":{"y":"1"}}`}, {"y", "1.0.0", `{"dependencies":{"x":"1"}}`},
		{"bundles", "1.0.0", `{"dependencies":{"c":"1","inside":"1"},"bundleDependencies":["inside"]}`},
	} {
		r.Publish(t, v.name, v.version, registrytest.Version{Manifest: v.manifest})
	}
	r.Tag("c", "latest", "1.1.0")
	r.Tag("c", "next", "2.0.0-rc.1")
	c := open(t, Options{Registry: Registry{URL: r.URL}})
	for _, test := range []struct{ about, manifest, tree, problems string }{
		{"what is needed twice lies once", `{"dependencies":{"a":"1","c":"^1"}}`, "a@1.0.0 c@1.1.0", ""},
		{"what does not fit lies deeper", `{"dependencies":{"a":"1","b":"1"}}`, "a@1.0.0 b@1.0.0 b>c@2.0.0 c@1.1.0", ""},
		{"the tag latest comes before what is newer", `{"dependencies":{"c":">=1"}}`, "c@1.1.0", ""},
		{"a tag", `{"dependencies":{"c":"next"}}`, "c@2.0.0-rc.1", ""},
		{"an alias", `{"dependencies":{"d":"npm:c@^2.0.0","c":"1.0.0"}}`, "c@1.0.0 d@2.0.0", ""},
		{"a prerelease only where one is named", `{"dependencies":{"c":"^2.0.0-rc.0"}}`, "c@2.0.0", ""},
		{"a peer comes along", `{"dependencies":{"ui":"1"}}`, "lib@2.0.0 ui@1.0.0", ""},
		{"peers agree", `{"dependencies":{"ui":"1","ui-old":"1"}}`, "lib@1.0.0 ui@1.0.0 ui-old@1.0.0", ""},
		{"an optional peer does not come along", `{"dependencies":{"ui-maybe":"1"}}`, "ui-maybe@1.0.0", ""},
		{"a peer conflict of the project", `{"dependencies":{"ui-old":"1","lib":"2"}}`, "lib@2.0.0 ui-old@1.0.0", "peer-conflict lib"},
		{"what is advised against comes last", `{"dependencies":{"bad":"^1"}}`, "bad@1.0.0", ""},
		{"what does not run comes last", `{"dependencies":{"modern":"^1"}}`, "modern@1.0.0", ""},
		{"optional ones may be missing", `{"dependencies":{"native":"1"}}`, "native@1.0.0 native-linux@1.0.0", ""},
		{"loops end", `{"dependencies":{"x":"1"}}`, "x@1.0.0 y@1.0.0", ""},
		{"what comes within a package is not fetched", `{"dependencies":{"bundles":"1"}}`, "bundles@1.0.0 c@1.1.0", ""},
		{"an override", `{"dependencies":{"b":"1"},"overrides":{"b":{"c":"1.0.0"}}}`, "b@1.0.0 c@1.0.0", ""},
		{"an override of a range", `{"dependencies":{"a":"1","b":"1"},"overrides":{"c@^1":"1.0.0"}}`, "a@1.0.0 b@1.0.0 b>c@2.0.0 c@1.0.0", ""},
		{"an override of what is asked for", `{"dependencies":{"c":"^1.0.0"},"overrides":{"c":"1.0.0"}}`, "c@1.0.0", "override-conflict c"},
		{"an override that refers to what is asked for", `{"dependencies":{"b":"1","c":"1.0.0"},"overrides":{"c":"$c"}}`, "b@1.0.0 c@1.0.0", ""},
		{"development is resolved", `{"devDependencies":{"a":"1"}}`, "a@1.0.0 c@1.1.0", ""},
		{"no such package", `{"dependencies":{"nothing":"1","c":"1"}}`, "c@1.1.0", "unknown-package nothing"},
		{"no such version", `{"dependencies":{"c":"^7"}}`, "", "no-version c"},
		{"no such tag", `{"dependencies":{"c":"canary"}}`, "", "no-version c"},
		{"git", `{"dependencies":{"c":"git+https://example.com/c.git","e":"someone/e","f":"https://example.com/f.tgz","g":"file:../g"}}`, "",
			"unsupported c, unsupported e, unsupported f, unsupported g"},
		{"no name", `{"dependencies":{"../c":"1"}}`, "", "unsupported ../c"},
	} {
		lock, problems, err := c.Resolve(t.Context(), project(test.manifest))
		if err != nil {
			t.Errorf("%s: %v", test.about, err)
			continue
		}
		if got := treeOf(lock); got != test.tree || codes(problems) != test.problems {
			t.Errorf("%s: %s\n  is   %q %q %+v\n  want %q %q", test.about, test.manifest, got, codes(problems), problems, test.tree, test.problems)
		}
	}
}

// TestWorkspaces: folders of a project that are packages are linked, and find what they need in or above them.
func TestWorkspaces(t *testing.T) {
	r := registrytest.New(t)
	r.Publish(t, "c", "1.0.0", registrytest.Version{})
	r.Publish(t, "c", "2.0.0", registrytest.Version{})
	c := open(t, Options{Registry: Registry{URL: r.URL}})
	lock, problems, err := c.Resolve(t.Context(), Project{Manifests: map[string][]byte{
		"package.json":               []byte(`{"workspaces":["packages/*","!packages/old"],"dependencies":{"c":"2"}}`),
		"packages/ui/package.json":   []byte(`{"name":"@me/ui","version":"1.0.0","dependencies":{"c":"1","core":"^0.1.0"}}`),
		"packages/core/package.json": []byte(`{"name":"core","version":"0.1.0"}`), "packages/old/package.json": []byte(`{"name":"old"}`),
	}})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	if got := treeOf(lock); got != "@me/ui=packages/ui c@2.0.0 core=packages/core packages/core@0.1.0 packages/ui@1.0.0 packages/ui>c@1.0.0" {
		t.Error(got)
	}
	if at, ok := lock.Find("packages/ui", "core"); !ok || at != "packages/core" {
		t.Errorf("core is found at %q", at)
	}
	if got := fmt.Sprint(lock.Reach("packages/ui")); got != "[packages/core packages/ui packages/ui/node_modules/c]" {
		t.Error(got)
	}
}

// TestLockIsFollowed: what a lock says stays while it fits, and only the rest is chosen.
func TestLockIsFollowed(t *testing.T) {
	r := registrytest.New(t)
	for _, v := range []string{"1.0.0", "1.1.0", "2.0.0"} {
		r.Publish(t, "a", v, registrytest.Version{Manifest: `{"dependencies":{"b":"1"}}`})
		r.Publish(t, "b", v, registrytest.Version{})
	}
	c := open(t, Options{Registry: Registry{URL: r.URL}})
	old, _, err := c.Resolve(t.Context(), project(`{"dependencies":{"a":"1.0.0","b":"1.0.0"}}`))
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ manifest, tree string }{
		{`{"dependencies":{"a":"^1.0.0","b":"^1.0.0"}}`, "a@1.0.0 b@1.0.0"},
		{`{"dependencies":{"a":"^2.0.0"}}`, "a@2.0.0 b@1.0.0"},
		{`{"dependencies":{"a":"1","b":"2"}}`, "a@1.0.0 a>b@1.1.0 b@2.0.0"},
		{`{"dependencies":{"b":"1"}}`, "b@1.0.0"},
	} {
		p := project(test.manifest)
		p.Lock = old.Bytes()
		lock, problems, err := c.Resolve(t.Context(), p)
		if err != nil || treeOf(lock) != test.tree || len(problems) > 0 {
			t.Errorf("%s: %s %v %v, want %s", test.manifest, treeOf(lock), problems, err, test.tree)
		}
	}
	if text := string(old.Bytes()); strings.Contains(text, "http") || strings.Contains(text, "resolved") {
		t.Errorf("a lock holds addresses: %s", text)
	}
	// A lock that fits needs no registry at all.
	off := open(t, Options{})
	p := project(`{"dependencies":{"a":"^1.0.0","b":"^1.0.0"}}`)
	p.Lock = old.Bytes()
	if lock, problems, err := off.Resolve(t.Context(), p); err != nil || len(problems) > 0 || treeOf(lock) != "a@1.0.0 b@1.0.0" {
		t.Error(treeOf(lock), problems, err)
	}
	// One that does not says which setting would help.
	_, problems, err := off.Resolve(t.Context(), project(`{"dependencies":{"a":"1"}}`))
	if err != nil || codes(problems) != "packages-off a" || !strings.Contains(problems[0].Message, "NPM_REGISTRY") {
		t.Error(problems, err)
	}
}

// TestLocksOfStrangers: a lock is text that somebody sends.
func TestLocksOfStrangers(t *testing.T) {
	c := open(t, Options{})
	for _, lock := range []string{
		`{"lockfileVersion":3,"packages":{"../x":{"version":"1.0.0"},"/etc":{"version":"1.0.0"},"node_modules/../../x":{"version":"1.0.0"},"node_modules/a\\b":{"version":"1.0.0"},
			"node_modules/ok":{"version":"1.0.0"},"node_modules/l":{"link":true,"resolved":"../../etc"},"node_modules/m":{"link":true,"resolved":"node_modules/ok"},"node_modules/x/node_modules/y":{"version":"1.0.0"}}}`,
		`{"lockfileVersion":2,"packages":{"":{"dependencies":[1,2]},"node_modules/ok":{"version":"1.0.0","dependencies":{"ok":3},"engines":7,"os":{"a":1}}}}`,
	} {
		p := project(`{"dependencies":{"ok":"1"}}`)
		p.Lock = []byte(lock)
		got, problems, err := c.Resolve(t.Context(), p)
		if err != nil || treeOf(got) != "ok@1.0.0" || len(problems) > 0 {
			t.Errorf("%s: %q %v %v", lock, treeOf(got), problems, err)
		}
	}
	for _, lock := range []string{`[]`, `{"lockfileVersion":"3"}`, `nothing`} {
		p := project(`{}`)
		p.Lock = []byte(lock)
		if _, _, err := c.Resolve(t.Context(), p); err == nil {
			t.Errorf("%s is a lock", lock)
		}
	}
	p := project(`{}`)
	p.Lock = []byte(`{"lockfileVersion":1,"dependencies":{}}`)
	if _, problems, err := c.Resolve(t.Context(), p); err != nil || codes(problems) != "(unsupported )" {
		t.Error(problems, err)
	}
}

// TestRulesOfTheOperator: what nobody gets, and what is too new to be chosen.
func TestRulesOfTheOperator(t *testing.T) {
	r := registrytest.New(t)
	now := time.Now()
	r.Publish(t, "a", "1.0.0", registrytest.Version{})
	r.Publish(t, "a", "1.1.0", registrytest.Version{Published: now.Add(-time.Hour)})
	r.Publish(t, "fresh", "1.0.0", registrytest.Version{Published: now.Add(-time.Hour)})
	r.Publish(t, "old", "1.0.0", registrytest.Version{})
	r.Publish(t, "@evil/x", "1.0.0", registrytest.Version{})
	c := open(t, Options{Registry: Registry{URL: r.URL}, MinAge: 72 * time.Hour, Deny: []string{"@evil/*", "old@<2"}})
	for _, test := range []struct{ manifest, tree, problems string }{
		{`{"dependencies":{"a":"^1.0.0"}}`, "a@1.0.0", ""},
		{`{"dependencies":{"a":"latest"}}`, "a@1.0.0", ""},
		{`{"dependencies":{"a":"1.1.0"}}`, "a@1.1.0", "(too-new a)"},
		{`{"dependencies":{"fresh":"*"}}`, "", "too-new fresh"},
		{`{"dependencies":{"old":"1.0.0","@evil/x":"1"}}`, "", "denied-package @evil/x, denied-package old"},
	} {
		lock, problems, err := c.Resolve(t.Context(), project(test.manifest))
		if err != nil || treeOf(lock) != test.tree || codes(problems) != test.problems {
			t.Errorf("%s: %q %v %v", test.manifest, treeOf(lock), problems, err)
		}
	}
	// In a lock it is there already: it is followed, and said when it is fetched.
	lock, _, err := open(t, Options{Registry: Registry{URL: r.URL}}).Resolve(t.Context(), project(`{"dependencies":{"fresh":"1","@evil/x":"1"}}`))
	if err != nil {
		t.Fatal(err)
	}
	_, problems, err := c.Fetch(t.Context(), lock, lock.Places())
	if err != nil || codes(problems) != "denied-package @evil/x, (too-new fresh)" {
		t.Error(problems, err)
	}
	for _, bad := range []string{"", "a b", "a@nothing at all", "../x"} {
		if CheckDeny([]string{bad}) == nil {
			t.Errorf("%q is a rule", bad)
		}
	}
}

// TestHostileManifests: a package.json is text that somebody sends; what it can cost has a bound.
func TestHostileManifests(t *testing.T) {
	c := open(t, Options{})
	many := func(n int, format string) string {
		var out []string
		for i := range n {
			out = append(out, fmt.Sprintf(format, i))
		}
		return strings.Join(out, ",")
	}
	for about, manifest := range map[string]string{
		"no JSON": `{`, "no object": `[]`, "an old list": `{"dependencies":{"a":"1"}`,
		"very many dependencies":   `{"dependencies":{` + many(200_000, `"p%d":"1"`) + `}}`,
		"very many overrides":      `{"overrides":{` + many(10_000, `"p%d":"1"`) + `}}`,
		"deep overrides":           `{"overrides":` + strings.Repeat(`{"a":`, 50) + `"1"` + strings.Repeat(`}`, 50) + `}`,
		"an override of nothing":   `{"overrides":{"a":"$b"}}`,
		"an override with no name": `{"overrides":{"../a":"1"}}`,
		"very many workspaces":     `{"workspaces":[` + many(10_000, `"w%d/**/**/**/x"`) + `]}`,
	} {
		if lock, problems, err := c.Resolve(t.Context(), project(manifest)); err == nil {
			t.Errorf("%s: %s %v", about, treeOf(lock), codes(problems))
		}
	}
	for about, manifest := range map[string]string{
		"nothing": `{}`, "fields of any kind": `{"name":1,"version":{},"dependencies":["a"],"overrides":null,"workspaces":7,"peerDependenciesMeta":[],"bundleDependencies":"x","engines":[1],"os":7}`,
		"a mark of order": "\ufeff{}", "a range that is very long": `{"optionalDependencies":{"a":"` + strings.Repeat("1||", 10_000) + `"}}`,
	} {
		if _, problems, err := c.Resolve(t.Context(), project(manifest)); err != nil || len(problems) > 0 {
			t.Errorf("%s: %v %v", about, problems, err)
		}
	}
}

// TestMisspelt: a package that there is not is answered with the one that was meant.
func TestMisspelt(t *testing.T) {
	r := registrytest.New(t)
	r.Publish(t, "our-own-widgets", "1.0.0", registrytest.Version{})
	c := open(t, Options{Registry: Registry{URL: r.URL}})
	for name, want := range map[string]string{
		"recat": "react", "tailwind": "tailwindcss", "lucide": "lucide-react", "zustant": "zustand", "react-ruoter-dom": "react-router-dom", "date-fn": "date-fns",
		"our-own-widget": "our-own-widgets", "@types/reakt": "@types/react", "tanstack-react-query": "@tanstack/react-query", "qwxz-kjhg-asdf": "",
	} {
		_, problems, err := c.Resolve(t.Context(), project(`{"dependencies":{"our-own-widgets":"1","`+name+`":"1"}}`))
		if err != nil || len(problems) != 1 || problems[0].Code != Unknown || problems[0].Suggestion != want {
			t.Errorf("%s: %+v %v, want %q", name, problems, err, want)
		}
	}
}

// TestRegistryGoesAway: what was once known serves, with a warning, and what was not is a problem of that package alone.
func TestRegistryGoesAway(t *testing.T) {
	r := registrytest.New(t)
	r.Publish(t, "a", "1.0.0", registrytest.Version{Manifest: `{"dependencies":{"b":"^1"}}`})
	r.Publish(t, "b", "1.0.0", registrytest.Version{})
	dir := t.TempDir()
	now := time.Now()
	opts := Options{Registry: Registry{URL: r.URL}, Dir: dir, now: func() time.Time { return now }, pause: func(context.Context, time.Duration) error { return nil }}
	p := project(`{"dependencies":{"a":"1"}}`)
	lock, problems, err := open(t, opts).Resolve(t.Context(), p)
	if err != nil || len(problems) > 0 {
		t.Fatal(problems, err)
	}
	first := len(r.Requests())
	if _, _, err := open(t, opts).Resolve(t.Context(), p); err != nil || len(r.Requests()) != first {
		t.Errorf("asked again within the hour: %v %v", r.Requests(), err)
	}
	now = now.Add(2 * time.Hour)
	if _, _, err := open(t, opts).Resolve(t.Context(), p); err != nil || len(r.Requests()) != first+2 {
		t.Errorf("not asked again after an hour: %v %v", r.Requests(), err)
	}
	for _, away := range []func(){func() { r.Handle("a", fail(500)); r.Handle("b", fail(500)) }, func() { r.Close() }} {
		away()
		now = now.Add(2 * time.Hour)
		c := open(t, opts)
		again, problems, err := c.Resolve(t.Context(), p)
		if err != nil || treeOf(again) != treeOf(lock) || codes(problems) != "(registry-stale )" {
			t.Errorf("%s %v %v", treeOf(again), problems, err)
		}
		if _, problems, err = c.Resolve(t.Context(), project(`{"dependencies":{"d":"1"}}`)); err != nil || len(problems) != 1 || problems[0].Warning {
			t.Error(problems, err)
		}
	}
}

// TestUnreachableIsFoundOutOnce: where nobody is there, not every package of a tree waits to find that out.
func TestUnreachableIsFoundOutOnce(t *testing.T) {
	r := registrytest.New(t)
	r.Close()
	pauses := 0
	var mu sync.Mutex
	now := time.Now()
	c := open(t, Options{Registry: Registry{URL: r.URL}, now: func() time.Time { return now }, pause: func(context.Context, time.Duration) error {
		mu.Lock()
		defer mu.Unlock()
		pauses++
		return nil
	}})
	for _, again := range []bool{false, true} {
		_, problems, err := c.Resolve(t.Context(), project(`{"dependencies":{"a":"1","b":"1","c":"1"}}`))
		if err != nil || codes(problems) != "registry-failed a, registry-failed b, registry-failed c" || pauses > 0 {
			t.Error(again, problems, pauses, err)
		}
	}
	r = registrytest.New(t) // it comes back, elsewhere: what counts is that it is asked
	r.Publish(t, "a", "1.0.0", registrytest.Version{})
	c.registry.base, _ = parseRegistry(r.URL)
	now = now.Add(downFor + time.Second)
	if lock, problems, err := c.Resolve(t.Context(), project(`{"dependencies":{"a":"1"}}`)); err != nil || len(problems) > 0 || treeOf(lock) != "a@1.0.0" {
		t.Error(problems, err)
	}
}

func fail(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }
}

// TestManyPackages: a tree has a bound, and one that is near it is resolved.
func TestManyPackages(t *testing.T) {
	r := registrytest.New(t)
	n := 200
	if os.Getenv("CODEFORGE_SOAK") != "" {
		n = 2900
	}
	list := func(n int) string {
		var deps []string
		for i := range n {
			deps = append(deps, fmt.Sprintf(`"p%d":"1"`, i))
		}
		return `{"dependencies":{` + strings.Join(deps, ",") + `}}`
	}
	for i := range n {
		r.Publish(t, fmt.Sprintf("p%d", i), "1.0.0", registrytest.Version{Manifest: fmt.Sprintf(`{"dependencies":{"p%d":"1"}}`, (i+1)%n), Tarball: []byte("x")})
	}
	r.Publish(t, "wide", "1.0.0", registrytest.Version{Manifest: list(n), Tarball: []byte("x")})
	c := open(t, Options{Registry: Registry{URL: r.URL}})
	if lock, problems, err := c.Resolve(t.Context(), project(`{"dependencies":{"wide":"1"}}`)); err != nil || len(problems) > 0 || len(lock.Places()) != n+1 {
		t.Error(problems, err)
	}
	for i := n; i < 3100; i++ {
		r.Handle(fmt.Sprintf("p%d", i), func(w http.ResponseWriter, req *http.Request) {
			fmt.Fprintf(w, `{"name":%q,"dist-tags":{"latest":"1.0.0"},"versions":{"1.0.0":{"dist":{}}}}`, req.URL.Path[1:])
		})
	}
	if _, _, err := c.Resolve(t.Context(), project(list(3100))); err == nil || !strings.Contains(err.Error(), "3000 packages") {
		t.Error(err)
	}
	// Versions that need the next one, each within the last.
	for i := range 80 {
		r.Publish(t, "deep", fmt.Sprintf("%d.0.0", i), registrytest.Version{Manifest: fmt.Sprintf(`{"dependencies":{"deep":"%d"}}`, i+1), Tarball: []byte("x")})
	}
	if _, _, err := c.Resolve(t.Context(), project(`{"dependencies":{"deep":"0"}}`)); err == nil || !strings.Contains(err.Error(), "nest") {
		t.Errorf("a tree of any depth is resolved: %v", err)
	}
}
