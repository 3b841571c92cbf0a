package sqlite

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"codeforge"
)

// webhookRow is a row of webhooks.
type webhookRow struct {
	codeforge.Webhook
	seq               int64
	secret, oldSecret []byte
	resume            time.Time
}

const webhookColumns = `SELECT seq, id, user_id, project_id, url, description, events, enabled, disabled_reason, disabled_at, failures, failing_since, dropped, old_secret_until,
	created_at, updated_at, secret, old_secret, resume_at, (SELECT count(*) FROM webhook_deliveries WHERE webhook = w.seq AND status = 'pending') FROM webhooks w`

// scan tells of an old secret only while it signs.
func (w *webhookRow) scan(r row, now time.Time) error {
	events := ""
	err := r.scan(&w.seq, &w.ID, &w.UserID, &w.ProjectID, &w.URL, &w.Description, &events, &w.Enabled, (*string)(&w.DisabledReason), &w.DisabledAt, &w.Failures, &w.FailingSince, &w.Dropped,
		&w.OldSecretUntil, &w.CreatedAt, &w.UpdatedAt, &w.secret, &w.oldSecret, &w.resume, &w.Pending)
	w.Events = []codeforge.WebhookType{}
	for e := range strings.FieldsSeq(events) {
		w.Events = append(w.Events, codeforge.WebhookType(e))
	}
	if w.OldSecretUntil != nil && !w.OldSecretUntil.After(now) {
		w.OldSecretUntil, w.oldSecret = nil, nil
	}
	return err
}

// webhookEvents is the column of that name.
func webhookEvents(list []codeforge.WebhookType) string {
	if len(list) == 0 {
		return ""
	}
	var text strings.Builder
	for _, e := range list {
		text.WriteString(" " + string(e))
	}
	return text.String() + " "
}

func readWebhook(c *conn, now time.Time, query string, args ...any) (w webhookRow, found bool, err error) {
	err = c.each(query, args, func(r row) error {
		found = true
		return w.scan(r, now)
	})
	return w, found, err
}

// ownWebhook finds a webhook of u, or answers NotFound.
func ownWebhook(c *conn, now time.Time, u codeforge.User, k codeforge.WebhookKey) (webhookRow, error) {
	w, found, err := readWebhook(c, now, webhookColumns+" WHERE id = ? AND user_id = ? AND ? IN ('', project_id)", k.ID, u.ID, k.ProjectID)
	if err == nil && !found {
		err = codeforge.NotFound("Webhook", k.ID)
	}
	return w, err
}

// CreateWebhook implements api.Store.
func (s *Store) CreateWebhook(ctx context.Context, u codeforge.User, w codeforge.Webhook, secret []byte) (out codeforge.Webhook, err error) {
	if err := w.Check(); err != nil {
		return codeforge.Webhook{}, err
	}
	err = s.write(ctx, func(c *conn) error {
		var project any
		most := []any{"SELECT count(*) FROM webhooks WHERE user_id = ? AND project IS NULL", u.ID}
		if w.ProjectID != "" {
			p, err := ownProject(c, u, w.ProjectID)
			if err != nil {
				return err
			}
			project = p.seq
			most = []any{"SELECT count(*) FROM webhooks WHERE project = ?", p.seq}
		}
		var have int
		if _, err := c.one(most[0].(string), most[1:], &have); err != nil {
			return err
		}
		if have >= codeforge.MaxWebhooks {
			return codeforge.OverQuota(codeforge.QuotaWebhooks, codeforge.MaxWebhooks, c.now)
		}
		if _, _, err := c.exec(`INSERT INTO webhooks(id, user_id, project, project_id, url, description, events, enabled, secret, created_at, updated_at)
			VALUES(?, ?, ?, ?, ?, ?, ?, 1, ?, ?9, ?9)`, w.ID, u.ID, project, w.ProjectID, w.URL, w.Description, webhookEvents(w.Events), secret, c.now); err != nil {
			return err
		}
		row, err := ownWebhook(c, c.now, u, codeforge.WebhookKey{ID: w.ID})
		out = row.Webhook
		return err
	})
	if err != nil {
		return codeforge.Webhook{}, err
	}
	return out, nil
}

