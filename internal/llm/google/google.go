// Package google speaks Gemini's generateContent API.
package google

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Options as all adapters take them; BaseURL is without a version.
type Options = wire.Options

// Provider answers with Gemini models.
type Provider struct{ wire *wire.Client }

// New makes a provider.
func New(o Options) *Provider {
	return &Provider{wire.NewClient(o, wire.Provider{
		Name: "google", BaseURL: "https://generativelanguage.googleapis.com",
		Auth: func(h http.Header, key string) {
			if key != "" {
				h.Set("X-Goog-Api-Key", key)
			}
		},
	})}
}

// Name is google, unless the options say otherwise.
func (p *Provider) Name() string { return p.wire.Name() }

// Generate implements llm.Provider.
func (p *Provider) Generate(ctx context.Context, req *llm.Request, sink func(llm.Delta)) (*llm.Response, error) {
	return p.wire.Generate(ctx, req, sink, wire.Call{
		Path: func(stream bool) string {
			method := ":generateContent"
			if stream {
				method = ":streamGenerateContent?alt=sse"
			}
			return "/v1beta/" + resource(req.Model) + method
		},
		Body:     func(_ llm.Dialect, limit int, _ bool) any { return requestBody(req, p.Name(), limit) },
		Decoder:  func() wire.Decoder { return &decoder{} },
		Optional: optional,
	})
}

// optional are the parts that not every model knows.
var optional = []wire.Optional{
	{Path: "generationConfig.thinkingConfig.thinkingLevel", Words: regexp.MustCompile(`thinking ?_?level`)},
	{Path: "generationConfig.thinkingConfig", Words: regexp.MustCompile(`thinking|thought`)},
	{Path: "generationConfig.temperature"},
}

// Learned implements llm.Learner.
func (p *Provider) Learned() map[string]llm.Dialect { return p.wire.Learned() }

// resource is a model's name in a path: models/x, unless it says what else it is.
func resource(model string) string {
	if !strings.HasPrefix(model, "models/") && !strings.HasPrefix(model, "tunedModels/") {
		model = "models/" + model
	}
	kind, name, _ := strings.Cut(model, "/")
	return kind + "/" + url.PathEscape(name)
}

// Models implements llm.Lister.
func (p *Provider) Models(ctx context.Context) ([]llm.Listed, error) {
	return p.wire.Models(ctx, "/v1beta/models?pageSize=1000")
}
