package server

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	"codeforge/internal/evidence"
	"codeforge/internal/npm"
	"codeforge/internal/sandbox"
	"codeforge/internal/verify"
)

// packagesOff is the registry of a server without packages.
const packagesOff = "off"

// Packages opens the cache of npm packages, and the registry that this machine has.
func (c *Config) Packages(ctx context.Context) (*npm.Client, error) {
	var registry npm.Registry
	if c.NPMRegistry != packagesOff {
		registry = npm.Machine(ctx, os.Getenv, c.NPMRegistry == "")
		registry.URL = cmp.Or(c.NPMRegistry, registry.URL)
	}
	return npm.Open(npm.Options{
		Dir: filepath.Join(c.DataDir, "npm"), Registry: registry, Bytes: c.NPMBytes, Allow: c.NPMAllow, SignedIn: !c.Standalone(),
		Deny: c.NPMDeny, MinAge: time.Duration(c.NPMMinAge),
	})
}

// ladder is what checks projects.
func (c *Config) ladder(children sandbox.Options) *evidence.Ladder {
	return evidence.New(evidence.Options{Verifier: verify.NewVerifier(children), Packages: c.Packages})
}
