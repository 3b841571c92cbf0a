package postgres

import (
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"codeforge/internal/auth"
)

// position is a place in the write-ahead log of a database: who has come as far sees all that was committed before it. The zero
// position is before everything.
type position struct {
	Timeline uint32 `json:"timeline"` // which history the place is in: each promotion of a standby begins another one
	LSN      uint64 `json:"lsn"`
}

// covers reports whether who stands at p has come as far as q.
func (p position) covers(q position) bool {
	return q == position{} || p.Timeline == q.Timeline && p.LSN >= q.LSN
}

// later is the one of two that is further on. Of two histories the newer one is where people are.
func (p position) later(q position) position {
	if q.Timeline > p.Timeline || q.Timeline == p.Timeline && q.LSN > p.LSN {
		return q
	}
	return p
}

// ask has a batch say, after its commit, how far the database is. The place where the next record goes is behind all that was committed,
// whether it was written already or not.
func (p *position) ask(b *pgx.Batch) {
	b.Queue(`select ('x' || substr(pg_walfile_name(i), 1, 8))::bit(32)::int8, (i - '0/0')::int8 from pg_current_wal_insert_lsn() i`).QueryRow(func(row pgx.Row) error {
		var timeline, lsn int64
		err := row.Scan(&timeline, &lsn)
		*p = position{uint32(timeline), atRecord(uint64(lsn))}
		return err
	})
}

// errBehind is what a replica answers that has not come as far as it must have.
var errBehind = errors.New("the replica has not replayed what the user wrote")

// demand has a batch fail on a server that has not come as far. It looks before the statement sees anything.
func (p *position) demand(b *pgx.Batch) {
	b.Queue("select coalesce((pg_last_wal_replay_lsn() - '0/0')::int8 >= $1, false)", int64(p.LSN)).QueryRow(func(row pgx.Row) error {
		var ok bool
		if err := row.Scan(&ok); err != nil {
			return err
		}
		if !ok {
			return errBehind
		}
		return nil
	})
}

// Pages of the log, and the header with which each begins.
const (
	walPage   = 8192
	walHeader = 24
)

// atRecord is a place without the header of the page in which nothing stands yet: the place where the last record ended, as those say who
// have replayed it.
func atRecord(lsn uint64) uint64 {
	if lsn%walPage == walHeader {
		return lsn - walHeader
	}
	return lsn
}

func (p position) String() string { return fmt.Sprintf("%d/%d", p.Timeline, p.LSN) }

// parsePosition is the inverse of String.
func parsePosition(text string) (p position, err error) {
	_, err = fmt.Sscanf(text, "%d/%d", &p.Timeline, &p.LSN)
	return p, err
}

// maxToken bounds what is looked at of a token.
const maxToken = 128

// token is a position as its user can carry it, and nobody make it.
func (p position) token(keys *auth.Keyring, user string) string {
	b := binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(nil, p.Timeline), p.LSN)
	return base64.RawURLEncoding.EncodeToString(keys.Sum(b, tokenClaim(b, user)))
}

// parseToken reads a token of a user; false: it is none.
func parseToken(keys *auth.Keyring, user, text string) (p position, ok bool) {
	const size = 12
	if len(text) > maxToken {
		return p, false
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(b) <= size || !keys.Verify(tokenClaim(b[:size], user), b[size:]) {
		return p, false
	}
	return position{binary.BigEndian.Uint32(b), binary.BigEndian.Uint64(b[4:])}, true
}

// tokenClaim is what a token signs.
func tokenClaim(place []byte, user string) []byte {
	return append(append(append(make([]byte, 0, 96), "codeforge/consistency/1\x00"...), user...), place...)
}
