package npm

import (
	"crypto/sha1" //nolint:gosec // what the oldest packages have
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"hash"
	"strings"
)

// integrity is what a tarball must hash to: the strongest of what was said of it.
type integrity struct {
	algorithm string
	sums      [][]byte // any of them
}

var strengths = []string{"sha512", "sha384", "sha256", "sha1"}

// parseIntegrity reads W3C's SRI; ok is false where it names nothing that we know.
func parseIntegrity(text string) (out integrity, ok bool) {
	for _, algorithm := range strengths {
		for word := range strings.FieldsSeq(text) {
			rest, is := strings.CutPrefix(word, algorithm+"-")
			rest, _, _ = strings.Cut(rest, "?")
			sum, err := base64.StdEncoding.DecodeString(rest)
			if is && err == nil && len(sum) == newHash(algorithm).Size() {
				out.algorithm, out.sums = algorithm, append(out.sums, sum)
			}
		}
		if len(out.sums) > 0 {
			return out, true
		}
	}
	return out, false
}

func newHash(algorithm string) hash.Hash {
	switch algorithm {
	case "sha512":
		return sha512.New()
	case "sha384":
		return sha512.New384()
	case "sha256":
		return sha256.New()
	}
	return sha1.New()
}

func (i integrity) holds(sum []byte) bool {
	for _, want := range i.sums {
		if subtle.ConstantTimeCompare(want, sum) == 1 {
			return true
		}
	}
	return false
}

// weak reports whether somebody could make another tarball of the same sum. Packages from before 2017 have no better.
func (i integrity) weak() bool { return i.algorithm == "sha1" }

// key is a name for a folder.
func (i integrity) key() string {
	sum := sha256.Sum256(append([]byte(i.algorithm+":"), i.sums[0]...))
	return hex.EncodeToString(sum[:20])
}

// integrityOf is what a registry says of a version's tarball.
func integrityOf(m *manifest) string {
	if _, ok := parseIntegrity(m.Dist.Integrity); ok {
		return m.Dist.Integrity
	}
	if sum, err := hex.DecodeString(m.Dist.Shasum); err == nil && len(sum) == sha1.Size {
		return "sha1-" + base64.StdEncoding.EncodeToString(sum)
	}
	return ""
}
