package webhook_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"codeforge"
	"codeforge/internal/sqlite"
	"codeforge/internal/sqlite/sqlitetest"
	"codeforge/internal/webhook"
)

var (
	u        = codeforge.LocalUser()
	loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}
	key      = bytes.Repeat([]byte("k"), 32)
)

func keys(list ...[]byte) func() [][]byte { return func() [][]byte { return list } }

// hit is a request as a receiver got it.
type hit struct {
	header http.Header
	body   []byte
}

func (h hit) id() string { return h.header.Get("webhook-id") }

// receiver is a server that takes deliveries; answer says with what, nil: 200.
type receiver struct {
	*httptest.Server
	hits chan hit
}

func receive(t testing.TB, answer func(w http.ResponseWriter, h hit)) *receiver {
	t.Helper()
	r := &receiver{hits: make(chan hit, 1000)}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		body, err := io.ReadAll(req.Body)
		if err != nil {
			t.Error(err)
		}
		h := hit{req.Header.Clone(), body}
		if answer != nil {
			answer(w, h)
		}
		r.hits <- h
	}))
	r.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, 0)
	t.Cleanup(r.Close)
	return r
}

func (r *receiver) roots() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(r.Certificate())
	return pool
}

func (r *receiver) next(t testing.TB) hit {
	t.Helper()
	select {
	case h := <-r.hits:
		return h
	case <-time.After(3 * time.Minute):
		t.Fatal("nothing was delivered")
		return hit{}
	}
}

func open(t testing.TB, o sqlite.Options) *sqlite.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func dispatcher(o webhook.Options) *webhook.Dispatcher {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Keys == nil {
		o.Keys = keys(key)
	}
	return webhook.New(o)
}

// running is a dispatcher at work.
type running struct {
	*webhook.Dispatcher
	recorded chan codeforge.WebhookOutcome
}

// start starts a dispatcher that ends with the test.
func start(t testing.TB, o webhook.Options) running {
	t.Helper()
	d := running{recorded: make(chan codeforge.WebhookOutcome, 1000)}
	o.Recorded = func(_ codeforge.WebhookClaim, o codeforge.WebhookOutcome) { d.recorded <- o }
	d.Dispatcher = dispatcher(o)
	d.Start(t.Context())
	t.Cleanup(func() { d.Close(context.Background()) })
	return d
}

// outcomes waits for what came of n attempts.
func (d running) outcomes(t testing.TB, n int) (list []codeforge.WebhookOutcome) {
	t.Helper()
	for range n {
		select {
		case o := <-d.recorded:
			list = append(list, o)
		case <-time.After(3 * time.Minute):
			t.Fatalf("%d of %d attempts were made", len(list), n)
		}
	}
	return list
}

type maker interface {
	CreateWebhook(ctx context.Context, u codeforge.User, w codeforge.Webhook, secret []byte) (codeforge.Webhook, error)
}

