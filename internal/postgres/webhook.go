package postgres

import (
	"context"
	"errors"
	"time"

	"codeforge"
)

// webhookRow is a codeforge.Webhook as it comes.
type webhookRow codeforge.Webhook

func (r webhookRow) webhook() codeforge.Webhook {
	r.DisabledAt, r.FailingSince, r.OldSecretUntil = utc(r.DisabledAt), utc(r.FailingSince), utc(r.OldSecretUntil)
	r.CreatedAt, r.UpdatedAt = r.CreatedAt.UTC(), r.UpdatedAt.UTC()
	return codeforge.Webhook(r)
}

// deliveryRow is a codeforge.WebhookDelivery as it comes.
type deliveryRow codeforge.WebhookDelivery

func (r deliveryRow) delivery() codeforge.WebhookDelivery {
	r.DueAt, r.EndedAt, r.CreatedAt = utc(r.DueAt), utc(r.EndedAt), r.CreatedAt.UTC()
	for i := range r.Attempts {
		r.Attempts[i].At = r.Attempts[i].At.UTC()
	}
	return codeforge.WebhookDelivery(r)
}

// webhookArgs name a webhook of a user.
func webhookArgs(u codeforge.User, k codeforge.WebhookKey, more ...arg) ([]arg, error) {
	if err := check(u, "Webhook", k.ID); err != nil {
		return nil, err
	}
	project, err := optional("Webhook", k.ProjectID)
	if err != nil {
		return nil, codeforge.NotFound("Webhook", k.ID)
	}
	return append(more, arg{"user", u.ID}, arg{"webhook", k.ID}, arg{"project", project}), nil
}

// webhookQuery asks a query about a webhook of a user, as the system: users have no right to the rows.
func webhookQuery[T any](ctx context.Context, s *Store, name string, u codeforge.User, k codeforge.WebhookKey, more ...arg) (out T, err error) {
	args, err := webhookArgs(u, k, more...)
	if err != nil {
		return out, err
	}
	out, found, err := query[T](ctx, s, name, args...)
	if err == nil && !found {
		err = codeforge.NotFound("Webhook", k.ID)
	}
	return out, err
}

// webhookCall calls a function for a webhook of a user.
func webhookCall[T any](ctx context.Context, s *Store, name string, u codeforge.User, k codeforge.WebhookKey, more ...arg) (out T, unsure bool, err error) {
	args, err := webhookArgs(u, k, more...)
	if err != nil {
		return out, false, err
	}
	out, _, unsure, err = system[T](ctx, s, name, args...)
	return out, unsure, err
}

// CreateWebhook implements api.Store.
func (s *Store) CreateWebhook(ctx context.Context, u codeforge.User, w codeforge.Webhook, secret []byte) (codeforge.Webhook, error) {
	if err := check(u, "Webhook", w.ID); err != nil {
		return codeforge.Webhook{}, err
	}
	project, err := optional("Project", w.ProjectID)
	if err != nil {
		return codeforge.Webhook{}, err
	}
	if err := w.Check(); err != nil {
		return codeforge.Webhook{}, err
	}
	doc, err := object(map[string]any{"id": w.ID, "url": w.URL, "description": w.Description, "events": w.Events})
	if err != nil {
		return codeforge.Webhook{}, err
	}
	row, _, unsure, err := system[webhookRow](ctx, s, "create_webhook", arg{"user", u.ID}, arg{"project", project}, arg{"webhook", doc}, arg{"secret", hexBytes(secret)}, arg{"most", codeforge.MaxWebhooks})
	if unsure && code(err) == "23505" { // an earlier try made it
		return s.GetWebhook(ctx, u, codeforge.WebhookKey{ID: w.ID})
	}
	return row.webhook(), err
}