// ListWebhooks implements api.Store.
func (s *Store) ListWebhooks(ctx context.Context, u codeforge.User, projectID string) (list []codeforge.Webhook, err error) {
	err = s.view(ctx, func(c *conn) error {
		if projectID != "" {
			if _, err := ownProject(c, u, projectID); err != nil {
				return err
			}
		}
		now := s.now()
		return c.each(webhookColumns+" WHERE user_id = ? AND project_id = ? ORDER BY seq", []any{u.ID, projectID}, func(r row) error {
			var w webhookRow
			err := w.scan(r, now)
			list = append(list, w.Webhook)
			return err
		})
	})
	return list, err
}

// GetWebhook implements api.Store.
func (s *Store) GetWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey) (codeforge.Webhook, error) {
	var w webhookRow
	err := s.read(ctx, func(c *conn) (err error) {
		w, err = ownWebhook(c, s.now(), u, k)
		return err
	})
	return w.Webhook, err
}

// writeWebhook changes a webhook of u, and returns it as it is then.
func (s *Store) writeWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, do func(c *conn, w *webhookRow) error) (codeforge.Webhook, error) {
	var w webhookRow
	err := s.write(ctx, func(c *conn) (err error) {
		if w, err = ownWebhook(c, c.now, u, k); err != nil {
			return err
		}
		if err := do(c, &w); err != nil {
			return err
		}
		w, err = ownWebhook(c, c.now, u, k)
		return err
	})
	if err != nil {
		return codeforge.Webhook{}, err
	}
	return w.Webhook, nil
}

// UpdateWebhook implements api.Store.
func (s *Store) UpdateWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, p codeforge.WebhookPatch) (codeforge.Webhook, error) {
	if err := p.Check(); err != nil {
		return codeforge.Webhook{}, err
	}
	return s.writeWebhook(ctx, u, k, func(c *conn, w *webhookRow) error {
		enabling := p.Enabled != nil && *p.Enabled
		if enabling || p.URL != nil && *p.URL != w.URL {
			w.Failures, w.FailingSince, w.resume = 0, nil, time.Time{}
		}
		switch {
		case enabling:
			w.DisabledReason, w.DisabledAt = "", nil
		case p.Enabled != nil && w.Enabled:
			w.DisabledAt = new(c.now)
		}
		setIfGiven(&w.URL, p.URL)
		setIfGiven(&w.Description, p.Description)
		setIfGiven(&w.Events, p.Events)
		setIfGiven(&w.Enabled, p.Enabled)
		_, _, err := c.exec(`UPDATE webhooks SET url = ?, description = ?, events = ?, enabled = ?, disabled_reason = ?, disabled_at = ?, failures = ?, failing_since = ?, resume_at = ?, updated_at = ? WHERE seq = ?`,
			w.URL, w.Description, webhookEvents(w.Events), w.Enabled, string(w.DisabledReason), w.DisabledAt, w.Failures, w.FailingSince, w.resume, c.now, w.seq)
		return err
	})
}

// DeleteWebhook implements api.Store.
func (s *Store) DeleteWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey) error {
	return s.write(ctx, func(c *conn) error {
		n, _, err := c.exec("DELETE FROM webhooks WHERE id = ? AND user_id = ? AND ? IN ('', project_id)", k.ID, u.ID, k.ProjectID)
		if err == nil && n == 0 {
			err = codeforge.NotFound("Webhook", k.ID)
		}
		return err
	})
}

// RotateWebhook implements api.Store.
func (s *Store) RotateWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, secret []byte, grace time.Duration) (codeforge.Webhook, error) {
	return s.writeWebhook(ctx, u, k, func(c *conn, w *webhookRow) error {
		var old, until any
		if grace > 0 {
			old, until = w.secret, c.now.Add(grace)
		}
		_, _, err := c.exec("UPDATE webhooks SET secret = ?, old_secret = ?, old_secret_until = ?, updated_at = ? WHERE seq = ?", secret, old, until, c.now, w.seq)
		return err
	})
}

