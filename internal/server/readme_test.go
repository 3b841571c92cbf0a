package server

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite what is generated")

const readme = "../../README.md"

// TestREADMESettings: the table of settings is made from the code.
func TestREADMESettings(t *testing.T) {
	var b strings.Builder
	b.WriteString("<!-- settings -->\n| variable | flag | default | what it does |\n| --- | --- | --- | --- |\n")
	for f := range reflect.TypeFor[Config]().Fields() {
		if _, hidden := f.Tag.Lookup("hidden"); hidden {
			continue
		}
		def := f.Tag.Get("default")
		if def != "" {
			def = "`" + def + "`"
		}
		fmt.Fprintf(&b, "| `%s` | `--%s` | %s | %s |\n", strings.ReplaceAll(f.Tag.Get("env"), ",", "` or `"), f.Tag.Get("name"), def, f.Tag.Get("help"))
	}
	b.WriteString("<!-- /settings -->")
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	table := regexp.MustCompile(`(?s)<!-- settings -->.*<!-- /settings -->`)
	want := table.ReplaceAllLiteralString(string(text), b.String())
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("the table of settings in the README is not what the code says: run make docs")
	}
	if err := os.WriteFile(readme, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestREADMEExamples runs the shell examples, all in one shell as a reader would, against a real server.
func TestREADMEExamples(t *testing.T) {
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(string(text), -1)
	if len(blocks) == 0 {
		t.Fatal("the README has no examples")
	}
	p := start(t, t.TempDir())
	var script strings.Builder
	script.WriteString("set -e -o pipefail\n")
	for _, b := range blocks {
		script.WriteString(strings.ReplaceAll(b[1], "localhost:8000", strings.TrimPrefix(p.Base, "http://")))
	}
	cmd := exec.Command("bash", "-c", script.String()+"\necho; echo JOB $JOB\n")
	cmd.Dir = t.TempDir()
	if err := os.WriteFile(filepath.Join(cmd.Dir, "logo.png"), []byte("\x89PNG\r\n\x1a\n\x00"), 0o644); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{`"status":"completed"`, "event: complete", `"ok":true`, ".localhost:", "@@ -1", `"revision":3`, "JOB 0"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("the examples never show %s", want)
		}
	}
	if t.Failed() {
		t.Logf("%.20000s", out)
	}
}
