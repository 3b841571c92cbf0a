package sqlite

import (
	"container/heap"
	"slices"
	"sync"
	"time"

	"codeforge"
)

// queue is the open jobs, queued and running, as the writer's transaction has them: only this process can change them, so which
// of them is next is decided in memory, and a claim reads no table. The writer changes it with the rows; what is rolled back
// it takes back. Readers ask it where jobs stand.
//
// A queued job that could run now is ready. Ready jobs stand in a line for each user and agent type, and these lines in a heap
// for each type, the line of the user with the fewest running jobs on top, so that each step costs the logarithm of their number.
type queue struct {
	mu      sync.Mutex
	jobs    map[string]*openJobEntry
	users   map[string]*queueUser
	agents  map[codeforge.AgentType]*queueAgent
	lines   map[int64]*projectLine // by project, of jobs that change files
	running map[*openJobEntry]struct{}
	delayed delayedHeap     // queued jobs whose time has not come
	suspect []*openJobEntry // ready ones under which workers vanished, by age
	queued  int

	undo []queueChange
	// Of the writer. It was read from the table in this transaction; what a rollback leaves is not known, nor whether a commit
	// that failed was made: then it is read again before it is used.
	reread, stale bool
}

// openJobEntry is what the queue knows of an open job.
type openJobEntry struct {
	seq, project int64
	id, user     string
	agent        codeforge.AgentType
	running      bool
	due          time.Time
	crashes      int

	stands stance
	index  int // in delayed
}

// stance is where in the queue an open job is.
type stance int

const (
	behind stance = iota // another job of its project is before it
	ready
	suspected
	later // its time has not come
	runs
)

type queueUser struct {
	running int
	lines   map[codeforge.AgentType]*userLine
}

type queueAgent struct {
	running int
	lines   userHeap
}

// userLine is the ready jobs of one user and agent type, by age.
type userLine struct {
	user  *queueUser
	jobs  []*openJobEntry
	index int // in the heap of its type
}

// projectLine is the open jobs that change files of one project, by age. Only head may run.
type projectLine struct {
	jobs []*openJobEntry
	head *openJobEntry
	runs *openJobEntry
}

// queueChange is how an open job was before; nil: it was not.
type queueChange struct {
	id     string
	before *openJobEntry
}

func newQueue() *queue {
	return &queue{jobs: map[string]*openJobEntry{}, users: map[string]*queueUser{}, agents: map[codeforge.AgentType]*queueAgent{},
		lines: map[int64]*projectLine{}, running: map[*openJobEntry]struct{}{}}
}

// set is told how a row of jobs is now.
func (q *queue) set(j *jobRow, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	old := q.jobs[j.ID]
	if old == nil && j.due.IsZero() {
		return
	}
	if old != nil && old.running == (j.Status == codeforge.Running) && old.crashes == j.Crashes && !j.due.IsZero() && (old.running || old.due.Equal(j.due)) {
		old.due = j.due // a lease was renewed, or what is no matter of the queue changed
		return
	}
	change := queueChange{id: j.ID}
	if old != nil {
		change.before = new(*old)
		q.remove(old, now)
	}
	q.undo = append(q.undo, change)
	if !j.due.IsZero() {
		q.insert(&openJobEntry{seq: j.seq, project: j.project, id: j.ID, user: j.UserID, agent: j.Agent, running: j.Status == codeforge.Running,
			due: j.due, crashes: j.Crashes}, now)
	}
}

// readQueue makes the queue anew from what the writer's transaction sees of the table.
func (c *conn) readQueue(now time.Time) error {
	var open []*openJobEntry
	err := c.each("SELECT seq, project, id, user_id, agent, status = 'running', due_at, crashes FROM jobs INDEXED BY jobs_open WHERE due_at IS NOT NULL ORDER BY seq", nil, func(r row) error {
		e := &openJobEntry{}
		open = append(open, e)
		return r.scan(&e.seq, &e.project, &e.id, &e.user, (*string)(&e.agent), &e.running, &e.due, &e.crashes)
	})
	if err == nil {
		c.jobs.reset(open, now)
	}
	c.jobs.stale, c.jobs.reread = err != nil, true
	return err
}

