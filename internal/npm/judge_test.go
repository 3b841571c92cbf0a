package npm

import (
	"bytes"
	"cmp"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"codeforge/internal/npm/registrytest"
)

// projects are manifests whose trees differ in kind: what npm makes of each is what Resolve must make.
var projects = map[string]map[string]string{
	"vite react": {"package.json": `{"name":"a","private":true,"version":"0.0.0","type":"module","dependencies":{"react":"^19.0.0","react-dom":"^19.0.0"},"devDependencies":{"@eslint/js":"^9.30.1","@types/react":"^19.1.8","@types/react-dom":"^19.1.6","@vitejs/plugin-react":"^4.6.0","eslint":"^9.30.1","eslint-plugin-react-hooks":"^5.2.0","eslint-plugin-react-refresh":"^0.4.20","globals":"^16.3.0","typescript":"~5.8.3","typescript-eslint":"^8.35.1","vite":"^7.0.4"}}`},
	"tailwind 4": {"package.json": `{"name":"a","dependencies":{"react":"^18.3.1","react-dom":"^18.3.1","tailwindcss":"^4.1.0","@tailwindcss/vite":"^4.1.0"},"devDependencies":{"vite":"^6.0.0","@vitejs/plugin-react":"^4.3.4"}}`},
	"tailwind 3": {"package.json": `{"name":"a","devDependencies":{"tailwindcss":"^3.4.17","postcss":"^8.5.1","autoprefixer":"^10.4.20","vite":"^5.4.0"},"dependencies":{"react":"^18.3.1","react-dom":"^18.3.1","clsx":"^2.1.1","tailwind-merge":"^2.6.0","class-variance-authority":"^0.7.1","tailwindcss-animate":"^1.0.7"}}`},
	"ten libs":   {"package.json": `{"name":"a","dependencies":{"react":"^18.3.1","react-dom":"^18.3.1","react-router-dom":"^6.28.0","zustand":"^5.0.0","recharts":"^2.15.0","lucide-react":"^0.469.0","date-fns":"^4.1.0","@radix-ui/react-dialog":"^1.1.4","@radix-ui/react-dropdown-menu":"^2.1.4","@dnd-kit/core":"^6.3.1","@dnd-kit/sortable":"^10.0.0","framer-motion":"^11.15.0","axios":"^1.7.9","@tanstack/react-query":"^5.62.0"},"devDependencies":{"tailwindcss":"^4.0.0","@tailwindcss/vite":"^4.0.0","vite":"^6.0.0","typescript":"^5.7.0","@types/react":"^18.3.0","@types/react-dom":"^18.3.0"}}`},
	"cra":        {"package.json": `{"name":"a","dependencies":{"react":"^18.2.0","react-dom":"^18.2.0","react-scripts":"5.0.1","web-vitals":"^2.1.4","@testing-library/react":"^13.4.0","@testing-library/jest-dom":"^5.17.0","@testing-library/user-event":"^13.5.0"}}`},
	"vue":        {"package.json": `{"name":"a","dependencies":{"vue":"^3.5.13","vue-router":"^4.5.0","pinia":"^2.3.0"},"devDependencies":{"@vitejs/plugin-vue":"^5.2.1","vite":"^6.0.5","typescript":"~5.6.2","vue-tsc":"^2.2.0"}}`},
	"svelte":     {"package.json": `{"name":"a","devDependencies":{"@sveltejs/vite-plugin-svelte":"^5.0.3","@tsconfig/svelte":"^5.0.4","svelte":"^5.15.0","svelte-check":"^4.1.1","typescript":"~5.6.2","vite":"^6.0.5"}}`},
	"mui":        {"package.json": `{"name":"a","dependencies":{"react":"^18.0.0","react-dom":"^18.0.0","@mui/material":"^5.16.0","@mui/icons-material":"^5.16.0","@emotion/react":"^11.13.0","@emotion/styled":"^11.13.0","@mui/x-date-pickers":"^7.0.0","dayjs":"^1.11.0"}}`},
	"next":       {"package.json": `{"name":"a","dependencies":{"next":"^14.2.0","react":"^18","react-dom":"^18"},"devDependencies":{"@types/node":"^20","@types/react":"^18","typescript":"^5","eslint":"^8","eslint-config-next":"14.2.15","postcss":"^8","tailwindcss":"^3.4.1"}}`},
	"aliases":    {"package.json": `{"name":"a","dependencies":{"react-17":"npm:react@^17.0.2","react":"^18.2.0","lodash":"npm:lodash-es@^4.17.21","string-width-cjs":"npm:string-width@^4.2.0","string-width":"^5.1.2"}}`},
	"overrides":  {"package.json": `{"name":"a","dependencies":{"express":"^4.18.2","react-scripts":"5.0.1","semver":"^7.5.0"},"overrides":{"nth-check":"2.0.1","svgo":{"css-select":"5.1.0"},"debug":{"ms":"2.1.1"},"semver":"$semver","qs@<6.12":"6.12.1"}}`},
	"workspaces": {"package.json": `{"name":"a","workspaces":["packages/*","apps/**"],"dependencies":{"lodash":"^4.17.0"},"devDependencies":{"typescript":"5.4.5"}}`, "packages/ui/package.json": `{"name":"@a/ui","version":"1.2.0","dependencies":{"react":"^17.0.0","clsx":"^1.2.1"},"devDependencies":{"typescript":"^4.9.5"}}`, "packages/core/package.json": `{"name":"core","version":"0.1.0","dependencies":{"lodash":"^3.10.1","debug":"^4"}}`, "apps/web/package.json": `{"name":"web","dependencies":{"@a/ui":"*","core":"^0.1.0","react":"^18.2.0","react-dom":"^18.2.0"}}`},
	"tags":       {"package.json": `{"name":"a","dependencies":{"svelte":"latest","typescript":"latest","vite":"*","lodash":"","date-fns":"x","express":"4"}}`},
	"optional":   {"package.json": `{"name":"a","dependencies":{"chokidar":"^3.6.0","sass":"^1.80.0"},"optionalDependencies":{"fsevents":"^2.3.3","this-package-is-surely-not-there-7261":"^1.0.0","sharp":"^0.33.0"}}`},
	"peers":      {"package.json": `{"name":"a","dependencies":{"eslint":"^8.57.0","eslint-config-airbnb":"^19.0.4","@typescript-eslint/eslint-plugin":"^7.0.0","@typescript-eslint/parser":"^7.0.0","eslint-plugin-import":"^2.29.0","react-redux":"^8.1.3","redux":"^4.2.1","react":"^18.0.0"}}`},
	"peer alone": {"package.json": `{"name":"a","version":"1.0.0","peerDependencies":{"react":">=16","react-dom":">=16"},"peerDependenciesMeta":{"react-dom":{"optional":true}},"dependencies":{"react-select":"^5.8.0","react-table":"^7.8.0"},"devDependencies":{"react":"^17.0.0","react-dom":"^17.0.0"}}`},
	"three":      {"package.json": `{"name":"a","dependencies":{"three":"^0.160.0","@react-three/fiber":"^8.15.0","@react-three/drei":"^9.99.0","react":"^18.2.0","react-dom":"^18.2.0","leva":"^0.9.35"}}`},
	"graphql":    {"package.json": `{"name":"a","dependencies":{"@apollo/client":"^3.11.0","graphql":"^16.9.0","urql":"^4.1.0","firebase":"^10.14.0","socket.io-client":"^4.8.0"}}`},
	"old":        {"package.json": `{"name":"a","dependencies":{"gulp":"^4.0.2","webpack":"^4.46.0","webpack-cli":"^3.3.12","babel-core":"^6.26.3","babel-preset-env":"^1.7.0","jquery":"~3.5.0","bootstrap":"^4.6.0","request":"2.88.2"}}`},
	"nested":     {"package.json": `{"name":"a","dependencies":{"chalk":"^5.3.0","inquirer":"^8.2.6","ora":"^5.4.1","jest":"^29.7.0","mocha":"^10.7.0","yargs":"^16.2.0","glob":"^7.2.3","rimraf":"^5.0.10","tap-spec":"^5.0.0"}}`},
	"angular":    {"package.json": `{"name":"a","dependencies":{"@angular/core":"^17.3.0","@angular/common":"^17.3.0","@angular/compiler":"^17.3.0","@angular/platform-browser":"^17.3.0","rxjs":"~7.8.0","zone.js":"~0.14.3"},"devDependencies":{"@angular/cli":"^17.3.0","@angular/compiler-cli":"^17.3.0","@angular-devkit/build-angular":"^17.3.0","typescript":"~5.4.2"}}`},
	"storybook":  {"package.json": `{"name":"a","dependencies":{"react":"^18.3.0","react-dom":"^18.3.0","@chakra-ui/react":"^2.10.0","@emotion/react":"^11.0.0","@emotion/styled":"^11.0.0","framer-motion":"^10.0.0"},"devDependencies":{"storybook":"^8.4.0","@storybook/react-vite":"^8.4.0","@storybook/addon-essentials":"^8.4.0","vitest":"^2.1.0","jsdom":"^25.0.0","vite":"^5.4.0"}}`},
}

