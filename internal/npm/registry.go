package npm

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/publicsuffix"
)

// Registry is where packages come from, and how this machine is let in.
type Registry struct {
	URL         string            // of packages without a scope of their own; "": packages are off
	Scopes      map[string]string // addresses by scope (@acme)
	Credentials []Credential
	CAFile      string // certificates of authorities to be trusted besides the system's
	Proxy       string // of HTTP; "": as the environment says
}

// Credential lets this machine into one registry.
type Credential struct {
	Prefix string // //host/path/ of the addresses that it is for
	Header string // the value of Authorization
}

// registry asks a registry.
type registry struct {
	opts    *Options
	base    *url.URL
	scopes  map[string]*url.URL
	http    *http.Client
	pending chan struct{} // requests at once
	down    sync.Map      // hosts that could not be reached, and until when they are not asked
}

const (
	mostRequests = 24
	tries        = 3
	downFor      = 15 * time.Second
)

// errRedirect is a redirect that is not followed: to ask again changes nothing.
var errRedirect = errors.New("the registry redirects")

func newRegistry(opts *Options) (*registry, error) {
	r := &registry{opts: opts, scopes: map[string]*url.URL{}, pending: make(chan struct{}, mostRequests)}
	var err error
	if opts.Registry.URL != "" {
		if r.base, err = parseRegistry(opts.Registry.URL); err != nil {
			return nil, err
		}
	}
	for scope, text := range opts.Registry.Scopes {
		if r.scopes[scope], err = parseRegistry(text); err != nil {
			return nil, fmt.Errorf("%s: %w", scope, err)
		}
	}
	transport := &http.Transport{
		Proxy: http.ProxyFromEnvironment, ForceAttemptHTTP2: true, MaxIdleConnsPerHost: mostRequests, MaxConnsPerHost: mostRequests,
		IdleConnTimeout: 30 * time.Second, TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: 30 * time.Second,
		DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
	}
	if opts.Registry.Proxy != "" {
		proxy, err := url.Parse(opts.Registry.Proxy)
		if err != nil {
			return nil, errors.New("the proxy of npm's settings is no address")
		}
		transport.Proxy = http.ProxyURL(proxy)
	}
	if opts.Registry.CAFile != "" {
		pem, err := os.ReadFile(opts.Registry.CAFile)
		if err != nil {
			return nil, fmt.Errorf("the certificates that npm's settings name: %w", err)
		}
		roots, err := x509.SystemCertPool()
		if err != nil {
			roots = x509.NewCertPool()
		}
		roots.AppendCertsFromPEM(pem)
		transport.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	}
	r.http = &http.Client{Transport: transport, CheckRedirect: r.checkRedirect}
	return r, nil
}

func parseRegistry(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, errors.New("the registry must be an address like https://packages.example.com/npm/, without a password in it")
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	u.RawQuery, u.Fragment = "", ""
	return u, nil
}

func (r *registry) on() bool { return r.base != nil }

func (r *registry) offMessage() string {
	return "no package registry is set: " + r.opts.Setting + " turns packages on"
}

// of is the registry of a package.
func (r *registry) of(name string) *url.URL {
	if scope, _, ok := strings.Cut(name, "/"); ok && r.scopes[scope] != nil {
		return r.scopes[scope]
	}
	return r.base
}

// document is the address of what a registry knows of a package.
func (r *registry) document(name string) *url.URL {
	base := *r.of(name)
	base.RawPath = base.EscapedPath() + strings.Replace(url.PathEscape(name), "%40", "@", 1)
	base.Path += name
	return &base
}

// tarball is the address of a version's files. What a registry's metadata says is followed within the registry alone: a
// mirror that passes on the addresses of what it mirrors is asked itself, and nobody else.
func (r *registry) tarball(name, version, said string) *url.URL {
	base := r.of(name)
	if u, err := url.Parse(said); err == nil && said != "" && u.User == nil && u.Fragment == "" && sameHost(u, base) {
		return u
	}
	u := *base
	u.RawPath = ""
	u.Path += name + "/-/" + path.Base(name) + "-" + version + ".tgz"
	return &u
}

func sameHost(a, b *url.URL) bool { return a.Scheme == b.Scheme && strings.EqualFold(a.Host, b.Host) }

// ownHost reports whether a registry may send us on to this address. It is the registry's own when it is the same host,
// or one under the same registered domain (a storage of tarballs beside it); an address in numbers never is, nor is what
// falls back from TLS.
func ownHost(u, base *url.URL) bool {
	if sameHost(u, base) {
		return true
	}
	if u.Scheme != "https" && u.Scheme != base.Scheme || u.User != nil {
		return false
	}
	if _, err := netip.ParseAddr(u.Hostname()); err == nil {
		return false
	}
	ours, err := publicsuffix.EffectiveTLDPlusOne(base.Hostname())
	theirs, also := publicsuffix.EffectiveTLDPlusOne(u.Hostname())
	return err == nil && also == nil && strings.EqualFold(ours, theirs)
}

