package internal

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestDevStartsAgain: make dev builds and starts again when a source changes, and what does not build leaves the server as it is.
func TestDevStartsAgain(t *testing.T) {
	root, aside := t.TempDir(), t.TempDir()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	write := func(name, text string) {
		t.Helper()
		must(os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o700))
		whole := filepath.Join(aside, "whole") // a file that is half there would be a change of its own
		must(os.WriteFile(whole, []byte(text), 0o700))
		must(os.Rename(whole, filepath.Join(root, name)))
	}
	script, err := os.ReadFile("../scripts/dev")
	must(err)
	write("scripts/dev", string(script))
	// What stands for go makes a server that tells when it starts and stops, unless there is a file called broken.
	write("bin/go", `#!/bin/sh
[ -e "`+root+`/broken" ] && exit 1
cat > "$3" <<'END'
#!/bin/sh
trap 'echo stopped; exit 0' TERM
echo started "$@"
while :; do sleep 0.02; done
END
chmod +x "$3"
`)
	cmd := exec.Command(filepath.Join(root, "scripts/dev"), "--port", "1")
	cmd.Env = append(os.Environ(), "GO="+filepath.Join(root, "bin/go"), "DEV_INTERVAL=0.02")
	out, err := cmd.StdoutPipe()
	must(err)
	cmd.Stderr = cmd.Stdout
	must(cmd.Start())
	t.Cleanup(func() { cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	expect := func(wants ...string) {
		t.Helper()
		for _, want := range wants {
			if !lines.Scan() || !strings.Contains(lines.Text(), want) {
				t.Fatalf("%q (%v), want %q", lines.Text(), lines.Err(), want)
			}
		}
	}
	expect("started serve --shutdown-timeout 2 --port 1")
	write("internal/a.go", "package a\n")
	expect("internal/a.go changed", "stopped", "started")
	write("broken", "")
	expect("broken changed", "does not build; the server from before stays")
	must(os.Remove(filepath.Join(root, "broken")))
	write("internal/a.go", "package a // mended\n")
	expect("internal/a.go changed", "stopped", "started")
	must(cmd.Process.Signal(os.Interrupt))
	expect("stopped")
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
}