const deliveryColumns = `SELECT d.seq, d.id, w.id, d.type, d.status, d.data, d.tries, d.attempts, d.due_at, d.created_at, d.ended_at, d.sending, d.fence, d.traceparent
	FROM webhook_deliveries d JOIN webhooks w ON w.seq = d.webhook`

// deliveryRow is a row of webhook_deliveries.
type deliveryRow struct {
	codeforge.WebhookDelivery
	seq, fence int64
	sending    bool
	trace      string
}

func (d *deliveryRow) scan(r row) error {
	var attempts json.RawMessage
	err := r.scan(&d.seq, &d.ID, &d.WebhookID, (*string)(&d.Type), (*string)(&d.Status), &d.Data, &d.Tries, &attempts, &d.DueAt, &d.CreatedAt, &d.EndedAt, &d.sending, &d.fence, &d.trace)
	if d.Attempts = nil; err == nil {
		err = json.Unmarshal(attempts, &d.Attempts)
	}
	return err
}

func readDelivery(c *conn, where string, args ...any) (d deliveryRow, found bool, err error) {
	err = c.each(deliveryColumns+where, args, func(r row) error {
		found = true
		return d.scan(r)
	})
	return d, found, err
}

// ListWebhookDeliveries implements api.Store.
func (s *Store) ListWebhookDeliveries(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, f codeforge.WebhookFilter) (list []codeforge.WebhookDelivery, err error) {
	err = s.view(ctx, func(c *conn) error {
		w, err := ownWebhook(c, s.now(), u, k)
		if err != nil {
			return err
		}
		return c.each(deliveryColumns+` WHERE d.webhook = ?1 AND ?2 IN ('', d.status) AND (?3 = '' OR d.seq < (SELECT seq FROM webhook_deliveries WHERE id = ?3 AND webhook = ?1))
			ORDER BY d.seq DESC LIMIT ?4`, []any{w.seq, string(f.Status), f.Before, f.Limit}, func(r row) error {
			var d deliveryRow
			err := d.scan(r)
			list = append(list, d.WebhookDelivery)
			return err
		})
	})
	return list, err
}

// sendNow changes what a webhook of u has to send, which is on and has room, and answers with the delivery.
func (s *Store) sendNow(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, do func(c *conn, w webhookRow, full bool) (id string, err error)) (out codeforge.WebhookDelivery, err error) {
	err = s.write(ctx, func(c *conn) error {
		w, err := ownWebhook(c, c.now, u, k)
		if err != nil {
			return err
		}
		full, err := c.one("SELECT 1 FROM webhook_deliveries WHERE webhook = ? AND due_at IS NOT NULL LIMIT 1 OFFSET ?", []any{w.seq, codeforge.MaxWebhookOutbox - 1}, new(int))
		if err != nil {
			return err
		}
		id, err := do(c, w, full)
		if err != nil {
			return err
		}
		if _, _, err := c.exec("UPDATE webhooks SET resume_at = NULL WHERE seq = ? AND resume_at IS NOT NULL", w.seq); err != nil { // somebody wants to see it now
			return err
		}
		d, _, err := readDelivery(c, " WHERE d.id = ?", id)
		out = d.WebhookDelivery
		return err
	})
	if err != nil {
		return codeforge.WebhookDelivery{}, err
	}
	return out, nil
}

