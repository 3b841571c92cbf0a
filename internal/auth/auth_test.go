package auth_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"codeforge"
	"codeforge/internal/auth"
)

func TestGoodTokens(t *testing.T) {
	signers := []signer{newSigner("es256"), {"rs256", jwt.SigningMethodRS256, rsaKey()}, {"rs512", jwt.SigningMethodRS512, rsaKey()},
		{"es512", jwt.SigningMethodES512, must(ecdsa.GenerateKey(elliptic.P521(), rand.Reader))}, edSigner("eddsa")}
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t, signers...)
		h.extra = []object{{"kty": "EC", "crv": "P-256", "kid": "broken", "x": "AA", "y": "AA"}, {"kty": "MADEUP", "kid": "new"}}
		v := h.verifier(t, withSecret)
		for _, s := range append(signers, byHS256) {
			token := s.token(object{"sub": strings.ToUpper(alice)})
			for range 2 { // verified, then remembered
				u := wantUser(t, v, token)
				payload := must(base64.RawURLEncoding.DecodeString(strings.Split(token, ".")[1]))
				if u.ID != alice || u.Email != "alice@example.com" || u.Role != "authenticated" || u.Token != token || !bytes.Equal(u.Claims, payload) {
					t.Errorf("%s: %+v", s.method.Alg(), u)
				}
			}
		}
		for name, changes := range map[string]object{
			"audiences":        {"aud": []string{"other", "authenticated"}},
			"no iat":           {"iat": nil},
			"no email":         {"email": nil},
			"null email":       {"email": json.RawMessage("null")},
			"clock ahead":      {"iat": time.Now().Unix() + 25, "nbf": time.Now().Unix() + 25},
			"clock behind":     {"exp": time.Now().Unix() - 25},
			"parts of seconds": {"exp": float64(time.Now().Unix()) + 99.5},
		} {
			if _, err := v.Verify(t.Context(), signers[0].token(changes), auth.Read); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
		if keys, asked := h.calls(); keys != 1 || asked != 0 {
			t.Errorf("%d fetches, %d questions", keys, asked)
		}
		if err := v.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// TestForgedTokens sends everything that is no token of a user, to a project whose secret is known and to one where
// Supabase Auth is asked. Each case says what it may cost the host.
func TestForgedTokens(t *testing.T) {
	key, other := newSigner("real"), newSigner("real")
	rsaSigner := signer{"rsa", jwt.SigningMethodRS256, rsaKey()}
	public := &key.key.(*ecdsa.PrivateKey).PublicKey
	der := must(x509.MarshalPKIXPublicKey(public))
	pemText := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	rsaDER := must(x509.MarshalPKIXPublicKey(&rsaKey().PublicKey))
	jwk := must(json.Marshal(key.public()))
	set := must(json.Marshal(object{"keys": []any{key.public(), rsaSigner.public()}}))
	hmacWith := func(k []byte) signer { return signer{"real", jwt.SigningMethodHS256, k} }
	none := signer{"", jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType}
	unknown := func(s signer, kid string) signer { s.kid = kid; return s }
	edit := func(token string, part int, f func(string) string) string {
		parts := strings.Split(token, ".")
		parts[part] = f(parts[part])
		return strings.Join(parts, ".")
	}
	payload := func(c string) string { return key.signRaw(key.header(nil), c) }

	type attempt struct {
		token string
		words string
		fetch int // of the key set
		ask   int // questions to Supabase Auth, where the secret is not known
	}
	cases := func() map[string]attempt {
		now := time.Now().Unix()
		good := key.token(nil)
		claims := string(must(json.Marshal(userClaims(nil))))
		legacy := func(role string) string {
			return byHS256.signRaw(byHS256.header(nil), object{"iss": "supabase", "ref": "abc", "role": role, "iat": now - 1000, "exp": now + 300_000_000})
		}
		forgedPart := func(name string, value any) string {
			return other.signRaw(unknown(other, "own").header(object{name: value}), userClaims(nil))
		}
		return map[string]attempt{
			"none":                     {none.signRaw(object{"alg": "none", "typ": "JWT"}, userClaims(nil)), invalid, 0, 0},
			"None":                     {none.signRaw(object{"alg": "None"}, userClaims(nil)) + "AA", invalid, 0, 0},
			"nOnE":                     {none.signRaw(object{"alg": "nOnE"}, userClaims(nil)) + "AA", invalid, 0, 0},
			"none, some signature":     {none.signRaw(object{"alg": "none"}, userClaims(nil)) + "AA", invalid, 0, 0},
			"no alg":                   {key.signRaw(object{"kid": "real"}, userClaims(nil)), invalid, 0, 0},
			"alg is no text":           {key.signRaw(object{"alg": 1, "kid": "real"}, userClaims(nil)), invalid, 0, 0},
			"alg in lower case":        {key.signRaw(object{"alg": "es256", "kid": "real"}, userClaims(nil)), invalid, 0, 0},
			"alg unheard of":           {key.signRaw(object{"alg": "ES256K", "kid": "real"}, userClaims(nil)), invalid, 0, 0},
			"HS512 with the secret":    {signer{"", jwt.SigningMethodHS512, []byte(secret)}.token(nil), invalid, 0, 0},
			"PS256 with the RSA key":   {signer{"rsa", jwt.SigningMethodPS256, rsaKey()}.token(nil), invalid, 0, 0},
			"RS256 with RS512's kid":   {signer{"real", jwt.SigningMethodRS256, rsaKey()}.token(nil), invalid, 0, 0},
			"HS256 with PEM":           {hmacWith(pemText).token(nil), invalid, 0, 1},
			"HS256 with PEM, trimmed":  {hmacWith(bytes.TrimSpace(pemText)).token(nil), invalid, 0, 1},
			"HS256 with DER":           {hmacWith(der).token(nil), invalid, 0, 1},
			"HS256 with RSA DER":       {unknown(hmacWith(rsaDER), "rsa").token(nil), invalid, 0, 1},
			"HS256 with JWK":           {hmacWith(jwk).token(nil), invalid, 0, 1},
			"HS256 with the key set":   {hmacWith(set).token(nil), invalid, 0, 1},
			"HS256 with an empty key":  {hmacWith([]byte{}).token(nil), invalid, 0, 1},
			"HS256 with kid as path":   {unknown(hmacWith([]byte{}), "../../dev/null").token(nil), invalid, 0, 1},
			"HS256 with service key":   {hmacWith([]byte(serviceKey)).token(nil), invalid, 0, 1},
			"foreign key, real kid":    {other.token(nil), invalid, 0, 0},
			"foreign key, unknown kid": {unknown(other, "nobody's").token(nil), invalid, 1, 0},
			"foreign key, no kid":      {unknown(other, "").token(nil), invalid, 0, 0},
			"foreign key, empty kid":   {other.signRaw(object{"alg": "ES256", "kid": ""}, userClaims(nil)), invalid, 1, 0},
			"kid is no text":           {key.signRaw(object{"alg": "ES256", "kid": 7}, userClaims(nil)), invalid, 0, 0},
			"kid without end":          {unknown(other, strings.Repeat("k", 300)).token(nil), invalid, 0, 0},
			"embedded jwk":             {forgedPart("jwk", other.public()), invalid, 1, 0},
			"embedded jku":             {forgedPart("jku", "http://forger.test/keys"), invalid, 1, 0},
			"embedded x5u":             {forgedPart("x5u", "http://forger.test/cert"), invalid, 1, 0},
			"embedded x5c":             {forgedPart("x5c", []string{base64.StdEncoding.EncodeToString(der)}), invalid, 1, 0},
			"embedded jwk, real kid":   {other.signRaw(key.header(object{"jwk": other.public()}), userClaims(nil)), invalid, 0, 0},
			"crit":                     {key.signRaw(key.header(object{"crit": []string{"b64"}, "b64": false}), userClaims(nil)), invalid, 0, 0},
			"header twice":             {key.signRaw(`{"alg":"none","alg":"ES256","kid":"real"}`, userClaims(nil)), invalid, 0, 0},
			"header is a list":         {key.signRaw(`["ES256"]`, userClaims(nil)), invalid, 0, 0},
			"changed payload": {edit(good, 1, func(string) string {
				return encode(userClaims(object{"sub": "11111111-1111-4111-8111-111111111111"}))
			}), invalid, 0, 0},
			"changed header":     {edit(good, 0, func(string) string { return encode(key.header(object{"x": 1})) }), invalid, 0, 0},
			"cut signature":      {good[:len(good)-4], invalid, 0, 0},
			"half a signature":   {edit(good, 2, func(s string) string { return s[:len(s)/2] }), invalid, 0, 0},
			"no signature":       {edit(good, 2, func(string) string { return "" }), invalid, 0, 0},
			"signature of zeros": {edit(good, 2, func(string) string { return encode(string(make([]byte, 64))) }), invalid, 0, 0},
			"signature in DER": {edit(good, 2, func(string) string {
				return encode(string(must(ecdsa.SignASN1(rand.Reader, key.key.(*ecdsa.PrivateKey), make([]byte, 32)))))
			}), invalid, 0, 0},
			"trailing byte":            {good + "A", invalid, 0, 0},
			"trailing bytes":           {good + "AAAA", invalid, 0, 0},
			"trailing part":            {good + ".AAAA", invalid, 0, 0},
			"trailing dot":             {good + ".", invalid, 0, 0},
			"trailing line break":      {good + "\n", invalid, 0, 0},
			"line break inside":        {good[:40] + "\n" + good[40:], invalid, 0, 0},
			"leading space":            {" " + good, invalid, 0, 0},
			"padded":                   {good + "==", invalid, 0, 0},
			"standard base64":          {strings.NewReplacer("-", "+", "_", "/").Replace(good) + "+", invalid, 0, 0},
			"other last bits":          {edit(good, 2, func(s string) string { return s[:len(s)-1] + otherBits(s[len(s)-1]) }), invalid, 0, 0},
			"two parts":                {strings.Join(strings.Split(good, ".")[:2], "."), invalid, 0, 0},
			"empty":                    {"", invalid, 0, 0},
			"dots":                     {"..", invalid, 0, 0},
			"a word":                   {"token", invalid, 0, 0},
			"NUL":                      {good + "\x00", invalid, 0, 0},
			"20 KB":                    {key.token(object{"user_metadata": object{"x": strings.Repeat("x", 20<<10)}}), invalid, 0, 0},
			"20 KB of noise":           {strings.Repeat("x", 20<<10), invalid, 0, 0},
			"expired":                  {key.token(object{"exp": now - 31}), expired, 0, 0},
			"expired, HS256":           {byHS256.token(object{"exp": now - 31}), expired, 0, 0},
			"issued in the future":     {key.token(object{"iat": now + 600}), invalid, 0, 0},
			"not valid yet":            {key.token(object{"nbf": now + 600}), invalid, 0, 0},
			"wrong audience":           {key.token(object{"aud": "anon"}), audience, 0, 0},
			"wrong audiences":          {key.token(object{"aud": []string{"a", "b"}}), audience, 0, 0},
			"audience is a number":     {key.token(object{"aud": 1}), invalid, 0, 0},
			"no audience":              {key.token(object{"aud": nil}), missing, 0, 0},
			"empty audience":           {key.token(object{"aud": []string{}}), missing, 0, 0},
			"wrong issuer":             {key.token(object{"iss": "http://other.supabase.test/auth/v1"}), invalid, 0, 0},
			"issuer with a slash":      {key.token(object{"iss": issuer + "/"}), invalid, 0, 0},
			"no issuer":                {key.token(object{"iss": nil}), missing, 0, 0},
			"no exp":                   {key.token(object{"exp": nil}), missing, 0, 0},
			"null exp":                 {key.token(object{"exp": json.RawMessage("null")}), missing, 0, 0},
			"exp is a text":            {key.token(object{"exp": fmt.Sprint(now + 100)}), invalid, 0, 0},
			"exp without end":          {key.token(object{"exp": json.RawMessage("1e300")}), invalid, 0, 0},
			"exp beyond numbers":       {key.token(object{"exp": json.RawMessage("1e999")}), invalid, 0, 0},
			"exp below zero":           {key.token(object{"exp": -1}), invalid, 0, 0},
			"exp is true":              {key.token(object{"exp": true}), invalid, 0, 0},
			"no sub":                   {key.token(object{"sub": nil}), missing, 0, 0},
			"empty sub":                {key.token(object{"sub": ""}), missing, 0, 0},
			"sub is no uuid":           {key.token(object{"sub": "alice"}), invalid, 0, 0},
			"sub in braces":            {key.token(object{"sub": "{" + alice + "}"}), invalid, 0, 0},
			"sub is a number":          {key.token(object{"sub": 1}), invalid, 0, 0},
			"no role":                  {key.token(object{"role": nil}), missing, 0, 0},
			"role anon":                {key.token(object{"role": "anon"}), invalid, 0, 0},
			"role service_role":        {key.token(object{"role": "service_role"}), invalid, 0, 0},
			"role is a list":           {key.token(object{"role": []string{"authenticated"}}), invalid, 0, 0},
			"role in another case":     {key.token(object{"role": nil, "Role": "authenticated"}), missing, 0, 0},
			"anonymous":                {key.token(object{"is_anonymous": true}), invalid, 0, 0},
			"anonymous is a text":      {key.token(object{"is_anonymous": "false"}), invalid, 0, 0},
			"anon key":                 {legacy("anon"), missing, 0, 0},
			"service key":              {legacy("service_role"), missing, 0, 0},
			"service key, as a user":   {byHS256.token(object{"role": "service_role"}), invalid, 0, 0},
			"new publishable key":      {"sb_publishable_abcdefghijklmnopqrstuvwxyz", invalid, 0, 0},
			"new secret key":           {serviceKey, invalid, 0, 0},
			"sub twice":                {payload(strings.Replace(claims, `{`, `{"sub":"11111111-1111-4111-8111-111111111111",`, 1)), invalid, 0, 0},
			"sub twice, escaped":       {payload(strings.Replace(claims, `{`, `{"\u0073ub":"11111111-1111-4111-8111-111111111111",`, 1)), invalid, 0, 0},
			"twice further in":         {payload(strings.Replace(claims, `"provider":"email"`, `"provider":"email","provider":"x"`, 1)), invalid, 0, 0},
			"NUL in claims":            {payload(strings.Replace(claims, "alice@", `al\u0000ice@`, 1)), invalid, 0, 0},
			"claims not UTF-8":         {payload(strings.Replace(claims, "alice@", "al\xffice@", 1)), invalid, 0, 0},
			"claims null":              {payload("null"), missing, 0, 0},
			"claims a list":            {payload("[" + claims + "]"), invalid, 0, 0},
			"claims and more":          {payload(claims + "{}"), invalid, 0, 0},
			"claims cut":               {payload(claims[:len(claims)-1]), invalid, 0, 0},
			"claims deep":              {payload(`{"a":` + strings.Repeat("[", 4000) + strings.Repeat("]", 4000) + "," + claims[1:len(claims)-1] + `,"role":"x"}`), invalid, 0, 0},
			"expired and made up":      {unknown(other, "nobody's").token(object{"exp": now - 60}), expired, 0, 0},
			"service role, made up":    {hmacWith(nil).token(object{"role": "service_role"}), invalid, 0, 0},
			"token of ours, too short": {"cf_abc", invalid, 0, 0},
			"token of ours, none kept": {"cf_" + strings.Repeat("0", 49), invalid, 0, 0},
		}
	}
	for _, mode := range []struct {
		name   string
		change func(*auth.Options)
		asks   bool
	}{{"secret known", withSecret, false}, {"secret not known", nil, true}} {
		t.Run(mode.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t, key, rsaSigner)
				// A set could hold what must never be published.
				h.extra = []object{{"kty": "oct", "kid": "secret", "alg": "HS256", "k": encode("shared")}}
				v := h.verifier(t, mode.change)
				wantUser(t, v, key.token(nil))
				h.calls()
				for name, c := range cases() {
					if c.fetch > 0 {
						time.Sleep(21 * time.Second)
					}
					for range 3 {
						refused(t, v, c.token, unauthenticated, c.words)
						if t.Failed() {
							t.Fatalf("in case %q", name)
						}
					}
					if !mode.asks {
						c.ask = 0
					}
					if keys, asked := h.calls(); keys != c.fetch || asked != c.ask {
						t.Errorf("%s: %d fetches, want %d; %d questions, want %d", name, keys, c.fetch, asked, c.ask)
					}
				}
				wantUser(t, v, key.token(nil))
			})
		})
	}
}

