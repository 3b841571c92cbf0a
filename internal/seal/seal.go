// Package seal encrypts secrets that are stored: AES-256-GCM, bound to whose they are.
package seal

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
)

// version is the first byte of what is sealed, before nonce and text.
const version = 1

// ErrSealed says that none of the keys opens a secret, or not for this owner.
var ErrSealed = errors.New("a stored secret cannot be opened with the keys of this server")

// Seal encrypts a secret with a key of 32 bytes. It opens for this owner alone.
func Seal(key []byte, owner string, secret []byte) []byte {
	a := aead(key)
	nonce := make([]byte, a.NonceSize())
	rand.Read(nonce)
	return a.Seal(append([]byte{version}, nonce...), nonce, secret, []byte(owner))
}

// Open returns a secret that one of some keys sealed, and which of them, or [ErrSealed].
func Open(keys [][]byte, owner string, sealed []byte) (secret []byte, key int, err error) {
	for i, key := range keys {
		a := aead(key)
		if n := a.NonceSize(); len(sealed) > n && sealed[0] == version {
			if secret, err := a.Open(nil, sealed[1:1+n], sealed[1+n:], []byte(owner)); err == nil {
				return secret, i, nil
			}
		}
	}
	return nil, 0, ErrSealed
}

func aead(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err == nil {
		var a cipher.AEAD
		if a, err = cipher.NewGCM(block); err == nil {
			return a
		}
	}
	panic("seal: a key must have 32 bytes: " + err.Error())
}
