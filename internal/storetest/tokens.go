package storetest

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

// RunTokens runs the suite for tokens of our own. open returns an empty store; forget deletes a user, and is nil where the
// store knows no users.
func RunTokens(t *testing.T, open func(t *testing.T) (store auth.TokenStore, forget func(u codeforge.User))) {
	store, forget := open(t)
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
	names := func(u codeforge.User) (names []string) {
		t.Helper()
		list, err := store.ListTokens(ctx, u)
		if err != nil {
			t.Fatal(err)
		}
		for _, token := range list {
			names = append(names, token.Name)
		}
		return names
	}

	first, second, other := make(u, "ci", 0), make(u, "laptop", time.Hour), make(v, "theirs", 0) // of users without a project
	third := make(u, "server", time.Hour)
	if got := names(u); !slices.Equal(got, []string{"server", "laptop", "ci"}) {
		t.Fatal(got)
	}
	if got := names(codeforge.User{ID: codeforge.NewID()}); len(got) != 0 {
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
	if use(third, now).RevokedAt != nil || use(other, now).RevokedAt != nil {
		t.Fatal("another was revoked")
	}
	first.ID = codeforge.NewID()
	if err := store.CreateToken(ctx, u, first); !codeforge.IsKind(err, codeforge.Conflict) {
		t.Fatalf("the same hash again: %v", err)
	}
	boundedTokens(t, store)
	var g sync.WaitGroup
	for range 20 {
		g.Go(func() { use(other, now.Add(time.Hour)) })
	}
	g.Wait()
	if forget == nil {
		return
	}
	forget(v)
	if _, err := store.UseToken(ctx, other.Hash, now); !codeforge.IsKind(err, codeforge.Missing) {
		t.Fatalf("it outlives its user: %v", err)
	}
}

// boundedTokens: how many of a user's tokens hold is bounded, and those that ended long ago are forgotten.
func boundedTokens(t *testing.T, store auth.TokenStore) {
	ctx, u, now := t.Context(), codeforge.User{ID: codeforge.NewID()}, time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	make := func(at time.Time) (auth.Token, error) {
		_, token, err := auth.NewToken(u, "one of many", []auth.Scope{auth.Read}, 0)
		if err != nil {
			t.Fatal(err)
		}
		token.CreatedAt = at
		return token, store.CreateToken(ctx, u, token)
	}
	list := func() []auth.Token {
		list, err := store.ListTokens(ctx, u)
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	for i := range auth.MaxTokens + 1 {
		switch token, err := make(now); {
		case err != nil:
			t.Fatal(i, err)
		case i == 0: // it makes room
			if err := store.RevokeToken(ctx, u, token.ID, now); err != nil {
				t.Fatal(err)
			}
		}
	}
	later := now.Add(auth.EndedKept + time.Hour)
	if _, err := make(later); !codeforge.IsKind(err, codeforge.TooLarge) {
		t.Fatal(err)
	}
	if n := len(list()); n != auth.MaxTokens+1 {
		t.Fatal(n)
	}
	if err := store.RevokeToken(ctx, u, list()[0].ID, later); err != nil {
		t.Fatal(err)
	}
	if _, err := make(later); err != nil {
		t.Fatal(err)
	}
	left := list()
	if n := slices.IndexFunc(left, func(t auth.Token) bool { return t.RevokedAt != nil && t.RevokedAt.Before(later) }); len(left) != auth.MaxTokens+1 || n >= 0 {
		t.Fatal(len(left), n)
	}
}
