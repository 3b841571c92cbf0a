package auth_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"codeforge"
	"codeforge/internal/auth"
)

const (
	project    = "http://abc.supabase.test"
	issuer     = project + "/auth/v1"
	secret     = "a-secret-of-the-project-with-enough-characters"
	serviceKey = "sb_secret_of_the_project"
	alice      = "6f9619ff-8b86-4d01-b42d-00cf4fc964ff"
)

// signer is a key of the project, or of a forger.
type signer struct {
	kid    string
	method jwt.SigningMethod
	key    any // private
}

func newSigner(kid string) signer {
	return signer{kid, jwt.SigningMethodES256, must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))}
}

var (
	rsaKey  = sync.OnceValue(func() *rsa.PrivateKey { return must(rsa.GenerateKey(rand.Reader, 2048)) })
	byHS256 = signer{"", jwt.SigningMethodHS256, []byte(secret)}
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

type object = map[string]any

// userClaims are those that Supabase Auth gives a user, with changes; a nil one is left out.
func userClaims(changes object) object {
	now := time.Now().Unix()
	c := object{"iss": issuer, "sub": alice, "aud": "authenticated", "exp": now + 3600, "iat": now, "email": "alice@example.com", "phone": "",
		"app_metadata": object{"provider": "email", "providers": []string{"email"}}, "user_metadata": object{}, "role": "authenticated",
		"aal": "aal1", "amr": []object{{"method": "password", "timestamp": now}}, "session_id": "0c7e1d0a-5b1f-4a70-9a3e-2f1f4cf0a001", "is_anonymous": false}
	for k, v := range changes {
		if c[k] = v; v == nil {
			delete(c, k)
		}
	}
	return c
}

func encode(v any) string {
	if s, ok := v.(string); ok {
		return base64.RawURLEncoding.EncodeToString([]byte(s))
	}
	return base64.RawURLEncoding.EncodeToString(must(json.Marshal(v)))
}

// signRaw signs any header and payload; texts are taken as they are.
func (s signer) signRaw(header, payload any) string {
	text := encode(header) + "." + encode(payload)
	return text + "." + base64.RawURLEncoding.EncodeToString(must(s.method.Sign(text, s.key)))
}

func (s signer) header(changes object) object {
	h := object{"alg": s.method.Alg(), "typ": "JWT"}
	if s.kid != "" {
		h["kid"] = s.kid
	}
	maps.Copy(h, changes)
	return h
}

func (s signer) token(changes object) string { return s.signRaw(s.header(nil), userClaims(changes)) }

func (s signer) public() jwkset.JWKMarshal {
	j := must(jwkset.NewJWKFromKey(s.key, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{ALG: jwkset.ALG(s.method.Alg()), KID: s.kid,
		USE: jwkset.UseSig, KEYOPS: []jwkset.KEYOPS{jwkset.KeyOpsVerify}}, Marshal: jwkset.JWKMarshalOptions{}}))
	return j.Marshal()
}

// host stands in for a project's Supabase Auth behind its gateway. It counts what reaches it.
type host struct {
	client *http.Client

	mu       sync.Mutex
	keys     []signer
	extra    []object // further keys, as they are
	status   int      // answer everything so; 0: as it should be
	body     string   // with status
	hold     chan struct{}
	ended    map[string]bool // tokens whose session is gone
	user     string          // whose id /user answers; "": that of the token
	keyCalls int
	asked    int
}

func newHost(t testing.TB, keys ...signer) *host {
	h := &host{keys: keys, ended: map[string]bool{}}
	l := &pipes{make(chan net.Conn), make(chan struct{})}
	server := &http.Server{Handler: h}
	go server.Serve(l)
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		ours, theirs := net.Pipe()
		select {
		case l.conns <- theirs:
			return ours, nil
		case <-l.closed:
			return nil, net.ErrClosed
		}
	}}
	h.client = &http.Client{Transport: transport}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		server.Close()
	})
	return h
}

// pipes is a listener without sockets, so that time can be virtual.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	close(p.closed)
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe"} }

func (h *host) set(change func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	change()
}

