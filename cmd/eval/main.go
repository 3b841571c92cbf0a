// Command eval measures how well agents do their work with a model: see internal/eval, and docs/contributing.md for how to run it.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"codeforge/internal/eval"
	"codeforge/internal/llm"
	"codeforge/internal/server"
	"codeforge/internal/verify"

	"github.com/alecthomas/kong"
)

// command is the command line: what is measured, and the settings of the server that it is measured on.
type command struct {
	Model    string `placeholder:"PROVIDER:MODEL" help:"Who answers every call. Default: whom the routes name; scaffold is the offline model."`
	Record   string `placeholder:"DIR" help:"Keep the answers here. Those that are there already are taken, and cost nothing."`
	Replay   string `placeholder:"DIR" help:"Take all answers from here, and call no model."`
	Answers  string `placeholder:"DIR" help:"Take answers from files, TASK.json, where there is one."`
	Only     string `placeholder:"REGEXP" help:"Tasks with such a name."`
	Compare  bool   `name:"compare-patterns" help:"Run the tasks twice, without patterns and with those of a dozen other apps, and tell what differs. EMBEDDING_MODEL says by which model they are found."`
	Parallel int    `default:"4" help:"Tasks at once."`
	JSON     string `name:"json" placeholder:"FILE" help:"Also write the report as JSON."`
	server.Config
}

func main() {
	verify.RunChild() // before settings are read: a child has none
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		fmt.Fprintln(os.Stderr, "eval:", llm.Explain(err))
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	server.UnsetEmpty()
	var c command
	kong.Parse(&c, kong.Name("eval"), kong.Description("Measures how well agents do their work."))
	if c.Model == llm.Scaffold {
		c.Model = llm.Scaffold + ":" + llm.Scaffold
	}
	o := eval.Options{Model: c.Model, Record: c.Record, Replay: c.Replay, Answers: c.Answers, Parallel: c.Parallel, Progress: os.Stderr}
	if c.Only != "" {
		var err error
		if o.Only, err = regexp.Compile(c.Only); err != nil {
			return err
		}
	}
	var report interface{ Table(io.Writer) error }
	var err error
	if c.Compare {
		report, err = eval.ComparePatterns(ctx, c.Config, eval.Tasks(), o)
	} else {
		report, err = eval.Run(ctx, c.Config, eval.Tasks(), o)
	}
	if err != nil {
		return err
	}
	if c.JSON != "" {
		b, err := json.MarshalIndent(report, "", "  ")
		if err == nil {
			err = os.WriteFile(c.JSON, append(b, '\n'), 0o644)
		}
		if err != nil {
			return err
		}
	}
	return report.Table(os.Stdout)
}
