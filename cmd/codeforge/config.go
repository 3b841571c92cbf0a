package main

import (
	"encoding/json"
	"fmt"
	"os"
	"text/tabwriter"

	"codeforge"
	"codeforge/internal/server"

	"github.com/alecthomas/kong"
)

// Config is the command that shows all settings.
type Config struct {
	JSON     bool      `help:"Print JSON."`
	Settings unchecked `embed:""`
}

// unchecked is settings as they are, fit or not.
type unchecked server.Config

// Run implements the command. It fails when the settings would keep a server from starting.
func (c *Config) Run(cli *kong.Context, env *server.Environment) error {
	settings := server.Config(c.Settings)
	all := settings.Settings(env, givenFlags(cli))
	if c.JSON {
		out := json.NewEncoder(os.Stdout)
		out.SetIndent("", "  ")
		return out.Encode(all)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "SETTING\tVALUE\tFROM")
	for _, s := range all {
		fmt.Fprintf(w, "%s\t%s\t%s\n", s.Name, codeforge.Plain(s.Value), codeforge.Plain(s.Origin))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return settings.ValidateServing()
}
