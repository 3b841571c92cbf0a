package webhook

import (
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
	a := aead(d.o.Keys()[0])
	nonce := make([]byte, a.NonceSize())
	rand.Read(nonce)
	sealed = a.Seal(append([]byte{sealVersion}, nonce...), nonce, secret[:], []byte(webhookID))
	return secretPrefix + base64.StdEncoding.EncodeToString(secret[:]), sealed
}

// open returns a secret that any of the server's keys sealed.
func (d *Dispatcher) open(webhookID string, sealed []byte) ([]byte, error) {
	for _, key := range d.o.Keys() {
		a := aead(key)
		if n := a.NonceSize(); len(sealed) > n && sealed[0] == sealVersion {
			if secret, err := a.Open(nil, sealed[1:1+n], sealed[1+n:], []byte(webhookID)); err == nil {
				return secret, nil
			}
		}
	}
	return nil, errSealed
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
