package openai

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"

	"codeforge/internal/llm"
	"codeforge/internal/llm/wire"
)

// NewEmbedder makes a provider whose models answer a request's messages with a vector for each, over the embeddings API that most
// compatible endpoints speak too. Vectors of size numbers are asked for of models that have a choice.
func NewEmbedder(o Options, size int) *wire.Client {
	return wire.NewClient(o, wire.Provider{
		Name: "openai", BaseURL: "https://api.openai.com/v1",
		Auth:       wire.Bearer,
		Path:       func(string, bool) string { return "/embeddings" },
		ModelsPath: "/models",
		Body: func(req *llm.Request, _ string, _ llm.Dialect, _ int, _ bool) any {
			return embeddingsRequest{req.Model, wire.Texts(req), "float", size}
		},
		Decoder: func() wire.Decoder { return wire.Embedded(readEmbeddings) },
		Optional: []wire.Optional{
			{Path: "dimensions", Words: regexp.MustCompile(`dimension|matryoshka`)},
			{Path: "encoding_format"},
		},
	})
}

type embeddingsRequest struct {
	Model      string   `json:"model"`
	Input      []string `json:"input"`
	Format     string   `json:"encoding_format"`
	Dimensions int      `json:"dimensions"`
}

func readEmbeddings(body []byte, a *wire.Answer) error {
	var r struct {
		Data []struct {
			Index     *int            `json:"index"`
			Embedding json.RawMessage `json:"embedding"`
		} `json:"data"`
		Model wire.Text `json:"model"`
		Usage struct {
			Prompt wire.Number `json:"prompt_tokens"`
			Total  wire.Number `json:"total_tokens"`
		} `json:"usage"`
		Error json.RawMessage `json:"error"`
	}
	if err := wire.Decode(body, &r); err != nil {
		return wire.Malformed(err)
	}
	if wire.Present(r.Error) {
		return wire.Failure(body)
	}
	if len(r.Data) == 0 {
		return wire.Malformed(errors.New("an answer without vectors"))
	}
	a.Served = string(r.Model)
	a.Use(max(r.Usage.Prompt, r.Usage.Total), 0, 0, 0, 0)
	vectors := make([][]float32, len(r.Data))
	for i, d := range r.Data {
		at := i
		if d.Index != nil {
			at = *d.Index
		}
		if at < 0 || at >= len(vectors) || vectors[at] != nil {
			return wire.Malformed(fmt.Errorf("a vector with the index %d among %d", at, len(vectors)))
		}
		var err error
		if vectors[at], err = wire.Vector(d.Embedding); err != nil {
			return wire.Malformed(err)
		}
	}
	a.Vectors = vectors
	return nil
}
