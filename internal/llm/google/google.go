// Package google speaks Gemini's generateContent API.
package google

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// Options as all adapters take them; BaseURL is without a version.
type Options = wire.Options

// New makes a provider that answers with Gemini models.
func New(o Options) *wire.Client {
	return wire.NewClient(o, wire.Provider{
		Name: "google", BaseURL: "https://generativelanguage.googleapis.com",
		Auth: func(h http.Header, key string) { h.Set("X-Goog-Api-Key", key) },
		Path: func(model string, stream bool) string {
			method := ":generateContent"
			if stream {
				method = ":streamGenerateContent?alt=sse"
			}
			return "/v1beta/" + resource(model) + method
		},
		ModelsPath: "/v1beta/models?pageSize=1000",
		Body: func(req *llm.Request, name string, _ llm.Dialect, limit int, _ bool) any {
			return requestBody(req, name, limit)
		},
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

// resource is a model's name in a path: models/x, unless it says what else it is.
func resource(model string) string {
	if !strings.HasPrefix(model, "models/") && !strings.HasPrefix(model, "tunedModels/") {
		model = "models/" + model
	}
	kind, name, _ := strings.Cut(model, "/")
	return kind + "/" + url.PathEscape(name)
}
