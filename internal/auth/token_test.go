package auth_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"hash/crc32"
	"math/big"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"codeforge"
	"codeforge/internal/auth"
)

// tokens is a store in memory.
type tokens struct {
	mu   sync.Mutex
	all  []auth.Token
	used int
	down error
}

func (s *tokens) CreateToken(_ context.Context, _ codeforge.User, t auth.Token) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.all = append(s.all, t)
	return nil
}

func (s *tokens) UseToken(_ context.Context, hash []byte, now time.Time) (auth.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used++
	if s.down != nil {
		return auth.Token{}, s.down
	}
	for i, t := range s.all {
		if bytes.Equal(t.Hash, hash) {
			s.all[i].UsedAt = &now
			return t, nil
		}
	}
	return auth.Token{}, codeforge.NotFound("Token", "")
}

func (s *tokens) ListTokens(_ context.Context, u codeforge.User) ([]auth.Token, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	mine := slices.DeleteFunc(slices.Clone(s.all), func(t auth.Token) bool { return t.UserID != u.ID })
	slices.Reverse(mine)
	return mine, nil
}

func (s *tokens) RevokeToken(_ context.Context, u codeforge.User, id string, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, t := range s.all {
		if t.ID == id && t.UserID == u.ID {
			s.all[i].RevokedAt = &now
			return nil
		}
	}
	return codeforge.NotFound("Token", id)
}

func (s *tokens) calls() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.used
	s.used = 0
	return n
}

func newToken(t *testing.T, s *tokens, scopes []auth.Scope, lifetime time.Duration) (string, auth.Token) {
	t.Helper()
	u := codeforge.User{ID: alice}
	token, record, err := auth.NewToken(u, " ci ", scopes, lifetime)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.CreateToken(t.Context(), u, record); err != nil {
		t.Fatal(err)
	}
	return token, record
}

// counterfeit is well formed, and was never given out.
func counterfeit() string {
	var b [32]byte
	rand.Read(b[:])
	pad := func(n *big.Int, width int) string {
		s := n.Text(62)
		return strings.Repeat("0", width-len(s)) + s
	}
	body := pad(new(big.Int).SetBytes(b[:]), 43)
	return "cf_" + body + pad(big.NewInt(int64(crc32.ChecksumIEEE([]byte(body)))), 6)
}

func TestTokensOfOurOwn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &tokens{}
		h := newHost(t)
		v := h.verifier(t, func(o *auth.Options) { o.Tokens = store })
		token, record := newToken(t, store, []auth.Scope{auth.Read}, time.Hour)
		if strings.Contains(string(must(json.Marshal(record))), token[3:]) || !strings.HasPrefix(token, record.Hint) || len(record.Hint) > 8 || record.Name != "ci" || len(token) != 52 {
			t.Errorf("%+v", record)
		}
		for range 5 {
			u := wantUser(t, v, token)
			var c map[string]string
			if err := json.Unmarshal(u.Claims, &c); err != nil || c["sub"] != alice || c["role"] != "authenticated" || c["token_id"] != record.ID {
				t.Errorf("claims %s", u.Claims)
			}
			if u.ID != alice || u.Role != "authenticated" || u.Token != "" {
				t.Errorf("%+v", u)
			}
		}
		if n := store.calls(); n != 1 {
			t.Errorf("%d look-ups", n)
		}

		// Who is not the owner ends nothing; who is, does so within ten seconds.
		if err := store.RevokeToken(t.Context(), codeforge.User{ID: "x"}, record.ID, time.Now()); !codeforge.IsKind(err, codeforge.Missing) {
			t.Error(err)
		}
		wantUser(t, v, token)
		if err := store.RevokeToken(t.Context(), codeforge.User{ID: alice}, record.ID, time.Now()); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		refused(t, v, token, unauthenticated, invalid)

		short, _ := newToken(t, store, auth.Scopes, 15*time.Second)
		wantUser(t, v, short)
		time.Sleep(11 * time.Second)
		wantUser(t, v, short)
		time.Sleep(4 * time.Second)
		for range 3 {
			refused(t, v, short, unauthenticated, expired)
		}

		for range 3 {
			store.calls()
			for _, slip := range []string{token[:51], token + "0", token[:51] + "-", strings.ToUpper(token), "cf_", token[:10] + "é" + token[12:]} {
				refused(t, v, slip, unauthenticated, invalid)
			}
			if n := store.calls(); n != 0 {
				t.Errorf("slips of the pen cost %d look-ups", n)
			}
		}
		guess := counterfeit()
		for range 10 {
			refused(t, v, guess, unauthenticated, invalid)
		}
		if n := store.calls(); n != 1 {
			t.Errorf("one guess cost %d look-ups", n)
		}
		for range 1000 {
			v.Verify(t.Context(), counterfeit(), auth.Read)
		}
		if n := store.calls(); n > 200 {
			t.Errorf("a thousand guesses cost %d look-ups", n)
		}

		forever, _ := newToken(t, store, auth.Scopes, 0)
		time.Sleep(10 * time.Second)
		store.down = errors.New("no connection")
		if e := refused(t, v, forever, unavailable, notNow); !errors.Is(e, store.down) {
			t.Errorf("the cause is lost: %v", e.Cause)
		}
		store.down = nil
		wantUser(t, v, forever)
		if _, asked := h.calls(); asked != 0 {
			t.Errorf("Supabase Auth was asked %d times", asked)
		}
	})
}

