package sqlite

import (
	"context"

	"codeforge"
)

// PutKey implements api.Store.
func (s *Store) PutKey(ctx context.Context, u codeforge.User, provider, hint string, sealed []byte) (k codeforge.ProviderKey, err error) {
	err = s.write(ctx, func(c *conn) error {
		k = codeforge.ProviderKey{Provider: provider, Hint: hint, UpdatedAt: c.now}
		_, err := c.one(`INSERT INTO provider_keys(user_id, provider, hint, sealed, created_at, updated_at) VALUES(?1, ?2, ?3, ?4, ?5, ?5)
			ON CONFLICT DO UPDATE SET hint = ?3, sealed = ?4, updated_at = ?5 RETURNING created_at`, []any{u.ID, provider, hint, sealed, c.now}, &k.CreatedAt)
		return err
	})
	return k, err
}

// ListKeys implements api.Store.
func (s *Store) ListKeys(ctx context.Context, u codeforge.User) (list []codeforge.ProviderKey, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.each("SELECT provider, hint, created_at, updated_at FROM provider_keys WHERE user_id = ? ORDER BY provider", []any{u.ID}, func(r row) error {
			list = append(list, codeforge.ProviderKey{})
			k := &list[len(list)-1]
			return r.scan(&k.Provider, &k.Hint, &k.CreatedAt, &k.UpdatedAt)
		})
	})
	return list, err
}

// DeleteKey implements api.Store.
func (s *Store) DeleteKey(ctx context.Context, u codeforge.User, provider string) error {
	return s.write(ctx, func(c *conn) error {
		n, _, err := c.exec("DELETE FROM provider_keys WHERE user_id = ? AND provider = ?", u.ID, provider)
		if err == nil && n == 0 {
			err = codeforge.NotFound("Key", provider)
		}
		return err
	})
}

func scanSealedKeys(list *[]codeforge.SealedKey) func(row) error {
	return func(r row) error {
		*list = append(*list, codeforge.SealedKey{})
		k := &(*list)[len(*list)-1]
		return r.scan(&k.UserID, &k.Provider, &k.Sealed)
	}
}

// UserKeys implements userkeys.Store.
func (s *Store) UserKeys(ctx context.Context, userID string) (list []codeforge.SealedKey, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.each("SELECT user_id, provider, sealed FROM provider_keys WHERE user_id = ? ORDER BY provider", []any{userID}, scanSealedKeys(&list))
	})
	return list, err
}

// SealedKeys implements userkeys.Store.
func (s *Store) SealedKeys(ctx context.Context, after codeforge.SealedKey, limit int) (list []codeforge.SealedKey, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.each("SELECT user_id, provider, sealed FROM provider_keys WHERE (user_id, provider) > (?, ?) ORDER BY user_id, provider LIMIT ?",
			[]any{after.UserID, after.Provider, limit}, scanSealedKeys(&list))
	})
	return list, err
}

// ResealKey implements userkeys.Store.
func (s *Store) ResealKey(ctx context.Context, from codeforge.SealedKey, sealed []byte) error {
	return s.write(ctx, func(c *conn) error {
		_, _, err := c.exec("UPDATE provider_keys SET sealed = ? WHERE user_id = ? AND provider = ? AND sealed = ?", sealed, from.UserID, from.Provider, from.Sealed)
		return err
	})
}