// otherBits returns a character that differs from c only in the bits that a decoder drops.
func otherBits(c byte) string {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

func TestAuthorizationHeader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newSigner("k")
		v := newHost(t, key).verifier(t, nil)
		good := key.token(nil)
		for name, c := range map[string]struct {
			header []string
			words  string
		}{
			"none":        {nil, "Authorization header required"},
			"empty":       {[]string{""}, "Authorization header required"},
			"good":        {[]string{"Bearer " + good}, ""},
			"lower case":  {[]string{"bearer  " + good}, ""},
			"no token":    {[]string{"Bearer"}, invalid},
			"empty token": {[]string{"Bearer "}, invalid},
			"bare token":  {[]string{good}, invalid},
			"Basic":       {[]string{"Basic YTpi"}, invalid},
			"two":         {[]string{"Bearer " + good, "Bearer " + good}, invalid},
			"more":        {[]string{"Bearer " + good + " x"}, invalid},
		} {
			r := httptest.NewRequest("POST", "/v1/projects/", nil)
			r.Header["Authorization"] = c.header
			r.Header.Set("X-User-ID", "11111111-1111-4111-8111-111111111111")
			r.Header.Set("Cookie", "access_token="+good)
			u, err := v.User(r)
			if c.words == "" {
				if err != nil || u.ID != alice {
					t.Errorf("%s: %v", name, err)
				}
			} else if !codeforge.IsKind(err, unauthenticated) || err.Error() != c.words {
				t.Errorf("%s: %v, want %q", name, err, c.words)
			}
		}
	})
}