// RedeliverWebhook implements api.Store.
func (s *Store) RedeliverWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey, deliveryID string) (codeforge.WebhookDelivery, error) {
	return s.sendNow(ctx, u, k, func(c *conn, w webhookRow, full bool) (string, error) {
		d, found, err := readDelivery(c, " WHERE d.id = ? AND d.webhook = ?", deliveryID, w.seq)
		switch {
		case err != nil:
			return "", err
		case !found:
			return "", codeforge.NotFound("Delivery", deliveryID)
		case !w.Enabled:
			return "", codeforge.WebhookIsDisabled()
		case full && d.Status != codeforge.WebhookPending:
			return "", codeforge.OverQuota(codeforge.QuotaWebhookOutbox, codeforge.MaxWebhookOutbox, c.now)
		case d.sending && d.DueAt.After(c.now): // now
			return d.ID, nil
		}
		_, _, err = c.exec("UPDATE webhook_deliveries SET status = 'pending', due_at = ?, sending = 0, tries = 0, ended_at = NULL WHERE seq = ?", c.now, d.seq)
		return d.ID, err
	})
}

// TestWebhook implements api.Store.
func (s *Store) TestWebhook(ctx context.Context, u codeforge.User, k codeforge.WebhookKey) (codeforge.WebhookDelivery, error) {
	return s.sendNow(ctx, u, k, func(c *conn, w webhookRow, full bool) (string, error) {
		switch {
		case !w.Enabled:
			return "", codeforge.WebhookIsDisabled()
		case full:
			return "", codeforge.OverQuota(codeforge.QuotaWebhookOutbox, codeforge.MaxWebhookOutbox, c.now)
		}
		id := codeforge.NewID()
		_, _, err := c.exec(`INSERT INTO webhook_deliveries(id, webhook, type, data, due_at, created_at)
			VALUES(?1, ?2, ?3, json_object('webhook_id', ?4, 'project_id', nullif(?5, '')), ?6, ?6)`, id, w.seq, string(codeforge.WebhookTest), w.ID, w.ProjectID, c.now)
		return id, err
	})
}

// ClaimWebhooks implements webhook.Store. What is due is looked for by a reader: most looks find nothing, and a write would
// wait for others.
func (s *Store) ClaimWebhooks(ctx context.Context, after string, want, each, visit int, lease time.Duration) (out codeforge.WebhookClaims, err error) {
	var due []int64
	start, _ := strconv.ParseInt(after, 10, 64)
	var last int64
	var next time.Time
	err = s.read(ctx, func(c *conn) error {
		last = start
		now := s.now()
		for range visit {
			var at, resume time.Time
			found, err := c.one(`SELECT d.webhook, d.due_at, w.resume_at FROM webhook_deliveries d INDEXED BY webhook_deliveries_due JOIN webhooks w ON w.seq = d.webhook
				WHERE d.due_at IS NOT NULL AND d.webhook > ? ORDER BY d.webhook, d.due_at LIMIT 1`, []any{last}, &last, &at, &resume)
			if err != nil || !found {
				last = 0
				return err
			}
			if at = latest(at, resume); !at.After(now) {
				due = append(due, last)
			} else if next.IsZero() || at.Before(next) {
				next = at
			}
			if len(due) == want {
				break
			}
		}
		return nil
	})
	out.Wait = -1
	if !next.IsZero() {
		out.Wait = max(next.Sub(s.now()), 0)
	}
	if last > 0 {
		out.After = strconv.FormatInt(last, 10)
	}
	if err != nil || len(due) == 0 {
		return out, err
	}
	err = s.write(ctx, func(c *conn) error {
		out.List = nil
		for _, seq := range due {
			list, err := claimDeliveries(c, seq, want-len(out.List), each, lease)
			if err != nil {
				return err
			}
			out.List = append(out.List, list...)
		}
		return nil
	})
	return out, err
}

