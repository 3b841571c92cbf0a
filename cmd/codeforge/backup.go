package main

import (
	"context"
	"fmt"
	"time"

	"codeforge/internal/backup"
	"codeforge/internal/server"
)

// Backup is the command that keeps the data folder as one file.
type Backup struct {
	To string `arg:"" optional:"" default:"." help:"File to write, or a folder, where it gets a name of its own. Nothing is overwritten."`
	server.Config
}

// Run implements the command.
func (b *Backup) Run(ctx context.Context) error {
	name, m, err := server.Backup(ctx, &b.Config, b.To)
	if err != nil {
		return err
	}
	fmt.Println(name)
	printManifest(m)
	return nil
}

// Restore is the command that makes a data folder of a backup.
type Restore struct {
	From  string `arg:"" help:"The backup."`
	Check bool   `help:"Only read it whole and compare it with what it says of itself."`
	server.Config
}

// Run implements the command.
func (r *Restore) Run(ctx context.Context) error {
	if r.Check {
		m, err := backup.Check(ctx, r.From)
		if err != nil {
			return err
		}
		printManifest(m)
		return nil
	}
	m, err := server.Restore(ctx, &r.Config, r.From)
	if err != nil {
		return err
	}
	printManifest(m)
	fmt.Println("restored into", r.DataDir)
	return nil
}

// printManifest says what a backup holds.
func printManifest(m backup.Manifest) {
	rows := m.Database.Rows
	fmt.Printf("made %s by %s: %d projects, %d revisions, %d jobs; %d files, %d bytes\n", m.Made.Format(time.RFC3339), m.Version,
		rows["projects"], rows["project_revisions"], rows["jobs"], len(m.Files), m.Bytes())
}
