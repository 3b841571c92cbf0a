package server

import (
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"codeforge"
	"codeforge/internal/redis"
)

// openRedis connects what the servers of one store share, where there is a Redis. It may be away, for as long as it takes.
func (s *Server) openRedis() (err error) {
	url := s.cfg.redisURL()
	if url == "" {
		return nil
	}
	if s.redis, err = redis.Open(redis.Options{URL: url, Prefix: s.cfg.RedisPrefix, Log: s.log.With("logger", "redis")}); err != nil {
		return err
	}
	if s.store.Exclusive {
		s.log.Info("no other server can have the embedded database open: Redis carries no jobs and events, and counts requests only")
		return nil
	}
	s.store.courier = redis.NewCourier(s.redis)
	s.log.Info("servers of this store meet over Redis", "prefix", s.cfg.RedisPrefix)
	return nil
}

// meetOthers names the store to Redis, so that the servers of it, and no others, meet there. A store that does not answer yet is asked
// again.
func (s *Server) meetOthers(ctx context.Context) {
	for {
		ask, cancel := context.WithTimeout(ctx, 10*time.Second)
		id, err := s.store.id(ask)
		cancel()
		if err == nil {
			s.redis.Meet(id)
			return
		}
		s.log.Warn("servers of this store cannot meet over Redis yet", "next", "look at the store in /readyz?verbose; it is asked again every five seconds", "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(5 * time.Second):
		}
	}
}

// folderID names the store in a data folder.
func folderID(dir string) func(context.Context) (string, error) {
	return func(context.Context) (string, error) {
		dir, err := filepath.Abs(dir)
		if err != nil {
			return "", err
		}
		host, err := os.Hostname()
		return fmt.Sprintf("%x", sha256.Sum256([]byte(host+"\x00"+dir)))[:32], err
	}
}

// checkRedis says that Redis is away. That makes a server slower, and keeps it from nothing.
func (s *Server) checkRedis() error {
	if err := s.redis.Check(); err != nil {
		return &codeforge.Error{Kind: codeforge.Unavailable, Cause: err,
			Message: "Redis does not answer: other servers are looked at instead of being told, and each server counts requests alone; the log and codeforge doctor say why"}
	}
	return nil
}

// redis tries whether Redis can be used as a server would use it.
func (d *doctor) redis(ctx context.Context) Finding {
	url := d.redisURL()
	if url == "" {
		return Finding{}
	}
	const part = "Redis of REDIS_URL"
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := redis.Try(ctx, redis.Options{URL: url, Prefix: d.RedisPrefix}); err != nil {
		return Finding{part, FindingBroken, err.Error() + ": servers work without it, and wait longer for each other's jobs and events. A user of it needs XGROUP, XADD, XREADGROUP, SET, GET, DEL, PUBLISH, SUBSCRIBE and scripts (EVALSHA, EVAL) on the keys and channels " + d.RedisPrefix + ":*"}
	}
	return Finding{part, FindingOK, ""}
}
