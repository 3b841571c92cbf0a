package webhook

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"codeforge"
	"codeforge/internal/outbound"
	"codeforge/internal/seal"
)

const (
	attemptTimeout = 15 * time.Second // for all of an attempt
	dialTimeout    = 5 * time.Second
	mostRead       = 4 << 10 // bytes of an answer; the connection of one that is longer is closed
	idleTimeout    = 20 * time.Second
)

// transport sends requests where deliveries may go. Over plain http that is what the operator allows alone, so that the two
// have connections of their own.
func (o *Options) transport() http.RoundTripper {
	if o.Transport != nil {
		return o.Transport
	}
	allowed := func(a netip.AddrPort) bool {
		return slices.ContainsFunc(o.Allow, func(p netip.Prefix) bool { return p.Contains(a.Addr().Unmap()) })
	}
	over := func(ok func(netip.AddrPort) bool) *http.Transport {
		return &http.Transport{ // no proxy: the address that is looked at must be the one that is reached
			DialContext: outbound.Dial(ok, dialTimeout, o.Resolver), TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: o.Roots},
			TLSHandshakeTimeout: dialTimeout, MaxResponseHeaderBytes: 64 << 10, DisableCompression: true,
			MaxIdleConns: 100, MaxIdleConnsPerHost: 2, IdleConnTimeout: idleTimeout,
		}
	}
	plain := over(allowed)
	secure := over(func(a netip.AddrPort) bool { return allowed(a) || publicPort(a.Port()) && outbound.Public(a.Addr()) })
	return byScheme{"http": plain, "https": secure}
}

// publicPort keeps requests off what listens at well-known ports and is no web server.
func publicPort(port uint16) bool { return port == 443 || port >= 1024 }

type byScheme map[string]*http.Transport

func (b byScheme) RoundTrip(r *http.Request) (*http.Response, error) {
	return b[r.URL.Scheme].RoundTrip(r)
}

func (b byScheme) CloseIdleConnections() {
	for _, t := range b {
		t.CloseIdleConnections()
	}
}

// CheckURL holds the rules for an address of a webhook. What its name leads to is looked at when it is reached, each time.
func (d *Dispatcher) CheckURL(address string) error {
	if len(address) > codeforge.MaxWebhookURL {
		return codeforge.InvalidField("url", "must have at most %d characters", codeforge.MaxWebhookURL)
	}
	u, err := url.Parse(address)
	if err != nil || strings.ContainsFunc(address, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return codeforge.InvalidField("url", "is no address")
	}
	schemes := []string{"https"}
	if len(d.o.Allow) > 0 {
		schemes = []string{"https", "http"}
	}
	if err := outbound.CheckURL(u, schemes...); err != nil {
		return err
	}
	port, portErr := strconv.ParseUint(u.Port(), 10, 16)
	switch a, err := netip.ParseAddr(u.Hostname()); {
	case u.Fragment != "":
		return codeforge.InvalidField("url", "must not hold a fragment: leave out # and what follows it")
	case u.Port() != "" && (portErr != nil || port == 0):
		return codeforge.InvalidField("url", "has a port that is none")
	case err == nil && slices.ContainsFunc(d.o.Allow, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) }):
		return nil
	case err == nil && (u.Scheme == "http" || !outbound.Public(a)):
		return outbound.ErrAddress
	case u.Port() != "" && !publicPort(uint16(port)) && len(d.o.Allow) == 0:
		return codeforge.InvalidField("url", "must name port 443 or one from 1024 on")
	}
	return nil
}

// payload is the body of a delivery, the same however often it is sent.
func (d *Dispatcher) payload(c *codeforge.WebhookClaim) ([]byte, error) {
	data := map[string]any{}
	dec := json.NewDecoder(bytes.NewReader(c.Data))
	dec.UseNumber()
	if err := dec.Decode(&data); err != nil {
		return nil, err
	}
	links := map[string]string{}
	link := func(name, format string, keys ...string) {
		parts := make([]any, len(keys))
		for i, k := range keys {
			if data[k] == nil {
				return
			}
			parts[i] = data[k]
		}
		links[name] = d.o.PublicURL + fmt.Sprintf(format, parts...)
	}
	link("project", "/v1/projects/%v", "project_id")
	link("job", "/v1/jobs/%v", "job_id")
	link("webhook", "/v1/webhooks/%v", "webhook_id")
	if data["revision"] != json.Number("0") {
		link("revision", "/v1/projects/%v/revisions/%v", "project_id", "revision")
	}
	data["links"] = links
	return json.Marshal(struct {
		Type      codeforge.WebhookType `json:"type"`
		Timestamp time.Time             `json:"timestamp"`
		Data      any                   `json:"data"`
	}{c.Type, c.CreatedAt, data})
}