func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second, third := newSigner("first"), newSigner("second"), newSigner("third")
		h := newHost(t, first)
		v := h.verifier(t, nil)
		wantUser(t, v, first.token(nil))
		time.Sleep(time.Minute)
		h.calls()

		h.set(func() { h.keys = []signer{second, first} })
		wantUser(t, v, second.token(nil))
		wantUser(t, v, first.token(nil))
		time.Sleep(30 * time.Second)
		h.set(func() { h.keys = []signer{third, second, first} })
		wantUser(t, v, third.token(nil))
		wantUser(t, v, first.token(nil))
		if keys, _ := h.calls(); keys != 2 {
			t.Errorf("two rotations cost %d fetches", keys)
		}
	})
}

func TestUnknownKeysAreFetchedSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		real, forger := newSigner("real"), newSigner("")
		h := newHost(t, real)
		v := h.verifier(t, nil)
		wantUser(t, v, real.token(nil))
		time.Sleep(time.Minute)
		h.calls()
		for i := range 120 { // two minutes, ten tokens a second
			for j := range 10 {
				forger.kid = fmt.Sprintf("%d-%d", i, j)
				refused(t, v, forger.token(nil), unauthenticated, invalid)
			}
			time.Sleep(time.Second)
		}
		if keys, _ := h.calls(); keys < 4 || keys > 6 {
			t.Errorf("%d fetches in two minutes", keys)
		}
	})
}

func TestRevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		old, next := newSigner("old"), newSigner("next")
		h := newHost(t, old, next)
		v := h.verifier(t, nil)
		token := old.token(nil)
		wantUser(t, v, token)
		h.set(func() { h.keys = []signer{next} })
		time.Sleep(9*time.Minute + 50*time.Second)
		wantUser(t, v, token) // and remembers it for longer than is left until the refresh
		time.Sleep(20 * time.Second)
		refused(t, v, token, unauthenticated, invalid)
		wantUser(t, v, next.token(nil))
	})
}

// TestMixedPeriod is a project on its way from its secret to a key pair: both kinds hold.
func TestMixedPeriod(t *testing.T) {
	for name, change := range map[string]func(*auth.Options){"secret known": withSecret, "secret not known": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHost(t) // an empty set
				v := h.verifier(t, change)
				synctest.Wait()
				wantUser(t, v, byHS256.token(nil))
				if err := v.Ready(t.Context()); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Minute)
				key := newSigner("first")
				h.set(func() { h.keys = []signer{key} })
				wantUser(t, v, key.token(nil))
				wantUser(t, v, byHS256.token(object{"email": "x@example.com"}))
			})
		})
	}
}

func TestHostDownAtStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		key := newSigner("k")
		h := newHost(t, key)
		h.status, h.body = http.StatusBadGateway, "<html>"
		v := h.verifier(t, func(o *auth.Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		synctest.Wait()
		token := key.token(nil)
		for range 10 {
			if e := refused(t, v, token, unavailable, notNow); e.RetryAfter <= 0 || e.Cause == nil {
				t.Errorf("%#v", e)
			}
		}
		if keys, _ := h.calls(); keys != 1 {
			t.Errorf("%d fetches", keys)
		}
		if err := v.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "502") {
			t.Errorf("ready: %v", err)
		}
		refused(t, v, newSigner("x").token(object{"exp": 1}), unauthenticated, expired) // needs no key
		h.set(func() { h.status = 0 })
		time.Sleep(5 * time.Second)
		wantUser(t, v, token)
		if err := v.Ready(t.Context()); err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "level=WARN"); n != 1 {
			t.Errorf("%d warnings:\n%s", n, &log)
		}
	})
}

func TestHostDownLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key, next := newSigner("k"), newSigner("next")
		h := newHost(t, key)
		v := h.verifier(t, nil)
		long := key.token(object{"exp": time.Now().Unix() + 10*3600})
		wantUser(t, v, long)
		for _, answer := range []struct {
			status int
			body   string
		}{{503, "{}"}, {200, "<html>"}, {200, "{}"}, {302, ""}} {
			h.set(func() { h.status, h.body = answer.status, answer.body })
			time.Sleep(30 * time.Second)
			wantUser(t, v, long)
			wantUser(t, v, key.token(nil))
			refused(t, v, next.token(nil), unavailable, notNow)
			if err := v.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		}
		time.Sleep(time.Hour)
		refused(t, v, long, unavailable, notNow) // the key may have been revoked long ago
		if v.Ready(t.Context()) == nil {
			t.Error("ready with a stale key set")
		}
		h.set(func() { h.status, h.keys = 0, []signer{next} })
		time.Sleep(20 * time.Second)
		refused(t, v, long, unauthenticated, invalid)
		wantUser(t, v, next.token(nil))
	})
}

// TestSlowHost: a host that does not answer holds up nobody whose key is known, and others not for long.
func TestSlowHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		key := newSigner("k")
		h := newHost(t, key)
		v := h.verifier(t, nil)
		wantUser(t, v, key.token(nil))
		time.Sleep(time.Minute)
		h.calls()
		h.set(func() { h.hold = make(chan struct{}) })
		var waiting sync.WaitGroup
		start := time.Now()
		for i := range 50 {
			s := newSigner(fmt.Sprint("new", i))
			waiting.Go(func() { refused(t, v, s.token(nil), unavailable, notNow) })
		}
		hs := byHS256.token(nil)
		for range 50 {
			waiting.Go(func() { refused(t, v, hs, unavailable, notNow) })
		}
		synctest.Wait()
		wantUser(t, v, key.token(object{"email": ""}))
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := v.Verify(ctx, newSigner("gone").token(nil), auth.Read); !errors.Is(err, context.Canceled) {
			t.Errorf("a caller that went away: %v", err)
		}
		waiting.Wait()
		if d := time.Since(start); d != 5*time.Second {
			t.Errorf("they waited %v", d)
		}
		if keys, asked := h.calls(); keys != 1 || asked != 1 {
			t.Errorf("%d fetches, %d questions", keys, asked)
		}
	})
}

