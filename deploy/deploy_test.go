// Package deploy checks what operators install, without a container engine: that it says what the program and the tools that read it
// understand. It is a module of its own, so that what it needs is no dependency of the program.
package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"sigs.k8s.io/kustomize/api/krusty"
	kustomize "sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/filesys"
	"sigs.k8s.io/yaml"

	apps "k8s.io/api/apps/v1"
	autoscaling "k8s.io/api/autoscaling/v2"
	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	policy "k8s.io/api/policy/v1"

	"codeforge/internal/server"
	"codeforge/internal/telemetry"
)

// run runs a program and returns what it printed; it fails the test if the program does.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Alerts are rules that Prometheus takes, each is shown to fire, and none does in an ordinary hour.
func TestRules(t *testing.T) {
	run(t, "promtool", "check", "rules", "prometheus/rules.yml")
	run(t, "promtool", "check", "config", "--syntax-only", "prometheus/prometheus.yml")
	run(t, "promtool", "test", "rules", "prometheus/rules_test.yml")
	tests := string(read(t, "prometheus/rules_test.yml"))
	for _, name := range alerts(t) {
		if strings.Count(tests, "alertname: "+name) < 2 {
			t.Errorf("the alert %s is not tested", name)
		}
	}
}

func alerts(t *testing.T) (names []string) {
	t.Helper()
	for _, m := range regexp.MustCompile(`- alert: (\w+)`).FindAllStringSubmatch(string(read(t, "prometheus/rules.yml")), -1) {
		names = append(names, m[1])
	}
	return names
}

// Each alert names a section of the runbook, which has no others.
func TestRunbook(t *testing.T) {
	rules, runbook := string(read(t, "prometheus/rules.yml")), string(read(t, "../docs/runbook.md"))
	var sections []string
	for _, m := range regexp.MustCompile(`(?m)^## (\w+)$`).FindAllStringSubmatch(runbook, -1) {
		sections = append(sections, m[1])
	}
	if want := alerts(t); !slices.Equal(sections, want) {
		t.Errorf("sections of the runbook: %v\nalerts: %v", sections, want)
	}
	for _, name := range sections {
		if !strings.Contains(rules, "runbook: docs/runbook.md#"+strings.ToLower(name)+"}") {
			t.Errorf("no alert leads to the section %s", name)
		}
	}
}