// recorded are the projects of which testdata holds what the registry and npm said of them, so that they can be compared
// without either. go test -run TestAsNPM -update, with CODEFORGE_NPM=1, records them anew.
var recorded = []string{"aliases", "workspaces", "svelte", "peers"}

var update = flag.Bool("update", false, "rewrite what is recorded")

type recording struct {
	Node     string
	Packages []json.RawMessage
	Lock     json.RawMessage
}

// TestAsNPM lays each tree beside the one that npm makes of the same manifest and the same registry.
// With a live registry, what is published between the two questions differs: so that form is for hands alone.
func TestAsNPM(t *testing.T) {
	if os.Getenv("CODEFORGE_NPM") != "" {
		asNPM(t)
		return
	}
	for _, name := range recorded {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join("testdata", name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			var of recording
			if err := json.Unmarshal(b, &of); err != nil {
				t.Fatal(err)
			}
			r := registrytest.New(t)
			for _, p := range of.Packages {
				r.Record(t, p)
			}
			c := open(t, Options{Registry: Registry{URL: r.URL}, Node: of.Node})
			p := projectOf(name)
			lock, problems, err := c.Resolve(t.Context(), p)
			if err != nil || len(problems) > 0 {
				t.Fatal(problems, err)
			}
			compareLocks(t, lock, of.Lock)
			followed(t, c, p, of.Lock)
		})
	}
}

