package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// demo runs the demo as its own process in a folder of its own, and returns what it printed and the files that it wrote.
func demo(t *testing.T, args []string, env ...string) (printed string, files map[string]string, dir string) {
	t.Helper()
	dir = t.TempDir()
	out := filepath.Join(dir, "out")
	cmd := exec.CommandContext(t.Context(), os.Args[0], append([]string{"demo", "--exit", "--port", "0", "--data-dir", filepath.Join(dir, "data"), "--out", out}, args...)...)
	cmd.Dir, cmd.Env = dir, append(append(os.Environ(), asProgram+"=1"), env...)
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	return string(text), filesBelow(t, out), out
}

// Where no packages can be had, the demo of a stack that needs them builds the plain app, and one line says how to turn them on.
func TestDemoWithoutPackages(t *testing.T) {
	printed, files, _ := demo(t, []string{"--stack", "react", "A CRM for dog walkers"}, "NPM_REGISTRY=off", "SMOKE=off")
	if files["package.json"] != "" || files["index.html"] == "" || files["src/dashboard.ts"] == "" {
		t.Errorf("it wrote %d files", len(files))
	}
	if said := slices.DeleteFunc(strings.Split(printed, "\n"), func(s string) bool { return !strings.HasPrefix(s, "Packages") }); len(said) != 1 || !strings.Contains(said[0], "NPM_REGISTRY=") {
		t.Errorf("it says %q in\n%s", said, printed)
	}
}

// With the registry of this machine, the demo's app is checked without a warning, and its own toolchain agrees where there is one.
func TestDemoWithReact(t *testing.T) {
	if os.Getenv("CODEFORGE_SOAK") == "" {
		t.Skip("it fetches packages: set CODEFORGE_SOAK")
	}
	for _, idea := range []string{"A CRM for dog walkers", "Recipes, meals, shopping items, tasks and notes"} {
		printed, files, dir := demo(t, []string{"--stack", "react", idea})
		if files["package.json"] == "" && strings.Contains(printed, "\nPackages  off") {
			t.Skip("no registry is set on this machine: NPM_REGISTRY, or npm's own setting, names one")
		}
		if !strings.Contains(printed, "\nVerified: ") || strings.Contains(printed, "warning:") || files["src/App.tsx"] == "" {
			t.Errorf("%s:\n%s", idea, printed)
		}
		if _, err := exec.LookPath("npm"); err != nil {
			t.Log("npm is not here: its verdict is left out")
			continue
		}
		for _, args := range [][]string{{"npm", "install", "--no-audit", "--no-fund"}, {"npm", "run", "build"}} {
			cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
			cmd.Dir = dir
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %v\n%s", idea, args, err, text)
			}
		}
	}
}
