package google

import (
	"encoding/json"
	"errors"
	"net/http"
	"regexp"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// NewEmbedder makes a provider whose models answer a request's messages with a vector for each. Vectors of size numbers are asked for.
func NewEmbedder(o Options, size int) *wire.Client {
	return wire.NewClient(o, wire.Provider{
		Name: "google", BaseURL: "https://generativelanguage.googleapis.com",
		Auth:       func(h http.Header, key string) { h.Set("X-Goog-Api-Key", key) },
		Path:       func(model string, _ bool) string { return "/v1beta/" + resource(model) + ":batchEmbedContents" },
		ModelsPath: "/v1beta/models?pageSize=1000",
		Body: func(req *llm.Request, _ string, _ llm.Dialect, _ int, _ bool) any {
			var b embedRequests
			for _, text := range wire.Texts(req) {
				one := embedRequest{Model: resource(req.Model), Task: "SEMANTIC_SIMILARITY", Size: size}
				one.Content.Parts = []embedPart{{text}}
				b.Requests = append(b.Requests, one)
			}
			return b
		},
		Decoder: func() wire.Decoder { return wire.Embedded(readEmbeddings) },
		Optional: []wire.Optional{
			{Path: "requests.taskType", Words: regexp.MustCompile(`task ?_?type`)},
			{Path: "requests.outputDimensionality", Words: regexp.MustCompile(`dimension`)},
		},
	})
}

type embedRequests struct {
	Requests []embedRequest `json:"requests"`
}

type embedRequest struct {
	Model   string `json:"model"`
	Content struct {
		Parts []embedPart `json:"parts"`
	} `json:"content"`
	Task string `json:"taskType"`
	Size int    `json:"outputDimensionality"`
}

type embedPart struct {
	Text string `json:"text"`
}

func readEmbeddings(body []byte, a *wire.Answer) error {
	var r struct {
		Embeddings []struct {
			Values json.RawMessage `json:"values"`
		} `json:"embeddings"`
		Usage struct {
			Prompt wire.Number `json:"promptTokenCount"`
		} `json:"usageMetadata"`
		Error json.RawMessage `json:"error"`
	}
	if err := wire.Decode(body, &r); err != nil {
		return wire.Malformed(err)
	}
	if wire.Present(r.Error) {
		return wire.Failure(body)
	}
	if len(r.Embeddings) == 0 {
		return wire.Malformed(errors.New("an answer without vectors"))
	}
	a.Use(r.Usage.Prompt, 0, 0, 0, 0)
	vectors := make([][]float32, len(r.Embeddings))
	for i, e := range r.Embeddings {
		var err error
		if vectors[i], err = wire.Vector(e.Values); err != nil {
			return wire.Malformed(err)
		}
	}
	a.Vectors = vectors
	return nil
}
