package auth_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"codeforge/internal/auth"
)

func TestCSRF(t *testing.T) {
	csrf := &auth.CSRF{Exempt: []string{"/v1/waitlist/"}, Cookies: []string{"session"}}
	passed := false
	h := csrf.Handler(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { passed = true }), func(w http.ResponseWriter, _ *http.Request, err error) {
		if !errors.Is(err, auth.ErrCSRF) {
			t.Errorf("refused with %v", err)
		}
		w.WriteHeader(http.StatusForbidden)
	})
	value := auth.CSRFCookie().Value
	for name, c := range map[string]struct {
		method, path, cookies, header, authorization string
		pass                                         bool
	}{
		"same value":             {cookies: "csrf_token=" + value, header: value, pass: true},
		"with a session":         {cookies: "session=s; csrf_token=" + value, header: value, pass: true},
		"no header":              {cookies: "csrf_token=" + value},
		"other value":            {cookies: "csrf_token=" + value, header: value[1:]},
		"value in another case":  {cookies: "csrf_token=" + value, header: strings.ToLower(value)},
		"both empty":             {cookies: "csrf_token="},
		"two cookies":            {cookies: "csrf_token=" + value + "; csrf_token=x", header: value},
		"session without cookie": {cookies: "session=s", header: value},
		"session, no header":     {cookies: "session=s"},
		"no cookie":              {pass: true},
		"cookies of others":      {cookies: "_ga=1", pass: true},
		"bearer":                 {cookies: "session=s; csrf_token=" + value, authorization: "Bearer x", pass: true},
		"bearer in lower case":   {cookies: "csrf_token=" + value, authorization: "bearer x", pass: true},
		"bearer of nothing":      {cookies: "csrf_token=" + value, authorization: "Bearer "},
		"Basic":                  {cookies: "csrf_token=" + value, authorization: "Basic x"},
		"GET":                    {method: "GET", cookies: "session=s; csrf_token=" + value, pass: true},
		"HEAD":                   {method: "HEAD", cookies: "csrf_token=" + value, pass: true},
		"OPTIONS":                {method: "OPTIONS", cookies: "csrf_token=" + value, pass: true},
		"PUT":                    {method: "PUT", cookies: "csrf_token=" + value},
		"PATCH":                  {method: "PATCH", cookies: "csrf_token=" + value},
		"DELETE":                 {method: "DELETE", cookies: "csrf_token=" + value},
		"method unheard of":      {method: "FETCH", cookies: "csrf_token=" + value},
		"exempt":                 {path: "/v1/waitlist/", cookies: "csrf_token=" + value, pass: true},
		"exempt, no slash":       {path: "/v1/waitlist", cookies: "csrf_token=" + value, pass: true},
		"below an exempt path":   {path: "/v1/waitlist/x", cookies: "csrf_token=" + value},
	} {
		method, path := c.method, c.path
		if method == "" {
			method = "POST"
		}
		if path == "" {
			path = "/v1/projects/"
		}
		r := httptest.NewRequest(method, path, nil)
		for header, value := range map[string]string{"Cookie": c.cookies, "X-CSRF-Token": c.header, "Authorization": c.authorization} {
			if value != "" {
				r.Header.Set(header, value)
			}
		}
		passed = false
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if passed != c.pass || !c.pass && w.Code != http.StatusForbidden {
			t.Errorf("%s: passed %v, status %d", name, passed, w.Code)
		}
	}
	if set := auth.CSRFCookie().String(); !strings.Contains(set, "; Path=/; Max-Age=86400; Secure; SameSite=Strict") || strings.Contains(set, "HttpOnly") {
		t.Errorf("cookie: %s", set)
	}
}
