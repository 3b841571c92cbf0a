// Package typestest finds TypeScript's compiler, and other packages, for tests.
package typestest

import (
	"context"
	"os"
	"path/filepath"
	"testing"

	"codeforge/internal/npm"
	"codeforge/internal/types"
)

// Compiler is the path of the compiler that the program would fetch: the one that TSC_PATH names, or else one that is
// fetched once with the registry of this machine and kept in the user's cache folder. Tests need it, so one that cannot be
// had fails them.
func Compiler(t testing.TB) string {
	t.Helper()
	if path := os.Getenv("TSC_PATH"); path != "" {
		return path
	}
	path, reason, err := types.Compiler(context.Background(), Packages(t))
	if err != nil || reason != "" {
		t.Fatalf("the tests need TypeScript's native compiler: TSC_PATH names one, or a registry of packages is set (NPM_REGISTRY, or that of npm): %s %v", reason, err)
	}
	return path
}

// Packages are those of the registry of this machine, kept in the user's cache folder.
func Packages(t testing.TB) *npm.Client {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	registry := npm.Machine(context.Background(), os.Getenv, true)
	if url := os.Getenv("NPM_REGISTRY"); url != "" {
		registry.URL = url
	}
	client, err := npm.Open(npm.Options{Dir: filepath.Join(cache, "codeforge-test"), Registry: registry})
	if err != nil {
		t.Fatal(err)
	}
	return client
}
