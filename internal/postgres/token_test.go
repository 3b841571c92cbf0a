package postgres_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"sync"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/auth"
)

func TestTokens(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	ctx, u, v := t.Context(), codeforge.User{ID: codeforge.NewID()}, codeforge.User{ID: codeforge.NewID()}
	now := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	make := func(u codeforge.User, name string, lifetime time.Duration) auth.Token {
		t.Helper()
		_, token, err := auth.NewToken(u, name, []auth.Scope{auth.Read, auth.Jobs}, lifetime)
		if err != nil {
			t.Fatal(err)
		}
		token.CreatedAt = now
		if err := store.CreateToken(ctx, u, token); err != nil {
			t.Fatal(err)
		}
		now = now.Add(time.Second)
		return token
	}
	use := func(token auth.Token, at time.Time) auth.Token {
		t.Helper()
		got, err := store.UseToken(ctx, token.Hash, at)
		if err != nil {
			t.Fatal(err)
		}
		if got.ID != token.ID || got.UserID != token.UserID || got.Name != token.Name || got.Hint != token.Hint || !bytes.Equal(got.Hash, token.Hash) ||
			!slices.Equal(got.Scopes, token.Scopes) || !got.CreatedAt.Equal(token.CreatedAt) {
			t.Fatalf("got %+v, want %+v", got, token)
		}
		return got
	}
	ids := func(u codeforge.User) (ids []string) {
		t.Helper()
		list, err := store.ListTokens(ctx, u)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range list {
			ids = append(ids, token.ID)
		}
		return ids
	}

	first, second, other := make(u, "ci \x00", 0), make(u, "laptop", time.Hour), make(v, "ci", 0) // of users without a project
	first.Name = "ci "
	if got := ids(u); !slices.Equal(got, []string{second.ID, first.ID}) {
		t.Fatal(got)
	}
	if got := use(first, now); !got.UsedAt.Equal(now) || got.ExpiresAt != nil || got.RevokedAt != nil {
		t.Fatalf("%+v", got)
	}
	if got := use(first, now.Add(59*time.Second)); !got.UsedAt.Equal(now) {
		t.Fatalf("noted after less than a minute: %v", got.UsedAt)
	}
	if got := use(first, now.Add(61*time.Second)); !got.UsedAt.Equal(now.Add(61 * time.Second)) {
		t.Fatalf("not noted after a minute: %v", got.UsedAt)
	}
	if got := use(second, now.Add(2*time.Hour)); got.ExpiresAt == nil || got.ExpiresAt.Sub(*second.ExpiresAt).Abs() > time.Microsecond {
		t.Fatalf("an expired one: %+v", got)
	}
	for _, hash := range [][]byte{{}, {1}, second.Hash[:31], new(sha256.Sum256(second.Hash))[:]} {
		if _, err := store.UseToken(ctx, hash, now); !codeforge.IsKind(err, codeforge.Missing) {
			t.Fatal(err)
		}
	}
	for _, err := range []error{store.RevokeToken(ctx, v, first.ID, now), store.RevokeToken(ctx, u, codeforge.NewID(), now), store.RevokeToken(ctx, u, "x", now)} {
		if !codeforge.IsKind(err, codeforge.Missing) {
			t.Fatal(err)
		}
	}
	for i := range 2 { // for good
		if err := store.RevokeToken(ctx, u, first.ID, now.Add(time.Duration(i)*time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	if got := use(first, now); got.RevokedAt == nil || !got.RevokedAt.Equal(now) {
		t.Fatalf("%+v", got)
	}
	if use(other, now).RevokedAt != nil {
		t.Fatal("another's was revoked")
	}
	first.ID = codeforge.NewID()
	if err := store.CreateToken(ctx, u, first); !codeforge.IsKind(err, codeforge.Conflict) {
		t.Fatalf("the same hash again: %v", err)
	}
	var g sync.WaitGroup
	for range 20 {
		g.Go(func() { use(other, now.Add(time.Hour)) })
	}
	g.Wait()
	s.Exec(t, db, "delete from auth.users where id = '"+v.ID+"'")
	if _, err := store.UseToken(ctx, other.Hash, now); !codeforge.IsKind(err, codeforge.Missing) {
		t.Fatalf("it outlives its user: %v", err)
	}
}
