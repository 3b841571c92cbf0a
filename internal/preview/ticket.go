package preview

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"codeforge"
)

const (
	ticketPath    = "/__ticket"
	freshPath     = "/__fresh"
	sessionCookie = "codeforge_preview"
	ticketLife    = time.Minute // until a link was followed
	sessionLife   = time.Hour   // of the visit
)

// purpose is what a token is for. One that was signed for another purpose is none, so that a link that somebody saw is
// no visit.
type purpose string

const (
	forTicket  purpose = "codeforge preview ticket 2\x00"
	forSession purpose = "codeforge preview session 1\x00"
)

// token opens one host for one user until it expires.
type token struct {
	Label   string    `json:"p"` // of the host
	User    string    `json:"u"`
	Secure  bool      `json:"s,omitempty"` // the cookie is for https alone
	Fresh   bool      `json:"f,omitempty"` // what is stored in the browser is cleared first
	Expires time.Time `json:"e"`
}

// signed is what is signed of a payload: the secret may sign other things too.
func signed(p purpose, payload string) []byte { return []byte(string(p) + payload) }

func (s *Server) sign(p purpose, t token) string {
	t.Expires = t.Expires.UTC().Truncate(time.Second)
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // strings and a time of this century
	}
	payload := base64.RawURLEncoding.EncodeToString(b)
	return payload + "." + base64.RawURLEncoding.EncodeToString(s.o.Keys.Sum(nil, signed(p, payload)))
}

// open returns the token in text if this server signed it for the purpose and the host, and it still holds.
func (s *Server) open(p purpose, text string, at site) (t token, ok bool) {
	if len(text) > 1000 {
		return token{}, false
	}
	payload, signature, _ := strings.Cut(text, ".")
	mac, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || !s.o.Keys.Verify(signed(p, payload), mac) {
		return token{}, false
	}
	b, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(b, &t) != nil {
		return token{}, false
	}
	return t, t.Label == at.label && t.User != "" && s.o.Now().Before(t.Expires)
}

// cookieName is that of a visit's cookie. Browsers take one of the first form from its own host alone, and over https.
func cookieName(secure bool) string {
	if secure {
		return "__Host-" + sessionCookie
	}
	return sessionCookie
}

// isFramedElsewhere reports whether a request is for a frame in a page of another site, as browsers say it.
func isFramedElsewhere(r *http.Request) bool {
	dest := r.Header.Get("Sec-Fetch-Dest")
	return (dest == "iframe" || dest == "frame") && r.Header.Get("Sec-Fetch-Site") == "cross-site"
}

// hostCookie is a cookie for one host that no script reads. Framed in a page of another site a browser takes none but those that are
// kept apart for that site, and come over https (or from this machine): what a page of a third site has framed does not see them.
func hostCookie(name, value string, life time.Duration, secure, framed bool) *http.Cookie {
	c := &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life / time.Second), HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode}
	if framed {
		c.Secure, c.Partitioned, c.SameSite = true, true, http.SameSiteNoneMode
	}
	return c
}

// admit turns the ticket of a link into a visit.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, at site) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	t, ok := s.open(forTicket, r.URL.Query().Get("t"), at)
	if !ok {
		s.showError(w, http.StatusForbidden, "This link does not open the preview", "It has expired, or is for another project. Open the preview again from its project.")
		return
	}
	if t.Fresh {
		h.Set(clearSiteData, storage)
	}
	t.Fresh, t.Expires = false, s.o.Now().Add(sessionLife)
	http.SetCookie(w, hostCookie(cookieName(t.Secure), s.sign(forSession, t), sessionLife, t.Secure, isFramedElsewhere(r)))
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// visitor returns whose visit a request belongs to, and what says so. Where there is no https another preview below the same domain can set
// a cookie of the same name for all of them, so every one that is sent is tried.
func (s *Server) visitor(r *http.Request, at site) (codeforge.User, token, bool) {
	for i, c := range append(r.CookiesNamed(cookieName(true)), r.CookiesNamed(cookieName(false))...) {
		if i == 10 {
			break
		}
		if t, ok := s.open(forSession, c.Value, at); ok && t.Secure == strings.HasPrefix(c.Name, "__Host-") {
			claims, err := json.Marshal(map[string]string{"sub": t.User, "role": "authenticated"})
			return codeforge.User{ID: t.User, Role: "authenticated", Claims: claims}, t, err == nil
		}
	}
	return codeforge.User{}, token{}, false
}