func projectOf(name string) Project {
	p := Project{Manifests: map[string][]byte{}}
	for path, text := range projects[name] {
		p.Manifests[path] = []byte(text)
	}
	return p
}

// asNPM compares all, with npm and the registry of this machine.
func asNPM(t *testing.T) {
	node, err := exec.Command("node", "--version").Output()
	if _, missing := exec.LookPath("npm"); err != nil || missing != nil {
		t.Skip("npm is not on this machine")
	}
	opts := Options{Registry: Machine(t.Context(), os.Getenv, true), Dir: cmp.Or(os.Getenv("CODEFORGE_NPM_CACHE"), t.TempDir()), Node: strings.TrimSpace(string(node))[1:]}
	c := open(t, opts)
	if _, err := c.metadata.get(t.Context(), "react", false, false); err != nil {
		t.Skipf("no registry can be had: %v", err)
	}
	for _, name := range slices.Sorted(maps.Keys(projects)) {
		t.Run(name, func(t *testing.T) {
			p := projectOf(name)
			begun := time.Now()
			lock, problems, err := c.Resolve(t.Context(), p)
			if err != nil || slices.ContainsFunc(problems, func(p Problem) bool { return !p.Warning }) {
				t.Fatal(problems, err)
			}
			first := time.Since(begun)
			begun = time.Now()
			again, _, err := c.Resolve(t.Context(), p)
			if err != nil || !bytes.Equal(lock.Bytes(), again.Bytes()) {
				t.Fatalf("the same project comes out differently: %v", err)
			}
			ours := time.Since(begun)
			begun = time.Now()
			text := lockOfNPM(t, p)
			t.Logf("%d packages; ours %v, again %v; npm %v", len(lock.Places()), first.Round(time.Millisecond), ours.Round(time.Millisecond), time.Since(begun).Round(time.Millisecond))
			compareLocks(t, lock, text)
			followed(t, c, p, text)
			if slices.Contains(recorded, name) {
				takenByNPM(t, p, lock)
			}
			if *update && slices.Contains(recorded, name) {
				record(t, open(t, opts), name, text)
			}
		})
	}
}

