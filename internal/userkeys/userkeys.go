// Package userkeys keeps keys for providers of models that users bring along: sealed in the store, opened only to call the provider
// for that user.
package userkeys

import (
	"bytes"
	"context"
	"log/slog"
	"sync"

	"codeforge"
	"codeforge/internal/llm"
	"codeforge/internal/seal"
)

// Store is what is needed of a store.
type Store interface {
	// UserKeys returns the keys of a user.
	UserKeys(ctx context.Context, userID string) ([]codeforge.SealedKey, error)
	// SealedKeys returns keys of all users after one (the zero SealedKey: from the beginning), in the order of users and providers.
	SealedKeys(ctx context.Context, after codeforge.SealedKey, limit int) ([]codeforge.SealedKey, error)
	// ResealKey puts another seal in place of the one in from, unless it is no more the one that is stored.
	ResealKey(ctx context.Context, from codeforge.SealedKey, sealed []byte) error
}

// Keys are the keys of all users. It is safe for concurrent use.
type Keys struct {
	store Store
	keys  func() [][]byte
	log   *slog.Logger
}

// New returns the keys of a store that are sealed with the first of what keys returns (32 bytes each), and open with any of them.
func New(store Store, keys func() [][]byte, log *slog.Logger) *Keys { return &Keys{store, keys, log} }

// owner is whom a sealed key opens for.
func owner(userID, provider string) string { return userID + " " + provider }

// Seal returns a user's key as it is stored.
func (k *Keys) Seal(userID, provider, key string) []byte {
	return seal.Seal(k.keys()[0], owner(userID, provider), []byte(key))
}

// open returns a user's key, and by which of some keys it opens. One that none opens is logged.
func (k *Keys) open(keys [][]byte, s codeforge.SealedKey) (secret []byte, by int, ok bool) {
	secret, by, err := seal.Open(keys, owner(s.UserID, s.Provider), s.Sealed)
	if err != nil {
		k.log.Error("a user's key cannot be opened with KEY_ENCRYPTION_KEY or OLD_KEY_ENCRYPTION_KEYS", "next", "add the secret that was used before to OLD_KEY_ENCRYPTION_KEYS, or have the user give the key again", "user_id", s.UserID, "provider", s.Provider)
	}
	return secret, by, err == nil
}

// Reseal seals anew with the newest key what was sealed with those before it, which will be forgotten.
func (k *Keys) Reseal(ctx context.Context) error {
	const page = 500
	for after := (codeforge.SealedKey{}); ; {
		list, err := k.store.SealedKeys(ctx, after, page)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, from := range list {
			after = from
			keys := k.keys()
			if secret, by, ok := k.open(keys, from); ok && by > 0 {
				if err := k.store.ResealKey(ctx, from, seal.Seal(keys[0], owner(from.UserID, from.Provider), secret)); err != nil {
					return err
				}
			}
		}
	}
}

// Count counts the keys of all users that can be opened, and those that cannot.
func (k *Keys) Count(ctx context.Context) (readable, lost int, err error) {
	const page = 500
	for after := (codeforge.SealedKey{}); ; {
		list, err := k.store.SealedKeys(ctx, after, page)
		if err != nil || len(list) == 0 {
			return readable, lost, err
		}
		for _, after = range list {
			if _, _, ok := k.open(k.keys(), after); ok {
				readable++
			} else {
				lost++
			}
		}
	}
}

// maxKept is how many providers with keys of users are kept ready.
const maxKept = 1_000

// Providers are those that users have keys for, made by Make and kept while their keys stand: what a provider was found to take is
// remembered with it.
type Providers struct {
	Keys *Keys
	// Make makes the provider of a name with a key; nil: there is no such provider.
	Make func(name, key string) llm.Provider

	mu   sync.Mutex
	kept map[string]madeProvider // by owner
}

type madeProvider struct {
	sealed   []byte
	provider llm.Provider
}

// Of returns the providers that a user has keys for, by name: nil where there is none. A key that cannot be opened counts as none.
func (p *Providers) Of(ctx context.Context, userID string) (map[string]llm.Provider, error) {
	list, err := p.Keys.store.UserKeys(ctx, userID)
	if err != nil || len(list) == 0 {
		return nil, err
	}
	out := map[string]llm.Provider{}
	for _, k := range list {
		if made := p.provider(k); made != nil {
			out[k.Provider] = made
		}
	}
	return out, nil
}

// Kept returns the provider that a user has a key for; NotFound: the user keeps none for it. nil: it cannot be opened, or the provider is
// no longer there.
func (p *Providers) Kept(ctx context.Context, userID, name string) (llm.Provider, error) {
	list, err := p.Keys.store.UserKeys(ctx, userID)
	if err != nil {
		return nil, err
	}
	for _, k := range list {
		if k.Provider == name {
			return p.provider(k), nil
		}
	}
	return nil, codeforge.NotFound("Key", name)
}

func (p *Providers) provider(k codeforge.SealedKey) llm.Provider {
	whose := owner(k.UserID, k.Provider)
	p.mu.Lock()
	defer p.mu.Unlock()
	if made, ok := p.kept[whose]; ok && bytes.Equal(made.sealed, k.Sealed) {
		return made.provider
	}
	secret, _, ok := p.Keys.open(p.Keys.keys(), k)
	if !ok {
		return nil
	}
	made := p.Make(k.Provider, string(secret))
	if made == nil {
		return nil
	}
	if p.kept == nil || len(p.kept) >= maxKept {
		p.kept = map[string]madeProvider{}
	}
	p.kept[whose] = madeProvider{k.Sealed, made}
	return made
}
