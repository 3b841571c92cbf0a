// Package https sees to it that nothing but HTTPS is served in production.
//
// The certificate comes from two files, which may be replaced at any time; or from an ACME authority such as Let's
// Encrypt; or it is the business of a trusted proxy, whose X-Forwarded-Proto then says how a request came. One port is
// enough: [Edge.Listen] tells TLS from plain HTTP by the first byte of a connection, so a plain request meets a redirect
// or a clear refusal, not a broken handshake.
package https

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"codeforge"
)

// Options says where the certificate comes from: CertFile and KeyFile, or Domains and CacheDir, or TrustedProxies alone.
type Options struct {
	CertFile string // PEM, the whole chain
	KeyFile  string // PEM

	Domains   []string // for which an ACME authority is asked; asking means to agree to its terms
	CacheDir  string   // where keys and certificates from there are kept
	Email     string   // where the authority writes to; "": nowhere
	Directory string   // of the authority; "": Let's Encrypt

	// TrustedProxies are believed what X-Forwarded-Proto says.
	TrustedProxies []netip.Prefix
	// PublicURL is where plain requests are sent on to; "": the same host and port.
	PublicURL string
	// Plain are paths that may be read without TLS: a health check comes from inside and knows no name.
	Plain []string

	// Fail writes the refusal of a plain request; nil: JSON in the form of the API's errors.
	Fail func(http.ResponseWriter, *http.Request, error)
	Log  *slog.Logger // tells of certificates that cannot be loaded; nil: nothing
}

// Edge is the way in.
type Edge struct {
	o       Options
	tls     *tls.Config  // nil: a proxy does it
	files   *files       // nil: the certificate comes from elsewhere
	acme    http.Handler // answers the authority on the plain port; nil: there is none
	address string       // of PublicURL
}

const hsts = "max-age=31536000"

// New loads the certificate; one that cannot be used is an error.
func New(o Options) (*Edge, error) {
	o.Log = cmp.Or(o.Log, slog.New(slog.DiscardHandler))
	if o.Fail == nil {
		o.Fail = fail
	}
	e := &Edge{o: o}
	if o.PublicURL != "" {
		u, err := url.Parse(o.PublicURL)
		if err != nil || u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" {
			return nil, errors.New("the public address must look like https://api.example.com")
		}
		e.address = u.Host
	}
	switch {
	case (o.CertFile == "") != (o.KeyFile == ""):
		return nil, errors.New("a certificate needs both of TLS_CERT_FILE and TLS_KEY_FILE")
	case o.CertFile != "" && len(o.Domains) > 0:
		return nil, errors.New("the certificate comes from TLS_CERT_FILE or is asked for by TLS_DOMAINS, not both")
	case o.CertFile != "":
		f := &files{cert: o.CertFile, key: o.KeyFile, log: o.Log}
		if err := f.load(); err != nil {
			return nil, err
		}
		e.tls, e.files = &tls.Config{GetCertificate: f.get}, f
	case len(o.Domains) > 0:
		m, err := manager(o)
		if err != nil {
			return nil, err
		}
		e.tls = m.TLSConfig()
		e.acme = m.HTTPHandler(http.HandlerFunc(e.redirectToTLS))
	case len(o.TrustedProxies) == 0:
		return nil, errors.New("nothing provides HTTPS: set TLS_CERT_FILE and TLS_KEY_FILE, or TLS_DOMAINS, or TRUSTED_PROXIES with a proxy that does")
	}
	if e.tls != nil {
		e.tls.MinVersion = tls.VersionTLS12
		if !slices.Contains(e.tls.NextProtos, "h2") {
			e.tls.NextProtos = append(e.tls.NextProtos, "h2", "http/1.1")
		}
	}
	return e, nil
}

// manager asks an ACME authority for certificates of the given names, and for no others.
func manager(o Options) (*autocert.Manager, error) {
	if o.CacheDir == "" {
		return nil, errors.New("certificates of an ACME authority must be kept somewhere: without a folder each start would ask for new ones, and be refused soon")
	}
	for _, d := range o.Domains {
		if _, err := netip.ParseAddr(d); err == nil || !strings.Contains(strings.Trim(d, "."), ".") || strings.ContainsAny(d, "*:/@ ") {
			return nil, fmt.Errorf("TLS_DOMAINS: %q is no name that a certificate can be asked for: write whole names with commas, like api.example.com, without https://, port or *", d)
		}
	}
	m := &autocert.Manager{Prompt: autocert.AcceptTOS, HostPolicy: autocert.HostWhitelist(o.Domains...), Cache: autocert.DirCache(o.CacheDir), Email: o.Email}
	if o.Directory != "" {
		m.Client = &acme.Client{DirectoryURL: o.Directory}
	}
	return m, nil
}

// TLS returns the configuration for a server, nil where a proxy does TLS.
func (e *Edge) TLS() *tls.Config {
	if e.tls == nil {
		return nil
	}
	return e.tls.Clone()
}

// Reload reads the certificate's files again if they have changed, without waiting for a client to connect. With an error
// the old certificate stays.
func (e *Edge) Reload() error {
	if e.files == nil {
		return nil
	}
	e.files.mu.Lock()
	defer e.files.mu.Unlock()
	return e.files.load()
}

// Handler lets requests to next that came by HTTPS, and tells browsers to come that way only. A plain GET is sent on to
// HTTPS, anything else is refused, and no byte of its body is read: what it carries was exposed already, and its sender
// must learn that.
func (e *Edge) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch reading := r.Method == http.MethodGet || r.Method == http.MethodHead; {
		case e.secure(r):
			w.Header().Set("Strict-Transport-Security", hsts)
			next.ServeHTTP(w, r)
		case reading && slices.Contains(e.o.Plain, r.URL.Path):
			next.ServeHTTP(w, r)
		case e.acme != nil:
			e.acme.ServeHTTP(w, r) // and from there to plain
		default:
			e.redirectToTLS(w, r)
		}
	})
}