func (r *registry) checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) >= 5 {
		return fmt.Errorf("%w again and again", errRedirect)
	}
	if !ownHost(req.URL, via[0].URL) {
		return fmt.Errorf("%w to another host, %s, which is not followed", errRedirect, short(req.URL.Hostname()))
	}
	if !sameHost(req.URL, via[0].URL) {
		req.Header.Del("Authorization")
	}
	return nil
}

// authorization is what lets us in for a package. Where users sign in, it serves only scopes that are allowed.
func (r *registry) authorization(name string, u *url.URL) string {
	if r.opts.SignedIn && !r.allowed(name) {
		return ""
	}
	best := Credential{}
	for _, c := range r.opts.Registry.Credentials {
		if strings.HasPrefix("//"+u.Host+u.Path, c.Prefix) && len(c.Prefix) > len(best.Prefix) {
			best = c
		}
	}
	return best.Header
}

func (r *registry) allowed(name string) bool {
	scope, _, scoped := strings.Cut(name, "/")
	return slices.ContainsFunc(r.opts.Allow, func(a string) bool {
		a = strings.TrimSuffix(strings.TrimSpace(a), "/*")
		return a == name || scoped && a == scope
	})
}

// answerError is an answer that is none.
type answerError struct {
	status int
	text   string
}

func (e *answerError) Error() string { return e.text }

// get asks for an address, more than once where that may help. The caller closes the body and frees the place.
func (r *registry) get(ctx context.Context, name string, u *url.URL, header http.Header) (*http.Response, func(), error) {
	var last error
	for try := range tries {
		if until, ok := r.down.Load(u.Host); ok && r.opts.now().Before(until.(time.Time)) {
			return nil, nil, &answerError{0, "the registry cannot be reached"}
		}
		if try > 0 {
			if err := r.opts.pause(ctx, time.Duration(try)*300*time.Millisecond); err != nil {
				return nil, nil, err
			}
		}
		res, free, retry, err := r.try(ctx, name, u, header)
		if err == nil || !retry || ctx.Err() != nil {
			return res, free, err
		}
		last = err
	}
	return nil, nil, last
}

func (r *registry) try(ctx context.Context, name string, u *url.URL, header http.Header) (res *http.Response, free func(), retry bool, err error) {
	select {
	case r.pending <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, false, context.Cause(ctx)
	}
	ctx, cancel := context.WithTimeout(ctx, r.opts.longestAnswer)
	free = func() { cancel(); <-r.pending }
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		free()
		return nil, nil, false, err
	}
	maps.Copy(req.Header, header)
	req.Header.Set("User-Agent", "codeforge")
	if a := r.authorization(name, u); a != "" {
		req.Header.Set("Authorization", a)
	}
	res, err = r.http.Do(req)
	if err != nil {
		free()
		if errors.Is(err, errRedirect) {
			return nil, nil, false, &answerError{0, cause(err)}
		}
		if dial, ok := errors.AsType[*net.OpError](err); ok && dial.Op == "dial" {
			// A tree asks for hundreds of packages: not each waits until it is clear that nobody is there.
			r.down.Store(u.Host, r.opts.now().Add(downFor))
		}
		return nil, nil, true, &answerError{0, "the registry does not answer: " + cause(err)}
	}
	switch {
	case res.StatusCode == http.StatusOK, res.StatusCode == http.StatusNotModified:
		return res, free, false, nil
	case res.StatusCode == http.StatusNotFound:
		err = &answerError{404, "the registry has no such package"}
	case res.StatusCode == http.StatusUnauthorized, res.StatusCode == http.StatusForbidden:
		err = &answerError{res.StatusCode, "the registry refuses it (" + strconv.Itoa(res.StatusCode) + ")"}
	default:
		err = &answerError{res.StatusCode, "the registry answers with " + strconv.Itoa(res.StatusCode)}
	}
	_, _ = io.CopyN(io.Discard, res.Body, 16<<10)
	res.Body.Close()
	free()
	return nil, nil, res.StatusCode >= 500 || res.StatusCode == http.StatusTooManyRequests, err
}

// cause is an error of a request without its address, which may hold what is private.
func cause(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return "it took too long"
	case errors.Is(err, errRedirect):
		return err.Error()
	}
	return short(err.Error())
}
