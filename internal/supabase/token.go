package supabase

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/auth"
)

// token is a row of api_tokens.
type token struct {
	ID        string       `json:"id"`
	UserID    string       `json:"user_id"`
	Name      string       `json:"name"`
	Hint      string       `json:"hint"`
	Hash      string       `json:"hash"` // \x and hexadecimal digits
	Scopes    []auth.Scope `json:"scopes"`
	CreatedAt time.Time    `json:"created_at"`
	ExpiresAt *time.Time   `json:"expires_at"`
	RevokedAt *time.Time   `json:"revoked_at"`
	UsedAt    *time.Time   `json:"used_at"`
}

func (r *token) tidy() (auth.Token, error) {
	hash, err := hex.DecodeString(strings.TrimPrefix(r.Hash, `\x`))
	if err != nil {
		return auth.Token{}, fmt.Errorf("hash of token %s: %w", r.ID, err)
	}
	return auth.Token{ID: r.ID, UserID: r.UserID, Name: r.Name, Hint: r.Hint, Hash: hash, Scopes: r.Scopes,
		CreatedAt: r.CreatedAt.UTC(), ExpiresAt: utc(r.ExpiresAt), RevokedAt: utc(r.RevokedAt), UsedAt: utc(r.UsedAt)}, nil
}

// CreateToken is part of [auth.TokenStore].
func (s *Store) CreateToken(ctx context.Context, u codeforge.User, t auth.Token) error {
	if err := check(u, "Token", t.ID); err != nil {
		return err
	}
	if err := valid(t.Name, t.Hint); err != nil {
		return err
	}
	_, _, unsure, err := call[any](ctx, s, system, true, "create_token", map[string]any{"p_user": u.ID, "p_token": map[string]any{
		"id": t.ID, "name": clean(t.Name), "hint": t.Hint, "hash": `\x` + hex.EncodeToString(t.Hash), "scopes": t.Scopes, "created_at": t.CreatedAt, "expires_at": t.ExpiresAt}})
	if unsure && code(err) == "23505" { // an earlier try made it
		return nil
	}
	return err
}

// UseToken is part of [auth.TokenStore].
func (s *Store) UseToken(ctx context.Context, hash []byte, now time.Time) (t auth.Token, err error) {
	rows, _, _, err := call[[]token](ctx, s, system, true, "use_token", map[string]any{"p_hash": `\x` + hex.EncodeToString(hash), "p_now": now})
	if err != nil {
		return t, err
	}
	if len(rows) == 0 {
		return t, codeforge.NotFound("Token", "")
	}
	return rows[0].tidy()
}

// ListTokens is part of [auth.TokenStore]. It reads with the service key: users have no right to the rows.
func (s *Store) ListTokens(ctx context.Context, u codeforge.User) (list []auth.Token, err error) {
	if err := check(u, "User", u.ID); err != nil {
		return nil, err
	}
	rows, _, err := pages[token](ctx, s, request{method: http.MethodGet, path: "api_tokens",
		query: url.Values{"user_id": {"eq." + u.ID}, "order": {"created_at.desc,id.desc"}}}, 0, -1)
	for i := range rows {
		t, err := rows[i].tidy()
		if err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, err
}

// RevokeToken is part of [auth.TokenStore].
func (s *Store) RevokeToken(ctx context.Context, u codeforge.User, id string, now time.Time) error {
	if err := check(u, "Token", id); err != nil {
		return err
	}
	_, _, _, err := call[any](ctx, s, system, true, "revoke_token", map[string]any{"p_user": u.ID, "p_token": id, "p_now": now})
	return err
}

var _ auth.TokenStore = (*Store)(nil)