// ListWebhooks implements api.Store.
func (s *Store) ListWebhooks(ctx context.Context, u codeforge.User, projectID string) ([]codeforge.Webhook, error) {
	if err := check(u, "User", u.ID); err != nil {
		return nil, err
	}
	project, err := optional("Project", projectID)
	if err != nil {
		return nil, err
	}
	rows, found, err := query[[]webhookRow](ctx, s, "list_webhooks", arg{"user", u.ID}, arg{"project", project})
	if err == nil && !found {
		err = codeforge.NotFound("Project", projectID)
	}
	return mapRows(rows, webhookRow.webhook), err
}

// GetWebhook implements api.Store.
func (s *Store) GetWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey) (codeforge.Webhook, error) {
	row, err := webhookQuery[webhookRow](ctx, s, "read_webhook", u, k)
	return row.webhook(), err
}

// UpdateWebhook implements api.Store.
func (s *Store) UpdateWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, p codeforge.WebhookPatch) (codeforge.Webhook, error) {
	if err := p.Check(); err != nil {
		return codeforge.Webhook{}, err
	}
	doc, err := object(p)
	if err != nil {
		return codeforge.Webhook{}, err
	}
	row, _, err := webhookCall[webhookRow](ctx, s, "update_webhook", u, k, arg{"patch", doc})
	return row.webhook(), err
}

// DeleteWebhook implements api.Store.
func (s *Store) DeleteWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey) error {
	_, unsure, err := webhookCall[any](ctx, s, "delete_webhook", u, k)
	if unsure && codeforge.IsKind(err, codeforge.Missing) { // an earlier try deleted it
		return nil
	}
	return err
}

// RotateWebhook implements api.Store.
func (s *Store) RotateWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, secret []byte, grace time.Duration) (codeforge.Webhook, error) {
	row, _, err := webhookCall[webhookRow](ctx, s, "rotate_webhook", u, k, arg{"secret", hexBytes(secret)}, arg{"grace", grace.Seconds()})
	return row.webhook(), err
}

// ListWebhookDeliveries implements api.Store.
func (s *Store) ListWebhookDeliveries(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, f codeforge.WebhookFilter) ([]codeforge.WebhookDelivery, error) {
	before, err := optional("Delivery", f.Before)
	if err != nil {
		return nil, err
	}
	rows, err := webhookQuery[[]deliveryRow](ctx, s, "list_deliveries", u, k, arg{"status", textOrNull(f.Status)}, arg{"before", before}, arg{"limit", f.Limit})
	return mapRows(rows, deliveryRow.delivery), err
}

// RedeliverWebhook implements api.Store.
func (s *Store) RedeliverWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, deliveryID string) (codeforge.WebhookDelivery, error) {
	if _, err := codeforge.ParseID(deliveryID); err != nil {
		if _, err := s.GetWebhook(ctx, u, k); err != nil {
			return codeforge.WebhookDelivery{}, err
		}
		return codeforge.WebhookDelivery{}, codeforge.NotFound("Delivery", deliveryID)
	}
	row, _, err := webhookCall[deliveryRow](ctx, s, "redeliver", u, k, arg{"delivery", deliveryID}, arg{"id", deliveryID})
	return row.delivery(), err
}

// TestWebhook implements api.Store.
func (s *Store) TestWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey) (codeforge.WebhookDelivery, error) {
	row, _, err := webhookCall[deliveryRow](ctx, s, "redeliver", u, k, arg{"delivery", (*string)(nil)}, arg{"id", codeforge.NewID()})
	return row.delivery(), err
}

// claimRow is a codeforge.WebhookClaim as it comes.
type claimRow codeforge.WebhookClaim

func (r claimRow) claim() codeforge.WebhookClaim {
	r.WebhookDelivery = deliveryRow(r.WebhookDelivery).delivery()
	return codeforge.WebhookClaim(r)
}

