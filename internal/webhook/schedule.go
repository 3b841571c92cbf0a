package webhook

import (
	"math/rand/v2"
	"time"

	"codeforge"
)

// waits are the times between the attempts of a delivery, each up to a fifth longer: with these it is given up after more than a day.
var waits = []time.Duration{5 * time.Second, time.Minute, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour}

const (
	firstPause    = 5 * time.Second // of a webhook that failed twice in a row; each further failure doubles it
	longestPause  = 10 * time.Minute
	longestWished = 24 * time.Hour // that a receiver may ask for by Retry-After
)

// settle says what becomes of a delivery after an attempt. again is when the receiver asked to be tried again.
func settle(c *codeforge.WebhookClaim, taken, gone bool, again time.Duration) codeforge.WebhookOutcome {
	o := codeforge.WebhookOutcome{Status: codeforge.WebhookPending}
	again = min(again, longestWished)
	switch failures := c.Failures + 1; {
	case taken:
		o.Status = codeforge.WebhookDelivered
		return o
	case gone:
		o.Status, o.Disable = codeforge.WebhookFailed, codeforge.WebhookGone
		return o
	case failures > 1:
		o.Pause = jitter(min(firstPause<<min(failures-2, 20), longestPause))
	}
	o.Pause = max(o.Pause, again)
	if c.Tries > len(waits) {
		o.Status = codeforge.WebhookFailed
		return o
	}
	o.Wait = max(jitter(waits[max(c.Tries, 1)-1]), again)
	return o
}

func jitter(d time.Duration) time.Duration { return d + rand.N(d/5+1) }