// request is a delivery as it goes out at a moment, signed by the secret and by the one that it was rotated from.
func (d *Dispatcher) request(ctx context.Context, c *codeforge.WebhookClaim, now time.Time) (*http.Request, error) {
	body, err := d.payload(c)
	if err != nil {
		return nil, err
	}
	var signatures []string
	for _, sealed := range [][]byte{c.Secret, c.OldSecret} {
		if len(sealed) == 0 {
			continue
		}
		secret, _, err := seal.Open(d.o.Keys(), c.WebhookID, sealed)
		if err != nil {
			return nil, err
		}
		signer, err := standardwebhooks.NewWebhookRaw(secret)
		if err != nil {
			return nil, err
		}
		signature, err := signer.Sign(c.ID, now, body)
		if err != nil {
			return nil, err
		}
		signatures = append(signatures, signature)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", codeforge.Service+"/"+codeforge.Version)
	req.Header.Set(standardwebhooks.HeaderWebhookID, c.ID)
	req.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	req.Header.Set(standardwebhooks.HeaderWebhookSignature, strings.Join(signatures, " "))
	req.Header["Idempotency-Key"] = []string{} // not sent: it says that a connection which the receiver just closed may be replaced
	if c.TraceParent != "" {
		req.Header.Set("traceparent", c.TraceParent)
	}
	return req, nil
}

// send makes one attempt, and says what becomes of the delivery.
func (d *Dispatcher) send(ctx context.Context, c *codeforge.WebhookClaim) codeforge.WebhookOutcome {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	began := time.Now()
	attempt := codeforge.WebhookAttempt{At: began.UTC().Truncate(time.Microsecond)}
	var again time.Duration
	if err := d.CheckURL(c.URL); err != nil { // what is allowed may have changed since it was set
		attempt.Error = inWords(err)
	} else if req, err := d.request(ctx, c, began); err != nil {
		attempt.Error = inWords(err)
	} else if res, err := d.client.Do(req); err != nil {
		attempt.Error = inWords(err)
	} else {
		text, err := io.ReadAll(io.LimitReader(res.Body, mostRead))
		if err == nil { // a connection serves again once its answer was read to the end
			_, err = io.CopyN(io.Discard, res.Body, 1)
		}
		_ = res.Body.Close()
		attempt.Status, attempt.Response = res.StatusCode, string(text)
		switch {
		case res.StatusCode >= 200 && res.StatusCode <= 299:
		case res.StatusCode >= 300 && res.StatusCode <= 399:
			attempt.Error = fmt.Sprintf("it answered with status %d: redirects are not followed, set the webhook to the last address", res.StatusCode)
		default:
			attempt.Error = fmt.Sprintf("it answered with status %d", res.StatusCode)
			again = retryAfter(res.Header.Get("Retry-After"), began)
		}
		if err != nil && !errors.Is(err, io.EOF) && attempt.Error == "" {
			d.o.Log.Debug("the answer to a webhook broke off", "webhook_id", c.WebhookID, "error", err) // its status was said
		}
	}
	attempt.DurationMS = time.Since(began).Milliseconds()
	attempt.Clean()
	o := settle(c, attempt.Error == "", attempt.Status == http.StatusGone, again)
	o.Attempt = attempt
	return o
}

// retryAfter reads the header of that name: seconds, or a date.
func retryAfter(value string, now time.Time) time.Duration {
	if n, err := strconv.Atoi(value); err == nil {
		return time.Duration(max(0, min(n, int(longestWished.Seconds())))) * time.Second
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// inWords says to the owner of a webhook why it could not be reached.
func inWords(err error) string {
	_, dns := errors.AsType[*net.DNSError](err)
	certificate, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, isRecord := errors.AsType[tls.RecordHeaderError](err)
	e, isOurs := errors.AsType[*codeforge.Error](err)
	timeout, isTimeout := errors.AsType[interface {
		error
		Timeout() bool
	}](err)
	switch {
	case errors.Is(err, seal.ErrSealed):
		return "its secret cannot be read any more, since the server has another STREAM_SECRET than when it was made: rotate the webhook"
	case isOurs:
		return fmt.Sprintf("its address %v", e.Details["reason"])
	case dns:
		return "the name of its host cannot be looked up"
	case isCertificate:
		if _, unknown := errors.AsType[x509.UnknownAuthorityError](certificate); unknown {
			return "its certificate is signed by nobody whom this server trusts"
		}
		return "its certificate does not count: it is expired, or for another name"
	case isRecord, errors.Is(err, http.ErrSchemeMismatch):
		return "it does not speak TLS"
	case errors.Is(err, syscall.ECONNREFUSED):
		return "nothing listens there"
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return "there is no way there from this server"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.EPIPE):
		return "it closed the connection without an answer"
	case errors.Is(err, context.DeadlineExceeded), isTimeout && timeout.Timeout():
		return fmt.Sprintf("it did not answer within %v", attemptTimeout)
	}
	return "it cannot be reached"
}