// create makes a webhook, and returns its secret with it.
func create(t testing.TB, s maker, d *webhook.Dispatcher, url string, events ...codeforge.WebhookType) (codeforge.Webhook, string) {
	t.Helper()
	w := codeforge.Webhook{ID: codeforge.NewID(), URL: url, Events: events}
	shown, sealed := d.NewSecret(w.ID)
	w, err := s.CreateWebhook(t.Context(), u, w, sealed)
	must(t, err)
	return w, shown
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func project(t testing.TB, s *sqlite.Store) codeforge.Project {
	t.Helper()
	p, err := s.CreateProject(t.Context(), u, codeforge.Project{Title: "Dog walkers", Description: "secret plans"})
	must(t, err)
	return p
}

func deliveries(t testing.TB, s *sqlite.Store, w codeforge.Webhook) []codeforge.WebhookDelivery {
	t.Helper()
	list, err := s.ListWebhookDeliveries(t.Context(), u, codeforge.WebhookKey{ID: w.ID}, codeforge.WebhookFilter{Limit: 100})
	must(t, err)
	return list
}

func verify(t testing.TB, h hit, secret string) error {
	t.Helper()
	v, err := standardwebhooks.NewWebhook(secret)
	must(t, err)
	return v.Verify(h.body, h.header)
}

func TestDelivers(t *testing.T) {
	s := open(t, sqlite.Options{})
	r := receive(t, func(w http.ResponseWriter, _ hit) { io.WriteString(w, "thanks \x1b[31m"+strings.Repeat("é", 5000)) })
	var log lines
	d := start(t, webhook.Options{Store: s, Roots: r.roots(), Allow: loopback, PublicURL: "https://forge.example", Log: slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))})
	w, secret := create(t, s, d.Dispatcher, r.URL+"/hook?a=b")
	p := project(t, s)
	d.Wake()
	h := r.next(t)
	must(t, verify(t, h, secret))
	var got struct {
		Type      string
		Timestamp time.Time
		Data      map[string]any
	}
	must(t, json.Unmarshal(h.body, &got))
	if got.Type != "project.created" || !got.Timestamp.Equal(p.CreatedAt) {
		t.Errorf("%s", h.body)
	}
	if want := fmt.Sprint(map[string]any{"project_id": p.ID, "status": "planning", "revision": 0, "links": map[string]any{"project": "https://forge.example/v1/projects/" + p.ID}}); fmt.Sprint(got.Data) != want {
		t.Errorf("data %v, want %s", got.Data, want)
	}
	if h.header.Get("content-type") != "application/json" || !strings.HasPrefix(h.header.Get("user-agent"), codeforge.Service) || h.header.Get("traceparent") != "" || h.header["Idempotency-Key"] != nil {
		t.Errorf("%v", h.header)
	}
	for _, forged := range []hit{{h.header, append(h.body, ' ')}, {http.Header{"Webhook-Id": {"x"}, "Webhook-Timestamp": h.header["Webhook-Timestamp"], "Webhook-Signature": h.header["Webhook-Signature"]}, h.body}} {
		if verify(t, forged, secret) == nil {
			t.Errorf("%v is taken for ours", forged)
		}
	}

	// A rotation: both secrets sign, and after the grace the new one alone.
	shown, sealed := d.NewSecret(w.ID)
	_, err := s.RotateWebhook(t.Context(), u, codeforge.WebhookKey{ID: w.ID}, sealed, time.Hour)
	must(t, err)
	const trace = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	j, _, _, err := s.SubmitJob(t.Context(), u, codeforge.NewJob{ProjectID: p.ID, Agent: codeforge.QA, TraceParent: trace, Input: json.RawMessage(`{"user_message":"secret plans"}`)})
	must(t, err)
	d.Wake()
	h = r.next(t)
	must(t, verify(t, h, secret))
	must(t, verify(t, h, shown))
	if h.header.Get("traceparent") != trace || !strings.Contains(string(h.body), `"links":{"job":"https://forge.example/v1/jobs/`+j.ID+`","project":`) || strings.Contains(string(h.body), "secret plans") {
		t.Errorf("%v %s", h.header, h.body)
	}
	_, sealed = d.NewSecret(w.ID)
	_, err = s.RotateWebhook(t.Context(), u, codeforge.WebhookKey{ID: w.ID}, sealed, 0)
	must(t, err)
	_, err = s.TestWebhook(t.Context(), u, codeforge.WebhookKey{ID: w.ID})
	must(t, err)
	d.Wake()
	if h = r.next(t); verify(t, h, secret) == nil || verify(t, h, shown) == nil || strings.Count(h.header.Get("webhook-signature"), "v1,") != 1 {
		t.Errorf("an old secret signs: %v", h.header)
	}

	d.outcomes(t, 3)
	for _, row := range deliveries(t, s, w) {
		a := row.Attempts[0]
		if row.Status != codeforge.WebhookDelivered || len(row.Attempts) != 1 || a.Status != 200 || a.Error != "" || len(a.Response) > codeforge.MaxWebhookExcerpt || !strings.HasPrefix(a.Response, "thanks é") {
			t.Errorf("%+v", row)
		}
	}
	d.Close(t.Context())
	if st := d.Stats(); st.Delivered != 3 || st.Failed != 0 || st.Sending != 0 {
		t.Errorf("%+v", st)
	}
	if text := log.String(); strings.Contains(text, strings.TrimPrefix(secret, "whsec_")) || !strings.Contains(text, w.ID) {
		t.Errorf("the log says %s", text)
	}
}

