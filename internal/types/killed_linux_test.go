package types_test

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"codeforge/internal/npm"
	"codeforge/internal/types"
	"codeforge/internal/verify"
)

const hangIn = "TYPES_TEST_HANG_IN"

// A server that is killed takes its compilers with it, and the next one removes their folders.
func TestKilledServer(t *testing.T) {
	name, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	client, err := npm.Open(npm.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if dir := os.Getenv(hangIn); dir != "" { // this is the server
		c, err := types.Open(types.Options{Dir: dir, NPM: client, Path: name})
		if err == nil {
			_, err = c.Check(t.Context(), "u", verify.Tree{Files: map[string]string{"act.ts": "//hang"}})
		}
		t.Fatal(err)
	}
	dir := t.TempDir()
	server := exec.Command(name, "-test.run", "^TestKilledServer$")
	server.Env = append(os.Environ(), hangIn+"="+dir)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	var pid []byte
	for len(pid) == 0 || pid[len(pid)-1] != '\n' {
		if list, _ := filepath.Glob(filepath.Join(dir, "check-*", ".build", "pid")); len(list) > 0 {
			pid, _ = os.ReadFile(list[0])
		}
		runtime.Gosched()
	}
	if err := server.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := server.Wait(); err == nil {
		t.Error("the server ended by itself")
	}
	for alive := true; alive; runtime.Gosched() {
		stat, err := os.ReadFile(fmt.Sprintf("/proc/%s/stat", bytes.TrimSpace(pid)))
		alive = err == nil && !bytes.Contains(stat, []byte(") Z ")) && !bytes.Contains(stat, []byte(") X "))
	}
	if _, err := types.Open(types.Options{Dir: dir, NPM: client}); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Error(left, err)
	}
}
