package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"hash/crc32"
	"math/big"
	"net/http"
	"slices"
	"strings"
	"time"

	"codeforge"
)

// Scope is what a token of our own may do. None includes another. Users themselves may do everything.
type Scope string

const (
	Read    Scope = "read"    // every GET, and what git fetches
	Write   Scope = "write"   // change projects, files, revisions, and everything that has no scope of its own
	Jobs    Scope = "jobs"    // start jobs, whichever way, answer their questions, take or reject their work, cancel them, and call models
	Account Scope = "account" // make and revoke tokens, change the user's profile and keys
)

// Scopes are all there are.
var Scopes = []Scope{Read, Write, Jobs, Account}

// ScopeOf is the scope that a request needs.
func ScopeOf(method, path string) Scope {
	if path == "/mcp" || method == http.MethodGet || method == http.MethodHead || method == http.MethodPost && strings.HasSuffix(path, ".git/git-upload-pack") {
		return Read
	}
	rest, ok := strings.CutPrefix(path, "/v1/")
	if !ok {
		return Write
	}
	parts := strings.Split(strings.TrimSuffix(rest, "/"), "/")
	switch parts[0] {
	case "agents", "jobs", "run-agent", "run-pipeline", "clarify", "clarification":
		return Jobs
	case "tokens", "profiles", "keys":
		return Account
	}
	if method == http.MethodPost && callsModels(parts) {
		return Jobs
	}
	return Write
}

// callsModels reports whether what is posted to a path below /v1 has a job do it, though it is answered with the result, or asks a model.
func callsModels(parts []string) bool {
	last := parts[len(parts)-1]
	switch parts[0] {
	case "refactor", "models":
		return true
	case "student":
		return last == "ask" || last == "choice-framework" || last == "choice" || last == "roadmap"
	case "projects":
		return len(parts) == 4 && parts[2] == "export" && last == "github" || len(parts) > 4 && parts[2] == "files" && last == "refactor"
	}
	return false
}

// Token is the record of a token of our own. The token itself is known to its owner alone.
type Token struct {
	ID     string
	UserID string // for whom it acts
	Name   string // what the owner calls it
	Hint   string // its first characters, to tell it from others
	Hash   []byte // SHA-256
	Scopes []Scope

	CreatedAt time.Time
	ExpiresAt *time.Time // nil: never
	RevokedAt *time.Time
	UsedAt    *time.Time // to about a minute
}

func (t *Token) grant() *codeforge.Grant {
	g := &codeforge.Grant{TokenID: t.ID, ExpiresAt: t.ExpiresAt}
	for _, s := range t.Scopes {
		g.Scopes = append(g.Scopes, string(s))
	}
	return g
}

// CheckGrant refuses a token that could do what its maker cannot: have a scope that the maker's own token has not, or hold longer.
func (t *Token) CheckGrant(u codeforge.User) error {
	g := u.Grant
	if g == nil {
		return nil
	}
	for _, s := range t.Scopes {
		if !slices.Contains(g.Scopes, string(s)) {
			return &codeforge.Error{Kind: codeforge.Denied, Message: "A token makes others with scopes of its own alone: " + strings.Join(g.Scopes, ", "), Details: map[string]any{"scope": string(s)}}
		}
	}
	if g.ExpiresAt != nil && (t.ExpiresAt == nil || t.ExpiresAt.After(*g.ExpiresAt)) {
		end := g.ExpiresAt.UTC().Format(time.RFC3339)
		return &codeforge.Error{Kind: codeforge.Denied, Message: "A token makes none that holds longer than itself: until " + end, Details: map[string]any{"expires_at": end}}
	}
	return nil
}

// TokenStore keeps tokens of our own. Errors are [codeforge.Error] where the caller is at fault.
type TokenStore interface {
	// CreateToken stores a token of u, who may have [MaxTokens] that hold; t.UserID is u's. Those that ended longer ago than
	// [EndedKept] are forgotten.
	CreateToken(ctx context.Context, u codeforge.User, t Token) error
	// UseToken finds a token by its hash, to the system, and notes that it was used now, where the note is older than a
	// minute. Revoked and expired ones are found as well; Missing when there is none.
	UseToken(ctx context.Context, hash []byte, now time.Time) (Token, error)
	// ListTokens returns all tokens of u, the newest first.
	ListTokens(ctx context.Context, u codeforge.User) ([]Token, error)
	// RevokeToken ends a token of u, for good; Missing when it is not u's. It holds within [ownFor] everywhere.
	RevokeToken(ctx context.Context, u codeforge.User, id string, now time.Time) error
}