// lines is a log that may be read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) { l.mu.Lock(); defer l.mu.Unlock(); return l.b.Write(p) }
func (l *lines) String() string              { l.mu.Lock(); defer l.mu.Unlock(); return l.b.String() }

// trip is a receiver without a network.
type trip func(*http.Request) *http.Response

func (f trip) RoundTrip(r *http.Request) (*http.Response, error) {
	_, _ = io.Copy(io.Discard, r.Body)
	res := f(r)
	if res == nil {
		return nil, &net.OpError{Op: "read", Err: io.EOF}
	}
	if res.Body == nil {
		res.Body = http.NoBody
	}
	if res.Header == nil {
		res.Header = http.Header{}
	}
	return res, nil
}

// inVirtualTime runs a test on a store and a dispatcher whose time passes when all of them wait.
func inVirtualTime(t *testing.T, answer func(*http.Request) *http.Response, test func(t *testing.T, s *sqlite.Store, d *webhook.Dispatcher)) {
	synctest.Test(t, func(t *testing.T) {
		s, err := sqlite.Open(t.Context(), sqlitetest.Dir(t), sqlite.Options{})
		must(t, err)
		d := dispatcher(webhook.Options{Store: s, Transport: trip(answer), Look: time.Hour})
		d.Start(t.Context())
		test(t, s, d)
		d.Close(context.Background())
		must(t, s.Close())
	})
}

func TestRetries(t *testing.T) {
	var at []time.Time
	ids := map[string]bool{}
	inVirtualTime(t, func(r *http.Request) *http.Response {
		at = append(at, time.Now())
		ids[r.Header.Get("webhook-id")] = true
		return &http.Response{StatusCode: 503}
	}, func(t *testing.T, s *sqlite.Store, d *webhook.Dispatcher) {
		w, _ := create(t, s, d, "https://example.com/hook")
		project(t, s)
		time.Sleep(60 * time.Hour)
		row := deliveries(t, s, w)[0]
		if row.Status != codeforge.WebhookFailed || row.Tries != 9 || len(row.Attempts) != 9 || row.Attempts[0].Error != "it answered with status 503" || row.DueAt != nil {
			t.Errorf("%+v", row)
		}
		want := []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour}
		if len(at) != 9 || len(ids) != 1 {
			t.Fatalf("%d attempts of %d deliveries", len(at), len(ids))
		}
		for i, d := range want {
			if got := at[i+1].Sub(at[i]); got < d || got > d+d/5+time.Second {
				t.Errorf("attempt %d after %v, want %v", i+2, got, d)
			}
		}
		if st := d.Stats(); st.Failed != 9 || st.Retried != 8 || st.GivenUp != 1 || st.Pending != 0 {
			t.Errorf("%+v", st)
		}
	})
}

func TestFailingForDays(t *testing.T) {
	var attempts, told atomic.Int64
	inVirtualTime(t, func(r *http.Request) *http.Response {
		if r.URL.Path == "/other" {
			told.Add(1)
			return &http.Response{StatusCode: 204}
		}
		attempts.Add(1)
		return nil
	}, func(t *testing.T, s *sqlite.Store, d *webhook.Dispatcher) {
		w, _ := create(t, s, d, "https://example.com/hook")
		create(t, s, d, "https://example.com/other", codeforge.WebhookDisabled)
		for range 4 * 5 {
			project(t, s)
			d.Wake()
			time.Sleep(6 * time.Hour)
		}
		got, err := s.GetWebhook(t.Context(), u, codeforge.WebhookKey{ID: w.ID})
		must(t, err)
		if !got.Enabled || got.Pending == 0 {
			t.Fatalf("disabled too early: %+v", got)
		}
		project(t, s)
		d.Wake()
		time.Sleep(time.Hour)
		if got, err = s.GetWebhook(t.Context(), u, codeforge.WebhookKey{ID: w.ID}); err != nil || got.Enabled || got.DisabledReason != codeforge.WebhookFailing {
			t.Fatalf("%+v %v", got, err)
		}
		if told.Load() != 1 || d.Stats().Disabled != 1 {
			t.Errorf("told %d times, %+v", told.Load(), d.Stats())
		}
		before := attempts.Load()
		project(t, s)
		time.Sleep(24 * time.Hour)
		if after := attempts.Load(); after != before {
			t.Errorf("%d attempts while it is disabled", after-before)
		}
		if row := deliveries(t, s, w)[0]; row.Attempts[0].Error != "it closed the connection without an answer" {
			t.Errorf("%+v", row)
		}
	})
}

