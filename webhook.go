package codeforge

import (
	"encoding/json"
	"slices"
	"time"
)

// WebhookType names what a webhook is told of.
type WebhookType string

const (
	WebhookJobQueued       WebhookType = "job.queued" // submitted, or going on with an answer
	WebhookJobCompleted    WebhookType = "job.completed"
	WebhookJobFailed       WebhookType = "job.failed"
	WebhookJobCancelled    WebhookType = "job.cancelled"
	WebhookJobWaiting      WebhookType = "job.waiting_for_input"
	WebhookJobKept         WebhookType = "job.kept" // work of a job became a revision
	WebhookRevisionCreated WebhookType = "revision.created"
	WebhookProjectCreated  WebhookType = "project.created"
	WebhookProjectUpdated  WebhookType = "project.updated" // its row, its files are revisions
	WebhookProjectArchived WebhookType = "project.archived"
	WebhookDisabled        WebhookType = "webhook.disabled" // by the server, another one of the same user

	WebhookTest WebhookType = "webhook.test" // sent when somebody asks for it, whatever the filter says
)

// WebhookTypes are all that a webhook can choose of.
var WebhookTypes = []WebhookType{WebhookJobQueued, WebhookJobCompleted, WebhookJobFailed, WebhookJobCancelled, WebhookJobWaiting, WebhookJobKept,
	WebhookRevisionCreated, WebhookProjectCreated, WebhookProjectUpdated, WebhookProjectArchived, WebhookDisabled}

// Bounds of webhooks.
const (
	MaxWebhooks           = 10     // of a user, and again of each project
	MaxWebhookURL         = 2_000  // bytes
	MaxWebhookDescription = 200    // characters
	MaxWebhookOutbox      = 10_000 // deliveries of one that are pending; what comes when there are so many is dropped, and counted
	MaxWebhookLog         = 1_000  // ended deliveries of one that are kept
	MaxWebhookAttempts    = 20     // of a delivery that are kept, the newest
	MaxWebhookExcerpt     = 500    // bytes of an answer that are kept

	WebhookPendingKept  = 3 * 24 * time.Hour // a delivery that is pending longer has failed
	WebhookLogKept      = 7 * 24 * time.Hour // an ended one is kept so long
	WebhookDisableAfter = 5 * 24 * time.Hour // of failures alone, a webhook is disabled
)

// Webhook is an address that is told what happens to the projects of a user, or to one project. Its secrets are stored beside
// it and never read but to sign.
type Webhook struct {
	ID             string            `json:"id"`
	UserID         string            `json:"user_id"`
	ProjectID      string            `json:"project_id"` // "": all projects of the user
	URL            string            `json:"url"`
	Description    string            `json:"description"`
	Events         []WebhookType     `json:"events"` // none: all
	Enabled        bool              `json:"enabled"`
	DisabledReason WebhookFaultCause `json:"disabled_reason"` // "": nobody but the user disabled it
	DisabledAt     *time.Time        `json:"disabled_at"`
	Failures       int               `json:"failures"`      // attempts that failed since the last success
	FailingSince   *time.Time        `json:"failing_since"` // the first of them
	Pending        int               `json:"pending"`       // deliveries
	Dropped        int64             `json:"dropped"`       // events at least that found MaxWebhookOutbox deliveries pending
	OldSecretUntil *time.Time        `json:"old_secret_until"`
	CreatedAt      time.Time         `json:"created_at"`
	UpdatedAt      time.Time         `json:"updated_at"`
}

// WebhookFaultCause says why the server disabled a webhook.
type WebhookFaultCause string

const (
	WebhookFailing WebhookFaultCause = "failing" // nothing but failures for WebhookDisableAfter
	WebhookGone    WebhookFaultCause = "gone"    // the receiver answered 410
)

// WebhookKey names a webhook. With ProjectID it must be one of that project.
type WebhookKey struct{ ID, ProjectID string }

// WebhookPatch changes what is not nil. A new URL, and enabling, forget the failures from before.
type WebhookPatch struct {
	URL         *string        `json:"url,omitempty"`
	Description *string        `json:"description,omitempty"`
	Events      *[]WebhookType `json:"events,omitempty"`
	Enabled     *bool          `json:"enabled,omitempty"`
}

// Empty reports whether the patch would change nothing.
func (p WebhookPatch) Empty() bool {
	return p.URL == nil && p.Description == nil && p.Events == nil && p.Enabled == nil
}

// Check holds the rules for a webhook that is to be stored, but for what its URL may lead to.
func (w *Webhook) Check() error {
	return (&WebhookPatch{URL: &w.URL, Description: &w.Description, Events: &w.Events}).Check()
}

