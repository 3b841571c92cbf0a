package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"codeforge/internal/llm"
	"codeforge/internal/llm/anthropic"
	"codeforge/internal/llm/compatible"
	"codeforge/internal/llm/google"
	"codeforge/internal/llm/openai"
	"codeforge/internal/llm/wire"
	"codeforge/internal/offline"
)

// newRouter builds the models that are configured, and the route over them. The offline model is always among them: it
// answers where nothing else can.
func newRouter(cfg *Config, ledger llm.Ledger, log *slog.Logger) (*llm.Router, error) {
	catalog, err := llm.Load(cfg.ModelsFile)
	if err != nil {
		return nil, err
	}
	o := llm.Options{Catalog: catalog, Ledger: ledger, Log: log, Providers: map[string]llm.Provider{llm.Scaffold: offline.New()}, Defaults: map[string]string{}}
	with := func(name, url, key string) wire.Options {
		return wire.Options{Name: name, BaseURL: url, Key: key, IdleTimeout: time.Duration(cfg.LLMIdle),
			Dialect: func(model string) llm.Dialect { return catalog.Dialect(name, model) }}
	}
	if cfg.OpenAIKey != "" {
		o.Providers["openai"] = openai.New(with("openai", cfg.OpenAIURL, cfg.OpenAIKey))
	}
	if cfg.AnthropicKey != "" {
		o.Providers["anthropic"] = anthropic.New(with("anthropic", cfg.AnthropicURL, cfg.AnthropicKey))
	}
	if cfg.GoogleKey != "" {
		o.Providers["google"] = google.New(with("google", cfg.GoogleURL, cfg.GoogleKey))
	}
	if cfg.CompatibleURL != "" {
		o.Providers["compatible"] = compatible.New(with("compatible", cfg.CompatibleURL, cfg.CompatibleKey))
		o.Defaults["compatible"] = cfg.CompatibleModel
	}
	for _, e := range catalog.Endpoints() {
		key := ""
		if e.KeyEnv != "" {
			if key = os.Getenv(e.KeyEnv); key == "" {
				log.Warn("endpoint left out: its key is not set", "endpoint", e.Name, "variable", e.KeyEnv)
				continue
			}
		}
		o.Providers[e.Name] = compatible.New(with(e.Name, e.URL, key))
		o.Defaults[e.Name] = e.Model
	}
	o.Warn = func(w llm.Warning) { log.Warn(w.Message, "kind", w.Kind, "model", w.Model, "successor", w.Successor) }
	return llm.NewRouter(o), nil
}

// mainModel names what answers where no route says otherwise: "scaffold", or provider:model.
func mainModel(r *llm.Router) string {
	chain, _ := r.Catalog.Route("", r.Configured(), time.Now())
	if chain[0].Provider == llm.Scaffold {
		return llm.Scaffold
	}
	return chain[0].Name()
}

// limits are the configured ceilings.
func (c *Config) limits() map[llm.BudgetScope]int64 {
	out := map[llm.BudgetScope]int64{}
	for scope, d := range map[llm.BudgetScope]Dollars{llm.BudgetJob: c.BudgetJob, llm.BudgetProjectDay: c.BudgetProjectDay,
		llm.BudgetProjectMonth: c.BudgetProjectMonth, llm.BudgetUserDay: c.BudgetUserDay, llm.BudgetUserMonth: c.BudgetUserMonth} {
		if d.Micro != nil {
			out[scope] = *d.Micro
		}
	}
	return out
}

// watchModels says at start, and once a day, what is wrong with the routes: models that are gone or about to end.
func watchModels(ctx context.Context, router *liveRouter, log *slog.Logger) {
	day := time.NewTicker(24 * time.Hour)
	defer day.Stop()
	for {
		asked, cancel := context.WithTimeout(ctx, time.Minute)
		warns, err := router.Load().Check(asked)
		cancel()
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			log.Warn("some providers could not be asked for their models", "error", err)
		}
		for _, w := range warns {
			log.Warn(w.Message, "kind", w.Kind, "model", w.Model, "successor", w.Successor)
		}
		select {
		case <-day.C:
		case <-ctx.Done():
			return
		}
	}
}

// Models is the command that shows what calls would go where.
type Models struct {
	Check bool `help:"Also ask each provider for its list of models."`
	Config
}

// Run implements the command.
func (m *Models) Run(ctx context.Context) error {
	r, err := newRouter(&m.Config, nil, slog.New(slog.DiscardHandler))
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
		say(os.Stdout, "%-10s %s", route.Agent, strings.Join(names, " -> "))
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
		say(os.Stdout, "%-36s context %-9d %s%s", model.Name, model.Context, price, ends)
	}
	warns := r.Catalog.Warnings(r.Configured(), now)
	if m.Check {
		if warns, err = r.Check(ctx); err != nil {
			say(os.Stdout, "warning: %v", err)
		}
	}
	for _, w := range warns {
		say(os.Stdout, "warning: %s", w.Message)
	}
	return nil
}

func perMillion(micro *int64) string {
	if micro == nil {
		return "?"
	}
	return fmt.Sprintf("$%.2f", float64(cmp.Or(*micro, 0))/1e6)
}