func TestAskSupabaseAuth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		v := h.verifier(t, nil)
		token := byHS256.token(nil)
		wantAsked := func(want int) {
			t.Helper()
			if _, asked := h.calls(); asked != want {
				t.Errorf("%d questions, want %d", asked, want)
			}
		}
		for range 5 {
			if u := wantUser(t, v, token); u.ID != alice || u.Token != token {
				t.Errorf("%+v", u)
			}
		}
		wantAsked(1)
		time.Sleep(59 * time.Second)
		wantUser(t, v, token)
		wantAsked(0)
		h.set(func() { h.ended[token] = true })
		time.Sleep(2 * time.Second)
		for range 5 {
			refused(t, v, token, unauthenticated, invalid)
		}
		wantAsked(1)
		h.set(func() { h.ended[token] = false })
		time.Sleep(11 * time.Second)
		wantUser(t, v, token)
		wantAsked(1)

		short := byHS256.token(object{"exp": time.Now().Unix() + 5})
		wantUser(t, v, short)
		time.Sleep(6 * time.Second)
		refused(t, v, short, unauthenticated, invalid) // Supabase Auth has no leeway
		wantAsked(2)

		for name, answer := range map[string]struct {
			status int
			body   string
		}{
			"down":                 {502, "<html>"},
			"overloaded":           {500, `{"code":500,"error_code":"unexpected_failure","msg":"x"}`},
			"too many":             {429, `{"code":429,"error_code":"over_request_rate_limit","msg":"x"}`},
			"our key is wrong":     {401, `{"message":"Invalid API key"}`},
			"no such route":        {404, `{"message":"no Route matched with those values"}`},
			"redirect":             {302, ``},
			"nothing":              {200, ``},
			"forbidden by a proxy": {403, `<html>`},
		} {
			h.set(func() { h.status, h.body = answer.status, answer.body })
			refused(t, v, byHS256.token(object{"email": name}), unavailable, notNow)
			h.set(func() { h.status = 0 })
			wantUser(t, v, byHS256.token(object{"email": name})) // nothing was remembered
		}
		for _, body := range []string{`{"code":"bad_jwt","message":"x"}`, `{"code":403,"msg":"x"}`, `{"code":404,"error_code":"user_not_found","msg":"x"}`} {
			h.set(func() { h.status, h.body = 403, body })
			refused(t, v, byHS256.token(object{"email": body}), unauthenticated, invalid)
		}
		h.set(func() { h.status, h.user = 0, "11111111-1111-4111-8111-111111111111" })
		refused(t, v, byHS256.token(object{"email": "other"}), unauthenticated, invalid)
	})
}