func TestWishesOfReceivers(t *testing.T) {
	answers := map[string]func() *http.Response{
		"/later": func() *http.Response {
			return &http.Response{StatusCode: 429, Header: http.Header{"Retry-After": {"3600"}}}
		},
		"/date": func() *http.Response {
			return &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {time.Now().Add(2 * time.Hour).UTC().Format(http.TimeFormat)}}}
		},
		"/never": func() *http.Response {
			return &http.Response{StatusCode: 503, Header: http.Header{"Retry-After": {"99999999999"}}}
		},
		"/gone": func() *http.Response { return &http.Response{StatusCode: 410} },
		"/moved": func() *http.Response {
			return &http.Response{StatusCode: 307, Header: http.Header{"Location": {"https://example.com/elsewhere"}}}
		},
	}
	var mu sync.Mutex
	at := map[string][]time.Time{}
	inVirtualTime(t, func(r *http.Request) *http.Response {
		mu.Lock()
		defer mu.Unlock()
		at[r.URL.Path] = append(at[r.URL.Path], time.Now())
		if len(at[r.URL.Path]) > 1 {
			return &http.Response{StatusCode: 200}
		}
		return answers[r.URL.Path]()
	}, func(t *testing.T, s *sqlite.Store, d *webhook.Dispatcher) {
		all := map[string]codeforge.Webhook{}
		for path := range answers {
			all[path], _ = create(t, s, d, "https://example.com"+path, codeforge.WebhookProjectCreated)
		}
		project(t, s)
		time.Sleep(48 * time.Hour)
		for path, least := range map[string]time.Duration{"/later": time.Hour, "/date": 2 * time.Hour, "/never": 24 * time.Hour, "/moved": 5 * time.Second} {
			times := at[path]
			if len(times) != 2 {
				t.Fatalf("%s: %d attempts", path, len(times))
			}
			if waited := times[1].Sub(times[0]); waited < least-time.Second || waited > least+time.Minute+time.Second {
				t.Errorf("%s: tried again after %v", path, waited)
			}
		}
		got, err := s.GetWebhook(t.Context(), u, codeforge.WebhookKey{ID: all["/gone"].ID})
		must(t, err)
		if got.Enabled || got.DisabledReason != codeforge.WebhookGone || len(at["/gone"]) != 1 || deliveries(t, s, got)[0].Status != codeforge.WebhookFailed {
			t.Errorf("%+v", got)
		}
		if row := deliveries(t, s, all["/moved"])[0]; !strings.Contains(row.Attempts[0].Error, "redirects are not followed") || len(at["/elsewhere"]) != 0 {
			t.Errorf("%+v", row)
		}
	})
}

