package download

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"

	"codeforge"
)

// site is a server on this machine, and a client that takes its address as public, and no other.
func site(t *testing.T, h http.HandlerFunc) (address string, c *Client) {
	t.Helper()
	s := httptest.NewTLSServer(h)
	t.Cleanup(s.Close)
	roots := x509.NewCertPool()
	roots.AddCert(s.Certificate())
	own := netip.MustParseAddrPort(s.Listener.Addr().String())
	return s.URL, New(Options{Roots: roots, Allowed: func(a netip.AddrPort) bool { return a == own }})
}

func fetch(t *testing.T, c *Client, address string, most int64) (string, error) {
	t.Helper()
	body, err := c.Get(t.Context(), address, most)
	if err != nil {
		return "", err
	}
	defer body.Close()
	text, err := io.ReadAll(body)
	return string(text), err
}

func TestFetches(t *testing.T) {
	inside := 0
	private := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside++ }))
	defer private.Close()
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { inside++ }))
	defer plain.Close()
	address, c := site(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/a.zip":
			fmt.Fprint(w, "archive")
		case "/moved":
			http.Redirect(w, r, "/a.zip", http.StatusFound)
		case "/inside":
			http.Redirect(w, r, private.URL+"/x", http.StatusFound)
		case "/plain":
			http.Redirect(w, r, plain.URL+"/x", http.StatusFound)
		case "/named":
			http.Redirect(w, r, "https://user:secret@localhost/", http.StatusFound)
		case "/round":
			http.Redirect(w, r, "/round", http.StatusFound)
		case "/broken":
			w.WriteHeader(http.StatusBadGateway)
		case "/cut":
			w.Header().Set("Content-Length", "100")
			fmt.Fprint(w, "half")
		case "/endless":
			for r.Context().Err() == nil {
				if _, err := w.Write(make([]byte, 1000)); err != nil {
					return
				}
			}
		default:
			http.NotFound(w, r)
		}
	})
	for _, path := range []string{"/a.zip", "/moved"} {
		if text, err := fetch(t, c, address+path, 7); err != nil || text != "archive" {
			t.Errorf("%s: %q, %v", path, text, err)
		}
	}
	for _, f := range []struct {
		address string
		kind    codeforge.Kind
		says    string
	}{
		{address + "/inside", codeforge.Invalid, "not public"}, {private.URL, codeforge.Invalid, "not public"}, {address + "/plain", codeforge.Invalid, "https://"}, {plain.URL, codeforge.Invalid, "https://"},
		{address + "/named", codeforge.Invalid, "name or password"}, {address + "/round", codeforge.Invalid, "more than 5 times"}, {address + "/none", codeforge.Invalid, "status 404"},
		{address + "/broken", codeforge.External, ""}, {address + "/cut", codeforge.External, ""}, {address + "/endless", codeforge.TooLarge, ""}, {address + "/a.zip?" + strings.Repeat("x", 3000), codeforge.Invalid, "2000 characters"},
		{"https://user@example.com/", codeforge.Invalid, "name or password"}, {"ftp://example.com/a", codeforge.Invalid, "https://"}, {"file:///etc/passwd", codeforge.Invalid, "https://"}, {"https:a", codeforge.Invalid, "host"},
		{"https://", codeforge.Invalid, "host"}, {"", codeforge.Invalid, "https://"}, {"https://exa mple.com", codeforge.Invalid, "no address"}, {"https://[::ffff:127.0.0.1]/", codeforge.Invalid, "not public"},
		{"https://[::1]/", codeforge.Invalid, "not public"}, {"https://2130706433/", "", ""}, {"https://127.1/", "", ""},
	} {
		_, err := fetch(t, c, f.address, 1000)
		e, ok := errors.AsType[*codeforge.Error](err)
		if !ok || f.kind != "" && e.Kind != f.kind || !strings.Contains(fmt.Sprint(e.Details["reason"], e.Message), f.says) {
			t.Errorf("%.60s: %v", f.address, err)
		}
	}
	if inside > 0 {
		t.Errorf("%d requests reached what is not public", inside)
	}
	if _, err := fetch(t, New(Options{}), address+"/a.zip", 1000); !codeforge.IsKind(err, codeforge.Invalid) {
		t.Errorf("this machine is reached: %v", err)
	}
}

func TestStopsWhenNobodyWaits(t *testing.T) {
	address, c := site(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Get(ctx, address, 10); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
