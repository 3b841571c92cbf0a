// Package anthropic speaks Anthropic's Messages API.
package anthropic

import (
	"context"
	"net/http"
	"regexp"

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
		Path:     func(bool) string { return "/v1/messages" },
		Body:     func(_ llm.Dialect, limit int, stream bool) any { return requestBody(req, p.Name(), limit, stream) },
		Decoder:  func() wire.Decoder { return &decoder{} },
		Optional: optional,
	})
}

// optional are the parts that older models, and other servers of this API, do not know.
var optional = []wire.Optional{
	{Path: "temperature"},
	{Path: "thinking", Words: regexp.MustCompile(`thinking|adaptive`)},
	{Path: "output_config.effort", Words: regexp.MustCompile(`effort|output_config`)},
	{Path: "system.cache_control"}, {Path: "tools.cache_control"}, {Path: "messages.content.cache_control"},
}

// Learned implements llm.Learner.
func (p *Provider) Learned() map[string]llm.Dialect { return p.wire.Learned() }

// Models implements llm.Lister.
func (p *Provider) Models(ctx context.Context) ([]llm.Listed, error) {
	return p.wire.Models(ctx, "/v1/models?limit=1000")
}
