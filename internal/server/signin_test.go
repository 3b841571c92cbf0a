package server

import (
	"cmp"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/golang-jwt/jwt/v5"
)

const (
	publishable = "sb_publishable_for-the-console"
	password    = "correct horse battery"
)

// signins is what a Supabase project's Auth server says on the wire to those who sign in: one account, the links that it would mail,
// and another provider that always says yes. Codes hold once, and for whoever has the other half of their challenge.
type signins struct {
	*project
	*testing.T
	stale bool // the next access token has ended already

	mu      sync.Mutex
	asked   []string            // grants and other requests, in order
	refresh map[string]bool     // tokens that hold: each once
	flows   map[string]string   // challenges by code
	links   map[string]string   // codes by what is in a mailed link
	mail    string              // the newest link
	wanted  map[string][]string // what the other provider's page was opened with
}

func newSignins(t *testing.T) *signins {
	t.Helper()
	s := &signins{T: t, refresh: map[string]bool{}, flows: map[string]string{}, links: map[string]string{}}
	s.project = newProjectWith(t, http.HandlerFunc(s.answer))
	return s
}

func (s *signins) answer(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Headers", "apikey, authorization, content-type")
	h.Set("Content-Type", "application/json")
	if r.Method == http.MethodOptions {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	path, q := strings.TrimPrefix(r.URL.Path, "/auth/v1/"), r.URL.Query()
	if path != "settings" { // which each page asks for beside what it does
		s.asked = append(s.asked, cmp.Or(q.Get("grant_type"), path))
	}
	switch path { // what browsers open by themselves, without a key
	case "verify":
		s.verify(w, r, q)
		return
	case "authorize":
		s.wanted = q
		http.Redirect(w, r, q.Get("redirect_to")+"?code="+s.code(q.Get("code_challenge")), http.StatusFound)
		return
	}
	var in map[string]any
	_ = json.NewDecoder(r.Body).Decode(&in)
	text := func(name string) string { v, _ := in[name].(string); return v }
	switch {
	case r.Header.Get("apikey") != publishable:
		refuse(w, http.StatusUnauthorized, "no_authorization", "No API key found in request")
	case path == "settings":
		reply(w, object{"external": object{"email": true, "phone": false, "github": true, "anonymous_users": true}, "disable_signup": false})
	case path == "logout":
		clear(s.refresh)
		w.WriteHeader(http.StatusNoContent)
	case path == "otp":
		if text("code_challenge_method") != "s256" || in["create_user"] != true {
			refuse(w, http.StatusBadRequest, "validation_failed", "PKCE flow requires code_challenge_method and code_challenge")
			return
		}
		link := "pkce_" + rand.Text()
		s.links[link] = s.code(text("code_challenge"))
		s.mail = s.url + "/auth/v1/verify?" + url.Values{"token": {link}, "type": {"magiclink"}, "redirect_to": q["redirect_to"]}.Encode()
		reply(w, object{})
	default:
		s.grant(w, q.Get("grant_type"), text)
	}
}

// code is one that holds once, for whoever has the other half of a challenge.
func (s *signins) code(challenge string) string {
	code := rand.Text()
	s.flows[code] = challenge
	return code
}

func (s *signins) verify(w http.ResponseWriter, r *http.Request, q url.Values) {
	to, link := q.Get("redirect_to"), q.Get("token")
	code, ok := s.links[link]
	delete(s.links, link)
	if ok {
		http.Redirect(w, r, to+"?code="+code, http.StatusSeeOther)
		return
	}
	wrong := url.Values{"error": {"access_denied"}, "error_code": {"otp_expired"}, "error_description": {"Email link is invalid or has expired"}}.Encode()
	http.Redirect(w, r, to+"?"+wrong+"#"+wrong+"&sb=", http.StatusSeeOther)
}

func (s *signins) grant(w http.ResponseWriter, by string, text func(string) string) {
	switch by {
	case "password":
		if text("email") != "ada@example.com" || text("password") != password {
			refuse(w, http.StatusBadRequest, "invalid_credentials", "Invalid login credentials")
			return
		}
	case "refresh_token":
		if !s.refresh[text("refresh_token")] {
			refuse(w, http.StatusBadRequest, "refresh_token_not_found", "Invalid Refresh Token: Refresh Token Not Found")
			return
		}
		delete(s.refresh, text("refresh_token"))
	case "pkce":
		challenge, ok := s.flows[text("auth_code")]
		if !ok {
			refuse(w, http.StatusNotFound, "flow_state_not_found", "invalid flow state, no valid flow state found")
			return
		}
		sum := sha256.Sum256([]byte(text("code_verifier")))
		if base64.RawURLEncoding.EncodeToString(sum[:]) != challenge {
			refuse(w, http.StatusBadRequest, "bad_code_verifier", "code challenge does not match previously saved code verifier")
			return
		}
		delete(s.flows, text("auth_code"))
	}
	access := s.token(s.T, alice)
	if s.stale {
		s.stale = false
		claims := s.claims(alice)
		claims["iat"], claims["exp"] = born-7200, born-3600
		k := jwt.NewWithClaims(jwt.SigningMethodES256, claims)
		k.Header["kid"] = "one"
		access, _ = k.SignedString(s.key) // the key is good
	}
	next := rand.Text()
	s.refresh[next] = true
	reply(w, object{"access_token": access, "token_type": "bearer", "expires_in": 3600, "expires_at": born + 3600, "refresh_token": next, "user": object{"id": alice}})
}

func reply(w http.ResponseWriter, body object) { _ = json.NewEncoder(w).Encode(body) }

func refuse(w http.ResponseWriter, status int, code, message string) {
	w.WriteHeader(status)
	reply(w, object{"code": status, "error_code": code, "msg": message})
}

// since are the requests from a number of them on.
func (s *signins) since(n int) (requests string, now int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.asked[n:], " "), len(s.asked)
}

