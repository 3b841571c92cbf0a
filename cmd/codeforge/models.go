package main

import (
	"cmp"
	"codeforge/internal/server"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"
)

// Models is the command that shows what calls would go where.
type Models struct {
	Check bool `help:"Also ask each provider for its list of models."`
	server.Config
}

// Run implements the command.
func (m *Models) Run(ctx context.Context) error {
	r, err := server.NewRouter(&m.Config, nil, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	now := time.Now()
	for _, route := range r.Catalog.File().Routes {
		chain, _ := r.Catalog.Route(route.Agent, r.Configured(), now)
		var names []string
		for _, t := range chain {
			names = append(names, t.Name())
		}
		printSafe(os.Stdout, "%-10s %s", route.Agent, strings.Join(names, " -> "))
	}
	fmt.Println()
	for _, model := range r.Catalog.File().Models {
		price := "price unknown"
		if p, ok := r.Catalog.Price(model.Name, now, 0); ok {
			price = fmt.Sprintf("in %s, out %s", perMillion(p.Input), perMillion(p.Output))
		}
		ends := ""
		if !model.Ends.IsZero() {
			ends = ", ends " + model.Ends.String()
		}
		printSafe(os.Stdout, "%-36s context %-9d %s%s", model.Name, model.Context, price, ends)
	}
	warns := r.Catalog.Warnings(r.Configured(), now)
	if m.Check {
		if warns, err = r.Check(ctx); err != nil {
			printSafe(os.Stdout, "warning: %v", err)
		}
	}
	for _, w := range warns {
		printSafe(os.Stdout, "warning: %s", w.Message)
	}
	return nil
}

func perMillion(micro *int64) string {
	if micro == nil {
		return "?"
	}
	return fmt.Sprintf("$%.2f", float64(cmp.Or(*micro, 0))/1e6)
}
