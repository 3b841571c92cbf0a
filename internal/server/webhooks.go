package server

import (
	"context"
	"strings"
	"time"

	"codeforge"
	"codeforge/internal/jobs"
	"codeforge/internal/webhook"
)

// How often deliveries of other servers are looked for, which nobody tells of.
const (
	webhookLook        = time.Second
	webhookLookDataAPI = 5 * time.Second // each look is a request there
)

// webhookPurpose is what the keys for secrets of webhooks are derived for.
const webhookPurpose = "codeforge: secrets of webhooks"

// makeWebhooks makes what sends to webhooks. It is told by the courier what happened.
func (s *Server) makeWebhooks() error {
	allow, err := s.cfg.webhookNetworks()
	if err != nil {
		return err
	}
	look := webhookLook
	if s.store.Name == supabaseStore {
		look = webhookLookDataAPI
	}
	s.webhooks = webhook.New(webhook.Options{Store: s.store, Keys: func() [][]byte { return s.keys.Derive(webhookPurpose) }, PublicURL: strings.TrimRight(s.cfg.PublicURL, "/"),
		Allow: allow, Look: look, Log: s.log.With("logger", "webhooks"),
		Began:    s.telemetry.DeliveryBegan,
		Disabled: func(codeforge.WebhookClaim) { s.hub.NudgeFeeds() }})
	return nil
}

// closeWebhooks waits a moment for what is on its way to a receiver: it would be sent again later, by somebody else.
func (s *Server) closeWebhooks() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	s.webhooks.Close(ctx)
}

// wakingCourier tells of what comes and goes that may have made deliveries to webhooks.
type wakingCourier struct {
	jobs.Courier
	wake func()
}

// Start implements jobs.Courier.
func (c wakingCourier) Start(ctx context.Context, in jobs.Inbox) error {
	return c.Courier.Start(ctx, wakingInbox{in, c.wake})
}

// Publish implements jobs.Courier.
func (c wakingCourier) Publish(events ...codeforge.Event) {
	c.Courier.Publish(events...)
	wakeFor(events, c.wake)
}

type wakingInbox struct {
	jobs.Inbox
	wake func()
}

// Receive implements jobs.Inbox.
func (i wakingInbox) Receive(events ...codeforge.Event) {
	i.Inbox.Receive(events...)
	wakeFor(events, i.wake)
}

func wakeFor(events []codeforge.Event, wake func()) {
	for _, e := range events {
		if e.JobID == "" || e.Seq == 1 || e.Type.Final() || e.Type == codeforge.EventWaiting || e.Type == codeforge.EventKept {
			wake()
			return
		}
	}
}