// Check holds the same rules for what a patch sets. Chosen types are put into the order of WebhookTypes, each once.
func (p *WebhookPatch) Check() error {
	if p.URL != nil {
		if err := checkText("url", *p.URL, 1, MaxWebhookURL); err != nil {
			return err
		}
	}
	if p.Description != nil {
		if err := checkText("description", *p.Description, 0, MaxWebhookDescription); err != nil {
			return err
		}
	}
	if p.Events == nil {
		return nil
	}
	chosen := []WebhookType{}
	for _, e := range *p.Events {
		if !slices.Contains(WebhookTypes, e) {
			return InvalidField("events", "must be of %v", WebhookTypes)
		}
	}
	for _, e := range WebhookTypes {
		if slices.Contains(*p.Events, e) {
			chosen = append(chosen, e)
		}
	}
	*p.Events = chosen
	return nil
}

// WebhookStatus is where a delivery stands.
type WebhookStatus string

const (
	WebhookPending   WebhookStatus = "pending"
	WebhookDelivered WebhookStatus = "delivered"
	WebhookFailed    WebhookStatus = "failed" // given up
)

// WebhookStatuses are all of them.
var WebhookStatuses = []WebhookStatus{WebhookPending, WebhookDelivered, WebhookFailed}

// WebhookDelivery is one event on its way to one webhook. It is made in the transaction that makes the event true, and its id
// stays the same however often it is sent.
type WebhookDelivery struct {
	ID        string           `json:"id"`
	WebhookID string           `json:"webhook_id"`
	Type      WebhookType      `json:"type"`
	Status    WebhookStatus    `json:"status"`
	Data      json.RawMessage  `json:"data"`     // an object: ids, states and numbers, no contents
	Tries     int              `json:"tries"`    // since it was made, or since somebody asked for it again
	Attempts  []WebhookAttempt `json:"attempts"` // oldest first
	DueAt     *time.Time       `json:"due_at"`   // of a pending one: the next attempt, or, while it is sent, when others may send it; nil: its webhook is disabled
	CreatedAt time.Time        `json:"created_at"`
	EndedAt   *time.Time       `json:"ended_at"`
}

// WebhookAttempt is what came of sending a delivery once.
type WebhookAttempt struct {
	At         time.Time `json:"at"`
	Status     int       `json:"status"` // of HTTP; 0: no answer
	DurationMS int64     `json:"duration_ms"`
	Error      string    `json:"error"`    // in words for the owner; "": it was taken
	Response   string    `json:"response"` // the beginning of the answer's body: a stranger's text
}

// Clean makes what a receiver said fit to be kept and shown.
func (a *WebhookAttempt) Clean() {
	a.Error = Excerpt(a.Error, MaxWebhookExcerpt)
	a.Response = Excerpt(a.Response, MaxWebhookExcerpt)
}

// WebhookFilter selects deliveries of a webhook, newest first.
type WebhookFilter struct {
	Status WebhookStatus // "": any
	Before string        // the id of one: those that are older; "": the newest
	Limit  int           // 1 to 100
}

// WebhookClaim is a delivery that one process has taken to send, until its lease ends, and what it takes for that.
type WebhookClaim struct {
	WebhookDelivery
	Fence       int64  `json:"fence"`
	UserID      string `json:"user_id"`
	ProjectID   string `json:"project_id"` // of the webhook
	URL         string `json:"url"`
	Secret      []byte `json:"secret"`      // sealed
	OldSecret   []byte `json:"old_secret"`  // sealed; nil: none signs beside it
	Failures    int    `json:"failures"`    // of the webhook, in a row
	TraceParent string `json:"traceparent"` // of the job that the event is about; "": nobody traced it
}

// WebhookClaims is the answer to who asks for deliveries to send. Webhooks are looked at in a ring.
type WebhookClaims struct {
	List  []WebhookClaim
	After string        // where the next look goes on; "": at the beginning
	Wait  time.Duration // until something that was seen becomes due; negative: nothing is known of
}

// WebhookOutcome is what becomes of a claimed delivery. Times are counted from the moment in which the store writes it.
type WebhookOutcome struct {
	Attempt WebhookAttempt
	Status  WebhookStatus
	Wait    time.Duration     // of a pending one: until the next attempt
	Pause   time.Duration     // of a failure: nothing is sent to the webhook meanwhile
	Disable WebhookFaultCause // the webhook is disabled; "": only when it has failed for WebhookDisableAfter
}

// Failed reports whether the receiver did not take it.
func (o *WebhookOutcome) Failed() bool { return o.Status != WebhookDelivered }

// SealedSecrets are those of a webhook.
type SealedSecrets struct {
	WebhookID string
	Secret    []byte
	OldSecret []byte // nil: there is none
}

// WebhookBacklog is how much waits to be sent.
type WebhookBacklog struct {
	Pending int
	Oldest  time.Duration // how long the oldest has waited
}

// WebhookIsDisabled refuses to send to a webhook that is off.
func WebhookIsDisabled() *Error {
	return Conflictf("the webhook is disabled: update it with enabled true first")
}
