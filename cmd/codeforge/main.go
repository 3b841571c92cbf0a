// Command codeforge is the whole backend: a server, the tools to look after it, and a demo.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/server"
	"codeforge/internal/verify"

	"github.com/alecthomas/kong"
)

// commands is the command line. Flags may stand before or after arguments.
type commands struct {
	Serve   Serve   `cmd:"" help:"Run the server until SIGTERM or Ctrl-C."`
	Demo    Demo    `cmd:"" help:"Build one idea and show the result: starts a server if none runs."`
	Import  Import  `cmd:"" help:"Import a folder, an archive or its address into a project, in one call."`
	Export  Export  `cmd:"" help:"Export a project into a folder or an archive."`
	Migrate Migrate `cmd:"" help:"Bring the database up to date."`
	Doctor  Doctor  `cmd:"" help:"Check each configured part for real and say what to fix."`
	Support Support `cmd:"" help:"Gather what somebody who helps needs to know into one archive, without secrets."`
	Config  Config  `cmd:"" help:"Show all settings, without secrets, and where each comes from."`
	Backup  Backup  `cmd:"" help:"Keep the data folder as one file, while a server may run."`
	Restore Restore `cmd:"" help:"Make a data folder of a backup."`
	Token   Token   `cmd:"" help:"Make, list and revoke tokens of our own, for machines that act for a user."`
	Models  Models  `cmd:"" help:"Show models, prices and routes, and what is wrong with them."`
	Ask     Ask     `cmd:"" help:"Make one model call and show what is known of it: tests a key, a route, an endpoint."`
	Replay  Replay  `cmd:"" help:"Run an ended job again from its journal, without network, and compare."`
	MCP     MCP     `cmd:"" name:"mcp" help:"Serve tools to another agent over standard input and output: starts a server if none runs."`
	NPM     NPM     `cmd:"" help:"Look after the npm packages that are kept for projects."`
	OpenAPI OpenAPI `cmd:"" name:"openapi" help:"Print the OpenAPI document."`
	Version Version `cmd:"" help:"Print the version."`
	Bench   Bench   `cmd:"" help:"Tools for measuring."`
}

func main() {
	verify.RunChild() // before settings are read: a child has none
	if err := run(os.Args[1:]); err != nil {
		printSafe(os.Stderr, "codeforge: %s", llm.Explain(err))
		os.Exit(exitCode(err))
	}
}

func run(args []string) error {
	hangups := make(chan os.Signal, 1)
	signal.Notify(hangups, syscall.SIGHUP) // from the beginning: a server is not ended by one
	env, err := server.LoadEnvironment()
	if err != nil {
		return err
	}
	_, cli, err := parse(args)
	if err != nil {
		return err
	}
	if cli.Command() != "serve" {
		signal.Reset(syscall.SIGHUP) // what runs in a terminal ends with it
	}
	cli.Bind((<-chan os.Signal)(hangups), env, cli, rereader(func() (*server.Config, error) {
		if err := env.Reload(); err != nil {
			return nil, err
		}
		c, _, err := parse(args)
		return &c.Serve.Config, err
	}))
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	// A second signal ends the process at once, as the first one gives handling back to the runtime.
	context.AfterFunc(ctx, stop)
	cli.BindTo(ctx, (*context.Context)(nil))
	return cli.Run()
}

// parse reads the command line, and the environment for what it does not say.
func parse(args []string) (*commands, *kong.Context, error) {
	var c commands
	parser, err := kong.New(&c, kong.Name("codeforge"), kong.UsageOnError(),
		kong.Description("Backend for AI code generation: agents as durable jobs, projects of versioned files that are known to build."),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}))
	if err != nil {
		return nil, nil, err
	}
	cli, err := parser.Parse(args)
	return &c, cli, err
}

// rereader reads the settings of a server that runs again.
type rereader func() (*server.Config, error)

// Serve is the command that runs the server.
type Serve struct{ server.Config }

// Validate is called by kong after parsing: everything that keeps the server from running is told at once.
func (s *Serve) Validate() error { return s.ValidateServing() }

// Run implements the command.
func (s *Serve) Run(ctx context.Context, hangups <-chan os.Signal, reread rereader) error {
	if s.HasConsole() {
		s.Listening = func(url string) { fmt.Println("The console is at " + url + "/") }
	}
	return server.Run(ctx, &s.Config, os.Stderr, hangups, reread)
}

// Version is the command that prints the version.
type Version struct{}

// Run implements the command.
func (Version) Run() error {
	fmt.Println("codeforge", codeforge.Version, build())
	return nil
}

// build says which sources this binary was made of, as far as the toolchain recorded it.
func build() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return ""
	}
	var out strings.Builder
	out.WriteString(info.GoVersion)
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" || s.Key == "vcs.modified" && s.Value == "true" {
			out.WriteString(" " + s.Key + "=" + s.Value)
		}
	}
	return out.String()
}