func (e *Edge) secure(r *http.Request) bool {
	if r.TLS != nil {
		return true
	}
	a, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	peer := a.Addr().Unmap().WithZone("")
	if !slices.ContainsFunc(e.o.TrustedProxies, func(p netip.Prefix) bool { return p.Contains(peer) }) {
		return false
	}
	// The last word is that of the proxy itself; what stands before it came from further away.
	said := strings.Join(r.Header["X-Forwarded-Proto"], ",")
	return strings.EqualFold(strings.TrimSpace(said[strings.LastIndexByte(said, ',')+1:]), "https")
}

// redirectToTLS answers a request that came without TLS.
func (e *Edge) redirectToTLS(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Connection", "close") // else the server would read the body to find the next request
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store")
	host := e.address
	if host == "" {
		host = strings.TrimSuffix(r.Host, ":80")
		if u, err := url.Parse("https://" + host); err != nil || host == "" || u.Host != host {
			e.o.Fail(w, r, codeforge.InvalidField("Host", "names no host"))
			return
		}
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		h.Set("Location", "https://"+host+r.URL.RequestURI())
		w.WriteHeader(http.StatusPermanentRedirect)
		return
	}
	e.o.Fail(w, r, &codeforge.Error{Kind: codeforge.Denied, Message: "This server is reached by HTTPS only. What was sent to it without encryption, such as a token, should no longer be trusted",
		Details: map[string]any{"use": "https://" + host}})
}

func fail(w http.ResponseWriter, _ *http.Request, err error) {
	status, code := http.StatusForbidden, "PERMISSION_DENIED"
	e, ok := errors.AsType[*codeforge.Error](err)
	if !ok || e.Kind == codeforge.Invalid {
		status, code = http.StatusBadRequest, "VALIDATION_ERROR"
	}
	body := struct {
		Error     string         `json:"error"`
		Message   string         `json:"message"`
		Details   map[string]any `json:"details"`
		RequestID string         `json:"request_id"`
	}{Error: code, Details: map[string]any{}, RequestID: codeforge.NewID()}
	if ok {
		body.Message, body.Details = e.Message, e.Details
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Request-ID", body.RequestID)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // nobody is left to tell
}

const (
	firstByte = 10 * time.Second // that a connection may take to say what it is
	undecided = 16384            // connections that may be at it
)

// Listen returns what a server is to serve: TLS and plain connections of one port, or, where a proxy does TLS, l itself.
// Closing it closes l.
func (e *Edge) Listen(l net.Listener) net.Listener {
	if e.tls == nil {
		return l
	}
	m := &sniffingListener{Listener: l, config: e.TLS(), ready: make(chan net.Conn), places: make(chan struct{}, undecided)}
	m.ctx, m.cancel = context.WithCancelCause(context.Background())
	m.wg.Go(m.accept)
	return m
}

// sniffingListener is a listener whose connections are TLS or not, as their first byte says.
type sniffingListener struct {
	net.Listener
	config *tls.Config
	ready  chan net.Conn
	places chan struct{} // one for each connection that is undecided
	ctx    context.Context
	cancel context.CancelCauseFunc
	wg     sync.WaitGroup
}

func (m *sniffingListener) accept() {
	for {
		select {
		case m.places <- struct{}{}:
		case <-m.ctx.Done():
			return
		}
		c, err := m.Listener.Accept()
		if err != nil {
			<-m.places
			if temporary(err) {
				select {
				case <-time.After(50 * time.Millisecond):
					continue
				case <-m.ctx.Done():
					return
				}
			}
			m.cancel(err)
			return
		}
		m.wg.Go(func() {
			defer func() { <-m.places }()
			m.decide(c)
		})
	}
}

// temporary is the error of a process that is out of file descriptors, which servers wait out.
func temporary(err error) bool {
	t, ok := errors.AsType[interface {
		error
		Temporary() bool
	}](err)
	return ok && t.Temporary()
}

func (m *sniffingListener) decide(c net.Conn) {
	stop := context.AfterFunc(m.ctx, func() { c.Close() })
	p := &peeked{Conn: c, r: bufio.NewReaderSize(c, 16)}
	_ = c.SetReadDeadline(time.Now().Add(firstByte)) // a connection without deadlines is closed by its own means
	first, err := p.r.Peek(1)
	if !stop() || err != nil {
		c.Close()
		return
	}
	_ = c.SetReadDeadline(time.Time{})
	var out net.Conn = p
	const handshake = 0x16 // the type of the record that TLS begins with; no HTTP method does
	if first[0] == handshake {
		out = tls.Server(p, m.config)
	}
	select {
	case m.ready <- out:
	case <-m.ctx.Done():
		c.Close()
	}
}

func (m *sniffingListener) Accept() (net.Conn, error) {
	select {
	case c := <-m.ready:
		return c, nil
	case <-m.ctx.Done():
		return nil, context.Cause(m.ctx)
	}
}

func (m *sniffingListener) Close() error {
	m.cancel(net.ErrClosed)
	err := m.Listener.Close()
	m.wg.Wait()
	return err
}

// peeked is a connection of which the first byte was looked at.
type peeked struct {
	net.Conn
	r *bufio.Reader // 16 bytes, empty after the first reads
}

func (p *peeked) Read(b []byte) (int, error) {
	if p.r.Buffered() > 0 {
		return p.r.Read(b)
	}
	return p.Conn.Read(b)
}
