package server

import (
	"log/slog"
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
func NewRouter(cfg *Config, ledger llm.Ledger, log *slog.Logger) (*llm.Router, error) {
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
			if key, err = Secret(e.KeyEnv); err != nil {
				return nil, err
			}
			if key == "" {
				log.Warn("endpoint left out: its key is not set", "endpoint", e.Name, "variable", e.KeyEnv)
				continue
			}
		}
		o.Providers[e.Name] = compatible.New(with(e.Name, e.URL, key))
		o.Defaults[e.Name] = e.Model
	}
	o.Warn = func(w llm.Warning) { cfg.logWarning(log, w) }
	return llm.NewRouter(o), nil
}

// logWarning logs what an operator should act on; that the offline model answers is none where it is meant.
func (c *Config) logWarning(log *slog.Logger, w llm.Warning) {
	if w.Kind == llm.WarnScaffold && c.Scaffold {
		return
	}
	log.Warn(w.Message, "kind", w.Kind, "model", w.Model, "successor", w.Successor)
}

// mainModel names what answers where no route says otherwise: "scaffold", or provider:model.
func mainModel(r *llm.Router) string {
	chain, _ := r.Catalog.Route("", r.Configured(), time.Now())
	if chain[0].Provider == llm.Scaffold {
		return llm.Scaffold
	}
	return chain[0].Name()
}