// calls returns how many requests came since the last call of calls.
func (h *host) calls() (keys, asked int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	keys, asked = h.keyCalls, h.asked
	h.keyCalls, h.asked = 0, 0
	return keys, asked
}

func (h *host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mu.Lock()
	hold := h.hold
	keys := r.URL.Path == "/auth/v1/.well-known/jwks.json"
	if keys {
		h.keyCalls++
	} else {
		h.asked++
	}
	h.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-r.Context().Done():
			return
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	w.Header().Set("Content-Type", "application/json")
	answer := func(status int, v any) {
		w.WriteHeader(status)
		json.NewEncoder(w).Encode(v)
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case h.status != 0:
		w.WriteHeader(h.status)
		w.Write([]byte(h.body))
	case keys:
		all := []any{}
		for _, k := range h.keys {
			all = append(all, k.public())
		}
		for _, k := range h.extra {
			all = append(all, k)
		}
		answer(http.StatusOK, object{"keys": all})
	case r.URL.Path != "/auth/v1/user":
		answer(http.StatusNotFound, object{"message": "no Route matched with those values"})
	case r.Header.Get("apikey") != serviceKey:
		answer(http.StatusUnauthorized, object{"message": "Invalid API key", "hint": "Double check your API key."})
	case h.ended[token]:
		answer(http.StatusForbidden, object{"code": 403, "error_code": "session_not_found", "msg": "Session from session_id claim in JWT does not exist"})
	default:
		var c jwt.MapClaims
		if _, err := jwt.ParseWithClaims(token, &c, func(*jwt.Token) (any, error) { return []byte(secret), nil }, jwt.WithValidMethods([]string{"HS256"})); err != nil {
			answer(http.StatusForbidden, object{"code": 403, "error_code": "bad_jwt", "msg": "invalid JWT: unable to parse or verify signature, " + err.Error()})
			return
		}
		id := h.user
		if id == "" {
			id, _ = c.GetSubject()
		}
		answer(http.StatusOK, object{"id": id, "aud": "authenticated", "role": "authenticated", "email": c["email"]})
	}
}

// verifier returns one for the host's project. It has fetched the keys, if it could, when this returns.
func (h *host) verifier(t testing.TB, change func(*auth.Options)) *auth.Verifier {
	o := auth.Options{SupabaseURL: project + "/", ServiceKey: serviceKey, Client: h.client}
	if change != nil {
		change(&o)
	}
	v, err := auth.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { v.Close() })
	return v
}

func withSecret(o *auth.Options) { o.JWTSecret = secret }

// wantUser checks that a token is good and returns whose.
func wantUser(t testing.TB, v *auth.Verifier, token string) codeforge.User {
	t.Helper()
	u, err := v.Verify(t.Context(), token, auth.Read)
	if err != nil {
		t.Fatalf("refused: %v", err)
	}
	return u
}

// refused checks that a token gives this kind of error with these words, and nothing of itself away.
func refused(t testing.TB, v *auth.Verifier, token string, kind codeforge.Kind, words string) *codeforge.Error {
	t.Helper()
	u, err := v.Verify(t.Context(), token, auth.Read)
	if u.ID != "" || u.Token != "" || u.Claims != nil {
		t.Errorf("refused, and yet a user: %s", u.ID)
	}
	e, ok := err.(*codeforge.Error)
	if !ok || e.Kind != kind || words != "" && e.Message != words {
		t.Fatalf("got %#v, want %s %q", err, kind, words)
	}
	for part := range strings.SplitSeq(token, ".") {
		if len(part) > 8 && strings.Contains(e.Error(), part) {
			t.Errorf("the error quotes the token: %v", e)
		}
	}
	return e
}

const (
	unauthenticated = codeforge.Unauthenticated
	unavailable     = codeforge.Unavailable

	invalid  = "Invalid token"
	expired  = "Token has expired"
	audience = "Invalid token audience"
	missing  = "Missing required claims"
	notNow   = "The token cannot be verified right now"
)

func edSigner(kid string) signer {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	return signer{kid, jwt.SigningMethodEdDSA, must(private, err)}
}
