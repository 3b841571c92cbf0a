package main

import (
	"context"
	"fmt"

	"codeforge/internal/server"

	"github.com/alecthomas/kong"
)

// Support is the command that gathers what somebody who helps needs to know.
type Support struct {
	To         string `arg:"" optional:"" default:"." help:"File to write, or a folder, where it gets a name of its own."`
	Log        string `type:"path" placeholder:"FILE" help:"Log file of the server, of which the end is taken."`
	Goroutines bool   `help:"Add what the goroutines of the running server do; it must have DEBUG_ENDPOINTS on."`
	server.Config
}

// Run implements the command.
func (s *Support) Run(ctx context.Context, cli *kong.Context, env *server.Environment) error {
	name, err := server.Support(ctx, &s.Config, server.SupportOptions{To: s.To, Log: s.Log, Goroutines: s.Goroutines, Settings: s.Settings(env, givenFlags(cli))})
	if err != nil {
		return err
	}
	fmt.Println(name)
	fmt.Println("no secret of any setting is in it; look through it before you send it on all the same")
	return nil
}

// givenFlags are the names of the flags that the command line gave.
func givenFlags(cli *kong.Context) map[string]bool {
	given := map[string]bool{}
	for _, p := range cli.Path {
		if p.Flag != nil {
			given[p.Flag.Name] = true
		}
	}
	return given
}
