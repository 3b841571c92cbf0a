package main

import (
	"codeforge/internal/client"
	"codeforge/internal/server"
	"context"
	"errors"
	"fmt"
	"os"
	"path"
	"strings"
	"time"

	"codeforge"
)

// Demo is the command that shows the whole system on one idea, through the public HTTP API alone.
type Demo struct {
	Idea  []string `arg:"" optional:"" help:"What to build, in your own words." default:"A CRM for dog walkers"`
	Stack string   `help:"What to build it with: plain (TypeScript, HTML and CSS), or react (React, Tailwind CSS and Vite; needs npm packages)." enum:"plain,react" default:"plain" placeholder:"plain|react"`
	Out   string   `help:"Also write the files into this folder, which must be empty or not exist. Hidden files are left out." placeholder:"DIR"`
	Exit  bool     `help:"End when the project is done, instead of serving it until Ctrl-C."`
	Token string   `env:"CODEFORGE_TOKEN" help:"Bearer token, for a server that knows users."`
	server.Config
}

const stackReact = "react"

// Run implements the command.
func (d *Demo) Run(ctx context.Context) error {
	idea := strings.TrimSpace(strings.Join(d.Idea, " "))
	if idea == "" {
		return errors.New("say what to build: codeforge demo \"A CRM for dog walkers\"")
	}
	if d.Out != "" {
		if err := checkEmpty(d.Out); err != nil {
			return err
		}
	}
	d.RunLater = true // what was made is shown before it is run
	c, app, err := reach(ctx, &d.Config, "", d.Token, 0)
	if err != nil {
		return err
	}
	ours := app != nil
	if ours {
		defer app.Close()
	}
	var health struct{ Model string }
	if err := c.Call(ctx, "GET", "/health", nil, &health); err != nil {
		return err
	}
	s := newScreen(os.Stdout)
	s.line("CodeForge at %s, model %s%s", c.Base, health.Model,
		map[bool]string{true: " (built in: offline, no key; it builds small apps by rules, it does not think)"}[health.Model == "scaffold"])

	project, err := d.createProject(ctx, c, idea)
	if err != nil {
		return err
	}
	var job struct {
		ID     string `json:"job_id"`
		Stream string `json:"stream_url"`
	}
	if err := c.Call(ctx, "POST", "/v1/run-pipeline", map[string]any{"project_id": project.ID, "input_context": map[string]any{"user_message": idea}}, &job); err != nil {
		return err
	}
	s.line("Project %s: %s", project.ID, project.Title)
	if d.Stack == stackReact {
		s.line("Checks fetch the npm packages that are not here yet: the first run may wait for them, later ones do not.")
	}
	s.line("")
	if err := d.watch(ctx, c, job.Stream, s); err != nil {
		return err
	}

	var files struct{ Files []codeforge.File }
	if err := c.Call(ctx, "GET", "/v1/projects/"+project.ID+"/files", nil, &files); err != nil {
		return err
	}
	var check struct{ OK bool }
	if err := c.Call(ctx, "GET", "/v1/projects/"+project.ID+"/check", nil, &check); err != nil {
		return err
	}
	if !check.OK {
		return errors.New("the project was made, and does not verify; see " + c.Base + "/v1/projects/" + project.ID + "/check")
	}
	var preview struct{ URL string }
	if err := c.Call(ctx, "GET", "/v1/projects/"+project.ID+"/preview", nil, &preview); err != nil {
		return err
	}
	size, packaged := 0, false
	for _, f := range files.Files {
		size += int(f.Size)
		packaged = packaged || path.Base(f.Path) == "package.json"
	}
	s.line("\nVerified: %d files, %d bytes; every file parses, every reference leads somewhere, every page bundles.", len(files.Files), size)
	if d.Stack == stackReact && !packaged {
		s.line("Packages  off: this is the plain app. NPM_REGISTRY=<address>, or a registry that npm on this machine is set to, turns them on.")
	}
	if d.Out != "" {
		left, err := exportInto(ctx, c, "/v1/projects/"+project.ID+"/archive.tar.gz", d.Out, isHidden)
		if err != nil {
			return err
		}
		s.line("Written   %s", d.Out)
		if len(left) > 0 {
			s.line("Left out  %s (tools obey hidden files; read them before you take them over)", strings.Join(left, ", "))
		}
	}
	s.line("Open      %s", preview.URL)
	if d.HasConsole() {
		s.line("Console   %s/#/projects/%s", c.Base, project.ID)
	}
	s.line("Files     %s/v1/projects/%s/files", c.Base, project.ID)
	s.line("Job       %s/v1/jobs/%s", c.Base, job.ID)
	if err := runInBrowser(ctx, c, project.ID, s); err != nil {
		return err
	}
	if ours && d.Exit {
		s.line("(the server ends now; `codeforge serve` shows the project again)")
	}
	if ours && !d.Exit {
		s.line("\nServing until Ctrl-C.")
		<-ctx.Done()
	}
	return nil
}

func (d *Demo) createProject(ctx context.Context, c client.Client, idea string) (p codeforge.Project, err error) {
	body := map[string]any{"title": codeforge.FitLength(idea, codeforge.MaxTitle), "description": codeforge.FitLength(idea, codeforge.MaxDescription)}
	if d.Stack == stackReact {
		body["tech_stack"] = []string{"React", "Tailwind CSS", "TypeScript", "Vite"}
	}
	err = c.Call(ctx, "POST", "/v1/projects/", body, &p)
	return p, err
}

// startQuietly starts a server of our own: quiet, and on a free port when the wanted one is taken by something else.
func startQuietly(ctx context.Context, cfg *server.Config) (*server.Server, error) {
	cfg.LogLevel = "ERROR"
	app, err := server.Open(ctx, cfg, os.Stderr)
	if err != nil {
		return nil, err
	}
	if err = app.Listen(); err != nil {
		cfg.Port = 0
		err = app.Listen()
	}
	if err == nil {
		err = app.Start(ctx)
	}
	if err != nil {
		app.Close()
		return nil, err
	}
	return app, nil
}

// watch shows a job until it ends, reconnecting where the stream breaks.
func (d *Demo) watch(ctx context.Context, c client.Client, stream string, s *screen) error {
	last := "0"
	for try := 0; ; try++ {
		done, err := c.Stream(ctx, stream, &last, func(kind string, data []byte) (bool, error) { return s.event(kind, data) })
		if done || err == nil {
			return err
		}
		if try == 10 {
			return fmt.Errorf("the event stream broke %d times: %w", try+1, err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(200 * time.Millisecond):
		}
	}
}