func lockOfNPM(t *testing.T, p Project) []byte {
	t.Helper()
	dir := t.TempDir()
	for path, text := range p.Manifests {
		write(t, filepath.Join(dir, path), string(text))
	}
	cmd := exec.CommandContext(t.Context(), "npm", "install", "--package-lock-only", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("npm: %v\n%.3000s", err, out)
	}
	text, err := os.ReadFile(filepath.Join(dir, "package-lock.json"))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// takenByNPM: npm installs by our lock.
func takenByNPM(t *testing.T, p Project, l *Lock) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "package-lock.json"), string(l.Bytes()))
	for path, text := range p.Manifests {
		write(t, filepath.Join(dir, path), string(text))
	}
	cmd := exec.CommandContext(t.Context(), "npm", "ci", "--dry-run", "--ignore-scripts", "--no-audit", "--no-fund")
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("npm ci: %v\n%.2000s", err, out)
	}
}

// record keeps what a project's tree needed to know: the versions in it, those that were tried, and the latest.
func record(t *testing.T, c *Client, name string, text []byte) {
	if _, _, err := c.Resolve(t.Context(), projectOf(name)); err != nil {
		t.Fatal(err)
	}
	kept := map[string]map[string]bool{}
	var keep func(name, version string)
	wanted := func(m *manifest) {
		for _, list := range []dependencies{m.Deps, m.Optional, m.Peer, m.Dev} {
			for _, d := range list {
				s := parseSpec(d.name, d.spec)
				if p := c.metadata.known[s.name]; p != nil {
					if found := p.choose(s, 0, c.opts.Node, c.isDenied); found.release != nil {
						keep(s.name, found.release.version)
					}
				}
			}
		}
	}
	keep = func(name, version string) {
		p := c.metadata.known[name]
		if kept[name] == nil {
			kept[name] = map[string]bool{}
		}
		if p != nil && p.release(version) != nil && !kept[name][version] {
			kept[name][version] = true
			wanted(p.release(version).manifest(name))
		}
	}
	for _, text := range projects[name] {
		m, err := parseManifest([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		wanted(m)
	}
	var lock struct {
		Packages map[string]map[string]any `json:"packages"`
	}
	if err := json.Unmarshal(text, &lock); err != nil {
		t.Fatal(err)
	}
	for place, l := range lock.Packages {
		version, _ := l["version"].(string)
		keep(nameOf(place), version)
		for _, key := range []string{"license", "funding", "resolved"} {
			if l["link"] == nil || key != "resolved" {
				delete(l, key)
			}
		}
		if l["deprecated"] != nil {
			l["deprecated"] = "deprecated"
		}
	}
	for name, p := range c.metadata.known {
		keep(name, p.Tags["latest"])
	}
	out := recording{Node: c.opts.Node}
	for _, name := range slices.Sorted(maps.Keys(kept)) {
		p := c.metadata.known[name]
		if p == nil {
			continue
		}
		versions, tags := map[string]json.RawMessage{}, map[string]string{}
		for v := range kept[name] {
			m := *p.release(v).manifest(name)
			m.Dist.Tarball, m.Dist.Shasum = "", ""
			if text, ok := m.Deprecated.(string); ok && text != "" {
				m.Deprecated = "deprecated"
			}
			b, err := json.Marshal(&m)
			if err != nil {
				t.Fatal(err)
			}
			versions[v] = b
		}
		for tag, v := range p.Tags {
			if kept[name][v] {
				tags[tag] = v
			}
		}
		b, err := json.Marshal(map[string]any{"name": name, "dist-tags": tags, "versions": versions})
		if err != nil {
			t.Fatal(err)
		}
		out.Packages = append(out.Packages, b)
	}
	b, err := json.Marshal(map[string]any{"lockfileVersion": 3, "packages": lock.Packages})
	if err != nil {
		t.Fatal(err)
	}
	out.Lock = b
	if b, err = json.Marshal(out); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join("testdata", name+".json"), strings.ReplaceAll(string(b), "},{", "},\n{")+"\n")
}

// followed: npm's own lock, followed, comes out as it is.
func followed(t *testing.T, c *Client, p Project, text []byte) {
	p.Lock = text
	lock, _, err := c.Resolve(t.Context(), p)
	if err != nil {
		t.Fatal(err)
	}
	compareLocks(t, lock, text)
}

// line is an entry of a lock.
type line struct {
	Name, Version, Integrity, Resolved                                                  string
	Link, Dev, Optional, DevOptional, Peer, InBundle, Extraneous, HasInstallScript      bool
	Dependencies, OptionalDependencies, PeerDependencies, DevDependencies, Engines, Bin any
	OS, CPU, Libc, PeerDependenciesMeta, Deprecated                                     any
}

func compareLocks(t *testing.T, ours *Lock, text []byte) {
	t.Helper()
	parse := func(b []byte) map[string]line {
		var file struct{ Packages map[string]line }
		if err := json.Unmarshal(b, &file); err != nil {
			t.Fatal(err)
		}
		delete(file.Packages, "")
		return file.Packages
	}
	want, got := parse(text), parse(ours.Bytes())
	var wrong []string
	for place, w := range want {
		if w.InBundle || w.Extraneous { // within another package; not needed
			delete(want, place)
			delete(got, place)
			continue
		}
		if !w.Link {
			w.Resolved = ""
		}
		if g := got[place]; fmt.Sprint(w) != fmt.Sprint(g) {
			wrong = append(wrong, place+difference(w, g))
		}
	}
	for place, g := range got {
		if _, ok := want[place]; !ok {
			wrong = append(wrong, fmt.Sprintf("%s is not in npm's: %s@%s", place, g.Name, g.Version))
		}
	}
	slices.Sort(wrong)
	if len(wrong) > 0 {
		t.Errorf("%d of %d entries differ:\n%s", len(wrong), len(want), strings.Join(wrong[:min(len(wrong), 12)], "\n"))
	}
}

func difference(npm, ours line) (out string) {
	a, b := reflect.ValueOf(npm), reflect.ValueOf(ours)
	for i := range a.NumField() {
		if x, y := fmt.Sprint(a.Field(i)), fmt.Sprint(b.Field(i)); x != y {
			out += fmt.Sprintf(" %s: npm %.100s, ours %.100s;", a.Type().Field(i).Name, x, y)
		}
	}
	return out
}

func open(t testing.TB, opts Options) *Client {
	t.Helper()
	opts.Dir = cmp.Or(opts.Dir, t.TempDir())
	c, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func write(t testing.TB, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}
