package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"codeforge"
	"codeforge/internal/jobs"
	"codeforge/internal/llm"
	"codeforge/internal/pattern"
	"codeforge/internal/userkeys"
)

// localEmbeddings is the EMBEDDING_MODEL that asks nobody.
const localEmbeddings = "local"

// makePatterns makes what keeps architectures that worked, where that is wanted.
func (s *Server) makePatterns() {
	if s.cfg.Patterns == "on" {
		s.patterns = pattern.New(pattern.Options{Store: s.store, Embedder: func() pattern.Embedder { return *s.embedder.Load() }, Log: s.log.With("logger", "patterns")})
	}
}

// patternsAfter has hooks of jobs tell when one ended that may become a pattern.
func (s *Server) patternsAfter(h jobs.Hooks) jobs.Hooks {
	if s.patterns == nil {
		return h
	}
	ended := h.Ended
	h.Ended = func(ctx context.Context, j codeforge.Job, how jobs.End, took time.Duration) {
		if ended != nil {
			ended(ctx, j, how, took)
		}
		if how == jobs.EndCompleted && (j.Agent == codeforge.Builder || j.Agent == codeforge.QA) {
			s.patterns.Wake()
		}
	}
	return h
}

// StorePatterns stores the patterns that are missing now, and says how many: for measurements.
func (s *Server) StorePatterns(ctx context.Context) (int, error) { return s.patterns.Sweep(ctx) }

// newEmbedder makes the embedding model of a configuration, for which users have keys of their own unless keys is nil.
func (c *Config) newEmbedder(catalog *llm.Catalog, ledger llm.Ledger, keys *userkeys.Keys, log *slog.Logger) (pattern.Embedder, error) {
	if c.Patterns != "on" || c.EmbeddingModel == localEmbeddings {
		return pattern.Local{}, nil
	}
	name, _, ok := llm.SplitName(c.EmbeddingModel)
	if !ok {
		return nil, fmt.Errorf("EMBEDDING_MODEL: %q is no provider:model: write it like openai:text-embedding-3-small, or local", c.EmbeddingModel)
	}
	if c.embedder(catalog, name, "") == nil {
		return nil, fmt.Errorf("EMBEDDING_MODEL: %q is no provider of embeddings: there are openai, google, compatible (LLM_COMPATIBLE_URL), endpoints of MODELS_FILE, and local", name)
	}
	key, set, err := c.providerKey(catalog, name)
	if err != nil {
		return nil, err
	}
	o := llm.Options{Catalog: catalog, Ledger: ledger, Log: log, Providers: map[string]llm.Provider{}}
	switch {
	case set:
		o.Providers[name] = c.embedder(catalog, name, key)
	case keys == nil:
		return nil, fmt.Errorf("EMBEDDING_MODEL: the key of %s is not set", name)
	}
	if keys != nil {
		own := &userkeys.Providers{Keys: keys, Make: func(name, key string) llm.Provider { return c.embedder(catalog, name, key) }}
		o.Own = own.Of
	}
	return &pattern.Routed{Router: llm.NewRouter(o), Name: c.EmbeddingModel}, nil
}

// embeddings finds out whether the embedding model answers as it must.
func (d *doctor) embeddings(ctx context.Context, catalog *llm.Catalog, log *slog.Logger) []Finding {
	if d.Patterns != "on" {
		return nil
	}
	part := "embedding model " + d.EmbeddingModel
	e, err := d.newEmbedder(catalog, nil, nil, log)
	if err == nil {
		_, err = e.Embed(ctx, llm.Call{}, "A list of books")
	}
	if err != nil {
		return []Finding{{part, FindingBroken, llm.Explain(err)}}
	}
	return []Finding{{part, FindingOK, ""}}
}
