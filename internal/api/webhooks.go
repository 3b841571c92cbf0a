package api

import (
	"context"
	"encoding/json"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeforge"
)

// Webhooks is what the routes need of whoever sends to webhooks.
type Webhooks interface {
	// CheckURL holds the rules for where a webhook may lead.
	CheckURL(address string) error
	// NewSecret makes a secret for a webhook: as its owner is shown it, once, and as it is stored.
	NewSecret(webhookID string) (shown string, sealed []byte)
	// Wake says that something is to be sent.
	Wake()
}

var errNoWebhooks = &codeforge.Error{Kind: codeforge.Unsupported, Message: "This server has no webhooks"}

// Webhook is a webhook as it is sent. It is exported since the framework reads no other embedded parts.
type Webhook struct {
	ID             string                  `json:"id" format:"uuid"`
	ProjectID      *string                 `json:"project_id" format:"uuid" doc:"The project whose events it gets; null: all of its owner's."`
	URL            string                  `json:"url" format:"uri" example:"https://example.com/hooks/codeforge"`
	Description    string                  `json:"description"`
	Events         []codeforge.WebhookType `json:"events" doc:"The types of events that it gets; none: all, those that are new too."`
	Enabled        bool                    `json:"enabled"`
	DisabledReason *string                 `json:"disabled_reason" doc:"Why the server disabled it: failing (nothing but failures for 5 days) or gone (the receiver answered 410). null: it did not."`
	DisabledAt     *time.Time              `json:"disabled_at"`
	Failures       int                     `json:"failures" doc:"Attempts that failed since the last success."`
	FailingSince   *time.Time              `json:"failing_since" doc:"The first of them."`
	Pending        int                     `json:"pending" doc:"Deliveries that wait to be sent, or to be sent again."`
	Dropped        int64                   `json:"dropped" doc:"Events at least that it did not get because 10,000 deliveries waited already."`
	OldSecretUntil *time.Time              `json:"old_secret_until" doc:"Until then the secret from before the last rotation signs too."`
	CreatedAt      time.Time               `json:"created_at"`
	UpdatedAt      time.Time               `json:"updated_at"`
}

// shownWebhook is one whose secret is shown, for the only time.
type shownWebhook struct {
	Webhook
	Secret string `json:"secret" doc:"What deliveries are signed with. It is not shown again." example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`
}

func webhookAnswer(w codeforge.Webhook) Webhook {
	return Webhook{w.ID, nonEmpty(w.ProjectID), w.URL, w.Description, append([]codeforge.WebhookType{}, w.Events...), w.Enabled, nonEmpty(string(w.DisabledReason)), w.DisabledAt, w.Failures, w.FailingSince,
		w.Pending, w.Dropped, w.OldSecretUntil, w.CreatedAt, w.UpdatedAt}
}

// nonEmpty is a text, or null where there is none.
func nonEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// webhookTypes are the types of events that a webhook gets.
type webhookTypes []codeforge.WebhookType

func (webhookTypes) Schema(huma.Registry) *huma.Schema {
	item := &huma.Schema{Type: huma.TypeString}
	for _, t := range codeforge.WebhookTypes {
		item.Enum = append(item.Enum, string(t))
	}
	item.PrecomputeMessages()
	return &huma.Schema{Type: huma.TypeArray, Items: item, MaxItems: new(2 * len(codeforge.WebhookTypes)), Description: "The types of events that it gets; none: all, those that are new too."}
}

type webhookCreate struct {
	URL         string       `json:"url" minLength:"1" maxLength:"2000" doc:"Where deliveries are posted to: https, at a public address."`
	Description string       `json:"description,omitempty" maxLength:"200" default:""`
	Events      webhookTypes `json:"events,omitempty"`
}

type createWebhookInput struct{ Body webhookCreate }

type createProjectWebhookInput struct {
	ProjectPath
	Body webhookCreate
}

type shownWebhookOutput struct{ Body shownWebhook }

func (s *server) createWebhook(ctx context.Context, in *createWebhookInput) (*shownWebhookOutput, error) {
	return s.makeWebhook(ctx, "", &in.Body)
}

func (s *server) createProjectWebhook(ctx context.Context, in *createProjectWebhookInput) (*shownWebhookOutput, error) {
	return s.makeWebhook(ctx, in.ProjectID, &in.Body)
}

func (s *server) makeWebhook(ctx context.Context, projectID string, b *webhookCreate) (*shownWebhookOutput, error) {
	if s.Webhooks == nil {
		return nil, errNoWebhooks
	}
	if err := s.Webhooks.CheckURL(b.URL); err != nil {
		if projectID == "" {
			return nil, err
		}
		return nil, s.ownFirst(ctx, projectID, err)
	}
	w := codeforge.Webhook{ID: codeforge.NewID(), ProjectID: projectID, URL: b.URL, Description: b.Description, Events: b.Events}
	shown, sealed := s.Webhooks.NewSecret(w.ID)
	w, err := s.Store.CreateWebhook(ctx, caller(ctx), w, sealed)
	if err != nil {
		return nil, err
	}
	x, _ := exchangeOf(ctx)
	x.names("webhook_id", w.ID)
	return &shownWebhookOutput{shownWebhook{webhookAnswer(w), shown}}, nil
}

