package codeforge

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"sync"
	"time"
)

var lastID struct {
	sync.Mutex
	tick uint64 // milliseconds<<12 | counter of the newest id, so that ids of one process only grow
}

// NewID returns a UUID of version 7 (RFC 9562, method 1): sorted by time, which keeps indexes dense, and with 62
// bits from crypto/rand, so that an id cannot be guessed. Ids made by one process strictly increase.
func NewID() string {
	var b [16]byte
	rand.Read(b[8:]) // never fails since Go 1.24
	lastID.Lock()
	tick := uint64(time.Now().UnixMilli()) << 12
	if tick <= lastID.tick {
		tick = lastID.tick + 1
	}
	lastID.tick = tick
	lastID.Unlock()
	ms := tick >> 12
	b[0], b[1], b[2], b[3], b[4], b[5] = byte(ms>>40), byte(ms>>32), byte(ms>>24), byte(ms>>16), byte(ms>>8), byte(ms)
	b[6], b[7] = 0x70|byte(tick>>8)&0x0f, byte(tick)
	b[8] = 0x80 | b[8]&0x3f
	var out [36]byte
	hex.Encode(out[0:8], b[0:4])
	hex.Encode(out[9:13], b[4:6])
	hex.Encode(out[14:18], b[6:8])
	hex.Encode(out[19:23], b[8:10])
	hex.Encode(out[24:36], b[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// ParseID returns the canonical (lower case) form of a UUID of any version, or an [Invalid] error for the field "id".
func ParseID(s string) (string, error) {
	if !isUUID(s) {
		return "", InvalidField("id", "Invalid UUID format")
	}
	return strings.ToLower(s), nil
}

func isUUID(s string) bool {
	if len(s) != 36 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}
