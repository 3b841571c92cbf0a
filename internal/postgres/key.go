package postgres

import (
	"context"

	"codeforge"
)

// keyRow is a codeforge.ProviderKey as it comes.
type keyRow codeforge.ProviderKey

func (r keyRow) key() codeforge.ProviderKey {
	r.CreatedAt, r.UpdatedAt = r.CreatedAt.UTC(), r.UpdatedAt.UTC()
	return codeforge.ProviderKey(r)
}

// PutKey implements api.Store.
func (s *Store) PutKey(ctx context.Context, u codeforge.User, provider, hint string, sealed []byte) (codeforge.ProviderKey, error) {
	if err := check(u, "User", u.ID); err != nil {
		return codeforge.ProviderKey{}, err
	}
	row, _, _, err := system[keyRow](ctx, s, "put_key", arg{"user", u.ID}, arg{"provider", provider}, arg{"hint", withoutNUL(hint)}, arg{"sealed", hexBytes(sealed)})
	return row.key(), err
}

// ListKeys implements api.Store. It reads as the system: users have no right to the rows.
func (s *Store) ListKeys(ctx context.Context, u codeforge.User) ([]codeforge.ProviderKey, error) {
	if err := check(u, "User", u.ID); err != nil {
		return nil, err
	}
	rows, _, err := query[[]keyRow](ctx, s, "list_keys", arg{"user", u.ID})
	return mapRows(rows, keyRow.key), err
}

// DeleteKey implements api.Store.
func (s *Store) DeleteKey(ctx context.Context, u codeforge.User, provider string) error {
	if err := check(u, "User", u.ID); err != nil {
		return err
	}
	_, _, unsure, err := system[any](ctx, s, "delete_key", arg{"user", u.ID}, arg{"provider", withoutNUL(provider)})
	if unsure && codeforge.IsKind(err, codeforge.Missing) { // an earlier try deleted it
		return nil
	}
	return err
}

// sealedKeys asks for the keys of a user (""; of all), after one.
func (s *Store) sealedKeys(ctx context.Context, userID string, after codeforge.SealedKey, limit int) ([]codeforge.SealedKey, error) {
	user, err := optional("User", userID)
	if err != nil {
		return nil, err
	}
	type sealedRow struct {
		UserID   string `json:"user_id"`
		Provider string
		Sealed   hexBytes
	}
	rows, _, err := query[[]sealedRow](ctx, s, "sealed_keys", arg{"user", user}, arg{"after_user", textOrNull(after.UserID)}, arg{"after_provider", textOrNull(after.Provider)}, arg{"limit", limit})
	return mapRows(rows, func(r sealedRow) codeforge.SealedKey {
		return codeforge.SealedKey{UserID: r.UserID, Provider: r.Provider, Sealed: r.Sealed}
	}), err
}

// UserKeys implements userkeys.Store.
func (s *Store) UserKeys(ctx context.Context, userID string) ([]codeforge.SealedKey, error) {
	return s.sealedKeys(ctx, userID, codeforge.SealedKey{}, 1_000)
}

// SealedKeys implements userkeys.Store.
func (s *Store) SealedKeys(ctx context.Context, after codeforge.SealedKey, limit int) ([]codeforge.SealedKey, error) {
	return s.sealedKeys(ctx, "", after, limit)
}

// ResealKey implements userkeys.Store.
func (s *Store) ResealKey(ctx context.Context, from codeforge.SealedKey, sealed []byte) error {
	_, _, _, err := system[any](ctx, s, "reseal_key", arg{"user", from.UserID}, arg{"provider", from.Provider}, arg{"sealed", hexBytes(from.Sealed)}, arg{"new_sealed", hexBytes(sealed)})
	return err
}
