package postgres

import (
	"context"
	"time"

	"codeforge"
	"codeforge/internal/auth"
)

// CreateToken is part of [auth.TokenStore].
func (s *Store) CreateToken(ctx context.Context, u codeforge.User, t auth.Token) error {
	if err := check(u, "Token", t.ID); err != nil {
		return err
	}
	if err := checkText(t.Name, t.Hint); err != nil {
		return err
	}
	doc, err := object(map[string]any{"id": t.ID, "name": withoutNUL(t.Name), "hint": t.Hint, "hash": hexBytes(t.Hash), "scopes": t.Scopes, "created_at": t.CreatedAt, "expires_at": t.ExpiresAt})
	if err != nil {
		return err
	}
	_, _, unsure, err := system[any](ctx, s, "create_token", arg{"user", u.ID}, arg{"token", doc}, arg{"most", auth.MaxTokens}, arg{"kept_seconds", int(auth.EndedKept.Seconds())})
	if unsure && code(err) == "23505" { // an earlier try made it
		return nil
	}
	return err
}

// UseToken is part of [auth.TokenStore].
func (s *Store) UseToken(ctx context.Context, hash []byte, now time.Time) (auth.Token, error) {
	row, found, _, err := system[tokenRow](ctx, s, "use_token", arg{"hash", hexBytes(hash)}, arg{"now", now})
	if err == nil && !found {
		err = codeforge.NotFound("Token", "")
	}
	return row.token(), err
}

// ListTokens is part of [auth.TokenStore]. It reads as the system: users have no right to the rows.
func (s *Store) ListTokens(ctx context.Context, u codeforge.User) ([]auth.Token, error) {
	if err := check(u, "User", u.ID); err != nil {
		return nil, err
	}
	rows, _, err := query[[]tokenRow](ctx, s, "list_tokens", arg{"user", u.ID})
	return mapRows(rows, tokenRow.token), err
}

// RevokeToken is part of [auth.TokenStore].
func (s *Store) RevokeToken(ctx context.Context, u codeforge.User, id string, now time.Time) error {
	if err := check(u, "Token", id); err != nil {
		return err
	}
	_, _, _, err := system[any](ctx, s, "revoke_token", arg{"user", u.ID}, arg{"token", id}, arg{"now", now})
	return err
}

var _ auth.TokenStore = (*Store)(nil)
