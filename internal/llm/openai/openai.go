// Package openai speaks OpenAI's Responses API.
package openai

import (
	"regexp"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Options as all adapters take them; BaseURL is with the version.
type Options = wire.Options

// New makes a provider that answers with OpenAI's models.
func New(o Options) *wire.Client {
	return wire.NewClient(o, wire.Provider{
		Name: "openai", BaseURL: "https://api.openai.com/v1",
		Auth:       wire.Bearer,
		Path:       func(string, bool) string { return "/responses" },
		ModelsPath: "/models",
		Body: func(req *llm.Request, name string, _ llm.Dialect, limit int, stream bool) any {
			return requestBody(req, name, limit, stream)
		},
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
