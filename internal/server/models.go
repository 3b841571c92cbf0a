package server

import (
	"log/slog"
	"time"

	"codeforge"
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
	names := []string{llm.OpenAI, llm.Anthropic, llm.Google, llm.Compatible}
	if cfg.CompatibleURL != "" {
		o.Defaults[llm.Compatible] = cfg.CompatibleModel
	}
	for _, e := range catalog.Endpoints() {
		o.Defaults[e.Name] = e.Model // a user may have a key where the server has none
		names = append(names, e.Name)
	}
	for _, name := range names {
		switch key, set, err := cfg.providerKey(catalog, name); {
		case err != nil:
			return nil, err
		case set:
			o.Providers[name] = cfg.provider(catalog, name, key)
		}
	}
	for _, e := range catalog.Endpoints() {
		if o.Providers[e.Name] == nil {
			log.Warn("endpoint left out: its key is not set", "next", "set the variable, or take the endpoint out of MODELS_FILE", "endpoint", e.Name, "variable", e.KeyEnv)
		}
	}
	o.Warn = func(w llm.Warning) { cfg.logWarning(log, w) }
	return llm.NewRouter(o), nil
}

// provider makes the provider of a name, nil where there is none: its address is the configuration's, whoever's the key.
func (c *Config) provider(catalog *llm.Catalog, name, key string) llm.Provider {
	o, ok := c.wireOptions(catalog, name, key)
	if !ok {
		return nil
	}
	switch name {
	case llm.OpenAI:
		return openai.New(o)
	case llm.Anthropic:
		return anthropic.New(o)
	case llm.Google:
		return google.New(o)
	}
	return compatible.New(o)
}

// embedder makes the provider of a name as one that embeds; nil: it has no such models, or there is none.
func (c *Config) embedder(catalog *llm.Catalog, name, key string) llm.Provider {
	o, ok := c.wireOptions(catalog, name, key)
	switch {
	case !ok || name == llm.Anthropic:
		return nil
	case name == llm.Google:
		return google.NewEmbedder(o, codeforge.VectorSize)
	}
	return openai.NewEmbedder(o, codeforge.VectorSize)
}

// wireOptions are how the provider of a name is reached; ok: there is one.
func (c *Config) wireOptions(catalog *llm.Catalog, name, key string) (o wire.Options, ok bool) {
	o = wire.Options{Name: name, Key: key, IdleTimeout: time.Duration(c.LLMIdle), Dialect: func(model string) llm.Dialect { return catalog.Dialect(name, model) }}
	switch name {
	case llm.OpenAI:
		o.BaseURL = c.OpenAIURL
	case llm.Anthropic:
		o.BaseURL = c.AnthropicURL
	case llm.Google:
		o.BaseURL = c.GoogleURL
	case llm.Compatible:
		o.BaseURL = c.CompatibleURL
		return o, c.CompatibleURL != ""
	default:
		for _, e := range catalog.Endpoints() {
			if e.Name == name {
				o.BaseURL = e.URL
				return o, true
			}
		}
		return o, false
	}
	return o, true
}

// providerKey is the key that the server has for a provider; set: it can be asked.
func (c *Config) providerKey(catalog *llm.Catalog, name string) (key string, set bool, err error) {
	switch name {
	case llm.OpenAI:
		return c.OpenAIKey, c.OpenAIKey != "", nil
	case llm.Anthropic:
		return c.AnthropicKey, c.AnthropicKey != "", nil
	case llm.Google:
		return c.GoogleKey, c.GoogleKey != "", nil
	case llm.Compatible:
		return c.CompatibleKey, c.CompatibleURL != "", nil
	}
	for _, e := range catalog.Endpoints() {
		if e.Name == name && e.KeyEnv != "" {
			key, err = Secret(e.KeyEnv)
			return key, key != "", err
		}
	}
	return "", true, nil
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
