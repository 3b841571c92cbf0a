package server

import (
	"context"
	"strings"
	"time"

	"codeforge/internal/cache"
	"codeforge/internal/redis"
)

// sharedStore is a store that several servers may have open, as a cache between them asks of it.
type sharedStore interface {
	cache.Epochs
	// CacheWriters names logins that may write what is kept, without its being known.
	CacheWriters(ctx context.Context) ([]string, error)
}

// readyWithin is how long a server waits at its start for what servers share, so that its first write need not tell the others to do
// without.
const readyWithin = 3 * time.Second

// openSharedCache puts a cache that servers share before a store that they share, where that is to be.
func (s *Server) openSharedCache(ctx context.Context) {
	if s.store.Exclusive || s.cfg.Cache == "off" {
		return
	}
	if s.redis == nil {
		if s.cfg.Cache == "on" {
			s.log.Warn("CACHE=on keeps nothing without REDIS_URL: other servers of this database would not know of writes")
		}
		return
	}
	if s.cfg.Cache == "auto" {
		if why := s.whyNotCached(ctx); why != "" {
			s.log.Info("reads are not kept: " + why + "; CACHE=on keeps them where nothing but CodeForge's servers writes, all with this Redis")
			return
		}
	}
	s.shared = cache.NewShared(redis.NewKept(s.redis, cache.MarkFor, cache.KeepFor), s.store.shared, s.log)
	s.store.putCache(s.shared)
}

// whyNotCached says who else may write the tables; "": nobody.
func (s *Server) whyNotCached(ctx context.Context) string {
	if s.store.Name == supabaseStore {
		return "clients of the Supabase project may write its tables"
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	names, err := s.store.shared.CacheWriters(ctx)
	if err != nil {
		return "it is not known who else may write the tables"
	}
	if len(names) > 5 {
		names = append(names[:5], "...")
	}
	if len(names) > 0 {
		return "other logins may write the tables (" + strings.Join(names, ", ") + ")"
	}
	return ""
}
