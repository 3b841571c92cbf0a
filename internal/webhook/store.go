package webhook

import (
	"context"
	"time"

	"codeforge"
)

// Store is what the dispatcher needs of a store. It acts as the system.
type Store interface {
	// ClaimWebhooks takes deliveries that are due, at most want, until the lease ends: nobody else gets them before. It looks at
	// no more than visit webhooks that have something pending, in a ring that begins behind after, and takes as many of each that
	// at most each are being sent, by all processes; of one that failed more than once in a row, one at a time.
	ClaimWebhooks(ctx context.Context, after string, want, each, visit int, lease time.Duration) (codeforge.WebhookClaims, error)
	// RecordWebhook notes what came of a claim, and says whether that disabled the webhook. [codeforge.ErrFenced] when somebody
	// else has taken the delivery since.
	RecordWebhook(ctx context.Context, c codeforge.WebhookClaim, o codeforge.WebhookOutcome) (disabled bool, err error)
	// SweepWebhooks gives up what is pending for [codeforge.WebhookPendingKept], and forgets what ended [codeforge.WebhookLogKept] ago.
	SweepWebhooks(ctx context.Context) (givenUp int, err error)
	// SealedSecrets returns those of webhooks after one ("": from the beginning), in the order of their ids.
	SealedSecrets(ctx context.Context, after string, limit int) ([]codeforge.SealedSecrets, error)
	// ResealSecrets puts others in place of the secrets of a webhook, unless those are no more the ones that were read.
	ResealSecrets(ctx context.Context, from, to codeforge.SealedSecrets) error
	// WebhookBacklog says how much waits to be sent.
	WebhookBacklog(ctx context.Context) (codeforge.WebhookBacklog, error)
}
