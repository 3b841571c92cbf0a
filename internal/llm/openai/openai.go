// Package openai speaks OpenAI's Responses API.
package openai

import (
	"context"
	"net/http"
	"regexp"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Options as all adapters take them; BaseURL is with the version.
type Options = wire.Options

// Provider answers with OpenAI's models.
type Provider struct{ wire *wire.Client }

// New makes a provider.
func New(o Options) *Provider {
	return &Provider{wire.NewClient(o, wire.Provider{
		Name: "openai", BaseURL: "https://api.openai.com/v1",
		Auth: func(h http.Header, key string) {
			if key != "" {
				h.Set("Authorization", "Bearer "+key)
			}
		},
	})}
}

// Name is openai, unless the options say otherwise.
func (p *Provider) Name() string { return p.wire.Name() }

// Generate implements llm.Provider.
func (p *Provider) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	return p.wire.Generate(ctx, req, sink, wire.Call{
		Path:     func(bool) string { return "/responses" },
		Body:     func(_ llm.Dialect, limit int, stream bool) any { return requestBody(req, p.Name(), limit, stream) },
		Decoder:  func() wire.Decoder { return &decoder{} },
		Optional: optional,
	})
}

// optional are the parts that other servers of this API do not know.
var optional = []wire.Optional{
	{Path: "prompt_cache_key"}, {Path: "include", Words: regexp.MustCompile(`\binclude\b|encrypted_content|zdr`)}, {Path: "store"}, {Path: "temperature"},
	{Path: "tools.strict"}, {Path: "text.format.strict"},
	{Path: "reasoning", Words: regexp.MustCompile(`reasoning|thinking|effort`)},
	{Path: "max_output_tokens"},
}

// Learned implements llm.Learner.
func (p *Provider) Learned() map[string]llm.Dialect { return p.wire.Learned() }

// Models implements llm.Lister.
func (p *Provider) Models(ctx context.Context) ([]llm.Listed, error) {
	return p.wire.Models(ctx, "/models")
}