// Receivers that do not answer keep places of their own; whoever comes next finds one.
func TestSlowReceiversHoldUpNobody(t *testing.T) {
	s := open(t, sqlite.Options{})
	release := make(chan struct{})
	var slow, most atomic.Int64
	r := receive(t, func(_ http.ResponseWriter, h hit) {})
	stuck := receive(t, func(http.ResponseWriter, hit) {
		n := slow.Add(1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		<-release
		slow.Add(-1)
	})
	roots := r.roots()
	roots.AddCert(stuck.Certificate())
	d := start(t, webhook.Options{Store: s, Roots: roots, Allow: loopback, Places: 8})
	bad, _ := create(t, s, d.Dispatcher, stuck.URL)
	create(t, s, d.Dispatcher, r.URL)
	for range 30 {
		project(t, s)
	}
	d.Wake()
	for range 30 {
		r.next(t)
	}
	d.outcomes(t, 30)
	if got, err := s.GetWebhook(t.Context(), u, codeforge.WebhookKey{ID: bad.ID}); err != nil || got.Pending != 30 {
		t.Errorf("%+v %v", got, err)
	}
	close(release)
	d.outcomes(t, 30)
	if most.Load() != 4 {
		t.Errorf("%d requests at once to one webhook", most.Load())
	}
}

func TestReach(t *testing.T) {
	s := open(t, sqlite.Options{})
	var reached atomic.Int64
	r := receive(t, func(w http.ResponseWriter, h hit) { reached.Add(1) })
	plain := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { reached.Add(1) }))
	t.Cleanup(plain.Close)
	_, port, _ := net.SplitHostPort(r.Listener.Addr().String())
	for name, c := range map[string]struct {
		url   string
		allow []netip.Prefix
		says  string
	}{
		"this machine":             {r.URL, nil, "not public"},
		"by its name":              {"https://localhost:" + port, nil, "not public"},
		"mapped":                   {"https://[::ffff:127.0.0.1]:" + port, nil, "not public"},
		"another network":          {r.URL, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "not public"},
		"plain, which is allowed":  {plain.URL, loopback, ""},
		"plain, not allowed there": {plain.URL, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, "not public"},
		"plain":                    {plain.URL, nil, "https://"},
		"secure":                   {r.URL, loopback, ""},
		"nobody's certificate":     {"https://localhost:" + port, loopback, "certificate"},
		"no TLS":                   {strings.Replace(plain.URL, "http:", "https:", 1), loopback, "TLS"},
		"no such name":             {"https://no-such-host.invalid", nil, "cannot be looked up"},
		"nobody there":             {"https://127.0.0.1:1", loopback, "nothing listens"},
	} {
		t.Run(name, func(t *testing.T) {
			d := start(t, webhook.Options{Store: s, Roots: r.roots(), Allow: c.allow})
			w, _ := create(t, s, d.Dispatcher, c.url)
			defer s.DeleteWebhook(context.Background(), u, codeforge.WebhookKey{ID: w.ID})
			before := reached.Load()
			_, err := s.TestWebhook(t.Context(), u, codeforge.WebhookKey{ID: w.ID})
			must(t, err)
			d.Wake()
			if got := d.outcomes(t, 1)[0].Attempt.Error; (c.says == "") != (got == "") || !strings.Contains(got, c.says) || strings.Contains(got, "127.0.0.1") {
				t.Errorf("it is said %q", got)
			}
			if n := reached.Load() - before; n > 0 != (c.says == "") {
				t.Errorf("%d requests arrived", n)
			}
		})
	}
}

