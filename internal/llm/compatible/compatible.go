// Package compatible speaks OpenAI's Chat Completions API, as OpenAI and the many endpoints that follow it understand it.
package compatible

import (
	"context"
	"net/http"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Options as all adapters take them, with BaseURL up to and with the version, and what differs between endpoints.
type Options struct {
	wire.Options
	MaxCompletionTokens bool // the limit is called max_completion_tokens (OpenAI itself), not max_tokens
	NoUsageOption       bool // the endpoint refuses stream_options
	JSONObject          bool // it takes no schema, only the wish for JSON: the schema goes into the system's text
}

// Provider answers with the models of one endpoint.
type Provider struct {
	o    Options
	wire *wire.Client
}

// New makes a provider.
func New(o Options) *Provider {
	return &Provider{o, wire.NewClient(o.Options, wire.Provider{
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
		Path: "/chat/completions", Body: p.body(req, p.wire.Streams(sink)), Decoder: &decoder{},
	})
}

// Models implements llm.Lister.
func (p *Provider) Models(ctx context.Context) ([]llm.Listed, error) {
	return p.wire.Models(ctx, "/models")
}
