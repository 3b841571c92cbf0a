package server

import (
	"archive/zip"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/browser/browsertest"
	"codeforge/internal/npm"
	"codeforge/internal/verify"

	"github.com/chromedp/chromedp"
)

// realProject is an app of ours (testdata/projects/<name>) on the skeleton that people begin with, which comes from the registry.
type realProject struct {
	name     string
	skeleton string   // a package, and the folder of it
	without  []string // of the skeleton
}

var realProjects = []realProject{
	{"react-tailwind", "create-vite/template-react-ts", []string{"src/App.css"}},
	{"react-libs", "create-vite/template-react-ts", []string{"src/App.tsx", "src/App.css", "src/assets"}},
	{"react-tailwind3", "create-vite/template-react-ts", []string{"src/App.css", "src/assets"}},
	{"vue", "create-vite/template-vue-ts", []string{"src/components/HelloWorld.vue", "src/assets"}},
	{"svelte", "create-vite/template-svelte-ts", []string{"src/lib/Counter.svelte", "src/assets"}},
	{"vanilla-ts", "create-vite/template-vanilla-ts", []string{"src/counter.ts", "src/assets"}},
	{"cra", "cra-template/template", nil},
}

// skeletons are the versions of the packages that skeletons are taken from: what their tools take changes with them.
var skeletons = map[string]string{"create-vite": "9.3.0", "cra-template": "1.3.0"}