func (s *signins) newestLink() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mail
}

// fill types into a field, as the page hears it.
func (v *guest) fill(selector, text string) {
	v.Helper()
	v.has(selector)
	v.eval(`(e => (Object.getOwnPropertyDescriptor(Object.getPrototypeOf(e), "value").set.call(e, ` + quoted(text) + `), e.dispatchEvent(new Event("input", {bubbles: true})), ""))(document.querySelector(` + quoted(selector) + `))`)
}

// arrives is until, of a page that may be replaced by another meanwhile.
func (v *guest) arrives(condition string) {
	v.Helper()
	script := `new Promise(done => { let n = 0; const look = () => { if (` + condition + `) done("yes"); else if (++n > 300) done("no"); else setTimeout(look, 30); }; look(); })`
	var err error
	for range 10 {
		var said string
		if said, err = chromedp.Run(v.ctx, chromedp.Evaluate[string](script, chromedp.EvalAwaitPromise)); said == "yes" {
			return
		}
	}
	v.Fatalf("it never came to be that %s (%v); the page says:\n%s", condition, err, v.eval(`location.hash + "\n" + document.body.innerText.slice(0, 3000)`))
}

func (v *guest) goTo(address string) {
	v.Helper()
	v.do("go to "+address, chromedp.Navigate(address))
}

// TestConsoleSignIn signs in at a Supabase project in each of its ways, stays signed in, and out.
func TestConsoleSignIn(t *testing.T) {
	a := newSignins(t)
	s := serve(t, configured(t, "--data-dir", t.TempDir(), "--supabase-url", a.url, "--supabase-jwt-secret", jwtSecret, "--supabase-publishable-key", publishable))
	v := openConsole(t, s.URL())
	other, err := url.Parse(a.url)
	if err != nil {
		t.Fatal(err)
	}
	v.also, v.expected = other.Port(), []string{"status of 400", "status of 401", "status of 404"}
	v.look(1280, "light")
	v.goTo(s.URL() + "/#/usage")
	v.until(`document.querySelector(".providers .button")?.innerText.includes("GitHub")`)
	v.accessible("sign in")

	v.signsInByPassword(a)
	v.signsOut(a)
	v.signsInByLink(a)
	v.refusesStrangers(a)
	v.signsInAtProvider(a)
	v.quiet()
}

const (
	signedIn  = `document.querySelector(".top .nav") && !document.querySelector(".signin")`
	signedOut = `document.querySelector(".signin-box #email")`
	// whole is all that the browser keeps of the page.
	whole = `JSON.stringify(Object.entries(localStorage)) + JSON.stringify(Object.entries(sessionStorage)) + document.cookie + location.href`
)