type webhookList struct {
	Items []Webhook `json:"items" doc:"Oldest first."`
}

type webhooksOutput struct{ Body webhookList }

func (s *server) listWebhooks(ctx context.Context, _ *struct{}) (*webhooksOutput, error) {
	return s.webhooksOf(ctx, "")
}

func (s *server) listProjectWebhooks(ctx context.Context, in *struct{ ProjectPath }) (*webhooksOutput, error) {
	return s.webhooksOf(ctx, in.ProjectID)
}

func (s *server) webhooksOf(ctx context.Context, projectID string) (*webhooksOutput, error) {
	list, err := s.Store.ListWebhooks(ctx, caller(ctx), projectID)
	if err != nil {
		return nil, err
	}
	out := webhookList{make([]Webhook, len(list))}
	for i, w := range list {
		out.Items[i] = webhookAnswer(w)
	}
	return &webhooksOutput{out}, nil
}

// WebhookPath is the id of a webhook in a path. Below a project it must be one of that project.
type WebhookPath struct {
	WebhookID string `path:"webhook_id" format:"uuid" doc:"Id of the webhook."`
}

func (p *WebhookPath) key(ctx context.Context) codeforge.WebhookKey {
	x, _ := exchangeOf(ctx)
	return codeforge.WebhookKey{ID: p.WebhookID, ProjectID: x.project}
}

type webhookOutput struct{ Body Webhook }

func webhookOrError(w codeforge.Webhook, err error) (*webhookOutput, error) {
	if err != nil {
		return nil, err
	}
	return &webhookOutput{webhookAnswer(w)}, nil
}

func (s *server) getWebhook(ctx context.Context, in *struct{ WebhookPath }) (*webhookOutput, error) {
	return webhookOrError(s.Store.GetWebhook(ctx, caller(ctx), in.key(ctx)))
}

type webhookUpdate struct {
	URL         *string       `json:"url,omitempty" minLength:"1" maxLength:"2000" doc:"Where deliveries are posted to: https, at a public address."`
	Description *string       `json:"description,omitempty" maxLength:"200"`
	Events      *webhookTypes `json:"events,omitempty"`
	Enabled     *bool         `json:"enabled,omitempty" doc:"false: what is pending rests until it is true again."`
}

type updateWebhookInput struct {
	WebhookPath
	Body webhookUpdate
}

func (s *server) updateWebhook(ctx context.Context, in *updateWebhookInput) (*webhookOutput, error) {
	if s.Webhooks == nil {
		return nil, errNoWebhooks
	}
	b, k := &in.Body, in.key(ctx)
	patch := codeforge.WebhookPatch{URL: b.URL, Description: b.Description, Events: (*[]codeforge.WebhookType)(b.Events), Enabled: b.Enabled}
	var wrong error
	if patch.Empty() {
		wrong = codeforge.InvalidField("body", "must hold at least one field to change")
	} else if b.URL != nil {
		wrong = s.Webhooks.CheckURL(*b.URL)
	}
	if wrong != nil {
		if _, err := s.Store.GetWebhook(ctx, caller(ctx), k); err != nil {
			return nil, err
		}
		return nil, wrong
	}
	w, err := s.Store.UpdateWebhook(ctx, caller(ctx), k, patch)
	s.Webhooks.Wake()
	return webhookOrError(w, err)
}

type webhookDeleted struct {
	Message   string `json:"message" example:"Webhook deleted"`
	WebhookID string `json:"webhook_id" format:"uuid"`
}

type webhookDeletedOutput struct{ Body webhookDeleted }

func (s *server) deleteWebhook(ctx context.Context, in *struct{ WebhookPath }) (*webhookDeletedOutput, error) {
	if err := s.Store.DeleteWebhook(ctx, caller(ctx), in.key(ctx)); err != nil {
		return nil, err
	}
	return &webhookDeletedOutput{webhookDeleted{"Webhook deleted", in.WebhookID}}, nil
}

type rotateWebhookInput struct {
	WebhookPath
	Grace int `query:"grace_seconds" minimum:"0" maximum:"604800" default:"86400" doc:"For so long the old secret signs too, beside the new one; 0: it ends at once."`
}

func (s *server) rotateWebhook(ctx context.Context, in *rotateWebhookInput) (*shownWebhookOutput, error) {
	if s.Webhooks == nil {
		return nil, errNoWebhooks
	}
	shown, sealed := s.Webhooks.NewSecret(in.WebhookID)
	w, err := s.Store.RotateWebhook(ctx, caller(ctx), in.key(ctx), sealed, time.Duration(in.Grace)*time.Second)
	if err != nil {
		return nil, err
	}
	return &shownWebhookOutput{shownWebhook{webhookAnswer(w), shown}}, nil
}

