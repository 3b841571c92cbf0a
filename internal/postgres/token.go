package postgres

import (
	"context"
	"encoding/hex"
	"errors"
	"time"

	"github.com/jackc/pgx/v5"

	"codeforge"
	"codeforge/internal/auth"
)

const tokenColumns = "t.id, t.user_id, t.name, t.hint, t.hash, t.scopes, t.created_at, t.expires_at, t.revoked_at, t.used_at"

func scanToken(r pgx.Row, t *auth.Token) error {
	var scopes []string
	if err := r.Scan(&t.ID, &t.UserID, &t.Name, &t.Hint, &t.Hash, &scopes, &t.CreatedAt, &t.ExpiresAt, &t.RevokedAt, &t.UsedAt); err != nil {
		return err
	}
	t.Scopes = make([]auth.Scope, len(scopes))
	for i, s := range scopes {
		t.Scopes[i] = auth.Scope(s)
	}
	return nil
}

// CreateToken is part of [auth.TokenStore].
func (s *Store) CreateToken(ctx context.Context, u codeforge.User, t auth.Token) error {
	user, err := owner(u)
	if err != nil {
		return err
	}
	doc, err := object(map[string]any{"id": t.ID, "name": clean(t.Name), "hint": t.Hint, "hash": `\x` + hex.EncodeToString(t.Hash), "scopes": t.Scopes,
		"created_at": t.CreatedAt, "expires_at": t.ExpiresAt})
	if err != nil {
		return err
	}
	return s.write(ctx, system, func(b *pgx.Batch) { b.Queue("select public.codeforge_create_token($1, $2)", user, doc) })
}

// UseToken is part of [auth.TokenStore].
func (s *Store) UseToken(ctx context.Context, hash []byte, now time.Time) (t auth.Token, err error) {
	err = s.write(ctx, system, func(b *pgx.Batch) {
		b.Queue("select "+tokenColumns+" from public.codeforge_use_token($1, $2) t", hash, now).QueryRow(func(r pgx.Row) error {
			t = auth.Token{}
			if err := scanToken(r, &t); !errors.Is(err, pgx.ErrNoRows) {
				return err
			}
			return codeforge.NotFound("Token", "")
		})
	})
	return t, err
}

// ListTokens is part of [auth.TokenStore].
func (s *Store) ListTokens(ctx context.Context, u codeforge.User) (list []auth.Token, err error) {
	user, err := owner(u)
	if err != nil {
		return nil, err
	}
	err = s.read(ctx, system, func(b *pgx.Batch) {
		b.Queue("select "+tokenColumns+" from public.api_tokens t where t.user_id = $1 order by t.created_at desc, t.id desc", user).Query(func(rows pgx.Rows) (err error) {
			list, err = pgx.CollectRows(rows, func(r pgx.CollectableRow) (t auth.Token, err error) {
				err = scanToken(r, &t)
				return t, err
			})
			return err
		})
	})
	return list, err
}

// RevokeToken is part of [auth.TokenStore].
func (s *Store) RevokeToken(ctx context.Context, u codeforge.User, id string, now time.Time) error {
	user, key, err := ids(u, "Token", id)
	if err != nil {
		return err
	}
	return s.write(ctx, system, func(b *pgx.Batch) { b.Queue("select public.codeforge_revoke_token($1, $2, $3)", user, key, now) })
}

var _ auth.TokenStore = (*Store)(nil)
