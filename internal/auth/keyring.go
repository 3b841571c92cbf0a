package auth

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// maxSecrets is how many secrets a Keyring knows at a time.
const maxSecrets = 8

// Keyring signs with the newest of its secrets, and knows what those before it signed for a while longer: what is out in the world
// when a secret is replaced goes on being worth something. It is safe for concurrent use.
type Keyring struct {
	mu   sync.Mutex // who replaces
	keys atomic.Pointer[[]*signer]
}

type signer struct {
	secret []byte
	until  time.Time // zero: the newest
	macs   sync.Pool // of hash.Hash, with the secret in it
}

// NewKeyring returns a Keyring that signs with a secret, and knows what others signed that came before it.
func NewKeyring(secret []byte, before ...[]byte) *Keyring {
	k := &Keyring{}
	keys := []*signer{newSigner(secret)}
	for _, b := range before {
		keys = append(keys, newSigner(b))
	}
	k.keys.Store(&keys)
	return k
}

func newSigner(secret []byte) *signer {
	s := &signer{secret: secret}
	s.macs.New = func() any { return hmac.New(sha256.New, secret) }
	return s
}

// Replace signs with a secret from now on, and knows those before it that are named; others that it knew are known for grace longer.
// It reports whether anything is another one.
func (k *Keyring) Replace(grace time.Duration, secret []byte, before ...[]byte) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	old := *k.keys.Load()
	now := time.Now()
	keys := *NewKeyring(secret, before...).keys.Load()
	known := func(s *signer) bool {
		return slices.ContainsFunc(keys, func(k *signer) bool { return bytes.Equal(k.secret, s.secret) })
	}
	changed := !bytes.Equal(old[0].secret, secret)
	for _, s := range old {
		if known(s) {
			continue
		}
		until := s.until
		if until.IsZero() {
			until, changed = now.Add(grace), true
		}
		if now.Before(until) && len(keys) < maxSecrets {
			kept := newSigner(s.secret)
			kept.until = until
			keys = append(keys, kept)
		}
	}
	k.keys.Store(&keys)
	return changed
}

// Sum appends the MAC of a message by the newest secret.
func (k *Keyring) Sum(dst, message []byte) []byte { return (*k.keys.Load())[0].sum(dst, message) }

// Derive returns a key of 32 bytes for a purpose from each secret that is known, that of the newest first.
func (k *Keyring) Derive(purpose string) (keys [][]byte) {
	for _, s := range *k.keys.Load() {
		if s.until.IsZero() || time.Now().Before(s.until) {
			keys = append(keys, s.sum(nil, []byte(purpose)))
		}
	}
	return keys
}

// Verify reports whether a secret that is known signed a message.
func (k *Keyring) Verify(message, mac []byte) bool {
	for _, s := range *k.keys.Load() {
		var sum [sha256.Size]byte
		if hmac.Equal(mac, s.sum(sum[:0], message)) {
			return s.until.IsZero() || time.Now().Before(s.until)
		}
	}
	return false
}

func (s *signer) sum(dst, message []byte) []byte {
	mac := s.macs.Get().(hash.Hash)
	defer s.macs.Put(mac)
	mac.Reset()
	mac.Write(message)
	return mac.Sum(dst)
}
