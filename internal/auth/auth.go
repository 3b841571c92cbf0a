// Package auth turns the token of a request into a [codeforge.User].
//
// Three kinds of tokens are known. What Supabase signs with a key pair (ES256, RS256 and their like) is verified here, by
// the project's published key set; what it signs with the project's secret (HS256) is verified here when the secret is
// known, else by asking Supabase Auth. Tokens of our own, for machines, are looked up by their hash in the store.
//
// A check goes from cheap to dear: size and shape, the cache, the claims, and only then a signature or somebody else's
// word. So a token that would be refused anyway reaches no host, and what does reach one is counted: the key set is
// fetched for unknown keys at most once in [fetchGap], and questions to Supabase Auth and to the store pass a limiter.
// What cannot be verified because a host does not answer is neither accepted nor called invalid: it is Unavailable.
//
// A key that was revoked is accepted until the next refresh of the key set, at most [keysRefresh] later, and while the
// host is down until [keysStale]. Signing out ends a session at Supabase Auth at once, but here only for tokens that
// Supabase Auth is asked about (within [goodFor]); all others hold until they expire.
package auth

import (
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"codeforge"
)

// MaxToken bounds a token, in bytes. Of a longer one nothing but its length is looked at.
const MaxToken = 16 << 10

const (
	leeway      = 30 * time.Second // between the clocks of who signs and who verifies
	goodFor     = time.Minute      // a verified token is believed without another look, and never past its exp
	badFor      = 10 * time.Second // a token with a wrong signature, or refused by Supabase Auth, is refused without another look
	ownFor      = 10 * time.Second // a token of our own is believed without a look at the store: revoking takes that long
	callTimeout = 5 * time.Second  // for one call of Supabase Auth
	retryAfter  = 5 * time.Second  // what a caller is told when a host did not answer
	cacheSize   = 4096             // verified tokens; as many refused ones
)

// The five answers to a token that is not good, in the words of the contract. None of them holds a cause: what a library
// says of a token may quote it.
var (
	errRequired = unauthenticated("Authorization header required")
	errInvalid  = unauthenticated("Invalid token")
	errExpired  = unauthenticated("Token has expired")
	errAudience = unauthenticated("Invalid token audience")
	errMissing  = unauthenticated("Missing required claims")
)

func unauthenticated(message string) *codeforge.Error {
	return &codeforge.Error{Kind: codeforge.Unauthenticated, Message: message}
}

func unavailable(wait time.Duration, cause error) *codeforge.Error {
	return &codeforge.Error{Kind: codeforge.Unavailable, Message: "The token cannot be verified right now", RetryAfter: wait, Cause: cause}
}

// Options says whose tokens are accepted. SupabaseURL, JWTSecret or both must be given.
type Options struct {
	SupabaseURL string   // of the project, like https://abc.supabase.co; "": only tokens signed with JWTSecret
	JWTSecret   string   // verifies HS256 tokens; "": Supabase Auth is asked about them
	ServiceKey  string   // sent as apikey when Supabase Auth is asked; "": it is not asked
	Issuers     []string // accepted as iss; none: SupabaseURL/auth/v1, or, without SupabaseURL, any
	Audience    string   // wanted in aud; "": authenticated

	// AllowAnonymous accepts users who signed in without an account.
	AllowAnonymous bool
	// Tokens holds the tokens of our own. nil: none are accepted.
	Tokens TokenStore

	Client *http.Client // for Supabase Auth; nil: one of our own. Redirects are never followed.
	Log    *slog.Logger // tells of changed keys and hosts that do not answer; nil: nothing
}

