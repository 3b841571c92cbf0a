package https_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"codeforge/internal/https"
)

// write makes a certificate for localhost with this serial number and puts it into dir.
func write(t *testing.T, dir string, serial int64) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "localhost"}, DNSNames: []string{"localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	replace(t, cert, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	replace(t, key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}))
	return cert, key
}

func replace(t *testing.T, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(name+".new", data, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(name+".new", name); err != nil {
		t.Fatal(err)
	}
}

func edge(t *testing.T, o https.Options) *https.Edge {
	t.Helper()
	e, err := https.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// echo says how a request came.
var echo = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	fmt.Fprintf(w, "%s %s %s", r.Proto, r.URL, body)
})

func TestOnePort(t *testing.T) {
	cert, key := write(t, t.TempDir(), 1)
	e := edge(t, https.Options{CertFile: cert, KeyFile: key, Plain: []string{"/health"}})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	server := &http.Server{Handler: e.Handler(echo), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	served := make(chan error, 1)
	mixed := e.Listen(l)
	go func() { served <- server.Serve(mixed) }()
	client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	do := func(method, url, body string) (*http.Response, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v", method, url, err)
		}
		defer res.Body.Close()
		b, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res, string(b)
	}

	for range 2 {
		res, body := do("POST", "https://"+address+"/v1/x?y=1", "hello")
		if res.StatusCode != 200 || body != "HTTP/2.0 /v1/x?y=1 hello" || res.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
			t.Errorf("%d %q %v", res.StatusCode, body, res.Header)
		}
	}
	for _, method := range []string{"GET", "HEAD"} {
		res, _ := do(method, "http://"+address+"//x/%2e?y=1", "")
		if got := res.Header.Get("Location"); res.StatusCode != 308 || got != "https://"+address+"//x/%2e?y=1" || res.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("%s: %d to %q", method, res.StatusCode, got)
		}
	}
	res, body := do("GET", "http://"+address+"/health", "")
	if res.StatusCode != 200 || body != "HTTP/1.1 /health " {
		t.Errorf("health: %d %q", res.StatusCode, body)
	}
	for _, method := range []string{"POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		res, body := do(method, "http://"+address+"/health", `{"a":1}`)
		var e struct {
			Error, Message string
			Details        map[string]any
			RequestID      string `json:"request_id"`
		}
		if err := json.Unmarshal([]byte(body), &e); err != nil || res.StatusCode != 403 || e.Error != "PERMISSION_DENIED" || !strings.Contains(e.Message, "HTTPS") ||
			e.Details["use"] != "https://"+address || e.RequestID == "" || res.Header.Get("Content-Type") != "application/json" || !res.Close {
			t.Errorf("%s: %d %s %v", method, res.StatusCode, body, res.Header)
		}
	}

	// The refusal of a large body comes before it was sent: all there is of it yet is its length.
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprintf(conn, "POST /v1/x HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000000\r\n\r\n", address)
	if answer, err := io.ReadAll(conn); err != nil || !bytes.HasPrefix(answer, []byte("HTTP/1.1 403 ")) || !bytes.Contains(answer, []byte("Connection: close")) {
		t.Errorf("%v: %s", err, answer)
	}

	silent, err := net.Dial("tcp", address) // never says what it is
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	client.CloseIdleConnections()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
	if err := <-served; err != http.ErrServerClosed {
		t.Error(err)
	}
	if _, err := silent.Read(make([]byte, 1)); err == nil {
		t.Error("a silent connection outlives the server")
	}
	if _, err := mixed.Accept(); err == nil {
		t.Error("accepts after the end")
	}
}

func TestProxy(t *testing.T) {
	e := edge(t, https.Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}})
	if e.TLS() != nil {
		t.Error("TLS without a certificate")
	}
	h := e.Handler(echo)
	for name, c := range map[string]struct {
		peer  string
		proto []string
		pass  bool
	}{
		"https":                  {"10.1.2.3:1", []string{"https"}, true},
		"capitals":               {"10.1.2.3:1", []string{"HTTPS"}, true},
		"IPv6":                   {"[fd00::1%eth0]:1", []string{"https"}, true},
		"IPv4 within IPv6":       {"[::ffff:10.1.2.3]:1", []string{"https"}, true},
		"http":                   {"10.1.2.3:1", []string{"http"}, false},
		"nothing said":           {"10.1.2.3:1", nil, false},
		"forged first":           {"10.1.2.3:1", []string{"https, http"}, false},
		"forged in a first line": {"10.1.2.3:1", []string{"https", "http"}, false},
		"proxy last":             {"10.1.2.3:1", []string{"http, https"}, true},
		"stranger":               {"192.0.2.1:1", []string{"https"}, false},
		"no address":             {"pipe", []string{"https"}, false},
	} {
		r := httptest.NewRequest("GET", "http://api.example.com:80/v1/x", nil)
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-Proto"] = c.proto
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if c.pass && (w.Code != 200 || w.Header().Get("Strict-Transport-Security") == "") ||
			!c.pass && (w.Code != 308 || w.Header().Get("Location") != "https://api.example.com/v1/x") {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if e.Listen(l) != l {
		t.Error("the port is no longer the proxy's")
	}
}

func TestRedirectTarget(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
	for _, c := range []struct{ public, host, want string }{
		{"", "api.example.com", "https://api.example.com/a?b"},
		{"", "api.example.com:8443", "https://api.example.com:8443/a?b"},
		{"", "[::1]:80", "https://[::1]/a?b"},
		{"https://api.example.com/", "10.0.0.7:8000", "https://api.example.com/a?b"},
		{"", "", ""},
		{"", "user@forger.test", ""},
		{"", "a/b", ""},
		{"", "a b", ""},
		{"", "a?b", ""},
	} {
		h := edge(t, https.Options{TrustedProxies: proxies, PublicURL: c.public}).Handler(echo)
		r := httptest.NewRequest("GET", "/a?b", nil)
		r.Host = c.host
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if got := w.Header().Get("Location"); got != c.want || c.want == "" && w.Code != 400 {
			t.Errorf("%q: %d to %q, want %q", c.host, w.Code, got, c.want)
		}
	}
}

// lines is a log that can be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.b.String(), s)
}

