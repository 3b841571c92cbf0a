package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"codeforge/internal/npm"
	"codeforge/internal/server"
)

// NPM is the command for packages.
type NPM struct {
	Warm Warm `cmd:"" help:"Fetch what a project needs into the cache of packages, so that it can be had without network."`
}

// Warm is the command that fills the cache.
type Warm struct {
	File string `arg:"" help:"A package.json; a package-lock.json beside it is followed."`
	server.Config
}

// Run implements the command.
func (w *Warm) Run(ctx context.Context) error {
	manifest, err := os.ReadFile(w.File)
	if err != nil {
		return err
	}
	lock, err := os.ReadFile(filepath.Join(filepath.Dir(w.File), "package-lock.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	packages, err := w.Packages(ctx)
	if err != nil {
		return err
	}
	got, problems, err := packages.Warm(ctx, npm.Project{Manifests: map[string][]byte{"package.json": manifest}, Lock: lock})
	if err != nil {
		return err
	}
	failed := 0
	for _, p := range problems {
		if !p.Warning {
			failed++
		}
		printSafe(os.Stdout, "%s: %s", p.Code, p.Message)
	}
	fmt.Printf("%d packages are at hand\n", got)
	if failed > 0 {
		return fmt.Errorf("%d packages cannot be had", failed)
	}
	return nil
}
