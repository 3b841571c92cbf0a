package pattern

import (
	"context"
	"fmt"
	"math"
	"time"
	"unicode/utf8"

	"codeforge"
	"codeforge/internal/llm"
)

// Embedder turns a text into a vector, of [codeforge.VectorSize] numbers and length 1. Texts that are about the same have vectors that
// are near to each other; those of different models cannot be compared.
type Embedder interface {
	Model() string // provider:id
	Embed(ctx context.Context, call llm.Call, text string) ([]float32, error)
}

// Routed is the Embedder of a provider's model. It is called like any other model: with retries, a breaker, a reservation, an entry in the
// ledger, and with the user's own key where there is one.
type Routed struct {
	Router *llm.Router
	Name   string // provider:id
}

// Model implements Embedder.
func (r *Routed) Model() string { return r.Name }

const (
	maxText     = 6_000 // bytes of a text that are embedded: the smallest window of models in use has 2,048 tokens
	embedWithin = 30 * time.Second
)

// Embed implements Embedder.
func (r *Routed) Embed(ctx context.Context, call llm.Call, text string) ([]float32, error) {
	ctx, cancel := context.WithTimeout(ctx, embedWithin)
	defer cancel()
	resp, err := r.Router.Generate(ctx, &llm.Request{Model: r.Name, Messages: []llm.Message{llm.UserText(cut(text, maxText))}, Call: call, Routing: llm.Routing{NoFallback: true}}, nil)
	if err != nil {
		return nil, err
	}
	if len(resp.Vectors) != 1 {
		return nil, fmt.Errorf("%s answered with %d vectors to one text", r.Name, len(resp.Vectors))
	}
	v, err := fit(resp.Vectors[0])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", r.Name, err)
	}
	return v, nil
}

// cut shortens a text to so many bytes, between two characters.
func cut(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for most > 0 && !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// fit makes a vector of a model's. A shorter one is filled up with zeros, which changes no product of two.
func fit(v []float32) ([]float32, error) {
	if len(v) > codeforge.VectorSize {
		return nil, fmt.Errorf("its vectors have %d numbers and cannot be made shorter, and at most %d are stored: choose another EMBEDDING_MODEL", len(v), codeforge.VectorSize)
	}
	sum := 0.0
	for _, x := range v {
		sum += float64(x) * float64(x)
	}
	if sum == 0 || math.IsNaN(sum) || math.IsInf(sum, 0) {
		return nil, fmt.Errorf("it answered with a vector without direction")
	}
	out := make([]float32, codeforge.VectorSize)
	length := math.Sqrt(sum)
	for i, x := range v {
		out[i] = float32(float64(x) / length)
	}
	return out, nil
}
