package main

import (
	"codeforge"
	"codeforge/internal/sqlite"
	"context"
	"os"
	"path/filepath"
	"strings"
)

// Bench holds tools for measuring.
type Bench struct {
	Seed Seed `cmd:"" help:"Fill a data folder with rows of each kind, and write ids/projects.txt and ids/jobs.txt into it."`
}

// Seed is the command that fills a data folder.
type Seed struct {
	Rows int    `default:"1000" help:"Projects, jobs and files, this many of each."`
	Data string `default:"./data" help:"The data folder; DATA_DIR of the server that is measured."`
}

// Run implements the command.
func (s *Seed) Run(ctx context.Context) error {
	store, err := sqlite.Open(ctx, s.Data, sqlite.Options{})
	if err != nil {
		return err
	}
	defer store.Close()
	projects, jobs, err := store.Fill(ctx, codeforge.LocalUser(), s.Rows)
	if err != nil {
		return err
	}
	dir := filepath.Join(s.Data, "ids")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for name, ids := range map[string][]string{"projects.txt": projects, "jobs.txt": jobs} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(strings.Join(ids, "\n")+"\n"), 0o644); err != nil {
			return err
		}
	}
	return nil
}