func TestScopes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &tokens{}
		key := newSigner("k")
		v := newHost(t, key).verifier(t, func(o *auth.Options) { o.Tokens = store })
		for request, need := range map[string]auth.Scope{
			"GET /v1/projects/":                            auth.Read,
			"HEAD /v1/projects/":                           auth.Read,
			"GET /v1/jobs/1/stream":                        auth.Read,
			"POST /v1/projects/":                           auth.Write,
			"PUT /v1/projects/1/files/src/jobs/x.ts":       auth.Write,
			"DELETE /v1/projects/1":                        auth.Write,
			"POST /v1/projects/1/revisions/2/restore":      auth.Write,
			"POST /v1/run-agent":                           auth.Jobs,
			"POST /v1/run-pipeline/":                       auth.Jobs,
			"POST /v1/agents/run-agent":                    auth.Jobs,
			"POST /v1/jobs/1/cancel":                       auth.Jobs,
			"POST /v1/agents/jobs/1/respond":               auth.Jobs,
			"POST /v1/clarify":                             auth.Jobs,
			"POST /v1/clarification/1/respond":             auth.Jobs,
			"POST /v1/refactor":                            auth.Jobs,
			"POST /v1/projects/1/files/src/x.ts/refactor/": auth.Jobs,
			"POST /v1/projects/1/export/github":            auth.Jobs,
			"POST /v1/student/1/roadmap":                   auth.Jobs,
			"POST /v1/student/ask":                         auth.Jobs,
			"POST /v1/student/1/sessions":                  auth.Write,
			"PUT /v1/student/1/choice":                     auth.Write,
			"PUT /v1/projects/1/files/src/x/refactor":      auth.Write, // a file
			"DELETE /v1/projects/1/files/export/github":    auth.Write,
			"POST /v1/projects/1/files":                    auth.Write,
			"POST /v1/projects/refactor":                   auth.Write,
			"POST /v1/projects/1/import/github":            auth.Write,
			"POST /v1/projects/1/webhooks/refactor/rotate": auth.Write,
			"POST /v1/something-new":                       auth.Write,
			"POST /v1/projects/1.git/git-upload-pack":      auth.Read,

			"POST /v1/projects/1.git/git-receive-pack":             auth.Write,
			"PUT /v1/projects/1/files/x.git/git-upload-pack":       auth.Write,
			"DELETE /v1/projects/1/files/docs.git/git-upload-pack": auth.Write,
			"POST /v2/jobs/1":     auth.Write,
			"FETCH /v1/projects/": auth.Write,
		} {
			method, path, _ := strings.Cut(request, " ")
			r := httptest.NewRequest(method, path, nil)
			for _, scope := range auth.Scopes {
				token, _ := newToken(t, store, []auth.Scope{scope}, time.Hour)
				r.Header.Set("Authorization", "Bearer "+token)
				u, err := v.User(r)
				if scope == need && (err != nil || u.ID != alice) {
					t.Errorf("%s with %s: %v", request, scope, err)
				}
				if scope != need && (!codeforge.IsKind(err, codeforge.Denied) || u.ID != "") {
					t.Errorf("%s with %s: %v, wants %s", request, scope, err, need)
				}
			}
			r.Header.Set("Authorization", "Bearer "+key.token(nil))
			if _, err := v.User(r); err != nil {
				t.Errorf("%s as the user: %v", request, err)
			}
		}
	})
}

func TestNewToken(t *testing.T) {
	u := codeforge.User{ID: alice}
	for name, make := range map[string]func() error{
		"no name":    func() error { _, _, err := auth.NewToken(u, " ", auth.Scopes, 0); return err },
		"long name":  func() error { _, _, err := auth.NewToken(u, strings.Repeat("x", 101), auth.Scopes, 0); return err },
		"no scope":   func() error { _, _, err := auth.NewToken(u, "ci", nil, 0); return err },
		"odd scope":  func() error { _, _, err := auth.NewToken(u, "ci", []auth.Scope{"admin"}, 0); return err },
		"ended once": func() error { _, _, err := auth.NewToken(u, "ci", auth.Scopes, -1); return err },
	} {
		if err := make(); !codeforge.IsKind(err, codeforge.Invalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	seen := map[string]bool{}
	for range 1000 {
		token, record, err := auth.NewToken(u, "ci", []auth.Scope{auth.Jobs, auth.Read, auth.Jobs}, 0)
		if err != nil || len(token) != 52 || seen[token] || !slices.Equal(record.Scopes, []auth.Scope{auth.Jobs, auth.Read}) || record.ExpiresAt != nil {
			t.Fatalf("%q %+v %v", token, record, err)
		}
		seen[token] = true
	}
}
