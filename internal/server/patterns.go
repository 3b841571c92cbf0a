package server

import (
	"context"
	"fmt"
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

// newEmbedder makes the embedding model of a configuration.
func (s *Server) newEmbedder(cfg *Config, catalog *llm.Catalog) (pattern.Embedder, error) {
	if cfg.Patterns != "on" || cfg.EmbeddingModel == localEmbeddings {
		return pattern.Local{}, nil
	}
	name, _, ok := llm.SplitName(cfg.EmbeddingModel)
	if !ok {
		return nil, fmt.Errorf("EMBEDDING_MODEL: %q is no provider:model: write it like openai:text-embedding-3-small, or local", cfg.EmbeddingModel)
	}
	if cfg.embedder(catalog, name, "") == nil {
		return nil, fmt.Errorf("EMBEDDING_MODEL: %q is no provider of embeddings: there are openai, google, compatible (LLM_COMPATIBLE_URL), endpoints of MODELS_FILE, and local", name)
	}
	key, set, err := cfg.providerKey(catalog, name)
	if err != nil {
		return nil, err
	}
	o := llm.Options{Catalog: catalog, Ledger: s.store.Ledger, Log: s.log, Providers: map[string]llm.Provider{}}
	switch {
	case set:
		o.Providers[name] = cfg.embedder(catalog, name, key)
	case s.userKeys == nil:
		return nil, fmt.Errorf("EMBEDDING_MODEL: the key of %s is not set", name)
	}
	if s.userKeys != nil {
		own := &userkeys.Providers{Keys: s.userKeys, Make: func(name, key string) llm.Provider { return cfg.embedder(catalog, name, key) }}
		o.Own = own.Of
	}
	return &pattern.Routed{Router: llm.NewRouter(o), Name: cfg.EmbeddingModel}, nil
}
