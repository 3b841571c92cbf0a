package webhook

import (
	"context"
	"crypto/rand"
	"encoding/base64"

	"codeforge/internal/seal"
)

// secretPrefix is how Standard Webhooks mark a secret.
const secretPrefix = "whsec_"

// NewSecret makes a secret for a webhook: as its owner is shown it, once, and as it is stored. The newest of the server's keys seals
// it, and it opens under the id of this webhook alone.
func (d *Dispatcher) NewSecret(webhookID string) (shown string, sealed []byte) {
	var secret [32]byte
	rand.Read(secret[:])
	return secretPrefix + base64.StdEncoding.EncodeToString(secret[:]), seal.Seal(d.o.Keys()[0], webhookID, secret[:])
}

// reseal seals with the newest of some keys what was sealed with those before it, which will be forgotten.
func (d *Dispatcher) reseal(ctx context.Context, keys [][]byte) error {
	const page = 500
	for after := ""; ; {
		list, err := d.o.Store.SealedSecrets(ctx, after, page)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, from := range list {
			after = from.WebhookID
			to, changed := from, false
			for _, sealed := range []*[]byte{&to.Secret, &to.OldSecret} {
				if secret, key, err := seal.Open(keys, from.WebhookID, *sealed); err == nil && key > 0 { // what none opens stays
					*sealed, changed = seal.Seal(keys[0], from.WebhookID, secret), true
				}
			}
			if changed {
				if err := d.o.Store.ResealSecrets(ctx, from, to); err != nil {
					return err
				}
			}
		}
	}
}
