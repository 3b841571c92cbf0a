// Package download fetches what users name from the public network: over https alone, and never from an address of the network
// that this server stands in.
package download

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"codeforge"
	"codeforge/internal/outbound"
)

const (
	mostRedirects = 5
	longestURL    = 2000
	dialTimeout   = 10 * time.Second
	headerTimeout = 20 * time.Second
)

// Options is what a Client may reach. Its zero value is the public network.
type Options struct {
	Allowed func(netip.AddrPort) bool // nil: port 443 of public addresses
	Roots   *x509.CertPool            // nil: those of this machine
}

// Client fetches.
type Client struct{ http *http.Client }

// New makes a client.
func New(o Options) *Client {
	if o.Allowed == nil {
		o.Allowed = func(a netip.AddrPort) bool { return a.Port() == 443 && outbound.Public(a.Addr()) }
	}
	return &Client{&http.Client{
		Transport: &http.Transport{ // no proxy: the address that is looked at must be the one that is reached
			DialContext: outbound.Dial(o.Allowed, dialTimeout, nil), TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
			TLSHandshakeTimeout: dialTimeout, ResponseHeaderTimeout: headerTimeout, MaxResponseHeaderBytes: 64 << 10,
			DisableCompression: true, DisableKeepAlives: true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > mostRedirects {
				return refused("is redirected more than %d times", mostRedirects)
			}
			return outbound.CheckURL(r.URL, "https")
		},
	}}
}

func refused(format string, args ...any) error { return codeforge.InvalidField("url", format, args...) }

// Get begins to fetch an address. What comes may have so many bytes; reading more is an error. The caller closes it.
func (c *Client) Get(ctx context.Context, address string, most int64) (io.ReadCloser, error) {
	if len(address) > longestURL {
		return nil, refused("must have at most %d characters", longestURL)
	}
	u, err := url.Parse(address)
	if err != nil {
		return nil, refused("is no address")
	}
	if err := outbound.CheckURL(u, "https"); err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, refused("is no address")
	}
	req.Header.Set("User-Agent", codeforge.Service+"/"+codeforge.Version)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, failed(ctx, u.Hostname(), err)
	}
	switch {
	case resp.StatusCode != http.StatusOK:
		_ = resp.Body.Close()
		if resp.StatusCode >= 500 || resp.StatusCode == http.StatusTooManyRequests {
			return nil, unreachable(u.Hostname(), fmt.Errorf("it answered with status %d", resp.StatusCode))
		}
		return nil, refused("is answered with status %d: it must be public, and that of the archive itself", resp.StatusCode)
	case resp.ContentLength > most:
		_ = resp.Body.Close()
		return nil, tooLarge(most)
	}
	return &body{resp.Body, u.Hostname(), ctx, most, most}, nil
}

// body is bounded, and its errors are in words.
type body struct {
	io.ReadCloser
	host string
	ctx  context.Context
	left int64
	most int64
}

func (b *body) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, tooLarge(b.most)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		err = failed(b.ctx, b.host, err)
	}
	return n, err
}

func tooLarge(most int64) error {
	return &codeforge.Error{Kind: codeforge.TooLarge, Message: "What the address leads to is larger than " + codeforge.Bytes(most), Details: map[string]any{"field": "url", "limit": most}}
}

// failed is an error of the network, in words for whoever named the host.
func failed(ctx context.Context, host string, err error) error {
	if e, ok := errors.AsType[*codeforge.Error](err); ok {
		return e
	}
	if ctx.Err() != nil && !errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return context.Cause(ctx)
	}
	return unreachable(host, err)
}

func unreachable(host string, err error) error {
	return &codeforge.Error{Kind: codeforge.External, Message: "The archive could not be fetched from " + codeforge.Plain(host), Details: map[string]any{"service": codeforge.Plain(host)}, Retryable: true, Cause: err}
}
