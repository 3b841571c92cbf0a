package api

import (
	"context"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
	"codeforge/internal/auth"
)

var errNoTokens = &codeforge.Error{Kind: codeforge.Unsupported, Message: "This server has no tokens: it has one user, and asks nobody who they are"}

// TokenRecord is the record of a token of our own, as it is sent. It is exported since the framework reads no other embedded parts.
type TokenRecord struct {
	ID        string       `json:"id" format:"uuid"`
	Name      string       `json:"name" example:"build server"`
	Hint      string       `json:"hint" doc:"How the token begins, to tell it from others." example:"cf_3kZb"`
	Scopes    []auth.Scope `json:"scopes" enum:"read,write,jobs,account"`
	CreatedAt time.Time    `json:"created_at"`
	ExpiresAt *time.Time   `json:"expires_at" doc:"null: it does not end by itself."`
	RevokedAt *time.Time   `json:"revoked_at"`
	UsedAt    *time.Time   `json:"last_used_at" doc:"To about a minute; null: never."`
}

func tokenAnswer(t auth.Token) TokenRecord {
	return TokenRecord{t.ID, t.Name, t.Hint, t.Scopes, t.CreatedAt, t.ExpiresAt, t.RevokedAt, t.UsedAt}
}

// shownToken is one that is shown, for the only time.
type shownToken struct {
	TokenRecord
	Token string `json:"token" doc:"What to send as a bearer. It is not shown again." example:"cf_3kZb..."`
}

// tokenScopes are what a token may do.
type tokenScopes []auth.Scope

func (tokenScopes) Schema(huma.Registry) *huma.Schema {
	item := &huma.Schema{Type: huma.TypeString}
	for _, s := range auth.Scopes {
		item.Enum = append(item.Enum, string(s))
	}
	item.PrecomputeMessages()
	return &huma.Schema{Type: huma.TypeArray, Items: item, MinItems: new(1), MaxItems: new(2 * len(auth.Scopes)),
		Description: "What it may do: read (every GET), write (change projects and files, and whatever has no scope of its own), jobs (start, answer and cancel them), account (tokens, profile and keys). None includes another."}
}

type tokenCreate struct {
	Name   string      `json:"name" minLength:"1" maxLength:"100" doc:"What it is for."`
	Scopes tokenScopes `json:"scopes"`
	Days   *int        `json:"expires_in_days,omitempty" minimum:"0" maximum:"3650" default:"90" doc:"0: it does not end by itself."`
}

type createTokenInput struct{ Body tokenCreate }

type shownTokenOutput struct{ Body shownToken }

func (s *server) createToken(ctx context.Context, in *createTokenInput) (*shownTokenOutput, error) {
	if s.Tokens == nil {
		return nil, errNoTokens
	}
	days := 90
	if in.Body.Days != nil {
		days = *in.Body.Days
	}
	u := caller(ctx)
	text, t, err := auth.NewToken(u, in.Body.Name, in.Body.Scopes, time.Duration(days)*24*time.Hour)
	if err == nil {
		err = t.CheckGrant(u)
	}
	if err == nil {
		err = s.Tokens.CreateToken(ctx, u, t)
	}
	if err != nil {
		return nil, err
	}
	x, _ := exchangeOf(ctx)
	x.names("token_id", t.ID)
	return &shownTokenOutput{shownToken{tokenAnswer(t), text}}, nil
}

type tokenList struct {
	Items []TokenRecord `json:"items" doc:"Newest first. Those that were revoked or expired are listed for 30 days or longer."`
}

type tokensOutput struct{ Body tokenList }

func (s *server) listTokens(ctx context.Context, _ *struct{}) (*tokensOutput, error) {
	if s.Tokens == nil {
		return nil, errNoTokens
	}
	list, err := s.Tokens.ListTokens(ctx, caller(ctx))
	if err != nil {
		return nil, err
	}
	out := tokenList{make([]TokenRecord, len(list))}
	for i, t := range list {
		out.Items[i] = tokenAnswer(t)
	}
	return &tokensOutput{out}, nil
}

type revokeTokenInput struct {
	TokenID string `path:"token_id" format:"uuid" doc:"Id of the token."`
}

type tokenRevoked struct {
	Message string `json:"message" example:"Token revoked"`
	TokenID string `json:"token_id" format:"uuid"`
}

type tokenRevokedOutput struct{ Body tokenRevoked }

func (s *server) revokeToken(ctx context.Context, in *revokeTokenInput) (*tokenRevokedOutput, error) {
	if s.Tokens == nil {
		return nil, errNoTokens
	}
	if err := s.Tokens.RevokeToken(ctx, caller(ctx), in.TokenID, codeforge.Now()); err != nil {
		return nil, err
	}
	return &tokenRevokedOutput{tokenRevoked{"Token revoked", in.TokenID}}, nil
}
