package server

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	"codeforge"
	"codeforge/internal/browser"
	"codeforge/internal/evidence"
	"codeforge/internal/npm"
	"codeforge/internal/sandbox"
	"codeforge/internal/types"
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

// ladder is what checks projects. What it keeps of its own lies in a folder that no other process may use.
func (c *Config) ladder(children sandbox.Options, dir string, observe func(context.Context, codeforge.Rung)) *evidence.Ladder {
	return evidence.New(evidence.Options{Observe: observe, Verifier: verify.NewVerifier(children), Packages: c.Packages, HasCompiler: c.TSCPath != "", Smoke: c.smoke(),
		Types: func(packages *npm.Client) (*types.Checker, error) {
			return types.Open(types.Options{Dir: dir, NPM: packages, Path: c.TSCPath})
		},
		Browser: func(ctx context.Context) (browser.Options, error) {
			program, err := browser.Find(ctx, c.BrowserPath)
			return browser.Options{Program: program, NoSandbox: c.BrowserSandbox == "off"}, err
		}})
}

// smoke says when what is built is run: where nobody said, in development.
func (c *Config) smoke() evidence.Smoke {
	if mode := evidence.Smoke(c.Smoke); mode != evidence.SmokeAuto || c.Environment == "development" {
		return mode
	}
	return evidence.SmokeOff
}
