package storetest

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"codeforge"
)

// users makes so many, with a project each.
func (s *suite) users(n int) (all []codeforge.User, projects []codeforge.Project) {
	s.Helper()
	for range n {
		u := codeforge.User{ID: codeforge.NewID(), Role: "authenticated"}
		all, projects = append(all, u), append(projects, s.projectOf(u))
	}
	return all, projects
}

func (s *suite) submitBy(u codeforge.User, p codeforge.Project, agent codeforge.AgentType) string {
	s.Helper()
	j, _, _, err := s.SubmitJob(s.ctx(), u, codeforge.NewJob{ProjectID: p.ID, Agent: agent})
	s.ok(err)
	return j.ID
}

// end completes jobs as their worker.
func (s *suite) end(list ...codeforge.Job) {
	s.Helper()
	for _, j := range list {
		s.finish(j, completes)
	}
}

var queueTests = []test{
	{"many jobs of one user do not hold up another's first", func(s *suite) {
		u, p := s.users(3)
		var many []string
		for range 12 {
			many = append(many, s.submitBy(u[0], p[0], codeforge.QA))
		}
		b := []string{s.submitBy(u[1], p[1], codeforge.QA), s.submitBy(u[1], p[1], codeforge.Research)}
		c := s.submitBy(u[2], p[2], codeforge.Pedagogy)
		s.same("by turns", s.claimAll(6, codeforge.ClaimPolicy{}), []string{many[0], b[0], c, many[1], b[1], many[2]})
		d := s.submitBy(u[1], p[1], codeforge.QA)
		s.same("who has fewer running", s.claimAll(2, codeforge.ClaimPolicy{}), []string{d, many[3]})
	}},
	{"one user's jobs run in order of submission", func(s *suite) {
		u, p := s.users(1)
		var want []string
		for i := range 10 {
			want = append(want, s.submitBy(u[0], p[0], []codeforge.AgentType{codeforge.QA, codeforge.Research, codeforge.Pedagogy}[i%3]))
		}
		s.same("claimed", append(s.claimAll(4, codeforge.ClaimPolicy{}), s.claimAll(10, codeforge.ClaimPolicy{})...), want)
	}},
	{"a type runs no more at once than its limit", func(s *suite) {
		u, p := s.users(2)
		policy := codeforge.ClaimPolicy{Running: map[codeforge.AgentType]int{codeforge.QA: 2}}
		a, b, c := s.submitBy(u[0], p[0], codeforge.QA), s.submitBy(u[0], p[0], codeforge.QA), s.submitBy(u[1], p[1], codeforge.QA)
		other := s.submitBy(u[0], p[0], codeforge.Research)
		got, err := s.ClaimJobs(s.ctx(), "w", lease, 10, policy)
		s.ok(err)
		var ids []string
		for _, j := range got.Jobs {
			ids = append(ids, j.ID)
		}
		for len(ids) < 3 && got.More { // it may take two claims
			more := s.claimAll(10, policy)
			if len(more) == 0 {
				break
			}
			ids = append(ids, more...)
		}
		slices.Sort(ids)
		want := []string{a, c, other}
		slices.Sort(want)
		s.same("claimed", ids, want)
		s.same("place", s.placeOf(policy, b), codeforge.QueuePlace{Place: 1, WaitingFor: codeforge.WaitsForAgent})
		s.same("nothing more", s.claimAll(10, policy), nil)
		for _, j := range got.Jobs {
			if j.ID == a {
				s.end(j)
			}
		}
		s.same("one ended", s.claimAll(10, policy), []string{b})
		s.same("without the limit", len(s.claimAll(10, codeforge.ClaimPolicy{})), 0)
	}},
	{"a user runs no more at once than the limit, and then waits", func(s *suite) {
		u, p := s.users(2)
		policy := codeforge.ClaimPolicy{RunningPerUser: 2}
		var mine []string
		for range 4 {
			mine = append(mine, s.submitBy(u[0], p[0], codeforge.QA))
		}
		theirs := s.submitBy(u[1], p[1], codeforge.QA)
		s.same("claimed", s.claimAll(10, policy), []string{mine[0], theirs, mine[1]})
		s.same("nothing more", s.claimAll(10, policy), nil)
		s.same("place", s.placeOf(policy, mine[3]), codeforge.QueuePlace{Place: 2, WaitingFor: codeforge.WaitsForUser})
	}},
	{"priorities go first, but nobody with nothing running waits for ever", func(s *suite) {
		u, p := s.users(3)
		policy := codeforge.ClaimPolicy{Priority: map[codeforge.AgentType]int{codeforge.Pedagogy: 10, codeforge.Research: -1}}
		low, qa := s.submitBy(u[0], p[0], codeforge.Research), s.submitBy(u[1], p[1], codeforge.QA)
		high, second := s.submitBy(u[2], p[2], codeforge.Pedagogy), s.submitBy(u[2], p[2], codeforge.Pedagogy)
		s.same("place", []int{s.placeOf(policy, low).Place, s.placeOf(policy, qa).Place, s.placeOf(policy, second).Place}, []int{4, 3, 2})
		s.same("highest", s.claimAll(1, policy), []string{high})
		s.same("though one of the user runs", s.claimAll(1, policy), []string{second})
		third := s.submitBy(u[2], p[2], codeforge.Pedagogy)
		s.advance(codeforge.Patience)
		s.claim(high) // their worker goes on
		s.claim(second)
		s.same("patience ends", s.claimAll(3, policy), []string{low, qa, third})
	}},
	{"a job says what it waits for", func(s *suite) {
		u, p := s.users(1)
		none := codeforge.ClaimPolicy{}
		head, behind, other := s.submitBy(u[0], p[0], codeforge.Code), s.submitBy(u[0], p[0], codeforge.Builder), s.submitBy(u[0], p[0], codeforge.QA)
		s.same("free", s.placeOf(none, head), codeforge.QueuePlace{Place: 1, WaitingFor: codeforge.WaitsForWorker})
		s.same("behind", s.placeOf(none, behind).WaitingFor, codeforge.WaitsForProject)
		s.same("other", s.placeOf(none, other), codeforge.QueuePlace{Place: 2, WaitingFor: codeforge.WaitsForWorker})
		s.advance(codeforge.NobodyClaims)
		s.same("nobody", s.placeOf(none, head).WaitingFor, codeforge.WaitsForAnyone)
		j := s.claim(head)
		s.same("somebody", s.placeOf(none, other).WaitingFor, codeforge.WaitsForWorker)
		s.finish(j, codeforge.Outcome{Status: codeforge.Queued, RunAt: j.CreatedAt.Add(time.Hour)})
		s.same("its time", s.placeOf(none, head).WaitingFor, codeforge.WaitsForTime)
		places, err := s.QueuePlaces(s.ctx(), []string{codeforge.NewID(), s.claim(other).ID}, none)
		s.ok(err)
		s.same("not queued", len(places), 0)
		places, err = s.QueuePlaces(s.ctx(), nil, none)
		s.ok(err)
		s.same("none", len(places), 0)
	}},
	{"whatever happens, the next is the one that the rules say", func(s *suite) { s.walk(40) }},
}

