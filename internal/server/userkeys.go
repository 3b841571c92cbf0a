package server

import (
	"context"
	"errors"

	"codeforge/internal/api"
	"codeforge/internal/auth"
	"codeforge/internal/llm"
	"codeforge/internal/userkeys"
)

// userKeysPurpose is what the keys that seal users' keys are derived for.
const userKeysPurpose = "codeforge: keys of users for providers of models"

// makeUserKeys makes what keeps users' own keys, where there is something to seal them with.
func (s *Server) makeUserKeys() {
	if s.cfg.KeySecret == "" {
		return
	}
	s.keySecrets = auth.NewKeyring([]byte(s.cfg.KeySecret), s.cfg.OldKeySecrets.secrets()...)
	s.userKeys = userkeys.New(s.store, func() [][]byte { return s.keySecrets.Derive(userKeysPurpose) }, s.log.With("logger", "keys"))
}

// route puts a router of a configuration in the place of the one before.
func (s *Server) route(cfg *Config) error {
	r, err := NewRouter(cfg, s.store.Ledger, s.log)
	if err != nil {
		return err
	}
	embedder, err := cfg.newEmbedder(r.Catalog, s.store.Ledger, s.userKeys, s.log)
	if err != nil {
		return err
	}
	if s.userKeys != nil {
		own := &ownProviders{Providers: userkeys.Providers{Keys: s.userKeys, Make: func(name, key string) llm.Provider { return cfg.provider(r.Catalog, name, key) }}}
		own.names = []string{llm.OpenAI, llm.Anthropic, llm.Google}
		if cfg.CompatibleURL != "" {
			own.names = append(own.names, llm.Compatible)
		}
		for _, e := range r.Catalog.Endpoints() {
			if e.KeyEnv != "" {
				own.names = append(own.names, e.Name)
			}
		}
		r.Own = own.Of
		s.own.Store(own)
	}
	s.router.put(r)
	s.embedder.Store(&embedder)
	return nil
}

// resealUserKeys sees to it that what older secrets sealed outlives them.
func (s *Server) resealUserKeys(ctx context.Context) {
	if err := s.userKeys.Reseal(ctx); err != nil && ctx.Err() == nil {
		s.log.Error("keys of users were not sealed anew", "next", "keep the old secret in OLD_KEY_ENCRYPTION_KEYS, look at the store in /readyz?verbose, and restart", "error", err)
	}
}

// ownProviders are the providers that users may have keys of their own for.
type ownProviders struct {
	userkeys.Providers
	names []string
}

// serverKeys implements api.UserKeys by the router of now.
type serverKeys struct{ s *Server }

// Providers implements api.UserKeys.
func (k serverKeys) Providers() []string { return k.s.own.Load().names }

// Seal implements api.UserKeys.
func (k serverKeys) Seal(userID, provider, key string) []byte {
	return k.s.userKeys.Seal(userID, provider, key)
}

// Try implements api.UserKeys: the provider is asked for its models.
func (k serverKeys) Try(ctx context.Context, provider, key string) api.KeyState {
	return tryKey(ctx, k.s.own.Load().Make(provider, key))
}

// TryKept implements api.UserKeys.
func (k serverKeys) TryKept(ctx context.Context, userID, provider string) (api.KeyState, error) {
	p, err := k.s.own.Load().Kept(ctx, userID, provider)
	switch {
	case err != nil:
		return "", err
	case p == nil:
		return api.KeyLost, nil
	}
	return tryKey(ctx, p), nil
}

func tryKey(ctx context.Context, p llm.Provider) api.KeyState {
	lister, ok := p.(llm.Lister)
	if !ok {
		return api.KeyUnknown
	}
	_, err := lister.Models(ctx)
	if err == nil {
		return api.KeyAccepted
	}
	if e, ok := errors.AsType[*llm.Error](err); ok && e.Kind == llm.Auth {
		return api.KeyRefused
	}
	return api.KeyUnknown
}
