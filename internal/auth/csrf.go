package auth

import (
	"crypto/rand"
	"crypto/subtle"
	"net/http"
	"slices"
	"strings"
	"time"

	"codeforge"
)

// CSRFCookieName is the cookie that a write repeats in the header X-CSRF-Token.
const CSRFCookieName = "csrf_token"

const csrfHeader = "X-CSRF-Token"

// CSRF refuses requests that another web page had a browser send with our cookies: what changes something must repeat the
// cookie csrf_token in the header X-CSRF-Token, which only a page of ours can read. A caller with a bearer token needs
// none, as no browser adds that by itself.
//
// Known hole: whoever controls another host below our domain can set the cookie there, and so knows it.
type CSRF struct {
	// Exempt are paths, with and without trailing slash, where it does not matter.
	Exempt []string
	// Cookies say by their presence who the caller is; with one of them, csrf_token must be there.
	Cookies []string
}

// ErrCSRF is the refusal. The edge answers it with 403 and CSRF_VALIDATION_FAILED.
var ErrCSRF = &codeforge.Error{Kind: codeforge.Denied, Message: "CSRF validation failed"}

// Check returns [ErrCSRF] for a request to be refused.
func (c *CSRF) Check(r *http.Request) error {
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodTrace:
		return nil
	}
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && token != "" && strings.EqualFold(scheme, "Bearer") {
		return nil
	}
	if slices.ContainsFunc(c.Exempt, func(p string) bool { return strings.TrimSuffix(p, "/") == strings.TrimSuffix(r.URL.Path, "/") }) {
		return nil
	}
	sent := r.CookiesNamed(CSRFCookieName)
	if len(sent) == 0 {
		if slices.ContainsFunc(c.Cookies, func(name string) bool { return len(r.CookiesNamed(name)) > 0 }) {
			return ErrCSRF
		}
		return nil
	}
	header := r.Header.Get(csrfHeader)
	if header == "" || len(sent) > 1 || subtle.ConstantTimeCompare([]byte(sent[0].Value), []byte(header)) != 1 {
		return ErrCSRF
	}
	return nil
}

// Handler puts the check before next; fail writes the refusal.
func (c *CSRF) Handler(next http.Handler, fail func(http.ResponseWriter, *http.Request, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := c.Check(r); err != nil {
			fail(w, r, err)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// CSRFCookie returns a new cookie, which scripts of our pages can read and no other page's request takes along.
func CSRFCookie() *http.Cookie {
	return &http.Cookie{Name: CSRFCookieName, Value: rand.Text(), Path: "/", MaxAge: int((24 * time.Hour).Seconds()), Secure: true, SameSite: http.SameSiteStrictMode}
}
