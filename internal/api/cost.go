package api

import (
	"context"
	"sync"
	"time"

	"codeforge"
)

// costCache keeps what jobs cost as it was last read, for [costAge] and no longer than the job's row stands: polls of a job
// come many times a second, and the ledger is a second question to the store.
type costCache struct {
	mu   sync.Mutex
	jobs map[costKey]knownCost
}

type costKey struct {
	user, job string
	updated   int64 // the job's UpdatedAt, in nanoseconds
}

type knownCost struct {
	sum codeforge.UsageSum
	at  time.Time
}

const (
	costAge  = time.Second
	maxCosts = 4096 // kept at once; beyond, all are forgotten
)

// jobCost is the sum of a job's calls, at most [costAge] old.
func (s *server) jobCost(ctx context.Context, u codeforge.User, job *codeforge.Job) (codeforge.UsageSum, error) {
	c, key := &s.costs, costKey{u.ID, job.ID, job.UpdatedAt.UnixNano()}
	c.mu.Lock()
	known, ok := c.jobs[key]
	c.mu.Unlock()
	if ok && time.Since(known.at) < costAge {
		return known.sum, nil
	}
	at := time.Now()
	sum, _, err := s.Ledger.SumUsage(ctx, u, codeforge.UsageFilter{JobID: job.ID, Group: codeforge.ByJob, Limit: 1})
	if err != nil {
		return sum, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.jobs == nil || len(c.jobs) >= maxCosts {
		c.jobs = map[costKey]knownCost{}
	}
	c.jobs[key] = knownCost{sum, at}
	return sum, nil
}