func TestCheckURL(t *testing.T) {
	strict, lax := dispatcher(webhook.Options{}), dispatcher(webhook.Options{Allow: loopback})
	for url, want := range map[string][2]string{
		"https://example.com/hook?x=1":               {"", ""},
		"https://example.com:8443/":                  {"", ""},
		"https://example.com:25/":                    {"port 443", ""}, // what it leads to is looked at then
		"http://example.com/":                        {"https://", ""},
		"https://user:secret@example.com/":           {"name or password", "name or password"},
		"https://example.com/#x":                     {"fragment", "fragment"},
		"https://example.com:0/":                     {"port", "port"},
		"https://example.com:70000/":                 {"port", "port"},
		"https://":                                   {"host", "host"},
		"https://127.0.0.1/":                         {"not public", ""},
		"http://127.0.0.1:9000/":                     {"https://", ""},
		"http://8.8.8.8/":                            {"https://", "not public"},
		"https://[::ffff:7f00:1]/":                   {"not public", ""},
		"https://[64:ff9b::7f00:1]/":                 {"not public", "not public"},
		"https://[fe80::1%25eth0]/":                  {"not public", "not public"},
		"https://100.64.0.1/":                        {"not public", "not public"},
		"https://169.254.169.254/latest":             {"not public", "not public"},
		"https://exa mple.com/":                      {"no address", "no address"},
		"https://example.com/\n":                     {"no address", "no address"},
		"ftp://example.com/":                         {"https://", "https://"},
		"https://e.com/" + strings.Repeat("x", 2000): {"2000 characters", "2000 characters"},
	} {
		for i, d := range []*webhook.Dispatcher{strict, lax} {
			err := d.CheckURL(url)
			e, _ := errors.AsType[*codeforge.Error](err)
			if (err == nil) != (want[i] == "") || err != nil && (e == nil || !strings.Contains(fmt.Sprint(e.Details["reason"]), want[i])) {
				t.Errorf("%.60q: %v, want %q", url, err, want[i])
			}
		}
	}
}

func FuzzCheckURL(f *testing.F) {
	for _, s := range []string{"https://example.com", "https://127.0.0.1", "https://[::1%25lo]:443/", "http://10.0.0.1", "https://user@example.com", "https://example.com:99999", "https://0x7f.1/", "https://%31%32%37.0.0.1/"} {
		f.Add(s)
	}
	d := dispatcher(webhook.Options{})
	f.Fuzz(func(t *testing.T, s string) {
		if d.CheckURL(s) != nil {
			return
		}
		r, err := http.NewRequest(http.MethodPost, s, nil)
		if err != nil {
			return // it fails then, and reaches nothing
		}
		if r.URL.Scheme != "https" || r.URL.User != nil || r.URL.Host == "" || len(s) > codeforge.MaxWebhookURL {
			t.Errorf("%q is taken", s)
		}
		if a, err := netip.ParseAddr(r.URL.Hostname()); err == nil && (a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() || a.Is4In6() || a.IsUnspecified()) {
			t.Errorf("%q is taken", s)
		}
	})
}

// resealing is a store that says when a secret was sealed anew.
type resealing struct {
	webhook.Store
	done chan struct{}
}

func (s resealing) ResealSecrets(ctx context.Context, from, to codeforge.SealedSecrets) error {
	defer close(s.done)
	return s.Store.ResealSecrets(ctx, from, to)
}

func TestSecrets(t *testing.T) {
	s := open(t, sqlite.Options{})
	r := receive(t, nil)
	older, newer := bytes.Repeat([]byte("o"), 32), bytes.Repeat([]byte("n"), 32)
	before := dispatcher(webhook.Options{Store: s, Keys: keys(older)})
	w, secret := create(t, s, before, r.URL)
	_, sealed := before.NewSecret(w.ID)
	raw, err := standardwebhooks.NewWebhook(secret)
	if err != nil || raw == nil || bytes.Contains(sealed, []byte(secret[6:])) {
		t.Fatal(err)
	}
	test := func(k func() [][]byte) codeforge.WebhookAttempt {
		t.Helper()
		d := start(t, webhook.Options{Store: s, Keys: k, Roots: r.roots(), Allow: loopback})
		_, err := s.TestWebhook(t.Context(), u, codeforge.WebhookKey{ID: w.ID})
		must(t, err)
		d.Wake()
		o := d.outcomes(t, 1)[0]
		d.Close(t.Context())
		return o.Attempt
	}
	resealed := resealing{s, make(chan struct{})}
	d := start(t, webhook.Options{Store: resealed, Keys: keys(newer, older), Roots: r.roots(), Allow: loopback})
	<-resealed.done
	d.Close(t.Context())
	test(keys(newer, older))
	must(t, verify(t, r.next(t), secret))
	test(keys(newer))
	must(t, verify(t, r.next(t), secret))
	if a := test(keys(older)); !strings.Contains(a.Error, "rotate the webhook") || len(r.hits) != 0 {
		t.Errorf("%+v", a)
	}
	// A sealed secret belongs to its webhook.
	_, foreign := dispatcher(webhook.Options{Keys: keys(newer)}).NewSecret(codeforge.NewID())
	_, err = s.RotateWebhook(t.Context(), u, codeforge.WebhookKey{ID: w.ID}, foreign, 0)
	must(t, err)
	if a := test(keys(newer)); !strings.Contains(a.Error, "rotate the webhook") {
		t.Errorf("%+v", a)
	}
}