func TestQuestionsAreShared(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		v := h.verifier(t, nil)
		synctest.Wait()
		h.calls()
		hold := make(chan struct{})
		h.set(func() { h.hold = hold })
		token := byHS256.token(nil)
		ctx, cancel := context.WithCancel(t.Context())
		var waiting sync.WaitGroup
		waiting.Go(func() {
			if _, err := v.Verify(ctx, token, auth.Read); !errors.Is(err, context.Canceled) {
				t.Errorf("the first: %v", err)
			}
		})
		synctest.Wait()
		for range 100 {
			waiting.Go(func() { wantUser(t, v, token) })
		}
		synctest.Wait()
		cancel()
		synctest.Wait()
		close(hold)
		waiting.Wait()
		if _, asked := h.calls(); asked != 1 {
			t.Errorf("%d questions", asked)
		}
	})
}

// TestFloodOfForgedTokens: what is asked is bounded, and who was signed in stays so.
func TestFloodOfForgedTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t)
		v := h.verifier(t, nil)
		token := byHS256.token(nil)
		wantUser(t, v, token)
		h.calls()
		forger := signer{"", jwt.SigningMethodHS256, []byte("guess")}
		turnedAway := 0
		for i := range 1000 {
			_, err := v.Verify(t.Context(), forger.token(object{"n": i}), auth.Read)
			if codeforge.IsKind(err, unavailable) {
				turnedAway++
			} else if !codeforge.IsKind(err, unauthenticated) {
				t.Fatal(err)
			}
		}
		if _, asked := h.calls(); asked > 41 || turnedAway != 1000-asked {
			t.Errorf("%d questions, %d turned away", asked, turnedAway)
		}
		time.Sleep(61 * time.Second)
		for i := range 100 {
			v.Verify(t.Context(), forger.token(object{"m": i}), auth.Read)
		}
		refused(t, v, byHS256.token(object{"email": "new"}), unavailable, notNow)
		wantUser(t, v, token)
	})
}

func TestConfiguration(t *testing.T) {
	key := newSigner("k")
	t.Run("anonymous users", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newHost(t, key).verifier(t, func(o *auth.Options) { o.AllowAnonymous = true })
			wantUser(t, v, key.token(object{"is_anonymous": true, "email": ""}))
		})
	})
	t.Run("issuers and audience", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newHost(t, key).verifier(t, func(o *auth.Options) { o.Issuers, o.Audience = []string{"a", "b"}, "web" })
			wantUser(t, v, key.token(object{"iss": "b", "aud": "web"}))
			refused(t, v, key.token(object{"aud": "web"}), unauthenticated, invalid)
			refused(t, v, key.token(object{"iss": "a"}), unauthenticated, audience)
		})
	})
	t.Run("secret alone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newHost(t).verifier(t, func(o *auth.Options) { *o = auth.Options{JWTSecret: secret} })
			wantUser(t, v, byHS256.token(object{"iss": "anybody"}))
			wantUser(t, v, byHS256.token(object{"iss": nil}))
			refused(t, v, key.token(nil), unauthenticated, invalid)
			if err := v.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		})
	})
	t.Run("no way to verify what the project signs", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			h := newHost(t)
			v := h.verifier(t, func(o *auth.Options) { o.ServiceKey = "" })
			synctest.Wait()
			refused(t, v, byHS256.token(nil), unauthenticated, invalid)
			if _, asked := h.calls(); asked != 0 {
				t.Errorf("%d questions", asked)
			}
			if err := v.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "SUPABASE_JWT_SECRET") {
				t.Errorf("ready: %v", err)
			}
		})
	})
	t.Run("wrong service key", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newHost(t).verifier(t, func(o *auth.Options) { o.ServiceKey = "sb_secret_of_another" })
			refused(t, v, byHS256.token(nil), unavailable, notNow)
		})
	})
	t.Run("closed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			v := newHost(t, key).verifier(t, nil)
			wantUser(t, v, key.token(nil))
			time.Sleep(time.Minute)
			v.Close()
			v.Close()
			refused(t, v, newSigner("x").token(nil), unavailable, notNow)
		})
	})
	for _, bad := range []auth.Options{{}, {SupabaseURL: "abc.supabase.co"}, {SupabaseURL: "ftp://x"}, {SupabaseURL: "https://a:b@x"}, {SupabaseURL: "https://x?y"}} {
		if _, err := auth.New(bad); err == nil {
			t.Errorf("accepted: %+v", bad)
		}
	}
}