// claimDeliveries takes deliveries of one webhook.
func claimDeliveries(c *conn, webhook int64, want, each int, lease time.Duration) (list []codeforge.WebhookClaim, err error) {
	w, found, err := readWebhook(c, c.now, webhookColumns+" WHERE seq = ?", webhook)
	if err != nil || !found || !w.Enabled || w.resume.After(c.now) {
		return nil, err
	}
	if w.Failures > 1 { // one tells whether it is there again
		each = 1
	}
	var sending int
	if _, err := c.one("SELECT count(*) FROM webhook_deliveries WHERE webhook = ? AND due_at > ? AND sending", []any{webhook, c.now}, &sending); err != nil {
		return nil, err
	}
	var rows []deliveryRow
	if err := c.each(deliveryColumns+" WHERE d.webhook = ? AND d.due_at <= ? ORDER BY d.due_at, d.seq LIMIT ?", []any{webhook, c.now, max(min(want, each-sending), 0)}, func(r row) error {
		rows = append(rows, deliveryRow{})
		return rows[len(rows)-1].scan(r)
	}); err != nil {
		return nil, err
	}
	for _, d := range rows {
		d.DueAt = new(c.now.Add(lease))
		d.Tries++
		if _, _, err := c.exec("UPDATE webhook_deliveries SET due_at = ?, sending = 1, fence = fence + 1, tries = ? WHERE seq = ?", *d.DueAt, d.Tries, d.seq); err != nil {
			return nil, err
		}
		list = append(list, codeforge.WebhookClaim{WebhookDelivery: d.WebhookDelivery, Fence: d.fence + 1, UserID: w.UserID, ProjectID: w.ProjectID, URL: w.URL,
			Secret: w.secret, OldSecret: w.oldSecret, Failures: w.Failures, TraceParent: d.trace})
	}
	return list, nil
}

// RecordWebhook implements webhook.Store.
func (s *Store) RecordWebhook(ctx context.Context, claim codeforge.WebhookClaim, o codeforge.WebhookOutcome) (disabled bool, err error) {
	err = s.write(ctx, func(c *conn) error {
		disabled = false
		d, found, err := readDelivery(c, " WHERE d.id = ? AND d.fence = ? AND d.sending", claim.ID, claim.Fence)
		if err == nil && !found {
			err = codeforge.ErrFenced
		}
		if err != nil {
			return err
		}
		w, _, err := readWebhook(c, c.now, webhookColumns+" WHERE id = ?", d.WebhookID)
		if err != nil {
			return err
		}
		if err := recordDelivery(c, d, w.Enabled, o); err != nil || !o.Failed() && w.Failures == 0 {
			return err
		}
		if !o.Failed() {
			_, _, err := c.exec("UPDATE webhooks SET failures = 0, failing_since = NULL, resume_at = NULL WHERE seq = ?", w.seq)
			return err
		}
		if w.FailingSince == nil {
			w.FailingSince = new(c.now)
		}
		cause := o.Disable
		if cause == "" && c.now.Sub(*w.FailingSince) >= codeforge.WebhookDisableAfter {
			cause = codeforge.WebhookFailing
		}
		if disabled = w.Enabled && cause != ""; disabled {
			w.Enabled, w.DisabledReason, w.DisabledAt, w.UpdatedAt = false, cause, new(c.now), c.now
		}
		_, _, err = c.exec(`UPDATE webhooks SET failures = failures + 1, failing_since = ?, resume_at = ?, enabled = ?, disabled_reason = ?, disabled_at = ?, updated_at = ? WHERE seq = ?`,
			*w.FailingSince, latest(w.resume, c.now.Add(o.Pause)), w.Enabled, string(w.DisabledReason), w.DisabledAt, w.UpdatedAt, w.seq)
		return err
	})
	if err != nil {
		return false, err
	}
	return disabled, nil
}

// recordDelivery writes the row of a delivery after an attempt. Now and then it forgets what is beyond the newest of the log.
func recordDelivery(c *conn, d deliveryRow, enabled bool, o codeforge.WebhookOutcome) error {
	var due, ended any
	switch {
	case o.Status != codeforge.WebhookPending:
		ended = c.now
	case enabled:
		due = c.now.Add(o.Wait)
	}
	attempts, err := json.Marshal(append(d.Attempts[max(0, len(d.Attempts)-codeforge.MaxWebhookAttempts+1):], o.Attempt))
	if err != nil {
		return err
	}
	if _, _, err := c.exec("UPDATE webhook_deliveries SET status = ?, sending = 0, due_at = ?, ended_at = ?, attempts = ? WHERE seq = ?", string(o.Status), due, ended, json.RawMessage(attempts), d.seq); err != nil {
		return err
	}
	if d.seq%64 != 0 {
		return nil
	}
	_, _, err = c.exec(`DELETE FROM webhook_deliveries WHERE webhook = (SELECT webhook FROM webhook_deliveries WHERE seq = ?1) AND ended_at IS NOT NULL AND seq < (SELECT seq FROM webhook_deliveries
		WHERE webhook = (SELECT webhook FROM webhook_deliveries WHERE seq = ?1) AND ended_at IS NOT NULL ORDER BY seq DESC LIMIT 1 OFFSET ?2)`, d.seq, codeforge.MaxWebhookLog-1)
	return err
}

