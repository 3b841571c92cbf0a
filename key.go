package codeforge

import "time"

// ProviderKey is a user's own key for a provider of models, as far as it may be shown: the key itself is stored sealed, and never
// read but to call the provider for that user.
type ProviderKey struct {
	Provider  string    `json:"provider"`
	Hint      string    `json:"hint"` // how the key ends
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
}

// SealedKey is a user's key for a provider as it is stored.
type SealedKey struct {
	UserID   string
	Provider string
	Sealed   []byte
}
