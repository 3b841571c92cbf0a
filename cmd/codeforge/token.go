package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/server"
)

// Token is the commands about tokens of our own. Whoever may run them may act for every user.
type Token struct {
	Create TokenCreate `cmd:"" help:"Make a token. It is shown once."`
	List   TokenList   `cmd:"" help:"List a user's tokens."`
	Revoke TokenRevoke `cmd:"" help:"End a token: within seconds it is refused everywhere."`
}

// TokenCreate is the command that makes a token.
type TokenCreate struct {
	Owner  string   `name:"user" required:"" placeholder:"UUID" help:"The user for whom it acts."`
	Name   string   `required:"" help:"What it is for."`
	Scopes []string `name:"scope" default:"read,write,jobs" help:"What it may do: read, write, jobs, account."`
	Days   int      `default:"90" help:"Days until it ends; 0: never."`
	server.Config
}

// Run implements the command.
func (t *TokenCreate) Run(ctx context.Context) error {
	u, err := t.TokenOwner(t.Owner)
	if err != nil {
		return err
	}
	if t.Days < 0 || t.Days > 36500 {
		return errors.New("--days must be between 0 and 36500")
	}
	var scopes []auth.Scope
	for _, s := range t.Scopes {
		scopes = append(scopes, auth.Scope(strings.TrimSpace(s)))
	}
	text, token, err := auth.NewToken(u, t.Name, scopes, time.Duration(t.Days)*24*time.Hour)
	if err != nil {
		return explain(err)
	}
	store, err := server.OpenStore(ctx, &t.Config, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer store.Close()
	what := map[string]string{"token_id": token.ID, "user_id": u.ID}
	if err := server.Audited(&t.Config, "token.create", what, func() error { return store.CreateToken(ctx, u, token) }); err != nil {
		return explain(err)
	}
	fmt.Fprintf(os.Stderr, "token %s of user %s; keep it, it is not shown again:\n", token.ID, u.ID)
	fmt.Println(text)
	return nil
}

// TokenList is the command that lists tokens.
type TokenList struct {
	Owner string `name:"user" required:"" placeholder:"UUID" help:"Whose tokens."`
	server.Config
}

// Run implements the command.
func (t *TokenList) Run(ctx context.Context) error {
	u, err := t.TokenOwner(t.Owner)
	if err != nil {
		return err
	}
	store, err := server.OpenStoreReadOnly(ctx, &t.Config)
	if err != nil {
		return err
	}
	defer store.Close()
	list, err := store.ListTokens(ctx, u)
	if err != nil {
		return explain(err)
	}
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tTOKEN\tSCOPES\tCREATED\tENDS\tLAST USED\tSTATE")
	now := time.Now()
	for _, t := range list {
		scopes := make([]string, len(t.Scopes))
		for i, s := range t.Scopes {
			scopes[i] = string(s)
		}
		state := "valid"
		switch {
		case t.RevokedAt != nil:
			state = "revoked " + day(t.RevokedAt, "")
		case t.ExpiresAt != nil && !t.ExpiresAt.After(now):
			state = "expired"
		}
		fmt.Fprintf(w, "%s\t%s\t%s...\t%s\t%s\t%s\t%s\t%s\n", t.ID, codeforge.Plain(t.Name), t.Hint, strings.Join(scopes, ","), day(&t.CreatedAt, ""), day(t.ExpiresAt, "never"), day(t.UsedAt, "never"), state)
	}
	return w.Flush()
}

func day(t *time.Time, none string) string {
	if t == nil {
		return none
	}
	return t.Format(time.DateOnly)
}

// TokenRevoke is the command that ends a token.
type TokenRevoke struct {
	ID    string `arg:"" help:"Id of the token, as list shows it."`
	Owner string `name:"user" required:"" placeholder:"UUID" help:"Whose token."`
	server.Config
}

// Run implements the command.
func (t *TokenRevoke) Run(ctx context.Context) error {
	u, err := t.TokenOwner(t.Owner)
	if err != nil {
		return err
	}
	id, err := codeforge.ParseID(t.ID)
	if err != nil {
		return errors.New("that is no id of a token: list shows them")
	}
	store, err := server.OpenStore(ctx, &t.Config, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer store.Close()
	what := map[string]string{"token_id": id, "user_id": u.ID}
	if err := server.Audited(&t.Config, "token.revoke", what, func() error { return store.RevokeToken(ctx, u, id, codeforge.Now()) }); err != nil {
		return explain(err)
	}
	fmt.Println("revoked", id)
	return nil
}

// explain says what a client would be told, and the reason for it.
func explain(err error) error {
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		if reason, ok := e.Details["reason"].(string); ok {
			return fmt.Errorf("%s: %s", e.Message, reason)
		}
	}
	return err
}
