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
	keys := map[string]string{llm.OpenAI: cfg.OpenAIKey, llm.Anthropic: cfg.AnthropicKey, llm.Google: cfg.GoogleKey}
	for name, key := range keys {
		if key != "" {
			o.Providers[name] = cfg.provider(catalog, name, key)
		}
	}
	if cfg.CompatibleURL != "" {
		o.Providers[llm.Compatible] = cfg.provider(catalog, llm.Compatible, cfg.CompatibleKey)
		o.Defaults[llm.Compatible] = cfg.CompatibleModel
	}
	for _, e := range catalog.Endpoints() {
		o.Defaults[e.Name] = e.Model // a user may have a key where the server has none
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
		o.Providers[e.Name] = cfg.provider(catalog, e.Name, key)
	}
	o.Warn = func(w llm.Warning) { cfg.logWarning(log, w) }
	return llm.NewRouter(o), nil
}

// provider makes the provider of a name, nil where there is none: its address is the configuration's, whoever's the key.
func (c *Config) provider(catalog *llm.Catalog, name, key string) llm.Provider {
	with := func(url string) wire.Options {
		return wire.Options{Name: name, BaseURL: url, Key: key, IdleTimeout: time.Duration(c.LLMIdle),
			Dialect: func(model string) llm.Dialect { return catalog.Dialect(name, model) }}
	}
	switch name {
	case llm.OpenAI:
		return openai.New(with(c.OpenAIURL))
	case llm.Anthropic:
		return anthropic.New(with(c.AnthropicURL))
	case llm.Google:
		return google.New(with(c.GoogleURL))
	case llm.Compatible:
		if c.CompatibleURL != "" {
			return compatible.New(with(c.CompatibleURL))
		}
	}
	for _, e := range catalog.Endpoints() {
		if e.Name == name {
			return compatible.New(with(e.URL))
		}
	}
	return nil
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