func (s *suite) placeOf(p codeforge.ClaimPolicy, id string) codeforge.QueuePlace {
	s.Helper()
	places, err := s.QueuePlaces(s.ctx(), []string{id}, p)
	s.ok(err)
	if _, ok := places[id]; !ok {
		s.Fatalf("job %s stands nowhere", id)
	}
	return places[id]
}

// modelJob is an open job as the model of the queue has it.
type modelJob struct {
	id, project string
	user        int
	agent       codeforge.AgentType
	seq         int
	running     codeforge.Job // Fence is 0 of a queued one
}

// walk submits, claims, ends and cancels at random, and wants each claim to be what the rules say when they are written down without
// any thought of cost.
func (s *suite) walk(steps int) {
	s.Helper()
	random := rand.New(rand.NewPCG(1, uint64(steps)))
	u, p := s.users(4)
	agents := []codeforge.AgentType{codeforge.QA, codeforge.Code, codeforge.Research, codeforge.Code}
	policy := codeforge.ClaimPolicy{Running: map[codeforge.AgentType]int{codeforge.QA: 3}, Priority: map[codeforge.AgentType]int{codeforge.Research: 1}, RunningPerUser: 4}
	var open []*modelJob
	drop := func(j *modelJob) { open = slices.DeleteFunc(open, func(o *modelJob) bool { return o == j }) }
	for seq := range steps {
		for range 1 + random.IntN(3) {
			who := min(random.IntN(6), 3)
			if who == 3 && random.IntN(2) == 0 {
				who = 0
			}
			j := &modelJob{project: p[who].ID, user: who, agent: agents[random.IntN(len(agents))], seq: seq*10 + len(open)}
			j.id = s.submitBy(u[who], p[who], j.agent)
			j.seq = 1_000_000*seq + len(open) // order of submission
			open = append(open, j)
		}
		for range random.IntN(3) {
			want := nextByTheRules(open, &policy)
			got, err := s.ClaimJobs(s.ctx(), "w", lease, 1, policy)
			s.ok(err)
			switch {
			case want == nil && len(got.Jobs) > 0, want != nil && len(got.Jobs) == 0, want != nil && got.Jobs[0].ID != want.id:
				s.Fatalf("step %d: claimed %+v, want %+v", seq, got.Jobs, want)
			case want != nil:
				want.running = got.Jobs[0]
			}
		}
		if len(open) > 0 {
			switch j := open[random.IntN(len(open))]; {
			case j.running.Fence > 0:
				s.end(j.running)
				drop(j)
			case random.IntN(4) == 0:
				_, err := s.CancelJob(s.ctx(), u[j.user], j.id)
				s.ok(err)
				drop(j)
			}
		}
	}
}