func TestCertificateIsReloaded(t *testing.T) { synctest.Test(t, certificateIsReloaded) }

func certificateIsReloaded(t *testing.T) {
	dir := t.TempDir()
	cert, key := write(t, dir, 1)
	log := &lines{}
	e := edge(t, https.Options{CertFile: cert, KeyFile: key, Log: slog.New(slog.NewTextHandler(log, nil))})
	serial := func() int64 {
		t.Helper()
		c, err := e.TLS().GetCertificate(&tls.ClientHelloInfo{ServerName: "localhost"})
		if err != nil {
			t.Fatal(err)
		}
		return c.Leaf.SerialNumber.Int64()
	}
	want := func(n int64) {
		t.Helper()
		if got := serial(); got != n {
			t.Errorf("certificate %d, want %d", got, n)
		}
	}
	want(1)
	write(t, dir, 2)
	want(1) // looked a moment ago
	time.Sleep(2 * time.Second)
	want(2)

	oldKey, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, 3)
	newKey, err := os.ReadFile(key)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, key, oldKey) // half a change
	for range 3 {
		time.Sleep(2 * time.Second)
		want(2)
	}
	replace(t, key, newKey)
	time.Sleep(2 * time.Second)
	want(3)
	if err := os.Remove(cert); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		time.Sleep(2 * time.Second)
		want(3)
	}
	write(t, dir, 4)
	time.Sleep(2 * time.Second)
	want(4)
	if n := log.count("the old one stays"); n != 2 {
		t.Errorf("%d complaints, want one for each of two troubles:\n%s", n, &log.b)
	}
}

func TestRefusesToStart(t *testing.T) {
	dir := t.TempDir()
	cert, key := write(t, dir, 1)
	other := t.TempDir()
	_, otherKey := write(t, other, 2)
	for name, o := range map[string]https.Options{
		"nothing":         {},
		"no key":          {CertFile: cert},
		"no certificate":  {KeyFile: key},
		"no such file":    {CertFile: cert + "x", KeyFile: key},
		"foreign key":     {CertFile: cert, KeyFile: otherKey},
		"key as both":     {CertFile: key, KeyFile: key},
		"both ways":       {CertFile: cert, KeyFile: key, Domains: []string{"a.example"}, CacheDir: dir},
		"no folder":       {Domains: []string{"a.example"}},
		"wildcard":        {Domains: []string{"*.example.com"}, CacheDir: dir},
		"address":         {Domains: []string{"192.0.2.1"}, CacheDir: dir},
		"localhost":       {Domains: []string{"localhost"}, CacheDir: dir},
		"with a port":     {Domains: []string{"a.example:443"}, CacheDir: dir},
		"public is plain": {CertFile: cert, KeyFile: key, PublicURL: "http://a.example"},
		"public is path":  {CertFile: cert, KeyFile: key, PublicURL: "https://a.example/api"},
	} {
		if _, err := https.New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestACME goes as far as can be gone without an authority: nobody is asked about a name that is not ours.
func TestACME(t *testing.T) {
	authority := 0
	directory := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		authority++
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer directory.Close()
	e := edge(t, https.Options{Domains: []string{"api.example.com"}, CacheDir: t.TempDir(), Email: "ops@example.com", Directory: directory.URL})
	c := e.TLS()
	if c.MinVersion != tls.VersionTLS12 || strings.Join(c.NextProtos, " ") != "h2 http/1.1 acme-tls/1" {
		t.Errorf("%x %v", c.MinVersion, c.NextProtos)
	}
	for _, name := range []string{"other.example.com", "example.com", "", "localhost"} {
		if _, err := c.GetCertificate(&tls.ClientHelloInfo{ServerName: name}); err == nil {
			t.Errorf("a certificate for %q", name)
		}
	}
	if authority != 0 {
		t.Errorf("the authority was asked %d times about foreign names", authority)
	}
	h := e.Handler(echo)
	for path, want := range map[string]int{"/v1/x": 308, "/.well-known/acme-challenge/x": 404} {
		r := httptest.NewRequest("GET", "http://api.example.com"+path, nil)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != want {
			t.Errorf("%s: %d, want %d", path, w.Code, want)
		}
	}
	r := httptest.NewRequest("POST", "http://api.example.com/v1/x", strings.NewReader("{}"))
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != 403 {
		t.Errorf("POST: %d", w.Code)
	}
}