// SweepWebhooks implements webhook.Store.
func (s *Store) SweepWebhooks(ctx context.Context) (givenUp int, err error) {
	var old []int64
	var ended bool
	err = s.read(ctx, func(c *conn) (err error) {
		now := s.now()
		if ended, err = c.one("SELECT 1 FROM webhook_deliveries WHERE ended_at < ? LIMIT 1", []any{now.Add(-codeforge.WebhookLogKept)}, new(int)); err != nil {
			return err
		}
		return c.each("SELECT seq FROM webhook_deliveries WHERE status = 'pending' AND created_at < ? LIMIT ?", []any{now.Add(-codeforge.WebhookPendingKept), sweepBatch}, func(r row) error {
			old = append(old, 0)
			return r.scan(&old[len(old)-1])
		})
	})
	if err != nil || len(old) == 0 && !ended {
		return 0, err
	}
	err = s.write(ctx, func(c *conn) error {
		givenUp = 0
		for _, seq := range old {
			n, _, err := c.exec("UPDATE webhook_deliveries SET status = 'failed', due_at = NULL, sending = 0, ended_at = ?1 WHERE seq = ?2 AND status = 'pending' AND (due_at IS NULL OR NOT sending OR due_at <= ?1)", c.now, seq)
			if err != nil {
				return err
			}
			givenUp += int(n)
		}
		_, _, err := c.exec("DELETE FROM webhook_deliveries WHERE ended_at < ?", c.now.Add(-codeforge.WebhookLogKept))
		return err
	})
	return givenUp, err
}

// SealedSecrets implements webhook.Store.
func (s *Store) SealedSecrets(ctx context.Context, after string, limit int) (list []codeforge.SealedSecrets, err error) {
	err = s.read(ctx, func(c *conn) error {
		return c.each("SELECT id, secret, old_secret FROM webhooks WHERE id > ? ORDER BY id LIMIT ?", []any{after, limit}, func(r row) error {
			list = append(list, codeforge.SealedSecrets{})
			l := &list[len(list)-1]
			return r.scan(&l.WebhookID, &l.Secret, &l.OldSecret)
		})
	})
	return list, err
}

// ResealSecrets implements webhook.Store.
func (s *Store) ResealSecrets(ctx context.Context, from, to codeforge.SealedSecrets) error {
	orNull := func(b []byte) any {
		if b == nil {
			return nil
		}
		return b
	}
	return s.write(ctx, func(c *conn) error {
		_, _, err := c.exec("UPDATE webhooks SET secret = ?, old_secret = ? WHERE id = ? AND secret = ? AND old_secret IS ?", to.Secret, orNull(to.OldSecret), from.WebhookID, from.Secret, orNull(from.OldSecret))
		return err
	})
}

// WebhookBacklog implements webhook.Store.
func (s *Store) WebhookBacklog(ctx context.Context) (b codeforge.WebhookBacklog, err error) {
	var oldest time.Time
	err = s.read(ctx, func(c *conn) error {
		_, err := c.one("SELECT count(*), min(created_at) FROM webhook_deliveries WHERE due_at IS NOT NULL", nil, &b.Pending, &oldest)
		return err
	})
	if !oldest.IsZero() {
		b.Oldest = s.now().Sub(oldest)
	}
	return b, err
}