// Whatever rules, dashboard and runbook ask for is exported under that name, and Prometheus reads the dashboard's expressions.
func TestMetricsAreExported(t *testing.T) {
	exported := map[string]bool{}
	for _, name := range telemetry.Names() {
		exported[name] = true
	}
	for _, file := range []string{"prometheus/rules.yml", "prometheus/rules_test.yml", "grafana/dashboard.json", "kubernetes/worker.yaml", "../docs/runbook.md"} {
		for _, name := range regexp.MustCompile(`\bcodeforge_[a-z0-9_]+`).FindAllString(string(read(t, file)), -1) {
			if !exported[name] && !exported[name+"_count"] {
				t.Errorf("%s asks for %s, which is not exported", file, name)
			}
		}
	}
	var dashboard struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
		}
	}
	if err := json.Unmarshal(read(t, "grafana/dashboard.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	rules := "groups:\n- name: dashboard\n  rules:\n"
	asked := map[int]bool{}
	for _, p := range dashboard.Panels {
		if asked[p.ID] {
			t.Errorf("two panels have the id %d", p.ID)
		}
		asked[p.ID] = true
		for i, target := range p.Targets {
			rules += fmt.Sprintf("  - {record: p%d_%d, expr: %q}\n", p.ID, i, strings.ReplaceAll(target.Expr, "$__rate_interval", "1m"))
		}
	}
	file := filepath.Join(t.TempDir(), "dashboard.yml")
	if err := os.WriteFile(file, []byte(rules), 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "promtool", "check", "rules", file)
}

// The manifests are what kustomize takes, and what it makes of them is what the API's types say, to the letter. They hold each
// other together: services lead to pods, budgets and scalers to deployments, probes to ports.
func TestKubernetes(t *testing.T) {
	var k kustomize.Kustomization
	if err := yaml.UnmarshalStrict(read(t, "kubernetes/kustomization.yaml"), &k); err != nil {
		t.Error(err)
	}
	built, err := krusty.MakeKustomizer(krusty.MakeDefaultOptions()).Run(filesys.MakeFsOnDisk(), "kubernetes")
	if err != nil {
		t.Fatal(err)
	}
	scheme := runtime.NewScheme()
	for _, add := range []func(*runtime.Scheme) error{apps.AddToScheme, autoscaling.AddToScheme, batch.AddToScheme, core.AddToScheme, networking.AddToScheme, policy.AddToScheme} {
		if err := add(scheme); err != nil {
			t.Fatal(err)
		}
	}
	strict := serializer.NewCodecFactory(scheme, serializer.EnableStrict).UniversalDeserializer()
	deployments, scaled, bounded, served := map[string]*apps.Deployment{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	settings := map[string]bool{}
	for _, r := range built.Resources() {
		text, err := r.AsYAML()
		if err != nil {
			t.Fatal(err)
		}
		object, _, err := strict.Decode(text, nil, nil)
		if err != nil {
			t.Errorf("%s: %v", r.CurId(), err)
			continue
		}
		switch o := object.(type) {
		case *apps.Deployment:
			deployments[o.Name] = o
		case *autoscaling.HorizontalPodAutoscaler:
			scaled[o.Spec.ScaleTargetRef.Name] = true
		case *policy.PodDisruptionBudget:
			bounded[o.Spec.Selector.MatchLabels["app.kubernetes.io/name"]] = true
		case *core.Service:
			served[o.Spec.Selector["app.kubernetes.io/name"]] = true
		case *core.ConfigMap:
			for name := range o.Data {
				settings[name] = true
			}
		}
	}
	if len(deployments) != 2 || !served["api"] || served["worker"] {
		t.Fatalf("deployments %v, services to %v", deployments, served)
	}
	for name, d := range deployments {
		pod := d.Spec.Template.Spec
		c := pod.Containers[0]
		ports := map[string]bool{}
		for _, p := range c.Ports {
			ports[p.Name] = true
		}
		if !scaled[name] || !bounded[name] || !slices.Equal(c.Args, []string{"serve", "--role", name}) {
			t.Errorf("%s: scaled %v, bounded %v, %v", name, scaled[name], bounded[name], c.Args)
		}
		for _, p := range []*core.Probe{c.StartupProbe, c.LivenessProbe, c.ReadinessProbe} {
			if p == nil || !ports[p.HTTPGet.Port.String()] {
				t.Errorf("%s: a probe is missing or leads to no port", name)
			}
		}
		if !*pod.SecurityContext.RunAsNonRoot || !*c.SecurityContext.ReadOnlyRootFilesystem || *c.SecurityContext.AllowPrivilegeEscalation {
			t.Errorf("%s may do more than it needs", name)
		}
		if d.Spec.Template.Labels["app.kubernetes.io/part-of"] != "codeforge" {
			t.Errorf("%s: no network policy holds for it", name)
		}
	}
	known(t, "kubernetes/kustomization.yaml", settings)
}

// known reports settings that the program does not have.
func known(t *testing.T, file string, names map[string]bool) {
	t.Helper()
	all := server.SettingNames()
	for name := range names {
		if !all[name] {
			t.Errorf("%s sets %s, which is no setting", file, name)
		}
	}
}

// The compose file sets what the program knows.
func TestCompose(t *testing.T) {
	var c struct {
		Services map[string]struct {
			Image       string         `json:"image"`
			Command     []string       `json:"command"`
			Environment map[string]any `json:"environment"`
			Volumes     []string       `json:"volumes"`
		} `json:"services"`
		Volumes map[string]any `json:"volumes"`
	}
	if err := yaml.Unmarshal(read(t, "compose.yaml"), &c); err != nil {
		t.Fatal(err)
	}
	for name, s := range c.Services {
		if s.Image == "codeforge-backend" {
			names := map[string]bool{}
			for v := range s.Environment {
				names[v] = true
			}
			known(t, "compose.yaml, "+name, names)
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, named := c.Volumes[from]; !named {
				if _, err := os.Stat(from); err != nil {
					t.Errorf("%s mounts %s, which is neither a volume nor a file", name, from)
				}
			}
		}
	}
	if a, w := c.Services["api"].Command, c.Services["worker"].Command; !slices.Equal(a, []string{"serve", "--role", "api"}) || !slices.Equal(w, []string{"serve", "--role", "worker"}) {
		t.Errorf("roles: %v, %v", a, w)
	}
}

// The unit is one that systemd takes without a warning, and lets the program do little.
func TestSystemd(t *testing.T) {
	root := t.TempDir()
	unit := filepath.Join(root, "etc/systemd/system/codeforge.service")
	for path, content := range map[string][]byte{unit: read(t, "systemd/codeforge.service"), filepath.Join(root, "usr/local/bin/codeforge"): []byte("#!/bin/sh\n"), filepath.Join(root, "bin/kill"): []byte("#!/bin/sh\n")} {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		mode := os.FileMode(0o644)
		if strings.Contains(path, "bin/") {
			mode = 0o755
		}
		if err := os.WriteFile(path, content, mode); err != nil {
			t.Fatal(err)
		}
	}
	out, _ := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "--root="+root, "--man=no", "codeforge.service").CombinedOutput()
	for line := range strings.SplitSeq(string(out), "\n") { // of other units, which are not in that root, it may say what it wants
		if strings.Contains(line, "codeforge.service:") && !strings.Contains(line, "not found") {
			t.Error(line)
		}
	}
	run(t, "systemd-analyze", "security", "--offline=true", "--threshold=20", unit) // of 100; a unit that says nothing has 96
	names := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^Environment=(.*)$`).FindAllStringSubmatch(string(read(t, "systemd/codeforge.service")), -1) {
		for pair := range strings.FieldsSeq(m[1]) {
			name, _, _ := strings.Cut(pair, "=")
			names[name] = name != "HOME"
		}
	}
	delete(names, "HOME")
	known(t, "systemd/codeforge.service", names)
}

// image is what the Dockerfile makes: its last stage, laid out in a folder by its own instructions.
type image struct {
	root string
	env  []string
	user [2]int
	dir  string
	argv []string
}

// layOut reads the Dockerfile and carries out the COPY instructions of its last stage; what they take of the stage before is built
// here, by the line that builds it there.
func layOut(t *testing.T) image {
	t.Helper()
	parsed, err := parser.Parse(bytes.NewReader(read(t, "../Dockerfile")))
	if err != nil {
		t.Fatal(err)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		t.Fatal(err)
	}
	last := stages[len(stages)-1]
	if last.BaseName != "scratch" {
		t.Fatalf("the image is made from %s", last.BaseName)
	}
	out := t.TempDir()
	for _, c := range stages[0].Commands {
		if r, ok := c.(*instructions.RunCommand); ok && strings.Contains(r.CmdLine[0], "go build") {
			build := exec.CommandContext(t.Context(), "sh", "-c", strings.ReplaceAll(r.CmdLine[0], "/out/", out+"/"))
			build.Dir, build.Env = "..", append(os.Environ(), "CGO_ENABLED=0")
			if b, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, b)
			}
		}
	}
	i := image{root: t.TempDir(), dir: "/"}
	for _, c := range last.Commands {
		switch c := c.(type) {
		case *instructions.CopyCommand:
			from := strings.Replace(c.SourcePaths[0], "/out/", out+"/", 1)
			to := filepath.Join(i.root, c.DestPath)
			if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
				t.Fatal(err)
			}
			run(t, "cp", "-a", from, to)
			if c.Chown != "" {
				run(t, "chown", c.Chown, to)
			}
		case *instructions.EnvCommand:
			for _, kv := range c.Env {
				i.env = append(i.env, kv.String())
			}
		case *instructions.UserCommand:
			if _, err := fmt.Sscanf(c.User, "%d:%d", &i.user[0], &i.user[1]); err != nil {
				t.Fatalf("USER %s: %v", c.User, err)
			}
		case *instructions.WorkdirCommand:
			i.dir = c.Path
		case *instructions.EntrypointCommand:
			i.argv = append(i.argv, c.CmdLine...)
		case *instructions.CmdCommand:
			i.argv = append(i.argv, c.CmdLine...)
		}
	}
	return i
}

// The image's program runs where there is nothing but the image, as its user, writes to its folders only, serves, and ends well.
func TestImage(t *testing.T) {
	if os.Getuid() != 0 {
		t.Log("a root of its own takes root's rights: what follows is not looked at")
		return
	}
	i := layOut(t)
	if i.user[0] == 0 {
		t.Error("it runs as root")
	}
	os.Chmod(i.root, 0o755)
	names := map[string]bool{}
	for _, kv := range i.env {
		name, _, _ := strings.Cut(kv, "=")
		names[name] = true
	}
	delete(names, "HOME")
	delete(names, "TMPDIR")
	known(t, "Dockerfile", names)
	// What every container has besides: its processes, and devices that hold nothing.
	for _, dir := range []string{"proc", "dev"} {
		if err := os.Mkdir(filepath.Join(i.root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	run(t, "mount", "-t", "proc", "proc", filepath.Join(i.root, "proc"))
	t.Cleanup(func() { exec.Command("umount", "-l", filepath.Join(i.root, "proc")).Run() })
	run(t, "mknod", "-m", "666", filepath.Join(i.root, "dev/null"), "c", "1", "3")
	port := freePort(t)
	var log bytes.Buffer
	cmd := &exec.Cmd{Path: i.argv[0], Args: i.argv, Dir: i.dir, Env: append(slices.Clone(i.env), "INSECURE=true", "PORT="+port, "NPM_REGISTRY=off"), Stdout: &log, Stderr: &log,
		SysProcAttr: &syscall.SysProcAttr{Chroot: i.root, Credential: &syscall.Credential{Uid: uint32(i.user[0]), Gid: uint32(i.user[1])}}}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer cmd.Process.Kill()
	base := "http://127.0.0.1:" + port
	answered := false
	for range 300 {
		if r, err := http.Get(base + "/readyz"); err == nil {
			r.Body.Close()
			if answered = r.StatusCode == 200; answered {
				break
			}
		}
		time.Sleep(100 * time.Millisecond) // another process says nothing when it is ready
	}
	if !answered {
		t.Fatalf("it does not serve:\n%s", log.String())
	}
	r, err := http.Post(base+"/v1/projects", "application/json", strings.NewReader(`{"title":"From a bare root"}`))
	if err != nil || r.StatusCode != 200 {
		t.Fatalf("%v %v\n%s", r, err, log.String())
	}
	r.Body.Close()
	cmd.Process.Signal(syscall.SIGTERM)
	if err := cmd.Wait(); err != nil {
		t.Errorf("it ends with %v:\n%s", err, log.String())
	}
	entries, _ := os.ReadDir(i.root)
	for _, e := range entries {
		if !slices.Contains([]string{"codeforge", "data", "dev", "etc", "proc", "tmp"}, e.Name()) {
			t.Errorf("it wrote /%s", e.Name())
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// TestDocumentsAreYAML: what pages show of configurations of other programs can be read.
func TestDocumentsAreYAML(t *testing.T) {
	pages, err := filepath.Glob("../docs/*.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllSubmatch(text, -1) {
			seen++
			var what map[string]any
			if err := yaml.UnmarshalStrict(m[1], &what); err != nil || len(what) == 0 {
				t.Errorf("%s: %v: %s", page, err, m[1])
			}
		}
	}
	if seen == 0 {
		t.Error("no page shows any")
	}
}