// A process that is killed after a receiver got a delivery and before that is noted: another one sends it again, under the same id.
func TestKilledBetweenSendingAndRecording(t *testing.T) {
	if dir := os.Getenv("WEBHOOK_TEST_DIR"); dir != "" {
		s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
		must(t, err)
		dispatcher(webhook.Options{Store: s, Allow: loopback}).Start(t.Context())
		select {} // until it is killed
	}
	dir := t.TempDir()
	var first atomic.Pointer[exec.Cmd]
	bodies := make(chan hit, 10)
	r := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		body, _ := io.ReadAll(req.Body)
		if c := first.Swap(nil); c != nil {
			_ = c.Process.Kill()
		}
		bodies <- hit{req.Header.Clone(), body}
	}))
	defer r.Close()
	s, err := sqlite.Open(t.Context(), dir, sqlite.Options{})
	must(t, err)
	w, secret := create(t, s, dispatcher(webhook.Options{Store: s}), r.URL)
	project(t, s)
	must(t, s.Close())

	c := exec.Command(os.Args[0], "-test.run=^TestKilledBetweenSendingAndRecording$")
	c.Env = append(os.Environ(), "WEBHOOK_TEST_DIR="+dir)
	must(t, c.Start())
	first.Store(c)
	var got []hit
	select {
	case h := <-bodies:
		got = append(got, h)
	case <-time.After(3 * time.Minute):
		_ = c.Process.Kill()
		t.Error("nothing was delivered")
	}
	_ = c.Wait()

	later := func() time.Time { return time.Now().Add(time.Minute) } // when the lease has ended
	s, err = sqlite.Open(t.Context(), dir, sqlite.Options{Now: later})
	must(t, err)
	defer s.Close()
	d := start(t, webhook.Options{Store: s, Allow: loopback})
	d.Wake()
	got = append(got, <-bodies)
	d.outcomes(t, 1)
	d.Close(t.Context())
	if len(got) != 2 || got[0].id() != got[1].id() || !bytes.Equal(got[0].body, got[1].body) {
		t.Errorf("%v", got)
	}
	must(t, verify(t, got[1], secret))
	if row := deliveries(t, s, w)[0]; row.Tries != 2 || len(row.Attempts) != 1 || row.Status != codeforge.WebhookDelivered {
		t.Errorf("%+v", row)
	}
}

// A server that stops waits for what is on its way.
func TestClose(t *testing.T) {
	s := open(t, sqlite.Options{})
	arrived, release := make(chan struct{}), make(chan struct{})
	r := receive(t, func(http.ResponseWriter, hit) { close(arrived); <-release })
	d := start(t, webhook.Options{Store: s, Roots: r.roots(), Allow: loopback})
	w, _ := create(t, s, d.Dispatcher, r.URL)
	project(t, s)
	d.Wake()
	<-arrived
	closed := make(chan struct{})
	go func() { d.Close(context.Background()); close(closed) }()
	close(release)
	<-closed
	if row := deliveries(t, s, w)[0]; row.Status != codeforge.WebhookDelivered {
		t.Errorf("%+v", row)
	}
	// One that waits no longer breaks off, and knows nothing of it.
	arrived, release = make(chan struct{}), make(chan struct{})
	defer close(release)
	d = start(t, webhook.Options{Store: s, Roots: r.roots(), Allow: loopback})
	project(t, s)
	d.Wake()
	<-arrived
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	d.Close(ctx)
	if row := deliveries(t, s, w)[0]; row.Status != codeforge.WebhookPending || len(row.Attempts) != 0 {
		t.Errorf("%+v", row)
	}
}