// Verifier knows who asks. It is safe for concurrent use.
type Verifier struct {
	o      Options
	base   string // of Supabase Auth, without trailing slash; "": there is none
	client *http.Client
	log    *slog.Logger
	parser *jwt.Parser
	claims *jwt.Validator
	keys   *keys          // nil: no tokens signed with a key pair
	users  *questionLimit // questions to Supabase Auth
	own    *questionLimit // questions to the store

	probe struct {
		sync.Mutex
		at  time.Time // of the last answer
		err error     // that it was
	}

	good *cache[identity]
	bad  *cache[refusal]

	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// identity is what a token was found to say.
type identity struct {
	user  codeforge.User // without Token
	until time.Time      // believed until then
	keys  uint64         // the generation of the key set that verified it; 0: none did
}

// refusal is the answer to a token until then.
type refusal struct {
	err   error
	until time.Time
}

// New returns a verifier and begins to fetch the key set; a host that does not answer is no error. The caller closes it.
func New(o Options) (*Verifier, error) {
	if o.SupabaseURL == "" && o.JWTSecret == "" {
		return nil, errors.New("without the address of a Supabase project and without its JWT secret no token can be verified")
	}
	v := &Verifier{o: o, log: cmp.Or(o.Log, slog.New(slog.DiscardHandler)), good: newCache[identity](cacheSize), bad: newCache[refusal](cacheSize),
		users: newGate(20, 40), own: newGate(100, 200)}
	v.o.Audience = cmp.Or(o.Audience, "authenticated")
	v.o.Issuers = slices.Clone(o.Issuers)
	v.client = &http.Client{Transport: http.DefaultTransport.(*http.Transport).Clone()}
	if o.Client != nil {
		v.client = new(*o.Client)
	}
	v.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse } // it would take the apikey along
	if o.SupabaseURL != "" {
		u, err := url.Parse(o.SupabaseURL)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
			return nil, errors.New("the address of the Supabase project must look like https://abc.supabase.co")
		}
		v.base = strings.TrimRight(o.SupabaseURL, "/") + "/auth/v1"
		if len(v.o.Issuers) == 0 {
			v.o.Issuers = []string{v.base}
		}
	}
	v.parser = jwt.NewParser(jwt.WithValidMethods(append([]string{secretMethod}, keyMethods...)), jwt.WithStrictDecoding(),
		jwt.WithoutClaimsValidation()) // judge has seen the claims by then
	v.claims = jwt.NewValidator(jwt.WithAudience(v.o.Audience), jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway))
	v.ctx, v.cancel = context.WithCancel(context.Background())
	if v.base != "" {
		v.keys = &keys{address: v.base + "/.well-known/jwks.json", get: v.fetch, ctx: v.ctx, log: v.log}
		v.wg.Go(v.keys.refreshLoop)
	}
	if n := len(o.JWTSecret); n > 0 && n < 32 {
		v.log.Warn("the JWT secret is short enough to be guessed: use at least 32 characters", "characters", n)
	}
	return v, nil
}

// Close stops the refresh of the key set. Tokens that then need a host are Unavailable.
func (v *Verifier) Close() error {
	v.cancel()
	v.wg.Wait()
	v.client.CloseIdleConnections()
	return nil
}

// Ready says why the token of a user who was never seen here could not be verified. Where Supabase Auth would be asked about
// it, Auth is asked, every few seconds at most.
func (v *Verifier) Ready(ctx context.Context) error {
	if v.keys == nil {
		return nil
	}
	set, err := v.keys.current()
	switch {
	case err != nil:
		return fmt.Errorf("the key set at %s could not be fetched: %w", v.keys.address, err)
	case set.empty() && !v.takesSecret():
		return fmt.Errorf("the project signs its tokens with a secret (%s publishes no keys): set SUPABASE_JWT_SECRET, or SUPABASE_SERVICE_KEY to ask Supabase Auth", v.keys.address)
	case set.empty() && v.o.JWTSecret == "":
		if err := v.answers(ctx); err != nil {
			return fmt.Errorf("the project signs its tokens with a secret, and Supabase Auth cannot be asked about them: %w", err)
		}
	}
	return nil
}

// takesSecret reports whether there is a way to verify tokens signed with the project's secret.
func (v *Verifier) takesSecret() bool {
	return v.o.JWTSecret != "" || v.base != "" && v.o.ServiceKey != ""
}

// User says who sent a request, by its Authorization header alone. The error is a [codeforge.Error]: Unauthenticated,
// Unavailable, or Denied for a token of our own whose scopes do not cover the request; or that of the request's context.
func (v *Verifier) User(r *http.Request) (codeforge.User, error) {
	switch header := r.Header["Authorization"]; len(header) {
	case 0:
		return codeforge.User{}, errRequired
	case 1:
		if header[0] == "" {
			return codeforge.User{}, errRequired
		}
		scheme, token, _ := strings.Cut(header[0], " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return codeforge.User{}, errInvalid
		}
		return v.Verify(r.Context(), strings.TrimLeft(token, " "), ScopeOf(r.Method, r.URL.Path))
	}
	return codeforge.User{}, errInvalid // two that differ would mean something else to everybody who reads them
}

// Verify is [Verifier.User] for a token that came another way; need is what a token of our own must cover.
func (v *Verifier) Verify(ctx context.Context, token string, need Scope) (codeforge.User, error) {
	who, err := v.identify(ctx, token)
	if err != nil {
		return codeforge.User{}, err
	}
	if grant := who.user.Grant; grant != nil {
		if !slices.Contains(grant.Scopes, string(need)) {
			return codeforge.User{}, &codeforge.Error{Kind: codeforge.Denied, Message: "This token does not cover the request",
				Details: map[string]any{"scope": string(need)}}
		}
		return who.user, nil
	}
	who.user.Token = token
	return who.user, nil
}

