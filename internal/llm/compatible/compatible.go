// Package compatible speaks OpenAI's Chat Completions API, as OpenAI and the many endpoints that follow it understand it.
// What an endpoint makes of the optional parts of a request is its dialect: configured, or learned from its refusals.
package compatible

import (
	"context"
	"net/http"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Options as all adapters take them; BaseURL is up to and with the version.
type Options = wire.Options

// Provider answers with the models of one endpoint.
type Provider struct{ wire *wire.Client }

// New makes a provider.
func New(o Options) *Provider {
	return &Provider{wire.NewClient(o, wire.Provider{
		Name: "compatible", BaseURL: "https://api.openai.com/v1",
		Auth: func(h http.Header, key string) {
			if key != "" {
				h.Set("Authorization", "Bearer "+key)
			}
		},
	})}
}

// Name is compatible, unless the options say otherwise.
func (p *Provider) Name() string { return p.wire.Name() }

// Generate implements llm.Provider.
func (p *Provider) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	return p.wire.Generate(ctx, req, sink, wire.Call{
		Path: func(bool) string { return "/chat/completions" },
		Body: func(d llm.Dialect, limit int, stream bool) any {
			s := speaker{d: d, provider: p.Name(), model: req.Model, own: map[string]bool{}}
			return s.requestBody(req, limit, stream)
		},
		Decoder:  func() wire.Decoder { return &decoder{} },
		Optional: optional,
		Mend:     adaptDialect,
	})
}

// Models implements llm.Lister.
func (p *Provider) Models(ctx context.Context) ([]llm.Listed, error) {
	return p.wire.Models(ctx, "/models")
}

// Learned implements llm.Learner.
func (p *Provider) Learned() map[string]llm.Dialect { return p.wire.Learned() }
