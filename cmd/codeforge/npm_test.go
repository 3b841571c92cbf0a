package main

import (
	"os"
	"path/filepath"
	"testing"

	"codeforge/internal/npm/registrytest"
)

// TestWarm: the command fills the cache, from which the same is had once the registry is gone, and fails for what is missing.
func TestWarm(t *testing.T) {
	r := registrytest.New(t)
	r.Publish(t, "a", "1.0.0", registrytest.Version{Manifest: `{"dependencies":{"b":"^1"}}`})
	r.Publish(t, "b", "1.0.0", registrytest.Version{})
	dir := t.TempDir()
	file := filepath.Join(dir, "package.json")
	warm := func(manifest string) error {
		t.Helper()
		if err := os.WriteFile(file, []byte(manifest), 0o600); err != nil {
			t.Fatal(err)
		}
		return run([]string{"npm", "warm", file, "--data-dir", filepath.Join(dir, "data"), "--npm-registry", r.URL})
	}
	if err := warm(`{"dependencies":{"a":"1"}}`); err != nil {
		t.Error(err)
	}
	if err := warm(`{"dependencies":{"a":"1","none":"1"}}`); err == nil {
		t.Error("a package that there is not was fetched")
	}
	r.Close()
	if err := warm(`{"dependencies":{"a":"1"}}`); err != nil {
		t.Error(err)
	}
	if err := warm(`{"dependencies":`); err == nil {
		t.Error("half a package.json is one")
	}
}