// webhookAttempt is what came of sending a delivery once, as it is sent.
type webhookAttempt struct {
	At         time.Time `json:"at"`
	Status     *int      `json:"status" doc:"Status of the answer; null: there was none."`
	DurationMS int64     `json:"duration_ms"`
	Error      *string   `json:"error" doc:"Why it counts as failed; null: it was taken."`
	Response   string    `json:"response" doc:"The beginning of the answer's body. The receiver wrote it: show it as text."`
}

// webhookDelivery is a delivery as it is sent.
type webhookDelivery struct {
	ID            string                  `json:"id" format:"uuid" doc:"The webhook-id of its requests, the same however often it is sent."`
	WebhookID     string                  `json:"webhook_id" format:"uuid"`
	Type          codeforge.WebhookType   `json:"type" example:"job.completed"`
	Status        codeforge.WebhookStatus `json:"status" enum:"pending,delivered,failed"`
	Data          json.RawMessage         `json:"data" doc:"Of the event, but for the links."`
	Tries         int                     `json:"tries" doc:"Attempts that were begun since it was made, or asked for again."`
	Attempts      []webhookAttempt        `json:"attempts" doc:"The newest 20, oldest first."`
	NextAttemptAt *time.Time              `json:"next_attempt_at" doc:"null: none is to come, or the webhook is disabled."`
	CreatedAt     time.Time               `json:"created_at"`
	EndedAt       *time.Time              `json:"ended_at"`
}

func deliveryAnswer(d codeforge.WebhookDelivery) webhookDelivery {
	out := webhookDelivery{d.ID, d.WebhookID, d.Type, d.Status, d.Data, d.Tries, make([]webhookAttempt, len(d.Attempts)), d.DueAt, d.CreatedAt, d.EndedAt}
	for i, a := range d.Attempts {
		out.Attempts[i] = webhookAttempt{a.At, nil, a.DurationMS, nonEmpty(a.Error), a.Response}
		if a.Status != 0 {
			out.Attempts[i].Status = &a.Status
		}
	}
	return out
}

type listDeliveriesInput struct {
	WebhookPath
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"20"`
	Before string `query:"before" format:"uuid" doc:"Those that are older than this delivery: the next page."`
	Status string `query:"status" enum:"pending,delivered,failed"`
}

type deliveryList struct {
	Items   []webhookDelivery `json:"items" doc:"Newest first. Ended ones are kept for 7 days, and at most about 1,000 of a webhook."`
	HasMore bool              `json:"has_more"`
}

type deliveriesOutput struct{ Body deliveryList }

// deliveryLoad is what a delivery is taken to hold until it was read.
const deliveryLoad = codeforge.MaxWebhookAttempts * 2 * codeforge.MaxWebhookExcerpt

func (s *server) listWebhookDeliveries(ctx context.Context, in *listDeliveriesInput) (*deliveriesOutput, error) {
	x, _ := exchangeOf(ctx)
	if err := x.acquireBytes(int64(in.Limit+1) * deliveryLoad); err != nil {
		return nil, err
	}
	list, err := s.Store.ListWebhookDeliveries(ctx, x.user, in.key(ctx), codeforge.WebhookFilter{Status: codeforge.WebhookStatus(in.Status), Before: in.Before, Limit: in.Limit + 1})
	if err != nil {
		return nil, err
	}
	out := deliveryList{[]webhookDelivery{}, len(list) > in.Limit}
	for _, d := range list[:min(len(list), in.Limit)] {
		out.Items = append(out.Items, deliveryAnswer(d))
	}
	return &deliveriesOutput{out}, nil
}

type deliveryOutput struct{ Body webhookDelivery }

// sent is the answer to who has something sent.
func (s *server) sent(d codeforge.WebhookDelivery, err error) (*deliveryOutput, error) {
	if err != nil {
		return nil, err
	}
	if s.Webhooks != nil {
		s.Webhooks.Wake()
	}
	return &deliveryOutput{deliveryAnswer(d)}, nil
}

type redeliverInput struct {
	WebhookPath
	DeliveryID string `path:"delivery_id" format:"uuid" doc:"Id of the delivery."`
}

func (s *server) redeliverWebhook(ctx context.Context, in *redeliverInput) (*deliveryOutput, error) {
	return s.sent(s.Store.RedeliverWebhook(ctx, caller(ctx), in.key(ctx), in.DeliveryID))
}

func (s *server) testWebhook(ctx context.Context, in *struct{ WebhookPath }) (*deliveryOutput, error) {
	return s.sent(s.Store.TestWebhook(ctx, caller(ctx), in.key(ctx)))
}