// ClaimWebhooks implements webhook.Store. When its answer is lost the claims are too, until their leases end.
func (s *Store) ClaimWebhooks(ctx context.Context, after string, want, each, visit int, lease time.Duration) (codeforge.WebhookClaims, error) {
	row, _, _, err := system[struct {
		List  []claimRow
		After *string
		Wait  *float64
	}](ctx, s, "claim_deliveries", arg{"after", textOrNull(after)}, arg{"want", want}, arg{"each", each}, arg{"visit", visit}, arg{"lease", lease.Seconds()})
	out := codeforge.WebhookClaims{List: mapRows(row.List, claimRow.claim), Wait: -1}
	if row.After != nil {
		out.After = *row.After
	}
	if row.Wait != nil {
		out.Wait = max(time.Duration(*row.Wait*float64(time.Second)), 0)
	}
	return out, err
}

// RecordWebhook implements webhook.Store.
func (s *Store) RecordWebhook(ctx context.Context, c codeforge.WebhookClaim, o codeforge.WebhookOutcome) (disabled bool, err error) {
	o.Attempt.Error, o.Attempt.Response = withoutNUL(o.Attempt.Error), withoutNUL(o.Attempt.Response)
	doc, err := object(map[string]any{"attempt": o.Attempt, "status": o.Status, "wait": o.Wait.Seconds(), "pause": o.Pause.Seconds(), "disable": o.Disable})
	if err != nil {
		return false, err
	}
	disabled, _, unsure, err := system[bool](ctx, s, "record_delivery", arg{"delivery", c.ID}, arg{"fence", c.Fence}, arg{"outcome", doc},
		arg{"attempts", codeforge.MaxWebhookAttempts}, arg{"log", codeforge.MaxWebhookLog}, arg{"disable_after", codeforge.WebhookDisableAfter.Seconds()})
	if unsure && errors.Is(err, codeforge.ErrFenced) { // an earlier try noted it
		return false, nil
	}
	return disabled, err
}

// SweepWebhooks implements webhook.Store.
func (s *Store) SweepWebhooks(ctx context.Context) (givenUp int, err error) {
	givenUp, _, _, err = system[int](ctx, s, "sweep_deliveries", arg{"pending", codeforge.WebhookPendingKept.Seconds()}, arg{"kept", codeforge.WebhookLogKept.Seconds()})
	return givenUp, err
}

// SealedSecrets implements webhook.Store.
func (s *Store) SealedSecrets(ctx context.Context, after string, limit int) ([]codeforge.SealedSecrets, error) {
	type secretsRow struct {
		ID        string
		Secret    hexBytes
		OldSecret *hexBytes `json:"old_secret"`
	}
	rows, _, err := query[[]secretsRow](ctx, s, "sealed_secrets", arg{"after", textOrNull(after)}, arg{"limit", limit})
	return mapRows(rows, func(r secretsRow) codeforge.SealedSecrets {
		out := codeforge.SealedSecrets{WebhookID: r.ID, Secret: r.Secret}
		if r.OldSecret != nil {
			out.OldSecret = *r.OldSecret
		}
		return out
	}), err
}

// ResealSecrets implements webhook.Store.
func (s *Store) ResealSecrets(ctx context.Context, from, to codeforge.SealedSecrets) error {
	orNull := func(b []byte) *hexBytes {
		if b == nil {
			return nil
		}
		return new(hexBytes(b))
	}
	_, _, _, err := system[any](ctx, s, "reseal_secrets", arg{"webhook", from.WebhookID}, arg{"secret", hexBytes(from.Secret)}, arg{"old_secret", orNull(from.OldSecret)},
		arg{"new_secret", hexBytes(to.Secret)}, arg{"new_old_secret", orNull(to.OldSecret)})
	return err
}

// WebhookBacklog implements webhook.Store.
func (s *Store) WebhookBacklog(ctx context.Context) (codeforge.WebhookBacklog, error) {
	row, _, err := query[struct {
		Pending int
		Oldest  float64
	}](ctx, s, "webhook_backlog")
	return codeforge.WebhookBacklog{Pending: row.Pending, Oldest: time.Duration(row.Oldest * float64(time.Second))}, err
}
