package postgres_test

import (
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/auth"
	"codeforge/internal/postgres/restest"
	"codeforge/internal/storetest"
)

func TestTokens(t *testing.T) {
	t.Run("connection", func(t *testing.T) {
		t.Parallel()
		storetest.RunTokens(t, func(t *testing.T) (auth.TokenStore, func(codeforge.User)) {
			store, s, db := fresh(t, recommended)
			return store, func(u codeforge.User) { s.Exec(t, db, "delete from auth.users where id = '"+u.ID+"'") }
		})
	})
	t.Run("Data API", func(t *testing.T) {
		t.Parallel()
		storetest.RunTokens(t, func(t *testing.T) (auth.TokenStore, func(codeforge.User)) {
			p := start(t, restest.Options{MaxRows: 2}, nil) // fewer than a user has
			return p.store, func(u codeforge.User) { p.pg.Exec(t, p.db, "delete from auth.users where id = '"+u.ID+"'") }
		})
	})
}

// A name is stored without what Postgres cannot hold, and a token made once though the answer was lost.
func TestTokenIsMade(t *testing.T) {
	t.Parallel()
	p, w := wired(t, restest.Options{})
	u := p.user()
	_, token, err := auth.NewToken(u, "ci \x00", []auth.Scope{auth.Read}, time.Hour)
	check(t, err)
	w.losing("codeforge_create_token", 1)
	check(t, p.store.CreateToken(t.Context(), u, token))
	if list, err := p.store.ListTokens(t.Context(), u); err != nil || len(list) != 1 || list[0].Name != "ci " {
		t.Errorf("%+v %v", list, err)
	}
}