func (v *guest) signsInByPassword(a *signins) {
	v.Helper()
	v.fill("#email", "ada@example.com")
	v.fill("#password", "wrong")
	v.press("#sign-in")
	v.until(`document.querySelector(".field-error")?.innerText === "Email or password is wrong."`)
	_, before := a.since(0)
	a.mu.Lock()
	a.stale = true
	a.mu.Unlock()
	v.fill("#password", password)
	v.press("#sign-in")
	v.arrives(signedIn + ` && document.querySelector(".totals")`) // where it was to go, with a token that the first one was replaced by
	if got, _ := a.since(before); got != "password refresh_token" {
		v.Errorf("asked: %s", got)
	}
	if kept := v.eval(whole); strings.Contains(kept, "eyJ") || !strings.Contains(v.eval(`Object.keys(sessionStorage).join()`), "refresh") {
		v.Errorf("the browser keeps %s", kept)
	}
	v.do("reload", chromedp.Reload())
	v.arrives(signedIn)
}

func (v *guest) signsOut(a *signins) {
	v.Helper()
	_, before := a.since(0)
	v.open("#/settings")
	v.press("#sign-out")
	v.arrives(signedOut)
	if got, _ := a.since(before); !strings.HasPrefix(got, "logout") || strings.Contains(v.eval(whole), "refresh") {
		v.Errorf("signing out asked %s and left %s", got, v.eval(whole))
	}
	v.open("#/models")
}

func (v *guest) signsInByLink(a *signins) {
	v.Helper()
	v.press("#other-way")
	v.fill("#email", "ada@example.com")
	v.press("#send-link")
	v.has(".signin-sent")
	v.accessible("a link was sent")
	v.eval(`(sessionStorage.clear(), "")`) // as in a tab of its own, which a link opens in
	v.goTo(a.newestLink())
	v.arrives(signedIn + ` && location.hash === "#/models"`)
	if at := v.eval(`location.href + " " + document.referrer`); strings.Contains(at, "code") {
		v.Errorf("the code is still in %s", at)
	}
	v.open("#/settings")
	v.press("#sign-out")
	v.arrives(signedOut)
	v.goTo(a.newestLink())
	v.arrives(`document.querySelector(".signin-told")?.innerText.includes("used already")`)
	if at := v.eval(`location.href`); strings.Contains(at, "error") {
		v.Errorf("the error is still in %s", at)
	}
}

// refusesStrangers opens the page with what somebody else asked for: nobody is signed in by it.
func (v *guest) refusesStrangers(a *signins) {
	v.Helper()
	a.mu.Lock()
	foreign := a.code("of-somebody-else")
	a.mu.Unlock()
	for at, told := range map[string]string{
		"/?error=server_error&error_description=Call+this+number": "Nobody was signed in",
		"/?code=" + foreign: "not asked for in this browser",
		"/#access_token=" + a.token(v.T, bob) + "&refresh_token=x&token_type=bearer": "does not come from here",
	} {
		_, before := a.since(0)
		v.goTo("about:blank")
		v.goTo(v.base + at)
		v.arrives(`document.querySelector(".signin-told")?.innerText.includes(` + quoted(told) + `)`)
		if got, _ := a.since(before); strings.Contains(got, "pkce") || strings.Contains(v.eval(whole), "code=") || strings.Contains(v.eval(whole), "eyJ") || strings.Contains(v.eval(`document.body.innerText`), "Call") {
			v.Errorf("%.20s: asked %s, and there is %s", at, got, v.eval(whole))
		}
	}
}

func (v *guest) signsInAtProvider(a *signins) {
	v.Helper()
	v.press(".providers .button")
	v.arrives(signedIn)
	a.mu.Lock()
	defer a.mu.Unlock()
	want := a.wanted
	if got := a.asked[len(a.asked)-2:]; got[0] != "authorize" || got[1] != "pkce" || want["code_challenge_method"][0] != "s256" || want["provider"][0] != "github" || want["redirect_to"][0] != v.base+"/" {
		v.Errorf("asked %v with %v", got, want)
	}
	if strings.Contains(v.eval(`location.href`), "code") {
		v.Error("the code is still in the address")
	}
}