// begin forgets what there was to take back: it was committed.
func (q *queue) begin() {
	clear(q.undo)
	q.undo, q.reread = q.undo[:0], false
}

// mark is a point to which [queue.revert] goes back.
func (q *queue) mark() int { return len(q.undo) }

// revert takes back what was changed since a mark.
func (q *queue) revert(mark int, now time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.stale = q.stale || q.reread; q.stale {
		return
	}
	for len(q.undo) > mark {
		c := q.undo[len(q.undo)-1]
		q.undo = q.undo[:len(q.undo)-1]
		if e := q.jobs[c.id]; e != nil {
			q.remove(e, now)
		}
		if c.before != nil {
			q.insert(c.before, now)
		}
	}
}

// reset forgets everything, and takes in what is open by the table.
func (q *queue) reset(open []*openJobEntry, now time.Time) {
	fresh := newQueue()
	for _, e := range open {
		fresh.insert(e, now)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.jobs, q.users, q.agents, q.lines, q.running = fresh.jobs, fresh.users, fresh.agents, fresh.lines, fresh.running
	q.delayed, q.suspect, q.queued, q.undo = fresh.delayed, fresh.suspect, fresh.queued, nil
}

func (q *queue) insert(e *openJobEntry, now time.Time) {
	q.jobs[e.id] = e
	if !e.running {
		q.queued++
	}
	e.stands = behind
	if !e.agent.ChangesFiles() {
		q.place(e, now)
		return
	}
	line := q.lines[e.project]
	if line == nil {
		line = &projectLine{}
		q.lines[e.project] = line
	}
	line.jobs = insertByAge(line.jobs, e)
	if e.running {
		line.runs = e
		q.place(e, now)
	}
	q.lineUp(line, now)
}

func (q *queue) remove(e *openJobEntry, now time.Time) {
	delete(q.jobs, e.id)
	if !e.running {
		q.queued--
	}
	q.unplace(e)
	if !e.agent.ChangesFiles() {
		return
	}
	line := q.lines[e.project]
	line.jobs = deleteByAge(line.jobs, e)
	if line.head == e {
		line.head = nil
	}
	if line.runs == e {
		line.runs = nil
	}
	if len(line.jobs) == 0 {
		delete(q.lines, e.project)
		return
	}
	q.lineUp(line, now)
}

// lineUp finds the head of a line: the job that runs, else the oldest.
func (q *queue) lineUp(line *projectLine, now time.Time) {
	head := line.jobs[0]
	if line.runs != nil {
		head = line.runs
	}
	if line.head == head {
		return
	}
	if line.head != nil && !line.head.running {
		q.unplace(line.head)
	}
	if line.head = head; !head.running {
		q.place(head, now)
	}
}

// place puts a job where it belongs: it is running, or nothing of its project is before it.
func (q *queue) place(e *openJobEntry, now time.Time) {
	switch {
	case e.running:
		e.stands = runs
		q.running[e] = struct{}{}
		q.agent(e).running++
		q.changeRunning(q.user(e), 1)
	case e.due.After(now):
		e.stands = later
		heap.Push(&q.delayed, e)
	case e.crashes >= codeforge.SuspectCrashes:
		e.stands = suspected
		q.suspect = insertByAge(q.suspect, e)
	default:
		e.stands = ready
		u, a := q.user(e), q.agent(e)
		line := u.lines[e.agent]
		if line == nil {
			line = &userLine{user: u}
			u.lines[e.agent] = line
		}
		if line.jobs = insertByAge(line.jobs, e); len(line.jobs) == 1 {
			heap.Push(&a.lines, line)
		} else if line.jobs[0] == e {
			heap.Fix(&a.lines, line.index)
		}
	}
}

// unplace takes a job from where it stands; then it is behind.
func (q *queue) unplace(e *openJobEntry) {
	switch e.stands {
	case runs:
		delete(q.running, e)
		q.agent(e).running--
		u := q.user(e)
		q.changeRunning(u, -1)
		q.forget(e, u)
	case later:
		heap.Remove(&q.delayed, e.index)
	case suspected:
		q.suspect = deleteByAge(q.suspect, e)
	case ready:
		u, a := q.user(e), q.agent(e)
		line := u.lines[e.agent]
		first := line.jobs[0] == e
		if line.jobs = deleteByAge(line.jobs, e); len(line.jobs) == 0 {
			heap.Remove(&a.lines, line.index)
			delete(u.lines, e.agent)
			q.forget(e, u)
		} else if first {
			heap.Fix(&a.lines, line.index)
		}
	}
	e.stands = behind
}

func (q *queue) agent(e *openJobEntry) *queueAgent {
	a := q.agents[e.agent]
	if a == nil {
		a = &queueAgent{}
		q.agents[e.agent] = a
	}
	return a
}

func (q *queue) user(e *openJobEntry) *queueUser {
	u := q.users[e.user]
	if u == nil {
		u = &queueUser{lines: map[codeforge.AgentType]*userLine{}}
		q.users[e.user] = u
	}
	return u
}

// forget drops a user who has nothing ready and nothing running.
func (q *queue) forget(e *openJobEntry, u *queueUser) {
	if u.running == 0 && len(u.lines) == 0 {
		delete(q.users, e.user)
	}
}

func (q *queue) changeRunning(u *queueUser, by int) {
	u.running += by
	for agent, line := range u.lines {
		heap.Fix(&q.agents[agent].lines, line.index)
	}
}

// candidate is a job that could be claimed, and what its turn depends on.
type candidate struct {
	job      *openJobEntry
	patient  bool // its user has none running, and it has waited for long
	priority int
	running  int // jobs of its user
}

func (c *candidate) before(o *candidate) bool {
	switch {
	case o.job == nil || c.patient != o.patient:
		return o.job == nil || c.patient
	case c.patient:
	case c.priority != o.priority:
		return c.priority > o.priority
	case c.running != o.running:
		return c.running < o.running
	}
	return c.job.seq < o.job.seq
}

func (q *queue) candidate(e *openJobEntry, now time.Time, p *codeforge.ClaimPolicy) candidate {
	running := q.user(e).running
	return candidate{e, running == 0 && now.Sub(e.due) >= codeforge.Patience, p.Priority[e.agent], running}
}

// next is the job to be claimed now; nil: none is due.
func (q *queue) next(now time.Time, p *codeforge.ClaimPolicy, only []*openJobEntry) *openJobEntry {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.delayed) > 0 && !q.delayed[0].due.After(now) {
		q.place(heap.Pop(&q.delayed).(*openJobEntry), now)
	}
	if p.Only != nil {
		var best candidate
		for _, e := range only {
			if e.stands == runs && q.lapsed(e, now, p) {
				return e
			}
			if c := q.candidate(e, now, p); e.stands == ready && q.allowed(e, p) || e.stands == suspected && q.allowed(e, p) && !q.suspectRuns(nil, now) {
				if c.before(&best) {
					best = c
				}
			}
		}
		return best.job
	}
	var lapsed *openJobEntry
	for e := range q.running {
		if (lapsed == nil || e.seq < lapsed.seq) && q.lapsed(e, now, p) {
			lapsed = e
		}
	}
	if lapsed != nil {
		return lapsed
	}
	var best candidate
	for _, a := range q.agents {
		if len(a.lines) == 0 || !q.allowed(a.lines[0].jobs[0], p) { // then nobody's of this type is
			continue
		}
		if c := q.candidate(a.lines[0].jobs[0], now, p); c.before(&best) {
			best = c
		}
	}
	if len(q.suspect) > 0 && !q.suspectRuns(nil, now) {
		for _, e := range q.suspect {
			if c := q.candidate(e, now, p); q.allowed(e, p) && c.before(&best) {
				best = c
			}
		}
	}
	return best.job
}

