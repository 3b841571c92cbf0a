package browser

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// program writes a program that says something when it is asked for its version.
func program(t *testing.T, name, says string) string {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte("#!/bin/sh\necho '"+says+"'\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestFind: the named program is taken, else the first of the usual names; what is no Chromium is refused with what it says.
func TestFind(t *testing.T) {
	named := program(t, "my-browser", "Chromium 148.0.7778.167 built on Debian")
	if p, err := Find(t.Context(), named); err != nil || p != (Program{named, "148.0.7778.167"}) {
		t.Errorf("named: %v, %v", p, err)
	}
	usual := program(t, "google-chrome", "Google Chrome 131.0.6778.85 ")
	t.Setenv("PATH", filepath.Dir(usual)+string(os.PathListSeparator)+"/bin")
	if p, err := Find(t.Context(), ""); err != nil || p.Version == "" {
		t.Errorf("on PATH: %v, %v", p, err)
	}
	t.Setenv("PATH", t.TempDir())
	if _, err := Find(t.Context(), ""); !errors.Is(err, ErrNotFound) {
		t.Errorf("nowhere: %v", err)
	}
	if _, err := Find(t.Context(), program(t, "other", "Mozilla Firefox 140.0")); err == nil || !strings.Contains(err.Error(), "Firefox") {
		t.Errorf("another browser: %v", err)
	}
	if _, err := Find(t.Context(), "/nonexistent/chromium"); err == nil {
		t.Error("a program that is not there was found")
	}
}