func FuzzToken(f *testing.F) {
	key := newSigner("k")
	h := newHost(f, key)
	v := h.verifier(f, withSecret)
	good := map[string]bool{key.token(nil): true, byHS256.token(nil): true, key.token(object{"aud": []string{"authenticated"}}): true}
	for token := range good {
		wantUser(f, v, token)
		f.Add(token)
		f.Add(token[:len(token)-1])
		f.Add(strings.Replace(token, ".", "..", 1))
	}
	f.Add(newSigner("x").token(nil))
	f.Add(byHS256.signRaw(`{"alg":"HS256","alg":"none"}`, `{"sub":{}}`))
	f.Add("cf_000000000000000000000000000000000000000000000000")
	f.Fuzz(func(t *testing.T, token string) {
		u, err := v.Verify(t.Context(), token, auth.Read)
		if err == nil {
			if !good[token] || u.ID != alice {
				t.Fatalf("accepted %q as %+v", token, u)
			}
			return
		}
		if good[token] || !codeforge.IsKind(err, unauthenticated) {
			t.Fatalf("%q: %v", token, err)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	key := newSigner("k")
	h := newHost(b, key)
	v := h.verifier(b, withSecret)
	b.Run("cached", func(b *testing.B) {
		token := key.token(nil)
		b.ReportAllocs()
		for b.Loop() {
			if _, err := v.Verify(context.Background(), token, auth.Read); err != nil {
				b.Fatal(err)
			}
		}
	})
	fresh := func(s signer) func(b *testing.B) {
		return func(b *testing.B) {
			tokens := make([]string, 16<<10) // more than are remembered
			for i := range tokens {
				tokens[i] = s.token(object{"n": i})
			}
			i := 0
			b.ReportAllocs()
			for b.Loop() {
				if _, err := v.Verify(context.Background(), tokens[i%len(tokens)], auth.Read); err != nil {
					b.Fatal(err)
				}
				i++
			}
		}
	}
	b.Run("ES256", fresh(key))
	b.Run("HS256", fresh(byHS256))
	b.Run("forged", func(b *testing.B) {
		other := newSigner("k")
		token := other.token(nil)
		for b.Loop() {
			if _, err := v.Verify(context.Background(), token, auth.Read); err == nil {
				b.Fatal("accepted")
			}
		}
	})
}

// A server is ready while it could verify the token of a user who comes for the first time.
func TestReadyForNewUsers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHost(t) // it signs with a secret that is not known here
		v := h.verifier(t, nil)
		synctest.Wait()
		wantUser(t, v, byHS256.token(nil))
		for range 3 {
			if err := v.Ready(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if _, asked := h.calls(); asked != 2 {
			t.Errorf("%d questions", asked)
		}
		h.set(func() { h.status, h.body = 503, "down" })
		time.Sleep(6 * time.Second)
		if err := v.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "503") {
			t.Errorf("ready: %v", err)
		}
		refused(t, v, byHS256.token(object{"email": "new@example.com"}), unavailable, notNow)
		h.set(func() { h.status, h.body = 0, "" })
		time.Sleep(6 * time.Second)
		if err := v.Ready(t.Context()); err != nil {
			t.Error(err)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		v := newHost(t).verifier(t, func(o *auth.Options) { o.ServiceKey = "sb_secret_of_another" })
		synctest.Wait()
		if err := v.Ready(t.Context()); err == nil {
			t.Error("ready, with a key that Supabase refuses")
		}
	})
}
