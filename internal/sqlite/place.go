package sqlite

import (
	"context"
	"slices"
	"time"

	"codeforge"
)

// QueuePlaces asks the queue in memory; a store that is open for reading alone has none.
func (s *Store) QueuePlaces(ctx context.Context, jobIDs []string, p codeforge.ClaimPolicy) (map[string]codeforge.QueuePlace, error) {
	places := map[string]codeforge.QueuePlace{}
	if s.jobs == nil {
		return places, nil
	}
	now := s.now()
	for _, id := range jobIDs {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if at, queued := s.jobs.stand(id, now, &p); queued {
			places[id] = at
		}
	}
	return places, nil
}

// stand says where a queued job stands.
func (q *queue) stand(id string, now time.Time, p *codeforge.ClaimPolicy) (at codeforge.QueuePlace, queued bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	e := q.jobs[id]
	if e == nil || e.running {
		return at, false
	}
	return codeforge.QueuePlace{Place: 1 + q.ahead(e, p), WaitingFor: q.waitsFor(e, now, p)}, true
}

func (q *queue) waitsFor(e *openJobEntry, now time.Time, p *codeforge.ClaimPolicy) codeforge.WaitReason {
	switch {
	case e.agent.ChangesFiles() && q.lines[e.project].head != e:
		return codeforge.WaitsForProject
	case e.due.After(now):
		return codeforge.WaitsForTime
	case e.crashes >= codeforge.SuspectCrashes && q.suspectRuns(nil, now):
		return codeforge.WaitsForRecovery
	case q.userFull(e, p):
		return codeforge.WaitsForUser
	case q.agentFull(e.agent, p):
		return codeforge.WaitsForAgent
	case len(q.running) == 0 && now.Sub(e.due) >= codeforge.NobodyClaims:
		return codeforge.WaitsForAnyone
	}
	return codeforge.WaitsForWorker
}

// ahead counts the ready jobs whose turn comes before that of e, which counts as ready itself, as things stand: of each user the
// first of the highest priority, then the first of those of the same.
func (q *queue) ahead(e *openJobEntry, p *codeforge.ClaimPolicy) (n int) {
	priority := p.Priority[e.agent]
	running, turn := 0, 0
	if u := q.users[e.user]; u != nil {
		higher, same := u.ready(priority, p)
		mine, _ := slices.BinarySearchFunc(same, e, byAge)
		running, turn = u.running, higher+mine
	}
	for _, u := range q.users {
		higher, same := u.ready(priority, p)
		n += higher
		if u == q.users[e.user] {
			mine, _ := slices.BinarySearchFunc(same, e, byAge)
			n += mine
			continue
		}
		// The i-th of these has its turn when its user runs u.running + higher + i.
		first := running + turn - u.running - higher
		n += min(max(first, 0), len(same))
		if first >= 0 && first < len(same) && same[first].seq < e.seq {
			n++
		}
	}
	return n
}

// ready counts the jobs of higher priority, and lists those of the same one by age.
func (u *queueUser) ready(priority int, p *codeforge.ClaimPolicy) (higher int, same []*openJobEntry) {
	shared := false
	for agent, line := range u.lines {
		switch at := p.Priority[agent]; {
		case at > priority:
			higher += len(line.jobs)
		case at == priority && same == nil:
			same = line.jobs
		case at == priority:
			if !shared {
				same, shared = slices.Clone(same), true
			}
			same = append(same, line.jobs...)
		}
	}
	if shared {
		slices.SortFunc(same, byAge)
	}
	return higher, same
}
