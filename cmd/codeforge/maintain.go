package main

import (
	"codeforge/internal/api"
	"codeforge/internal/postgres"
	"codeforge/internal/server"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

// Migrate is the command that brings the database up to date.
type Migrate struct {
	Check bool `help:"Only say what would be done; exit 1 if anything is." xor:"how"`
	Print bool `help:"Print the SQL that brings a Postgres up to date, for an SQL editor." xor:"how"`
	server.Config
}

// Run implements the command.
func (m *Migrate) Run(ctx context.Context) error {
	if m.Print {
		return postgres.Print(os.Stdout)
	}
	migrate, what := server.MigrateStore, "applied"
	if m.Check {
		migrate, what = func(ctx context.Context, cfg *server.Config) (string, []string, error) {
			return server.CheckMigrated(ctx, cfg, os.Stderr)
		}, "pending"
	}
	where, names, err := migrate(ctx, &m.Config)
	for _, name := range names {
		fmt.Println(what, name)
	}
	if err != nil {
		return err
	}
	fmt.Println(where, "is up to date")
	return nil
}

// Doctor is the command that checks each configured part for real.
type Doctor struct {
	JSON bool `name:"json" help:"Print one JSON object: status, and findings, each with part, title, state (ok, warning, broken) and message."`
	server.Config
}

// Run implements the command. It fails when a part is broken.
func (d *Doctor) Run(ctx context.Context) error {
	report := struct {
		Status   string             `json:"status"` // the worst of all states
		Findings []server.Diagnosis `json:"findings"`
	}{Status: server.FindingOK, Findings: server.Diagnose(ctx, &d.Config)}
	broken := 0
	for _, f := range report.Findings {
		switch {
		case f.State == server.FindingBroken:
			broken++
			report.Status = f.State
		case f.State == server.FindingWarning && broken == 0:
			report.Status = f.State
		}
	}
	if d.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		if err := out.Encode(report); err != nil {
			return err
		}
	} else {
		for _, f := range report.Findings {
			printSafe(os.Stdout, "%s", f)
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d broken: each says above what to do", broken)
	}
	return nil
}

// Replay is the command that runs an ended job again from its journal.
type Replay struct {
	Job string `arg:"" help:"Id of an ended job."`
	server.Config
}

// Run implements the command.
func (r *Replay) Run(ctx context.Context) error {
	differences, calls, err := server.Replay(ctx, &r.Config, r.Job)
	if err != nil {
		return err
	}
	if len(differences) > 0 {
		return fmt.Errorf("replayed with %d journaled answers, and it came out differently: %s", calls, strings.Join(differences, "; "))
	}
	fmt.Printf("replayed with %d journaled answers: the outcome is the same, byte for byte\n", calls)
	return nil
}

// OpenAPI is the command that prints the specification.
type OpenAPI struct{}

// Run implements the command.
func (OpenAPI) Run() error {
	b, err := api.Spec(api.Options{})
	if err == nil {
		_, err = fmt.Println(string(b))
	}
	return err
}
