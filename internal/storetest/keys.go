package storetest

import (
	"slices"
	"time"

	"codeforge"
)

var keyTests = []test{
	{"one for each provider", func(s *suite) {
		put := func(u codeforge.User, provider, hint, sealed string) codeforge.ProviderKey {
			s.Helper()
			k, err := s.PutKey(s.ctx(), u, provider, hint, []byte(sealed))
			s.ok(err)
			return k
		}
		first := put(s.u, "openai", "…1234", "sealed\x00one")
		put(s.u, "anthropic", "…5678", "two")
		put(s.v, "openai", "…zzzz", "another's")
		s.advance(time.Second)
		second := put(s.u, "openai", "…9abc", "three")
		s.same("replaced", []any{second.Hint, second.CreatedAt.Equal(first.CreatedAt), second.UpdatedAt.After(first.UpdatedAt)}, []any{"…9abc", true, true})
		list, err := s.ListKeys(s.ctx(), s.u)
		s.ok(err)
		s.same("by provider", []any{len(list), list[0].Provider, list[1]}, []any{2, "anthropic", second})
		sealed, err := s.UserKeys(s.ctx(), s.u.ID)
		s.ok(err)
		slices.SortFunc(sealed, func(a, b codeforge.SealedKey) int { return len(b.Sealed) - len(a.Sealed) })
		s.same("sealed", sealed, []codeforge.SealedKey{{UserID: s.u.ID, Provider: "openai", Sealed: []byte("three")}, {UserID: s.u.ID, Provider: "anthropic", Sealed: []byte("two")}})

		s.ok(s.DeleteKey(s.ctx(), s.u, "openai"))
		s.missing(s.DeleteKey(s.ctx(), s.u, "openai"), "Key", "openai")
		if err := s.DeleteKey(s.ctx(), s.u, "no\x00thing"); !codeforge.IsKind(err, codeforge.Missing) {
			s.Error(err)
		}
		list, err = s.ListKeys(s.ctx(), s.v)
		s.ok(err)
		s.same("another's stays", len(list), 1)
		nobody, err := s.UserKeys(s.ctx(), codeforge.NewID())
		s.ok(err)
		s.same("nobody's", len(nobody), 0)
	}},
	{"are sealed anew", func(s *suite) {
		for _, u := range []codeforge.User{s.u, s.v} {
			for _, p := range []string{"anthropic", "google", "openai"} {
				_, err := s.PutKey(s.ctx(), u, p, "…1234", []byte(p))
				s.ok(err)
			}
		}
		var after codeforge.SealedKey
		seen := map[string]bool{}
		for {
			page, err := s.SealedKeys(s.ctx(), after, 4)
			s.ok(err)
			if len(page) == 0 {
				break
			}
			for _, k := range page {
				after = k
				seen[k.UserID+k.Provider] = true
				s.ok(s.ResealKey(s.ctx(), k, append([]byte("new "), k.Sealed...)))
				s.ok(s.ResealKey(s.ctx(), k, []byte("late"))) // it is another one by now
			}
		}
		s.same("all of them", len(seen), 6)
		for _, u := range []codeforge.User{s.u, s.v} {
			list, err := s.UserKeys(s.ctx(), u.ID)
			s.ok(err)
			for _, k := range list {
				s.same(k.Provider, string(k.Sealed), "new "+k.Provider)
			}
		}
	}},
}