// allowed reports whether the limits leave room for a job.
func (q *queue) allowed(e *openJobEntry, p *codeforge.ClaimPolicy) bool {
	return !q.agentFull(e.agent, p) && !q.userFull(e, p)
}

func (q *queue) agentFull(agent codeforge.AgentType, p *codeforge.ClaimPolicy) bool {
	most, bounded := p.Running[agent]
	return bounded && q.agents[agent] != nil && q.agents[agent].running >= most
}

func (q *queue) userFull(e *openJobEntry, p *codeforge.ClaimPolicy) bool {
	u := q.users[e.user]
	return p.RunningPerUser > 0 && u != nil && u.running >= p.RunningPerUser
}

// lapsed reports whether the worker of a running job has vanished, and the job may be taken over.
func (q *queue) lapsed(e *openJobEntry, now time.Time, p *codeforge.ClaimPolicy) bool {
	return !e.due.After(now) && !slices.Contains(p.Held, e.id) && (e.crashes < codeforge.SuspectCrashes || !q.suspectRuns(e, now))
}

// suspectRuns reports whether a job under which workers vanished, other than e, runs.
func (q *queue) suspectRuns(e *openJobEntry, now time.Time) bool {
	for o := range q.running {
		if o != e && o.crashes >= codeforge.SuspectCrashes && o.due.After(now) {
			return true
		}
	}
	return false
}

