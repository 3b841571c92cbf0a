// Package compatible speaks OpenAI's Chat Completions API, as OpenAI and the many endpoints that follow it understand it.
// What an endpoint makes of the optional parts of a request is its dialect: configured, or learned from its refusals.
package compatible

import (
	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Options as all adapters take them; BaseURL is up to and with the version.
type Options = wire.Options

// New makes a provider that answers with the models of one endpoint.
func New(o Options) *wire.Client {
	return wire.NewClient(o, wire.Provider{
		Name: "compatible", BaseURL: "https://api.openai.com/v1",
		Auth:       wire.Bearer,
		Path:       func(string, bool) string { return "/chat/completions" },
		ModelsPath: "/models",
		Body: func(req *llm.Request, name string, d llm.Dialect, limit int, stream bool) any {
			s := speaker{d: d, provider: name, model: req.Model, own: map[string]bool{}}
			return s.requestBody(req, limit, stream)
		},
		Decoder:  func() wire.Decoder { return &decoder{} },
		Optional: optional,
		Mend:     adaptDialect,
	})
}
