package server

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	"codeforge/internal/npm"
)

// Packages opens the cache of npm packages, and the registry that this machine has.
func (c *Config) Packages(ctx context.Context) (*npm.Client, error) {
	registry := npm.Machine(ctx, os.Getenv, c.NPMRegistry == "")
	registry.URL = cmp.Or(c.NPMRegistry, registry.URL)
	return npm.Open(npm.Options{
		Dir: filepath.Join(c.DataDir, "npm"), Registry: registry, Bytes: c.NPMBytes, Allow: c.NPMAllow, SignedIn: !c.Standalone(),
		Deny: c.NPMDeny, MinAge: time.Duration(c.NPMMinAge),
	})
}
