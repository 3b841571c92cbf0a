// Package anthropic speaks Anthropic's Messages API.
package anthropic

import (
	"context"
	"net/http"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Options as all adapters take them; BaseURL is without a version.
type Options = wire.Options

// Provider answers with Claude models.
type Provider struct{ wire *wire.Client }

// New makes a provider.
func New(o Options) *Provider {
	return &Provider{wire.NewClient(o, wire.Provider{
		Name: "anthropic", BaseURL: "https://api.anthropic.com",
		Auth: func(h http.Header, key string) {
			h.Set("Anthropic-Version", "2023-06-01")
			if key != "" {
				h.Set("X-Api-Key", key)
			}
		},
	})}
}

// Name is anthropic, unless the options say otherwise.
func (p *Provider) Name() string { return p.wire.Name() }

// Generate implements llm.Provider.
func (p *Provider) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	return p.wire.Generate(ctx, req, sink, wire.Call{
		Path: "/v1/messages", Body: body(req, p.Name(), p.wire.Streams(sink)), Decoder: &decoder{},
	})
}

// Models implements llm.Lister.
func (p *Provider) Models(ctx context.Context) ([]llm.Listed, error) {
	return p.wire.Models(ctx, "/v1/models?limit=1000")
}