// later is the earliest time after now at which a job may become due.
func (q *queue) later(now time.Time) (at time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.delayed) > 0 {
		at = q.delayed[0].due
	}
	for e := range q.running {
		if e.due.After(now) && (at.IsZero() || e.due.Before(at)) {
			at = e.due
		}
	}
	return at
}

// head is the job of a project's line, other than that one, that is due now; "": there is none.
func (q *queue) head(project int64, but string, now time.Time) string {
	q.mu.Lock()
	defer q.mu.Unlock()
	line := q.lines[project]
	if line == nil || line.head.running || line.head.id == but || line.head.due.After(now) {
		return ""
	}
	if line.head.crashes >= codeforge.SuspectCrashes && q.suspectRuns(nil, now) {
		return ""
	}
	return line.head.id
}

func (q *queue) count() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.queued
}

func byAge(a, b *openJobEntry) int {
	switch {
	case a.seq < b.seq:
		return -1
	case a.seq > b.seq:
		return 1
	}
	return 0
}

func insertByAge(list []*openJobEntry, e *openJobEntry) []*openJobEntry {
	if n := len(list); n == 0 || list[n-1].seq < e.seq {
		return append(list, e)
	}
	i, _ := slices.BinarySearchFunc(list, e, byAge)
	return slices.Insert(list, i, e)
}

func deleteByAge(list []*openJobEntry, e *openJobEntry) []*openJobEntry {
	if list[0] == e {
		list[0] = nil
		return list[1:]
	}
	i, _ := slices.BinarySearchFunc(list, e, byAge)
	return slices.Delete(list, i, i+1)
}

// userHeap has the line on top whose user has the fewest jobs running, of those the one with the oldest job.
type userHeap []*userLine

func (h userHeap) Len() int { return len(h) }
func (h userHeap) Less(i, j int) bool {
	if a, b := h[i].user.running, h[j].user.running; a != b {
		return a < b
	}
	return h[i].jobs[0].seq < h[j].jobs[0].seq
}
func (h userHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *userHeap) Push(x any) {
	line := x.(*userLine)
	line.index = len(*h)
	*h = append(*h, line)
}
func (h *userHeap) Pop() any {
	old := *h
	line := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return line
}

// delayedHeap has the job on top whose time comes first.
type delayedHeap []*openJobEntry

func (h delayedHeap) Len() int           { return len(h) }
func (h delayedHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h delayedHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *delayedHeap) Push(x any) {
	e := x.(*openJobEntry)
	e.index = len(*h)
	*h = append(*h, e)
}
func (h *delayedHeap) Pop() any {
	old := *h
	e := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return e
}
