package postgres_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"sync"
	"testing"
	"time"

	"codeforge"
	"codeforge/internal/postgres"
	"codeforge/internal/webhook"
)

// Three servers on one database send what is due to three receivers: each delivery once, while none of them dies, and at most
// four at a time to one receiver.
func TestDispatchers(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	u := codeforge.User{ID: codeforge.NewID()}
	const projects, receivers = 20, 3
	var mu sync.Mutex
	seen, at, most := map[string]int{}, map[string]int{}, 0
	done := make(chan struct{}, 1000)
	r := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, req *http.Request) {
		mu.Lock()
		seen[req.Header.Get("webhook-id")]++
		at[req.URL.Path]++
		most = max(most, at[req.URL.Path])
		mu.Unlock()
		_, _ = io.Copy(io.Discard, req.Body)
		mu.Lock()
		at[req.URL.Path]--
		mu.Unlock()
	}))
	t.Cleanup(r.Close)
	var all []*webhook.Dispatcher
	for range 3 {
		o := webhook.Options{Store: open(t, postgres.Options{URL: s.URL(recommended, db), MaxConns: 3}), Keys: func() [][]byte { return [][]byte{make([]byte, 32)} },
			Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Look: 10 * time.Millisecond, Log: slog.New(slog.DiscardHandler),
			Recorded: func(codeforge.WebhookClaim, codeforge.WebhookOutcome) { done <- struct{}{} }}
		all = append(all, webhook.New(o))
	}
	for i := range receivers {
		id := codeforge.NewID()
		_, sealed := all[0].NewSecret(id)
		_, err := store.CreateWebhook(t.Context(), u, codeforge.Webhook{ID: id, URL: fmt.Sprint(r.URL, "/", i)}, sealed)
		check(t, err)
	}
	for _, d := range all {
		d.Start(t.Context())
		defer d.Close(context.Background())
	}
	for i := range projects {
		_, err := store.CreateProject(t.Context(), u, codeforge.Project{Title: fmt.Sprint("Project ", i)})
		check(t, err)
	}
	for n := range projects * receivers {
		select {
		case <-done:
		case <-time.After(time.Minute):
			t.Fatalf("%d of %d were delivered", n, projects*receivers)
		}
	}
	mu.Lock()
	defer mu.Unlock()
	if len(seen) != projects*receivers {
		t.Errorf("%d deliveries arrived", len(seen))
	}
	for id, n := range seen {
		if n != 1 {
			t.Errorf("%s arrived %d times", id, n)
		}
	}
	if most > 4 {
		t.Errorf("%d requests at once to one receiver", most)
	}
}

// What a webhook has waiting is bounded, and what is beyond is counted.
func TestWebhookOutbox(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	var most int
	c := connect(t, s.URL(plainOwner, db))
	if err := c.QueryRow(t.Context(), "select public.codeforge_webhook_outbox()").Scan(&most); err != nil || most != codeforge.MaxWebhookOutbox {
		t.Fatal(most, err)
	}
	s.Exec(t, db, "create or replace function public.codeforge_webhook_outbox() returns int language sql immutable as 'select 3'")
	u := codeforge.User{ID: codeforge.NewID()}
	w, err := store.CreateWebhook(t.Context(), u, codeforge.Webhook{ID: codeforge.NewID(), URL: "https://example.com"}, []byte("x"))
	check(t, err)
	for range 5 {
		_, err := store.CreateProject(t.Context(), u, codeforge.Project{Title: "Mine"})
		check(t, err)
	}
	k := codeforge.WebhookKey{ID: w.ID}
	if w, err = store.GetWebhook(t.Context(), u, k); err != nil || w.Pending != 3 || w.Dropped != 2 {
		t.Errorf("%+v %v", w, err)
	}
	if _, err = store.TestWebhook(t.Context(), u, k); !codeforge.IsKind(err, codeforge.RateLimited) {
		t.Error(err)
	}
}

// The log of a webhook does not grow without end.
func TestWebhookLog(t *testing.T) {
	t.Parallel()
	store, s, db := fresh(t, recommended)
	u := codeforge.User{ID: codeforge.NewID()}
	w, err := store.CreateWebhook(t.Context(), u, codeforge.Webhook{ID: codeforge.NewID(), URL: "https://example.com"}, []byte("x"))
	check(t, err)
	s.Exec(t, db, fmt.Sprintf("insert into public.webhook_deliveries (webhook_id, type, status, data, created_at, ended_at) select '%s', 'x', 'delivered', '{}', now(), now() from generate_series(1, %d)", w.ID, codeforge.MaxWebhookLog+200))
	for range 64 {
		_, err := store.TestWebhook(t.Context(), u, codeforge.WebhookKey{ID: w.ID})
		check(t, err)
	}
	claims, err := store.ClaimWebhooks(t.Context(), "", 100, 100, 10, time.Minute)
	check(t, err)
	for _, c := range claims.List {
		_, err := store.RecordWebhook(t.Context(), c, codeforge.WebhookOutcome{Status: codeforge.WebhookDelivered})
		check(t, err)
	}
	var kept int
	if err := connect(t, s.URL(plainOwner, db)).QueryRow(t.Context(), "select count(*) from public.webhook_deliveries").Scan(&kept); err != nil || kept < codeforge.MaxWebhookLog || kept > codeforge.MaxWebhookLog+64 {
		t.Errorf("%d are kept: %v", kept, err)
	}
}
