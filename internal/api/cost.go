package api

import (
	"context"
	"time"

	"codeforge"
)

// costKey is the row of a job as it stands: what the job cost is kept no longer than that.
type costKey struct {
	user, job string
	updated   int64 // the job's UpdatedAt, in nanoseconds
}

type knownCost struct {
	sum codeforge.UsageSum
	at  time.Time
}

const (
	// costAge is how long a cost is taken to be what it was: polls of a job come many times a second, and the ledger is a second
	// question to the store.
	costAge   = time.Second
	costBytes = 200
	keptCosts = 4 << 20 // bytes
)

// jobCost is the sum of a job's calls, at most [costAge] old.
func (s *server) jobCost(ctx context.Context, u codeforge.User, job *codeforge.Job) (codeforge.UsageSum, error) {
	key := costKey{u.ID, job.ID, job.UpdatedAt.UnixNano()}
	if known, ok := s.costs.Get(key); ok && time.Since(known.at) < costAge {
		return known.sum, nil
	}
	at := time.Now()
	sum, _, err := s.Ledger.SumUsage(ctx, u, codeforge.UsageFilter{JobID: job.ID, Group: codeforge.ByJob, Limit: 1})
	if err == nil {
		s.costs.Put(key, knownCost{sum, at}, costBytes)
	}
	return sum, err
}