func nextByTheRules(open []*modelJob, p *codeforge.ClaimPolicy) *modelJob {
	ofUser, ofAgent := map[int]int{}, map[codeforge.AgentType]int{}
	for _, j := range open {
		if j.running.Fence > 0 {
			ofUser[j.user]++
			ofAgent[j.agent]++
		}
	}
	var due []*modelJob
	for _, j := range open {
		blocked := j.running.Fence > 0 || ofUser[j.user] >= p.RunningPerUser
		if most, ok := p.Running[j.agent]; ok && ofAgent[j.agent] >= most {
			blocked = true
		}
		for _, o := range open {
			blocked = blocked || j.agent.ChangesFiles() && o != j && o.project == j.project && o.agent.ChangesFiles() && (o.running.Fence > 0 || o.seq < j.seq)
		}
		if !blocked {
			due = append(due, j)
		}
	}
	if len(due) == 0 {
		return nil
	}
	return slices.MinFunc(due, func(a, b *modelJob) int {
		return cmp.Or(cmp.Compare(p.Priority[b.agent], p.Priority[a.agent]), cmp.Compare(ofUser[a.user], ofUser[b.user]), cmp.Compare(a.seq, b.seq))
	})
}

// limitsHold has many servers claim and end jobs at once, and wants no limit to be exceeded, whoever claims.
func (s *suite) limitsHold(jobs int) {
	s.Helper()
	u, p := s.users(3)
	policy := codeforge.ClaimPolicy{Running: map[codeforge.AgentType]int{codeforge.QA: 3}, RunningPerUser: 2}
	for i := range jobs {
		s.submitBy(u[i%3], p[i%3], []codeforge.AgentType{codeforge.QA, codeforge.Research}[i%2])
	}
	var mu sync.Mutex
	running := map[string]int{}
	count := func(j codeforge.Job, by int) (qa, user int) {
		mu.Lock()
		defer mu.Unlock()
		running[string(j.Agent)] += by
		running[j.UserID] += by
		return running[string(codeforge.QA)], running[j.UserID]
	}
	var done atomic.Int32
	s.race(func(i int) error {
		for int(done.Load()) < jobs {
			got, err := s.ClaimJobs(s.ctx(), fmt.Sprint(i), lease, 1+i%3, policy)
			if err != nil {
				return err
			}
			for _, j := range got.Jobs {
				if qa, user := count(j, 1); qa > 3 || user > 2 {
					return fmt.Errorf("%d of a type, %d of a user run", qa, user)
				}
			}
			for _, j := range got.Jobs {
				count(j, -1) // before its end is stored: then others may claim
				if _, err := s.FinishJob(s.ctx(), fence(j), completes); err != nil {
					return err
				}
				done.Add(1)
			}
		}
		return nil
	})
}
