package webhook

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"errors"
)

// secretPrefix is how Standard Webhooks mark a secret.
const secretPrefix = "whsec_"

// sealed secrets begin with this, before nonce and text.
const sealVersion = 1

// errSealed says that a secret cannot be read: the server's own secret is another one than when it was sealed.
var errSealed = errors.New("the secret of the webhook cannot be opened with STREAM_SECRET")

// NewSecret makes a secret for a webhook: as its owner is shown it, once, and as it is stored. The newest of the server's keys seals
// it, and it opens under the id of this webhook alone.
func (d *Dispatcher) NewSecret(webhookID string) (shown string, sealed []byte) {
	var secret [32]byte
	rand.Read(secret[:])
	return secretPrefix + base64.StdEncoding.EncodeToString(secret[:]), seal(d.o.Keys()[0], webhookID, secret[:])
}

func seal(key []byte, webhookID string, secret []byte) []byte {
	a := aead(key)
	nonce := make([]byte, a.NonceSize())
	rand.Read(nonce)
	return a.Seal(append([]byte{sealVersion}, nonce...), nonce, secret, []byte(webhookID))
}

// open returns a secret that one of some keys sealed, and which.
func open(keys [][]byte, webhookID string, sealed []byte) (secret []byte, key int, err error) {
	for i, key := range keys {
		a := aead(key)
		if n := a.NonceSize(); len(sealed) > n && sealed[0] == sealVersion {
			if secret, err := a.Open(nil, sealed[1:1+n], sealed[1+n:], []byte(webhookID)); err == nil {
				return secret, i, nil
			}
		}
	}
	return nil, 0, errSealed
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
				if secret, key, err := open(keys, from.WebhookID, *sealed); err == nil && key > 0 { // what none opens stays
					*sealed, changed = seal(keys[0], from.WebhookID, secret), true
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

// aead is AES-256-GCM with a key of 32 bytes.
func aead(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err == nil {
		var a cipher.AEAD
		if a, err = cipher.NewGCM(block); err == nil {
			return a
		}
	}
	panic("webhook: a key must have 32 bytes: " + err.Error())
}
