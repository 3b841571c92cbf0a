package main

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/api"
	"codeforge/internal/llm"
	"codeforge/internal/sqlite"
)

// Migrate is the command that brings the database up to date.
type Migrate struct {
	Check bool `help:"Only say what would be done; exit 1 if anything is."`
	Config
}

// Run implements the command.
func (m *Migrate) Run(ctx context.Context) error {
	if m.Check {
		applied, pending, err := sqlite.Status(ctx, m.DataDir)
		if err != nil {
			return err
		}
		fmt.Printf("%s: %d applied, %d pending\n", m.DataDir, len(applied), len(pending))
		for _, name := range pending {
			fmt.Println("pending", name)
		}
		if len(pending) > 0 {
			return fmt.Errorf("the database is behind: run codeforge migrate")
		}
		return nil
	}
	done, err := sqlite.Migrate(ctx, m.DataDir)
	for _, name := range done {
		fmt.Println("applied", name)
	}
	if err == nil {
		fmt.Println(m.DataDir, "is up to date")
	}
	return err
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

// Doctor is the command that checks each configured part for real.
type Doctor struct{ Config }

// finding is what the doctor says of one part.
type finding struct {
	part, state, fix string // state: ok, warning or broken
}

// Run implements the command. It fails when a part is broken.
func (d *Doctor) Run(ctx context.Context) error {
	broken := 0
	all := []finding{d.data(ctx), d.port(ctx), d.previewHost(ctx), d.secret(ctx)}
	for _, f := range append(all, d.models(ctx)...) {
		fmt.Printf("%-8s %s\n", f.state, f.part)
		if f.fix != "" {
			fmt.Printf("         %s\n", f.fix)
		}
		if f.state == "broken" {
			broken++
		}
	}
	if broken > 0 {
		return fmt.Errorf("%d broken", broken)
	}
	return nil
}

// data opens the store and makes it prove a write.
func (d *Doctor) data(ctx context.Context) finding {
	part := "data folder " + d.DataDir
	store, err := sqlite.Open(ctx, d.DataDir, sqlite.Options{})
	if err != nil {
		if strings.Contains(err.Error(), "in use") {
			return finding{part, "ok", "in use by a running server, so not opened"}
		}
		return finding{part, "broken", err.Error()}
	}
	defer store.Close()
	if err := store.Ping(ctx); err != nil {
		return finding{part, "broken", err.Error() + ": restore the folder from a backup"}
	}
	return finding{part, "ok", ""}
}

// port sees whether the address is free, or ours already.
func (d *Doctor) port(ctx context.Context) finding {
	addr := net.JoinHostPort(d.host(), fmt.Sprint(d.Port))
	part := "address " + addr
	l, err := net.Listen("tcp", addr)
	if err == nil {
		l.Close()
		return finding{part, "ok", ""}
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var health struct{ Service, Status string }
	if (client{base: "http://" + addr}).call(ctx, "GET", "/health", nil, &health) == nil && health.Service == codeforge.Service {
		return finding{part, "ok", "CodeForge runs there and is " + health.Status}
	}
	return finding{part, "broken", err.Error() + ": choose another one with --port or PORT"}
}

// models asks every configured provider for its models, which proves key and address, and reports what is wrong with
// the routes.
func (d *Doctor) models(ctx context.Context) (all []finding) {
	r, err := newRouter(&d.Config, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return []finding{{"models", "broken", err.Error()}}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Providers)) {
		l, ok := r.Providers[name].(llm.Lister)
		if !ok {
			continue
		}
		asked, cancel := context.WithTimeout(ctx, 15*time.Second)
		list, err := l.Models(asked)
		cancel()
		if err != nil {
			all = append(all, finding{"provider " + name, "broken", err.Error() + ": check its key and address"})
			continue
		}
		all = append(all, finding{fmt.Sprintf("provider %s, %d models", name, len(list)), "ok", ""})
	}
	warns, _ := r.Check(ctx)
	for _, w := range warns {
		if w.Kind != llm.WarnScaffold || !d.Scaffold {
			all = append(all, finding{"models", "warning", w.Message})
		}
	}
	if len(all) == 0 {
		all = []finding{{"models", "ok", ""}}
	}
	return all
}

// previewHost sees whether the hosts of previews lead here.
func (d *Doctor) previewHost(ctx context.Context) finding {
	domain := d.PreviewDomain
	if domain == "" {
		return finding{"preview at <project_id>.localhost", "ok", "browsers lead *.localhost to this machine by themselves"}
	}
	host := codeforge.NewID() + "." + domain
	if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
		return finding{"preview at <project_id>." + domain, "broken", "make a wildcard DNS record *." + domain + " that leads to this server"}
	}
	return finding{"preview at <project_id>." + domain, "ok", ""}
}

// secret sees whether stream addresses can be signed.
func (d *Doctor) secret(context.Context) finding {
	if d.StreamSecret != "" {
		return finding{"stream secret from STREAM_SECRET", "ok", ""}
	}
	if _, err := streamSecret(&d.Config); err != nil {
		return finding{"stream secret", "broken", err.Error()}
	}
	return finding{"stream secret in " + d.DataDir, "ok", ""}
}
