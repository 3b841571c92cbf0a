package sqlite

import (
	"context"
	"encoding/hex"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/auth"
)

const tokenColumns = "SELECT id, user_id, name, hint, hash, scopes, created_at, expires_at, revoked_at, used_at FROM tokens"

func scanToken(t *auth.Token, r row) (err error) {
	var hash, scopes string
	if err := r.scan(&t.ID, &t.UserID, &t.Name, &t.Hint, &hash, &scopes, &t.CreatedAt, &t.ExpiresAt, &t.RevokedAt, &t.UsedAt); err != nil {
		return err
	}
	for s := range strings.FieldsSeq(scopes) {
		t.Scopes = append(t.Scopes, auth.Scope(s))
	}
	t.Hash, err = hex.DecodeString(hash)
	return err
}

func (s *Store) CreateToken(ctx context.Context, u codeforge.User, t auth.Token) error {
	var scopes []string
	for _, scope := range t.Scopes {
		scopes = append(scopes, string(scope))
	}
	return s.write(ctx, func(c *conn) error {
		if _, _, err := c.exec("DELETE FROM tokens WHERE user_id = ?1 AND (revoked_at < ?2 OR expires_at < ?2)", u.ID, t.CreatedAt.Add(-auth.EndedKept)); err != nil {
			return err
		}
		var holding int
		if _, err := c.one("SELECT count(*) FROM tokens WHERE user_id = ? AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > ?)", []any{u.ID, t.CreatedAt}, &holding); err != nil {
			return err
		}
		if holding >= auth.MaxTokens {
			return codeforge.OverQuota(codeforge.QuotaTokens, auth.MaxTokens, c.now)
		}
		n, _, err := c.exec("INSERT INTO tokens(id, user_id, name, hint, hash, scopes, created_at, expires_at) VALUES(?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
			t.ID, u.ID, t.Name, t.Hint, hex.EncodeToString(t.Hash), strings.Join(scopes, " "), t.CreatedAt, t.ExpiresAt)
		if err == nil && n == 0 {
			err = codeforge.Conflictf("it exists already")
		}
		return err
	})
}

// UseToken writes only when the note of the last use is older than a minute.
func (s *Store) UseToken(ctx context.Context, hash []byte, now time.Time) (t auth.Token, err error) {
	var found bool
	err = s.read(ctx, func(c *conn) error {
		return c.each(tokenColumns+" WHERE hash = ?", []any{hex.EncodeToString(hash)}, func(r row) error {
			found = true
			return scanToken(&t, r)
		})
	})
	switch {
	case err != nil:
		return auth.Token{}, err
	case !found:
		return auth.Token{}, codeforge.NotFound("Token", "")
	case t.UsedAt != nil && now.Sub(*t.UsedAt) < time.Minute:
		return t, nil
	}
	now = now.UTC().Truncate(time.Microsecond)
	t.UsedAt = &now
	return t, s.write(ctx, func(c *conn) error {
		_, _, err := c.exec("UPDATE tokens SET used_at = ? WHERE id = ?", now, t.ID)
		return err
	})
}

func (s *Store) ListTokens(ctx context.Context, u codeforge.User) (list []auth.Token, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.each(tokenColumns+" WHERE user_id = ? ORDER BY seq DESC", []any{u.ID}, func(r row) error {
			list = append(list, auth.Token{})
			return scanToken(&list[len(list)-1], r)
		})
	})
	return list, err
}

// RevokeToken leaves the time of an earlier revocation as it is.
func (s *Store) RevokeToken(ctx context.Context, u codeforge.User, id string, now time.Time) error {
	return s.write(ctx, func(c *conn) error {
		n, _, err := c.exec("UPDATE tokens SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? AND user_id = ?", now, id, u.ID)
		if err == nil && n == 0 {
			err = codeforge.NotFound("Token", id)
		}
		return err
	})
}
