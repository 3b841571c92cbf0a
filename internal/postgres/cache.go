package postgres

import (
	"context"
	"time"

	"codeforge"
)

// epochRow is a [codeforge.CacheEpoch] as the schema says it.
type epochRow struct {
	Number    int64
	Suspended bool
	SinceMS   int64 `json:"since_ms"`
}

func (e epochRow) epoch() codeforge.CacheEpoch {
	return codeforge.CacheEpoch{Number: e.Number, Suspended: e.Suspended, Since: time.Duration(e.SinceMS) * time.Millisecond}
}

// CacheEpoch is the database's word on what its servers keep of it elsewhere.
func (s *Store) CacheEpoch(ctx context.Context) (codeforge.CacheEpoch, error) {
	e, _, _, err := system[epochRow](ctx, s, "cache_epoch")
	return e.epoch(), err
}

// SuspendCache has nobody use what is kept for so long from now on. If that was not so already, a new epoch begins.
func (s *Store) SuspendCache(ctx context.Context, d time.Duration) (codeforge.CacheEpoch, error) {
	e, _, _, err := system[epochRow](ctx, s, "suspend_cache", arg{"ms", d.Milliseconds()})
	return e.epoch(), err
}

// CacheWriters names logins that may write what servers keep, without their knowing.
func (s *Store) CacheWriters(ctx context.Context) ([]string, error) {
	names, _, _, err := system[[]string](ctx, s, "cache_writers")
	return names, err
}