func (v *Verifier) identify(ctx context.Context, token string) (identity, error) {
	if len(token) > MaxToken {
		return identity{}, errInvalid
	}
	own := strings.HasPrefix(token, tokenPrefix)
	if own && (v.o.Tokens == nil || !wellFormed(token)) || !own && !compact(token) {
		return identity{}, errInvalid
	}
	sum := sha256.Sum256([]byte(token))
	who, known, err := v.cachedIdentity(sum)
	switch {
	case err != nil || known && who.until.After(time.Now()):
		return who, err
	case own:
		return v.ask(ctx, v.own, sum, known, func(ctx context.Context) (identity, error) { return v.lookUp(ctx, sum) })
	}

	var c claims
	var generation uint64
	_, err = v.parser.ParseWithClaims(token, &c, v.key(ctx, token, &c, &generation))
	switch {
	case errors.Is(err, errAsk):
		return v.ask(ctx, v.users, sum, known, func(ctx context.Context) (identity, error) {
			if err := v.askAuth(ctx, token, c.sub); err != nil {
				return identity{}, err
			}
			return v.identity(&c, 0), nil
		})
	case err == nil:
		who = v.identity(&c, generation)
		v.good.put(sum, who)
		return who, nil
	}
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		return identity{}, e
	}
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return identity{}, ctx.Err()
	}
	if errors.Is(err, jwt.ErrTokenSignatureInvalid) {
		v.bad.put(sum, refusal{errInvalid, time.Now().Add(badFor)})
	}
	return identity{}, errInvalid
}

// cachedIdentity returns what is known of a token. Where known is true but until has passed, it was good once.
func (v *Verifier) cachedIdentity(sum tokenHash) (who identity, known bool, err error) {
	if who, known = v.good.get(sum); known {
		if who.keys != 0 && who.keys != v.keys.generation() {
			who.until = time.Time{} // its key may have been revoked
		}
		return who, true, nil
	}
	if no, ok := v.bad.get(sum); ok && no.until.After(time.Now()) {
		return identity{}, false, no.err
	}
	return identity{}, false, nil
}

// identity is who claims speak of, once they are known to be true.
func (v *Verifier) identity(c *claims, generation uint64) identity {
	until := time.Now().Add(goodFor)
	if c.exp.Before(until) {
		until = c.exp.Time
	}
	return identity{user: codeforge.User{ID: c.sub, Email: c.email, Role: c.role, Claims: c.raw}, until: until, keys: generation}
}

const secretMethod = "HS256"

// keyMethods are the algorithms that Supabase signs with where the verifying key is public.
var keyMethods = []string{"ES256", "RS256", "EdDSA", "ES512", "RS512"}

// errAsk means that the claims are in order and that only Supabase Auth can tell whether they are true.
var errAsk = errors.New("ask Supabase Auth")

// key finds what the signature of a token is verified with. The claims are judged before, since finding a key can mean
// to ask for it. A token signed with a secret never meets a public key, which everybody could have signed with.
func (v *Verifier) key(ctx context.Context, token string, c *claims, generation *uint64) jwt.Keyfunc {
	return func(t *jwt.Token) (any, error) {
		if err := checkHeader(token, t.Header); err != nil {
			return nil, err
		}
		if err := v.checkClaims(c); err != nil {
			return nil, err
		}
		switch {
		case t.Method.Alg() == secretMethod && v.o.JWTSecret != "":
			return []byte(v.o.JWTSecret), nil
		case t.Method.Alg() == secretMethod && v.takesSecret():
			return nil, errAsk
		case t.Method.Alg() == secretMethod || v.keys == nil:
			return nil, errInvalid
		}
		key, number, err := v.keys.find(ctx, t)
		*generation = number
		return key, err
	}
}

// checkClaims says whether true claims would make a user.
func (v *Verifier) checkClaims(c *claims) error {
	switch err := v.claims.Validate(c); {
	case errors.Is(err, jwt.ErrTokenRequiredClaimMissing):
		return errMissing
	case errors.Is(err, jwt.ErrTokenExpired):
		return errExpired
	case errors.Is(err, jwt.ErrTokenInvalidAudience):
		return errAudience
	case err != nil:
		return errInvalid
	case len(v.o.Issuers) > 0 && c.iss == "": // where any will do, none will too
		return errMissing
	}
	id, err := codeforge.ParseID(c.sub)
	if err != nil || len(v.o.Issuers) > 0 && !slices.Contains(v.o.Issuers, c.iss) || c.anonymous && !v.o.AllowAnonymous ||
		c.role != "authenticated" { // the keys anon and service_role are tokens too
		return errInvalid
	}
	c.sub = id
	return nil
}