// withPackages is a data folder of its own whose packages lie in a cache that test runs share, as projects of users do.
func withPackages(t *testing.T) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	cache = filepath.Join(cache, "codeforge-test")
	dir := t.TempDir()
	if err := os.MkdirAll(cache, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(cache, filepath.Join(dir, "npm")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// machineRegistry is what this machine's npm is set to. It is asked once, and again when a busy machine keeps it from answering in time.
var machineRegistry = sync.OnceValue(func() (url string) {
	for range 5 {
		if url = npm.Machine(context.Background(), os.Getenv, true).URL; url != "" {
			break
		}
	}
	return url
})

// machinePackages is a client of the registry that this machine is set to.
func machinePackages(t *testing.T) *npm.Client {
	t.Helper()
	c, err := (&Config{DataDir: withPackages(t), NPMRegistry: machineRegistry()}).Packages(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if on, how := c.On(); !on {
		t.Fatal("this needs a registry of packages: " + how)
	}
	return c
}

// assemble puts a real project together.
func assemble(t *testing.T, c *npm.Client, p realProject) map[string][]byte {
	t.Helper()
	name, folder, _ := strings.Cut(p.skeleton, "/")
	manifest := fmt.Sprintf(`{"dependencies":{%q:%q}}`, name, skeletons[name])
	lock, problems, err := c.Resolve(t.Context(), npm.Project{Manifests: map[string][]byte{"package.json": []byte(manifest)}})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	place := "node_modules/" + name
	got, problems, err := c.Fetch(t.Context(), lock, []string{place})
	if err != nil || len(problems) > 0 {
		t.Fatal(err, problems)
	}
	dir, _ := got.Folder(place)
	files := map[string][]byte{}
	read := func(root string, skip []string) {
		err := fs.WalkDir(os.DirFS(root), ".", func(p string, d fs.DirEntry, err error) error {
			if err != nil || p == "." {
				return err
			}
			if slices.Contains(skip, p) {
				if d.IsDir() {
					return fs.SkipDir
				}
				return nil
			}
			if d.IsDir() {
				return nil
			}
			b, err := os.ReadFile(filepath.Join(root, p))
			dir, base := path.Split(p)
			if base == "_gitignore" || base == "gitignore" { // a registry would take them out
				base = ".gitignore"
			}
			files[dir+base] = b
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	read(filepath.Join(dir, folder), p.without)
	read(filepath.Join("testdata", "projects", p.name), nil)
	return files
}

// zipped is a project as people upload it.
func zipped(t *testing.T, files map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for p, content := range files {
		w, err := z.Create("app/" + p)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// report is what GET /check answers.
type report struct {
	OK          bool
	Evidence    codeforge.Evidence
	Diagnostics []verify.Diagnostic
}

func (r report) String() string {
	var s strings.Builder
	for _, d := range r.Diagnostics {
		fmt.Fprintf(&s, "%s %s:%d:%d %s\n", d.Severity, d.File, d.Line, d.Column, d.Message)
	}
	for _, rung := range r.Evidence {
		fmt.Fprintf(&s, "%s %s %s %s %s, %d ms\n", rung.Name, rung.Status, rung.Reason, rung.Tool, rung.Version, rung.DurationMS)
	}
	return s.String()
}

// check asks for the report of a project as often as the server says: on a busy machine it takes longer than a request may.
func (p *process) check(t *testing.T, id string) (r report) {
	t.Helper()
	for try := 1; ; try++ {
		err := p.Call(t.Context(), "GET", "/v1/projects/"+id+"/check", nil, &r)
		if err == nil {
			return r
		}
		if try == 10 || !strings.Contains(err.Error(), "ask again") {
			t.Fatal(err)
		}
	}
}

// importZip makes a project of an archive and returns its id.
func (p *process) importZip(t *testing.T, title string, archive []byte) string {
	t.Helper()
	var project codeforge.Project
	if err := p.Call(t.Context(), "POST", "/v1/projects", map[string]any{"title": title}, &project); err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), "POST", p.Base+"/v1/projects/"+project.ID+"/import", bytes.NewReader(archive))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/zip")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if b, _ := io.ReadAll(resp.Body); resp.StatusCode >= 300 {
		t.Fatalf("%s: %d %s", title, resp.StatusCode, b)
	}
	return project.ID
}

// use does in an app what all of them can do: an entry is added, edited, still there after a reload, and removed.
func use(t *testing.T, ctx context.Context, address string) {
	t.Helper()
	do := func(what string, actions ...chromedp.Action[chromedp.Void]) {
		t.Helper()
		if err := chromedp.Do(ctx, actions...); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	at := func(test string) css { return css(`[data-test="` + test + `"]`) }
	item := func() string {
		t.Helper()
		s, err := chromedp.Run(ctx, chromedp.Text(at("item")))
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	do("open", chromedp.Navigate(address), chromedp.WaitVisible(at("new")))
	do("add", chromedp.SendKeys(at("new"), "Ada <b>"), chromedp.Click(at("add")), chromedp.WaitVisible(at("item")))
	if s := item(); !strings.Contains(s, "Ada <b>") {
		t.Errorf("the new entry reads %q", s)
	}
	do("edit", chromedp.Click(at("edit")), chromedp.WaitVisible(at("draft")), chromedp.SendKeys(at("draft"), "Grace"), chromedp.Click(at("save")), chromedp.WaitNotPresent(at("draft")))
	if s := item(); !strings.Contains(s, "Grace") {
		t.Errorf("the edited entry reads %q", s)
	}
	do("reload", chromedp.Reload(), chromedp.WaitVisible(at("item")))
	if s := item(); !strings.Contains(s, "Grace") {
		t.Errorf("after a reload the entry reads %q", s)
	}
	do("remove", chromedp.Click(at("remove")), chromedp.WaitNotPresent(at("item")))
}

// TestProjects: projects as people have them are imported, verified without a false alarm, shown in a browser, used, and exported.
func TestProjects(t *testing.T) {
	c := machinePackages(t)
	soak := os.Getenv("CODEFORGE_SOAK") != ""
	p := start(t, withPackages(t), "NPM_REGISTRY="+machineRegistry(), "SMOKE=off")
	for _, project := range realProjects {
		if !soak && project.name != "react-tailwind" && project.name != "vue" {
			continue
		}
		t.Run(project.name, func(t *testing.T) {
			files := assemble(t, c, project)
			id := p.importZip(t, project.name, zipped(t, files))
			r := p.check(t, id)
			if !r.OK {
				t.Errorf("a false alarm:\n%s", r)
			}
			t.Logf("%s", r)
			var preview struct{ URL string }
			p.must(t, "/v1/projects/"+id+"/preview", &preview)
			use(t, browsertest.Open(t, time.Minute), preview.URL)
			if got := p.export(t, id); !sameFiles(got, files) {
				t.Errorf("what is exported is not what was imported: %v", got)
			}
		})
	}
}

// export reads the archive of a project.
func (p *process) export(t *testing.T, id string) map[string][]byte {
	t.Helper()
	resp, err := p.Do(t.Context(), "GET", p.Base+"/v1/projects/"+id+"/archive.zip", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatal(resp.Status, err)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		r.Close()
	}
	return files
}

// sameFiles reports whether an export holds what was imported, and beside it at most the lock.
func sameFiles(got, want map[string][]byte) bool {
	delete(got, "package-lock.json")
	if len(got) != len(want) {
		return false
	}
	for p, content := range want {
		if !bytes.Equal(got[p], content) {
			return false
		}
	}
	return true
}

// TestMutations: copies with mistakes are refused, and those with none are not, as their own tools do it.
func TestMutations(t *testing.T) {
	c := machinePackages(t)
	soak := os.Getenv("CODEFORGE_SOAK") != ""
	p := start(t, withPackages(t), "NPM_REGISTRY="+machineRegistry(), "SMOKE=off")
	made := map[string]map[string][]byte{}
	n := 0
	for _, m := range mutations {
		if m.app == "react-tailwind" {
			n++
		}
		if !soak && (m.app != "react-tailwind" || n%5 != 4) {
			continue
		}
		if made[m.app] == nil {
			at := slices.IndexFunc(realProjects, func(p realProject) bool { return p.name == m.app })
			made[m.app] = assemble(t, c, realProjects[at])
		}
		files := m.of(t, made[m.app])
		id := p.importZip(t, m.app, zipped(t, files))
		if r := p.check(t, id); r.OK == m.broken {
			t.Errorf("%s %s, %q to %q: ok %v\n%s", m.app, m.file, m.old, m.now, r.OK, r)
		}
	}
}

// of applies a mutation.
func (m mutation) of(t *testing.T, files map[string][]byte) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	maps.Copy(out, files)
	switch {
	case m.old == "" && m.now == "":
		if out[m.file] == nil {
			t.Fatalf("%s has no %s", m.app, m.file)
		}
		delete(out, m.file)
	case m.old == "":
		out[m.file] = []byte(m.now)
	default:
		if !bytes.Contains(out[m.file], []byte(m.old)) {
			t.Fatalf("%s: %s does not hold %q", m.app, m.file, m.old)
		}
		out[m.file] = bytes.Replace(out[m.file], []byte(m.old), []byte(m.now), 1)
	}
	return out
}

// TestProjectsAsTheirTools has the projects' own compilers and bundlers look at every copy: what the table of mutations says is
// what they say. It takes an npm with Node and minutes.
func TestProjectsAsTheirTools(t *testing.T) {
	if os.Getenv("CODEFORGE_NPM") == "" {
		t.Skip("with CODEFORGE_NPM=1: npm installs the projects and their own tools build them")
	}
	c := machinePackages(t)
	for _, project := range realProjects {
		t.Run(project.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			files := assemble(t, c, project)
			tools := func(script string) (string, bool) {
				cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "CI=false")
				out, err := cmd.CombinedOutput()
				return string(out), err == nil
			}
			const install = "npm install --no-audit --no-fund --ignore-scripts"
			build := "npm run build"
			var manifest struct{ Scripts map[string]string }
			if err := json.Unmarshal(files["package.json"], &manifest); err == nil && manifest.Scripts["check"] != "" {
				build += " && npm run check"
			}
			put(t, dir, files)
			if out, ok := tools(install + " && " + build); !ok {
				t.Fatalf("the tools refuse what is no mutation: %s", out)
			}
			for _, m := range mutations {
				if m.app != project.name {
					continue
				}
				now := m.of(t, files)
				put(t, dir, now)
				if now[m.file] == nil {
					os.Remove(filepath.Join(dir, m.file))
				}
				script := build
				if m.file == "package.json" {
					script = install + " && " + build
				}
				if out, ok := tools(script); ok == m.broken {
					t.Errorf("%s, %q to %q: the tools take it: %v\n%s", m.file, m.old, m.now, ok, out)
				}
				if files[m.file] == nil {
					os.Remove(filepath.Join(dir, m.file))
				}
				put(t, dir, files)
				if m.file == "package.json" {
					tools(install)
				}
			}
		})
	}
}

// TestProjectTimes measures from an import to a preview that answers, with no package at hand and with all, beside what npm and
// the project's own bundler take. It asserts nothing of them.
func TestProjectTimes(t *testing.T) {
	if os.Getenv("CODEFORGE_NPM") == "" {
		t.Skip("with CODEFORGE_NPM=1: it fetches all packages anew, with npm too")
	}
	c := machinePackages(t)
	for _, project := range realProjects {
		t.Run(project.name, func(t *testing.T) {
			files := assemble(t, c, project)
			archive := zipped(t, files)
			data := t.TempDir()
			p := start(t, data, "NPM_REGISTRY=")
			shown := func() time.Duration {
				began := time.Now()
				id := p.importZip(t, project.name, archive)
				var preview struct{ URL string }
				p.must(t, "/v1/projects/"+id+"/preview", &preview)
				req, err := http.NewRequestWithContext(t.Context(), "GET", p.Base, nil)
				if err != nil {
					t.Fatal(err)
				}
				host, _, _ := strings.Cut(strings.TrimPrefix(preview.URL, "http://"), "/")
				req.Host = host
				resp, err := http.DefaultClient.Do(req)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				if resp.StatusCode != http.StatusOK {
					t.Errorf("the preview answers %d", resp.StatusCode)
				}
				return time.Since(began)
			}
			cold := shown()
			p.kill()
			p = start(t, data, "NPM_REGISTRY=")
			warm, again := shown(), shown()

			dir, cache := t.TempDir(), t.TempDir()
			put(t, dir, files)
			tools := func(script string) time.Duration {
				began := time.Now()
				cmd := exec.CommandContext(t.Context(), "sh", "-c", script)
				cmd.Dir = dir
				cmd.Env = append(os.Environ(), "npm_config_cache="+cache)
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v %s", err, out)
				}
				return time.Since(began)
			}
			build := "npx vite build"
			if project.name == "cra" {
				build = "npm run build"
			}
			tools("npm install --package-lock-only --no-audit --no-fund --cache " + t.TempDir())
			const ci = "rm -rf node_modules && npm ci --no-audit --no-fund --ignore-scripts && "
			npmCold, npmWarm := tools(ci+build), tools(ci+build)
			t.Logf("cold %v (npm %v, %.1f times); warm in a new process %v, then %v (npm %v, %.1f times)", cold, npmCold, npmCold.Seconds()/cold.Seconds(), warm, again, npmWarm, npmWarm.Seconds()/warm.Seconds())
		})
	}
}

// put writes files into a folder.
func put(t *testing.T, dir string, files map[string][]byte) {
	t.Helper()
	for p, content := range files {
		if err := os.MkdirAll(filepath.Join(dir, path.Dir(p)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, p), content, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
