package preview

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"codeforge"
)

const (
	ticketPath   = "/__ticket"
	ticketCookie = "codeforge_preview"
	ticketLife   = time.Hour
)

// ticket opens one project's preview for one user until it expires.
type ticket struct {
	Project string    `json:"p"`
	User    string    `json:"u"`
	Secure  bool      `json:"s,omitempty"` // the cookie is for https alone
	Expires time.Time `json:"e"`
}

func (s *Server) mac(payload string) []byte {
	m := hmac.New(sha256.New, s.o.Secret)
	m.Write([]byte("codeforge preview ticket 1\x00" + payload)) // the secret may sign other things too
	return m.Sum(nil)
}

func (s *Server) sign(t ticket) string {
	t.Expires = t.Expires.UTC().Truncate(time.Second)
	b, err := json.Marshal(t)
	if err != nil {
		panic(err) // strings and a time of this century
	}
	payload := base64.RawURLEncoding.EncodeToString(b)
	return payload + "." + base64.RawURLEncoding.EncodeToString(s.mac(payload))
}

// open returns the ticket in text if this server signed it for the project and it still holds.
func (s *Server) open(text, project string) (t ticket, ok bool) {
	if len(text) > 1000 {
		return ticket{}, false
	}
	payload, signature, _ := strings.Cut(text, ".")
	mac, err := base64.RawURLEncoding.Strict().DecodeString(signature)
	if err != nil || !hmac.Equal(mac, s.mac(payload)) {
		return ticket{}, false
	}
	b, err := base64.RawURLEncoding.DecodeString(payload)
	if err != nil || json.Unmarshal(b, &t) != nil {
		return ticket{}, false
	}
	return t, t.Project == project && t.User != "" && s.o.Now().Before(t.Expires)
}

// admit turns the ticket of a link into a cookie of this host, so that it leaves the address bar.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, project string) {
	w.Header().Set("Cache-Control", "no-store")
	text := r.URL.Query().Get("t")
	t, ok := s.open(text, project)
	if !ok {
		s.fail(w, http.StatusForbidden, "This link does not open the preview", "It has expired, or is for another project. Open the preview again from its project.")
		return
	}
	http.SetCookie(w, &http.Cookie{Name: ticketCookie, Value: text, Path: "/", MaxAge: int(t.Expires.Sub(s.o.Now()) / time.Second),
		HttpOnly: true, Secure: t.Secure, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// visitor returns who a request's ticket was made for. Another preview below the same domain can set a cookie of the
// same name for all of them, so every one that is sent is tried.
func (s *Server) visitor(r *http.Request, project string) (codeforge.User, bool) {
	for i, c := range r.CookiesNamed(ticketCookie) {
		if i == 10 {
			break
		}
		if t, ok := s.open(c.Value, project); ok {
			claims, err := json.Marshal(map[string]string{"sub": t.User, "role": "authenticated"})
			return codeforge.User{ID: t.User, Role: "authenticated", Claims: claims}, err == nil
		}
	}
	return codeforge.User{}, false
}