// What a user has of tokens.
const (
	MaxTokens = 100                 // that hold
	EndedKept = 30 * 24 * time.Hour // ones that were revoked or expired are listed so long
)

const (
	tokenPrefix = "cf_" // by which leaked ones can be found
	secretChars = 43    // 32 bytes in base 62
	checkChars  = 6     // CRC-32 in base 62
	maxName     = 100
)

// NewToken makes a token for u, to be shown once, and its record, to be stored. A lifetime of 0 never ends.
func NewToken(u codeforge.User, name string, scopes []Scope, lifetime time.Duration) (token string, t Token, err error) {
	name = strings.TrimSpace(name)
	switch n := len([]rune(name)); {
	case n == 0:
		return "", Token{}, codeforge.InvalidField("name", "is required")
	case n > maxName:
		return "", Token{}, codeforge.InvalidField("name", "must have at most %d characters", maxName)
	case len(scopes) == 0:
		return "", Token{}, codeforge.InvalidField("scopes", "must name at least one of read, write, jobs, account")
	case lifetime < 0:
		return "", Token{}, codeforge.InvalidField("lifetime", "must not be negative")
	}
	for _, s := range scopes {
		if !slices.Contains(Scopes, s) {
			return "", Token{}, codeforge.InvalidField("scopes", "must be of read, write, jobs, account")
		}
	}
	var secret [32]byte
	rand.Read(secret[:]) // never fails
	body := base62(new(big.Int).SetBytes(secret[:]), secretChars)
	token = tokenPrefix + body + checkOf(body)
	sum := sha256.Sum256([]byte(token))
	now := time.Now().UTC()
	t = Token{ID: codeforge.NewID(), UserID: u.ID, Name: name, Hint: token[:len(tokenPrefix)+4], Hash: sum[:],
		Scopes: slices.Compact(slices.Sorted(slices.Values(scopes))), CreatedAt: now}
	if lifetime > 0 {
		t.ExpiresAt = new(now.Add(lifetime))
	}
	return token, t, nil
}

func base62(n *big.Int, width int) string {
	s := n.Text(62)
	return strings.Repeat("0", width-len(s)) + s
}

func checkOf(body string) string {
	return base62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(body)))), checkChars)
}

// wellFormed tells a token from a slip of the pen without a look into the store. Anybody can compute the check.
func wellFormed(token string) bool {
	body, ok := strings.CutPrefix(token, tokenPrefix)
	return ok && len(body) == secretChars+checkChars && checkOf(body[:secretChars]) == body[secretChars:]
}

// lookUp is the store's word on a token.
func (v *Verifier) lookUp(ctx context.Context, sum tokenHash) (identity, error) {
	now := time.Now()
	t, err := v.o.Tokens.UseToken(ctx, sum[:], now.UTC())
	switch {
	case codeforge.IsKind(err, codeforge.Missing):
		return identity{}, errInvalid
	case err != nil:
		return identity{}, unavailable(retryAfter, err)
	case t.RevokedAt != nil:
		return identity{}, errInvalid
	}
	until := now.Add(ownFor)
	if t.ExpiresAt != nil {
		if !t.ExpiresAt.After(now) {
			return identity{}, errExpired
		}
		if t.ExpiresAt.Before(until) {
			until = *t.ExpiresAt
		}
	}
	claims, err := json.Marshal(map[string]string{"sub": t.UserID, "role": "authenticated", "aud": v.o.Audience, "token_id": t.ID})
	if err != nil {
		return identity{}, unavailable(retryAfter, err)
	}
	return identity{user: codeforge.User{ID: t.UserID, Role: "authenticated", Claims: claims, Grant: t.grant()}, until: until}, nil
}
