// Package anthropic speaks Anthropic's Messages API.
package anthropic

import (
	"net/http"
	"regexp"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Options as all adapters take them; BaseURL is without a version.
type Options = wire.Options

// New makes a provider that answers with Claude models.
func New(o Options) *wire.Client {
	return wire.NewClient(o, wire.Provider{
		Name: "anthropic", BaseURL: "https://api.anthropic.com",
		Auth:       func(h http.Header, key string) { h.Set("X-Api-Key", key) },
		Headers:    map[string]string{"Anthropic-Version": "2023-06-01"},
		Path:       func(string, bool) string { return "/v1/messages" },
		ModelsPath: "/v1/models?limit=1000",
		Body: func(req *llm.Request, name string, _ llm.Dialect, limit int, stream bool) any {
			return requestBody(req, name, limit, stream)
		},
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
