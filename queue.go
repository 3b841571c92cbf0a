package codeforge

import "time"

// ClaimPolicy says which of the jobs that are due are next, on all servers together. The zero value bounds nothing and
// prefers nobody's but the user's who has the fewest running.
//
// The order: what a worker vanished with; then, by age, what users wait for who have none running, for longer than [Patience]; then
// by priority, by how many jobs of its user run, and by age.
type ClaimPolicy struct {
	Running        map[AgentType]int // jobs of a type that run at once at most; a type that is not in it: any number
	Priority       map[AgentType]int // higher goes first; 0 where nothing is said
	RunningPerUser int               // jobs of one user that run at once at most; 0: any number

	// Of one claim. Only are jobs, by id or alias, beside which none is claimed; nil: any is. Held are those that run in the
	// process that claims: they are not claimed again, though their leases may seem to have lapsed.
	Only, Held []string
}

// Patience is how long priorities, and the jobs that others run, may hold up a user who has no job running.
const Patience = 10 * time.Minute

// NobodyClaims is how long a job that could run at once is queued, while none runs, before it is said that nobody claims jobs.
const NobodyClaims = 5 * time.Second

// Claimed is what a claim came to.
type Claimed struct {
	Jobs []Job         // running now, in the order of the policy
	More bool          // others were due as well
	Next time.Duration // how soon a job may become due that is not now; 0: none is known
}

// WaitReason says what a queued job waits for.
type WaitReason string

const (
	WaitsForWorker   WaitReason = "free_worker"       // its turn, and a worker that is free
	WaitsForProject  WaitReason = "project"           // an older job that changes the same project
	WaitsForAgent    WaitReason = "agent_limit"       // the limit on running jobs of its agent type
	WaitsForUser     WaitReason = "user_limit"        // the limit on running jobs of its user
	WaitsForTime     WaitReason = "retry"             // its time: it is tried again then
	WaitsForRecovery WaitReason = "recovery"          // another job under which workers vanished: those run one at a time
	WaitsForAnyone   WaitReason = "no_worker_running" // a worker: none is running
)

// WaitReasons are all of them.
var WaitReasons = []WaitReason{WaitsForWorker, WaitsForProject, WaitsForAgent, WaitsForUser, WaitsForTime, WaitsForRecovery, WaitsForAnyone}

// Words say it to people.
func (r WaitReason) Words() string {
	switch r {
	case WaitsForProject:
		return "an older job on this project"
	case WaitsForAgent:
		return "the limit of its agent type"
	case WaitsForUser:
		return "your own running jobs"
	case WaitsForTime:
		return "its time to be tried again"
	case WaitsForRecovery:
		return "another job whose workers vanished: such run one at a time"
	case WaitsForAnyone:
		return "a worker, and none is running"
	}
	return "a free worker"
}

// QueuePlace is where a queued job stands.
type QueuePlace struct {
	Place      int // 1: the next; as things stand, and if all that stand before it are as willing
	WaitingFor WaitReason
}

// Limits reports whether the policy bounds what runs at once, so that a job's end may make another one due.
func (p *ClaimPolicy) Limits() bool { return len(p.Running) > 0 || p.RunningPerUser > 0 }
